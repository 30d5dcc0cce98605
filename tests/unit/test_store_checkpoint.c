/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signed checkpoints and their number in the CM: when they are made, what a crash leaves, and that a store
 * which was set back together with its mark is refused.
 */
#include "witness.h"

#include <pthread.h>

static void append(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		is(sam_store_append(store, &a_record, false), SAM_OK);
}

/* ---- when ---- */

START_TEST(one_is_due_with_the_first_record)
{
	ck_assert(!sam_store_checkpoint_due(store));
	is(sam_store_checkpoint(store, false), SAM_OK);
	ck_assert_uint_eq(cm.signs, 0);
	append(1);
	ck_assert(sam_store_checkpoint_due(store));
	is(sam_store_checkpoint(store, false), SAM_OK);
	ck_assert(!sam_store_checkpoint_due(store));
	struct sam_store_head head = head_now();
	ck_assert_uint_eq(head.checkpoint, 1);
	ck_assert_uint_eq(head.checkpoint_seq, 1);
	ck_assert_int_ge(head.checkpoint_time, now);
	ck_assert_uint_eq(cm.number, 1);
	ck_assert_uint_eq(cm.last.number, 1);
	ck_assert_str_eq(cm.last.node, "node1");
	ck_assert_uint_eq(cm.last.epoch, 1);
	ck_assert_uint_eq(cm.last.sequence, head.sequence);
	ck_assert_uint_eq(cm.last.audit_seq, head.audit_seq);
	ck_assert_mem_eq(cm.last.audit_hash, head.audit_hash, 32);
	ck_assert_int_eq(cm.last.time, head.checkpoint_time);
}
END_TEST

START_TEST(after_a_thousand_records_one_is_due)
{
	append(1);
	is(sam_store_checkpoint(store, false), SAM_OK);
	append(SAM_CHECKPOINT_RECORDS - 1);
	ck_assert(!sam_store_checkpoint_due(store));
	is(sam_store_checkpoint(store, false), SAM_OK);
	ck_assert_uint_eq(cm.number, 1);
	append(1);
	ck_assert(sam_store_checkpoint_due(store));
	is(sam_store_checkpoint(store, false), SAM_OK);
	ck_assert_uint_eq(cm.number, 2);
	is(sam_store_checkpoint(store, false), SAM_OK);
	ck_assert_uint_eq(cm.number, 2);
	is(sam_store_checkpoint(store, true), SAM_OK);
	ck_assert_uint_eq(cm.number, 3);
	reopen();
	ck_assert(!sam_store_checkpoint_due(store));
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(without_a_witness_none_is_made)
{
	close_store();
	options.witness = NULL;
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	append(1);
	ck_assert(!sam_store_checkpoint_due(store));
	is(sam_store_checkpoint(store, true), SAM_OK);
	ck_assert_uint_eq(head_now().checkpoint, 0);
	ck_assert_uint_eq(cm.signs, 0);
}
END_TEST

START_TEST(opening_reads_once_and_writes_nothing)
{
	append(1);
	is(sam_store_checkpoint(store, false), SAM_OK);
	struct sam_store_head before = head_now(), after;
	cm.reads = cm.writes = 0;
	reopen();
	ck_assert_uint_eq(cm.reads, 1);
	ck_assert_uint_eq(cm.writes, 0);
	after = head_now();
	ck_assert_mem_eq(&before, &after, sizeof before);
}
END_TEST

static void *make_one(void *arg)
{
	(void)arg;
	is(sam_store_checkpoint(store, false), SAM_OK);
	return NULL;
}

START_TEST(of_eight_that_find_one_due_one_makes_it)
{
	pthread_t threads[8];
	append(1);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, make_one, NULL), 0);
	for (unsigned i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(cm.signs, 1);
	ck_assert_uint_eq(cm.number, 1);
}
END_TEST

/* ---- the CM fails ---- */

START_TEST(a_checkpoint_that_is_not_signed_is_not_kept)
{
	append(1);
	cm.fail_sign = true;
	is(sam_store_checkpoint(store, false), SAM_CM_FAILED);
	ck_assert_uint_eq(head_now().checkpoint, 0);
	ck_assert(!sam_store_checkpoint_due(store)); /* not at once again */
	is(sam_store_checkpoint(store, true), SAM_OK);
	cm.fail_read = true;
	is(sam_store_checkpoint(store, true), SAM_CM_FAILED);
	ck_assert_uint_eq(head_now().checkpoint, 1);
	close_store();
	cm.fail_read = true;
	is(sam_store_open(&options, &store, NULL), SAM_CM_FAILED);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* As a kill between the commit and the CM's number. */
START_TEST(a_store_ahead_of_the_cm_is_healed)
{
	append(1);
	for (unsigned i = 0; i < (unsigned)_i; i++)
		is(sam_store_checkpoint(store, true), SAM_OK);
	cm.fail_write = true;
	is(sam_store_checkpoint(store, true), SAM_CM_FAILED);
	ck_assert_uint_eq(cm.number, _i);
	ck_assert_uint_eq(head_now().checkpoint, _i + 1);
	if (_i == 2) /* the next one heals it too */
		is(sam_store_checkpoint(store, true), SAM_OK);
	else
		reopen();
	ck_assert_uint_eq(cm.number, head_now().checkpoint);
	is(sign("jti-1", 1), SAM_OK);
}
END_TEST

/* ---- set back ---- */

START_TEST(a_store_set_back_with_its_mark_is_refused)
{
	struct sam_msg msg;
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_checkpoint(store, true), SAM_OK);
	close_store();
	shell("mkdir '%s/old' && cp -p '%s'* '%s/old'", folder, path, folder);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
	is(sign("jti-2", 2), SAM_OK);
	is(sam_store_checkpoint(store, true), SAM_OK);
	close_store();
	shell("cp -p '%s/old/'* '%s'", folder, folder);
	for (unsigned i = 0; i < 2; i++) {
		is(sam_store_open(&options, &store, &msg), SAM_STORE_TAMPERED);
		ck_assert_ptr_nonnull(strstr(msg.text, "was set back: its newest checkpoint has number 1, the CM has 2"));
		ck_assert_ptr_null(store);
	}
	ck_assert_uint_eq(cm.number, 2);
}
END_TEST

START_TEST(a_number_gone_from_the_cm_is_refused)
{
	struct sam_msg msg;
	append(1);
	is(sam_store_checkpoint(store, true), SAM_OK);
	cm.number = 0;
	reopen(); /* the first one: as after a crash */
	ck_assert_uint_eq(cm.number, 1);
	is(sam_store_checkpoint(store, true), SAM_OK);
	close_store();
	cm.number = 0;
	is(sam_store_open(&options, &store, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "the CM has none"));
	ck_assert_uint_eq(cm.number, 0);
}
END_TEST

START_TEST(a_store_set_back_under_us_is_found_with_the_next)
{
	append(1);
	is(sam_store_checkpoint(store, true), SAM_OK);
	cm.number = 7; /* another process, on the store that stood here before */
	is(sam_store_checkpoint(store, true), SAM_STORE_TAMPERED);
	is(sign("jti-1", 1), SAM_STORE_TAMPERED);
}
END_TEST

/* ---- the rows ---- */

static enum sam_reason note(void *arg, uint64_t number, uint64_t audit_seq, const char *jws)
{
	char *text = arg;
	sprintf(text + strlen(text), "%llu:%llu:%s;", (unsigned long long)number, (unsigned long long)audit_seq, jws);
	return number == 77 ? SAM_ROLE : SAM_OK;
}

static void make_three(void)
{
	for (unsigned i = 0; i < 3; i++) {
		append(1);
		is(sam_store_checkpoint(store, true), SAM_OK);
	}
}

START_TEST(checkpoints_are_read_in_order)
{
	char text[200] = "";
	make_three();
	is(sam_store_checkpoints(store, 0, note, text), SAM_OK);
	ck_assert_str_eq(text, "1:1:jws-1;2:2:jws-2;3:3:jws-3;");
	text[0] = '\0';
	is(sam_store_checkpoints(store, 3, note, text), SAM_OK);
	ck_assert_str_eq(text, "3:3:jws-3;");
	is(sam_store_checkpoints(store, UINT64_MAX, note, text), SAM_OK);
	ck_assert_str_eq(text, "3:3:jws-3;");
}
END_TEST

static const char *const edits[] = {
	"UPDATE checkpoints SET number = 77 WHERE number = 2",
	"UPDATE checkpoints SET audit_seq = 1 WHERE number = 2",
	"UPDATE checkpoints SET jws = 'jws-1' WHERE number = 2",
	"UPDATE checkpoints SET mac = randomblob(32) WHERE number = 2",
	"UPDATE checkpoints SET mac = x'00' WHERE number = 2",
	"DELETE FROM checkpoints WHERE number = 3",
	"DELETE FROM checkpoints",
	"INSERT INTO checkpoints SELECT 9, audit_seq, jws, mac FROM checkpoints WHERE number = 2",
};

START_TEST(an_edited_checkpoint_is_noticed)
{
	struct sam_msg msg;
	char text[200] = "";
	make_three();
	meddle(edits[_i]);
	is(sam_store_check(store, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "checkpoints"));
	if (_i < 5)
		is(sam_store_checkpoints(store, 0, note, text), SAM_STORE_TAMPERED);
	close_store();
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store checkpoint");
	TCase *c = tcase_create("checkpoint");
	tcase_add_checked_fixture(c, set_up_witness, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, one_is_due_with_the_first_record);
	tcase_add_test(c, after_a_thousand_records_one_is_due);
	tcase_add_test(c, without_a_witness_none_is_made);
	tcase_add_test(c, opening_reads_once_and_writes_nothing);
	tcase_add_test(c, of_eight_that_find_one_due_one_makes_it);
	tcase_add_test(c, a_checkpoint_that_is_not_signed_is_not_kept);
	tcase_add_loop_test(c, a_store_ahead_of_the_cm_is_healed, 0, 4);
	tcase_add_test(c, a_store_set_back_with_its_mark_is_refused);
	tcase_add_test(c, a_number_gone_from_the_cm_is_refused);
	tcase_add_test(c, a_store_set_back_under_us_is_found_with_the_next);
	tcase_add_test(c, checkpoints_are_read_in_order);
	tcase_add_loop_test(c, an_edited_checkpoint_is_noticed, 0, sizeof edits / sizeof *edits);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
