/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random bytes for the application, from the CM and tested (P2-3.2.2.2).
 */
#include "provider/provider.h"

#include <string.h>

CK_RV sam_C_GenerateRandom(struct sam_session *s, CK_BYTE *out, CK_ULONG len)
{
	uint8_t block[4096];
	if (!out || len > P11_SAM_RANDOM_MAX)
		return CKR_ARGUMENTS_BAD;
	enum sam_reason reason = SAM_OK;
	for (CK_ULONG done = 0; done < len && reason == SAM_OK;) {
		const size_t n = len - done < sizeof block ? len - done : sizeof block;
		reason = sam_random(s->p->sam, block,
				    n); /* tested before the application sees any of it */
		if (reason == SAM_OK)
			memcpy(out + done, block, n);
		done += n;
	}
	sam_mem_wipe(block, sizeof block);
	return sam_reason_rv(reason, false);
}
