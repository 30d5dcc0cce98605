/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Certificate requests by OpenSSL's ASN.1 functions, in the private context.
 */
#include "sap/csr.h"

#include <string.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "base/pkey.h"
#include "include/p11-sam.h"
#include "sap/subject.h"

#define OID_ATTESTATION "1.2.840.113549.1.9.16.2.59"

SAM_AUTO_FREE(BIO, BIO_free_all);
SAM_AUTO_FREE(X509_REQ, X509_REQ_free);
SAM_AUTO_FREE(X509_ALGOR, X509_ALGOR_free);
SAM_AUTO_FREE(ASN1_OBJECT, ASN1_OBJECT_free);
SAM_AUTO_FREE(ASN1_BIT_STRING, ASN1_BIT_STRING_free);

static void openssl_free_p(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* OpenSSL's memory as ours: free() and OPENSSL_free() need not be the same. */
static enum sam_reason give(const unsigned char *data, int size, uint8_t **der, size_t *len)
{
	if (size <= 0 || !(*der = malloc((size_t)size)))
		return SAM_MEMORY;
	memcpy(*der, data, (size_t)size);
	*len = (size_t)size;
	return SAM_OK;
}

/* ---- a SEQUENCE of anything ---- */

static void free_sequence(ASN1_SEQUENCE_ANY *sequence)
{
	sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
}
SAM_AUTO_FREE(ASN1_SEQUENCE_ANY, free_sequence);

static bool add_string(ASN1_SEQUENCE_ANY *sequence, int type, const void *data, size_t len)
{
	ASN1_TYPE *element = ASN1_TYPE_new();
	ASN1_STRING *string = ASN1_STRING_type_new(type);
	if (!element || !string || len > INT_MAX || ASN1_STRING_set(string, data, (int)len) != 1) {
		ASN1_STRING_free(string);
		ASN1_TYPE_free(element);
		return false;
	}
	if (type == V_ASN1_BIT_STRING) /* all bits count: no zeros at the end are cut off */
		string->flags = (string->flags & ~7L) | ASN1_STRING_FLAG_BITS_LEFT;
	ASN1_TYPE_set(element, type, string);
	if (sk_ASN1_TYPE_push(sequence, element))
		return true;
	ASN1_TYPE_free(element);
	return false;
}

static bool add_oid(ASN1_SEQUENCE_ANY *sequence, const char *oid)
{
	ASN1_TYPE *element = ASN1_TYPE_new();
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	if (element && object) {
		ASN1_TYPE_set(element, V_ASN1_OBJECT, object);
		object = NULL;
		if (sk_ASN1_TYPE_push(sequence, element))
			return true;
	}
	ASN1_OBJECT_free(object);
	ASN1_TYPE_free(element);
	return false;
}

/* The sequence inside another one. */
static bool add_sequence(ASN1_SEQUENCE_ANY *outer, const ASN1_SEQUENCE_ANY *inner)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *der = NULL;
	int size = i2d_ASN1_SEQUENCE_ANY(inner, &der);
	return size > 0 && add_string(outer, V_ASN1_SEQUENCE, der, (size_t)size);
}

/* ---- attributes ---- */

static enum sam_reason add_extensions(X509_REQ *request)
{
	STACK_OF(X509_EXTENSION) *list = NULL;
	sam_auto(ASN1_BIT_STRING_free) ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool done = usage && ASN1_BIT_STRING_set_bit(usage, 0, 1) == 1 && /* digitalSignature */
		    ASN1_BIT_STRING_set_bit(usage, 1, 1) == 1 &&          /* nonRepudiation */
		    X509V3_add1_i2d(&list, NID_key_usage, usage, 1, X509V3_ADD_DEFAULT) == 1 &&
		    X509_REQ_add_extensions(request, list) == 1;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return done ? SAM_OK : SAM_MEMORY;
}

static bool is_compact(const char *jws)
{
	static const char b64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(jws);
	for (int part = 0; part < 3; part++) {
		size_t n = strspn(jws, b64url);
		if (!n || (part < 2 && jws[n] != '.'))
			return false;
		jws += n + (part < 2);
	}
	return !*jws && len <= SAM_CSR_EVIDENCE_MAX;
}

/* AttestationBundle { attestations { AttestationStatement { type, stmt } } }. Drafts up to 17 called them
 * EvidenceBundle and EvidenceStatement, the latter with an optional hint, which is left out here: the same bytes. The
 * optional certificates are left out too: the SAM's key has none. */
static enum sam_reason add_evidence(X509_REQ *request, const char *jws)
{
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *statement = sk_ASN1_TYPE_new_null();
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *statements = sk_ASN1_TYPE_new_null();
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *bundle = sk_ASN1_TYPE_new_null();
	sam_auto(ASN1_OBJECT_free) ASN1_OBJECT *type = OBJ_txt2obj(OID_ATTESTATION, 1);
	__attribute__((cleanup(openssl_free_p))) unsigned char *der = NULL;
	if (!is_compact(jws))
		return SAM_ARGUMENTS;
	if (!statement || !statements || !bundle || !type || !add_oid(statement, P11_SAM_EVIDENCE_OID) ||
	    !add_string(statement, V_ASN1_UTF8STRING, jws, strlen(jws)) || !add_sequence(statements, statement) ||
	    !add_sequence(bundle, statements))
		return SAM_MEMORY;
	int size = i2d_ASN1_SEQUENCE_ANY(bundle, &der);
	return size > 0 && X509_REQ_add1_attr_by_OBJ(request, type, V_ASN1_SEQUENCE, der, size) == 1 ? SAM_OK
												     : SAM_MEMORY;
}

/* ---- what is signed ---- */

/* The very bytes: another spelling of the key would have another thumbprint (invariant 2). */
static enum sam_reason add_key(X509_REQ *request, const uint8_t *spki, size_t len)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *again = NULL;
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(spki, len);
	if (!pkey)
		return SAM_ARGUMENTS;
	if (X509_REQ_set_pubkey(request, pkey) != 1)
		return SAM_MEMORY;
	int size = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &again);
	return size > 0 && (size_t)size == len && memcmp(again, spki, len) == 0 ? SAM_OK : SAM_ARGUMENTS;
}

static enum sam_reason fill(X509_REQ *request, const uint8_t *spki, size_t spki_len, const char *subject,
			    const char *evidence, struct sam_msg *msg)
{
	sam_auto(X509_NAME_free) X509_NAME *name = NULL;
	enum sam_reason reason = sam_subject_parse(subject, &name, msg);
	if (reason == SAM_OK && (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
				 X509_REQ_set_subject_name(request, name) != 1))
		reason = SAM_MEMORY;
	if (reason == SAM_OK)
		reason = add_key(request, spki, spki_len);
	if (reason == SAM_OK)
		reason = add_extensions(request);
	if (reason == SAM_OK && evidence)
		reason = add_evidence(request, evidence);
	return reason;
}

enum sam_reason sam_csr_info(const uint8_t *spki, size_t spki_len, const char *subject, const char *evidence,
			     uint8_t **der, size_t *len, struct sam_msg *msg)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *encoded = NULL;
	*der = NULL;
	*len = 0;
	sam_ossl_mark();
	sam_auto(X509_REQ_free) X509_REQ *request = X509_REQ_new_ex(sam_ossl_ctx(), NULL);
	enum sam_reason reason = request ? fill(request, spki, spki_len, subject, evidence, msg) : SAM_MEMORY;
	if (reason == SAM_OK) {
		int size = i2d_re_X509_REQ_tbs(request, &encoded);
		reason = give(encoded, size, der, len);
	}
	sam_ossl_unmark();
	return reason;
}

/* ---- signed ---- */

enum sam_hash sam_csr_hash(enum sam_key_type type, unsigned bits)
{
	if (type == SAM_KEY_ED25519)
		return SAM_HASH_NONE;
	if (type == SAM_KEY_EC && bits > 256)
		return bits > 384 ? SAM_HASH_SHA512 : SAM_HASH_SHA384;
	return SAM_HASH_SHA256;
}

static bool add_algorithm(ASN1_SEQUENCE_ANY *request, enum sam_key_type type, unsigned bits)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *der = NULL;
	sam_auto(X509_ALGOR_free) X509_ALGOR *algorithm = X509_ALGOR_new();
	const enum sam_hash hash = sam_csr_hash(type, bits);
	int nid = type == SAM_KEY_ED25519       ? NID_ED25519
		  : type == SAM_KEY_RSA         ? NID_sha256WithRSAEncryption
		  : hash == SAM_HASH_SHA512 ? NID_ecdsa_with_SHA512
		  : hash == SAM_HASH_SHA384 ? NID_ecdsa_with_SHA384
						: NID_ecdsa_with_SHA256;
	/* RFC 4055: NULL parameters; RFC 5758, RFC 8410: none */
	if (!algorithm ||
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), type == SAM_KEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) != 1)
		return false;
	int size = i2d_X509_ALGOR(algorithm, &der);
	return size > 0 && add_string(request, V_ASN1_SEQUENCE, der, (size_t)size);
}

/* r||s as ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
static bool add_ecdsa(ASN1_SEQUENCE_ANY *request, const uint8_t *signature, size_t len)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *der = NULL;
	sam_auto(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, (int)(len / 2), NULL), *s = BN_bin2bn(signature + len / 2, (int)(len / 2), NULL);
	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	int size = i2d_ECDSA_SIG(sig, &der);
	return size > 0 && add_string(request, V_ASN1_BIT_STRING, der, (size_t)size);
}

/* The elements of a SEQUENCE, exact to its last byte; NULL if it is none. */
static ASN1_SEQUENCE_ANY *elements(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	if (!der || !len || len > SAM_CSR_MAX)
		return NULL;
	ASN1_SEQUENCE_ANY *sequence = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)len);
	if (sequence && p == der + len)
		return sequence;
	free_sequence(sequence);
	return NULL;
}

static enum sam_reason build(const uint8_t *info, size_t info_len, enum sam_key_type type, unsigned bits,
			     const uint8_t *signature, size_t signature_len, uint8_t **der, size_t *len)
{
	__attribute__((cleanup(openssl_free_p))) unsigned char *encoded = NULL;
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *request = sk_ASN1_TYPE_new_null(), *parts = elements(info, info_len);
	if (!parts || !signature || signature_len != sam_signature_size(type, bits))
		return SAM_ARGUMENTS;
	if (!request || !add_string(request, V_ASN1_SEQUENCE, info, info_len) || !add_algorithm(request, type, bits) ||
	    !(type == SAM_KEY_EC ? add_ecdsa(request, signature, signature_len)
				 : add_string(request, V_ASN1_BIT_STRING, signature, signature_len)))
		return SAM_MEMORY;
	int size = i2d_ASN1_SEQUENCE_ANY(request, &encoded);
	enum sam_reason reason = give(encoded, size, der, len);
	return reason == SAM_OK ? sam_csr_verify(*der, *len) : reason;
}

enum sam_reason sam_csr_build(const uint8_t *info, size_t info_len, enum sam_key_type type, unsigned bits,
			      const uint8_t *signature, size_t signature_len, uint8_t **der, size_t *len)
{
	*der = NULL;
	*len = 0;
	sam_ossl_mark();
	enum sam_reason reason = build(info, info_len, type, bits, signature, signature_len, der, len);
	sam_ossl_unmark();
	if (reason != SAM_OK) {
		free(*der);
		*der = NULL;
		*len = 0;
	}
	return reason;
}

/* The i-th, if it is of that type. */
static ASN1_STRING *element(const ASN1_SEQUENCE_ANY *sequence, int i, int type)
{
	const ASN1_TYPE *any = sk_ASN1_TYPE_value(sequence, i);
	return any && any->type == type ? any->value.asn1_string : NULL;
}

/* subjectPKInfo, the third of the CertificationRequestInfo. */
static EVP_PKEY *request_key(const ASN1_STRING *info)
{
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *parts = elements(info->data, (size_t)info->length);
	const ASN1_STRING *spki = parts ? element(parts, 2, V_ASN1_SEQUENCE) : NULL;
	return spki ? sam_ossl_pubkey(spki->data, (size_t)spki->length) : NULL;
}

/* Not by d2i_X509_REQ(), which reads the key in the default context even for an X509_REQ_new_ex(). */
static enum sam_reason verify(const ASN1_SEQUENCE_ANY *parts)
{
	const ASN1_STRING *info = element(parts, 0, V_ASN1_SEQUENCE), *name = element(parts, 1, V_ASN1_SEQUENCE);
	ASN1_STRING *signature = element(parts, 2, V_ASN1_BIT_STRING);
	if (!info || !name || !signature || sk_ASN1_TYPE_num(parts) != 3)
		return SAM_ARGUMENTS;
	const unsigned char *p = name->data;
	sam_auto(X509_ALGOR_free) X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &p, name->length);
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = request_key(info);
	if (!algorithm || !pkey)
		return SAM_ARGUMENTS;
	return ASN1_item_verify_ex(ASN1_ITEM_rptr(ASN1_ANY), algorithm, signature, sk_ASN1_TYPE_value(parts, 0), NULL, pkey,
				   sam_ossl_ctx(), NULL) == 1
		       ? SAM_OK
		       : SAM_SIGNATURE_MISMATCH;
}

enum sam_reason sam_csr_verify(const uint8_t *der, size_t len)
{
	sam_ossl_mark();
	sam_auto(free_sequence) ASN1_SEQUENCE_ANY *parts = elements(der, len);
	enum sam_reason reason = parts ? verify(parts) : SAM_ARGUMENTS;
	sam_ossl_unmark();
	return reason;
}

enum sam_reason sam_csr_pem(const uint8_t *der, size_t len, char **pem)
{
	sam_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	*pem = NULL;
	if (!bio || len > SAM_CSR_MAX || PEM_write_bio(bio, PEM_STRING_X509_REQ, "", der, (long)len) <= 0)
		return SAM_MEMORY;
	long size = BIO_get_mem_data(bio, &text);
	if (size > 0)
		*pem = strndup(text, (size_t)size);
	return *pem ? SAM_OK : SAM_MEMORY;
}
