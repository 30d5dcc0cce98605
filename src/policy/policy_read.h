/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values that the sections of the policy file have in common. Of this room only.
 */
#ifndef SAM_POLICY_POLICY_READ_H
#define SAM_POLICY_POLICY_READ_H

#include "base/yaml.h"
#include "policy/policy.h"

/* Each: ${map}'s member ${key}, which must be there; CONFIG with ${msg}. */

enum sam_reason sam_policy_read_switch(struct sam_yaml *map, const char *key, bool *out,
				       struct sam_msg *msg) SAM_MUST;
enum sam_reason sam_policy_read_count(struct sam_yaml *map, const char *key, unsigned min, unsigned max,
				      unsigned *out, struct sam_msg *msg) SAM_MUST;

/** sam_policy_read_text(map, key, out, size, msg): From 1 to ${size} - 1 bytes without control characters. */
enum sam_reason sam_policy_read_text(struct sam_yaml *map, const char *key, char *out, size_t size,
				     struct sam_msg *msg) SAM_MUST;

/** sam_policy_read_seconds(map, key, min, max, out, msg): A duration of whole seconds. */
enum sam_reason sam_policy_read_seconds(struct sam_yaml *map, const char *key, int64_t min, int64_t max,
					int64_t *out, struct sam_msg *msg) SAM_MUST;

/* Each: where the member is absent ${out} stays as it is. */

/** sam_policy_read_time(map, key, out, msg): A date-time, to the second, with its zone; seconds since 1970. */
enum sam_reason sam_policy_read_time(struct sam_yaml *map, const char *key, int64_t *out,
				     struct sam_msg *msg) SAM_MUST;

/** sam_policy_read_dates(map, out, msg): sign_from, sign_until and verify_until, in order; what ends
 * not of its own ends with the next. Sets all three. */
enum sam_reason sam_policy_read_dates(struct sam_yaml *map, struct sam_policy_dates *out,
				      struct sam_msg *msg) SAM_MUST;

/** sam_policy_place(map, key): What to point at: the value, or the map that lacks it. */
const struct sam_yaml *sam_policy_place(struct sam_yaml *map, const char *key);

#endif
