/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl request: signatures that were asked for without a SAD, and the signer's answer.
 */
#include "tools/samctl.h"

#include <string.h>
#include "sap/pin.h"
#include "sap/request.h"

/* ---- reading ---- */

/* A signer, who is nothing else, sees the own ones. */
static bool is_shown(const struct samctl *ctl, const struct sam_request *r)
{
	const struct sam_person *me = &ctl->actors.first;

	return (me->roles & (SAM_OFFICER | SAM_OPERATOR | SAM_AUDITOR)) || strcmp(me->name, r->signer) == 0;
}

struct listing {
	struct samctl *ctl;
	const char *signer;
	bool all;
	json_t *list;
};

static enum sam_reason add(void *arg, const struct sam_request *r)
{
	struct listing *l = arg;
	json_t *object;
	const char *state;

	if (!is_shown(l->ctl, r) || (l->signer && strcmp(l->signer, r->signer) != 0))
		return SAM_OK;
	object = sam_request_json(r);
	state = json_string_value(json_object_get(object, "state"));
	if (!l->all && state && strcmp(state, "open") != 0 && strcmp(state, "approved") != 0) {
		json_decref(object);
		return SAM_OK;
	}
	return json_array_append_new(l->list, object) == 0 ? SAM_OK : SAM_MEMORY;
}

int samctl_request_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "ID", "id" },	      { "STATE", "state" },	  { "SIGNER", "signer" },
		{ "KEY", "credentialID" }, { "MECHANISM", "mechanism" }, { "DTBS/R", "dtbsr" },
		{ "BY", "principal" }, { "LABEL", "label" },	  { "EXPIRES", "expires" },
		{ NULL, NULL },
	};
	struct listing l = { .ctl = ctl,
			     .signer = samctl_given(ctl, "signer", 0),
			     .all = samctl_given_count(ctl, "all") > 0,
			     .list = json_array() };
	enum sam_reason reason = sam_store_requests(sam_store(ctl->sam), add, &l);

	if (reason != SAM_OK) {
		json_decref(l.list);
		return samctl_fail(ctl, reason, NULL);
	}
	return samctl_print_list(ctl, l.list, columns);
}

/* What is not shown to somebody is not there for them. */
static int find(struct samctl *ctl, struct sam_request *r)
{
	enum sam_reason reason = sam_store_request_find(sam_store(ctl->sam), ctl->args[0], r);

	if (reason == SAM_OK && !is_shown(ctl, r))
		reason = SAM_NOT_FOUND;
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, NULL);
}

int samctl_request_show(struct samctl *ctl)
{
	struct sam_request r;
	int status = find(ctl, &r);

	return status == SAMCTL_DONE ? samctl_print_object(ctl, sam_request_json(&r)) : status;
}

/* ---- answering ---- */

int samctl_request_approve(struct samctl *ctl)
{
	struct sam_secret sad = { 0 };
	struct sam_deposited d;
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	int status = samctl_read_file(ctl, samctl_given(ctl, "sad", 0), SAM_PIN_MAX + 16, &sad);

	if (status == SAMCTL_DONE)
		status = samctl_open(ctl);
	if (status != SAMCTL_DONE) {
		sam_secret_clear(&sad);
		return status;
	}
	samctl_sad_text(&sad);
	reason = sam_request_approve(ctl->sam, ctl->args[0], (const char *)sad.data, sad.len, &d, &msg);
	sam_secret_clear(&sad);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_done(ctl, json_pack("{s:s,s:s,s:s}", "id", ctl->args[0], "state", "approved", "signer", d.signer),
				 "%s: approved by %s; whoever asked may sign now", ctl->args[0], d.signer);
}

int samctl_request_reject(struct samctl *ctl)
{
	const struct sam_person *me = &ctl->actors.first;
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	enum sam_role role = SAM_ROLE_SIGNER;

	if (ctl->sad.data) {
		samctl_sad_text(&ctl->sad);
		reason = sam_request_reject(ctl->sam, ctl->args[0], (const char *)ctl->sad.data, ctl->sad.len, NULL,
					    SAM_ROLE_NONE, &msg);
	} else {
		if (me->roles & SAM_OPERATOR)
			role = SAM_ROLE_OPERATOR;
		if (me->roles & SAM_OFFICER)
			role = SAM_ROLE_SECURITY_OFFICER;
		reason = sam_request_reject(ctl->sam, ctl->args[0], NULL, 0, me->name, role, &msg);
	}
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_done(ctl, json_pack("{s:s,s:s}", "id", ctl->args[0], "state", "rejected"), "%s: rejected",
				 ctl->args[0]);
}
