/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `sap:` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_SAP_H
#define SAM_POLICY_POLICY_SAP_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_sap_read(root, out, msg): After the level is known. CONFIG with ${msg}. */
enum sam_reason sam_policy_sap_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg) SAM_MUST;

#endif
