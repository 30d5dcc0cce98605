/* SPDX-License-Identifier: BSD-3-Clause
 *
 * evidence.h: the statement as the SAM makes it verifies; without, or with another, of anything in it, it does not.
 */
#include "unit.h"

#include <openssl/err.h>
#include <string.h>
#include "sap/evidence.h"

#define SAM_ID "https://sam.example.jp"
#define THUMBPRINT "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static EVP_PKEY *key;
static char kid[SAM_THUMBPRINT_LEN + 1];
static json_t *claims;
static struct sam_msg msg;

static void setup(void)
{
	struct sam_jwk jwk;
	json_t *private;
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &private), SAM_OK);
	ck_assert_int_eq(sam_jose_private(private, &key, NULL), SAM_OK);
	ck_assert_int_eq(sam_jose_jwk(private, &jwk, NULL), SAM_OK);
	memcpy(kid, jwk.thumbprint, sizeof kid);
	sam_jose_jwk_clear(&jwk);
	sam_jose_private_free(private);
	claims = json_pack("{ss ss si ss ss ss ss ss ss s{ss ss ss ss} ss}", "iss", "node1", "aud", SAM_ID, "iat", 1800000000,
			   "jti", "0123456789abcdef", "credentialID", "00112233445566778899aabbccddeeff", "thumbprint",
			   THUMBPRINT, "key_type", "ec:P-256", "origin", "generated", "attributes", "LOCAL=TRUE", "cm",
			   "manufacturer", "SoftHSM project", "model", "SoftHSM v2", "firmware", "2.6", "serial", "",
			   "evaluation", "none, for tests");
	ck_assert_ptr_nonnull(claims);
}

static void teardown(void)
{
	EVP_PKEY_free(key);
	json_decref(claims);
}

static char *sign_with(const char *typ, const char *name, EVP_PKEY *pkey, enum sam_jws_alg alg)
{
	sam_auto(json_decref) json_t *header = json_pack("{ss ss}", "typ", typ, "kid", name);
	char *out, *text = json_dumps(claims, JSON_COMPACT);
	ck_assert_int_eq(sam_jose_sign(header, text, strlen(text), pkey, alg, &out), SAM_OK);
	free(text);
	return out;
}

static enum sam_reason verify(const char *text, const char *id)
{
	json_t *found;
	enum sam_reason reason = sam_evidence_verify(text, strlen(text), key, kid, id, &found, &msg);
	ck_assert((reason == SAM_OK) == (found != NULL));
	ck_assert(reason != SAM_OK || json_equal(found, claims));
	ck_assert_int_eq(ERR_peek_error(), 0);
	json_decref(found);
	return reason;
}

static enum sam_reason verify_claims(void)
{
	sam_auto(sam_free) char *text = sign_with(SAM_TYP_EVIDENCE, kid, key, SAM_JWS_ES256);
	return verify(text, SAM_ID);
}

START_TEST(statement_of_the_sam_verifies)
{
	ck_assert_msg(verify_claims() == SAM_OK, "%s", msg.text);
}
END_TEST

START_TEST(every_claim_must_be_there_and_of_its_type)
{
	static const char *const names[] = {"iss",	"aud",	  "iat",    "jti",	  "credentialID", "thumbprint",
					    "key_type", "origin", "attributes", "evaluation", "cm"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		json_t *kept = json_incref(json_object_get(claims, names[i]));
		const char *const wrong[] = {NULL, "true", "null", "[]", "1.5", "\"\"", "\"caf\\u00e9\"", "\"a\\u0000b\"", "{}"};
		for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
			json_object_del(claims, names[i]);
			if (wrong[w])
				json_object_set_new(claims, names[i], json_loads(wrong[w], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
			ck_assert_msg(verify_claims() != SAM_OK, "%s: %s", names[i], wrong[w] ? wrong[w] : "absent");
		}
		json_object_set_new(claims, names[i], kept);
	}
	ck_assert_int_eq(verify_claims(), SAM_OK);
}
END_TEST

START_TEST(every_text_of_the_cm_must_be_there)
{
	static const char *const names[] = {"manufacturer", "model", "firmware", "serial"};
	json_t *cm = json_object_get(claims, "cm");
	for (size_t i = 0; i < 4; i++) {
		json_t *kept = json_incref(json_object_get(cm, names[i]));
		json_object_del(cm, names[i]);
		ck_assert_int_eq(verify_claims(), SAM_SAD_CLAIMS);
		ck_assert_ptr_nonnull(strstr(msg.text, names[i]));
		json_object_set_new(cm, names[i], json_integer(1));
		ck_assert_int_eq(verify_claims(), SAM_SAD_CLAIMS);
		json_object_set_new(cm, names[i], kept);
	}
	ck_assert_int_eq(verify_claims(), SAM_OK);
}
END_TEST

START_TEST(forms_are_bounded)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{"iss", "a node"},
		{"jti", "short"},
		{"jti", "0123456789abcde="},
		{"thumbprint", "00112233445566778899AABBCCDDEEFF0123456789abcdef0123456789abcdef"},
		{"thumbprint", THUMBPRINT "00"},
		{"credentialID", "10112233445566778899aabbccddeeff"}, /* of another key */
		{"origin", "gen\nerated"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_t *kept = json_incref(json_object_get(claims, bad[i].name));
		json_object_set_new(claims, bad[i].name, json_string(bad[i].value));
		ck_assert_msg(verify_claims() == SAM_SAD_CLAIMS, "%s", bad[i].value);
		json_object_set_new(claims, bad[i].name, kept);
	}
	json_object_set_new(claims, "iat", json_integer(-1));
	ck_assert_int_eq(verify_claims(), SAM_SAD_CLAIMS);
	json_object_set_new(claims, "iat", json_integer(0));
	char text[1026];
	memset(text, 'x', sizeof text);
	text[1025] = '\0';
	json_object_set_new(claims, "attributes", json_string(text));
	ck_assert_int_eq(verify_claims(), SAM_SAD_CLAIMS);
	json_object_set_new(claims, "attributes", json_string(text + 1));
	ck_assert_int_eq(verify_claims(), SAM_OK);
}
END_TEST

START_TEST(another_sam_type_kid_key_or_algorithm_is_refused)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *other = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	sam_auto(EVP_PKEY_free) EVP_PKEY *rsa = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)2048);
	sam_auto(sam_free) char *good = sign_with(SAM_TYP_EVIDENCE, kid, key, SAM_JWS_ES256);
	sam_auto(sam_free) char *typ = sign_with("sad+jwt", kid, key, SAM_JWS_ES256);
	sam_auto(sam_free) char *name = sign_with(SAM_TYP_EVIDENCE, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", key, SAM_JWS_ES256);
	sam_auto(sam_free) char *forged = sign_with(SAM_TYP_EVIDENCE, kid, other, SAM_JWS_ES256);
	sam_auto(sam_free) char *alg = sign_with(SAM_TYP_EVIDENCE, kid, rsa, SAM_JWS_RS256);
	ck_assert_int_eq(verify(good, "https://another.example.jp"), SAM_SAD_AUDIENCE);
	ck_assert_int_eq(verify(typ, SAM_ID), SAM_SAD_HEADER);
	ck_assert_int_eq(verify(name, SAM_ID), SAM_SAD_KEY_UNKNOWN);
	ck_assert_int_eq(verify(forged, SAM_ID), SAM_SAD_SIGNATURE);
	ck_assert_int_eq(verify(alg, SAM_ID), SAM_SAD_ALGORITHM);
	json_t *found;
	ck_assert_int_eq(sam_evidence_verify(good, strlen(good), NULL, kid, SAM_ID, &found, &msg), SAM_SAD_KEY_UNKNOWN);
	ck_assert_int_eq(sam_evidence_verify(good, strlen(good), key, "", SAM_ID, &found, &msg), SAM_SAD_KEY_UNKNOWN);
}
END_TEST

START_TEST(garbage_and_huge_texts_are_refused)
{
	sam_auto(sam_free) char *good = sign_with(SAM_TYP_EVIDENCE, kid, key, SAM_JWS_ES256);
	size_t len = strlen(good);
	json_t *found;
	static char huge[SAM_EVIDENCE_MAX + 1];
	memset(huge, 'A', sizeof huge);
	ck_assert_int_eq(sam_evidence_verify(huge, sizeof huge, key, kid, SAM_ID, &found, &msg), SAM_SAD_MALFORMED);
	for (size_t i = 0; i < len; i += 5)
		ck_assert_int_ne(sam_evidence_verify(good, i, key, kid, SAM_ID, &found, &msg), SAM_OK);
	for (size_t i = 0; i < len; i += 3) { /* the last character of a part has spare bits, which must be 0 */
		good[i] = good[i] == 'A' ? 'B' : 'A';
		ck_assert_int_ne(verify(good, SAM_ID), SAM_OK);
		ck_assert_ptr_null(found);
		free(good);
		good = sign_with(SAM_TYP_EVIDENCE, kid, key, SAM_JWS_ES256);
		len = strlen(good);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("evidence");
	TCase *t = tcase_create("evidence");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, statement_of_the_sam_verifies);
	tcase_add_test(t, every_claim_must_be_there_and_of_its_type);
	tcase_add_test(t, every_text_of_the_cm_must_be_there);
	tcase_add_test(t, forms_are_bounded);
	tcase_add_test(t, another_sam_type_kid_key_or_algorithm_is_refused);
	tcase_add_test(t, garbage_and_huge_texts_are_refused);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
