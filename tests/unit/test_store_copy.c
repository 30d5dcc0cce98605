/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Backup and restore of the store: a copy of the live one, made a store again, brought up to date from what
 * stands, and put in its place, whatever interrupts.
 */
#include "witness.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

static char copy[160];
static struct sam_store_options copied; /* of the copy */

static void set_up_copy(void)
{
	set_up_witness();
	snprintf(copy, sizeof copy, "%s/copy.db", folder);
	copied = options;
	copied.path = copy;
}

static bool there(const char *name, const char *suffix)
{
	char full[300];
	struct stat st;
	snprintf(full, sizeof full, "%s%s", name, suffix);
	return lstat(full, &st) == 0;
}

static struct sam_store_head copy_now(void)
{
	struct sam_store_head head;
	is(sam_store_copy(store, copy, &head), SAM_OK);
	return head;
}

/* With that one at ${store}, as the tests' helpers want it. */
static struct sam_store *use(struct sam_store *other)
{
	struct sam_store *before = store;
	store = other;
	return before;
}

static void fill(void)
{
	const struct sam_change bob = {SAM_CHANGE_ADD, {"signer", "bob", "active", 6}};
	const struct sam_counter_id counter = {"password", "bob"};
	uint64_t version;
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_grants_version(store, &version), SAM_OK);
	is(change_grants(store, version, &bob, 1, &a_record), SAM_OK);
	is(sam_store_counter_lock(store, &counter, now + 600, NULL), SAM_OK);
	is(sam_store_checkpoint(store, true), SAM_OK);
}

/* ---- copying ---- */

START_TEST(a_copy_is_the_store_as_it_was)
{
	struct sam_store_head head, before;
	struct stat st;
	fill();
	before = head_now();
	head = copy_now();
	ck_assert_mem_eq(&head, &before, sizeof head);
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(!there(copy, "-wal") && !there(copy, "-shm") && !there(copy, ".mark"));
	is(sam_store_copy(store, copy, &head), SAM_EXISTS);
	is(sam_store_copy(store, "/nonexistent/copy", &head), SAM_STORE_FAILED);
	struct sam_store *other = NULL;
	is(sam_store_open(&copied, &other, NULL), SAM_STORE_TAMPERED); /* no mark */
	is(sam_store_adopt(&copied, NULL), SAM_OK);
	is(sam_store_open(&copied, &other, NULL), SAM_OK);
	is(sam_store_check(other, NULL), SAM_OK);
	other = use(other);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	other = use(other);
	sam_store_close(other);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	is(sign("jti-1", 2), SAM_OK);
}
END_TEST

struct writer {
	atomic_bool stop;
	atomic_uint signatures;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	for (uint64_t i = 0; !atomic_load(&w->stop); i++) {
		is(sign("busy", i), SAM_OK);
		atomic_fetch_add(&w->signatures, 1);
	}
	return NULL;
}

START_TEST(others_write_on_while_it_is_copied)
{
	struct writer w = {.stop = false};
	pthread_t thread;
	struct sam_store_head head;
	for (uint64_t i = 0; i < 2000; i++)
		is(sam_store_append(store, &a_record, false), SAM_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_on, &w), 0);
	for (unsigned i = 0; i < 5; i++) {
		char name[200];
		snprintf(name, sizeof name, "%s/copy-%u.db", folder, i);
		while (atomic_load(&w.signatures) < 20 * i)
			usleep(100);
		is(sam_store_copy(store, name, &head), SAM_OK);
		copied.path = name;
		is(sam_store_adopt(&copied, NULL), SAM_OK);
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	ck_assert_uint_ge(head.uses, 80);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- adopting ---- */

START_TEST(an_edited_copy_is_not_adopted)
{
	static const char *const sql[] = {
		"UPDATE grants SET id = 'carol' WHERE id = 'bob'", "DELETE FROM grants", "DELETE FROM uses",
		"DELETE FROM counters", "UPDATE checkpoints SET jws = 'x'", "CREATE TABLE more(a)",
		"DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "DELETE FROM head",
	};
	struct sam_msg msg;
	fill();
	copy_now();
	snprintf(path, sizeof path, "%.*s", 127, copy);
	meddle(sql[_i]);
	is(sam_store_adopt(&copied, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, copy));
	ck_assert(!there(copy, ".mark"));
}
END_TEST

START_TEST(what_is_no_copy_of_ours_is_not_adopted)
{
	const uint8_t root[32] = {8};
	struct sam_seal *wrong;
	struct sam_msg msg;
	is(sam_store_adopt(&copied, &msg), SAM_STORE_MISSING);
	copy_now();
	is(sam_seal_new(root, &wrong), SAM_OK);
	copied.seal = wrong;
	is(sam_store_adopt(&copied, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "another CM"));
	copied.seal = seal;
	sam_seal_free(wrong);
	shell("chmod 666 '%s'", copy);
	is(sam_store_adopt(&copied, &msg), SAM_STORE_FAILED);
	shell("chmod 600 '%s'", copy);
	snprintf(path, sizeof path, "%.*s", 127, copy);
	meddle("PRAGMA user_version=99");
	is(sam_store_adopt(&copied, &msg), SAM_STORE_NEWER);
	ck_assert(!there(copy, ".mark"));
	shell("head -c 5000 /dev/urandom >'%s'", copy);
	ck_assert_int_ne(sam_store_adopt(&copied, &msg), SAM_OK);
}
END_TEST

/* ---- a new epoch ---- */

static const struct sam_record restored = {.members = "\"type\":\"restore\"", .type = "restore", .outcome = "success"};

START_TEST(in_a_new_epoch_nothing_used_is_accepted)
{
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_claim claim = claim_of("jti-2");
	const struct sam_counter_id counter = {"password", "bob"};
	const struct sam_record bad = {.members = "refuse", .type = "restore", .outcome = "success"};
	struct sam_counter c;
	uint8_t *body;
	size_t len;
	fill();
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_OK);
	struct sam_store_head before = head_now(), after;
	is(sam_store_new_epoch(store, 0, now, &bad), SAM_MEMORY);
	after = head_now();
	ck_assert_mem_eq(&before, &after, sizeof before);
	is(sam_store_new_epoch(store, 0, now, &restored), SAM_OK);
	after = head_now();
	ck_assert_uint_eq(after.epoch, 2);
	ck_assert_int_eq(after.not_before, now);
	ck_assert_int_ge(after.swept_until, now);
	ck_assert_uint_eq(after.activations + after.uses + after.tokens, 0);
	ck_assert_uint_eq(after.audit_seq, before.audit_seq + 1);
	is(sign("jti-1", 1), SAM_SAD_EPOCH);
	is(sign("unheard-of", 1), SAM_SAD_EPOCH);
	is(sam_store_known(store, &claim, now), SAM_SAD_EPOCH);
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_SAD_EPOCH);
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(sam_store_counter(store, &counter, &c), SAM_OK);
	ck_assert_int_eq(c.locked_until, now + 600);
	struct sam_reservation r;
	claim.iat = now + 1;
	is(reserve(&claim, 1, &r), SAM_OK);
	is(sam_store_new_epoch(store, 6, now - 50, &restored), SAM_OK); /* never set back */
	reopen();
	after = head_now();
	ck_assert_uint_eq(after.epoch, 7);
	ck_assert_int_eq(after.not_before, now);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- the end of the trail ---- */

static enum sam_reason graft(void *arg, const struct sam_audit_row *row)
{
	return sam_store_graft(arg, row);
}

static enum sam_reason count(void *arg, const struct sam_audit_row *row)
{
	uint64_t *last = arg;
	ck_assert_uint_gt(row->seq, *last);
	*last = row->seq;
	return SAM_OK;
}

START_TEST(what_the_live_store_has_more_is_grafted)
{
	struct sam_store *other;
	struct sam_store_head head, live;
	fill();
	head = copy_now();
	is(sign("jti-2", 1), SAM_OK);
	is(sign("jti-3", 1), SAM_OK);
	live = head_now();
	is(sam_store_adopt(&copied, NULL), SAM_OK);
	is(sam_store_open(&copied, &other, NULL), SAM_OK);
	struct sam_audit_row wrong = {.seq = head.audit_seq + 2, .time_us = sam_clock_us(), .line = "{}", .type = "sign",
				      .outcome = "success"};
	is(sam_store_graft(other, &wrong), SAM_ARGUMENTS);
	wrong.seq--;
	wrong.time_us = 1;
	is(sam_store_graft(other, &wrong), SAM_ARGUMENTS);
	wrong.line = NULL;
	is(sam_store_graft(other, &wrong), SAM_ARGUMENTS);
	struct sam_store_head salvaged;
	is(sam_store_salvage(&options, head.audit_seq + 1, graft, other, &salvaged), SAM_OK);
	ck_assert_mem_eq(&salvaged, &live, sizeof live);
	other = use(other);
	head = head_now();
	ck_assert_uint_eq(head.audit_seq, live.audit_seq);
	ck_assert_mem_eq(head.audit_hash, live.audit_hash, 32);
	is(sam_store_append(store, &restored, true), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
	other = use(other);
	sam_store_close(other);
}
END_TEST

START_TEST(what_can_be_read_is_salvaged)
{
	struct sam_store_head head;
	uint64_t last = 0;
	fill();
	for (unsigned i = 0; i < 8; i++)
		is(sam_store_append(store, &a_record, true), SAM_OK);
	is(sam_store_salvage(&options, 0, count, &last, &head), SAM_OK); /* beside whoever works with it */
	ck_assert_uint_eq(last, 10);
	ck_assert_str_eq(head.node, "node1");
	close_store();
	shell("rm '%s-shm'", path);
	last = 0;
	is(sam_store_salvage(&options, 5, count, &last, &head), SAM_OK);
	ck_assert_uint_eq(last, 10);
	meddle("DELETE FROM audit WHERE seq = 7");
	last = 0;
	is(sam_store_salvage(&options, 1, count, &last, &head), SAM_OK);
	ck_assert_uint_eq(last, 6);
	meddle("UPDATE audit SET hash = x'00' WHERE seq = 4");
	last = 0;
	is(sam_store_salvage(&options, 1, count, &last, &head), SAM_OK);
	ck_assert_uint_eq(last, 3);
	ck_assert_str_eq(head.node, "node1");
	shell("rm '%s.mark'", path);
	is(sam_store_salvage(&options, 1, count, &(uint64_t){0}, &head), SAM_OK);
	ck_assert_str_eq(head.node, "");
	shell("head -c 5000 /dev/urandom >'%s'", path);
	is(sam_store_salvage(&options, 1, count, &(uint64_t){0}, &head), SAM_OK);
	ck_assert_str_eq(head.node, "");
	shell("rm '%s'", path);
	is(sam_store_salvage(&options, 1, count, &last, &head), SAM_STORE_MISSING);
}
END_TEST

START_TEST(a_store_behind_its_mark_gives_no_head)
{
	struct sam_store_head head;
	uint64_t last = 0;
	fill();
	close_store();
	shell("cp -p '%s' '%s.old' && cp -p '%s-wal' '%s-wal.old'", path, path, path, path);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sign("jti-9", 1), SAM_OK);
	close_store();
	shell("mv '%s.old' '%s' && mv '%s-wal.old' '%s-wal'", path, path, path, path);
	is(sam_store_salvage(&options, 1, count, &last, &head), SAM_OK);
	ck_assert_uint_eq(last, 2);
	ck_assert_str_eq(head.node, "");
}
END_TEST

/* ---- putting in place ---- */

/* A copy from before jti-2, of a new epoch; the live store is open, with jti-2 in it. */
static void prepare(void)
{
	struct sam_store *other;
	fill();
	copy_now();
	is(sign("jti-2", 1), SAM_OK);
	is(sam_store_checkpoint(store, true), SAM_OK);
	is(sam_store_adopt(&copied, NULL), SAM_OK);
	is(sam_store_open(&copied, &other, NULL), SAM_STORE_TAMPERED); /* the CM's number is ahead */
	copied.restoring = true;
	is(sam_store_open(&copied, &other, NULL), SAM_OK);
	is(sam_store_new_epoch(other, 0, now, &restored), SAM_OK);
	sam_store_close(other);
	is(sign("jti-2", 2), SAM_OK); /* the old one goes on until it is replaced */
}

/* The new store is there, alone, and works. */
static void is_replaced(void)
{
	close_store();
	ck_assert(!there(copy, "") && !there(copy, "-wal") && !there(copy, ".mark"));
	ck_assert(there(path, ".old") && there(path, ".old-wal") && there(path, ".old.mark"));
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	ck_assert_uint_eq(head_now().epoch, 2);
	is(sam_store_check(store, NULL), SAM_OK);
	is(sign("jti-2", 2), SAM_SAD_EPOCH);
	struct sam_claim fresh = claim_of("jti-7");
	struct sam_reservation r;
	fresh.iat = now + 1;
	is(reserve(&fresh, 1, &r), SAM_OK);
	uint64_t before = cm.number;
	is(sam_store_checkpoint(store, true), SAM_OK);
	ck_assert_uint_eq(cm.number, before + 1);
	ck_assert_uint_eq(head_now().checkpoint, before + 1);
	reopen();
}

START_TEST(a_store_is_replaced_under_those_who_have_it_open)
{
	struct sam_store_head head;
	struct sam_msg msg;
	uint64_t version;
	struct sam_claim claim = claim_of("jti-3");
	prepare();
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_OK);
	if (_i == 0)
		is(sign("jti-3", 1), SAM_STORE_TAMPERED);
	else if (_i == 1)
		is(sam_store_grants_version(store, &version), SAM_STORE_TAMPERED);
	else if (_i == 2)
		is(sam_store_known(store, &claim, now), SAM_STORE_TAMPERED);
	else
		is(sam_store_check(store, NULL), SAM_STORE_TAMPERED);
	is(sam_store_head(store, &head), SAM_STORE_TAMPERED);
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_OK); /* done before */
	is_replaced();
	/* what was kept can be looked at */
	char kept[160];
	snprintf(kept, sizeof kept, "%s.old", path);
	struct sam_store_options old = options;
	old.path = kept;
	uint64_t last = 0;
	is(sam_store_salvage(&old, 1, count, &last, &head), SAM_OK);
	ck_assert_uint_eq(last, 4);
	ck_assert_uint_eq(head.epoch, 1);
}
END_TEST

/* Each state that a crash can leave: so many of the steps were done. */
START_TEST(an_interrupted_replacement_is_finished)
{
	static const char *const steps[] = {
		"mv '%s' '%s.old'", "mv '%s-wal' '%s.old-wal'", "mv '%s-shm' '%s.old-shm'", "mv '%s.mark' '%s.old.mark'",
	};
	struct sam_msg msg;
	prepare();
	close_store();
	for (int i = 0; i < 4 && i < _i; i++) {
		char command[700];
		snprintf(command, sizeof command, steps[i], path, path);
		shell("%s", command);
		is(sam_store_open(&options, &store, NULL), SAM_STORE_MISSING);
	}
	if (_i == 5) {
		shell("mv '%s.mark' '%s.mark'", copy, path);
		is(sam_store_open(&options, &store, NULL), SAM_STORE_MISSING);
	}
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_OK);
	is_replaced();
}
END_TEST

START_TEST(no_store_or_a_damaged_one_can_be_replaced)
{
	struct sam_msg msg;
	prepare();
	close_store();
	if (_i == 0)
		shell("rm '%s'*", path);
	else
		shell("head -c 9000 /dev/urandom >'%s'", path);
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_OK);
	ck_assert(there(path, ".old") == (_i == 1));
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
	ck_assert_uint_eq(head_now().epoch, 2);
}
END_TEST

START_TEST(what_cannot_be_put_in_place_changes_nothing)
{
	struct sam_msg msg;
	prepare();
	is(sam_store_replace(&options, "/nonexistent/store", ".old", &msg), SAM_STORE_MISSING);
	ck_assert_ptr_nonnull(strstr(msg.text, "/nonexistent/store"));
	is(sam_store_replace(&options, copy, "", &msg), SAM_ARGUMENTS);
	is(sam_store_replace(&options, copy, "/x", &msg), SAM_ARGUMENTS);
	shell("touch '%s.taken'", path);
	is(sam_store_replace(&options, copy, ".taken", &msg), SAM_EXISTS);
	shell("mv '%s.mark' '%s.away'", copy, copy);
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_STORE_TAMPERED);
	shell("mv '%s.away' '%s.mark'", copy, copy);
	is(sign("jti-3", 1), SAM_OK);
	struct sam_store *open;
	is(sam_store_open(&copied, &open, NULL), SAM_OK);
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_STORE_BUSY);
	sam_store_close(open);
	is(sign("jti-3", 2), SAM_OK);
	is(sam_store_replace(&options, copy, ".old", &msg), SAM_OK);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store copy");
	TCase *c = tcase_create("copy");
	tcase_add_checked_fixture(c, set_up_copy, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, a_copy_is_the_store_as_it_was);
	tcase_add_test(c, others_write_on_while_it_is_copied);
	tcase_add_loop_test(c, an_edited_copy_is_not_adopted, 0, 8);
	tcase_add_test(c, what_is_no_copy_of_ours_is_not_adopted);
	tcase_add_test(c, in_a_new_epoch_nothing_used_is_accepted);
	tcase_add_test(c, what_the_live_store_has_more_is_grafted);
	tcase_add_test(c, what_can_be_read_is_salvaged);
	tcase_add_test(c, a_store_behind_its_mark_gives_no_head);
	tcase_add_loop_test(c, a_store_is_replaced_under_those_who_have_it_open, 0, 4);
	tcase_add_loop_test(c, an_interrupted_replacement_is_finished, 0, 6);
	tcase_add_loop_test(c, no_store_or_a_damaged_one_can_be_replaced, 0, 2);
	tcase_add_test(c, what_cannot_be_put_in_place_changes_nothing);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
