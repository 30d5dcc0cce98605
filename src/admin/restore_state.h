/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A restore under way: what its files share; for nobody outside them.
 */
#ifndef SAM_ADMIN_RESTORE_STATE_H
#define SAM_ADMIN_RESTORE_STATE_H

#include "admin/backup_file.h"
#include "admin/replay_state.h"
#include "admin/restore.h"

/* One of the two stores: the live one, or the one that is being made of the backup. */
struct sam_restore_side {
	const char *name;         /* "the live store", "the backup" */
	struct sam_store *store;  /* NULL: it cannot be opened */
	struct sam_registry *registry;
	struct sam_audit audit;
	bool audited;
};

struct sam_restoring {
	const struct sam_restore_order *order;
	struct sam_restored *out;
	struct sam_msg *msg;
	struct sam_config config;
	struct sam_policy policy;
	struct sam_cm *cm;
	struct sam_seal *seal;
	struct sam_own own;
	int folder;               /* of the store; locked: one restore at a time */
	int file;                 /* the backup */
	char path[PATH_MAX + 16]; /* STORE.restore */
	bool placing;             /* STORE.restore is ready: from now on it is not removed any more */
	struct sam_restore_side live, fresh;
	struct sam_person people[2];
	struct sam_store_head was;      /* of the live store; node "": it says nothing */
	const struct sam_snapshot *s;   /* of the backup */
	struct sam_replay replay;
};

/* ---- restore_open.c ---- */

/** sam_restoring_start(r): Configuration, policy, CM, seal, and the lock against a second restore. */
enum sam_reason sam_restoring_start(struct sam_restoring *r) SAM_MUST;
void sam_restoring_end(struct sam_restoring *r);

/** sam_restoring_open(r, side, path, restoring): That store with registry and audit. Close it in any case. */
enum sam_reason sam_restoring_open(struct sam_restoring *r, struct sam_restore_side *side, const char *path,
				   bool restoring) SAM_MUST;
void sam_restoring_close(struct sam_restore_side *side);

/** sam_restoring_open_live(r): The live store if it is whole; SAM_OK too if it is missing or damaged. */
enum sam_reason sam_restoring_open_live(struct sam_restoring *r) SAM_MUST;

/** sam_restoring_identify(r, side): Both people, as that store knows them. */
enum sam_reason sam_restoring_identify(struct sam_restoring *r, struct sam_restore_side *side) SAM_MUST;

/** sam_restoring_options(r, path): For the stores' verbs that take options. */
struct sam_store_options sam_restoring_options(const struct sam_restoring *r, const char *path);

/* ---- restore.c ---- */

enum { SAM_RESTORING_TEXT = 256 };

/** sam_restoring_exists(path, suffix): Is there a file of that name? */
bool sam_restoring_exists(const char *path, const char *suffix);

/** sam_restoring_file(about, out): Which backup: the record's `old`. */
void sam_restoring_file(const struct sam_backup_about *about, char out[SAM_RESTORING_TEXT]);

/** sam_restoring_event(r, type, who, id): The record of the operator (0) or the officer (1), with one reference. */
struct sam_event sam_restoring_event(const struct sam_restoring *r, enum sam_event_type type, unsigned who,
				     const char *id);

/** sam_restoring_signed(r, side, info): Did the SAM of that store sign the backup? Fills r->out->about. */
enum sam_reason sam_restoring_signed(struct sam_restoring *r, struct sam_restore_side *side,
				     const struct sam_container_info *info) SAM_MUST;

/* ---- restore_place.c ---- */

/** sam_restoring_take_up(r, ready): Is there no store, but an earlier restore of this backup ready beside its place?
 * Then the people are identified by that. */
enum sam_reason sam_restoring_take_up(struct sam_restoring *r, bool *ready) SAM_MUST;

/** sam_restoring_place(r): The fresh store in its place. */
enum sam_reason sam_restoring_place(struct sam_restoring *r) SAM_MUST;

/** sam_restoring_settle(r): Open it there; hold all if others wrote to the old one meanwhile; a checkpoint. */
enum sam_reason sam_restoring_settle(struct sam_restoring *r) SAM_MUST;

/* ---- restore_trail.c ---- */

/** sam_restoring_trail(r): Append to the fresh store what the live trail has beyond it, as far as it chains; say
 * whether that is all; replay it. */
enum sam_reason sam_restoring_trail(struct sam_restoring *r) SAM_MUST;

/** sam_restoring_late(r, count): How many records came into the old store after that. */
enum sam_reason sam_restoring_late(struct sam_restoring *r, uint64_t *count) SAM_MUST;

#endif
