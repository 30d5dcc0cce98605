/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Statements that are no SADs, verified. The `typ` is compared, so none is ever taken for another
 * (RFC 8725 section 3.11).
 */
#include "sap/statement.h"

#include <string.h>

static enum sam_reason refuse(enum sam_reason reason, struct sam_msg *msg, const char *what)
{
	sam_msg_set(msg, "%s", what);
	return reason;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **text, size_t *len)
{
	while (*len && is_space((*text)[*len - 1]))
		--*len;
	for (; *len && is_space(**text); --*len)
		++*text;
}

/* Whose word it is, or about whom: a name of ours. */
static bool read_name(const json_t *claims, const char *claim, char out[SAM_NAME_SIZE])
{
	const json_t *value = json_object_get(claims, claim);
	return json_is_string(value) && sam_name_valid(json_string_value(value), json_string_length(value)) &&
	       sam_mem_copy_text(out, SAM_NAME_SIZE, json_string_value(value));
}

/* After the signature: the payload, and what every statement says. */
static enum sam_reason read_claims(const struct sam_seal *seal, const struct sam_jws *jws, const char *who,
				   const struct sam_sad_rules *rules, struct sam_statement *out, struct sam_msg *msg)
{
	struct sam_sad_rules kept = *rules;
	out->claims = sam_jose_json(jws->payload, jws->payload_len);
	if (!out->claims)
		return refuse(SAM_SAD_CLAIMS, msg, "the payload is no JSON object");
	if (!read_name(out->claims, who, out->frame.iss))
		return refuse(SAM_SAD_CLAIMS, msg, who);
	memcpy(out->frame.sub, out->frame.iss, sizeof out->frame.sub);
	if (rules->max_lifetime == 0) { /* it was timely when it was taken */
		const json_t *iat = json_object_get(out->claims, "iat");
		kept.now = json_integer_value(iat);
		kept.max_lifetime = INT64_C(1) << 53;
	}
	enum sam_reason reason = sam_sad_frame(out->claims, &kept, &out->frame, msg);
	if (reason == SAM_OK)
		reason = sam_seal_mac(seal, SAM_SEAL_PAYLOAD, jws->payload, jws->payload_len, out->frame.payload);
	return reason;
}

/* One reason for all that may be wrong with it; which, says the message. */
static enum sam_reason one_reason(enum sam_reason reason, enum sam_reason one, struct sam_msg *msg)
{
	if (reason == SAM_OK || reason == SAM_MEMORY)
		return reason;
	if (msg && !msg->text[0])
		sam_msg_set(msg, "%s", sam_reason_text(reason));
	return one;
}

enum sam_reason sam_statement_device(const struct sam_seal *seal, const char *text, size_t len, const char *typ,
				     const struct sam_device *device, const struct sam_sad_rules *rules,
				     struct sam_statement *out, struct sam_msg *msg)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	struct sam_jws jws = {0};
	memset(out, 0, sizeof *out);
	trim(&text, &len);
	enum sam_reason reason = sam_jose_parse(text, len, &jws);
	if (reason == SAM_OK)
		reason = sam_sad_header(&jws, typ, kid);
	if (reason == SAM_OK && (!device->kid[0] || strcmp(kid, device->kid) != 0))
		reason = refuse(SAM_SAD_KEY_UNKNOWN, msg, "kid: is not the registered key");
	if (reason == SAM_OK)
		reason = sam_jose_verify(&jws, device->pkey, device->alg);
	if (reason == SAM_OK)
		reason = read_claims(seal, &jws, "iss", rules, out, msg);
	sam_jose_clear(&jws);
	return one_reason(reason, SAM_ASSERTION, msg);
}

enum sam_reason sam_statement_own(const struct sam_seal *seal, const char *text, size_t len,
				  const struct sam_sad_rules *rules, struct sam_statement *out, struct sam_msg *msg)
{
	struct sam_jws jws = {0};
	memset(out, 0, sizeof *out);
	trim(&text, &len);
	enum sam_reason reason = sam_jose_parse_keyed(text, len, &jws);
	const char *typ = json_string_value(json_object_get(jws.header, "typ"));
	if (reason == SAM_OK && (!typ || strcmp(typ, SAM_TYP_ENROL) != 0))
		reason = refuse(SAM_SAD_HEADER, msg, "typ: is not " SAM_TYP_ENROL);
	if (reason == SAM_OK)
		reason = sam_jose_jwk(json_object_get(jws.header, "jwk"), &out->jwk, msg);
	if (reason == SAM_OK)
		reason = sam_jose_verify(&jws, out->jwk.pkey, out->jwk.alg);
	if (reason == SAM_OK)
		reason = read_claims(seal, &jws, "sub", rules, out, msg);
	sam_jose_clear(&jws);
	return one_reason(reason, SAM_PROOF, msg);
}

void sam_statement_clear(struct sam_statement *statement)
{
	json_decref(statement->claims);
	sam_jose_jwk_clear(&statement->jwk);
	memset(statement, 0, sizeof *statement);
}

void sam_statement_spend(const struct sam_statement *statement, const char *typ, struct sam_spend *spend)
{
	const struct sam_activation *f = &statement->frame;
	*spend = (struct sam_spend){
		.claim = {.iss = f->iss, .jti = f->jti, .iat = f->iat, .exp = f->exp, .limit = 1}};
	memcpy(spend->claim.payload, f->payload, sizeof spend->claim.payload);
	memcpy(spend->digest, typ, strlen(typ)); /* a constant of at most 32 bytes for each kind */
}
