/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts of administration: acts.def says who may; here they are done, by one person, by two, or by the
 * signer's SAD alone, in one transaction with the records of who did what. What an act needs is data (JSON
 * parameters), so that it can wait for its second person and then be looked at again as a whole.
 *
 * Parameters, all but the ids and names optional where the act is the same without:
 *   signer add                      id name subject password(hash)
 *   signer suspend resume remove unlock    id reason
 *   signer passwd                   id password(hash)
 *   authenticator add               id, jwk and proof, or pin(hash)
 *   authenticator replace           id old(kid) jwk proof
 *   authenticator remove            id, kid or pin(true)
 *   principal add                   name role password(hash) jwk uid signers
 *   principal remove unlock         name
 *   principal passwd                name password(hash)
 *   principal device                name jwk
 *   role grant revoke               name role
 *   key generate                    id type label reference start end
 *   key renew                       key(credentialID) and as key generate, without id
 *   key import                      package label reference
 *   key activate suspend resume revoke destroy    key reason
 *   key certificate                 key certificate(PEM)
 *   policy sign                     text jws(of the officer's device) config_sha256
 *   sap rotate                      overlap(seconds)
 *   cm enable disable               reason
 */
#ifndef SAM_ADMIN_ACT_H
#define SAM_ADMIN_ACT_H

#include "admin/person.h"

/* Who acts: one person, two at once, or the signer by a SAD. */
struct sam_actors {
	struct sam_person first, second;
	const char *sad; /* or NULL */
	size_t sad_len;
	const struct sam_activation *activation; /* the same, presented by an application already; or NULL */
};

/* What became of it. */
struct sam_outcome {
	bool pending;              /* it waits for its second person */
	char id[SAM_PENDING_SIZE]; /* of the act with two people */
	enum sam_act act;          /* what it was: `authenticator add` may be `authenticator first` */
	struct sam_msg msg;        /* about a refusal, or what could not be done after it */
	char credential[SAM_CREDENTIAL_SIZE]; /* of the key that was made or came in; "": none */
	uint8_t thumbprint[32];    /* of that key */
	enum sam_life life;
};

/** sam_act_do(sam, actors, act, params, out): Do it, or have it wait for its second person, or refuse it: then that is
 * recorded here. ${act} is the verb's first act; which it is is found by the parameters and the state now. ROLE,
 * SECOND_PERSON, SESSION_OVER, and each act's own. */
enum sam_reason sam_act_do(struct sam *sam, const struct sam_actors *actors, enum sam_act act, const json_t *params,
			   struct sam_outcome *out) SAM_MUST;

/** sam_act_check(sam, actors, act, id): May they, for an act that is done elsewhere and cannot wait: the roles, and
 * the second person where the policy or the table asks for one; then ${id} is the act's, for the records of both,
 * else "". Records nothing. ROLE, SECOND_PERSON, SESSION_OVER, ROLES_CONFLICT. */
enum sam_reason sam_act_check(struct sam *sam, const struct sam_actors *actors, enum sam_act act,
			      char id[SAM_PENDING_SIZE]) SAM_MUST;

/** sam_act_confirmed(actors, act, id, about, event): The second person's record of such an act. */
void sam_act_confirmed(const struct sam_actors *actors, enum sam_act act, const char *id, const char *about,
		       struct sam_event *event);

/** sam_act_confirm(sam, person, id, out): As its second person. NOT_FOUND, PENDING_EXPIRED, PENDING_CHANGED,
 * SECOND_PERSON. */
enum sam_reason sam_act_confirm(struct sam *sam, const struct sam_person *person, const char *id,
				struct sam_outcome *out) SAM_MUST;

/** sam_act_cancel(sam, person, id, out): By who began it, or by whoever might confirm it. */
enum sam_reason sam_act_cancel(struct sam *sam, const struct sam_person *person, const char *id,
			       struct sam_outcome *out) SAM_MUST;

/** sam_act_describe(pending): Its parameters for people, without secrets; a new object. */
json_t *sam_act_describe(const struct sam_pending *pending);

#endif
