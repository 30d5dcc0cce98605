/* SPDX-License-Identifier: BSD-3-Clause
 *
 * package IMPORT.jwk KEY.pem SIGNER SAM_ID CHANGES SIGN.jwk
 * package IMPORT.jwk KEY.pem SIGNER SAM_ID CHANGES SIGN.pem CERTIFICATE.pem...
 *
 * An import package (p11-sam-sad(7)) for tests: KEY wrapped for the SAM, with a manifest by a device key, or with
 * certificates. CHANGES is a JSON object: "claims" and "header" are put over the manifest's, "package" over the whole;
 * "garble" is one of kek, key: a byte of it is another then, after its hash was taken.
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/ossl.h"
#include "base/pkey.h"
#include "sap/jose.h"

#define NEED(condition)                                                            \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "package: line %d: %s\n", __LINE__, #condition); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static json_t *b64url(const void *data, size_t len)
{
	char *text = malloc(2 * len + 4);
	NEED(text);
	sam_encode_b64url(data, len, text);
	json_t *string = json_string(text);
	free(text);
	return string;
}

static json_t *sha256_hex(const void *data, size_t len)
{
	uint8_t hash[32];
	char hex[65];
	NEED(sam_ossl_digest(SAM_HASH_SHA256, data, len, hash) == SAM_OK);
	sam_encode_hex(hash, sizeof hash, hex);
	return json_string(hex);
}

static BIGNUM *number(const json_t *jwk, const char *name)
{
	uint8_t bytes[1024];
	size_t len;
	const char *text = json_string_value(json_object_get(jwk, name));
	NEED(text && sam_decode_b64url(text, strlen(text), bytes, sizeof bytes, &len));
	return BN_bin2bn(bytes, (int)len, NULL);
}

static EVP_PKEY *read_pem(const char *path)
{
	FILE *f = fopen(path, "r");
	NEED(f);
	EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	NEED(pkey);
	return pkey;
}

/* RSA-OAEP, as the JWK says. */
static size_t wrap_kek(const json_t *jwk, const uint8_t kek[32], uint8_t out[512])
{
	const bool sha256 = strcmp(json_string_value(json_object_get(jwk, "alg")), "RSA-OAEP-256") == 0;
	EVP_PKEY *pkey = NULL;
	size_t len = 512;
	BIGNUM *n = number(jwk, "n"), *e = number(jwk, "e");
	NEED(sam_pkey_rsa(n, e, &pkey) == SAM_OK);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	NEED(ctx && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(ctx, sha256 ? EVP_sha256() : EVP_sha1()) == 1 &&
	     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, sha256 ? EVP_sha256() : EVP_sha1()) == 1 &&
	     EVP_PKEY_encrypt(ctx, out, &len, kek, 32) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return len;
}

/* RFC 5649 */
static size_t wrap_key(EVP_PKEY *pkey, const uint8_t kek[32], uint8_t *out, size_t size)
{
	uint8_t *der = NULL;
	int len = 0, more = 0, der_len;
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(pkey);
	NEED(p8 && (der_len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der)) > 0 && (size_t)der_len + 16 <= size);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	NEED(ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	NEED(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL) == 1 &&
	     EVP_EncryptUpdate(ctx, out, &len, der, der_len) == 1 && EVP_EncryptFinal_ex(ctx, out + len, &more) == 1);
	EVP_CIPHER_CTX_free(ctx);
	PKCS8_PRIV_KEY_INFO_free(p8);
	OPENSSL_free(der);
	return (size_t)(len + more);
}

static json_t *x5c(char **paths, int count)
{
	json_t *list = json_array();
	for (int i = 0; i < count; i++) {
		FILE *f = fopen(paths[i], "r");
		uint8_t *der = NULL;
		char text[8192];
		NEED(f);
		X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
		int len = x ? i2d_X509(x, &der) : 0;
		fclose(f);
		NEED(len > 0 && len < 6000);
		EVP_EncodeBlock((unsigned char *)text, der, len);
		json_array_append_new(list, json_string(text));
		OPENSSL_free(der);
		X509_free(x);
	}
	return list;
}

static json_t *new_claims(EVP_PKEY *pkey, const char *sub, const char *aud)
{
	uint8_t *spki = NULL, id[16];
	int len = i2d_PUBKEY(pkey, &spki);
	const json_int_t now = (json_int_t)time(NULL);
	NEED(len > 0 && sam_ossl_random(id, sizeof id) == SAM_OK);
	json_t *claims = json_pack("{s:o,s:s,s:s,s:I,s:I,s:o,s:s}", "id", b64url(id, sizeof id), "sub", sub, "aud", aud,
				   "iat", now, "exp", now + 600, "spki", b64url(spki, (size_t)len), "usage", "sign");
	OPENSSL_free(spki);
	return claims;
}

int main(int argc, char **argv)
{
	uint8_t kek[32], wrapped_kek[512], wrapped_key[8192];
	NEED(argc >= 7 && sam_ossl_start() == SAM_OK && sam_ossl_random(kek, sizeof kek) == SAM_OK);
	json_t *import = json_load_file(argv[1], 0, NULL), *changes = json_loads(argv[5], 0, NULL);
	EVP_PKEY *key = read_pem(argv[2]), *signer = NULL;
	json_t *header = json_pack("{s:s}", "typ", "sam-import+jws");
	json_t *claims = new_claims(key, argv[3], argv[4]);
	enum sam_jws_alg alg = SAM_JWS_ES256;
	NEED(import && changes && header);
	const size_t kek_len = wrap_kek(import, kek, wrapped_kek);
	const size_t key_len = wrap_key(key, kek, wrapped_key, sizeof wrapped_key);
	json_object_set_new(claims, "kek_sha256", sha256_hex(wrapped_kek, kek_len));
	json_object_set_new(claims, "key_sha256", sha256_hex(wrapped_key, key_len));
	if (argc == 7) {
		struct sam_jwk jwk;
		json_t *device = json_load_file(argv[6], 0, NULL);
		NEED(sam_jose_private(device, &signer, NULL) == SAM_OK && sam_jose_jwk(device, &jwk, NULL) == SAM_OK);
		json_object_set_new(header, "kid", json_string(jwk.thumbprint));
		alg = jwk.alg;
		EVP_PKEY_free(jwk.pkey);
		sam_jose_private_free(device);
	} else {
		signer = read_pem(argv[6]);
		json_object_set_new(header, "x5c", x5c(argv + 7, argc - 7));
	}
	json_object_update(claims, json_object_get(changes, "claims"));
	json_object_update(header, json_object_get(changes, "header"));
	const char *garble = json_string_value(json_object_get(changes, "garble"));
	if (garble)
		*(strcmp(garble, "kek") == 0 ? wrapped_kek + 40 : wrapped_key + 20) ^= 1;
	if (json_is_true(json_object_get(changes, "rehash"))) { /* the manifest vouches for what is garbled */
		json_object_set_new(claims, "kek_sha256", sha256_hex(wrapped_kek, kek_len));
		json_object_set_new(claims, "key_sha256", sha256_hex(wrapped_key, key_len));
	}
	char *payload = json_dumps(claims, JSON_COMPACT), *jws;
	NEED(payload && sam_jose_sign(header, payload, strlen(payload), signer, alg, &jws) == SAM_OK);
	json_t *package = json_pack("{s:s,s:o,s:o}", "manifest", jws, "kek", b64url(wrapped_kek, kek_len), "key",
				    b64url(wrapped_key, key_len));
	json_object_update(package, json_object_get(changes, "package"));
	const bool written = json_dumpf(package, stdout, JSON_COMPACT) == 0;
	json_decref(package);
	json_decref(claims);
	json_decref(header);
	json_decref(changes);
	json_decref(import);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
	free(payload);
	free(jws);
	return written ? 0 : 1;
}
