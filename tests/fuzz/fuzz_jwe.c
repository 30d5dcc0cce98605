/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: whatever comes as a compact JWE, with the key of RFC 7518 appendix C, and as the SAM takes it, whose key is
 * in a CM. Beyond not crashing: a refusal leaves nothing behind, what was opened opens again, and with another last
 * character it does not; a CM is only ever given a point of the curve.
 */
#include <stdlib.h>
#include <string.h>
#include "base/pkey.h"
#include "sap/jwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static json_t *key;

static void start(void)
{
	static const char text[] =
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
		"\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\","
		"\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}";
	if (key)
		return;
	require(sam_ossl_start() == SAM_OK);
	key = sam_jose_json(text, strlen(text));
	require(key != NULL);
}

/* A CM that trusts us: what it is given must be a point. */
static enum sam_reason agree(void *arg, const uint8_t point[SAM_JWE_POINT], uint8_t z[SAM_JWE_Z])
{
	EVP_PKEY *peer = NULL;
	require(point[0] == 4 && sam_pkey_ec("P-256", point, SAM_JWE_POINT, NULL, &peer) == SAM_OK);
	EVP_PKEY_free(peer);
	memset(z, 'z', SAM_JWE_Z);
	++*(unsigned *)arg;
	return SAM_OK;
}

static enum sam_reason decrypt(void *arg, const uint8_t *data, size_t len, uint8_t content[SAM_JWE_CONTENT_KEY])
{
	require(data && len >= SAM_JWE_RSA_MIN && len <= SAM_JWE_RSA_MAX);
	++*(unsigned *)arg;
	(void)content;
	return SAM_JWE_KEY;
}

static void as_the_sam_does(const char *text, size_t size)
{
	unsigned asked = 0;
	const struct sam_jwe_opener by = {&asked, agree, decrypt};
	struct sam_secret out = {NULL, 0};
	struct sam_jwe *jwe;
	enum sam_reason reason = sam_jwe_parse(text, size, &jwe);
	require((reason == SAM_OK) == (jwe != NULL));
	if (!jwe)
		return;
	require(json_is_object(sam_jwe_header(jwe)));
	reason = sam_jwe_open(jwe, &by, &out);
	require(asked == 1 && (reason == SAM_OK || reason == SAM_JWE_KEY) && (reason == SAM_OK) == (out.data != NULL));
	sam_secret_clear(&out);
	sam_jwe_free(jwe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sam_secret first = {NULL, 0}, second = {NULL, 0};
	start();
	char *text = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(text != NULL);
	if (size)
		memcpy(text, data, size);
	as_the_sam_does(text, size);
	enum sam_reason reason = sam_jwe_decrypt(text, size, key, &first);
	require((reason == SAM_OK) == (first.data != NULL));
	if (reason == SAM_OK) {
		require(first.data[first.len] == 0 && sam_jwe_decrypt(text, size, key, &second) == SAM_OK);
		require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
		text[size - 1] ^= 1;
		require(sam_jwe_decrypt(text, size, key, &second) != SAM_OK);
	} else {
		require(reason == SAM_JWE_MALFORMED || reason == SAM_JWE_ALGORITHM || reason == SAM_JWE_KEY);
	}
	sam_secret_clear(&first);
	sam_secret_clear(&second);
	free(text);
	return 0;
}
