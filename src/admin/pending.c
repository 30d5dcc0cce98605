/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts that wait for their second person: confirmed, dropped, shown. What is confirmed is looked at again as a
 * whole, on the state of now.
 */
#include "admin/internal.h"

#include <string.h>
#include "base/encode.h"
#include "sap/jose.h"

/* The act that waits under that id, on the state of now. */
static enum sam_reason take_up(struct sam_doing *d, const char *id, json_t **params)
{
	const struct sam_pending *pending = sam_registry_pending(d->s, id);
	if (!pending)
		return SAM_NOT_FOUND;
	*params = json_loads(pending->params, JSON_REJECT_DUPLICATES, NULL);
	if (!*params)
		return SAM_STORE_TAMPERED;
	d->params = *params;
	d->act = pending->act;
	d->by = pending->by;
	d->confirming = true;
	return sam_edit_remove_pending(&d->edit, id);
}

/* Who began it still may, and it is still the same act. */
static enum sam_reason still_good(struct sam_doing *d, const struct sam_pending *pending, unsigned *first_roles)
{
	const struct sam_principal *p = sam_registry_principal(d->s, pending->by);
	const struct sam_signer *signer = sam_registry_signer(d->s, pending->by);
	struct sam_person begun = {.roles = p ? p->roles : signer ? SAM_SIGNER : 0,
				   .until_ms = INT64_MAX,
				   .changed = p ? p->changed : 0};
	sam_mem_copy_text(begun.name, sizeof begun.name, pending->by);
	*first_roles = begun.roles;
	if (pending->expires <= d->now)
		return SAM_PENDING_EXPIRED;
	if (sam_doing_read_policy(d) != SAM_OK)
		return SAM_PENDING_CHANGED;
	if (sam_doing_refine(d, d->act) != d->act || sam_doing_check_person(d, &begun, sam_act_info(d->act)->first) != SAM_OK)
		return SAM_PENDING_CHANGED;
	return SAM_OK;
}

static enum sam_reason confirm(struct sam_doing *d, const struct sam_person *person, const char *id,
			       struct sam_outcome *out)
{
	unsigned first_roles;
	enum sam_reason reason = still_good(d, sam_registry_pending(d->s, id), &first_roles);
	d->second = person->name;
	if (reason == SAM_OK)
		reason = sam_doing_check_second(d, d->by, first_roles, person);
	sam_mem_copy_text(out->id, sizeof out->id, id);
	return reason == SAM_OK ? sam_doing_carry_out(d, false, out) : reason;
}

static enum sam_reason cancel(struct sam_doing *d, const struct sam_person *person, const char *id,
			      struct sam_outcome *out)
{
	struct sam_event event = {.type = SAM_EVENT_PENDING_CANCEL, .target = sam_act_info(d->act)->name, .reference = id};
	bool may = strcmp(person->name, d->by) == 0 || (person->roles & sam_policy_second(d->policy, d->act));
	out->act = d->act;
	enum sam_reason reason = may ? sam_doing_check_person(d, person, ~0u) : SAM_ROLE;
	if (reason != SAM_OK)
		return reason;
	sam_person_describe(&event, person, 0);
	return sam_edit_commit_event(&d->edit, sam_audit(d->sam), &event);
}

/* What waits under an id stays the same act for ever. */
static enum sam_reason is_alone(struct sam *sam, const char *id, bool *is)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &s);
	if (reason != SAM_OK)
		return reason;
	const struct sam_pending *pending = sam_registry_pending(s, id);
	*is = pending && sam_doing_is_alone(pending->act);
	sam_registry_put(s);
	return SAM_OK;
}

static enum sam_reason on_pending(struct sam *sam, const struct sam_person *person, const char *id,
				  enum sam_reason (*what)(struct sam_doing *, const struct sam_person *, const char *,
							  struct sam_outcome *),
				  enum sam_act verb, struct sam_outcome *out)
{
	memset(out, 0, sizeof *out);
	out->act = verb;
	bool alone = false;
	enum sam_reason reason = is_alone(sam, id, &alone);
	if (reason == SAM_OK && alone) /* see sam_act_do() */
		reason = sam_cm_lock(sam_cm(sam), &out->msg);
	if (reason != SAM_OK)
		return reason;
	struct sam_birth birth = {.made = false};
	reason = SAM_STORE_CHANGED;
	for (unsigned tries = 0; reason == SAM_STORE_CHANGED && tries < SAM_ACT_TRIES; tries++) {
		struct sam_doing d;
		json_t *params = NULL;
		out->msg.text[0] = '\0';
		reason = sam_doing_start(&d, sam, NULL, &out->msg);
		if (reason != SAM_OK)
			break;
		d.birth = &birth;
		d.act = out->act = verb;
		reason = take_up(&d, id, &params);
		out->act = d.act;
		if (reason == SAM_OK)
			reason = what(&d, person, id, out);
		if (reason != SAM_OK && reason != SAM_STORE_CHANGED) {
			d.second = person->name;
			reason = sam_doing_refuse(&d, reason);
		}
		sam_doing_clear(&d);
		json_decref(params);
	}
	sam_birth_settle(sam, &birth, reason, out);
	if (alone)
		sam_cm_unlock(sam_cm(sam));
	return reason;
}

enum sam_reason sam_act_confirm(struct sam *sam, const struct sam_person *person, const char *id,
				struct sam_outcome *out)
{
	return on_pending(sam, person, id, confirm, SAM_ACT_PENDING_CONFIRM, out);
}

enum sam_reason sam_act_cancel(struct sam *sam, const struct sam_person *person, const char *id,
			       struct sam_outcome *out)
{
	return on_pending(sam, person, id, cancel, SAM_ACT_PENDING_CANCEL, out);
}

/* ---- for people ---- */

/* Of what is too long to show. */
static void show_sha256(const json_t *params, const char *name, json_t *out, const char *as)
{
	const json_t *text = json_object_get(params, name);
	uint8_t sha256[32];
	char hex[65];
	if (!json_is_string(text) || sam_ossl_digest(SAM_HASH_SHA256, json_string_value(text), json_string_length(text),
						     sha256) != SAM_OK)
		return;
	sam_encode_hex(sha256, sizeof sha256, hex);
	json_object_set_new(out, as, json_string(hex));
}

json_t *sam_act_describe(const struct sam_pending *pending)
{
	/* what the second person has to compare; hashes of passwords and PINs never leave */
	static const char *const shown[] = {"id", "name", "subject", "reason", "kid", "old", "role", "uid", "signers",
					    "config_sha256", "key", "type", "label", "reference", "start", "end",
					    "certificate", "overlap"};
	sam_auto(json_decref) json_t *params = json_loads(pending->params, 0, NULL);
	json_t *out = json_object();
	struct sam_jwk jwk;
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		if (json_object_get(params, shown[i]))
			json_object_set(out, shown[i], json_object_get(params, shown[i]));
	if (json_object_get(params, "jwk") && sam_jose_jwk(json_object_get(params, "jwk"), &jwk, NULL) == SAM_OK) {
		json_object_set_new(out, "device", json_string(jwk.thumbprint));
		sam_jose_jwk_clear(&jwk);
	}
	if (json_object_get(params, "pin"))
		json_object_set_new(out, "pin", json_true());
	show_sha256(params, "text", out, "policy_sha256");
	show_sha256(params, "package", out, "package_sha256");
	return out;
}
