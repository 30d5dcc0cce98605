/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jwe.h: what is encrypted comes out again, by its own key alone, and not a bit of it changed.
 */
#include "unit.h"

#include <string.h>
#include <openssl/rsa.h>
#include "base/encode.h"
#include "base/pkey.h"
#include "sap/jwe.h"

/* RFC 7518 appendix C: Bob's key (the recipient) and Alice's (ephemeral) */
#define BOB_PUBLIC                                                                                       \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\",\"y\":"  \
	"\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\""
#define BOB_PRIVATE BOB_PUBLIC ",\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\""
#define ALICE_PUBLIC                                                                                     \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\",\"y\":"  \
	"\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\""

static const char *const algorithms[] = {SAM_JWE_DIRECT, SAM_JWE_WRAPPED};

static json_t *json_of(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(json);
	return json;
}

static json_t *private_key;
static json_t *public_key;

static void make_keys(void)
{
	ck_assert_int_eq(sam_jwe_generate(&private_key), SAM_OK);
	public_key = sam_jwe_public(private_key);
	ck_assert_ptr_nonnull(public_key);
}

static void free_keys(void)
{
	sam_jose_private_free(private_key);
	json_decref(public_key);
}

static char *encrypt(const char *alg, const void *in, size_t len)
{
	char *text = NULL;
	enum sam_reason reason = sam_jwe_encrypt(public_key, alg, NULL, in, len, &text);
	ck_assert_msg(reason == SAM_OK, "%s", sam_reason_name(reason));
	return text;
}

static enum sam_reason decrypt_with(const char *text, const json_t *key)
{
	struct sam_secret out = {NULL, 0};
	enum sam_reason reason = sam_jwe_decrypt(text, strlen(text), key, &out);
	ck_assert((reason == SAM_OK) == (out.data != NULL));
	sam_secret_clear(&out);
	return reason;
}

/* ---- keys are agreed on as others do ---- */

START_TEST(example_of_rfc_7518_appendix_c_comes_out)
{
	static const uint8_t z[] = {158, 86,  217, 29,  129, 113, 53,  211, 114, 131, 66,
				    131, 191, 132, 38,  156, 251, 49,  110, 163, 218, 128,
				    106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
	static const uint8_t wanted[] = {86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26};
	struct sam_jwe_party u = {"Alice", 5}, v = {"Bob", 3};
	uint8_t key[16];
	ck_assert_int_eq(sam_jwe_derive(z, "A128GCM", &u, &v, key, sizeof key), SAM_OK);
	ck_assert_mem_eq(key, wanted, sizeof key);
}
END_TEST

/* A JWE made with apu and apv: by hand, of appendix C's keys, whose Z is known. */
static char *made_by_hand(const char *header, const char *content)
{
	static const uint8_t z[] = {158, 86,  217, 29,  129, 113, 53,  211, 114, 131, 66,
				    131, 191, 132, 38,  156, 251, 49,  110, 163, 218, 128,
				    106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
	static const uint8_t iv[12];
	struct sam_jwe_party u = {"Alice", 5}, v = {"Bob", 3};
	uint8_t key[32], sealed[64], tag[16];
	int m;
	char *text = malloc(2 * strlen(header) + 256);
	size_t n = sam_encode_b64url(header, strlen(header), text), len = strlen(content);
	ck_assert_int_eq(sam_jwe_derive(z, "A256GCM", &u, &v, key, sizeof key), SAM_OK);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, NULL, &m, (const uint8_t *)text, (int)n), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, sealed, &m, (const uint8_t *)content, (int)len), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, sealed + m, &m), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag), 1);
	EVP_CIPHER_CTX_free(ctx);
	memcpy(text + n, "..", 2);
	n += 2;
	n += sam_encode_b64url(iv, sizeof iv, text + n);
	text[n++] = '.';
	n += sam_encode_b64url(sealed, len, text + n);
	text[n++] = '.';
	sam_encode_b64url(tag, sizeof tag, text + n);
	return text;
}

#define HAND "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\",\"epk\":{" ALICE_PUBLIC "}"

START_TEST(parties_are_honoured)
{
	sam_auto(sam_free) char *text = made_by_hand(HAND ",\"apu\":\"QWxpY2U\",\"apv\":\"Qm9i\"}", "hello");
	sam_auto(sam_jose_private_free) json_t *bob = json_of("{" BOB_PRIVATE "}");
	struct sam_secret out = {NULL, 0};
	ck_assert_int_eq(sam_jwe_decrypt(text, strlen(text), bob, &out), SAM_OK);
	ck_assert_str_eq((char *)out.data, "hello");
	sam_secret_clear(&out);
}
END_TEST

START_TEST(other_parties_are_refused)
{
	sam_auto(sam_jose_private_free) json_t *bob = json_of("{" BOB_PRIVATE "}");
	sam_auto(sam_free) char *other = made_by_hand(HAND ",\"apu\":\"Qm9i\",\"apv\":\"QWxpY2U\"}", "hello");
	ck_assert_int_eq(decrypt_with(other, bob), SAM_JWE_KEY);
	sam_auto(sam_free) char *none = made_by_hand(HAND "}", "hello");
	ck_assert_int_eq(decrypt_with(none, bob), SAM_JWE_KEY);
	sam_auto(sam_free) char *spelt = made_by_hand(HAND ",\"apu\":\"QWxpY2U=\",\"apv\":\"Qm9i\"}", "hello");
	ck_assert_int_eq(decrypt_with(spelt, bob), SAM_JWE_MALFORMED);
	sam_auto(sam_free) char *number = made_by_hand(HAND ",\"apu\":1,\"apv\":\"Qm9i\"}", "hello");
	ck_assert_int_eq(decrypt_with(number, bob), SAM_JWE_MALFORMED);
	char header[1024], party[200];
	memset(party, 'A', sizeof party);
	for (size_t len = 170; len <= 171; len++) { /* 127 and 128 bytes */
		snprintf(header, sizeof header, HAND ",\"apu\":\"%.*s\"}", (int)len, party);
		sam_auto(sam_free) char *longest = made_by_hand(header, "hello");
		ck_assert_int_eq(decrypt_with(longest, bob), SAM_JWE_KEY);
	}
	snprintf(header, sizeof header, HAND ",\"apu\":\"%.*s\"}", 172, party);
	sam_auto(sam_free) char *too_long = made_by_hand(header, "hello");
	ck_assert_int_eq(decrypt_with(too_long, bob), SAM_JWE_MALFORMED);
}
END_TEST

/* ---- round trips ---- */

/* loop test: _i is the algorithm */
START_TEST(what_was_encrypted_comes_out)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 32, 1000, 190000};
	sam_auto(sam_free) uint8_t *data = malloc(190000);
	ck_assert_int_eq(sam_ossl_random(data, 190000), SAM_OK);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		sam_auto(sam_free) char *text = encrypt(algorithms[_i], data, sizes[i]);
		struct sam_secret out = {NULL, 0};
		ck_assert_int_eq(sam_jwe_decrypt(text, strlen(text), private_key, &out), SAM_OK);
		ck_assert_uint_eq(out.len, sizes[i]);
		ck_assert_mem_eq(out.data, data, sizes[i]);
		ck_assert_uint_eq(out.data[out.len], 0);
		sam_secret_clear(&out);
	}
}
END_TEST

START_TEST(header_says_who_and_what)
{
	sam_auto(json_decref) json_t *more = json_of("{\"cty\":\"sad+jwt\",\"alg\":\"none\",\"kid\":\"x\"}");
	sam_auto(sam_free) char *text = NULL;
	char kid[SAM_THUMBPRINT_LEN + 1];
	uint8_t buffer[2048];
	size_t len;
	ck_assert_int_eq(sam_jwe_encrypt(public_key, algorithms[_i], more, "x", 1, &text), SAM_OK);
	ck_assert(sam_decode_b64url(text, strcspn(text, "."), buffer, sizeof buffer, &len));
	sam_auto(json_decref) json_t *header = sam_jose_json(buffer, len);
	ck_assert_int_eq(sam_jwe_kid(public_key, kid, NULL), SAM_OK);
	ck_assert_str_eq(json_string_value(json_object_get(header, "alg")), algorithms[_i]);
	ck_assert_str_eq(json_string_value(json_object_get(header, "enc")), "A256GCM");
	ck_assert_str_eq(json_string_value(json_object_get(header, "kid")), kid);
	ck_assert_str_eq(json_string_value(json_object_get(header, "cty")), "sad+jwt");
	const json_t *epk = json_object_get(header, "epk");
	ck_assert_uint_eq(json_object_size(epk), 4);
	ck_assert_ptr_null(json_object_get(epk, "d"));
	ck_assert_ptr_null(json_object_get(header, "apu"));
}
END_TEST

START_TEST(no_two_are_the_same)
{
	sam_auto(sam_free) char *a = encrypt(algorithms[_i], "hello", 5);
	sam_auto(sam_free) char *b = encrypt(algorithms[_i], "hello", 5);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), strlen(b));
}
END_TEST

START_TEST(longest_is_bounded)
{
	sam_auto(sam_free) uint8_t *data = calloc(1, SAM_JWE_MAX + 1);
	char *text = NULL;
	ck_assert_int_eq(sam_jwe_encrypt(public_key, SAM_JWE_WRAPPED, NULL, data, 197000, &text), SAM_ARGUMENTS);
	ck_assert_ptr_null(text);
	ck_assert_int_eq(sam_jwe_encrypt(public_key, SAM_JWE_WRAPPED, NULL, data, SAM_JWE_MAX + 1, &text),
			 SAM_ARGUMENTS);
	/* the text itself: one byte over */
	sam_auto(sam_free) char *many = malloc(SAM_JWE_MAX + 2);
	sam_auto(sam_free) char *good = encrypt(SAM_JWE_DIRECT, "x", 1);
	struct sam_secret out = {NULL, 0};
	memset(many, 'A', SAM_JWE_MAX + 1);
	many[SAM_JWE_MAX + 1] = '\0';
	memcpy(many, good, strlen(good));
	ck_assert_int_eq(sam_jwe_decrypt(many, SAM_JWE_MAX + 1, private_key, &out), SAM_JWE_MALFORMED);
	ck_assert_int_eq(sam_jwe_decrypt(NULL, 0, private_key, &out), SAM_JWE_MALFORMED);
	ck_assert_int_eq(sam_jwe_decrypt("", 0, private_key, &out), SAM_JWE_MALFORMED);
}
END_TEST

/* ---- changed, cut, foreign ---- */

START_TEST(each_byte_changed_is_refused)
{
	sam_auto(sam_free) char *text = encrypt(algorithms[_i], "a secret of some length", 23);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		ck_assert_msg(decrypt_with(text, private_key) != SAM_OK, "byte %zu", i);
		text[i] = (char)(was ^ 1);
		ck_assert_msg(decrypt_with(text, private_key) != SAM_OK, "byte %zu, last bit", i);
		text[i] = was;
	}
	ck_assert_int_eq(decrypt_with(text, private_key), SAM_OK);
}
END_TEST

/* Encrypted key, nonce, content and tag: whichever was changed, the answer is the same. */
START_TEST(all_changes_are_refused_alike)
{
	sam_auto(sam_free) char *text = encrypt(algorithms[_i], "a secret of some length", 23);
	size_t part = 0;
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '.') {
			part++;
		} else if (part > 0 && text[i + 1] && text[i + 1] != '.') { /* a last one may have unused bits */
			char was = text[i];
			text[i] = was == 'A' ? 'B' : 'A';
			ck_assert_int_eq(decrypt_with(text, private_key), SAM_JWE_KEY);
			text[i] = was;
		}
	}
	ck_assert_uint_eq(part, 4);
}
END_TEST

START_TEST(cut_and_lengthened_are_refused)
{
	sam_auto(sam_free) char *text = encrypt(algorithms[_i], "a secret", 8);
	size_t len = strlen(text);
	struct sam_secret out = {NULL, 0};
	for (size_t n = 0; n < len; n++)
		ck_assert_msg(sam_jwe_decrypt(text, n, private_key, &out) != SAM_OK, "%zu bytes", n);
	static const char *const behind[] = {".", "A", "AAAA", "=", "\n", " ", ".AAAA"};
	for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
		char longer[2048];
		snprintf(longer, sizeof longer, "%s%s", text, behind[i]);
		ck_assert_int_eq(decrypt_with(longer, private_key), SAM_JWE_MALFORMED);
	}
}
END_TEST

START_TEST(another_key_does_not_open)
{
	sam_auto(sam_free) char *text = encrypt(algorithms[_i], "a secret", 8);
	sam_auto(sam_jose_private_free) json_t *other = NULL;
	ck_assert_int_eq(sam_jwe_generate(&other), SAM_OK);
	ck_assert_int_eq(decrypt_with(text, other), SAM_JWE_KEY);
	ck_assert_int_eq(decrypt_with(text, public_key), SAM_JWE_KEY);
	ck_assert_int_eq(decrypt_with(text, NULL), SAM_JWE_KEY);
	/* a private part that is not the public's */
	sam_auto(sam_jose_private_free) json_t *mixed = json_deep_copy(private_key);
	json_object_set(mixed, "d", json_object_get(other, "d"));
	ck_assert_int_eq(decrypt_with(text, mixed), SAM_JWE_KEY);
}
END_TEST

/* ---- headers ---- */

/* The other four parts of a JWE behind another header. */
static enum sam_reason with_header(const char *alg, const char *header)
{
	sam_auto(sam_free) char *good = encrypt(alg, "a secret", 8);
	const char *rest = strchr(good, '.');
	sam_auto(sam_free) char *text = malloc(2 * strlen(header) + strlen(rest) + 8);
	size_t n = sam_encode_b64url(header, strlen(header), text);
	strcpy(text + n, rest);
	return decrypt_with(text, private_key);
}

START_TEST(header_of_another_kind_is_refused)
{
#define EPK "\"epk\":{" ALICE_PUBLIC "}"
#define ENC "\"enc\":\"A256GCM\"," EPK
	static const struct {
		enum sam_reason reason;
		const char *header;
	} cases[] = {
		/* taken apart, and then it is not the header that it was made with */
		{SAM_JWE_KEY, "{\"alg\":\"ECDH-ES\"," ENC "}"},
		{SAM_JWE_KEY, "{\"alg\":\"ECDH-ES\"," ENC ",\"kid\":\"x\",\"typ\":\"y\",\"x\":{}}"},
		{SAM_JWE_MALFORMED, "{\"alg\":\"ECDH-ES+A256KW\"," ENC "}"}, /* no encrypted key */
		{SAM_JWE_MALFORMED, ""},
		{SAM_JWE_MALFORMED, "[]"},
		{SAM_JWE_MALFORMED, "{\"alg\":\"ECDH-ES\",\"alg\":\"ECDH-ES\"," ENC "}"},
		{SAM_JWE_MALFORMED, "{\"alg\":\"ECDH-ES\"," ENC "} x"},
		{SAM_JWE_ALGORITHM, "{" ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":1," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"dir\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"none\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ecdh-es\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES+A128KW\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"RSA1_5\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\"," EPK "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\"," EPK "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"enc\":\"A256CBC-HS512\"," EPK "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"crit\":[\"exp\"],\"exp\":1," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"zip\":\"DEF\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"jku\":\"https://x\"," ENC "}"},
		{SAM_JWE_ALGORITHM, "{\"alg\":\"ECDH-ES\",\"x5u\":\"https://x\"," ENC "}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum sam_reason reason = with_header(SAM_JWE_DIRECT, cases[i].header);
		ck_assert_msg(reason == cases[i].reason, "%s: %s", cases[i].header, sam_reason_name(reason));
	}
}
END_TEST

START_TEST(epk_that_is_no_point_is_refused_before_all_else)
{
#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\""
#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define AX "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\""
#define AY "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\""
	static const char *const cases[] = {
		"\"epk\":1",
		"\"epk\":{}",
		"\"x\":1", /* none */
		"\"epk\":{" P256 "," AX "}",
		"\"epk\":{" P256 "," AX ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFppo\"}", /* beside it */
		"\"epk\":{" P256 ",\"x\":\"" ZERO "\",\"y\":\"" ZERO "\"}",
		"\"epk\":{" P256 ",\"x\":\"__________________________________________8\"," AY "}", /* x >= p */
		"\"epk\":{" P256 "," AX ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpg\"}",  /* 31 bytes */
		"\"epk\":{" P256 ",\"x\":\"AIC_\"," AY "}",
		"\"epk\":{\"kty\":\"EC\",\"crv\":\"P-384\"," AX "," AY "}",
		"\"epk\":{\"kty\":\"EC\",\"crv\":\"secp256k1\"," AX "," AY "}",
		"\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\"," AX "}",
		"\"epk\":{" BOB_PRIVATE "}",
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[1024];
		snprintf(header, sizeof header, "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\",%s}", cases[i]);
		enum sam_reason reason = with_header(SAM_JWE_DIRECT, header);
		ck_assert_msg(reason == SAM_JWE_MALFORMED, "%s: %s", cases[i], sam_reason_name(reason));
	}
}
END_TEST

/* An attacker's ephemeral key with a right tag, but sizes that are not the algorithm's. */
START_TEST(parts_of_other_sizes_are_refused)
{
	for (int i = 0; i < 2; i++) {
		sam_auto(sam_free) char *text = encrypt(algorithms[i], "a secret", 8);
		for (int part = 1; part <= 4; part++) {
			if (part == 3)
				continue; /* the content has any length: JWE_KEY */
			char changed[2048], *p = changed;
			int at = 0;
			for (const char *c = text; *c; c++) {
				*p++ = *c;
				if (*c == '.' && ++at == part) {
					memcpy(p, "AAAA", 4);
					p += 4;
				}
			}
			*p = '\0';
			ck_assert_int_eq(decrypt_with(changed, private_key), SAM_JWE_MALFORMED);
		}
	}
}
END_TEST

/* ---- JWKs ---- */

START_TEST(key_for_something_else_is_refused)
{
	static const struct {
		bool taken;
		const char *members;
	} cases[] = {
		{true, BOB_PUBLIC},
		{true, BOB_PUBLIC ",\"use\":\"enc\",\"alg\":\"ECDH-ES\",\"kid\":\"x\""},
		{true, BOB_PUBLIC ",\"key_ops\":[\"deriveKey\"]"},
		{true, BOB_PUBLIC ",\"key_ops\":[\"wrapKey\"]"},
		{false, BOB_PUBLIC ",\"use\":\"sig\""},
		{false, BOB_PUBLIC ",\"use\":1"},
		{false, BOB_PUBLIC ",\"alg\":\"ES256\""},
		{false, BOB_PUBLIC ",\"key_ops\":[\"verify\"]"},
		{false, BOB_PUBLIC ",\"key_ops\":[]"},
		{false, "\"kty\":\"EC\",\"crv\":\"P-384\"," AX "," AY},
		{false, "\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\""},
		{false, P256 "," AX ",\"y\":\"" ZERO "\""},
		{false, "\"x\":1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[1024], kid[SAM_THUMBPRINT_LEN + 1], *jwe = NULL;
		struct sam_msg msg = {""};
		snprintf(text, sizeof text, "{%s}", cases[i].members);
		sam_auto(json_decref) json_t *jwk = json_of(text);
		enum sam_reason reason = sam_jwe_kid(jwk, kid, &msg);
		ck_assert_msg(reason == (cases[i].taken ? SAM_OK : SAM_JWE_KEY), "%s", text);
		ck_assert_msg(cases[i].taken || msg.text[0], "%s", text);
		sam_auto(json_decref) json_t *public = sam_jwe_public(jwk);
		ck_assert((public != NULL) == cases[i].taken);
		reason = sam_jwe_encrypt(jwk, SAM_JWE_DIRECT, NULL, "x", 1, &jwe);
		ck_assert_msg((reason == SAM_OK) == cases[i].taken, "%s: %s", text, sam_reason_name(reason));
		free(jwe);
	}
}
END_TEST

START_TEST(algorithm_of_the_key_decides)
{
	sam_auto(sam_jose_private_free) json_t *wrapping = json_deep_copy(private_key);
	json_object_set_new(wrapping, "alg", json_string(SAM_JWE_WRAPPED));
	sam_auto(json_decref) json_t *public = sam_jwe_public(wrapping);
	char *text = NULL;
	ck_assert_int_eq(sam_jwe_encrypt(public, SAM_JWE_DIRECT, NULL, "x", 1, &text), SAM_JWE_ALGORITHM);
	ck_assert_int_eq(sam_jwe_encrypt(public, "RSA-OAEP", NULL, "x", 1, &text), SAM_JWE_ALGORITHM);
	ck_assert_int_eq(sam_jwe_encrypt(public, SAM_JWE_WRAPPED, NULL, "x", 1, &text), SAM_OK);
	ck_assert_int_eq(decrypt_with(text, wrapping), SAM_OK);
	free(text);
	text = encrypt(SAM_JWE_DIRECT, "x", 1);
	ck_assert_int_eq(decrypt_with(text, wrapping), SAM_JWE_ALGORITHM);
	free(text);
}
END_TEST

START_TEST(keys_for_signatures_and_for_encryption_are_not_one_another)
{
	struct sam_jwk jwk;
	sam_auto(sam_jose_private_free) json_t *signing = NULL;
	char kid[SAM_THUMBPRINT_LEN + 1];
	ck_assert_int_eq(sam_jose_jwk(public_key, &jwk, NULL), SAM_SAD_KEY_UNKNOWN);
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &signing), SAM_OK);
	ck_assert_int_eq(sam_jwe_kid(signing, kid, NULL), SAM_JWE_KEY);
	ck_assert_str_eq(json_string_value(json_object_get(public_key, "use")), "enc");
	ck_assert_ptr_null(json_object_get(public_key, "d"));
}
END_TEST

/* ---- who has the private key opens ---- */

struct owner {
	unsigned asked;
	enum sam_reason answer;
	EVP_PKEY *pkey; /* RSA */
	uint8_t point[SAM_JWE_POINT];
};

static enum sam_reason agree(void *arg, const uint8_t point[SAM_JWE_POINT], uint8_t z[SAM_JWE_Z])
{
	struct owner *owner = arg;
	size_t len = SAM_JWE_Z;
	EVP_PKEY *own, *peer;
	owner->asked++;
	memcpy(owner->point, point, SAM_JWE_POINT);
	ck_assert_int_eq(sam_jwe_key(private_key, true, &own, NULL), SAM_OK);
	ck_assert_int_eq(sam_pkey_ec("P-256", point, SAM_JWE_POINT, NULL, &peer), SAM_OK);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), own, NULL);
	ck_assert(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		  EVP_PKEY_derive(ctx, z, &len) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	return owner->answer;
}

static enum sam_reason decrypt_rsa(void *arg, const uint8_t *data, size_t len, uint8_t key[SAM_JWE_CONTENT_KEY])
{
	struct owner *owner = arg;
	size_t size = SAM_JWE_RSA_MAX;
	uint8_t out[SAM_JWE_RSA_MAX];
	owner->asked++;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), owner->pkey, NULL);
	ck_assert(EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) == 1);
	bool ok = EVP_PKEY_decrypt(ctx, out, &size, data, len) == 1 && size == SAM_JWE_CONTENT_KEY;
	EVP_PKEY_CTX_free(ctx);
	if (ok)
		memcpy(key, out, size);
	return owner->answer != SAM_OK ? owner->answer : ok ? SAM_OK : SAM_JWE_KEY;
}

static enum sam_reason open_by(const char *text, const struct sam_jwe_opener *by)
{
	struct sam_secret out = {NULL, 0};
	struct sam_jwe *jwe;
	ck_assert_int_eq(sam_jwe_parse(text, strlen(text), &jwe), SAM_OK);
	enum sam_reason reason = sam_jwe_open(jwe, by, &out);
	ck_assert((reason == SAM_OK) == (out.data != NULL));
	if (reason == SAM_OK) {
		ck_assert_str_eq((const char *)out.data, "a secret");
		ck_assert_int_eq(sam_jwe_open(jwe, by, &out), SAM_ARGUMENTS); /* once */
	}
	sam_secret_clear(&out);
	sam_jwe_free(jwe);
	return reason;
}

START_TEST(who_agrees_on_the_secret_opens)
{
	struct owner owner = {.answer = SAM_OK};
	const struct sam_jwe_opener by = {&owner, agree, NULL}, none = {&owner, NULL, decrypt_rsa};
	sam_auto(sam_free) char *text = encrypt(algorithms[_i], "a secret", 8);
	ck_assert_int_eq(open_by(text, &by), SAM_OK);
	ck_assert_uint_eq(owner.asked, 1);
	ck_assert_uint_eq(owner.point[0], 4);
	owner.answer = SAM_CM_FAILED;
	ck_assert_int_eq(open_by(text, &by), SAM_CM_FAILED);
	owner.answer = SAM_OK;
	owner.asked = 0;
	ck_assert_int_eq(open_by(text, &none), SAM_JWE_ALGORITHM);
	ck_assert_uint_eq(owner.asked, 0);
	char *last = text + strlen(text) - 3; /* another character, and still one of base64url */
	*last = *last == 'A' ? 'B' : 'A';
	ck_assert_int_eq(open_by(text, &by), SAM_JWE_KEY);
}
END_TEST

START_TEST(rsa_oaep_with_sha256_opens)
{
	struct owner owner = {.answer = SAM_OK, .pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)2048)};
	const struct sam_jwe_opener by = {&owner, NULL, decrypt_rsa}, none = {&owner, agree, NULL};
	json_t *jwk = sam_jwe_public_of(owner.pkey);
	char *text, kid[SAM_THUMBPRINT_LEN + 1];
	ck_assert_int_eq(sam_jwe_recipient(jwk, kid, NULL), SAM_OK);
	ck_assert_str_eq(json_string_value(json_object_get(jwk, "kid")), kid);
	ck_assert_int_eq(sam_jwe_encrypt(jwk, SAM_JWE_RSA, NULL, "a secret", 8, &text), SAM_OK);
	ck_assert_int_eq(open_by(text, &by), SAM_OK);
	ck_assert_int_eq(open_by(text, &none), SAM_JWE_ALGORITHM);
	ck_assert_int_eq(decrypt_with(text, private_key), SAM_JWE_ALGORITHM);
	owner.answer = SAM_JWE_KEY; /* goes on with another key, to the same end as a wrong tag */
	owner.asked = 0;
	ck_assert_int_eq(open_by(text, &by), SAM_JWE_KEY);
	ck_assert_uint_eq(owner.asked, 1);
	owner.answer = SAM_CM_FAILED;
	ck_assert_int_eq(open_by(text, &by), SAM_CM_FAILED);
	free(text);
	/* neither key is for the other's algorithm, and a backup is encrypted to no RSA key */
	ck_assert_int_eq(sam_jwe_encrypt(jwk, SAM_JWE_WRAPPED, NULL, "a secret", 8, &text), SAM_JWE_KEY);
	ck_assert_int_eq(sam_jwe_encrypt(public_key, SAM_JWE_RSA, NULL, "a secret", 8, &text), SAM_JWE_KEY);
	ck_assert_int_eq(sam_jwe_kid(jwk, kid, NULL), SAM_JWE_KEY);
	json_decref(jwk);
	EVP_PKEY_free(owner.pkey);
}
END_TEST

START_TEST(rsa_key_for_something_else_is_refused)
{
	static const char *const changes[] = {"{\"use\":\"sig\"}", "{\"alg\":\"RSA-OAEP\"}", "{\"alg\":\"RS256\"}",
					      "{\"key_ops\":[\"verify\"]}", "{\"n\":\"AQAB\"}", "{\"e\":\"AQ\"}"};
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "RSA", (size_t)2048);
	json_t *good = sam_jwe_public_of(pkey);
	char kid[SAM_THUMBPRINT_LEN + 1];
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct sam_msg msg = {""};
		json_t *jwk = json_copy(good), *change = json_of(changes[i]);
		json_object_update(jwk, change);
		ck_assert_msg(sam_jwe_recipient(jwk, kid, &msg) == SAM_JWE_KEY && msg.text[0], "%s", changes[i]);
		json_decref(jwk);
		json_decref(change);
	}
	json_decref(good);
	EVP_PKEY_free(pkey);
}
END_TEST

static Suite *jwe_suite(void)
{
	Suite *suite = suite_create("jwe");
	TCase *jwe = tcase_create("jwe");
	tcase_add_unchecked_fixture(jwe, make_keys, free_keys);
	tcase_set_timeout(jwe, 60);
	tcase_add_test(jwe, example_of_rfc_7518_appendix_c_comes_out);
	tcase_add_test(jwe, parties_are_honoured);
	tcase_add_test(jwe, other_parties_are_refused);
	tcase_add_loop_test(jwe, what_was_encrypted_comes_out, 0, 2);
	tcase_add_loop_test(jwe, header_says_who_and_what, 0, 2);
	tcase_add_loop_test(jwe, no_two_are_the_same, 0, 2);
	tcase_add_test(jwe, longest_is_bounded);
	tcase_add_loop_test(jwe, each_byte_changed_is_refused, 0, 2);
	tcase_add_loop_test(jwe, all_changes_are_refused_alike, 0, 2);
	tcase_add_loop_test(jwe, cut_and_lengthened_are_refused, 0, 2);
	tcase_add_loop_test(jwe, another_key_does_not_open, 0, 2);
	tcase_add_test(jwe, header_of_another_kind_is_refused);
	tcase_add_test(jwe, epk_that_is_no_point_is_refused_before_all_else);
	tcase_add_test(jwe, parts_of_other_sizes_are_refused);
	tcase_add_test(jwe, key_for_something_else_is_refused);
	tcase_add_test(jwe, algorithm_of_the_key_decides);
	tcase_add_test(jwe, keys_for_signatures_and_for_encryption_are_not_one_another);
	tcase_add_loop_test(jwe, who_agrees_on_the_secret_opens, 0, 2);
	tcase_add_test(jwe, rsa_oaep_with_sha256_opens);
	tcase_add_test(jwe, rsa_key_for_something_else_is_refused);
	suite_add_tcase(suite, jwe);
	return suite;
}

SAM_UNIT_MAIN(jwe_suite)
