/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the CM's public key object to a SubjectPublicKeyInfo: what a key is known by for all its
 * life (invariant 2).
 */
#include "cm/internal.h"

#include "base/log.h"
#include "base/pkey.h"

enum { VALUE_MAX = 1024 };

static enum sam_reason differs(const char *what)
{
	return sam_log_reason(SAM_CM_FAILED,
			      "the key that the CM made is not what was asked for: %s", what);
}

static enum sam_reason rsa_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			       unsigned bits, EVP_PKEY **pkey)
{
	uint8_t modulus[VALUE_MAX], exponent[VALUE_MAX];
	size_t n_len, e_len;
	enum sam_reason reason = sam_cm_attr_get(cm, s, object, CKA_MODULUS, modulus,
						 sizeof modulus, &n_len);
	if (reason == SAM_OK)
		reason = sam_cm_attr_get(cm, s, object, CKA_PUBLIC_EXPONENT, exponent,
					 sizeof exponent, &e_len);
	if (reason != SAM_OK)
		return reason;
	sam_auto(BN_clear_free) BIGNUM *n = BN_bin2bn(modulus, (int)n_len, NULL);
	sam_auto(BN_clear_free) BIGNUM *e = BN_bin2bn(exponent, (int)e_len, NULL);
	if (!n || !e)
		return SAM_MEMORY;
	if ((unsigned)BN_num_bits(n) != bits || !BN_is_odd(n) || !BN_is_word(e, 65537))
		return differs("RSA modulus or exponent");
	reason = sam_pkey_rsa(n, e, pkey);
	return reason == SAM_ARGUMENTS ? differs("RSA public key") : reason;
}

static enum sam_reason curve_key(struct sam_cm *cm, struct sam_cm_session *s,
				 CK_OBJECT_HANDLE object, const struct sam_cm_new_key *what,
				 EVP_PKEY **pkey)
{
	uint8_t params[VALUE_MAX], point[VALUE_MAX];
	size_t params_len, point_len;
	enum sam_reason reason = sam_cm_attr_get(cm, s, object, CKA_EC_PARAMS, params,
						 sizeof params, &params_len);
	if (reason == SAM_OK)
		reason = sam_cm_attr_get(cm, s, object, CKA_EC_POINT, point, sizeof point,
					 &point_len);
	if (reason != SAM_OK)
		return reason;
	const struct sam_curve *curve = sam_curve_find(params, params_len);
	if (!curve || curve->type != what->type || curve->bits != what->bits)
		return differs("CKA_EC_PARAMS");
	const uint8_t *bare = sam_curve_point(curve, point, point_len);
	reason = bare ? sam_pkey_curve(curve, bare, pkey) : SAM_ARGUMENTS;
	return reason == SAM_ARGUMENTS ? differs("CKA_EC_POINT") : reason;
}

enum sam_reason sam_cm_spki(struct sam_cm *cm, struct sam_cm_session *s,
			    const struct sam_cm_new_key *what, CK_OBJECT_HANDLE public_key,
			    uint8_t **spki, size_t *len)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_reason reason = what->type == SAM_KEY_RSA
					 ? rsa_key(cm, s, public_key, what->bits, &pkey)
					 : curve_key(cm, s, public_key, what, &pkey);
	return reason == SAM_OK ? sam_ossl_spki(pkey, spki, len) : reason;
}
