/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The key attribute policy's templates, for keys that the CM makes and for those that are brought in, and what
 * reads back against them (P3-3.1, P3-3.3).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE exponent[] = {0x01, 0x00, 0x01};

/* What the SAM itself sends to a key of that type (sign.c), and nothing else. */
static CK_MECHANISM_TYPE rsa_mechanisms[] = {CKM_RSA_PKCS, CKM_RSA_PKCS_PSS};
static CK_MECHANISM_TYPE ec_mechanisms[] = {CKM_ECDSA};
static CK_MECHANISM_TYPE ed_mechanisms[] = {CKM_EDDSA};

static const struct {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
} names[] = {
	{CKA_TOKEN, "CKA_TOKEN"},
	{CKA_PRIVATE, "CKA_PRIVATE"},
	{CKA_LABEL, "CKA_LABEL"},
	{CKA_ID, "CKA_ID"},
	{CKA_SENSITIVE, "CKA_SENSITIVE"},
	{CKA_EXTRACTABLE, "CKA_EXTRACTABLE"},
	{CKA_SIGN, "CKA_SIGN"},
	{CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER"},
	{CKA_DECRYPT, "CKA_DECRYPT"},
	{CKA_UNWRAP, "CKA_UNWRAP"},
	{CKA_DERIVE, "CKA_DERIVE"},
	{CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE"},
	{CKA_ALLOWED_MECHANISMS, "CKA_ALLOWED_MECHANISMS"},
	{CKA_MODIFIABLE, "CKA_MODIFIABLE"},
	{CKA_COPYABLE, "CKA_COPYABLE"},
	{CKA_START_DATE, "CKA_START_DATE"},
	{CKA_END_DATE, "CKA_END_DATE"},
};

static const char *name_of(CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].type == type)
			return names[i].name;
	return "another attribute";
}

void sam_cm_template_add(struct sam_cm_template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	if (t->count < SAM_CM_TEMPLATE_MAX)
		t->attrs[t->count++] = (CK_ATTRIBUTE){type, (void *)value, len};
	t->all = t->count;
}

void sam_cm_template_bool(struct sam_cm_template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	sam_cm_template_add(t, type, value ? &yes : &no, sizeof yes);
}

void sam_cm_template_end(struct sam_cm_template *t)
{
	if (t->ends < SAM_CM_TEMPLATE_ENDS)
		t->end[t->ends++] = t->count;
}

bool sam_cm_template_refused(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_TEMPLATE_INCONSISTENT;
}

void sam_cm_template_tell(const struct sam_cm_template *t, const char *label)
{
	for (CK_ULONG i = t->count; i < t->all; i++)
		sam_log(SAM_LOG_WARNING, "the CM does not take %s for %s", name_of(t->attrs[i].type),
			label ? label : "a key");
}

bool sam_cm_template_shorten(struct sam_cm_template *t)
{
	if (!t->ends)
		return false;
	t->count = t->end[--t->ends];
	return true;
}

static void add_names(struct sam_cm_template *t, const struct sam_cm_new_key *what)
{
	if (what->label)
		sam_cm_template_add(t, CKA_LABEL, what->label, strlen(what->label));
	if (what->id)
		sam_cm_template_add(t, CKA_ID, what->id, SAM_CM_ID);
	sam_cm_template_bool(t, CKA_TOKEN, true);
}

static void add_mechanisms(struct sam_cm_template *t, const struct sam_cm_new_key *what)
{
	if (what->type == SAM_KEY_RSA)
		sam_cm_template_add(t, CKA_ALLOWED_MECHANISMS, rsa_mechanisms, sizeof rsa_mechanisms);
	else if (what->type == SAM_KEY_EC)
		sam_cm_template_add(t, CKA_ALLOWED_MECHANISMS, ec_mechanisms, sizeof ec_mechanisms);
	else
		sam_cm_template_add(t, CKA_ALLOWED_MECHANISMS, ed_mechanisms, sizeof ed_mechanisms);
}

void sam_cm_template_private(struct sam_cm_template *t, const struct sam_cm_new_key *what)
{
	memset(t, 0, sizeof *t);
	add_names(t, what);
	sam_cm_template_bool(t, CKA_PRIVATE, true);
	sam_cm_template_bool(t, CKA_SENSITIVE, true);
	sam_cm_template_bool(t, CKA_EXTRACTABLE, false);
	sam_cm_template_bool(t, CKA_SIGN, true);
	sam_cm_template_bool(t, CKA_SIGN_RECOVER, false);
	sam_cm_template_bool(t, CKA_DECRYPT, false);
	sam_cm_template_bool(t, CKA_UNWRAP, false);
	sam_cm_template_bool(t, CKA_DERIVE, false);
	/* the SAD is asked for by the SAM, not by the CM */
	sam_cm_template_bool(t, CKA_ALWAYS_AUTHENTICATE, false);
	sam_cm_template_end(t);
	add_mechanisms(t, what);
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_MODIFIABLE, false);
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_COPYABLE, false);
	if (!what->start[0] && !what->end[0])
		return;
	sam_cm_template_end(t); /* the SAM keeps to the dates itself */
	if (what->start[0])
		sam_cm_template_add(t, CKA_START_DATE, what->start, 8);
	if (what->end[0])
		sam_cm_template_add(t, CKA_END_DATE, what->end, 8);
}

void sam_cm_template_public(struct sam_cm_template *t, const struct sam_cm_new_key *what, CK_ULONG *bits,
			    const struct sam_curve *curve)
{
	memset(t, 0, sizeof *t);
	add_names(t, what);
	sam_cm_template_bool(t, CKA_VERIFY, true);
	sam_cm_template_bool(t, CKA_ENCRYPT, false);
	sam_cm_template_bool(t, CKA_WRAP, false);
	if (what->type == SAM_KEY_RSA) {
		*bits = what->bits;
		sam_cm_template_add(t, CKA_MODULUS_BITS, bits, sizeof *bits);
		sam_cm_template_add(t, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
	} else {
		sam_cm_template_add(t, CKA_EC_PARAMS, curve->params, curve->params_len);
	}
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_MODIFIABLE, false);
	sam_cm_template_end(t);
	sam_cm_template_bool(t, CKA_COPYABLE, false);
}

static bool date_plain(const char *date)
{
	for (size_t i = 0; i < 8; i++)
		if (date[i] < '0' || date[i] > '9')
			return false;
	unsigned month = (unsigned)(date[4] - '0') * 10 + (unsigned)(date[5] - '0');
	unsigned day = (unsigned)(date[6] - '0') * 10 + (unsigned)(date[7] - '0');
	return !date[8] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* The SAM's own objects are found by their labels: no signer's key is born under one of those. */
bool sam_cm_template_allowed(const struct sam_cm_new_key *what)
{
	if (what->type == SAM_KEY_RSA ? what->bits < 2048 || what->bits > 4096 || what->bits % 8
				      : !sam_curve_at(what->type, what->bits, 0))
		return false;
	if ((what->start[0] && !date_plain(what->start)) || (what->end[0] && !date_plain(what->end)))
		return false;
	return !what->label || strncmp(what->label, SAM_CM_OWN_LABEL, sizeof SAM_CM_OWN_LABEL - 1) != 0;
}

/* The order of the mechanisms is the CM's affair. */
static bool same_mechanisms(const CK_ATTRIBUTE *want, const uint8_t *is, size_t len)
{
	const CK_MECHANISM_TYPE *wanted = want->pValue;
	size_t count = want->ulValueLen / sizeof *wanted;
	if (len != want->ulValueLen)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool found = false;
		for (size_t k = 0; k < count && !found; k++)
			found = memcmp(is + k * sizeof *wanted, &wanted[i], sizeof *wanted) == 0;
		if (!found)
			return false;
	}
	return true;
}

static bool same(const CK_ATTRIBUTE *want, const uint8_t *is, size_t len)
{
	if (want->type == CKA_ALLOWED_MECHANISMS)
		return same_mechanisms(want, is, len);
	if (want->ulValueLen == sizeof(CK_BBOOL) && len == sizeof(CK_BBOOL))
		return !*is == !*(const CK_BBOOL *)want->pValue;
	return len == want->ulValueLen && memcmp(is, want->pValue, len) == 0;
}

enum sam_reason sam_cm_template_check(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				      const struct sam_cm_template *t, const char **wrong)
{
	uint8_t value[512];
	*wrong = NULL;
	for (CK_ULONG i = 0; i < t->count && !*wrong; i++) {
		enum sam_cm_attr_state state;
		size_t len;
		CK_ATTRIBUTE_TYPE type = t->attrs[i].type;
		bool date = type == CKA_START_DATE || type == CKA_END_DATE;
		enum sam_reason reason = (date ? sam_cm_attr_date : sam_cm_attr_try)(cm, s, object, type, value,
										    sizeof value, &len, &state);
		if (reason != SAM_OK)
			return reason;
		/* what cannot be read at all is for the rules in find.c, which know what must be */
		if (state == SAM_CM_ATTR_LONG || (state == SAM_CM_ATTR_READ && !same(&t->attrs[i], value, len)))
			*wrong = name_of(type);
	}
	return SAM_OK;
}
