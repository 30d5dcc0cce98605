/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looking for objects: all is compared at C_FindObjectsInit, the calls after it hand out the handles.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

struct find {
	struct sam_operation op;
	CK_OBJECT_HANDLE *found;
	size_t count, size, next;
};

static void find_free(struct sam_operation *op)
{
	struct find *find = (struct find *)op;
	free(find->found);
	free(find);
}

static CK_RV find_add(struct find *find, CK_OBJECT_HANDLE handle)
{
	if (find->count == find->size) {
		const size_t size = find->size ? 2 * find->size : 16;
		CK_OBJECT_HANDLE *grown = realloc(find->found, size * sizeof *grown);
		if (!grown)
			return CKR_HOST_MEMORY;
		find->found = grown;
		find->size = size;
	}
	find->found[find->count++] = handle;
	return CKR_OK;
}

/* The views are sorted by credential, so a wanted CKA_ID leaves at most one to compare. */
static void narrow(const struct sam_keyring *ring, const CK_ATTRIBUTE *template, size_t count,
		   size_t *from, size_t *to)
{
	const CK_ATTRIBUTE *id = NULL;
	*from = 0;
	*to = ring->count;
	for (size_t i = 0; i < count && !id; i++)
		if (template[i].type == CKA_ID && template[i].pValue &&
		    template[i].ulValueLen == P11_SAM_KEY_ID_LENGTH)
			id = &template[i];
	if (!id)
		return;
	while (*from < *to) {
		const size_t middle = *from + (*to - *from) / 2;
		if (memcmp(ring->views[middle].id, id->pValue, P11_SAM_KEY_ID_LENGTH) < 0)
			*from = middle + 1;
		else
			*to = middle;
	}
	*to = *from < ring->count ? *from + 1 : ring->count;
}

static CK_RV find_parts(struct sam_provider *p, struct find *find, struct sam_keyring *ring, size_t index,
			const CK_ATTRIBUTE *template, size_t count)
{
	CK_RV rv = CKR_OK;
	for (int part = 0; part < SAM_PART_COUNT && rv == CKR_OK; part++) {
		const struct sam_object object = sam_object_of(p, ring, index, (enum sam_part)part);
		if (sam_keyring_has(ring, index, object.part) && sam_attribute_matches(&object, template, count))
			rv = find_add(find, ring->handles[index] + (CK_OBJECT_HANDLE)part);
	}
	return rv;
}

static CK_RV find_keys(struct sam_provider *p, struct find *find, const CK_ATTRIBUTE *template,
		       size_t count)
{
	struct sam_keyring *ring;
	CK_RV rv = sam_keyring_get(p, true, &ring);
	if (rv != CKR_OK || !ring)
		return rv;
	size_t from, to;
	narrow(ring, template, count, &from, &to);
	for (size_t i = from; i < to && rv == CKR_OK; i++)
		rv = find_parts(p, find, ring, i, template, count);
	sam_keyring_release(ring);
	return rv;
}

static CK_RV find_session(struct sam_provider *p, struct find *find, const CK_ATTRIBUTE *template,
			  size_t count)
{
	struct sam_session_object **all;
	size_t n;
	CK_RV rv = sam_object_session_all(p, &all, &n);
	for (size_t i = 0; i < n; i++) {
		const struct sam_object object = {.p = p, .session = all[i]};
		if (rv == CKR_OK && sam_attribute_matches(&object, template, count))
			rv = find_add(find, all[i]->handle);
		sam_object_session_release(all[i]);
	}
	free(all);
	return rv;
}

CK_RV sam_C_FindObjectsInit(struct sam_session *s, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_ATTRIBUTE copy[P11_SAM_TEMPLATE_MAX];
	CK_RV rv = sam_template_copy(template, count, copy);
	if (rv != CKR_OK)
		return rv;
	rv = sam_session_begin(s, SAM_OP_FIND);
	if (rv != CKR_OK)
		return rv;
	struct find *find = calloc(1, sizeof *find);
	if (!find) {
		sam_session_put(s, SAM_OP_FIND, NULL);
		return CKR_HOST_MEMORY;
	}
	find->op.free = find_free;
	rv = find_keys(s->p, find, copy, count);
	if (rv == CKR_OK)
		rv = find_session(s->p, find, copy, count);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_FIND, &find->op);
	else
		sam_session_end(s, SAM_OP_FIND, &find->op);
	return rv;
}

CK_RV sam_C_FindObjects(struct sam_session *s, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
	struct sam_operation *op;
	if (!count || (!out && max > 0))
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = sam_session_take(s, SAM_OP_FIND, &op);
	if (rv != CKR_OK)
		return rv;
	struct find *find = (struct find *)op;
	const size_t left = find->count - find->next, n = max < left ? max : left;
	if (n > 0)
		memcpy(out, find->found + find->next, n * sizeof *out);
	find->next += n;
	*count = n;
	sam_session_put(s, SAM_OP_FIND, op);
	return CKR_OK;
}

CK_RV sam_C_FindObjectsFinal(struct sam_session *s)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_FIND, &op);
	if (rv != CKR_OK)
		return rv;
	sam_session_end(s, SAM_OP_FIND, op);
	return CKR_OK;
}
