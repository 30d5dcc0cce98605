/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens at the door: where the policy has them renewed each signs once, and the next stands in its place;
 * elsewhere one serves all that its SAD names.
 */
#define SAM_FIXTURE_MOCK
#include "key_fixture.h"

#include "base/mechanism.h"
#include "registry/identify.h"

enum { DIGESTS = 6 };

static struct device alice;
static char *credential;
static const struct sam_login login = {.name = "alice", .role = SAM_ROLE_SIGNER};
static const CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

/* The policy in force, with these lines under sap:, as if officers had signed it. */
static void sap_says(const char *lines)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	struct sam_sealed sealed = *snapshot()->sealed;
	const char *at = strstr(sealed.text, "\nsap:\n");
	struct sam_edit edit;
	struct sam_msg msg = {""};
	ck_assert_ptr_nonnull(at);
	at += strlen("\nsap:\n");
	sealed.text = text("%.*s%s%s", (int)(at - sealed.text), sealed.text, lines, at);
	enum sam_reason reason = sam_policy_parse("policy", sealed.text, strlen(sealed.text), &sealed.policy, &msg);
	ck_assert_msg(reason == SAM_OK, "%s", msg.text);
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sam->policy = sealed.policy;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
}

/* alice has a key, and the policy says that of tokens. */
static void with_policy(const char *lines)
{
	people();
	alice = enrol("alice");
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	credential = text("%s", outcome.credential);
	is(act_by_sad(order(&alice, "alice", "activate", text("{'credentialID':'%s','thumbprint':'%s'}", credential,
							      thumbprint(credential))),
		      SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", credential)), SAM_OK);
	sap_says(lines);
}

/* A digest that begins with this number. */
static const uint8_t *digest(unsigned number)
{
	static uint8_t value[32];
	memset(value, 0, sizeof value);
	value[0] = (uint8_t)number;
	return value;
}

/* A SAD for the digests 1 to DIGESTS. */
static const char *new_sad(void)
{
	const long long iat = sam_clock_now() + 2;
	char hash[64], *list = text("%s", "");
	for (unsigned i = 1; i <= DIGESTS; i++) {
		sam_encode_b64url(digest(i), 32, hash);
		list = text("%s%s{'hash':'%s'}", list, i > 1 ? "," : "", hash);
	}
	return signed_by(&alice, json("{'typ':'sad+jwt','kid':'%s'}", alice.kid),
			 json("{'iss':'alice','sub':'alice','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,"
			      "'authorization_details':[{'type':'credential','credentialID':'%s','documentDigests':[%s],"
			      "'hashAlgorithmOID':'2.16.840.1.101.3.4.2.1'}]}",
			      new_jti(), iat, iat + 200, credential, list));
}

static void exchanged(const char *sad, char token[SAM_TOKEN_LEN + 1])
{
	is(sam_exchange(sam, sad, strlen(sad), token), SAM_OK);
}

static struct sam_activation *presented(const char *pin)
{
	struct sam_activation *a = NULL;
	is(sam_activate(sam, &login, NULL, pin, strlen(pin), &a), SAM_OK);
	return a;
}

static enum sam_reason sign_as(const struct sam_login *who, struct sam_activation *const *list, size_t count,
			       unsigned number)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX], data[32];
	size_t len = 0;
	memcpy(data, digest(number), sizeof data);
	struct sam_sign_request request = {.login = who, .credential = credential, .activations = list,
					   .activation_count = count, .data = data, .data_len = sizeof data};
	is(sam_mechanism_scheme(&ecdsa, &request.scheme), SAM_OK);
	enum sam_reason reason = sam_sign(sam, &request, signature, &len);
	ck_assert_uint_eq(len, reason == SAM_OK ? 64 : 0);
	return reason;
}

/* Under that activation alone. */
static enum sam_reason sign_under(struct sam_activation *a, unsigned number)
{
	return sign_as(&login, &a, 1, number);
}

/* The pin by CKU_CONTEXT_SPECIFIC. */
static enum sam_reason sign(const char *pin, unsigned number)
{
	struct sam_activation *a = presented(pin);
	enum sam_reason reason = sign_under(a, number);
	sam_activation_release(a);
	return reason;
}

/* Wherever it is presented. */
static void dead(const char *token)
{
	struct sam_login nobody = {.name = ""}, fresh;
	struct sam_activation *a;
	struct sam_inspection found;
	struct sam_chain chain;
	struct sam_msg msg = {""};
	is(sam_login(sam, SAM_LOGIN_USER, NULL, token, SAM_TOKEN_LEN, &nobody, &fresh, &a), SAM_TOKEN_UNKNOWN);
	ck_assert_str_eq(last_of("login").reason, "token_unknown");
	is(sam_activate(sam, &login, NULL, token, SAM_TOKEN_LEN, &a), SAM_TOKEN_UNKNOWN);
	is(sam_inspect(sam, token, SAM_TOKEN_LEN, &found, &msg), SAM_TOKEN_UNKNOWN);
	is(sam_chain_open(sam, token, SAM_TOKEN_LEN, &chain), SAM_TOKEN_UNKNOWN);
}

/* ---- once ---- */

START_TEST(each_token_signs_once_and_the_next_stands_in_its_place)
{
	char token[SAM_TOKEN_LEN + 1], before[SAM_TOKEN_LEN + 1];
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	for (unsigned i = 1; i <= DIGESTS; i++) {
		memcpy(before, token, sizeof before);
		is(sign(token, i), SAM_OK);
		struct last last = last_of("sign");
		ck_assert_ptr_nonnull(strstr(last.line, "\"activation\":\"token\""));
		ck_assert_ptr_nonnull(strstr(last.line, text("\"detail\":\"token %u of at most 2000\"", i)));
		ck_assert_ptr_null(strstr(last.line, before + 4)); /* invariant 8 */
		exchanged(sad, token);
		ck_assert_str_ne(token, before);
		dead(before);
	}
	/* all is used up: the chain goes on, but nothing is signed */
	is(sign(token, 1), SAM_DIGEST_USED);
	is(sign(token, DIGESTS + 1), SAM_DIGEST_NOT_AUTHORISED);
	exchanged(sad, before);
	ck_assert_str_eq(before, token);
}
END_TEST

/* Whoever loses a race shows tokens that are gone by the hundred. 130 bits are guessed by nobody: that is no guess, and
 * neither locks nor alarms. */
START_TEST(tokens_that_are_gone_are_no_guesses)
{
	static const char *const kinds[] = {SAM_COUNTER_PIN_SOURCE, SAM_COUNTER_FORGED_SOURCE};
	char first[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1], source[SAM_SOURCE_SIZE];
	bool locked = true;
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	exchanged(sad, first);
	is(sign(first, 1), SAM_OK);
	for (unsigned i = 0; i < 100; i++)
		dead(i % 2 ? first : text("sat_abcdefghijklmnopqrstuvwx%c%c", 'a' + (int)i / 10, 'a' + (int)i % 10));
	sam_identify_source(source);
	for (size_t i = 0; i < 2; i++) {
		const struct sam_counter_id id = {kinds[i], source};
		struct sam_counter counter;
		is(sam_store_counter(sam->store, &id, &counter), SAM_OK);
		ck_assert_uint_eq(counter.failures, 0);
	}
	is(sam_identify_locked(sam->registry, "alice", &locked), SAM_OK);
	ck_assert(!locked);
	exchanged(sad, next);
	is(sign(next, 2), SAM_OK);
}
END_TEST

START_TEST(without_renewal_one_token_serves_all_digests)
{
	char token[SAM_TOKEN_LEN + 1], again[SAM_TOKEN_LEN + 1];
	with_policy("  renewal: false\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	for (unsigned i = 1; i <= DIGESTS; i++)
		is(sign(token, i), SAM_OK);
	ck_assert_ptr_null(strstr(last_of("sign").line, "\"detail\""));
	is(sign(token, 1), SAM_DIGEST_USED);
	exchanged(sad, again);
	ck_assert_str_eq(again, token);
}
END_TEST

/* What pkcs11-tool does: one PIN for CKU_USER and for CKU_CONTEXT_SPECIFIC. Then the session-wide one is of a token
 * that was used. */
START_TEST(the_same_token_by_both_logins_signs_once)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_login nobody = {.name = ""}, user;
	struct sam_activation *both[2];
	with_policy("  renewal: [alice]\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	is(sam_login(sam, SAM_LOGIN_USER, NULL, token, SAM_TOKEN_LEN, &nobody, &user, &both[1]), SAM_OK);
	is(sam_activate(sam, &user, NULL, token, SAM_TOKEN_LEN, &both[0]), SAM_OK);
	is(sign_as(&user, both, 2, 1), SAM_OK);
	is(sign_as(&user, both, 2, 2), SAM_TOKEN_RENEWED);
	ck_assert_str_eq(last_of("sign").reason, "token_renewed");
	is(sign_as(&user, both + 1, 1, 2), SAM_TOKEN_RENEWED);
	sam_activation_release(both[0]);
	sam_activation_release(both[1]);
	/* the SAD itself is not bound to its tokens: both together */
	exchanged(sad, token);
	is(sign(sad, 2), SAM_OK);
	is(sign(token, 3), SAM_OK);
	dead(token);
}
END_TEST

START_TEST(it_is_renewed_for_those_whom_the_policy_names)
{
	static const struct {
		const char *lines;
		bool by_sca, by_alice;
	} table[] = {{"  renewal: [sca]\n", true, false}, {"  renewal: [alice]\n", true, true},
		     {"  renewal: [bob, someone]\n", false, false}, {"  renewal: true\n", true, true},
		     {"  renewal: []\n", false, false}};
	const struct sam_login sca = {.name = "sca", .role = SAM_ROLE_SCA};
	char token[SAM_TOKEN_LEN + 1], again[SAM_TOKEN_LEN + 1];
	with_policy(table[_i].lines);
	struct sam_principal granted = *principal("sca");
	const char *sad;
	struct sam_activation *a;
	char signers[1][SAM_NAME_SIZE] = {"alice"};
	granted.signers = signers;
	granted.signer_count = 1;
	by_hand(&granted);
	sad = new_sad();
	exchanged(sad, token);
	a = presented(token);
	is(sign_as(&sca, &a, 1, 1), SAM_OK);
	exchanged(sad, again);
	ck_assert_int_eq(strcmp(again, token) != 0, table[_i].by_sca);
	/* and dead for everybody */
	is(sign_as(&login, &a, 1, 2), table[_i].by_sca ? SAM_TOKEN_RENEWED : SAM_OK);
	is(sign_as(&sca, &a, 1, 3), table[_i].by_sca || table[_i].by_alice ? SAM_TOKEN_RENEWED : SAM_OK);
	sam_activation_release(a);
	exchanged(sad, token);
	is(sign(token, 4), SAM_OK);
	exchanged(sad, again);
	ck_assert_int_eq(strcmp(again, token) != 0, table[_i].by_alice);
}
END_TEST

START_TEST(the_chain_ends_where_the_policy_says)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_chain chain;
	struct sam_inspection found;
	struct sam_msg msg = {""};
	with_policy("  renewal: true\n  renewal_max: 2\n");
	const char *sad = new_sad();
	is(sam_inspect(sam, sad, strlen(sad), &found, &msg), SAM_OK);
	ck_assert(found.number == 0 && found.chain == 2);
	is(sam_chain_open(sam, sad, strlen(sad), &chain), SAM_OK);
	for (unsigned i = 1; i <= 2; i++) {
		is(sam_chain_token(sam, &login, &chain, token), SAM_OK);
		is(sam_inspect(sam, token, SAM_TOKEN_LEN, &found, &msg), SAM_OK);
		ck_assert(found.number == i && found.chain == 2);
		is(sign(token, i), SAM_OK);
	}
	is(sam_chain_token(sam, &login, &chain, token), SAM_RENEWALS_USED);
	ck_assert_str_eq(token, "");
	exchanged(sad, token);
	is(sign(token, 3), SAM_RENEWALS_USED);
	ck_assert_str_eq(last_of("sign").reason, "renewals_used");
	is(sign(sad, 3), SAM_OK);
}
END_TEST

/* ---- the token object's view ---- */

START_TEST(a_chain_knows_its_token_by_neither_sad_nor_token)
{
	char token[SAM_TOKEN_LEN + 1], seen[SAM_TOKEN_LEN + 1];
	struct sam_chain by_sad, by_token;
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	is(sam_chain_open(sam, sad, strlen(sad), &by_sad), SAM_OK);
	exchanged(sad, token);
	ck_assert_ptr_null(memmem(&by_sad, sizeof by_sad, token, 16));
	ck_assert_ptr_null(memmem(&by_sad, sizeof by_sad, sad, 16));
	is(sam_chain_open(sam, token, SAM_TOKEN_LEN, &by_token), SAM_OK);
	ck_assert_str_eq(last_of("sad-exchange").outcome, "success");
	for (unsigned i = 1; i <= 3; i++) {
		is(sam_chain_token(sam, &login, &by_sad, seen), SAM_OK);
		ck_assert_str_eq(seen, token);
		is(sam_chain_token(sam, NULL, &by_token, seen), SAM_OK);
		ck_assert_str_eq(seen, token);
		is(sign(token, i), SAM_OK);
		exchanged(sad, token);
	}
	/* another SAD's chain is another */
	sad = new_sad();
	is(sam_chain_open(sam, sad, strlen(sad), &by_token), SAM_OK);
	is(sam_chain_token(sam, &login, &by_token, seen), SAM_OK);
	ck_assert_str_ne(seen, token);
	is(sam_chain_open(sam, "alice:password", strlen("alice:password"), &by_token), SAM_PIN_FORM);
	by_sad.exp = sam_clock_now();
	is(sam_chain_token(sam, &login, &by_sad, seen), SAM_SAD_EXPIRED);
	is(sam_exchange(sam, token, SAM_TOKEN_LEN, seen), SAM_PIN_FORM); /* only a SAD is exchanged */
}
END_TEST

/* ---- a CM that fails ---- */

/* invariant 6: what fails before it can have signed leaves SAD and token as they were */
START_TEST(a_cm_that_fails_leaves_the_token)
{
	char token[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	for (unsigned i = 1; i <= 2; i++) {
		struct sam_activation *a = presented(token);
		cm_write(cm_control, "C_Sign fail 0x30\n");
		is(sign_under(a, i), SAM_CM_FAILED);
		cm_write(cm_control, "");
		exchanged(sad, still);
		ck_assert_str_eq(still, token);
		is(sign_under(a, i), SAM_OK); /* what was presented before it is good still */
		sam_activation_release(a);
		exchanged(sad, token);
		ck_assert_str_ne(still, token);
	}
}
END_TEST

/* The CM may have signed: the digest is spent, and the token with it. */
START_TEST(a_wrong_signature_spends_the_token)
{
	char token[SAM_TOKEN_LEN + 1], next[SAM_TOKEN_LEN + 1];
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	struct sam_activation *a = presented(token);
	cm_write(cm_control, "C_Sign wrong\n");
	is(sign_under(a, 1), SAM_SIGNATURE_MISMATCH);
	cm_write(cm_control, "");
	exchanged(sad, next);
	ck_assert_str_ne(next, token);
	is(sign_under(a, 2), SAM_TOKEN_RENEWED);
	sam_activation_release(a);
	is(sign(next, 1), SAM_DIGEST_USED);
	is(sign(next, 2), SAM_OK);
}
END_TEST

/* What asks for nothing that the SAD allows uses no token up (invariant 6). */
START_TEST(a_refused_digest_leaves_the_token)
{
	char token[SAM_TOKEN_LEN + 1], still[SAM_TOKEN_LEN + 1];
	with_policy("  renewal: true\n");
	const char *sad = new_sad();
	exchanged(sad, token);
	is(sign(token, DIGESTS + 1), SAM_DIGEST_NOT_AUTHORISED);
	is(sign(sad, 1), SAM_OK);
	is(sign(token, 1), SAM_DIGEST_USED);
	exchanged(sad, still);
	ck_assert_str_eq(still, token);
	is(sign(token, 2), SAM_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("door_token");
	TCase *c = tcase_create("door_token");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, each_token_signs_once_and_the_next_stands_in_its_place);
	tcase_add_test(c, tokens_that_are_gone_are_no_guesses);
	tcase_add_test(c, without_renewal_one_token_serves_all_digests);
	tcase_add_test(c, the_same_token_by_both_logins_signs_once);
	tcase_add_loop_test(c, it_is_renewed_for_those_whom_the_policy_names, 0, 5);
	tcase_add_test(c, the_chain_ends_where_the_policy_says);
	tcase_add_test(c, a_chain_knows_its_token_by_neither_sad_nor_token);
	tcase_add_test(c, a_cm_that_fails_leaves_the_token);
	tcase_add_test(c, a_wrong_signature_spends_the_token);
	tcase_add_test(c, a_refused_digest_leaves_the_token);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
