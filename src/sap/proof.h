/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Proofs of possession beside a SAD with `cnf` (RFC 7800): SAD~PROOF.
 */
#ifndef SAM_SAP_PROOF_H
#define SAM_SAP_PROOF_H

#include "sap/sad.h"
#include "sap/rooms.h"

/** sam_proof_check(sam, snapshot, policy, sad, sad_len, claims, proof, proof_len, rules, out, msg): Is ${proof} (NULL:
 * none came) by the key of the SAD's `cnf`, over just this SAD, made now? The SAD itself is verified already. A SAD
 * without `cnf` must come without a proof. Where that key is registered for out->sub, out->factors gets
 * SAM_FACTOR_POSSESSION. SAD_CNF. */
enum sam_reason sam_proof_check(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				const char *sad, size_t sad_len, const json_t *claims, const char *proof,
				size_t proof_len, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg) SAM_MUST;

#endif
