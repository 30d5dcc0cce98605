/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The evidence of a key's birth (P3-A1-8): the SAM's own statement where and how the key was made, verified by nothing
 * but the SAM's public key.
 */
#ifndef SAM_SAP_EVIDENCE_H
#define SAM_SAP_EVIDENCE_H

#include "sap/jose.h"

#ifndef SAM_TYP_EVIDENCE
#define SAM_TYP_EVIDENCE "sam-key-evidence+jws"
#endif

enum { SAM_EVIDENCE_MAX = 16384 };

/** sam_evidence_verify(text, len, key, kid, sam_id, claims, msg): Is that compact JWS such a statement: `typ`
 * SAM_TYP_EVIDENCE, ES256 by ${key} under its thumbprint ${kid}, `aud` is ${sam_id}, and each claim there, of its type
 * and form: iss (a node's name), iat, jti, credentialID and thumbprint (hexadecimal, one the beginning of the other),
 * key_type, origin, attributes, evaluation (texts), cm (the four texts manufacturer, model, firmware, serial)? That
 * they are of the key in hand is the caller's to compare. ${claims}: a new reference, NULL on failure. SAD_* with the
 * claim in ${msg}, never its value; MEMORY. */
enum sam_reason sam_evidence_verify(const char *text, size_t len, EVP_PKEY *key, const char *kid, const char *sam_id,
				    json_t **claims, struct sam_msg *msg) SAM_MUST;

#endif
