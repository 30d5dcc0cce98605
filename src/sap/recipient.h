/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keys that SADs are encrypted to: made in the CM and put into the registry, changed, destroyed. Whoever changes
 * them holds sam_cm_lock(), so that no process takes what another is making for a leftover.
 */
#ifndef SAM_SAP_RECIPIENT_H
#define SAM_SAP_RECIPIENT_H

#include "registry/edit.h"
#include "sap/rooms.h"

/** sam_recipient_make(sam, rsa, out): A new pair in the CM, and the SAM's statement of it. In no registry yet: whoever
 * does not put it there destroys it with sam_recipient_undo(). LOCKED by the caller. CM_MECHANISM if the CM cannot do
 * RSA-OAEP with SHA-256, CM_KEY_MISSING without a key for statements, CM_*, MEMORY; ${out} is empty then. */
enum sam_reason sam_recipient_make(struct sam *sam, bool rsa, struct sam_sap_key *out) SAM_MUST;
void sam_recipient_undo(struct sam *sam, struct sam_sap_key *key);
void sam_recipient_clear(struct sam_sap_key *key);

/** sam_recipient_first(sam, rsa, msg): See that there is one in use: the first is made, and recorded, here. Takes the
 * lock. */
enum sam_reason sam_recipient_first(struct sam *sam, bool rsa, struct sam_msg *msg) SAM_MUST;

/* What the CM and the registry have of them, against each other. */
struct sam_recipient_stock {
	size_t leftover; /* in the CM, in no registry: of an act that a crash cut short, or from before a restore */
	size_t over;     /* in the registry, not taken any more */
	size_t missing;  /* in the registry, taken, and not in the CM as it was made */
};

/** sam_recipient_take_stock(cm, snapshot, out): CM_*. */
enum sam_reason sam_recipient_take_stock(struct sam_cm *cm, const struct sam_snapshot *snapshot,
					 struct sam_recipient_stock *out) SAM_MUST;

/** sam_recipient_tidy(sam, left): Destroy in the CM whatever is not taken any more, and what no registry has, each with
 * its record. LOCKED by the caller. ${left}: how many the CM did not destroy. */
enum sam_reason sam_recipient_tidy(struct sam *sam, size_t *left) SAM_MUST;

#endif
