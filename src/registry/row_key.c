/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of the registry as JSON: signing keys, with what was sealed at their birth, and their certificates.
 */
#include "registry/row.h"

#include <string.h>
#include "base/encode.h"

enum {
	ATTRIBUTES_MAX = 1024, EVIDENCE_MAX = 8192,
	CERTIFICATE_MAX = 22000, /* characters: 16 KiB */
	NAME_TEXT_MAX = 1024,
};

static json_t *write_certificate(const struct sam_certificate *c)
{
	if (!c->der)
		return json_object();
	return json_pack("{so ss ss ss sI sI}", "der", sam_row_b64url(c->der, c->len), "issuer", c->issuer, "subject",
			 c->subject, "serial", c->serial, "not_before", (json_int_t)c->not_before, "not_after",
			 (json_int_t)c->not_after);
}

static bool read_certificate(const json_t *body, struct sam_certificate *c)
{
	if (json_is_object(body) && json_object_size(body) == 0)
		return true;
	return body && sam_row_bytes(body, "der", CERTIFICATE_MAX, &c->der, &c->len) &&
	       (c->issuer = sam_row_copy(body, "issuer", NAME_TEXT_MAX)) &&
	       (c->subject = sam_row_copy(body, "subject", NAME_TEXT_MAX)) &&
	       (c->serial = sam_row_copy(body, "serial", NAME_TEXT_MAX)) &&
	       sam_row_number(body, "not_before", &c->not_before) && sam_row_number(body, "not_after", &c->not_after);
}

enum sam_reason sam_row_write_key(const struct sam_key *k, char **body)
{
	char thumbprint[65], cm_id[33];
	sam_encode_hex(k->thumbprint, sizeof k->thumbprint, thumbprint);
	sam_encode_hex(k->cm_id, sizeof k->cm_id, cm_id);
	sam_auto(json_decref) json_t *json = json_pack(
		"{ss ss ss si si ss so sI ss ss ss sI sI ss ss sI so}", "thumbprint", thumbprint, "signer", k->signer,
		"label", k->label, "type", (int)k->type, "bits", (int)k->bits, "cm_id", cm_id, "spki",
		sam_row_b64url(k->spki, k->spki_len), "created", (json_int_t)k->created, "origin",
		sam_origin_name(k->origin), "attributes", k->attributes ? k->attributes : "", "evidence",
		k->evidence ? k->evidence : "", "start", (json_int_t)k->start, "end", (json_int_t)k->end, "renews",
		k->renews, "life", sam_life_name(k->life), "changed", (json_int_t)k->changed, "certificate",
		write_certificate(&k->certificate));
	return sam_row_dump(json, body);
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

static bool read_life(const json_t *body, struct sam_key *out)
{
	char life[16], origin[16];
	if (!sam_row_text(body, "life", life, sizeof life) || !sam_row_text(body, "origin", origin, sizeof origin))
		return false;
	out->life = SAM_LIVES;
	for (int i = 0; i < SAM_LIVES; i++)
		if (strcmp(sam_life_name((enum sam_life)i), life) == 0)
			out->life = (enum sam_life)i;
	out->origin = SAM_ORIGINS;
	for (int i = 0; i < SAM_ORIGINS; i++)
		if (strcmp(sam_origin_name((enum sam_origin)i), origin) == 0)
			out->origin = (enum sam_origin)i;
	return out->life != SAM_LIVES && out->origin != SAM_ORIGINS &&
	       (out->attributes = sam_row_copy(body, "attributes", ATTRIBUTES_MAX)) &&
	       (out->evidence = sam_row_copy(body, "evidence", EVIDENCE_MAX)) &&
	       sam_row_number(body, "start", &out->start) && sam_row_number(body, "end", &out->end) &&
	       sam_row_text(body, "renews", out->renews, sizeof out->renews) &&
	       sam_row_number(body, "changed", &out->changed) &&
	       read_certificate(json_object_get(body, "certificate"), &out->certificate);
}

enum sam_reason sam_row_read_key(const struct sam_row *row, struct sam_key *out)
{
	sam_auto(json_decref) json_t *body = sam_row_json(row);
	int64_t type, bits;
	bool ok = body && sam_mem_copy_text(out->credential, sizeof out->credential, row->id) &&
		  sam_row_hex(body, "thumbprint", out->thumbprint, sizeof out->thumbprint) &&
		  sam_row_text(body, "signer", out->signer, sizeof out->signer) &&
		  sam_name_valid(out->signer, strlen(out->signer)) &&
		  sam_row_text(body, "label", out->label, sizeof out->label) && sam_row_number(body, "type", &type) &&
		  sam_row_number(body, "bits", &bits) && sam_row_hex(body, "cm_id", out->cm_id, sizeof out->cm_id) &&
		  sam_row_number(body, "created", &out->created) &&
		  sam_row_bytes(body, "spki", SAM_ROW_SPKI_MAX, &out->spki, &out->spki_len) &&
		  (out->pkey = sam_ossl_pubkey(out->spki, out->spki_len)) && same_key(out) && type >= SAM_KEY_RSA &&
		  type <= SAM_KEY_ED25519 && bits > 0 && bits <= 16384 && read_life(body, out);
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
	free(k->attributes);
	free(k->evidence);
	free(k->certificate.der);
	free(k->certificate.issuer);
	free(k->certificate.subject);
	free(k->certificate.serial);
}
