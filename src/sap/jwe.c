/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE, made: for one recipient (RFC 7516, RFC 7518). How it is opened: jwe_open.c.
 */
#include "sap/jwe_internal.h"

#include <string.h>
#include <openssl/rsa.h>
#include "base/encode.h"
#include "sap/jose_jwk.h"

bool sam_jwe_is(const json_t *json, const char *wanted)
{
	const char *text = json_string_value(json);
	return text && strcmp(text, wanted) == 0;
}

/* What is made before the content is encrypted. */
struct making {
	uint8_t key[SAM_JWE_CONTENT_KEY];   /* of the content */
	uint8_t wrapped[SAM_JWE_RSA_MAX];   /* wrapped_len 0: direct */
	size_t wrapped_len;
	char *header; /* owned */
};

/* ${epk} NULL: RSA. */
static char *header_text(const json_t *recipient, const char *alg, const json_t *more, json_t *epk)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	if (sam_jose_jwk_thumbprint(recipient, kid) != SAM_OK)
		return NULL;
	sam_auto(json_decref) json_t *header =
		json_pack("{s:s,s:s,s:s,s:O*}", "alg", alg, "enc", SAM_JWE_ENC, "kid", kid, "epk", epk);
	if (!header || (more && json_object_update_missing(header, (json_t *)(uintptr_t)more) != 0))
		return NULL;
	return json_dumps(header, JSON_COMPACT);
}

static bool wrap_for(const uint8_t agreed[SAM_JWE_CONTENT_KEY], struct making *m)
{
	m->wrapped_len = SAM_JWE_WRAPPED_KEY;
	return sam_ossl_random(m->key, sizeof m->key) == SAM_OK &&
	       sam_jwe_key_wrap(agreed, m->key, sizeof m->key, m->wrapped, SAM_JWE_WRAPPED_KEY, true);
}

static enum sam_reason make_agreed(const json_t *recipient, const char *alg, const json_t *more, struct making *m)
{
	static const struct sam_jwe_party nobody;
	const bool direct = strcmp(alg, SAM_JWE_DIRECT) == 0;
	uint8_t z[SAM_JWE_Z], agreed[SAM_JWE_CONTENT_KEY];
	sam_auto(EVP_PKEY_free) EVP_PKEY *peer = NULL;
	enum sam_reason reason = sam_jwe_key(recipient, false, &peer, NULL);
	if (reason != SAM_OK)
		return reason;
	sam_auto(EVP_PKEY_free) EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	if (!ephemeral)
		return SAM_RANDOM;
	sam_auto(json_decref) json_t *epk = json_object();
	if (!epk || !sam_jose_jwk_put_ec(epk, sam_jose_alg(SAM_JWS_ES256), ephemeral, false) ||
	    !(m->header = header_text(recipient, alg, more, epk)))
		return SAM_MEMORY;
	reason = sam_jwe_agree(ephemeral, peer, z) ? sam_jwe_agreed(z, direct, &nobody, &nobody, agreed) : SAM_INTERNAL;
	if (reason == SAM_OK && direct)
		memcpy(m->key, agreed, sizeof m->key);
	else if (reason == SAM_OK && !wrap_for(agreed, m))
		reason = SAM_INTERNAL;
	sam_mem_wipe(z, sizeof z);
	sam_mem_wipe(agreed, sizeof agreed);
	return reason;
}

static enum sam_reason make_rsa(const json_t *recipient, const json_t *more, struct making *m)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *peer = NULL;
	enum sam_reason reason = sam_jwe_key_rsa(recipient, &peer, NULL);
	if (reason == SAM_OK)
		reason = sam_ossl_random(m->key, sizeof m->key);
	if (reason != SAM_OK)
		return reason;
	m->header = header_text(recipient, SAM_JWE_RSA, more, NULL);
	if (!m->header)
		return SAM_MEMORY;
	m->wrapped_len = sizeof m->wrapped;
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), peer, NULL);
	return ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
			       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) == 1 &&
			       EVP_PKEY_encrypt(ctx, m->wrapped, &m->wrapped_len, m->key, sizeof m->key) == 1
		       ? SAM_OK
		       : SAM_INTERNAL;
}

static size_t b64_size(size_t len)
{
	return (len * 4 + 2) / 3;
}

/* The five parts; ${text} has room for them. */
static enum sam_reason put_parts(const struct making *m, const uint8_t *in, size_t len, uint8_t *sealed, char *text)
{
	uint8_t nonce[SAM_GCM_NONCE], tag[SAM_GCM_TAG];
	size_t n = sam_encode_b64url(m->header, strlen(m->header), text);
	enum sam_reason reason = sam_ossl_random(nonce, sizeof nonce);
	if (reason == SAM_OK)
		reason = sam_gcm_encrypt(m->key, nonce, (struct sam_gcm_aad){text, n}, in, len, sealed, tag);
	if (reason != SAM_OK)
		return reason;
	text[n++] = '.';
	n += sam_encode_b64url(m->wrapped, m->wrapped_len, text + n);
	text[n++] = '.';
	n += sam_encode_b64url(nonce, sizeof nonce, text + n);
	text[n++] = '.';
	n += sam_encode_b64url(sealed, len, text + n);
	text[n++] = '.';
	sam_encode_b64url(tag, sizeof tag, text + n);
	return SAM_OK;
}

static bool takes(const json_t *recipient, const char *alg)
{
	const json_t *own = json_object_get(recipient, "alg");
	return (strcmp(alg, SAM_JWE_DIRECT) == 0 || strcmp(alg, SAM_JWE_WRAPPED) == 0 ||
		strcmp(alg, SAM_JWE_RSA) == 0) &&
	       (!own || sam_jwe_is(own, alg));
}

enum sam_reason sam_jwe_encrypt(const json_t *recipient, const char *alg, const json_t *header, const void *in,
				size_t len, char **out)
{
	struct making m = {.header = NULL};
	*out = NULL;
	if (!takes(recipient, alg))
		return SAM_JWE_ALGORITHM;
	if (len > SAM_JWE_MAX)
		return SAM_ARGUMENTS;
	enum sam_reason reason = strcmp(alg, SAM_JWE_RSA) == 0 ? make_rsa(recipient, header, &m)
							       : make_agreed(recipient, alg, header, &m);
	size_t total = reason == SAM_OK ? b64_size(strlen(m.header)) + b64_size(m.wrapped_len) +
						  b64_size(SAM_GCM_NONCE) + b64_size(len) + b64_size(SAM_GCM_TAG) + 4
					: 0;
	if (total > SAM_JWE_MAX || (reason == SAM_OK && strlen(m.header) > SAM_JWS_HEADER_MAX))
		reason = SAM_ARGUMENTS;
	sam_auto(sam_free) uint8_t *sealed = reason == SAM_OK ? malloc(len + 1) : NULL;
	char *text = reason == SAM_OK ? malloc(total + 1) : NULL;
	if (reason == SAM_OK)
		reason = sealed && text ? put_parts(&m, in, len, sealed, text) : SAM_MEMORY;
	if (reason == SAM_OK)
		*out = text;
	else
		free(text);
	free(m.header);
	sam_mem_wipe(&m, sizeof m);
	return reason;
}
