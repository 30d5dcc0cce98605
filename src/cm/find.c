/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A signer's key in the CM: found by its CKA_ID, its handle kept for a while, its attributes read
 * again when they have not been looked at for cm.recheck (invariant 9). That the key behind the
 * handle is the right one shows when its signature verifies (invariant 2), not here.
 */
#include "cm/internal.h"

#include <string.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"

static const struct sam_cm_bool_rule rules[] = {
	{CKA_TOKEN, true, false, "CKA_TOKEN"},
	{CKA_PRIVATE, true, false, "CKA_PRIVATE"},
	{CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
	{CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
	{CKA_SIGN, true, false, "CKA_SIGN"},
	{CKA_DECRYPT, false, false, "CKA_DECRYPT"},
	{CKA_UNWRAP, false, false, "CKA_UNWRAP"},
	{CKA_SIGN_RECOVER, false, true, "CKA_SIGN_RECOVER"},
	{CKA_DERIVE, false, true, "CKA_DERIVE"},
	{CKA_ALWAYS_AUTHENTICATE, false, true, "CKA_ALWAYS_AUTHENTICATE"},
	/* from here on only of a key that was born in the CM */
	{CKA_LOCAL, true, false, "CKA_LOCAL"},
	{CKA_ALWAYS_SENSITIVE, true, true, "CKA_ALWAYS_SENSITIVE"},
	{CKA_NEVER_EXTRACTABLE, true, true, "CKA_NEVER_EXTRACTABLE"},
};

enum { RULES = sizeof rules / sizeof rules[0], RULES_OF_BIRTH = 3 };

enum sam_reason sam_cm_key_check(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				 bool born, const char **wrong)
{
	return sam_cm_attr_check(cm, s, key, rules, born ? RULES : RULES - RULES_OF_BIRTH, wrong);
}

enum sam_reason sam_cm_key_by_id(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class,
				 const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE found[2], size_t *n)
{
	uint8_t copy[SAM_CM_ID];
	memcpy(copy, id, sizeof copy);
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_ID, copy, sizeof copy},
	};
	return sam_cm_attr_find(cm, s, match, 2, found, 2, n);
}

/* One place for each id (they are random): bounded memory, nothing to search. */
static struct sam_cm_cached *place(struct sam_cm *cm, const uint8_t id[SAM_CM_ID])
{
	return &cm->cache[(((unsigned)id[0] << 8) | id[1]) % SAM_CM_CACHE];
}

void sam_cm_key_forget(struct sam_cm *cm)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	for (unsigned i = 0; i < SAM_CM_CACHE; i++)
		free(cm->cache[i].attributes);
	memset(cm->cache, 0, sizeof cm->cache);
	pthread_mutex_unlock(&cm->lock);
}

/* What is wanted of a key: what it is found by, and what it read back when it was made ("": not known). */
struct wanted {
	uint8_t id[SAM_CM_ID];
	const char *attributes;
};

/* ${checked_ms}: when it was last found to be as wanted; never, if that was another text. */
static bool cached(struct sam_cm *cm, const struct sam_cm_session *s, const struct wanted *w,
		   CK_OBJECT_HANDLE *handle, int64_t *checked_ms)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	const struct sam_cm_cached *entry = place(cm, w->id);
	bool known = entry->generation == s->generation && memcmp(entry->id, w->id, SAM_CM_ID) == 0;
	if (known) {
		*handle = entry->handle;
		*checked_ms = entry->attributes && strcmp(entry->attributes, w->attributes) == 0 ? entry->checked_ms
												  : INT64_MIN;
	}
	pthread_mutex_unlock(&cm->lock);
	return known;
}

static void keep(struct sam_cm *cm, const struct sam_cm_session *s, const struct wanted *w, CK_OBJECT_HANDLE handle,
		 int64_t now)
{
	char *copy = strdup(w->attributes); /* without memory it is not kept */
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	struct sam_cm_cached *entry = place(cm, w->id);
	if (copy && s->generation == cm->generation) {
		char *old = entry->attributes;
		memcpy(entry->id, w->id, SAM_CM_ID);
		entry->handle = handle;
		entry->generation = s->generation;
		entry->checked_ms = now;
		entry->attributes = copy;
		copy = old;
	}
	pthread_mutex_unlock(&cm->lock);
	free(copy);
}

static enum sam_reason look_up(struct sam_cm *cm, struct sam_cm_session *s,
			       const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE *handle)
{
	CK_OBJECT_HANDLE found[2];
	size_t n;
	enum sam_reason reason = sam_cm_key_by_id(cm, s, CKO_PRIVATE_KEY, id, found, &n);
	if (reason == SAM_OK && n != 1) {
		char hex[2 * SAM_CM_ID + 1];
		sam_encode_hex(id, SAM_CM_ID, hex);
		return sam_log_reason(SAM_CM_KEY_MISSING, "%s private key with CKA_ID %s",
				      n ? "more than one" : "no", hex);
	}
	if (reason == SAM_OK)
		*handle = found[0];
	return reason;
}

/* ${wrong}: what of the key is not as it was sealed when it was made. */
static enum sam_reason compare(struct sam_cm *cm, struct sam_cm_session *s, const struct wanted *w,
			       CK_OBJECT_HANDLE handle, char wrong[SAM_CM_ATTRIBUTE_NAME])
{
	char now[SAM_CM_ATTRIBUTES_SIZE];
	bool local;
	enum sam_reason reason = sam_cm_describe(cm, s, handle, now, &local);
	if (reason == SAM_OK)
		sam_cm_attributes_same(w->attributes, now, wrong);
	return reason;
}

/* The attributes, and that the handle still stands for the object of that id. */
static enum sam_reason examine(struct sam_cm *cm, struct sam_cm_session *s, const struct wanted *w,
			       CK_OBJECT_HANDLE handle)
{
	uint8_t is[SAM_CM_ID];
	enum sam_cm_attr_state state;
	size_t len;
	const char *rule;
	char wrong[SAM_CM_ATTRIBUTE_NAME] = "", hex[2 * SAM_CM_ID + 1];
	enum sam_reason reason = sam_cm_key_check(cm, s, handle, false, &rule);
	if (reason == SAM_OK && rule)
		sam_mem_copy_text(wrong, sizeof wrong, rule);
	if (reason == SAM_OK && !rule) {
		reason = sam_cm_attr_try(cm, s, handle, CKA_ID, is, sizeof is, &len, &state);
		if (reason == SAM_OK && (len != SAM_CM_ID || memcmp(is, w->id, SAM_CM_ID)))
			sam_mem_copy_text(wrong, sizeof wrong, "CKA_ID");
	}
	if (reason == SAM_OK && !wrong[0] && w->attributes[0])
		reason = compare(cm, s, w, handle, wrong);
	if (reason != SAM_OK || !wrong[0])
		return reason;
	sam_encode_hex(w->id, SAM_CM_ID, hex);
	return sam_log_reason(w->attributes[0] ? SAM_KEY_CHANGED : SAM_CM_KEY_MISSING,
			      "%s of the key with CKA_ID %s is not as the SAM made it", wrong, hex);
}

enum sam_reason sam_cm_key_find(struct sam_cm *cm, struct sam_cm_session *s, const uint8_t id[SAM_CM_ID],
				const char *attributes, CK_OBJECT_HANDLE *handle)
{
	struct wanted w = {.attributes = attributes ? attributes : ""};
	int64_t now = sam_clock_monotonic_ms(), checked_ms = INT64_MIN;
	enum sam_reason reason = SAM_OK;
	memcpy(w.id, id, SAM_CM_ID);
	bool known = cached(cm, s, &w, handle, &checked_ms);
	if (known && checked_ms != INT64_MIN && now - checked_ms < cm->recheck_ms)
		return SAM_OK;
	if (!known)
		reason = look_up(cm, s, id, handle);
	if (reason == SAM_OK)
		reason = examine(cm, s, &w, *handle);
	if (reason == SAM_OK)
		keep(cm, s, &w, *handle, now);
	return reason;
}

static enum sam_reason present_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	const struct wanted *w = arg;
	CK_OBJECT_HANDLE handle;
	enum sam_reason reason = look_up(cm, s, w->id, &handle);
	return reason == SAM_OK ? examine(cm, s, w, handle) : reason;
}

enum sam_reason sam_cm_key_present(struct sam_cm *cm, const uint8_t id[SAM_CM_ID], const char *attributes)
{
	struct wanted w = {.attributes = attributes ? attributes : ""};
	memcpy(w.id, id, SAM_CM_ID);
	return sam_cm_run(cm, present_step, &w);
}
