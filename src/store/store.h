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
#include "base/reason.h"
#include "base/seal.h"
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

struct sam_store_options {
	const char *path;
	const struct sam_seal *seal;  /* outlives the store */
	sam_store_chain *chain;
	unsigned busy_ms;             /* how long to wait for the write lock; 0: 5,000 */
};

/** sam_store_create(options, node, policy_sha256, msg): Make a new store (0600, its folder must exist).
 * ${node} names the chain; both are sealed in the head. STORE_EXISTS if there is a file. Leaves no
 * half-made store behind. */
enum sam_reason sam_store_create(const struct sam_store_options *options, const char *node,
				 const uint8_t policy_sha256[32], struct sam_msg *msg) SAM_MUST;

/** sam_store_open(options, out, msg): Open, check schema version, head, and the rows that forbid.
 * STORE_MISSING, STORE_NEWER, STORE_TAMPERED, STORE_FAILED. Closed with sam_store_close(). */
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
	uint8_t policy_sha256[32];
	int64_t latest_time;      /* the latest time seen, seconds */
	int64_t swept_until;      /* the latest exp that was swept away */
	uint64_t activations, uses, tokens; /* how many rows of each */
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

/* ---- rows that grant: the registry's, opaque here ---- */

struct sam_row {
	const char *kind, *id;    /* together unique; at most 32 and 128 bytes */
	const void *body;         /* the registry's own serialisation */
	size_t len;
};

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

/** sam_store_grants_change(store, version, changes, count, record): All or nothing, durable, with its
 * audit record. ${version}: what the caller decided upon; STORE_CHANGED if it is not that any more. */
enum sam_reason sam_store_grants_change(struct sam_store *store, uint64_t version,
					const struct sam_change *changes, size_t count,
					const struct sam_record *record) SAM_MUST;

/* ---- rows that forbid: activations and uses ---- */

/* A SAD as the store knows it. */
struct sam_claim {
	const char *iss, *jti;    /* together its identity */
	uint8_t payload[SAM_SEAL_MAC]; /* MAC of its payload: another one under this identity is refused */
	int64_t exp;              /* seconds */
	uint32_t limit;           /* signatures in all; 0: no limit but the digests */
};

struct sam_reservation {
	int64_t activation;       /* the store's id of the activation */
	uint8_t digest[64];
	size_t digest_len;
};

/** sam_store_reserve(store, claim, digest, len, now, out): Take this digest of this SAD for good, seen
 * by all processes at once, not yet synced. SAD_EXPIRED (exp at or before the latest time seen or
 * swept), SAD_REUSED_ID, DIGEST_USED, COUNT_USED, STORE_*. Nothing is taken unless SAM_OK. */
enum sam_reason sam_store_reserve(struct sam_store *store, const struct sam_claim *claim,
				  const uint8_t *digest, size_t len, int64_t now,
				  struct sam_reservation *out) SAM_MUST;

/** sam_store_commit(store, reservation, record): The other half: when it returns SAM_OK the reservation
 * and the audit record are on the disk, and the signature may leave. Otherwise it must not. */
enum sam_reason sam_store_commit(struct sam_store *store, const struct sam_reservation *reservation,
				 const struct sam_record *record) SAM_MUST;

/** sam_store_give_back(store, reservation, record): The CM provably signed nothing: the digest is free
 * again, durably, with the record of the failure. */
enum sam_reason sam_store_give_back(struct sam_store *store, const struct sam_reservation *reservation,
				    const struct sam_record *record) SAM_MUST;

/** sam_store_known(store, claim, now): Would this SAD still be taken: not expired by the store's own
 * times, no other payload under its identity? Takes nothing. SAD_EXPIRED, SAD_REUSED_ID, STORE_*. */
enum sam_reason sam_store_known(struct sam_store *store, const struct sam_claim *claim,
				int64_t now) SAM_MUST;

/** sam_store_append(store, record, durable): An audit record alone; ${durable}: on the disk before it
 * returns, else with the next sync. */
enum sam_reason sam_store_append(struct sam_store *store, const struct sam_record *record,
				 bool durable) SAM_MUST;

/* ---- SAD tokens ---- */

enum { SAM_TOKEN_LEN = P11_SAM_TOKEN_LENGTH };

/** sam_store_token_put(store, claim, body, len, now, token, record): Keep ${body} (the activation, as
 * sap wrote it) under ${token} (30 characters, fresh and random), durably, and ${record} with it. If
 * the SAD has a token already, ${token} is overwritten with that one and nothing is kept. The store
 * holds it as a keyed hash and encrypted. SAD_EXPIRED, SAD_REUSED_ID, STORE_*. */
enum sam_reason sam_store_token_put(struct sam_store *store, const struct sam_claim *claim,
				    const void *body, size_t len, int64_t now,
				    char token[SAM_TOKEN_LEN + 1], const struct sam_record *record) SAM_MUST;

/** sam_store_token_find(store, token, body, len): What stands behind it, malloc()ed. TOKEN_UNKNOWN. */
enum sam_reason sam_store_token_find(struct sam_store *store, const char token[SAM_TOKEN_LEN],
				     uint8_t **body, size_t *len) SAM_MUST;

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

#endif
