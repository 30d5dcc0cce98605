/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A signer's key pair: made by the policy's template, read back, destroyed (P3-3.1, P3-3.3).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/pkey.h"

struct generation {
	const struct sam_cm_new_key *what;
	bool proven;
	struct sam_cm_made *out;
	bool asked; /* no key had that CKA_ID, and the vendor was asked to make one */
};

static bool curve_refused(CK_RV rv)
{
	return sam_cm_template_refused(rv) || rv == CKR_CURVE_NOT_SUPPORTED || rv == CKR_DOMAIN_PARAMS_INVALID;
}

CK_RV sam_cm_key_pair(struct sam_cm *cm, struct sam_cm_session *s, CK_MECHANISM_TYPE type,
		      struct sam_cm_template *pub, struct sam_cm_template *priv, CK_OBJECT_HANDLE *public_key,
		      CK_OBJECT_HANDLE *private_key)
{
	CK_MECHANISM mechanism = {type, NULL, 0};
	for (;;) {
		CK_RV rv = cm->vendor->f->C_GenerateKeyPair(s->handle, &mechanism, pub->attrs, pub->count, priv->attrs,
							    priv->count, public_key, private_key);
		if (!sam_cm_template_refused(rv) || !sam_cm_template_shorten(priv))
			return rv;
		if (pub->ends > priv->ends)
			sam_cm_template_shorten(pub);
	}
}

static CK_RV generate_pair(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
			   const struct sam_curve *curve, CK_OBJECT_HANDLE *public_key,
			   CK_OBJECT_HANDLE *private_key, struct sam_cm_template *sent)
{
	struct sam_cm_template pub;
	CK_ULONG bits;
	sam_cm_template_private(sent, what);
	sam_cm_template_public(&pub, what, &bits, curve);
	CK_RV rv = sam_cm_key_pair(cm, s, sam_cm_generator(what->type), &pub, sent, public_key, private_key);
	if (rv == CKR_OK)
		sam_cm_template_tell(sent, what->label);
	return rv;
}

bool sam_cm_nothing_made(CK_RV rv)
{
	return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED ||
	       rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_CRYPTOKI_NOT_INITIALIZED ||
	       rv == CKR_OPERATION_ACTIVE;
}

enum sam_reason sam_cm_key_make(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key,
				struct sam_cm_template *sent)
{
	const struct sam_curve *curve = sam_curve_at(what->type, what->bits, 0);
	CK_RV rv = generate_pair(cm, s, what, curve, public_key, private_key, sent);
	for (size_t i = 1; curve && curve_refused(rv); i++) {
		curve = sam_curve_at(what->type, what->bits, i); /* under its next name */
		if (curve)
			rv = generate_pair(cm, s, what, curve, public_key, private_key, sent);
	}
	s->final = !sam_cm_nothing_made(rv);
	return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_GenerateKeyPair", rv);
}

static enum sam_reason against_template(const char *wrong)
{
	return sam_log_reason(SAM_CM_FAILED, "the CM made a key against its template: %s", wrong);
}

enum sam_reason sam_cm_key_read_back(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				     CK_OBJECT_HANDLE key, const struct sam_cm_template *sent, bool born,
				     struct sam_cm_made *out)
{
	CK_OBJECT_HANDLE found[2];
	const char *wrong;
	size_t n;
	enum sam_reason reason = sam_cm_key_check(cm, s, key, born, &wrong);
	if (reason == SAM_OK && !wrong)
		reason = sam_cm_template_check(cm, s, key, sent, &wrong);
	if (reason == SAM_OK && wrong)
		return against_template(wrong);
	if (reason == SAM_OK)
		reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, what->id, found, &n);
	if (reason == SAM_OK && n != 1)
		return against_template("CKA_ID");
	return reason == SAM_OK ? sam_cm_describe(cm, s, key, out->attributes, &out->local) : reason;
}

static enum sam_reason generate_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct generation *g = arg;
	const struct sam_cm_new_key *what = g->what;
	struct sam_cm_template sent;
	CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE, private_key = CK_INVALID_HANDLE, found[2];
	char attributes[SAM_CM_ATTRIBUTES_SIZE];
	bool local = true;
	size_t n;
	enum sam_reason reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, what->id, found, &n);
	if (reason == SAM_OK && n)
		return sam_log_reason(SAM_EXISTS, "the CM holds a key with that CKA_ID already");
	if (reason != SAM_OK)
		return reason;
	g->asked = true;
	reason = sam_cm_key_make(cm, s, what, &public_key, &private_key, &sent);
	if (reason == SAM_OK && g->proven) /* first, for its own reason */
		reason = sam_cm_describe(cm, s, private_key, attributes, &local);
	if (reason == SAM_OK && !local)
		return sam_log_reason(SAM_KEY_ORIGIN, "the CM does not say that it made the key itself: %s",
				      attributes);
	if (reason == SAM_OK)
		reason = sam_cm_key_read_back(cm, s, what, private_key, &sent, true, g->out);
	return reason == SAM_OK ? sam_cm_spki(cm, s, what, public_key, &g->out->spki, &g->out->spki_len) : reason;
}

struct destruction {
	uint8_t id[SAM_CM_ID];
	bool asked; /* the vendor was asked to destroy something */
};

static enum sam_reason look(struct sam_cm *cm, struct sam_cm_session *s, const uint8_t id[SAM_CM_ID],
			    CK_OBJECT_HANDLE found[2][2], size_t n[2])
{
	enum sam_reason reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, id, found[0], &n[0]);
	return reason == SAM_OK ? sam_cm_key_by_id(cm, s, CKO_PUBLIC_KEY, id, found[1], &n[1]) : reason;
}

static enum sam_reason destroy_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct destruction *d = arg;
	CK_OBJECT_HANDLE found[2][2];
	size_t n[2];
	enum sam_reason reason = look(cm, s, d->id, found, n);
	if (reason != SAM_OK)
		return reason;
	if (n[0] > 1 || n[1] > 1)
		return sam_log_reason(SAM_CM_FAILED, "several keys with one CKA_ID; none is destroyed");
	if (!n[0] && !n[1]) /* nothing left to destroy; no failure to log */
		return d->asked ? SAM_OK : SAM_CM_KEY_MISSING;
	for (unsigned c = 0; c < 2; c++) {
		d->asked = true;
		CK_RV rv = n[c] ? cm->vendor->f->C_DestroyObject(s->handle, found[c][0]) : CKR_OK;
		if (rv != CKR_OK)
			return sam_cm_fail(s, "C_DestroyObject", rv);
	}
	/* the CM's word is not enough: look again */
	reason = look(cm, s, d->id, found, n);
	if (reason == SAM_OK && (n[0] || n[1]))
		return sam_log_reason(SAM_CM_FAILED, "C_DestroyObject said yes, but the %s key is there still",
				      n[0] ? "private" : "public");
	return reason;
}

enum sam_reason sam_cm_destroy(struct sam_cm *cm, const uint8_t id[SAM_CM_ID])
{
	struct destruction d = {.asked = false};
	memcpy(d.id, id, SAM_CM_ID);
	enum sam_reason reason = sam_cm_run_alone(cm, destroy_step, &d);
	if (sam_cm_usable(cm))
		sam_cm_key_forget(cm); /* failed or not: one of the two may be gone */
	return reason;
}

void sam_cm_key_undo(struct sam_cm *cm, const struct sam_cm_new_key *what)
{
	if (!sam_cm_usable(cm))
		return;
	enum sam_reason undone = sam_cm_destroy(cm, what->id);
	if (undone != SAM_OK && undone != SAM_CM_KEY_MISSING)
		sam_log(SAM_LOG_ERR, "the half-made key %s could not be destroyed", what->label ? what->label : "");
}

enum sam_reason sam_cm_generate(struct sam_cm *cm, const struct sam_cm_new_key *what, bool proven,
				struct sam_cm_made *out)
{
	struct generation g = {what, proven, out, false};
	memset(out, 0, sizeof *out);
	if (!what->id || !sam_cm_template_allowed(what))
		return sam_log_reason(SAM_ARGUMENTS, "no such key is made: its type, size or dates, or a label \"%s...\"",
				      SAM_CM_OWN_LABEL);
	enum sam_reason reason = sam_cm_run_alone(cm, generate_step, &g);
	if (reason == SAM_OK)
		return reason;
	sam_cm_made_clear(out);
	/* whatever the vendor left behind has our random CKA_ID, which no key had before */
	if (g.asked)
		sam_cm_key_undo(cm, what);
	return reason;
}
