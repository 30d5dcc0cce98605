/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the policy file (p11-sam-policy(5)), strictly: everything must be said, nothing else may
 * be, and nothing may go beyond the baseline of its level (P1-3.5-1).
 */
#include "policy/policy.h"

#include <string.h>
#include "base/file.h"
#include "base/ossl.h"
#include "base/yaml.h"
#include "policy/policy_keys.h"
#include "policy/policy_read.h"
#include "policy/policy_roles.h"

enum { DAY_S = 86400, SHORT_S = 300, LEEWAY_S = 10, VERSION_MAX = 1000000000 };

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

/* ---- lists of words ---- */

/* A kind of word: find() gives its index from 1 up, 0 for a word that is none. */
struct words {
	const char *key;
	size_t (*find)(const char *word);
	const char *remedy;
};

static size_t find_hash(const char *word)
{
	return (size_t)sam_hash_by_name(word);
}

static size_t find_algorithm(const char *word)
{
	return (size_t)sam_jws_by_name(word);
}

static size_t find_mechanism(const char *word)
{
	const struct sam_mechanism *m = sam_mechanism_by_name(word);

	return m ? (size_t)(m - sam_mechanism_at(0)) + 1 : 0;
}

static const struct words hash_words = {
	"hashes",
	find_hash,
	"no hash that any level allows; sha256, sha384, sha512",
};
static const struct words algorithm_words = {
	"algorithms",
	find_algorithm,
	"no algorithm for a SAD; ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, "
	"RS512",
};
static const struct words mechanism_words = {
	"mechanisms",
	find_mechanism,
	"no mechanism that any level allows; p11-sam-policy(5) lists them",
};

/* set[i] for each word of ${map}'s list; at least one, each once. */
static enum sam_reason read_words(struct sam_yaml *map, const struct words *words, bool *set,
				  struct sam_msg *msg)
{
	struct sam_yaml *list;
	enum sam_reason reason = sam_yaml_need(map, words->key, SAM_YAML_LIST, &list, msg);

	if (reason != SAM_OK)
		return reason;
	if (!list->items)
		return sam_yaml_refuse(list, msg, "%s: the list is empty; name at least one",
				       words->key);
	for (struct sam_yaml *item = list->items; item; item = item->next) {
		const char *word = "";
		size_t i;

		reason = sam_yaml_text(item, &word, msg);
		if (reason != SAM_OK)
			return reason;
		i = words->find(word);
		if (!i)
			return sam_yaml_refuse(item, msg, "%s: %s", words->key, words->remedy);
		if (set[i])
			return sam_yaml_refuse(item, msg, "%s: stands there twice; keep one",
					       words->key);
		set[i] = true;
	}
	return SAM_OK;
}

static enum sam_reason read_sap(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	int64_t longest = out->level == 1 ? DAY_S : SHORT_S;
	struct sam_yaml *sap;
	enum sam_reason reason = sam_yaml_need(root, "sap", SAM_YAML_MAP, &sap, msg);

	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(sap, "max_lifetime", 1, longest,
						 &out->max_lifetime, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_seconds(sap, "leeway", 0, LEEWAY_S, &out->leeway, msg);
	if (reason == SAM_OK)
		reason = read_words(sap, &algorithm_words, out->sad_algorithms, msg);
	return reason;
}

/* A mechanism whose hash is not allowed could never sign, but would be offered: one of the two
 * lines is a mistake. */
static enum sam_reason check_hashes(struct sam_yaml *list, const struct sam_policy *out,
				    struct sam_msg *msg)
{
	for (struct sam_yaml *item = list->items; item; item = item->next) {
		const struct sam_mechanism *m = sam_mechanism_by_name(item->text);

		if (m->hash != SAM_HASH_NONE && !out->hashes[m->hash])
			return sam_yaml_refuse(
				item, msg,
				"mechanisms: %s needs %s, which `hashes` leaves out; "
				"remove it or add the hash",
				m->name, sam_hash_name(m->hash));
	}
	return SAM_OK;
}

static enum sam_reason read_mechanisms(struct sam_yaml *root, struct sam_policy *out,
				       struct sam_msg *msg)
{
	bool set[SAM_POLICY_MECHANISMS + 1] = { false };
	const struct sam_mechanism *m;
	enum sam_reason reason = read_words(root, &mechanism_words, set, msg);

	if (reason == SAM_OK)
		reason = check_hashes(sam_yaml_get(root, "mechanisms"), out, msg);
	if (reason != SAM_OK)
		return reason;
	for (size_t i = 0; (m = sam_mechanism_at(i)); i++) {
		if (set[i + 1])
			out->mechanisms[out->mechanism_count++] = m;
	}
	return SAM_OK;
}

/* ---- the whole ---- */

static enum sam_reason read_root(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_head(root, out, msg);

	if (reason == SAM_OK)
		reason = read_signing(root, out, msg);
	if (reason == SAM_OK)
		reason = read_sap(root, out, msg);
	if (reason == SAM_OK)
		reason = read_words(root, &hash_words, out->hashes, msg);
	if (reason == SAM_OK)
		reason = read_mechanisms(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_keys_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_policy_roles_read(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_all_used(root, msg);
	return reason;
}

enum sam_reason sam_policy_parse(const char *path, const void *text, size_t len,
				 struct sam_policy *out, struct sam_msg *msg)
{
	sam_auto(sam_yaml_free) struct sam_yaml *root = NULL;
	struct sam_policy policy = { .version = 0 };
	enum sam_reason reason = sam_yaml_parse(path, text, len, &root, msg);

	/* Closed: what was refused half-way allows nothing. */
	memset(out, 0, sizeof *out);
	if (reason == SAM_OK)
		reason = read_root(root, &policy, msg);
	if (reason == SAM_OK && !sam_mem_copy_text(policy.path, sizeof policy.path, path)) {
		sam_msg_set(msg, "the policy's path is too long; move the file");
		reason = SAM_POLICY;
	}
	if (reason == SAM_OK) {
		reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, policy.sha256);
		if (reason != SAM_OK)
			sam_msg_set(msg, "%s: cannot be hashed", path);
	}
	if (reason == SAM_OK)
		*out = policy;
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
