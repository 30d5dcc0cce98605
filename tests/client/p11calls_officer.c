/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11calls: CKU_SO, a security officer: what PKCS#11 lets one do, which is to change one's own password.
 */
#include "p11calls.h"

#include <stdio.h>

static CK_RV set_pin(CK_SESSION_HANDLE s, const char *old, const char *fresh)
{
	return p11->C_SetPIN(s, (CK_UTF8CHAR *)old, strlen(old), (CK_UTF8CHAR *)fresh, strlen(fresh));
}

static void named(char out[512], const char *name, const char *secret)
{
	snprintf(out, 512, "%s:%s", name, secret);
}

/* Who is no officer does not come in as one. */
static void test_others(CK_SESSION_HANDLE s)
{
	char pin[512], secret[256];
	read_secret("AUDITOR_PIN_SOURCE", secret);
	named(pin, need("AUDITOR_NAME"), secret);
	gives(login(s, CKU_SO, pin), CKR_PIN_INCORRECT, "C_Login, an auditor as officer");
	gives(login(s, CKU_USER, pin), CKR_PIN_INCORRECT, "C_Login, an auditor as user");
	gives(login(s, CKU_SO, signer_pin), CKR_PIN_INCORRECT, "C_Login, a signer as officer");
	read_secret("SO_PIN_SOURCE", secret);
	named(pin, need("SO_NAME"), secret);
	gives(login(s, CKU_USER, pin), CKR_PIN_INCORRECT, "C_Login, an officer as user");
	named(pin, need("SO2_NAME"), secret);
	gives(login(s, CKU_SO, pin), CKR_PIN_INCORRECT, "C_Login, an officer with another's password");
	uint8_t digest[32] = {1};
	char *sad = new_sad(need("CREDENTIAL_EC"), "sha256", digest, sizeof digest);
	gives(login(s, CKU_SO, sad), CKR_PIN_INVALID, "C_Login, a SAD as officer");
	free(sad);
}

/* What an officer's session is, and is not. */
static void test_session(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info;
	CK_SESSION_HANDLE other = CK_INVALID_HANDLE;
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_BYTE label[32] = "another";
	CK_ULONG bits = 3072;
	CK_OBJECT_HANDLE made[2];
	CK_MECHANISM generate = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE public_key = {CKA_MODULUS_BITS, &bits, sizeof bits};
	gives(p11->C_GetSessionInfo(s, &info), CKR_OK, "C_GetSessionInfo");
	ok(info.state == CKS_RW_SO_FUNCTIONS, "an officer is in");
	gives(p11->C_OpenSession(P11_SAM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &other),
	      CKR_SESSION_READ_WRITE_SO_EXISTS, "C_OpenSession, read-only beside an officer");
	gives(login(s, CKU_USER, signer_pin), CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "C_Login as signer beside an officer");
	ok(find(s, CKO_PRIVATE_KEY, need("CREDENTIAL_EC")) == CK_INVALID_HANDLE, "an officer sees no private key");
	gives(p11->C_SignInit(s, &ecdsa, 1), CKR_KEY_HANDLE_INVALID, "and signs with none");
	gives(p11->C_GenerateKeyPair(s, &generate, &public_key, 1, NULL, 0, &made[0], &made[1]), CKR_ACTION_PROHIBITED,
	      "C_GenerateKeyPair: samctl is where an officer has keys made");
	gives(p11->C_InitPIN(s, label, 8), CKR_ACTION_PROHIBITED, "C_InitPIN: a signer's password is the signer's");
	gives(p11->C_InitToken(P11_SAM_SLOT, label, 8, label), CKR_ACTION_PROHIBITED, "C_InitToken");
}

static void test_password(CK_SESSION_HANDLE s, const char *name, const char *secret)
{
	static const char fresh[] = "a new one: 27182818";
	char pin[512], pin2[512];
	CK_BYTE byte = 0;
	gives(p11->C_SetPIN(s, NULL, 0, &byte, 1), CKR_ARGUMENTS_BAD, "C_SetPIN(NULL, …)");
	gives(p11->C_SetPIN(s, &byte, 1, NULL, 0), CKR_ARGUMENTS_BAD, "C_SetPIN(…, NULL)");
	gives(p11->C_SetPIN(s, &byte, ~0UL, &byte, 1), CKR_PIN_LEN_RANGE, "C_SetPIN, a length that nobody reads");
	gives(p11->C_SetPIN(s, &byte, 1, &byte, ~0UL), CKR_PIN_LEN_RANGE, "C_SetPIN, another");
	gives(set_pin(s, "not the old one", fresh), CKR_PIN_INCORRECT, "C_SetPIN, wrong old password");
	gives(set_pin(s, secret, "short"), CKR_PIN_LEN_RANGE, "C_SetPIN, too short");
	gives(set_pin(s, secret, "aaaaaaaaaaaaaaaa"), CKR_PIN_LEN_RANGE, "C_SetPIN, too plain");
	gives(set_pin(s, secret, "sat_aaaaaaaabbbbbbbbccccccccdd"), CKR_PIN_LEN_RANGE,
	      "C_SetPIN, what would be taken for a SAD token");
	gives(set_pin(s, secret, secret), CKR_PIN_INVALID, "C_SetPIN, the old one again");
	gives(set_pin(s, secret, fresh), CKR_OK, "C_SetPIN");
	gives(p11->C_Logout(s), CKR_OK, "C_Logout");
	gives(set_pin(s, fresh, secret), CKR_ACTION_PROHIBITED, "C_SetPIN, nobody is in");
	named(pin, name, secret);
	gives(login(s, CKU_SO, pin), CKR_PIN_INCORRECT, "the old password is none any more");
	gives(p11_30->C_LoginUser(s, CKU_SO, (CK_BYTE *)fresh, strlen(fresh), (CK_BYTE *)name, strlen(name)), CKR_OK,
	      "C_LoginUser with the new one");
	named(pin2, name, fresh);
	gives(set_pin(s, pin2, pin), CKR_OK, "C_SetPIN by NAME:SECRET");
	gives(p11->C_Logout(s), CKR_OK, "C_Logout");
	gives(login(s, CKU_SO, pin), CKR_OK, "which is the SECRET alone");
	gives(p11->C_Logout(s), CKR_OK, "C_Logout");
}

void test_officer(void)
{
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	char pin[512], secret[256];
	test_others(s);
	read_secret("SO_PIN_SOURCE", secret);
	named(pin, need("SO_NAME"), secret);
	gives(login(s, CKU_SO, pin), CKR_OK, "C_Login as officer");
	test_session(s);
	test_password(s, need("SO_NAME"), secret);
	p11->C_CloseSession(s);
}
