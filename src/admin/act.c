/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who may, with whom, and then all of it in one transaction (invariants 4 and 10).
 */
#include "admin/internal.h"

#include <string.h>
#include "admin/import.h"
#include "base/clock.h"
#include "sap/jose.h"

enum { ID_CHARACTERS = SAM_PENDING_SIZE - 1, PENDING_EACH = 16 };

static const struct {
	sam_perform *perform;
	enum sam_reason (*before)(struct sam_doing *d); /* the last thing before the commit, that may fail */
	void (*after)(struct sam_doing *d);
} table[SAM_ACT_COUNT] = {
	[SAM_ACT_SIGNER_ADD] = {sam_perform_signer_add, NULL, NULL},
	[SAM_ACT_SIGNER_SUSPEND] = {sam_perform_signer_suspend, NULL, NULL},
	[SAM_ACT_SIGNER_RESUME] = {sam_perform_signer_resume, NULL, NULL},
	[SAM_ACT_SIGNER_REMOVE] = {sam_perform_signer_remove, NULL, sam_perform_after_end},
	[SAM_ACT_SIGNER_UNLOCK] = {sam_perform_signer_unlock, NULL, NULL},
	[SAM_ACT_SIGNER_PASSWD] = {sam_perform_signer_passwd, NULL, NULL},
	[SAM_ACT_SIGNER_PASSWD_FIRST] = {sam_perform_signer_passwd, NULL, NULL},
	[SAM_ACT_AUTHENTICATOR_FIRST] = {sam_perform_authenticator_add, NULL, NULL},
	[SAM_ACT_AUTHENTICATOR_ADD] = {sam_perform_authenticator_add, NULL, NULL},
	[SAM_ACT_AUTHENTICATOR_REPLACE] = {sam_perform_authenticator_replace, NULL, NULL},
	[SAM_ACT_AUTHENTICATOR_PIN] = {sam_perform_authenticator_pin, NULL, NULL},
	[SAM_ACT_AUTHENTICATOR_REMOVE] = {sam_perform_authenticator_remove, NULL, NULL},
	[SAM_ACT_PRINCIPAL_ADD] = {sam_perform_principal_add, NULL, NULL},
	[SAM_ACT_PRINCIPAL_ADD_TRUSTED] = {sam_perform_principal_add, NULL, NULL},
	[SAM_ACT_SECOND_OFFICER] = {sam_perform_principal_add, NULL, NULL},
	[SAM_ACT_PRINCIPAL_REMOVE] = {sam_perform_principal_remove, NULL, NULL},
	[SAM_ACT_PRINCIPAL_UNLOCK] = {sam_perform_principal_unlock, NULL, NULL},
	[SAM_ACT_PRINCIPAL_UNLOCK_TRUSTED] = {sam_perform_principal_unlock, NULL, NULL},
	[SAM_ACT_PRINCIPAL_PASSWD] = {sam_perform_principal_passwd, NULL, NULL},
	[SAM_ACT_PRINCIPAL_DEVICE] = {sam_perform_principal_device, NULL, NULL},
	[SAM_ACT_ROLE_GRANT] = {sam_perform_role_grant, NULL, NULL},
	[SAM_ACT_ROLE_REVOKE] = {sam_perform_role_revoke, NULL, NULL},
	[SAM_ACT_KEY_GENERATE] = {sam_perform_key_generate, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_GENERATE_LEVEL] = {sam_perform_key_generate, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_RENEW] = {sam_perform_key_renew, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_RENEW_LEVEL] = {sam_perform_key_renew, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_IMPORT] = {sam_perform_key_import, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_IMPORT_LEVEL] = {sam_perform_key_import, sam_perform_before_birth, NULL},
	[SAM_ACT_KEY_ACTIVATE] = {sam_perform_key_activate, NULL, sam_perform_after_end},
	[SAM_ACT_KEY_SUSPEND] = {sam_perform_key_suspend, NULL, NULL},
	[SAM_ACT_KEY_RESUME] = {sam_perform_key_resume, NULL, NULL},
	[SAM_ACT_KEY_REVOKE] = {sam_perform_key_revoke, NULL, sam_perform_after_end},
	[SAM_ACT_KEY_DESTROY] = {sam_perform_key_destroy, NULL, sam_perform_after_end},
	[SAM_ACT_KEY_CERTIFICATE] = {sam_perform_key_certificate, NULL, NULL},
	[SAM_ACT_POLICY_SIGN] = {sam_perform_policy_sign, sam_perform_before_policy, NULL},
	[SAM_ACT_POLICY_LEVEL] = {sam_perform_policy_sign, sam_perform_before_policy, NULL},
	[SAM_ACT_SAP_ROTATE] = {sam_perform_sap_rotate, sam_perform_before_rotate, sam_perform_after_rotate},
	[SAM_ACT_CM_ENABLE] = {sam_perform_cm_enable, NULL, NULL},
	[SAM_ACT_CM_DISABLE] = {sam_perform_cm_disable, NULL, NULL},
};

/* ---- parameters ---- */

const char *sam_param(const struct sam_doing *d, const char *name)
{
	return json_string_value(json_object_get(d->params, name));
}

enum sam_reason sam_param_device(const struct sam_doing *d, struct sam_device *out)
{
	const json_t *json = json_object_get(d->params, "jwk");
	struct sam_jwk jwk = {.pkey = NULL};
	memset(out, 0, sizeof *out);
	enum sam_reason reason = sam_jose_jwk(json, &jwk, d->msg);
	if (reason != SAM_OK)
		return SAM_ARGUMENTS;
	sam_auto(json_decref) json_t *public = sam_jose_jwk_public(json);
	sam_auto(sam_free) char *text = public ? json_dumps(public, JSON_COMPACT) : NULL;
	reason = text ? sam_device_set(out, text, jwk.thumbprint, jwk.alg, jwk.pkey) : SAM_MEMORY;
	sam_jose_jwk_clear(&jwk);
	return reason;
}

void sam_doing_clear_locks(struct sam_doing *d, const char *name)
{
	sam_identify_doors(name, d->clears);
	d->clear_count = SAM_DOORS;
}

/* ---- the policy that is signed ---- */

/* The level of the policy that is to be signed says which act it is. */
enum sam_reason sam_doing_read_policy(struct sam_doing *d)
{
	const char *text = sam_param(d, "text");
	if (d->act != SAM_ACT_POLICY_SIGN && d->act != SAM_ACT_POLICY_LEVEL)
		return SAM_OK;
	return text ? sam_policy_parse("the policy", text, strlen(text), &d->sealed.policy, d->msg) : SAM_ARGUMENTS;
}

/* ---- records ---- */

static void describe_actor(const struct sam_doing *d, struct sam_event *event, const char *name, unsigned as)
{
	const struct sam_principal *p = name ? sam_registry_principal(d->s, name) : NULL;
	struct sam_person person = {.roles = p ? p->roles : SAM_SIGNER};
	if (!name)
		return;
	sam_mem_copy_text(person.name, sizeof person.name, name);
	sam_person_describe(event, &person, as);
	event->actor = name; /* it outlives the person above */
}

/* The act's own record, and one of the second person's. */
static enum sam_reason make_records(struct sam_doing *d, const char *id, struct sam_audit_record records[2],
				    size_t *count)
{
	struct sam_audit *audit = sam_audit(d->sam);
	struct sam_event second = {
		.type = d->waiting ? SAM_EVENT_PENDING_ADD : SAM_EVENT_CONFIRM,
		.signer = d->event.signer,
		.credential = d->event.credential,
		.target = sam_act_info(d->act)->name,
		.new_value = d->event.target,
		.reference = id,
	};
	*count = 0;
	d->event.reference = d->second ? id : d->event.reference;
	if (d->order)
		sam_order_describe(&d->event, d->order, true);
	else
		describe_actor(d, &d->event, d->by, sam_act_info(d->act)->first);
	enum sam_reason reason = SAM_OK;
	if (!d->waiting)
		reason = sam_audit_make(audit, &d->event, &records[(*count)++]);
	if (reason == SAM_OK && (d->waiting || d->second)) {
		describe_actor(d, &second, d->waiting ? d->by : d->second,
			       d->waiting ? sam_act_info(d->act)->first : sam_policy_second(d->policy, d->act));
		reason = sam_audit_make(audit, &second, &records[(*count)++]);
	}
	return reason;
}

/* Is it the token of a SAD of that signer? */
static bool is_token_of(void *signer, const void *body, size_t len)
{
	struct sam_activation a;
	if (sam_sad_read(body, len, &a) != SAM_OK)
		return false;
	bool is = strcmp(a.sub, signer) == 0;
	sam_sad_clear(&a);
	return is;
}

static enum sam_reason commit(struct sam_doing *d, const char *id)
{
	const struct sam_forget forget = {is_token_of, d->signer.id};
	struct sam_audit_record made[2] = {{.members = NULL}, {.members = NULL}};
	struct sam_record records[2];
	size_t count;
	enum sam_reason reason = make_records(d, id, made, &count);
	for (size_t i = 0; i < count; i++)
		records[i] = made[i].record;
	struct sam_edit_with with = {
		.spends = d->spends,
		.spend_count = d->spend_count,
		.clears = d->clears,
		.clear_count = d->waiting ? 0 : d->clear_count,
		.forget = d->forget && !d->waiting ? &forget : NULL,
		.records = records,
		.record_count = count,
		.now = d->now,
	};
	if (reason == SAM_OK)
		reason = sam_edit_commit(&d->edit, &with);
	sam_audit_clear(&made[0]);
	sam_audit_clear(&made[1]);
	return reason;
}

/* Refusals are recorded like any other (P1-7.1.4.1c). */
enum sam_reason sam_doing_refuse(struct sam_doing *d, enum sam_reason why)
{
	struct sam_event event = {
		.type = SAM_EVENT_ADMIN_REFUSED,
		.target = sam_act_info(d->act)->name,
		.new_value = d->event.target,
		/* a name that nobody has is an attacker's text */
		.signer = d->event.signer && sam_registry_signer(d->s, d->event.signer) ? d->event.signer : NULL,
		.credential = d->event.credential && sam_registry_key(d->s, d->event.credential) ? d->event.credential : NULL,
		.detail = d->msg->text[0] ? d->msg->text : NULL,
	};
	if (d->order)
		sam_order_describe(&event, d->order, false);
	else
		describe_actor(d, &event, d->second ? d->second : d->by,
			       d->second ? sam_policy_second(d->policy, d->act) : sam_act_info(d->act)->first);
	event.reason = why;
	enum sam_reason reason = sam_audit_event(sam_audit(d->sam), &event, true);
	return reason == SAM_OK ? why : reason;
}

/* ---- doing ---- */

void sam_doing_clear(struct sam_doing *d)
{
	sam_edit_clear(&d->edit);
	sam_statement_clear(&d->proof);
	if (d->import)
		sam_import_clear(d->import);
	free(d->import);
	if (d->certificate)
		sam_x509_clear(d->certificate);
	free(d->certificate);
	free(d->sealed.text);
	free(d->sealed.jws);
	sam_device_clear(&d->sealed.signer);
	sam_mem_wipe(&d->signer, sizeof d->signer);
	sam_mem_wipe(&d->principal, sizeof d->principal);
	sam_registry_put(d->s);
	d->s = NULL;
}

/* Ready to look at an act on the state of now. */
enum sam_reason sam_doing_start(struct sam_doing *d, struct sam *sam, const json_t *params, struct sam_msg *msg)
{
	static const struct sam_policy none = {.level = 0};
	*d = (struct sam_doing){.sam = sam, .params = params, .now = sam_clock_now(), .msg = msg};
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &d->s);
	if (reason != SAM_OK)
		return reason;
	d->policy = d->s->sealed ? &d->s->sealed->policy : &none;
	sam_edit_start(&d->edit, sam_registry(sam), d->s);
	return SAM_OK;
}

/* 13 characters of base32: 65 bits, for people to read to each other. */
static enum sam_reason new_id(char id[SAM_PENDING_SIZE])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[ID_CHARACTERS];
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	for (size_t i = 0; reason == SAM_OK && i < sizeof random; i++)
		id[i] = alphabet[random[i] & 31];
	id[ID_CHARACTERS] = '\0';
	return reason;
}

/* The same act about the same: the newer wish counts. */
static bool is_same(const struct sam_doing *d, const struct sam_pending *p)
{
	static const char *const about[] = {"id", "name", "kid", "role", "key", "type", "label", "package"};
	sam_auto(json_decref) json_t *params = json_loads(p->params, 0, NULL);
	bool same = params && p->act == d->act && strcmp(p->by, d->by) == 0;
	for (size_t i = 0; same && i < sizeof about / sizeof about[0]; i++) {
		const json_t *was = json_object_get(params, about[i]), *is = json_object_get(d->params, about[i]);
		same = was == is || (was && is && json_equal(was, is));
	}
	return same;
}

/* What nobody can confirm any more goes, and what this person wished before about the same; of others' acts none,
 * and nobody fills the places for all. */
static enum sam_reason make_room(struct sam_doing *d)
{
	enum sam_reason reason = SAM_OK;
	unsigned mine = 0;
	for (size_t i = 0; reason == SAM_OK && i < d->s->pending_count; i++) {
		const struct sam_pending *p = &d->s->pendings[i];
		if (p->expires <= d->now || is_same(d, p))
			reason = sam_edit_remove_pending(&d->edit, p->id);
		else
			mine += strcmp(p->by, d->by) == 0;
	}
	return reason == SAM_OK && mine >= PENDING_EACH ? SAM_PENDINGS_FULL : reason;
}

/* Everything that can be refused is refused now; the changes themselves wait. */
static enum sam_reason put_off(struct sam_doing *d, struct sam_outcome *out)
{
	sam_auto(sam_free) char *text = json_dumps(d->params, JSON_COMPACT);
	struct sam_pending pending = {.act = d->act, .created = d->now, .params = text};
	if (!text)
		return SAM_MEMORY;
	sam_edit_clear(&d->edit);
	pending.expires = d->now + (d->policy->pending_s ? d->policy->pending_s : 3600);
	sam_mem_copy_text(pending.by, sizeof pending.by, d->by);
	enum sam_reason reason = new_id(pending.id);
	if (reason == SAM_OK)
		reason = make_room(d);
	if (reason == SAM_OK)
		reason = sam_edit_add_pending(&d->edit, &pending);
	if (reason == SAM_OK)
		reason = commit(d, pending.id);
	if (reason == SAM_OK) {
		out->pending = true;
		memcpy(out->id, pending.id, sizeof out->id);
	}
	sam_mem_wipe(text, strlen(text));
	return reason;
}

/* Looked at, then done, or left to wait. */
enum sam_reason sam_doing_carry_out(struct sam_doing *d, bool waits, struct sam_outcome *out)
{
	d->waiting = waits;
	out->act = d->act;
	enum sam_reason reason = table[d->act].perform ? table[d->act].perform(d) : SAM_INTERNAL;
	if (reason != SAM_OK)
		return reason;
	if (waits)
		return put_off(d, out);
	if (d->second && !out->id[0])
		reason = new_id(out->id);
	if (reason == SAM_OK && table[d->act].before)
		reason = table[d->act].before(d);
	if (reason == SAM_OK)
		reason = commit(d, out->id);
	if (reason == SAM_OK && table[d->act].after)
		table[d->act].after(d);
	return reason;
}

/* By the signer's SAD, which must be about this signer (and the act's own function looks at the rest). */
static enum sam_reason by_sad(struct sam_doing *d, const struct sam_actors *actors, struct sam_order *order,
			      struct sam_outcome *out)
{
	const char *name = sam_act_info(d->act)->sad;
	const bool import = d->act == SAM_ACT_KEY_IMPORT || d->act == SAM_ACT_KEY_IMPORT_LEVEL;
	if (!*name)
		return SAM_SAD_OPERATION;
	enum sam_reason reason =
		actors->activation ? sam_order_take(d->sam, d->s, actors->activation, order)
				   : sam_order_read(d->sam, d->s, actors->sad, actors->sad_len, name, order, d->msg);
	d->order = order;
	if (reason == SAM_OK && import) /* it says whose key it is */
		reason = sam_doing_open_import(d);
	const char *whose = sam_doing_whose(d);
	if (reason == SAM_OK && (!whose || strcmp(order->sad.sub, whose) != 0))
		reason = SAM_SAD_FOREIGN;
	if (reason != SAM_OK)
		return reason;
	sam_order_spend(order, &d->spends[d->spend_count++]);
	return sam_doing_carry_out(d, false, out);
}

static enum sam_reason by_people(struct sam_doing *d, const struct sam_actors *actors, struct sam_outcome *out)
{
	const unsigned second = sam_policy_second(d->policy, d->act);
	d->by = actors->first.name;
	enum sam_reason reason = sam_doing_check_person(d, &actors->first, sam_act_info(d->act)->first);
	if (reason == SAM_OK)
		reason = sam_doing_check_own(d, &actors->first);
	if (reason == SAM_OK && actors->second.name[0] && second) {
		d->second = actors->second.name;
		reason = sam_doing_check_second(d, d->by, actors->first.roles, &actors->second);
	}
	return reason == SAM_OK ? sam_doing_carry_out(d, second && !d->second, out) : reason;
}

/* What people are shown later: in the trail, in lists, to the second person. */
static bool are_texts_plain(const json_t *params, struct sam_msg *msg)
{
	static const char *const names[] = {"name", "subject", "reason", "label", "reference"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const json_t *text = json_object_get(params, names[i]);
		if (!text || sam_sad_label_valid(json_string_value(text), json_string_length(text)))
			continue;
		sam_msg_set(msg, "%s: has 256 bytes at most, and no control characters", names[i]);
		return false;
	}
	return true;
}

static enum sam_reason act_again(struct sam *sam, const struct sam_actors *actors, enum sam_act act,
				 const json_t *params, struct sam_outcome *out)
{
	struct sam_birth birth = {.made = false};
	enum sam_reason reason = SAM_STORE_CHANGED;
	for (unsigned tries = 0; reason == SAM_STORE_CHANGED && tries < SAM_ACT_TRIES; tries++) {
		struct sam_doing d;
		struct sam_order order = {.fresh = ""};
		out->msg.text[0] = out->id[0] = '\0';
		reason = sam_doing_start(&d, sam, params, &out->msg);
		if (reason != SAM_OK)
			break;
		d.birth = &birth;
		d.act = act;
		reason = are_texts_plain(params, &out->msg) ? sam_doing_read_policy(&d) : SAM_ARGUMENTS;
		d.act = out->act = sam_doing_refine(&d, act);
		if (reason == SAM_OK)
			reason = actors->sad || actors->activation ? by_sad(&d, actors, &order, out) : by_people(&d, actors, out);
		if (reason != SAM_OK && reason != SAM_STORE_CHANGED)
			reason = sam_doing_refuse(&d, reason);
		sam_doing_clear(&d);
		sam_order_clear(&order);
	}
	sam_birth_settle(sam, &birth, reason, out);
	return reason;
}

/* From looking at what is in force to the files: two would leave file and store apart. And a SAP key that is being made
 * is in no registry yet, like one that a crash left over. */
bool sam_doing_is_alone(enum sam_act act)
{
	return act == SAM_ACT_POLICY_SIGN || act == SAM_ACT_POLICY_LEVEL || act == SAM_ACT_SAP_ROTATE;
}

enum sam_reason sam_act_do(struct sam *sam, const struct sam_actors *actors, enum sam_act act, const json_t *params,
			   struct sam_outcome *out)
{
	const bool alone = sam_doing_is_alone(act);
	memset(out, 0, sizeof *out);
	out->act = act;
	enum sam_reason reason = alone ? sam_cm_lock(sam_cm(sam), &out->msg) : SAM_OK;
	if (reason != SAM_OK)
		return reason;
	reason = act_again(sam, actors, act, params, out);
	if (alone)
		sam_cm_unlock(sam_cm(sam));
	return reason;
}

enum sam_reason sam_act_check(struct sam *sam, const struct sam_actors *actors, enum sam_act act,
			      char id[SAM_PENDING_SIZE])
{
	struct sam_doing d;
	struct sam_msg msg = {""};
	id[0] = '\0';
	enum sam_reason reason = sam_doing_start(&d, sam, NULL, &msg);
	if (reason != SAM_OK)
		return reason;
	d.act = act;
	const bool two = sam_policy_second(d.policy, act);
	reason = sam_doing_check_person(&d, &actors->first, sam_act_info(act)->first);
	if (reason == SAM_OK && two)
		reason = actors->second.name[0] ? sam_doing_check_second(&d, actors->first.name, actors->first.roles,
									 &actors->second)
						: SAM_SECOND_PERSON;
	if (reason == SAM_OK && two)
		reason = new_id(id);
	sam_doing_clear(&d);
	return reason;
}

void sam_act_confirmed(const struct sam_actors *actors, enum sam_act act, const char *id, const char *about,
		       struct sam_event *event)
{
	*event = (struct sam_event){
		.type = SAM_EVENT_CONFIRM,
		.target = sam_act_info(act)->name,
		.new_value = about,
		.reference = id,
	};
	sam_person_describe(event, &actors->second, ~0u);
}
