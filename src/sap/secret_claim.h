/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The claims of a SAD that are secrets (p11-sam-sad(7)): cut out of the payload before a JSON library sees it, so that
 * no copy of them is left where nobody wipes it (invariant 8).
 */
#ifndef SAM_SAP_SECRET_CLAIM_H
#define SAM_SAP_SECRET_CLAIM_H

#include <jansson.h>
#include "base/reason.h"
#include "registry/password.h"

/* "" where the claim is not there. */
struct sam_secret_claims {
	char pin[SAM_KNOWLEDGE_MAX + 1];   /* `pin` */
	char fresh[SAM_KNOWLEDGE_MAX + 1]; /* `new` of `operation_params` */
};

/** sam_secret_claims_cut(payload, len, out, msg): One scan of the ${len} bytes of a payload, which need be no JSON:
 * `pin` at the top level and `new` in the top level's `operation_params` go to ${out}, and asterisks stand in their
 * place. SAD_CLAIMS with the claim's name if one is there twice, is no string of 4 to 64 printable ASCII characters
 * without quotation mark and backslash, or its name or `operation_params` is spelt with escapes. ${out}: the caller
 * wipes it, also after a failure. */
enum sam_reason sam_secret_claims_cut(uint8_t *payload, size_t len, struct sam_secret_claims *out,
				      struct sam_msg *msg) SAM_MUST;

/** sam_secret_claims_check(claims, cut, msg): Are ${claims}, made of that payload afterwards, without any other `pin`
 * and `new` than those that were cut out? Takes the blanked `pin` away; the blanked `new` stays. SAD_CLAIMS. */
enum sam_reason sam_secret_claims_check(json_t *claims, const struct sam_secret_claims *cut,
					struct sam_msg *msg) SAM_MUST;

void sam_secret_claims_wipe(struct sam_secret_claims *secrets);

#endif
