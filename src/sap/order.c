/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs for something else than signatures: each acts once.
 */
#include "sap/internal.h"

#include <string.h>
#include "policy/factors.h"

/* A signer whose PIN two officers have taken away has no second factor to set the next one with: their word is it.
 * Nobody but the signer's own device ever says what the PIN is to be. */
static enum sam_reason check_first_pin(const struct sam_activation *a)
{
	if (!a->encrypted)
		return SAM_SAD_CLEAR;
	return a->factors & SAM_FACTOR_POSSESSION ? SAM_OK : SAM_FACTORS;
}

/* A new PIN is set with the old one, whatever the level asks of a SAD otherwise. */
static enum sam_reason check_factors(const struct sam_snapshot *s, const struct sam_order *order, struct sam_msg *msg)
{
	const struct sam_signer *signer = sam_registry_signer(s, order->sad.sub);
	const bool pin = strcmp(order->operation.name, "pin") == 0;
	if (pin && signer && !signer->pin[0] && signer->pin_set)
		return check_first_pin(&order->sad);
	if (pin && !(order->sad.factors & SAM_FACTOR_KNOWLEDGE)) {
		sam_msg_set(msg, "pin: the old one is missing");
		return SAM_SAD_CLAIMS;
	}
	return sam_factors_check(&s->sealed->policy, &order->sad);
}

static void name_factors(struct sam_order *order)
{
	(void)sam_factors_text(order->sad.factors, order->factors);
}

static enum sam_reason read_form(const char *text, size_t len, struct sam_pin *pin)
{
	enum sam_reason reason = sam_pin_read(text, len, NULL, pin);
	if (reason == SAM_PIN_FORM || reason == SAM_PIN_EMPTY || reason == SAM_PIN_NULL)
		return SAM_SAD_MALFORMED;
	if (reason == SAM_OK && pin->kind != SAM_PIN_SAD && pin->kind != SAM_PIN_ENCRYPTED)
		return SAM_SAD_MALFORMED;
	return reason;
}

enum sam_reason sam_order_read(struct sam *sam, const struct sam_snapshot *s, const char *text, size_t len,
			       const char *name, struct sam_order *out, struct sam_msg *msg)
{
	struct sam_claim claim;
	struct sam_pin pin;
	memset(out, 0, sizeof *out);
	enum sam_reason reason = read_form(text, len, &pin);
	if (reason == SAM_OK)
		reason = sam_present_sad(sam, s, &pin, &out->sad, out, msg);
	name_factors(out);
	if (reason == SAM_OK && strcmp(out->operation.name, name) != 0)
		reason = SAM_SAD_OPERATION;
	if (reason == SAM_OK)
		reason = check_factors(s, out, msg);
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
	name_factors(out);
	enum sam_reason reason = sam_present_still(sam, s, a, sam_clock_now()); /* the factors too */
	sam_present_claim(a, &claim);
	return reason == SAM_OK ? sam_store_known(sam->store, &claim, sam_clock_now()) : reason;
}

void sam_order_clear(struct sam_order *order)
{
	sam_mem_wipe(order->fresh, sizeof order->fresh);
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
	event->factors = verified && order->factors[0] ? order->factors : NULL;
}
