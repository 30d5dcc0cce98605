/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sad.h: each claim of the profile, right and wrong; and an activation to the store's text and
 * back.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "policy/factors.h"
#include "sap/sad.h"

#define NOW 1800000000
#define D0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define D1 "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define CREDENTIAL "00112233445566778899aabbccddeeff"
#define KID "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static const char good_claims[] = "{\"iss\":\"alice\",\"sub\":\"alice\",\"aud\":\"https://"
				  "sam.example.jp\",\"iat\":1799999990,\"exp\":1800000200,"
				  "\"jti\":\"0123456789abcdef\",\"authorization_details\":[{"
				  "\"type\":\"credential\",\"credentialID\":\"" CREDENTIAL "\","
				  "\"documentDigests\":[{\"hash\":\"" D1
				  "\",\"label\":\"b\"},{\"hash\":\"" D0 "\"}],"
				  "\"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.1\"}]}";

static const struct sam_sad_rules rules = {
	.level = 1,
	.sam_id = "https://sam.example.jp", .now = NOW, .max_lifetime = 300, .leeway = 10};

/* one change to a JSON object: ${value} NULL takes the member out */
struct change {
	const char *member, *value;
	enum sam_reason reason;
};

static void apply(json_t *object, const struct change *c)
{
	if (!c->value) {
		ck_assert_int_eq(json_object_del(object, c->member), 0);
		return;
	}
	json_t *value = json_loads(c->value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	ck_assert_msg(value != NULL, "%s", c->value);
	ck_assert_int_eq(json_object_set_new(object, c->member, value), 0);
}

/* As present.c does it: the payload's bytes, read as JSON, then the claims. */
static enum sam_reason read_text(const char *text, struct sam_activation *a, struct sam_msg *msg)
{
	sam_auto(json_decref) json_t *claims = sam_jose_json(text, strlen(text));
	return sam_sad_claims(claims, &rules, a, msg);
}

static enum sam_reason read_json(const json_t *claims, struct sam_activation *a,
				 struct sam_msg *msg)
{
	sam_auto(sam_free) char *text = json_dumps(claims, JSON_COMPACT);
	ck_assert_ptr_nonnull(text);
	return read_text(text, a, msg);
}

/* ${details}: the change is to the object in authorization_details */
static enum sam_reason read_changed(const struct change *c, bool details, struct sam_activation *a,
				    struct sam_msg *msg)
{
	sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
	ck_assert_ptr_nonnull(claims);
	apply(details ? json_array_get(json_object_get(claims, "authorization_details"), 0)
		      : claims,
	      c);
	return read_json(claims, a, msg);
}

static void check_changes(const struct change *changes, size_t count, bool details)
{
	for (size_t i = 0; i < count; i++) {
		struct sam_activation a = {.limit = 0};
		struct sam_msg msg = {""};
		enum sam_reason reason = read_changed(&changes[i], details, &a, &msg);
		ck_assert_msg(reason == changes[i].reason, "%s = %s: %s, not %s", changes[i].member,
			      changes[i].value, sam_reason_name(reason),
			      sam_reason_name(changes[i].reason));
		ck_assert_msg((reason == SAM_OK) == (msg.text[0] == '\0'), "%s: '%s'",
			      changes[i].member, msg.text);
		sam_sad_clear(&a);
	}
}
#define CHECK_CLAIMS(changes) check_changes(changes, sizeof changes / sizeof changes[0], false)
#define CHECK_DETAILS(changes) check_changes(changes, sizeof changes / sizeof changes[0], true)

static struct sam_activation good_activation(void)
{
	struct sam_activation a = {.limit = 0};
	ck_assert_int_eq(read_text(good_claims, &a, NULL), SAM_OK);
	return a;
}

/* ---- claims ---- */

START_TEST(good_claims_become_an_activation)
{
	struct sam_activation a = good_activation();
	ck_assert_str_eq(a.iss, "alice");
	ck_assert_str_eq(a.sub, "alice");
	ck_assert_str_eq(a.jti, "0123456789abcdef");
	ck_assert_int_eq(a.iat, 1799999990);
	ck_assert_int_eq(a.nbf, 1799999990);
	ck_assert_int_eq(a.exp, 1800000200);
	ck_assert_str_eq(a.credential, CREDENTIAL);
	ck_assert_int_eq(a.hash, SAM_HASH_SHA256);
	ck_assert_uint_eq(a.digest_count, 2);
	ck_assert_uint_eq(a.limit, 2);
	ck_assert_str_eq(a.sign_algo, "");
	ck_assert(!a.token);
	/* sorted */
	ck_assert_uint_eq(a.digests[0].value[0], 0);
	ck_assert_ptr_null(a.digests[0].label);
	ck_assert_uint_eq(a.digests[1].value[0], 1);
	ck_assert_str_eq(a.digests[1].label, "b");
	sam_sad_clear(&a);
	sam_sad_clear(&a);
}
END_TEST

START_TEST(every_required_claim_is_required)
{
	static const struct change changes[] = {
		{"iss", NULL, SAM_SAD_CLAIMS},
		{"sub", NULL, SAM_SAD_CLAIMS},
		{"aud", NULL, SAM_SAD_CLAIMS},
		{"iat", NULL, SAM_SAD_CLAIMS},
		{"exp", NULL, SAM_SAD_CLAIMS},
		{"jti", NULL, SAM_SAD_CLAIMS},
		{"authorization_details", NULL, SAM_SAD_DETAILS},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

START_TEST(issuer_is_the_subject)
{
	static const struct change changes[] = {
		{"iss", "\"bob\"", SAM_SAD_ISSUER},
		{"iss", "\"https://idp.example\"", SAM_SAD_ISSUER},
		{"iss", "\"\"", SAM_SAD_ISSUER},
		{"iss", "\"Alice\"", SAM_SAD_ISSUER},
		{"iss", "1", SAM_SAD_CLAIMS},
		{"iss", "[\"alice\"]", SAM_SAD_CLAIMS},
		{"sub", "\"bob\"", SAM_SAD_ISSUER},
		{"sub", "\"\"", SAM_SAD_CLAIMS},
		{"sub", "\"al ice\"", SAM_SAD_CLAIMS},
		{"sub", "null", SAM_SAD_CLAIMS},
		{"sub", "\"eyJx\"", SAM_SAD_CLAIMS},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

START_TEST(audience_is_this_sam_alone)
{
	static const struct change changes[] = {
		{"aud", "[\"https://sam.example.jp\"]", SAM_OK},
		{"aud", "\"https://other\"", SAM_SAD_AUDIENCE},
		{"aud", "\"https://sam.example.jp/\"", SAM_SAD_AUDIENCE},
		{"aud", "[]", SAM_SAD_AUDIENCE},
		{"aud", "[\"https://sam.example.jp\",\"https://other\"]", SAM_SAD_AUDIENCE},
		{"aud", "[\"https://sam.example.jp\",\"https://sam.example.jp\"]",
		 SAM_SAD_AUDIENCE},
		{"aud", "[[\"https://sam.example.jp\"]]", SAM_SAD_AUDIENCE},
		{"aud", "1", SAM_SAD_CLAIMS},
		{"aud", "[1]", SAM_SAD_CLAIMS},
		{"aud", "{}", SAM_SAD_CLAIMS},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

/* now is 1800000000, leeway 10 s for iat and nbf, none for exp, lifetime at most 300 s */
START_TEST(times_are_checked_to_the_second)
{
	static const struct change changes[] = {
		{"exp", "1800000001", SAM_OK},           {"exp", "1800000000", SAM_SAD_EXPIRED},
		{"exp", "1799999999", SAM_SAD_EXPIRED},  {"exp", "1800000290", SAM_OK},
		{"exp", "1800000291", SAM_SAD_LIFETIME}, {"iat", "1800000010", SAM_OK},
		{"iat", "1800000011", SAM_SAD_NOT_YET},  {"iat", "1799999900", SAM_OK},
		{"iat", "1799999899", SAM_SAD_LIFETIME}, {"nbf", "1800000010", SAM_OK},
		{"nbf", "1800000011", SAM_SAD_NOT_YET},  {"nbf", "1", SAM_OK},
		{"iat", "1800000200", SAM_SAD_NOT_YET},
	};
	CHECK_CLAIMS(changes);
	/* exp before iat, both within the leeway */
	sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
	struct sam_activation a = {.limit = 0};
	json_object_set_new(claims, "iat", json_integer(NOW + 8));
	json_object_set_new(claims, "exp", json_integer(NOW + 8));
	ck_assert_int_eq(read_json(claims, &a, NULL), SAM_SAD_LIFETIME);
	json_object_set_new(claims, "exp", json_integer(NOW + 5));
	ck_assert_int_eq(read_json(claims, &a, NULL), SAM_SAD_LIFETIME);
	json_object_set_new(claims, "exp", json_integer(NOW + 9));
	ck_assert_int_eq(read_json(claims, &a, NULL), SAM_OK);
	sam_sad_clear(&a);
}
END_TEST

START_TEST(times_are_whole_numbers)
{
	static const char *const names[] = {"iat", "exp", "nbf", "auth_time"};
	static const char *const values[] = {
		"\"1800000000\"",   "1800000000.0",        "1.8e9",       "null", "true", "0", "-1",
		"9007199254740992", "9223372036854775807", "[1800000000]"};
	for (size_t n = 0; n < 4; n++)
		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
			struct change c = {names[n], values[i], SAM_SAD_CLAIMS};
			check_changes(&c, 1, false);
		}
}
END_TEST

START_TEST(jti_is_long_enough_and_plain)
{
	static const struct change changes[] = {
		{"jti", "\"0123456789-_AZaz\"", SAM_OK},
		{"jti", "\"0123456789abcde\"", SAM_SAD_CLAIMS},
		{"jti", "\"0123456789abcde.\"", SAM_SAD_CLAIMS},
		{"jti", "\"0123456789abcde \"", SAM_SAD_CLAIMS},
		{"jti", "\"0123456789abcde=\"", SAM_SAD_CLAIMS},
		{"jti", "1234567890123456", SAM_SAD_CLAIMS},
		{"jti", "\"\"", SAM_SAD_CLAIMS},
	};
	CHECK_CLAIMS(changes);
	char text[140] = "\"";
	memset(text + 1, 'x', 129);
	struct change c = {"jti", text, SAM_OK};
	text[129] = '"';
	check_changes(&c, 1, false);
	memcpy(text + 129, "x\"", 3);
	c.reason = SAM_SAD_CLAIMS;
	check_changes(&c, 1, false);
}
END_TEST

START_TEST(unused_claims_are_still_typed)
{
	static const struct change changes[] = {
		{"amr", "[\"hwk\",\"pin\"]", SAM_OK},
		{"amr", "[]", SAM_OK},
		{"amr", "\"hwk\"", SAM_SAD_CLAIMS},
		{"amr", "[1]", SAM_SAD_CLAIMS},
		{"acr", "\"x\"", SAM_OK},
		{"acr", "1", SAM_SAD_CLAIMS},
		{"auth_time", "1799999000", SAM_OK},
		{"whatever", "{\"a\":[1,2.5,null]}", SAM_OK},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

START_TEST(other_operations_are_refused)
{
	static const struct change changes[] = {
		{"operation", "\"sign\"", SAM_OK},
		{"operation", "\"generate\"", SAM_SAD_OPERATION},
		{"operation", "\"\"", SAM_SAD_OPERATION},
		{"operation", "\"Sign\"", SAM_SAD_OPERATION},
		{"operation", "null", SAM_SAD_CLAIMS},
		{"operation_params", "{}", SAM_SAD_CLAIMS},
		{"operation_params", "null", SAM_SAD_CLAIMS},
		{"cnf", "{\"jkt\":\"x\"}", SAM_OK}, /* for sam_proof_check() */
		{"pin", "\"1234\"", SAM_SAD_CLAIMS},
		{"pin", "null", SAM_SAD_CLAIMS},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

START_TEST(payload_that_is_no_object_is_refused)
{
	static const char *const payloads[] = {
		"", "{}x", "[]", "null", "{", "{\"iss\":\"alice\",\"iss\":\"alice\"}"};
	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		struct sam_activation a;
		struct sam_msg msg;
		memset(&a, 0x55, sizeof a); /* whatever was there, clearing is safe */
		ck_assert_int_eq(read_text(payloads[i], &a, &msg), SAM_SAD_CLAIMS);
		sam_sad_clear(&a);
	}
}
END_TEST

START_TEST(message_names_the_claim_and_not_its_value)
{
	struct sam_activation a = {.limit = 0};
	struct sam_msg msg = {""};
	struct change c = {"jti", "\"hunter2\"", SAM_SAD_CLAIMS};
	ck_assert_int_eq(read_changed(&c, false, &a, &msg), SAM_SAD_CLAIMS);
	ck_assert_str_eq(msg.text, "jti");
	struct change d = {"credentialID", "\"hunter2\"", SAM_SAD_DETAILS};
	ck_assert_int_eq(read_changed(&d, true, &a, &msg), SAM_SAD_DETAILS);
	ck_assert_str_eq(msg.text, "authorization_details.credentialID");
	sam_sad_clear(&a);
}
END_TEST

static enum sam_reason identify(const char *text, struct sam_activation *a)
{
	sam_auto(json_decref) json_t *claims = sam_jose_json(text, strlen(text));
	return sam_sad_identity(claims, a, NULL);
}

START_TEST(identity_is_found_without_the_rest)
{
	struct sam_activation a = {.limit = 0};
	ck_assert_int_eq(
		identify("{\"iss\":\"alice\",\"sub\":\"alice\",\"jti\":\"0123456789abcdef\"}", &a),
		SAM_OK);
	ck_assert_str_eq(a.sub, "alice");
	ck_assert_str_eq(a.iss, "alice");
	ck_assert_str_eq(a.jti, "0123456789abcdef");
	ck_assert_int_eq(identify("{\"iss\":\"alice\",\"sub\":\"alice\",\"jti\":\"<b>\"}", &a),
			 SAM_OK);
	ck_assert_str_eq(a.jti, "");
	ck_assert_int_eq(identify("{\"iss\":\"bob\",\"sub\":\"alice\"}", &a), SAM_SAD_ISSUER);
	ck_assert_str_eq(a.sub, "");
	ck_assert_int_eq(identify("{}", &a), SAM_SAD_CLAIMS);
	ck_assert_int_eq(identify("", &a), SAM_SAD_CLAIMS);
}
END_TEST

/* ---- operations ---- */

/* The good claims with these two instead of authorization_details; NULL: without. */
static enum sam_reason read_order(const char *name, const char *params, const struct change *more,
				  struct sam_sad_operation *operation, struct sam_msg *msg)
{
	sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
	struct sam_activation a = {.limit = 0};
	apply(claims, &(struct change){"authorization_details", NULL, 0});
	if (name)
		apply(claims, &(struct change){"operation", name, 0});
	if (params)
		apply(claims, &(struct change){"operation_params", params, 0});
	if (more)
		apply(claims, more);
	enum sam_reason reason = sam_sad_operation_claims(claims, &rules, &a, operation, msg);
	if (reason == SAM_OK) {
		ck_assert_str_eq(a.sub, "alice");
		ck_assert_str_eq(a.jti, "0123456789abcdef");
		ck_assert_int_eq(a.exp, 1800000200);
		ck_assert_uint_eq(a.digest_count, 0); /* it signs nothing */
		ck_assert_str_eq(a.credential, "");
	}
	sam_sad_clear(&a);
	/* and it is no SAD to sign with */
	ck_assert_int_ne(read_json(claims, &a, NULL), SAM_OK);
	sam_sad_clear(&a);
	return reason;
}

/* a change of the parameters of one operation */
struct order {
	const char *name, *params;
	enum sam_reason reason;
};

static void check_orders(const struct order *orders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sam_sad_operation operation;
		struct sam_msg msg = {""};
		enum sam_reason reason = read_order(orders[i].name, orders[i].params, NULL, &operation, &msg);
		ck_assert_msg(reason == orders[i].reason, "%s %s: %s, not %s", orders[i].name, orders[i].params,
			      sam_reason_name(reason), sam_reason_name(orders[i].reason));
		ck_assert_msg((reason == SAM_OK) == (msg.text[0] == '\0'), "%s: '%s'", orders[i].params, msg.text);
	}
}
#define CHECK_ORDERS(orders) check_orders(orders, sizeof orders / sizeof orders[0])

START_TEST(operations_are_read_with_their_parameters)
{
	static const char *const lives[] = {"suspend", "resume", "destroy"};
	static const char *const acts[] = {"add", "replace", "remove", "unlock"};
	struct sam_sad_operation o;
	char name[24], params[128];
	for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
		snprintf(name, sizeof name, "\"%s\"", lives[i]);
		ck_assert_int_eq(read_order(name, "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"lost\"}", NULL, &o,
					    NULL), SAM_OK);
		ck_assert_str_eq(o.name, lives[i]);
		ck_assert_str_eq(o.credential, CREDENTIAL);
		ck_assert_str_eq(o.reason, "lost");
		ck_assert_int_eq(read_order(name, "{}", NULL, &o, NULL), SAM_OK);
		ck_assert_str_eq(o.credential, ""); /* the signer */
		ck_assert_str_eq(o.reason, "");
	}
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		snprintf(params, sizeof params, "{\"act\":\"%s\",\"jkt\":\"" KID "\"}", acts[i]);
		ck_assert_int_eq(read_order("\"authenticator\"", params, NULL, &o, NULL), SAM_OK);
		ck_assert_str_eq(o.name, "authenticator");
		ck_assert_str_eq(o.act, acts[i]);
		ck_assert_str_eq(o.jkt, KID);
	}
	ck_assert_int_eq(read_order("\"authenticator\"", "{\"act\":\"unlock\"}", NULL, &o, NULL), SAM_OK);
	ck_assert_str_eq(o.jkt, "");
}
END_TEST

START_TEST(operations_of_this_version_alone_are_taken)
{
	static const struct order orders[] = {
		{NULL, NULL, SAM_SAD_OPERATION},
		{NULL, "{}", SAM_SAD_OPERATION},
		{"\"sign\"", "{}", SAM_SAD_OPERATION},
		{"\"sign\"", NULL, SAM_SAD_OPERATION},
		{"\"Suspend\"", "{}", SAM_SAD_OPERATION},
		{"\"suspend \"", "{}", SAM_SAD_OPERATION},
		{"\"\"", "{}", SAM_SAD_OPERATION},
		{"null", "{}", SAM_SAD_CLAIMS},
		{"1", "{}", SAM_SAD_CLAIMS},
		{"[\"suspend\"]", "{}", SAM_SAD_CLAIMS},
	};
	CHECK_ORDERS(orders);
}
END_TEST

START_TEST(every_parameter_of_an_operation_is_known_and_in_bounds)
{
	static const struct order orders[] = {
		{"\"pin\"", "{\"new\":\"******\"}", SAM_OK}, /* the PIN itself was cut out: test_secret_claim */
		{"\"pin\"", "{\"new\":\"******\",\"old\":\"******\"}", SAM_SAD_CLAIMS},
		{"\"pin\"", "{\"new\":123456}", SAM_SAD_CLAIMS},
		{"\"pin\"", "{\"New\":\"******\"}", SAM_SAD_CLAIMS},
		{"\"pin\"", "{}", SAM_SAD_CLAIMS},
		{"\"pin\"", "\"******\"", SAM_SAD_CLAIMS},
		{"\"pin\"", NULL, SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"type\":\"ec:P-256\",\"label\":\"x\"}", SAM_OK},
		{"\"generate\"", "{\"type\":\"ec:P-256\",\"label\":\"\"}", SAM_OK},
		{"\"generate\"", "{\"type\":\"ec:P-256\"}", SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"label\":\"x\"}", SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"type\":\"rsa:1024\",\"label\":\"x\"}", SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"type\":1,\"label\":\"x\"}", SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"type\":\"ec:P-256\",\"label\":\"a\\nb\"}", SAM_SAD_CLAIMS},
		{"\"generate\"", "{\"type\":\"ec:P-256\",\"label\":\"x\",\"id\":\"y\"}", SAM_SAD_CLAIMS},
		{"\"activate\"", "{\"credentialID\":\"" CREDENTIAL "\",\"thumbprint\":\"" CREDENTIAL CREDENTIAL "\"}", SAM_OK},
		{"\"activate\"", "{\"credentialID\":\"" CREDENTIAL "\",\"thumbprint\":\"" CREDENTIAL "\"}", SAM_SAD_CLAIMS},
		{"\"activate\"", "{\"credentialID\":\"" CREDENTIAL "\"}", SAM_SAD_CLAIMS},
		{"\"activate\"", "{\"thumbprint\":\"" CREDENTIAL CREDENTIAL "\"}", SAM_SAD_CLAIMS},
		{"\"csr\"", "{\"credentialID\":\"" CREDENTIAL "\",\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", SAM_OK},
		{"\"csr\"", "{\"credentialID\":\"" CREDENTIAL "\",\"sha256\":\"" CREDENTIAL CREDENTIAL "0\"}", SAM_SAD_CLAIMS},
		{"\"csr\"", "{\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", SAM_SAD_CLAIMS},
		{"\"revoke\"", "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"lost\"}", SAM_OK},
		{"\"revoke\"", "{\"reason\":\"lost\"}", SAM_SAD_CLAIMS},
		{"\"import\"", "{\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", SAM_OK},
		{"\"import\"", "{\"sha256\":null}", SAM_SAD_CLAIMS},
		{"\"import\"", "{}", SAM_SAD_CLAIMS},
		{"\"suspend\"", NULL, SAM_SAD_CLAIMS},
		{"\"suspend\"", "null", SAM_SAD_CLAIMS},
		{"\"suspend\"", "[]", SAM_SAD_CLAIMS},
		{"\"suspend\"", "\"x\"", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"reason\":\"\"}", SAM_OK},
		{"\"suspend\"", "{\"reason\":1}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"reason\":null}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"reason\":\"a\\u0000b\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"reason\":\"a\\nb\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"credentialID\":\"\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"credentialID\":null}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"credentialID\":\"00112233445566778899AABBCCDDEEFF\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"credentialID\":\"" CREDENTIAL "0\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"credentialId\":\"" CREDENTIAL "\"}", SAM_SAD_CLAIMS},
		{"\"suspend\"", "{\"act\":\"add\",\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"resume\"", "{\"until\":1}", SAM_SAD_CLAIMS},
		{"\"destroy\"", "{\"all\":true}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", NULL, SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"replace\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"remove\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"unlock\",\"jkt\":null}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"\",\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"Add\",\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"replacement\",\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":1,\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\\u0000\",\"jkt\":\"" KID "\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\",\"jkt\":\"" KID "x\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\",\"jkt\":\"k\"}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\",\"jkt\":7}", SAM_SAD_CLAIMS},
		{"\"authenticator\"", "{\"act\":\"add\",\"jkt\":\"" KID "\",\"reason\":\"x\"}", SAM_SAD_CLAIMS},
	};
	char params[300] = "{\"reason\":\"";
	size_t head = strlen(params);
	CHECK_ORDERS(orders);
	memset(params + head, 'r', SAM_SAD_LABEL_MAX);
	strcpy(params + head + SAM_SAD_LABEL_MAX, "\"}");
	struct order longest = {"\"suspend\"", params, SAM_OK};
	check_orders(&longest, 1);
	strcpy(params + head + SAM_SAD_LABEL_MAX, "r\"}");
	longest.reason = SAM_SAD_CLAIMS;
	check_orders(&longest, 1);
}
END_TEST

/* Each member of each operation missing, of every other type, doubled, too long, with a NUL, a stranger beside it. */
START_TEST(every_member_of_every_operation_wrong)
{
	static const struct {
		const char *name, *params, *optional; /* the member that may be absent */
	} operations[] = {
		{"\"generate\"", "{\"type\":\"ec:P-256\",\"label\":\"x\"}", ""},
		{"\"activate\"", "{\"credentialID\":\"" CREDENTIAL "\",\"thumbprint\":\"" CREDENTIAL CREDENTIAL "\"}", ""},
		{"\"csr\"", "{\"credentialID\":\"" CREDENTIAL "\",\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", ""},
		{"\"import\"", "{\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", ""},
		{"\"suspend\"", "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"r\"}", "credentialID reason"},
		{"\"resume\"", "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"r\"}", "credentialID reason"},
		{"\"destroy\"", "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"r\"}", "credentialID reason"},
		{"\"revoke\"", "{\"credentialID\":\"" CREDENTIAL "\",\"reason\":\"r\"}", "reason"},
		{"\"authenticator\"", "{\"act\":\"add\",\"jkt\":\"" KID "\"}", ""},
	};
	static const char *const wrong[] = {"null", "true", "7", "0.5", "[]", "{}", "[\"x\"]", "\"x\\u0000\"", "\"\\n\"",
					    "\"\\u202e\""};
	char longest[700] = "\"";
	memset(longest + 1, 'a', 600);
	strcpy(longest + 601, "\"");
	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		sam_auto(json_decref) json_t *good = json_loads(operations[i].params, 0, NULL);
		struct sam_sad_operation o;
		const char *member;
		json_t *value;
		ck_assert_int_eq(read_order(operations[i].name, operations[i].params, NULL, &o, NULL), SAM_OK);
		json_object_foreach(good, member, value) {
			for (size_t w = 0; w < sizeof wrong / sizeof wrong[0] + 2; w++) {
				sam_auto(json_decref) json_t *params = json_deep_copy(good);
				const bool absent = w == sizeof wrong / sizeof wrong[0];
				const struct change c = {member, absent ? NULL : w > sizeof wrong / sizeof wrong[0]
								? longest : wrong[w], 0};
				apply(params, &c);
				sam_auto(sam_free) char *text = json_dumps(params, JSON_COMPACT);
				enum sam_reason reason = read_order(operations[i].name, text, NULL, &o, NULL);
				ck_assert_msg(reason == (absent && strstr(operations[i].optional, member) ? SAM_OK : SAM_SAD_CLAIMS),
					      "%s of %s: %s", text, operations[i].name, sam_reason_name(reason));
			}
		}
		json_object_set_new(good, "stranger", json_string("x"));
		sam_auto(sam_free) char *text = json_dumps(good, JSON_COMPACT);
		ck_assert_int_eq(read_order(operations[i].name, text, NULL, &o, NULL), SAM_SAD_CLAIMS);
	}
}
END_TEST

/* Hashes are 64 lower-case hexadecimal digits, and come out as their bytes. */
START_TEST(hashes_of_an_operation_have_one_spelling)
{
	static const char *const spellings[] = {
		CREDENTIAL CREDENTIAL "0", CREDENTIAL "00112233445566778899aabbccddeef", "00112233445566778899AABBCCDDEEFF" CREDENTIAL,
		CREDENTIAL "0x112233445566778899aabbccddeeff", " " CREDENTIAL "00112233445566778899aabbccddeef",
		CREDENTIAL "00112233445566778899aabbccddee=="};
	struct sam_sad_operation o;
	char params[200];
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		snprintf(params, sizeof params, "{\"sha256\":\"%s\"}", spellings[i]);
		ck_assert_int_eq(read_order("\"import\"", params, NULL, &o, NULL), SAM_SAD_CLAIMS);
		snprintf(params, sizeof params, "{\"credentialID\":\"" CREDENTIAL "\",\"sha256\":\"%s\"}", spellings[i]);
		ck_assert_int_eq(read_order("\"csr\"", params, NULL, &o, NULL), SAM_SAD_CLAIMS);
		snprintf(params, sizeof params, "{\"credentialID\":\"" CREDENTIAL "\",\"thumbprint\":\"%s\"}", spellings[i]);
		ck_assert_int_eq(read_order("\"activate\"", params, NULL, &o, NULL), SAM_SAD_CLAIMS);
	}
	ck_assert_int_eq(read_order("\"import\"", "{\"sha256\":\"" CREDENTIAL CREDENTIAL "\"}", NULL, &o, NULL), SAM_OK);
	ck_assert_uint_eq(o.sha256[1], 0x11);
	ck_assert_uint_eq(o.sha256[31], 0xff);
}
END_TEST

/* What is asked of every SAD is asked of these; and none may look like one that signs. */
START_TEST(the_other_claims_of_an_operation_are_checked_as_ever)
{
	static const struct change changes[] = {
		{"authorization_details", "[]", SAM_SAD_DETAILS},
		{"authorization_details", "null", SAM_SAD_DETAILS},
		{"iss", "\"bob\"", SAM_SAD_ISSUER},
		{"aud", "\"https://other\"", SAM_SAD_AUDIENCE},
		{"exp", "1800000000", SAM_SAD_EXPIRED},
		{"exp", "1800000291", SAM_SAD_LIFETIME},
		{"iat", "1800000011", SAM_SAD_NOT_YET},
		{"jti", NULL, SAM_SAD_CLAIMS},
		{"cnf", "{\"jkt\":\"x\"}", SAM_OK}, /* for sam_proof_check() */
		{"pin", "\"1234\"", SAM_SAD_CLAIMS},
		{"whatever", "1", SAM_OK},
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct sam_sad_operation operation;
		enum sam_reason reason = read_order("\"suspend\"", "{}", &changes[i], &operation, NULL);
		ck_assert_msg(reason == changes[i].reason, "%s = %s: %s", changes[i].member, changes[i].value,
			      sam_reason_name(reason));
	}
	/* to sign, and to order: one SAD is not both */
	sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
	struct sam_activation a = {.limit = 0};
	struct sam_sad_operation operation;
	ck_assert_int_eq(sam_sad_operation_claims(claims, &rules, &a, &operation, NULL), SAM_SAD_DETAILS);
	sam_sad_clear(&a);
}
END_TEST

/* ---- authorization_details ---- */

START_TEST(details_are_one_object)
{
	static const struct change changes[] = {
		{"authorization_details", "[]", SAM_SAD_DETAILS},
		{"authorization_details", "{}", SAM_SAD_DETAILS},
		{"authorization_details", "[1]", SAM_SAD_DETAILS},
		{"authorization_details", "[{}]", SAM_SAD_DETAILS},
		{"authorization_details", "[{},{}]", SAM_SAD_DETAILS},
		{"authorization_details", "\"x\"", SAM_SAD_DETAILS},
	};
	CHECK_CLAIMS(changes);
}
END_TEST

START_TEST(details_have_the_names_of_csc)
{
	static const struct change changes[] = {
		{"type", "\"https://cloudsignatureconsortium.org/2025/credential\"", SAM_OK},
		{"type", NULL, SAM_SAD_DETAILS},
		{"type", "\"Credential\"", SAM_SAD_DETAILS},
		{"type", "1", SAM_SAD_DETAILS},
		{"credentialID", NULL, SAM_SAD_DETAILS},
		{"credentialID", "\"0011\"", SAM_SAD_DETAILS},
		{"credentialID", "\"00112233445566778899AABBCCDDEEFF\"", SAM_SAD_DETAILS},
		{"credentialID", "\"00112233445566778899aabbccddeeff0\"", SAM_SAD_DETAILS},
		{"credentialID", "1", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", NULL, SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "\"1.3.14.3.2.26\"", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "\"sha256\"", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "1", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "\"2.16.840.1.101.3.4.2.2\"",
		 SAM_SAD_DETAILS}, /* the digests have another length */
		{"signAlgo", "\"1.2.840.113549.1.1.11\"", SAM_OK},
		{"signAlgo", "\"\"", SAM_SAD_DETAILS},
		{"signAlgo", "\"1..2\"", SAM_SAD_DETAILS},
		{"signAlgo", "\".1\"", SAM_SAD_DETAILS},
		{"signAlgo", "\"1.\"", SAM_SAD_DETAILS},
		{"signAlgo", "\"RSA\"", SAM_SAD_DETAILS},
		{"signAlgo", "1.2", SAM_SAD_DETAILS},
		{"signAlgo", "null", SAM_SAD_DETAILS},
		{"signAlgo",
		 "\"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26\"",
		 SAM_SAD_DETAILS},
		{"signatureQualifier", "\"eu_eidas_aes\"", SAM_OK},
		{"locations", "[\"x\"]", SAM_OK},
		{"description", "1", SAM_OK},
	};
	CHECK_DETAILS(changes);
}
END_TEST

START_TEST(count_is_at_most_that_of_the_digests)
{
	static const struct change changes[] = {
		{"numSignatures", "1", SAM_OK},
		{"numSignatures", "2", SAM_OK},
		{"numSignatures", "3", SAM_SAD_DETAILS},
		{"numSignatures", "0", SAM_SAD_DETAILS},
		{"numSignatures", "-1", SAM_SAD_DETAILS},
		{"numSignatures", "1.0", SAM_SAD_DETAILS},
		{"numSignatures", "\"1\"", SAM_SAD_DETAILS},
		{"numSignatures", "null", SAM_SAD_DETAILS},
		{"numSignatures", "4294967297", SAM_SAD_DETAILS},
	};
	CHECK_DETAILS(changes);
	struct sam_activation a = {.limit = 0};
	ck_assert_int_eq(read_changed(&changes[0], true, &a, NULL), SAM_OK);
	ck_assert_uint_eq(a.limit, 1);
	ck_assert_uint_eq(a.digest_count, 2);
	sam_sad_clear(&a);
}
END_TEST

START_TEST(digests_are_of_the_hash_in_either_base64)
{
	static const struct change changes[] = {
		{"documentDigests", NULL, SAM_SAD_DETAILS},
		{"documentDigests", "[]", SAM_SAD_DETAILS},
		{"documentDigests", "{}", SAM_SAD_DETAILS},
		{"documentDigests", "[1]", SAM_SAD_DETAILS},
		{"documentDigests", "[\"" D0 "\"]", SAM_SAD_DETAILS},
		{"documentDigests", "[{}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "=\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "==\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "A\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"AAAA\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":1}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\" " D0 "\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"++++////++++////++++////++++////++++////+/A=\"}]",
		 SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"dtbsr\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"DTBSR\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"dTbSr\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"sodr\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"dtbs\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":\"dtbsrx\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"hashType\":null}]", SAM_SAD_DETAILS},
		{"documentDigests",
		 "[{\"hash\":\"" D0 "\",\"label\":\"\xe5\xa5\x91\xe7\xb4\x84\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":1}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"a\\nb\"}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"a\\u001bb\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"a\\u007fb\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"a\\u009bb\"}]",
		 SAM_SAD_DETAILS},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"label\":\"a\\u00a0b\"}]", SAM_OK},
		{"documentDigests", "[{\"hash\":\"" D0 "\",\"circumference\":7}]", SAM_OK},
		/* one bad among good ones, behind a label that must not leak */
		{"documentDigests",
		 "[{\"hash\":\"" D0 "\",\"label\":\"x\"},{\"hash\":\"" D1 "\"},{\"hash\":1}]",
		 SAM_SAD_DETAILS},
	};
	CHECK_DETAILS(changes);
}
END_TEST

START_TEST(label_has_at_most_256_bytes)
{
	char text[400];
	for (int len = 256; len <= 257; len++) {
		snprintf(text, sizeof text, "[{\"hash\":\"" D0 "\",\"label\":\"%0*d\"}]", len, 0);
		struct change c = {"documentDigests", text, len == 256 ? SAM_OK : SAM_SAD_DETAILS};
		check_changes(&c, 1, true);
	}
}
END_TEST

START_TEST(label_shows_all_that_it_is)
{
	static const struct {
		const char *label;
		enum sam_reason reason;
	} labels[] = {
		{"\\u5951\\u7d04\\u66f8", SAM_OK}, {"caf\\u00e9 \\u2013 \\u20ac", SAM_OK}, {"\\u2070", SAM_OK},
		{"a\\u202eb", SAM_SAD_DETAILS},   {"a\\u200bb", SAM_SAD_DETAILS},	     {"a\\u2028b", SAM_SAD_DETAILS},
		{"a\\u2066b", SAM_SAD_DETAILS},   {"\\ufeff", SAM_SAD_DETAILS},	     {"a\\u061cb", SAM_SAD_DETAILS},
		{"a\\u0085b", SAM_SAD_DETAILS},   {"a\\nb", SAM_SAD_DETAILS},
	};
	char text[200];
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		snprintf(text, sizeof text, "[{\"hash\":\"" D0 "\",\"label\":\"%s\"}]", labels[i].label);
		struct change c = {"documentDigests", text, labels[i].reason};
		check_changes(&c, 1, true);
	}
}
END_TEST

START_TEST(digest_listed_twice_counts_once)
{
	struct sam_activation a = {.limit = 0};
	struct change c = {"documentDigests",
			   "[{\"hash\":\"" D1 "\",\"label\":\"first\"},{\"hash\":\"" D0
			   "\"},{\"hash\":\"" D1 "=\",\"label\":\"a\"},"
			   "{\"hash\":\"" D1 "\"}]",
			   SAM_OK};
	ck_assert_int_eq(read_changed(&c, true, &a, NULL), SAM_OK);
	ck_assert_uint_eq(a.digest_count, 2);
	ck_assert_uint_eq(a.limit, 2);
	ck_assert_str_eq(a.digests[1].label, "first");
	sam_sad_clear(&a);
	/* so numSignatures 3 is too many */
	sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
	json_t *details = json_array_get(json_object_get(claims, "authorization_details"), 0);
	apply(details, &c);
	json_object_set_new(details, "numSignatures", json_integer(3));
	ck_assert_int_eq(read_json(claims, &a, NULL), SAM_SAD_DETAILS);
	sam_sad_clear(&a);
}
END_TEST

/* the digest number i, little-endian, spread so that the order of listing is not the sorted one */
static void numbered(uint8_t digest[32], uint32_t i)
{
	memset(digest, 0, 32);
	i *= 2654435761u;
	memcpy(digest, &i, sizeof i);
}

static json_t *numbered_list(uint32_t count)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < count; i++) {
		uint8_t digest[32];
		char text[44];
		numbered(digest, i);
		sam_encode_b64url(digest, sizeof digest, text);
		json_array_append_new(list, json_pack("{s:s}", "hash", text));
	}
	return list;
}

START_TEST(two_thousand_digests_and_no_more)
{
	for (uint32_t count = 2000; count <= 2001; count++) {
		sam_auto(json_decref) json_t *claims = json_loads(good_claims, 0, NULL);
		json_t *details = json_array_get(json_object_get(claims, "authorization_details"),
						 0);
		json_object_set_new(details, "documentDigests", numbered_list(count));
		struct sam_activation a = {.limit = 0};
		ck_assert_int_eq(read_json(claims, &a, NULL),
				 count == 2000 ? SAM_OK : SAM_SAD_DETAILS);
		for (uint32_t i = 0; count == 2000 && i < count; i++) {
			uint8_t digest[32];
			numbered(digest, i);
			const struct sam_digest *found = sam_sad_digest_find(&a, digest);
			ck_assert_ptr_nonnull(found);
			ck_assert_mem_eq(found->value, digest, sizeof digest);
			digest[31] = 1;
			ck_assert_ptr_null(sam_sad_digest_find(&a, digest));
		}
		sam_sad_clear(&a);
	}
}
END_TEST

START_TEST(digest_is_found_in_its_own_hash_only)
{
	struct sam_activation a = good_activation(), empty = {.hash = SAM_HASH_SHA256};
	uint8_t digest[SAM_HASH_MAX] = {1};
	digest[32] = 0xff; /* beyond a SHA-256: not looked at */
	ck_assert_ptr_eq(sam_sad_digest_find(&a, digest), &a.digests[1]);
	digest[31] = 1;
	ck_assert_ptr_null(sam_sad_digest_find(&a, digest));
	ck_assert_ptr_null(sam_sad_digest_find(&empty, digest));
	sam_sad_clear(&a);
}
END_TEST

START_TEST(longer_hashes_are_taken)
{
	static const struct change changes[] = {
		{"authorization_details",
		 "[{\"type\":\"credential\",\"credentialID\":\"" CREDENTIAL
		 "\",\"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.2\","
		 "\"documentDigests\":[{\"hash\":"
		 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}]}]",
		 SAM_OK},
		{"authorization_details",
		 "[{\"type\":\"credential\",\"credentialID\":\"" CREDENTIAL
		 "\",\"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.3\","
		 "\"documentDigests\":[{\"hash\":"
		 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		 "AAAAAAAAAQ==\"}]}]",
		 SAM_OK},
	};
	CHECK_CLAIMS(changes);
	struct sam_activation a = {.limit = 0};
	uint8_t digest[64] = {0};
	digest[63] = 1;
	ck_assert_int_eq(read_changed(&changes[1], false, &a, NULL), SAM_OK);
	ck_assert_int_eq(a.hash, SAM_HASH_SHA512);
	ck_assert_ptr_nonnull(sam_sad_digest_find(&a, digest));
	sam_sad_clear(&a);
}
END_TEST

/* ---- the header ---- */

START_TEST(header_of_a_sad)
{
	static const struct {
		const char *header;
		enum sam_reason reason;
	} headers[] = {
		{"{\"typ\":\"sad+jwt\",\"kid\":\"" KID "\"}", SAM_OK},
		{"{\"kid\":\"" KID "\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"sad+jwt\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"JWT\",\"kid\":\"" KID "\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"SAD+JWT\",\"kid\":\"" KID "\"}", SAM_SAD_HEADER},
		{"{\"typ\":1,\"kid\":\"" KID "\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"application/sad+jwt\",\"kid\":\"" KID "\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"sad+jwt\",\"kid\":\"" KID "x\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"sad+jwt\",\"kid\":\"k\"}", SAM_SAD_HEADER},
		{"{\"typ\":\"sad+jwt\",\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr.CkLMjCE19ECD-U\"}",
		 SAM_SAD_HEADER},
		{"{\"typ\":\"sad+jwt\",\"kid\":7}", SAM_SAD_HEADER},
	};
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		char kid[SAM_THUMBPRINT_LEN + 1];
		struct sam_jws jws = {.header = json_loads(headers[i].header, 0, NULL)};
		ck_assert_msg(sam_sad_header(&jws, "sad+jwt", kid) == headers[i].reason, "%s",
			      headers[i].header);
		ck_assert_str_eq(kid, headers[i].reason == SAM_OK ? KID : "");
		/* a SAD is no other statement, whoever signed it */
		ck_assert_int_eq(sam_sad_header(&jws, "sam-act+jwt", kid), SAM_SAD_HEADER);
		ck_assert_str_eq(kid, "");
		sam_jose_clear(&jws);
	}
}
END_TEST

/* ---- the store's text ---- */

static char *written_order(void);

static char *written(void)
{
	struct sam_activation a = good_activation();
	char *text;
	memcpy(a.kid, KID, sizeof KID);
	memset(a.payload, 0xab, sizeof a.payload);
	memset(a.sad_sha256, 0xcd, sizeof a.sad_sha256);
	strcpy(a.sign_algo, "1.2.840.113549.1.1.11");
	a.limit = 1;
	a.factors = SAM_FACTOR_POSSESSION | SAM_FACTOR_KNOWLEDGE;
	a.encrypted = true;
	ck_assert_int_eq(sam_sad_write(&a, &text), SAM_OK);
	ck_assert_ptr_null(strchr(text, '\n'));
	sam_sad_clear(&a);
	return text;
}

START_TEST(activation_reads_back_as_it_was_written)
{
	sam_auto(sam_free) char *text = written();
	struct sam_activation a = good_activation(), b;
	ck_assert_int_eq(sam_sad_read(text, strlen(text), &b), SAM_OK);
	ck_assert(b.token);
	ck_assert_str_eq(b.iss, a.iss);
	ck_assert_str_eq(b.sub, a.sub);
	ck_assert_str_eq(b.jti, a.jti);
	ck_assert_str_eq(b.kid, KID);
	ck_assert_int_eq(b.iat, a.iat);
	ck_assert_int_eq(b.nbf, a.nbf);
	ck_assert_int_eq(b.exp, a.exp);
	ck_assert_str_eq(b.credential, a.credential);
	ck_assert_int_eq(b.hash, a.hash);
	ck_assert_uint_eq(b.limit, 1);
	ck_assert_str_eq(b.sign_algo, "1.2.840.113549.1.1.11");
	ck_assert_uint_eq(b.payload[31], 0xab);
	ck_assert_uint_eq(b.sad_sha256[31], 0xcd);
	ck_assert_uint_eq(b.factors, SAM_FACTOR_POSSESSION | SAM_FACTOR_KNOWLEDGE);
	ck_assert(b.encrypted);
	ck_assert_uint_eq(b.digest_count, a.digest_count);
	for (size_t i = 0; i < a.digest_count; i++) {
		ck_assert_mem_eq(b.digests[i].value, a.digests[i].value, SAM_HASH_MAX);
		ck_assert_int_eq(b.digests[i].label != NULL, a.digests[i].label != NULL);
	}
	ck_assert_str_eq(b.digests[1].label, "b");
	sam_sad_clear(&a);
	sam_sad_clear(&b);
}
END_TEST

/* Tokens live a day at most: what an earlier version kept was signed by a device key and nothing more. */
START_TEST(a_text_of_an_earlier_version_shows_possession_alone)
{
	char *texts[] = {written(), written_order()};
	for (size_t i = 0; i < 2; i++) {
		struct sam_activation a;
		sam_auto(json_decref) json_t *json = json_loads(texts[i], 0, NULL);
		json_object_del(json, "factors");
		json_object_del(json, "encrypted");
		sam_auto(sam_free) char *old = json_dumps(json, JSON_COMPACT);
		ck_assert_int_eq(sam_sad_read(old, strlen(old), &a), SAM_OK);
		ck_assert_uint_eq(a.factors, SAM_FACTOR_POSSESSION);
		ck_assert(!a.encrypted);
		sam_sad_clear(&a);
		free(texts[i]);
	}
}
END_TEST

/* Whose key it is that its issuer names, only the issuer knows. */
START_TEST(an_issuers_activation_keeps_its_names)
{
	struct sam_activation a = good_activation(), b;
	char *text;
	strcpy(a.iss, "https://as.example.jp");
	strcpy(a.kid, "2026-11");
	strcpy(a.issuer_key, KID);
	a.factors = SAM_FACTOR_POSSESSION | SAM_FACTOR_ASSERTED;
	ck_assert_int_eq(sam_sad_write(&a, &text), SAM_OK);
	ck_assert_int_eq(sam_sad_read(text, strlen(text), &b), SAM_OK);
	ck_assert_str_eq(b.iss, a.iss);
	ck_assert_str_eq(b.kid, a.kid);
	ck_assert_uint_eq(b.factors, a.factors);
	sam_sad_clear(&a);
	sam_sad_clear(&b);
	free(text);
}
END_TEST

START_TEST(changed_text_is_refused)
{
	static const struct change changes[] = {
		{"iss", NULL, 0},
		{"sub", NULL, 0},
		{"jti", NULL, 0},
		{"kid", NULL, 0},
		{"iat", NULL, 0},
		{"nbf", NULL, 0},
		{"exp", NULL, 0},
		{"credential", NULL, 0},
		{"hash", NULL, 0},
		{"digests", NULL, 0},
		{"limit", NULL, 0},
		{"sign_algo", NULL, 0},
		{"payload", NULL, 0},
		{"sad_sha256", NULL, 0},
		{"factors", NULL, 0},
		{"encrypted", NULL, 0},
		{"factors", "0", 0},
		{"factors", "8", 0},
		{"factors", "-1", 0},
		{"factors", "\"1\"", 0},
		{"encrypted", "1", 0},
		{"extra", "1", 0},
		{"iss", "1", 0},
		{"sub", "\"a b\"", 0},
		{"jti", "\"short\"", 0},
		{"kid", "\"k\"", 0},
		{"iat", "\"1\"", 0},
		{"exp", "0", 0},
		{"nbf", "-5", 0},
		{"limit", "0", 0},
		{"limit", "3", 0},
		{"limit", "1.0", 0},
		{"credential", "\"00\"", 0},
		{"hash", "\"sha1\"", 0},
		{"hash", "\"sha512\"", 0},
		{"sign_algo", "\"x\"", 0},
		{"payload", "\"ab\"", 0},
		{"sad_sha256", "1", 0},
		{"digests", "[]", 0},
		{"digests", "{}", 0},
		{"digests", "[\"\"]", 0},
		{"digests", "[[\"zz\"]]", 0},
		{"digests", "[[\"00\"]]", 0},
		{"digests", "[[]]", 0},
		{"digests",
		 "[[\"0000000000000000000000000000000000000000000000000000000000000000\",\"a\","
		 "\"b\"]]",
		 0},
		{"digests",
		 "[[\"0000000000000000000000000000000000000000000000000000000000000000\",\"\\n\"]]",
		 0},
		{"digests",
		 "[[\"0000000000000000000000000000000000000000000000000000000000000001\"],"
		 "[\"0000000000000000000000000000000000000000000000000000000000000000\"]]",
		 0},
		{"digests",
		 "[[\"0000000000000000000000000000000000000000000000000000000000000000\"],"
		 "[\"0000000000000000000000000000000000000000000000000000000000000000\"]]",
		 0},
	};
	sam_auto(sam_free) char *text = written();
	struct sam_activation a;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		sam_auto(json_decref) json_t *json = json_loads(text, 0, NULL);
		apply(json, &changes[i]);
		sam_auto(sam_free) char *changed = json_dumps(json, JSON_COMPACT);
		ck_assert_msg(sam_sad_read(changed, strlen(changed), &a) == SAM_STORE_TAMPERED,
			      "%s = %s", changes[i].member, changes[i].value);
		ck_assert_ptr_null(a.digests);
	}
	ck_assert_int_eq(sam_sad_read(text, strlen(text) - 1, &a), SAM_STORE_TAMPERED);
	ck_assert_int_eq(sam_sad_read("", 0, &a), SAM_STORE_TAMPERED);
}
END_TEST

/* ---- the token of a SAD that orders a key ---- */

static struct sam_activation order_activation(void)
{
	struct sam_activation a = {.iat = 1799999990, .nbf = 1799999990, .exp = 1800000200, .version = 4,
				   .factors = SAM_FACTOR_POSSESSION};
	strcpy(a.iss, "alice");
	strcpy(a.sub, "alice");
	strcpy(a.jti, "0123456789abcdef");
	strcpy(a.kid, KID);
	memset(a.payload, 0xab, sizeof a.payload);
	memset(a.sad_sha256, 0xcd, sizeof a.sad_sha256);
	a.order = calloc(1, sizeof *a.order);
	strcpy(a.order->name, "generate");
	strcpy(a.order->type, "ec:P-384");
	strcpy(a.order->label, "hers");
	return a;
}

static char *written_order(void)
{
	struct sam_activation a = order_activation();
	char *text;
	ck_assert_int_eq(sam_sad_write(&a, &text), SAM_OK);
	sam_sad_clear(&a);
	return text;
}

START_TEST(an_order_reads_back_as_it_was_written)
{
	sam_auto(sam_free) char *text = written_order();
	struct sam_activation a = order_activation(), b;
	ck_assert_int_eq(sam_sad_read(text, strlen(text), &b), SAM_OK);
	ck_assert(b.token);
	ck_assert_ptr_nonnull(b.order);
	ck_assert_str_eq(b.order->name, "generate");
	ck_assert_str_eq(b.order->type, "ec:P-384");
	ck_assert_str_eq(b.order->label, "hers");
	ck_assert_str_eq(b.sub, a.sub);
	ck_assert_str_eq(b.jti, a.jti);
	ck_assert_str_eq(b.kid, a.kid);
	ck_assert_int_eq(b.iat, a.iat);
	ck_assert_int_eq(b.exp, a.exp);
	ck_assert_uint_eq(b.version, 4);
	ck_assert_uint_eq(b.factors, SAM_FACTOR_POSSESSION);
	ck_assert(!b.encrypted);
	ck_assert_mem_eq(b.payload, a.payload, sizeof a.payload);
	ck_assert_mem_eq(b.sad_sha256, a.sad_sha256, sizeof a.sad_sha256);
	/* it signs nothing */
	ck_assert_str_eq(b.credential, "");
	ck_assert_uint_eq(b.digest_count, 0);
	ck_assert_uint_eq(b.limit, 0);
	sam_sad_clear(&a);
	sam_sad_clear(&b);
	ck_assert_ptr_null(b.order);
}
END_TEST

START_TEST(a_changed_order_is_refused)
{
	static const struct change changes[] = {
		{"iss", NULL, 0}, {"sub", NULL, 0}, {"jti", NULL, 0}, {"kid", NULL, 0}, {"iat", NULL, 0}, {"nbf", NULL, 0},
		{"exp", NULL, 0}, {"payload", NULL, 0}, {"sad_sha256", NULL, 0}, {"version", NULL, 0}, {"type", NULL, 0},
		{"label", NULL, 0}, {"extra", "1", 0}, {"type", "\"rsa:1024\"", 0}, {"type", "1", 0}, {"type", "\"\"", 0},
		{"label", "1", 0}, {"label", "\"a\\nb\"", 0}, {"version", "-1", 0}, {"version", "\"4\"", 0}, {"exp", "0", 0},
		/* it does not become one that signs */
		{"credential", "\"" CREDENTIAL "\"", 0}, {"digests", "[]", 0}, {"limit", "1", 0},
	};
	sam_auto(sam_free) char *text = written_order();
	sam_auto(sam_free) char *sign = written();
	struct sam_activation a;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		sam_auto(json_decref) json_t *json = json_loads(text, 0, NULL);
		apply(json, &changes[i]);
		sam_auto(sam_free) char *changed = json_dumps(json, JSON_COMPACT);
		ck_assert_msg(sam_sad_read(changed, strlen(changed), &a) == SAM_STORE_TAMPERED, "%s = %s", changes[i].member,
			      changes[i].value);
		ck_assert_ptr_null(a.order);
	}
	/* nor one that signs one that orders */
	sam_auto(json_decref) json_t *json = json_loads(sign, 0, NULL);
	json_object_set_new(json, "type", json_string("ec:P-256"));
	json_object_set_new(json, "label", json_string("x"));
	sam_auto(sam_free) char *both = json_dumps(json, JSON_COMPACT);
	ck_assert_int_eq(sam_sad_read(both, strlen(both), &a), SAM_STORE_TAMPERED);
}
END_TEST

static Suite *sad_suite(void)
{
	Suite *suite = suite_create("sad");
	TCase *claims = tcase_create("claims"), *details = tcase_create("details"),
	      *operations = tcase_create("operations"), *text = tcase_create("text");
	tcase_add_test(claims, good_claims_become_an_activation);
	tcase_add_test(claims, every_required_claim_is_required);
	tcase_add_test(claims, issuer_is_the_subject);
	tcase_add_test(claims, audience_is_this_sam_alone);
	tcase_add_test(claims, times_are_checked_to_the_second);
	tcase_add_test(claims, times_are_whole_numbers);
	tcase_add_test(claims, jti_is_long_enough_and_plain);
	tcase_add_test(claims, unused_claims_are_still_typed);
	tcase_add_test(claims, other_operations_are_refused);
	tcase_add_test(claims, payload_that_is_no_object_is_refused);
	tcase_add_test(claims, message_names_the_claim_and_not_its_value);
	tcase_add_test(claims, identity_is_found_without_the_rest);
	tcase_add_test(claims, header_of_a_sad);
	tcase_add_test(operations, operations_are_read_with_their_parameters);
	tcase_add_test(operations, operations_of_this_version_alone_are_taken);
	tcase_add_test(operations, every_parameter_of_an_operation_is_known_and_in_bounds);
	tcase_add_test(operations, every_member_of_every_operation_wrong);
	tcase_add_test(operations, hashes_of_an_operation_have_one_spelling);
	tcase_add_test(operations, the_other_claims_of_an_operation_are_checked_as_ever);
	tcase_add_test(details, details_are_one_object);
	tcase_add_test(details, details_have_the_names_of_csc);
	tcase_add_test(details, count_is_at_most_that_of_the_digests);
	tcase_add_test(details, digests_are_of_the_hash_in_either_base64);
	tcase_add_test(details, label_has_at_most_256_bytes);
	tcase_add_test(details, label_shows_all_that_it_is);
	tcase_add_test(details, digest_listed_twice_counts_once);
	tcase_add_test(details, two_thousand_digests_and_no_more);
	tcase_add_test(details, digest_is_found_in_its_own_hash_only);
	tcase_add_test(details, longer_hashes_are_taken);
	tcase_add_test(text, activation_reads_back_as_it_was_written);
	tcase_add_test(text, a_text_of_an_earlier_version_shows_possession_alone);
	tcase_add_test(text, an_issuers_activation_keeps_its_names);
	tcase_add_test(text, changed_text_is_refused);
	tcase_add_test(text, an_order_reads_back_as_it_was_written);
	tcase_add_test(text, a_changed_order_is_refused);
	suite_add_tcase(suite, claims);
	suite_add_tcase(suite, operations);
	suite_add_tcase(suite, details);
	suite_add_tcase(suite, text);
	return suite;
}

SAM_UNIT_MAIN(sad_suite)
