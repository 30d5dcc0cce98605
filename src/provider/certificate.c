/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A key's certificate as an object that clients find beside it (RFC 5280; PKCS#11 v3.0, 4.6.3): read once,
 * when the keys are. It was checked when it was registered; here it is only told.
 */
#include "provider/provider.h"

#include <limits.h>
#include <string.h>
#include <openssl/x509.h>

SAM_AUTO_FREE(X509, X509_free);

static bool take_name(const X509_NAME *name, struct sam_der *out)
{
	return name && X509_NAME_get0_der(name, &out->data, &out->len) == 1 && out->len > 0;
}

static bool take_date(const ASN1_TIME *time, CK_DATE *out)
{
	struct tm tm;
	return ASN1_TIME_to_tm(time, &tm) == 1 && sam_date_write((int64_t)timegm(&tm), out);
}

static bool take_serial(const X509 *x509, struct sam_certificate_parts *out)
{
	const int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), NULL);
	uint8_t *at = out->serial;
	if (len <= 0 || (size_t)len > sizeof out->serial)
		return false;
	out->serial_len = (size_t)i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &at);
	return out->serial_len == (size_t)len;
}

/* Is it this key's, to the last byte? */
static bool carries(const X509 *x509, const uint8_t *spki, size_t len)
{
	uint8_t *der = NULL;
	const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	const bool same = n > 0 && (size_t)n == len && memcmp(der, spki, len) == 0;
	OPENSSL_free(der);
	return same;
}

bool sam_certificate_read(const struct sam_key_view *view, struct sam_certificate_parts *out)
{
	const uint8_t *at = view->certificate;
	memset(out, 0, sizeof *out);
	if (!at || view->certificate_len > LONG_MAX)
		return false;
	sam_auto(X509_free) X509 *x509 = X509_new_ex(sam_ossl_ctx(), NULL);
	if (!x509 || !d2i_X509(&x509, &at, (long)view->certificate_len) ||
	    at != view->certificate + view->certificate_len)
		return false;
	if (!carries(x509, view->spki, view->spki_len) || !take_serial(x509, out) ||
	    !take_name(X509_get_subject_name(x509), &out->subject) ||
	    !take_name(X509_get_issuer_name(x509), &out->issuer) ||
	    !take_date(X509_get0_notBefore(x509), &out->start) || !take_date(X509_get0_notAfter(x509), &out->end))
		return false;
	out->x509 = x509; /* the names point into it */
	x509 = NULL;
	return true;
}

void sam_certificate_clear(struct sam_certificate_parts *parts)
{
	X509_free(parts->x509);
	memset(parts, 0, sizeof *parts);
}
