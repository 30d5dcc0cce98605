/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading certificates and verifying them up to a configured CA, in the private OpenSSL context.
 */
#include "base/x509.h"

#include <ctype.h>
#include <string.h>
#include <time.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "base/encode.h"

SAM_AUTO_FREE(BIO, BIO_free_all);
SAM_AUTO_FREE(X509_STORE, X509_STORE_free);
SAM_AUTO_FREE(X509_STORE_CTX, X509_STORE_CTX_free);

static void free_list(STACK_OF(X509) *list)
{
	sk_X509_pop_free(list, X509_free);
}
SAM_AUTO_FREE(STACK_OF(X509), free_list);

static enum sam_reason no(struct sam_msg *msg, const char *sentence)
{
	sam_msg_set(msg, "%s", sentence);
	return SAM_CERTIFICATE;
}

X509 *sam_x509_parse(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	if (!der || !len || len > SAM_X509_MAX)
		return NULL;
	X509 *x = X509_new_ex(sam_ossl_ctx(), NULL); /* d2i alone would take the default context */
	unsigned char *again = NULL;
	sam_ossl_mark();
	if (x && !d2i_X509(&x, &p, (long)len))
		x = NULL; /* freed by d2i_X509() */
	/* BER outside of what is signed would be a second spelling of the same certificate */
	int size = x && p == der + len ? i2d_X509(x, &again) : -1;
	bool exact = size > 0 && (size_t)size == len && memcmp(again, der, len) == 0;
	OPENSSL_free(again);
	sam_ossl_unmark();
	if (exact)
		return x;
	X509_free(x);
	return NULL;
}

/* ---- facts ---- */

static bool name_text(const X509_NAME *name, char out[SAM_X509_NAME_SIZE])
{
	sam_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
		return false;
	long len = BIO_get_mem_data(bio, &text);
	if (len < 0 || len >= SAM_X509_NAME_SIZE)
		return false;
	if (len)
		memcpy(out, text, (size_t)len);
	out[len] = '\0';
	return true;
}

static bool serial_text(const ASN1_INTEGER *serial, char out[SAM_X509_SERIAL_SIZE])
{
	uint8_t bytes[SAM_X509_SERIAL_SIZE / 2];
	BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
	int size = n ? BN_num_bytes(n) : -1;
	bool good = size >= 0 && (size_t)size <= sizeof bytes && !BN_is_negative(n);
	if (good) {
		size = size ? size : 1;
		good = BN_bn2binpad(n, bytes, size) == size;
		sam_encode_hex(bytes, (size_t)size, out);
	}
	BN_free(n);
	return good;
}

static bool seconds(const ASN1_TIME *time, int64_t *out)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

static enum sam_reason read_key(const X509 *x, struct sam_x509 *out, struct sam_msg *msg)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	if (size <= 0 || !X509_get0_pubkey(x)) {
		OPENSSL_free(der);
		return no(msg, "the certificate's public key cannot be read");
	}
	out->spki = malloc((size_t)size);
	if (out->spki) {
		memcpy(out->spki, der, (size_t)size);
		out->spki_len = (size_t)size;
	}
	OPENSSL_free(der);
	return out->spki ? sam_ossl_digest(SAM_HASH_SHA256, out->spki, out->spki_len, out->spki_sha256) : SAM_MEMORY;
}

static enum sam_reason read_facts(const X509 *x, struct sam_x509 *out, struct sam_msg *msg)
{
	if (!name_text(X509_get_issuer_name(x), out->issuer) || !name_text(X509_get_subject_name(x), out->subject))
		return no(msg, "the certificate's issuer or subject is longer than 1,023 characters, or no text");
	if (!serial_text(X509_get0_serialNumber(x), out->serial))
		return no(msg, "the certificate's serial number is negative or longer than 20 bytes");
	if (!seconds(X509_get0_notBefore(x), &out->not_before) || !seconds(X509_get0_notAfter(x), &out->not_after))
		return no(msg, "the certificate's notBefore or notAfter is no time");
	return read_key(x, out, msg);
}

/* ---- files ---- */

/* The first is the end entity's. */
static enum sam_reason take(const uint8_t *der, size_t len, bool first, struct sam_x509 *out, struct sam_msg *msg)
{
	if (len > SAM_X509_MAX)
		return no(msg, "a certificate is longer than 16,384 bytes");
	if (!first && out->chain_count == SAM_X509_CHAIN)
		return no(msg, "more than 8 certificates beside the signer's");
	sam_auto(X509_free) X509 *x = sam_x509_parse(der, len);
	if (!x)
		return no(msg, first ? "the file does not begin with an X.509 certificate in exact DER or PEM"
				     : "a certificate behind the first is none in exact DER");
	uint8_t *copy = malloc(len);
	if (!copy)
		return SAM_MEMORY;
	memcpy(copy, der, len);
	if (!first) {
		out->chain[out->chain_count].der = copy;
		out->chain[out->chain_count++].len = len;
		return SAM_OK;
	}
	out->der = copy;
	out->len = len;
	return read_facts(x, out, msg);
}

/* One block, not decrypted and not believed: PEM_read_bio_X509() would ask the terminal for a passphrase. */
static enum sam_reason take_block(BIO *bio, bool first, struct sam_x509 *out, struct sam_msg *msg)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	if (PEM_read_bio(bio, &name, &header, &data, &len) != 1 || len <= 0)
		return no(msg, first ? "the file is no X.509 certificate in DER or PEM"
				     : "behind the last certificate stands something that is none");
	enum sam_reason reason;
	if (strcmp(name, PEM_STRING_X509) != 0 || header[0])
		reason = no(msg, "the file holds something else than certificates, a key perhaps");
	else
		reason = take(data, (size_t)len, first, out, msg);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)len);
	return reason;
}

static bool blank(const char *text, size_t len)
{
	while (len && isspace((unsigned char)*text))
		text++, len--;
	return len == 0;
}

static enum sam_reason read_pem(const char *text, size_t len, struct sam_x509 *out, struct sam_msg *msg)
{
	sam_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(text, (int)len);
	enum sam_reason reason = bio ? SAM_OK : SAM_MEMORY;
	size_t left = len;
	for (bool first = true; reason == SAM_OK && (first || !blank(text + len - left, left)); first = false) {
		reason = take_block(bio, first, out, msg);
		left = BIO_ctrl_pending(bio);
	}
	return reason;
}

enum sam_reason sam_x509_read(const void *text, size_t len, struct sam_x509 *out, struct sam_msg *msg)
{
	enum sam_reason reason;
	*out = (struct sam_x509){.der = NULL};
	if (!text || !len)
		return no(msg, "the certificate's file is empty");
	if (len > SAM_X509_FILE_MAX)
		return no(msg, "the certificate's file is longer than 65,536 bytes");
	sam_ossl_mark();
	if (*(const uint8_t *)text == 0x30) /* SEQUENCE; in PEM text a lone "0" would be no more a certificate */
		reason = take(text, len, true, out, msg);
	else if (memchr(text, 0, len))
		reason = no(msg, "the file is no X.509 certificate in DER or PEM");
	else
		reason = read_pem(text, len, out, msg);
	sam_ossl_unmark();
	return reason;
}

void sam_x509_clear(struct sam_x509 *x509)
{
	free(x509->der);
	free(x509->spki);
	for (size_t i = 0; i < x509->chain_count; i++)
		free(x509->chain[i].der);
	*x509 = (struct sam_x509){.der = NULL};
}

/* ---- verifying ---- */

/* What is verified, and against what. */
struct path {
	const struct sam_x509 *what;
	const struct sam_x509_ca *cas;
	size_t count;
	int64_t now;
	struct sam_msg *msg;
};

static enum sam_reason check_end_entity(X509 *x, struct sam_msg *msg)
{
	uint32_t flags = X509_get_extension_flags(x), usage = X509_get_key_usage(x);
	if (flags & EXFLAG_INVALID)
		return no(msg, "an extension of the certificate is malformed, or there twice");
	if ((flags & EXFLAG_CA) || ((flags & EXFLAG_KUSAGE) && (usage & KU_KEY_CERT_SIGN)))
		return no(msg, "it is a CA's certificate, not a signer's");
	if ((flags & EXFLAG_KUSAGE) && !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return no(msg, "its keyUsage has neither digitalSignature nor nonRepudiation");
	return SAM_OK;
}

static enum sam_reason fill_store(const struct path *p, X509_STORE *store)
{
	for (size_t i = 0; i < p->count; i++) {
		sam_auto(X509_free) X509 *ca = sam_x509_parse(p->cas[i].der, p->cas[i].len);
		if (!ca) {
			sam_msg_set(p->msg, "the CA number %zu of the policy is no X.509 certificate", i + 1);
			return SAM_CERTIFICATE;
		}
		/* OpenSSL takes as an anchor whatever is configured: version 1 roots, and the end entity's own
		 * certificate, which then needs no CA at all */
		if (X509_check_ca(ca) != 1 || (X509_get_extension_flags(ca) & EXFLAG_INVALID)) {
			sam_msg_set(p->msg, "the CA number %zu of the policy is no CA (basicConstraints CA:TRUE, keyUsage "
					    "keyCertSign)", i + 1);
			return SAM_CERTIFICATE;
		}
		if (X509_STORE_add_cert(store, ca) != 1)
			return SAM_MEMORY;
	}
	return SAM_OK;
}

static STACK_OF(X509) *untrusted(const struct path *p)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	for (size_t i = 0; list && i < p->what->chain_count; i++) {
		X509 *x = sam_x509_parse(p->what->chain[i].der, p->what->chain[i].len);
		if (!x || !sk_X509_push(list, x)) {
			X509_free(x);
			free_list(list);
			return NULL;
		}
	}
	return list;
}

static enum sam_reason explain(const struct path *p, X509_STORE_CTX *ctx)
{
	char name[SAM_X509_NAME_SIZE] = "";
	const X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	if (error == X509_V_ERR_OUT_OF_MEM)
		return SAM_MEMORY;
	if (at && !name_text(X509_get_subject_name(at), name))
		name[0] = '\0';
	sam_msg_set(p->msg, "%s (at %.300s); CAs are configured in the policy", X509_verify_cert_error_string(error),
		    name[0] ? name : "a certificate without a name");
	return SAM_CERTIFICATE;
}

static enum sam_reason find_path(const struct path *p, X509 *x, X509_STORE *store, STACK_OF(X509) *others)
{
	sam_auto(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(sam_ossl_ctx(), NULL);
	if (!ctx || X509_STORE_CTX_init(ctx, store, x, others) != 1)
		return SAM_MEMORY;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)p->now);
	X509_VERIFY_PARAM_set_depth(param, SAM_X509_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits */
	/* a configured intermediate is an anchor, and a root's own signature must be right */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE) != 1)
		return SAM_MEMORY;
	return X509_verify_cert(ctx) == 1 ? SAM_OK : explain(p, ctx);
}

static enum sam_reason verify(const struct path *p)
{
	sam_auto(X509_free) X509 *x = sam_x509_parse(p->what->der, p->what->len);
	sam_auto(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	sam_auto(free_list) STACK_OF(X509) *others = untrusted(p);
	if (!x || !others || !store)
		return x ? SAM_MEMORY : no(p->msg, "there is no certificate");
	enum sam_reason reason = check_end_entity(x, p->msg);
	if (reason == SAM_OK)
		reason = fill_store(p, store);
	return reason == SAM_OK ? find_path(p, x, store, others) : reason;
}

enum sam_reason sam_x509_verify(const struct sam_x509 *x509, const struct sam_x509_ca *cas, size_t count, int64_t now,
				struct sam_msg *msg)
{
	const struct path p = {.what = x509, .cas = cas, .count = count, .now = now, .msg = msg};
	if (!count)
		return no(msg, "no CA is configured");
	sam_ossl_mark();
	enum sam_reason reason = verify(&p);
	sam_ossl_unmark();
	return reason;
}

bool sam_x509_valid(int64_t not_before, int64_t not_after, int64_t now)
{
	return not_before <= now && now <= not_after;
}
