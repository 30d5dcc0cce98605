/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JOSE, as much as a SAD needs: compact JWS (RFC 7515) and JWK (RFC 7517, 7518, 8037, 7638) over
 * jansson and EVP. Every length is bounded before it is used.
 */
#ifndef SAM_SAP_JOSE_H
#define SAM_SAP_JOSE_H

#include <jansson.h>
#include "base/jws.h"
#include "base/ossl.h"
#include "include/p11-sam.h"

SAM_AUTO_FREE(json_t, json_decref);

enum {
	SAM_JWS_MAX = P11_SAM_PIN_MAX,
	SAM_JWS_HEADER_MAX = 8192,
	SAM_THUMBPRINT_LEN = 43,
	SAM_JSON_DEPTH = 8
};

/* A parsed compact JWS. The three pointers point into the caller's text. */
struct sam_jws {
	const char *signing_input;
	size_t signing_input_len;
	json_t *header; /* owned */
	enum sam_jws_alg alg;
	uint8_t *payload; /* decoded, owned, wiped on clear; NUL after payload_len */
	size_t payload_len;
	uint8_t signature[1024];
	size_t signature_len;
};

/** sam_jose_parse(text, len, out): Take a compact JWS apart, strictly: three base64url parts, a
 * header that is one JSON object without duplicate members, an `alg` of ours (SAD_ALGORITHM), no
 * `crit`, `b64`, `jwk`, `jku`, `x5u`, `zip`, `epk`, `enc` (SAD_HEADER), at most SAM_JWS_MAX bytes;
 * other members of the header are ignored (RFC 7515 section 4). Nothing is verified. Clear with
 * sam_jose_clear() also after a failure. SAD_MALFORMED, SAD_HEADER, SAD_ALGORITHM, MEMORY. */
enum sam_reason sam_jose_parse(const char *text, size_t len, struct sam_jws *out) SAM_MUST;

/** sam_jose_parse_keyed(text, len, out): The same for a JWS that brings its own key, to prove that its
 * maker has it (sam-enrol+jwt): `jwk` in the header must be there, an object; it is the caller's to
 * read it. SAD_HEADER without one. */
enum sam_reason sam_jose_parse_keyed(const char *text, size_t len, struct sam_jws *out) SAM_MUST;
void sam_jose_clear(struct sam_jws *jws);

/** sam_jose_json(data, len): One JSON object, UTF-8, no duplicate members, nothing behind it,
 * integers in range, at most SAM_JSON_DEPTH deep; else NULL. The caller drops the reference. */
json_t *sam_jose_json(const void *data, size_t len);

/* A verifying key. */
struct sam_jwk {
	EVP_PKEY *pkey;       /* owned */
	enum sam_jws_alg alg; /* the JWK's own `alg`, or what the curve says; SAM_JWS_NONE: RSA
				 without `alg` */
	char thumbprint[SAM_THUMBPRINT_LEN + 1]; /* RFC 7638, SHA-256 */
};

/** sam_jose_jwk(json, out): A public key from a JWK: EC P-256/384/521 with the point on the curve,
 * OKP Ed25519 of full order, RSA of 2048 to 8192 bits, not of the ROCA kind, with an odd exponent
 * of 3 to 2^64; every value spelt as RFC 7518 says (one key, one thumbprint). `use`, if there, is
 * sig; `key_ops`, if there, has verify (for a private JWK: sign). Private members are ignored here.
 * SAD_KEY_UNKNOWN with ${msg} if it is no such key. */
enum sam_reason sam_jose_jwk(const json_t *json, struct sam_jwk *out, struct sam_msg *msg) SAM_MUST;
void sam_jose_jwk_clear(struct sam_jwk *jwk);

/** sam_jose_jwk_public(json): The required public members alone, in the order of RFC 7638, with
 * `alg` if it was there; a new reference, NULL if it is no JWK of ours. */
json_t *sam_jose_jwk_public(const json_t *json);

/** sam_jose_verify(jws, pkey, alg): The signature of a parsed JWS. ${alg}: what the key is for;
 * SAM_JWS_NONE: any that fits the key's type and curve. ECDSA signatures are r||s of the exact
 * length. One that is shorter than this key's signatures was cut on its way: SAD_TRUNCATED.
 * SAD_ALGORITHM, SAD_TRUNCATED, SAD_SIGNATURE. */
enum sam_reason sam_jose_verify(const struct sam_jws *jws, EVP_PKEY *pkey,
				enum sam_jws_alg alg) SAM_MUST;

/* ---- the signer's side: sadtool and tests ---- */

/** sam_jose_generate(alg, out): A new private key as a JWK with `alg`. SAD_ALGORITHM, RANDOM. */
enum sam_reason sam_jose_generate(enum sam_jws_alg alg, json_t **out) SAM_MUST;

/** sam_jose_private(json, out): The private key of a JWK, tried against its public part; the caller
 * frees it. SAD_KEY_UNKNOWN with ${msg} if it is none. */
enum sam_reason sam_jose_private(const json_t *json, EVP_PKEY **out, struct sam_msg *msg) SAM_MUST;

/** sam_jose_sign(header, payload, len, pkey, alg, out): A compact JWS, malloc()ed; `alg` is put
 * into a copy of ${header}. */
enum sam_reason sam_jose_sign(const json_t *header, const void *payload, size_t len, EVP_PKEY *pkey,
			      enum sam_jws_alg alg, char **out) SAM_MUST;

/** sam_jose_sign_text(header, payload, len, pkey, alg, out): The same with the header's text as it
 * is, so that tests can make what sam_jose_parse() refuses. */
enum sam_reason sam_jose_sign_text(const char *header, const void *payload, size_t len,
				   EVP_PKEY *pkey, enum sam_jws_alg alg, char **out) SAM_MUST;

/** sam_jose_private_free(jwk): Wipe the private members, drop the reference; NULL is harmless. */
void sam_jose_private_free(json_t *jwk);
SAM_AUTO_FREE(json_t, sam_jose_private_free);

#endif
