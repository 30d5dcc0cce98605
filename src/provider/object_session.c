/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects in the SAM's memory: public keys to verify with, certificates, data, and the data object that
 * deposits a SAD (deposit.c). All sessions of the application see them; they end with the
 * session that made them. Bounded in number and bytes, wiped at the end.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

void sam_object_session_release(struct sam_session_object *object)
{
	if (atomic_fetch_sub(&object->refs, 1) != 1)
		return;
	for (size_t i = 0; i < object->count; i++) {
		sam_mem_wipe(object->kept[i].data, object->kept[i].len);
		free(object->kept[i].data);
	}
	free(object->kept);
	sam_deposit_clear(object);
	free(object->spki);
	free(object);
}

/* Where it stands in the list; LOCKED: objects->lock is held. */
static bool list_find(const struct sam_objects *objects, CK_OBJECT_HANDLE handle, size_t *at)
{
	size_t low = 0, high = objects->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (objects->at[middle]->handle < handle)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return low < objects->count && objects->at[low]->handle == handle;
}

/* LOCKED: objects->lock is held. */
static struct sam_session_object *list_remove(struct sam_objects *objects, size_t at)
{
	struct sam_session_object *object = objects->at[at];
	objects->count--;
	objects->bytes -= object->bytes;
	memmove(objects->at + at, objects->at + at + 1,
		(objects->count - at) * sizeof *objects->at);
	return object;
}

struct sam_session_object *sam_object_session_hold(struct sam_provider *p, CK_OBJECT_HANDLE handle)
{
	struct sam_objects *objects = &p->objects;
	struct sam_session_object *object = NULL;
	size_t at;
	pthread_mutex_lock(&objects->lock); /* LOCKED */
	if (list_find(objects, handle, &at)) {
		object = objects->at[at];
		atomic_fetch_add(&object->refs, 1);
	}
	pthread_mutex_unlock(&objects->lock); /* LOCKED until here */
	return object;
}

bool sam_object_session_destroy(struct sam_provider *p, CK_OBJECT_HANDLE handle)
{
	struct sam_session_object *object = NULL;
	size_t at;
	pthread_mutex_lock(&p->objects.lock); /* LOCKED */
	if (list_find(&p->objects, handle, &at))
		object = list_remove(&p->objects, at);
	pthread_mutex_unlock(&p->objects.lock); /* LOCKED until here */
	if (!object)
		return false;
	sam_object_session_release(object);
	return true;
}

void sam_object_session_close(struct sam_provider *p, CK_SESSION_HANDLE owner)
{
	struct sam_objects *objects = &p->objects;
	for (;;) {
		struct sam_session_object *object = NULL;
		pthread_mutex_lock(&objects->lock); /* LOCKED */
		for (size_t i = objects->count; i-- > 0 && !object;)
			if (owner == CK_INVALID_HANDLE || objects->at[i]->owner == owner)
				object = list_remove(objects, i);
		if (objects->count == 0) {
			free(objects->at);
			objects->at = NULL;
			objects->size = 0;
		}
		pthread_mutex_unlock(&objects->lock); /* LOCKED until here */
		if (!object)
			return;
		sam_object_session_release(object);
	}
}

CK_RV sam_object_session_all(struct sam_provider *p, struct sam_session_object ***out,
			     size_t *count)
{
	struct sam_objects *objects = &p->objects;
	CK_RV rv = CKR_OK;
	*out = NULL;
	*count = 0;
	pthread_mutex_lock(&objects->lock); /* LOCKED */
	if (objects->count > 0) {
		*out = malloc(objects->count * sizeof **out);
		rv = *out ? CKR_OK : CKR_HOST_MEMORY;
		for (; *out && *count < objects->count; ++*count) {
			(*out)[*count] = objects->at[*count];
			atomic_fetch_add(&objects->at[*count]->refs, 1);
		}
	}
	pthread_mutex_unlock(&objects->lock); /* LOCKED until here */
	return rv;
}

/* Into the list, with a handle; takes over the hold if it succeeds. */
static CK_RV list_add(struct sam_provider *p, struct sam_session_object *object,
		      CK_OBJECT_HANDLE *handle)
{
	struct sam_objects *objects = &p->objects;
	CK_RV rv = CKR_OK;
	pthread_mutex_lock(&objects->lock); /* LOCKED */
	if (objects->count >= P11_SAM_OBJECTS_MAX ||
	    object->bytes > P11_SAM_OBJECT_BYTES_MAX - objects->bytes) {
		rv = CKR_DEVICE_MEMORY;
	} else if (objects->count == objects->size) {
		const size_t size = objects->size ? 2 * objects->size : 16;
		struct sam_session_object **grown = realloc(objects->at, size * sizeof *grown);
		rv = grown ? CKR_OK : CKR_HOST_MEMORY;
		if (grown) {
			objects->at = grown;
			objects->size = size;
		}
	}
	if (rv == CKR_OK) {
		object->handle = objects->last + 1;
		objects->last += 2;
		objects->at[objects->count++] = object; /* the highest handle: still in order */
		objects->bytes += object->bytes;
		*handle = object->handle;
	}
	pthread_mutex_unlock(&objects->lock); /* LOCKED until here */
	return rv;
}

static CK_RV kept_number(const struct sam_session_object *object, CK_ATTRIBUTE_TYPE type,
			 CK_ULONG *number)
{
	const struct sam_kept *kept = sam_template_kept(object, type);
	if (!kept || kept->len != sizeof *number)
		return CKR_TEMPLATE_INCOMPLETE;
	memcpy(number, kept->data, sizeof *number);
	return CKR_OK;
}

/* The key from its parts, checked; then its parts as we write them. */
static CK_RV finish_public_key(struct sam_session_object *object)
{
	CK_KEY_TYPE type;
	CK_RV rv = kept_number(object, CKA_KEY_TYPE, &type);
	if (rv != CKR_OK)
		return rv;
	const bool rsa = type == CKK_RSA;
	if (!rsa && type != CKK_EC && type != CKK_EC_EDWARDS)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	const struct sam_kept *first = sam_template_kept(object, rsa ? CKA_MODULUS : CKA_EC_PARAMS);
	const struct sam_kept *second =
		sam_template_kept(object, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT);
	if (!first || !second)
		return CKR_TEMPLATE_INCOMPLETE;
	if (sam_template_kept(object, rsa ? CKA_EC_PARAMS : CKA_MODULUS) ||
	    sam_template_kept(object, rsa ? CKA_EC_POINT : CKA_PUBLIC_EXPONENT) ||
	    sam_template_kept(object, CKA_PUBLIC_KEY_INFO))
		return CKR_TEMPLATE_INCONSISTENT;
	rv = rsa ? sam_spki_rsa(first->data, first->len, second->data, second->len, &object->spki,
				&object->spki_len)
		 : sam_spki_ec(type, first->data, first->len, second->data, second->len,
			       &object->spki, &object->spki_len);
	if (rv == CKR_OK)
		rv = sam_template_keep(object, CKA_PUBLIC_KEY_INFO, object->spki, object->spki_len);
	struct sam_spki parts;
	if (rv == CKR_OK && !sam_spki_read(object->spki, object->spki_len, &parts))
		rv = CKR_GENERAL_ERROR;
	if (rv == CKR_OK && rsa) {
		const CK_ULONG bits = sam_spki_bits(&parts);
		CK_ULONG given;
		if (kept_number(object, CKA_MODULUS_BITS, &given) == CKR_OK && given != bits)
			return CKR_TEMPLATE_INCONSISTENT;
		rv = sam_template_keep(object, CKA_MODULUS_BITS, &bits, sizeof bits);
	}
	const struct sam_kept *verify = sam_template_kept(object, CKA_VERIFY);
	object->verify = verify && verify->len == 1 && verify->data[0] == CK_TRUE;
	return rv;
}

static CK_RV finish_certificate(struct sam_session_object *object)
{
	CK_CERTIFICATE_TYPE type;
	CK_RV rv = kept_number(object, CKA_CERTIFICATE_TYPE, &type);
	if (rv != CKR_OK)
		return rv;
	if (type != CKC_X_509)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	const struct sam_kept *value = sam_template_kept(object, CKA_VALUE);
	return value && value->len > 0 ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
}

static CK_RV finish(struct sam_provider *p, struct sam_session_object *object)
{
	switch (object->class) {
	case CKO_PUBLIC_KEY: return finish_public_key(object);
	case CKO_CERTIFICATE: return finish_certificate(object);
	default: return sam_deposit_finish(p, object);
	}
}

static const CK_ATTRIBUTE *given(const CK_ATTRIBUTE *template, size_t count, CK_ATTRIBUTE_TYPE type,
				 size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (template[i].type == type && template[i].pValue && template[i].ulValueLen == len)
			return &template[i];
	return NULL;
}

/* What no application makes here: keys that could sign or unwrap, in clear (P3-3.9a), and anything on the token.
 * Said anywhere in the template, however often. */
static bool is_forbidden(const CK_ATTRIBUTE *template, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CK_OBJECT_CLASS class;
		if (template[i].type != CKA_CLASS || !template[i].pValue || template[i].ulValueLen != sizeof class)
			continue;
		memcpy(&class, template[i].pValue, sizeof class);
		if (class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY)
			return true;
	}
	const CK_ATTRIBUTE *token = given(template, count, CKA_TOKEN, sizeof(CK_BBOOL));
	return token && *(CK_BBOOL *)token->pValue == CK_TRUE;
}

CK_RV sam_C_CreateObject(struct sam_session *s, const CK_ATTRIBUTE *template, CK_ULONG count,
			 CK_OBJECT_HANDLE *handle)
{
	CK_ATTRIBUTE copy[P11_SAM_TEMPLATE_MAX];
	CK_OBJECT_CLASS class;
	if (!handle || !template)
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = sam_template_copy(template, count, copy);
	if (rv != CKR_OK)
		return rv;
	if (is_forbidden(copy, count))
		return sam_refuse_always(s->p, "C_CreateObject", CKR_OK);
	const CK_ATTRIBUTE *first = given(copy, count, CKA_CLASS, sizeof class);
	if (!first)
		return CKR_TEMPLATE_INCOMPLETE;
	memcpy(&class, first->pValue, sizeof class);
	if (sam_deposit_is_long(copy, count))
		return sam_refuse_call(s->p, "C_CreateObject", SAM_PIN_TOO_LONG, CKR_OK);
	struct sam_session_object *object = calloc(1, sizeof *object);
	if (!object)
		return CKR_HOST_MEMORY;
	atomic_init(&object->refs, 1);
	object->owner = s->handle;
	object->class = class;
	rv = sam_template_build(copy, count, object);
	if (rv == CKR_OK)
		rv = finish(s->p, object);
	CK_OBJECT_HANDLE fresh;
	if (rv == CKR_OK)
		rv = list_add(s->p, object, &fresh);
	if (rv != CKR_OK) {
		sam_object_session_release(object);
		return rv;
	}
	*handle = fresh;
	return CKR_OK;
}
