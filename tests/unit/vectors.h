/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests with others' vectors share.
 */
#ifndef SAM_TESTS_VECTORS_H
#define SAM_TESTS_VECTORS_H

#include <string.h>
#include "sap/jose.h"

/* The first reason to refuse, in the order in which the SAM looks. */
static inline enum sam_reason verify(const char *text, const json_t *key)
{
	struct sam_jws jws;
	struct sam_jwk jwk;
	struct sam_msg msg;
	enum sam_reason reason = sam_jose_parse(text, strlen(text), &jws);
	if (reason == SAM_OK && (reason = sam_jose_jwk(key, &jwk, &msg)) == SAM_OK) {
		reason = sam_jose_verify(&jws, jwk.pkey, jwk.alg);
		sam_jose_jwk_clear(&jwk);
	}
	sam_jose_clear(&jws);
	return reason;
}

#endif
