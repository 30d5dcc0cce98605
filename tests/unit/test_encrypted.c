/* SPDX-License-Identifier: BSD-3-Clause
 *
 * encrypted.h and recipient.h: SADs encrypted to a SAM whose key is in a CM, right and wrong; the key changed, over, gone.
 */
#define SAM_FIXTURE_MOCK
#include "sam_fixture.h"

#include "base/encode.h"
#include "sap/encrypted.h"
#include "sap/jwe.h"
#include "sap/recipient.h"

#define INSIDE "eyJhbGciOiJFUzI1NiJ9.e30.AAAA~eyJhbGciOiJFUzI1NiJ9.e30.BBBB"
#define OAEP256 "C_GenerateKeyPair oaep256\nC_DecryptInit oaep256\nC_Decrypt oaep256\n"

static const char *const algorithms[] = {SAM_JWE_WRAPPED, SAM_JWE_DIRECT, SAM_JWE_RSA};

/* ---- making them ---- */

static const struct sam_sap_key *current(bool rsa)
{
	struct sam_msg msg = {""};
	is(sam_recipient_first(sam, rsa, &msg), SAM_OK);
	const struct sam_sap_key *key = sam_registry_sap_now(snapshot(), rsa);
	ck_assert_ptr_nonnull(key);
	return key;
}

static char *encrypt_to(const json_t *jwk, const char *alg, const char *text)
{
	char *jwe;
	sam_auto(json_decref) json_t *header = json("{'cty':'sad+jwt'}");
	is(sam_jwe_encrypt(jwk, alg, header, text, strlen(text), &jwe), SAM_OK);
	keep(KEPT_TEXT, jwe);
	return jwe;
}

static char *encrypted(const char *alg)
{
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(current(strcmp(alg, SAM_JWE_RSA) == 0)->pkey);
	return encrypt_to(jwk, alg, INSIDE);
}

static enum sam_reason open_text(const char *text)
{
	struct sam_secret out = {NULL, 0};
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_encrypted_open(sam, snapshot(), text, strlen(text), &out, &msg);
	ck_assert((reason == SAM_OK) == (out.data != NULL));
	if (reason == SAM_OK)
		ck_assert_str_eq((const char *)out.data, INSIDE);
	sam_secret_clear(&out);
	return reason;
}

static json_t *header_of(const char *text)
{
	uint8_t buffer[4096];
	size_t len;
	ck_assert(sam_decode_b64url(text, strcspn(text, "."), buffer, sizeof buffer, &len));
	json_t *header = sam_jose_json(buffer, len);
	ck_assert_ptr_nonnull(header);
	return header;
}

/* The same with another header's text. */
static char *with_header(const char *text, const char *header)
{
	const char *rest = strchr(text, '.');
	size_t size = strlen(header) * 2 + strlen(rest) + 4;
	char *out = malloc(size);
	ck_assert_ptr_nonnull(out);
	size_t n = sam_encode_b64url(header, strlen(header), out);
	snprintf(out + n, size - n, "%s", rest);
	keep(KEPT_TEXT, out);
	return out;
}

static char *with_member(const char *text, const char *name, const char *value)
{
	sam_auto(json_decref) json_t *header = header_of(text);
	if (value)
		ck_assert_int_eq(json_object_set_new(header, name, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	else
		ck_assert_int_eq(json_object_del(header, name), 0);
	sam_auto(sam_free) char *dumped = json_dumps(header, JSON_COMPACT);
	return with_header(text, dumped);
}

/* ---- right ones ---- */

START_TEST(what_is_encrypted_to_the_sam_opens)
{
	if (_i == 2)
		cm_write(cm_control, OAEP256);
	char *text = encrypted(algorithms[_i]);
	is(open_text(text), SAM_OK);
	is(open_text(text), SAM_OK); /* looking at it uses nothing up */
	ck_assert_ptr_null(strstr(text, "eyJhbGciOiJFUzI1NiJ9.e30"));
}
END_TEST

START_TEST(first_key_is_made_once_and_on_record)
{
	ck_assert_uint_eq(snapshot()->sap_key_count, 0);
	char kid[SAM_KID_SIZE];
	strcpy(kid, current(false)->kid);
	ck_assert_str_eq(current(false)->kid, kid);
	ck_assert_uint_eq(snapshot()->sap_key_count, 1);
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(current(false)->pkey);
	ck_assert_str_eq(json_string_value(json_object_get(jwk, "kid")), kid);
}
END_TEST

START_TEST(statement_of_the_key_verifies_by_the_sams_key_alone)
{
	const struct sam_sap_key *key = current(false);
	struct sam_device own;
	json_t *claims = NULL;
	is(sam_own_device(snapshot()->statement_key, &own), SAM_OK);
	is(sam_own_verify(&own, SAM_ID, SAM_TYP_SAP_KEY, key->statement, strlen(key->statement), &claims), SAM_OK);
	ck_assert_str_eq(json_string_value(json_object_get(claims, "jkt")), key->kid);
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(key->pkey);
	json_object_del(jwk, "kid");
	ck_assert(json_equal(json_object_get(claims, "jwk"), jwk));
	json_decref(claims);
	is(sam_own_verify(&own, "https://other.example.jp", SAM_TYP_SAP_KEY, key->statement, strlen(key->statement), &claims),
	   SAM_SAD_AUDIENCE);
	is(sam_own_verify(&own, SAM_ID, SAM_TYP_EVIDENCE, key->statement, strlen(key->statement), &claims), SAM_SAD_HEADER);
	sam_device_clear(&own);
}
END_TEST

/* ---- wrong ones ---- */

static const struct {
	const char *name, *value; /* NULL: removed */
	enum sam_reason reason;
} members[] = {
	{"alg", NULL, SAM_JWE_ALGORITHM},
	{"alg", "1", SAM_JWE_ALGORITHM},
	{"alg", "\"dir\"", SAM_JWE_ALGORITHM},
	{"alg", "\"A256KW\"", SAM_JWE_ALGORITHM},
	{"alg", "\"RSA1_5\"", SAM_JWE_ALGORITHM},
	{"alg", "\"RSA-OAEP\"", SAM_JWE_ALGORITHM},
	{"alg", "\"ECDH-ES+A128KW\"", SAM_JWE_ALGORITHM},
	{"alg", "\"ecdh-es+a256kw\"", SAM_JWE_ALGORITHM},
	{"alg", "\"PBES2-HS256+A128KW\"", SAM_JWE_ALGORITHM},
	{"alg", "\"ECDH-ES\"", SAM_JWE_MALFORMED}, /* and there is an encrypted key */
	{"enc", NULL, SAM_JWE_ALGORITHM},
	{"enc", "\"A128GCM\"", SAM_JWE_ALGORITHM},
	{"enc", "\"A256CBC-HS512\"", SAM_JWE_ALGORITHM},
	{"enc", "null", SAM_JWE_ALGORITHM},
	{"zip", "\"DEF\"", SAM_JWE_ALGORITHM},
	{"zip", "null", SAM_JWE_ALGORITHM},
	{"crit", "[\"exp\"]", SAM_JWE_ALGORITHM},
	{"crit", "[]", SAM_JWE_ALGORITHM},
	{"jku", "\"https://evil.example\"", SAM_JWE_ALGORITHM},
	{"x5u", "\"https://evil.example\"", SAM_JWE_ALGORITHM},
	{"cty", NULL, SAM_SAD_HEADER},
	{"cty", "\"JWT\"", SAM_SAD_HEADER},
	{"cty", "\"SAD+JWT\"", SAM_SAD_HEADER},
	{"cty", "[\"sad+jwt\"]", SAM_SAD_HEADER},
	{"kid", NULL, SAM_SAD_HEADER},
	{"kid", "7", SAM_SAD_HEADER},
	{"kid", "\"\"", SAM_SAD_RECIPIENT},
	{"kid", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", SAM_SAD_RECIPIENT},
	{"kid", "\"statement\"", SAM_SAD_RECIPIENT},
	{"epk", NULL, SAM_JWE_MALFORMED},
	{"epk", "{}", SAM_JWE_MALFORMED},
	{"epk", "\"x\"", SAM_JWE_MALFORMED},
	{"epk", "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}", SAM_JWE_MALFORMED},
	/* not on the curve; the point at infinity, as near as this form comes to it; a coordinate too short, too large */
	{"epk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
		"\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\"}", SAM_SAD_ENCRYPTED}, /* a point, another */
	{"epk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
		"\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyco\"}", SAM_JWE_MALFORMED},
	{"epk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", SAM_JWE_MALFORMED},
	{"epk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxA\","
		"\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\"}", SAM_JWE_MALFORMED},
	{"epk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"_____________________________________________\","
		"\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\"}", SAM_JWE_MALFORMED},
	{"apu", "7", SAM_JWE_MALFORMED},
	{"apv", "\"=\"", SAM_JWE_MALFORMED},
	{"apu", "\"QWxpY2U\"", SAM_SAD_ENCRYPTED}, /* another key comes of it */
	{"typ", "\"JWT\"", SAM_SAD_ENCRYPTED},     /* not looked at, but sealed */
};

enum { MEMBERS = sizeof members / sizeof members[0] };

START_TEST(each_member_of_the_header_wrong_is_refused)
{
	char *text = encrypted(SAM_JWE_WRAPPED);
	for (size_t i = 0; i < MEMBERS; i++) {
		enum sam_reason reason = open_text(with_member(text, members[i].name, members[i].value));
		ck_assert_msg(reason == members[i].reason, "%s %s: %s", members[i].name,
			      members[i].value ? members[i].value : "removed", sam_reason_name(reason));
	}
	is(open_text(text), SAM_OK);
}
END_TEST

/* The CM, asked, would fail: it is not asked. */
START_TEST(point_off_the_curve_never_reaches_the_cm)
{
	char *text = encrypted(SAM_JWE_DIRECT);
	cm_write(cm_control, "C_DeriveKey fail 0x5\n");
	is(open_text(text), SAM_CM_FAILED);
	for (size_t i = 0; i < MEMBERS; i++)
		if (strcmp(members[i].name, "epk") == 0 && members[i].reason == SAM_JWE_MALFORMED)
			is(open_text(with_member(text, "epk", members[i].value)), SAM_JWE_MALFORMED);
	is(open_text(with_member(text, "kid", "\"x\"")), SAM_SAD_RECIPIENT);
	is(open_text(with_member(text, "zip", "\"DEF\"")), SAM_JWE_ALGORITHM);
}
END_TEST

START_TEST(doubled_member_is_refused)
{
	char *text = encrypted(SAM_JWE_DIRECT), doubled[4096];
	sam_auto(json_decref) json_t *header = header_of(text);
	sam_auto(sam_free) char *dumped = json_dumps(header, JSON_COMPACT);
	snprintf(doubled, sizeof doubled, "{\"cty\":\"sad+jwt\",%s", dumped + 1);
	is(open_text(with_header(text, doubled)), SAM_JWE_MALFORMED);
}
END_TEST

/* Base64url's last character may have bits that mean nothing: those are refused too. */
START_TEST(each_character_changed_is_refused)
{
	char *text = encrypted(algorithms[_i]);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		if (was != '.')
			ck_assert_msg(open_text(text) != SAM_OK, "%zu", i);
		text[i] = was;
	}
	is(open_text(text), SAM_OK);
}
END_TEST

/* Of what comes behind the header, whichever part it is. */
START_TEST(all_changes_behind_the_header_have_one_reason)
{
	if (_i == 2)
		cm_write(cm_control, OAEP256);
	char *text = encrypted(algorithms[_i]);
	char *part = text;
	unsigned changed = 0;
	while ((part = strchr(part, '.'))) {
		part++;
		if (*part == '.') /* no encrypted key */
			continue;
		char was = part[2];
		part[2] = was == 'A' ? 'B' : 'A';
		is(open_text(text), SAM_SAD_ENCRYPTED);
		part[2] = was;
		changed++;
	}
	ck_assert_uint_eq(changed, _i == 1 ? 3 : 4);
}
END_TEST

START_TEST(other_recipient_is_refused)
{
	json_t *other = NULL;
	is(sam_jwe_generate(&other), SAM_OK);
	sam_auto(json_decref) json_t *public = sam_jwe_public(other);
	char *text = encrypt_to(public, SAM_JWE_WRAPPED, INSIDE), kid[64];
	is(open_text(text), SAM_SAD_RECIPIENT);
	snprintf(kid, sizeof kid, "\"%s\"", current(false)->kid);
	is(open_text(with_member(text, "kid", kid)), SAM_SAD_ENCRYPTED);
	sam_jose_private_free(other);
}
END_TEST

START_TEST(key_for_the_other_algorithm_is_refused)
{
	char kid[64];
	cm_write(cm_control, OAEP256);
	char *ec = encrypted(SAM_JWE_WRAPPED), *rsa = encrypted(SAM_JWE_RSA);
	snprintf(kid, sizeof kid, "\"%s\"", current(true)->kid);
	is(open_text(with_member(ec, "kid", kid)), SAM_JWE_ALGORITHM);
	snprintf(kid, sizeof kid, "\"%s\"", current(false)->kid);
	is(open_text(with_member(rsa, "kid", kid)), SAM_JWE_ALGORITHM);
	is(open_text(ec), SAM_OK);
	is(open_text(rsa), SAM_OK);
}
END_TEST

START_TEST(huge_ones_are_refused)
{
	char *jwe, *text = malloc(SAM_JWE_MAX + 2);
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(current(false)->pkey);
	memset(text, 'A', SAM_JWE_MAX + 1);
	text[SAM_JWE_MAX + 1] = '\0';
	is(open_text(text), SAM_JWE_MALFORMED);
	is(sam_jwe_encrypt(jwk, SAM_JWE_DIRECT, NULL, text, SAM_JWE_MAX, &jwe), SAM_ARGUMENTS);
	free(text);
}
END_TEST

/* ---- a CM that fails ---- */

START_TEST(cm_that_fails_is_not_the_sads_fault)
{
	static const char *const faults[] = {"C_DeriveKey fail 0x30\n", "C_GetAttributeValue cut 0x11\n",
					     "C_DeriveKey fail 0xb3\n", "C_FindObjectsInit fail 0x5\n"};
	char *text = encrypted(SAM_JWE_WRAPPED);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		cm_write(cm_control, faults[i]);
		is(open_text(text), SAM_CM_FAILED);
	}
	cm_write(cm_control, "C_GetAttributeValue flip 0x11\n"); /* it gives a wrong secret */
	is(open_text(text), SAM_SAD_ENCRYPTED);
	cm_write(cm_control, "C_DeriveKey fail 0xb3 1\n"); /* a session lost */
	is(open_text(text), SAM_OK);
}
END_TEST

/* ---- the key changed ---- */

static struct sam_recipient_stock stock(void)
{
	struct sam_recipient_stock found;
	is(sam_recipient_take_stock(sam->cm, snapshot(), &found), SAM_OK);
	return found;
}

static void stock_is(size_t leftover, size_t over, size_t missing)
{
	struct sam_recipient_stock found = stock();
	ck_assert_uint_eq(found.leftover, leftover);
	ck_assert_uint_eq(found.over, over);
	ck_assert_uint_eq(found.missing, missing);
}

static void tidy(void)
{
	size_t left;
	is(sam_recipient_tidy(sam, &left), SAM_OK);
	ck_assert_uint_eq(left, 0);
}

START_TEST(old_key_is_taken_until_the_overlap_ends)
{
	char *old = encrypted(SAM_JWE_WRAPPED), kid[SAM_KID_SIZE];
	strcpy(kid, current(false)->kid);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':3}"), SAM_OK);
	ck_assert_str_ne(current(false)->kid, kid);
	char *new = encrypted(SAM_JWE_WRAPPED);
	is(open_text(old), SAM_OK);
	is(open_text(new), SAM_OK);
	tidy();
	is(open_text(old), SAM_OK);
	sleep(4);
	is(open_text(old), SAM_SAD_RECIPIENT); /* before anybody has tidied */
	stock_is(0, 1, 0);
	tidy();
	stock_is(0, 0, 0);
	is(open_text(old), SAM_SAD_RECIPIENT);
	is(open_text(new), SAM_OK);
	ck_assert_uint_eq(snapshot()->sap_key_count, 1);
}
END_TEST

START_TEST(without_overlap_the_old_key_is_destroyed_at_once)
{
	char *old = encrypted(SAM_JWE_DIRECT), name[SAM_SAP_NAME_SIZE];
	strcpy(name, current(false)->name);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_OK);
	is(open_text(old), SAM_SAD_RECIPIENT);
	is(sam_cm_sap_present(sam->cm, SAM_CM_SAP_EC, name), SAM_CM_KEY_MISSING);
	stock_is(0, 0, 0);
}
END_TEST

START_TEST(both_kinds_change_together)
{
	cm_write(cm_control, OAEP256);
	char *ec = encrypted(SAM_JWE_WRAPPED), *rsa = encrypted(SAM_JWE_RSA);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_OK);
	is(open_text(ec), SAM_SAD_RECIPIENT);
	is(open_text(rsa), SAM_SAD_RECIPIENT);
	is(open_text(encrypted(SAM_JWE_WRAPPED)), SAM_OK);
	is(open_text(encrypted(SAM_JWE_RSA)), SAM_OK);
	ck_assert_uint_eq(snapshot()->sap_key_count, 2);
}
END_TEST

START_TEST(only_an_officer_changes_it)
{
	people();
	current(false);
	is(act("operator", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_ROLE);
	is(act("auditor", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_ROLE);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':-1}"), SAM_ARGUMENTS);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':9999999}"), SAM_ARGUMENTS);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{}"), SAM_ARGUMENTS);
	stock_is(0, 0, 0);
	ck_assert_uint_eq(snapshot()->sap_key_count, 1);
}
END_TEST

START_TEST(keys_in_their_overlap_are_bounded)
{
	enum sam_reason reason = SAM_OK;
	current(false);
	for (unsigned i = 0; i < SAM_SAP_KEYS_MAX && reason == SAM_OK; i++)
		reason = act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':3600}");
	is(reason, SAM_ARGUMENTS);
	ck_assert_uint_lt(snapshot()->sap_key_count, SAM_SAP_KEYS_MAX);
	is(open_text(encrypted(SAM_JWE_WRAPPED)), SAM_OK);
	stock_is(0, 0, 0);
}
END_TEST

START_TEST(rotation_that_fails_changes_nothing)
{
	char *old = encrypted(SAM_JWE_WRAPPED);
	cm_write(cm_control, "C_GenerateKeyPair fail 0x30\n");
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_CM_FAILED);
	cm_write(cm_control, "C_SignInit fail 0x30\n"); /* made, but not stated */
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_CM_FAILED);
	cm_write(cm_control, "# all is well\n");
	stock_is(0, 0, 0);
	is(open_text(old), SAM_OK);
}
END_TEST

/* ---- a crash between CM and registry; a restore ---- */

START_TEST(key_in_no_registry_opens_nothing_and_is_tidied)
{
	struct sam_sap_key key;
	char *good = encrypted(SAM_JWE_WRAPPED);
	is(sam_recipient_make(sam, false, &key), SAM_OK); /* and then the power goes */
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(key.pkey);
	char *lost = encrypt_to(jwk, SAM_JWE_WRAPPED, INSIDE);
	sam_recipient_clear(&key);
	is(open_text(lost), SAM_SAD_RECIPIENT);
	stock_is(1, 0, 0);
	tidy();
	stock_is(0, 0, 0);
	is(open_text(good), SAM_OK);
}
END_TEST

START_TEST(key_that_the_cm_does_not_destroy_stays_refused)
{
	size_t left;
	char *old = encrypted(SAM_JWE_WRAPPED);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':3}"), SAM_OK);
	sleep(4);
	cm_write(cm_control, "C_DestroyObject fail 0x5\n");
	is(sam_recipient_tidy(sam, &left), SAM_OK);
	ck_assert_uint_eq(left, 1);
	is(open_text(old), SAM_SAD_RECIPIENT);
	cm_write(cm_control, "# all is well\n");
	tidy();
	stock_is(0, 0, 0);
}
END_TEST

START_TEST(key_that_is_gone_from_the_cm_is_refused_until_it_is_changed)
{
	char *old = encrypted(SAM_JWE_WRAPPED);
	is(sam_cm_sap_destroy(sam->cm, current(false)->name), SAM_OK);
	is(open_text(old), SAM_SAD_RECIPIENT);
	stock_is(0, 0, 1);
	is(act("officer", NULL, SAM_ACT_SAP_ROTATE, "{'overlap':0}"), SAM_OK);
	stock_is(0, 0, 0);
	is(open_text(encrypted(SAM_JWE_WRAPPED)), SAM_OK);
}
END_TEST

static Suite *encrypted_suite(void)
{
	Suite *suite = suite_create("encrypted");
	TCase *open = tcase_create("open"), *change = tcase_create("change");
	TCase *cases[] = {open, change};
	for (size_t i = 0; i < 2; i++) {
		tcase_set_timeout(cases[i], 120);
		tcase_add_unchecked_fixture(cases[i], sam_make, sam_unmake);
		tcase_add_checked_fixture(cases[i], sam_fresh, sam_done);
		suite_add_tcase(suite, cases[i]);
	}
	tcase_add_loop_test(open, what_is_encrypted_to_the_sam_opens, 0, 3);
	tcase_add_test(open, first_key_is_made_once_and_on_record);
	tcase_add_test(open, statement_of_the_key_verifies_by_the_sams_key_alone);
	tcase_add_test(open, each_member_of_the_header_wrong_is_refused);
	tcase_add_test(open, point_off_the_curve_never_reaches_the_cm);
	tcase_add_test(open, doubled_member_is_refused);
	tcase_add_loop_test(open, each_character_changed_is_refused, 0, 2);
	tcase_add_loop_test(open, all_changes_behind_the_header_have_one_reason, 0, 3);
	tcase_add_test(open, other_recipient_is_refused);
	tcase_add_test(open, key_for_the_other_algorithm_is_refused);
	tcase_add_test(open, huge_ones_are_refused);
	tcase_add_test(open, cm_that_fails_is_not_the_sads_fault);
	tcase_add_test(change, old_key_is_taken_until_the_overlap_ends);
	tcase_add_test(change, without_overlap_the_old_key_is_destroyed_at_once);
	tcase_add_test(change, both_kinds_change_together);
	tcase_add_test(change, only_an_officer_changes_it);
	tcase_add_test(change, keys_in_their_overlap_are_bounded);
	tcase_add_test(change, rotation_that_fails_changes_nothing);
	tcase_add_test(change, key_in_no_registry_opens_nothing_and_is_tidied);
	tcase_add_test(change, key_that_the_cm_does_not_destroy_stays_refused);
	tcase_add_test(change, key_that_is_gone_from_the_cm_is_refused_until_it_is_changed);
	return suite;
}

CM_UNIT_MAIN(encrypted_suite, sam_missing)
