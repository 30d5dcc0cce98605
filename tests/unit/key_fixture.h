/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words about signing keys, for tests on sam_fixture.h (a test that is to have the mock as its CM says so before).
 */
#ifndef SAM_TESTS_KEY_FIXTURE_H
#define SAM_TESTS_KEY_FIXTURE_H

#include "sam_fixture.h"

#include "base/encode.h"

/** text(format, …): Kept to the test's end. */
static inline char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline char *text(const char *format, ...)
{
	char *out;
	va_list args;
	va_start(args, format);
	ck_assert_int_ge(vasprintf(&out, format, args), 0);
	va_end(args);
	keep(KEPT_TEXT, out);
	return out;
}

static inline const struct sam_key *key(const char *credential)
{
	return sam_registry_key(snapshot(), credential);
}

static inline char *thumbprint(const char *credential)
{
	char hex[65];
	ck_assert_ptr_nonnull(key(credential));
	sam_encode_hex(key(credential)->thumbprint, 32, hex);
	return text("%s", hex);
}

/* How many private keys of signers the CM holds. */
static inline enum sam_reason count_one(const struct sam_cm_found *found, void *arg)
{
	*(size_t *)arg += found->private && !found->own;
	return SAM_OK;
}

static inline size_t in_cm(void)
{
	size_t count = 0;
	is(sam_cm_scan(sam->cm, count_one, &count), SAM_OK);
	return count;
}

#endif
