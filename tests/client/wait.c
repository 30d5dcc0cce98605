/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An application that knows nothing of SADs: it logs in with a NULL PIN and signs with $CREDENTIAL_EC, which waits
 * for the signer. What its other threads can do meanwhile.
 *
 *   wait MODULE pins            what each login with a NULL or empty PIN answers, a line each
 *   wait MODULE sign DIGEST     signs it, says how long that took, verifies it
 *   wait MODULE cancel CALL     another thread ends the wait by CALL
 *   wait MODULE calls           other threads and sessions go on; says how long their slowest call took
 *   wait MODULE fork            a child is forked, and uses the module itself
 *   wait MODULE thread          the waiting thread is cancelled (pthread_cancel): after its call
 *   wait MODULE two D1 D2       two threads wait at once, for two signatures
 *
 * Exit status 0 if all was as it should be.
 */
#include "tests/fault/p11.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BEGUN_MS = 700, PROMPT_MS = 2000, CHILD_S = 30 };

struct list_3_0 { /* PKCS#11 v3.0, as far as it is needed */
	CK_FUNCTION_LIST base;
	CK_RV (*C_GetInterfaceList)(void *, CK_ULONG *);
	CK_RV (*C_GetInterface)(CK_UTF8CHAR *, CK_VERSION *, void **, CK_FLAGS);
	CK_RV (*C_LoginUser)(CK_SESSION_HANDLE, CK_USER_TYPE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
	CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);
};
struct interface {
	char *name;
	struct list_3_0 *list;
	CK_FLAGS flags;
};

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static struct list_3_0 *list_3_0(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS) = NULL;
	CK_VERSION version = {3, 0};
	struct interface *found = NULL;
	if (handle)
		*(void **)&get = dlsym(handle, "C_GetInterface");
	if (!get || get((CK_UTF8CHAR *)"PKCS 11", &version, &found, 0) != CKR_OK)
		die("C_GetInterface", 0);
	return found->list;
}

static void log_in(void)
{
	CK_RV rv = p11->C_Login(session, CKU_USER, NULL, 0);
	if (rv != CKR_OK)
		die("C_Login with a NULL PIN", rv);
	key = find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
}

/* ---- a thread that signs ---- */

struct signing {
	CK_SESSION_HANDLE session;
	uint8_t digest[DIGEST], signature[P256_SIGNATURE];
	CK_RV rv;
	long began, ended;
	pthread_t thread;
};

static void sign(struct signing *s)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_ULONG len = sizeof s->signature;
	s->began = now_ms();
	s->rv = p11->C_SignInit(s->session, &mechanism, key);
	if (s->rv == CKR_OK)
		s->rv = p11->C_Login(s->session, CKU_CONTEXT_SPECIFIC, NULL, 0);
	if (s->rv == CKR_OK)
		s->rv = p11->C_Sign(s->session, s->digest, DIGEST, s->signature, &len);
	s->ended = now_ms();
}

static void *run(void *arg)
{
	sign(arg);
	return NULL;
}

/* It waits by the time that this returns. */
static void begin(struct signing *s, CK_SESSION_HANDLE on)
{
	s->session = on;
	s->rv = CKR_GENERAL_ERROR;
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		die("pthread_create", 0);
	sleep_ms(BEGUN_MS);
	if (pthread_tryjoin_np(s->thread, NULL) == 0)
		die("C_Sign did not wait", s->rv);
}

/* A digest that nobody else asks for. */
static void any_digest(uint8_t digest[DIGEST])
{
	FILE *f = fopen("/dev/urandom", "r");
	if (!f || fread(digest, 1, DIGEST, f) != DIGEST)
		die("/dev/urandom", 0);
	fclose(f);
}

/* ---- modes ---- */

static int pins(void)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_UTF8CHAR empty[] = "";
	printf("user empty 0x%lx\n", p11->C_Login(session, CKU_USER, empty, 0));
	printf("context without an operation 0x%lx\n", p11->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0));
	printf("null with a length 0x%lx\n", p11->C_Login(session, CKU_USER, NULL, 5));
	CK_RV rv = p11->C_Login(session, CKU_USER, NULL, 0);
	printf("user null 0x%lx\n", rv);
	if (rv != CKR_OK)
		return EXIT_SUCCESS;
	printf("user null again 0x%lx\n", p11->C_Login(session, CKU_USER, NULL, 0));
	key = find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	if ((rv = p11->C_SignInit(session, &mechanism, key)) != CKR_OK)
		die("C_SignInit", rv);
	printf("context empty 0x%lx\n", p11->C_Login(session, CKU_CONTEXT_SPECIFIC, empty, 0));
	printf("context null 0x%lx\n", p11->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0));
	return EXIT_SUCCESS;
}

static int one(const char *digest)
{
	struct signing s = {.session = session};
	log_in();
	if (!unhex(digest, s.digest, DIGEST))
		die("the digest", 0);
	sign(&s);
	printf("C_Sign 0x%lx after %ld ms\n", s.rv, s.ended - s.began);
	return s.rv == CKR_OK && verifies(public_key(p11, session, need("CREDENTIAL_EC")), s.digest, s.signature)
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

static CK_RV end_by(const char *call, const char *module, CK_SESSION_HANDLE waits)
{
	CK_SLOT_ID slot;
	CK_ULONG count = 1;
	if (p11->C_GetSlotList(CK_TRUE, &slot, &count) != CKR_OK)
		die("C_GetSlotList", 0);
	if (strcmp(call, "C_CloseSession") == 0)
		return p11->C_CloseSession(waits);
	if (strcmp(call, "C_CloseAllSessions") == 0)
		return p11->C_CloseAllSessions(slot);
	if (strcmp(call, "C_Logout") == 0)
		return p11->C_Logout(session);
	if (strcmp(call, "C_SessionCancel") == 0)
		return list_3_0(module)->C_SessionCancel(waits, CKF_SIGN);
	if (strcmp(call, "C_SignInit") == 0)
		return p11->C_SignInit(waits, NULL, 0); /* v3.0: ends the operation */
	if (strcmp(call, "C_Finalize") == 0)
		return p11->C_Finalize(NULL);
	die("no such call", 0);
}

static int cancel(const char *call, const char *module)
{
	struct signing s = {.rv = 0};
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	bool good = true;
	log_in();
	any_digest(s.digest);
	const CK_SESSION_HANDLE waits = another_session(p11);
	begin(&s, waits);
	const long before = now_ms();
	CK_RV rv = end_by(call, module, waits);
	const long took = now_ms() - before;
	/* what was cancelled has given its place free at once */
	CK_RV next = strcmp(call, "C_SessionCancel") == 0 || strcmp(call, "C_SignInit") == 0
			     ? p11->C_SignInit(waits, &mechanism, key)
			     : CKR_OK;
	pthread_join(s.thread, NULL);
	printf("%s 0x%lx after %ld ms; C_Sign 0x%lx %ld ms later; the next C_SignInit 0x%lx\n", call, rv, took, s.rv,
	       s.ended - before, next);
	good = rv == CKR_OK && s.rv == CKR_FUNCTION_CANCELED && next == CKR_OK && s.ended - before < PROMPT_MS &&
	       took < PROMPT_MS;
	if (strcmp(call, "C_Finalize") == 0 && p11->C_GetInfo(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
		good = false;
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What no other call may wait for. */
static int calls(void)
{
	struct signing s = {.rv = 0};
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_SESSION_INFO info;
	uint8_t random[16];
	log_in();
	any_digest(s.digest);
	const CK_SESSION_HANDLE other = another_session(p11);
	begin(&s, session);
	long slowest = 0, at = now_ms();
	CK_RV rv = CKR_OK;
	for (int i = 0; rv == CKR_OK && i < 6; i++) {
		if (i == 0)
			rv = p11->C_GetSessionInfo(session, &info);
		else if (i == 1)
			rv = p11->C_GenerateRandom(session, random, sizeof random);
		else if (i == 2)
			(void)find_object(p11, other, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
		else if (i == 3)
			rv = p11->C_SignInit(other, &mechanism, key);
		else if (i == 4)
			rv = p11->C_Login(other, CKU_CONTEXT_SPECIFIC, NULL, 0);
		else
			rv = p11->C_Login(other, CKU_USER, NULL, 0) == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : CKR_GENERAL_ERROR;
		const long took = now_ms() - at;
		slowest = took > slowest ? took : slowest;
		at += took;
	}
	/* a second thread on the session that waits is told so, and does not wait itself */
	uint8_t signature[P256_SIGNATURE];
	CK_ULONG len = sizeof signature;
	CK_RV same = p11->C_Sign(session, s.digest, DIGEST, signature, &len);
	const bool waited = pthread_tryjoin_np(s.thread, NULL) != 0;
	printf("0x%lx, the slowest call took %ld ms, the same operation 0x%lx, it waited %s\n", rv, slowest, same,
	       waited ? "meanwhile" : "no more");
	if (waited) {
		p11->C_Logout(session);
		pthread_join(s.thread, NULL);
	}
	return rv == CKR_OK && same == CKR_OPERATION_ACTIVE && waited && slowest < PROMPT_MS ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int in_a_child(void)
{
	struct signing s = {.rv = 0};
	log_in();
	any_digest(s.digest);
	begin(&s, session);
	const pid_t pid = fork();
	if (pid == 0) {
		CK_INFO info;
		alarm(CHILD_S);
		const bool none = p11->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED;
		session = start_module(p11, NULL);
		log_in();
		_exit(none && p11->C_Finalize(NULL) == CKR_OK ? 0 : 1);
	}
	int status = 1;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork", 0);
	const bool waits = pthread_tryjoin_np(s.thread, NULL) != 0;
	p11->C_Logout(session);
	if (waits)
		pthread_join(s.thread, NULL);
	printf("the child: %d; the parent's C_Sign 0x%lx\n", status, s.rv);
	return status == 0 && waits && s.rv == CKR_FUNCTION_CANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int cancelled_thread(void)
{
	struct signing s = {.rv = 0};
	void *result = NULL;
	log_in();
	any_digest(s.digest);
	begin(&s, another_session(p11));
	pthread_cancel(s.thread);
	sleep_ms(BEGUN_MS);
	const bool waits = pthread_tryjoin_np(s.thread, NULL) != 0; /* no thread dies inside a call */
	p11->C_CloseSession(s.session);
	if (waits)
		pthread_join(s.thread, &result);
	printf("C_Sign 0x%lx\n", s.rv);
	/* and what it held is free */
	s.rv = p11->C_Finalize(NULL);
	return waits && s.rv == CKR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int two(char *const digests[2])
{
	struct signing s[2] = {{.rv = 0}};
	log_in();
	for (int i = 0; i < 2; i++) {
		if (!unhex(digests[i], s[i].digest, DIGEST))
			die("the digest", 0);
		s[i].session = another_session(p11);
		if (pthread_create(&s[i].thread, NULL, run, &s[i]) != 0)
			die("pthread_create", 0);
	}
	EVP_PKEY *pkey = public_key(p11, session, need("CREDENTIAL_EC"));
	bool good = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(s[i].thread, NULL);
		printf("C_Sign 0x%lx after %ld ms\n", s[i].rv, s[i].ended - s[i].began);
		good = good && s[i].rv == CKR_OK && verifies(pkey, s[i].digest, s[i].signature);
	}
	EVP_PKEY_free(pkey);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	int status = 2;
	if (argc < 3)
		die("usage: wait MODULE pins|sign|cancel|calls|fork|thread|two [ARGUMENT]...", 0);
	p11 = load_module(argv[1]);
	session = start_module(p11, NULL);
	const char *mode = argv[2];
	if (strcmp(mode, "pins") == 0)
		status = pins();
	else if (strcmp(mode, "sign") == 0 && argc == 4)
		status = one(argv[3]);
	else if (strcmp(mode, "cancel") == 0 && argc == 4)
		status = cancel(argv[3], argv[1]);
	else if (strcmp(mode, "calls") == 0)
		status = calls();
	else if (strcmp(mode, "fork") == 0)
		status = in_a_child();
	else if (strcmp(mode, "thread") == 0)
		status = cancelled_thread();
	else if (strcmp(mode, "two") == 0 && argc == 5)
		status = two(argv + 3);
	(void)p11->C_Finalize(NULL);
	return status;
}
