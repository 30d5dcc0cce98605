/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is every row what the head says (invariant 9)? At open, when another program wrote, and when
 * asked. Each row is also looked up by its key, as the verbs do: a tree that hides a row from them
 * shows here.
 */
#include "store/internal.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

struct scan {
	struct sam_conn *conn;
	const struct sam_seal *seal;
	struct sam_msg *msg;
	bool each_mac; /* the row's own MAC too, to name the row: the sum alone does not */
	struct sam_sum sum;
};

static enum sam_reason tampered(struct scan *c, const char *table, const char *why)
{
	sam_msg_set(c->msg, "%s: %s", table, why);
	return sam_log_reason(SAM_STORE_TAMPERED, "store: %s: %s", table, why);
}

static enum sam_reason count_row(struct scan *c, const char *table, struct sam_rowmac *r,
				 const uint8_t *mac)
{
	enum sam_reason reason = sam_rowmac_add(r, c->seal, mac, &c->sum);
	if (reason == SAM_OK && c->each_mac) {
		reason = sam_rowmac_check(r, c->seal, mac);
		if (reason == SAM_STORE_TAMPERED)
			sam_msg_set(c->msg, "%s: row %llu was changed", table,
				    (unsigned long long)c->sum.count);
	}
	sam_rowmac_end(r);
	return reason;
}

/* One row, and the statement that must find it again. */
static bool take_activation(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_activation a, found;
	struct sam_rowmac r;
	if (!sam_uses_read_activation(s, &a))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_ACTIVATION_FIND);
	sam_conn_bind_blob(c->conn, f, 1, a.identity, sizeof a.identity);
	bool same =
		sam_conn_row(c->conn, f) && sam_uses_read_activation(f, &found) && found.id == a.id;
	sqlite3_reset(f);
	sam_uses_bytes_activation(&r, &a);
	*reason = count_row(c, "activations", &r, a.mac);
	return same;
}

static bool take_use(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_use u;
	struct sam_rowmac r;
	if (!sam_uses_read_use(s, &u))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_USE_FIND);
	sam_conn_bind_int(c->conn, f, 1, u.activation);
	sam_conn_bind_blob(c->conn, f, 2, u.digest, u.len);
	bool same = sam_conn_row(c->conn, f);
	sqlite3_reset(f);
	sam_uses_bytes_use(&r, &u);
	*reason = count_row(c, "uses", &r, u.mac);
	return same;
}

static bool take_token(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_token t, found;
	struct sam_rowmac r;
	if (!sam_tokens_read(s, &t))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_TOKEN_OF);
	sam_conn_bind_int(c->conn, f, 1, t.activation);
	bool same = sam_conn_row(c->conn, f) && sam_tokens_read(f, &found) &&
		    memcmp(found.lookup, t.lookup, sizeof t.lookup) == 0;
	sqlite3_reset(f);
	f = sam_conn_get(c->conn, SAM_SQL_TOKEN_FIND);
	sam_conn_bind_blob(c->conn, f, 1, t.lookup, sizeof t.lookup);
	same = sam_conn_row(c->conn, f) && same;
	sqlite3_reset(f);
	sam_tokens_bytes(&r, &t);
	*reason = count_row(c, "tokens", &r, t.mac);
	return same;
}

struct table {
	const char *name;
	enum sam_statement list;
	bool (*take)(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason);
};

static enum sam_reason scan_table(struct scan *c, const struct table *table)
{
	enum sam_reason reason = SAM_OK;
	bool whole = true;
	memset(&c->sum, 0, sizeof c->sum);
	sqlite3_stmt *s = sam_conn_get(c->conn, table->list);
	if (table->list == SAM_SQL_ACTIVATION_LIST || table->list == SAM_SQL_CHECKPOINT_LIST)
		sam_conn_bind_int(c->conn, s, 1, INT64_MIN);
	if (table->list == SAM_SQL_ACTIVATION_LIST)
		sam_conn_bind_int(c->conn, s, 2, -1);
	while (whole && reason == SAM_OK && sam_conn_row(c->conn, s))
		whole = table->take(c, s, &reason);
	sqlite3_reset(s);
	if (c->conn->broken != SAM_OK)
		return c->conn->broken;
	return whole || reason != SAM_OK
		       ? reason
		       : tampered(c, table->name,
				  "a row is not whole, or cannot be found by its key");
}

/* Costs some 4 µs a row (tests/fault/store_load prints it). */
static enum sam_reason check_table(struct scan *c, const struct table *table,
				   const struct sam_sum *right)
{
	char why[120];
	enum sam_reason reason = scan_table(c, table);
	if (reason != SAM_OK || sam_rowmac_same(&c->sum, right))
		return reason;
	if (!c->each_mac) { /* again, to say which row */
		c->each_mac = true;
		reason = scan_table(c, table);
		c->each_mac = false;
	}
	if (reason != SAM_OK)
		return reason;
	snprintf(why, sizeof why, "%llu rows where the head has %llu, or others than those",
		 (unsigned long long)c->sum.count, (unsigned long long)right->count);
	return tampered(c, table->name, why);
}

static bool take_counter(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_counter_row row, found;
	struct sam_rowmac r;
	if (!sam_counters_read(s, &row))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_COUNTER_FIND);
	sam_conn_bind_text(c->conn, f, 1, row.kind);
	sam_conn_bind_text(c->conn, f, 2, row.name);
	bool same = sam_conn_row(c->conn, f) && sam_counters_read(f, &found) &&
		    memcmp(found.mac, row.mac, sizeof row.mac) == 0;
	sqlite3_reset(f);
	sam_counters_bytes(&r, &row);
	*reason = count_row(c, "counters", &r, row.mac);
	return same;
}

static bool take_checkpoint(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_checkpoint_row row;
	struct sam_rowmac r;
	if (!sam_checkpoint_read(s, &row))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_CHECKPOINT_FIND);
	sam_conn_bind_int(c->conn, f, 1, row.number);
	bool same = sam_conn_row(c->conn, f);
	sqlite3_reset(f);
	sam_checkpoint_bytes(&r, &row);
	*reason = count_row(c, "checkpoints", &r, row.mac);
	return same;
}

static bool take_request(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_request_row row, found;
	struct sam_rowmac r;
	if (!sam_requests_read(s, &row))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_REQUEST_FIND);
	sam_conn_bind_text(c->conn, f, 1, row.value.id);
	bool same = sam_conn_row(c->conn, f) && sam_requests_read(f, &found) &&
		    memcmp(found.mac, row.mac, sizeof row.mac) == 0;
	sqlite3_reset(f);
	sam_requests_bytes(&r, &row);
	*reason = count_row(c, "requests", &r, row.mac);
	return same;
}

static bool take_deposit(struct scan *c, sqlite3_stmt *s, enum sam_reason *reason)
{
	struct sam_deposit_row d, found;
	struct sam_rowmac r;
	if (!sam_deposits_read(s, &d))
		return false;
	sqlite3_stmt *f = sam_conn_get(c->conn, SAM_SQL_DEPOSIT_FIND);
	sam_conn_bind_text(c->conn, f, 1, d.credential);
	sam_conn_bind_int(c->conn, f, 2, d.activation);
	bool same = sam_conn_row(c->conn, f) && sam_deposits_read(f, &found) && found.activation == d.activation;
	sqlite3_reset(f);
	sam_deposits_bytes(&r, &d);
	*reason = count_row(c, "deposits", &r, d.mac);
	return same;
}

static enum sam_reason check_schema(struct scan *c, const struct sam_head *head)
{
	uint8_t digest[32];
	enum sam_reason reason = sam_schema_digest(c->conn, digest);
	if (reason == SAM_OK && !sam_mem_equal(digest, head->schema, sizeof digest))
		reason = tampered(c, "schema",
				  "tables, indexes or triggers are not those that were made");
	return reason;
}

static enum sam_reason check_audit_end(struct scan *c, const struct sam_head *head)
{
	int64_t seq = 0, time_us = 0;
	uint8_t hash[32] = {0};
	sqlite3_stmt *s = sam_conn_get(c->conn, SAM_SQL_AUDIT_LAST);
	bool there = sam_conn_row(c->conn, s);
	bool whole =
		!there || (sam_conn_column_int(s, 0, &seq) && sam_conn_column_int(s, 1, &time_us) &&
			   sam_conn_column_fixed(s, 2, hash, sizeof hash));
	sqlite3_reset(s);
	if (c->conn->broken != SAM_OK)
		return c->conn->broken;
	if (!whole || (uint64_t)seq != head->public.audit_seq || time_us != head->audit_time ||
	    !sam_mem_equal(hash, head->public.audit_hash, sizeof hash))
		return tampered(c, "audit", "the newest record is not the one that the head names");
	return SAM_OK;
}

static const struct table tables[] = {
	{"activations", SAM_SQL_ACTIVATION_LIST, take_activation},
	{"uses", SAM_SQL_USE_LIST, take_use},
	{"tokens", SAM_SQL_TOKEN_LIST, take_token},
	{"counters", SAM_SQL_COUNTER_LIST, take_counter},
	{"checkpoints", SAM_SQL_CHECKPOINT_LIST, take_checkpoint},
	{"requests", SAM_SQL_REQUEST_LIST, take_request},
	{"deposits", SAM_SQL_DEPOSIT_LIST, take_deposit},
};

/* A use whose SAD is not there was put back after its sweeping. */
static enum sam_reason check_orphans(struct scan *c)
{
	int64_t orphans = sam_conn_number(c->conn, SAM_SQL_USE_ORPHAN);
	if (c->conn->broken != SAM_OK)
		return c->conn->broken;
	return orphans == 0 ? SAM_OK : tampered(c, "uses", "a row belongs to no activation");
}

static enum sam_reason check_rows(struct scan *c, const struct sam_head *head)
{
	const struct sam_sum *const sums[] = {&head->activations, &head->uses, &head->tokens,
					      &head->counters, &head->checkpoints,
					      &head->requests, &head->deposits};
	enum sam_reason reason = check_schema(c, head);
	for (unsigned i = 0; reason == SAM_OK && i < sizeof tables / sizeof *tables; i++)
		reason = check_table(c, &tables[i], sums[i]);
	if (reason == SAM_OK)
		reason = check_orphans(c);
	return reason == SAM_OK ? check_audit_end(c, head) : reason;
}

enum sam_reason sam_check_schema(struct sam_conn *conn, const struct sam_head *head, struct sam_msg *msg)
{
	struct scan c = {.conn = conn, .msg = msg};
	return check_schema(&c, head);
}

enum sam_reason sam_check_forbidding(struct sam_conn *conn, const struct sam_seal *seal,
				     const struct sam_head *head, struct sam_msg *msg)
{
	struct scan c = {.conn = conn, .seal = seal, .msg = msg};
	return check_rows(&c, head);
}

/* SQLite's own look at its trees and pages. */
static enum sam_reason check_file(struct scan *c)
{
	const char *answer = NULL;
	sqlite3_stmt *s = sam_conn_prepare(c->conn, "PRAGMA integrity_check(1)");
	bool ok = sam_conn_row(c->conn, s) && sam_conn_column_text(s, 0, &answer, false) &&
		  strcmp(answer, "ok") == 0;
	sqlite3_finalize(s);
	if (c->conn->broken != SAM_OK)
		return c->conn->broken;
	return ok ? SAM_OK : tampered(c, "file", "SQLite finds it damaged");
}

enum sam_reason sam_check_all(struct sam_conn *conn, const struct sam_seal *seal, const struct sam_head *head,
			      struct sam_msg *msg)
{
	struct sam_sum grants;
	struct scan c = {.conn = conn, .seal = seal, .msg = msg, .each_mac = true};
	enum sam_reason reason = check_rows(&c, head);
	if (reason == SAM_OK)
		reason = sam_grants_scan(conn, seal, NULL, NULL, &grants);
	if (reason == SAM_OK && !sam_rowmac_same(&grants, &head->grants))
		reason = tampered(&c, "grants", "the rows are not those of the head");
	return reason == SAM_OK ? check_file(&c) : reason;
}

enum sam_reason sam_store_check(struct sam_store *store, struct sam_msg *msg)
{
	struct sam_conn *conn;
	struct sam_head head;
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason = sam_store_begin_scan(store, &conn, &head);
	if (reason == SAM_OK)
		reason = sam_check_all(conn, store->seal, &head, msg);
	sam_store_end_scan(conn);
	if (reason != SAM_OK && msg && !msg->text[0])
		sam_msg_set(msg, "%s", sam_reason_text(reason));
	return reason;
}
