/* SPDX-License-Identifier: BSD-3-Clause
 *
 * secret_claim.h: the PIN is found by one scan before JSON is read, and nowhere else; what the scanner says is compared
 * with what jansson says.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "sap/jose.h"
#include "sap/secret_claim.h"

static struct sam_msg msg;

/* What comes of a payload: cut, read as JSON, compared. ${left}: the payload as JSON saw it, malloc()ed. */
static enum sam_reason present(const char *payload, size_t len, struct sam_secret_claims *out, char **left)
{
	char *copy = malloc(len + 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, payload, len);
	copy[len] = '\0';
	msg.text[0] = '\0';
	enum sam_reason reason = sam_secret_claims_cut((uint8_t *)copy, len, out, &msg);
	sam_auto(json_decref) json_t *claims = reason == SAM_OK ? sam_jose_json(copy, len) : NULL;
	if (reason == SAM_OK && !claims)
		reason = SAM_SAD_MALFORMED;
	if (reason == SAM_OK)
		reason = sam_secret_claims_check(claims, out, &msg);
	if (reason == SAM_OK)
		ck_assert_ptr_null(json_object_get(claims, "pin"));
	*left = copy;
	return reason;
}

struct row {
	const char *payload, *pin, *fresh; /* NULL: it is refused for */
	enum sam_reason reason;
	const char *claim;
};

#define X64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct row rows[] = {
	/* taken */
	{"{}", "", "", SAM_OK, NULL},
	{"{\"pin\":\"1234\"}", "1234", "", SAM_OK, NULL},
	{"{\"pin\":\"" X64 "\"}", X64, "", SAM_OK, NULL},
	{" {\"a\":1 , \"pin\" \t:\r\n \"12 34\" , \"b\":[]}", "12 34", "", SAM_OK, NULL},
	{"{\"pin\":\"****\"}", "****", "", SAM_OK, NULL},
	{"{\"pin\":\"{[}]:,'~!\"}", "{[}]:,'~!", "", SAM_OK, NULL},
	{"{\"a\":\"\\\"pin\\\":\\\"9999\\\"\",\"pin\":\"1234\"}", "1234", "", SAM_OK, NULL},
	{"{\"a\":\"x\\\\\",\"pin\":\"1234\"}", "1234", "", SAM_OK, NULL},
	{"{\"pin\":\"1234\",\"operation_params\":{\"new\":\"abcd\"}}", "1234", "abcd", SAM_OK, NULL},
	{"{\"operation_params\":{\"new\":\"abcd\"},\"pin\":\"1234\"}", "1234", "abcd", SAM_OK, NULL},
	{"{\"operation_params\" : {\"x\":{\"new\":\"deep\"},\"new\" : \"abcd\"}}", "", "abcd", SAM_OK, NULL},
	/* not the claims: elsewhere, or of another name */
	{"{\"a\":{\"pin\":\"1234\"}}", "", "", SAM_OK, NULL},
	{"{\"a\":[\"pin\",{\"pin\":\"1234\"}]}", "", "", SAM_OK, NULL},
	{"{\"a\":\"pin\",\"b\":\"1234\"}", "", "", SAM_OK, NULL},
	{"{\"PIN\":\"1234\",\"pin \":\"1234\",\"pi\":1,\"pins\":2,\"\":3}", "", "", SAM_OK, NULL},
	{"{\"new\":\"1234\"}", "", "", SAM_OK, NULL},
	{"{\"a\":{\"operation_params\":{\"new\":\"abcd\"}}}", "", "", SAM_OK, NULL},
	{"{\"operation_params\":[{\"new\":\"abcd\"}]}", "", "", SAM_OK, NULL},
	{"{\"operation_params\":{\"a\":[\"new\"]},\"b\":{\"new\":\"abcd\"}}", "", "", SAM_OK, NULL},
	{"{\"operation_params\":1,\"b\":{\"new\":\"abcd\"}}", "", "", SAM_OK, NULL},
	/* no PIN */
	{"{\"pin\":\"123\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"" X64 "0\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":1234}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":null}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":[\"1234\"]}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":{\"pin\":\"1234\"}}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\\\"34\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\\u003334\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\\\\34\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\t34\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\x7f" "34\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"12\xc3\xa9" "34\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"operation_params\":{\"new\":\"abc\"}}", NULL, NULL, SAM_SAD_CLAIMS, "operation_params.new"},
	{"{\"operation_params\":{\"new\":1234}}", NULL, NULL, SAM_SAD_CLAIMS, "operation_params.new"},
	/* twice */
	{"{\"pin\":\"1234\",\"pin\":\"1234\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"1234\",\"pin\":\"5678\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"operation_params\":{\"new\":\"abcd\",\"new\":\"efgh\"}}", NULL, NULL, SAM_SAD_CLAIMS, "operation_params.new"},
	{"{\"operation_params\":{\"new\":\"abcd\"},\"operation_params\":{\"new\":\"efgh\"}}", NULL, NULL, SAM_SAD_CLAIMS,
	 "operation_params.new"},
	/* spelt otherwise */
	{"{\"\\u0070in\":\"1234\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"p\\u0069n\":\"1234\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"\\u0070\\u0069\\u006E\":\"1234\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":\"1234\",\"\\u0070in\":\"5678\"}", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"operation\\u005fparams\":{\"new\":\"abcd\"}}", NULL, NULL, SAM_SAD_CLAIMS, "operation_params"},
	{"{\"operation_params\":{\"n\\u0065w\":\"abcd\"}}", NULL, NULL, SAM_SAD_CLAIMS, "operation_params.new"},
	/* no JSON at all */
	{"", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"\"pin\":\"1234\"", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"[\"pin\",\"1234\"]", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"{\"pin\":\"1234", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\":", NULL, NULL, SAM_SAD_CLAIMS, "pin"},
	{"{\"pin\"", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"{\"pin", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"{\"a\":\"\\", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"{\"pin\":\"1234\"}}", NULL, NULL, SAM_SAD_MALFORMED, NULL},
	{"}{\"pin\":\"1234\"}", NULL, NULL, SAM_SAD_MALFORMED, NULL},
};

START_TEST(the_secrets_of_a_payload)
{
	const struct row *row = &rows[_i];
	struct sam_secret_claims out;
	char *left;
	enum sam_reason reason = present(row->payload, strlen(row->payload), &out, &left);
	ck_assert_msg(reason == row->reason, "%s: %s, not %s", row->payload, sam_reason_name(reason),
		      sam_reason_name(row->reason));
	ck_assert_msg(!row->claim || strcmp(msg.text, row->claim) == 0, "%s: %s", row->payload, msg.text);
	if (reason == SAM_OK) {
		ck_assert_str_eq(out.pin, row->pin);
		ck_assert_str_eq(out.fresh, row->fresh);
		ck_assert_uint_eq(strlen(left), strlen(row->payload));
	}
	sam_secret_claims_wipe(&out);
	ck_assert_str_eq(out.pin, "");
	free(left);
}
END_TEST

START_TEST(what_json_reads_has_no_secret)
{
	static const char payload[] = "{\"sub\":\"alice\",\"pin\":\"hunter22\",\"operation_params\":{\"new\":\"correct-horse\"}}";
	struct sam_secret_claims out;
	char *left;
	ck_assert_int_eq(present(payload, sizeof payload - 1, &out, &left), SAM_OK);
	ck_assert_str_eq(left, "{\"sub\":\"alice\",\"pin\":\"********\",\"operation_params\":{\"new\":\"*************\"}}");
	free(left);
}
END_TEST

/* ---- against jansson: texts made of the pieces that matter, most of them no JSON ---- */

static uint32_t state = 88172645;

static uint32_t next(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static bool may_be_pin(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	bool ok = text && len >= 4 && len <= 64;
	for (size_t i = 0; ok && i < len; i++)
		ok = text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' && text[i] != '\\';
	return ok;
}

START_TEST(the_scanner_finds_what_jansson_would)
{
	static const char *const pieces[] = {
		"{", "}", "[", "]", ":", ",", "\"pin\"", "\"operation_params\"", "\"new\"", "\"1234\"", "\"abcd\"", "\"a\"",
		"\"\\u0070in\"", "\"12\\u00334\"", "1", "null", " ", "\"", "\\", "\"x\\\"y\"", "{\"new\":\"efgh\"}", "\"pin\":\"5678\"",
	};
	const char *counts = getenv("SAM_TEST_LONG");
	const unsigned rounds = counts && strcmp(counts, "1") == 0 ? 3000000 : 100000;
	unsigned taken = 0, with_pin = 0, with_new = 0;
	for (unsigned round = 0; round < rounds; round++) {
		char text[512] = "{";
		const bool tidy = next(2); /* members one after the other, so that many are JSON */
		for (unsigned n = next(10); n > 0 && strlen(text) < 400; n--) {
			if (tidy && text[1])
				strcat(text, ",");
			strcat(text, pieces[tidy ? 6 + next(6) : next(sizeof pieces / sizeof pieces[0])]);
			if (tidy) {
				strcat(text, ":");
				strcat(text, next(4) ? pieces[9 + next(2)] : pieces[next(2) ? 20 : 14]);
			}
		}
		strcat(text, "}");
		const size_t len = strlen(text);
		struct sam_secret_claims out;
		char *left;
		enum sam_reason reason = present(text, len, &out, &left);
		sam_auto(json_decref) json_t *json = sam_jose_json(text, len);
		if (reason == SAM_OK) {
			const json_t *pin = json_object_get(json, "pin");
			const json_t *fresh = json_object_get(json_object_get(json, "operation_params"), "new");
			ck_assert_msg(json != NULL, "%s", text);
			ck_assert_msg(pin ? strcmp(json_string_value(pin), out.pin) == 0 : !out.pin[0], "%s", text);
			ck_assert_msg(fresh ? strcmp(json_string_value(fresh), out.fresh) == 0 : !out.fresh[0], "%s", text);
			taken++;
			with_pin += out.pin[0] != '\0';
			with_new += out.fresh[0] != '\0';
		} else if (json && !strchr(text, '\\')) {
			/* without escapes it refuses only what is no PIN */
			const json_t *pin = json_object_get(json, "pin");
			const json_t *fresh = json_object_get(json_object_get(json, "operation_params"), "new");
			ck_assert_msg((pin && !may_be_pin(pin)) || (fresh && !may_be_pin(fresh)), "%s: %s", text,
				      sam_reason_name(reason));
		}
		free(left);
	}
	ck_assert_uint_gt(taken, 1000);
	ck_assert_uint_gt(with_pin, 1000);
	ck_assert_uint_gt(with_new, 100);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("secret claim");
	TCase *c = tcase_create("scan");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, the_secrets_of_a_payload, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(c, what_json_reads_has_no_secret);
	tcase_add_test(c, the_scanner_finds_what_jansson_would);
	suite_add_tcase(s, c);
	return s;
}

SAM_UNIT_MAIN(suite)
