/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cas:` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_CAS_H
#define SAM_POLICY_POLICY_CAS_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_cas_read(root, out, msg): Read and check the trusted CAs; ${out} has its level. CONFIG with ${msg}. */
enum sam_reason sam_policy_cas_read(struct sam_yaml *root, struct sam_policy *out,
				    struct sam_msg *msg) SAM_MUST;

#endif
