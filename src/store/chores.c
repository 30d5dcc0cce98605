/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is due now and then: sweeping what has expired, in small steps, and checkpoints. Done by a
 * leader after it has woken its followers, or by sam_store_maintain(); always under the write lock.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/log.h"

enum {
	WAL_PAGES = 1000, /* 4 MiB: some 10 ms to checkpoint */
	CLAIMS = 64,	  /* new activations between two steps */
	EVERY_MS = 10000, /* and without any */
	LOOK = 128, /* activations that a step looks at, twice what came meanwhile: it catches up */
	ROWS = 512, /* uses that it removes at most */
	SOME = 32,  /* uses read at once */
};

/* SQLite's own write lock is held besides ours: not even another copy of this module in this
 * process can start the WAL anew meanwhile. */
static void checkpoint(struct sam_store *store)
{
	int pages = 0, moved = 0;
	if (!store->writer || pthread_mutex_trylock(&store->reading) != 0)
		return; /* with the next commit, then */
	/* LOCKED */
	sam_conn_mend(store->writer);
	int rc = SQLITE_BUSY;
	if (sam_conn_run(store->writer, SAM_SQL_BEGIN_WRITE))
		rc = sqlite3_wal_checkpoint_v2(store->reader->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
					       &pages, &moved);
	sam_conn_rollback(store->writer);
	pthread_mutex_unlock(&store->reading);
	/* LOCKED end */
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		sam_log(SAM_LOG_ERR, "store: checkpoint: %s", sqlite3_errstr(rc));
	/* What a long reader holds up is tried again when as much has come again. */
	unsigned left =
		rc == SQLITE_OK && pages >= 0 && pages == moved ? 0 : store->writer->wal_pages;
	store->chores.wal_mark = left + WAL_PAGES;
	store->writer->wal_pages = left;
}

/* ---- sweeping ---- */

struct sweep {
	int64_t cursor;
	uint64_t removed;
	bool end; /* there are no activations behind the cursor */
};

static enum sam_reason remove_uses(struct sam_txn *txn, int64_t activation, unsigned *budget,
				   bool *all)
{
	struct sam_use some[SOME];
	unsigned n;
	do {
		n = 0;
		sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_USE_LIST_OF);
		sam_conn_bind_int(txn->conn, s, 1, activation);
		sam_conn_bind_int(txn->conn, s, 2, SOME);
		bool whole = true;
		while (whole && n < SOME && sam_conn_row(txn->conn, s))
			whole = sam_uses_read_use(s, &some[n++]);
		sqlite3_reset(s);
		enum sam_reason reason = whole ? txn->conn->broken : SAM_STORE_TAMPERED;
		for (unsigned i = 0; reason == SAM_OK && i < n; i++)
			reason = sam_uses_remove(txn, &some[i]);
		if (reason != SAM_OK)
			return reason;
		*budget -= n < *budget ? n : *budget;
	} while (n == SOME && *budget);
	*all = n < SOME;
	return SAM_OK;
}

static enum sam_reason remove_activation(struct sam_txn *txn, const struct sam_activation *a)
{
	struct sam_rowmac r;
	sam_uses_bytes_activation(&r, a);
	enum sam_reason reason = sam_rowmac_check(&r, txn->store->seal, a->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_take(&r, txn->store->seal, a->mac, &txn->head.activations);
	sam_rowmac_end(&r);
	if (reason == SAM_OK)
		reason = sam_tokens_remove(txn, a->id);
	if (reason == SAM_OK)
		reason = sam_deposits_remove(txn, a->id);
	if (reason != SAM_OK)
		return reason;
	if (a->exp > txn->head.public.swept_until)
		txn->head.public.swept_until = a->exp;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_ACTIVATION_DELETE);
	sam_conn_bind_int(txn->conn, s, 1, a->id);
	return sam_conn_done(txn->conn, s) ? SAM_OK : txn->conn->broken;
}

/* The next expired ones behind the cursor, which moves behind what was looked at. */
static enum sam_reason find_expired(struct sam_txn *txn, struct sweep *sweep, int64_t before,
				    struct sam_activation *expired, unsigned *count)
{
	unsigned looked = 0;
	bool whole = true;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_ACTIVATION_LIST);
	sam_conn_bind_int(txn->conn, s, 1, sweep->cursor);
	sam_conn_bind_int(txn->conn, s, 2, LOOK);
	*count = 0;
	while (whole && sam_conn_row(txn->conn, s)) {
		struct sam_activation *a = &expired[*count];
		whole = sam_uses_read_activation(s, a);
		looked++;
		sweep->cursor = a->id + 1;
		if (whole && a->exp < before)
			++*count;
	}
	sqlite3_reset(s);
	sweep->end = looked < LOOK;
	return whole ? txn->conn->broken : SAM_STORE_TAMPERED;
}

/* SADs of one transaction go one after another, uses first: what is left when the budget is used
 * up waits for the next step. */
static enum sam_reason sweep_step(struct sam_txn *txn, void *arg)
{
	struct sweep *sweep = arg;
	struct sam_activation expired[LOOK];
	unsigned count, budget = ROWS;
	int64_t now = sam_clock_now();
	if (now > txn->head.public.latest_time)
		txn->head.public.latest_time = now;
	enum sam_reason reason = find_expired(
		txn, sweep, txn->head.public.latest_time - SAM_SWEEP_GRACE, expired, &count);
	if (reason == SAM_OK)
		reason = sam_requests_sweep(txn, txn->head.public.latest_time - SAM_SWEEP_GRACE);
	for (unsigned i = 0; reason == SAM_OK && i < count; i++) {
		bool all = false;
		if (budget)
			reason = remove_uses(txn, expired[i].id, &budget, &all);
		if (reason == SAM_OK && !all) {
			sweep->cursor = expired[i].id;
			sweep->end = false;
			break;
		}
		if (reason == SAM_OK)
			reason = remove_activation(txn, &expired[i]);
		sweep->removed += reason == SAM_OK;
	}
	return reason;
}

static enum sam_reason run_step(struct sam_store *store, struct sweep *sweep)
{
	struct sam_op op = {.run = sweep_step, .arg = sweep}, *batch[] = {&op};
	sam_txn_run(store, batch, 1);
	return op.result;
}

bool sam_chores_due(const struct sam_store *store)
{
	const struct sam_chores *c = &store->chores;
	unsigned mark = c->wal_mark ? c->wal_mark : WAL_PAGES;
	return (store->writer && store->writer->wal_pages >= mark) || c->claimed >= CLAIMS ||
	       sam_clock_monotonic_ms() >= c->next_sweep_ms;
}

void sam_chores_run(struct sam_store *store)
{
	struct sam_chores *c = &store->chores;
	unsigned mark = c->wal_mark ? c->wal_mark : WAL_PAGES;
	if (c->claimed >= CLAIMS || sam_clock_monotonic_ms() >= c->next_sweep_ms) {
		struct sweep sweep = {.cursor = c->cursor};
		enum sam_reason reason = run_step(store, &sweep);
		c->cursor = reason != SAM_OK || sweep.end ? 0 : sweep.cursor;
		c->claimed = 0;
		c->next_sweep_ms = sam_clock_monotonic_ms() + EVERY_MS;
	}
	if (store->writer && store->writer->wal_pages >= mark)
		checkpoint(store);
}

/* ---- sam_store_maintain() ---- */

static enum sam_reason sweep_chore(struct sam_store *store, void *arg)
{
	return run_step(store, arg);
}

static enum sam_reason checkpoint_chore(struct sam_store *store, void *arg)
{
	(void)arg;
	checkpoint(store);
	return SAM_OK;
}

enum sam_reason sam_store_maintain(struct sam_store *store, uint64_t *done)
{
	struct sweep sweep = {0};
	enum sam_reason reason = SAM_OK;
	while (reason == SAM_OK && !sweep.end) {
		struct sam_op op = {.chore = sweep_chore, .arg = &sweep};
		reason = sam_queue_run(store, &op);
	}
	struct sam_op op = {.chore = checkpoint_chore};
	if (reason == SAM_OK)
		reason = sam_queue_run(store, &op);
	if (done)
		*done = sweep.removed;
	return reason;
}
