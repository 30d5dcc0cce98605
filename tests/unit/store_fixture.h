/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the store share: a store in a folder of its own, a small chain, claims,
 * records, and another program's hands in the file.
 */
#ifndef SAM_TESTS_STORE_FIXTURE_H
#define SAM_TESTS_STORE_FIXTURE_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit.h"
#include "base/clock.h"
#include "base/encode.h"
#include "store/store.h"

static char folder[64], path[128];
static struct sam_seal *seal;
static struct sam_store *store;
static struct sam_store_options options;
static int64_t now; /* when the test began */

static inline void is(enum sam_reason got, enum sam_reason want)
{
	if (got != want)
		ck_abort_msg("%s, not %s", sam_reason_name(got), sam_reason_name(want));
}

/* The line is {"seq":N,MEMBERS,"prev":HEX}, the hash its SHA-256; "refuse" in the members
 * refuses. */
static inline enum sam_reason test_chain(const struct sam_record *record, uint64_t seq, const char *node,
					 int64_t time_us, const uint8_t prev[32], char **line, uint8_t hash[32])
{
	char hex[65];
	(void)node, (void)time_us;
	if (strstr(record->members, "refuse"))
		return SAM_MEMORY;
	sam_encode_hex(prev, 32, hex);
	int len = asprintf(line, "{\"seq\":%llu,%s,\"prev\":\"%s\"}", (unsigned long long)seq, record->members, hex);
	return len < 0 ? SAM_MEMORY : sam_ossl_digest(SAM_HASH_SHA256, *line, (size_t)len, hash);
}

static const struct sam_record a_record = {.members = "\"type\":\"sign\"", .type = "sign", .outcome = "success",
					   .signer = "alice", .credential = "key1", .jti = "jti-1"};

static inline void reopen(void)
{
	struct sam_msg msg;
	sam_store_close(store);
	store = NULL;
	is(sam_store_open(&options, &store, &msg), SAM_OK);
}

static inline void make_folder(void)
{
	const uint8_t root[32] = {7};
	snprintf(folder, sizeof folder, "/tmp/sam-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/state.db", folder);
	is(sam_seal_new(root, &seal), SAM_OK);
	options = (struct sam_store_options){.path = path, .seal = seal, .chain = test_chain};
	now = sam_clock_now();
}

static inline void set_up(void)
{
	make_folder();
	is(sam_store_create(&options, "node1", NULL), SAM_OK);
	is(sam_store_open(&options, &store, NULL), SAM_OK);
}

static inline void tear_down(void)
{
	char command[128];
	sam_store_close(store);
	sam_seal_free(seal);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static inline struct sam_claim claim_of(const char *jti)
{
	return (struct sam_claim){.iss = "alice", .jti = jti, .payload = {1}, .iat = now, .exp = now + 100};
}

/* Reserve the digest that begins with ${number}. */
static inline enum sam_reason reserve(const struct sam_claim *claim, uint64_t number, struct sam_reservation *out)
{
	uint8_t digest[32] = {0};
	memcpy(digest, &number, sizeof number);
	return sam_store_reserve(store, claim, digest, sizeof digest, now, out);
}

static inline enum sam_reason sign(const char *jti, uint64_t number)
{
	struct sam_claim claim = claim_of(jti);
	struct sam_reservation r;
	enum sam_reason reason = reserve(&claim, number, &r);
	return reason == SAM_OK ? sam_store_commit(store, &r, &a_record) : reason;
}

static inline enum sam_reason change_grants(struct sam_store *in, uint64_t version, const struct sam_change *changes,
					    size_t count, const struct sam_record *record)
{
	struct sam_change_set set = {.version = version, .changes = changes, .count = count, .records = record,
				     .record_count = record != NULL};
	return sam_store_grants_change(in, &set);
}

/* Another program, which closes the file again. */
static inline void meddle(const char *sql)
{
	sqlite3 *db;
	char *error = NULL;
	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		ck_abort_msg("%s: %s", sql, error);
	ck_assert_int_gt(sqlite3_total_changes(db) + (sqlite3_strnicmp(sql, "UPDATE", 6) &&
						     sqlite3_strnicmp(sql, "DELETE", 6)), 0);
	sqlite3_close(db);
}

static inline bool long_run(void)
{
	const char *text = getenv("SAM_TEST_LONG");
	return text && strcmp(text, "1") == 0;
}

#endif
