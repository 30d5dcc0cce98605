/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The flat form of what may be signed, as authorisation servers write it that follow the EUDI reference
 * implementation. It says what authorization_details says, so it is written so and read by the one reader.
 */
#include "sap/sad_details.h"

#include <string.h>

/* Also what such a claim is called by mistake: it must not pass for a claim that nobody reads. */
static const char *const names[] = {"credentialID", "hashes", "hashAlgorithmOID", "numSignatures", "signAlgo",
				    "documentDigests"};

bool sam_sad_is_flat(const json_t *claims)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (json_object_get(claims, names[i]))
			return true;
	return false;
}

/* One hash more; false beyond the most that a SAD may have, or without memory. */
static bool add_hash(json_t *list, const char *text, size_t len)
{
	if (json_array_size(list) == SAM_SAD_DIGESTS)
		return false;
	json_t *hash = json_stringn(text, len);
	json_t *digest = hash ? json_pack("{s:o}", "hash", hash) : NULL;
	return json_array_append_new(list, digest) == 0;
}

/* Neither blanks nor %-escapes: what is no base64 between two commas is no hash. */
static bool add_joined(json_t *list, const char *text, size_t len)
{
	for (;;) {
		const char *comma = memchr(text, ',', len);
		size_t n = comma ? (size_t)(comma - text) : len;
		if (!add_hash(list, text, n))
			return false;
		if (!comma)
			return true;
		text += n + 1;
		len -= n + 1;
	}
}

/* As `documentDigests`; NULL if it is neither form. */
static json_t *digests_of(const json_t *hashes)
{
	json_t *list = json_array();
	bool ok = list && (json_is_array(hashes) || json_is_string(hashes));
	const json_t *item;
	size_t i;
	if (ok && json_is_string(hashes))
		ok = add_joined(list, json_string_value(hashes), json_string_length(hashes));
	json_array_foreach (hashes, i, item)
		ok = ok && json_is_string(item) && add_hash(list, json_string_value(item), json_string_length(item));
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* A new reference; NULL without memory. Takes ${digests}. */
static json_t *details_of(const json_t *claims, json_t *digests)
{
	static const char *const same[] = {"credentialID", "hashAlgorithmOID", "numSignatures", "signAlgo"};
	json_t *details = json_pack("{s:s,s:o}", "type", "credential", "documentDigests", digests);
	for (size_t i = 0; details && i < sizeof same / sizeof same[0]; i++) {
		json_t *value = json_object_get(claims, same[i]);
		if (value && json_object_set(details, same[i], value) != 0) {
			json_decref(details);
			details = NULL;
		}
	}
	return details;
}

enum sam_reason sam_sad_flat(const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
			     struct sam_msg *msg)
{
	json_t *digests = digests_of(json_object_get(claims, "hashes"));
	if (json_object_get(claims, "documentDigests") || !digests) {
		sam_msg_set(msg, "%s", digests ? "documentDigests" : "hashes");
		json_decref(digests);
		return SAM_SAD_DETAILS;
	}
	sam_auto(json_decref) json_t *details = details_of(claims, digests);
	if (!details)
		return SAM_MEMORY;
	const char *bad = sam_sad_details_object(details, rules, out);
	if (bad)
		sam_msg_set(msg, "%s", strcmp(bad, "hash") == 0 || strcmp(bad, "documentDigests") == 0 ? "hashes" : bad);
	return bad ? SAM_SAD_DETAILS : SAM_OK;
}
