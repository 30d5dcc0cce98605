/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the SAM does not do for applications (p11-sam(8)): calls.def says which calls, keycalls.def why, this
 * file records those that touch a signer's key or could help to make a signature (invariant 1).
 */
#include "provider/provider.h"
#include "policy/keycalls.h"

/* Whoever comes here is refused, also for a call that the table leaves to other rules: these were not asked. */
static enum sam_reason reason_of(const char *call)
{
	const enum sam_reason reason = sam_keycall_reason(call);
	return reason == SAM_OK ? SAM_PROHIBITED : reason;
}

static CK_RV record(struct sam_provider *p, const char *call, const char *credential,
		    enum sam_reason reason, CK_RV rv)
{
	struct sam_login login;
	sam_login_get(p, &login);
	reason = sam_refused_call(p->sam, &login, call, credential, reason);
	return rv == CKR_OK ? sam_reason_rv(reason, false) : rv;
}

CK_RV sam_refuse_call(struct sam_provider *p, const char *call, enum sam_reason reason, CK_RV rv)
{
	return record(p, call, NULL, reason, rv);
}

CK_RV sam_refuse_always(struct sam_provider *p, const char *call, CK_RV rv)
{
	return record(p, call, NULL, reason_of(call), rv);
}

CK_RV sam_refuse_object(struct sam_provider *p, const char *call, CK_OBJECT_HANDLE handle, CK_RV rv, CK_RV none)
{
	const enum sam_reason reason = reason_of(call);
	struct sam_object object;
	CK_RV found = sam_object_get(p, handle, &object);
	if (found != CKR_OK)
		return found == CKR_OBJECT_HANDLE_INVALID ? none : found;
	if (object.view)
		rv = record(p, call, object.view->credential, reason, rv);
	else if (rv == CKR_OK)
		rv = sam_reason_rv(reason,
				   false); /* the application's own object is nobody's business */
	sam_object_put(&object);
	return rv;
}

CK_RV sam_C_InitToken(struct sam_provider *p, CK_SLOT_ID id)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	return sam_refuse_always(p, "C_InitToken", CKR_OK);
}
