/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the policy file (p11-sam-policy(5)), strictly: everything that weakens must be said, nothing
 * unknown may be, and nothing may go beyond the baseline of its level (P1-3.5-1).
 */
#include "policy/policy.h"

#include <string.h>
#include "base/file.h"
#include "base/ossl.h"
#include "base/yaml.h"
#include "policy/policy_algorithms.h"
#include "policy/policy_cas.h"
#include "policy/policy_cms.h"
#include "policy/policy_issuers.h"
#include "policy/policy_keys.h"
#include "policy/policy_read.h"
#include "policy/policy_roles.h"
#include "policy/policy_sap.h"

enum { VERSION_MAX = 1000000000 };

static enum sam_reason read_head(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *version, *level;
	int64_t number = 0;
	enum sam_reason reason = sam_yaml_need(root, "version", SAM_YAML_SCALAR, &version, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_need(root, "level", SAM_YAML_SCALAR, &level, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_number(version, 1, VERSION_MAX, &number, msg);
	if (reason != SAM_OK)
		return reason;
	out->version = (unsigned)number;
	reason = sam_yaml_number(level, 1, 3, &number, msg);
	out->level = (unsigned)number;
	return reason;
}

static enum sam_reason read_authorisation(struct sam_yaml *signing, struct sam_policy *out,
					  struct sam_msg *msg)
{
	struct sam_yaml *node;
	const char *word = "";
	enum sam_reason reason =
		sam_yaml_need(signing, "authorisation", SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_text(node, &word, msg);
	if (reason != SAM_OK)
		return reason;
	if (!strcmp(word, "sad")) {
		out->authorisation = SAM_AUTHORISE_SAD;
		return SAM_OK;
	}
	if (strcmp(word, "login"))
		return sam_yaml_refuse(node, msg,
				       "authorisation: must be sad, or at level 1 login");
	if (out->level != 1)
		return sam_yaml_refuse(node, msg,
				       "authorisation: login is for level 1 only; write sad");
	out->authorisation = SAM_AUTHORISE_LOGIN;
	return SAM_OK;
}

static enum sam_reason read_signing(struct sam_yaml *root, struct sam_policy *out,
				    struct sam_msg *msg)
{
	struct sam_yaml *signing;
	enum sam_reason reason = sam_yaml_need(root, "signing", SAM_YAML_MAP, &signing, msg);

	if (reason == SAM_OK)
		reason = read_authorisation(signing, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_switch(signing, "always_authenticate",
						&out->always_authenticate, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_switch(signing, "verify", &out->verify, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_switch(signing, "curve_below_hash", &out->curve_below_hash,
						msg);
	if (reason != SAM_OK)
		return reason;
	if (!out->verify && out->level != 1)
		return sam_yaml_refuse(
			sam_yaml_get(signing, "verify"), msg,
			"verify: cannot be switched off at levels 2 and 3; write true");
	return SAM_OK;
}

/* ---- switches that may be absent ---- */

/* ${map}'s ${key}, or ${absent}. With ${why} the level has but that value, and the other is refused. */
static enum sam_reason read_choice(struct sam_yaml *map, const char *key, bool absent, const char *why,
				   bool *out, struct sam_msg *msg)
{
	struct sam_yaml *node = sam_yaml_get(map, key);
	enum sam_reason reason;

	*out = absent;
	reason = sam_yaml_bool(node, out, msg);
	if (reason == SAM_OK && why && *out != absent)
		return sam_yaml_refuse(node, msg, "%s", why);
	return reason;
}

/* A section that may be left out, and is a map where it is not. */
static enum sam_reason find_section(struct sam_yaml *root, const char *key, struct sam_yaml **out,
				    struct sam_msg *msg)
{
	*out = sam_yaml_get(root, key);
	return *out ? sam_yaml_need(root, key, SAM_YAML_MAP, out, msg) : SAM_OK;
}

static enum sam_reason read_keeping(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	const bool above_1 = out->level != 1;
	struct sam_yaml *time, *certificates = NULL;
	enum sam_reason reason = read_choice(root, "import", out->level != 3,
					     out->level == 3 ? "import: level 3 imports nothing; write false" : NULL,
					     &out->import, msg);

	if (reason == SAM_OK)
		reason = find_section(root, "time", &time, msg);
	if (reason == SAM_OK)
		reason = read_choice(time, "require_sync", above_1, NULL, &out->require_sync, msg);
	if (reason == SAM_OK)
		reason = find_section(root, "certificates", &certificates, msg);
	if (reason == SAM_OK)
		reason = read_choice(certificates, "required", above_1,
				     above_1 ? "required: cannot be switched off at levels 2 and 3; write true" : NULL,
				     &out->certificate_required, msg);
	return reason;
}

/* ---- the whole ---- */

static enum sam_reason read_root(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_head(root, out, msg);

	if (reason == SAM_OK)
		reason = read_signing(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_sap_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_algorithms_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_keys_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_roles_read(root, out, msg);
	if (reason == SAM_OK)
		reason = read_keeping(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_cms_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_cas_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_issuers_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_all_used(root, msg);
	return reason;
}

enum sam_reason sam_policy_parse(const char *path, const void *text, size_t len,
				 struct sam_policy *out, struct sam_msg *msg)
{
	sam_auto(sam_yaml_free) struct sam_yaml *root = NULL;
	enum sam_reason reason = sam_yaml_parse(path, text, len, &root, msg);

	/* In place: with its certificates a policy is too long for a second one on an application's stack. */
	memset(out, 0, sizeof *out);
	if (reason == SAM_OK)
		reason = read_root(root, out, msg);
	if (reason == SAM_OK && !sam_mem_copy_text(out->path, sizeof out->path, path)) {
		sam_msg_set(msg, "the policy's path is too long; move the file");
		reason = SAM_POLICY;
	}
	if (reason == SAM_OK) {
		reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, out->sha256);
		if (reason != SAM_OK)
			sam_msg_set(msg, "%s: cannot be hashed", path);
	}
	/* Closed: what was refused half-way allows nothing. */
	if (reason != SAM_OK)
		memset(out, 0, sizeof *out);
	return reason == SAM_CONFIG ? SAM_POLICY : reason;
}

enum sam_reason sam_policy_load(const char *path, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_secret text = { NULL, 0 };
	enum sam_reason reason = sam_file_read(path, SAM_YAML_MAX, &text, msg);

	memset(out, 0, sizeof *out);
	if (reason == SAM_OK)
		reason = sam_policy_parse(path, text.data, text.len, out, msg);
	sam_secret_clear(&text);
	return reason == SAM_CONFIG ? SAM_POLICY : reason;
}
