/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The same SAD, spelt otherwise, as somebody with or without the device key could:
 *
 *   respell s SAD                the other ECDSA s (n - s): verifies as well
 *   respell space KEY.jwk SAD    the payload with other JSON white space, signed again
 *   respell order KEY.jwk SAD    the payload with its members in another order, signed again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include "base/encode.h"
#include "sap/jose.h"

static int other_s(const char *sad)
{
	const char *dot = strrchr(sad, '.');
	uint8_t raw[64];
	size_t len;
	if (!dot || !sam_decode_b64url(dot + 1, strlen(dot + 1), raw, sizeof raw, &len) || len != sizeof raw)
		return 2;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *s = BN_bin2bn(raw + 32, 32, NULL);
	char text[100];
	if (!group || !s || !BN_sub(s, EC_GROUP_get0_order(group), s) || BN_bn2binpad(s, raw + 32, 32) != 32)
		return 2;
	sam_encode_b64url(raw, sizeof raw, text);
	printf("%.*s.%s\n", (int)(dot - sad), sad, text);
	BN_free(s);
	EC_GROUP_free(group);
	return 0;
}

/* {"a":1,…} again: indented, or sorted by name. */
static char *rewrite(const struct sam_jws *jws, const char *how)
{
	json_t *claims = sam_jose_json(jws->payload, jws->payload_len);
	char *text = claims ? json_dumps(claims, strcmp(how, "space") == 0 ? JSON_INDENT(3) | JSON_PRESERVE_ORDER
									  : JSON_COMPACT | JSON_SORT_KEYS)
			    : NULL;
	json_decref(claims);
	return text;
}

static int sign_again(const char *how, const char *key_file, const char *sad)
{
	struct sam_jws jws = {0};
	struct sam_msg msg = {""};
	EVP_PKEY *pkey = NULL;
	char *again = NULL;
	json_t *key = json_load_file(key_file, 0, NULL);
	if (!key || sam_jose_parse(sad, strlen(sad), &jws) != SAM_OK || sam_jose_private(key, &pkey, &msg) != SAM_OK)
		return 2;
	char *payload = rewrite(&jws, how);
	if (!payload || sam_jose_sign(jws.header, payload, strlen(payload), pkey, jws.alg, &again) != SAM_OK)
		return 2;
	puts(again);
	free(again);
	free(payload);
	json_decref(key);
	EVP_PKEY_free(pkey);
	sam_jose_clear(&jws);
	return 0;
}

int main(int argc, char **argv)
{
	if (sam_ossl_start() == SAM_OK && argc == 3 && strcmp(argv[1], "s") == 0)
		return other_s(argv[2]);
	if (argc == 4 && (strcmp(argv[1], "space") == 0 || strcmp(argv[1], "order") == 0))
		return sign_again(argv[1], argv[2], argv[3]);
	fprintf(stderr, "usage: respell s SAD | space KEY.jwk SAD | order KEY.jwk SAD\n");
	return 2;
}
