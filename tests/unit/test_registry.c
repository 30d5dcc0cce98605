/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry over a real store: what is put in comes out, in every process; what is no entry is
 * refused. And passwords.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/encode.h"
#include "registry/password.h"
#include "registry/registry.h"
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
	uint8_t policy[32] = {0};
	strcpy(dir, "/tmp/sam-registry-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/state.db", dir);
	ck_assert_int_eq(sam_seal_new(root, &seal), SAM_OK);
	struct sam_store_options options = {.path = path, .seal = seal, .chain = chain};
	ck_assert_int_eq(sam_store_create(&options, "node", policy, NULL), SAM_OK);
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

static void add_signer(const char *id)
{
	struct sam_signer s = {.created = 1};
	strcpy(s.id, id);
	strcpy(s.name, "A Name");
	ck_assert_int_eq(sam_registry_add_signer(registry, &s, &record), SAM_OK);
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

START_TEST(what_is_added_is_found_by_every_other_registry)
{
	struct sam_key key;
	EVP_PKEY *pkey = new_pkey();
	add_signer("alice");
	make_key(&key, "alice", pkey);
	ck_assert_int_eq(sam_registry_add_key(registry, &key, &record), SAM_OK);
	struct sam_authenticator a = {.signer = "alice", .alg = SAM_JWS_ES256, .jwk = (char *)"{}", .pkey = pkey};
	strcpy(a.kid, "kid-1");
	ck_assert_int_eq(sam_registry_add_authenticator(registry, &a, &record), SAM_OK);
	char granted[1][SAM_NAME_SIZE] = {"alice"};
	struct sam_principal p = {.name = "sca", .role = SAM_ROLE_SCA, .password = "x", .signers = granted, .signer_count = 1};
	ck_assert_int_eq(sam_registry_add_principal(registry, &p, &record), SAM_OK);

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
	ck_assert_ptr_nonnull(sam_registry_authenticator(s, "kid-1"));
	ck_assert_int_eq(sam_registry_authenticator(s, "kid-1")->alg, SAM_JWS_ES256);
	ck_assert_uint_eq(sam_registry_principal(s, "sca")->signer_count, 1);
	ck_assert_str_eq(sam_registry_signer(s, "alice")->name, "A Name");
	ck_assert_ptr_null(sam_registry_signer(s, "bob"));
	sam_registry_put(s);
	sam_registry_close(other);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

START_TEST(a_snapshot_stays_as_it_was)
{
	const struct sam_snapshot *before, *after;
	add_signer("alice");
	ck_assert_int_eq(sam_registry_get(registry, &before), SAM_OK);
	add_signer("bob");
	ck_assert_int_eq(sam_registry_get(registry, &after), SAM_OK);
	ck_assert_ptr_null(sam_registry_signer(before, "bob"));
	ck_assert_ptr_nonnull(sam_registry_signer(after, "bob"));
	ck_assert_uint_ne(before->version, after->version);
	sam_registry_put(before);
	sam_registry_put(after);
}
END_TEST

START_TEST(names_are_one_name_space_and_ids_are_unique)
{
	EVP_PKEY *pkey = new_pkey();
	struct sam_key key;
	add_signer("alice");
	struct sam_signer again = {.id = "alice"}, bad = {.id = "a b"};
	struct sam_principal p = {.name = "alice", .role = SAM_ROLE_AUDITOR};
	ck_assert_int_eq(sam_registry_add_signer(registry, &again, &record), SAM_EXISTS);
	ck_assert_int_eq(sam_registry_add_signer(registry, &bad, &record), SAM_ARGUMENTS);
	ck_assert_int_eq(sam_registry_add_principal(registry, &p, &record), SAM_EXISTS);
	make_key(&key, "nobody", pkey);
	ck_assert_int_eq(sam_registry_add_key(registry, &key, &record), SAM_NOT_FOUND);
	strcpy(key.signer, "alice");
	ck_assert_int_eq(sam_registry_add_key(registry, &key, &record), SAM_OK);
	add_signer("bob");
	strcpy(key.signer, "bob"); /* an assigned key cannot be given to another */
	ck_assert_int_eq(sam_registry_add_key(registry, &key, &record), SAM_EXISTS);
	struct sam_authenticator a = {.kid = "k", .signer = "nobody", .jwk = (char *)"{}", .pkey = pkey};
	ck_assert_int_eq(sam_registry_add_authenticator(registry, &a, &record), SAM_NOT_FOUND);
	strcpy(a.signer, "alice");
	ck_assert_int_eq(sam_registry_add_authenticator(registry, &a, &record), SAM_OK);
	strcpy(a.signer, "bob"); /* one device key speaks for one signer */
	ck_assert_int_eq(sam_registry_add_authenticator(registry, &a, &record), SAM_EXISTS);
	strcpy(p.name, "sca");
	char granted[1][SAM_NAME_SIZE] = {"nobody"};
	p.signers = granted;
	p.signer_count = 1;
	ck_assert_int_eq(sam_registry_add_principal(registry, &p, &record), SAM_NOT_FOUND);
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
	ck_assert_int_eq(sam_registry_add_key(registry, &key, &record), SAM_OK);
	ck_assert_int_eq(sam_registry_get(registry, &s), SAM_STORE_TAMPERED);
	EVP_PKEY_free(pkey);
	free(key.spki);
}
END_TEST

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
	ck_assert_int_eq(sam_password_make(seal, "1234567", 7, stored, sizeof stored), SAM_PASSWORD_WEAK);
	ck_assert_int_eq(sam_password_make(seal, long_one, 129, stored, sizeof stored), SAM_PASSWORD_WEAK);
	ck_assert_int_eq(sam_password_make(seal, long_one, 128, stored, sizeof stored), SAM_OK);
	ck_assert_int_eq(sam_password_check(seal, long_one, 128, stored), SAM_OK);
	ck_assert_int_eq(sam_password_check(seal, long_one, 129, stored), SAM_PASSWORD_WRONG);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("registry");
	TCase *t = tcase_create("registry");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_added_is_found_by_every_other_registry);
	tcase_add_test(t, a_snapshot_stays_as_it_was);
	tcase_add_test(t, names_are_one_name_space_and_ids_are_unique);
	tcase_add_test(t, a_key_that_is_not_its_thumbprint_is_tampering);
	tcase_add_test(t, passwords_are_checked_and_keyed);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
