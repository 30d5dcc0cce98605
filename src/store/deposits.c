/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Deposits: SADs that wait in the store for the signature that they are for. One row for each SAD, tied to its
 * activation: the body as a token's is kept, encrypted (invariant 8); of each digest the first bytes, to find it by.
 * What was found is looked at again, claim by claim, at the door. And SADs that are revoked: the activation's row
 * says so, for as long as the SAD would live.
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

static const char what[] = "p11-sam deposit";

bool sam_deposits_read(sqlite3_stmt *s, struct sam_deposit_row *out)
{
	return sam_conn_column_int(s, 0, &out->activation) && sam_conn_column_text(s, 1, &out->credential, false) &&
	       sam_conn_column_text(s, 2, &out->signer, false) &&
	       sam_conn_column_blob(s, 3, &out->tags, &out->tags_len) &&
	       sam_conn_column_blob(s, 4, &out->sealed, &out->len) &&
	       sam_conn_column_fixed(s, 5, out->mac, sizeof out->mac);
}

void sam_deposits_bytes(struct sam_rowmac *r, const struct sam_deposit_row *d)
{
	sam_rowmac_start(r, "deposits");
	sam_rowmac_int(r, d->activation);
	sam_rowmac_text(r, d->credential);
	sam_rowmac_text(r, d->signer);
	sam_rowmac_blob(r, d->tags, d->tags_len);
	sam_rowmac_blob(r, d->sealed, d->len);
}

/* The row that ${s} stands on, checked. */
static enum sam_reason take_row(const struct sam_seal *seal, sqlite3_stmt *s, struct sam_deposit_row *out)
{
	struct sam_rowmac r;
	if (!sam_deposits_read(s, out) || out->len < SAM_SEAL_OVERHEAD)
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a deposit's row is not whole");
	sam_deposits_bytes(&r, out);
	enum sam_reason reason = sam_rowmac_check(&r, seal, out->mac);
	sam_rowmac_end(&r);
	return reason;
}

static int64_t number(struct sam_conn *conn, sqlite3_stmt *s)
{
	int64_t value = 0;
	if (sam_conn_row(conn, s) && !sam_conn_column_int(s, 0, &value))
		conn->broken = SAM_STORE_TAMPERED;
	sqlite3_reset(s);
	return value;
}

static int64_t used_of(struct sam_conn *conn, int64_t activation)
{
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_USE_COUNT);
	sam_conn_bind_int(conn, s, 1, activation);
	return number(conn, s);
}

/* ---- out ---- */

enum sam_reason sam_deposits_remove(struct sam_txn *txn, int64_t activation)
{
	struct sam_conn *conn = txn->conn;
	struct sam_deposit_row d;
	struct sam_rowmac r;
	if (!txn->head.deposits.count)
		return SAM_OK;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_DEPOSIT_OF);
	sam_conn_bind_int(conn, s, 1, activation);
	if (!sam_conn_row(conn, s))
		return conn->broken;
	enum sam_reason reason = take_row(txn->store->seal, s, &d);
	if (reason == SAM_OK) {
		sam_deposits_bytes(&r, &d);
		reason = sam_rowmac_take(&r, txn->store->seal, d.mac, &txn->head.deposits);
		sam_rowmac_end(&r);
	}
	sqlite3_reset(s);
	if (reason != SAM_OK)
		return reason;
	s = sam_conn_get(conn, SAM_SQL_DEPOSIT_DELETE);
	sam_conn_bind_int(conn, s, 1, activation);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

enum sam_reason sam_deposits_used(struct sam_txn *txn, int64_t activation)
{
	struct sam_conn *conn = txn->conn;
	struct sam_deposit_row d;
	if (!txn->head.deposits.count)
		return SAM_OK;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_DEPOSIT_OF);
	sam_conn_bind_int(conn, s, 1, activation);
	if (!sam_conn_row(conn, s))
		return conn->broken;
	bool whole = sam_deposits_read(s, &d);
	size_t digests = whole ? d.tags_len / SAM_DEPOSIT_TAG : 0;
	sqlite3_reset(s);
	if (!whole)
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a deposit's row is not whole");
	int64_t used = used_of(conn, activation);
	if (conn->broken != SAM_OK)
		return conn->broken;
	return (uint64_t)used >= digests ? sam_deposits_remove(txn, activation) : SAM_OK;
}

/* One of them at a time: a table is not changed while it is read. */
static enum sam_reason find_ended(struct sam_txn *txn, const struct sam_end *end, int64_t *activation, bool *found)
{
	struct sam_deposit_row d;
	enum sam_reason reason = SAM_OK;
	*found = false;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_DEPOSIT_LIST);
	while (reason == SAM_OK && !*found && sam_conn_row(txn->conn, s)) {
		if (!sam_deposits_read(s, &d))
			reason = sam_log_reason(SAM_STORE_TAMPERED, "store: a deposit's row is not whole");
		else if ((end->signer && strcmp(d.signer, end->signer) == 0) ||
			 (end->credential && strcmp(d.credential, end->credential) == 0)) {
			*found = true;
			*activation = d.activation;
		}
	}
	sqlite3_reset(s);
	return reason == SAM_OK ? txn->conn->broken : reason;
}

enum sam_reason sam_deposits_end(struct sam_txn *txn, const struct sam_end *end)
{
	int64_t activation = 0;
	bool found = txn->head.deposits.count != 0;
	enum sam_reason reason = SAM_OK;
	while (reason == SAM_OK && found) {
		reason = find_ended(txn, end, &activation, &found);
		if (reason == SAM_OK && found)
			reason = sam_deposits_remove(txn, activation);
	}
	return reason;
}

/* ---- in ---- */

struct put {
	const struct sam_deposit *deposit;
	const char *request; /* or NULL */
	int64_t now;
	const struct sam_record *record;
};

static enum sam_reason seal_body(struct sam_txn *txn, const struct sam_deposit *in, struct sam_deposit_row *d,
				 uint8_t **sealed)
{
	d->len = in->len + SAM_SEAL_OVERHEAD;
	d->sealed = *sealed = malloc(d->len);
	return *sealed ? sam_seal_encrypt(txn->store->seal, what, in->body, in->len, *sealed)
		       : sam_log_reason(SAM_MEMORY, "store: a deposit");
}

static enum sam_reason insert(struct sam_txn *txn, struct sam_deposit_row *d)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	sam_deposits_bytes(&r, d);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, d->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, d->mac, &txn->head.deposits);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_DEPOSIT_ADD);
	sam_conn_bind_int(conn, s, 1, d->activation);
	sam_conn_bind_text(conn, s, 2, d->credential);
	sam_conn_bind_text(conn, s, 3, d->signer);
	sam_conn_bind_blob(conn, s, 4, d->tags, d->tags_len);
	sam_conn_bind_blob(conn, s, 5, d->sealed, d->len);
	sam_conn_bind_blob(conn, s, 6, d->mac, sizeof d->mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

static enum sam_reason keep(struct sam_txn *txn, const struct sam_deposit *in, int64_t activation)
{
	struct sam_deposit_row d = {.activation = activation, .credential = in->credential, .signer = in->signer};
	sam_auto(sam_free) uint8_t *sealed = NULL;
	sam_auto(sam_free) uint8_t *tags = malloc(in->count * SAM_DEPOSIT_TAG);
	if (!tags)
		return sam_log_reason(SAM_MEMORY, "store: a deposit");
	for (size_t i = 0; i < in->count; i++)
		memcpy(tags + i * SAM_DEPOSIT_TAG, in->digests + i * in->digest_len, SAM_DEPOSIT_TAG);
	d.tags = tags;
	d.tags_len = in->count * SAM_DEPOSIT_TAG;
	enum sam_reason reason = seal_body(txn, in, &d, &sealed);
	return reason == SAM_OK ? insert(txn, &d) : reason;
}

static enum sam_reason room(struct sam_txn *txn, const char *credential)
{
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_DEPOSIT_COUNT);
	sam_conn_bind_text(txn->conn, s, 1, credential);
	int64_t of_key = number(txn->conn, s);
	if (txn->conn->broken != SAM_OK)
		return txn->conn->broken;
	return txn->head.deposits.count < SAM_DEPOSITS_MAX && of_key < SAM_DEPOSITS_KEY_MAX ? SAM_OK : SAM_REQUESTS_FULL;
}

static bool is_there(struct sam_conn *conn, int64_t activation)
{
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_DEPOSIT_OF);
	sam_conn_bind_int(conn, s, 1, activation);
	bool there = sam_conn_row(conn, s);
	sqlite3_reset(s);
	return there;
}

static enum sam_reason put(struct sam_txn *txn, void *arg)
{
	const struct put *in = arg;
	struct sam_activation a;
	bool known;
	enum sam_reason reason = sam_uses_find(txn->conn, txn->store->seal, &txn->head, in->deposit->claim, in->now, &a,
					       &known);
	if (reason == SAM_OK && !known)
		reason = sam_uses_add(txn, &a);
	else if (reason == SAM_OK && (uint64_t)used_of(txn->conn, a.id) >= in->deposit->count)
		reason = SAM_DIGEST_USED;
	if (reason == SAM_OK && in->request)
		reason = sam_requests_approve(txn, in->request, in->deposit->credential, in->now);
	if (reason == SAM_OK && !is_there(txn->conn, a.id)) {
		reason = room(txn, in->deposit->credential);
		if (reason == SAM_OK)
			reason = keep(txn, in->deposit, a.id);
	}
	if (reason == SAM_OK && in->now > txn->head.public.latest_time)
		txn->head.public.latest_time = in->now;
	return reason == SAM_OK ? sam_trail_append(txn, in->record) : reason;
}

enum sam_reason sam_store_deposit_put(struct sam_store *store, const struct sam_deposit *deposit, const char *request,
				      int64_t now, const struct sam_record *record)
{
	if (!deposit->body || deposit->len > SAM_BODY_MAX || !deposit->count || deposit->digest_len < SAM_DEPOSIT_TAG ||
	    deposit->digest_len > SAM_DIGEST_MAX || deposit->count > P11_SAM_SAD_DIGESTS_MAX)
		return sam_log_reason(SAM_ARGUMENTS, "store: a deposit that cannot be kept");
	struct put in = {deposit, request, now, record};
	struct sam_op op = {.run = put, .arg = &in, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}

/* ---- found ---- */

/* Copies, so that whoever looks at them can use the store. */
struct found {
	struct sam_secret body[8];
	size_t count;
};

static bool names(const struct sam_deposit_row *d, const uint8_t *digest)
{
	for (size_t at = 0; at + SAM_DEPOSIT_TAG <= d->tags_len; at += SAM_DEPOSIT_TAG)
		if (memcmp(d->tags + at, digest, SAM_DEPOSIT_TAG) == 0)
			return true;
	return false;
}

static bool is_used(struct sam_conn *conn, int64_t activation, const uint8_t *digest, size_t len)
{
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_USE_FIND);
	sam_conn_bind_int(conn, s, 1, activation);
	sam_conn_bind_blob(conn, s, 2, digest, len);
	bool used = sam_conn_row(conn, s);
	sqlite3_reset(s);
	return used;
}

/* The first one behind ${after} that would serve; 0: none. A table is not changed while it is read. */
static enum sam_reason find_serving(struct sam_txn *txn, const char *credential, const uint8_t *digest, size_t len,
				    int64_t after, int64_t *activation)
{
	struct sam_deposit_row d;
	enum sam_reason reason = SAM_OK;
	*activation = 0;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_DEPOSIT_FIND);
	sam_conn_bind_text(txn->conn, s, 1, credential);
	sam_conn_bind_int(txn->conn, s, 2, after + 1);
	while (reason == SAM_OK && !*activation && sam_conn_row(txn->conn, s)) {
		reason = take_row(txn->store->seal, s, &d);
		if (reason == SAM_OK && names(&d, digest) && !is_used(txn->conn, d.activation, digest, len))
			*activation = d.activation;
	}
	sqlite3_reset(s);
	return reason == SAM_OK ? txn->conn->broken : reason;
}

enum sam_reason sam_deposits_withdraw(struct sam_txn *txn, const char *credential, const uint8_t *digest, size_t len)
{
	int64_t activation = 0;
	enum sam_reason reason = SAM_OK;
	if (!txn->head.deposits.count || len < SAM_DEPOSIT_TAG)
		return SAM_OK;
	do {
		reason = find_serving(txn, credential, digest, len, activation, &activation);
		if (reason == SAM_OK && activation)
			reason = sam_uses_spend(txn, activation, digest, len);
		if (reason == SAM_OK && activation)
			reason = sam_deposits_used(txn, activation);
	} while (reason == SAM_OK && activation);
	return reason;
}

static enum sam_reason copy(const struct sam_seal *seal, const struct sam_deposit_row *d, struct found *out)
{
	struct sam_secret *body = &out->body[out->count++];
	body->len = d->len - SAM_SEAL_OVERHEAD;
	body->data = calloc(1, body->len + 1);
	return body->data ? sam_seal_decrypt(seal, what, d->sealed, d->len, body->data)
			  : sam_log_reason(SAM_MEMORY, "store: a deposit");
}

static enum sam_reason collect(struct sam_conn *conn, const struct sam_seal *seal, const char *credential,
			       const uint8_t *digest, size_t len, struct found *out)
{
	struct sam_deposit_row d;
	enum sam_reason reason = SAM_OK;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_DEPOSIT_FIND);
	sam_conn_bind_text(conn, s, 1, credential);
	sam_conn_bind_int(conn, s, 2, INT64_MIN);
	while (reason == SAM_OK && out->count < sizeof out->body / sizeof *out->body && sam_conn_row(conn, s)) {
		if (!sam_deposits_read(s, &d))
			reason = sam_log_reason(SAM_STORE_TAMPERED, "store: a deposit's row is not whole");
		else if (names(&d, digest) && !is_used(conn, d.activation, digest, len)) {
			reason = take_row(seal, s, &d);
			if (reason == SAM_OK)
				reason = copy(seal, &d, out);
		}
	}
	sqlite3_reset(s);
	return reason == SAM_OK ? conn->broken : reason;
}

enum sam_reason sam_store_deposit_find(struct sam_store *store, const char *credential, const uint8_t *digest, size_t len,
				       sam_store_each_deposit *each, void *arg)
{
	struct sam_head head;
	struct found found = {.count = 0};
	if (len < SAM_DEPOSIT_TAG)
		return sam_log_reason(SAM_ARGUMENTS, "store: a digest of %zu bytes", len);
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	if (head.deposits.count)
		reason = collect(store->reader, store->seal, credential, digest, len, &found);
	sam_store_end_read(store);
	for (size_t i = 0; reason == SAM_OK && i < found.count; i++)
		reason = each(arg, found.body[i].data, found.body[i].len);
	for (size_t i = 0; i < found.count; i++)
		sam_secret_clear(&found.body[i]);
	return reason;
}

/* ---- revoked ---- */

enum { REVOKED = -1 }; /* as an activation's limit */

/* Uses, token and deposit stay tied to the row's id. */
static enum sam_reason mark_revoked(struct sam_txn *txn, struct sam_activation *a)
{
	struct sam_rowmac r;
	sam_uses_bytes_activation(&r, a);
	enum sam_reason reason = sam_rowmac_take(&r, txn->store->seal, a->mac, &txn->head.activations);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_ACTIVATION_DELETE);
	sam_conn_bind_int(txn->conn, s, 1, a->id);
	a->limit = REVOKED;
	return sam_conn_done(txn->conn, s) ? sam_uses_write(txn, a) : txn->conn->broken;
}

struct revoke {
	const struct sam_claim *claim;
	int64_t now;
	const struct sam_record *record;
};

static enum sam_reason revoke(struct sam_txn *txn, void *arg)
{
	const struct revoke *in = arg;
	struct sam_activation a;
	bool known;
	enum sam_reason reason = sam_uses_find(txn->conn, txn->store->seal, &txn->head, in->claim, in->now, &a, &known);
	if (reason == SAM_OK && known)
		reason = mark_revoked(txn, &a);
	else if (reason == SAM_OK) {
		a.limit = REVOKED;
		reason = sam_uses_add(txn, &a);
	}
	if (reason == SAM_OK)
		reason = sam_tokens_remove(txn, a.id);
	if (reason == SAM_OK)
		reason = sam_deposits_remove(txn, a.id);
	if (reason == SAM_OK && in->now > txn->head.public.latest_time)
		txn->head.public.latest_time = in->now;
	return reason == SAM_OK ? sam_trail_append(txn, in->record) : reason;
}

enum sam_reason sam_store_revoke(struct sam_store *store, const struct sam_claim *claim, int64_t now,
				 const struct sam_record *record)
{
	struct revoke in = {claim, now, record};
	struct sam_op op = {.run = revoke, .arg = &in, .durable = true, .compound = true};
	return sam_queue_run(store, &op);
}
