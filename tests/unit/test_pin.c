/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pin.h: every row of the contract's table of PINs, and what clients make of them on the way.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "base/jws.h"
#include "sap/pin.h"

#define TOKEN "sat_abcdefghijklmnopqrstuvwx27" /* 30 characters */

static enum sam_reason read_text(const char *text, const char *name, struct sam_pin *pin)
{
	return sam_pin_read(text, strlen(text), name, pin);
}

/* HEADER.e30.SIGNATURE with a signature of `chars` characters; ${header} is JSON */
static char *sad(const char *header, size_t chars)
{
	size_t size = 2 * strlen(header) + chars + 16;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	size_t n = sam_encode_b64url(header, strlen(header), text);
	memcpy(text + n, ".e30.", 5);
	memset(text + n + 5, 'A', chars);
	text[n + 5 + chars] = '\0';
	return text;
}

/* ---- the table ---- */

START_TEST(sad_is_told_by_two_dots)
{
	struct sam_pin pin;
	sam_auto(sam_free) char *text = sad("{\"alg\":\"ES256\"}", 86);
	ck_assert_int_eq(read_text(text, NULL, &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_SAD);
	ck_assert_ptr_eq(pin.text, text);
	ck_assert_uint_eq(pin.len, strlen(text));
	ck_assert_int_eq(read_text(text, "alice", &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_SAD);
}
END_TEST

START_TEST(token_has_exactly_thirty_characters)
{
	struct sam_pin pin;
	ck_assert_uint_eq(strlen(TOKEN), 30);
	ck_assert_int_eq(read_text(TOKEN, NULL, &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_TOKEN);
	ck_assert_str_eq(pin.text, TOKEN);
	ck_assert_uint_eq(pin.len, 30);
	ck_assert_int_eq(read_text(TOKEN, "alice", &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_TOKEN);
	for (size_t len = 4; len < 30; len++)
		ck_assert_int_eq(sam_pin_read(TOKEN, len, NULL, &pin), SAM_SAD_TRUNCATED);
	ck_assert_int_eq(read_text(TOKEN "a", NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text("sat_Abcdefghijklmnopqrstuvwx27", NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text("sat_abcdefghijklmnopqrstuvwx01", NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text("sat_abc:efghijklmnopqrstuvwx27", NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text("sat_"
				   "a b",
				   NULL, &pin),
			 SAM_PIN_FORM);
}
END_TEST

START_TEST(password_follows_the_first_colon)
{
	struct sam_pin pin;
	ck_assert_int_eq(read_text("alice:se:cret", NULL, &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_PASSWORD);
	ck_assert_str_eq(pin.name, "alice");
	ck_assert_uint_eq(pin.len, 7);
	ck_assert_int_eq(memcmp(pin.text, "se:cret", 7), 0);
	ck_assert_int_eq(read_text("a@b.c+d-e_f:\xc3\xa9 \t!", NULL, &pin), SAM_OK);
	ck_assert_str_eq(pin.name, "a@b.c+d-e_f");
	/* the secret is not looked into */
	ck_assert_int_eq(read_text("alice:eyJhbGciOiJFUzI1NiJ9", NULL, &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_PASSWORD);
}
END_TEST

START_TEST(user_name_makes_the_pin_the_secret)
{
	struct sam_pin pin;
	ck_assert_int_eq(read_text("bob:secret", "alice", &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_PASSWORD);
	ck_assert_str_eq(pin.name, "alice");
	ck_assert_str_eq(pin.text, "bob:secret");
	/* begins like a SAD or token and is none */
	ck_assert_int_eq(read_text("eyJoe is my dog", "alice", &pin), SAM_OK);
	ck_assert_str_eq(pin.text, "eyJoe is my dog");
	ck_assert_int_eq(read_text("sat_ON-THE-MAT", "alice", &pin), SAM_OK);
	ck_assert_int_eq(pin.kind, SAM_PIN_PASSWORD);
	/* but what looks cut is not tried as a password: it would count as a wrong one */
	ck_assert_int_eq(read_text("eyJhbGciOiJFUzI1NiJ9.eyJpc3Mi", "alice", &pin),
			 SAM_SAD_TRUNCATED);
	ck_assert_int_eq(read_text("sat_abc", "alice", &pin), SAM_SAD_TRUNCATED);
	ck_assert_int_eq(read_text("secret", "eyJalice", &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text("secret", "", &pin), SAM_PIN_FORM);
}
END_TEST

START_TEST(null_and_empty_are_different)
{
	struct sam_pin pin;
	ck_assert_int_eq(sam_pin_read(NULL, 0, NULL, &pin), SAM_PIN_NULL);
	ck_assert_int_eq(sam_pin_read(NULL, 5, "alice", &pin), SAM_PIN_NULL);
	ck_assert_int_eq(sam_pin_read("", 0, NULL, &pin), SAM_PIN_EMPTY);
	ck_assert_int_eq(sam_pin_read("x", 0, "alice", &pin), SAM_PIN_EMPTY);
}
END_TEST

#define JWS "eyJhbGciOiJFUzI1NiJ9.e30." A86
#define A16 "AAAAAAAAAAAAAAAA"
#define A22 A16 "AAAAAA"
#define A86 A16 A16 A16 A16 A22
#define JWE "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9.." A16 ".AAAA." A22

START_TEST(proof_comes_behind_a_tilde)
{
	static const struct {
		const char *text;
		enum sam_reason reason;
	} pins[] = {
		{JWS "~" JWS, SAM_OK},
		{JWS "~", SAM_SAD_TRUNCATED},
		{JWS "~ey", SAM_SAD_TRUNCATED},
		{JWS "~eyJhbGciOiJFUzI1NiJ9", SAM_SAD_TRUNCATED},
		{JWS "~eyJhbGciOiJFUzI1NiJ9.e30.AAAA", SAM_SAD_TRUNCATED},
		{JWS "~" JWS "~", SAM_PIN_FORM},
		{JWS "~" JWS "~" JWS, SAM_PIN_FORM},
		{JWS "~AAAA", SAM_PIN_FORM},
		{JWS "~" JWE, SAM_PIN_FORM},
		{JWE "~" JWS, SAM_PIN_FORM},
		{"eyJ~eyJ", SAM_PIN_FORM},
		{"eyJhbGciOiJFUzI1NiJ9.e30.AAAA~" JWS, SAM_PIN_FORM},
	};
	for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++) {
		struct sam_pin pin;
		ck_assert_msg(read_text(pins[i].text, NULL, &pin) == pins[i].reason, "%s", pins[i].text);
		ck_assert_msg(read_text(pins[i].text, "alice", &pin) == pins[i].reason, "%s", pins[i].text);
		if (pins[i].reason != SAM_OK)
			continue;
		ck_assert_int_eq(pin.kind, SAM_PIN_SAD);
		ck_assert_ptr_eq(pin.text, pins[i].text);
		ck_assert_uint_eq(pin.len, strlen(pins[i].text));
	}
}
END_TEST

START_TEST(encrypted_sad_has_four_dots)
{
	static const char *const whole[] = {
		JWE,
		"eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9." A86 "." A16 "." A86 "." A22,
		"eyJ.." A16 ".." A22, /* what it is, says who opens it */
	};
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
		struct sam_pin pin;
		ck_assert_int_eq(read_text(whole[i], NULL, &pin), SAM_OK);
		ck_assert_int_eq(pin.kind, SAM_PIN_ENCRYPTED);
		ck_assert_ptr_eq(pin.text, whole[i]);
		ck_assert_uint_eq(pin.len, strlen(whole[i]));
	}
}
END_TEST

START_TEST(encrypted_sad_cut_anywhere_is_told_as_cut)
{
	for (size_t len = 3; len < sizeof JWE - 1; len++) {
		struct sam_pin pin;
		ck_assert_msg(sam_pin_read(JWE, len, NULL, &pin) == SAM_SAD_TRUNCATED, "at %zu", len);
	}
}
END_TEST

START_TEST(five_dots_are_nothing)
{
	struct sam_pin pin;
	ck_assert_int_eq(read_text(JWE ".AAAA", NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(read_text(JWE ".", NULL, &pin), SAM_PIN_FORM);
}
END_TEST

START_TEST(anything_else_is_refused)
{
	static const char *const texts[] = {
		"1234",
		"secret",
		":secret",
		"alice:",
		"alice",
		" alice:secret",
		"al ice:secret",
		"sat",
		"ey",
		"e",
		"eyJ hbGci",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n",
		"eyJa:secret",
		"eyJhbGci+.e30.AAAA",
		"eyJ.a.b.c.d.e",
		"eyJ......",
		"Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
		"\"eyJhbGciOiJFUzI1NiJ9.e30.AAAA\"",
		"a123456789012345678901234567890123456789012345678901234567890123x:secret",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct sam_pin pin;
		ck_assert_msg(read_text(texts[i], NULL, &pin) == SAM_PIN_FORM, "%s", texts[i]);
	}
}
END_TEST

START_TEST(embedded_nul_is_refused)
{
	struct sam_pin pin;
	ck_assert_int_eq(sam_pin_read("alice:se\0cret", 13, NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(sam_pin_read("se\0cret", 7, "alice", &pin), SAM_PIN_FORM);
	ck_assert_int_eq(sam_pin_read(TOKEN, sizeof TOKEN, NULL, &pin), SAM_PIN_FORM);
	ck_assert_int_eq(sam_pin_read("eyJhbGciOiJFUzI1NiJ9.e30.AA\0A", 29, NULL, &pin),
			 SAM_PIN_FORM);
}
END_TEST

START_TEST(length_is_bounded)
{
	struct sam_pin pin;
	sam_auto(sam_free) char *text = malloc(SAM_PIN_MAX + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', SAM_PIN_MAX + 1);
	memcpy(text, "alice:", 6);
	ck_assert_int_eq(sam_pin_read(text, SAM_PIN_MAX, NULL, &pin), SAM_OK);
	ck_assert_uint_eq(pin.len, SAM_PIN_MAX - 6);
	ck_assert_int_eq(sam_pin_read(text, SAM_PIN_MAX + 1, NULL, &pin), SAM_PIN_TOO_LONG);
}
END_TEST

/* ---- cut by the client ---- */

/* Where clients cut (31, 127, 255 bytes), and everywhere else. */
START_TEST(sad_cut_anywhere_is_told_as_cut)
{
	static const struct {
		const char *header;
		size_t chars;
	} sads[] = {
		{"{\"alg\":\"ES256\",\"typ\":\"sad+jwt\"}", 86},
		{"{\"alg\":\"EdDSA\",\"typ\":\"sad+jwt\"}", 86},
		{"{\"alg\":\"ES384\",\"typ\":\"sad+jwt\"}", 128},
		{"{\"alg\":\"ES512\",\"typ\":\"sad+jwt\"}", 176},
		{"{\"alg\":\"RS256\",\"typ\":\"sad+jwt\"}", 342},
		{"{\"alg\":\"PS512\",\"typ\":\"sad+jwt\"}", 342},
	};
	for (size_t i = 0; i < sizeof sads / sizeof sads[0]; i++) {
		struct sam_pin pin;
		sam_auto(sam_free) char *text = sad(sads[i].header, sads[i].chars);
		ck_assert_int_eq(read_text(text, NULL, &pin), SAM_OK);
		for (size_t len = 3; len < strlen(text); len++)
			ck_assert_msg(sam_pin_read(text, len, NULL, &pin) == SAM_SAD_TRUNCATED,
				      "%s at %zu", sads[i].header, len);
	}
}
END_TEST

START_TEST(rsa_signature_of_no_possible_length_is_cut)
{
	struct sam_pin pin;
	for (size_t chars = 342; chars <= 1366; chars++) {
		sam_auto(sam_free) char *text = sad("{\"alg\":\"RS256\"}", chars);
		ck_assert_int_eq(read_text(text, NULL, &pin),
				 chars % 4 == 1 ? SAM_SAD_TRUNCATED : SAM_OK);
	}
}
END_TEST

/* Whole, but not ours: the reading of the JWS says what is wrong with it. */
START_TEST(foreign_or_broken_header_is_left_to_the_reader)
{
	static const struct {
		const char *header;
		size_t chars;
		enum sam_reason reason;
	} sads[] = {
		{"{\"alg\":\"none\"}", 0, SAM_OK},
		{"{\"alg\":\"HS256\"}", 43, SAM_OK},
		{"{\"alg\":\"ES256\"}", 0, SAM_SAD_TRUNCATED},
		{"{\"alg\":\"ES256\"}", 87, SAM_OK},
		{"{\"typ\":\"sad+jwt\"}", 86, SAM_OK},
		{"{\"alg\":1}", 128, SAM_OK},
		{"{\"alg\":\"ES256\"", 176, SAM_OK},
		{"{\"alg\":\"ES256\"", 342, SAM_OK},
		{"{\"typ\":\"sad+jwt\"}", 85, SAM_SAD_TRUNCATED},
		{"{\"typ\":\"sad+jwt\"}", 0, SAM_SAD_TRUNCATED},
		{"{\"alg\":\"ES256\"", 100, SAM_SAD_TRUNCATED},
	};
	for (size_t i = 0; i < sizeof sads / sizeof sads[0]; i++) {
		struct sam_pin pin;
		sam_auto(sam_free) char *text = sad(sads[i].header, sads[i].chars);
		ck_assert_msg(read_text(text, NULL, &pin) == sads[i].reason, "%s %zu",
			      sads[i].header, sads[i].chars);
	}
}
END_TEST

START_TEST(a_password_has_not_the_form_of_a_sad_or_token)
{
	static const struct {
		const char *secret;
		bool may;
	} secrets[] = {
		{"correct horse", true},
		{"sat_aaaaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"sat_aaaa", false},
		{"sat_ and something", true},
		{"eyJhbGciOiJFUzI1NiJ9", false},
		{"eyJ is a beginning", true},
		{"", false},
	};
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
		ck_assert_msg(sam_pin_may_be_password(secrets[i].secret, strlen(secrets[i].secret)) == secrets[i].may,
			      "%s", secrets[i].secret);
}
END_TEST

static Suite *pin_suite(void)
{
	Suite *suite = suite_create("pin");
	TCase *table = tcase_create("table"), *cut = tcase_create("cut");
	tcase_add_test(table, sad_is_told_by_two_dots);
	tcase_add_test(table, token_has_exactly_thirty_characters);
	tcase_add_test(table, password_follows_the_first_colon);
	tcase_add_test(table, user_name_makes_the_pin_the_secret);
	tcase_add_test(table, null_and_empty_are_different);
	tcase_add_test(table, proof_comes_behind_a_tilde);
	tcase_add_test(table, encrypted_sad_has_four_dots);
	tcase_add_test(table, five_dots_are_nothing);
	tcase_add_test(table, anything_else_is_refused);
	tcase_add_test(table, embedded_nul_is_refused);
	tcase_add_test(table, length_is_bounded);
	tcase_add_test(table, a_password_has_not_the_form_of_a_sad_or_token);
	tcase_add_test(cut, sad_cut_anywhere_is_told_as_cut);
	tcase_add_test(cut, encrypted_sad_cut_anywhere_is_told_as_cut);
	tcase_add_test(cut, rsa_signature_of_no_possible_length_is_cut);
	tcase_add_test(cut, foreign_or_broken_header_is_left_to_the_reader);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, cut);
	return suite;
}

SAM_UNIT_MAIN(pin_suite)
