/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys without a signer, destroyed in the CM.
 */
#include "admin/leftover.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "registry/edit.h"

static enum sam_reason destroy(struct sam *sam, const uint8_t cm_id[SAM_CM_ID])
{
	enum sam_reason reason = sam_cm_destroy(sam_cm(sam), cm_id);
	return reason == SAM_CM_KEY_MISSING ? SAM_OK : reason; /* it was gone already */
}

/* A key that has ended, in one of its two forms: still a row, or of a removed signer and a tombstone. */
struct leftover {
	const struct sam_key *key;
	const struct sam_tombstone *tombstone;
};

static enum sam_reason let_go(struct sam_edit *edit, const struct leftover *l)
{
	return l->key ? sam_edit_remove_key(edit, l->key, false, sam_clock_now())
		      : sam_edit_key_in_cm(edit, l->tombstone, false);
}

/* The record says what became of it; the registry lets go only of what is gone from the CM. */
static enum sam_reason bury(struct sam *sam, const struct sam_snapshot *s, const struct leftover *l,
			    const struct sam_event *by, size_t *left)
{
	struct sam_event event = {
		.type = SAM_EVENT_KEY_DESTROY,
		.actor_kind = by && by->actor_kind ? by->actor_kind : "process",
		.actor = by ? by->actor : NULL,
		.role = by ? by->role : NULL,
		.signer = l->key ? l->key->signer : by ? by->signer : NULL,
		.reference = by ? by->reference : NULL,
		.credential = l->key ? l->key->credential : l->tombstone->name,
	};
	struct sam_edit edit;
	event.reason = destroy(sam, l->key ? l->key->cm_id : l->tombstone->cm_id);
	*left += event.reason != SAM_OK;
	if (event.reason != SAM_OK)
		return sam_audit_event(sam_audit(sam), &event, true);
	sam_edit_start(&edit, sam_registry(sam), s);
	enum sam_reason reason = let_go(&edit, l);
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, sam_audit(sam), &event);
	sam_edit_clear(&edit);
	return reason;
}

static bool find(const struct sam_snapshot *s, const char *name, struct leftover *out)
{
	const struct sam_key *key = sam_registry_key(s, name);
	const struct sam_tombstone *tombstone = sam_registry_tombstone(s, name);
	*out = (struct leftover){.key = key && key->life == SAM_LIFE_REVOKED ? key : NULL,
				 .tombstone = tombstone && tombstone->in_cm ? tombstone : NULL};
	return out->key || out->tombstone;
}

/* The credentialIDs of all that are left now. */
static enum sam_reason list(struct sam *sam, char (**names)[SAM_NAME_SIZE], size_t *count)
{
	const struct sam_snapshot *s;
	struct leftover l;
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &s);
	if (reason != SAM_OK)
		return reason;
	*names = calloc(s->key_count + s->tombstone_count + 1, sizeof **names);
	for (size_t i = 0; *names && i < s->key_count; i++)
		if (find(s, s->keys[i].credential, &l))
			strcpy((*names)[(*count)++], s->keys[i].credential);
	for (size_t i = 0; *names && i < s->tombstone_count; i++)
		if (find(s, s->tombstones[i].name, &l))
			strcpy((*names)[(*count)++], s->tombstones[i].name);
	sam_registry_put(s);
	return *names ? SAM_OK : SAM_MEMORY;
}

enum sam_reason sam_leftover_destroy(struct sam *sam, const struct sam_event *by, size_t *left)
{
	sam_auto(sam_free) char (*names)[SAM_NAME_SIZE] = NULL;
	size_t count = 0;
	*left = 0;
	enum sam_reason reason = list(sam, &names, &count);
	for (size_t i = 0; reason == SAM_OK && i < count; i++) {
		const struct sam_snapshot *s; /* each burial moves the registry */
		struct leftover l;
		reason = sam_registry_get(sam_registry(sam), &s);
		if (reason != SAM_OK)
			return reason;
		if (find(s, names[i], &l)) /* another process may have been first */
			reason = bury(sam, s, &l, by, left);
		sam_registry_put(s);
	}
	return reason;
}
