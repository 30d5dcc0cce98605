/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl key: looking at signing keys, their requests for certificates, the evidence of their birth.
 */
#include "tools/samctl.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <string.h>
#include "base/clock.h"
#include "sap/certify.h"

/* ---- a key in words ---- */

/* The day on which it cannot sign any more, by its own date or its certificate's; 0: none. */
static int64_t ends(const struct sam_key *key)
{
	int64_t end = key->end, certificate = key->certificate.der ? key->certificate.not_after : 0;

	return end && certificate ? (end < certificate ? end : certificate) : end ? end : certificate;
}

/* As the signer meets it: the dates count too. */
static const char *state(const struct sam_key *key, int64_t now)
{
	enum sam_reason usable = sam_key_usable(key, now);

	return usable == SAM_KEY_EXPIRED ? "expired" : usable == SAM_KEY_NOT_YET ? "not yet" : sam_life_name(key->life);
}

static json_t *describe(const struct sam_key *key, int64_t now)
{
	json_t *object =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o}", "credentialID", key->credential, "signer", key->signer,
			  "type", sam_key_type_name(key->type, key->bits), "label", key->label, "state",
			  state(key, now), "created", samctl_time(key->created), "origin", sam_origin_name(key->origin),
			  "thumbprint", samctl_hex(key->thumbprint, 32));

	if (key->start)
		json_object_set_new(object, "start", samctl_time(key->start));
	if (key->end)
		json_object_set_new(object, "end", samctl_time(key->end));
	if (key->renews[0])
		json_object_set_new(object, "renews", json_string(key->renews));
	if (ends(key))
		json_object_set_new(object, "expires", samctl_time(ends(key)));
	return object;
}

/* ---- list ---- */

bool samctl_span(const char *text, int64_t *seconds)
{
	char unit = '\0';
	int days = 0, end = 0;

	if (sscanf(text, "%5d%c%n", &days, &unit, &end) != 2 || text[end] || days < 0)
		return false;
	*seconds = (int64_t)days * (unit == 'd' ? 86400 : unit == 'h' ? 3600 : 0);
	return unit == 'd' || unit == 'h';
}

int samctl_key_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "CREDENTIALID", "credentialID" }, { "SIGNER", "signer" },   { "TYPE", "type" },
		{ "STATE", "state" },		    { "CREATED", "created" }, { "EXPIRES", "expires" },
		{ "LABEL", "label" },		    { NULL, NULL },
	};
	const char *expiring = samctl_given(ctl, "expiring", 0);
	const struct sam_snapshot *s;
	int64_t now = sam_clock_now(), span = 0;
	json_t *list;

	if (expiring && !samctl_span(expiring, &span))
		return samctl_usage(ctl, "--expiring: `%s' is no time as 30d or 12h", expiring);
	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->key_count; i++)
		if (!expiring || (ends(&s->keys[i]) && ends(&s->keys[i]) <= now + span))
			json_array_append_new(list, describe(&s->keys[i], now));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

/* ---- show ---- */

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

static void add_certificate(json_t *object, const struct sam_certificate *c)
{
	if (c->der)
		json_object_set_new(object, "certificate",
				    json_pack("{s:s,s:s,s:s,s:o,s:o}", "subject", c->subject, "issuer", c->issuer, "serial",
					      c->serial, "notBefore", samctl_time(c->not_before), "notAfter",
					      samctl_time(c->not_after)));
}

/* Verified with the SAM's own key before it is shown. */
static int add_evidence(struct samctl *ctl, const struct sam_snapshot *s, const struct sam_key *key, json_t *object)
{
	struct sam_msg msg = { "" };
	json_t *claims = NULL;
	enum sam_reason reason = sam_certify_evidence(ctl->sam, s, key, &claims, &msg);

	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	json_object_set_new(object, "evidence", json_string(key->evidence));
	json_object_set_new(object, "evidence_claims", claims);
	return SAMCTL_DONE;
}

static int show(struct samctl *ctl, const struct sam_snapshot *s, const struct sam_key *key)
{
	json_t *object = describe(key, sam_clock_now());
	enum sam_reason in_cm = sam_cm_key_present(sam_cm(ctl->sam), key->cm_id, key->attributes);

	json_object_set_new(object, "cm_id", samctl_hex(key->cm_id, SAM_CM_ID));
	json_object_set_new(object, "in_cm", json_boolean(in_cm == SAM_OK));
	if (in_cm == SAM_KEY_CHANGED)
		json_object_set_new(object, "changed", json_true());
	json_object_set_new(object, "publicKey", pem(key));
	add_certificate(object, &key->certificate);
	if (samctl_given(ctl, "evidence", 0) && add_evidence(ctl, s, key, object) != SAMCTL_DONE) {
		json_decref(object);
		return SAMCTL_FAILED;
	}
	return samctl_print_object(ctl, object);
}

int samctl_key_show(struct samctl *ctl)
{
	const struct sam_snapshot *s;
	const struct sam_key *key;
	int status = SAMCTL_FAILED;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	key = sam_registry_key(s, ctl->args[0]);
	if (key)
		status = show(ctl, s, key);
	else
		samctl_say(ctl, "%s: there is no such key; see `samctl key list'", ctl->args[0]);
	sam_registry_put(s);
	return status;
}

/* ---- requests for certificates ---- */

static json_t *base64(const uint8_t *data, size_t len)
{
	unsigned char *text = malloc(4 * (len / 3 + 1) + 1);
	int size = text ? EVP_EncodeBlock(text, data, (int)len) : 0;
	json_t *string = json_stringn((const char *)text, (size_t)size);

	free(text);
	return string;
}

static int show_info(struct samctl *ctl, const struct sam_certify *request)
{
	struct sam_certify_info info = { .der = NULL };
	struct sam_msg msg = { "" };
	uint8_t sha256[32];
	enum sam_reason reason = sam_certify_info(ctl->sam, request, &info, &msg);

	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, info.der, info.len, sha256);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	json_t *object = json_pack("{s:s,s:o,s:o}", "credentialID", request->credential, "sha256",
				   samctl_hex(sha256, 32), "certificationRequestInfo", base64(info.der, info.len));
	free(info.der);
	return samctl_print_object(ctl, object);
}

static int sign_request(struct samctl *ctl, const struct sam_certify *request)
{
	sam_auto(sam_free) char *text = NULL;
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_certify_sign(ctl->sam, request, (const char *)ctl->sad.data, ctl->sad.len, &text, &msg);

	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	ctl->acted = true;
	if (ctl->json)
		return samctl_print_object(ctl, json_pack("{s:s,s:s}", "credentialID", request->credential, "csr", text));
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return SAMCTL_DONE;
	samctl_say(ctl, "standard output: cannot be written");
	return SAMCTL_FAILED;
}

int samctl_key_csr(struct samctl *ctl)
{
	const struct sam_certify request = { .credential = ctl->args[0],
					     .evidence = samctl_given(ctl, "evidence", 0) != NULL };

	while (ctl->sad.len && strchr(" \t\r\n", ctl->sad.data[ctl->sad.len - 1]))
		ctl->sad.data[--ctl->sad.len] = '\0';
	return ctl->sad.data ? sign_request(ctl, &request) : show_info(ctl, &request);
}
