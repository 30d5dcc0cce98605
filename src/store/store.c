/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store as a whole: opened, closed, abandoned; and the two ways to read from it.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

enum { BUSY_MS = 5000 };

enum sam_reason sam_store_usable(const struct sam_store *store)
{
	if (store->pid != getpid())
		return sam_log_reason(SAM_INTERNAL, "store: a handle was used across fork");
	if (atomic_load(&store->tampered))
		return SAM_STORE_TAMPERED;
	return atomic_load(&store->failed) ? SAM_STORE_FAILED : SAM_OK;
}

enum sam_reason sam_store_in_place(struct sam_store *store)
{
	struct stat st;
	if (lstat(store->path, &st) == 0 && (uint64_t)st.st_ino == store->inode)
		return SAM_OK;
	atomic_store(&store->tampered, true);
	return sam_log_reason(SAM_STORE_TAMPERED, "store: another file stands in the place of %s", store->path);
}

/* A data version that moved without the sequence may be a commit of ours under way (it starts
 * the WAL anew before it is done): whether it is, is found under the write lock. */
static enum sam_reason look(struct sam_store *store, bool *suspect)
{
	struct sam_conn *conn = store->reader;
	struct sam_look *last = &conn->look;
	*suspect = false;
	sam_conn_run(conn, SAM_SQL_BEGIN);
	int64_t data_version = sam_conn_number(conn, SAM_SQL_DATA_VERSION);
	if (conn->broken != SAM_OK)
		return conn->broken;
	if (last->valid && last->data_version == data_version)
		return SAM_OK;
	uint64_t before = last->sequence;
	enum sam_reason reason = sam_head_read(conn, store->seal, &store->seen);
	uint64_t sequence = store->seen.public.sequence;
	if (reason == SAM_OK && last->valid && sequence < before) {
		atomic_store(&store->tampered, true);
		reason = sam_log_reason(SAM_STORE_TAMPERED, "store: the head went back");
	}
	*suspect = reason == SAM_OK && last->valid && sequence == before;
	if (reason != SAM_OK) {
		last->valid = false; /* what was seen is gone from memory */
		return reason;
	}
	*last = (struct sam_look){true, data_version, sequence};
	sam_checkpoint_note(store, &store->seen.public);
	return SAM_OK;
}

/* How many threads of this process use SQLite now, in any store. */
static atomic_uint inside;
static atomic_bool forked_inside;

void sam_store_enter(void)
{
	atomic_fetch_add(&inside, 1);
}

void sam_store_leave(void)
{
	atomic_fetch_sub(&inside, 1);
}

enum sam_reason sam_store_begin_read(struct sam_store *store, struct sam_head *head)
{
	enum sam_reason reason = sam_store_usable(store);
	if (reason == SAM_OK)
		reason = sam_store_in_place(store);
	bool suspect = reason == SAM_OK;
	while (reason == SAM_OK && suspect) {
		/* LOCKED until sam_store_end_read() */
		pthread_mutex_lock(&store->reading);
		sam_store_enter();
		struct sam_suspicion s = {.generation = atomic_load(&store->generation)};
		reason = look(store, &suspect);
		s.sequence = store->seen.public.sequence;
		if (reason == SAM_OK && !suspect) {
			*head = store->seen;
			return SAM_OK;
		}
		if (suspect)
			store->reader->look.valid = false; /* until it is known whose work it was */
		sam_store_end_read(store);
		struct sam_op op = {.run = sam_txn_suspect, .arg = &s};
		if (suspect)
			reason = sam_queue_run(store, &op);
	}
	return reason;
}

void sam_store_end_read(struct sam_store *store)
{
	sam_conn_rollback(store->reader);
	sam_conn_mend(store->reader);
	sam_store_leave();
	pthread_mutex_unlock(&store->reading);
	/* LOCKED end */
}

enum sam_reason sam_store_begin_scan(struct sam_store *store, struct sam_conn **conn,
				     struct sam_head *head)
{
	*conn = NULL;
	sam_store_enter();
	enum sam_reason reason = sam_store_usable(store);
	if (reason == SAM_OK)
		reason = sam_store_in_place(store);
	if (reason == SAM_OK)
		reason = sam_conn_open(store->path, store->busy_ms, conn, NULL);
	if (reason == SAM_OK)
		reason = sam_conn_run(*conn, SAM_SQL_BEGIN)
				 ? sam_head_read(*conn, store->seal, head)
				 : (*conn)->broken;
	return reason;
}

void sam_store_end_scan(struct sam_conn *conn)
{
	sam_conn_close(conn);
	sam_store_leave();
}

enum sam_reason sam_store_head(struct sam_store *store, struct sam_store_head *out)
{
	struct sam_head head;
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	sam_store_end_read(store);
	*out = head.public;
	return SAM_OK;
}

/* ---- opening ---- */

/* What was as the SAM left it, or was checked row by row, if it is that still, is from now on as the SAM
 * left it, also where opening it has moved its time of change. */
struct adopt {
	uint64_t sequence;
	struct sam_files files;
};

static enum sam_reason adopt(struct sam_txn *txn, void *arg)
{
	const struct adopt *known = arg;
	struct sam_files now;
	sam_mark_look(txn->store->path, &now);
	if (txn->head.public.sequence != known->sequence || !sam_mark_same_data(&now, &known->files))
		return SAM_OK;
	return sam_mark_leave(txn->store->mark, txn->store->path, txn->store->seal, known->sequence, &now);
}

/* Was the store set back? Are the rows that forbid as the head says? Each of them is asked, unless nobody
 * but the SAM has written since it let go of the files; ${known} is how they looked before SQLite opened them. */
static enum sam_reason look_over(struct sam_store *store, struct adopt *known, struct sam_msg *msg)
{
	uint64_t how_far = 0, left = 0; /* read before the head, which is never behind them */
	struct sam_head head;
	struct sam_files opened;
	enum sam_reason marked = sam_mark_read(store->mark, store->seal, &how_far);
	bool as_left = sam_mark_as_left(store->mark, store->seal, &known->files, &left);
	sam_mark_look(store->path, &opened);
	enum sam_reason reason = sam_store_begin_read(store, &head);
	if (reason != SAM_OK)
		return reason;
	bool check = !as_left || left != head.public.sequence;
	if (check)
		reason = sam_check_forbidding(store->reader, store->seal, &head, msg);
	sam_store_end_read(store);
	/* Set back, or a writer was half-way: decided under the write lock. */
	struct sam_op decide = {.run = sam_mark_check};
	if (reason == SAM_OK && (marked != SAM_OK || head.public.sequence < how_far))
		reason = sam_queue_run(store, &decide);
	bool moved = memcmp(&opened, &known->files, sizeof opened) != 0;
	known->sequence = head.public.sequence;
	if (check)
		known->files = opened;
	struct sam_op take = {.run = adopt, .arg = known};
	if (reason == SAM_OK && (check || moved))
		(void)!sam_queue_run(store, &take); /* no matter whether it can: the next opening checks again */
	return reason;
}

/* What the older version had in clear is in the WAL's frames still. Where somebody else is reading they stay until
 * they are written over. */
static enum sam_reason drop_frames(struct sam_store *store, void *arg)
{
	(void)arg;
	int rc = sqlite3_wal_checkpoint_v2(store->writer->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		sam_log(SAM_LOG_INFO, "store: the WAL of before the upgrade stays for now: %s", sqlite3_errstr(rc));
	return SAM_OK;
}

static enum sam_reason run_upgrade(struct sam_store *store, const struct sam_store_options *options,
				   struct sam_msg *msg)
{
	struct sam_upgrade how = {options->migrate, options->migrate_arg};
	struct sam_op op = {.run = sam_upgrade_run, .arg = &how, .durable = true, .compound = true};
	struct sam_op drop = {.chore = drop_frames};
	enum sam_reason reason = sam_conn_open(store->path, store->busy_ms, &store->writer, msg);
	if (reason != SAM_OK)
		return reason;
	store->writer->upgrading = true;
	reason = sam_queue_run(store, &op);
	store->writer->upgrading = false;
	if (reason == SAM_OK)
		reason = sam_queue_run(store, &drop);
	if (reason == SAM_OK)
		atomic_store(&store->schema, sam_conn_number(store->reader, SAM_SQL_SCHEMA_VERSION));
	else
		sam_msg_set(msg, "%s: the upgrade of the store: %s", store->path, sam_reason_text(reason));
	return reason;
}

static enum sam_reason open_parts(struct sam_store *store, const struct sam_store_options *options,
				  struct sam_msg *msg)
{
	int64_t version;
	struct adopt known;
	struct sam_msg why;
	sam_mark_look(store->path, &known.files);
	store->inode = known.files.db.inode;
	enum sam_reason reason = sam_writelock_open(store->path, &store->lock);
	if (reason == SAM_OK)
		reason = sam_mark_open(store->path, &store->mark);
	if (reason == SAM_OK)
		reason = sam_conn_open(store->path, store->busy_ms, &store->reader, msg);
	if (reason != SAM_OK)
		return reason;
	reason = sam_schema_check(store->reader, &version, &why);
	if (reason != SAM_OK) {
		sam_msg_set(msg, "%s: %s", store->path, why.text);
		return reason;
	}
	atomic_store(&store->schema, sam_conn_number(store->reader, SAM_SQL_SCHEMA_VERSION));
	if (version < sam_schema_version())
		reason = run_upgrade(store, options, msg);
	if (reason == SAM_OK)
		reason = look_over(store, &known, msg);
	struct sam_op witness = {.run = sam_checkpoint_look, .arg = msg};
	return reason == SAM_OK && store->witness ? sam_queue_run(store, &witness) : reason;
}

enum sam_reason sam_store_open(const struct sam_store_options *options, struct sam_store **out,
			       struct sam_msg *msg)
{
	sam_msg_set(msg, "%s", "");
	if (atomic_load(&forked_inside)) {
		sam_msg_set(msg, "the process was forked in the middle of a call; start a program anew instead");
		return sam_log_reason(SAM_STORE_FAILED, "store: forked while another thread was inside SQLite");
	}
	enum sam_reason reason = sam_place_check(options->path, msg);
	if (reason != SAM_OK)
		return reason;
	struct sam_store *store = calloc(1, sizeof *store);
	if (!store)
		return sam_log_reason(SAM_MEMORY, "store: opening %s", options->path);
	pthread_mutex_init(&store->reading, NULL);
	pthread_mutex_init(&store->queue.mutex, NULL);
	store->queue.last = &store->queue.first;
	store->seal = options->seal;
	store->witness = options->witness;
	store->restoring = options->restoring;
	store->chain = options->chain;
	store->busy_ms = options->busy_ms ? options->busy_ms : BUSY_MS;
	store->pid = getpid();
	store->mark = -1;
	if (!sam_mem_copy_text(store->path, sizeof store->path, options->path))
		reason = sam_log_reason(SAM_STORE_FAILED, "store: the path is too long");
	sam_store_enter();
	if (reason == SAM_OK)
		reason = open_parts(store, options, msg);
	sam_store_leave();
	if (reason != SAM_OK) {
		if (msg && !msg->text[0])
			sam_msg_set(msg, "%s: %s", options->path, sam_reason_text(reason));
		sam_store_close(store);
		return reason;
	}
	*out = store;
	return SAM_OK;
}

void sam_store_close(struct sam_store *store)
{
	if (!store)
		return;
	if (store->pid != getpid()) {
		sam_store_abandon(store);
		return;
	}
	sam_store_enter();
	sam_conn_close(store->writer);
	sam_conn_close(store->reader);
	sam_store_leave();
	sam_writelock_close(store->lock);
	sam_mark_close(store->mark);
	pthread_mutex_destroy(&store->reading);
	pthread_mutex_destroy(&store->queue.mutex);
	free(store);
}

/* SQLite keeps what it has locked by inode, and a child inherits that belief: as long as an inherited
 * connection is open a new one would work without a lock. POSIX locks are the parent's whatever the child
 * closes. But if a thread of the parent was inside SQLite at the fork, its mutexes may be held for ever: then
 * nothing is touched, and this process gets no store until it is started anew. */
void sam_store_abandon(struct sam_store *store)
{
	if (!store || store->pid == getpid())
		return;
	if (atomic_load(&inside) > 0) {
		atomic_store(&forked_inside, true);
		return;
	}
	sam_conn_close(store->writer);
	sam_conn_close(store->reader);
	store->writer = store->reader = NULL;
	sam_mark_close(store->mark);
	store->mark = -1;
}
