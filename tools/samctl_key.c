/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl key: making signers' keys in the CM, and looking at them. The private part is never here.
 */
#include "tools/samctl.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <string.h>
#include "base/clock.h"
#include "base/encode.h"
#include "registry/edit.h"

/* What the request says, then what became of it. */
static enum sam_reason check_request(struct samctl *ctl, const struct sam_key *key)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_policy_may_generate(sam_policy(ctl->sam), key->type, key->bits,
							 sam_clock_now());

	if (reason != SAM_OK)
		return reason;
	reason = sam_registry_get(sam_registry(ctl->sam), &s);
	if (reason != SAM_OK)
		return reason;
	if (s->cm_disabled)
		reason = SAM_CM_DISABLED;
	else if (!sam_registry_signer(s, key->signer))
		reason = SAM_NOT_FOUND;
	sam_registry_put(s);
	return reason;
}

/* The key's identity, made of its public part (invariant 2). */
static enum sam_reason identify(struct sam_key *key)
{
	enum sam_reason reason =
		sam_ossl_digest(SAM_HASH_SHA256, key->spki, key->spki_len, key->thumbprint);

	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(key->thumbprint, 16, key->credential);
	key->pkey = sam_ossl_pubkey(key->spki, key->spki_len);
	return key->pkey ? SAM_OK : SAM_CM_FAILED;
}

/* Its record, and the second person's where the policy asks for one. */
static enum sam_reason make_records(struct samctl *ctl, const struct sam_key *key, const char *id,
				    struct sam_audit_record made[2], size_t *count)
{
	struct sam_event event = {
		.type = SAM_EVENT_KEY_GENERATE,
		.signer = key->signer,
		.credential = key->credential,
		.label = key->label,
		.new_value = samctl_key_type(key->type, key->bits),
		.reference = *id ? id : NULL,
	};
	struct sam_event second;
	enum sam_reason reason = samctl_make(ctl, &event, &made[(*count)++]);

	if (reason != SAM_OK || !*id)
		return reason;
	sam_act_confirmed(&ctl->actors, SAM_ACT_KEY_GENERATE, id, key->credential, &second);
	return sam_audit_make(sam_audit(ctl->sam), &second, &made[(*count)++]);
}

/* Two keys with the same credentialID cannot be: the registry refuses the id, and with it the key. */
static enum sam_reason enrol_on(struct samctl *ctl, const struct sam_snapshot *s, const struct sam_key *key)
{
	struct sam_audit_record made[2] = { { .members = NULL }, { .members = NULL } };
	struct sam_record records[2];
	char id[SAM_PENDING_SIZE];
	size_t count = 0;
	struct sam_edit edit;
	enum sam_reason reason = sam_act_check(ctl->sam, &ctl->actors, SAM_ACT_KEY_GENERATE, id);

	sam_edit_start(&edit, sam_registry(ctl->sam), s);
	if (reason == SAM_OK)
		reason = sam_edit_add_key(&edit, key);
	if (reason == SAM_OK)
		reason = make_records(ctl, key, id, made, &count);
	for (size_t i = 0; i < count; i++)
		records[i] = made[i].record;
	if (reason == SAM_OK)
		reason = sam_edit_commit(&edit, &(struct sam_edit_with){ .records = records, .record_count = count,
									 .now = sam_clock_now() });
	ctl->acted |= reason == SAM_OK;
	sam_edit_clear(&edit);
	sam_audit_clear(&made[0]);
	sam_audit_clear(&made[1]);
	return reason;
}

static enum sam_reason enrol(struct samctl *ctl, const struct sam_key *key)
{
	enum sam_reason reason = SAM_STORE_CHANGED;

	for (unsigned tries = 0; reason == SAM_STORE_CHANGED && tries < SAM_ACT_TRIES; tries++) {
		const struct sam_snapshot *s;

		reason = sam_registry_get(sam_registry(ctl->sam), &s);
		if (reason != SAM_OK)
			return reason;
		reason = enrol_on(ctl, s, key);
		sam_registry_put(s);
	}
	return reason;
}

/* A pair that is in no registry must not stay in the CM. */
static void take_back(const struct samctl *ctl, const struct sam_key *key)
{
	char id[2 * SAM_CM_ID + 1];

	if (sam_cm_destroy(sam_cm(ctl->sam), key->cm_id) == SAM_OK)
		return;
	sam_encode_hex(key->cm_id, SAM_CM_ID, id);
	samctl_say(ctl, "the pair with the CKA_ID %s is left in the CM; destroy it there", id);
}

static enum sam_reason generate(struct samctl *ctl, struct sam_key *key)
{
	const struct sam_cm_new_key what = {
		.type = key->type,
		.bits = key->bits,
		.label = key->label,
		.id = key->cm_id,
	};
	enum sam_reason reason = sam_ossl_random(key->cm_id, sizeof(key->cm_id));

	if (reason == SAM_OK)
		reason = sam_cm_generate(sam_cm(ctl->sam), &what, &key->spki, &key->spki_len);
	if (reason != SAM_OK)
		return reason; /* it left nothing behind */
	reason = identify(key);
	if (reason == SAM_OK)
		reason = enrol(ctl, key);
	if (reason != SAM_OK)
		take_back(ctl, key);
	return reason;
}

int samctl_key_generate(struct samctl *ctl)
{
	const char *signer = samctl_given(ctl, "signer", 0), *label = samctl_given(ctl, "label", 0);
	const char *type = samctl_given(ctl, "type", 0);
	struct sam_key key = { .created = sam_clock_now() };
	char id[SAM_PENDING_SIZE];
	enum sam_reason reason;

	if (!sam_name_valid(signer, strlen(signer)))
		return samctl_usage(ctl, "`%s' is no valid id", signer);
	if (!samctl_key_type_by_name(type, &key.type, &key.bits))
		return samctl_usage(ctl, "`%s' is no --type", type);
	if (!sam_mem_copy_text(key.label, sizeof(key.label), label ? label : signer))
		return samctl_usage(ctl, "--label is longer than 256 bytes");
	sam_mem_copy_text(key.signer, sizeof(key.signer), signer);
	reason = sam_act_check(ctl->sam, &ctl->actors, SAM_ACT_KEY_GENERATE, id); /* before the CM makes any */
	if (reason == SAM_OK)
		reason = check_request(ctl, &key);
	if (reason == SAM_OK)
		reason = generate(ctl, &key);
	EVP_PKEY_free(key.pkey);
	free(key.spki);
	if (reason == SAM_NOT_FOUND)
		return samctl_refuse(ctl, reason, signer, NULL);
	if (reason != SAM_OK)
		return samctl_refuse(ctl, reason, type, signer);
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s,s:s,s:s,s:o}", "credentialID", key.credential,
					   "signer", signer, "type", type, "label", key.label,
					   "thumbprint", samctl_hex(key.thumbprint, 32)),
				 "%s", key.credential);
}

/* ---- looking ---- */

static json_t *describe(const struct sam_key *key)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "credentialID", key->credential, "signer",
			 key->signer, "type", samctl_key_type(key->type, key->bits), "label",
			 key->label, "created", samctl_time(key->created), "thumbprint",
			 samctl_hex(key->thumbprint, 32));
}

static json_t *pem(const struct sam_key *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	json_t *string = NULL;

	if (bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
		long len = BIO_get_mem_data(bio, &text);

		string = json_stringn(text, (size_t)len);
	}
	BIO_free(bio);
	return string;
}

int samctl_key_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "CREDENTIALID", "credentialID" }, { "SIGNER", "signer" }, { "TYPE", "type" },
		{ "CREATED", "created" },	    { "LABEL", "label" },   { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->key_count; i++)
		json_array_append_new(list, describe(&s->keys[i]));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

int samctl_key_show(struct samctl *ctl)
{
	const struct sam_snapshot *s;
	const struct sam_key *key;
	json_t *object = NULL;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	key = sam_registry_key(s, ctl->args[0]);
	if (key) {
		object = describe(key);
		json_object_set_new(object, "cm_id", samctl_hex(key->cm_id, SAM_CM_ID));
		json_object_set_new(
			object, "in_cm",
			json_boolean(sam_cm_key_present(sam_cm(ctl->sam), key->cm_id) == SAM_OK));
		json_object_set_new(object, "publicKey", pem(key));
	}
	sam_registry_put(s);
	if (object)
		return samctl_print_object(ctl, object);
	samctl_say(ctl, "%s: there is no such key; see `samctl key list'", ctl->args[0]);
	return SAMCTL_FAILED;
}
