/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who may do what: acts.def as a table. samctl, the module, the manual (p11-sam-roles(7)) and the tests
 * go by this one.
 */
#ifndef SAM_POLICY_ACTS_H
#define SAM_POLICY_ACTS_H

#include <stdbool.h>
#include <stddef.h>
#include "policy/roles.h"

enum sam_act {
#define A(NAME, name, verb, first, second, sad, meaning, clause) SAM_ACT_##NAME,
#include "policy/acts.def"
	SAM_ACT_COUNT
};

struct sam_act_info {
	const char *name;       /* as p11-sam-roles(7) and the policy's dual_control have it */
	const char *verb;       /* of samctl; several acts may be one verb */
	unsigned first, second; /* sets of roles; second 0: one person is enough */
	const char *sad;        /* the operation whose SAD does it alone; "" none */
	const char *meaning, *clause;
};

/** sam_act_info(act): NULL if there is no such act. */
const struct sam_act_info *sam_act_info(enum sam_act act);

/** sam_act_by_name(name): SAM_ACT_COUNT if none has it. */
enum sam_act sam_act_by_name(const char *name);

/** sam_act_may_wait(act): Can it be begun by one person and confirmed by another? Not if nobody is asked for,
 * if it is the signer's own, if it only looks, or is about the acts that wait. */
bool sam_act_may_wait(enum sam_act act);

/** sam_acts_first_of(verb): Who may begin any act of this verb; 0: the verb has no row, and nobody may. */
unsigned sam_acts_first_of(const char *verb);

/* A PKCS#11 call: who may have it do something; 0: it is refused for everybody. */
struct sam_call_info {
	const char *name; /* "C_Sign" */
	unsigned who;
	const char *meaning;
};

/** sam_call_info(i): The i-th, in the order of the function lists; NULL past the last. */
const struct sam_call_info *sam_call_info(size_t i);

#endif
