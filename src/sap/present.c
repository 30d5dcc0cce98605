/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a SAD or SAD token to an activation: the server end of the Signature Activation Protocol
 * (P2-3.2.1.1). Everything here may be said by an attacker until sam_jose_verify() has passed.
 */
#include "sap/internal.h"

#include <stdatomic.h>
#include <string.h>
#include "base/clock.h"

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

static enum sam_reason verify_jws(struct sam *sam, const struct sam_snapshot *s, const struct sam_jws *jws,
				  const json_t *claims, struct sam_activation *a, struct sam_msg *msg)
{
	const struct sam_authenticator *authenticator;
	enum sam_reason header = sam_sad_header(jws, a->kid);
	enum sam_reason reason = sam_sad_identity(claims, a, msg);
	if (header != SAM_OK)
		reason = header;
	if (reason == SAM_OK)
		reason = find_authenticator(s, a->kid, a->sub, &authenticator);
	if (reason == SAM_OK && !sam->policy.sad_algorithms[jws->alg])
		reason = SAM_SAD_ALGORITHM;
	if (reason == SAM_OK)
		reason = sam_jose_verify(jws, authenticator->pkey, authenticator->alg);
	return reason;
}

static enum sam_reason present_sad(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
				   struct sam_activation *a, struct sam_msg *msg)
{
	struct sam_jws jws = {0};
	struct sam_sad_rules rules = {
		.sam_id = sam->config.sam_id,
		.now = sam_clock_now(),
		.max_lifetime = sam->policy.max_lifetime,
		.leeway = sam->policy.leeway,
	};
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, pin->text, pin->len, a->sad_sha256);
	if (reason == SAM_OK)
		reason = sam_jose_parse(pin->text, pin->len, &jws);
	sam_auto(json_decref) json_t *claims = reason == SAM_OK ? sam_jose_json(jws.payload, jws.payload_len) : NULL;
	if (reason == SAM_OK)
		reason = verify_jws(sam, s, &jws, claims, a, msg);
	if (reason == SAM_OK)
		reason = sam_sad_claims(claims, &rules, a, msg);
	if (reason == SAM_OK)
		reason = sam_seal_mac(sam->seal, SAM_SEAL_PAYLOAD, jws.payload, jws.payload_len, a->payload);
	sam_jose_clear(&jws);
	return reason;
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
		reason = sam_present_still(s, a, sam_clock_now());
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
							    : present_sad(sam, s, pin, a, msg);
	if (reason != SAM_OK)
		return reason;
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	return sam_store_known(sam->store, &claim, sam_clock_now());
}

enum sam_reason sam_present_still(const struct sam_snapshot *s, const struct sam_activation *a, int64_t now)
{
	const struct sam_authenticator *authenticator;
	if (a->exp <= now)
		return SAM_ACTIVATION_EXPIRED;
	return find_authenticator(s, a->kid, a->sub, &authenticator);
}

void sam_present_claim(const struct sam_activation *a, struct sam_claim *claim)
{
	*claim = (struct sam_claim){.iss = a->iss, .jti = a->jti, .exp = a->exp};
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
