/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The evidence of a key's birth, verified.
 */
#include "sap/evidence.h"

#include <string.h>
#include "base/name.h"
#include "sap/sad.h"

enum { TEXT_MAX = 1024, CM_TEXT_MAX = 64, JTI_MIN = 16, JTI_MAX = 128, THUMBPRINT = 64, CREDENTIAL = 32 };

static const char digits[] = "0123456789abcdef";
static const char b64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static enum sam_reason refuse(struct sam_msg *msg, enum sam_reason reason, const char *what)
{
	sam_msg_set(msg, "the key's evidence: %s", what);
	return reason;
}

/* The text of a claim, between these lengths, of these characters (NULL: printable ASCII); else NULL. */
static const char *text_of(const json_t *object, const char *name, size_t least, size_t most, const char *characters)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	if (!text || len < least || len > most || strlen(text) != len)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (characters ? !strchr(characters, text[i]) : text[i] < ' ' || text[i] > '~')
			return NULL;
	return text;
}

static enum sam_reason check_identity(const json_t *claims, struct sam_msg *msg)
{
	const char *iss = text_of(claims, "iss", 1, SAM_NAME_SIZE - 1, NULL);
	const json_t *iat = json_object_get(claims, "iat");
	const char *thumbprint = text_of(claims, "thumbprint", THUMBPRINT, THUMBPRINT, digits);
	const char *credential = text_of(claims, "credentialID", CREDENTIAL, CREDENTIAL, digits);
	if (!iss || !sam_name_valid(iss, strlen(iss)))
		return refuse(msg, SAM_SAD_CLAIMS, "iss");
	if (!json_is_integer(iat) || json_integer_value(iat) < 0)
		return refuse(msg, SAM_SAD_CLAIMS, "iat");
	if (!text_of(claims, "jti", JTI_MIN, JTI_MAX, b64url))
		return refuse(msg, SAM_SAD_CLAIMS, "jti");
	if (!thumbprint)
		return refuse(msg, SAM_SAD_CLAIMS, "thumbprint");
	if (!credential || memcmp(credential, thumbprint, CREDENTIAL) != 0)
		return refuse(msg, SAM_SAD_CLAIMS, "credentialID");
	return SAM_OK;
}

static enum sam_reason check_birth(const json_t *claims, struct sam_msg *msg)
{
	static const char *const texts[] = {"key_type", "origin", "attributes", "evaluation"};
	static const char *const cm_texts[] = {"manufacturer", "model", "firmware", "serial"};
	const json_t *cm = json_object_get(claims, "cm");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (!text_of(claims, texts[i], 1, TEXT_MAX, NULL))
			return refuse(msg, SAM_SAD_CLAIMS, texts[i]);
	if (!json_is_object(cm))
		return refuse(msg, SAM_SAD_CLAIMS, "cm");
	for (size_t i = 0; i < sizeof cm_texts / sizeof cm_texts[0]; i++)
		if (!text_of(cm, cm_texts[i], 0, CM_TEXT_MAX, NULL)) /* a CM may leave one empty */
			return refuse(msg, SAM_SAD_CLAIMS, cm_texts[i]);
	return SAM_OK;
}

static enum sam_reason check_claims(const json_t *claims, const char *sam_id, struct sam_msg *msg)
{
	const json_t *aud = json_object_get(claims, "aud");
	if (!json_is_string(aud))
		return refuse(msg, SAM_SAD_CLAIMS, "aud");
	if (strlen(sam_id) != json_string_length(aud) || strcmp(json_string_value(aud), sam_id) != 0)
		return refuse(msg, SAM_SAD_AUDIENCE, "aud");
	enum sam_reason reason = check_identity(claims, msg);
	return reason == SAM_OK ? check_birth(claims, msg) : reason;
}

static enum sam_reason verify(const struct sam_jws *jws, EVP_PKEY *key, const char *kid, struct sam_msg *msg)
{
	char named[SAM_THUMBPRINT_LEN + 1];
	enum sam_reason reason = sam_sad_header(jws, SAM_TYP_EVIDENCE, named);
	if (reason != SAM_OK)
		return refuse(msg, reason, "typ or kid");
	if (jws->alg != SAM_JWS_ES256)
		return refuse(msg, SAM_SAD_ALGORITHM, "alg is not ES256");
	if (strcmp(named, kid) != 0)
		return refuse(msg, SAM_SAD_KEY_UNKNOWN, "kid is not the SAM's key");
	reason = sam_jose_verify(jws, key, SAM_JWS_ES256);
	return reason == SAM_OK ? SAM_OK : refuse(msg, reason, "the signature is not the SAM's");
}

enum sam_reason sam_evidence_verify(const char *text, size_t len, EVP_PKEY *key, const char *kid, const char *sam_id,
				    json_t **claims, struct sam_msg *msg)
{
	struct sam_jws jws = {.header = NULL};
	*claims = NULL;
	if (!text || len > SAM_EVIDENCE_MAX)
		return refuse(msg, SAM_SAD_MALFORMED, "longer than 16,384 bytes, or none");
	if (!key || !kid || !*kid)
		return refuse(msg, SAM_SAD_KEY_UNKNOWN, "the SAM has no key of its own to verify it with");
	sam_ossl_mark();
	enum sam_reason reason = sam_jose_parse(text, len, &jws);
	if (reason != SAM_OK)
		refuse(msg, reason, "no compact JWS as we make them");
	else
		reason = verify(&jws, key, kid, msg);
	sam_auto(json_decref) json_t *found = reason == SAM_OK ? sam_jose_json(jws.payload, jws.payload_len) : NULL;
	if (reason == SAM_OK)
		reason = found ? check_claims(found, sam_id, msg) : refuse(msg, SAM_SAD_CLAIMS, "no JSON object");
	sam_jose_clear(&jws);
	sam_ossl_unmark();
	if (reason == SAM_OK) {
		*claims = found;
		found = NULL;
	}
	return reason;
}
