/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `roles:`, `passwords:` and `lockout:` of the policy file: what is asked of people.
 */
#include "policy/policy_roles.h"

#include <string.h>
#include "policy/policy_read.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

/* A name with a second person of its own may stand here too: it says what holds anyway. */
static enum sam_reason read_dual_control(struct sam_yaml *roles, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list;
	enum sam_reason reason = sam_yaml_need(roles, "dual_control", SAM_YAML_LIST, &list, msg);

	if (reason != SAM_OK)
		return reason;
	for (struct sam_yaml *item = list->items; item; item = item->next) {
		const char *name = "";
		enum sam_act act;

		reason = sam_yaml_text(item, &name, msg);
		if (reason != SAM_OK)
			return reason;
		act = sam_act_by_name(name);
		if (act == SAM_ACT_COUNT)
			return sam_yaml_refuse(item, msg, "dual_control: no such act; p11-sam-roles(7) lists them");
		if (!sam_act_may_wait(act))
			return sam_yaml_refuse(item, msg, "dual_control: this act cannot wait for a second person; "
							  "remove it");
		if (out->dual_control[act])
			return sam_yaml_refuse(item, msg, "dual_control: stands there twice; keep one");
		out->dual_control[act] = true;
	}
	return SAM_OK;
}

static enum sam_reason read_roles(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	const int64_t longest = out->level == 1 ? HOUR_S : 15 * MINUTE_S;
	struct sam_yaml *roles;
	enum sam_reason reason = sam_yaml_need(root, "roles", SAM_YAML_MAP, &roles, msg);

	if (reason == SAM_OK)
		reason = sam_policy_read_switch(roles, "administrator_operator", &out->administrator_operator, msg);
	if (reason == SAM_OK)
		reason = read_dual_control(roles, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(roles, "pending", MINUTE_S, 7 * DAY_S, &out->pending_s, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(roles, "session", MINUTE_S, longest, &out->session_s, msg);
	return reason;
}

static enum sam_reason read_passwords(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	const unsigned shortest = out->level == 1 ? 8 : 12;
	struct sam_yaml *passwords;
	enum sam_reason reason = sam_yaml_need(root, "passwords", SAM_YAML_MAP, &passwords, msg);

	if (reason == SAM_OK)
		reason = sam_policy_read_count(passwords, "min_length", shortest, 64, &out->password_min, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_count(passwords, "min_different", 3, 16, &out->password_different, msg);
	return reason;
}

/* A time; or "officer": until an officer unlocks. */
static enum sam_reason read_lockout_time(struct sam_yaml *lockout, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *time = sam_yaml_get(lockout, "time");
	const char *word = "";

	if (!time || time->kind != SAM_YAML_SCALAR || sam_yaml_text(time, &word, NULL) != SAM_OK || strcmp(word, "officer"))
		return sam_policy_read_seconds(lockout, "time", MINUTE_S, DAY_S, &out->lockout_s, msg);
	out->lockout_s = SAM_LOCKOUT_OFFICER;
	return SAM_OK;
}

static enum sam_reason read_lockout(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *lockout;
	enum sam_reason reason = sam_yaml_need(root, "lockout", SAM_YAML_MAP, &lockout, msg);

	if (reason == SAM_OK)
		reason = sam_policy_read_count(lockout, "attempts", 1, 10, &out->lockout_attempts, msg);
	if (reason == SAM_OK)
		reason = read_lockout_time(lockout, out, msg);
	return reason;
}

enum sam_reason sam_policy_roles_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_roles(root, out, msg);

	if (reason == SAM_OK)
		reason = read_passwords(root, out, msg);
	if (reason == SAM_OK)
		reason = read_lockout(root, out, msg);
	return reason;
}
