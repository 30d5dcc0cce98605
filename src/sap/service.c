/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/service.h"

#include <string.h>
#include "base/peer.h"

static const struct sam_principal *by_uid(const struct sam_snapshot *s, int64_t uid)
{
	/* a user whom this namespace does not know is not the one that it calls nobody */
	if (uid < 0 || uid == SAM_PEER_OVERFLOW_UID)
		return NULL;
	for (size_t i = 0; i < s->principal_count; i++)
		if (s->principals[i].uid == uid)
			return &s->principals[i];
	return NULL;
}

/* A lock by wrong passwords does not count here, where none is given: who knows the name locks nobody out. */
static enum sam_reason login_as(const struct sam_policy *policy, const struct sam_principal *p, struct sam_login *login)
{
	if (p->locked)
		return SAM_LOCKED;
	if (sam_roles_conflict(policy, p->roles)) /* invariant 10 */
		return SAM_ROLES_CONFLICT;
	memset(login, 0, sizeof *login);
	sam_mem_copy_text(login->name, sizeof login->name, p->name);
	login->role = SAM_ROLE_SCA;
	return SAM_OK;
}

enum sam_reason sam_service_peer(const struct sam_policy *policy, const struct sam_snapshot *s, struct sam_login *login)
{
	struct sam_peer peer;
	const struct sam_principal *p = sam_peer_read(&peer) ? by_uid(s, peer.uid) : NULL;
	return p && (p->roles & SAM_SCA) ? login_as(policy, p, login) : SAM_PEER_UNKNOWN;
}

static enum sam_reason by_configuration(const struct sam *sam, const struct sam_policy *policy,
					const struct sam_snapshot *s, struct sam_login *login)
{
	const struct sam_principal *p = policy->level == 1 && sam->config.application[0]
						? sam_registry_principal(s, sam->config.application)
						: NULL;
	return p && (p->roles & SAM_SCA) ? login_as(policy, p, login) : SAM_APPLICATION_NONE;
}

enum sam_reason sam_service_null(struct sam *sam, const struct sam_snapshot *s, const char *name,
				 const struct sam_login *current, struct sam_login *login, const char **how)
{
	const struct sam_policy *policy;
	struct sam_login found;
	struct sam_peer peer;
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	if (reason != SAM_OK)
		return reason;
	if (!policy->deferred)
		return SAM_PIN_NULL;
	const bool served = sam_peer_read(&peer);
	*how = served ? SAM_SERVICE_BY_UID : SAM_SERVICE_BY_CONFIGURATION;
	reason = served ? sam_service_peer(policy, s, &found) : by_configuration(sam, policy, s, &found);
	if (reason != SAM_OK)
		return reason;
	if (name && strcmp(name, found.name) != 0)
		return served ? SAM_PEER_UNKNOWN : SAM_APPLICATION_NONE;
	if (current->name[0])
		return strcmp(current->name, found.name) == 0 ? SAM_ALREADY_LOGGED_IN : SAM_ANOTHER_LOGGED_IN;
	*login = found;
	return SAM_OK;
}

enum sam_reason sam_service_deferred(struct sam *sam, const struct sam_snapshot *s)
{
	const struct sam_policy *policy;
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	if (reason != SAM_OK)
		return reason;
	return policy->deferred ? SAM_OK : SAM_PIN_NULL;
}
