/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signed checkpoints (HACKING.md): what the store was, said by a key of the CM, and their number in the CM,
 * which nobody sets back together with the store and its mark. Order: sign, commit, then the CM's number. A
 * store ahead of the CM is a crash between the two, and healed; one behind it was set back.
 */
#include "store/internal.h"

#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { JWS_MAX = 1 << 14, RETRY_MS = 60000 };

bool sam_checkpoint_read(sqlite3_stmt *s, struct sam_checkpoint_row *out)
{
	return sam_conn_column_int(s, 0, &out->number) && sam_conn_column_int(s, 1, &out->audit_seq) &&
	       sam_conn_column_text(s, 2, &out->jws, false) &&
	       sam_conn_column_fixed(s, 3, out->mac, sizeof out->mac);
}

void sam_checkpoint_bytes(struct sam_rowmac *r, const struct sam_checkpoint_row *row)
{
	sam_rowmac_start(r, "checkpoints");
	sam_rowmac_int(r, row->number);
	sam_rowmac_int(r, row->audit_seq);
	sam_rowmac_text(r, row->jws);
}

/* ---- the CM's number ---- */

static enum sam_reason read_number(struct sam_store *store, const char *node, uint64_t *number)
{
	enum sam_reason reason = store->witness->read(store->witness->arg, node, number);
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: the checkpoint's number in the CM");
}

static enum sam_reason write_number(struct sam_store *store, const char *node, uint64_t number)
{
	enum sam_reason reason = store->witness->write(store->witness->arg, node, number);
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: the checkpoint's number in the CM");
}

static enum sam_reason set_back(struct sam_store *store, const struct sam_store_head *head, uint64_t number,
				struct sam_msg *msg)
{
	struct sam_msg why;
	if (number)
		sam_msg_set(&why, "%s was set back: its newest checkpoint has number %" PRIu64 ", the CM has %" PRIu64
			    " for node %s", store->path, head->checkpoint, number, head->node);
	else
		sam_msg_set(&why, "%s: its newest checkpoint has number %" PRIu64 ", the CM has none for node %s",
			    store->path, head->checkpoint, head->node);
	sam_msg_set(msg, "%s", why.text);
	atomic_store(&store->tampered, true);
	return sam_log_reason(SAM_STORE_TAMPERED, "store: %s", why.text);
}

/* invariants 3 and 9: who sets back the store and its mark together is found here. One that is being restored
 * may be behind, and its CM a clone without the number. */
enum sam_reason sam_checkpoint_look(struct sam_txn *txn, void *arg)
{
	struct sam_store *store = txn->store;
	const struct sam_store_head *head = &txn->head.public;
	uint64_t number = 0;
	if (store->restoring) /* nobody was identified yet: the new epoch sees to it */
		return SAM_OK;
	enum sam_reason reason = read_number(store, head->node, &number);
	if (reason != SAM_OK || number == head->checkpoint)
		return reason;
	bool none = number == 0 && head->checkpoint > 1;
	if (number > head->checkpoint || none)
		return set_back(store, head, number, arg);
	return number < head->checkpoint ? write_number(store, head->node, head->checkpoint) : SAM_OK;
}

/* ---- when ---- */

void sam_checkpoint_note(struct sam_store *store, const struct sam_store_head *head)
{
	atomic_store(&store->records, head->audit_seq);
	atomic_store(&store->checkpoint_seq, head->checkpoint_seq);
	atomic_store(&store->checkpoint_time, head->checkpoint_time);
}

static bool due(uint64_t records, uint64_t checkpoint_seq, int64_t checkpoint_time)
{
	return records > checkpoint_seq && (records - checkpoint_seq >= SAM_CHECKPOINT_RECORDS ||
					    sam_clock_now() - checkpoint_time >= SAM_CHECKPOINT_S);
}

bool sam_store_checkpoint_due(const struct sam_store *store)
{
	return store->witness && sam_clock_monotonic_ms() >= atomic_load(&store->checkpoint_retry_ms) &&
	       due(atomic_load(&store->records), atomic_load(&store->checkpoint_seq),
		   atomic_load(&store->checkpoint_time));
}

/* ---- making one ---- */

struct making {
	bool force;
	char node[SAM_NAME_SIZE];
	uint64_t number; /* of the one that was made; 0: none was due */
};

static enum sam_reason sign(struct sam_txn *txn, struct sam_checkpoint *c, char **jws)
{
	const struct sam_store_head *head = &txn->head.public;
	*c = (struct sam_checkpoint){
		.number = head->checkpoint + 1,
		.epoch = head->epoch,
		.sequence = head->sequence + 1, /* of the transaction that keeps it */
		.audit_seq = head->audit_seq,
		.time = sam_clock_now(),
	};
	memcpy(c->node, head->node, sizeof c->node);
	memcpy(c->audit_hash, head->audit_hash, sizeof c->audit_hash);
	enum sam_reason reason = txn->store->witness->sign(txn->store->witness->arg, c, jws);
	if (reason == SAM_OK && (!*jws || strlen(*jws) > JWS_MAX))
		reason = SAM_INTERNAL;
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: a checkpoint could not be signed");
}

static enum sam_reason keep(struct sam_txn *txn, const struct sam_checkpoint *c, const char *jws)
{
	struct sam_conn *conn = txn->conn;
	struct sam_rowmac r;
	struct sam_checkpoint_row row = {(int64_t)c->number, (int64_t)c->audit_seq, jws, {0}};
	sam_checkpoint_bytes(&r, &row);
	enum sam_reason reason = sam_rowmac_make(&r, txn->store->seal, SAM_SEAL_ROW, row.mac);
	if (reason == SAM_OK)
		reason = sam_rowmac_add(&r, txn->store->seal, row.mac, &txn->head.checkpoints);
	sam_rowmac_end(&r);
	if (reason != SAM_OK)
		return reason;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_CHECKPOINT_ADD);
	sam_conn_bind_int(conn, s, 1, row.number);
	sam_conn_bind_int(conn, s, 2, row.audit_seq);
	sam_conn_bind_text(conn, s, 3, jws);
	sam_conn_bind_blob(conn, s, 4, row.mac, sizeof row.mac);
	txn->head.public.checkpoint = c->number;
	txn->head.public.checkpoint_seq = c->audit_seq;
	txn->head.public.checkpoint_time = c->time;
	return sam_conn_done(conn, s) ? SAM_OK : conn->broken;
}

static enum sam_reason make(struct sam_txn *txn, void *arg)
{
	struct making *in = arg;
	const struct sam_store_head *head = &txn->head.public;
	struct sam_checkpoint c;
	sam_auto(sam_free) char *jws = NULL;
	if (!in->force && !due(head->audit_seq, head->checkpoint_seq, head->checkpoint_time))
		return SAM_OK; /* another was first */
	enum sam_reason reason = sam_checkpoint_look(txn, NULL);
	if (reason == SAM_OK)
		reason = sign(txn, &c, &jws);
	if (reason == SAM_OK)
		reason = keep(txn, &c, jws);
	if (reason != SAM_OK)
		return reason;
	in->number = c.number;
	memcpy(in->node, c.node, sizeof in->node);
	return SAM_OK;
}

/* The number goes to the CM only once the checkpoint is durable: else a crash would leave a store that looks set
 * back. */
static enum sam_reason make_chore(struct sam_store *store, void *arg)
{
	struct making *in = arg;
	struct sam_op op = {.run = make, .arg = in, .durable = true}, *batch[] = {&op};
	sam_txn_run(store, batch, 1);
	return op.result == SAM_OK && in->number ? write_number(store, in->node, in->number) : op.result;
}

enum sam_reason sam_store_checkpoint(struct sam_store *store, bool force)
{
	struct making in = {.force = force};
	struct sam_op op = {.chore = make_chore, .arg = &in};
	if (!store->witness || (!force && !sam_store_checkpoint_due(store)))
		return sam_store_usable(store);
	enum sam_reason reason = sam_queue_run(store, &op);
	atomic_store(&store->checkpoint_retry_ms, reason == SAM_OK ? 0 : sam_clock_monotonic_ms() + RETRY_MS);
	return reason;
}

/* ---- reading them ---- */

enum sam_reason sam_store_checkpoints(struct sam_store *store, uint64_t from, sam_store_each_checkpoint *each,
				      void *arg)
{
	struct sam_conn *conn;
	struct sam_head head;
	struct sam_checkpoint_row row;
	enum sam_reason reason = sam_store_begin_scan(store, &conn, &head);
	sqlite3_stmt *s = reason == SAM_OK ? sam_conn_get(conn, SAM_SQL_CHECKPOINT_LIST) : NULL;
	if (reason == SAM_OK)
		sam_conn_bind_int(conn, s, 1, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	while (reason == SAM_OK && sam_conn_row(conn, s)) {
		struct sam_rowmac r;
		if (!sam_checkpoint_read(s, &row)) {
			reason = sam_log_reason(SAM_STORE_TAMPERED, "store: a checkpoint's row is not whole");
			break;
		}
		sam_checkpoint_bytes(&r, &row);
		reason = sam_rowmac_check(&r, store->seal, row.mac);
		sam_rowmac_end(&r);
		if (reason == SAM_OK)
			reason = each(arg, (uint64_t)row.number, (uint64_t)row.audit_seq, row.jws);
	}
	if (reason == SAM_OK)
		reason = conn->broken;
	sam_store_end_scan(conn);
	return reason;
}
