/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens: 30 characters that stand for a SAD where a client cuts its PIN short; and where the policy has it so,
 * one after the other, each for one signature.
 */
#include "sap/internal.h"

#include <string.h>
#include "base/clock.h"
#include "policy/factors.h"

/* The prefix and 26 characters of base32 (RFC 4648, lower case): 130 bits of the DRBG. */
enum sam_reason sam_token_make(char token[SAM_TOKEN_LEN + 1])
{
	enum { PREFIX = sizeof P11_SAM_TOKEN_PREFIX - 1 };
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[SAM_TOKEN_LEN - PREFIX];
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	if (reason != SAM_OK)
		return reason;
	memcpy(token, P11_SAM_TOKEN_PREFIX, PREFIX);
	for (size_t i = 0; i < sizeof random; i++)
		token[PREFIX + i] = alphabet[random[i] & 31];
	token[SAM_TOKEN_LEN] = '\0';
	sam_mem_wipe(random, sizeof random);
	return SAM_OK;
}

/* Keep the activation behind a token, or find the token that it has. */
static enum sam_reason keep(struct sam *sam, const struct sam_activation *a, struct sam_event *event,
			    char token[SAM_TOKEN_LEN + 1])
{
	sam_auto(sam_free) char *body = NULL;
	struct sam_audit_record record = {0};
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	enum sam_reason reason = sam_token_make(token);
	if (reason == SAM_OK)
		reason = sam_sad_write(a, &body);
	if (reason == SAM_OK)
		reason = sam_audit_make(&sam->audit, event, &record);
	if (reason == SAM_OK)
		reason = sam_store_token_put(sam->store, &claim, body, strlen(body), sam_clock_now(), token,
					     &record.record);
	sam_audit_clear(&record);
	if (reason != SAM_OK)
		sam_mem_wipe(token, SAM_TOKEN_LEN + 1);
	return reason;
}

/* A SAD's token, which is new or its current one; ${tokens}: or a current token, which stays what it is. */
static enum sam_reason exchange(struct sam *sam, const char *text, size_t len, bool tokens,
				char token[SAM_TOKEN_LEN + 1], struct sam_activation **a)
{
	const struct sam_snapshot *s = NULL;
	struct sam_msg msg = {""};
	struct sam_pin pin = {0};
	enum sam_reason reason = sam_pin_read(text, len, NULL, &pin);
	if (reason == SAM_OK && (pin.kind == SAM_PIN_PASSWORD || (pin.kind == SAM_PIN_TOKEN && !tokens)))
		reason = SAM_PIN_FORM;
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_present(sam, s, &pin, a, &msg);
	char factors[SAM_FACTORS_TEXT];
	struct sam_event event = {.type = SAM_EVENT_SAD_EXCHANGE, .actor_kind = "process"};
	sam_present_describe(&event, *a);
	if (reason == SAM_OK) {
		event.factors = sam_factors_text((*a)->factors, factors);
		reason = pin.kind == SAM_PIN_TOKEN ? sam_audit_event(&sam->audit, &event, false)
						   : keep(sam, *a, &event, token);
	}
	if (reason != SAM_OK) {
		if (event.signer && (!s || !sam_registry_signer(s, event.signer)))
			event.signer = NULL;
		event.factors = NULL;
		event.detail = msg.text[0] ? msg.text : NULL;
		reason = sam_audit_refuse(&sam->audit, &event, reason);
	}
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_exchange(struct sam *sam, const char *sad, size_t len, char token[SAM_TOKEN_LEN + 1])
{
	struct sam_activation *a = NULL;
	enum sam_reason reason = exchange(sam, sad, len, false, token, &a);
	sam_activation_release(a);
	return reason;
}

/* ---- one after the other ---- */

_Static_assert(sizeof((struct sam_chain *)0)->iss == SAM_SAD_ISS_MAX + 1 &&
		       sizeof((struct sam_chain *)0)->jti == SAM_SAD_JTI_MAX + 1, "a chain names every SAD");

enum sam_reason sam_chain_open(struct sam *sam, const char *pin, size_t len, struct sam_chain *chain)
{
	char token[SAM_TOKEN_LEN + 1] = "";
	struct sam_activation *a = NULL;
	enum sam_reason reason = exchange(sam, pin, len, true, token, &a);
	if (reason == SAM_OK) {
		*chain = (struct sam_chain){.iat = a->iat, .exp = a->exp};
		sam_mem_copy_text(chain->iss, sizeof chain->iss, a->iss);
		sam_mem_copy_text(chain->jti, sizeof chain->jti, a->jti);
		sam_mem_copy_text(chain->signer, sizeof chain->signer, a->sub);
		memcpy(chain->payload, a->payload, sizeof chain->payload);
	}
	sam_mem_wipe(token, sizeof token);
	sam_activation_release(a);
	return reason;
}

/* How many tokens the chain may have for whoever is logged in; 0: they are not renewed. */
static enum sam_reason chain_max(struct sam *sam, const struct sam_login *login, const char *signer, uint32_t *max)
{
	const struct sam_snapshot *s;
	const struct sam_policy *policy;
	enum sam_reason reason = sam_registry_get(sam->registry, &s);
	if (reason != SAM_OK)
		return reason;
	reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK)
		*max = sam_policy_renews(policy, login ? login->name : NULL, signer) ? policy->renewal_max : 0;
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_chain_token(struct sam *sam, const struct sam_login *login, const struct sam_chain *chain,
				char token[SAM_TOKEN_LEN + 1])
{
	struct sam_claim claim = {.iss = chain->iss, .jti = chain->jti, .iat = chain->iat, .exp = chain->exp};
	uint32_t number = 0, max = 0;
	memcpy(claim.payload, chain->payload, sizeof claim.payload);
	enum sam_reason reason = chain_max(sam, login, chain->signer, &max);
	if (reason == SAM_OK)
		reason = sam_store_token_of(sam->store, &claim, sam_clock_now(), token, &number);
	if (reason == SAM_OK && max && number > max)
		reason = SAM_RENEWALS_USED;
	if (reason != SAM_OK)
		sam_mem_wipe(token, SAM_TOKEN_LEN + 1);
	return reason;
}

/* ---- looked at ---- */

static enum sam_reason inspect_chain(struct sam *sam, const struct sam_activation *a, struct sam_inspection *out)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	enum sam_reason reason = chain_max(sam, NULL, a->sub, &out->chain);
	if (reason == SAM_OK)
		reason = sam_store_token_of(sam->store, &claim, sam_clock_now(), token, &out->number);
	sam_mem_wipe(token, sizeof token);
	return reason == SAM_TOKEN_UNKNOWN ? SAM_OK : reason;
}

enum sam_reason sam_inspect(struct sam *sam, const char *sad, size_t len, struct sam_inspection *out,
			    struct sam_msg *msg)
{
	const struct sam_snapshot *s = NULL;
	struct sam_activation *a = NULL;
	struct sam_pin pin = {0};
	*out = (struct sam_inspection){.number = 0};
	enum sam_reason reason = sam_pin_read(sad, len, NULL, &pin);
	if (reason == SAM_OK && pin.kind == SAM_PIN_PASSWORD)
		reason = SAM_PIN_FORM;
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_present(sam, s, &pin, &a, msg);
	if (reason == SAM_OK)
		reason = inspect_chain(sam, a, out);
	sam_activation_release(a);
	sam_registry_put(s);
	return reason;
}
