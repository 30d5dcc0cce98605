/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verifying a raw signature, as PKCS#11 and JWS have it, with a public key in OpenSSL.
 */
#ifndef SAM_SAP_VERIFY_H
#define SAM_SAP_VERIFY_H

#include "base/mechanism.h"
#include "base/ossl.h"

/** sam_verify_digest(pkey, padding, hash, digest, len, signature, signature_len): PKCS#1 v1.5, PSS (MGF1 and
 * salt as the hash) or ECDSA (r||s of the order's length; the leftmost ${len} bytes of the hash that the
 * order takes). SIGNATURE_MISMATCH, MEMORY. */
enum sam_reason sam_verify_digest(EVP_PKEY *pkey, enum sam_padding padding, enum sam_hash hash,
				  const uint8_t *digest, size_t len, const uint8_t *signature,
				  size_t signature_len) SAM_MUST;

/** sam_verify_message(pkey, message, len, signature, signature_len): Ed25519. SIGNATURE_MISMATCH, MEMORY. */
enum sam_reason sam_verify_message(EVP_PKEY *pkey, const uint8_t *message, size_t len, const uint8_t *signature,
				   size_t signature_len) SAM_MUST;

#endif
