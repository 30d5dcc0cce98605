/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Activations and uses: what a SAD was and what of it is taken. A use row is the consumption; there
 * is no state in it that could be set back (invariant 3).
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/mem.h"

bool sam_uses_read_activation(sqlite3_stmt *s, struct sam_activation *out)
{
	return sam_conn_column_int(s, 0, &out->id) &&
	       sam_conn_column_fixed(s, 1, out->identity, sizeof out->identity) &&
	       sam_conn_column_fixed(s, 2, out->payload, sizeof out->payload) &&
	       sam_conn_column_int(s, 3, &out->exp) && sam_conn_column_int(s, 4, &out->limit) &&
	       sam_conn_column_fixed(s, 5, out->mac, sizeof out->mac);
}

bool sam_uses_read_use(sqlite3_stmt *s, struct sam_use *out)
{
	const uint8_t *digest;
	if (!sam_conn_column_int(s, 0, &out->activation) ||
	    !sam_conn_column_blob(s, 1, &digest, &out->len) || out->len < 1 ||
	    out->len > sizeof out->digest)
		return false;
	memcpy(out->digest, digest, out->len);
	return sam_conn_column_fixed(s, 2, out->mac, sizeof out->mac);
}

void sam_uses_bytes_activation(struct sam_rowmac *r, const struct sam_activation *a)
{
	sam_rowmac_start(r, "activations");
	sam_rowmac_int(r, a->id);
	sam_rowmac_blob(r, a->identity, sizeof a->identity);
	sam_rowmac_blob(r, a->payload, sizeof a->payload);
	sam_rowmac_int(r, a->exp);
	sam_rowmac_int(r, a->limit);
}

void sam_uses_bytes_use(struct sam_rowmac *r, const struct sam_use *u)
{
	sam_rowmac_start(r, "uses");
	sam_rowmac_int(r, u->activation);
	sam_rowmac_blob(r, u->digest, u->len);
}

static enum sam_reason identity(const struct sam_seal *seal, const struct sam_claim *claim,
				uint8_t out[SAM_SEAL_MAC])
{
	struct sam_rowmac r;
	sam_rowmac_start(&r, "identity of a SAD");
	sam_rowmac_text(&r, claim->iss);
	sam_rowmac_text(&r, claim->jti);
	enum sam_reason reason = sam_rowmac_make(&r, seal, SAM_SEAL_LOOKUP, out);
	sam_rowmac_end(&r);
	return reason;
}

static enum sam_reason check_activation(const struct sam_seal *seal, const struct sam_activation *a)
{
	struct sam_rowmac r;
	sam_uses_bytes_activation(&r, a);
	enum sam_reason reason = sam_rowmac_check(&r, seal, a->mac);
	sam_rowmac_end(&r);
	return reason;
}

static enum sam_reason check_use(const struct sam_seal *seal, const struct sam_use *u)
{
	struct sam_rowmac r;
	sam_uses_bytes_use(&r, u);
	enum sam_reason reason = sam_rowmac_check(&r, seal, u->mac);
	sam_rowmac_end(&r);
	return reason;
}

enum sam_reason sam_uses_find(struct sam_conn *conn, const struct sam_seal *seal,
			      const struct sam_head *head, const struct sam_claim *claim,
			      int64_t now, struct sam_activation *out, bool *found)
{
	int64_t latest = now > head->public.latest_time ? now : head->public.latest_time;
	*found = false;
	if (!claim->iss || !claim->jti)
		return sam_log_reason(SAM_ARGUMENTS, "store: a claim without iss or jti");
	/* whatever the clock says now: what was too late once stays too late */
	if (claim->exp <= latest || claim->exp <= head->public.swept_until)
		return SAM_SAD_EXPIRED;
	/* what the restored store has forgotten of it, nobody can know */
	if (claim->iat <= head->public.not_before)
		return SAM_SAD_EPOCH;
	*out = (struct sam_activation){.exp = claim->exp, .limit = claim->limit};
	memcpy(out->payload, claim->payload, sizeof out->payload);
	enum sam_reason reason = identity(seal, claim, out->identity);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_ACTIVATION_FIND);
	sam_conn_bind_blob(conn, s, 1, out->identity, sizeof out->identity);
	*found = sam_conn_row(conn, s);
	if (!*found)
		return conn->broken;
	uint8_t asked[SAM_SEAL_MAC];
	memcpy(asked, out->identity, sizeof asked);
	bool whole = sam_uses_read_activation(s, out) && sam_mem_equal(asked, out->identity, sizeof asked);
	sqlite3_reset(s);
	reason = whole ? check_activation(seal, out)
		       : sam_log_reason(SAM_STORE_TAMPERED,
					"store: an activation's row is not whole");
	if (reason == SAM_OK && !sam_mem_equal(out->payload, claim->payload, sizeof out->payload))
		reason = SAM_SAD_REUSED_ID;
	if (reason == SAM_OK && out->limit < 0) /* sam_store_revoke() */
		reason = SAM_SAD_REVOKED;
	return reason;
}

enum sam_reason sam_uses_write(struct sam_txn *txn, struct sam_activation *a)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	sam_uses_bytes_activation(&r, a);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, a->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, a->mac, &txn->head.activations);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_ACTIVATION_ADD);
	sam_conn_bind_int(conn, s, 1, a->id);
	sam_conn_bind_blob(conn, s, 2, a->identity, sizeof a->identity);
	sam_conn_bind_blob(conn, s, 3, a->payload, sizeof a->payload);
	sam_conn_bind_int(conn, s, 4, a->exp);
	sam_conn_bind_int(conn, s, 5, a->limit);
	sam_conn_bind_blob(conn, s, 6, a->mac, sizeof a->mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

enum sam_reason sam_uses_add(struct sam_txn *txn, struct sam_activation *a)
{
	a->id = txn->head.next_activation++;
	enum sam_reason reason = sam_uses_write(txn, a);
	if (reason == SAM_OK)
		txn->store->chores.claimed++;
	return reason;
}

static sqlite3_stmt *use_statement(struct sam_conn *conn, enum sam_statement which,
				   const struct sam_use *u)
{
	sqlite3_stmt *s = sam_conn_get(conn, which);
	sam_conn_bind_int(conn, s, 1, u->activation);
	sam_conn_bind_blob(conn, s, 2, u->digest, u->len);
	return s;
}

/* ${u} says which; gets its MAC. */
static enum sam_reason find_use(struct sam_txn *txn, struct sam_use *u, bool *found)
{
	struct sam_use row;
	sqlite3_stmt *s = use_statement(txn->conn, SAM_SQL_USE_FIND, u);
	*found = sam_conn_row(txn->conn, s);
	if (!*found)
		return txn->conn->broken;
	bool whole = sam_uses_read_use(s, &row) && row.activation == u->activation &&
		     row.len == u->len && memcmp(row.digest, u->digest, u->len) == 0;
	sqlite3_reset(s);
	if (!whole)
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a use's row is not whole");
	*u = row;
	return check_use(txn->store->seal, u);
}

static enum sam_reason add_use(struct sam_txn *txn, struct sam_use *u)
{
	struct sam_rowmac r;
	sam_uses_bytes_use(&r, u);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, u->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, u->mac, &txn->head.uses);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = use_statement(txn->conn, SAM_SQL_USE_ADD, u);
	sam_conn_bind_blob(txn->conn, s, 3, u->mac, sizeof u->mac);
	return sam_conn_done(txn->conn, s) ? SAM_OK : txn->conn->broken;
}

enum sam_reason sam_uses_spend(struct sam_txn *txn, int64_t activation, const uint8_t *digest, size_t len)
{
	struct sam_use u = {.activation = activation, .len = len};
	memcpy(u.digest, digest, len);
	return add_use(txn, &u);
}

enum sam_reason sam_uses_remove(struct sam_txn *txn, const struct sam_use *u)
{
	struct sam_rowmac r;
	sam_uses_bytes_use(&r, u);
	enum sam_reason reason = sam_rowmac_check(&r, txn->store->seal, u->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_take(&r, txn->store->seal, u->mac, &txn->head.uses);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	return sam_conn_done(txn->conn, use_statement(txn->conn, SAM_SQL_USE_DELETE, u))
		       ? SAM_OK
		       : txn->conn->broken;
}

/* ---- reserve ---- */

static enum sam_reason count_left(struct sam_txn *txn, const struct sam_activation *a)
{
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_USE_COUNT);
	int64_t used = 0;
	sam_conn_bind_int(txn->conn, s, 1, a->id);
	bool counted = sam_conn_row(txn->conn, s) && sam_conn_column_int(s, 0, &used);
	sqlite3_reset(s);
	if (!counted)
		return txn->conn->broken != SAM_OK ? txn->conn->broken : SAM_STORE_FAILED;
	return used < a->limit ? SAM_OK : SAM_COUNT_USED;
}

/* invariant 3: looked up and taken in one transaction, under the one write lock. */
enum sam_reason sam_uses_take(struct sam_txn *txn, const struct sam_claim *claim, const uint8_t *digest,
			      size_t len, int64_t now, int64_t *activation)
{
	struct sam_activation a;
	bool found, used = false;
	enum sam_reason reason =
		sam_uses_find(txn->conn, txn->store->seal, &txn->head, claim, now, &a, &found);
	if (reason != SAM_OK)
		return reason;
	struct sam_use u = {.activation = a.id, .len = len};
	memcpy(u.digest, digest, len);
	if (found)
		reason = find_use(txn, &u, &used);
	if (reason == SAM_OK && used)
		reason = SAM_DIGEST_USED;
	if (reason == SAM_OK && found && a.limit != 0)
		reason = count_left(txn, &a);
	if (reason == SAM_OK && !found)
		reason = sam_uses_add(txn, &a);
	if (reason != SAM_OK)
		return reason;
	if (now > txn->head.public.latest_time)
		txn->head.public.latest_time = now;
	u.activation = *activation = a.id;
	return add_use(txn, &u);
}

struct reserve {
	const struct sam_claim *claim;
	int64_t now;
	struct sam_reservation *out;
};

static enum sam_reason reserve(struct sam_txn *txn, void *arg)
{
	const struct reserve *in = arg;
	return sam_uses_take(txn, in->claim, in->out->digest, in->out->digest_len, in->now, &in->out->activation);
}

enum sam_reason sam_store_reserve(struct sam_store *store, const struct sam_claim *claim,
				  const uint8_t *digest, size_t len, int64_t now,
				  struct sam_reservation *out)
{
	memset(out, 0, sizeof *out);
	if (!digest || len < 1 || len > sizeof out->digest)
		return sam_log_reason(SAM_ARGUMENTS, "store: a digest of %zu bytes", len);
	memcpy(out->digest, digest, len);
	out->digest_len = len;
	struct reserve in = {claim, now, out};
	struct sam_op op = {.run = reserve, .arg = &in};
	return sam_queue_run(store, &op);
}

/* ---- commit and give back ---- */

struct outcome {
	const struct sam_reservation *reservation;
	const struct sam_record *record;
	bool give_back;
};

/* Who revokes is told that nothing is signed any more: also where the CM is at it. */
static enum sam_reason not_revoked(struct sam_txn *txn, int64_t activation)
{
	struct sam_activation a;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_ACTIVATION_LIST);
	sam_conn_bind_int(txn->conn, s, 1, activation);
	sam_conn_bind_int(txn->conn, s, 2, 1);
	bool there = sam_conn_row(txn->conn, s), whole = there && sam_uses_read_activation(s, &a) && a.id == activation;
	sqlite3_reset(s);
	if (txn->conn->broken != SAM_OK)
		return txn->conn->broken;
	enum sam_reason reason = whole ? check_activation(txn->store->seal, &a)
				       : sam_log_reason(SAM_STORE_TAMPERED, "store: a use's activation is gone");
	return reason == SAM_OK && a.limit < 0 ? SAM_SAD_REVOKED : reason;
}

/* invariant 4: the consumption and its record in one durable transaction. */
static enum sam_reason settle(struct sam_txn *txn, void *arg)
{
	const struct outcome *in = arg;
	struct sam_use u = {.activation = in->reservation->activation,
			    .len = in->reservation->digest_len};
	bool found;
	memcpy(u.digest, in->reservation->digest, u.len);
	enum sam_reason reason = find_use(txn, &u, &found);
	if (reason == SAM_OK && !found)
		reason = sam_log_reason(SAM_STORE_TAMPERED, "store: a reservation is gone");
	if (reason == SAM_OK && !in->give_back)
		reason = not_revoked(txn, u.activation);
	if (reason == SAM_OK)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && in->give_back)
		reason = sam_uses_remove(txn, &u);
	else if (reason == SAM_OK)
		reason = sam_deposits_used(txn, u.activation);
	if (reason == SAM_OK && in->give_back && in->reservation->number)
		reason = sam_renew_undo(txn, in->reservation);
	if (reason == SAM_OK && !in->give_back && in->reservation->request[0])
		reason = sam_requests_use(txn, in->reservation->request);
	return reason;
}

static enum sam_reason run_settle(struct sam_store *store,
				  const struct sam_reservation *reservation,
				  const struct sam_record *record, bool give_back)
{
	if (reservation->digest_len < 1 || reservation->digest_len > sizeof reservation->digest)
		return sam_log_reason(SAM_ARGUMENTS, "store: no reservation");
	struct outcome in = {reservation, record, give_back};
	struct sam_op op = {.run = settle, .arg = &in, .durable = true,
			    .compound = (give_back && reservation->number) || reservation->request[0]};
	return sam_queue_run(store, &op);
}

enum sam_reason sam_store_commit(struct sam_store *store, const struct sam_reservation *reservation,
				 const struct sam_record *record)
{
	return run_settle(store, reservation, record, false);
}

enum sam_reason sam_store_give_back(struct sam_store *store,
				    const struct sam_reservation *reservation,
				    const struct sam_record *record)
{
	return run_settle(store, reservation, record, true);
}

enum sam_reason sam_store_known(struct sam_store *store, const struct sam_claim *claim, int64_t now)
{
	struct sam_head head;
	struct sam_activation a;
	bool found;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	reason = sam_uses_find(store->reader, store->seal, &head, claim, now, &a, &found);
	sam_store_end_read(store);
	return reason;
}
