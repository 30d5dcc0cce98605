/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the door share; for nobody else. What decides, reserves, signs and releases is door.c alone
 * (invariant 1); beside it stand what is told of a passage (door_record.c) and how it waits for a signer (door_wait.c).
 */
#ifndef SAM_SAP_DOOR_H
#define SAM_SAP_DOOR_H

#include "sap/internal.h"
#include "sap/request.h"

/* One signature on its way through the door. */
struct sam_passage {
	struct sam *sam;
	const struct sam_sign_request *request;
	const struct sam_snapshot *snapshot;
	const struct sam_policy *policy;        /* in force, on this snapshot */
	const struct sam_key *key;
	const struct sam_activation *activation; /* the one that authorises; NULL: the login (level 1) */
	bool reserved;
	struct sam_reservation reservation;
	char chain[40];                 /* "token 3 of at most 2000", for the record */
	bool deferred;                  /* it was in the store, deposited or given for a request */
	struct sam_activation stored;   /* that one */
	struct sam_request asked;       /* the request that this signature was asked for by; its id "": none */
	uint64_t seen;                  /* the store's sequence when it was last looked for a deposit */
	enum sam_hash hash;             /* of the DTBS/R */
	uint8_t dtbsr[SAM_HASH_MAX];    /* a private copy: what is checked is what is signed (invariant 2) */
};

/** sam_door_describe(passage, event): Who asks for which signature, by what; points into ${passage}. */
void sam_door_describe(struct sam_passage *p, struct sam_event *event);

/** sam_door_refuse(passage, why): Record the refusal, and alert where that is due; gives ${why} back. */
enum sam_reason sam_door_refuse(struct sam_passage *p, enum sam_reason why);

/** sam_door_alert(passage, event, why): What an operator must hear of, beside the refusal itself (P1-7.1.4.7); changes
 * ${event}. */
void sam_door_alert(struct sam_passage *p, struct sam_event *event, enum sam_reason why);

/** sam_door_name_request(passage, out): What of a request says which signature is asked for; the rest is zero. */
void sam_door_name_request(const struct sam_passage *p, struct sam_request *out);

/** sam_door_ask(passage): Register the request for this signature, durably, as ${passage}->asked. Before anything
 * waits: it survives whoever asks. ACTIVATION_SUSPENDED, and as sam_request_ask(). */
enum sam_reason sam_door_ask(struct sam_passage *p) SAM_MUST;

/** sam_door_await(passage, deadline): Wait until the request may have been answered; nothing is held meanwhile: no
 * lock, transaction, snapshot, CM session. ${deadline} is of sam_clock_monotonic_ms(). REQUEST_WAITS at its end;
 * REQUEST_REJECTED, REQUEST_EXPIRED, DIGEST_USED, what sam_door_over() says, and as the store fails. */
enum sam_reason sam_door_await(struct sam_passage *p, int64_t deadline) SAM_MUST;

/** sam_door_over(passage): Does nobody want this signature any more? SAM_OK: somebody does (struct sam_wait). */
enum sam_reason sam_door_over(const struct sam_passage *p) SAM_MUST;

#endif
