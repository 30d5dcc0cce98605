/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What audit and alerts are told of a passage through the door.
 */
#include "sap/door.h"

#include <stdio.h>
#include <string.h>

void sam_door_describe(struct sam_passage *p, struct sam_event *event)
{
	const struct sam_activation *a = p->activation;
	memset(event, 0, sizeof *event);
	event->type = p->request->purpose == SAM_SIGN_CSR ? SAM_EVENT_KEY_CSR : SAM_EVENT_SIGN;
	sam_login_describe(event, p->request->login);
	sam_present_describe(event, a);
	if (a && a->by.number && p->policy && sam_policy_renews(p->policy, p->request->login->name, a->sub)) {
		snprintf(p->chain, sizeof p->chain, "token %u of at most %u", (unsigned)a->by.number,
			 p->policy->renewal_max);
		event->detail = p->chain;
	}
	event->credential = p->request->credential;
	event->signer = p->key ? p->key->signer : p->asked.id[0] ? p->asked.signer : NULL;
	event->request = p->asked.id[0] ? p->asked.id : NULL;
	if (p->deferred)
		event->activation = "deferred";
	event->mechanism = p->request->scheme.mechanism->name;
	if (p->key && p->key->certificate.der) {
		event->certificate_issuer = p->key->certificate.issuer;
		event->certificate_serial = p->key->certificate.serial;
		event->certificate_subject = p->key->certificate.subject;
	}
	if (p->hash == SAM_HASH_NONE)
		return;
	event->dtbsr = p->dtbsr;
	event->dtbsr_len = sam_hash_size(p->hash);
	event->hash_oid = sam_hash_oid(p->hash);
	const struct sam_digest *named = a && a->hash == p->hash ? sam_sad_digest_find(a, p->dtbsr) : NULL;
	event->label = named ? named->label : NULL;
}

void sam_door_alert(struct sam_passage *p, struct sam_event *event, enum sam_reason why)
{
	if (why == SAM_SIGNATURE_MISMATCH || why == SAM_STORE_TAMPERED || why == SAM_KEY_CHANGED)
		event->type = SAM_EVENT_INTEGRITY;
	else if (why == SAM_CM_FAILED || why == SAM_CM_PIN || why == SAM_CM_PIN_REFUSED || why == SAM_CM_TOKEN ||
		 why == SAM_CM_BUSY || why == SAM_CM_KEY_MISSING)
		event->type = SAM_EVENT_CM_ERROR;
	else
		return;
	event->target = p->request->credential;
	sam_audit_refuse(&p->sam->audit, event, why);
}

enum sam_reason sam_door_refuse(struct sam_passage *p, enum sam_reason why)
{
	struct sam_event event;
	sam_door_describe(p, &event);
	event.reason = why;
	/* a digest stays spent for which nothing was given: durably, since the CM may have signed */
	if (!p->reserved || sam_audit_event(&p->sam->audit, &event, true) != SAM_OK)
		sam_audit_refuse(&p->sam->audit, &event, why);
	sam_door_alert(p, &event, why);
	return why;
}
