/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sealing: the keys with which store, registry and sap protect what they keep outside the CM. All
 * come from one value that the CM derives at start from a key it never gives out; they are handed
 * down, nobody below asks the CM.
 */
#ifndef SAM_BASE_SEAL_H
#define SAM_BASE_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include "base/reason.h"

struct sam_seal;

enum sam_seal_key {
	SAM_SEAL_ROW,      /* the MAC that stands in a row */
	SAM_SEAL_SUM,      /* a row's part of the sums in the head; never stored as such */
	SAM_SEAL_LOOKUP,   /* look-up of SAD tokens and (iss, jti) */
	SAM_SEAL_PAYLOAD,  /* which payload a (iss, jti) had */
	SAM_SEAL_PASSWORD, /* so that a copy of the store allows no guessing */
	SAM_SEAL_CIPHER,   /* AES-256-GCM: the head, tokens for reading */
	SAM_SEAL_KEYS
};

enum { SAM_SEAL_MAC = 32, SAM_SEAL_OVERHEAD = 16 + 12 + 16 };

/** sam_seal_new(root, out): Derive all keys from ${root} (HKDF-SHA-256, RFC 5869); the caller wipes
 * ${root} and frees with sam_seal_free(). */
enum sam_reason sam_seal_new(const uint8_t root[32], struct sam_seal **out) SAM_MUST;
void sam_seal_free(struct sam_seal *seal); /* wipes; NULL is harmless */

/** sam_seal_mac(seal, key, data, len, out): HMAC-SHA-256 under that key. Any thread. */
enum sam_reason sam_seal_mac(const struct sam_seal *seal, enum sam_seal_key key, const void *data,
			     size_t len, uint8_t out[SAM_SEAL_MAC]) SAM_MUST;

/** sam_seal_encrypt(seal, what, in, len, out): ${out} gets len + SAM_SEAL_OVERHEAD bytes: salt,
 * nonce, ciphertext, tag. ${what} is bound to it as associated data. */
enum sam_reason sam_seal_encrypt(const struct sam_seal *seal, const char *what, const void *in,
				 size_t len, uint8_t *out) SAM_MUST;

/** sam_seal_decrypt(seal, what, in, len, out): The reverse; ${out} gets len - SAM_SEAL_OVERHEAD bytes.
 * STORE_TAMPERED if it is not what was sealed as ${what}. */
enum sam_reason sam_seal_decrypt(const struct sam_seal *seal, const char *what, const void *in,
				 size_t len, uint8_t *out) SAM_MUST;

#endif
