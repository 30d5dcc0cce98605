/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl authenticator: signers' device keys and first PINs.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <string.h>
#include <openssl/pem.h>
#include "registry/password.h"
#include "sap/jose.h"
#include "sap/x5c.h"

enum { JWK_MAX = 65536, PROOF_MAX = 65536 };

/* With a word to whoever hands over the private one. */
json_t *samctl_read_device(const struct samctl *ctl, const char *path, char kid[SAM_KID_SIZE])
{
	json_t *json = samctl_read_json(ctl, path, JWK_MAX), *public;
	struct sam_msg msg = { "" };
	struct sam_jwk jwk;

	if (!json)
		return NULL;
	if (sam_jose_jwk(json, &jwk, &msg) != SAM_OK) {
		samctl_say(ctl, "%s: %s", path, *msg.text ? msg.text : "is no public key of ours");
		sam_jose_private_free(json);
		return NULL;
	}
	sam_mem_copy_text(kid, SAM_KID_SIZE, jwk.thumbprint);
	sam_jose_jwk_clear(&jwk);
	public = sam_jose_jwk_public(json);
	if (json_object_get(json, "d"))
		samctl_say(ctl,
			   "%s holds the private key; only its public part is kept. The device alone should "
			   "have it: hand over the public JWK (sadtool keygen --public)",
			   path);
	sam_jose_private_free(json);
	return public;
}

/* {id, jwk, proof} for a new device key. */
static json_t *device_params(struct samctl *ctl, char kid[SAM_KID_SIZE])
{
	const char *proof = samctl_given(ctl, "proof", 0);
	struct sam_secret text = { 0 };
	json_t *public = samctl_read_device(ctl, samctl_given(ctl, "jwk", 0), kid), *params;

	if (!public)
		return NULL;
	params = json_pack("{s:s,s:o}", "id", ctl->args[0], "jwk", public);
	if (proof && samctl_read_file(ctl, proof, PROOF_MAX, &text) != SAMCTL_DONE) {
		json_decref(params);
		return NULL;
	}
	if (proof && json_object_set_new(params, "proof", json_string((const char *)text.data)) != 0) {
		samctl_say(ctl, "%s: is no text", proof);
		json_decref(params);
		params = NULL;
	}
	sam_secret_clear(&text);
	return params;
}

/* DER is no text for a request: PEM is. */
static json_t *pem_of(const struct sam_x509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool ok = bio != NULL;
	json_t *json = NULL;

	for (size_t i = 0; ok && i <= x509->chain_count; i++) {
		X509 *x = i ? sam_x509_parse(x509->chain[i - 1].der, x509->chain[i - 1].len)
			    : sam_x509_parse(x509->der, x509->len);

		ok = x && PEM_write_bio_X509(bio, x) == 1;
		X509_free(x);
	}
	if (ok) {
		long len = BIO_get_mem_data(bio, &text);

		json = json_stringn(text, (size_t)len);
	}
	BIO_free(bio);
	return json;
}

/* {id, certificate}: it goes with its chain, as the file has it. */
static json_t *certificate_params(struct samctl *ctl, char kid[SAM_KID_SIZE])
{
	const char *path = samctl_given(ctl, "cert", 0), *proof = samctl_given(ctl, "proof", 0);
	struct sam_secret text = { 0 }, second = { 0 };
	struct sam_msg msg = { "" };
	struct sam_x509 x509 = { 0 };
	struct sam_device device = { 0 };
	json_t *params = NULL;
	enum sam_reason reason = SAM_OK;

	if (samctl_read_file(ctl, path, SAM_X509_FILE_MAX, &text) != SAMCTL_DONE ||
	    (proof && samctl_read_file(ctl, proof, PROOF_MAX, &second) != SAMCTL_DONE))
		goto out;
	reason = sam_x509_read(text.data, text.len, &x509, &msg);
	if (reason == SAM_OK)
		reason = sam_x5c_device(&x509, &device, &msg);
	if (reason == SAM_OK) {
		sam_mem_copy_text(kid, SAM_KID_SIZE, device.kid);
		params = json_pack("{s:s,s:o*,s:s*}", "id", ctl->args[0], "certificate", pem_of(&x509), "proof",
				   proof ? (const char *)second.data : NULL);
	}
	if (!params || !json_object_get(params, "certificate")) {
		samctl_say(ctl, "%s: %s", path, *msg.text ? msg.text : sam_reason_text(reason));
		json_decref(params);
		params = NULL;
	}
out:
	sam_device_clear(&device);
	sam_x509_clear(&x509);
	sam_secret_clear(&text);
	sam_secret_clear(&second);
	return params;
}

/* Is that the signer's service password, which every application knows that logs in with it (P1-3.5.2)? */
static enum sam_reason check_shared(struct samctl *ctl, const struct sam_secret *pin)
{
	const struct sam_snapshot *s;
	const struct sam_signer *signer;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	if (reason != SAM_OK)
		return reason;
	signer = sam_registry_signer(s, ctl->args[0]);
	if (signer && *signer->password &&
	    sam_password_check(sam_seal(ctl->sam), (const char *)pin->data, pin->len, signer->password) == SAM_OK)
		reason = SAM_SECRET_SHARED;
	sam_registry_put(s);
	return reason;
}

/* The signer types it here; it is kept as a hash under a key of the CM. */
static json_t *pin_params(struct samctl *ctl, const char *source)
{
	char hash[SAM_PASSWORD_SIZE], prompt[128];
	struct sam_secret pin = { 0 };
	struct sam_msg msg = { "" };
	json_t *params = NULL;
	enum sam_reason reason;

	snprintf(prompt, sizeof(prompt), "New PIN of %.64s, to be typed by the signer", ctl->args[0]);
	if (samctl_secret(ctl, source, prompt, true, &pin) != SAMCTL_DONE)
		return NULL;
	reason = sam_knowledge_strong(pin.data, pin.len, &msg);
	if (reason == SAM_OK)
		reason = check_shared(ctl, &pin);
	if (reason == SAM_OK)
		reason = sam_password_make(sam_seal(ctl->sam), (const char *)pin.data, pin.len, hash, sizeof(hash));
	sam_secret_clear(&pin);
	if (reason == SAM_OK)
		params = json_pack("{s:s,s:s}", "id", ctl->args[0], "pin", hash);
	else
		samctl_say(ctl, "%s", *msg.text ? msg.text : sam_reason_text(reason));
	sam_mem_wipe(hash, sizeof(hash));
	return params;
}

static int check_id(const struct samctl *ctl)
{
	return sam_name_valid(ctl->args[0], strlen(ctl->args[0]))
		       ? SAMCTL_DONE
		       : samctl_usage(ctl, "`%s' is no valid id", ctl->args[0]);
}

int samctl_authenticator_add(struct samctl *ctl)
{
	const char *signer = ctl->args[0], *pin = samctl_given(ctl, "new-pin-source", 0);
	const char *jwk = samctl_given(ctl, "jwk", 0), *cert = samctl_given(ctl, "cert", 0);
	char kid[SAM_KID_SIZE] = "";
	json_t *params;
	int status = check_id(ctl);

	if (status != SAMCTL_DONE)
		return status;
	if (!!jwk + !!pin + !!cert != 1)
		return samctl_usage(ctl, "needs --jwk FILE with --proof FILE, --cert FILE, or --new-pin-source URI");
	if (pin && samctl_given(ctl, "proof", 0))
		return samctl_usage(ctl, "--proof goes with --jwk");
	params = pin ? pin_params(ctl, pin) : cert ? certificate_params(ctl, kid) : device_params(ctl, kid);
	if (!params)
		return SAMCTL_FAILED;
	if (pin)
		return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_ADD, params,
				  json_pack("{s:s,s:b}", "signer", signer, "pin", 1), "PIN of %s set", signer);
	return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_ADD, params, json_pack("{s:s,s:s}", "signer", signer, "kid", kid),
			  "device key %s bound to %s", kid, signer);
}

int samctl_authenticator_replace(struct samctl *ctl)
{
	const char *old = samctl_given(ctl, "kid", 0), *jwk = samctl_given(ctl, "jwk", 0);
	const char *cert = samctl_given(ctl, "cert", 0);
	char kid[SAM_KID_SIZE];
	json_t *params;
	int status = check_id(ctl);

	if (status != SAMCTL_DONE)
		return status;
	if (!jwk && !cert && samctl_given(ctl, "sad", 0))
		return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_PIN, json_pack("{s:s}", "id", ctl->args[0]),
				  json_pack("{s:s,s:b}", "signer", ctl->args[0], "pin", 1), "PIN of %s changed",
				  ctl->args[0]);
	if (!jwk == !cert)
		return samctl_usage(ctl, "needs --jwk FILE with --proof FILE, --cert FILE, or --sad FILE alone for the "
					 "signer's new PIN");
	if (jwk && !samctl_given(ctl, "proof", 0))
		return samctl_usage(ctl, "--jwk needs --proof FILE");
	params = cert ? certificate_params(ctl, kid) : device_params(ctl, kid);
	if (!params)
		return SAMCTL_FAILED;
	if (old)
		json_object_set_new(params, "old", json_string(old));
	return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_REPLACE, params,
			  json_pack("{s:s,s:s}", "signer", ctl->args[0], "kid", kid),
			  "device key of %s replaced by %s", ctl->args[0], kid);
}

int samctl_authenticator_remove(struct samctl *ctl)
{
	const char *signer = ctl->args[0], *jwk = samctl_given(ctl, "jwk", 0), *given = samctl_given(ctl, "kid", 0);
	bool pin = samctl_given(ctl, "pin", 0);
	char kid[SAM_KID_SIZE] = "";
	json_t *public;
	int status = check_id(ctl);

	if (status != SAMCTL_DONE)
		return status;
	if ((jwk != NULL) + (given != NULL) + pin != 1)
		return samctl_usage(ctl, "needs --jwk FILE, --kid KID or --pin");
	if (pin)
		return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_REMOVE, json_pack("{s:s,s:b}", "id", signer, "pin", 1),
				  json_pack("{s:s,s:b}", "signer", signer, "pin", 0), "PIN of %s removed", signer);
	if (jwk) {
		public = samctl_read_device(ctl, jwk, kid);
		if (!public)
			return SAMCTL_FAILED;
		json_decref(public);
	} else if (!sam_mem_copy_text(kid, sizeof(kid), given)) {
		return samctl_usage(ctl, "--kid is no thumbprint");
	}
	return samctl_act(ctl, SAM_ACT_AUTHENTICATOR_REMOVE, json_pack("{s:s,s:s}", "id", signer, "kid", kid),
			  json_pack("{s:s,s:s}", "signer", signer, "kid", kid), "device key %s taken from %s", kid,
			  signer);
}

int samctl_authenticator_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "KID", "kid" },	  { "SIGNER", "signer" }, { "ALG", "alg" },
		{ "KIND", "kind" },	  { "CREATED", "created" }, { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->authenticator_count; i++) {
		const struct sam_authenticator *a = &s->authenticators[i];
		const char *alg = sam_jws_name(a->device.alg);

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:s,s:o}", "kid", a->device.kid,
						      "signer", a->signer, "alg", alg ? alg : "RSA",
						      "created", samctl_time(a->created), "kind",
						      *a->certificate ? "certificate" : "device", "jwk",
						      json_loads(a->device.jwk, 0, NULL)));
	}
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}
