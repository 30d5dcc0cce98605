/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this room share; for nobody outside it.
 */
#ifndef SAM_REGISTRY_INTERNAL_H
#define SAM_REGISTRY_INTERNAL_H

#include <pthread.h>
#include "registry/registry.h"

enum { SAM_WRONG_SECRETS = 8 };

struct sam_registry {
	struct sam_store *store;
	const struct sam_seal *seal;
	pthread_mutex_t lock; /* guards what follows */
	const struct sam_snapshot *current;
	/* identify.c: MACs of the wrong secrets that this process counted last */
	uint8_t wrong[SAM_WRONG_SECRETS][SAM_SEAL_MAC];
	unsigned next_wrong;
	int64_t forged_ms; /* when it counted a wrong signature last */
};

/** sam_registry_try(seal, row): Would such a row be taken when the registry is loaded? What is written and not taken
 * would shut everything. ARGUMENTS if not. */
enum sam_reason sam_registry_try(const struct sam_seal *seal, const struct sam_row *row) SAM_MUST;

#endif
