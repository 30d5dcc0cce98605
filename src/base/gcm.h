/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AES-256-GCM over one buffer, in the private OpenSSL context; which key and nonce is the caller's to say.
 */
#ifndef SAM_BASE_GCM_H
#define SAM_BASE_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/reason.h"

enum { SAM_GCM_KEY = 32, SAM_GCM_NONCE = 12, SAM_GCM_TAG = 16 };

/* What goes with the data but is not encrypted. */
struct sam_gcm_aad {
	const void *data;
	size_t len;
};

/** sam_gcm_encrypt(key, nonce, aad, in, len, out, tag): ${out} has ${len} bytes and may be ${in}. INTERNAL if OpenSSL
 * refuses or a length is beyond an int. */
enum sam_reason sam_gcm_encrypt(const uint8_t key[SAM_GCM_KEY], const uint8_t nonce[SAM_GCM_NONCE],
				struct sam_gcm_aad aad, const uint8_t *in, size_t len, uint8_t *out,
				uint8_t tag[SAM_GCM_TAG]) SAM_MUST;

/** sam_gcm_decrypt(key, nonce, aad, in, len, tag, out): False, and ${out} wiped, if the tag is not right. */
bool sam_gcm_decrypt(const uint8_t key[SAM_GCM_KEY], const uint8_t nonce[SAM_GCM_NONCE], struct sam_gcm_aad aad,
		     const uint8_t *in, size_t len, const uint8_t tag[SAM_GCM_TAG], uint8_t *out) SAM_MUST;

#endif
