/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The gate: which calls may come in, how many are inside, and what a fork does to that. After a fork
 * the child finds a provider of another fork count, which it neither locks, frees nor uses.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <time.h>

static atomic_ulong forks = 1;
static _Atomic(struct sam_provider *) newest;

/* How deep this thread is inside the module, and in which process it went in: a child that was forked
 * inside a call of its parent begins at 0. */
static _Thread_local struct {
	unsigned depth;
	unsigned long forks;
} here;

static void count_fork(void)
{
	atomic_fetch_add(&forks, 1); /* nothing else is safe in a child */
}

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static bool watching;

static void watch(void)
{
	watching = pthread_atfork(NULL, NULL, count_fork) == 0;
}

bool sam_gate_watch_forks(void)
{
	pthread_once(&watch_once, watch);
	return watching;
}

static struct sam_provider *provider_new(struct sam_provider *previous, unsigned long fork_count)
{
	struct sam_provider *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->forks = fork_count;
	p->previous = previous; /* kept reachable, for C_Initialize to abandon */
	/* What the parent's handles were means nothing in the child. */
	for (size_t i = 0; i < P11_SAM_SESSIONS_MAX; i++)
		p->sessions.generation[i] = (fork_count - 1) << 16;
	p->objects.last = (fork_count - 1) << 16;
	atomic_init(&p->phase, SAM_PHASE_DOWN);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* a deadline is no date */
	pthread_cond_init(&p->moved, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&p->sessions.lock, NULL);
	pthread_mutex_init(&p->login.serial, NULL);
	pthread_mutex_init(&p->login.lock, NULL);
	pthread_mutex_init(&p->objects.serial, NULL);
	pthread_mutex_init(&p->objects.lock, NULL);
	return p;
}

struct sam_provider *sam_gate_here(void)
{
	/* Without a lock, since a lock may have been inherited in use. */
	struct sam_provider *p = atomic_load(&newest);
	unsigned long now = atomic_load(&forks);
	if (p && p->forks == now)
		return p;
	struct sam_provider *fresh = provider_new(p, now);
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(&newest, &p, fresh))
		return fresh;
	free(fresh); /* another thread of this process was quicker: p is its */
	return p;
}

CK_RV sam_gate_guard(struct sam_call *call)
{
	*call = (struct sam_call){0};
	unsigned long now = atomic_load(&forks);
	if (here.forks != now) {
		here.forks = now;
		here.depth = 0;
	}
	if (here.depth > 0)
		return CKR_FUNCTION_FAILED; /* the vendor or OpenSSL called back into us: closed */
	here.depth++;
	call->guarded = true;
	/* a thread cancelled in here would leave locks behind, those between processes too */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call->cancel_state);
	sam_ossl_mark();
	return CKR_OK;
}

/* A forked child must not count a call of its parent as its own. */
static void unguard(struct sam_call *call)
{
	if (!call->guarded)
		return;
	sam_ossl_unmark();
	pthread_setcancelstate(call->cancel_state, NULL);
	if (here.forks == atomic_load(&forks) && here.depth > 0)
		here.depth--;
}

CK_RV sam_gate_enter(struct sam_call *call)
{
	CK_RV rv = sam_gate_guard(call);
	if (rv != CKR_OK)
		return rv;
	struct sam_provider *p = atomic_load(&newest);
	if (!p || p->forks != atomic_load(&forks))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	/* Count first, then look: C_Finalize changes the phase first, then looks at the count. */
	atomic_fetch_add(&p->inside, 1);
	call->p = p;
	return atomic_load(&p->phase) == SAM_PHASE_UP ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV sam_gate_session(struct sam_call *call, CK_SESSION_HANDLE handle)
{
	CK_RV rv = sam_gate_enter(call);
	if (rv != CKR_OK)
		return rv;
	call->s = sam_session_hold(call->p, handle);
	return call->s ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV sam_gate_leave(struct sam_call *call, CK_RV rv)
{
	struct sam_provider *p = call->p;
	if (call->s)
		sam_session_release(call->s);
	if (p && atomic_fetch_sub(&p->inside, 1) == 1 &&
	    atomic_load(&p->phase) == SAM_PHASE_CLOSING) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->moved);
		pthread_mutex_unlock(&p->lock);
	}
	unguard(call);
	return rv;
}
