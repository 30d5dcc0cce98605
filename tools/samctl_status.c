/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl status and maintain: what is loaded, and doing what is due.
 */
#include "tools/samctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include "admin/leftover.h"
#include "admin/stock.h"
#include "base/clock.h"
#include "sap/recipient.h"
#include "sap/request.h"

static json_t *describe_policy(const struct sam_policy *policy)
{
	json_t *object = json_pack("{s:s,s:o,s:i,s:i}", "path", policy->path, "sha256",
				   samctl_hex(policy->sha256, sizeof(policy->sha256)), "version",
				   (int)policy->version, "level", (int)policy->level);

	if (json_object_update_new(object, samctl_authorisation(policy)) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *describe_cm(const struct samctl *ctl, const struct sam_snapshot *s)
{
	const struct sam_policy_cm *entry;
	struct sam_cm_info info;
	enum sam_reason approved;

	sam_cm_info(sam_cm(ctl->sam), &info);
	approved = sam_policy_cm(sam_policy(ctl->sam), info.manufacturer, info.model, info.firmware, sam_clock_now(),
				 &entry);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "evaluation",
			 approved != SAM_OK ? "not approved" : entry ? entry->evaluation : "not stated", "module",
			 sam_config(ctl->sam)->cm_module, "manufacturer", info.manufacturer, "model", info.model,
			 "firmware", info.firmware, "serial", info.serial, "token", info.label, "present",
			 (int)sam_cm_token_present(sam_cm(ctl->sam)), "disabled", (int)s->cm_disabled);
}

static json_t *describe_store(const struct samctl *ctl, const struct sam_store_head *head)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "path",
			 sam_config(ctl->sam)->store, "node", head->node, "sequence",
			 (json_int_t)head->sequence, "grants_version",
			 (json_int_t)head->grants_version, "audit_records",
			 (json_int_t)head->audit_seq, "audit_hash",
			 samctl_hex(head->audit_hash, sizeof(head->audit_hash)), "activations",
			 (json_int_t)head->activations, "uses", (json_int_t)head->uses, "tokens",
			 (json_int_t)head->tokens, "epoch", (json_int_t)head->epoch, "checkpoint",
			 (json_int_t)head->checkpoint, "latest_time", samctl_time(head->latest_time),
			 "swept_until", samctl_time(head->swept_until));
}

static json_t *describe_registry(const struct sam_snapshot *s)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "pending", (json_int_t)s->pending_count, "principals", (json_int_t)s->principal_count,
			 "signers", (json_int_t)s->signer_count, "authenticators",
			 (json_int_t)s->authenticator_count, "keys", (json_int_t)s->key_count);
}

int samctl_status(struct samctl *ctl)
{
	const struct sam_policy *policy;
	const struct sam_snapshot *s;
	struct sam_store_head head;
	enum sam_reason reason;
	json_t *object;
	int status = samctl_open(ctl);

	if (status != SAMCTL_DONE)
		return status;
	policy = sam_policy(ctl->sam);
	reason = sam_store_head(sam_store(ctl->sam), &head);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	object = json_pack("{s:s,s:s,s:i,s:i,s:o,s:o,s:o,s:o,s:o}", "config",
			   sam_config(ctl->sam)->path, "sam_id", sam_config(ctl->sam)->sam_id,
			   "uid", (int)geteuid(), "level", (int)policy->level, "statements",
			   samctl_statements(policy), "policy",
			   describe_policy(policy), "cm", describe_cm(ctl, s), "store", describe_store(ctl, &head), "registry",
			   describe_registry(s));
	sam_registry_put(s);
	return samctl_print_object(ctl, object);
}

/* What was found changed is an alert in the trail, and says so to whoever runs this. */
static int tampered(struct samctl *ctl, enum sam_reason reason, const struct sam_msg *msg)
{
	struct sam_event event = {
		.type = SAM_EVENT_INTEGRITY,
		.reason = reason,
		.target = msg->text,
	};

	if (reason == SAM_STORE_TAMPERED && !samctl_record(ctl, &event))
		samctl_say(ctl, "the alert could not be recorded");
	return samctl_fail(ctl, reason, msg);
}

static enum sam_reason note_run(void *arg, const struct sam_audit_row *row)
{
	(void)row;
	*(bool *)arg = true;
	return SAM_OK;
}

enum sam_reason samctl_maintained(struct sam_store *store, int64_t since_us, bool *ran)
{
	const struct sam_audit_filter filter = {
		.since_us = since_us,
		.type = "maintain",
		.limit = 1,
	};

	*ran = false;
	return sam_store_audit_read(store, &filter, note_run, ran);
}

/* It runs every five minutes: what did nothing is news once a day, so that `doctor` sees it run. */
static bool is_news(struct samctl *ctl, uint64_t swept)
{
	int64_t day_ago = sam_clock_us() - INT64_C(86400) * 1000000;
	bool ran;

	return swept > 0 || samctl_maintained(sam_store(ctl->sam), day_ago, &ran) != SAM_OK || !ran;
}

/* Whatever came since the newest could be set back together with the mark. */
static enum sam_reason checkpoint(struct samctl *ctl)
{
	struct sam_store_head head;
	enum sam_reason reason = sam_store_head(sam_store(ctl->sam), &head);

	if (reason != SAM_OK || head.audit_seq == head.checkpoint_seq)
		return reason;
	return sam_store_checkpoint(sam_store(ctl->sam), true);
}

/* Those to which SADs were encrypted. */
static enum sam_reason tidy_sap_keys(struct samctl *ctl)
{
	struct sam_msg msg = { "" };
	size_t left = 0;
	enum sam_reason reason = sam_cm_lock(sam_cm(ctl->sam), &msg);

	if (reason != SAM_OK)
		return reason;
	reason = sam_recipient_tidy(ctl->sam, &left);
	sam_cm_unlock(sam_cm(ctl->sam));
	if (left)
		samctl_say(ctl, "%zu SAP keys that are over are left in the CM, which does not destroy them", left);
	return reason;
}

int samctl_maintain(struct samctl *ctl)
{
	char text[64];
	struct sam_event event = { .type = SAM_EVENT_MAINTAIN, .new_value = text };
	struct sam_msg msg = { "" };
	uint64_t swept = 0;
	size_t left = 0, returned = 0;
	enum sam_reason reason;
	int status = samctl_open(ctl);

	if (status != SAMCTL_DONE)
		return status;
	reason = sam_store_check(sam_store(ctl->sam), &msg);
	if (reason != SAM_OK)
		return tampered(ctl, reason, &msg);
	reason = sam_requests_expire(ctl->sam, NULL);
	if (reason == SAM_OK)
		reason = sam_store_maintain(sam_store(ctl->sam), &swept);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	snprintf(text, sizeof(text), "swept %" PRIu64, swept);
	reason = sam_leftover_destroy(ctl->sam, NULL, &left);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	if (left)
		samctl_say(ctl, "%zu keys that have ended are left in the CM, which does not destroy them", left);
	reason = tidy_sap_keys(ctl);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	reason = sam_stock_alarm(ctl->sam, &returned);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	if (returned)
		samctl_say(ctl, "%zu destroyed keys are in the CM again; the trail says which: find out who put them there",
			   returned);
	if (is_news(ctl, swept) && !samctl_record(ctl, &event))
		return SAMCTL_FAILED;
	reason = checkpoint(ctl);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	return samctl_print_done(ctl, json_pack("{s:I}", "swept", (json_int_t)swept),
				 "store checked, %" PRIu64 " expired SADs swept", swept);
}
