/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cas:` of the policy file: the CAs to which the certificates of signers' keys chain, those to which certificates
 * chain that signers sign SADs with, and those that may sign import packages, of which level 2 wants to know that they
 * make keys as it does itself (P1-T3.5-fn4).
 */
#include "policy/policy_cas.h"

#include <string.h>
#include "base/clock.h"
#include "base/pem.h"
#include "policy/policy_read.h"

static enum sam_reason read_use(struct sam_yaml *map, struct sam_policy_ca *ca, struct sam_msg *msg)
{
	struct sam_yaml *list;
	enum sam_reason reason = sam_yaml_need(map, "use", SAM_YAML_LIST, &list, msg);

	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "use: the list is empty; certificates, authentication, import");
	for (struct sam_yaml *item = reason == SAM_OK ? list->items : NULL; item; item = item->next) {
		const char *word = "";
		unsigned use;

		reason = sam_yaml_text(item, &word, msg);
		if (reason != SAM_OK)
			return reason;
		use = !strcmp(word, "certificates")     ? SAM_CA_CERTIFICATES
		      : !strcmp(word, "authentication") ? SAM_CA_AUTHENTICATION
		      : !strcmp(word, "import")         ? SAM_CA_IMPORT
							: 0;
		if (!use)
			return sam_yaml_refuse(item, msg, "use: must be certificates, authentication or import");
		if (ca->use & use)
			return sam_yaml_refuse(item, msg, "use: stands there twice; keep one");
		ca->use |= use;
	}
	return reason;
}

static enum sam_reason read_certificate(struct sam_yaml *map, struct sam_policy_ca *ca, struct sam_msg *msg)
{
	struct sam_yaml *node;
	const char *text = "", *why = NULL;
	enum sam_reason reason = sam_yaml_need(map, "certificate", SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_block(node, &text, msg);
	if (reason != SAM_OK)
		return reason;
	reason = sam_pem_certificate(text, ca->der, sizeof ca->der, &ca->len, &why);
	if (reason == SAM_CERTIFICATE)
		return sam_yaml_refuse(node, msg, "certificate: %s", why);
	if (reason == SAM_OK && !sam_pem_is_ca(ca->der, ca->len))
		return sam_yaml_refuse(node, msg, "certificate: is not a CA's (basicConstraints, keyCertSign); write the "
						  "CA's own");
	return reason;
}

/* A date alone: the day of a document. */
static enum sam_reason read_day(struct sam_yaml *map, int64_t *out, struct sam_msg *msg)
{
	struct sam_yaml *node;
	const char *text = "";
	int64_t us;
	enum sam_reason reason = sam_yaml_need(map, "date", SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_text(node, &text, msg);
	if (reason != SAM_OK)
		return reason;
	if (strlen(text) != strlen("2026-11-28") || text[0] == '@' || !sam_clock_parse(text, &us))
		return sam_yaml_refuse(node, msg, "date: must be a date as 2026-11-28");
	*out = us / 1000000;
	return SAM_OK;
}

/* keygen_level, reference and date belong together. */
static enum sam_reason read_statement(struct sam_yaml *map, struct sam_policy_ca *ca, struct sam_msg *msg)
{
	struct sam_yaml *level;
	int64_t number = 0;
	enum sam_reason reason = sam_yaml_need(map, "keygen_level", SAM_YAML_SCALAR, &level, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_number(level, 2, 2, &number, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_text(map, "reference", ca->reference, sizeof ca->reference, msg);
	if (reason == SAM_OK)
		reason = read_day(map, &ca->date, msg);
	ca->keygen_level = (unsigned)number;
	return reason;
}

static enum sam_reason check_import(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_ca *ca,
				    struct sam_msg *msg)
{
	static const char *const said[] = { "keygen_level", "reference", "date" };
	const size_t all = sizeof said / sizeof said[0];
	const bool import = ca->use & SAM_CA_IMPORT;
	size_t count = 0;

	for (size_t i = 0; i < all; i++)
		count += sam_yaml_get(map, said[i]) != NULL;
	if (!import && count)
		return sam_yaml_refuse(map, msg, "cas: keygen_level, reference and date are for a CA whose use is import; "
						 "remove them or add import");
	if (!import)
		return SAM_OK;
	if (ca->use & ~(unsigned)SAM_CA_IMPORT) /* whoever has a certificate of it could vouch for a package */
		return sam_yaml_refuse(map, msg, "cas: a CA that certifies signers does not vouch for imports too; name "
						 "the CA of the key service alone for import");
	if (out->level == 3)
		return sam_yaml_refuse(map, msg, "cas: level 3 imports nothing; remove import from use");
	if (out->level == 2 && count < all)
		return sam_yaml_refuse(map, msg, "cas: at level 2 a CA whose use is import says with keygen_level: 2, "
						 "reference and date that its own keys are made as level 2 asks "
						 "(P1-T3.5-fn4); add them");
	return count ? read_statement(map, ca, msg) : SAM_OK;
}

static enum sam_reason read_ca(struct sam_yaml *map, const struct sam_policy *out, struct sam_policy_ca *ca,
			       struct sam_msg *msg)
{
	enum sam_reason reason;

	if (map->kind != SAM_YAML_MAP)
		return sam_yaml_refuse(map, msg, "cas: must be a list of maps with name, use and certificate");
	reason = sam_policy_read_text(map, "name", ca->name, sizeof ca->name, msg);
	if (reason == SAM_OK)
		reason = read_use(map, ca, msg);
	if (reason == SAM_OK)
		reason = check_import(map, out, ca, msg);
	return reason == SAM_OK ? read_certificate(map, ca, msg) : reason;
}

enum sam_reason sam_policy_cas_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg)
{
	struct sam_yaml *list = sam_yaml_get(root, "cas");
	enum sam_reason reason;

	if (!list)
		return SAM_OK;
	reason = sam_yaml_need(root, "cas", SAM_YAML_LIST, &list, msg);
	if (reason == SAM_OK && !list->items)
		return sam_yaml_refuse(list, msg, "cas: the list is empty; name at least one CA or remove it");
	for (struct sam_yaml *map = reason == SAM_OK ? list->items : NULL; map; map = map->next) {
		struct sam_policy_ca *ca = &out->cas[out->ca_count];

		if (out->ca_count == SAM_POLICY_CAS)
			return sam_yaml_refuse(map, msg, "cas: more than 8 CAs; remove some");
		reason = read_ca(map, out, ca, msg);
		if (reason != SAM_OK)
			return reason;
		for (size_t i = 0; i < out->ca_count; i++) {
			const struct sam_policy_ca *other = &out->cas[i];

			if (!strcmp(ca->name, other->name))
				return sam_yaml_refuse(map, msg, "cas: the name stands there twice; keep one");
			if (ca->len == other->len && !memcmp(ca->der, other->der, ca->len))
				return sam_yaml_refuse(map, msg, "cas: the certificate stands there twice; keep one");
		}
		out->ca_count++;
	}
	return reason;
}
