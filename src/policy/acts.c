/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of acts and roles, asked.
 */
#include "policy/acts.h"

#include <string.h>

static const struct sam_act_info acts[] = {
#define A(NAME, name, verb, first, second, sad, meaning, clause) { name, verb, first, second, sad, meaning, clause },
#include "policy/acts.def"
};

static const struct sam_call_info calls[] = {
#define C(call, who, meaning) { #call, who, meaning },
#include "policy/acts.def"
};

const struct sam_act_info *sam_act_info(enum sam_act act)
{
	return (unsigned)act < SAM_ACT_COUNT ? &acts[act] : NULL;
}

enum sam_act sam_act_by_name(const char *name)
{
	unsigned act = 0;

	while (act < SAM_ACT_COUNT && strcmp(acts[act].name, name))
		act++;
	return (enum sam_act)act;
}

/* A group and one of the words that change nothing. */
static bool only_looks(const char *verb)
{
	static const char *const words[] = { "list", "show", "search", "verify" };
	const char *word = strchr(verb, ' ');

	for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
		if (!strcmp(word + 1, words[i]))
			return true;
	}
	return false;
}

bool sam_act_may_wait(enum sam_act act)
{
	const struct sam_act_info *info = sam_act_info(act);

	return info && info->first && !(info->first & (SAM_ANYBODY | SAM_SIGNER)) && !only_looks(info->verb) &&
	       strncmp(info->verb, "pending ", strlen("pending "));
}

unsigned sam_acts_first_of(const char *verb)
{
	unsigned first = 0;

	for (unsigned act = 0; act < SAM_ACT_COUNT; act++) {
		if (!strcmp(acts[act].verb, verb))
			first |= acts[act].first;
	}
	return first;
}

const struct sam_call_info *sam_call_info(size_t i)
{
	return i < sizeof calls / sizeof calls[0] ? &calls[i] : NULL;
}
