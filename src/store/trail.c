/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The audit trail's rows: appended in the transaction of what they tell, read on a snapshot of
 * their own. What a line says is the audit room's; the chain's end is in the head.
 */
#include "store/internal.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* The next row; the chain's end moves with it. */
static enum sam_reason insert(struct sam_txn *txn, const struct sam_audit_row *row)
{
	struct sam_conn *conn = txn->conn;
	struct sam_head *head = &txn->head;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_AUDIT_ADD);
	const char *const texts[] = {row->type,	 row->outcome,	  row->reason, row->signer,
				     row->actor, row->credential, row->jti,    row->line};
	head->public.audit_seq = row->seq;
	head->audit_time = row->time_us;
	memcpy(head->public.audit_hash, row->hash, sizeof head->public.audit_hash);
	sam_conn_bind_int(conn, s, 1, (int64_t)row->seq);
	sam_conn_bind_int(conn, s, 2, row->time_us);
	for (int i = 0; i < 8; i++)
		sam_conn_bind_text(conn, s, 3 + i, texts[i]);
	sam_conn_bind_blob(conn, s, 11, row->hash, sizeof row->hash);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

enum sam_reason sam_trail_append(struct sam_txn *txn, const struct sam_record *record)
{
	struct sam_head *head = &txn->head;
	sam_auto(sam_free) char *line = NULL;
	if (!record || !record->type || !record->outcome)
		return sam_log_reason(SAM_ARGUMENTS, "store: no audit record");
	struct sam_audit_row row = {
		.seq = head->public.audit_seq + 1, .time_us = sam_clock_us(), .type = record->type,
		.outcome = record->outcome, .reason = record->reason, .signer = record->signer,
		.actor = record->actor, .credential = record->credential, .jti = record->jti,
	};
	/* a clock set back changes neither the order of the records nor what has expired */
	if (row.time_us < head->audit_time)
		row.time_us = head->audit_time;
	enum sam_reason reason = txn->store->chain(record, row.seq, head->public.node, row.time_us,
						   head->public.audit_hash, &line, row.hash);
	if (reason == SAM_OK && strlen(line) > SAM_LINE_MAX)
		reason = sam_log_reason(SAM_ARGUMENTS, "store: an audit record of %zu bytes",
					strlen(line));
	if (reason != SAM_OK)
		return reason;
	row.line = line;
	if (sam_clock_now() > head->public.latest_time)
		head->public.latest_time = sam_clock_now();
	return insert(txn, &row);
}

static enum sam_reason append(struct sam_txn *txn, void *arg)
{
	return sam_trail_append(txn, arg);
}

enum sam_reason sam_store_append(struct sam_store *store, const struct sam_record *record,
				 bool durable)
{
	struct sam_op op = {.run = append, .arg = (void *)record, .durable = durable};
	return sam_queue_run(store, &op);
}

/* Its prev the caller has verified; here it is put where it was. */
static enum sam_reason graft(struct sam_txn *txn, void *arg)
{
	const struct sam_audit_row *row = arg;
	struct sam_head *head = &txn->head;
	if (row->seq != head->public.audit_seq + 1 || row->time_us < head->audit_time)
		return sam_log_reason(SAM_ARGUMENTS, "store: record %ju is not the next, or older than the last",
				      (uintmax_t)row->seq);
	if (row->time_us / 1000000 > head->public.latest_time)
		head->public.latest_time = row->time_us / 1000000;
	return insert(txn, row);
}

enum sam_reason sam_store_graft(struct sam_store *store, const struct sam_audit_row *row)
{
	if (!row->line || !row->type || !row->outcome || strlen(row->line) > SAM_LINE_MAX)
		return sam_log_reason(SAM_ARGUMENTS, "store: no audit record");
	struct sam_op op = {.run = graft, .arg = (void *)row};
	return sam_queue_run(store, &op);
}

/* ---- reading ---- */

/* The first record not before ${time_us}: times grow with seq, so halve, and there is no index
 * to keep. Records that were altered so that this misleads are found by `samctl audit verify`. */
static uint64_t first_since(struct sam_conn *conn, uint64_t last, int64_t time_us)
{
	int64_t low = 1, high = (int64_t)last + 1;
	while (low < high && conn->broken == SAM_OK) {
		int64_t middle = low + (high - low) / 2, seq = high, at = 0;
		sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_AUDIT_FROM);
		sam_conn_bind_int(conn, s, 1, middle);
		bool there = sam_conn_row(conn, s) && sam_conn_column_int(s, 0, &seq) &&
			     sam_conn_column_int(s, 1, &at);
		sqlite3_reset(s);
		if (!there || at >= time_us)
			high = middle;
		else
			low = seq + 1;
	}
	return (uint64_t)low;
}

enum { FILTERS = 7 };

/* Constant text only; every value is bound. */
static void write_query(const char *const values[FILTERS], char *text, size_t size)
{
	static const char *const conditions[FILTERS] = {
		" AND type = ?6",   " AND outcome = ?7",     " AND reason = ?8", " AND signer = ?9",
		" AND actor = ?10", " AND credential = ?11", " AND jti = ?12",
	};
	size_t len = (size_t)snprintf(
		text, size,
		"SELECT seq, time_us, line, hash, type, outcome, reason, signer, actor, credential, jti FROM audit"
		" WHERE seq >= ?1 AND seq <= ?2 AND time_us >= ?3 AND time_us <= ?4");
	for (unsigned i = 0; i < FILTERS; i++)
		if (values[i])
			len += (size_t)snprintf(text + len, size - len, "%s", conditions[i]);
	snprintf(text + len, size - len, " ORDER BY seq LIMIT ?5");
}

static int64_t as_signed(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static sqlite3_stmt *prepare_query(struct sam_conn *conn, const struct sam_head *head,
				   const struct sam_audit_filter *f)
{
	char text[640];
	const char *const values[FILTERS] = {f->type,  f->outcome,    f->reason, f->signer,
					     f->actor, f->credential, f->jti};
	uint64_t from = f->since_us ? first_since(conn, head->public.audit_seq, f->since_us) : 0;
	if (f->from_seq > from)
		from = f->from_seq;
	write_query(values, text, sizeof text);
	sqlite3_stmt *s = sam_conn_prepare(conn, text);
	sam_conn_bind_int(conn, s, 1, as_signed(from));
	sam_conn_bind_int(conn, s, 2, f->to_seq ? as_signed(f->to_seq) : INT64_MAX);
	sam_conn_bind_int(conn, s, 3, f->since_us ? f->since_us : INT64_MIN);
	sam_conn_bind_int(conn, s, 4, f->until_us ? f->until_us : INT64_MAX);
	sam_conn_bind_int(conn, s, 5, f->limit ? as_signed(f->limit) : -1);
	for (int i = 0; i < FILTERS; i++)
		if (values[i])
			sam_conn_bind_text(conn, s, 6 + i, values[i]);
	return s;
}

bool sam_trail_read(sqlite3_stmt *s, struct sam_audit_row *row)
{
	int64_t seq = 0;
	bool ok = sam_conn_column_int(s, 0, &seq) && sam_conn_column_int(s, 1, &row->time_us) &&
		  sam_conn_column_text(s, 2, &row->line, false) &&
		  sam_conn_column_fixed(s, 3, row->hash, sizeof row->hash) &&
		  sam_conn_column_text(s, 4, &row->type, false) &&
		  sam_conn_column_text(s, 5, &row->outcome, false);
	const char **const optional[] = {&row->reason, &row->signer, &row->actor, &row->credential,
					 &row->jti};
	for (int i = 0; ok && i < 5; i++)
		ok = sam_conn_column_text(s, 6 + i, optional[i], true);
	row->seq = (uint64_t)seq;
	return ok;
}

enum sam_reason sam_store_audit_read(struct sam_store *store, const struct sam_audit_filter *filter,
				     sam_store_each_audit *each, void *arg)
{
	struct sam_conn *conn;
	struct sam_head head;
	struct sam_audit_row row;
	enum sam_reason reason = sam_store_begin_scan(store, &conn, &head);
	sqlite3_stmt *s = reason == SAM_OK ? prepare_query(conn, &head, filter) : NULL;
	while (reason == SAM_OK && sam_conn_row(conn, s))
		reason = sam_trail_read(s, &row) ? each(arg, &row)
					   : sam_log_reason(SAM_STORE_TAMPERED,
							    "store: an audit row is not whole");
	if (reason == SAM_OK)
		reason = conn->broken;
	sqlite3_finalize(s);
	sam_store_end_scan(conn);
	return reason;
}
