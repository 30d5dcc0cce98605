/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Certificates (RFC 5280): read, and verified up to a CA of the policy. Nothing is asked of any network or of the
 * system's CAs: what is not in the file and not configured is not there; revocation is the CA's notice (`samctl key
 * revoke`).
 */
#ifndef SAM_BASE_X509_H
#define SAM_BASE_X509_H

#include <openssl/x509.h>
#include "base/ossl.h"

SAM_AUTO_FREE(X509, X509_free);

enum {
	SAM_X509_FILE_MAX = 65536, /* bytes of PEM or DER */
	SAM_X509_MAX = 16384,      /* bytes of DER of one certificate */
	SAM_X509_CHAIN = 8,        /* certificates beside the end entity's */
	SAM_X509_NAME_SIZE = 1024,
	SAM_X509_SERIAL_SIZE = 2 * 20 + 1 /* RFC 5280 section 4.1.2.2 */
};

/* The DER of a certificate; whose it is says the context. */
struct sam_x509_ca {
	const uint8_t *der;
	size_t len;
};

/* A certificate and what came with it. */
struct sam_x509 {
	uint8_t *der; /* owned, as all here */
	size_t len;
	struct {
		uint8_t *der;
		size_t len;
	} chain[SAM_X509_CHAIN]; /* in the file's order, not verified */
	size_t chain_count;
	char issuer[SAM_X509_NAME_SIZE], subject[SAM_X509_NAME_SIZE]; /* RFC 2253, in ASCII */
	char serial[SAM_X509_SERIAL_SIZE];                            /* lower-case hexadecimal, whole bytes */
	int64_t not_before, not_after;                                /* seconds since 1970; both belong to it */
	uint8_t *spki;                                                /* SubjectPublicKeyInfo */
	size_t spki_len;
	uint8_t spki_sha256[32];
};

/** sam_x509_read(text, len, out, msg): One certificate in DER, exact to its last byte; or PEM (RFC 7468), the end
 * entity's first, then up to SAM_X509_CHAIN others: text may stand before each, nothing behind the last. Nothing is
 * verified. Clear with sam_x509_clear() also after a failure. CERTIFICATE with ${msg}, MEMORY. */
enum sam_reason sam_x509_read(const void *text, size_t len, struct sam_x509 *out, struct sam_msg *msg) SAM_MUST;
void sam_x509_clear(struct sam_x509 *x509);

/** sam_x509_parse(der, len): An exact DER certificate in the private context, the caller's to free; NULL if it is
 * none. */
X509 *sam_x509_parse(const uint8_t *der, size_t len);

/** sam_x509_verify(x509, cas, count, now, msg): Is it an end entity's, to sign documents with (no CA; keyUsage, if
 * there, has digitalSignature or nonRepudiation and no keyCertSign), and is there a path (RFC 5280 section 6) over its
 * chain to one of ${cas}, self-signed or not: signatures, names, validity at ${now}, basicConstraints and keyUsage of
 * each CA, name constraints, no critical extension that is not understood, no key, hash or signature under 112 bits?
 * CERTIFICATE with the sentence why not in ${msg}, MEMORY. */
enum sam_reason sam_x509_verify(const struct sam_x509 *x509, const struct sam_x509_ca *cas, size_t count, int64_t now,
				struct sam_msg *msg) SAM_MUST;

/** sam_x509_valid(not_before, not_after, now): RFC 5280 section 4.1.2.5: both ends included. */
bool sam_x509_valid(int64_t not_before, int64_t not_after, int64_t now);

#endif
