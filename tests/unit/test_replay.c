/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a restored registry becomes by the records that came after the backup: what was forbidden stays so, what was
 * made is never given again, what permits counts only in a proven trail; and no order of records brings more
 * back than it should.
 */
#include "store_fixture.h"

#include "admin/replay.h"
#include "base/encode.h"
#include "registry/edit.h"
#include "registry/identify.h"

static struct sam_registry *registry;
static const struct sam_snapshot *s;
static struct sam_replay replay;

enum { SINCE = 50, LOCK_S = 900 };
#define AT "2026-11-25T12:00:00.000000Z"
enum { AT_S = 1795608000 };

/* ---- a backup's registry ---- */

static void commit(struct sam_edit *edit)
{
	is(sam_edit_commit(edit, &(struct sam_edit_with){.records = &a_record, .record_count = 1, .now = now}), SAM_OK);
	sam_edit_clear(edit);
}

static void snapshot(void)
{
	sam_registry_put(s);
	s = NULL;
	is(sam_registry_get(registry, &s), SAM_OK);
}

static EVP_PKEY *new_pkey(void)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	ck_assert_ptr_nonnull(pkey);
	return pkey;
}

static void add_signer(const char *id, bool suspended)
{
	struct sam_signer signer = {.version = 3, .created = 1, .suspended = suspended, .password_own = true};
	struct sam_edit edit;
	strcpy(signer.id, id);
	strcpy(signer.password, "hash");
	strcpy(signer.pin, "pin hash");
	snapshot();
	sam_edit_start(&edit, registry, s);
	is(sam_edit_add_signer(&edit, &signer), SAM_OK);
	commit(&edit);
}

static void add_authenticator(const char *signer, const char *kid)
{
	struct sam_authenticator a = {.created = 1};
	EVP_PKEY *pkey = new_pkey();
	struct sam_edit edit;
	strcpy(a.signer, signer);
	is(sam_device_set(&a.device, "{}", kid, SAM_JWS_ES256, pkey), SAM_OK);
	snapshot();
	sam_edit_start(&edit, registry, s);
	is(sam_edit_add_authenticator(&edit, &a), SAM_OK);
	commit(&edit);
	sam_device_clear(&a.device);
	EVP_PKEY_free(pkey);
}

static char credential[SAM_CREDENTIAL_SIZE]; /* alice's */

static void add_key(const char *signer)
{
	struct sam_key key = {.type = SAM_KEY_EC, .bits = 256, .created = 1, .life = SAM_LIFE_ACTIVE};
	struct sam_edit edit;
	key.pkey = new_pkey();
	strcpy(key.signer, signer);
	is(sam_ossl_spki(key.pkey, &key.spki, &key.spki_len), SAM_OK);
	is(sam_ossl_digest(SAM_HASH_SHA256, key.spki, key.spki_len, key.thumbprint), SAM_OK);
	sam_encode_hex(key.thumbprint, 16, key.credential);
	strcpy(credential, key.credential);
	snapshot();
	sam_edit_start(&edit, registry, s);
	is(sam_edit_add_key(&edit, &key), SAM_OK);
	commit(&edit);
	EVP_PKEY_free(key.pkey);
	free(key.spki);
}

static void add_principal(const char *name, unsigned roles, const char *kid, bool granted)
{
	char signers[2][SAM_NAME_SIZE] = {"alice", "bob"};
	struct sam_principal p = {.roles = roles, .uid = -1, .created = 1, .changed = 1, .signers = signers,
				  .signer_count = granted ? 2 : 0};
	EVP_PKEY *pkey = kid ? new_pkey() : NULL;
	struct sam_edit edit;
	strcpy(p.name, name);
	strcpy(p.password, "hash");
	if (kid)
		is(sam_device_set(&p.device, "{}", kid, SAM_JWS_ES256, pkey), SAM_OK);
	snapshot();
	sam_edit_start(&edit, registry, s);
	is(sam_edit_add_principal(&edit, &p), SAM_OK);
	commit(&edit);
	sam_device_clear(&p.device);
	EVP_PKEY_free(pkey);
}

static void add_pending(void)
{
	struct sam_pending p = {.id = "aaaaaaaaaaaaa", .act = SAM_ACT_SIGNER_RESUME, .by = "officer", .expires = INT32_MAX,
				.params = (char *)"{}"};
	struct sam_edit edit;
	snapshot();
	sam_edit_start(&edit, registry, s);
	is(sam_edit_add_pending(&edit, &p), SAM_OK);
	commit(&edit);
}

static void set_up_backup(void)
{
	is(sam_ossl_start(), SAM_OK);
	set_up();
	is(sam_registry_open(store, seal, &registry), SAM_OK);
	add_signer("alice", false);
	add_signer("bob", false);
	add_signer("carol", true);
	add_authenticator("alice", "kid-1");
	add_authenticator("alice", "kid-2");
	add_authenticator("bob", "kid-3");
	add_key("alice");
	add_principal("officer", SAM_OFFICER, "kid-officer", false);
	add_principal("officer2", SAM_OFFICER, NULL, false);
	add_principal("operator", SAM_OPERATOR | SAM_ADMINISTRATOR, NULL, false);
	add_principal("auditor", SAM_AUDITOR, NULL, false);
	add_principal("sca", SAM_SCA, NULL, true);
	add_pending();
	snapshot();
}

static void tear_down_backup(void)
{
	sam_replay_clear(&replay);
	sam_registry_put(s);
	sam_registry_close(registry);
	tear_down();
}

/* ---- records ---- */

static void begin(bool complete)
{
	const struct sam_replay_rules rules = {SINCE, LOCK_S, complete, {"operator", "officer"}};
	sam_replay_clear(&replay);
	is(sam_replay_start(&replay, s, &rules), SAM_OK);
}

/* ${members}: in the JSON of the record, after its type. */
static void __attribute__((format(printf, 2, 3))) record(const char *type, const char *members, ...)
{
	char more[512], text[1024];
	va_list ap;
	va_start(ap, members);
	vsnprintf(more, sizeof more, members, ap);
	va_end(ap);
	bool told = strstr(more, "\"outcome\"");
	snprintf(text, sizeof text, "{\"type\":\"%s\",\"time\":\"" AT "\"%s%s%s}", type,
		 told ? "" : ",\"outcome\":\"success\"", *more ? "," : "", more);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json != NULL, "%s", text);
	is(sam_replay_record(&replay, json), SAM_OK);
	json_decref(json);
}

static enum sam_reason move_lock(void *arg, const char *name, int64_t until)
{
	struct sam_counter_id doors[SAM_DOORS];
	(void)arg;
	sam_identify_doors(name, doors);
	for (size_t i = 0; i < SAM_DOORS; i++)
		is(until ? sam_store_counter_lock(store, &doors[i], until, NULL)
			 : sam_store_counter_clear(store, &doors[i], NULL), SAM_OK);
	return SAM_OK;
}

/* Into the store, and read back. */
static void carry_out(void)
{
	struct sam_edit edit;
	sam_edit_start(&edit, registry, s);
	is(sam_replay_locks(&replay, move_lock, NULL), SAM_OK);
	is(sam_replay_edit(&replay, &edit, now), SAM_OK);
	commit(&edit);
	sam_replay_clear(&replay);
	snapshot();
	ck_assert_uint_eq(s->pending_count, 0);
}

static const struct sam_signer *signer(const char *id)
{
	const struct sam_signer *found = sam_registry_signer(s, id);
	ck_assert_msg(found != NULL, "no signer %s", id);
	return found;
}

static const struct sam_principal *principal(const char *name)
{
	const struct sam_principal *found = sam_registry_principal(s, name);
	ck_assert_msg(found != NULL, "no principal %s", name);
	return found;
}

static int64_t locked_until(const char *name)
{
	struct sam_counter counter;
	is(sam_store_counter(store, &(struct sam_counter_id){"password", name}, &counter), SAM_OK);
	return counter.locked_until;
}

/* ---- nothing, and the unknown ---- */

START_TEST(without_records_only_what_waited_goes)
{
	begin(true);
	record("sign", "\"signer\":\"alice\"");
	record("made-in-a-later-version", "\"signer\":\"alice\",\"target\":\"officer\",\"old\":\"kid-1\"");
	record("signer-suspend", "\"outcome\":\"failure\",\"signer\":\"alice\"");
	record("signer-remove", "\"signer\":\"nobody\"");
	record("principal-remove", "\"target\":\"nobody\"");
	record("signer-suspend", "%s", "");
	record("authenticator-change", "\"signer\":7,\"old\":[]");
	carry_out();
	ck_assert(!signer("alice")->suspended && signer("carol")->suspended);
	ck_assert_uint_eq(signer("alice")->version, 3);
	ck_assert_uint_eq(s->authenticator_count, 3);
	ck_assert_uint_eq(s->principal_count, 5);
	ck_assert_uint_eq(s->tombstone_count, 0);
	ck_assert(!principal("officer")->locked && !s->cm_disabled);
}
END_TEST

/* ---- signers ---- */

START_TEST(a_suspended_signer_stays_suspended)
{
	begin(false);
	record("signer-suspend", "\"signer\":\"alice\"");
	record("signer-suspend", "\"signer\":\"bob\"");
	record("signer-resume", "\"signer\":\"bob\"");
	record("signer-resume", "\"signer\":\"carol\"");
	carry_out();
	ck_assert(signer("alice")->suspended);
	ck_assert(signer("bob")->suspended); /* that it was resumed is not proven */
	ck_assert(signer("carol")->suspended);
	ck_assert_uint_eq(signer("alice")->version, 4);
	ck_assert_int_eq(signer("alice")->changed, now);
}
END_TEST

START_TEST(a_resumed_signer_is_resumed_if_the_trail_is_proven)
{
	begin(true);
	record("signer-suspend", "\"signer\":\"bob\"");
	record("signer-resume", "\"signer\":\"bob\"");
	record("signer-resume", "\"signer\":\"carol\"");
	record("signer-suspend", "\"signer\":\"alice\"");
	carry_out();
	ck_assert(signer("alice")->suspended);
	ck_assert(!signer("bob")->suspended && !signer("carol")->suspended);
	ck_assert_uint_eq(signer("bob")->version, 4); /* raised all the same: what was authorised before is dead */
}
END_TEST

/* Its keys are destroyed in the CM only if the trail is proven. */
START_TEST(a_removed_signer_is_removed_with_all_that_hangs_on_it)
{
	begin(_i);
	record("signer-suspend", "\"signer\":\"alice\"");
	record("authenticator-change", "\"signer\":\"alice\",\"target\":\"kid-1\",\"old\":\"kid-1\"");
	record("signer-remove", "\"signer\":\"alice\"");
	record("signer-remove", "\"signer\":\"bob\"");
	record("key-destroy", "\"signer\":\"alice\",\"credentialID\":\"%s\"", credential);
	carry_out();
	ck_assert_ptr_null(sam_registry_signer(s, "alice"));
	ck_assert_ptr_null(sam_registry_signer(s, "bob"));
	ck_assert_uint_eq(s->authenticator_count, 0);
	ck_assert_uint_eq(s->key_count, 0);
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "alice"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "bob"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, credential));
	ck_assert_int_eq(sam_registry_tombstone(s, credential)->in_cm, _i);
	ck_assert_uint_eq(principal("sca")->signer_count, 0);
}
END_TEST

START_TEST(what_was_made_since_is_never_given_again)
{
	begin(true);
	record("signer-add", "\"signer\":\"dave\"");
	record("key-generate", "\"signer\":\"dave\",\"credentialID\":\"00112233445566778899aabbccddeeff\"");
	record("authenticator-add", "\"signer\":\"dave\",\"target\":\"kid-9\"");
	record("principal-add", "\"target\":\"ra\",\"new\":\"ra\"");
	record("principal-add", "\"target\":\"ra2\",\"new\":\"ra\"");
	record("principal-remove", "\"target\":\"ra2\",\"old\":\"ra\"");
	record("second-officer", "\"target\":\"officer3\",\"new\":\"security-officer\"");
	record("signer-add", "\"outcome\":\"failure\",\"signer\":\"erin\"");
	carry_out();
	ck_assert_uint_eq(s->tombstone_count, 5);
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "dave"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "00112233445566778899aabbccddeeff"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "officer3"));
	ck_assert_ptr_null(sam_registry_signer(s, "dave"));
}
END_TEST

/* The CM has the one still, which alarms nobody, and not the other. */
START_TEST(a_key_made_since_is_lost_unless_it_was_destroyed_since)
{
	static const char made[] = "00112233445566778899aabbccddeeff", gone[] = "ffeeddccbbaa99887766554433221100";
	begin(true);
	record("key-generate", "\"signer\":\"alice\",\"credentialID\":\"%s\"", made);
	record("key-generate", "\"signer\":\"alice\",\"credentialID\":\"%s\"", gone);
	record("key-revoke", "\"signer\":\"alice\",\"credentialID\":\"%s\"", made);
	record("key-revoke", "\"signer\":\"alice\",\"credentialID\":\"%s\"", gone);
	record("key-destroy", "\"signer\":\"alice\",\"credentialID\":\"%s\"", gone);
	record("signer-add", "\"signer\":\"dave\"");
	carry_out();
	ck_assert(sam_registry_tombstone(s, made)->lost);
	ck_assert(!sam_registry_tombstone(s, gone)->lost);
	ck_assert(!sam_registry_tombstone(s, "dave")->lost);
}
END_TEST

START_TEST(a_replaced_authenticator_does_not_come_back)
{
	begin(true);
	record("authenticator-change", "\"signer\":\"alice\",\"target\":\"kid-8\",\"old\":\"kid-1\",\"new\":\"kid-8\"");
	record("authenticator-change", "\"signer\":\"alice\",\"target\":\"kid-9\",\"new\":\"kid-9\"");
	record("authenticator-change", "\"signer\":\"alice\",\"target\":\"pin\",\"old\":\"pin\"");
	record("authenticator-change", "\"signer\":\"alice\",\"target\":\"kid-3\",\"old\":\"kid-3\""); /* bob's */
	record("authenticator-add", "\"signer\":\"carol\",\"target\":\"kid-7\"");
	record("authenticator-change", "\"signer\":\"carol\",\"target\":\"pin\",\"new\":\"pin\"");
	carry_out();
	ck_assert_ptr_null(sam_registry_authenticator(s, "kid-1"));
	ck_assert_ptr_nonnull(sam_registry_authenticator(s, "kid-2"));
	ck_assert_ptr_nonnull(sam_registry_authenticator(s, "kid-3"));
	ck_assert_str_eq(signer("alice")->pin, "");
	ck_assert_uint_eq(signer("alice")->version, 4);
	ck_assert(signer("carol")->enrolled); /* another one takes two officers, as it would have */
	ck_assert(signer("carol")->pin_set && !signer("bob")->pin_set); /* and another PIN the signer alone */
	ck_assert_str_eq(signer("bob")->pin, "pin hash");
}
END_TEST

START_TEST(a_changed_service_password_is_gone)
{
	begin(true);
	record("signer-passwd", "\"signer\":\"alice\"");
	carry_out();
	ck_assert_str_eq(signer("alice")->password, "");
	ck_assert(!signer("alice")->password_own);
	ck_assert_str_eq(signer("bob")->password, "hash");
}
END_TEST

/* ---- keys ---- */

/* As the backup has it. */
static void key_is(enum sam_life life)
{
	const struct sam_key *found = sam_registry_key(s, credential);
	struct sam_edit edit;
	ck_assert_ptr_nonnull(found);
	struct sam_key key = *found;
	key.life = life;
	sam_edit_start(&edit, registry, s);
	is(sam_edit_set_key(&edit, &key), SAM_OK);
	commit(&edit);
	snapshot();
}

static const struct sam_key *key(void)
{
	const struct sam_key *found = sam_registry_key(s, credential);
	ck_assert_msg(found != NULL, "no key");
	return found;
}

static void about_key(const char *type)
{
	record(type, "\"signer\":\"alice\",\"credentialID\":\"%s\"", credential);
}

START_TEST(a_suspended_key_stays_suspended)
{
	begin(_i);
	about_key("key-suspend");
	carry_out();
	ck_assert_int_eq(key()->life, SAM_LIFE_SUSPENDED);
	ck_assert_int_eq(key()->changed, now); /* what was authorised before is dead */
}
END_TEST

START_TEST(a_key_is_resumed_and_activated_by_a_proven_trail_alone)
{
	key_is(SAM_LIFE_SUSPENDED);
	begin(_i);
	about_key("key-resume");
	carry_out();
	ck_assert_int_eq(key()->life, _i ? SAM_LIFE_ACTIVE : SAM_LIFE_SUSPENDED);
	key_is(SAM_LIFE_INACTIVE);
	begin(_i);
	about_key("key-activate");
	carry_out();
	ck_assert_int_eq(key()->life, _i ? SAM_LIFE_ACTIVE : SAM_LIFE_INACTIVE);
	if (_i)
		ck_assert_int_eq(key()->changed, now);
}
END_TEST

START_TEST(the_order_of_a_keys_records_counts)
{
	key_is(SAM_LIFE_INACTIVE);
	begin(true);
	about_key("key-resume"); /* of what is not suspended: nothing */
	ck_assert(!replay.policy_lost);
	about_key("key-activate");
	about_key("key-suspend");
	about_key("key-resume");
	about_key("key-suspend");
	about_key("key-activate"); /* of what is not inactive: nothing */
	carry_out();
	ck_assert_int_eq(key()->life, SAM_LIFE_SUSPENDED);
}
END_TEST

START_TEST(a_key_that_ended_does_not_come_back)
{
	static const char *const ends[] = {"key-revoke", "key-retire", "key-destroy"};
	begin(_i & 1);
	about_key(ends[_i / 2]);
	about_key("key-resume");
	about_key("key-activate");
	carry_out();
	ck_assert_ptr_null(sam_registry_key(s, credential));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, credential));
	/* whoever writes into the trail must not have keys destroyed */
	ck_assert_int_eq(sam_registry_tombstone(s, credential)->in_cm, _i & 1);
	ck_assert_ptr_nonnull(sam_registry_signer(s, "alice"));
}
END_TEST

/* The new one is lost with all that was made since; the old one ended when it was activated. */
START_TEST(a_renewed_key_does_not_come_back)
{
	begin(true);
	record("key-generate", "\"signer\":\"alice\",\"credentialID\":\"00112233445566778899aabbccddeeff\",\"old\":\"%s\"",
	       credential);
	record("key-activate", "\"signer\":\"alice\",\"credentialID\":\"00112233445566778899aabbccddeeff\",\"old\":\"%s\"",
	       credential);
	carry_out();
	ck_assert_ptr_null(sam_registry_key(s, credential));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, credential));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "00112233445566778899aabbccddeeff"));
}
END_TEST

START_TEST(an_imported_key_is_lost_as_a_made_one)
{
	begin(false);
	record("key-import", "\"signer\":\"alice\",\"credentialID\":\"00112233445566778899aabbccddeeff\"");
	record("key-certificate", "\"signer\":\"alice\",\"credentialID\":\"%s\",\"new\":\"CN=x\"", credential);
	record("key-csr", "\"signer\":\"alice\",\"credentialID\":\"%s\"", credential);
	carry_out();
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "00112233445566778899aabbccddeeff"));
	ck_assert_int_eq(key()->life, SAM_LIFE_ACTIVE);
	ck_assert_ptr_null(key()->certificate.der);
}
END_TEST

START_TEST(records_of_unknown_or_failed_ends_end_nothing)
{
	begin(true);
	record("key-revoke", "\"outcome\":\"failure\",\"signer\":\"alice\",\"credentialID\":\"%s\"", credential);
	record("key-destroy", "\"outcome\":\"failure\",\"signer\":\"alice\",\"credentialID\":\"%s\"", credential);
	record("key-revoke", "\"signer\":\"alice\"");
	record("key-revoke", "\"signer\":\"alice\",\"credentialID\":7");
	record("key-retire", "\"signer\":\"alice\",\"credentialID\":\"00000000000000000000000000000000\"");
	record("key-activate", "\"signer\":\"alice\",\"credentialID\":\"%s\",\"old\":\"alice\"", credential);
	carry_out();
	ck_assert_int_eq(key()->life, SAM_LIFE_ACTIVE);
}
END_TEST

/* ---- principals ---- */

START_TEST(a_removed_principal_stays_removed)
{
	begin(false);
	record("principal-passwd", "\"target\":\"officer2\"");
	record("principal-remove", "\"target\":\"officer2\",\"old\":\"security-officer\"");
	is(sam_replay_check(&replay, "officer2", SAM_OFFICER, now), SAM_ROLE);
	carry_out();
	ck_assert_ptr_null(sam_registry_principal(s, "officer2"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "officer2"));
}
END_TEST

START_TEST(a_revoked_role_does_not_come_back)
{
	begin(true);
	record("role-revoke", "\"target\":\"operator\",\"old\":\"administrator operator\",\"new\":\"administrator\"");
	record("role-grant", "\"target\":\"auditor\",\"old\":\"auditor\",\"new\":\"auditor ra\"");
	record("role-revoke", "\"target\":\"auditor\",\"old\":\"auditor ra\",\"new\":\"ra\"");
	is(sam_replay_check(&replay, "operator", SAM_OPERATOR, now), SAM_ROLE);
	is(sam_replay_check(&replay, "operator", SAM_ADMINISTRATOR, now), SAM_OK);
	carry_out();
	ck_assert_uint_eq(principal("operator")->roles, SAM_ADMINISTRATOR);
	/* of what it has now nothing is in the backup */
	ck_assert_ptr_null(sam_registry_principal(s, "auditor"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "auditor"));
}
END_TEST

START_TEST(who_changed_the_password_or_the_device_is_locked)
{
	begin(true);
	record("principal-passwd", "\"target\":\"auditor\"");
	record("principal-device", "\"target\":\"officer\",\"old\":\"kid-officer\",\"new\":\"kid-8\"");
	record("principal-unlock", "\"target\":\"officer\""); /* of another lock */
	is(sam_replay_check(&replay, "officer", SAM_OFFICER, now), SAM_LOCKED);
	is(sam_replay_check(&replay, "officer2", SAM_OFFICER, now), SAM_OK);
	is(sam_replay_check(&replay, "nobody", SAM_OFFICER, now), SAM_ROLE);
	is(sam_replay_check(&replay, "officer2", SAM_OPERATOR, now), SAM_ROLE);
	carry_out();
	ck_assert(principal("auditor")->locked && principal("officer")->locked && !principal("officer2")->locked);
	ck_assert_str_eq(principal("officer")->device.kid, "");
	ck_assert_int_eq(principal("officer")->changed, now);
}
END_TEST

START_TEST(a_lock_lasts_as_long_as_it_would_have)
{
	begin(true);
	record("lock", "\"outcome\":\"failure\",\"reason\":\"locked\",\"target\":\"officer\"");
	record("lock", "\"outcome\":\"failure\",\"reason\":\"locked\",\"target\":\"alice\",\"signer\":\"alice\"");
	record("lock", "\"outcome\":\"failure\",\"reason\":\"locked\",\"target\":\"bob\",\"signer\":\"bob\"");
	record("lock", "\"outcome\":\"failure\",\"reason\":\"locked\",\"target\":\"nobody\"");
	record("signer-unlock", "\"signer\":\"bob\"");
	is(sam_replay_check(&replay, "officer", SAM_OFFICER, AT_S + LOCK_S - 1), SAM_LOCKED);
	is(sam_replay_check(&replay, "officer", SAM_OFFICER, AT_S + LOCK_S), SAM_OK);
	carry_out();
	ck_assert_int_eq(locked_until("officer"), AT_S + LOCK_S);
	ck_assert_int_eq(locked_until("alice"), AT_S + LOCK_S);
	ck_assert_int_eq(locked_until("bob"), 0);
	ck_assert_int_eq(locked_until("nobody"), 0);
}
END_TEST

START_TEST(a_lock_is_ended_only_by_a_proven_trail)
{
	begin(false);
	record("lock", "\"outcome\":\"failure\",\"target\":\"officer2\"");
	record("principal-unlock", "\"target\":\"officer2\"");
	carry_out();
	ck_assert_int_eq(locked_until("officer2"), AT_S + LOCK_S);
}
END_TEST

/* ---- the whole ---- */

START_TEST(what_cannot_be_proven_is_held)
{
	begin(false);
	record("signer-resume", "\"signer\":\"carol\"");
	sam_replay_hold(&replay);
	carry_out();
	for (size_t i = 0; i < s->signer_count; i++) {
		ck_assert(s->signers[i].suspended && s->signers[i].enrolled && s->signers[i].pin_set);
		ck_assert_uint_eq(s->signers[i].version, 4);
	}
	for (size_t i = 0; i < s->principal_count; i++) {
		const char *name = s->principals[i].name;
		bool restores = strcmp(name, "operator") == 0 || strcmp(name, "officer") == 0;
		ck_assert_int_eq(s->principals[i].locked, !restores);
	}
	ck_assert_uint_eq(s->key_count, 1);
	ck_assert_uint_eq(s->authenticator_count, 3);
}
END_TEST

START_TEST(an_earlier_restore_holds_unless_all_of_it_is_replayed)
{
	static const struct {
		const char *old, *new;
		bool held;
	} cases[] = {
		{"audit_seq 50, epoch 1, file_sha256 00", "complete up to record 60, epoch 2", false},
		{"audit_seq 51, epoch 1, file_sha256 00", "complete up to record 60, epoch 2", false},
		{"audit_seq 49, epoch 1, file_sha256 00", "complete up to record 60, epoch 2", true},
		{"audit_seq 50, epoch 1, file_sha256 00", "gap after record 60: every signer suspended, epoch 2", true},
		{"", "complete", true},
	};
	begin(true);
	record("restore", "\"target\":\"b1\",\"old\":\"%s\",\"new\":\"%s\"", cases[_i].old, cases[_i].new);
	record("signer-resume", "\"signer\":\"bob\"");
	carry_out();
	ck_assert_int_eq(signer("alice")->suspended, cases[_i].held);
	ck_assert_int_eq(principal("officer2")->locked, cases[_i].held);
	ck_assert(!signer("bob")->suspended && !principal("officer")->locked);
}
END_TEST

START_TEST(a_disabled_cm_stays_disabled)
{
	begin(false);
	record("cm-disable", "\"target\":\"/lib/cm.so\"");
	record("cm-enable", "\"target\":\"/lib/cm.so\"");
	record("policy-sign", "\"old\":\"00\",\"new\":\"11\"");
	ck_assert(replay.policy_lost);
	carry_out();
	ck_assert(s->cm_disabled);
	begin(true);
	record("cm-enable", "\"target\":\"/lib/cm.so\"");
	ck_assert(!replay.policy_lost);
	carry_out();
	ck_assert(!s->cm_disabled);
}
END_TEST

/* ---- lines ---- */

START_TEST(a_line_gives_its_own_columns)
{
	struct sam_audit_row row;
	json_t *object;
	ck_assert(sam_replay_line("{\"v\":1,\"seq\":7,\"node\":\"n\",\"time\":\"" AT "\",\"type\":\"sign\",\"outcome\":"
				  "\"failure\",\"reason\":\"sad_expired\",\"actor\":{\"kind\":\"signer\",\"id\":\"alice\"},"
				  "\"signer\":\"alice\",\"credentialID\":\"c\",\"sad\":{\"jti\":\"j\"}}", &row, &object));
	ck_assert_uint_eq(row.seq, 7);
	ck_assert_int_eq(row.time_us, AT_S * INT64_C(1000000));
	ck_assert_str_eq(row.type, "sign");
	ck_assert_str_eq(row.outcome, "failure");
	ck_assert_str_eq(row.reason, "sad_expired");
	ck_assert_str_eq(row.actor, "alice");
	ck_assert_str_eq(row.signer, "alice");
	ck_assert_str_eq(row.credential, "c");
	ck_assert_str_eq(row.jti, "j");
	json_decref(object);
}
END_TEST

START_TEST(what_is_no_record_is_none)
{
	static const char *const lines[] = {
		"", "{}", "[]", "{\"seq\":1,\"type\":\"a\",\"outcome\":\"b\"}", "not json",
		"{\"seq\":1,\"seq\":2,\"type\":\"a\",\"outcome\":\"b\",\"time\":\"" AT "\"}",
		"{\"seq\":0,\"type\":\"a\",\"outcome\":\"b\",\"time\":\"" AT "\"}",
		"{\"seq\":1,\"type\":\"a\",\"outcome\":\"b\",\"time\":\"yesterday\"}",
		"{\"seq\":1,\"type\":7,\"outcome\":\"b\",\"time\":\"" AT "\"}",
	};
	struct sam_audit_row row;
	json_t *object;
	ck_assert(!sam_replay_line(lines[_i], &row, &object));
	json_decref(object);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("replay");
	TCase *t = tcase_create("replay");
	tcase_add_checked_fixture(t, set_up_backup, tear_down_backup);
	tcase_add_test(t, without_records_only_what_waited_goes);
	tcase_add_test(t, a_suspended_signer_stays_suspended);
	tcase_add_test(t, a_resumed_signer_is_resumed_if_the_trail_is_proven);
	tcase_add_loop_test(t, a_removed_signer_is_removed_with_all_that_hangs_on_it, false, true + 1);
	tcase_add_test(t, what_was_made_since_is_never_given_again);
	tcase_add_test(t, a_key_made_since_is_lost_unless_it_was_destroyed_since);
	tcase_add_test(t, a_replaced_authenticator_does_not_come_back);
	tcase_add_test(t, a_changed_service_password_is_gone);
	tcase_add_loop_test(t, a_suspended_key_stays_suspended, false, true + 1);
	tcase_add_loop_test(t, a_key_is_resumed_and_activated_by_a_proven_trail_alone, false, true + 1);
	tcase_add_test(t, the_order_of_a_keys_records_counts);
	tcase_add_loop_test(t, a_key_that_ended_does_not_come_back, 0, 6);
	tcase_add_test(t, a_renewed_key_does_not_come_back);
	tcase_add_test(t, an_imported_key_is_lost_as_a_made_one);
	tcase_add_test(t, records_of_unknown_or_failed_ends_end_nothing);
	tcase_add_test(t, a_removed_principal_stays_removed);
	tcase_add_test(t, a_revoked_role_does_not_come_back);
	tcase_add_test(t, who_changed_the_password_or_the_device_is_locked);
	tcase_add_test(t, a_lock_lasts_as_long_as_it_would_have);
	tcase_add_test(t, a_lock_is_ended_only_by_a_proven_trail);
	tcase_add_test(t, what_cannot_be_proven_is_held);
	tcase_add_loop_test(t, an_earlier_restore_holds_unless_all_of_it_is_replayed, 0, 5);
	tcase_add_test(t, a_disabled_cm_stays_disabled);
	suite_add_tcase(all, t);
	t = tcase_create("lines");
	tcase_add_test(t, a_line_gives_its_own_columns);
	tcase_add_loop_test(t, what_is_no_record_is_none, 0, 9);
	suite_add_tcase(all, t);
	return all;
}

SAM_UNIT_MAIN(suite)
