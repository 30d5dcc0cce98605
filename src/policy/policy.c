/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Asking the policy: what may be signed and generated, and what must be said of it. Where the policy says
 * nothing, the answer is no (invariant 5).
 */
#include "policy/policy.h"

#include <string.h>
#include "policy/factors.h"

enum sam_reason sam_policy_factors(const struct sam_policy *policy, unsigned kinds)
{
	/* authorisation comes from the signer directly, whoever vouches besides (P1-3.5.2) */
	if (policy->level != 1 && !(kinds & SAM_FACTOR_POSSESSION))
		return SAM_FACTORS;
	return sam_factors_count(kinds & policy->kinds) >= policy->factors && policy->factors ? SAM_OK : SAM_FACTORS;
}

/* A CM that nobody evaluated, where the level asks for one that somebody did. */
static bool takes_unevaluated_cm(const struct sam_policy *policy)
{
	bool takes = false;

	for (size_t i = 0; policy->level != 1 && i < policy->cm_count; i++)
		takes |= policy->cms[i].scheme == SAM_EVALUATION_NONE;
	return takes;
}

const char *sam_policy_statement(const struct sam_policy *policy, size_t i)
{
	const struct {
		bool applies;
		const char *text;
	} statements[] = {
		{ policy->level == 3, "level 3 rules, SAM not evaluated" },
		{ policy->authorisation == SAM_AUTHORISE_LOGIN,
		  "the service login authorises signatures; no SAD names their documents" },
		{ !policy->verify, "signatures are released without being verified first" },
		{ policy->curve_below_hash, "ECDSA may cut a hash that is longer than the curve" },
		{ policy->administrator_operator, "one person may be administrator and operator" },
		{ takes_unevaluated_cm(policy), "the policy lets a CM without evaluation be used, for tests" },
		{ policy->level != 1 && !policy->require_sync,
		  "time.require_sync is off: nobody checks that the clock is right" },
	};

	for (size_t n = 0; n < sizeof statements / sizeof statements[0]; n++) {
		if (statements[n].applies && !i--)
			return statements[n].text;
	}
	return NULL;
}

unsigned sam_policy_second(const struct sam_policy *policy, enum sam_act act)
{
	const struct sam_act_info *info = sam_act_info(act);

	/* What is no act is confirmed by nobody. */
	if (!info)
		return SAM_OFFICER;
	return info->second || !policy->dual_control[act] ? info->second : SAM_OFFICER;
}

/* ---- where keys come from and lie ---- */

const char *sam_evaluation_name(enum sam_evaluation evaluation)
{
	static const char *const names[SAM_EVALUATION_COUNT] = {
		[SAM_EVALUATION_NONE] = "none, for tests",
		[SAM_EVALUATION_CMVP] = "CMVP",
		[SAM_EVALUATION_JCMVP] = "JCMVP",
		[SAM_EVALUATION_CC] = "CC",
	};

	return (unsigned)evaluation < SAM_EVALUATION_COUNT ? names[evaluation] : "";
}

enum sam_reason sam_policy_cm(const struct sam_policy *policy, const char *manufacturer, const char *model,
			      const char *firmware, int64_t now, const struct sam_policy_cm **entry)
{
	*entry = NULL;
	for (size_t i = 0; i < policy->cm_count && !*entry; i++) {
		const struct sam_policy_cm *cm = &policy->cms[i];

		if (!strcmp(cm->manufacturer, manufacturer) && !strcmp(cm->model, model) &&
		    (!*cm->firmware || !strcmp(cm->firmware, firmware)) && now < cm->expires)
			*entry = cm;
	}
	return *entry || policy->level == 1 ? SAM_OK : SAM_CM_UNAPPROVED;
}

enum sam_reason sam_policy_may_import(const struct sam_policy *policy)
{
	/* Level 3 never, whatever else stands there (P1-T3.5). */
	return policy->import && (policy->level == 1 || policy->level == 2) ? SAM_OK : SAM_IMPORT_LEVEL;
}

/* ---- algorithms ---- */

/* NULL: not in the policy. */
static const struct sam_policy_dates *find_mechanism(const struct sam_policy *policy, const struct sam_mechanism *m)
{
	for (size_t i = 0; m && i < policy->mechanism_count; i++) {
		if (policy->mechanisms[i] == m)
			return &policy->mechanism_dates[i];
	}
	return NULL;
}

static bool signs_at(const struct sam_policy_dates *dates, int64_t now)
{
	return now >= dates->sign_from && now < dates->sign_until;
}

/* The rules of one type do not overlap, so the first is the only one. */
static const struct sam_key_rule *find_rule(const struct sam_policy *policy, enum sam_key_type type,
					    unsigned bits)
{
	for (size_t i = 0; i < policy->key_count; i++) {
		const struct sam_key_rule *rule = &policy->keys[i];

		if (rule->type == type && bits >= rule->min_bits && bits <= rule->max_bits)
			return rule;
	}
	return NULL;
}

enum sam_reason sam_policy_may_sign(const struct sam_policy *policy,
				    const struct sam_scheme *scheme, enum sam_key_type type,
				    unsigned bits, int64_t now)
{
	const struct sam_policy_dates *dates = find_mechanism(policy, scheme->mechanism);
	const struct sam_key_rule *rule;

	if (policy->level < 1 || policy->level > 3)
		return SAM_LEVEL_MISSING;
	if (!dates || !signs_at(dates, now))
		return SAM_MECHANISM;
	if (scheme->mechanism->key != type)
		return SAM_KEY_TYPE;
	rule = find_rule(policy, type, bits);
	if (!rule || now < rule->sign_from || now >= rule->sign_until)
		return SAM_KEY_SIZE;
	if (scheme->hash != SAM_HASH_NONE)
		return sam_policy_may_hash(policy, scheme, scheme->hash, bits, now);
	return SAM_OK;
}

enum sam_reason sam_policy_may_hash(const struct sam_policy *policy,
				    const struct sam_scheme *scheme, enum sam_hash hash,
				    unsigned bits, int64_t now)
{
	if (hash <= SAM_HASH_NONE || hash >= SAM_HASH_COUNT || !policy->hashes[hash] ||
	    !signs_at(&policy->hash_dates[hash], now))
		return SAM_HASH_FORBIDDEN;
	if (!scheme->mechanism || (scheme->hash != SAM_HASH_NONE && scheme->hash != hash))
		return SAM_HASH_FORBIDDEN;
	/* P-521 has an order of 66 bytes: SHA-512 fits. */
	if (scheme->mechanism->padding == SAM_PAD_ECDSA && !policy->curve_below_hash &&
	    sam_hash_size(hash) > ((size_t)bits + 7) / 8)
		return SAM_HASH_FORBIDDEN;
	return SAM_OK;
}

enum sam_reason sam_policy_may_verify(const struct sam_policy *policy, const struct sam_scheme *scheme,
				      enum sam_key_type type, unsigned bits, int64_t now)
{
	const enum sam_hash hash = scheme->hash;
	const struct sam_policy_dates *dates = find_mechanism(policy, scheme->mechanism);
	const struct sam_key_rule *rule = find_rule(policy, type, bits);

	if (policy->level == 0)
		return SAM_LEVEL_MISSING;
	/* What this program does not know, as SHA-1, has no row in its tables, and no number. */
	if (!scheme->mechanism || (dates && now >= dates->verify_until))
		return SAM_MECHANISM;
	if (scheme->mechanism->key != type)
		return SAM_KEY_TYPE;
	if (rule && now >= rule->verify_until)
		return SAM_KEY_SIZE;
	if (hash == SAM_HASH_NONE)
		return SAM_OK;
	if (hash < SAM_HASH_NONE || hash >= SAM_HASH_COUNT ||
	    (policy->hashes[hash] && now >= policy->hash_dates[hash].verify_until))
		return SAM_HASH_FORBIDDEN;
	return SAM_OK;
}

enum sam_reason sam_policy_may_generate(const struct sam_policy *policy, enum sam_key_type type,
					unsigned bits, int64_t now)
{
	const struct sam_key_rule *rule = find_rule(policy, type, bits);

	return rule && now >= rule->generate_from && now < rule->generate_until ? SAM_OK : SAM_KEY_SIZE;
}
