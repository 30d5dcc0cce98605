/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Does what was seen of the signer do for this level (P1-T3.5, P1-3.5.2, P2-3.1.4)?
 */
#include "sap/internal.h"

#include "policy/factors.h"

enum sam_reason sam_factors_check(const struct sam_policy *policy, const struct sam_activation *a)
{
	if (policy->encrypted && !a->encrypted)
		return SAM_SAD_CLEAR;
	return sam_policy_factors(policy, a->factors);
}
