/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys in the private OpenSSL context: public ones from their parts, and the contexts that sign and
 * verify with the paddings of the table in mechanism.h.
 */
#ifndef SAM_BASE_PKEY_H
#define SAM_BASE_PKEY_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include "base/mechanism.h"
#include "base/ossl.h"

SAM_AUTO_FREE(BIGNUM, BN_clear_free);
SAM_AUTO_FREE(ECDSA_SIG, ECDSA_SIG_free);
SAM_AUTO_FREE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
SAM_AUTO_FREE(OSSL_PARAM, OSSL_PARAM_free);

/* A curve under one of the names that CKA_EC_PARAMS has for it. */
struct sam_curve {
	enum sam_key_type type;
	unsigned bits;
	const char *group; /* OpenSSL's name */
	size_t point_len;  /* EC: uncompressed */
	const uint8_t *params;
	size_t params_len;
};

/** sam_curve_at(type, bits, i): The i-th way to name that curve; NULL past the last. */
const struct sam_curve *sam_curve_at(enum sam_key_type type, unsigned bits, size_t i);

/** sam_curve_find(params, len): By its CKA_EC_PARAMS; NULL if it is none of ours. */
const struct sam_curve *sam_curve_find(const uint8_t *params, size_t len);

/** sam_curve_point(curve, value, len): The point in a CKA_EC_POINT, of curve->point_len bytes: in a
 * DER OCTET STRING or (against the standard, and frequent) bare; NULL if it is neither. */
const uint8_t *sam_curve_point(const struct sam_curve *curve, const uint8_t *value, size_t len);

/** sam_pkey_curve(curve, point, out): The public key with that point, checked to be a point of the
 * curve. The caller frees it; so with all below. ARGUMENTS if it is none, MEMORY. */
enum sam_reason sam_pkey_curve(const struct sam_curve *curve, const uint8_t *point,
			       EVP_PKEY **out) SAM_MUST;

/** sam_pkey_ec(group, point, len, d, out): A key on an EC curve of cofactor 1, of which OpenSSL
 * checks that the uncompressed ${point} lies on it; ${d}: the private part, or NULL. ARGUMENTS,
 * MEMORY. */
enum sam_reason sam_pkey_ec(const char *group, const uint8_t *point, size_t len, const BIGNUM *d,
			    EVP_PKEY **out) SAM_MUST;

/** sam_pkey_rsa(n, e, out): A public key; what they must be is the caller's to check. ARGUMENTS,
 * MEMORY. */
enum sam_reason sam_pkey_rsa(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **out) SAM_MUST;

/** sam_pkey_build(type, selection, parts, out): Any key from OpenSSL's parameters. ARGUMENTS,
 * MEMORY. */
enum sam_reason sam_pkey_build(const char *type, int selection, OSSL_PARAM_BLD *parts,
			       EVP_PKEY **out) SAM_MUST;

/** sam_pkey_context(pkey, init, padding, hash): To sign or verify a hash: PKCS#1 v1.5, PSS (MGF1
 * with the same hash, the salt as long as it), ECDSA. ${init}: EVP_PKEY_sign_init or
 * EVP_PKEY_verify_init. NULL if there is no memory, or the padding is not for this key. */
EVP_PKEY_CTX *sam_pkey_context(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *),
			       enum sam_padding padding, enum sam_hash hash);

#endif
