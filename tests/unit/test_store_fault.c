/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store under bad conditions: threads and processes that want the same, fork, kill -9, a full
 * disk, a sync that fails, a lock that does not come free.
 */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static unsigned rounds(unsigned plain, unsigned many)
{
	return long_run() ? many : plain;
}

/* ---- exactly one ---- */

enum { RIVALS = 8 };

struct rival {
	pthread_barrier_t *start;
	uint64_t number;
	enum sam_reason reason;
};

static void *compete(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->reason = sign("contended", r->number);
	return NULL;
}

START_TEST(of_eight_threads_one_wins)
{
	pthread_barrier_t start;
	struct sam_store_head head;
	uint64_t all = rounds(20, 200);
	pthread_barrier_init(&start, NULL, RIVALS);
	for (uint64_t round = 0; round < all; round++) {
		struct rival rivals[RIVALS];
		pthread_t threads[RIVALS];
		unsigned won = 0;
		for (unsigned i = 0; i < RIVALS; i++) {
			rivals[i] = (struct rival){&start, round, SAM_OK};
			ck_assert_int_eq(pthread_create(&threads[i], NULL, compete, &rivals[i]), 0);
		}
		for (unsigned i = 0; i < RIVALS; i++) {
			pthread_join(threads[i], NULL);
			won += rivals[i].reason == SAM_OK;
			if (rivals[i].reason != SAM_OK)
				is(rivals[i].reason, SAM_DIGEST_USED);
		}
		ck_assert_uint_eq(won, 1);
	}
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.audit_seq, all);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* A child with its own handle; leaves with 0 if ${run}, 1 otherwise. */
static pid_t child(bool (*run)(void *arg), void *arg)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid != 0)
		return pid;
	sam_store_abandon(store);
	if (sam_store_open(&options, &store, NULL) != SAM_OK)
		_exit(3);
	_exit(run(arg) ? 0 : 1);
}

static int end_of(pid_t pid)
{
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

struct tally {
	atomic_uint ready, won, lost, wrong;
};

static bool compete_alone(void *arg)
{
	struct tally *t = arg;
	atomic_fetch_add(&t->ready, 1);
	while (atomic_load(&t->ready) < RIVALS)
		usleep(100);
	for (uint64_t i = 0; i < rounds(20, 200); i++) {
		enum sam_reason reason = sign("contended", i);
		atomic_fetch_add(reason == SAM_OK ? &t->won : reason == SAM_DIGEST_USED ? &t->lost : &t->wrong, 1);
	}
	return true;
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

START_TEST(of_eight_processes_one_wins)
{
	struct tally *t = shared(sizeof *t);
	pid_t pids[RIVALS];
	unsigned all = rounds(20, 200);
	for (unsigned i = 0; i < RIVALS; i++)
		pids[i] = child(compete_alone, t);
	for (unsigned i = 0; i < RIVALS; i++)
		ck_assert_int_eq(end_of(pids[i]), 0);
	ck_assert_uint_eq(atomic_load(&t->won), all);
	ck_assert_uint_eq(atomic_load(&t->lost), all * (RIVALS - 1));
	ck_assert_uint_eq(atomic_load(&t->wrong), 0);
	reopen();
	struct sam_store_head head;
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.audit_seq, all);
}
END_TEST

struct worker {
	unsigned number;
	enum sam_reason worst;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	char jti[16], token[SAM_TOKEN_LEN + 1];
	for (uint64_t i = 0; i < 40 && w->worst == SAM_OK; i++) {
		struct sam_store_head head;
		struct sam_claim claim = claim_of(jti);
		snprintf(jti, sizeof jti, "sad-%u-%u", w->number, (unsigned)i / 4);
		snprintf(token, sizeof token, "sat_%018u%08u", w->number, (unsigned)i);
		w->worst = sign(jti, i);
		if (w->worst == SAM_OK && i % 4 == 1)
			w->worst = sam_store_token_put(store, &claim, "body", 4, now, token, &a_record);
		if (w->worst == SAM_OK && i % 4 == 2)
			w->worst = sam_store_head(store, &head);
		if (w->worst == SAM_OK && i % 20 == 3)
			w->worst = sam_store_maintain(store, NULL);
		if (sign(jti, i) != SAM_DIGEST_USED)
			w->worst = SAM_INTERNAL;
	}
	return NULL;
}

START_TEST(many_threads_do_many_things)
{
	struct worker workers[16];
	pthread_t threads[16];
	struct sam_store_head head;
	for (unsigned i = 0; i < 16; i++) {
		workers[i] = (struct worker){i, SAM_OK};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++) {
		pthread_join(threads[i], NULL);
		is(workers[i].worst, SAM_OK);
	}
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.uses, 640);
	ck_assert_uint_eq(head.activations, 160);
	ck_assert_uint_eq(head.tokens, 160);
	ck_assert_uint_eq(head.audit_seq, 800);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- fork ---- */

START_TEST(a_handle_is_not_used_across_fork)
{
	is(sign("jti-1", 1), SAM_OK);
	pid_t pid = fork();
	if (pid == 0) {
		struct sam_store_head head;
		bool refused = sign("jti-1", 2) == SAM_INTERNAL && sam_store_head(store, &head) == SAM_INTERNAL;
		sam_store_close(store); /* abandons */
		refused = refused && sam_store_open(&options, &store, NULL) == SAM_OK && sign("jti-1", 2) == SAM_OK;
		sam_store_close(store);
		_exit(refused ? 0 : 1);
	}
	ck_assert_int_eq(end_of(pid), 0);
	is(sign("jti-1", 2), SAM_DIGEST_USED);
	is(sign("jti-1", 3), SAM_OK);
	reopen();
}
END_TEST

/* ---- kill -9 ---- */

enum { MOST = 100000 };

struct progress {
	_Atomic uint64_t next, released; /* numbers begun; and of those, a bit for each that came back OK */
	atomic_uchar ok[MOST];
};

static bool sign_on(void *arg)
{
	struct progress *p = arg;
	for (uint64_t i; (i = atomic_fetch_add(&p->next, 1)) < MOST;) {
		char jti[24];
		snprintf(jti, sizeof jti, "kill-%u", (unsigned)i / 3);
		if (sign(jti, i) != SAM_OK)
			return false;
		atomic_store(&p->ok[i], 1);
		atomic_fetch_add(&p->released, 1);
	}
	return true;
}

START_TEST(kill_at_any_moment_loses_nothing_released)
{
	struct progress *p = shared(sizeof *p);
	struct sam_store_head head;
	unsigned all = rounds(30, 500);
	uint64_t checked = 0;
	sam_store_close(store);
	store = NULL;
	srandom((unsigned)now);
	for (unsigned round = 0; round < all; round++) {
		uint64_t before = atomic_load(&p->released);
		pid_t pids[2] = {child(sign_on, p), child(sign_on, p)};
		/* however slow the machine: three rounds of four are killed while signing, the fourth whenever */
		for (unsigned i = 0; round % 4 && i < 5000 && atomic_load(&p->released) == before; i++)
			usleep(1000);
		usleep((useconds_t)(4000 + random() % 40000));
		for (unsigned i = 0; i < 2; i++)
			kill(pids[i], SIGKILL);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_int_eq(end_of(pids[i]), 1000 + SIGKILL);
		reopen();
		is(sam_store_check(store, NULL), SAM_OK);
		for (; checked < atomic_load(&p->next) && checked < MOST; checked++) {
			char jti[24];
			snprintf(jti, sizeof jti, "kill-%u", (unsigned)checked / 3);
			if (atomic_load(&p->ok[checked]))
				is(sign(jti, checked), SAM_DIGEST_USED);
		}
		is(sam_store_head(store, &head), SAM_OK);
		ck_assert_uint_ge(head.audit_seq, atomic_load(&p->released));
		ck_assert_uint_le(head.audit_seq, atomic_load(&p->next));
		sam_store_close(store);
		store = NULL;
	}
	ck_assert_uint_gt(atomic_load(&p->released), all / 2);
}
END_TEST

START_TEST(a_killed_holder_does_not_keep_the_lock)
{
	char name[160];
	int ready[2];
	ck_assert_int_eq(pipe(ready), 0);
	snprintf(name, sizeof name, "%s.lock", path);
	pid_t pid = fork();
	if (pid == 0) {
		struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 2};
		int fd = open(name, O_RDWR);
		if (fcntl(fd, F_SETLK, &f) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	char x;
	ck_assert_int_eq(read(ready[0], &x, 1), 1);
	sam_store_close(store);
	options.busy_ms = 300;
	is(sam_store_open(&options, &store, NULL), SAM_OK); /* reading needs no lock */
	int64_t start = sam_clock_monotonic_ms();
	is(sign("jti-1", 1), SAM_STORE_BUSY);
	is(sam_store_append(store, &a_record, true), SAM_STORE_BUSY);
	is(sam_store_maintain(store, NULL), SAM_STORE_BUSY);
	int64_t took = sam_clock_monotonic_ms() - start;
	ck_assert_int_ge(took, 850);
	ck_assert_int_le(took, 3000);
	kill(pid, SIGKILL);
	end_of(pid);
	is(sign("jti-1", 1), SAM_OK);
}
END_TEST

static void *sign_busy(void *arg)
{
	struct worker *w = arg;
	w->worst = sign("busy", w->number);
	return NULL;
}

/* Nobody waits longer than his own time, however many wait before him. */
START_TEST(all_who_wait_for_the_lock_wait_together)
{
	char name[160];
	struct worker workers[6];
	pthread_t threads[6];
	int ready[2];
	char x;
	ck_assert_int_eq(pipe(ready), 0);
	snprintf(name, sizeof name, "%s.lock", path);
	pid_t pid = fork();
	if (pid == 0) {
		struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
		int fd = open(name, O_RDWR);
		if (fcntl(fd, F_SETLK, &f) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &x, 1), 1);
	sam_store_close(store);
	options.busy_ms = 400;
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	int64_t start = sam_clock_monotonic_ms();
	for (unsigned i = 0; i < 6; i++) {
		workers[i] = (struct worker){i, SAM_OK};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_busy, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		is(workers[i].worst, SAM_STORE_BUSY);
	}
	ck_assert_int_le(sam_clock_monotonic_ms() - start, 1500);
	kill(pid, SIGKILL);
	end_of(pid);
	is(sign("busy", 1), SAM_OK);
}
END_TEST

/* Another program, or another copy of this module, that holds SQLite's lock and not ours. */
START_TEST(sqlites_own_lock_is_waited_for_in_bounds)
{
	sqlite3 *db;
	sam_store_close(store);
	options.busy_ms = 200;
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	int64_t start = sam_clock_monotonic_ms();
	is(sign("jti-1", 1), SAM_STORE_BUSY);
	ck_assert_int_le(sam_clock_monotonic_ms() - start, 1500);
	ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	is(sign("jti-1", 1), SAM_OK);
	sqlite3_close(db);
}
END_TEST

START_TEST(two_handles_of_a_process_exclude_each_other)
{
	struct sam_store *first = store, *second;
	is(sam_store_open(&options, &second, NULL), SAM_OK);
	for (uint64_t i = 0; i < 20; i++) {
		store = i % 2 ? first : second;
		is(sign("jti-1", i), SAM_OK);
		store = i % 2 ? second : first;
		is(sign("jti-1", i), SAM_DIGEST_USED);
	}
	store = first;
	sam_store_close(second);
	is(sign("jti-1", 100), SAM_OK);
}
END_TEST

/* ---- the disk ---- */

struct count {
	atomic_uint ok, failed, after;
};

static bool fill_disk(void *arg)
{
	struct count *c = arg;
	struct rlimit limit = {300 << 10, 300 << 10};
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	for (uint64_t i = 0; i < 2000 && atomic_load(&c->failed) < 5; i++) {
		enum sam_reason reason = sign("jti-1", i);
		if (reason == SAM_OK)
			atomic_fetch_add(atomic_load(&c->failed) ? &c->after : &c->ok, 1);
		else
			atomic_fetch_add(&c->failed, reason == SAM_STORE_FAILED);
		if (reason != SAM_OK && reason != SAM_STORE_FAILED)
			return false;
	}
	return true;
}

START_TEST(a_full_disk_refuses_and_commits_nothing)
{
	struct count *c = shared(sizeof *c);
	struct sam_store_head head;
	ck_assert_int_eq(end_of(child(fill_disk, c)), 0);
	ck_assert_uint_gt(atomic_load(&c->ok), 3);
	ck_assert_uint_eq(atomic_load(&c->failed), 5);
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.audit_seq, atomic_load(&c->ok) + atomic_load(&c->after));
	for (uint64_t i = 0; i < atomic_load(&c->ok); i++)
		is(sign("jti-1", i), SAM_DIGEST_USED);
	is(sign("jti-2", 1), SAM_OK);
}
END_TEST

/* SQLite's file system, with a sync that can be told to fail. */
static sqlite3_io_methods methods;
static const sqlite3_io_methods *real_methods;
static sqlite3_vfs vfs, *real_vfs;
static atomic_bool fail_sync;
static atomic_uint syncs;

static int sync_or_fail(sqlite3_file *file, int flags)
{
	atomic_fetch_add(&syncs, 1);
	return atomic_load(&fail_sync) ? SQLITE_IOERR_FSYNC : real_methods->xSync(file, flags);
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	(void)self;
	int rc = real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
		real_methods = file->pMethods;
		methods = *real_methods;
		methods.xSync = sync_or_fail;
		file->pMethods = &methods;
	}
	return rc;
}

static void watch_syncs(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "watched";
	vfs.xOpen = open_file;
	ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
	reopen();
}

START_TEST(only_what_releases_is_synced)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_change c = {SAM_CHANGE_ADD, {"signer", "carol", "active", 6}};
	uint64_t version;
	is(sign("jti-0", 1), SAM_OK);
	watch_syncs();
	is(reserve(&claim, 1, &r), SAM_OK);
	is(sam_store_append(store, &a_record, false), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 0);
	is(sam_store_commit(store, &r, &a_record), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 1);
	is(sam_store_append(store, &a_record, true), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 1);
	is(reserve(&claim, 2, &r), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 0);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 1);
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 1);
	is(sam_store_grants_version(store, &version), SAM_OK);
	is(change_grants(store, version, &c, 1, &a_record), SAM_OK);
	ck_assert_uint_eq(atomic_exchange(&syncs, 0), 1);
}
END_TEST

START_TEST(a_failed_sync_releases_nothing_ever_after)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	struct sam_store_head head;
	watch_syncs();
	is(reserve(&claim, 1, &r), SAM_OK);
	atomic_store(&fail_sync, true);
	is(sam_store_commit(store, &r, &a_record), SAM_STORE_FAILED);
	/* the kernel tells of lost pages once: a sync that succeeds now proves nothing */
	atomic_store(&fail_sync, false);
	is(sam_store_commit(store, &r, &a_record), SAM_STORE_FAILED);
	is(sam_store_head(store, &head), SAM_STORE_FAILED);
	/* what was written before the sync failed may be found or not: whole, and spent in any
	 * case */
	reopen();
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_le(head.audit_seq, 1);
	is(sam_store_check(store, NULL), SAM_OK);
	is(reserve(&claim, 1, &r), SAM_DIGEST_USED);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store_fault");
	TCase *c = tcase_create("fault");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 600);
	tcase_add_test(c, of_eight_threads_one_wins);
	tcase_add_test(c, of_eight_processes_one_wins);
	tcase_add_test(c, many_threads_do_many_things);
	tcase_add_test(c, a_handle_is_not_used_across_fork);
	tcase_add_test(c, kill_at_any_moment_loses_nothing_released);
	tcase_add_test(c, a_killed_holder_does_not_keep_the_lock);
	tcase_add_test(c, all_who_wait_for_the_lock_wait_together);
	tcase_add_test(c, sqlites_own_lock_is_waited_for_in_bounds);
	tcase_add_test(c, two_handles_of_a_process_exclude_each_other);
	tcase_add_test(c, a_full_disk_refuses_and_commits_nothing);
	tcase_add_test(c, only_what_releases_is_synced);
	tcase_add_test(c, a_failed_sync_releases_nothing_ever_after);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
