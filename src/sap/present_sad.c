/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a SAD to an activation, step by step: opened, taken apart, verified, its claims, its signer, its proof, its PIN
 * (P2-3.2.1.1). Everything here may be said by an attacker until the signature has been verified; the PIN is looked at
 * only then, so that nobody guesses without the device.
 */
#include "sap/internal.h"

#include <string.h>
#include "policy/factors.h"
#include "registry/identify.h"
#include "sap/encrypted.h"
#include "sap/issuer.h"
#include "sap/proof.h"
#include "sap/secret_claim.h"
#include "sap/signer_key.h"

/* A SAD on its way. */
struct showing {
	struct sam *sam;
	const struct sam_snapshot *s;
	const struct sam_policy *policy; /* in force, on this snapshot */
	struct sam_sad_rules rules;
	struct sam_secret opened;        /* what was in the JWE */
	const char *sad, *proof;         /* proof NULL: none came */
	size_t sad_len, proof_len;
	struct sam_jws jws;
	json_t *claims;                  /* owned */
	struct sam_secret_claims secrets;
	struct sam_activation *a;
	struct sam_order *order;         /* NULL: an application presents it */
	struct sam_msg *msg;
};

static enum sam_reason refuse(struct showing *w, enum sam_reason reason, const char *what)
{
	sam_msg_set(w->msg, "%s", what);
	return reason;
}

/* ---- what came ---- */

/* SAD or SAD~PROOF. */
static enum sam_reason split(struct showing *w, const char *text, size_t len)
{
	const char *tilde = memchr(text, '~', len);
	w->sad = text;
	w->sad_len = tilde ? (size_t)(tilde - text) : len;
	w->proof = tilde ? tilde + 1 : NULL;
	w->proof_len = tilde ? len - w->sad_len - 1 : 0;
	return tilde && !w->proof_len ? SAM_SAD_CNF : SAM_OK;
}

static enum sam_reason open_sad(struct showing *w, const struct sam_pin *pin)
{
	if (pin->kind != SAM_PIN_ENCRYPTED)
		return split(w, pin->text, pin->len);
	enum sam_reason reason = sam_encrypted_open(w->sam, w->s, pin->text, pin->len, &w->opened, w->msg);
	w->a->encrypted = reason == SAM_OK;
	return reason == SAM_OK ? split(w, (const char *)w->opened.data, w->opened.len) : reason;
}

/* The payload's MAC is made of it as it came, the claims of what is left without its secrets. */
static enum sam_reason take_apart(struct showing *w)
{
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, w->sad, w->sad_len, w->a->sad_sha256);
	if (reason == SAM_OK)
		reason = sam_jose_parse(w->sad, w->sad_len, &w->jws);
	if (reason == SAM_OK)
		reason = sam_seal_mac(w->sam->seal, SAM_SEAL_PAYLOAD, w->jws.payload, w->jws.payload_len, w->a->payload);
	if (reason == SAM_OK)
		reason = sam_secret_claims_cut(w->jws.payload, w->jws.payload_len, &w->secrets, w->msg);
	if (reason != SAM_OK)
		return reason;
	w->claims = sam_jose_json(w->jws.payload, w->jws.payload_len);
	(void)!sam_sad_identity(w->claims, w->a, NULL); /* for the record, whatever comes */
	if (w->claims)
		reason = sam_secret_claims_check(w->claims, &w->secrets, w->msg);
	if (reason == SAM_OK && !w->a->encrypted && (w->secrets.pin[0] || w->secrets.fresh[0]))
		/* a signed SAD can be read by anybody on its way */
		return refuse(w, SAM_SAD_CLAIMS, w->secrets.pin[0] ? "pin" : "operation_params.new");
	if (reason == SAM_OK && w->policy->encrypted && !w->a->encrypted)
		return SAM_SAD_CLEAR;
	return reason;
}

/* ---- by whom ---- */

static enum sam_reason by_issuer(struct showing *w)
{
	if (w->secrets.pin[0]) /* it is the signer's own: whoever else knows it is not to */
		return refuse(w, SAM_SAD_CLAIMS, "pin");
	if (w->order)
		return refuse(w, SAM_SAD_OPERATION, "a trusted issuer orders signatures alone");
	return sam_issuer_verify(w->sam, w->policy, &w->jws, w->claims, &w->rules, w->a, w->msg);
}

static bool orders(const json_t *claims, const char *operation)
{
	const char *is = json_string_value(json_object_get(claims, "operation"));
	return is && strcmp(is, operation) == 0;
}

/* For signatures; or, for applications that make keys, `generate`; or for the act that was ordered. */
static enum sam_reason read_claims(struct showing *w)
{
	if (w->order)
		return sam_sad_operation_claims(w->claims, &w->rules, w->a, &w->order->operation, w->msg);
	if (!orders(w->claims, "generate"))
		return sam_sad_claims(w->claims, &w->rules, w->a, w->msg);
	struct sam_sad_operation *order = calloc(1, sizeof *order);
	if (!order)
		return SAM_MEMORY;
	enum sam_reason reason = sam_sad_operation_claims(w->claims, &w->rules, w->a, order, w->msg);
	w->a->order = order;
	return reason;
}

static enum sam_reason by_signer(struct showing *w)
{
	enum sam_reason reason = sam_signer_key_verify(w->s, w->policy, &w->jws, w->claims, w->rules.now, w->a, w->msg);
	if (reason == SAM_SAD_SIGNATURE) {
		enum sam_reason counted = sam_identify_forged(w->sam->registry, &w->sam->audit, w->s, w->a->kid);
		return counted == SAM_OK ? reason : counted;
	}
	return reason == SAM_OK ? read_claims(w) : reason;
}

static enum sam_reason check_signer(struct showing *w)
{
	const struct sam_signer *signer = sam_registry_signer(w->s, w->a->sub);
	if (!signer)
		return SAM_SAD_KEY_UNKNOWN;
	w->a->version = signer->version;
	enum sam_reason reason = sam_present_signer(w->s, w->a, w->a->version);
	/* a suspended signer's SAD does nothing but resume */
	const bool resumes = w->order && strcmp(w->order->operation.name, "resume") == 0;
	return reason == SAM_SIGNER_SUSPENDED && resumes ? SAM_OK : reason;
}

/* ---- what the signer knows ---- */

static enum sam_reason check_pin(struct showing *w)
{
	const struct sam_signer *signer = sam_registry_signer(w->s, w->a->sub);
	if (!w->secrets.pin[0])
		return SAM_OK;
	enum sam_reason reason = sam_identify_pin(w->sam->registry, &w->sam->audit, w->s, signer, w->a->kid,
						  w->a->iat, w->secrets.pin, strlen(w->secrets.pin));
	if (reason == SAM_OK)
		w->a->factors |= SAM_FACTOR_KNOWLEDGE;
	return reason;
}

static enum sam_reason run(struct showing *w, const struct sam_pin *pin)
{
	enum sam_reason reason = open_sad(w, pin);
	if (reason == SAM_OK)
		reason = take_apart(w);
	if (reason == SAM_OK)
		reason = sam_issuer_is(w->policy, w->claims) ? by_issuer(w) : by_signer(w);
	if (reason == SAM_OK)
		reason = check_signer(w);
	if (reason == SAM_OK)
		reason = sam_proof_check(w->sam, w->s, w->policy, w->sad, w->sad_len, w->claims, w->proof, w->proof_len,
					 &w->rules, w->a, w->msg);
	if (reason == SAM_OK)
		reason = sam_issuer_accept(w->s, w->policy, w->a, w->msg);
	return reason == SAM_OK ? check_pin(w) : reason;
}

enum sam_reason sam_present_sad(struct sam *sam, const struct sam_snapshot *s, const struct sam_pin *pin,
				struct sam_activation *a, struct sam_order *order, struct sam_msg *msg)
{
	struct showing w = {.sam = sam, .s = s, .a = a, .order = order, .msg = msg};
	enum sam_reason reason = sam_sealed_now(sam, s, &w.policy);
	if (reason != SAM_OK)
		return reason;
	w.rules = (struct sam_sad_rules){
		.sam_id = sam->config.sam_id,
		.now = sam_clock_now(),
		.max_lifetime = w.policy->max_lifetime,
		.leeway = w.policy->leeway,
		.level = w.policy->level,
	};
	reason = run(&w, pin);
	if (reason == SAM_OK && order)
		memcpy(order->fresh, w.secrets.fresh, sizeof order->fresh);
	sam_jose_clear(&w.jws);
	json_decref(w.claims);
	sam_secret_claims_wipe(&w.secrets);
	sam_secret_clear(&w.opened);
	return reason;
}
