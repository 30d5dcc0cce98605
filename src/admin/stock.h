/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Taking stock of the CM: which of its keys the registry does not know, and which it knows to be destroyed.
 */
#ifndef SAM_ADMIN_STOCK_H
#define SAM_ADMIN_STOCK_H

#include "sap/rooms.h"

struct sam_stock {
	size_t returned;   /* destroyed keys that are in the CM again (P3-A1-6b) */
	size_t strangers;  /* private keys that no registry knows */
	char example[SAM_CREDENTIAL_SIZE]; /* the credentialID of one that returned; "" */
};

/** sam_stock_take(cm, snapshot, out): Look at every key of the CM: a destroyed one is known by its public key, or by the
 * CKA_ID that it had. CM_*. */
enum sam_reason sam_stock_take(struct sam_cm *cm, const struct sam_snapshot *snapshot, struct sam_stock *out) SAM_MUST;

/** sam_stock_alarm(sam, count): The same, with an alert in the trail for each destroyed key that is there,
 * each time. ${count}: how many. */
enum sam_reason sam_stock_alarm(struct sam *sam, size_t *count) SAM_MUST;

#endif
