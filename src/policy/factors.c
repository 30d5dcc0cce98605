/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Kinds of factors, counted and named.
 */
#include "policy/factors.h"

#include <string.h>

static const struct {
	unsigned kind;
	const char *name;
} kinds_known[] = {
	{ SAM_FACTOR_POSSESSION, "possession" },
	{ SAM_FACTOR_KNOWLEDGE, "knowledge" },
	{ SAM_FACTOR_ASSERTED, "asserted" },
};

enum { KINDS = sizeof kinds_known / sizeof kinds_known[0] };

unsigned sam_factors_count(unsigned kinds)
{
	unsigned count = 0;

	for (size_t i = 0; i < KINDS; i++)
		count += (kinds & kinds_known[i].kind) != 0;
	return count;
}

unsigned sam_factors_kind(const char *name)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (!strcmp(kinds_known[i].name, name))
			return kinds_known[i].kind;
	}
	return 0;
}

const char *sam_factors_text(unsigned kinds, char out[SAM_FACTORS_TEXT])
{
	out[0] = '\0';
	for (size_t i = 0; i < KINDS; i++) {
		if (!(kinds & kinds_known[i].kind))
			continue;
		if (out[0])
			strcat(out, " ");
		strcat(out, kinds_known[i].name);
	}
	return out[0] ? out : NULL;
}
