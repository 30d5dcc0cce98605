/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What stands outside the store and cannot be set back with it: a signing key, and the number of the newest
 * checkpoint, in the CM. Handed in at start, like the seal (src/base/seal.h). All of it is called under the
 * store's write lock and must not call the store.
 */
#ifndef SAM_BASE_WITNESS_H
#define SAM_BASE_WITNESS_H

#include <stdint.h>
#include "base/reason.h"

/* What a checkpoint says of the store. */
struct sam_checkpoint {
	uint64_t number;      /* grows by one, by more only with an epoch */
	char node[65];
	uint64_t epoch, sequence, audit_seq;
	uint8_t audit_hash[32];
	int64_t time;         /* seconds */
};

struct sam_witness {
	void *arg;
	/* A JWS over it, malloc()ed. */
	enum sam_reason (*sign)(void *arg, const struct sam_checkpoint *c, char **jws);
	/* The number that the CM has for that node; 0: none, also at a second look. */
	enum sam_reason (*read)(void *arg, const char *node, uint64_t *number);
	enum sam_reason (*write)(void *arg, const char *node, uint64_t number);
};

#endif
