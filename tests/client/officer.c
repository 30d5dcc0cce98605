/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A security officer at PKCS#11, in one process: sessions and their states, what is refused, the password changed,
 * another login after the logout, and with SECONDS the end of the login after that time.
 *
 *   officer PASSWORD NEW [SECONDS]
 *
 * Prints "ok WHAT" or "not ok WHAT" for officer_tools.sh to count.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <p11-kit/pkcs11.h>

#ifndef CKR_ACTION_PROHIBITED
#define CKR_ACTION_PROHIBITED 0x1bUL
#endif

static CK_FUNCTION_LIST *p11;
static const char *name, *signer_pin;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "officer: %s\n", what);
	exit(2);
}

static const char *need(const char *variable)
{
	const char *value = getenv(variable);
	if (!value || !*value)
		die(variable);
	return value;
}

static void load_module(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = handle ? (CK_C_GetFunctionList)dlsym(handle, "C_GetFunctionList") : NULL;
	if (!get || get(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK)
		die(path);
}

static void ok(bool good, const char *what)
{
	printf("%s %s\n", good ? "ok" : "not ok", what);
	fflush(stdout);
}

static void gives(CK_RV rv, CK_RV wanted, const char *what)
{
	char text[200];
	snprintf(text, sizeof text, rv == wanted ? "%s: 0x%lx" : "%s: 0x%lx, not 0x%lx", what, rv, wanted);
	ok(rv == wanted, text);
}

static CK_SESSION_HANDLE open_session(CK_FLAGS flags)
{
	CK_SESSION_HANDLE s = CK_INVALID_HANDLE;
	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION | flags, NULL, NULL, &s) != CKR_OK)
		die("C_OpenSession");
	return s;
}

static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE type, const char *who, const char *password)
{
	char pin[512];
	snprintf(pin, sizeof pin, "%s:%s", who, password);
	return p11->C_Login(s, type, (CK_BYTE *)pin, strlen(pin));
}

static CK_STATE state(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info = {.state = 99};
	p11->C_GetSessionInfo(s, &info);
	return info.state;
}

static CK_ULONG count_private(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
	CK_OBJECT_HANDLE found[8];
	CK_ULONG n = 99;
	p11->C_FindObjectsInit(s, template, 1);
	p11->C_FindObjects(s, found, 8, &n);
	p11->C_FindObjectsFinal(s);
	return n;
}

static CK_RV set_pin(CK_SESSION_HANDLE s, const char *old, const char *fresh)
{
	return p11->C_SetPIN(s, (CK_BYTE *)old, strlen(old), (CK_BYTE *)fresh, strlen(fresh));
}

static void sessions(const char *password)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION), other = open_session(0), refused;
	gives(login(s, CKU_SO, name, password), CKR_SESSION_READ_ONLY_EXISTS, "no officer beside a read-only session");
	p11->C_CloseSession(other);
	ok(state(s) == CKS_RW_PUBLIC_SESSION, "the session is public before");
	gives(login(s, CKU_USER, name, password), CKR_PIN_INCORRECT, "an officer is no CKU_USER");
	gives(p11->C_Login(s, CKU_SO, (CK_BYTE *)signer_pin, strlen(signer_pin)), CKR_PIN_INCORRECT,
	      "a signer is no CKU_SO");
	gives(login(s, CKU_SO, name, password), CKR_OK, "the officer logs in");
	ok(state(s) == CKS_RW_SO_FUNCTIONS, "the session is the officer's");
	gives(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &refused), CKR_SESSION_READ_WRITE_SO_EXISTS,
	      "no read-only session beside an officer");
	other = open_session(CKF_RW_SESSION);
	ok(state(other) == CKS_RW_SO_FUNCTIONS, "another session is the officer's too");
	gives(login(other, CKU_SO, name, password), CKR_USER_ALREADY_LOGGED_IN, "once is enough");
	gives(p11->C_Login(s, CKU_USER, (CK_BYTE *)signer_pin, strlen(signer_pin)), CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
	      "no signer beside an officer");
	ok(count_private(s) == 0, "an officer sees no private key");
	p11->C_CloseAllSessions(0);
}

static void refusals(const char *password)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION), object = 1;
	CK_MECHANISM sign = {CKM_SHA256_RSA_PKCS, NULL, 0}, make = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_BYTE label[32] = "another", pin[] = "12345678";
	memset(label + 7, ' ', sizeof label - 7);
	gives(p11->C_InitToken(0, pin, 8, label), CKR_ACTION_PROHIBITED, "C_InitToken by nobody");
	gives(set_pin(s, password, "another-word-1"), CKR_ACTION_PROHIBITED, "C_SetPIN by nobody");
	login(s, CKU_SO, name, password);
	gives(p11->C_InitPIN(s, pin, 8), CKR_ACTION_PROHIBITED, "C_InitPIN by an officer");
	gives(p11->C_InitToken(0, pin, 8, label), CKR_ACTION_PROHIBITED, "C_InitToken by an officer");
	gives(p11->C_GenerateKeyPair(s, &make, NULL, 0, NULL, 0, &object, &object), CKR_ACTION_PROHIBITED,
	      "C_GenerateKeyPair by an officer");
	for (object = 1; object < 64 && p11->C_SignInit(s, &sign, object) != CKR_OK; object++)
		;
	ok(object == 64, "C_SignInit by an officer with no handle");
	p11->C_CloseAllSessions(0);
}

static void password_changed(const char *password, const char *fresh)
{
	char named[512];
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	login(s, CKU_SO, name, password);
	gives(set_pin(s, "not-the-old-one", fresh), CKR_PIN_INCORRECT, "C_SetPIN without the old password");
	gives(set_pin(s, password, "short"), CKR_PIN_LEN_RANGE, "C_SetPIN to a short one");
	gives(set_pin(s, password, "aaaaaaaaaaaa"), CKR_PIN_LEN_RANGE, "C_SetPIN to a weak one");
	snprintf(named, sizeof named, "mine-is-%s-1", name);
	gives(set_pin(s, password, named), CKR_PIN_LEN_RANGE, "C_SetPIN to one with the name in it");
	gives(set_pin(s, password, password), CKR_PIN_INVALID, "C_SetPIN to the same");
	gives(p11->C_SetPIN(s, NULL, 0, NULL, 0), CKR_ARGUMENTS_BAD, "C_SetPIN with NULL");
	gives(set_pin(s, password, fresh), CKR_OK, "C_SetPIN");
	ok(state(s) == CKS_RW_SO_FUNCTIONS, "the login goes on");
	gives(p11->C_Logout(s), CKR_OK, "C_Logout");
	ok(state(s) == CKS_RW_PUBLIC_SESSION, "the session is public again");
	gives(set_pin(s, fresh, password), CKR_ACTION_PROHIBITED, "C_SetPIN after the logout");
	gives(login(s, CKU_SO, name, password), CKR_PIN_INCORRECT, "the old password is none any more");
	gives(login(s, CKU_SO, name, fresh), CKR_OK, "the new one logs in anew");
	snprintf(named, sizeof named, "%s:%s", name, fresh);
	gives(set_pin(s, named, password), CKR_OK, "C_SetPIN with the name before the old one");
	p11->C_CloseAllSessions(0);
}

static void time_over(const char *password, unsigned seconds)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	login(s, CKU_SO, name, password);
	sleep(seconds - 5);
	ok(state(s) == CKS_RW_SO_FUNCTIONS, "before its time is over the officer is logged in");
	sleep(6);
	ok(state(s) == CKS_RW_PUBLIC_SESSION, "after it nobody is");
	gives(set_pin(s, password, "another-word-1"), CKR_ACTION_PROHIBITED, "C_SetPIN then");
	gives(p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN, "C_Logout then");
	gives(login(s, CKU_SO, name, password), CKR_OK, "and the officer logs in anew");
	p11->C_CloseAllSessions(0);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: officer PASSWORD NEW [SECONDS]\n");
		return 2;
	}
	name = need("SO_NAME");
	signer_pin = need("TEST_PIN");
	load_module(need("P11_SAM_MODULE"));
	if (argc > 3) {
		time_over(argv[1], (unsigned)strtoul(argv[3], NULL, 10));
	} else {
		sessions(argv[1]);
		refusals(argv[1]);
		password_changed(argv[1], argv[2]);
	}
	p11->C_Finalize(NULL);
	return 0;
}
