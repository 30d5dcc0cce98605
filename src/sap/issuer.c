/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/issuer.h"

bool sam_issuer_is(const struct sam_policy *policy, const json_t *claims)
{
	(void)policy, (void)claims;
	return false;
}

enum sam_reason sam_issuer_verify(struct sam *sam, const struct sam_policy *policy, const struct sam_jws *jws,
				  const json_t *claims, const struct sam_sad_rules *rules, struct sam_activation *out,
				  struct sam_msg *msg)
{
	(void)sam, (void)policy, (void)jws, (void)claims, (void)rules, (void)out, (void)msg;
	return SAM_SAD_ISSUER;
}
