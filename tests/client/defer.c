/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An application that knows nothing of SADs: it logs in and signs a digest, by CKM_ECDSA, with a key that it sees.
 *
 *   defer LOGIN KEY DIGEST
 *
 * LOGIN is NAME:SECRET, or - for a NULL PIN; KEY a credentialID and DIGEST a SHA-256, both in hexadecimal. Prints what
 * C_Sign answered, and whether the signature, if it gave one, verifies with the key's public part.
 */
#include "tests/fault/p11.h"

int main(int argc, char **argv)
{
	uint8_t digest[DIGEST], signature[P256_SIGNATURE];
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_ULONG len = sizeof signature;
	if (argc != 4 || !unhex(argv[3], digest, sizeof digest))
		die("usage: defer LOGIN KEY DIGEST", 0);
	CK_FUNCTION_LIST *p11 = load_module(need("P11_SAM_MODULE"));
	bool null = strcmp(argv[1], "-") == 0;
	CK_SESSION_HANDLE session = start_module(p11, null ? NULL : argv[1]);
	CK_RV rv = null ? p11->C_Login(session, CKU_USER, NULL, 0) : CKR_OK;
	if (rv != CKR_OK)
		die("C_Login", rv);
	EVP_PKEY *public = public_key(p11, session, argv[2]);
	rv = p11->C_SignInit(session, &mechanism, find_object(p11, session, CKO_PRIVATE_KEY, argv[2]));
	if (rv != CKR_OK)
		die("C_SignInit", rv);
	rv = p11->C_Sign(session, digest, sizeof digest, signature, &len);
	bool good = rv == CKR_OK && len == sizeof signature && verifies(public, digest, signature);
	printf("0x%lx%s\n", rv, rv != CKR_OK ? "" : good ? " verified" : " wrong");
	fflush(stdout);
	EVP_PKEY_free(public);
	p11->C_Finalize(NULL);
	return good ? 0 : 1;
}
