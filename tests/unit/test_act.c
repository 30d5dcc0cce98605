/* SPDX-License-Identifier: BSD-3-Clause
 *
 * act.h: who may do what, alone or with a second person; acts that wait; what makes an act fall through
 * meanwhile; that every refusal is recorded. About signers and their devices: test_act_signer.c.
 */
#include "sam_fixture.h"

#include "base/encode.h"
#include "base/file.h"

#define ONE(first, what, ...) act(first, NULL, what, __VA_ARGS__)
#define BOTH(what, ...) act("officer", "officer2", what, __VA_ARGS__)

static enum sam_reason confirm(const char *name, const char *id)
{
	struct sam_person p = person(name);
	return sam_act_confirm(sam, &p, id, &outcome);
}

static enum sam_reason cancel(const char *name, const char *id)
{
	struct sam_person p = person(name);
	return sam_act_cancel(sam, &p, id, &outcome);
}

/* Begin an act that waits; its id is good until the next. */
static const char *begin(const char *by, enum sam_act what, const char *params)
{
	static char id[SAM_PENDING_SIZE];
	is(act(by, NULL, what, "%s", params), SAM_OK);
	ck_assert(outcome.pending);
	ck_assert_ptr_nonnull(sam_registry_pending(snapshot(), outcome.id));
	memcpy(id, outcome.id, sizeof id);
	return id;
}

/* ---- who may ---- */

static const char *const everybody[] = {"officer", "auditor", "administrator", "operator",
					"ra", "ca", "sca", "alice"};

/* Every act of act.h by every role that its row does not name. */
START_TEST(a_role_that_the_table_does_not_name_may_not)
{
	people();
	for (int a = 0; a < SAM_ACT_COUNT; a++) {
		const struct sam_act_info *info = sam_act_info((enum sam_act)a);
		bool done_here = a >= SAM_ACT_SIGNER_ADD && a <= SAM_ACT_CM_DISABLE && a != SAM_ACT_POLICY_SIGN &&
				 a != SAM_ACT_POLICY_LEVEL;
		for (size_t i = 0; done_here && i < sizeof everybody / sizeof everybody[0]; i++) {
			/* own acts ask for the role first, and for the person then */
			if (info->first & person(everybody[i]).roles)
				continue;
			enum sam_reason reason = ONE(everybody[i], (enum sam_act)a, "{'id':'alice','name':'sca'}");
			ck_assert_msg(reason == SAM_ROLE, "%s by %s: %s", info->name, everybody[i],
				      sam_reason_name(reason));
			refused(reason, SAM_ROLE);
			ck_assert_str_eq(last_of(NULL).actor, everybody[i]);
		}
	}
}
END_TEST

START_TEST(nobody_does_anything)
{
	people();
	struct sam_actors actors = {.sad = NULL};
	json_t *params = json("{'id':'alice'}");
	refused(sam_act_do(sam, &actors, SAM_ACT_SIGNER_SUSPEND, params, &outcome), SAM_ROLE);
	actors.first = person("officer");
	actors.first.roles = 0;
	refused(sam_act_do(sam, &actors, SAM_ACT_SIGNER_SUSPEND, params, &outcome), SAM_ROLE);
	strcpy(actors.first.name, "nobody"); /* roles that the registry does not know of */
	actors.first.roles = SAM_OFFICER;
	refused(sam_act_do(sam, &actors, SAM_ACT_SIGNER_SUSPEND, params, &outcome), SAM_ROLE);
	json_decref(params);
}
END_TEST

/* Who was identified and is gone since, or stopped. */
START_TEST(who_is_gone_meanwhile_is_nobody)
{
	people();
	is(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'o3','role':'security-officer','password':'x'}"), SAM_OK);
	struct sam_actors gone = {.first = person("o3")}, suspended = {.first = person("alice")}, second;
	json_t *signer = json("{'id':'bob'}"), *own = json("{'id':'alice','password':'x'}");
	second = (struct sam_actors){.first = person("officer"), .second = gone.first};
	is(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'o3'}"), SAM_OK);
	refused(sam_act_do(sam, &gone, SAM_ACT_SIGNER_SUSPEND, signer, &outcome), SAM_ROLE);
	refused(sam_act_do(sam, &second, SAM_ACT_SIGNER_REMOVE, signer, &outcome), SAM_SECOND_PERSON);
	is(ONE("officer", SAM_ACT_SIGNER_SUSPEND, "{'id':'alice'}"), SAM_OK);
	refused(sam_act_do(sam, &suspended, SAM_ACT_SIGNER_PASSWD, own, &outcome), SAM_ROLE);
	json_decref(signer);
	json_decref(own);
}
END_TEST

START_TEST(one_person_is_enough_for_these)
{
	people();
	is(ONE("officer", SAM_ACT_SIGNER_ADD, "{'id':'carol','password':'h'}"), SAM_OK);
	ck_assert_str_eq(signer("carol")->password_by, "officer");
	ck_assert_str_eq(last_of(NULL).type, "signer-add");
	is(ONE("alice", SAM_ACT_SIGNER_PASSWD, "{'id':'alice','password':'hers'}"), SAM_OK);
	ck_assert_str_eq(signer("alice")->password, "hers");
	ck_assert(!signer("alice")->password_own); /* one person's word: it would authorise nothing */
	is(ONE("operator", SAM_ACT_SIGNER_SUSPEND, "{'id':'alice','reason':'lost'}"), SAM_OK);
	ck_assert(signer("alice")->suspended);
	ck_assert_ptr_nonnull(strstr(last_of(NULL).line, "lost"));
	is(ONE("officer", SAM_ACT_SIGNER_SUSPEND, "{'id':'bob'}"), SAM_OK);
	refused(ONE("officer", SAM_ACT_SIGNER_SUSPEND, "{'id':'bob'}"), SAM_NO_CHANGE);
	refused(ONE("officer", SAM_ACT_SIGNER_SUSPEND, "{'id':'nobody'}"), SAM_NOT_FOUND);
	is(ONE("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'sca2','role':'sca','password':'x','signers':['alice']}"),
	   SAM_OK);
	ck_assert_uint_eq(principal("sca2")->signer_count, 1);
	refused(ONE("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'sca2','role':'sca','password':'x'}"), SAM_EXISTS);
	refused(ONE("officer", SAM_ACT_PRINCIPAL_UNLOCK, "{'name':'sca2'}"), SAM_NO_CHANGE);
	lock("sca2");
	is(ONE("officer", SAM_ACT_PRINCIPAL_UNLOCK, "{'name':'sca2'}"), SAM_OK);
	refused(ONE("officer", SAM_ACT_PRINCIPAL_UNLOCK, "{'name':'sca2'}"), SAM_NO_CHANGE);
	is(ONE("operator", SAM_ACT_PRINCIPAL_PASSWD, "{'name':'operator','password':'another'}"), SAM_OK);
	ck_assert_str_eq(principal("operator")->password, "another");
	ck_assert_int_gt(principal("operator")->changed, 0);
}
END_TEST

START_TEST(what_is_ones_own_is_nobody_elses)
{
	people();
	refused(ONE("officer", SAM_ACT_PRINCIPAL_PASSWD, "{'name':'operator','password':'x'}"), SAM_ROLE);
	refused(ONE("operator", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'officer','jwk':{}}"), SAM_ROLE);
	refused(ONE("bob", SAM_ACT_SIGNER_PASSWD, "{'id':'alice','password':'x'}"), SAM_ROLE);
	refused(ONE("officer", SAM_ACT_SIGNER_PASSWD, "{'id':'alice','password':'x'}"), SAM_ROLE);
	refused(ONE("operator", SAM_ACT_PRINCIPAL_PASSWD, "{'password':'x'}"), SAM_ROLE);
	ck_assert_str_eq(principal("operator")->password, "x");
}
END_TEST

START_TEST(a_login_ends)
{
	struct sam_actors actors = {.first = person("officer")};
	json_t *params = json("{'id':'carol'}");
	actors.first.until_ms = sam_clock_monotonic_ms() - 1;
	refused(sam_act_do(sam, &actors, SAM_ACT_SIGNER_ADD, params, &outcome), SAM_SESSION_OVER);
	json_decref(params);
	params = json("{'name':'ra','role':'ra','password':'x'}");
	actors.first = person("officer");
	actors.second = person("officer2");
	actors.second.until_ms = 1;
	refused(sam_act_do(sam, &actors, SAM_ACT_PRINCIPAL_ADD, params, &outcome), SAM_SESSION_OVER);
	json_decref(params);
	char id[SAM_PENDING_SIZE];
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'ra','role':'ra','password':'x'}"));
	struct sam_person late = actors.second;
	refused(sam_act_confirm(sam, &late, id, &outcome), SAM_SESSION_OVER);
	refused(sam_act_cancel(sam, &late, id, &outcome), SAM_SESSION_OVER);
	is(confirm("officer2", id), SAM_OK);
}
END_TEST

/* ---- two people ---- */

START_TEST(the_second_is_another_of_the_right_role)
{
	static const char ra[] = "{'name':'ra2','role':'ra','password':'x'}";
	char id[SAM_PENDING_SIZE];
	people();
	refused(act("officer", "officer", SAM_ACT_PRINCIPAL_ADD, "%s", ra), SAM_SECOND_PERSON);
	refused(act("officer", "auditor", SAM_ACT_PRINCIPAL_ADD, "%s", ra), SAM_SECOND_PERSON);
	refused(act("officer", "ra", SAM_ACT_PRINCIPAL_ADD, "%s", ra), SAM_SECOND_PERSON);
	refused(act("officer", "alice", SAM_ACT_PRINCIPAL_ADD, "%s", ra), SAM_SECOND_PERSON);
	ck_assert_uint_eq(snapshot()->pending_count, 0);
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, ra));
	ck_assert_str_eq(last_of(NULL).type, "pending-add");
	ck_assert_ptr_null(principal("ra2"));
	refused(confirm("officer", id), SAM_SECOND_PERSON);
	refused(confirm("administrator", id), SAM_SECOND_PERSON);
	refused(confirm("sca", id), SAM_SECOND_PERSON);
	is(confirm("officer2", id), SAM_OK);
	ck_assert_ptr_nonnull(principal("ra2"));
	struct last l = last_of(NULL), done = last_of("principal-add");
	ck_assert_str_eq(l.type, "confirm");
	ck_assert_str_eq(l.actor, "officer2");
	ck_assert_str_eq(done.actor, "officer");
	ck_assert_uint_eq(done.seq, l.seq - 1);
	ck_assert(strstr(l.line, id) && strstr(done.line, id));
}
END_TEST

/* Each act that takes two: it waits for one of them, nothing happens until then, and both at once do it too. */
START_TEST(two_people_are_two)
{
	static const struct {
		enum sam_act what;
		const char *by, *with, *params;
	} acts[] = {
		{SAM_ACT_PRINCIPAL_ADD, "officer", "officer2", "{'name':'a2','role':'auditor','password':'x'}"},
		{SAM_ACT_PRINCIPAL_ADD, "officer", "officer2", "{'name':'o3','role':'security-officer','password':'x'}"},
		{SAM_ACT_ROLE_GRANT, "officer", "officer2", "{'name':'sca','role':'ra'}"},
		{SAM_ACT_SIGNER_UNLOCK, "officer", "officer2", "{'id':'bob'}"},
		{SAM_ACT_SIGNER_RESUME, "officer", "officer2", "{'id':'bob'}"},
		{SAM_ACT_CM_DISABLE, "operator", "auditor", "{'reason':'moved'}"},
		{SAM_ACT_CM_ENABLE, "administrator", "officer", "{}"},
		{SAM_ACT_SIGNER_REMOVE, "officer", "officer2", "{'id':'bob'}"},
		{SAM_ACT_PRINCIPAL_REMOVE, "officer", "officer2", "{'name':'a2'}"},
	};
	char id[SAM_PENDING_SIZE];
	people();
	is(ONE("officer", SAM_ACT_SIGNER_SUSPEND, "{'id':'bob'}"), SAM_OK);
	lock("bob");
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		is(act(acts[i].by, NULL, acts[i].what, "%s", acts[i].params), SAM_OK);
		ck_assert_msg(outcome.pending, "%s", acts[i].params);
		strcpy(id, outcome.id);
		is(cancel(acts[i].by, id), SAM_OK);
		is(act(acts[i].by, acts[i].with, acts[i].what, "%s", acts[i].params), SAM_OK);
		ck_assert(!outcome.pending);
		ck_assert_str_eq(last_of(NULL).type, "confirm");
		ck_assert_str_eq(last_of(NULL).actor, acts[i].with);
	}
	ck_assert_ptr_null(sam_registry_signer(snapshot(), "bob"));
	ck_assert_ptr_null(principal("a2"));
	refused(ONE("officer", SAM_ACT_SIGNER_ADD, "{'id':'bob'}"), SAM_NAME_USED);
	refused(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'a2','role':'ra','password':'x'}"), SAM_NAME_USED);
}
END_TEST

START_TEST(the_cm_is_disabled_by_two_privileged_users)
{
	people();
	is(act("operator", "administrator", SAM_ACT_CM_DISABLE, "{'reason':'moved'}"), SAM_OK);
	ck_assert(snapshot()->cm_disabled);
	ck_assert_str_eq(last_of("cm-disable").actor, "operator");
	refused(act("operator", "administrator", SAM_ACT_CM_DISABLE, "{}"), SAM_NO_CHANGE);
	refused(act("operator", "ra", SAM_ACT_CM_ENABLE, "{}"), SAM_SECOND_PERSON);
	is(act("auditor", "officer", SAM_ACT_CM_ENABLE, "{}"), SAM_OK);
	ck_assert(!snapshot()->cm_disabled);
}
END_TEST

/* ---- acts that wait ---- */

START_TEST(an_act_is_confirmed_once)
{
	char id[SAM_PENDING_SIZE];
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'ra','role':'ra','password':'x'}"));
	is(confirm("officer2", id), SAM_OK);
	refused(confirm("officer2", id), SAM_NOT_FOUND);
	refused(cancel("officer2", id), SAM_NOT_FOUND);
	refused(confirm("officer2", "aaaaaaaaaaaaa"), SAM_NOT_FOUND);
	ck_assert_uint_eq(snapshot()->pending_count, 0);
}
END_TEST

START_TEST(it_is_cancelled_by_who_began_it_or_might_confirm_it)
{
	static const char ra[] = "{'name':'ra2','role':'ra','password':'x'}";
	char id[SAM_PENDING_SIZE];
	people();
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, ra));
	refused(cancel("auditor", id), SAM_ROLE);
	refused(cancel("operator", id), SAM_ROLE);
	refused(cancel("alice", id), SAM_ROLE);
	is(cancel("officer2", id), SAM_OK);
	ck_assert_str_eq(last_of(NULL).type, "pending-cancel");
	refused(confirm("officer2", id), SAM_NOT_FOUND);
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, ra));
	is(cancel("officer", id), SAM_OK);
	ck_assert_ptr_null(principal("ra2"));
}
END_TEST

/* Move its end into the past. */
static void let_expire(const char *id)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_pending old = *sam_registry_pending(snapshot(), id);
	struct sam_audit_record record;
	old.created -= 86401;
	old.expires -= 86401;
	is(sam_audit_make(&sam->audit, &event, &record), SAM_OK);
	for (int i = 0; i < 2; i++) { /* one row is changed once in a transaction */
		struct sam_edit edit;
		sam_edit_start(&edit, sam->registry, snapshot());
		is(i ? sam_edit_add_pending(&edit, &old) : sam_edit_remove_pending(&edit, id), SAM_OK);
		is(sam_edit_commit(&edit, &(struct sam_edit_with){.records = &record.record, .record_count = 1}),
		   SAM_OK);
		sam_edit_clear(&edit);
	}
	sam_audit_clear(&record);
}

START_TEST(it_waits_only_so_long)
{
	static const char ra[] = "{'name':'ra','role':'ra','password':'x'}";
	char id[SAM_PENDING_SIZE];
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, ra));
	const struct sam_pending *p = sam_registry_pending(snapshot(), id);
	ck_assert_int_eq(p->expires - p->created, 86400); /* the policy's */
	let_expire(id);
	refused(confirm("officer2", id), SAM_PENDING_EXPIRED);
	ck_assert_ptr_null(principal("ra"));
	/* and makes room when the next one is begun */
	begin("officer", SAM_ACT_PRINCIPAL_ADD, ra);
	ck_assert_ptr_null(sam_registry_pending(snapshot(), id));
	ck_assert_uint_eq(snapshot()->pending_count, 1);
}
END_TEST

START_TEST(who_began_it_must_still_may)
{
	static const char ra[] = "{'name':'ra2','role':'ra','password':'x'}";
	char id[3][SAM_PENDING_SIZE];
	people();
	is(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'o3','role':'security-officer','password':'x'}"), SAM_OK);
	is(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'ra'}"), SAM_OK);
	strcpy(id[0], begin("o3", SAM_ACT_PRINCIPAL_ADD, ra));
	struct sam_principal p = *principal("o3");
	p.locked = true;
	by_hand(&p);
	refused(confirm("officer2", id[0]), SAM_PENDING_CHANGED);
	p.locked = false;
	p.roles = SAM_OFFICER | SAM_AUDITOR; /* as no act leaves it */
	by_hand(&p);
	refused(confirm("officer2", id[0]), SAM_PENDING_CHANGED);
	p.roles = SAM_RA;
	by_hand(&p);
	refused(confirm("officer2", id[0]), SAM_PENDING_CHANGED);
	p.roles = SAM_OFFICER;
	by_hand(&p);
	is(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'o3'}"), SAM_OK);
	refused(confirm("officer2", id[0]), SAM_PENDING_CHANGED);
	refused(cancel("o3", id[0]), SAM_ROLE);
	ck_assert_ptr_null(principal("ra2"));
}
END_TEST

START_TEST(what_it_was_about_must_still_be_so)
{
	char id[SAM_PENDING_SIZE];
	people();
	strcpy(id, begin("officer", SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'ra'}"));
	is(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'ra'}"), SAM_OK);
	refused(confirm("officer2", id), SAM_NO_CHANGE);
	is(cancel("officer", id), SAM_OK);
	strcpy(id, begin("officer", SAM_ACT_SIGNER_REMOVE, "{'id':'bob'}"));
	is(BOTH(SAM_ACT_SIGNER_REMOVE, "{'id':'bob'}"), SAM_OK);
	refused(confirm("officer2", id), SAM_NOT_FOUND);
	/* the second person is looked at as they are now */
	strcpy(id, begin("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'ra2','role':'ra','password':'x'}"));
	struct sam_person second = person("officer2");
	struct sam_principal p = *principal("officer2");
	p.locked = true;
	by_hand(&p);
	refused(sam_act_confirm(sam, &second, id, &outcome), SAM_SECOND_PERSON);
	p.locked = false;
	p.roles = SAM_OFFICER | SAM_OPERATOR;
	by_hand(&p);
	refused(sam_act_confirm(sam, &second, id, &outcome), SAM_ROLES_CONFLICT);
}
END_TEST

START_TEST(people_see_what_waits_without_secrets)
{
	struct device d = new_device();
	struct sam_pending pending = {.act = SAM_ACT_PRINCIPAL_ADD_TRUSTED};
	json_t *params = json("{'name':'ra','role':'ra','password':'scrypt$secret','pin':'scrypt$pin','jwk':%s,"
			      "'text':'a policy','proof':'p'}", d.jwk);
	pending.params = json_dumps(params, 0);
	json_t *shown = sam_act_describe(&pending);
	char *text = json_dumps(shown, 0);
	ck_assert_ptr_null(strstr(text, "scrypt"));
	ck_assert_ptr_null(json_object_get(shown, "password"));
	ck_assert_str_eq(json_string_value(json_object_get(shown, "device")), d.kid);
	ck_assert(json_is_true(json_object_get(shown, "pin")));
	ck_assert_uint_eq(json_string_length(json_object_get(shown, "policy_sha256")), 64);
	free(text);
	json_decref(shown);
	json_decref(params);
	free(pending.params);
}
END_TEST

/* ---- roles ---- */

START_TEST(roles_are_held_apart_when_given_and_when_used)
{
	people();
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'auditor','role':'operator'}"), SAM_ROLES_CONFLICT);
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'officer','role':'auditor'}"), SAM_ROLES_CONFLICT);
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'operator','role':'administrator'}"), SAM_ROLES_CONFLICT);
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'operator','role':'sca'}"), SAM_ROLES_CONFLICT);
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'signer'}"), SAM_ARGUMENTS);
	refused(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'king'}"), SAM_ARGUMENTS);
	refused(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'alice','role':'ra','password':'x'}"), SAM_EXISTS);
	struct sam_principal p = *principal("officer");
	p.roles = SAM_OFFICER | SAM_AUDITOR;
	by_hand(&p);
	refused(ONE("officer", SAM_ACT_SIGNER_ADD, "{'id':'carol'}"), SAM_ROLES_CONFLICT);
	refused(act("officer2", "officer", SAM_ACT_SIGNER_REMOVE, "{'id':'bob'}"), SAM_ROLES_CONFLICT);
}
END_TEST

/* One device key, or one UNIX user, is one person. */
START_TEST(nobody_is_two_people)
{
	people();
	struct device d = enrol("alice");
	refused(act("operator", "officer", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'operator','jwk':%s}", d.jwk),
		SAM_KEY_SHARED);
	struct device own = new_device();
	is(act("operator", "officer", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'operator','jwk':%s}", own.jwk), SAM_OK);
	refused(act("administrator", "officer", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'administrator','jwk':%s}", own.jwk),
		SAM_KEY_SHARED);
	refused(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'bob','jwk':%s,'proof':'%s'}", own.jwk,
		    proof(&own, "bob")), SAM_KEY_SHARED);
	is(ONE("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'sca2','role':'sca','password':'x','uid':1001}"), SAM_OK);
	refused(ONE("officer", SAM_ACT_PRINCIPAL_ADD, "{'name':'sca3','role':'sca','password':'x','uid':1001}"),
		SAM_KEY_SHARED);
}
END_TEST

START_TEST(the_last_officers_and_the_last_auditor_stay)
{
	people();
	refused(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'officer2'}"), SAM_LAST_OF_ROLE);
	refused(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'auditor'}"), SAM_LAST_OF_ROLE);
	refused(ONE("officer", SAM_ACT_ROLE_REVOKE, "{'name':'auditor','role':'auditor'}"), SAM_LAST_OF_ROLE);
	refused(ONE("officer", SAM_ACT_ROLE_REVOKE, "{'name':'operator','role':'operator'}"), SAM_LAST_OF_ROLE);
	refused(ONE("officer", SAM_ACT_ROLE_REVOKE, "{'name':'operator','role':'king'}"), SAM_ARGUMENTS);
	refused(ONE("officer", SAM_ACT_ROLE_REVOKE, "{'name':'operator','role':'ra'}"), SAM_NO_CHANGE);
	is(BOTH(SAM_ACT_ROLE_GRANT, "{'name':'sca','role':'ra'}"), SAM_OK);
	is(ONE("officer", SAM_ACT_ROLE_REVOKE, "{'name':'sca','role':'sca'}"), SAM_OK);
	ck_assert_uint_eq(principal("sca")->roles, SAM_RA);
	is(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'o3','role':'security-officer','password':'x'}"), SAM_OK);
	is(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'o3'}"), SAM_OK);
	/* one who is locked does not count */
	is(BOTH(SAM_ACT_PRINCIPAL_ADD, "{'name':'o4','role':'security-officer','password':'x'}"), SAM_OK);
	struct sam_principal p = *principal("o4");
	p.locked = true;
	by_hand(&p);
	refused(act("officer", "officer2", SAM_ACT_PRINCIPAL_REMOVE, "{'name':'officer2'}"), SAM_LAST_OF_ROLE);
	is(BOTH(SAM_ACT_PRINCIPAL_REMOVE, "{'name':'o4'}"), SAM_OK);
}
END_TEST

/* As where `samctl init` made one officer. */
static void alone(void)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_audit_record record;
	struct sam_edit edit;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_remove_principal(&edit, principal("officer2"), 1), SAM_OK);
	is(sam_edit_second_officer(&edit, true), SAM_OK);
	is(sam_audit_make(&sam->audit, &event, &record), SAM_OK);
	is(sam_edit_commit(&edit, &(struct sam_edit_with){.records = &record.record, .record_count = 1}), SAM_OK);
	sam_audit_clear(&record);
	sam_edit_clear(&edit);
}

START_TEST(officer_and_auditor_make_the_second_officer_once)
{
	static const char o3[] = "{'name':'o3','role':'security-officer','password':'x'}";
	static const char o4[] = "{'name':'o4','role':'security-officer','password':'x'}";
	alone();
	refused(act("officer", "officer", SAM_ACT_PRINCIPAL_ADD, "%s", o3), SAM_SECOND_PERSON);
	refused(act("auditor", "auditor", SAM_ACT_PRINCIPAL_ADD, "%s", o3), SAM_SECOND_PERSON);
	/* for nothing else than an officer */
	refused(act("officer", "auditor", SAM_ACT_PRINCIPAL_ADD, "{'name':'x','role':'auditor','password':'x'}"),
		SAM_SECOND_PERSON);
	is(act("officer", "auditor", SAM_ACT_PRINCIPAL_ADD, "%s", o3), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_SECOND_OFFICER);
	struct last l = last_of("second-officer");
	ck_assert_ptr_nonnull(strstr(l.line, "\"alert\""));
	ck_assert(!snapshot()->second_officer);
	refused(act("officer", "auditor", SAM_ACT_PRINCIPAL_ADD, "%s", o4), SAM_SECOND_PERSON);
	is(act("officer", "o3", SAM_ACT_PRINCIPAL_ADD, "%s", o4), SAM_OK);
}
END_TEST

START_TEST(the_auditor_may_begin_it_and_the_officer_confirm)
{
	char id[SAM_PENDING_SIZE];
	alone();
	strcpy(id, begin("auditor", SAM_ACT_PRINCIPAL_ADD, "{'name':'o3','role':'security-officer','password':'x'}"));
	refused(confirm("auditor", id), SAM_SECOND_PERSON);
	is(confirm("officer", id), SAM_OK);
	ck_assert_uint_eq(sam_registry_count(snapshot(), SAM_ROLE_SECURITY_OFFICER), 2);
}
END_TEST

/* ---- the policy ---- */

/* The policy with that version, as the parameters of `policy sign`. */
static json_t *policy_params(unsigned version, char **text)
{
	struct sam_secret file = {NULL, 0};
	char hex[65], *at;
	is(sam_file_read(policy_path, 65536, &file, NULL), SAM_OK);
	at = strstr((char *)file.data, "version: 1");
	ck_assert_ptr_nonnull(at);
	at[9] = (char)('0' + version);
	sam_encode_hex(sam->config.sha256, 32, hex);
	json_t *params = json_object();
	json_object_set_new(params, "text", json_stringn((char *)file.data, file.len));
	json_object_set_new(params, "config_sha256", json_string(hex));
	*text = strndup((char *)file.data, file.len);
	keep(KEPT_TEXT, *text);
	sam_secret_clear(&file);
	return params;
}

static enum sam_reason sign_policy(const char *by, json_t *params)
{
	struct sam_actors actors = {.first = person(by)};
	return sam_act_do(sam, &actors, SAM_ACT_POLICY_SIGN, params, &outcome);
}

static char *policy_jws(const struct device *d, const char *iss, const char *text, unsigned version, int64_t iat)
{
	uint8_t sha256[32];
	char policy_hex[65], config_hex[65];
	is(sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), sha256), SAM_OK);
	sam_encode_hex(sha256, 32, policy_hex);
	sam_encode_hex(sam->config.sha256, 32, config_hex);
	return signed_by(d, json("{'typ':'sam-policy+jws','kid':'%s'}", d->kid),
			 json("{'iss':'%s','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,'version':%u,"
			      "'policy_sha256':'%s','config_sha256':'%s'}", iss, new_jti(), (long long)iat,
			      (long long)iat + 200, version, policy_hex, config_hex));
}

START_TEST(the_policy_is_signed_by_officers_and_counted_up)
{
	char *text;
	json_t *params = policy_params(2, &text), *older = policy_params(1, &text);
	people();
	refused(sign_policy("administrator", params), SAM_ROLE);
	is(sign_policy("officer", params), SAM_OK);
	ck_assert_uint_eq(snapshot()->sealed->policy.version, 2);
	is(sign_policy("officer", params), SAM_OK); /* the same again, as for a changed configuration */
	refused(sign_policy("officer", older), SAM_POLICY_OLDER);
	json_object_set_new(params, "config_sha256", json_string("00"));
	refused(sign_policy("officer", params), SAM_CONFIG_CHANGED);
	json_decref(params);
	json_decref(older);
	sam_done();
	open_sam(); /* what is in force lies in its place, with its signature */
}
END_TEST

START_TEST(an_officers_device_signs_the_policy)
{
	char *text;
	struct device d = new_device(), other = new_device();
	json_t *params = policy_params(2, &text);
	const int64_t now = sam_clock_now();
	is(act("officer", "officer2", SAM_ACT_PRINCIPAL_DEVICE, "{'name':'officer','jwk':%s}", d.jwk), SAM_OK);
	json_object_set_new(params, "jws", json_string(policy_jws(&other, "officer", text, 2, now)));
	refused(sign_policy("officer", params), SAM_ASSERTION);
	json_object_set_new(params, "jws", json_string(policy_jws(&d, "officer2", text, 2, now)));
	refused(sign_policy("officer", params), SAM_ASSERTION);
	json_object_set_new(params, "jws", json_string(policy_jws(&d, "officer", text, 3, now)));
	refused(sign_policy("officer", params), SAM_POLICY_UNSIGNED);
	json_object_set_new(params, "jws", json_string(policy_jws(&d, "officer", "another", 2, now)));
	refused(sign_policy("officer", params), SAM_POLICY_UNSIGNED);
	json_object_set_new(params, "jws", json_string(policy_jws(&d, "officer", text, 2, now - 400)));
	refused(sign_policy("officer", params), SAM_ASSERTION);
	json_object_set_new(params, "jws", json_string(policy_jws(&d, "officer", text, 2, now)));
	is(sign_policy("officer", params), SAM_OK);
	ck_assert_str_eq(snapshot()->sealed->signer.kid, d.kid);
	refused(sign_policy("officer", params), SAM_DIGEST_USED); /* the same signature a second time */
	json_decref(params);
	sam_done();
	open_sam();
}
END_TEST

/* ---- */

static Suite *suite(void)
{
	Suite *s = suite_create("act");
	TCase *t = tcase_create("act");
	tcase_add_unchecked_fixture(t, sam_make, sam_unmake);
	tcase_add_checked_fixture(t, sam_fresh, sam_done);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_role_that_the_table_does_not_name_may_not);
	tcase_add_test(t, nobody_does_anything);
	tcase_add_test(t, who_is_gone_meanwhile_is_nobody);
	tcase_add_test(t, one_person_is_enough_for_these);
	tcase_add_test(t, what_is_ones_own_is_nobody_elses);
	tcase_add_test(t, a_login_ends);
	tcase_add_test(t, the_second_is_another_of_the_right_role);
	tcase_add_test(t, two_people_are_two);
	tcase_add_test(t, the_cm_is_disabled_by_two_privileged_users);
	tcase_add_test(t, an_act_is_confirmed_once);
	tcase_add_test(t, it_is_cancelled_by_who_began_it_or_might_confirm_it);
	tcase_add_test(t, it_waits_only_so_long);
	tcase_add_test(t, who_began_it_must_still_may);
	tcase_add_test(t, what_it_was_about_must_still_be_so);
	tcase_add_test(t, people_see_what_waits_without_secrets);
	tcase_add_test(t, roles_are_held_apart_when_given_and_when_used);
	tcase_add_test(t, nobody_is_two_people);
	tcase_add_test(t, the_last_officers_and_the_last_auditor_stay);
	tcase_add_test(t, officer_and_auditor_make_the_second_officer_once);
	tcase_add_test(t, the_auditor_may_begin_it_and_the_officer_confirm);
	tcase_add_test(t, the_policy_is_signed_by_officers_and_counted_up);
	tcase_add_test(t, an_officers_device_signs_the_policy);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
