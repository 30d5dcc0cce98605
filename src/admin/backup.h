/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Backups: the live store, consistent, encrypted to people's keys so that who makes it cannot read it, signed by
 * the SAM (P1-7.1.7.1). The private keys stay in the CM.
 */
#ifndef SAM_ADMIN_BACKUP_H
#define SAM_ADMIN_BACKUP_H

#include <jansson.h>
#include "admin/act.h"

/* What long work is at; ${total} 0: nobody knows. */
struct sam_backup_progress {
	void *arg;
	void (*tell)(void *arg, const char *what, uint64_t done, uint64_t total);
};

/* What the SAM says of a backup. */
struct sam_backup_about {
	char node[65];
	int64_t created;          /* seconds */
	uint64_t epoch, sequence, audit_seq;
	uint8_t audit_hash[32];   /* of its newest record */
	uint8_t sha256[32];       /* of the file before its trailer */
	uint64_t size;            /* of what is encrypted */
	bool opened;              /* with a key: these are counted */
	size_t principals, signers, keys;
};

/** sam_backup_create(sam, actors, path, recipients, count, progress, about, msg): The new file ${path} (0600, on the
 * disk), encrypted to ${count} public JWKs. Begins with a checkpoint, ends with a record; where any of it fails
 * there is no file. ${progress} may be NULL. ROLE, SECOND_PERSON, SESSION_OVER; ARGUMENTS without recipients; EXISTS if there is
 * such a file; STORE_FAILED; JWE_KEY; CM_KEY_MISSING if the SAM has no key of its own yet; all with ${msg}. */
enum sam_reason sam_backup_create(struct sam *sam, const struct sam_actors *actors, const char *path,
				  json_t *const *recipients, size_t count, const struct sam_backup_progress *progress,
				  struct sam_backup_about *about, struct sam_msg *msg) SAM_MUST;

/** sam_backup_verify(sam, path, key, progress, about, msg): Is it whole, and this SAM's? With a private JWK it is also
 * opened, and every row in it checked; what is taken out for that is removed again. BACKUP, BACKUP_KEY,
 * STORE_TAMPERED, STORE_NEWER, STORE_FAILED; with ${msg}. */
enum sam_reason sam_backup_verify(struct sam *sam, const char *path, const json_t *key,
				  const struct sam_backup_progress *progress, struct sam_backup_about *about,
				  struct sam_msg *msg) SAM_MUST;

#endif
