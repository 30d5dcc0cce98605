/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool: SADs encrypted to the SAM, and what such a one says to everybody.
 */
#include "tools/sadtool.h"

#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "sap/jwe.h"

int sadtool_recipient_load(const char *path, const char *alg, struct sadtool_recipient *out)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	struct sam_msg msg = {""};
	out->jwk = sadtool_read_jwk(path);
	if (!out->jwk)
		return SADTOOL_FAILED;
	const char *own = json_string_value(json_object_get(out->jwk, "alg"));
	const char *kty = json_string_value(json_object_get(out->jwk, "kty"));
	const bool rsa = kty && strcmp(kty, "RSA") == 0;
	out->alg = alg ? alg : own ? own : rsa ? SAM_JWE_RSA : SAM_JWE_WRAPPED;
	if (sam_jwe_recipient(out->jwk, kid, &msg) != SAM_OK)
		return sadtool_fail(path, "%s", msg.text);
	if (rsa ? strcmp(out->alg, SAM_JWE_RSA) != 0
		: strcmp(out->alg, SAM_JWE_DIRECT) != 0 && strcmp(out->alg, SAM_JWE_WRAPPED) != 0)
		return sadtool_misuse("--encrypt-alg", "`%s` is not for this key: %s", out->alg,
				      rsa ? SAM_JWE_RSA : SAM_JWE_DIRECT " or " SAM_JWE_WRAPPED);
	return SADTOOL_OK;
}

void sadtool_recipient_clear(struct sadtool_recipient *recipient)
{
	sam_jose_private_free(recipient->jwk); /* whatever was given */
	recipient->jwk = NULL;
}

int sadtool_encrypt(const struct sadtool_recipient *recipient, const char *text, char **out)
{
	sam_auto(json_decref) json_t *header = json_pack("{s:s}", "cty", "sad+jwt");
	enum sam_reason reason =
		header ? sam_jwe_encrypt(recipient->jwk, recipient->alg, header, text, strlen(text), out) : SAM_MEMORY;
	if (reason == SAM_ARGUMENTS)
		return sadtool_fail("--encrypt-to", "encrypted it would be longer than %d characters", SAM_JWE_MAX);
	return reason == SAM_OK ? SADTOOL_OK : sadtool_fail("--encrypt-to", "%s", sam_reason_text(reason));
}

/* A part's length in bytes, of so many characters. */
static json_int_t bytes_of(size_t characters)
{
	return (json_int_t)(characters * 3 / 4);
}

int sadtool_inspect_jwe(const char *path, const char *text, size_t len, bool as_json)
{
	uint8_t header[SAM_JWS_HEADER_MAX];
	size_t size, ends[4], n = 0;
	for (size_t i = 0; i < len && n < 4; i++)
		if (text[i] == '.')
			ends[n++] = i;
	sam_auto(json_decref) json_t *json =
		n == 4 && sam_decode_b64url(text, ends[0], header, sizeof header, &size)
			? sam_jose_json(header, size)
			: NULL;
	if (!json)
		return sadtool_fail(path, "%s", sam_reason_text(SAM_JWE_MALFORMED));
	sam_auto(json_decref) json_t *object =
		json_pack("{s:O,s:I,s:I,s:s}", "header", json, "encrypted_key", bytes_of(ends[1] - ends[0] - 1),
			  "ciphertext", bytes_of(ends[3] - ends[2] - 1), "state", "encrypted: only the SAM can say what is inside");
	if (!object)
		return sadtool_fail(path, "out of memory");
	if (as_json)
		return sadtool_print_json(object) ? SADTOOL_OK : sadtool_fail(path, "out of memory");
	sam_auto(sam_free) char *indented = json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (!indented)
		return sadtool_fail(path, "out of memory");
	for (char *p = indented; *p; p++)
		if (*p == 0x7f) /* could steer a terminal */
			*p = '?';
	printf("header %s\n%-10s %lld bytes\n%-10s %s\n", indented, "inside", (long long)bytes_of(ends[3] - ends[2] - 1),
	       "state", json_string_value(json_object_get(object, "state")));
	return SADTOOL_OK;
}
