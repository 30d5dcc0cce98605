/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of sad.h share: the claim that says what may be signed, and the set of digests.
 */
#ifndef SAM_SAP_SAD_DETAILS_H
#define SAM_SAP_SAD_DETAILS_H

#include "sap/sad.h"

/** sam_sad_details(claim, out, msg): Read `authorization_details` into credential, hash, digests,
 * limit and sign_algo of ${out}. SAD_DETAILS. */
enum sam_reason sam_sad_details(const json_t *claim, struct sam_activation *out,
				struct sam_msg *msg) SAM_MUST;

/* Checks of single values, for claims and for what comes back from the store. */
bool sam_sad_credential_valid(const char *text);
bool sam_sad_oid_valid(const char *text);
bool sam_sad_jti_valid(const char *text, size_t len);
bool sam_sad_thumbprint_valid(const char *text, size_t len);

#endif
