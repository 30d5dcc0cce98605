/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the SAP keys do in the CM: agree on a secret with a point that was found on the curve before, or decrypt 32
 * bytes. What comes out goes to who opens a JWE (sap/encrypted.c), and is neither logged nor kept; nothing is signed,
 * so an application's bytes that come here get nowhere (invariant 1).
 */
#include "cm/internal.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include "base/log.h"
#include "base/ossl.h"

enum { POINT = 65, DER_POINT = POINT + 2, RSA_BYTES = 384 };

/* ---- ECDH ---- */

static CK_RV derive(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, const uint8_t *point, size_t len,
		    CK_OBJECT_HANDLE *made)
{
	CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, len, (CK_BYTE_PTR)(uintptr_t)point};
	CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof params};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG bytes = SAM_CM_SECRET;
	struct sam_cm_template t = {.count = 0};
	sam_cm_template_add(&t, CKA_CLASS, &class, sizeof class);
	sam_cm_template_add(&t, CKA_KEY_TYPE, &type, sizeof type);
	sam_cm_template_add(&t, CKA_VALUE_LEN, &bytes, sizeof bytes);
	sam_cm_template_bool(&t, CKA_TOKEN, false);
	sam_cm_template_bool(&t, CKA_PRIVATE, true);
	sam_cm_template_bool(&t, CKA_SENSITIVE, false); /* it is read, used once, and gone */
	sam_cm_template_bool(&t, CKA_EXTRACTABLE, true);
	sam_cm_template_end(&t);
	sam_cm_template_bool(&t, CKA_DERIVE, false);
	sam_cm_template_bool(&t, CKA_SIGN, false);
	sam_cm_template_bool(&t, CKA_ENCRYPT, false);
	sam_cm_template_bool(&t, CKA_DECRYPT, false);
	sam_cm_template_bool(&t, CKA_WRAP, false);
	sam_cm_template_bool(&t, CKA_UNWRAP, false);
	CK_RV rv;
	do
		rv = cm->vendor->f->C_DeriveKey(s->handle, &mechanism, key, t.attrs, t.count, made);
	while (sam_cm_template_refused(rv) && sam_cm_template_shorten(&t));
	return rv;
}

/* PKCS#11 2.40 lets a CM take the point bare or as a DER OCTET STRING, and not all take both. */
static CK_RV derive_either(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
			   const uint8_t point[POINT], CK_OBJECT_HANDLE *made)
{
	uint8_t der[DER_POINT] = {0x04, POINT};
	CK_RV rv = derive(cm, s, key, point, POINT, made);
	if (rv != CKR_MECHANISM_PARAM_INVALID && rv != CKR_ARGUMENTS_BAD)
		return rv;
	memcpy(der + 2, point, POINT);
	return derive(cm, s, key, der, sizeof der, made);
}

static enum sam_reason agree(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
			     const uint8_t point[POINT], uint8_t z[SAM_CM_SECRET])
{
	CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
	size_t len = 0;
	CK_RV rv = derive_either(cm, s, key, point, &made);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_DeriveKey", rv);
	enum sam_reason reason = sam_cm_attr_get(cm, s, made, CKA_VALUE, z, SAM_CM_SECRET, &len);
	rv = cm->vendor->f->C_DestroyObject(s->handle, made);
	if (reason == SAM_OK && rv != CKR_OK) /* it goes with its session, which is closed then */
		reason = sam_cm_fail(s, "C_DestroyObject", rv);
	if (reason == SAM_OK && len != SAM_CM_SECRET)
		reason = sam_log_reason(SAM_CM_FAILED, "C_DeriveKey gave a secret of %zu bytes", len);
	return reason;
}

/* ---- RSA-OAEP ---- */

static enum sam_reason decrypt(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, const uint8_t *data,
			       size_t len, uint8_t out[SAM_CM_SECRET])
{
	CK_RSA_PKCS_OAEP_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
	uint8_t text[RSA_BYTES];
	CK_ULONG n = sizeof text;
	CK_RV rv = cm->vendor->f->C_DecryptInit(s->handle, &mechanism, key);
	if (rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD) {
		s->rv = rv; /* whatever it left is closed with the session */
		return SAM_CM_MECHANISM;
	}
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_DecryptInit", rv);
	rv = cm->vendor->f->C_Decrypt(s->handle, (CK_BYTE_PTR)(uintptr_t)data, len, text, &n);
	if (rv == CKR_OK && n == SAM_CM_SECRET)
		memcpy(out, text, SAM_CM_SECRET);
	sam_mem_wipe(text, sizeof text);
	if (rv == CKR_OK)
		return n == SAM_CM_SECRET ? SAM_OK : SAM_JWE_KEY;
	if (!sam_cm_import_refused(rv))
		return sam_cm_fail(s, "C_Decrypt", rv);
	s->rv = rv; /* some CMs leave the operation active: it is closed with the session */
	return SAM_JWE_KEY;
}

/* ---- a try, when one is made ---- */

static enum sam_reason try_agree(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, EVP_PKEY *pkey)
{
	uint8_t point[POINT], ours[SAM_CM_SECRET], theirs[SAM_CM_SECRET];
	size_t len = sizeof ours, point_len;
	sam_auto(EVP_PKEY_free) EVP_PKEY *other = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx =
		other ? EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), other, NULL) : NULL;
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, pkey) != 1 ||
	    EVP_PKEY_derive(ctx, ours, &len) != 1 || len != sizeof ours ||
	    EVP_PKEY_get_octet_string_param(other, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &point_len) != 1 ||
	    point_len != sizeof point)
		return SAM_MEMORY;
	enum sam_reason reason = agree(cm, s, key, point, theirs);
	if (reason == SAM_OK && !sam_mem_equal(ours, theirs, sizeof ours))
		reason = sam_log_reason(SAM_CM_FAILED, "C_DeriveKey does not give the secret that OpenSSL finds");
	sam_mem_wipe(ours, sizeof ours);
	sam_mem_wipe(theirs, sizeof theirs);
	return reason;
}

static enum sam_reason try_decrypt(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, EVP_PKEY *pkey)
{
	uint8_t value[SAM_CM_SECRET], out[SAM_CM_SECRET], sealed[RSA_BYTES];
	size_t len = sizeof sealed;
	enum sam_reason reason = sam_ossl_random(value, sizeof value);
	if (reason != SAM_OK)
		return reason;
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) != 1 ||
	    EVP_PKEY_encrypt(ctx, sealed, &len, value, sizeof value) != 1)
		return SAM_MEMORY;
	reason = decrypt(cm, s, key, sealed, len, out);
	if (reason == SAM_JWE_KEY || (reason == SAM_OK && !sam_mem_equal(value, out, sizeof value)))
		reason = SAM_CM_MECHANISM;
	if (reason == SAM_CM_MECHANISM)
		sam_log(SAM_LOG_WARNING, "the CM does not decrypt RSA-OAEP with SHA-256");
	return reason;
}

enum sam_reason sam_cm_sap_try(struct sam_cm *cm, struct sam_cm_session *s, enum sam_cm_sap_type type,
			       CK_OBJECT_HANDLE key, const uint8_t *spki, size_t len)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(spki, len);
	if (!pkey)
		return SAM_MEMORY;
	return type == SAM_CM_SAP_EC ? try_agree(cm, s, key, pkey) : try_decrypt(cm, s, key, pkey);
}

/* ---- what is asked for ---- */

struct use {
	enum sam_cm_sap_type type;
	const char *name;
	const uint8_t *data;
	size_t len;
	uint8_t *out;
};

static enum sam_reason use_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	const struct use *u = arg;
	CK_OBJECT_HANDLE key;
	enum sam_reason reason = sam_cm_sap_find(cm, s, u->type, u->name, &key);
	if (reason != SAM_OK)
		return reason;
	return u->type == SAM_CM_SAP_EC ? agree(cm, s, key, u->data, u->out)
					: decrypt(cm, s, key, u->data, u->len, u->out);
}

static enum sam_reason use(struct sam_cm *cm, struct use *u)
{
	/* a secret object is made and destroyed */
	enum sam_reason reason =
		u->type == SAM_CM_SAP_EC ? sam_cm_run_alone(cm, use_step, u) : sam_cm_run(cm, use_step, u);
	if (reason != SAM_OK)
		sam_mem_wipe(u->out, SAM_CM_SECRET);
	return reason;
}

enum sam_reason sam_cm_sap_agree(struct sam_cm *cm, const char *name, const uint8_t point[65],
				 uint8_t z[SAM_CM_SECRET])
{
	struct use u = {.type = SAM_CM_SAP_EC, .name = name, .data = point, .len = POINT, .out = z};
	return use(cm, &u);
}

enum sam_reason sam_cm_sap_decrypt(struct sam_cm *cm, const char *name, const uint8_t *data, size_t len,
				   uint8_t out[SAM_CM_SECRET])
{
	struct use u = {.type = SAM_CM_SAP_RSA, .name = name, .data = data, .len = len, .out = out};
	if (len != RSA_BYTES)
		return SAM_JWE_KEY;
	return use(cm, &u);
}

static enum sam_reason present_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	const struct use *u = arg;
	CK_OBJECT_HANDLE key;
	return sam_cm_sap_find(cm, s, u->type, u->name, &key);
}

enum sam_reason sam_cm_sap_present(struct sam_cm *cm, enum sam_cm_sap_type type, const char *name)
{
	struct use u = {.type = type, .name = name};
	return sam_cm_run(cm, present_step, &u);
}
