/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the CM's public key object to a SubjectPublicKeyInfo: what a key is known by for all its
 * life (invariant 2).
 */
#include "cm/internal.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include "base/log.h"
#include "base/ossl.h"

SAM_AUTO_FREE(BIGNUM, BN_free);
SAM_AUTO_FREE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
SAM_AUTO_FREE(OSSL_PARAM, OSSL_PARAM_free);

enum { ED25519_BYTES = 32, VALUE_MAX = 1024 };

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
/* PKCS#11 3.0 section 2.3.10 has both; some CMs take one, some the other */
static const uint8_t ed25519_name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
				       'd',  's',  '2', '5', '5', '1', '9'};
static const uint8_t ed25519_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct sam_cm_curve curves[] = {
	{SAM_KEY_EC, 256, "P-256", p256, sizeof p256},
	{SAM_KEY_EC, 384, "P-384", p384, sizeof p384},
	{SAM_KEY_EC, 521, "P-521", p521, sizeof p521},
	{SAM_KEY_ED25519, 255, "ED25519", ed25519_name, sizeof ed25519_name},
	{SAM_KEY_ED25519, 255, "ED25519", ed25519_oid, sizeof ed25519_oid},
};

const struct sam_cm_curve *sam_cm_curve_at(enum sam_key_type type, unsigned bits, size_t i)
{
	for (size_t c = 0; c < sizeof curves / sizeof curves[0]; c++)
		if (curves[c].type == type && curves[c].bits == bits && i-- == 0)
			return &curves[c];
	return NULL;
}

static enum sam_reason differs(const char *what)
{
	return sam_log_reason(SAM_CM_FAILED,
			      "the key that the CM made is not what was asked for: %s", what);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	sam_auto(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(sam_ossl_ctx(), type, NULL);
	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return pkey;
}

static enum sam_reason rsa_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			       unsigned bits, EVP_PKEY **pkey)
{
	uint8_t modulus[VALUE_MAX], exponent[VALUE_MAX];
	size_t n_len, e_len;
	enum sam_reason reason = sam_cm_attr_get(cm, s, object, CKA_MODULUS, modulus,
						 sizeof modulus, &n_len);
	if (reason == SAM_OK)
		reason = sam_cm_attr_get(cm, s, object, CKA_PUBLIC_EXPONENT, exponent,
					 sizeof exponent, &e_len);
	if (reason != SAM_OK)
		return reason;
	sam_auto(BN_free) BIGNUM *n = BN_bin2bn(modulus, (int)n_len, NULL);
	sam_auto(BN_free) BIGNUM *e = BN_bin2bn(exponent, (int)e_len, NULL);
	sam_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (!n || !e || !build || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		return SAM_MEMORY;
	if ((unsigned)BN_num_bits(n) != bits || !BN_is_odd(n) || !BN_is_word(e, 65537))
		return differs("RSA modulus or exponent");
	*pkey = from_params("RSA", build);
	return *pkey ? SAM_OK : differs("RSA public key");
}

/* CKA_EC_POINT: a DER OCTET STRING around the point, or (against the standard) the point itself. */
static const uint8_t *unwrap_point(const uint8_t *value, size_t len, size_t want)
{
	if (len == want)
		return value;
	size_t header = want < 128 ? 2 : 3;
	if (len != want + header || value[0] != 0x04 || value[header - 1] != want ||
	    (header == 3 && value[1] != 0x81))
		return NULL;
	return value + header;
}

static enum sam_reason point_key(const struct sam_cm_curve *curve, const uint8_t *point, size_t len,
				 EVP_PKEY **pkey)
{
	if (curve->type == SAM_KEY_ED25519) {
		*pkey = EVP_PKEY_new_raw_public_key_ex(sam_ossl_ctx(), "ED25519", NULL, point, len);
		return *pkey ? SAM_OK : differs("Ed25519 public key");
	}
	sam_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (!build ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len))
		return SAM_MEMORY;
	*pkey = point[0] == 0x04 ? from_params("EC", build) : NULL;
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = *pkey ? EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), *pkey, NULL)
					  : NULL;
	return ctx && EVP_PKEY_public_check(ctx) == 1 ? SAM_OK : differs("EC point");
}

static enum sam_reason curve_key(struct sam_cm *cm, struct sam_cm_session *s,
				 CK_OBJECT_HANDLE object, const struct sam_cm_new_key *what,
				 EVP_PKEY **pkey)
{
	uint8_t params[VALUE_MAX], point[VALUE_MAX];
	size_t params_len, point_len;
	enum sam_reason reason = sam_cm_attr_get(cm, s, object, CKA_EC_PARAMS, params,
						 sizeof params, &params_len);
	if (reason == SAM_OK)
		reason = sam_cm_attr_get(cm, s, object, CKA_EC_POINT, point, sizeof point,
					 &point_len);
	if (reason != SAM_OK)
		return reason;
	const struct sam_cm_curve *curve = NULL;
	for (size_t i = 0; (curve = sam_cm_curve_at(what->type, what->bits, i)); i++)
		if (params_len == curve->params_len &&
		    memcmp(params, curve->params, params_len) == 0)
			break;
	if (!curve)
		return differs("CKA_EC_PARAMS");
	size_t want = what->type == SAM_KEY_ED25519 ? ED25519_BYTES
						    : 1 + 2 * ((what->bits + 7) / 8);
	const uint8_t *bare = unwrap_point(point, point_len, want);
	return bare ? point_key(curve, bare, want, pkey) : differs("CKA_EC_POINT");
}

enum sam_reason sam_cm_spki(struct sam_cm *cm, struct sam_cm_session *s,
			    const struct sam_cm_new_key *what, CK_OBJECT_HANDLE public_key,
			    uint8_t **spki, size_t *len)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_reason reason = what->type == SAM_KEY_RSA
					 ? rsa_key(cm, s, public_key, what->bits, &pkey)
					 : curve_key(cm, s, public_key, what, &pkey);
	return reason == SAM_OK ? sam_ossl_spki(pkey, spki, len) : reason;
}
