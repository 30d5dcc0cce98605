/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: whatever comes as a compact JWE, with the key of RFC 7518 appendix C. Beyond not crashing: a refusal
 * leaves nothing behind, what was opened opens again, and with another last character it does not.
 */
#include <stdlib.h>
#include <string.h>
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sam_secret first = {NULL, 0}, second = {NULL, 0};
	start();
	char *text = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(text != NULL);
	if (size)
		memcpy(text, data, size);
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
