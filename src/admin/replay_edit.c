/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a replay came to: changes of the registry, locks, and words for people.
 */
#include "admin/replay_state.h"

#include <string.h>
#include "base/mem.h"

static bool signer_removed(const struct sam_replay *r, const char *id)
{
	const struct sam_signer *found = sam_registry_signer(r->s, id);
	return found && r->signers[found - r->s->signers].removed;
}

/* A role that was all this principal had at the time of the backup: what came instead is lost. */
static bool principal_removed(const struct sam_replay *r, size_t i)
{
	return r->principals[i].removed || !(r->s->principals[i].roles & ~r->principals[i].roles_gone);
}

static bool principal_locked(const struct sam_replay *r, size_t i)
{
	return r->principals[i].locked || r->principals[i].secret_gone;
}

enum sam_reason sam_replay_check(const struct sam_replay *r, const char *name, unsigned roles, int64_t now)
{
	const struct sam_principal *found = sam_registry_principal(r->s, name);
	size_t i = found ? (size_t)(found - r->s->principals) : 0;
	if (!found || principal_removed(r, i) || !(found->roles & ~r->principals[i].roles_gone & roles))
		return SAM_ROLE;
	bool locked = principal_locked(r, i) || json_integer_value(json_object_get(r->locks, name)) > now;
	return locked ? SAM_LOCKED : SAM_OK;
}

/* ---- changes ---- */

static enum sam_reason edit_signer(const struct sam_replay *r, struct sam_edit *edit, size_t i, int64_t now)
{
	const struct sam_replay_signer *state = &r->signers[i];
	if (!state->touched)
		return SAM_OK;
	struct sam_signer signer = r->s->signers[i];
	signer.suspended = state->suspended;
	signer.enrolled |= state->enrolled;
	signer.pin_set |= state->pin_set;
	if (state->pin_gone)
		sam_mem_wipe(signer.pin, sizeof signer.pin);
	if (state->password_gone) {
		sam_mem_wipe(signer.password, sizeof signer.password);
		signer.password_own = false;
		signer.password_by[0] = '\0';
	}
	signer.version++;
	signer.changed = now;
	/* whoever writes into the trail must not have keys destroyed */
	enum sam_reason reason = state->removed ? sam_edit_remove_signer(edit, &signer, r->rules.complete, now)
						: sam_edit_set_signer(edit, &signer);
	sam_mem_wipe(&signer, sizeof signer);
	return reason;
}

/* Those granted to it that stay; after the signers' changes, which know of one at a time only. */
static bool keep_granted(const struct sam_replay *r, const struct sam_principal *was, struct sam_principal *p)
{
	p->signer_count = 0;
	p->signers = calloc(was->signer_count + 1, sizeof *p->signers);
	for (size_t i = 0; p->signers && i < was->signer_count; i++)
		if (!signer_removed(r, was->signers[i]))
			memcpy(p->signers[p->signer_count++], was->signers[i], SAM_NAME_SIZE);
	return p->signers;
}

static enum sam_reason edit_principal(const struct sam_replay *r, struct sam_edit *edit, size_t i, int64_t now)
{
	const struct sam_principal *was = &r->s->principals[i];
	const struct sam_replay_principal *state = &r->principals[i];
	if (principal_removed(r, i))
		return sam_edit_remove_principal(edit, was, now);
	struct sam_principal p = *was;
	if (!keep_granted(r, was, &p))
		return SAM_MEMORY;
	p.roles &= ~state->roles_gone;
	p.locked = principal_locked(r, i);
	if (state->device_gone)
		memset(&p.device, 0, sizeof p.device); /* the snapshot has it still, and frees it */
	enum sam_reason reason = SAM_OK;
	if (state->touched)
		p.changed = now;
	if (state->touched || p.signer_count < was->signer_count)
		reason = sam_edit_set_principal(edit, &p);
	free(p.signers);
	sam_mem_wipe(p.password, sizeof p.password);
	return reason;
}

static enum sam_reason edit_authenticators(const struct sam_replay *r, struct sam_edit *edit)
{
	const struct sam_snapshot *s = r->s;
	enum sam_reason reason = SAM_OK;
	for (size_t i = 0; reason == SAM_OK && i < s->authenticator_count; i++) /* those of removed signers are gone */
		if (json_object_get(r->gone, s->authenticators[i].device.kid) &&
		    !signer_removed(r, s->authenticators[i].signer))
			reason = sam_edit_remove_authenticator(edit, s->authenticators[i].device.kid);
	return reason;
}

/* What became of them one by one; those of removed signers went with these. */
static enum sam_reason edit_key(const struct sam_replay *r, struct sam_edit *edit, size_t i, int64_t now)
{
	const struct sam_replay_key *state = &r->keys[i];
	struct sam_key key = r->s->keys[i];
	if (!state->touched || signer_removed(r, key.signer))
		return SAM_OK;
	/* whoever writes into the trail must not have keys destroyed */
	if (state->ended)
		return sam_edit_remove_key(edit, &key, r->rules.complete, now);
	key.life = state->life;
	key.changed = now;
	return sam_edit_set_key(edit, &key);
}

static bool there_is(const struct sam_snapshot *s, const char *name)
{
	return sam_registry_signer(s, name) || sam_registry_principal(s, name) || sam_registry_key(s, name);
}

static enum sam_reason edit_lost(const struct sam_replay *r, struct sam_edit *edit, int64_t now)
{
	enum sam_reason reason = SAM_OK;
	const char *name;
	json_t *value;
	json_object_foreach(r->lost, name, value)
		if (reason == SAM_OK && !there_is(r->s, name))
			reason = json_integer_value(value) == SAM_REPLAY_LOST_KEY ? sam_edit_lost_key(edit, name, now)
										  : sam_edit_tombstone(edit, name, now);
	return reason;
}

/* An older policy than the newest must not be in force again unless officers sign it. */
static enum sam_reason edit_policy(const struct sam_replay *r, struct sam_edit *edit)
{
	if (!r->s->sealed || !r->s->sealed->text || (!r->policy_lost && r->rules.complete))
		return SAM_OK;
	struct sam_sealed sealed = *r->s->sealed;
	sealed.text = NULL;
	return sam_edit_set_sealed(edit, &sealed);
}

enum sam_reason sam_replay_edit(const struct sam_replay *r, struct sam_edit *edit, int64_t now)
{
	enum sam_reason reason = SAM_OK;
	for (size_t i = 0; reason == SAM_OK && i < r->s->pending_count; i++)
		reason = sam_edit_remove_pending(edit, r->s->pendings[i].id);
	if (reason == SAM_OK)
		reason = edit_authenticators(r, edit);
	for (size_t i = 0; reason == SAM_OK && i < r->s->signer_count; i++)
		reason = edit_signer(r, edit, i, now);
	for (size_t i = 0; reason == SAM_OK && i < r->s->key_count; i++)
		reason = edit_key(r, edit, i, now);
	for (size_t i = 0; reason == SAM_OK && i < r->s->principal_count; i++)
		reason = edit_principal(r, edit, i, now);
	if (reason == SAM_OK)
		reason = edit_lost(r, edit, now);
	if (reason == SAM_OK)
		reason = edit_policy(r, edit);
	return reason == SAM_OK ? sam_edit_cm_disabled(edit, r->cm_disabled) : reason;
}

enum sam_reason sam_replay_locks(const struct sam_replay *r,
				 enum sam_reason (*each)(void *arg, const char *name, int64_t until), void *arg)
{
	enum sam_reason reason = SAM_OK;
	const char *name;
	json_t *until;
	json_object_foreach(r->locks, name, until)
		if (reason == SAM_OK)
			reason = each(arg, name, json_integer_value(until));
	return reason;
}

/* ---- words ---- */

static json_t *keys_of(json_t *object)
{
	json_t *list = json_array(), *value;
	const char *name;
	json_object_foreach(object, name, value)
		json_array_append_new(list, json_string(name));
	return list;
}

json_t *sam_replay_describe(const struct sam_replay *r)
{
	json_t *suspended = json_array(), *removed = json_array(), *locked = json_array();
	for (size_t i = 0; i < r->s->signer_count; i++)
		if (r->signers[i].removed || r->signers[i].suspended)
			json_array_append_new(r->signers[i].removed ? removed : suspended,
					      json_string(r->s->signers[i].id));
	for (size_t i = 0; i < r->s->principal_count; i++)
		if (principal_removed(r, i) || principal_locked(r, i))
			json_array_append_new(principal_removed(r, i) ? removed : locked,
					      json_string(r->s->principals[i].name));
	json_t *keys = json_array();
	for (size_t i = 0; i < r->s->key_count; i++)
		if (r->keys[i].ended)
			json_array_append_new(keys, json_string(r->s->keys[i].credential));
	return json_pack("{so so so so so so}", "keys", keys, "suspended", suspended, "removed", removed, "authenticators",
			 keys_of(r->gone), "locked", locked, "lost", keys_of(r->lost));
}
