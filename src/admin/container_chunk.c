/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chunks of a container.
 */
#include "admin/container_chunk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum sam_reason sam_chunks_start(struct sam_chunks *c, const char *line, size_t len)
{
	c->number = 0;
	c->hash = EVP_MD_CTX_new();
	if (!c->hash)
		return SAM_MEMORY;
	if (EVP_DigestInit_ex2(c->hash, sam_ossl_md(SAM_HASH_SHA256), NULL) != 1)
		return SAM_INTERNAL;
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, line, len, c->aad);
	return reason == SAM_OK ? sam_chunks_hash(c, line, len) : reason;
}

void sam_chunks_clear(struct sam_chunks *c)
{
	EVP_MD_CTX_free(c->hash);
	sam_mem_wipe(c, sizeof *c);
}

/* A key is used for one file, and a number once in it: no nonce comes twice. */
static void next_nonce(struct sam_chunks *c, bool last, uint8_t nonce[SAM_GCM_NONCE])
{
	memset(nonce, 0, SAM_GCM_NONCE);
	for (unsigned i = 0; i < 8; i++)
		nonce[3 + i] = (uint8_t)(c->number >> (56 - 8 * i));
	nonce[11] = last;
	c->number++;
}

enum sam_reason sam_chunks_seal(struct sam_chunks *c, uint8_t *data, size_t len, bool last)
{
	uint8_t nonce[SAM_GCM_NONCE];
	next_nonce(c, last, nonce);
	return sam_gcm_encrypt(c->key, nonce, (struct sam_gcm_aad){c->aad, sizeof c->aad}, data, len, data, data + len);
}

bool sam_chunks_open(struct sam_chunks *c, uint8_t *data, size_t len, bool last)
{
	uint8_t nonce[SAM_GCM_NONCE];
	next_nonce(c, last, nonce);
	return sam_gcm_decrypt(c->key, nonce, (struct sam_gcm_aad){c->aad, sizeof c->aad}, data, len, data + len, data);
}

enum sam_reason sam_chunks_hash(struct sam_chunks *c, const void *data, size_t len)
{
	return EVP_DigestUpdate(c->hash, data, len) == 1 ? SAM_OK : SAM_INTERNAL;
}

enum sam_reason sam_chunks_finish(struct sam_chunks *c, uint8_t sha256[32])
{
	return EVP_DigestFinal_ex(c->hash, sha256, NULL) == 1 ? SAM_OK : SAM_INTERNAL;
}

enum sam_reason sam_container_put(int fd, const void *data, size_t len, struct sam_msg *msg)
{
	const uint8_t *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			sam_msg_set(msg, "it cannot be written: %s", n < 0 ? strerror(errno) : "nothing was taken");
			return SAM_STORE_FAILED;
		}
		p += n;
		len -= (size_t)n;
	}
	return SAM_OK;
}
