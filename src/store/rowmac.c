/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What makes a changed, added or removed row show (invariant 9): a MAC in every row over all its
 * columns, and for each table a keyed sum that only the sealed head has.
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

static void put(struct sam_rowmac *r, const void *data, size_t len)
{
	if (r->failed)
		return;
	if (len > r->size - r->len) {
		size_t size = 2 * r->size + len;
		uint8_t *bigger = malloc(size);
		if (!bigger) {
			r->failed = true;
			return;
		}
		memcpy(bigger, r->data, r->len);
		if (r->data != r->small)
			free(r->data);
		r->data = bigger;
		r->size = size;
	}
	if (len)
		memcpy(r->data + r->len, data, len);
	r->len += len;
}

static void put_number(struct sam_rowmac *r, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 7; i >= 0; i--, value >>= 8)
		bytes[i] = (uint8_t)value;
	put(r, bytes, sizeof bytes);
}

void sam_rowmac_start(struct sam_rowmac *r, const char *table)
{
	r->data = r->small;
	r->len = 0;
	r->size = sizeof r->small;
	r->failed = false;
	sam_rowmac_text(r, table);
}

void sam_rowmac_int(struct sam_rowmac *r, int64_t value)
{
	put_number(r, 8);
	put_number(r, (uint64_t)value);
}

void sam_rowmac_blob(struct sam_rowmac *r, const void *data, size_t len)
{
	put_number(r, len);
	put(r, data, len);
}

void sam_rowmac_text(struct sam_rowmac *r, const char *text)
{
	if (text)
		sam_rowmac_blob(r, text, strlen(text));
	else
		put_number(r, UINT64_MAX);
}

void sam_rowmac_end(struct sam_rowmac *r)
{
	if (r->data != r->small)
		free(r->data);
	r->data = r->small;
}

enum sam_reason sam_rowmac_make(const struct sam_rowmac *r, const struct sam_seal *seal,
				enum sam_seal_key key, uint8_t mac[SAM_SEAL_MAC])
{
	enum sam_reason reason =
		r->failed ? SAM_MEMORY : sam_seal_mac(seal, key, r->data, r->len, mac);
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: the MAC of a row");
}

enum sam_reason sam_rowmac_check(const struct sam_rowmac *r, const struct sam_seal *seal,
				 const uint8_t mac[SAM_SEAL_MAC])
{
	uint8_t right[SAM_SEAL_MAC];
	enum sam_reason reason = sam_rowmac_make(r, seal, SAM_SEAL_ROW, right);
	if (reason != SAM_OK)
		return reason;
	if (!sam_mem_equal(mac, right, sizeof right))
		return sam_log_reason(SAM_STORE_TAMPERED, "store: a row does not have its MAC");
	return SAM_OK;
}

/* The row's part of the sum is over its stored MAC too, so that the sum alone vouches for every
 * column. */
static enum sam_reason part(struct sam_rowmac *r, const struct sam_seal *seal,
			    const uint8_t mac[SAM_SEAL_MAC], uint8_t out[SAM_SEAL_MAC])
{
	size_t len = r->len;
	sam_rowmac_blob(r, mac, SAM_SEAL_MAC);
	enum sam_reason reason = sam_rowmac_make(r, seal, SAM_SEAL_SUM, out);
	r->len = len;
	return reason;
}

enum sam_reason sam_rowmac_add(struct sam_rowmac *r, const struct sam_seal *seal,
			       const uint8_t mac[SAM_SEAL_MAC], struct sam_sum *sum)
{
	uint8_t add[SAM_SEAL_MAC];
	enum sam_reason reason = part(r, seal, mac, add);
	if (reason != SAM_OK)
		return reason;
	unsigned carry = 0;
	for (size_t i = sizeof add; i-- > 0; carry >>= 8) {
		carry += (unsigned)sum->total[i] + add[i];
		sum->total[i] = (uint8_t)carry;
	}
	sum->count++;
	return SAM_OK;
}

enum sam_reason sam_rowmac_take(struct sam_rowmac *r, const struct sam_seal *seal,
				const uint8_t mac[SAM_SEAL_MAC], struct sam_sum *sum)
{
	uint8_t take[SAM_SEAL_MAC];
	enum sam_reason reason = part(r, seal, mac, take);
	if (reason != SAM_OK)
		return reason;
	unsigned borrow = 0;
	for (size_t i = sizeof take; i-- > 0;) {
		unsigned difference = 256u + sum->total[i] - take[i] - borrow;
		sum->total[i] = (uint8_t)difference;
		borrow = difference < 256;
	}
	sum->count--;
	return SAM_OK;
}

bool sam_rowmac_same(const struct sam_sum *a, const struct sam_sum *b)
{
	return a->count == b->count && sam_mem_equal(a->total, b->total, sizeof a->total);
}
