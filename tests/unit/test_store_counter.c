/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters of failures; and change sets: changes, statements that they use up and counters that they clear,
 * all or nothing.
 */
#include "store_fixture.h"

#include <pthread.h>
#include <sys/wait.h>

static const struct sam_counter_id alice = {"password", "alice"};
static const struct sam_counter_rule rule = {.attempts = 3, .lock_seconds = 600};
static const struct sam_record refused = {.members = "refuse", .type = "lock", .outcome = "success"};

static struct sam_counter counter(const struct sam_counter_id *id)
{
	struct sam_counter c;
	is(sam_store_counter(store, id, &c), SAM_OK);
	return c;
}

static bool fail_at(const struct sam_counter_id *id, int64_t time)
{
	bool locked = true;
	is(sam_store_counter_fail(store, id, &rule, time, &locked, &a_record), SAM_OK);
	return locked;
}

static uint64_t records(void)
{
	struct sam_store_head head;
	is(sam_store_head(store, &head), SAM_OK);
	return head.audit_seq;
}

/* ---- one at a time ---- */

/* What another process gets, with a store of its own. */
static enum sam_reason entered_elsewhere(const struct sam_counter_id *id)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		sam_store_abandon(store);
		if (sam_store_open(&options, &store, NULL) != SAM_OK)
			_exit(3);
		enum sam_reason reason = sam_store_counter_enter(store, id);
		_exit(reason == SAM_OK ? 0 : reason == SAM_STORE_BUSY ? 1 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) ? SAM_STORE_BUSY : SAM_OK;
}

START_TEST(one_process_enters_for_a_counter)
{
	const struct sam_counter_id bob = {"password", "bob"};
	options.busy_ms = 100;
	is(sam_store_counter_enter(store, &alice), SAM_OK);
	ck_assert_uint_eq(fail_at(&alice, now), false); /* the store is free meanwhile */
	is(entered_elsewhere(&alice), SAM_STORE_BUSY);
	is(entered_elsewhere(&bob), SAM_OK);
	sam_store_counter_leave(store, &alice);
	is(entered_elsewhere(&alice), SAM_OK);
	is(entered_elsewhere(&alice), SAM_OK); /* a process that ended holds nothing */
}
END_TEST

/* ---- counters ---- */

START_TEST(enough_failures_lock)
{
	const struct sam_counter_id others[] = {{"password", "bob"}, {"pin", "alice"}};
	ck_assert_uint_eq(counter(&alice).failures, 0);
	ck_assert(!fail_at(&alice, now));
	ck_assert(!fail_at(&alice, now + 1));
	ck_assert_uint_eq(counter(&alice).failures, 2);
	ck_assert_int_eq(counter(&alice).last, now + 1);
	ck_assert_int_eq(counter(&alice).locked_until, 0);
	ck_assert_uint_eq(records(), 0);
	reopen();
	ck_assert(fail_at(&alice, now + 2));
	ck_assert_uint_eq(records(), 1);
	ck_assert_uint_eq(counter(&alice).failures, 0);
	ck_assert_int_eq(counter(&alice).locked_until, now + 602);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(counter(&others[i]).locked_until, 0);
	reopen();
	ck_assert_int_eq(counter(&alice).locked_until, now + 602);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_day_later_a_failure_is_forgotten)
{
	ck_assert(!fail_at(&alice, now));
	ck_assert(!fail_at(&alice, now + 86400));
	ck_assert_uint_eq(counter(&alice).failures, 2);
	ck_assert(!fail_at(&alice, now + 2 * 86400 + 1));
	ck_assert_uint_eq(counter(&alice).failures, 1);
}
END_TEST

START_TEST(a_clock_set_back_shortens_no_lock)
{
	struct sam_store_head head;
	ck_assert(!fail_at(&alice, now + 1000));
	ck_assert(!fail_at(&alice, now));
	ck_assert(fail_at(&alice, 5));
	ck_assert_int_eq(counter(&alice).locked_until, now + 1600);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_int_ge(head.latest_time, now + 1000);
	is(sam_store_counter_lock(store, &alice, now + 5, NULL), SAM_OK);
	ck_assert_int_eq(counter(&alice).locked_until, now + 1600);
	is(sam_store_counter_lock(store, &alice, now + 5000, &a_record), SAM_OK);
	ck_assert_int_eq(counter(&alice).locked_until, now + 5000);
}
END_TEST

START_TEST(clearing_is_complete_and_writes_only_if_it_must)
{
	struct sam_store_head before, after;
	is(sam_store_head(store, &before), SAM_OK);
	is(sam_store_counter_clear(store, &alice, NULL), SAM_OK);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_mem_eq(&before, &after, sizeof before);
	is(sam_store_counter_clear(store, &alice, &a_record), SAM_OK);
	ck_assert_uint_eq(records(), 1);
	is(sam_store_counter_lock(store, &alice, now + 5000, NULL), SAM_OK);
	fail_at(&alice, now);
	is(sam_store_counter_clear(store, &alice, NULL), SAM_OK);
	ck_assert_uint_eq(counter(&alice).failures, 0);
	ck_assert_int_eq(counter(&alice).locked_until, 0);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_uint_eq(after.counters, 0);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_record_that_cannot_be_made_changes_no_counter)
{
	bool locked = true;
	fail_at(&alice, now);
	fail_at(&alice, now);
	is(sam_store_counter_fail(store, &alice, &rule, now, &locked, &refused), SAM_MEMORY);
	ck_assert(!locked);
	ck_assert_uint_eq(counter(&alice).failures, 2);
	is(sam_store_counter_clear(store, &alice, &refused), SAM_MEMORY);
	is(sam_store_counter_lock(store, &alice, now + 9, &refused), SAM_MEMORY);
	ck_assert_uint_eq(counter(&alice).failures, 2);
	ck_assert_int_eq(counter(&alice).locked_until, 0);
	is(sam_store_counter_fail(store, &alice, &rule, now, &locked, NULL), SAM_OK);
	ck_assert(locked);
	ck_assert_uint_eq(records(), 0);
}
END_TEST

START_TEST(strange_counters_are_refused)
{
	char kind[34], name[66];
	struct sam_counter c;
	bool locked;
	memset(kind, 'k', sizeof kind);
	memset(name, 'n', sizeof name);
	kind[33] = name[65] = '\0';
	const struct sam_counter_id bad[] = {{kind, "a"}, {"a", name}, {"", "a"}, {"a", ""}, {NULL, "a"}, {"a", NULL}};
	const struct sam_counter_id longest = {kind + 1, name + 1};
	const struct sam_counter_rule backward = {3, -1};
	for (unsigned i = 0; i < 6; i++) {
		is(sam_store_counter(store, &bad[i], &c), SAM_ARGUMENTS);
		is(sam_store_counter_fail(store, &bad[i], &rule, now, &locked, NULL), SAM_ARGUMENTS);
		is(sam_store_counter_clear(store, &bad[i], &a_record), SAM_ARGUMENTS);
		is(sam_store_counter_lock(store, &bad[i], now, &a_record), SAM_ARGUMENTS);
	}
	is(sam_store_counter_fail(store, &alice, &backward, now, &locked, NULL), SAM_ARGUMENTS);
	is(sam_store_counter_fail(store, &alice, &rule, -1, &locked, NULL), SAM_ARGUMENTS);
	ck_assert(!fail_at(&longest, now));
	ck_assert_uint_eq(counter(&longest).failures, 1);
	const struct sam_counter_rule at_once = {0, INT64_MAX};
	is(sam_store_counter_fail(store, &alice, &at_once, now, &locked, NULL), SAM_OK);
	ck_assert(locked);
	ck_assert_int_eq(counter(&alice).locked_until, INT64_MAX);
}
END_TEST

enum { THREADS = 8, EACH = 30 };

static void *fail_often(void *arg)
{
	unsigned *locks = arg;
	const struct sam_counter_rule seven = {7, 600};
	for (unsigned i = 0; i < EACH; i++) {
		bool locked;
		is(sam_store_counter_fail(store, &alice, &seven, now, &locked, &a_record), SAM_OK);
		*locks += locked;
	}
	return NULL;
}

START_TEST(no_failure_of_eight_threads_is_lost)
{
	pthread_t threads[THREADS];
	unsigned locks[THREADS] = {0}, all = 0;
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_often, &locks[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += locks[i];
	}
	ck_assert_uint_eq(all, THREADS * EACH / 7);
	ck_assert_uint_eq(counter(&alice).failures, THREADS * EACH % 7);
	ck_assert_uint_eq(records(), all);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- change sets ---- */

static struct sam_spend spend_of(const char *jti)
{
	return (struct sam_spend){.claim = claim_of(jti), .digest = {'o', 'p'}};
}

static uint64_t version_now(void)
{
	uint64_t version;
	is(sam_store_grants_version(store, &version), SAM_OK);
	return version;
}

static const struct sam_change add_bob = {SAM_CHANGE_ADD, {"signer", "bob", "active", 6}};

START_TEST(a_set_is_all_or_nothing)
{
	const struct sam_record two[] = {a_record, a_record}, bad[] = {a_record, refused};
	const struct sam_counter_id clears[] = {alice, {"password", ""}};
	struct sam_spend spends[] = {spend_of("op-1"), spend_of("op-2")};
	struct sam_change_set set = {.version = version_now(), .changes = &add_bob, .count = 1, .spends = spends,
				     .spend_count = 2, .clears = clears, .clear_count = 1, .now = now,
				     .records = bad, .record_count = 2};
	struct sam_store_head before, after;
	fail_at(&alice, now);
	is(sam_store_head(store, &before), SAM_OK);
	is(sam_store_grants_change(store, &set), SAM_MEMORY);
	set.records = two;
	set.clear_count = 2;
	is(sam_store_grants_change(store, &set), SAM_ARGUMENTS);
	set.clear_count = 1;
	set.version++;
	is(sam_store_grants_change(store, &set), SAM_STORE_CHANGED);
	set.version--;
	spends[1].claim.exp = now;
	is(sam_store_grants_change(store, &set), SAM_SAD_EXPIRED);
	spends[1] = spends[0];
	is(sam_store_grants_change(store, &set), SAM_DIGEST_USED);
	spends[1].claim.payload[0]++;
	is(sam_store_grants_change(store, &set), SAM_SAD_REUSED_ID);
	spends[1] = spend_of("op-2");
	set.record_count = 0;
	is(sam_store_grants_change(store, &set), SAM_ARGUMENTS);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_mem_eq(&before, &after, sizeof before);
	set.record_count = 2;
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(records(), 2);
	ck_assert_uint_eq(version_now(), set.version + 1);
	ck_assert_uint_eq(counter(&alice).failures, 0);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_spent_statement_is_spent_everywhere)
{
	struct sam_spend spend = spend_of("op-1"), other = spend_of("op-1");
	struct sam_change_set set = {.version = version_now(), .spends = &spend, .spend_count = 1, .now = now,
				     .records = &a_record, .record_count = 1};
	struct sam_reservation r;
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(version_now(), set.version); /* nothing granted */
	is(sam_store_grants_change(store, &set), SAM_DIGEST_USED);
	is(sam_store_reserve(store, &spend.claim, spend.digest, 32, now, &r), SAM_DIGEST_USED);
	other.digest[0]++;
	set.spends = &other;
	is(sam_store_grants_change(store, &set), SAM_OK); /* another use of it */
	other.digest[0]++;
	other.claim.limit = 2;
	is(sam_store_grants_change(store, &set), SAM_OK); /* the limit is what its first use said */
	spend = spend_of("op-2");
	spend.claim.iat = 0;
	set.spends = &spend;
	is(sam_store_grants_change(store, &set), SAM_SAD_EPOCH);
}
END_TEST

START_TEST(counters_alone_are_cleared)
{
	struct sam_change_set set = {.version = version_now(), .clears = &alice, .clear_count = 1,
				     .records = &a_record, .record_count = 1};
	fail_at(&alice, now);
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(counter(&alice).failures, 0);
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(records(), 2);
}
END_TEST

struct rival {
	pthread_barrier_t *start;
	struct sam_change_set set;
	enum sam_reason reason;
};

static void *compete(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->reason = sam_store_grants_change(store, &r->set);
	return NULL;
}

START_TEST(of_eight_that_spend_one_wins)
{
	pthread_barrier_t start;
	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned round = 0; round < (long_run() ? 200 : 20); round++) {
		struct rival rivals[THREADS];
		pthread_t threads[THREADS];
		char jti[16];
		unsigned won = 0;
		snprintf(jti, sizeof jti, "op-%u", round);
		struct sam_spend spend = spend_of(jti);
		struct sam_change_set set = {.version = version_now(), .spends = &spend, .spend_count = 1, .now = now,
					     .records = &a_record, .record_count = 1};
		for (unsigned i = 0; i < THREADS; i++) {
			rivals[i] = (struct rival){&start, set, SAM_OK};
			ck_assert_int_eq(pthread_create(&threads[i], NULL, compete, &rivals[i]), 0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(threads[i], NULL);
			won += rivals[i].reason == SAM_OK;
			if (rivals[i].reason != SAM_OK)
				is(rivals[i].reason, SAM_DIGEST_USED);
		}
		ck_assert_uint_eq(won, 1);
		ck_assert_uint_eq(records(), round + 1);
	}
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store counter");
	TCase *c = tcase_create("counter");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, enough_failures_lock);
	tcase_add_test(c, one_process_enters_for_a_counter);
	tcase_add_test(c, a_day_later_a_failure_is_forgotten);
	tcase_add_test(c, a_clock_set_back_shortens_no_lock);
	tcase_add_test(c, clearing_is_complete_and_writes_only_if_it_must);
	tcase_add_test(c, a_record_that_cannot_be_made_changes_no_counter);
	tcase_add_test(c, strange_counters_are_refused);
	tcase_add_test(c, no_failure_of_eight_threads_is_lost);
	tcase_add_test(c, a_set_is_all_or_nothing);
	tcase_add_test(c, a_spent_statement_is_spent_everywhere);
	tcase_add_test(c, counters_alone_are_cleared);
	tcase_add_test(c, of_eight_that_spend_one_wins);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
