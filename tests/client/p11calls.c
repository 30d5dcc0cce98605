/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every call of PKCS#11, right, wrong and with NULL, against a set-up of tools/quickstart --keep (its
 * environment: `. DIR/env`), and the codes that the contract promises. TAP on standard output.
 *
 *   p11calls [MODULE]
 */
#include "p11calls.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <openssl/evp.h>

CK_FUNCTION_LIST *p11;
struct list_3_0 *p11_30;
const char *signer_pin;

static unsigned count, failed;

bool ok(bool good, const char *format, ...)
{
	va_list args;
	count++;
	failed += !good;
	printf("%sok %u - ", good ? "" : "not ", count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return good;
}

bool gives(CK_RV rv, CK_RV wanted, const char *what)
{
	const bool good = ok(rv == wanted, "%s: 0x%lx", what, wanted);
	if (!good)
		printf("# answered 0x%lx\n", rv);
	return good;
}

void bail(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(1);
}

const char *need(const char *name)
{
	const char *value = getenv(name);
	if (!value || !*value) {
		printf("1..0 # SKIP %s is not set: run under the environment of tools/quickstart "
		       "--keep\n",
		       name);
		exit(77);
	}
	return value;
}

size_t unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;
	while (n < size && sscanf(hex + 2 * n, "%2hhx", &out[n]) == 1)
		n++;
	return n;
}

/* The first line that ${command} prints; free() it. */
static char *first_line(const char *command)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = popen(command, "r");
	const ssize_t n = f ? getline(&line, &size, f) : -1;
	if (!f || pclose(f) != 0 || n < 2)
		bail("sadtool or samctl failed");
	line[strcspn(line, "\n")] = '\0';
	return line;
}

char *new_sad(const char *credential, const char *hash, const uint8_t *digest, size_t len)
{
	char hex[129] = "", command[4096];
	for (size_t i = 0; i < len && i < 64; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(command, sizeof command,
		 "'%s' new --key '%s' --signer '%s' --aud '%s' --credential %s --hash %s --digest "
		 "%s",
		 need("SADTOOL"), need("DEVICE_KEY"), need("SIGNER"), need("SAM_ID"), credential,
		 hash, hex);
	return first_line(command);
}

char *new_order(const char *operation, const char *params)
{
	char command[4096];
	snprintf(command, sizeof command,
		 "'%s' new --key '%s' --signer '%s' --aud '%s' --operation %s --params '%s'",
		 need("SADTOOL"), need("DEVICE_KEY"), need("SIGNER"), need("SAM_ID"), operation, params);
	return first_line(command);
}

void revoke_sad(const char *sad)
{
	char command[4096];
	snprintf(command, sizeof command, "echo '%s' | '%s' sad revoke --sad -", sad, need("SAMCTL"));
	free(first_line(command));
}

size_t sha(const char *name, const void *data, size_t len, uint8_t *out)
{
	size_t n = 0;
	if (EVP_Q_digest(NULL, name, NULL, data, len, out, &n) != 1)
		bail("EVP_Q_digest");
	return n;
}

/* A function list is a version and then pointers. */
CK_RV call_zero(size_t i, unsigned long first)
{
	typedef CK_RV (*any)(unsigned long, unsigned long, unsigned long, unsigned long,
			     unsigned long, unsigned long, unsigned long, unsigned long,
			     unsigned long, unsigned long);
	any call;
	memcpy(&call, (char *)p11_30 + (1 + i) * sizeof call, sizeof call);
	return call(first, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

const char *call_name(size_t i)
{
	static char text[32];
	snprintf(text, sizeof text, "call %zu of the list", i);
	return text;
}

CK_SESSION_HANDLE open_session(CK_FLAGS flags)
{
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	if (p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION | flags, NULL, NULL, &session) !=
	    CKR_OK)
		bail("C_OpenSession failed");
	return session;
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE type, const char *pin)
{
	return p11->C_Login(session, type, (CK_UTF8CHAR *)pin, strlen(pin));
}

CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *credential)
{
	uint8_t id[P11_SAM_KEY_ID_LENGTH];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_ID, id, unhex(credential, id, sizeof id)}};
	CK_OBJECT_HANDLE found[2] = {CK_INVALID_HANDLE, CK_INVALID_HANDLE};
	CK_ULONG n = 0;
	if (p11->C_FindObjectsInit(session, template, 2) != CKR_OK)
		return CK_INVALID_HANDLE;
	p11->C_FindObjects(session, found, 2, &n);
	p11->C_FindObjectsFinal(session);
	return n == 1 ? found[0] : CK_INVALID_HANDLE;
}

CK_ULONG count_objects(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE found[256];
	CK_ULONG n = 0;
	if (p11->C_FindObjectsInit(session, NULL, 0) != CKR_OK)
		bail("C_FindObjectsInit");
	p11->C_FindObjects(session, found, 256, &n);
	p11->C_FindObjectsFinal(session);
	return n;
}

void read_secret(const char *source, char secret[256])
{
	const char *path = need(source);
	if (strncmp(path, "file:", 5) == 0)
		path += 5;
	FILE *f = fopen(path, "r");
	if (!f || !fgets(secret, 256, f))
		bail("a password cannot be read");
	fclose(f);
	secret[strcspn(secret, "\n")] = '\0';
}

static void read_pin(void)
{
	static char pin[512];
	char secret[256];
	read_secret("SIGNER_PIN_SOURCE", secret);
	snprintf(pin, sizeof pin, "%s:%s", need("SIGNER"), secret);
	signer_pin = pin;
}

static void load(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		bail(dlerror());
	CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(handle, "C_GetFunctionList");
	if (!get || get(&p11) != CKR_OK)
		bail("C_GetFunctionList");
	CK_RV (*get_interface)
	(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS) =
		(CK_RV(*)(CK_UTF8CHAR *, CK_VERSION *, struct interface **,
			  CK_FLAGS))dlsym(handle, "C_GetInterface");
	struct interface *interface = NULL;
	if (!get_interface || get_interface(NULL, NULL, &interface, 0) != CKR_OK)
		bail("C_GetInterface");
	p11_30 = interface->list;
	ok(!dlsym(handle, "C_Sign") && !dlsym(handle, "sam_sign"), "nothing else is exported");
}

int main(int argc, char **argv)
{
	read_pin();
	load(argc > 1 ? argv[1] : need("P11_SAM_MODULE"));
	test_before();
	test_lists();
	test_initialize();
	test_slots();
	test_sessions();
	test_login();
	test_officer();
	test_objects();
	test_session_objects();
	test_deposit();
	test_key_templates();
	test_generate();
	test_digest();
	test_sign();
	test_verify();
	test_refused();
	test_fork();
	test_finalize();
	printf("1..%u\n", count);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
