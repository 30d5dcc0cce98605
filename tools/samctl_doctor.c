/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl doctor: one check after another on the rooms themselves, so that one broken thing does not
 * hide the rest; each with its remedy.
 */
#include "tools/samctl_doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "sap/jwks.h"

void samctl_doctor_tell(struct samctl_doctor *d, const char *check, enum samctl_doctor_state state,
			const char *remedy, const char *fmt, ...)
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

const char *samctl_doctor_why(enum sam_reason reason, const struct sam_msg *msg)
{
	return *msg->text ? msg->text : sam_reason_text(reason);
}

/* ---- files ---- */

static void check_config(struct samctl_doctor *d)
{
	struct sam_msg msg = { "" };
	char path[PATH_MAX] = "";
	enum sam_reason reason = SAM_CONFIG;

	if (sam_config_find(d->ctl->config, path, sizeof(path)))
		reason = sam_config_load(path, &d->config, &msg);
	d->has_config = reason == SAM_OK;
	if (d->has_config)
		samctl_doctor_tell(d, "config", FINE, NULL, "%s", d->config.path);
	else
		samctl_doctor_tell(d, "config", PROBLEM,
				   "p11-sam.yaml(5); P11_SAM_CONFIG or --config names the file", "%s",
				   samctl_doctor_why(reason, &msg));
}

static void check_file(struct samctl_doctor *d, const char *path)
{
	struct sam_msg msg = { "" };

	if (sam_file_trusted(path, geteuid(), &msg) == SAM_OK)
		samctl_doctor_tell(d, "ownership", FINE, NULL, "%s", path);
	else
		samctl_doctor_tell(
			d, "ownership", PROBLEM,
			"root or the SAM's user owns it and the folders on its way, and nobody else "
			"writes",
			"%s", msg.text);
}

static void check_ownership(struct samctl_doctor *d)
{
	check_file(d, d->config.path);
	check_file(d, d->config.policy);
	check_file(d, d->config.cm_module);
	if (access(d->config.store, F_OK) == 0)
		check_file(d, d->config.store);
}

static void check_policy(struct samctl_doctor *d)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_policy_load(d->config.policy, &d->policy, &msg);
	const char *text;

	d->has_policy = reason == SAM_OK;
	if (!d->has_policy) {
		samctl_doctor_tell(d, "policy", PROBLEM, "samctl policy check FILE", "%s",
				   samctl_doctor_why(reason, &msg));
		return;
	}
	samctl_doctor_tell(d, "policy", FINE, NULL, "%s, level %u", d->policy.path, d->policy.level);
	for (size_t i = 0; (text = sam_policy_statement(&d->policy, i)); i++)
		samctl_doctor_tell(d, "policy", NOTE, NULL, "%s", text);
}

/* Asked for a key that no file has: whether it can be read is what the answer tells. */
static void check_issuers(struct samctl_doctor *d)
{
	struct sam_jwks_cache *cache = NULL;
	struct sam_jwk none;

	for (size_t i = 0; d->has_policy && i < d->policy.issuer_count; i++) {
		const struct sam_policy_issuer *issuer = &d->policy.issuers[i];
		struct sam_msg msg = { "" };
		enum sam_reason reason = cache ? SAM_OK : sam_jwks_open(&cache);

		if (reason == SAM_OK)
			reason = sam_jwks_find(cache, issuer->jwks, "", &none, &msg);
		if (reason == SAM_SAD_KEY_UNKNOWN)
			samctl_doctor_tell(d, "issuer", FINE, NULL, "%s: %s", issuer->iss, issuer->jwks);
		else
			samctl_doctor_tell(d, "issuer", PROBLEM,
					   "exchange the file as p11-sam-policy(5) says; until then its SADs are refused",
					   "%s: %s", issuer->iss, samctl_doctor_why(reason, &msg));
	}
	sam_jwks_close(cache);
}

/* Clients that see the protected path never send a PIN, and NULL means deferred authorisation alone. */
static void check_path(struct samctl_doctor *d)
{
	if (d->config.protected_path && d->has_policy && !d->policy.deferred)
		samctl_doctor_tell(d, "login", NOTE,
				   "protected_path: false in p11-sam.yaml, or deferred: true under sap: of the policy",
				   "the token has the protected path and the policy does not defer: clients that heed it send "
				   "no PIN, and each of their logins gets CKR_ARGUMENTS_BAD");
}

static void check_user(struct samctl_doctor *d)
{
	const struct passwd *user = getpwnam(d->config.user);
	struct sam_msg msg = { "" };

	if (d->has_policy && sam_open_check_user(&d->config, &d->policy, &msg) != SAM_OK)
		samctl_doctor_tell(d, "user", PROBLEM, "p11-sam.yaml(5)", "%s", msg.text);
	else if (user && user->pw_uid == geteuid())
		samctl_doctor_tell(d, "user", FINE, NULL, "%s", d->config.user);
	else
		samctl_doctor_tell(d, "user", NOTE, "levels 2 and 3 run under the configured user only",
				   "runs under uid %lu, the configuration says %s", (unsigned long)geteuid(),
				   d->config.user);
}

static void check_clock(struct samctl_doctor *d)
{
	struct sam_clock_state clock;

	sam_clock_sync_state(&clock);
	if (clock.synchronised)
		samctl_doctor_tell(d, "clock", FINE, NULL, "synchronised, error at most %" PRId64 " us",
				   clock.error_us);
	else
		samctl_doctor_tell(d, "clock", d->has_policy && d->policy.level > 1 ? PROBLEM : NOTE,
				   "run chrony or systemd-timesyncd: a SAD lives for minutes",
				   "the kernel's clock is not synchronised");
}

/* ---- the CM ---- */

static void check_mechanisms(struct samctl_doctor *d)
{
	size_t lacking = 0;

	for (size_t i = 0; i < d->policy.mechanism_count; i++) {
		if (sam_cm_has(d->cm, d->policy.mechanisms[i]))
			continue;
		samctl_doctor_tell(d, "mechanisms", NOTE, "take it out of the policy, or use another CM",
				   "the CM lacks what %s needs", d->policy.mechanisms[i]->name);
		lacking++;
	}
	if (d->policy.mechanism_count == 0 || lacking < d->policy.mechanism_count)
		samctl_doctor_tell(d, "mechanisms", FINE, NULL, "%zu of the policy's %zu",
				   d->policy.mechanism_count - lacking, d->policy.mechanism_count);
	else
		samctl_doctor_tell(d, "mechanisms", PROBLEM, "use a CM that can sign",
				   "none that the policy allows");
}

/* Is it one of the policy's approved CMs (P3-3.16)? */
static void check_approval(struct samctl_doctor *d, const struct sam_cm_info *info)
{
	const struct sam_policy_cm *entry;
	enum sam_reason reason = sam_policy_cm(&d->policy, info->manufacturer, info->model, info->firmware,
					       sam_clock_now(), &entry);

	if (reason != SAM_OK)
		samctl_doctor_tell(d, "evaluation", PROBLEM,
				   "list it under cms: of the policy, with scheme, certificate and expiry",
				   "%s, %s, firmware %s is no approved CM, or its evaluation has expired",
				   info->manufacturer, info->model, info->firmware);
	else if (entry)
		samctl_doctor_tell(d, "evaluation", entry->scheme == SAM_EVALUATION_NONE ? NOTE : FINE,
				   entry->scheme == SAM_EVALUATION_NONE ? "for tests alone" : NULL, "the CM's: %s",
				   entry->evaluation);
}

static void check_cm(struct samctl_doctor *d)
{
	struct sam_msg msg = { "" };
	struct sam_cm_info info;
	uint8_t bytes[32];
	enum sam_reason reason = sam_open_cm(&d->config, false, &d->cm, &msg);

	if (reason != SAM_OK) {
		samctl_doctor_tell(d, "cm", PROBLEM, sam_reason_text(reason), "%s",
				   samctl_doctor_why(reason, &msg));
		return;
	}
	sam_cm_info(d->cm, &info);
	samctl_doctor_tell(d, "cm", FINE, NULL, "%s %s, token %s, logged in", info.manufacturer, info.model,
			   info.label);
	reason = sam_cm_random(d->cm, bytes, sizeof(bytes));
	if (reason == SAM_OK)
		samctl_doctor_tell(d, "random", FINE, NULL, "the CM's generator answers and passes its test");
	else
		samctl_doctor_tell(d, "random", PROBLEM, "see the log", "%s", sam_reason_text(reason));
	if (!d->has_policy)
		return;
	check_approval(d, &info);
	check_mechanisms(d);
}

static void check_seal(struct samctl_doctor *d)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_open_seal(d->cm, &d->seal, &msg);

	if (reason == SAM_OK)
		samctl_doctor_tell(d, "seal", FINE, NULL, "the CM holds the sealing key");
	else
		samctl_doctor_tell(d, "seal", PROBLEM, "name the token of `samctl init` in cm.token", "%s",
				   samctl_doctor_why(reason, &msg));
}

/* ---- the store ---- */

static void check_store(struct samctl_doctor *d)
{
	struct sam_store_options options;
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	sam_own_start(&d->own, d->cm, d->config.sam_id);
	options = sam_open_options(&d->config, d->seal, &d->own);
	reason = sam_store_open(&options, &d->store, &msg);
	if (reason == SAM_OK)
		reason = sam_store_head(d->store, &d->head);
	if (reason == SAM_OK)
		reason = sam_store_check(d->store, &msg);
	if (reason == SAM_OK)
		samctl_doctor_tell(d, "store", FINE, NULL, "%s, node %s, sequence %" PRIu64, d->config.store,
				   d->head.node, d->head.sequence);
	else
		samctl_doctor_tell(d, "store", PROBLEM,
				   reason == SAM_STORE_MISSING
					   ? "samctl init"
					   : "restore a backup; keep this file as evidence",
				   "%s", samctl_doctor_why(reason, &msg));
}

enum { LOW_MIB = 512, EMPTY_MIB = 64 };

/* Nothing is signed where nothing can be recorded. */
static void check_disk(struct samctl_doctor *d)
{
	struct statvfs fs;
	uint64_t mib;

	if (statvfs(d->config.store, &fs) != 0) {
		samctl_doctor_tell(d, "disk", PROBLEM, "see its folder", "%s: %s", d->config.store,
				   strerror(errno));
		return;
	}
	mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	if (mib < LOW_MIB)
		samctl_doctor_tell(d, "disk", mib < EMPTY_MIB ? PROBLEM : NOTE,
				   "make room: nothing is signed that cannot be recorded",
				   "%" PRIu64 " MiB are left for the store", mib);
	else
		samctl_doctor_tell(d, "disk", FINE, NULL, "%" PRIu64 " MiB are left for the store", mib);
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

static void check_audit(struct samctl_doctor *d)
{
	struct found last = { false };
	struct sam_audit_filter filter = { .from_seq = d->head.audit_seq, .to_seq = d->head.audit_seq };
	enum sam_reason reason = sam_store_audit_read(d->store, &filter, note_row, &last);
	bool same = last.is && memcmp(last.hash, d->head.audit_hash, sizeof(last.hash)) == 0;

	if (reason == SAM_OK && (same || d->head.audit_seq == 0))
		samctl_doctor_tell(d, "audit", FINE, NULL,
				   "%" PRIu64 " records, the last is the one that is sealed",
				   d->head.audit_seq);
	else
		samctl_doctor_tell(d, "audit", PROBLEM, "samctl audit verify", "%s",
				   reason == SAM_OK ? "the last record is not the one that is sealed"
						    : sam_reason_text(reason));
}

enum { MAINTAIN_LATE_S = 2 * 86400 }; /* it leaves a record once a day at least */

/* The module starts no threads: what is due by time needs the timer. */
static void check_maintain(struct samctl_doctor *d)
{
	int64_t late = sam_clock_us() - (int64_t)MAINTAIN_LATE_S * 1000000;
	struct found first = { false };
	struct sam_audit_filter oldest = { .from_seq = 1, .to_seq = 1 };
	bool ran = false;

	if (sam_store_audit_read(d->store, &oldest, note_row, &first) != SAM_OK ||
	    samctl_maintained(d->store, late, &ran) != SAM_OK)
		samctl_doctor_tell(d, "maintain", PROBLEM, "samctl audit verify", "the trail cannot be read");
	else if (ran)
		samctl_doctor_tell(d, "maintain", FINE, NULL, "has run in the last two days");
	else if (first.is && first.time_us > late)
		samctl_doctor_tell(d, "maintain", FINE, NULL, "not due: the store is younger than two days");
	else
		samctl_doctor_tell(d, "maintain", PROBLEM,
				   "run `samctl maintain` every five minutes (samctl-maintain.timer)",
				   "has not run for two days");
}

enum { BACKUP_LATE_S = 7 * 86400 };

static void check_backup(struct samctl_doctor *d)
{
	struct found made = { false };
	const struct sam_audit_filter filter = {
		.since_us = sam_clock_us() - (int64_t)BACKUP_LATE_S * 1000000,
		.type = "backup",
		.outcome = "success",
		.limit = 1,
	};

	if (sam_store_audit_read(d->store, &filter, note_row, &made) == SAM_OK && made.is)
		samctl_doctor_tell(d, "backup", FINE, NULL, "one was made within a week");
	else
		samctl_doctor_tell(d, "backup", NOTE, "samctl backup create, as operator",
				   "none was made within a week");
}

static void examine(struct samctl_doctor *d)
{
	check_config(d);
	if (d->has_config) {
		check_ownership(d);
		check_policy(d);
		check_issuers(d);
		check_path(d);
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
	samctl_doctor_registry(d);
	check_disk(d);
	check_audit(d);
	check_maintain(d);
	check_backup(d);
}

static void clear(struct samctl_doctor *d)
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
	struct samctl_doctor *d = calloc(1, sizeof(*d));
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
