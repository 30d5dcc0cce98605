/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this room share behind the waist.
 */
#ifndef SAM_SAP_INTERNAL_H
#define SAM_SAP_INTERNAL_H

#include "base/clock.h"
#include "sap/jwks.h"
#include "sap/own.h"
#include "sap/pin.h"
#include "sap/sad.h"
#include "sap/rooms.h"

struct sam {
	struct sam_config config;
	struct sam_policy policy; /* as the file was at the start; decisions go by the sealed one, sam_sealed_now() */
	struct sam_cm *cm;
	struct sam_own own;
	struct sam_seal *seal;
	struct sam_store *store;
	struct sam_registry *registry;
	struct sam_audit audit;
	struct sam_jwks_cache *jwks; /* of trusted issuers */
	bool audit_started, stop_record;
};

/** sam_sealed_now(sam, snapshot, policy): The policy for a decision on this snapshot: the sealed one; lives as long as
 * the snapshot. POLICY_UNSIGNED, CONFIG_CHANGED, POLICY_CHANGED, OFFICERS, MEMORY. */
enum sam_reason sam_sealed_now(struct sam *sam, const struct sam_snapshot *snapshot,
			       const struct sam_policy **policy) SAM_MUST;

/** sam_key_may_sign(sam, snapshot, policy, key, scheme, purpose): May this key sign so, now: the policy, the key's life
 * and dates, the CM, the clock, the certificate (P1-7.1.1.12.3)? What the policy says, KEY_* of sam_key_usable() and
 * sam_key_fits(), CM_UNAPPROVED, CLOCK, CERTIFICATE_MISSING, CERTIFICATE_EXPIRED. */
enum sam_reason sam_key_may_sign(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				 const struct sam_key *key, const struct sam_scheme *scheme,
				 enum sam_sign_purpose purpose) SAM_MUST;

/** sam_activation_new(): An empty one, held once; NULL without memory. */
struct sam_activation *sam_activation_new(void);

/** sam_present_sad(sam, snapshot, pin, activation, order, msg): A SAD, in clear or encrypted, verified into
 * ${activation}: signature, claims, signer, proof, PIN, but not yet whether the factors do (sam_factors_check()).
 * ${order} NULL: one that an application presents, for signatures or `generate`; else one for an act. A wrong PIN is
 * counted, and uses nothing of the SAD up. SAD_*, JWE_*, SIGNER_SUSPENDED, PIN_WRONG, PIN_WAIT, LOCKED, STORE_*. */
enum sam_reason sam_present_sad(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_pin *pin,
				struct sam_activation *activation, struct sam_order *order,
				struct sam_msg *msg) SAM_MUST;

/** sam_factors_check(policy, activation): Does what was seen of the signer do for this policy, and was it encrypted
 * where it must be? FACTORS, SAD_CLEAR. */
enum sam_reason sam_factors_check(const struct sam_policy *policy, const struct sam_activation *activation) SAM_MUST;

/** sam_present(sam, snapshot, pin, out, msg): The one way from a SAD or SAD token to an activation: parse,
 * find the authenticator, verify, check the claims and the store's memory of this (iss, jti). Takes
 * nothing up, records nothing. ${out} is released with sam_activation_release(). Where it fails, but the
 * SAD says of whom it is, ${out} is that much for the record: not an activation, to be released too. */
enum sam_reason sam_present(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_pin *pin,
			    struct sam_activation **out, struct sam_msg *msg) SAM_MUST;

/** sam_present_still(sam, snapshot, activation, now): Is what was verified then still good now: not expired, its
 * authenticator still the signer's (or what sam_issuer_still() says of its issuer), nothing changed about the signer
 * since, and its factors enough by the policy in force? ACTIVATION_EXPIRED, SAD_KEY_UNKNOWN, SAD_DELEGATION,
 * ISSUER_*, SAD_OLD, SIGNER_SUSPENDED, FACTORS. */
enum sam_reason sam_present_still(struct sam *sam, const struct sam_snapshot *snapshot,
				  const struct sam_activation *activation, int64_t now) SAM_MUST;

/** sam_present_signer(snapshot, activation, version): Of these only the signer: there, not suspended, of that version,
 * and not changed since the SAD was made. SAD_KEY_UNKNOWN, SAD_OLD, SIGNER_SUSPENDED. */
enum sam_reason sam_present_signer(const struct sam_snapshot *snapshot, const struct sam_activation *activation,
				   uint64_t version) SAM_MUST;

/** sam_present_claim(activation, claim): As the store knows it; points into ${activation}. */
void sam_present_claim(const struct sam_activation *activation, struct sam_claim *claim);

/** sam_present_describe(event, activation): The event's members about a SAD; ${activation} may be NULL. */
void sam_present_describe(struct sam_event *event, const struct sam_activation *activation);

/** sam_token_make(token): A fresh one; the caller wipes it. */
enum sam_reason sam_token_make(char token[SAM_TOKEN_LEN + 1]) SAM_MUST;

/** sam_login_describe(event, login): The event's actor. */
void sam_login_describe(struct sam_event *event, const struct sam_login *login);

/** sam_notify_request(sam, request): One datagram to the socket of `notify`; where it cannot be sent that is logged. */
void sam_notify_request(struct sam *sam, const struct sam_request *request);

#endif
