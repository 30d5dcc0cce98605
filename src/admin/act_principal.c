/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts about principals and their roles (P1-7.1.1, P2-3.2.1.6).
 */
#include "admin/internal.h"

#include <string.h>
#include "registry/identify.h"

static enum sam_reason take(struct sam_doing *d, enum sam_event_type type)
{
	const char *name = sam_param(d, "name");
	const struct sam_principal *found = name ? sam_registry_principal(d->s, name) : NULL;
	d->event.type = type;
	d->event.target = name;
	if (!found)
		return SAM_NOT_FOUND;
	d->principal = *found; /* what it points to stays the snapshot's */
	return SAM_OK;
}

static enum sam_reason put(struct sam_doing *d)
{
	d->principal.changed = d->now;
	return sam_edit_set_principal(&d->edit, &d->principal);
}

static void roles_text(unsigned roles, char out[256])
{
	*out = '\0';
	for (int role = SAM_ROLE_NONE + 1; role < SAM_ROLE_COUNT; role++) {
		if (!(roles & 1u << role))
			continue;
		if (*out)
			strcat(out, " ");
		strcat(out, sam_role_name((enum sam_role)role)); /* eight short words */
	}
}

static enum sam_reason check_roles(struct sam_doing *d, unsigned roles)
{
	const char *conflict = sam_roles_conflict(d->policy, roles);
	if (!conflict)
		return SAM_OK;
	sam_msg_set(d->msg, "%s", conflict);
	return SAM_ROLES_CONFLICT;
}

static unsigned role_of(const struct sam_doing *d)
{
	const char *name = sam_param(d, "role");
	enum sam_role role = name ? sam_role_by_name(name) : SAM_ROLE_NONE;
	return role == SAM_ROLE_NONE || role == SAM_ROLE_SIGNER ? 0 : 1u << role;
}

/* The signers granted to an SCA: a copy, each once. */
static enum sam_reason read_granted(const struct sam_doing *d, struct sam_principal *p)
{
	const json_t *list = json_object_get(d->params, "signers"), *item;
	size_t i;
	p->signers = calloc(json_array_size(list) + 1, sizeof *p->signers);
	if (!p->signers)
		return SAM_MEMORY;
	json_array_foreach(list, i, item) {
		const char *id = json_string_value(item);
		bool twice = false;
		if (!id || !sam_mem_copy_text(p->signers[p->signer_count], SAM_NAME_SIZE, id))
			return SAM_ARGUMENTS;
		for (size_t k = 0; k < p->signer_count; k++)
			twice |= strcmp(p->signers[k], id) == 0;
		p->signer_count += !twice;
	}
	return SAM_OK;
}

enum sam_reason sam_perform_principal_add(struct sam_doing *d)
{
	const char *name = sam_param(d, "name"), *password = sam_param(d, "password");
	const json_t *uid = json_object_get(d->params, "uid");
	struct sam_principal p = {.roles = role_of(d), .uid = uid ? json_integer_value(uid) : -1, .created = d->now};
	d->event.type = d->act == SAM_ACT_SECOND_OFFICER ? SAM_EVENT_SECOND_OFFICER : SAM_EVENT_PRINCIPAL_ADD;
	d->event.target = name;
	d->event.new_value = sam_param(d, "role");
	if (!name || !password || !p.roles || !sam_mem_copy_text(p.name, sizeof p.name, name) ||
	    !sam_mem_copy_text(p.password, sizeof p.password, password))
		return SAM_ARGUMENTS;
	enum sam_reason reason = check_roles(d, p.roles);
	if (reason == SAM_OK)
		reason = read_granted(d, &p);
	if (reason == SAM_OK && json_object_get(d->params, "jwk"))
		reason = sam_param_device(d, &p.device);
	if (reason == SAM_OK)
		reason = sam_edit_add_principal(&d->edit, &p);
	/* where there are two officers, from now on two make a third */
	if (reason == SAM_OK && (p.roles & SAM_OFFICER))
		reason = sam_edit_second_officer(&d->edit, false);
	free(p.signers);
	sam_device_clear(&p.device);
	sam_mem_wipe(p.password, sizeof p.password);
	return reason;
}

/* Without two officers nobody could make another, without an auditor nobody would see it: no fewer than that,
 * nor fewer than there are where init made one officer. */
static enum sam_reason check_left(const struct sam_doing *d, unsigned roles_gone)
{
	const struct sam_principal *p = &d->principal;
	size_t officers = sam_registry_count(d->s, SAM_ROLE_SECURITY_OFFICER);
	size_t auditors = sam_registry_count(d->s, SAM_ROLE_AUDITOR);
	if (p->locked)
		return SAM_OK; /* it did not count */
	if ((p->roles & roles_gone & SAM_OFFICER) && officers <= 2)
		return SAM_LAST_OF_ROLE;
	if ((p->roles & roles_gone & SAM_AUDITOR) && auditors <= 1)
		return SAM_LAST_OF_ROLE;
	return SAM_OK;
}

enum sam_reason sam_perform_principal_remove(struct sam_doing *d)
{
	struct sam_principal *p = &d->principal;
	enum sam_reason reason = take(d, SAM_EVENT_PRINCIPAL_REMOVE);
	if (reason != SAM_OK)
		return reason;
	roles_text(p->roles, d->text[0]);
	d->event.old_value = d->text[0];
	sam_doing_clear_locks(d, d->event.target);
	reason = check_left(d, ~0u);
	return reason == SAM_OK ? sam_edit_remove_principal(&d->edit, p, d->now) : reason;
}

enum sam_reason sam_perform_principal_unlock(struct sam_doing *d)
{
	struct sam_principal *p = &d->principal;
	enum sam_reason reason = take(d, SAM_EVENT_PRINCIPAL_UNLOCK);
	if (reason != SAM_OK)
		return reason;
	bool locked = false;
	reason = sam_identify_locked(sam_registry(d->sam), p->name, &locked);
	if (reason == SAM_OK && !locked && !p->locked)
		reason = SAM_NO_CHANGE; /* nor are failures below the lock forgotten */
	if (reason != SAM_OK)
		return reason;
	sam_doing_clear_locks(d, d->event.target);
	p->locked = false;
	return put(d);
}

enum sam_reason sam_perform_principal_passwd(struct sam_doing *d)
{
	const char *password = sam_param(d, "password");
	struct sam_principal *p = &d->principal;
	enum sam_reason reason = take(d, SAM_EVENT_PRINCIPAL_PASSWD);
	if (reason != SAM_OK)
		return reason;
	return password && sam_mem_copy_text(p->password, sizeof p->password, password) ? put(d) : SAM_ARGUMENTS;
}

enum sam_reason sam_perform_principal_device(struct sam_doing *d)
{
	struct sam_principal *p = &d->principal;
	struct sam_device device;
	enum sam_reason reason = take(d, SAM_EVENT_PRINCIPAL_DEVICE);
	if (reason != SAM_OK)
		return reason;
	reason = sam_param_device(d, &device);
	sam_mem_copy_text(d->text[0], sizeof d->text[0], p->device.kid);
	sam_mem_copy_text(d->text[1], sizeof d->text[1], device.kid);
	d->event.old_value = d->text[0][0] ? d->text[0] : NULL;
	d->event.new_value = d->text[1];
	p->device = device;
	if (reason == SAM_OK)
		reason = put(d);
	sam_device_clear(&device);
	return reason;
}

static enum sam_reason change_roles(struct sam_doing *d, unsigned roles)
{
	struct sam_principal *p = &d->principal;
	roles_text(p->roles, d->text[0]);
	roles_text(roles, d->text[1]);
	d->event.old_value = d->text[0];
	d->event.new_value = d->text[1];
	if (roles == p->roles)
		return SAM_NO_CHANGE;
	p->roles = roles;
	return put(d);
}

enum sam_reason sam_perform_role_grant(struct sam_doing *d)
{
	struct sam_principal *p = &d->principal;
	unsigned role = role_of(d);
	enum sam_reason reason = take(d, SAM_EVENT_ROLE_GRANT);
	if (reason == SAM_OK)
		reason = role ? check_roles(d, p->roles | role) : SAM_ARGUMENTS;
	if (reason == SAM_OK)
		reason = change_roles(d, p->roles | role);
	if (reason == SAM_OK && (role & SAM_OFFICER))
		reason = sam_edit_second_officer(&d->edit, false);
	return reason;
}

enum sam_reason sam_perform_role_revoke(struct sam_doing *d)
{
	struct sam_principal *p = &d->principal;
	unsigned role = role_of(d);
	enum sam_reason reason = take(d, SAM_EVENT_ROLE_REVOKE);
	if (reason == SAM_OK && !role)
		reason = SAM_ARGUMENTS;
	if (reason == SAM_OK && !(p->roles & ~role)) {
		sam_msg_set(d->msg, "it would have no role left; remove it");
		reason = SAM_LAST_OF_ROLE;
	}
	if (reason == SAM_OK)
		reason = check_left(d, role);
	return reason == SAM_OK ? change_roles(d, p->roles & ~role) : reason;
}
