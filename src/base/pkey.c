/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The curves by the names that PKCS#11 has for them, keys from their parts, contexts for paddings.
 */
#include "base/pkey.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

/* ---- curves ---- */

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
/* PKCS#11 3.0 section 2.3.10 has both; some CMs take one, some the other */
static const uint8_t ed25519_name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
				       'd',  's',  '2', '5', '5', '1', '9'};
static const uint8_t ed25519_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct sam_curve curves[] = {
	{SAM_KEY_EC, 256, "P-256", 65, p256, sizeof p256},
	{SAM_KEY_EC, 384, "P-384", 97, p384, sizeof p384},
	{SAM_KEY_EC, 521, "P-521", 133, p521, sizeof p521},
	{SAM_KEY_ED25519, 255, "ED25519", 32, ed25519_name, sizeof ed25519_name},
	{SAM_KEY_ED25519, 255, "ED25519", 32, ed25519_oid, sizeof ed25519_oid},
};

enum { CURVES = sizeof curves / sizeof curves[0] };

const struct sam_curve *sam_curve_at(enum sam_key_type type, unsigned bits, size_t i)
{
	for (size_t c = 0; c < CURVES; c++)
		if (curves[c].type == type && curves[c].bits == bits && i-- == 0)
			return &curves[c];
	return NULL;
}

const struct sam_curve *sam_curve_find(const uint8_t *params, size_t len)
{
	for (size_t c = 0; c < CURVES; c++)
		if (curves[c].params_len == len && memcmp(curves[c].params, params, len) == 0)
			return &curves[c];
	return NULL;
}

const uint8_t *sam_curve_point(const struct sam_curve *curve, const uint8_t *value, size_t len)
{
	const size_t want = curve->point_len, header = want < 128 ? 2 : 3;
	if (len == want)
		return value;
	if (len != want + header || value[0] != 0x04 || value[header - 1] != want ||
	    (header == 3 && value[1] != 0x81))
		return NULL;
	return value + header;
}

/* ---- keys ---- */

enum sam_reason sam_pkey_build(const char *type, int selection, OSSL_PARAM_BLD *parts,
			       EVP_PKEY **out)
{
	*out = NULL;
	sam_auto(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(sam_ossl_ctx(), type, NULL);
	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1)
		return SAM_MEMORY;
	if (EVP_PKEY_fromdata(ctx, out, selection, params) == 1)
		return SAM_OK;
	EVP_PKEY_free(*out);
	*out = NULL;
	return SAM_ARGUMENTS;
}

enum sam_reason sam_pkey_ec(const char *group, const uint8_t *point, size_t len, const BIGNUM *d,
			    EVP_PKEY **out)
{
	*out = NULL;
	if (len == 0 || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return SAM_ARGUMENTS;
	sam_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	if (!parts ||
	    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, len) != 1 ||
	    (d && OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1))
		return SAM_MEMORY;
	return sam_pkey_build("EC", d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parts, out);
}

enum sam_reason sam_pkey_rsa(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **out)
{
	*out = NULL;
	sam_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	if (!parts || OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		return SAM_MEMORY;
	return sam_pkey_build("RSA", EVP_PKEY_PUBLIC_KEY, parts, out);
}

enum sam_reason sam_pkey_curve(const struct sam_curve *curve, const uint8_t *point, EVP_PKEY **out)
{
	if (curve->type == SAM_KEY_ED25519) {
		*out = EVP_PKEY_new_raw_public_key_ex(sam_ossl_ctx(), curve->group, NULL, point,
						      curve->point_len);
		return *out ? SAM_OK : SAM_ARGUMENTS;
	}
	enum sam_reason reason = sam_pkey_ec(curve->group, point, curve->point_len, NULL, out);
	if (reason != SAM_OK)
		return reason;
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), *out, NULL);
	if (ctx && EVP_PKEY_public_check(ctx) == 1)
		return SAM_OK;
	EVP_PKEY_free(*out);
	*out = NULL;
	return ctx ? SAM_ARGUMENTS : SAM_MEMORY;
}

/* ---- contexts ---- */

static bool set_padding(EVP_PKEY_CTX *ctx, enum sam_padding padding, const EVP_MD *md)
{
	const bool pss = padding == SAM_PAD_PSS;
	if (padding == SAM_PAD_ECDSA)
		return true;
	int mode = pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, mode) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return false;
	return !pss || (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

EVP_PKEY_CTX *sam_pkey_context(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *),
			       enum sam_padding padding, enum sam_hash hash)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	if (ctx && init(ctx) == 1 && set_padding(ctx, padding, sam_ossl_md(hash)))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}
