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
#include "policy/policy.h"
#include "registry/registry.h"
#include "sap/sam.h"

const struct sam_config *sam_config(const struct sam *sam);
const struct sam_policy *sam_policy(const struct sam *sam);
struct sam_store *sam_store(struct sam *sam);
struct sam_registry *sam_registry(struct sam *sam);
struct sam_audit *sam_audit(struct sam *sam);
struct sam_cm *sam_cm(struct sam *sam);
const struct sam_seal *sam_seal(struct sam *sam);

/** sam_open_check_user(config, policy, msg): Levels 2 and 3 run under the configured user only, with a configuration
 * that root owns or that lies in /etc. USER, CONFIG. */
enum sam_reason sam_open_check_user(const struct sam_config *config, const struct sam_policy *policy,
				    struct sam_msg *msg) SAM_MUST;

/** sam_open_cm(config, cm, msg): Open the CM that the configuration names; close with sam_cm_close(). */
enum sam_reason sam_open_cm(const struct sam_config *config, struct sam_cm **cm, struct sam_msg *msg) SAM_MUST;

/** sam_open_seal(cm, seal, msg): The sealing keys from the CM's root; free with sam_seal_free(). STORE_MISSING if the
 * CM's token has no sealing key, or two. */
enum sam_reason sam_open_seal(struct sam_cm *cm, struct sam_seal **seal, struct sam_msg *msg) SAM_MUST;

#endif
