/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cms:` and `schemes:` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_CMS_H
#define SAM_POLICY_POLICY_CMS_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_cms_read(root, out, msg): Read and check the approved CMs and the schemes that count; ${out} has its
 * level. CONFIG with ${msg}. */
enum sam_reason sam_policy_cms_read(struct sam_yaml *root, struct sam_policy *out,
				    struct sam_msg *msg) SAM_MUST;

#endif
