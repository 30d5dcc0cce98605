/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every PKCS#11 call that could make, bring in, change, export, copy or destroy a signing key, by one login after the
 * other: what it answers, and how many private and public keys are in the CM behind it. For keys_table.sh, which
 * knows what is expected.
 *
 *   keys_table count              PRIVATE PUBLIC
 *   keys_table calls PEOPLE ORDERS   lines `WAY ROLE CODE PRIVATE PUBLIC`
 *
 * PEOPLE: lines `ROLE NAME:SECRET`. ORDERS: as many SADs of the signer's that order a key of ec:P-256. The environment
 * is that of tools/quickstart --keep. The keys are counted by another process with the bare CM, since in this one the
 * SAM's login at the CM would count.
 */
#include "tests/fault/p11.h"
#include <sys/wait.h>
#include <unistd.h>
#include "p11-sam.h"

enum { PEOPLE_MAX = 16 };

struct person {
	char role[32], pin[256];
};
struct counts {
	unsigned long private, public;
};

static CK_FUNCTION_LIST *p11;
static int ask[2], answer[2]; /* pipes to the process that counts */

/* ---- counting, with the bare CM ---- */

static const char *read_line(const char *path, char *out, int size)
{
	FILE *f = fopen(path, "r");
	if (!f || !fgets(out, size, f))
		die(path, 0);
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
	return out;
}

static unsigned long count(CK_FUNCTION_LIST *cm, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
	CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE found[64];
	CK_ULONG n = 0;
	unsigned long all = 0;
	CK_RV rv = cm->C_FindObjectsInit(session, &template, 1);
	while (rv == CKR_OK && (rv = cm->C_FindObjects(session, found, 64, &n)) == CKR_OK && n)
		all += n;
	if (rv != CKR_OK || (rv = cm->C_FindObjectsFinal(session)) != CKR_OK)
		die("counting in the CM", rv);
	return all;
}

static CK_SESSION_HANDLE open_cm(CK_FUNCTION_LIST *cm)
{
	const char *label = need("CM_TOKEN");
	char pin[256];
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	read_line(need("CM_PIN_FILE"), pin, sizeof pin);
	CK_RV rv = cm->C_Initialize(NULL);
	if (rv == CKR_OK)
		rv = cm->C_GetSlotList(CK_TRUE, slots, &n);
	for (CK_ULONG i = 0; rv == CKR_OK && i < n && !session; i++)
		if (cm->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    strncmp((char *)info.label, label, strlen(label)) == 0)
			rv = cm->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (rv == CKR_OK)
		rv = cm->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
	if (rv != CKR_OK || !session)
		die("the CM", rv);
	return session;
}

static struct counts count_both(CK_FUNCTION_LIST *cm, CK_SESSION_HANDLE session)
{
	return (struct counts){count(cm, session, CKO_PRIVATE_KEY), count(cm, session, CKO_PUBLIC_KEY)};
}

/* One answer for each byte; the first comes by itself, when the CM is open. */
static _Noreturn void serve(void)
{
	CK_FUNCTION_LIST *cm = load_module(need("CM_MODULE"));
	const CK_SESSION_HANDLE session = open_cm(cm);
	char byte;
	do {
		const struct counts now = count_both(cm, session);
		if (write(answer[1], &now, sizeof now) != sizeof now)
			break;
	} while (read(ask[0], &byte, 1) == 1);
	cm->C_Finalize(NULL);
	_exit(0);
}

static pid_t start_counting(void)
{
	struct counts first;
	if (pipe(ask) != 0 || pipe(answer) != 0)
		die("pipe", 0);
	const pid_t pid = fork();
	if (pid == 0) {
		close(ask[1]);
		serve();
	}
	close(ask[0]);
	close(answer[1]);
	if (pid < 0 || read(answer[0], &first, sizeof first) != sizeof first)
		die("no counting", 0);
	return pid;
}

/* ---- the calls ---- */

static const char *name_of(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *name;
	} names[] = {
#define N(name) {name, #name}
		N(CKR_OK), N(CKR_ACTION_PROHIBITED), N(CKR_USER_NOT_LOGGED_IN), N(CKR_USER_ALREADY_LOGGED_IN),
		N(CKR_USER_ANOTHER_ALREADY_LOGGED_IN), N(CKR_OBJECT_HANDLE_INVALID), N(CKR_KEY_HANDLE_INVALID),
		N(CKR_KEY_UNEXTRACTABLE), N(CKR_ATTRIBUTE_SENSITIVE), N(CKR_FUNCTION_REJECTED), N(CKR_PIN_INVALID),
		N(CKR_PIN_INCORRECT), N(CKR_FUNCTION_FAILED), N(CKR_ATTRIBUTE_TYPE_INVALID), N(CKR_TEMPLATE_INCONSISTENT),
#undef N
	};
	static char number[32];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].rv == rv)
			return names[i].name;
	snprintf(number, sizeof number, "0x%lx", rv);
	return number;
}

static void tell(const char *way, const struct person *p, CK_RV rv)
{
	struct counts now;
	if (write(ask[1], "", 1) != 1 || read(answer[0], &now, sizeof now) != sizeof now)
		die("no answer of who counts", 0);
	printf("%s\t%s\t%s\t%lu\t%lu\n", way, p->role, name_of(rv), now.private, now.public);
}

static CK_RV generate(CK_SESSION_HANDLE session)
{
	static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof p256};
	CK_OBJECT_HANDLE pair[2];
	return p11->C_GenerateKeyPair(session, &mechanism, &curve, 1, NULL, 0, &pair[0], &pair[1]);
}

static void try_making(const struct person *p, CK_SESSION_HANDLE session, bool in, const char *order)
{
	tell("C_GenerateKeyPair", p, generate(session));
	if (!in) /* by presenting it they would become its signer */
		return;
	tell("C_Login with an order", p, p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)order, strlen(order)));
	tell("C_GenerateKeyPair under it", p, generate(session));
}

static void try_importing(const struct person *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, value[32] = {1};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE clear[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
				{CKA_TOKEN, &yes, sizeof yes},	   {CKA_SIGN, &yes, sizeof yes},
				{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_VALUE, value, sizeof value}};
	CK_MECHANISM wrap = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_BYTE wrapped[64] = {2};
	CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
	tell("C_CreateObject of a private key", p, p11->C_CreateObject(session, clear, 6, &made));
	tell("C_UnwrapKey", p, p11->C_UnwrapKey(session, &wrap, key, wrapped, sizeof wrapped, clear, 4, &made));
}

static void try_changing(const struct person *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	static char text[] = "mine";
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE id = {CKA_ID, text, 4}, label = {CKA_LABEL, text, 4}, decrypt = {CKA_DECRYPT, &yes, sizeof yes};
	tell("C_SetAttributeValue of ID", p, p11->C_SetAttributeValue(session, key, &id, 1));
	tell("C_SetAttributeValue of LABEL", p, p11->C_SetAttributeValue(session, key, &label, 1));
	tell("C_SetAttributeValue of DECRYPT", p, p11->C_SetAttributeValue(session, key, &decrypt, 1));
}

static void try_exporting(const struct person *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE ec, CK_OBJECT_HANDLE rsa)
{
	CK_MECHANISM wrap = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_BYTE out[4096];
	CK_ULONG len = sizeof out;
	CK_ATTRIBUTE value = {CKA_VALUE, out, sizeof out}, exponent = {CKA_PRIVATE_EXPONENT, out, sizeof out};
	CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
	tell("C_WrapKey", p, p11->C_WrapKey(session, &wrap, rsa, ec, out, &len));
	tell("C_GetAttributeValue of VALUE", p, p11->C_GetAttributeValue(session, ec, &value, 1));
	tell("C_GetAttributeValue of PRIVATE_EXPONENT", p, p11->C_GetAttributeValue(session, rsa, &exponent, 1));
	tell("C_CopyObject", p, p11->C_CopyObject(session, ec, NULL, 0, &copy));
}

/* ---- people ---- */

static CK_SESSION_HANDLE open_session(void)
{
	CK_SESSION_HANDLE session;
	CK_RV rv = p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		die("C_OpenSession", rv);
	return session;
}

static CK_RV login(CK_SESSION_HANDLE session, const struct person *p)
{
	const CK_USER_TYPE type = strcmp(p->role, "security-officer") == 0 ? CKU_SO : CKU_USER;
	return p11->C_Login(session, type, (CK_UTF8CHAR *)p->pin, strlen(p->pin));
}

/* Its handle, by credentialID, for this login. Who does not see it tries one that the signer had. */
static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, const char *credential, CK_OBJECT_HANDLE other)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	uint8_t id[P11_SAM_KEY_ID_LENGTH];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_ULONG n = 0;
	if (!unhex(need(credential), id, sizeof id))
		die(credential, 0);
	CK_RV rv = p11->C_FindObjectsInit(session, template, 2);
	if (rv == CKR_OK)
		rv = p11->C_FindObjects(session, &key, 1, &n);
	if (rv != CKR_OK || (rv = p11->C_FindObjectsFinal(session)) != CKR_OK)
		die("C_FindObjects", rv);
	return n ? key : other;
}

static void try(const struct person *p, CK_OBJECT_HANDLE ec, CK_OBJECT_HANDLE rsa, const char *order)
{
	const CK_SESSION_HANDLE session = open_session();
	const CK_RV in = login(session, p);
	ec = find(session, "CREDENTIAL_EC", ec);
	rsa = find(session, "CREDENTIAL_RSA", rsa);
	tell("C_Login", p, in);
	try_making(p, session, in == CKR_OK, order);
	try_importing(p, session, rsa);
	try_changing(p, session, ec);
	try_exporting(p, session, ec, rsa);
	tell("C_DestroyObject", p, p11->C_DestroyObject(session, ec));
	p11->C_Logout(session);
	p11->C_CloseSession(session);
}

static size_t read_people(const char *path, struct person people[PEOPLE_MAX])
{
	FILE *f = fopen(path, "r");
	size_t n = 0;
	if (!f)
		die(path, 0);
	while (n < PEOPLE_MAX && fscanf(f, "%31s %255s", people[n].role, people[n].pin) == 2)
		n++;
	fclose(f);
	return n;
}

/* As the signer sees them. */
static void look(const struct person people[], size_t n, CK_OBJECT_HANDLE *ec, CK_OBJECT_HANDLE *rsa)
{
	const CK_SESSION_HANDLE session = open_session();
	for (size_t i = 0; i < n; i++)
		if (strcmp(people[i].role, "signer") == 0)
			tell("C_Login to look", &people[i], login(session, &people[i]));
	*ec = find(session, "CREDENTIAL_EC", CK_INVALID_HANDLE);
	*rsa = find(session, "CREDENTIAL_RSA", CK_INVALID_HANDLE);
	if (!*ec || !*rsa)
		die("the signer's keys", 0);
	p11->C_Logout(session);
	p11->C_CloseSession(session);
}

static int calls(const char *people_path, const char *orders_path)
{
	static struct person people[PEOPLE_MAX];
	char *order = NULL;
	size_t size = 0;
	CK_OBJECT_HANDLE ec, rsa;
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	const size_t n = read_people(people_path, people);
	FILE *orders = fopen(orders_path, "r");
	const pid_t counting = start_counting();
	p11 = load_module(need("P11_SAM_MODULE"));
	if (!orders || p11->C_Initialize(&args) != CKR_OK)
		die("C_Initialize", 0);
	look(people, n, &ec, &rsa);
	for (size_t i = 0; i < n; i++) {
		if (getline(&order, &size, orders) < 2)
			die("too few orders", i);
		order[strcspn(order, "\n")] = '\0';
		try(&people[i], ec, rsa, order);
	}
	p11->C_Finalize(NULL);
	close(ask[1]);
	waitpid(counting, NULL, 0);
	free(order);
	fclose(orders);
	return n ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "count") == 0) {
		CK_FUNCTION_LIST *cm = load_module(need("CM_MODULE"));
		const struct counts now = count_both(cm, open_cm(cm));
		printf("%lu %lu\n", now.private, now.public);
		cm->C_Finalize(NULL);
		return EXIT_SUCCESS;
	}
	if (argc != 4 || strcmp(argv[1], "calls") != 0)
		die("usage: keys_table count | calls PEOPLE ORDERS", 0);
	return calls(argv[2], argv[3]);
}
