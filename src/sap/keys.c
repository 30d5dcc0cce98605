/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a login may see, and whether C_SignInit may begin.
 */
#include "sap/internal.h"

#include <string.h>
#include "base/clock.h"
#include "base/x509.h"
#include "base/encode.h"

/* What the CM said at birth; an earlier version looked at all three and kept none. */
static bool said(const struct sam_key *key, const char *attribute)
{
	return key->origin == SAM_ORIGIN_UNKNOWN || strstr(key->attributes, attribute);
}

static bool view_key(const struct sam_policy *policy, const struct sam_key *key, struct sam_key_view *view)
{
	size_t len;
	memcpy(view->credential, key->credential, sizeof view->credential);
	sam_decode_hex(key->credential, strlen(key->credential), view->id, sizeof view->id, &len);
	memcpy(view->signer, key->signer, sizeof view->signer);
	memcpy(view->label, key->label, sizeof view->label);
	view->type = key->type;
	view->bits = key->bits;
	view->always_authenticate = policy->always_authenticate;
	view->spki = malloc(key->spki_len);
	if (!view->spki)
		return false;
	memcpy(view->spki, key->spki, key->spki_len);
	view->spki_len = key->spki_len;
	view->start = key->start;
	view->end = key->end;
	view->local = said(key, "CKA_LOCAL=01");
	view->always_sensitive = said(key, "CKA_ALWAYS_SENSITIVE=01");
	view->never_extractable = said(key, "CKA_NEVER_EXTRACTABLE=01");
	if (!key->certificate.der)
		return true;
	view->certificate = malloc(key->certificate.len);
	if (!view->certificate)
		return false;
	memcpy(view->certificate, key->certificate.der, key->certificate.len);
	view->certificate_len = key->certificate.len;
	return true;
}

enum sam_reason sam_keys(struct sam *sam, const struct sam_login *login, struct sam_key_view **views, size_t *count)
{
	const struct sam_policy *policy;
	const struct sam_snapshot *s;
	*views = NULL;
	*count = 0;
	if (login->role != SAM_ROLE_SIGNER && login->role != SAM_ROLE_SCA)
		return SAM_OK;
	enum sam_reason reason = sam_registry_get(sam->registry, &s);
	if (reason != SAM_OK)
		return reason;
	struct sam_key_view *list = calloc(s->key_count ? s->key_count : 1, sizeof *list);
	reason = list ? sam_sealed_now(sam, s, &policy) : SAM_MEMORY;
	for (size_t i = 0; reason == SAM_OK && i < s->key_count; i++) {
		if (!sam_login_may_use(s, login, s->keys[i].signer))
			continue;
		if (!view_key(policy, &s->keys[i], &list[*count]))
			reason = SAM_MEMORY;
		++*count;
	}
	sam_registry_put(s);
	if (reason == SAM_OK) {
		*views = list;
	} else {
		sam_keys_free(list, *count);
		*count = 0;
	}
	return reason;
}

void sam_keys_free(struct sam_key_view *views, size_t count)
{
	for (size_t i = 0; views && i < count; i++) {
		free(views[i].spki);
		free(views[i].certificate);
	}
	free(views);
}

enum sam_reason sam_keys_version(struct sam *sam, uint64_t *version)
{
	return sam_store_grants_version(sam->store, version);
}

/* A certificate at the time of a clock that can be believed (P1-7.1.1.12.3); without one only its request is signed. */
static enum sam_reason check_certificate(const struct sam_policy *policy, const struct sam_key *key, int64_t now)
{
	const struct sam_certificate *c = &key->certificate;
	if (!policy->certificate_required)
		return SAM_OK;
	if (!c->der)
		return SAM_CERTIFICATE_MISSING;
	return sam_x509_valid(c->not_before, c->not_after, now) ? SAM_OK : SAM_CERTIFICATE_EXPIRED;
}

static enum sam_reason check_clock(const struct sam_policy *policy)
{
	struct sam_clock_state clock;
	if (!policy->require_sync)
		return SAM_OK;
	sam_clock_sync_state(&clock);
	return clock.synchronised ? SAM_OK : SAM_CLOCK;
}

enum sam_reason sam_key_may_sign(struct sam *sam, const struct sam_snapshot *s, const struct sam_policy *policy,
				 const struct sam_key *key, const struct sam_scheme *scheme,
				 enum sam_sign_purpose purpose)
{
	const struct sam_policy_cm *entry;
	struct sam_cm_info info;
	const int64_t now = sam_clock_now();
	if (s->cm_disabled)
		return SAM_CM_DISABLED;
	sam_cm_info(sam->cm, &info);
	enum sam_reason reason = sam_policy_may_sign(policy, scheme, key->type, key->bits, now);
	if (reason == SAM_OK)
		reason = sam_key_usable(key, now);
	if (reason == SAM_OK)
		reason = sam_key_fits(key, policy->level);
	if (reason == SAM_OK)
		reason = sam_policy_cm(policy, info.manufacturer, info.model, info.firmware, now, &entry);
	if (reason == SAM_OK)
		reason = check_clock(policy);
	return reason == SAM_OK && purpose == SAM_SIGN_DATA ? check_certificate(policy, key, now) : reason;
}

enum sam_reason sam_may_verify(struct sam *sam, const struct sam_scheme *scheme, enum sam_key_type type, unsigned bits)
{
	const struct sam_policy *policy;
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam->registry, &s);
	if (reason != SAM_OK)
		return reason;
	reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK)
		reason = sam_policy_may_verify(policy, scheme, type, bits, sam_clock_now());
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_may_sign(struct sam *sam, const struct sam_login *login, const char *credential,
			     const CK_MECHANISM *mechanism, struct sam_scheme *scheme)
{
	const struct sam_policy *policy;
	const struct sam_snapshot *s = NULL;
	const struct sam_key *key = NULL;
	enum sam_reason reason = sam_mechanism_scheme(mechanism, scheme);
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK && s->cm_disabled)
		reason = SAM_CM_DISABLED;
	if (reason == SAM_OK) {
		key = sam_registry_key(s, credential);
		if (!key || !sam_login_may_use(s, login, key->signer))
			reason = SAM_KEY_HANDLE;
	}
	if (reason == SAM_OK)
		reason = sam_key_may_sign(sam, s, policy, key, scheme, SAM_SIGN_DATA);
	if (reason == SAM_OK && !sam_cm_has(sam->cm, scheme->mechanism))
		reason = SAM_CM_MECHANISM;
	if (reason != SAM_OK) {
		const struct sam_mechanism *known = sam_mechanism_find(mechanism->mechanism);
		struct sam_event event = {
			.type = SAM_EVENT_KEY_REFUSED,
			.signer = key ? key->signer : NULL,
			.credential = credential,
			.mechanism = known ? known->name : NULL,
			.target = "C_SignInit",
		};
		sam_login_describe(&event, login);
		reason = sam_audit_refuse(&sam->audit, &event, reason);
	}
	sam_registry_put(s);
	return reason;
}

/* Lists of what there is are no decision: where the policy in force cannot be had, they are empty. */
static const struct sam_policy *policy_hold(struct sam *sam, const struct sam_snapshot **s)
{
	const struct sam_policy *policy = NULL;
	*s = NULL;
	if (sam_registry_get(sam->registry, s) != SAM_OK || sam_sealed_now(sam, *s, &policy) != SAM_OK)
		return NULL;
	return policy;
}

bool sam_mechanism_offered(struct sam *sam, const struct sam_mechanism *mechanism)
{
	const struct sam_snapshot *s;
	const struct sam_policy *policy = policy_hold(sam, &s);
	bool found = false;
	for (size_t i = 0; policy && i < policy->mechanism_count; i++)
		found |= policy->mechanisms[i] == mechanism;
	sam_registry_put(s);
	return found && sam_cm_has(sam->cm, mechanism);
}

void sam_key_sizes(struct sam *sam, enum sam_key_type type, unsigned *min, unsigned *max)
{
	const struct sam_snapshot *s;
	const struct sam_policy *policy = policy_hold(sam, &s);
	*min = *max = 0;
	for (size_t i = 0; policy && i < policy->key_count; i++) {
		const struct sam_key_rule *rule = &policy->keys[i];
		if (rule->type != type)
			continue;
		if (*min == 0 || rule->min_bits < *min)
			*min = rule->min_bits;
		if (rule->max_bits > *max)
			*max = rule->max_bits;
	}
	sam_registry_put(s);
}

bool sam_generates(struct sam *sam, enum sam_key_type type, unsigned *min, unsigned *max)
{
	const struct sam_snapshot *s;
	const struct sam_policy *policy = policy_hold(sam, &s);
	const int64_t now = sam_clock_now();
	*min = *max = 0;
	for (size_t i = 0; policy && i < policy->key_count; i++) {
		const struct sam_key_rule *rule = &policy->keys[i];
		if (rule->type != type || sam_policy_may_generate(policy, type, rule->min_bits, now) != SAM_OK)
			continue;
		if (*min == 0 || rule->min_bits < *min)
			*min = rule->min_bits;
		if (rule->max_bits > *max)
			*max = rule->max_bits;
	}
	sam_registry_put(s);
	return *max && sam_cm_generates(sam->cm, type);
}

enum sam_reason sam_refused_call(struct sam *sam, const struct sam_login *login, const char *call,
				 const char *credential, enum sam_reason reason)
{
	struct sam_event event = {
		.type = credential ? SAM_EVENT_KEY_REFUSED : SAM_EVENT_CALL_REFUSED,
		.credential = credential,
		.target = call,
	};
	sam_login_describe(&event, login);
	return sam_audit_refuse(&sam->audit, &event, reason);
}
