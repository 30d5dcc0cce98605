/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JWKs for encryption: EC P-256, or RSA, with `use` enc, read as strictly as those for signatures.
 */
#include "sap/jwe_internal.h"

#include <string.h>
#include <openssl/core_names.h>
#include "base/encode.h"
#include "base/pkey.h"
#include "sap/jose_jwk.h"

static const struct sam_jose_alg *p256(void)
{
	return sam_jose_alg(SAM_JWS_ES256);
}

static bool says(const json_t *jwk, const char *name, const char *wanted)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text && strcmp(text, wanted) == 0;
}

static const char *check(const json_t *jwk, bool private)
{
	const json_t *ops = json_object_get(jwk, "key_ops");
	if (!says(jwk, "kty", "EC") || !says(jwk, "crv", "P-256"))
		return "it is no EC key on P-256";
	if (json_object_get(jwk, "use") && !says(jwk, "use", "enc"))
		return "`use` is not `enc`";
	if (ops && !sam_jose_jwk_operation(ops, "deriveKey") && !sam_jose_jwk_operation(ops, "deriveBits") &&
	    !sam_jose_jwk_operation(ops, private ? "unwrapKey" : "wrapKey"))
		return "`key_ops` has nothing for encryption";
	if (json_object_get(jwk, "alg") && !says(jwk, "alg", SAM_JWE_DIRECT) && !says(jwk, "alg", SAM_JWE_WRAPPED))
		return "`alg` is neither " SAM_JWE_DIRECT " nor " SAM_JWE_WRAPPED;
	return NULL;
}

enum sam_reason sam_jwe_key(const json_t *jwk, bool private, EVP_PKEY **out, struct sam_msg *msg)
{
	*out = NULL;
	const char *why = check(jwk, private);
	sam_auto(EVP_PKEY_free) EVP_PKEY *public = why ? NULL : sam_jose_jwk_ec(p256(), jwk, NULL);
	sam_auto(EVP_PKEY_free) EVP_PKEY *pair = NULL;
	if (!why && !public)
		why = "`x`, `y` are no point of the curve";
	if (!why && private && !(pair = sam_jose_jwk_curve_private(p256(), jwk)))
		why = "the private member is missing or malformed";
	if (!why && private && !sam_jose_jwk_pair(pair, public))
		why = "private and public part do not belong together";
	if (why) {
		sam_msg_set(msg, "JWK: %s", why);
		return SAM_JWE_KEY;
	}
	EVP_PKEY **taken = private ? &pair : &public;
	*out = *taken;
	*taken = NULL;
	return SAM_OK;
}

enum sam_reason sam_jwe_key_rsa(const json_t *jwk, EVP_PKEY **out, struct sam_msg *msg)
{
	const json_t *ops = json_object_get(jwk, "key_ops");
	const char *why = NULL;
	*out = NULL;
	if (!says(jwk, "kty", "RSA"))
		why = "it is no RSA key";
	else if (json_object_get(jwk, "use") && !says(jwk, "use", "enc"))
		why = "`use` is not `enc`";
	else if (ops && !sam_jose_jwk_operation(ops, "wrapKey") && !sam_jose_jwk_operation(ops, "encrypt"))
		why = "`key_ops` has nothing for encryption";
	else if (json_object_get(jwk, "alg") && !says(jwk, "alg", SAM_JWE_RSA))
		why = "`alg` is not " SAM_JWE_RSA;
	else
		why = sam_jose_jwk_rsa(jwk, out);
	if (!why && EVP_PKEY_get_bits(*out) > 8 * SAM_JWE_RSA_MAX) {
		EVP_PKEY_free(*out);
		*out = NULL;
		why = "`n` has more than 4096 bits";
	}
	if (why)
		sam_msg_set(msg, "JWK: %s", why);
	return why ? SAM_JWE_KEY : SAM_OK;
}

enum sam_reason sam_jwe_recipient(const json_t *jwk, char kid[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_reason reason =
		says(jwk, "kty", "RSA") ? sam_jwe_key_rsa(jwk, &pkey, msg) : sam_jwe_key(jwk, false, &pkey, msg);
	return reason == SAM_OK ? sam_jose_jwk_thumbprint(jwk, kid) : reason;
}

enum sam_reason sam_jwe_kid(const json_t *jwk, char out[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_reason reason = sam_jwe_key(jwk, false, &pkey, msg);
	return reason == SAM_OK ? sam_jose_jwk_thumbprint(jwk, out) : reason;
}

json_t *sam_jwe_public(const json_t *jwk)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	if (sam_jwe_kid(jwk, kid, NULL) != SAM_OK)
		return NULL;
	json_t *out = sam_jose_jwk_required(jwk);
	json_t *alg = json_object_get(jwk, "alg");
	if (out && (json_object_set_new(out, "use", json_string("enc")) != 0 ||
		    (alg && json_object_set(out, "alg", alg) != 0))) {
		json_decref(out);
		return NULL;
	}
	return out;
}

/* RFC 7518 section 6.3.1: as few bytes as it takes. */
static bool put_number(json_t *jwk, const char *name, const EVP_PKEY *pkey, const char *param)
{
	sam_auto(BN_clear_free) BIGNUM *number = NULL;
	uint8_t bytes[1024];
	char text[2 * sizeof bytes];
	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1 || BN_num_bytes(number) > (int)sizeof bytes)
		return false;
	sam_encode_b64url(bytes, (size_t)BN_bn2bin(number, bytes), text);
	return json_object_set_new(jwk, name, json_string(text)) == 0;
}

static bool put_rsa(json_t *jwk, const EVP_PKEY *pkey)
{
	return json_object_set_new(jwk, "kty", json_string("RSA")) == 0 &&
	       put_number(jwk, "n", pkey, OSSL_PKEY_PARAM_RSA_N) && put_number(jwk, "e", pkey, OSSL_PKEY_PARAM_RSA_E);
}

json_t *sam_jwe_public_of(const EVP_PKEY *pkey)
{
	json_t *jwk = json_object();
	char kid[SAM_THUMBPRINT_LEN + 1];
	if (jwk && (EVP_PKEY_is_a(pkey, "RSA") ? put_rsa(jwk, pkey) : sam_jose_jwk_put_ec(jwk, p256(), pkey, false)) &&
	    sam_jose_jwk_thumbprint(jwk, kid) == SAM_OK &&
	    json_object_update_new(jwk, json_pack("{s:s,s:s}", "use", "enc", "kid", kid)) == 0)
		return jwk;
	json_decref(jwk);
	return NULL;
}

enum sam_reason sam_jwe_generate(json_t **out)
{
	*out = NULL;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", p256()->group);
	sam_auto(sam_jose_private_free) json_t *jwk = json_object();
	if (!pkey)
		return SAM_RANDOM;
	if (!jwk || !sam_jose_jwk_put_ec(jwk, p256(), pkey, true) ||
	    json_object_set_new(jwk, "use", json_string("enc")) != 0)
		return SAM_MEMORY;
	*out = jwk;
	jwk = NULL;
	return SAM_OK;
}
