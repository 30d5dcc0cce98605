/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jwe encrypt ALG PUBLIC.jwk | decrypt PRIVATE.jwk: from standard input to standard output, for
 * tests/client/jose_oracle.sh. 1 if it was refused, 2 for everything else.
 */
#include <stdio.h>
#include <string.h>
#include "sap/jwe.h"

enum { REFUSED = 1, BROKEN = 2 };

static json_t *read_key(const char *path)
{
	json_t *key = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (!key)
		fprintf(stderr, "%s: no JSON\n", path);
	return key;
}

static int refused(enum sam_reason reason)
{
	fprintf(stderr, "%s\n", sam_reason_text(reason));
	return REFUSED;
}

static int encrypt(const char *alg, const char *path, const char *in, size_t len)
{
	sam_auto(json_decref) json_t *key = read_key(path);
	sam_auto(sam_free) char *text = NULL;
	if (!key)
		return BROKEN;
	enum sam_reason reason = sam_jwe_encrypt(key, alg, NULL, in, len, &text);
	if (reason != SAM_OK)
		return refused(reason);
	fputs(text, stdout);
	return 0;
}

static int decrypt(const char *path, const char *in, size_t len)
{
	sam_auto(sam_jose_private_free) json_t *key = read_key(path);
	struct sam_secret out = {NULL, 0};
	if (!key)
		return BROKEN;
	enum sam_reason reason = sam_jwe_decrypt(in, len, key, &out);
	if (reason != SAM_OK)
		return refused(reason);
	fwrite(out.data, 1, out.len, stdout);
	sam_secret_clear(&out);
	return 0;
}

int main(int argc, char *argv[])
{
	static char in[SAM_JWE_MAX + 2];
	size_t len = fread(in, 1, sizeof in - 1, stdin);
	if (sam_ossl_start() != SAM_OK)
		return BROKEN;
	if (argc == 4 && strcmp(argv[1], "encrypt") == 0)
		return encrypt(argv[2], argv[3], in, len);
	if (argc == 3 && strcmp(argv[1], "decrypt") == 0)
		return decrypt(argv[2], in, len);
	fputs("usage: jwe encrypt ALG PUBLIC.jwk | decrypt PRIVATE.jwk\n", stderr);
	return BROKEN;
}
