/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts about signing keys: making and renewing them, and their life from `activate` to the end (P1-6.4.1).
 * birth.c has the CM's part of the beginning, leftover.c of the end.
 */
#include "admin/internal.h"

#include <string.h>
#include "admin/leftover.h"
#include "base/encode.h"

/* A copy of the key that the act is about in d->key, and its record begun. */
static enum sam_reason take(struct sam_doing *d, enum sam_event_type type)
{
	const char *credential = sam_param(d, "key");
	const struct sam_key *found = credential ? sam_registry_key(d->s, credential) : NULL;
	d->event.type = type;
	d->event.credential = credential;
	d->event.detail = sam_param(d, "reason");
	if (!found)
		return SAM_NOT_FOUND;
	d->event.signer = found->signer;
	d->key = *found;
	return SAM_OK;
}

/* A SAD must be about this very key; its reason is the record's. */
static enum sam_reason check_order(struct sam_doing *d)
{
	if (!d->order)
		return SAM_OK;
	if (strcmp(d->order->operation.credential, d->key.credential) != 0) {
		sam_msg_set(d->msg, "the SAD orders it for another key, or for the signer");
		return SAM_SAD_PARAMS;
	}
	if (d->order->operation.reason[0])
		d->event.detail = d->order->operation.reason;
	return SAM_OK;
}

/* ---- making one ---- */

/* The SAD's words against those of the command or of the application; what was left open is as the SAD says. */
static enum sam_reason check_generate(struct sam_doing *d, const char **type, const char **label)
{
	const struct sam_sad_operation *operation = &d->order->operation;
	if ((*type && strcmp(*type, operation->type) != 0) || (*label && strcmp(*label, operation->label) != 0)) {
		sam_msg_set(d->msg, "the SAD orders a key of type %s with another label or type", operation->type);
		return SAM_SAD_PARAMS;
	}
	*type = operation->type;
	*label = operation->label;
	return SAM_OK;
}

enum sam_reason sam_doing_check_reference(struct sam_doing *d)
{
	const char *reference = sam_param(d, "reference");
	if (d->order)
		return SAM_OK;
	d->event.detail = reference;
	return d->policy->level > 1 && (!reference || !*reference) ? SAM_REFERENCE : SAM_OK;
}

enum sam_reason sam_doing_check_cm(struct sam_doing *d)
{
	const struct sam_policy_cm *entry;
	struct sam_cm_info info;
	sam_cm_info(sam_cm(d->sam), &info);
	if (d->s->cm_disabled)
		return SAM_CM_DISABLED;
	enum sam_reason reason = sam_policy_cm(d->policy, info.manufacturer, info.model, info.firmware, d->now, &entry);
	if (reason != SAM_OK)
		sam_msg_set(d->msg, "the policy's cms: do not list %s, %s, %s, or its evaluation has expired",
			    info.manufacturer, info.model, info.firmware);
	return reason;
}

static int64_t date(const struct sam_doing *d, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(d->params, name));
}

enum sam_reason sam_doing_wish(struct sam_doing *d, const char *signer, const char *type, const char *label)
{
	struct sam_key *key = &d->key;
	memset(key, 0, sizeof *key);
	key->created = d->now;
	key->start = date(d, "start");
	key->end = date(d, "end");
	key->life = d->order ? SAM_LIFE_ACTIVE : SAM_LIFE_INACTIVE;
	if (!type || !sam_key_type_by_name(type, &key->type, &key->bits) ||
	    !sam_mem_copy_text(key->signer, sizeof key->signer, signer) ||
	    !sam_mem_copy_text(key->label, sizeof key->label, label && *label ? label : signer))
		return SAM_ARGUMENTS;
	if (key->start < 0 || key->end < 0 || (key->end && (key->end <= d->now || key->end <= key->start))) {
		sam_msg_set(d->msg, "the key's end must lie ahead, and behind its start");
		return SAM_ARGUMENTS;
	}
	d->event.label = key->label;
	d->event.new_value = sam_key_type_name(key->type, key->bits);
	enum sam_reason reason = sam_policy_may_generate(d->policy, key->type, key->bits, d->now);
	return reason == SAM_OK ? sam_doing_check_cm(d) : reason;
}

static enum sam_reason make(struct sam_doing *d, const char *signer, const char *type, const char *label)
{
	d->event.type = SAM_EVENT_KEY_GENERATE;
	d->event.signer = signer;
	d->event.target = d->event.new_value = type;
	if (!signer || !sam_registry_signer(d->s, signer))
		return SAM_NOT_FOUND;
	enum sam_reason reason = d->order ? check_generate(d, &type, &label) : SAM_OK;
	if (reason == SAM_OK)
		reason = sam_doing_check_reference(d);
	return reason == SAM_OK ? sam_doing_wish(d, signer, type, label) : reason;
}

enum sam_reason sam_perform_key_generate(struct sam_doing *d)
{
	return make(d, sam_param(d, "id"), sam_param(d, "type"), sam_param(d, "label"));
}

/* The new one by the same rules as any; the old one ends when the new one is active. */
enum sam_reason sam_perform_key_renew(struct sam_doing *d)
{
	const char *credential = sam_param(d, "key"), *type = sam_param(d, "type"), *label = sam_param(d, "label");
	const struct sam_key *old = credential ? sam_registry_key(d->s, credential) : NULL;
	d->event.credential = credential;
	if (!old)
		return SAM_NOT_FOUND;
	if (old->life == SAM_LIFE_REVOKED)
		return SAM_KEY_STATE;
	/* what is left open is as the SAD says, or as the old one was */
	if (!type && !d->order)
		type = sam_key_type_name(old->type, old->bits);
	if (!label && !d->order)
		label = old->label;
	enum sam_reason reason = make(d, old->signer, type, label);
	/* a SAD for `generate' names no key that ends: the one that does is `activate' */
	d->key.life = SAM_LIFE_INACTIVE;
	memcpy(d->key.renews, old->credential, sizeof d->key.renews);
	d->event.old_value = old->credential;
	return reason;
}

/* ---- its life ---- */

enum sam_reason sam_doing_end_key(struct sam_doing *d, const char *credential)
{
	const struct sam_key *found = sam_registry_key(d->s, credential);
	if (!found || found->life == SAM_LIFE_REVOKED)
		return SAM_OK; /* it has ended already */
	struct sam_key key = *found;
	key.life = SAM_LIFE_REVOKED;
	key.changed = d->now;
	return sam_edit_set_key(&d->edit, &key);
}

enum sam_reason sam_perform_key_activate(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_KEY_ACTIVATE);
	if (reason != SAM_OK)
		return reason;
	if (!d->order)
		return SAM_SIGNER_ALONE;
	reason = check_order(d);
	if (reason == SAM_OK &&
	    !sam_mem_equal(d->order->operation.sha256, d->key.thumbprint, sizeof d->key.thumbprint)) {
		sam_msg_set(d->msg, "the SAD names another thumbprint");
		reason = SAM_SAD_PARAMS;
	}
	if (reason == SAM_OK && d->key.life != SAM_LIFE_INACTIVE)
		reason = SAM_KEY_STATE;
	d->key.life = SAM_LIFE_ACTIVE;
	if (reason == SAM_OK)
		reason = sam_edit_set_key(&d->edit, &d->key);
	if (reason != SAM_OK || !d->key.renews[0])
		return reason;
	d->event.old_value = d->key.renews;
	return sam_doing_end_key(d, d->key.renews);
}

/* What was authorised before is dead, when it is resumed too. */
static enum sam_reason turn(struct sam_doing *d, enum sam_event_type type, enum sam_life from, enum sam_life to)
{
	enum sam_reason reason = take(d, type);
	if (reason == SAM_OK)
		reason = check_order(d);
	if (reason == SAM_OK && d->key.life != from)
		reason = d->key.life == to ? SAM_NO_CHANGE : SAM_KEY_STATE;
	d->key.life = to;
	d->key.changed = d->now;
	return reason == SAM_OK ? sam_edit_set_key(&d->edit, &d->key) : reason;
}

enum sam_reason sam_perform_key_suspend(struct sam_doing *d)
{
	return turn(d, SAM_EVENT_KEY_SUSPEND, SAM_LIFE_ACTIVE, SAM_LIFE_SUSPENDED);
}

enum sam_reason sam_perform_key_resume(struct sam_doing *d)
{
	return turn(d, SAM_EVENT_KEY_RESUME, SAM_LIFE_SUSPENDED, SAM_LIFE_ACTIVE);
}

enum sam_reason sam_perform_key_revoke(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_KEY_REVOKE);
	if (reason == SAM_OK)
		reason = check_order(d);
	if (reason == SAM_OK && (!d->event.detail || !*d->event.detail)) {
		sam_msg_set(d->msg, "a revocation has a reason: --reason, or `reason` in the SAD");
		reason = SAM_ARGUMENTS;
	}
	if (reason == SAM_OK && d->key.life == SAM_LIFE_REVOKED)
		reason = SAM_NO_CHANGE;
	return reason == SAM_OK ? sam_doing_end_key(d, d->key.credential) : reason;
}

enum sam_reason sam_perform_key_destroy(struct sam_doing *d)
{
	enum sam_reason reason = take(d, SAM_EVENT_KEY_RETIRE);
	if (reason == SAM_OK)
		reason = check_order(d);
	return reason == SAM_OK ? sam_doing_end_key(d, d->key.credential) : reason;
}

/* The registry has let go of them already: what stays in the CM can do nothing, and is tried again by maintain. */
void sam_perform_after_end(struct sam_doing *d)
{
	size_t left = 0;
	enum sam_reason reason = sam_leftover_destroy(d->sam, &d->event, &left);
	if (reason != SAM_OK || left)
		sam_msg_set(d->msg, "it is done, but a key is left in the CM, where it can do nothing; `samctl maintain' "
			    "tries again");
}
