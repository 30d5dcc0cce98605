/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens: a keyed hash to look one up by; token and body together encrypted, so that whoever
 * brings the SAD again is given the current token, and a copy of the file gives nobody any (invariant
 * 8). A SAD has one row here, whose token renew.c replaces.
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

/* What a row is sealed as: a SAD's first token, or a later one, which has its number behind it. */
static const char what[] = "p11-sam SAD token", renewed[] = "p11-sam renewed SAD token";

enum { NUMBER = 4 }; /* bytes, the highest first */

bool sam_tokens_read(sqlite3_stmt *s, struct sam_token *out)
{
	return sam_conn_column_fixed(s, 0, out->lookup, sizeof out->lookup) &&
	       sam_conn_column_int(s, 1, &out->activation) &&
	       sam_conn_column_blob(s, 2, &out->sealed, &out->len) &&
	       sam_conn_column_fixed(s, 3, out->mac, sizeof out->mac);
}

void sam_tokens_bytes(struct sam_rowmac *r, const struct sam_token *t)
{
	sam_rowmac_start(r, "tokens");
	sam_rowmac_blob(r, t->lookup, sizeof t->lookup);
	sam_rowmac_int(r, t->activation);
	sam_rowmac_blob(r, t->sealed, t->len);
}

static enum sam_reason lookup(const struct sam_seal *seal, const char *token,
			      uint8_t out[SAM_SEAL_MAC])
{
	struct sam_rowmac r;
	sam_rowmac_start(&r, what);
	sam_rowmac_blob(&r, token, SAM_TOKEN_LEN);
	enum sam_reason reason = sam_rowmac_make(&r, seal, SAM_SEAL_LOOKUP, out);
	sam_mem_wipe(r.small, sizeof r.small);
	sam_rowmac_end(&r);
	return reason;
}

/* ${plain}: the token, its number if it is not the first, the body. */
static enum sam_reason decrypt(const struct sam_seal *seal, struct sam_token_open *out)
{
	uint8_t *plain = out->plain.data;
	out->number = 1;
	out->body = SAM_TOKEN_LEN;
	enum sam_reason reason = sam_seal_decrypt(seal, what, out->row.sealed, out->row.len, plain);
	if (reason != SAM_STORE_TAMPERED || out->plain.len < SAM_TOKEN_LEN + NUMBER)
		return reason;
	reason = sam_seal_decrypt(seal, renewed, out->row.sealed, out->row.len, plain);
	if (reason != SAM_OK)
		return reason;
	out->number = 0;
	for (; out->body < SAM_TOKEN_LEN + NUMBER; out->body++)
		out->number = out->number << 8 | plain[out->body];
	return SAM_OK;
}

/* The row that ${s} stands on, checked and decrypted. */
static enum sam_reason open_current(const struct sam_seal *seal, sqlite3_stmt *s, struct sam_token_open *out)
{
	struct sam_rowmac r;
	struct sam_token *t = &out->row;
	memset(out, 0, sizeof *out);
	if (!sam_tokens_read(s, t) || t->len < SAM_SEAL_OVERHEAD + SAM_TOKEN_LEN)
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a token's row is not whole");
	sam_tokens_bytes(&r, t);
	enum sam_reason reason = sam_rowmac_check(&r, seal, t->mac);
	sam_rowmac_end(&r);
	out->plain.len = t->len - SAM_SEAL_OVERHEAD;
	if (reason == SAM_OK && !(out->plain.data = calloc(1, out->plain.len + 1)))
		reason = sam_log_reason(SAM_MEMORY, "store: a token");
	if (reason == SAM_OK)
		reason = decrypt(seal, out);
	if (reason != SAM_OK)
		sam_secret_clear(&out->plain);
	return reason;
}

/* The same of a statement that finds one row; resets it. */
static enum sam_reason open_row(const struct sam_seal *seal, sqlite3_stmt *s, struct sam_token_open *out)
{
	enum sam_reason reason = open_current(seal, s, out);
	out->row.sealed = NULL; /* the statement's */
	sqlite3_reset(s);
	return reason;
}

enum sam_reason sam_tokens_open(struct sam_conn *conn, const struct sam_seal *seal, int64_t activation,
				struct sam_token_open *out, bool *found)
{
	memset(out, 0, sizeof *out);
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_TOKEN_OF);
	sam_conn_bind_int(conn, s, 1, activation);
	*found = sam_conn_row(conn, s);
	return *found ? open_row(seal, s, out) : conn->broken;
}

struct put {
	const struct sam_claim *claim;
	const uint8_t *body;
	size_t len;
	int64_t now;
	char *token;
	char current[SAM_TOKEN_LEN]; /* handed out only once it is durable */
	const struct sam_record *record;
};

static enum sam_reason seal_row(const struct sam_seal *seal, const char *token, uint32_t number, const void *body,
				size_t len, struct sam_token *t, uint8_t **sealed)
{
	const size_t before = SAM_TOKEN_LEN + (number > 1 ? NUMBER : 0);
	struct sam_secret plain = {.data = malloc(before + len), .len = before + len};
	t->len = plain.len + SAM_SEAL_OVERHEAD;
	t->sealed = *sealed = malloc(t->len);
	enum sam_reason reason = *sealed && plain.data ? lookup(seal, token, t->lookup)
						       : sam_log_reason(SAM_MEMORY, "store: a token");
	if (reason == SAM_OK) {
		memcpy(plain.data, token, SAM_TOKEN_LEN);
		for (size_t i = SAM_TOKEN_LEN; i < before; i++)
			plain.data[i] = (uint8_t)(number >> 8 * (before - 1 - i));
		memcpy(plain.data + before, body, len);
		reason = sam_seal_encrypt(seal, number > 1 ? renewed : what, plain.data, plain.len, *sealed);
	}
	sam_secret_clear(&plain);
	return reason;
}

static enum sam_reason insert(struct sam_txn *txn, struct sam_token *t)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	sam_tokens_bytes(&r, t);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, t->mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, t->mac, &txn->head.tokens);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_TOKEN_ADD);
	sam_conn_bind_blob(conn, s, 1, t->lookup, sizeof t->lookup);
	sam_conn_bind_int(conn, s, 2, t->activation);
	sam_conn_bind_blob(conn, s, 3, t->sealed, t->len);
	sam_conn_bind_blob(conn, s, 4, t->mac, sizeof t->mac);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

enum sam_reason sam_tokens_add(struct sam_txn *txn, int64_t activation, const char *token, uint32_t number,
			       const void *body, size_t len, uint8_t lookup_out[SAM_SEAL_MAC])
{
	struct sam_token t = {.activation = activation};
	sam_auto(sam_free) uint8_t *sealed = NULL;
	enum sam_reason reason = seal_row(txn->store->seal, token, number, body, len, &t, &sealed);
	if (reason == SAM_OK)
		reason = insert(txn, &t);
	memcpy(lookup_out, t.lookup, sizeof t.lookup);
	return reason;
}

/* The SAD's token, if it has one. */
static enum sam_reason current_token(struct sam_txn *txn, int64_t activation,
				     char token[SAM_TOKEN_LEN], bool *found)
{
	struct sam_token_open t;
	enum sam_reason reason = sam_tokens_open(txn->conn, txn->store->seal, activation, &t, found);
	if (reason == SAM_OK && *found)
		memcpy(token, t.plain.data, SAM_TOKEN_LEN);
	sam_secret_clear(&t.plain);
	return reason;
}

static enum sam_reason put(struct sam_txn *txn, void *arg)
{
	struct put *in = arg;
	struct sam_activation a;
	struct sam_token t = {0};
	sam_auto(sam_free) uint8_t *sealed = NULL;
	bool known, has = false;
	enum sam_reason reason = sam_uses_find(txn->conn, txn->store->seal, &txn->head, in->claim,
					       in->now, &a, &known);
	memcpy(in->current, in->token, SAM_TOKEN_LEN);
	if (reason == SAM_OK && known)
		reason = current_token(txn, a.id, in->current, &has);
	if (reason == SAM_OK && !has)
		reason = seal_row(txn->store->seal, in->token, 1, in->body, in->len, &t, &sealed);
	if (reason == SAM_OK)
		reason = sam_trail_append(txn, in->record);
	if (reason == SAM_OK && !known)
		reason = sam_uses_add(txn, &a);
	if (reason == SAM_OK && in->now > txn->head.public.latest_time)
		txn->head.public.latest_time = in->now;
	t.activation = a.id;
	return reason == SAM_OK && !has ? insert(txn, &t) : reason;
}

enum sam_reason sam_store_token_put(struct sam_store *store, const struct sam_claim *claim,
				    const void *body, size_t len, int64_t now,
				    char token[SAM_TOKEN_LEN + 1], const struct sam_record *record)
{
	if (!body || len > SAM_BODY_MAX || strnlen(token, SAM_TOKEN_LEN + 1) != SAM_TOKEN_LEN)
		return sam_log_reason(SAM_ARGUMENTS, "store: a token, or its body of %zu bytes",
				      len);
	struct put in = {.claim = claim,
			 .body = body,
			 .len = len,
			 .now = now,
			 .token = token,
			 .record = record};
	struct sam_op op = {.run = put, .arg = &in, .durable = true};
	enum sam_reason reason = sam_queue_run(store, &op);
	if (reason == SAM_OK)
		memcpy(token, in.current, SAM_TOKEN_LEN);
	sam_mem_wipe(in.current, sizeof in.current);
	return reason;
}

/* The body alone, NUL after it for convenience. */
static enum sam_reason copy_body(const struct sam_token_open *t, uint8_t **body, size_t *len)
{
	*len = t->plain.len - t->body;
	*body = malloc(*len + 1);
	if (!*body)
		return sam_log_reason(SAM_MEMORY, "store: a token's body");
	memcpy(*body, t->plain.data + t->body, *len);
	(*body)[*len] = 0;
	return SAM_OK;
}

enum sam_reason sam_store_token_find(struct sam_store *store, const char token[SAM_TOKEN_LEN], struct sam_token_id *id,
				     uint8_t **body, size_t *len)
{
	uint8_t key[SAM_SEAL_MAC];
	struct sam_token_open t = {.number = 0};
	struct sam_head head;
	enum sam_reason reason = lookup(store->seal, token, key);
	if (reason == SAM_OK)
		reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(store->reader, SAM_SQL_TOKEN_FIND);
	sam_conn_bind_blob(store->reader, s, 1, key, sizeof key);
	if (sam_conn_row(store->reader, s))
		reason = open_row(store->seal, s, &t);
	else
		reason =
			store->reader->broken != SAM_OK ? store->reader->broken : SAM_TOKEN_UNKNOWN;
	sam_store_end_read(store);
	if (reason == SAM_OK)
		reason = copy_body(&t, body, len);
	if (reason == SAM_OK && id) {
		memcpy(id->lookup, key, sizeof id->lookup);
		id->number = t.number;
	}
	sam_secret_clear(&t.plain);
	return reason;
}

enum sam_reason sam_store_token_of(struct sam_store *store, const struct sam_claim *claim, int64_t now,
				   char token[SAM_TOKEN_LEN + 1], uint32_t *number)
{
	struct sam_token_open t = {.number = 0};
	struct sam_activation a;
	struct sam_head head;
	bool known, found = false;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	reason = sam_uses_find(store->reader, store->seal, &head, claim, now, &a, &known);
	if (reason == SAM_OK && known)
		reason = sam_tokens_open(store->reader, store->seal, a.id, &t, &found);
	sam_store_end_read(store);
	if (reason == SAM_OK && !found)
		reason = SAM_TOKEN_UNKNOWN;
	if (reason == SAM_OK) {
		memcpy(token, t.plain.data, SAM_TOKEN_LEN);
		token[SAM_TOKEN_LEN] = '\0';
		*number = t.number;
	}
	sam_secret_clear(&t.plain);
	return reason;
}

/* ---- forgotten ---- */

enum sam_reason sam_tokens_remove(struct sam_txn *txn, int64_t activation)
{
	struct sam_conn *conn = txn->conn;
	struct sam_token t;
	struct sam_rowmac r;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_TOKEN_OF);
	sam_conn_bind_int(conn, s, 1, activation);
	if (!sam_conn_row(conn, s))
		return conn->broken;
	enum sam_reason reason = SAM_STORE_TAMPERED;
	if (sam_tokens_read(s, &t)) {
		sam_tokens_bytes(&r, &t);
		reason = sam_rowmac_check(&r, txn->store->seal, t.mac);
		if (reason == SAM_OK)
			reason = sam_rowmac_take(&r, txn->store->seal, t.mac, &txn->head.tokens);
		sam_rowmac_end(&r);
	}
	sqlite3_reset(s);
	if (reason != SAM_OK)
		return reason;
	s = sam_conn_get(conn, SAM_SQL_TOKEN_DELETE);
	sam_conn_bind_blob(conn, s, 1, t.lookup, sizeof t.lookup);
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

/* Whose tokens they are, until all are read: a table is not changed while it is read. */
struct doomed {
	int64_t *activations;
	size_t count;
};

static enum sam_reason find_doomed(struct sam_txn *txn, const struct sam_forget *forget, struct doomed *d)
{
	enum sam_reason reason = SAM_OK;
	sqlite3_stmt *s = sam_conn_get(txn->conn, SAM_SQL_TOKEN_LIST);
	while (reason == SAM_OK && sam_conn_row(txn->conn, s)) {
		struct sam_token_open t;
		reason = open_current(txn->store->seal, s, &t);
		if (reason == SAM_OK && forget->is(forget->arg, t.plain.data + t.body, t.plain.len - t.body)) {
			void *larger = realloc(d->activations, (d->count + 1) * sizeof *d->activations);
			if (larger) {
				d->activations = larger;
				d->activations[d->count++] = t.row.activation;
			} else {
				reason = SAM_MEMORY;
			}
		}
		sam_secret_clear(&t.plain);
	}
	sqlite3_reset(s);
	return reason == SAM_OK ? txn->conn->broken : reason;
}

enum sam_reason sam_tokens_forget(struct sam_txn *txn, const struct sam_forget *forget)
{
	struct doomed d = {.activations = NULL};
	enum sam_reason reason = find_doomed(txn, forget, &d);
	for (size_t i = 0; reason == SAM_OK && i < d.count; i++)
		reason = sam_tokens_remove(txn, d.activations[i]);
	free(d.activations);
	return reason;
}
