/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Activations, counted: sessions, operations and the door hold the same one.
 */
#include "sap/internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* An activation and how many hold it. */
struct counted {
	struct sam_activation activation; /* first: the pointer handed out is ours */
	atomic_uint uses;
};

struct sam_activation *sam_activation_new(void)
{
	struct counted *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	atomic_init(&c->uses, 1);
	return &c->activation;
}

void sam_activation_hold(struct sam_activation *activation)
{
	if (activation)
		atomic_fetch_add(&((struct counted *)activation)->uses, 1);
}

void sam_activation_release(struct sam_activation *activation)
{
	struct counted *c = (struct counted *)activation;
	if (!c || atomic_fetch_sub(&c->uses, 1) != 1)
		return;
	sam_sad_clear(&c->activation);
	free(c);
}

bool sam_activation_same(const struct sam_activation *a, const struct sam_activation *b)
{
	return strcmp(a->iss, b->iss) == 0 && strcmp(a->jti, b->jti) == 0;
}
