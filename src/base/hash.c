/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of hashes.
 */
#include "base/hash.h"

#include <string.h>

static const struct {
	size_t size;
	const char *name, *oid;
	CK_MECHANISM_TYPE ckm;
	CK_RSA_PKCS_MGF_TYPE mgf;
	uint8_t last; /* the last arc of the OID 2.16.840.1.101.3.4.2.x */
} hashes[SAM_HASH_COUNT] = {
	[SAM_HASH_SHA256] = {32, "sha256", "2.16.840.1.101.3.4.2.1", CKM_SHA256, CKG_MGF1_SHA256, 1},
	[SAM_HASH_SHA384] = {48, "sha384", "2.16.840.1.101.3.4.2.2", CKM_SHA384, CKG_MGF1_SHA384, 2},
	[SAM_HASH_SHA512] = {64, "sha512", "2.16.840.1.101.3.4.2.3", CKM_SHA512, CKG_MGF1_SHA512, 3},
};

static enum sam_hash known(enum sam_hash hash)
{
	return (unsigned)hash < SAM_HASH_COUNT ? hash : SAM_HASH_NONE;
}

size_t sam_hash_size(enum sam_hash hash)
{
	return hashes[known(hash)].size;
}

const char *sam_hash_name(enum sam_hash hash)
{
	return hashes[known(hash)].name;
}

const char *sam_hash_oid(enum sam_hash hash)
{
	return hashes[known(hash)].oid;
}

enum sam_hash sam_hash_by_name(const char *name)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (strcmp(hashes[h].name, name) == 0)
			return (enum sam_hash)h;
	return SAM_HASH_NONE;
}

enum sam_hash sam_hash_by_oid(const char *oid)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (strcmp(hashes[h].oid, oid) == 0)
			return (enum sam_hash)h;
	return SAM_HASH_NONE;
}

enum sam_hash sam_hash_by_size(size_t size)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (hashes[h].size == size)
			return (enum sam_hash)h;
	return SAM_HASH_NONE;
}

enum sam_hash sam_hash_by_mechanism(CK_MECHANISM_TYPE ckm)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (hashes[h].ckm == ckm)
			return (enum sam_hash)h;
	return SAM_HASH_NONE;
}

CK_MECHANISM_TYPE sam_hash_mechanism(enum sam_hash hash)
{
	return hashes[known(hash)].ckm;
}

CK_RSA_PKCS_MGF_TYPE sam_hash_mgf(enum sam_hash hash)
{
	return hashes[known(hash)].mgf;
}

size_t sam_hash_digestinfo(enum sam_hash hash, const uint8_t *digest, uint8_t *out)
{
	size_t size = sam_hash_size(hash);
	/* RFC 8017 section 9.2 note 1: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING } */
	const uint8_t head[19] = {
		0x30, (uint8_t)(17 + size), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		0x65, 0x03, 0x04, 0x02, hashes[known(hash)].last, 0x05, 0x00, 0x04, (uint8_t)size,
	};
	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, digest, size);
	return sizeof head + size;
}

const uint8_t *sam_hash_digestinfo_parse(const uint8_t *data, size_t len, enum sam_hash *hash)
{
	if (len <= 19)
		return NULL;
	enum sam_hash h = sam_hash_by_size(len - 19);
	if (h == SAM_HASH_NONE)
		return NULL;
	/* No parser, nothing to get wrong: write what it must be, and compare. */
	uint8_t exact[SAM_HASH_DIGESTINFO_MAX];
	size_t exact_len = sam_hash_digestinfo(h, data + 19, exact);
	if (exact_len != len || memcmp(exact, data, len) != 0)
		return NULL;
	*hash = h;
	return data + 19;
}
