/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool: the key that signs, and the names of what it signs.
 */
#include "tools/sadtool.h"

#include <string.h>
#include "base/encode.h"

int sadtool_signer_load(const char *path, struct sadtool_signer *out)
{
	sam_auto(sam_jose_private_free) json_t *json = sadtool_read_jwk(path);
	struct sam_jwk jwk;
	struct sam_msg msg = {""};
	if (!json)
		return SADTOOL_FAILED;
	if (sam_jose_private(json, &out->pkey, &msg) != SAM_OK)
		return sadtool_fail(path, "%s", msg.text);
	if (sam_jose_jwk(json, &jwk, &msg) != SAM_OK)
		return sadtool_fail(path, "%s", msg.text);
	out->alg = jwk.alg == SAM_JWS_NONE ? SAM_JWS_PS256
					   : jwk.alg; /* an RSA key that does not say */
	memcpy(out->kid, jwk.thumbprint, sizeof out->kid);
	sam_jose_jwk_clear(&jwk);
	out->public = sam_jose_jwk_public(json);
	return out->public ? SADTOOL_OK : sadtool_fail(path, "out of memory");
}

void sadtool_signer_clear(struct sadtool_signer *signer)
{
	EVP_PKEY_free(signer->pkey);
	json_decref(signer->public);
	memset(signer, 0, sizeof *signer);
}

bool sadtool_jti(char out[SADTOOL_JTI + 1])
{
	uint8_t random[SADTOOL_JTI / 4 * 3];
	if (sam_ossl_random(random, sizeof random) != SAM_OK)
		return false;
	sam_encode_b64url(random, sizeof random, out);
	return true;
}
