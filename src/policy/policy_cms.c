/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cms:` and `schemes:` of the policy file: which CMs are approved, and by whose evaluation (P1-T3.5 with notes 2
 * and 3, P3-3.16).
 */
#include "policy/policy_cms.h"

#include <stdio.h>
#include <string.h>
#include "policy/policy_read.h"

/* SAM_EVALUATION_COUNT: no scheme. */
static enum sam_evaluation scheme_by_name(const char *word)
{
	unsigned i = SAM_EVALUATION_NONE + 1;

	while (i < SAM_EVALUATION_COUNT && strcmp(sam_evaluation_name((enum sam_evaluation)i), word))
		i++;
	return (enum sam_evaluation)i;
}

static enum sam_reason read_scheme(struct sam_yaml *node, const char *key, enum sam_evaluation *out,
				   struct sam_msg *msg)
{
	const char *word = "";
	enum sam_reason reason = sam_yaml_text(node, &word, msg);

	if (reason != SAM_OK)
		return reason;
	*out = scheme_by_name(word);
	if (*out == SAM_EVALUATION_COUNT)
		return sam_yaml_refuse(node, msg, "%s: must be CMVP, JCMVP or CC", key);
	return SAM_OK;
}

/* Where the list is absent, at levels 1 and 2, all count. */
static enum sam_reason read_schemes(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(root, "schemes");
	enum sam_reason reason = SAM_OK;

	for (unsigned i = SAM_EVALUATION_NONE + 1; !list && i < SAM_EVALUATION_COUNT; i++)
		out->schemes[i] = out->level != 3;
	if (!list && out->level != 3)
		return SAM_OK;
	if (!list)
		return sam_yaml_refuse(root, msg, "the key `schemes` is missing here: level 3 names the schemes of "
						  "evaluation that count, as [CC, CMVP]; add it");
	reason = sam_yaml_need(root, "schemes", SAM_YAML_LIST, &list, msg);
	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "schemes: the list is empty; name at least one");
	for (struct sam_yaml *item = reason == SAM_OK ? list->items : NULL; item; item = item->next) {
		enum sam_evaluation scheme;

		reason = read_scheme(item, "schemes", &scheme, msg);
		if (reason != SAM_OK)
			return reason;
		if (out->schemes[scheme])
			return sam_yaml_refuse(item, msg, "schemes: stands there twice; keep one");
		out->schemes[scheme] = true;
	}
	return reason;
}

/* `evaluation: "none, for tests"`: in words that nobody writes by mistake. */
static enum sam_reason read_none(struct sam_yaml *map, struct sam_yaml *node, struct sam_policy_cm *cm,
				 struct sam_msg *msg)
{
	static const char *const others[] = { "scheme", "certificate", "expires" };
	const char *word = "";
	enum sam_reason reason = sam_yaml_text(node, &word, msg);

	if (reason != SAM_OK)
		return reason;
	if (strcmp(word, sam_evaluation_name(SAM_EVALUATION_NONE)) != 0)
		return sam_yaml_refuse(node, msg, "evaluation: must be \"none, for tests\"; for an evaluated CM write "
						  "scheme, certificate and expires");
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		const struct sam_yaml *other = sam_yaml_get(map, others[i]);

		if (other)
			return sam_yaml_refuse(other, msg, "%s: is for an evaluated CM, and `evaluation` says none; "
							   "remove one of the two", others[i]);
	}
	cm->scheme = SAM_EVALUATION_NONE;
	cm->expires = INT64_MAX;
	return SAM_OK;
}

static enum sam_reason read_evaluation(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_cm *cm,
				       struct sam_msg *msg)
{
	struct sam_yaml *node = sam_yaml_get(map, "evaluation"), *expires;
	enum sam_reason reason;

	if (node)
		return read_none(map, node, cm, msg);
	reason = sam_yaml_need(map, "scheme", SAM_YAML_SCALAR, &node, msg);
	if (reason == SAM_OK)
		reason = read_scheme(node, "scheme", &cm->scheme, msg);
	if (reason == SAM_OK && !out->schemes[cm->scheme])
		return sam_yaml_refuse(node, msg, "scheme: is not one of `schemes`; a CM evaluated by another does "
						  "not count here");
	if (reason == SAM_OK)
		reason = sam_policy_read_text(map, "certificate", cm->certificate, sizeof cm->certificate, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_need(map, "expires", SAM_YAML_SCALAR, &expires, msg);
	return reason == SAM_OK ? sam_policy_read_time(map, "expires", &cm->expires, msg) : reason;
}

static enum sam_reason read_cm(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_cm *cm,
			       struct sam_msg *msg)
{
	enum sam_reason reason;

	if (map->kind != SAM_YAML_MAP)
		return sam_yaml_refuse(map, msg, "cms: must be a list of {manufacturer: …, model: …, …}");
	reason = sam_policy_read_text(map, "manufacturer", cm->manufacturer, sizeof cm->manufacturer, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_text(map, "model", cm->model, sizeof cm->model, msg);
	if (reason == SAM_OK && sam_yaml_get(map, "firmware"))
		reason = sam_policy_read_text(map, "firmware", cm->firmware, sizeof cm->firmware, msg);
	return reason == SAM_OK ? read_evaluation(map, out, cm, msg) : reason;
}

static bool is_same(const struct sam_policy_cm *a, const struct sam_policy_cm *b)
{
	return !strcmp(a->manufacturer, b->manufacturer) && !strcmp(a->model, b->model) &&
	       !strcmp(a->firmware, b->firmware) && a->scheme == b->scheme;
}

enum sam_reason sam_policy_cms_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(root, "cms");
	enum sam_reason reason = read_schemes(root, out, msg);

	if (reason != SAM_OK || (!list && out->level == 1))
		return reason;
	if (!list)
		return sam_yaml_refuse(root, msg, "the key `cms` is missing here: at levels 2 and 3 it names the approved "
						  "CMs, each with manufacturer, model, scheme, certificate and expires; "
						  "add it");
	reason = sam_yaml_need(root, "cms", SAM_YAML_LIST, &list, msg);
	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "cms: the list is empty; name at least one CM");
	for (struct sam_yaml *map = reason == SAM_OK ? list->items : NULL; map; map = map->next) {
		struct sam_policy_cm cm = { .scheme = SAM_EVALUATION_NONE };

		if (out->cm_count == SAM_POLICY_CMS)
			return sam_yaml_refuse(map, msg, "cms: more than 16 CMs; remove some");
		reason = read_cm(map, out, &cm, msg);
		if (reason != SAM_OK)
			return reason;
		snprintf(cm.evaluation, sizeof cm.evaluation, "%s%s%s", sam_evaluation_name(cm.scheme),
			 *cm.certificate ? " " : "", cm.certificate);
		for (size_t i = 0; i < out->cm_count; i++) {
			if (is_same(&cm, &out->cms[i]))
				return sam_yaml_refuse(map, msg, "cms: stands there twice; keep one");
		}
		out->cms[out->cm_count++] = cm;
	}
	return reason;
}
