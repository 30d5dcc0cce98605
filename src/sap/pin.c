/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a PIN is, by its form alone. Clients cut long PINs without a word, so what looks cut is told
 * apart from what is wrong: the operator then knows which of the two to mend.
 */
#include "sap/pin.h"

#include <string.h>
#include "base/encode.h"
#include "sap/jose.h"

enum { TOKEN_PREFIX = sizeof P11_SAM_TOKEN_PREFIX - 1, TOKEN_LEN = P11_SAM_TOKEN_LENGTH };

static bool b64url_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);
	return len >= n && memcmp(text, prefix, n) == 0;
}

/* ---- SAD tokens: sat_ and 26 characters of lower-case base32, 130 bits (RFC 4648) ---- */

static bool base32_only(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '2' && text[i] <= '7')))
			return false;
	return true;
}

static enum sam_reason read_token(const char *pin, size_t len, struct sam_pin *out)
{
	if (len > TOKEN_LEN || !base32_only(pin + TOKEN_PREFIX, len - TOKEN_PREFIX))
		return SAM_PIN_FORM;
	if (len < TOKEN_LEN)
		return SAM_SAD_TRUNCATED;
	out->kind = SAM_PIN_TOKEN;
	out->text = pin;
	out->len = len;
	return SAM_OK;
}

/* ---- SADs ---- */

/* What the header, if it can be read, says of the length of the third part. */
struct header {
	bool encrypted; /* `enc`: a JWE that lost its end, with two dots or three */
	bool foreign;   /* an `alg` that is not ours: for sam_jose_parse() to refuse */
	enum sam_jws_alg alg;
};

static struct header read_header(const char *text, size_t len)
{
	struct header header = {.alg = SAM_JWS_NONE};
	uint8_t buffer[SAM_JWS_HEADER_MAX];
	size_t size;
	if (!sam_decode_b64url(text, len, buffer, sizeof buffer, &size))
		return header;
	sam_auto(json_decref) json_t *json = sam_jose_json(buffer, size);
	const char *alg = json_string_value(json_object_get(json, "alg"));
	header.alg = alg ? sam_jws_by_name(alg) : SAM_JWS_NONE;
	header.foreign = alg && header.alg == SAM_JWS_NONE;
	header.encrypted = json_object_get(json, "enc") != NULL;
	return header;
}

/* Does the signature, `len` base64url characters, lack its end? An RSA key's length is not known
 * here: sam_jose_verify() sees the rest of those cases. */
static bool signature_cut(enum sam_jws_alg alg, size_t len)
{
	enum { ES256_CHARS = 86, ES384_CHARS = 128, ES512_CHARS = 176, RSA_CHARS = 342 };
	if (len % 4 == 1)
		return true;
	switch (alg) {
	case SAM_JWS_ES256:
	case SAM_JWS_EDDSA:
		return len < ES256_CHARS;
	case SAM_JWS_ES384:
		return len < ES384_CHARS;
	case SAM_JWS_ES512:
		return len < ES512_CHARS;
	case SAM_JWS_NONE: /* no readable header: is it the length of any? */
		return len < RSA_CHARS && len != ES256_CHARS && len != ES384_CHARS &&
		       len != ES512_CHARS;
	default:
		return len < RSA_CHARS;
	}
}

enum { DOTS_MAX = 4 };

/* Where its dots are, at most DOTS_MAX; false: there are more. */
static bool find_dots(const char *text, size_t len, size_t dots[DOTS_MAX], size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '.')
			continue;
		if (*count == DOTS_MAX)
			return false;
		dots[(*count)++] = i;
	}
	return true;
}

/* A SAD or its proof: a compact JWS. */
static enum sam_reason check_jws(const char *text, size_t len)
{
	size_t dots[DOTS_MAX], count;
	if (!starts_with(text, len, "eyJ"))
		return len < 3 && memcmp(text, "eyJ", len) == 0 ? SAM_SAD_TRUNCATED : SAM_PIN_FORM;
	if (!find_dots(text, len, dots, &count) || count == DOTS_MAX)
		return SAM_PIN_FORM;
	if (count != 2) /* three: of a JWE that lost its end */
		return SAM_SAD_TRUNCATED;
	struct header header = read_header(text, dots[0]);
	return header.encrypted || (!header.foreign && signature_cut(header.alg, len - dots[1] - 1)) ? SAM_SAD_TRUNCATED
												     : SAM_OK;
}

/* What must be there of nonce and tag, 12 and 16 bytes; of the key and of what is inside nothing need be. */
static enum sam_reason check_jwe(size_t len, const size_t dots[DOTS_MAX])
{
	enum { NONCE_CHARS = 16, TAG_CHARS = 22 };
	return dots[2] - dots[1] - 1 < NONCE_CHARS || len - dots[3] - 1 < TAG_CHARS ? SAM_SAD_TRUNCATED : SAM_OK;
}

static enum sam_reason read_sad(const char *pin, size_t len, struct sam_pin *out)
{
	size_t dots[DOTS_MAX], count;
	const char *tilde = memchr(pin, '~', len);
	const size_t first = tilde ? (size_t)(tilde - pin) : len;
	const bool few = find_dots(pin, first, dots, &count), encrypted = !tilde && few && count == DOTS_MAX;
	enum sam_reason reason = encrypted ? check_jwe(len, dots) : check_jws(pin, first);
	/* the proof is the last that is cut: where the SAD before it is not whole, that was no client */
	if (reason == SAM_SAD_TRUNCATED && tilde)
		reason = SAM_PIN_FORM;
	if (reason == SAM_OK && tilde)
		reason = memchr(tilde + 1, '~', len - first - 1) ? SAM_PIN_FORM : check_jws(tilde + 1, len - first - 1);
	if (reason != SAM_OK)
		return reason;
	out->kind = encrypted ? SAM_PIN_ENCRYPTED : SAM_PIN_SAD;
	out->text = pin;
	out->len = len;
	return SAM_OK;
}

/* Made of the characters of a SAD, with or without its proof. */
static bool sad_characters(const char *pin, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!b64url_char(pin[i]) && pin[i] != '.' && pin[i] != '~')
			return false;
	return true;
}

/* ---- passwords ---- */

static enum sam_reason read_password(const char *name, size_t name_len, const char *secret,
				     size_t len, struct sam_pin *out)
{
	if (!sam_name_valid(name, name_len) || len == 0)
		return SAM_PIN_FORM;
	out->kind = SAM_PIN_PASSWORD;
	memcpy(out->name, name, name_len);
	out->name[name_len] = '\0';
	out->text = secret;
	out->len = len;
	return SAM_OK;
}

enum sam_reason sam_pin_read(const char *pin, size_t len, const char *name, struct sam_pin *out)
{
	memset(out, 0, sizeof *out);
	if (!pin)
		return SAM_PIN_NULL;
	if (len == 0)
		return SAM_PIN_EMPTY;
	if (len > SAM_PIN_MAX)
		return SAM_PIN_TOO_LONG;
	if (memchr(pin, '\0', len))
		return SAM_PIN_FORM;
	if (starts_with(pin, len, "eyJ") && sad_characters(pin, len))
		return read_sad(pin, len, out);
	if (starts_with(pin, len, P11_SAM_TOKEN_PREFIX)) {
		enum sam_reason reason = read_token(pin, len, out);
		if (reason != SAM_PIN_FORM || !name)
			return reason;
	}
	if (name)
		return read_password(name, strlen(name), pin, len, out);
	const char *colon = memchr(pin, ':', len);
	if (!colon)
		return SAM_PIN_FORM;
	return read_password(pin, (size_t)(colon - pin), colon + 1, (size_t)(pin + len - colon - 1),
			     out);
}

bool sam_pin_may_be_password(const char *secret, size_t len)
{
	struct sam_pin pin;
	return sam_pin_read(secret, len, "somebody", &pin) == SAM_OK && pin.kind == SAM_PIN_PASSWORD;
}
