/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: whatever comes as a PIN, a compact JWS or a JWK. Beyond not crashing: what was taken
 * apart spells the text that came, and a key has one thumbprint.
 */
#include <stdlib.h>
#include <string.h>
#include "base/encode.h"
#include "base/ossl.h"
#include "sap/jose.h"
#include "sap/pin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* the keys of RFC 7515 A.3, A.2 and RFC 8037 A.1 */
static const char *const key_texts[] = {
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
	"Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql"
	"L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
	"bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2"
	"CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
	"h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp"
	"oQ\",\"e\":\"AQAB\"}",
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
	"7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
};

enum { KEYS = sizeof key_texts / sizeof key_texts[0] };
static struct sam_jwk keys[KEYS];

static void start(void)
{
	static bool done;
	if (done)
		return;
	require(sam_ossl_start() == SAM_OK);
	for (size_t i = 0; i < KEYS; i++) {
		json_t *json = sam_jose_json(key_texts[i], strlen(key_texts[i]));
		require(sam_jose_jwk(json, &keys[i], NULL) == SAM_OK);
		json_decref(json);
	}
	done = true;
}

static void check_spelling(const struct sam_jws *jws, const char *text, size_t size)
{
	const char *dot = memchr(text, '.', size);
	size_t room = size + 8;
	char *again = malloc(room);
	require(again != NULL && jws->signing_input == text && jws->signing_input_len < size);
	require(jws->payload[jws->payload_len] == '\0');
	memcpy(again, text, (size_t)(dot - text) + 1);
	size_t n = (size_t)(dot - text) + 1;
	n += sam_encode_b64url(jws->payload, jws->payload_len, again + n);
	again[n++] = '.';
	n += sam_encode_b64url(jws->signature, jws->signature_len, again + n);
	require(n == size && memcmp(again, text, size) == 0);
	free(again);
}

static void try_jws(const char *text, size_t size)
{
	struct sam_jws jws;
	if (sam_jose_parse(text, size, &jws) == SAM_OK) {
		check_spelling(&jws, text, size);
		for (size_t i = 0; i < KEYS; i++) {
			enum sam_reason any = sam_jose_verify(&jws, keys[i].pkey, SAM_JWS_NONE);
			enum sam_reason own = sam_jose_verify(&jws, keys[i].pkey, jws.alg);
			require(any == own);
		}
	}
	sam_jose_clear(&jws);
}

static void try_jwk(const void *data, size_t size)
{
	json_t *json = sam_jose_json(data, size), *public;
	struct sam_jwk first, second;
	struct sam_msg msg;
	EVP_PKEY *private;
	if (json && sam_jose_jwk(json, &first, &msg) == SAM_OK) {
		require(first.pkey != NULL && strlen(first.thumbprint) == SAM_THUMBPRINT_LEN);
		public = sam_jose_jwk_public(json);
		require(public && sam_jose_jwk(public, &second, &msg) == SAM_OK);
		require(strcmp(first.thumbprint, second.thumbprint) == 0 &&
			first.alg == second.alg);
		sam_jose_jwk_clear(&first);
		sam_jose_jwk_clear(&second);
		json_decref(public);
	}
	if (json && sam_jose_private(json, &private, &msg) == SAM_OK)
		EVP_PKEY_free(private);
	sam_jose_private_free(json);
}

static void try_pin(const char *text, size_t size)
{
	struct sam_pin pin;
	for (int named = 0; named < 2; named++)
		if (sam_pin_read(text, size, named ? "alice" : NULL, &pin) == SAM_OK)
			require(pin.len > 0 && pin.text >= text &&
				pin.text + pin.len == text + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	char *text = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(text != NULL);
	if (size)
		memcpy(text, data, size);
	try_jws(text, size);
	try_jwk(text, size);
	try_pin(text, size);
	free(text);
	return 0;
}
