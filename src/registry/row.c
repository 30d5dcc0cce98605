/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of the registry as JSON. The store vouches for the bytes; what is read is checked all the same.
 */
#include "registry/row.h"

#include <jansson.h>
#include <string.h>
#include "base/encode.h"
#include "base/mem.h"

SAM_AUTO_FREE(json_t, json_decref);

enum { JWK_MAX = 4096, SIGNERS_MAX = 100000 };

static enum sam_reason dump(json_t *body, char **out)
{
	if (!body)
		return SAM_INTERNAL;
	*out = json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER);
	return *out ? SAM_OK : SAM_MEMORY;
}

static json_t *load(const struct sam_row *row)
{
	return json_loadb(row->body, row->len, JSON_REJECT_DUPLICATES, NULL);
}

static bool get_text(const json_t *body, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(body, name));
	return text && sam_mem_copy_text(out, size, text);
}

static bool get_number(const json_t *body, const char *name, int64_t *out)
{
	const json_t *number = json_object_get(body, name);
	*out = (int64_t)json_integer_value(number);
	return json_is_integer(number);
}

static bool is_name(const char *name)
{
	return sam_name_valid(name, strlen(name));
}

/* ---- principals ---- */

enum sam_reason sam_row_write_principal(const struct sam_principal *p, char **body)
{
	sam_auto(json_decref) json_t *signers = json_array();
	for (size_t i = 0; signers && i < p->signer_count; i++)
		if (json_array_append_new(signers, json_string(p->signers[i])) != 0)
			return SAM_MEMORY;
	sam_auto(json_decref) json_t *json = json_pack("{ss ss sO}", "role", sam_registry_role_name(p->role),
						       "password", p->password, "signers", signers);
	return dump(json, body);
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
	sam_auto(json_decref) json_t *body = load(row);
	char role[32];
	bool ok = body && is_name(row->id) && sam_mem_copy_text(out->name, sizeof out->name, row->id) &&
		  get_text(body, "role", role, sizeof role) &&
		  (out->role = sam_registry_role_by_name(role)) != SAM_ROLE_NONE &&
		  get_text(body, "password", out->password, sizeof out->password) &&
		  read_granted(json_object_get(body, "signers"), out);
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

void sam_row_free_principal(struct sam_principal *p)
{
	sam_mem_wipe(p->password, sizeof p->password);
	free(p->signers);
}

/* ---- signers ---- */

enum sam_reason sam_row_write_signer(const struct sam_signer *s, char **body)
{
	sam_auto(json_decref) json_t *json =
		json_pack("{ss ss ss sb sI}", "name", s->name, "subject", s->subject, "password", s->password,
			  "password_own", (int)s->password_own, "created", (json_int_t)s->created);
	return dump(json, body);
}

enum sam_reason sam_row_read_signer(const struct sam_row *row, struct sam_signer *out)
{
	sam_auto(json_decref) json_t *body = load(row);
	bool ok = body && is_name(row->id) && sam_mem_copy_text(out->id, sizeof out->id, row->id) &&
		  get_text(body, "name", out->name, sizeof out->name) &&
		  get_text(body, "subject", out->subject, sizeof out->subject) &&
		  get_text(body, "password", out->password, sizeof out->password) &&
		  json_is_boolean(json_object_get(body, "password_own")) && get_number(body, "created", &out->created);
	out->password_own = json_is_true(json_object_get(body, "password_own"));
	return ok ? SAM_OK : SAM_STORE_TAMPERED;
}

/* ---- authenticators ---- */

enum sam_reason sam_row_write_authenticator(const struct sam_authenticator *a, char **body)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	size_t len;
	enum sam_reason reason = a->pkey && a->jwk ? sam_ossl_spki(a->pkey, &spki, &len) : SAM_INTERNAL;
	if (reason != SAM_OK)
		return reason;
	sam_auto(sam_free) char *text = malloc(2 * len + 1);
	if (!text)
		return SAM_MEMORY;
	sam_encode_b64url(spki, len, text);
	const char *alg = sam_jws_name(a->alg);
	sam_auto(json_decref) json_t *json = json_pack("{ss ss ss ss sI}", "signer", a->signer, "alg", alg ? alg : "",
						       "spki", text, "jwk", a->jwk, "created", (json_int_t)a->created);
	return dump(json, body);
}

/* The base64url member `spki`, decoded and malloc()ed. */
static bool get_spki(const json_t *body, uint8_t **spki, size_t *len)
{
	const char *text = json_string_value(json_object_get(body, "spki"));
	size_t size = text ? strlen(text) : 0;
	if (!size || size > JWK_MAX)
		return false;
	*spki = malloc(size);
	return *spki && sam_decode_b64url(text, size, *spki, size, len);
}

enum sam_reason sam_row_read_authenticator(const struct sam_row *row, struct sam_authenticator *out)
{
	sam_auto(json_decref) json_t *body = load(row);
	sam_auto(sam_free) uint8_t *spki = NULL;
	size_t len;
	char alg[16], jwk[JWK_MAX];
	bool ok = body && sam_mem_copy_text(out->kid, sizeof out->kid, row->id) &&
		  get_text(body, "signer", out->signer, sizeof out->signer) && is_name(out->signer) &&
		  get_text(body, "alg", alg, sizeof alg) && get_text(body, "jwk", jwk, sizeof jwk) &&
		  get_number(body, "created", &out->created) && get_spki(body, &spki, &len) &&
		  (out->pkey = sam_ossl_pubkey(spki, len)) && (out->jwk = strdup(jwk));
	if (!ok)
		return SAM_STORE_TAMPERED;
	out->alg = sam_jws_by_name(alg);
	return out->alg == SAM_JWS_NONE && alg[0] ? SAM_STORE_TAMPERED : SAM_OK;
}

void sam_row_free_authenticator(struct sam_authenticator *a)
{
	free(a->jwk);
	EVP_PKEY_free(a->pkey);
}

/* ---- keys ---- */

enum sam_reason sam_row_write_key(const struct sam_key *k, char **body)
{
	char thumbprint[65], cm_id[33];
	sam_auto(sam_free) char *spki = malloc(2 * k->spki_len + 4);
	if (!spki)
		return SAM_MEMORY;
	sam_encode_hex(k->thumbprint, sizeof k->thumbprint, thumbprint);
	sam_encode_hex(k->cm_id, sizeof k->cm_id, cm_id);
	sam_encode_b64url(k->spki, k->spki_len, spki);
	sam_auto(json_decref) json_t *json =
		json_pack("{ss ss ss si si ss ss sI}", "thumbprint", thumbprint, "signer", k->signer, "label", k->label,
			  "type", (int)k->type, "bits", (int)k->bits, "cm_id", cm_id, "spki", spki, "created",
			  (json_int_t)k->created);
	return dump(json, body);
}

static bool get_hex(const json_t *body, const char *name, uint8_t *out, size_t size)
{
	const char *text = json_string_value(json_object_get(body, name));
	size_t len;
	return text && sam_decode_hex(text, strlen(text), out, size, &len) && len == size;
}

/* The key is known by the SHA-256 of its SubjectPublicKeyInfo (invariant 2): computed, not believed. */
static bool same_key(const struct sam_key *k)
{
	uint8_t thumbprint[32];
	char credential[33];
	if (sam_ossl_digest(SAM_HASH_SHA256, k->spki, k->spki_len, thumbprint) != SAM_OK)
		return false;
	sam_encode_hex(thumbprint, 16, credential);
	return memcmp(thumbprint, k->thumbprint, sizeof thumbprint) == 0 && strcmp(credential, k->credential) == 0;
}

enum sam_reason sam_row_read_key(const struct sam_row *row, struct sam_key *out)
{
	sam_auto(json_decref) json_t *body = load(row);
	int64_t type, bits;
	bool ok = body && sam_mem_copy_text(out->credential, sizeof out->credential, row->id) &&
		  get_hex(body, "thumbprint", out->thumbprint, sizeof out->thumbprint) &&
		  get_text(body, "signer", out->signer, sizeof out->signer) && is_name(out->signer) &&
		  get_text(body, "label", out->label, sizeof out->label) && get_number(body, "type", &type) &&
		  get_number(body, "bits", &bits) && get_hex(body, "cm_id", out->cm_id, sizeof out->cm_id) &&
		  get_number(body, "created", &out->created) && get_spki(body, &out->spki, &out->spki_len) &&
		  (out->pkey = sam_ossl_pubkey(out->spki, out->spki_len)) && same_key(out) &&
		  type >= SAM_KEY_RSA && type <= SAM_KEY_ED25519 && bits > 0 && bits <= 16384;
	if (!ok)
		return SAM_STORE_TAMPERED;
	out->type = (enum sam_key_type)type;
	out->bits = (unsigned)bits;
	return SAM_OK;
}

void sam_row_free_key(struct sam_key *k)
{
	free(k->spki);
	EVP_PKEY_free(k->pkey);
}
