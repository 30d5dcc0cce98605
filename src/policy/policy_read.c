/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switches, numbers and durations of the policy file.
 */
#include "policy/policy_read.h"

#include <inttypes.h>

enum sam_reason sam_policy_read_switch(struct sam_yaml *map, const char *key, bool *out,
				       struct sam_msg *msg)
{
	struct sam_yaml *node;
	enum sam_reason reason = sam_yaml_need(map, key, SAM_YAML_SCALAR, &node, msg);

	return reason == SAM_OK ? sam_yaml_bool(node, out, msg) : reason;
}

enum sam_reason sam_policy_read_count(struct sam_yaml *map, const char *key, unsigned min, unsigned max,
				      unsigned *out, struct sam_msg *msg)
{
	struct sam_yaml *node;
	int64_t number = 0;
	enum sam_reason reason = sam_yaml_need(map, key, SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_number(node, min, max, &number, msg);
	*out = (unsigned)number;
	return reason;
}

enum sam_reason sam_policy_read_seconds(struct sam_yaml *map, const char *key, int64_t min, int64_t max,
					int64_t *out, struct sam_msg *msg)
{
	struct sam_yaml *node;
	int64_t ms = 0;
	enum sam_reason reason = sam_yaml_need(map, key, SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_duration(node, INT64_MIN, INT64_MAX, &ms, msg);
	if (reason != SAM_OK)
		return reason;
	if (ms % 1000 || ms < min * 1000 || ms > max * 1000)
		return sam_yaml_refuse(
			node, msg, "%s: must be whole seconds, from %" PRId64 "s to %" PRId64 "s",
			key, min, max);
	*out = ms / 1000;
	return SAM_OK;
}
