/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `issuers:` of the policy file: the authorisation servers whose SADs are taken, with which keys, in which form, and
 * what they must say of how the signer was authenticated.
 */
#include "policy/policy_issuers.h"

#include <string.h>
#include "policy/policy_algorithms.h"
#include "policy/policy_read.h"

enum { DAY_S = 86400 };

/* ---- who, and by which keys ---- */

/* An issuer is never taken for a signer, whose SADs say iss = sub: its name is none that a signer can have. */
static enum sam_reason read_name(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_issuer *issuer,
				 struct sam_msg *msg)
{
	enum sam_reason reason = sam_policy_read_text(map, "iss", issuer->iss, sizeof issuer->iss, msg);
	struct sam_yaml *node = sam_yaml_get(map, "iss");

	if (reason != SAM_OK)
		return reason;
	if (sam_name_valid(issuer->iss, strlen(issuer->iss)))
		return sam_yaml_refuse(node, msg, "iss: could be a signer's id; an issuer's name is a URI as "
						  "https://as.example.jp");
	for (size_t i = 0; i < out->issuer_count; i++)
		if (!strcmp(issuer->iss, out->issuers[i].iss))
			return sam_yaml_refuse(node, msg, "iss: stands there twice; keep one");
	return SAM_OK;
}

static enum sam_reason read_jwks(struct sam_yaml *map, struct sam_policy_issuer *issuer, struct sam_msg *msg)
{
	enum sam_reason reason = sam_policy_read_text(map, "jwks", issuer->jwks, sizeof issuer->jwks, msg);

	if (reason == SAM_OK && issuer->jwks[0] != '/')
		return sam_yaml_refuse(sam_yaml_get(map, "jwks"), msg, "jwks: is no whole path; begin it with /");
	return reason;
}

/* Those of `sap`, or some of them. */
static enum sam_reason read_algorithms(struct sam_yaml *map, const struct sam_policy *out,
				       struct sam_policy_issuer *issuer, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(map, "algorithms");
	enum sam_reason reason;

	memcpy(issuer->algorithms, out->sad_algorithms, sizeof issuer->algorithms);
	if (!list)
		return SAM_OK;
	memset(issuer->algorithms, 0, sizeof issuer->algorithms);
	reason = sam_policy_jws_algorithms_read(map, issuer->algorithms, msg);
	for (size_t i = 0; reason == SAM_OK && i < SAM_JWS_ALGS; i++)
		if (issuer->algorithms[i] && !out->sad_algorithms[i])
			return sam_yaml_refuse(list, msg, "algorithms: has one that sap.algorithms leaves out; remove it "
							  "or add it there");
	return reason;
}

/* ---- lists of words ---- */

/* ${map}'s list of distinct words into ${words}; absent: none. */
static enum sam_reason read_words(struct sam_yaml *map, const char *key, char (*words)[SAM_POLICY_WORD], size_t max,
				  size_t *count, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(map, key);
	enum sam_reason reason;

	*count = 0;
	if (!list)
		return SAM_OK;
	reason = sam_yaml_need(map, key, SAM_YAML_LIST, &list, msg);
	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "%s: the list is empty; name at least one or remove it", key);
	for (struct sam_yaml *item = reason == SAM_OK ? list->items : NULL; item; item = item->next) {
		const char *word = "";

		reason = sam_yaml_text(item, &word, msg);
		if (reason != SAM_OK)
			return reason;
		if (*count == max)
			return sam_yaml_refuse(item, msg, "%s: more than %zu; remove some", key, max);
		if (!*word || !sam_mem_copy_text(words[*count], SAM_POLICY_WORD, word))
			return sam_yaml_refuse(item, msg, "%s: must be texts of 1 to %d bytes", key, SAM_POLICY_WORD - 1);
		for (size_t i = 0; i < *count; i++)
			if (!strcmp(words[i], word))
				return sam_yaml_refuse(item, msg, "%s: stands there twice; keep one", key);
		++*count;
	}
	return reason;
}

/* `sad+jwt` is always taken. */
static enum sam_reason read_typ(struct sam_yaml *map, struct sam_policy_issuer *issuer, struct sam_msg *msg)
{
	char words[2][SAM_POLICY_WORD];
	size_t count;
	enum sam_reason reason = read_words(map, "typ", words, 2, &count, msg);

	for (size_t i = 0; reason == SAM_OK && i < count; i++) {
		bool access = !strcmp(words[i], "at+jwt"), plain = !strcmp(words[i], "JWT");

		if (!access && !plain)
			return sam_yaml_refuse(sam_yaml_get(map, "typ"), msg,
					       "typ: must be at+jwt or JWT; sad+jwt is always taken");
		issuer->typ_access |= access;
		issuer->typ_jwt |= plain;
	}
	return reason;
}

/* ---- what it says of the signer ---- */

bool sam_policy_issuer_asserts(const struct sam_policy_issuer *issuer)
{
	/* RFC 8176: what the signer knows or is. What the signer has is shown by the proof, and is no second kind. */
	static const char *const other[] = { "pin", "pwd", "kba", "fpt", "face", "iris", "retina", "vbm", "mfa" };

	for (size_t i = 0; i < issuer->amr_count; i++)
		for (size_t n = 0; n < sizeof other / sizeof other[0]; n++)
			if (!strcmp(issuer->amr[i], other[n]))
				return true;
	return issuer->acr_count != 0;
}

static enum sam_reason read_asked(struct sam_yaml *map, struct sam_policy_issuer *issuer, struct sam_msg *msg)
{
	enum sam_reason reason = read_words(map, "acr", issuer->acr, SAM_POLICY_WORDS, &issuer->acr_count, msg);

	if (reason == SAM_OK)
		reason = read_words(map, "amr", issuer->amr, SAM_POLICY_WORDS, &issuer->amr_count, msg);
	if (reason == SAM_OK && sam_yaml_get(map, "max_auth_age"))
		reason = sam_policy_read_seconds(map, "max_auth_age", 1, DAY_S, &issuer->max_auth_age, msg);
	return reason;
}

static enum sam_reason read_form(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_issuer *issuer,
				 struct sam_msg *msg)
{
	struct sam_yaml *delegation = sam_yaml_get(map, "delegation");
	enum sam_reason reason = sam_yaml_bool(sam_yaml_get(map, "flat"), &issuer->flat, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_bool(delegation, &issuer->delegation, msg);
	if (reason == SAM_OK && issuer->delegation && out->level != 1)
		return sam_yaml_refuse(delegation, msg, "delegation: patterns 2 and 3 are for level 1 only, by name in the "
							"policy; write false");
	return reason;
}

/* ---- the list ---- */

static enum sam_reason read_issuer(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_issuer *issuer,
				   struct sam_msg *msg)
{
	enum sam_reason reason;

	if (map->kind != SAM_YAML_MAP)
		return sam_yaml_refuse(map, msg, "issuers: must be a list of maps with iss and jwks");
	reason = read_name(map, out, issuer, msg);
	if (reason == SAM_OK)
		reason = read_jwks(map, issuer, msg);
	if (reason == SAM_OK)
		reason = read_typ(map, issuer, msg);
	if (reason == SAM_OK)
		reason = read_algorithms(map, out, issuer, msg);
	if (reason == SAM_OK)
		reason = read_asked(map, issuer, msg);
	return reason == SAM_OK ? read_form(map, out, issuer, msg) : reason;
}

enum sam_reason sam_policy_issuers_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(root, "issuers");
	enum sam_reason reason;

	if (!list)
		return SAM_OK;
	reason = sam_yaml_need(root, "issuers", SAM_YAML_LIST, &list, msg);
	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "issuers: the list is empty; name at least one issuer or remove it");
	for (struct sam_yaml *map = reason == SAM_OK ? list->items : NULL; map; map = map->next) {
		if (out->issuer_count == SAM_POLICY_ISSUERS)
			return sam_yaml_refuse(map, msg, "issuers: more than %d; remove some", SAM_POLICY_ISSUERS);
		reason = read_issuer(map, out, &out->issuers[out->issuer_count], msg);
		if (reason != SAM_OK)
			return reason;
		out->issuer_count++;
	}
	return reason;
}

const struct sam_policy_issuer *sam_policy_issuer(const struct sam_policy *policy, const char *iss)
{
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (!strcmp(policy->issuers[i].iss, iss))
			return &policy->issuers[i];
	return NULL;
}
