/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files about JWE share; for nobody else.
 */
#ifndef SAM_SAP_JWE_INTERNAL_H
#define SAM_SAP_JWE_INTERNAL_H

#include "base/gcm.h"
#include "sap/jwe.h"

#define SAM_JWE_ENC "A256GCM"

enum { SAM_JWE_WRAPPED_KEY = SAM_JWE_CONTENT_KEY + 8 };

/** sam_jwe_agreed(z, direct, u, v, out): Of the shared secret: the content's key, or the one that wraps it. */
enum sam_reason sam_jwe_agreed(const uint8_t z[SAM_JWE_Z], bool direct, const struct sam_jwe_party *u,
			       const struct sam_jwe_party *v, uint8_t out[SAM_JWE_CONTENT_KEY]) SAM_MUST;

/** sam_jwe_agree(own, peer, z): The shared secret, with a private key that OpenSSL has. */
bool sam_jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[SAM_JWE_Z]) SAM_MUST;

/** sam_jwe_key_wrap(kek, in, in_len, out, out_len, wrap): AES key wrap (RFC 3394), in one direction or the other. */
bool sam_jwe_key_wrap(const uint8_t kek[SAM_JWE_CONTENT_KEY], const uint8_t *in, size_t in_len, uint8_t *out,
		      size_t out_len, bool wrap) SAM_MUST;

/** sam_jwe_key_rsa(jwk, out, msg): As sam_jwe_key(), of an RSA key: 2048 to 4096 bits, `alg` absent or RSA-OAEP-256. */
enum sam_reason sam_jwe_key_rsa(const json_t *jwk, EVP_PKEY **out, struct sam_msg *msg) SAM_MUST;

/** sam_jwe_is(json, wanted): Is it this string? */
bool sam_jwe_is(const json_t *json, const char *wanted);

#endif
