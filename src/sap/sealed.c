/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The policy in force: the one that officers signed and that is sealed in the store. At start the files must
 * be those that the signature names; afterwards each decision is taken by the sealed text itself, so that
 * running processes take a new policy with their next decision (P2-3.2.2.3, invariant 9).
 */
#include "sap/internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "sap/statement.h"

enum { JWS_FILE_MAX = 16384 };

/* Where the signature of that policy file lies. */
static bool signature_path(const char *policy, char *out, size_t size)
{
	int n = snprintf(out, size, "%s.jws", policy);
	return n > 0 && (size_t)n < size;
}

enum sam_reason sam_sealed_write(const char *policy, const char *jws, struct sam_msg *msg)
{
	char path[PATH_MAX + 8];
	if (!signature_path(policy, path, sizeof path))
		return SAM_POLICY;
	return sam_file_replace(path, policy, jws, strlen(jws), msg) == SAM_OK ? SAM_OK : SAM_POLICY;
}

static bool names_hash(const json_t *claims, const char *claim, const uint8_t sha256[32])
{
	char hex[65];
	const char *text = json_string_value(json_object_get(claims, claim));
	sam_encode_hex(sha256, 32, hex);
	return text && strcmp(text, hex) == 0;
}

enum sam_reason sam_sealed_verify(const struct sam_seal *seal, const struct sam_config *config,
				  const struct sam_policy *policy, const struct sam_device *device, const char *jws,
				  size_t len, bool timely, struct sam_statement *out, struct sam_msg *msg)
{
	const struct sam_sad_rules rules = {
		.sam_id = config->sam_id,
		.now = sam_clock_now(),
		.max_lifetime = timely ? SAM_STATEMENT_S : 0,
		.leeway = SAM_STATEMENT_LEEWAY_S,
	};
	enum sam_reason reason = sam_statement_device(seal, jws, len, SAM_TYP_POLICY, device, &rules, out, msg);
	if (reason != SAM_OK)
		return reason;
	if (json_integer_value(json_object_get(out->claims, "version")) != (json_int_t)policy->version ||
	    !names_hash(out->claims, "policy_sha256", policy->sha256)) {
		sam_msg_set(msg, "the signature is another policy's");
		return SAM_POLICY_UNSIGNED;
	}
	if (!names_hash(out->claims, "config_sha256", config->sha256)) {
		sam_msg_set(msg, "the signature names another configuration than %s", config->path);
		return SAM_CONFIG_CHANGED;
	}
	return SAM_OK;
}

/* The file beside the policy. */
static enum sam_reason check_signature(const struct sam_seal *seal, const struct sam_config *config,
				       const struct sam_policy *policy, const struct sam_sealed *sealed,
				       struct sam_msg *msg)
{
	char path[PATH_MAX + 8];
	struct sam_secret text = {NULL, 0};
	struct sam_statement statement = {.claims = NULL};
	struct sam_msg why = {""};
	if (!signature_path(config->policy, path, sizeof path) || access(path, F_OK) != 0) {
		sam_msg_set(msg, "%s: there is no signature %s; a security officer signs: samctl --as NAME policy sign %s",
			    config->policy, path, config->policy);
		return SAM_POLICY_UNSIGNED;
	}
	enum sam_reason reason = sam_file_trusted(path, geteuid(), msg);
	if (reason == SAM_OK)
		reason = sam_file_read(path, JWS_FILE_MAX, &text, msg);
	if (reason != SAM_OK)
		return SAM_POLICY_UNSIGNED;
	reason = sam_sealed_verify(seal, config, policy, &sealed->signer, (const char *)text.data, text.len, false,
				   &statement, &why);
	sam_statement_clear(&statement);
	sam_secret_clear(&text);
	if (reason != SAM_OK)
		sam_msg_set(msg, "%s: %s; a security officer signs: samctl --as NAME policy sign %s", path, why.text,
			    config->policy);
	return reason == SAM_ASSERTION ? SAM_POLICY_UNSIGNED : reason;
}

/* Another file than the sealed one: say what kind of other. */
static enum sam_reason tell_difference(const struct sam_config *config, const struct sam_policy *policy,
				       const struct sam_sealed *sealed, struct sam_msg *msg)
{
	const unsigned version = sealed->version;
	if (!sealed->text || sealed->policy.level == 0) {
		sam_msg_set(msg, "%s: no policy that this version reads was signed yet; a security officer signs: "
			    "samctl --as NAME policy sign %s", config->policy, config->policy);
		return SAM_POLICY_UNSIGNED;
	}
	if (policy->version < version) {
		sam_msg_set(msg, "%s: is version %u, older than the sealed version %u; put that one back",
			    config->policy, policy->version, version);
		return SAM_POLICY_OLDER;
	}
	sam_msg_set(msg, policy->version == version
			     ? "%s: was changed after it was signed (version %u); put that file back, or count the "
			       "version up and have it signed"
			     : "%s: is version %u, which no officer has signed: samctl --as NAME policy sign FILE",
		    config->policy, policy->version);
	return SAM_POLICY_CHANGED;
}

enum sam_reason sam_sealed_check(const struct sam_seal *seal, const struct sam_config *config,
				 const struct sam_policy *policy, const struct sam_snapshot *s, struct sam_msg *msg)
{
	const struct sam_sealed *sealed = s->sealed;
	if (!sealed) {
		sam_msg_set(msg, "the store names no policy");
		return SAM_STORE_TAMPERED;
	}
	if (!sealed->text || !sam_mem_equal(sealed->sha256, policy->sha256, sizeof sealed->sha256))
		return tell_difference(config, policy, sealed, msg);
	if (!sam_mem_equal(sealed->config_sha256, config->sha256, sizeof sealed->config_sha256)) {
		sam_msg_set(msg, "%s: is not the configuration that was signed with the policy; put that one back, or a "
			    "security officer signs: samctl --as NAME policy sign %s", config->path, config->policy);
		return SAM_CONFIG_CHANGED;
	}
	return check_signature(seal, config, policy, sealed, msg);
}

/* ---- decisions ---- */

enum sam_reason sam_sealed_now(struct sam *sam, const struct sam_snapshot *s, const struct sam_policy **policy)
{
	const struct sam_sealed *sealed = s->sealed;
	*policy = NULL;
	if (!sealed || sealed->policy.level == 0)
		return sam_log_reason(SAM_POLICY_UNSIGNED, "no policy that this version reads was signed");
	/* what the process was started with stays; so it takes no policy that names another configuration, and none
	 * of a level that asks more of the process than was looked at when it began (P1-7.1.1) */
	if (!sam_mem_equal(sealed->config_sha256, sam->config.sha256, sizeof sealed->config_sha256))
		return sam_log_reason(SAM_CONFIG_CHANGED,
				      "another configuration was signed since this process began; start it anew");
	if (sealed->policy.level > 1 && sealed->policy.level != sam->policy.level)
		return sam_log_reason(SAM_POLICY_CHANGED,
				      "a policy of another level was signed since this process began; start it anew");
	if (sealed->policy.level > 1 && !s->governed)
		return sam_log_reason(SAM_OFFICERS, "there are not two security officers and an auditor");
	*policy = &sealed->policy;
	return sam_audit_policy(&sam->audit, sealed->policy.level, sealed->sha256);
}
