/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A key's life: what it may do in which state, and between which dates, which no CM enforces.
 */
#include "registry/registry.h"

const char *sam_life_name(enum sam_life life)
{
	static const char *const names[SAM_LIVES] = {
		[SAM_LIFE_INACTIVE] = "inactive",
		[SAM_LIFE_ACTIVE] = "active",
		[SAM_LIFE_SUSPENDED] = "suspended",
		[SAM_LIFE_REVOKED] = "revoked",
	};
	return life < SAM_LIVES ? names[life] : "";
}

const char *sam_origin_name(enum sam_origin origin)
{
	static const char *const names[SAM_ORIGINS] = {
		[SAM_ORIGIN_UNKNOWN] = "unknown",
		[SAM_ORIGIN_CM] = "cm",
		[SAM_ORIGIN_CM_UNPROVEN] = "cm-unproven",
		[SAM_ORIGIN_SIGNER] = "import-signer",
		[SAM_ORIGIN_CA] = "import-ca",
	};
	return origin < SAM_ORIGINS ? names[origin] : "";
}

enum sam_reason sam_key_usable(const struct sam_key *key, int64_t now)
{
	switch (key->life) {
	case SAM_LIFE_ACTIVE:
		break;
	case SAM_LIFE_INACTIVE:
		return SAM_KEY_INACTIVE;
	case SAM_LIFE_SUSPENDED:
		return SAM_KEY_SUSPENDED;
	default:
		return SAM_KEY_REVOKED;
	}
	if (key->start && now < key->start)
		return SAM_KEY_NOT_YET;
	return key->end && now >= key->end ? SAM_KEY_EXPIRED : SAM_OK;
}

/* Level 1 takes any; above it a key is born in the CM, provably, or at level 2 comes from a trusted CA. */
enum sam_reason sam_key_fits(const struct sam_key *key, unsigned level)
{
	if (level < 2 || key->origin == SAM_ORIGIN_CM)
		return SAM_OK;
	return level == 2 && key->origin == SAM_ORIGIN_CA ? SAM_OK : SAM_KEY_LEVEL;
}
