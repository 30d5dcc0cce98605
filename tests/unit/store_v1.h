/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store of schema version 1, 2 or 3, as those versions wrote it: made of a new one, by taking away what came
 * later and sealing the head as it was.
 */
#ifndef SAM_TESTS_STORE_V1_H
#define SAM_TESTS_STORE_V1_H

#include "store_fixture.h"
#include "store/internal.h"

static inline uint8_t *v1_number(uint8_t *at, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(value >> shift);
	return at;
}

static inline uint8_t *v1_bytes(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static inline size_t v1_head(const struct sam_head *head, const uint8_t policy[32], uint8_t plain[512])
{
	const struct sam_store_head *p = &head->public;
	const struct sam_sum *const sums[] = {&head->grants, &head->activations, &head->uses, &head->tokens};
	const uint64_t numbers[] = {1, p->sequence, p->grants_version, p->audit_seq, (uint64_t)head->audit_time,
				    (uint64_t)p->latest_time, (uint64_t)p->swept_until,
				    (uint64_t)head->next_activation};
	uint8_t *at = plain;
	for (unsigned i = 0; i < 8; i++)
		at = v1_number(at, numbers[i]);
	at = v1_bytes(at, p->audit_hash, 32);
	at = v1_bytes(at, p->node, 65);
	at = v1_bytes(at, policy, 32);
	at = v1_bytes(at, head->schema, 32);
	for (unsigned i = 0; i < 4; i++) {
		at = v1_number(at, sums[i]->count);
		at = v1_bytes(at, sums[i]->total, 32);
	}
	return (size_t)(at - plain);
}

/** make_v1(policy): Of the closed store at ${path}. */
static inline void make_v1(const uint8_t policy[32])
{
	struct sam_conn *conn;
	struct sam_head head;
	uint8_t plain[512], sealed[600];
	is(sam_conn_open(path, 1000, &conn, NULL), SAM_OK);
	ck_assert(sam_conn_exec(conn, "BEGIN"));
	is(sam_head_read(conn, seal, &head), SAM_OK);
	ck_assert(sam_conn_exec(conn, "DROP TABLE counters; DROP TABLE checkpoints; DROP TABLE requests;"
				" DROP TABLE deposits; PRAGMA user_version=1"));
	is(sam_schema_digest(conn, head.schema), SAM_OK);
	size_t len = v1_head(&head, policy, plain);
	ck_assert_uint_eq(len, 385);
	is(sam_seal_encrypt(seal, "p11-sam store head", plain, len, sealed), SAM_OK);
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_HEAD_WRITE);
	sam_conn_bind_blob(conn, s, 1, sealed, len + SAM_SEAL_OVERHEAD);
	ck_assert(sam_conn_done(conn, s) && sam_conn_exec(conn, "COMMIT"));
	sam_conn_close(conn);
}

/* Versions 2 and 3 had this head; their tables are the same, their rows the registry's business. */
static inline size_t v2_head(const struct sam_head *head, uint8_t plain[512])
{
	const struct sam_store_head *p = &head->public;
	const struct sam_sum *const sums[] = {&head->grants, &head->activations, &head->uses, &head->tokens,
					      &head->counters, &head->checkpoints};
	const uint64_t numbers[] = {2, p->sequence, p->grants_version, p->audit_seq, (uint64_t)head->audit_time,
				    (uint64_t)p->latest_time, (uint64_t)p->swept_until,
				    (uint64_t)head->next_activation, p->epoch, (uint64_t)p->not_before, p->checkpoint,
				    p->checkpoint_seq, (uint64_t)p->checkpoint_time};
	uint8_t *at = plain;
	for (unsigned i = 0; i < 13; i++)
		at = v1_number(at, numbers[i]);
	at = v1_bytes(at, p->audit_hash, 32);
	at = v1_bytes(at, p->node, 65);
	at = v1_bytes(at, head->schema, 32);
	for (unsigned i = 0; i < 6; i++) {
		at = v1_number(at, sums[i]->count);
		at = v1_bytes(at, sums[i]->total, 32);
	}
	return (size_t)(at - plain);
}

/** make_v2(version): Likewise, version 2 or 3. */
static inline void make_v2(int version)
{
	struct sam_conn *conn;
	struct sam_head head;
	uint8_t plain[512], sealed[600];
	char text[96];
	is(sam_conn_open(path, 1000, &conn, NULL), SAM_OK);
	ck_assert(sam_conn_exec(conn, "BEGIN"));
	is(sam_head_read(conn, seal, &head), SAM_OK);
	snprintf(text, sizeof text, "DROP TABLE requests; DROP TABLE deposits; PRAGMA user_version=%d", version);
	ck_assert(sam_conn_exec(conn, text));
	is(sam_schema_digest(conn, head.schema), SAM_OK);
	size_t len = v2_head(&head, plain);
	ck_assert_uint_eq(len, 473);
	is(sam_seal_encrypt(seal, "p11-sam store head", plain, len, sealed), SAM_OK);
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_HEAD_WRITE);
	sam_conn_bind_blob(conn, s, 1, sealed, len + SAM_SEAL_OVERHEAD);
	ck_assert(sam_conn_done(conn, s) && sam_conn_exec(conn, "COMMIT"));
	sam_conn_close(conn);
}

#endif
