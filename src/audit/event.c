/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The catalogue of events as a table.
 */
#include "audit/audit.h"

static const struct sam_event_info catalogue[] = {
#define E(NAME, name, class, meaning, members, clause) { name, class, meaning, members, clause },
#include "audit/events.def"
#undef E
};

const struct sam_event_info *sam_audit_event_info(enum sam_event_type type)
{
	return (unsigned)type < SAM_EVENT_COUNT ? &catalogue[type] : NULL;
}
