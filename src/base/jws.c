/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The names of the JWS algorithms.
 */
#include "base/jws.h"

#include <stddef.h>
#include <string.h>

static const char *const names[SAM_JWS_ALGS] = {
	[SAM_JWS_ES256] = "ES256", [SAM_JWS_ES384] = "ES384", [SAM_JWS_ES512] = "ES512",
	[SAM_JWS_PS256] = "PS256", [SAM_JWS_PS384] = "PS384", [SAM_JWS_PS512] = "PS512",
	[SAM_JWS_RS256] = "RS256", [SAM_JWS_RS384] = "RS384", [SAM_JWS_RS512] = "RS512",
	[SAM_JWS_EDDSA] = "EdDSA",
};

enum sam_jws_alg sam_jws_by_name(const char *name)
{
	for (unsigned i = SAM_JWS_NONE + 1; i < SAM_JWS_ALGS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum sam_jws_alg)i;
	return SAM_JWS_NONE;
}

const char *sam_jws_name(enum sam_jws_alg alg)
{
	return (unsigned)alg < SAM_JWS_ALGS ? names[alg] : NULL;
}
