/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From what was presented, a SAD or a SAD token, to an activation; and whether one is still good.
 */
#include "sap/internal.h"

#include <string.h>
#include "sap/issuer.h"
#include "sap/signer_key.h"

static enum sam_reason present_token(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
				     struct sam_activation *a)
{
	struct sam_token_id by;
	uint8_t *body = NULL;
	size_t len = 0;
	const struct sam_policy *policy;
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK)
		reason = sam_store_token_find(sam->store, pin->text, &by, &body, &len);
	if (reason == SAM_OK)
		reason = sam_sad_read((const char *)body, len, a);
	free(body);
	if (reason == SAM_OK) {
		a->by = by;
		reason = sam_present_still(sam, s, a, sam_clock_now());
	}
	return reason == SAM_ACTIVATION_EXPIRED ? SAM_SAD_EXPIRED : reason;
}

enum sam_reason sam_present(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
			    struct sam_activation **out, struct sam_msg *msg)
{
	struct sam_activation *a = sam_activation_new();
	*out = a;
	if (!a)
		return SAM_MEMORY;
	enum sam_reason reason = SAM_PIN_FORM;
	if (pin->kind == SAM_PIN_TOKEN)
		reason = present_token(sam, s, pin, a);
	else if (pin->kind == SAM_PIN_SAD || pin->kind == SAM_PIN_ENCRYPTED)
		reason = sam_present_sad(sam, s, pin, a, NULL, msg);
	if (reason == SAM_OK)
		reason = sam_factors_check(&s->sealed->policy, a);
	if (reason != SAM_OK)
		return reason;
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	return sam_store_known(sam->store, &claim, sam_clock_now());
}

/* ---- still ---- */

/* A change about the signer ends what was authorised before it: SADs by the time they were made at, what was
 * verified already by the version (P1-6.3.1a.1). */
enum sam_reason sam_present_signer(const struct sam_snapshot *s, const struct sam_activation *a, uint64_t version)
{
	const struct sam_signer *signer = sam_registry_signer(s, a->sub);
	if (!signer)
		return SAM_SAD_KEY_UNKNOWN;
	if (signer->version != version || a->iat <= signer->changed)
		return SAM_SAD_OLD;
	return signer->suspended ? SAM_SIGNER_SUSPENDED : SAM_OK;
}

/* By whose key it was verified then: an authenticator that is still the signer's, or an issuer's. */
static enum sam_reason check_verifier(struct sam *sam, const struct sam_snapshot *s, const struct sam_activation *a)
{
	const struct sam_authenticator *authenticator;
	if (a->issuer_key[0])
		return sam_issuer_still(sam, s, &s->sealed->policy, a);
	return sam_signer_key_find(s, a->kid, a->sub, &authenticator);
}

enum sam_reason sam_present_still(struct sam *sam, const struct sam_snapshot *s, const struct sam_activation *a,
				  int64_t now)
{
	if (a->exp <= now)
		return SAM_ACTIVATION_EXPIRED;
	if (!s->sealed)
		return SAM_POLICY_UNSIGNED;
	enum sam_reason reason = check_verifier(sam, s, a);
	if (reason == SAM_OK)
		reason = sam_present_signer(s, a, a->version);
	/* the policy may ask for more than it did then; one reason, whatever it is that lacks now */
	if (reason == SAM_OK && sam_factors_check(&s->sealed->policy, a) != SAM_OK)
		reason = SAM_FACTORS;
	return reason;
}

/* ---- for the store and the record ---- */

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
