/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tables of acts.def and roles.h for scripts, as tab-separated lines; a set of roles is their names with
 * commas, "anybody", or "-".
 *
 *   acts acts        NAME VERB FIRST SECOND OPERATION
 *   acts calls       CALL WHO
 *   acts conflicts   ROLE ROLE, then may|not where the policy's administrator_operator is false, and where it is true
 */
#include <stdio.h>
#include <string.h>
#include "policy/acts.h"
#include "policy/policy.h"

static const char *role_text(int role)
{
	return role == SAM_ROLE_NONE ? "anybody" : sam_role_name((enum sam_role)role);
}

static void print_set(unsigned roles)
{
	const char *between = "";
	for (int role = SAM_ROLE_NONE; role < SAM_ROLE_COUNT; role++) {
		if (!(roles & 1u << role))
			continue;
		printf("%s%s", between, role_text(role));
		between = ",";
	}
	fputs(roles ? "" : "-", stdout);
}

static void print_acts(void)
{
	for (int act = 0; act < SAM_ACT_COUNT; act++) {
		const struct sam_act_info *info = sam_act_info((enum sam_act)act);
		printf("%s\t%s\t", info->name, info->verb);
		print_set(info->first);
		putchar('\t');
		print_set(info->second);
		printf("\t%s\n", *info->sad ? info->sad : "-");
	}
}

static void print_calls(void)
{
	const struct sam_call_info *call;
	for (size_t i = 0; (call = sam_call_info(i)); i++) {
		printf("%s\t", call->name);
		print_set(call->who);
		putchar('\n');
	}
}

static void print_conflicts(void)
{
	static struct sam_policy strict, loose = {.administrator_operator = true};
	for (int a = SAM_ROLE_NONE + 1; a < SAM_ROLE_COUNT; a++)
		for (int b = SAM_ROLE_NONE + 1; b < SAM_ROLE_COUNT; b++)
			printf("%s\t%s\t%s\t%s\n", role_text(a), role_text(b),
			       sam_roles_conflict(&strict, 1u << a | 1u << b) ? "not" : "may",
			       sam_roles_conflict(&loose, 1u << a | 1u << b) ? "not" : "may");
}

int main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";
	if (strcmp(what, "acts") == 0)
		print_acts();
	else if (strcmp(what, "calls") == 0)
		print_calls();
	else if (strcmp(what, "conflicts") == 0)
		print_conflicts();
	else
		return 2;
	return 0;
}
