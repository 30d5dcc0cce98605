/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of JWS algorithms (RFC 7518 section 3.1, RFC 8037).
 */
#include "sap/jose_alg.h"

#include <string.h>

static const struct sam_jose_alg algs[SAM_JWS_ALGS] = {
	[SAM_JWS_ES256] = {SAM_PAD_ECDSA, SAM_HASH_SHA256, "P-256", "prime256v1", 32},
	[SAM_JWS_ES384] = {SAM_PAD_ECDSA, SAM_HASH_SHA384, "P-384", "secp384r1", 48},
	[SAM_JWS_ES512] = {SAM_PAD_ECDSA, SAM_HASH_SHA512, "P-521", "secp521r1", 66},
	[SAM_JWS_PS256] = {SAM_PAD_PSS, SAM_HASH_SHA256, NULL, NULL, 0},
	[SAM_JWS_PS384] = {SAM_PAD_PSS, SAM_HASH_SHA384, NULL, NULL, 0},
	[SAM_JWS_PS512] = {SAM_PAD_PSS, SAM_HASH_SHA512, NULL, NULL, 0},
	[SAM_JWS_RS256] = {SAM_PAD_PKCS1, SAM_HASH_SHA256, NULL, NULL, 0},
	[SAM_JWS_RS384] = {SAM_PAD_PKCS1, SAM_HASH_SHA384, NULL, NULL, 0},
	[SAM_JWS_RS512] = {SAM_PAD_PKCS1, SAM_HASH_SHA512, NULL, NULL, 0},
	[SAM_JWS_EDDSA] = {SAM_PAD_EDDSA, SAM_HASH_NONE, "Ed25519", "ED25519", 32},
};

const struct sam_jose_alg *sam_jose_alg(enum sam_jws_alg alg)
{
	return alg > SAM_JWS_NONE && alg < SAM_JWS_ALGS ? &algs[alg] : NULL;
}

enum sam_jws_alg sam_jose_alg_of_curve(const char *kty, const char *crv)
{
	for (unsigned i = SAM_JWS_NONE + 1; i < SAM_JWS_ALGS; i++) {
		const char *type = algs[i].padding == SAM_PAD_ECDSA ? "EC" : "OKP";
		if (algs[i].crv && strcmp(algs[i].crv, crv) == 0 && strcmp(type, kty) == 0)
			return (enum sam_jws_alg)i;
	}
	return SAM_JWS_NONE;
}

bool sam_jose_alg_fits(enum sam_jws_alg alg, const EVP_PKEY *pkey)
{
	const struct sam_jose_alg *row = sam_jose_alg(alg);
	if (!row)
		return false;
	if (row->padding == SAM_PAD_EDDSA)
		return EVP_PKEY_is_a(pkey, "ED25519");
	if (row->padding != SAM_PAD_ECDSA)
		return EVP_PKEY_is_a(pkey, "RSA");
	char group[32];
	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	       strcmp(group, row->group) == 0;
}
