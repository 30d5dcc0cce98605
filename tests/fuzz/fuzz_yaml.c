/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a YAML file and as a policy. Beyond not crashing: what is refused says where, what
 * is taken lies within the baseline of its level.
 */
#include <stdlib.h>
#include <string.h>
#include "base/ossl.h"
#include "base/yaml.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "fuzz.yaml"

static void demand(int holds)
{
	if (!holds)
		abort();
}

/* A refusal names the place; nothing of another kind comes from bytes alone. */
static void check_refusal(enum sam_reason reason, enum sam_reason wanted, const struct sam_msg *msg)
{
	demand(reason == wanted);
	demand(!strncmp(msg->text, NAME ":", sizeof NAME));
}

/* Ask everything of every node. */
static void walk(struct sam_yaml *node, unsigned depth)
{
	for (; node; node = node->next) {
		struct sam_msg msg = { "" };
		const char *text = NULL;
		int64_t number = 0;
		bool yes = false;

		demand(depth <= SAM_YAML_DEPTH);
		demand(node->line >= 1 && node->column >= 1);
		demand((node->kind == SAM_YAML_SCALAR) == (node->text != NULL));
		if (sam_yaml_text(node, &text, &msg) == SAM_OK)
			demand(text != NULL && !node->block && !strchr(text, '\n'));
		if (sam_yaml_number(node, -5, 5000, &number, &msg) == SAM_OK)
			demand(number >= -5 && number <= 5000);
		if (sam_yaml_duration(node, 10, 100000, &number, &msg) == SAM_OK)
			demand(number >= 10 && number <= 100000);
		if (sam_yaml_bool(node, &yes, &msg) == SAM_OK)
			demand(yes == (node->text[0] == 't'));
		walk(node->items, depth + 1);
	}
}

static void check_yaml(const uint8_t *data, size_t size)
{
	sam_auto(sam_yaml_free) struct sam_yaml *root = NULL;
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_yaml_parse(NAME, data, size, &root, &msg);

	if (reason != SAM_OK) {
		demand(!root);
		check_refusal(reason, SAM_CONFIG, &msg);
		return;
	}
	demand(root && root->kind == SAM_YAML_MAP && !root->next);
	walk(root, 0);
	if (root->items) {
		check_refusal(sam_yaml_all_used(root, &msg), SAM_CONFIG, &msg);
		demand(sam_yaml_get(root, root->items->key) == root->items);
	}
}

/* Where keys may come from and lie. */
static void check_origins(const struct sam_policy *p)
{
	const struct sam_policy_cm *entry;

	demand(p->cm_count <= SAM_POLICY_CMS && p->ca_count <= SAM_POLICY_CAS);
	demand(p->level == 1 || (p->cm_count >= 1 && p->certificate_required));
	demand(p->level != 3 || (!p->import && sam_policy_may_import(p) == SAM_IMPORT_LEVEL));
	demand((sam_policy_cm(p, "", "", "", 0, &entry) == SAM_OK) == (p->level == 1) && !entry);
	for (size_t i = 0; i < p->cm_count; i++) {
		const struct sam_policy_cm *cm = &p->cms[i];

		demand(cm->scheme == SAM_EVALUATION_NONE || p->schemes[cm->scheme]);
		demand(sam_policy_cm(p, cm->manufacturer, cm->model, cm->firmware, cm->expires - 1, &entry) == SAM_OK);
	}
	for (size_t i = 0; i < p->ca_count; i++) {
		const struct sam_policy_ca *ca = &p->cas[i];

		demand(ca->use && ca->len > 0 && ca->len <= sizeof ca->der && ca->der[0] == 0x30);
		if (ca->use & SAM_CA_IMPORT)
			demand(p->level == 1 || (p->level == 2 && ca->keygen_level == 2 && *ca->reference));
	}
}

static void check_policy(const uint8_t *data, size_t size)
{
	const int64_t end_of_2030 = 1924959600;
	struct sam_policy p;
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_policy_parse(NAME, data, size, &p, &msg);

	if (reason != SAM_OK) {
		demand(p.level == 0 && p.mechanism_count == 0 && p.key_count == 0 && p.cm_count == 0 &&
		       p.ca_count == 0 && !p.import);
		check_refusal(reason, SAM_POLICY, &msg);
		return;
	}
	demand(p.level >= 1 && p.level <= 3);
	demand(p.level == 1 ||
	       (p.verify && p.authorisation == SAM_AUTHORISE_SAD && p.max_lifetime <= 300));
	demand(p.max_lifetime >= 1 && p.max_lifetime <= 86400 && p.leeway >= 0 && p.leeway <= 10);
	demand(p.mechanism_count >= 1 && p.mechanism_count <= SAM_POLICY_MECHANISMS);
	demand(p.key_count >= 1 && p.key_count <= SAM_POLICY_KEY_RULES);
	demand(p.pending_s >= 60 && p.pending_s <= 7 * 86400 && p.session_s >= 60 &&
	       p.session_s <= (p.level == 1 ? 3600 : 900));
	demand(p.password_min >= (p.level == 1 ? 8 : 12) && p.password_min <= 64);
	demand(p.password_different >= 3 && p.password_different <= 16);
	demand(p.lockout_attempts >= 1 && p.lockout_attempts <= 10 && p.lockout_s >= 60 &&
	       p.lockout_s <= 86400);
	for (unsigned act = 0; act < SAM_ACT_COUNT; act++)
		demand(!p.dual_control[act] || sam_act_may_wait((enum sam_act)act));
	demand(!p.hashes[SAM_HASH_NONE] && !p.sad_algorithms[SAM_JWS_NONE]);
	demand(sam_policy_may_generate(&p, SAM_KEY_RSA, 2047, 0) == SAM_KEY_SIZE);
	demand(sam_policy_may_generate(&p, SAM_KEY_RSA, 3071, end_of_2030) == SAM_KEY_SIZE);
	check_origins(&p);
	for (size_t i = 0; i < p.mechanism_count; i++) {
		struct sam_scheme scheme = { p.mechanisms[i], p.mechanisms[i]->hash };

		demand(sam_policy_may_sign(&p, &scheme, SAM_KEY_RSA, 2048, end_of_2030) != SAM_OK);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!sam_ossl_ctx())
		demand(sam_ossl_start() == SAM_OK);
	check_yaml(data, size);
	check_policy(data, size);
	return 0;
}
