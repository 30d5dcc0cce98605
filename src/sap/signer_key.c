/* SPDX-License-Identifier: BSD-3-Clause */
#include "sap/signer_key.h"

#include <string.h>
#include "policy/factors.h"
#include "sap/x5c.h"

enum sam_reason sam_signer_key_find(const struct sam_snapshot *s, const char *kid, const char *sub,
				    const struct sam_authenticator **out)
{
	*out = sam_registry_authenticator(s, kid);
	if (!*out || strcmp((*out)->signer, sub) != 0 || !sam_registry_signer(s, sub))
		return SAM_SAD_KEY_UNKNOWN;
	return SAM_OK;
}

/* ---- a certificate ---- */

/* The key's thumbprint is the kid. */
static enum sam_reason name_certificate(const struct sam_jws *jws, const struct sam_x509 *x,
					char kid[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg)
{
	const char *typ = json_string_value(json_object_get(jws->header, "typ"));
	const json_t *named = json_object_get(jws->header, "kid");
	struct sam_device device;
	if (!typ || strcmp(typ, "sad+jwt") != 0)
		return SAM_SAD_HEADER;
	enum sam_reason reason = sam_x5c_device(x, &device, msg);
	if (reason == SAM_OK && named && (!json_is_string(named) || strcmp(json_string_value(named), device.kid) != 0))
		reason = SAM_SAD_HEADER;
	if (reason == SAM_OK)
		memcpy(kid, device.kid, SAM_THUMBPRINT_LEN + 1);
	sam_device_clear(&device);
	return reason;
}

static enum sam_reason read_certificate(const struct sam_jws *jws, const json_t *x5c, struct sam_x509 *x,
					char kid[SAM_THUMBPRINT_LEN + 1], struct sam_msg *msg)
{
	enum sam_reason reason = sam_x5c_read(x5c, x, msg);
	if (reason == SAM_OK)
		reason = name_certificate(jws, x, kid, msg);
	return reason == SAM_CERTIFICATE ? SAM_SAD_CERTIFICATE : reason;
}

/* The registry says whose key it is; the CA, that the certificate is good. A key that was bound as a certificate's
 * speaks only with its certificate. */
static enum sam_reason check_certificate(const struct sam_policy *policy, const struct sam_authenticator *a,
					 const struct sam_x509 *x, int64_t now, struct sam_msg *msg)
{
	if (!a->certificate[0])
		return SAM_OK;
	if (!x->der) {
		sam_msg_set(msg, "the key is a certificate's, which is to be shown in x5c");
		return SAM_SAD_CERTIFICATE;
	}
	enum sam_reason reason = sam_x5c_verify(policy, x, SAM_CA_AUTHENTICATION, now, msg);
	return reason == SAM_CERTIFICATE ? SAM_SAD_CERTIFICATE : reason;
}

/* ---- whichever it is ---- */

static enum sam_reason verify(const struct sam_snapshot *s, const struct sam_policy *policy, const struct sam_jws *jws,
			      const struct sam_x509 *x, int64_t now, struct sam_activation *out, struct sam_msg *msg)
{
	const struct sam_authenticator *a;
	enum sam_reason reason = sam_signer_key_find(s, out->kid, out->sub, &a);
	if (reason == SAM_OK && !policy->sad_algorithms[jws->alg])
		reason = SAM_SAD_ALGORITHM;
	if (reason == SAM_OK)
		reason = sam_jose_verify(jws, a->device.pkey, a->device.alg);
	if (reason == SAM_OK)
		reason = check_certificate(policy, a, x, now, msg);
	if (reason == SAM_OK)
		out->factors |= SAM_FACTOR_POSSESSION;
	return reason;
}

enum sam_reason sam_signer_key_verify(const struct sam_snapshot *s, const struct sam_policy *policy,
				      const struct sam_jws *jws, const json_t *claims, int64_t now,
				      struct sam_activation *out, struct sam_msg *msg)
{
	const json_t *x5c = json_object_get(jws->header, "x5c");
	struct sam_x509 x = {.der = NULL};
	enum sam_reason reason = sam_sad_identity(claims, out, msg);
	enum sam_reason header = x5c ? read_certificate(jws, x5c, &x, out->kid, msg)
				     : sam_sad_header(jws, "sad+jwt", out->kid);
	if (header != SAM_OK)
		reason = header;
	if (reason == SAM_OK)
		reason = verify(s, policy, jws, &x, now, out, msg);
	sam_x509_clear(&x);
	return reason;
}
