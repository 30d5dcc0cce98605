/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE (RFC 7516) as much as p11-sam needs: `ECDH-ES` and `ECDH-ES+A256KW` on P-256, `RSA-OAEP-256`,
 * `A256GCM`, no compression; and the JWKs for it.
 */
#ifndef SAM_SAP_JWE_H
#define SAM_SAP_JWE_H

#include "sap/jose.h"

enum { SAM_JWE_MAX = 262144, SAM_JWE_PARTY_MAX = 128, SAM_JWE_Z = 32 };
enum { SAM_JWE_POINT = 65, SAM_JWE_CONTENT_KEY = 32, SAM_JWE_RSA_MIN = 256, SAM_JWE_RSA_MAX = 512 }; /* bytes */

#define SAM_JWE_DIRECT "ECDH-ES"
#define SAM_JWE_WRAPPED "ECDH-ES+A256KW"
#define SAM_JWE_RSA "RSA-OAEP-256"

/* ---- keys ---- */

/** sam_jwe_key(jwk, private, out, msg): The public or private key of a JWK: EC P-256 with the point on the curve,
 * `use` absent or enc, `key_ops`, if there, with deriveKey, deriveBits or wrapKey (private: unwrapKey), `alg`
 * absent or one of ours. A private one is tried against its public part. The caller frees it. JWE_KEY with ${msg}. */
enum sam_reason sam_jwe_key(const json_t *jwk, bool private, EVP_PKEY **out, struct sam_msg *msg) SAM_MUST;

/** sam_jwe_recipient(jwk, kid, msg): Is it a public key that sam_jwe_encrypt() takes, EC or RSA? Then its thumbprint.
 * JWE_KEY with ${msg}. */
enum sam_reason sam_jwe_recipient(const json_t *jwk, char kid[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg) SAM_MUST;

/** sam_jwe_kid(jwk, out, msg): Its thumbprint (RFC 7638), which is the `kid` of what is encrypted to it. JWE_KEY
 * with ${msg} if sam_jwe_key() does not take it as a public key, MEMORY. */
enum sam_reason sam_jwe_kid(const json_t *jwk, char out[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg) SAM_MUST;

/** sam_jwe_public(jwk): The public members of such a JWK with `use` enc, and `alg` if it was there; a new
 * reference, NULL if it is none. */
json_t *sam_jwe_public(const json_t *jwk);

/** sam_jwe_public_of(pkey): The public JWK of such a key, EC or RSA, with `use` enc and its thumbprint as `kid`; a new
 * reference, NULL without memory. */
json_t *sam_jwe_public_of(const EVP_PKEY *pkey);

/** sam_jwe_generate(out): A new private JWK, `use` enc, for both algorithms; drop it with sam_jose_private_free().
 * RANDOM, MEMORY. */
enum sam_reason sam_jwe_generate(json_t **out) SAM_MUST;

/* ---- messages ---- */

/** sam_jwe_encrypt(recipient, alg, header, in, len, out): To a public JWK whose `alg`, if there, is ${alg}
 * (SAM_JWE_DIRECT, SAM_JWE_WRAPPED; of an RSA key SAM_JWE_RSA). ${header}: more protected members (typ, cty) or
 * NULL; alg, enc, epk and kid are ours. ${out} is malloc()ed, at most SAM_JWE_MAX characters. JWE_KEY, JWE_ALGORITHM,
 * ARGUMENTS if it were longer, RANDOM, MEMORY, INTERNAL. */
enum sam_reason sam_jwe_encrypt(const json_t *recipient, const char *alg, const json_t *header, const void *in,
				size_t len, char **out) SAM_MUST;

/** sam_jwe_parse(text, len, out): Take a compact JWE apart, strictly: five parts of base64url, at most SAM_JWE_MAX
 * bytes, one JSON object without doubled members for a header, an `epk` on the curve before anything is derived (of
 * ECDH-ES), the exact lengths of encrypted key, nonce and tag, `apu` and `apv` at most SAM_JWE_PARTY_MAX bytes
 * (else JWE_MALFORMED); algorithms of ours, no `crit`, `zip`, `jku`, `x5u` (JWE_ALGORITHM). MEMORY. `kid` and `cty` are
 * not looked at. It points into ${text}; free it with sam_jwe_free(). */
struct sam_jwe;
enum sam_reason sam_jwe_parse(const char *text, size_t len, struct sam_jwe **out) SAM_MUST;
void sam_jwe_free(struct sam_jwe *jwe);
SAM_AUTO_FREE(struct sam_jwe, sam_jwe_free);

/** sam_jwe_header(jwe), sam_jwe_is_rsa(jwe): What it says of itself; lives as long as it. */
const json_t *sam_jwe_header(const struct sam_jwe *jwe);
bool sam_jwe_is_rsa(const struct sam_jwe *jwe);

/* Who has the private key, and does with it what that alone can do; NULL where it is a key for the other. */
struct sam_jwe_opener {
	void *arg;
	/* ECDH with that point, 04 x y, which is on the curve: the shared secret */
	enum sam_reason (*agree)(void *arg, const uint8_t point[SAM_JWE_POINT], uint8_t z[SAM_JWE_Z]);
	/* RSA-OAEP with SHA-256: the content's key; JWE_KEY if it does not come out */
	enum sam_reason (*decrypt)(void *arg, const uint8_t *data, size_t len, uint8_t key[SAM_JWE_CONTENT_KEY]);
};

/** sam_jwe_open(jwe, by, out): Once. JWE_KEY for all that is wrong with the key or with what was sealed, so that nobody
 * learns how far a changed text came; JWE_ALGORITHM if it is a key for the other; what ${by} says of its own trouble;
 * INTERNAL. ${out} (zeroed or set before): the caller clears it; left alone after a failure. */
enum sam_reason sam_jwe_open(struct sam_jwe *jwe, const struct sam_jwe_opener *by, struct sam_secret *out) SAM_MUST;

/** sam_jwe_decrypt(text, len, key, out): Both, with a private JWK, EC P-256, whose `alg`, if there, is the header's
 * (else JWE_ALGORITHM). JWE_KEY for all that fails once it is taken apart. */
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
