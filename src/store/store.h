/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store: what must survive, be the same for all processes, and be noticed when changed
 * (HACKING.md; invariants 3, 4, 9). Verbs of the domain; only this room knows SQL.
 *
 * Any thread may call; calls of several threads share one transaction and one sync (the first that
 * comes leads, no thread is started). Handles are not used across fork: the child opens its own and
 * abandons the old (sam_store_abandon).
 */
#ifndef SAM_STORE_STORE_H
#define SAM_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/name.h"
#include "base/reason.h"
#include "base/seal.h"
#include "base/witness.h"
#include "include/p11-sam.h"

struct sam_store;

/* One audit record before it is chained: JSON members without braces and the columns to search by. */
struct sam_record {
	const char *members;      /* e.g. "\"type\":\"sign\",\"outcome\":\"success\"" */
	const char *type, *outcome, *reason, *signer, *actor, *credential, *jti; /* or NULL */
};

/* The audit room's way to make a line of it; handed in at open. The store gives what only it knows.
 * ${line} is malloc()ed; ${hash} is the line's hash, the next ${prev}. */
typedef enum sam_reason sam_store_chain(const struct sam_record *record, uint64_t seq, const char *node,
					int64_t time_us, const uint8_t prev[32], char **line,
					uint8_t hash[32]);

/* A row that grants: the registry's, opaque here. */
struct sam_row {
	const char *kind, *id;    /* together unique; at most 32 and 128 bytes */
	const void *body;         /* the registry's own serialisation */
	size_t len;
};

/* What an older version wrote becomes what this one reads: called for each granting row, ${from} the old
 * schema version; and from version 1 once more with kind "policy", id "sealed" and the 32 bytes of the
 * policy's SHA-256, which stood in the head: the body that comes back becomes that row. ${body} is
 * malloc()ed, or NULL: unchanged, and no row of the policy. A reason other than SAM_OK leaves the store
 * as it was. It must not call the store. */
typedef enum sam_reason sam_store_migrate(void *arg, int64_t from, const struct sam_row *row, char **body,
					  size_t *len);

struct sam_store_options {
	const char *path;
	const struct sam_seal *seal;  /* outlives the store */
	sam_store_chain *chain;
	unsigned busy_ms;             /* how long to wait for the write lock; 0: 5,000 */
	sam_store_migrate *migrate;   /* NULL: granting rows stay as they are */
	void *migrate_arg;
	const struct sam_witness *witness; /* outlives the store; NULL: none (tests, tools that only look) */
	bool restoring;               /* a copy that is to take the store's place: the CM's number may be ahead */
};

/** sam_store_create(options, node, msg): Make a new store (0600, its folder must exist). ${node} names the
 * chain and is sealed in the head. STORE_EXISTS if there is a file. Leaves no half-made store behind. */
enum sam_reason sam_store_create(const struct sam_store_options *options, const char *node,
				 struct sam_msg *msg) SAM_MUST;

/** sam_store_open(options, out, msg): Open, check schema version, head, and the rows that forbid; a store of
 * an older version is upgraded, whole or not at all. With a witness the CM's number is read, and a store
 * with an older checkpoint refused (STORE_TAMPERED). STORE_MISSING, STORE_NEWER, STORE_TAMPERED,
 * STORE_FAILED. Closed with sam_store_close(). */
enum sam_reason sam_store_open(const struct sam_store_options *options, struct sam_store **out,
			       struct sam_msg *msg) SAM_MUST;
void sam_store_close(struct sam_store *store);   /* NULL is harmless; no checkpoint */
void sam_store_abandon(struct sam_store *store); /* in a forked child: closes nothing of it */

struct sam_store_head {
	uint64_t sequence;        /* grows with every transaction */
	uint64_t grants_version;  /* grows with every change of the rows that grant */
	uint64_t audit_seq;       /* the newest audit record; 0: none */
	uint8_t audit_hash[32];
	char node[65];
	int64_t latest_time;      /* the latest time seen, seconds */
	int64_t swept_until;      /* the latest exp that was swept away */
	uint64_t epoch;           /* 1, and one more with each restore */
	int64_t not_before;       /* SADs made then or before are refused; seconds, 0 in the first epoch */
	uint64_t checkpoint;      /* number of the newest signed checkpoint; 0: none */
	uint64_t checkpoint_seq;  /* the newest audit record when it was made */
	int64_t checkpoint_time;  /* seconds */
	uint64_t activations, uses, tokens, counters, requests, deposits; /* how many rows of each */
};

/** sam_store_head(store, out): Read and unseal the head. */
enum sam_reason sam_store_head(struct sam_store *store, struct sam_store_head *out) SAM_MUST;

/** sam_store_check(store, msg): Every row against its MAC and the head's sums (doctor, maintain, audit
 * verify). STORE_TAMPERED and what in ${msg}. */
enum sam_reason sam_store_check(struct sam_store *store, struct sam_msg *msg) SAM_MUST;

/** sam_store_maintain(store, done): Sweep all that expired more than five minutes ago (before that a CM
 * may still be signing for it) and checkpoint the WAL, in small pieces, each under the write lock. ${done}
 * counts swept activations; may be NULL. */
enum sam_reason sam_store_maintain(struct sam_store *store, uint64_t *done) SAM_MUST;

/* ---- signed checkpoints ---- */

enum { SAM_CHECKPOINT_RECORDS = 1000, SAM_CHECKPOINT_S = 3600 };

/** sam_store_checkpoint_due(store): So many records since the newest, or one record and so much time? From
 * memory alone: it is asked after every signature. */
bool sam_store_checkpoint_due(const struct sam_store *store);

/** sam_store_checkpoint(store, force): Make a checkpoint where one is due, or in any case: signed, durable in the
 * store, then its number in the CM. Where the CM fails nothing is lost: the next one or the next opening makes
 * up for it, and for a minute none is due. Without a witness it does nothing. */
enum sam_reason sam_store_checkpoint(struct sam_store *store, bool force) SAM_MUST;

/** sam_store_checkpoints(store, from, each, arg): All with that number or a later one, in order, on one snapshot.
 * A reason other than SAM_OK from ${each} ends it. */
typedef enum sam_reason sam_store_each_checkpoint(void *arg, uint64_t number, uint64_t audit_seq, const char *jws);
enum sam_reason sam_store_checkpoints(struct sam_store *store, uint64_t from, sam_store_each_checkpoint *each,
				      void *arg) SAM_MUST;

/* ---- rows that grant ---- */

/** sam_store_grants_version(store, version): The version now; cheap. Notices a file that another
 * program wrote (STORE_TAMPERED once the rows are next loaded). */
enum sam_reason sam_store_grants_version(struct sam_store *store, uint64_t *version) SAM_MUST;

/** sam_store_grants_load(store, each, arg, version): Hand every row to ${each} in order of (kind, id),
 * then compare the whole with the head: STORE_TAMPERED means that nothing handed out may be used.
 * ${version} is what was loaded. A reason other than SAM_OK from ${each} ends it. */
typedef enum sam_reason sam_store_each_row(void *arg, const struct sam_row *row);
enum sam_reason sam_store_grants_load(struct sam_store *store, sam_store_each_row *each, void *arg,
				      uint64_t *version) SAM_MUST;

enum sam_change_kind { SAM_CHANGE_ADD /* EXISTS */, SAM_CHANGE_REPLACE /* NOT_FOUND */, SAM_CHANGE_REMOVE };
struct sam_change {
	enum sam_change_kind what;
	struct sam_row row;       /* REMOVE: kind and id */
};

/* A SAD as the store knows it. */
struct sam_claim {
	const char *iss, *jti;    /* together its identity */
	uint8_t payload[SAM_SEAL_MAC]; /* MAC of its payload: another one under this identity is refused */
	int64_t iat, exp;         /* seconds */
	uint32_t limit;           /* signatures in all; 0: no limit but the digests */
};

/* A single-use statement (operation SAD, assertion, proof) that a change uses up, all or nothing with it. */
struct sam_spend {
	struct sam_claim claim;
	uint8_t digest[32];       /* what of it is used: a constant of the caller's for each kind */
};

enum { SAM_COUNTER_KIND_MAX = 32, SAM_COUNTER_NAME_MAX = 64 };
struct sam_counter_id {
	const char *kind, *name;  /* 1 to 32 and 1 to 64 bytes */
};

/* Tokens to be erased: those of which ${is} says yes to the body, which is NUL-terminated. */
struct sam_forget {
	bool (*is)(void *arg, const void *body, size_t len);
	void *arg;
};

/* Requests and deposits that end with a change: those of a signer, or of a key. */
struct sam_end {
	const char *signer, *credential; /* one of them; NULL the other */
};

struct sam_change_set {
	uint64_t version;         /* what the caller decided upon; STORE_CHANGED if it is not that any more */
	const struct sam_change *changes;
	size_t count;
	const struct sam_spend *spends;
	size_t spend_count;
	const struct sam_counter_id *clears; /* counters set to nothing */
	size_t clear_count;
	const struct sam_forget *forget; /* tokens to be erased; NULL: none */
	const struct sam_end *ends;
	size_t end_count;
	int64_t now;              /* for the spends */
	const struct sam_record *records;
	size_t record_count;      /* at least one */
};

/** sam_store_grants_change(store, set): All or nothing, durable, with its audit records; changes, spends and
 * clears may each be none. STORE_CHANGED; EXISTS, NOT_FOUND; for spends SAD_EXPIRED, SAD_EPOCH,
 * SAD_REUSED_ID, DIGEST_USED, COUNT_USED; ARGUMENTS. The version moves only with changes. */
enum sam_reason sam_store_grants_change(struct sam_store *store, const struct sam_change_set *set) SAM_MUST;

/* ---- counters of failures ---- */

struct sam_counter {
	uint32_t failures;
	int64_t last;             /* when the newest failure was; seconds */
	int64_t locked_until;     /* 0: never locked */
};
struct sam_counter_rule {
	uint32_t attempts;        /* so many failures lock; 0 as 1 */
	int64_t lock_seconds;
};

/** sam_store_counter(store, id, out): Zeros if there is none. */
enum sam_reason sam_store_counter(struct sam_store *store, const struct sam_counter_id *id,
				  struct sam_counter *out) SAM_MUST;

/** sam_store_counter_enter(store, id): Until sam_store_counter_leave() no other thread of any process enters for that
 * counter (nor for some others): between looking at it and counting nobody else guesses. STORE_BUSY after the
 * store's time for waiting, STORE_FAILED. */
enum sam_reason sam_store_counter_enter(struct sam_store *store, const struct sam_counter_id *id) SAM_MUST;
void sam_store_counter_leave(struct sam_store *store, const struct sam_counter_id *id);

/** sam_store_counter_fail(store, id, rule, now, locked, record): One more failure, durable; those before are
 * forgotten a day after the last. When they reach ${rule}->attempts: locked for that time, *${locked}, the
 * failures back to 0, and ${record} (may be NULL) is appended with it. A lock is never shortened, and time
 * counts from the latest seen, so that a clock set back lets nobody in earlier. */
enum sam_reason sam_store_counter_fail(struct sam_store *store, const struct sam_counter_id *id,
				       const struct sam_counter_rule *rule, int64_t now, bool *locked,
				       const struct sam_record *record) SAM_MUST;

/** sam_store_counter_clear(store, id, record): Failures and lock are gone, durably; ${record} may be NULL.
 * Nothing is written if there is no counter and no record. */
enum sam_reason sam_store_counter_clear(struct sam_store *store, const struct sam_counter_id *id,
					const struct sam_record *record) SAM_MUST;

/** sam_store_counter_lock(store, id, until, record): Locked at least until then, durably; ${record} may be
 * NULL. */
enum sam_reason sam_store_counter_lock(struct sam_store *store, const struct sam_counter_id *id,
				       int64_t until, const struct sam_record *record) SAM_MUST;

/* ---- rows that forbid: activations and uses ---- */

enum { SAM_TOKEN_LEN = P11_SAM_TOKEN_LENGTH };

/* A SAD token that was presented: no secret, since it cannot be presented again. */
struct sam_token_id {
	uint8_t lookup[SAM_SEAL_MAC]; /* by what the store finds it */
	uint32_t number;              /* in the SAD's chain, from 1; 0: no token */
};

struct sam_reservation {
	int64_t activation;       /* the store's id of the activation */
	uint8_t digest[64];
	size_t digest_len;
	/* if a token was replaced with it: which, for give back; a secret, that the caller wipes */
	char token[SAM_TOKEN_LEN];
	uint32_t number;          /* of that one; 0: none was replaced */
	uint8_t next[SAM_SEAL_MAC]; /* the look-up value of the one that replaced it */
	char request[14];         /* set by the caller before it commits: the request that is used with it; "": none */
};

/** sam_store_reserve(store, claim, digest, len, now, out): Take this digest of this SAD for good, seen
 * by all processes at once, not yet synced. SAD_EXPIRED (exp at or before the latest time seen or
 * swept), SAD_EPOCH (iat not after the restore), SAD_REUSED_ID, SAD_REVOKED, DIGEST_USED, COUNT_USED, STORE_*. Nothing
 * is taken unless SAM_OK. */
enum sam_reason sam_store_reserve(struct sam_store *store, const struct sam_claim *claim,
				  const uint8_t *digest, size_t len, int64_t now,
				  struct sam_reservation *out) SAM_MUST;

/* By which token a digest is taken. */
struct sam_token_use {
	struct sam_token_id id;
	uint32_t chain;           /* 0: it serves again; else it signs once, and a chain has at most so many */
	char next[SAM_TOKEN_LEN + 1]; /* what replaces it: fresh and random; a secret, that the caller wipes */
};

/** sam_store_reserve_by_token(store, claim, token, digest, len, now, out): The same by a SAD token, and only if it is
 * the SAD's current one: TOKEN_RENEWED else. Where ${token}->chain is not 0 the token is replaced in the same
 * transaction, so that it never has two successors; RENEWALS_USED if its number is beyond that. */
enum sam_reason sam_store_reserve_by_token(struct sam_store *store, const struct sam_claim *claim,
					   const struct sam_token_use *token, const uint8_t *digest, size_t len,
					   int64_t now, struct sam_reservation *out) SAM_MUST;

/** sam_store_commit(store, reservation, record): The other half: when it returns SAM_OK the reservation
 * and the audit record are on the disk, and the signature may leave. Otherwise it must not; the digest stays taken:
 * REQUEST_REJECTED, SAD_REVOKED: somebody said no meanwhile; STORE_*. */
enum sam_reason sam_store_commit(struct sam_store *store, const struct sam_reservation *reservation,
				 const struct sam_record *record) SAM_MUST;

/** sam_store_give_back(store, reservation, record): The CM provably signed nothing: the digest is free
 * again, durably, with the record of the failure; and so is the token that was replaced with it, unless its
 * successor was used meanwhile: a chain never forks. */
enum sam_reason sam_store_give_back(struct sam_store *store, const struct sam_reservation *reservation,
				    const struct sam_record *record) SAM_MUST;

/** sam_store_known(store, claim, now): Would this SAD still be taken: not expired by the store's own
 * times, not of an epoch before, not revoked, no other payload under its identity? Takes nothing. SAD_EXPIRED,
 * SAD_EPOCH, SAD_REUSED_ID, SAD_REVOKED, STORE_*. */
enum sam_reason sam_store_known(struct sam_store *store, const struct sam_claim *claim,
				int64_t now) SAM_MUST;

/** sam_store_append(store, record, durable): An audit record alone; ${durable}: on the disk before it
 * returns, else with the next sync. */
enum sam_reason sam_store_append(struct sam_store *store, const struct sam_record *record,
				 bool durable) SAM_MUST;

/* ---- SAD tokens ---- */

/** sam_store_token_put(store, claim, body, len, now, token, record): Keep ${body} (the activation, as
 * sap wrote it) under ${token} (30 characters, fresh and random), durably, and ${record} with it. If
 * the SAD has a token already, ${token} is overwritten with that one and nothing is kept. The store
 * holds it as a keyed hash and encrypted. SAD_EXPIRED, SAD_EPOCH, SAD_REUSED_ID, STORE_*. */
enum sam_reason sam_store_token_put(struct sam_store *store, const struct sam_claim *claim,
				    const void *body, size_t len, int64_t now,
				    char token[SAM_TOKEN_LEN + 1], const struct sam_record *record) SAM_MUST;

/** sam_store_token_find(store, token, id, body, len): What stands behind it, malloc()ed, and which it is (NULL: no
 * matter). TOKEN_UNKNOWN: there never was one, it was replaced by its successor, or the SAD has expired. */
enum sam_reason sam_store_token_find(struct sam_store *store, const char token[SAM_TOKEN_LEN], struct sam_token_id *id,
				     uint8_t **body, size_t *len) SAM_MUST;

/** sam_store_token_of(store, claim, now, token, number): The SAD's current token, and its number in the chain; the
 * caller wipes it. TOKEN_UNKNOWN if it has none; SAD_EXPIRED, SAD_EPOCH, SAD_REUSED_ID, STORE_*. */
enum sam_reason sam_store_token_of(struct sam_store *store, const struct sam_claim *claim, int64_t now,
				   char token[SAM_TOKEN_LEN + 1], uint32_t *number) SAM_MUST;
/* ---- deferred authorisation: requests that wait for their signer, and SADs deposited for them ---- */

enum { SAM_REQUEST_ID_SIZE = 14, SAM_REQUEST_TEXT_SIZE = 256,
       SAM_REQUESTS_MAX = 4096,        /* rows in all: settled ones go first */
       SAM_DEPOSITS_MAX = 16384,       /* in all, */
       SAM_DEPOSITS_KEY_MAX = 1024 };  /* and of one key */

/* APPROVED: a SAD is deposited, the signature not fetched yet. */
enum sam_request_state { SAM_REQUEST_STATE_OPEN = 1, SAM_REQUEST_STATE_APPROVED, SAM_REQUEST_STATE_REJECTED,
			 SAM_REQUEST_STATE_USED, SAM_REQUEST_STATE_EXPIRED };

/* Somebody asked for a signature without an activation. Texts are the store's own copies. */
struct sam_request {
	char id[SAM_REQUEST_ID_SIZE];
	enum sam_request_state state;
	char credential[SAM_REQUEST_TEXT_SIZE], signer[SAM_NAME_SIZE];
	uint8_t thumbprint[32];           /* of the key */
	char principal[SAM_NAME_SIZE];    /* the login that asked */
	char mechanism[SAM_NAME_SIZE];    /* CKM_… */
	char hash_oid[SAM_NAME_SIZE];
	uint8_t dtbsr[64];
	size_t dtbsr_len;
	char application[SAM_REQUEST_TEXT_SIZE]; /* the program that asked, "" unknown */
	int64_t uid;                      /* its user */
	char label[SAM_REQUEST_TEXT_SIZE]; /* what the application calls the document; "": nothing */
	int64_t created, expires;         /* seconds */
};

/** sam_store_request_put(store, request, max, now, record): Keep a new request, durably, with its record. Where the
 * same principal has one for this key, mechanism and digest that is open or approved, ${request} becomes that one
 * and nothing is written. REQUESTS_FULL: ${max} open or approved of the principal, or of the key
 * (unless it is the principal's first for it), or SAM_REQUESTS_MAX in all. */
enum sam_reason sam_store_request_put(struct sam_store *store, struct sam_request *request, unsigned max, int64_t now,
				      const struct sam_record *record) SAM_MUST;

/** sam_store_request_find(store, id, out): NOT_FOUND. */
enum sam_reason sam_store_request_find(struct sam_store *store, const char *id, struct sam_request *out) SAM_MUST;

/** sam_store_request_of(store, like, now, out): The open or approved one, not expired, of ${like}'s principal,
 * credential, mechanism, hash and dtbsr. NOT_FOUND. */
enum sam_reason sam_store_request_of(struct sam_store *store, const struct sam_request *like, int64_t now,
				     struct sam_request *out) SAM_MUST;

/** sam_store_requests(store, each, arg): All, oldest first, on one snapshot. A reason other than SAM_OK from ${each}
 * ends it. */
typedef enum sam_reason sam_store_each_request(void *arg, const struct sam_request *request);
enum sam_reason sam_store_requests(struct sam_store *store, sam_store_each_request *each, void *arg) SAM_MUST;

/** sam_store_request_settle(store, id, state, now, record): An open or approved request is REJECTED, and what is
 * deposited for its key signs its digest no more; or, its time being over, EXPIRED; durably, with its record.
 * NOT_FOUND; REQUEST_SETTLED: it is neither open nor approved, or not over. */
enum sam_reason sam_store_request_settle(struct sam_store *store, const char *id, enum sam_request_state state,
					 int64_t now, const struct sam_record *record) SAM_MUST;

/* A SAD given beforehand, or for a request: it serves whoever may use the key, for these digests. */
struct sam_deposit {
	const struct sam_claim *claim;
	const char *credential, *signer;
	const void *body;         /* the activation, as sap wrote it; at most 1 MiB */
	size_t len;
	const uint8_t *digests;   /* ${count} digests of ${digest_len} bytes, one behind the other */
	size_t count, digest_len;
};

/** sam_store_deposit_put(store, deposit, request, now, record): Keep it, durably, with its record; what ${request} (an
 * id, or NULL) waits for is approved with it. The same SAD again is no error. SAD_EXPIRED, SAD_EPOCH,
 * SAD_REUSED_ID, SAD_REVOKED; DIGEST_USED: it is deposited for one digest, which is used; REQUESTS_FULL; NOT_FOUND,
 * REQUEST_EXPIRED, REQUEST_SETTLED: nothing is kept. */
enum sam_reason sam_store_deposit_put(struct sam_store *store, const struct sam_deposit *deposit, const char *request,
				      int64_t now, const struct sam_record *record) SAM_MUST;

/** sam_store_deposit_find(store, credential, digest, len, each, arg): The bodies of all that name this digest of this
 * key, and of which that is not used, oldest first, on one snapshot: copies; ${each} may use the store. A reason other
 * than SAM_OK from ${each} ends it. */
typedef enum sam_reason sam_store_each_deposit(void *arg, const void *body, size_t len);
enum sam_reason sam_store_deposit_find(struct sam_store *store, const char *credential, const uint8_t *digest, size_t len,
				       sam_store_each_deposit *each, void *arg) SAM_MUST;

/** sam_store_revoke(store, claim, now, record): This SAD, known already or not, authorises nothing any more; its token
 * and deposit are erased; durably, with its record. SAD_EXPIRED, SAD_EPOCH, SAD_REUSED_ID; SAD_REVOKED: it is so
 * already. */
enum sam_reason sam_store_revoke(struct sam_store *store, const struct sam_claim *claim, int64_t now,
				 const struct sam_record *record) SAM_MUST;

/* ---- reading the audit trail ---- */

struct sam_audit_filter {
	int64_t since_us, until_us;  /* 0: open */
	uint64_t from_seq, to_seq;   /* 0: open */
	const char *type, *outcome, *reason, *signer, *actor, *credential, *jti; /* NULL: any */
	uint64_t limit;              /* 0: none */
};

struct sam_audit_row {
	uint64_t seq;
	int64_t time_us;
	const char *line;         /* the exact bytes of the record */
	uint8_t hash[32];
	const char *type, *outcome, *reason, *signer, *actor, *credential, *jti; /* the columns, or NULL */
};

/** sam_store_audit_read(store, filter, each, arg): In order of seq, on one snapshot. */
typedef enum sam_reason sam_store_each_audit(void *arg, const struct sam_audit_row *row);
enum sam_reason sam_store_audit_read(struct sam_store *store, const struct sam_audit_filter *filter,
				     sam_store_each_audit *each, void *arg) SAM_MUST;

/* ---- backup and restore ---- */

/** sam_store_copy(store, path, head): A consistent copy of the live store at ${path} (0600, on the disk, nothing
 * beside it) and the head that it has. Others write on meanwhile. ${path} must not exist: EXISTS. */
enum sam_reason sam_store_copy(struct sam_store *store, const char *path, struct sam_store_head *head) SAM_MUST;

/** sam_store_adopt(options, msg): ${options}->path is such a copy, which nobody uses: check every row, and make
 * its mark, so that sam_store_open() takes it. STORE_TAMPERED, also if another CM sealed it; STORE_NEWER. */
enum sam_reason sam_store_adopt(const struct sam_store_options *options, struct sam_msg *msg) SAM_MUST;

/** sam_store_graft(store, row): Append an audit record as another copy of this store wrote it: the next seq, not
 * older than the last. That its prev is the last hash, and its hash the line's, the caller has verified.
 * ARGUMENTS. Durable with the next durable call. */
enum sam_reason sam_store_graft(struct sam_store *store, const struct sam_audit_row *row) SAM_MUST;

/** sam_store_new_epoch(store, after, not_before, record): Forget all activations, uses, tokens, requests and deposits,
 * and refuse every SAD made at ${not_before} or before it (seconds: now, and the leeway that the policy gives iat); the
 * next epoch, and one beyond ${after}; the checkpoints go on after the CM's number. Durable, with its record. Not
 * before is never set back. */
enum sam_reason sam_store_new_epoch(struct sam_store *store, uint64_t after, int64_t not_before,
				    const struct sam_record *record) SAM_MUST;

/** sam_store_salvage(options, from_seq, each, arg, head): Read what can be read of a store that may be damaged:
 * the audit records from ${from_seq} on, raw and unverified, up to the first hole. ${head} is filled if it can be
 * unsealed and is not behind the mark; else its node is "". Only reads, without witness. STORE_MISSING; a damaged
 * store is no failure. A reason other than SAM_OK from ${each} ends it. */
enum sam_reason sam_store_salvage(const struct sam_store_options *options, uint64_t from_seq,
				  sam_store_each_audit *each, void *arg, struct sam_store_head *head) SAM_MUST;

/** sam_store_replace(options, from, keep, msg): Put the adopted store ${from}, which nobody has open, in the place of
 * the one at ${options}->path, which is kept under that path with ${keep} behind it. Under the write lock; both
 * in one file system. A crash leaves the old store, or none under that name, or the new one; called again
 * with the same arguments it finishes. No old store, or a damaged one, is no failure. EXISTS if ${keep} is taken.
 * Processes that have the old one open refuse from then on (STORE_TAMPERED). */
enum sam_reason sam_store_replace(const struct sam_store_options *options, const char *from, const char *keep,
				  struct sam_msg *msg) SAM_MUST;

#endif
