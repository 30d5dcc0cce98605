/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of reasons, and sentences for people.
 */
#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *text;
	CK_RV rv, rv_context;
} reasons[SAM_REASON_COUNT] = {
	[SAM_OK] = {"ok", "done", CKR_OK, CKR_OK},
#define R(NAME, name, rv, rv_context, text) [SAM_##NAME] = {#name, text, rv, rv_context},
#include "base/reasons.def"
#undef R
};

static enum sam_reason known(enum sam_reason reason)
{
	return (unsigned)reason < SAM_REASON_COUNT ? reason : SAM_INTERNAL;
}

const char *sam_reason_name(enum sam_reason reason)
{
	return reasons[known(reason)].name;
}

const char *sam_reason_text(enum sam_reason reason)
{
	return reasons[known(reason)].text;
}

CK_RV sam_reason_rv(enum sam_reason reason, bool context)
{
	return context ? reasons[known(reason)].rv_context : reasons[known(reason)].rv;
}

enum sam_reason sam_reason_find(const char *name)
{
	for (unsigned i = 0; i < SAM_REASON_COUNT; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return (enum sam_reason)i;
	return SAM_REASON_COUNT;
}

void sam_msg_set(struct sam_msg *msg, const char *fmt, ...)
{
	if (!msg)
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg->text, sizeof msg->text, fmt, ap);
	va_end(ap);
}
