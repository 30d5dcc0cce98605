/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A key's life as a table: which act is done in which state, and by whom; what is refused changes nothing.
 */
#include "key_fixture.h"

static struct device alice, bob;

static void enrolled(void)
{
	people();
	alice = enrol("alice");
	bob = enrol("bob");
}

static const struct {
	enum sam_act act;
	const char *operation;
	enum sam_life to;
} acts[] = {
	{SAM_ACT_KEY_ACTIVATE, "activate", SAM_LIFE_ACTIVE},
	{SAM_ACT_KEY_SUSPEND, "suspend", SAM_LIFE_SUSPENDED},
	{SAM_ACT_KEY_RESUME, "resume", SAM_LIFE_ACTIVE},
	{SAM_ACT_KEY_REVOKE, "revoke", SAM_LIVES}, /* it is gone */
	{SAM_ACT_KEY_DESTROY, "destroy", SAM_LIVES},
};
enum { ACTS = sizeof acts / sizeof acts[0] };

/* What each gives in each state: inactive, active, suspended, revoked (the CM has not let go of it yet). */
static const enum sam_reason answers[ACTS][SAM_LIVES] = {
	{SAM_OK, SAM_KEY_STATE, SAM_KEY_STATE, SAM_KEY_STATE},
	{SAM_KEY_STATE, SAM_OK, SAM_NO_CHANGE, SAM_KEY_STATE},
	{SAM_KEY_STATE, SAM_NO_CHANGE, SAM_OK, SAM_KEY_STATE},
	{SAM_OK, SAM_OK, SAM_OK, SAM_NO_CHANGE},
	{SAM_OK, SAM_OK, SAM_OK, SAM_OK},
};

/* A key of alice's in that state, put there by hand. */
static char *key_in(enum sam_life life)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_edit edit;
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	char *credential = text("%s", outcome.credential);
	struct sam_key k = *key(credential);
	k.life = life;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_key(&edit, &k), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	return credential;
}

static enum sam_life life_of(const char *credential)
{
	return key(credential) ? key(credential)->life : SAM_LIVES;
}

static char *sad_for(const struct device *d, const char *who, size_t i, const char *credential)
{
	return order(d, who, acts[i].operation, acts[i].act == SAM_ACT_KEY_ACTIVATE
		     ? text("{'credentialID':'%s','thumbprint':'%s'}", credential, thumbprint(credential))
		     : text("{'credentialID':'%s','reason':'r'}", credential));
}

static enum sam_reason by_signer(size_t i, const char *credential)
{
	return act_by_sad(sad_for(&alice, "alice", i, credential), acts[i].act, json("{'key':'%s'}", credential));
}

static enum sam_reason by_officers(size_t i, const char *credential)
{
	return act("officer", acts[i].act == SAM_ACT_KEY_SUSPEND || acts[i].act == SAM_ACT_KEY_REVOKE ? NULL : "officer2",
		   acts[i].act, "{'key':'%s','reason':'r'}", credential);
}

START_TEST(each_act_in_each_state_by_the_signer)
{
	enrolled();
	for (size_t i = 0; i < ACTS; i++) {
		const enum sam_life was = (enum sam_life)_i;
		const char *credential = key_in(was);
		const enum sam_reason want = answers[i][was], got = by_signer(i, credential);
		ck_assert_msg(got == want, "%s a key that is %s: %s", acts[i].operation, sam_life_name(was),
			      sam_reason_name(got));
		ck_assert_int_eq(life_of(credential), want == SAM_OK ? acts[i].to : was);
		if (want != SAM_OK)
			refused(got, want);
	}
}
END_TEST

START_TEST(each_act_in_each_state_by_officers)
{
	enrolled();
	for (size_t i = 1; i < ACTS; i++) { /* activating is the signer's */
		const enum sam_life was = (enum sam_life)_i;
		const char *credential = key_in(was);
		const enum sam_reason want = answers[i][was], got = by_officers(i, credential);
		ck_assert_msg(got == want, "%s a key that is %s: %s", acts[i].operation, sam_life_name(was),
			      sam_reason_name(got));
		ck_assert_int_eq(life_of(credential), want == SAM_OK ? acts[i].to : was);
	}
}
END_TEST

/* Who may begin it alone (1), or with a second (2): by the issue, written out, not read from acts.def. */
static const struct {
	const char *who, *may; /* activate, suspend, resume, revoke, destroy */
} actors[] = {
	{"officer", "-1212"}, {"operator", "-1--2"}, {"ra", "-1-1-"}, {"ca", "-1-1-"},
	{"administrator", "-----"}, {"auditor", "-----"}, {"sca", "-----"}, {"alice", "-----"}, {"bob", "-----"},
};

START_TEST(each_act_by_each_actor_alone)
{
	static const enum sam_life ready[ACTS] = {SAM_LIFE_INACTIVE, SAM_LIFE_ACTIVE, SAM_LIFE_SUSPENDED, SAM_LIFE_ACTIVE,
						  SAM_LIFE_ACTIVE};
	const char *keys[ACTS] = {NULL};
	enrolled();
	for (size_t a = 0; a < sizeof actors / sizeof actors[0]; a++) {
		for (size_t i = 0; i < ACTS; i++) {
			if (!keys[i] || life_of(keys[i]) != ready[i]) /* the last one did something to it */
				keys[i] = key_in(ready[i]);
			const char *credential = keys[i], may = actors[a].may[i];
			enum sam_reason got = act(actors[a].who, NULL, acts[i].act, "{'key':'%s','reason':'r'}", credential);
			if (may == '-')
				refused(got, SAM_ROLE);
			else
				ck_assert_msg(got == SAM_OK && outcome.pending == (may == '2'), "%s by %s: %s",
					      acts[i].operation, actors[a].who, sam_reason_name(got));
			ck_assert_int_eq(life_of(credential), may == '1' ? acts[i].to : ready[i]);
			if (outcome.pending) { /* places are few */
				struct sam_person self = person(actors[a].who);
				char id[SAM_PENDING_SIZE];
				strcpy(id, outcome.id);
				is(sam_act_cancel(sam, &self, id, &outcome), SAM_OK);
			}
		}
	}
}
END_TEST

START_TEST(each_act_by_each_second_person)
{
	enrolled();
	for (size_t a = 0; a < sizeof actors / sizeof actors[0]; a++) {
		const char *one = key_in(SAM_LIFE_SUSPENDED), *two = key_in(SAM_LIFE_ACTIVE);
		const bool resumes = strcmp(actors[a].who, "officer") == 0, ends = resumes || strcmp(actors[a].who, "operator") == 0;
		enum sam_reason got = act("officer2", actors[a].who, SAM_ACT_KEY_RESUME, "{'key':'%s'}", one);
		if (resumes)
			is(got, SAM_OK);
		else
			refused(got, SAM_SECOND_PERSON);
		got = act("officer2", actors[a].who, SAM_ACT_KEY_DESTROY, "{'key':'%s'}", two);
		if (ends)
			is(got, SAM_OK);
		else
			refused(got, SAM_SECOND_PERSON);
		ck_assert_int_eq(life_of(one), resumes ? SAM_LIFE_ACTIVE : SAM_LIFE_SUSPENDED);
		ck_assert_int_eq(life_of(two), ends ? SAM_LIVES : SAM_LIFE_ACTIVE);
	}
	const char *last = key_in(SAM_LIFE_ACTIVE);
	refused(act("officer2", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", last), SAM_SECOND_PERSON);
}
END_TEST

/* Another signer's SAD, one for another act, one for another key, one taken already. */
START_TEST(only_the_signers_own_sad_for_this_very_act_and_key)
{
	static const enum sam_life ready[ACTS] = {SAM_LIFE_INACTIVE, SAM_LIFE_ACTIVE, SAM_LIFE_SUSPENDED, SAM_LIFE_ACTIVE,
						  SAM_LIFE_ACTIVE};
	enrolled();
	for (size_t i = 0; i < ACTS; i++) {
		const char *credential = key_in(ready[i]), *other = key_in(ready[i]);
		refused(act_by_sad(sad_for(&bob, "bob", i, credential), acts[i].act, json("{'key':'%s'}", credential)),
			SAM_SAD_FOREIGN);
		refused(act_by_sad(sad_for(&bob, "alice", i, credential), acts[i].act, json("{'key':'%s'}", credential)),
			SAM_SAD_KEY_UNKNOWN);
		refused(act_by_sad(sad_for(&alice, "alice", (i + 1) % ACTS, credential), acts[i].act,
				   json("{'key':'%s'}", credential)), SAM_SAD_OPERATION);
		refused(act_by_sad(sad_for(&alice, "alice", i, other), acts[i].act, json("{'key':'%s'}", credential)),
			SAM_SAD_PARAMS);
		refused(by_signer(i, credential) == SAM_OK ? act("ra", NULL, acts[i].act, "{'key':'%032d'}", 0) : SAM_INTERNAL,
			acts[i].act == SAM_ACT_KEY_SUSPEND || acts[i].act == SAM_ACT_KEY_REVOKE ? SAM_NOT_FOUND : SAM_ROLE);
		ck_assert_int_eq(life_of(credential), acts[i].to);
		ck_assert_int_eq(life_of(other), ready[i]);
	}
}
END_TEST

START_TEST(an_order_acts_once)
{
	enrolled();
	const char *credential = key_in(SAM_LIFE_ACTIVE);
	const char *suspend = sad_for(&alice, "alice", 1, credential), *resume = sad_for(&alice, "alice", 2, credential);
	is(act_by_sad(suspend, SAM_ACT_KEY_SUSPEND, json("{'key':'%s'}", credential)), SAM_OK);
	is(act_by_sad(resume, SAM_ACT_KEY_RESUME, json("{'key':'%s'}", credential)), SAM_OK);
	refused(act_by_sad(suspend, SAM_ACT_KEY_SUSPEND, json("{'key':'%s'}", credential)), SAM_DIGEST_USED);
	ck_assert_int_eq(life_of(credential), SAM_LIFE_ACTIVE);
	is(by_signer(1, credential), SAM_OK);
	refused(act_by_sad(resume, SAM_ACT_KEY_RESUME, json("{'key':'%s'}", credential)), SAM_DIGEST_USED);
	ck_assert_int_eq(life_of(credential), SAM_LIFE_SUSPENDED);
	/* one that was refused is not used up */
	const char *again = sad_for(&alice, "alice", 1, credential);
	refused(act_by_sad(again, SAM_ACT_KEY_SUSPEND, json("{'key':'%s'}", credential)), SAM_NO_CHANGE);
	is(by_signer(2, credential), SAM_OK);
	is(act_by_sad(again, SAM_ACT_KEY_SUSPEND, json("{'key':'%s'}", credential)), SAM_OK);
}
END_TEST

START_TEST(a_revocation_says_why)
{
	enrolled();
	const char *credential = key_in(SAM_LIFE_ACTIVE);
	refused(act("officer", NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s'}", credential), SAM_ARGUMENTS);
	refused(act("officer", NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s','reason':''}", credential), SAM_ARGUMENTS);
	ck_assert_ptr_nonnull(strstr(outcome.msg.text, "--reason"));
	refused(act_by_sad(order(&alice, "alice", "revoke", text("{'credentialID':'%s'}", credential)), SAM_ACT_KEY_REVOKE,
			   json("{'key':'%s'}", credential)), SAM_ARGUMENTS);
	refused(act_by_sad(order(&alice, "alice", "revoke", text("{'credentialID':'%s','reason':''}", credential)),
			   SAM_ACT_KEY_REVOKE, json("{'key':'%s'}", credential)), SAM_ARGUMENTS);
	ck_assert_int_eq(life_of(credential), SAM_LIFE_ACTIVE);
	is(by_signer(3, credential), SAM_OK);
	struct last last = last_of("key-revoke");
	ck_assert_str_eq(last.actor, "alice");
	ck_assert_ptr_nonnull(strstr(last.line, "\"detail\":\"r\""));
}
END_TEST

/* Who waits with an act finds the key as it is then. */
START_TEST(what_waited_is_looked_at_again)
{
	char id[SAM_PENDING_SIZE];
	enrolled();
	const char *credential = key_in(SAM_LIFE_SUSPENDED);
	is(act("officer", NULL, SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_OK);
	strcpy(id, outcome.id);
	is(by_signer(3, credential), SAM_OK); /* revoked meanwhile */
	struct sam_person second = person("officer2");
	enum sam_reason got = sam_act_confirm(sam, &second, id, &outcome);
	ck_assert_msg(got != SAM_OK, "resumed after it was revoked");
	ck_assert_int_eq(life_of(credential), SAM_LIVES);
	const char *other = key_in(SAM_LIFE_ACTIVE);
	is(act("operator", NULL, SAM_ACT_KEY_DESTROY, "{'key':'%s'}", other), SAM_OK);
	strcpy(id, outcome.id);
	is(by_signer(1, other), SAM_OK); /* suspended: it may be destroyed all the same */
	is(sam_act_confirm(sam, &second, id, &outcome), SAM_OK);
	ck_assert_int_eq(life_of(other), SAM_LIVES);
}
END_TEST

/* Suspending and resuming end what was authorised before; activating authorises nothing that was. */
START_TEST(a_change_has_a_time)
{
	enrolled();
	const char *credential = key_in(SAM_LIFE_INACTIVE);
	const int64_t before = sam_clock_now();
	is(by_signer(0, credential), SAM_OK);
	is(by_signer(1, credential), SAM_OK);
	ck_assert_int_ge(key(credential)->changed, before);
	const int64_t suspended = key(credential)->changed;
	is(by_signer(2, credential), SAM_OK);
	ck_assert_int_ge(key(credential)->changed, suspended);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("act_life");
	TCase *c = tcase_create("act_life");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, each_act_in_each_state_by_the_signer, 0, SAM_LIVES);
	tcase_add_loop_test(c, each_act_in_each_state_by_officers, 0, SAM_LIVES);
	tcase_add_test(c, each_act_by_each_actor_alone);
	tcase_add_test(c, each_act_by_each_second_person);
	tcase_add_test(c, only_the_signers_own_sad_for_this_very_act_and_key);
	tcase_add_test(c, an_order_acts_once);
	tcase_add_test(c, a_revocation_says_why);
	tcase_add_test(c, what_waited_is_looked_at_again);
	tcase_add_test(c, a_change_has_a_time);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
