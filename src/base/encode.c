/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base64url by hand: OpenSSL's decoder takes white space and padding, which a JWS must not have.
 */
#include "base/encode.h"

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t sam_encode_b64url(const void *data, size_t len, char *out)
{
	const uint8_t *in = data;
	char *p = out;
	while (len >= 3) {
		uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		*p++ = url_alphabet[v >> 18];
		*p++ = url_alphabet[v >> 12 & 63];
		*p++ = url_alphabet[v >> 6 & 63];
		*p++ = url_alphabet[v & 63];
		in += 3;
		len -= 3;
	}
	if (len) {
		uint32_t v = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);
		*p++ = url_alphabet[v >> 18];
		*p++ = url_alphabet[v >> 12 & 63];
		if (len == 2)
			*p++ = url_alphabet[v >> 6 & 63];
	}
	*p = '\0';
	return (size_t)(p - out);
}

/* The value of a character of the URL alphabet, or with `any` of the standard one; -1: none. */
static int value_of(char c, bool any)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || (any && c == '+'))
		return 62;
	if (c == '_' || (any && c == '/'))
		return 63;
	return -1;
}

static bool decode(const char *text, size_t len, bool any, uint8_t *out, size_t size, size_t *out_len)
{
	if (len % 4 == 1 || len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0) > size)
		return false;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		int v = value_of(text[i], any);
		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	*out_len = n;
	return bits == 0; /* the unused bits: one spelling for each value */
}

bool sam_decode_b64url(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	return decode(text, len, false, out, size, out_len);
}

bool sam_decode_b64any(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	if (len % 4 == 0 && len && text[len - 1] == '=')
		len -= text[len - 2] == '=' ? 2 : 1;
	return decode(text, len, true, out, size, out_len);
}

void sam_encode_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = data;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool sam_decode_hex(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	if (len % 2 || len / 2 > size)
		return false;
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*out_len = len / 2;
	return true;
}
