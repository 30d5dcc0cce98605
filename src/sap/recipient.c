/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keys that SADs are encrypted to. First the CM has a pair, then the registry its row; first the row is not taken
 * any more, then the CM destroys, then the row goes: a crash in between leaves what opens nothing, and the next one tidies.
 */
#include "sap/recipient.h"

#include <string.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "sap/jwe.h"

_Static_assert((int)SAM_SAP_NAME_SIZE == (int)SAM_CM_SAP_NAME, "the registry keeps the CM's names");

static enum sam_cm_sap_type type_of(bool rsa)
{
	return rsa ? SAM_CM_SAP_RSA : SAM_CM_SAP_EC;
}

void sam_recipient_clear(struct sam_sap_key *key)
{
	EVP_PKEY_free(key->pkey);
	free(key->statement);
	memset(key, 0, sizeof *key);
}

void sam_recipient_undo(struct sam *sam, struct sam_sap_key *key)
{
	enum sam_reason reason = key->name[0] ? sam_cm_sap_destroy(sam_cm(sam), key->name) : SAM_NOT_FOUND;
	if (reason != SAM_OK && reason != SAM_NOT_FOUND)
		sam_log(SAM_LOG_ERR, "a SAP key of no registry is left in the CM; `samctl maintain` destroys it");
	sam_recipient_clear(key);
}

/* ---- making ---- */

static enum sam_reason identify(struct sam *sam, const uint8_t *spki, size_t len, struct sam_sap_key *out)
{
	struct sam_store_head head;
	out->pkey = sam_ossl_pubkey(spki, len);
	sam_auto(json_decref) json_t *jwk = out->pkey ? sam_jwe_public_of(out->pkey) : NULL;
	const char *kid = json_string_value(json_object_get(jwk, "kid"));
	if (!kid || !sam_mem_copy_text(out->kid, sizeof out->kid, kid))
		return SAM_MEMORY;
	enum sam_reason reason = sam_store_head(sam_store(sam), &head);
	return reason == SAM_OK ? sam_own_sap_key(sam_own(sam), head.node, out, &out->statement) : reason;
}

enum sam_reason sam_recipient_make(struct sam *sam, bool rsa, struct sam_sap_key *out)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	uint8_t random[(SAM_SAP_NAME_SIZE - 1) / 2];
	size_t len;
	memset(out, 0, sizeof *out);
	if (!sam_own(sam)->kid[0]) /* a store of an earlier version, until a policy is signed */
		return SAM_CM_KEY_MISSING;
	out->rsa = rsa;
	out->created = sam_clock_now();
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(random, sizeof random, out->name);
	reason = sam_cm_sap_create(sam_cm(sam), type_of(rsa), out->name, &spki, &len);
	if (reason == SAM_OK)
		reason = identify(sam, spki, len, out);
	else
		out->name[0] = '\0'; /* it left nothing behind */
	if (reason != SAM_OK)
		sam_recipient_undo(sam, out);
	return reason;
}

/* LOCKED */
static enum sam_reason make_first(struct sam *sam, const struct sam_snapshot *s, bool rsa)
{
	struct sam_event event = {.type = SAM_EVENT_OWN_KEY, .actor_kind = "process"};
	struct sam_sap_key key;
	struct sam_edit edit;
	enum sam_reason reason = sam_recipient_make(sam, rsa, &key);
	if (reason != SAM_OK)
		return reason;
	event.new_value = key.kid;
	sam_edit_start(&edit, sam_registry(sam), s);
	reason = sam_edit_add_sap_key(&edit, &key, 0);
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, sam_audit(sam), &event);
	sam_edit_clear(&edit);
	if (reason == SAM_OK)
		sam_recipient_clear(&key);
	else
		sam_recipient_undo(sam, &key);
	return reason;
}

/* Is there one? With ${make}: else make it. */
static enum sam_reason look(struct sam *sam, bool rsa, bool make, bool *there)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &s);
	if (reason != SAM_OK)
		return reason;
	*there = sam_registry_sap_now(s, rsa) != NULL;
	if (!*there && make)
		reason = make_first(sam, s, rsa);
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_recipient_first(struct sam *sam, bool rsa, struct sam_msg *msg)
{
	enum { TRIES = 5 };
	bool there;
	enum sam_reason reason = look(sam, rsa, false, &there);
	if (reason != SAM_OK || there)
		return reason;
	reason = sam_cm_lock(sam_cm(sam), msg);
	if (reason != SAM_OK)
		return reason;
	reason = SAM_STORE_CHANGED; /* an act that has nothing to do with it may come between */
	for (unsigned tries = 0; reason == SAM_STORE_CHANGED && tries < TRIES; tries++)
		reason = look(sam, rsa, true, &there);
	sam_cm_unlock(sam_cm(sam));
	return reason;
}

/* ---- the CM against the registry ---- */

struct stocktaking {
	const struct sam_snapshot *s;
	char (*names)[SAM_CM_SAP_NAME]; /* in the CM and in no registry, each once */
	size_t count;
};

static bool is_known(const struct stocktaking *t, const char *name)
{
	bool known = false;
	for (size_t i = 0; i < t->s->sap_key_count; i++)
		known |= strcmp(t->s->sap_keys[i].name, name) == 0;
	for (size_t i = 0; i < t->count; i++) /* its other half */
		known |= strcmp(t->names[i], name) == 0;
	return known;
}

static enum sam_reason note(const struct sam_cm_found *found, void *arg)
{
	struct stocktaking *t = arg;
	char name[SAM_CM_SAP_NAME];
	if (!found->own || !sam_cm_sap_name(found->label, name) || is_known(t, name))
		return SAM_OK;
	char (*larger)[SAM_CM_SAP_NAME] = realloc(t->names, (t->count + 1) * sizeof *larger);
	if (!larger)
		return SAM_MEMORY;
	t->names = larger;
	memcpy(t->names[t->count++], name, sizeof name);
	return SAM_OK;
}

static bool is_over(const struct sam_sap_key *key)
{
	return key->until && key->until <= sam_clock_now();
}

enum sam_reason sam_recipient_take_stock(struct sam_cm *cm, const struct sam_snapshot *s,
					 struct sam_recipient_stock *out)
{
	struct stocktaking t = {.s = s};
	memset(out, 0, sizeof *out);
	enum sam_reason reason = sam_cm_scan(cm, note, &t);
	out->leftover = t.count;
	free(t.names);
	for (size_t i = 0; reason == SAM_OK && i < s->sap_key_count; i++) {
		const struct sam_sap_key *key = &s->sap_keys[i];
		if (is_over(key))
			out->over++;
		else
			out->missing += sam_cm_sap_present(cm, type_of(key->rsa), key->name) != SAM_OK;
	}
	return reason;
}

/* ${kid} NULL: of no registry. */
static enum sam_reason record_end(struct sam *sam, struct sam_edit *edit, const char *kid, enum sam_reason why)
{
	const struct sam_event event = {.type = SAM_EVENT_SAP_RETIRE, .actor_kind = "process", .reason = why,
					.old_value = kid ? kid : "in no registry"};
	return edit && why == SAM_OK ? sam_edit_commit_event(edit, sam_audit(sam), &event)
				     : sam_audit_event(sam_audit(sam), &event, true);
}

static enum sam_reason end_one(struct sam *sam, const struct sam_snapshot *s, const struct sam_sap_key *key,
			       const char *name, size_t *left)
{
	struct sam_edit edit;
	enum sam_reason gone = sam_cm_sap_destroy(sam_cm(sam), name);
	if (gone == SAM_NOT_FOUND)
		gone = SAM_OK;
	*left += gone != SAM_OK;
	sam_edit_start(&edit, sam_registry(sam), s);
	enum sam_reason reason = key && gone == SAM_OK ? sam_edit_remove_sap_key(&edit, key->kid) : SAM_OK;
	if (reason == SAM_OK)
		reason = record_end(sam, key ? &edit : NULL, key ? key->kid : NULL, gone);
	sam_edit_clear(&edit);
	return reason;
}

static const struct sam_sap_key *find_over(const struct sam_snapshot *s, const char *after)
{
	for (size_t i = 0; i < s->sap_key_count; i++)
		if (is_over(&s->sap_keys[i]) && strcmp(s->sap_keys[i].kid, after) > 0)
			return &s->sap_keys[i];
	return NULL;
}

/* Each that ends moves the registry. */
static enum sam_reason end_over(struct sam *sam, size_t *left)
{
	char after[SAM_KID_SIZE] = "";
	for (;;) {
		const struct sam_snapshot *s;
		enum sam_reason reason = sam_registry_get(sam_registry(sam), &s);
		if (reason != SAM_OK)
			return reason;
		const struct sam_sap_key *key = find_over(s, after);
		bool more = key != NULL;
		if (more)
			reason = end_one(sam, s, key, key->name, left);
		if (more && reason == SAM_OK) /* else once more on the state of then: it is gone from the CM already */
			memcpy(after, key->kid, sizeof after);
		sam_registry_put(s);
		if (!more || (reason != SAM_OK && reason != SAM_STORE_CHANGED))
			return reason;
	}
}

enum sam_reason sam_recipient_tidy(struct sam *sam, size_t *left)
{
	struct stocktaking t = {.names = NULL};
	*left = 0;
	enum sam_reason reason = end_over(sam, left);
	if (reason == SAM_OK)
		reason = sam_registry_get(sam_registry(sam), &t.s);
	if (reason != SAM_OK)
		return reason;
	reason = sam_cm_scan(sam_cm(sam), note, &t);
	for (size_t i = 0; reason == SAM_OK && i < t.count; i++)
		reason = end_one(sam, t.s, NULL, t.names[i], left);
	free(t.names);
	sam_registry_put(t.s);
	return reason;
}
