/* SPDX-License-Identifier: BSD-3-Clause
 *
 * act.h about signers: their devices with the proofs of possession, their operation SADs, and that every change
 * ends what was authorised before it. And how people are identified: person.h.
 */
#include "sam_fixture.h"

#include "base/encode.h"
#include "base/file.h"
#include "provider/provider.h"

/* The first device of alice, with that proof. */
static enum sam_reason enrol_with(const struct device *d, const char *proof)
{
	return act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d->jwk,
		   proof);
}

/* ---- proofs of possession ---- */

START_TEST(a_device_key_is_bound_with_its_proof_alone)
{
	people();
	struct device d = new_device(), other = new_device();
	const int64_t now = sam_clock_now();
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s}", d.jwk), SAM_PROOF);
	refused(enrol_with(&d, ""), SAM_PROOF);
	refused(enrol_with(&d, proof(&other, "alice")), SAM_PROOF);
	refused(enrol_with(&d, proof(&d, "bob")), SAM_PROOF);
	refused(enrol_with(&d, proof_at(&d, "alice", "https://another.example.jp", now)), SAM_PROOF);
	refused(enrol_with(&d, proof_at(&d, "alice", SAM_ID, now - 301)), SAM_PROOF);
	refused(enrol_with(&d, proof_at(&d, "alice", SAM_ID, now + 60)), SAM_PROOF);
	refused(enrol_with(&d, order(&d, "alice", "suspend", "{}")), SAM_PROOF);
	ck_assert(!signer("alice")->enrolled);
	ck_assert_uint_eq(snapshot()->authenticator_count, 0);
	is(enrol_with(&d, proof(&d, "alice")), SAM_OK);
	ck_assert_ptr_nonnull(sam_registry_authenticator(snapshot(), d.kid));
	ck_assert_str_eq(last_of("authenticator-add").signer, "alice");
}
END_TEST

START_TEST(a_proof_is_used_once)
{
	char id[SAM_PENDING_SIZE];
	people();
	struct device d = new_device();
	char *once = proof(&d, "alice");
	is(enrol_with(&d, once), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}", d.kid), SAM_OK);
	refused(enrol_with(&d, once), SAM_DIGEST_USED);
	/* also by an act that waits and is dropped */
	once = proof(&d, "alice");
	is(act("officer", NULL, SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk, once), SAM_OK);
	strcpy(id, outcome.id);
	struct sam_person officer = person("officer"), second = person("officer2");
	is(sam_act_cancel(sam, &officer, id, &outcome), SAM_OK);
	refused(enrol_with(&d, once), SAM_DIGEST_USED);
	/* and one that waits asks for it no second time */
	is(act("officer", NULL, SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk,
	       proof(&d, "alice")), SAM_OK);
	strcpy(id, outcome.id);
	is(sam_act_confirm(sam, &second, id, &outcome), SAM_OK);
	ck_assert_ptr_nonnull(sam_registry_authenticator(snapshot(), d.kid));
}
END_TEST

/* ---- who binds them ---- */

START_TEST(the_first_takes_an_officer_and_an_officer_or_ra)
{
	people();
	struct device d = new_device();
	refused(act("officer", "operator", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk,
		    proof(&d, "alice")), SAM_SECOND_PERSON);
	refused(act("ra", "officer", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk,
		    proof(&d, "alice")), SAM_ROLE);
	is(act("officer", "ra", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk,
	       proof(&d, "alice")), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_AUTHENTICATOR_FIRST);
	ck_assert_ptr_nonnull(strstr(last_of("authenticator-add").line, "\"transaction\""));
	/* the next takes two officers, and is an alert */
	struct device next = new_device();
	refused(act("officer", "ra", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk,
		    proof(&next, "alice")), SAM_SECOND_PERSON);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk,
	       proof(&next, "alice")), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_AUTHENTICATOR_ADD);
	ck_assert_ptr_nonnull(strstr(last_of("authenticator-change").line, "\"alert\""));
}
END_TEST

/* Officer and RA began the first one; meanwhile it is not the first any more. */
START_TEST(a_first_that_is_no_first_any_more_falls_through)
{
	char id[SAM_PENDING_SIZE];
	people();
	struct device d = new_device();
	is(act("officer", NULL, SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", d.jwk,
	       proof(&d, "alice")), SAM_OK);
	strcpy(id, outcome.id);
	enrol("alice");
	struct sam_person ra = person("ra"), officer2 = person("officer2");
	refused(sam_act_confirm(sam, &ra, id, &outcome), SAM_PENDING_CHANGED);
	refused(sam_act_confirm(sam, &officer2, id, &outcome), SAM_PENDING_CHANGED);
	ck_assert_ptr_null(sam_registry_authenticator(snapshot(), d.kid));
}
END_TEST

/* Removing them all makes nobody new: who has ever had one is enrolled. */
START_TEST(who_was_enrolled_stays_enrolled)
{
	people();
	struct device d = enrol("alice"), next = new_device();
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}", d.kid), SAM_OK);
	refused(act("officer", "ra", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk,
		    proof(&next, "alice")), SAM_SECOND_PERSON);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}", d.kid),
		SAM_NOT_FOUND);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'bob'}"), SAM_NOT_FOUND);
}
END_TEST

START_TEST(another_signers_device_is_not_replaced)
{
	people();
	struct device hers = enrol("alice"), his = enrol("bob"), next = new_device();
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REPLACE, "{'id':'alice','old':'%s','jwk':%s,'proof':'%s'}",
		    his.kid, next.jwk, proof(&next, "alice")), SAM_NOT_FOUND);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", his.jwk,
		    proof(&his, "alice")), SAM_KEY_SHARED);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", hers.jwk,
		    proof(&hers, "alice")), SAM_EXISTS);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REPLACE, "{'id':'alice','old':'%s','jwk':%s,'proof':'%s'}",
	       hers.kid, next.jwk, proof(&next, "alice")), SAM_OK);
	ck_assert_ptr_null(sam_registry_authenticator(snapshot(), hers.kid));
	ck_assert_ptr_nonnull(sam_registry_authenticator(snapshot(), next.kid));
}
END_TEST

START_TEST(the_pin_is_set_where_there_is_none_and_never_replaced)
{
	people();
	is(act("officer", "ra", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','pin':'hash1'}"), SAM_OK);
	ck_assert_str_eq(signer("alice")->pin, "hash1");
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','pin':'hash2'}"), SAM_SIGNER_ALONE);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_OK);
	ck_assert_str_eq(signer("alice")->pin, "");
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_NOT_FOUND);
	struct device d = enrol("bob");
	refused(act_by_sad(order(&d, "bob", "authenticator", jkt("add", d.kid)), SAM_ACT_AUTHENTICATOR_ADD,
			   json("{'id':'bob','pin':'hash'}")), SAM_SIGNER_ALONE);
}
END_TEST

/* ---- the signer's own SAD ---- */

START_TEST(a_signer_orders_it_by_a_sad)
{
	people();
	struct device d = enrol("alice"), next = new_device();
	is(act_by_sad(order(&d, "alice", "authenticator", jkt("add", next.kid)), SAM_ACT_AUTHENTICATOR_ADD,
		      json("{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk, proof(&next, "alice"))), SAM_OK);
	struct last l = last_of(NULL);
	ck_assert_str_eq(l.type, "authenticator-change");
	ck_assert_str_eq(l.actor, "alice");
	ck_assert_ptr_nonnull(strstr(l.line, d.kid));
	is(act_by_sad(order(&d, "alice", "suspend", "{'reason':'stolen'}"), SAM_ACT_SIGNER_SUSPEND,
		      json("{'id':'alice'}")), SAM_OK);
	ck_assert_ptr_nonnull(strstr(last_of(NULL).line, "stolen"));
	/* suspended, she may resume and nothing else */
	refused(act_by_sad(order(&d, "alice", "authenticator", jkt("remove", next.kid)), SAM_ACT_AUTHENTICATOR_REMOVE,
			   json("{'id':'alice','kid':'%s'}", next.kid)), SAM_SIGNER_SUSPENDED);
	refused(act_by_sad(order(&d, "alice", "destroy", "{}"), SAM_ACT_SIGNER_REMOVE, json("{'id':'alice'}")),
		SAM_SIGNER_SUSPENDED);
	is(act_by_sad(order(&d, "alice", "resume", "{}"), SAM_ACT_SIGNER_RESUME, json("{'id':'alice'}")), SAM_OK);
	ck_assert(!signer("alice")->suspended);
	lock("alice");
	is(act_by_sad(order(&d, "alice", "authenticator", "{'act':'unlock'}"), SAM_ACT_SIGNER_UNLOCK,
		      json("{'id':'alice'}")), SAM_OK);
	is(act_by_sad(order(&d, "alice", "authenticator", jkt("remove", next.kid)), SAM_ACT_AUTHENTICATOR_REMOVE,
		      json("{'id':'alice','kid':'%s'}", next.kid)), SAM_OK);
	is(act_by_sad(order(&d, "alice", "destroy", "{}"), SAM_ACT_SIGNER_REMOVE, json("{'id':'alice'}")), SAM_OK);
	ck_assert_ptr_null(sam_registry_signer(snapshot(), "alice"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(snapshot(), "alice"));
}
END_TEST

START_TEST(a_sad_for_something_else_does_nothing)
{
	people();
	struct device d = enrol("alice"), his = enrol("bob"), next = new_device();
	char *add = jkt("add", next.kid);
#define ADD(sad) act_by_sad(sad, SAM_ACT_AUTHENTICATOR_ADD, \
			    json("{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk, proof(&next, "alice")))
	refused(ADD(order(&d, "alice", "suspend", "{}")), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "authenticator", jkt("replace", next.kid))), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "authenticator", jkt("remove", next.kid))), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "authenticator", jkt("unlock", next.kid))), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "authenticator", jkt("add", d.kid))), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "authenticator", "{'act':'add'}")), SAM_SAD_CLAIMS);
	refused(ADD(order(&d, "alice", "authenticator", "{'act':'add','jkt':'short'}")), SAM_SAD_CLAIMS);
	refused(ADD(order(&d, "alice", "sign", "{}")), SAM_SAD_OPERATION);
	refused(ADD(order(&d, "alice", "generate", "{}")), SAM_SAD_CLAIMS);
	refused(ADD(order(&d, "alice", "generate", "{'type':'ec:P-256','label':'x'}")), SAM_SAD_OPERATION);
	refused(ADD(order(&his, "bob", "authenticator", add)), SAM_SAD_FOREIGN);
	refused(ADD(order(&his, "alice", "authenticator", add)), SAM_SAD_KEY_UNKNOWN);
	refused(ADD(order(&next, "alice", "authenticator", add)), SAM_SAD_KEY_UNKNOWN);
	refused(ADD(proof(&d, "alice")), SAM_SAD_HEADER);
	refused(ADD("nonsense"), SAM_SAD_MALFORMED);
	/* about one key, not about the signer */
	refused(act_by_sad(order(&d, "alice", "suspend", "{'credentialID':'00112233445566778899aabbccddeeff'}"),
			   SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}")), SAM_SAD_OPERATION);
	refused(act_by_sad(order(&d, "alice", "suspend", "{}"), SAM_ACT_SIGNER_SUSPEND, json("{}")), SAM_SAD_FOREIGN);
	refused(act_by_sad(order(&d, "alice", "authenticator", jkt("unlock", d.kid)), SAM_ACT_SIGNER_RESUME,
			   json("{'id':'alice'}")), SAM_SAD_OPERATION);
	/* what no SAD does */
	refused(act_by_sad(order(&d, "alice", "suspend", "{}"), SAM_ACT_SIGNER_ADD, json("{'id':'carol'}")),
		SAM_SAD_OPERATION);
	/* the key that it adds proves itself all the same */
	refused(act_by_sad(order(&d, "alice", "authenticator", add), SAM_ACT_AUTHENTICATOR_ADD,
			   json("{'id':'alice','jwk':%s}", next.jwk)), SAM_PROOF);
	is(ADD(order(&d, "alice", "authenticator", add)), SAM_OK);
}
END_TEST

START_TEST(an_operation_sad_acts_once)
{
	people();
	struct device d = enrol("alice");
	char *once = order(&d, "alice", "authenticator", "{'act':'unlock'}");
	lock("alice");
	is(act_by_sad(once, SAM_ACT_SIGNER_UNLOCK, json("{'id':'alice'}")), SAM_OK);
	lock("alice");
	refused(act_by_sad(once, SAM_ACT_SIGNER_UNLOCK, json("{'id':'alice'}")), SAM_DIGEST_USED);
	/* a refused one is as it was */
	once = order(&d, "alice", "resume", "{}");
	refused(act_by_sad(once, SAM_ACT_SIGNER_RESUME, json("{'id':'alice'}")), SAM_NO_CHANGE);
	refused(act_by_sad(once, SAM_ACT_SIGNER_RESUME, json("{'id':'bob'}")), SAM_SAD_FOREIGN);
	is(act("officer", NULL, SAM_ACT_SIGNER_SUSPEND, "{'id':'alice'}"), SAM_OK);
	is(act_by_sad(once, SAM_ACT_SIGNER_RESUME, json("{'id':'alice'}")), SAM_OK);
}
END_TEST

/* test_factors has those that do. */
START_TEST(at_level_2_no_sad_of_one_factor_orders_anything)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	char path[PATH_MAX + 32];
	struct sam_secret text = {NULL, 0};
	struct sam_edit edit;
	people();
	struct device d = enrol("alice");
	struct sam_sealed sealed = *snapshot()->sealed;
	snprintf(path, sizeof path, "%s/policy/level2.yaml", getenv("SAM_SRCDIR") ? getenv("SAM_SRCDIR") : "..");
	is(sam_file_read(path, 65536, &text, NULL), SAM_OK);
	is(sam_ossl_digest(SAM_HASH_SHA256, text.data, text.len, sealed.sha256), SAM_OK);
	sealed.text = (char *)text.data;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	sam_secret_clear(&text);
	/* not in a process that began at another level, nor in one that began at this */
	refused(act_by_sad(order(&d, "alice", "suspend", "{}"), SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}")),
		SAM_POLICY_CHANGED);
	sam->policy.level = 2;
	refused(act_by_sad(order(&d, "alice", "suspend", "{}"), SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}")),
		SAM_FACTORS);
	is(act("officer", NULL, SAM_ACT_SIGNER_SUSPEND, "{'id':'alice'}"), SAM_OK);
}
END_TEST

/* ---- what a change ends ---- */

static uint64_t version_before;

/* Since the last call the version was raised, and the change noted where ${ends}. */
static void raised(const char *id, bool ends)
{
	ck_assert_uint_eq(signer(id)->version, version_before + 1);
	ck_assert_int_eq(signer(id)->changed > 0, ends);
	version_before = signer(id)->version;
}

START_TEST(every_change_raises_the_signers_version)
{
	people();
	version_before = signer("alice")->version;
	struct device d = enrol("alice"), next = new_device(), third = new_device();
	raised("alice", false); /* the first authenticator ends nothing: there was nothing */
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','jwk':%s,'proof':'%s'}", next.jwk,
	       proof(&next, "alice")), SAM_OK);
	raised("alice", true);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REPLACE, "{'id':'alice','old':'%s','jwk':%s,'proof':'%s'}",
	       next.kid, third.jwk, proof(&third, "alice")), SAM_OK);
	raised("alice", true);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}", third.kid), SAM_OK);
	raised("alice", true);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','pin':'hash'}"), SAM_OK);
	raised("alice", true);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','pin':true}"), SAM_OK);
	raised("alice", true);
	is(act("operator", NULL, SAM_ACT_SIGNER_SUSPEND, "{'id':'alice'}"), SAM_OK);
	raised("alice", true);
	is(act_by_sad(order(&d, "alice", "resume", "{}"), SAM_ACT_SIGNER_RESUME, json("{'id':'alice'}")), SAM_OK);
	raised("alice", true);
	lock("alice");
	is(act("officer", "officer2", SAM_ACT_SIGNER_UNLOCK, "{'id':'alice'}"), SAM_OK);
	raised("alice", true);
	is(act("alice", NULL, SAM_ACT_SIGNER_PASSWD, "{'id':'alice','password':'hers'}"), SAM_OK);
	raised("alice", true);
}
END_TEST

START_TEST(a_sad_made_before_a_change_is_dead)
{
	people();
	struct device d = enrol("alice");
	const long long iat = sam_clock_now();
	char *early = signed_by(&d, json("{'typ':'sad+jwt','kid':'%s'}", d.kid),
				json("{'iss':'alice','sub':'alice','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,"
				     "'operation':'suspend','operation_params':{}}", new_jti(), iat, iat + 200));
	lock("alice");
	is(act("officer", "officer2", SAM_ACT_SIGNER_UNLOCK, "{'id':'alice'}"), SAM_OK);
	refused(act_by_sad(early, SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}")), SAM_SAD_OLD);
	is(act_by_sad(order(&d, "alice", "suspend", "{}"), SAM_ACT_SIGNER_SUSPEND, json("{'id':'alice'}")), SAM_OK);
}
END_TEST

/* ---- the first own password, where the login authorises ---- */

START_TEST(a_first_password_that_authorises_takes_two)
{
	struct sam_secret text = {NULL, 0};
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_edit edit;
	is(sam_file_read(policy_path, 65536, &text, NULL), SAM_OK);
	struct sam_sealed sealed = *snapshot()->sealed;
	char *changed, *at = strstr((char *)text.data, "authorisation: sad");
	ck_assert_int_gt(asprintf(&changed, "%.*sauthorisation: login%s", (int)(at - (char *)text.data),
				  (char *)text.data, at + strlen("authorisation: sad")), 0);
	is(sam_ossl_digest(SAM_HASH_SHA256, changed, strlen(changed), sealed.sha256), SAM_OK);
	sealed.text = changed;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	sam_secret_clear(&text);
	free(changed);
	people();
	is(act("officer", NULL, SAM_ACT_SIGNER_ADD, "{'id':'carol','password':'first'}"), SAM_OK);
	/* who gave her the first one knows it */
	refused(act("carol", "officer", SAM_ACT_SIGNER_PASSWD, "{'id':'carol','password':'own'}"), SAM_SECOND_PERSON);
	is(act("carol", NULL, SAM_ACT_SIGNER_PASSWD, "{'id':'carol','password':'own'}"), SAM_OK);
	ck_assert(outcome.pending);
	ck_assert(!signer("carol")->password_own);
	struct sam_person giver = person("officer"), ra = person("ra");
	char id[SAM_PENDING_SIZE];
	strcpy(id, outcome.id);
	refused(sam_act_confirm(sam, &giver, id, &outcome), SAM_SECOND_PERSON);
	is(sam_act_confirm(sam, &ra, id, &outcome), SAM_OK);
	ck_assert(signer("carol")->password_own);
	is(act("carol", NULL, SAM_ACT_SIGNER_PASSWD, "{'id':'carol','password':'next'}"), SAM_OK);
	ck_assert(!outcome.pending);
}
END_TEST

/* ---- person.h ---- */

static enum sam_reason identify(const char *name, const char *password, const char *assertion, json_t *words,
				struct sam_person *out)
{
	const struct sam_identifier id = sam_identifier(sam);
	const struct sam_credentials c = {
		.name = name,
		.secret = password,
		.len = password ? strlen(password) : 0,
		.assertion = assertion,
		.assertion_len = assertion ? strlen(assertion) : 0,
		.words = words,
	};
	struct sam_msg msg = {""};
	json_t *files;
	enum sam_reason reason = sam_person_identify(&id, &c, out, &files, &msg);
	json_decref(files);
	ck_assert(reason == SAM_OK || (!out->name[0] && !out->roles));
	return reason;
}

START_TEST(people_are_told_by_their_password)
{
	struct sam_person p;
	is(identify("officer", OFFICER_PASSWORD, NULL, NULL, &p), SAM_OK);
	ck_assert_str_eq(p.name, "officer");
	ck_assert_uint_eq(p.roles, SAM_OFFICER);
	int64_t left = p.until_ms - sam_clock_monotonic_ms(); /* the policy's 15 minutes */
	ck_assert(left > 890000 && left <= 900000);
	is(identify("officer", "another-thing-8", NULL, NULL, &p), SAM_PASSWORD_WRONG);
	is(identify("nobody", OFFICER_PASSWORD, NULL, NULL, &p), SAM_PRINCIPAL_UNKNOWN);
	people();
	is(identify("alice", OFFICER_PASSWORD, NULL, NULL, &p), SAM_PRINCIPAL_UNKNOWN); /* she has none */
	struct sam_principal changed = *principal("officer");
	changed.roles |= SAM_AUDITOR;
	by_hand(&changed);
	is(identify("officer", OFFICER_PASSWORD, NULL, NULL, &p), SAM_ROLES_CONFLICT);
	changed.roles = SAM_OFFICER;
	changed.locked = true;
	by_hand(&changed);
	is(identify("officer", OFFICER_PASSWORD, NULL, NULL, &p), SAM_LOCKED);
}
END_TEST

static char *assertion(const struct device *d, const char *iss, json_t *words, int64_t iat)
{
	json_t *claims = json("{'iss':'%s','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld}", iss, new_jti(),
			      (long long)iat, (long long)iat + 120);
	json_object_set(claims, "act", words);
	return signed_by(d, json("{'typ':'sam-act+jwt','kid':'%s'}", d->kid), claims);
}

START_TEST(people_are_told_by_their_device_for_one_act)
{
	struct device d = new_device(), other = new_device();
	struct sam_person p;
	json_t *words = json_pack("[ss]", "signer", "list"), *others = json_pack("[ss]", "key", "list");
	keep(KEPT_JSON, words);
	keep(KEPT_JSON, others);
	is(act("officer", "officer2", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'officer','jwk':%s}", d.jwk), SAM_OK);
	const int64_t now = sam_clock_now() + 2;
	char *good = assertion(&d, "officer", words, now);
	is(identify("officer2", NULL, good, words, &p), SAM_ASSERTION);
	is(identify("officer", NULL, good, others, &p), SAM_ASSERTION);
	is(identify("officer", NULL, good, words, &p), SAM_OK);
	ck_assert_str_eq(p.name, "officer");
	is(identify("officer", NULL, good, words, &p), SAM_ASSERTION); /* used */
	is(identify("officer", NULL, assertion(&other, "officer", words, now), words, &p), SAM_ASSERTION);
	is(identify("officer", NULL, assertion(&d, "officer2", words, now), words, &p), SAM_ASSERTION);
	is(identify("officer", NULL, assertion(&d, "officer", words, now - 200), words, &p), SAM_ASSERTION);
	is(identify("officer", NULL, assertion(&d, "officer", words, now + 60), words, &p), SAM_ASSERTION);
	is(identify("officer", NULL, proof(&d, "officer"), words, &p), SAM_ASSERTION);
	is(identify("nobody", NULL, assertion(&d, "nobody", words, now), words, &p), SAM_PRINCIPAL_UNKNOWN);
	/* made before the person's last change */
	char *early = assertion(&d, "officer", words, now - 2);
	is(act("officer", NULL, SAM_ACT_PRINCIPAL_PASSWD, "{'name':'officer','password':'x'}"), SAM_OK);
	is(identify("officer", NULL, early, words, &p), SAM_ASSERTION);
}
END_TEST

/* ---- an officer's login at the PKCS#11 face ---- */

START_TEST(an_officers_pkcs11_login_ends_by_itself)
{
	static struct sam_provider p;
	struct sam_login login;
	pthread_mutex_init(&p.login.lock, NULL);
	p.sam = sam;
	p.login.login = (struct sam_login){.name = "officer", .role = SAM_ROLE_SECURITY_OFFICER};
	p.login.login.until_ms = sam_clock_monotonic_ms() + 10000;
	uint64_t epoch = sam_login_get(&p, &login);
	ck_assert_str_eq(login.name, "officer");
	p.login.login.until_ms = sam_clock_monotonic_ms();
	ck_assert_uint_ne(sam_login_get(&p, &login), epoch);
	ck_assert_str_eq(login.name, "");
	ck_assert_int_eq(login.role, SAM_ROLE_NONE);
	struct last l = last_of(NULL);
	ck_assert_str_eq(l.type, "logout");
	ck_assert_str_eq(l.actor, "officer");
	sam_login_get(&p, &login);
	ck_assert_uint_eq(last_of(NULL).seq, l.seq); /* once */
}
END_TEST

/* ---- */

static Suite *suite(void)
{
	Suite *s = suite_create("act_signer");
	TCase *t = tcase_create("act_signer");
	tcase_add_unchecked_fixture(t, sam_make, sam_unmake);
	tcase_add_checked_fixture(t, sam_fresh, sam_done);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_device_key_is_bound_with_its_proof_alone);
	tcase_add_test(t, a_proof_is_used_once);
	tcase_add_test(t, the_first_takes_an_officer_and_an_officer_or_ra);
	tcase_add_test(t, a_first_that_is_no_first_any_more_falls_through);
	tcase_add_test(t, who_was_enrolled_stays_enrolled);
	tcase_add_test(t, another_signers_device_is_not_replaced);
	tcase_add_test(t, the_pin_is_set_where_there_is_none_and_never_replaced);
	tcase_add_test(t, a_signer_orders_it_by_a_sad);
	tcase_add_test(t, a_sad_for_something_else_does_nothing);
	tcase_add_test(t, an_operation_sad_acts_once);
	tcase_add_test(t, at_level_2_no_sad_of_one_factor_orders_anything);
	tcase_add_test(t, every_change_raises_the_signers_version);
	tcase_add_test(t, a_sad_made_before_a_change_is_dead);
	tcase_add_test(t, a_first_password_that_authorises_takes_two);
	tcase_add_test(t, people_are_told_by_their_password);
	tcase_add_test(t, people_are_told_by_their_device_for_one_act);
	tcase_add_test(t, an_officers_pkcs11_login_ends_by_itself);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
