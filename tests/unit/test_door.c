/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The door and a key's life: only a key that is active, between its dates, as it was sealed, signs, and only what
 * was authorised after its last change; certificate and clock where the policy asks for them.
 */
#define SAM_FIXTURE_MOCK
#include "key_fixture.h"

#include <stdatomic.h>
#include "base/mechanism.h"

static struct device alice;
static const struct sam_login login = {.name = "alice", .role = SAM_ROLE_SIGNER};
static const CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static const uint8_t digest[32] = {1, 2, 3};

static void enrolled(void)
{
	people();
	alice = enrol("alice");
}

/* alice's, active, between those dates (0: none) */
static char *new_key(long long start, long long end)
{
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','start':%lld,'end':%lld}", start,
	       end), SAM_OK);
	char *credential = text("%s", outcome.credential);
	is(act_by_sad(order(&alice, "alice", "activate", text("{'credentialID':'%s','thumbprint':'%s'}", credential,
							      thumbprint(credential))),
		      SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", credential)), SAM_OK);
	return credential;
}

/* A SAD for the digest, made now or ${later}. */
static char *sad_at(const char *credential, int later)
{
	const long long iat = sam_clock_now() + later;
	char hash[64];
	sam_encode_b64url(digest, sizeof digest, hash);
	return signed_by(&alice, json("{'typ':'sad+jwt','kid':'%s'}", alice.kid),
			 json("{'iss':'alice','sub':'alice','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,"
			      "'authorization_details':[{'type':'credential','credentialID':'%s','documentDigests':"
			      "[{'hash':'%s'}],'hashAlgorithmOID':'2.16.840.1.101.3.4.2.1'}]}",
			      new_jti(), iat, iat + 200, credential, hash));
}

static struct sam_activation *present(const char *pin)
{
	struct sam_activation *a = NULL;
	is(sam_activate(sam, &login, NULL, pin, strlen(pin), &a), SAM_OK);
	return a;
}

static enum sam_reason sign_for(enum sam_sign_purpose purpose, const char *credential, struct sam_activation *a)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = 0;
	struct sam_sign_request request = {.login = &login, .credential = credential, .activations = &a,
					   .purpose = purpose, .activation_count = 1, .data = digest, .data_len = sizeof digest};
	is(sam_mechanism_scheme(&ecdsa, &request.scheme), SAM_OK);
	enum sam_reason reason = sam_sign(sam, &request, signature, &len);
	ck_assert_uint_eq(len, reason == SAM_OK ? 64 : 0);
	return reason;
}

static enum sam_reason sign_with(const char *credential, struct sam_activation *a)
{
	return sign_for(SAM_SIGN_DATA, credential, a);
}

/* With a new SAD. */
static enum sam_reason sign(const char *credential)
{
	struct sam_activation *a = present(sad_at(credential, 2));
	enum sam_reason reason = sign_with(credential, a);
	sam_activation_release(a);
	return reason;
}

static unsigned signatures(void)
{
	return cm_logged("C_Sign ");
}

/* Neither C_SignInit nor the door lets it, the CM is not asked, and the trail says why. */
static void signs_nothing(const char *credential, enum sam_reason why)
{
	const unsigned before = signatures();
	struct sam_scheme scheme;
	is(sam_may_sign(sam, &login, credential, &ecdsa, &scheme), why);
	ck_assert_str_eq(last_of("key-refused").reason, sam_reason_name(why));
	is(sign(credential), why);
	struct last last = last_of("sign");
	ck_assert_str_eq(last.reason, sam_reason_name(why));
	ck_assert_str_ne(last.outcome, "success");
	ck_assert_uint_eq(signatures(), before);
}

/* ---- states and dates ---- */

START_TEST(an_active_key_signs)
{
	struct sam_scheme scheme;
	enrolled();
	const char *credential = new_key(0, 0);
	is(sam_may_sign(sam, &login, credential, &ecdsa, &scheme), SAM_OK);
	is(sign(credential), SAM_OK);
	ck_assert_str_eq(last_of("sign").outcome, "success");
}
END_TEST

START_TEST(an_inactive_key_signs_nothing)
{
	enrolled();
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	signs_nothing(text("%s", outcome.credential), SAM_KEY_INACTIVE);
}
END_TEST

START_TEST(a_suspended_key_signs_nothing_until_it_is_resumed)
{
	enrolled();
	const char *credential = new_key(0, 0);
	is(act("ra", NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", credential), SAM_OK);
	signs_nothing(credential, SAM_KEY_SUSPENDED);
	is(act("officer", "officer2", SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_OK);
	is(sign(credential), SAM_OK);
}
END_TEST

/* The CM has it still, but it is dead; and when it is gone there is no such key. */
START_TEST(a_revoked_key_signs_nothing)
{
	enrolled();
	const char *credential = new_key(0, 0);
	struct sam_scheme scheme;
	cm_write(cm_control, "C_DestroyObject fail 0x30\n");
	is(act("ca", NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s','reason':'notice 1'}", credential), SAM_OK);
	cm_write(cm_control, "");
	ck_assert_uint_eq(in_cm(), 1);
	signs_nothing(credential, SAM_KEY_REVOKED);
	is(act("officer", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", credential), SAM_OK);
	is(sam_may_sign(sam, &login, credential, &ecdsa, &scheme), SAM_KEY_HANDLE);
}
END_TEST

START_TEST(a_key_signs_between_its_dates_alone)
{
	enrolled();
	const long long now = sam_clock_now();
	signs_nothing(new_key(now + 3600, 0), SAM_KEY_NOT_YET);
	const char *credential = new_key(0, now + 8), *fits = new_key(now - 10, now + 3600);
	is(sign(credential), SAM_OK);
	is(sign(fits), SAM_OK);
	while (sam_clock_now() < now + 8)
		usleep(100000);
	signs_nothing(credential, SAM_KEY_EXPIRED);
	is(sign(fits), SAM_OK);
}
END_TEST

/* ---- what was authorised before ---- */

START_TEST(what_was_authorised_before_a_suspension_is_dead)
{
	char token[SAM_TOKEN_LEN + 1];
	enrolled();
	const char *credential = new_key(0, 0), *other = new_key(0, 0);
	struct sam_activation *presented = present(sad_at(credential, 0)), *others = present(sad_at(other, 0));
	const char *unshown = sad_at(credential, 0), *by_token = sad_at(credential, 0);
	is(sam_exchange(sam, by_token, strlen(by_token), token), SAM_OK);
	is(act("operator", NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", credential), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_OK);
	is(sign_with(credential, presented), SAM_ACTIVATION_ENDED);
	ck_assert_str_eq(last_of("sign").reason, "activation_ended");
	sam_activation_release(presented);
	presented = present(unshown); /* the SAD is in order, but older than the change of this key */
	is(sign_with(credential, presented), SAM_ACTIVATION_ENDED);
	sam_activation_release(presented);
	presented = present(token);
	is(sign_with(credential, presented), SAM_ACTIVATION_ENDED);
	sam_activation_release(presented);
	is(sign_with(other, others), SAM_OK); /* another key of the same signer does not mind */
	sam_activation_release(others);
	is(sign(credential), SAM_OK);
}
END_TEST

/* Presented while it was active: the door looks again. */
START_TEST(a_suspension_is_effective_at_once)
{
	enrolled();
	const char *credential = new_key(0, 0);
	struct sam_activation *a = present(sad_at(credential, 2));
	struct sam_scheme scheme;
	is(sam_may_sign(sam, &login, credential, &ecdsa, &scheme), SAM_OK);
	is(act("operator", NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", credential), SAM_OK);
	is(sign_with(credential, a), SAM_KEY_SUSPENDED);
	sam_activation_release(a);
}
END_TEST

/* ---- behind the SAM's back ---- */

/* CKA_DECRYPT, CKA_EXTRACTABLE, CKA_SIGN, CKA_LABEL, CKA_ID, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_DERIVE */
START_TEST(a_key_that_was_changed_in_the_cm_is_refused_and_alarmed)
{
	static const unsigned types[] = {0x105, 0x162, 0x108, 0x003, 0x102, 0x163, 0x164, 0x10c};
	enrolled();
	const char *credential = new_key(0, 0);
	struct sam_activation *a = present(sad_at(credential, 2));
	const unsigned before = signatures();
	cm_write(cm_control, text("C_GetAttributeValue flip %#x\n", types[_i]));
	is(sign_with(credential, a), SAM_KEY_CHANGED);
	cm_write(cm_control, "");
	ck_assert_uint_eq(signatures(), before);
	struct last alarm = last_of("integrity");
	ck_assert_str_eq(alarm.reason, "key_changed");
	ck_assert_ptr_nonnull(strstr(alarm.line, credential));
	ck_assert_ptr_nonnull(strstr(alarm.line, "\"class\":\"alert\""));
	ck_assert_str_eq(last_of("sign").reason, "key_changed");
	/* nothing was signed, so nothing is used up */
	is(sign_with(credential, a), SAM_OK);
	sam_activation_release(a);
}
END_TEST

/* Another key put under its CKA_ID: the signature is not its own. */
START_TEST(another_key_in_its_place_is_refused_and_alarmed)
{
	enrolled();
	new_key(0, 0);
	const char *credential = new_key(0, 0);
	struct sam_activation *a = present(sad_at(credential, 2));
	cm_write(cm_control, "C_SignInit otherkey\n");
	is(sign_with(credential, a), SAM_SIGNATURE_MISMATCH);
	cm_write(cm_control, "");
	ck_assert_str_eq(last_of("integrity").reason, "signature_mismatch");
	is(sign_with(credential, a), SAM_DIGEST_USED); /* the CM may have signed it */
	sam_activation_release(a);
}
END_TEST

START_TEST(a_key_gone_from_the_cm_signs_nothing)
{
	enrolled();
	const char *credential = new_key(0, 0);
	is(sign(credential), SAM_OK);
	is(sam_cm_destroy(sam->cm, key(credential)->cm_id), SAM_OK);
	is(sign(credential), SAM_CM_KEY_MISSING);
	ck_assert_str_eq(last_of("cm-error").reason, "cm_key_missing");
}
END_TEST

/* ---- certificate and clock ---- */

static enum sam_reason may(const struct sam_policy *policy, const struct sam_key *k, enum sam_sign_purpose purpose)
{
	struct sam_scheme scheme;
	is(sam_mechanism_scheme(&ecdsa, &scheme), SAM_OK);
	return sam_key_may_sign(sam, snapshot(), policy, k, &scheme, purpose);
}

START_TEST(where_it_is_asked_for_a_key_signs_documents_with_a_valid_certificate_alone)
{
	enrolled();
	struct sam_policy policy = snapshot()->sealed->policy;
	struct sam_key k = *key(new_key(0, 0));
	const int64_t now = sam_clock_now();
	is(may(&policy, &k, SAM_SIGN_DATA), SAM_OK); /* level 1 does not ask */
	policy.certificate_required = true;
	is(may(&policy, &k, SAM_SIGN_DATA), SAM_CERTIFICATE_MISSING);
	is(may(&policy, &k, SAM_SIGN_CSR), SAM_OK); /* how else would it come by one */
	k.certificate = (struct sam_certificate){.der = (uint8_t *)"x", .len = 1, .not_before = now - 10,
						 .not_after = now + 1000};
	is(may(&policy, &k, SAM_SIGN_DATA), SAM_OK);
	k.certificate.not_after = now - 5;
	is(may(&policy, &k, SAM_SIGN_DATA), SAM_CERTIFICATE_EXPIRED);
	is(may(&policy, &k, SAM_SIGN_CSR), SAM_OK); /* for the next */
	k.certificate.not_after = now + 1000;
	k.certificate.not_before = now + 500;
	is(may(&policy, &k, SAM_SIGN_DATA), SAM_CERTIFICATE_EXPIRED);
	k.life = SAM_LIFE_INACTIVE;
	is(may(&policy, &k, SAM_SIGN_CSR), SAM_KEY_INACTIVE);
}
END_TEST

/* Whatever this machine's clock is. */
START_TEST(where_it_is_asked_for_a_key_signs_under_a_synchronised_clock_alone)
{
	struct sam_clock_state clock;
	enrolled();
	struct sam_policy policy = snapshot()->sealed->policy;
	const struct sam_key *k = key(new_key(0, 0));
	is(may(&policy, k, SAM_SIGN_DATA), SAM_OK);
	policy.require_sync = true;
	sam_clock_sync_state(&clock);
	is(may(&policy, k, SAM_SIGN_DATA), clock.synchronised ? SAM_OK : SAM_CLOCK);
	is(may(&policy, k, SAM_SIGN_CSR), clock.synchronised ? SAM_OK : SAM_CLOCK);
}
END_TEST

START_TEST(a_disabled_cm_signs_nothing)
{
	enrolled();
	const char *credential = new_key(0, 0);
	struct sam_activation *a = present(sad_at(credential, 2));
	is(act("officer", "officer2", SAM_ACT_CM_DISABLE, "{}"), SAM_OK);
	is(may(&snapshot()->sealed->policy, key(credential), SAM_SIGN_DATA), SAM_CM_DISABLED);
	is(may(&snapshot()->sealed->policy, key(credential), SAM_SIGN_CSR), SAM_CM_DISABLED);
	is(sign_with(credential, a), SAM_CM_DISABLED);
	sam_activation_release(a);
}
END_TEST

/* The activation was good for level 1; the policy in force when it is used decides. */
START_TEST(above_level_1_one_factor_signs_nothing)
{
	enrolled();
	const char *credential = new_key(0, 0);
	struct sam_activation *a = present(sad_at(credential, 2));
	const unsigned before = signatures();
	at_level(_i, NULL);
	is(sign_for(SAM_SIGN_CSR, credential, a), SAM_FACTORS); /* what needs no certificate */
	ck_assert_str_eq(last_of("key-csr").reason, "factors");
	ck_assert_uint_eq(signatures(), before);
	sam_activation_release(a);
}
END_TEST

/* ---- deferred authorisation ---- */

/* As if officers had signed it. */
static void policy_says(const char *before, const char *more)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	struct sam_sealed sealed = *snapshot()->sealed;
	struct sam_edit edit;
	struct sam_msg msg = {""};
	const char *at = strstr(sealed.text, before);
	ck_assert_ptr_nonnull(at);
	char *all = text("%.*s%s%s", (int)(at - sealed.text), sealed.text, more, at + strlen(before));
	sealed.text = all;
	ck_assert_msg(sam_policy_parse("policy", all, strlen(all), &sealed.policy, &msg) == SAM_OK, "%s", msg.text);
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sam->policy = sealed.policy;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
}

static atomic_uint looks;
static enum sam_reason not_over(void *arg)
{
	(void)arg;
	atomic_fetch_add(&looks, 1);
	return SAM_OK;
}

/* Without any SAD; ${message}: by CKM_EDDSA, else the digest by CKM_ECDSA. */
static enum sam_reason ask_for(const char *credential, const char *message)
{
	static const CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
	static const struct sam_wait wait = {not_over, NULL};
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = 0;
	struct sam_sign_request request = {.login = &login, .credential = credential, .data = digest,
					   .data_len = sizeof digest, .wait = &wait};
	if (message) {
		request.message = (const uint8_t *)message;
		request.message_len = strlen(message);
	}
	is(sam_mechanism_scheme(message ? &eddsa : &ecdsa, &request.scheme), SAM_OK);
	return sam_sign(sam, &request, signature, &len);
}

static atomic_bool enough;
static void *write_always(void *arg)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	(void)arg;
	while (!atomic_load(&enough))
		is(sam_audit_event(&sam->audit, &event, false), SAM_OK);
	return NULL;
}

START_TEST(a_busy_store_makes_no_wait_longer_or_busier)
{
	pthread_t writer;
	enrolled();
	const char *credential = new_key(0, 0);
	policy_says("\nsap:\n", "\nsap:\n  deferred: true\n  deferred_wait: 1s\n");
	ck_assert_int_eq(pthread_create(&writer, NULL, write_always, NULL), 0);
	const int64_t from = sam_clock_monotonic_ms();
	is(ask_for(credential, NULL), SAM_REQUEST_WAITS);
	const int64_t took = sam_clock_monotonic_ms() - from;
	atomic_store(&enough, true);
	pthread_join(writer, NULL);
	ck_assert_int_ge(took, 1000);
	ck_assert_int_lt(took, 5000);
	ck_assert_uint_le(atomic_load(&looks), 2 * 1000 / 50 + 3); /* two for each look: before and after the pause */
}
END_TEST

START_TEST(eddsa_is_asked_for_by_a_hash_that_the_policy_allows)
{
	static const char allows[] = "hashes: [sha256, sha384, sha512]";
	enrolled();
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ed25519'}"), SAM_OK);
	const char *credential = text("%s", outcome.credential);
	is(act_by_sad(order(&alice, "alice", "activate", text("{'credentialID':'%s','thumbprint':'%s'}", credential,
							      thumbprint(credential))),
		      SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", credential)), SAM_OK);
	policy_says("\nsap:\n", "\nsap:\n  deferred: true\n  deferred_wait: 0s\n");
	policy_says(allows, "hashes: [sha256, {name: sha384, sign_until: 2020-01-01T00:00:00Z},"
			     " {name: sha512, sign_until: 2020-01-01T00:00:00Z}]");
	is(ask_for(credential, "a message"), SAM_REQUEST_WAITS);
	ck_assert_ptr_nonnull(strstr(last_of("request-add").line, "2.16.840.1.101.3.4.2.1\""));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("door");
	TCase *c = tcase_create("door");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, an_active_key_signs);
	tcase_add_test(c, an_inactive_key_signs_nothing);
	tcase_add_test(c, a_suspended_key_signs_nothing_until_it_is_resumed);
	tcase_add_test(c, a_revoked_key_signs_nothing);
	tcase_add_test(c, a_key_signs_between_its_dates_alone);
	tcase_add_test(c, what_was_authorised_before_a_suspension_is_dead);
	tcase_add_test(c, a_suspension_is_effective_at_once);
	tcase_add_loop_test(c, a_key_that_was_changed_in_the_cm_is_refused_and_alarmed, 0, 8);
	tcase_add_test(c, another_key_in_its_place_is_refused_and_alarmed);
	tcase_add_test(c, a_key_gone_from_the_cm_signs_nothing);
	tcase_add_test(c, where_it_is_asked_for_a_key_signs_documents_with_a_valid_certificate_alone);
	tcase_add_test(c, where_it_is_asked_for_a_key_signs_under_a_synchronised_clock_alone);
	tcase_add_test(c, a_disabled_cm_signs_nothing);
	tcase_add_loop_test(c, above_level_1_one_factor_signs_nothing, 2, 4);
	tcase_add_test(c, a_busy_store_makes_no_wait_longer_or_busier);
	tcase_add_test(c, eddsa_is_asked_for_by_a_hash_that_the_policy_allows);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
