/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening and closing one SAM: configuration, policy, CM, store, registry, audit, in this order; every
 * failure closes what was opened.
 */
#include "sap/internal.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/encode.h"
#include "base/log.h"
#include "base/ossl.h"
#include "registry/edit.h"

/* Levels 2 and 3 run apart, under a user of their own that alone can read the CM's PIN. */
enum sam_reason sam_open_check_user(const struct sam_config *config, const struct sam_policy *policy,
				    struct sam_msg *msg)
{
	if (policy->level < 2)
		return SAM_OK;
	struct passwd entry, *found = NULL;
	char buffer[4096];
	if (getpwnam_r(config->user, &entry, buffer, sizeof buffer, &found) != 0 || !found ||
	    found->pw_uid != geteuid()) {
		sam_msg_set(msg, "level %u runs as the user %s only, not as uid %lu", policy->level, config->user,
			    (unsigned long)geteuid());
		return SAM_USER;
	}
	if (!config->root_owned && strcmp(config->path, SAM_CONFIG_PATH) != 0) {
		sam_msg_set(msg, "%s: at level %u the configuration is %s, or it and its folders belong to root",
			    config->path, policy->level, SAM_CONFIG_PATH);
		return SAM_CONFIG;
	}
	return SAM_OK;
}

static enum sam_reason load_files(struct sam *sam, const char *config_path, enum sam_open_mode mode,
				  struct sam_msg *msg)
{
	char path[PATH_MAX];
	if (!sam_config_find(config_path, path, sizeof path)) {
		sam_msg_set(msg, "the configuration's path is too long");
		return SAM_CONFIG;
	}
	enum sam_reason reason = sam_config_load(path, &sam->config, msg);
	if (reason != SAM_OK)
		return reason;
	if (mode == SAM_OPEN_MODULE && !sam_log_open(sam->config.log, msg))
		return SAM_CONFIG;
	reason = sam_policy_load(sam->config.policy, &sam->policy, msg);
	return reason == SAM_OK ? sam_open_check_user(&sam->config, &sam->policy, msg) : reason;
}

enum sam_reason sam_open_cm(const struct sam_config *config, bool again, struct sam_cm **cm, struct sam_msg *msg)
{
	char memo[PATH_MAX + 16];
	snprintf(memo, sizeof memo, "%s.cm-refused", config->store);
	struct sam_cm_options options = {
		.module = config->cm_module,
		.token = config->cm_token[0] ? config->cm_token : NULL,
		.serial = config->cm_serial[0] ? config->cm_serial : NULL,
		.pin_source = config->cm_pin_source,
		.refused_memo = memo,
		.again = again,
		.sessions = config->cm_sessions,
		.recheck_ms = config->cm_recheck_ms,
	};
	return sam_cm_open(&options, cm, msg);
}

enum sam_reason sam_open_seal(struct sam_cm *cm, struct sam_seal **seal, struct sam_msg *msg)
{
	uint8_t root[32];
	enum sam_reason reason = sam_cm_seal_root(cm, root);
	if (reason == SAM_NOT_FOUND) {
		sam_msg_set(msg, "the CM's token holds no sealing key, or two: is it the token of `samctl init`?");
		return SAM_STORE_MISSING;
	}
	if (reason == SAM_OK)
		reason = sam_seal_new(root, seal);
	sam_mem_wipe(root, sizeof root);
	return reason;
}

struct sam_store_options sam_open_options(const struct sam_config *config, struct sam_seal *seal,
					  const struct sam_own *own)
{
	return (struct sam_store_options){
		.path = config->store,
		.seal = seal,
		.chain = sam_audit_chain,
		.witness = &own->witness,
		.migrate = sam_registry_migrate,
		.migrate_arg = seal,
	};
}

/* What decides is what officers signed, or nothing is opened (invariant 9). */
static enum sam_reason check_sealed(struct sam *sam, enum sam_open_mode mode, struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam->registry, &s);
	if (reason != SAM_OK)
		return reason;
	sam_mem_copy_text(sam->own.kid, sizeof sam->own.kid, s->statement_kid);
	if (mode != SAM_OPEN_SIGNING)
		reason = sam_sealed_check(sam->seal, &sam->config, &sam->policy, s, msg);
	sam_registry_put(s);
	return reason;
}

static enum sam_reason open_store(struct sam *sam, enum sam_open_mode mode, struct sam_msg *msg)
{
	sam_own_start(&sam->own, sam->cm, sam->config.sam_id);
	const struct sam_store_options options = sam_open_options(&sam->config, sam->seal, &sam->own);
	enum sam_reason reason = sam_store_open(&options, &sam->store, msg);
	if (reason == SAM_OK)
		reason = sam_registry_open(sam->store, sam->seal, &sam->registry);
	if (reason == SAM_OK)
		reason = sam_audit_start(&sam->audit, sam->store, sam->policy.level, sam->policy.sha256);
	sam->audit_started = reason == SAM_OK;
	return reason == SAM_OK ? check_sealed(sam, mode, msg) : reason;
}

static enum sam_reason record_start(struct sam *sam)
{
	enum { STATEMENTS = 16 };
	struct sam_cm_info info;
	sam_cm_info(sam->cm, &info);
	const char *statements[STATEMENTS + 1];
	size_t n = 0;
	const char *text;
	for (size_t i = 0; n < STATEMENTS && (text = sam_policy_statement(&sam->policy, i)); i++)
		statements[n++] = text;
	statements[n] = NULL;
	struct sam_event event = {
		.type = SAM_EVENT_START,
		.actor_kind = "process",
		.cm_manufacturer = info.manufacturer,
		.cm_model = info.model,
		.cm_firmware = info.firmware,
		.cm_serial = info.serial,
		.statements = n ? statements : NULL,
	};
	return sam_audit_event(&sam->audit, &event, false);
}

/* A store of a version that stated nothing yet has no key of its own: it gets one when officers sign a policy; and
 * where there is one officer, the auditor and that one may make the second, as after init. */
static enum sam_reason make_own_key(struct sam *sam, const struct sam_snapshot *s)
{
	struct sam_event event = {.type = SAM_EVENT_OWN_KEY, .actor_kind = "process", .new_value = sam->own.kid};
	struct sam_edit edit;
	EVP_PKEY *pkey = NULL;
	sam_edit_start(&edit, sam->registry, s);
	enum sam_reason reason = sam_own_create(&sam->own, &pkey);
	if (reason == SAM_OK)
		reason = sam_edit_set_statement_key(&edit, pkey, sam->own.kid);
	if (reason == SAM_OK)
		reason = sam_edit_second_officer(&edit, sam_registry_count(s, SAM_ROLE_SECURITY_OFFICER) == 1);
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, &sam->audit, &event);
	sam_edit_clear(&edit);
	EVP_PKEY_free(pkey);
	return reason;
}

enum sam_reason sam_open_own_key(struct sam *sam, struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_cm_lock(sam->cm, msg); /* two at once would destroy each other's */
	if (reason != SAM_OK)
		return reason;
	reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK) {
		if (!s->statement_key)
			reason = make_own_key(sam, s);
		else
			sam_mem_copy_text(sam->own.kid, sizeof sam->own.kid, s->statement_kid);
		sam_registry_put(s);
	}
	sam_cm_unlock(sam->cm);
	return reason;
}

enum sam_reason sam_open(const char *config_path, enum sam_open_mode mode, struct sam **out, struct sam_msg *msg)
{
	struct sam_msg own = {""};
	if (!msg)
		msg = &own;
	struct sam *sam = calloc(1, sizeof *sam);
	if (!sam)
		return SAM_MEMORY;
	enum sam_reason reason = sam_ossl_start();
	if (reason == SAM_OK)
		reason = sam_jwks_open(&sam->jwks);
	if (reason == SAM_OK)
		reason = load_files(sam, config_path, mode, msg);
	if (reason == SAM_OK)
		reason = sam_open_cm(&sam->config, mode == SAM_OPEN_ENABLING, &sam->cm, msg);
	if (reason == SAM_OK)
		reason = sam_open_seal(sam->cm, &sam->seal, msg);
	if (reason == SAM_OK)
		reason = open_store(sam, mode, msg);
	if (reason == SAM_OK && mode == SAM_OPEN_MODULE) {
		reason = record_start(sam);
		sam->stop_record = reason == SAM_OK;
	}
	if (reason != SAM_OK) {
		if (mode == SAM_OPEN_MODULE)
			sam_log_reason(reason, "%s", msg->text[0] ? msg->text : sam_reason_text(reason));
		sam_close(sam);
		return reason;
	}
	*out = sam;
	return SAM_OK;
}

void sam_close(struct sam *sam)
{
	if (!sam)
		return;
	if (sam->stop_record) {
		struct sam_event event = {.type = SAM_EVENT_STOP, .actor_kind = "process"};
		enum sam_reason reason = sam_audit_event(&sam->audit, &event, false);
		if (reason != SAM_OK)
			sam_log_reason(reason, "the stop could not be recorded");
	}
	if (sam->audit_started)
		sam_audit_end(&sam->audit);
	sam_jwks_close(sam->jwks);
	sam_registry_close(sam->registry);
	sam_store_close(sam->store);
	sam_seal_free(sam->seal);
	sam_cm_close(sam->cm);
	free(sam);
}

void sam_abandon(struct sam *sam)
{
	if (!sam)
		return;
	/* The parent's locks, files and CM sessions are not ours to close; the memory is left to the
	 * parent's copy of the heap, whose locks another thread may have held at the fork. */
	sam_store_abandon(sam->store);
	sam_cm_abandon(sam->cm);
}

const struct sam_config *sam_config(const struct sam *sam) { return &sam->config; }
const struct sam_policy *sam_policy(const struct sam *sam) { return &sam->policy; }
struct sam_store *sam_store(struct sam *sam) { return sam->store; }
struct sam_registry *sam_registry(struct sam *sam) { return sam->registry; }
struct sam_audit *sam_audit(struct sam *sam) { return &sam->audit; }
struct sam_cm *sam_cm(struct sam *sam) { return sam->cm; }
const struct sam_seal *sam_seal(struct sam *sam) { return sam->seal; }
struct sam_own *sam_own(struct sam *sam) { return &sam->own; }

void sam_token_info(struct sam *sam, struct sam_token_info *out)
{
	uint8_t id[32];
	memset(out, 0, sizeof *out);
	sam_mem_copy_text(out->label, sizeof out->label, sam->config.label);
	strcpy(out->manufacturer, "p11-sam");
	strcpy(out->model, "SAM");
	/* The serial number tells SAMs apart, not CMs: applications' URIs survive a change of HSM. */
	if (sam_ossl_digest(SAM_HASH_SHA256, sam->config.sam_id, strlen(sam->config.sam_id), id) == SAM_OK)
		sam_encode_hex(id, 8, out->serial);
	out->present = sam_cm_token_present(sam->cm);
	out->protected_path = sam->config.protected_path;
}

enum sam_reason sam_random(struct sam *sam, void *out, size_t len)
{
	return sam_cm_random(sam->cm, out, len);
}
