/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verifying a trail: sequence without gaps, every hash, every link, the search columns against the
 * lines, and the end against the sealed head (invariant 9). Nothing is believed but the lines'
 * bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/internal.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/ossl.h"

void sam_audit_verify_start(struct sam_audit_verifier *v)
{
	memset(v, 0, sizeof(*v));
	v->next_seq = 1;
}

static enum sam_reason bad(struct sam_msg *msg, uint64_t seq, const char *what)
{
	sam_msg_set(msg, "record %" PRIu64 ": %s", seq, what);
	return SAM_STORE_TAMPERED;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool hex_equal(const char *hex, const uint8_t *value)
{
	char own[65];

	sam_encode_hex(value, 32, own);
	return hex && strcmp(hex, own) == 0;
}

/* Where the hashed bytes end: before the last `,"hash"`. No string can hold that: its quotes would
 * be escaped. */
static size_t hashed_length(const char *line)
{
	const char *end = NULL;

	for (const char *p = line; (p = strstr(p, ",\"hash\"")); p++)
		end = p;
	return end ? (size_t)(end - line) : 0;
}

/* The line as JSON, only if it is one flat run of bytes that the hash covers, and then
 * `,"hash":"…"}`. */
static json_t *parse(const char *line, const uint8_t hash[32], size_t hashed)
{
	char tail[80], own[65];

	sam_encode_hex(hash, 32, own);
	snprintf(tail, sizeof(tail), ",\"hash\":\"%s\"}", own);
	if (strcmp(line + hashed, tail) != 0)
		return NULL;
	return json_loads(line, JSON_REJECT_DUPLICATES, NULL);
}

static enum sam_reason check_members(struct sam_audit_verifier *v, const json_t *object,
				     struct sam_msg *msg)
{
	const json_t *version = json_object_get(object, "v"), *seq = json_object_get(object, "seq");
	const char *node = text_of(object, "node"), *time = text_of(object, "time");
	int64_t when;

	if (!json_is_integer(version) || json_integer_value(version) != SAM_AUDIT_VERSION)
		return bad(msg, v->next_seq, "unknown version of the record (v)");
	if (!json_is_integer(seq) || (uint64_t)json_integer_value(seq) != v->next_seq)
		return bad(msg, v->next_seq, "missing: another record stands in its place");
	if (!node || !*node || strlen(node) >= sizeof(v->node) ||
	    (v->node[0] && strcmp(v->node, node) != 0))
		return bad(msg, v->next_seq, "it is of another node");
	if (!time || !sam_clock_parse(time, &when))
		return bad(msg, v->next_seq, "its time cannot be read");
	if (!hex_equal(text_of(object, "prev"), v->prev))
		return bad(msg, v->next_seq, "it does not follow the record before it (prev)");
	if (!v->node[0])
		strcpy(v->node, node);
	return SAM_OK;
}

/* As sam_audit_verify_line(), and the parsed line for whoever looks further. */
static enum sam_reason verify_line(struct sam_audit_verifier *v, const char *line, uint8_t hash[32],
				   json_t **object, struct sam_msg *msg)
{
	size_t hashed = hashed_length(line);
	enum sam_reason reason;

	*object = NULL;
	if (hashed == 0)
		return bad(msg, v->next_seq, "it has no hash");
	reason = sam_chain_hash(line, hashed, hash);
	if (reason != SAM_OK)
		return reason;
	*object = parse(line, hash, hashed);
	if (!*object)
		return bad(msg, v->next_seq, "changed: its hash is not that of its bytes");
	reason = check_members(v, *object, msg);
	if (reason == SAM_OK) {
		memcpy(v->prev, hash, 32);
		v->next_seq++;
	}
	return reason;
}

enum sam_reason sam_audit_verify_line(struct sam_audit_verifier *v, const char *line,
				      uint8_t hash[32], struct sam_msg *msg)
{
	json_auto_t *object = NULL;

	return verify_line(v, line, hash, &object, msg);
}

/* ---- the live trail ---- */

/* A signature that the trail tells of: which SAD and hash, shortened, and where. */
struct given {
	uint64_t key, seq;
};

struct run {
	struct sam_audit_verifier v;
	struct given *given;
	size_t given_count, given_room;
	void (*progress)(void *arg, uint64_t done);
	void *arg;
	struct sam_msg *msg;
};

static bool column_is(const char *column, const char *line)
{
	return column ? line && strcmp(column, line) == 0 : !line;
}

static bool columns_match(const struct sam_audit_row *row, uint64_t seq, const uint8_t hash[32],
			  const json_t *line)
{
	char time[SAM_CLOCK_TEXT];

	sam_clock_text(row->time_us, time);
	return row->seq == seq && memcmp(row->hash, hash, 32) == 0 &&
	       column_is(time, text_of(line, "time")) &&
	       column_is(row->type, text_of(line, "type")) &&
	       column_is(row->outcome, text_of(line, "outcome")) &&
	       column_is(row->reason, text_of(line, "reason")) &&
	       column_is(row->signer, text_of(line, "signer")) &&
	       column_is(row->actor, text_of(json_object_get(line, "actor"), "id")) &&
	       column_is(row->credential, text_of(line, "credentialID")) &&
	       column_is(row->jti, text_of(json_object_get(line, "sad"), "jti"));
}

static bool note_given(struct run *run, uint64_t seq, const json_t *line)
{
	const json_t *sad = json_object_get(line, "sad");
	const char *dtbsr = text_of(line, "dtbsr"), *type = text_of(line, "type");
	const char *outcome = text_of(line, "outcome"), *iss = text_of(sad, "iss"), *jti = text_of(sad, "jti");
	uint8_t hash[32];

	if (!type || !outcome || !iss || !jti || !dtbsr || strcmp(type, "sign") != 0 ||
	    strcmp(outcome, "success") != 0)
		return true;
	if (run->given_count == run->given_room) {
		size_t room = run->given_room ? 2 * run->given_room : 1024;
		struct given *more = realloc(run->given, room * sizeof(*more));

		if (!more)
			return false;
		run->given = more;
		run->given_room = room;
	}
	sam_auto(sam_free) char *text = NULL;
	int len = asprintf(&text, "%s %s %s", iss, jti, dtbsr); /* none of them has a blank */

	if (len < 0 || sam_ossl_digest(SAM_HASH_SHA256, text, (size_t)len, hash) != SAM_OK)
		return false;
	struct given *g = &run->given[run->given_count++];

	memcpy(&g->key, hash, sizeof(g->key));
	g->seq = seq;
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct given *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Each signature that a SAD authorises is given once (invariant 3): where the store was made to give it
 * again, and its own traces removed, the trail still has both. */
static enum sam_reason check_given(struct run *run)
{
	if (run->given_count)
		qsort(run->given, run->given_count, sizeof(*run->given), by_key);
	for (size_t i = 1; i < run->given_count; i++)
		if (run->given[i].key == run->given[i - 1].key) {
			sam_msg_set(run->msg,
				    "record %" PRIu64 ": a second signature under the same SAD and hash as in record %" PRIu64,
				    run->given[i].seq, run->given[i - 1].seq);
			return SAM_STORE_TAMPERED;
		}
	return SAM_OK;
}

static enum sam_reason verify_row(void *arg, const struct sam_audit_row *row)
{
	struct run *run = arg;
	uint64_t seq = run->v.next_seq;
	uint8_t hash[32];
	json_auto_t *line = NULL;
	enum sam_reason reason = verify_line(&run->v, row->line, hash, &line, run->msg);

	if (reason != SAM_OK)
		return reason;
	if (!columns_match(row, seq, hash, line))
		return bad(run->msg, seq, "its search columns differ from the record");
	if (!note_given(run, seq, line))
		return SAM_MEMORY;
	if (run->progress && (seq & 1023) == 0)
		run->progress(run->arg, seq);
	return SAM_OK;
}

/* The records from run's next on, up to ${last} (0: all), on a snapshot. */
static enum sam_reason verify_rows(struct sam_store *store, struct run *run, uint64_t last)
{
	const struct sam_audit_filter filter = { .from_seq = last ? run->v.next_seq : 0,
						 .to_seq = last };

	return sam_store_audit_read(store, &filter, verify_row, run);
}

/* The head is asked last: where the store finds by itself that it was changed, it says no more, and
 * the chain, read before, names the record. Others may write meanwhile: what is new is read too. */
static enum sam_reason check_end(struct sam_store *store, struct run *run)
{
	struct sam_store_head head;
	enum sam_reason reason = sam_store_head(store, &head);

	if (reason == SAM_STORE_TAMPERED)
		sam_msg_set(run->msg,
			    "the records up to %" PRIu64
			    " follow each other, but the sealed head names another "
			    "end: the last ones were removed, added or rewritten",
			    run->v.next_seq - 1);
	if (reason == SAM_OK && run->v.next_seq <= head.audit_seq)
		reason = verify_rows(store, run, head.audit_seq);
	if (reason != SAM_OK)
		return reason;
	if (run->v.next_seq <= head.audit_seq)
		return bad(run->msg, run->v.next_seq, "missing: the sealed head names a later one");
	if (run->v.next_seq - 1 > head.audit_seq)
		return bad(run->msg, head.audit_seq + 1,
			   "added behind the end that the sealed head names");
	if (memcmp(run->v.prev, head.audit_hash, 32) != 0)
		return bad(run->msg, head.audit_seq,
			   "it is not the one that the sealed head names");
	if (*run->v.node && strcmp(run->v.node, head.node) != 0)
		return bad(run->msg, 1, "it is of another node");
	return SAM_OK;
}

enum sam_reason sam_audit_verify(struct sam_store *store,
				 void (*progress)(void *arg, uint64_t done), void *arg,
				 uint64_t *count, struct sam_msg *msg)
{
	struct run run = { .progress = progress, .arg = arg, .msg = msg };
	enum sam_reason reason;

	sam_audit_verify_start(&run.v);
	reason = verify_rows(store, &run, 0);
	if (reason == SAM_OK)
		reason = check_end(store, &run);
	if (reason == SAM_OK)
		reason = check_given(&run);
	free(run.given);
	*count = run.v.next_seq - 1;
	return reason;
}
