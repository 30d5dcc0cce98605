/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Secrets in memory.
 */
#include "base/mem.h"

#include <string.h>
#include <openssl/crypto.h>

void sam_mem_wipe(void *p, size_t len)
{
	if (p)
		OPENSSL_cleanse(p, len);
}

bool sam_mem_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

bool sam_mem_copy_text(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);
	if (len >= size) {
		dst[0] = '\0';
		return false;
	}
	memcpy(dst, src, len + 1);
	return true;
}

bool sam_secret_set(struct sam_secret *s, const void *data, size_t len)
{
	if (len == SIZE_MAX)
		return false;
	uint8_t *copy = malloc(len + 1);
	if (!copy)
		return false;
	if (len)
		memcpy(copy, data, len);
	copy[len] = 0;
	sam_secret_clear(s);
	s->data = copy;
	s->len = len;
	return true;
}

void sam_secret_clear(struct sam_secret *s)
{
	if (!s->data)
		return;
	sam_mem_wipe(s->data, s->len);
	free(s->data);
	s->data = NULL;
	s->len = 0;
}
