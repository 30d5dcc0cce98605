/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rooms behind an opened SAM, for samctl's verbs, and the steps of opening one. The PKCS#11 face does
 * without them: it has the waist, sap/sam.h.
 */
#ifndef SAM_SAP_ROOMS_H
#define SAM_SAP_ROOMS_H

#include "audit/audit.h"
#include "base/config.h"
#include "cm/cm.h"
#include "policy/factors.h"
#include "policy/policy.h"
#include "registry/password.h"
#include "registry/registry.h"
#include "sap/own.h"
#include "sap/sam.h"
#include "sap/statement.h"

/* What an opened SAM has: valid until sam_close(). */
const struct sam_config *sam_config(const struct sam *sam);
const struct sam_policy *sam_policy(const struct sam *sam);
struct sam_store *sam_store(struct sam *sam);
struct sam_registry *sam_registry(struct sam *sam);
struct sam_audit *sam_audit(struct sam *sam);
struct sam_cm *sam_cm(struct sam *sam);
const struct sam_seal *sam_seal(struct sam *sam);
struct sam_own *sam_own(struct sam *sam);

/** sam_open_check_user(config, policy, msg): Levels 2 and 3 run under the configured user only, with a configuration
 * that root owns or that lies in /etc. USER, CONFIG. */
enum sam_reason sam_open_check_user(const struct sam_config *config, const struct sam_policy *policy,
				    struct sam_msg *msg) SAM_MUST;

/** sam_open_cm(config, again, cm, msg): Open the CM that the configuration names; close with sam_cm_close(). ${again}:
 * also with a PIN that it has refused. */
enum sam_reason sam_open_cm(const struct sam_config *config, bool again, struct sam_cm **cm,
			    struct sam_msg *msg) SAM_MUST;

/** sam_open_seal(cm, seal, msg): The sealing keys from the CM's root; free with sam_seal_free(). STORE_MISSING if the
 * CM's token has no sealing key, or two. */
enum sam_reason sam_open_seal(struct sam_cm *cm, struct sam_seal **seal, struct sam_msg *msg) SAM_MUST;

/** sam_open_options(config, seal, own): The options with which the live store is opened, for restore; all three outlive
 * the store. */
struct sam_store_options sam_open_options(const struct sam_config *config, struct sam_seal *seal,
					  const struct sam_own *own);

/** sam_open_own_key(sam, msg): Make the key of the SAM's own statements where a store of an earlier version has none. */
enum sam_reason sam_open_own_key(struct sam *sam, struct sam_msg *msg) SAM_MUST;

/* ---- the signed policy ---- */

/** sam_sealed_write(policy, jws, msg): Put the signature of that policy file beside it. POLICY with ${msg}. */
enum sam_reason sam_sealed_write(const char *policy, const char *jws, struct sam_msg *msg) SAM_MUST;

/** sam_sealed_check(seal, config, policy, snapshot, msg): Are the files those that officers signed, and is their
 * signature beside the policy? POLICY_UNSIGNED, POLICY_CHANGED, POLICY_OLDER, CONFIG_CHANGED, and what to do in
 * ${msg}. */
enum sam_reason sam_sealed_check(const struct sam_seal *seal, const struct sam_config *config,
				 const struct sam_policy *policy, const struct sam_snapshot *snapshot,
				 struct sam_msg *msg) SAM_MUST;

/** sam_sealed_verify(seal, config, policy, device, jws, len, timely, out, msg): Is that the signature by that key of
 * this policy with this configuration? ${timely}: and made just now. Clear ${out} in any case. */
enum sam_reason sam_sealed_verify(const struct sam_seal *seal, const struct sam_config *config,
				  const struct sam_policy *policy, const struct sam_device *device, const char *jws,
				  size_t len, bool timely, struct sam_statement *out, struct sam_msg *msg) SAM_MUST;

/** sam_login_may_use(snapshot, login, signer): May this login use the keys of that signer? (invariant 7) */
bool sam_login_may_use(const struct sam_snapshot *snapshot, const struct sam_login *login, const char *signer);

/* ---- operation SADs ---- */

/* A SAD that orders something else than a signature, verified. */
struct sam_order {
	struct sam_activation sad;  /* iss, sub, jti, kid, times, payload, sad_sha256 */
	struct sam_sad_operation operation;
	char fresh[SAM_KNOWLEDGE_MAX + 1]; /* `pin`: the new one; sam_order_clear() wipes it */
	char factors[SAM_FACTORS_TEXT];    /* that were seen, in words */
};

/** sam_order_read(sam, snapshot, text, len, name, out, msg): Verify it as a SAD for the operation ${name}. Uses
 * nothing up (sam_order_spend()), records nothing but a lock. FACTORS, SAD_CLEAR by what the policy asks for; `pin`
 * asks for the old PIN at every level, unless officers took that one away. sam_order_clear() in any case. */
enum sam_reason sam_order_read(struct sam *sam, const struct sam_snapshot *snapshot, const char *text, size_t len,
			       const char *name, struct sam_order *out, struct sam_msg *msg) SAM_MUST;
/** sam_order_take(sam, snapshot, activation, out): The same of one that was presented and verified already, on the
 * state of now; ${out} lives as long as it. SAD_OPERATION if it orders nothing. */
enum sam_reason sam_order_take(struct sam *sam, const struct sam_snapshot *snapshot,
			       const struct sam_activation *activation, struct sam_order *out) SAM_MUST;
void sam_order_clear(struct sam_order *order);
void sam_order_spend(const struct sam_order *order, struct sam_spend *spend);
/** sam_order_describe(event, order, verified): The event's members about it; ${verified}: it was taken, and the signer
 * acts. */
void sam_order_describe(struct sam_event *event, const struct sam_order *order, bool verified);

#endif
