/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Kinds of authentication factors (P2-3.1.4): what a SAD shows of its signer. Of one kind several count once.
 */
#ifndef SAM_POLICY_FACTORS_H
#define SAM_POLICY_FACTORS_H

#include <stddef.h>

/* Sets of kinds. The first two the SAM verifies itself; the third is a trusted issuer's word (`amr`, `acr`), one factor
 * at most whatever it says. */
enum {
	SAM_FACTOR_POSSESSION = 1,
	SAM_FACTOR_KNOWLEDGE = 2,
	SAM_FACTOR_ASSERTED = 4,
	SAM_FACTORS_ALL = 7,
};

enum { SAM_FACTORS_TEXT = 40 };

/** sam_factors_count(kinds): How many kinds. */
unsigned sam_factors_count(unsigned kinds);

/** sam_factors_kind(name): The kind of that name; 0: none. */
unsigned sam_factors_kind(const char *name);

/** sam_factors_text(kinds, out): "possession knowledge", as the audit has them; NULL for none, else ${out}. */
const char *sam_factors_text(unsigned kinds, char out[SAM_FACTORS_TEXT]);

#endif
