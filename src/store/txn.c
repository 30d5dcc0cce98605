/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One write transaction: the head in, any number of operations, the head out, one commit and at
 * most one sync for all of them. Either all that was done is in the file or nothing is.
 */
#include "store/internal.h"

#include "base/log.h"

/* Another program wrote: do the rows that forbid still stand as the head says? If so, have the
 * registry load the rows that grant again. */
static enum sam_reason foreign(struct sam_txn *txn)
{
	sam_log(SAM_LOG_WARNING, "store: another program seems to have written to %s; checking",
		txn->store->path);
	enum sam_reason reason =
		sam_check_forbidding(txn->conn, txn->store->seal, &txn->head, NULL);
	if (reason == SAM_STORE_TAMPERED)
		atomic_store(&txn->store->tampered, true);
	if (reason == SAM_OK)
		atomic_fetch_add(&txn->store->generation, 1);
	return reason;
}

/* Under the write lock no transaction of ours is half-way: a data version that moved without the
 * sequence is not ours (or one that died in its commit: then the check finds all in order). */
static enum sam_reason look(struct sam_txn *txn)
{
	struct sam_look *last = &txn->conn->look;
	uint64_t sequence = txn->head.public.sequence;
	int64_t data_version = sam_conn_number(txn->conn, SAM_SQL_DATA_VERSION);
	int64_t schema = sam_conn_number(txn->conn, SAM_SQL_SCHEMA_VERSION);
	enum sam_reason reason = txn->conn->broken;
	if (reason == SAM_OK && last->valid && sequence < last->sequence) {
		atomic_store(&txn->store->tampered, true);
		return sam_log_reason(SAM_STORE_TAMPERED, "store: the head went back");
	}
	bool moved = last->valid && data_version != last->data_version && sequence == last->sequence;
	/* An index or table more could undo what the statements mean, whoever has committed since. */
	if (reason == SAM_OK && (moved || schema != atomic_load(&txn->store->schema)))
		reason = foreign(txn);
	if (reason == SAM_OK)
		atomic_store(&txn->store->schema, schema);
	if (reason == SAM_OK)
		*last = (struct sam_look){true, data_version, sequence};
	return reason;
}

enum sam_reason sam_txn_suspect(struct sam_txn *txn, void *arg)
{
	const struct sam_suspicion *s = arg;
	if (txn->head.public.sequence != s->sequence ||
	    atomic_load(&txn->store->generation) != s->generation)
		return SAM_OK; /* a commit was under way, or somebody looked already */
	return foreign(txn);
}

static enum sam_reason begin(struct sam_txn *txn, bool durable)
{
	struct sam_store *store = txn->store;
	if (!store->writer) {
		enum sam_reason reason =
			sam_conn_open(store->path, store->busy_ms, &store->writer, NULL);
		if (reason != SAM_OK)
			return reason;
	}
	struct sam_conn *conn = txn->conn = store->writer;
	sam_conn_mend(conn);
	if (conn->full != durable &&
	    sam_conn_exec(conn, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"))
		conn->full = durable;
	if (!sam_conn_run(conn, SAM_SQL_BEGIN_WRITE))
		return conn->broken;
	enum sam_reason reason = sam_head_read(conn, store->seal, &txn->head);
	return reason == SAM_OK ? look(txn) : reason;
}

/* Returns whether it changed anything. */
static bool run_one(struct sam_txn *txn, struct sam_op *op)
{
	struct sam_conn *conn = txn->conn;
	struct sam_head before = txn->head;
	sqlite3_int64 changes = sqlite3_total_changes64(conn->db);
	if (op->compound)
		sam_conn_run(conn, SAM_SQL_SAVEPOINT);
	op->result = op->run(txn, op->arg);
	if (op->result != SAM_OK)
		txn->head = before;
	if (op->compound) {
		if (op->result != SAM_OK)
			sam_conn_run(conn, SAM_SQL_ROLLBACK_TO);
		sam_conn_run(conn, SAM_SQL_RELEASE);
		return op->result == SAM_OK;
	}
	bool changed = sqlite3_total_changes64(conn->db) != changes;
	/* refused after it had written: nothing of this batch may stand */
	if (changed && op->result != SAM_OK && conn->broken == SAM_OK)
		conn->broken = op->result;
	return changed;
}

/* invariant 4: with a durable operation among them, COMMIT returns after the sync. */
static enum sam_reason commit(struct sam_txn *txn)
{
	struct sam_conn *conn = txn->conn;
	txn->head.public.sequence++;
	enum sam_reason reason = sam_head_write(conn, txn->store->seal, &txn->head);
	if (reason == SAM_OK && !sam_conn_run(conn, SAM_SQL_COMMIT))
		reason = conn->broken;
	if (reason != SAM_OK)
		return reason;
	conn->look.sequence = txn->head.public.sequence;
	sam_checkpoint_note(txn->store, &txn->head.public);
	return SAM_OK;
}

void sam_txn_run(struct sam_store *store, struct sam_op **batch, size_t count)
{
	struct sam_txn txn = {.store = store};
	bool durable = false, changed = false;
	for (size_t i = 0; i < count; i++)
		durable = durable || batch[i]->durable;
	enum sam_reason reason = begin(&txn, durable);
	for (size_t i = 0; i < count && reason == SAM_OK; i++) {
		changed = run_one(&txn, batch[i]) || changed;
		reason = txn.conn->broken;
	}
	if (reason == SAM_OK && changed)
		reason = commit(&txn);
	bool committed = reason == SAM_OK && changed;
	if (committed && durable)
		reason = sam_mark_commit(store->mark, store->path, store->seal, txn.head.public.sequence);
	if (committed && reason != SAM_OK) /* nothing is released that could be undone unnoticed */
		atomic_store(&store->failed, true);
	if (txn.conn && !committed)
		sam_conn_rollback(txn.conn);
	if (txn.conn && txn.conn->sync_failed)
		atomic_store(&store->failed, true);
	for (size_t i = 0; i < count && reason != SAM_OK; i++)
		batch[i]->result = reason; /* refusals too: what they were refused for is undone */
}
