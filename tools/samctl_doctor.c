/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl doctor: one check after another on the rooms themselves, so that one broken thing does not
 * hide the rest; each with its remedy.
 */
#include "tools/samctl.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"

enum state { FINE, NOTE, PROBLEM };

/* What the checks have opened so far; NULL or false: that check failed, and what needs it is left
 * out. */
struct doctor {
	struct samctl *ctl;
	json_t *checks;
	bool problem, has_config, has_policy;
	struct sam_config config;
	struct sam_policy policy;
	struct sam_cm *cm;
	struct sam_seal *seal;
	struct sam_store *store;
	struct sam_store_head head;
	struct sam_registry *registry;
	const struct sam_snapshot *snapshot;
};

static void tell(struct doctor *d, const char *check, enum state state, const char *remedy,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void tell(struct doctor *d, const char *check, enum state state, const char *remedy,
		 const char *fmt, ...)
{
	static const char *const words[] = { "ok", "note", "problem" };
	char text[640];
	json_t *object;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->problem |= state == PROBLEM;
	if (!d->ctl->json) {
		samctl_colour(state == FINE ? 1 : state == NOTE ? -1 : 0);
		printf("%-8s", words[state]);
		samctl_plain();
		printf("%-12s", check);
		samctl_print_text(text, 0);
		putchar('\n');
		if (state != FINE && remedy) {
			printf("%20s-> ", "");
			samctl_print_text(remedy, 0);
			putchar('\n');
		}
		return;
	}
	object = json_pack("{s:s,s:s,s:s}", "check", check, "state", words[state], "text", text);
	if (state != FINE && remedy)
		json_object_set_new(object, "remedy", json_string(remedy));
	json_array_append_new(d->checks, object);
}

static const char *why(enum sam_reason reason, const struct sam_msg *msg)
{
	return *msg->text ? msg->text : sam_reason_text(reason);
}

/* ---- files ---- */

static void check_config(struct doctor *d)
{
	struct sam_msg msg = { "" };
	char path[PATH_MAX] = "";
	enum sam_reason reason = SAM_CONFIG;

	if (sam_config_find(d->ctl->config, path, sizeof(path)))
		reason = sam_config_load(path, &d->config, &msg);
	d->has_config = reason == SAM_OK;
	if (d->has_config)
		tell(d, "config", FINE, NULL, "%s", d->config.path);
	else
		tell(d, "config", PROBLEM,
		     "p11-sam.yaml(5); P11_SAM_CONFIG or --config names the file", "%s",
		     why(reason, &msg));
}

static void check_file(struct doctor *d, const char *path)
{
	struct sam_msg msg = { "" };

	if (sam_file_trusted(path, geteuid(), &msg) == SAM_OK)
		tell(d, "ownership", FINE, NULL, "%s", path);
	else
		tell(d, "ownership", PROBLEM,
		     "root or the SAM's user owns it and the folders on its way, and nobody else "
		     "writes",
		     "%s", msg.text);
}

static void check_ownership(struct doctor *d)
{
	check_file(d, d->config.path);
	check_file(d, d->config.policy);
	check_file(d, d->config.cm_module);
	if (access(d->config.store, F_OK) == 0)
		check_file(d, d->config.store);
}

static void check_policy(struct doctor *d)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_policy_load(d->config.policy, &d->policy, &msg);
	const char *text;

	d->has_policy = reason == SAM_OK;
	if (!d->has_policy) {
		tell(d, "policy", PROBLEM, "samctl policy check FILE", "%s", why(reason, &msg));
		return;
	}
	tell(d, "policy", FINE, NULL, "%s, level %u", d->policy.path, d->policy.level);
	for (size_t i = 0; (text = sam_policy_statement(&d->policy, i)); i++)
		tell(d, "policy", NOTE, NULL, "%s", text);
	for (size_t i = 0; (text = sam_policy_missing(&d->policy, i)); i++)
		tell(d, "policy", PROBLEM, "this version signs at level 1", "missing: %s", text);
}

static void check_user(struct doctor *d)
{
	const struct passwd *user = getpwnam(d->config.user);
	struct sam_msg msg = { "" };

	if (d->has_policy && sam_open_check_user(&d->config, &d->policy, &msg) != SAM_OK)
		tell(d, "user", PROBLEM, "p11-sam.yaml(5)", "%s", msg.text);
	else if (user && user->pw_uid == geteuid())
		tell(d, "user", FINE, NULL, "%s", d->config.user);
	else
		tell(d, "user", NOTE, "levels 2 and 3 run under the configured user only",
		     "runs under uid %lu, the configuration says %s", (unsigned long)geteuid(),
		     d->config.user);
}

static void check_clock(struct doctor *d)
{
	struct sam_clock_state clock;

	sam_clock_sync_state(&clock);
	if (clock.synchronised)
		tell(d, "clock", FINE, NULL, "synchronised, error at most %" PRId64 " us",
		     clock.error_us);
	else
		tell(d, "clock", d->has_policy && d->policy.level > 1 ? PROBLEM : NOTE,
		     "run chrony or systemd-timesyncd: a SAD lives for minutes",
		     "the kernel's clock is not synchronised");
}

/* ---- the CM ---- */

static void check_mechanisms(struct doctor *d)
{
	size_t lacking = 0;

	for (size_t i = 0; i < d->policy.mechanism_count; i++) {
		if (sam_cm_has(d->cm, d->policy.mechanisms[i]))
			continue;
		tell(d, "mechanisms", NOTE, "take it out of the policy, or use another CM",
		     "the CM lacks what %s needs", d->policy.mechanisms[i]->name);
		lacking++;
	}
	if (d->policy.mechanism_count == 0 || lacking < d->policy.mechanism_count)
		tell(d, "mechanisms", FINE, NULL, "%zu of the policy's %zu",
		     d->policy.mechanism_count - lacking, d->policy.mechanism_count);
	else
		tell(d, "mechanisms", PROBLEM, "use a CM that can sign",
		     "none that the policy allows");
}

static void check_cm(struct doctor *d)
{
	struct sam_msg msg = { "" };
	struct sam_cm_info info;
	uint8_t bytes[32];
	enum sam_reason reason = sam_open_cm(&d->config, &d->cm, &msg);

	if (reason != SAM_OK) {
		tell(d, "cm", PROBLEM, sam_reason_text(reason), "%s", why(reason, &msg));
		return;
	}
	sam_cm_info(d->cm, &info);
	tell(d, "cm", FINE, NULL, "%s %s, token %s, logged in", info.manufacturer, info.model,
	     info.label);
	reason = sam_cm_random(d->cm, bytes, sizeof(bytes));
	if (reason == SAM_OK)
		tell(d, "random", FINE, NULL, "the CM's generator answers and passes its test");
	else
		tell(d, "random", PROBLEM, "see the log", "%s", sam_reason_text(reason));
	if (d->has_policy)
		check_mechanisms(d);
}

static void check_seal(struct doctor *d)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_open_seal(d->cm, &d->seal, &msg);

	if (reason == SAM_OK)
		tell(d, "seal", FINE, NULL, "the CM holds the sealing key");
	else
		tell(d, "seal", PROBLEM, "name the token of `samctl init` in cm.token", "%s",
		     why(reason, &msg));
}

/* ---- the store ---- */

static void check_store(struct doctor *d)
{
	const struct sam_store_options options = {
		.path = d->config.store,
		.seal = d->seal,
		.chain = sam_audit_chain,
	};
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_store_open(&options, &d->store, &msg);

	if (reason == SAM_OK)
		reason = sam_store_head(d->store, &d->head);
	if (reason == SAM_OK)
		reason = sam_store_check(d->store, &msg);
	if (reason == SAM_OK)
		tell(d, "store", FINE, NULL, "%s, node %s, sequence %" PRIu64, d->config.store,
		     d->head.node, d->head.sequence);
	else
		tell(d, "store", PROBLEM,
		     reason == SAM_STORE_MISSING ? "samctl init"
						 : "restore a backup; keep this file as evidence",
		     "%s", why(reason, &msg));
}

static void check_sealed_policy(struct doctor *d)
{
	if (sam_mem_equal(d->head.policy_sha256, d->policy.sha256, sizeof(d->policy.sha256)))
		tell(d, "policy", FINE, NULL, "is the one sealed in the store");
	else
		tell(d, "policy", PROBLEM, "put the sealed file back", "%s",
		     sam_reason_text(SAM_POLICY_CHANGED));
}

static void check_keys(struct doctor *d)
{
	size_t absent = 0;

	for (size_t i = 0; i < d->snapshot->key_count; i++) {
		const struct sam_key *key = &d->snapshot->keys[i];
		enum sam_reason reason = sam_cm_key_present(d->cm, key->cm_id);

		if (reason == SAM_OK)
			continue;
		tell(d, "keys", PROBLEM, "restore the CM's token from its backup", "%s of %s: %s",
		     key->credential, key->signer, sam_reason_text(reason));
		absent++;
	}
	if (absent == 0)
		tell(d, "keys", FINE, NULL, "all %zu registered keys are in the CM",
		     d->snapshot->key_count);
}

static void check_registry(struct doctor *d)
{
	enum sam_reason reason = sam_registry_open(d->store, d->seal, &d->registry);
	size_t officers = 0, auditors = 0;

	if (reason == SAM_OK)
		reason = sam_registry_get(d->registry, &d->snapshot);
	if (reason != SAM_OK) {
		tell(d, "registry", PROBLEM, "restore a backup; keep this file as evidence", "%s",
		     sam_reason_text(reason));
		return;
	}
	for (size_t i = 0; i < d->snapshot->principal_count; i++) {
		officers += d->snapshot->principals[i].role == SAM_ROLE_SECURITY_OFFICER;
		auditors += d->snapshot->principals[i].role == SAM_ROLE_AUDITOR;
	}
	if (officers && auditors)
		tell(d, "registry", FINE, NULL, "%zu principals, %zu signers, %zu authenticators",
		     d->snapshot->principal_count, d->snapshot->signer_count,
		     d->snapshot->authenticator_count);
	else
		tell(d, "registry", PROBLEM, "samctl init was interrupted: samctl-init(1)",
		     "there is no security officer, or no auditor");
	check_keys(d);
}

/* ---- the audit trail ---- */

struct found {
	bool is;
	uint8_t hash[32];
	int64_t time_us;
};

static enum sam_reason note_row(void *arg, const struct sam_audit_row *row)
{
	struct found *found = arg;

	found->is = true;
	memcpy(found->hash, row->hash, sizeof(found->hash));
	found->time_us = row->time_us;
	return SAM_OK;
}

static void check_audit(struct doctor *d)
{
	struct found last = { false };
	struct sam_audit_filter filter = { .from_seq = d->head.audit_seq,
					   .to_seq = d->head.audit_seq };
	enum sam_reason reason = sam_store_audit_read(d->store, &filter, note_row, &last);
	bool same = last.is && memcmp(last.hash, d->head.audit_hash, sizeof(last.hash)) == 0;

	if (reason == SAM_OK && (same || d->head.audit_seq == 0))
		tell(d, "audit", FINE, NULL,
		     "%" PRIu64 " records, the last is the one that is sealed", d->head.audit_seq);
	else
		tell(d, "audit", PROBLEM, "samctl audit verify", "%s",
		     reason == SAM_OK ? "the last record is not the one that is sealed"
				      : sam_reason_text(reason));
}

enum { MAINTAIN_LATE_S = 2 * 86400 }; /* it leaves a record once a day at least */

/* The module starts no threads: what is due by time needs the timer. */
static void check_maintain(struct doctor *d)
{
	int64_t late = sam_clock_us() - (int64_t)MAINTAIN_LATE_S * 1000000;
	struct found first = { false };
	struct sam_audit_filter oldest = { .from_seq = 1, .to_seq = 1 };
	bool ran = false;

	if (sam_store_audit_read(d->store, &oldest, note_row, &first) != SAM_OK ||
	    samctl_maintained(d->store, late, &ran) != SAM_OK)
		tell(d, "maintain", PROBLEM, "samctl audit verify", "the trail cannot be read");
	else if (ran)
		tell(d, "maintain", FINE, NULL, "has run in the last two days");
	else if (first.is && first.time_us > late)
		tell(d, "maintain", FINE, NULL, "not due: the store is younger than two days");
	else
		tell(d, "maintain", PROBLEM,
		     "run `samctl maintain` every five minutes (samctl-maintain.timer)",
		     "has not run for two days");
}

static void examine(struct doctor *d)
{
	check_config(d);
	if (d->has_config) {
		check_ownership(d);
		check_policy(d);
		check_user(d);
		check_cm(d);
	}
	check_clock(d);
	if (d->cm)
		check_seal(d);
	if (d->seal)
		check_store(d);
	if (!d->store || !*d->head.node)
		return;
	if (d->has_policy)
		check_sealed_policy(d);
	check_registry(d);
	check_audit(d);
	check_maintain(d);
}

static void clear(struct doctor *d)
{
	if (d->snapshot)
		sam_registry_put(d->snapshot);
	sam_registry_close(d->registry);
	sam_store_close(d->store);
	sam_seal_free(d->seal);
	if (d->cm)
		sam_cm_close(d->cm);
	free(d);
}

int samctl_doctor(struct samctl *ctl)
{
	struct doctor *d = calloc(1, sizeof(*d));
	int status = SAMCTL_DONE;
	bool problem;

	if (!d || sam_ossl_start() != SAM_OK) {
		free(d);
		return samctl_fail(ctl, SAM_RANDOM, NULL);
	}
	d->ctl = ctl;
	d->checks = json_array();
	examine(d);
	problem = d->problem;
	if (ctl->json)
		status = samctl_print_object(
			ctl, json_pack("{s:b,s:O}", "ok", (int)!problem, "checks", d->checks));
	json_decref(d->checks);
	clear(d);
	return problem ? SAMCTL_FAILED : status;
}
