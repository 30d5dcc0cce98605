/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The proof that a private key that was brought in belongs to the public key that its package names. It signs
 * once, before it is in any registry, a value that is made here: no caller's bytes reach it (invariant 1).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/ossl.h"

enum { HASH = 32, RANDOM = 32 };

static const char purpose[] = "p11-sam pairwise test v1";

static enum sam_reason fresh_value(uint8_t hash[HASH])
{
	uint8_t text[sizeof purpose + RANDOM];
	memcpy(text, purpose, sizeof purpose);
	enum sam_reason reason = sam_ossl_random(text + sizeof purpose, RANDOM);
	return reason == SAM_OK ? sam_ossl_digest(SAM_HASH_SHA256, text, sizeof text, hash) : reason;
}

static enum sam_reason let_sign(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				enum sam_key_type type, const uint8_t hash[HASH], uint8_t *signature, size_t *len)
{
	static const CK_MECHANISM_TYPE with[] = {
		[SAM_KEY_RSA] = CKM_RSA_PKCS, [SAM_KEY_EC] = CKM_ECDSA, [SAM_KEY_ED25519] = CKM_EDDSA};
	CK_MECHANISM mechanism = {with[type], NULL, 0};
	uint8_t data[SAM_HASH_DIGESTINFO_MAX];
	size_t data_len = HASH;
	CK_ULONG got = SAM_CM_SIGNATURE_MAX;
	if (type == SAM_KEY_RSA)
		data_len = sam_hash_digestinfo(SAM_HASH_SHA256, hash, data);
	else
		memcpy(data, hash, HASH);
	CK_RV rv = cm->vendor->f->C_SignInit(s->handle, &mechanism, key);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_SignInit", rv);
	rv = cm->vendor->f->C_Sign(s->handle, data, data_len, signature, &got);
	if (rv != CKR_OK || !got || got > SAM_CM_SIGNATURE_MAX)
		return sam_cm_fail(s, "C_Sign", rv);
	*len = got;
	return SAM_OK;
}

static bool verify_rsa(EVP_PKEY *pkey, const uint8_t *hash, const uint8_t *signature, size_t len)
{
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx =
		sam_pkey_context(pkey, EVP_PKEY_verify_init, SAM_PAD_PKCS1, SAM_HASH_SHA256);
	return ctx && EVP_PKEY_verify(ctx, signature, len, hash, HASH) == 1;
}

static bool verify_ec(EVP_PKEY *pkey, const uint8_t *hash, const uint8_t *signature, size_t len)
{
	uint8_t der[2 * SAM_CM_SIGNATURE_MAX], *p = der;
	sam_auto(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, (int)(len / 2), NULL);
	BIGNUM *t = BN_bin2bn(signature + len / 2, (int)(len / 2), NULL);
	if (len % 2 || !sig || !r || !t || ECDSA_SIG_set0(sig, r, t) != 1) {
		BN_free(r);
		BN_free(t);
		return false;
	}
	int der_len = i2d_ECDSA_SIG(sig, &p);
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx =
		sam_pkey_context(pkey, EVP_PKEY_verify_init, SAM_PAD_ECDSA, SAM_HASH_SHA256);
	return der_len > 0 && ctx && EVP_PKEY_verify(ctx, der, (size_t)der_len, hash, HASH) == 1;
}

static bool verify_ed25519(EVP_PKEY *pkey, const uint8_t *message, const uint8_t *signature, size_t len)
{
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	return ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, sam_ossl_ctx(), NULL, pkey, NULL) == 1 &&
	       EVP_DigestVerify(ctx, signature, len, message, HASH) == 1;
}

enum sam_reason sam_cm_pairwise(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				const struct sam_cm_new_key *what, EVP_PKEY *pkey)
{
	uint8_t hash[HASH], signature[SAM_CM_SIGNATURE_MAX];
	size_t len = 0;
	enum sam_reason reason = fresh_value(hash);
	if (reason == SAM_OK)
		reason = let_sign(cm, s, key, what->type, hash, signature, &len);
	if (reason != SAM_OK)
		return reason;
	bool verifies = what->type == SAM_KEY_RSA  ? verify_rsa(pkey, hash, signature, len)
			: what->type == SAM_KEY_EC ? verify_ec(pkey, hash, signature, len)
						   : verify_ed25519(pkey, hash, signature, len);
	sam_mem_wipe(signature, sizeof signature);
	return verifies ? SAM_OK
			: sam_log_reason(SAM_IMPORT_MISMATCH, "the key brought in does not sign for its public key");
}
