/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The signer's side: making keys and signing compact JWS, for sadtool and the tests.
 */
#include "sap/jose_jwk.h"

#include <limits.h>
#include <string.h>
#include <openssl/core_names.h>
#include "base/encode.h"

enum { RSA_BITS = 3072, VALUE_MAX = SAM_RSA_MAX_BITS / 8, B64_MAX = (VALUE_MAX * 4 + 2) / 3 + 1 };

static bool put(json_t *jwk, const char *name, const uint8_t *data, size_t len)
{
	char text[B64_MAX];
	sam_encode_b64url(data, len, text);
	bool ok = json_object_set_new(jwk, name, json_string(text)) == 0;
	sam_mem_wipe(text, sizeof text);
	return ok;
}

/* ${size} 0: as short as it is (RSA). */
static bool put_number(json_t *jwk, const char *name, const EVP_PKEY *pkey, const char *param,
		       size_t size)
{
	uint8_t bytes[VALUE_MAX];
	BIGNUM *number = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, param, &number) == 1;
	if (ok && size == 0)
		size = (size_t)BN_num_bytes(number);
	ok = ok && size <= sizeof bytes && BN_bn2binpad(number, bytes, (int)size) == (int)size &&
	     put(jwk, name, bytes, size);
	BN_clear_free(number);
	sam_mem_wipe(bytes, sizeof bytes);
	return ok;
}

bool sam_jose_jwk_put_rsa(json_t *jwk, const EVP_PKEY *pkey, bool private)
{
	static const char *const names[8][2] = {
		{"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
		{"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
		{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
		{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
	};
	bool ok = json_object_set_new(jwk, "kty", json_string("RSA")) == 0;
	for (size_t i = 0; ok && i < (private ? 8 : 2); i++)
		ok = put_number(jwk, names[i][0], pkey, names[i][1], 0);
	return ok;
}

bool sam_jose_jwk_put_ec(json_t *jwk, const struct sam_jose_alg *row, const EVP_PKEY *pkey, bool private)
{
	return json_object_set_new(jwk, "kty", json_string("EC")) == 0 &&
	       json_object_set_new(jwk, "crv", json_string(row->crv)) == 0 &&
	       put_number(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, row->field) &&
	       put_number(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, row->field) &&
	       (!private || put_number(jwk, "d", pkey, OSSL_PKEY_PARAM_PRIV_KEY, row->field));
}

static bool put_curve(json_t *jwk, const struct sam_jose_alg *row, const EVP_PKEY *pkey)
{
	if (row->padding == SAM_PAD_ECDSA)
		return sam_jose_jwk_put_ec(jwk, row, pkey, true);
	if (json_object_set_new(jwk, "kty", json_string("OKP")) != 0 ||
	    json_object_set_new(jwk, "crv", json_string(row->crv)) != 0)
		return false;
	uint8_t x[32], d[32];
	size_t x_len = sizeof x, d_len = sizeof d;
	bool ok = EVP_PKEY_get_raw_public_key(pkey, x, &x_len) == 1 && put(jwk, "x", x, x_len) &&
		  EVP_PKEY_get_raw_private_key(pkey, d, &d_len) == 1 && put(jwk, "d", d, d_len);
	sam_mem_wipe(d, sizeof d);
	return ok;
}

enum sam_reason sam_jose_generate(enum sam_jws_alg alg, json_t **out)
{
	*out = NULL;
	const struct sam_jose_alg *row = sam_jose_alg(alg);
	if (!row)
		return SAM_SAD_ALGORITHM;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey =
		row->padding == SAM_PAD_ECDSA
			? EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", row->group)
		: row->padding == SAM_PAD_EDDSA
			? EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, row->group)
			: EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)RSA_BITS);
	sam_auto(sam_jose_private_free) json_t *jwk = json_object();
	if (!pkey)
		return SAM_RANDOM;
	if (!jwk || !(row->field ? put_curve(jwk, row, pkey) : sam_jose_jwk_put_rsa(jwk, pkey, true)) ||
	    json_object_set_new(jwk, "alg", json_string(sam_jws_name(alg))) != 0)
		return SAM_MEMORY;
	*out = jwk;
	jwk = NULL;
	return SAM_OK;
}

/* ---- signing ---- */

/* DER to r||s (RFC 7518 section 3.4). */
static bool ecdsa_raw(const uint8_t *der, size_t len, size_t field, uint8_t *raw)
{
	const unsigned char *p = der;
	sam_auto(ECDSA_SIG_free) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	return sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)field) == (int)field &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + field, (int)field) == (int)field;
}

static bool sign_hash(enum sam_jws_alg alg, EVP_PKEY *pkey, const char *text, size_t len,
		      uint8_t *out, size_t *out_len)
{
	const struct sam_jose_alg *row = sam_jose_alg(alg);
	uint8_t hash[SAM_HASH_MAX], der[SAM_RSA_MAX_BITS / 8];
	if (sam_ossl_digest(row->hash, text, len, hash) != SAM_OK)
		return false;
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = sam_pkey_context(pkey, EVP_PKEY_sign_init, row->padding,
						     row->hash);
	bool ec = row->padding == SAM_PAD_ECDSA;
	size_t size = sizeof der;
	if (!ctx || EVP_PKEY_sign(ctx, ec ? der : out, &size, hash, sam_hash_size(row->hash)) != 1)
		return false;
	*out_len = ec ? 2 * row->field : size;
	return !ec || ecdsa_raw(der, size, row->field, out);
}

static bool sign_eddsa(EVP_PKEY *pkey, const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	*out_len = SAM_RSA_MAX_BITS / 8;
	return ctx &&
	       EVP_DigestSignInit_ex(ctx, NULL, NULL, sam_ossl_ctx(), NULL, pkey, NULL) == 1 &&
	       EVP_DigestSign(ctx, out, out_len, (const uint8_t *)text, len) == 1;
}

static size_t b64_size(size_t len)
{
	return (len * 4 + 2) / 3;
}

enum sam_reason sam_jose_sign_text(const char *header, const void *payload, size_t len,
				   EVP_PKEY *pkey, enum sam_jws_alg alg, char **out)
{
	uint8_t signature[SAM_RSA_MAX_BITS / 8];
	size_t header_len = strlen(header), signature_len = 0;
	*out = NULL;
	if (!sam_jose_alg_fits(alg, pkey))
		return SAM_SAD_ALGORITHM;
	if (len > INT_MAX / 2 || header_len > INT_MAX / 2)
		return SAM_SAD_MALFORMED;
	char *text = malloc(b64_size(header_len) + b64_size(len) + b64_size(sizeof signature) + 3);
	if (!text)
		return SAM_MEMORY;
	size_t n = sam_encode_b64url(header, header_len, text);
	text[n++] = '.';
	n += sam_encode_b64url(payload, len, text + n);
	bool ok = alg == SAM_JWS_EDDSA ? sign_eddsa(pkey, text, n, signature, &signature_len)
				       : sign_hash(alg, pkey, text, n, signature, &signature_len);
	if (!ok) {
		free(text);
		return SAM_INTERNAL;
	}
	text[n++] = '.';
	sam_encode_b64url(signature, signature_len, text + n);
	*out = text;
	return SAM_OK;
}

enum sam_reason sam_jose_sign(const json_t *header, const void *payload, size_t len, EVP_PKEY *pkey,
			      enum sam_jws_alg alg, char **out)
{
	*out = NULL;
	const char *name = sam_jws_name(alg);
	sam_auto(json_decref) json_t *copy = json_object();
	if (!name)
		return SAM_SAD_ALGORITHM;
	if (!copy || json_object_set_new(copy, "alg", json_string(name)) != 0 ||
	    json_object_update_missing(copy, (json_t *)(uintptr_t)header) != 0)
		return SAM_MEMORY;
	sam_auto(sam_free) char *text = json_dumps(copy, JSON_COMPACT);
	return text ? sam_jose_sign_text(text, payload, len, pkey, alg, out) : SAM_MEMORY;
}
