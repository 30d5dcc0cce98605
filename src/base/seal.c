/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sealing keys and what is done with them.
 */
#include "base/seal.h"

#include <limits.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include "base/mem.h"
#include "base/ossl.h"

enum { SALT = 16, NONCE = 12, TAG = 16 };

struct sam_seal {
	uint8_t keys[SAM_SEAL_KEYS][32];
	EVP_MAC_CTX *mac[SAM_SEAL_KEYS]; /* keyed templates: a MAC costs a copy, no key set-up */
	EVP_CIPHER *cipher;
};

static const char *const labels[SAM_SEAL_KEYS] = {
	[SAM_SEAL_ROW] = "p11-sam row v1",         [SAM_SEAL_SUM] = "p11-sam sum v1",
	[SAM_SEAL_LOOKUP] = "p11-sam lookup v1",   [SAM_SEAL_PAYLOAD] = "p11-sam payload v1",
	[SAM_SEAL_PASSWORD] = "p11-sam password v1", [SAM_SEAL_CIPHER] = "p11-sam cipher v1",
};

static bool derive(const uint8_t root[32], const char *label, uint8_t out[32])
{
	EVP_KDF *kdf = EVP_KDF_fetch(sam_ossl_ctx(), "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	char digest[] = "SHA2-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)root, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, 32, params) == 1;
	EVP_KDF_CTX_free(ctx);
	return ok;
}

static EVP_MAC_CTX *keyed(const uint8_t key[32])
{
	EVP_MAC *mac = EVP_MAC_fetch(sam_ossl_ctx(), "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	char digest[] = "SHA2-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	if (ctx && EVP_MAC_init(ctx, key, 32, params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

enum sam_reason sam_seal_new(const uint8_t root[32], struct sam_seal **out)
{
	struct sam_seal *seal = calloc(1, sizeof *seal);
	if (!seal)
		return SAM_MEMORY;
	bool ok = (seal->cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), "AES-256-GCM", NULL)) != NULL;
	for (unsigned i = 0; ok && i < SAM_SEAL_KEYS; i++)
		ok = derive(root, labels[i], seal->keys[i]) && (seal->mac[i] = keyed(seal->keys[i]));
	if (!ok) {
		sam_seal_free(seal);
		return SAM_INTERNAL;
	}
	*out = seal;
	return SAM_OK;
}

void sam_seal_free(struct sam_seal *seal)
{
	if (!seal)
		return;
	for (unsigned i = 0; i < SAM_SEAL_KEYS; i++)
		EVP_MAC_CTX_free(seal->mac[i]);
	EVP_CIPHER_free(seal->cipher);
	sam_mem_wipe(seal, sizeof *seal);
	free(seal);
}

enum sam_reason sam_seal_mac(const struct sam_seal *seal, enum sam_seal_key key, const void *data, size_t len,
			     uint8_t out[SAM_SEAL_MAC])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(seal->mac[key]);
	size_t size = 0;
	bool ok = ctx && EVP_MAC_update(ctx, data, len) == 1 && EVP_MAC_final(ctx, out, &size, SAM_SEAL_MAC) == 1 &&
		  size == SAM_SEAL_MAC;
	EVP_MAC_CTX_free(ctx);
	return ok ? SAM_OK : SAM_MEMORY;
}

/* Each sealing has a key of its own, by a random salt: random nonces under one key would wear out
 * after 2^32 sealings (SP 800-38D section 8.3), and the head is sealed with every transaction. */
static bool crypt_start(EVP_CIPHER_CTX *ctx, const struct sam_seal *seal, const uint8_t *salt, const char *what,
			int encrypt)
{
	uint8_t key[SAM_SEAL_MAC];
	int n;
	bool ok = ctx && sam_seal_mac(seal, SAM_SEAL_CIPHER, salt, SALT, key) == SAM_OK &&
		  EVP_CipherInit_ex2(ctx, seal->cipher, key, salt + SALT, encrypt, NULL) == 1 &&
		  EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)what, (int)strlen(what)) == 1;
	sam_mem_wipe(key, sizeof key);
	return ok;
}

enum sam_reason sam_seal_encrypt(const struct sam_seal *seal, const char *what, const void *in, size_t len,
				 uint8_t *out)
{
	if (len > INT_MAX - SAM_SEAL_OVERHEAD)
		return SAM_INTERNAL;
	enum sam_reason reason = sam_ossl_random(out, SALT + NONCE);
	if (reason != SAM_OK)
		return reason;
	uint8_t *sealed = out + SALT + NONCE;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, m = 0;
	bool ok = crypt_start(ctx, seal, out, what, 1) && EVP_CipherUpdate(ctx, sealed, &n, in, (int)len) == 1 &&
		  EVP_CipherFinal_ex(ctx, sealed + n, &m) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? SAM_OK : SAM_INTERNAL;
}

enum sam_reason sam_seal_decrypt(const struct sam_seal *seal, const char *what, const void *in, size_t len,
				 uint8_t *out)
{
	const uint8_t *p = in;
	if (len < SAM_SEAL_OVERHEAD || len > INT_MAX)
		return SAM_STORE_TAMPERED;
	size_t inner = len - SAM_SEAL_OVERHEAD;
	const uint8_t *sealed = p + SALT + NONCE;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, m = 0;
	bool ok = crypt_start(ctx, seal, p, what, 0) && EVP_CipherUpdate(ctx, out, &n, sealed, (int)inner) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(sealed + inner)) == 1 &&
		  EVP_CipherFinal_ex(ctx, out + n, &m) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		sam_mem_wipe(out, inner);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}
