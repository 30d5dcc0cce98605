/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows that earlier versions of the registry wrote, made into those of today; called once, in the one
 * transaction that moves the store to the newer version.
 */
#include "registry/edit.h"

#include <string.h>
#include "registry/row.h"

/* Version 1: one role, no device key. */
static enum sam_reason principal_1(const json_t *body, const struct sam_row *row, char **out)
{
	struct sam_principal p = {.uid = -1};
	char role[32] = "";
	if (!sam_mem_copy_text(p.name, sizeof p.name, row->id) || !sam_row_text(body, "role", role, sizeof role) ||
	    !sam_row_text(body, "password", p.password, sizeof p.password))
		return SAM_STORE_TAMPERED;
	p.roles = 1u << sam_role_by_name(role);
	sam_auto(sam_free) char *text = NULL;
	enum sam_reason reason = sam_row_write_principal(&p, &text);
	sam_auto(json_decref) json_t *json = reason == SAM_OK ? json_loads(text, 0, NULL) : NULL;
	sam_mem_wipe(&p, sizeof p);
	if (!json || json_object_set(json, "signers", json_object_get(body, "signers")) != 0)
		return SAM_STORE_TAMPERED;
	return sam_row_dump(json, out);
}

/* Version 1: name and subject in clear, no version. Whether there ever was an authenticator it did not keep:
 * the safe answer is yes, and from now on two officers or the signer's SAD change them. That the password is the
 * signer's own choice was one person's word: two say it anew before a login authorises. */
static enum sam_reason signer_1(const json_t *body, const struct sam_row *row, const struct sam_seal *seal, char **out)
{
	struct sam_signer s = {.enrolled = true};
	bool own;
	bool ok = sam_mem_copy_text(s.id, sizeof s.id, row->id) && sam_row_text(body, "name", s.name, sizeof s.name) &&
		  sam_row_text(body, "subject", s.subject, sizeof s.subject) &&
		  sam_row_text(body, "password", s.password, sizeof s.password) &&
		  sam_row_flag(body, "password_own", &own) && sam_row_number(body, "created", &s.created);
	enum sam_reason reason = ok ? sam_row_write_signer(&s, seal, out) : SAM_STORE_TAMPERED;
	sam_mem_wipe(&s, sizeof s);
	return reason;
}

/* Version 1: the kid is the row's id only. */
static enum sam_reason authenticator_1(json_t *body, const struct sam_row *row, char **out)
{
	if (json_object_set_new(body, "kid", json_string(row->id)) != 0)
		return SAM_MEMORY;
	return sam_row_dump(body, out);
}

/* Version 1 sealed the policy's hash alone: officers have to sign one before anything is signed again. */
static enum sam_reason policy_1(const struct sam_row *row, char **out)
{
	struct sam_sealed sealed = {.text = NULL};
	if (row->len != sizeof sealed.sha256)
		return SAM_STORE_TAMPERED;
	memcpy(sealed.sha256, row->body, row->len);
	return sam_row_write_sealed(&sealed, out);
}

static enum sam_reason from_1(const struct sam_row *row, const struct sam_seal *seal, char **out)
{
	if (strcmp(row->kind, SAM_ROW_POLICY) == 0)
		return policy_1(row, out);
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	if (!body)
		return SAM_STORE_TAMPERED;
	if (strcmp(row->kind, SAM_ROW_PRINCIPAL) == 0)
		return principal_1(body, row, out);
	if (strcmp(row->kind, SAM_ROW_SIGNER) == 0)
		return signer_1(body, row, seal, out);
	if (strcmp(row->kind, SAM_ROW_AUTHENTICATOR) == 0)
		return authenticator_1(body, row, out);
	return SAM_OK;
}

/* Version 2: a key signed from its birth on; what the CM said of it then was not kept, so the rules of its template
 * alone are looked at (cm/find.c). */
static enum sam_reason key_2(json_t *body, char **out)
{
	if (json_object_update_new(body, json_pack("{ss ss ss sI sI ss ss sI s{}}", "origin",
						   sam_origin_name(SAM_ORIGIN_UNKNOWN), "attributes", "", "evidence", "",
						   "start", (json_int_t)0, "end", (json_int_t)0, "renews", "", "life",
						   sam_life_name(SAM_LIFE_ACTIVE), "changed", (json_int_t)0,
						   "certificate")) != 0)
		return SAM_MEMORY;
	return sam_row_dump(body, out);
}

/* Version 2 forgot a removed key's CKA_ID when it was gone from the CM. */
static enum sam_reason tombstone_2(json_t *body, char **out)
{
	const char *cm_id = json_string_value(json_object_get(body, "cm_id"));
	if (json_object_set_new(body, "in_cm", json_boolean(cm_id && *cm_id)) != 0)
		return SAM_MEMORY;
	return sam_row_dump(body, out);
}

static enum sam_reason from_2(const struct sam_row *row, char **out)
{
	const bool key = strcmp(row->kind, SAM_ROW_KEY) == 0;
	if (!key && strcmp(row->kind, SAM_ROW_TOMBSTONE) != 0)
		return SAM_OK;
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	if (!json_is_object(body))
		return SAM_STORE_TAMPERED;
	return key ? key_2(body, out) : tombstone_2(body, out);
}

enum sam_reason sam_registry_migrate(void *arg, int64_t from, const struct sam_row *row, char **body, size_t *len)
{
	*body = NULL;
	enum sam_reason reason = from < 2 ? from_1(row, arg, body) : SAM_OK;
	if (reason == SAM_OK && !*body && from < 3) /* what differed in version 1 is written as of now */
		reason = from_2(row, body);
	*len = *body ? strlen(*body) : 0;
	return reason;
}
