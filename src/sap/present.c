/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a SAD or SAD token to an activation: the server end of the Signature Activation Protocol
 * (P2-3.2.1.1). Everything here may be said by an attacker until sam_jose_verify() has passed.
 */
#include "sap/internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "sap/issuer.h"
#include "sap/proof.h"

/* An activation and how many hold it. */
struct counted {
	struct sam_activation activation; /* first: the pointer handed out is ours */
	atomic_uint uses;
};

static struct sam_activation *activation_new(void)
{
	struct counted *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	atomic_init(&c->uses, 1);
	return &c->activation;
}

void sam_activation_hold(struct sam_activation *activation)
{
	if (activation)
		atomic_fetch_add(&((struct counted *)activation)->uses, 1);
}

void sam_activation_release(struct sam_activation *activation)
{
	struct counted *c = (struct counted *)activation;
	if (!c || atomic_fetch_sub(&c->uses, 1) != 1)
		return;
	sam_sad_clear(&c->activation);
	free(c);
}

bool sam_activation_same(const struct sam_activation *a, const struct sam_activation *b)
{
	return strcmp(a->iss, b->iss) == 0 && strcmp(a->jti, b->jti) == 0;
}

/* Who verifies: the authenticator of that kid, if it is this signer's. */
static enum sam_reason find_authenticator(const struct sam_snapshot *s, const char *kid, const char *sub,
					  const struct sam_authenticator **out)
{
	*out = sam_registry_authenticator(s, kid);
	if (!*out || strcmp((*out)->signer, sub) != 0 || !sam_registry_signer(s, sub))
		return SAM_SAD_KEY_UNKNOWN;
	return SAM_OK;
}

/* A change about the signer ends what was authorised before it: SADs by the time they were made at, what was
 * verified already by the version (P1-6.3.1a.1). */
static enum sam_reason check_signer(const struct sam_snapshot *s, const struct sam_activation *a, uint64_t version)
{
	const struct sam_signer *signer = sam_registry_signer(s, a->sub);
	if (!signer)
		return SAM_SAD_KEY_UNKNOWN;
	if (signer->version != version || a->iat <= signer->changed)
		return SAM_SAD_OLD;
	return signer->suspended ? SAM_SIGNER_SUSPENDED : SAM_OK;
}

static enum sam_reason verify_jws(const struct sam_policy *policy, const struct sam_snapshot *s,
				  const struct sam_jws *jws, const json_t *claims, struct sam_activation *a,
				  struct sam_msg *msg)
{
	const struct sam_authenticator *authenticator;
	enum sam_reason header = sam_sad_header(jws, "sad+jwt", a->kid);
	enum sam_reason reason = sam_sad_identity(claims, a, msg);
	if (header != SAM_OK)
		reason = header;
	if (reason == SAM_OK)
		reason = find_authenticator(s, a->kid, a->sub, &authenticator);
	if (reason == SAM_OK && !policy->sad_algorithms[jws->alg])
		reason = SAM_SAD_ALGORITHM;
	if (reason == SAM_OK)
		reason = sam_jose_verify(jws, authenticator->device.pkey, authenticator->device.alg);
	return reason;
}

static bool orders(const json_t *claims, const char *operation)
{
	const char *is = json_string_value(json_object_get(claims, "operation"));
	return is && strcmp(is, operation) == 0;
}

/* For signatures; or, for applications that make keys, `generate`. */
static enum sam_reason read_claims(const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *a,
				   struct sam_msg *msg)
{
	if (!orders(claims, "generate"))
		return sam_sad_claims(claims, rules, a, msg);
	struct sam_sad_operation *order = calloc(1, sizeof *order);
	if (!order)
		return SAM_MEMORY;
	enum sam_reason reason = sam_sad_operation_claims(claims, rules, a, order, msg);
	a->order = order;
	return reason;
}

/* Two factors and encryption are not there yet. */
static enum sam_reason check_factors(const struct sam_snapshot *s)
{
	return s->sealed->policy.level > 1 ? SAM_FACTORS : SAM_OK;
}

/* By the signer's own key, or an issuer's, who orders nothing but signatures. */
static enum sam_reason verify_claims(struct sam *sam, const struct sam_policy *policy, const struct sam_snapshot *s,
				     const struct sam_jws *jws, const json_t *claims, const struct sam_sad_rules *rules,
				     struct sam_activation *a, struct sam_sad_operation *order, struct sam_msg *msg)
{
	if (sam_issuer_is(policy, claims)) {
		enum sam_reason reason = sam_issuer_verify(sam, policy, jws, claims, rules, a, msg);
		if (reason == SAM_OK && !sam_registry_signer(s, a->sub))
			return SAM_SAD_KEY_UNKNOWN;
		return reason == SAM_OK && order ? SAM_SAD_OPERATION : reason;
	}
	enum sam_reason reason = verify_jws(policy, s, jws, claims, a, msg);
	if (reason != SAM_OK)
		return reason;
	return order ? sam_sad_operation_claims(claims, rules, a, order, msg) : read_claims(claims, rules, a, msg);
}

/* ${order} NULL: a SAD that an application presents; else one for an act. */
static enum sam_reason present_sad(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
				   struct sam_activation *a, struct sam_sad_operation *order, struct sam_msg *msg)
{
	const char *text = pin->text;
	const size_t len = pin->len;
	const struct sam_policy *policy;
	struct sam_jws jws = {0};
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	if (reason != SAM_OK)
		return reason;
	const struct sam_sad_rules rules = {
		.sam_id = sam->config.sam_id,
		.now = sam_clock_now(),
		.max_lifetime = policy->max_lifetime,
		.leeway = policy->leeway,
		.level = policy->level,
	};
	reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, a->sad_sha256);
	if (reason == SAM_OK)
		reason = sam_jose_parse(text, len, &jws);
	sam_auto(json_decref) json_t *claims = reason == SAM_OK ? sam_jose_json(jws.payload, jws.payload_len) : NULL;
	if (reason == SAM_OK)
		reason = verify_claims(sam, policy, s, &jws, claims, &rules, a, order, msg);
	if (reason == SAM_OK)
		reason = sam_proof_check(sam, s, policy, text, len, claims, pin->proof, pin->proof_len, &rules, a, msg);
	if (reason == SAM_OK)
		reason = sam_issuer_accept(s, policy, a, msg);
	if (reason == SAM_OK)
		reason = sam_seal_mac(sam->seal, SAM_SEAL_PAYLOAD, jws.payload, jws.payload_len, a->payload);
	sam_jose_clear(&jws);
	if (reason != SAM_OK)
		return reason;
	a->version = sam_registry_signer(s, a->sub)->version;
	reason = check_signer(s, a, a->version);
	/* a suspended signer's SAD does nothing but resume */
	return reason == SAM_SIGNER_SUSPENDED && order && strcmp(order->name, "resume") == 0 ? SAM_OK : reason;
}

static enum sam_reason present_token(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
				     struct sam_activation *a)
{
	uint8_t *body = NULL;
	size_t len = 0;
	enum sam_reason reason = sam_store_token_find(sam->store, pin->text, &body, &len);
	if (reason == SAM_OK)
		reason = sam_sad_read((const char *)body, len, a);
	free(body);
	if (reason == SAM_OK)
		reason = sam_present_still(sam, s, a, sam_clock_now());
	return reason == SAM_ACTIVATION_EXPIRED ? SAM_SAD_EXPIRED : reason;
}

enum sam_reason sam_present(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
			    struct sam_activation **out, struct sam_msg *msg)
{
	struct sam_activation *a = activation_new();
	*out = a;
	if (!a)
		return SAM_MEMORY;
	enum sam_reason reason = pin->kind == SAM_PIN_TOKEN ? present_token(sam, s, pin, a)
							    : present_sad(sam, s, pin, a, NULL, msg);
	if (reason == SAM_OK && a->order)
		reason = check_factors(s);
	if (reason != SAM_OK)
		return reason;
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	return sam_store_known(sam->store, &claim, sam_clock_now());
}

/* The key that the SAD stands on. */
static enum sam_reason key_still(struct sam *sam, const struct sam_snapshot *s, const struct sam_activation *a)
{
	const struct sam_authenticator *authenticator;
	const struct sam_policy *policy;
	if (!a->issuer_key[0])
		return find_authenticator(s, a->kid, a->sub, &authenticator);
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	return reason == SAM_OK ? sam_issuer_still(sam, s, policy, a) : reason;
}

enum sam_reason sam_present_still(struct sam *sam, const struct sam_snapshot *s, const struct sam_activation *a,
				  int64_t now)
{
	if (a->exp <= now)
		return SAM_ACTIVATION_EXPIRED;
	enum sam_reason reason = key_still(sam, s, a);
	return reason == SAM_OK ? check_signer(s, a, a->version) : reason;
}

void sam_present_claim(const struct sam_activation *a, struct sam_claim *claim)
{
	*claim = (struct sam_claim){.iss = a->iss, .jti = a->jti, .iat = a->iat, .exp = a->exp};
	memcpy(claim->payload, a->payload, sizeof claim->payload);
	/* A limit only where it is less than the digests: each of those is given once anyway. */
	claim->limit = a->limit < a->digest_count ? a->limit : 0;
}

void sam_present_describe(struct sam_event *event, const struct sam_activation *a)
{
	if (!a)
		return;
	event->signer = a->sub[0] ? a->sub : NULL;
	event->iss = a->iss[0] ? a->iss : NULL;
	event->jti = a->jti[0] ? a->jti : NULL;
	event->kid = a->kid[0] ? a->kid : NULL;
	event->credential = a->credential[0] ? a->credential : NULL;
	if (!a->token || a->jti[0])
		event->sad_sha256 = a->sad_sha256;
	event->activation = a->token ? "token" : "sad";
}

/* ---- SADs for something else than signatures ---- */

enum sam_reason sam_order_read(struct sam *sam, const struct sam_snapshot *s, const char *text, size_t len,
			       const char *name, struct sam_order *out, struct sam_msg *msg)
{
	struct sam_claim claim;
	memset(out, 0, sizeof *out);
	struct sam_pin pin = {.text = text, .len = len};
	const char *tilde = memchr(text, '~', len);
	if (tilde) {
		pin.len = (size_t)(tilde - text);
		pin.proof = tilde + 1;
		pin.proof_len = len - pin.len - 1;
	}
	enum sam_reason reason = present_sad(sam, s, &pin, &out->sad, &out->operation, msg);
	if (reason == SAM_OK && strcmp(out->operation.name, name) != 0)
		reason = SAM_SAD_OPERATION;
	if (reason != SAM_OK)
		return reason;
	reason = check_factors(s);
	if (reason != SAM_OK)
		return reason;
	sam_present_claim(&out->sad, &claim);
	return sam_store_known(sam->store, &claim, sam_clock_now());
}

enum sam_reason sam_order_take(struct sam *sam, const struct sam_snapshot *s, const struct sam_activation *a,
			       struct sam_order *out)
{
	struct sam_claim claim;
	memset(out, 0, sizeof *out);
	out->sad = *a; /* what that points to stays the activation's */
	if (!a->order)
		return SAM_SAD_OPERATION;
	out->operation = *a->order;
	enum sam_reason reason = sam_present_still(sam, s, a, sam_clock_now());
	if (reason == SAM_OK)
		reason = check_factors(s);
	sam_present_claim(a, &claim);
	return reason == SAM_OK ? sam_store_known(sam->store, &claim, sam_clock_now()) : reason;
}

void sam_order_spend(const struct sam_order *order, struct sam_spend *spend)
{
	static const uint8_t once[sizeof spend->digest] = "p11-sam operation";
	memset(spend, 0, sizeof *spend);
	sam_present_claim(&order->sad, &spend->claim);
	spend->claim.limit = 1;
	memcpy(spend->digest, once, sizeof once);
}

void sam_order_describe(struct sam_event *event, const struct sam_order *order, bool verified)
{
	const char *signer = event->signer, *credential = event->credential; /* what it is about, whatever the SAD says */
	sam_present_describe(event, &order->sad);
	event->signer = signer;
	event->credential = credential;
	event->actor_kind = verified ? "signer" : "process";
	event->actor = verified ? order->sad.sub : NULL;
	event->role = verified ? sam_role_name(SAM_ROLE_SIGNER) : NULL;
	event->factors = verified ? "possession" : NULL;
}
