/* SPDX-License-Identifier: BSD-3-Clause
 *
 * PKCS#11 calls on signing keys: keycalls.def as a table.
 */
#ifndef SAM_POLICY_KEYCALLS_H
#define SAM_POLICY_KEYCALLS_H

#include <stddef.h>
#include "base/reason.h"

struct sam_keycall {
	const char *call;       /* "C_WrapKey" */
	enum sam_reason reason; /* SAM_OK: other rules decide */
	const char *clause;     /* of the guideline */
};

/** sam_keycall_at(i): The i-th row; NULL past the last. */
const struct sam_keycall *sam_keycall_at(size_t i);

/** sam_keycall_reason(call): Why this call is refused for a signing key, whoever asks; SAM_OK: other rules decide.
 * A call without a row is PROHIBITED. */
enum sam_reason sam_keycall_reason(const char *call) SAM_MUST;

#endif
