/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store in strange hands: what is changed, added, removed or set back in the file is noticed,
 * and refuses (invariant 9).
 */
#include "store_fixture.h"

/* Rows in every table: two activations, one of them with a token, three uses, two grants,
 * records, two counters. */
static void fill(void)
{
	const struct sam_counter_id counters[2] = {{"password", "alice"}, {"password", "bob"}};
	const struct sam_counter_rule rule = {5, 600};
	bool locked;
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_claim claim = claim_of("jti-2");
	struct sam_change c[2] = {
		{SAM_CHANGE_ADD, {"signer", "alice", "active", 6}},
		{SAM_CHANGE_ADD, {"signer", "bob", "active", 6}},
	};
	uint64_t version;
	is(sign("jti-1", 1), SAM_OK);
	is(sign("jti-1", 2), SAM_OK);
	is(sign("jti-2", 1), SAM_OK);
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_OK);
	is(sam_store_grants_version(store, &version), SAM_OK);
	is(change_grants(store, version, c, 2, &a_record), SAM_OK);
	is(sam_store_counter_fail(store, &counters[0], &rule, now, &locked, NULL), SAM_OK);
	is(sam_store_counter_lock(store, &counters[1], now + 600, NULL), SAM_OK);
}

static void close_store(void)
{
	sam_store_close(store);
	store = NULL;
}

static void set_up_filled(void)
{
	set_up();
	fill();
}

static const char *const forbidding[] = {
	"UPDATE activations SET id = 77 WHERE id = 1",
	"UPDATE activations SET identity = randomblob(32) WHERE id = 1",
	"UPDATE activations SET payload = randomblob(32) WHERE id = 1",
	"UPDATE activations SET payload = x'00' WHERE id = 1",
	"UPDATE activations SET exp = exp + 1 WHERE id = 1",
	"UPDATE activations SET uselimit = 9 WHERE id = 1",
	"UPDATE activations SET mac = randomblob(32) WHERE id = 1",
	"UPDATE activations SET mac = (SELECT mac FROM activations WHERE id = 2) WHERE id = 1",
	"DELETE FROM activations WHERE id = 1",
	"INSERT INTO activations SELECT 99, randomblob(32), payload, exp, uselimit, mac FROM activations WHERE id = 1",
	"UPDATE uses SET activation = 77 WHERE activation = 2",
	"UPDATE uses SET digest = randomblob(32) WHERE activation = 2",
	"UPDATE uses SET digest = x'' WHERE activation = 2",
	"UPDATE uses SET mac = randomblob(32) WHERE activation = 2",
	"DELETE FROM uses WHERE activation = 2",
	"DELETE FROM uses",
	"INSERT INTO uses SELECT 2, randomblob(32), mac FROM uses WHERE activation = 2",
	("UPDATE uses SET activation = 2 WHERE activation = 1 AND digest NOT IN"
	 " (SELECT digest FROM uses WHERE activation = 2)"),
	"UPDATE tokens SET lookup = randomblob(32)",
	"UPDATE tokens SET activation = 1",
	"UPDATE tokens SET sealed = randomblob(62)",
	"UPDATE tokens SET sealed = x'00'",
	"UPDATE tokens SET mac = randomblob(32)",
	"DELETE FROM tokens",
	"INSERT INTO tokens SELECT randomblob(32), 1, sealed, mac FROM tokens",
	"UPDATE counters SET failures = 0",
	"UPDATE counters SET failures = -1",
	"UPDATE counters SET last = last + 1",
	"UPDATE counters SET locked_until = 0 WHERE name = 'bob'",
	"UPDATE counters SET name = 'carol' WHERE name = 'bob'",
	"UPDATE counters SET kind = 'pin' WHERE name = 'bob'",
	"UPDATE counters SET mac = randomblob(32)",
	"DELETE FROM counters WHERE name = 'bob'",
	"DELETE FROM counters",
	"INSERT INTO counters SELECT kind, 'carol', failures, last, locked_until, mac FROM counters WHERE name = 'bob'",
	"UPDATE head SET sealed = randomblob(length(sealed))",
	"UPDATE head SET sealed = x'00'",
	"DELETE FROM head",
	"UPDATE audit SET seq = seq + 1 WHERE seq = (SELECT max(seq) FROM audit)",
	"UPDATE audit SET time_us = time_us + 1 WHERE seq = (SELECT max(seq) FROM audit)",
	"UPDATE audit SET hash = randomblob(32) WHERE seq = (SELECT max(seq) FROM audit)",
	"UPDATE audit SET hash = x'00' WHERE seq = (SELECT max(seq) FROM audit)",
	"DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
	"DELETE FROM audit",
	"CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM uses; END",
	"CREATE TABLE another(a)",
	"CREATE INDEX another ON uses(mac)",
	"DROP INDEX audit_signer",
};

START_TEST(what_forbids_is_noticed_at_open)
{
	struct sam_msg msg;
	close_store();
	meddle(forbidding[_i]);
	is(sam_store_open(&options, &store, &msg), SAM_STORE_TAMPERED);
	ck_assert_str_ne(msg.text, "");
	ck_assert_ptr_null(store);
}
END_TEST

static const char *const granting[] = {
	"UPDATE grants SET kind = 'officer' WHERE id = 'bob'",
	"UPDATE grants SET id = 'carol' WHERE id = 'bob'",
	"UPDATE grants SET body = CAST('Active' AS BLOB) WHERE id = 'bob'",
	"UPDATE grants SET mac = randomblob(32) WHERE id = 'bob'",
	"UPDATE grants SET mac = x'00' WHERE id = 'bob'",
	("UPDATE grants SET body = (SELECT body FROM grants WHERE id = 'alice'), mac = (SELECT mac FROM grants WHERE"
	 " id = 'alice') WHERE id = 'bob'"),
	"DELETE FROM grants WHERE id = 'bob'",
	"DELETE FROM grants",
	"INSERT INTO grants SELECT kind, 'carol', body, mac FROM grants WHERE id = 'bob'",
};

static enum sam_reason ignore(void *arg, const struct sam_row *row)
{
	(void)arg, (void)row;
	return SAM_OK;
}

START_TEST(what_grants_is_noticed_when_loaded)
{
	struct sam_msg msg;
	uint64_t version = 0;
	close_store();
	meddle(granting[_i]);
	is(sam_store_open(&options, &store, &msg), SAM_OK);
	is(sam_store_grants_load(store, ignore, NULL, &version), SAM_STORE_TAMPERED);
	ck_assert_uint_eq(version, 0);
	is(sam_store_check(store, &msg), SAM_STORE_TAMPERED);
	ck_assert_str_ne(msg.text, "");
}
END_TEST

/* Into, or back from, a file of its own. */
static void copy_table(const char *table, bool back)
{
	char sql[300];
	if (back)
		snprintf(sql, sizeof sql, "ATTACH '%s/%s.db' AS other; DELETE FROM %s; INSERT INTO %s SELECT * FROM"
			 " other.kept", folder, table, table, table);
	else
		snprintf(sql, sizeof sql, "ATTACH '%s/%s.db' AS other; CREATE TABLE other.kept AS SELECT * FROM %s",
			 folder, table, table);
	meddle(sql);
}

START_TEST(an_older_granting_row_is_noticed)
{
	struct sam_change c = {SAM_CHANGE_REPLACE, {"signer", "bob", "revoked", 7}};
	uint64_t version;
	copy_table("grants", false);
	is(sam_store_grants_version(store, &version), SAM_OK);
	is(change_grants(store, version, &c, 1, &a_record), SAM_OK);
	close_store();
	copy_table("grants", true);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sam_store_grants_load(store, ignore, NULL, &version), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(an_older_head_alone_is_noticed_at_open)
{
	copy_table("head", false);
	is(sign("jti-3", 1), SAM_OK);
	close_store();
	copy_table("head", true);
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(a_head_that_goes_back_is_noticed_at_once)
{
	struct sam_claim claim = claim_of("jti-9");
	struct sam_reservation r;
	uint64_t version;
	copy_table("head", false);
	is(sign("jti-3", 1), SAM_OK);
	is(sam_store_grants_version(store, &version), SAM_OK);
	copy_table("head", true);
	if (_i == 0)
		is(sam_store_grants_version(store, &version), SAM_STORE_TAMPERED);
	else
		is(sam_store_append(store, &a_record, true), SAM_STORE_TAMPERED);
	is(reserve(&claim, 1, &r), SAM_STORE_TAMPERED);
	is(sam_store_known(store, &claim, now), SAM_STORE_TAMPERED);
}
END_TEST

/* ---- while it is open ---- */

START_TEST(a_use_removed_beside_us_is_noticed_at_the_next_call)
{
	uint64_t version;
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	is(sam_store_grants_version(store, &version), SAM_OK);
	meddle("DELETE FROM uses WHERE activation = 1");
	if (_i == 0)
		is(reserve(&claim, 1, &r), SAM_STORE_TAMPERED);
	else if (_i == 1)
		is(sam_store_grants_version(store, &version), SAM_STORE_TAMPERED);
	else
		is(sam_store_known(store, &claim, now), SAM_STORE_TAMPERED);
	/* and from then on */
	is(sam_store_append(store, &a_record, true), SAM_STORE_TAMPERED);
	is(sam_store_grants_version(store, &version), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(a_grant_changed_beside_us_is_loaded_again)
{
	uint64_t version, after;
	is(sam_store_grants_load(store, ignore, NULL, &version), SAM_OK);
	is(sam_store_grants_version(store, &after), SAM_OK);
	ck_assert_uint_eq(version, after);
	meddle("UPDATE grants SET body = CAST('Active' AS BLOB) WHERE id = 'bob'");
	is(sam_store_grants_version(store, &after), SAM_OK);
	ck_assert_uint_ne(version, after);
	is(sam_store_grants_load(store, ignore, NULL, &version), SAM_STORE_TAMPERED);
}
END_TEST

START_TEST(a_harmless_write_beside_us_only_loads_again)
{
	struct sam_change c = {SAM_CHANGE_ADD, {"signer", "carol", "active", 6}};
	uint64_t version, after, last;
	is(sam_store_grants_version(store, &version), SAM_OK);
	meddle("UPDATE audit SET actor = 'x' WHERE seq = 1"); /* for `audit verify` to find */
	is(sam_store_grants_version(store, &after), SAM_OK);
	ck_assert_uint_ne(version, after);
	is(change_grants(store, version, &c, 1, &a_record), SAM_STORE_CHANGED);
	is(sam_store_grants_load(store, ignore, NULL, &last), SAM_OK);
	ck_assert_uint_eq(after, last);
	is(change_grants(store, last, &c, 1, &a_record), SAM_OK);
	is(sign("jti-7", 1), SAM_OK);
}
END_TEST

START_TEST(our_own_writes_raise_no_suspicion)
{
	struct sam_store *other;
	uint64_t version, after;
	is(sam_store_open(&options, &other, NULL), SAM_OK);
	is(sam_store_grants_version(store, &version), SAM_OK);
	for (uint64_t i = 0; i < 1200; i++) { /* some checkpoints among them */
		struct sam_store *keep = store;
		if (i % 3 == 0)
			store = other;
		is(sign("jti-5", i), SAM_OK);
		store = keep;
		is(sam_store_grants_version(store, &after), SAM_OK);
		ck_assert_uint_eq(version, after);
	}
	sam_store_close(other);
	is(sign("jti-5", 1), SAM_DIGEST_USED);
}
END_TEST

/* Followed, before anybody looks, by a commit through a handle that has not written yet: the
 * data version and the sequence have both moved. */
static void meddle_unseen(struct sam_store *fresh, const char *sql)
{
	meddle(sql);
	is(sam_store_append(fresh, &a_record, true), SAM_OK);
}

/* What the window of HACKING.md leaves open, the rows' own MACs close. */
START_TEST(a_changed_row_is_refused_where_it_is_read)
{
	struct sam_claim claim = claim_of("jti-2");
	struct sam_reservation r;
	struct sam_store *other;
	uint8_t *body;
	size_t len;
	is(sam_store_open(&options, &other, NULL), SAM_OK);
	is(reserve(&claim, 4, &r), SAM_OK);
	meddle_unseen(other, "UPDATE activations SET payload = randomblob(32); UPDATE tokens SET activation = 1;"
			     "UPDATE uses SET mac = randomblob(32)");
	is(reserve(&claim, 5, &r), SAM_STORE_TAMPERED);
	is(sam_store_known(store, &claim, now), SAM_STORE_TAMPERED);
	is(sam_store_commit(store, &r, &a_record), SAM_STORE_TAMPERED);
	is(sam_store_give_back(store, &r, &a_record), SAM_STORE_TAMPERED);
	is(sam_store_token_find(store, "sat_abcdefghijklmnopqrstuvwxyz", NULL, &body, &len), SAM_STORE_TAMPERED);
	is(sam_store_append(store, &a_record, true), SAM_OK); /* it was the rows that were refused */
	sam_store_close(other);
}
END_TEST

START_TEST(check_names_the_row)
{
	struct sam_msg msg;
	is(sam_store_check(store, &msg), SAM_OK);
	ck_assert_str_eq(msg.text, "");
	meddle("UPDATE uses SET mac = randomblob(32) WHERE activation = 2");
	is(sam_store_check(store, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "uses: row 3"));
}
END_TEST

/* A byte of a page's cells: SQLite sees a damaged tree, or we see a damaged row. */
START_TEST(damaged_pages_are_refused)
{
	struct stat st;
	close_store();
	meddle("PRAGMA wal_checkpoint(TRUNCATE)");
	ck_assert_int_eq(stat(path, &st), 0);
	char *data = malloc((size_t)st.st_size);
	FILE *f = fopen(path, "r+");
	ck_assert(f && data && fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
	unsigned refused = 0, rounds = long_run() ? 600 : 60;
	for (unsigned i = 0; i < rounds; i++) {
		long at = 100 + (long)((i * 7919u + 13) * 31u % (unsigned)(st.st_size - 100));
		fseek(f, at, SEEK_SET);
		fputc(data[at] ^ 0x55, f);
		fflush(f);
		struct sam_store *s = NULL;
		bool ok = sam_store_open(&options, &s, NULL) == SAM_OK;
		if (ok) { /* a free byte, or one that only grants or the trail have */
			store = s;
			(void)!sam_store_check(store, NULL);
			enum sam_reason reason = sign("jti-1", 1);
			ck_assert_int_ne(reason, SAM_OK);
			store = NULL;
		}
		refused += !ok;
		sam_store_close(s);
		char side[160];
		snprintf(side, sizeof side, "%s-wal", path);
		unlink(side);
		snprintf(side, sizeof side, "%s-shm", path);
		unlink(side);
		fseek(f, 0, SEEK_SET);
		ck_assert_uint_eq(fwrite(data, 1, (size_t)st.st_size, f), (size_t)st.st_size);
		fflush(f);
	}
	fclose(f);
	free(data);
	ck_assert_uint_gt(refused, 0);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store_tamper");
	TCase *c = tcase_create("tamper");
	tcase_add_checked_fixture(c, set_up_filled, tear_down);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, what_forbids_is_noticed_at_open, 0, sizeof forbidding / sizeof *forbidding);
	tcase_add_loop_test(c, what_grants_is_noticed_when_loaded, 0, sizeof granting / sizeof *granting);
	tcase_add_test(c, an_older_granting_row_is_noticed);
	tcase_add_test(c, an_older_head_alone_is_noticed_at_open);
	tcase_add_loop_test(c, a_head_that_goes_back_is_noticed_at_once, 0, 2);
	tcase_add_loop_test(c, a_use_removed_beside_us_is_noticed_at_the_next_call, 0, 3);
	tcase_add_test(c, a_grant_changed_beside_us_is_loaded_again);
	tcase_add_test(c, a_harmless_write_beside_us_only_loads_again);
	tcase_add_test(c, our_own_writes_raise_no_suspicion);
	tcase_add_test(c, a_changed_row_is_refused_where_it_is_read);
	tcase_add_test(c, check_names_the_row);
	tcase_add_test(c, damaged_pages_are_refused);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
