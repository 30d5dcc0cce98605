/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE: key agreement, Concat KDF, key wrap, content (RFC 7516, RFC 7518).
 */
#include "sap/jwe.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include "base/encode.h"
#include "base/gcm.h"
#include "sap/jose_jwk.h"

enum { KEY = SAM_GCM_KEY, WRAPPED = KEY + 8, INFO_MAX = 2 * SAM_JWE_PARTY_MAX + 64 };

static const char enc_name[] = "A256GCM";

static bool is(const json_t *json, const char *wanted)
{
	const char *text = json_string_value(json);
	return text && strcmp(text, wanted) == 0;
}

/* ---- the key that both sides come to ---- */

static size_t put_u32(uint8_t *out, size_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
	return 4;
}

static size_t put_datum(uint8_t *out, const void *data, size_t len)
{
	size_t n = put_u32(out, len);
	if (len)
		memcpy(out + n, data, len);
	return n + len;
}

enum sam_reason sam_jwe_derive(const uint8_t z[SAM_JWE_Z], const char *algorithm, const struct sam_jwe_party *u,
			       const struct sam_jwe_party *v, uint8_t *out, size_t len)
{
	/* OtherInfo: AlgorithmID, PartyUInfo, PartyVInfo, SuppPubInfo (the key's bits) */
	uint8_t info[INFO_MAX];
	if (strlen(algorithm) > 32)
		return SAM_INTERNAL;
	size_t n = put_datum(info, algorithm, strlen(algorithm));
	n += put_datum(info + n, u->data, u->len);
	n += put_datum(info + n, v->data, v->len);
	n += put_u32(info + n, len * 8);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)z, SAM_JWE_Z),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(sam_ossl_ctx(), OSSL_KDF_NAME_SSKDF, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? SAM_OK : SAM_INTERNAL;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[SAM_JWE_Z])
{
	size_t len = SAM_JWE_Z;
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), own, NULL);
	return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	       EVP_PKEY_derive(ctx, z, &len) == 1 && len == SAM_JWE_Z;
}

/* The content key (direct), or the one that wraps it. */
static enum sam_reason agreed_key(EVP_PKEY *own, EVP_PKEY *peer, bool direct, const struct sam_jwe_party *u,
				  const struct sam_jwe_party *v, uint8_t out[KEY])
{
	uint8_t z[SAM_JWE_Z];
	enum sam_reason reason = SAM_INTERNAL;
	if (agree(own, peer, z))
		reason = sam_jwe_derive(z, direct ? enc_name : SAM_JWE_WRAPPED, u, v, out, KEY);
	sam_mem_wipe(z, sizeof z);
	return reason;
}

/* RFC 3394, in one direction or the other. */
static bool key_wrap(const uint8_t kek[KEY], const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, int wrap)
{
	int n = 0, m = 0;
	uint8_t buffer[WRAPPED + 8]; /* unwrapping, OpenSSL writes one block more than comes out */
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), "AES-256-WRAP", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool ok = ctx && cipher && EVP_CipherInit_ex2(ctx, cipher, kek, NULL, wrap, NULL) == 1 &&
		  EVP_CipherUpdate(ctx, buffer, &n, in, (int)in_len) == 1 &&
		  EVP_CipherFinal_ex(ctx, buffer + n, &m) == 1 && (size_t)(n + m) == out_len;
	if (ok)
		memcpy(out, buffer, out_len);
	sam_mem_wipe(buffer, sizeof buffer);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok;
}

/* ---- encrypting ---- */

/* What is made before the content is encrypted. */
struct making {
	uint8_t key[KEY];         /* of the content */
	uint8_t wrapped[WRAPPED]; /* wrapped_len 0: direct */
	size_t wrapped_len;
	char *header; /* owned */
};

static char *header_text(const json_t *recipient, const char *alg, const json_t *more, const EVP_PKEY *ephemeral)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	sam_auto(json_decref) json_t *epk = json_object();
	if (!epk || !sam_jose_jwk_put_ec(epk, sam_jose_alg(SAM_JWS_ES256), ephemeral, false) ||
	    sam_jwe_kid(recipient, kid, NULL) != SAM_OK)
		return NULL;
	sam_auto(json_decref)
		json_t *header = json_pack("{s:s,s:s,s:s,s:O}", "alg", alg, "enc", enc_name, "kid", kid, "epk", epk);
	if (!header || (more && json_object_update_missing(header, (json_t *)(uintptr_t)more) != 0))
		return NULL;
	return json_dumps(header, JSON_COMPACT);
}

static enum sam_reason make_key(const json_t *recipient, const char *alg, const json_t *more, struct making *m)
{
	static const struct sam_jwe_party nobody;
	bool direct = strcmp(alg, SAM_JWE_DIRECT) == 0;
	uint8_t agreed[KEY];
	sam_auto(EVP_PKEY_free) EVP_PKEY *peer = NULL;
	enum sam_reason reason = sam_jwe_key(recipient, false, &peer, NULL);
	if (reason != SAM_OK)
		return reason;
	sam_auto(EVP_PKEY_free) EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	if (!ephemeral)
		return SAM_RANDOM;
	m->header = header_text(recipient, alg, more, ephemeral);
	if (!m->header)
		return SAM_MEMORY;
	reason = agreed_key(ephemeral, peer, direct, &nobody, &nobody, agreed);
	if (reason == SAM_OK && direct) {
		memcpy(m->key, agreed, KEY);
	} else if (reason == SAM_OK) {
		m->wrapped_len = WRAPPED;
		reason = sam_ossl_random(m->key, KEY);
		if (reason == SAM_OK && !key_wrap(agreed, m->key, KEY, m->wrapped, WRAPPED, 1))
			reason = SAM_INTERNAL;
	}
	sam_mem_wipe(agreed, sizeof agreed);
	return reason;
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

enum sam_reason sam_jwe_encrypt(const json_t *recipient, const char *alg, const json_t *header, const void *in,
				size_t len, char **out)
{
	struct making m = {.header = NULL};
	*out = NULL;
	const json_t *own = json_object_get(recipient, "alg");
	if ((strcmp(alg, SAM_JWE_DIRECT) != 0 && strcmp(alg, SAM_JWE_WRAPPED) != 0) || (own && !is(own, alg)))
		return SAM_JWE_ALGORITHM;
	if (len > SAM_JWE_MAX)
		return SAM_ARGUMENTS;
	enum sam_reason reason = make_key(recipient, alg, header, &m);
	size_t total = reason == SAM_OK ? b64_size(strlen(m.header)) + b64_size(WRAPPED) + b64_size(SAM_GCM_NONCE) +
						  b64_size(len) + b64_size(SAM_GCM_TAG) + 4
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

/* ---- taking one apart ---- */

enum { HEADER, ENCRYPTED_KEY, NONCE, CIPHERTEXT, AUTH_TAG, PARTS };

struct part {
	const char *text;
	size_t len;
};

struct jwe {
	struct part parts[PARTS];
	json_t *header; /* owned */
	bool direct;
	struct sam_jwe_party u, v;
	EVP_PKEY *epk; /* owned */
	uint8_t wrapped[WRAPPED], nonce[SAM_GCM_NONCE], tag[SAM_GCM_TAG];
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
	if (!is(json_object_get(epk, "kty"), "EC") || !is(json_object_get(epk, "crv"), "P-256") ||
	    json_object_get(epk, "d"))
		return false;
	*out = sam_jose_jwk_ec(sam_jose_alg(SAM_JWS_ES256), epk, NULL);
	return *out != NULL;
}

static enum sam_reason read_header(struct jwe *jwe)
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
	const json_t *alg = json_object_get(jwe->header, "alg");
	jwe->direct = is(alg, SAM_JWE_DIRECT);
	if ((!jwe->direct && !is(alg, SAM_JWE_WRAPPED)) || !is(json_object_get(jwe->header, "enc"), enc_name))
		return SAM_JWE_ALGORITHM;
	return read_party(jwe->header, "apu", &jwe->u) && read_party(jwe->header, "apv", &jwe->v) &&
			       read_epk(jwe->header, &jwe->epk)
		       ? SAM_OK
		       : SAM_JWE_MALFORMED;
}

/* All that can be malformed is looked at before any key is. */
static enum sam_reason take_apart(const char *text, size_t len, struct jwe *jwe)
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
	return octets(&jwe->parts[ENCRYPTED_KEY], jwe->wrapped, jwe->direct ? 0 : WRAPPED) &&
			       octets(&jwe->parts[NONCE], jwe->nonce, sizeof jwe->nonce) &&
			       octets(&jwe->parts[AUTH_TAG], jwe->tag, sizeof jwe->tag) &&
			       sam_decode_b64url(content->text, content->len, jwe->content, size, &jwe->content_len)
		       ? SAM_OK
		       : SAM_JWE_MALFORMED;
}

/* ---- decrypting ---- */

static bool content_key(const struct jwe *jwe, const json_t *jwk, uint8_t out[KEY])
{
	uint8_t agreed[KEY];
	sam_auto(EVP_PKEY_free) EVP_PKEY *own = NULL;
	bool ok = sam_jwe_key(jwk, true, &own, NULL) == SAM_OK &&
		  agreed_key(own, jwe->epk, jwe->direct, &jwe->u, &jwe->v, agreed) == SAM_OK;
	if (ok && jwe->direct)
		memcpy(out, agreed, KEY);
	else if (ok)
		ok = key_wrap(agreed, jwe->wrapped, WRAPPED, out, KEY, 0);
	sam_mem_wipe(agreed, sizeof agreed);
	return ok;
}

/* In place; what came out is then the caller's. */
static bool open_content(struct jwe *jwe, const uint8_t key[KEY], struct sam_secret *out)
{
	const struct part *header = &jwe->parts[HEADER];
	if (!sam_gcm_decrypt(key, jwe->nonce, (struct sam_gcm_aad){header->text, header->len}, jwe->content,
			     jwe->content_len, jwe->tag, jwe->content))
		return false;
	jwe->content[jwe->content_len] = 0;
	sam_secret_clear(out);
	*out = (struct sam_secret){jwe->content, jwe->content_len};
	jwe->content = NULL;
	return true;
}

enum sam_reason sam_jwe_decrypt(const char *text, size_t len, const json_t *key, struct sam_secret *out)
{
	struct jwe jwe;
	uint8_t content[KEY];
	memset(&jwe, 0, sizeof jwe);
	enum sam_reason reason = take_apart(text, len, &jwe);
	const json_t *alg = json_object_get(key, "alg");
	if (reason == SAM_OK && alg && !is(alg, jwe.direct ? SAM_JWE_DIRECT : SAM_JWE_WRAPPED))
		reason = SAM_JWE_ALGORITHM;
	if (reason == SAM_OK && !(content_key(&jwe, key, content) && open_content(&jwe, content, out)))
		reason = SAM_JWE_KEY;
	sam_mem_wipe(content, sizeof content);
	json_decref(jwe.header);
	EVP_PKEY_free(jwe.epk);
	free(jwe.content);
	return reason;
}
