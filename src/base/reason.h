/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reasons: the one type in which every room says yes or no. The provider turns
 * a reason into a CK_RV, the audit and the log keep its name.
 */
#ifndef SAM_BASE_REASON_H
#define SAM_BASE_REASON_H

#include <stdbool.h>
#include <p11-kit/pkcs11.h>

enum sam_reason {
	SAM_OK = 0,
#define R(NAME, name, rv, rv_context, text) SAM_##NAME,
#include "base/reasons.def"
#undef R
	SAM_REASON_COUNT
};

/* Every function that can fail must be asked whether it did. */
#define SAM_MUST __attribute__((warn_unused_result))

/* A sentence for people, with what the reason alone cannot say: file, line, field. */
struct sam_msg {
	char text[512];
};

/** sam_msg_set(msg, fmt, ...): Write the sentence into ${msg} (may be NULL), cut at its size. */
void sam_msg_set(struct sam_msg *msg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** sam_reason_name(reason): The reason's word in audit records ("ok" for SAM_OK); static. */
const char *sam_reason_name(enum sam_reason reason);

/** sam_reason_text(reason): What happened and what to do, for operators; static. */
const char *sam_reason_text(enum sam_reason reason);

/** sam_reason_rv(reason, context): The code that the application gets. ${context}: the reason
 * came up in a CKU_CONTEXT_SPECIFIC login or inside a SAD. */
CK_RV sam_reason_rv(enum sam_reason reason, bool context);

/** sam_reason_find(name): The reason of that name, or SAM_REASON_COUNT. */
enum sam_reason sam_reason_find(const char *name);

#endif
