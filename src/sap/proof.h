/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Proofs of possession beside a SAD with `cnf` (RFC 7800): SAD~PROOF.
 */
#ifndef SAM_SAP_PROOF_H
#define SAM_SAP_PROOF_H

#include "sap/sad.h"
#include "sap/rooms.h"

#define SAM_TYP_PROOF "sad-proof+jwt"

enum { SAM_PROOF_MAX = 8192, SAM_PROOF_S = 300 /* how long it may live */ };

/** sam_proof_check(sam, snapshot, policy, sad, sad_len, claims, proof, proof_len, rules, out, msg): Is ${proof} (NULL:
 * none came) by the key of the SAD's `cnf`, over just this SAD, made now? The SAD itself is verified already. A SAD
 * without `cnf` must come without a proof. Where that key is registered for out->sub, out->cnf_key is it, and
 * out->factors gets SAM_FACTOR_POSSESSION; above level 1 it must be. The proof says which SAD it is for, and a SAD's
 * uses are counted by themselves, so nothing is remembered of it. SAD_CNF: `cnf` is none of ours, or the one came
 * without the other; SAD_KEY_UNKNOWN: it names no key registered for the signer; SAD_PROOF: the proof is another's,
 * for another SAD or SAM, or malformed; SAD_EXPIRED, SAD_NOT_YET, SAD_ALGORITHM, SAD_TRUNCATED of the proof. */
enum sam_reason sam_proof_check(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				const char *sad, size_t sad_len, const json_t *claims, const char *proof,
				size_t proof_len, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg) SAM_MUST;

#endif
