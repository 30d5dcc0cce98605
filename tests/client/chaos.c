/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random calls with random arguments in four threads: the module may refuse them all, but not crash,
 * hang, mix, or give more signatures than the SADs of FILE allow. The seed makes a run repeatable as
 * far as threads are.
 *
 *   chaos SEED CALLS-OF-EACH-THREAD FILE      FILE: lines of `SAD digest` by `sadtool new --each`
 *                                             for CREDENTIAL_EC
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <p11-kit/pkcs11.h>
#include "p11-sam.h"

enum { THREADS = 4, LINES_MAX = 256, HANDLES = 8, BUFFER = 4096, PARAMETER = 24 };

static CK_FUNCTION_LIST *p11;
static const char *pin;
static char *sads[LINES_MAX];
static uint8_t digests[LINES_MAX][32];
static size_t lines;
static unsigned long calls;
static unsigned given;		     /* signatures, all of them */
static unsigned long answers[0x300]; /* how often each code came */

/* Shared on purpose and without a lock: threads use each other's handles. */
static CK_ULONG sessions[HANDLES], objects[HANDLES];

struct thread {
	pthread_t id;
	uint64_t seed;
	CK_BYTE in[BUFFER], out[BUFFER];
};

static uint64_t roll(struct thread *t) /* xorshift64* */
{
	t->seed ^= t->seed >> 12;
	t->seed ^= t->seed << 25;
	t->seed ^= t->seed >> 27;
	return (t->seed * 0x2545F4914F6CDD1DULL) >> 16;
}

static bool one_in(struct thread *t, unsigned n)
{
	return roll(t) % n == 0;
}

static CK_ULONG pick(struct thread *t, CK_ULONG *pool)
{
	if (one_in(t, 20))
		return roll(t);
	return __atomic_load_n(&pool[roll(t) % HANDLES], __ATOMIC_RELAXED);
}

static void remember(struct thread *t, CK_ULONG *pool, CK_ULONG handle)
{
	__atomic_store_n(&pool[roll(t) % HANDLES], handle, __ATOMIC_RELAXED);
}

/* A length that fits the buffer: what a call says is there, it may read. */
static CK_ULONG length(struct thread *t)
{
	static const CK_ULONG usual[] = {0,  1,	 16,  20,  31,	32,  33,    48,
					 51, 64, 128, 129, 256, 384, BUFFER};
	return one_in(t, 3) ? roll(t) % BUFFER : usual[roll(t) % (sizeof usual / sizeof *usual)];
}

static CK_BYTE *data(struct thread *t)
{
	if (one_in(t, 15))
		return NULL;
	if (one_in(t, 2))
		memcpy(t->in, digests[roll(t) % lines], 32);
	return t->in;
}

static CK_BYTE *room(struct thread *t)
{
	return one_in(t, 6) ? NULL : t->out;
}

static CK_ULONG *room_len(struct thread *t, CK_ULONG *len)
{
	*len = length(t);
	return one_in(t, 30) ? NULL : len;
}

static CK_MECHANISM *mechanism(struct thread *t, CK_MECHANISM *m, CK_ULONG parameter[3])
{
	static const CK_MECHANISM_TYPE types[] = {CKM_ECDSA,
						  CKM_ECDSA,
						  CKM_ECDSA_SHA256,
						  CKM_RSA_PKCS,
						  CKM_RSA_PKCS_PSS,
						  CKM_SHA256_RSA_PKCS,
						  CKM_SHA512_RSA_PKCS_PSS,
						  CKM_EDDSA,
						  CKM_RSA_X_509,
						  CKM_SHA256,
						  CKM_SHA384,
						  CKM_SHA512,
						  CKM_MD5,
						  CKM_AES_CBC};
	*m = (CK_MECHANISM){types[roll(t) % (sizeof types / sizeof *types)], NULL, 0};
	if (one_in(t, 4)) {
		parameter[0] = CKM_SHA256;
		parameter[1] = CKG_MGF1_SHA256;
		parameter[2] = one_in(t, 4) ? roll(t) : 32;
		m->pParameter = one_in(t, 4) ? NULL : parameter;
		m->ulParameterLen = one_in(t, 4) ? roll(t) % PARAMETER : PARAMETER;
	}
	return one_in(t, 30) ? NULL : m;
}

enum { TEMPLATE = 6 };

/* Some attributes; each value is long enough for its length. */
static CK_ULONG template(struct thread *t, CK_ATTRIBUTE a[TEMPLATE])
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,
						  CKA_TOKEN,
						  CKA_PRIVATE,
						  CKA_LABEL,
						  CKA_ID,
						  CKA_VALUE,
						  CKA_KEY_TYPE,
						  CKA_MODULUS,
						  CKA_EC_PARAMS,
						  CKA_EC_POINT,
						  CKA_PUBLIC_EXPONENT,
						  CKA_SIGN,
						  CKA_ALLOWED_MECHANISMS,
						  CKA_PRIVATE_EXPONENT,
						  CKA_APPLICATION,
						  CKA_CERTIFICATE_TYPE,
						  CKA_ALWAYS_AUTHENTICATE,
						  CKA_PUBLIC_KEY_INFO};
	static CK_ULONG small[] = {0, 1, 2, 3, 4};
	for (int i = 0; i < TEMPLATE; i++) {
		a[i].type =
			one_in(t, 20) ? roll(t) : types[roll(t) % (sizeof types / sizeof *types)];
		a[i].pValue = one_in(t, 8)   ? NULL
			      : one_in(t, 2) ? (void *)&small[roll(t) % 5]
					     : (void *)t->out;
		a[i].ulValueLen = a[i].pValue == t->out ? length(t)
				  : roll(t) % 9 % 2	? 1
							: sizeof(CK_ULONG);
	}
	return one_in(t, 40) ? roll(t) : roll(t) % (TEMPLATE + 1);
}

/* Objects are made of values that nobody writes to meanwhile. */
static CK_RV create(struct thread *t, CK_ULONG s)
{
	CK_OBJECT_CLASS class = roll(t) % 5;
	CK_OBJECT_HANDLE object = 0;
	CK_ATTRIBUTE a[TEMPLATE + 1];
	CK_ULONG count = template(t, a + 1);
	a[0] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof class};
	if (one_in(t, 3)) {
		const char *sad = sads[roll(t) % lines];
		a[1] = (CK_ATTRIBUTE){CKA_APPLICATION, P11_SAM_APPLICATION_SAD,
				      strlen(P11_SAM_APPLICATION_SAD)};
		a[2] = (CK_ATTRIBUTE){CKA_VALUE, (void *)sad,
				      roll(t) % 3 ? strlen(sad) : roll(t) % strlen(sad)};
		class = CKO_DATA;
		count = 2;
	}
	CK_RV rv = p11->C_CreateObject(s, a, count > TEMPLATE ? count : count + 1,
				       one_in(t, 30) ? NULL : &object);
	if (rv == CKR_OK)
		remember(t, objects, object);
	return rv;
}

static CK_RV find_some(struct thread *t, CK_ULONG s)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE a[TEMPLATE], keys = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE found[HANDLES];
	CK_ULONG n = 0, count = template(t, a);
	CK_RV rv = one_in(t, 2) ? p11->C_FindObjectsInit(s, &keys, 1)
				: p11->C_FindObjectsInit(s, a, count);
	if (p11->C_FindObjects(s, found, HANDLES, &n) == CKR_OK)
		for (CK_ULONG i = 0; i < n && i < HANDLES; i++)
			remember(t, objects, found[i]);
	p11->C_FindObjectsFinal(s);
	return rv;
}

static CK_RV log_in(struct thread *t, CK_ULONG s)
{
	const char *secret = one_in(t, 2)   ? pin
			     : one_in(t, 3) ? "nobody:password"
					    : sads[roll(t) % lines];
	const CK_ULONG len = one_in(t, 10)   ? roll(t) % (strlen(secret) + 1)
			     : one_in(t, 50) ? ~0UL
					     : strlen(secret);
	return p11->C_Login(s, roll(t) % 4, one_in(t, 30) ? NULL : (CK_UTF8CHAR *)secret, len);
}

static CK_RV count_signature(CK_RV rv)
{
	if (rv == CKR_OK)
		__atomic_add_fetch(&given, 1, __ATOMIC_RELAXED);
	return rv;
}

/* C_Sign or C_SignFinal with anything. */
static CK_RV sign_somehow(struct thread *t, CK_ULONG s, bool final)
{
	CK_ULONG len;
	CK_BYTE *out = room(t);
	CK_RV rv = final ? p11->C_SignFinal(s, out, room_len(t, &len))
			 : p11->C_Sign(s, data(t), length(t), out, room_len(t, &len));
	return out ? count_signature(rv) : rv;
}

/* As an application that means it. */
static CK_RV sign_well(struct thread *t, CK_ULONG s)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	const size_t line = roll(t) % lines;
	uint8_t digest[32], signature[64];
	CK_ULONG len = sizeof signature;
	memcpy(digest, digests[line], sizeof digest);
	p11->C_SignInit(s, &ecdsa, pick(t, objects));
	p11->C_Login(s, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)sads[line], strlen(sads[line]));
	return count_signature(p11->C_Sign(s, digest, sizeof digest, signature, &len));
}

/* Any of the plainer calls. */
static CK_RV call_any(struct thread *t, CK_ULONG s)
{
	CK_MECHANISM m;
	CK_ULONG parameter[3], len;
	CK_ATTRIBUTE a[TEMPLATE];
	const CK_ULONG object = pick(t, objects);
	switch (roll(t) % 26) {
	case 0: return p11->C_SignInit(s, mechanism(t, &m, parameter), object);
	case 1: return p11->C_SignUpdate(s, data(t), length(t));
	case 2: return p11->C_VerifyInit(s, mechanism(t, &m, parameter), object);
	case 3: return p11->C_Verify(s, data(t), length(t), room(t), length(t));
	case 4: return p11->C_VerifyUpdate(s, data(t), length(t));
	case 5: return p11->C_VerifyFinal(s, room(t), length(t));
	case 6: return p11->C_DigestInit(s, mechanism(t, &m, parameter));
	case 7: return p11->C_Digest(s, data(t), length(t), room(t), room_len(t, &len));
	case 8: return p11->C_DigestUpdate(s, data(t), length(t));
	case 9: return p11->C_DigestFinal(s, room(t), room_len(t, &len));
	case 10: return p11->C_DigestKey(s, object);
	case 11: return p11->C_GetAttributeValue(s, object, a, template(t, a));
	case 12: return p11->C_SetAttributeValue(s, object, a, template(t, a));
	case 13: return p11->C_DestroyObject(s, object);
	case 14: return p11->C_CopyObject(s, object, a, template(t, a), &len);
	case 15: return p11->C_GetObjectSize(s, object, room_len(t, &len));
	case 16: return p11->C_DecryptInit(s, mechanism(t, &m, parameter), object);
	case 17:
		return p11->C_UnwrapKey(s, mechanism(t, &m, parameter), object, data(t), length(t),
					a, 0, &len);
	case 18:
		return p11->C_WrapKey(s, mechanism(t, &m, parameter), object, object, room(t),
				      room_len(t, &len));
	case 19: return p11->C_GenerateRandom(s, room(t), length(t));
	case 20:
		return p11->C_FindObjects(s, (CK_OBJECT_HANDLE *)(void *)t->out, roll(t) % 9,
					  room_len(t, &len));
	case 21: return p11->C_FindObjectsFinal(s);
	case 22:
		return p11->C_GetMechanismInfo(roll(t) % 2, roll(t) % 0x1100,
					       (CK_MECHANISM_INFO *)(void *)t->out);
	case 23:
		return p11->C_GetTokenInfo(0,
					   one_in(t, 9) ? NULL : (CK_TOKEN_INFO *)(void *)t->out);
	case 24:
		return p11->C_GetSessionInfo(s, one_in(t, 9) ? NULL
							     : (CK_SESSION_INFO *)(void *)t->out);
	default: return p11->C_GetOperationState(s, room(t), room_len(t, &len));
	}
}

static CK_RV open_one(struct thread *t)
{
	CK_SESSION_HANDLE fresh = 0;
	CK_RV rv =
		p11->C_OpenSession(one_in(t, 30),
				   one_in(t, 30) ? roll(t)
						 : CKF_SERIAL_SESSION | (roll(t) & CKF_RW_SESSION),
				   NULL, NULL, one_in(t, 30) ? NULL : &fresh);
	if (rv == CKR_OK)
		remember(t, sessions, fresh);
	return rv;
}

static CK_RV call(struct thread *t)
{
	const CK_ULONG s = pick(t, sessions);
	switch (roll(t) % 16) {
	case 0: return one_in(t, 4) ? p11->C_CloseSession(s) : open_one(t);
	case 1: return one_in(t, 20) ? p11->C_CloseAllSessions(0) : open_one(t);
	case 2: return one_in(t, 12) ? p11->C_Logout(s) : log_in(t, s);
	case 3: return create(t, s);
	case 4: return find_some(t, s);
	case 5: return sign_somehow(t, s, false);
	case 6: return sign_somehow(t, s, true);
	case 7: return sign_well(t, s);
	case 8:
		if (!one_in(t, 300))
			return call_any(t, s);
		p11->C_Finalize(NULL);
		return p11->C_Initialize(NULL);
	default: return call_any(t, s);
	}
}

static void *run(void *argument)
{
	struct thread *t = argument;
	for (unsigned long i = 0; i < calls; i++) {
		const CK_RV rv = call(t);
		__atomic_add_fetch(&answers[rv < 0x300 ? rv : 0x2ff], 1, __ATOMIC_RELAXED);
		if (rv == CKR_CRYPTOKI_NOT_INITIALIZED)
			usleep(2000); /* another thread is just initialising again */
	}
	return NULL;
}

static void die(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(2);
}

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (!value || !*value)
		die(name);
	return value;
}

static void read_files(const char *path)
{
	static char secret[512];
	char text[8192];
	const char *source = need("SIGNER_PIN_SOURCE");
	FILE *f = fopen(path, "r");
	while (f && lines < LINES_MAX && fgets(text, sizeof text, f)) {
		char *space = strchr(text, ' ');
		if (!space)
			die("no `SAD digest` line");
		*space = '\0';
		sads[lines] = strdup(text);
		for (int i = 0; i < 32; i++)
			if (sscanf(space + 1 + 2 * i, "%2hhx", &digests[lines][i]) != 1)
				die("no digest");
		lines++;
	}
	if (!f || lines == 0)
		die("no SADs");
	fclose(f);
	f = fopen(strncmp(source, "file:", 5) == 0 ? source + 5 : source, "r");
	if (!f || !fgets(text, sizeof text, f))
		die("no PIN");
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	snprintf(secret, sizeof secret, "%s:%.400s", need("SIGNER"), text);
	pin = secret;
}

/* After all that: is each SAD good for the signature that it has left, if any? */
static bool still_works(void)
{
	CK_SESSION_HANDLE s;
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_ATTRIBUTE a[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
	CK_OBJECT_HANDLE key = 0;
	CK_ULONG n = 0;
	p11->C_Finalize(NULL);
	if (p11->C_Initialize(NULL) != CKR_OK ||
	    p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK ||
	    p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)) != CKR_OK ||
	    p11->C_FindObjectsInit(s, a, 2) != CKR_OK ||
	    p11->C_FindObjects(s, &key, 1, &n) != CKR_OK || n != 1)
		return false;
	p11->C_FindObjectsFinal(s);
	for (size_t i = 0; i < 2 * lines; i++) {
		uint8_t signature[64];
		CK_ULONG len = sizeof signature;
		const size_t line = i % lines;
		if (p11->C_SignInit(s, &ecdsa, key) != CKR_OK ||
		    p11->C_Login(s, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)sads[line],
				 strlen(sads[line])) != CKR_OK)
			return false;
		const CK_RV rv =
			count_signature(p11->C_Sign(s, digests[line], 32, signature, &len));
		if (rv != CKR_OK && rv != CKR_FUNCTION_REJECTED)
			return false;
	}
	return p11->C_Finalize(NULL) == CKR_OK;
}

int main(int argc, char **argv)
{
	static struct thread threads[THREADS];
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	if (argc != 4)
		die("usage: chaos SEED CALLS FILE");
	read_files(argv[3]);
	calls = strtoul(argv[2], NULL, 10);
	void *handle = dlopen(need("P11_SAM_MODULE"), RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get =
		handle ? (CK_C_GetFunctionList)dlsym(handle, "C_GetFunctionList") : NULL;
	if (!get || get(&p11) != CKR_OK || p11->C_Initialize(&args) != CKR_OK)
		die("the module cannot be used");
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].seed = (strtoull(argv[1], NULL, 10) + 1) * 0x9E3779B97F4A7C15ULL + i;
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			die("no thread");
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (answers[i])
			printf("# 0x%03zx %lu\n", i, answers[i]);
	printf("ok 1 - %lu random calls in %d threads, seed %s\n", THREADS * calls, THREADS,
	       argv[1]);
	const bool works = still_works(), once = given == lines;
	printf("%sok 2 - the module still works\n", works ? "" : "not ");
	printf("%sok 3 - each SAD gave its one signature: %u of %zu\n1..3\n", once ? "" : "not ",
	       given, lines);
	return works && once ? EXIT_SUCCESS : EXIT_FAILURE;
}
