/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who acts: identified by a password or by a device key's assertion over the very act, with roles that one
 * person may have, for a time (P1-7.1.2.1, P1-7.1.2.4).
 */
#ifndef SAM_ADMIN_PERSON_H
#define SAM_ADMIN_PERSON_H

#include "registry/identify.h"
#include "sap/rooms.h"

enum { SAM_ACT_TRIES = 5 }; /* where the registry changes under an act it is begun again */

struct sam_person {
	char name[SAM_NAME_SIZE]; /* "": nobody */
	unsigned roles;           /* bits; SAM_SIGNER for a signer */
	int64_t until_ms;         /* of sam_clock_monotonic_ms(): what begins later needs another login */
	int64_t changed;          /* the principal's, when it was identified: a change since has ended it */
};

/* What is needed to tell: an opened SAM's, or those of a backup that is being restored. */
struct sam_identifier {
	struct sam_registry *registry;
	struct sam_audit *audit;
	const struct sam_seal *seal;
	const char *sam_id;
};

/* How somebody says who they are: a password, or an assertion and the words that it must be about. */
struct sam_credentials {
	const char *name;
	const void *secret;
	size_t len;
	const char *assertion;    /* NULL: a password */
	size_t assertion_len;
	json_t *words;            /* the act: the command's verb and arguments; NULL: the assertion is the policy's */
	                          /* signature, which the act itself compares and uses up */
};

/** sam_identifier(sam): Of an opened SAM. */
struct sam_identifier sam_identifier(struct sam *sam);

/** sam_person_identify(id, credentials, out, files, msg): ${files}: the assertion's claim of the files that the
 * words name and their SHA-256 (owned by the caller; NULL for a password). An assertion is used up here. Signers
 * are told by their service password, no other way. PRINCIPAL_UNKNOWN, PASSWORD_WRONG, LOCKED, ROLES_CONFLICT,
 * SIGNER_SUSPENDED, ASSERTION, STORE_*. Records nothing but locks and used assertions. */
enum sam_reason sam_person_identify(const struct sam_identifier *id, const struct sam_credentials *credentials,
				    struct sam_person *out, json_t **files, struct sam_msg *msg) SAM_MUST;

/** sam_person_describe(event, person): The event's actor; ${role}: as which of the roles (bits), 0: the first. */
void sam_person_describe(struct sam_event *event, const struct sam_person *person, unsigned role);

#endif
