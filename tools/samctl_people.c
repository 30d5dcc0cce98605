/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl authenticator and principal: signers' device keys; officers, auditors and SCAs.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "sap/jose.h"

enum { JWK_MAX = 65536 };

/* ---- device keys ---- */

static enum sam_reason bind(struct samctl *ctl, const struct sam_authenticator *authenticator)
{
	struct sam_event event = {
		.type = SAM_EVENT_AUTHENTICATOR_ADD,
		.signer = authenticator->signer,
		.target = authenticator->kid,
	};
	struct sam_audit_record record;
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	if (reason != SAM_OK)
		return reason;
	/* of a key that is bound already the registry says so first, whoever it is for */
	if (!sam_registry_signer(s, authenticator->signer))
		reason = SAM_NOT_FOUND;
	sam_registry_put(s);
	if (reason != SAM_OK)
		return reason;
	reason = samctl_make(ctl, &event, &record);
	if (reason == SAM_OK)
		reason = sam_registry_add_authenticator(sam_registry(ctl->sam), authenticator,
							&record.record);
	sam_audit_clear(&record);
	return reason;
}

static int add_jwk(struct samctl *ctl, const char *signer, const json_t *json, const char *path)
{
	struct sam_authenticator authenticator = { .created = sam_clock_now() };
	json_auto_t *public = sam_jose_jwk_public(json);
	sam_auto(sam_free) char *text = public ? json_dumps(public, JSON_COMPACT) : NULL;
	struct sam_msg msg = { "" };
	struct sam_jwk jwk = { .pkey = NULL };
	enum sam_reason reason = sam_jose_jwk(json, &jwk, &msg);

	if (reason != SAM_OK || !text) {
		samctl_say(ctl, "%s: %s", path, *msg.text ? msg.text : "is no public key of ours");
		sam_jose_jwk_clear(&jwk);
		return SAMCTL_FAILED;
	}
	sam_mem_copy_text(authenticator.signer, sizeof(authenticator.signer), signer);
	sam_mem_copy_text(authenticator.kid, sizeof(authenticator.kid), jwk.thumbprint);
	authenticator.alg = jwk.alg;
	authenticator.jwk = text;
	authenticator.pkey = jwk.pkey;
	reason = bind(ctl, &authenticator);
	sam_jose_jwk_clear(&jwk);
	if (reason != SAM_OK)
		return samctl_refuse(ctl, reason, reason == SAM_EXISTS ? authenticator.kid : signer,
				     NULL);
	if (json_object_get(json, "d"))
		samctl_say(ctl,
			   "%s holds the private key; only its public part was kept. The device "
			   "alone should "
			   "have it: hand over the public JWK (sadtool keygen --public)",
			   path);
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s}", "signer", signer, "kid", authenticator.kid),
				 "device key %s bound to %s", authenticator.kid, signer);
}

int samctl_authenticator_add(struct samctl *ctl)
{
	const char *signer = ctl->args[0], *path = samctl_given(ctl, "jwk", 0);
	struct sam_secret file = { 0 };
	json_t *json = NULL;
	int status;

	if (!sam_name_valid(signer, strlen(signer)))
		return samctl_usage(ctl, "`%s' is no valid id", signer);
	status = samctl_read_file(ctl, path, JWK_MAX, &file);
	if (status != SAMCTL_DONE)
		return status;
	json = sam_jose_json(file.data, file.len);
	sam_secret_clear(&file);
	if (!json) {
		samctl_say(ctl, "%s: is no JWK: one JSON object", path);
		return SAMCTL_FAILED;
	}
	status = add_jwk(ctl, signer, json, path);
	json_decref(json);
	return status;
}

int samctl_authenticator_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "KID", "kid" },	  { "SIGNER", "signer" }, { "ALG", "alg" },
		{ "CREATED", "created" }, { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->authenticator_count; i++) {
		const struct sam_authenticator *a = &s->authenticators[i];
		const char *alg = sam_jws_name(a->alg);

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:o}", "kid", a->kid,
						      "signer", a->signer, "alg", alg ? alg : "RSA",
						      "created", samctl_time(a->created), "jwk",
						      json_loads(a->jwk, 0, NULL)));
	}
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

/* ---- principals ---- */

/* The role that may be given here; a signer is made by `signer add`. */
static enum sam_role read_role(const char *name)
{
	enum sam_role role = sam_registry_role_by_name(name);

	return role == SAM_ROLE_SIGNER ? SAM_ROLE_NONE : role;
}

/* The signers of an SCA: each there, each once. */
static enum sam_reason read_signers(const struct samctl *ctl, const struct sam_snapshot *s,
				    struct sam_principal *principal, const char **missing)
{
	size_t count = samctl_given_count(ctl, "signer");

	principal->signers = calloc(count ? count : 1, sizeof(principal->signers[0]));
	if (!principal->signers)
		return SAM_MEMORY;
	for (size_t i = 0; i < count; i++) {
		const char *id = samctl_given(ctl, "signer", i);
		bool twice = false;

		*missing = id;
		if (!sam_registry_signer(s, id))
			return SAM_NOT_FOUND;
		for (size_t k = 0; k < principal->signer_count; k++)
			twice |= strcmp(principal->signers[k], id) == 0;
		if (!twice)
			sam_mem_copy_text(principal->signers[principal->signer_count++],
					  SAM_NAME_SIZE, id);
	}
	*missing = NULL;
	return SAM_OK;
}

static enum sam_reason add_principal(struct samctl *ctl, const struct sam_principal *principal)
{
	struct sam_event event = {
		.type = SAM_EVENT_PRINCIPAL_ADD,
		.target = principal->name,
		.new_value = sam_registry_role_name(principal->role),
	};
	struct sam_audit_record record;
	enum sam_reason reason = samctl_make(ctl, &event, &record);

	if (reason == SAM_OK)
		reason = sam_registry_add_principal(sam_registry(ctl->sam), principal,
						    &record.record);
	sam_audit_clear(&record);
	return reason;
}

/* Before a password is asked for: is the name free, are the signers there? */
static enum sam_reason check_new(struct samctl *ctl, struct sam_principal *principal,
				 const char **missing)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	if (reason != SAM_OK)
		return reason;
	if (sam_registry_signer(s, principal->name) || sam_registry_principal(s, principal->name))
		reason = SAM_EXISTS;
	else
		reason = read_signers(ctl, s, principal, missing);
	sam_registry_put(s);
	return reason;
}

int samctl_principal_add(struct samctl *ctl)
{
	const char *name = ctl->args[0], *missing = NULL;
	struct sam_principal principal = { .role = read_role(samctl_given(ctl, "role", 0)) };
	enum sam_reason reason;
	int status = SAMCTL_DONE;

	if (!sam_name_valid(name, strlen(name)))
		return samctl_usage(ctl, "`%s' is no valid name", name);
	if (principal.role == SAM_ROLE_NONE)
		return samctl_usage(ctl, "--role is security-officer, auditor or sca");
	if (principal.role != SAM_ROLE_SCA && samctl_given(ctl, "signer", 0))
		return samctl_usage(ctl, "--signer is for the role sca");
	sam_mem_copy_text(principal.name, sizeof(principal.name), name);
	reason = check_new(ctl, &principal, &missing);
	if (reason == SAM_OK)
		status = samctl_password(ctl, sam_seal(ctl->sam),
					 samctl_given(ctl, "new-pin-source", 0), name,
					 principal.password);
	if (reason == SAM_OK && status == SAMCTL_DONE)
		reason = add_principal(ctl, &principal);
	free(principal.signers);
	sam_mem_wipe(principal.password, sizeof(principal.password));
	if (status != SAMCTL_DONE)
		return status;
	if (reason != SAM_OK)
		return samctl_refuse(ctl, reason, missing ? missing : name, NULL);
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s}", "principal", name, "role",
					   sam_registry_role_name(principal.role)),
				 "%s %s added", sam_registry_role_name(principal.role), name);
}

int samctl_principal_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "NAME", "name" },
		{ "ROLE", "role" },
		{ "SIGNERS", "signers" },
		{ NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	list = json_array();
	for (size_t i = 0; i < s->principal_count; i++) {
		const struct sam_principal *p = &s->principals[i];
		json_t *signers = json_array();

		for (size_t k = 0; k < p->signer_count; k++)
			json_array_append_new(signers, json_string(p->signers[k]));
		json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "name", p->name, "role",
						      sam_registry_role_name(p->role), "signers",
						      signers));
	}
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}
