/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A key comes to be in the CM, and into the registry in the same act: made there, or taken in wrapped. If the act
 * fails afterwards it is destroyed again; a crash in between leaves a key that no registry knows, which signs nothing
 * and which `samctl doctor` names.
 */
#include "admin/internal.h"

#include <stdlib.h>
#include <string.h>
#include "admin/import.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "sap/recipient.h"

static void clear(struct sam_key *key)
{
	free(key->spki);
	free(key->attributes);
	free(key->evidence);
	EVP_PKEY_free(key->pkey);
	memset(key, 0, sizeof *key);
}

/* The key's identity, made of its public part (invariant 2). */
static enum sam_reason identify(struct sam_key *key)
{
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, key->spki, key->spki_len, key->thumbprint);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(key->thumbprint, 16, key->credential);
	key->pkey = sam_ossl_pubkey(key->spki, key->spki_len);
	return key->pkey ? SAM_OK : SAM_CM_FAILED;
}

/* CKA_START_DATE and CKA_END_DATE, for whoever looks into the CM; the SAM goes by its own. */
static void write_date(int64_t seconds, char out[9])
{
	char text[SAM_CLOCK_TEXT];
	out[0] = '\0';
	if (!seconds)
		return;
	sam_clock_text(seconds * 1000000, text);
	memcpy(out, text, 4);
	memcpy(out + 4, text + 5, 2);
	memcpy(out + 6, text + 8, 2);
	out[8] = '\0';
}

static enum sam_origin origin(const struct sam_doing *d, const struct sam_cm_made *made)
{
	if (d->import)
		return d->import->by_ca ? SAM_ORIGIN_CA : SAM_ORIGIN_SIGNER;
	return made->local ? SAM_ORIGIN_CM : SAM_ORIGIN_CM_UNPROVEN;
}

static enum sam_reason bear(struct sam_doing *d, struct sam_key *key)
{
	struct sam_cm_made made = {.spki = NULL};
	struct sam_cm_new_key what = {.type = key->type, .bits = key->bits, .label = key->label, .id = key->cm_id};
	struct sam_cm *cm = sam_cm(d->sam);
	write_date(key->start, what.start);
	write_date(key->end ? key->end - 1 : 0, what.end);
	enum sam_reason reason = sam_ossl_random(key->cm_id, sizeof key->cm_id);
	if (reason == SAM_OK)
		reason = d->import ? sam_import_unwrap(d->import, cm, &what, &made, d->msg)
				   : sam_cm_generate(cm, &what, d->policy->level > 1, &made);
	if (reason != SAM_OK)
		return reason; /* it left nothing behind */
	d->birth->made = true;
	key->spki = made.spki;
	key->spki_len = made.spki_len;
	made.spki = NULL;
	key->origin = origin(d, &made);
	key->attributes = strdup(made.attributes);
	sam_cm_made_clear(&made);
	return key->attributes ? SAM_OK : SAM_MEMORY;
}

/* The SAM's own statement of where and how, once (P3-A1-8). */
static enum sam_reason testify(struct sam_doing *d, struct sam_key *key)
{
	const struct sam_policy_cm *entry = NULL;
	struct sam_cm_info info;
	struct sam_store_head head;
	sam_cm_info(sam_cm(d->sam), &info);
	if (!sam_own(d->sam)->kid[0]) /* a store that has no key for it yet */
		return (key->evidence = strdup("")) ? SAM_OK : SAM_MEMORY;
	enum sam_reason reason = sam_policy_cm(d->policy, info.manufacturer, info.model, info.firmware, d->now, &entry);
	if (reason == SAM_OK)
		reason = sam_store_head(sam_store(d->sam), &head);
	return reason == SAM_OK ? sam_own_evidence(sam_own(d->sam), head.node, key, entry, &key->evidence) : reason;
}

enum sam_reason sam_perform_before_birth(struct sam_doing *d)
{
	struct sam_key *key = &d->birth->key;
	enum sam_reason reason = SAM_OK;
	if (!d->birth->made) {
		clear(key);
		*key = d->key; /* texts and numbers: nothing in it is owned yet */
		reason = bear(d, key);
		if (reason == SAM_OK)
			reason = identify(key);
		if (reason == SAM_OK)
			reason = testify(d, key);
	}
	if (reason != SAM_OK)
		return reason;
	d->event.credential = key->credential;
	return sam_edit_add_key(&d->edit, key);
}

void sam_birth_settle(struct sam *sam, struct sam_birth *birth, enum sam_reason reason, struct sam_outcome *out)
{
	struct sam_key *key = &birth->key;
	if (birth->made && reason == SAM_OK && !out->pending) { /* that waits, if the level rose meanwhile: no key yet */
		memcpy(out->credential, key->credential, sizeof out->credential);
		memcpy(out->thumbprint, key->thumbprint, sizeof out->thumbprint);
		out->life = key->life;
	} else if (birth->made && sam_cm_destroy(sam_cm(sam), key->cm_id) != SAM_OK) {
		char id[2 * SAM_CM_ID + 1];
		sam_encode_hex(key->cm_id, SAM_CM_ID, id);
		sam_log(SAM_LOG_ERR, "a key that was not enrolled is left in the CM under CKA_ID %s; destroy it there", id);
	}
	clear(key);
	for (size_t i = 0; i < birth->sap_count; i++)
		if (reason == SAM_OK && !out->pending)
			sam_recipient_clear(&birth->sap[i]);
		else
			sam_recipient_undo(sam, &birth->sap[i]);
}
