/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Digests, in OpenSSL.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

struct digest {
	struct sam_operation op;
	struct sam_input_state input;
};

static void digest_free(struct sam_operation *op)
{
	struct digest *digest = (struct digest *)op;
	sam_scheme_clear(&digest->input);
	free(digest);
}

CK_RV sam_C_DigestInit(struct sam_session *s, const CK_MECHANISM *mechanism)
{
	if (!mechanism)
		return sam_session_cancel(s, SAM_OP_DIGEST);
	const enum sam_hash hash = sam_hash_by_mechanism(mechanism->mechanism);
	if (hash == SAM_HASH_NONE)
		return CKR_MECHANISM_INVALID;
	if (mechanism->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	CK_RV rv = sam_session_begin(s, SAM_OP_DIGEST);
	if (rv != CKR_OK)
		return rv;
	struct digest *digest = calloc(1, sizeof *digest);
	if (!digest) {
		sam_session_put(s, SAM_OP_DIGEST, NULL);
		return CKR_HOST_MEMORY;
	}
	digest->op.free = digest_free;
	rv = sam_scheme_start(&digest->input, hash, 0);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_DIGEST, &digest->op);
	else
		sam_session_end(s, SAM_OP_DIGEST, &digest->op);
	return rv;
}

/* There is room in ${out}. */
static CK_RV finish(struct digest *digest, CK_BYTE *out, CK_ULONG *out_len)
{
	uint8_t hash[SAM_HASH_MAX];
	CK_RV rv = sam_scheme_hash(&digest->input, hash);
	if (rv != CKR_OK)
		return rv;
	*out_len = sam_hash_size(digest->input.hash);
	memcpy(out, hash, *out_len);
	return CKR_OK;
}

CK_RV sam_C_Digest(struct sam_session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		   CK_ULONG *out_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_DIGEST, &op);
	if (rv != CKR_OK)
		return rv;
	struct digest *digest = (struct digest *)op;
	if (digest->input.begun) {
		rv = CKR_OPERATION_ACTIVE;
	} else if (sam_scheme_fits(out, out_len, sam_hash_size(digest->input.hash), &rv)) {
		rv = sam_scheme_add(&digest->input, data, len);
		if (rv == CKR_OK)
			rv = finish(digest, out, out_len);
	} else if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL) {
		sam_session_put(s, SAM_OP_DIGEST, op);
		return rv;
	}
	sam_session_end(s, SAM_OP_DIGEST, op);
	return rv;
}

CK_RV sam_C_DigestUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_DIGEST, &op);
	if (rv != CKR_OK)
		return rv;
	rv = sam_scheme_add(&((struct digest *)op)->input, part, len);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_DIGEST, op);
	else
		sam_session_end(s, SAM_OP_DIGEST, op);
	return rv;
}

/* There is no key whose value could be read. */
CK_RV sam_C_DigestKey(struct sam_session *s, CK_OBJECT_HANDLE key)
{
	struct sam_operation *op;
	struct sam_object object;
	CK_RV rv = sam_session_take(s, SAM_OP_DIGEST, &op);
	if (rv != CKR_OK)
		return rv;
	rv = sam_object_get(s->p, key, &object);
	if (rv == CKR_OK)
		sam_object_put(&object);
	sam_session_end(s, SAM_OP_DIGEST, op);
	return rv == CKR_OK			 ? CKR_KEY_INDIGESTIBLE
	       : rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID
						 : rv;
}

CK_RV sam_C_DigestFinal(struct sam_session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_DIGEST, &op);
	if (rv != CKR_OK)
		return rv;
	struct digest *digest = (struct digest *)op;
	if (sam_scheme_fits(out, out_len, sam_hash_size(digest->input.hash), &rv)) {
		rv = finish(digest, out, out_len);
	} else if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL) {
		sam_session_put(s, SAM_OP_DIGEST, op);
		return rv;
	}
	sam_session_end(s, SAM_OP_DIGEST, op);
	return rv;
}
