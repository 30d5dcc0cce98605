/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The CM room when the vendor fails: the mock CM (MOCKCM_SO) around SoftHSM is told how.
 */
#include "cm_token.h"

#include <pthread.h>
#include <stdatomic.h>
#include "base/clock.h"

static struct sam_cm *cm;

static void open_mock(unsigned sessions, unsigned wait_ms)
{
	struct sam_cm_options o = cm_options(cm_mock());
	o.sessions = sessions;
	o.wait_ms = wait_ms;
	cm = cm_open_with(&o);
}

/* With the key that cm_sign() uses. */
static void open_with_key(unsigned sessions, unsigned wait_ms)
{
	open_mock(sessions, wait_ms);
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
}

static void close_mock(void)
{
	sam_cm_close(cm);
	cm = NULL;
}

/* How many sessions the SAM had open at most, and whether it came so far at all. */
static void sessions_at_most(unsigned limit)
{
	char word[32];
	ck_assert_uint_ge(cm_logged(" C_OpenSession 1\n"), 1);
	for (unsigned n = limit + 1; n < limit + 20; n++) {
		snprintf(word, sizeof word, " C_OpenSession %u\n", n);
		ck_assert_msg(cm_logged(word) == 0, "%u sessions", n);
	}
}

static void must_sign(void)
{
	bool maybe = true;
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	ck_assert(!maybe);
}

static void must_fail(enum sam_reason want, bool want_maybe)
{
	bool maybe = !want_maybe;
	enum sam_reason reason = cm_sign(cm, &maybe);
	ck_assert_msg(reason == want, "%s", sam_reason_name(reason));
	ck_assert(maybe == want_maybe);
}

static void tell(const char *fmt, unsigned long rv, int count)
{
	char line[128];
	snprintf(line, sizeof line, fmt, rv, count);
	cm_write(cm_control, line);
}

/* ---- the login ---- */

START_TEST(refused_pin_is_not_tried_again)
{
	struct sam_cm_options o = cm_options(cm_mock());
	cm_write(cm_pin_file, "00000000");
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_uint_eq(cm_logged(" C_Login "), 1);
}
END_TEST

START_TEST(changed_pin_source_is_tried_again)
{
	struct sam_cm_options o = cm_options(cm_mock());
	cm_write(cm_pin_file, "00000000");
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	cm_write(cm_pin_file, "00000001");
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_uint_eq(cm_logged(" C_Login "), 2);
	cm_write(cm_pin_file, CM_PIN);
	ck_assert_int_eq(cm_try(&o), SAM_OK);
	ck_assert_int_ne(access(cm_memo, F_OK), 0);
	ck_assert_uint_eq(cm_logged(" C_Login 0x0"), 1);
}
END_TEST

START_TEST(every_refusal_of_the_pin_is_remembered)
{
	static const CK_RV codes[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
				      CKR_PIN_EXPIRED, CKR_PIN_LOCKED};
	struct sam_cm_options o = cm_options(cm_mock());
	tell("C_Login fail 0x%lx %d\n", codes[_i], 1);
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_uint_eq(cm_logged(" C_Login "), 1);
}
END_TEST

START_TEST(failed_login_that_is_no_refusal_is_not_remembered)
{
	struct sam_cm_options o = cm_options(cm_mock());
	tell("C_Login fail 0x%lx %d\n", CKR_FUNCTION_FAILED, 1);
	ck_assert_int_eq(cm_try(&o), SAM_CM_FAILED);
	ck_assert_int_eq(cm_try(&o), SAM_OK);
}
END_TEST

START_TEST(processes_that_start_together_try_once)
{
	enum { PROCESSES = 6 };
	struct sam_cm_options o = cm_options(cm_mock());
	int status, refused = 0;
	cm_write(cm_pin_file, "00000000");
	cm_write(cm_control, "C_Login delay 100\n");
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			struct sam_cm *mine;
			_exit(sam_cm_open(&o, &mine, NULL) == SAM_CM_PIN_REFUSED ? 0 : 1);
		}
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		refused += wait(&status) > 0 && status == 0;
	ck_assert_int_eq(refused, PROCESSES);
	ck_assert_uint_eq(cm_logged(" C_Login "), 1);
}
END_TEST

START_TEST(without_a_place_for_the_memory_no_pin_is_tried)
{
	struct sam_cm_options o = cm_options(cm_mock());
	o.refused_memo = "/nonexistent/cm-refused";
	ck_assert_int_eq(cm_try(&o), SAM_CM_FAILED);
	ck_assert_uint_eq(cm_logged(" C_Login "), 0);
}
END_TEST

START_TEST(later_login_respects_the_memory)
{
	CK_FUNCTION_LIST *f;
	open_with_key(2, 5000);
	f = cm_direct();
	cm_write(cm_control, "C_Login fail 0xa0\n");
	ck_assert(f->C_CloseAllSessions(cm_slot(f)) == CKR_OK);
	must_fail(SAM_CM_PIN_REFUSED, false);
	must_fail(SAM_CM_PIN_REFUSED, false);
	ck_assert_uint_eq(cm_logged(" C_Login 0xa0"), 1);
	cm_write(cm_control, "");
	must_fail(SAM_CM_PIN_REFUSED, false);
	cm_write(cm_pin_file, CM_PIN);
	must_sign();
	close_mock();
}
END_TEST

/* ---- what was lost ---- */

START_TEST(lost_sessions_come_back)
{
	CK_FUNCTION_LIST *f = cm_direct();
	open_with_key(_i ? 1 : 4, 5000);
	must_sign();
	ck_assert(f->C_CloseAllSessions(cm_slot(f)) == CKR_OK);
	must_sign();
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert(f->C_Logout(s) == CKR_OK); /* another part of the process */
	must_sign();
	ck_assert(f->C_Finalize(NULL) == CKR_OK);
	must_sign();
	ck_assert(f->C_Finalize(NULL) == CKR_OK);
	ck_assert(!sam_cm_token_present(cm));
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_OK);
	ck_assert(sam_cm_token_present(cm));
	sessions_at_most(_i ? 1 : 4);
	close_mock();
	CK_INFO info;
	ck_assert(f->C_GetInfo(&info) ==
		  CKR_CRYPTOKI_NOT_INITIALIZED); /* ours again, so finalised */
}
END_TEST

static const CK_RV before_sign[] = {
	CKR_SESSION_HANDLE_INVALID,   CKR_SESSION_CLOSED,     CKR_USER_NOT_LOGGED_IN,
	CKR_DEVICE_REMOVED,           CKR_TOKEN_NOT_PRESENT,  CKR_DEVICE_ERROR,
	CKR_CRYPTOKI_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID,
	CKR_OPERATION_ACTIVE,
};

enum { BEFORE_SIGN = sizeof before_sign / sizeof before_sign[0] };

START_TEST(failure_before_the_signature_is_tried_once_more)
{
	open_with_key(2, 5000);
	tell("C_SignInit fail 0x%lx %d\n", before_sign[_i], 1);
	must_sign();
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 1);
	tell("C_SignInit fail 0x%lx %d\n", before_sign[_i], 2);
	must_fail(SAM_CM_FAILED, false);
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 1);
	must_sign();
	close_mock();
}
END_TEST

START_TEST(other_failures_are_not_tried_again)
{
	static const CK_RV codes[] = {CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID,
				      CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY};
	open_with_key(2, 5000);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		tell("C_SignInit fail 0x%lx %d\n", codes[i], 1);
		must_fail(SAM_CM_FAILED, false);
		must_sign();
	}
	close_mock();
}
END_TEST

START_TEST(error_of_the_signature_itself_is_never_tried_again)
{
	static const CK_RV codes[] = {CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID,
				      CKR_USER_NOT_LOGGED_IN, CKR_FUNCTION_FAILED,
				      CKR_BUFFER_TOO_SMALL};
	open_with_key(2, 5000);
	for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		tell("C_Sign fail 0x%lx %d\n", codes[i], 1);
		must_fail(SAM_CM_FAILED, false);
		ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 2 * i);
		must_sign();
		tell("C_Sign after 0x%lx %d\n", codes[i], 1);
		must_fail(SAM_CM_FAILED, false);
		ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 2 * i + 2);
	}
	must_sign();
	close_mock();
}
END_TEST

START_TEST(impossible_length_may_be_a_signature)
{
	static const unsigned long lengths[] = {0, 10, 63, 65, 1024, 1025, 100000};
	open_with_key(2, 5000);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		tell("C_Sign length %lu %d\n", lengths[i], 1);
		must_fail(SAM_CM_FAILED, true);
	}
	must_sign();
	close_mock();
}
END_TEST

START_TEST(token_that_went_away_is_told)
{
	CK_FUNCTION_LIST *f = cm_direct();
	open_with_key(2, 5000);
	cm_write(cm_control, "C_GetTokenInfo fail 0xe0\n");
	must_sign(); /* nobody asks as long as it works */
	ck_assert(!sam_cm_token_present(cm));
	ck_assert(f->C_CloseAllSessions(cm_slot(f)) == CKR_OK);
	must_fail(SAM_CM_TOKEN, false);
	cm_write(cm_control, "");
	must_sign();
	close_mock();
}
END_TEST

START_TEST(vendor_that_does_not_start_is_told)
{
	struct sam_cm_options o = cm_options(cm_mock());
	static const char *const functions[] = {"C_Initialize", "C_GetSlotList", "C_OpenSession"};
	for (size_t i = 0; i < 3; i++) {
		char line[64];
		snprintf(line, sizeof line, "%s fail 0x30\n", functions[i]);
		cm_write(cm_control, line);
		ck_assert_int_eq(cm_try(&o), SAM_CM_FAILED);
	}
	cm_write(cm_control, "");
	ck_assert_int_eq(cm_try(&o), SAM_OK);
}
END_TEST

/* ---- the pool ---- */

static atomic_uint failures;

static void *sign_many(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 25; i++) {
		bool maybe;
		if (cm_sign(cm, &maybe) != SAM_OK)
			atomic_fetch_add(&failures, 1);
	}
	return NULL;
}

static void sixteen_threads(void)
{
	pthread_t threads[16];
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_many, NULL), 0);
	for (unsigned i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
}

START_TEST(sixteen_threads_share_two_sessions)
{
	open_with_key(2, 20000);
	sixteen_threads();
	ck_assert_uint_eq(failures, 0);
	ck_assert_uint_eq(cm_logged(" C_OpenSession 2\n"), 1);
	sessions_at_most(2);
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 400);
	close_mock();
}
END_TEST

START_TEST(sixteen_threads_get_over_lost_sessions)
{
	open_with_key(4, 20000);
	/* each of the first forty fails; each caller tries twice at most */
	tell("C_SignInit fail 0x%lx %d\n", CKR_SESSION_HANDLE_INVALID, 40);
	sixteen_threads();
	ck_assert_uint_le(failures, 20);
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 400 - failures);
	must_sign();
	sessions_at_most(4);
	close_mock();
}
END_TEST

static void *sign_slowly(void *arg)
{
	bool *maybe = arg;
	return cm_sign(cm, maybe) == SAM_OK ? arg : NULL;
}

START_TEST(wait_for_a_session_is_bounded)
{
	pthread_t slow;
	bool maybe;
	void *done;
	open_with_key(1, 200);
	cm_write(cm_control, "C_Sign delay 1500\n");
	ck_assert_int_eq(pthread_create(&slow, NULL, sign_slowly, &maybe), 0);
	usleep(300000);
	int64_t start = sam_clock_monotonic_ms();
	must_fail(SAM_CM_BUSY, false);
	int64_t took = sam_clock_monotonic_ms() - start;
	ck_assert_int_ge(took, 190);
	ck_assert_int_lt(took, 1000);
	pthread_join(slow, &done);
	ck_assert_ptr_nonnull(done);
	cm_write(cm_control, "");
	must_sign();
	close_mock();
}
END_TEST

START_TEST(full_token_is_waited_for)
{
	open_with_key(2, 300);
	CK_FUNCTION_LIST *f = cm_direct();
	ck_assert(f->C_CloseAllSessions(cm_slot(f)) == CKR_OK);
	tell("C_OpenSession fail 0x%lx %d\n", CKR_SESSION_COUNT, -1);
	must_fail(SAM_CM_BUSY, false); /* others have them all */
	cm_write(cm_control, "");
	must_sign();
	/* one is ours and busy; the token gives no second one */
	pthread_t slow;
	bool maybe;
	void *done;
	cm_write(cm_control, "C_OpenSession fail 0xb1\nC_Sign delay 200 1\n");
	ck_assert_int_eq(pthread_create(&slow, NULL, sign_slowly, &maybe), 0);
	usleep(60000);
	must_sign();
	pthread_join(slow, &done);
	ck_assert_ptr_nonnull(done);
	close_mock();
}
END_TEST

START_TEST(failures_do_not_use_up_sessions)
{
	unsigned limit = _i ? 1 : 3;
	open_with_key(limit, 2000);
	cm_write(cm_control, "C_Sign fail 0x5 40\nC_SignInit fail 0x5 0\n");
	for (unsigned i = 0; i < 40; i++)
		must_fail(SAM_CM_FAILED, false);
	must_sign();
	sessions_at_most(limit);
	/* with more than one session the login never went away in between */
	ck_assert_uint_eq(cm_logged(" C_Login "), _i ? 41 : 1);
	close_mock();
}
END_TEST

/* ---- keys and random bytes ---- */

static enum sam_reason generate(enum sam_key_type type, unsigned bits)
{
	struct sam_cm_new_key what = {.type = type, .bits = bits, .label = "fault", .id = cm_id};
	struct sam_cm_made made;
	enum sam_reason reason = sam_cm_generate(cm, &what, true, &made);
	ck_assert((reason == SAM_OK) == (made.spki != NULL));
	sam_cm_made_clear(&made);
	return reason;
}

static void nothing_left(void)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, NULL), 0);
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, NULL, NULL), 0);
	f->C_CloseSession(s);
}

START_TEST(failed_generation_leaves_nothing_behind)
{
	open_mock(2, 5000);
	tell("C_GenerateKeyPair after 0x%lx %d\n", CKR_DEVICE_ERROR, 1);
	ck_assert_int_eq(generate(SAM_KEY_EC, 256), SAM_CM_FAILED);
	nothing_left();
	tell("C_GetAttributeValue fail 0x%lx %d\n", CKR_FUNCTION_FAILED, 1);
	ck_assert_int_eq(generate(SAM_KEY_EC, 256), SAM_CM_FAILED);
	nothing_left();
	tell("C_GenerateKeyPair fail 0x%lx %d\n", CKR_USER_NOT_LOGGED_IN, 1);
	ck_assert_int_eq(generate(SAM_KEY_EC, 256), SAM_OK);
	close_mock();
}
END_TEST

START_TEST(optional_attributes_are_left_off_in_order)
{
	static const CK_RV codes[] = {CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
				      CKR_ATTRIBUTE_VALUE_INVALID};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	CK_BYTE value[64];
	for (unsigned refusals = 0; refusals <= 3; refusals++) {
		open_mock(2, 5000);
		if (refusals)
			tell("C_GenerateKeyPair fail 0x%lx %d\n", codes[refusals - 1],
			     (int)refusals);
		ck_assert_int_eq(generate(SAM_KEY_EC, 256), SAM_OK);
		CK_SESSION_HANDLE s = cm_session(f);
		CK_ATTRIBUTE mechanisms = {CKA_ALLOWED_MECHANISMS, value, sizeof value};
		ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, cm_id, &key), 1);
		ck_assert_int_eq(cm_bool(f, s, key, CKA_COPYABLE), refusals >= 1);
		ck_assert_int_eq(cm_bool(f, s, key, CKA_MODIFIABLE), refusals >= 2);
		ck_assert(f->C_GetAttributeValue(s, key, &mechanisms, 1) == CKR_OK);
		ck_assert_uint_eq(mechanisms.ulValueLen, refusals >= 3 ? 0 : sizeof(CK_ULONG));
		ck_assert_int_eq(cm_bool(f, s, key, CKA_EXTRACTABLE), 0);
		f->C_CloseSession(s);
		must_sign();
		ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
		close_mock();
	}
	open_mock(2, 5000);
	tell("C_GenerateKeyPair fail 0x%lx %d\n", CKR_TEMPLATE_INCONSISTENT, -1);
	ck_assert_int_eq(generate(SAM_KEY_EC, 256), SAM_CM_FAILED);
	nothing_left();
	close_mock();
}
END_TEST

START_TEST(destroy_that_fails_is_told)
{
	open_with_key(2, 5000);
	tell("C_DestroyObject fail 0x%lx %d\n", CKR_ACTION_PROHIBITED, 1);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_CM_FAILED);
	must_sign();
	close_mock();
}
END_TEST

START_TEST(constant_random_is_refused)
{
	uint8_t out[100], none[100] = {0};
	open_mock(2, 5000);
	cm_write(cm_control, "C_GenerateRandom short\n");
	ck_assert_int_eq(sam_cm_random(cm, out, sizeof out), SAM_RANDOM);
	ck_assert_mem_eq(out, none, sizeof out);
	cm_write(cm_control, "");
	ck_assert_int_eq(sam_cm_random(cm, out, sizeof out), SAM_OK);
	/* after the start-up test: by the repetition within a request, or between two short ones */
	cm_write(cm_control, "C_GenerateRandom short 1\n");
	ck_assert_int_eq(sam_cm_random(cm, out, 32), SAM_RANDOM);
	ck_assert_int_eq(sam_cm_random(cm, out, 16), SAM_OK);
	cm_write(cm_control, "C_GenerateRandom short 2\n");
	ck_assert_int_eq(sam_cm_random(cm, out, 16), SAM_OK);
	ck_assert_int_eq(sam_cm_random(cm, out, 16), SAM_RANDOM);
	close_mock();
}
END_TEST

START_TEST(random_that_fails_is_told)
{
	uint8_t out[16];
	open_mock(2, 5000);
	tell("C_GenerateRandom fail 0x%lx %d\n", CKR_RANDOM_NO_RNG, 1);
	ck_assert_int_eq(sam_cm_random(cm, out, sizeof out), SAM_RANDOM);
	tell("C_GenerateRandom fail 0x%lx %d\n", CKR_FUNCTION_FAILED, 1);
	ck_assert_int_eq(sam_cm_random(cm, out, sizeof out), SAM_CM_FAILED);
	tell("C_GenerateRandom fail 0x%lx %d\n", CKR_SESSION_HANDLE_INVALID, 1);
	ck_assert_int_eq(sam_cm_random(cm, out, sizeof out), SAM_OK);
	close_mock();
}
END_TEST

START_TEST(seal_root_is_whole_or_nothing)
{
	uint8_t root[32], none[32] = {0};
	open_mock(2, 5000);
	ck_assert_int_eq(sam_cm_seal_create(cm), SAM_OK);
	tell("C_Sign length %lu %d\n", 31, 1);
	ck_assert_int_eq(sam_cm_seal_root(cm, root), SAM_CM_FAILED);
	ck_assert_mem_eq(root, none, 32);
	tell("C_Sign after 0x%lx %d\n", CKR_FUNCTION_FAILED, 1);
	ck_assert_int_eq(sam_cm_seal_root(cm, root), SAM_CM_FAILED);
	ck_assert_mem_eq(root, none, 32);
	ck_assert_int_eq(sam_cm_seal_root(cm, root), SAM_OK);
	close_mock();
}
END_TEST

/* ---- the mock itself: what the door relies on to show its check of each signature ---- */

static bool verifies(EVP_PKEY *pkey)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature;
	bool maybe;
	struct sam_cm_job job = cm_job(cm_id, SAM_PAD_PKCS1, SAM_HASH_SHA256, 2048);
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_OK);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	ck_assert(EVP_PKEY_verify_init(ctx) == 1);
	ck_assert(EVP_PKEY_CTX_set_signature_md(ctx, sam_ossl_md(SAM_HASH_SHA256)) == 1);
	int ok = EVP_PKEY_verify(ctx, signature, len, cm_digest, 32);
	EVP_PKEY_CTX_free(ctx);
	return ok == 1;
}

START_TEST(mock_gives_wrong_signatures_when_told)
{
	uint8_t other[SAM_CM_ID] = {1};
	EVP_PKEY *pkey;
	open_mock(2, 5000);
	cm_generate(cm, SAM_KEY_RSA, 2048, cm_id, &pkey);
	cm_generate(cm, SAM_KEY_RSA, 2048, other, NULL);
	ck_assert(verifies(pkey));
	cm_write(cm_control, "# once each\nC_Sign wrong 1\n");
	ck_assert(!verifies(pkey));
	ck_assert(verifies(pkey));
	cm_write(cm_control, "C_SignInit otherkey 1\n");
	ck_assert(!verifies(pkey));
	ck_assert(verifies(pkey));
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1 "), 5);
	EVP_PKEY_free(pkey);
	close_mock();
}
END_TEST

START_TEST(at_exit_no_call_reaches_the_vendor)
{
	open_with_key(2, 5000);
	must_sign();
	sam_cm_at_exit();
	must_fail(SAM_CM_FAILED, false);
	sam_cm_close(cm);
	ck_assert_uint_eq(cm_logged(" C_Sign 0x1041"), 1);
	cm_teardown();
	_exit(0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cm_fault");
	TCase *t = tcase_create("login");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, refused_pin_is_not_tried_again);
	tcase_add_test(t, changed_pin_source_is_tried_again);
	tcase_add_loop_test(t, every_refusal_of_the_pin_is_remembered, 0, 5);
	tcase_add_test(t, failed_login_that_is_no_refusal_is_not_remembered);
	tcase_add_test(t, processes_that_start_together_try_once);
	tcase_add_test(t, without_a_place_for_the_memory_no_pin_is_tried);
	tcase_add_test(t, later_login_respects_the_memory);
	suite_add_tcase(s, t);
	t = tcase_create("lost");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_loop_test(t, lost_sessions_come_back, 0, 2);
	tcase_add_loop_test(t, failure_before_the_signature_is_tried_once_more, 0, BEFORE_SIGN);
	tcase_add_test(t, other_failures_are_not_tried_again);
	tcase_add_test(t, error_of_the_signature_itself_is_never_tried_again);
	tcase_add_test(t, impossible_length_may_be_a_signature);
	tcase_add_test(t, token_that_went_away_is_told);
	tcase_add_test(t, vendor_that_does_not_start_is_told);
	suite_add_tcase(s, t);
	t = tcase_create("pool");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_test(t, sixteen_threads_share_two_sessions);
	tcase_add_test(t, sixteen_threads_get_over_lost_sessions);
	tcase_add_test(t, wait_for_a_session_is_bounded);
	tcase_add_test(t, full_token_is_waited_for);
	tcase_add_loop_test(t, failures_do_not_use_up_sessions, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("keys");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, failed_generation_leaves_nothing_behind);
	tcase_add_test(t, optional_attributes_are_left_off_in_order);
	tcase_add_test(t, destroy_that_fails_is_told);
	tcase_add_test(t, constant_random_is_refused);
	tcase_add_test(t, random_that_fails_is_told);
	tcase_add_test(t, seal_root_is_whole_or_nothing);
	tcase_add_test(t, mock_gives_wrong_signatures_when_told);
	tcase_add_test(t, at_exit_no_call_reaches_the_vendor);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, cm_mock_missing)
