/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rows that grant: few, seldom written, loaded as a whole and used only if the whole is what
 * the head says (invariant 9). What is in them is the registry's.
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"

enum { KIND_MAX = 32, ID_MAX = 128 };

static void bytes(struct sam_rowmac *r, const struct sam_row *row)
{
	sam_rowmac_start(r, "grants");
	sam_rowmac_text(r, row->kind);
	sam_rowmac_text(r, row->id);
	sam_rowmac_blob(r, row->body, row->len);
}

static bool read_row(sqlite3_stmt *s, struct sam_row *row, uint8_t mac[SAM_SEAL_MAC])
{
	const uint8_t *body = NULL;
	bool ok = sam_conn_column_text(s, 0, &row->kind, false) &&
		  sam_conn_column_text(s, 1, &row->id, false) &&
		  sam_conn_column_blob(s, 2, &body, &row->len) &&
		  sam_conn_column_fixed(s, 3, mac, SAM_SEAL_MAC);
	row->body = body;
	return ok;
}

enum sam_reason sam_grants_scan(struct sam_conn *conn, const struct sam_seal *seal,
				sam_store_each_row *each, void *arg, struct sam_sum *sum)
{
	enum sam_reason reason = SAM_OK;
	struct sam_row row;
	uint8_t mac[SAM_SEAL_MAC];
	memset(sum, 0, sizeof *sum);
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_GRANT_LIST);
	while (reason == SAM_OK && sam_conn_row(conn, s)) {
		struct sam_rowmac r;
		if (!read_row(s, &row, mac)) {
			reason = sam_log_reason(SAM_STORE_TAMPERED,
						"store: a granting row is not whole");
			break;
		}
		bytes(&r, &row);
		reason = sam_rowmac_check(&r, seal, mac);
		if (reason == SAM_OK)
			reason = sam_rowmac_add(&r, seal, mac, sum);
		sam_rowmac_end(&r);
		if (reason == SAM_OK && each)
			reason = each(arg, &row);
	}
	sqlite3_reset(s);
	return reason == SAM_OK ? conn->broken : reason;
}

/* The head's version, and above it how often this process found that another program had
 * written: then the registry loads again, and finds out what was changed. */
static uint64_t version_of(const struct sam_head *head, uint64_t generation)
{
	return head->public.grants_version + (generation << 40);
}

enum sam_reason sam_store_grants_version(struct sam_store *store, uint64_t *version)
{
	struct sam_head head;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	sam_store_end_read(store);
	*version = version_of(&head, atomic_load(&store->generation));
	return SAM_OK;
}

enum sam_reason sam_store_grants_load(struct sam_store *store, sam_store_each_row *each, void *arg,
				      uint64_t *version)
{
	struct sam_conn *conn;
	struct sam_head head;
	struct sam_sum sum;
	uint64_t generation =
		atomic_load(&store->generation); /* before the snapshot: never too new */
	enum sam_reason reason = sam_store_begin_scan(store, &conn, &head);
	if (reason == SAM_OK)
		reason = sam_grants_scan(conn, store->seal, each, arg, &sum);
	if (reason == SAM_OK && !sam_rowmac_same(&sum, &head.grants))
		reason = sam_log_reason(SAM_STORE_TAMPERED,
					"store: the granting rows are not those of the head");
	if (reason == SAM_OK)
		*version = version_of(&head, generation);
	sam_store_end_scan(conn);
	return reason;
}

/* ---- changing ---- */

static sqlite3_stmt *of(struct sam_conn *conn, enum sam_statement which, const struct sam_row *row)
{
	sqlite3_stmt *s = sam_conn_get(conn, which);
	sam_conn_bind_text(conn, s, 1, row->kind);
	sam_conn_bind_text(conn, s, 2, row->id);
	return s;
}

/* Out of the sum and out of the table; NOT_FOUND if there is none. */
static enum sam_reason take_out(struct sam_txn *txn, const struct sam_row *which)
{
	struct sam_conn *conn = txn->conn;
	struct sam_row row;
	struct sam_rowmac r;
	uint8_t mac[SAM_SEAL_MAC];
	sqlite3_stmt *s = of(conn, SAM_SQL_GRANT_FIND, which);
	if (!sam_conn_row(conn, s))
		return conn->broken != SAM_OK ? conn->broken : SAM_NOT_FOUND;
	if (!read_row(s, &row, mac)) {
		sqlite3_reset(s);
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a granting row is not whole");
	}
	bytes(&r, &row);
	enum sam_reason reason = sam_rowmac_check(&r, txn->store->seal, mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_take(&r, txn->store->seal, mac, &txn->head.grants);
	sam_rowmac_end(&r);
	sqlite3_reset(s);
	if (reason == SAM_OK && !sam_conn_done(conn, of(conn, SAM_SQL_GRANT_DELETE, which)))
		reason = conn->broken;
	return reason;
}

static enum sam_reason put_in(struct sam_txn *txn, const struct sam_row *row)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	uint8_t mac[SAM_SEAL_MAC];
	bytes(&r, row);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, mac, &txn->head.grants);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = of(conn, SAM_SQL_GRANT_ADD, row);
	sam_conn_bind_blob(conn, s, 3, row->body, row->len);
	sam_conn_bind_blob(conn, s, 4, mac, sizeof mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

static bool well_formed(const struct sam_change *c)
{
	const struct sam_row *row = &c->row;
	bool known = c->what == SAM_CHANGE_ADD || c->what == SAM_CHANGE_REPLACE ||
		     c->what == SAM_CHANGE_REMOVE;
	return known && row->kind && row->id && *row->kind && *row->id &&
	       strlen(row->kind) <= KIND_MAX && strlen(row->id) <= ID_MAX &&
	       row->len <= SAM_BODY_MAX && (row->body || row->len == 0);
}

enum sam_reason sam_grants_apply(struct sam_txn *txn, const struct sam_change *c)
{
	if (!well_formed(c))
		return sam_log_reason(SAM_ARGUMENTS, "store: a granting row that cannot be kept");
	if (c->what != SAM_CHANGE_ADD) {
		enum sam_reason reason = take_out(txn, &c->row);
		return reason == SAM_OK && c->what == SAM_CHANGE_REPLACE ? put_in(txn, &c->row)
									 : reason;
	}
	sqlite3_stmt *s = of(txn->conn, SAM_SQL_GRANT_FIND, &c->row);
	bool there = sam_conn_row(txn->conn, s);
	sqlite3_reset(s);
	if (there)
		return SAM_EXISTS;
	return txn->conn->broken != SAM_OK ? txn->conn->broken : put_in(txn, &c->row);
}

/* All of a set stands or falls with it: the operation is under a savepoint. */
static enum sam_reason change(struct sam_txn *txn, void *arg)
{
	const struct sam_change_set *set = arg;
	int64_t activation;
	if (set->version != version_of(&txn->head, atomic_load(&txn->store->generation)))
		return SAM_STORE_CHANGED;
	enum sam_reason reason = SAM_OK;
	for (size_t i = 0; reason == SAM_OK && i < set->spend_count; i++)
		reason = sam_uses_take(txn, &set->spends[i].claim, set->spends[i].digest,
				       sizeof set->spends[i].digest, set->now, &activation);
	for (size_t i = 0; reason == SAM_OK && i < set->count; i++)
		reason = sam_grants_apply(txn, &set->changes[i]);
	for (size_t i = 0; reason == SAM_OK && i < set->clear_count; i++)
		reason = sam_counters_clear(txn, &set->clears[i]);
	if (reason == SAM_OK && set->forget)
		reason = sam_tokens_forget(txn, set->forget);
	for (size_t i = 0; reason == SAM_OK && i < set->end_count; i++) {
		reason = sam_requests_end(txn, &set->ends[i]);
		if (reason == SAM_OK)
			reason = sam_deposits_end(txn, &set->ends[i]);
	}
	if (set->count)
		txn->head.public.grants_version++;
	for (size_t i = 0; reason == SAM_OK && i < set->record_count; i++)
		reason = sam_trail_append(txn, &set->records[i]);
	return reason;
}

enum sam_reason sam_store_grants_change(struct sam_store *store, const struct sam_change_set *set)
{
	if (!set->records || !set->record_count)
		return sam_log_reason(SAM_ARGUMENTS, "store: a change without a record");
	struct sam_op op = {.run = change, .arg = (void *)set, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}
