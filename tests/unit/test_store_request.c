/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests and deposits in the store: kept whatever happens, bounded, found, used, ended, and noticed when changed.
 */
#include "store_fixture.h"
#include "store/internal.h"

static const uint8_t digest_1[32] = {1}, digest_2[32] = {2};

static struct sam_request request_of(const char *id, const char *principal, const char *credential, uint8_t first)
{
	struct sam_request r = {.thumbprint = {7}, .dtbsr = {first}, .dtbsr_len = 32, .uid = 1000, .created = now,
				.expires = now + 50};
	snprintf(r.id, sizeof r.id, "%-13s", id);
	for (char *p = r.id; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	strcpy(r.credential, credential);
	strcpy(r.principal, principal);
	strcpy(r.signer, "alice");
	strcpy(r.mechanism, "CKM_ECDSA");
	strcpy(r.hash_oid, "2.16.840.1.101.3.4.2.1");
	strcpy(r.application, "/usr/bin/app");
	strcpy(r.label, "a contract");
	return r;
}

static enum sam_reason ask(const char *id, const char *principal, const char *credential, uint8_t first)
{
	struct sam_request r = request_of(id, principal, credential, first);
	return sam_store_request_put(store, &r, 3, now, &a_record);
}

static struct sam_request found(const char *id)
{
	struct sam_request like = request_of(id, "app", "key1", 1), r;
	is(sam_store_request_find(store, like.id, &r), SAM_OK);
	return r;
}

static enum sam_reason give_for(const struct sam_claim *claim, const char *credential, const uint8_t *digests,
				size_t count, const char *request)
{
	const struct sam_deposit d = {.claim = claim, .credential = credential, .signer = "alice", .body = claim->jti,
				      .len = strlen(claim->jti), .digests = digests, .count = count, .digest_len = 32};
	return sam_store_deposit_put(store, &d, request, now, &a_record);
}

static enum sam_reason give(const char *jti, const uint8_t *digest)
{
	struct sam_claim claim = claim_of(jti);
	return give_for(&claim, "key1", digest, 1, NULL);
}

static char bodies[256];

static enum sam_reason note(void *arg, const void *body, size_t len)
{
	(void)arg;
	strncat(bodies, body, len);
	strcat(bodies, ";");
	return SAM_OK;
}

static const char *deposits_for(const char *credential, const uint8_t *digest)
{
	bodies[0] = '\0';
	is(sam_store_deposit_find(store, credential, digest, 32, note, NULL), SAM_OK);
	return bodies;
}

static enum sam_reason fetch(const char *jti, const uint8_t *digest, const char *request)
{
	struct sam_claim claim = claim_of(jti);
	struct sam_reservation r;
	enum sam_reason reason = sam_store_reserve(store, &claim, digest, 32, now, &r);
	if (reason != SAM_OK)
		return reason;
	if (request)
		strcpy(r.request, request);
	return sam_store_commit(store, &r, &a_record);
}

static uint64_t records(void)
{
	struct sam_store_head head;
	is(sam_store_head(store, &head), SAM_OK);
	return head.audit_seq;
}

static enum sam_reason count_them(void *arg, const struct sam_request *r)
{
	(void)r;
	++*(unsigned *)arg;
	return SAM_OK;
}

static unsigned requests(void)
{
	unsigned n = 0;
	is(sam_store_requests(store, count_them, &n), SAM_OK);
	return n;
}

/* ---- requests ---- */

START_TEST(a_request_is_there_after_a_crash)
{
	is(ask("one", "app", "key1", 1), SAM_OK);
	reopen();
	struct sam_request r = found("one"), like = request_of("one", "app", "key1", 1);
	ck_assert_int_eq(r.state, SAM_REQUEST_STATE_OPEN);
	like.state = r.state;
	ck_assert_mem_eq(&r, &like, sizeof r);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(the_same_again_is_the_same_request)
{
	is(ask("one", "app", "key1", 1), SAM_OK);
	uint64_t before = records();
	struct sam_request r = request_of("two", "app", "key1", 1);
	is(sam_store_request_put(store, &r, 3, now, &a_record), SAM_OK);
	ck_assert_str_eq(r.id, found("one").id);
	ck_assert_uint_eq(records(), before);
	ck_assert_uint_eq(requests(), 1);
	/* another in anything is another */
	is(ask("two", "app2", "key1", 1), SAM_OK);
	is(ask("three", "app", "key2", 1), SAM_OK);
	is(ask("four", "app", "key1", 2), SAM_OK);
	ck_assert_uint_eq(requests(), 4);
}
END_TEST

START_TEST(requests_are_bounded)
{
	char id[14];
	is(ask("a1", "app", "key1", 1), SAM_OK);
	is(ask("a2", "app", "key2", 1), SAM_OK);
	is(ask("a3", "app", "key3", 1), SAM_OK);
	uint64_t before = records();
	is(ask("a4", "app", "key4", 1), SAM_REQUESTS_FULL); /* of the principal */
	is(ask("b1", "bpp", "key1", 1), SAM_OK);
	is(ask("b2", "cpp", "key1", 1), SAM_OK);
	is(ask("b3", "bpp", "key1", 2), SAM_REQUESTS_FULL); /* of the key */
	is(ask("b4", "dpp", "key1", 1), SAM_OK);	    /* whose requests keep nobody else from it */
	is(ask("b5", "dpp", "key1", 2), SAM_REQUESTS_FULL);
	ck_assert_uint_eq(records(), before + 3);
	struct sam_request r = found("a1");
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_OK);
	is(ask("b3", "bpp", "key1", 2), SAM_REQUESTS_FULL);
	struct sam_request other = found("b2");
	is(sam_store_request_settle(store, other.id, SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_OK);
	is(ask("b3", "bpp", "key1", 2), SAM_OK); /* settled ones do not count */
	const char *sanitizer = getenv("SAM_SANITIZER"); /* with one, so many rows would take ten minutes */
	if (sanitizer && strcmp(sanitizer, "no") != 0)
		return;
	/* in all, settled ones go first */
	for (unsigned i = requests(); i < SAM_REQUESTS_MAX; i++) {
		char name[20];
		snprintf(id, sizeof id, "n%u", i);
		snprintf(name, sizeof name, "p%u", i);
		is(ask(id, name, name, 1), SAM_OK);
	}
	ck_assert_uint_eq(requests(), SAM_REQUESTS_MAX);
	is(ask("second", "second", "second", 1), SAM_OK);
	is(ask("last", "last", "last", 1), SAM_OK);
	is(sam_store_request_find(store, r.id, &r), SAM_NOT_FOUND);
	is(ask("more", "more", "more", 1), SAM_REQUESTS_FULL);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_request_is_settled_once)
{
	is(ask("one", "app", "key1", 1), SAM_OK);
	struct sam_request r = found("one");
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_EXPIRED, now + 49, &a_record), SAM_REQUEST_SETTLED);
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_USED, now, &a_record), SAM_ARGUMENTS);
	is(sam_store_request_settle(store, "no-such-thing", SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_NOT_FOUND);
	uint64_t before = records();
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_EXPIRED, now + 50, &a_record), SAM_OK);
	ck_assert_uint_eq(records(), before + 1);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_EXPIRED);
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_REQUEST_SETTLED);
	struct sam_claim claim = claim_of("jti-1");
	is(give_for(&claim, "key1", digest_1, 1, r.id), SAM_REQUEST_SETTLED);
	ck_assert_str_eq(deposits_for("key1", digest_1), "");
	is(ask("two", "app", "key1", 1), SAM_OK); /* and can be asked for again */
}
END_TEST

START_TEST(what_was_approved_and_rejected_then_signs_no_more)
{
	static const uint8_t both[64] = {1, [32] = 2};
	struct sam_claim claim = claim_of("both");
	is(ask("one", "app", "key1", 1), SAM_OK);
	struct sam_request r = found("one");
	is(give_for(&claim, "key1", both, 2, r.id), SAM_OK);
	is(give("before", digest_1), SAM_OK);
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_OK);
	reopen();
	ck_assert_str_eq(deposits_for("key1", digest_1), "");
	ck_assert_str_eq(deposits_for("key1", digest_2), "both;");
	is(fetch("both", digest_1, NULL), SAM_DIGEST_USED);
	is(fetch("before", digest_1, NULL), SAM_DIGEST_USED);
	is(fetch("both", digest_2, NULL), SAM_OK);
	is(give("anew", digest_1), SAM_OK); /* the signer may think otherwise */
	ck_assert_str_eq(deposits_for("key1", digest_1), "anew;");
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* The CM is at it when somebody says no. */
START_TEST(a_no_in_time_keeps_the_signature_in)
{
	struct sam_claim claim = claim_of("one"), revoked = claim_of("two");
	struct sam_reservation by_request, by_sad;
	is(ask("one", "app", "key1", 1), SAM_OK);
	struct sam_request r = found("one");
	is(give_for(&claim, "key1", digest_1, 1, r.id), SAM_OK);
	is(sam_store_reserve(store, &claim, digest_1, 32, now, &by_request), SAM_OK);
	is(sam_store_reserve(store, &revoked, digest_1, 32, now, &by_sad), SAM_OK);
	memcpy(by_request.request, r.id, sizeof r.id);
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_REJECTED, now, &a_record), SAM_OK);
	is(sam_store_revoke(store, &revoked, now, &a_record), SAM_OK);
	uint64_t before = records();
	is(sam_store_commit(store, &by_request, &a_record), SAM_REQUEST_REJECTED);
	is(sam_store_commit(store, &by_sad, &a_record), SAM_SAD_REVOKED);
	ck_assert_uint_eq(records(), before);
	is(fetch("one", digest_1, NULL), SAM_DIGEST_USED);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(what_has_no_record_did_not_happen)
{
	static const struct sam_record refused = {.members = "refuse", .type = "x", .outcome = "y"};
	struct sam_request r = request_of("one", "app", "key1", 1);
	struct sam_claim claim = claim_of("jti-1");
	is(sam_store_request_put(store, &r, 3, now, &refused), SAM_MEMORY);
	ck_assert_uint_eq(requests(), 0);
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(sam_store_request_settle(store, r.id, SAM_REQUEST_STATE_REJECTED, now, &refused), SAM_MEMORY);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_OPEN);
	const struct sam_deposit d = {.claim = &claim, .credential = "key1", .signer = "alice", .body = "b", .len = 1,
				      .digests = digest_1, .count = 1, .digest_len = 32};
	is(sam_store_deposit_put(store, &d, r.id, now, &refused), SAM_MEMORY);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_OPEN);
	ck_assert_str_eq(deposits_for("key1", digest_1), "");
	is(sam_store_revoke(store, &claim, now, &refused), SAM_MEMORY);
	is(give("jti-1", digest_1), SAM_OK);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- deposits ---- */

START_TEST(a_deposit_is_found_by_key_and_digest_alone)
{
	static const uint8_t both[64] = {1, [32] = 2};
	struct sam_claim claim = claim_of("both");
	is(give("one", digest_1), SAM_OK);
	is(give_for(&claim, "key1", both, 2, NULL), SAM_OK);
	reopen();
	ck_assert_str_eq(deposits_for("key1", digest_1), "one;both;");
	ck_assert_str_eq(deposits_for("key1", digest_2), "both;");
	ck_assert_str_eq(deposits_for("key2", digest_1), "");
	ck_assert_str_eq(deposits_for("key1", (const uint8_t[32]){3}), "");
}
END_TEST

START_TEST(a_deposit_twice_is_one)
{
	struct sam_store_head head;
	is(give("one", digest_1), SAM_OK);
	is(give("one", digest_1), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.deposits, 1);
	struct sam_claim other = claim_of("one");
	other.payload[0]++;
	is(give_for(&other, "key1", digest_1, 1, NULL), SAM_SAD_REUSED_ID);
	other = claim_of("old");
	other.exp = now;
	is(give_for(&other, "key1", digest_1, 1, NULL), SAM_SAD_EXPIRED);
}
END_TEST

START_TEST(a_deposit_serves_once)
{
	static const uint8_t both[64] = {1, [32] = 2};
	struct sam_claim claim = claim_of("both");
	struct sam_store_head head;
	is(ask("one", "app", "key1", 1), SAM_OK);
	struct sam_request r = found("one");
	is(give_for(&claim, "key1", both, 2, r.id), SAM_OK);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_APPROVED);
	is(fetch("both", digest_1, r.id), SAM_OK);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_USED);
	is(fetch("both", digest_1, NULL), SAM_DIGEST_USED);
	ck_assert_str_eq(deposits_for("key1", digest_1), "");
	ck_assert_str_eq(deposits_for("key1", digest_2), "both;");
	is(fetch("both", digest_2, NULL), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.deposits, 0); /* nothing of it is left to be fetched */
	is(give_for(&claim, "key1", both, 2, NULL), SAM_DIGEST_USED);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(what_the_cm_did_not_sign_is_still_deposited)
{
	struct sam_claim claim = claim_of("one");
	struct sam_reservation r;
	is(give("one", digest_1), SAM_OK);
	is(sam_store_reserve(store, &claim, digest_1, 32, now, &r), SAM_OK);
	ck_assert_str_eq(deposits_for("key1", digest_1), ""); /* somebody is at it */
	is(sam_store_give_back(store, &r, &a_record), SAM_OK);
	ck_assert_str_eq(deposits_for("key1", digest_1), "one;");
}
END_TEST

START_TEST(a_deposit_of_another_key_approves_nothing)
{
	struct sam_claim claim = claim_of("one");
	is(ask("one", "app", "key1", 1), SAM_OK);
	struct sam_request r = found("one");
	is(give_for(&claim, "key2", digest_1, 1, r.id), SAM_KEY_NOT_AUTHORISED);
	is(sam_store_deposit_put(store, &(struct sam_deposit){.claim = &claim, .credential = "key1", .signer = "alice",
				 .body = "b", .len = 1, .digests = digest_1, .count = 1, .digest_len = 32},
				 r.id, now + 50, &a_record), SAM_REQUEST_EXPIRED);
	ck_assert_int_eq(found("one").state, SAM_REQUEST_STATE_OPEN);
	ck_assert_str_eq(deposits_for("key2", digest_1), "");
}
END_TEST

START_TEST(deposits_of_a_key_are_bounded)
{
	char jti[20];
	for (unsigned i = 0; i < SAM_DEPOSITS_KEY_MAX; i++) {
		snprintf(jti, sizeof jti, "jti-%u", i);
		is(give(jti, digest_1), SAM_OK);
	}
	is(give("one-more", digest_1), SAM_REQUESTS_FULL);
	struct sam_claim claim = claim_of("other");
	is(give_for(&claim, "key2", digest_1, 1, NULL), SAM_OK);
	is(fetch("jti-7", digest_1, NULL), SAM_OK);
	is(give("one-more", digest_1), SAM_OK);
}
END_TEST

/* ---- revoked ---- */

START_TEST(a_revoked_sad_is_dead)
{
	static const uint8_t both[64] = {1, [32] = 2};
	char token[SAM_TOKEN_LEN + 1] = "sat_abcdefghijklmnopqrstuvwxyz";
	struct sam_claim claim = claim_of("both"), never = claim_of("never"), other = claim_of("both");
	uint8_t *body;
	size_t len;
	is(give_for(&claim, "key1", both, 2, NULL), SAM_OK);
	is(sam_store_token_put(store, &claim, "b", 1, now, token, &a_record), SAM_OK);
	is(fetch("both", digest_1, NULL), SAM_OK);
	is(sam_store_revoke(store, &claim, now, &a_record), SAM_OK);
	is(sam_store_revoke(store, &never, now, &a_record), SAM_OK);
	reopen();
	ck_assert_str_eq(deposits_for("key1", digest_2), "");
	is(sam_store_token_find(store, token, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(fetch("both", digest_2, NULL), SAM_SAD_REVOKED);
	is(fetch("never", digest_1, NULL), SAM_SAD_REVOKED);
	is(sam_store_known(store, &claim, now), SAM_SAD_REVOKED);
	is(sam_store_token_put(store, &claim, "b", 1, now, token, &a_record), SAM_SAD_REVOKED);
	is(give_for(&never, "key1", both, 2, NULL), SAM_SAD_REVOKED);
	is(sam_store_revoke(store, &claim, now, &a_record), SAM_SAD_REVOKED);
	other.payload[0]++;
	is(sam_store_revoke(store, &other, now, &a_record), SAM_SAD_REUSED_ID);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- the end of them ---- */

START_TEST(what_ends_takes_its_requests_and_deposits)
{
	const struct sam_end of_key = {.credential = "key1"}, of_signer = {.signer = "alice"};
	uint64_t version;
	struct sam_claim claim = claim_of("other");
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(ask("two", "app", "key2", 1), SAM_OK);
	is(give("one", digest_1), SAM_OK);
	is(give("two", digest_1), SAM_OK);
	is(give_for(&claim, "key2", digest_1, 1, NULL), SAM_OK);
	is(sam_store_grants_version(store, &version), SAM_OK);
	struct sam_change_set set = {.version = version, .ends = &of_key, .end_count = 1, .records = &a_record,
				     .record_count = 1};
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(requests(), 1);
	ck_assert_str_eq(deposits_for("key1", digest_1), "");
	ck_assert_str_eq(deposits_for("key2", digest_1), "other;");
	set.ends = &of_signer;
	is(sam_store_grants_change(store, &set), SAM_OK);
	ck_assert_uint_eq(requests(), 0);
	ck_assert_str_eq(deposits_for("key2", digest_1), "");
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(what_is_over_is_swept)
{
	struct sam_store_head head;
	struct sam_reservation r;
	struct sam_claim late = claim_of("late");
	late.exp = now + 90000;
	is(give("one", digest_1), SAM_OK);
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(ask("two", "app", "key2", 1), SAM_OK);
	struct sam_request settled = found("one");
	is(sam_store_request_settle(store, settled.id, SAM_REQUEST_STATE_EXPIRED, now + 50, &a_record), SAM_OK);
	is(sam_store_maintain(store, NULL), SAM_OK);
	ck_assert_uint_eq(requests(), 2);
	is(reserve(&late, 1, &r), SAM_OK);
	is(sam_store_reserve(store, &late, (const uint8_t *)"x", 1, now + 800, &r), SAM_OK); /* time goes on */
	is(sam_store_maintain(store, NULL), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.deposits, 0);
	ck_assert_uint_eq(head.requests, 1); /* whose end has no record yet */
	ck_assert_int_eq(found("two").state, SAM_REQUEST_STATE_OPEN);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

START_TEST(a_new_epoch_knows_nothing_of_them)
{
	struct sam_store_head head;
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(give("one", digest_1), SAM_OK);
	is(sam_store_new_epoch(store, 0, now, &a_record), SAM_OK);
	is(sam_store_head(store, &head), SAM_OK);
	ck_assert_uint_eq(head.requests, 0);
	ck_assert_uint_eq(head.deposits, 0);
	is(sam_store_check(store, NULL), SAM_OK);
}
END_TEST

/* ---- changed from outside (invariant 9) ---- */

static const char *const edits[] = {
	"UPDATE requests SET state = 2",
	"UPDATE requests SET expires = expires + 1000",
	"UPDATE requests SET dtbsr = zeroblob(32)",
	"UPDATE requests SET signer = 'mallory'",
	"UPDATE requests SET label = 'another contract'",
	"DELETE FROM requests",
	("INSERT INTO requests SELECT 'abcdefghijklm', state, credential, thumbprint, signer, principal, mechanism, hash,"
	 " dtbsr, application, uid, label, created, expires, mac FROM requests"),
	"UPDATE deposits SET credential = 'key2'",
	"UPDATE deposits SET tags = x'0200000000000000'",
	"UPDATE deposits SET activation = activation + 1",
	"UPDATE deposits SET sealed = randomblob(length(sealed))",
	"DELETE FROM deposits",
	"UPDATE activations SET uselimit = 0 WHERE uselimit < 0",
};

START_TEST(an_edit_is_noticed)
{
	struct sam_claim claim = claim_of("revoked");
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(give("one", digest_1), SAM_OK);
	is(sam_store_revoke(store, &claim, now, &a_record), SAM_OK);
	sam_store_close(store);
	store = NULL;
	meddle(edits[_i]);
	is(sam_store_open(&options, &store, NULL), SAM_STORE_TAMPERED);
}
END_TEST

/* By a process that has it open: nothing of it is handed out. */
START_TEST(an_edited_row_is_not_used)
{
	struct sam_request r = request_of("one", "app", "key1", 1);
	is(ask("one", "app", "key1", 1), SAM_OK);
	is(give("one", digest_1), SAM_OK);
	meddle("UPDATE requests SET state = 4");
	meddle("UPDATE deposits SET sealed = randomblob(length(sealed))");
	bodies[0] = '\0';
	is(sam_store_deposit_find(store, "key1", digest_1, 32, note, NULL), SAM_STORE_TAMPERED);
	ck_assert_str_eq(bodies, "");
	is(sam_store_request_find(store, r.id, &r), SAM_STORE_TAMPERED);
}
END_TEST

static Suite *make(void)
{
	Suite *suite = suite_create("store request");
	TCase *c = tcase_create("requests and deposits");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, a_request_is_there_after_a_crash);
	tcase_add_test(c, the_same_again_is_the_same_request);
	tcase_add_test(c, requests_are_bounded);
	tcase_add_test(c, a_request_is_settled_once);
	tcase_add_test(c, what_was_approved_and_rejected_then_signs_no_more);
	tcase_add_test(c, a_no_in_time_keeps_the_signature_in);
	tcase_add_test(c, what_has_no_record_did_not_happen);
	tcase_add_test(c, a_deposit_is_found_by_key_and_digest_alone);
	tcase_add_test(c, a_deposit_twice_is_one);
	tcase_add_test(c, a_deposit_serves_once);
	tcase_add_test(c, what_the_cm_did_not_sign_is_still_deposited);
	tcase_add_test(c, a_deposit_of_another_key_approves_nothing);
	tcase_add_test(c, deposits_of_a_key_are_bounded);
	tcase_add_test(c, a_revoked_sad_is_dead);
	tcase_add_test(c, what_ends_takes_its_requests_and_deposits);
	tcase_add_test(c, what_is_over_is_swept);
	tcase_add_test(c, a_new_epoch_knows_nothing_of_them);
	tcase_add_loop_test(c, an_edit_is_noticed, 0, sizeof edits / sizeof *edits);
	tcase_add_test(c, an_edited_row_is_not_used);
	suite_add_tcase(suite, c);
	return suite;
}

SAM_UNIT_MAIN(make)
