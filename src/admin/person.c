/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Identification of principals, and of signers by their service password.
 */
#include "admin/person.h"

#include <string.h>
#include "base/clock.h"
#include "policy/factors.h"
#include "registry/edit.h"
#include "registry/identify.h"

enum { SESSION_S = 900 }; /* where no policy is in force */

struct sam_identifier sam_identifier(struct sam *sam)
{
	return (struct sam_identifier){sam_registry(sam), sam_audit(sam), sam_seal(sam), sam_config(sam)->sam_id};
}

static enum sam_reason by_password(const struct sam_identifier *id, const struct sam_snapshot *s,
				   const struct sam_credentials *c)
{
	const struct sam_principal *p = sam_registry_principal(s, c->name);
	const struct sam_signer *signer = sam_registry_signer(s, c->name);
	const char *stored = p ? p->password : signer && signer->password[0] ? signer->password : NULL;
	return sam_identify_password(id->registry, id->audit, s, SAM_COUNTER_PASSWORD, c->name, stored, c->secret, c->len);
}

/* Used up, durably, before it counts: what was written down once is no assertion any more. */
static enum sam_reason use_up(const struct sam_identifier *id, const struct sam_snapshot *s,
			      const struct sam_statement *statement)
{
	char factors[SAM_FACTORS_TEXT];
	const struct sam_event event = {
		.type = SAM_EVENT_LOGIN,
		.actor_kind = "principal",
		.actor = statement->frame.iss,
		.jti = statement->frame.jti,
		.factors = sam_factors_text(SAM_FACTOR_POSSESSION, factors),
	};
	struct sam_audit_record record = {0};
	struct sam_spend spend;
	struct sam_edit edit;
	sam_statement_spend(statement, SAM_TYP_ACT, &spend);
	sam_edit_start(&edit, id->registry, s);
	enum sam_reason reason = sam_audit_make(id->audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_edit_commit(&edit, &(struct sam_edit_with){.spends = &spend, .spend_count = 1,
									.records = &record.record, .record_count = 1,
									.now = sam_clock_now()});
	sam_audit_clear(&record);
	sam_edit_clear(&edit);
	switch (reason) {
	case SAM_DIGEST_USED:
	case SAM_COUNT_USED:
	case SAM_SAD_REUSED_ID:
	case SAM_SAD_EXPIRED:
	case SAM_SAD_EPOCH:
		return SAM_ASSERTION;
	default:
		return reason;
	}
}

static enum sam_reason by_assertion(const struct sam_identifier *id, const struct sam_snapshot *s,
				    const struct sam_credentials *c, json_t **files, struct sam_msg *msg)
{
	const struct sam_principal *p = sam_registry_principal(s, c->name);
	const struct sam_sad_rules rules = {
		.sam_id = id->sam_id,
		.now = sam_clock_now(),
		.max_lifetime = SAM_STATEMENT_S,
		.leeway = SAM_STATEMENT_LEEWAY_S,
	};
	struct sam_statement statement;
	if (!p)
		return SAM_PRINCIPAL_UNKNOWN;
	enum sam_reason reason = sam_statement_device(id->seal, c->assertion, c->assertion_len,
						      c->words ? SAM_TYP_ACT : SAM_TYP_POLICY, &p->device, &rules,
						      &statement, msg);
	if (reason == SAM_OK && (strcmp(statement.frame.iss, p->name) != 0 || statement.frame.iat <= p->changed)) {
		sam_msg_set(msg, "iss or iat: of another, or from before the person's last change");
		reason = SAM_ASSERTION;
	}
	if (reason == SAM_OK && c->words && !json_equal(json_object_get(statement.claims, "act"), c->words)) {
		sam_msg_set(msg, "act: is another than this command");
		reason = SAM_ASSERTION;
	}
	if (reason == SAM_OK && p->locked)
		reason = SAM_LOCKED;
	if (reason == SAM_OK && c->words)
		reason = use_up(id, s, &statement);
	const json_t *named = json_object_get(statement.claims, "files");
	if (reason == SAM_OK && c->words && !(*files = json_is_object(named) ? json_deep_copy(named) : json_object()))
		reason = SAM_MEMORY;
	sam_statement_clear(&statement);
	return reason;
}

/* invariant 10: roles are held apart when they are given, and here again when they are used. */
static enum sam_reason take_roles(const struct sam_snapshot *s, const char *name, struct sam_person *out,
				  struct sam_msg *msg)
{
	static const struct sam_policy strictest = {.level = 1};
	const struct sam_principal *p = sam_registry_principal(s, name);
	const struct sam_signer *signer = sam_registry_signer(s, name);
	const struct sam_policy *policy = s->sealed ? &s->sealed->policy : &strictest;
	const char *conflict = p ? sam_roles_conflict(policy, p->roles) : NULL;
	if (conflict) {
		sam_msg_set(msg, "%s", conflict);
		return SAM_ROLES_CONFLICT;
	}
	if (signer && signer->suspended)
		return SAM_SIGNER_SUSPENDED;
	out->roles = p ? p->roles : SAM_SIGNER;
	out->changed = p ? p->changed : 0;
	int64_t session_s = policy->session_s ? policy->session_s : SESSION_S;
	out->until_ms = sam_clock_monotonic_ms() + session_s * 1000;
	return sam_mem_copy_text(out->name, sizeof out->name, name) ? SAM_OK : SAM_PRINCIPAL_UNKNOWN;
}

enum sam_reason sam_person_identify(const struct sam_identifier *id, const struct sam_credentials *c,
				    struct sam_person *out, json_t **files, struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = SAM_STORE_CHANGED;
	*files = NULL;
	for (unsigned tries = 0; reason == SAM_STORE_CHANGED && tries < SAM_ACT_TRIES; tries++) {
		memset(out, 0, sizeof *out);
		reason = sam_registry_get(id->registry, &s);
		if (reason != SAM_OK)
			return reason;
		reason = c->assertion ? by_assertion(id, s, c, files, msg) : by_password(id, s, c);
		if (reason == SAM_OK)
			reason = take_roles(s, c->name, out, msg);
		sam_registry_put(s);
	}
	if (reason != SAM_OK)
		memset(out, 0, sizeof *out);
	return reason;
}

void sam_person_describe(struct sam_event *event, const struct sam_person *person, unsigned role)
{
	unsigned roles = person->roles & role ? person->roles & role : person->roles;
	int first = SAM_ROLE_NONE + 1;
	while (first < SAM_ROLE_COUNT && !(roles & 1u << first))
		first++;
	event->actor_kind = !person->name[0] ? "process" : person->roles & SAM_SIGNER ? "signer" : "principal";
	event->actor = person->name[0] ? person->name : NULL;
	event->role = person->name[0] && first < SAM_ROLE_COUNT ? sam_role_name((enum sam_role)first) : NULL;
}
