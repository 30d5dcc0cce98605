/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a thief of the store's files can do with the hash of a PIN or password in them: try every guess of a
 * list. Says which one fits, exit status 0; none: exit status 1.
 *
 *   guess VERIFIER plain|zero|sam-id|cm < GUESSES
 *
 * plain: the guess itself is hashed; zero, sam-id: its HMAC under a key from a root of zeros or from the
 * SHA-256 of $SAM_ID; cm: under the right one, which takes the CM: so that it is seen that the right guess would
 * be found. The scrypt here is OpenSSL's of its own, not the SAM's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "base/config.h"
#include "base/encode.h"
#include "base/ossl.h"
#include "base/seal.h"
#include "sap/rooms.h"

enum { SALT = 16, HASH = 32, GUESS_MAX = 256 };

struct verifier {
	uint64_t n;
	uint8_t salt[SALT], hash[HASH];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "guess: %s\n", what);
	exit(2);
}

static struct verifier take_apart(const char *text)
{
	struct verifier v;
	char salt[64], hash[64];
	unsigned log2_n;
	size_t len;
	if (sscanf(text, "scrypt$%u$8$1$%63[^$]$%63s", &log2_n, salt, hash) != 3 || log2_n > 20 ||
	    !sam_decode_b64url(salt, strlen(salt), v.salt, SALT, &len) || len != SALT ||
	    !sam_decode_b64url(hash, strlen(hash), v.hash, HASH, &len) || len != HASH)
		die("that is no verifier");
	v.n = UINT64_C(1) << log2_n;
	return v;
}

static void root_of_cm(uint8_t root[32])
{
	struct sam_config config;
	struct sam_cm *cm = NULL;
	struct sam_msg msg = {""};
	char path[PATH_MAX];
	if (!sam_config_find(NULL, path, sizeof path) || sam_config_load(path, &config, &msg) != SAM_OK ||
	    sam_open_cm(&config, false, &cm, &msg) != SAM_OK || sam_cm_seal_root(cm, root) != SAM_OK)
		die(msg.text[0] ? msg.text : "the CM's root cannot be had");
	sam_cm_close(cm);
}

/* The key that the guess goes through; NULL: none. */
static struct sam_seal *seal_of(const char *how)
{
	uint8_t root[32] = {0};
	struct sam_seal *seal = NULL;
	const char *sam_id = getenv("SAM_ID");
	if (strcmp(how, "plain") == 0)
		return NULL;
	if (strcmp(how, "sam-id") == 0 &&
	    (!sam_id || EVP_Digest(sam_id, strlen(sam_id), root, NULL, EVP_sha256(), NULL) != 1))
		die("no $SAM_ID");
	if (strcmp(how, "cm") == 0)
		root_of_cm(root);
	else if (strcmp(how, "zero") != 0 && strcmp(how, "sam-id") != 0)
		die("that is no way to guess");
	if (sam_seal_new(root, &seal) != SAM_OK)
		die("no seal");
	return seal;
}

static bool fits(const struct verifier *v, const struct sam_seal *seal, const char *guess, size_t len)
{
	uint8_t keyed[SAM_SEAL_MAC], made[HASH];
	if (seal && sam_seal_mac(seal, SAM_SEAL_PASSWORD, guess, len, keyed) != SAM_OK)
		die("no MAC");
	if (EVP_PBE_scrypt(seal ? (const char *)keyed : guess, seal ? sizeof keyed : len, v->salt, SALT, v->n, 8, 1,
			   UINT64_C(64) << 20, made, HASH) != 1)
		die("no scrypt");
	return memcmp(made, v->hash, HASH) == 0;
}

int main(int argc, char **argv)
{
	char guess[GUESS_MAX];
	unsigned tried = 0;
	if (argc != 3 || sam_ossl_start() != SAM_OK)
		die("guess VERIFIER plain|zero|sam-id|cm < GUESSES");
	const struct verifier v = take_apart(argv[1]);
	struct sam_seal *seal = seal_of(argv[2]);
	bool found = false;
	while (!found && fgets(guess, sizeof guess, stdin)) {
		size_t len = strcspn(guess, "\n");
		guess[len] = '\0';
		tried++;
		found = fits(&v, seal, guess, len);
	}
	sam_seal_free(seal);
	if (found)
		printf("%s\n", guess);
	else
		fprintf(stderr, "guess: none of %u\n", tried);
	return found ? 0 : 1;
}
