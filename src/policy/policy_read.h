/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values that the sections of the policy file have in common. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_READ_H
#define SAM_POLICY_POLICY_READ_H

#include "base/yaml.h"

/* Each: ${map}'s member ${key}, which must be there; CONFIG with ${msg}. */

enum sam_reason sam_policy_read_switch(struct sam_yaml *map, const char *key, bool *out,
				       struct sam_msg *msg) SAM_MUST;
enum sam_reason sam_policy_read_count(struct sam_yaml *map, const char *key, unsigned min, unsigned max,
				      unsigned *out, struct sam_msg *msg) SAM_MUST;

/** sam_policy_read_seconds(map, key, min, max, out, msg): A duration of whole seconds. */
enum sam_reason sam_policy_read_seconds(struct sam_yaml *map, const char *key, int64_t min, int64_t max,
					int64_t *out, struct sam_msg *msg) SAM_MUST;

#endif
