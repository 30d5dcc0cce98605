/* SPDX-License-Identifier: BSD-3-Clause
 *
 * x509.h: what is read is what `openssl x509` prints, and what verifies is what a signer's certificate must be.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include "base/encode.h"
#include "base/x509.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

/* What a certificate is made of. */
struct maker {
	const char *subject, *issuer, *basic, *usage, *other; /* extensions as OpenSSL's text; NULL: none */
	EVP_PKEY *key, *by;
	int64_t from, to;
	const char *hash;
	long version; /* 0: 3 */
};

static EVP_PKEY *root_key, *sub_key, *ee_key, *weak_key;
static X509 *root, *sub, *ee;
static struct sam_x509 x509;
static struct sam_msg msg;

static X509 *make(const struct maker *m)
{
	const struct {
		int nid;
		const char *text;
	} extensions[] = {{NID_basic_constraints, m->basic}, {NID_key_usage, m->usage}, {NID_name_constraints, m->other}};
	X509 *x = X509_new();
	X509V3_CTX ctx;
	ck_assert_int_eq(X509_set_version(x, m->version ? m->version - 1 : X509_VERSION_3), 1);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), UINT64_C(0x01fe23456789ab));
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)m->from);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)m->to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)m->subject, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)m->issuer, -1, -1, 0);
	ck_assert_int_eq(X509_set_pubkey(x, m->key), 1);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
		if (!extensions[i].text)
			continue;
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].text);
		ck_assert_ptr_nonnull(e);
		ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	ck_assert_int_gt(X509_sign(x, m->by, EVP_get_digestbyname(m->hash)), 0);
	return x;
}

static struct maker root_maker(void)
{
	return (struct maker){"Root", "Root", "critical,CA:TRUE", "critical,keyCertSign", NULL, root_key, root_key,
			      NOW - 100 * DAY, NOW + 100 * DAY, "sha256", 0};
}

static struct maker sub_maker(void)
{
	return (struct maker){"Sub", "Root", "critical,CA:TRUE", "critical,keyCertSign", NULL, sub_key, root_key,
			      NOW - 50 * DAY, NOW + 50 * DAY, "sha256", 0};
}

static struct maker ee_maker(void)
{
	return (struct maker){"Alice \xe9\x88\xb4\xe6\x9c\xa8, A+B", "Sub", "CA:FALSE", "critical,nonRepudiation", NULL,
			      ee_key, sub_key, NOW - DAY, NOW + DAY, "sha256", 0};
}

static void setup(void)
{
	struct maker m;
	root_key = EVP_EC_gen("P-256");
	sub_key = EVP_EC_gen("P-384");
	ee_key = EVP_EC_gen("P-256");
	weak_key = EVP_RSA_gen(1024);
	root = make((m = root_maker(), &m));
	sub = make((m = sub_maker(), &m));
	ee = make((m = ee_maker(), &m));
	memset(&x509, 0, sizeof x509);
}

static void teardown(void)
{
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(sub_key);
	EVP_PKEY_free(ee_key);
	EVP_PKEY_free(weak_key);
	X509_free(root);
	X509_free(sub);
	X509_free(ee);
	sam_x509_clear(&x509);
}

/* PEM of these, a NULL at the end. */
static char *pem_of(X509 *first, ...)
{
	va_list ap;
	char *text, *copy;
	BIO *bio = BIO_new(BIO_s_mem());
	va_start(ap, first);
	for (X509 *x = first; x; x = va_arg(ap, X509 *))
		PEM_write_bio_X509(bio, x);
	va_end(ap);
	long len = BIO_get_mem_data(bio, &text);
	copy = strndup(text, (size_t)len);
	BIO_free(bio);
	return copy;
}

static enum sam_reason read_text(const char *text)
{
	sam_x509_clear(&x509);
	msg.text[0] = '\0';
	return sam_x509_read(text, strlen(text), &x509, &msg);
}

static void refused_text(const char *text, const char *why)
{
	ck_assert_int_eq(read_text(text), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s", msg.text);
}

/* ${x} with sub beside it, against ${anchor} at ${now}. */
static enum sam_reason verify_at(X509 *x, X509 *anchor, int64_t now)
{
	sam_auto(sam_free) char *text = pem_of(x, sub, NULL);
	unsigned char *der = NULL;
	int len = i2d_X509(anchor, &der);
	const struct sam_x509_ca ca = {der, (size_t)len};
	ck_assert_int_eq(read_text(text), SAM_OK);
	enum sam_reason reason = sam_x509_verify(&x509, &ca, 1, now, &msg);
	OPENSSL_free(der);
	ck_assert_int_eq(ERR_peek_error(), 0);
	return reason;
}

static void refused(const struct maker *m, const char *why)
{
	X509 *x = make(m);
	ck_assert_int_eq(verify_at(x, root, NOW), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s", msg.text);
	X509_free(x);
}

/* ---- reading ---- */

__attribute__((format(printf, 1, 0))) static void output_of(const char *command, const char *text, char *out, size_t size)
{
	char path[] = "/tmp/test_x509.XXXXXX", line[512];
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(line, sizeof line, command, path);
	FILE *f = popen(line, "r");
	size_t len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	ck_assert_int_eq(pclose(f), 0);
	unlink(path);
}

START_TEST(facts_are_what_openssl_prints)
{
	char wanted[4096], got[4096], serial[64];
	sam_auto(sam_free) char *text = pem_of(ee, NULL);
	ck_assert_int_eq(read_text(text), SAM_OK);
	output_of("openssl x509 -in %s -noout -nameopt RFC2253 -issuer -subject -serial", text, wanted, sizeof wanted);
	snprintf(serial, sizeof serial, "%s", x509.serial);
	for (char *p = serial; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	snprintf(got, sizeof got, "issuer=%s\nsubject=%s\nserial=%s\n", x509.issuer, x509.subject, serial);
	ck_assert_str_eq(got, wanted);
	ck_assert_int_eq(x509.not_before, NOW - DAY);
	ck_assert_int_eq(x509.not_after, NOW + DAY);
}
END_TEST

START_TEST(key_and_its_hash_are_those_of_openssl)
{
	uint8_t *spki, sha256[32];
	size_t len;
	sam_auto(sam_free) char *text = pem_of(ee, sub, root, NULL);
	ck_assert_int_eq(read_text(text), SAM_OK);
	ck_assert_int_eq(sam_ossl_spki(ee_key, &spki, &len), SAM_OK);
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, spki, len, sha256), SAM_OK);
	ck_assert_uint_eq(x509.spki_len, len);
	ck_assert_mem_eq(x509.spki, spki, len);
	ck_assert_mem_eq(x509.spki_sha256, sha256, 32);
	ck_assert_uint_eq(x509.chain_count, 2);
	free(spki);
}
END_TEST

START_TEST(der_is_read_and_nothing_behind_it)
{
	uint8_t der[4096], *p = der;
	int len = i2d_X509(ee, &p);
	ck_assert_int_eq(sam_x509_read(der, (size_t)len, &x509, &msg), SAM_OK);
	ck_assert_uint_eq(x509.len, (size_t)len);
	ck_assert_mem_eq(x509.der, der, (size_t)len);
	ck_assert_uint_eq(x509.chain_count, 0);
	for (int size = 0; size < len; size += 7) {
		sam_x509_clear(&x509);
		ck_assert_int_eq(sam_x509_read(der, (size_t)size, &x509, &msg), SAM_CERTIFICATE);
	}
	der[len] = 0;
	sam_x509_clear(&x509);
	ck_assert_int_eq(sam_x509_read(der, (size_t)len + 1, &x509, &msg), SAM_CERTIFICATE);
	ck_assert_int_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(ber_around_a_certificate_is_no_der)
{
	/* the outer SEQUENCE in indefinite length: OpenSSL reads it */
	uint8_t der[4096], ber[4096], *p = der;
	const uint8_t *q = ber;
	int len = i2d_X509(ee, &p);
	ck_assert_int_eq(der[1], 0x82);
	ber[0] = 0x30;
	ber[1] = 0x80;
	memcpy(ber + 2, der + 4, (size_t)len - 4);
	memset(ber + len - 2, 0, 2);
	X509 *x = d2i_X509(NULL, &q, len);
	ck_assert_ptr_nonnull(x);
	X509_free(x);
	ck_assert_int_eq(sam_x509_read(ber, (size_t)len, &x509, &msg), SAM_CERTIFICATE);
}
END_TEST

START_TEST(eight_others_are_read_and_nine_are_not)
{
	sam_auto(sam_free) char *nine = pem_of(ee, sub, sub, sub, sub, sub, sub, sub, sub, NULL);
	sam_auto(sam_free) char *ten = pem_of(ee, sub, sub, sub, sub, sub, sub, sub, sub, sub, NULL);
	ck_assert_int_eq(read_text(nine), SAM_OK);
	ck_assert_uint_eq(x509.chain_count, 8);
	refused_text(ten, "more than 8");
}
END_TEST

START_TEST(text_stands_before_and_not_behind)
{
	sam_auto(sam_free) char *pem = pem_of(ee, NULL), *text = malloc(2 * strlen(pem) + 256);
	sprintf(text, "subject=Alice\n%s\n \r\n", pem);
	ck_assert_int_eq(read_text(text), SAM_OK);
	sprintf(text, "%ssubject=Alice\n%s", pem, pem);
	ck_assert_int_eq(read_text(text), SAM_OK);
	sprintf(text, "%strailing\n", pem);
	refused_text(text, "behind the last");
	sprintf(text, "%s-----BEGIN CERTIFICATE-----\nMII", pem);
	refused_text(text, "behind the last");
	ck_assert_int_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(garbage_and_keys_are_no_certificates)
{
	sam_auto(sam_free) char *pem = pem_of(ee, NULL), *text = malloc(strlen(pem) + 4096);
	static const char *const garbage[] = {"hello", "0", "0\x82\x01", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					      "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", " \n"};
	for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
		ck_assert_int_eq(read_text(garbage[i]), SAM_CERTIFICATE);
	refused_text("", "empty");
	BIO *bio = BIO_new(BIO_s_mem());
	char *key;
	/* an encrypted one too: nobody is asked for its passphrase */
	PEM_write_bio_PrivateKey_traditional(bio, ee_key, EVP_aes_128_cbc(), (const uint8_t *)"x", 1, NULL, NULL);
	long len = BIO_get_mem_data(bio, &key);
	sprintf(text, "%.*s", (int)len, key);
	refused_text(text, "something else");
	sprintf(text, "%s%.*s", pem, (int)len, key);
	refused_text(text, "something else");
	BIO_free(bio);
	memcpy(text, pem, strlen(pem) + 1);
	sam_x509_clear(&x509);
	ck_assert_int_eq(sam_x509_read(text, strlen(text) + 1, &x509, &msg), SAM_CERTIFICATE); /* a NUL */
}
END_TEST

START_TEST(huge_files_and_certificates_are_refused)
{
	char *big = malloc(SAM_X509_FILE_MAX + 1), name[12000];
	memset(big, '\n', SAM_X509_FILE_MAX + 1);
	ck_assert_int_eq(sam_x509_read(big, SAM_X509_FILE_MAX + 1, &x509, &msg), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "65,536"));
	free(big);
	struct maker m = ee_maker();
	memset(name, 'x', sizeof name);
	X509 *x = make(&m);
	for (int i = 0; i < 2; i++) {
		ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(octets, (uint8_t *)name, sizeof name);
		X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, octets);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
		ASN1_OCTET_STRING_free(octets);
	}
	X509_sign(x, sub_key, EVP_sha256());
	sam_auto(sam_free) char *text = pem_of(x, NULL);
	refused_text(text, "16,384");
	X509_free(x);
}
END_TEST

START_TEST(names_beyond_the_bound_are_refused)
{
	struct maker m = ee_maker();
	X509 *x = make(&m);
	for (int i = 0; i < 20; i++)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "OU", MBSTRING_ASC,
					   (const uint8_t *)"0123456789012345678901234567890123456789012345678901234567890", -1, -1, 0);
	X509_sign(x, sub_key, EVP_sha256());
	sam_auto(sam_free) char *text = pem_of(x, NULL);
	refused_text(text, "1,023");
	X509_free(x);
}
END_TEST

START_TEST(negative_and_long_serials_are_refused)
{
	struct maker m = ee_maker();
	X509 *x = make(&m);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x), -5);
	X509_sign(x, sub_key, EVP_sha256());
	sam_auto(sam_free) char *negative = pem_of(x, NULL);
	refused_text(negative, "serial");
	BIGNUM *n = BN_new();
	BN_lshift(n, BN_value_one(), 160);
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	X509_sign(x, sub_key, EVP_sha256());
	sam_auto(sam_free) char *long_one = pem_of(x, NULL);
	refused_text(long_one, "serial");
	BN_free(n);
	X509_free(x);
}
END_TEST

/* ---- verifying ---- */

START_TEST(path_to_the_root_or_an_intermediate_is_found)
{
	ck_assert_msg(verify_at(ee, root, NOW) == SAM_OK, "%s", msg.text);
	ck_assert_msg(verify_at(ee, sub, NOW) == SAM_OK, "%s", msg.text);
}
END_TEST

START_TEST(without_the_intermediate_there_is_no_path)
{
	sam_auto(sam_free) char *text = pem_of(ee, NULL);
	uint8_t der[4096], *p = der;
	const struct sam_x509_ca ca = {der, (size_t)i2d_X509(root, &p)};
	ck_assert_int_eq(read_text(text), SAM_OK);
	ck_assert_int_eq(sam_x509_verify(&x509, &ca, 1, NOW, &msg), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "unable to get"));
	ck_assert_int_eq(sam_x509_verify(&x509, &ca, 0, NOW, &msg), SAM_CERTIFICATE);
}
END_TEST

START_TEST(one_of_several_cas_is_enough_and_a_broken_one_is_named)
{
	struct maker m = root_maker();
	m.subject = m.issuer = "Other";
	m.key = m.by = ee_key;
	X509 *other = make(&m);
	uint8_t a[4096], b[4096], *p = a, *q = b;
	size_t a_len = (size_t)i2d_X509(other, &p), b_len = (size_t)i2d_X509(root, &q);
	const struct sam_x509_ca cas[] = {{a, a_len}, {b, b_len}, {b, b_len - 1}};
	sam_auto(sam_free) char *text = pem_of(ee, sub, NULL);
	ck_assert_int_eq(read_text(text), SAM_OK);
	ck_assert_int_eq(sam_x509_verify(&x509, cas, 2, NOW, &msg), SAM_OK);
	ck_assert_int_eq(sam_x509_verify(&x509, cas, 3, NOW, &msg), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "number 3"));
	X509_free(other);
}
END_TEST

START_TEST(another_ca_of_the_same_name_is_refused)
{
	struct maker m = root_maker();
	m.key = m.by = ee_key;
	X509 *other = make(&m);
	ck_assert_int_eq(verify_at(ee, other, NOW), SAM_CERTIFICATE);
	X509_free(other);
}
END_TEST

START_TEST(validity_has_both_ends)
{
	ck_assert_int_eq(verify_at(ee, root, NOW - DAY - 1), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "not yet valid"));
	ck_assert_int_eq(verify_at(ee, root, NOW - DAY), SAM_OK);
	ck_assert_int_eq(verify_at(ee, root, NOW + DAY - 1), SAM_OK);
	ck_assert_int_eq(verify_at(ee, root, NOW + DAY + 1), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "expired"));
	ck_assert(sam_x509_valid(5, 7, 5) && sam_x509_valid(5, 7, 7));
	ck_assert(!sam_x509_valid(5, 7, 4) && !sam_x509_valid(5, 7, 8));
}
END_TEST

START_TEST(an_expired_ca_on_the_path_is_refused)
{
	struct maker m = sub_maker();
	X509 *before = sub;
	m.to = NOW - 1;
	sub = make(&m);
	ck_assert_int_eq(verify_at(ee, root, NOW), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "expired (at CN=Sub)"));
	X509_free(before);
}
END_TEST

START_TEST(a_ca_is_no_signer)
{
	struct maker m = ee_maker();
	m.basic = "critical,CA:TRUE";
	refused(&m, "CA's certificate");
	m.basic = "CA:FALSE";
	m.usage = "critical,digitalSignature,keyCertSign";
	refused(&m, "CA's certificate");
	ck_assert_int_eq(verify_at(root, root, NOW), SAM_CERTIFICATE);
}
END_TEST

START_TEST(key_usage_must_let_it_sign)
{
	struct maker m = ee_maker();
	m.usage = "critical,keyEncipherment";
	refused(&m, "keyUsage");
	static const char *const good[] = {"digitalSignature", "nonRepudiation,keyEncipherment", NULL};
	for (size_t i = 0; i < 3; i++) {
		m.usage = good[i];
		X509 *x = make(&m);
		ck_assert_int_eq(verify_at(x, root, NOW), SAM_OK);
		X509_free(x);
	}
}
END_TEST

START_TEST(the_certificate_itself_is_no_anchor)
{
	ck_assert_int_eq(verify_at(ee, ee, NOW), SAM_CERTIFICATE);
	struct maker m = ee_maker();
	m.issuer = m.subject;
	m.by = ee_key;
	X509 *self = make(&m);
	ck_assert_int_eq(verify_at(self, self, NOW), SAM_CERTIFICATE);
	ck_assert_int_eq(verify_at(self, root, NOW), SAM_CERTIFICATE);
	X509_free(self);
}
END_TEST

static void sub_refused(const struct maker *m, X509 *anchor, const char *why)
{
	X509 *before = sub;
	sub = make(m);
	ck_assert_int_eq(verify_at(ee, anchor ? anchor : sub, NOW), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s", msg.text);
	X509_free(sub);
	sub = before;
}

START_TEST(who_is_no_ca_issues_nothing)
{
	struct maker m = sub_maker();
	m.basic = "CA:FALSE";
	m.usage = NULL;
	sub_refused(&m, root, "invalid CA");
	sub_refused(&m, NULL, "is no CA"); /* configured, and no CA for that */
	m.basic = NULL;
	m.usage = "critical,keyCertSign";
	sub_refused(&m, root, "invalid CA");
	sub_refused(&m, NULL, "is no CA"); /* OpenSSL alone would take it */
	m = sub_maker();
	m.usage = "critical,cRLSign";
	sub_refused(&m, root, "invalid CA");
	sub_refused(&m, NULL, "is no CA");
}
END_TEST

START_TEST(a_root_of_version_1_is_refused)
{
	struct maker m = root_maker();
	m.version = 1;
	m.basic = m.usage = NULL;
	X509 *old = make(&m);
	ck_assert_int_eq(verify_at(ee, old, NOW), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, "basicConstraints") != NULL, "%s", msg.text);
	X509_free(old);
}
END_TEST

START_TEST(path_length_and_name_constraints_count)
{
	struct maker m = root_maker();
	m.basic = "critical,CA:TRUE,pathlen:0";
	X509 *before = root;
	root = make(&m);
	ck_assert_int_eq(verify_at(ee, root, NOW), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, "path length") != NULL, "%s", msg.text);
	X509_free(before);
	m = sub_maker();
	m.by = root_key;
	m.other = "critical,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:.example";
	struct maker e = ee_maker();
	X509 *was = sub;
	sub = make(&m);
	X509 *x = make(&e);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "emailAddress", MBSTRING_ASC, (const uint8_t *)"a@b.example",
				   -1, -1, 0);
	X509_sign(x, sub_key, EVP_sha256());
	ck_assert_int_eq(verify_at(x, sub, NOW), SAM_CERTIFICATE);
	ck_assert_msg(strstr(msg.text, "subtree") != NULL, "%s", msg.text);
	X509_free(x);
	X509_free(was);
}
END_TEST

static void add_unknown(X509 *x, int critical, EVP_PKEY *by)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("2.25.1.2.3", 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(octets, (const uint8_t *)"\x05", 2);
	X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, octets);
	X509_add_ext(x, e, -1);
	X509_sign(x, by, EVP_sha256());
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(oid);
}

START_TEST(critical_extensions_that_are_unknown_refuse)
{
	struct maker m = ee_maker();
	X509 *x = make(&m), *y = make(&m);
	add_unknown(x, 0, sub_key);
	ck_assert_msg(verify_at(x, root, NOW) == SAM_OK, "%s", msg.text);
	add_unknown(y, 1, sub_key);
	ck_assert_int_eq(verify_at(y, root, NOW), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "critical"));
	X509_free(x);
	X509_free(y);
	add_unknown(sub, 1, root_key);
	ck_assert_int_eq(verify_at(ee, root, NOW), SAM_CERTIFICATE);
}
END_TEST

START_TEST(weak_keys_and_hashes_are_refused)
{
	struct maker m = ee_maker();
	m.hash = "sha1";
	refused(&m, "too weak");
	m.hash = "sha256";
	m.key = weak_key;
	refused(&m, "key too weak");
}
END_TEST

START_TEST(a_changed_signature_is_refused)
{
	uint8_t der[4096], *p = der;
	int len = i2d_X509(ee, &p);
	der[len - 1] ^= 1;
	const uint8_t *q = der;
	X509 *x = d2i_X509(NULL, &q, len);
	ck_assert_int_eq(verify_at(x, root, NOW), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(msg.text, "signature failure"));
	X509_free(x);
}
END_TEST

/* Our answer is openssl's, where openssl has the same rules. */
START_TEST(openssl_verify_agrees)
{
	char out[1024], path[] = "/tmp/test_x509_ca.XXXXXX", command[256];
	sam_auto(sam_free) char *chain = pem_of(ee, sub, NULL), *anchor = pem_of(root, NULL);
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, anchor, strlen(anchor)), (ssize_t)strlen(anchor));
	close(fd);
	snprintf(command, sizeof command, "openssl verify -attime %lld -auth_level 2 -no-CApath -CAfile %s -untrusted %%1$s %%1$s",
		 (long long)NOW, path);
	output_of(command, chain, out, sizeof out);
	ck_assert_ptr_nonnull(strstr(out, ": OK"));
	unlink(path);
}
END_TEST

START_TEST(the_error_queue_is_left_as_found)
{
	ERR_raise(ERR_LIB_USER, 1);
	ck_assert_int_eq(read_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), SAM_CERTIFICATE);
	ck_assert_int_eq(ERR_GET_LIB(ERR_peek_last_error()), ERR_LIB_USER);
	ERR_clear_error();
}
END_TEST

START_TEST(nothing_is_fetched_from_the_default_context)
{
	OSSL_LIB_CTX *empty = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *none = OSSL_PROVIDER_load(empty, "null"); /* and then no other by itself */
	ck_assert_ptr_nonnull(none);
	OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(empty);
	ck_assert_ptr_null(EVP_MD_fetch(NULL, "SHA256", NULL));
	ERR_clear_error();
	ck_assert_msg(verify_at(ee, root, NOW) == SAM_OK, "%s", msg.text);
	OSSL_LIB_CTX_set0_default(before);
	OSSL_PROVIDER_unload(none);
	OSSL_LIB_CTX_free(empty);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("x509");
	TCase *t = tcase_create("x509");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, facts_are_what_openssl_prints);
	tcase_add_test(t, key_and_its_hash_are_those_of_openssl);
	tcase_add_test(t, der_is_read_and_nothing_behind_it);
	tcase_add_test(t, ber_around_a_certificate_is_no_der);
	tcase_add_test(t, eight_others_are_read_and_nine_are_not);
	tcase_add_test(t, text_stands_before_and_not_behind);
	tcase_add_test(t, garbage_and_keys_are_no_certificates);
	tcase_add_test(t, huge_files_and_certificates_are_refused);
	tcase_add_test(t, names_beyond_the_bound_are_refused);
	tcase_add_test(t, negative_and_long_serials_are_refused);
	tcase_add_test(t, path_to_the_root_or_an_intermediate_is_found);
	tcase_add_test(t, without_the_intermediate_there_is_no_path);
	tcase_add_test(t, one_of_several_cas_is_enough_and_a_broken_one_is_named);
	tcase_add_test(t, another_ca_of_the_same_name_is_refused);
	tcase_add_test(t, validity_has_both_ends);
	tcase_add_test(t, an_expired_ca_on_the_path_is_refused);
	tcase_add_test(t, a_ca_is_no_signer);
	tcase_add_test(t, key_usage_must_let_it_sign);
	tcase_add_test(t, the_certificate_itself_is_no_anchor);
	tcase_add_test(t, who_is_no_ca_issues_nothing);
	tcase_add_test(t, a_root_of_version_1_is_refused);
	tcase_add_test(t, path_length_and_name_constraints_count);
	tcase_add_test(t, critical_extensions_that_are_unknown_refuse);
	tcase_add_test(t, weak_keys_and_hashes_are_refused);
	tcase_add_test(t, a_changed_signature_is_refused);
	tcase_add_test(t, openssl_verify_agrees);
	tcase_add_test(t, the_error_queue_is_left_as_found);
	tcase_add_test(t, nothing_is_fetched_from_the_default_context);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
