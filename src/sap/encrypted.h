/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Encrypted SADs: compact JWE to the SAM's key, which never leaves the CM (p11-sam-sad(7)).
 */
#ifndef SAM_SAP_ENCRYPTED_H
#define SAM_SAP_ENCRYPTED_H

#include "sap/rooms.h"

/** sam_encrypted_open(sam, snapshot, text, len, out, msg): What is inside a compact JWE: a JWS or JWS~PROOF, not looked
 * at. ${out} (zeroed): the caller clears it, also after a failure. */
enum sam_reason sam_encrypted_open(struct sam *sam, const struct sam_snapshot *snapshot, const char *text, size_t len,
				   struct sam_secret *out, struct sam_msg *msg) SAM_MUST;

#endif
