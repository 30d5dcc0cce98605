/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Registering a key's certificate: taken only if it carries this very public key and chains to a CA of the policy.
 */
#include "admin/internal.h"

#include <string.h>
#include "base/x509.h"

/* The policy's CAs for certificates. */
static size_t list_cas(const struct sam_policy *policy, struct sam_x509_ca cas[SAM_POLICY_CAS])
{
	size_t count = 0;
	for (size_t i = 0; i < policy->ca_count; i++)
		if (policy->cas[i].use & SAM_CA_CERTIFICATES)
			cas[count++] = (struct sam_x509_ca){policy->cas[i].der, policy->cas[i].len};
	return count;
}

static enum sam_reason check(struct sam_doing *d, const struct sam_x509 *x)
{
	struct sam_x509_ca cas[SAM_POLICY_CAS];
	size_t count = list_cas(d->policy, cas);
	if (!sam_mem_equal(x->spki_sha256, d->key.thumbprint, sizeof d->key.thumbprint)) {
		sam_msg_set(d->msg, "the certificate carries another public key");
		return SAM_CERTIFICATE;
	}
	if (!count) {
		sam_msg_set(d->msg, "the policy has no CA with use: [certificates] under cas:");
		return SAM_CERTIFICATE;
	}
	return sam_x509_verify(x, cas, count, d->now, d->msg);
}

enum sam_reason sam_perform_key_certificate(struct sam_doing *d)
{
	const char *credential = sam_param(d, "key"), *text = sam_param(d, "certificate");
	const struct sam_key *found = credential ? sam_registry_key(d->s, credential) : NULL;
	d->event.type = SAM_EVENT_KEY_CERTIFICATE;
	d->event.credential = credential;
	if (!found)
		return SAM_NOT_FOUND;
	d->event.signer = found->signer;
	d->key = *found;
	if (found->life == SAM_LIFE_REVOKED)
		return SAM_KEY_STATE;
	d->certificate = calloc(1, sizeof *d->certificate);
	if (!text || !d->certificate)
		return text ? SAM_MEMORY : SAM_ARGUMENTS;
	enum sam_reason reason = sam_x509_read(text, strlen(text), d->certificate, d->msg);
	if (reason == SAM_OK)
		reason = check(d, d->certificate);
	if (reason != SAM_OK)
		return reason;
	d->key.certificate = (struct sam_certificate){
		.der = d->certificate->der,
		.len = d->certificate->len,
		.issuer = d->certificate->issuer,
		.subject = d->certificate->subject,
		.serial = d->certificate->serial,
		.not_before = d->certificate->not_before,
		.not_after = d->certificate->not_after,
	};
	d->event.certificate_issuer = d->certificate->issuer;
	d->event.certificate_serial = d->certificate->serial;
	d->event.certificate_subject = d->certificate->subject;
	d->event.old_value = found->certificate.serial;
	d->event.new_value = d->certificate->serial;
	return sam_edit_set_key(&d->edit, &d->key);
}
