/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of sad.h share: the claim that says what may be signed, and the set of digests.
 */
#ifndef SAM_SAP_SAD_DETAILS_H
#define SAM_SAP_SAD_DETAILS_H

#include "sap/sad.h"

/** sam_sad_details(claim, rules, out, msg): Read `authorization_details` into credential, hash, digests,
 * limit and sign_algo of ${out}. SAD_DETAILS. */
enum sam_reason sam_sad_details(const json_t *claim, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg) SAM_MUST;

/** sam_sad_details_object(details, rules, out): The one object in it. The name of the member that is wrong, or NULL. */
const char *sam_sad_details_object(const json_t *details, const struct sam_sad_rules *rules,
				   struct sam_activation *out) SAM_MUST;

/** sam_sad_flat(claims, rules, out, msg): The same from the flat form, as the EUDI reference implementation has it:
 * `credentialID`, `hashes` (a list, or one text joined by commas), `hashAlgorithmOID` and perhaps `numSignatures` and
 * `signAlgo` among the claims. SAD_DETAILS, MEMORY. */
enum sam_reason sam_sad_flat(const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
			     struct sam_msg *msg) SAM_MUST;

/** sam_sad_is_flat(claims): Is any claim of the flat form there? */
bool sam_sad_is_flat(const json_t *claims);

/* Checks of single values, for claims and for what comes back from the store. */
bool sam_sad_credential_valid(const char *text);
bool sam_sad_oid_valid(const char *text);
bool sam_sad_jti_valid(const char *text, size_t len);
bool sam_sad_thumbprint_valid(const char *text, size_t len);

#endif
