/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of p11calls share: TAP, the module's lists, the set-up of tools/quickstart, SADs. An
 * application of its own: nothing from src/.
 */
#ifndef SAM_TESTS_P11CALLS_H
#define SAM_TESTS_P11CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <p11-kit/pkcs11.h>
#include "p11-sam.h"

#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS (1UL << 6)
#endif

/* PKCS#11 v3.0 as the standard lays it out, written down a second time on purpose. */
struct interface {
	char *name;
	void *list;
	CK_FLAGS flags;
};
struct list_3_0 {
	CK_FUNCTION_LIST base;
	CK_RV (*C_GetInterfaceList)(struct interface *, CK_ULONG *);
	CK_RV (*C_GetInterface)(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS);
	CK_RV (*C_LoginUser)
	(CK_SESSION_HANDLE, CK_USER_TYPE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
	CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);
	CK_RV (*message[20])(void);
};
enum { CALLS_2_40 = 68, CALLS_3_0 = 92 };

extern CK_FUNCTION_LIST *p11;
extern struct list_3_0 *p11_30;
extern const char *signer_pin; /* NAME:SECRET */

/** ok(good, format, ...): One line of TAP; gives ${good} back. */
bool ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** gives(rv, wanted, what): The call answered so. */
bool gives(CK_RV rv, CK_RV wanted, const char *what);
void bail(const char *why);

const char *need(const char *name);
/** read_secret(source, secret): The password behind that *_PIN_SOURCE. */
void read_secret(const char *source, char secret[256]);
size_t unhex(const char *hex, uint8_t *out, size_t size);

/** new_sad(credential, hash, digest, len): By $SADTOOL; free() it. */
char *new_sad(const char *credential, const char *hash, const uint8_t *digest, size_t len);
/** new_order(operation, params): A SAD for that operation, ${params} is JSON; free() it. */
char *new_order(const char *operation, const char *params);
/** revoke_sad(sad): By $SAMCTL; a SAD or its token. */
void revoke_sad(const char *sad);
/** sha(name, data, len, out): "sha256", …, by plain OpenSSL; returns the length. */
size_t sha(const char *name, const void *data, size_t len, uint8_t *out);

/** call_zero(i, first): The i-th call of the 3.0 list with ${first} and then zeros. */
CK_RV call_zero(size_t i, unsigned long first);
const char *call_name(size_t i);

CK_SESSION_HANDLE open_session(CK_FLAGS flags);
CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE type, const char *pin);
/** find(session, class, credential): The object, or CK_INVALID_HANDLE. */
CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *credential);
/** count_objects(session): All that are seen there. */
CK_ULONG count_objects(CK_SESSION_HANDLE session);

void test_before(void);
void test_lists(void);
void test_initialize(void);
void test_slots(void);
void test_sessions(void);
void test_login(void);
void test_officer(void);
void test_objects(void);
void test_session_objects(void);
void test_deposit(void);
void test_key_templates(void);
void test_generate(void);
void test_digest(void);
void test_sign(void);
void test_verify(void);
void test_refused(void);
void test_fork(void);
void test_finalize(void);

#endif
