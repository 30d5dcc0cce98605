/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a container: its form, and with a key what is in it. What is hashed is what was parsed and decrypted, in
 * one pass, so that nobody can change the file between the two.
 */
#include "admin/container.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/container_chunk.h"
#include "sap/jwe.h"

enum { SEALED = SAM_CONTAINER_CHUNK + SAM_GCM_TAG };

/* Where its parts lie. */
struct layout {
	uint64_t data, jws; /* where they begin; line 1 ends at data */
	uint64_t chunks;
	size_t last; /* bytes of the last chunk, without its tag */
};

static enum sam_reason damaged(struct sam_msg *msg, const char *why)
{
	sam_msg_set(msg, "%s", why);
	return SAM_BACKUP;
}

static enum sam_reason get(int fd, uint64_t offset, void *data, size_t len, struct sam_msg *msg)
{
	uint8_t *p = data;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sam_msg_set(msg, "it cannot be read: %s", strerror(errno));
			return SAM_STORE_FAILED;
		}
		if (n == 0)
			return damaged(msg, "it is cut");
		p += n;
		offset += (size_t)n;
		len -= (size_t)n;
	}
	return SAM_OK;
}

/* ---- trailer ---- */

static bool read_length(const char *text, size_t *out)
{
	static const char digits[] = "0123456789abcdef";
	*out = 0;
	for (unsigned i = 0; i < 8; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return false;
		*out = *out << 4 | (size_t)(digit - digits);
	}
	return text[8] == '\n' && *out >= 1 && *out <= SAM_CONTAINER_JWS_MAX;
}

static enum sam_reason read_trailer(int fd, uint64_t size, struct layout *at, char **jws, struct sam_msg *msg)
{
	char length[SAM_CONTAINER_LENGTH];
	size_t len;
	if (size < SAM_CONTAINER_LENGTH)
		return damaged(msg, "it is no backup, or cut: it has no trailer");
	enum sam_reason reason = get(fd, size - SAM_CONTAINER_LENGTH, length, sizeof length, msg);
	if (reason != SAM_OK)
		return reason;
	if (!read_length(length, &len) || len > size - SAM_CONTAINER_LENGTH)
		return damaged(msg, "it is no backup, or cut: it has no trailer");
	at->jws = size - SAM_CONTAINER_LENGTH - len;
	*jws = malloc(len + 1);
	if (!*jws)
		return SAM_MEMORY;
	reason = get(fd, at->jws, *jws, len, msg);
	(*jws)[len] = '\0';
	for (size_t i = 0; reason == SAM_OK && i < len; i++)
		if ((*jws)[i] <= ' ' || (*jws)[i] > '~')
			reason = damaged(msg, "its trailer is no JWS");
	return reason;
}

/* ---- line 1 ---- */

static enum sam_reason check_header(const json_t *header, struct sam_msg *msg)
{
	const json_t *version = json_object_get(header, SAM_CONTAINER_VERSION_KEY);
	const json_t *keys = json_object_get(header, "keys"), *key;
	const char *enc = json_string_value(json_object_get(header, "enc"));
	size_t i;
	if (!json_is_integer(version))
		return damaged(msg, "it is no backup: its first line does not say so");
	if (json_integer_value(version) != SAM_CONTAINER_VERSION)
		return damaged(msg, "it is of another version of the format");
	if (json_integer_value(json_object_get(header, "chunk")) != SAM_CONTAINER_CHUNK || !enc ||
	    strcmp(enc, SAM_CONTAINER_ENC) != 0)
		return damaged(msg, "it is encrypted otherwise than this version does");
	if (json_array_size(keys) < 1 || json_array_size(keys) > SAM_CONTAINER_RECIPIENTS)
		return damaged(msg, "it has no recipients, or too many");
	json_array_foreach (keys, i, key)
		if (!json_is_string(key))
			return damaged(msg, "its `keys` are malformed");
	return SAM_OK;
}

/* ${line}: at least SAM_CONTAINER_HEADER_MAX bytes. */
static enum sam_reason read_line(int fd, char *line, struct layout *at, json_t **header, struct sam_msg *msg)
{
	size_t len = at->jws < SAM_CONTAINER_HEADER_MAX ? (size_t)at->jws : SAM_CONTAINER_HEADER_MAX;
	enum sam_reason reason = get(fd, 0, line, len, msg);
	if (reason != SAM_OK)
		return reason;
	const char *end = memchr(line, '\n', len);
	*header = end ? sam_jose_json(line, (size_t)(end - line)) : NULL;
	if (!*header)
		return damaged(msg, "it is no backup: its first line is no JSON object");
	at->data = (uint64_t)(end - line) + 1;
	return check_header(*header, msg);
}

static enum sam_reason lay_out_chunks(struct layout *at, struct sam_msg *msg)
{
	uint64_t size = at->jws - at->data;
	at->chunks = size / SEALED + (size % SEALED != 0);
	if (at->chunks < 1)
		return damaged(msg, "it has no data");
	uint64_t last = size - (at->chunks - 1) * SEALED;
	/* one way to write each length: no empty chunk behind others */
	if (last < SAM_GCM_TAG || (last == SAM_GCM_TAG && at->chunks > 1))
		return damaged(msg, "its data is cut");
	at->last = (size_t)last - SAM_GCM_TAG;
	return SAM_OK;
}

/* ---- data ---- */

static enum sam_reason find_key(const json_t *header, const json_t *jwk, uint8_t out[SAM_GCM_KEY],
				struct sam_msg *msg)
{
	struct sam_secret key = {NULL, 0};
	const json_t *jwe;
	size_t i;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	if (sam_jwe_key(jwk, true, &pkey, msg) != SAM_OK)
		return SAM_BACKUP_KEY;
	enum sam_reason reason = SAM_BACKUP_KEY;
	json_array_foreach (json_object_get(header, "keys"), i, jwe) {
		if (sam_jwe_decrypt(json_string_value(jwe), json_string_length(jwe), jwk, &key) != SAM_OK)
			continue; /* another's */
		reason = key.len == SAM_GCM_KEY ? SAM_OK : damaged(msg, "its content key has a wrong length");
		if (reason == SAM_OK)
			memcpy(out, key.data, SAM_GCM_KEY);
		break;
	}
	sam_secret_clear(&key);
	if (reason == SAM_BACKUP_KEY)
		sam_msg_set(msg, "%s", sam_reason_text(reason));
	return reason;
}

static enum sam_reason read_chunk(struct sam_chunks *c, int fd, const struct layout *at, uint64_t number, bool decrypt,
				  int out_fd, uint8_t *buffer, struct sam_msg *msg)
{
	bool last = number + 1 == at->chunks;
	size_t len = last ? at->last : SAM_CONTAINER_CHUNK;
	enum sam_reason reason = get(fd, at->data + number * SEALED, buffer, len + SAM_GCM_TAG, msg);
	if (reason == SAM_OK)
		reason = sam_chunks_hash(c, buffer, len + SAM_GCM_TAG);
	if (reason != SAM_OK || !decrypt)
		return reason;
	if (!sam_chunks_open(c, buffer, len, last))
		return damaged(msg, "it was changed, or a part of it is missing or moved");
	return out_fd >= 0 ? sam_container_put(out_fd, buffer, len, msg) : SAM_OK;
}

static enum sam_reason read_data(struct sam_chunks *c, int fd, const struct layout *at, bool decrypt, int out_fd,
				 struct sam_msg *msg)
{
	uint8_t *buffer = malloc(SEALED);
	enum sam_reason reason = buffer ? SAM_OK : SAM_MEMORY;
	for (uint64_t i = 0; reason == SAM_OK && i < at->chunks; i++)
		reason = read_chunk(c, fd, at, i, decrypt, out_fd, buffer, msg);
	sam_mem_wipe(buffer, SEALED);
	free(buffer);
	return reason;
}

/* ---- the whole ---- */

static enum sam_reason read_form(int fd, char *line, struct layout *at, struct sam_container_info *info,
				 struct sam_msg *msg)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return damaged(msg, "it is no regular file");
	enum sam_reason reason = read_trailer(fd, (uint64_t)st.st_size, at, &info->jws, msg);
	if (reason == SAM_OK)
		reason = read_line(fd, line, at, &info->header, msg);
	if (reason == SAM_OK)
		reason = lay_out_chunks(at, msg);
	if (reason == SAM_OK)
		info->size = (at->chunks - 1) * SAM_CONTAINER_CHUNK + at->last;
	return reason;
}

enum sam_reason sam_container_read(int fd, const json_t *key, int out_fd, struct sam_container_info *info,
				   struct sam_msg *msg)
{
	struct sam_chunks c = {.hash = NULL};
	struct layout at;
	memset(info, 0, sizeof *info);
	memset(&at, 0, sizeof at);
	if (!key && out_fd >= 0) {
		sam_msg_set(msg, "without a key nothing can be decrypted");
		return SAM_ARGUMENTS;
	}
	sam_auto(sam_free) char *line = malloc(SAM_CONTAINER_HEADER_MAX);
	enum sam_reason reason = line ? read_form(fd, line, &at, info, msg) : SAM_MEMORY;
	if (reason == SAM_OK)
		reason = sam_chunks_start(&c, line, (size_t)at.data);
	if (reason == SAM_OK && key)
		reason = find_key(info->header, key, c.key, msg);
	if (reason == SAM_OK)
		reason = read_data(&c, fd, &at, key != NULL, out_fd, msg);
	if (reason == SAM_OK)
		reason = sam_chunks_finish(&c, info->sha256);
	sam_chunks_clear(&c);
	return reason;
}

void sam_container_clear(struct sam_container_info *info)
{
	json_decref(info->header);
	free(info->jws);
	memset(info, 0, sizeof *info);
}
