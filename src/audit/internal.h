/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the audit room share and nobody else sees.
 */
#ifndef SAM_AUDIT_INTERNAL_H
#define SAM_AUDIT_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include "audit/audit.h"
#include "base/mem.h"

enum {
	SAM_AUDIT_VERSION = 1,        /* the member `v` */
	SAM_AUDIT_TEXT_MAX = 1024,    /* bytes of one text from outside; the rest is cut */
	SAM_AUDIT_REPEAT_MS = 1000,   /* equal refusals: at most one record in this time */
};

/* Where an event's own members stand around the count: all of them are jansson's output without its
 * braces, so that equal events have equal text. */
struct sam_audit_text {
	char *before;                 /* class … detail */
	char *after;                  /* actor … statements */
	char *type, *outcome, *reason, *signer, *actor, *credential, *jti; /* as in the line, or NULL */
};

/* What every record of this process says under one policy; kept until the end, since others may be reading it. */
struct sam_audit_constant {
	struct sam_audit_constant *older;
	unsigned level;
	uint8_t policy[32];
	char *members;                /* peer, process, level, policy */
};

/* The refusal that is being counted, and what every record of this process says. */
struct sam_audit_repeat {
	pthread_mutex_t lock;
	struct sam_audit_text last;   /* the refusal last written; before == NULL: none */
	uint64_t pending;             /* how many equal ones came since */
	int64_t written_ms;           /* when the last record of this row was written */
	_Atomic(struct sam_audit_constant *) constant; /* of the policy in force; replaced under the lock */
};

/** sam_text_clean(in): A malloc()ed copy in valid UTF-8 (what is not becomes U+FFFD), cut at
 * SAM_AUDIT_TEXT_MAX; NULL: no memory. */
char *sam_text_clean(const char *in);

/** sam_text_members(object): jansson's compact text of ${object} without the braces, malloc()ed; NULL: no
 * memory. */
char *sam_text_members(const json_t *object);

/** sam_process_members(level, policy): The members peer, process, level and policy of this process. */
char *sam_process_members(unsigned level, const char *policy);

/** sam_record_text(constant, event, out), sam_record_clear(text): An event in words. */
enum sam_reason sam_record_text(const char *constant, const struct sam_event *event,
				struct sam_audit_text *out) SAM_MUST;
void sam_record_clear(struct sam_audit_text *text);

/** sam_record_join(text, count, out): The record that the store chains; ${count} above 1 becomes the
 * member `count`. ${out} owns all that it points to. */
enum sam_reason sam_record_join(const struct sam_audit_text *text, uint64_t count,
				struct sam_audit_record *out) SAM_MUST;

/** sam_chain_hash(bytes, len, hash): SHA-256 of a zero byte and ${bytes} (the leaf hash of RFC 9162). */
enum sam_reason sam_chain_hash(const char *bytes, size_t len, uint8_t hash[32]) SAM_MUST;

#endif
