/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C_GenerateKeyPair's end of the waist (sap/sam.h): the act `key generate`, by a SAD that the application presented.
 */
#include "admin/internal.h"

#include <string.h>
#include "sap/sad.h"

static enum sam_reason refuse(struct sam *sam, const struct sam_login *login, enum sam_reason why)
{
	return sam_refused_call(sam, login, "C_GenerateKeyPair", NULL, why);
}

/* The act itself records what becomes of it. */
static enum sam_reason by_activation(struct sam *sam, const struct sam_activation *a, const struct sam_new_key *what,
				     char credential[SAM_CREDENTIAL_SIZE])
{
	const struct sam_actors actors = {.activation = a};
	struct sam_outcome outcome;
	sam_auto(json_decref) json_t *params =
		json_pack("{ss ss ss* sI sI}", "id", a->sub, "type", sam_key_type_name(what->type, what->bits), "label",
			  what->label[0] ? what->label : NULL, "start", (json_int_t)what->start, "end",
			  (json_int_t)what->end);
	if (!params)
		return SAM_MEMORY;
	enum sam_reason reason = sam_act_do(sam, &actors, SAM_ACT_KEY_GENERATE, params, &outcome);
	memcpy(credential, outcome.credential, SAM_CREDENTIAL_SIZE);
	return reason;
}

static bool fits(const struct sam_activation *a, const struct sam_new_key *what)
{
	return strcmp(a->order->type, sam_key_type_name(what->type, what->bits)) == 0 &&
	       (!what->label[0] || strcmp(a->order->label, what->label) == 0);
}

enum sam_reason sam_generate(struct sam *sam, const struct sam_login *login, struct sam_activation *const *activations,
			     size_t count, const struct sam_new_key *what, char credential[SAM_CREDENTIAL_SIZE])
{
	const struct sam_snapshot *s;
	enum sam_reason best = SAM_NO_ACTIVATION;
	credential[0] = '\0';
	enum sam_reason reason = sam_registry_get(sam_registry(sam), &s);
	if (reason != SAM_OK)
		return reason;
	/* those that order just this before those that only say what is wrong; one that is used up makes way */
	for (size_t n = 0; n < 2 * count && reason == SAM_OK; n++) {
		const struct sam_activation *a = activations[n % count];
		if (!a->order || !sam_login_may_use(s, login, a->sub) || fits(a, what) != (n < count))
			continue;
		best = by_activation(sam, a, what, credential);
		if (best != SAM_DIGEST_USED)
			break;
	}
	sam_registry_put(s);
	if (best == SAM_OK)
		(void)!sam_store_checkpoint(sam_store(sam), true); /* as after any act; the log says it */
	return best == SAM_NO_ACTIVATION ? refuse(sam, login, best) : best;
}
