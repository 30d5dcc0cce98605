/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `authorization_details` (RFC 9396) with the names of the CSC API v2: which key may sign which
 * hashes.
 */
#include "sap/sad_details.h"

#include <stdlib.h>
#include <string.h>
#include "base/encode.h"

/* ---- single values ---- */

static bool only(const char *text, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || !strchr(allowed, text[i]))
			return false;
	return true;
}

bool sam_sad_credential_valid(const char *text)
{
	return strlen(text) == 32 && only(text, 32, "0123456789abcdef");
}

/* Two arcs or more, digits only, short enough for struct sam_activation. */
bool sam_sad_oid_valid(const char *text)
{
	size_t len = strlen(text);
	return len >= 3 && len < sizeof((struct sam_activation *)0)->sign_algo &&
	       only(text, len, "0123456789.") && strchr(text, '.') && !strstr(text, "..") &&
	       text[0] != '.' && text[len - 1] != '.';
}

static bool b64url(const char *text, size_t len)
{
	return only(text, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

bool sam_sad_jti_valid(const char *text, size_t len)
{
	return len >= 16 && len <= SAM_SAD_JTI_MAX && b64url(text, len);
}

bool sam_sad_thumbprint_valid(const char *text, size_t len)
{
	return len == SAM_THUMBPRINT_LEN && b64url(text, len);
}

/* Characters that are not seen but change what is: zero width, line and paragraph separators, those of
 * writing direction. By first and last, in UTF-8. */
static bool invisible(const char *text)
{
	static const char ranges[][2][4] = {
		{"\xd8\x9c", "\xd8\x9c"},         {"\xe2\x80\x8b", "\xe2\x80\x8f"},
		{"\xe2\x80\xa8", "\xe2\x80\xae"}, {"\xe2\x81\xa0", "\xe2\x81\xaf"},
		{"\xef\xbb\xbf", "\xef\xbb\xbf"},
	};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		size_t len = strlen(ranges[i][0]);
		if (strncmp(text, ranges[i][0], len) >= 0 && strncmp(text, ranges[i][1], len) <= 0)
			return true;
	}
	return false;
}

/* jansson has checked that it is UTF-8. No C0, DEL, C1, nothing invisible: a label is shown on terminals. */
bool sam_sad_label_valid(const char *text, size_t len)
{
	if (len > SAM_SAD_LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];
		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < len && (uint8_t)text[i + 1] < 0xa0) || invisible(text + i))
			return false;
	}
	return true;
}

/* ---- digests ---- */

/* A digest and where it stood, so that of equal ones the first listed stays. */
struct entry {
	struct sam_digest digest;
	size_t at;
};

static int compare_values(const void *a, const void *b)
{
	/* bytes beyond the hash's length are zero */
	return memcmp(((const struct sam_digest *)a)->value, ((const struct sam_digest *)b)->value,
		      SAM_HASH_MAX);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_values(&x->digest, &y->digest);
	return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool is_dtbsr(const char *text)
{
	static const char wanted[] = "dtbsr";
	for (size_t i = 0; i < sizeof wanted; i++) /* not strcasecmp(): it asks the locale */
		if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]) != wanted[i])
			return false;
	return true;
}

static const char *read_digest(const json_t *json, enum sam_hash hash, struct sam_digest *out)
{
	const json_t *value = json_object_get(json, "hash"),
		     *label = json_object_get(json, "label");
	const json_t *type = json_object_get(json, "hashType");
	size_t len;
	if (!json_is_object(json))
		return "documentDigests";
	if (!json_is_string(value) ||
	    !sam_decode_b64any(json_string_value(value), json_string_length(value), out->value,
			       sam_hash_size(hash), &len) ||
	    len != sam_hash_size(hash))
		return "hash";
	if (type && !(json_is_string(type) && is_dtbsr(json_string_value(type))))
		return "hashType";
	if (!label)
		return NULL;
	if (!json_is_string(label) ||
	    !sam_sad_label_valid(json_string_value(label), json_string_length(label)))
		return "label";
	out->label = strdup(json_string_value(label));
	return out->label ? NULL : "label";
}

/* Sort, drop what is listed twice, move to ${out}. */
static bool settle(struct entry *entries, size_t count, struct sam_activation *out)
{
	qsort(entries, count, sizeof *entries, compare_entries);
	out->digests = calloc(count, sizeof *out->digests);
	if (!out->digests)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t n = out->digest_count;
		if (n && compare_values(&out->digests[n - 1], &entries[i].digest) == 0)
			continue;
		out->digests[n] = entries[i].digest;
		entries[i].digest.label = NULL;
		out->digest_count++;
	}
	return true;
}

static const char *read_digests(const json_t *list, struct sam_activation *out)
{
	size_t count = json_array_size(list); /* 0 if it is no array */
	if (count < 1 || count > SAM_SAD_DIGESTS)
		return "documentDigests";
	struct entry *entries = calloc(count, sizeof *entries);
	const char *bad = entries ? NULL : "documentDigests";
	for (size_t i = 0; !bad && i < count; i++) {
		entries[i].at = i;
		bad = read_digest(json_array_get(list, i), out->hash, &entries[i].digest);
	}
	if (!bad && !settle(entries, count, out))
		bad = "documentDigests";
	for (size_t i = 0; entries && i < count; i++)
		free(entries[i].digest.label);
	free(entries);
	return bad;
}

const struct sam_digest *sam_sad_digest_find(const struct sam_activation *activation,
					     const uint8_t *digest)
{
	struct sam_digest wanted = {.label = NULL};
	if (!activation->digest_count)
		return NULL;
	memcpy(wanted.value, digest, sam_hash_size(activation->hash));
	return bsearch(&wanted, activation->digests, activation->digest_count, sizeof wanted,
		       compare_values);
}

/* ---- the claim ---- */

static bool type_known(const char *type)
{
	return type && (strcmp(type, "https://cloudsignatureconsortium.org/2025/credential") == 0 ||
			strcmp(type, "credential") == 0);
}

/* A decimal number from 1, of at most four digits and none too many. */
static json_int_t read_decimal(const char *text)
{
	size_t len = strlen(text);
	if (len < 1 || len > 4 || text[0] == '0' || !only(text, len, "0123456789"))
		return 0;
	return strtol(text, NULL, 10);
}

/* invariant 3: never more signatures than documents. Only issuers write it as a text too (CSC API, from a query). */
static bool read_count(const json_t *count, const struct sam_sad_rules *rules, struct sam_activation *out)
{
	const json_int_t documents = (json_int_t)out->digest_count;
	json_int_t number = count ? json_integer_value(count) : documents;
	if (rules->issuer && json_is_string(count))
		number = json_string_length(count) <= 4 ? read_decimal(json_string_value(count)) : 0;
	if (number < 1 || number > documents || (rules->level != 1 && number != documents))
		return false;
	out->limit = (uint32_t)number;
	return true;
}

const char *sam_sad_details_object(const json_t *details, const struct sam_sad_rules *rules,
				   struct sam_activation *out)
{
	const char *credential = json_string_value(json_object_get(details, "credentialID"));
	const char *oid = json_string_value(json_object_get(details, "hashAlgorithmOID"));
	const json_t *algo = json_object_get(details, "signAlgo");
	if (!type_known(json_string_value(json_object_get(details, "type"))))
		return "type";
	if (!credential || !sam_sad_credential_valid(credential))
		return "credentialID";
	memcpy(out->credential, credential, sizeof out->credential);
	out->hash = oid ? sam_hash_by_oid(oid) : SAM_HASH_NONE;
	if (out->hash == SAM_HASH_NONE)
		return "hashAlgorithmOID";
	if (algo &&
	    !(json_is_string(algo) && sam_sad_oid_valid(json_string_value(algo)) &&
	      sam_mem_copy_text(out->sign_algo, sizeof out->sign_algo, json_string_value(algo))))
		return "signAlgo";
	const char *bad = read_digests(json_object_get(details, "documentDigests"), out);
	if (!bad && !read_count(json_object_get(details, "numSignatures"), rules, out))
		bad = "numSignatures";
	return bad;
}

enum sam_reason sam_sad_details(const json_t *claim, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg)
{
	const char *bad = "";
	if (json_array_size(claim) == 1 && json_is_object(json_array_get(claim, 0)))
		bad = sam_sad_details_object(json_array_get(claim, 0), rules, out);
	if (bad)
		sam_msg_set(msg, "authorization_details%s%s", *bad ? "." : "", bad);
	return bad ? SAM_SAD_DETAILS : SAM_OK;
}
