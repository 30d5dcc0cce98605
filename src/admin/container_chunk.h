/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What writing and reading a container share: chunks, the running hash, whole reads and writes.
 */
#ifndef SAM_ADMIN_CONTAINER_CHUNK_H
#define SAM_ADMIN_CONTAINER_CHUNK_H

#include "admin/container.h"
#include "base/gcm.h"
#include "base/ossl.h"

#define SAM_CONTAINER_VERSION_KEY "p11-sam-backup"
#define SAM_CONTAINER_ENC "A256GCM"

enum { SAM_CONTAINER_VERSION = 1, SAM_CONTAINER_LENGTH = 9 /* of the JWS: 8 digits and the newline */ };

struct sam_chunks {
	uint8_t key[SAM_GCM_KEY]; /* wiped by sam_chunks_clear() */
	uint8_t aad[32];          /* SHA-256 of line 1 */
	uint64_t number;          /* of the next chunk */
	EVP_MD_CTX *hash;         /* owned; of all bytes so far */
};

/** sam_chunks_start(c, line, len): With line 1, hashed as the first bytes. The key is the caller's to set. MEMORY,
 * INTERNAL. */
enum sam_reason sam_chunks_start(struct sam_chunks *c, const char *line, size_t len) SAM_MUST;
void sam_chunks_clear(struct sam_chunks *c);

/** sam_chunks_seal(c, data, len, last): Encrypt in place; SAM_GCM_TAG more bytes are written behind. INTERNAL. */
enum sam_reason sam_chunks_seal(struct sam_chunks *c, uint8_t *data, size_t len, bool last) SAM_MUST;
/** sam_chunks_open(c, data, len, last): Decrypt in place; the tag is behind. False: it is not this chunk. */
bool sam_chunks_open(struct sam_chunks *c, uint8_t *data, size_t len, bool last) SAM_MUST;

/** sam_chunks_hash(c, data, len): More of the file's bytes. INTERNAL. */
enum sam_reason sam_chunks_hash(struct sam_chunks *c, const void *data, size_t len) SAM_MUST;
/** sam_chunks_finish(c, sha256): INTERNAL. */
enum sam_reason sam_chunks_finish(struct sam_chunks *c, uint8_t sha256[32]) SAM_MUST;

/** sam_container_put(fd, data, len, msg): Write it all. STORE_FAILED. */
enum sam_reason sam_container_put(int fd, const void *data, size_t len, struct sam_msg *msg) SAM_MUST;

#endif
