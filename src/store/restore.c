/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a restore needs besides the copy: the end of the trail that the live store still has, and a new epoch,
 * in which nothing that was ever used is accepted again.
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"

/* ---- a new epoch ---- */

struct epoch {
	uint64_t after;
	int64_t not_before;
	const struct sam_record *record;
};

/* So that the next checkpoint goes beyond what the CM has, or the CM has this one's, and the store is not taken for
 * one that was set back. */
static enum sam_reason catch_up(struct sam_txn *txn)
{
	const struct sam_witness *witness = txn->store->witness;
	uint64_t number = 0;
	if (!witness)
		return SAM_OK;
	enum sam_reason reason = witness->read(witness->arg, txn->head.public.node, &number);
	if (reason == SAM_OK && number > txn->head.public.checkpoint)
		txn->head.public.checkpoint = number;
	else if (reason == SAM_OK && number < txn->head.public.checkpoint)
		reason = witness->write(witness->arg, txn->head.public.node, txn->head.public.checkpoint);
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: the checkpoint's number in the CM");
}

static enum sam_reason new_epoch(struct sam_txn *txn, void *arg)
{
	const struct epoch *in = arg;
	struct sam_head *head = &txn->head;
	enum sam_reason reason = catch_up(txn);
	if (reason == SAM_OK)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && !sam_conn_exec(txn->conn, "DELETE FROM activations; DELETE FROM uses; DELETE FROM tokens;"
						    " DELETE FROM requests; DELETE FROM deposits"))
		reason = txn->conn->broken;
	memset(&head->activations, 0, sizeof head->activations);
	memset(&head->uses, 0, sizeof head->uses);
	memset(&head->tokens, 0, sizeof head->tokens);
	memset(&head->requests, 0, sizeof head->requests);
	memset(&head->deposits, 0, sizeof head->deposits);
	if (head->public.epoch < in->after)
		head->public.epoch = in->after;
	head->public.epoch++;
	if (in->not_before > head->public.not_before)
		head->public.not_before = in->not_before;
	if (head->public.swept_until < head->public.not_before)
		head->public.swept_until = head->public.not_before;
	return reason;
}

enum sam_reason sam_store_new_epoch(struct sam_store *store, uint64_t after, int64_t not_before,
				    const struct sam_record *record)
{
	struct epoch in = {after, not_before, record};
	struct sam_op op = {.run = new_epoch, .arg = &in, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}

/* ---- what can be read of a damaged store ---- */

/* Only a head that the mark vouches for says anything about the newest state. */
static void salvage_head(struct sam_conn *conn, const struct sam_store_options *options, struct sam_store_head *out)
{
	struct sam_head head;
	uint64_t sequence;
	int mark = -1;
	conn->upgrading = true;
	if (sam_mark_open(options->path, &mark) == SAM_OK &&
	    sam_mark_read(mark, options->seal, &sequence) == SAM_OK &&
	    sam_head_read(conn, options->seal, &head) == SAM_OK && head.public.sequence >= sequence)
		*out = head.public;
	sam_mark_close(mark);
}

static enum sam_reason salvage_trail(struct sam_conn *conn, uint64_t next, sam_store_each_audit *each, void *arg)
{
	struct sam_audit_row row;
	enum sam_reason reason = SAM_OK;
	sqlite3_stmt *s = sam_conn_prepare(conn, "SELECT seq, time_us, line, hash, type, outcome, reason, signer, actor,"
						 " credential, jti FROM audit WHERE seq >= ?1 ORDER BY seq");
	sam_conn_bind_int(conn, s, 1, next > INT64_MAX ? INT64_MAX : (int64_t)next);
	while (reason == SAM_OK && sam_conn_row(conn, s) && sam_trail_read(s, &row) && row.seq == next++)
		reason = each(arg, &row);
	sqlite3_finalize(s);
	return reason;
}

enum sam_reason sam_store_salvage(const struct sam_store_options *options, uint64_t from_seq,
				  sam_store_each_audit *each, void *arg, struct sam_store_head *head)
{
	struct sam_conn *conn = NULL;
	memset(head, 0, sizeof *head);
	if (!sam_place_exists(options->path, ""))
		return SAM_STORE_MISSING;
	sam_store_enter();
	enum sam_reason reason = SAM_OK;
	if (sam_conn_open_look(options->path, &conn, NULL) == SAM_OK && sam_conn_run(conn, SAM_SQL_BEGIN)) {
		salvage_head(conn, options, head);
		sam_conn_mend(conn);
		reason = salvage_trail(conn, from_seq ? from_seq : 1, each, arg);
		sam_conn_rollback(conn);
	}
	sam_conn_close(conn);
	sam_store_leave();
	return reason;
}
