/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base64url (RFC 4648 section 5, no padding, strict), base64, hexadecimal.
 */
#ifndef SAM_BASE_ENCODE_H
#define SAM_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** sam_encode_b64url(data, len, out): Write (len * 4 + 2) / 3 characters and a NUL to ${out};
 * returns the number of characters. */
size_t sam_encode_b64url(const void *data, size_t len, char *out);

/** sam_decode_b64url(text, len, out, size, out_len): Strict: no padding, no white space, unused
 * bits zero. False (and nothing to rely on in ${out}) if malformed or longer than ${size}. */
bool sam_decode_b64url(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len);

/** sam_decode_b64any(text, len, out, size, out_len): As above for either alphabet, with or without
 * right padding (the CSC API's hash members come in both). */
bool sam_decode_b64any(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len);

/** sam_encode_hex(data, len, out): Write 2 * len lower-case digits and a NUL. */
void sam_encode_hex(const void *data, size_t len, char *out);

/** sam_decode_hex(text, len, out, size, out_len): Either case; false if malformed or too long. */
bool sam_decode_hex(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len);

#endif
