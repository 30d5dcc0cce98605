/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: finding, reading and making objects; the deposit of a SAD.
 */
#include "p11calls.h"

#include <stdio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static CK_RV read_one(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		      void *out, CK_ULONG *len)
{
	CK_ATTRIBUTE a = {type, out, *len};
	CK_RV rv = p11->C_GetAttributeValue(s, object, &a, 1);
	*len = a.ulValueLen;
	return rv;
}

static bool flag_is(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		    CK_BBOOL wanted)
{
	CK_BBOOL value = 99;
	CK_ULONG len = sizeof value;
	return read_one(s, object, type, &value, &len) == CKR_OK && len == 1 && value == wanted;
}

/* What a private key says of itself. */
static void test_private(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE secret)
{
	static const CK_ATTRIBUTE_TYPE yes[] = {CKA_TOKEN,
						CKA_PRIVATE,
						CKA_SENSITIVE,
						CKA_ALWAYS_SENSITIVE,
						CKA_NEVER_EXTRACTABLE,
						CKA_LOCAL,
						CKA_SIGN,
						CKA_ALWAYS_AUTHENTICATE};
	static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE, CKA_MODIFIABLE,	 CKA_COPYABLE,
					       CKA_DESTROYABLE, CKA_DECRYPT,	 CKA_UNWRAP,
					       CKA_DERIVE,	CKA_SIGN_RECOVER};
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		wrong += !flag_is(s, key, yes[i], CK_TRUE);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		wrong += !flag_is(s, key, no[i], CK_FALSE);
	ok(wrong == 0, "a private key only signs, and stays where it is");
	CK_BYTE buffer[1024];
	CK_ULONG len = sizeof buffer;
	gives(read_one(s, key, secret, buffer, &len), CKR_ATTRIBUTE_SENSITIVE, "its secret part");
	ok(len == CK_UNAVAILABLE_INFORMATION, "has no length");
	len = 0;
	gives(read_one(s, key, CKA_SUBJECT, NULL, &len), CKR_OK, "CKA_SUBJECT");
	ok(len == 0, "is empty");
	len = sizeof buffer;
	gives(read_one(s, key, CKA_ALLOWED_MECHANISMS, buffer, &len), CKR_OK,
	      "CKA_ALLOWED_MECHANISMS");
	ok(len > 0 && len % sizeof(CK_MECHANISM_TYPE) == 0, "has some");
	len = 0;
	gives(read_one(s, key, CKA_VENDOR_DEFINED | 4711, NULL, &len), CKR_ATTRIBUTE_TYPE_INVALID,
	      "an unknown attribute");
}

static void test_many(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_OBJECT_CLASS class = 0;
	CK_BYTE one, label[300];
	CK_ATTRIBUTE all[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_VENDOR_DEFINED | 1, label, sizeof label},
		{CKA_ID, &one, sizeof one},	   {CKA_PRIVATE_EXPONENT, NULL, 0},
		{CKA_LABEL, label, sizeof label},  {CKA_MODULUS, NULL, 0},
	};
	gives(p11->C_GetAttributeValue(s, key, all, 6), CKR_ATTRIBUTE_TYPE_INVALID,
	      "many attributes, some of them bad");
	ok(class == CKO_PRIVATE_KEY && all[1].ulValueLen == CK_UNAVAILABLE_INFORMATION &&
		   all[2].ulValueLen == CK_UNAVAILABLE_INFORMATION &&
		   all[3].ulValueLen == CK_UNAVAILABLE_INFORMATION && all[4].ulValueLen > 0 &&
		   all[4].ulValueLen < sizeof label && all[5].ulValueLen >= 256,
	   "every entry is answered");
	all[2].ulValueLen = sizeof one; /* it is "unavailable" by now */
	gives(p11->C_GetAttributeValue(s, key, all + 2, 1), CKR_BUFFER_TOO_SMALL, "a short buffer");
	gives(p11->C_GetAttributeValue(s, key, NULL, 0), CKR_OK, "nothing asked");
	gives(p11->C_GetAttributeValue(s, key, NULL, 3), CKR_ARGUMENTS_BAD, "NULL with a count");
	gives(p11->C_GetAttributeValue(s, key, all, ~0UL), CKR_ARGUMENTS_BAD,
	      "a count that nobody reads");
	gives(p11->C_GetAttributeValue(s, 4711, all, 1), CKR_OBJECT_HANDLE_INVALID,
	      "no such object");
}

static void test_find(CK_SESSION_HANDLE s)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_KEY_TYPE ec = CKK_EC;
	CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY, data = CKO_DATA;
	CK_ATTRIBUTE signing[] = {{CKA_TOKEN, &yes, 1},
				  {CKA_PRIVATE, &yes, 1},
				  {CKA_SIGN, &yes, 1},
				  {CKA_ALWAYS_AUTHENTICATE, &yes, 1},
				  {CKA_KEY_TYPE, &ec, sizeof ec},
				  {CKA_CLASS, &private_key, sizeof private_key}};
	CK_ATTRIBUTE none[] = {{CKA_TOKEN, &no, 1}, {CKA_CLASS, &data, sizeof data}};
	CK_OBJECT_HANDLE found[16];
	CK_ULONG n = 0, more = 1;
	gives(p11->C_FindObjects(s, found, 1, &n), CKR_OPERATION_NOT_INITIALIZED,
	      "C_FindObjects without C_FindObjectsInit");
	gives(p11->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED,
	      "C_FindObjectsFinal without it");
	gives(p11->C_FindObjectsInit(s, NULL, 2), CKR_ARGUMENTS_BAD, "C_FindObjectsInit(NULL, 2)");
	gives(p11->C_FindObjectsInit(s, signing, ~0UL), CKR_ARGUMENTS_BAD,
	      "C_FindObjectsInit, a count that nobody reads");
	gives(p11->C_FindObjectsInit(s, signing, 6), CKR_OK, "C_FindObjectsInit by six attributes");
	gives(p11->C_FindObjectsInit(s, NULL, 0), CKR_OPERATION_ACTIVE, "C_FindObjectsInit again");
	gives(p11->C_FindObjects(s, found, 16, NULL), CKR_ARGUMENTS_BAD, "C_FindObjects(NULL)");
	gives(p11->C_FindObjects(s, found, 16, &n), CKR_OK, "C_FindObjects");
	gives(p11->C_FindObjects(s, found, 16, &more), CKR_OK, "C_FindObjects again");
	ok(n == 1 && more == 0, "one EC key that signs");
	gives(p11->C_FindObjectsFinal(s), CKR_OK, "C_FindObjectsFinal");
	p11->C_FindObjectsInit(s, none, 2);
	p11->C_FindObjects(s, found, 16, &n);
	p11->C_FindObjectsFinal(s);
	ok(n == 0, "no data object");
	p11->C_FindObjectsInit(s, NULL, 0);
	for (n = 1, more = 0; n == 1; more += n)
		if (p11->C_FindObjects(s, found, 1, &n) != CKR_OK)
			break;
	p11->C_FindObjectsFinal(s);
	ok(more >= 4 && more % 2 == 0, "all objects, one by one: both halves of each key (%lu)",
	   more);
	gives(p11->C_FindObjectsInit(s, NULL, 0), CKR_OK, "C_FindObjectsInit");
	gives(p11_30->C_SessionCancel(s, CKF_FIND_OBJECTS), CKR_OK, "C_SessionCancel");
	gives(p11->C_FindObjects(s, found, 1, &n), CKR_OPERATION_NOT_INITIALIZED,
	      "it is cancelled");
}

void test_objects(void)
{
	const char *rsa = need("CREDENTIAL_RSA"), *ec = need("CREDENTIAL_EC");
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	ok(find(s, CKO_PRIVATE_KEY, rsa) == CK_INVALID_HANDLE &&
		   find(s, CKO_PUBLIC_KEY, rsa) == CK_INVALID_HANDLE,
	   "nobody logged in sees no key");
	login(s, CKU_USER, signer_pin);
	const CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, rsa),
			       public = find(s, CKO_PUBLIC_KEY, rsa);
	const CK_OBJECT_HANDLE ec_key = find(s, CKO_PRIVATE_KEY, ec),
			       ec_public = find(s, CKO_PUBLIC_KEY, ec);
	ok(key && public && ec_key && ec_public && key != public,
	   "the signer sees both halves of both keys");
	test_private(s, key, CKA_PRIVATE_EXPONENT);
	test_private(s, ec_key, CKA_VALUE);
	ok(flag_is(s, public, CKA_VERIFY, CK_TRUE) && flag_is(s, public, CKA_ENCRYPT, CK_FALSE) &&
		   flag_is(s, public, CKA_PRIVATE, CK_FALSE) &&
		   flag_is(s, public, CKA_TOKEN, CK_TRUE),
	   "a public key only verifies");
	test_many(s, key);
	test_find(s);
	ok(find(s, CKO_PRIVATE_KEY, rsa) == key && find(s, CKO_PUBLIC_KEY, ec) == ec_public,
	   "handles stay while the login lasts");

	CK_ULONG size = 0;
	CK_OBJECT_HANDLE copy;
	CK_ATTRIBUTE label = {CKA_LABEL, "x", 1};
	gives(p11->C_GetObjectSize(s, key, NULL), CKR_ARGUMENTS_BAD, "C_GetObjectSize(NULL)");
	gives(p11->C_GetObjectSize(s, key, &size), CKR_OK, "C_GetObjectSize");
	gives(p11->C_GetObjectSize(s, 4711, &size), CKR_OBJECT_HANDLE_INVALID,
	      "C_GetObjectSize, no such object");
	gives(p11->C_CopyObject(s, key, NULL, 0, &copy), CKR_ACTION_PROHIBITED,
	      "C_CopyObject of a private key");
	gives(p11->C_CopyObject(s, public, NULL, 0, &copy), CKR_ACTION_PROHIBITED,
	      "C_CopyObject of a public key");
	gives(p11->C_CopyObject(s, 4711, NULL, 0, &copy), CKR_OBJECT_HANDLE_INVALID,
	      "C_CopyObject, no such object");
	gives(p11->C_DestroyObject(s, key), CKR_ACTION_PROHIBITED,
	      "C_DestroyObject of a private key");
	gives(p11->C_DestroyObject(s, 4711), CKR_OBJECT_HANDLE_INVALID,
	      "C_DestroyObject, no such object");
	gives(p11->C_SetAttributeValue(s, key, &label, 1), CKR_ACTION_PROHIBITED,
	      "C_SetAttributeValue of a private key");
	gives(p11->C_SetAttributeValue(s, 4711, &label, 1), CKR_OBJECT_HANDLE_INVALID,
	      "C_SetAttributeValue, no such object");

	p11->C_Logout(s);
	gives(p11->C_GetAttributeValue(s, key, &label, 1), CKR_OBJECT_HANDLE_INVALID,
	      "after the logout the handle is invalid");
	login(s, CKU_USER, signer_pin);
	gives(p11->C_GetAttributeValue(s, key, &label, 1), CKR_OBJECT_HANDLE_INVALID,
	      "also after another login");
	p11->C_CloseSession(s);
}

/* A public key of OpenSSL's making as a session object. */
static CK_RV create_ec(CK_SESSION_HANDLE s, CK_BYTE *point, CK_ULONG len, CK_OBJECT_HANDLE *object)
{
	static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_KEY_TYPE, &type, sizeof type},
				   {CKA_EC_PARAMS, p256, sizeof p256},
				   {CKA_EC_POINT, point, len}};
	return p11->C_CreateObject(s, template, 4, object);
}

/* The same for an RSA key and one of edwards25519. */
static CK_RV create_rsa(CK_SESSION_HANDLE s, EVP_PKEY *pkey, CK_OBJECT_HANDLE *object)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_RSA;
	CK_BYTE n[512], e[8];
	BIGNUM *modulus = NULL, *exponent = NULL;
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
		bail("no RSA key");
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_KEY_TYPE, &type, sizeof type},
				   {CKA_MODULUS, n, (CK_ULONG)BN_bn2bin(modulus, n)},
				   {CKA_PUBLIC_EXPONENT, e, (CK_ULONG)BN_bn2bin(exponent, e)}};
	BN_free(modulus);
	BN_free(exponent);
	CK_RV rv = p11->C_CreateObject(s, template, 4, object);
	template[2].ulValueLen = 64;
	gives(p11->C_CreateObject(s, template, 4, &(CK_OBJECT_HANDLE){0}),
	      CKR_ATTRIBUTE_VALUE_INVALID, "a modulus too short");
	return rv;
}

static CK_RV create_ed25519(CK_SESSION_HANDLE s, EVP_PKEY *pkey, CK_OBJECT_HANDLE *object)
{
	static CK_BYTE oid[] = {0x06, 3, 0x2b, 0x65, 0x70};
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_EC_EDWARDS;
	CK_BYTE point[34] = {0x04, 32};
	size_t len = 32;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_KEY_TYPE, &type, sizeof type},
				   {CKA_EC_PARAMS, oid, sizeof oid},
				   {CKA_EC_POINT, point, sizeof point}};
	if (EVP_PKEY_get_raw_public_key(pkey, point + 2, &len) != 1)
		bail("no Ed25519 key");
	return p11->C_CreateObject(s, template, 4, object);
}

/* A signature by OpenSSL, and what C_Verify says of it, in one part and in many. */
static void check_foreign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, EVP_PKEY *pkey,
			  const char *md, CK_MECHANISM *m, bool use_pss, const char *what)
{
	CK_BYTE data[] = "a document from elsewhere", signature[512];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	if (EVP_DigestSignInit_ex(ctx, &pctx, md, NULL, NULL, pkey, NULL) != 1 ||
	    (use_pss && (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
			 EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) != 1)) ||
	    EVP_DigestSign(ctx, signature, &len, data, sizeof data) != 1)
		bail("EVP_DigestSign");
	EVP_MD_CTX_free(ctx);
	p11->C_VerifyInit(s, m, object);
	gives(p11->C_Verify(s, data, sizeof data, signature, len), CKR_OK, what);
	p11->C_VerifyInit(s, m, object);
	p11->C_VerifyUpdate(s, data, 5);
	p11->C_VerifyUpdate(s, data + 5, sizeof data - 5);
	gives(p11->C_VerifyFinal(s, signature, len), CKR_OK, "in parts");
	data[3] ^= 1;
	p11->C_VerifyInit(s, m, object);
	gives(p11->C_Verify(s, data, sizeof data, signature, len), CKR_SIGNATURE_INVALID,
	      "another document");
}

static void test_foreign_keys(CK_SESSION_HANDLE s)
{
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA384, CKG_MGF1_SHA384, 48};
	CK_MECHANISM pkcs1 = {CKM_SHA512_RSA_PKCS, NULL, 0},
		     probabilistic = {CKM_SHA384_RSA_PKCS_PSS, &pss, sizeof pss},
		     eddsa = {CKM_EDDSA, NULL, 0};
	CK_OBJECT_HANDLE rsa_object = 0, ed_object = 0;
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!rsa || !ed)
		bail("no keys");
	gives(create_rsa(s, rsa, &rsa_object), CKR_OK, "an RSA public key");
	check_foreign(s, rsa_object, rsa, "SHA512", &pkcs1, false, "verifies PKCS#1 v1.5");
	check_foreign(s, rsa_object, rsa, "SHA384", &probabilistic, true, "verifies PSS");
	gives(create_ed25519(s, ed, &ed_object), CKR_OK, "an Ed25519 public key");
	check_foreign(s, ed_object, ed, NULL, &eddsa, false, "verifies");
	gives(p11->C_SignInit(s, &pkcs1, rsa_object), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "but nothing signs with it");
	gives(p11->C_EncryptInit(s, &pkcs1, rsa_object), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "or encrypts");
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
}

static void test_templates(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS data = CKO_DATA, private_key = CKO_PRIVATE_KEY, secret = CKO_SECRET_KEY,
			feature = CKO_HW_FEATURE, certificate = CKO_CERTIFICATE,
			public_key = CKO_PUBLIC_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE, strange = 7;
	CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	CK_OBJECT_HANDLE object;
	CK_ATTRIBUTE t[] = {{CKA_CLASS, &data, sizeof data},
			    {CKA_VALUE, "abc", 3},
			    {CKA_LABEL, "a label", 7}};
	gives(p11->C_CreateObject(s, NULL, 3, &object), CKR_ARGUMENTS_BAD, "C_CreateObject(NULL)");
	gives(p11->C_CreateObject(s, t, 3, NULL), CKR_ARGUMENTS_BAD, "C_CreateObject(…, NULL)");
	gives(p11->C_CreateObject(s, t, ~0UL, &object), CKR_ARGUMENTS_BAD,
	      "C_CreateObject, a count that nobody reads");
	gives(p11->C_CreateObject(s, t + 1, 1, &object), CKR_TEMPLATE_INCOMPLETE,
	      "C_CreateObject without a class");
	t[0].pValue = &private_key;
	gives(p11->C_CreateObject(s, t, 1, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of a private key");
	t[2] = (CK_ATTRIBUTE){CKA_TOKEN, &no, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of a private key for the session");
	t[2] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of a private key on the token");
	t[2] = (CK_ATTRIBUTE){CKA_VENDOR_DEFINED, &strange, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of a private key, whatever else it says");
	t[0].pValue = &secret;
	gives(p11->C_CreateObject(s, t, 1, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of a secret key");
	t[0].pValue = &data;
	t[2] = (CK_ATTRIBUTE){CKA_CLASS, &private_key, sizeof private_key};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject of data that is also a private key");
	t[0].pValue = &feature;
	gives(p11->C_CreateObject(s, t, 1, &object), CKR_ATTRIBUTE_VALUE_INVALID,
	      "C_CreateObject of a hardware feature");
	t[0].pValue = &certificate;
	gives(p11->C_CreateObject(s, t, 2, &object), CKR_TEMPLATE_INCOMPLETE,
	      "C_CreateObject of a certificate without its type");
	t[0].pValue = &public_key;
	gives(p11->C_CreateObject(s, t, 1, &object), CKR_TEMPLATE_INCOMPLETE,
	      "C_CreateObject of a public key without its type");
	gives(p11->C_CreateObject(s, t, 2, &object), CKR_ATTRIBUTE_TYPE_INVALID,
	      "C_CreateObject, not an attribute of this class");
	t[0].pValue = &data;
	t[2] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ACTION_PROHIBITED,
	      "C_CreateObject on the token");
	t[2] = (CK_ATTRIBUTE){CKA_PRIVATE, &yes, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_TEMPLATE_INCONSISTENT,
	      "C_CreateObject of a private object");
	t[2] = (CK_ATTRIBUTE){CKA_PRIVATE, &strange, 1};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ATTRIBUTE_VALUE_INVALID,
	      "C_CreateObject, neither true nor false");
	t[2] = (CK_ATTRIBUTE){CKA_LABEL, NULL, 5};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_ATTRIBUTE_VALUE_INVALID,
	      "C_CreateObject, a value that is not there");
	t[2] = t[1];
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_TEMPLATE_INCONSISTENT,
	      "C_CreateObject, said twice");
	t[0].pValue = &certificate;
	t[2] = (CK_ATTRIBUTE){CKA_CERTIFICATE_TYPE, &x509, sizeof x509};
	gives(p11->C_CreateObject(s, t, 3, &object), CKR_OK, "C_CreateObject of a certificate");
	gives(p11->C_DestroyObject(s, object), CKR_OK, "C_DestroyObject");
	gives(p11->C_DestroyObject(s, object), CKR_OBJECT_HANDLE_INVALID, "C_DestroyObject again");
}

void test_session_objects(void)
{
	CK_SESSION_HANDLE s = open_session(0), other = open_session(0);
	CK_OBJECT_CLASS data = CKO_DATA;
	CK_BYTE value[16], point[65];
	CK_ULONG len = sizeof value;
	CK_OBJECT_HANDLE object, public;
	CK_ATTRIBUTE t[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE, "abc", 3}};
	test_templates(s);
	gives(p11->C_CreateObject(s, t, 2, &object), CKR_OK,
	      "C_CreateObject of data, without a login");
	gives(read_one(other, object, CKA_VALUE, value, &len), CKR_OK, "another session reads it");
	ok(len == 3 && memcmp(value, "abc", 3) == 0 && flag_is(s, object, CKA_TOKEN, CK_FALSE),
	   "as it was made");
	gives(p11->C_CopyObject(s, object, NULL, 0, &public), CKR_ACTION_PROHIBITED,
	      "C_CopyObject");
	gives(p11->C_SetAttributeValue(s, object, t, 1), CKR_ACTION_PROHIBITED,
	      "C_SetAttributeValue");
	gives(p11->C_CloseSession(s), CKR_OK, "its session is closed");
	len = sizeof value;
	gives(read_one(other, object, CKA_VALUE, value, &len), CKR_OBJECT_HANDLE_INVALID,
	      "and it is gone");

	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	size_t point_len = 0;
	if (!pkey || EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
						     sizeof point, &point_len) != 1)
		bail("no EC key");
	EVP_PKEY_free(pkey);
	gives(create_ec(other, point, point_len, &public), CKR_OK, "a public key from its point");
	ok(flag_is(other, public, CKA_VERIFY, CK_TRUE), "it verifies");
	point[40] ^= 1;
	gives(create_ec(other, point, point_len, &public), CKR_ATTRIBUTE_VALUE_INVALID,
	      "a point that is not on the curve");
	gives(create_ec(other, point, 5, &public), CKR_ATTRIBUTE_VALUE_INVALID, "half a point");

	test_foreign_keys(other);
	p11->C_CloseSession(other); /* and all that it made */
	other = open_session(0);

	size_t made = 0;
	while (made <= P11_SAM_OBJECTS_MAX && p11->C_CreateObject(other, t, 2, &object) == CKR_OK)
		made++;
	ok(made == P11_SAM_OBJECTS_MAX, "as many objects as the header says");
	gives(p11->C_CreateObject(other, t, 2, &object), CKR_DEVICE_MEMORY, "one more");
	p11->C_CloseSession(other);
}

void test_deposit(void)
{
	static char big[P11_SAM_PIN_MAX + 1];
	const uint8_t digest[32] = {2};
	CK_SESSION_HANDLE s = open_session(0);
	CK_OBJECT_CLASS data = CKO_DATA;
	CK_BBOOL no = CK_FALSE;
	CK_OBJECT_HANDLE object, again;
	char token[64] = "", same[64] = "";
	CK_ULONG len = sizeof token;
	char *sad = new_sad(need("CREDENTIAL_EC"), "sha256", digest, sizeof digest);
	CK_ATTRIBUTE t[] = {{CKA_CLASS, &data, sizeof data},
			    {CKA_TOKEN, &no, 1},
			    {CKA_PRIVATE, &no, 1},
			    {CKA_APPLICATION, P11_SAM_APPLICATION_SAD,
			     strlen(P11_SAM_APPLICATION_SAD)},
			    {CKA_VALUE, sad, strlen(sad)}};
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_OK, "a SAD is deposited without a login");
	gives(read_one(s, object, CKA_VALUE, token, &len), CKR_OK, "CKA_VALUE");
	ok(len == P11_SAM_TOKEN_LENGTH &&
		   memcmp(token, P11_SAM_TOKEN_PREFIX, strlen(P11_SAM_TOKEN_PREFIX)) == 0,
	   "is a SAD token of 30 characters");
	len = sizeof same;
	gives(p11->C_CreateObject(s, t, 5, &again), CKR_OK, "the same SAD again");
	gives(read_one(s, again, CKA_VALUE, same, &len), CKR_OK, "CKA_VALUE");
	ok(strcmp(token, same) == 0, "is the same token");
	gives(p11->C_DestroyObject(s, object), CKR_OK, "the object is destroyed");
	gives(login(s, CKU_USER, token), CKR_OK, "the token outlives it, and logs in");
	p11->C_Logout(s);
	sad[strlen(sad) - 6] ^= 1;
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_PIN_INVALID,
	      "a SAD with another signature");
	t[4].ulValueLen = 40;
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_PIN_LEN_RANGE, "a SAD cut short");
	t[4] = (CK_ATTRIBUTE){CKA_VALUE, token, strlen(token)};
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_OK, "the token stands for its SAD");
	CK_ATTRIBUTE size = {CKA_VALUE, NULL, 0};
	gives(p11->C_GetAttributeValue(s, object, &size, 1), CKR_OK, "the size of CKA_VALUE");
	ok(size.ulValueLen == P11_SAM_TOKEN_LENGTH, "is that of a token");
	memset(same, 0, sizeof same);
	len = sizeof same;
	gives(read_one(s, object, CKA_VALUE, same, &len), CKR_OK, "CKA_VALUE");
	ok(strcmp(token, same) == 0, "is the token that is current");
	CK_ULONG found = 0;
	CK_OBJECT_HANDLE both[3];
	gives(p11->C_FindObjectsInit(s, t + 4, 1), CKR_OK, "objects are searched for by it");
	gives(p11->C_FindObjects(s, both, 3, &found), CKR_OK, "C_FindObjects");
	p11->C_FindObjectsFinal(s);
	ok(found == 2, "and found");
	revoke_sad(token);
	gives(p11->C_GetAttributeValue(s, again, &size, 1), CKR_OK, "the SAD is revoked: CKA_VALUE");
	ok(size.ulValueLen == 0, "is empty: there is no token any more");
	token[10] = token[10] == 'a' ? 'b' : 'a';
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_PIN_INVALID, "a token that nobody has");
	t[4] = (CK_ATTRIBUTE){CKA_VALUE, big, sizeof big};
	gives(p11->C_CreateObject(s, t, 5, &object), CKR_PIN_LEN_RANGE, "more than a SAD may have");
	gives(p11->C_CreateObject(s, t, 4, &object), CKR_PIN_INVALID, "no SAD at all");
	free(sad);
	p11->C_CloseSession(s);
}
