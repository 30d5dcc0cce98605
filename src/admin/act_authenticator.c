/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts about what a signer authorises with: device keys, keys of certificates, and the PIN (P2-3.1.2.2). The first
 * takes two people; later ones the signer's SAD, or two officers, and each of those is an alert.
 */
#include "admin/internal.h"

#include <string.h>
#include "base/encode.h"
#include "registry/identify.h"
#include "sap/x5c.h"

enum { PROOF_S = 86400 }; /* a proof of possession may be carried around for a day */

static enum sam_reason take(struct sam_doing *d)
{
	const char *id = sam_param(d, "id");
	const struct sam_signer *found = id ? sam_registry_signer(d->s, id) : NULL;
	d->event.type = d->act == SAM_ACT_AUTHENTICATOR_FIRST ? SAM_EVENT_AUTHENTICATOR_ADD : SAM_EVENT_AUTHENTICATOR_CHANGE;
	d->event.signer = id;
	if (!found)
		return SAM_NOT_FOUND;
	d->signer = *found;
	return SAM_OK;
}

/* The first one ends nothing: there is nothing that an older SAD could have been made with. */
static enum sam_reason put(struct sam_doing *d)
{
	d->signer.version++;
	if (d->signer.enrolled)
		d->signer.changed = d->now;
	d->signer.enrolled = true;
	return sam_edit_set_signer(&d->edit, &d->signer);
}

/* Who holds the private key says for which signer, at which SAM; once (P1-6.2.1.4). */
static enum sam_reason check_proof(struct sam_doing *d, const struct sam_device *device)
{
	const char *proof = sam_param(d, "proof"), *id = sam_param(d, "id");
	const struct sam_sad_rules rules = {
		.sam_id = sam_config(d->sam)->sam_id,
		.now = d->now,
		.max_lifetime = PROOF_S,
		.leeway = SAM_STATEMENT_LEEWAY_S,
	};
	if (d->confirming) /* it was shown when the act was begun, and used up then */
		return SAM_OK;
	if (!proof)
		return SAM_PROOF;
	enum sam_reason reason =
		sam_statement_own(sam_seal(d->sam), proof, strlen(proof), &rules, &d->proof, d->msg);
	if (reason != SAM_OK)
		return reason;
	if (strcmp(d->proof.jwk.thumbprint, device->kid) != 0 || strcmp(d->proof.frame.sub, id) != 0) {
		sam_msg_set(d->msg, "the proof is of another key, or for another signer");
		return SAM_PROOF;
	}
	sam_statement_spend(&d->proof, SAM_TYP_ENROL, &d->spends[d->spend_count++]);
	return SAM_OK;
}

/* The SAD names the act and the key that it is about. */
static enum sam_reason check_order(const struct sam_doing *d, const char *act, const char *kid)
{
	if (!d->order)
		return SAM_OK;
	const struct sam_sad_operation *operation = &d->order->operation;
	return strcmp(operation->act, act) == 0 && strcmp(operation->jkt, kid) == 0 ? SAM_OK : SAM_SAD_OPERATION;
}

/* A certificate's: the CA vouches for it, and what the registry binds to the signer is its key. */
static enum sam_reason read_certificate(struct sam_doing *d, struct sam_authenticator *a)
{
	const char *text = sam_param(d, "certificate");
	uint8_t sha256[32];
	if (!(d->certificate = calloc(1, sizeof *d->certificate)))
		return SAM_MEMORY;
	enum sam_reason reason = sam_x509_read(text, strlen(text), d->certificate, d->msg);
	if (reason == SAM_OK)
		reason = sam_x5c_verify(d->policy, d->certificate, SAM_CA_AUTHENTICATION, d->now, d->msg);
	if (reason == SAM_OK)
		reason = sam_x5c_device(d->certificate, &a->device, d->msg);
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, d->certificate->der, d->certificate->len, sha256);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(sha256, sizeof sha256, a->certificate);
	d->event.certificate_issuer = d->certificate->issuer;
	d->event.certificate_serial = d->certificate->serial;
	d->event.certificate_subject = d->certificate->subject;
	return SAM_OK;
}

/* A bare key proves itself; a certificate's chain does, and a proof that comes along must be right. */
static enum sam_reason check_evidence(struct sam_doing *d, const struct sam_authenticator *a)
{
	return a->certificate[0] && !sam_param(d, "proof") ? SAM_OK : check_proof(d, &a->device);
}

static enum sam_reason add_device(struct sam_doing *d, const char *act)
{
	struct sam_authenticator a = {.created = d->now};
	enum sam_reason reason = sam_param(d, "certificate") ? read_certificate(d, &a) : sam_param_device(d, &a.device);
	if (reason == SAM_OK && !d->policy->sad_algorithms[a.device.alg] && a.device.alg != SAM_JWS_NONE)
		reason = SAM_SAD_ALGORITHM;
	if (reason == SAM_OK)
		reason = check_order(d, act, a.device.kid);
	if (reason == SAM_OK)
		reason = check_evidence(d, &a);
	if (reason == SAM_OK && !sam_mem_copy_text(a.signer, sizeof a.signer, sam_param(d, "id")))
		reason = SAM_ARGUMENTS;
	if (reason == SAM_OK)
		reason = sam_edit_add_authenticator(&d->edit, &a);
	sam_mem_copy_text(d->text[0], sizeof d->text[0], a.device.kid);
	sam_device_clear(&a.device);
	return reason;
}

/* ---- the PIN ---- */

/* It is the signer's own: set once at enrolment, at the signer's own terminal. Others can clear it and no more; who has
 * ever had one sets the next by the own device (sam_perform_authenticator_pin()). */
static enum sam_reason add_pin(struct sam_doing *d)
{
	struct sam_signer *signer = &d->signer;
	strcpy(d->text[0], "pin");
	if (d->order || signer->pin_set) {
		sam_msg_set(d->msg, "who has ever had a PIN sets the next one by a SAD: `samctl authenticator replace %s "
				    "--sad FILE`", signer->id);
		return SAM_SIGNER_ALONE;
	}
	signer->pin_set = true;
	return sam_mem_copy_text(signer->pin, sizeof signer->pin, sam_param(d, "pin")) ? SAM_OK : SAM_ARGUMENTS;
}

/* What went wrong with the old one says nothing of the new. */
static void forget_failures(struct sam_doing *d)
{
	d->clears[d->clear_count++] = (struct sam_counter_id){SAM_COUNTER_PIN, d->signer.id};
}

/* By the signer's SAD alone: signed by the device and with the old PIN in it (sam_order_read() has looked at both), or
 * by the device where officers took the old one away. */
enum sam_reason sam_perform_authenticator_pin(struct sam_doing *d)
{
	enum sam_reason reason = take(d);
	if (reason != SAM_OK)
		return reason;
	if (!d->order || !d->signer.pin_set)
		return d->order ? SAM_NOT_FOUND : SAM_SIGNER_ALONE;
	const char *fresh = d->order->fresh;
	const size_t len = strlen(fresh);
	d->event.target = d->event.new_value = "pin";
	d->event.old_value = d->signer.pin[0] ? "pin" : NULL;
	reason = sam_knowledge_strong(fresh, len, d->msg);
	if (reason == SAM_OK && d->signer.pin[0] &&
	    sam_password_check(sam_seal(d->sam), fresh, len, d->signer.pin) == SAM_OK)
		reason = SAM_PASSWORD_SAME;
	/* it would be known to every application that logs in with it (P1-3.5.2) */
	if (reason == SAM_OK && d->signer.password[0] &&
	    sam_password_check(sam_seal(d->sam), fresh, len, d->signer.password) == SAM_OK)
		reason = SAM_SECRET_SHARED;
	if (reason == SAM_OK)
		reason = sam_password_make(sam_seal(d->sam), fresh, len, d->signer.pin, sizeof d->signer.pin);
	if (reason != SAM_OK)
		return reason;
	forget_failures(d);
	return put(d);
}

/* ---- the acts ---- */

enum sam_reason sam_perform_authenticator_add(struct sam_doing *d)
{
	enum sam_reason reason = take(d);
	if (reason != SAM_OK)
		return reason;
	reason = sam_param(d, "pin") ? add_pin(d) : add_device(d, "add");
	d->event.target = d->text[0];
	if (reason == SAM_OK && d->event.type == SAM_EVENT_AUTHENTICATOR_CHANGE)
		d->event.new_value = d->text[0];
	return reason == SAM_OK ? put(d) : reason;
}

/* One of this signer's device keys. */
static enum sam_reason take_out(struct sam_doing *d, const char *kid)
{
	const struct sam_authenticator *a = kid ? sam_registry_authenticator(d->s, kid) : NULL;
	if (!a || strcmp(a->signer, sam_param(d, "id")) != 0)
		return SAM_NOT_FOUND;
	d->event.old_value = a->device.kid;
	return sam_edit_remove_authenticator(&d->edit, kid);
}

/* The one that goes: named, or the only one that there is. The signer's SAD names the new one alone, so it speaks
 * only where there is no choice. */
static const char *find_old(const struct sam_doing *d)
{
	const char *old = sam_param(d, "old"), *only = NULL;
	size_t count = 0;
	for (size_t i = 0; i < d->s->authenticator_count; i++) {
		if (strcmp(d->s->authenticators[i].signer, sam_param(d, "id")) != 0)
			continue;
		only = d->s->authenticators[i].device.kid;
		count++;
	}
	if (old && (!d->order || count == 1))
		return old;
	if (count == 1)
		return only;
	sam_msg_set(d->msg, d->order ? "with several device keys a SAD does not say which goes: add and remove"
				     : "there is not just one device key: say which goes (--kid)");
	return NULL;
}

enum sam_reason sam_perform_authenticator_replace(struct sam_doing *d)
{
	enum sam_reason reason = take(d);
	if (reason == SAM_OK)
		reason = take_out(d, find_old(d));
	if (reason == SAM_OK)
		reason = add_device(d, "replace");
	d->event.target = d->event.new_value = d->text[0];
	return reason == SAM_OK ? put(d) : reason;
}

enum sam_reason sam_perform_authenticator_remove(struct sam_doing *d)
{
	const char *kid = sam_param(d, "kid");
	bool pin = json_is_true(json_object_get(d->params, "pin"));
	enum sam_reason reason = take(d);
	d->event.target = pin ? "pin" : kid;
	if (reason == SAM_OK && pin) {
		d->event.old_value = "pin";
		reason = d->order ? SAM_SAD_OPERATION : d->signer.pin[0] ? SAM_OK : SAM_NOT_FOUND;
		sam_mem_wipe(d->signer.pin, sizeof d->signer.pin);
		forget_failures(d);
	} else if (reason == SAM_OK) {
		reason = take_out(d, kid);
		if (reason == SAM_OK)
			reason = check_order(d, "remove", kid);
	}
	return reason == SAM_OK ? put(d) : reason;
}
