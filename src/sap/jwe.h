/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE (RFC 7516) as much as p11-sam needs: `ECDH-ES` and `ECDH-ES+A256KW` on P-256, `A256GCM`, no
 * compression; and the JWKs for it.
 */
#ifndef SAM_SAP_JWE_H
#define SAM_SAP_JWE_H

#include "sap/jose.h"

enum { SAM_JWE_MAX = 262144, SAM_JWE_PARTY_MAX = 128, SAM_JWE_Z = 32 };

#define SAM_JWE_DIRECT "ECDH-ES"
#define SAM_JWE_WRAPPED "ECDH-ES+A256KW"

/* ---- keys ---- */

/** sam_jwe_key(jwk, private, out, msg): The public or private key of a JWK: EC P-256 with the point on the curve,
 * `use` absent or enc, `key_ops`, if there, with deriveKey, deriveBits or wrapKey (private: unwrapKey), `alg`
 * absent or one of ours. A private one is tried against its public part. The caller frees it. JWE_KEY with ${msg}. */
enum sam_reason sam_jwe_key(const json_t *jwk, bool private, EVP_PKEY **out, struct sam_msg *msg) SAM_MUST;

/** sam_jwe_kid(jwk, out, msg): Its thumbprint (RFC 7638), which is the `kid` of what is encrypted to it. JWE_KEY
 * with ${msg} if sam_jwe_key() does not take it as a public key, MEMORY. */
enum sam_reason sam_jwe_kid(const json_t *jwk, char out[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg) SAM_MUST;

/** sam_jwe_public(jwk): The public members of such a JWK with `use` enc, and `alg` if it was there; a new
 * reference, NULL if it is none. */
json_t *sam_jwe_public(const json_t *jwk);

/** sam_jwe_generate(out): A new private JWK, `use` enc, for both algorithms; drop it with sam_jose_private_free().
 * RANDOM, MEMORY. */
enum sam_reason sam_jwe_generate(json_t **out) SAM_MUST;

/* ---- messages ---- */

/** sam_jwe_encrypt(recipient, alg, header, in, len, out): To a public JWK whose `alg`, if there, is ${alg}
 * (SAM_JWE_DIRECT, SAM_JWE_WRAPPED). ${header}: more protected members (typ, cty) or NULL; alg, enc, epk and kid
 * are ours. ${out} is malloc()ed, at most SAM_JWE_MAX characters. JWE_KEY, JWE_ALGORITHM, ARGUMENTS if it were
 * longer, RANDOM, MEMORY, INTERNAL. */
enum sam_reason sam_jwe_encrypt(const json_t *recipient, const char *alg, const json_t *header, const void *in,
				size_t len, char **out) SAM_MUST;

/** sam_jwe_decrypt(text, len, key, out): With a private JWK. Strict: five parts of base64url, at most SAM_JWE_MAX
 * bytes, one JSON object without doubled members for a header, an `epk` on the curve before anything is derived,
 * the exact lengths of encrypted key, nonce and tag, `apu` and `apv` at most SAM_JWE_PARTY_MAX bytes (else
 * JWE_MALFORMED); algorithms of ours and of the key, no `crit`, `zip`, `jku`, `x5u` (JWE_ALGORITHM). JWE_KEY for
 * all that fails from then on, so that nobody learns how far a changed text came. `kid` is not looked at. ${out}
 * (zeroed or set before): the caller clears it; left alone after a failure. */
enum sam_reason sam_jwe_decrypt(const char *text, size_t len, const json_t *key, struct sam_secret *out) SAM_MUST;

/* PartyUInfo or PartyVInfo: `apu`, `apv`. */
struct sam_jwe_party {
	uint8_t data[SAM_JWE_PARTY_MAX];
	size_t len;
};

/** sam_jwe_derive(z, algorithm, u, v, out, len): The Concat KDF of RFC 7518 section 4.6.2: a key of ${len} bytes
 * for that algorithm (direct: `enc`, else `alg`) from the shared secret. INTERNAL if OpenSSL refuses. */
enum sam_reason sam_jwe_derive(const uint8_t z[SAM_JWE_Z], const char *algorithm, const struct sam_jwe_party *u,
			       const struct sam_jwe_party *v, uint8_t *out, size_t len) SAM_MUST;

#endif
