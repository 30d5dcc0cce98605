/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: C_GenerateKeyPair under SADs that order a key: what comes of it, and that each makes one key.
 */
#include "p11calls.h"

#include <stdio.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_ULONG rsa_bits = 2048;
static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

/* A SAD that orders a key, by $SADTOOL; free() it. */
static char *order(const char *type, const char *label)
{
	char params[512];
	snprintf(params, sizeof params, "{\"type\":\"%s\",\"label\":\"%s\"}", type, label);
	return new_order("generate", params);
}

static CK_RV generate_ec(CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *pub, CK_OBJECT_HANDLE *priv)
{
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE publics[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_LABEL, "of the other half", 17}},
		     privates[] = {{CKA_LABEL, (void *)label, strlen(label)}, {CKA_ID, "mine", 4},
				   {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_SIGN, &yes, 1},
				   {CKA_START_DATE, "20200101", 8}, {CKA_END_DATE, "20991231", 8}};
	*pub = *priv = CK_INVALID_HANDLE;
	return p11->C_GenerateKeyPair(s, &mechanism, publics, 2, privates, 7, pub, priv);
}

static CK_RV generate_rsa(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *pub, CK_OBJECT_HANDLE *priv)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE publics[] = {{CKA_MODULUS_BITS, &rsa_bits, sizeof rsa_bits}};
	return p11->C_GenerateKeyPair(s, &mechanism, publics, 1, NULL, 0, pub, priv);
}

static bool reads(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, const void *wanted, CK_ULONG len)
{
	CK_BYTE value[512];
	CK_ATTRIBUTE a = {type, value, sizeof value};
	return p11->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && a.ulValueLen == len &&
	       memcmp(value, wanted, len) == 0;
}

/* As it was asked for, and as the policy has it. */
static void test_made(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv, char credential[33])
{
	CK_BYTE id[P11_SAM_KEY_ID_LENGTH];
	CK_ATTRIBUTE a = {CKA_ID, id, sizeof id};
	ok(pub && priv && pub != priv, "two handles");
	gives(p11->C_GetAttributeValue(s, priv, &a, 1), CKR_OK, "its CKA_ID");
	for (size_t i = 0; i < sizeof id; i++)
		snprintf(credential + 2 * i, 3, "%02x", id[i]);
	ok(a.ulValueLen == sizeof id && reads(s, pub, CKA_ID, id, sizeof id), "is the credentialID, on both halves");
	ok(find(s, CKO_PRIVATE_KEY, credential) == priv && find(s, CKO_PUBLIC_KEY, credential) == pub,
	   "C_FindObjects gives the same handles");
	ok(reads(s, priv, CKA_LABEL, "made by p11calls", 16) && reads(s, pub, CKA_LABEL, "made by p11calls", 16),
	   "the private half's label counts");
	ok(reads(s, priv, CKA_START_DATE, "20200101", 8) && reads(s, priv, CKA_END_DATE, "20991231", 8) &&
		   reads(s, pub, CKA_END_DATE, "20991231", 8),
	   "its dates");
	ok(reads(s, priv, CKA_TOKEN, &yes, 1) && reads(s, priv, CKA_SENSITIVE, &yes, 1) &&
		   reads(s, priv, CKA_EXTRACTABLE, &no, 1) && reads(s, priv, CKA_DECRYPT, &no, 1) &&
		   reads(s, priv, CKA_LOCAL, &yes, 1) && reads(s, priv, CKA_NEVER_EXTRACTABLE, &yes, 1),
	   "the policy's template");
}

/* It is active at once: its signer ordered it. */
static void test_signs(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv, const char *credential)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_BYTE digest[32] = {7}, signature[64];
	CK_ULONG len = sizeof signature;
	char *sad = new_sad(credential, "sha256", digest, sizeof digest);
	gives(p11->C_SignInit(s, &ecdsa, priv), CKR_OK, "the new key: C_SignInit");
	gives(login(s, CKU_CONTEXT_SPECIFIC, sad), CKR_OK, "a SAD for it");
	gives(p11->C_Sign(s, digest, sizeof digest, signature, &len), CKR_OK, "C_Sign");
	p11->C_VerifyInit(s, &ecdsa, pub);
	gives(p11->C_Verify(s, digest, sizeof digest, signature, len), CKR_OK, "C_Verify");
	free(sad);
}

void test_generate(void)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	CK_OBJECT_HANDLE pub, priv, again[2], early = CK_INVALID_HANDLE;
	char credential[33] = "", *ec = order("ec:P-256", "made by p11calls"), *rsa = order("rsa:2048", "rsa by p11calls");
	gives(login(s, CKU_USER, signer_pin), CKR_OK, "C_Login by NAME:SECRET");
	early = find(s, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	const CK_ULONG before = count_objects(s);
	gives(generate_ec(s, "made by p11calls", &pub, &priv), CKR_USER_NOT_LOGGED_IN, "no SAD orders a key");
	gives(login(s, CKU_USER, ec), CKR_USER_ALREADY_LOGGED_IN, "a SAD that does is taken up");
	gives(generate_rsa(s, &pub, &priv), CKR_FUNCTION_REJECTED, "but it orders another type");
	gives(generate_ec(s, "another name", &pub, &priv), CKR_FUNCTION_REJECTED, "or another label");
	ok(count_objects(s) == before, "nothing was made");
	gives(generate_ec(s, "made by p11calls", &pub, &priv), CKR_OK, "the key that it orders");
	test_made(s, pub, priv, credential);
	ok(count_objects(s) == before + 2, "two objects more");
	ok(find(s, CKO_PRIVATE_KEY, need("CREDENTIAL_EC")) == early, "the handles of other keys stay");
	gives(generate_ec(s, "made by p11calls", &again[0], &again[1]), CKR_FUNCTION_REJECTED, "one key for one SAD");
	ok(count_objects(s) == before + 2, "nothing more was made");
	test_signs(s, pub, priv, credential);
	gives(login(s, CKU_USER, rsa), CKR_USER_ALREADY_LOGGED_IN, "a SAD that orders RSA");
	gives(generate_rsa(s, &again[0], &again[1]), CKR_OK, "without a label: it has the SAD's");
	ok(reads(s, again[1], CKA_LABEL, "rsa by p11calls", 15), "which it reads");
	gives(p11->C_DestroyObject(s, again[1]), CKR_ACTION_PROHIBITED, "C_DestroyObject of the new key");
	p11->C_Logout(s);
	gives(login(s, CKU_USER, ec), CKR_OK, "the SAD, used, still says who the signer is");
	gives(generate_ec(s, "made by p11calls", &again[0], &again[1]), CKR_FUNCTION_REJECTED, "and orders nothing more");
	free(ec);
	free(rsa);
	p11->C_Logout(s);
	p11->C_CloseSession(s);
}
