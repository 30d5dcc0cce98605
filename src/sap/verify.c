/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verifying: for the one door (the proof that the CM used this key) and for C_Verify.
 */
#include "sap/verify.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include "sap/sam.h"

enum { ORDER_MAX = 66 };

size_t sam_signature_size(enum sam_key_type type, unsigned bits)
{
	switch (type) {
	case SAM_KEY_RSA:
		return (bits + 7) / 8;
	case SAM_KEY_EC:
		return 2 * ((bits + 7) / 8);
	case SAM_KEY_ED25519:
		return 64;
	}
	return 0;
}

/* r||s as PKCS#11 has it -> DER as OpenSSL wants it; 0: not possible. */
static size_t ecdsa_der(const uint8_t *raw, size_t len, uint8_t *der, size_t size)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL), *s = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
	int n = 0;
	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		n = i2d_ECDSA_SIG(sig, NULL);
		if (n > 0 && (size_t)n <= size)
			n = i2d_ECDSA_SIG(sig, &der);
		else
			n = 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static bool set_padding(EVP_PKEY_CTX *ctx, enum sam_padding padding, enum sam_hash hash)
{
	const EVP_MD *md = sam_ossl_md(hash);
	if (padding == SAM_PAD_ECDSA)
		return true;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding == SAM_PAD_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return false;
	return padding != SAM_PAD_PSS || (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
					  EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

enum sam_reason sam_verify_digest(EVP_PKEY *pkey, enum sam_padding padding, enum sam_hash hash, const uint8_t *digest,
				  size_t len, const uint8_t *signature, size_t signature_len)
{
	uint8_t der[2 * ORDER_MAX + 16];
	if (padding == SAM_PAD_ECDSA) {
		size_t order = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
		if (order > ORDER_MAX || signature_len != 2 * order)
			return SAM_SIGNATURE_MISMATCH;
		signature_len = ecdsa_der(signature, signature_len, der, sizeof der);
		signature = der;
		if (signature_len == 0)
			return SAM_SIGNATURE_MISMATCH;
	}
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || !set_padding(ctx, padding, hash))
		return SAM_SIGNATURE_MISMATCH;
	return EVP_PKEY_verify(ctx, signature, signature_len, digest, len) == 1 ? SAM_OK : SAM_SIGNATURE_MISMATCH;
}

enum sam_reason sam_verify_message(EVP_PKEY *pkey, const uint8_t *message, size_t len, const uint8_t *signature,
				   size_t signature_len)
{
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, sam_ossl_ctx(), NULL, pkey, NULL) != 1)
		return SAM_SIGNATURE_MISMATCH;
	return EVP_DigestVerify(ctx, signature, signature_len, message, len) == 1 ? SAM_OK : SAM_SIGNATURE_MISMATCH;
}
