/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `issuers:` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_ISSUERS_H
#define SAM_POLICY_POLICY_ISSUERS_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_issuers_read(root, out, msg): The trusted issuers, none if absent; out->level and out->sad_algorithms
 * must have been read. CONFIG with ${msg}. */
enum sam_reason sam_policy_issuers_read(struct sam_yaml *root, struct sam_policy *out, struct sam_msg *msg) SAM_MUST;

#endif
