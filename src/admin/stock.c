/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Taking stock of the CM. A destroyed key that is put back, from a copy of the CM say, signs nothing, since no registry
 * has it; but somebody did it, and an auditor must hear of it.
 */
#include "admin/stock.h"

#include <stdlib.h>
#include <string.h>
#include "base/encode.h"
#include "base/mem.h"

/* A CKA_ID that the registry gave, and to what. */
struct place {
	uint8_t cm_id[SAM_CM_ID];
	const char *credential;
	bool gone; /* a tombstone's */
};

struct stocktaking {
	const struct sam_snapshot *s;
	struct place *places; /* sorted */
	size_t count;
	bool *counted; /* beside the snapshot's tombstones: a pair is one key */
	struct sam_stock *stock;
	enum sam_reason (*returned)(void *arg, const char *credential); /* NULL: nobody */
	void *arg;
};

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, SAM_CM_ID); /* each begins with it */
}

static enum sam_reason list_places(struct stocktaking *t)
{
	const struct sam_snapshot *s = t->s;
	t->places = calloc(s->key_count + s->tombstone_count + 1, sizeof *t->places);
	if (!t->places)
		return SAM_MEMORY;
	for (size_t i = 0; i < s->key_count; i++, t->count++) {
		t->places[t->count].credential = s->keys[i].credential;
		memcpy(t->places[t->count].cm_id, s->keys[i].cm_id, SAM_CM_ID);
	}
	for (size_t i = 0; i < s->tombstone_count; i++) {
		if (!s->tombstones[i].is_key)
			continue;
		t->places[t->count] = (struct place){.credential = s->tombstones[i].name, .gone = true};
		memcpy(t->places[t->count++].cm_id, s->tombstones[i].cm_id, SAM_CM_ID);
	}
	qsort(t->places, t->count, sizeof *t->places, by_id);
	return SAM_OK;
}

/* The destroyed key that this is, by its public key or, where the CM does not tell that, by its place; NULL. One that
 * the CM has yet to destroy has not returned, nor has one that a restore forgot. */
static const struct sam_tombstone *destroyed(const struct stocktaking *t, const struct sam_cm_found *found,
					     const struct place *place)
{
	char credential[SAM_CREDENTIAL_SIZE];
	const struct sam_tombstone *tombstone = NULL;
	if (found->known) {
		sam_encode_hex(found->thumbprint, 16, credential);
		tombstone = sam_registry_tombstone(t->s, credential);
	}
	if (!tombstone && place && place->gone)
		tombstone = sam_registry_tombstone(t->s, place->credential);
	return tombstone && !tombstone->in_cm && !tombstone->lost ? tombstone : NULL;
}

static enum sam_reason look(const struct sam_cm_found *found, void *arg)
{
	struct stocktaking *t = arg;
	const struct place *place = NULL;
	if (found->id_len == SAM_CM_ID && t->count)
		place = bsearch(found->id, t->places, t->count, sizeof *t->places, by_id);
	const struct sam_tombstone *tombstone = destroyed(t, found, place);
	if (!tombstone) {
		t->stock->strangers += found->private && !found->own && (!place || place->gone);
		return SAM_OK;
	}
	if (t->counted[tombstone - t->s->tombstones])
		return SAM_OK;
	t->counted[tombstone - t->s->tombstones] = true;
	t->stock->returned++;
	sam_mem_copy_text(t->stock->example, sizeof t->stock->example, tombstone->name);
	return t->returned ? t->returned(t->arg, tombstone->name) : SAM_OK;
}

static enum sam_reason take(struct stocktaking *t, struct sam_cm *cm)
{
	memset(t->stock, 0, sizeof *t->stock);
	t->counted = calloc(t->s->tombstone_count + 1, sizeof *t->counted);
	enum sam_reason reason = t->counted ? list_places(t) : SAM_MEMORY;
	if (reason == SAM_OK)
		reason = sam_cm_scan(cm, look, t);
	free(t->places);
	free(t->counted);
	return reason;
}

enum sam_reason sam_stock_take(struct sam_cm *cm, const struct sam_snapshot *snapshot, struct sam_stock *out)
{
	struct stocktaking t = {.s = snapshot, .stock = out};
	return take(&t, cm);
}

static enum sam_reason alarm(void *sam, const char *credential)
{
	struct sam_event event = {
		.type = SAM_EVENT_INTEGRITY,
		.reason = SAM_KEY_REAPPEARED,
		.actor_kind = "process",
		.credential = credential,
		.target = credential,
	};
	return sam_audit_event(sam_audit(sam), &event, true);
}

enum sam_reason sam_stock_alarm(struct sam *sam, size_t *count)
{
	struct sam_stock stock;
	struct stocktaking t = {.stock = &stock, .returned = alarm, .arg = sam};
	*count = 0;
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &t.s);
	if (reason != SAM_OK)
		return reason;
	reason = take(&t, sam_cm(sam));
	*count = stock.returned;
	sam_registry_put(t.s);
	return reason;
}
