/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `issuers:` of the policy file: what is read, and what is refused where and why.
 */
#include <stdio.h>
#include <string.h>
#include "policy/policy.h"
#include "unit.h"

#define HEAD(level)                                                                                 \
	"version: 1\nlevel: " level "\n"                                                            \
	"signing: {authorisation: sad, always_authenticate: true, verify: true, curve_below_hash: false}\n" \
	"sap: {max_lifetime: 300s, leeway: 10s, algorithms: [ES256, PS256, EdDSA]}\n"               \
	"hashes: [sha256]\nmechanisms: [CKM_ECDSA]\nkeys: [{type: ec, bits: 256}]\n"                \
	"roles: {administrator_operator: false, dual_control: [], pending: 24h, session: 15m}\n"    \
	"passwords: {min_length: 12, min_different: 5}\nlockout: {attempts: 5, time: 15m}\n"
#define CMS "cms: [{manufacturer: a, model: b, evaluation: \"none, for tests\"}]\nschemes: [CC]\n"
#define ONE "iss: 'https://as.example.jp', jwks: /etc/p11-sam/as.jwks"
/* one entry with more in it, at line 11 */
#define WITH(level, more) HEAD(level) "issuers: [{" ONE more "}]\n"

static struct sam_policy parsed(const char *text)
{
	struct sam_msg msg = { "" };
	struct sam_policy p;

	ck_assert_msg(sam_policy_parse("p.yaml", text, strlen(text), &p, &msg) == SAM_OK, "%s", msg.text);
	return p;
}

static void refused(const char *text, const char *place, const char *why)
{
	struct sam_msg msg = { "" };
	struct sam_policy p;
	char begin[64];

	memset(&p, 0xa5, sizeof p);
	snprintf(begin, sizeof begin, "p.yaml:%s: ", place);
	ck_assert_int_eq(sam_policy_parse("p.yaml", text, strlen(text), &p, &msg), SAM_POLICY);
	ck_assert_msg(!strncmp(msg.text, begin, strlen(begin)), "%s: wanted %s", msg.text, begin);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: wanted %s", msg.text, why);
	ck_assert_msg(!strstr(msg.text, "hidden"), "%s: quotes the contents", msg.text);
	ck_assert_uint_eq(p.level + p.issuer_count, 0);
}

START_TEST(an_entry_says_little_by_itself)
{
	struct sam_policy p = parsed(WITH("1", ""));
	const struct sam_policy_issuer *i = &p.issuers[0];

	ck_assert_uint_eq(p.issuer_count, 1);
	ck_assert_str_eq(i->iss, "https://as.example.jp");
	ck_assert_str_eq(i->jwks, "/etc/p11-sam/as.jwks");
	ck_assert(!i->typ_access && !i->typ_jwt && !i->flat && !i->delegation);
	ck_assert_uint_eq(i->acr_count + i->amr_count + (size_t)i->max_auth_age, 0);
	ck_assert_mem_eq(i->algorithms, p.sad_algorithms, sizeof i->algorithms);
	ck_assert(!sam_policy_issuer_asserts(i));
	ck_assert_ptr_eq(sam_policy_issuer(&p, "https://as.example.jp"), i);
	ck_assert_ptr_null(sam_policy_issuer(&p, "https://as.example.jp/"));
	ck_assert_ptr_null(sam_policy_issuer(&p, ""));
	ck_assert_uint_eq(parsed(HEAD("1")).issuer_count, 0);
}
END_TEST

START_TEST(an_entry_is_read)
{
	struct sam_policy p = parsed(WITH("1", ", typ: [JWT, at+jwt], algorithms: [ES256], acr: ['urn:x', high], "
					       "amr: [pin, hwk], max_auth_age: 5m, flat: true, delegation: true"));
	const struct sam_policy_issuer *i = &p.issuers[0];

	ck_assert(i->typ_access && i->typ_jwt && i->flat && i->delegation);
	ck_assert(i->algorithms[SAM_JWS_ES256] && !i->algorithms[SAM_JWS_PS256] && !i->algorithms[SAM_JWS_EDDSA]);
	ck_assert_uint_eq(i->acr_count, 2);
	ck_assert_str_eq(i->acr[1], "high");
	ck_assert_uint_eq(i->amr_count, 2);
	ck_assert_str_eq(i->amr[0], "pin");
	ck_assert_int_eq(i->max_auth_age, 300);
	ck_assert(sam_policy_issuer_asserts(i));
}
END_TEST

/* A second kind of factor beside possession (P2-3.1.4), or none. */
START_TEST(an_issuers_word_is_a_kind_of_its_own_where_it_is_of_another)
{
	static const char *const kinds[] = { "pin", "pwd", "kba", "fpt", "face", "iris", "retina", "vbm", "mfa" };
	static const char *const none[] = { "hwk", "swk", "pop", "otp", "sms", "tel", "sc", "user", "mca", "geo", "rba",
					    "wia" };
	const size_t kind_count = sizeof kinds / sizeof kinds[0], count = kind_count + sizeof none / sizeof none[0];
	char text[2048];

	for (size_t i = 0; i < count; i++) {
		const char *word = i < kind_count ? kinds[i] : none[i - kind_count];
		snprintf(text, sizeof text, HEAD("1") "issuers: [{" ONE ", amr: [hwk%s%s]}]\n", strcmp(word, "hwk") ? ", " : "",
			 strcmp(word, "hwk") ? word : "");
		struct sam_policy p = parsed(text);
		ck_assert_msg(sam_policy_issuer_asserts(&p.issuers[0]) == (i < kind_count), "%s", word);
	}
	struct sam_policy p = parsed(WITH("1", ", acr: [high]"));
	ck_assert(sam_policy_issuer_asserts(&p.issuers[0]));
}
END_TEST

START_TEST(other_entries_are_refused)
{
	refused(HEAD("1") "issuers: {}\n", "11:10", "a list");
	refused(HEAD("1") "issuers: []\n", "11:10", "empty");
	refused(HEAD("1") "issuers: [hidden]\n", "11:11", "a list of maps");
	refused(HEAD("1") "issuers: [{jwks: /a}]\n", "11:11", "`iss`");
	refused(HEAD("1") "issuers: [{iss: 'https://a'}]\n", "11:11", "`jwks`");
	refused(HEAD("1") "issuers: [{iss: [hidden], jwks: /a}]\n", "11:17", "iss");
	refused(HEAD("1") "issuers: [{iss: '', jwks: /a}]\n", "11:17", "1 to 255 bytes");
	refused(HEAD("1") "issuers: [{iss: 'https://a', jwks: hidden/a}]\n", "11:36", "whole path");
	refused(HEAD("1") "issuers: [{iss: 'https://a', jwks: ''}]\n", "11:36", "1 to 511 bytes");
	refused(WITH("1", ", hidden: 1"), "11:70", "unknown key");
	refused(WITH("1", ", typ: JWT"), "11:75", "list");
	refused(WITH("1", ", typ: []"), "11:75", "empty");
	refused(WITH("1", ", typ: [hidden]"), "11:75", "at+jwt or JWT");
	refused(WITH("1", ", typ: [sad+jwt]"), "11:75", "at+jwt or JWT");
	refused(WITH("1", ", typ: [JWT, JWT]"), "11:81", "twice");
	refused(WITH("1", ", algorithms: []"), "11:82", "empty");
	refused(WITH("1", ", algorithms: [HS256]"), "11:83", "no algorithm");
	refused(WITH("1", ", algorithms: [none]"), "11:83", "no algorithm");
	refused(WITH("1", ", algorithms: [ES512]"), "11:82", "sap.algorithms");
	refused(WITH("1", ", acr: []"), "11:75", "empty");
	refused(WITH("1", ", acr: hidden"), "11:75", "list");
	refused(WITH("1", ", acr: ['']"), "11:76", "1 to 128 bytes");
	refused(WITH("1", ", acr: [a, a]"), "11:79", "twice");
	refused(WITH("1", ", amr: [a, b, c, d, e, f, g, h, i]"), "11:100", "more than 8");
	refused(WITH("1", ", amr: [[hidden]]"), "11:76", "a text is wanted");
	refused(WITH("1", ", max_auth_age: 0"), "11:84", "whole seconds");
	refused(WITH("1", ", max_auth_age: 25h"), "11:84", "whole seconds");
	refused(WITH("1", ", max_auth_age: hidden"), "11:84", "a duration");
	refused(WITH("1", ", flat: yes"), "11:76", "true or false");
	refused(WITH("1", ", delegation: 1"), "11:82", "true or false");
	refused(HEAD("1") "issuers: [{" ONE "}, {" ONE "}]\n", "11:77", "twice");
}
END_TEST

/* iss = sub is a signer's own word: no issuer may be called what a signer may. */
START_TEST(an_issuer_is_called_as_no_signer)
{
	static const char *const names[] = { "alice", "a", "as.example.jp", "9", "a_b@c+d-e" };
	char text[2048];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(text, sizeof text, HEAD("1") "issuers: [{iss: '%s', jwks: /a}]\n", names[i]);
		refused(text, "11:17", "signer's id");
	}
	parsed(HEAD("1") "issuers: [{iss: 'urn:as', jwks: /a}, {iss: 'https://b', jwks: /a}]\n");
}
END_TEST

START_TEST(delegation_is_for_level_one)
{
	ck_assert(parsed(WITH("1", ", delegation: true")).issuers[0].delegation);
	for (unsigned level = 2; level <= 3; level++) {
		const char *on = level == 2 ? WITH("2", ", delegation: true") CMS : WITH("3", ", delegation: true") CMS;
		const char *off = level == 2 ? WITH("2", ", delegation: false") CMS : WITH("3", ", delegation: false") CMS;
		refused(on, "11:82", "level 1 only");
		ck_assert(!parsed(off).issuers[0].delegation);
	}
}
END_TEST

START_TEST(more_than_eight_are_refused)
{
	char text[4096];

	strcpy(text, HEAD("1") "issuers:\n");
	for (unsigned i = 0; i < 8; i++)
		sprintf(text + strlen(text), "- {iss: 'urn:%u', jwks: /a}\n", i);
	ck_assert_uint_eq(parsed(text).issuer_count, 8);
	strcat(text, "- {iss: 'urn:8', jwks: /a}\n");
	refused(text, "20:3", "more than 8");
}
END_TEST

static Suite *suite_of(void)
{
	Suite *suite = suite_create("policy_issuers");
	TCase *c = tcase_create("issuers");
	tcase_add_test(c, an_entry_says_little_by_itself);
	tcase_add_test(c, an_entry_is_read);
	tcase_add_test(c, an_issuers_word_is_a_kind_of_its_own_where_it_is_of_another);
	tcase_add_test(c, other_entries_are_refused);
	tcase_add_test(c, an_issuer_is_called_as_no_signer);
	tcase_add_test(c, delegation_is_for_level_one);
	tcase_add_test(c, more_than_eight_are_refused);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(suite_of)
