/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys without a signer, destroyed in the CM.
 */
#include "admin/leftover.h"

#include "registry/edit.h"

static enum sam_reason destroy(struct sam *sam, const uint8_t cm_id[SAM_CM_ID])
{
	enum sam_reason reason = sam_cm_destroy(sam_cm(sam), cm_id);
	return reason == SAM_CM_KEY_MISSING ? SAM_OK : reason; /* it was gone already */
}

/* The record says what became of it; the tombstone forgets the CM's name only of what is gone. */
static enum sam_reason bury(struct sam *sam, const struct sam_snapshot *s, const struct sam_tombstone *t,
			    const struct sam_event *by, size_t *left)
{
	struct sam_event event = {
		.type = SAM_EVENT_KEY_DESTROY,
		.actor_kind = by && by->actor_kind ? by->actor_kind : "process",
		.actor = by ? by->actor : NULL,
		.role = by ? by->role : NULL,
		.signer = by ? by->signer : NULL,
		.reference = by ? by->reference : NULL,
		.credential = t->name,
	};
	struct sam_edit edit;
	event.reason = destroy(sam, t->cm_id);
	*left += event.reason != SAM_OK;
	if (event.reason != SAM_OK)
		return sam_audit_event(sam_audit(sam), &event, true);
	sam_edit_start(&edit, sam_registry(sam), s);
	enum sam_reason reason = sam_edit_key_gone(&edit, t);
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, sam_audit(sam), &event);
	sam_edit_clear(&edit);
	return reason;
}

enum sam_reason sam_leftover_destroy(struct sam *sam, const struct sam_event *by, size_t *left)
{
	enum sam_reason reason = SAM_OK;
	bool again = true;
	*left = 0;
	/* each burial moves the registry: begin anew behind it; what failed is passed over */
	for (size_t from = 0; reason == SAM_OK && again;) {
		const struct sam_snapshot *s;
		again = false;
		reason = sam_registry_get(sam_registry(sam), &s);
		if (reason != SAM_OK)
			return reason;
		for (size_t i = from; reason == SAM_OK && !again && i < s->tombstone_count; i++) {
			if (!s->tombstones[i].in_cm)
				continue;
			from = i + 1;
			again = true;
			reason = bury(sam, s, &s->tombstones[i], by, left);
		}
		sam_registry_put(s);
	}
	return reason;
}
