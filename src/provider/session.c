/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The application's sessions: a bounded table, and the operations under way in each. No call holds a
 * lock of this file longer than to look something up: an operation that a thread works on is taken
 * out, so that two threads on one session never mix.
 */
#include "provider/provider.h"

#include <stdlib.h>

enum { INDEX_BITS = 12 };
_Static_assert(P11_SAM_SESSIONS_MAX == 1 << INDEX_BITS, "a handle's low bits are the index");

struct sam_session *sam_session_hold(struct sam_provider *p, CK_SESSION_HANDLE handle)
{
	const size_t index = handle & (P11_SAM_SESSIONS_MAX - 1);
	pthread_mutex_lock(&p->sessions.lock);
	struct sam_session *s = p->sessions.at[index];
	if (s && s->handle == handle)
		atomic_fetch_add(&s->refs, 1);
	else
		s = NULL;
	pthread_mutex_unlock(&p->sessions.lock);
	return s;
}

void sam_session_release(struct sam_session *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (int kind = 0; kind < SAM_OP_COUNT; kind++)
		if (s->ops[kind].op)
			s->ops[kind].op->free(s->ops[kind].op);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

size_t sam_session_count(struct sam_provider *p, size_t *rw)
{
	pthread_mutex_lock(&p->sessions.lock);
	const size_t count = p->sessions.count;
	*rw = p->sessions.rw;
	pthread_mutex_unlock(&p->sessions.lock);
	return count;
}

/* Give a new session its place and handle. */
static bool table_insert(struct sam_provider *p, struct sam_session *s, CK_SESSION_HANDLE *handle)
{
	struct sam_sessions *table = &p->sessions;
	bool found = false;
	pthread_mutex_lock(&table->lock); /* LOCKED */
	for (size_t n = 0; n < P11_SAM_SESSIONS_MAX && !found; n++) {
		const size_t index = (table->next + n) % P11_SAM_SESSIONS_MAX;
		if (table->at[index])
			continue;
		found = true;
		s->handle = ++table->generation[index] << INDEX_BITS | index;
		*handle = s->handle; /* outside the lock another thread may close the session */
		table->at[index] = s;
		table->next = index + 1;
		table->count++;
		table->rw += (s->flags & CKF_RW_SESSION) != 0;
	}
	pthread_mutex_unlock(&table->lock); /* LOCKED until here */
	return found;
}

/* Take a session out of the table; false if it was closed already. */
static bool table_remove(struct sam_provider *p, struct sam_session *s, bool *last)
{
	struct sam_sessions *table = &p->sessions;
	const size_t index = s->handle & (P11_SAM_SESSIONS_MAX - 1);
	pthread_mutex_lock(&table->lock); /* LOCKED */
	const bool there = table->at[index] == s;
	if (there) {
		table->at[index] = NULL;
		table->count--;
		table->rw -= (s->flags & CKF_RW_SESSION) != 0;
	}
	*last = there && table->count == 0;
	pthread_mutex_unlock(&table->lock); /* LOCKED until here */
	return there;
}

static CK_RV session_close(struct sam_session *s)
{
	struct sam_provider *p = s->p;
	bool last;
	if (!table_remove(p, s, &last))
		return CKR_SESSION_HANDLE_INVALID;
	sam_object_session_close(p, s->handle);
	/* An operation in another thread's hands ends when that thread puts it back. */
	for (int kind = 0; kind < SAM_OP_COUNT; kind++)
		(void)!sam_session_cancel(s, (enum sam_op)kind);
	sam_session_release(s); /* the table's hold */
	if (last)
		(void)!sam_login_end(p); /* the last session closed is a logout */
	return CKR_OK;
}

void sam_session_close_all(struct sam_provider *p)
{
	for (size_t index = 0; index < P11_SAM_SESSIONS_MAX; index++) {
		pthread_mutex_lock(&p->sessions.lock);
		struct sam_session *s = p->sessions.at[index];
		if (s)
			atomic_fetch_add(&s->refs, 1);
		pthread_mutex_unlock(&p->sessions.lock);
		if (!s)
			continue;
		session_close(s);
		sam_session_release(s);
	}
	sam_object_session_close(p, CK_INVALID_HANDLE);
}

CK_RV sam_session_begin(struct sam_session *s, enum sam_op kind)
{
	pthread_mutex_lock(&s->lock);
	const bool free_place = !s->ops[kind].busy && !s->ops[kind].op;
	if (free_place)
		s->ops[kind].busy = true;
	pthread_mutex_unlock(&s->lock);
	return free_place ? CKR_OK : CKR_OPERATION_ACTIVE;
}

CK_RV sam_session_take(struct sam_session *s, enum sam_op kind, struct sam_operation **op)
{
	CK_RV rv = CKR_OK;
	pthread_mutex_lock(&s->lock); /* LOCKED */
	*op = s->ops[kind].op;
	if (s->ops[kind].busy)
		rv = CKR_OPERATION_ACTIVE;
	else if (!*op)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	if (rv == CKR_OK) {
		s->ops[kind].op = NULL;
		s->ops[kind].busy = true;
		s->ops[kind].taken = *op;
	}
	pthread_mutex_unlock(&s->lock); /* LOCKED until here */
	return rv;
}

/* ${op} comes back from the thread that had it; its place may have been given to another meanwhile. Returns
 * whether it was cancelled. */
static bool give_back(struct sam_session *s, enum sam_op kind, struct sam_operation *op, struct sam_operation *stays)
{
	pthread_mutex_lock(&s->lock); /* LOCKED */
	const bool over = op && atomic_load(&op->over);
	if (!over) {
		s->ops[kind].op = stays;
		s->ops[kind].busy = false;
		s->ops[kind].taken = NULL;
	}
	pthread_mutex_unlock(&s->lock); /* LOCKED until here */
	return over;
}

void sam_session_put(struct sam_session *s, enum sam_op kind, struct sam_operation *op)
{
	if (give_back(s, kind, op, op))
		op->free(op);
}

void sam_session_end(struct sam_session *s, enum sam_op kind, struct sam_operation *op)
{
	(void)give_back(s, kind, op, NULL);
	op->free(op);
}

CK_RV sam_session_cancel(struct sam_session *s, enum sam_op kind)
{
	CK_RV rv = CKR_OK;
	pthread_mutex_lock(&s->lock); /* LOCKED */
	struct sam_operation *op = s->ops[kind].op, *taken = s->ops[kind].taken;
	if (!s->ops[kind].busy) {
		s->ops[kind].op = NULL;
	} else if (taken && atomic_load(&taken->waiting)) {
		atomic_store(&taken->over, true);
		s->ops[kind].busy = false;
		s->ops[kind].taken = NULL;
	} else {
		rv = CKR_OPERATION_CANCEL_FAILED;
	}
	pthread_mutex_unlock(&s->lock); /* LOCKED until here */
	if (op)
		op->free(op);
	return rv;
}

CK_RV sam_C_OpenSession(struct sam_provider *p, CK_SLOT_ID id, CK_FLAGS flags,
			CK_SESSION_HANDLE *handle)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!handle)
		return CKR_ARGUMENTS_BAD;
	if (!(flags & CKF_SERIAL_SESSION))
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	struct sam_login login;
	sam_login_get(p, &login);
	if (login.role == SAM_ROLE_SECURITY_OFFICER && !(flags & CKF_RW_SESSION))
		return CKR_SESSION_READ_WRITE_SO_EXISTS;
	struct sam_session *s = calloc(1, sizeof *s);
	if (!s)
		return CKR_HOST_MEMORY;
	s->p = p;
	s->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	CK_SESSION_HANDLE fresh;
	if (!table_insert(p, s, &fresh)) {
		sam_session_release(s);
		return CKR_SESSION_COUNT;
	}
	*handle = fresh;
	return CKR_OK;
}

CK_RV sam_C_CloseSession(struct sam_session *s)
{
	return session_close(s);
}

CK_RV sam_C_CloseAllSessions(struct sam_provider *p, CK_SLOT_ID id)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	sam_session_close_all(p);
	return CKR_OK;
}

static CK_STATE session_state(const struct sam_session *s, const struct sam_login *login)
{
	const bool rw = s->flags & CKF_RW_SESSION;
	if (login->name[0] == '\0')
		return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
	if (login->role == SAM_ROLE_SECURITY_OFFICER)
		return CKS_RW_SO_FUNCTIONS;
	return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
}

CK_RV sam_C_GetSessionInfo(struct sam_session *s, CK_SESSION_INFO *info)
{
	if (!info)
		return CKR_ARGUMENTS_BAD;
	struct sam_login login;
	sam_login_get(s->p, &login);
	*info = (CK_SESSION_INFO){.slotID = P11_SAM_SLOT,
				  .state = session_state(s, &login),
				  .flags = s->flags};
	return CKR_OK;
}

CK_RV sam_C_SessionCancel(struct sam_session *s, CK_FLAGS flags)
{
	static const struct {
		CK_FLAGS flag;
		enum sam_op kind;
	} table[] = {
		{CKF_FIND_OBJECTS, SAM_OP_FIND},
		{CKF_DIGEST, SAM_OP_DIGEST},
		{CKF_SIGN, SAM_OP_SIGN},
		{CKF_VERIFY, SAM_OP_VERIFY},
	};
	CK_RV rv = CKR_OK;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if ((flags & table[i].flag) && sam_session_cancel(s, table[i].kind) != CKR_OK)
			rv = CKR_OPERATION_CANCEL_FAILED;
	return rv;
}
