/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The PKCS#11 face without a SAM behind it: days, what key a template asks for, how a key and its certificate
 * look, and their handles.
 */
#include <string.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "provider/provider.h"
#include "unit.h"

/* ---- days ---- */

static bool day(const char *text, int64_t *midnight)
{
	CK_DATE date;
	memcpy(&date, text, sizeof date);
	return sam_date_read(&date, midnight);
}

START_TEST(a_day_begins_at_midnight_utc)
{
	static const struct {
		const char *text;
		int64_t midnight;
	} days[] = {{"19700102", 86400}, {"20240229", 1709164800}, {"20261128", 1795824000}, {"99991231", 253402214400}};
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		int64_t at = 0;
		CK_DATE date;
		ck_assert_msg(day(days[i].text, &at), "%s", days[i].text);
		ck_assert_int_eq(at, days[i].midnight);
		ck_assert(sam_date_write(at, &date) && memcmp(&date, days[i].text, sizeof date) == 0);
		ck_assert(sam_date_write(at + 86399, &date) && memcmp(&date, days[i].text, sizeof date) == 0);
		ck_assert(sam_date_write(at - 1, &date) && memcmp(&date, days[i].text, sizeof date) != 0);
	}
}
END_TEST

START_TEST(what_is_no_day_is_refused)
{
	static const char *const none[] = {"20230229", "20260431", "20261301", "20260001", "20260100", "00000000",
					   "19700101", "19691231", "2026 1 1", "2026-1-1", "+2026101", "99999999"};
	int64_t at;
	CK_DATE date;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		ck_assert_msg(!day(none[i], &at), "%s", none[i]);
	ck_assert(!sam_date_write(253402300800, &date)); /* the year 10000 */
	ck_assert(!sam_date_write(INT64_MAX, &date) && !sam_date_write(INT64_MIN, &date));
}
END_TEST

/* ---- templates ---- */

static CK_BYTE p384[] = {0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x22}, edwards[] = {0x13, 12, 'e', 'd', 'w', 'a', 'r',
	       'd', 's', '2', '5', '5', '1', '9'};

static CK_RV ask(enum sam_key_type type, const CK_ATTRIBUTE *pub, size_t pub_count, const CK_ATTRIBUTE *priv,
		 size_t priv_count, struct sam_new_key *what)
{
	const struct sam_key_templates templates = {
		.type = type, .pub = pub, .pub_count = pub_count, .priv = priv, .priv_count = priv_count};
	return sam_template_key(&templates, what);
}

START_TEST(a_template_asks_for_a_key)
{
	CK_ULONG bits = 3072;
	struct sam_new_key what;
	const CK_ATTRIBUTE rsa[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_LABEL, "public", 6},
				    {CKA_END_DATE, "20271231", 8}},
			   ec[] = {{CKA_EC_PARAMS, p384, sizeof p384}}, ed[] = {{CKA_EC_PARAMS, edwards, sizeof edwards}},
			   priv[] = {{CKA_LABEL, "private", 7}, {CKA_START_DATE, "20260101", 8}};
	ck_assert_uint_eq(ask(SAM_KEY_RSA, rsa, 3, priv, 2, &what), CKR_OK);
	ck_assert(what.type == SAM_KEY_RSA && what.bits == 3072);
	ck_assert_str_eq(what.label, "private");
	ck_assert_int_eq(what.start, 1767225600);
	ck_assert_int_eq(what.end, 1830297600); /* it signs before the first second of 2028 */
	ck_assert_uint_eq(ask(SAM_KEY_RSA, rsa, 2, NULL, 0, &what), CKR_OK);
	ck_assert_str_eq(what.label, "public");
	ck_assert(what.start == 0 && what.end == 0);
	ck_assert_uint_eq(ask(SAM_KEY_EC, ec, 1, NULL, 0, &what), CKR_OK);
	ck_assert(what.type == SAM_KEY_EC && what.bits == 384 && !what.label[0]);
	ck_assert_uint_eq(ask(SAM_KEY_ED25519, ed, 1, NULL, 0, &what), CKR_OK);
	ck_assert(what.type == SAM_KEY_ED25519 && what.bits == 255);
	ck_assert_uint_eq(ask(SAM_KEY_ED25519, ec, 1, NULL, 0, &what), CKR_CURVE_NOT_SUPPORTED);
}
END_TEST

START_TEST(an_empty_private_label_counts)
{
	struct sam_new_key what;
	const CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p384, sizeof p384}, {CKA_LABEL, "public", 6}},
			   priv[] = {{CKA_LABEL, NULL, 0}};
	ck_assert_uint_eq(ask(SAM_KEY_EC, pub, 2, priv, 1, &what), CKR_OK);
	ck_assert_str_eq(what.label, "");
}
END_TEST

/* ---- a key and its certificate ---- */

struct sample {
	struct sam_key_view view;
	struct sam_spki parts;
	struct sam_certificate_parts certificate;
	CK_OBJECT_HANDLE handle;
	struct sam_keyring_handle by_handle;
	struct sam_keyring ring;
	struct sam_provider provider;
};

/* ${der} is malloc()ed. */
static size_t certify(EVP_PKEY *pkey, const char *serial, uint8_t **der)
{
	X509 *x509 = X509_new_ex(sam_ossl_ctx(), NULL);
	X509_NAME *name = X509_get_subject_name(x509);
	BIGNUM *number = NULL;
	ck_assert(BN_hex2bn(&number, serial) && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)));
	BN_free(number);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"Alice", -1, -1, 0), 1);
	ck_assert_int_eq(X509_set_issuer_name(x509, name), 1);
	ck_assert(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "20260101120000Z"));
	ck_assert(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "20991231235959Z"));
	ck_assert_int_eq(X509_set_pubkey(x509, pkey), 1);
	ck_assert_int_gt(X509_sign(x509, pkey, sam_ossl_md(SAM_HASH_SHA256)), 0);
	const int len = i2d_X509(x509, NULL);
	ck_assert_int_gt(len, 0);
	uint8_t *at = *der = malloc((size_t)len);
	ck_assert_int_eq(i2d_X509(x509, &at), len);
	X509_free(x509);
	return (size_t)len;
}

static void sample_make(struct sample *s, bool certified)
{
	memset(s, 0, sizeof *s);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	ck_assert_ptr_nonnull(pkey);
	ck_assert(sam_ossl_spki(pkey, &s->view.spki, &s->view.spki_len) == SAM_OK);
	s->view.type = SAM_KEY_EC;
	s->view.bits = 256;
	strcpy(s->view.credential, "00112233445566778899aabbccddeeff");
	strcpy(s->view.label, "contracts");
	memset(s->view.id, 0x11, sizeof s->view.id);
	if (certified)
		s->view.certificate_len = certify(pkey, "-1234567890", &s->view.certificate);
	EVP_PKEY_free(pkey);
	ck_assert(sam_spki_read(s->view.spki, s->view.spki_len, &s->parts));
	ck_assert(sam_certificate_read(&s->view, &s->certificate) == certified);
	s->handle = s->by_handle.handle = 7;
	s->ring = (struct sam_keyring){.views = &s->view,
				       .parts = &s->parts,
				       .certificates = &s->certificate,
				       .handles = &s->handle,
				       .by_handle = &s->by_handle,
				       .count = 1};
}

static void sample_free(struct sample *s)
{
	sam_certificate_clear(&s->certificate);
	free(s->view.spki);
	free(s->view.certificate);
}

/* A value as bytes; its length, or -1 where there is no such attribute. */
static long value_of(struct sample *s, enum sam_part part, CK_ATTRIBUTE_TYPE type, struct sam_value *value)
{
	const struct sam_object object = sam_object_of(&s->provider, &s->ring, 0, part);
	const CK_RV rv = sam_attribute_read(&object, type, value);
	ck_assert(rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID);
	return rv == CKR_OK ? (long)value->len : -1;
}

static bool has(struct sample *s, enum sam_part part, CK_ATTRIBUTE_TYPE type, const void *wanted, size_t len)
{
	struct sam_value value;
	return value_of(s, part, type, &value) == (long)len && (len == 0 || memcmp(value.data, wanted, len) == 0);
}

static bool has_flag(struct sample *s, enum sam_part part, CK_ATTRIBUTE_TYPE type, CK_BBOOL wanted)
{
	return has(s, part, type, &wanted, sizeof wanted);
}

static bool has_number(struct sample *s, enum sam_part part, CK_ATTRIBUTE_TYPE type, CK_ULONG wanted)
{
	return has(s, part, type, &wanted, sizeof wanted);
}

START_TEST(a_certificate_reads_as_pkcs11_has_it)
{
	const enum sam_part c = SAM_PART_CERTIFICATE;
	static const uint8_t serial[] = {0x02, 0x05, 0xed, 0xcb, 0xa9, 0x87, 0x70};
	struct sample s;
	sample_make(&s, true);
	X509_NAME *name = X509_NAME_new();
	uint8_t *subject = NULL;
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"Alice", -1, -1, 0);
	const int len = i2d_X509_NAME(name, &subject);
	ck_assert(has_number(&s, c, CKA_CLASS, CKO_CERTIFICATE) && has_number(&s, c, CKA_CERTIFICATE_TYPE, CKC_X_509));
	ck_assert(has(&s, c, CKA_VALUE, s.view.certificate, s.view.certificate_len));
	ck_assert(has(&s, c, CKA_ID, s.view.id, sizeof s.view.id) && has(&s, c, CKA_LABEL, "contracts", 9));
	ck_assert(has(&s, c, CKA_SUBJECT, subject, (size_t)len) && has(&s, c, CKA_ISSUER, subject, (size_t)len));
	ck_assert(has(&s, c, CKA_SERIAL_NUMBER, serial, sizeof serial));
	ck_assert(has(&s, c, CKA_START_DATE, "20260101", 8) && has(&s, c, CKA_END_DATE, "20991231", 8));
	ck_assert(has_number(&s, c, CKA_CERTIFICATE_CATEGORY, 1));
	ck_assert(has_flag(&s, c, CKA_TOKEN, CK_TRUE) && has_flag(&s, c, CKA_PRIVATE, CK_FALSE) &&
		  has_flag(&s, c, CKA_MODIFIABLE, CK_FALSE) && has_flag(&s, c, CKA_TRUSTED, CK_FALSE) &&
		  has_flag(&s, c, CKA_COPYABLE, CK_FALSE) && has_flag(&s, c, CKA_DESTROYABLE, CK_FALSE));
	ck_assert(has(&s, c, CKA_UNIQUE_ID, "crt-00112233445566778899aabbccddeeff", 36));
	/* the key is found by it */
	ck_assert(has(&s, SAM_PART_PRIVATE, CKA_SUBJECT, subject, (size_t)len) &&
		  has(&s, SAM_PART_PUBLIC, CKA_SUBJECT, subject, (size_t)len));
	OPENSSL_free(subject);
	X509_NAME_free(name);
	sample_free(&s);
}
END_TEST

START_TEST(a_certificate_has_no_attribute_of_a_key)
{
	static const CK_ATTRIBUTE_TYPE keys[] = {CKA_KEY_TYPE, CKA_SIGN, CKA_VERIFY, CKA_LOCAL, CKA_EC_POINT,
						 CKA_ALWAYS_AUTHENTICATE, CKA_ALLOWED_MECHANISMS};
	static const CK_ATTRIBUTE_TYPE certificates[] = {CKA_CERTIFICATE_TYPE, CKA_ISSUER, CKA_SERIAL_NUMBER};
	struct sample s;
	struct sam_value value;
	sample_make(&s, true);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		ck_assert_int_eq(value_of(&s, SAM_PART_CERTIFICATE, keys[i], &value), -1);
	for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
		ck_assert_int_eq(value_of(&s, SAM_PART_PRIVATE, certificates[i], &value), -1);
	sample_free(&s);
}
END_TEST

START_TEST(a_certificate_that_is_not_the_keys_is_not_shown)
{
	struct sample s, other;
	struct sam_certificate_parts parts;
	sample_make(&s, true);
	sample_make(&other, true);
	struct sam_key_view view = s.view;
	view.certificate_len--;
	ck_assert(!sam_certificate_read(&view, &parts) && !parts.x509);
	view.certificate_len = 0;
	ck_assert(!sam_certificate_read(&view, &parts));
	view.certificate = malloc(s.view.certificate_len + 1);
	memcpy(view.certificate, s.view.certificate, s.view.certificate_len);
	view.certificate[s.view.certificate_len] = 0;
	view.certificate_len = s.view.certificate_len + 1;
	ck_assert(!sam_certificate_read(&view, &parts)); /* something behind it */
	view.certificate_len--;
	ck_assert(sam_certificate_read(&view, &parts));
	sam_certificate_clear(&parts);
	view.certificate[4] ^= 0xff;
	ck_assert(!sam_certificate_read(&view, &parts));
	free(view.certificate);
	view.certificate = other.view.certificate;
	view.certificate_len = other.view.certificate_len;
	ck_assert(!sam_certificate_read(&view, &parts)); /* another key's */
	sample_free(&s);
	sample_free(&other);
}
END_TEST

START_TEST(a_serial_that_is_too_long_for_any_ca_is_not_shown)
{
	struct sample s;
	struct sam_certificate_parts parts;
	char serial[201];
	memset(serial, '7', 200);
	serial[200] = '\0';
	sample_make(&s, false);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	free(s.view.spki);
	ck_assert(sam_ossl_spki(pkey, &s.view.spki, &s.view.spki_len) == SAM_OK);
	s.view.certificate_len = certify(pkey, serial, &s.view.certificate);
	ck_assert(!sam_certificate_read(&s.view, &parts) && !parts.x509);
	EVP_PKEY_free(pkey);
	sample_free(&s);
}
END_TEST

START_TEST(a_key_reads_as_it_was_sealed)
{
	struct sample s;
	sample_make(&s, false);
	for (int part = SAM_PART_PRIVATE; part <= SAM_PART_PUBLIC; part++) {
		ck_assert(has_flag(&s, part, CKA_LOCAL, CK_FALSE)); /* imported */
		ck_assert(has_number(&s, part, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION));
		ck_assert(has(&s, part, CKA_START_DATE, "", 0) && has(&s, part, CKA_END_DATE, "", 0) &&
			  has(&s, part, CKA_SUBJECT, "", 0));
	}
	ck_assert(has_flag(&s, SAM_PART_PRIVATE, CKA_ALWAYS_SENSITIVE, CK_FALSE) &&
		  has_flag(&s, SAM_PART_PRIVATE, CKA_NEVER_EXTRACTABLE, CK_FALSE) &&
		  has_flag(&s, SAM_PART_PRIVATE, CKA_SENSITIVE, CK_TRUE) &&
		  has_flag(&s, SAM_PART_PRIVATE, CKA_EXTRACTABLE, CK_FALSE));
	s.view.local = s.view.never_extractable = true;
	s.view.start = 1767225600;
	s.view.end = 1830297600;
	ck_assert(has_flag(&s, SAM_PART_PUBLIC, CKA_LOCAL, CK_TRUE) &&
		  has_flag(&s, SAM_PART_PRIVATE, CKA_NEVER_EXTRACTABLE, CK_TRUE) &&
		  has_flag(&s, SAM_PART_PRIVATE, CKA_ALWAYS_SENSITIVE, CK_FALSE));
	ck_assert(has_number(&s, SAM_PART_PRIVATE, CKA_KEY_GEN_MECHANISM, CKM_EC_KEY_PAIR_GEN));
	ck_assert(has(&s, SAM_PART_PRIVATE, CKA_START_DATE, "20260101", 8) &&
		  has(&s, SAM_PART_PUBLIC, CKA_END_DATE, "20271231", 8));
	sample_free(&s);
}
END_TEST

START_TEST(a_key_has_three_handles_with_a_certificate_and_two_without)
{
	for (int certified = 0; certified < 2; certified++) {
		struct sample s;
		enum sam_part part;
		size_t index;
		sample_make(&s, certified);
		ck_assert(!sam_keyring_find(&s.ring, 6, &part, &index) && !sam_keyring_find(&s.ring, 10, &part, &index));
		ck_assert(sam_keyring_find(&s.ring, 7, &part, &index) && part == SAM_PART_PRIVATE && index == 0);
		ck_assert(sam_keyring_find(&s.ring, 8, &part, &index) && part == SAM_PART_PUBLIC);
		ck_assert(sam_keyring_find(&s.ring, 9, &part, &index) == certified);
		ck_assert(!certified || part == SAM_PART_CERTIFICATE);
		ck_assert(sam_keyring_key(&s.ring, s.view.credential, &index) && index == 0);
		ck_assert(!sam_keyring_key(&s.ring, "ff", &index) && !sam_keyring_key(&s.ring, "", &index));
		sample_free(&s);
	}
}
END_TEST

/* ---- operations of a session ---- */

static unsigned freed;

static void count_free(struct sam_operation *op)
{
	freed++;
	free(op);
}

static struct sam_operation *new_op(void)
{
	struct sam_operation *op = calloc(1, sizeof *op);
	ck_assert_ptr_nonnull(op);
	op->free = count_free;
	return op;
}

/* A session with an operation that this thread has taken out. */
static struct sam_operation *taken(struct sam_session *s)
{
	struct sam_operation *op;
	*s = (struct sam_session){.flags = CKF_SERIAL_SESSION};
	pthread_mutex_init(&s->lock, NULL);
	freed = 0;
	ck_assert_uint_eq(sam_session_begin(s, SAM_OP_SIGN), CKR_OK);
	sam_session_put(s, SAM_OP_SIGN, new_op());
	ck_assert_uint_eq(sam_session_take(s, SAM_OP_SIGN, &op), CKR_OK);
	return op;
}

START_TEST(what_a_thread_works_on_is_not_cancelled)
{
	struct sam_session s;
	struct sam_operation *op = taken(&s);
	ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OPERATION_CANCEL_FAILED);
	ck_assert(!atomic_load(&op->over));
	sam_session_put(&s, SAM_OP_SIGN, op);
	ck_assert_uint_eq(freed, 0);
	ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OK);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OK); /* there is none */
	ck_assert_uint_eq(sam_session_begin(&s, SAM_OP_SIGN), CKR_OK);
	ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OPERATION_CANCEL_FAILED);
	pthread_mutex_destroy(&s.lock);
}
END_TEST

START_TEST(a_wait_that_is_cancelled_frees_its_place_at_once)
{
	for (int back = 0; back < 2; back++) {
		struct sam_session s;
		struct sam_operation *op = taken(&s), *next, *again;
		atomic_store(&op->waiting, true);
		ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OK);
		ck_assert(atomic_load(&op->over));
		ck_assert_uint_eq(freed, 0); /* the waiting thread has it still */
		ck_assert_uint_eq(sam_session_cancel(&s, SAM_OP_SIGN), CKR_OK);
		/* the next operation of the session is not touched when the first comes back */
		ck_assert_uint_eq(sam_session_begin(&s, SAM_OP_SIGN), CKR_OK);
		next = new_op();
		sam_session_put(&s, SAM_OP_SIGN, next);
		if (back)
			sam_session_put(&s, SAM_OP_SIGN, op);
		else
			sam_session_end(&s, SAM_OP_SIGN, op);
		ck_assert_uint_eq(freed, 1);
		ck_assert_uint_eq(sam_session_take(&s, SAM_OP_SIGN, &again), CKR_OK);
		ck_assert_ptr_eq(again, next);
		sam_session_end(&s, SAM_OP_SIGN, again);
		ck_assert_uint_eq(freed, 2);
		pthread_mutex_destroy(&s.lock);
	}
}
END_TEST

static Suite *provider_suite(void)
{
	Suite *s = suite_create("provider");
	TCase *t = tcase_create("provider");
	tcase_add_test(t, a_day_begins_at_midnight_utc);
	tcase_add_test(t, what_is_no_day_is_refused);
	tcase_add_test(t, a_template_asks_for_a_key);
	tcase_add_test(t, an_empty_private_label_counts);
	tcase_add_test(t, a_certificate_reads_as_pkcs11_has_it);
	tcase_add_test(t, a_certificate_has_no_attribute_of_a_key);
	tcase_add_test(t, a_certificate_that_is_not_the_keys_is_not_shown);
	tcase_add_test(t, a_serial_that_is_too_long_for_any_ca_is_not_shown);
	tcase_add_test(t, a_key_reads_as_it_was_sealed);
	tcase_add_test(t, a_key_has_three_handles_with_a_certificate_and_two_without);
	tcase_add_test(t, what_a_thread_works_on_is_not_cancelled);
	tcase_add_test(t, a_wait_that_is_cancelled_frees_its_place_at_once);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(provider_suite)
