/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts about signers: enrolment, stopping and removing them, their own password. Every change raises the
 * signer's version: what was authorised before it is dead (P1-6.3.1a.1, P2-3.1.2.2).
 */
#include "admin/internal.h"

#include <string.h>
#include "registry/identify.h"
#include "sap/subject.h"

/* A copy of the signer that the act is about in d->signer, and its record begun. */
static enum sam_reason take(struct sam_doing *d, enum sam_event_type type)
{
	const char *id = sam_param(d, "id");
	const struct sam_signer *found = id ? sam_registry_signer(d->s, id) : NULL;
	d->event.type = type;
	d->event.signer = id;
	d->event.detail = sam_param(d, "reason");
	if (!found)
		return SAM_NOT_FOUND;
	d->signer = *found;
	return SAM_OK;
}

/* An act on the whole signer: the SAD must not be about one key, and its reason is the record's. */
static enum sam_reason check_order(struct sam_doing *d)
{
	if (!d->order)
		return SAM_OK;
	if (d->order->operation.credential[0])
		return SAM_SAD_OPERATION;
	if (d->order->operation.reason[0])
		d->event.detail = d->order->operation.reason;
	return SAM_OK;
}

static enum sam_reason put(struct sam_doing *d)
{
	d->signer.version++;
	d->signer.changed = d->now;
	return sam_edit_set_signer(&d->edit, &d->signer);
}

/* What no certificate request could carry is told now. */
static enum sam_reason check_subject(struct sam_doing *d, const char *subject)
{
	sam_auto(X509_NAME_free) X509_NAME *name = NULL;
	if (!*subject)
		return SAM_OK;
	enum sam_reason reason = sam_subject_parse(subject, &name, d->msg);
	return reason == SAM_SUBJECT ? SAM_ARGUMENTS : reason;
}

enum sam_reason sam_perform_signer_add(struct sam_doing *d)
{
	const char *id = sam_param(d, "id"), *name = sam_param(d, "name"), *subject = sam_param(d, "subject");
	const char *password = sam_param(d, "password");
	struct sam_signer *signer = &d->signer;
	signer->version = 1;
	signer->created = d->now;
	d->event.type = SAM_EVENT_SIGNER_ADD;
	d->event.signer = id;
	if (!id || !sam_mem_copy_text(signer->id, sizeof signer->id, id) ||
	    !sam_mem_copy_text(signer->name, sizeof signer->name, name ? name : "") ||
	    !sam_mem_copy_text(signer->subject, sizeof signer->subject, subject ? subject : "") ||
	    !sam_mem_copy_text(signer->password, sizeof signer->password, password ? password : ""))
		return SAM_ARGUMENTS;
	enum sam_reason reason = check_subject(d, signer->subject);
	if (reason != SAM_OK)
		return reason;
	if (password && d->by)
		sam_mem_copy_text(signer->password_by, sizeof signer->password_by, d->by);
	return sam_edit_add_signer(&d->edit, signer);
}

enum sam_reason sam_perform_signer_suspend(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_SIGNER_SUSPEND);
	if (reason == SAM_OK)
		reason = check_order(d);
	if (reason == SAM_OK && d->signer.suspended)
		reason = SAM_NO_CHANGE;
	d->signer.suspended = true;
	return reason == SAM_OK ? put(d) : reason;
}

enum sam_reason sam_perform_signer_resume(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_SIGNER_RESUME);
	if (reason == SAM_OK)
		reason = check_order(d);
	if (reason == SAM_OK && !d->signer.suspended)
		reason = SAM_NO_CHANGE;
	d->signer.suspended = false;
	return reason == SAM_OK ? put(d) : reason;
}

enum sam_reason sam_perform_signer_remove(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_SIGNER_REMOVE);
	if (reason == SAM_OK)
		reason = check_order(d);
	if (reason == SAM_OK)
		reason = sam_edit_remove_signer(&d->edit, &d->signer, true, d->now);
	/* counters and tokens go with the signer: only tombstones and the trail remain (P1-4.2.2-stop-2) */
	d->forget = true;
	sam_doing_clear_locks(d, sam_param(d, "id"));
	return reason;
}

/* By a SAD the passwords' locks end, not the PIN's: whoever has the device alone could guess the PIN on without end. */
static enum sam_reason clear_locks(struct sam_doing *d)
{
	bool locked = false;
	sam_doing_clear_locks(d, sam_param(d, "id"));
	d->clear_count -= d->order != NULL;
	enum sam_reason reason = sam_identify_any_locked(sam_registry(d->sam), d->clears, d->clear_count, &locked);
	return reason == SAM_OK && !locked ? SAM_NO_CHANGE : reason;
}

enum sam_reason sam_perform_signer_unlock(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_SIGNER_UNLOCK);
	if (reason == SAM_OK && d->order && strcmp(d->order->operation.act, "unlock") != 0)
		reason = SAM_SAD_OPERATION;
	if (reason == SAM_OK)
		reason = clear_locks(d);
	return reason == SAM_OK ? put(d) : reason;
}

/* Whoever gave the first password knows it and can come here with it: it becomes the signer's own, with which a
 * login may authorise, only where a second person has asked the signer. */
enum sam_reason sam_perform_signer_passwd(struct sam_doing *d)
{
	const char *password = sam_param(d, "password");
	enum sam_reason reason = take(d, SAM_EVENT_SIGNER_PASSWD);
	if (reason != SAM_OK)
		return reason;
	if (!password || !sam_mem_copy_text(d->signer.password, sizeof d->signer.password, password))
		return SAM_ARGUMENTS;
	if (d->act == SAM_ACT_SIGNER_PASSWD_FIRST)
		d->signer.password_own = true;
	return put(d);
}
