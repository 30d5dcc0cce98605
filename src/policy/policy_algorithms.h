/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `hashes:`, `mechanisms:` and `sap.algorithms` of the policy file. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_ALGORITHMS_H
#define SAM_POLICY_POLICY_ALGORITHMS_H

#include "base/yaml.h"
#include "policy/policy.h"

/** sam_policy_algorithms_read(root, out, msg): Read and check the lists `hashes` and `mechanisms`, with their dates;
 * CONFIG with ${msg}. */
enum sam_reason sam_policy_algorithms_read(struct sam_yaml *root, struct sam_policy *out,
					   struct sam_msg *msg) SAM_MUST;

/** sam_policy_sad_algorithms_read(sap, out, msg): The same for the list `algorithms` of `sap`, without dates. */
enum sam_reason sam_policy_sad_algorithms_read(struct sam_yaml *sap, struct sam_policy *out,
					       struct sam_msg *msg) SAM_MUST;

/** sam_policy_jws_algorithms_read(map, set, msg): The list `algorithms` of any map; set[alg] for each in it. */
enum sam_reason sam_policy_jws_algorithms_read(struct sam_yaml *map, bool set[SAM_JWS_ALGS],
					       struct sam_msg *msg) SAM_MUST;

#endif
