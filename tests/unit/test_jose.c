/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jose.h: compact JWS taken apart strictly, keys read strictly, signatures verified for the right
 * algorithm only.
 */
#include "unit.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/rsa.h>
#include "base/encode.h"
#include "sap/jose.h"

static json_t *json_of(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	ck_assert_ptr_nonnull(json);
	return json;
}

/* header.payload.signature of three texts, unsigned */
static char *compact(const char *header, const char *payload, const char *signature)
{
	size_t size = 2 * (strlen(header) + strlen(payload) + strlen(signature)) + 16;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	size_t n = sam_encode_b64url(header, strlen(header), text);
	text[n++] = '.';
	n += sam_encode_b64url(payload, strlen(payload), text + n);
	text[n++] = '.';
	sam_encode_b64url(signature, strlen(signature), text + n);
	return text;
}

static enum sam_reason parse(const char *text)
{
	struct sam_jws jws;
	enum sam_reason reason = sam_jose_parse(text, strlen(text), &jws);
	sam_jose_clear(&jws);
	return reason;
}

static enum sam_reason verify(const char *text, EVP_PKEY *pkey, enum sam_jws_alg alg)
{
	struct sam_jws jws;
	enum sam_reason reason = sam_jose_parse(text, strlen(text), &jws);
	if (reason == SAM_OK)
		reason = sam_jose_verify(&jws, pkey, alg);
	sam_jose_clear(&jws);
	return reason;
}

/* ---- signing and verifying ---- */

struct key {
	json_t *private;
	EVP_PKEY *pkey;
	struct sam_jwk public;
};

/* RSA keys take long to make: two for all tests, made once in the parent */
static json_t *rsa_keys[2];

static void make_rsa_keys(void)
{
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(sam_jose_generate(i ? SAM_JWS_RS512 : SAM_JWS_PS256, &rsa_keys[i]),
				 SAM_OK);
}

static void free_rsa_keys(void)
{
	sam_jose_private_free(rsa_keys[0]);
	sam_jose_private_free(rsa_keys[1]);
}

static struct key new_key(enum sam_jws_alg alg)
{
	static size_t turn;
	struct key key;
	struct sam_msg msg = {""};
	if (sam_jws_name(alg)[0] == 'P' || sam_jws_name(alg)[0] == 'R') {
		key.private = json_deep_copy(rsa_keys[turn++ % 2]);
		ck_assert_int_eq(
			json_object_set_new(key.private, "alg", json_string(sam_jws_name(alg))), 0);
	} else {
		ck_assert_int_eq(sam_jose_generate(alg, &key.private), SAM_OK);
	}
	ck_assert_msg(sam_jose_private(key.private, &key.pkey, &msg) == SAM_OK, "%s", msg.text);
	json_t *public = sam_jose_jwk_public(key.private);
	ck_assert_ptr_nonnull(public);
	ck_assert_ptr_null(json_object_get(public, "d"));
	ck_assert_int_eq(sam_jose_jwk(public, &key.public, &msg), SAM_OK);
	ck_assert_int_eq(key.public.alg, alg);
	json_decref(public);
	return key;
}

static void free_key(struct key *key)
{
	sam_jose_private_free(key->private);
	EVP_PKEY_free(key->pkey);
	sam_jose_jwk_clear(&key->public);
}

static char *sign(struct key *key, enum sam_jws_alg alg, const char *payload)
{
	sam_auto(json_decref) json_t *header = json_of("{\"typ\":\"sad+jwt\"}");
	char *text;
	ck_assert_int_eq(sam_jose_sign(header, payload, strlen(payload), key->pkey, alg, &text),
			 SAM_OK);
	return text;
}

/* loop test: _i is the algorithm */
START_TEST(every_algorithm_signs_and_verifies)
{
	enum sam_jws_alg alg = (enum sam_jws_alg)_i;
	struct key key = new_key(alg);
	sam_auto(sam_free) char *text = sign(&key, alg, "{\"a\":1}");
	struct sam_jws jws;
	ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_OK);
	ck_assert_int_eq(jws.alg, alg);
	ck_assert_str_eq((const char *)jws.payload, "{\"a\":1}");
	ck_assert_str_eq(json_string_value(json_object_get(jws.header, "typ")), "sad+jwt");
	ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, alg), SAM_OK);
	ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, SAM_JWS_NONE), SAM_OK);
	jws.signature[jws.signature_len / 2] ^= 1;
	ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, alg), SAM_SAD_SIGNATURE);
	sam_jose_clear(&jws);
	free_key(&key);
}
END_TEST

START_TEST(changed_payload_is_refused)
{
	enum sam_jws_alg alg = (enum sam_jws_alg)_i;
	struct key key = new_key(alg);
	sam_auto(sam_free) char *text = sign(&key, alg, "{\"a\":1}");
	char *dot = strchr(text, '.');
	dot[4] = dot[4] == 'h' ? 'i' : 'h';
	ck_assert_int_eq(verify(text, key.public.pkey, alg), SAM_SAD_SIGNATURE);
	free_key(&key);
}
END_TEST

START_TEST(signature_of_another_key_is_refused)
{
	enum sam_jws_alg alg = (enum sam_jws_alg)_i;
	struct key key = new_key(alg), other = new_key(alg);
	sam_auto(sam_free) char *text = sign(&other, alg, "{\"a\":1}");
	ck_assert_int_eq(verify(text, key.public.pkey, alg), SAM_SAD_SIGNATURE);
	ck_assert_str_ne(key.public.thumbprint, other.public.thumbprint);
	free_key(&key);
	free_key(&other);
}
END_TEST

START_TEST(cut_signature_is_told_apart_from_a_wrong_one)
{
	static const enum sam_jws_alg algs[] = {SAM_JWS_ES256, SAM_JWS_ES512, SAM_JWS_PS256,
						SAM_JWS_EDDSA};
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		struct key key = new_key(algs[i]);
		sam_auto(sam_free) char *text = sign(&key, algs[i], "{}");
		struct sam_jws jws;
		ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_OK);
		jws.signature_len--;
		ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, algs[i]),
				 SAM_SAD_TRUNCATED);
		jws.signature_len += 2;
		ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, algs[i]),
				 SAM_SAD_SIGNATURE);
		sam_jose_clear(&jws);
		free_key(&key);
	}
}
END_TEST

START_TEST(algorithm_of_the_key_decides)
{
	struct key ec = new_key(SAM_JWS_ES256), rsa = new_key(SAM_JWS_PS256);
	sam_auto(sam_free) char *es256 = sign(&ec, SAM_JWS_ES256, "{}");
	sam_auto(sam_free) char *ps256 = sign(&rsa, SAM_JWS_PS256, "{}");
	sam_auto(sam_free) char *rs256 = sign(&rsa, SAM_JWS_RS256, "{}");
	ck_assert_int_eq(verify(es256, ec.public.pkey, SAM_JWS_ES384), SAM_SAD_ALGORITHM);
	ck_assert_int_eq(verify(es256, rsa.public.pkey, SAM_JWS_NONE), SAM_SAD_ALGORITHM);
	ck_assert_int_eq(verify(ps256, ec.public.pkey, SAM_JWS_NONE), SAM_SAD_ALGORITHM);
	ck_assert_int_eq(verify(rs256, rsa.public.pkey, SAM_JWS_PS256), SAM_SAD_ALGORITHM);
	/* a key without `alg` takes what fits its type */
	ck_assert_int_eq(verify(rs256, rsa.public.pkey, SAM_JWS_NONE), SAM_OK);
	ck_assert_int_eq(verify(ps256, rsa.public.pkey, SAM_JWS_NONE), SAM_OK);
	free_key(&ec);
	free_key(&rsa);
}
END_TEST

START_TEST(curve_of_the_key_decides)
{
	struct key p256 = new_key(SAM_JWS_ES256), p384 = new_key(SAM_JWS_ES384);
	sam_auto(sam_free) char *text = sign(&p384, SAM_JWS_ES384, "{}");
	ck_assert_int_eq(verify(text, p256.public.pkey, SAM_JWS_NONE), SAM_SAD_ALGORITHM);
	char *out;
	ck_assert_int_eq(sam_jose_sign_text("{}", "", 0, p256.pkey, SAM_JWS_ES384, &out),
			 SAM_SAD_ALGORITHM);
	ck_assert_ptr_null(out);
	free_key(&p256);
	free_key(&p384);
}
END_TEST

/* PS256 with a salt of another length than the hash's is no PS256. */
START_TEST(pss_salt_of_another_length_is_refused)
{
	struct key key = new_key(SAM_JWS_PS256);
	sam_auto(sam_free) char *text = sign(&key, SAM_JWS_PS256, "{}");
	struct sam_jws jws;
	ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_OK);
	uint8_t hash[32];
	ck_assert_int_eq(
		sam_ossl_digest(SAM_HASH_SHA256, jws.signing_input, jws.signing_input_len, hash),
		SAM_OK);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), key.pkey, NULL);
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_signature_md(ctx, sam_ossl_md(SAM_HASH_SHA256)), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 20), 1);
	size_t len = sizeof jws.signature;
	ck_assert_int_eq(EVP_PKEY_sign(ctx, jws.signature, &len, hash, sizeof hash), 1);
	EVP_PKEY_CTX_free(ctx);
	ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, SAM_JWS_PS256), SAM_SAD_SIGNATURE);
	sam_jose_clear(&jws);
	free_key(&key);
}
END_TEST

/* (r, n - s) verifies as well: why a SAD is known by (iss, jti), never by its text. */
START_TEST(other_ecdsa_s_verifies_with_other_text)
{
	static const char order[] =
		"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
	struct key key = new_key(SAM_JWS_ES256);
	sam_auto(sam_free) char *text = sign(&key, SAM_JWS_ES256, "{}");
	struct sam_jws jws;
	ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_OK);
	BIGNUM *n = NULL, *s = BN_bin2bn(jws.signature + 32, 32, NULL);
	BN_hex2bn(&n, order);
	ck_assert_int_eq(BN_sub(s, n, s), 1);
	ck_assert_int_eq(BN_bn2binpad(s, jws.signature + 32, 32), 32);
	ck_assert_int_eq(sam_jose_verify(&jws, key.public.pkey, SAM_JWS_ES256), SAM_OK);
	BN_free(n);
	BN_free(s);
	sam_jose_clear(&jws);
	free_key(&key);
}
END_TEST

/* ---- parsing ---- */

START_TEST(header_members_that_choose_the_key_are_refused)
{
	static const char *const members[] = {
		"\"jwk\":{}",          "\"jku\":\"https://x\"", "\"x5u\":\"https://x\"",
		"\"crit\":[\"exp\"]",  "\"crit\":[]",           "\"b64\":false",
		"\"b64\":true",        "\"zip\":\"DEF\"",       "\"epk\":{}",
		"\"enc\":\"A256GCM\"", "\"jwk\":null",
	};
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		char header[128];
		snprintf(header, sizeof header, "{\"alg\":\"ES256\",%s}", members[i]);
		sam_auto(sam_free) char *text = compact(header, "{}", "s");
		ck_assert_msg(parse(text) == SAM_SAD_HEADER, "%s", members[i]);
	}
}
END_TEST

START_TEST(unknown_header_members_are_ignored)
{
	sam_auto(sam_free) char *text = compact("{\"alg\":\"ES256\",\"cty\":\"x\",\"x5c\":[\"AA\"],"
						"\"x5t\":\"a\",\"kid\":1,\"p\":{}}",
						"", "s");
	ck_assert_int_eq(parse(text), SAM_OK);
}
END_TEST

START_TEST(foreign_algorithms_are_refused)
{
	static const char *const algs[] = {"none",   "None",    "NONE",   "HS256",  "HS384",
					   "HS512",  "es256",   "ES256K", "ES521",  "RS1",
					   "RSA1_5", "Ed25519", "",       "ES256 ", "dir"};
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		char header[64];
		snprintf(header, sizeof header, "{\"alg\":\"%s\"}", algs[i]);
		sam_auto(sam_free) char *text = compact(header, "{}", "s");
		ck_assert_msg(parse(text) == SAM_SAD_ALGORITHM, "%s", algs[i]);
		*(strrchr(text, '.') + 1) = '\0'; /* also with an empty signature */
		ck_assert_msg(parse(text) == SAM_SAD_ALGORITHM, "%s", algs[i]);
	}
}
END_TEST

START_TEST(header_without_algorithm_is_refused)
{
	static const char *const headers[] = {"{}", "{\"alg\":null}", "{\"alg\":1}",
					      "{\"alg\":[\"ES256\"]}", "{\"Alg\":\"ES256\"}"};
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		sam_auto(sam_free) char *text = compact(headers[i], "{}", "s");
		ck_assert_msg(parse(text) == SAM_SAD_HEADER, "%s", headers[i]);
	}
}
END_TEST

START_TEST(malformed_headers_are_refused)
{
	static const char *const headers[] = {
		"",
		"null",
		"\"ES256\"",
		"[\"alg\"]",
		"{\"alg\":\"ES256\"",
		"{\"alg\":\"ES256\"}x",
		"{\"alg\":\"ES256\"}{}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
		"{\"alg\":\"none\",\"alg\":\"ES256\"}",
		"{'alg':'ES256'}",
		"{\"alg\":\"ES256\",}",
		"\xef\xbb\xbf{\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"a\":\"\xff\"}",
		"{\"alg\":\"ES256\",\"a\":\"\\u0000\"}",
		"{\"alg\":\"ES256\",\"a\":[[[[[[[[1]]]]]]]]}",
	};
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		sam_auto(sam_free) char *text = compact(headers[i], "{}", "s");
		ck_assert_msg(parse(text) == SAM_SAD_MALFORMED, "%s", headers[i]);
	}
}
END_TEST

START_TEST(malformed_compact_forms_are_refused)
{
	/* eyJhbGciOiJFUzI1NiJ9 is {"alg":"ES256"} */
	static const char *const texts[] = {
		"",
		".",
		"..",
		"...",
		"eyJhbGciOiJFUzI1NiJ9",
		"eyJhbGciOiJFUzI1NiJ9.",
		"eyJhbGciOiJFUzI1NiJ9.e30",
		"eyJhbGciOiJFUzI1NiJ9.e30.",
		"eyJhbGciOiJFUzI1NiJ9..",
		".e30.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA.",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30=.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AA==",
		"eyJhbGciOiJFUzI1NiJ9 .e30.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30\n.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n",
		"eyJhbGciOiJFUzI1NiJ9.e30.AA+A",
		"eyJhbGciOiJFUzI1NiJ9.e30.AA/A",
		"eyJhbGciOiJFUzI1NiJ9.e3.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAB",
		"eyJhbGciOiJFUzI1NiJ9.e30.A",
		"eyJhbGciOiJFUzI1NiJ.e30.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e31.AAAA",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ck_assert_msg(parse(texts[i]) == SAM_SAD_MALFORMED, "%s", texts[i]);
	struct sam_jws jws;
	ck_assert_int_eq(sam_jose_parse(NULL, 0, &jws), SAM_SAD_MALFORMED);
	sam_jose_clear(&jws);
	ck_assert_int_eq(sam_jose_parse("eyJhbGciOiJFUzI1NiJ9.e30.AA\0A", 29, &jws),
			 SAM_SAD_MALFORMED);
	sam_jose_clear(&jws);
}
END_TEST

START_TEST(lengths_are_bounded)
{
	size_t size = SAM_JWS_MAX + 1;
	sam_auto(sam_free) char *text = malloc(size + 1);
	static const char head[] = "eyJhbGciOiJFUzI1NiJ9.", tail[] = ".AAAA";
	memset(text, 'A', size);
	memcpy(text, head, strlen(head));
	size_t len = SAM_JWS_MAX;
	ck_assert_uint_ne((len - strlen(head) - strlen(tail)) % 4, 1); /* else it is no base64url */
	memcpy(text + len - strlen(tail), tail, strlen(tail) + 1);
	struct sam_jws jws;
	enum sam_reason reason = sam_jose_parse(text, len, &jws);
	ck_assert_int_eq(reason, SAM_OK);
	sam_jose_clear(&jws);
	text[len] = 'A';
	ck_assert_int_eq(sam_jose_parse(text, size, &jws), SAM_SAD_MALFORMED);
	sam_jose_clear(&jws);
	/* a signature of 1,025 bytes */
	memset(text + strlen(head), 'A', 2000);
	text[strlen(head) + 4] = '.';
	ck_assert_int_eq(sam_jose_parse(text, strlen(head) + 5 + 1367, &jws), SAM_SAD_MALFORMED);
	sam_jose_clear(&jws);
	/* a header of 8,193 bytes */
	memset(text, 'A', 20000);
	memcpy(text + 10924, ".e30.AAAA", 10);
	ck_assert_int_eq(sam_jose_parse(text, strlen(text), &jws), SAM_SAD_MALFORMED);
	sam_jose_clear(&jws);
}
END_TEST

START_TEST(json_is_read_strictly)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[]",
		"1",
		"null",
		"{}{}",
		"{} x",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"{\"a\":01}",
		"{\"a\":9223372036854775808}",
		"{\"a\":-9223372036854775809}",
		"{\"a\":1e999}",
		"{\"a\":NaN}",
		"{a:1}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":1,}",
		"/**/{}",
		"{\"\\u0000\":1}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(sam_jose_json(bad[i], strlen(bad[i])) == NULL, "%s", bad[i]);
	ck_assert_ptr_null(sam_jose_json("{}\0", 3));
	static const char *const good[] = {
		"{}",
		" {\r\n\t} ",
		"{\"a\":\"[[[[[[[[[[{{{{{{\"}",
		"{\"a\":\"\\\"[[[[[[[[[[\\\\\"}",
		"{\"a\":9007199254740993}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}",
		"{\"a\":[],\"b\":[],\"c\":[],\"d\":[],\"e\":[],\"f\":[],\"g\":[],\"h\":[]}",
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		json_t *json = sam_jose_json(good[i], strlen(good[i]));
		ck_assert_msg(json != NULL, "%s", good[i]);
		json_decref(json);
	}
}
END_TEST

/* ---- keys ---- */

#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define ED_KEY                                                                                     \
	"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"                               \
	"7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
/* the key of RFC 7638 section 3.1 */
#define RSA_N                                                                                      \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
	"BJECPebWKRXjBZCiFV4n3oknjhMs"                                                             \
	"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"                             \
	"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"                     \
	"SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"        \
	"kEgU8awapJzKnqDKgw"
#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""

static enum sam_reason read_jwk(const char *text, struct sam_jwk *jwk)
{
	sam_auto(json_decref) json_t *json = json_of(text);
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_jose_jwk(json, jwk, &msg);
	ck_assert_msg((reason == SAM_OK) == (msg.text[0] == '\0'), "%s: '%s'", text, msg.text);
	return reason;
}

START_TEST(thumbprints_are_those_of_the_standards)
{
	static const char *const keys[][2] = {
		{"{" RSA_KEY ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
		 "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"{" ED_KEY "}", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}, /* RFC 8037 A.3 */
		{"{\"y\":\"" EC_Y "\",\"x\":\"" EC_X "\",\"crv\":\"P-256\",\"kty\":\"EC\"}",
		 "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"},
	};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct sam_jwk jwk;
		ck_assert_int_eq(read_jwk(keys[i][0], &jwk), SAM_OK);
		ck_assert_str_eq(jwk.thumbprint, keys[i][1]);
		sam_jose_jwk_clear(&jwk);
	}
}
END_TEST

START_TEST(keys_say_what_they_are_for)
{
	static const struct {
		const char *text;
		enum sam_jws_alg alg;
	} keys[] = {
		{"{" EC_KEY "}", SAM_JWS_ES256},
		{"{" EC_KEY ",\"use\":\"sig\",\"alg\":\"ES256\"}", SAM_JWS_ES256},
		{"{" EC_KEY ",\"key_ops\":[\"verify\"]}", SAM_JWS_ES256},
		{"{" EC_KEY ",\"key_ops\":[\"sign\",\"verify\"]}", SAM_JWS_ES256},
		{"{" EC_KEY ",\"d\":\"" EC_D "\",\"key_ops\":[\"sign\"]}", SAM_JWS_ES256},
		{"{" ED_KEY "}", SAM_JWS_EDDSA},
		{"{" RSA_KEY "}", SAM_JWS_NONE},
		{"{" RSA_KEY ",\"alg\":\"PS384\"}", SAM_JWS_PS384},
		{"{" RSA_KEY ",\"x5c\":[],\"x5t#S256\":\"a\",\"kid\":5}", SAM_JWS_NONE},
	};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct sam_jwk jwk;
		ck_assert_msg(read_jwk(keys[i].text, &jwk) == SAM_OK, "%s", keys[i].text);
		ck_assert_int_eq(jwk.alg, keys[i].alg);
		sam_jose_jwk_clear(&jwk);
	}
}
END_TEST

START_TEST(keys_that_are_none_are_refused)
{
	static const char *const keys[] = {
		"{}",
		"[]",
		"1",
		"{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		"{\"kty\":1}",
		"{\"kty\":\"ec\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\"}",
		"{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		/* not on the curve; x and y changed places; too short, padded, too long, standard
		   alphabet */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "=\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA" EC_X "\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X
		"\",\"y\":\"x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		/* the point (0, 0) */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		/* what it is for */
		"{" EC_KEY ",\"use\":\"enc\"}",
		"{" EC_KEY ",\"use\":1}",
		"{" EC_KEY ",\"key_ops\":[\"deriveKey\"]}",
		"{" EC_KEY ",\"key_ops\":[]}",
		"{" EC_KEY ",\"key_ops\":\"verify\"}",
		"{" EC_KEY ",\"key_ops\":[\"verify\",1]}",
		"{" EC_KEY ",\"key_ops\":[\"sign\"]}",
		"{" EC_KEY ",\"d\":\"" EC_D "\",\"key_ops\":[\"verify\"]}",
		"{" EC_KEY ",\"alg\":\"ES384\"}",
		"{" EC_KEY ",\"alg\":\"RS256\"}",
		"{" EC_KEY ",\"alg\":\"ECDH-ES\"}",
		"{" EC_KEY ",\"alg\":1}",
		"{" RSA_KEY ",\"alg\":\"ES256\"}",
		"{" RSA_KEY ",\"alg\":\"RSA-OAEP\"}",
		"{" RSA_KEY ",\"alg\":\"HS256\"}",
		"{" ED_KEY ",\"alg\":\"ES256\"}",
		"{" ED_KEY ",\"alg\":\"ES512\"}",
		/* RSA */
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}",
		"{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Ag\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":65537}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"AA" RSA_N "\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"rJBIp6T1YK-RtPyvYqFFlcucqewSAA_"
		"IReSFchE8qyiQrbARqRlXWkB2DR8j_pJQnIpYELbQWZC5Cd0PTGAU8rMbar2"
		"AW6zpmBbi7aQf17lUBdt8XI9M9rq7FPVQ1dDdUXm1SVH_"
		"9qqWhvMPR422SbfHBEzCAtzK0ANDRo6qz78\",\"e\":\"AQAB\"}",
		/* Ed25519 */
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" EC_X "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" EC_X "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
	};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct sam_jwk jwk;
		ck_assert_msg(read_jwk(keys[i], &jwk) == SAM_SAD_KEY_UNKNOWN, "%s", keys[i]);
		ck_assert_ptr_null(jwk.pkey);
		sam_auto(json_decref) json_t *json = json_of(keys[i]);
		ck_assert_ptr_null(sam_jose_jwk_public(json));
	}
}
END_TEST

/* y of the points of order 1, 2, 4, 8 and what lies beyond the prime, with either sign bit. */
START_TEST(ed25519_keys_of_small_order_are_refused)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	};
	for (size_t i = 0; i < 2 * sizeof points / sizeof points[0]; i++) {
		uint8_t x[32];
		size_t len;
		char b64[44], text[128];
		ck_assert(sam_decode_hex(points[i / 2], 64, x, sizeof x, &len));
		x[31] |= i % 2 ? 0x80 : 0;
		sam_encode_b64url(x, sizeof x, b64);
		snprintf(text, sizeof text, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
			 b64);
		struct sam_jwk jwk;
		ck_assert_msg(read_jwk(text, &jwk) == SAM_SAD_KEY_UNKNOWN, "%s", points[i / 2]);
	}
}
END_TEST

START_TEST(public_part_keeps_only_what_is_needed)
{
	sam_auto(json_decref)
		json_t *json = json_of("{\"kid\":\"k\",\"alg\":\"ES256\",\"d\":\"" EC_D
				       "\",\"key_ops\":[\"sign\"]," EC_KEY "}");
	sam_auto(json_decref) json_t *public = sam_jose_jwk_public(json);
	ck_assert_ptr_nonnull(public);
	sam_auto(sam_free) char *text = json_dumps(public, JSON_COMPACT);
	ck_assert_str_eq(text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
			       "\",\"alg\":\"ES256\"}");
}
END_TEST

static enum sam_reason read_private(const char *text)
{
	sam_auto(json_decref) json_t *json = json_of(text);
	EVP_PKEY *pkey;
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_jose_private(json, &pkey, &msg);
	ck_assert_int_eq(reason == SAM_OK, pkey != NULL);
	EVP_PKEY_free(pkey);
	return reason;
}

START_TEST(private_keys_must_fit_their_public_part)
{
	ck_assert_int_eq(read_private("{" EC_KEY ",\"d\":\"" EC_D "\"}"), SAM_OK);
	ck_assert_int_eq(
		read_private("{" ED_KEY ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}"),
		SAM_OK);
	static const char *const bad[] = {
		"{" EC_KEY "}",
		"{" EC_KEY ",\"d\":1}",
		"{" EC_KEY ",\"d\":\"AAAA\"}",
		"{" EC_KEY ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{" EC_KEY ",\"d\":\"" EC_X "\"}",
		"{" ED_KEY ",\"d\":\"" EC_D "\"}",
		"{" ED_KEY ",\"d\":\"\"}",
		"{" RSA_KEY "}",
		"{" RSA_KEY ",\"d\":\"AQAB\"}",
		"{" RSA_KEY ",\"d\":\"AQAB\",\"p\":\"AQAB\",\"q\":\"AQAB\",\"dp\":\"AQAB\",\"dq\":"
			    "\"AQAB\",\"qi\":\"AQAB\"}",
		"{\"kty\":\"oct\",\"k\":\"AAAA\",\"d\":\"AAAA\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(read_private(bad[i]) == SAM_SAD_KEY_UNKNOWN, "%s", bad[i]);
}
END_TEST

START_TEST(nothing_is_generated_for_no_algorithm)
{
	json_t *jwk;
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_NONE, &jwk), SAM_SAD_ALGORITHM);
	ck_assert_ptr_null(jwk);
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ALGS, &jwk), SAM_SAD_ALGORITHM);
	sam_jose_private_free(NULL);
}
END_TEST

/* Only where it is asked for may a JWS bring its own key. */
START_TEST(key_in_the_header_is_for_enrolment_alone)
{
	static const struct {
		enum sam_reason plain, keyed;
		const char *header;
	} cases[] = {
		{SAM_SAD_HEADER, SAM_OK, "{\"alg\":\"ES256\",\"jwk\":{}}"},
		{SAM_OK, SAM_SAD_HEADER, "{\"alg\":\"ES256\"}"},
		{SAM_SAD_HEADER, SAM_SAD_HEADER, "{\"alg\":\"ES256\",\"jwk\":null}"},
		{SAM_SAD_HEADER, SAM_SAD_HEADER, "{\"alg\":\"ES256\",\"jwk\":\"x\"}"},
		{SAM_SAD_HEADER, SAM_SAD_HEADER, "{\"alg\":\"ES256\",\"jwk\":{},\"jku\":\"x\"}"},
		{SAM_SAD_HEADER, SAM_SAD_HEADER, "{\"alg\":\"ES256\",\"jwk\":{},\"crit\":[\"x\"]}"},
		{SAM_SAD_HEADER, SAM_SAD_ALGORITHM, "{\"alg\":\"HS256\",\"jwk\":{}}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sam_jws jws;
		sam_auto(sam_free) char *text = compact(cases[i].header, "{}", "signature");
		ck_assert_msg(parse(text) == cases[i].plain, "%s", cases[i].header);
		ck_assert_msg(sam_jose_parse_keyed(text, strlen(text), &jws) == cases[i].keyed, "%s", cases[i].header);
		sam_jose_clear(&jws);
	}
}
END_TEST

static Suite *jose_suite(void)
{
	Suite *suite = suite_create("jose");
	TCase *signing = tcase_create("signing"), *parsing = tcase_create("parsing"),
	      *keys = tcase_create("keys");
	tcase_set_timeout(signing, 120);
	tcase_add_unchecked_fixture(signing, make_rsa_keys, free_rsa_keys);
	tcase_add_loop_test(signing, every_algorithm_signs_and_verifies, SAM_JWS_ES256,
			    SAM_JWS_ALGS);
	tcase_add_loop_test(signing, changed_payload_is_refused, SAM_JWS_ES256, SAM_JWS_ALGS);
	tcase_add_loop_test(signing, signature_of_another_key_is_refused, SAM_JWS_ES256,
			    SAM_JWS_ALGS);
	tcase_add_test(signing, cut_signature_is_told_apart_from_a_wrong_one);
	tcase_add_test(signing, algorithm_of_the_key_decides);
	tcase_add_test(signing, curve_of_the_key_decides);
	tcase_add_test(signing, pss_salt_of_another_length_is_refused);
	tcase_add_test(signing, other_ecdsa_s_verifies_with_other_text);
	tcase_add_test(parsing, header_members_that_choose_the_key_are_refused);
	tcase_add_test(parsing, key_in_the_header_is_for_enrolment_alone);
	tcase_add_test(parsing, unknown_header_members_are_ignored);
	tcase_add_test(parsing, foreign_algorithms_are_refused);
	tcase_add_test(parsing, header_without_algorithm_is_refused);
	tcase_add_test(parsing, malformed_headers_are_refused);
	tcase_add_test(parsing, malformed_compact_forms_are_refused);
	tcase_add_test(parsing, lengths_are_bounded);
	tcase_add_test(parsing, json_is_read_strictly);
	tcase_add_test(keys, thumbprints_are_those_of_the_standards);
	tcase_add_test(keys, keys_say_what_they_are_for);
	tcase_add_test(keys, keys_that_are_none_are_refused);
	tcase_add_test(keys, ed25519_keys_of_small_order_are_refused);
	tcase_add_test(keys, public_part_keeps_only_what_is_needed);
	tcase_add_test(keys, private_keys_must_fit_their_public_part);
	tcase_add_test(keys, nothing_is_generated_for_no_algorithm);
	suite_add_tcase(suite, signing);
	suite_add_tcase(suite, parsing);
	suite_add_tcase(suite, keys);
	return suite;
}

SAM_UNIT_MAIN(jose_suite)
