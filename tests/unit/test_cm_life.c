/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a key reads back at birth and ever after, what is left of it after its end, and what else is in the token.
 */
#include "cm_token.h"

enum { HOUR_MS = 3600000 };

static struct sam_cm *cm;
static struct sam_cm_made made;

static void open_cm(const char *module, unsigned recheck_ms)
{
	struct sam_cm_options o = cm_options(module);
	o.recheck_ms = recheck_ms;
	cm = cm_open_with(&o);
}

static void close_cm(void)
{
	sam_cm_made_clear(&made);
	sam_cm_close(cm);
	cm = NULL;
}

static struct sam_cm_new_key key_of(enum sam_key_type type, unsigned bits)
{
	return (struct sam_cm_new_key){.type = type, .bits = bits, .label = "life", .id = cm_id};
}

static void generate(const struct sam_cm_new_key *what)
{
	ck_assert_int_eq(sam_cm_generate(cm, what, true, &made), SAM_OK);
}

static void must_refuse(const struct sam_cm_new_key *what, bool proven, enum sam_reason want)
{
	enum sam_reason reason = sam_cm_generate(cm, what, proven, &made);
	ck_assert_msg(reason == want, "%s, not %s", sam_reason_name(reason), sam_reason_name(want));
	ck_assert(!made.spki && !made.spki_len && !made.attributes[0] && !made.local);
}

static enum sam_reason sign(const char *attributes)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature;
	bool maybe;
	struct sam_cm_job job = cm_job(cm_id, SAM_PAD_ECDSA, SAM_HASH_SHA256, 256);
	job.attributes = attributes;
	enum sam_reason reason = sam_cm_sign(cm, &job, signature, &len, &maybe);
	ck_assert(reason == SAM_OK || (!maybe && !len));
	return reason;
}

static CK_ULONG count(CK_OBJECT_CLASS class)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_SESSION_HANDLE s = cm_session(f);
	CK_ULONG n = cm_find(f, s, class, NULL, NULL);
	f->C_CloseSession(s);
	return n;
}

static void nothing_left(void)
{
	ck_assert_uint_eq(count(CKO_PRIVATE_KEY), 0);
	ck_assert_uint_eq(count(CKO_PUBLIC_KEY), 0);
}

/* ---- at birth ---- */

#define ID_HEX "a5010203040506070809" "0a0b0c0d0e0f"

START_TEST(attributes_are_told_in_a_fixed_order)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_softhsm(), 0);
	generate(&what);
	ck_assert(made.local);
	ck_assert_str_eq(made.attributes,
			 "CKA_CLASS=3 CKA_KEY_TYPE=3 CKA_LABEL=6c696665 CKA_ID=" ID_HEX
			 " CKA_TOKEN=01 CKA_PRIVATE=01 CKA_SENSITIVE=01 CKA_EXTRACTABLE=00 CKA_SIGN=01 CKA_DECRYPT=00"
			 " CKA_UNWRAP=00 CKA_DERIVE=00 CKA_SIGN_RECOVER=00 CKA_ALWAYS_AUTHENTICATE=00"
			 " CKA_MODIFIABLE=00 CKA_COPYABLE=00 CKA_DESTROYABLE=01 CKA_ALLOWED_MECHANISMS=1041"
			 " CKA_LOCAL=01 CKA_ALWAYS_SENSITIVE=01 CKA_NEVER_EXTRACTABLE=01 CKA_KEY_GEN_MECHANISM=1040"
			 " CKA_START_DATE= CKA_END_DATE=");
	close_cm();
}
END_TEST

START_TEST(rsa_tells_its_modulus_too_and_the_longest_fits)
{
	char label[257];
	struct sam_cm_new_key what = key_of(SAM_KEY_RSA, 4096);
	memset(label, 'x', 256);
	label[256] = '\0';
	what.label = label;
	memcpy(what.start, "20260101", 9);
	memcpy(what.end, "20271231", 9);
	open_cm(cm_softhsm(), 0);
	generate(&what);
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_LABEL=sha256:"));
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_ALLOWED_MECHANISMS=1,d "));
	/* SoftHSM cannot read the dates of private keys */
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_START_DATE=- CKA_END_DATE=- CKA_MODULUS=sha256:"));
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_PUBLIC_EXPONENT=sha256:"));
	for (const char *p = made.attributes; *p; p++)
		ck_assert(*p >= ' ' && *p <= '~' && *p != '"' && *p != '\\');
	close_cm();
}
END_TEST

START_TEST(dates_that_are_none_are_refused)
{
	static const char *const bad[] = {"2026010", "20261301", "20260001", "20260132", "2026-1-1", "20260100"};
	struct sam_cm_new_key what;
	open_cm(cm_softhsm(), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		what = key_of(SAM_KEY_EC, 256);
		snprintf(what.start, sizeof what.start, "%s", bad[i]);
		must_refuse(&what, false, SAM_ARGUMENTS);
		what = key_of(SAM_KEY_EC, 256);
		snprintf(what.end, sizeof what.end, "%s", bad[i]);
		must_refuse(&what, false, SAM_ARGUMENTS);
	}
	close_cm();
}
END_TEST

START_TEST(dates_are_left_off_first)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	memcpy(what.end, "20271231", 9);
	open_cm(cm_mock(), 0);
	cm_write(cm_control, "C_GenerateKeyPair fail 0xd1 1\n");
	generate(&what);
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_COPYABLE=00 "));
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_END_DATE="));
	ck_assert_ptr_null(strstr(made.attributes, "20271231"));
	close_cm();
}
END_TEST

START_TEST(what_the_cm_cannot_give_is_a_dash)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	cm_write(cm_control, "C_GetAttributeValue hide 0x172\n"); /* DESTROYABLE */
	generate(&what);
	ck_assert_ptr_nonnull(strstr(made.attributes, " CKA_DESTROYABLE=- CKA_ALLOWED_MECHANISMS=1041 "));
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	close_cm();
}
END_TEST

static const struct {
	const char *lie;
	enum sam_reason proven, other;
} origins[] = {
	{"C_GetAttributeValue flip 0x163\n", SAM_KEY_ORIGIN, SAM_CM_FAILED}, /* LOCAL */
	{"C_GetAttributeValue flip 0x165\n", SAM_KEY_ORIGIN, SAM_CM_FAILED}, /* ALWAYS_SENSITIVE */
	{"C_GetAttributeValue flip 0x164\n", SAM_KEY_ORIGIN, SAM_CM_FAILED}, /* NEVER_EXTRACTABLE */
	{"C_GetAttributeValue hide 0x163\n", SAM_KEY_ORIGIN, SAM_CM_FAILED},
	{"C_GetAttributeValue hide 0x165\n", SAM_KEY_ORIGIN, SAM_OK},
	{"C_GetAttributeValue hide 0x164\n", SAM_KEY_ORIGIN, SAM_OK},
};

START_TEST(unproven_origin_is_destroyed)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	cm_write(cm_control, origins[_i].lie);
	must_refuse(&what, true, origins[_i].proven);
	nothing_left();
	if (origins[_i].other == SAM_OK) {
		ck_assert_int_eq(sam_cm_generate(cm, &what, false, &made), SAM_OK);
		ck_assert(!made.local);
	} else {
		must_refuse(&what, false, origins[_i].other);
		nothing_left();
	}
	close_cm();
}
END_TEST

START_TEST(what_reads_back_otherwise_is_destroyed)
{
	static const unsigned long types[] = {CKA_LABEL, CKA_ID, CKA_ALLOWED_MECHANISMS, CKA_MODIFIABLE, CKA_COPYABLE,
					      CKA_DECRYPT, CKA_SIGN, CKA_EXTRACTABLE};
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	char line[64];
	open_cm(cm_mock(), 0);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		snprintf(line, sizeof line, "C_GetAttributeValue flip 0x%lx\n", types[i]);
		cm_write(cm_control, line);
		must_refuse(&what, true, SAM_CM_FAILED);
		nothing_left();
	}
	close_cm();
}
END_TEST

/* ---- changed behind the SAM's back ---- */

static const struct {
	const char *lie;
	bool whole; /* seen by the rules alone, without a sealed text */
} changes[] = {
	{"C_GetAttributeValue flip 0x105\n", true},	   /* DECRYPT */
	{"C_GetAttributeValue flip 0x102\n", true},	   /* ID */
	{"C_GetAttributeValue flip 0x3\n", false},	   /* LABEL */
	{"C_GetAttributeValue flip 0x40000600\n", false}, /* ALLOWED_MECHANISMS */
	{"C_GetAttributeValue flip 0x170\n", false},	   /* MODIFIABLE */
	{"C_GetAttributeValue flip 0x163\n", false},	   /* LOCAL */
	{"C_GetAttributeValue hide 0x163\n", false},
	{"C_GetAttributeValue flip 0x100\n", false}, /* KEY_TYPE */
};

enum { CHANGES = sizeof changes / sizeof changes[0] };

START_TEST(changed_attribute_refuses_the_next_signature)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	generate(&what);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	cm_write(cm_control, changes[_i].lie);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, made.attributes), SAM_KEY_CHANGED);
	ck_assert_int_eq(sign(NULL), changes[_i].whole ? SAM_CM_KEY_MISSING : SAM_OK);
	ck_assert_int_eq(sam_cm_key_present(cm, cm_id, ""), changes[_i].whole ? SAM_CM_KEY_MISSING : SAM_OK);
	cm_write(cm_control, "");
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	close_cm();
}
END_TEST

START_TEST(change_is_seen_when_the_last_reading_is_old)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 400);
	generate(&what);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	cm_write(cm_control, changes[0].lie);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	usleep(500000);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	close_cm();
}
END_TEST

START_TEST(first_use_in_a_process_reads_whatever_recheck_is)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), HOUR_MS);
	generate(&what);
	cm_write(cm_control, changes[2].lie);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	cm_write(cm_control, "");
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	close_cm();
}
END_TEST

START_TEST(while_fresh_the_cm_is_asked_for_nothing)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), HOUR_MS);
	generate(&what);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	cm_write(cm_control, "C_GetAttributeValue fail 0x5\nC_FindObjectsInit fail 0x5\n");
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	ck_assert_int_eq(sign(NULL), SAM_CM_FAILED); /* a text that it was not checked with */
	close_cm();
}
END_TEST

START_TEST(checked_with_another_text_does_not_count)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_softhsm(), HOUR_MS);
	generate(&what);
	ck_assert_int_eq(sign(NULL), SAM_OK);
	ck_assert_int_eq(sign("CKA_CLASS=3"), SAM_KEY_CHANGED);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	made.attributes[strlen(made.attributes) - 1] ^= 1;
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	ck_assert_int_eq(sign(""), SAM_OK);
	close_cm();
}
END_TEST

/* With the CM's own means: here it took neither MODIFIABLE nor COPYABLE. */
START_TEST(attribute_set_in_softhsm_is_noticed)
{
	CK_FUNCTION_LIST *f = cm_direct();
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE set[] = {{CKA_LABEL, "lifa", 4}, {CKA_DERIVE, &yes, 1}, {CKA_ID, "another id here", 16}};
	CK_OBJECT_HANDLE key;
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	cm_write(cm_control, "C_GenerateKeyPair fail 0xd1 2\n");
	generate(&what);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, cm_id, &key), 1);
	ck_assert(f->C_SetAttributeValue(s, key, &set[_i], 1) == CKR_OK);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	close_cm();
}
END_TEST

/* The whole key deleted, and another put under its label and CKA_ID. */
START_TEST(key_put_in_its_place_is_noticed)
{
	static const uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE pair[2];
	CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, (void *)curve, sizeof curve}, {CKA_TOKEN, &yes, 1}};
	CK_ATTRIBUTE priv[] = {{CKA_ID, (void *)cm_id, SAM_CM_ID}, {CKA_LABEL, "life", 4}, {CKA_TOKEN, &yes, 1},
			       {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
			       {CKA_SIGN, &yes, 1}, {CKA_SIGN_RECOVER, &no, 1}, {CKA_DECRYPT, &no, 1},
			       {CKA_UNWRAP, &no, 1}, {CKA_DERIVE, &no, 1}};
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_softhsm(), 0);
	generate(&what);
	ck_assert_int_eq(sign(made.attributes), SAM_OK);
	CK_SESSION_HANDLE s = cm_session(f);
	ck_assert_uint_eq(cm_find(f, s, CKO_PRIVATE_KEY, cm_id, &pair[0]), 1);
	ck_assert(f->C_DestroyObject(s, pair[0]) == CKR_OK);
	ck_assert_int_eq(sign(made.attributes), SAM_CM_KEY_MISSING);
	ck_assert(f->C_GenerateKeyPair(s, &mechanism, pub, 2, priv, 11, &pair[0], &pair[1]) == CKR_OK);
	ck_assert_int_eq(sign(made.attributes), SAM_KEY_CHANGED);
	close_cm();
}
END_TEST

START_TEST(first_difference_is_named)
{
	static const struct {
		const char *a, *b, *name;
	} cases[] = {
		{"A=1 B=2", "A=1 B=3", "B"},
		{"A=1 B=2", "A=1", "B"},
		{"A=1", "A=1 B=2", "B"},
		{"A=1 B=2", "A=10 B=2", "A"},
		{"A=1 C=2", "A=1 B=2", "C"},
		{"", "A=1", "A"},
		{"CKA_A_NAME_THAT_IS_LONGER_THAN_ANY_OF_OURS=1", "A=1", "CKA_A_NAME_THAT_IS_LONGER_THAN_"},
	};
	char name[SAM_CM_ATTRIBUTE_NAME];
	ck_assert(sam_cm_attributes_same("A=1 B=", "A=1 B=", name) && !name[0]);
	ck_assert(sam_cm_attributes_same("", "", name));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert(!sam_cm_attributes_same(cases[i].a, cases[i].b, name));
		ck_assert_str_eq(name, cases[i].name);
	}
}
END_TEST

/* ---- at the end ---- */

START_TEST(destroy_that_does_not_destroy_is_told)
{
	static const char *const lies[] = {"C_DestroyObject fail 0x0\n", "C_DestroyObject fail 0x0 1\n",
					   "C_DestroyObject fail 0x0 1 1\n"};
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	generate(&what);
	cm_write(cm_control, lies[_i]);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_CM_FAILED);
	cm_write(cm_control, "");
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
	nothing_left();
	close_cm();
}
END_TEST

START_TEST(destroyed_before_the_connection_was_lost_is_destroyed)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	generate(&what);
	cm_write(cm_control, "C_FindObjectsInit fail 0xb3 1 2\n"); /* at the second look */
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
	nothing_left();
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_CM_KEY_MISSING);
	close_cm();
}
END_TEST

/* ---- what else there is ---- */

static struct sam_cm_found seen[32];
static size_t seen_count, seen_at_most;

static enum sam_reason note(const struct sam_cm_found *found, void *arg)
{
	ck_assert_ptr_eq(arg, &seen_count);
	ck_assert_uint_lt(seen_count, 32);
	seen[seen_count++] = *found;
	return seen_count == seen_at_most ? SAM_EXISTS : SAM_OK;
}

static enum sam_reason scan(void)
{
	seen_count = 0;
	return sam_cm_scan(cm, note, &seen_count);
}

static const struct sam_cm_found *seen_key(bool private, const uint8_t *id)
{
	for (size_t i = 0; i < seen_count; i++)
		if (seen[i].private == private && seen[i].id_len == SAM_CM_ID && memcmp(seen[i].id, id, SAM_CM_ID) == 0)
			return &seen[i];
	ck_abort_msg("not found");
	return NULL;
}

static void thumbprint(uint8_t out[32])
{
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, made.spki, made.spki_len, out), SAM_OK);
}

START_TEST(scan_tells_every_key_by_its_thumbprint)
{
	static const struct {
		enum sam_key_type type;
		unsigned bits;
	} kinds[] = {{SAM_KEY_RSA, 2048}, {SAM_KEY_EC, 256}, {SAM_KEY_EC, 521}};
	uint8_t hash[32], *spki;
	size_t len;
	open_cm(cm_softhsm(), 0);
	ck_assert_int_eq(scan(), SAM_OK);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_int_eq(sam_cm_seal_create(cm), SAM_OK); /* a secret key: none of those */
	ck_assert_int_eq(sam_cm_statement_key_create(cm, &spki, &len), SAM_OK);
	free(spki);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		uint8_t id[SAM_CM_ID] = {(uint8_t)i, 1};
		struct sam_cm_new_key what = key_of(kinds[i].type, kinds[i].bits);
		what.id = id;
		what.label = "caf\xc3\xa9";
		generate(&what);
		thumbprint(hash);
		ck_assert_int_eq(scan(), SAM_OK);
		ck_assert_uint_eq(seen_count, 2 * (i + 2));
		const struct sam_cm_found *pub = seen_key(false, id), *priv = seen_key(true, id);
		ck_assert(pub->known && !pub->own && !priv->own);
		ck_assert_mem_eq(pub->thumbprint, hash, 32);
		ck_assert_str_eq(pub->label, "caf??");
		ck_assert(priv->known == (kinds[i].type == SAM_KEY_RSA));
		if (priv->known)
			ck_assert_mem_eq(priv->thumbprint, hash, 32);
		sam_cm_made_clear(&made);
	}
	unsigned own = 0;
	for (size_t i = 0; i < seen_count; i++)
		own += seen[i].own;
	ck_assert_uint_eq(own, 2);
	close_cm();
}
END_TEST

/* A public key object made past the SAM, with the point of another's. */
static void put_back(const char *label, const uint8_t *id, size_t id_len)
{
	static const uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_FUNCTION_LIST *f = cm_direct();
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_HANDLE object;
	uint8_t point[67] = {0x04, 0x41};
	memcpy(point + 2, made.spki + made.spki_len - 65, 65);
	CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
			    {CKA_TOKEN, &yes, 1}, {CKA_EC_PARAMS, (void *)curve, sizeof curve},
			    {CKA_EC_POINT, point, sizeof point}, {CKA_LABEL, (void *)label, strlen(label)},
			    {CKA_ID, (void *)id, id_len}};
	ck_assert(f->C_CreateObject(cm_session(f), t, 7, &object) == CKR_OK);
}

START_TEST(destroyed_key_put_back_is_recognised_under_any_name)
{
	static const uint8_t long_id[80] = {7};
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	uint8_t hash[32];
	open_cm(cm_softhsm(), 0);
	generate(&what);
	thumbprint(hash);
	ck_assert_int_eq(sam_cm_destroy(cm, cm_id), SAM_OK);
	put_back("p11-sam nothing", NULL, 0);
	put_back("p11-sam nothing", long_id, 3);
	put_back("a label longer than the sixty-four characters that are told of it, by far", long_id, sizeof long_id);
	ck_assert_int_eq(scan(), SAM_OK);
	ck_assert_uint_eq(seen_count, 3);
	unsigned own = 0, cut = 0;
	for (size_t i = 0; i < seen_count; i++) {
		ck_assert(seen[i].known && !seen[i].private);
		ck_assert_mem_eq(seen[i].thumbprint, hash, 32);
		own += seen[i].own;
		cut += seen[i].id_long && seen[i].id_len == 0 && strlen(seen[i].label) == 64;
	}
	ck_assert_uint_eq(own, 1);
	ck_assert_uint_eq(cut, 1);
	close_cm();
}
END_TEST

START_TEST(scan_ends_where_it_is_told_to)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_softhsm(), 0);
	generate(&what);
	seen_at_most = 1;
	ck_assert_int_eq(scan(), SAM_EXISTS);
	ck_assert_uint_eq(seen_count, 1);
	seen_at_most = 0;
	close_cm();
}
END_TEST

START_TEST(scan_is_whole_or_fails)
{
	struct sam_cm_new_key what = key_of(SAM_KEY_EC, 256);
	open_cm(cm_mock(), 0);
	generate(&what);
	cm_write(cm_control, "C_GetAttributeValue fail 0x5 1 4\n");
	ck_assert_int_eq(scan(), SAM_CM_FAILED);
	ck_assert_uint_eq(seen_count, 0);
	cm_write(cm_control, "C_GetAttributeValue fail 0xb3 1 4\n"); /* a lost session: once more, from the start */
	ck_assert_int_eq(scan(), SAM_OK);
	ck_assert_uint_eq(seen_count, 2);
	cm_write(cm_control, "C_GetAttributeValue fail 0x82 1\n"); /* one that was just destroyed */
	ck_assert_int_eq(scan(), SAM_OK);
	ck_assert_uint_eq(seen_count, 1);
	cm_write(cm_control, "C_FindObjects flood\n"); /* no end of keys */
	ck_assert_int_eq(scan(), SAM_CM_FAILED);
	ck_assert_uint_eq(seen_count, 0);
	close_cm();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cm_life");
	TCase *t = tcase_create("birth");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 180);
	tcase_add_test(t, attributes_are_told_in_a_fixed_order);
	tcase_add_test(t, rsa_tells_its_modulus_too_and_the_longest_fits);
	tcase_add_test(t, dates_that_are_none_are_refused);
	tcase_add_test(t, dates_are_left_off_first);
	tcase_add_test(t, what_the_cm_cannot_give_is_a_dash);
	tcase_add_loop_test(t, unproven_origin_is_destroyed, 0, 6);
	tcase_add_test(t, what_reads_back_otherwise_is_destroyed);
	suite_add_tcase(s, t);
	t = tcase_create("changes");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_add_loop_test(t, changed_attribute_refuses_the_next_signature, 0, CHANGES);
	tcase_add_test(t, change_is_seen_when_the_last_reading_is_old);
	tcase_add_test(t, first_use_in_a_process_reads_whatever_recheck_is);
	tcase_add_test(t, while_fresh_the_cm_is_asked_for_nothing);
	tcase_add_test(t, checked_with_another_text_does_not_count);
	tcase_add_loop_test(t, attribute_set_in_softhsm_is_noticed, 0, 3);
	tcase_add_test(t, key_put_in_its_place_is_noticed);
	tcase_add_test(t, first_difference_is_named);
	suite_add_tcase(s, t);
	t = tcase_create("end");
	tcase_add_checked_fixture(t, cm_setup, cm_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, destroy_that_does_not_destroy_is_told, 0, 3);
	tcase_add_test(t, destroyed_before_the_connection_was_lost_is_destroyed);
	tcase_add_test(t, scan_tells_every_key_by_its_thumbprint);
	tcase_add_test(t, destroyed_key_put_back_is_recognised_under_any_name);
	tcase_add_test(t, scan_ends_where_it_is_told_to);
	tcase_add_test(t, scan_is_whole_or_fails);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, cm_mock_missing)
