/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Service authentication without a secret: an SCA known by the uid that runs it, or by the configuration.
 */
#ifndef SAM_SAP_SERVICE_H
#define SAM_SAP_SERVICE_H

#include "sap/internal.h"

/** sam_service_peer(policy, snapshot, login): The SCA that is bound to the uid of the client behind fd 0, as a login.
 * PEER_UNKNOWN where there is no such client or SCA; LOCKED, ROLES_CONFLICT. */
enum sam_reason sam_service_peer(const struct sam_policy *policy, const struct sam_snapshot *snapshot,
				 struct sam_login *login) SAM_MUST;

/** sam_service_null(sam, snapshot, name, current, login, how): C_Login(CKU_USER, NULL): the SCA bound to the client's
 * uid where a client is behind fd 0; else, at level 1 only, the one of `application:`. ${name}: of C_LoginUser, which
 * must be that one's; NULL. ${how} says which, for the record; static. PIN_NULL (deferred authorisation is off),
 * PEER_UNKNOWN, APPLICATION_NONE, LOCKED, ROLES_CONFLICT, ALREADY_LOGGED_IN, ANOTHER_LOGGED_IN. */
enum sam_reason sam_service_null(struct sam *sam, const struct sam_snapshot *snapshot, const char *name,
				 const struct sam_login *current, struct sam_login *login, const char **how) SAM_MUST;

/** sam_service_deferred(sam, snapshot): May a PIN be NULL now? PIN_NULL if not. */
enum sam_reason sam_service_deferred(struct sam *sam, const struct sam_snapshot *snapshot) SAM_MUST;

/* What the records say of such a login. */
#define SAM_SERVICE_BY_UID "by the client's uid"
#define SAM_SERVICE_BY_CONFIGURATION "by application: of the configuration"

#endif
