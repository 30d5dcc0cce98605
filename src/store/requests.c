/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests: who asked for which signature without an activation, and what became of it. A request grants nothing;
 * it is kept, so that it survives a crash of whoever waits, and bounded, so that nobody fills the store with them.
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/mem.h"

static bool read_text(sqlite3_stmt *s, int at, char *out, size_t size)
{
	const char *text;
	return sam_conn_column_text(s, at, &text, false) && sam_mem_copy_text(out, size, text);
}

static bool read_digest(sqlite3_stmt *s, int at, struct sam_request *out)
{
	const uint8_t *data;
	if (!sam_conn_column_blob(s, at, &data, &out->dtbsr_len) || out->dtbsr_len < 1 ||
	    out->dtbsr_len > sizeof out->dtbsr)
		return false;
	memcpy(out->dtbsr, data, out->dtbsr_len);
	return true;
}

bool sam_requests_read(sqlite3_stmt *s, struct sam_request_row *out)
{
	struct sam_request *v = &out->value;
	int64_t state;
	memset(out, 0, sizeof *out);
	if (!sam_conn_column_int(s, 1, &state) || state < SAM_REQUEST_STATE_OPEN || state > SAM_REQUEST_STATE_EXPIRED)
		return false;
	v->state = (enum sam_request_state)state;
	return read_text(s, 0, v->id, sizeof v->id) && read_text(s, 2, v->credential, sizeof v->credential) &&
	       sam_conn_column_fixed(s, 3, v->thumbprint, sizeof v->thumbprint) &&
	       read_text(s, 4, v->signer, sizeof v->signer) && read_text(s, 5, v->principal, sizeof v->principal) &&
	       read_text(s, 6, v->mechanism, sizeof v->mechanism) && read_text(s, 7, v->hash_oid, sizeof v->hash_oid) &&
	       read_digest(s, 8, v) && read_text(s, 9, v->application, sizeof v->application) &&
	       sam_conn_column_int(s, 10, &v->uid) && read_text(s, 11, v->label, sizeof v->label) &&
	       sam_conn_column_int(s, 12, &v->created) && sam_conn_column_int(s, 13, &v->expires) &&
	       sam_conn_column_fixed(s, 14, out->mac, sizeof out->mac);
}

void sam_requests_bytes(struct sam_rowmac *r, const struct sam_request_row *row)
{
	const struct sam_request *v = &row->value;
	sam_rowmac_start(r, "requests");
	sam_rowmac_text(r, v->id);
	sam_rowmac_int(r, v->state);
	sam_rowmac_text(r, v->credential);
	sam_rowmac_blob(r, v->thumbprint, sizeof v->thumbprint);
	sam_rowmac_text(r, v->signer);
	sam_rowmac_text(r, v->principal);
	sam_rowmac_text(r, v->mechanism);
	sam_rowmac_text(r, v->hash_oid);
	sam_rowmac_blob(r, v->dtbsr, v->dtbsr_len);
	sam_rowmac_text(r, v->application);
	sam_rowmac_int(r, v->uid);
	sam_rowmac_text(r, v->label);
	sam_rowmac_int(r, v->created);
	sam_rowmac_int(r, v->expires);
}

/* The row that ${s} stands on, checked. */
static enum sam_reason take_row(const struct sam_seal *seal, sqlite3_stmt *s, struct sam_request_row *out)
{
	struct sam_rowmac r;
	if (!sam_requests_read(s, out))
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a request's row is not whole");
	sam_requests_bytes(&r, out);
	enum sam_reason reason = sam_rowmac_check(&r, seal, out->mac);
	sam_rowmac_end(&r);
	return reason;
}

static enum sam_reason find(struct sam_conn *conn, const struct sam_seal *seal, const char *id,
			    struct sam_request_row *out)
{
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_REQUEST_FIND);
	sam_conn_bind_text(conn, s, 1, id);
	enum sam_reason reason = SAM_NOT_FOUND;
	if (sam_conn_row(conn, s))
		reason = take_row(seal, s, out);
	sqlite3_reset(s);
	if (reason == SAM_OK && strcmp(out->value.id, id) != 0)
		reason = sam_log_reason(SAM_STORE_TAMPERED, "store: a request's row is another's");
	return conn->broken != SAM_OK ? conn->broken : reason;
}

static bool waits(const struct sam_request *v)
{
	return v->state == SAM_REQUEST_STATE_OPEN || v->state == SAM_REQUEST_STATE_APPROVED;
}

/* ---- in and out ---- */

static enum sam_reason put_in(struct sam_txn *txn, struct sam_request_row *row)
{
	struct sam_conn *conn = txn->conn;
	const struct sam_request *v = &row->value;
	struct sam_rowmac r;
	sam_requests_bytes(&r, row);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, row->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, row->mac, &txn->head.requests);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_REQUEST_ADD);
	sam_conn_bind_text(conn, s, 1, v->id);
	sam_conn_bind_int(conn, s, 2, v->state);
	sam_conn_bind_text(conn, s, 3, v->credential);
	sam_conn_bind_blob(conn, s, 4, v->thumbprint, sizeof v->thumbprint);
	sam_conn_bind_text(conn, s, 5, v->signer);
	sam_conn_bind_text(conn, s, 6, v->principal);
	sam_conn_bind_text(conn, s, 7, v->mechanism);
	sam_conn_bind_text(conn, s, 8, v->hash_oid);
	sam_conn_bind_blob(conn, s, 9, v->dtbsr, v->dtbsr_len);
	sam_conn_bind_text(conn, s, 10, v->application);
	sam_conn_bind_int(conn, s, 11, v->uid);
	sam_conn_bind_text(conn, s, 12, v->label);
	sam_conn_bind_int(conn, s, 13, v->created);
	sam_conn_bind_int(conn, s, 14, v->expires);
	sam_conn_bind_blob(conn, s, 15, row->mac, sizeof row->mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

/* ${row} was checked when it was read. */
static enum sam_reason take_out(struct sam_txn *txn, const struct sam_request_row *row)
{
	struct sam_rowmac r;
	sam_requests_bytes(&r, row);
	enum sam_reason reason = sam_rowmac_take(&r, txn->store->seal, row->mac, &txn->head.requests);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_REQUEST_DELETE);
	sam_conn_bind_text(txn->conn, s, 1, row->value.id);
	return sam_conn_done(txn->conn, s) ? SAM_OK : txn->conn->broken;
}

static enum sam_reason set_state(struct sam_txn *txn, struct sam_request_row *row, enum sam_request_state state)
{
	enum sam_reason reason = take_out(txn, row);
	row->value.state = state;
	return reason == SAM_OK ? put_in(txn, row) : reason;
}

/* Some of those that ${is} names, oldest first: ${arg} is what it goes by. A table is not changed while it is read. */
enum { SOME = 64 };
typedef bool is_meant(const struct sam_request *request, const void *arg);

static enum sam_reason remove_some(struct sam_txn *txn, is_meant *is, const void *arg, unsigned *removed)
{
	struct sam_request_row row;
	char ids[SOME][SAM_REQUEST_ID_SIZE];
	unsigned count = 0;
	enum sam_reason reason = SAM_OK;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_REQUEST_LIST);
	while (reason == SAM_OK && count < SOME && sam_conn_row(txn->conn, s)) {
		reason = take_row(txn->store->seal, s, &row);
		if (reason == SAM_OK && is(&row.value, arg))
			memcpy(ids[count++], row.value.id, sizeof row.value.id);
	}
	sqlite3_reset(s);
	if (txn->conn->broken != SAM_OK)
		return txn->conn->broken;
	for (unsigned i = 0; reason == SAM_OK && i < count; i++) {
		reason = find(txn->conn, txn->store->seal, ids[i], &row);
		if (reason == SAM_OK)
			reason = take_out(txn, &row);
	}
	*removed = count;
	return reason;
}

static bool is_over(const struct sam_request *request, const void *before)
{
	return !waits(request) && request->expires < *(const int64_t *)before;
}

static bool is_settled(const struct sam_request *request, const void *arg)
{
	(void)arg;
	return !waits(request);
}

static bool is_ended(const struct sam_request *request, const void *arg)
{
	const struct sam_end *end = arg;
	return (end->signer && strcmp(request->signer, end->signer) == 0) ||
	       (end->credential && strcmp(request->credential, end->credential) == 0);
}

enum sam_reason sam_requests_sweep(struct sam_txn *txn, int64_t before)
{
	unsigned removed;
	return txn->head.requests.count ? remove_some(txn, is_over, &before, &removed) : SAM_OK;
}

enum sam_reason sam_requests_end(struct sam_txn *txn, const struct sam_end *end)
{
	unsigned removed = txn->head.requests.count ? SOME : 0;
	enum sam_reason reason = SAM_OK;
	while (reason == SAM_OK && removed == SOME)
		reason = remove_some(txn, is_ended, end, &removed);
	return reason;
}

/* ---- asked ---- */

struct put {
	struct sam_request *request;
	unsigned max;
	int64_t now;
	const struct sam_record *record;
};

static bool is_same(const struct sam_request *a, const struct sam_request *b)
{
	return strcmp(a->principal, b->principal) == 0 && strcmp(a->credential, b->credential) == 0 &&
	       strcmp(a->mechanism, b->mechanism) == 0 && strcmp(a->hash_oid, b->hash_oid) == 0 &&
	       a->dtbsr_len == b->dtbsr_len && memcmp(a->dtbsr, b->dtbsr, a->dtbsr_len) == 0;
}

/* What is there already: the same one, or how many of the same principal, key, and both, wait. */
struct there {
	bool same;
	struct sam_request found;
	unsigned principals, keys, both;
};

static enum sam_reason look(struct sam_conn *conn, const struct sam_seal *seal, const struct sam_request *like,
			    int64_t now, struct there *out)
{
	struct sam_request_row row;
	enum sam_reason reason = SAM_OK;
	memset(out, 0, sizeof *out);
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_REQUEST_LIST);
	while (reason == SAM_OK && sam_conn_row(conn, s)) {
		reason = take_row(seal, s, &row);
		if (reason != SAM_OK || !waits(&row.value))
			continue;
		const bool principal = strcmp(row.value.principal, like->principal) == 0;
		const bool key = strcmp(row.value.credential, like->credential) == 0;
		out->principals += principal;
		out->keys += key;
		out->both += principal && key;
		if (row.value.expires > now && is_same(&row.value, like)) {
			out->same = true;
			out->found = row.value;
		}
	}
	sqlite3_reset(s);
	return conn->broken != SAM_OK ? conn->broken : reason;
}

/* Settled ones are there to be shown, as long as there is room. */
static enum sam_reason make_room(struct sam_txn *txn)
{
	unsigned removed = 1;
	enum sam_reason reason = SAM_OK;
	while (reason == SAM_OK && removed && txn->head.requests.count >= SAM_REQUESTS_MAX)
		reason = remove_some(txn, is_settled, NULL, &removed);
	return reason == SAM_OK && txn->head.requests.count >= SAM_REQUESTS_MAX ? SAM_REQUESTS_FULL : reason;
}

static enum sam_reason put(struct sam_txn *txn, void *arg)
{
	struct put *in = arg;
	struct there there;
	enum sam_reason reason = look(txn->conn, txn->store->seal, in->request, in->now, &there);
	if (reason == SAM_OK && there.same) {
		*in->request = there.found;
		return SAM_OK;
	}
	/* one of each principal for a key is let in: nobody keeps others from a key that they share */
	if (reason == SAM_OK && (there.principals >= in->max || (there.keys >= in->max && there.both)))
		reason = SAM_REQUESTS_FULL;
	if (reason == SAM_OK)
		reason = make_room(txn);
	struct sam_request_row row = {.value = *in->request}, other;
	row.value.state = SAM_REQUEST_STATE_OPEN;
	if (reason == SAM_OK && (reason = find(txn->conn, txn->store->seal, row.value.id, &other)) == SAM_OK)
		reason = SAM_EXISTS;
	else if (reason == SAM_NOT_FOUND)
		reason = SAM_OK;
	if (reason == SAM_OK)
		reason = put_in(txn, &row);
	if (reason == SAM_OK)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && in->now > txn->head.public.latest_time)
		txn->head.public.latest_time = in->now;
	return reason;
}

enum sam_reason sam_store_request_put(struct sam_store *store, struct sam_request *request, unsigned max, int64_t now,
				      const struct sam_record *record)
{
	if (strlen(request->id) != SAM_REQUEST_ID_SIZE - 1 || request->dtbsr_len < 1 ||
	    request->dtbsr_len > sizeof request->dtbsr)
		return sam_log_reason(SAM_ARGUMENTS, "store: a request that cannot be kept");
	struct put in = {request, max, now, record};
	struct sam_op op = {.run = put, .arg = &in, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}

/* ---- read ---- */

enum sam_reason sam_store_request_find(struct sam_store *store, const char *id, struct sam_request *out)
{
	struct sam_head head;
	struct sam_request_row row;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	reason = find(store->reader, store->seal, id, &row);
	sam_store_end_read(store);
	if (reason == SAM_OK)
		*out = row.value;
	return reason;
}

enum sam_reason sam_store_request_of(struct sam_store *store, const struct sam_request *like, int64_t now,
				     struct sam_request *out)
{
	struct sam_head head;
	struct there there;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	reason = look(store->reader, store->seal, like, now, &there);
	sam_store_end_read(store);
	if (reason == SAM_OK && !there.same)
		reason = SAM_NOT_FOUND;
	if (reason == SAM_OK)
		*out = there.found;
	return reason;
}

enum sam_reason sam_store_requests(struct sam_store *store, sam_store_each_request *each, void *arg)
{
	struct sam_conn *conn;
	struct sam_head head;
	struct sam_request_row row;
	enum sam_reason reason = sam_store_begin_scan(store, &conn, &head);
	sqlite3_stmt *s = reason == SAM_OK ? sam_conn_get(conn, SAM_SQL_REQUEST_LIST) : NULL;
	while (reason == SAM_OK && sam_conn_row(conn, s)) {
		reason = take_row(store->seal, s, &row);
		if (reason == SAM_OK)
			reason = each(arg, &row.value);
	}
	if (s)
		sqlite3_reset(s);
	if (reason == SAM_OK && conn->broken != SAM_OK)
		reason = conn->broken;
	sam_store_end_scan(conn);
	return reason;
}

/* ---- settled ---- */

enum sam_reason sam_requests_approve(struct sam_txn *txn, const char *id, const char *credential, int64_t now)
{
	struct sam_request_row row;
	enum sam_reason reason = find(txn->conn, txn->store->seal, id, &row);
	if (reason == SAM_OK && !waits(&row.value))
		reason = SAM_REQUEST_SETTLED;
	if (reason == SAM_OK && row.value.expires <= now)
		reason = SAM_REQUEST_EXPIRED;
	if (reason == SAM_OK && strcmp(row.value.credential, credential) != 0)
		reason = SAM_KEY_NOT_AUTHORISED;
	return reason == SAM_OK ? set_state(txn, &row, SAM_REQUEST_STATE_APPROVED) : reason;
}

enum sam_reason sam_requests_use(struct sam_txn *txn, const char *id)
{
	struct sam_request_row row;
	enum sam_reason reason = find(txn->conn, txn->store->seal, id, &row);
	if (reason == SAM_NOT_FOUND)
		return SAM_OK;
	if (reason == SAM_OK && row.value.state == SAM_REQUEST_STATE_REJECTED)
		return SAM_REQUEST_REJECTED;
	return reason == SAM_OK && waits(&row.value) ? set_state(txn, &row, SAM_REQUEST_STATE_USED) : reason;
}

struct settle {
	const char *id;
	enum sam_request_state state;
	int64_t now;
	const struct sam_record *record;
};

static enum sam_reason settle(struct sam_txn *txn, void *arg)
{
	const struct settle *in = arg;
	struct sam_request_row row;
	enum sam_reason reason = find(txn->conn, txn->store->seal, in->id, &row);
	if (reason == SAM_OK && (!waits(&row.value) ||
				 (in->state == SAM_REQUEST_STATE_EXPIRED && row.value.expires > in->now)))
		reason = SAM_REQUEST_SETTLED;
	if (reason == SAM_OK)
		reason = set_state(txn, &row, in->state);
	/* a no counts against every yes that was given before it */
	if (reason == SAM_OK && in->state == SAM_REQUEST_STATE_REJECTED)
		reason = sam_deposits_withdraw(txn, row.value.credential, row.value.dtbsr, row.value.dtbsr_len);
	return reason == SAM_OK ? sam_trail_append(txn, in->record) : reason;
}

enum sam_reason sam_store_request_settle(struct sam_store *store, const char *id, enum sam_request_state state,
					 int64_t now, const struct sam_record *record)
{
	if (state != SAM_REQUEST_STATE_REJECTED && state != SAM_REQUEST_STATE_EXPIRED)
		return sam_log_reason(SAM_ARGUMENTS, "store: a request is settled otherwise");
	struct settle in = {id, state, now, record};
	struct sam_op op = {.run = settle, .arg = &in, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}
