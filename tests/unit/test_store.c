/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store's verbs: what they take, refuse and keep.
 */
#include "store_fixture.h"

#include <dirent.h>

START_TEST(create_makes_a_private_file_once)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	struct sam_msg msg;
	struct stat st;
	is(sam_store_append(store, &a_record, true), SAM_OK);
	for (unsigned i = 0; i < 4; i++) {
		char name[160];
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		ck_assert_int_eq(stat(name, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
	}
	is(sam_store_create(&options, "node2", &msg), SAM_STORE_EXISTS);
	ck_assert_ptr_nonnull(strstr(msg.text, path));
	is(sam_store_append(store, &a_record, true), SAM_OK);
}
END_TEST

static unsigned files(void)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

START_TEST(create_leaves_nothing_half_made)
{
	char name[160];
	struct sam_store_options there = options, deep = options;
	struct sam_msg msg;
	deep.path = "/nonexistent/folder/state.db";
	is(sam_store_create(&deep, "node1", &msg), SAM_STORE_FAILED);
	is(sam_store_create(&options, "", &msg), SAM_ARGUMENTS);
	unsigned before = files();
	snprintf(name, sizeof name, "%s/other.db-wal", folder);
	fclose(fopen(name, "w"));
	snprintf(name, sizeof name, "%s/other.db", folder);
	there.path = name;
	is(sam_store_create(&there, "node1", &msg), SAM_STORE_EXISTS);
	ck_assert_uint_eq(files(), before + 1);
}
END_TEST

START_TEST(open_refuses_what_is_no_store_of_ours)
{
	struct sam_store *other = NULL;
	struct sam_msg msg;
	char name[160];
	sam_store_close(store);
	store = NULL;
	struct sam_store_options wrong = options;
	snprintf(name, sizeof name, "%s/other.db", folder);
	wrong.path = name;
	is(sam_store_open(&wrong, &other, &msg), SAM_STORE_MISSING);
	ck_assert_int_eq(symlink(path, name), 0);
	is(sam_store_open(&wrong, &other, &msg), SAM_STORE_FAILED);
	ck_assert_ptr_nonnull(strstr(msg.text, "symbolic link"));
	unlink(name);
	FILE *f = fopen(name, "w");
	fputs("something else, long enough to be read as the first page of a database, or so it seems\n", f);
	fclose(f);
	chmod(name, 0600);
	ck_assert_int_ne(sam_store_open(&wrong, &other, &msg), SAM_OK);
	ck_assert_int_eq(chmod(path, 0660), 0);
	is(sam_store_open(&options, &other, &msg), SAM_STORE_FAILED);
	ck_assert_int_eq(chmod(path, 0600), 0);
	meddle("PRAGMA application_id=7");
	is(sam_store_open(&options, &other, &msg), SAM_STORE_FAILED);
	ck_assert_ptr_nonnull(strstr(msg.text, "no store of p11-sam"));
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_newer_store_is_refused)
{
	struct sam_store *other = NULL;
	struct sam_msg msg;
	sam_store_close(store);
	store = NULL;
	meddle("PRAGMA user_version=99");
	is(sam_store_open(&options, &other, &msg), SAM_STORE_NEWER);
	ck_assert_ptr_nonnull(strstr(msg.text, "99"));
	meddle("PRAGMA user_version=0");
	is(sam_store_open(&options, &other, &msg), SAM_STORE_FAILED);
}
END_TEST

START_TEST(another_key_cannot_open_it)
{
	const uint8_t root[32] = {8};
	struct sam_seal *wrong;
	struct sam_store *other = NULL;
	is(sam_seal_new(root, &wrong), SAM_OK);
	struct sam_store_options o = options;
	o.seal = wrong;
	is(sam_store_open(&o, &other, NULL), SAM_STORE_TAMPERED);
	sam_seal_free(wrong);
}
END_TEST

START_TEST(the_head_tells_what_is_there)
{
	struct sam_store_head head, after;
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_str_eq(head.node, "node1");
	ck_assert_uint_eq(head.epoch, 1);
	ck_assert_int_eq(head.not_before, 0);
	ck_assert_uint_eq(head.audit_seq, 0);
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_uint_eq(after.sequence, head.sequence + 2);
	ck_assert_uint_eq(after.audit_seq, 1);
	ck_assert_uint_eq(after.activations, 1);
	ck_assert_uint_eq(after.uses, 1);
	ck_assert_uint_eq(after.tokens, 0);
	ck_assert_int_ge(after.latest_time, now);
	reopen();
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_mem_eq(&head, &after, sizeof head);
}
END_TEST

/* ---- once ---- */

START_TEST(replay_is_refused)
{
	is(sign("jti-1", 1), SAM_OK);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	is(sign("jti-1", 2), SAM_OK);
	is(sign("jti-2", 1), SAM_OK);
	reopen();
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	is(sign("jti-1", 2), SAM_DIGEST_USED);
}
END_TEST

START_TEST(a_reservation_alone_counts)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	is(reserve(&claim, 1, &r), SAM_OK);
	is(reserve(&claim, 1, &r), SAM_DIGEST_USED);
	reopen();
	is(reserve(&claim, 1, &r), SAM_DIGEST_USED);
}
END_TEST

START_TEST(refusals_change_nothing)
{
	struct sam_store_head before, after;
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_head(store, &before), SAM_OK);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
	claim.payload[5] = 1;
	is(reserve(&claim, 2, &r), SAM_SAD_REUSED_ID);
	claim.exp = now;
	is(reserve(&claim, 2, &r), SAM_SAD_EXPIRED);
	is(sam_store_reserve(store, &claim, (const uint8_t *)"", 0, now, &r), SAM_ARGUMENTS);
	claim.jti = NULL;
	claim.exp = now + 100;
	is(reserve(&claim, 2, &r), SAM_ARGUMENTS);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_mem_eq(&before, &after, sizeof before);
}
END_TEST

START_TEST(identity_is_issuer_and_jti_apart)
{
	struct sam_claim a = {.iss = "ab", .jti = "c", .iat = now, .exp = now + 100};
	struct sam_claim b = {.iss = "a", .jti = "bc", .iat = now, .exp = now + 100};
	struct sam_reservation r, q;
	is(reserve(&a, 1, &r), SAM_OK);
	is(reserve(&b, 1, &q), SAM_OK);
	ck_assert_int_ne(r.activation, q.activation);
}
END_TEST

START_TEST(another_payload_under_the_identity_is_refused)
{
	struct sam_claim claim = claim_of("jti-1");
	is(sign("jti-1", 1), SAM_OK);
	is(sam_store_known(store, &claim, now), SAM_OK);
	claim.payload[31] ^= 1;
	is(sam_store_known(store, &claim, now), SAM_SAD_REUSED_ID);
	struct sam_reservation r;
	is(reserve(&claim, 2, &r), SAM_SAD_REUSED_ID);
	claim.jti = "unheard-of";
	is(sam_store_known(store, &claim, now), SAM_OK);
}
END_TEST

START_TEST(the_limit_counts_all_digests)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r, q;
	claim.limit = 2;
	is(reserve(&claim, 1, &r), SAM_OK);
	is(reserve(&claim, 2, &q), SAM_OK);
	is(reserve(&claim, 3, &q), SAM_COUNT_USED);
	is(reserve(&claim, 1, &q), SAM_DIGEST_USED);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	is(reserve(&claim, 3, &q), SAM_OK);
	is(reserve(&claim, 1, &q), SAM_COUNT_USED);
}
END_TEST

START_TEST(digests_differ_by_their_length_too)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	const uint8_t digest[64] = {0};
	is(sam_store_reserve(store, &claim, digest, 32, now, &r), SAM_OK);
	is(sam_store_reserve(store, &claim, digest, 48, now, &r), SAM_OK);
	is(sam_store_reserve(store, &claim, digest, 64, now, &r), SAM_OK);
	is(sam_store_reserve(store, &claim, digest, 64, now, &r), SAM_DIGEST_USED);
	is(sam_store_reserve(store, &claim, digest, 65, now, &r), SAM_ARGUMENTS);
}
END_TEST

START_TEST(give_back_frees_the_digest)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	struct sam_store_head head;
	is(reserve(&claim, 1, &r), SAM_OK);
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	is(sam_store_give_back(store, &r, &a_record), SAM_STORE_TAMPERED);
	is(sam_store_commit(store, &r, &a_record), SAM_STORE_TAMPERED);
	reopen();
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.uses, 0);
	ck_assert_uint_eq(head.audit_seq, 1);
	is(sign("jti-1", 1), SAM_OK);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
}
END_TEST

START_TEST(a_record_that_cannot_be_made_commits_nothing)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r, empty = {0};
	struct sam_store_head before, after;
	const struct sam_record bad = {.members = "refuse", .type = "sign", .outcome = "success"};
	is(reserve(&claim, 1, &r), SAM_OK);
	is(sam_store_head(store, &before), SAM_OK);
	is(sam_store_commit(store, &r, &bad), SAM_MEMORY);
	is(sam_store_give_back(store, &r, &bad), SAM_MEMORY);
	is(sam_store_commit(store, &r, NULL), SAM_ARGUMENTS);
	is(sam_store_commit(store, &empty, &a_record), SAM_ARGUMENTS);
	is(sam_store_append(store, &bad, true), SAM_MEMORY);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_mem_eq(&before, &after, sizeof before);
	is(sam_store_commit(store, &r, &a_record), SAM_OK);
}
END_TEST

/* ---- time ---- */

START_TEST(an_expired_sad_is_refused)
{
	struct sam_claim claim = claim_of("jti-1");
	struct sam_reservation r;
	claim.exp = now;
	is(reserve(&claim, 1, &r), SAM_SAD_EXPIRED);
	is(sam_store_known(store, &claim, now), SAM_SAD_EXPIRED);
	claim.exp = now + 2;
	is(reserve(&claim, 1, &r), SAM_OK);
	is(sam_store_known(store, &claim, now + 2), SAM_SAD_EXPIRED);
}
END_TEST

START_TEST(a_clock_set_back_revives_nothing)
{
	struct sam_claim claim = claim_of("jti-1"), later = claim_of("jti-2");
	struct sam_reservation r;
	later.exp = now + 2000;
	is(sam_store_reserve(store, &later, (const uint8_t *)"x", 1, now + 1000, &r), SAM_OK);
	is(reserve(&claim, 1, &r), SAM_SAD_EXPIRED);
	is(sam_store_known(store, &claim, now), SAM_SAD_EXPIRED);
	reopen();
	is(reserve(&claim, 1, &r), SAM_SAD_EXPIRED);
	is(reserve(&later, 1, &r), SAM_OK);
}
END_TEST

/* Sixteen SADs with 40 uses each, one with 1,100, all long expired but for the last two. */
START_TEST(maintain_sweeps_what_has_expired)
{
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_claim late = claim_of("late"), big = claim_of("big"), known = claim_of("sad-3");
	struct sam_reservation r;
	struct sam_store_head head;
	struct sam_msg msg;
	uint64_t done;
	for (unsigned sad = 0; sad < 16; sad++) {
		char jti[16];
		snprintf(jti, sizeof jti, "sad-%u", sad);
		struct sam_claim claim = claim_of(jti);
		for (unsigned i = 0; i < 40; i++)
			is(reserve(&claim, i, &r), SAM_OK);
	}
	for (unsigned i = 0; i < 1100; i++)
		is(reserve(&big, i, &r), SAM_OK);
	is(sam_store_token_put(store, &known, "body", 4, now, token, &a_record), SAM_OK);
	late.exp = now + 900;
	is(reserve(&late, 1, &r), SAM_OK);
	is(sam_store_maintain(store, &done), SAM_OK);
	ck_assert_uint_eq(done, 0);
	late.exp = now + 90000;
	late.jti = "latest";
	is(sam_store_reserve(store, &late, (const uint8_t *)"x", 1, now + 800, &r), SAM_OK);
	is(sam_store_maintain(store, &done), SAM_OK);
	ck_assert_uint_eq(done, 17);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.activations, 2);
	ck_assert_uint_eq(head.uses, 2);
	ck_assert_uint_eq(head.tokens, 0);
	ck_assert_int_eq(head.swept_until, now + 100);
	is(sam_store_check(store, &msg), SAM_OK);
	is(reserve(&known, 1, &r), SAM_SAD_EXPIRED);
	uint8_t *body;
	size_t len;
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(sam_store_maintain(store, NULL), SAM_OK);
	reopen();
}
END_TEST

START_TEST(leaders_sweep_and_checkpoint_by_themselves)
{
	struct sam_reservation r;
	struct sam_store_head head;
	struct stat st;
	char jti[24], wal[160];
	for (unsigned i = 0; i < 600; i++) {
		snprintf(jti, sizeof jti, "old-%u", i);
		is(sign(jti, i), SAM_OK);
	}
	struct sam_claim late = {.iss = "alice", .jti = "late", .iat = now, .exp = now + 90000};
	is(sam_store_reserve(store, &late, (const uint8_t *)"x", 1, now + 1000, &r), SAM_OK);
	for (unsigned i = 0; i < 1500; i++) {
		snprintf(jti, sizeof jti, "new-%u", i);
		late.jti = jti;
		is(reserve(&late, i, &r), SAM_OK);
		is(sam_store_commit(store, &r, &a_record), SAM_OK);
	}
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_lt(head.activations, 1501 + 300);
	ck_assert_uint_eq(head.uses, head.activations);
	snprintf(wal, sizeof wal, "%s-wal", path);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_lt(st.st_size, 8 << 20); /* 2,100 pairs write some 60 MiB of pages */
	reopen();
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- tokens ---- */

START_TEST(a_token_finds_its_body)
{
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz", again[SAM_TOKEN_LEN + 1];
	struct sam_claim claim = claim_of("jti-1");
	uint8_t *body = NULL;
	size_t len = 0;
	memcpy(again, "sat_zyxwvutsrqponmlkjihgfedcba", sizeof again);
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(sam_store_token_put(store, &claim, "the\0body", 8, now, token, &a_record), SAM_OK);
	ck_assert_str_eq(token, "sat_abcdefghijklmnopqrstuvwxyz");
	is(sam_store_token_put(store, &claim, "other", 5, now, again, &a_record), SAM_OK);
	ck_assert_str_eq(again, token);
	reopen();
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_OK);
	ck_assert_uint_eq(len, 8);
	ck_assert_mem_eq(body, "the\0body", 8);
	free(body);
	is(sam_store_token_find(store, "sat_zyxwvutsrqponmlkjihgfedcba", NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	struct sam_store_head head;
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.tokens, 1);
	ck_assert_uint_eq(head.audit_seq, 2);
}
END_TEST

START_TEST(tokens_follow_the_rules_of_the_sad)
{
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz", cut[SAM_TOKEN_LEN + 1] = "sat_abc";
	struct sam_claim claim = claim_of("jti-1"), expired = claim_of("jti-2");
	const struct sam_record bad = {.members = "refuse", .type = "sign", .outcome = "success"};
	uint8_t *body;
	size_t len;
	expired.exp = now;
	is(sam_store_token_put(store, &expired, "body", 4, now, token, &a_record), SAM_SAD_EXPIRED);
	is(sam_store_token_put(store, &claim, "body", 4, now, cut, &a_record), SAM_ARGUMENTS);
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &bad), SAM_MEMORY);
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(sign("jti-1", 1), SAM_OK);
	claim.payload[0] ^= 1;
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_SAD_REUSED_ID);
	claim.payload[0] ^= 1;
	is(sam_store_token_put(store, &claim, "body", 4, now, token, &a_record), SAM_OK);
	is(sign("jti-1", 1), SAM_DIGEST_USED);
}
END_TEST

static bool file_has(const char *suffix, const char *text)
{
	char name[160];
	bool found = false;
	snprintf(name, sizeof name, "%s%s", path, suffix);
	FILE *f = fopen(name, "r");
	ck_assert_ptr_nonnull(f);
	char *data = malloc(16 << 20);
	ck_assert_ptr_nonnull(data);
	size_t len = fread(data, 1, 16 << 20, f);
	found = memmem(data, len, text, strlen(text)) != NULL;
	free(data);
	fclose(f);
	return found;
}

START_TEST(the_file_holds_no_token_and_no_body)
{
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_claim claim = claim_of("jti-claimed");
	is(sam_store_token_put(store, &claim, "the-body-itself", 15, now, token, &a_record), SAM_OK);
	ck_assert(file_has("-wal", "\"type\":\"sign\"")); /* that is where to look */
	static const char *const suffixes[] = {"", "-wal"};
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(!file_has(suffixes[i], "abcdefghijklmnopqrstuvwxyz"));
		ck_assert(!file_has(suffixes[i], "the-body-itself"));
		ck_assert(!file_has(suffixes[i], "jti-claimed"));
	}
}
END_TEST

/* ---- rows that grant ---- */

static enum sam_reason change(uint64_t version, enum sam_change_kind what, const char *id, const char *body)
{
	struct sam_change c = {what, {"signer", id, body, strlen(body)}};
	return change_grants(store, version, &c, 1, &a_record);
}

static enum sam_reason note(void *arg, const struct sam_row *row)
{
	char *text = arg;
	if (row->len == 4 && memcmp(row->body, "stop", 4) == 0)
		return SAM_ROLE;
	sprintf(text + strlen(text), "%s:%s=%.*s;", row->kind, row->id, (int)row->len, (const char *)row->body);
	return SAM_OK;
}

static uint64_t load(char *text)
{
	uint64_t version;
	text[0] = '\0';
	is(sam_store_grants_load(store, note, text, &version), SAM_OK);
	return version;
}

START_TEST(grants_are_added_replaced_removed)
{
	char text[256];
	uint64_t version = load(text), after;
	ck_assert_str_eq(text, "");
	is(change(version, SAM_CHANGE_ADD, "bob", "one"), SAM_OK);
	is(sam_store_grants_version(store, &after), SAM_OK);
	ck_assert_uint_ne(after, version);
	version = after;
	is(change(version, SAM_CHANGE_ADD, "bob", "two"), SAM_EXISTS);
	is(change(version, SAM_CHANGE_REPLACE, "alice", "two"), SAM_NOT_FOUND);
	is(change(version, SAM_CHANGE_REMOVE, "alice", ""), SAM_NOT_FOUND);
	is(change(version, SAM_CHANGE_ADD, "alice", ""), SAM_OK);
	is(change(version + 1, SAM_CHANGE_REPLACE, "bob", "three"), SAM_OK);
	ck_assert_uint_eq(load(text), version + 2);
	ck_assert_str_eq(text, "signer:alice=;signer:bob=three;");
	is(change(version + 2, SAM_CHANGE_REMOVE, "bob", ""), SAM_OK);
	reopen();
	load(text);
	ck_assert_str_eq(text, "signer:alice=;");
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_change_on_old_grounds_is_refused)
{
	char text[256];
	uint64_t version = load(text);
	is(change(version, SAM_CHANGE_ADD, "bob", "one"), SAM_OK);
	is(change(version, SAM_CHANGE_ADD, "carol", "one"), SAM_STORE_CHANGED);
	is(change(version, SAM_CHANGE_REMOVE, "bob", ""), SAM_STORE_CHANGED);
	load(text);
	ck_assert_str_eq(text, "signer:bob=one;");
}
END_TEST

START_TEST(changes_are_all_or_nothing)
{
	char text[256], long_id[130];
	struct sam_store_head before, after;
	uint64_t version = load(text);
	memset(long_id, 'x', sizeof long_id - 1);
	long_id[sizeof long_id - 1] = '\0';
	struct sam_change c[3] = {
		{SAM_CHANGE_ADD, {"signer", "a", "1", 1}},
		{SAM_CHANGE_REPLACE, {"signer", "a", "2", 1}},
		{SAM_CHANGE_ADD, {"signer", "a", "3", 1}},
	};
	const struct sam_record bad = {.members = "refuse", .type = "sign", .outcome = "success"};
	is(sam_store_head(store, &before), SAM_OK);
	is(change_grants(store, version, c, 3, &a_record), SAM_EXISTS);
	is(change_grants(store, version, c, 2, &bad), SAM_MEMORY);
	is(change_grants(store, version, c, 2, NULL), SAM_ARGUMENTS);
	c[1].row.id = long_id;
	is(change_grants(store, version, c, 2, &a_record), SAM_ARGUMENTS);
	c[1].row.id = NULL;
	is(change_grants(store, version, c, 2, &a_record), SAM_ARGUMENTS);
	is(sam_store_head(store, &after), SAM_OK);
	ck_assert_mem_eq(&before, &after, sizeof before);
	ck_assert_uint_eq(load(text), version);
	ck_assert_str_eq(text, "");
	c[1].row.id = "a";
	is(change_grants(store, version, c, 2, &a_record), SAM_OK);
	load(text);
	ck_assert_str_eq(text, "signer:a=2;");
}
END_TEST

START_TEST(who_loads_may_stop)
{
	char text[256] = "";
	uint64_t version = load(text), untouched = 77;
	is(change(version, SAM_CHANGE_ADD, "bob", "stop"), SAM_OK);
	is(sam_store_grants_load(store, note, text, &untouched), SAM_ROLE);
	ck_assert_uint_eq(untouched, 77);
}
END_TEST

/* ---- the trail ---- */

struct trail {
	uint64_t seqs[64];
	unsigned count;
	struct sam_store *append; /* a record for each that is read */
};

static enum sam_reason take(void *arg, const struct sam_audit_row *row)
{
	struct trail *t = arg;
	if (t->count == 64)
		return SAM_ROLE;
	t->seqs[t->count++] = row->seq;
	return t->append ? sam_store_append(t->append, &a_record, true) : SAM_OK;
}

static unsigned found(struct sam_audit_filter filter)
{
	struct trail t = {.count = 0};
	is(sam_store_audit_read(store, &filter, take, &t), SAM_OK);
	for (unsigned i = 1; i < t.count; i++)
		ck_assert_uint_gt(t.seqs[i], t.seqs[i - 1]);
	return t.count;
}

START_TEST(each_filter_finds_its_records)
{
	struct sam_record r = a_record;
	int64_t middle = 0;
	for (unsigned i = 0; i < 20; i++) {
		if (i == 10) {
			usleep(2000);
			middle = sam_clock_us();
			usleep(2000);
		}
		r.type = i % 2 ? "sign" : "login";
		r.outcome = i % 4 ? "success" : "refused";
		r.reason = i % 4 ? NULL : "digest_used";
		r.signer = i < 5 ? NULL : i < 12 ? "alice" : "bob";
		r.actor = i == 7 ? "sca" : NULL;
		r.credential = i == 8 ? "key8" : NULL;
		r.jti = i == 9 ? "jti-9" : NULL;
		is(sam_store_append(store, &r, i == 19), SAM_OK);
	}
	ck_assert_uint_eq(found((struct sam_audit_filter){0}), 20);
	ck_assert_uint_eq(found((struct sam_audit_filter){.type = "sign"}), 10);
	ck_assert_uint_eq(found((struct sam_audit_filter){.outcome = "refused"}), 5);
	ck_assert_uint_eq(found((struct sam_audit_filter){.reason = "digest_used"}), 5);
	ck_assert_uint_eq(found((struct sam_audit_filter){.signer = "alice"}), 7);
	ck_assert_uint_eq(found((struct sam_audit_filter){.signer = "alice", .type = "sign"}), 4);
	ck_assert_uint_eq(found((struct sam_audit_filter){.actor = "sca"}), 1);
	ck_assert_uint_eq(found((struct sam_audit_filter){.credential = "key8"}), 1);
	ck_assert_uint_eq(found((struct sam_audit_filter){.jti = "jti-9"}), 1);
	ck_assert_uint_eq(found((struct sam_audit_filter){.jti = "' OR '1'='1"}), 0);
	ck_assert_uint_eq(found((struct sam_audit_filter){.since_us = middle}), 10);
	ck_assert_uint_eq(found((struct sam_audit_filter){.until_us = middle}), 10);
	ck_assert_uint_eq(found((struct sam_audit_filter){.since_us = middle, .signer = "bob", .limit = 3}), 3);
	ck_assert_uint_eq(found((struct sam_audit_filter){.since_us = 1}), 20);
	ck_assert_uint_eq(found((struct sam_audit_filter){.since_us = middle + 60000000}), 0);
	ck_assert_uint_eq(found((struct sam_audit_filter){.from_seq = 3, .to_seq = 6}), 4);
}
END_TEST

START_TEST(reading_the_trail_blocks_no_writer)
{
	struct trail t = {.append = store};
	struct sam_audit_filter all = {0};
	for (unsigned i = 0; i < 5; i++)
		is(sam_store_append(store, &a_record, false), SAM_OK);
	is(sam_store_audit_read(store, &all, take, &t), SAM_OK);
	ck_assert_uint_eq(t.count, 5); /* its own snapshot */
	ck_assert_uint_eq(found(all), 10);
	for (unsigned i = 0; i < 60; i++)
		is(sam_store_append(store, &a_record, false), SAM_OK);
	struct trail full = {.count = 0};
	is(sam_store_audit_read(store, &all, take, &full), SAM_ROLE);
}
END_TEST

struct chain {
	uint8_t prev[32];
	uint64_t seq;
	int64_t time_us;
};

static enum sam_reason follow(void *arg, const struct sam_audit_row *row)
{
	struct chain *c = arg;
	char hex[65], end[80];
	uint8_t hash[32];
	sam_encode_hex(c->prev, 32, hex);
	snprintf(end, sizeof end, "\"prev\":\"%s\"}", hex);
	ck_assert_ptr_nonnull(strstr(row->line, end));
	is(sam_ossl_digest(SAM_HASH_SHA256, row->line, strlen(row->line), hash), SAM_OK);
	ck_assert_mem_eq(hash, row->hash, 32);
	ck_assert_uint_eq(row->seq, ++c->seq);
	ck_assert_int_ge(row->time_us, c->time_us);
	c->time_us = row->time_us;
	memcpy(c->prev, hash, 32);
	return SAM_OK;
}

START_TEST(records_form_one_chain)
{
	struct chain c = {.seq = 0};
	struct sam_audit_filter all = {0};
	struct sam_store_head head;
	for (uint64_t i = 0; i < 10; i++)
		is(sign("jti-1", i), SAM_OK);
	reopen();
	is(sam_store_append(store, &a_record, false), SAM_OK);
	is(sam_store_audit_read(store, &all, follow, &c), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.audit_seq, 11);
	ck_assert_mem_eq(head.audit_hash, c.prev, 32);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store");
	TCase *c = tcase_create("verbs");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, create_makes_a_private_file_once);
	tcase_add_test(c, create_leaves_nothing_half_made);
	tcase_add_test(c, open_refuses_what_is_no_store_of_ours);
	tcase_add_test(c, a_newer_store_is_refused);
	tcase_add_test(c, another_key_cannot_open_it);
	tcase_add_test(c, the_head_tells_what_is_there);
	tcase_add_test(c, replay_is_refused);
	tcase_add_test(c, a_reservation_alone_counts);
	tcase_add_test(c, refusals_change_nothing);
	tcase_add_test(c, identity_is_issuer_and_jti_apart);
	tcase_add_test(c, another_payload_under_the_identity_is_refused);
	tcase_add_test(c, the_limit_counts_all_digests);
	tcase_add_test(c, digests_differ_by_their_length_too);
	tcase_add_test(c, give_back_frees_the_digest);
	tcase_add_test(c, a_record_that_cannot_be_made_commits_nothing);
	tcase_add_test(c, an_expired_sad_is_refused);
	tcase_add_test(c, a_clock_set_back_revives_nothing);
	tcase_add_test(c, maintain_sweeps_what_has_expired);
	tcase_add_test(c, leaders_sweep_and_checkpoint_by_themselves);
	tcase_add_test(c, a_token_finds_its_body);
	tcase_add_test(c, tokens_follow_the_rules_of_the_sad);
	tcase_add_test(c, the_file_holds_no_token_and_no_body);
	tcase_add_test(c, grants_are_added_replaced_removed);
	tcase_add_test(c, a_change_on_old_grounds_is_refused);
	tcase_add_test(c, changes_are_all_or_nothing);
	tcase_add_test(c, who_loads_may_stop);
	tcase_add_test(c, each_filter_finds_its_records);
	tcase_add_test(c, reading_the_trail_blocks_no_writer);
	tcase_add_test(c, records_form_one_chain);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
