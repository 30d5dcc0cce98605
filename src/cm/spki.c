/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the CM's public key object to a SubjectPublicKeyInfo: what a key is known by for all its
 * life (invariant 2).
 */
#include "cm/internal.h"

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include "base/log.h"
#include "base/pkey.h"

enum { VALUE_MAX = 1024 };

static enum sam_reason get(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			   CK_ATTRIBUTE_TYPE type, uint8_t value[VALUE_MAX], size_t *len)
{
	enum sam_cm_attr_state state;
	enum sam_reason reason = sam_cm_attr_try(cm, s, object, type, value, VALUE_MAX, len, &state);
	return reason == SAM_OK && (state != SAM_CM_ATTR_READ || !*len) ? SAM_ARGUMENTS : reason;
}

static enum sam_reason rsa_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			       EVP_PKEY **pkey)
{
	uint8_t modulus[VALUE_MAX], exponent[VALUE_MAX];
	size_t n_len, e_len;
	enum sam_reason reason = get(cm, s, object, CKA_MODULUS, modulus, &n_len);
	if (reason == SAM_OK)
		reason = get(cm, s, object, CKA_PUBLIC_EXPONENT, exponent, &e_len);
	if (reason != SAM_OK)
		return reason;
	sam_auto(BN_clear_free) BIGNUM *n = BN_bin2bn(modulus, (int)n_len, NULL);
	sam_auto(BN_clear_free) BIGNUM *e = BN_bin2bn(exponent, (int)e_len, NULL);
	if (!n || !e)
		return SAM_MEMORY;
	return BN_is_odd(n) && BN_is_odd(e) ? sam_pkey_rsa(n, e, pkey) : SAM_ARGUMENTS;
}

static enum sam_reason curve_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 enum sam_key_type type, EVP_PKEY **pkey)
{
	uint8_t params[VALUE_MAX], point[VALUE_MAX];
	size_t params_len, point_len;
	enum sam_reason reason = get(cm, s, object, CKA_EC_PARAMS, params, &params_len);
	if (reason == SAM_OK)
		reason = get(cm, s, object, CKA_EC_POINT, point, &point_len);
	if (reason != SAM_OK)
		return reason;
	const struct sam_curve *curve = sam_curve_find(params, params_len);
	const uint8_t *bare = curve && curve->type == type ? sam_curve_point(curve, point, point_len) : NULL;
	return bare ? sam_pkey_curve(curve, bare, pkey) : SAM_ARGUMENTS;
}

enum sam_reason sam_cm_pubkey(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			      enum sam_key_type type, EVP_PKEY **pkey)
{
	return type == SAM_KEY_RSA ? rsa_key(cm, s, object, pkey) : curve_key(cm, s, object, type, pkey);
}

/* One curve, two names: OpenSSL says "prime256v1" of what we, and NIST, call P-256. */
static int curve_nid(const char *group)
{
	int nid = EC_curve_nist2nid(group);
	return nid != NID_undef ? nid : OBJ_sn2nid(group);
}

bool sam_cm_pkey_is(const EVP_PKEY *pkey, enum sam_key_type type, unsigned bits)
{
	char group[64];
	if (type == SAM_KEY_RSA)
		return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == (int)bits;
	const struct sam_curve *curve = sam_curve_at(type, bits, 0);
	if (type == SAM_KEY_ED25519)
		return curve && EVP_PKEY_is_a(pkey, "ED25519");
	return curve && EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	       curve_nid(group) != NID_undef && curve_nid(group) == curve_nid(curve->group);
}

static bool exponent_is_f4(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool is = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, 65537);
	BN_free(e);
	return is;
}

enum sam_reason sam_cm_spki(struct sam_cm *cm, struct sam_cm_session *s,
			    const struct sam_cm_new_key *what, CK_OBJECT_HANDLE public_key,
			    uint8_t **spki, size_t *len)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	enum sam_reason reason = sam_cm_pubkey(cm, s, public_key, what->type, &pkey);
	if (reason == SAM_ARGUMENTS ||
	    (reason == SAM_OK && (!sam_cm_pkey_is(pkey, what->type, what->bits) ||
				  (what->type == SAM_KEY_RSA && !exponent_is_f4(pkey)))))
		return sam_log_reason(SAM_CM_FAILED, "the public key that the CM made is not what was asked for");
	return reason == SAM_OK ? sam_ossl_spki(pkey, spki, len) : reason;
}
