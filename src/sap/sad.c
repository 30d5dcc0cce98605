/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The claims of a SAD (p11-sam-sad(7)): every one that the profile names is checked by
 * type and value before anything is taken from it; what is missing or odd refuses (invariant 5).
 */
#include "sap/sad_details.h"

#include <string.h>

/* Integers beyond this are not exact in every JSON reader (RFC 8259 section 6). */
#define TIME_LIMIT ((json_int_t)1 << 53)

static enum sam_reason refuse(enum sam_reason reason, struct sam_msg *msg, const char *claim)
{
	sam_msg_set(msg, "%s", claim);
	return reason;
}

enum sam_reason sam_sad_header(const struct sam_jws *jws, const char *wanted, char kid[SAM_THUMBPRINT_LEN + 1])
{
	const char *typ = json_string_value(json_object_get(jws->header, "typ"));
	const json_t *value = json_object_get(jws->header, "kid");
	kid[0] = '\0';
	/* RFC 8725 section 3.11: another JWS of the same key is never taken for a SAD */
	if (!typ || strcmp(typ, wanted) != 0 || !json_is_string(value) ||
	    !sam_sad_thumbprint_valid(json_string_value(value), json_string_length(value)))
		return SAM_SAD_HEADER;
	memcpy(kid, json_string_value(value), SAM_THUMBPRINT_LEN + 1);
	return SAM_OK;
}

/* ---- who ---- */

/* The signer's own word, or that of an issuer: then it must be just that one's. */
static enum sam_reason read_subject(const json_t *claims, const struct sam_policy_issuer *issuer,
				    struct sam_activation *out, struct sam_msg *msg)
{
	const json_t *iss = json_object_get(claims, "iss"), *sub = json_object_get(claims, "sub");
	if (!json_is_string(iss))
		return refuse(SAM_SAD_CLAIMS, msg, "iss");
	if (!json_is_string(sub) ||
	    !sam_name_valid(json_string_value(sub), json_string_length(sub)))
		return refuse(SAM_SAD_CLAIMS, msg, "sub");
	if (issuer ? strcmp(json_string_value(iss), issuer->iss) != 0 : !json_equal(iss, sub))
		return refuse(SAM_SAD_ISSUER, msg, "iss");
	memcpy(out->sub, json_string_value(sub), json_string_length(sub) + 1);
	sam_mem_copy_text(out->iss, sizeof out->iss, issuer ? issuer->iss : out->sub);
	return SAM_OK;
}

static enum sam_reason check_audience(const json_t *claims, const char *sam_id, struct sam_msg *msg)
{
	const json_t *aud = json_object_get(claims, "aud");
	if (json_array_size(aud) == 1)
		aud = json_array_get(aud, 0);
	if (json_is_array(aud))
		return refuse(SAM_SAD_AUDIENCE, msg, "aud");
	if (!json_is_string(aud))
		return refuse(SAM_SAD_CLAIMS, msg, "aud");
	return strcmp(json_string_value(aud), sam_id) == 0 ? SAM_OK
							   : refuse(SAM_SAD_AUDIENCE, msg, "aud");
}

/* ---- when ---- */

static bool read_time(const json_t *value, int64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) <= 0 ||
	    json_integer_value(value) >= TIME_LIMIT)
		return false;
	*out = json_integer_value(value);
	return true;
}

static enum sam_reason read_times(const json_t *claims, struct sam_activation *out,
				  struct sam_msg *msg)
{
	const json_t *nbf = json_object_get(claims, "nbf");
	if (!read_time(json_object_get(claims, "iat"), &out->iat))
		return refuse(SAM_SAD_CLAIMS, msg, "iat");
	if (!read_time(json_object_get(claims, "exp"), &out->exp))
		return refuse(SAM_SAD_CLAIMS, msg, "exp");
	out->nbf = out->iat;
	if (nbf && !read_time(nbf, &out->nbf))
		return refuse(SAM_SAD_CLAIMS, msg, "nbf");
	return SAM_OK;
}

/* The times are below 2^53, so no difference or sum here can overflow. */
static enum sam_reason check_times(const struct sam_activation *a,
				   const struct sam_sad_rules *rules, struct sam_msg *msg)
{
	if (a->exp <= rules->now)
		return refuse(SAM_SAD_EXPIRED, msg, "exp");
	if (a->iat > rules->now + rules->leeway)
		return refuse(SAM_SAD_NOT_YET, msg, "iat");
	if (a->nbf > rules->now + rules->leeway)
		return refuse(SAM_SAD_NOT_YET, msg, "nbf");
	if (a->exp <= a->iat || a->exp - a->iat > rules->max_lifetime)
		return refuse(SAM_SAD_LIFETIME, msg, "exp");
	return SAM_OK;
}

/* ---- the others ---- */

static enum sam_reason read_jti(const json_t *claims, struct sam_activation *out,
				struct sam_msg *msg)
{
	const json_t *jti = json_object_get(claims, "jti");
	if (!json_is_string(jti) ||
	    !sam_sad_jti_valid(json_string_value(jti), json_string_length(jti)))
		return refuse(SAM_SAD_CLAIMS, msg, "jti");
	memcpy(out->jti, json_string_value(jti), json_string_length(jti) + 1);
	return SAM_OK;
}

/* In a SAD signed by the signer's own key these count for nothing; their types are checked all the
 * same. */
static enum sam_reason check_unused(const json_t *claims, struct sam_msg *msg)
{
	const json_t *amr = json_object_get(claims, "amr"), *acr = json_object_get(claims, "acr");
	const json_t *auth_time = json_object_get(claims, "auth_time"), *method;
	int64_t unused;
	size_t i;
	if (amr && !json_is_array(amr))
		return refuse(SAM_SAD_CLAIMS, msg, "amr");
	json_array_foreach (amr, i, method)
		if (!json_is_string(method))
			return refuse(SAM_SAD_CLAIMS, msg, "amr");
	if (acr && !json_is_string(acr))
		return refuse(SAM_SAD_CLAIMS, msg, "acr");
	if (auth_time && !read_time(auth_time, &unused))
		return refuse(SAM_SAD_CLAIMS, msg, "auth_time");
	return SAM_OK;
}

/* A PIN that may be there was cut out before (secret_claim.h). */
static enum sam_reason check_pin(const json_t *claims, struct sam_msg *msg)
{
	return json_object_get(claims, "pin") ? refuse(SAM_SAD_CLAIMS, msg, "pin") : SAM_OK;
}

static enum sam_reason check_sign(const json_t *claims, struct sam_msg *msg)
{
	const json_t *operation = json_object_get(claims, "operation");
	if (operation && !json_is_string(operation))
		return refuse(SAM_SAD_CLAIMS, msg, "operation");
	if (operation && strcmp(json_string_value(operation), "sign") != 0)
		return refuse(SAM_SAD_OPERATION, msg, "operation");
	if (json_object_get(claims, "operation_params"))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	return SAM_OK;
}

enum sam_reason sam_sad_identity(const json_t *claims, struct sam_activation *out, struct sam_msg *msg)
{
	return sam_sad_identity_by(claims, NULL, out, msg);
}

enum sam_reason sam_sad_identity_by(const json_t *claims, const struct sam_policy_issuer *issuer,
				    struct sam_activation *out, struct sam_msg *msg)
{
	out->iss[0] = out->sub[0] = out->jti[0] = '\0';
	if (!claims)
		return refuse(SAM_SAD_CLAIMS, msg, "the payload is no JSON object");
	/* the jti for the record only: its absence is sam_sad_claims()' business */
	(void)!read_jti(claims, out, NULL);
	return read_subject(claims, issuer, out, msg);
}

enum sam_reason sam_sad_frame(const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
			      struct sam_msg *msg)
{
	enum sam_reason reason = check_audience(claims, rules->sam_id, msg);
	if (reason == SAM_OK)
		reason = read_jti(claims, out, msg);
	if (reason == SAM_OK)
		reason = read_times(claims, out, msg);
	if (reason == SAM_OK)
		reason = check_unused(claims, msg);
	return reason == SAM_OK ? check_times(out, rules, msg) : reason;
}

/* What SADs for signing and for other operations have in common. */
static enum sam_reason read_common(const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
				   struct sam_msg *msg)
{
	out->digests = NULL; /* so that sam_sad_clear() is safe whatever was there */
	out->digest_count = 0;
	out->order = NULL;
	out->sign_algo[0] = '\0';
	enum sam_reason reason = sam_sad_identity_by(claims, rules->issuer, out, msg);
	if (reason == SAM_OK)
		reason = sam_sad_frame(claims, rules, out, msg);
	return reason == SAM_OK ? check_pin(claims, msg) : reason;
}

/* In one of two forms, never in both: whoever reads but one of them would read something else. */
static enum sam_reason read_documents(const json_t *claims, const struct sam_sad_rules *rules,
				      struct sam_activation *out, struct sam_msg *msg)
{
	const json_t *details = json_object_get(claims, "authorization_details");
	const bool flat = rules->issuer && sam_sad_is_flat(claims);
	if (flat && details)
		return refuse(SAM_SAD_DETAILS, msg, "authorization_details beside the flat form");
	return flat && rules->issuer->flat ? sam_sad_flat(claims, rules, out, msg)
					   : sam_sad_details(details, rules, out, msg);
}

enum sam_reason sam_sad_claims(const json_t *claims, const struct sam_sad_rules *rules,
			       struct sam_activation *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_common(claims, rules, out, msg);
	if (reason == SAM_OK)
		reason = check_sign(claims, msg);
	return reason == SAM_OK ? read_documents(claims, rules, out, msg) : reason;
}

enum sam_reason sam_sad_operation_claims(const json_t *claims, const struct sam_sad_rules *rules,
					 struct sam_activation *out, struct sam_sad_operation *operation,
					 struct sam_msg *msg)
{
	enum sam_reason reason = read_common(claims, rules, out, msg);
	if (reason == SAM_OK && json_object_get(claims, "authorization_details"))
		return refuse(SAM_SAD_DETAILS, msg, "authorization_details");
	return reason == SAM_OK ? sam_operation_read(claims, operation, msg) : reason;
}

void sam_sad_clear(struct sam_activation *activation)
{
	for (size_t i = 0; i < activation->digest_count; i++)
		free(activation->digests[i].label);
	free(activation->digests);
	free(activation->order);
	memset(activation, 0, sizeof *activation);
}
