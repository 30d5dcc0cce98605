/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The few names of PKCS#11 v3.0 that the provider needs and p11-kit's header has only from 0.25 on.
 */
#ifndef SAM_PROVIDER_PKCS11_30_H
#define SAM_PROVIDER_PKCS11_30_H

#include <p11-kit/pkcs11.h>

#ifndef CKR_OPERATION_CANCEL_FAILED /* p11-kit before 0.25 */
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#define CKF_MESSAGE_ENCRYPT (1UL << 1)
#define CKF_MESSAGE_DECRYPT (1UL << 2)
#define CKF_MESSAGE_SIGN (1UL << 3)
#define CKF_MESSAGE_VERIFY (1UL << 4)
#define CKF_FIND_OBJECTS (1UL << 6)
#define CKF_INTERFACE_FORK_SAFE 1UL

struct sam_ck_interface {
	char *pInterfaceName;
	void *pFunctionList;
	CK_FLAGS flags;
};
#define CK_INTERFACE struct sam_ck_interface

/* As the header of 0.25 declares them. */
CK_RV C_GetInterfaceList(CK_INTERFACE *interfaces, unsigned long *count);
CK_RV C_GetInterface(unsigned char *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags);
#endif

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL
#endif

#endif
