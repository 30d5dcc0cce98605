/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: DigestInfo. What is taken is exactly what we would write ourselves, so there is one
 * spelling for each hash.
 */
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Our own writing is taken, and every change of one byte in front of the hash is not. */
static void check_own(enum sam_hash hash, const uint8_t *digest, uint8_t change)
{
	uint8_t der[SAM_HASH_DIGESTINFO_MAX];
	enum sam_hash found = SAM_HASH_NONE;
	size_t len = sam_hash_digestinfo(hash, digest, der), head = len - sam_hash_size(hash);
	const uint8_t *inside = sam_hash_digestinfo_parse(der, len, &found);
	require(inside == der + head && found == hash);
	require(sam_hash_digestinfo_parse(der, len - 1, &found) == NULL);
	for (size_t i = 0; change && i < head; i++) {
		der[i] ^= change;
		require(sam_hash_digestinfo_parse(der, len, &found) == NULL);
		der[i] ^= change;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	enum sam_hash hash = SAM_HASH_NONE;
	require(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	const uint8_t *digest = sam_hash_digestinfo_parse(copy, size, &hash);
	if (digest) {
		uint8_t der[SAM_HASH_DIGESTINFO_MAX];
		require(digest > copy && digest + sam_hash_size(hash) == copy + size);
		require(sam_hash_digestinfo(hash, digest, der) == size &&
			memcmp(der, copy, size) == 0);
	}
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (size > sam_hash_size((enum sam_hash)h))
			check_own((enum sam_hash)h, copy, copy[size - 1]);
	free(copy);
	return 0;
}
