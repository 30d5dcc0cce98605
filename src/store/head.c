/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The head: the one row, sealed, that knows what the whole store must be (HACKING.md).
 * Read and written with every transaction; whoever lacks the CM's key can neither read nor make
 * one.
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/mem.h"

enum {
	FORMAT = 3,
	SUM = 8 + 32,
	PLAIN = 13 * 8 + 32 + SAM_NAME_SIZE + 32 + 8 * SUM,
	/* of earlier formats */
	SEALED_1 = 8 * 8 + 32 + SAM_NAME_SIZE + 32 + 32 + 4 * SUM + SAM_SEAL_OVERHEAD,
	SEALED_2 = PLAIN - 2 * SUM + SAM_SEAL_OVERHEAD,
};
_Static_assert(PLAIN + SAM_SEAL_OVERHEAD == SAM_HEAD_SEALED, "the head's size");

static const char what[] = "p11-sam store head";

struct cursor {
	uint8_t *at;
};

static void put(struct cursor *c, const void *data, size_t len)
{
	memcpy(c->at, data, len);
	c->at += len;
}

static void get(struct cursor *c, void *data, size_t len)
{
	memcpy(data, c->at, len);
	c->at += len;
}

static void put_number(struct cursor *c, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		*c->at++ = (uint8_t)(value >> shift);
}

static uint64_t get_number(struct cursor *c)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | *c->at++;
	return value;
}

static void put_sum(struct cursor *c, const struct sam_sum *sum)
{
	put_number(c, sum->count);
	put(c, sum->total, sizeof sum->total);
}

static void get_sum(struct cursor *c, struct sam_sum *sum)
{
	sum->count = get_number(c);
	get(c, sum->total, sizeof sum->total);
}

static void pack(const struct sam_head *head, uint8_t plain[PLAIN])
{
	const struct sam_store_head *p = &head->public;
	struct cursor c = {plain};
	put_number(&c, FORMAT);
	put_number(&c, p->sequence);
	put_number(&c, p->grants_version);
	put_number(&c, p->audit_seq);
	put_number(&c, (uint64_t)head->audit_time);
	put_number(&c, (uint64_t)p->latest_time);
	put_number(&c, (uint64_t)p->swept_until);
	put_number(&c, (uint64_t)head->next_activation);
	put_number(&c, p->epoch);
	put_number(&c, (uint64_t)p->not_before);
	put_number(&c, p->checkpoint);
	put_number(&c, p->checkpoint_seq);
	put_number(&c, (uint64_t)p->checkpoint_time);
	put(&c, p->audit_hash, sizeof p->audit_hash);
	put(&c, p->node, sizeof p->node);
	put(&c, head->schema, sizeof head->schema);
	put_sum(&c, &head->grants);
	put_sum(&c, &head->activations);
	put_sum(&c, &head->uses);
	put_sum(&c, &head->tokens);
	put_sum(&c, &head->counters);
	put_sum(&c, &head->checkpoints);
	put_sum(&c, &head->requests);
	put_sum(&c, &head->deposits);
}

static bool unpack(uint8_t plain[PLAIN], uint64_t format, struct sam_head *head)
{
	struct sam_store_head *p = &head->public;
	struct cursor c = {plain};
	if (get_number(&c) != format)
		return false;
	p->sequence = get_number(&c);
	p->grants_version = get_number(&c);
	p->audit_seq = get_number(&c);
	head->audit_time = (int64_t)get_number(&c);
	p->latest_time = (int64_t)get_number(&c);
	p->swept_until = (int64_t)get_number(&c);
	head->next_activation = (int64_t)get_number(&c);
	p->epoch = 1;
	if (format > 1) {
		p->epoch = get_number(&c);
		p->not_before = (int64_t)get_number(&c);
		p->checkpoint = get_number(&c);
		p->checkpoint_seq = get_number(&c);
		p->checkpoint_time = (int64_t)get_number(&c);
	}
	get(&c, p->audit_hash, sizeof p->audit_hash);
	get(&c, p->node, sizeof p->node);
	if (format == 1)
		get(&c, head->old_policy, sizeof head->old_policy);
	get(&c, head->schema, sizeof head->schema);
	get_sum(&c, &head->grants);
	get_sum(&c, &head->activations);
	get_sum(&c, &head->uses);
	get_sum(&c, &head->tokens);
	if (format > 1) {
		get_sum(&c, &head->counters);
		get_sum(&c, &head->checkpoints);
	}
	if (format > 2) {
		get_sum(&c, &head->requests);
		get_sum(&c, &head->deposits);
	}
	return p->node[sizeof p->node - 1] == '\0';
}

static void count(struct sam_head *head)
{
	head->public.activations = head->activations.count;
	head->public.uses = head->uses.count;
	head->public.tokens = head->tokens.count;
	head->public.counters = head->counters.count;
	head->public.requests = head->requests.count;
	head->public.deposits = head->deposits.count;
}

static void remember(struct sam_head_cache *cache, const uint8_t *sealed,
		     const struct sam_head *head)
{
	memcpy(cache->sealed, sealed, sizeof cache->sealed);
	cache->head = *head;
	count(&cache->head);
	cache->valid = true;
}

static enum sam_reason unseal(const struct sam_seal *seal, const uint8_t *sealed, size_t len, struct sam_head *out)
{
	uint8_t plain[PLAIN];
	memset(out, 0, sizeof *out);
	enum sam_reason reason = sam_seal_decrypt(seal, what, sealed, len, plain);
	if (reason == SAM_OK && !unpack(plain, len == SEALED_1 ? 1 : len == SEALED_2 ? 2 : FORMAT, out))
		reason = SAM_STORE_TAMPERED;
	count(out);
	return reason == SAM_OK ? SAM_OK : sam_log_reason(reason, "store: the head cannot be unsealed");
}

enum sam_reason sam_head_read(struct sam_conn *conn, const struct sam_seal *seal,
			      struct sam_head *out)
{
	uint8_t sealed[SAM_HEAD_SEALED];
	const uint8_t *data;
	size_t len = 0;
	struct sam_head_cache *cache = &conn->cache;
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_HEAD_READ);
	bool there = sam_conn_row(conn, s);
	if (conn->broken != SAM_OK)
		return conn->broken;
	bool whole = there && sam_conn_column_blob(s, 0, &data, &len) &&
		     (len == sizeof sealed || (conn->upgrading && (len == SEALED_1 || len == SEALED_2)));
	if (whole)
		memcpy(sealed, data, len);
	sqlite3_reset(s);
	if (!whole)
		return sam_log_reason(SAM_STORE_TAMPERED,
				      "store: there is no head, or not a whole one");
	/* the very bytes that this connection unsealed or sealed last need no key again */
	if (cache->valid && len == sizeof sealed && sam_mem_equal(cache->sealed, sealed, sizeof sealed)) {
		*out = cache->head;
		return SAM_OK;
	}
	enum sam_reason reason = unseal(seal, sealed, len, out);
	if (reason == SAM_OK && len == sizeof sealed)
		remember(cache, sealed, out);
	return reason;
}

enum sam_reason sam_head_write(struct sam_conn *conn, const struct sam_seal *seal,
			       const struct sam_head *head)
{
	uint8_t sealed[SAM_HEAD_SEALED], plain[PLAIN];
	pack(head, plain);
	enum sam_reason reason = sam_seal_encrypt(seal, what, plain, sizeof plain, sealed);
	if (reason != SAM_OK)
		return sam_log_reason(reason, "store: the head cannot be sealed");
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_HEAD_WRITE);
	sam_conn_bind_blob(conn, s, 1, sealed, sizeof sealed);
	if (!sam_conn_done(conn, s))
		return conn->broken;
	remember(&conn->cache, sealed, head);
	return SAM_OK;
}
