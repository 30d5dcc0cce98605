/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the SAM keeps in the CM for itself: the key for its statements, and the number of the newest
 * checkpoint of each node.
 */
#include "cm_token.h"

#include <inttypes.h>
#include <openssl/ecdsa.h>
#include "base/encode.h"
#include "cm/internal.h"
#include "sap/jose.h"

#define KID "0123456789abcdefghijABCDEFGHIJ_-0123456789a"
#define KEY_LABEL "p11-sam audit"
#define NUMBER_LABEL "p11-sam checkpoint node-1"
#define ZEROS "0000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

static struct sam_cm *cm;
static EVP_PKEY *pkey;
static uint8_t hashes[2][32];

static void open_cm(const char *module)
{
	struct sam_cm_options o = cm_options(module);
	cm = cm_open_with(&o);
	memset(hashes[0], 0x11, 32);
	memset(hashes[1], 0x22, 32);
}

static void open_with_key(const char *module)
{
	uint8_t *spki;
	size_t len;
	open_cm(module);
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_OK);
	pkey = sam_ossl_pubkey(spki, len);
	ck_assert_ptr_nonnull(pkey);
	free(spki);
}

static void close_cm(void)
{
	EVP_PKEY_free(pkey);
	pkey = NULL;
	sam_cm_close(cm);
	cm = NULL;
}

static struct sam_cm_statement statement(enum sam_cm_statement_kind kind)
{
	return (struct sam_cm_statement){
		.kind = kind,
		.kid = KID,
		.aud = "https://sam.example/1 2",
		.iss = "node-1",
		.jti = "a-jti_0",
		.iat = 1700000000,
		.exp = 1700000300,
		.number = 7,
		.epoch = 2,
		.sequence = INT64_MAX,
		.audit_seq = 0,
		.sha256 = {hashes[0], hashes[1]},
		.credential = "0123456789abcdef0123456789abcdef",
		.key_type = "ec:P-256",
		.origin = "made in the CM",
		.attributes = "CKA_CLASS=3 CKA_LOCAL=01",
		.evaluation = "none, for tests",
	};
}

static enum sam_reason try_statement(const struct sam_cm_statement *x)
{
	char *jws = (char *)"";
	enum sam_reason reason = sam_cm_state(cm, x, &jws);
	ck_assert((reason == SAM_OK) == (jws != NULL));
	free(jws);
	return reason;
}

/* ---- the key ---- */

static CK_ULONG find_label(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label,
			   CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_HANDLE found[8];
	CK_ULONG n = 0;
	CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
	ck_assert(f->C_FindObjectsInit(s, match, 2) == CKR_OK);
	ck_assert(f->C_FindObjects(s, found, 8, &n) == CKR_OK);
	ck_assert(f->C_FindObjectsFinal(s) == CKR_OK);
	if (n && out)
		*out = found[0];
	return n;
}

START_TEST(statement_key_is_made_once_and_can_only_sign)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		int want;
	} rules[] = {{CKA_TOKEN, 1},   {CKA_PRIVATE, 1},    {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0},
		     {CKA_SIGN, 1},    {CKA_DECRYPT, 0},    {CKA_UNWRAP, 0},    {CKA_DERIVE, 0},
		     {CKA_LOCAL, 1},   {CKA_MODIFIABLE, 0}, {CKA_COPYABLE, 0},  {CKA_SIGN_RECOVER, 0},
		     {CKA_NEVER_EXTRACTABLE, 1}};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE key;
	CK_MECHANISM_TYPE allowed[2];
	CK_BYTE id[64];
	CK_ATTRIBUTE more[] = {{CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed}, {CKA_ID, id, sizeof id}};
	uint8_t *spki;
	size_t len;
	open_with_key(cm_softhsm());
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_EXISTS);
	ck_assert(!spki && !len);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(find_label(f, s, CKO_PUBLIC_KEY, KEY_LABEL, NULL), 1);
	ck_assert_uint_eq(find_label(f, s, CKO_PRIVATE_KEY, KEY_LABEL, &key), 1);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		ck_assert_msg(cm_bool(f, s, key, rules[i].type) == rules[i].want, "0x%lx", rules[i].type);
	ck_assert(f->C_GetAttributeValue(s, key, more, 2) == CKR_OK);
	ck_assert_uint_eq(more[0].ulValueLen, sizeof allowed[0]);
	ck_assert_uint_eq(allowed[0], CKM_ECDSA);
	ck_assert_uint_eq(more[1].ulValueLen, 0);
	close_cm();
}
END_TEST

START_TEST(statement_key_is_destroyed_and_made_anew)
{
	CK_FUNCTION_LIST *f = cm_direct();
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	open_with_key(cm_softhsm());
	cm_generate(cm, SAM_KEY_EC, 256, cm_id, NULL);
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	ck_assert_int_eq(sam_cm_statement_key_destroy(cm), SAM_OK);
	ck_assert_int_eq(sam_cm_statement_key_destroy(cm), SAM_NOT_FOUND);
	ck_assert_int_eq(try_statement(&x), SAM_NOT_FOUND);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, NULL), 1); /* the signer's */
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, NULL, NULL), 1);
	close_cm();
	open_cm(cm_softhsm());
	close_cm();
	open_with_key(cm_softhsm());
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	close_cm();
}
END_TEST

/* A P-256 pair made past the SAM under the label of its own. */
static void plant_key(bool good)
{
	static const uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE, odd = good ? CK_FALSE : CK_TRUE;
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE pair[2];
	CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, (void *)curve, sizeof curve}, {CKA_TOKEN, &no, 1}};
	CK_ATTRIBUTE priv[] = {
		{CKA_LABEL, KEY_LABEL, strlen(KEY_LABEL)},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &yes, 1},
		{CKA_SENSITIVE, &yes, 1},
		{CKA_EXTRACTABLE, &no, 1},
		{CKA_SIGN, &yes, 1},
		{CKA_SIGN_RECOVER, &no, 1},
		{CKA_DECRYPT, &odd, 1},
		{CKA_UNWRAP, &no, 1},
		{CKA_DERIVE, &no, 1},
	};
	ck_assert(f->C_GenerateKeyPair(cm_session(f), &mechanism, pub, 2, priv, 10, &pair[0], &pair[1]) == CKR_OK);
}

START_TEST(two_keys_of_that_label_are_refused)
{
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	open_with_key(cm_softhsm());
	plant_key(true);
	ck_assert_int_eq(try_statement(&x), SAM_NOT_FOUND);
	ck_assert_int_eq(sam_cm_statement_key_destroy(cm), SAM_CM_KEY_MISSING);
	CK_FUNCTION_LIST *f = cm_direct();
	ck_assert_uint_eq(find_label(f, cm_session(f), CKO_PRIVATE_KEY, KEY_LABEL, NULL), 2);
	close_cm();
}
END_TEST

START_TEST(key_of_that_label_with_other_attributes_is_refused)
{
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	uint8_t *spki;
	size_t len;
	open_cm(cm_softhsm());
	plant_key(false);
	ck_assert_int_eq(try_statement(&x), SAM_CM_FAILED);
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_EXISTS);
	close_cm();
}
END_TEST

START_TEST(no_signers_key_is_born_under_the_sams_labels)
{
	static const char *const labels[] = {KEY_LABEL, "p11-sam seal", "p11-sam "};
	struct sam_cm_made made;
	open_cm(cm_softhsm());
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		struct sam_cm_new_key what = {.type = SAM_KEY_EC, .bits = 256, .label = labels[i], .id = cm_id};
		ck_assert_int_eq(sam_cm_generate(cm, &what, false, &made), SAM_ARGUMENTS);
	}
	struct sam_cm_new_key what = {.type = SAM_KEY_EC, .bits = 256, .label = "p11-sam", .id = cm_id};
	ck_assert_int_eq(sam_cm_generate(cm, &what, false, &made), SAM_OK);
	sam_cm_made_clear(&made);
	close_cm();
}
END_TEST

START_TEST(half_made_statement_key_is_destroyed)
{
	static const char *const told[] = {
		"C_GenerateKeyPair after 0x30 1\n",
		"C_GenerateKeyPair fail 0x30 1\n",
		"C_GetAttributeValue fail 0x30 1\n",
		"C_GetAttributeValue after 0x30 1\nC_DestroyObject fail 0x30 1\n",
	};
	CK_FUNCTION_LIST *f = cm_direct();
	uint8_t *spki;
	size_t len;
	open_cm(cm_mock());
	cm_write(cm_control, told[_i]);
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_CM_FAILED);
	ck_assert(!spki && !len);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, NULL, NULL), 0);
	ck_assert_uint_eq(cm_find(f, s, CKO_PUBLIC_KEY, NULL, NULL), 0);
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_OK);
	free(spki);
	close_cm();
}
END_TEST

/* ---- statements ---- */

/* By OpenSSL alone, over the text as it stands. */
static bool openssl_verifies(const char *jws)
{
	const char *dot = strrchr(jws, '.');
	uint8_t raw[65], der[80], *p = der;
	size_t len;
	ck_assert(sam_decode_b64url(dot + 1, strlen(dot + 1), raw, sizeof raw, &len));
	ck_assert_uint_eq(len, 64);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
	int der_len = i2d_ECDSA_SIG(sig, &p);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ck_assert(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", sam_ossl_ctx(), NULL, pkey, NULL) == 1);
	bool ok = EVP_DigestVerify(ctx, der, (size_t)der_len, (const uint8_t *)jws, (size_t)(dot - jws)) == 1;
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	return ok;
}

static void states(const struct sam_cm_statement *x, const char *typ, const char *payload)
{
	char *text, header[256], decoded[512];
	size_t len;
	struct sam_jws jws;
	ck_assert_int_eq(sam_cm_state(cm, x, &text), SAM_OK);
	ck_assert(openssl_verifies(text));
	ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_OK);
	ck_assert_int_eq(sam_jose_verify(&jws, pkey, SAM_JWS_ES256), SAM_OK);
	ck_assert_str_eq((char *)jws.payload, payload);
	ck_assert(sam_decode_b64url(text, strcspn(text, "."), (uint8_t *)decoded, sizeof decoded - 1, &len));
	decoded[len] = '\0';
	snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":\"%s\",\"kid\":\"" KID "\"}", typ);
	ck_assert_str_eq(decoded, header);
	json_t *json = sam_jose_json(jws.payload, jws.payload_len);
	ck_assert_ptr_nonnull(json);
	json_decref(json);
	sam_jose_clear(&jws);
	free(text);
}

#define COMMON "{\"iss\":\"node-1\",\"aud\":\"https://sam.example/1 2\",\"iat\":1700000000"
#define TRAIL ",\"epoch\":2,\"sequence\":9223372036854775807,\"audit_seq\":0"

START_TEST(every_kind_is_stated_and_verifies)
{
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	open_with_key(cm_softhsm());
	states(&x, "sam-checkpoint+jws", COMMON ",\"number\":7" TRAIL ",\"audit_hash\":\"" ONES "\"}");
	x = statement(SAM_CM_POLICY);
	states(&x, "sam-policy+jws",
	       COMMON ",\"exp\":1700000300,\"jti\":\"a-jti_0\",\"version\":7,\"policy_sha256\":\"" ONES
		      "\",\"config_sha256\":\"" TWOS "\"}");
	x = statement(SAM_CM_BACKUP);
	x.exp = 0;
	states(&x, "sam-backup+jws",
	       COMMON ",\"jti\":\"a-jti_0\"" TRAIL ",\"file_sha256\":\"" ONES "\",\"audit_hash\":\"" TWOS "\"}");
	/* what a kind does not use is not looked at */
	x = statement(SAM_CM_CHECKPOINT);
	x.jti = x.credential = x.evaluation = NULL;
	x.exp = -1;
	x.sha256[1] = NULL;
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	close_cm();
}
END_TEST

START_TEST(evidence_tells_where_a_key_comes_from)
{
	struct sam_cm_statement x = statement(SAM_CM_EVIDENCE);
	struct sam_cm_info info;
	char payload[1024];
	open_with_key(cm_softhsm());
	sam_cm_info(cm, &info);
	snprintf(payload, sizeof payload,
		 COMMON ",\"jti\":\"a-jti_0\",\"credentialID\":\"0123456789abcdef0123456789abcdef\",\"thumbprint\":\"" ONES
			"\",\"key_type\":\"ec:P-256\",\"origin\":\"made in the CM\",\"attributes\":\"CKA_CLASS=3 "
			"CKA_LOCAL=01\",\"cm\":{\"manufacturer\":\"SoftHSM project\",\"model\":\"%s\",\"firmware\":\"%s\","
			"\"serial\":\"%s\"},\"evaluation\":\"none, for tests\"}",
		 info.model, info.firmware, info.serial);
	states(&x, "sam-key-evidence+jws", payload);
	/* a CM whose own texts are not plain cannot break out of them */
	memcpy(cm->info.manufacturer, "a\"b\\c\x01\xe4", 8);
	snprintf(payload, sizeof payload,
		 COMMON ",\"jti\":\"a-jti_0\",\"credentialID\":\"0123456789abcdef0123456789abcdef\",\"thumbprint\":\"" ONES
			"\",\"key_type\":\"ec:P-256\",\"origin\":\"made in the CM\",\"attributes\":\"CKA_CLASS=3 "
			"CKA_LOCAL=01\",\"cm\":{\"manufacturer\":\"a?b?c??\",\"model\":\"%s\",\"firmware\":\"%s\","
			"\"serial\":\"%s\"},\"evaluation\":\"none, for tests\"}",
		 info.model, info.firmware, info.serial);
	states(&x, "sam-key-evidence+jws", payload);
	close_cm();
}
END_TEST

START_TEST(the_longest_evidence_fits)
{
	static char aud[256], name[65], jti[129], words[66], attributes[SAM_CM_ATTRIBUTES_SIZE + 1], evaluation[514];
	struct sam_cm_statement x = statement(SAM_CM_EVIDENCE);
	memset(aud, '~', 255);
	memset(name, 'n', 64);
	memset(jti, '_', 128);
	memset(words, 'w', 64);
	memset(attributes, 'a', SAM_CM_ATTRIBUTES_SIZE - 1);
	memset(evaluation, 'e', 512);
	x.aud = aud;
	x.iss = name;
	x.jti = jti;
	x.key_type = x.origin = words;
	x.attributes = attributes;
	x.evaluation = evaluation;
	x.iat = INT64_MAX;
	open_with_key(cm_softhsm());
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	words[64] = 'w';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	words[64] = '\0';
	attributes[SAM_CM_ATTRIBUTES_SIZE - 1] = 'a';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	attributes[SAM_CM_ATTRIBUTES_SIZE - 1] = '\0';
	evaluation[512] = 'e';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	close_cm();
}
END_TEST

START_TEST(the_longest_texts_fit)
{
	static char aud[257], name[66], jti[130];
	struct sam_cm_statement x = statement(SAM_CM_BACKUP);
	memset(aud, '~', 255);
	memset(name, 'n', 64);
	memset(jti, '_', 128);
	x.aud = aud;
	x.iss = name;
	x.jti = jti;
	x.iat = x.exp = INT64_MAX;
	x.epoch = x.audit_seq = INT64_MAX;
	open_with_key(cm_softhsm());
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	aud[255] = '~';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	aud[255] = '\0';
	name[64] = 'n';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	name[64] = '\0';
	jti[128] = '_';
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	close_cm();
}
END_TEST

START_TEST(texts_that_are_not_plain_are_refused)
{
	static const char *const auds[] = {NULL, "", "a\"b", "a\\b", "a\nb", "a\x7f", "a\xc3\xa4"};
	static const char *const names[] = {NULL, "", "a\"", "a\",\"number\":9,\"x\":\"", "a b", "eyJabc"};
	static const char *const jtis[] = {NULL, "", "a\"", "a=", "a+b", "a.b"};
	static const char *const kids[] = {NULL, "", "0123456789abcdefghijABCDEFGHIJ_-0123456789",
					   KID "a", "\"123456789abcdefghijABCDEFGHIJ_-0123456789a"};
	static const char *const credentials[] = {NULL, "", "0123456789abcdef0123456789abcde", "0123456789ABCDEF0123456789ABCDEF",
						  "0123456789abcdef0123456789abcdef0"};
	struct sam_cm_statement x;
	open_with_key(cm_mock());
#define REFUSES(kind, member, list)                                  \
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) { \
		x = statement(kind);                                \
		x.member = list[i];                                 \
		ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS); \
	}
	REFUSES(SAM_CM_CHECKPOINT, aud, auds)
	REFUSES(SAM_CM_POLICY, iss, names)
	REFUSES(SAM_CM_BACKUP, jti, jtis)
	REFUSES(SAM_CM_CHECKPOINT, kid, kids)
	REFUSES(SAM_CM_EVIDENCE, credential, credentials)
	REFUSES(SAM_CM_EVIDENCE, key_type, auds)
	REFUSES(SAM_CM_EVIDENCE, origin, auds)
	REFUSES(SAM_CM_EVIDENCE, attributes, auds)
	REFUSES(SAM_CM_EVIDENCE, evaluation, auds)
	REFUSES(SAM_CM_EVIDENCE, jti, jtis)
	ck_assert_uint_eq(cm_logged(" state "), 0);
	x = statement(SAM_CM_CHECKPOINT);
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	ck_assert_uint_eq(cm_logged(" state 0x1041"), 1);
	ck_assert_uint_eq(cm_logged(" C_Sign "), 0);
	close_cm();
}
END_TEST

START_TEST(numbers_out_of_range_and_missing_hashes_are_refused)
{
	open_with_key(cm_softhsm());
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	x.iat = -1;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(SAM_CM_POLICY);
	x.exp = -1;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(SAM_CM_CHECKPOINT);
	x.sequence = (uint64_t)INT64_MAX + 1;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(SAM_CM_CHECKPOINT);
	x.sha256[0] = NULL;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(SAM_CM_BACKUP);
	x.sha256[1] = NULL;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(SAM_CM_EVIDENCE);
	x.sha256[0] = NULL;
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	x = statement(4);
	ck_assert_int_eq(try_statement(&x), SAM_ARGUMENTS);
	close_cm();
}
END_TEST

START_TEST(a_cm_that_fails_states_nothing)
{
	static const char *const told[] = {"C_SignInit fail 0x5 1\n", "C_Sign fail 0x5 1\n", "C_Sign length 63 1\n",
					   "C_GetAttributeValue fail 0x5 1\n"};
	struct sam_cm_statement x = statement(SAM_CM_CHECKPOINT);
	open_with_key(cm_mock());
	cm_write(cm_control, told[_i]);
	ck_assert_int_eq(try_statement(&x), SAM_CM_FAILED);
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	cm_write(cm_control, "C_SignInit fail 0xb3 1\n"); /* a lost session: once more */
	ck_assert_int_eq(try_statement(&x), SAM_OK);
	close_cm();
}
END_TEST

/* ---- the number ---- */

static void plant_data(const char *label, const char *value, size_t len, bool private)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE, secret = private ? CK_TRUE : CK_FALSE;
	CK_OBJECT_HANDLE object;
	CK_ATTRIBUTE t[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &secret, 1},
		{CKA_APPLICATION, "p11-sam", 7},
		{CKA_LABEL, (void *)label, strlen(label)},
		{CKA_VALUE, (void *)value, len},
	};
	ck_assert(f->C_CreateObject(cm_session(f), t, 6, &object) == CKR_OK);
}

static CK_ULONG objects(const char *label)
{
	CK_FUNCTION_LIST *f = cm_direct();
	return find_label(f, cm_session(f), CKO_DATA, label, NULL);
}

static void reads(const char *node, uint64_t want)
{
	uint64_t number = ~want;
	ck_assert_int_eq(sam_cm_number_read(cm, node, &number), SAM_OK);
	ck_assert_msg(number == want, "%" PRIu64, number);
}

static void writes(const char *node, uint64_t number)
{
	ck_assert_int_eq(sam_cm_number_write(cm, node, number), SAM_OK);
}

START_TEST(number_is_read_as_written_for_each_node)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_HANDLE object;
	CK_BYTE value[64];
	CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
	open_cm(cm_softhsm());
	reads("node-1", 0);
	writes("node-1", 1);
	reads("node-1", 1);
	reads("node-", 0);
	writes("node-2", INT64_MAX);
	writes("node-1", 42);
	writes("node-1", 42);
	close_cm();
	open_cm(cm_softhsm());
	reads("node-1", 42);
	reads("node-2", INT64_MAX);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(find_label(f, s, CKO_DATA, NUMBER_LABEL, &object), 1);
	ck_assert(f->C_GetAttributeValue(s, object, &a, 1) == CKR_OK);
	ck_assert_uint_eq(a.ulValueLen, 20);
	ck_assert_mem_eq(value, "00000000000000000042", 20);
	ck_assert_int_eq(cm_bool(f, s, object, CKA_PRIVATE), 1);
	ck_assert_int_eq(cm_bool(f, s, object, CKA_MODIFIABLE), 0);
	close_cm();
}
END_TEST

START_TEST(two_hundred_writes_leave_one_object)
{
	open_cm(cm_softhsm());
	for (uint64_t i = 1; i <= 200; i++)
		writes("node-1", i);
	reads("node-1", 200);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

START_TEST(of_what_a_crash_left_the_highest_counts)
{
	open_cm(cm_softhsm());
	writes("node-1", 8);
	plant_data(NUMBER_LABEL, ZEROS "0010", 20, true);
	plant_data(NUMBER_LABEL, ZEROS "0009", 20, true);
	reads("node-1", 10);
	ck_assert_int_eq(sam_cm_number_write(cm, "node-1", 9), SAM_ARGUMENTS); /* never back */
	ck_assert_uint_eq(objects(NUMBER_LABEL), 3);
	writes("node-1", 10);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	plant_data(NUMBER_LABEL, ZEROS "0003", 20, true);
	writes("node-1", 11);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	reads("node-1", 11);
	close_cm();
}
END_TEST

START_TEST(what_is_no_number_is_passed_over)
{
	static const char *const values[] = {"", "7", ZEROS "000", ZEROS "00007", ZEROS "000x", " " ZEROS "007",
					     "18446744073709551616", "99999999999999999999", ZEROS "0000"};
	open_cm(cm_softhsm());
	plant_data(NUMBER_LABEL, values[_i], strlen(values[_i]), true);
	reads("node-1", 0);
	plant_data(NUMBER_LABEL, ZEROS "0007", 20, true);
	reads("node-1", 7);
	writes("node-1", 8);
	reads("node-1", 8);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

START_TEST(a_public_object_is_no_number)
{
	open_cm(cm_softhsm());
	plant_data(NUMBER_LABEL, ZEROS "9999", 20, false);
	reads("node-1", 0);
	writes("node-1", 8);
	reads("node-1", 8);
	close_cm();
}
END_TEST

START_TEST(too_many_objects_are_refused)
{
	uint64_t number;
	open_cm(cm_softhsm());
	for (unsigned i = 0; i < 65; i++)
		plant_data(NUMBER_LABEL, ZEROS "0007", 20, true);
	ck_assert_int_eq(sam_cm_number_read(cm, "node-1", &number), SAM_CM_FAILED);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(sam_cm_number_write(cm, "node-1", 8), SAM_CM_FAILED);
	close_cm();
}
END_TEST

START_TEST(zero_and_names_that_are_none_are_refused)
{
	uint64_t number;
	open_cm(cm_softhsm());
	ck_assert_int_eq(sam_cm_number_write(cm, "node-1", 0), SAM_ARGUMENTS);
	ck_assert_int_eq(sam_cm_number_write(cm, "a b", 1), SAM_ARGUMENTS);
	ck_assert_int_eq(sam_cm_number_read(cm, "", &number), SAM_ARGUMENTS);
	close_cm();
}
END_TEST

/* In a process of its own: read, or write ${number}. Gives what it read. */
static uint64_t elsewhere(uint64_t number)
{
	uint64_t answer = UINT64_MAX;
	int status, ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct sam_cm_options o = cm_options(cm_softhsm());
		sam_cm_abandon(cm);
		if (sam_ossl_start() != SAM_OK || sam_cm_open(&o, &cm, NULL) != SAM_OK)
			_exit(1);
		if (number && sam_cm_number_write(cm, "node-1", number) != SAM_OK)
			_exit(2);
		if (sam_cm_number_read(cm, "node-1", &answer) != SAM_OK ||
		    write(ends[1], &answer, sizeof answer) != sizeof answer)
			_exit(3);
		sam_cm_close(cm);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(ends[0], &answer, sizeof answer), sizeof answer);
	close(ends[0]);
	close(ends[1]);
	return answer;
}

START_TEST(processes_see_each_others_numbers)
{
	open_cm(cm_softhsm());
	reads("node-1", 0);
	for (uint64_t i = 1; i < 10; i += 2) {
		ck_assert_uint_eq(elsewhere(i), i);
		reads("node-1", i);
		writes("node-1", i + 1);
		ck_assert_uint_eq(elsewhere(0), i + 1);
	}
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

/* A process that stays, and does as it is told through a pipe, so that its view of the token grows old. */
static void stays(int in, int out)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	uint64_t number;
	if (sam_ossl_start() != SAM_OK || sam_cm_open(&o, &cm, NULL) != SAM_OK)
		_exit(1);
	while (read(in, &number, sizeof number) == sizeof number) {
		if (number && sam_cm_number_write(cm, "node-1", number) != SAM_OK)
			_exit(2);
		if (sam_cm_number_read(cm, "node-1", &number) != SAM_OK ||
		    write(out, &number, sizeof number) != sizeof number)
			_exit(3);
	}
	sam_cm_close(cm);
	_exit(0);
}

START_TEST(processes_that_stay_take_turns)
{
	int to[2], from[2], status;
	uint64_t answer, none = 0;
	ck_assert(pipe(to) == 0 && pipe(from) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(to[1]);
		stays(to[0], from[1]);
	}
	close(to[0]);
	open_cm(cm_softhsm());
	for (uint64_t i = 1; i <= 60; i++) {
		if (i % 3 == 0)
			writes("node-1", i);
		ck_assert_int_eq(write(to[1], i % 3 ? &i : &none, sizeof i), sizeof i);
		ck_assert_int_eq(read(from[0], &answer, sizeof answer), sizeof answer);
		ck_assert_uint_eq(answer, i);
		reads("node-1", i);
	}
	close(to[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

/* Writes for ever, once it has told through ${out} that it is logged in. */
static void writes_for_ever(int out)
{
	struct sam_cm_options o = cm_options(cm_softhsm());
	uint64_t number;
	sam_cm_abandon(cm);
	if (sam_ossl_start() != SAM_OK || sam_cm_open(&o, &cm, NULL) != SAM_OK ||
	    sam_cm_number_read(cm, "node-1", &number) != SAM_OK || write(out, "", 1) != 1)
		_exit(1);
	while (sam_cm_number_write(cm, "node-1", ++number) == SAM_OK)
		continue;
	_exit(2);
}

START_TEST(killed_writers_never_lose_the_number)
{
	uint64_t last = 1, number;
	int status, ends[2];
	char byte;
	ck_assert_int_eq(pipe(ends), 0);
	open_cm(cm_softhsm());
	writes("node-1", 1);
	for (unsigned i = 0; i < 20; i++) {
		pid_t pid = fork();
		if (pid == 0)
			writes_for_ever(ends[1]);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
		usleep(20000 + 370 * i);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(sam_cm_number_read(cm, "node-1", &number), SAM_OK);
		ck_assert_uint_ge(number, last);
		last = number;
	}
	writes("node-1", last + 1);
	reads("node-1", last + 1);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

START_TEST(an_object_hidden_from_the_first_search_is_found_by_the_second)
{
	struct sam_cm_options o = cm_options(cm_mock());
	o.sessions = _i ? 1 : 4;
	cm = cm_open_with(&o);
	writes("node-1", 5);
	cm_write(cm_control, "C_FindObjects empty 1\n");
	unsigned before = cm_logged(" C_OpenSession ");
	reads("node-1", 5);
	ck_assert_uint_eq(cm_logged(" C_OpenSession "), before + 1);
	reads("node-1", 5);
	ck_assert_uint_eq(cm_logged(" C_OpenSession "), before + 1);
	cm_write(cm_control, "C_FindObjects empty 1\nC_OpenSession fail 0xb1 1\n"); /* the token is full */
	reads("node-1", 5);
	cm_write(cm_control, "C_FindObjects empty 2\n");
	reads("node-1", 0);
	cm_write(cm_control, "");
	for (unsigned i = 0; i < 20; i++)
		reads("node-2", 0);
	ck_assert_uint_eq(cm_logged(" C_OpenSession 6\n"), 0); /* none stays open */
	close_cm();
}
END_TEST

START_TEST(a_write_that_fails_leaves_the_old_number)
{
	static const char *const told[] = {"C_CreateObject fail 0x31 1\n", "C_CreateObject fail 0x13\n",
					   "C_FindObjectsInit fail 0x5 1\n"};
	uint64_t number;
	open_cm(cm_mock());
	writes("node-1", 5);
	cm_write(cm_control, told[_i]);
	ck_assert_int_eq(sam_cm_number_write(cm, "node-1", 6), SAM_CM_FAILED);
	cm_write(cm_control, "C_FindObjects fail 0x5 1\n");
	ck_assert_int_eq(sam_cm_number_read(cm, "node-1", &number), SAM_CM_FAILED);
	cm_write(cm_control, "");
	reads("node-1", 5);
	writes("node-1", 6);
	reads("node-1", 6);
	close_cm();
}
END_TEST

START_TEST(a_write_that_fails_late_leaves_the_higher_number)
{
	static const char *const told[] = {"C_CreateObject after 0x5 1\n", "C_DestroyObject fail 0x5 1\n"};
	open_cm(cm_mock());
	writes("node-1", 5);
	cm_write(cm_control, told[_i]);
	ck_assert_int_eq(sam_cm_number_write(cm, "node-1", 6), SAM_CM_FAILED);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 2);
	reads("node-1", 6);
	writes("node-1", 6);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

START_TEST(what_a_cm_does_not_know_or_lost_is_got_over)
{
	static const char *const told[] = {
		"C_CreateObject fail 0x12 1\n", /* CKA_MODIFIABLE */
		"C_CreateObject fail 0xb3 1\n",
		"C_CreateObject after 0xb3 1\n",
		"C_FindObjectsInit fail 0x101 1\n",
		"C_DestroyObject after 0xb3 1\n",
	};
	open_cm(cm_mock());
	writes("node-1", 5);
	cm_write(cm_control, told[_i]);
	writes("node-1", 6);
	reads("node-1", 6);
	ck_assert_uint_eq(objects(NUMBER_LABEL), 1);
	close_cm();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cm_own");
	TCase *t = tcase_create("key");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, statement_key_is_made_once_and_can_only_sign);
	tcase_add_test(t, statement_key_is_destroyed_and_made_anew);
	tcase_add_test(t, two_keys_of_that_label_are_refused);
	tcase_add_test(t, key_of_that_label_with_other_attributes_is_refused);
	tcase_add_test(t, no_signers_key_is_born_under_the_sams_labels);
	tcase_add_loop_test(t, half_made_statement_key_is_destroyed, 0, 4);
	suite_add_tcase(s, t);
	t = tcase_create("statements");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_test(t, every_kind_is_stated_and_verifies);
	tcase_add_test(t, evidence_tells_where_a_key_comes_from);
	tcase_add_test(t, the_longest_evidence_fits);
	tcase_add_test(t, the_longest_texts_fit);
	tcase_add_test(t, texts_that_are_not_plain_are_refused);
	tcase_add_test(t, numbers_out_of_range_and_missing_hashes_are_refused);
	tcase_add_loop_test(t, a_cm_that_fails_states_nothing, 0, 4);
	suite_add_tcase(s, t);
	t = tcase_create("number");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_test(t, number_is_read_as_written_for_each_node);
	tcase_add_test(t, two_hundred_writes_leave_one_object);
	tcase_add_test(t, of_what_a_crash_left_the_highest_counts);
	tcase_add_loop_test(t, what_is_no_number_is_passed_over, 0, 9);
	tcase_add_test(t, a_public_object_is_no_number);
	tcase_add_test(t, too_many_objects_are_refused);
	tcase_add_test(t, zero_and_names_that_are_none_are_refused);
	tcase_add_test(t, processes_see_each_others_numbers);
	tcase_add_test(t, processes_that_stay_take_turns);
	tcase_add_test(t, killed_writers_never_lose_the_number);
	tcase_add_loop_test(t, an_object_hidden_from_the_first_search_is_found_by_the_second, 0, 2);
	tcase_add_loop_test(t, a_write_that_fails_leaves_the_old_number, 0, 3);
	tcase_add_loop_test(t, a_write_that_fails_late_leaves_the_higher_number, 0, 2);
	tcase_add_loop_test(t, what_a_cm_does_not_know_or_lost_is_got_over, 0, 5);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, cm_mock_missing)
