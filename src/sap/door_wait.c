/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Deferred authorisation: asking the signer, and waiting for an answer. What the answer is worth the door decides.
 */
#include "sap/door.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void sam_door_name_request(const struct sam_passage *p, struct sam_request *out)
{
	memset(out, 0, sizeof *out);
	sam_mem_copy_text(out->credential, sizeof out->credential, p->key->credential);
	sam_mem_copy_text(out->signer, sizeof out->signer, p->key->signer);
	memcpy(out->thumbprint, p->key->thumbprint, sizeof out->thumbprint);
	sam_mem_copy_text(out->principal, sizeof out->principal, p->request->login->name);
	sam_mem_copy_text(out->mechanism, sizeof out->mechanism, p->request->scheme.mechanism->name);
	sam_mem_copy_text(out->hash_oid, sizeof out->hash_oid, sam_hash_oid(p->hash));
	memcpy(out->dtbsr, p->dtbsr, sam_hash_size(p->hash));
	out->dtbsr_len = sam_hash_size(p->hash);
}

enum sam_reason sam_door_ask(struct sam_passage *p)
{
	const struct sam_signer *signer = sam_registry_signer(p->snapshot, p->key->signer);
	const char *label = p->request->label ? p->request->label : secure_getenv("P11_SAM_LABEL");
	if (!signer || signer->suspended)
		return SAM_ACTIVATION_SUSPENDED;
	sam_door_name_request(p, &p->asked);
	if (label && sam_sad_label_valid(label, strlen(label)))
		sam_mem_copy_text(p->asked.label, sizeof p->asked.label, label);
	return sam_request_ask(p->sam, p->policy, p->request->login, &p->asked);
}

enum sam_reason sam_door_over(const struct sam_passage *p)
{
	return p->request->wait->over(p->request->wait->arg);
}

/* SAM_OK: it may have been answered; else why it will not be. */
static enum sam_reason look_at_request(struct sam_passage *p)
{
	struct sam_request now;
	enum sam_reason reason = sam_store_request_find(p->sam->store, p->asked.id, &now);
	if (reason == SAM_NOT_FOUND)
		return SAM_REQUEST_EXPIRED; /* it ended with its key or signer */
	if (reason != SAM_OK)
		return reason;
	switch (now.state) {
	case SAM_REQUEST_STATE_REJECTED:
		return SAM_REQUEST_REJECTED;
	case SAM_REQUEST_STATE_USED:
		return SAM_DIGEST_USED; /* another thread or process asked for the same, and was first */
	case SAM_REQUEST_STATE_EXPIRED:
		return SAM_REQUEST_EXPIRED;
	default:
		return now.expires <= sam_clock_now() ? SAM_REQUEST_EXPIRED : SAM_OK;
	}
}

/* Until something was written to the store; nothing is held meanwhile: no lock, transaction, snapshot, CM session. A
 * store that is written to all the time wakes nobody the more often, and makes no wait longer. */
static enum sam_reason pause_until_written(struct sam_passage *p, int64_t deadline)
{
	enum { FIRST_MS = 50, LAST_MS = 250 };
	struct sam_store_head head;
	int64_t step = FIRST_MS;
	for (bool rested = p->seen == 0;; rested = true) {
		const int64_t left = deadline - sam_clock_monotonic_ms();
		enum sam_reason reason = sam_door_over(p);
		if (reason == SAM_OK)
			reason = sam_store_head(p->sam->store, &head);
		if (reason != SAM_OK)
			return reason;
		if (rested && head.sequence != p->seen) {
			p->seen = head.sequence;
			return SAM_OK;
		}
		if (left <= 0)
			return SAM_REQUEST_WAITS;
		if (step > left)
			step = left;
		nanosleep(&(struct timespec){.tv_sec = step / 1000, .tv_nsec = step % 1000 * 1000000}, NULL);
		step = step * 3 / 2 > LAST_MS ? LAST_MS : step * 3 / 2;
	}
}

enum sam_reason sam_door_await(struct sam_passage *p, int64_t deadline)
{
	enum sam_reason reason = pause_until_written(p, deadline);
	return reason == SAM_OK ? look_at_request(p) : reason;
}
