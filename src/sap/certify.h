/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests for certificates (PKCS#10, RFC 2986): made inside the SAM from the sealed public key and the signer's
 * registered subject, signed through the one door under the signer's `csr` SAD; and the evidence of a key's birth
 * (P3-A1-8).
 */
#ifndef SAM_SAP_CERTIFY_H
#define SAM_SAP_CERTIFY_H

#include "sap/rooms.h"

/* For which key; and whether the request carries the evidence. */
struct sam_certify {
	const char *credential;
	bool evidence;
};

/* The DER of a CertificationRequestInfo: malloc()ed, the caller's to free. */
struct sam_certify_info {
	uint8_t *der;
	size_t len;
};

/** sam_certify_info(sam, request, out, msg): What would be signed: the same bytes as long as key and subject are the
 * same. NOT_FOUND, SUBJECT (the registry has none, or none that a certificate can have), KEY_STATE (no evidence). */
enum sam_reason sam_certify_info(struct sam *sam, const struct sam_certify *request, struct sam_certify_info *out,
				 struct sam_msg *msg) SAM_MUST;

/** sam_certify_sign(sam, request, sad, len, pem, msg): The whole request under a SAD for `csr` that names the SHA-256 of
 * just these bytes, as PEM, malloc()ed. What became of it is recorded here. As sam_certify_info() and sam_sign();
 * SAD_PARAMS, SAD_FOREIGN. */
enum sam_reason sam_certify_sign(struct sam *sam, const struct sam_certify *request, const char *sad, size_t len,
				 char **pem, struct sam_msg *msg) SAM_MUST;

/** sam_certify_evidence(sam, snapshot, key, claims, msg): Verify the statement that the SAM made at the key's birth, and
 * that it is this key's; ${claims}: a new reference. NOT_FOUND if the key has none; STORE_TAMPERED. */
enum sam_reason sam_certify_evidence(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_key *key,
				     json_t **claims, struct sam_msg *msg) SAM_MUST;

#endif
