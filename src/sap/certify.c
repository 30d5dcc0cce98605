/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests for certificates, through the one door; and the evidence of a key's birth.
 */
#include "sap/certify.h"

#include <string.h>
#include "base/encode.h"
#include "sap/csr.h"
#include "sap/evidence.h"
#include "sap/internal.h"

/* The request on the state of now. */
struct request {
	struct sam *sam;
	const struct sam_certify *what;
	const struct sam_snapshot *s;
	const struct sam_key *key;
	struct sam_certify_info info;
	struct sam_msg *msg;
};

static void finish(struct request *r)
{
	free(r->info.der);
	sam_registry_put(r->s);
}

/* Public key and subject as the registry has them, not as anybody says. */
static enum sam_reason start(struct request *r)
{
	enum sam_reason reason = sam_registry_get(r->sam->registry, &r->s);
	if (reason != SAM_OK)
		return reason;
	r->key = sam_registry_key(r->s, r->what->credential);
	const struct sam_signer *signer = r->key ? sam_registry_signer(r->s, r->key->signer) : NULL;
	if (!signer)
		return SAM_NOT_FOUND;
	if (r->what->evidence && !r->key->evidence[0]) {
		sam_msg_set(r->msg, "the key was made before the SAM stated how; ask without --evidence");
		return SAM_KEY_STATE;
	}
	return sam_csr_info(r->key->spki, r->key->spki_len, signer->subject, r->what->evidence ? r->key->evidence : NULL,
			    &r->info.der, &r->info.len, r->msg);
}

enum sam_reason sam_certify_info(struct sam *sam, const struct sam_certify *request, struct sam_certify_info *out,
				 struct sam_msg *msg)
{
	struct request r = {.sam = sam, .what = request, .msg = msg};
	enum sam_reason reason = start(&r);
	*out = (struct sam_certify_info){.der = NULL};
	if (reason == SAM_OK) {
		*out = r.info;
		r.info.der = NULL;
	}
	finish(&r);
	return reason;
}

/* ---- signed ---- */

/* Of this signer, for this key, over just these bytes. */
static enum sam_reason check_order(const struct request *r, const struct sam_order *order)
{
	uint8_t sha256[32];
	if (strcmp(order->sad.sub, r->key->signer) != 0)
		return SAM_SAD_FOREIGN;
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, r->info.der, r->info.len, sha256);
	if (reason != SAM_OK)
		return reason;
	if (strcmp(order->operation.credential, r->key->credential) != 0 ||
	    !sam_mem_equal(order->operation.sha256, sha256, sizeof sha256)) {
		sam_msg_set(r->msg, "the SAD orders another request, or one with another subject or evidence");
		return SAM_SAD_PARAMS;
	}
	return SAM_OK;
}

static const struct sam_mechanism *mechanism(const struct sam_key *key, enum sam_hash hash)
{
	if (key->type == SAM_KEY_ED25519)
		return sam_mechanism_find(CKM_EDDSA);
	if (key->type == SAM_KEY_RSA)
		return sam_mechanism_find(CKM_SHA256_RSA_PKCS);
	return sam_mechanism_find(hash == SAM_HASH_SHA384   ? CKM_ECDSA_SHA384
				  : hash == SAM_HASH_SHA512 ? CKM_ECDSA_SHA512
							    : CKM_ECDSA_SHA256);
}

/* The order is an activation for this one digest: the door does the rest (invariants 1 to 6). */
static enum sam_reason pass_door(const struct request *r, const struct sam_order *order, uint8_t *signature, size_t *len)
{
	const struct sam_key *key = r->key;
	const bool message = key->type == SAM_KEY_ED25519;
	struct sam_digest digest = {.label = NULL};
	struct sam_activation a = order->sad, *const activations[] = {&a};
	struct sam_login login = {.role = SAM_ROLE_SIGNER, .by_sad = true, .version = a.version};
	a.hash = message ? SAM_HASH_SHA256 : sam_csr_hash(key->type, key->bits);
	a.digests = &digest;
	a.digest_count = a.limit = 1;
	memcpy(a.credential, key->credential, sizeof a.credential);
	memcpy(login.name, a.sub, sizeof login.name);
	enum sam_reason reason = sam_ossl_digest(a.hash, r->info.der, r->info.len, digest.value);
	const struct sam_sign_request request = {
		.login = &login,
		.credential = key->credential,
		.purpose = SAM_SIGN_CSR,
		.scheme = {mechanism(key, a.hash), message ? SAM_HASH_NONE : a.hash},
		.activations = activations,
		.activation_count = 1,
		.data = message ? NULL : digest.value,
		.data_len = message ? 0 : sam_hash_size(a.hash),
		.data_is_hash = !message,
		.message = message ? r->info.der : NULL,
		.message_len = message ? r->info.len : 0,
	};
	return reason == SAM_OK ? sam_sign(r->sam, &request, signature, len) : reason;
}

static enum sam_reason refuse(const struct request *r, const struct sam_order *order, enum sam_reason why)
{
	struct sam_event event = {
		.type = SAM_EVENT_KEY_CSR,
		.reason = why,
		.signer = r->key ? r->key->signer : NULL,
		.detail = r->msg->text[0] ? r->msg->text : NULL,
	};
	sam_order_describe(&event, order, false);
	event.credential = r->key ? r->key->credential : NULL; /* an unknown id is anybody's text */
	return sam_audit_refuse(&r->sam->audit, &event, why);
}

enum sam_reason sam_certify_sign(struct sam *sam, const struct sam_certify *request, const char *sad, size_t len,
				 char **pem, struct sam_msg *msg)
{
	struct request r = {.sam = sam, .what = request, .msg = msg};
	struct sam_order order = {.sad = {.iss = ""}};
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t signature_len = 0, der_len;
	sam_auto(sam_free) uint8_t *der = NULL;
	*pem = NULL;
	enum sam_reason reason = start(&r);
	if (reason == SAM_OK)
		reason = sam_order_read(sam, r.s, sad, len, "csr", &order, msg);
	if (reason == SAM_OK)
		reason = check_order(&r, &order);
	if (reason != SAM_OK)
		reason = refuse(&r, &order, reason);
	else
		reason = pass_door(&r, &order, signature, &signature_len); /* records what becomes of it */
	if (reason == SAM_OK)
		reason = sam_csr_build(r.info.der, r.info.len, r.key->type, r.key->bits, signature, signature_len, &der,
				       &der_len);
	if (reason == SAM_OK)
		reason = sam_csr_pem(der, der_len, pem);
	sam_order_clear(&order);
	finish(&r);
	return reason;
}

/* ---- evidence ---- */

static bool names(const json_t *claims, const char *claim, const char *text)
{
	const char *is = json_string_value(json_object_get(claims, claim));
	return is && strcmp(is, text) == 0;
}

enum sam_reason sam_certify_evidence(struct sam *sam, const struct sam_snapshot *s, const struct sam_key *key,
				     json_t **claims, struct sam_msg *msg)
{
	char thumbprint[65];
	*claims = NULL;
	if (!key->evidence[0]) {
		sam_msg_set(msg, "the key was made before the SAM stated how");
		return SAM_NOT_FOUND;
	}
	enum sam_reason reason = sam_evidence_verify(key->evidence, strlen(key->evidence), s->statement_key,
						     s->statement_kid, sam->config.sam_id, claims, msg);
	sam_encode_hex(key->thumbprint, sizeof key->thumbprint, thumbprint);
	if (reason == SAM_OK && names(*claims, "thumbprint", thumbprint) && names(*claims, "credentialID", key->credential))
		return SAM_OK;
	json_decref(*claims);
	*claims = NULL;
	if (reason == SAM_OK)
		sam_msg_set(msg, "the evidence is another key's");
	return SAM_STORE_TAMPERED;
}
