/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of calls on signing keys, asked (invariant 1).
 */
#include "policy/keycalls.h"

#include <string.h>

static const struct sam_keycall keycalls[] = {
#define K(call, reason, clause) { #call, reason, clause },
#include "policy/keycalls.def"
};

const struct sam_keycall *sam_keycall_at(size_t i)
{
	return i < sizeof keycalls / sizeof keycalls[0] ? &keycalls[i] : NULL;
}

enum sam_reason sam_keycall_reason(const char *call)
{
	const struct sam_keycall *row;

	for (size_t i = 0; (row = sam_keycall_at(i)); i++) {
		if (!strcmp(row->call, call))
			return row->reason;
	}
	return SAM_PROHIBITED;
}
