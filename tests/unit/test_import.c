/* SPDX-License-Identifier: BSD-3-Clause
 *
 * import.h and the act `key import`: what a package must be, who may sign its manifest at which level, and that it brings
 * in one key once. Packages wrapped well and badly are test_cm_import.c's, whole commands tests/client/import.sh's.
 */
#include "sam_fixture.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "admin/import.h"
#include "base/encode.h"

enum { DAY = 86400, CHAIN = SAM_X509_CHAIN };

static struct device alice, bob;
static EVP_PKEY *key;                /* what is brought in */
static uint8_t kek[SAM_CM_KEK_SIZE], wrapped[512];
static size_t kek_len, wrapped_len;
static struct sam_import import;
static struct sam_msg msg;
static struct sam_policy *policy;    /* a copy of the one in force, to be changed */

static void start(void)
{
	people();
	alice = enrol("alice");
	bob = enrol("bob");
	key = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	memset(kek, 'k', kek_len = sizeof kek);
	memset(wrapped, 'w', wrapped_len = 160);
	policy = malloc(sizeof *policy);
	*policy = snapshot()->sealed->policy;
	keep(KEPT_TEXT, policy);
	keep(KEPT_KEY, key);
}

/* ---- packages ---- */

static char *kept_text(char *text)
{
	ck_assert_ptr_nonnull(text);
	keep(KEPT_TEXT, text);
	return text;
}

static char *b64url(const void *data, size_t len)
{
	char *text = malloc(2 * len + 4);
	sam_encode_b64url(data, len, text);
	return kept_text(text);
}

static const char *sha256(const void *data, size_t len)
{
	uint8_t hash[32];
	char *hex = malloc(65);
	is(sam_ossl_digest(SAM_HASH_SHA256, data, len, hash), SAM_OK);
	sam_encode_hex(hash, sizeof hash, hex);
	return kept_text(hex);
}

static json_t *claims(void)
{
	uint8_t *spki;
	size_t len;
	const json_int_t now = sam_clock_now();
	is(sam_ossl_spki(key, &spki, &len), SAM_OK);
	json_t *made = json_pack("{ss ss ss sI sI ss ss ss ss}", "id", new_jti(), "sub", "alice", "aud", SAM_ID, "iat", now,
				 "exp", now + 600, "spki", b64url(spki, len), "usage", "sign", "kek_sha256",
				 sha256(kek, kek_len), "key_sha256", sha256(wrapped, wrapped_len));
	free(spki);
	return made;
}

/* ${changes} put over it; what is null there is taken away. NULL: nothing. */
static void change(json_t *object, const char *changes)
{
	const char *name;
	json_t *value, *over = changes ? json("%s", changes) : NULL;
	json_object_update(object, over);
	json_object_foreach(over, name, value)
		if (json_is_null(value))
			json_object_del(object, name);
	json_decref(over);
}

static char *pack(const char *manifest, const char *changes)
{
	json_t *package = json_pack("{ss ss ss}", "manifest", manifest, "kek", b64url(kek, kek_len), "key",
				    b64url(wrapped, wrapped_len));
	change(package, changes);
	char *text = json_dumps(package, JSON_COMPACT);
	json_decref(package);
	return kept_text(text);
}

static char *manifest(const struct device *d, const char *of_claims, const char *of_header)
{
	json_t *c = claims(), *header = json("{'typ':'sam-import+jws','kid':'%s'}", d->kid);
	change(c, of_claims);
	change(header, of_header);
	return signed_by(d, header, c);
}

/* alice's device says so */
static char *package(const char *of_claims)
{
	return pack(manifest(&alice, of_claims, NULL), NULL);
}

static enum sam_reason open_text(const char *text, size_t len)
{
	msg.text[0] = '\0';
	enum sam_reason reason = sam_import_open(sam, snapshot(), policy, text, len, &import, &msg);
	ck_assert_msg(reason == SAM_OK || reason == SAM_IMPORT_LEVEL || msg.text[0], "%s without a sentence",
		      sam_reason_name(reason));
	return reason;
}

static void opens_as(const char *text, enum sam_reason want, const char *what)
{
	enum sam_reason reason = open_text(text, strlen(text));
	ck_assert_msg(reason == want, "%s: %s, not %s: %s", what, sam_reason_name(reason), sam_reason_name(want), msg.text);
	sam_import_clear(&import);
}

/* ---- what it says ---- */

START_TEST(what_a_good_package_says_is_read)
{
	start();
	const char *text = package("{'id':'an-id_of.its-own'}");
	opens_as(text, SAM_IMPORT, "a dot in the id");
	text = package("{'id':'an-id_of-its-own-1'}");
	is(open_text(text, strlen(text)), SAM_OK);
	ck_assert(!import.by_ca);
	ck_assert_str_eq(import.sub, "alice");
	ck_assert_str_eq(import.id, "an-id_of-its-own-1");
	ck_assert_str_eq(import.issuer, alice.kid);
	ck_assert_int_eq(import.type, SAM_KEY_EC);
	ck_assert_uint_eq(import.bits, 256);
	ck_assert_uint_eq(import.kek_len, kek_len);
	ck_assert_mem_eq(import.key, wrapped, wrapped_len);
	ck_assert_int_eq(strncmp(sha256(import.spki, import.spki_len), import.credential, 32), 0);
	char hex[65];
	sam_encode_hex(import.sha256, 32, hex);
	ck_assert_str_eq(hex, sha256(text, strlen(text)));
	sam_import_clear(&import);
	/* white space is JSON's, and part of the bytes that a SAD orders */
	char *more = kept_text(malloc(strlen(text) + 2));
	strcat(strcpy(more, text), "\n");
	is(open_text(more, strlen(more)), SAM_OK);
	sam_encode_hex(import.sha256, 32, hex);
	ck_assert_str_eq(hex, sha256(more, strlen(more)));
	sam_import_clear(&import);
}
END_TEST

START_TEST(every_member_is_there_once_of_its_type_and_no_other)
{
	static const char *const names[] = {"id", "sub", "aud", "iat", "exp", "spki", "usage", "kek_sha256", "key_sha256"};
	static const char *const values[] = {"null", "true", "-1", "1.5", "''", "[]", "{}", "'x'", "['sign']",
					     "123456789012345678", "'\\u0000'"};
	char changes[128];
	start();
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
			snprintf(changes, sizeof changes, "{'%s':%s}", names[i], values[k]);
			json_t *loaded = strstr(values[k], "u0000") ? NULL : json("%s", changes);
			if (!loaded) /* jansson writes none either */
				continue;
			json_decref(loaded);
			const char *text = package(changes);
			enum sam_reason reason = open_text(text, strlen(text));
			/* a sub that is a name is looked up first */
			bool foreign = strcmp(names[i], "sub") == 0 && reason == SAM_IMPORT_ISSUER;
			ck_assert_msg(reason == SAM_IMPORT || foreign, "%s: %s", changes, sam_reason_name(reason));
			sam_import_clear(&import);
		}
	opens_as(package("{'more':1}"), SAM_IMPORT, "one more in the manifest");
	opens_as(package("{'id':null,'jti':'0123456789abcdef'}"), SAM_IMPORT, "another in the place of one");
	static const char *const wrong[] = {"{'manifest':null}", "{'kek':null}", "{'key':null}", "{'kek':1}", "{'key':''}",
					    "{'manifest':{}}", "{'note':'x'}", "{'kek':'AAA='}", "{'key':'A'}",
					    "{'kek':'AAAA'}", "{'key':'AAAA'}", "{'manifest':'a.b'}", "{'manifest':'..'}"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		opens_as(pack(manifest(&alice, NULL, NULL), wrong[i]), SAM_IMPORT, wrong[i]);
	opens_as("", SAM_IMPORT, "nothing");
	opens_as("[]", SAM_IMPORT, "a list");
	opens_as("{}", SAM_IMPORT, "an empty object");
}
END_TEST

START_TEST(doubled_members_and_what_follows_are_refused)
{
	start();
	const char *good = package(NULL);
	char *text = kept_text(malloc(2 * strlen(good) + 64));
	sprintf(text, "{\"key\":\"AAAA\",%s", good + 1);
	opens_as(text, SAM_IMPORT, "a member twice");
	sprintf(text, "%s{}", good);
	opens_as(text, SAM_IMPORT, "something behind it");
	json_t *c = claims();
	char *once = json_dumps(c, JSON_COMPACT), *jws;
	char *twice = malloc(strlen(once) + 64);
	sprintf(twice, "{\"usage\":\"decrypt\",%s", once + 1);
	json_t *header = json("{'typ':'sam-import+jws','kid':'%s'}", alice.kid);
	is(sam_jose_sign(header, twice, strlen(twice), alice.pkey, SAM_JWS_ES256, &jws), SAM_OK);
	opens_as(pack(kept_text(jws), NULL), SAM_IMPORT, "a claim twice");
	json_decref(header);
	json_decref(c);
	free(once);
	free(twice);
}
END_TEST

START_TEST(sizes_are_bounded)
{
	start();
	const char *good = package(NULL);
	const size_t len = strlen(good);
	char *text = kept_text(malloc(SAM_IMPORT_MAX + 2));
	memset(text, ' ', SAM_IMPORT_MAX + 1);
	memcpy(text, good, len);
	is(open_text(text, SAM_IMPORT_MAX), SAM_OK);
	sam_import_clear(&import);
	is(open_text(text, SAM_IMPORT_MAX + 1), SAM_IMPORT);
	sam_import_clear(&import);
	uint8_t *big = (uint8_t *)kept_text(calloc(1, 9000));
	char *changes = kept_text(malloc(40000));
	sprintf(changes, "{'key':'%s'}", b64url(big, 8193));
	opens_as(pack(manifest(&alice, NULL, NULL), changes), SAM_IMPORT, "a key of 8193 bytes");
	sprintf(changes, "{'kek':'%s'}", b64url(big, SAM_CM_KEK_SIZE + 1));
	opens_as(pack(manifest(&alice, NULL, NULL), changes), SAM_IMPORT, "a kek that is too long");
	sprintf(changes, "{'id':'%0129d'}", 1);
	opens_as(package(changes), SAM_IMPORT, "an id of 129 characters");
	sprintf(changes, "{'id':'%0128d'}", 1);
	opens_as(package(changes), SAM_OK, "an id of 128 characters");
	opens_as(package("{'id':'012345678901234'}"), SAM_IMPORT, "an id of 15 characters");
}
END_TEST

START_TEST(times_are_kept_to)
{
	const struct {
		int from, to; /* iat and exp, seconds from now */
		enum sam_reason want;
	} cases[] = {{-5, 600, SAM_OK},          {-600, -1, SAM_IMPORT},      {-5, 0, SAM_IMPORT},
		     {60, 600, SAM_IMPORT},      {5, 600, SAM_OK},            {-5, 30 * DAY - 5, SAM_OK},
		     {-5, 30 * DAY - 4, SAM_IMPORT}, {-29 * DAY, 60, SAM_OK}, {-31 * DAY, 60, SAM_IMPORT}};
	char changes[96];
	start();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const long long now = sam_clock_now();
		snprintf(changes, sizeof changes, "{'iat':%lld,'exp':%lld}", now + cases[i].from, now + cases[i].to);
		opens_as(package(changes), cases[i].want, changes);
	}
	opens_as(package("{'iat':-9223372036854775807,'exp':9223372036854775807}"), SAM_IMPORT, "the ends of time");
	opens_as(package("{'exp':9223372036854775807}"), SAM_IMPORT, "for ever");
}
END_TEST

static void opens_with(EVP_PKEY *pkey, enum sam_reason want, const char *what)
{
	key = pkey;
	ck_assert_ptr_nonnull(key);
	keep(KEPT_KEY, key);
	opens_as(package(NULL), want, what);
}

START_TEST(only_keys_that_the_policy_lets_be_made_come_in)
{
	start();
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)3072), SAM_OK, "RSA-3072");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)1024), SAM_KEY_SIZE, "RSA-1024");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "ED25519"), SAM_OK, "Ed25519");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "X25519"), SAM_IMPORT, "X25519");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-224"), SAM_KEY_SIZE, "P-224");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "secp256k1"), SAM_IMPORT, "another curve of 256 bits");
	opens_with(EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "brainpoolP384r1"), SAM_IMPORT, "one of 384");
}
END_TEST

/* ---- whose word ---- */

START_TEST(the_manifest_is_the_word_of_the_signers_own_device)
{
	struct device stranger;
	char header[128];
	start();
	stranger = new_device();
	opens_as(pack(manifest(&bob, NULL, NULL), NULL), SAM_IMPORT_ISSUER, "another signer's device");
	opens_as(pack(manifest(&bob, "{'sub':'bob'}", NULL), NULL), SAM_OK, "for that signer");
	opens_as(pack(manifest(&stranger, NULL, NULL), NULL), SAM_IMPORT_ISSUER, "nobody's device");
	opens_as(package("{'sub':'nobody'}"), SAM_IMPORT_ISSUER, "a signer that is none");
	snprintf(header, sizeof header, "{'kid':'%s'}", alice.kid);
	opens_as(pack(manifest(&bob, NULL, header), NULL), SAM_IMPORT_ISSUER, "a kid whose key did not sign");
	opens_as(pack(manifest(&alice, NULL, "{'typ':'sad+jwt'}"), NULL), SAM_IMPORT, "another typ");
	opens_as(pack(manifest(&alice, NULL, "{'typ':null}"), NULL), SAM_IMPORT, "no typ");
	opens_as(pack(manifest(&alice, NULL, "{'kid':null}"), NULL), SAM_IMPORT, "no kid");
	opens_as(pack(manifest(&alice, NULL, "{'kid':['x']}"), NULL), SAM_IMPORT, "kid is a list");
	opens_as(pack(manifest(&alice, NULL, "{'jku':'https://example.jp'}"), NULL), SAM_IMPORT, "jku");
	opens_as(pack(manifest(&alice, NULL, "{'x5u':'https://example.jp'}"), NULL), SAM_IMPORT, "x5u");
	opens_as(pack(manifest(&alice, NULL, "{'jwk':{}}"), NULL), SAM_IMPORT, "jwk");
	char *jws;
	is(sam_jose_sign_text("{\"alg\":\"none\",\"typ\":\"sam-import+jws\"}", "{}", 2, alice.pkey, SAM_JWS_ES256, &jws),
	   SAM_OK);
	opens_as(pack(kept_text(jws), NULL), SAM_IMPORT, "alg none");
	policy->level = 2;
	opens_as(package(NULL), SAM_IMPORT_ISSUER, "a device at level 2");
	policy->level = 3;
	opens_as(package(NULL), SAM_IMPORT_LEVEL, "level 3");
	policy->level = 1;
	policy->import = false;
	opens_as(package(NULL), SAM_IMPORT_LEVEL, "a policy without import");
}
END_TEST

/* ---- a CA's word ---- */

static struct authority {
	EVP_PKEY *root_key, *sub_key, *ee_key;
	X509 *root, *sub, *ee;
} good, bad;

static X509 *certify(const char *subject, EVP_PKEY *of, X509 *issuer, EVP_PKEY *by, bool ca, long until)
{
	X509 *x = X509_new();
	X509V3_CTX ctx;
	const char *const usage = ca ? "critical,keyCertSign" : "critical,digitalSignature";
	const char *const basic = ca ? "critical,CA:TRUE" : "CA:FALSE";
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 77);
	X509_gmtime_adj(X509_getm_notBefore(x), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), until);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)subject, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	X509_set_pubkey(x, of);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (int i = 0; i < 2; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, i ? NID_key_usage : NID_basic_constraints,
							i ? usage : basic);
		ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	ck_assert_int_gt(X509_sign(x, by, EVP_sha256()), 0);
	return x;
}

static struct authority authority(const char *root, const char *sub)
{
	struct authority a = {EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), NULL, NULL, NULL};
	a.root = certify(root, a.root_key, NULL, a.root_key, true, DAY);
	a.sub = certify(sub, a.sub_key, a.root, a.root_key, true, DAY);
	a.ee = certify("key service", a.ee_key, a.sub, a.sub_key, false, DAY);
	return a;
}

static void forget(struct authority *a)
{
	EVP_PKEY_free(a->root_key);
	EVP_PKEY_free(a->sub_key);
	EVP_PKEY_free(a->ee_key);
	X509_free(a->root);
	X509_free(a->sub);
	X509_free(a->ee);
}

static char *base64(const void *data, size_t len)
{
	char *text = malloc(2 * len + 8);
	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	return kept_text(text);
}

static json_t *der_of(X509 *x)
{
	uint8_t *der = NULL;
	const int len = i2d_X509(x, &der);
	ck_assert_int_gt(len, 0);
	json_t *text = json_string(base64(der, (size_t)len));
	OPENSSL_free(der);
	return text;
}

/* ${x5c} is taken. */
static char *vouched(EVP_PKEY *by, json_t *x5c, const char *of_header)
{
	const struct device d = {.pkey = by};
	json_t *header = json("{'typ':'sam-import+jws'}");
	json_object_set_new(header, "x5c", x5c);
	change(header, of_header);
	return pack(signed_by(&d, header, claims()), NULL);
}

static char *by_good(void)
{
	return vouched(good.ee_key, json_pack("[oo]", der_of(good.ee), der_of(good.sub)), NULL);
}

/* The policy names one CA. */
static void trust(X509 *ca, unsigned use, unsigned level)
{
	uint8_t *der = policy->cas[0].der;
	policy->ca_count = 1;
	policy->cas[0].use = use;
	policy->cas[0].keygen_level = level;
	policy->cas[0].len = (size_t)i2d_X509(ca, &der);
}

static void start_with_cas(void)
{
	start();
	good = authority("Good", "Good Sub");
	bad = authority("Bad", "Bad Sub");
	trust(good.root, SAM_CA_IMPORT, 2);
}

static void end_with_cas(void)
{
	forget(&good);
	forget(&bad);
}

START_TEST(a_ca_that_the_policy_trusts_for_it_may_vouch)
{
	start_with_cas();
	for (policy->level = 1; policy->level <= 2; policy->level++) {
		const char *text = by_good();
		is(open_text(text, strlen(text)), SAM_OK);
		ck_assert(import.by_ca);
		ck_assert_uint_eq(strlen(import.issuer), 32);
		sam_import_clear(&import);
		opens_as(vouched(bad.ee_key, json_pack("[oo]", der_of(bad.ee), der_of(bad.sub)), NULL), SAM_IMPORT_ISSUER,
			 "another CA");
		opens_as(vouched(bad.ee_key, json_pack("[oo]", der_of(good.ee), der_of(good.sub)), NULL), SAM_IMPORT_ISSUER,
			 "another's certificate");
		opens_as(vouched(good.ee_key, json_pack("[o]", der_of(good.ee)), NULL), SAM_IMPORT_ISSUER, "a gap in the chain");
		opens_as(vouched(good.sub_key, json_pack("[o]", der_of(good.sub)), NULL), SAM_IMPORT_ISSUER, "a CA's own word");
	}
	policy->level = 1;
	X509 *old = certify("key service", good.ee_key, good.sub, good.sub_key, false, -60);
	opens_as(vouched(good.ee_key, json_pack("[oo]", der_of(old), der_of(good.sub)), NULL), SAM_IMPORT_ISSUER,
		 "an expired certificate");
	X509_free(old);
	policy->level = 3;
	opens_as(by_good(), SAM_IMPORT_LEVEL, "level 3");
	policy->level = 2;
	trust(good.root, SAM_CA_CERTIFICATES, 2);
	opens_as(by_good(), SAM_IMPORT_ISSUER, "a CA for certificates alone");
	trust(good.root, SAM_CA_IMPORT, 0);
	opens_as(by_good(), SAM_IMPORT_ISSUER, "a CA whose generation is not stated to meet level 2");
	policy->level = 1;
	opens_as(by_good(), SAM_OK, "which level 1 does not ask for");
	policy->ca_count = 0;
	opens_as(by_good(), SAM_IMPORT_ISSUER, "no CA at all");
	end_with_cas();
}
END_TEST

/* PEM of the end entity and as many CAs as a file may have, as one entry. */
static json_t *a_whole_file(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	PEM_write_bio_X509(bio, good.ee);
	for (int i = 0; i < CHAIN; i++)
		PEM_write_bio_X509(bio, good.sub);
	const long len = BIO_get_mem_data(bio, &text);
	json_t *out = json_string(base64(text, (size_t)len));
	BIO_free(bio);
	return out;
}

START_TEST(x5c_is_a_short_list_of_der_in_base64)
{
	char *text;
	start_with_cas();
	/* a file in the place of a certificate must not bring a chain of its own, which would go past the room for one */
	opens_as(vouched(good.ee_key, json_pack("[ooo]", a_whole_file(), der_of(good.sub), der_of(good.sub)), NULL),
		 SAM_IMPORT, "PEM with a chain, and a chain");
	opens_as(vouched(good.ee_key, json_pack("[o]", a_whole_file()), NULL), SAM_IMPORT, "PEM");
	json_t *many = json_pack("[o]", der_of(good.ee));
	for (int i = 0; i < CHAIN; i++)
		json_array_append_new(many, der_of(good.sub));
	text = vouched(good.ee_key, json_deep_copy(many), NULL);
	opens_as(text, SAM_OK, "as long as it may be");
	json_array_append_new(many, der_of(good.sub));
	opens_as(vouched(good.ee_key, many, NULL), SAM_IMPORT, "one more");
	static const char *const wrong[] = {"{'x5c':[]}", "{'x5c':{}}", "{'x5c':'x'}", "{'x5c':[1]}", "{'x5c':['']}",
					    "{'x5c':['AAAA']}", "{'x5c':[null]}", "{'x5c':[['AAAA']]}"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		opens_as(vouched(good.ee_key, json_array(), wrong[i]), SAM_IMPORT, wrong[i]);
	opens_as(vouched(good.ee_key, json_pack("[os]", der_of(good.ee), "AAAA"), NULL), SAM_IMPORT, "garbage in the chain");
	opens_as(vouched(good.ee_key, json_pack("[oi]", der_of(good.ee), 1), NULL), SAM_IMPORT, "a number in the chain");
	char kid[96];
	snprintf(kid, sizeof kid, "{'kid':'%s'}", alice.kid);
	opens_as(vouched(good.ee_key, json_pack("[oo]", der_of(good.ee), der_of(good.sub)), kid), SAM_IMPORT,
		 "a kid beside it");
	end_with_cas();
}
END_TEST

/* ---- the act ---- */

/* Really wrapped for the SAM's import key. */
static void wrap(void)
{
	uint8_t *spki, *der = NULL, secret[32];
	size_t len;
	int first = 0, more = 0;
	enum sam_cm_oaep hash;
	memset(secret, 'S', sizeof secret);
	is(sam_cm_import_key(sam->cm, true, &spki, &len, &hash), SAM_OK);
	EVP_PKEY *pkey = sam_ossl_pubkey(spki, len);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	kek_len = sizeof kek;
	ck_assert(EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash == SAM_CM_OAEP_SHA256 ? "SHA256" : "SHA1", NULL) == 1);
	ck_assert(EVP_PKEY_encrypt(ctx, kek, &kek_len, secret, sizeof secret) == 1);
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sam_ossl_ctx(), "AES-256-WRAP-PAD", NULL);
	EVP_CIPHER_CTX_set_flags(aes, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert(EVP_EncryptInit_ex2(aes, cipher, secret, NULL, NULL) == 1 &&
		  EVP_EncryptUpdate(aes, wrapped, &first, der, size) == 1 &&
		  EVP_EncryptFinal_ex(aes, wrapped + first, &more) == 1);
	wrapped_len = (size_t)(first + more);
	EVP_CIPHER_CTX_free(aes);
	EVP_CIPHER_free(cipher);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_free(der);
	free(spki);
}

static void start_wrapped(void)
{
	start();
	wrap();
}

static void another_key(void)
{
	key = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
	keep(KEPT_KEY, key);
	wrap();
}

/* Under that one's SAD for ${ordered}. */
static enum sam_reason bring(const struct device *d, const char *who, const char *text, const char *ordered)
{
	char params[96];
	snprintf(params, sizeof params, "{'sha256':'%s'}", sha256(ordered, strlen(ordered)));
	return act_by_sad(order(d, who, "import", params), SAM_ACT_KEY_IMPORT,
			  json_pack("{ss ss}", "package", text, "label", "from home"));
}

static enum sam_reason count_one(const struct sam_cm_found *found, void *arg)
{
	*(size_t *)arg += found->private && !found->own;
	return SAM_OK;
}

static size_t in_cm(void)
{
	size_t count = 0;
	is(sam_cm_scan(sam->cm, count_one, &count), SAM_OK);
	return count;
}

START_TEST(the_signers_sad_brings_a_key_in_once)
{
	start_wrapped();
	const char *text = package("{'id':'the-first-manifest'}");
	is(bring(&alice, "alice", text, text), SAM_OK);
	const struct sam_key *k = sam_registry_key(snapshot(), outcome.credential);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->origin, SAM_ORIGIN_SIGNER);
	ck_assert_int_eq(k->life, SAM_LIFE_ACTIVE);
	ck_assert_str_eq(k->signer, "alice");
	ck_assert_str_eq(k->label, "from home");
	ck_assert_ptr_nonnull(strstr(k->attributes, "CKA_EXTRACTABLE=00"));
	struct last last = last_of("key-import");
	ck_assert_str_eq(last.actor, "alice");
	ck_assert_ptr_nonnull(strstr(last.line, "the-first-manifest"));
	ck_assert_ptr_nonnull(strstr(last.line, outcome.credential));
	ck_assert_uint_eq(in_cm(), 1);
	refused(bring(&alice, "alice", text, text), SAM_EXISTS);
	another_key();
	text = package("{'id':'the-first-manifest'}");
	refused(bring(&alice, "alice", text, text), SAM_SAD_REUSED_ID);
	ck_assert_uint_eq(in_cm(), 1);
	/* the id is the issuer's own: bob's is another */
	text = pack(manifest(&bob, "{'id':'the-first-manifest','sub':'bob'}", NULL), NULL);
	is(bring(&bob, "bob", text, text), SAM_OK);
	ck_assert_uint_eq(in_cm(), 2);
}
END_TEST

START_TEST(a_sad_brings_in_just_the_package_that_it_names)
{
	start_wrapped();
	const char *text = package(NULL), *other = package(NULL);
	refused(bring(&alice, "alice", text, other), SAM_SAD_PARAMS);
	refused(bring(&bob, "bob", text, text), SAM_SAD_FOREIGN);
	refused(act_by_sad(order(&alice, "alice", "generate", "{'type':'ec:P-256','label':''}"), SAM_ACT_KEY_IMPORT,
			   json_pack("{ss}", "package", text)), SAM_SAD_OPERATION);
	refused(act("officer", "officer2", SAM_ACT_KEY_IMPORT, "{'package':'x','reference':'letter 1'}"), SAM_ROLE);
	refused(bring(&alice, "alice", "no package", "no package"), SAM_IMPORT);
	char params[96];
	snprintf(params, sizeof params, "{'sha256':'%064d'}", 0);
	refused(act_by_sad(order(&alice, "alice", "import", params), SAM_ACT_KEY_IMPORT, json_object()), SAM_ARGUMENTS);
	ck_assert_uint_eq(in_cm(), 0);
	const char *ordered = text;
	is(bring(&alice, "alice", text, ordered), SAM_OK);
	ck_assert_uint_eq(in_cm(), 1);
}
END_TEST

START_TEST(a_bad_sad_is_refused_as_such_whatever_the_package)
{
	start();
	const char *sad = order(&alice, "alice", "import", "{'sha256':'x'}");
	refused(act_by_sad(sad, SAM_ACT_KEY_IMPORT, json_pack("{ss}", "package", "no package")), SAM_SAD_CLAIMS);
	ck_assert_ptr_null(strstr(last_of(NULL).line, "manifest"));
}
END_TEST

START_TEST(another_key_inside_leaves_nothing_and_uses_nothing_up)
{
	start_wrapped();
	EVP_PKEY *inside = key;
	key = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256"); /* the manifest's alone */
	keep(KEPT_KEY, key);
	const char *text = package("{'id':'the-first-manifest'}");
	refused(bring(&alice, "alice", text, text), SAM_IMPORT_MISMATCH);
	ck_assert_uint_eq(in_cm(), 0);
	key = inside;
	text = package("{'id':'the-first-manifest'}");
	is(bring(&alice, "alice", text, text), SAM_OK);
}
END_TEST

START_TEST(the_second_person_is_shown_which_package)
{
	start();
	const char *text = package(NULL);
	json_t *params = json_pack("{ss ss}", "package", text, "reference", "letter 1");
	struct sam_pending pending = {.act = SAM_ACT_KEY_IMPORT_LEVEL, .params = kept_text(json_dumps(params, 0))};
	json_t *shown = sam_act_describe(&pending);
	ck_assert_str_eq(json_string_value(json_object_get(shown, "package_sha256")), sha256(text, strlen(text)));
	ck_assert_str_eq(json_string_value(json_object_get(shown, "reference")), "letter 1");
	ck_assert_ptr_null(json_object_get(shown, "package"));
	json_decref(shown);
	json_decref(params);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("import");
	TCase *c = tcase_create("import");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, what_a_good_package_says_is_read);
	tcase_add_test(c, every_member_is_there_once_of_its_type_and_no_other);
	tcase_add_test(c, doubled_members_and_what_follows_are_refused);
	tcase_add_test(c, sizes_are_bounded);
	tcase_add_test(c, times_are_kept_to);
	tcase_add_test(c, only_keys_that_the_policy_lets_be_made_come_in);
	tcase_add_test(c, the_manifest_is_the_word_of_the_signers_own_device);
	tcase_add_test(c, a_ca_that_the_policy_trusts_for_it_may_vouch);
	tcase_add_test(c, x5c_is_a_short_list_of_der_in_base64);
	tcase_add_test(c, the_signers_sad_brings_a_key_in_once);
	tcase_add_test(c, a_sad_brings_in_just_the_package_that_it_names);
	tcase_add_test(c, a_bad_sad_is_refused_as_such_whatever_the_package);
	tcase_add_test(c, another_key_inside_leaves_nothing_and_uses_nothing_up);
	tcase_add_test(c, the_second_person_is_shown_which_package);
	suite_add_tcase(s, c);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
