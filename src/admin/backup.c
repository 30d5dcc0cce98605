/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making and checking backups of the live store.
 */
#include "admin/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "sap/jwe.h"

/* ---- making one ---- */

struct creating {
	struct sam *sam;
	const struct sam_actors *actors;
	char id[SAM_PENDING_SIZE]; /* of the act, where it takes two */
	const char *path;
	const struct sam_backup_progress *progress;
	struct sam_store_head head;
	uint64_t total;           /* bytes of the copy */
	struct sam_backup_about *about;
	struct sam_msg *msg;
};

static enum sam_reason sign(void *arg, const uint8_t sha256[32], char **jws)
{
	struct creating *c = arg;
	memcpy(c->about->sha256, sha256, sizeof c->about->sha256);
	return sam_own_backup(sam_own(c->sam), &c->head, sha256, jws);
}

static void encrypted(void *arg, uint64_t done)
{
	struct creating *c = arg;
	sam_backup_tell(c->progress, "encrypting", done, c->total);
}

/* Line 1's own members: what anybody may know who holds the file. The key is for auditors without the store; who
 * has the store believes that one alone. */
static enum sam_reason make_header(const struct creating *c, json_t **out)
{
	const struct sam_store_head *head = &c->head;
	const struct sam_snapshot *s;
	struct sam_device own;
	enum sam_reason reason = sam_registry_get(sam_registry(c->sam), &s);
	if (reason != SAM_OK)
		return reason;
	reason = s->statement_key ? sam_own_device(s->statement_key, &own) : SAM_CM_KEY_MISSING;
	sam_registry_put(s);
	if (reason != SAM_OK)
		return reason;
	*out = json_pack("{ss ss sI sI sI ss so}", "node", head->node, "sam_id", sam_config(c->sam)->sam_id, "epoch",
			 (json_int_t)head->epoch, "sequence", (json_int_t)head->sequence, "audit_seq",
			 (json_int_t)head->audit_seq, "kid", own.kid, "jwk", json_loads(own.jwk, 0, NULL));
	sam_device_clear(&own);
	return *out ? SAM_OK : SAM_MEMORY;
}

/* The copy loses its name at once: whatever stops us leaves none behind. */
static enum sam_reason copy_store(struct creating *c, int *fd)
{
	char copy[PATH_MAX + 64];
	struct stat st;
	const char *store = sam_config(c->sam)->store;
	enum sam_reason reason = sam_store_checkpoint(sam_store(c->sam), true);
	if (reason == SAM_OK)
		reason = sam_backup_beside(store, "backup", copy, sizeof copy);
	if (reason != SAM_OK)
		return reason;
	sam_backup_tell(c->progress, "copying the store", 0, 0);
	reason = sam_store_copy(sam_store(c->sam), copy, &c->head);
	if (reason == SAM_OK) {
		*fd = open(copy, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (*fd < 0 || fstat(*fd, &st) != 0)
			reason = sam_log_reason(SAM_STORE_FAILED, "backup: %s: %s", copy, strerror(errno));
		else
			c->total = (uint64_t)st.st_size;
	}
	sam_backup_remove(copy);
	if (reason != SAM_OK)
		sam_msg_set(c->msg, "%s: cannot be copied to a file beside it", store);
	return reason;
}

static enum sam_reason fill(struct creating *c, int fd, json_t *const *recipients, size_t count)
{
	const struct sam_container_hooks hooks = {c, sign, encrypted};
	sam_auto(json_decref) json_t *header = NULL;
	int copy = -1;
	enum sam_reason reason = copy_store(c, &copy);
	c->about->created = sam_clock_now();
	if (reason == SAM_OK)
		reason = make_header(c, &header);
	if (reason == SAM_OK)
		reason = sam_container_write(fd, header, recipients, count, copy, &hooks, c->msg);
	if (copy >= 0)
		close(copy);
	if (reason == SAM_OK && (fsync(fd) != 0 || !sam_backup_sync_folder(c->path))) {
		sam_msg_set(c->msg, "%s: %s", c->path, strerror(errno));
		reason = SAM_STORE_FAILED;
	}
	return reason;
}

/* Who it is for is in the record; what is in it, the sequence and the hash tell. */
static enum sam_reason describe(const struct creating *c, json_t *const *recipients, size_t count, char *out,
				size_t size)
{
	char kid[SAM_THUMBPRINT_LEN + 1], hex[65];
	sam_encode_hex(c->about->sha256, 32, hex);
	int len = snprintf(out, size, "audit_seq %" PRIu64 ", sequence %" PRIu64 ", file_sha256 %s, to",
			   c->head.audit_seq, c->head.sequence, hex);
	enum sam_reason reason = SAM_OK;
	for (size_t i = 0; reason == SAM_OK && i < count && len > 0 && (size_t)len < size; i++) {
		reason = sam_jwe_kid(recipients[i], kid, c->msg);
		if (reason == SAM_OK)
			len += snprintf(out + len, size - (size_t)len, " %s", kid);
	}
	return reason;
}

static enum sam_reason record(struct creating *c, json_t *const *recipients, size_t count, enum sam_reason why)
{
	char text[SAM_CONTAINER_RECIPIENTS * (SAM_THUMBPRINT_LEN + 1) + 256] = "";
	struct sam_event event = {
		.type = SAM_EVENT_BACKUP,
		.reason = why,
		.target = sam_backup_name(c->path),
		.detail = why != SAM_OK && c->msg->text[0] ? c->msg->text : NULL,
		.reference = c->id[0] ? c->id : NULL,
	};
	struct sam_event second;
	enum sam_reason reason = SAM_OK;
	if (why == SAM_OK) {
		reason = describe(c, recipients, count, text, sizeof text);
		event.new_value = text;
	}
	sam_person_describe(&event, &c->actors->first, sam_act_info(SAM_ACT_BACKUP_CREATE)->first);
	if (reason == SAM_OK)
		reason = sam_audit_event(sam_audit(c->sam), &event, true);
	if (reason != SAM_OK || why != SAM_OK || !c->id[0])
		return reason;
	sam_act_confirmed(c->actors, SAM_ACT_BACKUP_CREATE, c->id, event.target, &second);
	return sam_audit_event(sam_audit(c->sam), &second, true);
}

static enum sam_reason create(struct creating *c, json_t *const *recipients, size_t count)
{
	int fd = open(c->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		sam_msg_set(c->msg, "%s: %s", c->path, strerror(errno));
		return errno == EEXIST ? SAM_EXISTS : SAM_STORE_FAILED;
	}
	enum sam_reason reason = fill(c, fd, recipients, count);
	if (close(fd) != 0 && reason == SAM_OK)
		reason = SAM_STORE_FAILED;
	if (reason == SAM_OK)
		reason = record(c, recipients, count, SAM_OK);
	if (reason != SAM_OK)
		unlink(c->path);
	return reason;
}

enum sam_reason sam_backup_create(struct sam *sam, const struct sam_actors *actors, const char *path,
				  json_t *const *recipients, size_t count, const struct sam_backup_progress *progress,
				  struct sam_backup_about *about, struct sam_msg *msg)
{
	struct sam_msg own = {""};
	struct creating c = {.sam = sam, .actors = actors, .path = path, .progress = progress, .about = about,
			     .msg = msg ? msg : &own};
	memset(about, 0, sizeof *about);
	enum sam_reason reason = sam_act_check(sam, actors, SAM_ACT_BACKUP_CREATE, c.id);
	if (reason == SAM_OK && count == 0) {
		sam_msg_set(c.msg, "a backup needs somebody who can open it");
		reason = SAM_ARGUMENTS;
	}
	if (reason == SAM_OK)
		reason = create(&c, recipients, count);
	if (reason == SAM_OK) {
		memcpy(about->node, c.head.node, sizeof about->node);
		memcpy(about->audit_hash, c.head.audit_hash, sizeof about->audit_hash);
		about->epoch = c.head.epoch;
		about->sequence = c.head.sequence;
		about->audit_seq = c.head.audit_seq;
		about->size = c.total;
		return SAM_OK;
	}
	enum sam_reason recorded = record(&c, recipients, count, reason);
	return recorded == SAM_OK ? reason : recorded;
}

/* ---- checking one ---- */

/* Every row, under this CM's seal; then as the registry reads it. */
static enum sam_reason check_store(struct sam *sam, const char *path, struct sam_backup_about *about,
				   struct sam_msg *msg)
{
	struct sam_store_options options =
		sam_open_options(sam_config(sam), (struct sam_seal *)sam_seal(sam), sam_own(sam));
	struct sam_store *store = NULL;
	struct sam_registry *registry = NULL;
	const struct sam_snapshot *s = NULL;
	struct sam_store_head head;
	options.path = path;
	options.witness = NULL;
	options.restoring = true;
	enum sam_reason reason = sam_store_adopt(&options, msg);
	if (reason == SAM_OK)
		reason = sam_store_open(&options, &store, msg);
	if (reason == SAM_OK)
		reason = sam_store_head(store, &head);
	if (reason == SAM_OK)
		reason = sam_backup_same(about, &head, msg);
	if (reason == SAM_OK)
		reason = sam_registry_open(store, options.seal, &registry);
	if (reason == SAM_OK)
		reason = sam_registry_get(registry, &s);
	if (reason == SAM_OK) {
		about->opened = true;
		about->principals = s->principal_count;
		about->signers = s->signer_count;
		about->keys = s->key_count;
		sam_registry_put(s);
	}
	sam_registry_close(registry);
	sam_store_close(store);
	return reason;
}

static enum sam_reason verify(struct sam *sam, int fd, const json_t *key, const struct sam_snapshot *s,
			      const struct sam_backup_progress *progress, struct sam_backup_about *about,
			      struct sam_msg *msg)
{
	char beside[PATH_MAX + 64];
	struct sam_container_info info = {.jws = NULL};
	enum sam_reason reason = SAM_OK;
	if (key)
		reason = sam_backup_beside(sam_config(sam)->store, "verify", beside, sizeof beside);
	if (reason != SAM_OK)
		return reason;
	sam_backup_tell(progress, key ? "decrypting" : "reading", 0, 0);
	reason = key ? sam_backup_take_out(fd, key, beside, &info, msg) : sam_container_read(fd, NULL, -1, &info, msg);
	if (reason == SAM_OK)
		reason = sam_backup_signed(sam_config(sam)->sam_id, s->statement_key, &info, about, msg);
	if (reason == SAM_OK && key) {
		sam_backup_tell(progress, "checking every row", 0, 0);
		reason = check_store(sam, beside, about, msg);
	}
	if (key)
		sam_backup_remove(beside);
	sam_container_clear(&info);
	return reason;
}

enum sam_reason sam_backup_verify(struct sam *sam, const char *path, const json_t *key,
				  const struct sam_backup_progress *progress, struct sam_backup_about *about,
				  struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	struct sam_msg why = {""};
	int fd = -1;
	memset(about, 0, sizeof *about);
	enum sam_reason reason = sam_backup_open(path, &fd, msg);
	if (reason != SAM_OK)
		return reason;
	reason = sam_registry_get(sam_registry(sam), &s);
	if (reason == SAM_OK) {
		reason = verify(sam, fd, key, s, progress, about, &why);
		sam_registry_put(s);
	}
	close(fd);
	if (reason != SAM_OK && why.text[0])
		sam_msg_set(msg, "%s: %.400s", sam_backup_name(path), why.text);
	return reason;
}
