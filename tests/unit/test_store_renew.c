/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens that sign once: the digest and the token's successor in one transaction, and never two successors.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include "store_fixture.h"

static const char body[] = "{\"the\":\"body\"}";

/* As random as these tests need. */
static void fresh(char token[SAM_TOKEN_LEN + 1])
{
	static atomic_uint count;
	snprintf(token, SAM_TOKEN_LEN + 1, "sat_%010u%016u", (unsigned)getpid(), atomic_fetch_add(&count, 1));
}

/* The SAD's first token. */
static void put(const char *jti, char token[SAM_TOKEN_LEN + 1])
{
	struct sam_claim claim = claim_of(jti);
	fresh(token);
	is(sam_store_token_put(store, &claim, body, strlen(body), now, token, &a_record), SAM_OK);
}

static struct sam_token_id id_of(const char *token)
{
	struct sam_token_id id;
	uint8_t *found;
	size_t len;
	is(sam_store_token_find(store, token, &id, &found, &len), SAM_OK);
	ck_assert_uint_eq(len, strlen(body));
	ck_assert_mem_eq(found, body, len);
	free(found);
	return id;
}

static enum sam_reason look(const char *token)
{
	uint8_t *found;
	size_t len;
	enum sam_reason reason = sam_store_token_find(store, token, NULL, &found, &len);
	if (reason == SAM_OK)
		free(found);
	return reason;
}

static uint32_t current(const char *jti, char token[SAM_TOKEN_LEN + 1])
{
	struct sam_claim claim = claim_of(jti);
	uint32_t number;
	is(sam_store_token_of(store, &claim, now, token, &number), SAM_OK);
	return number;
}

/* By that token, as it was when it was presented. */
static enum sam_reason take(const char *jti, const struct sam_token_id *id, uint32_t chain, uint64_t number,
			    struct sam_reservation *out)
{
	struct sam_claim claim = claim_of(jti);
	struct sam_token_use use = {.id = *id, .chain = chain};
	uint8_t digest[32] = {0};
	memcpy(digest, &number, sizeof number);
	if (chain)
		fresh(use.next);
	return sam_store_reserve_by_token(store, &claim, &use, digest, sizeof digest, now, out);
}

static struct sam_store_head head(void)
{
	struct sam_store_head h;
	is(sam_store_head(store, &h), SAM_OK);
	return h;
}

/* ---- one after the other ---- */

START_TEST(a_token_signs_once_and_is_replaced)
{
	char first[SAM_TOKEN_LEN + 1], second[SAM_TOKEN_LEN + 1], again[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	put("jti-1", first);
	const struct sam_token_id one = id_of(first);
	ck_assert_uint_eq(one.number, 1);
	is(take("jti-1", &one, 10, 1, &r), SAM_OK);
	ck_assert_uint_eq(current("jti-1", second), 2);
	ck_assert_str_ne(second, first);
	is(look(first), SAM_TOKEN_UNKNOWN);
	is(sam_store_commit(store, &r, &a_record), SAM_OK);
	is(take("jti-1", &one, 10, 2, &r), SAM_TOKEN_RENEWED);
	is(take("jti-1", &one, 0, 2, &r), SAM_TOKEN_RENEWED); /* dead for those, too, for whom tokens are not renewed */
	reopen();
	const struct sam_token_id two = id_of(second);
	ck_assert_uint_eq(two.number, 2);
	is(take("jti-1", &two, 10, 2, &r), SAM_OK);
	is(sam_store_commit(store, &r, &a_record), SAM_OK);
	ck_assert_uint_eq(current("jti-1", again), 3);
	/* whoever brings the SAD again gets the current one */
	is(sam_store_token_put(store, &claim, "other", 5, now, first, &a_record), SAM_OK);
	ck_assert_str_eq(first, again);
	ck_assert_uint_eq(head().tokens, 1);
	ck_assert_uint_eq(head().uses, 2);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(where_it_is_not_renewed_one_token_serves_all_digests)
{
	char token[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	struct sam_reservation r;
	put("jti-1", token);
	const struct sam_token_id id = id_of(token);
	for (uint64_t i = 0; i < 5; i++) {
		is(take("jti-1", &id, 0, i, &r), SAM_OK);
		is(sam_store_commit(store, &r, &a_record), SAM_OK);
	}
	is(take("jti-1", &id, 0, 3, &r), SAM_DIGEST_USED);
	ck_assert_uint_eq(current("jti-1", still), 1);
	ck_assert_str_eq(still, token);
}
END_TEST

START_TEST(a_chain_ends)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	put("jti-1", token);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(current("jti-1", token), i);
		const struct sam_token_id id = id_of(token);
		is(take("jti-1", &id, 3, i, &r), SAM_OK);
	}
	current("jti-1", token);
	const struct sam_token_id last = id_of(token);
	ck_assert_uint_eq(last.number, 4);
	is(take("jti-1", &last, 3, 4, &r), SAM_RENEWALS_USED);
	is(sam_store_token_put(store, &claim, "x", 1, now, token, &a_record), SAM_OK); /* begins no other */
	ck_assert_uint_eq(id_of(token).number, 4);
	/* the SAD itself goes on, and so does the chain where it may be longer */
	is(reserve(&claim, 4, &r), SAM_OK);
	is(take("jti-1", &last, 4, 5, &r), SAM_OK);
}
END_TEST

/* Until the last second of the SAD, and a second later no more. */
START_TEST(a_chain_ends_with_its_sad)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1");
	struct sam_token_use use = {.chain = 10};
	const uint8_t one[32] = {1}, two[32] = {2};
	struct sam_reservation r;
	uint32_t number;
	put("jti-1", token);
	use.id = id_of(token);
	fresh(use.next);
	is(sam_store_reserve_by_token(store, &claim, &use, one, 32, claim.exp - 1, &r), SAM_OK);
	is(sam_store_token_of(store, &claim, claim.exp - 1, token, &number), SAM_OK);
	use.id = id_of(token);
	fresh(use.next);
	is(sam_store_reserve_by_token(store, &claim, &use, two, 32, claim.exp, &r), SAM_SAD_EXPIRED);
	is(sam_store_token_of(store, &claim, claim.exp, token, &number), SAM_SAD_EXPIRED);
	is(sam_store_reserve_by_token(store, &claim, &use, two, 32, claim.exp - 1, &r), SAM_OK);
}
END_TEST

START_TEST(refusals_leave_token_and_digest_alone)
{
	char token[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1], other[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1"), late = claim_of("jti-1");
	struct sam_reservation r;
	put("jti-1", token);
	put("jti-2", other);
	is(reserve(&claim, 1, &r), SAM_OK);
	const struct sam_token_id id = id_of(token), foreign = id_of(other), none = {.number = 0};
	struct sam_token_use use = {.id = id, .chain = 9};
	fresh(use.next);
	const struct sam_store_head before = head();
	is(take("jti-1", &id, 9, 1, &r), SAM_DIGEST_USED);
	is(take("jti-1", &foreign, 9, 2, &r), SAM_TOKEN_RENEWED);
	is(take("jti-3", &id, 9, 2, &r), SAM_TOKEN_RENEWED); /* a SAD that the store has never seen */
	is(take("jti-1", &none, 9, 2, &r), SAM_ARGUMENTS);
	is(sam_store_reserve_by_token(store, &claim, &use, (const uint8_t *)"", 0, now, &r), SAM_ARGUMENTS);
	use.next[7] = '\0';
	is(sam_store_reserve_by_token(store, &claim, &use, use.id.lookup, 32, now, &r), SAM_ARGUMENTS);
	late.exp = now;
	fresh(use.next);
	is(sam_store_reserve_by_token(store, &late, &use, use.id.lookup, 32, now, &r), SAM_SAD_EXPIRED);
	late = claim;
	late.payload[1] ^= 1;
	is(sam_store_reserve_by_token(store, &late, &use, use.id.lookup, 32, now, &r), SAM_SAD_REUSED_ID);
	const struct sam_store_head after = head();
	ck_assert_mem_eq(&before, &after, sizeof before);
	ck_assert_uint_eq(current("jti-1", still), 1);
	ck_assert_str_eq(still, token);
}
END_TEST

/* ---- given back ---- */

START_TEST(give_back_restores_the_token)
{
	char token[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	struct sam_reservation r;
	put("jti-1", token);
	for (unsigned i = 1; i <= 2; i++) { /* the first, and a later one, which is sealed another way */
		const struct sam_token_id id = id_of(token);
		is(take("jti-1", &id, 10, i, &r), SAM_OK);
		current("jti-1", next);
		const struct sam_token_id successor = id_of(next);
		is(sam_store_give_back(store, &r, &a_record), SAM_OK);
		ck_assert_uint_eq(current("jti-1", still), i);
		ck_assert_str_eq(still, token);
		is(look(next), SAM_TOKEN_UNKNOWN);
		is(take("jti-1", &successor, 10, i, &r), SAM_TOKEN_RENEWED);
		is(take("jti-1", &id, 10, i, &r), SAM_OK);
		is(sam_store_commit(store, &r, &a_record), SAM_OK);
		current("jti-1", token);
	}
	ck_assert_uint_eq(head().uses, 2);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* Its successor has signed: were it put back, there would be two that came after it. */
START_TEST(give_back_never_forks_the_chain)
{
	char token[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1], last[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	struct sam_reservation r, q;
	put("jti-1", token);
	const struct sam_token_id one = id_of(token);
	is(take("jti-1", &one, 10, 1, &r), SAM_OK);
	current("jti-1", next);
	const struct sam_token_id two = id_of(next);
	is(take("jti-1", &two, 10, 2, &q), SAM_OK);
	current("jti-1", last);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	ck_assert_uint_eq(current("jti-1", still), 3);
	ck_assert_str_eq(still, last);
	is(look(token), SAM_TOKEN_UNKNOWN);
	is(look(next), SAM_TOKEN_UNKNOWN);
	const struct sam_token_id three = id_of(last);
	is(take("jti-1", &three, 10, 1, &r), SAM_OK); /* the digest is free again */
	is(sam_store_commit(store, &q, &a_record), SAM_OK);
	ck_assert_uint_eq(head().uses, 2);
}
END_TEST

START_TEST(two_that_give_back_unwind_the_chain)
{
	char token[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	struct sam_reservation r, q;
	put("jti-1", token);
	const struct sam_token_id one = id_of(token);
	is(take("jti-1", &one, 10, 1, &r), SAM_OK);
	current("jti-1", next);
	const struct sam_token_id two = id_of(next);
	is(take("jti-1", &two, 10, 2, &q), SAM_OK);
	is(sam_store_give_back(store, &q, &a_record), SAM_OK);
	current("jti-1", still);
	ck_assert_str_eq(still, next);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	ck_assert_uint_eq(current("jti-1", still), 1);
	ck_assert_str_eq(still, token);
	ck_assert_uint_eq(head().uses, 0);
}
END_TEST

static bool any(void *arg, const void *what, size_t len)
{
	(void)arg;
	ck_assert_uint_eq(len, strlen(body)); /* the number is none of the body */
	return memcmp(what, body, len) == 0;
}

START_TEST(a_forgotten_chain_is_dead)
{
	char token[SAM_TOKEN_LEN + 1];
	const struct sam_forget forget = {.is = any};
	uint64_t version;
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r, q;
	uint32_t number;
	put("jti-1", token);
	const struct sam_token_id one = id_of(token);
	is(take("jti-1", &one, 10, 1, &r), SAM_OK);
	current("jti-1", token);
	const struct sam_token_id two = id_of(token);
	is(sam_store_grants_version(store, &version), SAM_OK);
	const struct sam_change_set set = {.version = version, .forget = &forget, .now = now, .records = &a_record,
					   .record_count = 1};
	is(sam_store_grants_change(store, &set), SAM_OK);
	is(take("jti-1", &two, 10, 2, &q), SAM_TOKEN_RENEWED);
	is(sam_store_token_of(store, &claim, now, token, &number), SAM_TOKEN_UNKNOWN);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK); /* which brings no token back */
	is(sam_store_token_of(store, &claim, now, token, &number), SAM_TOKEN_UNKNOWN);
	ck_assert_uint_eq(head().tokens, 0);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- at once ---- */

enum { RUNNERS = 8 };
static atomic_uint given, renewed, other;

/* Everybody for himself: the current token, and then the digest of the own number. */
static void *run(void *arg)
{
	const uint64_t first = (uintptr_t)arg, count = long_run() ? 250 : 30;
	for (uint64_t i = 0; i < count;) {
		char token[SAM_TOKEN_LEN + 1];
		struct sam_token_id id;
		struct sam_reservation r;
		uint8_t *found = NULL;
		size_t len;
		struct sam_claim claim = claim_of("jti-1");
		uint32_t number;
		enum sam_reason reason = sam_store_token_of(store, &claim, now, token, &number);
		if (reason == SAM_OK)
			reason = sam_store_token_find(store, token, &id, &found, &len);
		free(found);
		if (reason == SAM_OK)
			reason = take("jti-1", &id, 1 << 20, first << 32 | i, &r);
		if (reason == SAM_OK && i % 5 == 4)
			reason = sam_store_give_back(store, &r, &a_record); /* the CM failed */
		else if (reason == SAM_OK)
			reason = sam_store_commit(store, &r, &a_record);
		if (reason == SAM_OK && i++ % 5 < 4)
			atomic_fetch_add(&given, 1);
		else if (reason == SAM_TOKEN_RENEWED || reason == SAM_TOKEN_UNKNOWN)
			atomic_fetch_add(&renewed, 1);
		else if (reason != SAM_OK)
			atomic_fetch_add(&other, 1);
	}
	return NULL;
}

START_TEST(of_many_threads_one_goes_on)
{
	char token[SAM_TOKEN_LEN + 1];
	pthread_t threads[RUNNERS];
	put("jti-1", token);
	for (uintptr_t i = 0; i < RUNNERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run, (void *)i), 0);
	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&other), 0);
	ck_assert_uint_eq(head().uses, atomic_load(&given));
	ck_assert_uint_eq(head().tokens, 1);
	/* a signature each, or more: where the chain had gone on, nothing was put back */
	ck_assert_uint_gt(current("jti-1", token), atomic_load(&given));
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* One token, many who hold it, all with a digest of their own: one of them signs. */
static struct sam_token_id shared;
static void *rival(void *arg)
{
	struct sam_reservation r;
	enum sam_reason reason = take("jti-1", &shared, 100, (uintptr_t)arg, &r);
	atomic_fetch_add(reason == SAM_OK ? &given : reason == SAM_TOKEN_RENEWED ? &renewed : &other, 1);
	return NULL;
}

START_TEST(one_token_gives_one_signature)
{
	char token[SAM_TOKEN_LEN + 1];
	pthread_t threads[RUNNERS];
	put("jti-1", token);
	for (unsigned round = 1; round <= 20; round++) {
		current("jti-1", token);
		shared = id_of(token);
		for (uintptr_t i = 0; i < RUNNERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, rival, (void *)(round * 100 + i)), 0);
		for (unsigned i = 0; i < RUNNERS; i++)
			pthread_join(threads[i], NULL);
		ck_assert_uint_eq(atomic_load(&given), round);
		ck_assert_uint_eq(atomic_load(&renewed), round * (RUNNERS - 1));
		ck_assert_uint_eq(current("jti-1", token), round + 1);
	}
	ck_assert_uint_eq(atomic_load(&other), 0);
}
END_TEST

/* Killed between the reservation and the commit: the SAD's holder finds the current token, and the digest is spent. */
START_TEST(after_a_crash_the_chain_goes_on_with_its_current_token)
{
	char token[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	int status;
	put("jti-1", token);
	const struct sam_token_id id = id_of(token);
	sam_store_close(store);
	store = NULL;
	pid_t pid = fork();
	if (pid == 0) {
		if (sam_store_open(&options, &store, NULL) != SAM_OK || take("jti-1", &id, 10, 1, &r) != SAM_OK)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	reopen();
	is(take("jti-1", &id, 10, 2, &r), SAM_TOKEN_RENEWED);
	fresh(next);
	is(sam_store_token_put(store, &claim, body, strlen(body), now, next, &a_record), SAM_OK);
	const struct sam_token_id two = id_of(next);
	ck_assert_uint_eq(two.number, 2);
	is(take("jti-1", &two, 10, 1, &r), SAM_DIGEST_USED);
	is(take("jti-1", &two, 10, 2, &r), SAM_OK);
}
END_TEST

/* ---- from outside ---- */

START_TEST(a_renewed_row_that_was_changed_is_noticed)
{
	static const char *const edits[] = {
		"UPDATE tokens SET sealed = zeroblob(length(sealed))",
		"UPDATE tokens SET lookup = zeroblob(32)", "UPDATE tokens SET mac = zeroblob(32)"};
	char token[SAM_TOKEN_LEN + 1];
	struct sam_reservation r;
	put("jti-1", token);
	const struct sam_token_id one = id_of(token);
	is(take("jti-1", &one, 10, 1, &r), SAM_OK);
	current("jti-1", token);
	const struct sam_token_id two = id_of(token);
	meddle(edits[_i]);
	is(take("jti-1", &two, 10, 2, &r), SAM_STORE_TAMPERED);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store_renew");
	TCase *c = tcase_create("store_renew");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, a_token_signs_once_and_is_replaced);
	tcase_add_test(c, where_it_is_not_renewed_one_token_serves_all_digests);
	tcase_add_test(c, a_chain_ends);
	tcase_add_test(c, a_chain_ends_with_its_sad);
	tcase_add_test(c, refusals_leave_token_and_digest_alone);
	tcase_add_test(c, give_back_restores_the_token);
	tcase_add_test(c, give_back_never_forks_the_chain);
	tcase_add_test(c, two_that_give_back_unwind_the_chain);
	tcase_add_test(c, a_forgotten_chain_is_dead);
	tcase_add_test(c, of_many_threads_one_goes_on);
	tcase_add_test(c, one_token_gives_one_signature);
	tcase_add_test(c, after_a_crash_the_chain_goes_on_with_its_current_token);
	tcase_add_loop_test(c, a_renewed_row_that_was_changed_is_noticed, 0, 3);
	suite_add_tcase(s, c);
	return s;
}

SAM_UNIT_MAIN(suite)
