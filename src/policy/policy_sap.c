/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `sap:` of the policy file: what a SAD must be and show, tokens that are renewed, authorisation that comes later.
 * What may be absent is then as the level's baseline has it.
 */
#include "policy/policy_sap.h"

#include <string.h>
#include "base/name.h"
#include "policy/factors.h"
#include "policy/policy_algorithms.h"
#include "policy/policy_read.h"

enum { DAY_S = 86400, MINUTE_S = 60, SHORT_S = 300, LEEWAY_S = 10 };

/* ---- values that may be absent ---- */

static enum sam_reason read_count(struct sam_yaml *map, const char *key, unsigned min, unsigned max, unsigned *out,
				  struct sam_msg *msg)
{
	return sam_yaml_get(map, key) ? sam_policy_read_count(map, key, min, max, out, msg) : SAM_OK;
}

static enum sam_reason read_seconds(struct sam_yaml *map, const char *key, int64_t min, int64_t max, int64_t *out,
				    struct sam_msg *msg)
{
	return sam_yaml_get(map, key) ? sam_policy_read_seconds(map, key, min, max, out, msg) : SAM_OK;
}

/* ---- what a SAD must show ---- */

static enum sam_reason add_kind(struct sam_yaml *item, struct sam_policy *out, struct sam_msg *msg)
{
	const char *word = "";
	enum sam_reason reason = sam_yaml_text(item, &word, msg);
	const unsigned kind = sam_factors_kind(word);

	if (reason != SAM_OK)
		return reason;
	if (!kind)
		return sam_yaml_refuse(item, msg, "kinds: must be possession, knowledge or asserted");
	if (out->kinds & kind)
		return sam_yaml_refuse(item, msg, "kinds: stands there twice; keep one");
	out->kinds |= kind;
	return SAM_OK;
}

/* Which count. Levels 2 and 3 want the signer's own device in any case, and so name it. */
static enum sam_reason read_kinds(struct sam_yaml *sap, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(sap, "kinds");
	enum sam_reason reason = SAM_OK;

	out->kinds = SAM_FACTORS_ALL;
	if (!list)
		return SAM_OK;
	out->kinds = 0;
	reason = sam_yaml_need(sap, "kinds", SAM_YAML_LIST, &list, msg);
	for (struct sam_yaml *item = reason == SAM_OK ? list->items : NULL; reason == SAM_OK && item; item = item->next)
		reason = add_kind(item, out, msg);
	if (reason != SAM_OK)
		return reason;
	if (out->level != 1 && !(out->kinds & SAM_FACTOR_POSSESSION))
		return sam_yaml_refuse(list, msg, "kinds: levels 2 and 3 ask for possession; add it");
	if (sam_factors_count(out->kinds) < out->factors)
		return sam_yaml_refuse(list, msg, "kinds: fewer than the %u factors that each SAD must show; add some",
				       out->factors);
	return SAM_OK;
}

static enum sam_reason read_factors(struct sam_yaml *sap, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *encrypted = sam_yaml_get(sap, "encrypted");
	enum sam_reason reason;

	out->factors = out->level == 1 ? 1 : 2;
	out->encrypted = out->level == 3;
	reason = read_count(sap, "factors", out->factors, 2, &out->factors, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_bool(encrypted, &out->encrypted, msg);
	if (reason == SAM_OK && out->level == 3 && !out->encrypted)
		return sam_yaml_refuse(encrypted, msg, "encrypted: level 3 takes encrypted SADs only; write true");
	return reason == SAM_OK ? read_kinds(sap, out, msg) : reason;
}

/* ---- tokens that are renewed ---- */

static enum sam_reason add_renewal(struct sam_yaml *item, struct sam_policy *out, struct sam_msg *msg)
{
	const char *name = "";
	enum sam_reason reason = sam_yaml_text(item, &name, msg);

	if (reason != SAM_OK)
		return reason;
	if (!sam_name_valid(name, strlen(name)))
		return sam_yaml_refuse(item, msg, "renewal: this is no name of a principal or signer");
	if (out->renewal_count == SAM_POLICY_RENEWALS)
		return sam_yaml_refuse(item, msg, "renewal: at most %d names; write true, for all", SAM_POLICY_RENEWALS);
	sam_mem_copy_text(out->renewal[out->renewal_count++], SAM_NAME_SIZE, name);
	return SAM_OK;
}

/* true, false, or for whom. */
static enum sam_reason read_renewal(struct sam_yaml *sap, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *renewal = sam_yaml_get(sap, "renewal");
	enum sam_reason reason = SAM_OK;

	out->renewal_max = SAM_POLICY_RENEWAL_MAX;
	if (renewal && renewal->kind == SAM_YAML_LIST) {
		renewal->used = true;
		for (struct sam_yaml *item = renewal->items; reason == SAM_OK && item; item = item->next)
			reason = add_renewal(item, out, msg);
	} else {
		reason = sam_yaml_bool(renewal, &out->renewal_all, msg);
	}
	return reason == SAM_OK ? read_count(sap, "renewal_max", 1, SAM_POLICY_RENEWAL_MAX, &out->renewal_max, msg)
				: reason;
}

bool sam_policy_renews(const struct sam_policy *policy, const char *principal, const char *signer)
{
	for (size_t i = 0; !policy->renewal_all && i < policy->renewal_count; i++)
		if (strcmp(policy->renewal[i], signer) == 0 || (principal && strcmp(policy->renewal[i], principal) == 0))
			return true;
	return policy->renewal_all;
}

/* ---- authorisation that comes later ---- */

static enum sam_reason read_deferred(struct sam_yaml *sap, struct sam_policy *out, struct sam_msg *msg)
{
	enum sam_reason reason = sam_yaml_bool(sam_yaml_get(sap, "deferred"), &out->deferred, msg);

	out->deferred_wait_s = 60;
	out->deferred_expiry_s = 15 * MINUTE_S;
	out->deferred_max = 64;
	if (reason == SAM_OK)
		reason = read_seconds(sap, "deferred_wait", 0, 10 * MINUTE_S, &out->deferred_wait_s, msg);
	if (reason == SAM_OK)
		reason = read_seconds(sap, "deferred_expiry", 1, DAY_S, &out->deferred_expiry_s, msg);
	if (reason == SAM_OK)
		reason = read_count(sap, "deferred_max", 1, 1024, &out->deferred_max, msg);
	return reason;
}

enum sam_reason sam_policy_sap_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	const int64_t longest = out->level == 1 ? DAY_S : SHORT_S;
	struct sam_yaml *sap;
	enum sam_reason reason = sam_yaml_need(root, "sap", SAM_YAML_MAP, &sap, msg);

	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(sap, "max_lifetime", 1, longest, &out->max_lifetime, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(sap, "leeway", 0, LEEWAY_S, &out->leeway, msg);
	if (reason == SAM_OK)
		reason = sam_policy_sad_algorithms_read(sap, out, msg);
	if (reason == SAM_OK)
		reason = read_factors(sap, out, msg);
	if (reason == SAM_OK)
		reason = read_renewal(sap, out, msg);
	if (reason == SAM_OK)
		reason = read_deferred(sap, out, msg);
	return reason;
}
