/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data object that deposits a SAD (p11-sam(8)): the SAD goes in, or its current token; the token that is current
 * comes out, whenever it is read. The object keeps neither of them.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

static const char name[] = P11_SAM_APPLICATION_SAD;

bool sam_deposit_is_long(const CK_ATTRIBUTE *template, size_t count)
{
	bool deposit = false, is_long = false;
	for (size_t i = 0; i < count; i++) {
		const CK_ATTRIBUTE *a = &template[i];
		deposit = deposit || (a->type == CKA_APPLICATION && a->pValue && a->ulValueLen == sizeof name - 1 &&
				      memcmp(a->pValue, name, sizeof name - 1) == 0);
		is_long = is_long || (a->type == CKA_VALUE && a->ulValueLen > P11_SAM_PIN_MAX);
	}
	return deposit && is_long;
}

CK_RV sam_deposit_finish(struct sam_provider *p, struct sam_session_object *object)
{
	const struct sam_kept *application = sam_template_kept(object, CKA_APPLICATION);
	if (!application || application->len != sizeof name - 1 ||
	    memcmp(application->data, name, sizeof name - 1) != 0)
		return CKR_OK; /* any other data */
	const struct sam_kept *pin = sam_template_kept(object, CKA_VALUE);
	struct sam_secret copy = {0};
	struct sam_chain *chain = calloc(1, sizeof *chain);
	if (!chain || !pin || !sam_secret_set(&copy, pin->data, pin->len)) {
		free(chain);
		return CKR_HOST_MEMORY;
	}
	const enum sam_reason reason = sam_chain_open(p->sam, (const char *)copy.data, copy.len, chain);
	sam_secret_clear(&copy);
	object->chain = chain;
	const CK_RV rv = sam_reason_rv(reason, true);
	return rv == CKR_OK ? sam_template_keep(object, CKA_VALUE, "", 0) : rv; /* wiped with it */
}

void sam_deposit_clear(struct sam_session_object *object)
{
	if (object->chain)
		sam_mem_wipe(object->chain, sizeof *object->chain);
	free(object->chain);
}

CK_RV sam_deposit_read(struct sam_provider *p, const struct sam_session_object *object, struct sam_value *value)
{
	struct sam_login login;
	char token[SAM_TOKEN_LEN + 1] = "";
	sam_login_get(p, &login);
	const enum sam_reason reason = sam_chain_token(p->sam, &login, object->chain, token);
	const bool over = reason == SAM_TOKEN_UNKNOWN || reason == SAM_RENEWALS_USED || reason == SAM_SAD_EXPIRED ||
			  reason == SAM_SAD_EPOCH || reason == SAM_SAD_REVOKED;
	value->data = value->own.bytes;
	value->len = over ? 0 : SAM_TOKEN_LEN; /* empty: there is no token any more */
	memcpy(value->own.bytes, token, SAM_TOKEN_LEN);
	sam_mem_wipe(token, sizeof token);
	return over ? CKR_OK : sam_reason_rv(reason, true);
}
