/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switches, numbers, texts, durations and dates of the policy file.
 */
#include "policy/policy_read.h"

#include <inttypes.h>
#include <string.h>
#include "base/clock.h"

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

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

enum sam_reason sam_policy_read_text(struct sam_yaml *map, const char *key, char *out, size_t size,
				     struct sam_msg *msg)
{
	struct sam_yaml *node;
	const char *text = "";
	enum sam_reason reason = sam_yaml_need(map, key, SAM_YAML_SCALAR, &node, msg);

	if (reason == SAM_OK)
		reason = sam_yaml_text(node, &text, msg);
	if (reason != SAM_OK)
		return reason;
	if (!*text || !is_printable(text) || !sam_mem_copy_text(out, size, text))
		return sam_yaml_refuse(node, msg, "%s: must be a text of 1 to %zu bytes in one line", key, size - 1);
	return SAM_OK;
}

enum sam_reason sam_policy_read_time(struct sam_yaml *map, const char *key, int64_t *out, struct sam_msg *msg)
{
	struct sam_yaml *node = sam_yaml_get(map, key);
	const char *text = NULL;
	enum sam_reason reason = sam_yaml_text(node, &text, msg);
	int64_t us;

	if (reason != SAM_OK || !text)
		return reason;
	/* With a time and a zone: a date alone would leave open whose midnight is meant. */
	if (text[0] == '@' || !strchr(text, 'T') || !sam_clock_parse(text, &us) || us % 1000000)
		return sam_yaml_refuse(node, msg, "%s: must be a date-time as 2030-12-31T15:00:00Z", key);
	*out = us / 1000000;
	return SAM_OK;
}

const struct sam_yaml *sam_policy_place(struct sam_yaml *map, const char *key)
{
	const struct sam_yaml *node = sam_yaml_get(map, key);

	return node ? node : map;
}

enum sam_reason sam_policy_read_dates(struct sam_yaml *map, struct sam_policy_dates *out, struct sam_msg *msg)
{
	enum sam_reason reason;

	*out = (struct sam_policy_dates){ INT64_MIN, INT64_MAX, INT64_MAX };
	reason = sam_policy_read_time(map, "verify_until", &out->verify_until, msg);
	/* Nobody makes signatures that nobody may verify any more. */
	out->sign_until = out->verify_until;
	if (reason == SAM_OK)
		reason = sam_policy_read_time(map, "sign_until", &out->sign_until, msg);
	if (reason == SAM_OK)
		reason = sam_policy_read_time(map, "sign_from", &out->sign_from, msg);
	if (reason != SAM_OK)
		return reason;
	if (out->sign_until > out->verify_until)
		return sam_yaml_refuse(sam_policy_place(map, "sign_until"), msg,
				       "sign_until: lies after verify_until; write that or earlier");
	if (out->sign_from > out->sign_until)
		return sam_yaml_refuse(sam_policy_place(map, "sign_from"), msg,
				       "sign_from: lies after the end of signing; write that or earlier");
	return SAM_OK;
}
