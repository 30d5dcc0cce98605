/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs of trusted issuers: whose keys verify them, what the issuer must say of the signer's authentication, and when
 * its word is not enough.
 */
#include "sap/issuer.h"

#include <string.h>
#include "policy/factors.h"
#include "sap/internal.h"
#include "sap/jwks.h"

static enum sam_reason refuse(enum sam_reason reason, struct sam_msg *msg, const char *what)
{
	sam_msg_set(msg, "%s", what);
	return reason;
}

static const struct sam_policy_issuer *entry_of(const struct sam_policy *policy, const json_t *claims)
{
	const json_t *iss = json_object_get(claims, "iss");
	if (!json_is_string(iss) || strlen(json_string_value(iss)) != json_string_length(iss))
		return NULL;
	return sam_policy_issuer(policy, json_string_value(iss));
}

bool sam_issuer_is(const struct sam_policy *policy, const json_t *claims)
{
	return entry_of(policy, claims) != NULL;
}

/* ---- header and signature ---- */

static bool typ_allowed(const struct sam_policy_issuer *entry, const char *typ)
{
	return typ && (strcmp(typ, "sad+jwt") == 0 || (entry->typ_access && strcmp(typ, "at+jwt") == 0) ||
		       (entry->typ_jwt && strcmp(typ, "JWT") == 0));
}

static enum sam_reason read_header(const struct sam_policy_issuer *entry, const struct sam_jws *jws,
				   struct sam_activation *out, struct sam_msg *msg)
{
	const json_t *kid = json_object_get(jws->header, "kid");
	out->kid[0] = '\0';
	if (!typ_allowed(entry, json_string_value(json_object_get(jws->header, "typ"))))
		return refuse(SAM_SAD_HEADER, msg, "typ");
	if (!json_is_string(kid) || !sam_jwks_kid_valid(json_string_value(kid), json_string_length(kid)))
		return refuse(SAM_SAD_HEADER, msg, "kid");
	return sam_mem_copy_text(out->kid, sizeof out->kid, json_string_value(kid)) ? SAM_OK : SAM_SAD_HEADER;
}

static enum sam_reason verify(struct sam *sam, const struct sam_policy *policy, const struct sam_policy_issuer *entry,
			      const struct sam_jws *jws, struct sam_activation *out, struct sam_msg *msg)
{
	struct sam_jwk key;
	if (!entry->algorithms[jws->alg] || !policy->sad_algorithms[jws->alg])
		return SAM_SAD_ALGORITHM;
	enum sam_reason reason = sam_jwks_find(sam->jwks, entry->jwks, out->kid, &key, msg);
	if (reason == SAM_OK)
		reason = sam_jose_verify(jws, key.pkey, key.alg);
	if (reason == SAM_OK)
		memcpy(out->issuer_key, key.thumbprint, sizeof out->issuer_key);
	sam_jose_jwk_clear(&key);
	return reason;
}

/* ---- what it says of the signer's authentication; the types are checked already ---- */

static bool says_acr(const struct sam_policy_issuer *entry, const json_t *claims)
{
	const char *acr = json_string_value(json_object_get(claims, "acr"));
	bool said = entry->acr_count == 0;
	for (size_t i = 0; acr && i < entry->acr_count; i++)
		said = said || strcmp(acr, entry->acr[i]) == 0;
	return said;
}

static bool says_method(const json_t *amr, const char *wanted)
{
	const json_t *method;
	size_t i;
	json_array_foreach (amr, i, method)
		if (strcmp(json_string_value(method), wanted) == 0)
			return true;
	return false;
}

static bool says_amr(const struct sam_policy_issuer *entry, const json_t *claims)
{
	for (size_t i = 0; i < entry->amr_count; i++)
		if (!says_method(json_object_get(claims, "amr"), entry->amr[i]))
			return false;
	return true;
}

/* Not too long ago, and not in time to come. */
static bool says_when(const struct sam_policy_issuer *entry, const struct sam_sad_rules *rules, const json_t *claims)
{
	const json_t *time = json_object_get(claims, "auth_time");
	int64_t at = json_integer_value(time);
	if (!entry->max_auth_age)
		return true;
	return time && at <= rules->now + rules->leeway && rules->now - at <= entry->max_auth_age;
}

static enum sam_reason check_asserted(const struct sam_policy_issuer *entry, const struct sam_sad_rules *rules,
				      const json_t *claims, struct sam_activation *out, struct sam_msg *msg)
{
	if (!says_acr(entry, claims))
		return refuse(SAM_SAD_ASSERTED, msg, "acr");
	if (!says_amr(entry, claims))
		return refuse(SAM_SAD_ASSERTED, msg, "amr");
	if (!says_when(entry, rules, claims))
		return refuse(SAM_SAD_ASSERTED, msg, "auth_time");
	if (sam_policy_issuer_asserts(entry))
		out->factors |= SAM_FACTOR_ASSERTED;
	return SAM_OK;
}

enum sam_reason sam_issuer_verify(struct sam *sam, const struct sam_policy *policy, const struct sam_jws *jws,
				  const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
				  struct sam_msg *msg)
{
	const struct sam_policy_issuer *entry = entry_of(policy, claims);
	struct sam_sad_rules its = *rules;
	if (!entry)
		return SAM_SAD_ISSUER;
	its.issuer = entry;
	enum sam_reason header = read_header(entry, jws, out, msg);
	/* whose it is first, for the record */
	enum sam_reason reason = sam_sad_identity_by(claims, entry, out, msg);
	if (header != SAM_OK)
		reason = header;
	if (reason == SAM_OK)
		reason = verify(sam, policy, entry, jws, out, msg);
	if (reason == SAM_OK)
		reason = sam_sad_claims(claims, &its, out, msg);
	return reason == SAM_OK ? check_asserted(entry, rules, claims, out, msg) : reason;
}

/* ---- whether that is enough ---- */

/* One key, one party: who asks for signatures, or for whom they are, does not authorise them as an issuer too. */
static bool is_users(const struct sam_snapshot *s, const char *key)
{
	for (size_t i = 0; i < s->principal_count; i++)
		if (strcmp(s->principals[i].device.kid, key) == 0)
			return true;
	return sam_registry_authenticator(s, key) != NULL;
}

/* Without the signer's own proof the issuer alone speaks: patterns 2 and 3 of the guideline. */
static enum sam_reason accept(const struct sam_snapshot *s, const struct sam_policy *policy,
			      const struct sam_activation *a)
{
	const struct sam_policy_issuer *entry = sam_policy_issuer(policy, a->iss);
	if (!entry)
		return SAM_SAD_KEY_UNKNOWN;
	if (policy->level != 1 && is_users(s, a->issuer_key))
		return SAM_ISSUER_IS_USER;
	if (a->cnf_key[0])
		return SAM_OK;
	return policy->level == 1 && entry->delegation ? SAM_OK : SAM_SAD_DELEGATION;
}

enum sam_reason sam_issuer_accept(const struct sam_snapshot *s, const struct sam_policy *policy,
				  struct sam_activation *a, struct sam_msg *msg)
{
	if (!a->issuer_key[0])
		return SAM_OK;
	enum sam_reason reason = accept(s, policy, a);
	if (reason == SAM_OK && !a->cnf_key[0])
		a->factors |= SAM_FACTOR_ASSERTED;
	return reason == SAM_SAD_DELEGATION ? refuse(reason, msg, "no proof by a key registered for the signer") : reason;
}

enum sam_reason sam_issuer_still(struct sam *sam, const struct sam_snapshot *s, const struct sam_policy *policy,
				 const struct sam_activation *a)
{
	struct sam_jwk key;
	if (!a->issuer_key[0])
		return SAM_OK;
	enum sam_reason reason = accept(s, policy, a);
	if (reason != SAM_OK)
		return reason;
	const struct sam_authenticator *device = a->cnf_key[0] ? sam_registry_authenticator(s, a->cnf_key) : NULL;
	if (a->cnf_key[0] && (!device || strcmp(device->signer, a->sub) != 0))
		return SAM_SAD_KEY_UNKNOWN;
	reason = sam_jwks_find(sam->jwks, sam_policy_issuer(policy, a->iss)->jwks, a->kid, &key, NULL);
	/* the name may be another key's by now */
	if (reason == SAM_OK && strcmp(key.thumbprint, a->issuer_key) != 0)
		reason = SAM_SAD_KEY_UNKNOWN;
	sam_jose_jwk_clear(&key);
	return reason;
}
