/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects of the CM: finding them, reading their attributes.
 */
#include "cm/internal.h"

#include <string.h>

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

static enum sam_cm_attr_state state_of(CK_RV rv, const CK_ATTRIBUTE *a, CK_ULONG size)
{
	if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && a->ulValueLen > size &&
					   a->ulValueLen != CK_UNAVAILABLE_INFORMATION))
		return SAM_CM_ATTR_LONG;
	return rv == CKR_OK && a->ulValueLen <= size ? SAM_CM_ATTR_READ : SAM_CM_ATTR_NONE;
}

enum sam_reason sam_cm_attr_try(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				CK_ATTRIBUTE_TYPE type, void *value, size_t size, size_t *len,
				enum sam_cm_attr_state *state)
{
	CK_ATTRIBUTE a = {type, value, size};
	CK_RV rv = cm->vendor->f->C_GetAttributeValue(s->handle, object, &a, 1);
	if (rv != CKR_OK && !partial(rv))
		return sam_cm_fail(s, "C_GetAttributeValue", rv);
	*state = state_of(rv, &a, size);
	*len = *state == SAM_CM_ATTR_READ ? a.ulValueLen : 0;
	return SAM_OK;
}

enum sam_reason sam_cm_attr_date(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 CK_ATTRIBUTE_TYPE type, void *value, size_t size, size_t *len,
				 enum sam_cm_attr_state *state)
{
	enum sam_reason reason = sam_cm_attr_try(cm, s, object, type, value, size, len, state);
	if (reason != SAM_CM_FAILED || s->rv != CKR_GENERAL_ERROR)
		return reason;
	s->rv = CKR_OK;
	s->call = NULL;
	*state = SAM_CM_ATTR_NONE;
	*len = 0;
	return SAM_OK;
}

enum sam_reason sam_cm_attr_read(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 CK_ATTRIBUTE *attrs, size_t count, enum sam_cm_attr_state *states)
{
	CK_ATTRIBUTE asked[RULES_MAX + RULES_MAX];
	if (count > sizeof asked / sizeof asked[0])
		return SAM_INTERNAL;
	memcpy(asked, attrs, count * sizeof *attrs);
	CK_RV rv = cm->vendor->f->C_GetAttributeValue(s->handle, object, attrs, count);
	if (rv != CKR_OK && !partial(rv))
		return sam_cm_fail(s, "C_GetAttributeValue", rv);
	for (size_t i = 0; i < count; i++) {
		if (rv == CKR_OK) {
			states[i] = state_of(rv, &attrs[i], asked[i].ulValueLen);
			continue;
		}
		/* some CMs stop at the first that they do not know: then one by one */
		enum sam_reason reason = sam_cm_attr_try(cm, s, object, asked[i].type, asked[i].pValue,
							 asked[i].ulValueLen, &attrs[i].ulValueLen, &states[i]);
		if (reason != SAM_OK)
			return reason;
	}
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
