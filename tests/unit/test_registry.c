/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry over a real store: what is put in comes out, in every process; what the rules forbid or is no
 * entry is refused. And passwords.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/encode.h"
#include "base/file.h"
#include "registry/edit.h"
#include "registry/password.h"
#include "registry/row.h"
#include "unit.h"

static char dir[64], path[96];
static struct sam_seal *seal;
static struct sam_store *store;
static struct sam_registry *registry;
static const struct sam_record record = {.members = "\"type\":\"test\"", .type = "test", .outcome = "success"};

static enum sam_reason chain(const struct sam_record *r, uint64_t seq, const char *node, int64_t time_us,
			     const uint8_t prev[32], char **line, uint8_t hash[32])
{
	char text[200];
	snprintf(text, sizeof text, "{%s,\"seq\":%llu,\"node\":\"%s\",\"time\":%lld}", r->members,
		 (unsigned long long)seq, node, (long long)time_us);
	*line = strdup(text);
	(void)prev;
	return sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), hash);
}

static void setup(void)
{
	static const uint8_t root[32] = {7};
	strcpy(dir, "/tmp/sam-registry-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/state.db", dir);
	ck_assert_int_eq(sam_seal_new(root, &seal), SAM_OK);
	struct sam_store_options options = {.path = path, .seal = seal, .chain = chain};
	ck_assert_int_eq(sam_store_create(&options, "node", NULL), SAM_OK);
	ck_assert_int_eq(sam_store_open(&options, &store, NULL), SAM_OK);
	ck_assert_int_eq(sam_registry_open(store, seal, &registry), SAM_OK);
}

static void teardown(void)
{
	char command[100];
	sam_registry_close(registry);
	sam_store_close(store);
	sam_seal_free(seal);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

enum { NOW = 1800000000 };

/* ---- one edit ---- */

static void begin(struct sam_edit *edit)
{
	const struct sam_snapshot *s;
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_OK);
	sam_edit_start(edit, registry, s);
}

/* Commits it if what came before is well; it is over in any case. */
static enum sam_reason end(struct sam_edit *edit, enum sam_reason reason)
{
	const struct sam_edit_with with = {.records = &record, .record_count = 1, .now = NOW};
	if (reason == SAM_OK)
		reason = sam_edit_commit(edit, &with);
	sam_edit_clear(edit);
	sam_registry_put(edit->snapshot);
	return reason;
}

/* The act is one call on an edit called e. */
#define EDIT(act)                                                                                            \
	__extension__({                                                                                      \
		struct sam_edit e;                                                                           \
		begin(&e);                                                                                   \
		end(&e, act);                                                                                \
	})

static const struct sam_snapshot *look(void)
{
	const struct sam_snapshot *s;
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_OK);
	return s;
}

/* A row as the registry would never write it, but rightly sealed: as a restored or a migrated one may be. */
static void force_row(enum sam_change_kind what, const char *kind, const char *id, const char *body)
{
	uint64_t version;
	ck_assert_int_eq(sam_store_grants_version(store, &version), SAM_OK);
	const struct sam_change change = {what, {kind, id, body, strlen(body)}};
	const struct sam_change_set set = {
		.version = version, .changes = &change, .count = 1, .records = &record, .record_count = 1};
	ck_assert_int_eq(sam_store_grants_change(store, &set), SAM_OK);
}

/* ---- who and what ---- */

static void add_signer(const char *id)
{
	struct sam_signer s = {.created = 1, .version = 1};
	strcpy(s.id, id);
	strcpy(s.name, "A Name");
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &s)), SAM_OK);
}

static EVP_PKEY *new_pkey(void)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	ck_assert_ptr_nonnull(pkey);
	return pkey;
}

static void make_key(struct sam_key *key, const char *signer, EVP_PKEY *pkey)
{
	memset(key, 0, sizeof *key);
	strcpy(key->signer, signer);
	strcpy(key->label, "a label");
	key->type = SAM_KEY_EC;
	key->bits = 256;
	key->pkey = pkey;
	memset(key->cm_id, 0x11, sizeof key->cm_id);
	ck_assert_int_eq(sam_ossl_spki(pkey, &key->spki, &key->spki_len), SAM_OK);
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, key->spki, key->spki_len, key->thumbprint), SAM_OK);
	sam_encode_hex(key->thumbprint, 16, key->credential);
}

/* Clear its device. */
static struct sam_authenticator make_authenticator(const char *signer, const char *kid, EVP_PKEY *pkey)
{
	struct sam_authenticator a = {.created = 2};
	strcpy(a.signer, signer);
	ck_assert_int_eq(sam_device_set(&a.device, "{\"kty\":\"EC\"}", kid, SAM_JWS_ES256, pkey), SAM_OK);
	return a;
}

static struct sam_principal make_principal(const char *name, unsigned roles)
{
	struct sam_principal p = {.roles = roles, .password = "x", .uid = -1, .created = 3, .changed = 4};
	strcpy(p.name, name);
	return p;
}

START_TEST(what_is_added_is_found_by_every_other_registry)
{
	struct sam_key key;
	EVP_PKEY *pkey = new_pkey();
	add_signer("alice");
	make_key(&key, "alice", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_OK);
	struct sam_authenticator a = make_authenticator("alice", "kid-1", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_OK);
	char granted[1][SAM_NAME_SIZE] = {"alice"};
	struct sam_principal p = make_principal("sca", SAM_SCA);
	p.signers = granted;
	p.signer_count = 1;
	p.uid = 1000;
	ck_assert_int_eq(sam_device_set(&p.device, "{}", "kid-2", SAM_JWS_NONE, pkey), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &p)), SAM_OK);

	struct sam_registry *other;
	const struct sam_snapshot *s;
	ck_assert_int_eq(sam_registry_open(store, seal, &other), SAM_OK);
	ck_assert_int_eq(sam_registry_get(other, &s), SAM_OK);
	const struct sam_key *found = sam_registry_key(s, key.credential);
	ck_assert_ptr_nonnull(found);
	ck_assert_mem_eq(found->thumbprint, key.thumbprint, 32);
	ck_assert_mem_eq(found->cm_id, key.cm_id, 16);
	ck_assert_str_eq(found->label, "a label");
	ck_assert_int_eq(EVP_PKEY_eq(found->pkey, pkey), 1);
	const struct sam_authenticator *device = sam_registry_authenticator(s, "kid-1");
	ck_assert_ptr_nonnull(device);
	ck_assert_str_eq(device->signer, "alice");
	ck_assert_int_eq(device->device.alg, SAM_JWS_ES256);
	ck_assert_str_eq(device->device.jwk, "{\"kty\":\"EC\"}");
	ck_assert_int_eq(EVP_PKEY_eq(device->device.pkey, pkey), 1);
	const struct sam_principal *sca = sam_registry_principal(s, "sca");
	ck_assert_uint_eq(sca->signer_count, 1);
	ck_assert_uint_eq(sca->roles, SAM_SCA);
	ck_assert_int_eq(sca->uid, 1000);
	ck_assert_int_eq(sca->changed, 4);
	ck_assert(!sca->locked);
	ck_assert_str_eq(sca->device.kid, "kid-2");
	ck_assert_int_eq(sca->device.alg, SAM_JWS_NONE);
	ck_assert_str_eq(sam_registry_signer(s, "alice")->name, "A Name");
	ck_assert_ptr_null(sam_registry_signer(s, "bob"));
	sam_registry_put(s);
	sam_registry_close(other);
	sam_device_clear(&a.device);
	sam_device_clear(&p.device);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

START_TEST(everything_about_a_signer_comes_back)
{
	struct sam_signer s = {.id = "alice",
			       .name = "Alice \"A.\" Example",
			       .subject = "CN=Alice,C=JP",
			       .password = "hash",
			       .password_own = true,
			       .password_by = "officer",
			       .pin = "another hash",
			       .suspended = true,
			       .enrolled = true,
			       .version = 7,
			       .changed = NOW,
			       .created = 5};
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &s)), SAM_OK);
	const struct sam_snapshot *snapshot = look();
	struct sam_signer found = *sam_registry_signer(snapshot, "alice");
	ck_assert_mem_eq(&found, &s, sizeof s);
	sam_registry_put(snapshot);
	s.suspended = s.password_own = false;
	s.version = 8;
	s.pin[0] = '\0';
	ck_assert_int_eq(EDIT(sam_edit_set_signer(&e, &s)), SAM_OK);
	snapshot = look();
	ck_assert(!sam_registry_signer(snapshot, "alice")->suspended);
	ck_assert_uint_eq(sam_registry_signer(snapshot, "alice")->version, 8);
	ck_assert_str_eq(sam_registry_signer(snapshot, "alice")->pin, "");
	sam_registry_put(snapshot);
	strcpy(s.id, "bob"); /* nothing to put it in the place of */
	ck_assert_int_eq(EDIT(sam_edit_set_signer(&e, &s)), SAM_NOT_FOUND);
}
END_TEST

START_TEST(a_snapshot_stays_as_it_was)
{
	add_signer("alice");
	const struct sam_snapshot *before = look();
	add_signer("bob");
	const struct sam_snapshot *after = look();
	ck_assert_ptr_null(sam_registry_signer(before, "bob"));
	ck_assert_ptr_nonnull(sam_registry_signer(after, "bob"));
	ck_assert_uint_ne(before->version, after->version);
	sam_registry_put(before);
	sam_registry_put(after);
}
END_TEST

START_TEST(an_edit_of_an_older_snapshot_is_refused)
{
	struct sam_signer bob = {.id = "bob"};
	struct sam_edit late;
	begin(&late);
	add_signer("alice"); /* somebody is quicker */
	ck_assert_int_eq(end(&late, sam_edit_add_signer(&late, &bob)), SAM_STORE_CHANGED);
	const struct sam_snapshot *s = look();
	ck_assert_ptr_null(sam_registry_signer(s, "bob"));
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &bob)), SAM_OK);
}
END_TEST

START_TEST(an_edit_is_done_whole_or_not_at_all)
{
	struct sam_signer bob = {.id = "bob"}, carla = {.id = "carla"};
	const struct sam_spend spend = {{.iss = "alice", .jti = "0123456789abcdef", .iat = NOW, .exp = NOW + 60, .limit = 1},
					{1}};
	struct sam_edit_with with = {
		.records = &record, .record_count = 1, .now = NOW, .spends = &spend, .spend_count = 1};
	struct sam_edit e;
	begin(&e);
	ck_assert_int_eq(sam_edit_add_signer(&e, &bob), SAM_OK);
	ck_assert_int_eq(sam_edit_commit(&e, &with), SAM_OK);
	sam_edit_clear(&e);
	sam_registry_put(e.snapshot);
	begin(&e); /* the same statement orders nothing twice */
	ck_assert_int_eq(sam_edit_add_signer(&e, &carla), SAM_OK);
	ck_assert_int_eq(sam_edit_commit(&e, &with), SAM_DIGEST_USED);
	sam_edit_clear(&e);
	sam_registry_put(e.snapshot);
	const struct sam_snapshot *s = look();
	ck_assert_ptr_nonnull(sam_registry_signer(s, "bob"));
	ck_assert_ptr_null(sam_registry_signer(s, "carla"));
	sam_registry_put(s);
}
END_TEST

/* ---- names and device keys ---- */

START_TEST(names_are_one_name_space_and_ids_are_unique)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_key key;
	add_signer("alice");
	struct sam_signer again = {.id = "alice"}, bad = {.id = "a b"};
	struct sam_principal p = make_principal("alice", SAM_AUDITOR), sca = make_principal("sca", SAM_SCA);
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &again)), SAM_EXISTS);
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &bad)), SAM_ARGUMENTS);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &p)), SAM_EXISTS);
	make_key(&key, "nobody", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_NOT_FOUND);
	strcpy(key.signer, "alice");
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_OK);
	add_signer("bob");
	strcpy(key.signer, "bob"); /* an assigned key cannot be given to another */
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_EXISTS);
	struct sam_authenticator a = make_authenticator("nobody", "kid-1", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_NOT_FOUND);
	char granted[1][SAM_NAME_SIZE] = {"nobody"};
	sca.signers = granted;
	sca.signer_count = 1;
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &sca)), SAM_NOT_FOUND);
	strcpy(granted[0], "bob");
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &sca)), SAM_OK);
	again = (struct sam_signer){.id = "sca"};
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &again)), SAM_EXISTS);
	sam_device_clear(&a.device);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

/* Whose key it is, is who it is: nobody is two people (P1-7.1.1.4 to 7.1.1.7). */
START_TEST(a_device_key_or_uid_is_one_persons)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_principal officer = make_principal("officer", SAM_OFFICER), auditor = make_principal("auditor", SAM_AUDITOR);
	struct sam_authenticator a = make_authenticator("alice", "kid-1", pkey);
	add_signer("alice");
	add_signer("bob");
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_EXISTS);
	strcpy(a.signer, "bob");
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_KEY_SHARED);

	ck_assert_int_eq(sam_device_set(&officer.device, "{}", "kid-1", SAM_JWS_ES256, pkey), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &officer)), SAM_KEY_SHARED);
	strcpy(officer.device.kid, "kid-2");
	officer.uid = 1000;
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &officer)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_set_principal(&e, &officer)), SAM_OK); /* one's own is no other's */
	strcpy(a.device.kid, "kid-2");
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_KEY_SHARED);

	ck_assert_int_eq(sam_device_set(&auditor.device, "{}", "kid-2", SAM_JWS_ES256, pkey), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &auditor)), SAM_KEY_SHARED);
	strcpy(auditor.device.kid, "kid-3");
	auditor.uid = 1000;
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &auditor)), SAM_KEY_SHARED);
	auditor.uid = 1001;
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &auditor)), SAM_OK);
	strcpy(auditor.device.kid, "kid-2"); /* nor is it taken over later */
	ck_assert_int_eq(EDIT(sam_edit_set_principal(&e, &auditor)), SAM_KEY_SHARED);
	strcpy(auditor.device.kid, "kid-3");
	auditor.uid = 1000;
	ck_assert_int_eq(EDIT(sam_edit_set_principal(&e, &auditor)), SAM_KEY_SHARED);
	sam_device_clear(&a.device);
	sam_device_clear(&officer.device);
	sam_device_clear(&auditor.device);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_removed_principals_name_is_never_given_again)
{
	struct sam_principal p = make_principal("olga", SAM_OPERATOR);
	struct sam_signer s = {.id = "olga"};
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &p)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_remove_principal(&e, &p, NOW)), SAM_OK);
	const struct sam_snapshot *snapshot = look();
	ck_assert_ptr_null(sam_registry_principal(snapshot, "olga"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(snapshot, "olga"));
	ck_assert_int_eq(sam_registry_tombstone(snapshot, "olga")->removed, NOW);
	sam_registry_put(snapshot);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &p)), SAM_NAME_USED);
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &s)), SAM_NAME_USED);
	ck_assert_int_eq(EDIT(sam_edit_remove_principal(&e, &p, NOW)), SAM_NOT_FOUND);
}
END_TEST

START_TEST(a_removed_signer_takes_all_along_and_never_comes_back)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_key key;
	add_signer("alice");
	add_signer("bob");
	make_key(&key, "alice", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_OK);
	struct sam_authenticator a = make_authenticator("alice", "kid-1", pkey), b = make_authenticator("bob", "kid-2", pkey);
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &a)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_authenticator(&e, &b)), SAM_OK);
	char both[2][SAM_NAME_SIZE] = {"alice", "bob"};
	struct sam_principal sca = make_principal("sca", SAM_SCA), only = make_principal("only", SAM_SCA);
	sca.signers = only.signers = both;
	sca.signer_count = 2;
	only.signer_count = 1;
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &sca)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &only)), SAM_OK);

	struct sam_signer alice = {.id = "alice"};
	ck_assert_int_eq(EDIT(sam_edit_remove_signer(&e, &alice, true, NOW)), SAM_OK);
	const struct sam_snapshot *s = look();
	ck_assert_ptr_null(sam_registry_signer(s, "alice"));
	ck_assert_ptr_null(sam_registry_key(s, key.credential));
	ck_assert_ptr_null(sam_registry_authenticator(s, "kid-1"));
	ck_assert_ptr_nonnull(sam_registry_authenticator(s, "kid-2"));
	ck_assert_uint_eq(sam_registry_principal(s, "sca")->signer_count, 1);
	ck_assert_str_eq(sam_registry_principal(s, "sca")->signers[0], "bob");
	ck_assert_uint_eq(sam_registry_principal(s, "only")->signer_count, 0);
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, "alice"));
	ck_assert_ptr_nonnull(sam_registry_tombstone(s, key.credential));
	sam_registry_put(s);

	struct sam_principal p = make_principal("alice", SAM_OPERATOR);
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &alice)), SAM_NAME_USED);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &p)), SAM_NAME_USED);
	strcpy(key.signer, "bob");
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_NAME_USED);
	sam_device_clear(&a.device);
	sam_device_clear(&b.device);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

START_TEST(a_key_that_is_not_its_thumbprint_is_tampering)
{
	const struct sam_snapshot *s;
	EVP_PKEY *pkey = new_pkey();
	struct sam_key key;
	add_signer("alice");
	make_key(&key, "alice", pkey);
	key.thumbprint[31] ^= 1;
	ck_assert_int_eq(EDIT(sam_edit_add_key(&e, &key)), SAM_ARGUMENTS); /* what would not be read is not written */
	char *body;
	ck_assert_int_eq(sam_row_write_key(&key, &body), SAM_OK);
	force_row(SAM_CHANGE_ADD, SAM_ROW_KEY, key.credential, body);
	free(body);
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_STORE_TAMPERED);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

START_TEST(a_row_of_an_unknown_kind_or_body_is_tampering)
{
	static const struct {
		const char *kind, *id, *body;
	} rows[] = {
		{"grant", "x", "{}"},
		{SAM_ROW_STATE, "x", "{}"},
		{SAM_ROW_PRINCIPAL, "x", "{}"},
		{SAM_ROW_SIGNER, "x", "[]"},
		{SAM_ROW_AUTHENTICATOR, "x", ""},
		{SAM_ROW_PENDING, "x", "{\"act\":\"no such act\"}"},
		{SAM_ROW_TOMBSTONE, "x", "{}"},
		{SAM_ROW_OWN, SAM_ROW_STATEMENT, "{}"},
		{SAM_ROW_OWN, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "{}"},
		{SAM_ROW_OWN, "too short", "{}"},
		{SAM_ROW_POLICY, "x", "{}"},
	};
	const struct sam_snapshot *s;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		force_row(SAM_CHANGE_ADD, rows[i].kind, rows[i].id, rows[i].body);
		ck_assert_msg(sam_registry_get(registry, &s) == SAM_STORE_TAMPERED, "%s %s", rows[i].kind, rows[i].body);
		force_row(SAM_CHANGE_REMOVE, rows[i].kind, rows[i].id, "");
		sam_registry_put(look());
	}
}
END_TEST

static struct sam_sap_key sap_key(char digit, EVP_PKEY *pkey, bool rsa)
{
	struct sam_sap_key key = {.rsa = rsa, .name = "0123456789abcdef", .pkey = pkey, .created = 1000};
	memset(key.kid, digit, sizeof key.kid - 1);
	key.statement = (char *)(uintptr_t)"a.b.c";
	return key;
}

START_TEST(a_new_sap_key_takes_the_place_of_the_one_in_use)
{
	EVP_PKEY *ec = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)2048);
	struct sam_sap_key first = sap_key('b', ec, false), second = sap_key('a', ec, false), other = sap_key('c', rsa, true);
	struct sam_sap_key mislabelled = sap_key('d', ec, true);
	ck_assert_int_eq(EDIT(sam_edit_add_sap_key(&e, &first, 0)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_sap_key(&e, &other, 0)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_sap_key(&e, &mislabelled, 0)), SAM_ARGUMENTS);
	ck_assert_int_eq(EDIT(sam_edit_add_sap_key(&e, &second, 5000)), SAM_OK);
	const struct sam_snapshot *s = look();
	ck_assert_uint_eq(s->sap_key_count, 3);
	ck_assert_str_eq(sam_registry_sap_now(s, false)->kid, second.kid);
	ck_assert_str_eq(sam_registry_sap_now(s, true)->kid, other.kid);
	ck_assert_int_eq(sam_registry_sap_key(s, first.kid)->until, 5000);
	ck_assert_int_eq(sam_registry_sap_key(s, other.kid)->until, 0);
	ck_assert_str_eq(sam_registry_sap_key(s, first.kid)->statement, "a.b.c");
	ck_assert_ptr_null(sam_registry_sap_key(s, "statement"));
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_remove_sap_key(&e, first.kid)), SAM_OK);
	s = look();
	ck_assert_ptr_null(sam_registry_sap_key(s, first.kid));
	sam_registry_put(s);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}
END_TEST

/* ---- personal data ---- */

static bool in_files(const char *text)
{
	char command[200];
	snprintf(command, sizeof command, "cat %s/state.db* | grep -qaF '%s'", dir, text);
	int status = system(command);
	ck_assert(status == 0 || status == 256);
	return status == 0;
}

START_TEST(names_and_subjects_are_not_in_clear_in_the_files)
{
	struct sam_signer s = {.id = "zaphod-id", .name = "Zaphod Beeblebrox", .subject = "CN=Heart of Gold"};
	ck_assert_int_eq(EDIT(sam_edit_add_signer(&e, &s)), SAM_OK);
	ck_assert(in_files("zaphod-id")); /* so that the search may fail */
	ck_assert(!in_files("Beeblebrox"));
	ck_assert(!in_files("Heart of Gold"));
	strcpy(s.name, "Trillian Astra");
	ck_assert_int_eq(EDIT(sam_edit_set_signer(&e, &s)), SAM_OK);
	ck_assert(!in_files("Trillian"));
}
END_TEST

/* Bound to the id: under another it is nobody's. */
START_TEST(one_signers_personal_data_is_no_others)
{
	const struct sam_snapshot *s;
	struct sam_signer alice = {.id = "alice", .name = "Alice"};
	sam_auto(sam_free) char *body = NULL;
	ck_assert_int_eq(sam_row_write_signer(&alice, seal, &body), SAM_OK);
	force_row(SAM_CHANGE_ADD, SAM_ROW_SIGNER, "alice", body);
	sam_registry_put(look());
	force_row(SAM_CHANGE_ADD, SAM_ROW_SIGNER, "bob", body);
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_STORE_TAMPERED);
}
END_TEST

/* ---- acts that wait ---- */

START_TEST(pending_acts_wait_and_go)
{
	char params[] = "{\"id\":\"alice\"}";
	struct sam_pending p = {.id = "abcdefghijklm",
				.act = SAM_ACT_SIGNER_RESUME,
				.by = "officer",
				.created = NOW,
				.expires = NOW + 100,
				.params = params};
	ck_assert_int_eq(EDIT(sam_edit_add_pending(&e, &p)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_pending(&e, &p)), SAM_EXISTS);
	const struct sam_snapshot *s = look();
	const struct sam_pending *found = sam_registry_pending(s, p.id);
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(found->act, SAM_ACT_SIGNER_RESUME);
	ck_assert_str_eq(found->by, "officer");
	ck_assert_int_eq(found->created, NOW);
	ck_assert_int_eq(found->expires, NOW + 100);
	ck_assert_str_eq(found->params, params);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_remove_pending(&e, p.id)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_remove_pending(&e, p.id)), SAM_NOT_FOUND);
}
END_TEST

START_TEST(pending_acts_are_bounded)
{
	struct sam_pending p = {.act = SAM_ACT_SIGNER_RESUME, .by = "officer", .params = (char *)"{}"};
	struct sam_edit many;
	begin(&many);
	enum sam_reason reason = SAM_OK;
	for (unsigned i = 0; reason == SAM_OK && i < SAM_PENDINGS_MAX; i++) {
		snprintf(p.id, sizeof p.id, "%013u", i);
		reason = sam_edit_add_pending(&many, &p);
	}
	ck_assert_int_eq(end(&many, reason), SAM_OK);
	strcpy(p.id, "one-too-many");
	ck_assert_int_eq(EDIT(sam_edit_add_pending(&e, &p)), SAM_PENDINGS_FULL);
	ck_assert_int_eq(EDIT(sam_edit_remove_pending(&e, "0000000000000")), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_pending(&e, &p)), SAM_OK);
}
END_TEST

/* ---- the policy, the SAM's own key, what is so ---- */

/* Clear its signer, free its text. */
static struct sam_sealed make_sealed(EVP_PKEY *pkey)
{
	struct sam_sealed sealed = {.jws = (char *)"eyJ.eyJ.x", .version = 1, .level = 1};
	struct sam_secret text = {NULL, 0};
	char file[500];
	snprintf(file, sizeof file, "%s/policy/level1.yaml", getenv("SAM_SRCDIR") ? getenv("SAM_SRCDIR") : ".");
	ck_assert_int_eq(sam_file_read(file, 1 << 20, &text, NULL), SAM_OK);
	sealed.text = strndup((char *)text.data, text.len);
	sam_secret_clear(&text);
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, sealed.text, strlen(sealed.text), sealed.sha256), SAM_OK);
	memset(sealed.config_sha256, 0xc0, sizeof sealed.config_sha256);
	ck_assert_int_eq(sam_device_set(&sealed.signer, "{}", "kid-9", SAM_JWS_ES256, pkey), SAM_OK);
	return sealed;
}

START_TEST(the_sealed_policy_comes_back_and_can_be_asked)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_sealed sealed = make_sealed(pkey);
	const struct sam_snapshot *s = look();
	ck_assert_ptr_null(s->sealed);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &sealed)), SAM_OK);
	s = look();
	ck_assert_ptr_nonnull(s->sealed);
	ck_assert_str_eq(s->sealed->text, sealed.text);
	ck_assert_str_eq(s->sealed->jws, sealed.jws);
	ck_assert_mem_eq(s->sealed->sha256, sealed.sha256, 32);
	ck_assert_mem_eq(s->sealed->config_sha256, sealed.config_sha256, 32);
	ck_assert_str_eq(s->sealed->signer.kid, "kid-9");
	ck_assert_int_eq(s->sealed->policy.level, 1);
	ck_assert_uint_gt(s->sealed->policy.lockout_attempts, 0);
	sam_registry_put(s);
	memset(sealed.config_sha256, 0xc1, sizeof sealed.config_sha256);
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &sealed)), SAM_OK); /* in its place */
	s = look();
	ck_assert_uint_eq(s->sealed->config_sha256[0], 0xc1);
	sam_registry_put(s);
	sam_device_clear(&sealed.signer);
	free(sealed.text);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_sealed_policy_whose_text_is_another_is_tampering)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_sealed sealed = make_sealed(pkey);
	const struct sam_snapshot *s;
	char *level = strstr(sealed.text, "max_lifetime");
	ck_assert_ptr_nonnull(level);
	level[0] ^= 1;
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &sealed)), SAM_ARGUMENTS);
	char *body;
	ck_assert_int_eq(sam_row_write_sealed(&sealed, &body), SAM_OK);
	force_row(SAM_CHANGE_ADD, SAM_ROW_POLICY, SAM_ROW_SEALED, body);
	free(body);
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_STORE_TAMPERED);
	sam_device_clear(&sealed.signer);
	free(sealed.text);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_sealed_policy_that_this_version_cannot_read_allows_nothing)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_sealed sealed = make_sealed(pkey), hash_alone = {.sha256 = {9}};
	free(sealed.text);
	sealed.text = strdup("level: 1\nno_such_key: 1\n");
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, sealed.text, strlen(sealed.text), sealed.sha256), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &sealed)), SAM_OK);
	const struct sam_snapshot *s = look();
	ck_assert_int_eq(s->sealed->policy.level, 0);
	ck_assert_uint_eq(s->sealed->level, 1); /* what it was sealed as is known all the same */
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &hash_alone)), SAM_OK);
	s = look();
	ck_assert_ptr_null(s->sealed->text);
	ck_assert_int_eq(s->sealed->policy.level, 0);
	ck_assert_uint_eq(s->sealed->sha256[0], 9);
	sam_registry_put(s);
	/* after a restore: nothing is in force, and what was is known */
	hash_alone.version = 7;
	hash_alone.level = 2;
	ck_assert_int_eq(EDIT(sam_edit_set_sealed(&e, &hash_alone)), SAM_OK);
	s = look();
	ck_assert_ptr_null(s->sealed->text);
	ck_assert_int_eq(s->sealed->policy.level, 0);
	ck_assert_uint_eq(s->sealed->version, 7);
	ck_assert_uint_eq(s->sealed->level, 2);
	sam_registry_put(s);
	sam_device_clear(&sealed.signer);
	free(sealed.text);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(the_statement_key_is_set_once)
{
	EVP_PKEY *pkey = new_pkey();
	const struct sam_snapshot *s = look();
	ck_assert_ptr_null(s->statement_key);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_set_statement_key(&e, pkey, "kid-own")), SAM_OK);
	s = look();
	ck_assert_int_eq(EVP_PKEY_eq(s->statement_key, pkey), 1);
	ck_assert_str_eq(s->statement_kid, "kid-own");
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_set_statement_key(&e, pkey, "kid-own")), SAM_EXISTS);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(what_is_so_is_kept)
{
	const struct sam_snapshot *s = look();
	ck_assert(!s->second_officer && !s->cm_disabled);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_second_officer(&e, true)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_cm_disabled(&e, true)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_cm_disabled(&e, true)), SAM_OK); /* so already */
	s = look();
	ck_assert(s->second_officer && s->cm_disabled);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_second_officer(&e, false)), SAM_OK);
	s = look();
	ck_assert(!s->second_officer && s->cm_disabled);
	sam_registry_put(s);
	ck_assert_int_eq(EDIT(sam_edit_cm_disabled(&e, false)), SAM_OK);
	s = look();
	ck_assert(!s->cm_disabled);
	sam_registry_put(s);
}
END_TEST

START_TEST(those_of_a_role_are_counted_without_the_locked)
{
	struct sam_principal a = make_principal("a", SAM_OFFICER), b = make_principal("b", SAM_OFFICER | SAM_ADMINISTRATOR);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &a)), SAM_OK);
	ck_assert_int_eq(EDIT(sam_edit_add_principal(&e, &b)), SAM_OK);
	const struct sam_snapshot *s = look();
	ck_assert_uint_eq(sam_registry_count(s, SAM_ROLE_SECURITY_OFFICER), 2);
	ck_assert_uint_eq(sam_registry_count(s, SAM_ROLE_ADMINISTRATOR), 1);
	ck_assert_uint_eq(sam_registry_count(s, SAM_ROLE_AUDITOR), 0);
	sam_registry_put(s);
	b.locked = true;
	ck_assert_int_eq(EDIT(sam_edit_set_principal(&e, &b)), SAM_OK);
	s = look();
	ck_assert_uint_eq(sam_registry_count(s, SAM_ROLE_SECURITY_OFFICER), 1);
	sam_registry_put(s);
}
END_TEST

/* ---- passwords ---- */

START_TEST(passwords_are_checked_and_keyed)
{
	char stored[SAM_PASSWORD_SIZE], long_one[200];
	static const uint8_t root[32] = {8};
	struct sam_seal *other;
	memset(long_one, 'p', sizeof long_one);
	ck_assert_int_eq(sam_password_make(seal, "12345678", 8, stored, sizeof stored), SAM_OK);
	ck_assert_ptr_null(strstr(stored, "12345678"));
	ck_assert_int_eq(sam_password_check(seal, "12345678", 8, stored), SAM_OK);
	ck_assert_int_eq(sam_password_check(seal, "12345679", 8, stored), SAM_PASSWORD_WRONG);
	ck_assert_int_eq(sam_password_check(seal, "1234567", 7, stored), SAM_PASSWORD_WRONG);
	ck_assert_int_eq(sam_password_check(seal, "12345678", 8, NULL), SAM_PASSWORD_WRONG);
	ck_assert_int_eq(sam_password_check(seal, "12345678", 8, ""), SAM_PASSWORD_WRONG);
	ck_assert_int_eq(sam_password_check(seal, "12345678", 8, "scrypt$15$8$1$x$y"), SAM_PASSWORD_WRONG);
	ck_assert_int_eq(sam_seal_new(root, &other), SAM_OK); /* a copy of the store under another CM */
	ck_assert_int_eq(sam_password_check(other, "12345678", 8, stored), SAM_PASSWORD_WRONG);
	sam_seal_free(other);
	ck_assert_int_eq(sam_password_strong(NULL, "alice", "1234567", 7, NULL), SAM_PASSWORD_WEAK);
	ck_assert_int_eq(sam_password_make(seal, "123", 3, stored, sizeof stored), SAM_PASSWORD_WEAK);
	ck_assert_int_eq(sam_password_make(seal, long_one, 129, stored, sizeof stored), SAM_PASSWORD_WEAK);
	ck_assert_int_eq(sam_password_make(seal, long_one, 128, stored, sizeof stored), SAM_OK);
	ck_assert_int_eq(sam_password_check(seal, long_one, 128, stored), SAM_OK);
	ck_assert_int_eq(sam_password_check(seal, long_one, 129, stored), SAM_PASSWORD_WRONG);
}
END_TEST

/* ---- rows of earlier versions ---- */

static enum sam_reason migrate(int64_t from, const char *kind, const char *id, const char *body, char **out)
{
	size_t len;
	const struct sam_row row = {kind, id, body, strlen(body)};
	enum sam_reason reason = sam_registry_migrate(seal, from, &row, out, &len);
	ck_assert(reason != SAM_OK || len == (*out ? strlen(*out) : 0));
	return reason;
}

/* A key's row as versions 1 and 2 wrote it. */
static char *old_key(const struct sam_key *key)
{
	char thumbprint[65], cm_id[33], *spki = malloc(2 * key->spki_len), *out;
	sam_encode_hex(key->thumbprint, 32, thumbprint);
	sam_encode_hex(key->cm_id, 16, cm_id);
	sam_encode_b64url(key->spki, key->spki_len, spki);
	ck_assert_int_gt(asprintf(&out, "{\"thumbprint\":\"%s\",\"signer\":\"alice\",\"label\":\"old\",\"type\":2,"
				  "\"bits\":256,\"cm_id\":\"%s\",\"spki\":\"%s\",\"created\":7}", thumbprint, cm_id, spki), 0);
	free(spki);
	return out;
}

START_TEST(a_key_of_an_earlier_version_signs_on)
{
	struct sam_key key, read = {.created = 0};
	EVP_PKEY *pkey = new_pkey();
	make_key(&key, "alice", pkey);
	for (int64_t from = 1; from <= 2; from++) {
		sam_auto(sam_free) char *old = old_key(&key);
		sam_auto(sam_free) char *body = NULL;
		const struct sam_row was = {SAM_ROW_KEY, key.credential, old, strlen(old)};
		ck_assert_int_eq(sam_row_read_key(&was, &read), SAM_STORE_TAMPERED); /* not by today's rules */
		sam_row_free_key(&read);
		memset(&read, 0, sizeof read);
		ck_assert_int_eq(migrate(from, SAM_ROW_KEY, key.credential, old, &body), SAM_OK);
		const struct sam_row row = {SAM_ROW_KEY, key.credential, body, strlen(body)};
		ck_assert_int_eq(sam_row_read_key(&row, &read), SAM_OK);
		ck_assert_int_eq(read.life, SAM_LIFE_ACTIVE);
		ck_assert_int_eq(read.origin, SAM_ORIGIN_UNKNOWN);
		ck_assert_str_eq(read.attributes, "");
		ck_assert_str_eq(read.evidence, "");
		ck_assert_str_eq(read.label, "old");
		ck_assert_int_eq(read.created, 7);
		ck_assert_int_eq(read.changed, 0);
		ck_assert_mem_eq(read.cm_id, key.cm_id, sizeof key.cm_id);
		ck_assert_int_eq(sam_key_usable(&read, NOW), SAM_OK);
		ck_assert_int_eq(sam_key_fits(&read, 1), SAM_OK);
		ck_assert_int_eq(sam_key_fits(&read, 2), SAM_KEY_LEVEL);
		sam_row_free_key(&read);
		memset(&read, 0, sizeof read);
	}
	free(key.spki);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(what_was_to_be_destroyed_still_is)
{
	struct sam_tombstone t = {.removed = 0};
	sam_auto(sam_free) char *key = NULL, *gone = NULL;
	const char *id = "00112233445566778899aabbccddeeff";
	ck_assert_int_eq(migrate(2, SAM_ROW_TOMBSTONE, id, "{\"removed\":5,\"cm_id\":\"00112233445566778899aabbccddeeff\"}",
				 &key), SAM_OK);
	ck_assert_int_eq(sam_row_read_tombstone(&(struct sam_row){SAM_ROW_TOMBSTONE, id, key, strlen(key)}, &t), SAM_OK);
	ck_assert(t.is_key && t.in_cm && t.cm_id[1] == 0x11 && t.removed == 5);
	memset(&t, 0, sizeof t);
	ck_assert_int_eq(migrate(2, SAM_ROW_TOMBSTONE, "bob", "{\"removed\":5,\"cm_id\":\"\"}", &gone), SAM_OK);
	ck_assert_int_eq(sam_row_read_tombstone(&(struct sam_row){SAM_ROW_TOMBSTONE, "bob", gone, strlen(gone)}, &t), SAM_OK);
	ck_assert(!t.is_key && !t.in_cm);
}
END_TEST

START_TEST(other_rows_and_damaged_ones)
{
	char *body = NULL;
	ck_assert_int_eq(migrate(2, SAM_ROW_SIGNER, "alice", "not JSON, and none of its business", &body), SAM_OK);
	ck_assert_ptr_null(body);
	ck_assert_int_eq(migrate(3, SAM_ROW_KEY, "x", "{}", &body), SAM_OK); /* of this version */
	ck_assert_ptr_null(body);
	ck_assert_int_eq(migrate(2, SAM_ROW_KEY, "x", "no JSON", &body), SAM_STORE_TAMPERED);
	ck_assert_int_eq(migrate(2, SAM_ROW_TOMBSTONE, "x", "[]", &body), SAM_STORE_TAMPERED);
	ck_assert_ptr_null(body);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("registry");
	TCase *t = tcase_create("registry");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_added_is_found_by_every_other_registry);
	tcase_add_test(t, a_key_of_an_earlier_version_signs_on);
	tcase_add_test(t, what_was_to_be_destroyed_still_is);
	tcase_add_test(t, other_rows_and_damaged_ones);
	tcase_add_test(t, everything_about_a_signer_comes_back);
	tcase_add_test(t, a_snapshot_stays_as_it_was);
	tcase_add_test(t, an_edit_of_an_older_snapshot_is_refused);
	tcase_add_test(t, an_edit_is_done_whole_or_not_at_all);
	tcase_add_test(t, names_are_one_name_space_and_ids_are_unique);
	tcase_add_test(t, a_device_key_or_uid_is_one_persons);
	tcase_add_test(t, a_removed_principals_name_is_never_given_again);
	tcase_add_test(t, a_removed_signer_takes_all_along_and_never_comes_back);
	tcase_add_test(t, a_key_that_is_not_its_thumbprint_is_tampering);
	tcase_add_test(t, a_row_of_an_unknown_kind_or_body_is_tampering);
	tcase_add_test(t, names_and_subjects_are_not_in_clear_in_the_files);
	tcase_add_test(t, one_signers_personal_data_is_no_others);
	tcase_add_test(t, pending_acts_wait_and_go);
	tcase_add_test(t, pending_acts_are_bounded);
	tcase_add_test(t, the_sealed_policy_comes_back_and_can_be_asked);
	tcase_add_test(t, a_sealed_policy_whose_text_is_another_is_tampering);
	tcase_add_test(t, a_sealed_policy_that_this_version_cannot_read_allows_nothing);
	tcase_add_test(t, the_statement_key_is_set_once);
	tcase_add_test(t, a_new_sap_key_takes_the_place_of_the_one_in_use);
	tcase_add_test(t, what_is_so_is_kept);
	tcase_add_test(t, those_of_a_role_are_counted_without_the_locked);
	tcase_add_test(t, passwords_are_checked_and_keyed);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
