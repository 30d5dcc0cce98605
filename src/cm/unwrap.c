/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bringing in a signer's key: two steps of C_UnwrapKey, both inside the CM, and the proof that it is the key that
 * was announced (P1-6.2.4.1 to 6.2.4.4, P3-3.9a). No other room calls C_UnwrapKey.
 */
#include "cm/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/core_names.h>
#include "base/log.h"
#include "base/ossl.h"

enum { KEK_BYTES = 32, KEY_MIN = 16, KEY_MAX = 8192, SPKI_MAX = 1024, VALUE_MAX = 1024 };

struct import {
	const struct sam_cm_new_key *what;
	const struct sam_cm_package *package;
	struct sam_cm_made *out;
	struct sam_msg *msg;
	EVP_PKEY *pkey; /* the public key that the package names */
	bool asked;     /* no key had that CKA_ID, and the vendor was asked to make one */
};

__attribute__((format(printf, 3, 4))) static enum sam_reason
refuse(struct sam_msg *msg, enum sam_reason reason, const char *fmt, ...)
{
	struct sam_msg text;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text.text, sizeof text.text, fmt, ap);
	va_end(ap);
	sam_msg_set(msg, "%s", text.text);
	return sam_log_reason(reason, "%s", text.text);
}

/* The answer to C_UnwrapKey: was the package bad, or is the CM? */
static enum sam_reason refused(struct import *g, struct sam_cm_session *s, const char *member, CK_RV rv)
{
	if (!sam_cm_import_refused(rv))
		return sam_cm_fail(s, "C_UnwrapKey", rv);
	s->rv = rv; /* so that the session is closed, and with it goes what the CM may have made all the same */
	return refuse(g->msg, SAM_IMPORT,
		      "the CM cannot unwrap the package's %s (C_UnwrapKey: 0x%lx): it was damaged, wrapped for "
		      "another key or in another way, or is of a type that this CM does not unwrap",
		      member, rv);
}

static enum sam_reason unwrap_kek(struct sam_cm *cm, struct sam_cm_session *s, struct import *g,
				  CK_OBJECT_HANDLE *kek)
{
	struct sam_cm_import import;
	enum sam_cm_attr_state state;
	CK_ULONG bytes = 0;
	size_t len;
	enum sam_reason reason = sam_cm_import_find(cm, s, &import);
	free(import.spki);
	if (reason == SAM_NOT_FOUND)
		return refuse(g->msg, reason, "there is no import key yet; `samctl sap key --import` makes it");
	if (reason != SAM_OK)
		return reason;
	CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
	CK_RV rv = sam_cm_import_kek(cm, s, import.key, import.hash, g->package->kek, g->package->kek_len, &made);
	if (rv != CKR_OK)
		return refused(g, s, "kek", rv);
	*kek = made;
	/* SoftHSM calls the length of an unwrapped key 0 */
	reason = sam_cm_attr_try(cm, s, made, CKA_VALUE_LEN, &bytes, sizeof bytes, &len, &state);
	if (reason == SAM_OK && state == SAM_CM_ATTR_READ && bytes && bytes != KEK_BYTES)
		return refuse(g->msg, SAM_IMPORT, "the package's kek is an AES key of %lu bytes, not of %d", bytes,
			      KEK_BYTES);
	return reason;
}

static CK_RV unwrap_key(struct sam_cm *cm, struct sam_cm_session *s, const struct import *g, CK_OBJECT_HANDLE kek,
			struct sam_cm_template *t, CK_OBJECT_HANDLE *key)
{
	static const CK_KEY_TYPE types[] = {
		[SAM_KEY_RSA] = CKK_RSA, [SAM_KEY_EC] = CKK_EC, [SAM_KEY_ED25519] = CKK_EC_EDWARDS};
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = types[g->what->type];
	CK_ATTRIBUTE all[SAM_CM_TEMPLATE_MAX + 2] = {{CKA_CLASS, &class, sizeof class},
						     {CKA_KEY_TYPE, &type, sizeof type}};
	CK_RV rv;
	sam_cm_template_private(t, g->what);
	do {
		CK_ULONG n = 2;
		/* SoftHSM sets them one after the other, and none after MODIFIABLE is FALSE: that one last */
		for (unsigned last = 0; last < 2; last++)
			for (CK_ULONG i = 0; i < t->count; i++)
				if ((t->attrs[i].type == CKA_MODIFIABLE) == last)
					all[n++] = t->attrs[i];
		rv = cm->vendor->f->C_UnwrapKey(s->handle, &mechanism, kek, (CK_BYTE_PTR)g->package->key,
						g->package->key_len, all, n, key);
	} while (sam_cm_template_refused(rv) && sam_cm_template_shorten(t));
	if (rv == CKR_OK)
		sam_cm_template_tell(t, g->what->label);
	return rv;
}

static bool same_modulus(const EVP_PKEY *pkey, const uint8_t *value, size_t len)
{
	BIGNUM *n = NULL;
	sam_auto(BN_clear_free) BIGNUM *is = BN_bin2bn(value, (int)len, NULL);
	bool same = is && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 && BN_cmp(n, is) == 0;
	BN_free(n);
	return same;
}

/* What of the public key a private one shows. That it is the one behind it shows in sam_cm_pairwise(). */
static enum sam_reason fits(struct sam_cm *cm, struct sam_cm_session *s, struct import *g, CK_OBJECT_HANDLE key)
{
	bool rsa = g->what->type == SAM_KEY_RSA;
	uint8_t value[VALUE_MAX];
	size_t len;
	enum sam_cm_attr_state state;
	enum sam_reason reason = sam_cm_attr_try(cm, s, key, rsa ? CKA_MODULUS : CKA_EC_PARAMS, value, sizeof value,
						 &len, &state);
	if (reason != SAM_OK)
		return reason;
	const struct sam_curve *curve = rsa || state != SAM_CM_ATTR_READ ? NULL : sam_curve_find(value, len);
	bool fit = rsa ? state == SAM_CM_ATTR_READ && same_modulus(g->pkey, value, len)
		       : curve && curve->type == g->what->type && curve->bits == g->what->bits;
	return fit ? SAM_OK
		   : refuse(g->msg, SAM_IMPORT_MISMATCH, "the package has another key than its manifest names: the %s",
			    rsa ? "modulus differs" : "curve differs");
}

static enum sam_reason prove(struct sam_cm *cm, struct sam_cm_session *s, struct import *g, CK_OBJECT_HANDLE key,
			     const struct sam_cm_template *sent)
{
	enum sam_reason reason = fits(cm, s, g, key);
	if (reason == SAM_OK)
		reason = sam_cm_key_read_back(cm, s, g->what, key, sent, false, g->out);
	g->out->local = false; /* whatever the CM says: the SAM knows where it comes from */
	if (reason == SAM_OK)
		reason = sam_cm_pairwise(cm, s, key, g->what, g->pkey);
	if (reason == SAM_IMPORT_MISMATCH && g->msg && !g->msg->text[0])
		sam_msg_set(g->msg, "the package has another key than its manifest names: what it signs does not verify");
	return reason;
}

static enum sam_reason unwrap_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct import *g = arg;
	struct sam_cm_template sent;
	CK_OBJECT_HANDLE kek = CK_INVALID_HANDLE, key = CK_INVALID_HANDLE, found[2];
	size_t n;
	enum sam_reason reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, g->what->id, found, &n);
	if (reason == SAM_OK && n)
		return sam_log_reason(SAM_EXISTS, "the CM holds a key with that CKA_ID already");
	if (reason == SAM_OK)
		reason = unwrap_kek(cm, s, g, &kek);
	if (reason == SAM_OK) {
		g->asked = true;
		CK_RV rv = unwrap_key(cm, s, g, kek, &sent, &key);
		s->final = !sam_cm_nothing_made(rv);
		if (rv != CKR_OK)
			reason = refused(g, s, "key", rv);
	}
	if (kek != CK_INVALID_HANDLE) {
		/* if it cannot be destroyed, its session is closed, and that is the failure to tell of */
		enum sam_reason dropped = sam_cm_import_drop(cm, s, kek);
		reason = reason == SAM_OK ? dropped : reason;
	}
	return reason == SAM_OK ? prove(cm, s, g, key, &sent) : reason;
}

/* FIPS 186-5 section 5.1 */
static bool exponent_fits(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool fits = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
		    BN_num_bits(e) > 16 && BN_num_bits(e) <= 256;
	BN_free(e);
	return fits;
}

static enum sam_reason check_package(const struct sam_cm *cm, struct import *g)
{
	static const enum sam_padding paddings[] = {
		[SAM_KEY_RSA] = SAM_PAD_PKCS1, [SAM_KEY_EC] = SAM_PAD_ECDSA, [SAM_KEY_ED25519] = SAM_PAD_EDDSA};
	const struct sam_cm_package *p = g->package;
	if (!g->what->id || !sam_cm_template_allowed(g->what) || !p->kek || !p->key || !p->spki)
		return refuse(g->msg, SAM_ARGUMENTS,
			      "no such key is brought in: its type, size or dates, or a label \"%s...\"",
			      SAM_CM_OWN_LABEL);
	if (!cm->has[paddings[g->what->type]])
		return refuse(g->msg, SAM_CM_MECHANISM, "the CM cannot sign with keys of this type");
	/* RFC 8017 section 7.1; RFC 5649 section 4 */
	if (p->kek_len != SAM_CM_KEK_SIZE || p->key_len < KEY_MIN || p->key_len > KEY_MAX || p->key_len % 8)
		return refuse(g->msg, SAM_IMPORT, "the package's kek has %zu bytes (%d are right), its key %zu",
			      p->kek_len, SAM_CM_KEK_SIZE, p->key_len);
	g->pkey = p->spki_len <= SPKI_MAX ? sam_ossl_pubkey(p->spki, p->spki_len) : NULL;
	if (!g->pkey)
		return refuse(g->msg, SAM_IMPORT, "the package's spki is no public key in DER");
	if (!sam_cm_pkey_is(g->pkey, g->what->type, g->what->bits))
		return refuse(g->msg, SAM_IMPORT_MISMATCH, "the package's spki is no key of the type asked for");
	if (g->what->type == SAM_KEY_RSA && !exponent_fits(g->pkey))
		return refuse(g->msg, SAM_IMPORT, "the package's public exponent is not between 2^16 and 2^256");
	return SAM_OK;
}

static enum sam_reason keep_spki(const struct sam_cm_package *p, struct sam_cm_made *out)
{
	out->spki = malloc(p->spki_len);
	if (!out->spki)
		return SAM_MEMORY;
	memcpy(out->spki, p->spki, p->spki_len);
	out->spki_len = p->spki_len;
	return SAM_OK;
}

enum sam_reason sam_cm_unwrap(struct sam_cm *cm, const struct sam_cm_new_key *what,
			      const struct sam_cm_package *package, struct sam_cm_made *out, struct sam_msg *msg)
{
	struct sam_msg none;
	struct import g = {what, package, out, msg ? msg : &none, NULL, false};
	memset(out, 0, sizeof *out);
	g.msg->text[0] = '\0';
	enum sam_reason reason = check_package(cm, &g);
	if (reason == SAM_OK)
		reason = keep_spki(package, out);
	if (reason == SAM_OK)
		reason = sam_cm_run_alone(cm, unwrap_step, &g);
	EVP_PKEY_free(g.pkey);
	if (reason == SAM_OK)
		return reason;
	sam_cm_made_clear(out);
	if (g.asked)
		sam_cm_key_undo(cm, what);
	return reason;
}
