/* SPDX-License-Identifier: BSD-3-Clause
 *
 * act.h about keys: who has one made, for whom, and its life from `activate` to the end.
 */
#include "key_fixture.h"

#include <pthread.h>
#include "admin/leftover.h"
#include "base/encode.h"

static struct device alice, bob;

static void enrolled(void)
{
	people();
	alice = enrol("alice");
	bob = enrol("bob");
}

/* ---- words ---- */

static enum sam_reason by_sad(const struct device *d, const char *who, enum sam_act what, const char *operation,
			      const char *params, json_t *of)
{
	return act_by_sad(order(d, who, operation, params), what, of);
}

static enum sam_reason generate_by_sad(const struct device *d, const char *who, const char *type, const char *label)
{
	return by_sad(d, who, SAM_ACT_KEY_GENERATE, "generate", text("{'type':'%s','label':'%s'}", type, label),
		      json("{'id':'%s','type':'%s','label':'%s'}", who, type, label));
}

/* alice's, active */
static char *new_key(void)
{
	is(generate_by_sad(&alice, "alice", "ec:P-256", "hers"), SAM_OK);
	return text("%s", outcome.credential);
}

/* alice's, made by an officer */
static char *new_inactive(void)
{
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','label':'hers'}"), SAM_OK);
	return text("%s", outcome.credential);
}

static enum sam_reason activate(const struct device *d, const char *who, const char *credential)
{
	return by_sad(d, who, SAM_ACT_KEY_ACTIVATE, "activate",
		      text("{'credentialID':'%s','thumbprint':'%s'}", credential, thumbprint(credential)),
		      json("{'key':'%s'}", credential));
}

static enum sam_reason life(const struct device *d, enum sam_act what, const char *operation, const char *credential)
{
	return by_sad(d, "alice", what, operation, text("{'credentialID':'%s','reason':'why not'}", credential),
		      json("{'key':'%s'}", credential));
}

/* ---- making ---- */

START_TEST(the_signers_sad_makes_a_key_that_is_active_at_once)
{
	enrolled();
	const char *credential = new_key();
	const struct sam_key *k = key(credential);
	ck_assert_int_eq(k->life, SAM_LIFE_ACTIVE);
	ck_assert_int_eq(k->origin, SAM_ORIGIN_CM);
	ck_assert_str_eq(k->signer, "alice");
	ck_assert_ptr_nonnull(strstr(k->attributes, "CKA_SENSITIVE=01"));
	ck_assert_ptr_nonnull(strstr(k->attributes, "CKA_EXTRACTABLE=00"));
	ck_assert_ptr_nonnull(strstr(k->attributes, "CKA_DECRYPT=00"));
	ck_assert_uint_gt(strlen(k->evidence), 100);
	struct last last = last_of("key-generate");
	ck_assert_str_eq(last.actor, "alice");
	ck_assert_ptr_nonnull(strstr(last.line, credential));
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

START_TEST(an_officers_key_waits_for_its_signer)
{
	enrolled();
	const char *credential = new_inactive();
	ck_assert_int_eq(outcome.life, SAM_LIFE_INACTIVE);
	is(sam_key_usable(key(credential), sam_clock_now()), SAM_KEY_INACTIVE);
	refused(act("officer", "officer2", SAM_ACT_KEY_ACTIVATE, "{'key':'%s'}", credential), SAM_ROLE);
	refused(activate(&bob, "bob", credential), SAM_SAD_FOREIGN);
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_ACTIVATE, "activate",
		       text("{'credentialID':'%s','thumbprint':'%064d'}", credential, 0),
		       json("{'key':'%s'}", credential)), SAM_SAD_PARAMS);
	is(activate(&alice, "alice", credential), SAM_OK);
	is(sam_key_usable(key(credential), sam_clock_now()), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of("key-activate").line, credential));
	refused(activate(&alice, "alice", credential), SAM_KEY_STATE);
}
END_TEST

START_TEST(a_sad_for_one_key_activates_no_other)
{
	enrolled();
	const char *one = new_inactive(), *other = new_inactive();
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_ACTIVATE, "activate",
		       text("{'credentialID':'%s','thumbprint':'%s'}", one, thumbprint(one)), json("{'key':'%s'}", other)),
		SAM_SAD_PARAMS);
	ck_assert_int_eq(key(other)->life, SAM_LIFE_INACTIVE);
}
END_TEST

START_TEST(the_sad_says_type_and_label)
{
	enrolled();
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_GENERATE, "generate", "{'type':'ec:P-256','label':'hers'}",
		       json("{'id':'alice','type':'ec:P-384','label':'hers'}")), SAM_SAD_PARAMS);
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_GENERATE, "generate", "{'type':'ec:P-256','label':'hers'}",
		       json("{'id':'alice','type':'ec:P-256','label':'his'}")), SAM_SAD_PARAMS);
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_GENERATE, "generate", "{'type':'ec:P-256','label':'hers'}",
		       json("{'id':'bob','type':'ec:P-256','label':'hers'}")), SAM_SAD_FOREIGN);
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_GENERATE, "activate",
		       text("{'credentialID':'%032d','thumbprint':'%064d'}", 0, 0),
		       json("{'id':'alice','type':'ec:P-256'}")), SAM_SAD_OPERATION);
	ck_assert_uint_eq(in_cm(), 0);
	/* what the command leaves open is as the SAD says */
	is(by_sad(&alice, "alice", SAM_ACT_KEY_GENERATE, "generate", "{'type':'ec:P-384','label':'hers'}",
		  json("{'id':'alice'}")), SAM_OK);
	ck_assert_str_eq(key(outcome.credential)->label, "hers");
	ck_assert_uint_eq(key(outcome.credential)->bits, 384);
}
END_TEST

START_TEST(a_sad_makes_one_key)
{
	enrolled();
	const char *sad = order(&alice, "alice", "generate", "{'type':'ec:P-256','label':'hers'}");
	is(act_by_sad(sad, SAM_ACT_KEY_GENERATE, json("{'id':'alice'}")), SAM_OK);
	refused(act_by_sad(sad, SAM_ACT_KEY_GENERATE, json("{'id':'alice'}")), SAM_DIGEST_USED);
	ck_assert_uint_eq(snapshot()->key_count, 1);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

static void *race(void *sad)
{
	struct sam_actors actors = {.sad = sad, .sad_len = strlen(sad)};
	struct sam_outcome own;
	json_t *params = json("{'id':'alice'}");
	enum sam_reason *reason = malloc(sizeof *reason);
	*reason = sam_act_do(sam, &actors, SAM_ACT_KEY_GENERATE, params, &own);
	json_decref(params);
	return reason;
}

START_TEST(threads_that_race_with_one_sad_make_one_key)
{
	enum { THREADS = 6 };
	pthread_t threads[THREADS];
	unsigned made = 0;
	enrolled();
	char *sad = order(&alice, "alice", "generate", "{'type':'ec:P-256','label':'hers'}");
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race, sad), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		enum sam_reason *reason;
		ck_assert_int_eq(pthread_join(threads[i], (void **)&reason), 0);
		made += *reason == SAM_OK;
		if (*reason != SAM_OK)
			is(*reason, SAM_DIGEST_USED);
		free(reason);
	}
	ck_assert_uint_eq(made, 1);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

START_TEST(who_may_have_a_key_made)
{
	static const char *const others[] = {"administrator", "operator", "auditor", "ra", "ca", "sca", "alice"};
	enrolled();
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		refused(act(others[i], NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_ROLE);
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'nobody','type':'ec:P-256'}"), SAM_NOT_FOUND);
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'rsa:1024'}"), SAM_ARGUMENTS);
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','label':'p11-sam seal'}"),
		SAM_ARGUMENTS);
	ck_assert_uint_eq(in_cm(), 0);
}
END_TEST

START_TEST(a_key_has_dates_that_the_sam_keeps_to)
{
	const long long now = sam_clock_now();
	enrolled();
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','end':%lld}", now - 10),
		SAM_ARGUMENTS);
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','start':%lld,'end':%lld}",
		    now + 90000, now + 80000), SAM_ARGUMENTS);
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256','start':%lld,'end':%lld}",
	       now + 1000, now + 90000), SAM_OK);
	const char *credential = text("%s", outcome.credential);
	is(activate(&alice, "alice", credential), SAM_OK);
	is(sam_key_usable(key(credential), now), SAM_KEY_NOT_YET);
	is(sam_key_usable(key(credential), now + 1000), SAM_OK);
	is(sam_key_usable(key(credential), now + 89999), SAM_OK);
	is(sam_key_usable(key(credential), now + 90000), SAM_KEY_EXPIRED);
}
END_TEST

/* ---- its life ---- */

START_TEST(suspending_takes_one_and_resuming_two_or_the_signer)
{
	static const char *const may[] = {"officer", "operator", "ra", "ca"};
	static const char *const not[] = {"administrator", "auditor", "sca", "alice"};
	enrolled();
	const char *credential = new_key();
	for (size_t i = 0; i < sizeof not / sizeof not[0]; i++)
		refused(act(not[i], NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", credential), SAM_ROLE);
	for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
		is(act(may[i], NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s','reason':'lost'}", credential), SAM_OK);
		is(sam_key_usable(key(credential), sam_clock_now()), SAM_KEY_SUSPENDED);
		refused(act(may[i], NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", credential), SAM_NO_CHANGE);
		is(act("officer", "officer2", SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_OK);
	}
	is(life(&alice, SAM_ACT_KEY_SUSPEND, "suspend", credential), SAM_OK);
	is(act("officer", NULL, SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_OK);
	ck_assert(outcome.pending);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_SUSPENDED);
	refused(act("officer", "operator", SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_SECOND_PERSON);
	refused(by_sad(&bob, "bob", SAM_ACT_KEY_RESUME, "resume", text("{'credentialID':'%s'}", credential),
		       json("{'key':'%s'}", credential)), SAM_SAD_FOREIGN);
	is(life(&alice, SAM_ACT_KEY_RESUME, "resume", credential), SAM_OK);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_ACTIVE);
	ck_assert_int_gt(key(credential)->changed, 0);
}
END_TEST

/* One about the signer is none about a key. */
START_TEST(a_sad_about_the_signer_does_nothing_to_a_key)
{
	enrolled();
	const char *credential = new_key();
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_SUSPEND, "suspend", "{}", json("{'key':'%s'}", credential)),
		SAM_SAD_PARAMS);
	refused(by_sad(&alice, "alice", SAM_ACT_KEY_DESTROY, "destroy", "{}", json("{'key':'%s'}", credential)),
		SAM_SAD_PARAMS);
	refused(by_sad(&alice, "alice", SAM_ACT_SIGNER_REMOVE, "destroy", text("{'credentialID':'%s'}", credential),
		       json("{'id':'alice'}")), SAM_SAD_OPERATION);
	ck_assert_int_eq(key(credential)->life, SAM_LIFE_ACTIVE);
}
END_TEST

START_TEST(revoking_is_final_and_destroys)
{
	static const char *const may[] = {"officer", "ra", "ca"};
	enrolled();
	for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
		const char *credential = new_key();
		refused(act(may[i], NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s'}", credential), SAM_ARGUMENTS);
		refused(act("operator", NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s','reason':'x'}", credential), SAM_ROLE);
		ck_assert_uint_eq(in_cm(), 1);
		is(act(may[i], NULL, SAM_ACT_KEY_REVOKE, "{'key':'%s','reason':'compromised'}", credential), SAM_OK);
		ck_assert_uint_eq(in_cm(), 0);
		ck_assert_ptr_null(key(credential));
		ck_assert_ptr_nonnull(sam_registry_tombstone(snapshot(), credential));
		ck_assert_ptr_nonnull(strstr(last_of("key-revoke").line, "compromised"));
		ck_assert_ptr_nonnull(strstr(last_of("key-destroy").line, credential));
		refused(act("officer", "officer2", SAM_ACT_KEY_RESUME, "{'key':'%s'}", credential), SAM_NOT_FOUND);
	}
	const char *credential = new_key();
	is(life(&alice, SAM_ACT_KEY_REVOKE, "revoke", credential), SAM_OK);
	ck_assert_ptr_null(key(credential));
}
END_TEST

START_TEST(destroying_takes_two_or_the_signer_and_is_not_replayed)
{
	enrolled();
	const char *one = new_key(), *two = new_key();
	const char *sad = order(&alice, "alice", "destroy", text("{'credentialID':'%s'}", one));
	refused(act("auditor", "officer", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", one), SAM_ROLE);
	refused(act("officer", "auditor", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", one), SAM_SECOND_PERSON);
	refused(act("officer", "ra", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", one), SAM_SECOND_PERSON);
	is(act("operator", NULL, SAM_ACT_KEY_DESTROY, "{'key':'%s'}", one), SAM_OK);
	ck_assert(outcome.pending);
	ck_assert_ptr_nonnull(key(one));
	is(act_by_sad(sad, SAM_ACT_KEY_DESTROY, json("{'key':'%s'}", one)), SAM_OK);
	ck_assert_ptr_null(key(one));
	refused(act_by_sad(sad, SAM_ACT_KEY_DESTROY, json("{'key':'%s'}", two)), SAM_SAD_PARAMS);
	refused(act_by_sad(sad, SAM_ACT_KEY_DESTROY, json("{'key':'%s'}", one)), SAM_SAD_FOREIGN);
	refused(act("operator", "administrator", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", two), SAM_SECOND_PERSON);
	is(act("operator", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", two), SAM_OK);
	ck_assert_uint_eq(in_cm(), 0);
}
END_TEST

START_TEST(a_renewed_key_ends_when_the_new_one_is_active)
{
	enrolled();
	const char *old = new_key();
	is(act("officer", NULL, SAM_ACT_KEY_RENEW, "{'key':'%s'}", old), SAM_OK);
	const char *fresh = text("%s", outcome.credential);
	ck_assert_int_eq(key(old)->life, SAM_LIFE_ACTIVE);
	ck_assert_str_eq(key(fresh)->renews, old);
	is(activate(&alice, "alice", fresh), SAM_OK);
	ck_assert_ptr_null(key(old));
	ck_assert_ptr_nonnull(strstr(last_of("key-activate").line, old));
	/* a SAD for `generate` names no key that ends: the one that does is `activate` */
	is(by_sad(&alice, "alice", SAM_ACT_KEY_RENEW, "generate", "{'type':'ec:P-384','label':'next'}",
		  json("{'key':'%s','type':'ec:P-384','label':'next'}", fresh)), SAM_OK);
	const char *next = text("%s", outcome.credential);
	ck_assert_int_eq(key(fresh)->life, SAM_LIFE_ACTIVE);
	ck_assert_int_eq(key(next)->life, SAM_LIFE_INACTIVE);
	is(activate(&alice, "alice", next), SAM_OK);
	ck_assert_ptr_null(key(fresh));
	ck_assert_uint_eq(in_cm(), 1);
	/* another's key is not renewed by one's own SAD */
	const char *hers = next;
	refused(by_sad(&bob, "bob", SAM_ACT_KEY_RENEW, "generate", "{'type':'ec:P-256','label':'x'}",
		       json("{'key':'%s','type':'ec:P-256','label':'x'}", hers)), SAM_SAD_FOREIGN);
	refused(act("officer", NULL, SAM_ACT_KEY_RENEW, "{'key':'%s'}", old), SAM_NOT_FOUND);
}
END_TEST

/* ---- what is sealed ---- */

static void set_is(const struct sam_key *k, enum sam_reason want)
{
	struct sam_edit edit;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_key(&edit, k), want);
	sam_edit_clear(&edit);
}

START_TEST(what_a_key_was_born_as_is_written_once)
{
	enrolled();
	const char *credential = new_key();
	const struct sam_key was = *key(credential);
	struct sam_key k = was;
	set_is(&k, SAM_OK);
	k.origin = SAM_ORIGIN_CA;
	set_is(&k, SAM_INTERNAL);
	k = was, strcpy(k.signer, "bob");
	set_is(&k, SAM_INTERNAL);
	k = was, strcpy(k.label, "other");
	set_is(&k, SAM_INTERNAL);
	k = was, k.attributes = (char *)"CKA_DECRYPT=01";
	set_is(&k, SAM_INTERNAL);
	k = was, k.evidence = (char *)"";
	set_is(&k, SAM_INTERNAL);
	k = was, k.end = 1;
	set_is(&k, SAM_INTERNAL);
	k = was, k.cm_id[0] ^= 1;
	set_is(&k, SAM_INTERNAL);
	k = was, k.thumbprint[0] ^= 1;
	set_is(&k, SAM_INTERNAL);
}
END_TEST

START_TEST(higher_levels_take_only_what_was_made_for_them)
{
	struct sam_key k = {.origin = SAM_ORIGIN_CM};
	for (unsigned level = 1; level <= 3; level++)
		is(sam_key_fits(&k, level), SAM_OK);
	k.origin = SAM_ORIGIN_CA;
	is(sam_key_fits(&k, 1), SAM_OK);
	is(sam_key_fits(&k, 2), SAM_OK);
	is(sam_key_fits(&k, 3), SAM_KEY_LEVEL);
	static const enum sam_origin low[] = {SAM_ORIGIN_UNKNOWN, SAM_ORIGIN_CM_UNPROVEN, SAM_ORIGIN_SIGNER};
	for (size_t i = 0; i < sizeof low / sizeof low[0]; i++) {
		k.origin = low[i];
		is(sam_key_fits(&k, 1), SAM_OK);
		is(sam_key_fits(&k, 2), SAM_KEY_LEVEL);
		is(sam_key_fits(&k, 3), SAM_KEY_LEVEL);
	}
}
END_TEST

/* ---- the CM fails, the registry moves ---- */

START_TEST(a_disabled_cm_makes_no_key)
{
	enrolled();
	is(act("officer", "officer2", SAM_ACT_CM_DISABLE, "{}"), SAM_OK);
	refused(generate_by_sad(&alice, "alice", "ec:P-256", "hers"), SAM_CM_DISABLED);
	refused(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_CM_DISABLED);
	ck_assert_uint_eq(in_cm(), 0);
}
END_TEST

/* The key is gone from the CM behind the SAM's back: ending it ends it all the same. */
START_TEST(what_the_cm_lost_is_buried_too)
{
	enrolled();
	const char *credential = new_key();
	is(sam_cm_destroy(sam->cm, key(credential)->cm_id), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_KEY_DESTROY, "{'key':'%s'}", credential), SAM_OK);
	ck_assert_ptr_null(key(credential));
	size_t left;
	is(sam_leftover_destroy(sam, NULL, &left), SAM_OK);
	ck_assert_uint_eq(left, 0);
}
END_TEST

/* A crash came after the act and before the CM: whoever comes next finishes it. */
START_TEST(a_key_that_has_ended_is_destroyed_by_whoever_comes_next)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_edit edit;
	size_t left;
	enrolled();
	struct sam_key k = *key(new_key());
	k.life = SAM_LIFE_REVOKED;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_key(&edit, &k), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	is(sam_key_usable(key(k.credential), sam_clock_now()), SAM_KEY_REVOKED);
	refused(act("officer", "officer2", SAM_ACT_KEY_RESUME, "{'key':'%s'}", k.credential), SAM_KEY_STATE);
	refused(act("officer", NULL, SAM_ACT_KEY_RENEW, "{'key':'%s'}", k.credential), SAM_KEY_STATE);
	refused(act("officer", NULL, SAM_ACT_KEY_SUSPEND, "{'key':'%s'}", k.credential), SAM_KEY_STATE);
	is(sam_leftover_destroy(sam, NULL, &left), SAM_OK);
	ck_assert_uint_eq(left, 0);
	ck_assert_ptr_null(key(k.credential));
	ck_assert_uint_eq(in_cm(), 0);
}
END_TEST

START_TEST(a_removed_signer_leaves_nothing_but_tombstones)
{
	char token[SAM_TOKEN_LEN + 1];
	enrolled();
	const char *credential = new_key();
	const char *sad = order(&alice, "alice", "generate", "{'type':'ec:P-256','label':'hers'}");
	const char *his = order(&bob, "bob", "generate", "{'type':'ec:P-256','label':'his'}");
	is(sam_exchange(sam, sad, strlen(sad), token), SAM_OK);
	char *hers = text("%s", token);
	is(sam_exchange(sam, his, strlen(his), token), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_SIGNER_REMOVE, "{'id':'alice'}"), SAM_OK);
	uint8_t *body = NULL;
	size_t len;
	is(sam_store_token_find(sam->store, hers, NULL, &body, &len), SAM_TOKEN_UNKNOWN);
	is(sam_store_token_find(sam->store, token, NULL, &body, &len), SAM_OK);
	free(body);
	ck_assert_ptr_null(key(credential));
	ck_assert_uint_eq(in_cm(), 0);
	struct sam_msg msg = {""};
	is(sam_store_check(sam->store, &msg), SAM_OK); /* the head's sums are right */
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("act_key");
	TCase *c = tcase_create("act_key");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, the_signers_sad_makes_a_key_that_is_active_at_once);
	tcase_add_test(c, an_officers_key_waits_for_its_signer);
	tcase_add_test(c, a_sad_for_one_key_activates_no_other);
	tcase_add_test(c, the_sad_says_type_and_label);
	tcase_add_test(c, a_sad_makes_one_key);
	tcase_add_test(c, threads_that_race_with_one_sad_make_one_key);
	tcase_add_test(c, who_may_have_a_key_made);
	tcase_add_test(c, a_key_has_dates_that_the_sam_keeps_to);
	tcase_add_test(c, suspending_takes_one_and_resuming_two_or_the_signer);
	tcase_add_test(c, a_sad_about_the_signer_does_nothing_to_a_key);
	tcase_add_test(c, revoking_is_final_and_destroys);
	tcase_add_test(c, destroying_takes_two_or_the_signer_and_is_not_replayed);
	tcase_add_test(c, a_renewed_key_ends_when_the_new_one_is_active);
	tcase_add_test(c, what_a_key_was_born_as_is_written_once);
	tcase_add_test(c, higher_levels_take_only_what_was_made_for_them);
	tcase_add_test(c, a_disabled_cm_makes_no_key);
	tcase_add_test(c, what_the_cm_lost_is_buried_too);
	tcase_add_test(c, a_key_that_has_ended_is_destroyed_by_whoever_comes_next);
	tcase_add_test(c, a_removed_signer_leaves_nothing_but_tombstones);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
