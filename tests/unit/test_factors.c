/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Factors: what a SAD shows of its signer, for each level; PINs right and wrong, counted and locked; the PIN changed by
 * its owner; certificates in the place of device keys.
 */
#include "key_fixture.h"

#include <openssl/pem.h>
#include "base/mechanism.h"
#include "policy/factors.h"
#include "registry/identify.h"
#include "registry/internal.h"
#include "sap/jwe.h"
#include "sap/recipient.h"
#include "sap/request.h"

#define PIN "correct-horse"

static struct device alice;
static const struct sam_login login = {.name = "alice", .role = SAM_ROLE_SIGNER};
static const uint8_t digest[32] = {1, 2, 3};
static struct sam_activation *last; /* of the last SAD that was taken */

/* ---- the set-up ---- */

/* The policy in force, with one piece of its text replaced (${from} NULL: added at the end), as if officers had signed
 * it. */
static void change_policy(const char *from, const char *to)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	struct sam_sealed sealed = *snapshot()->sealed;
	struct sam_edit edit;
	struct sam_msg msg = {""};
	const char *at = from ? strstr(sealed.text, from) : sealed.text + strlen(sealed.text);
	ck_assert_msg(at != NULL, "%s", from);
	sealed.text = text("%.*s%s%s", (int)(at - sealed.text), sealed.text, to, at + (from ? strlen(from) : 0));
	enum sam_reason reason = sam_policy_parse("policy", sealed.text, strlen(sealed.text), &sealed.policy, &msg);
	ck_assert_msg(reason == SAM_OK, "%s", msg.text);
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sam->policy = sealed.policy;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
}

static void set_pin(const char *id, const char *pin)
{
	char hash[SAM_PASSWORD_SIZE];
	is(sam_password_make(sam->seal, pin, strlen(pin), hash, sizeof hash), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'%s','pin':'%s'}", id, hash), SAM_OK);
}

static void enrolled(void)
{
	people();
	alice = enrol("alice");
	set_pin("alice", PIN);
	last = NULL;
}

static char *new_key(void)
{
	is(act("officer", "officer2", SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	char *credential = text("%s", outcome.credential);
	is(act_by_sad(order(&alice, "alice", "activate", text("{'credentialID':'%s','thumbprint':'%s'}", credential,
							      thumbprint(credential))),
		      SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", credential)), SAM_OK);
	return credential;
}

/* ---- SADs ---- */

static char *encrypted(const char *sad)
{
	struct sam_msg msg = {""};
	char *jwe;
	is(sam_recipient_first(sam, false, &msg), SAM_OK);
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(sam_registry_sap_now(snapshot(), false)->pkey);
	sam_auto(json_decref) json_t *header = json("{'cty':'sad+jwt'}");
	is(sam_jwe_encrypt(jwk, SAM_JWE_WRAPPED, header, sad, strlen(sad), &jwe), SAM_OK);
	keep(KEPT_TEXT, jwe);
	return jwe;
}

static json_t *frame(const char *pin)
{
	const long long iat = sam_clock_now() + 2;
	json_t *claims = json("{'iss':'alice','sub':'alice','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld}", new_jti(),
			      iat, iat + 200);
	if (pin)
		json_object_set_new(claims, "pin", json_string(pin));
	return claims;
}

static json_t *header(void)
{
	return json("{'typ':'sad+jwt','kid':'%s'}", alice.kid);
}

/* For one digest. ${pin} NULL: without. */
static char *sad(const char *credential, const char *pin)
{
	char hash[64];
	json_t *claims = frame(pin);
	sam_encode_b64url(digest, sizeof digest, hash);
	json_object_set_new(claims, "authorization_details",
			    json("[{'type':'credential','credentialID':'%s','documentDigests':[{'hash':'%s'}],"
				 "'hashAlgorithmOID':'2.16.840.1.101.3.4.2.1'}]", credential, hash));
	return signed_by(&alice, header(), claims);
}

/* Another key's, which nobody has: to present it is enough. */
#define NOBODYS "00112233445566778899aabbccddeeff"

static enum sam_reason present(const char *pin)
{
	sam_activation_release(last);
	last = NULL;
	return sam_activate(sam, &login, NULL, pin, strlen(pin), &last);
}

static enum sam_reason with_pin(const char *pin)
{
	return present(encrypted(sad(NOBODYS, pin)));
}

/* The request of a key needs no certificate yet. */
static enum sam_reason sign(const char *credential, struct sam_activation *a)
{
	static const CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = 0;
	struct sam_sign_request request = {.login = &login, .credential = credential, .purpose = SAM_SIGN_CSR,
					   .activations = &a, .activation_count = 1, .data = digest,
					   .data_len = sizeof digest};
	is(sam_mechanism_scheme(&ecdsa, &request.scheme), SAM_OK);
	return sam_sign(sam, &request, signature, &len);
}

static void done(void)
{
	sam_activation_release(last);
	sam_done();
}

static struct sam_counter counter(const char *kind, const char *name)
{
	const struct sam_counter_id id = {kind, name};
	struct sam_counter c;
	is(sam_store_counter(sam->store, &id, &c), SAM_OK);
	return c;
}

/* As if the last wrong one had been given long ago. */
static void wait_over(void)
{
	/* the wait doubles from one second on, and after two wrong ones it is that */
	sleep(1);
	while (sam_clock_now() <= counter(SAM_COUNTER_PIN, "alice").last)
		usleep(50000);
}

/* ---- factors × levels ---- */

enum { CLEAR, CLEAR_PIN, SEALED, SEALED_PIN, SEALED_WRONG, FORMS };
enum { LEVEL_1, LEVEL_1_TWO, LEVEL_1_SEALED, LEVEL_2, LEVEL_3, LEVELS };

static char *form(const char *credential, int which)
{
	switch (which) {
	case CLEAR: return sad(credential, NULL);
	case CLEAR_PIN: return sad(credential, PIN);
	case SEALED: return encrypted(sad(credential, NULL));
	case SEALED_PIN: return encrypted(sad(credential, PIN));
	default: return encrypted(sad(credential, "correct-house"));
	}
}

static void set_level(int which)
{
	switch (which) {
	case LEVEL_1: break;
	case LEVEL_1_TWO: change_policy("\nsap:\n", "\nsap:\n  factors: 2\n"); break;
	case LEVEL_1_SEALED: change_policy("\nsap:\n", "\nsap:\n  encrypted: true\n"); break;
	case LEVEL_2: at_level(2, NULL); break;
	case LEVEL_3: at_level(3, NULL); break;
	}
}

START_TEST(factors_by_levels)
{
	static const enum sam_reason want[LEVELS][FORMS] = {
		[LEVEL_1] = {SAM_OK, SAM_SAD_CLAIMS, SAM_OK, SAM_OK, SAM_PIN_WRONG},
		[LEVEL_1_TWO] = {SAM_FACTORS, SAM_SAD_CLAIMS, SAM_FACTORS, SAM_OK, SAM_PIN_WRONG},
		[LEVEL_1_SEALED] = {SAM_SAD_CLEAR, SAM_SAD_CLAIMS, SAM_OK, SAM_OK, SAM_PIN_WRONG},
		[LEVEL_2] = {SAM_FACTORS, SAM_SAD_CLAIMS, SAM_FACTORS, SAM_OK, SAM_PIN_WRONG},
		[LEVEL_3] = {SAM_SAD_CLEAR, SAM_SAD_CLAIMS, SAM_FACTORS, SAM_OK, SAM_PIN_WRONG},
	};
	enrolled();
	set_level(_i);
	for (int i = 0; i < FORMS; i++) {
		enum sam_reason reason = present(form(NOBODYS, i));
		ck_assert_msg(reason == want[_i][i], "level %d, form %d: %s, not %s", _i, i, sam_reason_name(reason),
			      sam_reason_name(want[_i][i]));
		if (reason != SAM_OK) {
			ck_assert_str_eq(last_of("activate").reason, sam_reason_name(reason));
			continue;
		}
		ck_assert_uint_eq(last->factors, i == SEALED_PIN ? SAM_FACTOR_POSSESSION | SAM_FACTOR_KNOWLEDGE
								 : SAM_FACTOR_POSSESSION);
		ck_assert(last->encrypted == (i >= SEALED));
	}
}
END_TEST

START_TEST(two_factors_sign_at_every_level_and_are_recorded)
{
	enrolled();
	char *credential = new_key();
	if (_i > 1)
		at_level((unsigned)_i, NULL);
	is(present(form(credential, SEALED_PIN)), SAM_OK);
	is(sign(credential, last), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of("key-csr").line, "\"factors\":[\"possession\",\"knowledge\"]"));
	ck_assert_ptr_null(strstr(last_of("key-csr").line, PIN));
	is(sign(credential, last), SAM_DIGEST_USED);
}
END_TEST

START_TEST(a_token_keeps_what_its_sad_showed)
{
	char token[SAM_TOKEN_LEN + 1];
	enrolled();
	char *credential = new_key(), *one = form(credential, SEALED), *two = form(credential, SEALED_PIN);
	char *clear = form(credential, CLEAR);
	is(sam_exchange(sam, two, strlen(two), token), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of("sad-exchange").line, "\"factors\":[\"possession\",\"knowledge\"]"));
	char *strong = text("%s", token);
	is(sam_exchange(sam, one, strlen(one), token), SAM_OK);
	char *weak = text("%s", token);
	is(sam_exchange(sam, clear, strlen(clear), token), SAM_OK);
	is(present(weak), SAM_OK);
	at_level(_i, NULL);
	is(present(weak), SAM_FACTORS);
	is(present(token), SAM_FACTORS);
	is(present(strong), SAM_OK);
	ck_assert(last->encrypted);
	is(sign(credential, last), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of("key-csr").line, "\"factors\":[\"possession\",\"knowledge\"]"));
}
END_TEST

/* Given beforehand it must show what it must show when it is presented; it comes encrypted, or it shows no PIN. */
START_TEST(an_encrypted_sad_is_deposited_and_revoked)
{
	struct sam_deposited d;
	struct sam_msg msg;
	enrolled();
	char *credential = new_key();
	if (_i > 1)
		at_level((unsigned)_i, NULL);
	char *two = form(credential, SEALED_PIN), *one = form(credential, SEALED);
	is(sam_deposit(sam, two, strlen(two), &d, &msg), SAM_OK);
	ck_assert_str_eq(d.signer, "alice");
	ck_assert_str_eq(d.credential, credential);
	ck_assert_ptr_nonnull(strstr(last_of("sad-deposit").line, "\"factors\":[\"possession\",\"knowledge\"]"));
	is(sam_deposit(sam, one, strlen(one), &d, &msg), _i == 1 ? SAM_OK : SAM_FACTORS);
	is(sam_revoke(sam, two, strlen(two), &d, &msg), SAM_OK);
	is(sam_deposit(sam, two, strlen(two), &d, &msg), SAM_SAD_REVOKED);
	is(present(two), SAM_SAD_REVOKED);
	is(sam_deposit(sam, "alice:correct-horse", 19, &d, &msg), SAM_PIN_FORM);
}
END_TEST

START_TEST(what_the_policy_asks_for_now_counts)
{
	enrolled();
	char *credential = new_key();
	is(present(form(credential, SEALED_PIN)), SAM_OK);
	struct sam_activation *two = last;
	last = NULL;
	is(present(form(credential, CLEAR)), SAM_OK);
	at_level(_i, NULL);
	is(sign(credential, last), SAM_FACTORS);
	is(sign(credential, two), SAM_OK);
	sam_activation_release(two);
}
END_TEST

START_TEST(kinds_that_do_not_count_do_not)
{
	enrolled();
	change_policy("\nsap:\n", "\nsap:\n  kinds: [knowledge]\n");
	is(present(form(NOBODYS, CLEAR)), SAM_FACTORS);
	is(present(form(NOBODYS, SEALED_PIN)), SAM_OK);
}
END_TEST

START_TEST(a_pin_is_looked_at_only_after_the_signature)
{
	enrolled();
	struct device other = new_device();
	json_t *claims = frame("wrong-one");
	json_object_set_new(claims, "operation", json_string("sign"));
	char *forged = signed_by(&other, header(), claims);
	is(present(encrypted(forged)), SAM_SAD_SIGNATURE);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 0);
}
END_TEST

/* ---- wrong ones ---- */

START_TEST(wrong_pins_lock_the_pin_and_nothing_else)
{
	enrolled();
	change_policy("attempts: 5", "attempts: 2");
	char *credential = new_key();
	is(with_pin("first-wrong"), SAM_PIN_WRONG);
	is(with_pin("first-wrong"), SAM_PIN_WRONG); /* the same again counts once */
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 1);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN_KID, alice.kid).failures, 1);
	is(with_pin("second-wrong"), SAM_LOCKED);
	struct last lock = last_of("lock");
	ck_assert_str_eq(lock.signer, "alice");
	ck_assert_ptr_nonnull(strstr(lock.line, alice.kid));
	ck_assert_ptr_nonnull(strstr(lock.line, "the PIN"));
	is(with_pin(PIN), SAM_LOCKED);
	/* at level 1 the device key alone does, and the password */
	is(present(form(credential, CLEAR)), SAM_OK);
	is(sign(credential, last), SAM_OK);
	ck_assert_int_eq(counter(SAM_COUNTER_PASSWORD_P11, "alice").locked_until, 0);
	/* until officers end it: the device alone does not */
	refused(act_by_sad(order(&alice, "alice", "authenticator", "{'act':'unlock'}"), SAM_ACT_SIGNER_UNLOCK,
			   json("{'id':'alice'}")), SAM_NO_CHANGE);
	is(with_pin(PIN), SAM_LOCKED);
	refused(act("officer", "officer2", SAM_ACT_SIGNER_UNLOCK, "{'id':'bob'}"), SAM_NO_CHANGE);
	is(act("officer", "officer2", SAM_ACT_SIGNER_UNLOCK, "{'id':'alice'}"), SAM_OK);
	is(with_pin(PIN), SAM_OK);
}
END_TEST

START_TEST(a_lock_may_last_until_an_officer_ends_it)
{
	enrolled();
	change_policy("attempts: 5", "attempts: 1");
	change_policy("  time: ", "  time: officer #");
	is(with_pin("first-wrong"), SAM_LOCKED);
	ck_assert_int_eq(counter(SAM_COUNTER_PIN, "alice").locked_until, INT64_MAX);
	is(act("officer", "officer2", SAM_ACT_SIGNER_UNLOCK, "{'id':'alice'}"), SAM_OK);
	is(with_pin(PIN), SAM_OK);
}
END_TEST

START_TEST(after_the_second_wrong_one_the_next_waits)
{
	enrolled();
	is(with_pin("wrong-1"), SAM_PIN_WRONG);
	is(with_pin(PIN), SAM_OK); /* one mistype costs nothing, and the right one begins anew */
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 0);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN_KID, alice.kid).failures, 0);
	is(with_pin("wrong-2"), SAM_PIN_WRONG);
	is(with_pin("wrong-3"), SAM_PIN_WRONG);
	is(with_pin(PIN), SAM_PIN_WAIT); /* right or wrong is not told */
	is(with_pin("wrong-4"), SAM_PIN_WAIT);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 2);
	is(present(form(NOBODYS, CLEAR)), SAM_OK);
	wait_over();
	is(with_pin(PIN), SAM_OK);
}
END_TEST

struct guess {
	pthread_t thread;
	char pin[16];
	enum sam_reason reason;
};

static void *guess(void *arg)
{
	struct guess *g = arg;
	const struct sam_snapshot *s;
	if ((g->reason = sam_registry_get(sam->registry, &s)) != SAM_OK)
		return NULL;
	g->reason = sam_identify_pin(sam->registry, &sam->audit, s, sam_registry_signer(s, "alice"), alice.kid,
				     sam_clock_now(), g->pin, strlen(g->pin));
	sam_registry_put(s);
	return NULL;
}

/* Else each of them would be looked at before any is counted. */
START_TEST(many_at_once_wait_for_each_other)
{
	enum { MANY = 8 };
	struct guess guesses[MANY];
	unsigned wrong = 0, wait = 0;
	enrolled();
	is(with_pin("first-wrong"), SAM_PIN_WRONG);
	is(with_pin("second-wrong"), SAM_PIN_WRONG);
	wait_over();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(guesses[i].pin, sizeof guesses[i].pin, "wrong-%u", i);
		ck_assert_int_eq(pthread_create(&guesses[i].thread, NULL, guess, &guesses[i]), 0);
	}
	for (unsigned i = 0; i < MANY; i++) {
		pthread_join(guesses[i].thread, NULL);
		wrong += guesses[i].reason == SAM_PIN_WRONG;
		wait += guesses[i].reason == SAM_PIN_WAIT;
	}
	ck_assert_uint_eq(wrong, 1);
	ck_assert_uint_eq(wait, MANY - 1);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 3);
}
END_TEST

/* Who took one on its way, and has the device, does not guess on with it for ever. */
START_TEST(a_sad_of_before_begins_no_count_anew)
{
	enrolled();
	char *seen = encrypted(sad(NOBODYS, PIN));
	is(present(seen), SAM_OK);
	sleep(3); /* until its iat has passed */
	is(with_pin("wrong-1"), SAM_PIN_WRONG);
	is(present(seen), SAM_OK);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 1);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN_KID, alice.kid).failures, 1);
	is(with_pin(PIN), SAM_OK);
	ck_assert_uint_eq(counter(SAM_COUNTER_PIN, "alice").failures, 0);
}
END_TEST

START_TEST(a_wrong_pin_uses_nothing_up)
{
	enrolled();
	char *credential = new_key();
	json_t *claims = frame(NULL), *wrong;
	char hash[64];
	sam_encode_b64url(digest, sizeof digest, hash);
	json_object_set_new(claims, "authorization_details",
			    json("[{'type':'credential','credentialID':'%s','documentDigests':[{'hash':'%s'}],"
				 "'hashAlgorithmOID':'2.16.840.1.101.3.4.2.1'}]", credential, hash));
	wrong = json_deep_copy(claims);
	json_object_set_new(wrong, "pin", json_string("wrong-1"));
	json_object_set_new(claims, "pin", json_string(PIN));
	is(present(encrypted(signed_by(&alice, header(), wrong))), SAM_PIN_WRONG);
	is(present(encrypted(signed_by(&alice, header(), claims))), SAM_OK); /* the same jti */
	is(sign(credential, last), SAM_OK);
}
END_TEST

START_TEST(who_has_no_pin_has_no_right_one)
{
	enrolled();
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_OK);
	is(with_pin(PIN), SAM_PIN_WRONG);
}
END_TEST

START_TEST(a_source_that_guesses_on_is_alarmed_and_locks_nobody)
{
	char source[SAM_SOURCE_SIZE];
	enrolled();
	change_policy("attempts: 5", "attempts: 1");
	struct device other = new_device();
	char *forged = signed_by(&other, header(), frame(NULL));
	sam_identify_source(source);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(counter(SAM_COUNTER_FORGED_SOURCE, source).failures, (unsigned)i);
		is(present(forged), SAM_SAD_SIGNATURE);
		is(present(forged), SAM_SAD_SIGNATURE); /* at most one a second is counted */
		sam->registry->forged_ms = 0;
	}
	struct last alarm = last_of("guessing");
	ck_assert_ptr_nonnull(strstr(alarm.line, "\"alert\""));
	ck_assert_ptr_nonnull(strstr(alarm.line, source));
	ck_assert_ptr_nonnull(strstr(alarm.line, alice.kid));
	bool locked = true;
	is(sam_identify_locked(sam->registry, "alice", &locked), SAM_OK);
	ck_assert(!locked);
	is(present(form(NOBODYS, SEALED_PIN)), SAM_OK);
}
END_TEST

/* ---- another PIN ---- */

static char *pin_order(const char *old, const char *params)
{
	json_t *claims = frame(old);
	json_object_set_new(claims, "operation", json_string("pin"));
	json_object_set_new(claims, "operation_params", json("%s", params));
	return signed_by(&alice, header(), claims);
}

static enum sam_reason change_pin(const char *old, const char *fresh)
{
	return act_by_sad(encrypted(pin_order(old, text("{'new':'%s'}", fresh))), SAM_ACT_AUTHENTICATOR_PIN,
			  json("{'id':'alice'}"));
}

START_TEST(a_signer_changes_the_pin_with_the_old_one)
{
	enrolled();
	if (_i > 1)
		at_level((unsigned)_i, NULL);
	refused(change_pin(NULL, "another-horse"), SAM_SAD_CLAIMS);
	refused(change_pin("wrong-1", "another-horse"), SAM_PIN_WRONG);
	refused(change_pin(PIN, "aaaaaa"), SAM_PASSWORD_WEAK);
	refused(change_pin(PIN, PIN), SAM_PASSWORD_SAME);
	refused(change_pin(PIN, "abc"), SAM_SAD_CLAIMS);
	refused(act_by_sad(pin_order(PIN, "{'new':'another-horse'}"), SAM_ACT_AUTHENTICATOR_PIN, json("{'id':'alice'}")),
		SAM_SAD_CLAIMS); /* in clear */
	refused(act_by_sad(encrypted(pin_order(PIN, "{'new':'another-horse'}")), SAM_ACT_AUTHENTICATOR_PIN,
			   json("{'id':'bob'}")), SAM_SAD_FOREIGN);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_PIN, "{'id':'alice'}"), SAM_ROLE);
	is(change_pin(PIN, "another-horse"), SAM_OK);
	struct last l = last_of("authenticator-change");
	ck_assert_str_eq(l.actor, "alice");
	ck_assert_ptr_nonnull(strstr(l.line, "\"factors\":[\"possession\",\"knowledge\"]"));
	ck_assert_ptr_null(strstr(l.line, "horse"));
	is(with_pin(PIN), SAM_PIN_WRONG);
	sleep(2); /* the change is of that second */
	is(with_pin("another-horse"), SAM_OK);
}
END_TEST

/* Applications that log in know the one, and must not know the other (P1-3.5.2). */
START_TEST(the_service_password_does_not_become_the_pin)
{
	static const char service[] = "one-of-my-own-choice";
	char hash[SAM_PASSWORD_SIZE];
	enrolled();
	is(sam_password_make(sam->seal, service, strlen(service), hash, sizeof hash), SAM_OK);
	is(act("alice", NULL, SAM_ACT_SIGNER_PASSWD, "{'id':'alice','password':'%s'}", hash), SAM_OK);
	refused(change_pin(PIN, service), SAM_SECRET_SHARED);
	is(change_pin(PIN, "another-horse"), SAM_OK);
	/* nor the first that follows one that officers took away */
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_OK);
	refused(change_pin(NULL, service), SAM_SECRET_SHARED);
	is(change_pin(NULL, "third-horse"), SAM_OK);
}
END_TEST

/* Officers take it away and no more: the next one is set by the signer's device, and by nobody else. */
START_TEST(a_pin_that_officers_cleared_is_set_anew_by_the_device_alone)
{
	enrolled();
	at_level(2, NULL);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_OK);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','pin':'hash'}"), SAM_SIGNER_ALONE);
	refused(act_by_sad(pin_order(NULL, "{'new':'another-horse'}"), SAM_ACT_AUTHENTICATOR_PIN, json("{'id':'alice'}")),
		SAM_SAD_CLAIMS);
	refused(change_pin(PIN, "another-horse"), SAM_PIN_WRONG);
	is(change_pin(NULL, "another-horse"), SAM_OK);
	sleep(2);
	is(with_pin("another-horse"), SAM_OK);
	refused(change_pin(NULL, "third-horse"), SAM_SAD_CLAIMS);
}
END_TEST

START_TEST(who_never_had_a_pin_gets_the_first_from_officers)
{
	people();
	alice = enrol("alice");
	last = NULL;
	refused(change_pin(NULL, "another-horse"), SAM_SAD_CLAIMS);
	set_pin("alice", PIN);
	sleep(2);
	is(with_pin(PIN), SAM_OK);
}
END_TEST

/* ---- certificates ---- */

/* A CA, a certificate of it for that key, and one for it of a CA that nobody knows. */
static void certify(const struct device *d)
{
	char *path = text("%s/device.pem", cm_folder);
	FILE *file = fopen(path, "w");
	ck_assert(file && PEM_write_PrivateKey(file, d->pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(file);
	shell("cd %s && exec >openssl.log 2>&1; for ca in ca stranger; do openssl req -x509 -newkey ec -pkeyopt "
	      "ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -subj \"/CN=$ca\" -days 30 && "
	      "openssl req -new -key device.pem -subj /CN=Alice -out device.csr && openssl x509 -req -in device.csr -CA "
	      "$ca.pem -CAkey $ca.key -days 10 -out by-$ca.pem || exit 1; done", cm_folder);
}

static char *contents(const char *name)
{
	struct sam_secret file = {NULL, 0};
	is(sam_file_read(text("%s/%s", cm_folder, name), 65536, &file, NULL), SAM_OK);
	char *out = text("%.*s", (int)file.len, (char *)file.data);
	sam_secret_clear(&file);
	return out;
}

static void trust(const char *use)
{
	char *pem = contents("ca.pem"), *block = text("cas:\n  - name: identity cards\n    use: [%s]\n    certificate: |\n", use);
	for (char *line = strtok(pem, "\n"); line; line = strtok(NULL, "\n"))
		block = text("%s      %s\n", block, line);
	change_policy(NULL, block);
}

static enum sam_reason bind_certificate(const char *name)
{
	json_t *params = json("{'id':'alice'}");
	struct sam_actors actors = {.first = person("officer"), .second = person("officer2")};
	json_object_set_new(params, "certificate", json_string(contents(name)));
	enum sam_reason reason = sam_act_do(sam, &actors, SAM_ACT_AUTHENTICATOR_ADD, params, &outcome);
	json_decref(params);
	return reason;
}

/* Signed with the certificate's key; ${name} NULL: without x5c. */
static char *certified(const struct device *d, const char *name, bool kid)
{
	json_t *claims = json_loads("{}", 0, NULL), *head = json("{'typ':'sad+jwt'}");
	json_decref(claims);
	claims = frame(NULL);
	json_object_set_new(claims, "operation", json_string("suspend"));
	json_object_set_new(claims, "operation_params", json_object());
	if (kid)
		json_object_set_new(head, "kid", json_string(d->kid));
	if (name) {
		char *pem = contents(name), *inside = strstr(pem, "-----\n") + 6, *end = strstr(inside, "-----END");
		json_t *list = json_array();
		char der[4096] = "";
		for (; inside < end; inside++)
			if (*inside != '\n')
				strncat(der, inside, 1);
		json_array_append_new(list, json_string(der));
		json_object_set_new(head, "x5c", list);
	}
	return signed_by(d, head, claims);
}

static enum sam_reason suspend_by(const char *jws)
{
	return act_by_sad(jws, SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}"));
}

START_TEST(a_certificate_that_is_bound_counts_as_a_device_key)
{
	enrolled();
	struct device card = new_device();
	certify(&card);
	trust("certificates, authentication");
	refused(suspend_by(certified(&card, "by-ca.pem", false)), SAM_SAD_KEY_UNKNOWN);
	refused(bind_certificate("by-stranger.pem"), SAM_CERTIFICATE);
	refused(bind_certificate("ca.pem"), SAM_CERTIFICATE);
	is(bind_certificate("by-ca.pem"), SAM_OK);
	const struct sam_authenticator *bound = sam_registry_authenticator(snapshot(), card.kid);
	ck_assert_ptr_nonnull(bound);
	ck_assert_uint_eq(strlen(bound->certificate), 64);
	ck_assert_ptr_nonnull(strstr(last_of("authenticator-change").line, "CN=Alice"));
	/* it speaks only with its certificate, and that of a CA of the policy */
	refused(suspend_by(certified(&card, NULL, true)), SAM_SAD_CERTIFICATE);
	refused(suspend_by(certified(&card, "by-stranger.pem", false)), SAM_SAD_CERTIFICATE);
	refused(suspend_by(certified(&card, "ca.pem", false)), SAM_SAD_KEY_UNKNOWN);
	refused(suspend_by(certified(&alice, "by-ca.pem", false)), SAM_SAD_SIGNATURE);
	refused(suspend_by(certified(&alice, "by-ca.pem", true)), SAM_SAD_HEADER); /* another kid */
	is(suspend_by(certified(&card, "by-ca.pem", _i)), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of("signer-suspend").line, "\"factors\":[\"possession\"]"));
}
END_TEST

START_TEST(a_ca_for_another_use_vouches_for_no_sad)
{
	enrolled();
	struct device card = new_device();
	certify(&card);
	trust("certificates");
	refused(bind_certificate("by-ca.pem"), SAM_CERTIFICATE);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("factors");
	TCase *c = tcase_create("factors");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, done);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, factors_by_levels, 0, LEVELS);
	tcase_add_loop_test(c, two_factors_sign_at_every_level_and_are_recorded, 1, 4);
	tcase_add_loop_test(c, a_token_keeps_what_its_sad_showed, 2, 4);
	tcase_add_loop_test(c, an_encrypted_sad_is_deposited_and_revoked, 1, 4);
	tcase_add_loop_test(c, what_the_policy_asks_for_now_counts, 2, 4);
	tcase_add_test(c, kinds_that_do_not_count_do_not);
	tcase_add_test(c, a_pin_is_looked_at_only_after_the_signature);
	tcase_add_test(c, wrong_pins_lock_the_pin_and_nothing_else);
	tcase_add_test(c, a_lock_may_last_until_an_officer_ends_it);
	tcase_add_test(c, after_the_second_wrong_one_the_next_waits);
	tcase_add_test(c, many_at_once_wait_for_each_other);
	tcase_add_test(c, a_sad_of_before_begins_no_count_anew);
	tcase_add_test(c, a_wrong_pin_uses_nothing_up);
	tcase_add_test(c, who_has_no_pin_has_no_right_one);
	tcase_add_test(c, a_source_that_guesses_on_is_alarmed_and_locks_nobody);
	tcase_add_loop_test(c, a_signer_changes_the_pin_with_the_old_one, 1, 4);
	tcase_add_test(c, the_service_password_does_not_become_the_pin);
	tcase_add_test(c, a_pin_that_officers_cleared_is_set_anew_by_the_device_alone);
	tcase_add_test(c, who_never_had_a_pin_gets_the_first_from_officers);
	tcase_add_loop_test(c, a_certificate_that_is_bound_counts_as_a_device_key, 0, 2);
	tcase_add_test(c, a_ca_for_another_use_vouches_for_no_sad);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
