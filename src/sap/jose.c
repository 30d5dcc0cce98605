/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compact JWS: taking one apart, and its signature (RFC 7515, RFC 7518).
 */
#include "sap/jose_alg.h"

#include <string.h>
#include "base/encode.h"
#include "sap/verify.h"

/* ---- JSON ---- */

/* jansson itself would go 2,048 deep. Only brackets outside of strings count; whether they match is
 * for jansson to say. */
static bool shallow(const char *text, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > SAM_JSON_DEPTH)
				return false;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

json_t *sam_jose_json(const void *data, size_t len)
{
	if (len == 0 || !shallow(data, len))
		return NULL;
	json_t *json = json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL);
	if (json && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* ---- parsing ---- */

/* RFC 7515 section 4.1: who verifies decides by which key; and what we do not understand, we
 * refuse. */
static const char *const refused_members[] = {"crit", "b64", "jku", "x5u", "zip", "epk", "enc"};

static enum sam_reason read_header(const char *text, size_t len, bool keyed, struct sam_jws *out)
{
	uint8_t buffer[SAM_JWS_HEADER_MAX];
	size_t size;
	if (!sam_decode_b64url(text, len, buffer, sizeof buffer, &size))
		return SAM_SAD_MALFORMED;
	out->header = sam_jose_json(buffer, size);
	if (!out->header)
		return SAM_SAD_MALFORMED;
	for (size_t i = 0; i < sizeof refused_members / sizeof refused_members[0]; i++)
		if (json_object_get(out->header, refused_members[i]))
			return SAM_SAD_HEADER;
	const json_t *jwk = json_object_get(out->header, "jwk");
	if (keyed ? !json_is_object(jwk) : jwk != NULL)
		return SAM_SAD_HEADER;
	const char *alg = json_string_value(json_object_get(out->header, "alg"));
	if (!alg)
		return SAM_SAD_HEADER;
	out->alg = sam_jws_by_name(alg);
	return out->alg == SAM_JWS_NONE ? SAM_SAD_ALGORITHM : SAM_OK;
}

static enum sam_reason parse(const char *text, size_t len, bool keyed, struct sam_jws *out)
{
	memset(out, 0, sizeof *out);
	if (!text || len > SAM_JWS_MAX)
		return SAM_SAD_MALFORMED;
	const char *end = text + len;
	const char *dot1 = memchr(text, '.', len);
	const char *dot2 = dot1 ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;
	if (!dot2)
		return SAM_SAD_MALFORMED;
	out->signing_input = text;
	out->signing_input_len = (size_t)(dot2 - text);
	/* the header first: that an algorithm is not ours says more than what follows from it */
	enum sam_reason reason = read_header(text, (size_t)(dot1 - text), keyed, out);
	if (reason != SAM_OK)
		return reason;
	/* a third dot is no base64url character: the decoder refuses it */
	if (dot2 + 1 == end ||
	    !sam_decode_b64url(dot2 + 1, (size_t)(end - dot2 - 1), out->signature,
			       sizeof out->signature, &out->signature_len))
		return SAM_SAD_MALFORMED;
	size_t encoded = (size_t)(dot2 - dot1 - 1);
	out->payload = malloc(encoded + 1);
	if (!out->payload)
		return SAM_MEMORY;
	if (!sam_decode_b64url(dot1 + 1, encoded, out->payload, encoded, &out->payload_len)) {
		out->payload_len = encoded; /* what has to be wiped */
		return SAM_SAD_MALFORMED;
	}
	out->payload[out->payload_len] = '\0';
	return SAM_OK;
}

enum sam_reason sam_jose_parse(const char *text, size_t len, struct sam_jws *out)
{
	return parse(text, len, false, out);
}

enum sam_reason sam_jose_parse_keyed(const char *text, size_t len, struct sam_jws *out)
{
	return parse(text, len, true, out);
}

void sam_jose_clear(struct sam_jws *jws)
{
	json_decref(jws->header);
	sam_mem_wipe(jws->payload, jws->payload_len);
	free(jws->payload);
	sam_mem_wipe(jws->signature, sizeof jws->signature);
	memset(jws, 0, sizeof *jws);
}

/* ---- verifying ---- */

static enum sam_reason verify_hash(const struct sam_jws *jws, EVP_PKEY *pkey)
{
	const struct sam_jose_alg *row = sam_jose_alg(jws->alg);
	uint8_t hash[SAM_HASH_MAX];
	enum sam_reason reason = sam_ossl_digest(row->hash, jws->signing_input,
						 jws->signing_input_len, hash);
	if (reason != SAM_OK)
		return reason;
	return sam_verify_digest(pkey, row->padding, row->hash, hash, sam_hash_size(row->hash),
				 jws->signature, jws->signature_len);
}

enum sam_reason sam_jose_verify(const struct sam_jws *jws, EVP_PKEY *pkey, enum sam_jws_alg alg)
{
	if ((alg != SAM_JWS_NONE && alg != jws->alg) || !sam_jose_alg_fits(jws->alg, pkey))
		return SAM_SAD_ALGORITHM;
	const struct sam_jose_alg *row = sam_jose_alg(jws->alg);
	int modulus = row->field ? 0 : EVP_PKEY_get_size(pkey);
	size_t expected = row->field ? 2 * row->field : (size_t)(modulus > 0 ? modulus : 0);
	if (jws->signature_len < expected)
		return SAM_SAD_TRUNCATED;
	if (jws->signature_len > expected)
		return SAM_SAD_SIGNATURE;
	enum sam_reason reason =
		row->padding == SAM_PAD_EDDSA
			? sam_verify_message(pkey, (const uint8_t *)jws->signing_input,
					     jws->signing_input_len, jws->signature,
					     jws->signature_len)
			: verify_hash(jws, pkey);
	return reason == SAM_SIGNATURE_MISMATCH ? SAM_SAD_SIGNATURE : reason;
}
