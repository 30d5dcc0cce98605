/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's own signing key in the CM, for its statements (statement.c). It is no signer's key: without a
 * CKA_ID nobody can ask for it by one (invariant 1), and in no registry no application sees it.
 */
#include "cm/internal.h"

#include "base/log.h"

static const char label[] = SAM_CM_OWN_LABEL "audit";
static const struct sam_cm_new_key what = {.type = SAM_KEY_EC, .bits = 256, .label = label};

struct creation {
	uint8_t **spki;
	size_t *len;
	bool asked; /* there was none, and the vendor, asked for one, may have left something */
};

static enum sam_reason find(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class,
			    CK_OBJECT_HANDLE found[2], size_t *n)
{
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_LABEL, (void *)label, sizeof label - 1},
	};
	return sam_cm_attr_find(cm, s, match, 2, found, 2, n);
}

enum sam_reason sam_cm_statement_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_HANDLE found[2];
	const char *wrong;
	size_t n;
	enum sam_reason reason = find(cm, s, CKO_PRIVATE_KEY, found, &n);
	if (reason == SAM_OK && n != 1)
		return sam_log_reason(SAM_NOT_FOUND, "%s \"%s\" in the CM", n ? "more than one" : "no", label);
	if (reason == SAM_OK)
		reason = sam_cm_key_check(cm, s, found[0], true, &wrong);
	if (reason != SAM_OK)
		return reason;
	if (wrong)
		return sam_log_reason(SAM_CM_FAILED, "%s of \"%s\" is not as the SAM made it", wrong, label);
	*key = found[0];
	return SAM_OK;
}

static enum sam_reason read_back(struct sam_cm *cm, struct sam_cm_session *s, const struct creation *c,
				 CK_OBJECT_HANDLE public_key, CK_OBJECT_HANDLE private_key,
				 const struct sam_cm_template *sent)
{
	CK_OBJECT_HANDLE found[2];
	const char *wrong;
	size_t n;
	enum sam_reason reason = sam_cm_key_check(cm, s, private_key, true, &wrong);
	if (reason == SAM_OK && !wrong)
		reason = sam_cm_template_check(cm, s, private_key, sent, &wrong);
	if (reason == SAM_OK && !wrong) {
		reason = find(cm, s, CKO_PRIVATE_KEY, found, &n);
		if (reason == SAM_OK && n != 1)
			wrong = "another came into being at the same time";
	}
	if (reason == SAM_OK && wrong)
		return sam_log_reason(SAM_CM_FAILED, "the key for statements is not as asked for: %s", wrong);
	return reason == SAM_OK ? sam_cm_spki(cm, s, &what, public_key, c->spki, c->len) : reason;
}

static enum sam_reason create_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct creation *c = arg;
	CK_OBJECT_HANDLE pair[2] = {CK_INVALID_HANDLE, CK_INVALID_HANDLE}, found[2];
	struct sam_cm_template sent;
	size_t n, publics = 0;
	c->asked = false;
	enum sam_reason reason = find(cm, s, CKO_PRIVATE_KEY, found, &n);
	if (reason == SAM_OK)
		reason = find(cm, s, CKO_PUBLIC_KEY, found, &publics);
	if (reason == SAM_OK && (n || publics))
		return sam_log_reason(SAM_EXISTS, "the CM holds a \"%s\" already", label);
	if (reason != SAM_OK)
		return reason;
	c->asked = true;
	reason = sam_cm_key_make(cm, s, &what, &pair[0], &pair[1], &sent);
	if (reason != SAM_OK)
		return reason;
	reason = read_back(cm, s, c, pair[0], pair[1], &sent);
	if (reason == SAM_OK)
		return reason;
	/* by its handles: another's of that label is not ours to destroy */
	c->asked = false;
	for (unsigned i = 0; i < 2; i++)
		if (cm->vendor->f->C_DestroyObject(s->handle, pair[i]) != CKR_OK)
			c->asked = true;
	return reason;
}

static enum sam_reason destroy_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
	CK_OBJECT_HANDLE found[2][2];
	size_t n[2];
	(void)arg;
	for (unsigned c = 0; c < 2; c++) {
		enum sam_reason reason = find(cm, s, classes[c], found[c], &n[c]);
		if (reason != SAM_OK)
			return reason;
	}
	if (n[0] > 1 || n[1] > 1)
		return sam_log_reason(SAM_CM_KEY_MISSING, "several \"%s\" in the CM; none is destroyed", label);
	if (!n[0] && !n[1])
		return SAM_NOT_FOUND; /* nothing left to destroy; no failure to log */
	for (unsigned c = 0; c < 2; c++) {
		CK_RV rv = n[c] ? cm->vendor->f->C_DestroyObject(s->handle, found[c][0]) : CKR_OK;
		if (rv != CKR_OK)
			return sam_cm_fail(s, "C_DestroyObject", rv);
	}
	return SAM_OK;
}

enum sam_reason sam_cm_statement_key_destroy(struct sam_cm *cm)
{
	return sam_cm_run(cm, destroy_step, NULL);
}

enum sam_reason sam_cm_statement_key_create(struct sam_cm *cm, uint8_t **spki, size_t *len)
{
	struct creation c = {.spki = spki, .len = len};
	*spki = NULL;
	*len = 0;
	enum sam_reason reason = sam_cm_run(cm, create_step, &c);
	if (reason != SAM_OK && c.asked && sam_cm_usable(cm)) {
		enum sam_reason undone = sam_cm_statement_key_destroy(cm);
		if (undone != SAM_OK && undone != SAM_NOT_FOUND)
			sam_log(SAM_LOG_ERR, "the half-made \"%s\" could not be destroyed", label);
	}
	return reason;
}
