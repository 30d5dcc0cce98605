/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the attacking programs share: a module loaded by path, a session, signing under a SAD, and
 * verifying with plain OpenSSL. Independent of src/: an application sees no more.
 */
#ifndef SAM_TESTS_FAULT_P11_H
#define SAM_TESTS_FAULT_P11_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

enum { DIGEST = 32, P256_SIGNATURE = 64 };

/* A line of `sadtool new --each`: the SAD and the one hash it names. */
struct line {
	char *sad;
	uint8_t digest[DIGEST];
};

static _Noreturn void die(const char *what, unsigned long rv)
{
	fprintf(stderr, "%s: 0x%lx\n", what, rv);
	exit(2);
}

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (!value || !*value) {
		fprintf(stderr, "%s is not set: run under the environment of tools/quickstart --keep\n", name);
		exit(2);
	}
	return value;
}

static bool unhex(const char *hex, uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &out[i]) != 1)
			return false;
	return true;
}

static inline struct line *read_lines(const char *path, size_t *count)
{
	FILE *f = fopen(path, "r");
	struct line *lines = NULL;
	char *text = NULL;
	size_t size = 0;
	*count = 0;
	if (!f)
		die(path, 0);
	while (getline(&text, &size, f) > 0) {
		char *space = strchr(text, ' ');
		if (!space)
			die("no `SAD digest` line", *count);
		*space = '\0';
		lines = realloc(lines, (*count + 1) * sizeof *lines);
		lines[*count].sad = strdup(text);
		if (!unhex(space + 1, lines[*count].digest, DIGEST))
			die("no digest", *count);
		++*count;
	}
	free(text);
	fclose(f);
	return lines;
}

static inline CK_FUNCTION_LIST *load_module(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(handle, "C_GetFunctionList");
	CK_FUNCTION_LIST *list = NULL;
	if (!get || get(&list) != CKR_OK)
		die("C_GetFunctionList", 0);
	return list;
}

/* Initialised, one session, logged in with this PIN. */
static inline CK_SESSION_HANDLE start_module(CK_FUNCTION_LIST *p11, const char *pin)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_SLOT_ID slot;
	CK_ULONG count = 1;
	CK_SESSION_HANDLE session;
	CK_RV rv = p11->C_Initialize(&args);
	if (rv != CKR_OK)
		die("C_Initialize", rv);
	if ((rv = p11->C_GetSlotList(CK_TRUE, &slot, &count)) != CKR_OK || count != 1)
		die("C_GetSlotList", rv);
	if ((rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session)) != CKR_OK)
		die("C_OpenSession", rv);
	if (pin && (rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin))) != CKR_OK)
		die("C_Login", rv);
	return session;
}

static inline CK_SESSION_HANDLE another_session(CK_FUNCTION_LIST *p11)
{
	CK_SLOT_ID slot;
	CK_ULONG count = 1;
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	CK_RV rv = p11->C_GetSlotList(CK_TRUE, &slot, &count);
	if (rv == CKR_OK)
		rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		die("C_OpenSession", rv);
	return session;
}

static inline CK_OBJECT_HANDLE find_object(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
					   const char *credential)
{
	uint8_t id[16];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	CK_ULONG found = 0;
	if (!unhex(credential, id, sizeof id))
		die("credentialID", 0);
	CK_RV rv = p11->C_FindObjectsInit(session, template, 2);
	if (rv == CKR_OK)
		rv = p11->C_FindObjects(session, &object, 1, &found);
	if (rv != CKR_OK || found != 1)
		die("C_FindObjects", rv);
	p11->C_FindObjectsFinal(session);
	return object;
}

/* SignInit, context login with the SAD, Sign: as NSS does it, going on after a refused login. */
static inline CK_RV sign_under(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *sad,
			       const uint8_t *digest, uint8_t signature[P256_SIGNATURE], CK_RV *login)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_ULONG len = P256_SIGNATURE;
	CK_RV rv = p11->C_SignInit(session, &mechanism, key);
	if (rv != CKR_OK)
		return rv;
	*login = p11->C_Login(session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR_PTR)sad, strlen(sad));
	return p11->C_Sign(session, (CK_BYTE_PTR)digest, DIGEST, signature, &len);
}

/* The public key that the module shows, for OpenSSL alone. */
static inline EVP_PKEY *public_key(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, const char *credential)
{
	uint8_t point[128];
	CK_ATTRIBUTE a = {CKA_EC_POINT, point, sizeof point};
	CK_RV rv = p11->C_GetAttributeValue(session, find_object(p11, session, CKO_PUBLIC_KEY, credential), &a, 1);
	if (rv != CKR_OK || a.ulValueLen != 67 || point[0] != 4 || point[1] != 65)
		die("CKA_EC_POINT", rv);
	char group[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point + 2, 65),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		die("EVP_PKEY_fromdata", 0);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static inline bool verifies(EVP_PKEY *pkey, const uint8_t *digest, const uint8_t *signature)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
	uint8_t *der = NULL;
	int len = i2d_ECDSA_SIG(sig, &der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = len > 0 && ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_verify(ctx, der, (size_t)len, digest, DIGEST) == 1;
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return ok;
}

#endif
