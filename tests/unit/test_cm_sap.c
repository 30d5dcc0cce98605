/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAP keys in the CM: what they can do and what not, and a CM that fails, lies or lacks something while they do it.
 */
#include "cm_token.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include "base/pkey.h"

#define NAME "0123456789abcdef"
#define LABEL "p11-sam sap " NAME
#define is(got, want) ck_assert_str_eq(sam_reason_name(got), sam_reason_name(want))

enum { POINT = 65 };

static struct sam_cm *cm;
static EVP_PKEY *recipient;

static void open_cm(const char *module)
{
	struct sam_cm_options o = cm_options(module);
	cm = cm_open_with(&o);
}

static void open_softhsm(void)
{
	open_cm(cm_softhsm());
}

static void open_mock(void)
{
	open_cm(cm_mock());
}

static void close_cm(void)
{
	EVP_PKEY_free(recipient);
	recipient = NULL;
	sam_cm_close(cm);
	cm = NULL;
}

static enum sam_reason create(enum sam_cm_sap_type type, const char *name)
{
	uint8_t *spki;
	size_t len;
	enum sam_reason reason = sam_cm_sap_create(cm, type, name, &spki, &len);
	ck_assert((reason == SAM_OK) == (spki != NULL));
	if (reason == SAM_OK) {
		EVP_PKEY_free(recipient);
		recipient = sam_ossl_pubkey(spki, len);
		ck_assert_ptr_nonnull(recipient);
	}
	free(spki);
	return reason;
}

/* The other side's: a point, and the secret that OpenSSL finds. */
static void other_side(uint8_t point[POINT], uint8_t z[SAM_CM_SECRET])
{
	size_t len = SAM_CM_SECRET, size;
	EVP_PKEY *own = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), own, NULL);
	ck_assert(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, recipient) == 1);
	ck_assert(EVP_PKEY_derive(ctx, z, &len) == 1 && len == SAM_CM_SECRET);
	ck_assert(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, point, POINT, &size) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
}

static CK_ULONG count(CK_OBJECT_CLASS class)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	CK_ULONG n = cm_find(f, s, class, NULL, NULL);
	f->C_CloseSession(s);
	return n;
}

/* Nothing of it comes out, or stays. */
static void agree_fails(enum sam_reason want)
{
	static const uint8_t nothing[SAM_CM_SECRET];
	uint8_t point[POINT], z[SAM_CM_SECRET], got[SAM_CM_SECRET];
	other_side(point, z);
	memset(got, 0xee, sizeof got);
	is(sam_cm_sap_agree(cm, NAME, point, got), want);
	ck_assert_mem_eq(got, nothing, sizeof got);
	ck_assert_uint_eq(count(CKO_SECRET_KEY), 0);
}

static void agrees(void)
{
	uint8_t point[POINT], z[SAM_CM_SECRET], got[SAM_CM_SECRET];
	other_side(point, z);
	is(sam_cm_sap_agree(cm, NAME, point, got), SAM_OK);
	ck_assert_mem_eq(got, z, sizeof z);
	ck_assert_uint_eq(count(CKO_SECRET_KEY), 0);
}

/* ---- what they are ---- */

START_TEST(sap_key_can_only_agree)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		int want;
	} attributes[] = {
		{CKA_TOKEN, 1}, {CKA_PRIVATE, 1}, {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0}, {CKA_NEVER_EXTRACTABLE, 1},
		{CKA_ALWAYS_SENSITIVE, 1}, {CKA_LOCAL, 1}, {CKA_DERIVE, 1}, {CKA_SIGN, 0}, {CKA_SIGN_RECOVER, 0},
		{CKA_DECRYPT, 0}, {CKA_UNWRAP, 0}, {CKA_MODIFIABLE, 0},
	};
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	CK_OBJECT_HANDLE key;
	CK_BYTE value[64], id[1];
	CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof value}, no_id = {CKA_ID, id, sizeof id};
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, &key), 1);
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		ck_assert_msg(cm_bool(f, s, key, attributes[i].type) == attributes[i].want, "0x%lx", attributes[i].type);
	ck_assert_uint_eq(f->C_GetAttributeValue(s, key, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
	ck_assert_uint_eq(f->C_GetAttributeValue(s, key, &no_id, 1), CKR_OK);
	ck_assert_uint_eq(no_id.ulValueLen, 0);
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	ck_assert_uint_ne(f->C_SignInit(s, &ecdsa, key), CKR_OK);
	f->C_CloseSession(s);
	is(create(SAM_CM_SAP_EC, NAME), SAM_EXISTS);
	is(sam_cm_sap_present(cm, SAM_CM_SAP_EC, NAME), SAM_OK);
	is(sam_cm_sap_present(cm, SAM_CM_SAP_RSA, NAME), SAM_CM_FAILED);
	agrees();
}
END_TEST

START_TEST(secret_is_that_of_openssl)
{
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	for (unsigned i = 0; i < 50; i++)
		agrees();
}
END_TEST

/* One in 256 begins so: a CM that cut it would refuse such a SAD now and then. */
START_TEST(secret_that_begins_with_zero_is_whole)
{
	uint8_t point[POINT], z[SAM_CM_SECRET] = {1}, got[SAM_CM_SECRET];
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	while (z[0])
		other_side(point, z);
	is(sam_cm_sap_agree(cm, NAME, point, got), SAM_OK);
	ck_assert_mem_eq(got, z, sizeof z);
}
END_TEST

START_TEST(names_are_sixteen_hexadecimal_digits)
{
	static const char *const names[] = {"", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg",
					    "0123456789abcde "};
	char name[SAM_CM_SAP_NAME];
	uint8_t point[POINT] = {4}, z[SAM_CM_SECRET];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		is(create(SAM_CM_SAP_EC, names[i]), SAM_ARGUMENTS);
		is(sam_cm_sap_destroy(cm, names[i]), SAM_ARGUMENTS);
		is(sam_cm_sap_agree(cm, names[i], point, z), SAM_ARGUMENTS);
	}
	ck_assert(sam_cm_sap_name(LABEL, name));
	ck_assert_str_eq(name, NAME);
	ck_assert(!sam_cm_sap_name("p11-sam audit", name) && !sam_cm_sap_name(LABEL "0", name));
	ck_assert(!sam_cm_sap_name("p11-sam sap ", name));
}
END_TEST

START_TEST(destroyed_key_is_gone)
{
	is(sam_cm_sap_destroy(cm, NAME), SAM_NOT_FOUND);
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	is(create(SAM_CM_SAP_EC, "fedcba9876543210"), SAM_OK);
	is(sam_cm_sap_destroy(cm, NAME), SAM_OK);
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 1);
	ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 1);
	agree_fails(SAM_CM_KEY_MISSING);
	is(sam_cm_sap_destroy(cm, NAME), SAM_NOT_FOUND);
	is(sam_cm_sap_present(cm, SAM_CM_SAP_EC, "fedcba9876543210"), SAM_OK);
}
END_TEST

static enum sam_reason note(const struct sam_cm_found *found, void *arg)
{
	char name[SAM_CM_SAP_NAME];
	ck_assert(found->own && sam_cm_sap_name(found->label, name));
	++*(unsigned *)arg;
	return SAM_OK;
}

START_TEST(scan_tells_them_as_the_sams_own)
{
	unsigned found = 0;
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	is(sam_cm_scan(cm, note, &found), SAM_OK);
	ck_assert_uint_eq(found, 2);
}
END_TEST

/* Somebody with the CM's PIN puts another key in its place. */
START_TEST(key_that_is_not_as_it_was_made_is_not_used)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_LABEL, LABEL, sizeof LABEL - 1}};
	CK_ATTRIBUTE priv[] = {{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1},
			       {CKA_EXTRACTABLE, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_SIGN, &no, 1},
			       {CKA_DECRYPT, &no, 1}, {CKA_UNWRAP, &no, 1}, {CKA_SIGN_RECOVER, &no, 1},
			       {CKA_LABEL, LABEL, sizeof LABEL - 1}};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE pair[2];
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	is(create(SAM_CM_SAP_EC, "fedcba9876543210"), SAM_OK); /* for the other side */
	ck_assert_uint_eq(f->C_GenerateKeyPair(s, &mechanism, pub, 2, priv, 10, &pair[0], &pair[1]), CKR_OK);
	agree_fails(SAM_CM_FAILED);
	priv[3].pValue = &no;
	CK_OBJECT_HANDLE second[2];
	ck_assert_uint_eq(f->C_GenerateKeyPair(s, &mechanism, pub, 2, priv, 10, &second[0], &second[1]), CKR_OK);
	agree_fails(SAM_CM_KEY_MISSING); /* two of one name */
	f->C_DestroyObject(s, pair[1]);
	uint8_t point[POINT], z[SAM_CM_SECRET], got[SAM_CM_SECRET];
	other_side(point, z);
	is(sam_cm_sap_agree(cm, NAME, point, got), SAM_OK); /* as made, but another: what it gives opens nothing */
	ck_assert_mem_ne(got, z, sizeof z);
	f->C_CloseSession(s);
}
END_TEST

static void *agree_often(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 20; i++) {
		uint8_t point[POINT], z[SAM_CM_SECRET], got[SAM_CM_SECRET];
		other_side(point, z);
		if (sam_cm_sap_agree(cm, NAME, point, got) != SAM_OK || memcmp(got, z, sizeof z) != 0)
			return arg;
	}
	return NULL;
}

START_TEST(eight_threads_agree_at_once)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	int wrong = 0;
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, agree_often, &wrong), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		wrong += failed != NULL;
	}
	ck_assert_int_eq(wrong, 0);
	ck_assert_uint_eq(count(CKO_SECRET_KEY), 0);
}
END_TEST

START_TEST(softhsm_cannot_do_rsa_oaep_with_sha256)
{
	is(create(SAM_CM_SAP_RSA, NAME), SAM_CM_MECHANISM);
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 0);
	ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 0);
}
END_TEST

/* ---- a CM that fails ---- */

static void tell(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	cm_write(cm_control, line);
}

START_TEST(derivation_that_fails_gives_nothing)
{
	static const CK_RV codes[] = {CKR_DEVICE_MEMORY, CKR_FUNCTION_FAILED, CKR_GENERAL_ERROR, CKR_KEY_FUNCTION_NOT_PERMITTED,
				      CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCONSISTENT};
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		tell("C_DeriveKey fail 0x%lx\n", codes[i]);
		agree_fails(SAM_CM_FAILED);
	}
	tell("C_DeriveKey after 0x%lx\n", (CK_RV)CKR_DEVICE_MEMORY); /* it made it all the same: it goes with the session */
	agree_fails(SAM_CM_FAILED);
	tell("# all is well\n");
	agrees();
}
END_TEST

START_TEST(secret_that_cannot_be_read_gives_nothing)
{
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	tell("C_GetAttributeValue cut 0x%lx\n", CKA_VALUE);
	agree_fails(SAM_CM_FAILED);
	tell("C_GetAttributeValue hide 0x%lx\n", CKA_VALUE);
	agree_fails(SAM_CM_FAILED);
	tell("C_DestroyObject fail 0x%lx\n", (CK_RV)CKR_ACTION_PROHIBITED);
	agree_fails(SAM_CM_FAILED);
	tell("# all is well\n");
	agrees();
}
END_TEST

START_TEST(lost_session_is_got_over)
{
	static const CK_RV codes[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_USER_NOT_LOGGED_IN,
				      CKR_DEVICE_REMOVED};
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		tell("C_DeriveKey fail 0x%lx 1\n", codes[i]);
		agrees();
		tell("C_DeriveKey fail 0x%lx\n", codes[i]); /* for good */
		agree_fails(SAM_CM_FAILED);
		tell("# all is well\n");
	}
}
END_TEST

START_TEST(point_is_given_as_octet_string_where_the_cm_wants_that)
{
	is(create(SAM_CM_SAP_EC, NAME), SAM_OK);
	tell("C_DeriveKey fail 0x%lx 1\n", (CK_RV)CKR_MECHANISM_PARAM_INVALID);
	agrees();
}
END_TEST

START_TEST(half_made_key_is_destroyed)
{
	static const char *const faults[] = {
		"C_DeriveKey fail 0x5\n", /* it does not do what it is for */
		"C_GetAttributeValue flip 0x11\n", /* or does it wrongly */
		"C_GetAttributeValue flip 0x162\n", /* extractable */
		"C_GetAttributeValue flip 0x10c\n",
		"C_GetAttributeValue flip 0x108\n",
		"C_GenerateKeyPair fail 0x30\n",
	};
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		tell("%s", faults[i]);
		is(create(SAM_CM_SAP_EC, NAME), SAM_CM_FAILED);
		ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 0);
		ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 0);
	}
}
END_TEST

/* ---- RSA-OAEP with SHA-256, which the mock does ---- */

#define OAEP256 "C_GenerateKeyPair oaep256\nC_DecryptInit oaep256\nC_Decrypt oaep256\n"

static void seal(const uint8_t *value, size_t len, uint8_t out[384])
{
	size_t size = 384;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), recipient, NULL);
	ck_assert(EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) == 1);
	ck_assert(EVP_PKEY_encrypt(ctx, out, &size, value, len) == 1 && size == 384);
	EVP_PKEY_CTX_free(ctx);
}

START_TEST(rsa_key_can_only_decrypt)
{
	static const uint8_t nothing[SAM_CM_SECRET];
	uint8_t value[33], sealed[384], got[SAM_CM_SECRET];
	tell(OAEP256);
	is(create(SAM_CM_SAP_RSA, NAME), SAM_OK);
	memset(value, 'v', sizeof value);
	seal(value, 32, sealed);
	is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed, got), SAM_OK);
	ck_assert_mem_eq(got, value, sizeof got);
	is(sam_cm_sap_agree(cm, NAME, sealed, got), SAM_CM_FAILED); /* another kind */
	ck_assert_mem_eq(got, nothing, sizeof got);
	for (size_t len = 31; len <= 33; len += 2) {
		seal(value, len, sealed);
		memset(got, 0xee, sizeof got);
		is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed, got), SAM_JWE_KEY);
		ck_assert_mem_eq(got, nothing, sizeof got);
	}
	seal(value, 32, sealed);
	is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed - 1, got), SAM_JWE_KEY);
	sealed[200] ^= 1;
	is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed, got), SAM_JWE_KEY);
	sealed[200] ^= 1;
	is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed, got), SAM_OK);
	cm_write(cm_control, OAEP256 "C_Decrypt fail 0x31\n"); /* the CM's own trouble */
	is(sam_cm_sap_decrypt(cm, NAME, sealed, sizeof sealed, got), SAM_CM_FAILED);
	ck_assert_mem_eq(got, nothing, sizeof got);
}
END_TEST

static Suite *sap_suite(void)
{
	Suite *suite = suite_create("cm sap");
	TCase *keys = tcase_create("keys"), *fault = tcase_create("fault");
	tcase_set_timeout(keys, 120);
	tcase_set_timeout(fault, 120);
	tcase_add_checked_fixture(keys, cm_setup, cm_teardown);
	tcase_add_checked_fixture(keys, open_softhsm, close_cm);
	tcase_add_checked_fixture(fault, cm_setup, cm_teardown);
	tcase_add_checked_fixture(fault, open_mock, close_cm);
	tcase_add_test(keys, sap_key_can_only_agree);
	tcase_add_test(keys, secret_is_that_of_openssl);
	tcase_add_test(keys, secret_that_begins_with_zero_is_whole);
	tcase_add_test(keys, names_are_sixteen_hexadecimal_digits);
	tcase_add_test(keys, destroyed_key_is_gone);
	tcase_add_test(keys, scan_tells_them_as_the_sams_own);
	tcase_add_test(keys, key_that_is_not_as_it_was_made_is_not_used);
	tcase_add_test(keys, eight_threads_agree_at_once);
	tcase_add_test(keys, softhsm_cannot_do_rsa_oaep_with_sha256);
	tcase_add_test(fault, derivation_that_fails_gives_nothing);
	tcase_add_test(fault, secret_that_cannot_be_read_gives_nothing);
	tcase_add_test(fault, lost_session_is_got_over);
	tcase_add_test(fault, point_is_given_as_octet_string_where_the_cm_wants_that);
	tcase_add_test(fault, half_made_key_is_destroyed);
	tcase_add_test(fault, rsa_key_can_only_decrypt);
	suite_add_tcase(suite, keys);
	suite_add_tcase(suite, fault);
	return suite;
}

CM_UNIT_MAIN(sap_suite, cm_mock_missing)
