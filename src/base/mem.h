/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory: cleanup attributes, wiping, comparing in constant time (invariant 8).
 */
#ifndef SAM_BASE_MEM_H
#define SAM_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* sam_auto(free_function) T *p = NULL; frees p on every way out of the block. */
#define sam_auto(fn) __attribute__((cleanup(fn##_p)))
#define SAM_AUTO_FREE(type, fn)                      \
	static inline void fn##_p(type **p)          \
	{                                            \
		if (*p)                              \
			fn(*p);                      \
	}                                            \
	struct sam_eat_semicolon_##fn

/** sam_free_p(pp): cleanup for malloc()ed memory: `sam_auto(sam_free) char *s = NULL;` */
static inline void sam_free_p(void *pp)
{
	free(*(void **)pp);
}

/* Bytes that must not be left behind: wiped before they are freed. */
struct sam_secret {
	uint8_t *data; /* NUL-terminated beyond len, for convenience */
	size_t len;
};

/** sam_secret_set(s, data, len): Make ${s} (zeroed or set before) own a copy. False: no memory. */
bool sam_secret_set(struct sam_secret *s, const void *data, size_t len);

/** sam_secret_clear(s): Wipe and free; harmless on a zeroed one. */
void sam_secret_clear(struct sam_secret *s);

/** sam_mem_wipe(p, len): Overwrite so that the compiler does not leave it out. */
void sam_mem_wipe(void *p, size_t len);

/** sam_mem_equal(a, b, len): Equal? in a time that depends on ${len} alone. */
bool sam_mem_equal(const void *a, const void *b, size_t len);

/** sam_mem_copy_text(dst, size, src): Copy a string; false (and dst "") if it does not fit. */
bool sam_mem_copy_text(char *dst, size_t size, const char *src);

#endif
