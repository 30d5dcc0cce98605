/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Removed keys that are still in the CM: a crash or a CM that failed came between.
 */
#ifndef SAM_ADMIN_LEFTOVER_H
#define SAM_ADMIN_LEFTOVER_H

#include "sap/rooms.h"

/** sam_leftover_destroy(sam, by, left): Destroy in the CM whatever the registry has buried and not yet seen gone, each
 * with its record, by the actor of ${by} (NULL: the process). ${left}: how many the CM did not destroy. */
enum sam_reason sam_leftover_destroy(struct sam *sam, const struct sam_event *by, size_t *left) SAM_MUST;

#endif
