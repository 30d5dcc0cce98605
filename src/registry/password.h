/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Passwords of principals and signers: scrypt (RFC 7914) over an HMAC under a key of the CM, so that a
 * copy of the store allows no guessing.
 */
#ifndef SAM_REGISTRY_PASSWORD_H
#define SAM_REGISTRY_PASSWORD_H

#include "base/seal.h"

enum { SAM_PASSWORD_MIN = 8, SAM_PASSWORD_MAX = 128 };

/** sam_password_make(seal, secret, len, out, size): "scrypt$15$8$1$SALT$HASH" (base64url) into ${out} of
 * at least 160 bytes. PASSWORD_WEAK outside 8 to 128 bytes. */
enum sam_reason sam_password_make(const struct sam_seal *seal, const char *secret, size_t len, char *out,
				  size_t size) SAM_MUST;

/** sam_password_check(seal, secret, len, stored): PASSWORD_WRONG if it is not. ${stored} NULL: does the same
 * work and refuses, so that time tells nothing about which names exist. */
enum sam_reason sam_password_check(const struct sam_seal *seal, const char *secret, size_t len,
				   const char *stored) SAM_MUST;

#endif
