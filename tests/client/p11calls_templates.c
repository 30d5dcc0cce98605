/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: C_GenerateKeyPair as far as the templates decide: every attribute that a client may give, right and
 * wrong, without a SAD that orders a key, so that nothing is made.
 */
#include "p11calls.h"

#include <stdio.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE, odd = 7;
static CK_ULONG bits = 3072, small = 1024, uneven = 3073, large = 8192;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE rsa_type = CKK_RSA, ec_type = CKK_EC;
static CK_BYTE f4[] = {1, 0, 1}, padded_f4[] = {0, 0, 1, 0, 1}, three[] = {3}, zero[] = {0};
static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
	       p192[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01},
	       brainpool[] = {0x06, 9, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07},
	       name[] = {0x13, 9, 's', 'e', 'c', 'p', '2', '5', '6', 'k', '1'},
	       ed25519[] = {0x06, 3, 0x2b, 0x65, 0x70}, trailing[] = {0x06, 3, 0x2b, 0x65, 0x70, 0},
	       garbage[] = {1, 2, 3, 4}, implicit[] = {0x05, 0};
static CK_BYTE long_label[P11_SAM_LABEL_MAX + 1];
static CK_MECHANISM_TYPE ecdsa = CKM_ECDSA, raw[] = {CKM_RSA_PKCS, CKM_RSA_X_509}, pkcs1 = CKM_RSA_PKCS;

/* One attribute more, on one half of a template that is good without it, or instead of one there. */
struct case_of {
	const char *what;
	bool rsa, on_public;
	CK_ATTRIBUTE given;
	CK_RV wanted;
};

enum { GOOD = CKR_USER_NOT_LOGGED_IN /* all is well, but no SAD orders it */ };
#define FLAG(type, value) {type, &(value), 1}
#define TEXT(type, text) {type, (void *)(text), sizeof(text) - 1}
#define BYTES(type, bytes) {type, bytes, sizeof(bytes)}
#define NUMBER(type, number) {type, &(number), sizeof(number)}

static const struct case_of cases[] = {
	{"nothing more, RSA", true, true, {CKA_ID, NULL, 0}, GOOD},
	{"nothing more, EC", false, true, {CKA_ID, NULL, 0}, GOOD},
	/* what every key is */
	{"on the token", true, false, FLAG(CKA_TOKEN, yes), GOOD},
	{"a private session key", true, false, FLAG(CKA_TOKEN, no), CKR_TEMPLATE_INCONSISTENT},
	{"a public session key", true, true, FLAG(CKA_TOKEN, no), CKR_TEMPLATE_INCONSISTENT},
	{"neither", true, false, FLAG(CKA_TOKEN, odd), CKR_ATTRIBUTE_VALUE_INVALID},
	{"a flag of two bytes", true, false, {CKA_TOKEN, &bits, 2}, CKR_ATTRIBUTE_VALUE_INVALID},
	{"a value that is not there", true, false, {CKA_TOKEN, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
	{"its class", true, false, NUMBER(CKA_CLASS, private_class), GOOD},
	{"the other class", true, false, NUMBER(CKA_CLASS, public_class), CKR_TEMPLATE_INCONSISTENT},
	{"the public half's class", true, true, NUMBER(CKA_CLASS, public_class), GOOD},
	{"its type", true, false, NUMBER(CKA_KEY_TYPE, rsa_type), GOOD},
	{"another type", true, false, NUMBER(CKA_KEY_TYPE, ec_type), CKR_TEMPLATE_INCONSISTENT},
	{"another type, public", true, true, NUMBER(CKA_KEY_TYPE, ec_type), CKR_TEMPLATE_INCONSISTENT},
	{"private", true, false, FLAG(CKA_PRIVATE, yes), GOOD},
	{"not private", true, false, FLAG(CKA_PRIVATE, no), CKR_TEMPLATE_INCONSISTENT},
	{"the public half is public", true, true, FLAG(CKA_PRIVATE, no), GOOD},
	{"a hidden public key", true, true, FLAG(CKA_PRIVATE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"modifiable", true, false, FLAG(CKA_MODIFIABLE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"modifiable, public", true, true, FLAG(CKA_MODIFIABLE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"not modifiable", true, false, FLAG(CKA_MODIFIABLE, no), GOOD},
	{"copyable", true, false, FLAG(CKA_COPYABLE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"destroyable", true, false, FLAG(CKA_DESTROYABLE, yes), CKR_TEMPLATE_INCONSISTENT},
	/* what it may do */
	{"sensitive", true, false, FLAG(CKA_SENSITIVE, yes), GOOD},
	{"not sensitive", true, false, FLAG(CKA_SENSITIVE, no), CKR_TEMPLATE_INCONSISTENT},
	{"extractable", true, false, FLAG(CKA_EXTRACTABLE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"not extractable", true, false, FLAG(CKA_EXTRACTABLE, no), GOOD},
	{"signs", true, false, FLAG(CKA_SIGN, yes), GOOD},
	{"does not sign", true, false, FLAG(CKA_SIGN, no), CKR_TEMPLATE_INCONSISTENT},
	{"signs with recovery", true, false, FLAG(CKA_SIGN_RECOVER, yes), CKR_TEMPLATE_INCONSISTENT},
	{"decrypts", true, false, FLAG(CKA_DECRYPT, yes), CKR_TEMPLATE_INCONSISTENT},
	{"does not decrypt", true, false, FLAG(CKA_DECRYPT, no), GOOD},
	{"unwraps", true, false, FLAG(CKA_UNWRAP, yes), CKR_TEMPLATE_INCONSISTENT},
	{"derives", false, false, FLAG(CKA_DERIVE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"derives, public", false, true, FLAG(CKA_DERIVE, yes), CKR_TEMPLATE_INCONSISTENT},
	{"wraps", true, true, FLAG(CKA_WRAP, yes), CKR_TEMPLATE_INCONSISTENT},
	{"verifies", true, true, FLAG(CKA_VERIFY, yes), GOOD},
	{"does not verify", true, true, FLAG(CKA_VERIFY, no), CKR_TEMPLATE_INCONSISTENT},
	{"verifies with recovery", true, true, FLAG(CKA_VERIFY_RECOVER, yes), CKR_TEMPLATE_INCONSISTENT},
	{"encrypts, which p11tool always says", true, true, FLAG(CKA_ENCRYPT, yes), GOOD},
	{"encrypts, EC", false, true, FLAG(CKA_ENCRYPT, yes), CKR_TEMPLATE_INCONSISTENT},
	{"trusted", true, true, FLAG(CKA_TRUSTED, yes), CKR_TEMPLATE_INCONSISTENT},
	{"wrapped with trusted keys only", true, false, FLAG(CKA_WRAP_WITH_TRUSTED, yes), GOOD},
	{"a PIN for each signature", true, false, FLAG(CKA_ALWAYS_AUTHENTICATE, yes), GOOD},
	{"one of its mechanisms", false, false, NUMBER(CKA_ALLOWED_MECHANISMS, ecdsa), GOOD},
	{"raw RSA", true, false, BYTES(CKA_ALLOWED_MECHANISMS, raw), CKR_TEMPLATE_INCONSISTENT},
	{"a mechanism for other keys", false, false, NUMBER(CKA_ALLOWED_MECHANISMS, pkcs1), CKR_TEMPLATE_INCONSISTENT},
	{"no mechanism", true, false, {CKA_ALLOWED_MECHANISMS, NULL, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
	{"half a mechanism", true, false, {CKA_ALLOWED_MECHANISMS, raw, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
	/* its names and dates */
	{"an id", true, false, TEXT(CKA_ID, "anything"), GOOD},
	{"a label", true, false, TEXT(CKA_LABEL, "for contracts"), GOOD},
	{"a label in Japanese", true, true, TEXT(CKA_LABEL, "契約用"), GOOD},
	{"a label too long", true, false, BYTES(CKA_LABEL, long_label), CKR_ATTRIBUTE_VALUE_INVALID},
	{"a label of 256", true, false, {CKA_LABEL, long_label, P11_SAM_LABEL_MAX}, GOOD},
	{"a label that is no UTF-8", true, false, TEXT(CKA_LABEL, "a\xff"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"a label with a NUL", true, false, TEXT(CKA_LABEL, "a\0b"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"a label that turns the terminal round", true, false, TEXT(CKA_LABEL, "a\xe2\x80\xae"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"an empty subject", true, false, {CKA_SUBJECT, NULL, 0}, GOOD},
	{"a subject", true, false, TEXT(CKA_SUBJECT, "0\0"), CKR_TEMPLATE_INCONSISTENT},
	{"a first day", true, false, TEXT(CKA_START_DATE, "20260401"), GOOD},
	{"a last day", true, true, TEXT(CKA_END_DATE, "20280229"), GOOD},
	{"no last day", true, false, {CKA_END_DATE, NULL, 0}, GOOD},
	{"30 February", true, false, TEXT(CKA_END_DATE, "20260230"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"no date", true, false, TEXT(CKA_END_DATE, "2026-1-1"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"half a date", true, false, TEXT(CKA_END_DATE, "202601"), CKR_ATTRIBUTE_VALUE_INVALID},
	{"before the clock began", true, false, TEXT(CKA_START_DATE, "19691231"), CKR_ATTRIBUTE_VALUE_INVALID},
	/* its size or curve */
	{"1024 bits", true, true, NUMBER(CKA_MODULUS_BITS, small), CKR_KEY_SIZE_RANGE},
	{"3073 bits", true, true, NUMBER(CKA_MODULUS_BITS, uneven), CKR_KEY_SIZE_RANGE},
	{"8192 bits", true, true, NUMBER(CKA_MODULUS_BITS, large), CKR_KEY_SIZE_RANGE},
	{"half a number of bits", true, true, {CKA_MODULUS_BITS, &bits, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
	{"65537", true, true, BYTES(CKA_PUBLIC_EXPONENT, f4), GOOD},
	{"65537 with zeros", true, true, BYTES(CKA_PUBLIC_EXPONENT, padded_f4), GOOD},
	{"3", true, true, BYTES(CKA_PUBLIC_EXPONENT, three), CKR_TEMPLATE_INCONSISTENT},
	{"0", true, true, BYTES(CKA_PUBLIC_EXPONENT, zero), CKR_ATTRIBUTE_VALUE_INVALID},
	{"P-192", false, true, BYTES(CKA_EC_PARAMS, p192), CKR_CURVE_NOT_SUPPORTED},
	{"brainpoolP256r1", false, true, BYTES(CKA_EC_PARAMS, brainpool), CKR_CURVE_NOT_SUPPORTED},
	{"a curve by another name", false, true, BYTES(CKA_EC_PARAMS, name), CKR_CURVE_NOT_SUPPORTED},
	{"Ed25519 by the mechanism of others", false, true, BYTES(CKA_EC_PARAMS, ed25519), CKR_CURVE_NOT_SUPPORTED},
	{"something behind the curve", false, true, BYTES(CKA_EC_PARAMS, trailing), CKR_DOMAIN_PARAMS_INVALID},
	{"garbage", false, true, BYTES(CKA_EC_PARAMS, garbage), CKR_DOMAIN_PARAMS_INVALID},
	{"the CA's curve", false, true, BYTES(CKA_EC_PARAMS, implicit), CKR_DOMAIN_PARAMS_INVALID},
	{"no curve", false, true, {CKA_EC_PARAMS, NULL, 0}, CKR_DOMAIN_PARAMS_INVALID},
	{"no bytes of it", false, true, {CKA_EC_PARAMS, NULL, 10}, CKR_ATTRIBUTE_VALUE_INVALID},
	{"a length that nobody reads", false, true, {CKA_EC_PARAMS, p256, ~0UL}, CKR_ATTRIBUTE_VALUE_INVALID},
	/* what a key tells, and what it has not */
	{"local", true, false, FLAG(CKA_LOCAL, yes), CKR_ATTRIBUTE_READ_ONLY},
	{"always sensitive", true, false, FLAG(CKA_ALWAYS_SENSITIVE, yes), CKR_ATTRIBUTE_READ_ONLY},
	{"never extractable", true, false, FLAG(CKA_NEVER_EXTRACTABLE, yes), CKR_ATTRIBUTE_READ_ONLY},
	{"a modulus", true, true, BYTES(CKA_MODULUS, f4), CKR_ATTRIBUTE_READ_ONLY},
	{"a private exponent", true, false, BYTES(CKA_PRIVATE_EXPONENT, f4), CKR_ATTRIBUTE_READ_ONLY},
	{"a secret value", false, false, BYTES(CKA_VALUE, f4), CKR_ATTRIBUTE_READ_ONLY},
	{"a certificate's", true, false, BYTES(CKA_ISSUER, f4), CKR_ATTRIBUTE_TYPE_INVALID},
	{"a vendor's", true, false, BYTES(CKA_VENDOR_DEFINED | 4711, f4), CKR_ATTRIBUTE_TYPE_INVALID},
	{"the public half's", true, false, FLAG(CKA_VERIFY, yes), CKR_ATTRIBUTE_TYPE_INVALID},
	{"the private half's", true, true, FLAG(CKA_SIGN, yes), CKR_ATTRIBUTE_TYPE_INVALID},
	{"RSA's", false, true, NUMBER(CKA_MODULUS_BITS, bits), CKR_ATTRIBUTE_TYPE_INVALID},
};
enum { CASES = sizeof cases / sizeof *cases };

static CK_OBJECT_HANDLE made[2];

static CK_RV generate(CK_SESSION_HANDLE s, bool rsa, CK_ATTRIBUTE *pub, CK_ULONG pub_count, CK_ATTRIBUTE *priv,
		      CK_ULONG priv_count)
{
	CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
	return p11->C_GenerateKeyPair(s, &mechanism, pub, pub_count, priv, priv_count, &made[0], &made[1]);
}

static void test_case(CK_SESSION_HANDLE s, const struct case_of *c)
{
	CK_ATTRIBUTE pub[2] = {{c->rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS, c->rsa ? (void *)&bits : (void *)p256,
				c->rsa ? sizeof bits : sizeof p256}},
		     priv[1];
	CK_ULONG pub_count = 1, priv_count = 0;
	if (!c->on_public)
		priv[priv_count++] = c->given;
	else if (c->given.type == pub[0].type)
		pub[0] = c->given;
	else
		pub[pub_count++] = c->given;
	const CK_RV rv = generate(s, c->rsa, pub, pub_count, priv, priv_count);
	ok(rv == c->wanted, "a key pair of %s, %s half, %s: 0x%lx (0x%lx)", c->rsa ? "RSA" : "EC",
	   c->on_public ? "public" : "private", c->what, c->wanted, rv);
}

/* What two attributes say together. */
static void test_together(CK_SESSION_HANDLE s)
{
	CK_ATTRIBUTE pub[] = {NUMBER(CKA_MODULUS_BITS, bits), TEXT(CKA_END_DATE, "20270101")},
		     twice[] = {FLAG(CKA_SIGN, yes), FLAG(CKA_SIGN, yes)},
		     same[] = {TEXT(CKA_END_DATE, "20270101")}, other[] = {TEXT(CKA_END_DATE, "20270102")},
		     late[] = {TEXT(CKA_START_DATE, "20270102")}, one_day[] = {TEXT(CKA_START_DATE, "20270101")};
	gives(generate(s, true, pub, 1, twice, 2), CKR_TEMPLATE_INCONSISTENT, "said twice");
	gives(generate(s, true, pub, 2, same, 1), GOOD, "both halves end on one day");
	gives(generate(s, true, pub, 2, other, 1), CKR_TEMPLATE_INCONSISTENT, "they end on two");
	gives(generate(s, true, pub, 2, one_day, 1), GOOD, "a key for a day");
	gives(generate(s, true, pub, 2, late, 1), CKR_TEMPLATE_INCONSISTENT, "it begins after its end");
	gives(generate(s, true, NULL, 0, NULL, 0), CKR_TEMPLATE_INCOMPLETE, "RSA without its size");
	gives(generate(s, false, NULL, 0, NULL, 0), CKR_TEMPLATE_INCOMPLETE, "EC without its curve");
}

static void test_arguments(CK_SESSION_HANDLE s, CK_SESSION_HANDLE read_only)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE pub[] = {NUMBER(CKA_MODULUS_BITS, bits)};
	gives(p11->C_GenerateKeyPair(s, NULL, pub, 1, NULL, 0, &made[0], &made[1]), CKR_ARGUMENTS_BAD,
	      "C_GenerateKeyPair without a mechanism");
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, NULL, &made[1]), CKR_ARGUMENTS_BAD,
	      "C_GenerateKeyPair, nowhere for the public key's handle");
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], NULL), CKR_ARGUMENTS_BAD,
	      "C_GenerateKeyPair, nowhere for the private key's handle");
	gives(p11->C_GenerateKeyPair(s, &mechanism, NULL, 1, NULL, 0, &made[0], &made[1]), CKR_ARGUMENTS_BAD,
	      "C_GenerateKeyPair, NULL with a count");
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, pub, ~0UL, &made[0], &made[1]), CKR_ARGUMENTS_BAD,
	      "C_GenerateKeyPair, a count that nobody reads");
	gives(p11->C_GenerateKeyPair(read_only, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]), CKR_SESSION_READ_ONLY,
	      "C_GenerateKeyPair in a read-only session");
	mechanism = (CK_MECHANISM){CKM_RSA_PKCS_KEY_PAIR_GEN, &bits, sizeof bits};
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]), CKR_MECHANISM_PARAM_INVALID,
	      "C_GenerateKeyPair with parameters");
	mechanism = (CK_MECHANISM){CKM_RSA_X9_31_KEY_PAIR_GEN, NULL, 0};
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]), CKR_MECHANISM_INVALID,
	      "C_GenerateKeyPair, another mechanism");
	mechanism.mechanism = CKM_EDDSA;
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]), CKR_MECHANISM_INVALID,
	      "C_GenerateKeyPair, a mechanism that signs");
	mechanism.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN;
	CK_MECHANISM_INFO info;
	const bool listed = p11->C_GetMechanismInfo(P11_SAM_SLOT, mechanism.mechanism, &info) == CKR_OK;
	pub[0] = (CK_ATTRIBUTE)BYTES(CKA_EC_PARAMS, ed25519);
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]),
	      listed ? (CK_RV)GOOD : CKR_MECHANISM_INVALID, "C_GenerateKeyPair of Ed25519, if it is listed");
	pub[0] = (CK_ATTRIBUTE)BYTES(CKA_EC_PARAMS, p256);
	gives(p11->C_GenerateKeyPair(s, &mechanism, pub, 1, NULL, 0, &made[0], &made[1]),
	      listed ? CKR_CURVE_NOT_SUPPORTED : CKR_MECHANISM_INVALID, "and of P-256 by its mechanism");
}

static void test_listed(void)
{
	CK_MECHANISM_INFO info;
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_RSA_PKCS_KEY_PAIR_GEN, &info), CKR_OK,
	      "C_GetMechanismInfo, RSA key pairs");
	ok(info.flags == CKF_GENERATE_KEY_PAIR && info.ulMinKeySize >= 2048 && info.ulMaxKeySize <= 4096 &&
		   info.ulMinKeySize <= info.ulMaxKeySize,
	   "of %lu to %lu bits", info.ulMinKeySize, info.ulMaxKeySize);
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_EC_KEY_PAIR_GEN, &info), CKR_OK,
	      "C_GetMechanismInfo, EC key pairs");
	ok((info.flags & CKF_GENERATE_KEY_PAIR) && !(info.flags & CKF_SIGN) && (info.flags & CKF_EC_NAMEDCURVE) &&
		   info.ulMinKeySize == 256,
	   "of named curves");
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_RSA_X9_31_KEY_PAIR_GEN, &info), CKR_MECHANISM_INVALID,
	      "C_GetMechanismInfo, RSA key pairs of X9.31");
}

void test_key_templates(void)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION), read_only = open_session(0);
	CK_ATTRIBUTE pub[] = {NUMBER(CKA_MODULUS_BITS, bits)};
	memset(long_label, 'l', sizeof long_label);
	test_listed();
	gives(generate(s, true, pub, 1, NULL, 0), CKR_USER_NOT_LOGGED_IN, "C_GenerateKeyPair, nobody is in");
	gives(login(s, CKU_USER, signer_pin), CKR_OK, "C_Login");
	const CK_ULONG before = count_objects(s);
	test_arguments(s, read_only);
	for (size_t i = 0; i < CASES; i++)
		test_case(s, &cases[i]);
	test_together(s);
	ok(count_objects(s) == before, "nothing was made by any of these");
	p11->C_Logout(s);
	p11->C_CloseSession(read_only);
	p11->C_CloseSession(s);
}
