/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Inside the store room: connections, the head, row MACs, the one transaction at a time. Not for
 * other rooms.
 */
#ifndef SAM_STORE_INTERNAL_H
#define SAM_STORE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>
#include "base/mem.h"
#include "base/name.h"
#include "store/store.h"

enum {
	SAM_DIGEST_MAX = 64,
	SAM_BODY_MAX = 1 << 20,      /* of a granting row or a token */
	SAM_LINE_MAX = 1 << 20,      /* of an audit record */
	SAM_SWEEP_GRACE = 300,       /* seconds that expired rows stay: a CM may still be signing */
};

/* ---- what the head has ---- */

/* A table in the head: how many rows, and the sum modulo 2^256 of the rows' SAM_SEAL_SUM MACs,
 * which are never stored: whoever edits the file cannot balance them. */
struct sam_sum {
	uint64_t count;
	uint8_t total[32];
};

struct sam_head {
	struct sam_store_head public; /* its counts are those of the sums below */
	int64_t audit_time;           /* of the newest record, microseconds */
	int64_t next_activation;      /* ids are never given twice */
	uint8_t schema[32];
	struct sam_sum grants, activations, uses, tokens, counters, checkpoints, requests, deposits;
	uint8_t old_policy[32];       /* of a head of format 1, for the upgrade; not written */
};

enum { SAM_HEAD_SEALED = 553 + SAM_SEAL_OVERHEAD };

/* The sealed row as a connection saw it last, and what is in it. */
struct sam_head_cache {
	bool valid;
	uint8_t sealed[SAM_HEAD_SEALED];
	struct sam_head head;
};

/* ---- conn.c: one SQLite connection ---- */

enum sam_statement {
#define S(NAME, text) SAM_SQL_##NAME,
#include "store/statements.def"
#undef S
	SAM_SQL_COUNT
};

/* What was seen last: a data version that moved while the sequence stood still is another's
 * work. */
struct sam_look {
	bool valid;
	int64_t data_version;
	uint64_t sequence;
};

struct sam_conn {
	sqlite3 *db;
	sqlite3_stmt *statements[SAM_SQL_COUNT];
	enum sam_reason broken; /* SQLite's first unexpected answer since sam_conn_mend() */
	bool sync_failed;       /* a sync failed: what was written before may be lost */
	bool full;              /* synchronous=FULL now */
	bool upgrading;         /* a head of an older format is read too */
	unsigned wal_pages;     /* in the WAL after the last commit of ours */
	struct sam_look look;
	struct sam_head_cache cache;
};

/** sam_conn_open(path, busy_ms, out, msg): Open an existing file with the store's settings. */
enum sam_reason sam_conn_open(const char *path, unsigned busy_ms, struct sam_conn **out,
			      struct sam_msg *msg) SAM_MUST;
/** sam_conn_open_alone(path, out, msg): The same for a file that nobody else uses: turns WAL on, and closing
 * it writes everything into the file itself. */
enum sam_reason sam_conn_open_alone(const char *path, struct sam_conn **out, struct sam_msg *msg) SAM_MUST;
/** sam_conn_open_look(path, out, msg): For reading only, whatever state it is in. */
enum sam_reason sam_conn_open_look(const char *path, struct sam_conn **out, struct sam_msg *msg) SAM_MUST;
void sam_conn_close(struct sam_conn *conn); /* NULL is harmless */

/** sam_conn_get(conn, which): That statement, reset and ready to bind; NULL (and broken) if not.
 * A NULL statement is taken by all below, which then fail. */
sqlite3_stmt *sam_conn_get(struct sam_conn *conn, enum sam_statement which);
/** sam_conn_prepare(conn, text): One of its own, for sqlite3_finalize(). */
sqlite3_stmt *sam_conn_prepare(struct sam_conn *conn, const char *text);
/** sam_conn_row(conn, s): Step: true if there is a row; false at the end and on failure. */
bool sam_conn_row(struct sam_conn *conn, sqlite3_stmt *s);
/** sam_conn_done(conn, s): Step a statement that gives no row, and reset it. */
bool sam_conn_done(struct sam_conn *conn, sqlite3_stmt *s);
/** sam_conn_run(conn, which): Get and done. */
bool sam_conn_run(struct sam_conn *conn, enum sam_statement which);
/** sam_conn_exec(conn, text): Settings and schema. */
bool sam_conn_exec(struct sam_conn *conn, const char *text);
/** sam_conn_number(conn, which): The one number that it answers; 0 and broken if none. */
int64_t sam_conn_number(struct sam_conn *conn, enum sam_statement which);
void sam_conn_rollback(struct sam_conn *conn); /* harmless where there is no transaction */
/** sam_conn_mend(conn): Forget the failure; the caller has rolled back. */
void sam_conn_mend(struct sam_conn *conn);

void sam_conn_bind_int(struct sam_conn *conn, sqlite3_stmt *s, int at, int64_t value);
/* The bytes must live until the statement is reset. */
void sam_conn_bind_blob(struct sam_conn *conn, sqlite3_stmt *s, int at, const void *data, size_t len);
void sam_conn_bind_text(struct sam_conn *conn, sqlite3_stmt *s, int at, const char *text); /* NULL: NULL */

/* Columns; false where the value has another type or length: nobody of us wrote that. */
bool sam_conn_column_int(sqlite3_stmt *s, int at, int64_t *out);
bool sam_conn_column_fixed(sqlite3_stmt *s, int at, uint8_t *out, size_t len);
bool sam_conn_column_blob(sqlite3_stmt *s, int at, const uint8_t **data, size_t *len);
bool sam_conn_column_text(sqlite3_stmt *s, int at, const char **text, bool may_be_null);

/* ---- schema.c ---- */

/** sam_schema_make(conn, from): In a transaction, run the migrations after version ${from} (0: an
 * empty file). */
bool sam_schema_make(struct sam_conn *conn, int64_t from);
/** sam_schema_check(conn, version, msg): Is it ours, and not newer? */
enum sam_reason sam_schema_check(struct sam_conn *conn, int64_t *version, struct sam_msg *msg) SAM_MUST;
int64_t sam_schema_version(void); /* the newest */
/** sam_schema_digest(conn, out): SHA-256 over every table, index, view and trigger. */
enum sam_reason sam_schema_digest(struct sam_conn *conn, uint8_t out[32]) SAM_MUST;

/* ---- rowmac.c: MACs over rows, sums over tables ---- */

/* A row as bytes: its table, then every column with its length before it. */
struct sam_rowmac {
	uint8_t small[1024];
	uint8_t *data;
	size_t len, size;
	bool failed; /* no memory */
};
void sam_rowmac_start(struct sam_rowmac *r, const char *table);
void sam_rowmac_int(struct sam_rowmac *r, int64_t value);
void sam_rowmac_blob(struct sam_rowmac *r, const void *data, size_t len);
void sam_rowmac_text(struct sam_rowmac *r, const char *text); /* NULL differs from "" */
void sam_rowmac_end(struct sam_rowmac *r);

/** sam_rowmac_make(r, seal, key, mac): The MAC over the bytes. */
enum sam_reason sam_rowmac_make(const struct sam_rowmac *r, const struct sam_seal *seal,
				enum sam_seal_key key, uint8_t mac[SAM_SEAL_MAC]) SAM_MUST;
/** sam_rowmac_check(r, seal, mac): STORE_TAMPERED (logged) if ${mac} is not its SAM_SEAL_ROW MAC. */
enum sam_reason sam_rowmac_check(const struct sam_rowmac *r, const struct sam_seal *seal,
				 const uint8_t mac[SAM_SEAL_MAC]) SAM_MUST;

/** sam_rowmac_add(r, seal, mac, sum), sam_rowmac_take(…): Count this row, ${mac} included, in or
 * out. */
enum sam_reason sam_rowmac_add(struct sam_rowmac *r, const struct sam_seal *seal,
			       const uint8_t mac[SAM_SEAL_MAC], struct sam_sum *sum) SAM_MUST;
enum sam_reason sam_rowmac_take(struct sam_rowmac *r, const struct sam_seal *seal,
				const uint8_t mac[SAM_SEAL_MAC], struct sam_sum *sum) SAM_MUST;
bool sam_rowmac_same(const struct sam_sum *a, const struct sam_sum *b);

/* ---- head.c: the sealed row ---- */

enum sam_reason sam_head_read(struct sam_conn *conn, const struct sam_seal *seal, struct sam_head *out) SAM_MUST;
enum sam_reason sam_head_write(struct sam_conn *conn, const struct sam_seal *seal,
			       const struct sam_head *head) SAM_MUST;

/* ---- writelock.c: one writer at a time, bounded in time ---- */

struct sam_writelock;
/** sam_writelock_open(path, out): ${path} is the store's. Handles of one process share the lock
 * of a file. */
enum sam_reason sam_writelock_open(const char *path, struct sam_writelock **out) SAM_MUST;
void sam_writelock_close(struct sam_writelock *lock);
/** sam_writelock_take(lock, deadline_ms): STORE_BUSY at that sam_clock_monotonic_ms(). */
enum sam_reason sam_writelock_take(struct sam_writelock *lock, int64_t deadline_ms) SAM_MUST;
void sam_writelock_give(struct sam_writelock *lock);
/** sam_writelock_enter(lock, gate, deadline_ms): One thread of all processes is behind each of SAM_GATES gates; the
 * store stays free. STORE_BUSY at that sam_clock_monotonic_ms(), STORE_FAILED. */
enum { SAM_GATES = 256 };
enum sam_reason sam_writelock_enter(struct sam_writelock *lock, unsigned gate, int64_t deadline_ms) SAM_MUST;
void sam_writelock_leave(struct sam_writelock *lock, unsigned gate);

/* ---- queue.c and txn.c: group commit ---- */

struct sam_txn {
	struct sam_store *store;
	struct sam_conn *conn;
	struct sam_head head; /* an operation changes it with the rows; written once, at the end */
};

/* A refusal makes no change; a change that fails half-way leaves conn->broken behind, or is under a
 * savepoint (compound). */
typedef enum sam_reason sam_op_run(struct sam_txn *txn, void *arg);
typedef enum sam_reason sam_op_chore(struct sam_store *store, void *arg);
struct sam_op {
	sam_op_run *run;
	void *arg;
	bool durable, compound;
	sam_op_chore *chore;    /* instead of run: the leader's, outside of any transaction */
	enum sam_reason result;
	/* the queue's */
	sem_t wake;
	int64_t since_ms;
	bool done;
	struct sam_op *next;
};

enum { SAM_BATCH_MAX = 256 };

struct sam_queue {
	pthread_mutex_t mutex;
	struct sam_op *first, **last;
	bool leading;
};

/** sam_queue_run(store, op): Have it done, with others that wait; returns its result. */
enum sam_reason sam_queue_run(struct sam_store *store, struct sam_op *op) SAM_MUST;
/** sam_txn_run(store, batch, count): All of them in one transaction; sets their results. Called
 * by the leader, with the write lock. */
void sam_txn_run(struct sam_store *store, struct sam_op **batch, size_t count);

/* A reader saw the data version move while the head stood at this sequence. */
struct sam_suspicion {
	uint64_t sequence;
	uint64_t generation;
};
/** sam_txn_suspect: an operation that finds out (arg: struct sam_suspicion). */
sam_op_run sam_txn_suspect;

/* ---- the verbs' helpers ---- */

/** sam_trail_append(txn, record): Chain and insert, the last thing an operation does but for rows
 * that cannot be refused any more. */
enum sam_reason sam_trail_append(struct sam_txn *txn, const struct sam_record *record) SAM_MUST;

/* uses.c */
struct sam_activation {
	int64_t id, exp, limit;
	uint8_t identity[SAM_SEAL_MAC], payload[SAM_SEAL_MAC], mac[SAM_SEAL_MAC];
};
struct sam_use {
	int64_t activation;
	uint8_t digest[SAM_DIGEST_MAX];
	size_t len;
	uint8_t mac[SAM_SEAL_MAC];
};
/** sam_uses_find(conn, seal, head, claim, now, out, found): Refuse a claim that has expired or is from
 * before a restore, or another payload under its identity; ${out} is what its row is or would be. */
enum sam_reason sam_uses_find(struct sam_conn *conn, const struct sam_seal *seal, const struct sam_head *head,
			      const struct sam_claim *claim, int64_t now, struct sam_activation *out,
			      bool *found) SAM_MUST;
/** sam_uses_take(txn, claim, digest, len, now, activation): Take that digest of that SAD, at most
 * SAM_DIGEST_MAX bytes. A refusal makes no change. */
enum sam_reason sam_uses_take(struct sam_txn *txn, const struct sam_claim *claim, const uint8_t *digest,
			      size_t len, int64_t now, int64_t *activation) SAM_MUST;
/** sam_uses_spend(txn, activation, digest, len): Take a digest, which is not taken, of an activation that is there. */
enum sam_reason sam_uses_spend(struct sam_txn *txn, int64_t activation, const uint8_t *digest, size_t len) SAM_MUST;
/** sam_uses_write(txn, a): The row of ${a} with its id, sealed and counted; it must not be there. */
enum sam_reason sam_uses_write(struct sam_txn *txn, struct sam_activation *a) SAM_MUST;

/** sam_uses_add(txn, a): A new activation's row; gives it its id. */
enum sam_reason sam_uses_add(struct sam_txn *txn, struct sam_activation *a) SAM_MUST;
/** sam_uses_remove(txn, u): That row, and its part of the sum. */
enum sam_reason sam_uses_remove(struct sam_txn *txn, const struct sam_use *u) SAM_MUST;
/* The rows that a statement stands on: false if a column is none of ours. */
bool sam_uses_read_activation(sqlite3_stmt *s, struct sam_activation *out);
bool sam_uses_read_use(sqlite3_stmt *s, struct sam_use *out);
void sam_uses_bytes_activation(struct sam_rowmac *r, const struct sam_activation *a);
void sam_uses_bytes_use(struct sam_rowmac *r, const struct sam_use *u);

/* tokens.c */
struct sam_token {
	int64_t activation;
	uint8_t lookup[SAM_SEAL_MAC], mac[SAM_SEAL_MAC];
	const uint8_t *sealed; /* the statement's, until it is stepped or reset */
	size_t len;
};
/* A row, opened. */
struct sam_token_open {
	struct sam_token row;    /* without what was sealed */
	struct sam_secret plain; /* the token first; a NUL behind it all */
	uint32_t number;         /* 1: the SAD's first */
	size_t body;             /* where it begins in ${plain} */
};
bool sam_tokens_read(sqlite3_stmt *s, struct sam_token *out);
void sam_tokens_bytes(struct sam_rowmac *r, const struct sam_token *t);
/** sam_tokens_open(conn, seal, activation, out, found): The current token of that one, if it has one; clear
 * ${out}->plain in any case. STORE_TAMPERED, MEMORY. */
enum sam_reason sam_tokens_open(struct sam_conn *conn, const struct sam_seal *seal, int64_t activation,
				struct sam_token_open *out, bool *found) SAM_MUST;
/** sam_tokens_add(txn, activation, token, number, body, len, lookup_out): A row for it; ${lookup_out}: by what it is
 * found. Needs a compound operation. */
enum sam_reason sam_tokens_add(struct sam_txn *txn, int64_t activation, const char *token, uint32_t number,
			       const void *body, size_t len, uint8_t lookup_out[SAM_SEAL_MAC]) SAM_MUST;
/** sam_tokens_remove(txn, activation): Of that one, if it has one. */
enum sam_reason sam_tokens_remove(struct sam_txn *txn, int64_t activation) SAM_MUST;
/** sam_tokens_forget(txn, forget): Those that ${forget} names. */
enum sam_reason sam_tokens_forget(struct sam_txn *txn, const struct sam_forget *forget) SAM_MUST;

/* renew.c */
/** sam_renew_undo(txn, reservation): Put the token back that it replaced, unless the chain has gone on. Needs a
 * compound operation. */
enum sam_reason sam_renew_undo(struct sam_txn *txn, const struct sam_reservation *reservation) SAM_MUST;
/* requests.c */
struct sam_request_row {
	struct sam_request value;
	uint8_t mac[SAM_SEAL_MAC];
};
bool sam_requests_read(sqlite3_stmt *s, struct sam_request_row *out);
void sam_requests_bytes(struct sam_rowmac *r, const struct sam_request_row *row);
/** sam_requests_approve(txn, id, credential, now): A SAD for it is deposited. NOT_FOUND, REQUEST_EXPIRED,
 * REQUEST_SETTLED; needs a compound operation, like the next three. */
enum sam_reason sam_requests_approve(struct sam_txn *txn, const char *id, const char *credential, int64_t now) SAM_MUST;
/** sam_requests_use(txn, id): Its signature is given; one that is gone, expired or used stays so. REQUEST_REJECTED:
 * somebody said no while the CM was at it. */
enum sam_reason sam_requests_use(struct sam_txn *txn, const char *id) SAM_MUST;
/** sam_requests_end(txn, end): Those of that signer or key are erased. */
enum sam_reason sam_requests_end(struct sam_txn *txn, const struct sam_end *end) SAM_MUST;
/** sam_requests_sweep(txn, before): Settled ones that expired before then, some at a time. */
enum sam_reason sam_requests_sweep(struct sam_txn *txn, int64_t before) SAM_MUST;

/* deposits.c */
enum { SAM_DEPOSIT_TAG = 8 }; /* the first bytes of a digest, to find it by */
struct sam_deposit_row {
	int64_t activation;
	const char *credential, *signer; /* these and the rest are the statement's, until it is stepped or reset */
	const uint8_t *tags, *sealed;
	size_t tags_len, len;
	uint8_t mac[SAM_SEAL_MAC];
};
bool sam_deposits_read(sqlite3_stmt *s, struct sam_deposit_row *out);
void sam_deposits_bytes(struct sam_rowmac *r, const struct sam_deposit_row *d);
/** sam_deposits_remove(txn, activation): That SAD's, if there is one. */
enum sam_reason sam_deposits_remove(struct sam_txn *txn, int64_t activation) SAM_MUST;
/** sam_deposits_used(txn, activation): Remove it once all its digests are used. */
enum sam_reason sam_deposits_used(struct sam_txn *txn, int64_t activation) SAM_MUST;
/** sam_deposits_withdraw(txn, credential, digest, len): None of that key's signs this digest any more; needs a compound
 * operation. */
enum sam_reason sam_deposits_withdraw(struct sam_txn *txn, const char *credential, const uint8_t *digest,
				      size_t len) SAM_MUST;
/** sam_deposits_end(txn, end): Those of that signer or key are erased; needs a compound operation. */
enum sam_reason sam_deposits_end(struct sam_txn *txn, const struct sam_end *end) SAM_MUST;

/* grants.c */
/** sam_grants_scan(conn, seal, each, arg, sum): Every row against its MAC; ${each} may be NULL. */
enum sam_reason sam_grants_scan(struct sam_conn *conn, const struct sam_seal *seal, sam_store_each_row *each,
				void *arg, struct sam_sum *sum) SAM_MUST;
/** sam_grants_apply(txn, change): ARGUMENTS, EXISTS, NOT_FOUND; needs a compound operation. */
enum sam_reason sam_grants_apply(struct sam_txn *txn, const struct sam_change *change) SAM_MUST;

/* counters.c */
struct sam_counter_row {
	char kind[SAM_COUNTER_KIND_MAX + 1], name[SAM_COUNTER_NAME_MAX + 1];
	struct sam_counter value;
	uint8_t mac[SAM_SEAL_MAC];
};
bool sam_counters_read(sqlite3_stmt *s, struct sam_counter_row *out);
void sam_counters_bytes(struct sam_rowmac *r, const struct sam_counter_row *row);
/** sam_counters_clear(txn, id): Remove its row, if there is one; needs a compound operation. */
enum sam_reason sam_counters_clear(struct sam_txn *txn, const struct sam_counter_id *id) SAM_MUST;

/* trail.c */
/** sam_trail_read(s, row): The row that a statement stands on: seq, time_us, line, hash and the columns to search
 * by; its texts are the statement's. */
bool sam_trail_read(sqlite3_stmt *s, struct sam_audit_row *row);

/* checkpoint.c */
struct sam_checkpoint_row {
	int64_t number, audit_seq;
	const char *jws; /* the statement's, until it is stepped or reset */
	uint8_t mac[SAM_SEAL_MAC];
};
bool sam_checkpoint_read(sqlite3_stmt *s, struct sam_checkpoint_row *out);
void sam_checkpoint_bytes(struct sam_rowmac *r, const struct sam_checkpoint_row *row);
/** sam_checkpoint_look: An operation that compares head and CM: heals what a crash left, refuses a store that
 * was set back (arg: struct sam_msg, or NULL). */
sam_op_run sam_checkpoint_look;
/** sam_checkpoint_note(store, head): What sam_store_checkpoint_due() goes by. */
void sam_checkpoint_note(struct sam_store *store, const struct sam_store_head *head);

/* upgrade.c */
struct sam_upgrade {
	sam_store_migrate *migrate; /* or NULL */
	void *arg;
};
/** sam_upgrade_run: A compound operation (arg: struct sam_upgrade), on a connection that is upgrading. */
sam_op_run sam_upgrade_run;

/* check.c */
/** sam_check_all(conn, seal, head, msg): Every row, and SQLite's own look at the file. */
enum sam_reason sam_check_all(struct sam_conn *conn, const struct sam_seal *seal, const struct sam_head *head,
			      struct sam_msg *msg) SAM_MUST;
/** sam_check_schema(conn, head): Are tables, indexes and triggers those that were made? */
enum sam_reason sam_check_schema(struct sam_conn *conn, const struct sam_head *head, struct sam_msg *msg) SAM_MUST;
/** sam_check_forbidding(conn, seal, head, msg): Schema, activations, uses, tokens, counters, checkpoints, the
 * audit's last row, against the head, on the snapshot that ${head} was read from. */
enum sam_reason sam_check_forbidding(struct sam_conn *conn, const struct sam_seal *seal,
				     const struct sam_head *head, struct sam_msg *msg) SAM_MUST;

/* chores.c: sweeping and checkpoints */
struct sam_chores {
	unsigned claimed;     /* new activations since the last step */
	int64_t next_sweep_ms;
	int64_t cursor;       /* the activation to go on with */
	unsigned wal_mark;    /* pages at which the next checkpoint is due */
};
/** sam_chores_due(store), sam_chores_run(store): The leader's, with the write lock. */
bool sam_chores_due(const struct sam_store *store);
void sam_chores_run(struct sam_store *store);

/* ---- place.c: a store's files as names in a folder ---- */

/** sam_place_check(path, msg): STORE_MISSING; STORE_FAILED if it is no regular file of its owner's alone to write. */
enum sam_reason sam_place_check(const char *path, struct sam_msg *msg) SAM_MUST;
bool sam_place_exists(const char *path, const char *suffix);
/** sam_place_sync(path): The names in its folder are on the disk; only logs if not. */
void sam_place_sync(const char *path);
enum sam_reason sam_place_sync_file(const char *path, const char *suffix) SAM_MUST;
/** sam_place_remove(path): The database and what SQLite puts beside it. */
void sam_place_remove(const char *path);

/* ---- mark.c ---- */

/** sam_mark_create(path, seal, sequence): The mark of a new store, on the disk. */
enum sam_reason sam_mark_create(const char *path, const struct sam_seal *seal, uint64_t sequence) SAM_MUST;
/** sam_mark_open(path, fd): STORE_TAMPERED if it is gone. Closed with sam_mark_close() (-1 is harmless). */
enum sam_reason sam_mark_open(const char *path, int *fd) SAM_MUST;
void sam_mark_close(int fd);
/** sam_mark_check: An operation that refuses a store behind its mark. */
sam_op_run sam_mark_check;
/** sam_mark_read(fd, seal, sequence): How far the store had come at least: read it before the head. STORE_TAMPERED,
 * not logged, for without the write lock a writer may be half-way. */
enum sam_reason sam_mark_read(int fd, const struct sam_seal *seal, uint64_t *sequence) SAM_MUST;
/* The store's file and its WAL, as they look; zeros: it is not there. */
struct sam_file {
	uint64_t inode, size, modified, changed; /* times in ns: st_mtim, st_ctim */
};
struct sam_files {
	struct sam_file db, wal;
};
void sam_mark_look(const char *path, struct sam_files *files);
/** sam_mark_same_data(a, b): But for the time of change: SQLite, run by root, chowns the WAL that it opens. */
bool sam_mark_same_data(const struct sam_files *a, const struct sam_files *b);
/** sam_mark_as_left(fd, seal, now, sequence): Are the files as the SAM left them, at ${sequence}? Then nobody else
 * has written to them. False also where a writer is half-way. */
bool sam_mark_as_left(int fd, const struct sam_seal *seal, const struct sam_files *now, uint64_t *sequence) SAM_MUST;
/** sam_mark_commit(fd, path, seal, sequence): After a durable commit, under the write lock. */
enum sam_reason sam_mark_commit(int fd, const char *path, const struct sam_seal *seal, uint64_t sequence) SAM_MUST;
/** sam_mark_leave(fd, path, seal, sequence, files): So we leave the files; under the write lock. */
enum sam_reason sam_mark_leave(int fd, const char *path, const struct sam_seal *seal, uint64_t sequence,
			       const struct sam_files *files) SAM_MUST;

/* ---- store.c ---- */

struct sam_store {
	char path[PATH_MAX];
	const struct sam_seal *seal;
	const struct sam_witness *witness; /* or NULL */
	bool restoring;               /* the CM may be ahead */
	sam_store_chain *chain;
	unsigned busy_ms;
	pid_t pid;                    /* of the process that opened it: no other may use it */
	struct sam_writelock *lock;
	int mark;                     /* PATH.mark; written by the leader */
	uint64_t inode;               /* of the file at open: another in its place is not our store */
	atomic_int_fast64_t schema;   /* SQLite's schema version, when the schema was last seen to be ours */
	struct sam_queue queue;
	struct sam_conn *writer;      /* the leader's; opened with the first write */
	struct sam_chores chores;     /* the leader's */
	pthread_mutex_t reading;      /* guards reader */
	struct sam_conn *reader;      /* for short reads, and for checkpoints */
	struct sam_head seen;         /* the head that the reader saw last */
	atomic_bool tampered;         /* found so: nothing is answered any more */
	atomic_bool failed;           /* a sync failed: what the disk has is not known */
	atomic_uint_fast64_t records, checkpoint_seq; /* as last seen: audit records, and at the newest checkpoint */
	atomic_int_fast64_t checkpoint_time;
	atomic_int_fast64_t checkpoint_retry_ms; /* after one that failed: not before */
	atomic_uint_fast64_t generation; /* times that another program was found to have written */
};

/** sam_store_in_place(store): STORE_TAMPERED if the file under its path is not the one that was opened: it was
 * replaced, by a restore or by somebody. */
enum sam_reason sam_store_in_place(struct sam_store *store) SAM_MUST;
/** sam_store_usable(store): INTERNAL in a forked child, STORE_TAMPERED, STORE_FAILED once found. */
enum sam_reason sam_store_usable(const struct sam_store *store) SAM_MUST;
/** sam_store_begin_read(store, head), sam_store_end_read(store): A short read: the reader, its
 * lock, a snapshot and its head. End is called only after SAM_OK. */
enum sam_reason sam_store_begin_read(struct sam_store *store, struct sam_head *head) SAM_MUST;
void sam_store_end_read(struct sam_store *store);
/** sam_store_begin_scan(store, conn, head), sam_store_end_scan(conn): A long read on a connection of its own; end is
 * called in any case. */
enum sam_reason sam_store_begin_scan(struct sam_store *store, struct sam_conn **conn,
				     struct sam_head *head) SAM_MUST;
void sam_store_end_scan(struct sam_conn *conn);

/** sam_store_enter(), sam_store_leave(): Bracket whatever uses SQLite: a child forked meanwhile can neither use nor
 * close what it inherited. */
void sam_store_enter(void);
void sam_store_leave(void);

#endif
