/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A signer's key pair: made by the policy's template, read back, destroyed (P3-3.1, P3-3.3).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/pkey.h"

enum { ATTRS_MAX = 20, OPTIONAL = 3 };

struct attributes {
	CK_ATTRIBUTE attrs[ATTRS_MAX];
	CK_ULONG count;
	CK_ULONG optional; /* the last so many may be left off, from the end */
};

struct generation {
	const struct sam_cm_new_key *what;
	uint8_t **spki;
	size_t *len;
	bool asked; /* no key had that CKA_ID, and the vendor was asked to make one */
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE exponent[] = {0x01, 0x00, 0x01};

/* What the SAM itself sends to a key of that type (sign.c), and nothing else. */
static CK_MECHANISM_TYPE rsa_mechanisms[] = {CKM_RSA_PKCS, CKM_RSA_PKCS_PSS};
static CK_MECHANISM_TYPE ec_mechanisms[] = {CKM_ECDSA};
static CK_MECHANISM_TYPE ed_mechanisms[] = {CKM_EDDSA};

static void add(struct attributes *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	if (t->count < ATTRS_MAX)
		t->attrs[t->count++] = (CK_ATTRIBUTE){type, (void *)value, len};
}

static void add_bool(struct attributes *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	add(t, type, value ? &yes : &no, sizeof yes);
}

static void add_names(struct attributes *t, const struct sam_cm_new_key *what)
{
	if (what->label)
		add(t, CKA_LABEL, what->label, strlen(what->label));
	if (what->id)
		add(t, CKA_ID, what->id, SAM_CM_ID);
	add_bool(t, CKA_TOKEN, true);
}

static void private_template(struct attributes *t, const struct sam_cm_new_key *what)
{
	add_names(t, what);
	add_bool(t, CKA_PRIVATE, true);
	add_bool(t, CKA_SENSITIVE, true);
	add_bool(t, CKA_EXTRACTABLE, false);
	add_bool(t, CKA_SIGN, true);
	add_bool(t, CKA_SIGN_RECOVER, false);
	add_bool(t, CKA_DECRYPT, false);
	add_bool(t, CKA_UNWRAP, false);
	add_bool(t, CKA_DERIVE, false);
	/* the SAD is asked for by the SAM, not by the CM */
	add_bool(t, CKA_ALWAYS_AUTHENTICATE, false);
	if (what->type == SAM_KEY_RSA)
		add(t, CKA_ALLOWED_MECHANISMS, rsa_mechanisms, sizeof rsa_mechanisms);
	else if (what->type == SAM_KEY_EC)
		add(t, CKA_ALLOWED_MECHANISMS, ec_mechanisms, sizeof ec_mechanisms);
	else
		add(t, CKA_ALLOWED_MECHANISMS, ed_mechanisms, sizeof ed_mechanisms);
	add_bool(t, CKA_MODIFIABLE, false);
	add_bool(t, CKA_COPYABLE, false);
	t->optional = OPTIONAL;
}

static void public_template(struct attributes *t, const struct sam_cm_new_key *what, CK_ULONG *bits,
			    const struct sam_curve *curve)
{
	add_names(t, what);
	add_bool(t, CKA_VERIFY, true);
	add_bool(t, CKA_ENCRYPT, false);
	add_bool(t, CKA_WRAP, false);
	if (what->type == SAM_KEY_RSA) {
		*bits = what->bits;
		add(t, CKA_MODULUS_BITS, bits, sizeof *bits);
		add(t, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
	} else {
		add(t, CKA_EC_PARAMS, curve->params, curve->params_len);
	}
	add_bool(t, CKA_MODIFIABLE, false);
	add_bool(t, CKA_COPYABLE, false);
	t->optional = 2;
}

static bool template_refused(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_TEMPLATE_INCONSISTENT;
}

static bool curve_refused(CK_RV rv)
{
	return template_refused(rv) || rv == CKR_CURVE_NOT_SUPPORTED ||
	       rv == CKR_DOMAIN_PARAMS_INVALID;
}

static CK_MECHANISM_TYPE generator(enum sam_key_type type)
{
	if (type == SAM_KEY_RSA)
		return CKM_RSA_PKCS_KEY_PAIR_GEN;
	return type == SAM_KEY_EC ? CKM_EC_KEY_PAIR_GEN : CKM_EC_EDWARDS_KEY_PAIR_GEN;
}

/* With the whole template; then without what a CM may not know, the least needed first. */
static CK_RV generate_pair(struct sam_cm *cm, struct sam_cm_session *s,
			   const struct sam_cm_new_key *what, const struct sam_curve *curve,
			   CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	CK_MECHANISM mechanism = {generator(what->type), NULL, 0};
	struct attributes pub = {.count = 0}, priv = {.count = 0};
	CK_ULONG bits;
	private_template(&priv, what);
	public_template(&pub, what, &bits, curve);
	CK_RV rv = CKR_TEMPLATE_INCONSISTENT;
	for (CK_ULONG off = 0; off <= OPTIONAL && template_refused(rv); off++) {
		CK_ULONG pub_off = off < pub.optional ? off : pub.optional;
		rv = cm->vendor->f->C_GenerateKeyPair(s->handle, &mechanism, pub.attrs,
						      pub.count - pub_off, priv.attrs,
						      priv.count - off, public_key, private_key);
		if (rv == CKR_OK && off)
			sam_log(SAM_LOG_WARNING, "the CM does not take CKA_COPYABLE%s%s for %s",
				off > 1 ? ", CKA_MODIFIABLE" : "",
				off > 2 ? ", CKA_ALLOWED_MECHANISMS" : "",
				what->label ? what->label : "a key");
	}
	return rv;
}

/* With other answers the vendor may have made the pair all the same: not tried again. */
static bool nothing_made(CK_RV rv)
{
	return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED ||
	       rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_CRYPTOKI_NOT_INITIALIZED ||
	       rv == CKR_OPERATION_ACTIVE;
}

enum sam_reason sam_cm_key_make(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	const struct sam_curve *curve = sam_curve_at(what->type, what->bits, 0);
	CK_RV rv = generate_pair(cm, s, what, curve, public_key, private_key);
	for (size_t i = 1; curve && curve_refused(rv); i++) {
		curve = sam_curve_at(what->type, what->bits, i); /* under its next name */
		if (curve)
			rv = generate_pair(cm, s, what, curve, public_key, private_key);
	}
	s->final = !nothing_made(rv);
	return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_GenerateKeyPair", rv);
}

static enum sam_reason read_back(struct sam_cm *cm, struct sam_cm_session *s,
				 const struct generation *g, CK_OBJECT_HANDLE public_key,
				 CK_OBJECT_HANDLE private_key)
{
	const char *wrong;
	CK_OBJECT_HANDLE found[2];
	size_t n;
	enum sam_reason reason = sam_cm_key_check(cm, s, private_key, true, &wrong);
	if (reason == SAM_OK && wrong)
		return sam_log_reason(SAM_CM_FAILED, "the CM made a key against its template: %s",
				      wrong);
	if (reason == SAM_OK)
		reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, g->what->id, found, &n);
	if (reason == SAM_OK && n != 1)
		return sam_log_reason(SAM_CM_FAILED,
				      "the CM made a key against its template: CKA_ID");
	return reason == SAM_OK ? sam_cm_spki(cm, s, g->what, public_key, g->spki, g->len) : reason;
}

static enum sam_reason generate_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct generation *g = arg;
	const struct sam_cm_new_key *what = g->what;
	CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE, private_key = CK_INVALID_HANDLE, found[2];
	size_t n;
	enum sam_reason reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, what->id, found, &n);
	if (reason == SAM_OK && n)
		return sam_log_reason(SAM_EXISTS, "the CM holds a key with that CKA_ID already");
	if (reason != SAM_OK)
		return reason;
	g->asked = true;
	reason = sam_cm_key_make(cm, s, what, &public_key, &private_key);
	return reason == SAM_OK ? read_back(cm, s, g, public_key, private_key) : reason;
}

/* The SAM's own objects are found by their labels: no signer's key is born under one of those. */
static bool label_reserved(const char *label)
{
	return label && strncmp(label, SAM_CM_OWN_LABEL, sizeof SAM_CM_OWN_LABEL - 1) == 0;
}

static bool size_known(const struct sam_cm_new_key *what)
{
	if (what->type == SAM_KEY_RSA)
		return what->bits >= 2048 && what->bits <= 4096 && what->bits % 8 == 0;
	return sam_curve_at(what->type, what->bits, 0) != NULL;
}

static enum sam_reason destroy_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
	CK_OBJECT_HANDLE found[2][2];
	size_t n[2];
	for (unsigned c = 0; c < 2; c++) {
		enum sam_reason reason = sam_cm_key_by_id(cm, s, classes[c], arg, found[c], &n[c]);
		if (reason != SAM_OK)
			return reason;
	}
	if (n[0] > 1 || n[1] > 1)
		return sam_log_reason(SAM_CM_FAILED, "several keys with one CKA_ID; none is destroyed");
	if (!n[0] && !n[1])
		return SAM_CM_KEY_MISSING; /* nothing left to destroy; no failure to log */
	for (unsigned c = 0; c < 2; c++) {
		CK_RV rv = n[c] ? cm->vendor->f->C_DestroyObject(s->handle, found[c][0]) : CKR_OK;
		if (rv != CKR_OK)
			return sam_cm_fail(s, "C_DestroyObject", rv);
	}
	return SAM_OK;
}

enum sam_reason sam_cm_destroy(struct sam_cm *cm, const uint8_t id[SAM_CM_ID])
{
	uint8_t copy[SAM_CM_ID];
	memcpy(copy, id, sizeof copy);
	enum sam_reason reason = sam_cm_run(cm, destroy_step, copy);
	if (sam_cm_usable(cm))
		sam_cm_key_forget(cm); /* failed or not: one of the two may be gone */
	return reason;
}

enum sam_reason sam_cm_generate(struct sam_cm *cm, const struct sam_cm_new_key *what,
				uint8_t **spki, size_t *len)
{
	struct generation g = {what, spki, len, false};
	*spki = NULL;
	*len = 0;
	if (!what->id || !size_known(what))
		return SAM_ARGUMENTS;
	if (label_reserved(what->label))
		return sam_log_reason(SAM_ARGUMENTS, "the CM's labels \"%s...\" are the SAM's own",
				      SAM_CM_OWN_LABEL);
	enum sam_reason reason = sam_cm_run(cm, generate_step, &g);
	/* whatever the vendor left behind has our random CKA_ID, which no key had before */
	if (reason != SAM_OK && g.asked && sam_cm_usable(cm)) {
		enum sam_reason undone = sam_cm_destroy(cm, what->id);
		if (undone != SAM_OK && undone != SAM_CM_KEY_MISSING)
			sam_log(SAM_LOG_ERR, "the half-made key %s could not be destroyed",
				what->label ? what->label : "");
	}
	return reason;
}
