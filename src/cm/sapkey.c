/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's SAP keys: pairs whose private half never leaves the CM and opens what is encrypted to the SAM. EC P-256 can
 * only agree on a secret (ECDH), RSA-3072 can only decrypt; neither signs. How they are made, found, destroyed is here;
 * what they do, in sapuse.c.
 */
#include "cm/internal.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/ossl.h"

enum { RSA_BITS = 3072 };

static const struct sam_cm_bool_rule rules[][14] = {
	[SAM_CM_SAP_EC] = {
		{CKA_TOKEN, true, false, "CKA_TOKEN"},
		{CKA_PRIVATE, true, false, "CKA_PRIVATE"},
		{CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
		{CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
		{CKA_DERIVE, true, false, "CKA_DERIVE"},
		{CKA_SIGN, false, false, "CKA_SIGN"},
		{CKA_DECRYPT, false, true, "CKA_DECRYPT"},
		{CKA_UNWRAP, false, true, "CKA_UNWRAP"},
		{CKA_SIGN_RECOVER, false, true, "CKA_SIGN_RECOVER"},
		{CKA_LOCAL, true, false, "CKA_LOCAL"},
		{CKA_ALWAYS_SENSITIVE, true, true, "CKA_ALWAYS_SENSITIVE"},
		{CKA_NEVER_EXTRACTABLE, true, true, "CKA_NEVER_EXTRACTABLE"},
	},
	[SAM_CM_SAP_RSA] = {
		{CKA_TOKEN, true, false, "CKA_TOKEN"},
		{CKA_PRIVATE, true, false, "CKA_PRIVATE"},
		{CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
		{CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
		{CKA_DECRYPT, true, false, "CKA_DECRYPT"},
		{CKA_SIGN, false, false, "CKA_SIGN"},
		{CKA_UNWRAP, false, false, "CKA_UNWRAP"},
		{CKA_DERIVE, false, true, "CKA_DERIVE"},
		{CKA_SIGN_RECOVER, false, true, "CKA_SIGN_RECOVER"},
		{CKA_LOCAL, true, false, "CKA_LOCAL"},
		{CKA_ALWAYS_SENSITIVE, true, true, "CKA_ALWAYS_SENSITIVE"},
		{CKA_NEVER_EXTRACTABLE, true, true, "CKA_NEVER_EXTRACTABLE"},
	},
};

enum { RULES = 12 };

bool sam_cm_sap_name(const char *label, char name[SAM_CM_SAP_NAME])
{
	static const char prefix[] = SAM_CM_SAP_LABEL;
	if (strncmp(label, prefix, sizeof prefix - 1) != 0)
		return false;
	label += sizeof prefix - 1;
	size_t len = strlen(label);
	if (len != SAM_CM_SAP_NAME - 1 || strspn(label, "0123456789abcdef") != len)
		return false;
	memcpy(name, label, SAM_CM_SAP_NAME);
	return true;
}

/* The label that a pair of that name has; false: it is no name. */
static bool label_of(const char *name, char label[SAM_CM_SAP_LABEL_SIZE])
{
	char same[SAM_CM_SAP_NAME];
	int len = snprintf(label, SAM_CM_SAP_LABEL_SIZE, SAM_CM_SAP_LABEL "%s", name);
	return len > 0 && len < SAM_CM_SAP_LABEL_SIZE && sam_cm_sap_name(label, same);
}

static enum sam_reason find(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class, const char *label,
			    CK_OBJECT_HANDLE found[2], size_t *n)
{
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
	};
	return sam_cm_attr_find(cm, s, match, 2, found, 2, n);
}

static enum sam_reason check(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
			     enum sam_cm_sap_type type, const char *label)
{
	const char *wrong;
	enum sam_reason reason = sam_cm_attr_check(cm, s, key, rules[type], RULES, &wrong);
	if (reason == SAM_OK && wrong)
		return sam_log_reason(SAM_CM_FAILED, "%s of \"%s\" is not as the SAM made it", wrong, label);
	return reason;
}

enum sam_reason sam_cm_sap_find(struct sam_cm *cm, struct sam_cm_session *s, enum sam_cm_sap_type type,
				const char *name, CK_OBJECT_HANDLE *key)
{
	char label[SAM_CM_SAP_LABEL_SIZE];
	CK_OBJECT_HANDLE found[2];
	size_t n;
	if (!label_of(name, label))
		return SAM_ARGUMENTS;
	enum sam_reason reason = find(cm, s, CKO_PRIVATE_KEY, label, found, &n);
	if (reason == SAM_OK && n != 1)
		return sam_log_reason(SAM_CM_KEY_MISSING, "%s \"%s\" in the CM", n ? "more than one" : "no", label);
	if (reason == SAM_OK)
		reason = check(cm, s, found[0], type, label);
	*key = reason == SAM_OK ? found[0] : CK_INVALID_HANDLE;
	return reason;
}

/* ---- making ---- */

struct creation {
	enum sam_cm_sap_type type;
	char label[SAM_CM_SAP_LABEL_SIZE];
	uint8_t **spki;
	size_t *len;
};

static void public_template(struct sam_cm_template *t, const struct creation *c, const struct sam_curve *curve)
{
	static CK_BYTE exponent[] = {0x01, 0x00, 0x01};
	static CK_ULONG bits = RSA_BITS;
	memset(t, 0, sizeof *t);
	sam_cm_template_add(t, CKA_LABEL, c->label, strlen(c->label));
	sam_cm_template_bool(t, CKA_TOKEN, true);
	sam_cm_template_bool(t, CKA_VERIFY, false);
	sam_cm_template_bool(t, CKA_WRAP, false);
	sam_cm_template_bool(t, CKA_ENCRYPT, c->type == SAM_CM_SAP_RSA);
	if (c->type == SAM_CM_SAP_RSA) {
		sam_cm_template_add(t, CKA_MODULUS_BITS, &bits, sizeof bits);
		sam_cm_template_add(t, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
	} else {
		sam_cm_template_add(t, CKA_EC_PARAMS, curve->params, curve->params_len);
	}
}

static void private_template(struct sam_cm_template *t, const struct creation *c)
{
	static CK_MECHANISM_TYPE derive[] = {CKM_ECDH1_DERIVE}, decrypt[] = {CKM_RSA_PKCS_OAEP};
	const bool ec = c->type == SAM_CM_SAP_EC;
	memset(t, 0, sizeof *t);
	sam_cm_template_add(t, CKA_LABEL, c->label, strlen(c->label));
	sam_cm_template_bool(t, CKA_TOKEN, true);
	sam_cm_template_bool(t, CKA_PRIVATE, true);
	sam_cm_template_bool(t, CKA_SENSITIVE, true);
	sam_cm_template_bool(t, CKA_EXTRACTABLE, false);
	sam_cm_template_bool(t, CKA_DERIVE, ec);
	sam_cm_template_bool(t, CKA_DECRYPT, !ec);
	sam_cm_template_bool(t, CKA_UNWRAP, false);
	sam_cm_template_bool(t, CKA_SIGN, false);
	sam_cm_template_bool(t, CKA_SIGN_RECOVER, false);
	sam_cm_template_end(t);
	sam_cm_template_add(t, CKA_ALLOWED_MECHANISMS, ec ? derive : decrypt, sizeof derive);
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_MODIFIABLE, false);
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_COPYABLE, false);
}

/* ${pair}: the private key, the public one. A curve has several names. */
static CK_RV make_pair(struct sam_cm *cm, struct sam_cm_session *s, const struct creation *c, CK_OBJECT_HANDLE pair[2])
{
	const bool ec = c->type == SAM_CM_SAP_EC;
	const struct sam_curve *curve = ec ? sam_curve_at(SAM_KEY_EC, 256, 0) : NULL;
	struct sam_cm_template pub, priv;
	CK_RV rv = CKR_GENERAL_ERROR;
	for (size_t i = 1; curve || !ec; curve = sam_curve_at(SAM_KEY_EC, 256, i++)) {
		public_template(&pub, c, curve);
		private_template(&priv, c);
		rv = sam_cm_key_pair(cm, s, sam_cm_generator(ec ? SAM_KEY_EC : SAM_KEY_RSA), &pub, &priv, &pair[1],
				     &pair[0]);
		if (!ec || (rv != CKR_CURVE_NOT_SUPPORTED && rv != CKR_DOMAIN_PARAMS_INVALID &&
			    !sam_cm_template_refused(rv)))
			break;
	}
	if (rv == CKR_OK)
		sam_cm_template_tell(&priv, c->label);
	return rv;
}

static enum sam_reason read_back(struct sam_cm *cm, struct sam_cm_session *s, const struct creation *c,
				 const CK_OBJECT_HANDLE pair[2])
{
	const bool ec = c->type == SAM_CM_SAP_EC;
	const struct sam_cm_new_key what = {.type = ec ? SAM_KEY_EC : SAM_KEY_RSA, .bits = ec ? 256 : RSA_BITS,
					    .label = c->label};
	CK_OBJECT_HANDLE found[2];
	size_t n;
	enum sam_reason reason = check(cm, s, pair[0], c->type, c->label);
	if (reason == SAM_OK)
		reason = find(cm, s, CKO_PRIVATE_KEY, c->label, found, &n);
	if (reason == SAM_OK && n != 1)
		reason = sam_log_reason(SAM_CM_FAILED, "another \"%s\" came into being at the same time", c->label);
	if (reason == SAM_OK)
		reason = sam_cm_spki(cm, s, &what, pair[1], c->spki, c->len);
	/* that it does what it is for, and that the two halves belong together */
	if (reason == SAM_OK)
		reason = sam_cm_sap_try(cm, s, c->type, pair[0], *c->spki, *c->len);
	return reason;
}

static enum sam_reason create_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct creation *c = arg;
	CK_OBJECT_HANDLE pair[2], found[2];
	size_t n;
	enum sam_reason reason = find(cm, s, CKO_PRIVATE_KEY, c->label, found, &n);
	if (reason == SAM_OK && n)
		return sam_log_reason(SAM_EXISTS, "the CM holds a \"%s\" already", c->label);
	if (reason != SAM_OK)
		return reason;
	CK_RV rv = make_pair(cm, s, c, pair);
	s->final = !sam_cm_nothing_made(rv);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_GenerateKeyPair", rv);
	reason = read_back(cm, s, c, pair);
	/* by its handles: another's of that label is not ours to destroy */
	for (unsigned i = 0; i < 2 && reason != SAM_OK; i++)
		if (cm->vendor->f->C_DestroyObject(s->handle, pair[i]) != CKR_OK)
			sam_log(SAM_LOG_ERR, "the half-made \"%s\" could not be destroyed", c->label);
	return reason;
}

enum sam_reason sam_cm_sap_create(struct sam_cm *cm, enum sam_cm_sap_type type, const char *name, uint8_t **spki,
				  size_t *len)
{
	struct creation c = {.type = type, .spki = spki, .len = len};
	*spki = NULL;
	*len = 0;
	if (!label_of(name, c.label))
		return SAM_ARGUMENTS;
	enum sam_reason reason = sam_cm_run_alone(cm, create_step, &c);
	if (reason == SAM_OK)
		return reason;
	free(*spki);
	*spki = NULL;
	return reason;
}

/* ---- ending ---- */

static enum sam_reason destroy_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
	CK_OBJECT_HANDLE found[2];
	size_t n, all = 0;
	for (unsigned c = 0; c < 2; c++) {
		enum sam_reason reason = find(cm, s, classes[c], arg, found, &n);
		for (size_t i = 0; reason == SAM_OK && i < n; i++, all++) {
			CK_RV rv = cm->vendor->f->C_DestroyObject(s->handle, found[i]);
			if (rv != CKR_OK)
				reason = sam_cm_fail(s, "C_DestroyObject", rv);
		}
		/* the CM's word is not enough: look again */
		if (reason == SAM_OK && n)
			reason = find(cm, s, classes[c], arg, found, &n);
		if (reason == SAM_OK && n)
			reason = sam_log_reason(SAM_CM_FAILED, "\"%s\" is there still", (const char *)arg);
		if (reason != SAM_OK)
			return reason;
	}
	return all ? SAM_OK : SAM_NOT_FOUND;
}

enum sam_reason sam_cm_sap_destroy(struct sam_cm *cm, const char *name)
{
	char label[SAM_CM_SAP_LABEL_SIZE];
	return label_of(name, label) ? sam_cm_run_alone(cm, destroy_step, label) : SAM_ARGUMENTS;
}
