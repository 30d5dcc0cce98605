/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A backup's file, taken apart.
 */
#include "admin/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/encode.h"
#include "base/log.h"

enum { RANDOM_BYTES = 8 };

/* ---- files ---- */

static enum sam_reason failed(enum sam_reason reason, struct sam_msg *msg, const char *path)
{
	sam_msg_set(msg, "%s: %s", path, strerror(errno));
	return reason;
}

enum sam_reason sam_backup_open(const char *path, int *fd, struct sam_msg *msg)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return *fd < 0 ? failed(SAM_BACKUP, msg, path) : SAM_OK;
}

enum sam_reason sam_backup_take_out(int fd, const json_t *key, const char *to, struct sam_container_info *info,
				    struct sam_msg *msg)
{
	memset(info, 0, sizeof *info);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return failed(SAM_STORE_FAILED, msg, to);
	enum sam_reason reason = sam_container_read(fd, key, out, info, msg);
	if (reason == SAM_OK && fsync(out) != 0)
		reason = failed(SAM_STORE_FAILED, msg, to);
	if (close(out) != 0 && reason == SAM_OK)
		reason = failed(SAM_STORE_FAILED, msg, to);
	if (reason != SAM_OK)
		unlink(to);
	return reason;
}

enum sam_reason sam_backup_beside(const char *store, const char *word, char *out, size_t size)
{
	uint8_t random[RANDOM_BYTES];
	char hex[2 * RANDOM_BYTES + 1];
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(random, sizeof random, hex);
	int len = snprintf(out, size, "%s.%s.%s", store, word, hex);
	return len > 0 && (size_t)len < size ? SAM_OK : SAM_ARGUMENTS;
}

void sam_backup_remove(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".mark", ".lock"};
	char name[PATH_MAX + 64];
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (snprintf(name, sizeof name, "%s%s", path, suffixes[i]) < (int)sizeof name &&
		    unlink(name) != 0 && errno != ENOENT)
			sam_log(SAM_LOG_WARNING, "backup: %s: %s", name, strerror(errno));
}

bool sam_backup_sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

const char *sam_backup_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

void sam_backup_tell(const struct sam_backup_progress *progress, const char *what, uint64_t done, uint64_t total)
{
	if (progress)
		progress->tell(progress->arg, what, done, total);
}

/* ---- whose it is ---- */

static enum sam_reason damaged(struct sam_msg *msg, const char *what)
{
	sam_msg_set(msg, "%s", what);
	return SAM_BACKUP;
}

static bool read_number(const json_t *claims, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(claims, name);
	*out = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool read_hash(const json_t *claims, const char *name, uint8_t out[32])
{
	const char *hex = json_string_value(json_object_get(claims, name));
	size_t len;
	return hex && sam_decode_hex(hex, strlen(hex), out, 32, &len) && len == 32;
}

static enum sam_reason read_claims(const json_t *claims, const uint8_t sha256[32], struct sam_backup_about *about,
				   struct sam_msg *msg)
{
	const char *iss = json_string_value(json_object_get(claims, "iss"));
	uint64_t iat;
	if (!iss || !sam_mem_copy_text(about->node, sizeof about->node, iss) || !read_number(claims, "iat", &iat) ||
	    !read_number(claims, "epoch", &about->epoch) || !read_number(claims, "sequence", &about->sequence) ||
	    !read_number(claims, "audit_seq", &about->audit_seq) ||
	    !read_hash(claims, "audit_hash", about->audit_hash) || !read_hash(claims, "file_sha256", about->sha256))
		return damaged(msg, "its signature lacks a claim");
	if (!sam_mem_equal(about->sha256, sha256, sizeof about->sha256))
		return damaged(msg, "it was changed after it was signed");
	about->created = (int64_t)iat;
	return SAM_OK;
}

enum sam_reason sam_backup_signed(const char *sam_id, EVP_PKEY *key, const struct sam_container_info *info,
				  struct sam_backup_about *about, struct sam_msg *msg)
{
	struct sam_device device = {.jwk = NULL};
	json_t *claims = NULL;
	memset(about, 0, sizeof *about);
	about->size = info->size;
	if (!key)
		return damaged(msg, "there is no key to verify its signature with");
	enum sam_reason reason = sam_own_device(key, &device);
	if (reason != SAM_OK)
		return reason;
	reason = sam_own_verify(&device, sam_id, SAM_TYP_BACKUP, info->jws, strlen(info->jws), &claims);
	sam_device_clear(&device);
	if (reason == SAM_SAD_KEY_UNKNOWN)
		reason = damaged(msg, "it is signed with another key than this SAM's: another SAM's, or another CM's");
	else if (reason == SAM_SAD_AUDIENCE)
		reason = damaged(msg, "it was made by another SAM (aud is not sam_id)");
	else if (reason != SAM_OK && reason != SAM_MEMORY)
		reason = damaged(msg, "its signature is wrong");
	if (reason == SAM_OK)
		reason = read_claims(claims, info->sha256, about, msg);
	json_decref(claims);
	return reason;
}

enum sam_reason sam_backup_same(const struct sam_backup_about *about, const struct sam_store_head *head,
				struct sam_msg *msg)
{
	if (strcmp(about->node, head->node) == 0 && about->sequence == head->sequence && about->epoch == head->epoch &&
	    about->audit_seq == head->audit_seq &&
	    sam_mem_equal(about->audit_hash, head->audit_hash, sizeof about->audit_hash))
		return SAM_OK;
	return damaged(msg, "the store in it is another than its signature names");
}
