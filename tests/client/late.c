/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An application that logs in, says so, waits for a line, and only then signs, without any SAD: what a login is
 * still good for after something about the signer changed.
 *
 *   late MODULE NAME:SECRET     signs with $CREDENTIAL_EC; exit status 0 only if it got a signature
 */
#include "tests/fault/p11.h"

int main(int argc, char *argv[])
{
	const uint8_t digest[DIGEST] = {1};
	uint8_t signature[P256_SIGNATURE];
	CK_ULONG len = sizeof signature;
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	if (argc != 3)
		die("usage: late MODULE NAME:SECRET", 0);
	CK_FUNCTION_LIST *p11 = load_module(argv[1]);
	CK_SESSION_HANDLE session = start_module(p11, argv[2]);
	CK_OBJECT_HANDLE key = find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	puts("in");
	fflush(stdout);
	(void)!getchar();
	CK_RV rv = p11->C_SignInit(session, &mechanism, key);
	if (rv == CKR_OK)
		rv = p11->C_Sign(session, (CK_BYTE_PTR)digest, DIGEST, signature, &len);
	printf("C_Sign: 0x%lx\n", rv);
	p11->C_Finalize(NULL);
	return rv == CKR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
