/* SPDX-License-Identifier: BSD-3-Clause
 *
 * csr.h and subject.h: requests that `openssl req` takes and reads as we mean them; the same bytes each time; subjects
 * that are no names are refused.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include "base/pkey.h"
#include "include/p11-sam.h"
#include "sap/csr.h"
#include "sap/subject.h"

static struct sam_msg msg;

/* What keys of the SAM can be. */
static const struct kind {
	const char *name, *param, *algorithm;
	enum sam_key_type type;
	unsigned bits;
	enum sam_hash hash;
} kinds[] = {
	{"RSA", "2048", "sha256WithRSAEncryption", SAM_KEY_RSA, 2048, SAM_HASH_SHA256},
	{"RSA", "3072", "sha256WithRSAEncryption", SAM_KEY_RSA, 3072, SAM_HASH_SHA256},
	{"EC", "P-256", "ecdsa-with-SHA256", SAM_KEY_EC, 256, SAM_HASH_SHA256},
	{"EC", "P-384", "ecdsa-with-SHA384", SAM_KEY_EC, 384, SAM_HASH_SHA384},
	{"EC", "P-521", "ecdsa-with-SHA512", SAM_KEY_EC, 521, SAM_HASH_SHA512},
	{"ED25519", NULL, "ED25519", SAM_KEY_ED25519, 255, SAM_HASH_NONE},
};

struct made {
	EVP_PKEY *pkey;
	uint8_t *spki, *info, *der, signature[512];
	size_t spki_len, info_len, der_len, signature_len;
};

static void make_key(const struct kind *k, struct made *m)
{
	*m = (struct made){.pkey = NULL};
	if (k->type == SAM_KEY_RSA)
		m->pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)k->bits);
	else if (k->type == SAM_KEY_EC)
		m->pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", k->param);
	else
		m->pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "ED25519");
	ck_assert_ptr_nonnull(m->pkey);
	ck_assert_int_eq(sam_ossl_spki(m->pkey, &m->spki, &m->spki_len), SAM_OK);
}

/* As a CM would: the hash, or for Ed25519 the whole; ECDSA as r||s. */
static void sign(const struct kind *k, struct made *m)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = sizeof m->signature;
	uint8_t raw[512];
	const char *hash = sam_csr_hash(k->type, k->bits) ? sam_hash_name(sam_csr_hash(k->type, k->bits)) : NULL;
	ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, hash, sam_ossl_ctx(), NULL, m->pkey, NULL), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, raw, &len, m->info, m->info_len), 1);
	EVP_MD_CTX_free(ctx);
	m->signature_len = sam_signature_size(k->type, k->bits);
	if (k->type != SAM_KEY_EC) {
		memcpy(m->signature, raw, len);
		return;
	}
	const uint8_t *p = raw;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	int half = (int)m->signature_len / 2;
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), m->signature, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), m->signature + half, half);
	ECDSA_SIG_free(sig);
}

static enum sam_reason build(const struct kind *k, struct made *m)
{
	return sam_csr_build(m->info, m->info_len, k->type, k->bits, m->signature, m->signature_len, &m->der, &m->der_len);
}

static void make(const struct kind *k, const char *subject, const char *evidence, struct made *m)
{
	make_key(k, m);
	enum sam_reason reason = sam_csr_info(m->spki, m->spki_len, subject, evidence, &m->info, &m->info_len, &msg);
	ck_assert_msg(reason == SAM_OK, "%s: %s", sam_reason_name(reason), msg.text);
	sign(k, m);
	ck_assert_int_eq(build(k, m), SAM_OK);
	ck_assert_int_eq(ERR_peek_error(), 0);
}

static void drop(struct made *m)
{
	EVP_PKEY_free(m->pkey);
	free(m->spki);
	free(m->info);
	free(m->der);
}

/* What an openssl command says, with the request's PEM on its standard input. */
static void ask(const struct made *m, const char *command, char *out, size_t size)
{
	char path[] = "/tmp/test_csr.XXXXXX", line[512];
	sam_auto(sam_free) char *pem = NULL;
	ck_assert_int_eq(sam_csr_pem(m->der, m->der_len, &pem), SAM_OK);
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, pem, strlen(pem)), (ssize_t)strlen(pem));
	close(fd);
	snprintf(line, sizeof line, "openssl %s <%s 2>&1", command, path);
	FILE *f = popen(line, "r");
	size_t len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	ck_assert_msg(pclose(f) == 0, "%s", out);
	unlink(path);
}

static void says(const char *out, const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no %s in:\n%s", what, out);
}

/* ---- requests ---- */

START_TEST(openssl_verifies_and_reads_a_request_of_each_kind_of_key)
{
	const struct kind *k = &kinds[_i];
	static char out[65536], wanted[64];
	struct made m;
	make(k, "CN=Alice,O=Example,C=JP", NULL, &m);
	ask(&m, "req -verify -text -noout -nameopt RFC2253", out, sizeof out);
	says(out, "verify OK");
	says(out, "Version: 1 (0x0)");
	says(out, "Subject: CN=Alice,O=Example,C=JP\n");
	says(out, "X509v3 Key Usage: critical\n");
	says(out, "Digital Signature, Non Repudiation\n");
	snprintf(wanted, sizeof wanted, "Signature Algorithm: %s\n", k->algorithm);
	says(out, wanted);
	ck_assert_int_eq(sam_csr_hash(k->type, k->bits), k->hash);
	ck_assert_int_eq(sam_csr_verify(m.der, m.der_len), SAM_OK);
	/* the key in it is the key, byte for byte */
	const uint8_t *p = m.der;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)m.der_len);
	unsigned char *spki = NULL;
	ck_assert_int_eq(i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &spki), (int)m.spki_len);
	ck_assert_mem_eq(spki, m.spki, m.spki_len);
	OPENSSL_free(spki);
	X509_REQ_free(request);
	drop(&m);
}
END_TEST

START_TEST(openssl_makes_the_same_bytes)
{
	/* the same request by `openssl req`, whose subject is in PrintableString where it fits: -utf8 and C first */
	static const char config[] = "[req]\ndistinguished_name = dn\n[dn]\n";
	char path[] = "/tmp/test_csr_key.XXXXXX", config_path[] = "/tmp/test_csr_config.XXXXXX", command[512];
	const struct kind *k = &kinds[2];
	struct made m;
	make(k, "C=JP", NULL, &m);
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	BIO *bio = BIO_new_fp(f, BIO_NOCLOSE);
	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, m.pkey, NULL, NULL, 0, NULL, NULL), 1);
	BIO_free(bio);
	fclose(f);
	fd = mkstemp(config_path);
	ck_assert_int_eq(write(fd, config, strlen(config)), (ssize_t)strlen(config));
	close(fd);
	snprintf(command, sizeof command,
		 "openssl req -new -key %s -subj /C=JP -addext keyUsage=critical,digitalSignature,nonRepudiation "
		 "-config %s -outform DER", path, config_path);
	uint8_t other[4096];
	f = popen(command, "r");
	size_t len = fread(other, 1, sizeof other, f);
	ck_assert_int_eq(pclose(f), 0);
	unlink(path);
	unlink(config_path);
	const uint8_t *p = other;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)len);
	ck_assert_ptr_nonnull(request);
	unsigned char *info = NULL;
	int info_len = i2d_re_X509_REQ_tbs(request, &info);
	ck_assert_int_eq(info_len, (int)m.info_len);
	ck_assert_mem_eq(info, m.info, m.info_len);
	OPENSSL_free(info);
	X509_REQ_free(request);
	drop(&m);
}
END_TEST

START_TEST(the_same_input_gives_the_same_bytes)
{
	struct made m;
	make(&kinds[2], "UID=a+CN=Alice,OU=x,O=Example,C=JP", "a.b.c", &m);
	for (int i = 0; i < 5; i++) {
		uint8_t *again;
		size_t len;
		/* parts joined by + are a set */
		const char *subject = i % 2 ? "CN=Alice+UID=a, OU=x, O=Example, C=JP" : "/C=JP/O=Example/OU=x/CN=Alice+UID=a";
		ASN1_STRING_set_default_mask(i % 2 ? 0x2000UL : B_ASN1_T61STRING | B_ASN1_BMPSTRING); /* of the process */
		ck_assert_int_eq(sam_csr_info(m.spki, m.spki_len, subject, "a.b.c", &again, &len, &msg), SAM_OK);
		ck_assert_uint_eq(len, m.info_len);
		ck_assert_mem_eq(again, m.info, len);
		free(again);
	}
	drop(&m);
}
END_TEST

START_TEST(evidence_is_an_attestation_bundle)
{
	static char out[65536], jws[SAM_CSR_EVIDENCE_MAX + 2];
	struct made m;
	memset(jws, 'x', sizeof jws);
	memcpy(jws, "eyJ.eyJ.", 8);
	jws[900] = '\0';
	make(&kinds[3], "CN=Alice", jws, &m);
	ask(&m, "req -verify -noout", out, sizeof out);
	ask(&m, "asn1parse", out, sizeof out);
	/* nested as the draft has it, nothing behind the statement's text */
	const char *p = strstr(out, ":1.2.840.113549.1.9.16.2.59\n");
	if (!p)
		p = strstr(out, "id-smime-aa-59");
	ck_assert_msg(p != NULL, "%s", out);
	static const char *const nested[] = {"d=4", "SET", "d=5", "SEQUENCE", "d=6", "SEQUENCE", "d=7", "SEQUENCE",
					     "d=8", "OBJECT", ":" P11_SAM_EVIDENCE_OID "\n", "d=8", "UTF8STRING", ":eyJ.eyJ.xxx",
					     "d=1", "SEQUENCE", ":ecdsa-with-SHA384"};
	for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
		p = strstr(p, nested[i]);
		ck_assert_msg(p != NULL, "%s missing in:\n%s", nested[i], out);
	}
	drop(&m);
}
END_TEST

START_TEST(evidence_that_is_no_compact_jws_is_refused)
{
	static char huge[SAM_CSR_EVIDENCE_MAX + 2];
	static const char *const bad[] = {"", "a", "a.b", "a.b.", "a..c", "a.b.c.d", "a.b.c ", "a.b.\xc3\xa9", huge};
	struct made m;
	memset(huge, 'x', sizeof huge - 1);
	huge[1] = huge[3] = '.';
	make_key(&kinds[2], &m);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_int_eq(sam_csr_info(m.spki, m.spki_len, "CN=a", bad[i], &m.info, &m.info_len, &msg), SAM_ARGUMENTS);
	ck_assert_ptr_null(m.info);
	huge[sizeof huge - 2] = '\0';
	ck_assert_int_eq(sam_csr_info(m.spki, m.spki_len, "CN=a", huge, &m.info, &m.info_len, &msg), SAM_OK);
	drop(&m);
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
	struct made m;
	make_key(&kinds[2], &m);
	ck_assert_int_eq(sam_csr_info(m.spki, m.spki_len - 1, "CN=a", NULL, &m.info, &m.info_len, &msg), SAM_ARGUMENTS);
	ck_assert_int_eq(sam_csr_info((const uint8_t *)"", 0, "CN=a", NULL, &m.info, &m.info_len, &msg), SAM_ARGUMENTS);
	m.spki[m.spki_len - 1] ^= 1; /* no point of the curve */
	ck_assert_int_eq(sam_csr_info(m.spki, m.spki_len, "CN=a", NULL, &m.info, &m.info_len, &msg), SAM_ARGUMENTS);
	ck_assert_int_eq(ERR_peek_error(), 0);
	drop(&m);
}
END_TEST

START_TEST(only_the_keys_own_signature_makes_a_request)
{
	const struct kind *k = &kinds[_i], *another = &kinds[k->type == SAM_KEY_RSA ? 2 : 0];
	struct made m, other;
	make(k, "CN=Alice", NULL, &m);
	make_key(k, &other);
	free(m.der);
	m.signature[m.signature_len / 2] ^= 1;
	ck_assert_int_eq(build(k, &m), SAM_SIGNATURE_MISMATCH);
	ck_assert_ptr_null(m.der);
	m.signature[m.signature_len / 2] ^= 1;
	ck_assert_int_eq(sam_csr_build(m.info, m.info_len, another->type, another->bits, m.signature, m.signature_len, &m.der,
				       &m.der_len), SAM_ARGUMENTS);
	m.signature_len--;
	ck_assert_int_eq(build(k, &m), SAM_ARGUMENTS);
	m.signature_len++;
	m.info_len--;
	ck_assert_int_eq(build(k, &m), SAM_ARGUMENTS);
	m.info_len++;
	memset(m.signature, 0, m.signature_len);
	ck_assert_int_eq(build(k, &m), SAM_SIGNATURE_MISMATCH);
	EVP_PKEY *own = m.pkey;
	m.pkey = other.pkey;
	sign(k, &m);
	ck_assert_int_eq(build(k, &m), SAM_SIGNATURE_MISMATCH);
	m.pkey = own;
	ck_assert_int_eq(ERR_peek_error(), 0);
	drop(&m);
	drop(&other);
}
END_TEST

START_TEST(verifying_takes_a_request_exactly)
{
	struct made m;
	make(&kinds[2], "CN=Alice", NULL, &m);
	uint8_t longer[4096];
	memcpy(longer, m.der, m.der_len);
	longer[m.der_len] = 0;
	ck_assert_int_eq(sam_csr_verify(longer, m.der_len + 1), SAM_ARGUMENTS);
	for (size_t i = 0; i < m.der_len; i += 3)
		ck_assert_int_ne(sam_csr_verify(m.der, i), SAM_OK);
	for (size_t i = 0; i < m.der_len; i += 3) {
		m.der[i] ^= 1;
		ck_assert_int_ne(sam_csr_verify(m.der, m.der_len), SAM_OK);
		m.der[i] ^= 1;
	}
	ck_assert_int_eq(sam_csr_verify(m.der, m.der_len), SAM_OK);
	drop(&m);
}
END_TEST

START_TEST(nothing_is_fetched_from_the_default_context)
{
	struct made m;
	OSSL_LIB_CTX *empty = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *none = OSSL_PROVIDER_load(empty, "null"); /* and then no other by itself */
	ck_assert_ptr_nonnull(none);
	OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(empty);
	ck_assert_ptr_null(EVP_MD_fetch(NULL, "SHA256", NULL));
	ERR_clear_error();
	make(&kinds[_i], "CN=Alice", "a.b.c", &m);
	drop(&m);
	OSSL_LIB_CTX_set0_default(before);
	OSSL_PROVIDER_unload(none);
	OSSL_LIB_CTX_free(empty);
}
END_TEST

/* ---- subjects ---- */

static const struct {
	const char *text, *printed; /* by RFC 2253 */
} subjects[] = {
	{"CN=Bob", "CN=Bob"},
	{"/CN=Bob", "CN=Bob"},
	{"cn=Bob, o=Example Inc. ,c=JP", "CN=Bob,O=Example Inc.,C=JP"},
	{"/C=JP/O=Example, Inc./CN=Bob", "CN=Bob,O=Example\\, Inc.,C=JP"},
	/* the examples of RFC 4514 section 4 */
	{"UID=jsmith,DC=example,DC=net", "UID=jsmith,DC=example,DC=net"},
	{"OU=Sales+CN=J.  Smith,DC=example,DC=net", "CN=J.  Smith+OU=Sales,DC=example,DC=net"},
	{"CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net", "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net"},
	{"CN=Lu\\C4\\8Di\\C4\\87", "CN=Lu\\C4\\8Di\\C4\\87"},
	{"CN=Before\\2B\\2FAfter", "CN=Before\\+/After"},
	{"CN=\xe9\x88\xb4\xe6\x9c\xa8 \xe4\xb8\x80\xe9\x83\x8e,C=JP", "CN=\\E9\\88\\B4\\E6\\9C\\A8 \\E4\\B8\\80\\E9\\83\\8E,C=JP"},
	{"CN=\\ a\\ ", "CN=\\ a\\ "},
	{"CN=\\#a\\\\b\\=c=d", "CN=\\#a\\\\b=c=d"},
	{"/CN=a\\/b\\+c", "CN=a/b\\+c"},
	{"/commonName=a/organizationIdentifier=NTRJP-1/serialNumber=7 (x)", "serialNumber=7 (x),organizationIdentifier=NTRJP-1,CN=a"},
	{"emailAddress=a@b.example,street=1 A;", NULL},
	{"emailAddress=a@b.example,street=1 A", "emailAddress=a@b.example,street=1 A"},
	{"OU=1,OU=2,OU=3,OU=4,OU=5,OU=6,OU=7,OU=8,OU=9,OU=a,OU=b,OU=c,OU=d,OU=e,OU=f,OU=g",
	 "OU=1,OU=2,OU=3,OU=4,OU=5,OU=6,OU=7,OU=8,OU=9,OU=a,OU=b,OU=c,OU=d,OU=e,OU=f,OU=g"},
	{"OU=1,OU=2,OU=3,OU=4,OU=5,OU=6,OU=7,OU=8,OU=9,OU=a,OU=b,OU=c,OU=d,OU=e,OU=f,OU=g,OU=h", NULL},
	{"", NULL},
	{"/", NULL},
	{"Bob", NULL},
	{"=Bob", NULL},
	{"CN=", NULL},
	{"CN= ", NULL},
	{"CN=Bob,", NULL},
	{",CN=Bob", NULL},
	{"CN=Bob,,C=JP", NULL},
	{"CN=Bob+", NULL},
	{"CN=Bob+CN=Rob", NULL},
	{"/CN=Bob/", NULL},
	{"/CN=Bob//C=JP", NULL},
	{"CN=\"Bob\"", NULL},
	{"CN=#0403", NULL},
	{"CN=a<b", NULL},
	{"CN=a\\", NULL},
	{"CN=a\\4", NULL},
	{"CN=a\\xy", NULL},
	{"CN=a\\00b", NULL},
	{"CN=a\nb", NULL},
	{"CN=a\\0Ab", NULL},
	{"CN=a\xc2\x85", NULL},   /* a control of ISO 8859 */
	{"CN=\xff", NULL},
	{"CN=\xc0\xaf", NULL},    /* overlong */
	{"CN=\xed\xa0\x80", NULL}, /* a surrogate */
	{"CN=\\C4", NULL},
	{"C=jp", NULL},
	{"C=JPN", NULL},
	{"C=J1", NULL},
	{"serialNumber=a*b", NULL},
	{"DC=\xc3\xa9", NULL},
	{"SHA256=a", NULL},       /* a name of OpenSSL's, of no attribute */
	{"userPassword=a", NULL},
	{"2.5.4.3=a", NULL},
	{"CN", NULL},
	{"CN=0123456789012345678901234567890123456789012345678901234567890123", /* 64 */
	 "CN=0123456789012345678901234567890123456789012345678901234567890123"},
	{"CN=01234567890123456789012345678901234567890123456789012345678901234", NULL},
};

START_TEST(subject_is_read_as_it_is_meant_or_refused)
{
	X509_NAME *name;
	char *printed = NULL;
	msg.text[0] = '\0';
	enum sam_reason reason = sam_subject_parse(subjects[_i].text, &name, &msg);
	if (!subjects[_i].printed) {
		ck_assert_msg(reason == SAM_SUBJECT, "%s was taken", subjects[_i].text);
		ck_assert(msg.text[0] && !name);
		return;
	}
	ck_assert_msg(reason == SAM_OK, "%s: %s", subjects[_i].text, msg.text);
	BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	long len = BIO_get_mem_data(bio, &printed);
	printed = strndup(printed, (size_t)len);
	ck_assert_str_eq(printed, subjects[_i].printed);
	free(printed);
	BIO_free(bio);
	X509_NAME_free(name);
}
END_TEST

START_TEST(string_types_are_those_of_rfc_5280)
{
	X509_NAME *name;
	ck_assert_int_eq(sam_subject_parse("/C=JP/DC=a/serialNumber=1/CN=a", &name, &msg), SAM_OK);
	static const int types[] = {V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING, V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING};
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))), types[i]);
	X509_NAME_free(name);
}
END_TEST

START_TEST(no_subject_and_a_huge_one_are_refused)
{
	static char huge[200000];
	X509_NAME *name;
	ck_assert_int_eq(sam_subject_parse(NULL, &name, &msg), SAM_SUBJECT);
	memset(huge, 'x', sizeof huge - 1);
	memcpy(huge, "CN=", 3);
	ck_assert_int_eq(sam_subject_parse(huge, &name, &msg), SAM_SUBJECT);
	huge[900] = '\0';
	ck_assert_int_eq(sam_subject_parse(huge, &name, &msg), SAM_SUBJECT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("csr");
	TCase *t = tcase_create("csr");
	const int count = sizeof kinds / sizeof kinds[0];
	tcase_add_loop_test(t, openssl_verifies_and_reads_a_request_of_each_kind_of_key, 0, count);
	tcase_add_test(t, openssl_makes_the_same_bytes);
	tcase_add_test(t, the_same_input_gives_the_same_bytes);
	tcase_add_test(t, evidence_is_an_attestation_bundle);
	tcase_add_test(t, evidence_that_is_no_compact_jws_is_refused);
	tcase_add_test(t, what_is_no_key_is_refused);
	tcase_add_loop_test(t, only_the_keys_own_signature_makes_a_request, 0, count);
	tcase_add_loop_test(t, nothing_is_fetched_from_the_default_context, 0, count);
	tcase_add_test(t, verifying_takes_a_request_exactly);
	tcase_add_loop_test(t, subject_is_read_as_it_is_meant_or_refused, 0, sizeof subjects / sizeof subjects[0]);
	tcase_add_test(t, string_types_are_those_of_rfc_5280);
	tcase_add_test(t, no_subject_and_a_huge_one_are_refused);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
