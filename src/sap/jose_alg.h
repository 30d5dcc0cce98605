/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the JWS algorithms and the curves of JWKs mean, for the files of jose.h.
 */
#ifndef SAM_SAP_JOSE_ALG_H
#define SAM_SAP_JOSE_ALG_H

#include "base/pkey.h"
#include "sap/jose.h"

enum { SAM_RSA_MIN_BITS = 2048, SAM_RSA_MAX_BITS = 8192, SAM_EC_FIELD_MAX = 66 };

struct sam_jose_alg {
	enum sam_padding padding;
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

#endif
