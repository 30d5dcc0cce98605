/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys from outside: the import key, packages good and bad, and what is left in the CM after each (nothing).
 */
#include "cm_token.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { WRAPPED_MAX = 4096 };

static struct sam_cm *cm;

struct parcel {
	EVP_PKEY *pkey, *import;
	enum sam_cm_oaep hash;
	uint8_t value[32], kek[512], key[WRAPPED_MAX];
	size_t kek_len, key_len;
	uint8_t *spki;
	size_t spki_len;
	struct sam_cm_new_key what;
};

static const struct {
	enum sam_key_type type;
	unsigned bits;
} kinds[] = {{SAM_KEY_RSA, 2048}, {SAM_KEY_RSA, 3072}, {SAM_KEY_EC, 256},
	     {SAM_KEY_EC, 384},   {SAM_KEY_EC, 521},   {SAM_KEY_ED25519, 255}};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void open_cm(const char *module)
{
	struct sam_cm_options o = cm_options(module);
	cm = cm_open_with(&o);
}

static void close_cm(void)
{
	sam_cm_close(cm);
	cm = NULL;
}

static EVP_PKEY *new_key(enum sam_key_type type, unsigned bits)
{
	if (type == SAM_KEY_RSA)
		return EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)bits);
	if (type == SAM_KEY_ED25519)
		return EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "ED25519");
	return EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521");
}

static void wrap_kek(struct parcel *p, size_t bytes)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), p->import, NULL);
	p->kek_len = sizeof p->kek;
	ck_assert(EVP_PKEY_encrypt_init(ctx) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, p->hash == SAM_CM_OAEP_SHA256 ? "SHA256" : "SHA1", NULL) == 1);
	ck_assert(EVP_PKEY_encrypt(ctx, p->kek, &p->kek_len, p->value, bytes) == 1);
	EVP_PKEY_CTX_free(ctx);
}

static void wrap_bytes(struct parcel *p, const char *cipher, const uint8_t *data, int len)
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(sam_ossl_ctx(), cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out = 0, more = 0;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert(EVP_EncryptInit_ex2(ctx, aes, p->value, NULL, NULL) == 1);
	ck_assert(EVP_EncryptUpdate(ctx, p->key, &out, data, len) == 1);
	ck_assert(EVP_EncryptFinal_ex(ctx, p->key + out, &more) == 1);
	p->key_len = (size_t)(out + more);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(aes);
}

static void wrap_key(struct parcel *p, EVP_PKEY *pkey)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	uint8_t *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	ck_assert_int_gt(len, 0);
	wrap_bytes(p, "AES-256-WRAP-PAD", der, len);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static void pack(struct parcel *p, enum sam_key_type type, unsigned bits)
{
	uint8_t *spki;
	size_t len;
	memset(p, 0, sizeof *p);
	ck_assert_int_eq(sam_cm_import_key(cm, true, &spki, &len, &p->hash), SAM_OK);
	p->import = sam_ossl_pubkey(spki, len);
	free(spki);
	memset(p->value, 'B', sizeof p->value);
	p->pkey = new_key(type, bits);
	ck_assert_ptr_nonnull(p->pkey);
	ck_assert_int_eq(sam_ossl_spki(p->pkey, &p->spki, &p->spki_len), SAM_OK);
	wrap_kek(p, 32);
	wrap_key(p, p->pkey);
	p->what = (struct sam_cm_new_key){.type = type, .bits = bits, .label = "brought in", .id = cm_id};
}

static void unpack(struct parcel *p)
{
	EVP_PKEY_free(p->pkey);
	EVP_PKEY_free(p->import);
	free(p->spki);
}

static CK_ULONG count(CK_OBJECT_CLASS class)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	CK_ULONG n = cm_find(f, s, class, NULL, NULL);
	f->C_CloseSession(s);
	return n;
}

static enum sam_reason unwrap(const struct parcel *p, struct sam_cm_made *made)
{
	const struct sam_cm_package package = {p->kek, p->kek_len, p->key, p->key_len, p->spki, p->spki_len};
	struct sam_msg msg;
	enum sam_reason reason = sam_cm_unwrap(cm, &p->what, &package, made, &msg);
	ck_assert((reason == SAM_OK) == (made->spki != NULL));
	/* the session's AES key is gone in every case */
	ck_assert_uint_eq(count(CKO_SECRET_KEY), 0);
	if ((reason == SAM_IMPORT || reason == SAM_IMPORT_MISMATCH) && !msg.text[0])
		ck_abort_msg("no sentence");
	return reason;
}

/* With only the import key in the token afterwards. */
static void refuses(const struct parcel *p, enum sam_reason want)
{
	struct sam_cm_made made;
	enum sam_reason reason = unwrap(p, &made);
	ck_assert_msg(reason == want, "%s, not %s", sam_reason_name(reason), sam_reason_name(want));
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 1);
	ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 1);
}

static void takes(const struct parcel *p)
{
	struct sam_cm_made made;
	ck_assert_int_eq(unwrap(p, &made), SAM_OK);
	sam_cm_made_clear(&made);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
}

/* ---- the import key ---- */

START_TEST(import_key_is_made_once_and_can_only_unwrap)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		int want;
	} rules[] = {{CKA_TOKEN, 1},   {CKA_PRIVATE, 1},    {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0},
		     {CKA_SIGN, 0},    {CKA_DECRYPT, 0},    {CKA_UNWRAP, 1},    {CKA_DERIVE, 0},
		     {CKA_LOCAL, 1},   {CKA_MODIFIABLE, 0}, {CKA_COPYABLE, 0},  {CKA_SIGN_RECOVER, 0},
		     {CKA_NEVER_EXTRACTABLE, 1}};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	uint8_t *spki[2];
	size_t len[2];
	enum sam_cm_oaep hash = 0;
	open_cm(cm_softhsm());
	ck_assert_int_eq(sam_cm_import_key(cm, false, &spki[0], &len[0], &hash), SAM_NOT_FOUND);
	ck_assert(!spki[0] && !len[0]);
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(sam_cm_import_key(cm, i == 0, &spki[i], &len[i], &hash), SAM_OK);
	ck_assert_uint_eq(len[0], len[1]);
	ck_assert_mem_eq(spki[0], spki[1], len[0]);
	ck_assert_int_eq(hash, SAM_CM_OAEP_SHA1); /* SoftHSM 2.6.1 */
	ck_assert_str_eq(sam_cm_oaep_name(hash), "RSA-OAEP");
	EVP_PKEY *pkey = sam_ossl_pubkey(spki[0], len[0]);
	ck_assert_int_eq(EVP_PKEY_get_bits(pkey), 3072);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, &key), 1);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		ck_assert_msg(cm_bool(f, s, key, rules[i].type) == rules[i].want, "0x%lx", rules[i].type);
	ck_assert_uint_eq(count(CKO_SECRET_KEY), 0);
	EVP_PKEY_free(pkey);
	free(spki[0]);
	free(spki[1]);
	close_cm();
}
END_TEST

/* A pair of that label made past the SAM. */
static void plant(bool good)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE, odd = good ? CK_FALSE : CK_TRUE;
	CK_BYTE e[] = {1, 0, 1};
	CK_ULONG bits = 3072;
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE pair[2];
	CK_ATTRIBUTE pub[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, e, 3},
			      {CKA_TOKEN, &yes, 1}, {CKA_LABEL, "p11-sam import", 14}};
	CK_ATTRIBUTE priv[] = {{CKA_LABEL, "p11-sam import", 14}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1},
			       {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_UNWRAP, &yes, 1},
			       {CKA_SIGN, &no, 1}, {CKA_DECRYPT, &odd, 1}, {CKA_SIGN_RECOVER, &no, 1}};
	ck_assert(f->C_GenerateKeyPair(cm_session(f), &mechanism, pub, 4, priv, 9, &pair[0], &pair[1]) == CKR_OK);
}

START_TEST(two_import_keys_or_another_kind_are_refused)
{
	uint8_t *spki;
	size_t len;
	enum sam_cm_oaep hash;
	open_cm(cm_softhsm());
	plant(false);
	ck_assert_int_eq(sam_cm_import_key(cm, true, &spki, &len, &hash), SAM_CM_FAILED);
	plant(true);
	ck_assert_int_eq(sam_cm_import_key(cm, true, &spki, &len, &hash), SAM_CM_KEY_MISSING);
	ck_assert(!spki && !len);
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 2);
	close_cm();
}
END_TEST

START_TEST(half_made_import_key_is_destroyed)
{
	static const char *const told[] = {
		"C_GenerateKeyPair fail 0x30 1\n",
		"C_GetAttributeValue fail 0x5 1\n",
		"C_GetAttributeValue flip 0x107\n", /* UNWRAP */
		"C_UnwrapKey fail 0x70\n",
		"C_UnwrapKey fail 0x30\n",
	};
	uint8_t *spki;
	size_t len;
	enum sam_cm_oaep hash;
	open_cm(cm_mock());
	cm_write(cm_control, told[_i]);
	ck_assert_int_eq(sam_cm_import_key(cm, true, &spki, &len, &hash), SAM_CM_FAILED);
	ck_assert(!spki && !len);
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 0);
	ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 0);
	cm_write(cm_control, "");
	ck_assert_int_eq(sam_cm_import_key(cm, true, &spki, &len, &hash), SAM_OK);
	free(spki);
	close_cm();
}
END_TEST

START_TEST(hash_is_sha256_where_the_cm_can)
{
	struct parcel p;
	open_cm(cm_mock());
	cm_write(cm_control, "C_UnwrapKey oaep256\n");
	pack(&p, SAM_KEY_EC, 256);
	ck_assert_int_eq(p.hash, SAM_CM_OAEP_SHA256);
	ck_assert_str_eq(sam_cm_oaep_name(p.hash), "RSA-OAEP-256");
	takes(&p);
	unpack(&p);
	close_cm();
}
END_TEST

/* ---- packages ---- */

static void signs(const struct parcel *p, const char *attributes)
{
	static const enum sam_padding paddings[] = {
		[SAM_KEY_RSA] = SAM_PAD_PSS, [SAM_KEY_EC] = SAM_PAD_ECDSA, [SAM_KEY_ED25519] = SAM_PAD_EDDSA};
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature;
	bool maybe;
	struct sam_cm_job job = cm_job(cm_id, paddings[p->what.type], SAM_HASH_SHA256, p->what.bits);
	job.message = cm_digest;
	job.message_len = 5;
	job.attributes = attributes;
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_OK);
}

START_TEST(wrapped_key_is_brought_in_and_signs)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		int want;
	} rules[] = {{CKA_TOKEN, 1},   {CKA_PRIVATE, 1},    {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0},
		     {CKA_SIGN, 1},    {CKA_DECRYPT, 0},    {CKA_UNWRAP, 0},    {CKA_DERIVE, 0},
		     {CKA_LOCAL, 0},   {CKA_MODIFIABLE, 0}, {CKA_COPYABLE, 0},  {CKA_SIGN_RECOVER, 0}};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	struct parcel p;
	struct sam_cm_made made;
	const struct sam_mechanism ed = {.padding = SAM_PAD_EDDSA};
	open_cm(cm_softhsm());
	if (kinds[_i].type == SAM_KEY_ED25519 && !sam_cm_has(cm, &ed)) {
		close_cm();
		return;
	}
	pack(&p, kinds[_i].type, kinds[_i].bits);
	if (kinds[_i].type == SAM_KEY_ED25519) { /* SoftHSM 2.6.1 cannot unwrap those */
		refuses(&p, SAM_IMPORT);
		unpack(&p);
		close_cm();
		return;
	}
	ck_assert_int_eq(unwrap(&p, &made), SAM_OK);
	ck_assert(!made.local);
	ck_assert_uint_eq(made.spki_len, p.spki_len);
	ck_assert_mem_eq(made.spki, p.spki, p.spki_len);
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_LOCAL=00 "));
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_SIGN=01 CKA_DECRYPT=00 CKA_UNWRAP=00 "));
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, cm_id, &key), 1);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		ck_assert_msg(cm_bool(f, s, key, rules[i].type) == rules[i].want, "0x%lx", rules[i].type);
	signs(&p, made.attributes);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, made.attributes), SAM_OK);
	struct sam_cm_made again;
	ck_assert_int_eq(unwrap(&p, &again), SAM_EXISTS);
	signs(&p, made.attributes); /* and the first one is still there */
	sam_cm_made_clear(&made);
	unpack(&p);
	close_cm();
}
END_TEST

START_TEST(damaged_package_is_refused)
{
	struct parcel p;
	open_cm(cm_softhsm());
	pack(&p, SAM_KEY_EC, 256);
	struct parcel good = p;
	p.kek[100] ^= 1;
	refuses(&p, SAM_IMPORT);
	p = good;
	memset(p.kek, 0xff, sizeof p.kek); /* above the modulus */
	refuses(&p, SAM_IMPORT);
	p = good;
	p.key[0] ^= 1;
	refuses(&p, SAM_IMPORT);
	p = good;
	p.key[p.key_len - 1] ^= 1;
	refuses(&p, SAM_IMPORT);
	p = good;
	p.key_len -= 8;
	refuses(&p, SAM_IMPORT);
	takes(&good);
	unpack(&good);
	close_cm();
}
END_TEST

START_TEST(impossible_lengths_do_not_reach_the_cm)
{
	static const size_t lengths[] = {0, 8, 15, 17, 8193, 8200, 1 << 24};
	struct parcel p;
	open_cm(cm_mock());
	pack(&p, SAM_KEY_EC, 256);
	struct parcel good = p;
	cm_write(cm_control, "C_UnwrapKey fail 0x30\n"); /* so that it would be another reason */
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		p = good;
		p.key_len = lengths[i];
		refuses(&p, SAM_IMPORT);
		p = good;
		p.kek_len = lengths[i];
		refuses(&p, SAM_IMPORT);
	}
	p = good;
	p.spki_len--;
	refuses(&p, SAM_IMPORT);
	p.spki_len = 0;
	refuses(&p, SAM_IMPORT);
	p = good;
	p.what.bits = 384;
	refuses(&p, SAM_IMPORT_MISMATCH);
	p = good;
	p.what.label = "p11-sam import";
	refuses(&p, SAM_ARGUMENTS);
	p = good;
	memcpy(p.what.end, "20261301", 9);
	refuses(&p, SAM_ARGUMENTS);
	unpack(&good);
	close_cm();
}
END_TEST

START_TEST(other_wrapping_is_refused)
{
	struct parcel p;
	open_cm(cm_softhsm());
	pack(&p, SAM_KEY_EC, 256);
	struct parcel good = p;
	wrap_bytes(&p, "AES-256-WRAP-PAD", (const uint8_t *)"no PKCS#8 at all, but well wrapped", 34);
	refuses(&p, SAM_IMPORT);
	p = good;
	wrap_bytes(&p, "AES-256-WRAP", (const uint8_t *)"0123456701234567012345670123456701234567", 40);
	refuses(&p, SAM_IMPORT); /* RFC 3394, another constant */
	p = good;
	p.hash = SAM_CM_OAEP_SHA256; /* which this CM cannot do */
	wrap_kek(&p, 32);
	refuses(&p, SAM_IMPORT);
	p = good;
	memset(p.value, 'C', sizeof p.value); /* two halves of two packages */
	wrap_kek(&p, 32);
	refuses(&p, SAM_IMPORT);
	p = good;
	wrap_kek(&p, 16);
	refuses(&p, SAM_IMPORT); /* AES-128 */
	unpack(&good);
	close_cm();
}
END_TEST

START_TEST(kek_for_another_key_is_refused)
{
	struct parcel p;
	open_cm(cm_softhsm());
	pack(&p, SAM_KEY_EC, 256);
	EVP_PKEY_free(p.import);
	p.import = new_key(SAM_KEY_RSA, 3072);
	wrap_kek(&p, 32);
	refuses(&p, SAM_IMPORT);
	unpack(&p);
	close_cm();
}
END_TEST

/* What is in the package is not what its manifest names. */
START_TEST(another_key_in_the_package_is_refused)
{
	static const struct {
		enum sam_key_type type;
		unsigned bits, inside;
		enum sam_key_type inside_type;
		enum sam_reason want;
	} cases[] = {
		{SAM_KEY_RSA, 2048, 2048, SAM_KEY_RSA, SAM_IMPORT_MISMATCH},
		{SAM_KEY_RSA, 2048, 3072, SAM_KEY_RSA, SAM_IMPORT_MISMATCH},
		{SAM_KEY_EC, 256, 256, SAM_KEY_EC, SAM_IMPORT_MISMATCH},
		{SAM_KEY_EC, 256, 384, SAM_KEY_EC, SAM_IMPORT_MISMATCH},
		{SAM_KEY_EC, 256, 2048, SAM_KEY_RSA, SAM_IMPORT},
		{SAM_KEY_RSA, 2048, 256, SAM_KEY_EC, SAM_IMPORT},
	};
	struct parcel p;
	open_cm(cm_softhsm());
	pack(&p, cases[_i].type, cases[_i].bits);
	EVP_PKEY *other = new_key(cases[_i].inside_type, cases[_i].inside);
	wrap_key(&p, other);
	refuses(&p, cases[_i].want);
	EVP_PKEY_free(other);
	unpack(&p);
	close_cm();
}
END_TEST

START_TEST(weak_exponent_is_refused)
{
	struct parcel p;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(sam_ossl_ctx(), "RSA", NULL);
	BIGNUM *three = BN_new();
	EVP_PKEY *weak = NULL;
	BN_set_word(three, 3);
	ck_assert(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1 &&
		  EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) == 1 && EVP_PKEY_keygen(ctx, &weak) == 1);
	open_cm(cm_softhsm());
	pack(&p, SAM_KEY_RSA, 2048);
	wrap_key(&p, weak);
	free(p.spki);
	ck_assert_int_eq(sam_ossl_spki(weak, &p.spki, &p.spki_len), SAM_OK);
	refuses(&p, SAM_IMPORT);
	EVP_PKEY_free(weak);
	EVP_PKEY_CTX_free(ctx);
	BN_free(three);
	unpack(&p);
	close_cm();
}
END_TEST

START_TEST(without_an_import_key_nothing_is_brought_in)
{
	struct parcel p;
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	struct sam_cm_made made;
	open_cm(cm_softhsm());
	pack(&p, SAM_KEY_EC, 256);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, &key), 1);
	ck_assert(f->C_DestroyObject(s, key) == CKR_OK);
	ck_assert_int_eq(unwrap(&p, &made), SAM_CM_KEY_MISSING); /* half of it */
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, NULL, &key), 1);
	ck_assert(f->C_DestroyObject(s, key) == CKR_OK);
	ck_assert_int_eq(unwrap(&p, &made), SAM_NOT_FOUND);
	unpack(&p);
	close_cm();
}
END_TEST

/* ---- a CM that fails, or lies ---- */

/* With SoftHSM the calls of C_UnwrapKey are: two tries, the kek, the key. */
static const struct {
	const char *told;
	enum sam_reason want;
} failures[] = {
	{"C_UnwrapKey fail 0x30 1 1\n", SAM_OK}, /* before anything was made: once more */
	{"C_UnwrapKey fail 0x31 1 1\n", SAM_CM_FAILED},
	{"C_UnwrapKey fail 0x5 1 2\n", SAM_IMPORT},
	{"C_UnwrapKey fail 0x31 1 2\n", SAM_CM_FAILED},
	{"C_UnwrapKey after 0x5 1 2\n", SAM_IMPORT},
	{"C_UnwrapKey after 0x31 1 2\n", SAM_CM_FAILED},
	{"C_UnwrapKey fail 0x5 1 3\n", SAM_IMPORT},
	{"C_UnwrapKey fail 0x30 1 3\n", SAM_CM_FAILED},
	{"C_UnwrapKey fail 0xb3 1 3\n", SAM_OK}, /* the session was lost before */
	{"C_UnwrapKey after 0x5 1 3\n", SAM_IMPORT}, /* it made the key all the same */
	{"C_UnwrapKey after 0x30 1 3\n", SAM_CM_FAILED},
	{"C_UnwrapKey fail 0xd1 3 3\n", SAM_OK}, /* its template, without what it may not know */
	{"C_UnwrapKey fail 0xd1 4 3\n", SAM_IMPORT},
	{"C_DestroyObject fail 0x6 1\n", SAM_CM_FAILED},   /* of the try */
	{"C_DestroyObject fail 0x6 1 1\n", SAM_CM_FAILED}, /* of the kek */
	{"C_SignInit fail 0x68 1\n", SAM_CM_FAILED},
	{"C_Sign fail 0x6 1\n", SAM_CM_FAILED},
	{"C_Sign wrong 1\n", SAM_IMPORT_MISMATCH},
	{"C_Sign length 0 1\n", SAM_CM_FAILED},
	{"C_Sign length 63 1\n", SAM_IMPORT_MISMATCH},
	{"C_GetAttributeValue flip 0x180\n", SAM_IMPORT_MISMATCH}, /* EC_PARAMS */
	{"C_GetAttributeValue flip 0x102\n", SAM_CM_FAILED},	   /* ID */
	{"C_GetAttributeValue flip 0x3\n", SAM_CM_FAILED},	   /* LABEL */
	{"C_GetAttributeValue flip 0x170\n", SAM_CM_FAILED},	   /* MODIFIABLE */
	{"C_GetAttributeValue flip 0x40000600\n", SAM_CM_FAILED},  /* ALLOWED_MECHANISMS */
	{"C_GetAttributeValue flip 0x161\n", SAM_IMPORT},	   /* VALUE_LEN, of the kek */
};

enum { FAILURES = sizeof failures / sizeof failures[0] };

START_TEST(failure_leaves_nothing_behind)
{
	struct parcel p;
	open_cm(cm_mock());
	pack(&p, SAM_KEY_EC, 256);
	cm_write(cm_control, failures[_i].told);
	if (failures[_i].want == SAM_OK)
		takes(&p);
	else
		refuses(&p, failures[_i].want);
	cm_write(cm_control, "");
	takes(&p);
	unpack(&p);
	close_cm();
}
END_TEST

START_TEST(key_that_signs_for_another_is_refused)
{
	struct parcel p;
	uint8_t other[SAM_CM_ID] = {1};
	struct sam_cm_made made;
	open_cm(cm_mock());
	pack(&p, SAM_KEY_EC, 256);
	cm_generate(cm, SAM_KEY_EC, 256, other, NULL);
	cm_write(cm_control, "C_SignInit otherkey\n");
	ck_assert_int_eq(unwrap(&p, &made), SAM_IMPORT_MISMATCH);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(sam_cm_key_present(cm, other, NULL), SAM_OK);
	unpack(&p);
	close_cm();
}
END_TEST

/* Each proof is over another value: nobody can tell beforehand what is signed. */
START_TEST(pairwise_value_is_fresh)
{
	char first[256] = "", second[256] = "";
	struct parcel p;
	open_cm(cm_mock());
	pack(&p, SAM_KEY_EC, 256);
	takes(&p);
	takes(&p);
	ck_assert_uint_eq(cm_logged(" C_Sign "), 2);
	FILE *f = fopen(cm_log, "re");
	for (char line[256]; fgets(line, sizeof line, f);)
		if (strstr(line, " C_Sign "))
			memcpy(first[0] ? second : first, line, sizeof line);
	fclose(f);
	ck_assert_str_ne(first, second);
	unpack(&p);
	close_cm();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cm_import");
	TCase *t = tcase_create("key");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_test(t, import_key_is_made_once_and_can_only_unwrap);
	tcase_add_test(t, two_import_keys_or_another_kind_are_refused);
	tcase_add_loop_test(t, half_made_import_key_is_destroyed, 0, 5);
	tcase_add_test(t, hash_is_sha256_where_the_cm_can);
	suite_add_tcase(s, t);
	t = tcase_create("packages");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_loop_test(t, wrapped_key_is_brought_in_and_signs, 0, KINDS);
	tcase_add_test(t, damaged_package_is_refused);
	tcase_add_test(t, impossible_lengths_do_not_reach_the_cm);
	tcase_add_test(t, other_wrapping_is_refused);
	tcase_add_test(t, kek_for_another_key_is_refused);
	tcase_add_loop_test(t, another_key_in_the_package_is_refused, 0, 6);
	tcase_add_test(t, weak_exponent_is_refused);
	tcase_add_test(t, without_an_import_key_nothing_is_brought_in);
	suite_add_tcase(s, t);
	t = tcase_create("failures");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_loop_test(t, failure_leaves_nothing_behind, 0, FAILURES);
	tcase_add_test(t, key_that_signs_for_another_is_refused);
	tcase_add_test(t, pairwise_value_is_fresh);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, cm_mock_missing)
