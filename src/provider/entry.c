/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The entry points and nothing else: calls.def has one line for each.
 */
#include "provider/provider.h"

/* A refused call has parameters that nobody looks at. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define FREE(name, params, args)                                                \
	CK_RV sam_entry_##name params                                           \
	{                                                                       \
		return sam_##name args;                                         \
	}

#define WITH_PROVIDER(name, params, args)                                       \
	CK_RV sam_entry_##name params                                           \
	{                                                                       \
		struct sam_call call;                                           \
		CK_RV rv = sam_gate_enter(&call);                               \
		struct sam_provider *p = call.p;                                \
		return sam_gate_leave(&call, rv == CKR_OK ? sam_##name args : rv); \
	}

#define WITH_SESSION(name, params, answer)                                      \
	CK_RV sam_entry_##name params                                           \
	{                                                                       \
		struct sam_call call;                                           \
		CK_RV rv_ = sam_gate_session(&call, h);                         \
		struct sam_session *s __attribute__((unused)) = call.s;         \
		return sam_gate_leave(&call, rv_ == CKR_OK ? (answer) : rv_);   \
	}

#define UP(name, params, args) WITH_PROVIDER(name, params, args)
#define SESSION(name, params, args) WITH_SESSION(name, params, sam_##name args)
#define NEVER(name, params, rv) WITH_SESSION(name, params, rv)
#define NO_OBJECT(name, params, handle, rv, none) \
	WITH_SESSION(name, params, sam_refuse_object(s->p, #name, handle, rv, none))
#define NO_RECORD(name, params, rv) WITH_SESSION(name, params, sam_refuse_always(s->p, #name, rv))

#include "provider/calls.def"

/* The 3.0 list has its own. */
WITH_PROVIDER(C_GetInfo_3_0, (CK_INFO *info), (p, info))
