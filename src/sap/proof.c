/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The proof beside a SAD with `cnf`: whoever took the SAD on its way cannot present it.
 */
#include "sap/proof.h"

#include <string.h>
#include "base/encode.h"
#include "policy/factors.h"
#include "sap/sad_details.h"

static enum sam_reason refuse(enum sam_reason reason, struct sam_msg *msg, const char *what)
{
	sam_msg_set(msg, "%s", what);
	return reason;
}

/* ---- the key ---- */

/* Of `cnf`. */
struct holder {
	EVP_PKEY *pkey;      /* owned */
	enum sam_jws_alg alg;
	char kid[SAM_THUMBPRINT_LEN + 1];
	bool registered;     /* for the signer */
};

/* The signer's device key of that thumbprint. A certificate's key speaks only with its certificate, which is nowhere
 * here. */
static const struct sam_device *registered(const struct sam_snapshot *s, const char *sub, const char *kid)
{
	const struct sam_authenticator *found = sam_registry_authenticator(s, kid);
	return found && strcmp(found->signer, sub) == 0 && !found->certificate[0] ? &found->device : NULL;
}

static enum sam_reason take_device(const struct sam_device *device, struct holder *out)
{
	if (!EVP_PKEY_up_ref(device->pkey))
		return SAM_MEMORY;
	out->pkey = device->pkey;
	out->alg = device->alg;
	out->registered = true;
	return sam_mem_copy_text(out->kid, sizeof out->kid, device->kid) ? SAM_OK : SAM_INTERNAL;
}

/* A thumbprint: RFC 7800 leaves open what a `kid` is, here it is what it is elsewhere in a SAD. */
static enum sam_reason named_key(const struct sam_snapshot *s, const char *sub, const json_t *kid, struct holder *out,
				 struct sam_msg *msg)
{
	if (!json_is_string(kid) || !sam_sad_thumbprint_valid(json_string_value(kid), json_string_length(kid)))
		return refuse(SAM_SAD_CNF, msg, "cnf: no thumbprint");
	const struct sam_device *device = registered(s, sub, json_string_value(kid));
	return device ? take_device(device, out) : refuse(SAM_SAD_KEY_UNKNOWN, msg, "cnf");
}

static enum sam_reason given_key(const struct sam_snapshot *s, const char *sub, const json_t *json, struct holder *out,
				 struct sam_msg *msg)
{
	static const char *const private[] = {"d", "k", "p", "q", "dp", "dq", "qi", "oth"};
	struct sam_jwk jwk;
	for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
		if (json_object_get(json, private[i]))
			return refuse(SAM_SAD_CNF, msg, "cnf: the key is not public");
	enum sam_reason reason = sam_jose_jwk(json, &jwk, NULL);
	if (reason != SAM_OK)
		return reason == SAM_MEMORY ? reason : refuse(SAM_SAD_CNF, msg, "cnf: jwk");
	const struct sam_device *device = registered(s, sub, jwk.thumbprint);
	if (device) { /* what the registry says of it counts */
		sam_jose_jwk_clear(&jwk);
		return take_device(device, out);
	}
	out->pkey = jwk.pkey; /* ours now */
	out->alg = jwk.alg;
	memcpy(out->kid, jwk.thumbprint, sizeof out->kid);
	return SAM_OK;
}

/* One member, and one of ours: who reads another one would ask for another key's proof. */
static enum sam_reason find_holder(const struct sam_snapshot *s, const char *sub, const json_t *cnf,
				   struct holder *out, struct sam_msg *msg)
{
	const json_t *jwk = json_object_get(cnf, "jwk"), *kid = json_object_get(cnf, "kid");
	const json_t *jkt = json_object_get(cnf, "jkt"); /* RFC 9449 section 6.1 */
	if (json_object_size(cnf) != 1 || !(jwk || kid || jkt))
		return refuse(SAM_SAD_CNF, msg, "cnf: needs one of jwk, kid, jkt");
	return jwk ? given_key(s, sub, jwk, out, msg) : named_key(s, sub, kid ? kid : jkt, out, msg);
}

/* ---- the proof ---- */

static bool names_sad(const json_t *claims, const char *sad, size_t len)
{
	uint8_t hash[32];
	char wanted[44];
	const json_t *ath = json_object_get(claims, "ath");
	if (sam_ossl_digest(SAM_HASH_SHA256, sad, len, hash) != SAM_OK)
		return false;
	sam_encode_b64url(hash, sizeof hash, wanted);
	return json_is_string(ath) && json_string_length(ath) == strlen(wanted) &&
	       sam_mem_equal(json_string_value(ath), wanted, strlen(wanted));
}

static enum sam_reason read_claims(const struct sam_jws *jws, const char *sad, size_t sad_len,
				   const struct sam_sad_rules *rules, struct sam_msg *msg)
{
	struct sam_sad_rules its = *rules;
	struct sam_activation frame = {.iat = 0};
	struct sam_msg claim = {""};
	sam_auto(json_decref) json_t *claims = sam_jose_json(jws->payload, jws->payload_len);
	if (!claims)
		return refuse(SAM_SAD_PROOF, msg, "proof: the payload is no JSON object");
	its.max_lifetime = SAM_PROOF_S;
	enum sam_reason reason = sam_sad_frame(claims, &its, &frame, &claim);
	if (reason != SAM_OK) {
		sam_msg_set(msg, "proof: %s", claim.text);
		return reason == SAM_SAD_EXPIRED || reason == SAM_SAD_NOT_YET ? reason : SAM_SAD_PROOF;
	}
	return names_sad(claims, sad, sad_len) ? SAM_OK : refuse(SAM_SAD_PROOF, msg, "proof: ath");
}

static enum sam_reason verify(const struct sam_policy *policy, const struct holder *holder, const struct sam_jws *jws,
			      struct sam_msg *msg)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	/* the `typ` keeps a SAD by the same key from being taken for a proof (RFC 8725 section 3.11) */
	if (sam_sad_header(jws, SAM_TYP_PROOF, kid) != SAM_OK)
		return refuse(SAM_SAD_PROOF, msg, "proof: typ or kid");
	if (strcmp(kid, holder->kid) != 0)
		return refuse(SAM_SAD_PROOF, msg, "proof: kid is not the key of cnf");
	if (!policy->sad_algorithms[jws->alg])
		return refuse(SAM_SAD_ALGORITHM, msg, "proof: alg");
	enum sam_reason reason = sam_jose_verify(jws, holder->pkey, holder->alg);
	if (reason == SAM_SAD_SIGNATURE)
		return refuse(SAM_SAD_PROOF, msg, "proof: the signature is wrong");
	return reason == SAM_OK ? SAM_OK : refuse(reason, msg, "proof: the signature");
}

static enum sam_reason check(const struct sam_policy *policy, const struct holder *holder, const char *sad,
			     size_t sad_len, const char *proof, size_t proof_len, const struct sam_sad_rules *rules,
			     struct sam_msg *msg)
{
	struct sam_jws jws = {0};
	enum sam_reason reason = proof_len <= SAM_PROOF_MAX ? sam_jose_parse(proof, proof_len, &jws) : SAM_SAD_PROOF;
	if (reason != SAM_OK)
		reason = refuse(reason == SAM_MEMORY || reason == SAM_SAD_ALGORITHM ? reason : SAM_SAD_PROOF, msg,
				"proof: is no compact JWS of ours");
	if (reason == SAM_OK)
		reason = verify(policy, holder, &jws, msg);
	if (reason == SAM_OK)
		reason = read_claims(&jws, sad, sad_len, rules, msg);
	sam_jose_clear(&jws);
	return reason;
}

enum sam_reason sam_proof_check(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				const char *sad, size_t sad_len, const json_t *claims, const char *proof,
				size_t proof_len, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg)
{
	const json_t *cnf = json_object_get(claims, "cnf");
	struct holder holder = {.pkey = NULL};
	(void)sam;
	out->cnf_key[0] = '\0';
	if (!cnf)
		return proof ? refuse(SAM_SAD_CNF, msg, "a proof, but no cnf") : SAM_OK;
	if (!proof)
		return refuse(SAM_SAD_CNF, msg, "cnf, but no proof");
	enum sam_reason reason = find_holder(snapshot, out->sub, cnf, &holder, msg);
	if (reason == SAM_OK && policy->level != 1 && !holder.registered)
		reason = refuse(SAM_SAD_KEY_UNKNOWN, msg, "cnf: the key is not registered for the signer");
	if (reason == SAM_OK)
		reason = check(policy, &holder, sad, sad_len, proof, proof_len, rules, msg);
	if (reason == SAM_OK && holder.registered) {
		memcpy(out->cnf_key, holder.kid, sizeof out->cnf_key);
		out->factors |= SAM_FACTOR_POSSESSION;
	}
	EVP_PKEY_free(holder.pkey);
	return reason;
}
