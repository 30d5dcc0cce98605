/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bringing in a signing key from a wrapped package: at level 1 by the signer's SAD, at level 2 what a trusted CA signed,
 * never at level 3 (P1-T3.5, P3-3.15).
 */
#include "admin/internal.h"

#include <stdlib.h>
#include <string.h>
#include "admin/import.h"

enum sam_reason sam_doing_open_import(struct sam_doing *d)
{
	const json_t *package = json_object_get(d->params, "package");
	if (d->import)
		return SAM_OK;
	if (!json_is_string(package))
		return SAM_ARGUMENTS;
	d->import = calloc(1, sizeof *d->import);
	if (!d->import)
		return SAM_MEMORY;
	return sam_import_open(d->sam, d->s, d->policy, json_string_value(package), json_string_length(package), d->import,
			       d->msg);
}

/* Before anything reaches the CM: the same key twice, or one that was destroyed, or the manifest's id for another
 * manifest (P1-6.2.4.4). */
static enum sam_reason check_new(const struct sam_doing *d)
{
	const char *credential = d->import->credential;
	struct sam_spend spend;
	sam_import_spend(d->import, &spend);
	if (sam_registry_key(d->s, credential))
		return SAM_EXISTS;
	return sam_registry_tombstone(d->s, credential) ? SAM_NAME_USED
							: sam_store_known(sam_store(d->sam), &spend.claim, d->now);
}

enum sam_reason sam_perform_key_import(struct sam_doing *d)
{
	const char *label = sam_param(d, "label");
	d->event.type = SAM_EVENT_KEY_IMPORT;
	enum sam_reason reason = sam_doing_open_import(d);
	if (d->import && d->import->sub[0])
		d->event.signer = d->import->sub;
	if (reason != SAM_OK)
		return reason;
	d->event.target = d->import->id;
	if (d->order && !sam_mem_equal(d->order->operation.sha256, d->import->sha256, sizeof d->import->sha256)) {
		sam_msg_set(d->msg, "the SAD orders the import of another package");
		return SAM_SAD_PARAMS;
	}
	if (!sam_registry_signer(d->s, d->import->sub))
		return SAM_NOT_FOUND;
	reason = check_new(d);
	if (reason == SAM_OK)
		reason = sam_doing_check_reference(d);
	if (reason == SAM_OK)
		reason = sam_doing_wish(d, d->import->sub, sam_key_type_name(d->import->type, d->import->bits), label);
	if (reason == SAM_OK && !d->waiting) /* it comes again with the confirmation */
		sam_import_spend(d->import, &d->spends[d->spend_count++]);
	return reason;
}
