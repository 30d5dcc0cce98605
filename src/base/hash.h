/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The hashes that a SAD may name: names, OIDs, lengths, DigestInfo.
 */
#ifndef SAM_BASE_HASH_H
#define SAM_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <p11-kit/pkcs11.h>

enum sam_hash {
	SAM_HASH_NONE = 0,
	SAM_HASH_SHA256,
	SAM_HASH_SHA384,
	SAM_HASH_SHA512,
	SAM_HASH_COUNT
};

enum { SAM_HASH_MAX = 64 }; /* bytes of the longest hash */

/** sam_hash_size(hash): Bytes; 0 for SAM_HASH_NONE. */
size_t sam_hash_size(enum sam_hash hash);
/** sam_hash_name(hash): "sha256", …; static. */
const char *sam_hash_name(enum sam_hash hash);
/** sam_hash_oid(hash): "2.16.840.1.101.3.4.2.1", …; static. */
const char *sam_hash_oid(enum sam_hash hash);
enum sam_hash sam_hash_by_name(const char *name); /* SAM_HASH_NONE if unknown; so the next four */
enum sam_hash sam_hash_by_oid(const char *oid);
enum sam_hash sam_hash_by_size(size_t size);
enum sam_hash sam_hash_by_mechanism(CK_MECHANISM_TYPE ckm); /* CKM_SHA256, … */
CK_MECHANISM_TYPE sam_hash_mechanism(enum sam_hash hash);
CK_RSA_PKCS_MGF_TYPE sam_hash_mgf(enum sam_hash hash); /* CKG_MGF1_SHA256, … */

/** sam_hash_digestinfo_parse(data, len, hash): The hash inside a DigestInfo (RFC 8017 section 9.2) in
 * exact DER: the only bytes taken are those that sam_hash_digestinfo() writes. Points into ${data};
 * NULL if it is none. */
const uint8_t *sam_hash_digestinfo_parse(const uint8_t *data, size_t len, enum sam_hash *hash);

enum { SAM_HASH_DIGESTINFO_MAX = 19 + SAM_HASH_MAX };
/** sam_hash_digestinfo(hash, digest, out): Write the DER; returns its length. */
size_t sam_hash_digestinfo(enum sam_hash hash, const uint8_t *digest, uint8_t *out);

#endif
