/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the JWS algorithms and the curves of JWKs mean, for the files of jose.h.
 */
#ifndef SAM_SAP_JOSE_ALG_H
#define SAM_SAP_JOSE_ALG_H

#include <openssl/ecdsa.h>
#include "sap/jose.h"

enum { SAM_RSA_MIN_BITS = 2048, SAM_RSA_MAX_BITS = 8192, SAM_EC_FIELD_MAX = 66 };

SAM_AUTO_FREE(ECDSA_SIG, ECDSA_SIG_free);

enum sam_jose_family { SAM_JOSE_EC, SAM_JOSE_RSA, SAM_JOSE_RSA_PSS, SAM_JOSE_OKP };

struct sam_jose_alg {
	enum sam_jose_family family;
	enum sam_hash hash;      /* SAM_HASH_NONE: EdDSA hashes by itself */
	const char *crv, *group; /* EC, OKP: the name in a JWK, and OpenSSL's */
	size_t field;            /* EC, OKP: bytes of a coordinate, and half of a signature */
};

/** sam_jose_alg(alg): Its row; NULL for SAM_JWS_NONE. */
const struct sam_jose_alg *sam_jose_alg(enum sam_jws_alg alg);

/** sam_jose_alg_of_curve(kty, crv): SAM_JWS_NONE if we do not take it. */
enum sam_jws_alg sam_jose_alg_of_curve(const char *kty, const char *crv);

/** sam_jose_alg_fits(alg, pkey): Is it an algorithm for that key's type and curve? */
bool sam_jose_alg_fits(enum sam_jws_alg alg, const EVP_PKEY *pkey);

/** sam_jose_alg_context(alg, pkey, init): A context set up to sign or verify a hash (EC and RSA),
 * with the padding that RFC 7518 section 3 asks for; ${init} is EVP_PKEY_sign_init or
 * EVP_PKEY_verify_init. */
EVP_PKEY_CTX *sam_jose_alg_context(enum sam_jws_alg alg, EVP_PKEY *pkey,
				   int (*init)(EVP_PKEY_CTX *));

#endif
