/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A backup in the place of the store (P1-7.1.7.2), by an operator and a security officer together. No SAD made
 * before is ever taken again; what was forbidden after the backup, as the live trail shows it, stays so; where the
 * trail is not whole, everything starts suspended.
 */
#ifndef SAM_ADMIN_RESTORE_H
#define SAM_ADMIN_RESTORE_H

#include <limits.h>
#include "admin/backup.h"

struct sam_restore_order {
	const char *config;       /* the configuration's path, or NULL: as sam_config_find() */
	const char *file;         /* the backup; as the people's assertions name it */
	const json_t *key;        /* the private JWK of one of those it was made for */
	struct sam_credentials who[2]; /* operator, security officer */
	const struct sam_backup_progress *progress; /* or NULL */
};

struct sam_restored {
	struct sam_backup_about about;
	bool finished;            /* an earlier one, which was interrupted; then nothing stands in ${replayed} */
	bool complete;            /* the trail after the backup was proven up to its end; else all is suspended */
	bool policy_lost;         /* a policy was, or may have been, signed since: none is in force */
	uint64_t proven;          /* the last record that the restored store has of the old one */
	uint64_t taken_over;      /* how many of them are not in the backup */
	uint64_t epoch;
	int64_t not_before;       /* SADs made then or before are refused */
	json_t *replayed;         /* sam_replay_describe(); owned */
	char kept[PATH_MAX + 64]; /* where the old store lies; "": there was none */
};

/** sam_restore(order, out, msg): All of it, or the live store stays as it was. Both people must be known, with the same
 * secrets and in their roles, to the backup and, if it can be opened, to the live store. Interrupted, it is
 * finished or begun anew by the same call. Refusals are recorded in the live trail. BACKUP, BACKUP_KEY,
 * STORE_TAMPERED (another CM's), STORE_BUSY (another restore), STORE_CHANGED (processes write to the live store:
 * stop them), ROLE, LOCKED and what sam_person_identify() says, SECOND_PERSON, ASSERTION, and what opening a SAM
 * says; all with ${msg}. Clear ${out} with sam_restore_clear() in any case. */
enum sam_reason sam_restore(const struct sam_restore_order *order, struct sam_restored *out,
			    struct sam_msg *msg) SAM_MUST;
void sam_restore_clear(struct sam_restored *out);

#endif
