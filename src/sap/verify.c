/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verifying: for the one door (the proof that the CM used this key), for SADs and for C_Verify.
 */
#include "sap/verify.h"

#include "base/pkey.h"

/* For DER: SEQUENCE, and two INTEGERs that may each need a leading zero. */
enum { ORDER_MAX = 66, DER_MAX = 3 + 2 * (2 + 1 + ORDER_MAX) };

/* r||s (PKCS#11 v3.0 section 2.3.1, RFC 7518 section 3.4) to OpenSSL's DER; 0: no memory. */
static size_t ecdsa_der(const uint8_t *raw, size_t order, uint8_t der[DER_MAX])
{
	sam_auto(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)order, NULL), *s = BN_bin2bn(raw + order, (int)order, NULL);
	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return 0;
	}
	int len = i2d_ECDSA_SIG(sig, &der);
	return len > 0 ? (size_t)len : 0;
}

enum sam_reason sam_verify_digest(EVP_PKEY *pkey, enum sam_padding padding, enum sam_hash hash,
				  const uint8_t *digest, size_t len, const uint8_t *signature,
				  size_t signature_len)
{
	uint8_t der[DER_MAX];
	if (padding == SAM_PAD_ECDSA) {
		size_t order = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
		if (order > ORDER_MAX || signature_len != 2 * order)
			return SAM_SIGNATURE_MISMATCH;
		signature_len = ecdsa_der(signature, order, der);
		signature = der;
		if (signature_len == 0)
			return SAM_MEMORY;
	}
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = sam_pkey_context(pkey, EVP_PKEY_verify_init, padding, hash);
	if (!ctx)
		return SAM_MEMORY;
	int rc = EVP_PKEY_verify(ctx, signature, signature_len, digest, len);
	return rc == 1 ? SAM_OK : SAM_SIGNATURE_MISMATCH;
}

enum sam_reason sam_verify_message(EVP_PKEY *pkey, const uint8_t *message, size_t len,
				   const uint8_t *signature, size_t signature_len)
{
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, sam_ossl_ctx(), NULL, pkey, NULL) != 1)
		return SAM_MEMORY;
	int rc = EVP_DigestVerify(ctx, signature, signature_len, message, len);
	return rc == 1 ? SAM_OK : SAM_SIGNATURE_MISMATCH;
}
