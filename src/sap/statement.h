/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Statements to the SAM that are no SADs, each a compact JWS used once: proofs of possession at
 * enrolment, assertions of privileged users, signatures of the policy (p11-sam-sad(7)).
 */
#ifndef SAM_SAP_STATEMENT_H
#define SAM_SAP_STATEMENT_H

#include "cm/cm.h"
#include "registry/registry.h"
#include "sap/sad.h"

#define SAM_TYP_ENROL "sam-enrol+jwt"
#define SAM_TYP_ACT "sam-act+jwt"

enum {
	SAM_STATEMENT_S = 300, /* how long an assertion or the policy's signature may live */
	SAM_STATEMENT_LEEWAY_S = 10,
};

struct sam_statement {
	json_t *claims;                 /* owned */
	struct sam_activation frame;    /* its jti, times, payload; iss: whose word it is */
	struct sam_jwk jwk;             /* of a proof of possession: the key that it brought, and signed with */
};

/** sam_statement_device(seal, text, len, typ, device, rules, out, msg): A statement of that ${typ} signed by that
 * device key, for this SAM and now; `iss` is read into the frame. White space around it is not looked at. The
 * times are checked unless rules->max_lifetime is 0 (a statement that was taken once and is kept). ASSERTION
 * with ${msg}. Clear with sam_statement_clear(), also after a failure. */
enum sam_reason sam_statement_device(const struct sam_seal *seal, const char *text, size_t len, const char *typ,
				     const struct sam_device *device, const struct sam_sad_rules *rules,
				     struct sam_statement *out, struct sam_msg *msg) SAM_MUST;

/** sam_statement_own(seal, text, len, rules, out, msg): A proof of possession: `sam-enrol+jwt`, signed by the key in
 * its header, which is out->jwk; `sub` is the frame's sub. PROOF with ${msg}. */
enum sam_reason sam_statement_own(const struct sam_seal *seal, const char *text, size_t len,
				  const struct sam_sad_rules *rules, struct sam_statement *out,
				  struct sam_msg *msg) SAM_MUST;

void sam_statement_clear(struct sam_statement *statement);

/** sam_statement_spend(statement, typ, spend): What uses it up; points into ${statement}. */
void sam_statement_spend(const struct sam_statement *statement, const char *typ, struct sam_spend *spend);

#endif
