/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Templates: read once and bounded; and what a session object may be made of, in one table.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

CK_RV sam_template_copy(const CK_ATTRIBUTE *template, CK_ULONG count,
			CK_ATTRIBUTE copy[P11_SAM_TEMPLATE_MAX])
{
	if (count > P11_SAM_TEMPLATE_MAX || (!template && count > 0))
		return CKR_ARGUMENTS_BAD;
	if (count > 0)
		memcpy(copy, template, count * sizeof *copy);
	return CKR_OK;
}

enum { FOR_DATA = 1, FOR_CERTIFICATE = 2, FOR_PUBLIC_KEY = 4, FOR_ALL = 7 };

enum kind {
	ONLY_FALSE,
	ONLY_TRUE, /* may be left out */
	FLAG_FALSE,
	FLAG_TRUE, /* any; what it is if left out */
	NUMBER,	   /* kept only if given */
	BYTES,
	BYTES_EMPTY, /* kept only if given; empty if left out */
};

static const struct rule {
	CK_ATTRIBUTE_TYPE type;
	unsigned classes;
	enum kind kind;
} rules[] = {
	{CKA_CLASS, FOR_ALL, NUMBER},
	{CKA_TOKEN, FOR_ALL, ONLY_FALSE},
	{CKA_PRIVATE, FOR_ALL, ONLY_FALSE},
	{CKA_MODIFIABLE, FOR_ALL, ONLY_FALSE},
	{CKA_COPYABLE, FOR_ALL, ONLY_FALSE},
	{CKA_DESTROYABLE, FOR_ALL, ONLY_TRUE},
	{CKA_LABEL, FOR_ALL, BYTES_EMPTY},
	{CKA_APPLICATION, FOR_DATA, BYTES_EMPTY},
	{CKA_OBJECT_ID, FOR_DATA, BYTES_EMPTY},
	{CKA_VALUE, FOR_DATA | FOR_CERTIFICATE, BYTES_EMPTY},
	{CKA_ID, FOR_CERTIFICATE | FOR_PUBLIC_KEY, BYTES_EMPTY},
	{CKA_SUBJECT, FOR_CERTIFICATE | FOR_PUBLIC_KEY, BYTES_EMPTY},
	{CKA_START_DATE, FOR_CERTIFICATE | FOR_PUBLIC_KEY, BYTES_EMPTY},
	{CKA_END_DATE, FOR_CERTIFICATE | FOR_PUBLIC_KEY, BYTES_EMPTY},
	{CKA_TRUSTED, FOR_CERTIFICATE | FOR_PUBLIC_KEY, ONLY_FALSE},
	{CKA_CERTIFICATE_TYPE, FOR_CERTIFICATE, NUMBER},
	{CKA_CERTIFICATE_CATEGORY, FOR_CERTIFICATE, NUMBER},
	{CKA_ISSUER, FOR_CERTIFICATE, BYTES_EMPTY},
	{CKA_SERIAL_NUMBER, FOR_CERTIFICATE, BYTES_EMPTY},
	{CKA_CHECK_VALUE, FOR_CERTIFICATE, BYTES},
	{CKA_KEY_TYPE, FOR_PUBLIC_KEY, NUMBER},
	{CKA_LOCAL, FOR_PUBLIC_KEY, ONLY_FALSE},
	{CKA_VERIFY, FOR_PUBLIC_KEY, FLAG_TRUE},
	/* a caller may ask for these uses of a public key; the calls themselves are refused */
	{CKA_ENCRYPT, FOR_PUBLIC_KEY, FLAG_FALSE},
	{CKA_WRAP, FOR_PUBLIC_KEY, FLAG_FALSE},
	{CKA_VERIFY_RECOVER, FOR_PUBLIC_KEY, FLAG_FALSE},
	{CKA_DERIVE, FOR_PUBLIC_KEY, FLAG_FALSE},
	{CKA_MODULUS, FOR_PUBLIC_KEY, BYTES},
	{CKA_MODULUS_BITS, FOR_PUBLIC_KEY, NUMBER},
	{CKA_PUBLIC_EXPONENT, FOR_PUBLIC_KEY, BYTES},
	{CKA_EC_PARAMS, FOR_PUBLIC_KEY, BYTES},
	{CKA_EC_POINT, FOR_PUBLIC_KEY, BYTES},
	{CKA_PUBLIC_KEY_INFO, FOR_CERTIFICATE | FOR_PUBLIC_KEY, BYTES},
};
enum { RULES = sizeof rules / sizeof *rules };

const struct sam_kept *sam_template_kept(const struct sam_session_object *object,
					 CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < object->count; i++)
		if (object->kept[i].type == type)
			return &object->kept[i];
	return NULL;
}

CK_RV sam_template_keep(struct sam_session_object *object, CK_ATTRIBUTE_TYPE type, const void *data,
			size_t len)
{
	if (!object->kept) {
		object->kept = calloc(RULES, sizeof *object->kept);
		if (!object->kept)
			return CKR_HOST_MEMORY;
	}
	size_t at = 0;
	while (at < object->count && object->kept[at].type != type)
		at++;
	if (at == RULES)
		return CKR_GENERAL_ERROR;
	uint8_t *copy = malloc(len + 1);
	if (!copy)
		return CKR_HOST_MEMORY;
	if (len > 0)
		memcpy(copy, data, len);
	struct sam_kept *kept = &object->kept[at];
	if (at < object->count) {
		sam_mem_wipe(kept->data, kept->len); /* it may be a SAD (invariant 8) */
		free(kept->data);
		object->bytes -= kept->len;
	} else {
		object->count++;
	}
	*kept = (struct sam_kept){type, copy, len};
	object->bytes += len;
	return CKR_OK;
}

static unsigned class_bit(CK_OBJECT_CLASS class)
{
	return class == CKO_DATA	  ? FOR_DATA
	       : class == CKO_CERTIFICATE ? FOR_CERTIFICATE
	       : class == CKO_PUBLIC_KEY  ? FOR_PUBLIC_KEY
					  : 0;
}

static CK_RV keep_flag(struct sam_session_object *object, CK_ATTRIBUTE_TYPE type, bool value)
{
	const CK_BBOOL flag = value ? CK_TRUE : CK_FALSE;
	return sam_template_keep(object, type, &flag, sizeof flag);
}

static CK_RV take_one(struct sam_session_object *object, const struct rule *rule,
		      const CK_ATTRIBUTE *given)
{
	if ((!given->pValue && given->ulValueLen > 0) || given->ulValueLen > P11_SAM_PIN_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (rule->kind == BYTES || rule->kind == BYTES_EMPTY)
		return sam_template_keep(object, rule->type, given->pValue, given->ulValueLen);
	if (rule->kind == NUMBER)
		return given->ulValueLen == sizeof(CK_ULONG)
			       ? sam_template_keep(object, rule->type, given->pValue,
						   given->ulValueLen)
			       : CKR_ATTRIBUTE_VALUE_INVALID;
	CK_BBOOL flag;
	if (given->ulValueLen != sizeof flag)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(&flag, given->pValue, sizeof flag);
	if (flag != CK_TRUE && flag != CK_FALSE)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if ((rule->kind == ONLY_FALSE && flag) || (rule->kind == ONLY_TRUE && !flag))
		return CKR_TEMPLATE_INCONSISTENT;
	return keep_flag(object, rule->type, flag == CK_TRUE);
}

static CK_RV take_default(struct sam_session_object *object, const struct rule *rule)
{
	switch (rule->kind) {
	case ONLY_FALSE:
	case FLAG_FALSE: return keep_flag(object, rule->type, false);
	case ONLY_TRUE:
	case FLAG_TRUE: return keep_flag(object, rule->type, true);
	case BYTES_EMPTY: return sam_template_keep(object, rule->type, "", 0);
	case NUMBER:
	case BYTES: break;
	}
	return CKR_OK;
}

CK_RV sam_template_build(const CK_ATTRIBUTE *template, size_t count,
			 struct sam_session_object *object)
{
	const unsigned bit = class_bit(object->class);
	if (!bit)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (size_t i = 0; i < count; i++) {
		size_t r = 0;
		while (r < RULES &&
		       !(rules[r].type == template[i].type && (rules[r].classes & bit)))
			r++;
		if (r == RULES)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if (sam_template_kept(object, template[i].type))
			return CKR_TEMPLATE_INCONSISTENT; /* said twice */
		CK_RV rv = take_one(object, &rules[r], &template[i]);
		if (rv != CKR_OK)
			return rv;
	}
	/* the class that was looked at, whatever the application's memory says by now */
	CK_RV kept = sam_template_keep(object, CKA_CLASS, &object->class, sizeof object->class);
	if (kept != CKR_OK)
		return kept;
	for (size_t r = 0; r < RULES; r++) {
		if (!(rules[r].classes & bit) || sam_template_kept(object, rules[r].type))
			continue;
		CK_RV rv = take_default(object, &rules[r]);
		if (rv != CKR_OK)
			return rv;
	}
	return CKR_OK;
}
