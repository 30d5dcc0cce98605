/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's import key: an RSA pair whose private half can only unwrap, for key-encryption keys that come with
 * packages (P1-6.2.4). Nothing ever leaves the CM in clear.
 */
#include "cm/internal.h"

#include <string.h>
#include <openssl/rsa.h>
#include "base/log.h"
#include "base/ossl.h"

enum { BITS = 3072, KEK = 32 };

static const char label[] = SAM_CM_OWN_LABEL "import";
static const struct sam_cm_new_key what = {.type = SAM_KEY_RSA, .bits = BITS, .label = label};

static const struct sam_cm_bool_rule rules[] = {
	{CKA_TOKEN, true, false, "CKA_TOKEN"},
	{CKA_PRIVATE, true, false, "CKA_PRIVATE"},
	{CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
	{CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
	{CKA_UNWRAP, true, false, "CKA_UNWRAP"},
	{CKA_SIGN, false, false, "CKA_SIGN"},
	{CKA_DECRYPT, false, false, "CKA_DECRYPT"},
	{CKA_SIGN_RECOVER, false, true, "CKA_SIGN_RECOVER"},
	{CKA_DERIVE, false, true, "CKA_DERIVE"},
	{CKA_LOCAL, true, false, "CKA_LOCAL"},
	{CKA_ALWAYS_SENSITIVE, true, true, "CKA_ALWAYS_SENSITIVE"},
	{CKA_NEVER_EXTRACTABLE, true, true, "CKA_NEVER_EXTRACTABLE"},
};

enum { RULES = sizeof rules / sizeof rules[0] };

static const struct {
	const char *name;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} oaep[] = {
	[SAM_CM_OAEP_SHA1] = {"SHA1", CKM_SHA_1, CKG_MGF1_SHA1},
	[SAM_CM_OAEP_SHA256] = {"SHA256", CKM_SHA256, CKG_MGF1_SHA256},
};

const char *sam_cm_oaep_name(enum sam_cm_oaep hash)
{
	return hash == SAM_CM_OAEP_SHA256 ? "RSA-OAEP-256" : "RSA-OAEP";
}

bool sam_cm_import_refused(CK_RV rv)
{
	switch (rv) {
	case CKR_ARGUMENTS_BAD:
	case CKR_MECHANISM_INVALID:
	case CKR_MECHANISM_PARAM_INVALID:
	case CKR_ENCRYPTED_DATA_INVALID:
	case CKR_ENCRYPTED_DATA_LEN_RANGE:
	case CKR_WRAPPED_KEY_INVALID:
	case CKR_WRAPPED_KEY_LEN_RANGE:
	case CKR_UNWRAPPING_KEY_SIZE_RANGE:
	case CKR_DATA_INVALID:
	case CKR_DATA_LEN_RANGE:
	case CKR_KEY_SIZE_RANGE:
	case CKR_CURVE_NOT_SUPPORTED:
	case CKR_DOMAIN_PARAMS_INVALID:
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_VALUE_INVALID:
	case CKR_TEMPLATE_INCONSISTENT:
	case CKR_TEMPLATE_INCOMPLETE:
	case CKR_FUNCTION_FAILED:
	case CKR_GENERAL_ERROR: return true; /* SoftHSM's answer to bad padding */
	default: return false;
	}
}

CK_RV sam_cm_import_kek(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, enum sam_cm_oaep hash,
			const uint8_t *data, size_t len, CK_OBJECT_HANDLE *kek)
{
	static CK_MECHANISM_TYPE allowed[] = {CKM_AES_KEY_WRAP_PAD};
	CK_RSA_PKCS_OAEP_PARAMS params = {oaep[hash].hash, oaep[hash].mgf, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	struct sam_cm_template t = {.count = 0};
	sam_cm_template_add(&t, CKA_CLASS, &class, sizeof class);
	sam_cm_template_add(&t, CKA_KEY_TYPE, &type, sizeof type);
	sam_cm_template_bool(&t, CKA_TOKEN, false);
	sam_cm_template_bool(&t, CKA_PRIVATE, true);
	sam_cm_template_bool(&t, CKA_SENSITIVE, true);
	sam_cm_template_bool(&t, CKA_EXTRACTABLE, false);
	sam_cm_template_bool(&t, CKA_UNWRAP, true);
	sam_cm_template_bool(&t, CKA_WRAP, false);
	sam_cm_template_bool(&t, CKA_ENCRYPT, false);
	sam_cm_template_bool(&t, CKA_DECRYPT, false);
	sam_cm_template_bool(&t, CKA_SIGN, false);
	sam_cm_template_bool(&t, CKA_VERIFY, false);
	sam_cm_template_bool(&t, CKA_DERIVE, false);
	sam_cm_template_end(&t);
	sam_cm_template_add(&t, CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed);
	sam_cm_template_end(&t);
	sam_cm_template_bool(&t, CKA_COPYABLE, false);
	CK_RV rv;
	do
		rv = cm->vendor->f->C_UnwrapKey(s->handle, &mechanism, key, (CK_BYTE_PTR)data, len, t.attrs, t.count,
						kek);
	while (sam_cm_template_refused(rv) && sam_cm_template_shorten(&t));
	return rv;
}

enum sam_reason sam_cm_import_drop(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE kek)
{
	CK_RV rv = cm->vendor->f->C_DestroyObject(s->handle, kek);
	return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_DestroyObject", rv);
}

static enum sam_reason encrypt(EVP_PKEY *pkey, enum sam_cm_oaep hash, uint8_t out[BITS / 8], size_t *len)
{
	uint8_t value[KEK];
	enum sam_reason reason = sam_ossl_random(value, sizeof value);
	if (reason != SAM_OK)
		return reason;
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	*len = BITS / 8;
	bool done = ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, oaep[hash].name, NULL) == 1 &&
		    EVP_PKEY_encrypt(ctx, out, len, value, sizeof value) == 1;
	sam_mem_wipe(value, sizeof value);
	return done ? SAM_OK : SAM_MEMORY;
}

/* Which hash the CM can do shows when it unwraps something; and so does that the two halves belong together. */
static enum sam_reason probe(struct sam_cm *cm, struct sam_cm_session *s, struct sam_cm_import *k)
{
	static const enum sam_cm_oaep order[] = {SAM_CM_OAEP_SHA256, SAM_CM_OAEP_SHA1};
	uint8_t wrapped[BITS / 8];
	CK_OBJECT_HANDLE kek;
	CK_RV rv = CKR_OK;
	size_t len;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(k->spki, k->spki_len);
	if (!pkey)
		return SAM_MEMORY;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		enum sam_reason reason = encrypt(pkey, order[i], wrapped, &len);
		if (reason != SAM_OK)
			return reason;
		rv = sam_cm_import_kek(cm, s, k->key, order[i], wrapped, len, &kek);
		if (rv == CKR_OK) {
			k->hash = order[i];
			return sam_cm_import_drop(cm, s, kek);
		}
		if (!sam_cm_import_refused(rv))
			break;
	}
	return sam_cm_fail(s, "C_UnwrapKey (of a key made for a try)", rv);
}

static enum sam_reason find(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class,
			    CK_OBJECT_HANDLE found[2], size_t *n)
{
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_LABEL, (void *)label, sizeof label - 1},
	};
	return sam_cm_attr_find(cm, s, match, 2, found, 2, n);
}

static enum sam_reason find_both(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE found[2][2],
				 size_t n[2])
{
	enum sam_reason reason = find(cm, s, CKO_PRIVATE_KEY, found[0], &n[0]);
	return reason == SAM_OK ? find(cm, s, CKO_PUBLIC_KEY, found[1], &n[1]) : reason;
}

enum sam_reason sam_cm_import_find(struct sam_cm *cm, struct sam_cm_session *s, struct sam_cm_import *out)
{
	CK_OBJECT_HANDLE found[2][2];
	const char *wrong;
	size_t n[2];
	memset(out, 0, sizeof *out);
	enum sam_reason reason = find_both(cm, s, found, n);
	if (reason == SAM_OK && !n[0] && !n[1])
		return SAM_NOT_FOUND;
	if (reason == SAM_OK && (n[0] != 1 || n[1] != 1))
		return sam_log_reason(SAM_CM_KEY_MISSING, "\"%s\": there is not exactly one pair of that label", label);
	if (reason == SAM_OK)
		reason = sam_cm_attr_check(cm, s, found[0][0], rules, RULES, &wrong);
	if (reason != SAM_OK)
		return reason;
	if (wrong)
		return sam_log_reason(SAM_CM_FAILED, "%s of \"%s\" is not as the SAM made it", wrong, label);
	out->key = found[0][0];
	reason = sam_cm_spki(cm, s, &what, found[1][0], &out->spki, &out->spki_len);
	if (reason == SAM_OK)
		reason = probe(cm, s, out);
	if (reason != SAM_OK) {
		free(out->spki);
		out->spki = NULL;
	}
	return reason;
}

static CK_RV make_pair(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE pair[2])
{
	static CK_MECHANISM_TYPE allowed[] = {CKM_RSA_PKCS_OAEP};
	static CK_BYTE exponent[] = {0x01, 0x00, 0x01};
	CK_ULONG bits = BITS;
	struct sam_cm_template pub = {.count = 0}, priv = {.count = 0};
	sam_cm_template_add(&pub, CKA_LABEL, label, sizeof label - 1);
	sam_cm_template_bool(&pub, CKA_TOKEN, true);
	sam_cm_template_bool(&pub, CKA_WRAP, true);
	sam_cm_template_bool(&pub, CKA_ENCRYPT, false);
	sam_cm_template_bool(&pub, CKA_VERIFY, false);
	sam_cm_template_add(&pub, CKA_MODULUS_BITS, &bits, sizeof bits);
	sam_cm_template_add(&pub, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
	sam_cm_template_add(&priv, CKA_LABEL, label, sizeof label - 1);
	sam_cm_template_bool(&priv, CKA_TOKEN, true);
	sam_cm_template_bool(&priv, CKA_PRIVATE, true);
	sam_cm_template_bool(&priv, CKA_SENSITIVE, true);
	sam_cm_template_bool(&priv, CKA_EXTRACTABLE, false);
	sam_cm_template_bool(&priv, CKA_UNWRAP, true);
	sam_cm_template_bool(&priv, CKA_SIGN, false);
	sam_cm_template_bool(&priv, CKA_SIGN_RECOVER, false);
	sam_cm_template_bool(&priv, CKA_DECRYPT, false);
	sam_cm_template_bool(&priv, CKA_DERIVE, false);
	sam_cm_template_end(&priv);
	sam_cm_template_add(&priv, CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed);
	sam_cm_template_end(&priv);
	sam_cm_template_bool(&priv, CKA_MODIFIABLE, false);
	sam_cm_template_end(&priv);
	sam_cm_template_bool(&priv, CKA_COPYABLE, false);
	CK_RV rv = sam_cm_key_pair(cm, s, CKM_RSA_PKCS_KEY_PAIR_GEN, &pub, &priv, &pair[1], &pair[0]);
	if (rv == CKR_OK)
		sam_cm_template_tell(&priv, label);
	return rv;
}

struct answer {
	bool create;
	struct sam_cm_import key;
};

static enum sam_reason key_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct answer *a = arg;
	CK_OBJECT_HANDLE pair[2];
	enum sam_reason reason = sam_cm_import_find(cm, s, &a->key);
	if (reason != SAM_NOT_FOUND || !a->create)
		return reason;
	CK_RV rv = make_pair(cm, s, pair);
	s->final = !sam_cm_nothing_made(rv);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_GenerateKeyPair", rv);
	reason = sam_cm_import_find(cm, s, &a->key); /* and no other came into being at the same time */
	/* by its handles: another's of that label is not ours to destroy */
	for (unsigned i = 0; i < 2 && reason != SAM_OK; i++)
		if (cm->vendor->f->C_DestroyObject(s->handle, pair[i]) != CKR_OK)
			sam_log(SAM_LOG_ERR, "the half-made \"%s\" could not be destroyed", label);
	return reason;
}

enum sam_reason sam_cm_import_key(struct sam_cm *cm, bool create, uint8_t **spki, size_t *len,
				  enum sam_cm_oaep *hash)
{
	struct answer a = {.create = create};
	*spki = NULL;
	*len = 0;
	enum sam_reason reason = sam_cm_run(cm, key_step, &a);
	if (reason != SAM_OK)
		return reason;
	*spki = a.key.spki;
	*len = a.key.spki_len;
	*hash = a.key.hash;
	return SAM_OK;
}
