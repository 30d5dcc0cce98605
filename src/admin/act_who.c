/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which act of acts.def is meant, and whether these people may do it (invariant 10).
 */
#include "admin/internal.h"

#include <string.h>
#include "admin/import.h"
#include "base/clock.h"

const char *sam_doing_whose(const struct sam_doing *d)
{
	const char *id = sam_param(d, "id"), *credential = sam_param(d, "key");
	const struct sam_key *key = credential ? sam_registry_key(d->s, credential) : NULL;
	return id ? id : key ? key->signer : d->import ? d->import->sub : NULL;
}

/* The row of acts.def that is meant: of several for one verb it depends on what is there. */
enum sam_act sam_doing_refine(const struct sam_doing *d, enum sam_act act)
{
	const char *id = sam_param(d, "id"), *role = sam_param(d, "role"), *name = sam_param(d, "name");
	const struct sam_signer *signer = id ? sam_registry_signer(d->s, id) : NULL;
	const struct sam_principal *p = name ? sam_registry_principal(d->s, name) : NULL;
	switch (act) {
	case SAM_ACT_PRINCIPAL_UNLOCK:
	case SAM_ACT_PRINCIPAL_UNLOCK_TRUSTED:
		return p && p->roles != SAM_SCA ? SAM_ACT_PRINCIPAL_UNLOCK_TRUSTED : SAM_ACT_PRINCIPAL_UNLOCK;
	case SAM_ACT_AUTHENTICATOR_ADD:
	case SAM_ACT_AUTHENTICATOR_FIRST:
		return signer && !signer->enrolled ? SAM_ACT_AUTHENTICATOR_FIRST : SAM_ACT_AUTHENTICATOR_ADD;
	case SAM_ACT_SIGNER_PASSWD:
	case SAM_ACT_SIGNER_PASSWD_FIRST: /* the login authorises: its password is an authenticator */
		return signer && !signer->password_own && d->policy->authorisation == SAM_AUTHORISE_LOGIN
			       ? SAM_ACT_SIGNER_PASSWD_FIRST
			       : SAM_ACT_SIGNER_PASSWD;
	case SAM_ACT_PRINCIPAL_ADD:
	case SAM_ACT_PRINCIPAL_ADD_TRUSTED:
	case SAM_ACT_SECOND_OFFICER:
		if (!role || strcmp(role, sam_role_name(SAM_ROLE_SCA)) == 0)
			return SAM_ACT_PRINCIPAL_ADD;
		return d->s->second_officer && strcmp(role, sam_role_name(SAM_ROLE_SECURITY_OFFICER)) == 0 &&
				       sam_registry_count(d->s, SAM_ROLE_SECURITY_OFFICER) == 1
			       ? SAM_ACT_SECOND_OFFICER
			       : SAM_ACT_PRINCIPAL_ADD_TRUSTED;
	case SAM_ACT_KEY_GENERATE:
	case SAM_ACT_KEY_GENERATE_LEVEL:
		return d->policy->level > 1 ? SAM_ACT_KEY_GENERATE_LEVEL : SAM_ACT_KEY_GENERATE;
	case SAM_ACT_KEY_RENEW:
	case SAM_ACT_KEY_RENEW_LEVEL:
		return d->policy->level > 1 ? SAM_ACT_KEY_RENEW_LEVEL : SAM_ACT_KEY_RENEW;
	case SAM_ACT_KEY_IMPORT:
	case SAM_ACT_KEY_IMPORT_LEVEL:
		return d->policy->level > 1 ? SAM_ACT_KEY_IMPORT_LEVEL : SAM_ACT_KEY_IMPORT;
	case SAM_ACT_POLICY_SIGN:
	case SAM_ACT_POLICY_LEVEL:
		return d->sealed.policy.level > 1 || (d->s->sealed && d->s->sealed->level > 1)
			       ? SAM_ACT_POLICY_LEVEL
			       : SAM_ACT_POLICY_SIGN;
	default:
		return act;
	}
}

/* A person who still is who they were when identified: who was removed, locked or suspended since is nobody. */
enum sam_reason sam_doing_check_person(const struct sam_doing *d, const struct sam_person *person, unsigned roles)
{
	const struct sam_principal *p = sam_registry_principal(d->s, person->name);
	const struct sam_signer *signer = sam_registry_signer(d->s, person->name);
	const unsigned has = p && !p->locked ? p->roles : signer && !signer->suspended ? SAM_SIGNER : 0;
	if (!(person->roles & has & roles))
		return SAM_ROLE;
	if (p && sam_roles_conflict(d->policy, p->roles))
		return SAM_ROLES_CONFLICT;
	if (p && p->changed != person->changed)
		return SAM_SESSION_OVER;
	return sam_clock_monotonic_ms() < person->until_ms ? SAM_OK : SAM_SESSION_OVER;
}

/* invariant 10: two people are two names, and each has a role that the act asks of one of them. */
enum sam_reason sam_doing_check_second(const struct sam_doing *d, const char *first, unsigned first_roles,
				       const struct sam_person *second)
{
	const char *id = sam_param(d, "id");
	const struct sam_signer *signer = id ? sam_registry_signer(d->s, id) : NULL;
	enum sam_reason reason = sam_doing_check_person(d, second, sam_policy_second(d->policy, d->act));
	if (reason != SAM_OK)
		return reason == SAM_ROLE ? SAM_SECOND_PERSON : reason;
	if (strcmp(first, second->name) == 0)
		return SAM_SECOND_PERSON;
	/* officer and auditor, not two of one kind */
	if (d->act == SAM_ACT_SECOND_OFFICER && (second->roles & first_roles))
		return SAM_SECOND_PERSON;
	/* who gave the first password knows it: another has to ask the signer */
	if (d->act == SAM_ACT_SIGNER_PASSWD_FIRST && signer && strcmp(signer->password_by, second->name) == 0)
		return SAM_SECOND_PERSON;
	return SAM_OK;
}

/* What is one's own is nobody else's, whatever the role. */
enum sam_reason sam_doing_check_own(const struct sam_doing *d, const struct sam_person *person)
{
	const char *whose = sam_param(d, "name") ? sam_param(d, "name") : sam_param(d, "id");
	bool own = d->act == SAM_ACT_PRINCIPAL_PASSWD || d->act == SAM_ACT_PRINCIPAL_DEVICE ||
		   d->act == SAM_ACT_SIGNER_PASSWD || d->act == SAM_ACT_SIGNER_PASSWD_FIRST;
	return own && (!whose || strcmp(whose, person->name) != 0) ? SAM_ROLE : SAM_OK;
}
