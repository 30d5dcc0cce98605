/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is there (service authentication) and what they present (key authorisation). The login is the
 * SAM's own (invariant 7): nothing here reaches the CM.
 */
#include "sap/internal.h"

#include <string.h>
#include "base/log.h"
#include "policy/factors.h"
#include "registry/edit.h"
#include "registry/identify.h"
#include "registry/password.h"
#include "sap/service.h"

bool sam_login_may_use(const struct sam_snapshot *s, const struct sam_login *login, const char *signer)
{
	if (login->role == SAM_ROLE_SIGNER)
		return strcmp(login->name, signer) == 0 && sam_registry_signer(s, signer);
	if (login->role != SAM_ROLE_SCA)
		return false;
	const struct sam_principal *p = sam_registry_principal(s, login->name);
	if (!p || !(p->roles & SAM_SCA) || p->locked)
		return false;
	for (size_t i = 0; i < p->signer_count; i++)
		if (strcmp(p->signers[i], signer) == 0)
			return true;
	return false;
}

void sam_login_describe(struct sam_event *event, const struct sam_login *login)
{
	bool there = login && login->name[0];
	event->actor_kind = there ? (login->role == SAM_ROLE_SIGNER ? "signer" : "principal") : "process";
	event->actor = there ? login->name : NULL;
	event->role = there ? sam_role_name(login->role) : NULL;
}

/* The one whose password this may be, for this kind of login; NULL if there is none. */
static const char *stored_password(const struct sam_snapshot *s, enum sam_login_as as, const char *name,
				   enum sam_role *role)
{
	const struct sam_principal *p = sam_registry_principal(s, name);
	const struct sam_signer *signer = sam_registry_signer(s, name);
	enum sam_role wanted = as == SAM_LOGIN_SO ? SAM_ROLE_SECURITY_OFFICER : SAM_ROLE_SCA;
	if (p && (p->roles & 1u << wanted)) {
		*role = wanted;
		return p->password;
	}
	if (as == SAM_LOGIN_USER && signer && signer->password[0]) {
		*role = SAM_ROLE_SIGNER;
		return signer->password;
	}
	return NULL;
}

/* Roles are held apart when they are given, and here again when they are used (invariant 10). */
static enum sam_reason check_roles(const struct sam_policy *policy, const struct sam_snapshot *s, const char *name)
{
	const struct sam_principal *p = sam_registry_principal(s, name);
	const struct sam_signer *signer = sam_registry_signer(s, name);
	if (p && sam_roles_conflict(policy, p->roles))
		return SAM_ROLES_CONFLICT;
	return signer && signer->suspended ? SAM_SIGNER_SUSPENDED : SAM_OK;
}

static enum sam_reason check_password(struct sam *sam, const struct sam_snapshot *s, enum sam_login_as as,
				      const struct sam_pin *pin, struct sam_login *login)
{
	const struct sam_policy *policy;
	enum sam_role role = SAM_ROLE_NONE;
	const char *stored = stored_password(s, as, pin->name, &role);
	enum sam_reason reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK)
		reason = sam_identify_password(sam->registry, &sam->audit, s, SAM_COUNTER_PASSWORD_P11, pin->name, stored,
					       pin->text, pin->len);
	if (reason == SAM_OK)
		reason = check_roles(policy, s, pin->name);
	if (reason != SAM_OK)
		return reason;
	memset(login, 0, sizeof *login);
	sam_mem_copy_text(login->name, sizeof login->name, pin->name);
	login->role = role;
	if (role == SAM_ROLE_SIGNER)
		login->version = sam_registry_signer(s, pin->name)->version;
	if (role == SAM_ROLE_SECURITY_OFFICER)
		login->until_ms = sam_clock_monotonic_ms() + policy->session_s * 1000;
	return SAM_OK;
}

static enum sam_reason login_by_password(struct sam *sam, const struct sam_snapshot *s, enum sam_login_as as,
					 const struct sam_pin *pin, const struct sam_login *current,
					 struct sam_login *login)
{
	if (current->name[0])
		return strcmp(current->name, pin->name) == 0 ? SAM_ALREADY_LOGGED_IN : SAM_ANOTHER_LOGGED_IN;
	return check_password(sam, s, as, pin, login);
}

/* A login call: what it brought, and what came of it. */
struct attempt {
	const struct sam_snapshot *s;
	struct sam_pin pin;
	struct sam_activation *a; /* a SAD; where it was refused, what is known of it for the record */
	struct sam_login before, after;
	const char *how;          /* a service authentication without a secret */
	struct sam_msg msg;
};

/* At levels 2 and 3 CKU_USER only carries a SAD. The service authentication is the caller's own: the SCA that the
 * client's uid is bound to. */
static enum sam_reason carried(struct sam *sam, struct attempt *t)
{
	const struct sam_policy *policy;
	struct sam_login sca;
	enum sam_reason reason = sam_sealed_now(sam, t->s, &policy);
	if (reason == SAM_OK)
		reason = sam_service_peer(policy, t->s, &sca);
	if (reason != SAM_OK)
		return reason == SAM_PEER_UNKNOWN ? SAM_SAD_IS_NO_LOGIN : reason;
	if (!sam_login_may_use(t->s, &sca, t->a->sub))
		return SAM_SAD_FOREIGN;
	t->after = sca;
	t->how = SAM_SERVICE_BY_UID;
	return SAM_OK;
}

/* A SAD by CKU_USER: at level 1 it logs its signer in; where somebody is, it is taken up if it is theirs. */
static enum sam_reason login_by_sad(struct sam *sam, const char *name, struct attempt *t)
{
	const char *signer = t->a->sub;
	if (name && strcmp(name, signer) != 0)
		return SAM_SAD_FOREIGN;
	if (t->before.name[0])
		return sam_login_may_use(t->s, &t->before, signer) ? SAM_ALREADY_LOGGED_IN : SAM_ANOTHER_LOGGED_IN;
	if (t->s->sealed->policy.level > 1)
		return carried(sam, t);
	memset(&t->after, 0, sizeof t->after);
	sam_mem_copy_text(t->after.name, sizeof t->after.name, signer);
	t->after.role = SAM_ROLE_SIGNER;
	t->after.by_sad = true;
	return SAM_OK;
}

/* What was said of whom, also where it was refused: for the record only. */
static void describe_attempt(struct sam_event *event, const struct sam_snapshot *s, const struct sam_pin *pin,
			     const struct sam_activation *a)
{
	sam_present_describe(event, a);
	if (event->signer && (!s || !sam_registry_signer(s, event->signer)))
		event->signer = NULL; /* a name that nobody has is an attacker's text */
	if (pin->kind != SAM_PIN_PASSWORD || !pin->name[0])
		return;
	/* the one who tried, not the one who is logged in; a name that nobody has may be a mistyped password */
	bool signer = s && sam_registry_signer(s, pin->name), principal = s && sam_registry_principal(s, pin->name);
	event->actor_kind = signer ? "signer" : principal ? "principal" : "process";
	event->actor = signer || principal ? pin->name : NULL;
	event->role = event->reason == SAM_OK ? event->role : NULL;
}

static enum sam_reason attempt(struct sam *sam, enum sam_login_as as, const char *name, const char *text, size_t len,
			       struct attempt *t)
{
	enum sam_reason reason = sam_pin_read(text, len, name, &t->pin);
	const bool null = reason == SAM_PIN_NULL && as == SAM_LOGIN_USER;
	if (reason == SAM_OK || null)
		reason = sam_registry_get(sam->registry, &t->s);
	if (reason != SAM_OK)
		return reason;
	if (null)
		return sam_service_null(sam, t->s, name, &t->before, &t->after, &t->how);
	if (t->pin.kind == SAM_PIN_PASSWORD)
		return login_by_password(sam, t->s, as, &t->pin, &t->before, &t->after);
	if (as == SAM_LOGIN_SO)
		return SAM_PIN_FORM; /* an officer is no signer */
	reason = sam_present(sam, t->s, &t->pin, &t->a, &t->msg);
	return reason == SAM_OK ? login_by_sad(sam, name, t) : reason;
}

/* ${reason}, or why it could not be recorded: that did not happen (invariant 5). */
static enum sam_reason record(struct sam *sam, const struct attempt *t, enum sam_reason reason)
{
	struct sam_event event = {.type = SAM_EVENT_LOGIN, .reason = reason,
				  .detail = t->msg.text[0] ? t->msg.text : t->how};
	enum sam_reason recorded = SAM_OK;
	char factors[SAM_FACTORS_TEXT];
	sam_login_describe(&event, reason == SAM_OK ? &t->after : &t->before);
	if (reason == SAM_OK && t->a && t->how) { /* the service authentication has a record of its own */
		recorded = sam_audit_event(&sam->audit, &event, false);
		event.type = SAM_EVENT_ACTIVATE;
		event.detail = NULL;
	}
	describe_attempt(&event, t->s, &t->pin, t->a);
	if (t->a && (reason == SAM_OK || reason == SAM_ALREADY_LOGGED_IN)) {
		event.factors = sam_factors_text(t->a->factors, factors);
		if (reason == SAM_ALREADY_LOGGED_IN)
			event.type = SAM_EVENT_ACTIVATE;
		event.reason = SAM_OK;
	} else if (reason != SAM_OK) {
		return sam_audit_refuse(&sam->audit, &event, reason);
	}
	if (recorded == SAM_OK)
		recorded = sam_audit_event(&sam->audit, &event, false);
	return recorded == SAM_OK ? reason : recorded;
}

enum sam_reason sam_login(struct sam *sam, enum sam_login_as as, const char *name, const char *text, size_t len,
			  const struct sam_login *current, struct sam_login *login, struct sam_activation **activation)
{
	struct attempt t = {.before = *current, .after = *current}; /* ${login} may be the same struct */
	*activation = NULL;
	const enum sam_reason reason = record(sam, &t, attempt(sam, as, name, text, len, &t));
	if (reason == SAM_OK || reason == SAM_ALREADY_LOGGED_IN) {
		*activation = t.a;
		t.a = NULL;
	}
	*login = reason == SAM_OK ? t.after : t.before;
	sam_activation_release(t.a);
	sam_registry_put(t.s);
	return reason;
}

/* The secret alone, or behind the own name and a colon, as it was given to C_Login. */
static void own_secret(const char *name, const char **text, size_t *len)
{
	size_t name_len = strlen(name);
	if (*len > name_len && memcmp(*text, name, name_len) == 0 && (*text)[name_len] == ':') {
		*text += name_len + 1;
		*len -= name_len + 1;
	}
}

/* invariant 10: nobody but the officer changes it, and only after the old one. */
static enum sam_reason replace_password(struct sam *sam, const struct sam_snapshot *s, const struct sam_policy *policy,
					const struct sam_principal *p, const char *fresh, size_t len)
{
	struct sam_event event = {.type = SAM_EVENT_PRINCIPAL_PASSWD, .actor_kind = "principal", .actor = p->name,
				  .role = sam_role_name(SAM_ROLE_SECURITY_OFFICER), .target = p->name};
	struct sam_principal changed = *p;
	struct sam_edit edit;
	enum sam_reason reason = sam_password_strong(policy, p->name, fresh, len, NULL);
	if (reason == SAM_OK && !sam_pin_may_be_password(fresh, len))
		reason = SAM_PASSWORD_WEAK;
	if (reason == SAM_OK && sam_password_check(sam->seal, fresh, len, p->password) == SAM_OK)
		reason = SAM_PASSWORD_SAME;
	if (reason == SAM_OK)
		reason = sam_password_make(sam->seal, fresh, len, changed.password, sizeof changed.password);
	changed.changed = sam_clock_now();
	sam_edit_start(&edit, sam->registry, s);
	if (reason == SAM_OK)
		reason = sam_edit_set_principal(&edit, &changed);
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, &sam->audit, &event);
	sam_edit_clear(&edit);
	sam_mem_wipe(&changed, sizeof changed);
	if (reason == SAM_OK && sam_store_checkpoint(sam->store, true) != SAM_OK)
		sam_log(SAM_LOG_WARNING, "no signed checkpoint could be made after C_SetPIN");
	return reason;
}

enum sam_reason sam_set_password(struct sam *sam, const struct sam_login *login, const char *old, size_t old_len,
				 const char *fresh, size_t len)
{
	const struct sam_policy *policy;
	const struct sam_snapshot *s = NULL;
	const struct sam_principal *p = NULL;
	enum sam_reason reason = login->role == SAM_ROLE_SECURITY_OFFICER ? SAM_OK : SAM_PROHIBITED;
	if (reason == SAM_OK)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK)
		reason = sam_sealed_now(sam, s, &policy);
	if (reason == SAM_OK && !(p = sam_registry_principal(s, login->name)))
		reason = SAM_PRINCIPAL_UNKNOWN;
	own_secret(login->name, &old, &old_len);
	own_secret(login->name, &fresh, &len);
	if (reason == SAM_OK)
		reason = sam_identify_password(sam->registry, &sam->audit, s, SAM_COUNTER_PASSWORD_P11, p->name,
					       p->password, old, old_len);
	if (reason == SAM_OK)
		reason = check_roles(policy, s, p->name);
	if (reason == SAM_OK && sam_policy_second(policy, SAM_ACT_PRINCIPAL_PASSWD))
		reason = SAM_SECOND_PERSON; /* there is none here: samctl principal passwd */
	if (reason == SAM_OK)
		reason = replace_password(sam, s, policy, p, fresh, len);
	if (reason != SAM_OK) {
		struct sam_event event = {.type = SAM_EVENT_ADMIN_REFUSED, .target = "C_SetPIN"};
		sam_login_describe(&event, login);
		reason = sam_audit_refuse(&sam->audit, &event, reason);
	}
	sam_registry_put(s);
	return reason;
}

void sam_logout(struct sam *sam, const struct sam_login *login)
{
	struct sam_event event = {.type = SAM_EVENT_LOGOUT};
	sam_login_describe(&event, login);
	enum sam_reason reason = sam_audit_event(&sam->audit, &event, false);
	if (reason != SAM_OK)
		sam_log_reason(reason, "a logout could not be recorded");
}

enum sam_reason sam_activate(struct sam *sam, const struct sam_login *login, const char *name, const char *text,
			     size_t len, struct sam_activation **activation)
{
	const struct sam_snapshot *s = NULL;
	struct sam_activation *a = NULL;
	struct sam_msg msg = {""};
	struct sam_pin pin = {0};
	struct sam_login same;
	*activation = NULL;
	enum sam_reason reason = sam_pin_read(text, len, name, &pin);
	const bool null = reason == SAM_PIN_NULL;
	if (reason == SAM_OK || null)
		reason = sam_registry_get(sam->registry, &s);
	if (reason == SAM_OK && null) {
		/* nothing is taken up: C_Sign decides, and looks into the store */
		reason = sam_service_deferred(sam, s);
	} else if (reason == SAM_OK && pin.kind == SAM_PIN_PASSWORD) {
		/* Clients send the same PIN to both logins. Where the login is the activation that is no
		 * error; elsewhere a password authorises nothing. */
		if (!s->sealed || s->sealed->policy.authorisation != SAM_AUTHORISE_LOGIN)
			reason = SAM_PIN_FORM;
		else if (strcmp(pin.name, login->name) != 0)
			reason = SAM_ANOTHER_LOGGED_IN;
		else
			reason = check_password(sam, s, SAM_LOGIN_USER, &pin, &same);
	} else if (reason == SAM_OK && (reason = sam_present(sam, s, &pin, &a, &msg)) == SAM_OK) {
		if ((name && strcmp(name, a->sub) != 0) || !sam_login_may_use(s, login, a->sub))
			reason = SAM_SAD_FOREIGN;
		else if (a->order) /* for no signature */
			reason = SAM_SAD_OPERATION;
	}
	/* A SAD that passed is recorded with the signature or refusal that follows. */
	if (reason == SAM_OK) {
		*activation = a;
		a = NULL;
	} else {
		struct sam_event event = {
			.type = SAM_EVENT_ACTIVATE, .reason = reason, .detail = msg.text[0] ? msg.text : NULL};
		sam_login_describe(&event, login);
		describe_attempt(&event, s, &pin, a);
		reason = sam_audit_refuse(&sam->audit, &event, reason);
	}
	sam_activation_release(a);
	sam_registry_put(s);
	return reason;
}
