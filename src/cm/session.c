/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The bounded pool of sessions, and what to do when the vendor loses them.
 *
 * The pool is its own anchor: the vendor forgets the login when the last session closes, so
 * sessions are kept, and the last one is closed only after another was opened.
 */
#include "cm/internal.h"

#include <string.h>
#include <time.h>
#include "base/log.h"

enum { FULL_TOKEN_MS = 50 }; /* how often to ask a token again whose sessions others have */

enum sam_reason sam_cm_fail(struct sam_cm_session *s, const char *call, CK_RV rv)
{
	s->call = call;
	s->rv = rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
	return SAM_CM_FAILED;
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static bool earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static CK_RV open_session(struct sam_cm *cm, CK_SLOT_ID slot, CK_SESSION_HANDLE *handle)
{
	const CK_FUNCTION_LIST *f = cm->vendor->f;
	CK_RV rv = f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, handle);
	if (rv == CKR_TOKEN_WRITE_PROTECTED)
		rv = f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, handle);
	return rv;
}

/* Back to a token that is logged in to, with a first session: by one thread at a time. */
static enum sam_reason repair(struct sam_cm *cm, struct sam_cm_session *s, bool initialise,
			      CK_SLOT_ID *slot, struct sam_msg *msg)
{
	struct sam_cm_info info;
	CK_RV rv = initialise ? sam_cm_vendor_again(cm->vendor, &cm->epoch) : CKR_OK;
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_Initialize", rv);
	memset(&info, 0, sizeof info);
	enum sam_reason reason = sam_cm_token_find(cm, slot, &info, &rv, msg);
	if (reason == SAM_CM_FAILED)
		return sam_cm_fail(s, "C_GetSlotList", rv);
	if (reason != SAM_OK)
		return reason;
	if (cm->known &&
	    (strcmp(info.serial, cm->info.serial) || strcmp(info.label, cm->info.label)))
		return sam_log_reason(SAM_CM_TOKEN, "another token came in the place of %s",
				      cm->info.label);
	rv = open_session(cm, *slot, &s->handle);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_OpenSession", rv);
	reason = sam_cm_login(cm, s, msg);
	if (reason != SAM_OK) {
		cm->vendor->f->C_CloseSession(s->handle);
		return reason;
	}
	if (!cm->known)
		cm->info = info;
	cm->known = true;
	return SAM_OK;
}

/* LOCKED: called and left with the lock held; not while the vendor is called. */
static enum sam_reason repair_locked(struct sam_cm *cm, struct sam_cm_session *s,
				     struct sam_msg *msg)
{
	CK_SLOT_ID slot = 0;
	bool initialise = cm->initialise;
	cm->repairing = true;
	cm->open++;
	pthread_mutex_unlock(&cm->lock);
	enum sam_reason reason = repair(cm, s, initialise, &slot, msg);
	pthread_mutex_lock(&cm->lock);
	cm->repairing = false;
	if (reason == SAM_OK) {
		cm->slot = slot;
		cm->initialise = false;
		cm->ready = true;
	} else {
		cm->open--;
	}
	pthread_cond_broadcast(&cm->changed);
	return reason;
}

/* LOCKED, as above. Another session beside those that are open. */
static CK_RV open_locked(struct sam_cm *cm, struct sam_cm_session *s)
{
	CK_SLOT_ID slot = cm->slot;
	cm->open++;
	pthread_mutex_unlock(&cm->lock);
	CK_RV rv = open_session(cm, slot, &s->handle);
	pthread_mutex_lock(&cm->lock);
	if (rv != CKR_OK) {
		cm->open--;
		pthread_cond_signal(&cm->changed);
	}
	return rv;
}

/* LOCKED, as above. Wait for a change; false when it has been long enough. */
static bool wait_locked(struct sam_cm *cm, const struct timespec *deadline, unsigned at_most_ms)
{
	struct timespec until = *deadline, now = in_ms(0);
	if (!earlier(&now, deadline))
		return false;
	if (at_most_ms) {
		struct timespec soon = in_ms(at_most_ms);
		if (earlier(&soon, &until))
			until = soon;
	}
	pthread_cond_timedwait(&cm->changed, &cm->lock, &until);
	return true;
}

/* LOCKED, as above. One try; ${wait}: nothing to be had now; ask again after a change, or after
 * ${wait_ms} if not 0. */
static enum sam_reason try_locked(struct sam_cm *cm, struct sam_cm_session *s, struct sam_msg *msg,
				  bool *wait, unsigned *wait_ms)
{
	*wait = false;
	*wait_ms = 0;
	s->generation = cm->generation;
	if (!cm->ready && !cm->repairing && cm->open < cm->limit) {
		enum sam_reason reason = repair_locked(cm, s, msg);
		if (reason != SAM_CM_FAILED || s->rv != CKR_SESSION_COUNT)
			return reason;
		s->rv = CKR_OK;
		s->call = NULL;
		*wait_ms = FULL_TOKEN_MS;
	}
	if (cm->ready && cm->idle_count) {
		s->handle = cm->idle[--cm->idle_count];
		return SAM_OK;
	}
	if (cm->ready && cm->open < cm->limit) {
		CK_RV rv = open_locked(cm, s);
		/* a full token: wait for one of our own, or for another process to close one */
		if (rv != CKR_SESSION_COUNT)
			return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_OpenSession", rv);
		*wait_ms = FULL_TOKEN_MS;
	}
	*wait = true;
	return SAM_OK;
}

static enum sam_reason take(struct sam_cm *cm, struct sam_cm_session *s, struct sam_msg *msg)
{
	struct timespec deadline = in_ms(cm->wait_ms);
	enum sam_reason reason;
	unsigned wait_ms;
	bool wait;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	for (;;) {
		reason = try_locked(cm, s, msg, &wait, &wait_ms);
		if (reason != SAM_OK || !wait)
			break;
		if (!wait_locked(cm, &deadline, wait_ms)) {
			reason = SAM_CM_BUSY;
			break;
		}
	}
	pthread_mutex_unlock(&cm->lock);
	if (reason == SAM_CM_BUSY) {
		sam_msg_set(msg, "no CM session became free in %u ms", cm->wait_ms);
		return sam_log_reason(reason, "no session of %u became free in %u ms", cm->limit,
				      cm->wait_ms);
	}
	return reason;
}

/* LOCKED. Sessions and handles of this generation are void. The idle ones are handed to the caller,
 * who closes them without the lock. */
static unsigned void_locked(struct sam_cm *cm, CK_SESSION_HANDLE idle[SAM_CM_SESSIONS_MAX])
{
	unsigned count = cm->idle_count;
	memcpy(idle, cm->idle, count * sizeof *idle);
	cm->open -= count;
	cm->idle_count = 0;
	cm->generation++;
	cm->ready = false;
	pthread_cond_broadcast(&cm->changed);
	return count;
}

static void close_all(struct sam_cm *cm, const CK_SESSION_HANDLE *handles, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cm->vendor->f->C_CloseSession(handles[i]); /* void already, perhaps */
}

void sam_cm_drop_sessions(struct sam_cm *cm)
{
	CK_SESSION_HANDLE idle[SAM_CM_SESSIONS_MAX];
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	unsigned count = void_locked(cm, idle);
	pthread_mutex_unlock(&cm->lock);
	close_all(cm, idle, count);
}

static void lost(struct sam_cm *cm, const struct sam_cm_session *s, bool initialise)
{
	CK_SESSION_HANDLE idle[SAM_CM_SESSIONS_MAX];
	unsigned count = 0;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED: unless another thread noticed before us */
	if (s->generation == cm->generation) {
		count = void_locked(cm, idle);
		if (initialise) {
			/* the library starts afresh and may give the old handles to others */
			cm->initialise = true;
			cm->gone = cm->generation;
			count = 0;
		}
	}
	pthread_mutex_unlock(&cm->lock);
	close_all(cm, idle, count);
}

static void close_one(struct sam_cm *cm, const struct sam_cm_session *s)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	bool gone = s->generation < cm->gone;
	pthread_mutex_unlock(&cm->lock);
	if (!gone)
		cm->vendor->f->C_CloseSession(s->handle);
}

static void give_back(struct sam_cm *cm, const struct sam_cm_session *s)
{
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	bool keep = s->generation == cm->generation;
	if (keep) {
		cm->idle[cm->idle_count++] = s->handle;
		pthread_cond_signal(&cm->changed);
	}
	pthread_mutex_unlock(&cm->lock);
	if (keep)
		return;
	close_one(cm, s);
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	cm->open--;
	pthread_cond_signal(&cm->changed);
	pthread_mutex_unlock(&cm->lock);
}

/* Close a session that failed, and with it what is under way (there is no safe C_SignFinal). */
static void retire(struct sam_cm *cm, const struct sam_cm_session *s)
{
	struct sam_cm_session fresh = {0};
	bool replaced = false;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	bool last = cm->open == 1 && s->generation == cm->generation && cm->ready;
	if (last && cm->limit > 1) {
		fresh.generation = cm->generation;
		replaced = open_locked(cm, &fresh) == CKR_OK;
	}
	pthread_mutex_unlock(&cm->lock);
	close_one(cm, s);
	if (replaced)
		give_back(cm, &fresh);
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	cm->open--;
	if (last && !replaced && cm->generation == s->generation && !cm->open) {
		CK_SESSION_HANDLE none[SAM_CM_SESSIONS_MAX];
		void_locked(cm, none); /* the login went with it */
	}
	pthread_cond_signal(&cm->changed);
	pthread_mutex_unlock(&cm->lock);
}

static void give(struct sam_cm *cm, const struct sam_cm_session *s)
{
	if (!sam_cm_usable(cm))
		return; /* the process ends: nothing is closed */
	if (s->rv == CKR_OK)
		give_back(cm, s);
	else
		retire(cm, s);
}

/* Can what was lost be had again? Then get rid of what is void. Before the session is closed. */
static bool recover(struct sam_cm *cm, const struct sam_cm_session *s)
{
	switch (s->rv) {
	case CKR_OPERATION_ACTIVE: /* goes with the session */
		return true;
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
		sam_cm_key_forget(cm);
		return true;
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		lost(cm, s, true);
		return true;
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_SLOT_ID_INVALID:
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
		lost(cm, s, false);
		return true;
	default:
		return false;
	}
}

/* One try. *again: what it failed for can be had again. */
static enum sam_reason attempt(struct sam_cm *cm,
			       enum sam_reason (*step)(struct sam_cm *, struct sam_cm_session *,
						       void *),
			       void *arg, struct sam_cm_session *s, bool *again)
{
	enum sam_reason reason = take(cm, s, NULL);
	bool taken = reason == SAM_OK;
	if (taken)
		reason = step(cm, s, arg);
	/* private objects vanish with the login: then that is what was lost */
	if (taken && (s->rv == CKR_KEY_HANDLE_INVALID || s->rv == CKR_OBJECT_HANDLE_INVALID) &&
	    sam_cm_usable(cm) && !sam_cm_logged_in(cm, s))
		s->rv = CKR_USER_NOT_LOGGED_IN;
	*again = s->rv != CKR_OK && sam_cm_usable(cm) && recover(cm, s) && !s->final;
	if (taken)
		give(cm, s);
	return reason;
}

enum sam_reason
sam_cm_run(struct sam_cm *cm,
	   enum sam_reason (*step)(struct sam_cm *, struct sam_cm_session *, void *), void *arg)
{
	for (unsigned tries = 0;; tries++) {
		struct sam_cm_session s = {0};
		bool again;
		if (!sam_cm_usable(cm))
			return sam_log_reason(SAM_CM_FAILED,
					      "the CM is not used at exit or after a fork");
		enum sam_reason reason = attempt(cm, step, arg, &s, &again);
		if (reason != SAM_CM_FAILED || !s.call)
			return reason; /* logged where it was found */
		if (tries || !again)
			return sam_log_reason(reason, "%s: 0x%lx", s.call, s.rv);
		sam_log(SAM_LOG_WARNING, "%s: 0x%lx; trying once more", s.call, s.rv);
	}
}

enum sam_reason
sam_cm_run_alone(struct sam_cm *cm,
		 enum sam_reason (*step)(struct sam_cm *, struct sam_cm_session *, void *), void *arg)
{
	pthread_mutex_lock(&cm->objects);
	enum sam_reason reason = sam_cm_run(cm, step, arg);
	pthread_mutex_unlock(&cm->objects);
	return reason;
}

enum sam_reason sam_cm_connect(struct sam_cm *cm, struct sam_msg *msg)
{
	for (unsigned tries = 0;; tries++) {
		struct sam_cm_session s = {0};
		enum sam_reason reason = take(cm, &s, msg);
		if (reason == SAM_OK)
			give(cm, &s);
		if (reason != SAM_CM_FAILED || !s.call)
			return reason;
		if (tries || !recover(cm, &s)) {
			sam_msg_set(msg, "the CM's %s answered 0x%lx", s.call, s.rv);
			return sam_log_reason(reason, "%s: 0x%lx", s.call, s.rv);
		}
	}
}
