/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Encrypted SADs. The CM gives the secret that the key and the sender's point agree on, or the content's key; the rest
 * is done here, in memory that is wiped. What is inside is believed no more than before: it is a SAD, and is verified
 * as one.
 */
#include "sap/encrypted.h"

#include <string.h>
#include "base/clock.h"
#include "sap/jwe.h"
#include "sap/pin.h"

struct key {
	struct sam_cm *cm;
	const char *name;
};

static enum sam_reason agree(void *arg, const uint8_t point[SAM_JWE_POINT], uint8_t z[SAM_JWE_Z])
{
	const struct key *key = arg;
	return sam_cm_sap_agree(key->cm, key->name, point, z);
}

static enum sam_reason decrypt(void *arg, const uint8_t *data, size_t len, uint8_t content[SAM_JWE_CONTENT_KEY])
{
	const struct key *key = arg;
	return sam_cm_sap_decrypt(key->cm, key->name, data, len, content);
}

/* `cty` says what is inside, `kid` to which of our keys it is encrypted (p11-sam-sad(7)). */
static enum sam_reason check_header(const struct sam_jwe *jwe, const char **kid, struct sam_msg *msg)
{
	const json_t *header = sam_jwe_header(jwe);
	const char *cty = json_string_value(json_object_get(header, "cty"));
	*kid = json_string_value(json_object_get(header, "kid"));
	if (cty && strcmp(cty, "sad+jwt") == 0 && *kid)
		return SAM_OK;
	sam_msg_set(msg, "%s of the encrypted SAD: is %s", *kid ? "cty" : "kid", *kid ? "not sad+jwt" : "missing");
	return SAM_SAD_HEADER;
}

static enum sam_reason find_key(const struct sam_snapshot *s, const struct sam_jwe *jwe, const char *kid,
				const struct sam_sap_key **out)
{
	*out = sam_registry_sap_key(s, kid);
	if (!*out || ((*out)->until && (*out)->until <= sam_clock_now()))
		return SAM_SAD_RECIPIENT;
	return (*out)->rsa == sam_jwe_is_rsa(jwe) ? SAM_OK : SAM_JWE_ALGORITHM;
}

enum sam_reason sam_encrypted_open(struct sam *sam, const struct sam_snapshot *snapshot, const char *text, size_t len,
				   struct sam_secret *out, struct sam_msg *msg)
{
	_Static_assert((int)SAM_JWE_MAX <= (int)SAM_PIN_MAX, "what is inside is shorter still");
	const struct sam_sap_key *found;
	struct sam_jwe *parsed = NULL;
	const char *kid;
	enum sam_reason reason = sam_jwe_parse(text, len, &parsed);
	sam_auto(sam_jwe_free) struct sam_jwe *jwe = parsed;
	if (reason == SAM_OK)
		reason = check_header(jwe, &kid, msg);
	if (reason == SAM_OK)
		reason = find_key(snapshot, jwe, kid, &found);
	if (reason != SAM_OK)
		return reason;
	struct key key = {sam_cm(sam), found->name};
	const struct sam_jwe_opener by = {&key, found->rsa ? NULL : agree, found->rsa ? decrypt : NULL};
	reason = sam_jwe_open(jwe, &by, out);
	if (reason == SAM_CM_KEY_MISSING) { /* after a restore, say */
		sam_msg_set(msg, "the CM does not hold that key any more: `samctl sap rotate` makes a new one");
		return SAM_SAD_RECIPIENT;
	}
	/* one reason for all that is wrong with it: only the CM's own trouble is told apart */
	return reason == SAM_JWE_KEY || reason == SAM_INTERNAL ? SAM_SAD_ENCRYPTED : reason;
}
