/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of the registry as JSON: people and their device keys. The store vouches for the
 * bytes; what is read is checked all the same.
 */
#include "registry/row.h"

#include <string.h>
#include "base/encode.h"

enum { JWK_MAX = 4096, SIGNERS_MAX = 100000, PERSONAL_MAX = 8192 };

/* ---- members ---- */

enum sam_reason sam_row_dump(const json_t *json, char **out)
{
	if (!json)
		return SAM_INTERNAL;
	*out = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	return *out ? SAM_OK : SAM_MEMORY;
}

json_t *sam_row_json(const struct sam_row *row)
{
	return json_loadb(row->body, row->len, JSON_REJECT_DUPLICATES, NULL);
}

bool sam_row_text(const json_t *body, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(body, name));
	return text && sam_mem_copy_text(out, size, text);
}

char *sam_row_copy(const json_t *body, const char *name, size_t max)
{
	const char *text = json_string_value(json_object_get(body, name));
	return text && strlen(text) <= max ? strdup(text) : NULL;
}

bool sam_row_number(const json_t *body, const char *name, int64_t *out)
{
	const json_t *number = json_object_get(body, name);
	*out = (int64_t)json_integer_value(number);
	return json_is_integer(number);
}

bool sam_row_flag(const json_t *body, const char *name, bool *out)
{
	const json_t *flag = json_object_get(body, name);
	*out = json_is_true(flag);
	return json_is_boolean(flag);
}

bool sam_row_hex(const json_t *body, const char *name, uint8_t *out, size_t size)
{
	const char *text = json_string_value(json_object_get(body, name));
	size_t len;
	return text && sam_decode_hex(text, strlen(text), out, size, &len) && len == size;
}

bool sam_row_bytes(const json_t *body, const char *name, size_t max, uint8_t **data, size_t *len)
{
	const char *text = json_string_value(json_object_get(body, name));
	size_t size = text ? strlen(text) : 0;
	if (!size || size > max)
		return false;
	*data = malloc(size);
	return *data && sam_decode_b64url(text, size, *data, size, len);
}

json_t *sam_row_b64url(const uint8_t *data, size_t len)
{
	sam_auto(sam_free) char *text = malloc(2 * len + 4);
	if (!text)
		return NULL;
	sam_encode_b64url(data, len, text);
	return json_string(text);
}

bool sam_row_pkey(const json_t *body, const char *name, EVP_PKEY **out)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	size_t len;
	return sam_row_bytes(body, name, SAM_ROW_SPKI_MAX, &spki, &len) && (*out = sam_ossl_pubkey(spki, len));
}

json_t *sam_row_spki(EVP_PKEY *pkey)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	size_t len;
	return pkey && sam_ossl_spki(pkey, &spki, &len) == SAM_OK ? sam_row_b64url(spki, len) : NULL;
}

json_t *sam_row_device_json(const struct sam_device *device)
{
	const char *alg = sam_jws_name(device->alg);
	if (!device->kid[0])
		return json_object();
	return json_pack("{ss ss so ss}", "kid", device->kid, "alg", alg ? alg : "", "spki",
			 sam_row_spki(device->pkey), "jwk", device->jwk);
}

bool sam_row_device(const json_t *body, struct sam_device *out)
{
	char alg[16], jwk[JWK_MAX];
	if (json_is_object(body) && json_object_size(body) == 0)
		return true;
	if (!body || !sam_row_text(body, "kid", out->kid, sizeof out->kid) || !out->kid[0] ||
	    !sam_row_text(body, "alg", alg, sizeof alg) || !sam_row_text(body, "jwk", jwk, sizeof jwk) ||
	    !sam_row_pkey(body, "spki", &out->pkey) || !(out->jwk = strdup(jwk)))
		return false;
	out->alg = sam_jws_by_name(alg);
	return out->alg != SAM_JWS_NONE || !alg[0];
}

static bool is_name(const char *name)
{
	return sam_name_valid(name, strlen(name));
}

/* ---- principals ---- */

static json_t *write_roles(unsigned roles)
{
	json_t *list = json_array();
	for (int role = SAM_ROLE_NONE + 1; list && role < SAM_ROLE_COUNT; role++)
		if (roles & 1u << role)
			json_array_append_new(list, json_string(sam_role_name((enum sam_role)role)));
	return list;
}

enum sam_reason sam_row_write_principal(const struct sam_principal *p, char **body)
{
	sam_auto(json_decref) json_t *signers = json_array();
	for (size_t i = 0; signers && i < p->signer_count; i++)
		if (json_array_append_new(signers, json_string(p->signers[i])) != 0)
			return SAM_MEMORY;
	sam_auto(json_decref) json_t *json = json_pack(
		"{so ss sO so sI sb sI sI}", "roles", write_roles(p->roles), "password", p->password, "signers", signers,
		"device", sam_row_device_json(&p->device), "uid", (json_int_t)p->uid, "locked", (int)p->locked, "created",
		(json_int_t)p->created, "changed", (json_int_t)p->changed);
	return sam_row_dump(json, body);
}

static bool read_roles(const json_t *list, unsigned *roles)
{
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item) {
		const char *name = json_string_value(item);
		enum sam_role role = name ? sam_role_by_name(name) : SAM_ROLE_NONE;
		if (role == SAM_ROLE_NONE)
			return false;
		*roles |= 1u << role;
	}
	return *roles != 0; /* no list: none */
}

static bool read_granted(const json_t *list, struct sam_principal *out)
{
	size_t count = json_array_size(list);
	if (!json_is_array(list) || count > SIGNERS_MAX)
		return false;
	out->signers = calloc(count ? count : 1, sizeof *out->signers);
	if (!out->signers)
		return false;
	for (; out->signer_count < count; out->signer_count++) {
		const char *id = json_string_value(json_array_get(list, out->signer_count));
		if (!id || !is_name(id) || !sam_mem_copy_text(out->signers[out->signer_count], SAM_NAME_SIZE, id))
			return false;
	}
	return true;
}

enum sam_reason sam_row_read_principal(const struct sam_row *row, struct sam_principal *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	bool ok = body && is_name(row->id) && sam_mem_copy_text(out->name, sizeof out->name, row->id) &&
		  read_roles(json_object_get(body, "roles"), &out->roles) &&
		  sam_row_text(body, "password", out->password, sizeof out->password) &&
		  read_granted(json_object_get(body, "signers"), out) &&
		  sam_row_device(json_object_get(body, "device"), &out->device) &&
		  sam_row_number(body, "uid", &out->uid) && sam_row_flag(body, "locked", &out->locked) &&
		  sam_row_number(body, "created", &out->created) && sam_row_number(body, "changed", &out->changed);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_principal(struct sam_principal *p)
{
	sam_mem_wipe(p->password, sizeof p->password);
	sam_device_clear(&p->device);
	free(p->signers);
}

/* ---- signers ---- */

/* Bound to the signer: another's cannot be put in its place. */
static void personal_name(const char *id, char out[SAM_NAME_SIZE + 16])
{
	strcpy(out, "p11-sam signer ");
	strcat(out, id);
}

/* Names and subjects are personal data: encrypted at rest (P2-3.1.1.1). */
static json_t *write_personal(const struct sam_signer *s, const struct sam_seal *seal)
{
	char what[SAM_NAME_SIZE + 16];
	sam_auto(json_decref) json_t *json = json_pack("{ss ss}", "name", s->name, "subject", s->subject);
	sam_auto(sam_free) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	sam_auto(sam_free) uint8_t *sealed = malloc(len + SAM_SEAL_OVERHEAD);
	personal_name(s->id, what);
	if (!text || !sealed || sam_seal_encrypt(seal, what, text, len, sealed) != SAM_OK)
		return NULL;
	return sam_row_b64url(sealed, len + SAM_SEAL_OVERHEAD);
}

static bool read_personal(const json_t *body, const struct sam_seal *seal, struct sam_signer *out)
{
	char what[SAM_NAME_SIZE + 16], text[PERSONAL_MAX];
	sam_auto(sam_free) uint8_t *sealed = NULL;
	size_t len;
	personal_name(out->id, what);
	if (!sam_row_bytes(body, "personal", PERSONAL_MAX, &sealed, &len) || len < SAM_SEAL_OVERHEAD ||
	    sam_seal_decrypt(seal, what, sealed, len, (uint8_t *)text) != SAM_OK)
		return false;
	sam_auto(json_decref) json_t *json = json_loadb(text, len - SAM_SEAL_OVERHEAD, JSON_REJECT_DUPLICATES, NULL);
	sam_mem_wipe(text, sizeof text);
	return json && sam_row_text(json, "name", out->name, sizeof out->name) &&
	       sam_row_text(json, "subject", out->subject, sizeof out->subject);
}

enum sam_reason sam_row_write_signer(const struct sam_signer *s, const struct sam_seal *seal, char **body)
{
	sam_auto(json_decref) json_t *json = json_pack(
		"{so ss sb ss ss sb sb sb sI sI sI}", "personal", write_personal(s, seal), "password", s->password,
		"password_own", (int)s->password_own, "password_by", s->password_by, "pin", s->pin, "pin_set",
		(int)s->pin_set, "suspended",
		(int)s->suspended, "enrolled", (int)s->enrolled, "version", (json_int_t)s->version, "changed",
		(json_int_t)s->changed, "created", (json_int_t)s->created);
	return sam_row_dump(json, body);
}

enum sam_reason sam_row_read_signer(const struct sam_row *row, const struct sam_seal *seal, struct sam_signer *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	int64_t version = -1;
	bool ok = body && is_name(row->id) && sam_mem_copy_text(out->id, sizeof out->id, row->id) &&
		  read_personal(body, seal, out) &&
		  sam_row_text(body, "password", out->password, sizeof out->password) &&
		  sam_row_flag(body, "password_own", &out->password_own) &&
		  sam_row_text(body, "password_by", out->password_by, sizeof out->password_by) &&
		  sam_row_text(body, "pin", out->pin, sizeof out->pin) &&
		  sam_row_flag(body, "pin_set", &out->pin_set) &&
		  sam_row_flag(body, "suspended", &out->suspended) && sam_row_flag(body, "enrolled", &out->enrolled) &&
		  sam_row_number(body, "version", &version) && version >= 0 &&
		  sam_row_number(body, "changed", &out->changed) && sam_row_number(body, "created", &out->created);
	out->version = (uint64_t)version;
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_signer(struct sam_signer *s)
{
	sam_mem_wipe(s, sizeof *s);
}

/* ---- authenticators ---- */

enum sam_reason sam_row_write_authenticator(const struct sam_authenticator *a, char **body)
{
	sam_auto(json_decref) json_t *json = sam_row_device_json(&a->device);
	if (!json || !a->device.kid[0] || json_object_set_new(json, "signer", json_string(a->signer)) != 0 ||
	    json_object_set_new(json, "created", json_integer((json_int_t)a->created)) != 0)
		return SAM_INTERNAL;
	if (a->certificate[0] && json_object_set_new(json, "certificate", json_string(a->certificate)) != 0)
		return SAM_MEMORY;
	return sam_row_dump(json, body);
}

/* A bare device key has none. */
static bool read_bound(const json_t *body, struct sam_authenticator *out)
{
	uint8_t sha256[32];
	return !json_object_get(body, "certificate") ||
	       (sam_row_text(body, "certificate", out->certificate, sizeof out->certificate) &&
		sam_row_hex(body, "certificate", sha256, sizeof sha256));
}

enum sam_reason sam_row_read_authenticator(const struct sam_row *row, struct sam_authenticator *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	bool ok = body && sam_row_text(body, "signer", out->signer, sizeof out->signer) && is_name(out->signer) &&
		  sam_row_number(body, "created", &out->created) && sam_row_device(body, &out->device) &&
		  strcmp(out->device.kid, row->id) == 0 && read_bound(body, out);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_authenticator(struct sam_authenticator *a)
{
	sam_device_clear(&a->device);
}
