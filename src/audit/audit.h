/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The audit trail: events become records (p11-sam-audit(5)), records become a hash chain. One
 * catalogue, events.def. No secret has a member here (invariant 8).
 */
#ifndef SAM_AUDIT_AUDIT_H
#define SAM_AUDIT_AUDIT_H

#include "base/reason.h"
#include "store/store.h"

enum sam_event_type {
#define E(NAME, name, class, meaning, members, clause) SAM_EVENT_##NAME,
#include "audit/events.def"
#undef E
	SAM_EVENT_COUNT
};

struct sam_event_info {
	const char *name, *class, *meaning, *members, *clause;
};
const struct sam_event_info *sam_audit_event_info(enum sam_event_type type);

/* An event; what is NULL or 0 is left out of the record. Nothing here is kept after the call. */
struct sam_event {
	enum sam_event_type type;
	enum sam_reason reason;   /* SAM_OK: outcome success */
	const char *actor_kind, *actor, *role;
	const char *signer, *credential;
	const char *certificate_issuer, *certificate_serial, *certificate_subject; /* of that key; serial NULL: none */
	const uint8_t *dtbsr;
	size_t dtbsr_len;
	const char *hash_oid, *label, *mechanism;
	const char *iss, *jti, *kid;
	const uint8_t *sad_sha256; /* 32 */
	const char *factors;      /* "possession" */
	const char *activation;   /* sad, token, login, deferred */
	const char *request;      /* the id of the request that waited for the signer */
	const char *target, *old_value, *new_value;
	const char *reference;    /* of the pending act that this confirms */
	const uint8_t *signature; /* its bytes; the record has their SHA-256 */
	size_t signature_len;
	const char *cm_manufacturer, *cm_model, *cm_firmware, *cm_serial;
	const char *const *statements; /* NULL-terminated */
	const char *detail;       /* the msg that goes with a reason: claim, field; never a value */
};

/* What every record of this process says. */
struct sam_audit {
	struct sam_store *store;
	struct sam_audit_repeat *repeat; /* the refusal that is being counted */
};

/** sam_audit_start(audit, store, level, policy_sha256), sam_audit_end(audit): End writes what was
 * being counted. */
enum sam_reason sam_audit_start(struct sam_audit *audit, struct sam_store *store, unsigned level,
				const uint8_t policy_sha256[32]) SAM_MUST;
void sam_audit_end(struct sam_audit *audit);

/** sam_audit_policy(audit, level, policy_sha256): From now on the records of this process say this policy. MEMORY. */
enum sam_reason sam_audit_policy(struct sam_audit *audit, unsigned level,
				 const uint8_t policy_sha256[32]) SAM_MUST;

/* A record made of an event, for the store verbs that write it in their own transaction. */
struct sam_audit_record {
	struct sam_record record;
	char *members;            /* owned */
};
/** sam_audit_make(audit, event, out): What was being counted is written first. ${out} is a copy;
 * clear it with sam_audit_clear(). */
enum sam_reason sam_audit_make(const struct sam_audit *audit, const struct sam_event *event,
			       struct sam_audit_record *out) SAM_MUST;
void sam_audit_clear(struct sam_audit_record *record);

/** sam_audit_event(audit, event, durable): Record it by itself. Equal refusals in a row become one record
 * with a count, written at most once a second. */
enum sam_reason sam_audit_event(struct sam_audit *audit, const struct sam_event *event,
				bool durable) SAM_MUST;

/** sam_audit_refuse(audit, event, reason): Record a refusal and give ${reason} back: the end of every
 * failing path. Where it cannot be recorded the store's reason is given back: a refusal still, but one
 * that tells an application nothing about its secret that the trail does not know. */
enum sam_reason sam_audit_refuse(struct sam_audit *audit, struct sam_event *event, enum sam_reason reason);

/** sam_audit_application(exe, size, uid): Who is served: the process at the other end of p11-kit's server, else this
 * one: its program as far as this user may know it (else ""), and its user. Applications say neither: the kernel does. */
void sam_audit_application(char *exe, size_t size, int64_t *uid);

/** sam_audit_chain: the sam_store_chain of this room. */
sam_store_chain sam_audit_chain;

/* Verifying a trail, record by record, wherever it comes from. */
struct sam_audit_verifier {
	uint64_t next_seq;
	uint8_t prev[32];
	char node[65];
};
void sam_audit_verify_start(struct sam_audit_verifier *v);
/** sam_audit_verify_line(v, line, hash, msg): The next record: seq without gap, prev, hash. STORE_TAMPERED and
 * what in ${msg}; ${hash} gets its hash. */
enum sam_reason sam_audit_verify_line(struct sam_audit_verifier *v, const char *line, uint8_t hash[32],
				      struct sam_msg *msg) SAM_MUST;

/** sam_audit_verify(store, progress, arg, count, msg): The whole live trail, its columns against
 * its lines, and its end against the sealed head. ${progress} is called now and then (may be NULL).
 * ${msg} names the first bad record. */
enum sam_reason sam_audit_verify(struct sam_store *store,
				 void (*progress)(void *arg, uint64_t done), void *arg,
				 uint64_t *count, struct sam_msg *msg) SAM_MUST;

#endif
