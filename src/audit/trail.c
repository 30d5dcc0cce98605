/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing the trail: one event after another, and equal refusals in a row as one record with a
 * count, so that nobody can drown it.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "audit/internal.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"

/* One more on top of those that there are; false without memory. */
static bool push_constant(struct sam_audit_repeat *repeat, unsigned level, const uint8_t policy_sha256[32])
{
	struct sam_audit_constant *constant = calloc(1, sizeof(*constant));
	char policy[65];

	if (!constant)
		return false;
	sam_encode_hex(policy_sha256, 32, policy);
	constant->members = sam_process_members(level, policy);
	if (!constant->members) {
		free(constant);
		return false;
	}
	constant->level = level;
	memcpy(constant->policy, policy_sha256, sizeof(constant->policy));
	constant->older = atomic_load(&repeat->constant);
	atomic_store(&repeat->constant, constant);
	return true;
}

static void free_constants(struct sam_audit_repeat *repeat)
{
	struct sam_audit_constant *constant = atomic_load(&repeat->constant), *older;

	for (; constant; constant = older) {
		older = constant->older;
		free(constant->members);
		free(constant);
	}
}

static const char *members(const struct sam_audit *audit)
{
	return atomic_load(&audit->repeat->constant)->members;
}

enum sam_reason sam_audit_start(struct sam_audit *audit, struct sam_store *store, unsigned level,
				const uint8_t policy_sha256[32])
{
	struct sam_audit_repeat *repeat = calloc(1, sizeof(*repeat));

	memset(audit, 0, sizeof(*audit));
	if (!repeat)
		return sam_log_reason(SAM_MEMORY, "audit: no memory");
	audit->store = store;
	if (!push_constant(repeat, level, policy_sha256) || pthread_mutex_init(&repeat->lock, NULL) != 0) {
		free_constants(repeat);
		free(repeat);
		return sam_log_reason(SAM_MEMORY, "audit: no memory");
	}
	audit->repeat = repeat;
	return SAM_OK;
}

static bool is_policy(const struct sam_audit_repeat *repeat, unsigned level, const uint8_t policy_sha256[32])
{
	const struct sam_audit_constant *now = atomic_load(&repeat->constant);

	return now->level == level && memcmp(now->policy, policy_sha256, sizeof(now->policy)) == 0;
}

enum sam_reason sam_audit_policy(struct sam_audit *audit, unsigned level, const uint8_t policy_sha256[32])
{
	struct sam_audit_repeat *repeat = audit->repeat;
	bool good = true;

	if (is_policy(repeat, level, policy_sha256))
		return SAM_OK;
	pthread_mutex_lock(&repeat->lock);
	/* LOCKED ------------------------------------------------ */
	if (!is_policy(repeat, level, policy_sha256))
		good = push_constant(repeat, level, policy_sha256);
	/* ------------------------------------------------ LOCKED */
	pthread_mutex_unlock(&repeat->lock);
	return good ? SAM_OK : sam_log_reason(SAM_MEMORY, "audit: no memory");
}

/* What was taken out of the row under its lock, to be written without it. */
struct due {
	struct sam_audit_text text;
	uint64_t count; /* 0: nothing */
};

static enum sam_reason write_text(struct sam_store *store, const struct sam_audit_text *text,
				  uint64_t count, bool durable)
{
	struct sam_audit_record record;
	enum sam_reason reason = sam_record_join(text, count, &record);

	if (reason == SAM_OK)
		reason = sam_store_append(store, &record.record, durable);
	sam_audit_clear(&record);
	return reason;
}

static void write_due(struct sam_store *store, struct due *due, bool durable)
{
	if (due->count > 0 && write_text(store, &due->text, due->count, durable) != SAM_OK)
		sam_log(SAM_LOG_ERR,
			"audit: %" PRIu64 " equal refusals (%s, %s) could not be recorded",
			due->count, due->text.type, due->text.reason);
	sam_record_clear(&due->text);
}

static bool same_text(const struct sam_audit_text *a, const struct sam_audit_text *b)
{
	return a->before && b->before && strcmp(a->before, b->before) == 0 &&
	       strcmp(a->after, b->after) == 0;
}

/* Ends the row: what is pending goes to ${due}, ${next} (or nothing) begins the next one. */
static void turn_over(struct sam_audit_repeat *repeat, struct sam_audit_text *next, struct due *due)
{
	/* LOCKED by the caller */
	due->text = repeat->last;
	due->count = repeat->pending;
	repeat->pending = 0;
	memset(&repeat->last, 0, sizeof(repeat->last));
	if (next) {
		repeat->last = *next;
		repeat->written_ms = sam_clock_monotonic_ms();
	}
}

static bool copy_text(struct sam_audit_text *out, const struct sam_audit_text *in)
{
	char *const *from[] = { &in->before, &in->after, &in->type,	  &in->outcome, &in->reason,
				&in->signer, &in->actor, &in->credential, &in->jti };
	char **to[] = { &out->before, &out->after, &out->type,	     &out->outcome, &out->reason,
			&out->signer, &out->actor, &out->credential, &out->jti };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		if (*from[i] && !(*to[i] = strdup(*from[i]))) {
			sam_record_clear(out);
			return false;
		}
	}
	return true;
}

/* An equal refusal is only counted; once a second what was counted becomes a record. True: counted.
 */
static bool count_refusal(struct sam_audit_repeat *repeat, const struct sam_audit_text *text,
			  struct due *due)
{
	int64_t now = sam_clock_monotonic_ms();

	/* LOCKED by the caller */
	if (!same_text(&repeat->last, text))
		return false;
	repeat->pending++;
	if (now - repeat->written_ms >= SAM_AUDIT_REPEAT_MS && copy_text(&due->text, text)) {
		due->count = repeat->pending;
		repeat->pending = 0;
		repeat->written_ms = now;
	}
	return true;
}

/* It was not written: the next equal one is not to be counted as its repetition, but tries again. */
static void forget(struct sam_audit_repeat *repeat, const struct sam_audit_text *text)
{
	pthread_mutex_lock(&repeat->lock);
	/* LOCKED ------------------------------------------------ */
	if (same_text(&repeat->last, text) && repeat->pending == 0)
		sam_record_clear(&repeat->last);
	/* ------------------------------------------------ LOCKED */
	pthread_mutex_unlock(&repeat->lock);
}

enum sam_reason sam_audit_event(struct sam_audit *audit, const struct sam_event *event,
				bool durable)
{
	struct sam_audit_repeat *repeat = audit->repeat;
	struct sam_audit_text text, next;
	struct due due = { .count = 0 };
	bool refusal = event->reason != SAM_OK, counted;
	enum sam_reason reason = sam_record_text(members(audit), event, &text);

	if (reason != SAM_OK)
		return reason;
	if (!refusal || !copy_text(&next, &text)) /* no memory: the next equal one begins a row */
		memset(&next, 0, sizeof(next));
	pthread_mutex_lock(&repeat->lock);
	/* LOCKED ------------------------------------------------ */
	counted = refusal && count_refusal(repeat, &text, &due);
	if (!counted)
		turn_over(repeat, &next, &due);
	/* ------------------------------------------------ LOCKED */
	pthread_mutex_unlock(&repeat->lock);
	write_due(audit->store, &due, durable);
	if (counted)
		sam_record_clear(&next);
	else
		reason = write_text(audit->store, &text, 1, durable);
	if (reason != SAM_OK)
		forget(repeat, &text);
	sam_record_clear(&text);
	return reason;
}

/* What was counted, written before anything else is. */
static void flush(const struct sam_audit *audit, bool durable)
{
	struct due due;

	pthread_mutex_lock(&audit->repeat->lock);
	/* LOCKED ------------------------------------------------ */
	turn_over(audit->repeat, NULL, &due);
	/* ------------------------------------------------ LOCKED */
	pthread_mutex_unlock(&audit->repeat->lock);
	write_due(audit->store, &due, durable);
}

enum sam_reason sam_audit_refuse(struct sam_audit *audit, struct sam_event *event,
				 enum sam_reason reason)
{
	event->reason = reason;
	enum sam_reason written = sam_audit_event(audit, event, false);

	if (written == SAM_OK)
		return reason;
	sam_log(SAM_LOG_ERR, "audit: the refusal %s could not be recorded", sam_reason_name(reason));
	return written;
}

enum sam_reason sam_audit_make(const struct sam_audit *audit, const struct sam_event *event,
			       struct sam_audit_record *out)
{
	struct sam_audit_text text;
	enum sam_reason reason = sam_record_text(members(audit), event, &text);

	memset(out, 0, sizeof(*out));
	if (reason != SAM_OK)
		return reason;
	flush(audit, false);
	reason = sam_record_join(&text, 1, out);
	sam_record_clear(&text);
	return reason;
}

void sam_audit_end(struct sam_audit *audit)
{
	struct sam_audit_repeat *repeat = audit->repeat;

	if (!repeat)
		return;
	flush(audit, true);
	pthread_mutex_destroy(&repeat->lock);
	free_constants(repeat);
	free(repeat);
	audit->repeat = NULL;
}
