/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C_Initialize, C_Finalize, C_GetInfo (HACKING.md): any number of times, from any thread, in
 * forked children; the module starts no thread and waits for none longer than a bound.
 */
#include "provider/provider.h"

#include <limits.h>
#include <string.h>
#include <time.h>

enum { WAIT_SECONDS = 30 };

/* The process is ending: nothing is freed or closed any more, the vendor may be gone. (The CM has a
 * flag of its own for its calls to the vendor.) */
static atomic_bool exiting;

static void at_exit(void)
{
	atomic_store(&exiting, true);
}

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* After the vendor was loaded, so that this runs before the vendor's own handlers and destructors. */
static void watch_exit(void)
{
	atexit(at_exit);
}

/* What C_Initialize's argument says. */
static CK_RV read_arguments(const CK_C_INITIALIZE_ARGS *args, char *config, size_t size)
{
	*config = '\0';
	if (!args)
		return CKR_OK;
	const unsigned given = !!args->CreateMutex + !!args->DestroyMutex + !!args->LockMutex +
			       !!args->UnlockMutex;
	if (given != 0 && given != 4)
		return CKR_ARGUMENTS_BAD;
	if (args->pReserved) {
		const char *text = args->pReserved;
		const size_t prefix = sizeof P11_SAM_INIT_CONFIG - 1;
		if (strncmp(text, P11_SAM_INIT_CONFIG, prefix) != 0 || text[prefix] == '\0')
			return CKR_ARGUMENTS_BAD;
		const size_t len = strnlen(text + prefix, size);
		if (len == size)
			return CKR_ARGUMENTS_BAD;
		memcpy(config, text + prefix, len);
		config[len] = '\0';
	}
	/* We lock with the system's mutexes. CKF_LIBRARY_CANT_CREATE_OS_THREADS asks nothing: we start none. */
	return given == 4 && !(args->flags & CKF_OS_LOCKING_OK) ? CKR_CANT_LOCK : CKR_OK;
}

static void deadline_set(struct timespec *at)
{
	clock_gettime(CLOCK_MONOTONIC, at);
	at->tv_sec += WAIT_SECONDS;
}

/* Become the one thread that starts the module. */
static CK_RV claim_start(struct sam_provider *p)
{
	struct timespec deadline;
	deadline_set(&deadline);
	CK_RV rv = CKR_FUNCTION_FAILED;
	pthread_mutex_lock(&p->lock); /* LOCKED */
	int waited = 0;
	while (waited == 0) {
		const enum sam_phase phase = atomic_load(&p->phase);
		if (phase == SAM_PHASE_DOWN) {
			atomic_store(&p->phase, SAM_PHASE_STARTING);
			rv = CKR_OK;
			break;
		}
		if (phase == SAM_PHASE_UP) {
			rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
			break;
		}
		waited = pthread_cond_timedwait(&p->moved, &p->lock, &deadline);
	}
	pthread_mutex_unlock(&p->lock); /* LOCKED until here */
	return rv;
}

static void phase_set(struct sam_provider *p, enum sam_phase phase)
{
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->phase, phase);
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
}

/* What a forked child inherited is forgotten, and closed in the parent alone. */
static void abandon_inherited(struct sam_provider *p)
{
	for (struct sam_provider *old = p->previous; old && !old->abandoned; old = old->previous) {
		if (old->sam)
			sam_abandon(old->sam);
		old->abandoned = true;
	}
}

/* Without a lock of ours: OpenSSL's configuration and the vendor may call back into this module. */
static CK_RV start(struct sam_provider *p, const char *config)
{
	enum sam_reason reason = sam_ossl_start();
	if (reason != SAM_OK)
		return sam_reason_rv(reason, false);
	abandon_inherited(p);
	reason = sam_open(*config ? config : NULL, SAM_OPEN_MODULE, &p->sam,
			  NULL); /* it logs why not */
	if (reason != SAM_OK) {
		p->sam = NULL;
		return sam_reason_rv(reason, false);
	}
	pthread_once(&exit_once, watch_exit);
	sam_slot_offer(p);
	return CKR_OK;
}

static CK_RV initialize(const CK_C_INITIALIZE_ARGS *args)
{
	char config[PATH_MAX];
	CK_RV rv = read_arguments(args, config, sizeof config);
	if (rv != CKR_OK)
		return rv;
	if (atomic_load(&exiting))
		return CKR_FUNCTION_FAILED;
	if (!sam_gate_watch_forks())
		return CKR_HOST_MEMORY;
	struct sam_provider *p = sam_gate_here();
	if (!p)
		return CKR_HOST_MEMORY;
	rv = claim_start(p);
	if (rv != CKR_OK)
		return rv;
	rv = start(p, config);
	phase_set(p, rv == CKR_OK ? SAM_PHASE_UP : SAM_PHASE_DOWN);
	return rv;
}

CK_RV sam_C_Initialize(void *args)
{
	struct sam_call call;
	CK_RV rv = sam_gate_guard(&call);
	return sam_gate_leave(&call, rv == CKR_OK ? initialize(args) : rv);
}

/* Nobody gets in any more and those inside have left; false: some are still there at the deadline. */
static bool close_gate(struct sam_provider *p, CK_RV *rv)
{
	struct timespec deadline;
	deadline_set(&deadline);
	*rv = CKR_CRYPTOKI_NOT_INITIALIZED;
	pthread_mutex_lock(&p->lock); /* LOCKED */
	bool closed = atomic_load(&p->phase) == SAM_PHASE_UP;
	if (closed) {
		atomic_store(&p->phase, SAM_PHASE_CLOSING);
		pthread_cond_broadcast(&p->moved); /* wakes C_WaitForSlotEvent */
		int waited = 0;
		while (atomic_load(&p->inside) > 0 && waited == 0)
			waited = pthread_cond_timedwait(&p->moved, &p->lock, &deadline);
		closed = atomic_load(&p->inside) == 0;
		if (!closed) {
			atomic_store(&p->phase, SAM_PHASE_UP);
			pthread_cond_broadcast(&p->moved);
			*rv = CKR_FUNCTION_FAILED;
		}
	}
	pthread_mutex_unlock(&p->lock); /* LOCKED until here */
	return closed;
}

static CK_RV finalize(void)
{
	if (!sam_gate_watch_forks())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	struct sam_provider *p = sam_gate_here();
	CK_RV rv;
	if (!p)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (!close_gate(p, &rv))
		return rv;
	if (!atomic_load(&exiting)) {
		sam_session_close_all(p); /* the login and all objects end with it */
		sam_close(p->sam);
	}
	p->sam = NULL;
	phase_set(p, SAM_PHASE_DOWN);
	return CKR_OK;
}

CK_RV sam_C_Finalize(void *reserved)
{
	struct sam_call call;
	CK_RV rv = sam_gate_guard(&call);
	if (rv == CKR_OK)
		rv = reserved ? CKR_ARGUMENTS_BAD : finalize();
	return sam_gate_leave(&call, rv);
}

static CK_RV get_info(CK_INFO *info, CK_VERSION version)
{
	if (!info)
		return CKR_ARGUMENTS_BAD;
	*info = (CK_INFO){.cryptokiVersion = version,
			  .libraryVersion = {P11_SAM_VERSION_MAJOR, P11_SAM_VERSION_MINOR}};
	sam_slot_pad(info->manufacturerID, sizeof info->manufacturerID, "p11-sam");
	sam_slot_pad(info->libraryDescription, sizeof info->libraryDescription,
		     "Signature Activation Module");
	return CKR_OK;
}

CK_RV sam_C_GetInfo(struct sam_provider *p, CK_INFO *info)
{
	(void)p;
	return get_info(info, (CK_VERSION){2, 40});
}

CK_RV sam_C_GetInfo_3_0(struct sam_provider *p, CK_INFO *info)
{
	(void)p;
	return get_info(info, (CK_VERSION){3, 0});
}
