/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `keys:` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_KEYS_H
#define SAM_POLICY_POLICY_KEYS_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_keys_read(root, out, msg): Read and check the list `keys`; CONFIG with ${msg}. */
enum sam_reason sam_policy_keys_read(struct sam_yaml *root, struct sam_policy *out,
				     struct sam_msg *msg) SAM_MUST;

#endif
