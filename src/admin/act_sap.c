/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Changing the key that SADs are encrypted to: the new one from now on, the old one for the overlap, since signers'
 * devices have it.
 */
#include "admin/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/log.h"
#include "sap/recipient.h"

enum { OVERLAP_MAX_S = 90 * 86400 };

static int64_t overlap(const struct sam_doing *d)
{
	return (int64_t)json_integer_value(json_object_get(d->params, "overlap"));
}

enum sam_reason sam_perform_sap_rotate(struct sam_doing *d)
{
	const struct sam_sap_key *now = sam_registry_sap_now(d->s, false);
	const json_t *given = json_object_get(d->params, "overlap");
	d->event.type = SAM_EVENT_SAP_ROTATE;
	if (!json_is_integer(given) || overlap(d) < 0 || overlap(d) > OVERLAP_MAX_S) {
		sam_msg_set(d->msg, "an overlap has at most %d days", OVERLAP_MAX_S / 86400);
		return SAM_ARGUMENTS;
	}
	if (d->s->sap_key_count + 2 > SAM_SAP_KEYS_MAX) {
		sam_msg_set(d->msg, "%zu keys are still in their overlap: wait for its end and `samctl maintain'",
			    d->s->sap_key_count);
		return SAM_ARGUMENTS;
	}
	d->event.old_value = now ? now->kid : NULL;
	snprintf(d->text[0], sizeof d->text[0], "overlap %" PRId64 " s", overlap(d));
	d->event.detail = d->text[0];
	return SAM_OK;
}

static enum sam_reason make(struct sam_doing *d, bool rsa)
{
	enum sam_reason reason = sam_recipient_make(d->sam, rsa, &d->birth->sap[d->birth->sap_count]);
	d->birth->sap_count += reason == SAM_OK;
	return reason;
}

/* And one for RSA-OAEP, where there is such a one. */
enum sam_reason sam_perform_before_rotate(struct sam_doing *d)
{
	struct sam_birth *birth = d->birth;
	enum sam_reason reason = SAM_OK;
	/* those of an earlier try serve, if the registry moved meanwhile */
	if (!birth->sap_count)
		reason = make(d, false);
	if (reason == SAM_OK && birth->sap_count == 1 && sam_registry_sap_now(d->s, true))
		reason = make(d, true);
	for (size_t i = 0; i < birth->sap_count && reason == SAM_OK; i++)
		reason = sam_edit_add_sap_key(&d->edit, &birth->sap[i], d->now + overlap(d));
	d->event.new_value = birth->sap_count ? birth->sap[0].kid : NULL;
	return reason;
}

/* What the CM does not destroy now is refused all the same, and tried again by maintain. */
void sam_perform_after_rotate(struct sam_doing *d)
{
	size_t left = 0;
	enum sam_reason reason = sam_recipient_tidy(d->sam, &left);
	if (reason != SAM_OK || left)
		sam_log(SAM_LOG_WARNING, "not all SAP keys that are over could be destroyed: samctl maintain");
}
