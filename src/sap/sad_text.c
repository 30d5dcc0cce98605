/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An activation as a line of JSON for the store, and back. The store's rows carry a MAC, so what
 * does not read back exactly was changed from outside (invariant 9).
 */
#include "sap/sad_details.h"

#include <string.h>
#include "base/encode.h"
#include "base/mechanism.h"
#include "policy/factors.h"
#include "sap/jwks.h"

static json_t *digests_json(const struct sam_activation *a)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < a->digest_count; i++) {
		char hex[2 * SAM_HASH_MAX + 1];
		sam_encode_hex(a->digests[i].value, sam_hash_size(a->hash), hex);
		const char *label = a->digests[i].label;
		json_t *pair = label ? json_pack("[s,s]", hex, label) : json_pack("[s]", hex);
		if (json_array_append_new(list, pair) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The token of a SAD that orders `generate`: no key, no digests. */
static json_t *order_json(const struct sam_activation *a, const char *payload, const char *sha256)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:I,s:s,s:s,s:i,s:b}", "iss", a->iss, "sub", a->sub, "jti", a->jti,
			 "kid", a->kid, "iat", (json_int_t)a->iat, "nbf", (json_int_t)a->nbf, "exp", (json_int_t)a->exp,
			 "payload", payload, "sad_sha256", sha256, "version", (json_int_t)a->version, "type",
			 a->order->type, "label", a->order->label, "factors", (int)a->factors, "encrypted",
			 (int)a->encrypted);
}

enum sam_reason sam_sad_write(const struct sam_activation *a, char **text)
{
	char payload[65], sha256[65];
	sam_encode_hex(a->payload, sizeof a->payload, payload);
	sam_encode_hex(a->sad_sha256, sizeof a->sad_sha256, sha256);
	*text = NULL;
	sam_auto(json_decref) json_t *digests = digests_json(a);
	if (!digests)
		return SAM_MEMORY;
	sam_auto(json_decref) json_t *json = a->order ? order_json(a, payload, sha256) : json_pack(
		"{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:O,s:I,s:s,s:s,s:s,s:I,s:i,s:b}", "iss", a->iss, "sub",
		a->sub, "jti", a->jti, "kid", a->kid, "iat", (json_int_t)a->iat, "nbf",
		(json_int_t)a->nbf, "exp", (json_int_t)a->exp, "credential", a->credential, "hash",
		sam_hash_name(a->hash), "digests", digests, "limit", (json_int_t)a->limit,
		"sign_algo", a->sign_algo, "payload", payload, "sad_sha256", sha256, "version",
		(json_int_t)a->version, "factors", (int)a->factors, "encrypted", (int)a->encrypted);
	if (json && (a->issuer_key[0] || a->cnf_key[0]) &&
	    json_object_set_new(json, "keys", json_pack("[s,s]", a->issuer_key, a->cnf_key)) != 0)
		return SAM_MEMORY;
	*text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	return *text ? SAM_OK : SAM_MEMORY;
}

/* ---- back ---- */

static bool text_member(const json_t *json, const char *name, char *out, size_t size)
{
	const json_t *value = json_object_get(json, name);
	return json_is_string(value) && sam_mem_copy_text(out, size, json_string_value(value));
}

static bool hash_member(const json_t *json, const char *name, uint8_t out[32])
{
	char text[65];
	size_t len;
	return text_member(json, name, text, sizeof text) &&
	       sam_decode_hex(text, strlen(text), out, 32, &len) && len == 32;
}

static bool number_member(const json_t *json, const char *name, int64_t *out)
{
	const json_t *value = json_object_get(json, name);
	*out = json_integer_value(value);
	return json_is_integer(value) && *out > 0;
}

static bool digest_member(const json_t *pair, enum sam_hash hash, struct sam_digest *out)
{
	const json_t *hex = json_array_get(pair, 0), *label = json_array_get(pair, 1);
	size_t len;
	if (!json_is_string(hex) || json_array_size(pair) > 2 ||
	    !sam_decode_hex(json_string_value(hex), json_string_length(hex), out->value,
			    sam_hash_size(hash), &len) ||
	    len != sam_hash_size(hash))
		return false;
	if (!label)
		return true;
	if (!json_is_string(label) ||
	    !sam_sad_label_valid(json_string_value(label), json_string_length(label)))
		return false;
	out->label = strdup(json_string_value(label));
	return out->label != NULL;
}

static bool digests_member(const json_t *list, struct sam_activation *out)
{
	size_t count = json_array_size(list);
	if (count < 1 || count > SAM_SAD_DIGESTS ||
	    !(out->digests = calloc(count, sizeof *out->digests)))
		return false;
	out->digest_count = count;
	for (size_t i = 0; i < count; i++) {
		if (!digest_member(json_array_get(list, i), out->hash, &out->digests[i]))
			return false;
		/* sam_sad_digest_find() relies on the order */
		if (i &&
		    memcmp(out->digests[i - 1].value, out->digests[i].value, SAM_HASH_MAX) >= 0)
			return false;
	}
	return true;
}

/* A SAD that earlier versions kept was signed by a device key and nothing more. */
static bool read_factors(const json_t *json, struct sam_activation *a)
{
	const json_t *factors = json_object_get(json, "factors"), *encrypted = json_object_get(json, "encrypted");
	const json_int_t kinds = json_integer_value(factors);
	a->factors = SAM_FACTOR_POSSESSION;
	if (!factors && !encrypted)
		return true;
	a->factors = (unsigned)kinds;
	a->encrypted = json_is_true(encrypted);
	return json_is_integer(factors) && kinds > 0 && kinds <= SAM_FACTORS_ALL && json_is_boolean(encrypted);
}

static bool key_member(const json_t *value, char out[SAM_THUMBPRINT_LEN + 1])
{
	return json_is_string(value) && sam_mem_copy_text(out, SAM_THUMBPRINT_LEN + 1, json_string_value(value)) &&
	       (!out[0] || sam_sad_thumbprint_valid(out, strlen(out)));
}

/* The issuer's key, and that of `cnf`; absent: neither. With an issuer the kid is a name in its JWKS. */
static bool keys_member(const json_t *json, struct sam_activation *a)
{
	const json_t *keys = json_object_get(json, "keys");
	if (keys && (json_array_size(keys) != 2 || !key_member(json_array_get(keys, 0), a->issuer_key) ||
		     !key_member(json_array_get(keys, 1), a->cnf_key)))
		return false;
	if ((a->issuer_key[0] != '\0') != (strcmp(a->iss, a->sub) != 0))
		return false;
	return a->issuer_key[0] ? sam_jwks_kid_valid(a->kid, strlen(a->kid))
				: sam_sad_thumbprint_valid(a->kid, strlen(a->kid));
}

/* How many members a text of so many has that also says by which keys it was, and what was seen. */
static size_t with_more(const json_t *json, size_t count)
{
	return count + (json_object_get(json, "keys") ? 1 : 0) + (json_object_get(json, "factors") ? 2 : 0);
}

/* What both kinds have. */
static bool read_frame(const json_t *json, struct sam_activation *a)
{
	const json_t *version = json_object_get(json, "version"); /* earlier versions had none: 0 */
	bool ok = text_member(json, "iss", a->iss, sizeof a->iss) && text_member(json, "sub", a->sub, sizeof a->sub) &&
		  sam_name_valid(a->sub, strlen(a->sub)) && text_member(json, "jti", a->jti, sizeof a->jti) &&
		  sam_sad_jti_valid(a->jti, strlen(a->jti)) && text_member(json, "kid", a->kid, sizeof a->kid) &&
		  keys_member(json, a) && read_factors(json, a) && number_member(json, "iat", &a->iat) &&
		  number_member(json, "nbf", &a->nbf) && number_member(json, "exp", &a->exp) &&
		  hash_member(json, "payload", a->payload) && hash_member(json, "sad_sha256", a->sad_sha256) &&
		  (!version || (json_is_integer(version) && json_integer_value(version) >= 0));
	a->version = (uint64_t)json_integer_value(version);
	a->token = true;
	return ok;
}

static bool read_order(const json_t *json, struct sam_activation *a)
{
	enum sam_key_type type;
	unsigned bits;
	a->order = calloc(1, sizeof *a->order);
	if (!a->order || json_object_size(json) != with_more(json, 12))
		return false;
	strcpy(a->order->name, "generate");
	return text_member(json, "type", a->order->type, sizeof a->order->type) &&
	       sam_key_type_by_name(a->order->type, &type, &bits) &&
	       text_member(json, "label", a->order->label, sizeof a->order->label) &&
	       sam_sad_label_valid(a->order->label, strlen(a->order->label));
}

static bool read_sign(const json_t *json, struct sam_activation *a)
{
	char hash[16];
	int64_t limit = 0;
	if (json_object_size(json) != with_more(json, json_object_get(json, "version") ? 15 : 14) ||
	    !number_member(json, "limit", &limit) ||
	    !text_member(json, "credential", a->credential, sizeof a->credential) ||
	    !sam_sad_credential_valid(a->credential) || !text_member(json, "hash", hash, sizeof hash) ||
	    !text_member(json, "sign_algo", a->sign_algo, sizeof a->sign_algo) ||
	    (a->sign_algo[0] && !sam_sad_oid_valid(a->sign_algo)))
		return false;
	a->hash = sam_hash_by_name(hash);
	if (a->hash == SAM_HASH_NONE || !digests_member(json_object_get(json, "digests"), a) ||
	    limit > (int64_t)a->digest_count)
		return false;
	a->limit = (uint32_t)limit;
	return true;
}

static bool read_all(const json_t *json, struct sam_activation *a)
{
	return read_frame(json, a) && (json_object_get(json, "type") ? read_order(json, a) : read_sign(json, a));
}

enum sam_reason sam_sad_read(const char *text, size_t len, struct sam_activation *out)
{
	memset(out, 0, sizeof *out);
	sam_auto(json_decref) json_t *json = sam_jose_json(text, len);
	if (json && read_all(json, out))
		return SAM_OK;
	sam_sad_clear(out);
	return SAM_STORE_TAMPERED;
}
