/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An application that a script keeps running: one command a line on standard input, one line for each on
 * standard output: the CK_RV in hexadecimal, of `sign' with the call that it came from.
 *
 *   login user|so PIN            C_Login
 *   logout                       C_Logout
 *   init CREDENTIAL MECHANISM    C_SignInit; MECHANISM is ecdsa, or rsa for CKM_RSA_PKCS
 *   context SAD                  C_Login(CKU_CONTEXT_SPECIFIC)
 *   finish SHA256                C_Sign
 *   sign CREDENTIAL MECHANISM SHA256 SAD   the three
 */
#include "p11.h"

enum { LINE_MAX_SIZE = 1 << 16, SIGNATURE_MAX = 1024 };

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;
static bool rsa; /* the operation under way wants a DigestInfo */

static CK_RV sign_init(const char *credential, const char *name)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	uint8_t id[16];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_ULONG found = 0;
	rsa = strcmp(name, "rsa") == 0;
	CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
	if (!unhex(credential, id, sizeof id))
		die("credentialID", 0);
	CK_RV rv = p11->C_FindObjectsInit(session, template, 2);
	if (rv != CKR_OK)
		return rv;
	rv = p11->C_FindObjects(session, &key, 1, &found);
	p11->C_FindObjectsFinal(session);
	return rv == CKR_OK ? p11->C_SignInit(session, &mechanism, key) : rv;
}

static CK_RV context_login(const char *sad)
{
	return p11->C_Login(session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR_PTR)sad, strlen(sad));
}

static CK_RV sign_finish(const char *hex)
{
	static const uint8_t sha256[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	uint8_t data[sizeof sha256 + DIGEST], signature[SIGNATURE_MAX];
	CK_ULONG len = sizeof signature;
	size_t skip = rsa ? sizeof sha256 : 0;
	memcpy(data, sha256, skip);
	if (!unhex(hex, data + skip, DIGEST))
		die("digest", 0);
	return p11->C_Sign(session, data, skip + DIGEST, signature, &len);
}

static void answer(const char *call, CK_RV rv)
{
	printf("%s0x%lx\n", call, rv);
}

static void sign(char *words[5])
{
	CK_RV rv = sign_init(words[1], words[2]);
	if (rv != CKR_OK) {
		answer("init ", rv);
		return;
	}
	rv = context_login(words[4]);
	if (rv == CKR_OK) {
		answer("sign ", sign_finish(words[3]));
		return;
	}
	/* as NSS does it: a refused login is no reason not to try */
	if (sign_finish(words[3]) == CKR_OK)
		answer("SIGNED ALL THE SAME ", rv);
	else
		answer("context ", rv);
}

static void obey(char *words[5], int count)
{
	const char *what = count ? words[0] : "";
	if (strcmp(what, "login") == 0 && count == 3)
		answer("", p11->C_Login(session, strcmp(words[1], "so") == 0 ? CKU_SO : CKU_USER,
					(CK_UTF8CHAR_PTR)words[2], strlen(words[2])));
	else if (strcmp(what, "logout") == 0)
		answer("", p11->C_Logout(session));
	else if (strcmp(what, "init") == 0 && count == 3)
		answer("", sign_init(words[1], words[2]));
	else if (strcmp(what, "context") == 0 && count == 2)
		answer("", context_login(words[1]));
	else if (strcmp(what, "finish") == 0 && count == 2)
		answer("", sign_finish(words[1]));
	else if (strcmp(what, "sign") == 0 && count == 5)
		sign(words);
	else
		die("no such command", (unsigned long)count);
}

int main(void)
{
	static char line[LINE_MAX_SIZE];
	CK_SLOT_ID slot;
	CK_ULONG count = 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	p11 = load_module(need("P11_SAM_MODULE"));
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_RV rv = p11->C_Initialize(&args);
	if (rv == CKR_OK)
		rv = p11->C_GetSlotList(CK_TRUE, &slot, &count);
	if (rv == CKR_OK) /* an officer needs a session that may write */
		rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	answer("", rv);
	while (rv == CKR_OK && fgets(line, sizeof line, stdin)) {
		char *words[5] = {NULL}, *rest = line;
		int n = 0;
		line[strcspn(line, "\n")] = '\0';
		/* a password may have spaces */
		int most = strncmp(line, "login ", 6) == 0 ? 3 : 5;
		while (n < most && (words[n] = n + 1 == most ? rest : strtok_r(NULL, " ", &rest)) && *words[n])
			n++;
		obey(words, n);
	}
	if (rv == CKR_OK)
		p11->C_Finalize(NULL);
	return rv != CKR_OK;
}
