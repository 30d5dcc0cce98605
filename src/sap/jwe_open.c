/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE, taken apart and opened, whoever has the private key: a JWK in memory, or the CM, which does not give it
 * away. Everything here is an attacker's until the tag is right.
 */
#include "sap/jwe_internal.h"

#include <string.h>
#include <openssl/core_names.h>
#include "base/encode.h"
#include "sap/jose_jwk.h"

/* ---- taking one apart ---- */

enum { HEADER, ENCRYPTED_KEY, NONCE, CIPHERTEXT, AUTH_TAG, PARTS };

struct part {
	const char *text;
	size_t len;
};

struct sam_jwe {
	struct part parts[PARTS];
	json_t *header; /* owned */
	enum { BY_AGREED, BY_WRAPPED, BY_RSA } how;
	struct sam_jwe_party u, v;
	EVP_PKEY *epk; /* owned; NULL: RSA */
	uint8_t wrapped[SAM_JWE_RSA_MAX], nonce[SAM_GCM_NONCE], tag[SAM_GCM_TAG];
	size_t wrapped_len;
	uint8_t *content; /* as it came; owned; room for a NUL behind it */
	size_t content_len;
};

static bool split(const char *text, size_t len, struct part parts[PARTS])
{
	for (unsigned i = 0; i < PARTS; i++) {
		const char *dot = i + 1 < PARTS ? memchr(text, '.', len) : NULL;
		if (i + 1 < PARTS && !dot)
			return false;
		parts[i] = (struct part){text, dot ? (size_t)(dot - text) : len};
		text += parts[i].len + (dot != NULL);
		len -= parts[i].len + (dot != NULL);
	}
	return true; /* a fifth dot is no base64url character */
}

static bool octets(const struct part *part, uint8_t *out, size_t size)
{
	size_t len;
	return sam_decode_b64url(part->text, part->len, out, size, &len) && len == size;
}

static bool read_party(const json_t *header, const char *name, struct sam_jwe_party *out)
{
	const json_t *member = json_object_get(header, name);
	if (!member)
		return true;
	const char *text = json_string_value(member);
	return text && sam_decode_b64url(text, strlen(text), out->data, sizeof out->data, &out->len);
}

/* Its private part has no business there, and is not read. */
static bool read_epk(const json_t *header, EVP_PKEY **out)
{
	const json_t *epk = json_object_get(header, "epk");
	if (!sam_jwe_is(json_object_get(epk, "kty"), "EC") || !sam_jwe_is(json_object_get(epk, "crv"), "P-256") ||
	    json_object_get(epk, "d"))
		return false;
	*out = sam_jose_jwk_ec(sam_jose_alg(SAM_JWS_ES256), epk, NULL);
	return *out != NULL;
}

static bool read_algorithms(struct sam_jwe *jwe)
{
	static const char *const names[] = {
		[BY_AGREED] = SAM_JWE_DIRECT, [BY_WRAPPED] = SAM_JWE_WRAPPED, [BY_RSA] = SAM_JWE_RSA};
	const json_t *alg = json_object_get(jwe->header, "alg");
	for (jwe->how = BY_AGREED; jwe->how < BY_RSA && !sam_jwe_is(alg, names[jwe->how]);)
		jwe->how++;
	return sam_jwe_is(alg, names[jwe->how]) && sam_jwe_is(json_object_get(jwe->header, "enc"), SAM_JWE_ENC);
}

static enum sam_reason read_header(struct sam_jwe *jwe)
{
	static const char *const refused[] = {"crit", "zip", "jku", "x5u"};
	uint8_t buffer[SAM_JWS_HEADER_MAX];
	size_t size;
	if (!sam_decode_b64url(jwe->parts[HEADER].text, jwe->parts[HEADER].len, buffer, sizeof buffer, &size) ||
	    !(jwe->header = sam_jose_json(buffer, size)))
		return SAM_JWE_MALFORMED;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (json_object_get(jwe->header, refused[i]))
			return SAM_JWE_ALGORITHM;
	if (!read_algorithms(jwe))
		return SAM_JWE_ALGORITHM;
	return jwe->how == BY_RSA || (read_party(jwe->header, "apu", &jwe->u) &&
				      read_party(jwe->header, "apv", &jwe->v) && read_epk(jwe->header, &jwe->epk))
		       ? SAM_OK
		       : SAM_JWE_MALFORMED;
}

/* Of RSA it is as long as the modulus, which is the recipient's to know. */
static bool read_encrypted_key(struct sam_jwe *jwe)
{
	const struct part *part = &jwe->parts[ENCRYPTED_KEY];
	jwe->wrapped_len = jwe->how == BY_AGREED ? 0 : SAM_JWE_WRAPPED_KEY;
	if (jwe->how != BY_RSA)
		return octets(part, jwe->wrapped, jwe->wrapped_len);
	return sam_decode_b64url(part->text, part->len, jwe->wrapped, sizeof jwe->wrapped, &jwe->wrapped_len) &&
	       jwe->wrapped_len >= SAM_JWE_RSA_MIN;
}

/* All that can be malformed is looked at before any key is. */
static enum sam_reason take_apart(const char *text, size_t len, struct sam_jwe *jwe)
{
	if (!text || len > SAM_JWE_MAX || !split(text, len, jwe->parts))
		return SAM_JWE_MALFORMED;
	enum sam_reason reason = read_header(jwe);
	if (reason != SAM_OK)
		return reason;
	const struct part *content = &jwe->parts[CIPHERTEXT];
	size_t size = content->len / 4 * 3 + 3;
	jwe->content = malloc(size + 1);
	if (!jwe->content)
		return SAM_MEMORY;
	return read_encrypted_key(jwe) && octets(&jwe->parts[NONCE], jwe->nonce, sizeof jwe->nonce) &&
			       octets(&jwe->parts[AUTH_TAG], jwe->tag, sizeof jwe->tag) &&
			       sam_decode_b64url(content->text, content->len, jwe->content, size, &jwe->content_len)
		       ? SAM_OK
		       : SAM_JWE_MALFORMED;
}

enum sam_reason sam_jwe_parse(const char *text, size_t len, struct sam_jwe **out)
{
	struct sam_jwe *jwe = calloc(1, sizeof *jwe);
	enum sam_reason reason = jwe ? take_apart(text, len, jwe) : SAM_MEMORY;
	*out = reason == SAM_OK ? jwe : NULL;
	if (reason != SAM_OK)
		sam_jwe_free(jwe);
	return reason;
}

void sam_jwe_free(struct sam_jwe *jwe)
{
	if (!jwe)
		return;
	json_decref(jwe->header);
	EVP_PKEY_free(jwe->epk);
	free(jwe->content);
	free(jwe);
}

const json_t *sam_jwe_header(const struct sam_jwe *jwe)
{
	return jwe->header;
}

bool sam_jwe_is_rsa(const struct sam_jwe *jwe)
{
	return jwe->how == BY_RSA;
}

/* ---- opening it ---- */

/* The form 04 x y, of what was found on the curve when it was read. */
static bool point_of(const EVP_PKEY *epk, uint8_t point[SAM_JWE_POINT])
{
	size_t len;
	return EVP_PKEY_get_octet_string_param(epk, OSSL_PKEY_PARAM_PUB_KEY, point, SAM_JWE_POINT, &len) == 1 &&
	       len == SAM_JWE_POINT && point[0] == 4;
}

static enum sam_reason by_agreement(struct sam_jwe *jwe, const struct sam_jwe_opener *by,
				    uint8_t key[SAM_JWE_CONTENT_KEY])
{
	uint8_t point[SAM_JWE_POINT], z[SAM_JWE_Z], agreed[SAM_JWE_CONTENT_KEY];
	const bool direct = jwe->how == BY_AGREED;
	enum sam_reason reason = by->agree ? SAM_OK : SAM_JWE_ALGORITHM;
	if (reason == SAM_OK && !point_of(jwe->epk, point))
		reason = SAM_JWE_MALFORMED;
	if (reason == SAM_OK)
		reason = by->agree(by->arg, point, z);
	if (reason == SAM_OK)
		reason = sam_jwe_agreed(z, direct, &jwe->u, &jwe->v, agreed);
	if (reason == SAM_OK && direct)
		memcpy(key, agreed, sizeof agreed);
	else if (reason == SAM_OK &&
		 !sam_jwe_key_wrap(agreed, jwe->wrapped, jwe->wrapped_len, key, SAM_JWE_CONTENT_KEY, false))
		reason = SAM_JWE_KEY;
	sam_mem_wipe(z, sizeof z);
	sam_mem_wipe(agreed, sizeof agreed);
	return reason;
}

/* Where it does not come out, another key goes on to fail at the tag: whoever asks again and again must not see, by the
 * time it takes either, whether the padding was right (RFC 7516 section 11.5). */
static enum sam_reason by_decryption(struct sam_jwe *jwe, const struct sam_jwe_opener *by,
				     uint8_t key[SAM_JWE_CONTENT_KEY])
{
	uint8_t other[SAM_JWE_CONTENT_KEY];
	enum sam_reason reason = by->decrypt ? sam_ossl_random(other, sizeof other) : SAM_JWE_ALGORITHM;
	if (reason != SAM_OK)
		return reason;
	reason = by->decrypt(by->arg, jwe->wrapped, jwe->wrapped_len, key);
	if (reason == SAM_JWE_KEY) {
		memcpy(key, other, sizeof other);
		reason = SAM_OK;
	}
	sam_mem_wipe(other, sizeof other);
	return reason;
}

enum sam_reason sam_jwe_open(struct sam_jwe *jwe, const struct sam_jwe_opener *by, struct sam_secret *out)
{
	const struct part *header = &jwe->parts[HEADER];
	uint8_t key[SAM_JWE_CONTENT_KEY];
	if (!jwe->content) /* opened before */
		return SAM_ARGUMENTS;
	enum sam_reason reason = jwe->how == BY_RSA ? by_decryption(jwe, by, key) : by_agreement(jwe, by, key);
	if (reason == SAM_OK && !sam_gcm_decrypt(key, jwe->nonce, (struct sam_gcm_aad){header->text, header->len},
						 jwe->content, jwe->content_len, jwe->tag, jwe->content))
		reason = SAM_JWE_KEY;
	sam_mem_wipe(key, sizeof key);
	if (reason != SAM_OK)
		return reason;
	jwe->content[jwe->content_len] = 0;
	sam_secret_clear(out);
	*out = (struct sam_secret){jwe->content, jwe->content_len};
	jwe->content = NULL;
	return SAM_OK;
}

/* ---- with a private JWK ---- */

static enum sam_reason agree_by_jwk(void *arg, const uint8_t point[SAM_JWE_POINT], uint8_t z[SAM_JWE_Z])
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *own = NULL, *peer = NULL;
	return sam_jwe_key(arg, true, &own, NULL) == SAM_OK &&
			       sam_pkey_ec("P-256", point, SAM_JWE_POINT, NULL, &peer) == SAM_OK &&
			       sam_jwe_agree(own, peer, z)
		       ? SAM_OK
		       : SAM_JWE_KEY;
}

enum sam_reason sam_jwe_decrypt(const char *text, size_t len, const json_t *key, struct sam_secret *out)
{
	const struct sam_jwe_opener opener = {.arg = (json_t *)(uintptr_t)key, .agree = agree_by_jwk};
	struct sam_jwe *jwe;
	enum sam_reason reason = sam_jwe_parse(text, len, &jwe);
	const json_t *alg = json_object_get(key, "alg");
	if (reason != SAM_OK)
		return reason;
	if (alg && !json_equal(alg, json_object_get(jwe->header, "alg")))
		reason = SAM_JWE_ALGORITHM;
	if (reason == SAM_OK)
		reason = sam_jwe_open(jwe, &opener, out);
	sam_jwe_free(jwe);
	return reason == SAM_INTERNAL ? SAM_JWE_KEY : reason;
}
