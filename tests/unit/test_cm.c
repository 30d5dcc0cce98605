/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The CM room against SoftHSM: opening, keys, signatures, random bytes, the sealing key.
 */
#include "cm_token.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include "cm/internal.h"

static struct sam_cm *cm;

static void open_plain(void)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	cm = cm_open_with(&o);
}

static void close_plain(void)
{
	sam_cm_close(cm);
	cm = NULL;
}

/* ---- opening ---- */

START_TEST(open_tells_who_made_it)
{
	struct sam_cm_info info;
	open_plain();
	sam_cm_info(cm, &info);
	ck_assert_str_eq(info.label, CM_LABEL);
	ck_assert_str_eq(info.manufacturer, "SoftHSM project");
	ck_assert_uint_eq(strlen(info.serial), 16);
	ck_assert(strchr(info.firmware, '.') != NULL);
	ck_assert(sam_cm_token_present(cm));
	const struct sam_mechanism rsa = {.padding = SAM_PAD_PKCS1}, pss = {.padding = SAM_PAD_PSS},
				   ec = {.padding = SAM_PAD_ECDSA}, none = {.padding = 0};
	ck_assert(sam_cm_has(cm, &rsa) && sam_cm_has(cm, &pss) && sam_cm_has(cm, &ec));
	ck_assert(!sam_cm_has(cm, &none));
	close_plain();
}
END_TEST

START_TEST(token_is_found_by_serial)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	struct sam_cm_info info;
	open_plain();
	sam_cm_info(cm, &info);
	close_plain();
	o.token = NULL;
	o.serial = info.serial;
	ck_assert_int_eq(cm_try(&o), SAM_OK);
	o.serial = "0000000000000000";
	ck_assert_int_eq(cm_try(&o), SAM_CM_TOKEN);
}
END_TEST

START_TEST(wrong_or_ambiguous_token_is_refused)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	o.token = "unit-c";
	ck_assert_int_eq(cm_try(&o), SAM_CM_TOKEN);
	o.token = CM_LABEL;
	cm_init_token(CM_LABEL);
	ck_assert_int_eq(cm_try(&o), SAM_CM_TOKEN);
}
END_TEST

START_TEST(what_is_no_vendor_library_is_refused)
{
	struct sam_cm_options o = cm_options("/nonexistent/libcm.so");
	ck_assert_int_eq(cm_try(&o), SAM_CM_LOAD);
	o.module = "libm.so.6";
	ck_assert_int_eq(cm_try(&o), SAM_CM_LOAD);
	o.module = NULL;
	ck_assert_int_eq(cm_try(&o), SAM_ARGUMENTS);
}
END_TEST

START_TEST(own_code_is_recognised)
{
	void *symbol,
		*theirs = dlsym(dlopen(cm_softhsm(), RTLD_NOW | RTLD_LOCAL), "C_GetFunctionList");
	enum sam_reason (*ours)(const struct sam_cm_options *, struct sam_cm **,
				struct sam_msg *) = sam_cm_open;
	memcpy(&symbol, &ours, sizeof symbol);
	ck_assert(sam_cm_own_code(symbol));
	ck_assert(theirs && !sam_cm_own_code(theirs));
	ck_assert(!sam_cm_own_code(NULL));
}
END_TEST

START_TEST(opens_and_closes_many_times)
{
	for (unsigned i = 0; i < 30; i++) {
		open_plain();
		close_plain();
	}
	CK_INFO info;
	ck_assert(cm_direct()->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED);
}
END_TEST

START_TEST(two_at_once_do_not_disturb_each_other)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	bool maybe;
	struct sam_cm *first = cm_open_with(&o);
	cm = cm_open_with(&o);
	cm_generate(first, SAM_KEY_EC, 256, cm_id, NULL);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	sam_cm_close(first);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	close_plain();
}
END_TEST

START_TEST(foreign_initialisation_and_login_survive_close)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_INFO info;
	ck_assert(f->C_Initialize(NULL) == CKR_OK);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert(f->C_Login(s, CKU_USER, (CK_BYTE_PTR)CM_PIN, strlen(CM_PIN)) == CKR_OK);
	open_plain();
	close_plain();
	ck_assert(f->C_GetSessionInfo(s, &info) == CKR_OK);
	ck_assert_uint_eq(info.state, CKS_RW_USER_FUNCTIONS);
	ck_assert(f->C_Finalize(NULL) == CKR_OK);
}
END_TEST

START_TEST(unreadable_pin_source_is_refused)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	o.pin_source = "file:/nonexistent/pin";
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN);
	o.pin_source = "credential:cm-pin";
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN);
	setenv("CREDENTIALS_DIRECTORY", cm_folder, 1);
	o.pin_source = "credential:pin";
	ck_assert_int_eq(cm_try(&o), SAM_OK);
	ck_assert_int_eq(chmod(cm_pin_file, 0644), 0);
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN);
}
END_TEST

START_TEST(wrong_pin_is_remembered_with_mode_0600)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	struct stat st;
	cm_write(cm_pin_file, "00000000");
	ck_assert_int_eq(cm_try(&o), SAM_CM_PIN_REFUSED);
	ck_assert_int_eq(stat(cm_memo, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	cm_write(cm_pin_file, CM_PIN);
	ck_assert_int_eq(cm_try(&o), SAM_OK);
	ck_assert_int_ne(stat(cm_memo, &st), 0);
}
END_TEST

/* ---- keys ---- */

static void verify(EVP_PKEY *pkey, const struct sam_cm_job *job, const uint8_t *signature,
		   size_t len)
{
	uint8_t der[160], *p = der;
	size_t half = len / 2;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	if (job->padding == SAM_PAD_EDDSA) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();
		ck_assert(EVP_DigestVerifyInit_ex(md, NULL, NULL, sam_ossl_ctx(), NULL, pkey,
						  NULL) == 1);
		ck_assert(EVP_DigestVerify(md, signature, len, job->message, job->message_len) ==
			  1);
		EVP_MD_CTX_free(md);
		EVP_PKEY_CTX_free(ctx);
		return;
	}
	ck_assert(EVP_PKEY_verify_init(ctx) == 1);
	if (job->padding == SAM_PAD_ECDSA) {
		ECDSA_SIG *sig = ECDSA_SIG_new();
		ECDSA_SIG_set0(sig, BN_bin2bn(signature, (int)half, NULL),
			       BN_bin2bn(signature + half, (int)half, NULL));
		len = (size_t)i2d_ECDSA_SIG(sig, &p);
		signature = der;
		ECDSA_SIG_free(sig);
	} else {
		int pad = job->padding == SAM_PAD_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
		ck_assert(EVP_PKEY_CTX_set_rsa_padding(ctx, pad) == 1);
		ck_assert(EVP_PKEY_CTX_set_signature_md(ctx, sam_ossl_md(job->hash)) == 1);
		if (job->padding == SAM_PAD_PSS)
			ck_assert(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
				  1);
	}
	ck_assert_int_eq(
		EVP_PKEY_verify(ctx, signature, len, job->digest, sam_hash_size(job->hash)), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void sign_and_verify(EVP_PKEY *pkey, const struct sam_cm_job *job)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature;
	bool maybe = true;
	ck_assert_int_eq(sam_cm_sign(cm, job, signature, &len, &maybe), SAM_OK);
	ck_assert(!maybe);
	verify(pkey, job, signature, len);
}

static void check_hashes(EVP_PKEY *pkey, enum sam_padding padding, unsigned bits)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++) {
		struct sam_cm_job job = cm_job(cm_id, padding, h, bits);
		sign_and_verify(pkey, &job);
	}
}

START_TEST(rsa_signs_both_ways)
{
	unsigned bits = _i ? 3072 : 2048;
	EVP_PKEY *pkey;
	open_plain();
	cm_generate(cm, SAM_KEY_RSA, bits, cm_id, &pkey);
	ck_assert_int_eq(EVP_PKEY_get_bits(pkey), (int)bits);
	check_hashes(pkey, SAM_PAD_PKCS1, bits);
	check_hashes(pkey, SAM_PAD_PSS, bits);
	EVP_PKEY_free(pkey);
	close_plain();
}
END_TEST

START_TEST(ecdsa_signs_every_hash_on_every_curve)
{
	static const unsigned bits[] = {256, 384, 521};
	EVP_PKEY *pkey;
	open_plain();
	cm_generate(cm, SAM_KEY_EC, bits[_i], cm_id, &pkey);
	ck_assert_int_eq(EVP_PKEY_get_bits(pkey), (int)bits[_i]);
	check_hashes(pkey, SAM_PAD_ECDSA, bits[_i]); /* OpenSSL takes the leftmost bits itself */
	EVP_PKEY_free(pkey);
	close_plain();
}
END_TEST

START_TEST(ed25519_signs_the_message)
{
	EVP_PKEY *pkey;
	const struct sam_mechanism ed = {.padding = SAM_PAD_EDDSA};
	struct sam_cm_job job = cm_job(cm_id, SAM_PAD_EDDSA, SAM_HASH_NONE, 255);
	open_plain();
	if (!sam_cm_has(cm, &ed)) {
		close_plain();
		return;
	}
	cm_generate(cm, SAM_KEY_ED25519, 255, cm_id, &pkey);
	job.message = (const uint8_t *)"the message itself";
	job.message_len = 18;
	sign_and_verify(pkey, &job);
	EVP_PKEY_free(pkey);
	close_plain();
}
END_TEST

START_TEST(unknown_sizes_are_refused)
{
	static const struct {
		enum sam_key_type type;
		unsigned bits;
	} bad[] = {{SAM_KEY_RSA, 1024}, {SAM_KEY_RSA, 2047}, {SAM_KEY_RSA, 8192}, {SAM_KEY_EC, 255},
		   {SAM_KEY_EC, 224}, {SAM_KEY_ED25519, 256}, {0, 256}};
	open_plain();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct sam_cm_new_key what = {.type = bad[i].type, .bits = bad[i].bits, .label = "x", .id = cm_id};
		struct sam_cm_made made;
		ck_assert_int_eq(sam_cm_generate(cm, &what, false, &made), SAM_ARGUMENTS);
		ck_assert(!made.spki && !made.spki_len);
	}
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_CM_KEY_MISSING);
	close_plain();
}
END_TEST

START_TEST(key_in_the_cm_can_only_sign)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		int want;
	} rules[] = {{CKA_TOKEN, 1},      {CKA_PRIVATE, 1},
		     {CKA_SENSITIVE, 1},  {CKA_EXTRACTABLE, 0},
		     {CKA_SIGN, 1},       {CKA_SIGN_RECOVER, 0},
		     {CKA_DECRYPT, 0},    {CKA_UNWRAP, 0},
		     {CKA_DERIVE, 0},     {CKA_ALWAYS_AUTHENTICATE, 0},
		     {CKA_MODIFIABLE, 0}, {CKA_COPYABLE, 0},
		     {CKA_LOCAL, 1}};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key, public_key;
	CK_MECHANISM_TYPE allowed[4];
	CK_ATTRIBUTE mechanisms = {CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed};
	open_plain();
	cm_generate(cm, SAM_KEY_RSA, 2048, cm_id, NULL);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, cm_id, &key), 1);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		ck_assert_msg(cm_bool(f, s, key, rules[i].type) == rules[i].want, "0x%lx",
			      rules[i].type);
	ck_assert(f->C_GetAttributeValue(s, key, &mechanisms, 1) == CKR_OK);
	ck_assert_uint_eq(mechanisms.ulValueLen, 2 * sizeof allowed[0]);
	CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};
	ck_assert(f->C_SignInit(s, &raw, key) != CKR_OK);
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, cm_id, &public_key), 1);
	ck_assert_int_eq(cm_bool(f, s, public_key, CKA_VERIFY), 1);
	ck_assert_int_eq(cm_bool(f, s, public_key, CKA_ENCRYPT), 0);
	ck_assert_int_eq(cm_bool(f, s, public_key, CKA_WRAP), 0);
	close_plain();
}
END_TEST

START_TEST(id_is_given_once)
{
	struct sam_cm_new_key what = {.type = SAM_KEY_EC, .bits = 256, .label = "second", .id = cm_id};
	struct sam_cm_made made;
	bool maybe;
	open_plain();
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
	ck_assert_int_eq(sam_cm_generate(cm, &what, true, &made), SAM_EXISTS);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK); /* the first one is still there */
	close_plain();
}
END_TEST

START_TEST(destroy_takes_both_and_says_when_there_is_none)
{
	CK_FUNCTION_LIST *f = cm_direct();
	bool maybe;
	open_plain();
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_OK);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, NULL), 0);
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, NULL, NULL), 0);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_CM_KEY_MISSING);
	ck_assert(!maybe);
	close_plain();
}
END_TEST

/* A P-256 pair made past the SAM. */
static CK_OBJECT_HANDLE make_directly(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, bool good)
{
	static const uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE, odd = good ? CK_FALSE : CK_TRUE;
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE public_key, private_key;
	CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, (void *)curve, sizeof curve}, {CKA_TOKEN, &yes, 1}};
	CK_ATTRIBUTE priv[] = {
		{CKA_ID, (void *)cm_id, SAM_CM_ID},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &yes, 1},
		{CKA_SENSITIVE, &yes, 1},
		{CKA_EXTRACTABLE, &no, 1},
		{CKA_SIGN, &yes, 1},
		{CKA_SIGN_RECOVER, &no, 1},
		{CKA_DECRYPT, &no, 1},
		{CKA_UNWRAP, &no, 1},
		{CKA_DERIVE, &odd, 1},
	};
	ck_assert(f->C_GenerateKeyPair(s, &mechanism, pub, 2, priv, 10, &public_key,
				       &private_key) == CKR_OK);
	return private_key;
}

START_TEST(doubled_id_is_refused)
{
	CK_FUNCTION_LIST *f = cm_direct();
	bool maybe;
	open_plain();
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
	make_directly(f, cm_session(f), true);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_CM_FAILED);
	ck_assert_uint_eq(cm_find(f, cm_session(f), CKO_PRIVATE_KEY, cm_id, NULL), 2);
	close_plain();
}
END_TEST

START_TEST(key_with_other_attributes_is_refused)
{
	CK_FUNCTION_LIST *f = cm_direct();
	bool maybe;
	open_plain();
	make_directly(f, cm_session(f), false);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, NULL), SAM_CM_KEY_MISSING);
	close_plain();
}
END_TEST

START_TEST(changed_attribute_is_noticed_when_rechecked)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE change = {CKA_DERIVE, &yes, 1};
	struct sam_cm_options o = cm_options(cm_softhsm());
	bool maybe;
	o.recheck_ms = 3600000;
	struct sam_cm *trusting = cm_open_with(&o);
	open_plain(); /* recheck_ms is 0 */
	CK_SESSION_HANDLE s = cm_session(f);
	CK_OBJECT_HANDLE key = make_directly(f, s, true);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	ck_assert_int_eq(cm_sign(trusting, &maybe), SAM_OK);
	ck_assert(f->C_SetAttributeValue(s, key, &change, 1) == CKR_OK);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_CM_KEY_MISSING);
	ck_assert_int_eq(cm_sign(trusting, &maybe), SAM_OK);
	sam_cm_close(trusting);
	close_plain();
}
END_TEST

START_TEST(incomplete_jobs_are_refused)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature, small = 63;
	bool maybe;
	struct sam_cm_job job = cm_job(cm_id, SAM_PAD_ECDSA, SAM_HASH_SHA256, 256);
	open_plain();
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &small, &maybe), SAM_ARGUMENTS);
	job.bits = 0;
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_ARGUMENTS);
	job = cm_job(cm_id, SAM_PAD_PKCS1, SAM_HASH_NONE, 2048);
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_ARGUMENTS);
	job = cm_job(cm_id, SAM_PAD_PSS, SAM_HASH_SHA256, 2048);
	job.digest = NULL;
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_ARGUMENTS);
	job = cm_job(cm_id, 9, SAM_HASH_SHA256, 2048);
	ck_assert_int_eq(sam_cm_sign(cm, &job, signature, &len, &maybe), SAM_ARGUMENTS);
	close_plain();
}
END_TEST

/* ---- random, seal, fork, exit ---- */

START_TEST(random_has_any_length)
{
	static uint8_t a[5001], b[5001];
	open_plain();
	ck_assert_int_eq(sam_cm_random(cm, a, 0), SAM_OK);
	ck_assert_int_eq(sam_cm_random(cm, a, sizeof a - 1), SAM_OK);
	ck_assert_int_eq(sam_cm_random(cm, b, sizeof b - 1), SAM_OK);
	ck_assert(a[5000] == 0 && b[5000] == 0);
	for (size_t i = 0; i + 8 <= 5000; i += 8)
		ck_assert(memcmp(a + i, b + i, 8) != 0);
	ck_assert_int_eq(sam_cm_random(cm, a, 1), SAM_OK);
	close_plain();
}
END_TEST

START_TEST(seal_root_is_stable_and_its_key_stays_inside)
{
	uint8_t root[2][32], none[32] = {0};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	CK_BYTE value[64];
	CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof value};
	open_plain();
	ck_assert_int_eq(sam_cm_seal_root(cm, root[0]), SAM_NOT_FOUND);
	ck_assert_mem_eq(root[0], none, 32);
	ck_assert_int_eq(sam_cm_seal_create(cm), SAM_OK);
	ck_assert_int_eq(sam_cm_seal_create(cm), SAM_EXISTS);
	ck_assert_int_eq(sam_cm_seal_root(cm, root[0]), SAM_OK);
	close_plain();
	open_plain();
	ck_assert_int_eq(sam_cm_seal_root(cm, root[1]), SAM_OK);
	ck_assert_mem_eq(root[0], root[1], 32);
	ck_assert_mem_ne(root[0], none, 32);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_SECRET_KEY, NULL, &key), 1);
	ck_assert(f->C_GetAttributeValue(s, key, &secret, 1) == CKR_ATTRIBUTE_SENSITIVE);
	ck_assert_int_eq(cm_bool(f, s, key, CKA_EXTRACTABLE), 0);
	ck_assert_int_eq(cm_bool(f, s, key, CKA_SENSITIVE), 1);
	ck_assert_int_eq(cm_bool(f, s, key, CKA_PRIVATE), 1);
	ck_assert_int_eq(cm_bool(f, s, key, CKA_MODIFIABLE), 0);
	ck_assert_int_eq(cm_bool(f, s, key, CKA_DERIVE), 0);
	close_plain();
}
END_TEST

/* A secret under the sealing key's label that is not the SAM's. */
static void plant_seal(CK_FUNCTION_LIST *f)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE;
	CK_BYTE known[32] = {1};
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE t[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_KEY_TYPE, &type, sizeof type},
		{CKA_TOKEN, &yes, 1},
		{CKA_SIGN, &yes, 1},
		{CKA_PRIVATE, &yes, 1},
		{CKA_LABEL, "p11-sam seal", 12},
		{CKA_VALUE, known, sizeof known},
	};
	ck_assert(f->C_CreateObject(cm_session(f), t, 7, &key) == CKR_OK);
}

START_TEST(planted_seal_key_is_refused)
{
	uint8_t root[32];
	open_plain();
	plant_seal(cm_direct());
	ck_assert_int_eq(sam_cm_seal_root(cm, root), SAM_CM_FAILED);
	plant_seal(cm_direct());
	ck_assert_int_eq(sam_cm_seal_root(cm, root), SAM_NOT_FOUND);
	close_plain();
}
END_TEST

static bool all_refused(void)
{
	uint8_t bytes[32], *spki;
	size_t len;
	uint64_t number;
	bool maybe = true;
	struct sam_cm_new_key what = {.type = SAM_KEY_EC, .bits = 256, .label = "x", .id = cm_id};
	struct sam_cm_made made;
	return !sam_cm_token_present(cm) &&
	       sam_cm_random(cm, bytes, sizeof bytes) == SAM_CM_FAILED &&
	       sam_cm_seal_create(cm) == SAM_CM_FAILED &&
	       sam_cm_seal_root(cm, bytes) == SAM_CM_FAILED &&
	       sam_cm_statement_key_create(cm, &spki, &len) == SAM_CM_FAILED &&
	       sam_cm_number_read(cm, "node", &number) == SAM_CM_FAILED &&
	       sam_cm_number_write(cm, "node", 1) == SAM_CM_FAILED &&
	       sam_cm_generate(cm, &what, false, &made) == SAM_CM_FAILED &&
	       sam_cm_destroy(cm, cm_id) == SAM_CM_FAILED &&
	       sam_cm_key_present(cm, cm_id, NULL) == SAM_CM_FAILED &&
	       cm_sign(cm, &maybe) == SAM_CM_FAILED && !maybe;
}

START_TEST(forked_child_is_refused_and_opens_its_own)
{
	bool maybe;
	int status;
	open_plain();
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (!all_refused())
			_exit(1);
		sam_cm_abandon(cm);
		struct sam_cm_options o = cm_options(cm_softhsm());
		if (sam_ossl_start() != SAM_OK || sam_cm_open(&o, &cm, NULL) != SAM_OK)
			_exit(2);
		if (cm_sign(cm, &maybe) != SAM_OK)
			_exit(3);
		sam_cm_close(cm);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(cm_sign(cm, &maybe), SAM_OK);
	close_plain();
}
END_TEST

START_TEST(at_exit_the_vendor_is_left_alone)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	open_plain();
	sam_cm_at_exit();
	ck_assert(all_refused());
	ck_assert_int_ne(sam_cm_open(&o, &(struct sam_cm *){NULL}, NULL), SAM_OK);
	sam_cm_close(cm);
	CK_INFO info;
	ck_assert(cm_direct()->C_GetInfo(&info) == CKR_OK); /* it was not finalised */
	cm_teardown();
	_exit(0); /* SoftHSM's own end is not what is tested */
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cm");
	TCase *t = tcase_create("open");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, open_tells_who_made_it);
	tcase_add_test(t, token_is_found_by_serial);
	tcase_add_test(t, wrong_or_ambiguous_token_is_refused);
	tcase_add_test(t, what_is_no_vendor_library_is_refused);
	tcase_add_test(t, own_code_is_recognised);
	tcase_add_test(t, opens_and_closes_many_times);
	tcase_add_test(t, two_at_once_do_not_disturb_each_other);
	tcase_add_test(t, foreign_initialisation_and_login_survive_close);
	tcase_add_test(t, unreadable_pin_source_is_refused);
	tcase_add_test(t, wrong_pin_is_remembered_with_mode_0600);
	suite_add_tcase(s, t);
	t = tcase_create("keys");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_loop_test(t, rsa_signs_both_ways, 0, 2);
	tcase_add_loop_test(t, ecdsa_signs_every_hash_on_every_curve, 0, 3);
	tcase_add_test(t, ed25519_signs_the_message);
	tcase_add_test(t, unknown_sizes_are_refused);
	tcase_add_test(t, key_in_the_cm_can_only_sign);
	tcase_add_test(t, id_is_given_once);
	tcase_add_test(t, destroy_takes_both_and_says_when_there_is_none);
	tcase_add_test(t, doubled_id_is_refused);
	tcase_add_test(t, key_with_other_attributes_is_refused);
	tcase_add_test(t, changed_attribute_is_noticed_when_rechecked);
	tcase_add_test(t, incomplete_jobs_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("process");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, random_has_any_length);
	tcase_add_test(t, seal_root_is_stable_and_its_key_stays_inside);
	tcase_add_test(t, planted_seal_key_is_refused);
	tcase_add_test(t, forked_child_is_refused_and_opens_its_own);
	tcase_add_test(t, at_exit_the_vendor_is_left_alone);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, cm_missing)
