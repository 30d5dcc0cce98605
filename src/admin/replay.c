/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records of the trail, replayed onto the registry of a backup.
 */
#include "admin/replay_state.h"

#include <stdio.h>
#include <string.h>
#include "audit/audit.h"
#include "base/clock.h"
#include "sap/jose.h"

/* ---- a line ---- */

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool sam_replay_line(const char *line, struct sam_audit_row *row, json_t **object)
{
	json_t *json = sam_jose_json(line, strlen(line));
	const char *time = text_of(json, "time");
	*object = json;
	row->line = line;
	row->seq = (uint64_t)json_integer_value(json_object_get(json, "seq"));
	row->type = text_of(json, "type");
	row->outcome = text_of(json, "outcome");
	row->reason = text_of(json, "reason");
	row->signer = text_of(json, "signer");
	row->actor = text_of(json_object_get(json, "actor"), "id");
	row->credential = text_of(json, "credentialID");
	row->jti = text_of(json_object_get(json, "sad"), "jti");
	return row->seq && row->type && row->outcome && time && sam_clock_parse(time, &row->time_us);
}

/* ---- the beginning and the end ---- */

enum sam_reason sam_replay_start(struct sam_replay *r, const struct sam_snapshot *s,
				 const struct sam_replay_rules *rules)
{
	*r = (struct sam_replay){
		.s = s,
		.rules = *rules,
		.signers = calloc(s->signer_count + 1, sizeof *r->signers),
		.principals = calloc(s->principal_count + 1, sizeof *r->principals),
		.keys = calloc(s->key_count + 1, sizeof *r->keys),
		.gone = json_object(),
		.lost = json_object(),
		.locks = json_object(),
		.cm_disabled = s->cm_disabled,
	};
	if (!r->signers || !r->principals || !r->keys || !r->gone || !r->lost || !r->locks)
		return SAM_MEMORY;
	for (size_t i = 0; i < s->signer_count; i++)
		r->signers[i].suspended = s->signers[i].suspended;
	for (size_t i = 0; i < s->principal_count; i++)
		r->principals[i].locked = s->principals[i].locked;
	for (size_t i = 0; i < s->key_count; i++)
		r->keys[i].life = s->keys[i].life;
	return SAM_OK;
}

void sam_replay_clear(struct sam_replay *r)
{
	free(r->signers);
	free(r->principals);
	free(r->keys);
	json_decref(r->gone);
	json_decref(r->lost);
	json_decref(r->locks);
	memset(r, 0, sizeof *r);
}

static bool restores(const struct sam_replay *r, const char *name)
{
	return (r->rules.but[0] && strcmp(r->rules.but[0], name) == 0) ||
	       (r->rules.but[1] && strcmp(r->rules.but[1], name) == 0);
}

void sam_replay_hold(struct sam_replay *r)
{
	for (size_t i = 0; i < r->s->signer_count; i++)
		r->signers[i].suspended = r->signers[i].touched = r->signers[i].enrolled = r->signers[i].pin_set = true;
	for (size_t i = 0; i < r->s->principal_count; i++)
		if (!restores(r, r->s->principals[i].name))
			r->principals[i].locked = r->principals[i].touched = true;
}

/* ---- records: what each type does ---- */

/* The members that say what was changed; NULL where there are none. */
struct record {
	const char *signer, *credential, *target, *old_value, *new_value;
	int64_t time; /* seconds */
};

typedef bool take(struct sam_replay *r, const struct record *x); /* false: no memory */

static struct sam_replay_signer *touch_signer(struct sam_replay *r, const char *id)
{
	const struct sam_signer *found = id ? sam_registry_signer(r->s, id) : NULL;
	struct sam_replay_signer *state = found ? &r->signers[found - r->s->signers] : NULL;
	if (state)
		state->touched = true;
	return state;
}

static struct sam_replay_principal *touch_principal(struct sam_replay *r, const char *name)
{
	const struct sam_principal *found = name ? sam_registry_principal(r->s, name) : NULL;
	struct sam_replay_principal *state = found ? &r->principals[found - r->s->principals] : NULL;
	if (state)
		state->touched = true;
	return state;
}

static struct sam_replay_key *touch_key(struct sam_replay *r, const char *credential)
{
	const struct sam_key *found = credential ? sam_registry_key(r->s, credential) : NULL;
	struct sam_replay_key *state = found ? &r->keys[found - r->s->keys] : NULL;
	if (state)
		state->touched = true;
	return state;
}

static bool put(json_t *object, const char *name, json_int_t value)
{
	return !name || json_object_set_new(object, name, json_integer(value)) == 0;
}

static bool take_suspend(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_signer *signer = touch_signer(r, x->signer);
	if (signer)
		signer->suspended = true;
	return true;
}

static bool take_resume(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_signer *signer = touch_signer(r, x->signer);
	if (signer)
		signer->suspended = false;
	return true;
}

static bool take_signer_remove(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_signer *signer = touch_signer(r, x->signer);
	if (signer)
		signer->removed = true;
	return true;
}

/* The new password is lost, and the old one must not come back. */
static bool take_signer_passwd(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_signer *signer = touch_signer(r, x->signer);
	if (signer)
		signer->password_gone = true;
	return true;
}

static bool take_signer_add(struct sam_replay *r, const struct record *x)
{
	return put(r->lost, x->signer, SAM_REPLAY_LOST);
}

static bool take_key_generate(struct sam_replay *r, const struct record *x)
{
	return put(r->lost, x->credential, SAM_REPLAY_LOST_KEY);
}

/* Its signer said yes: that permits. That the one it renews has ended, forbids. */
static bool take_key_activate(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_key *key = touch_key(r, x->credential), *old = touch_key(r, x->old_value);
	if (key && r->rules.complete && key->life == SAM_LIFE_INACTIVE)
		key->life = SAM_LIFE_ACTIVE;
	if (old)
		old->ended = true;
	return true;
}

static bool take_key_suspend(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_key *key = touch_key(r, x->credential);
	if (key && key->life == SAM_LIFE_ACTIVE) /* one that waits for its signer signs nothing, and goes on waiting */
		key->life = SAM_LIFE_SUSPENDED;
	return true;
}

static bool take_key_resume(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_key *key = touch_key(r, x->credential);
	if (key && key->life == SAM_LIFE_SUSPENDED)
		key->life = SAM_LIFE_ACTIVE;
	return true;
}

static bool take_key_end(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_key *key = touch_key(r, x->credential);
	if (key)
		key->ended = true;
	return true;
}

/* One that was made and destroyed since is not in the CM any more; if it returns, that is an alarm. */
static bool take_key_destroy(struct sam_replay *r, const struct record *x)
{
	if (x->credential && json_object_get(r->lost, x->credential))
		return put(r->lost, x->credential, SAM_REPLAY_LOST);
	return take_key_end(r, x);
}

/* A new one is lost; an old one is taken away again. Who has ever had one is no newcomer any more. */
static bool take_authenticator(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_signer *signer = touch_signer(r, x->signer);
	if (!signer)
		return true;
	signer->enrolled = true;
	signer->pin_set |= x->target && strcmp(x->target, "pin") == 0;
	if (!x->old_value)
		return true;
	if (strcmp(x->old_value, "pin") == 0) {
		signer->pin_gone = true;
		return true;
	}
	const struct sam_authenticator *a = sam_registry_authenticator(r->s, x->old_value);
	return !a || strcmp(a->signer, x->signer) != 0 || put(r->gone, x->old_value, 1);
}

static bool take_principal_add(struct sam_replay *r, const struct record *x)
{
	return put(r->lost, x->target, SAM_REPLAY_LOST);
}

static bool take_principal_remove(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_principal *p = touch_principal(r, x->target);
	if (p)
		p->removed = true;
	return true;
}

static bool take_principal_passwd(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_principal *p = touch_principal(r, x->target);
	if (p)
		p->secret_gone = true;
	return true;
}

static bool take_principal_device(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_principal *p = touch_principal(r, x->target);
	if (p)
		p->secret_gone = p->device_gone = true;
	return true;
}

/* "auditor operator" */
static unsigned read_roles(const char *text)
{
	unsigned roles = 0;
	for (const char *p = text; p && *(p += strspn(p, " "));) {
		char name[32];
		size_t len = strcspn(p, " ");
		snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), p);
		roles |= 1u << sam_role_by_name(name);
		p += len;
	}
	return roles & ~SAM_ANYBODY;
}

static bool take_role_revoke(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_principal *p = touch_principal(r, x->target);
	if (p)
		p->roles_gone |= read_roles(x->old_value) & ~read_roles(x->new_value);
	return true;
}

static bool take_lock(struct sam_replay *r, const struct record *x)
{
	json_int_t until = json_integer_value(json_object_get(r->locks, x->target ? x->target : ""));
	if (!x->target || (!sam_registry_signer(r->s, x->target) && !sam_registry_principal(r->s, x->target)))
		return true;
	const int64_t end = r->rules.lock_s > INT64_MAX - x->time ? INT64_MAX : x->time + r->rules.lock_s;
	return until > end || put(r->locks, x->target, end);
}

static bool take_principal_unlock(struct sam_replay *r, const struct record *x)
{
	struct sam_replay_principal *p = touch_principal(r, x->target);
	if (p)
		p->locked = false;
	return !p || put(r->locks, x->target, 0);
}

static bool take_signer_unlock(struct sam_replay *r, const struct record *x)
{
	return !touch_signer(r, x->signer) || put(r->locks, x->signer, 0);
}

static bool take_policy(struct sam_replay *r, const struct record *x)
{
	(void)x;
	r->policy_lost = true;
	return true;
}

static bool take_disable(struct sam_replay *r, const struct record *x)
{
	(void)x;
	r->cm_disabled = true;
	return true;
}

static bool take_enable(struct sam_replay *r, const struct record *x)
{
	(void)x;
	r->cm_disabled = false;
	return true;
}

/* What an earlier restore took back has no records of its own. All of it follows from records that are replayed
 * here too, if that backup was no older than this one and its trail was complete. */
static bool take_restore(struct sam_replay *r, const struct record *x)
{
	unsigned long long seq;
	if (!x->new_value || strncmp(x->new_value, SAM_REPLAY_COMPLETE, strlen(SAM_REPLAY_COMPLETE)) != 0 ||
	    !x->old_value || sscanf(x->old_value, SAM_REPLAY_SEQ "%llu", &seq) != 1 || seq < r->rules.since)
		sam_replay_hold(r);
	return true;
}

static const struct {
	enum sam_event_type type;
	take *take;
	enum { ALWAYS, PROVEN, EITHER } when; /* EITHER: its outcome is no success, and it happened all the same */
} table[] = {
	{SAM_EVENT_SIGNER_SUSPEND, take_suspend, ALWAYS},
	{SAM_EVENT_SIGNER_RESUME, take_resume, PROVEN},
	{SAM_EVENT_SIGNER_REMOVE, take_signer_remove, ALWAYS},
	{SAM_EVENT_SIGNER_PASSWD, take_signer_passwd, ALWAYS},
	{SAM_EVENT_SIGNER_ADD, take_signer_add, ALWAYS},
	{SAM_EVENT_SIGNER_UNLOCK, take_signer_unlock, PROVEN},
	{SAM_EVENT_KEY_GENERATE, take_key_generate, ALWAYS},
	{SAM_EVENT_KEY_IMPORT, take_key_generate, ALWAYS},
	{SAM_EVENT_KEY_ACTIVATE, take_key_activate, ALWAYS},
	{SAM_EVENT_KEY_SUSPEND, take_key_suspend, ALWAYS},
	{SAM_EVENT_KEY_RESUME, take_key_resume, PROVEN},
	{SAM_EVENT_KEY_REVOKE, take_key_end, ALWAYS},
	{SAM_EVENT_KEY_RETIRE, take_key_end, ALWAYS},
	{SAM_EVENT_KEY_DESTROY, take_key_destroy, ALWAYS},
	{SAM_EVENT_AUTHENTICATOR_ADD, take_authenticator, ALWAYS},
	{SAM_EVENT_AUTHENTICATOR_CHANGE, take_authenticator, ALWAYS},
	{SAM_EVENT_PRINCIPAL_ADD, take_principal_add, ALWAYS},
	{SAM_EVENT_SECOND_OFFICER, take_principal_add, ALWAYS},
	{SAM_EVENT_PRINCIPAL_REMOVE, take_principal_remove, ALWAYS},
	{SAM_EVENT_PRINCIPAL_PASSWD, take_principal_passwd, ALWAYS},
	{SAM_EVENT_PRINCIPAL_DEVICE, take_principal_device, ALWAYS},
	{SAM_EVENT_PRINCIPAL_UNLOCK, take_principal_unlock, PROVEN},
	{SAM_EVENT_ROLE_REVOKE, take_role_revoke, ALWAYS},
	{SAM_EVENT_LOCK, take_lock, EITHER},
	{SAM_EVENT_POLICY_SIGN, take_policy, ALWAYS},
	{SAM_EVENT_CM_DISABLE, take_disable, ALWAYS},
	{SAM_EVENT_CM_ENABLE, take_enable, PROVEN},
	{SAM_EVENT_RESTORE, take_restore, ALWAYS},
};

enum sam_reason sam_replay_record(struct sam_replay *r, const json_t *record)
{
	const char *type = text_of(record, "type"), *outcome = text_of(record, "outcome");
	const char *time = text_of(record, "time");
	int64_t us = 0;
	const struct record x = {
		.signer = text_of(record, "signer"),
		.credential = text_of(record, "credentialID"),
		.target = text_of(record, "target"),
		.old_value = text_of(record, "old"),
		.new_value = text_of(record, "new"),
		.time = time && sam_clock_parse(time, &us) ? us / 1000000 : 0,
	};
	for (size_t i = 0; type && outcome && i < sizeof table / sizeof *table; i++) {
		if (strcmp(sam_audit_event_info(table[i].type)->name, type) != 0)
			continue;
		if ((table[i].when == PROVEN && !r->rules.complete) ||
		    (table[i].when != EITHER && strcmp(outcome, "success") != 0))
			return SAM_OK;
		return table[i].take(r, &x) ? SAM_OK : SAM_MEMORY;
	}
	return SAM_OK;
}
