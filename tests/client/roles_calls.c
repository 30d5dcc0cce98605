/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every PKCS#11 call by every role, logged in by CKU_SO and by CKU_USER: allowed or refused as acts.def has it.
 * TAP on standard output.
 *
 *   roles_calls MODULE ROLES SADS ORDERS
 *
 * ROLES: lines `ROLE NAME:SECRET`. SADS: of `sadtool new --each` for $CREDENTIAL_EC, one for each role and kind of
 * login. ORDERS: as many SADs of the signer's that order a key of ec:P-256. That key is the signer's and granted to
 * the SCA; $OTHER_CREDENTIAL is another signer's.
 */
#include <stdarg.h>
#include "policy/acts.h"
#include "tests/fault/p11.h"

enum { PEOPLE_MAX = 16, KINDS = 2, PIN_SIZE = 256 };

struct person {
	char role[32], pin[PIN_SIZE];
	unsigned set; /* its role as a bit; of nobody ANYBODY */
};

static const struct {
	CK_USER_TYPE type;
	const char *name, *what_for; /* a call that there is this login for */
} kinds[KINDS] = {{CKU_USER, "CKU_USER", "C_SignInit"}, {CKU_SO, "CKU_SO", "C_SetPIN"}};

static CK_FUNCTION_LIST *p11;
static void *p11_30; /* a version, and then pointers */
static CK_OBJECT_HANDLE known; /* the key, as the signer saw it */
static unsigned count, failed;

static bool ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool ok(bool good, const char *format, ...)
{
	va_list args;
	count++;
	failed += !good;
	printf("%sok %u - ", good ? "" : "not ", count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return good;
}

static void expect(bool allowed, CK_RV rv, const struct person *p, size_t kind, const char *what)
{
	if (!ok((rv == CKR_OK) == allowed, "%s by %s: %s is %s", p->role, kinds[kind].name, what,
		allowed ? "allowed" : "refused"))
		printf("# answered 0x%lx\n", rv);
}

static unsigned who(const char *call)
{
	for (size_t i = 0; sam_call_info(i); i++)
		if (strcmp(sam_call_info(i)->name, call) == 0)
			return sam_call_info(i)->who;
	die(call, 0);
}

/* ---- the calls ---- */

/* The i-th of the list, with what it could take: the session, a mechanism, the key. */
static CK_RV call(size_t i, CK_SESSION_HANDLE session)
{
	typedef CK_RV (*any)(unsigned long, void *, unsigned long, unsigned long, unsigned long, unsigned long,
			     unsigned long, unsigned long, unsigned long, unsigned long);
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	any function;
	memcpy(&function, (char *)p11_30 + (1 + i) * sizeof function, sizeof function);
	if (strcmp(sam_call_info(i)->name, "C_CopyObject") == 0 ||
	    strcmp(sam_call_info(i)->name, "C_SetAttributeValue") == 0)
		return function(session, (void *)known, 0, 0, 0, 0, 0, 0, 0, 0); /* NOLINT: a handle */
	return function(session, &mechanism, known, 0, 0, 0, 0, 0, 0, 0);
}

static void try_nobodys(const struct person *p, size_t kind, CK_SESSION_HANDLE session)
{
	unsigned bad = 0, all = 0;
	for (size_t i = 0; sam_call_info(i); i++) {
		if (sam_call_info(i)->who)
			continue;
		const CK_RV rv = call(i, session);
		all++;
		if (rv != CKR_OK && rv != CKR_ARGUMENTS_BAD)
			continue;
		bad++;
		printf("# %s answered 0x%lx\n", sam_call_info(i)->name, rv);
	}
	ok(all > 0 && bad == 0, "%s by %s: the %u calls that are nobody's are refused", p->role, kinds[kind].name, all);
}

static void try_everybodys(const struct person *p, size_t kind, CK_SESSION_HANDLE session)
{
	CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE found;
	CK_SESSION_INFO info;
	CK_BYTE out[32];
	CK_ULONG len = sizeof out;
	expect(who("C_GetSessionInfo") & SAM_ANYBODY, p11->C_GetSessionInfo(session, &info), p, kind,
	       "C_GetSessionInfo");
	expect(who("C_GenerateRandom") & SAM_ANYBODY, p11->C_GenerateRandom(session, out, len), p, kind,
	       "C_GenerateRandom");
	CK_RV rv = p11->C_DigestInit(session, &sha256);
	if (rv == CKR_OK)
		rv = p11->C_Digest(session, out, len, out, &len);
	expect(who("C_Digest") & SAM_ANYBODY, rv, p, kind, "C_Digest");
	rv = p11->C_FindObjectsInit(session, &template, 1);
	if (rv == CKR_OK)
		rv = p11->C_FindObjects(session, &found, 1, &len);
	if (rv == CKR_OK)
		rv = p11->C_FindObjectsFinal(session);
	expect(who("C_FindObjects") & SAM_ANYBODY, rv, p, kind, "C_FindObjects");
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, const char *credential)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	uint8_t id[16];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	CK_ULONG found = 0;
	if (!unhex(credential, id, sizeof id))
		die("credentialID", 0);
	if (p11->C_FindObjectsInit(session, template, 2) == CKR_OK)
		p11->C_FindObjects(session, &object, 1, &found);
	p11->C_FindObjectsFinal(session);
	return found == 1 ? object : CK_INVALID_HANDLE;
}

/* With a good SAD of the signer's in hand, as whoever serves signers has it. */
static void try_signing(const struct person *p, size_t kind, CK_SESSION_HANDLE session, bool in,
			const struct line *line)
{
	const bool may = in && kinds[kind].type == CKU_USER && (who("C_Sign") & who("C_SignInit") & p->set);
	const CK_OBJECT_HANDLE found = find(session, need("CREDENTIAL_EC"));
	uint8_t signature[P256_SIGNATURE];
	CK_RV login = CKR_OK;
	ok((found != CK_INVALID_HANDLE) == may, "%s by %s: the key is %s", p->role, kinds[kind].name,
	   may ? "seen" : "not seen");
	ok(find(session, need("OTHER_CREDENTIAL")) == CK_INVALID_HANDLE, "%s by %s: another signer's key is not seen",
	   p->role, kinds[kind].name);
	if (found != CK_INVALID_HANDLE)
		known = found;
	expect(may, sign_under(p11, session, known, line->sad, line->digest, signature, &login), p, kind, "C_Sign");
}

/* The same of a key pair that the signer ordered: whoever is not logged in cannot present the SAD without becoming
 * the signer by it. */
static void try_generating(const struct person *p, size_t kind, CK_SESSION_HANDLE session, bool in, const char *order)
{
	static CK_BYTE p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	const bool may = in && kinds[kind].type == CKU_USER && (who("C_GenerateKeyPair") & p->set);
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof p256};
	CK_OBJECT_HANDLE pair[2] = {CK_INVALID_HANDLE, CK_INVALID_HANDLE};
	if (in)
		p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)order, strlen(order));
	expect(may, p11->C_GenerateKeyPair(session, &mechanism, &curve, 1, NULL, 0, &pair[0], &pair[1]), p, kind,
	       "C_GenerateKeyPair");
	ok((pair[0] && pair[1]) == may, "%s by %s: there is %s key pair", p->role, kinds[kind].name, may ? "a" : "no");
}

static void try_password(const struct person *p, size_t kind, CK_SESSION_HANDLE session, bool in)
{
	static char fresh[] = "another-password-2";
	CK_UTF8CHAR *old = (CK_UTF8CHAR *)strchr(p->pin, ':') + 1;
	const CK_ULONG len = strlen((char *)old);
	const bool may = in && kinds[kind].type == CKU_SO && (who("C_SetPIN") & p->set);
	expect(may, p11->C_SetPIN(session, old, len, (CK_UTF8CHAR *)fresh, strlen(fresh)), p, kind, "C_SetPIN");
	if (may)
		expect(may, p11->C_SetPIN(session, (CK_UTF8CHAR *)fresh, strlen(fresh), old, len), p, kind,
		       "C_SetPIN back");
}

/* ---- people ---- */

static void try(const struct person *p, size_t kind, CK_SLOT_ID slot, const struct line *line,
		const char *order)
{
	const bool may = who("C_Login") & who(kinds[kind].what_for) & p->set;
	CK_SESSION_HANDLE session;
	CK_RV rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		die("C_OpenSession", rv);
	rv = p11->C_Login(session, kinds[kind].type, (CK_UTF8CHAR *)p->pin, strlen(p->pin));
	expect(may, rv, p, kind, "C_Login");
	const bool in = rv == CKR_OK;
	try_signing(p, kind, session, in, line);
	try_generating(p, kind, session, in, order);
	try_nobodys(p, kind, session);
	try_everybodys(p, kind, session);
	try_password(p, kind, session, in);
	expect(may && (who("C_Logout") & p->set), p11->C_Logout(session), p, kind, "C_Logout");
	p11->C_CloseSession(session);
}

static size_t read_people(const char *path, struct person people[PEOPLE_MAX])
{
	FILE *f = fopen(path, "r");
	size_t n = 0;
	if (!f)
		die(path, 0);
	while (n < PEOPLE_MAX && fscanf(f, "%31s %255s", people[n].role, people[n].pin) == 2) {
		people[n].set = 1u << sam_role_by_name(people[n].role);
		n += strchr(people[n].pin, ':') != NULL;
	}
	fclose(f);
	return n;
}

static size_t read_orders(const char *path, char *orders[KINDS * PEOPLE_MAX])
{
	FILE *f = fopen(path, "r");
	size_t n = 0, size = 0;
	if (!f)
		die(path, 0);
	while (n < KINDS * PEOPLE_MAX && (orders[n] = NULL, size = 0, getline(&orders[n], &size, f) > 1)) {
		orders[n][strcspn(orders[n], "\n")] = '\0';
		n++;
	}
	fclose(f);
	return n;
}

static void load(const char *path)
{
	struct interface {
		char *name;
		void *list;
		CK_FLAGS flags;
	} *interface = NULL;
	p11 = load_module(path);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS) =
		(CK_RV(*)(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS))dlsym(handle, "C_GetInterface");
	if (!get || get(NULL, NULL, &interface, 0) != CKR_OK)
		die("C_GetInterface", 0);
	p11_30 = interface->list;
}

int main(int argc, char *argv[])
{
	struct person people[PEOPLE_MAX];
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_SLOT_ID slot;
	CK_ULONG slots = 1;
	char *orders[KINDS * PEOPLE_MAX];
	size_t sads;
	if (argc != 5)
		die("usage: roles_calls MODULE ROLES SADS ORDERS", 0);
	load(argv[1]);
	const size_t n = read_people(argv[2], people);
	const struct line *lines = read_lines(argv[3], &sads);
	if (sads < KINDS * n || read_orders(argv[4], orders) < KINDS * n)
		die("too few SADs", sads);
	if (p11->C_Initialize(&args) != CKR_OK || p11->C_GetSlotList(CK_TRUE, &slot, &slots) != CKR_OK)
		die("C_Initialize", 0);
	for (size_t i = 0; i < n; i++)
		for (size_t kind = 0; kind < KINDS; kind++)
			try(&people[i], kind, slot, &lines[KINDS * i + kind], orders[KINDS * i + kind]);
	p11->C_Finalize(NULL);
	printf("1..%u\n", count);
	return failed || !n ? EXIT_FAILURE : EXIT_SUCCESS;
}
