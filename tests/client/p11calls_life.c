/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: lists, initialising, slots, sessions, logging in, forking, finalising.
 */
#include "p11calls.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>

/* The calls that need no C_Initialize, by their place in the list. */
static bool needs_nothing(size_t i)
{
	return i == 0 || i == 3 || i == CALLS_2_40 || i == CALLS_2_40 + 1;
}

void test_before(void)
{
	size_t wrong = 0;
	for (size_t i = 1; i < CALLS_3_0; i++)
		if (!needs_nothing(i) && call_zero(i, 0) != CKR_CRYPTOKI_NOT_INITIALIZED)
			wrong++;
	ok(wrong == 0, "before C_Initialize every call says CKR_CRYPTOKI_NOT_INITIALIZED");
}

void test_lists(void)
{
	struct interface list[4], *one = NULL;
	CK_ULONG n = 0;
	CK_VERSION v240 = {2, 40}, v30 = {3, 0}, v99 = {9, 9};
	ok(p11->version.major == 2 && p11->version.minor == 40,
	   "C_GetFunctionList gives the 2.40 list");
	ok(p11_30->base.version.major == 3 && p11_30->base.version.minor == 0,
	   "C_GetInterface gives the 3.0 list");
	size_t holes = 0;
	for (size_t i = 0; i < CALLS_3_0; i++) {
		void *call;
		memcpy(&call, (char *)p11_30 + (1 + i) * sizeof call, sizeof call);
		holes += call == NULL;
	}
	ok(holes == 0, "the lists have no holes");
	gives(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD, "C_GetFunctionList(NULL)");
	gives(p11_30->C_GetInterfaceList(NULL, NULL), CKR_ARGUMENTS_BAD,
	      "C_GetInterfaceList(NULL, NULL)");
	gives(p11_30->C_GetInterfaceList(NULL, &n), CKR_OK, "C_GetInterfaceList, size");
	ok(n == 2, "there are two interfaces");
	n = 1;
	gives(p11_30->C_GetInterfaceList(list, &n), CKR_BUFFER_TOO_SMALL,
	      "C_GetInterfaceList, short");
	n = 4;
	gives(p11_30->C_GetInterfaceList(list, &n), CKR_OK, "C_GetInterfaceList");
	ok(n == 2 && strcmp(list[0].name, "PKCS 11") == 0 && list[1].list == p11,
	   "both are called PKCS 11");
	gives(p11_30->C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD,
	      "C_GetInterface(…, NULL)");
	gives(p11_30->C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &v240, &one, 0), CKR_OK,
	      "C_GetInterface 2.40");
	ok(one && one->list == p11, "it is the 2.40 list");
	gives(p11_30->C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &v30, &one, 0), CKR_OK,
	      "C_GetInterface 3.0");
	gives(p11_30->C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &v99, &one, 0), CKR_FUNCTION_FAILED,
	      "C_GetInterface 9.9");
	gives(p11_30->C_GetInterface((CK_UTF8CHAR *)"other", NULL, &one, 0), CKR_FUNCTION_FAILED,
	      "C_GetInterface other");
	gives(p11_30->C_GetInterface(NULL, NULL, &one, 1), CKR_FUNCTION_FAILED,
	      "C_GetInterface fork-safe");
}

static CK_RV no_mutex(void **mutex)
{
	(void)mutex;
	return CKR_OK;
}
static CK_RV no_lock(void *mutex)
{
	(void)mutex;
	return CKR_OK;
}

void test_initialize(void)
{
	CK_C_INITIALIZE_ARGS args = {.CreateMutex = no_mutex};
	gives(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD, "C_Initialize, some mutex functions");
	args.DestroyMutex = args.LockMutex = args.UnlockMutex = no_lock;
	gives(p11->C_Initialize(&args), CKR_CANT_LOCK,
	      "C_Initialize, mutex functions without CKF_OS_LOCKING_OK");
	args = (CK_C_INITIALIZE_ARGS){.pReserved = "config="};
	gives(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD, "C_Initialize, config= without a path");
	args.pReserved = "something";
	gives(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD, "C_Initialize, another string");
	args.pReserved = "config=/nowhere/p11-sam.yaml";
	gives(p11->C_Initialize(&args), CKR_FUNCTION_FAILED, "C_Initialize, no such configuration");

	char text[4200];
	snprintf(text, sizeof text, "config=%s", need("P11_SAM_CONFIG"));
	args = (CK_C_INITIALIZE_ARGS){.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS |
					       CKF_OS_LOCKING_OK,
				      .pReserved = text};
	gives(p11->C_Initialize(&args), CKR_OK, "C_Initialize with config= and no threads allowed");
	gives(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED, "C_Initialize again");
	gives(p11->C_Finalize(text), CKR_ARGUMENTS_BAD, "C_Finalize(not NULL)");
	gives(p11->C_Finalize(NULL), CKR_OK, "C_Finalize");
	gives(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED, "C_Finalize again");
	gives(p11->C_Initialize(NULL), CKR_OK, "C_Initialize(NULL)");

	CK_INFO info;
	gives(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD, "C_GetInfo(NULL)");
	gives(p11->C_GetInfo(&info), CKR_OK, "C_GetInfo");
	ok(info.cryptokiVersion.major == 2 && info.cryptokiVersion.minor == 40 && info.flags == 0,
	   "it says 2.40");
	gives(p11_30->base.C_GetInfo(&info), CKR_OK, "C_GetInfo of the 3.0 list");
	ok(info.cryptokiVersion.major == 3 && info.cryptokiVersion.minor == 0, "it says 3.0");
}

void test_slots(void)
{
	CK_SLOT_ID slots[2];
	CK_ULONG n = 99;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	gives(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD, "C_GetSlotList(NULL)");
	gives(p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK, "C_GetSlotList, size");
	ok(n == 1, "one slot");
	n = 0;
	gives(p11->C_GetSlotList(CK_FALSE, slots, &n), CKR_BUFFER_TOO_SMALL,
	      "C_GetSlotList, short");
	n = 2;
	gives(p11->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK, "C_GetSlotList");
	ok(n == 1 && slots[0] == P11_SAM_SLOT, "it is that of the header");
	gives(p11->C_GetSlotInfo(77, &slot), CKR_SLOT_ID_INVALID, "C_GetSlotInfo, no such slot");
	gives(p11->C_GetSlotInfo(P11_SAM_SLOT, NULL), CKR_ARGUMENTS_BAD, "C_GetSlotInfo(NULL)");
	gives(p11->C_GetSlotInfo(P11_SAM_SLOT, &slot), CKR_OK, "C_GetSlotInfo");
	gives(p11->C_GetTokenInfo(77, &token), CKR_SLOT_ID_INVALID, "C_GetTokenInfo, no such slot");
	gives(p11->C_GetTokenInfo(P11_SAM_SLOT, NULL), CKR_ARGUMENTS_BAD, "C_GetTokenInfo(NULL)");
	gives(p11->C_GetTokenInfo(P11_SAM_SLOT, &token), CKR_OK, "C_GetTokenInfo");
	ok(token.ulMaxPinLen == P11_SAM_PIN_MAX && (token.flags & CKF_LOGIN_REQUIRED) &&
		   (token.flags & CKF_TOKEN_INITIALIZED) &&
		   !(token.flags & (CKF_WRITE_PROTECTED | CKF_PROTECTED_AUTHENTICATION_PATH)) &&
		   memcmp(token.label, "p11-sam                         ", 32) == 0,
	   "the token looks as the contract says");

	CK_MECHANISM_TYPE *list;
	CK_MECHANISM_INFO info;
	gives(p11->C_GetMechanismList(P11_SAM_SLOT, NULL, NULL), CKR_ARGUMENTS_BAD,
	      "C_GetMechanismList(NULL)");
	gives(p11->C_GetMechanismList(77, NULL, &n), CKR_SLOT_ID_INVALID,
	      "C_GetMechanismList, no such slot");
	gives(p11->C_GetMechanismList(P11_SAM_SLOT, NULL, &n), CKR_OK, "C_GetMechanismList, size");
	list = calloc(n, sizeof *list);
	CK_ULONG less = n - 1;
	gives(p11->C_GetMechanismList(P11_SAM_SLOT, list, &less), CKR_BUFFER_TOO_SMALL,
	      "C_GetMechanismList, short");
	ok(less == n, "and how many there are");
	gives(p11->C_GetMechanismList(P11_SAM_SLOT, list, &n), CKR_OK, "C_GetMechanismList");
	bool consistent = true, digest = false, raw = false;
	for (CK_ULONG i = 0; i < n; i++) {
		consistent = consistent &&
			     p11->C_GetMechanismInfo(P11_SAM_SLOT, list[i], &info) == CKR_OK &&
			     info.flags != 0;
		digest = digest || list[i] == CKM_SHA256;
		raw = raw || list[i] == CKM_RSA_X_509;
	}
	free(list);
	ok(consistent && digest && !raw,
	   "each listed mechanism has its info; CKM_RSA_X_509 is none");
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_RSA_X_509, &info), CKR_MECHANISM_INVALID,
	      "C_GetMechanismInfo, raw RSA");
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_ECDSA, &info), CKR_OK,
	      "C_GetMechanismInfo, CKM_ECDSA");
	ok(info.flags & CKF_SIGN && info.ulMinKeySize == 256 && info.ulMaxKeySize >= 256,
	   "it signs with P-256");
	gives(p11->C_GetMechanismInfo(P11_SAM_SLOT, CKM_ECDSA, NULL), CKR_ARGUMENTS_BAD,
	      "C_GetMechanismInfo(NULL)");
	gives(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL), CKR_NO_EVENT,
	      "C_WaitForSlotEvent, not blocking");
	gives(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD,
	      "C_WaitForSlotEvent(NULL)");
}

void test_sessions(void)
{
	CK_SESSION_HANDLE s, first;
	CK_SESSION_INFO info;
	gives(p11->C_OpenSession(77, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_SLOT_ID_INVALID,
	      "C_OpenSession, no such slot");
	gives(p11->C_OpenSession(P11_SAM_SLOT, 0, NULL, NULL, &s),
	      CKR_SESSION_PARALLEL_NOT_SUPPORTED, "C_OpenSession, parallel");
	gives(p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, NULL),
	      CKR_ARGUMENTS_BAD, "C_OpenSession(NULL)");
	gives(p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				 &first),
	      CKR_OK, "C_OpenSession");
	gives(p11->C_GetSessionInfo(first, NULL), CKR_ARGUMENTS_BAD, "C_GetSessionInfo(NULL)");
	gives(p11->C_GetSessionInfo(first, &info), CKR_OK, "C_GetSessionInfo");
	ok(info.state == CKS_RW_PUBLIC_SESSION, "nobody is logged in");

	size_t wrong = 0;
	for (size_t i = 1; i < CALLS_3_0; i++) /* all that take a session first */
		if (!needs_nothing(i) && i >= 10 && i != 12 && i != 14 && i != 67 &&
		    call_zero(i, 0x7fffffff) != CKR_SESSION_HANDLE_INVALID)
			wrong++;
	ok(wrong == 0, "no call takes a session that is not there");
	for (size_t i = 1; i < CALLS_3_0; i++)
		if (i != 1 && i != 13 && i != 14 && i != 67 &&
		    call_zero(i, i < 10 ? 0 : first) == CKR_CRYPTOKI_NOT_INITIALIZED)
			wrong++;
	ok(wrong == 0, "every call survives NULL and 0 everywhere");
	p11_30->C_SessionCancel(first, ~0UL);

	size_t opened = 1;
	while (opened <= P11_SAM_SESSIONS_MAX &&
	       p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK)
		opened++;
	ok(opened == P11_SAM_SESSIONS_MAX, "as many sessions as the header says");
	gives(p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s),
	      CKR_SESSION_COUNT, "one more");
	gives(p11->C_CloseSession(first), CKR_OK, "C_CloseSession");
	gives(p11->C_CloseSession(first), CKR_SESSION_HANDLE_INVALID, "C_CloseSession again");
	gives(p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK,
	      "room for another");
	ok(s != first, "a handle is not given twice");
	gives(p11->C_CloseAllSessions(77), CKR_SLOT_ID_INVALID, "C_CloseAllSessions, no such slot");
	gives(p11->C_CloseAllSessions(P11_SAM_SLOT), CKR_OK, "C_CloseAllSessions");
	gives(p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID, "all are closed");
}

void test_login(void)
{
	CK_SESSION_HANDLE s = open_session(0), other = open_session(CKF_RW_SESSION);
	CK_SESSION_INFO info;
	CK_BYTE name[] = "alice";
	static char big[P11_SAM_PIN_MAX + 1];
	memset(big, 'x', sizeof big);
	gives(p11->C_Login(s, 99, name, 5), CKR_USER_TYPE_INVALID, "C_Login, no such kind of user");
	gives(p11->C_Login(s, CKU_USER, NULL, 5), CKR_ARGUMENTS_BAD, "C_Login, NULL with a length");
	gives(p11->C_Login(s, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD,
	      "C_Login, NULL: deferred authorisation is off");
	gives(p11->C_Login(s, CKU_USER, name, 0), CKR_PIN_INVALID, "C_Login, empty");
	gives(login(s, CKU_USER, "nonsense"), CKR_PIN_INVALID, "C_Login, nonsense");
	gives(login(s, CKU_USER, "nobody:password"), CKR_PIN_INCORRECT, "C_Login, unknown name");
	gives(login(s, CKU_USER, "eyJhbGciOiJFUzI1NiJ9"), CKR_PIN_LEN_RANGE,
	      "C_Login, a SAD cut short");
	gives(login(s, CKU_USER, "sat_aaaaaaaaaaaaaaaaaaaaaaaaaa"), CKR_PIN_INVALID,
	      "C_Login, unknown token");
	gives(p11->C_Login(s, CKU_USER, (CK_BYTE *)big, sizeof big), CKR_PIN_LEN_RANGE,
	      "C_Login, too long");
	gives(p11->C_Login(s, CKU_USER, name, ~0UL), CKR_PIN_LEN_RANGE,
	      "C_Login, a length that nobody reads");
	gives(p11->C_Login(s, CKU_SO, name, 5), CKR_SESSION_READ_ONLY_EXISTS,
	      "C_Login as officer with a read-only session");
	gives(login(s, CKU_CONTEXT_SPECIFIC, signer_pin), CKR_OPERATION_NOT_INITIALIZED,
	      "context login without an operation");
	gives(p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN, "C_Logout, nobody is in");

	gives(login(s, CKU_USER, signer_pin), CKR_OK, "C_Login by NAME:SECRET");
	gives(p11->C_GetSessionInfo(other, &info), CKR_OK, "another session");
	ok(info.state == CKS_RW_USER_FUNCTIONS, "knows of the login: it is the application's");
	gives(login(other, CKU_USER, signer_pin), CKR_USER_ALREADY_LOGGED_IN, "C_Login again");
	gives(login(other, CKU_USER, "nobody:password"), CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
	      "C_Login as another");
	gives(p11->C_Logout(other), CKR_OK, "C_Logout");
	gives(p11->C_GetSessionInfo(s, &info), CKR_OK, "the first session");
	ok(info.state == CKS_RO_PUBLIC_SESSION, "is logged out too");

	CK_BYTE *secret = (CK_BYTE *)strchr(signer_pin, ':') + 1;
	const size_t secret_len = strlen((char *)secret),
		     name_len = (size_t)((char *)secret - signer_pin) - 1;
	gives(p11_30->C_LoginUser(s, CKU_USER, secret, secret_len, NULL, 0), CKR_ARGUMENTS_BAD,
	      "C_LoginUser without a name");
	gives(p11_30->C_LoginUser(s, CKU_USER, secret, secret_len, (CK_BYTE *)big, 65),
	      CKR_PIN_INCORRECT, "C_LoginUser, name too long");
	gives(p11_30->C_LoginUser(s, CKU_USER, name, 5, (CK_BYTE *)signer_pin, name_len),
	      CKR_PIN_INCORRECT, "C_LoginUser, wrong secret");
	gives(p11_30->C_LoginUser(s, CKU_USER, secret, secret_len, (CK_BYTE *)signer_pin, name_len),
	      CKR_OK, "C_LoginUser");
	p11->C_CloseSession(s);
	p11->C_CloseSession(other);
	s = open_session(0);
	gives(p11->C_GetSessionInfo(s, &info), CKR_OK, "after the last session was closed");
	ok(info.state == CKS_RO_PUBLIC_SESSION, "nobody is logged in");

	uint8_t digest[32] = {1};
	char *sad = new_sad(need("CREDENTIAL_EC"), "sha256", digest, sizeof digest);
	gives(login(s, CKU_USER, sad), CKR_OK, "a SAD logs its signer in (level 1)");
	gives(login(s, CKU_USER, sad), CKR_USER_ALREADY_LOGGED_IN,
	      "the same SAD again is no error");
	gives(p11->C_Logout(s), CKR_OK, "C_Logout");
	sad[strlen(sad) - 1] ^= 1;
	sad[strlen(sad) - 6] ^= 1;
	gives(login(s, CKU_USER, sad), CKR_PIN_INVALID, "a forged SAD");
	free(sad);
	p11->C_CloseSession(s);
}

/* In the child: its codes as an exit status; it checks nothing of the parent's. */
static int child(CK_SESSION_HANDLE inherited)
{
	CK_SESSION_INFO info;
	CK_SESSION_HANDLE s;
	uint8_t random[16];
	if (p11->C_GetSessionInfo(inherited, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
		return 1;
	if (p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
		return 2;
	if (p11->C_Initialize(NULL) != CKR_OK)
		return 3;
	if (p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK ||
	    p11->C_GenerateRandom(s, random, sizeof random) != CKR_OK)
		return 4;
	if (s == inherited || p11->C_GetSessionInfo(inherited, &info) != CKR_SESSION_HANDLE_INVALID)
		return 5;
	return p11->C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

void test_fork(void)
{
	CK_SESSION_HANDLE s = open_session(0);
	CK_SESSION_INFO info;
	int status = 0;
	fflush(stdout);
	const pid_t pid = fork();
	if (pid == 0)
		_exit(child(s));
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		   WEXITSTATUS(status) == 0,
	   "a forked child starts anew (%d)", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	gives(p11->C_GetSessionInfo(s, &info), CKR_OK, "and its parent goes on");
	gives(login(s, CKU_USER, signer_pin), CKR_OK, "and logs in");
	p11->C_CloseSession(s);
}

static void *wait_for_event(void *rv)
{
	CK_SLOT_ID slot;
	*(CK_RV *)rv = p11->C_WaitForSlotEvent(0, &slot, NULL);
	return NULL;
}

void test_finalize(void)
{
	CK_RV rv = CKR_OK;
	CK_SESSION_HANDLE s = open_session(0);
	CK_SESSION_INFO info;
	pthread_t thread;
	login(s, CKU_USER, signer_pin);
	pthread_create(&thread, NULL, wait_for_event, &rv);
	usleep(100000);
	gives(p11->C_Finalize(NULL), CKR_OK,
	      "C_Finalize with sessions, a login and a thread that waits");
	pthread_join(thread, NULL);
	gives(rv, CKR_CRYPTOKI_NOT_INITIALIZED, "which was woken");
	gives(p11->C_GetSessionInfo(s, &info), CKR_CRYPTOKI_NOT_INITIALIZED,
	      "C_GetSessionInfo after C_Finalize");
	size_t good = 0;
	for (int i = 0; i < 10; i++)
		good += p11->C_Initialize(NULL) == CKR_OK && p11->C_Finalize(NULL) == CKR_OK;
	ok(good == 10, "ten times C_Initialize and C_Finalize");
	gives(p11->C_CloseAllSessions(P11_SAM_SLOT), CKR_CRYPTOKI_NOT_INITIALIZED,
	      "C_CloseAllSessions after C_Finalize");
}
