/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's own statements. The CM room makes their bytes from these members (invariant 1).
 */
#include "sap/own.h"

#include <string.h>
#include "base/clock.h"
#include "base/encode.h"
#include "sap/jose.h"
#include "sap/jose_jwk.h"
#include "sap/jwe.h"
#include "sap/statement.h"

enum { JTI_BYTES = 16, JTI_SIZE = 2 * JTI_BYTES };

static enum sam_reason state_checkpoint(void *arg, const struct sam_checkpoint *c, char **jws)
{
	const struct sam_own *own = arg;
	const struct sam_cm_statement statement = {
		.kind = SAM_CM_CHECKPOINT,
		.kid = own->kid,
		.aud = own->sam_id,
		.iss = c->node,
		.iat = c->time,
		.number = c->number,
		.epoch = c->epoch,
		.sequence = c->sequence,
		.audit_seq = c->audit_seq,
		.sha256 = {c->audit_hash},
	};
	if (!own->kid[0])
		return SAM_NOT_FOUND;
	return sam_cm_state(own->cm, &statement, jws);
}

static enum sam_reason read_number(void *arg, const char *node, uint64_t *number)
{
	const struct sam_own *own = arg;
	return sam_cm_number_read(own->cm, node, number);
}

static enum sam_reason write_number(void *arg, const char *node, uint64_t number)
{
	const struct sam_own *own = arg;
	return sam_cm_number_write(own->cm, node, number);
}

void sam_own_start(struct sam_own *own, struct sam_cm *cm, const char *sam_id)
{
	memset(own, 0, sizeof *own);
	own->cm = cm;
	own->sam_id = sam_id;
	own->witness = (struct sam_witness){own, state_checkpoint, read_number, write_number};
}

enum sam_reason sam_own_device(EVP_PKEY *pkey, struct sam_device *out)
{
	struct sam_jwk jwk;
	memset(out, 0, sizeof *out);
	sam_auto(json_decref) json_t *json = json_object();
	if (!json || !sam_jose_jwk_put_ec(json, sam_jose_alg(SAM_JWS_ES256), pkey, false))
		return SAM_CM_FAILED;
	sam_auto(sam_free) char *text = json_dumps(json, JSON_COMPACT);
	if (!text || sam_jose_jwk(json, &jwk, NULL) != SAM_OK)
		return SAM_CM_FAILED;
	enum sam_reason reason = sam_device_set(out, text, jwk.thumbprint, SAM_JWS_ES256, pkey);
	sam_jose_jwk_clear(&jwk);
	return reason;
}

enum sam_reason sam_own_create(struct sam_own *own, EVP_PKEY **pkey)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	struct sam_device device;
	size_t len;
	*pkey = NULL;
	enum sam_reason reason = sam_cm_statement_key_create(own->cm, &spki, &len);
	if (reason == SAM_EXISTS) { /* an earlier try did not come to the registry */
		reason = sam_cm_statement_key_destroy(own->cm);
		if (reason == SAM_OK)
			reason = sam_cm_statement_key_create(own->cm, &spki, &len);
	}
	if (reason != SAM_OK)
		return reason;
	*pkey = sam_ossl_pubkey(spki, len);
	reason = *pkey ? sam_own_device(*pkey, &device) : SAM_CM_FAILED;
	if (reason != SAM_OK)
		return reason;
	sam_mem_copy_text(own->kid, sizeof own->kid, device.kid);
	sam_device_clear(&device);
	return SAM_OK;
}

static enum sam_reason new_jti(char jti[JTI_SIZE])
{
	uint8_t random[JTI_BYTES];
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	if (reason == SAM_OK)
		sam_encode_b64url(random, sizeof random, jti);
	return reason;
}

enum sam_reason sam_own_policy(const struct sam_own *own, const char *officer, const struct sam_policy *policy,
			       const uint8_t config_sha256[32], char **jws)
{
	char jti[JTI_SIZE];
	const int64_t now = sam_clock_now();
	const struct sam_cm_statement statement = {
		.kind = SAM_CM_POLICY,
		.kid = own->kid,
		.aud = own->sam_id,
		.iss = officer,
		.jti = jti,
		.iat = now,
		.exp = now + SAM_STATEMENT_S,
		.number = policy->version,
		.sha256 = {policy->sha256, config_sha256},
	};
	enum sam_reason reason = new_jti(jti);
	return reason == SAM_OK ? sam_cm_state(own->cm, &statement, jws) : reason;
}

enum sam_reason sam_own_backup(const struct sam_own *own, const struct sam_store_head *head,
			       const uint8_t file_sha256[32], char **jws)
{
	char jti[JTI_SIZE];
	const struct sam_cm_statement statement = {
		.kind = SAM_CM_BACKUP,
		.kid = own->kid,
		.aud = own->sam_id,
		.iss = head->node,
		.jti = jti,
		.iat = sam_clock_now(),
		.epoch = head->epoch,
		.sequence = head->sequence,
		.audit_seq = head->audit_seq,
		.sha256 = {file_sha256, head->audit_hash},
	};
	enum sam_reason reason = new_jti(jti);
	return reason == SAM_OK ? sam_cm_state(own->cm, &statement, jws) : reason;
}

/* A statement takes plain texts alone; a policy's certificate number may be another. */
static void make_plain(const char *in, char *out, size_t size)
{
	size_t i;
	for (i = 0; in[i] && i + 1 < size; i++)
		out[i] = in[i] < ' ' || in[i] > '~' || in[i] == '"' || in[i] == '\\' ? '?' : in[i];
	out[i] = '\0';
}

enum sam_reason sam_own_evidence(const struct sam_own *own, const char *node, const struct sam_key *key,
				 const struct sam_policy_cm *cm, char **jws)
{
	char jti[JTI_SIZE], evaluation[256];
	make_plain(cm ? cm->evaluation : "not stated", evaluation, sizeof evaluation);
	const struct sam_cm_statement statement = {
		.kind = SAM_CM_EVIDENCE,
		.kid = own->kid,
		.aud = own->sam_id,
		.iss = node,
		.jti = jti,
		.iat = sam_clock_now(),
		.sha256 = {key->thumbprint},
		.credential = key->credential,
		.key_type = sam_key_type_name(key->type, key->bits),
		.origin = sam_origin_name(key->origin),
		.attributes = key->attributes,
		.evaluation = evaluation,
	};
	enum sam_reason reason = new_jti(jti);
	return reason == SAM_OK ? sam_cm_state(own->cm, &statement, jws) : reason;
}

enum sam_reason sam_own_sap_key(const struct sam_own *own, const char *node, const struct sam_sap_key *key, char **jws)
{
	char jti[JTI_SIZE];
	sam_auto(json_decref) json_t *jwk = sam_jwe_public_of(key->pkey);
	const struct sam_cm_statement statement = {
		.kind = SAM_CM_SAP_KEY,
		.kid = own->kid,
		.aud = own->sam_id,
		.iss = node,
		.jti = jti,
		.iat = key->created,
		.sap_type = key->rsa ? SAM_CM_SAP_RSA : SAM_CM_SAP_EC,
		.sap_kid = key->kid,
		.sap_numbers = {json_string_value(json_object_get(jwk, key->rsa ? "n" : "x")),
				json_string_value(json_object_get(jwk, key->rsa ? "e" : "y"))},
	};
	enum sam_reason reason = jwk ? new_jti(jti) : SAM_MEMORY;
	return reason == SAM_OK ? sam_cm_state(own->cm, &statement, jws) : reason;
}
