/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JWE: the key that both sides come to (Concat KDF), and the content's key wrapped with it (RFC 7518 section 4.6).
 */
#include "sap/jwe_internal.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

enum { INFO_MAX = 2 * SAM_JWE_PARTY_MAX + 64 };

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

enum sam_reason sam_jwe_agreed(const uint8_t z[SAM_JWE_Z], bool direct, const struct sam_jwe_party *u,
			       const struct sam_jwe_party *v, uint8_t out[SAM_JWE_CONTENT_KEY])
{
	return sam_jwe_derive(z, direct ? SAM_JWE_ENC : SAM_JWE_WRAPPED, u, v, out, SAM_JWE_CONTENT_KEY);
}

bool sam_jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[SAM_JWE_Z])
{
	size_t len = SAM_JWE_Z;
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), own, NULL);
	return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	       EVP_PKEY_derive(ctx, z, &len) == 1 && len == SAM_JWE_Z;
}

bool sam_jwe_key_wrap(const uint8_t kek[SAM_JWE_CONTENT_KEY], const uint8_t *in, size_t in_len, uint8_t *out,
		      size_t out_len, bool wrap)
{
	int n = 0, m = 0;
	uint8_t buffer[SAM_JWE_WRAPPED_KEY + 8]; /* unwrapping, OpenSSL writes one block more than comes out */
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
