/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The JWS, JWK and JWE vectors of C2SP/wycheproof, read from $SAM_VECTORS or from shared/vectors beside the source
 * tree, and skipped (77) where they are absent. Whatever comes out otherwise than marked stands in
 * `exceptions` with its reason.
 */
#include "unit.h"

#include <limits.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <unistd.h>
#include "base/encode.h"
#include "sap/jwe.h"
#include "vectors.h"

#define HMAC "HMAC: both sides would hold the key, so the SAM never takes it (marked valid)"
#define PS256_KEY                                                                                  \
	"the JWK's `alg` is PS256, the JWS' PS384: the key's own `alg` binds (marked valid, as "   \
	"RFC 7520 4.2 has no `alg` in its key)"
#define ES521                                                                                      \
	"the JWK's `alg` is ES521, which is no name of RFC 7518 (marked valid; it means ES512)"

enum set { JWS, JWK, SETS, JWE = SETS };
static const char *const files[] = {"json_web_signature_test.json", "json_web_key_test.json",
				    "json_web_encryption_test.json"};

static const struct {
	enum set set;
	int id;                 /* tcId */
	enum sam_reason reason; /* for which we refuse it */
	const char *why;
} exceptions[] = {
	{JWS, 1, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 348, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 352, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 357, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 358, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 359, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 376, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 377, SAM_SAD_ALGORITHM, HMAC},
	{JWS, 372, SAM_SAD_MALFORMED,
	 "a `?` inside the base64url of the header (marked valid); and HMAC"},
	{JWS, 373, SAM_SAD_ALGORITHM,
	 "a `?` inside the base64url of the payload (marked valid); and HMAC"},
	{JWS, 346, SAM_SAD_ALGORITHM, PS256_KEY},
	{JWS, 350, SAM_SAD_ALGORITHM, PS256_KEY},
	{JWS, 347, SAM_SAD_KEY_UNKNOWN, ES521},
	{JWS, 351, SAM_SAD_KEY_UNKNOWN, ES521},
	{JWK, 2, SAM_SAD_ALGORITHM, HMAC},
	{JWK, 13, SAM_SAD_ALGORITHM, HMAC},
	{JWK, 14, SAM_SAD_ALGORITHM, HMAC},
	{JWK, 15, SAM_SAD_ALGORITHM, HMAC},
};

static char directory[PATH_MAX];

static bool find_directory(void)
{
	const char *given = getenv("SAM_VECTORS"), *source = getenv("SAM_SRCDIR");
	if (!source)
		source = getenv("srcdir");
	if (given)
		snprintf(directory, sizeof directory, "%s", given);
	else
		snprintf(directory, sizeof directory, "%s/../shared/vectors",
			 source ? source : ".");
	return access(directory, R_OK) == 0;
}

static json_t *load(enum set set)
{
	char path[PATH_MAX + 64];
	json_error_t error;
	snprintf(path, sizeof path, "%s/%s", directory, files[set]);
	json_t *json = json_load_file(path, 0, &error);
	ck_assert_msg(json != NULL, "%s:%d: %s", path, error.line, error.text);
	return json;
}

/* A group has one key or a key set; a set verifies if one of its keys does. */
static enum sam_reason verify_group(const char *text, const json_t *group)
{
	const json_t *key = json_object_get(group, "public"), *one;
	if (!key)
		key = json_object_get(group, "private");
	const json_t *keys = json_object_get(key, "keys");
	if (!keys)
		return verify(text, key);
	enum sam_reason reason = SAM_SAD_KEY_UNKNOWN;
	size_t i;
	json_array_foreach (keys, i, one) {
		reason = verify(text, one);
		if (reason == SAM_OK)
			break;
	}
	return reason;
}

static const char *exception_of(enum set set, int id, enum sam_reason reason)
{
	for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
		if (exceptions[i].set == set && exceptions[i].id == id) {
			ck_assert_msg(exceptions[i].reason == reason, "%s %d: %s", files[set], id,
				      sam_reason_name(reason));
			return exceptions[i].why;
		}
	return NULL;
}

/* loop test: _i is the set */
START_TEST(wycheproof_vectors_come_out_as_marked)
{
	enum set set = (enum set)_i;
	sam_auto(json_decref) json_t *all = load(set);
	const json_t *group, *test;
	size_t g, t, excepted = 0, listed = 0;
	json_int_t seen = 0;
	json_array_foreach (json_object_get(all, "testGroups"), g, group) {
		json_array_foreach (json_object_get(group, "tests"), t, test) {
			int id = (int)json_integer_value(json_object_get(test, "tcId"));
			const char *text = json_string_value(json_object_get(test, "jws"));
			const char *result = json_string_value(json_object_get(test, "result"));
			ck_assert_msg(text && result, "%s %d: no compact JWS", files[set], id);
			bool valid = strcmp(result, "valid") == 0;
			ck_assert(valid || strcmp(result, "invalid") == 0);
			enum sam_reason reason = verify_group(text, group);
			bool excepts = exception_of(set, id, reason) != NULL;
			/* an exception that is none any more is as wrong as a difference without
			 * one */
			ck_assert_msg(((reason == SAM_OK) == valid) != excepts,
				      "%s %d (%s): %s, marked %s", files[set], id,
				      json_string_value(json_object_get(test, "comment")),
				      sam_reason_name(reason), result);
			excepted += excepts;
			seen++;
		}
	}
	for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
		listed += exceptions[i].set == set;
	ck_assert_uint_eq(excepted, listed);
	ck_assert_int_eq(seen, json_integer_value(json_object_get(all, "numberOfTests")));
}
END_TEST

/* The exceptions that are for the name of an algorithm alone: with the name set right they verify.
 */
START_TEST(excepted_keys_verify_under_their_right_name)
{
	sam_auto(json_decref) json_t *all = load(JWS);
	const json_t *group;
	size_t g, verified = 0;
	json_array_foreach (json_object_get(all, "testGroups"), g, group) {
		json_t *key = json_object_get(group, "public");
		const json_t *test = json_array_get(json_object_get(group, "tests"), 0);
		int id = (int)json_integer_value(json_object_get(test, "tcId"));
		if (id != 346 && id != 347 && id != 350 && id != 351)
			continue;
		json_object_set_new(key, "alg", json_string(id % 2 ? "ES512" : "PS384"));
		ck_assert_int_eq(verify(json_string_value(json_object_get(test, "jws")), key),
				 SAM_OK);
		verified++;
	}
	ck_assert_uint_eq(verified, 4);
}
END_TEST

/* Does the text's header name algorithms that we take? */
static bool ours(const char *text)
{
	uint8_t buffer[SAM_JWS_HEADER_MAX];
	size_t len = 0;
	if (!sam_decode_b64url(text, strcspn(text, "."), buffer, sizeof buffer, &len))
		return false;
	sam_auto(json_decref) json_t *header = sam_jose_json(buffer, len);
	const char *alg = json_string_value(json_object_get(header, "alg"));
	const char *enc = json_string_value(json_object_get(header, "enc"));
	return alg && enc &&
	       (strcmp(alg, SAM_JWE_DIRECT) == 0 || strcmp(alg, SAM_JWE_WRAPPED) == 0 || strcmp(alg, SAM_JWE_RSA) == 0) &&
	       strcmp(enc, "A256GCM") == 0;
}

/* What the CM does for the SAM. */
static enum sam_reason decrypt_rsa(void *arg, const uint8_t *data, size_t len, uint8_t key[SAM_JWE_CONTENT_KEY])
{
	uint8_t out[SAM_JWE_RSA_MAX];
	size_t size = sizeof out;
	EVP_PKEY *pkey = NULL;
	json_t *jwk = json_copy(arg);
	json_object_del(jwk, "alg"); /* they are about encryption, and sam_jose_private() is for signatures */
	json_object_del(jwk, "use");
	json_object_del(jwk, "key_ops");
	ck_assert_int_eq(sam_jose_private(jwk, &pkey, NULL), SAM_OK);
	json_decref(jwk);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	ck_assert(EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) == 1);
	bool ok = EVP_PKEY_decrypt(ctx, out, &size, data, len) == 1 && size == SAM_JWE_CONTENT_KEY;
	if (ok)
		memcpy(key, out, SAM_JWE_CONTENT_KEY);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok ? SAM_OK : SAM_JWE_KEY;
}

static enum sam_reason open_jwe(const char *text, const json_t *key, struct sam_secret *out)
{
	struct sam_jwe *jwe;
	const struct sam_jwe_opener rsa = {.arg = (json_t *)(uintptr_t)key, .decrypt = decrypt_rsa};
	enum sam_reason reason = sam_jwe_parse(text, strlen(text), &jwe);
	if (reason != SAM_OK)
		return reason;
	reason = sam_jwe_is_rsa(jwe) ? sam_jwe_open(jwe, &rsa, out) : sam_jwe_decrypt(text, strlen(text), key, out);
	sam_jwe_free(jwe);
	return reason;
}

/* Of the valid ones three are of our algorithms, one of each; all else is refused, marked valid or not: other contents
 * than A256GCM, RSA1_5, RSA-OAEP (SHA-1), AES key wrap under a shared key, other sizes of key wrap, `dir`. */
START_TEST(wycheproof_jwe_opens_if_valid_and_of_our_algorithms)
{
	sam_auto(json_decref) json_t *all = load(JWE);
	const json_t *group, *test;
	size_t g, t, opened = 0, seen = 0;
	json_array_foreach (json_object_get(all, "testGroups"), g, group) {
		json_array_foreach (json_object_get(group, "tests"), t, test) {
			const char *text = json_string_value(json_object_get(test, "jwe"));
			const char *pt = json_string_value(json_object_get(test, "pt"));
			int id = (int)json_integer_value(json_object_get(test, "tcId"));
			struct sam_secret out = {NULL, 0};
			seen++;
			if (!text) /* JSON serialization */
				continue;
			bool valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
			enum sam_reason reason = open_jwe(text, json_object_get(group, "private"), &out);
			ck_assert_msg((reason == SAM_OK) == (valid && ours(text)), "%s %d: %s", files[JWE], id,
				      sam_reason_name(reason));
			if (reason != SAM_OK)
				continue;
			sam_auto(sam_free) char *hex = malloc(2 * out.len + 1);
			sam_encode_hex(out.data, out.len, hex);
			ck_assert_str_eq(hex, pt);
			sam_secret_clear(&out);
			opened++;
		}
	}
	ck_assert_uint_eq(opened, 3);
	ck_assert_uint_eq(seen, (size_t)json_integer_value(json_object_get(all, "numberOfTests")));
}
END_TEST

static Suite *vectors_suite(void)
{
	Suite *suite = suite_create("wycheproof");
	TCase *wycheproof = tcase_create("wycheproof");
	if (!find_directory()) {
		printf("1..0 # SKIP the Wycheproof vectors are not in %s (SAM_VECTORS names another folder)\n", directory);
		exit(77);
	}
	tcase_add_loop_test(wycheproof, wycheproof_vectors_come_out_as_marked, 0, SETS);
	tcase_add_test(wycheproof, excepted_keys_verify_under_their_right_name);
	tcase_add_test(wycheproof, wycheproof_jwe_opens_if_valid_and_of_our_algorithms);
	suite_add_tcase(suite, wycheproof);
	return suite;
}

SAM_UNIT_MAIN(vectors_suite)
