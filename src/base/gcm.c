/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AES-256-GCM.
 */
#include "base/gcm.h"

#include <limits.h>
#include "base/ossl.h"

/* All but the tag, which goes in before the end (decrypting) or comes out after it. */
static bool crypt_all(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce, struct sam_gcm_aad aad,
		      const uint8_t *in, size_t len, uint8_t *out, int encrypt)
{
	int n;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), "AES-256-GCM", NULL);
	bool ok = ctx && cipher && len <= INT_MAX && aad.len <= INT_MAX &&
		  EVP_CipherInit_ex2(ctx, cipher, key, nonce, encrypt, NULL) == 1 &&
		  (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1) &&
		  (len == 0 || EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1);
	EVP_CIPHER_free(cipher);
	return ok;
}

enum sam_reason sam_gcm_encrypt(const uint8_t key[SAM_GCM_KEY], const uint8_t nonce[SAM_GCM_NONCE],
				struct sam_gcm_aad aad, const uint8_t *in, size_t len, uint8_t *out,
				uint8_t tag[SAM_GCM_TAG])
{
	uint8_t rest[SAM_GCM_TAG];
	int n;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = crypt_all(ctx, key, nonce, aad, in, len, out, 1) && EVP_CipherFinal_ex(ctx, rest, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SAM_GCM_TAG, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? SAM_OK : SAM_INTERNAL;
}

bool sam_gcm_decrypt(const uint8_t key[SAM_GCM_KEY], const uint8_t nonce[SAM_GCM_NONCE], struct sam_gcm_aad aad,
		     const uint8_t *in, size_t len, const uint8_t tag[SAM_GCM_TAG], uint8_t *out)
{
	uint8_t rest[SAM_GCM_TAG];
	int n;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = crypt_all(ctx, key, nonce, aad, in, len, out, 0) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SAM_GCM_TAG, (void *)(uintptr_t)tag) == 1 &&
		  EVP_CipherFinal_ex(ctx, rest, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		sam_mem_wipe(out, len);
	return ok;
}
