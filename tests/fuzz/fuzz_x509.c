/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: whatever comes as a certificate's file. Beyond not crashing: what is read is within its bounds, reads
 * again from its DER alone to the same facts, and verifies against nobody but a CA.
 */
#include <stdlib.h>
#include <string.h>
#include "base/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct sam_x509 *x)
{
	struct sam_x509 again;
	struct sam_msg msg = {""};
	require(x->len && x->len <= SAM_X509_MAX && x->chain_count <= SAM_X509_CHAIN && x->spki_len);
	require(strlen(x->subject) < SAM_X509_NAME_SIZE && strlen(x->serial) % 2 == 0);
	require(sam_x509_read(x->der, x->len, &again, &msg) == SAM_OK);
	require(again.len == x->len && memcmp(again.spki_sha256, x->spki_sha256, 32) == 0);
	require(strcmp(again.issuer, x->issuer) == 0 && strcmp(again.serial, x->serial) == 0);
	require(again.not_before == x->not_before && again.not_after == x->not_after && again.chain_count == 0);
	/* its own CA is nobody */
	const struct sam_x509_ca self = {x->der, x->len};
	require(sam_x509_verify(x, &self, 1, x->not_before, &msg) != SAM_OK && msg.text[0]);
	sam_x509_clear(&again);
	for (size_t i = 0; i < x->chain_count; i++) {
		const struct sam_x509_ca ca = {x->chain[i].der, x->chain[i].len};
		enum sam_reason reason = sam_x509_verify(x, &ca, 1, x->not_after, &msg);
		require(reason == SAM_OK || reason == SAM_CERTIFICATE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct sam_x509 x;
	struct sam_msg msg = {""};
	if (!started)
		require(sam_ossl_start() == SAM_OK);
	started = true;
	char *copy = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	enum sam_reason reason = sam_x509_read(copy, size, &x, &msg);
	require(reason == SAM_OK || (reason == SAM_CERTIFICATE && msg.text[0]));
	if (reason == SAM_OK)
		check(&x);
	sam_x509_clear(&x);
	free(copy);
	return 0;
}
