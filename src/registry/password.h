/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Passwords of principals and signers: scrypt (RFC 7914) over an HMAC under a key of the CM, so that a
 * copy of the store allows no guessing.
 */
#ifndef SAM_REGISTRY_PASSWORD_H
#define SAM_REGISTRY_PASSWORD_H

#include "base/seal.h"
#include "policy/policy.h"

enum { SAM_PASSWORD_MIN = 8, SAM_PASSWORD_MAX = 128, SAM_KNOWLEDGE_MIN = 4, SAM_KNOWLEDGE_MAX = 64 };

/** sam_password_strong(policy, name, secret, len, msg): Is it hard to guess, by the policy's rules (P1-7.1.2.3)? It
 * has the length and as many different characters as they ask for, no zero byte, and not the name in it.
 * ${policy} NULL: the least that any policy asks for. PASSWORD_WEAK and what to do in ${msg}. */
enum sam_reason sam_password_strong(const struct sam_policy *policy, const char *name, const void *secret, size_t len,
				    struct sam_msg *msg) SAM_MUST;

/** sam_knowledge_strong(secret, len, msg): May it be a signer's PIN: 4 to 64 printable ASCII characters without
 * quotation mark and backslash, not all the same, no run up or down? PASSWORD_WEAK with ${msg}. */
enum sam_reason sam_knowledge_strong(const void *secret, size_t len, struct sam_msg *msg) SAM_MUST;

/** sam_password_make(seal, secret, len, out, size): "scrypt$15$8$1$SALT$HASH" (base64url) into ${out} of
 * at least 160 bytes; a password or a signer's PIN. PASSWORD_WEAK outside 4 to 128 bytes. */
enum sam_reason sam_password_make(const struct sam_seal *seal, const char *secret, size_t len, char *out,
				  size_t size) SAM_MUST;

/** sam_password_check(seal, secret, len, stored): PASSWORD_WRONG if it is not. ${stored} NULL: does the same
 * work and refuses, so that time tells nothing about which names exist. */
enum sam_reason sam_password_check(const struct sam_seal *seal, const char *secret, size_t len,
				   const char *stored) SAM_MUST;

#endif
