/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/proof.h"

enum sam_reason sam_proof_check(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				const char *sad, size_t sad_len, const json_t *claims, const char *proof,
				size_t proof_len, const struct sam_sad_rules *rules, struct sam_activation *out,
				struct sam_msg *msg)
{
	(void)sam, (void)snapshot, (void)policy, (void)sad, (void)sad_len, (void)proof_len, (void)rules, (void)out, (void)msg;
	return json_object_get(claims, "cnf") || proof ? SAM_SAD_CNF : SAM_OK;
}
