/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/x5c.h"

#include <string.h>
#include "base/encode.h"
#include "sap/jose_jwk.h"

static enum sam_reason refuse(struct sam_msg *msg, const char *why)
{
	sam_msg_set(msg, "%s", why);
	return SAM_CERTIFICATE;
}

/* base64, not base64url, of DER. */
static bool decode(const json_t *item, uint8_t **der, size_t *len)
{
	const char *text = json_string_value(item);
	size_t size = text ? json_string_length(item) : 0;
	if (!size || size > 2 * SAM_X509_MAX || strlen(text) != size || strpbrk(text, "-_") || !(*der = malloc(size)))
		return false;
	if (!sam_decode_b64any(text, size, *der, size, len))
		return false;
	X509 *x = sam_x509_parse(*der, *len); /* sam_x509_read() would take PEM too, with a chain of its own */
	X509_free(x);
	return x != NULL;
}

enum sam_reason sam_x5c_read(const json_t *list, struct sam_x509 *out, struct sam_msg *msg)
{
	sam_auto(sam_free) uint8_t *der = NULL;
	size_t len, count = json_array_size(list);
	*out = (struct sam_x509){.der = NULL};
	if (!count || count > 1 + SAM_X509_CHAIN || !decode(json_array_get(list, 0), &der, &len))
		return refuse(msg, "x5c");
	enum sam_reason reason = sam_x509_read(der, len, out, msg);
	if (reason != SAM_OK)
		return reason;
	for (out->chain_count = 0; out->chain_count + 1 < count;) {
		const size_t i = out->chain_count++; /* whatever becomes of it is freed */
		if (!decode(json_array_get(list, i + 1), &out->chain[i].der, &out->chain[i].len))
			return refuse(msg, "x5c");
	}
	return SAM_OK;
}

enum sam_reason sam_x5c_verify(const struct sam_policy *policy, const struct sam_x509 *x509, unsigned use, int64_t now,
			       struct sam_msg *msg)
{
	struct sam_x509_ca cas[SAM_POLICY_CAS];
	size_t count = 0;
	for (size_t i = 0; i < policy->ca_count; i++)
		if (policy->cas[i].use & use)
			cas[count++] = (struct sam_x509_ca){policy->cas[i].der, policy->cas[i].len};
	return count ? sam_x509_verify(x509, cas, count, now, msg) : refuse(msg, "the policy has no CA for this use");
}

static json_t *jwk_of(EVP_PKEY *pkey)
{
	static const enum sam_jws_alg curves[] = {SAM_JWS_ES256, SAM_JWS_ES384, SAM_JWS_ES512};
	json_t *json = json_object();
	bool done = false;
	for (size_t i = 0; json && !done && i < sizeof curves / sizeof curves[0]; i++)
		done = sam_jose_alg_fits(curves[i], pkey) &&
		       sam_jose_jwk_put_ec(json, sam_jose_alg(curves[i]), pkey, false);
	if (json && !done && EVP_PKEY_is_a(pkey, "RSA"))
		done = sam_jose_jwk_put_rsa(json, pkey, false);
	if (done)
		return json;
	json_decref(json);
	return NULL;
}

enum sam_reason sam_x5c_device(const struct sam_x509 *x509, struct sam_device *out, struct sam_msg *msg)
{
	struct sam_jwk jwk;
	memset(out, 0, sizeof *out);
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(x509->spki, x509->spki_len);
	sam_auto(json_decref) json_t *json = pkey ? jwk_of(pkey) : NULL;
	sam_auto(sam_free) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return refuse(msg, "the certificate's key is none of RSA, P-256, P-384, P-521");
	if (sam_jose_jwk(json, &jwk, msg) != SAM_OK)
		return SAM_CERTIFICATE;
	enum sam_reason reason = sam_device_set(out, text, jwk.thumbprint, jwk.alg, jwk.pkey);
	sam_jose_jwk_clear(&jwk);
	return reason;
}
