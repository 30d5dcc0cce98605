/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From an object's handle to the object, and the calls on one object. Handles are the SAM's own; the
 * application never holds one of the CM.
 */
#include "provider/provider.h"

#include <string.h>

struct sam_object sam_object_of(struct sam_provider *p, struct sam_keyring *ring, size_t index,
				enum sam_part part)
{
	return (struct sam_object){.p = p,
				   .ring = ring,
				   .view = &ring->views[index],
				   .parts = &ring->parts[index],
				   .certificate = &ring->certificates[index],
				   .part = part};
}

CK_RV sam_object_get(struct sam_provider *p, CK_OBJECT_HANDLE handle, struct sam_object *object)
{
	*object = (struct sam_object){.p = p};
	if (handle == CK_INVALID_HANDLE)
		return CKR_OBJECT_HANDLE_INVALID;
	object->session = sam_object_session_hold(p, handle);
	if (object->session)
		return CKR_OK;
	CK_RV rv = sam_keyring_get(p, false, &object->ring);
	if (rv != CKR_OK)
		return rv;
	size_t index;
	enum sam_part part;
	if (object->ring && sam_keyring_find(object->ring, handle, &part, &index)) {
		*object = sam_object_of(p, object->ring, index, part);
		return CKR_OK;
	}
	sam_object_put(object);
	return CKR_OBJECT_HANDLE_INVALID;
}

void sam_object_put(struct sam_object *object)
{
	sam_keyring_release(object->ring);
	if (object->session)
		sam_object_session_release(object->session);
	*object = (struct sam_object){0};
}

CK_RV sam_C_DestroyObject(struct sam_session *s, CK_OBJECT_HANDLE handle)
{
	if (sam_object_session_destroy(s->p, handle))
		return CKR_OK;
	return sam_refuse_object(s->p, "C_DestroyObject", handle, CKR_OK, CKR_OBJECT_HANDLE_INVALID);
}

CK_RV sam_C_GetObjectSize(struct sam_session *s, CK_OBJECT_HANDLE handle, CK_ULONG *size)
{
	if (!size)
		return CKR_ARGUMENTS_BAD;
	struct sam_object object;
	CK_RV rv = sam_object_get(s->p, handle, &object);
	if (rv != CKR_OK)
		return rv;
	*size = object.session ? object.session->bytes
			       : strlen(object.view->label) + (object.part == SAM_PART_CERTIFICATE
								      ? object.view->certificate_len
								      : object.view->spki_len);
	sam_object_put(&object);
	return CKR_OK;
}

/* One entry; what the application's memory said was read once, into ${copy}. */
static CK_RV get_one(const struct sam_object *object, const CK_ATTRIBUTE *copy, CK_ULONG *len)
{
	struct sam_value value;
	CK_RV rv = sam_attribute_read(object, copy->type, &value);
	if (rv == CKR_OK && copy->pValue && copy->ulValueLen < value.len)
		rv = CKR_BUFFER_TOO_SMALL;
	*len = rv == CKR_OK ? value.len : CK_UNAVAILABLE_INFORMATION;
	if (rv == CKR_OK && copy->pValue && value.len > 0)
		memcpy(copy->pValue, value.data, value.len);
	sam_mem_wipe(&value.own, sizeof value.own); /* it may be a token */
	return rv;
}

CK_RV sam_C_GetAttributeValue(struct sam_session *s, CK_OBJECT_HANDLE handle,
			      CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_ATTRIBUTE copy[P11_SAM_TEMPLATE_MAX];
	struct sam_object object;
	CK_RV rv = sam_template_copy(template, count, copy);
	if (rv == CKR_OK)
		rv = sam_object_get(s->p, handle, &object);
	if (rv != CKR_OK)
		return rv;
	/* every entry, also after an error: callers rely on it */
	for (CK_ULONG i = 0; i < count; i++) {
		CK_RV one = get_one(&object, &copy[i], &template[i].ulValueLen);
		if (rv == CKR_OK)
			rv = one;
	}
	sam_object_put(&object);
	return rv;
}
