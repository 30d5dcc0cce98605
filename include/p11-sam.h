/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an application may include beside its own PKCS#11 header. p11-sam has no vendor-defined call,
 * mechanism or attribute: everything goes through standard PKCS#11, and the names and limits that a
 * careful application wants to know are here. p11-sam(8) tells the story.
 *
 *   To sign:     C_SignInit, C_Login(CKU_CONTEXT_SPECIFIC, SAD), C_Sign
 *   To deposit:  C_CreateObject {CKA_CLASS = CKO_DATA, CKA_TOKEN = CK_FALSE, CKA_PRIVATE = CK_FALSE,
 *                CKA_APPLICATION = P11_SAM_APPLICATION_SAD, CKA_VALUE = the SAD}, without a login;
 *                then CKA_VALUE reads the SAD token, which is short enough for any client's PIN.
 *   To make a key pair: C_Login(CKU_USER, a SAD that orders `generate`), C_GenerateKeyPair in a read-write
 *                session. Say no more than the size or the curve, or what such a key is anyhow: on the
 *                token, private, sensitive, not extractable, signing and nothing else. What contradicts
 *                that gets CKR_TEMPLATE_INCONSISTENT.
 */
#ifndef P11_SAM_H
#define P11_SAM_H

/* The module's version, as CK_INFO.libraryVersion has it. */
#define P11_SAM_VERSION_MAJOR 0
#define P11_SAM_VERSION_MINOR 3

/* CKA_APPLICATION of the object that deposits a SAD: these bytes, without the NUL. */
#define P11_SAM_APPLICATION_SAD "p11-sam sad"

/* A SAD token: it begins with this and has this many ASCII characters. */
#define P11_SAM_TOKEN_PREFIX "sat_"
#define P11_SAM_TOKEN_LENGTH 30

/* The longest PIN, SAD included (CK_TOKEN_INFO.ulMaxPinLen), and the most digests in one SAD. */
#define P11_SAM_PIN_MAX 262144
#define P11_SAM_SAD_DIGESTS_MAX 2000

/* What CKA_ID of a key has: the bytes of its credentialID, which is their lower-case hexadecimal. */
#define P11_SAM_KEY_ID_LENGTH 16

/* The longest CKA_LABEL of a key, in bytes of UTF-8; longer ones get CKR_ATTRIBUTE_VALUE_INVALID. */
#define P11_SAM_LABEL_MAX 256

/* The string that C_Initialize takes as pReserved: this and the path of a p11-sam.yaml. */
#define P11_SAM_INIT_CONFIG "config="

/* The only slot. */
#define P11_SAM_SLOT 0

/* Sessions of one application at once; more get CKR_SESSION_COUNT. */
#define P11_SAM_SESSIONS_MAX 4096

/* Session objects of one application at once, and the bytes of all of them; more get
 * CKR_DEVICE_MEMORY. */
#define P11_SAM_OBJECTS_MAX 4096
#define P11_SAM_OBJECT_BYTES_MAX 33554432

/* SADs taken up with CKU_USER that one application may keep at once; one more drops the oldest. */
#define P11_SAM_ACTIVATIONS_MAX 64

/* CKM_EDDSA: the longest message in one part, and in many; more gets CKR_DATA_LEN_RANGE. */
#define P11_SAM_EDDSA_ONE_MAX 1073741824
#define P11_SAM_EDDSA_PARTS_MAX 16777216
/** Bytes that all operations of a process may have collected at once; more gets CKR_HOST_MEMORY. */
#define P11_SAM_COLLECTED_MAX 1073741824

/* Attributes in one template, and random bytes in one call; more get CKR_ARGUMENTS_BAD. */
#define P11_SAM_TEMPLATE_MAX 256
#define P11_SAM_RANDOM_MAX 16777216

/* The type of the evidence in a certificate request: in the attribute id-aa-attestation
 * (1.2.840.113549.1.9.16.2.59) an AttestationStatement of this type is a UTF8String, the compact JWS
 * `sam-key-evidence+jws`. 2.25 and the UUID 5aa74203-e37b-4b14-bde0-6fa11f715080 (ITU-T X.667). */
#define P11_SAM_EVIDENCE_OID "2.25.120498972143138222993709306703783219328"

#endif
