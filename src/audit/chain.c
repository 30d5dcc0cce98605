/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records become a chain: each line carries the hash of the one before and its own (invariant 9).
 */
#include <stdio.h>
#include <string.h>

#include "audit/internal.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/ossl.h"

enum sam_reason sam_chain_hash(const char *bytes, size_t len, uint8_t hash[32])
{
	sam_auto(sam_free) char *leaf = malloc(len + 1);

	if (!leaf)
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	leaf[0] = '\0';
	memcpy(leaf + 1, bytes, len);
	return sam_ossl_digest(SAM_HASH_SHA256, leaf, len + 1, hash);
}

/* What only the store knows, and hands over at the moment of writing. */
static char *members_head(uint64_t seq, const char *node, int64_t time_us)
{
	char time[SAM_CLOCK_TEXT];
	json_auto_t *object = NULL;

	sam_clock_text(time_us, time);
	object = json_pack("{s:i,s:I,s:s,s:s}", "v", (int)SAM_AUDIT_VERSION, "seq", (json_int_t)seq,
			   "node", node, "time", time);
	return object ? sam_text_members(object) : NULL;
}

enum sam_reason sam_audit_chain(const struct sam_record *record, uint64_t seq, const char *node,
				int64_t time_us, const uint8_t prev[32], char **line,
				uint8_t hash[32])
{
	char before[65], own[65];
	sam_auto(sam_free) char *head = members_head(seq, node, time_us), *body = NULL;
	enum sam_reason reason;
	int len;

	*line = NULL;
	if (!head)
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	sam_encode_hex(prev, 32, before);
	len = asprintf(&body, "{%s,%s,\"prev\":\"%s\"", head, record->members, before);
	if (len < 0) {
		body = NULL;
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	}
	reason = sam_chain_hash(body, (size_t)len, hash);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(hash, 32, own);
	if (asprintf(line, "%s,\"hash\":\"%s\"}", body, own) < 0) {
		*line = NULL;
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	}
	return SAM_OK;
}
