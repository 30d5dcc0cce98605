/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs that signers sign themselves: with a device key, or with the key of a certificate that is bound to them.
 */
#ifndef SAM_SAP_SIGNER_KEY_H
#define SAM_SAP_SIGNER_KEY_H

#include "sap/rooms.h"
#include "sap/sad.h"

/** sam_signer_key_find(snapshot, kid, sub, out): The authenticator of that kid, if it is this signer's.
 * SAD_KEY_UNKNOWN. */
enum sam_reason sam_signer_key_find(const struct sam_snapshot *snapshot, const char *kid, const char *sub,
				    const struct sam_authenticator **out) SAM_MUST;

/** sam_signer_key_verify(snapshot, policy, jws, claims, now, out, msg): Is it signed by the `sub` that it names? A
 * device key is named by the header's `kid`; a certificate comes in `x5c` (without `kid`, or with that of its key),
 * and must chain now to a CA of the policy whose use is authentication. ${out} gets iss, sub, jti, kid as far as they
 * are known, also after a failure, and SAM_FACTOR_POSSESSION. SAD_HEADER, SAD_CLAIMS, SAD_ISSUER, SAD_KEY_UNKNOWN,
 * SAD_CERTIFICATE, SAD_ALGORITHM, SAD_SIGNATURE, SAD_TRUNCATED. */
enum sam_reason sam_signer_key_verify(const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				      const struct sam_jws *jws, const json_t *claims, int64_t now,
				      struct sam_activation *out, struct sam_msg *msg) SAM_MUST;

#endif
