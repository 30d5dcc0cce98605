/* SPDX-License-Identifier: BSD-3-Clause
 *
 * PEM to DER of exactly one certificate. OpenSSL reads and parses; what it would pass over in silence (text
 * before, a second block behind, a TRUSTED CERTIFICATE) is refused.
 */
#include "base/pem.h"

#include <limits.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "base/ossl.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

SAM_AUTO_FREE(BIO, BIO_free_all);
SAM_AUTO_FREE(X509, X509_free);

/* Of OpenSSL's allocator, which need not be free()'s. */
struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void block_free(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->data);
}

static bool only_blanks(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* NULL if the text is one block and no more. */
static const char *why_not_one(const char *text)
{
	const char *at = strstr(text, END);

	if (!at)
		return "has no line " END "; write the whole block";
	if (strstr(at, BEGIN))
		return "has more than one certificate; keep one";
	return only_blanks(at + strlen(END)) ? NULL : "has something behind its end; remove it";
}

/* Exact to its last byte; NULL if it is none. */
static X509 *parse(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	X509 *certificate;

	if (len > LONG_MAX)
		return NULL;
	certificate = X509_new_ex(sam_ossl_ctx(), NULL);
	if (!certificate)
		return NULL;
	/* frees what it was given and sets it to NULL where it fails */
	ERR_set_mark();
	(void)d2i_X509(&certificate, &p, (long)len);
	ERR_pop_to_mark();
	if (certificate && p != der + len) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

static enum sam_reason copy_out(const struct block *b, uint8_t *der, size_t size, size_t *len, const char **why)
{
	sam_auto(X509_free) X509 *certificate = parse(b->data, (size_t)b->len);

	*why = "is no X.509 certificate in DER; write the CA's certificate anew";
	if (!certificate)
		return SAM_CERTIFICATE;
	*why = "has a key of no known kind; RSA, EC or Ed25519";
	if (!X509_get0_pubkey(certificate))
		return SAM_CERTIFICATE;
	*why = "is too long";
	if ((size_t)b->len > size)
		return SAM_CERTIFICATE;
	memcpy(der, b->data, (size_t)b->len);
	*len = (size_t)b->len;
	*why = NULL;
	return SAM_OK;
}

enum sam_reason sam_pem_certificate(const char *text, uint8_t *der, size_t size, size_t *len, const char **why)
{
	sam_auto(BIO_free_all) BIO *bio = NULL;
	struct block b = { NULL, NULL, NULL, 0 };
	enum sam_reason reason = SAM_CERTIFICATE;

	*len = 0;
	text += strspn(text, " \t\r\n");
	*why = "must begin with " BEGIN;
	if (strncmp(text, BEGIN, strlen(BEGIN)) != 0)
		return SAM_CERTIFICATE;
	*why = "is too long";
	if (strlen(text) > SAM_PEM_MAX)
		return SAM_CERTIFICATE;
	*why = why_not_one(text);
	if (*why)
		return SAM_CERTIFICATE;
	bio = BIO_new_mem_buf(text, -1);
	if (!bio)
		return SAM_MEMORY;
	ERR_set_mark();
	*why = "is damaged: no base64 of a certificate; write it anew";
	if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) == 1 && b.len > 0 && !*b.header)
		reason = copy_out(&b, der, size, len, why);
	ERR_pop_to_mark();
	block_free(&b);
	return reason;
}

bool sam_pem_is_ca(const uint8_t *der, size_t len)
{
	sam_auto(X509_free) X509 *certificate = parse(der, len);

	/* 1: a version 3 certificate with basicConstraints, and keyCertSign if it has a keyUsage */
	return certificate && X509_check_ca(certificate) == 1;
}
