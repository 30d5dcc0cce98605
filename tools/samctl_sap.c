/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl sap: the SAM's own keys, as the outside needs them.
 */
#include "tools/samctl.h"

#include <openssl/core_names.h>
#include <string.h>
#include "base/encode.h"
#include "base/pkey.h"
#include "sap/jose_jwk.h"

/* RFC 7518 section 6.3.1: as few bytes as it takes. */
static bool put_number(json_t *jwk, const char *name, const EVP_PKEY *pkey, const char *param)
{
	sam_auto(BN_clear_free) BIGNUM *number = NULL;
	uint8_t bytes[1024];
	char text[2 * sizeof(bytes)];

	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1 || BN_num_bytes(number) > (int)sizeof(bytes))
		return false;
	sam_encode_b64url(bytes, (size_t)BN_bn2bin(number, bytes), text);
	return json_object_set_new(jwk, name, json_string(text)) == 0;
}

/* RFC 7517; the CM says which RSA-OAEP it can undo. */
static json_t *describe(const EVP_PKEY *pkey, enum sam_cm_oaep hash)
{
	json_t *jwk = json_pack("{s:s}", "kty", "RSA");
	char kid[SAM_THUMBPRINT_LEN + 1];

	if (jwk && put_number(jwk, "n", pkey, OSSL_PKEY_PARAM_RSA_N) && put_number(jwk, "e", pkey, OSSL_PKEY_PARAM_RSA_E) &&
	    sam_jose_jwk_thumbprint(jwk, kid) == SAM_OK &&
	    json_object_update_new(jwk, json_pack("{s:s,s:s,s:s}", "use", "enc", "alg", sam_cm_oaep_name(hash), "kid",
						  kid)) == 0)
		return jwk;
	json_decref(jwk);
	return NULL;
}

/* The one that there is, or a new one, which is on record. */
static enum sam_reason import_key(struct samctl *ctl, uint8_t **spki, size_t *len, enum sam_cm_oaep *hash)
{
	struct sam_event event = { .type = SAM_EVENT_OWN_KEY, .actor_kind = "process", .new_value = "import" };
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_cm_lock(sam_cm(ctl->sam), &msg);

	if (reason != SAM_OK)
		return reason;
	reason = sam_cm_import_key(sam_cm(ctl->sam), false, spki, len, hash);
	if (reason == SAM_NOT_FOUND) {
		reason = sam_cm_import_key(sam_cm(ctl->sam), true, spki, len, hash);
		if (reason == SAM_OK)
			reason = sam_audit_event(sam_audit(ctl->sam), &event, true);
	}
	sam_cm_unlock(sam_cm(ctl->sam));
	return reason;
}

int samctl_sap_key(struct samctl *ctl)
{
	sam_auto(sam_free) uint8_t *spki = NULL;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_cm_oaep hash;
	enum sam_reason reason;
	json_t *jwk;
	size_t len;
	int status = samctl_open(ctl);

	if (status != SAMCTL_DONE)
		return status;
	reason = import_key(ctl, &spki, &len, &hash);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	pkey = sam_ossl_pubkey(spki, len);
	jwk = pkey ? describe(pkey, hash) : NULL;
	return jwk ? samctl_print_object(ctl, jwk) : samctl_fail(ctl, SAM_CM_FAILED, NULL);
}
