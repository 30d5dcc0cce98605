/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The roles of the guideline, and which of them one person may not hold together (invariant 10).
 */
#ifndef SAM_POLICY_ROLES_H
#define SAM_POLICY_ROLES_H

struct sam_policy;

enum sam_role {
	SAM_ROLE_NONE,
	SAM_ROLE_SECURITY_OFFICER,
	SAM_ROLE_ADMINISTRATOR,
	SAM_ROLE_OPERATOR,
	SAM_ROLE_AUDITOR,
	SAM_ROLE_SCA,
	SAM_ROLE_RA,
	SAM_ROLE_CA,
	SAM_ROLE_SIGNER,
	SAM_ROLE_COUNT
};

/* Sets of roles. */
enum {
	SAM_ANYBODY = 1u << SAM_ROLE_NONE, /* nobody is asked for */
	SAM_OFFICER = 1u << SAM_ROLE_SECURITY_OFFICER,
	SAM_ADMINISTRATOR = 1u << SAM_ROLE_ADMINISTRATOR,
	SAM_OPERATOR = 1u << SAM_ROLE_OPERATOR,
	SAM_AUDITOR = 1u << SAM_ROLE_AUDITOR,
	SAM_SCA = 1u << SAM_ROLE_SCA,
	SAM_RA = 1u << SAM_ROLE_RA,
	SAM_CA = 1u << SAM_ROLE_CA,
	SAM_SIGNER = 1u << SAM_ROLE_SIGNER,
	SAM_PRIVILEGED = SAM_OFFICER | SAM_ADMINISTRATOR | SAM_OPERATOR | SAM_AUDITOR,
};

/** sam_role_name(role): The word in the store, the audit and on the command line; "" for SAM_ROLE_NONE
 * and whatever is no role. Static. */
const char *sam_role_name(enum sam_role role);

/** sam_role_by_name(name): SAM_ROLE_NONE for any other word. */
enum sam_role sam_role_by_name(const char *name);

/** sam_roles_conflict(policy, roles): May one person have all of these? NULL if so, else why not, in
 * words; static. Asked when a role is given and again when it is used (P1-7.1.1.4 to 7.1.1.7). */
const char *sam_roles_conflict(const struct sam_policy *policy, unsigned roles);

#endif
