/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `hashes:`, `mechanisms:` and `sap.algorithms` of the policy file: lists of words, of which some
 * may have dates.
 */
#include "policy/policy_algorithms.h"

#include "policy/policy_read.h"

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

/* The word of an item: itself, or the name in {name: …} where there may be dates. */
static enum sam_reason word_of(struct sam_yaml *item, bool dated, struct sam_yaml **node, const char **word,
			       struct sam_msg *msg)
{
	enum sam_reason reason = SAM_OK;

	*node = item;
	if (dated && item->kind == SAM_YAML_MAP)
		reason = sam_yaml_need(item, "name", SAM_YAML_SCALAR, node, msg);
	return reason == SAM_OK ? sam_yaml_text(*node, word, msg) : reason;
}

/* set[i], and dates[i] (NULL: none may stand there), for each word of ${map}'s list; at least one, each once. */
static enum sam_reason read_words(struct sam_yaml *map, const struct words *words, bool *set,
				  struct sam_policy_dates *dates, struct sam_msg *msg)
{
	struct sam_yaml *list;
	enum sam_reason reason = sam_yaml_need(map, words->key, SAM_YAML_LIST, &list, msg);

	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "%s: the list is empty; name at least one",
				       words->key);
	for (struct sam_yaml *item = reason == SAM_OK ? list->items : NULL; item; item = item->next) {
		struct sam_yaml *node;
		const char *word = "";
		size_t i;

		reason = word_of(item, dates != NULL, &node, &word, msg);
		if (reason != SAM_OK)
			return reason;
		i = words->find(word);
		if (!i)
			return sam_yaml_refuse(node, msg, "%s: %s", words->key, words->remedy);
		if (set[i])
			return sam_yaml_refuse(node, msg, "%s: stands there twice; keep one",
					       words->key);
		set[i] = true;
		if (dates)
			reason = sam_policy_read_dates(item, &dates[i], msg);
		if (reason != SAM_OK)
			return reason;
	}
	return reason;
}

/* A mechanism whose hash is not allowed could never sign, but would be offered: one of the two
 * lines is a mistake. */
static enum sam_reason check_hashes(struct sam_yaml *list, const struct sam_policy *out,
				    struct sam_msg *msg)
{
	for (struct sam_yaml *item = list->items; item; item = item->next) {
		const struct sam_yaml *node = sam_policy_place(item, "name");
		const struct sam_mechanism *m = sam_mechanism_by_name(node->text);

		if (m->hash != SAM_HASH_NONE && !out->hashes[m->hash])
			return sam_yaml_refuse(
				node, msg,
				"mechanisms: %s needs %s, which `hashes` leaves out; "
				"remove it or add the hash",
				m->name, sam_hash_name(m->hash));
	}
	return SAM_OK;
}

enum sam_reason sam_policy_algorithms_read(struct sam_yaml *root, struct sam_policy *out,
					   struct sam_msg *msg)
{
	bool set[SAM_POLICY_MECHANISMS + 1] = { false };
	struct sam_policy_dates dates[SAM_POLICY_MECHANISMS + 1];
	const struct sam_mechanism *m;
	enum sam_reason reason = read_words(root, &hash_words, out->hashes, out->hash_dates, msg);

	if (reason == SAM_OK)
		reason = read_words(root, &mechanism_words, set, dates, msg);
	if (reason == SAM_OK)
		reason = check_hashes(sam_yaml_get(root, "mechanisms"), out, msg);
	if (reason != SAM_OK)
		return reason;
	for (size_t i = 0; (m = sam_mechanism_at(i)); i++) {
		if (set[i + 1]) {
			out->mechanism_dates[out->mechanism_count] = dates[i + 1];
			out->mechanisms[out->mechanism_count++] = m;
		}
	}
	return SAM_OK;
}

enum sam_reason sam_policy_sad_algorithms_read(struct sam_yaml *sap, struct sam_policy *out,
					       struct sam_msg *msg)
{
	return sam_policy_jws_algorithms_read(sap, out->sad_algorithms, msg);
}

enum sam_reason sam_policy_jws_algorithms_read(struct sam_yaml *map, bool set[SAM_JWS_ALGS], struct sam_msg *msg)
{
	return read_words(map, &algorithm_words, set, NULL, msg);
}
