/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects of the CM: finding them, reading their attributes.
 */
#include "cm/internal.h"

enum { RULES_MAX = 24 };

/* With these C_GetAttributeValue says that some attribute could not be had; others may. */
static bool partial(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
	       rv == CKR_BUFFER_TOO_SMALL;
}

static bool readable(const CK_ATTRIBUTE *a)
{
	return a->ulValueLen == sizeof(CK_BBOOL);
}

enum sam_reason sam_cm_attr_check(struct sam_cm *cm, struct sam_cm_session *s,
				  CK_OBJECT_HANDLE object, const struct sam_cm_bool_rule *rules,
				  size_t count, const char **wrong)
{
	const CK_FUNCTION_LIST *f = cm->vendor->f;
	CK_BBOOL values[RULES_MAX] = {0};
	CK_ATTRIBUTE attrs[RULES_MAX];
	if (count > RULES_MAX)
		return SAM_INTERNAL;
	for (size_t i = 0; i < count; i++)
		attrs[i] = (CK_ATTRIBUTE){rules[i].type, &values[i], sizeof values[i]};
	CK_RV rv = f->C_GetAttributeValue(s->handle, object, attrs, count);
	if (rv != CKR_OK && !partial(rv))
		return sam_cm_fail(s, "C_GetAttributeValue", rv);
	/* some CMs stop at the first that they do not know: then ask one by one */
	for (size_t i = 0; rv != CKR_OK && i < count; i++) {
		attrs[i] = (CK_ATTRIBUTE){rules[i].type, &values[i], sizeof values[i]};
		CK_RV one = f->C_GetAttributeValue(s->handle, object, &attrs[i], 1);
		if (one != CKR_OK && !partial(one))
			return sam_cm_fail(s, "C_GetAttributeValue", one);
		if (one != CKR_OK)
			attrs[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
	}
	*wrong = NULL;
	for (size_t i = 0; i < count && !*wrong; i++)
		if (readable(&attrs[i]) ? (values[i] != CK_FALSE) != rules[i].want
					: !rules[i].optional)
			*wrong = rules[i].name;
	return SAM_OK;
}

enum sam_reason sam_cm_attr_get(struct sam_cm *cm, struct sam_cm_session *s,
				CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
				size_t size, size_t *len)
{
	CK_ATTRIBUTE a = {type, value, size};
	CK_RV rv = cm->vendor->f->C_GetAttributeValue(s->handle, object, &a, 1);
	if (rv != CKR_OK || a.ulValueLen > size)
		return sam_cm_fail(s, "C_GetAttributeValue", rv);
	*len = a.ulValueLen;
	return SAM_OK;
}

enum sam_reason sam_cm_attr_find(struct sam_cm *cm, struct sam_cm_session *s, CK_ATTRIBUTE *match,
				 size_t count, CK_OBJECT_HANDLE *found, size_t max, size_t *n)
{
	const CK_FUNCTION_LIST *f = cm->vendor->f;
	CK_ULONG got = 1;
	CK_RV rv = f->C_FindObjectsInit(s->handle, match, count);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_FindObjectsInit", rv);
	*n = 0;
	/* a CM may give fewer at a time than there are */
	while (*n < max && got) {
		rv = f->C_FindObjects(s->handle, found + *n, max - *n, &got);
		/* no C_FindObjectsFinal then: the session is closed */
		if (rv != CKR_OK || got > max - *n)
			return sam_cm_fail(s, "C_FindObjects", rv);
		*n += got;
	}
	rv = f->C_FindObjectsFinal(s->handle);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_FindObjectsFinal", rv);
	/* to one who is not logged in, private objects do not exist */
	if (*n == 0 && !sam_cm_logged_in(cm, s))
		return sam_cm_fail(s, "C_FindObjects", CKR_USER_NOT_LOGGED_IN);
	return SAM_OK;
}
