/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens: 30 characters that stand for a SAD where a client cuts its PIN short.
 */
#include "sap/internal.h"

#include <string.h>
#include "base/clock.h"
#include "policy/factors.h"

/* The prefix and 26 characters of base32 (RFC 4648, lower case): 130 bits of the DRBG. */
static enum sam_reason make_token(char token[SAM_TOKEN_LEN + 1])
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
	enum sam_reason reason = make_token(token);
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

enum sam_reason sam_exchange(struct sam *sam, const char *sad, size_t len, char token[SAM_TOKEN_LEN + 1])
{
	const struct sam_snapshot *s = NULL;
	struct sam_activation *a = NULL;
	struct sam_msg msg = {""};
	struct sam_pin pin = {0};
	enum sam_reason reason = sam_pin_read(sad, len, NULL, &pin);
	if (reason == SAM_OK && pin.kind != SAM_PIN_SAD && pin.kind != SAM_PIN_ENCRYPTED)
		reason = SAM_PIN_FORM; /* only the SAD itself is exchanged */
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_present(sam, s, &pin, &a, &msg);
	char factors[SAM_FACTORS_TEXT];
	struct sam_event event = {.type = SAM_EVENT_SAD_EXCHANGE, .actor_kind = "process"};
	sam_present_describe(&event, a);
	if (reason == SAM_OK) {
		event.factors = sam_factors_text(a->factors, factors);
		reason = keep(sam, a, &event, token);
	}
	if (reason != SAM_OK) {
		if (event.signer && (!s || !sam_registry_signer(s, event.signer)))
			event.signer = NULL;
		event.factors = NULL;
		event.detail = msg.text[0] ? msg.text : NULL;
		reason = sam_audit_refuse(&sam->audit, &event, reason);
	}
	sam_activation_release(a);
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_inspect(struct sam *sam, const char *sad, size_t len, struct sam_msg *msg)
{
	const struct sam_snapshot *s = NULL;
	struct sam_activation *a = NULL;
	struct sam_pin pin = {0};
	enum sam_reason reason = sam_pin_read(sad, len, NULL, &pin);
	if (reason == SAM_OK && pin.kind == SAM_PIN_PASSWORD)
		reason = SAM_PIN_FORM;
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_present(sam, s, &pin, &a, msg);
	sam_activation_release(a);
	sam_registry_put(s);
	return reason;
}
