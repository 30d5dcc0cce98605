/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Certificate requests (PKCS#10, RFC 2986), in two halves: the CertificationRequestInfo, which is what a signer
 * authorises and a key signs; and the request made of it and the signature.
 */
#ifndef SAM_SAP_CSR_H
#define SAM_SAP_CSR_H

#include "base/mechanism.h"
#include "base/ossl.h"

enum { SAM_CSR_EVIDENCE_MAX = 16384, SAM_CSR_MAX = 65536 };

/** sam_csr_info(spki, spki_len, subject, evidence, der, len, msg): The DER of a CertificationRequestInfo: version 1,
 * ${subject} (subject.h), the public key as it is, and as attributes an extensionRequest (RFC 2985) of a critical
 * keyUsage digitalSignature and nonRepudiation and, where ${evidence} is not NULL, that compact JWS: an
 * id-aa-attestation (id-aa 59; called id-aa-evidence before) of draft-ietf-lamps-csr-attestation, with one statement of
 * type P11_SAM_EVIDENCE_OID, a UTF8String. Always the same bytes for the same input. ${der}: malloc()ed. SUBJECT with
 * ${msg}; ARGUMENTS if the key or the evidence is none; MEMORY. */
enum sam_reason sam_csr_info(const uint8_t *spki, size_t spki_len, const char *subject, const char *evidence,
			     uint8_t **der, size_t *len, struct sam_msg *msg) SAM_MUST;

/** sam_csr_hash(type, bits): The hash of the CertificationRequestInfo that such a key signs: SHA-256 with RSA (PKCS#1
 * v1.5), the curve's own with ECDSA; SAM_HASH_NONE: Ed25519, which takes it whole. */
enum sam_hash sam_csr_hash(enum sam_key_type type, unsigned bits);

/** sam_csr_build(info, info_len, type, bits, signature, signature_len, der, len): The request: ${info} byte for byte,
 * and the signature as PKCS#11 gives it (ECDSA: r||s). ${der}: malloc()ed. ARGUMENTS; SIGNATURE_MISMATCH if it is not
 * a signature of ${info} by the key in it; MEMORY. */
enum sam_reason sam_csr_build(const uint8_t *info, size_t info_len, enum sam_key_type type, unsigned bits,
			      const uint8_t *signature, size_t signature_len, uint8_t **der, size_t *len) SAM_MUST;

/** sam_csr_verify(der, len): Is it an exact PKCS#10 whose signature is by its own key? SIGNATURE_MISMATCH if that is
 * not so, ARGUMENTS if it is none. */
enum sam_reason sam_csr_verify(const uint8_t *der, size_t len) SAM_MUST;

/** sam_csr_pem(der, len, pem): As PEM (RFC 7468 section 7); malloc()ed. */
enum sam_reason sam_csr_pem(const uint8_t *der, size_t len, char **pem) SAM_MUST;

#endif
