/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs of trusted issuers (authorisation servers of the policy), in the shapes of the CSC API v2.
 */
#ifndef SAM_SAP_ISSUER_H
#define SAM_SAP_ISSUER_H

#include "sap/sad.h"
#include "sap/rooms.h"

/** sam_issuer_is(policy, claims): Is the `iss` of these claims, not verified yet, one of the policy's issuers? */
bool sam_issuer_is(const struct sam_policy *policy, const json_t *claims);

/** sam_issuer_verify(sam, policy, jws, claims, rules, out, msg): Verify it with the issuer's keys and read every claim
 * into ${out}: iss, sub, kid, jti, times, what may be signed; `amr`, `acr`, `auth_time` as the policy's entry asks, for
 * which out->factors gets SAM_FACTOR_ASSERTED. `cnf` is for sam_proof_check(). */
enum sam_reason sam_issuer_verify(struct sam *sam, const struct sam_policy *policy, const struct sam_jws *jws,
				  const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
				  struct sam_msg *msg) SAM_MUST;

#endif
