/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Passwords checked and failures counted. A lock is looked at before and after the work, and after counting: of
 * many guesses at once all that were under way when it fell are answered by it, right and wrong ones alike.
 */
#include "registry/identify.h"

#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/internal.h"
#include "registry/password.h"

/* Where no policy is in force (an upgrade, before officers sign one) the shipped one's rule. */
enum { ATTEMPTS = 5, LOCK_S = 900 };

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

/* Did this process count that very secret for that name before? Remembers it. A client that sends its stored
 * wrong password again and again is one mistake. */
static bool counted_before(struct sam_registry *r, const char *name, const void *secret, size_t len)
{
	uint8_t text[SAM_NAME_SIZE + SAM_PASSWORD_MAX + 1], mac[SAM_SEAL_MAC];
	size_t name_len = strlen(name) + 1;
	if (name_len > SAM_NAME_SIZE || len > SAM_PASSWORD_MAX)
		return false;
	memcpy(text, name, name_len);
	memcpy(text + name_len, secret, len);
	enum sam_reason reason = sam_seal_mac(r->seal, SAM_SEAL_LOOKUP, text, name_len + len, mac);
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

static enum sam_reason count(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
			     const struct sam_counter_id *id)
{
	const struct sam_event event = {
		.type = SAM_EVENT_LOCK,
		.reason = SAM_LOCKED,
		.actor_kind = "process",
		.signer = sam_registry_signer(s, id->name) ? id->name : NULL,
		.target = id->name,
	};
	struct sam_counter_rule rule;
	struct sam_audit_record record;
	bool locked = false;
	rule_of(s, &rule);
	enum sam_reason reason = sam_audit_make(audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_store_counter_fail(r->store, id, &rule, sam_clock_now(), &locked, &record.record);
	sam_audit_clear(&record);
	/* a store that is set back must not have forgotten it */
	if (reason == SAM_OK && locked && sam_store_checkpoint(r->store, true) != SAM_OK)
		sam_log(SAM_LOG_WARNING, "no signed checkpoint could be made after a lock");
	return reason;
}

void sam_identify_doors(const char *name, struct sam_counter_id out[SAM_DOORS])
{
	out[0] = (struct sam_counter_id){SAM_COUNTER_PASSWORD, name};
	out[1] = (struct sam_counter_id){SAM_COUNTER_PASSWORD_P11, name};
}

enum sam_reason sam_identify_locked(struct sam_registry *r, const char *name, bool *locked)
{
	struct sam_counter_id doors[SAM_DOORS];
	enum sam_reason reason = SAM_OK;
	sam_identify_doors(name, doors);
	*locked = false;
	for (size_t i = 0; reason == SAM_OK && i < SAM_DOORS; i++) {
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
		enum sam_reason counted = counted_before(r, name, secret, len) ? SAM_OK : count(r, audit, s, &id);
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
