/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Passwords and PINs checked, and failures counted. A lock is looked at before and after the work, and after counting: of
 * many guesses at once all that were under way when it fell are answered by it, right and wrong ones alike.
 */
#include "registry/identify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/peer.h"
#include "registry/internal.h"
#include "registry/password.h"

/* Where no policy is in force (an upgrade, before officers sign one) the shipped one's rule. */
enum { ATTEMPTS = 5, LOCK_S = 900 };

/* A source serves many signers: what is alarmed there is a multiple of what locks one. */
enum { SOURCE_FACTOR = 10, WAIT_MAX_S = 60, FORGED_MS = 1000 };

static void rule_of(const struct sam_snapshot *s, struct sam_counter_rule *rule)
{
	*rule = (struct sam_counter_rule){ATTEMPTS, LOCK_S};
	if (s->sealed && s->sealed->policy.level)
		*rule = (struct sam_counter_rule){s->sealed->policy.lockout_attempts, s->sealed->policy.lockout_s};
}

static enum sam_reason check_lock(struct sam_registry *r, const struct sam_counter_id *id, struct sam_counter *counter)
{
	enum sam_reason reason = sam_store_counter(r->store, id, counter);
	if (reason == SAM_OK && counter->locked_until > sam_clock_now())
		return SAM_LOCKED;
	return reason;
}

/* Did this process count that very secret for that name at that door before? Remembers it. A client that sends its stored
 * wrong password again and again is one mistake. */
static bool counted_before(struct sam_registry *r, const struct sam_counter_id *id, const void *secret, size_t len)
{
	uint8_t text[SAM_COUNTER_KIND_MAX + 1 + SAM_NAME_SIZE + SAM_PASSWORD_MAX], mac[SAM_SEAL_MAC];
	const size_t kind_len = strlen(id->kind) + 1, name_len = strlen(id->name) + 1;
	if (kind_len > SAM_COUNTER_KIND_MAX + 1 || name_len > SAM_NAME_SIZE || len > SAM_PASSWORD_MAX)
		return false;
	memcpy(text, id->kind, kind_len);
	memcpy(text + kind_len, id->name, name_len);
	memcpy(text + kind_len + name_len, secret, len);
	enum sam_reason reason = sam_seal_mac(r->seal, SAM_SEAL_LOOKUP, text, kind_len + name_len + len, mac);
	sam_mem_wipe(text, sizeof text);
	if (reason != SAM_OK)
		return false;
	bool found = false;
	pthread_mutex_lock(&r->lock); /* LOCKED */
	for (unsigned i = 0; i < SAM_WRONG_SECRETS; i++)
		found |= sam_mem_equal(r->wrong[i], mac, sizeof mac);
	if (!found)
		memcpy(r->wrong[r->next_wrong++ % SAM_WRONG_SECRETS], mac, sizeof mac);
	pthread_mutex_unlock(&r->lock); /* LOCKED until here */
	return found;
}

/* One more failure; ${event} is recorded where it is the last that the rule lets pass. */
static enum sam_reason count_by(struct sam_registry *r, struct sam_audit *audit, const struct sam_counter_id *id,
				const struct sam_counter_rule *rule, const struct sam_event *event)
{
	struct sam_audit_record record;
	bool reached = false;
	enum sam_reason reason = sam_audit_make(audit, event, &record);
	if (reason == SAM_OK)
		reason = sam_store_counter_fail(r->store, id, rule, sam_clock_now(), &reached, &record.record);
	sam_audit_clear(&record);
	/* a store that is set back must not have forgotten it */
	if (reason == SAM_OK && reached && rule->lock_seconds && sam_store_checkpoint(r->store, true) != SAM_OK)
		sam_log(SAM_LOG_WARNING, "no signed checkpoint could be made after a lock");
	return reason;
}

/* ${kid}: the key that the wrong PIN came with; NULL: a password. */
static enum sam_reason count(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
			     const struct sam_counter_id *id, const char *kid)
{
	const struct sam_event event = {
		.type = SAM_EVENT_LOCK,
		.reason = SAM_LOCKED,
		.actor_kind = "process",
		.signer = sam_registry_signer(s, id->name) ? id->name : NULL,
		.target = id->name,
		.kid = kid,
		.detail = kid ? "the PIN" : NULL,
	};
	struct sam_counter_rule rule;
	rule_of(s, &rule);
	return count_by(r, audit, id, &rule, &event);
}

void sam_identify_doors(const char *name, struct sam_counter_id out[SAM_DOORS])
{
	out[0] = (struct sam_counter_id){SAM_COUNTER_PASSWORD, name};
	out[1] = (struct sam_counter_id){SAM_COUNTER_PASSWORD_P11, name};
	out[2] = (struct sam_counter_id){SAM_COUNTER_PIN, name};
}

enum sam_reason sam_identify_locked(struct sam_registry *r, const char *name, bool *locked)
{
	struct sam_counter_id doors[SAM_DOORS];
	sam_identify_doors(name, doors);
	return sam_identify_any_locked(r, doors, SAM_DOORS, locked);
}

enum sam_reason sam_identify_any_locked(struct sam_registry *r, const struct sam_counter_id *doors, size_t count,
					bool *locked)
{
	enum sam_reason reason = SAM_OK;
	*locked = false;
	for (size_t i = 0; reason == SAM_OK && i < count; i++) {
		struct sam_counter counter;
		reason = check_lock(r, &doors[i], &counter);
		*locked |= reason == SAM_LOCKED;
		reason = reason == SAM_LOCKED ? SAM_OK : reason;
	}
	return reason;
}

enum sam_reason sam_identify_password(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				      const char *door, const char *name, const char *stored, const void *secret,
				      size_t len)
{
	const struct sam_principal *p = sam_registry_principal(s, name);
	const struct sam_counter_id id = {door, name};
	struct sam_counter counter = {0};
	enum sam_reason locked = stored ? check_lock(r, &id, &counter) : SAM_OK;
	if (locked != SAM_OK && locked != SAM_LOCKED)
		return locked;
	enum sam_reason reason = sam_password_check(r->seal, secret, len, locked == SAM_OK ? stored : NULL);
	if (locked != SAM_OK)
		return locked;
	if (reason == SAM_PASSWORD_WRONG && !stored)
		return SAM_PRINCIPAL_UNKNOWN;
	if (reason == SAM_PASSWORD_WRONG) {
		enum sam_reason counted = counted_before(r, &id, secret, len) ? SAM_OK : count(r, audit, s, &id, NULL);
		if (counted == SAM_OK)
			counted = check_lock(r, &id, &counter);
		return counted == SAM_OK ? reason : counted; /* what cannot be counted may not be guessed at */
	}
	if (reason == SAM_OK)
		reason = check_lock(r, &id, &counter);
	if (reason == SAM_OK && p && p->locked)
		reason = SAM_LOCKED;
	if (reason == SAM_OK && counter.failures)
		reason = sam_store_counter_clear(r->store, &id, NULL);
	return reason;
}

/* ---- PINs of signers, and forged SADs ---- */

void sam_identify_source(char out[SAM_SOURCE_SIZE])
{
	struct sam_peer peer;
	const bool other = sam_peer_read(&peer);
	snprintf(out, SAM_SOURCE_SIZE, "%s:%" PRId64, other ? "peer" : "uid", other ? peer.uid : (int64_t)geteuid());
}

/* One more for the source of what happens here; so many are an alert, and lock nothing. */
static enum sam_reason count_source(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				    const char *kind, const char *kid)
{
	char source[SAM_SOURCE_SIZE];
	const struct sam_counter_id id = {kind, source};
	const struct sam_event event = {.type = SAM_EVENT_GUESSING, .actor_kind = "process", .target = source, .kid = kid,
					.detail = strcmp(kind, SAM_COUNTER_PIN_SOURCE) == 0 ? "PINs" : "signatures"};
	struct sam_counter_rule rule;
	sam_identify_source(source);
	rule_of(s, &rule);
	rule = (struct sam_counter_rule){.attempts = rule.attempts * SOURCE_FACTOR};
	return count_by(r, audit, &id, &rule, &event);
}

/* After the second wrong one in a row one second, after the third two, and so on. */
static bool must_wait(const struct sam_counter *counter)
{
	int64_t wait = 0;
	for (uint32_t i = 1; i < counter->failures && wait < WAIT_MAX_S; i++)
		wait = wait ? 2 * wait : 1;
	return sam_clock_now() < counter->last + (wait < WAIT_MAX_S ? wait : WAIT_MAX_S);
}

static enum sam_reason count_pin(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				 const struct sam_counter_id *id, const char *kid)
{
	/* counted for the key too, so that the trail and `signer show` tell which device it was */
	const struct sam_counter_id key = {SAM_COUNTER_PIN_KID, kid};
	struct sam_counter_rule rule = {.attempts = UINT32_MAX};
	bool reached;
	enum sam_reason reason = count(r, audit, s, id, kid);
	if (reason == SAM_OK)
		reason = sam_store_counter_fail(r->store, &key, &rule, sam_clock_now(), &reached, NULL);
	return reason == SAM_OK ? count_source(r, audit, s, SAM_COUNTER_PIN_SOURCE, kid) : reason;
}

/* It was right: the count begins anew. A SAD from before the last wrong one does not end it: whoever guesses with the
 * device and has seen such a SAD on its way would show it again after every few guesses, and never be locked. */
static enum sam_reason end_count(struct sam_registry *r, const struct sam_counter_id *id,
				 const struct sam_counter *counter, const char *kid, int64_t made)
{
	const struct sam_counter_id key = {SAM_COUNTER_PIN_KID, kid};
	if (!counter->failures || made < counter->last)
		return SAM_OK;
	enum sam_reason reason = sam_store_counter_clear(r->store, id, NULL);
	return reason == SAM_OK ? sam_store_counter_clear(r->store, &key, NULL) : reason;
}

/* Behind the gate. */
static enum sam_reason check_pin(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				 const struct sam_signer *signer, const struct sam_counter_id *id, const char *kid,
				 int64_t made, const void *secret, size_t len)
{
	struct sam_counter counter = {0};
	enum sam_reason reason = check_lock(r, id, &counter);
	if (reason == SAM_OK && must_wait(&counter))
		reason = SAM_PIN_WAIT;
	if (reason != SAM_OK)
		return reason;
	reason = sam_password_check(r->seal, secret, len, signer->pin[0] ? signer->pin : NULL);
	if (reason == SAM_PASSWORD_WRONG) {
		enum sam_reason counted = counted_before(r, id, secret, len) ? SAM_OK
									      : count_pin(r, audit, s, id, kid);
		if (counted == SAM_OK)
			counted = check_lock(r, id, &counter);
		return counted == SAM_OK ? SAM_PIN_WRONG : counted; /* what cannot be counted may not be guessed at */
	}
	if (reason == SAM_OK)
		reason = check_lock(r, id, &counter);
	return reason == SAM_OK ? end_count(r, id, &counter, kid, made) : reason;
}

/* Without the gate, as many processes guess at once as the host has cores, before the first wrong one is counted. */
enum sam_reason sam_identify_pin(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				 const struct sam_signer *signer, const char *kid, int64_t made, const void *secret,
				 size_t len)
{
	const struct sam_counter_id id = {SAM_COUNTER_PIN, signer->id};
	enum sam_reason reason = sam_store_counter_enter(r->store, &id);
	if (reason != SAM_OK)
		return reason;
	reason = check_pin(r, audit, s, signer, &id, kid, made, secret, len);
	sam_store_counter_leave(r->store, &id);
	return reason;
}

enum sam_reason sam_identify_forged(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				    const char *kid)
{
	const int64_t now = sam_clock_monotonic_ms();
	pthread_mutex_lock(&r->lock); /* LOCKED */
	const bool due = !r->forged_ms || now - r->forged_ms >= FORGED_MS;
	if (due)
		r->forged_ms = now;
	pthread_mutex_unlock(&r->lock); /* LOCKED until here */
	return due ? count_source(r, audit, s, SAM_COUNTER_FORGED_SOURCE, kid) : SAM_OK;
}
