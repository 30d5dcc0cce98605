/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of the registry as JSON: what decides besides people and keys. The policy that officers signed,
 * the SAM's own keys, acts that wait for their second person, names that were somebody's.
 */
#include "registry/row.h"

#include <string.h>
#include "base/encode.h"

enum { JWS_MAX = 16384, PARAMS_MAX = 1 << 19 };

/* ---- pending acts ---- */

enum sam_reason sam_row_write_pending(const struct sam_pending *p, char **body)
{
	sam_auto(json_decref) json_t *json =
		json_pack("{ss ss sI sI ss}", "act", sam_act_info(p->act)->name, "by", p->by, "created",
			  (json_int_t)p->created, "expires", (json_int_t)p->expires, "params", p->params);
	return sam_row_dump(json, body);
}

enum sam_reason sam_row_read_pending(const struct sam_row *row, struct sam_pending *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	const char *params = json_string_value(json_object_get(body, "params"));
	char act[64];
	bool ok = body && sam_mem_copy_text(out->id, sizeof out->id, row->id) &&
		  sam_row_text(body, "act", act, sizeof act) &&
		  (out->act = sam_act_by_name(act)) != SAM_ACT_COUNT &&
		  sam_row_text(body, "by", out->by, sizeof out->by) && sam_row_number(body, "created", &out->created) &&
		  sam_row_number(body, "expires", &out->expires) && params && strlen(params) <= PARAMS_MAX &&
		  (out->params = strdup(params));
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_pending(struct sam_pending *p)
{
	if (p->params) /* a new password's hash may be in it */
		sam_mem_wipe(p->params, strlen(p->params));
	free(p->params);
}

/* ---- names that were somebody's ---- */

enum sam_reason sam_row_write_tombstone(const struct sam_tombstone *t, char **body)
{
	char cm_id[33] = "";
	if (t->is_key)
		sam_encode_hex(t->cm_id, sizeof t->cm_id, cm_id);
	sam_auto(json_decref) json_t *json = json_pack("{sI ss sb}", "removed", (json_int_t)t->removed, "cm_id", cm_id,
						       "in_cm", (int)t->in_cm);
	if (t->lost && json && json_object_set_new(json, "lost", json_true()) != 0)
		return SAM_MEMORY;
	return sam_row_dump(json, body);
}

enum sam_reason sam_row_read_tombstone(const struct sam_row *row, struct sam_tombstone *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	const char *cm_id = json_string_value(json_object_get(body, "cm_id"));
	out->is_key = cm_id && *cm_id;
	out->lost = json_is_true(json_object_get(body, "lost"));
	bool ok = cm_id && sam_mem_copy_text(out->name, sizeof out->name, row->id) &&
		  sam_row_number(body, "removed", &out->removed) && sam_row_flag(body, "in_cm", &out->in_cm) &&
		  (out->is_key ? sam_row_hex(body, "cm_id", out->cm_id, sizeof out->cm_id) : !out->in_cm);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

/* ---- the policy ---- */

enum sam_reason sam_row_write_sealed(const struct sam_sealed *p, char **body)
{
	char sha256[65], config[65];
	sam_encode_hex(p->sha256, sizeof p->sha256, sha256);
	sam_encode_hex(p->config_sha256, sizeof p->config_sha256, config);
	sam_auto(json_decref) json_t *json = json_pack("{ss}", "sha256", sha256);
	if (!p->text && p->version && json && json_object_update_new(json, json_pack("{si si}", "version", (int)p->version,
									   "level", (int)p->level)) != 0)
		return SAM_INTERNAL;
	if (p->text && json &&
	    json_object_update_new(json, json_pack("{si si ss ss ss so}", "version", (int)p->version, "level",
						   (int)p->level, "config_sha256", config, "text", p->text, "jws", p->jws,
						   "signer", sam_row_device_json(&p->signer))) != 0)
		return SAM_INTERNAL;
	return sam_row_dump(json, body);
}

/* Without text: of an earlier version, or before a restore; nothing is in force. What it says is the file's own words,
 * parsed by the rules of this version: where those do not take it, its level is 0, and it allows nothing until officers
 * sign one that they do take. */
static bool read_text(const json_t *body, struct sam_sealed *out)
{
	const char *text = json_string_value(json_object_get(body, "text"));
	const char *jws = json_string_value(json_object_get(body, "jws"));
	uint8_t sha256[32];
	int64_t version, level;
	if (!text && json_object_size(body) == 1)
		return true;
	if (!sam_row_number(body, "version", &version) || !sam_row_number(body, "level", &level) || version < 1 ||
	    version > INT32_MAX || level < 1 || level > 3)
		return false;
	out->version = (unsigned)version;
	out->level = (unsigned)level;
	if (!text)
		return json_object_size(body) == 3;
	if (!jws || strlen(jws) > JWS_MAX || !(out->text = strdup(text)) || !(out->jws = strdup(jws)) ||
	    !sam_row_hex(body, "config_sha256", out->config_sha256, sizeof out->config_sha256) ||
	    !sam_row_device(json_object_get(body, "signer"), &out->signer) || !out->signer.kid[0] ||
	    sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), sha256) != SAM_OK ||
	    !sam_mem_equal(sha256, out->sha256, sizeof sha256))
		return false;
	if (sam_policy_parse("the sealed policy", text, strlen(text), &out->policy, NULL) != SAM_OK)
		out->policy.level = 0;
	return true;
}

enum sam_reason sam_row_read_sealed(const struct sam_row *row, struct sam_sealed *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	bool ok = body && strcmp(row->id, SAM_ROW_SEALED) == 0 &&
		  sam_row_hex(body, "sha256", out->sha256, sizeof out->sha256) && read_text(body, out);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_sealed(struct sam_sealed *p)
{
	free(p->text);
	free(p->jws);
	sam_device_clear(&p->signer);
}

/* ---- the SAM's own key ---- */

enum sam_reason sam_row_write_statement(EVP_PKEY *pkey, const char *kid, char **body)
{
	sam_auto(json_decref) json_t *json = json_pack("{ss so}", "kid", kid, "spki", sam_row_spki(pkey));
	return sam_row_dump(json, body);
}

enum sam_reason sam_row_read_statement(const struct sam_row *row, EVP_PKEY **pkey, char kid[SAM_KID_SIZE])
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	bool ok = body && strcmp(row->id, SAM_ROW_STATEMENT) == 0 && !*pkey &&
		  sam_row_text(body, "kid", kid, SAM_KID_SIZE) && sam_row_pkey(body, "spki", pkey);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

/* ---- SAP keys ---- */

enum sam_reason sam_row_write_sap_key(const struct sam_sap_key *k, char **body)
{
	sam_auto(json_decref) json_t *json =
		json_pack("{sb ss so ss sI sI}", "rsa", (int)k->rsa, "name", k->name, "spki", sam_row_spki(k->pkey),
			  "statement", k->statement, "created", (json_int_t)k->created, "until", (json_int_t)k->until);
	return sam_row_dump(json, body);
}

enum sam_reason sam_row_read_sap_key(const struct sam_row *row, struct sam_sap_key *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	bool ok = body && strlen(row->id) == SAM_KID_SIZE - 1 &&
		  sam_mem_copy_text(out->kid, sizeof out->kid, row->id) &&
		  sam_row_flag(body, "rsa", &out->rsa) && sam_row_text(body, "name", out->name, sizeof out->name) &&
		  sam_row_pkey(body, "spki", &out->pkey) && EVP_PKEY_is_a(out->pkey, out->rsa ? "RSA" : "EC") &&
		  (out->statement = sam_row_copy(body, "statement", JWS_MAX)) &&
		  sam_row_number(body, "created", &out->created) && sam_row_number(body, "until", &out->until);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_sap_key(struct sam_sap_key *k)
{
	EVP_PKEY_free(k->pkey);
	free(k->statement);
}
