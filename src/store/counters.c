/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters of failures, and the locks that follow from them. Each failure is durable before its caller
 * hears of it: neither kill -9 nor power loss gives a guess for nothing.
 */
#include "store/internal.h"

#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { FORGET_S = 86400 };

bool sam_counters_read(sqlite3_stmt *s, struct sam_counter_row *out)
{
	const char *kind, *name;
	int64_t failures;
	if (!sam_conn_column_text(s, 0, &kind, false) || !sam_conn_column_text(s, 1, &name, false) ||
	    !sam_mem_copy_text(out->kind, sizeof out->kind, kind) ||
	    !sam_mem_copy_text(out->name, sizeof out->name, name) || !sam_conn_column_int(s, 2, &failures) ||
	    failures < 0 || failures > UINT32_MAX)
		return false;
	out->value.failures = (uint32_t)failures;
	return sam_conn_column_int(s, 3, &out->value.last) && sam_conn_column_int(s, 4, &out->value.locked_until) &&
	       sam_conn_column_fixed(s, 5, out->mac, sizeof out->mac);
}

void sam_counters_bytes(struct sam_rowmac *r, const struct sam_counter_row *row)
{
	sam_rowmac_start(r, "counters");
	sam_rowmac_text(r, row->kind);
	sam_rowmac_text(r, row->name);
	sam_rowmac_int(r, row->value.failures);
	sam_rowmac_int(r, row->value.last);
	sam_rowmac_int(r, row->value.locked_until);
}

/* ${row} gets the id, and what is there or zeros. */
static enum sam_reason find(struct sam_conn *conn, const struct sam_seal *seal, const struct sam_counter_id *id,
			    struct sam_counter_row *row, bool *found)
{
	struct sam_rowmac r;
	memset(row, 0, sizeof *row);
	*found = false;
	if (!id->kind || !*id->kind || !id->name || !*id->name ||
	    !sam_mem_copy_text(row->kind, sizeof row->kind, id->kind) ||
	    !sam_mem_copy_text(row->name, sizeof row->name, id->name))
		return sam_log_reason(SAM_ARGUMENTS, "store: a counter without a name, or with a long one");
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_COUNTER_FIND);
	sam_conn_bind_text(conn, s, 1, id->kind);
	sam_conn_bind_text(conn, s, 2, id->name);
	*found = sam_conn_row(conn, s);
	if (!*found)
		return conn->broken;
	bool whole = sam_counters_read(s, row) && strcmp(row->kind, id->kind) == 0 && strcmp(row->name, id->name) == 0;
	sqlite3_reset(s);
	if (!whole)
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a counter's row is not whole");
	sam_counters_bytes(&r, row);
	enum sam_reason reason = sam_rowmac_check(&r, seal, row->mac);
	sam_rowmac_end(&r);
	return reason;
}

static enum sam_reason take_out(struct sam_txn *txn, const struct sam_counter_row *row)
{
	struct sam_rowmac r;
	sam_counters_bytes(&r, row);
	enum sam_reason reason = sam_rowmac_take(&r, txn->store->seal, row->mac, &txn->head.counters);
	sam_rowmac_end(&r);
	return reason;
}

static enum sam_reason put_in(struct sam_txn *txn, struct sam_counter_row *row)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	sam_counters_bytes(&r, row);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, row->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, row->mac, &txn->head.counters);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_COUNTER_PUT);
	sam_conn_bind_text(conn, s, 1, row->kind);
	sam_conn_bind_text(conn, s, 2, row->name);
	sam_conn_bind_int(conn, s, 3, row->value.failures);
	sam_conn_bind_int(conn, s, 4, row->value.last);
	sam_conn_bind_int(conn, s, 5, row->value.locked_until);
	sam_conn_bind_blob(conn, s, 6, row->mac, sizeof row->mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

static enum sam_reason delete(struct sam_txn *txn, const struct sam_counter_row *row)
{
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_COUNTER_DELETE);
	enum sam_reason reason = take_out(txn, row);
	sam_conn_bind_text(txn->conn, s, 1, row->kind);
	sam_conn_bind_text(txn->conn, s, 2, row->name);
	return reason != SAM_OK || sam_conn_done(txn->conn, s) ? reason : txn->conn->broken;
}

enum sam_reason sam_counters_clear(struct sam_txn *txn, const struct sam_counter_id *id)
{
	struct sam_counter_row row;
	bool found;
	enum sam_reason reason = find(txn->conn, txn->store->seal, id, &row, &found);
	return reason == SAM_OK && found ? delete(txn, &row) : reason;
}

enum sam_reason sam_store_counter(struct sam_store *store, const struct sam_counter_id *id, struct sam_counter *out)
{
	struct sam_head head;
	struct sam_counter_row row;
	bool found;
	memset(out, 0, sizeof *out);
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	reason = find(store->reader, store->seal, id, &row, &found);
	sam_store_end_read(store);
	if (reason == SAM_OK)
		*out = row.value;
	return reason;
}

/* ---- one at a time ---- */

/* FNV-1a. */
static unsigned gate_of(const struct sam_counter_id *id)
{
	uint32_t hash = 2166136261u;
	for (const char *c = id->kind; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	for (const char *c = id->name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return hash % SAM_GATES;
}

enum sam_reason sam_store_counter_enter(struct sam_store *store, const struct sam_counter_id *id)
{
	return sam_writelock_enter(store->lock, gate_of(id), sam_clock_monotonic_ms() + store->busy_ms);
}

void sam_store_counter_leave(struct sam_store *store, const struct sam_counter_id *id)
{
	sam_writelock_leave(store->lock, gate_of(id));
}

/* ---- changing: the record first, it alone can be refused ---- */

struct change {
	const struct sam_counter_id *id;
	const struct sam_counter_rule *rule;
	int64_t time; /* now, or until when */
	bool locked;
	const struct sam_record *record;
};

static void lock_until(struct sam_counter *value, int64_t until)
{
	if (until > value->locked_until)
		value->locked_until = until;
}

/* Returns whether it is locked by this one. */
static bool count(struct sam_counter *value, const struct sam_counter_rule *rule, int64_t now)
{
	if (now - value->last > FORGET_S)
		value->failures = 0;
	value->failures++;
	value->last = now;
	if (value->failures < rule->attempts)
		return false;
	value->failures = 0;
	lock_until(value, rule->lock_seconds > INT64_MAX - now ? INT64_MAX : now + rule->lock_seconds);
	return true;
}

static enum sam_reason fail(struct sam_txn *txn, void *arg)
{
	struct change *in = arg;
	struct sam_counter_row row, before;
	bool found;
	int64_t *latest = &txn->head.public.latest_time;
	enum sam_reason reason = find(txn->conn, txn->store->seal, in->id, &row, &found);
	if (reason != SAM_OK)
		return reason;
	before = row;
	if (in->time > *latest)
		*latest = in->time;
	in->locked = count(&row.value, in->rule, *latest);
	if (in->locked && in->record)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && found)
		reason = take_out(txn, &before);
	return reason == SAM_OK ? put_in(txn, &row) : reason;
}

static enum sam_reason clear(struct sam_txn *txn, void *arg)
{
	const struct change *in = arg;
	struct sam_counter_row row;
	bool found;
	enum sam_reason reason = find(txn->conn, txn->store->seal, in->id, &row, &found);
	if (reason == SAM_OK && in->record)
		reason = sam_trail_append(txn, in->record);
	return reason == SAM_OK && found ? delete(txn, &row) : reason;
}

static enum sam_reason lock(struct sam_txn *txn, void *arg)
{
	const struct change *in = arg;
	struct sam_counter_row row, before;
	bool found;
	enum sam_reason reason = find(txn->conn, txn->store->seal, in->id, &row, &found);
	before = row;
	lock_until(&row.value, in->time);
	if (reason == SAM_OK && in->record)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && found)
		reason = take_out(txn, &before);
	return reason == SAM_OK ? put_in(txn, &row) : reason;
}

static enum sam_reason run(struct sam_store *store, sam_op_run *what, struct change *in)
{
	struct sam_op op = {.run = what, .arg = in, .durable = true};
	return sam_queue_run(store, &op);
}

enum sam_reason sam_store_counter_fail(struct sam_store *store, const struct sam_counter_id *id,
				       const struct sam_counter_rule *rule, int64_t now, bool *locked,
				       const struct sam_record *record)
{
	struct change in = {.id = id, .rule = rule, .time = now, .record = record};
	*locked = false;
	if (now < 0 || rule->lock_seconds < 0)
		return sam_log_reason(SAM_ARGUMENTS, "store: a counter's time or rule");
	enum sam_reason reason = run(store, fail, &in);
	*locked = reason == SAM_OK && in.locked;
	return reason;
}

enum sam_reason sam_store_counter_clear(struct sam_store *store, const struct sam_counter_id *id,
					const struct sam_record *record)
{
	struct change in = {.id = id, .record = record};
	return run(store, clear, &in);
}

enum sam_reason sam_store_counter_lock(struct sam_store *store, const struct sam_counter_id *id, int64_t until,
				       const struct sam_record *record)
{
	struct change in = {.id = id, .time = until, .record = record};
	return run(store, lock, &in);
}
