/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a replay knows of each signer, principal and key of the backup: between replay.c, which reads records, and
 * replay_edit.c, which makes changes of it.
 */
#ifndef SAM_ADMIN_REPLAY_STATE_H
#define SAM_ADMIN_REPLAY_STATE_H

#include "admin/replay.h"

/* How the record of a restore begins: `new`, and `old` with the number behind it. */
#define SAM_REPLAY_COMPLETE "complete"
#define SAM_REPLAY_SEQ "audit_seq "

/* What a name in `lost' was: a key of it may still be in the CM. */
enum { SAM_REPLAY_LOST = 1, SAM_REPLAY_LOST_KEY };

struct sam_replay_signer {
	bool touched, suspended, removed, pin_gone, pin_set, password_gone, enrolled;
};

struct sam_replay_principal {
	bool touched, locked, removed, secret_gone, device_gone;
	unsigned roles_gone;
};

struct sam_replay_key {
	bool touched, ended;
	enum sam_life life;       /* as it is now, if it has not ended */
};

#endif
