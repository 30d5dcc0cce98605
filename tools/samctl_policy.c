/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl policy: a policy file checked, and the one in force shown, in words.
 */
#include "tools/samctl.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/ossl.h"

static json_t *algorithms(const struct sam_policy *policy)
{
	json_t *list = json_array();

	for (int i = SAM_JWS_NONE + 1; i < SAM_JWS_ALGS; i++)
		if (policy->sad_algorithms[i])
			json_array_append_new(list, json_string(sam_jws_name((enum sam_jws_alg)i)));
	return list;
}

/* A name, with the dates that it has. */
static json_t *dated(const char *name, const struct sam_policy_dates *dates)
{
	const struct {
		const char *word;
		int64_t at;
	} limits[] = { { " from ", dates->sign_from }, { " until ", dates->sign_until },
		       { ", verified until ", dates->verify_until } };
	char text[160];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", name);

	for (size_t i = 0; i < 3; i++) {
		char at[SAM_CLOCK_TEXT];

		if (limits[i].at == INT64_MIN || limits[i].at == INT64_MAX)
			continue;
		sam_clock_text(limits[i].at * 1000000, at);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.19sZ", limits[i].word, at);
	}
	return json_string(text);
}

static json_t *mechanisms(const struct sam_policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->mechanism_count; i++)
		json_array_append_new(list, dated(policy->mechanisms[i]->name, &policy->mechanism_dates[i]));
	return list;
}

static json_t *hashes(const struct sam_policy *policy)
{
	json_t *list = json_array();

	for (int i = SAM_HASH_NONE + 1; i < SAM_HASH_COUNT; i++)
		if (policy->hashes[i])
			json_array_append_new(list,
					      dated(sam_hash_name((enum sam_hash)i), &policy->hash_dates[i]));
	return list;
}

static json_t *until(int64_t time)
{
	return time == INT64_MAX ? json_string("no end") : samctl_time(time);
}

static json_t *from(int64_t time)
{
	return time == INT64_MIN ? json_string("ever") : samctl_time(time);
}

static json_t *keys(const struct sam_policy *policy)
{
	static const char *const types[] = {
		[SAM_KEY_RSA] = "rsa", [SAM_KEY_EC] = "ec", [SAM_KEY_ED25519] = "ed25519"
	};
	json_t *list = json_array();

	for (size_t i = 0; i < policy->key_count; i++) {
		const struct sam_key_rule *rule = &policy->keys[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:i,s:i,s:o,s:o,s:o,s:o,s:o}", "type",
						types[rule->type], "min_bits", (int)rule->min_bits,
						"max_bits", (int)rule->max_bits, "generate_from",
						from(rule->generate_from), "generate_until",
						until(rule->generate_until), "sign_from",
						from(rule->sign_from), "sign_until", until(rule->sign_until),
						"verify_until", until(rule->verify_until)));
	}
	return list;
}

static json_t *dual_control(const struct sam_policy *policy)
{
	json_t *list = json_array();

	for (unsigned act = 0; act < SAM_ACT_COUNT; act++)
		if (policy->dual_control[act])
			json_array_append_new(list, json_string(sam_act_info((enum sam_act)act)->name));
	return list;
}

static json_t *people(const struct sam_policy *policy)
{
	json_t *time = policy->lockout_s == SAM_LOCKOUT_OFFICER ? json_string("officer")
								 : json_integer((json_int_t)policy->lockout_s);

	return json_pack("{s:b,s:o,s:I,s:I,s:i,s:i,s:i,s:o}", "administrator_operator",
			 (int)policy->administrator_operator, "dual_control", dual_control(policy),
			 "pending", (json_int_t)policy->pending_s, "session", (json_int_t)policy->session_s,
			 "password_min_length", (int)policy->password_min, "password_min_different",
			 (int)policy->password_different, "lockout_attempts", (int)policy->lockout_attempts,
			 "lockout_time", time);
}

/* What keys may come from, and when they sign. */
static json_t *origins(const struct sam_policy *policy)
{
	json_t *cms = json_array(), *cas = json_array();

	for (size_t i = 0; i < policy->cm_count; i++) {
		const struct sam_policy_cm *cm = &policy->cms[i];

		json_array_append_new(cms, json_pack("{s:s,s:s,s:s,s:s,s:o}", "manufacturer", cm->manufacturer, "model",
						     cm->model, "firmware", *cm->firmware ? cm->firmware : "any",
						     "evaluation", cm->evaluation, "expires", until(cm->expires)));
	}
	for (size_t i = 0; i < policy->ca_count; i++) {
		const struct sam_policy_ca *ca = &policy->cas[i];

		json_array_append_new(cas, json_pack("{s:s,s:b,s:b,s:b,s:i,s:s}", "name", ca->name, "certificates",
						     !!(ca->use & SAM_CA_CERTIFICATES), "authentication",
						     !!(ca->use & SAM_CA_AUTHENTICATION), "import",
						     !!(ca->use & SAM_CA_IMPORT), "keygen_level", (int)ca->keygen_level,
						     "reference", ca->reference));
	}
	return json_pack("{s:o,s:o,s:b,s:b,s:b}", "cms", cms, "cas", cas, "import", (int)policy->import, "require_sync",
			 (int)policy->require_sync, "certificate_required", (int)policy->certificate_required);
}

json_t *samctl_authorisation(const struct sam_policy *policy)
{
	char kinds[SAM_FACTORS_TEXT];

	return json_pack("{s:s,s:i,s:s*,s:b,s:b,s:b}", "authorisation",
			 policy->authorisation == SAM_AUTHORISE_LOGIN ? "login" : "sad", "factors", (int)policy->factors,
			 "kinds", sam_factors_text(policy->kinds, kinds), "encrypted", (int)policy->encrypted, "deferred",
			 (int)policy->deferred, "renewal", (int)(policy->renewal_all || policy->renewal_count));
}

static json_t *describe(const struct sam_policy *policy)
{
	json_t *all = json_pack(
		"{s:s,s:o,s:i,s:i,s:o,s:b,s:b,s:b,s:I,s:I,s:o,s:o,s:o,s:o}", "path",
		policy->path, "sha256", samctl_hex(policy->sha256, sizeof(policy->sha256)),
		"version", (int)policy->version, "level", (int)policy->level, "statements",
		samctl_statements(policy), "always_authenticate", (int)policy->always_authenticate, "verify",
		(int)policy->verify, "curve_below_hash", (int)policy->curve_below_hash,
		"max_lifetime", (json_int_t)policy->max_lifetime, "leeway",
		(json_int_t)policy->leeway, "sad_algorithms", algorithms(policy), "mechanisms",
		mechanisms(policy), "hashes", hashes(policy), "keys", keys(policy));

	if (json_object_update_new(all, samctl_authorisation(policy)) == 0 &&
	    json_object_update_new(all, people(policy)) == 0 && json_object_update_new(all, origins(policy)) == 0)
		return all;
	json_decref(all);
	return NULL;
}

static const char *word(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* For people a CM and a CA are one line each. */
static void flatten(json_t *object)
{
	json_t *cms = json_array(), *cas = json_array(), *one;
	size_t i;

	json_array_foreach (json_object_get(object, "cms"), i, one)
		json_array_append_new(cms, json_sprintf("%s %s, firmware %s: %s, until %s", word(one, "manufacturer"),
							word(one, "model"), word(one, "firmware"),
							word(one, "evaluation"), word(one, "expires")));
	json_array_foreach (json_object_get(object, "cas"), i, one)
		json_array_append_new(cas, json_sprintf("%s: %s%s", word(one, "name"),
							json_is_true(json_object_get(one, "certificates")) ?
								"certificates " :
								"",
							json_is_true(json_object_get(one, "import")) ? "import" : ""));
	json_object_set_new(object, "cms", cms);
	json_object_set_new(object, "cas", cas);
}

/* For people a rule about keys is one line. */
static int print(const struct samctl *ctl, json_t *object)
{
	json_t *lines, *rule;
	size_t i;

	if (ctl->json || !object)
		return samctl_print_object(ctl, object);
	lines = json_array();
	json_array_foreach (json_object_get(object, "keys"), i, rule) {
		char text[256];

		snprintf(text, sizeof(text),
			 "%s %lld to %lld bits: generate from %s until %s, sign from %s until %s",
			 json_string_value(json_object_get(rule, "type")),
			 (long long)json_integer_value(json_object_get(rule, "min_bits")),
			 (long long)json_integer_value(json_object_get(rule, "max_bits")),
			 word(rule, "generate_from"), word(rule, "generate_until"), word(rule, "sign_from"),
			 word(rule, "sign_until"));
		json_array_append_new(lines, json_string(text));
	}
	json_object_set_new(object, "keys", lines);
	flatten(object);
	return samctl_print_object(ctl, object);
}

int samctl_policy_check(struct samctl *ctl)
{
	struct sam_policy *policy = calloc(1, sizeof(*policy));
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_ossl_start();
	int status;

	if (!policy)
		return samctl_fail(ctl, SAM_MEMORY, NULL);
	if (reason == SAM_OK)
		reason = sam_policy_load(ctl->args[0], policy, &msg);
	if (reason != SAM_OK) {
		free(policy);
		return samctl_fail(ctl, reason, &msg);
	}
	if (sam_file_trusted(ctl->args[0], geteuid(), &msg) != SAM_OK)
		samctl_say(ctl, "note: where it lies it would be refused: %s", msg.text);
	status = print(ctl, describe(policy));
	free(policy);
	return status;
}

int samctl_policy_show(struct samctl *ctl)
{
	return print(ctl, describe(sam_policy(ctl->sam)));
}

/* ---- signing ---- */

enum { POLICY_FILE_MAX = 1 << 18, JWS_FILE_MAX = 16384 };

/* --assertion: the officer's own signature of the policy instead of a password. */
static int read_signature(struct samctl *ctl, json_t *params)
{
	struct sam_secret jws = { 0 };
	int status;

	if (!ctl->who[0].assertion)
		return SAMCTL_DONE;
	status = samctl_read_statement(ctl, ctl->who[0].assertion, JWS_FILE_MAX, &jws);
	if (status == SAMCTL_DONE)
		json_object_set_new(params, "jws", json_string((const char *)jws.data));
	sam_secret_clear(&jws);
	return status;
}

int samctl_policy_sign(struct samctl *ctl)
{
	const char *path = ctl->args[0];
	const struct sam_config *config = sam_config(ctl->sam);
	struct sam_policy *policy = calloc(1, sizeof(*policy));
	struct sam_secret text = { 0 };
	struct sam_msg msg = { "" };
	enum sam_reason reason = SAM_MEMORY;
	json_t *params = NULL;
	int status = samctl_read_file(ctl, path, POLICY_FILE_MAX, &text);

	if (status == SAMCTL_DONE && policy)
		reason = sam_policy_parse(path, text.data, text.len, policy, &msg);
	if (status == SAMCTL_DONE && reason == SAM_OK)
		reason = sam_open_own_key(ctl->sam, &msg);
	if (status == SAMCTL_DONE && reason != SAM_OK)
		status = samctl_fail(ctl, reason, &msg);
	if (status == SAMCTL_DONE) {
		params = json_pack("{s:s,s:o}", "text", (const char *)text.data, "config_sha256",
				   samctl_hex(config->sha256, sizeof(config->sha256)));
		status = params ? read_signature(ctl, params) : samctl_fail(ctl, SAM_POLICY, NULL);
	}
	if (status == SAMCTL_DONE)
		status = samctl_act(ctl, SAM_ACT_POLICY_SIGN, params,
				    json_pack("{s:s,s:i,s:i,s:o,s:o}", "policy", config->policy, "version",
					      (int)policy->version, "level", (int)policy->level, "sha256",
					      samctl_hex(policy->sha256, 32), "config_sha256",
					      samctl_hex(config->sha256, 32)),
				    "version %u is in force, with %s; processes that run take the policy now, a changed "
				    "configuration when they start anew",
				    policy->version, config->path);
	else
		json_decref(params);
	sam_secret_clear(&text);
	free(policy);
	return status;
}
