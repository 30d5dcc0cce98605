/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The audit room on a real store: what a record says, that the chain verifies, that every way to
 * change it is found and the first bad record named, that equal refusals are counted, that no
 * secret gets in.
 */
#include "unit.h"

#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "audit/audit.h"
#include "base/clock.h"
#include "base/encode.h"

static char folder[64], path[96];
static struct sam_seal *seal;
static struct sam_store *store;
static struct sam_audit audit;

static void open_store(void)
{
	const uint8_t root[32] = { 7 }, policy[32] = { 9 };
	struct sam_store_options options;
	struct sam_msg msg = { "" };

	strcpy(folder, "/tmp/test_audit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state.db", folder);
	ck_assert_int_eq(sam_seal_new(root, &seal), SAM_OK);
	options =
		(struct sam_store_options){ .path = path, .seal = seal, .chain = sam_audit_chain };
	ck_assert_int_eq(sam_store_create(&options, "node-1", &msg), SAM_OK);
	ck_assert_msg(sam_store_open(&options, &store, &msg) == SAM_OK, "%s", msg.text);
	ck_assert_int_eq(sam_audit_start(&audit, store, 1, policy), SAM_OK);
}

static void close_store(void)
{
	char command[128];

	sam_audit_end(&audit);
	sam_store_close(store);
	sam_seal_free(seal);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* An event with everything that an event can say. */
static const uint8_t digest[32] = { 0xd1, 0xd2 };
static const char *const statements[] = { "one", "two", NULL };
static const struct sam_event full = {
	.type = SAM_EVENT_SIGN,
	.reason = SAM_DIGEST_USED,
	.actor_kind = "principal",
	.actor = "sca-1",
	.role = "sca",
	.signer = "alice",
	.credential = "00112233445566778899aabbccddeeff",
	.dtbsr = digest,
	.dtbsr_len = sizeof(digest),
	.hash_oid = "2.16.840.1.101.3.4.2.1",
	.label = "contract.txt",
	.mechanism = "CKM_ECDSA",
	.iss = "alice",
	.jti = "jti-0123456789abcdef",
	.kid = "kid",
	.sad_sha256 = digest,
	.factors = "possession knowledge",
	.activation = "sad",
	.target = "target",
	.old_value = "old",
	.new_value = "new",
	.signature = (const uint8_t *)"signature bytes",
	.signature_len = 15,
	.cm_manufacturer = "maker",
	.cm_model = "model",
	.cm_firmware = "1.0",
	.cm_serial = "0001",
	.statements = statements,
	.detail = "exp",
};

/* ---- reading back ---- */

struct lines {
	char *line[4096];
	size_t count;
};

static enum sam_reason keep_line(void *arg, const struct sam_audit_row *row)
{
	struct lines *lines = arg;

	ck_assert_uint_lt(lines->count, 4096);
	lines->line[lines->count++] = strdup(row->line);
	return SAM_OK;
}

static struct lines *read_lines(void)
{
	static const struct sam_audit_filter everything;
	struct lines *lines = calloc(1, sizeof(*lines));

	ck_assert_int_eq(sam_store_audit_read(store, &everything, keep_line, lines), SAM_OK);
	return lines;
}

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines);
}

static json_t *last_record(void)
{
	struct lines *lines = read_lines();
	json_t *record;

	ck_assert_uint_gt(lines->count, 0);
	record = json_loads(lines->line[lines->count - 1], JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(record);
	free_lines(lines);
	return record;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void write_event(enum sam_event_type type, const char *target)
{
	struct sam_event event = { .type = type, .target = target, .signer = "alice" };

	ck_assert_int_eq(sam_audit_event(&audit, &event, false), SAM_OK);
}

static void write_some(int count)
{
	for (int i = 0; i < count; i++) {
		char target[16];

		snprintf(target, sizeof(target), "t%d", i);
		write_event(SAM_EVENT_MAINTAIN, target);
	}
}

static void expect_order(const json_t *object, const char *const *names)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach ((json_t *)object, key, value) {
		ck_assert_ptr_nonnull(names[i]);
		ck_assert_str_eq(key, names[i++]);
	}
	ck_assert_ptr_null(names[i]);
}

/* ---- what a record says ---- */

START_TEST(members_stand_in_the_order_of_the_contract)
{
	static const char *const order[] = {
		"v",	 "seq",	      "node",	"time",		"clock",      "class",
		"type",	 "outcome",   "reason", "detail",	"actor",      "process",
		"level", "policy",    "signer", "credentialID", "dtbsr",      "hashAlgorithmOID",
		"label", "mechanism", "sad",	"factors",	"target",     "old",
		"new",	 "signature", "cm",	"activation",	"statements", "prev",
		"hash",	 NULL,
	};
	static const char *const actor[] = { "kind", "id", "role", NULL };
	static const char *const sad[] = { "iss", "jti", "kid", "sha256", NULL };
	static const char *const cm[] = { "manufacturer", "model", "firmware", "serial", NULL };
	static const char *const process[] = { "pid", "uid", "exe", NULL };
	json_t *record;

	ck_assert_int_eq(sam_audit_event(&audit, &full, true), SAM_OK);
	record = last_record();
	expect_order(record, order);
	expect_order(json_object_get(record, "actor"), actor);
	expect_order(json_object_get(record, "sad"), sad);
	expect_order(json_object_get(record, "cm"), cm);
	expect_order(json_object_get(record, "process"), process);
	json_decref(record);
}
END_TEST

START_TEST(members_say_what_the_event_said)
{
	json_t *record, *process;
	char signature[65];
	uint8_t hash[32];

	ck_assert_int_eq(sam_audit_event(&audit, &full, true), SAM_OK);
	record = last_record();
	process = json_object_get(record, "process");
	ck_assert_int_eq(json_integer_value(json_object_get(record, "v")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(record, "seq")), 1);
	ck_assert_str_eq(text_of(record, "node"), "node-1");
	ck_assert_str_eq(text_of(record, "class"), "transaction");
	ck_assert_str_eq(text_of(record, "type"), "sign");
	ck_assert_str_eq(text_of(record, "outcome"), "failure");
	ck_assert_str_eq(text_of(record, "reason"), "digest_used");
	ck_assert_str_eq(text_of(record, "detail"), "exp");
	ck_assert_str_eq(text_of(record, "label"), "contract.txt");
	ck_assert_int_eq(json_array_size(json_object_get(record, "factors")), 2);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(record, "factors"), 1)),
			 "knowledge");
	ck_assert_int_eq(json_array_size(json_object_get(record, "statements")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(process, "pid")), getpid());
	ck_assert_int_eq(json_integer_value(json_object_get(process, "uid")), geteuid());
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, "signature bytes", 15, hash), SAM_OK);
	sam_encode_hex(hash, 32, signature);
	ck_assert_str_eq(text_of(record, "signature"), signature);
	ck_assert(
		json_is_boolean(json_object_get(json_object_get(record, "clock"), "synchronised")));
	json_decref(record);
}
END_TEST

START_TEST(what_does_not_apply_is_left_out)
{
	static const char *const order[] = { "v",      "seq",  "node",	  "time",    "clock",
					     "class",  "type", "outcome", "process", "level",
					     "policy", "prev", "hash",	  NULL };
	const struct sam_event event = { .type = SAM_EVENT_STOP };
	json_t *record;

	ck_assert_int_eq(sam_audit_event(&audit, &event, true), SAM_OK);
	record = last_record();
	expect_order(record, order);
	ck_assert_str_eq(text_of(record, "outcome"), "success");
	json_decref(record);
}
END_TEST

START_TEST(hash_is_the_leaf_hash_of_the_bytes_before_it)
{
	struct lines *lines;
	char *copy, *mark, hex[65];
	uint8_t hash[32];
	json_t *record;

	ck_assert_int_eq(sam_audit_event(&audit, &full, true), SAM_OK);
	lines = read_lines();
	record = last_record();
	copy = malloc(strlen(lines->line[0]) + 2);
	copy[0] = 0;
	strcpy(copy + 1, lines->line[0]);
	mark = strstr(copy + 1, ",\"hash\"");
	ck_assert_ptr_nonnull(mark);
	ck_assert_int_eq(EVP_Digest(copy, (size_t)(mark - copy), hash, NULL, EVP_sha256(), NULL),
			 1);
	sam_encode_hex(hash, 32, hex);
	ck_assert_str_eq(text_of(record, "hash"), hex);
	memset(hex, '0', 64);
	ck_assert_str_eq(text_of(record, "prev"), hex);
	free(copy);
	json_decref(record);
	free_lines(lines);
}
END_TEST

START_TEST(text_from_outside_is_made_utf8)
{
	struct sam_event event = full;
	struct sam_msg msg = { "" };
	uint64_t count;
	json_t *record;
	char longest[3000];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	event.label = "a\xff\xc0\xafz\xed\xa0\x80";
	event.signer = "\xf0\x9f\x98\x80 ok \xf5";
	event.target = longest;
	event.jti = "quote\" and ,\"hash\":\"0\"} and \\ \n";
	event.actor = "\xe2\x82"; /* cut short at the NUL */
	ck_assert_int_eq(sam_audit_event(&audit, &event, true), SAM_OK);
	record = last_record();
	ck_assert_str_eq(text_of(record, "label"),
			 "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd"
			 "\xef\xbf\xbd");
	ck_assert_str_eq(text_of(record, "signer"), "\xf0\x9f\x98\x80 ok \xef\xbf\xbd");
	ck_assert_uint_eq(strlen(text_of(record, "target")), 1024);
	ck_assert_str_eq(text_of(json_object_get(record, "sad"), "jti"), event.jti);
	json_decref(record);
	/* and the columns have the same text */
	ck_assert_msg(sam_audit_verify(store, NULL, NULL, &count, &msg) == SAM_OK, "%s", msg.text);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(every_type_of_the_catalogue_can_be_recorded)
{
	static const char *const classes[] = { "transaction", "access", "alert" };
	struct sam_msg msg = { "" };
	uint64_t count;

	for (int i = 0; i < SAM_EVENT_COUNT; i++) {
		const struct sam_event_info *info = sam_audit_event_info((enum sam_event_type)i);
		bool known = false;
		json_t *record;

		write_event((enum sam_event_type)i, "t");
		for (size_t k = 0; k < 3; k++)
			known |= strcmp(info->class, classes[k]) == 0;
		ck_assert_msg(known, "%s: class %s", info->name, info->class);
		record = last_record();
		ck_assert_str_eq(text_of(record, "type"), info->name);
		ck_assert_str_eq(text_of(record, "class"), info->class);
		json_decref(record);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(sam_audit_event_info((enum sam_event_type)k)->name,
					 info->name);
	}
	ck_assert_int_eq(sam_audit_verify(store, NULL, NULL, &count, &msg), SAM_OK);
	ck_assert_uint_eq(count, SAM_EVENT_COUNT);
	ck_assert_ptr_null(sam_audit_event_info(SAM_EVENT_COUNT));
}
END_TEST

START_TEST(an_unknown_type_is_refused)
{
	const struct sam_event event = { .type = SAM_EVENT_COUNT };
	struct sam_audit_record record;

	ck_assert_int_eq(sam_audit_event(&audit, &event, true), SAM_INTERNAL);
	ck_assert_int_eq(sam_audit_make(&audit, &event, &record), SAM_INTERNAL);
	ck_assert_ptr_null(record.members);
}
END_TEST

/* invariant 8: the one member made of a secret's size and shape is a hash */
START_TEST(no_record_contains_a_secret)
{
	static const char secret[] = "PLANTED-5ecret-PIN-8471";
	struct sam_event event = full;
	struct lines *lines;

	event.signature = (const uint8_t *)secret;
	event.signature_len = sizeof(secret) - 1;
	setenv("SAM_TEST_PIN", secret, 1);
	ck_assert_int_eq(sam_audit_event(&audit, &event, true), SAM_OK);
	lines = read_lines();
	for (size_t i = 0; i < lines->count; i++) {
		char hex[2 * sizeof(secret)];

		sam_encode_hex(secret, sizeof(secret) - 1, hex);
		ck_assert_ptr_null(strstr(lines->line[i], secret));
		ck_assert_ptr_null(strstr(lines->line[i], hex));
	}
	free_lines(lines);
}
END_TEST

START_TEST(peer_is_who_stands_behind_descriptor_0)
{
	const uint8_t policy[32] = { 9 };
	int pair[2];
	json_t *record, *peer;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(dup2(pair[0], 0), 0);
	sam_audit_end(&audit);
	ck_assert_int_eq(sam_audit_start(&audit, store, 2, policy), SAM_OK);
	write_event(SAM_EVENT_MAINTAIN, "t");
	record = last_record();
	peer = json_object_get(record, "peer");
	ck_assert_int_eq(json_integer_value(json_object_get(peer, "uid")), geteuid());
	ck_assert_ptr_nonnull(text_of(peer, "exe"));
	ck_assert_int_eq(json_integer_value(json_object_get(record, "level")), 2);
	json_decref(record);
	close(0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* ---- the chain, and changing it ---- */

static void count_progress(void *arg, uint64_t done)
{
	ck_assert_uint_le(done, 2100);
	++*(int *)arg;
}

START_TEST(chain_of_many_records_verifies)
{
	struct sam_msg msg = { "" };
	uint64_t count;
	int called = 0;

	ck_assert_int_eq(sam_audit_verify(store, NULL, NULL, &count, &msg), SAM_OK);
	ck_assert_uint_eq(count, 0);
	write_some(2100);
	ck_assert_msg(sam_audit_verify(store, count_progress, &called, &count, &msg) == SAM_OK,
		      "%s", msg.text);
	ck_assert_uint_eq(count, 2100);
	ck_assert_int_eq(called, 2);
}
END_TEST

static void *write_often(void *arg)
{
	struct sam_event event = { .type = SAM_EVENT_MAINTAIN };

	for (int i = 0; i < 300; i++)
		if (sam_audit_event(arg, &event, false) != SAM_OK)
			return (void *)1;
	return NULL;
}

START_TEST(a_trail_that_grows_meanwhile_verifies)
{
	struct sam_msg msg = { "" };
	pthread_t thread;
	uint64_t count = 0;
	void *bad;

	ck_assert_int_eq(pthread_create(&thread, NULL, write_often, &audit), 0);
	while (count < 200)
		ck_assert_msg(sam_audit_verify(store, NULL, NULL, &count, &msg) == SAM_OK, "%s",
			      msg.text);
	pthread_join(thread, &bad);
	ck_assert_ptr_null(bad);
	ck_assert_int_eq(sam_audit_verify(store, NULL, NULL, &count, &msg), SAM_OK);
	ck_assert_uint_eq(count, 300);
}
END_TEST

/* SQL that an attacker with the file could run, after 9 records, and the first record that must be
 * named. */
static const struct {
	const char *what, *sql;
	int first; /* negative: of a cut end the last good one */
} attacks[] = {
	{ "edited byte", "UPDATE audit SET line = replace(line, '\"t4\"', '\"t5\"') WHERE seq = 5",
	  5 },
	{ "edited hash",
	  "UPDATE audit SET line = replace(line, '\"hash\":\"', '\"hash\":\"0') WHERE seq = 5", 5 },
	{ "space added", "UPDATE audit SET line = line || ' ' WHERE seq = 5", 5 },
	{ "member added behind the hash",
	  "UPDATE audit SET line = substr(line, 1, length(line) - 1) || ',\"x\":1}' "
	  "WHERE seq = 5",
	  5 },
	{ "first removed", "DELETE FROM audit WHERE seq = 1", 1 },
	{ "middle removed", "DELETE FROM audit WHERE seq = 5", 5 },
	{ "middle removed, renumbered",
	  "DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = -seq WHERE seq > 5;"
	  "UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
	  5 },
	{ "last removed", "DELETE FROM audit WHERE seq = 9", -8 },
	{ "last two removed", "DELETE FROM audit WHERE seq >= 8", -7 },
	{ "all removed", "DELETE FROM audit", 0 },
	{ "swapped",
	  "UPDATE audit SET seq = 100 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
	  "UPDATE audit SET seq = 5 WHERE seq = 100",
	  4 },
	{ "inserted",
	  "UPDATE audit SET seq = -seq WHERE seq >= 5; UPDATE audit SET seq = 1 - seq WHERE seq < "
	  "0;"
	  "INSERT INTO audit SELECT 5, time_us, type, outcome, reason, signer, actor, credential, "
	  "jti,"
	  " line, hash FROM audit WHERE seq = 3",
	  5 },
	{ "appended",
	  "INSERT INTO audit SELECT 10, time_us, type, outcome, reason, signer, actor, credential, "
	  "jti,"
	  " line, hash FROM audit WHERE seq = 9",
	  10 },
	{ "column type", "UPDATE audit SET type = 'sign' WHERE seq = 6", 6 },
	{ "column outcome", "UPDATE audit SET outcome = 'failure' WHERE seq = 6", 6 },
	{ "column reason", "UPDATE audit SET reason = 'digest_used' WHERE seq = 6", 6 },
	{ "column signer", "UPDATE audit SET signer = 'bob' WHERE seq = 6", 6 },
	{ "column signer emptied", "UPDATE audit SET signer = NULL WHERE seq = 6", 6 },
	{ "column actor", "UPDATE audit SET actor = 'bob' WHERE seq = 6", 6 },
	{ "column credential", "UPDATE audit SET credential = 'bob' WHERE seq = 6", 6 },
	{ "column jti", "UPDATE audit SET jti = 'bob' WHERE seq = 6", 6 },
	{ "column time", "UPDATE audit SET time_us = time_us + 1 WHERE seq = 6", 6 },
	{ "column hash", "UPDATE audit SET hash = zeroblob(32) WHERE seq = 6", 6 },
};

static void run_sql(const char *sql)
{
	sqlite3 *db;
	char *error = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s", error);
	sqlite3_close(db);
}

START_TEST(tampering_is_found_and_the_first_bad_record_named)
{
	struct sam_msg msg = { "" };
	char expected[32];
	uint64_t count;
	int first = attacks[_i].first;

	write_some(9);
	ck_assert_int_eq(sam_audit_verify(store, NULL, NULL, &count, &msg), SAM_OK);
	run_sql(attacks[_i].sql);
	ck_assert_msg(sam_audit_verify(store, NULL, NULL, &count, &msg) == SAM_STORE_TAMPERED,
		      "%s: not found", attacks[_i].what);
	if (first > 0)
		snprintf(expected, sizeof(expected), "record %d: ", first);
	else
		snprintf(expected, sizeof(expected), "the records up to %d ", -first);
	ck_assert_msg(strncmp(msg.text, expected, strlen(expected)) == 0, "%s: `%s' names not %s",
		      attacks[_i].what, msg.text, expected);
	ck_assert_uint_le(count, (uint64_t)abs(first));
}
END_TEST

/* A whole chain made anew by who has all but the seal: each line right, and yet not what the head
 * names. */
START_TEST(a_rewritten_chain_does_not_fit_the_sealed_head)
{
	struct sam_record forged = {
		.members = "\"class\":\"access\",\"type\":\"stop\",\"outcome\":\"success\"",
		.type = "stop",
		.outcome = "success"
	};
	struct sam_msg msg = { "" };
	uint8_t prev[32] = { 0 }, hash[32];
	char *line = NULL, *sql, hex[65];
	uint64_t count;

	write_some(1);
	ck_assert_int_eq(sam_audit_chain(&forged, 1, "node-1", 1700000000000000, prev, &line, hash),
			 SAM_OK);
	sam_encode_hex(hash, 32, hex);
	sql = sqlite3_mprintf("UPDATE audit SET line = %Q, time_us = 1700000000000000, type = "
			      "'stop', signer = NULL,"
			      " hash = x'%s'",
			      line, hex);
	run_sql(sql);
	sqlite3_free(sql);
	free(line);
	ck_assert_int_eq(sam_audit_verify(store, NULL, NULL, &count, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "record 1: "));
}
END_TEST

/* ---- lines from anywhere ---- */

static char *chained[4];

static void make_lines(void)
{
	struct sam_record record = { .members = "\"type\":\"stop\"" };
	uint8_t prev[32] = { 0 }, hash[32];

	for (uint64_t i = 0; i < 4; i++) {
		ck_assert_int_eq(sam_audit_chain(&record, i + 1, "n", 1700000000000000, prev,
						 &chained[i], hash),
				 SAM_OK);
		memcpy(prev, hash, 32);
	}
}

static enum sam_reason verify_these(const char *const *lines, size_t count, struct sam_msg *msg)
{
	struct sam_audit_verifier v;
	uint8_t hash[32];
	enum sam_reason reason = SAM_OK;

	sam_audit_verify_start(&v);
	for (size_t i = 0; reason == SAM_OK && i < count; i++)
		reason = sam_audit_verify_line(&v, lines[i], hash, msg);
	return reason;
}

START_TEST(lines_verify_wherever_they_come_from)
{
	struct sam_msg msg = { "" };
	const char *all[4];
	static const char *const garbage[] = { "",
					       "{",
					       "{}",
					       "null",
					       ",\"hash\"",
					       ",\"hash\":\"\"}",
					       "[1,2,\"hash\":1]",
					       "\xff\xfe",
					       "{\"hash\":\"00\"}" };

	make_lines();
	for (int i = 0; i < 4; i++)
		all[i] = chained[i];
	ck_assert_int_eq(verify_these(all, 4, &msg), SAM_OK);
	ck_assert_int_eq(verify_these(all + 1, 3, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "record 1: "));
	all[2] = all[3];
	ck_assert_int_eq(verify_these(all, 3, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "record 3: "));
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		ck_assert_int_eq(verify_these(&garbage[i], 1, &msg), SAM_STORE_TAMPERED);
	for (int i = 0; i < 4; i++)
		free(chained[i]);
}
END_TEST

/* Every single bit of a line matters. */
START_TEST(any_flipped_bit_is_found)
{
	struct sam_msg msg = { "" };

	make_lines();
	for (size_t at = 0; chained[0][at]; at++) {
		for (int bit = 0; bit < 8; bit++) {
			const char *one = chained[0];

			chained[0][at] ^= (char)(1 << bit);
			ck_assert_int_eq(verify_these(&one, 1, &msg), SAM_STORE_TAMPERED);
			chained[0][at] ^= (char)(1 << bit);
		}
	}
	for (int i = 0; i < 4; i++)
		free(chained[i]);
}
END_TEST

/* A right hash over a record that is none. */
START_TEST(a_line_must_be_a_record_of_this_chain)
{
	struct sam_record record = { .members = "\"type\":\"stop\"" },
			  twice = { .members = "\"v\":1" };
	struct sam_audit_verifier v;
	struct sam_msg msg = { "" };
	uint8_t zero[32] = { 0 }, hash[32], out[32];
	char *line;

	/* another number, another node, a doubled member */
	ck_assert_int_eq(sam_audit_chain(&record, 7, "n", 0, zero, &line, hash), SAM_OK);
	sam_audit_verify_start(&v);
	ck_assert_int_eq(sam_audit_verify_line(&v, line, out, &msg), SAM_STORE_TAMPERED);
	free(line);
	ck_assert_int_eq(sam_audit_chain(&twice, 1, "n", 0, zero, &line, hash), SAM_OK);
	sam_audit_verify_start(&v);
	ck_assert_int_eq(sam_audit_verify_line(&v, line, out, &msg), SAM_STORE_TAMPERED);
	free(line);
	ck_assert_int_eq(sam_audit_chain(&record, 1, "n", 0, zero, &line, hash), SAM_OK);
	sam_audit_verify_start(&v);
	ck_assert_int_eq(sam_audit_verify_line(&v, line, out, &msg), SAM_OK);
	ck_assert_mem_eq(hash, out, 32);
	free(line);
	ck_assert_int_eq(sam_audit_chain(&record, 2, "m", 0, out, &line, hash), SAM_OK);
	ck_assert_int_eq(sam_audit_verify_line(&v, line, out, &msg), SAM_STORE_TAMPERED);
	ck_assert_ptr_nonnull(strstr(msg.text, "node"));
	free(line);
}
END_TEST

/* ---- refusals in a row ---- */

static void refuse(enum sam_reason reason, const char *signer)
{
	struct sam_event event = { .type = SAM_EVENT_SIGN, .signer = signer };

	ck_assert_int_eq(sam_audit_refuse(&audit, &event, reason), reason);
}

/* How many events of this reason the trail tells of, and in how many records. */
static uint64_t told(const char *reason, size_t *records)
{
	struct lines *lines = read_lines();
	uint64_t sum = 0;

	*records = 0;
	for (size_t i = 0; i < lines->count; i++) {
		json_t *record = json_loads(lines->line[i], 0, NULL);
		const char *own = text_of(record, "reason");

		if (own && strcmp(own, reason) == 0) {
			const json_t *count = json_object_get(record, "count");

			sum += count ? (uint64_t)json_integer_value(count) : 1;
			++*records;
			if (count)
				ck_assert_int_gt(json_integer_value(count), 1);
		}
		json_decref(record);
	}
	free_lines(lines);
	return sum;
}

START_TEST(equal_refusals_become_one_record_with_a_count)
{
	size_t records;

	refuse(SAM_SAD_SIGNATURE, "alice");
	ck_assert_uint_eq(told("sad_signature", &records), 1); /* the first at once */
	for (int i = 0; i < 40; i++)
		refuse(SAM_SAD_SIGNATURE, "alice");
	ck_assert_uint_eq(told("sad_signature", &records), 1); /* the others wait */
	refuse(SAM_SAD_EXPIRED, "alice");
	ck_assert_uint_eq(told("sad_signature", &records), 41);
	ck_assert_uint_eq(records, 2);
	ck_assert_uint_eq(told("sad_expired", &records), 1);
}
END_TEST

START_TEST(pending_refusals_are_written_before_what_follows)
{
	struct lines *lines;

	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "alice");
	write_event(SAM_EVENT_MAINTAIN, "t");
	lines = read_lines();
	ck_assert_uint_eq(lines->count, 3);
	ck_assert_ptr_nonnull(strstr(lines->line[1], "\"reason\":\"sad_signature\",\"count\":2,"));
	ck_assert_ptr_nonnull(strstr(lines->line[2], "\"type\":\"maintain\""));
	free_lines(lines);
}
END_TEST

START_TEST(refusals_of_different_signers_are_not_equal)
{
	size_t records;

	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "bob");
	refuse(SAM_SAD_SIGNATURE, "alice");
	ck_assert_uint_eq(told("sad_signature", &records), 3);
	ck_assert_uint_eq(records, 3);
}
END_TEST

START_TEST(successes_are_never_counted_together)
{
	struct lines *lines;

	for (int i = 0; i < 5; i++)
		write_event(SAM_EVENT_MAINTAIN, "same");
	lines = read_lines();
	ck_assert_uint_eq(lines->count, 5);
	free_lines(lines);
}
END_TEST

START_TEST(refusals_are_written_after_a_second)
{
	size_t records;

	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "alice");
	usleep(1100 * 1000);
	refuse(SAM_SAD_SIGNATURE, "alice");
	ck_assert_uint_eq(told("sad_signature", &records), 3);
	ck_assert_uint_eq(records, 2);
	refuse(SAM_SAD_SIGNATURE, "alice"); /* and not again at once */
	ck_assert_uint_eq(told("sad_signature", &records), 3);
}
END_TEST

START_TEST(making_a_record_writes_what_is_pending)
{
	struct sam_event event = { .type = SAM_EVENT_SIGN };
	struct sam_audit_record record;
	size_t records;

	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "alice");
	ck_assert_int_eq(sam_audit_make(&audit, &event, &record), SAM_OK);
	ck_assert_uint_eq(told("sad_signature", &records), 2);
	ck_assert_str_eq(record.record.type, "sign");
	ck_assert_str_eq(record.record.outcome, "success");
	ck_assert_ptr_null(record.record.reason);
	ck_assert_int_eq(sam_store_append(store, &record.record, true), SAM_OK);
	sam_audit_clear(&record);
	sam_audit_clear(&record); /* harmless */
}
END_TEST

START_TEST(ending_writes_what_is_pending)
{
	size_t records;

	refuse(SAM_SAD_SIGNATURE, "alice");
	refuse(SAM_SAD_SIGNATURE, "alice");
	sam_audit_end(&audit);
	ck_assert_uint_eq(told("sad_signature", &records), 2);
	sam_audit_end(&audit); /* harmless */
}
END_TEST

enum { THREADS = 8, EACH = 500 };

static void *refuse_often(void *arg)
{
	struct sam_event event = { .type = SAM_EVENT_SIGN, .signer = arg };

	for (int i = 0; i < EACH; i++)
		if (sam_audit_refuse(&audit, &event, SAM_DIGEST_USED) != SAM_DIGEST_USED)
			return (void *)1;
	return NULL;
}

START_TEST(counts_are_right_with_many_threads)
{
	pthread_t threads[THREADS];
	struct sam_msg msg = { "" };
	uint64_t count;
	size_t records;
	void *bad;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, refuse_often, (void *)"alice"),
				 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &bad);
		ck_assert_ptr_null(bad);
	}
	sam_audit_end(&audit);
	ck_assert_uint_eq(told("digest_used", &records), THREADS * EACH);
	ck_assert_uint_lt(records, 60); /* at most one a second, and this takes seconds */
	ck_assert_msg(sam_audit_verify(store, NULL, NULL, &count, &msg) == SAM_OK, "%s", msg.text);
}
END_TEST

/* invariant 5: what cannot be recorded is said so; a refusal stands all the same */
START_TEST(a_trail_that_cannot_be_written_is_told)
{
	struct sam_event event = { .type = SAM_EVENT_MAINTAIN };

	run_sql("ALTER TABLE audit RENAME TO gone");
	ck_assert_int_ne(sam_audit_event(&audit, &event, true), SAM_OK);
	/* each time: an application must not learn from a refusal that nobody can read of */
	struct sam_event refused = { .type = SAM_EVENT_LOGIN, .signer = "alice" };
	for (int i = 0; i < 2; i++) {
		enum sam_reason got = sam_audit_refuse(&audit, &refused, SAM_PASSWORD_WRONG);

		ck_assert(got == SAM_STORE_FAILED || got == SAM_STORE_TAMPERED);
	}
	ck_assert_int_ne(sam_audit_event(&audit, &event, true), SAM_OK);
}
END_TEST

static Suite *audit_suite(void)
{
	Suite *suite = suite_create("audit");
	TCase *tc = tcase_create("record");

	tcase_add_checked_fixture(tc, open_store, close_store);
	tcase_add_test(tc, members_stand_in_the_order_of_the_contract);
	tcase_add_test(tc, members_say_what_the_event_said);
	tcase_add_test(tc, what_does_not_apply_is_left_out);
	tcase_add_test(tc, hash_is_the_leaf_hash_of_the_bytes_before_it);
	tcase_add_test(tc, text_from_outside_is_made_utf8);
	tcase_add_test(tc, every_type_of_the_catalogue_can_be_recorded);
	tcase_add_test(tc, an_unknown_type_is_refused);
	tcase_add_test(tc, no_record_contains_a_secret);
	tcase_add_test(tc, peer_is_who_stands_behind_descriptor_0);
	suite_add_tcase(suite, tc);

	tc = tcase_create("chain");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, open_store, close_store);
	tcase_add_test(tc, chain_of_many_records_verifies);
	tcase_add_test(tc, a_trail_that_grows_meanwhile_verifies);
	tcase_add_loop_test(tc, tampering_is_found_and_the_first_bad_record_named, 0,
			    sizeof(attacks) / sizeof(attacks[0]));
	tcase_add_test(tc, a_rewritten_chain_does_not_fit_the_sealed_head);
	tcase_add_test(tc, lines_verify_wherever_they_come_from);
	tcase_add_test(tc, any_flipped_bit_is_found);
	tcase_add_test(tc, a_line_must_be_a_record_of_this_chain);
	suite_add_tcase(suite, tc);

	tc = tcase_create("refusals");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, open_store, close_store);
	tcase_add_test(tc, equal_refusals_become_one_record_with_a_count);
	tcase_add_test(tc, pending_refusals_are_written_before_what_follows);
	tcase_add_test(tc, refusals_of_different_signers_are_not_equal);
	tcase_add_test(tc, successes_are_never_counted_together);
	tcase_add_test(tc, refusals_are_written_after_a_second);
	tcase_add_test(tc, making_a_record_writes_what_is_pending);
	tcase_add_test(tc, ending_writes_what_is_pending);
	tcase_add_test(tc, counts_are_right_with_many_threads);
	tcase_add_test(tc, a_trail_that_cannot_be_written_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}

SAM_UNIT_MAIN(audit_suite)
