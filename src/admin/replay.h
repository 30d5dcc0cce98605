/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a backup must not bring back: the trail's records after it, replayed onto its registry. What forbids is
 * done again (stopped, removed, revoked, locked, replaced), what was made since is lost and its names are never
 * given again, what permits counts only where the whole trail is proven. Decides only; writes nothing.
 */
#ifndef SAM_ADMIN_REPLAY_H
#define SAM_ADMIN_REPLAY_H

#include <jansson.h>
#include "registry/edit.h"

struct sam_replay_rules {
	uint64_t since;           /* the newest record that is in the backup */
	int64_t lock_s;           /* how long wrong passwords lock */
	bool complete;            /* the trail is proven up to its end */
	const char *but[2];       /* who restores: not locked for want of proof; NULL: nobody */
};

struct sam_replay {
	const struct sam_snapshot *s;
	struct sam_replay_rules rules;
	struct sam_replay_signer *signers;       /* the rest is this file's: beside those of the snapshot */
	struct sam_replay_principal *principals;
	struct sam_replay_key *keys;
	json_t *gone;             /* kids that were taken from signers */
	json_t *lost;             /* ids, names and credentialIDs that were given after the backup */
	json_t *locks;            /* until when names are locked; 0: unlocked since */
	bool cm_disabled, policy_lost;
};

/** sam_replay_line(line, row, object): An audit record's line (verified by the caller: its hash is in row->hash) as a
 * row with the search columns that it says itself; they point into ${object}, the line as JSON, the caller's to
 * drop. False if it is no record. */
bool sam_replay_line(const char *line, struct sam_audit_row *row, json_t **object) SAM_MUST;

/** sam_replay_start(replay, snapshot, rules): ${snapshot} is the backup's, and outlives it; clear it in any case.
 * MEMORY. */
enum sam_reason sam_replay_start(struct sam_replay *replay, const struct sam_snapshot *s,
				 const struct sam_replay_rules *rules) SAM_MUST;
void sam_replay_clear(struct sam_replay *replay);

/** sam_replay_record(replay, record): The next record, in order. Of an unknown type: nothing. MEMORY. */
enum sam_reason sam_replay_record(struct sam_replay *replay, const json_t *record) SAM_MUST;

/** sam_replay_hold(replay): Every signer is suspended, every principal locked but those who restore: for what cannot
 * be proven. */
void sam_replay_hold(struct sam_replay *replay);

/** sam_replay_check(replay, name, roles, now): May that principal still act, in one of these roles? ROLE, LOCKED. */
enum sam_reason sam_replay_check(const struct sam_replay *replay, const char *name, unsigned roles,
				 int64_t now) SAM_MUST;

/** sam_replay_edit(replay, edit, now): All of it as changes; acts that waited for their second person are dropped.
 * What the edits say; MEMORY. */
enum sam_reason sam_replay_edit(const struct sam_replay *replay, struct sam_edit *edit, int64_t now) SAM_MUST;

/** sam_replay_locks(replay, each, arg): The names whose lock the trail moved: until when, 0: it was ended. A reason
 * other than SAM_OK ends it. */
enum sam_reason sam_replay_locks(const struct sam_replay *replay,
				 enum sam_reason (*each)(void *arg, const char *name, int64_t until),
				 void *arg) SAM_MUST;

/** sam_replay_describe(replay): For people: {suspended, removed, authenticators, locked, lost, keys (ended)}, lists of names. NULL:
 * no memory. */
json_t *sam_replay_describe(const struct sam_replay *replay);

#endif
