/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWE with any header, for the wrong ones that sam_jwe_encrypt() does not make: what the header says is one
 * thing, how it is encrypted another. For tests that bring ck_assert and json() along.
 */
#ifndef SAM_TESTS_JWE_MAKER_H
#define SAM_TESTS_JWE_MAKER_H

#include <check.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>
#include "base/encode.h"
#include "base/ossl.h"
#include "sap/jose_jwk.h"
#include "sap/jwe.h"

enum { JWE_MAKER_KEY = 32, JWE_MAKER_NONCE = 12, JWE_MAKER_TAG = 16 };

struct jwe_maker {
	json_t *header;       /* protected, with the ephemeral key's public half */
	char *header_text;    /* instead of it, or NULL */
	EVP_PKEY *ephemeral;
	EVP_PKEY *recipient;  /* its public key */
	bool wrapped;         /* ECDH-ES+A256KW */
	size_t bytes;         /* of the content key: 32, or 16 for A128GCM */
	bool deflate;         /* RFC 1951, as `zip` says */
};

static inline void jwe_maker_clear(struct jwe_maker *j)
{
	json_decref(j->header);
	free(j->header_text);
	EVP_PKEY_free(j->ephemeral);
	EVP_PKEY_free(j->recipient);
	memset(j, 0, sizeof *j);
}

/** jwe_maker_start(j, recipient, alg): To that public JWK; all as it should be, `cty` of a SAD. */
static inline void jwe_maker_start(struct jwe_maker *j, const json_t *recipient, const char *alg)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	jwe_maker_clear(j);
	ck_assert_int_eq(sam_jwe_key(recipient, false, &j->recipient, NULL), SAM_OK);
	ck_assert_int_eq(sam_jwe_kid(recipient, kid, NULL), SAM_OK);
	j->ephemeral = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	ck_assert_ptr_nonnull(j->ephemeral);
	json_t *epk = json_object();
	ck_assert(sam_jose_jwk_put_ec(epk, sam_jose_alg(SAM_JWS_ES256), j->ephemeral, false));
	j->header = json_pack("{s:s,s:s,s:s,s:s,s:o}", "alg", alg, "enc", "A256GCM", "kid", kid, "cty", "sad+jwt", "epk", epk);
	ck_assert_ptr_nonnull(j->header);
	j->wrapped = strcmp(alg, SAM_JWE_WRAPPED) == 0;
	j->bytes = JWE_MAKER_KEY;
}

static inline void jwe_maker_party(const json_t *header, const char *name, struct sam_jwe_party *out)
{
	const char *text = json_string_value(json_object_get(header, name));
	out->len = 0;
	if (text && !sam_decode_b64url(text, strlen(text), out->data, sizeof out->data, &out->len))
		out->len = 0;
}

/* The key that both come to, as the header would have it if it were good. */
static inline void jwe_maker_agree(const struct jwe_maker *j, uint8_t key[JWE_MAKER_KEY])
{
	uint8_t z[SAM_JWE_Z];
	size_t len = sizeof z;
	struct sam_jwe_party u, v;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), j->ephemeral, NULL);
	ck_assert(ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, j->recipient) == 1 &&
		  EVP_PKEY_derive(ctx, z, &len) == 1 && len == sizeof z);
	EVP_PKEY_CTX_free(ctx);
	jwe_maker_party(j->header, "apu", &u);
	jwe_maker_party(j->header, "apv", &v);
	const char *algorithm = j->wrapped ? SAM_JWE_WRAPPED : j->bytes == JWE_MAKER_KEY ? "A256GCM" : "A128GCM";
	ck_assert_int_eq(sam_jwe_derive(z, algorithm, &u, &v, key, j->wrapped ? JWE_MAKER_KEY : j->bytes), SAM_OK);
}

/* RFC 3394. */
static inline void jwe_maker_wrap(const uint8_t kek[JWE_MAKER_KEY], const uint8_t *key, size_t len, uint8_t *out)
{
	int n = 0, m = 0;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), "AES-256-WRAP", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	ck_assert(cipher && ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert(EVP_EncryptInit_ex2(ctx, cipher, kek, NULL, NULL) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &n, key, (int)len) == 1 && EVP_EncryptFinal_ex(ctx, out + n, &m) == 1 &&
		  (size_t)(n + m) == len + 8);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

static inline void jwe_maker_seal(const uint8_t *key, size_t bytes, const uint8_t nonce[JWE_MAKER_NONCE],
				  const char *aad, const uint8_t *in, size_t len, uint8_t *out,
				  uint8_t tag[JWE_MAKER_TAG])
{
	int n = 0;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), bytes == JWE_MAKER_KEY ? "AES-256-GCM" : "AES-128-GCM", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	ck_assert(cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, key, nonce, NULL) == 1 &&
		  EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 && EVP_EncryptFinal_ex(ctx, out + n, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_MAKER_TAG, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

/* Compressed as simply as RFC 1951 allows: one stored block. */
static inline uint8_t *jwe_maker_deflate(const uint8_t *in, size_t *len)
{
	ck_assert_uint_lt(*len, 65536);
	uint8_t *out = malloc(*len + 5), size[2] = {(uint8_t)*len, (uint8_t)(*len >> 8)};
	ck_assert_ptr_nonnull(out);
	memcpy(out, (uint8_t[]){1, size[0], size[1], (uint8_t)~size[0], (uint8_t)~size[1]}, 5);
	memcpy(out + 5, in, *len);
	*len += 5;
	return out;
}

static inline void jwe_maker_put(FILE *out, const void *data, size_t len, char behind)
{
	char *text = malloc(len * 4 / 3 + 4);
	ck_assert_ptr_nonnull(text);
	sam_encode_b64url(data, len, text);
	fputs(text, out);
	if (behind)
		putc(behind, out);
	free(text);
}

/** jwe_maker_encrypt(j, in, len): The five parts, malloc()ed. */
static inline char *jwe_maker_encrypt(const struct jwe_maker *j, const void *in, size_t len)
{
	uint8_t agreed[JWE_MAKER_KEY], key[JWE_MAKER_KEY], wrapped[JWE_MAKER_KEY + 16], nonce[JWE_MAKER_NONCE];
	uint8_t tag[JWE_MAKER_TAG];
	char *text = NULL, *aad = NULL;
	size_t size, aad_size;
	uint8_t *plain = j->deflate ? jwe_maker_deflate(in, &len) : NULL, *sealed = malloc(len + 1);
	ck_assert_ptr_nonnull(sealed);
	jwe_maker_agree(j, agreed);
	memcpy(key, agreed, sizeof key);
	if (j->wrapped) {
		ck_assert_int_eq(sam_ossl_random(key, sizeof key), SAM_OK);
		jwe_maker_wrap(agreed, key, j->bytes, wrapped);
	}
	ck_assert_int_eq(sam_ossl_random(nonce, sizeof nonce), SAM_OK);
	char *header = j->header_text ? strdup(j->header_text) : json_dumps(j->header, JSON_COMPACT);
	FILE *out = open_memstream(&aad, &aad_size);
	jwe_maker_put(out, header, strlen(header), '\0');
	fclose(out);
	jwe_maker_seal(key, j->bytes, nonce, aad, plain ? plain : in, len, sealed, tag);
	out = open_memstream(&text, &size);
	fprintf(out, "%s.", aad);
	jwe_maker_put(out, wrapped, j->wrapped ? j->bytes + 8 : 0, '.');
	jwe_maker_put(out, nonce, sizeof nonce, '.');
	jwe_maker_put(out, sealed, len, '.');
	jwe_maker_put(out, tag, sizeof tag, '\0');
	fclose(out);
	free(aad);
	free(header);
	free(plain);
	free(sealed);
	return text;
}

#endif
