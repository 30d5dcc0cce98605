/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Roles apart (invariant 10): every set of roles against the rule written out, and the table of acts and
 * calls against what must hold of it.
 */
#include <string.h>
#include "policy/keycalls.h"
#include "policy/policy.h"
#include "unit.h"

/* ---- roles ---- */

static const enum sam_role roles[] = {
	SAM_ROLE_SECURITY_OFFICER, SAM_ROLE_ADMINISTRATOR, SAM_ROLE_OPERATOR, SAM_ROLE_AUDITOR,
	SAM_ROLE_SCA,		   SAM_ROLE_RA,		   SAM_ROLE_CA,	      SAM_ROLE_SIGNER,
};

/* P1-7.1.1.4 to 7.1.1.7, pair by pair: x never, p as the policy says. */
static const char *const pairs[8] = {
	/*                OAPU SRCG */
	/* officer */	    ".xxxxxxx",
	/* administrator */ "x.pxxxxx",
	/* operator */	    "xp.xxxxx",
	/* auditor */	    "xxx.xxxx",
	/* sca */	    "xxxx...x",
	/* ra */	    "xxxx...x",
	/* ca */	    "xxxx...x",
	/* signer */	    "xxxxxxx.",
};

static bool parted(const struct sam_policy *policy, unsigned members)
{
	for (int a = 0; a < 8; a++) {
		for (int b = 0; b < 8; b++) {
			const bool both = (members >> a & 1) && (members >> b & 1);

			if (both && (pairs[a][b] == 'x' || (pairs[a][b] == 'p' && !policy->administrator_operator)))
				return true;
		}
	}
	return false;
}

START_TEST(every_set_of_roles_is_judged_by_the_rule)
{
	struct sam_policy policy = { .administrator_operator = _i };
	int allowed = 0;

	for (unsigned members = 0; members < 256; members++) {
		unsigned set = 0;
		const char *why;

		for (int i = 0; i < 8; i++)
			set |= members >> i & 1 ? 1u << roles[i] : 0;
		why = sam_roles_conflict(&policy, set);
		ck_assert_msg(!why == !parted(&policy, members), "set %02x: %s", members, why ? why : "allowed");
		allowed += !why;
	}
	/* nobody; eight alone; SCA, RA and CA with each other; and the pair that the policy may allow */
	ck_assert_int_eq(allowed, 1 + 8 + 4 + _i);
}
END_TEST

START_TEST(refusals_name_the_clause)
{
	struct sam_policy policy = { .administrator_operator = true };

	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_OFFICER | SAM_AUDITOR), "P1-7.1.1.6"));
	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_OPERATOR | SAM_AUDITOR), "P1-7.1.1.7"));
	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_ADMINISTRATOR | SAM_OFFICER), "P1-7.1.1.7"));
	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_ADMINISTRATOR | SAM_CA), "P1-7.1.1.5"));
	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_OFFICER | SAM_SIGNER), "P1-7.1.1.5"));
	policy.administrator_operator = false;
	ck_assert_ptr_nonnull(strstr(sam_roles_conflict(&policy, SAM_ADMINISTRATOR | SAM_OPERATOR), "P1-7.1.1.4"));
}
END_TEST

START_TEST(what_is_no_role_is_given_to_nobody)
{
	struct sam_policy policy = { .administrator_operator = true };

	ck_assert_ptr_nonnull(sam_roles_conflict(&policy, SAM_ANYBODY));
	ck_assert_ptr_nonnull(sam_roles_conflict(&policy, SAM_ANYBODY | SAM_SCA));
	ck_assert_ptr_nonnull(sam_roles_conflict(&policy, 1u << SAM_ROLE_COUNT));
	ck_assert_ptr_nonnull(sam_roles_conflict(&policy, ~0u));
}
END_TEST

START_TEST(roles_have_names)
{
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		ck_assert_str_ne(sam_role_name(roles[i]), "");
		ck_assert_int_eq(sam_role_by_name(sam_role_name(roles[i])), roles[i]);
	}
	ck_assert_int_eq(SAM_ROLE_COUNT, 9);
	ck_assert_int_eq(sam_role_by_name("security-officer"), SAM_ROLE_SECURITY_OFFICER);
	ck_assert_int_eq(sam_role_by_name("Auditor"), SAM_ROLE_NONE);
	ck_assert_int_eq(sam_role_by_name(""), SAM_ROLE_NONE);
	ck_assert_str_eq(sam_role_name(SAM_ROLE_NONE), "");
	ck_assert_str_eq(sam_role_name(SAM_ROLE_COUNT), "");
	ck_assert_str_eq(sam_role_name((enum sam_role)-1), "");
}
END_TEST

/* ---- acts ---- */

START_TEST(acts_are_known_by_their_names)
{
	for (unsigned i = 0; i < SAM_ACT_COUNT; i++) {
		const struct sam_act_info *info = sam_act_info((enum sam_act)i);

		/* by_name gives the first: an equal name before it would show here */
		ck_assert_uint_eq(sam_act_by_name(info->name), i);
		ck_assert_uint_gt(strlen(info->meaning), 0);
		ck_assert(!strncmp(info->clause, "P", 1));
		/* what nobody may begin, a signer's SAD orders */
		ck_assert(info->first || (info->sad[0] && !info->second));
		ck_assert_uint_eq(sam_acts_first_of(info->verb) & info->first, info->first);
	}
	ck_assert_ptr_null(sam_act_info(SAM_ACT_COUNT));
	ck_assert_ptr_null(sam_act_info((enum sam_act)-1));
	ck_assert_int_eq(sam_act_by_name("key"), SAM_ACT_COUNT);
	ck_assert_int_eq(sam_act_by_name(""), SAM_ACT_COUNT);
}
END_TEST

START_TEST(verbs_are_for_those_of_their_acts)
{
	ck_assert_uint_eq(sam_acts_first_of("status"), SAM_ANYBODY);
	ck_assert_uint_eq(sam_acts_first_of("principal add"), SAM_OFFICER | SAM_AUDITOR);
	ck_assert_uint_eq(sam_acts_first_of("signer suspend"), SAM_OFFICER | SAM_OPERATOR);
	ck_assert_uint_eq(sam_acts_first_of("audit list"), SAM_AUDITOR);
	/* names of acts are no verbs, and what has no row is nobody's */
	ck_assert_uint_eq(sam_acts_first_of("policy level"), 0);
	ck_assert_uint_eq(sam_acts_first_of("signer"), 0);
	ck_assert_uint_eq(sam_acts_first_of(""), 0);
}
END_TEST

START_TEST(no_row_lets_one_person_do_and_hide)
{
	for (unsigned i = 0; i < SAM_ACT_COUNT; i++) {
		const struct sam_act_info *info = sam_act_info((enum sam_act)i);
		const bool audit = !strncmp(info->verb, "audit ", 6);
		const bool signers = !strncmp(info->verb, "signer passwd", 13) || i == SAM_ACT_REQUEST_LIST ||
				     i == SAM_ACT_REQUEST_SHOW || i == SAM_ACT_REQUEST_REJECT;

		/* the trail is the auditor's alone, and nothing that enrols is */
		ck_assert_msg(!audit || info->first == SAM_AUDITOR, "%s", info->name);
		ck_assert_msg(signers == !!(info->first & SAM_SIGNER), "%s", info->name);
		/* what ends the means of a deed is not done by who reads of it, nor confirmed */
		ck_assert_msg(strcmp(info->verb, "key destroy") || !((info->first | info->second) & SAM_AUDITOR), "%s",
			      info->name);
		/* whoever is asked for nobody's name confirms nothing, and nobody confirms for a stranger */
		ck_assert_msg(!(info->second & (SAM_ANYBODY | SAM_SIGNER | SAM_SCA | SAM_CA)), "%s", info->name);
		ck_assert_msg(!(info->first & SAM_ANYBODY) || (info->first == SAM_ANYBODY && !info->second), "%s",
			      info->name);
		/* the administrator sees no signer, no policy and no record (P1-7.1.1.2b) */
		if (info->first & SAM_ADMINISTRATOR)
			ck_assert_msg(info->first == (info->first | SAM_PRIVILEGED), "%s", info->name);
	}
}
END_TEST

START_TEST(what_a_signer_authorises_with_needs_two_or_the_signer)
{
	static const enum sam_act acts[] = {
		SAM_ACT_AUTHENTICATOR_FIRST,  SAM_ACT_AUTHENTICATOR_ADD, SAM_ACT_AUTHENTICATOR_REPLACE,
		SAM_ACT_AUTHENTICATOR_REMOVE, SAM_ACT_SIGNER_UNLOCK,	 SAM_ACT_SIGNER_RESUME,
		SAM_ACT_SIGNER_REMOVE,	      SAM_ACT_SIGNER_PASSWD_FIRST,
	};
	struct sam_policy policy = { .level = 1 };

	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		ck_assert_msg(sam_policy_second(&policy, acts[i]) & SAM_OFFICER, "%s", sam_act_info(acts[i])->name);
	/* who has none yet has no SAD either */
	ck_assert_str_eq(sam_act_info(SAM_ACT_AUTHENTICATOR_FIRST)->sad, "");
	ck_assert_str_eq(sam_act_info(SAM_ACT_SIGNER_UNLOCK)->sad, "authenticator");
	ck_assert_str_eq(sam_act_info(SAM_ACT_SIGNER_REMOVE)->sad, "destroy");
}
END_TEST

/* Which key is a signer's, and what it signs, is nobody else's word (P1-4.2.2-reg-A-1). */
START_TEST(what_the_signer_alone_can_do)
{
	static const struct {
		enum sam_act act;
		const char *sad;
	} alone[] = {
		{ SAM_ACT_KEY_ACTIVATE, "activate" },
		{ SAM_ACT_KEY_CSR, "csr" },
		{ SAM_ACT_KEY_IMPORT, "import" },
		{ SAM_ACT_AUTHENTICATOR_PIN, "pin" },
	};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
		ck_assert_uint_eq(sam_act_info(alone[i].act)->first, 0);
		ck_assert_uint_eq(sam_act_info(alone[i].act)->second, 0);
		ck_assert_str_eq(sam_act_info(alone[i].act)->sad, alone[i].sad);
		ck_assert(!sam_act_may_wait(alone[i].act));
	}
	for (unsigned i = 0; i < SAM_ACT_COUNT; i++)
		count += !sam_act_info((enum sam_act)i)->first;
	ck_assert_uint_eq(count, sizeof alone / sizeof alone[0]);
}
END_TEST

START_TEST(a_key_is_ended_by_two_or_the_signer_but_stopped_by_one)
{
	struct sam_policy policy = { .level = 1 };

	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_DESTROY), SAM_OFFICER | SAM_OPERATOR);
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_RESUME), SAM_OFFICER);
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_SUSPEND), 0);
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_REVOKE), 0);
	/* above level 1 one officer gives nobody a key */
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_GENERATE_LEVEL), SAM_OFFICER);
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_RENEW_LEVEL), SAM_OFFICER);
	ck_assert_uint_eq(sam_policy_second(&policy, SAM_ACT_KEY_IMPORT_LEVEL), SAM_OFFICER);
}
END_TEST

START_TEST(acts_that_only_look_do_not_wait)
{
	static const char *const no[] = { "status",	  "sad inspect", "signer passwd",  "signer show", "role list",
					  "backup verify", "audit search", "pending confirm", "pending cancel" };
	static const char *const yes[] = { "signer add", "signer resume", "policy sign", "backup create", "cm disable" };

	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		ck_assert_msg(!sam_act_may_wait(sam_act_by_name(no[i])), "%s", no[i]);
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		ck_assert_msg(sam_act_may_wait(sam_act_by_name(yes[i])), "%s", yes[i]);
	for (unsigned i = 0; i < SAM_ACT_COUNT; i++)
		ck_assert(!sam_act_info((enum sam_act)i)->second || sam_act_may_wait((enum sam_act)i) ||
			  sam_act_info((enum sam_act)i)->first == SAM_SIGNER);
	ck_assert(!sam_act_may_wait(SAM_ACT_COUNT));
}
END_TEST

/* ---- calls ---- */

static const struct {
	const char *name;
	bool refused;
} calls[] = {
#define FREE(name, params, args) { #name, false },
#define UP(name, params, args) { #name, false },
#define SESSION(name, params, args) { #name, false },
#define NEVER(name, params, rv) { #name, true },
#define NO_OBJECT(name, params, handle, rv, none) { #name, true },
#define NO_RECORD(name, params, rv) { #name, true },
#include "provider/calls.def"
};

START_TEST(every_call_has_one_row)
{
	size_t n = sizeof calls / sizeof calls[0];

	for (size_t i = 0; i < n; i++) {
		ck_assert_ptr_nonnull(sam_call_info(i));
		ck_assert_str_eq(sam_call_info(i)->name, calls[i].name);
		ck_assert_uint_gt(strlen(sam_call_info(i)->meaning), 0);
	}
	ck_assert_ptr_null(sam_call_info(n));
}
END_TEST

START_TEST(calls_that_the_module_refuses_are_nobodys)
{
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		const struct sam_call_info *info = sam_call_info(i);

		/* an officer's own password may be set elsewhere as well */
		if (calls[i].refused && strcmp(info->name, "C_SetPIN"))
			ck_assert_msg(!info->who, "%s", info->name);
		/* and nobody but signers and SCAs comes near a signing key */
		if (!strncmp(info->name, "C_Sign", 6) && info->who)
			ck_assert_msg(info->who == (SAM_SIGNER | SAM_SCA), "%s", info->name);
		ck_assert_msg(!(info->who & (SAM_ADMINISTRATOR | SAM_OPERATOR | SAM_AUDITOR | SAM_RA | SAM_CA)), "%s",
			      info->name);
	}
}
END_TEST

START_TEST(calls_on_signing_keys_are_decided_in_one_table)
{
	const struct sam_keycall *row;
	size_t next = 0;

	/* each once, in the order of the lists, with its clause */
	for (size_t i = 0; (row = sam_keycall_at(i)); i++) {
		while (next < sizeof calls / sizeof calls[0] && strcmp(calls[next].name, row->call))
			next++;
		ck_assert_msg(next < sizeof calls / sizeof calls[0], "%s", row->call);
		next++;
		ck_assert_msg(row->clause[0] == 'P', "%s", row->call);
		ck_assert_int_eq(sam_keycall_reason(row->call), row->reason);
	}
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		const enum sam_reason reason = sam_keycall_reason(calls[i].name);

		/* what the module never does has a reason; C_GenerateKeyPair is left to other rules */
		if (calls[i].refused && strcmp(calls[i].name, "C_GenerateKeyPair"))
			ck_assert_msg(reason != SAM_OK, "%s", calls[i].name);
		if (!strncmp(calls[i].name, "C_Wrap", 6))
			ck_assert_int_eq(reason, SAM_UNEXTRACTABLE);
	}
	ck_assert_int_eq(sam_keycall_reason("C_CreateObject"), SAM_PROHIBITED);
	ck_assert_int_eq(sam_keycall_reason("C_DecryptInit"), SAM_KEY_FUNCTION);
	ck_assert_int_eq(sam_keycall_reason("C_Sign"), SAM_OK);
	ck_assert_int_eq(sam_keycall_reason("C_GenerateKeyPair"), SAM_OK);
	/* what nobody thought of is refused */
	ck_assert_int_eq(sam_keycall_reason("C_TomorrowKey"), SAM_PROHIBITED);
	ck_assert_int_eq(sam_keycall_reason(""), SAM_PROHIBITED);
}
END_TEST

static Suite *roles_suite(void)
{
	Suite *suite = suite_create("roles");
	TCase *people = tcase_create("roles"), *acts = tcase_create("acts"), *module = tcase_create("calls");

	tcase_add_loop_test(people, every_set_of_roles_is_judged_by_the_rule, 0, 2);
	tcase_add_test(people, refusals_name_the_clause);
	tcase_add_test(people, what_is_no_role_is_given_to_nobody);
	tcase_add_test(people, roles_have_names);
	tcase_add_test(acts, acts_are_known_by_their_names);
	tcase_add_test(acts, verbs_are_for_those_of_their_acts);
	tcase_add_test(acts, no_row_lets_one_person_do_and_hide);
	tcase_add_test(acts, what_a_signer_authorises_with_needs_two_or_the_signer);
	tcase_add_test(acts, what_the_signer_alone_can_do);
	tcase_add_test(acts, a_key_is_ended_by_two_or_the_signer_but_stopped_by_one);
	tcase_add_test(acts, acts_that_only_look_do_not_wait);
	tcase_add_test(module, every_call_has_one_row);
	tcase_add_test(module, calls_that_the_module_refuses_are_nobodys);
	tcase_add_test(module, calls_on_signing_keys_are_decided_in_one_table);
	suite_add_tcase(suite, people);
	suite_add_tcase(suite, acts);
	suite_add_tcase(suite, module);
	return suite;
}

SAM_UNIT_MAIN(roles_suite)
