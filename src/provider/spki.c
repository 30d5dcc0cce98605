/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of a SubjectPublicKeyInfo (RFC 5280, 3279, 5480, 8410): found where they stand, for the
 * attributes of thousands of keys without allocating; and made, from the attributes that an application
 * gives for a public key.
 */
#include "provider/provider.h"

#include <string.h>
#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum {
	TAG_INTEGER = 0x02,
	TAG_BITS = 0x03,
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_PRINTABLE = 0x13,
	TAG_SEQUENCE = 0x30
};

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_ed25519[] = {0x2b, 0x65, 0x70};

/* What is left to read. */
struct der {
	const uint8_t *data;
	size_t len;
};

/* The next element, which must have that tag; ${whole} (may be NULL) is it with its header. */
static bool der_next(struct der *in, uint8_t tag, struct der *content, struct der *whole)
{
	if (in->len < 2 || in->data[0] != tag)
		return false;
	size_t len = in->data[1], head = 2;
	if (len > 0x80) {
		const size_t octets = len & 0x7f;
		if (octets > 3 || in->len < 2 + octets)
			return false;
		len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | in->data[2 + i];
		head += octets;
	} else if (len == 0x80) {
		return false;
	}
	if (len > in->len - head)
		return false;
	*content = (struct der){in->data + head, len};
	if (whole)
		*whole = (struct der){in->data, head + len};
	in->data += head + len;
	in->len -= head + len;
	return true;
}

static bool der_is(const struct der *d, const uint8_t *bytes, size_t len)
{
	return d->len == len && memcmp(d->data, bytes, len) == 0;
}

static bool der_unsigned(struct der *in, const uint8_t **data, size_t *len)
{
	struct der number;
	if (!der_next(in, TAG_INTEGER, &number, NULL))
		return false;
	while (number.len > 0 && number.data[0] == 0) {
		number.data++;
		number.len--;
	}
	*data = number.data;
	*len = number.len;
	return number.len > 0;
}

bool sam_spki_read(const uint8_t *der, size_t len, struct sam_spki *out)
{
	struct der in = {der, len}, spki, algorithm, oid, bits, rsa, name, params = {NULL, 0};
	memset(out, 0, sizeof *out);
	if (!der_next(&in, TAG_SEQUENCE, &spki, NULL) || in.len ||
	    !der_next(&spki, TAG_SEQUENCE, &algorithm, NULL) ||
	    !der_next(&spki, TAG_BITS, &bits, NULL) || spki.len ||
	    !der_next(&algorithm, TAG_OID, &oid, &name) || bits.len < 2 || bits.data[0] != 0)
		return false;
	bits.data++; /* the count of unused bits */
	bits.len--;
	if (der_is(&oid, oid_rsa, sizeof oid_rsa)) {
		out->type = SAM_KEY_RSA;
		return der_next(&bits, TAG_SEQUENCE, &rsa, NULL) && bits.len == 0 &&
		       der_unsigned(&rsa, &out->modulus, &out->modulus_len) &&
		       der_unsigned(&rsa, &out->exponent, &out->exponent_len) && rsa.len == 0;
	}
	if (der_is(&oid, oid_ed25519, sizeof oid_ed25519)) {
		out->type = SAM_KEY_ED25519;
		params = name; /* CKA_EC_PARAMS is the algorithm's own OID */
	} else if (der_is(&oid, oid_ec, sizeof oid_ec)) {
		out->type = SAM_KEY_EC;
		if (!der_next(&algorithm, TAG_OID, &oid, &params))
			return false;
	} else {
		return false;
	}
	out->params = params.data;
	out->params_len = params.len;
	out->point = bits.data;
	out->point_len = bits.len;
	return true;
}

unsigned sam_spki_bits(const struct sam_spki *spki)
{
	if (spki->type == SAM_KEY_ED25519)
		return 256;
	if (spki->type == SAM_KEY_RSA) {
		unsigned bits = (unsigned)spki->modulus_len * 8;
		for (uint8_t mask = 0x80; mask && !(spki->modulus[0] & mask); mask >>= 1)
			bits--;
		return bits;
	}
	/* uncompressed: 04, X, Y; P-521 alone has no whole number of bytes */
	const unsigned bits = (unsigned)(spki->point_len - 1) / 2 * 8;
	return bits == 528 ? 521 : bits;
}

static CK_RV make_spki(const char *type, OSSL_PARAM_BLD *build, uint8_t **der, size_t *len)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(sam_ossl_ctx(), type, NULL);
	CK_RV rv = params && ctx ? CKR_OK : CKR_HOST_MEMORY;
	if (rv == CKR_OK && (EVP_PKEY_fromdata_init(ctx) != 1 ||
			     EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1))
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
	if (rv == CKR_OK && strcmp(type, "RSA") != 0) { /* the point is on its curve */
		EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
		if (!check || EVP_PKEY_public_check(check) != 1)
			rv = CKR_ATTRIBUTE_VALUE_INVALID;
		EVP_PKEY_CTX_free(check);
	}
	if (rv == CKR_OK && sam_ossl_spki(pkey, der, len) != SAM_OK)
		rv = CKR_HOST_MEMORY;
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return rv;
}

CK_RV sam_spki_rsa(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len, uint8_t **der,
		   size_t *len)
{
	enum { MIN_BYTES = 128, MAX_BYTES = 1024, EXPONENT_BYTES = 8 };
	while (n_len > 0 && *n == 0) {
		n++;
		n_len--;
	}
	if (n_len < MIN_BYTES || n_len > MAX_BYTES || e_len == 0 || e_len > EXPONENT_BYTES)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL),
	       *exponent = BN_bin2bn(e, (int)e_len, NULL);
	CK_RV rv = CKR_HOST_MEMORY;
	if (build && modulus && exponent &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		rv = BN_is_odd(modulus) && BN_is_odd(exponent) ? make_spki("RSA", build, der, len)
							       : CKR_ATTRIBUTE_VALUE_INVALID;
	BN_free(modulus);
	BN_free(exponent);
	OSSL_PARAM_BLD_free(build);
	return rv;
}

/* The curve's name for OpenSSL, and how many bytes its public keys have; NULL: none of ours. */
static const char *curve_name(CK_KEY_TYPE type, const uint8_t *params, size_t len,
			      size_t *point_len)
{
	static const uint8_t p256[] = {TAG_OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	static const uint8_t p384[] = {TAG_OID, 5, 0x2b, 0x81, 0x04, 0x00, 0x22};
	static const uint8_t p521[] = {TAG_OID, 5, 0x2b, 0x81, 0x04, 0x00, 0x23};
	static const uint8_t ed25519[] = {TAG_OID, 3, 0x2b, 0x65, 0x70};
	static const uint8_t ed25519_name[] = {TAG_PRINTABLE, 12,  'e', 'd', 'w', 'a', 'r',
					       'd',	      's', '2', '5', '5', '1', '9'};
	static const struct {
		CK_KEY_TYPE type;
		const uint8_t *params;
		size_t len, point_len;
		const char *name;
	} curves[] = {
		{CKK_EC, p256, sizeof p256, 65, "P-256"},
		{CKK_EC, p384, sizeof p384, 97, "P-384"},
		{CKK_EC, p521, sizeof p521, 133, "P-521"},
		{CKK_EC_EDWARDS, ed25519, sizeof ed25519, 32, "ED25519"},
		{CKK_EC_EDWARDS, ed25519_name, sizeof ed25519_name, 32, "ED25519"},
	};
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (type == curves[i].type && len == curves[i].len &&
		    memcmp(params, curves[i].params, len) == 0) {
			*point_len = curves[i].point_len;
			return curves[i].name;
		}
	return NULL;
}

CK_RV sam_spki_ec(CK_KEY_TYPE type, const uint8_t *params, size_t params_len, const uint8_t *point,
		  size_t point_len, uint8_t **der, size_t *len)
{
	size_t wanted;
	const char *name = curve_name(type, params, params_len, &wanted);
	if (!name)
		return CKR_CURVE_NOT_SUPPORTED;
	/* v2.40 wraps the point in an OCTET STRING, many callers do not */
	struct der in = {point, point_len}, raw = in;
	if (point_len != wanted &&
	    (!der_next(&in, TAG_OCTETS, &raw, NULL) || in.len || raw.len != wanted))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CK_RV rv = CKR_HOST_MEMORY;
	if (build &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, raw.data, raw.len) ==
		    1 &&
	    (type == CKK_EC_EDWARDS ||
	     OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) == 1))
		rv = make_spki(type == CKK_EC_EDWARDS ? name : "EC", build, der, len);
	OSSL_PARAM_BLD_free(build);
	return rv;
}
