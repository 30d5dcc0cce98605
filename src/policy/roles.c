/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The roles: their names, and the sets that no one person may have.
 */
#include "policy/roles.h"

#include <string.h>
#include "policy/policy.h"

static const char *const names[SAM_ROLE_COUNT] = {
	[SAM_ROLE_NONE] = "",
	[SAM_ROLE_SECURITY_OFFICER] = "security-officer",
	[SAM_ROLE_ADMINISTRATOR] = "administrator",
	[SAM_ROLE_OPERATOR] = "operator",
	[SAM_ROLE_AUDITOR] = "auditor",
	[SAM_ROLE_SCA] = "sca",
	[SAM_ROLE_RA] = "ra",
	[SAM_ROLE_CA] = "ca",
	[SAM_ROLE_SIGNER] = "signer",
};

const char *sam_role_name(enum sam_role role)
{
	return (unsigned)role < SAM_ROLE_COUNT ? names[role] : "";
}

enum sam_role sam_role_by_name(const char *name)
{
	for (unsigned i = SAM_ROLE_NONE + 1; i < SAM_ROLE_COUNT; i++) {
		if (!strcmp(names[i], name))
			return (enum sam_role)i;
	}
	return SAM_ROLE_NONE;
}

const char *sam_roles_conflict(const struct sam_policy *policy, unsigned roles)
{
	const unsigned all = SAM_PRIVILEGED | SAM_SCA | SAM_RA | SAM_CA | SAM_SIGNER;

	if (roles & ~all)
		return "there is no such role";
	/* A signer is no principal: what a signer may do needs the signer's own word. */
	if ((roles & SAM_SIGNER) && roles != SAM_SIGNER)
		return "a signer has no other role (P1-7.1.1.5)";
	if ((roles & SAM_PRIVILEGED) && (roles & ~(unsigned)SAM_PRIVILEGED))
		return "a privileged user is no SCA, RA or CA (P1-7.1.1.5)";
	if ((roles & SAM_OFFICER) && (roles & SAM_AUDITOR))
		return "a security officer is never an auditor as well (P1-7.1.1.6)";
	if ((roles & (SAM_ADMINISTRATOR | SAM_OPERATOR)) && (roles & (SAM_OFFICER | SAM_AUDITOR)))
		return "an administrator or operator is never a security officer or auditor as well (P1-7.1.1.7)";
	if ((roles & SAM_ADMINISTRATOR) && (roles & SAM_OPERATOR) && !policy->administrator_operator)
		return "the policy does not let one person be administrator and operator (P1-7.1.1.4)";
	return NULL;
}
