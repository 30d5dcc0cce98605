/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl pending: acts that wait for their second person.
 */
#include "tools/samctl.h"

#include <string.h>
#include "base/clock.h"

static json_t *describe(const struct sam_pending *p, const struct sam_policy *policy)
{
	unsigned second = sam_policy_second(policy, p->act);
	json_t *by = json_array();

	for (int role = SAM_ROLE_NONE + 1; role < SAM_ROLE_COUNT; role++)
		if (second & 1u << role)
			json_array_append_new(by, json_string(sam_role_name((enum sam_role)role)));
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o}", "id", p->id, "act", sam_act_info(p->act)->name, "by", p->by,
			 "confirmed_by", by, "begun", samctl_time(p->created), "expires", samctl_time(p->expires),
			 "what", sam_act_describe(p));
}

/* For people the parameters are one line. */
static void flatten(json_t *list)
{
	json_t *object;
	size_t i;

	json_array_foreach (list, i, object) {
		sam_auto(sam_free) char *text = json_dumps(json_object_get(object, "what"), JSON_COMPACT);

		json_object_set_new(object, "what", json_string(text ? text : ""));
	}
}

/* To officers, to who began it, to whoever may confirm it; an administrator, say, reads nothing of signers. */
static bool is_shown(const struct samctl *ctl, const struct sam_policy *policy, const struct sam_pending *p)
{
	const struct sam_person *me = &ctl->actors.first;

	return (me->roles & (SAM_OFFICER | sam_policy_second(policy, p->act))) ||
	       strcmp(me->name, p->by) == 0;
}

int samctl_pending_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "ID", "id" },		  { "ACT", "act" },   { "BY", "by" }, { "CONFIRMED BY", "confirmed_by" },
		{ "EXPIRES", "expires" }, { "WHAT", "what" }, { NULL, NULL },
	};
	const struct sam_policy *policy; /* in force: another file may lie in its place */
	const struct sam_snapshot *s;
	int64_t now = sam_clock_now();
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	policy = s->sealed ? &s->sealed->policy : sam_policy(ctl->sam);
	for (size_t i = 0; i < s->pending_count; i++)
		if (s->pendings[i].expires > now && is_shown(ctl, policy, &s->pendings[i]))
			json_array_append_new(list, describe(&s->pendings[i], policy));
	sam_registry_put(s);
	if (!ctl->json)
		flatten(list);
	return samctl_print_list(ctl, list, columns);
}

static int finish(struct samctl *ctl, enum sam_reason reason, const struct sam_outcome *outcome, const char *done)
{
	const char *act = sam_act_info(outcome->act)->name;

	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &outcome->msg);
	ctl->acted = true;
	if (*outcome->msg.text)
		samctl_say(ctl, "%s", outcome->msg.text);
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s,s:s,s:s*}", "pending", ctl->args[0], "act", act, "state", done,
					   "credentialID", *outcome->credential ? outcome->credential : NULL),
				 "%s %s%s%s", act, done, *outcome->credential ? ": " : "", outcome->credential);
}

int samctl_pending_confirm(struct samctl *ctl)
{
	struct sam_outcome outcome;
	enum sam_reason reason = sam_act_confirm(ctl->sam, &ctl->actors.first, ctl->args[0], &outcome);

	return finish(ctl, reason, &outcome, "confirmed");
}

int samctl_pending_cancel(struct samctl *ctl)
{
	struct sam_outcome outcome;
	enum sam_reason reason = sam_act_cancel(ctl->sam, &ctl->actors.first, ctl->args[0], &outcome);

	return finish(ctl, reason, &outcome, "cancelled");
}
