/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl doctor: what its files share.
 */
#ifndef SAM_TOOLS_SAMCTL_DOCTOR_H
#define SAM_TOOLS_SAMCTL_DOCTOR_H

#include "tools/samctl.h"

enum samctl_doctor_state { FINE, NOTE, PROBLEM };

/* What the checks have opened so far; NULL or false: that check failed, and what needs it is left
 * out. */
struct samctl_doctor {
	struct samctl *ctl;
	json_t *checks;
	bool problem, has_config, has_policy;
	struct sam_config config;
	struct sam_policy policy;
	struct sam_cm *cm;
	struct sam_seal *seal;
	struct sam_own own;
	struct sam_store *store;
	struct sam_store_head head;
	struct sam_registry *registry;
	const struct sam_snapshot *snapshot;
};

/** samctl_doctor_tell(d, check, state, remedy, fmt, …): One line of the report, or its JSON object. */
void samctl_doctor_tell(struct samctl_doctor *d, const char *check, enum samctl_doctor_state state,
			const char *remedy, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** samctl_doctor_why(reason, msg): ${msg} if it says something, else the reason's text. */
const char *samctl_doctor_why(enum sam_reason reason, const struct sam_msg *msg);

/** samctl_doctor_registry(d): Who and what is in it: the signed policy, roles, waiting acts, checkpoints,
 * keys. Nothing of it names a signer. */
void samctl_doctor_registry(struct samctl_doctor *d);

#endif
