/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Edits of the registry, and the rules that every one of them keeps whoever asks for it.
 */
#include "registry/edit.h"

#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "registry/internal.h"
#include "registry/row.h"

void sam_edit_start(struct sam_edit *edit, struct sam_registry *registry, const struct sam_snapshot *snapshot)
{
	*edit = (struct sam_edit){.registry = registry, .snapshot = snapshot};
}

void sam_edit_clear(struct sam_edit *edit)
{
	for (size_t i = 0; i < edit->count; i++) {
		struct sam_row *row = &edit->changes[i].row;
		free((char *)row->id);
		if (row->body) /* hashes of passwords */
			sam_mem_wipe((void *)row->body, row->len);
		free((void *)row->body);
	}
	free(edit->ends);
	edit->ends = NULL;
	edit->end_count = 0;
	free(edit->changes);
	edit->changes = NULL;
	edit->count = 0;
}

/* Takes ${body}, which may be NULL for a row that goes. What could not be read back is not written: ARGUMENTS. */
static enum sam_reason put(struct sam_edit *edit, enum sam_change_kind what, const char *kind, const char *id,
			   char *body)
{
	struct sam_change *larger = realloc(edit->changes, (edit->count + 1) * sizeof *larger);
	char *copy = strdup(id);
	if (larger)
		edit->changes = larger;
	if (!larger || !copy) {
		free(copy);
		free(body);
		return SAM_MEMORY;
	}
	struct sam_change *change = &edit->changes[edit->count++];
	*change = (struct sam_change){what, {kind, copy, body, body ? strlen(body) : 0}};
	return body ? sam_registry_try(edit->registry->seal, &change->row) : SAM_OK;
}

static enum sam_reason put_tombstone(struct sam_edit *edit, enum sam_change_kind what, const struct sam_tombstone *t)
{
	char *body = NULL;
	enum sam_reason reason = sam_row_write_tombstone(t, &body);
	return reason == SAM_OK ? put(edit, what, SAM_ROW_TOMBSTONE, t->name, body) : reason;
}

/* ---- names and device keys ---- */

/* Principals and signers share the name space, and those that are gone keep their place in it. */
static enum sam_reason check_name(const struct sam_snapshot *s, const char *name)
{
	if (!sam_name_valid(name, strlen(name)))
		return SAM_ARGUMENTS;
	if (sam_registry_principal(s, name) || sam_registry_signer(s, name))
		return SAM_EXISTS;
	return sam_registry_tombstone(s, name) ? SAM_NAME_USED : SAM_OK;
}

/* No privileged user is a signer, nobody is two people (P1-7.1.1.4 to 7.1.1.7): the same key would be. */
static enum sam_reason check_kid(const struct sam_snapshot *s, const char *kid, const char *owner)
{
	const struct sam_authenticator *a = sam_registry_authenticator(s, kid);
	if (a)
		return strcmp(a->signer, owner) == 0 ? SAM_EXISTS : SAM_KEY_SHARED;
	for (size_t i = 0; i < s->principal_count; i++)
		if (strcmp(s->principals[i].device.kid, kid) == 0 && strcmp(s->principals[i].name, owner) != 0)
			return SAM_KEY_SHARED;
	return SAM_OK;
}

static enum sam_reason check_uid(const struct sam_snapshot *s, const struct sam_principal *p)
{
	for (size_t i = 0; p->uid >= 0 && i < s->principal_count; i++)
		if (s->principals[i].uid == p->uid && strcmp(s->principals[i].name, p->name) != 0)
			return SAM_KEY_SHARED;
	return SAM_OK;
}

/* ---- principals ---- */

static enum sam_reason put_principal(struct sam_edit *edit, enum sam_change_kind what, const struct sam_principal *p)
{
	char *body = NULL;
	enum sam_reason reason = check_uid(edit->snapshot, p);
	if (reason == SAM_OK && p->device.kid[0])
		reason = check_kid(edit->snapshot, p->device.kid, p->name);
	for (size_t i = 0; reason == SAM_OK && i < p->signer_count; i++)
		if (!sam_registry_signer(edit->snapshot, p->signers[i]))
			reason = SAM_NOT_FOUND;
	if (reason == SAM_OK)
		reason = sam_row_write_principal(p, &body);
	return reason == SAM_OK ? put(edit, what, SAM_ROW_PRINCIPAL, p->name, body) : reason;
}

enum sam_reason sam_edit_add_principal(struct sam_edit *edit, const struct sam_principal *p)
{
	enum sam_reason reason = check_name(edit->snapshot, p->name);
	return reason == SAM_OK ? put_principal(edit, SAM_CHANGE_ADD, p) : reason;
}

enum sam_reason sam_edit_set_principal(struct sam_edit *edit, const struct sam_principal *p)
{
	return put_principal(edit, SAM_CHANGE_REPLACE, p);
}

enum sam_reason sam_edit_remove_principal(struct sam_edit *edit, const struct sam_principal *p, int64_t now)
{
	enum sam_reason reason = put(edit, SAM_CHANGE_REMOVE, SAM_ROW_PRINCIPAL, p->name, NULL);
	return reason == SAM_OK ? sam_edit_tombstone(edit, p->name, now) : reason;
}

/* ---- signers ---- */

static enum sam_reason put_signer(struct sam_edit *edit, enum sam_change_kind what, const struct sam_signer *s)
{
	char *body = NULL;
	enum sam_reason reason = sam_row_write_signer(s, edit->registry->seal, &body);
	return reason == SAM_OK ? put(edit, what, SAM_ROW_SIGNER, s->id, body) : reason;
}

enum sam_reason sam_edit_add_signer(struct sam_edit *edit, const struct sam_signer *s)
{
	enum sam_reason reason = check_name(edit->snapshot, s->id);
	return reason == SAM_OK ? put_signer(edit, SAM_CHANGE_ADD, s) : reason;
}

/* Requests and deposits of that signer or key, which the snapshot knows, are erased with the edit. */
static enum sam_reason end_with(struct sam_edit *edit, const struct sam_signer *signer, const struct sam_key *key)
{
	struct sam_end *larger = realloc(edit->ends, (edit->end_count + 1) * sizeof *larger);
	if (!larger)
		return SAM_MEMORY;
	edit->ends = larger;
	edit->ends[edit->end_count++] =
		(struct sam_end){signer ? signer->id : NULL, key ? key->credential : NULL};
	return SAM_OK;
}

enum sam_reason sam_edit_set_signer(struct sam_edit *edit, const struct sam_signer *s)
{
	const struct sam_signer *was = sam_registry_signer(edit->snapshot, s->id);
	enum sam_reason reason = put_signer(edit, SAM_CHANGE_REPLACE, s);
	return reason == SAM_OK && was && was->version != s->version ? end_with(edit, was, NULL) : reason;
}

/* A list of granted signers without that one. */
static enum sam_reason ungrant(struct sam_edit *edit, const struct sam_principal *p, const char *id)
{
	struct sam_principal less = *p;
	char *body = NULL;
	less.signer_count = 0;
	less.signers = calloc(p->signer_count, sizeof *less.signers);
	if (!less.signers)
		return SAM_MEMORY;
	for (size_t i = 0; i < p->signer_count; i++)
		if (strcmp(p->signers[i], id) != 0)
			memcpy(less.signers[less.signer_count++], p->signers[i], SAM_NAME_SIZE);
	enum sam_reason reason = SAM_OK;
	if (less.signer_count < p->signer_count)
		reason = sam_row_write_principal(&less, &body);
	free(less.signers);
	sam_mem_wipe(less.password, sizeof less.password);
	return body ? put(edit, SAM_CHANGE_REPLACE, SAM_ROW_PRINCIPAL, p->name, body) : reason;
}

/* Until it is seen to be gone from the CM, what it is called there is kept. */
enum sam_reason sam_edit_remove_key(struct sam_edit *edit, const struct sam_key *k, bool destroy, int64_t now)
{
	struct sam_tombstone t = {.removed = now, .is_key = true, .in_cm = destroy};
	enum sam_reason reason = put(edit, SAM_CHANGE_REMOVE, SAM_ROW_KEY, k->credential, NULL);
	memcpy(t.name, k->credential, sizeof k->credential);
	memcpy(t.cm_id, k->cm_id, sizeof t.cm_id);
	const struct sam_key *was = sam_registry_key(edit->snapshot, k->credential);
	if (reason == SAM_OK && was)
		reason = end_with(edit, NULL, was);
	return reason == SAM_OK ? put_tombstone(edit, SAM_CHANGE_ADD, &t) : reason;
}

enum sam_reason sam_edit_remove_signer(struct sam_edit *edit, const struct sam_signer *signer, bool destroy,
				       int64_t now)
{
	const struct sam_snapshot *s = edit->snapshot;
	const struct sam_signer *was = sam_registry_signer(s, signer->id);
	enum sam_reason reason = put(edit, SAM_CHANGE_REMOVE, SAM_ROW_SIGNER, signer->id, NULL);
	if (reason == SAM_OK && was)
		reason = end_with(edit, was, NULL);
	if (reason == SAM_OK)
		reason = sam_edit_tombstone(edit, signer->id, now);
	for (size_t i = 0; reason == SAM_OK && i < s->authenticator_count; i++)
		if (strcmp(s->authenticators[i].signer, signer->id) == 0)
			reason = sam_edit_remove_authenticator(edit, s->authenticators[i].device.kid);
	for (size_t i = 0; reason == SAM_OK && i < s->key_count; i++) {
		if (strcmp(s->keys[i].signer, signer->id) != 0)
			continue;
		reason = sam_edit_remove_key(edit, &s->keys[i], destroy, now);
	}
	for (size_t i = 0; reason == SAM_OK && i < s->principal_count; i++)
		if (s->principals[i].signer_count)
			reason = ungrant(edit, &s->principals[i], signer->id);
	return reason;
}

/* ---- authenticators and keys ---- */

enum sam_reason sam_edit_add_authenticator(struct sam_edit *edit, const struct sam_authenticator *a)
{
	char *body = NULL;
	if (!sam_registry_signer(edit->snapshot, a->signer))
		return SAM_NOT_FOUND;
	enum sam_reason reason = check_kid(edit->snapshot, a->device.kid, a->signer);
	if (reason == SAM_OK)
		reason = sam_row_write_authenticator(a, &body);
	return reason == SAM_OK ? put(edit, SAM_CHANGE_ADD, SAM_ROW_AUTHENTICATOR, a->device.kid, body) : reason;
}

enum sam_reason sam_edit_remove_authenticator(struct sam_edit *edit, const char *kid)
{
	return put(edit, SAM_CHANGE_REMOVE, SAM_ROW_AUTHENTICATOR, kid, NULL);
}

enum sam_reason sam_edit_add_key(struct sam_edit *edit, const struct sam_key *k)
{
	const struct sam_snapshot *s = edit->snapshot;
	char *body = NULL;
	if (sam_registry_key(s, k->credential))
		return SAM_EXISTS;
	if (sam_registry_tombstone(s, k->credential))
		return SAM_NAME_USED;
	if (!sam_registry_signer(s, k->signer))
		return SAM_NOT_FOUND;
	enum sam_reason reason = sam_row_write_key(k, &body);
	return reason == SAM_OK ? put(edit, SAM_CHANGE_ADD, SAM_ROW_KEY, k->credential, body) : reason;
}

/* Whose it is, what it was born as. */
static bool same_birth(const struct sam_key *a, const struct sam_key *b)
{
	return strcmp(a->credential, b->credential) == 0 && strcmp(a->signer, b->signer) == 0 &&
	       strcmp(a->label, b->label) == 0 && a->type == b->type && a->bits == b->bits &&
	       memcmp(a->thumbprint, b->thumbprint, sizeof a->thumbprint) == 0 &&
	       memcmp(a->cm_id, b->cm_id, sizeof a->cm_id) == 0 && a->created == b->created && a->origin == b->origin &&
	       strcmp(a->attributes, b->attributes) == 0 && strcmp(a->evidence, b->evidence) == 0 &&
	       a->start == b->start && a->end == b->end && strcmp(a->renews, b->renews) == 0;
}

enum sam_reason sam_edit_set_key(struct sam_edit *edit, const struct sam_key *k)
{
	const struct sam_key *was = sam_registry_key(edit->snapshot, k->credential);
	char *body = NULL;
	if (!was)
		return SAM_NOT_FOUND;
	if (!same_birth(was, k))
		return SAM_INTERNAL;
	enum sam_reason reason = sam_row_write_key(k, &body);
	if (reason == SAM_OK)
		reason = put(edit, SAM_CHANGE_REPLACE, SAM_ROW_KEY, k->credential, body);
	return reason == SAM_OK && (was->changed != k->changed || was->life != k->life) ? end_with(edit, NULL, was) : reason;
}

/* ---- pending acts ---- */

enum sam_reason sam_edit_add_pending(struct sam_edit *edit, const struct sam_pending *p)
{
	char *body = NULL;
	if (edit->snapshot->pending_count >= SAM_PENDINGS_MAX)
		return SAM_PENDINGS_FULL;
	enum sam_reason reason = sam_row_write_pending(p, &body);
	return reason == SAM_OK ? put(edit, SAM_CHANGE_ADD, SAM_ROW_PENDING, p->id, body) : reason;
}

enum sam_reason sam_edit_remove_pending(struct sam_edit *edit, const char *id)
{
	return put(edit, SAM_CHANGE_REMOVE, SAM_ROW_PENDING, id, NULL);
}

/* ---- what there is one of ---- */

enum sam_reason sam_edit_set_sealed(struct sam_edit *edit, const struct sam_sealed *sealed)
{
	char *body = NULL;
	enum sam_reason reason = sam_row_write_sealed(sealed, &body);
	return reason == SAM_OK ? put(edit, edit->snapshot->sealed ? SAM_CHANGE_REPLACE : SAM_CHANGE_ADD,
				      SAM_ROW_POLICY, SAM_ROW_SEALED, body)
				: reason;
}

enum sam_reason sam_edit_set_statement_key(struct sam_edit *edit, EVP_PKEY *pkey, const char *kid)
{
	char *body = NULL;
	enum sam_reason reason = sam_row_write_statement(pkey, kid, &body);
	return reason == SAM_OK ? put(edit, SAM_CHANGE_ADD, SAM_ROW_OWN, SAM_ROW_STATEMENT, body) : reason;
}

static enum sam_reason put_sap_key(struct sam_edit *edit, enum sam_change_kind what, const struct sam_sap_key *k)
{
	char *body = NULL;
	enum sam_reason reason = sam_row_write_sap_key(k, &body);
	return reason == SAM_OK ? put(edit, what, SAM_ROW_OWN, k->kid, body) : reason;
}

enum sam_reason sam_edit_add_sap_key(struct sam_edit *edit, const struct sam_sap_key *k, int64_t until)
{
	const struct sam_sap_key *now = sam_registry_sap_now(edit->snapshot, k->rsa);
	if (k->until || edit->snapshot->sap_key_count >= SAM_SAP_KEYS_MAX)
		return SAM_ARGUMENTS;
	enum sam_reason reason = put_sap_key(edit, SAM_CHANGE_ADD, k);
	if (reason != SAM_OK || !now)
		return reason;
	struct sam_sap_key old = *now;
	old.until = until;
	return put_sap_key(edit, SAM_CHANGE_REPLACE, &old);
}

enum sam_reason sam_edit_remove_sap_key(struct sam_edit *edit, const char *kid)
{
	return put(edit, SAM_CHANGE_REMOVE, SAM_ROW_OWN, kid, NULL);
}

static enum sam_reason set_state(struct sam_edit *edit, const char *id, bool is, bool shall)
{
	if (is == shall)
		return SAM_OK;
	char *body = shall ? strdup("{}") : NULL;
	if (shall && !body)
		return SAM_MEMORY;
	return put(edit, shall ? SAM_CHANGE_ADD : SAM_CHANGE_REMOVE, SAM_ROW_STATE, id, body);
}

enum sam_reason sam_edit_second_officer(struct sam_edit *edit, bool may)
{
	return set_state(edit, SAM_ROW_SECOND_OFFICER, edit->snapshot->second_officer, may);
}

enum sam_reason sam_edit_cm_disabled(struct sam_edit *edit, bool disabled)
{
	return set_state(edit, SAM_ROW_CM_DISABLED, edit->snapshot->cm_disabled, disabled);
}

static enum sam_reason add_tombstone(struct sam_edit *edit, const char *name, struct sam_tombstone *t)
{
	if (sam_registry_tombstone(edit->snapshot, name))
		return SAM_OK;
	return sam_mem_copy_text(t->name, sizeof t->name, name) ? put_tombstone(edit, SAM_CHANGE_ADD, t) : SAM_ARGUMENTS;
}

enum sam_reason sam_edit_tombstone(struct sam_edit *edit, const char *name, int64_t now)
{
	struct sam_tombstone t = {.removed = now};
	return add_tombstone(edit, name, &t);
}

enum sam_reason sam_edit_lost_key(struct sam_edit *edit, const char *credential, int64_t now)
{
	struct sam_tombstone t = {.removed = now, .lost = true};
	return add_tombstone(edit, credential, &t);
}

enum sam_reason sam_edit_key_in_cm(struct sam_edit *edit, const struct sam_tombstone *tombstone, bool in_cm)
{
	struct sam_tombstone t = *tombstone;
	t.in_cm = in_cm;
	return put_tombstone(edit, SAM_CHANGE_REPLACE, &t);
}

/* ---- the whole ---- */

enum sam_reason sam_edit_commit(struct sam_edit *edit, const struct sam_edit_with *with)
{
	const struct sam_change_set set = {
		.version = edit->snapshot->version,
		.changes = edit->changes,
		.count = edit->count,
		.spends = with->spends,
		.spend_count = with->spend_count,
		.clears = with->clears,
		.clear_count = with->clear_count,
		.forget = with->forget,
		.ends = edit->ends,
		.end_count = edit->end_count,
		.now = with->now,
		.records = with->records,
		.record_count = with->record_count,
	};
	return sam_store_grants_change(edit->registry->store, &set);
}

enum sam_reason sam_edit_commit_event(struct sam_edit *edit, struct sam_audit *audit, const struct sam_event *event)
{
	struct sam_audit_record made = {.members = NULL};
	enum sam_reason reason = sam_audit_make(audit, event, &made);
	if (reason == SAM_OK)
		reason = sam_edit_commit(edit, &(struct sam_edit_with){.records = &made.record, .record_count = 1,
									.now = sam_clock_now()});
	sam_audit_clear(&made);
	return reason;
}
