/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl sap: the SAM's own keys, as the outside needs them; and changing the one that SADs are encrypted to.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <string.h>
#include "sap/jwe.h"
#include "sap/recipient.h"

/* ---- for import packages ---- */

/* RFC 7517; the CM says which RSA-OAEP it can undo. */
static json_t *describe_import(const EVP_PKEY *pkey, enum sam_cm_oaep hash)
{
	json_t *jwk = sam_jwe_public_of(pkey);

	if (jwk && json_object_set_new(jwk, "alg", json_string(sam_cm_oaep_name(hash))) == 0)
		return jwk;
	json_decref(jwk);
	return NULL;
}

/* The one that there is, or a new one, which is on record. */
static enum sam_reason import_key(struct samctl *ctl, uint8_t **spki, size_t *len, enum sam_cm_oaep *hash)
{
	struct sam_event event = { .type = SAM_EVENT_OWN_KEY, .actor_kind = "process", .new_value = "import" };
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_cm_lock(sam_cm(ctl->sam), &msg);

	if (reason != SAM_OK)
		return reason;
	reason = sam_cm_import_key(sam_cm(ctl->sam), false, spki, len, hash);
	if (reason == SAM_NOT_FOUND) {
		reason = sam_cm_import_key(sam_cm(ctl->sam), true, spki, len, hash);
		if (reason == SAM_OK)
			reason = sam_audit_event(sam_audit(ctl->sam), &event, true);
	}
	sam_cm_unlock(sam_cm(ctl->sam));
	return reason;
}

static int print_import(struct samctl *ctl)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_cm_oaep hash;
	json_t *jwk;
	size_t len;
	enum sam_reason reason = import_key(ctl, &spki, &len, &hash);

	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	pkey = sam_ossl_pubkey(spki, len);
	jwk = pkey ? describe_import(pkey, hash) : NULL;
	return jwk ? samctl_print_object(ctl, jwk) : samctl_fail(ctl, SAM_CM_FAILED, NULL);
}

/* ---- for SADs ---- */

/* The SAM's word for it, and by what that verifies: both can be kept and looked at elsewhere. */
static json_t *describe(const struct sam_snapshot *s, const struct sam_sap_key *key)
{
	struct sam_device own = { .jwk = NULL };
	json_t *object = NULL;

	if (sam_own_device(s->statement_key, &own) == SAM_OK)
		object = json_pack("{s:o,s:s,s:s,s:o,s:o}", "jwk", sam_jwe_public_of(key->pkey), "kid", key->kid,
				   "statement", key->statement, "statement_key", json_loads(own.jwk, 0, NULL), "created",
				   samctl_time(key->created));
	sam_device_clear(&own);
	return object;
}

/* Without --json: the JWK as it goes into a file. */
static int print(struct samctl *ctl, json_t *object)
{
	sam_auto(sam_free) char *text = ctl->json ? NULL : json_dumps(json_object_get(object, "jwk"), JSON_COMPACT);

	if (ctl->json)
		return samctl_print_object(ctl, object);
	json_decref(object);
	if (!text)
		return samctl_fail(ctl, SAM_MEMORY, NULL);
	puts(text);
	return SAMCTL_DONE;
}

static int print_sap(struct samctl *ctl, bool rsa)
{
	const struct sam_snapshot *s;
	const struct sam_sap_key *key;
	struct sam_msg msg = { "" };
	json_t *object = NULL;
	enum sam_reason reason = sam_recipient_first(ctl->sam, rsa, &msg);

	if (reason == SAM_CM_MECHANISM)
		sam_msg_set(&msg, "this CM cannot decrypt RSA-OAEP with SHA-256: use the key of `samctl sap key'");
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	key = sam_registry_sap_now(s, rsa);
	reason = key ? sam_cm_sap_present(sam_cm(ctl->sam), rsa ? SAM_CM_SAP_RSA : SAM_CM_SAP_EC, key->name)
		     : SAM_STORE_CHANGED;
	if (reason == SAM_CM_KEY_MISSING) /* after a restore, say */
		sam_msg_set(&msg, "the CM does not hold the SAM's key any more: `samctl sap rotate' makes a new one");
	if (reason == SAM_OK)
		object = describe(s, key);
	sam_registry_put(s);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return object ? print(ctl, object) : samctl_fail(ctl, SAM_MEMORY, NULL);
}

int samctl_sap_key(struct samctl *ctl)
{
	const bool import = samctl_given(ctl, "import", 0), rsa = samctl_given(ctl, "rsa", 0);
	int status;

	if (import && rsa)
		return samctl_usage(ctl, "--import and --rsa are for different keys");
	status = samctl_open(ctl);
	if (status != SAMCTL_DONE)
		return status;
	return import ? print_import(ctl) : print_sap(ctl, rsa);
}

int samctl_sap_rotate(struct samctl *ctl)
{
	const char *given = samctl_given(ctl, "overlap", 0);
	struct sam_outcome outcome;
	int64_t overlap = 86400;
	int status;

	if (given && !samctl_span(given, &overlap))
		return samctl_usage(ctl, "--overlap: `%s' is no time as 24h or 30d, or 0h", given);
	status = samctl_act_only(ctl, SAM_ACT_SAP_ROTATE, json_pack("{s:I}", "overlap", (json_int_t)overlap), &outcome);
	if (status != SAMCTL_DONE || outcome.pending)
		return status;
	return print_sap(ctl, false);
}
