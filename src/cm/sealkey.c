/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's own key in the CM, from which the keys of the store are derived at start
 * (HACKING.md). It takes no caller's bytes: it only ever sees the constant below (invariant 1).
 */
#include "cm/internal.h"

#include "base/log.h"

enum { ROOT_BYTES = 32, OPTIONAL = 3 };

static const char label[] = "p11-sam seal";
static const char constant[] = "p11-sam seal root v1";

static const struct sam_cm_bool_rule rules[] = {
	{CKA_TOKEN, true, false, "CKA_TOKEN"},
	{CKA_PRIVATE, true, false, "CKA_PRIVATE"},
	{CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
	{CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
	{CKA_SIGN, true, false, "CKA_SIGN"},
	{CKA_ENCRYPT, false, true, "CKA_ENCRYPT"},
	{CKA_DECRYPT, false, true, "CKA_DECRYPT"},
	{CKA_WRAP, false, true, "CKA_WRAP"},
	{CKA_UNWRAP, false, true, "CKA_UNWRAP"},
	{CKA_DERIVE, false, true, "CKA_DERIVE"},
	{CKA_NEVER_EXTRACTABLE, true, true, "CKA_NEVER_EXTRACTABLE"},
};

enum { RULES = sizeof rules / sizeof rules[0] };

static enum sam_reason find(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE found[2],
			    size_t *n)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_LABEL, (void *)label, sizeof label - 1},
	};
	return sam_cm_attr_find(cm, s, match, 2, found, 2, n);
}

static CK_RV generate(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG bytes = ROOT_BYTES;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_MECHANISM_TYPE allowed[] = {CKM_SHA256_HMAC};
	CK_ATTRIBUTE t[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE_LEN, &bytes, sizeof bytes},
		{CKA_LABEL, (void *)label, sizeof label - 1},
		{CKA_TOKEN, &yes, sizeof yes},
		{CKA_PRIVATE, &yes, sizeof yes},
		{CKA_SENSITIVE, &yes, sizeof yes},
		{CKA_EXTRACTABLE, &no, sizeof no},
		{CKA_SIGN, &yes, sizeof yes},
		{CKA_VERIFY, &no, sizeof no},
		{CKA_ENCRYPT, &no, sizeof no},
		{CKA_DECRYPT, &no, sizeof no},
		{CKA_WRAP, &no, sizeof no},
		{CKA_UNWRAP, &no, sizeof no},
		{CKA_DERIVE, &no, sizeof no},
		{CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed},
		{CKA_MODIFIABLE, &no, sizeof no},
		{CKA_COPYABLE, &no, sizeof no},
	};
	CK_ULONG count = sizeof t / sizeof t[0];
	CK_RV rv = CKR_TEMPLATE_INCONSISTENT;
	for (CK_ULONG off = 0; off <= OPTIONAL && (rv == CKR_ATTRIBUTE_TYPE_INVALID ||
						   rv == CKR_ATTRIBUTE_VALUE_INVALID ||
						   rv == CKR_TEMPLATE_INCONSISTENT);
	     off++)
		rv = cm->vendor->f->C_GenerateKey(s->handle, &mechanism, t, count - off, key);
	return rv;
}

static enum sam_reason create_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	(void)arg;
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, found[2];
	const char *wrong = NULL;
	size_t n;
	enum sam_reason reason = find(cm, s, found, &n);
	if (reason == SAM_OK && n)
		return sam_log_reason(SAM_EXISTS, "the CM holds a \"%s\" already", label);
	if (reason != SAM_OK)
		return reason;
	CK_RV rv = generate(cm, s, &key);
	s->final = rv != CKR_SESSION_HANDLE_INVALID && rv != CKR_USER_NOT_LOGGED_IN;
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_GenerateKey", rv);
	reason = sam_cm_attr_check(cm, s, key, rules, RULES, &wrong);
	if (reason == SAM_OK && !wrong)
		reason = find(cm, s, found, &n);
	if (reason == SAM_OK && !wrong && n != 1)
		wrong = "another came into being at the same time";
	if (reason == SAM_OK && wrong)
		reason = sam_log_reason(SAM_CM_FAILED, "the sealing key is not as asked for: %s",
					wrong);
	if (reason != SAM_OK && cm->vendor->f->C_DestroyObject(s->handle, key) != CKR_OK)
		sam_log(SAM_LOG_ERR, "the half-made \"%s\" could not be destroyed", label);
	return reason;
}

enum sam_reason sam_cm_seal_create(struct sam_cm *cm)
{
	return sam_cm_run(cm, create_step, NULL);
}

static enum sam_reason root_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG len = ROOT_BYTES;
	const char *wrong;
	size_t n;
	enum sam_reason reason = find(cm, s, found, &n);
	if (reason == SAM_OK && n != 1)
		return sam_log_reason(SAM_NOT_FOUND, "%s \"%s\" in the CM",
				      n ? "more than one" : "no", label);
	if (reason == SAM_OK)
		reason = sam_cm_attr_check(cm, s, found[0], rules, RULES, &wrong);
	if (reason != SAM_OK)
		return reason;
	if (wrong)
		return sam_log_reason(SAM_CM_FAILED, "%s of \"%s\" is not as the SAM made it",
				      wrong, label);
	CK_RV rv = cm->vendor->f->C_SignInit(s->handle, &mechanism, found[0]);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_SignInit", rv);
	rv = cm->vendor->f->C_Sign(s->handle, (CK_BYTE_PTR)constant, sizeof constant - 1, arg,
				   &len);
	if (rv != CKR_OK || len != ROOT_BYTES)
		return sam_cm_fail(s, "C_Sign", rv);
	return SAM_OK;
}

enum sam_reason sam_cm_seal_root(struct sam_cm *cm, uint8_t out[32])
{
	enum sam_reason reason = sam_cm_run(cm, root_step, out);
	if (reason != SAM_OK)
		sam_mem_wipe(out, ROOT_BYTES);
	return reason;
}
