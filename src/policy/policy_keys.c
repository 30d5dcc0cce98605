/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `keys:` of the policy file: types, sizes and dates, within the baseline that holds at every level
 * (P3-3.16): RSA from 2048 bits, below 3072 only until the end of 2030, named curves, Ed25519.
 */
#include "policy/policy_keys.h"

#include <string.h>
#include "policy/policy_read.h"

enum { RSA_MIN = 2048, RSA_STRONG = 3072, RSA_MAX = 4096, ED25519_BITS = 255 };

/* 112 bits of strength end with 2030 (CRYPTREC): 2030-12-31T15:00:00Z is that midnight in Japan. */
#define WEAK_RSA_END INT64_C(1924959600)

static enum sam_reason read_type(struct sam_yaml *map, struct sam_key_rule *rule,
				 struct sam_msg *msg)
{
	static const struct {
		const char *word;
		enum sam_key_type type;
	} types[] = { { "rsa", SAM_KEY_RSA },
		      { "ec", SAM_KEY_EC },
		      { "ed25519", SAM_KEY_ED25519 } };
	struct sam_yaml *node;
	const char *word = "";
	enum sam_reason reason = sam_yaml_need(map, "type", SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_text(node, &word, msg);
	if (reason != SAM_OK)
		return reason;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (!strcmp(word, types[i].word)) {
			rule->type = types[i].type;
			return SAM_OK;
		}
	}
	return sam_yaml_refuse(node, msg, "type: must be rsa, ec or ed25519");
}

/* Three or four digits. */
static bool read_size(const char **p, unsigned *bits)
{
	size_t digits = strspn(*p, "0123456789");

	if (digits < 3 || digits > 4 || **p == '0')
		return false;
	for (*bits = 0; digits; digits--)
		*bits = *bits * 10 + (unsigned)(*(*p)++ - '0');
	return true;
}

/* "3072" or "2048-3071" */
static bool read_range(const char *p, unsigned *min, unsigned *max)
{
	if (!read_size(&p, min))
		return false;
	*max = *min;
	if (*p == '-') {
		p++;
		if (!read_size(&p, max))
			return false;
	}
	return !*p && *min <= *max;
}

static enum sam_reason check_bits(const struct sam_yaml *node, const struct sam_key_rule *rule,
				  struct sam_msg *msg)
{
	if (rule->type == SAM_KEY_EC) {
		if (rule->min_bits != rule->max_bits ||
		    (rule->min_bits != 256 && rule->min_bits != 384 && rule->min_bits != 521))
			return sam_yaml_refuse(node, msg,
					       "bits: of ec must be 256, 384 or 521 (P-256, P-384, "
					       "P-521); one line for each");
		return SAM_OK;
	}
	if (rule->min_bits < RSA_MIN)
		return sam_yaml_refuse(node, msg,
				       "bits: RSA below 2048 is refused at every level; raise it");
	if (rule->max_bits > RSA_MAX)
		return sam_yaml_refuse(node, msg,
				       "bits: this version signs with RSA up to 4096; lower it");
	if (rule->min_bits < RSA_STRONG && rule->max_bits >= RSA_STRONG)
		return sam_yaml_refuse(
			node, msg,
			"bits: the range crosses 3072, below which other dates hold; "
			"make two lines of it");
	return SAM_OK;
}

static enum sam_reason read_bits(struct sam_yaml *map, struct sam_key_rule *rule,
				 struct sam_msg *msg)
{
	struct sam_yaml *node;
	enum sam_reason reason;

	if (rule->type == SAM_KEY_ED25519) {
		rule->min_bits = rule->max_bits = ED25519_BITS;
		node = sam_yaml_get(map, "bits");
		return node ? sam_yaml_refuse(node, msg, "bits: ed25519 has one size; remove it")
			    : SAM_OK;
	}
	reason = sam_yaml_need(map, "bits", SAM_YAML_SCALAR, &node, msg);
	if (reason != SAM_OK)
		return reason;
	if (node->quoted || !read_range(node->text, &rule->min_bits, &rule->max_bits))
		return sam_yaml_refuse(
			node, msg, "bits: must be a size or a range as 3072-4096, without quotes");
	return check_bits(node, rule, msg);
}

static enum sam_reason read_dates(struct sam_yaml *map, struct sam_key_rule *rule,
				  struct sam_msg *msg)
{
	struct sam_policy_dates dates;
	enum sam_reason reason = sam_policy_read_dates(map, &dates, msg);

	if (reason != SAM_OK)
		return reason;
	rule->sign_from = dates.sign_from;
	rule->sign_until = dates.sign_until;
	rule->verify_until = dates.verify_until;
	if (rule->type == SAM_KEY_RSA && rule->min_bits < RSA_STRONG &&
	    rule->sign_until > WEAK_RSA_END)
		return sam_yaml_refuse(sam_policy_place(map, "sign_until"), msg,
				       "sign_until: RSA below 3072 bits signs until "
				       "2030-12-31T15:00:00Z at most; write that or earlier");
	/* Nobody makes keys that may not sign any more. */
	rule->generate_from = INT64_MIN;
	rule->generate_until = rule->sign_until;
	reason = sam_policy_read_time(map, "generate_until", &rule->generate_until, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_time(map, "generate_from", &rule->generate_from, msg);
	if (reason == SAM_OK && rule->generate_until > rule->sign_until)
		return sam_yaml_refuse(
			sam_policy_place(map, "generate_until"), msg,
			"generate_until: lies after sign_until; write that or earlier");
	if (reason == SAM_OK && rule->generate_from > rule->generate_until)
		return sam_yaml_refuse(
			sam_policy_place(map, "generate_from"), msg,
			"generate_from: lies after the end of generating; write that or earlier");
	return reason;
}

static enum sam_reason check_overlap(const struct sam_yaml *map, const struct sam_policy *out,
				     const struct sam_key_rule *rule, struct sam_msg *msg)
{
	for (size_t i = 0; i < out->key_count; i++) {
		const struct sam_key_rule *other = &out->keys[i];

		if (other->type == rule->type && rule->min_bits <= other->max_bits &&
		    rule->max_bits >= other->min_bits)
			return sam_yaml_refuse(map, msg,
					       "keys: overlaps an earlier line; part them");
	}
	return SAM_OK;
}

enum sam_reason sam_policy_keys_read(struct sam_yaml *root, struct sam_policy *out,
				     struct sam_msg *msg)
{
	struct sam_yaml *list;
	enum sam_reason reason = sam_yaml_need(root, "keys", SAM_YAML_LIST, &list, msg);

	if (reason != SAM_OK)
		return reason;
	if (!list->items)
		return sam_yaml_refuse(list, msg,
				       "keys: the list is empty; name at least one kind of key");
	for (struct sam_yaml *map = list->items; map && reason == SAM_OK; map = map->next) {
		struct sam_key_rule rule = { .type = SAM_KEY_RSA };

		if (map->kind != SAM_YAML_MAP)
			return sam_yaml_refuse(map, msg,
					       "keys: must be a list of {type: …, bits: …}");
		if (out->key_count == SAM_POLICY_KEY_RULES)
			return sam_yaml_refuse(map, msg, "keys: more than 16 lines; join some");
		reason = read_type(map, &rule, msg);
		if (reason == SAM_OK)
			reason = read_bits(map, &rule, msg);
		if (reason == SAM_OK)
			reason = read_dates(map, &rule, msg);
		if (reason == SAM_OK)
			reason = check_overlap(map, out, &rule, msg);
		if (reason == SAM_OK)
			out->keys[out->key_count++] = rule;
	}
	return reason;
}
