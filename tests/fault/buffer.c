/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The application changes its buffer from another thread during C_Sign: what is signed is what was
 * checked (invariant 2). Each line of FILE is tried until it gave its signature; every signature that
 * came must verify against the hash that the SAD names, and the flipping must have been seen to matter.
 *
 *   buffer TRIES AT_LEAST FILE
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "p11.h"

static uint8_t buffer[DIGEST];
static uint8_t good[DIGEST], evil[DIGEST];
static atomic_bool stop;

static void put(const uint8_t *from)
{
	for (size_t i = 0; i < DIGEST; i++)
		__atomic_store_n(&buffer[i], from[i], __ATOMIC_RELAXED);
}

static void *flip(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		put(i & 1 ? evil : good);
		for (volatile unsigned j = 0; j < (i * 7919) % 4096; j++)
			;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: buffer TRIES AT_LEAST FILE\n");
		return 2;
	}
	size_t count, next = 0;
	long tries = atol(argv[1]), at_least = atol(argv[2]), given = 0, refused = 0, wrong = 0, other = 0;
	struct line *lines = read_lines(argv[3], &count);
	CK_FUNCTION_LIST *p11 = load_module(need("P11_SAM_MODULE"));
	CK_SESSION_HANDLE session = start_module(p11, lines[0].sad);
	CK_OBJECT_HANDLE key = find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	EVP_PKEY *pkey = public_key(p11, session, need("CREDENTIAL_EC"));
	pthread_t flipper;
	memcpy(good, lines[0].digest, DIGEST);
	memset(evil, 0xee, DIGEST);
	pthread_create(&flipper, NULL, flip, NULL);
	for (long i = 0; i < tries && next < count; i++) {
		uint8_t signature[P256_SIGNATURE];
		CK_RV login = CKR_OK;
		put(good); /* what the signer saw; from here on the other thread interferes */
		CK_RV rv = sign_under(p11, session, key, lines[next].sad, buffer, signature, &login);
		if (rv == CKR_OK) {
			given++;
			wrong += !verifies(pkey, lines[next].digest, signature);
			if (++next < count)
				for (size_t j = 0; j < DIGEST; j++)
					__atomic_store_n(&good[j], lines[next].digest[j], __ATOMIC_RELAXED);
		} else if (rv == CKR_FUNCTION_REJECTED) {
			refused++;
		} else {
			other++;
			fprintf(stderr, "C_Sign: 0x%lx\n", rv);
		}
	}
	atomic_store(&stop, true);
	pthread_join(flipper, NULL);
	EVP_PKEY_free(pkey);
	p11->C_Finalize(NULL);
	printf("%ld given, %ld refused, %ld wrong, %ld other\n", given, refused, wrong, other);
	return given >= at_least && refused > 0 && wrong == 0 && other == 0 ? 0 : 1;
}
