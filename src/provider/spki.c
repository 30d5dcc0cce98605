/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of a SubjectPublicKeyInfo (RFC 5280, 3279, 5480, 8410): found where they stand, for the
 * attributes of thousands of keys without allocating; and made, from the attributes that an application
 * gives for a public key.
 */
#include "provider/provider.h"

#include <string.h>
#include "base/pkey.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_BITS = 0x03,
	TAG_OID = 0x06,
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
		return 255;
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

/* What came of making the key, and its SubjectPublicKeyInfo; frees the key. */
static CK_RV finish(enum sam_reason reason, EVP_PKEY *pkey, uint8_t **der, size_t *len)
{
	if (reason == SAM_OK)
		reason = sam_ossl_spki(pkey, der, len) == SAM_OK ? SAM_OK : SAM_MEMORY;
	EVP_PKEY_free(pkey);
	return reason == SAM_ARGUMENTS ? CKR_ATTRIBUTE_VALUE_INVALID : sam_reason_rv(reason, false);
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
	sam_auto(BN_clear_free) BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL);
	sam_auto(BN_clear_free) BIGNUM *exponent = BN_bin2bn(e, (int)e_len, NULL);
	if (!modulus || !exponent)
		return CKR_HOST_MEMORY;
	if (!BN_is_odd(modulus) || !BN_is_odd(exponent))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	EVP_PKEY *pkey;
	enum sam_reason reason = sam_pkey_rsa(modulus, exponent, &pkey);
	return finish(reason, pkey, der, len);
}

CK_RV sam_spki_ec(CK_KEY_TYPE type, const uint8_t *params, size_t params_len, const uint8_t *point,
		  size_t point_len, uint8_t **der, size_t *len)
{
	const struct sam_curve *curve = sam_curve_find(params, params_len);
	if (!curve || curve->type != (type == CKK_EC ? SAM_KEY_EC : SAM_KEY_ED25519))
		return CKR_CURVE_NOT_SUPPORTED;
	const uint8_t *bare = sam_curve_point(curve, point, point_len);
	if (!bare)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	EVP_PKEY *pkey;
	enum sam_reason reason = sam_pkey_curve(curve, bare, &pkey);
	return finish(reason, pkey, der, len);
}
