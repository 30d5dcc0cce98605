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
	memset(cm->cache, 0, sizeof cm->cache);
	pthread_mutex_unlock(&cm->lock);
}

static bool cached(struct sam_cm *cm, const struct sam_cm_session *s, const uint8_t id[SAM_CM_ID],
		   struct sam_cm_cached *out)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	*out = *place(cm, id);
	pthread_mutex_unlock(&cm->lock);
	return out->generation == s->generation && memcmp(out->id, id, SAM_CM_ID) == 0;
}

static void keep(struct sam_cm *cm, const struct sam_cm_cached *entry)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	if (entry->generation == cm->generation)
		*place(cm, entry->id) = *entry;
	pthread_mutex_unlock(&cm->lock);
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

/* The attributes, and that the handle still stands for the object of that id. */
static enum sam_reason examine(struct sam_cm *cm, struct sam_cm_session *s,
			       const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE handle)
{
	uint8_t is[SAM_CM_ID];
	size_t len;
	const char *wrong;
	enum sam_reason reason = sam_cm_key_check(cm, s, handle, false, &wrong);
	if (reason == SAM_OK && !wrong) {
		reason = sam_cm_attr_get(cm, s, handle, CKA_ID, is, sizeof is, &len);
		if (reason == SAM_OK && (len != SAM_CM_ID || memcmp(is, id, SAM_CM_ID)))
			wrong = "CKA_ID";
	}
	if (reason != SAM_OK || !wrong)
		return reason;
	char hex[2 * SAM_CM_ID + 1];
	sam_encode_hex(id, SAM_CM_ID, hex);
	return sam_log_reason(SAM_CM_KEY_MISSING,
			      "%s of the key with CKA_ID %s is not as the SAM made it", wrong, hex);
}

enum sam_reason sam_cm_key_find(struct sam_cm *cm, struct sam_cm_session *s,
				const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE *handle)
{
	struct sam_cm_cached entry;
	enum sam_reason reason;
	int64_t now = sam_clock_monotonic_ms();
	bool known = cached(cm, s, id, &entry);
	if (known && now - entry.checked_ms < cm->recheck_ms) {
		*handle = entry.handle;
		return SAM_OK;
	}
	if (!known) {
		memcpy(entry.id, id, SAM_CM_ID);
		entry.generation = s->generation;
		reason = look_up(cm, s, id, &entry.handle);
		if (reason != SAM_OK)
			return reason;
	}
	reason = examine(cm, s, id, entry.handle);
	if (reason == SAM_OK) {
		entry.checked_ms = now;
		*handle = entry.handle;
		keep(cm, &entry);
	}
	return reason;
}

static enum sam_reason present_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	CK_OBJECT_HANDLE handle;
	enum sam_reason reason = look_up(cm, s, arg, &handle);
	return reason == SAM_OK ? examine(cm, s, arg, handle) : reason;
}

enum sam_reason sam_cm_key_present(struct sam_cm *cm, const uint8_t id[SAM_CM_ID])
{
	uint8_t copy[SAM_CM_ID];
	memcpy(copy, id, sizeof copy);
	return sam_cm_run(cm, present_step, copy);
}
