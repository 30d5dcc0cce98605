/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statement.h: every header member and claim of a statement, right and wrong; that none is taken for another; and
 * those that were taken once and are kept.
 */
#include "unit.h"

#include <string.h>
#include "base/encode.h"
#include "sap/statement.h"

#define NOW INT64_C(1800000000)
#define OTHER_KID "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static struct sam_seal *seal;
static struct sam_device device;
static EVP_PKEY *own_key;
static json_t *own_jwk, *claims;

static struct sam_sad_rules rules = {.sam_id = "https://sam.example.jp", .max_lifetime = 300, .leeway = 10};

static const char good[] =
	"{\"iss\":\"officer\",\"sub\":\"alice\",\"aud\":\"https://sam.example.jp\",\"iat\":1799999990,"
	"\"exp\":1800000200,\"jti\":\"0123456789abcdef\",\"act\":[\"signer\",\"list\"]}";

static void setup(void)
{
	static const uint8_t root[32] = {3};
	struct sam_jwk jwk;
	json_t *private;
	ck_assert_int_eq(sam_seal_new(root, &seal), SAM_OK);
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &private), SAM_OK);
	ck_assert_int_eq(sam_jose_private(private, &own_key, NULL), SAM_OK);
	ck_assert_int_eq(sam_jose_jwk(private, &jwk, NULL), SAM_OK);
	own_jwk = sam_jose_jwk_public(private);
	ck_assert_int_eq(sam_device_set(&device, "{}", jwk.thumbprint, jwk.alg, jwk.pkey), SAM_OK);
	sam_jose_jwk_clear(&jwk);
	sam_jose_private_free(private);
	claims = json_loads(good, 0, NULL);
	rules.now = NOW;
	rules.max_lifetime = 300;
}

static void teardown(void)
{
	sam_seal_free(seal);
	sam_device_clear(&device);
	EVP_PKEY_free(own_key);
	json_decref(own_jwk);
	json_decref(claims);
}

/* A JWS by the device's key with that header as it stands and the claims as they are now. */
static char *make(const char *header)
{
	char *out, *text = json_dumps(claims, JSON_COMPACT);
	ck_assert_int_eq(sam_jose_sign_text(header, text, strlen(text), own_key, SAM_JWS_ES256, &out), SAM_OK);
	free(text);
	return out;
}

static char *make_typed(const char *typ, bool keyed)
{
	json_t *header = json_pack("{s:s,s:s,s:s}", "alg", "ES256", "typ", typ, "kid", device.kid);
	if (keyed)
		json_object_set(header, "jwk", own_jwk);
	char *text = json_dumps(header, JSON_COMPACT), *out = make(text);
	free(text);
	json_decref(header);
	return out;
}

static enum sam_reason take(const char *text, const char *typ)
{
	struct sam_statement statement;
	struct sam_msg msg = {""};
	enum sam_reason reason =
		typ ? sam_statement_device(seal, text, strlen(text), typ, &device, &rules, &statement, &msg)
		    : sam_statement_own(seal, text, strlen(text), &rules, &statement, &msg);
	ck_assert_msg((reason == SAM_OK) == (msg.text[0] == '\0'), "%s: '%s'", sam_reason_name(reason), msg.text);
	sam_statement_clear(&statement);
	return reason;
}

/* by the registered key, and as a proof of possession */
static void both_refuse(const char *what)
{
	char *text = make_typed(SAM_TYP_ACT, false), *own = make_typed(SAM_TYP_ENROL, true);
	ck_assert_msg(take(text, SAM_TYP_ACT) == SAM_ASSERTION, "%s", what);
	ck_assert_msg(take(own, NULL) == SAM_PROOF, "%s", what);
	free(text);
	free(own);
}

static void both_take(void)
{
	char *text = make_typed(SAM_TYP_ACT, false), *own = make_typed(SAM_TYP_ENROL, true);
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_OK);
	ck_assert_int_eq(take(own, NULL), SAM_OK);
	free(text);
	free(own);
}

/* ---- good ones ---- */

START_TEST(a_statement_is_read)
{
	struct sam_statement s;
	char *text = make_typed(SAM_TYP_ACT, false);
	ck_assert_int_eq(sam_statement_device(seal, text, strlen(text), SAM_TYP_ACT, &device, &rules, &s, NULL), SAM_OK);
	ck_assert_str_eq(s.frame.iss, "officer");
	ck_assert_str_eq(s.frame.jti, "0123456789abcdef");
	ck_assert_int_eq(s.frame.iat, 1799999990);
	ck_assert_int_eq(s.frame.exp, 1800000200);
	ck_assert_uint_eq(json_array_size(json_object_get(s.claims, "act")), 2);
	struct sam_spend spend, other;
	sam_statement_spend(&s, SAM_TYP_ACT, &spend);
	sam_statement_spend(&s, SAM_TYP_POLICY, &other);
	ck_assert_str_eq(spend.claim.jti, "0123456789abcdef");
	ck_assert_uint_eq(spend.claim.limit, 1);
	ck_assert_mem_eq(spend.claim.payload, s.frame.payload, 32);
	ck_assert_mem_ne(spend.digest, other.digest, 32);
	sam_statement_clear(&s);
	sam_statement_clear(&s);
	free(text);
}
END_TEST

START_TEST(a_proof_brings_its_key)
{
	struct sam_statement s;
	char *text = make_typed(SAM_TYP_ENROL, true);
	ck_assert_int_eq(sam_statement_own(seal, text, strlen(text), &rules, &s, NULL), SAM_OK);
	ck_assert_str_eq(s.frame.sub, "alice");
	ck_assert_str_eq(s.frame.iss, "alice");
	ck_assert_str_eq(s.jwk.thumbprint, device.kid);
	sam_statement_clear(&s);
	free(text);
}
END_TEST

START_TEST(white_space_around_it_is_no_matter)
{
	char spaced[2048], *text = make_typed(SAM_TYP_ACT, false);
	snprintf(spaced, sizeof spaced, " \t\r\n%s\n\n", text);
	ck_assert_int_eq(take(spaced, SAM_TYP_ACT), SAM_OK);
	snprintf(spaced, sizeof spaced, "%.20s %s", text, text + 20);
	ck_assert_int_eq(take(spaced, SAM_TYP_ACT), SAM_ASSERTION);
	ck_assert_int_eq(take("", SAM_TYP_ACT), SAM_ASSERTION);
	ck_assert_int_eq(take(" \n", SAM_TYP_ACT), SAM_ASSERTION);
	ck_assert_int_eq(take("", NULL), SAM_PROOF);
	free(text);
}
END_TEST

/* ---- never one for another ---- */

START_TEST(no_statement_is_taken_for_another)
{
	static const char *const typs[] = {"sad+jwt", SAM_TYP_ACT, SAM_TYP_ENROL, SAM_TYP_POLICY, "JWT", "sam-act",
					   "SAM-ACT+JWT", "application/sam-act+jwt", ""};
	for (size_t made = 0; made < sizeof typs / sizeof typs[0]; made++) {
		char *text = make_typed(typs[made], false), *keyed = make_typed(typs[made], true);
		for (size_t asked = 1; asked < 4; asked++) {
			ck_assert_msg((take(text, typs[asked]) == SAM_OK) == (made == asked), "%s as %s", typs[made],
				      typs[asked]);
			/* a header with a key of its own is none of a registered key's */
			ck_assert_int_eq(take(keyed, typs[asked]), SAM_ASSERTION);
		}
		ck_assert_int_eq(take(text, NULL), SAM_PROOF); /* no jwk */
		ck_assert_msg((take(keyed, NULL) == SAM_OK) == (made == 2), "%s", typs[made]);
		free(text);
		free(keyed);
	}
}
END_TEST

/* ---- headers ---- */

#define HEADER(more) "{\"alg\":\"ES256\",\"typ\":\"sam-act+jwt\"" more "}"

START_TEST(headers_are_read_strictly)
{
	static const char *const headers[] = {
		HEADER(""),
		HEADER(",\"kid\":1"),
		HEADER(",\"kid\":\"\""),
		HEADER(",\"kid\":\"short\""),
		HEADER(",\"kid\":\"" OTHER_KID "\""),
		"{\"alg\":\"ES256\",\"kid\":\"%s\"}",
		"{\"alg\":\"ES256\",\"typ\":1,\"kid\":\"%s\"}",
		"{\"alg\":\"none\",\"typ\":\"sam-act+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"HS256\",\"typ\":\"sam-act+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"ES384\",\"typ\":\"sam-act+jwt\",\"kid\":\"%s\"}",
		"{\"typ\":\"sam-act+jwt\",\"kid\":\"%s\"}",
		HEADER(",\"kid\":\"%s\",\"crit\":[\"exp\"]"),
		HEADER(",\"kid\":\"%s\",\"jku\":\"https://x\""),
		HEADER(",\"kid\":\"%s\",\"b64\":false"),
		HEADER(",\"kid\":\"%s\",\"kid\":\"%s\""),
	};
	char header[512];
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		/* the kid, where one is asked for */
		const char *at = strstr(headers[i], "%s");
		snprintf(header, sizeof header, "%.*s%s%s", (int)(at ? at - headers[i] : (long)strlen(headers[i])),
			 headers[i], at ? device.kid : "", at ? at + 2 : "");
		char *text = make(header);
		ck_assert_msg(take(text, SAM_TYP_ACT) == SAM_ASSERTION, "%s", header);
		free(text);
	}
}
END_TEST

START_TEST(only_the_registered_key_states)
{
	char *text = make_typed(SAM_TYP_ACT, false);
	text[strlen(text) - 4] = text[strlen(text) - 4] == 'A' ? 'B' : 'A';
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_ASSERTION);
	free(text);
	text = make_typed(SAM_TYP_ACT, false);
	/* another key under the registered kid */
	EVP_PKEY_free(device.pkey);
	device.pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_ASSERTION);
	EVP_PKEY_free(device.pkey);
	device.pkey = own_key;
	EVP_PKEY_up_ref(own_key);
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_OK);
	device.alg = SAM_JWS_ES384;
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_ASSERTION);
	device.kid[0] = '\0'; /* nobody has registered one */
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_ASSERTION);
	free(text);
}
END_TEST

START_TEST(a_proof_is_by_the_key_that_it_brings)
{
	sam_auto(sam_jose_private_free) json_t *other = NULL;
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &other), SAM_OK);
	json_t *mine = own_jwk;
	own_jwk = sam_jose_jwk_public(other);
	char *text = make_typed(SAM_TYP_ENROL, true);
	ck_assert_int_eq(take(text, NULL), SAM_PROOF);
	free(text);
	json_decref(own_jwk);
	own_jwk = json_loads("{\"kty\":\"oct\",\"k\":\"AAAA\"}", 0, NULL);
	text = make_typed(SAM_TYP_ENROL, true);
	ck_assert_int_eq(take(text, NULL), SAM_PROOF);
	free(text);
	json_decref(own_jwk);
	own_jwk = mine;
}
END_TEST

/* ---- claims ---- */

START_TEST(claims_are_read_strictly)
{
	static const struct {
		const char *claim, *value; /* NULL: without it */
	} wrong[] = {
		{"aud", NULL}, {"aud", "\"https://another.example.jp\""}, {"aud", "1"},
		{"aud", "[\"https://sam.example.jp\",\"https://another.example.jp\"]"},
		{"jti", NULL}, {"jti", "\"\""}, {"jti", "7"}, {"jti", "\"short\""},
		{"iat", NULL}, {"iat", "\"1799999990\""}, {"iat", "1800000011"}, {"iat", "-5"}, {"iat", "1799999990.5"},
		{"exp", NULL}, {"exp", "1800000000"}, {"exp", "1799999990"}, {"exp", "1800000291"}, {"exp", "true"},
		{"exp", "9007199254740993"},
		{"nbf", "1800000011"}, {"nbf", "\"1\""},
		{"amr", "\"pwd\""}, {"acr", "1"}, {"auth_time", "\"1\""},
	};
	both_take();
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		json_t *before = json_deep_copy(claims);
		if (wrong[i].value)
			json_object_set_new(claims, wrong[i].claim, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(claims, wrong[i].claim);
		both_refuse(wrong[i].claim);
		json_decref(claims);
		claims = before;
	}
	json_object_set_new(claims, "aud", json_pack("[s]", "https://sam.example.jp"));
	both_take();
}
END_TEST

START_TEST(who_says_it_is_a_name)
{
	static const char *const names[] = {NULL, "\"\"", "7", "\"Al ice\"", "\"../x\"", "\"a\\u0000b\"", "[]"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		json_object_del(claims, "iss");
		json_object_del(claims, "sub");
		if (names[i]) {
			json_t *value = json_loads(names[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			json_object_set(claims, "iss", value);
			json_object_set_new(claims, "sub", value);
		}
		both_refuse(names[i] ? names[i] : "none");
	}
}
END_TEST

START_TEST(the_payload_is_one_json_object)
{
	static const char *const payloads[] = {"", "[]", "7", "{}", "{\"iss\":\"officer\"", "{\"iss\":\"a\",\"iss\":\"a\"}"};
	char header[256], *text;
	snprintf(header, sizeof header, HEADER(",\"kid\":\"%s\""), device.kid);
	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		ck_assert_int_eq(sam_jose_sign_text(header, payloads[i], strlen(payloads[i]), own_key, SAM_JWS_ES256,
						    &text), SAM_OK);
		ck_assert_msg(take(text, SAM_TYP_ACT) == SAM_ASSERTION, "%s", payloads[i]);
		free(text);
	}
}
END_TEST

/* The signature of the policy: it was timely when it was taken, and is good for ever after. */
START_TEST(a_kept_statement_does_not_age)
{
	char *text = make_typed(SAM_TYP_POLICY, false);
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_OK);
	rules.now = NOW + 1000000000;
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_ASSERTION);
	rules.max_lifetime = 0;
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_OK);
	rules.now = 1; /* nor is it too early */
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_OK);
	ck_assert_int_eq(take(text, SAM_TYP_ACT), SAM_ASSERTION);
	free(text);
	json_object_set_new(claims, "aud", json_string("https://another.example.jp"));
	text = make_typed(SAM_TYP_POLICY, false);
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_ASSERTION);
	free(text);
	json_object_set_new(claims, "aud", json_string("https://sam.example.jp"));
	json_object_del(claims, "iat");
	text = make_typed(SAM_TYP_POLICY, false);
	ck_assert_int_eq(take(text, SAM_TYP_POLICY), SAM_ASSERTION);
	free(text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("statement");
	TCase *t = tcase_create("statement");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_statement_is_read);
	tcase_add_test(t, a_proof_brings_its_key);
	tcase_add_test(t, white_space_around_it_is_no_matter);
	tcase_add_test(t, no_statement_is_taken_for_another);
	tcase_add_test(t, headers_are_read_strictly);
	tcase_add_test(t, only_the_registered_key_states);
	tcase_add_test(t, a_proof_is_by_the_key_that_it_brings);
	tcase_add_test(t, claims_are_read_strictly);
	tcase_add_test(t, who_says_it_is_a_name);
	tcase_add_test(t, the_payload_is_one_json_object);
	tcase_add_test(t, a_kept_statement_does_not_age);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
