/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool new: claims, header, signature (p11-sam-sad(7)).
 */
#include "tools/sadtool.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/encode.h"

/* ---- claims ---- */

static json_t *digests_json(const struct sadtool_order *order, size_t first, size_t count)
{
	json_t *list = json_array();
	for (size_t i = first; list && i < first + count; i++) {
		char text[SAM_HASH_MAX * 4 / 3 + 3];
		sam_encode_b64url(order->documents[i].digest, sam_hash_size(order->hash), text);
		const char *label = order->label_count == 0
					    ? NULL
					    : order->labels[order->label_count == 1 ? 0 : i];
		if (json_array_append_new(
			    list, json_pack("{s:s,s:s*}", "hash", text, "label", label)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *details_json(const struct sadtool_order *order, size_t first, size_t count)
{
	json_t *digests = digests_json(order, first, count);
	if (!digests)
		return NULL;
	/* absent, it is the number of different digests */
	json_t *num = order->num && !order->each ? json_integer(order->num) : NULL;
	return json_pack("[{s:s,s:s,s:o,s:s,s:o*}]", "type",
			 "https://cloudsignatureconsortium.org/2025/credential", "credentialID",
			 order->credential, "documentDigests", digests, "hashAlgorithmOID",
			 sam_hash_oid(order->hash), "numSignatures", num);
}

static json_t *amr_json(const char *list)
{
	json_t *json = json_array();
	for (const char *p = list; json; p++) {
		size_t len = strcspn(p, ",");
		if (json_array_append_new(json, json_stringn(p, len)) != 0) {
			json_decref(json);
			return NULL;
		}
		p += len;
		if (!*p)
			break;
	}
	return json;
}

static bool apply(json_t *object, const struct sadtool_changes *changes)
{
	bool ok = true;
	for (size_t i = 0; ok && i < changes->count; i++) {
		const struct sadtool_change *change = &changes->items[i];
		if (change->value)
			ok = json_object_set(object, change->name, change->value) == 0;
		else
			json_object_del(object, change->name); /* absent: removed already */
	}
	return ok;
}

static json_t *claims_json(const struct sadtool_order *order, size_t first, size_t count)
{
	char jti[SADTOOL_JTI + 1];
	if (!sadtool_jti(jti))
		return NULL;
	int64_t now = sam_clock_now();
	json_t *details = order->operation ? NULL : details_json(order, first, count);
	if (!details && !order->operation)
		return NULL;
	json_t *amr = order->amr ? amr_json(order->amr) : NULL;
	json_t *claims = json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:o*,s:o*,s:s*,s:O*}", "iss",
				   order->issuer ? order->issuer : order->signer, "sub",
				   order->signer, "aud", order->audience, "iat", (json_int_t)now,
				   "exp", (json_int_t)(now + order->lifetime), "jti", jti, "amr",
				   amr, "authorization_details", details, "operation",
				   order->operation, "operation_params", order->params);
	if (claims && ((order->amr && !amr) || !apply(claims, &order->claims))) {
		json_decref(claims);
		return NULL;
	}
	return claims;
}

static char *header_text(const struct sadtool_order *order, const struct sadtool_signer *signer)
{
	sam_auto(json_decref)
		json_t *header = json_pack("{s:s,s:s,s:s}", "alg", sam_jws_name(signer->alg), "typ",
					   "sad+jwt", "kid", signer->kid);
	if (header && order->chain && json_object_set(header, "x5c", order->chain) != 0)
		return NULL;
	return header && apply(header, &order->header) ? json_dumps(header, JSON_COMPACT) : NULL;
}

/* ---- output ---- */

static bool print_sad(const struct sadtool_order *order, const json_t *claims, const char *sad,
		      size_t first, size_t count)
{
	char hex[2 * SAM_HASH_MAX + 1];
	size_t size = sam_hash_size(order->hash);
	if (!order->json && count == 0) { /* an operation's */
		printf("%s\n", sad);
		return true;
	}
	if (!order->json) {
		sam_encode_hex(order->documents[first].digest, size, hex);
		printf(order->each ? "%s %s\n" : "%s\n", sad, hex);
		return true;
	}
	sam_auto(json_decref) json_t *digests = count ? json_array() : NULL;
	for (size_t i = first; i < first + count; i++) {
		sam_encode_hex(order->documents[i].digest, size, hex);
		if (json_array_append_new(digests, json_string(hex)) != 0)
			return false;
	}
	sam_auto(json_decref) json_t *json = json_pack(
		"{s:s,s:O*,s:O*,s:O*,s:O*}", "sad", sad, "iss", json_object_get(claims, "iss"),
		"jti", json_object_get(claims, "jti"), "exp", json_object_get(claims, "exp"),
		"digests", digests);
	return json && sadtool_print_json(json);
}

/* Whose SADs they are, and to whom they go. */
struct parties {
	struct sadtool_signer signer;
	struct sadtool_recipient recipient;
};

/* In the place of the SAD. */
static int encrypt(const struct sadtool_recipient *recipient, char **sad)
{
	char *jwe = NULL;
	int status = sadtool_encrypt(recipient, *sad, &jwe);
	if (status != SADTOOL_OK)
		return status;
	sam_mem_wipe(*sad, strlen(*sad));
	free(*sad);
	*sad = jwe;
	return SADTOOL_OK;
}

/* One SAD for `count` documents from the first on; none: for an operation. */
static int make_one(const struct sadtool_order *order, const struct parties *parties, const char *header, size_t first,
		    size_t count)
{
	sam_auto(json_decref) json_t *claims = claims_json(order, first, count);
	char *payload = claims ? sadtool_payload(order, claims) : NULL;
	if (!payload)
		return sadtool_fail(
			"new",
			"the claims cannot be made: out of memory, or text that is no UTF-8");
	char *sad = NULL;
	enum sam_reason reason = sam_jose_sign_text(header, payload, strlen(payload), parties->signer.pkey,
						    parties->signer.alg, &sad);
	sam_mem_wipe(payload, strlen(payload));
	free(payload);
	if (reason != SAM_OK)
		return sadtool_fail("new", "it cannot be signed: %s", sam_reason_text(reason));
	int status = parties->recipient.jwk ? encrypt(&parties->recipient, &sad) : SADTOOL_OK;
	if (status == SADTOOL_OK && !print_sad(order, claims, sad, first, count))
		status = sadtool_fail("new", "out of memory");
	sam_mem_wipe(sad, strlen(sad));
	free(sad);
	return status;
}

int sadtool_make(const struct sadtool_order *order)
{
	struct parties p = {.signer = {.pkey = NULL}};
	int status = sadtool_signer_load(order->key, &p.signer);
	if (status == SADTOOL_OK && order->encrypt_to)
		status = sadtool_recipient_load(order->encrypt_to, order->encrypt_alg, &p.recipient);
	sam_auto(sam_free) char *header = status == SADTOOL_OK ? header_text(order, &p.signer) : NULL;
	if (status == SADTOOL_OK && !header)
		status = sadtool_fail("new", "out of memory");
	if (status == SADTOOL_OK && order->operation)
		status = make_one(order, &p, header, 0, 0);
	size_t step = order->each ? 1 : order->document_count;
	for (size_t first = 0; status == SADTOOL_OK && first < order->document_count; first += step)
		status = make_one(order, &p, header, first, step);
	sadtool_recipient_clear(&p.recipient);
	sadtool_signer_clear(&p.signer);
	return status;
}
