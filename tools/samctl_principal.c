/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl principal and role: officers, administrators, operators, auditors; SCA, RA and CA.
 */
#include "tools/samctl.h"

#include <stdlib.h>
#include <string.h>

static int check_name(const struct samctl *ctl)
{
	return sam_name_valid(ctl->args[0], strlen(ctl->args[0]))
		       ? SAMCTL_DONE
		       : samctl_usage(ctl, "`%s' is no valid name", ctl->args[0]);
}

/* The role that may be given here; a signer is made by `signer add`. */
static enum sam_role read_role(const struct samctl *ctl)
{
	enum sam_role role = sam_role_by_name(samctl_given(ctl, "role", 0));

	return role == SAM_ROLE_SIGNER ? SAM_ROLE_NONE : role;
}

static int check_role(const struct samctl *ctl)
{
	return read_role(ctl) != SAM_ROLE_NONE
		       ? SAMCTL_DONE
		       : samctl_usage(ctl, "--role is security-officer, administrator, operator, auditor, sca, ra or ca");
}

static bool read_uid(const char *text, json_int_t *uid)
{
	char *end;

	*uid = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *uid < UINT32_MAX;
}

/* What only an SCA has: the signers granted to it, and its UNIX user. */
static int sca_params(struct samctl *ctl, json_t *params)
{
	const char *uid = samctl_given(ctl, "uid", 0);
	size_t count = samctl_given_count(ctl, "signer");
	json_t *signers = json_array();
	json_int_t number;

	json_object_set_new(params, "signers", signers);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(signers, json_string(samctl_given(ctl, "signer", i)));
	if ((count || uid) && read_role(ctl) != SAM_ROLE_SCA)
		return samctl_usage(ctl, "--signer and --uid are for the role sca");
	if (uid && !read_uid(uid, &number))
		return samctl_usage(ctl, "`%s' is no --uid", uid);
	if (uid)
		json_object_set_new(params, "uid", json_integer(number));
	return SAMCTL_DONE;
}

static int device_param(struct samctl *ctl, json_t *params)
{
	const char *path = samctl_given(ctl, "jwk", 0);
	char kid[SAM_KID_SIZE];
	json_t *public = path ? samctl_read_device(ctl, path, kid) : NULL;

	if (path && !public)
		return SAMCTL_FAILED;
	if (public)
		json_object_set_new(params, "jwk", public);
	return SAMCTL_DONE;
}

/* Is the name free, before a password is asked for. */
static int check_free(struct samctl *ctl)
{
	const struct sam_snapshot *s;
	bool taken;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	taken = sam_registry_principal(s, ctl->args[0]) || sam_registry_signer(s, ctl->args[0]);
	sam_registry_put(s);
	return taken ? samctl_refuse(ctl, SAM_EXISTS, ctl->args[0], NULL) : SAMCTL_DONE;
}

int samctl_principal_add(struct samctl *ctl)
{
	const char *name = ctl->args[0], *role = samctl_given(ctl, "role", 0);
	char password[SAM_PASSWORD_SIZE];
	json_t *params = json_pack("{s:s,s:s}", "name", name, "role", role);
	int status = check_name(ctl);

	if (status == SAMCTL_DONE)
		status = check_role(ctl);
	if (status == SAMCTL_DONE)
		status = sca_params(ctl, params);
	if (status == SAMCTL_DONE)
		status = check_free(ctl);
	if (status == SAMCTL_DONE)
		status = device_param(ctl, params);
	if (status == SAMCTL_DONE)
		status = samctl_password(ctl, samctl_given(ctl, "new-pin-source", 0), name, NULL, NULL, password);
	if (status != SAMCTL_DONE) {
		json_decref(params);
		return status;
	}
	json_object_set_new(params, "password", json_string(password));
	sam_mem_wipe(password, sizeof(password));
	return samctl_act(ctl, SAM_ACT_PRINCIPAL_ADD, params, json_pack("{s:s,s:s}", "principal", name, "role", role),
			  "%s %s added", role, name);
}

int samctl_principal_remove(struct samctl *ctl)
{
	const char *name = ctl->args[0];
	int status = check_name(ctl);

	return status == SAMCTL_DONE
		       ? samctl_act(ctl, SAM_ACT_PRINCIPAL_REMOVE, json_pack("{s:s}", "name", name),
				    json_pack("{s:s}", "principal", name), "%s removed", name)
		       : status;
}

int samctl_principal_unlock(struct samctl *ctl)
{
	const char *name = ctl->args[0];
	int status = check_name(ctl);

	return status == SAMCTL_DONE
		       ? samctl_act(ctl, SAM_ACT_PRINCIPAL_UNLOCK, json_pack("{s:s}", "name", name),
				    json_pack("{s:s}", "principal", name), "%s unlocked", name)
		       : status;
}

/* One's own, whatever the role. */
static int check_own(struct samctl *ctl)
{
	int status = check_name(ctl);

	if (status == SAMCTL_DONE && strcmp(ctl->actors.first.name, ctl->args[0]) != 0)
		return samctl_refuse(ctl, SAM_ROLE, ctl->args[0], NULL);
	return status;
}

int samctl_principal_passwd(struct samctl *ctl)
{
	const char *name = ctl->args[0];
	char password[SAM_PASSWORD_SIZE], old[SAM_PASSWORD_SIZE] = "";
	const struct sam_snapshot *s;
	const struct sam_principal *p;
	json_t *params;
	int status = check_own(ctl);

	if (status != SAMCTL_DONE || !samctl_snapshot(ctl, &s))
		return status == SAMCTL_DONE ? SAMCTL_FAILED : status;
	p = sam_registry_principal(s, name);
	if (p)
		memcpy(old, p->password, sizeof(old));
	sam_registry_put(s);
	status = samctl_password(ctl, samctl_given(ctl, "new-pin-source", 0), name, old, NULL, password);
	sam_mem_wipe(old, sizeof(old));
	if (status != SAMCTL_DONE)
		return status;
	params = json_pack("{s:s,s:s}", "name", name, "password", password);
	sam_mem_wipe(password, sizeof(password));
	return samctl_act(ctl, SAM_ACT_PRINCIPAL_PASSWD, params, json_pack("{s:s}", "principal", name),
			  "password of %s changed", name);
}

int samctl_principal_device(struct samctl *ctl)
{
	const char *name = ctl->args[0];
	json_t *params = json_pack("{s:s}", "name", name);
	int status = check_own(ctl);

	if (status == SAMCTL_DONE)
		status = device_param(ctl, params);
	if (status != SAMCTL_DONE) {
		json_decref(params);
		return status;
	}
	return samctl_act(ctl, SAM_ACT_PRINCIPAL_DEVICE, params, json_pack("{s:s}", "principal", name),
			  "device key bound to %s", name);
}

static json_t *roles(unsigned set)
{
	json_t *list = json_array();

	for (int role = SAM_ROLE_NONE + 1; role < SAM_ROLE_COUNT; role++)
		if (set & 1u << role)
			json_array_append_new(list, json_string(sam_role_name((enum sam_role)role)));
	return list;
}

static bool is_locked(struct samctl *ctl, const struct sam_principal *p)
{
	bool locked = false;

	return p->locked || sam_identify_locked(sam_registry(ctl->sam), p->name, &locked) != SAM_OK || locked;
}

static json_t *describe(struct samctl *ctl, const struct sam_principal *p)
{
	json_t *signers = json_array(), *object;

	for (size_t k = 0; k < p->signer_count; k++)
		json_array_append_new(signers, json_string(p->signers[k]));
	object = json_pack("{s:s,s:o,s:s,s:s,s:o}", "name", p->name, "roles", roles(p->roles), "state",
			   is_locked(ctl, p) ? "locked" : "active", "device", p->device.kid, "signers", signers);
	if (p->uid >= 0)
		json_object_set_new(object, "uid", json_integer((json_int_t)p->uid));
	return object;
}

int samctl_principal_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "NAME", "name" },	{ "ROLES", "roles" },	  { "STATE", "state" },
		{ "DEVICE", "device" }, { "SIGNERS", "signers" }, { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->principal_count; i++)
		json_array_append_new(list, describe(ctl, &s->principals[i]));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

/* ---- roles ---- */

static int change_role(struct samctl *ctl, enum sam_act act, const char *done)
{
	const char *name = ctl->args[0], *role = samctl_given(ctl, "role", 0);
	int status = check_name(ctl);

	if (status == SAMCTL_DONE)
		status = check_role(ctl);
	if (status != SAMCTL_DONE)
		return status;
	return samctl_act(ctl, act, json_pack("{s:s,s:s}", "name", name, "role", role),
			  json_pack("{s:s,s:s}", "principal", name, "role", role), "%s %s %s", role, done, name);
}

int samctl_role_grant(struct samctl *ctl)
{
	return change_role(ctl, SAM_ACT_ROLE_GRANT, "given to");
}

int samctl_role_revoke(struct samctl *ctl)
{
	return change_role(ctl, SAM_ACT_ROLE_REVOKE, "taken from");
}

/* Each role, who has it, and what it may begin or confirm. */
static json_t *describe_role(const struct sam_snapshot *s, const struct sam_policy *policy, enum sam_role role)
{
	json_t *people = json_array(), *begins = json_array(), *confirms = json_array();

	for (size_t i = 0; i < s->principal_count; i++)
		if (s->principals[i].roles & 1u << role)
			json_array_append_new(people, json_string(s->principals[i].name));
	for (int act = 0; act < SAM_ACT_COUNT; act++) {
		const struct sam_act_info *info = sam_act_info((enum sam_act)act);

		if (info->first & 1u << role)
			json_array_append_new(begins, json_string(info->name));
		if (sam_policy_second(policy, (enum sam_act)act) & 1u << role)
			json_array_append_new(confirms, json_string(info->name));
	}
	return json_pack("{s:s,s:o,s:o,s:o}", "role", sam_role_name(role), "principals", people, "acts", begins,
			 "confirms", confirms);
}

int samctl_role_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "ROLE", "role" },
		{ "PRINCIPALS", "principals" },
		{ NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (int role = SAM_ROLE_NONE + 1; role < SAM_ROLE_COUNT; role++)
		json_array_append_new(list, describe_role(s, sam_policy(ctl->sam), (enum sam_role)role));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}
