/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of a JWK that keys for signatures (jose.h) and for encryption (jwe.h) share.
 */
#ifndef SAM_SAP_JOSE_JWK_H
#define SAM_SAP_JOSE_JWK_H

#include "sap/jose_alg.h"

/** sam_jose_jwk_ec(row, json, d): The key with that `x` and `y` on row's curve, ${d} its private part
 * or NULL; `kty` and `crv` are the caller's to check. The caller frees it; NULL if it is no point of
 * the curve, or spelt otherwise than in bytes of the curve's length. */
EVP_PKEY *sam_jose_jwk_ec(const struct sam_jose_alg *row, const json_t *json, const BIGNUM *d);

/** sam_jose_jwk_rsa(json, out): The key of `n` and `e`, for whatever use; NULL, or why it is none; static. */
const char *sam_jose_jwk_rsa(const json_t *json, EVP_PKEY **out);

/** sam_jose_jwk_curve_private(row, json): The private key, EC or Ed25519; NULL if it is malformed. */
EVP_PKEY *sam_jose_jwk_curve_private(const struct sam_jose_alg *row, const json_t *json);

/** sam_jose_jwk_pair(private, public): Do the two belong together? */
bool sam_jose_jwk_pair(EVP_PKEY *private, const EVP_PKEY *public);

/** sam_jose_jwk_operation(ops, wanted): Is it in a JWK's `key_ops`, an array of strings? */
bool sam_jose_jwk_operation(const json_t *ops, const char *wanted);

/** sam_jose_jwk_required(json): The members of RFC 7638 alone, in its order; the JWK must have been read. A new
 * reference; NULL without memory. */
json_t *sam_jose_jwk_required(const json_t *json);

/** sam_jose_jwk_thumbprint(json, out): RFC 7638 with SHA-256, of a JWK that has been read. MEMORY. */
enum sam_reason sam_jose_jwk_thumbprint(const json_t *json, char out[SAM_THUMBPRINT_LEN + 1]) SAM_MUST;

/** sam_jose_jwk_put_ec(jwk, row, pkey, private): Set kty, crv, x, y and, with ${private}, d. False without memory. */
bool sam_jose_jwk_put_ec(json_t *jwk, const struct sam_jose_alg *row, const EVP_PKEY *pkey, bool private);
/** sam_jose_jwk_put_rsa(jwk, pkey, private): The same of an RSA key: kty, n, e, and the six private members. */
bool sam_jose_jwk_put_rsa(json_t *jwk, const EVP_PKEY *pkey, bool private);

#endif
