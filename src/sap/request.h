/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Deferred authorisation: a C_Sign without an activation asks, and the signer answers by a SAD for exactly that;
 * or deposits the SAD beforehand (P2-A1). Nothing here signs: the door finds what was deposited.
 */
#ifndef SAM_SAP_REQUEST_H
#define SAM_SAP_REQUEST_H

#include <jansson.h>
#include "sap/sam.h"

/* What a SAD given was for. */
struct sam_deposited {
	char signer[SAM_NAME_SIZE], credential[SAM_CREDENTIAL_SIZE];
	size_t digests;
	int64_t expires;
};

/** sam_deposit(sam, sad, len, out, msg): Verify the SAD and keep it for whoever may use its key, for its digests;
 * recorded. The same SAD again is no error. As sam_exchange() refuses, and REQUESTS_FULL. */
enum sam_reason sam_deposit(struct sam *sam, const char *sad, size_t len, struct sam_deposited *out,
			    struct sam_msg *msg) SAM_MUST;

/** sam_revoke(sam, sad, len, out, msg): This SAD (or the one behind this SAD token) authorises nothing any more,
 * whether it was presented before or not; recorded. SAD_REVOKED: it is so already. */
enum sam_reason sam_revoke(struct sam *sam, const char *sad, size_t len, struct sam_deposited *out,
			   struct sam_msg *msg) SAM_MUST;

/** sam_request_approve(sam, id, sad, len, out, msg): Verify the SAD, which must be the request's signer's for its key,
 * hash and digest, and whose signAlgo, if it has one, must be the request's mechanism's; deposit it and note it in
 * the request, all or nothing; recorded. Signs nothing. NOT_FOUND, REQUEST_EXPIRED, REQUEST_SETTLED; SAD_FOREIGN,
 * KEY_NOT_AUTHORISED, HASH_NOT_AUTHORISED, DIGEST_NOT_AUTHORISED, ALGORITHM_NOT_AUTHORISED; as sam_deposit(). */
enum sam_reason sam_request_approve(struct sam *sam, const char *id, const char *sad, size_t len,
				    struct sam_deposited *out, struct sam_msg *msg) SAM_MUST;

/** sam_request_reject(sam, id, sad, len, actor, role, msg): By the signer's SAD for that digest, which is used up by it
 * (revoked); or, ${sad} NULL, by the principal or signer ${actor}, whom the caller has identified. What was deposited
 * for the key before signs this digest no more either. Recorded. As sam_request_approve(). */
enum sam_reason sam_request_reject(struct sam *sam, const char *id, const char *sad, size_t len, const char *actor,
				   enum sam_role role, struct sam_msg *msg) SAM_MUST;

/** sam_request_ask(sam, request): Register ${request}, of which all but id, state, application, uid and expires is
 * filled, as sam_store_request_put() does; recorded, and told to `notify` (p11-sam.yaml(5)) where it is new. */
enum sam_reason sam_request_ask(struct sam *sam, const struct sam_policy *policy, const struct sam_login *login,
				struct sam_request *request) SAM_MUST;

/** sam_requests_expire(sam, done): Those whose time is over are expired, each with its record; ${done} (may be NULL)
 * counts them. */
enum sam_reason sam_requests_expire(struct sam *sam, uint64_t *done) SAM_MUST;

/** sam_request_state_name(state): "open", … */
const char *sam_request_state_name(enum sam_request_state state);

/** sam_request_json(request): As `samctl request` and `notify` show it; NULL: no memory. */
json_t *sam_request_json(const struct sam_request *request);

#endif
