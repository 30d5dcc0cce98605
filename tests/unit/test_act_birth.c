/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys come to be and end where something is in the way: level 2's two people, a CM that fails or makes another key
 * than was asked for, a registry that moves meanwhile. Whatever fails leaves nothing in the CM.
 */
#define SAM_FIXTURE_MOCK
#include "key_fixture.h"

#include <pthread.h>
#include "admin/leftover.h"

static struct device alice;

static void enrolled(void)
{
	people();
	alice = enrol("alice");
}

static void mock(const char *rules)
{
	cm_write(cm_control, rules);
}

static char *an_order(void)
{
	return order(&alice, "alice", "generate", "{'type':'ec:P-256','label':'hers'}");
}

static enum sam_reason generate(const char *sad)
{
	return act_by_sad(sad, SAM_ACT_KEY_GENERATE, json("{'id':'alice'}"));
}

/* alice's, active */
static char *new_key(void)
{
	is(generate(an_order()), SAM_OK);
	return text("%s", outcome.credential);
}

/* ---- level 2 ---- */

static enum sam_reason by_officers(const char *second, const char *reference)
{
	return act("officer", second, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','label':'hers'%s%s%s}",
		   reference ? ",'reference':'" : "", reference ? reference : "", reference ? "'" : "");
}

START_TEST(above_level_1_two_officers_make_a_key_with_a_reference)
{
	enrolled();
	at_level(2, NULL);
	refused(by_officers("officer2", NULL), SAM_REFERENCE);
	refused(by_officers("officer2", ""), SAM_REFERENCE);
	refused(by_officers("officer", "ticket 7"), SAM_SECOND_PERSON);
	refused(by_officers("operator", "ticket 7"), SAM_SECOND_PERSON);
	refused(by_officers("auditor", "ticket 7"), SAM_SECOND_PERSON);
	ck_assert_uint_eq(in_cm(), 0);
	is(by_officers("officer2", "ticket 7"), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_KEY_GENERATE_LEVEL);
	const char *credential = text("%s", outcome.credential);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_INACTIVE);
	ck_assert_int_eq(key(credential)->origin, SAM_ORIGIN_CM);
	is(sam_key_fits(key(credential), 2), SAM_OK);
	struct last last = last_of("key-generate");
	ck_assert_str_eq(last.actor, "officer");
	ck_assert_ptr_nonnull(strstr(last.line, "ticket 7"));
	ck_assert_str_eq(last_of("confirm").actor, "officer2");
}
END_TEST

START_TEST(one_officer_begins_and_the_other_confirms)
{
	char id[SAM_PENDING_SIZE];
	enrolled();
	at_level(2, NULL);
	refused(by_officers(NULL, NULL), SAM_REFERENCE); /* at once, not when it is confirmed */
	is(by_officers(NULL, "ticket 7"), SAM_OK);
	ck_assert(outcome.pending);
	strcpy(id, outcome.id);
	ck_assert_uint_eq(in_cm(), 0); /* nothing is made before both have spoken */
	ck_assert_uint_eq(snapshot()->key_count, 0);
	struct sam_person first = person("officer"), second = person("officer2"), other = person("administrator");
	refused(sam_act_confirm(sam, &first, id, &outcome), SAM_SECOND_PERSON);
	refused(sam_act_confirm(sam, &other, id, &outcome), SAM_SECOND_PERSON);
	ck_assert_uint_eq(in_cm(), 0);
	is(sam_act_confirm(sam, &second, id, &outcome), SAM_OK);
	ck_assert_uint_eq(in_cm(), 1);
	ck_assert_uint_eq(snapshot()->key_count, 1);
	ck_assert_int_eq(snapshot()->keys[0].life, SAM_LIFE_INACTIVE);
	ck_assert_ptr_nonnull(strstr(last_of("key-generate").line, "ticket 7"));
	refused(sam_act_confirm(sam, &second, id, &outcome), SAM_NOT_FOUND);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

/* What was proposed at level 1 needs no second there; the level of then counts, not of before. */
START_TEST(the_level_of_the_moment_counts)
{
	enrolled();
	is(by_officers(NULL, NULL), SAM_OK);
	ck_assert(!outcome.pending);
	ck_assert_int_eq(outcome.act, SAM_ACT_KEY_GENERATE);
	at_level(2, NULL);
	is(by_officers(NULL, "ticket 8"), SAM_OK);
	ck_assert(outcome.pending);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

START_TEST(a_renewal_above_level_1_takes_two_and_a_reference_too)
{
	enrolled();
	const char *credential = new_key();
	at_level(2, NULL);
	refused(act("officer", "officer2", SAM_ACT_KEY_RENEW, "{'key':'%s'}", credential), SAM_REFERENCE);
	is(act("officer", NULL, SAM_ACT_KEY_RENEW, "{'key':'%s','reference':'t'}", credential), SAM_OK);
	ck_assert(outcome.pending);
	is(act("officer", "officer2", SAM_ACT_KEY_RENEW, "{'key':'%s','reference':'t'}", credential), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_KEY_RENEW_LEVEL);
	ck_assert_int_eq(key(outcome.credential)->life, SAM_LIFE_INACTIVE);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_ACTIVE); /* until the new one is activated */
	ck_assert_uint_eq(in_cm(), 2);
}
END_TEST

/* Until a SAD has two factors, no signer's SAD does anything there. */
START_TEST(above_level_1_a_sad_of_one_factor_orders_nothing)
{
	enrolled();
	const char *credential = new_key();
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	const char *waiting = text("%s", outcome.credential), *print = thumbprint(waiting);
	at_level(2, NULL);
	refused(generate(an_order()), SAM_FACTORS);
	refused(act_by_sad(order(&alice, "alice", "activate",
				 text("{'credentialID':'%s','thumbprint':'%s'}", waiting, print)),
			   SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", waiting)), SAM_FACTORS);
	static const struct {
		enum sam_act act;
		const char *operation;
	} others[] = {{SAM_ACT_KEY_SUSPEND, "suspend"}, {SAM_ACT_KEY_RESUME, "resume"}, {SAM_ACT_KEY_REVOKE, "revoke"},
		      {SAM_ACT_KEY_DESTROY, "destroy"}};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		refused(act_by_sad(order(&alice, "alice", others[i].operation,
					 text("{'credentialID':'%s','reason':'r'}", credential)),
				   others[i].act, json("{'key':'%s'}", credential)), SAM_FACTORS);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_ACTIVE);
	ck_assert_int_eq(key(waiting)->life, SAM_LIFE_INACTIVE);
	ck_assert_uint_eq(in_cm(), 2);
}
END_TEST

START_TEST(a_cm_that_is_not_on_the_list_makes_no_key)
{
	enrolled();
	at_level(2, "0.0");
	refused(by_officers("officer2", "ticket 7"), SAM_CM_UNAPPROVED);
	ck_assert_ptr_nonnull(strstr(outcome.msg.text, "SoftHSM"));
	refused(by_officers(NULL, "ticket 7"), SAM_CM_UNAPPROVED); /* nor does it wait */
	ck_assert_uint_eq(in_cm(), 0);
	ck_assert_uint_eq(snapshot()->pending_count, 0);
}
END_TEST

/* ---- a CM that fails, or makes another key ---- */

START_TEST(a_cm_that_makes_none_uses_nothing_up)
{
	enrolled();
	const char *sad = an_order();
	mock("C_GenerateKeyPair fail 0x31\n");
	refused(generate(sad), SAM_CM_FAILED);
	ck_assert_uint_eq(snapshot()->key_count, 0);
	mock("");
	ck_assert_uint_eq(in_cm(), 0);
	is(generate(sad), SAM_OK);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

/* CKA_SIGN, CKA_DECRYPT, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_UNWRAP, CKA_DERIVE: as the template says, or it goes. */
START_TEST(a_key_that_reads_back_otherwise_is_destroyed)
{
	static const unsigned types[] = {0x108, 0x105, 0x103, 0x162, 0x107, 0x10c};
	enrolled();
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		mock(text("C_GetAttributeValue flip %#x\n", types[i]));
		enum sam_reason reason = generate(an_order());
		mock("");
		ck_assert_msg(reason != SAM_OK, "attribute %#x", types[i]);
		ck_assert_str_eq(last_of(NULL).reason, sam_reason_name(reason));
		ck_assert_uint_eq(in_cm(), 0);
		ck_assert_uint_eq(snapshot()->key_count, 0);
	}
}
END_TEST

/* A CM that does not know CKA_ALWAYS_SENSITIVE has not shown what the key has been. */
START_TEST(a_birth_that_is_not_shown_is_for_level_1_alone)
{
	enrolled();
	mock("C_GetAttributeValue hide 0x165\n");
	is(generate(an_order()), SAM_OK);
	mock("");
	ck_assert_int_eq(key(outcome.credential)->origin, SAM_ORIGIN_CM_UNPROVEN);
	is(sam_key_fits(key(outcome.credential), 1), SAM_OK);
	is(sam_key_fits(key(outcome.credential), 2), SAM_KEY_LEVEL);
	at_level(2, NULL);
	mock("C_GetAttributeValue hide 0x165\n");
	refused(by_officers("officer2", "ticket 7"), SAM_KEY_ORIGIN);
	mock("");
	ck_assert_uint_eq(in_cm(), 1);
	ck_assert_uint_eq(snapshot()->key_count, 1);
}
END_TEST

/* And one that says of CKA_LOCAL, CKA_NEVER_EXTRACTABLE or CKA_ALWAYS_SENSITIVE that they are not so has made none. */
START_TEST(a_birth_elsewhere_is_for_no_level)
{
	static const unsigned types[] = {0x163, 0x164, 0x165};
	enrolled();
	for (unsigned level = 1; level <= 2; level++) {
		if (level == 2)
			at_level(2, NULL);
		for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
			mock(text("C_GetAttributeValue flip %#x\n", types[i]));
			ck_assert_int_ne(by_officers(level == 2 ? "officer2" : NULL, "ticket 7"), SAM_OK);
			mock("");
			ck_assert_uint_eq(in_cm(), 0);
			ck_assert_uint_eq(snapshot()->key_count, 0);
		}
	}
}
END_TEST

/* ---- the registry moves ---- */

struct racer {
	pthread_t thread;
	const char *sad;
	json_t *params;
	enum sam_reason reason;
	struct sam_outcome outcome;
};

static void *run_act(void *arg)
{
	struct racer *r = arg;
	struct sam_actors actors = {.sad = r->sad, .sad_len = strlen(r->sad)};
	r->reason = sam_act_do(sam, &actors, SAM_ACT_KEY_GENERATE, r->params, &r->outcome);
	return NULL;
}

/* The CM takes its time for it. */
static void start_slowly(struct racer *r, const char *rules)
{
	*r = (struct racer){.sad = an_order(), .params = json("{'id':'alice'}")};
	keep(KEPT_JSON, r->params);
	mock(rules);
	ck_assert_int_eq(pthread_create(&r->thread, NULL, run_act, r), 0);
	usleep(300000);
}

/* Once only: a second call would fail. */
START_TEST(a_key_made_while_the_registry_moved_is_kept)
{
	struct racer r;
	enrolled();
	start_slowly(&r, "C_GenerateKeyPair delay 1500 1\nC_GenerateKeyPair fail 0x30 9 1\n");
	is(act("officer", NULL, SAM_ACT_SIGNER_ADD, "{'id':'carol'}"), SAM_OK);
	pthread_join(r.thread, NULL);
	mock("");
	is(r.reason, SAM_OK);
	ck_assert_uint_eq(in_cm(), 1);
	ck_assert_int_eq(key(r.outcome.credential)->life, SAM_LIFE_ACTIVE);
	ck_assert_ptr_nonnull(sam_registry_signer(snapshot(), "carol"));
	is(sam_cm_key_present(sam->cm, key(r.outcome.credential)->cm_id, key(r.outcome.credential)->attributes), SAM_OK);
}
END_TEST

static void what_stops_it(int i)
{
	switch (i) {
	case 0: is(act("officer", "officer2", SAM_ACT_SIGNER_REMOVE, "{'id':'alice'}"), SAM_OK); break;
	case 1: is(act("officer", NULL, SAM_ACT_SIGNER_SUSPEND, "{'id':'alice'}"), SAM_OK); break;
	case 2: is(act("officer", "officer2", SAM_ACT_CM_DISABLE, "{}"), SAM_OK); break;
	case 3: is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}", alice.kid), SAM_OK);
		break;
	default: at_level(2, NULL); break;
	}
}

/* Its signer is gone, or the CM was disabled, or …: what was made for nothing goes again. */
START_TEST(a_key_whose_act_fails_after_all_is_destroyed)
{
	static const enum sam_reason why[] = {SAM_SAD_KEY_UNKNOWN, SAM_SIGNER_SUSPENDED, SAM_CM_DISABLED,
					      SAM_SAD_KEY_UNKNOWN, SAM_FACTORS};
	struct racer r;
	enrolled();
	start_slowly(&r, "C_GenerateKeyPair delay 1500 1\n");
	what_stops_it(_i);
	pthread_join(r.thread, NULL);
	mock("");
	if (_i == 1) /* the change is before the suspension is looked at */
		ck_assert(r.reason == SAM_SIGNER_SUSPENDED || r.reason == SAM_SAD_OLD);
	else
		is(r.reason, why[_i]);
	ck_assert_str_eq(r.outcome.credential, "");
	ck_assert_uint_eq(snapshot()->key_count, 0);
	ck_assert_uint_eq(in_cm(), 0);
	ck_assert_str_eq(last_of("admin-refused").reason, sam_reason_name(r.reason));
}
END_TEST

/* Two with one SAD, both in the CM already: one stays. */
START_TEST(of_two_births_by_one_sad_one_is_undone)
{
	struct racer r[2];
	enrolled();
	start_slowly(&r[0], "C_GenerateKeyPair delay 1000\n");
	r[1] = r[0];
	ck_assert_int_eq(pthread_create(&r[1].thread, NULL, run_act, &r[1]), 0);
	pthread_join(r[0].thread, NULL);
	pthread_join(r[1].thread, NULL);
	mock("");
	ck_assert((r[0].reason == SAM_OK) != (r[1].reason == SAM_OK));
	is(r[0].reason == SAM_OK ? r[1].reason : r[0].reason, SAM_DIGEST_USED);
	ck_assert_uint_eq(in_cm(), 1);
	ck_assert_uint_eq(snapshot()->key_count, 1);
}
END_TEST

/* ---- the end, and a CM that does not destroy ---- */

static size_t leftover(void)
{
	size_t left = 99;
	is(sam_leftover_destroy(sam, NULL, &left), SAM_OK);
	return left;
}

START_TEST(what_the_cm_does_not_destroy_is_dead_and_tried_again)
{
	enrolled();
	const char *credential = new_key();
	mock("C_DestroyObject fail 0x30\n");
	is(act("officer", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", credential), SAM_OK);
	ck_assert_ptr_nonnull(strstr(outcome.msg.text, "samctl maintain"));
	is(sam_key_usable(key(credential), sam_clock_now()), SAM_KEY_REVOKED);
	ck_assert_str_ne(last_of("key-destroy").outcome, "success");
	ck_assert_uint_eq(leftover(), 1);
	ck_assert_uint_eq(in_cm(), 1);
	mock("");
	ck_assert_uint_eq(leftover(), 0);
	ck_assert_uint_eq(in_cm(), 0);
	ck_assert_ptr_null(key(credential));
	ck_assert(!sam_registry_tombstone(snapshot(), credential)->in_cm);
	struct last last = last_of("key-destroy");
	ck_assert_str_eq(last.outcome, "success");
	ck_assert_ptr_nonnull(strstr(last.line, credential));
	struct last before = last_of(NULL);
	ck_assert_uint_eq(leftover(), 0); /* once it is gone there is nothing to record */
	ck_assert_uint_eq(last_of(NULL).seq, before.seq);
}
END_TEST

/* The CM says no and has done it: what counts is whether it is gone. */
START_TEST(a_destroyed_key_is_buried_whatever_the_cm_says)
{
	enrolled();
	const char *credential = new_key();
	mock("C_DestroyObject after 0x30\n");
	is(act("officer", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", credential), SAM_OK);
	mock("");
	ck_assert_uint_eq(leftover(), 0);
	ck_assert_ptr_null(key(credential));
	ck_assert_uint_eq(in_cm(), 0);
}
END_TEST

START_TEST(the_keys_of_a_removed_signer_are_tried_again_too)
{
	enrolled();
	const char *one = new_key(), *two = new_key();
	mock("C_DestroyObject fail 0x30\n");
	is(act("officer", "officer2", SAM_ACT_SIGNER_REMOVE, "{'id':'alice'}"), SAM_OK);
	ck_assert_ptr_null(key(one));
	ck_assert(sam_registry_tombstone(snapshot(), one)->in_cm && sam_registry_tombstone(snapshot(), two)->in_cm);
	ck_assert_uint_eq(leftover(), 2);
	mock("");
	ck_assert_uint_eq(leftover(), 0);
	ck_assert_uint_eq(in_cm(), 0);
	ck_assert(!sam_registry_tombstone(snapshot(), one)->in_cm && !sam_registry_tombstone(snapshot(), two)->in_cm);
	is(sam_store_check(sam->store, NULL), SAM_OK);
}
END_TEST

/* ---- C_GenerateKeyPair's end of the waist ---- */

static struct sam_activation *present(const char *pin)
{
	const struct sam_login nobody = {.name = ""};
	struct sam_login login;
	struct sam_activation *a = NULL;
	is(sam_login(sam, SAM_LOGIN_USER, NULL, pin, strlen(pin), &nobody, &login, &a), SAM_OK);
	ck_assert_str_eq(login.name, "alice");
	ck_assert_ptr_nonnull(a);
	return a;
}

START_TEST(an_application_has_made_what_the_sad_orders)
{
	const struct sam_login login = {.name = "alice", .role = SAM_ROLE_SIGNER}, nobody = {.name = ""},
			       bob = {.name = "bob", .role = SAM_ROLE_SIGNER};
	struct sam_new_key what = {.type = SAM_KEY_EC, .bits = 256};
	char token[SAM_TOKEN_LEN + 1], credential[SAM_CREDENTIAL_SIZE];
	enrolled();
	const char *first = an_order(), *second = an_order();
	is(sam_exchange(sam, second, strlen(second), token), SAM_OK);
	struct sam_activation *both[] = {present(first), present(token)};
	is(sam_generate(sam, &login, NULL, 0, &what, credential), SAM_NO_ACTIVATION);
	is(sam_generate(sam, &nobody, both, 2, &what, credential), SAM_NO_ACTIVATION);
	is(sam_generate(sam, &bob, both, 2, &what, credential), SAM_NO_ACTIVATION);
	what.bits = 384;
	is(sam_generate(sam, &login, both, 2, &what, credential), SAM_SAD_PARAMS);
	what.bits = 256;
	strcpy(what.label, "another");
	is(sam_generate(sam, &login, both, 2, &what, credential), SAM_SAD_PARAMS);
	ck_assert_uint_eq(in_cm(), 0);
	strcpy(what.label, "hers");
	is(sam_generate(sam, &login, both, 2, &what, credential), SAM_OK);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_ACTIVE);
	what.label[0] = '\0';
	is(sam_generate(sam, &login, both, 2, &what, credential), SAM_OK); /* what is used up makes way */
	ck_assert_str_eq(key(credential)->label, "hers");
	is(sam_generate(sam, &login, both, 2, &what, credential), SAM_DIGEST_USED);
	ck_assert_str_eq(credential, "");
	ck_assert_uint_eq(in_cm(), 2);
	sam_activation_release(both[0]);
	sam_activation_release(both[1]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("act_birth");
	TCase *c = tcase_create("act_birth");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, above_level_1_two_officers_make_a_key_with_a_reference);
	tcase_add_test(c, one_officer_begins_and_the_other_confirms);
	tcase_add_test(c, the_level_of_the_moment_counts);
	tcase_add_test(c, a_renewal_above_level_1_takes_two_and_a_reference_too);
	tcase_add_test(c, above_level_1_a_sad_of_one_factor_orders_nothing);
	tcase_add_test(c, a_cm_that_is_not_on_the_list_makes_no_key);
	tcase_add_test(c, a_cm_that_makes_none_uses_nothing_up);
	tcase_add_test(c, a_key_that_reads_back_otherwise_is_destroyed);
	tcase_add_test(c, a_birth_that_is_not_shown_is_for_level_1_alone);
	tcase_add_test(c, a_birth_elsewhere_is_for_no_level);
	tcase_add_test(c, a_key_made_while_the_registry_moved_is_kept);
	tcase_add_loop_test(c, a_key_whose_act_fails_after_all_is_destroyed, 0, 5);
	tcase_add_test(c, of_two_births_by_one_sad_one_is_undone);
	tcase_add_test(c, what_the_cm_does_not_destroy_is_dead_and_tried_again);
	tcase_add_test(c, a_destroyed_key_is_buried_whatever_the_cm_says);
	tcase_add_test(c, the_keys_of_a_removed_signer_are_tried_again_too);
	tcase_add_test(c, an_application_has_made_what_the_sad_orders);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
