/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/encrypted.h"

enum sam_reason sam_encrypted_open(struct sam *sam, const struct sam_snapshot *snapshot, const char *text, size_t len,
				   struct sam_secret *out, struct sam_msg *msg)
{
	(void)sam, (void)snapshot, (void)text, (void)len, (void)out, (void)msg;
	return SAM_SAD_ENCRYPTED;
}
