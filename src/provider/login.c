/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is logged in, for the whole application, and which SADs came with CKU_USER. What a PIN means is
 * the SAM's business (sap/sam.h); here it is copied, handed on and wiped (invariant 8).
 */
#include "provider/provider.h"

#include <string.h>
#include "base/clock.h"

uint64_t sam_login_get(struct sam_provider *p, struct sam_login *login)
{
	struct sam_login over = {.until_ms = 0};
	pthread_mutex_lock(&p->login.lock); /* LOCKED */
	if (p->login.login.until_ms && sam_clock_monotonic_ms() >= p->login.login.until_ms) {
		over = p->login.login;
		memset(&p->login.login, 0, sizeof p->login.login);
		p->login.epoch++;
	}
	*login = p->login.login;
	const uint64_t epoch = p->login.epoch;
	pthread_mutex_unlock(&p->login.lock); /* LOCKED until here */
	if (over.name[0])
		sam_logout(p->sam, &over); /* an officer's time is up (P1-7.1.2.4) */
	return epoch;
}

uint64_t sam_login_epoch(struct sam_provider *p)
{
	pthread_mutex_lock(&p->login.lock);
	const uint64_t epoch = p->login.epoch;
	pthread_mutex_unlock(&p->login.lock);
	return epoch;
}

size_t sam_login_hold(struct sam_provider *p, uint64_t epoch,
		      struct sam_activation *out[P11_SAM_ACTIVATIONS_MAX])
{
	size_t count = 0;
	pthread_mutex_lock(&p->login.lock); /* LOCKED */
	if (p->login.epoch == epoch)
		for (; count < p->login.activation_count; count++) {
			out[count] = p->login.activations[count];
			sam_activation_hold(out[count]);
		}
	pthread_mutex_unlock(&p->login.lock); /* LOCKED until here */
	return count;
}

/* Keep a SAD for all sessions, as the newest; the same one replaces itself, the oldest makes room. Returns
 * the one that went. LOCKED: state->lock is held. */
static struct sam_activation *keep(struct sam_login_state *state, struct sam_activation *activation)
{
	struct sam_activation **list = state->activations, *gone = NULL;
	size_t at = 0;
	while (at < state->activation_count && !sam_activation_same(list[at], activation))
		at++;
	if (at == P11_SAM_ACTIVATIONS_MAX)
		at--;
	if (at < state->activation_count)
		gone = list[at];
	else
		state->activation_count++;
	memmove(list + 1, list, at * sizeof *list);
	list[0] = activation;
	return gone;
}

/* What a login changes, at once. ${fresh} NULL: only a SAD was taken up, for the login of ${epoch}. */
static void install(struct sam_login_state *state, const struct sam_login *fresh, uint64_t epoch,
		    struct sam_activation *activation)
{
	struct sam_activation *gone = activation;
	pthread_mutex_lock(&state->lock); /* LOCKED */
	if (fresh) {
		state->login = *fresh;
		state->epoch++;
	}
	if (activation && (fresh || state->epoch == epoch))
		gone = keep(state, activation);
	pthread_mutex_unlock(&state->lock); /* LOCKED until here */
	sam_activation_release(gone);
}

CK_RV sam_login_end(struct sam_provider *p)
{
	struct sam_login_state *state = &p->login;
	struct sam_activation *gone[P11_SAM_ACTIVATIONS_MAX];
	pthread_mutex_lock(&state->lock); /* LOCKED */
	struct sam_login login = state->login;
	const size_t count = state->activation_count;
	memcpy(gone, state->activations, count * sizeof *gone);
	state->activation_count = 0;
	memset(&state->login, 0, sizeof state->login);
	state->epoch++;
	pthread_mutex_unlock(&state->lock); /* LOCKED until here */
	for (size_t i = 0; i < count; i++)
		sam_activation_release(gone[i]);
	sam_keyring_drop(p);
	if (login.name[0] == '\0')
		return CKR_USER_NOT_LOGGED_IN;
	sam_logout(p->sam, &login);
	return CKR_OK;
}

/* What a login call brought. */
struct credential {
	const char *name; /* C_LoginUser's, or NULL */
	char name_text[SAM_NAME_SIZE];
	const char *pin; /* NULL: deferred authorisation, which is not the same as empty */
	struct sam_secret secret;
};

/* A private copy of what was given: bounded before it is read. */
static enum sam_reason credential_copy(struct credential *c, const CK_BYTE *pin, CK_ULONG len,
				       const CK_BYTE *name, CK_ULONG name_len)
{
	if (!pin && len > 0)
		return SAM_ARGUMENTS;
	if (len > P11_SAM_PIN_MAX)
		return SAM_PIN_TOO_LONG;
	if (name) {
		if (name_len >= sizeof c->name_text ||
		    !sam_name_valid((const char *)name, name_len))
			return SAM_PRINCIPAL_UNKNOWN;
		memcpy(c->name_text, name, name_len);
		c->name_text[name_len] = '\0';
		c->name = c->name_text;
	}
	if (!pin)
		return SAM_OK;
	if (!sam_secret_set(&c->secret, pin, len))
		return SAM_MEMORY;
	c->pin = (const char *)c->secret.data;
	return SAM_OK;
}

/* CKU_USER and CKU_SO. */
static enum sam_reason login_service(struct sam_provider *p, enum sam_login_as as,
				     const struct credential *c)
{
	struct sam_login_state *state = &p->login;
	struct sam_login current, fresh;
	struct sam_activation *activation = NULL;
	pthread_mutex_lock(&state->serial); /* LOCKED */
	const uint64_t epoch = sam_login_get(p, &current);
	fresh = current;
	enum sam_reason reason = sam_login(p->sam, as, c->name, c->pin, c->secret.len, &current,
					   &fresh, &activation);
	install(state, reason == SAM_OK ? &fresh : NULL, epoch, activation);
	pthread_mutex_unlock(&state->serial); /* LOCKED until here */
	if (reason != SAM_OK && reason != SAM_ALREADY_LOGGED_IN)
		return reason;
	/* The last session may have been closed meanwhile, and that is a logout. */
	size_t rw;
	if (sam_session_count(p, &rw) == 0)
		(void)!sam_login_end(p);
	return reason;
}

static CK_RV login_user(struct sam_provider *p, CK_USER_TYPE type, const struct credential *c)
{
	size_t rw;
	if (type == CKU_SO && sam_session_count(p, &rw) > rw)
		return CKR_SESSION_READ_ONLY_EXISTS;
	return sam_reason_rv(login_service(p, type == CKU_SO ? SAM_LOGIN_SO : SAM_LOGIN_USER, c),
			     false);
}

/* CKU_CONTEXT_SPECIFIC: for the operation under way in this session alone, which a refusal leaves as it
 * was. It stays out of the session's place meanwhile, so that no other thread can sign with it. */
static CK_RV login_context(struct sam_session *s, const struct credential *c)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_SIGN, &op);
	if (rv != CKR_OK)
		return rv;
	struct sam_login login;
	struct sam_activation *activation = NULL;
	sam_login_get(s->p, &login);
	const enum sam_reason reason =
		sam_activate(s->p->sam, &login, c->name, c->pin, c->secret.len, &activation);
	if (reason == SAM_OK && activation)
		sam_sign_activate(op, activation);
	sam_session_put(s, SAM_OP_SIGN, op);
	return sam_reason_rv(reason, true);
}

static CK_RV login_any(struct sam_session *s, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG len,
		       const CK_BYTE *name, CK_ULONG name_len)
{
	if (type != CKU_USER && type != CKU_SO && type != CKU_CONTEXT_SPECIFIC)
		return CKR_USER_TYPE_INVALID;
	const bool context = type == CKU_CONTEXT_SPECIFIC;
	struct credential c = {0};
	const enum sam_reason reason = credential_copy(&c, pin, len, name, name_len);
	CK_RV rv;
	if (reason == SAM_PIN_TOO_LONG ||
	    reason == SAM_PRINCIPAL_UNKNOWN) /* the others are no attempt */
		rv = sam_refuse_call(s->p, name ? "C_LoginUser" : "C_Login", reason,
				     sam_reason_rv(reason, context));
	else if (reason != SAM_OK)
		rv = sam_reason_rv(reason, context);
	else
		rv = context ? login_context(s, &c) : login_user(s->p, type, &c);
	sam_secret_clear(&c.secret);
	return rv;
}

CK_RV sam_C_Login(struct sam_session *s, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG len)
{
	return login_any(s, type, pin, len, NULL, 0);
}

CK_RV sam_C_LoginUser(struct sam_session *s, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG len,
		      const CK_BYTE *name, CK_ULONG name_len)
{
	if (!name || name_len == 0)
		return CKR_ARGUMENTS_BAD;
	return login_any(s, type, pin, len, name, name_len);
}

/* An officer's own password; nobody else's by PKCS#11. */
CK_RV sam_C_SetPIN(struct sam_session *s, const CK_BYTE *old, CK_ULONG old_len, const CK_BYTE *pin, CK_ULONG len)
{
	struct sam_secret before = {0}, after = {0};
	struct sam_login login;
	sam_login_get(s->p, &login);
	if (login.role != SAM_ROLE_SECURITY_OFFICER)
		return sam_refuse_always(s->p, "C_SetPIN", CKR_OK);
	if (!old || !pin)
		return CKR_ARGUMENTS_BAD;
	if (old_len > P11_SAM_PIN_MAX || len > P11_SAM_PIN_MAX)
		return CKR_PIN_LEN_RANGE;
	enum sam_reason reason = SAM_MEMORY;
	if (sam_secret_set(&before, old, old_len) && sam_secret_set(&after, pin, len))
		reason = sam_set_password(s->p->sam, &login, (const char *)before.data, before.len,
					  (const char *)after.data, after.len);
	sam_secret_clear(&before);
	sam_secret_clear(&after);
	return sam_reason_rv(reason, false);
}

CK_RV sam_C_Logout(struct sam_session *s)
{
	struct sam_login_state *state = &s->p->login;
	pthread_mutex_lock(&state->serial); /* LOCKED: not in the middle of a login */
	CK_RV rv = sam_login_end(s->p);
	pthread_mutex_unlock(&state->serial); /* LOCKED until here */
	return rv;
}
