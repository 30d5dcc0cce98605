/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a restore stands on, opened without a live store that could be relied upon; and who does it.
 */
#include "admin/restore_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/encode.h"
#include "base/log.h"

/* ---- what it stands on ---- */

static enum sam_reason load_files(struct sam_restoring *r)
{
	char path[PATH_MAX];
	if (!sam_config_find(r->order->config, path, sizeof path)) {
		sam_msg_set(r->msg, "the configuration's path is too long");
		return SAM_CONFIG;
	}
	enum sam_reason reason = sam_config_load(path, &r->config, r->msg);
	if (reason == SAM_OK)
		reason = sam_policy_load(r->config.policy, &r->policy, r->msg);
	return reason == SAM_OK ? sam_open_check_user(&r->config, &r->policy, r->msg) : reason;
}

static enum sam_reason lock_folder(struct sam_restoring *r)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(r->config.store, '/');
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - r->config.store) + 1 : 1,
		 slash ? r->config.store : ".");
	r->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->folder >= 0 && flock(r->folder, LOCK_EX | LOCK_NB) == 0)
		return SAM_OK;
	bool busy = r->folder >= 0 && errno == EWOULDBLOCK;
	sam_msg_set(r->msg, "%s: %s", folder, busy ? "another restore is under way" : strerror(errno));
	if (r->folder >= 0)
		close(r->folder);
	r->folder = -1; /* what lies there is the other's */
	return busy ? SAM_STORE_BUSY : SAM_STORE_FAILED;
}

enum sam_reason sam_restoring_start(struct sam_restoring *r)
{
	r->folder = r->file = -1;
	enum sam_reason reason = sam_ossl_start();
	if (reason == SAM_OK)
		reason = load_files(r);
	if (reason == SAM_OK)
		reason = sam_open_cm(&r->config, false, &r->cm, r->msg);
	if (reason == SAM_OK)
		reason = sam_open_seal(r->cm, &r->seal, r->msg);
	if (reason != SAM_OK)
		return reason;
	sam_own_start(&r->own, r->cm, r->config.sam_id);
	snprintf(r->path, sizeof r->path, "%s.restore", r->config.store);
	reason = lock_folder(r);
	return reason == SAM_OK ? sam_backup_open(r->order->file, &r->file, r->msg) : reason;
}

void sam_restoring_end(struct sam_restoring *r)
{
	sam_replay_clear(&r->replay);
	sam_registry_put(r->s);
	sam_restoring_close(&r->fresh);
	sam_restoring_close(&r->live);
	sam_seal_free(r->seal);
	sam_cm_close(r->cm);
	if (r->file >= 0)
		close(r->file);
	if (r->folder >= 0)
		close(r->folder);
}

/* ---- stores ---- */

struct sam_store_options sam_restoring_options(const struct sam_restoring *r, const char *path)
{
	struct sam_store_options options = sam_open_options(&r->config, r->seal, &r->own);
	options.path = path;
	return options;
}

enum sam_reason sam_restoring_open(struct sam_restoring *r, struct sam_restore_side *side, const char *path,
				   bool restoring)
{
	struct sam_store_options options = sam_restoring_options(r, path);
	const struct sam_snapshot *s;
	options.restoring = restoring;
	enum sam_reason reason = sam_store_open(&options, &side->store, r->msg);
	if (reason == SAM_OK)
		reason = sam_registry_open(side->store, r->seal, &side->registry);
	if (reason == SAM_OK)
		reason = sam_audit_start(&side->audit, side->store, r->policy.level, r->policy.sha256);
	side->audited = reason == SAM_OK;
	if (reason == SAM_OK)
		reason = sam_registry_get(side->registry, &s);
	if (reason != SAM_OK)
		return reason;
	sam_mem_copy_text(r->own.kid, sizeof r->own.kid, s->statement_kid);
	sam_registry_put(s);
	return SAM_OK;
}

void sam_restoring_close(struct sam_restore_side *side)
{
	if (side->audited)
		sam_audit_end(&side->audit);
	sam_registry_close(side->registry);
	sam_store_close(side->store);
	*side = (struct sam_restore_side){.name = side->name};
}

enum sam_reason sam_restoring_open_live(struct sam_restoring *r)
{
	enum sam_reason reason = sam_restoring_open(r, &r->live, r->config.store, false);
	if (reason == SAM_OK)
		reason = sam_store_check(r->live.store, r->msg);
	if (reason == SAM_OK)
		return SAM_OK;
	sam_restoring_close(&r->live);
	switch (reason) {
	case SAM_STORE_MISSING:
	case SAM_STORE_TAMPERED:
	case SAM_STORE_FAILED:
		sam_log_reason(reason, "restore: the live store is not asked who may do this");
		sam_msg_set(r->msg, "%s", "");
		return SAM_OK;
	default:
		return reason;
	}
}

/* ---- people ---- */

static enum sam_reason hash_file(int fd, uint8_t out[32])
{
	uint8_t buffer[65536];
	unsigned len;
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
	if (!md || EVP_DigestInit_ex2(md, sam_ossl_md(SAM_HASH_SHA256), NULL) != 1)
		return SAM_MEMORY;
	for (off_t at = 0;;) {
		ssize_t n = pread(fd, buffer, sizeof buffer, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SAM_BACKUP;
		if (n == 0)
			break;
		if (EVP_DigestUpdate(md, buffer, (size_t)n) != 1)
			return SAM_INTERNAL;
		at += n;
	}
	return EVP_DigestFinal_ex(md, out, &len) == 1 ? SAM_OK : SAM_INTERNAL;
}

/* An assertion is about the very file. */
static enum sam_reason check_named(struct sam_restoring *r, const json_t *files)
{
	uint8_t sha256[32];
	char hex[65];
	const char *named = json_string_value(json_object_get(files, r->order->file));
	enum sam_reason reason = hash_file(r->file, sha256);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(sha256, sizeof sha256, hex);
	return named && strcmp(named, hex) == 0 ? SAM_OK : SAM_ASSERTION;
}

static enum sam_reason identify(struct sam_restoring *r, struct sam_restore_side *side, unsigned i)
{
	const struct sam_act_info *act = sam_act_info(SAM_ACT_BACKUP_RESTORE);
	const struct sam_identifier id = {side->registry, &side->audit, r->seal, r->config.sam_id};
	struct sam_msg why = {""};
	json_t *files = NULL;
	enum sam_reason reason =
		sam_person_identify(&id, &r->order->who[i], &r->people[i], &files, &why);
	if (reason == SAM_OK && files)
		reason = check_named(r, files);
	json_decref(files);
	if (reason == SAM_OK && !(r->people[i].roles & (i ? act->second : act->first)))
		reason = SAM_ROLE;
	if (reason != SAM_OK)
		sam_msg_set(r->msg, "refused by %s: %s", side->name, i ? "the security officer" : "the operator");
	return reason;
}

/* invariant 10: two people are two names. */
enum sam_reason sam_restoring_identify(struct sam_restoring *r, struct sam_restore_side *side)
{
	enum sam_reason reason = identify(r, side, 0);
	if (reason == SAM_OK)
		reason = identify(r, side, 1);
	if (reason == SAM_OK && strcmp(r->people[0].name, r->people[1].name) == 0)
		reason = SAM_SECOND_PERSON;
	return reason;
}
