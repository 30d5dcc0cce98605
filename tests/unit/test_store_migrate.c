/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From versions 1 and 2 of the store to this one: whole or not at all, and no edit of the old one becomes ours.
 */
#include "store_v1.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static const uint8_t policy[32] = {9, 8, 7};

static int64_t old; /* the version it is made of */

static void set_up_rows(void)
{
	struct sam_change c[2] = {
		{SAM_CHANGE_ADD, {"signer", "alice", "active", 6}},
		{SAM_CHANGE_ADD, {"signer", "bob", "active", 6}},
	};
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	uint64_t version;
	set_up();
	struct sam_claim claim = claim_of("jti-2");
	is(sam_store_grants_version(store, &version), SAM_OK);
	is(change_grants(store, version, c, 2, &a_record), SAM_OK);
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_OK);
	sam_store_close(store);
	store = NULL;
}

static void set_up_v1(void)
{
	old = 1;
	set_up_rows();
	make_v1(policy);
}

static void set_up_v2(void)
{
	old = 2;
	set_up_rows();
	make_v2(2);
}

static void set_up_v3(void)
{
	old = 3;
	set_up_rows();
	make_v2(3);
}

static int64_t file_version(void)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	int64_t version = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return version;
}

struct asked {
	unsigned rows, policies, fail_at; /* 0: never */
	bool kill;
};

static enum sam_reason translate(void *arg, int64_t from, const struct sam_row *row, char **body, size_t *len)
{
	struct asked *a = arg;
	ck_assert_int_eq(from, old);
	if (++a->rows == a->fail_at) {
		if (a->kill)
			raise(SIGKILL);
		return SAM_MEMORY;
	}
	if (strcmp(row->kind, "policy") == 0) {
		ck_assert_str_eq(row->id, "sealed");
		ck_assert_uint_eq(row->len, 32);
		ck_assert_mem_eq(row->body, policy, 32);
		a->policies++;
	} else if (strcmp(row->id, "bob") == 0) {
		return SAM_OK;
	}
	int n = asprintf(body, "new %s", row->id);
	*len = (size_t)n;
	return n < 0 ? SAM_MEMORY : SAM_OK;
}

static enum sam_reason note(void *arg, const struct sam_row *row)
{
	char *text = arg;
	sprintf(text + strlen(text), "%s:%s=%.*s;", row->kind, row->id, (int)row->len, (const char *)row->body);
	return SAM_OK;
}

static void shows(const char *want)
{
	char text[256] = "";
	uint64_t version;
	is(sam_store_grants_load(store, note, text, &version), SAM_OK);
	ck_assert_str_eq(text, want);
}

/* Version 1 had the policy in its head: it becomes one row more. */
static const char *translated(void)
{
	return old == 1 ? "policy:sealed=new sealed;signer:alice=new alice;signer:bob=active;"
			: "signer:alice=new alice;signer:bob=active;";
}

static unsigned row_count(void)
{
	return old == 1 ? 3 : 2;
}

/* All that the old one had is there, and this version's verbs work. */
static void works(void)
{
	struct sam_store_head head;
	struct sam_counter counter;
	const struct sam_counter_id id = {"password", "alice"};
	uint8_t *body;
	size_t len;
	ck_assert_int_eq(file_version(), sam_schema_version());
	is(sam_store_check(store, NULL), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.epoch, 1);
	ck_assert_int_eq(head.not_before, 0);
	ck_assert_uint_eq(head.checkpoint, 0);
	ck_assert_uint_eq(head.audit_seq, 3);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	is(sam_store_token_find(store, "sat_abcdefghijklmnopqrstuvwxyz", NULL, &body, &len), SAM_OK);
	free(body);
	is(sam_store_counter(store, &id, &counter), SAM_OK);
	ck_assert_uint_eq(counter.failures, 0);
	is(sam_store_counter_lock(store, &id, now + 9, &a_record), SAM_OK);
	reopen();
	is(sam_store_counter(store, &id, &counter), SAM_OK);
	ck_assert_int_eq(counter.locked_until, now + 9);
}

START_TEST(an_older_store_is_upgraded)
{
	ck_assert_int_eq(file_version(), old);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	shows("signer:alice=active;signer:bob=active;");
	works();
}
END_TEST

START_TEST(rows_are_translated)
{
	struct asked a = {0};
	options.migrate = translate;
	options.migrate_arg = &a;
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	ck_assert_uint_eq(a.rows, row_count());
	ck_assert_uint_eq(a.policies, old == 1);
	shows(translated());
	works();
	ck_assert_uint_eq(a.rows, row_count()); /* once only */
}
END_TEST

/* Each call in turn fails. */
START_TEST(a_failing_translation_leaves_the_old_store)
{
	struct asked a = {.fail_at = (unsigned)_i};
	struct sam_msg msg;
	options.migrate = translate;
	options.migrate_arg = &a;
	is(sam_store_open(&options, &store, &msg), SAM_MEMORY);
	ck_assert_ptr_nonnull(strstr(msg.text, "upgrade"));
	ck_assert_int_eq(file_version(), old);
	a = (struct asked){0};
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	shows(translated());
	works();
}
END_TEST

START_TEST(a_kill_in_the_middle_leaves_the_old_store)
{
	struct asked a = {.fail_at = (unsigned)_i, .kill = true};
	int status;
	options.migrate = translate;
	options.migrate_arg = &a;
	pid_t child = fork();
	if (child == 0)
		_exit(sam_store_open(&options, &store, NULL) == SAM_OK ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	a = (struct asked){0};
	ck_assert_int_eq(file_version(), old);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	shows(translated());
	works();
}
END_TEST

START_TEST(an_edit_of_the_old_store_is_not_upgraded_away)
{
	static const char *const edits[] = {
		"UPDATE grants SET body = CAST('Active' AS BLOB) WHERE id = 'bob'",
		"DELETE FROM grants WHERE id = 'bob'",
		"DELETE FROM uses",
		"UPDATE activations SET exp = exp + 1",
		"CREATE INDEX another ON uses(mac)",
		"CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM uses; END",
		"UPDATE head SET sealed = randomblob(length(sealed))",
		/* tables that version 1 did not have */
		"CREATE INDEX another ON counters(mac)",
		"DROP TABLE checkpoints",
	};
	for (unsigned twice = 0; twice < 2; twice++) {
		if (!twice)
			meddle(edits[_i]);
		is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
		ck_assert_ptr_null(store);
	}
}
END_TEST

START_TEST(an_old_store_set_back_is_not_upgraded_away)
{
	char command[700], later[700];
	snprintf(command, sizeof command, "cp -p '%s' '%s.old' && cp -p '%s-wal' '%s-wal.old'", path, path, path, path);
	ck_assert_int_eq(system(command), 0);
	snprintf(later, sizeof later, "cp -p '%s.old' '%s' && cp -p '%s-wal.old' '%s-wal'", path, path, path, path);
	is(sam_store_open(&options, &store, NULL), SAM_OK); /* upgrades, and moves the mark on */
	is(sign("jti-3", 1), SAM_OK);
	sam_store_close(store);
	store = NULL;
	ck_assert_int_eq(system(later), 0);
	ck_assert_int_eq(file_version(), old);
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
}
END_TEST

static void *open_one(void *arg)
{
	struct sam_store **out = arg;
	return sam_store_open(&options, out, NULL) == SAM_OK ? arg : NULL;
}

START_TEST(many_that_open_upgrade_once)
{
	struct asked a = {0};
	struct sam_store *stores[8] = {NULL};
	pthread_t threads[8];
	void *result;
	options.migrate = translate;
	options.migrate_arg = &a;
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_one, &stores[i]), 0);
	for (unsigned i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		ck_assert_ptr_nonnull(result);
	}
	ck_assert_uint_eq(a.rows, row_count());
	for (unsigned i = 0; i < 8; i++) {
		is(sam_store_append(stores[i], &a_record, false), SAM_OK);
		sam_store_close(stores[i]);
	}
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* A head of the old form under a newer schema was put there. */
START_TEST(an_old_head_in_a_new_store_is_refused)
{
	char sql[40];
	snprintf(sql, sizeof sql, "PRAGMA user_version=%d", _i);
	meddle("CREATE TABLE counters(a); CREATE TABLE checkpoints(a); CREATE TABLE requests(a); CREATE TABLE deposits(a)");
	meddle(sql);
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
}
END_TEST

/* It says that it is older than it is: it is not taken, and nothing is changed. */
START_TEST(a_version_that_it_is_not_is_refused)
{
	meddle("PRAGMA user_version=1");
	is(sam_store_open(&options, &store, NULL), SAM_STORE_FAILED);
	ck_assert_int_eq(file_version(), 1);
	meddle("PRAGMA user_version=2");
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	works();
}
END_TEST

static void add_tests(Suite *suite, const char *name, void (*start)(void), int rows, int edits)
{
	TCase *c = tcase_create(name);
	tcase_add_checked_fixture(c, start, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, an_older_store_is_upgraded);
	tcase_add_test(c, rows_are_translated);
	tcase_add_loop_test(c, a_failing_translation_leaves_the_old_store, 1, rows + 1);
	tcase_add_loop_test(c, a_kill_in_the_middle_leaves_the_old_store, 1, rows + 1);
	tcase_add_loop_test(c, an_edit_of_the_old_store_is_not_upgraded_away, 0, edits);
	tcase_add_test(c, an_old_store_set_back_is_not_upgraded_away);
	tcase_add_test(c, many_that_open_upgrade_once);
	if (rows == 3)
		tcase_add_loop_test(c, an_old_head_in_a_new_store_is_refused, 2, 5);
	else
		tcase_add_test(c, a_version_that_it_is_not_is_refused);
	suite_add_tcase(suite, c);
}

static Suite *make(void)
{
	Suite *suite = suite_create("store migrate");
	add_tests(suite, "version 1", set_up_v1, 3, 7);
	add_tests(suite, "version 2", set_up_v2, 2, 9);
	add_tests(suite, "version 3", set_up_v3, 2, 9);
	return suite;
}

SAM_UNIT_MAIN(make)
