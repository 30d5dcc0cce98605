/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The mark beside the store: a store that was set back, or lost the end of its WAL, is noticed; and a
 * change from outside is never taken for ours, whoever writes after it.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include "store_fixture.h"

static void copy(const char *from_suffix, const char *to_suffix)
{
	char command[400];
	snprintf(command, sizeof command, "cp -p '%s%s' '%s%s'", path, from_suffix, path, to_suffix);
	ck_assert_int_eq(system(command), 0);
}

static void remove_file(const char *suffix)
{
	char name[200];
	snprintf(name, sizeof name, "%s%s", path, suffix);
	ck_assert_int_eq(unlink(name), 0);
}

static void garble_mark(off_t at)
{
	char name[200], byte;
	snprintf(name, sizeof name, "%s.mark", path);
	int fd = open(name, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void close_store(void)
{
	sam_store_close(store);
	store = NULL;
}

static enum sam_reason open_store(void)
{
	struct sam_msg msg;
	return sam_store_open(&options, &store, &msg);
}

START_TEST(a_lost_wal_is_noticed)
{
	is(sign("jti-1", 1), SAM_OK);
	close_store();
	remove_file("-wal");
	is(open_store(), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(a_cut_wal_is_noticed)
{
	char name[200];
	struct stat st;
	is(sign("jti-1", 1), SAM_OK);
	is(sign("jti-2", 2), SAM_OK);
	close_store();
	snprintf(name, sizeof name, "%s-wal", path);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_int_eq(truncate(name, st.st_size - 1000), 0);
	is(open_store(), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(an_older_store_under_the_mark_is_noticed)
{
	is(sign("jti-1", 1), SAM_OK);
	close_store();
	copy("", ".old");
	copy("-wal", "-wal.old");
	is(open_store(), SAM_OK);
	is(sign("jti-2", 2), SAM_OK);
	close_store();
	copy(".old", "");
	copy("-wal.old", "-wal");
	is(open_store(), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(an_older_mark_beside_the_store_is_no_harm)
{
	is(sign("jti-1", 1), SAM_OK);
	copy(".mark", ".mark.old");
	is(sign("jti-2", 2), SAM_OK);
	close_store();
	copy(".mark.old", ".mark"); /* killed between the commit and the mark */
	is(open_store(), SAM_OK);
	is(sign("jti-2", 2), SAM_DIGEST_USED);
}
END_TEST

START_TEST(a_mark_that_is_gone_or_garbled_is_noticed)
{
	is(sign("jti-1", 1), SAM_OK);
	close_store();
	copy(".mark", ".mark.good");
	remove_file(".mark");
	is(open_store(), SAM_STORE_TAMPERED);
	for (off_t at = 0; at < 40; at++) { /* how far: number and MAC */
		copy(".mark.good", ".mark");
		garble_mark(at);
		is(open_store(), SAM_STORE_TAMPERED);
	}
	copy(".mark.good", ".mark");
	garble_mark(70); /* as left: then every row is checked */
	is(open_store(), SAM_OK);
}
END_TEST

/* Somebody removes a use between our look and our next write; what we write then must not make it ours. */
START_TEST(a_change_from_outside_is_not_adopted)
{
	is(sign("jti-1", 1), SAM_OK);
	close_store();
	is(open_store(), SAM_OK); /* its writing connection has not looked yet */
	meddle("DELETE FROM uses WHERE activation = 1");
	(void)!sign("jti-2", 2);
	close_store();
	is(open_store(), SAM_STORE_TAMPERED);
	is(open_store(), SAM_STORE_TAMPERED);
}
END_TEST

/* Others that commit in between hide an edit of the data; one of the schema shows all the same. */
START_TEST(a_changed_schema_is_noticed_behind_other_commits)
{
	struct sam_store *other;
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_open(&options, &other, NULL), SAM_OK);
	is(sam_store_append(other, &a_record, true), SAM_OK);
	meddle("CREATE UNIQUE INDEX sneaky ON uses(activation)");
	(void)!sam_store_append(other, &a_record, true);
	is(sign("jti-2", 2), SAM_STORE_TAMPERED);
	sam_store_close(other);
}
END_TEST

START_TEST(another_file_in_its_place_is_noticed)
{
	is(sign("jti-1", 1), SAM_OK);
	copy("", ".copy");
	copy("-wal", "-wal.copy");
	is(sign("jti-2", 2), SAM_OK);
	char from[200];
	snprintf(from, sizeof from, "%s.copy", path);
	ck_assert_int_eq(rename(from, path), 0);
	is(sign("jti-3", 3), SAM_STORE_TAMPERED);
}
END_TEST

/* A daemon's way: the parent opens, forks and goes; the child must hold locks of its own. */
START_TEST(a_forked_child_takes_locks_of_its_own)
{
	int ready[2], go[2];
	char byte;
	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	is(sign("jti-1", 1), SAM_OK);
	pid_t child = fork();
	if (child == 0) {
		struct sam_store *own;
		sam_store_abandon(store);
		enum sam_reason reason = sam_store_open(&options, &own, NULL);
		store = own;
		if (reason == SAM_OK)
			reason = sign("jti-2", 2);
		byte = (char)reason;
		if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(3);
		_exit(sign("jti-3", 3) == SAM_OK ? 0 : 2);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, SAM_OK);
	close_store();
	/* SQLite's shared lock on the database: the byte range from 0x40000002 */
	int fd = open(path, O_RDWR), status;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
	ck_assert_int_eq(fcntl(fd, F_GETLK, &lock), 0);
	ck_assert_int_eq(lock.l_pid, child);
	close(fd);
	is(open_store(), SAM_OK);
	close_store();
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store mark");
	TCase *c = tcase_create("mark");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_lost_wal_is_noticed);
	tcase_add_test(c, a_cut_wal_is_noticed);
	tcase_add_test(c, an_older_store_under_the_mark_is_noticed);
	tcase_add_test(c, an_older_mark_beside_the_store_is_no_harm);
	tcase_add_test(c, a_mark_that_is_gone_or_garbled_is_noticed);
	tcase_add_test(c, a_change_from_outside_is_not_adopted);
	tcase_add_test(c, a_changed_schema_is_noticed_behind_other_commits);
	tcase_add_test(c, another_file_in_its_place_is_noticed);
	tcase_add_test(c, a_forked_child_takes_locks_of_its_own);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
