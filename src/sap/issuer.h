/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs of trusted issuers (authorisation servers of the policy), in the shapes of the CSC API v2. They are for
 * signatures only: what else a signer orders, the signer's own key signs.
 */
#ifndef SAM_SAP_ISSUER_H
#define SAM_SAP_ISSUER_H

#include "sap/sad.h"
#include "sap/rooms.h"

/** sam_issuer_is(policy, claims): Is the `iss` of these claims, not verified yet, one of the policy's issuers? */
bool sam_issuer_is(const struct sam_policy *policy, const json_t *claims);

/** sam_issuer_verify(sam, policy, jws, claims, rules, out, msg): Verify it with the issuer's keys and read every claim
 * into ${out}: iss, sub, kid, jti, times, what may be signed; `amr`, `acr`, `auth_time` as the policy's entry asks
 * (SAD_ASSERTED), for which out->factors gets SAM_FACTOR_ASSERTED where that is another kind than possession. `cnf` is
 * for sam_proof_check(), and after it comes sam_issuer_accept(). */
enum sam_reason sam_issuer_verify(struct sam *sam, const struct sam_policy *policy, const struct sam_jws *jws,
				  const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
				  struct sam_msg *msg) SAM_MUST;

/** sam_issuer_accept(snapshot, policy, a, msg): After sam_proof_check(): did the signer have a part in it (P1-3.5.2)?
 * OK for the signer's own SAD, and where the proof was by a key registered for the signer; else it is delegation, which
 * only an entry of a level 1 policy takes, and then the issuer's word is the one factor that is seen (a->factors).
 * SAD_DELEGATION; above level 1 also ISSUER_IS_USER, where the issuer's key is a principal's or a signer's. */
enum sam_reason sam_issuer_accept(const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				  struct sam_activation *a, struct sam_msg *msg) SAM_MUST;

/** sam_issuer_still(sam, snapshot, policy, a): Would an issuer's SAD that was verified be accepted now: the entry still
 * in the policy, its key still in the JWKS file, the signer's key of the proof still registered? SAD_KEY_UNKNOWN,
 * SAD_DELEGATION, ISSUER_KEYS, ISSUER_IS_USER. OK for other SADs. */
enum sam_reason sam_issuer_still(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				 const struct sam_activation *a) SAM_MUST;

#endif
