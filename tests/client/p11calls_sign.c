/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: signing under SADs, verifying, digests, and what is refused.
 */
#include "p11calls.h"

#include <pthread.h>
#include <stdio.h>

static const char message[] = "Alice sells her bicycle to Bob for 30,000 yen.";
enum { MESSAGE = sizeof message - 1 };

static CK_BYTE digest_info[19 + 32] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss512 = {CKM_SHA512, CKG_MGF1_SHA512, 64};

/* A mechanism, its data, and the hash that the SAD must name. */
struct job {
	const char *name;
	CK_MECHANISM mechanism;
	bool rsa, hashed;
	const char *hash;
};
static struct job jobs[] = {
	{"CKM_RSA_PKCS", {CKM_RSA_PKCS, NULL, 0}, true, false, "sha256"},
	{"CKM_RSA_PKCS_PSS", {CKM_RSA_PKCS_PSS, &pss, sizeof pss}, true, false, "sha256"},
	{"CKM_SHA256_RSA_PKCS", {CKM_SHA256_RSA_PKCS, NULL, 0}, true, true, "sha256"},
	{"CKM_SHA512_RSA_PKCS", {CKM_SHA512_RSA_PKCS, NULL, 0}, true, true, "sha512"},
	{"CKM_SHA512_RSA_PKCS_PSS",
	 {CKM_SHA512_RSA_PKCS_PSS, &pss512, sizeof pss512},
	 true,
	 true,
	 "sha512"},
	{"CKM_ECDSA", {CKM_ECDSA, NULL, 0}, false, false, "sha256"},
	{"CKM_ECDSA_SHA256", {CKM_ECDSA_SHA256, NULL, 0}, false, true, "sha256"},
};
enum { JOBS = sizeof jobs / sizeof *jobs };

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE rsa_private, rsa_public, ec_private, ec_public;

/* What goes to C_Sign for this job. */
static const CK_BYTE *job_data(const struct job *job, uint8_t digest[64], size_t digest_len,
			       CK_ULONG *len)
{
	*len = job->hashed ? (CK_ULONG)MESSAGE : digest_len;
	if (job->mechanism.mechanism == CKM_RSA_PKCS) {
		memcpy(digest_info + 19, digest, 32);
		*len = sizeof digest_info;
		return digest_info;
	}
	return job->hashed ? (const CK_BYTE *)message : digest;
}

static CK_RV sign_one(CK_BYTE *data, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	return p11->C_Sign(session, data, len, out, out_len);
}

static CK_RV sign_parts(CK_BYTE *data, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	CK_RV rv = p11->C_SignUpdate(session, data, len / 2);
	if (rv == CKR_OK)
		rv = p11->C_SignUpdate(session, data + len / 2, len - len / 2);
	return rv == CKR_OK ? p11->C_SignFinal(session, out, out_len) : rv;
}

static CK_RV verify(const struct job *job, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature,
		    CK_ULONG signature_len, bool parts)
{
	CK_RV rv = p11->C_VerifyInit(session, (CK_MECHANISM *)&job->mechanism,
				     job->rsa ? rsa_public : ec_public);
	if (rv != CKR_OK)
		return rv;
	if (!parts)
		return p11->C_Verify(session, data, len, signature, signature_len);
	rv = p11->C_VerifyUpdate(session, data, 1);
	if (rv == CKR_OK)
		rv = p11->C_VerifyUpdate(session, data + 1, len - 1);
	return rv == CKR_OK ? p11->C_VerifyFinal(session, signature, signature_len) : rv;
}

static bool is_listed(CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info;
	return p11->C_GetMechanismInfo(P11_SAM_SLOT, type, &info) == CKR_OK;
}

/* Each mechanism, in one part and in many, under a SAD each. */
static void test_job(struct job *job)
{
	const CK_OBJECT_HANDLE key = job->rsa ? rsa_private : ec_private;
	if (!is_listed(job->mechanism.mechanism)) {
		ok(p11->C_SignInit(session, &job->mechanism, key) == CKR_MECHANISM_INVALID,
		   "%s is not listed, and refused", job->name);
		return;
	}
	for (int parts = 0; parts < 2; parts++) {
		uint8_t digest[64], signature[1024];
		CK_ULONG len, signature_len = sizeof signature;
		const size_t n = sha(job->hash, message, MESSAGE, digest);
		char *sad = new_sad(need(job->rsa ? "CREDENTIAL_RSA" : "CREDENTIAL_EC"), job->hash,
				    digest, n);
		CK_BYTE *data = (CK_BYTE *)job_data(job, digest, n, &len);
		CK_RV rv = p11->C_SignInit(session, &job->mechanism, key);
		if (rv == CKR_OK)
			rv = login(session, CKU_CONTEXT_SPECIFIC, sad);
		if (rv == CKR_OK)
			rv = (parts ? sign_parts : sign_one)(data, len, signature, &signature_len);
		ok(rv == CKR_OK, "%s signs in %s (0x%lx)", job->name, parts ? "parts" : "one", rv);
		ok(verify(job, data, len, signature, signature_len, parts) == CKR_OK,
		   "C_Verify agrees");
		signature[signature_len - 1] ^= 1;
		ok(verify(job, data, len, signature, signature_len, !parts) ==
			   CKR_SIGNATURE_INVALID,
		   "but not with another signature");
		ok(verify(job, data, len, signature, signature_len - 1, parts) ==
			   CKR_SIGNATURE_LEN_RANGE,
		   "nor with half of one");
		free(sad);
	}
}

/* Asking uses nothing up; refusals end the operation; what is used is used. */
static void test_conventions(void)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	uint8_t digest[64], other[32] = {9}, signature[64];
	CK_ULONG len = (CK_ULONG)0xdeadbeefcafe;
	sha("sha256", message, MESSAGE, digest);
	char *sad = new_sad(need("CREDENTIAL_EC"), "sha256", digest, 32);

	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "C_Sign without C_SignInit");
	gives(p11->C_SignInit(session, &ecdsa, ec_private), CKR_OK, "C_SignInit");
	gives(p11->C_SignInit(session, &ecdsa, ec_private), CKR_OPERATION_ACTIVE,
	      "C_SignInit again");
	gives(p11->C_Sign(session, digest, 32, NULL, &len), CKR_OK,
	      "size query before any login, with garbage as length");
	ok(len == 64, "64 bytes");
	gives(login(session, CKU_CONTEXT_SPECIFIC, "nonsense"), CKR_PIN_INVALID,
	      "a refused context login");
	gives(login(session, CKU_CONTEXT_SPECIFIC, "nobody:password"), CKR_PIN_INVALID,
	      "a password is no key authorisation");
	gives(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_ARGUMENTS_BAD,
	      "a NULL PIN");
	gives(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, digest, 0), CKR_PIN_INVALID,
	      "an empty PIN");
	gives(login(session, CKU_CONTEXT_SPECIFIC, sad), CKR_OK, "leaves the operation as it was");
	len = 63;
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_BUFFER_TOO_SMALL,
	      "a short buffer");
	ok(len == 64, "is told what it needs");
	gives(p11->C_Sign(session, NULL, 0, NULL, &len), CKR_OK,
	      "another size query, without data");
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_OK, "C_Sign");
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "C_Sign again");

	p11->C_SignInit(session, &ecdsa, ec_private);
	gives(login(session, CKU_CONTEXT_SPECIFIC, sad), CKR_OK, "the same SAD again is no error");
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_FUNCTION_REJECTED,
	      "but it gives no second signature");
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "a refusal ends the operation");
	free(sad);

	sad = new_sad(need("CREDENTIAL_EC"), "sha256", digest, 32);
	p11->C_SignInit(session, &ecdsa, ec_private);
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_USER_NOT_LOGGED_IN,
	      "no SAD at all");
	p11->C_SignInit(session, &ecdsa, ec_private);
	login(session, CKU_CONTEXT_SPECIFIC, sad);
	gives(p11->C_Sign(session, other, 32, signature, &len), CKR_FUNCTION_REJECTED,
	      "another digest");
	p11->C_SignInit(session, &ecdsa, ec_private);
	login(session, CKU_CONTEXT_SPECIFIC, sad);
	gives(p11->C_Sign(session, digest, 31, signature, &len), CKR_DATA_LEN_RANGE, "not a hash");
	p11->C_SignInit(session, &ecdsa, ec_private);
	gives(p11->C_Sign(session, NULL, 32, signature, &len), CKR_ARGUMENTS_BAD,
	      "NULL data with a length");
	p11->C_SignInit(session, &ecdsa, ec_private);
	gives(p11->C_Sign(session, digest, 32, signature, NULL), CKR_ARGUMENTS_BAD, "NULL length");
	gives(login(session, CKU_USER, sad), CKR_USER_ALREADY_LOGGED_IN,
	      "the same SAD by CKU_USER is taken up");
	p11->C_SignInit(session, &ecdsa, ec_private);
	gives(p11->C_Sign(session, digest, 32, signature, &len), CKR_OK,
	      "and signs: none of all this used it up");
	free(sad);
}

static void test_parts(void)
{
	CK_MECHANISM hashed = {CKM_SHA256_RSA_PKCS, NULL, 0}, raw = {CKM_RSA_PKCS, NULL, 0};
	uint8_t signature[1024], big[200] = {0};
	CK_ULONG len = sizeof signature;
	gives(p11->C_SignUpdate(session, signature, 1), CKR_OPERATION_NOT_INITIALIZED,
	      "C_SignUpdate without C_SignInit");
	gives(p11->C_SignFinal(session, signature, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "C_SignFinal without it");
	p11->C_SignInit(session, &hashed, rsa_private);
	gives(p11->C_SignFinal(session, NULL, &len), CKR_OK, "C_SignFinal, size query");
	gives(p11->C_SignFinal(session, signature, &len), CKR_FUNCTION_REJECTED,
	      "C_SignFinal without data is a cancel");
	gives(p11->C_SignUpdate(session, big, 1), CKR_OPERATION_NOT_INITIALIZED,
	      "and ends the operation");
	p11->C_SignInit(session, &hashed, rsa_private);
	gives(p11->C_SignUpdate(session, NULL, 5), CKR_ARGUMENTS_BAD, "C_SignUpdate(NULL, 5)");
	p11->C_SignInit(session, &hashed, rsa_private);
	p11->C_SignUpdate(session, big, sizeof big);
	gives(p11->C_Sign(session, big, 1, signature, &len), CKR_OPERATION_ACTIVE,
	      "C_Sign after C_SignUpdate");
	p11->C_SignInit(session, &raw, rsa_private);
	gives(p11->C_SignUpdate(session, big, sizeof big), CKR_DATA_INVALID,
	      "too much to be a DigestInfo");
	p11->C_SignInit(session, &raw, rsa_private);
	gives(p11->C_Sign(session, big, 51, signature, &len), CKR_DATA_INVALID, "no DigestInfo");
	p11->C_SignInit(session, &hashed, rsa_private);
	gives(p11->C_SignInit(session, NULL, 0), CKR_OK, "C_SignInit(NULL) cancels");
	gives(p11->C_SignUpdate(session, big, 1), CKR_OPERATION_NOT_INITIALIZED, "it is cancelled");
	p11->C_SignInit(session, &hashed, rsa_private);
	gives(p11_30->C_SessionCancel(session, CKF_SIGN), CKR_OK, "C_SessionCancel");
	gives(p11->C_SignUpdate(session, big, 1), CKR_OPERATION_NOT_INITIALIZED,
	      "it is cancelled too");
	p11->C_SignInit(session, &hashed, rsa_private);
	p11->C_SignUpdate(session, big, sizeof big);
	p11->C_Logout(session);
	gives(p11->C_SignFinal(session, signature, &len), CKR_USER_NOT_LOGGED_IN,
	      "a logout ends what was begun before");
	gives(p11->C_SignInit(session, &hashed, rsa_private), CKR_USER_NOT_LOGGED_IN,
	      "C_SignInit, nobody is logged in");
	login(session, CKU_USER, signer_pin);
	gives(p11->C_SignInit(session, &hashed, rsa_private), CKR_KEY_HANDLE_INVALID,
	      "C_SignInit with an old handle");
}

static void find_keys(void)
{
	rsa_private = find(session, CKO_PRIVATE_KEY, need("CREDENTIAL_RSA"));
	rsa_public = find(session, CKO_PUBLIC_KEY, need("CREDENTIAL_RSA"));
	ec_private = find(session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	ec_public = find(session, CKO_PUBLIC_KEY, need("CREDENTIAL_EC"));
}

static void test_init(void)
{
	CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
	CK_RSA_PKCS_PSS_PARAMS odd = {CKM_SHA256, CKG_MGF1_SHA1, 20};
	CK_MECHANISM bad_pss = {CKM_RSA_PKCS_PSS, &odd, sizeof odd},
		     no_pss = {CKM_RSA_PKCS_PSS, NULL, sizeof odd},
		     long_pss = {CKM_RSA_PKCS_PSS, &odd, ~0UL};
	gives(p11->C_SignInit(session, &raw, rsa_private), CKR_MECHANISM_INVALID,
	      "C_SignInit, raw RSA");
	gives(p11->C_SignInit(session, &ecdsa, rsa_private), CKR_KEY_TYPE_INCONSISTENT,
	      "C_SignInit, another kind of key");
	gives(p11->C_SignInit(session, &bad_pss, rsa_private), CKR_MECHANISM_PARAM_INVALID,
	      "C_SignInit, PSS with SHA-1");
	gives(p11->C_SignInit(session, &no_pss, rsa_private), CKR_MECHANISM_PARAM_INVALID,
	      "C_SignInit, PSS without parameters");
	gives(p11->C_SignInit(session, &long_pss, rsa_private), CKR_MECHANISM_PARAM_INVALID,
	      "C_SignInit, parameters that nobody reads");
	gives(p11->C_SignInit(session, &ecdsa, ec_public), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_SignInit with a public key");
	gives(p11->C_SignInit(session, &ecdsa, 4711), CKR_KEY_HANDLE_INVALID,
	      "C_SignInit, no such key");
	gives(p11->C_SignInit(session, &ecdsa, CK_INVALID_HANDLE), CKR_KEY_HANDLE_INVALID,
	      "C_SignInit, no key");
}

/* Many threads on one session: each call is answered, nothing mixes. */
static void *hammer(void *strange)
{
	CK_MECHANISM hashed = {CKM_SHA256_RSA_PKCS, NULL, 0};
	uint8_t signature[1024] = {0};
	for (int i = 0; i < 200; i++) {
		CK_ULONG len = sizeof signature;
		CK_RV rv[] = {p11->C_SignInit(session, &hashed, rsa_private),
			      p11->C_SignUpdate(session, signature, 10),
			      p11->C_SignFinal(session, signature, &len)};
		for (int k = 0; k < 3; k++)
			if (rv[k] != CKR_OPERATION_ACTIVE &&
			    rv[k] != CKR_OPERATION_NOT_INITIALIZED &&
			    rv[k] != (k < 2 ? CKR_OK : CKR_USER_NOT_LOGGED_IN) &&
			    rv[k] != CKR_FUNCTION_REJECTED)
				*(CK_RV *)strange = rv[k];
	}
	return NULL;
}

void test_sign(void)
{
	session = open_session(0);
	login(session, CKU_USER, signer_pin);
	find_keys();
	test_init();
	for (size_t i = 0; i < JOBS; i++)
		test_job(&jobs[i]);
	test_conventions();
	test_parts();
	p11->C_Logout(session);
	login(session, CKU_USER, signer_pin);
	find_keys();
	pthread_t threads[4];
	CK_RV strange[4] = {CKR_OK, CKR_OK, CKR_OK, CKR_OK};
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hammer, &strange[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(strange[0] == CKR_OK && strange[1] == CKR_OK && strange[2] == CKR_OK &&
		   strange[3] == CKR_OK,
	   "four threads on one session (0x%lx 0x%lx 0x%lx 0x%lx)", strange[0], strange[1],
	   strange[2], strange[3]);
	p11_30->C_SessionCancel(session, ~0UL);
}

void test_verify(void)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0}, raw = {CKM_RSA_X_509, NULL, 0};
	uint8_t digest[32] = {1}, signature[64] = {1};
	gives(p11->C_Verify(session, digest, 32, signature, 64), CKR_OPERATION_NOT_INITIALIZED,
	      "C_Verify without C_VerifyInit");
	gives(p11->C_VerifyInit(session, &raw, rsa_public), CKR_MECHANISM_INVALID,
	      "C_VerifyInit, raw RSA");
	gives(p11->C_VerifyInit(session, &ecdsa, rsa_public), CKR_KEY_TYPE_INCONSISTENT,
	      "C_VerifyInit, another kind of key");
	gives(p11->C_VerifyInit(session, &ecdsa, ec_private), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_VerifyInit with a private key");
	gives(p11->C_VerifyInit(session, &ecdsa, 4711), CKR_KEY_HANDLE_INVALID,
	      "C_VerifyInit, no such key");
	gives(p11->C_VerifyInit(session, &ecdsa, ec_public), CKR_OK, "C_VerifyInit");
	gives(p11->C_VerifyInit(session, &ecdsa, ec_public), CKR_OPERATION_ACTIVE,
	      "C_VerifyInit again");
	gives(p11->C_Verify(session, digest, 32, NULL, 64), CKR_ARGUMENTS_BAD, "C_Verify(NULL)");
	gives(p11->C_VerifyUpdate(session, digest, 1), CKR_OPERATION_NOT_INITIALIZED,
	      "it ended the operation");
	p11->C_VerifyInit(session, &ecdsa, ec_public);
	gives(p11->C_VerifyInit(session, NULL, 0), CKR_OK, "C_VerifyInit(NULL) cancels");
	gives(p11->C_VerifyFinal(session, signature, 64), CKR_OPERATION_NOT_INITIALIZED,
	      "it is cancelled");
}

void test_digest(void)
{
	CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0}, md5 = {CKM_MD5, NULL, 0},
		     odd = {CKM_SHA256, &md5, sizeof md5};
	CK_SESSION_HANDLE s = open_session(0);
	uint8_t digest[64], wanted[64];
	CK_ULONG len = 0;
	gives(p11->C_DigestInit(s, &md5), CKR_MECHANISM_INVALID, "C_DigestInit, MD5");
	gives(p11->C_DigestInit(s, &odd), CKR_MECHANISM_PARAM_INVALID,
	      "C_DigestInit with parameters");
	gives(p11->C_DigestInit(s, &sha256), CKR_OK, "C_DigestInit");
	gives(p11->C_DigestInit(s, &sha256), CKR_OPERATION_ACTIVE, "C_DigestInit again");
	gives(p11->C_Digest(s, (CK_BYTE *)message, MESSAGE, NULL, &len), CKR_OK, "C_Digest, size");
	ok(len == 32, "32 bytes");
	len = 31;
	gives(p11->C_Digest(s, (CK_BYTE *)message, MESSAGE, digest, &len), CKR_BUFFER_TOO_SMALL,
	      "C_Digest, short");
	gives(p11->C_Digest(s, (CK_BYTE *)message, MESSAGE, digest, &len), CKR_OK, "C_Digest");
	sha("sha256", message, MESSAGE, wanted);
	ok(memcmp(digest, wanted, 32) == 0, "as OpenSSL has it");
	gives(p11->C_DigestUpdate(s, digest, 1), CKR_OPERATION_NOT_INITIALIZED,
	      "C_DigestUpdate without C_DigestInit");
	p11->C_DigestInit(s, &sha256);
	p11->C_DigestUpdate(s, (CK_BYTE *)message, 7);
	p11->C_DigestUpdate(s, (CK_BYTE *)message + 7, MESSAGE - 7);
	gives(p11->C_DigestFinal(s, digest, &len), CKR_OK, "C_DigestFinal");
	ok(memcmp(digest, wanted, 32) == 0, "the same in parts");
	p11->C_DigestInit(s, &sha256);
	gives(p11->C_DigestKey(s, 4711), CKR_KEY_HANDLE_INVALID, "C_DigestKey, no such key");
	p11->C_DigestInit(s, &sha256);
	gives(p11->C_DigestUpdate(s, NULL, 4), CKR_ARGUMENTS_BAD, "C_DigestUpdate(NULL, 4)");

	gives(p11->C_GenerateRandom(s, NULL, 4), CKR_ARGUMENTS_BAD, "C_GenerateRandom(NULL)");
	gives(p11->C_GenerateRandom(s, digest, ~0UL), CKR_ARGUMENTS_BAD,
	      "C_GenerateRandom, more than anybody needs");
	gives(p11->C_GenerateRandom(s, digest, 32), CKR_OK, "C_GenerateRandom");
	gives(p11->C_GenerateRandom(s, wanted, 32), CKR_OK, "C_GenerateRandom again");
	ok(memcmp(digest, wanted, 32) != 0, "never the same");
	gives(p11->C_SeedRandom(s, digest, 32), CKR_RANDOM_SEED_NOT_SUPPORTED, "C_SeedRandom");
	p11->C_CloseSession(s);
}

void test_refused(void)
{
	CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0}, generate = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE made;
	CK_BYTE buffer[1024];
	CK_ULONG len = sizeof buffer;
	gives(p11->C_EncryptInit(session, &rsa, rsa_public), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_EncryptInit");
	gives(p11->C_DecryptInit(session, &rsa, rsa_private), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_DecryptInit");
	gives(p11->C_DecryptInit(session, &rsa, 4711), CKR_KEY_HANDLE_INVALID,
	      "C_DecryptInit, no such key");
	gives(p11->C_Decrypt(session, buffer, 256, buffer, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "C_Decrypt");
	gives(p11->C_SignRecoverInit(session, &rsa, rsa_private), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_SignRecoverInit");
	gives(p11->C_SignRecover(session, buffer, 10, buffer, &len), CKR_OPERATION_NOT_INITIALIZED,
	      "C_SignRecover");
	gives(p11->C_VerifyRecoverInit(session, &rsa, rsa_public), CKR_KEY_FUNCTION_NOT_PERMITTED,
	      "C_VerifyRecoverInit");
	gives(p11->C_GenerateKey(session, &generate, NULL, 0, &made), CKR_ACTION_PROHIBITED,
	      "C_GenerateKey");
	gives(p11->C_WrapKey(session, &rsa, rsa_public, rsa_private, buffer, &len),
	      CKR_KEY_UNEXTRACTABLE, "C_WrapKey");
	gives(p11->C_UnwrapKey(session, &rsa, rsa_private, buffer, 256, NULL, 0, &made),
	      CKR_ACTION_PROHIBITED, "C_UnwrapKey");
	gives(p11->C_UnwrapKey(session, &rsa, 4711, buffer, 256, NULL, 0, &made), CKR_ACTION_PROHIBITED,
	      "C_UnwrapKey, no such key");
	gives(p11->C_DeriveKey(session, &rsa, ec_private, NULL, 0, &made), CKR_ACTION_PROHIBITED,
	      "C_DeriveKey");
	gives(p11->C_GetOperationState(session, buffer, &len), CKR_STATE_UNSAVEABLE,
	      "C_GetOperationState");
	gives(p11->C_SetOperationState(session, buffer, 10, 0, 0), CKR_SAVED_STATE_INVALID,
	      "C_SetOperationState");
	gives(p11->C_SignEncryptUpdate(session, buffer, 10, buffer, &len),
	      CKR_FUNCTION_NOT_SUPPORTED, "C_SignEncryptUpdate");
	gives(p11->C_DecryptVerifyUpdate(session, buffer, 10, buffer, &len),
	      CKR_FUNCTION_NOT_SUPPORTED, "C_DecryptVerifyUpdate");
	gives(p11->C_InitToken(P11_SAM_SLOT, buffer, 4, buffer), CKR_ACTION_PROHIBITED,
	      "C_InitToken");
	gives(p11->C_InitPIN(session, buffer, 4), CKR_ACTION_PROHIBITED, "C_InitPIN");
	gives(p11->C_SetPIN(session, buffer, 4, buffer, 4), CKR_ACTION_PROHIBITED, "C_SetPIN");
	gives(p11->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL, "C_GetFunctionStatus");
	gives(p11->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL, "C_CancelFunction");
	size_t wrong = 0;
	for (size_t i = CALLS_2_40 + 4; i < CALLS_3_0; i++)
		wrong += call_zero(i, session) != CKR_FUNCTION_NOT_SUPPORTED;
	ok(wrong == 0, "no call of v3.0 works on messages");
	p11->C_CloseSession(session);
}
