/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JWK: public keys read strictly (RFC 7517, RFC 7518 section 6, RFC 8037), their thumbprint (RFC
 * 7638), and the private ones of the signer's side.
 */
#include "sap/jose_jwk.h"

#include <string.h>
#include <openssl/core_names.h>
#include "base/encode.h"

enum { RSA_BYTES_MAX = SAM_RSA_MAX_BITS / 8, E_BYTES_MAX = 8 };

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static enum sam_reason refuse(struct sam_msg *msg, const char *why)
{
	sam_msg_set(msg, "JWK: %s", why);
	return SAM_SAD_KEY_UNKNOWN;
}

/* A base64url member of exactly `size` bytes. */
static bool octets_of(const json_t *json, const char *name, uint8_t *out, size_t size)
{
	const char *text = text_of(json, name);
	size_t len;
	return text && sam_decode_b64url(text, strlen(text), out, size, &len) && len == size;
}

/* A Base64urlUInt of at most `max` bytes: RFC 7518 section 2 allows no leading zero. */
static BIGNUM *number_of(const json_t *json, const char *name, size_t max)
{
	uint8_t buffer[RSA_BYTES_MAX];
	const char *text = text_of(json, name);
	size_t len = 0;
	BIGNUM *number = NULL;
	if (text && sam_decode_b64url(text, strlen(text), buffer, max, &len) && len &&
	    buffer[0] != 0)
		number = BN_bin2bn(buffer, (int)len, NULL);
	sam_mem_wipe(buffer, sizeof buffer);
	return number;
}

/* ---- what the JWK says of its use ---- */

bool sam_jose_jwk_operation(const json_t *ops, const char *wanted)
{
	bool found = false;
	size_t i;
	const json_t *op;
	json_array_foreach (ops, i, op) {
		if (!json_is_string(op))
			return false;
		found = found || strcmp(json_string_value(op), wanted) == 0;
	}
	return found;
}

static const char *check_use(const json_t *json)
{
	const json_t *use = json_object_get(json, "use"), *ops = json_object_get(json, "key_ops");
	if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return "`use` is not `sig`";
	if (ops && !sam_jose_jwk_operation(ops, json_object_get(json, "d") ? "sign" : "verify"))
		return "`key_ops` has no verify (a private one: sign)";
	return NULL;
}

/* `alg`, if there, is one that fits; what the curve says otherwise. */
static const char *check_alg(const json_t *json, enum sam_jws_alg of_curve, enum sam_jws_alg *alg)
{
	const json_t *member = json_object_get(json, "alg");
	*alg = of_curve;
	if (!member)
		return NULL;
	*alg = json_is_string(member) ? sam_jws_by_name(json_string_value(member)) : SAM_JWS_NONE;
	const struct sam_jose_alg *row = sam_jose_alg(*alg);
	if (!row || (of_curve != SAM_JWS_NONE ? *alg != of_curve : row->crv != NULL))
		return "`alg` is not one for this key";
	return NULL;
}

/* ---- EC and Ed25519 ---- */

/* The points whose order divides 8, and their spellings beyond the prime: under them a signature
 * proves nothing (y, little-endian, the sign bit left out). */
static bool small_order(const uint8_t x[32])
{
	static const uint8_t order8[2][32] = {
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
		 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
		 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	uint8_t y[32], middle_or = 0, middle_and = 0xff;
	memcpy(y, x, sizeof y);
	y[31] &= 0x7f;
	for (size_t i = 1; i < 31; i++) {
		middle_or |= y[i];
		middle_and &= y[i];
	}
	if (middle_or == 0 && y[31] == 0 && y[0] <= 1) /* 0, 1 */
		return true;
	if (middle_and == 0xff && y[31] == 0x7f && y[0] >= 0xec) /* p - 1, and all from p on */
		return true;
	return memcmp(y, order8[0], sizeof y) == 0 || memcmp(y, order8[1], sizeof y) == 0;
}

/* OpenSSL refuses a point that is not on the curve; the form 04 x y cannot spell infinity, and with
 * the cofactor 1 of these curves no more is to check. */
EVP_PKEY *sam_jose_jwk_ec(const struct sam_jose_alg *row, const json_t *json, const BIGNUM *d)
{
	uint8_t point[1 + 2 * SAM_EC_FIELD_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	if (!octets_of(json, "x", point + 1, row->field) ||
	    !octets_of(json, "y", point + 1 + row->field, row->field))
		return NULL;
	EVP_PKEY *pkey;
	enum sam_reason reason = sam_pkey_ec(row->group, point, 1 + 2 * row->field, d, &pkey);
	return reason == SAM_OK ? pkey : NULL;
}

static const char *read_curve(const json_t *json, const char *kty, struct sam_jwk *out)
{
	const char *crv = text_of(json, "crv");
	enum sam_jws_alg of_curve = crv ? sam_jose_alg_of_curve(kty, crv) : SAM_JWS_NONE;
	if (of_curve == SAM_JWS_NONE)
		return "`crv` is none of P-256, P-384, P-521 (EC), Ed25519 (OKP)";
	const char *why = check_alg(json, of_curve, &out->alg);
	if (why)
		return why;
	const struct sam_jose_alg *row = sam_jose_alg(of_curve);
	if (row->padding == SAM_PAD_ECDSA) {
		out->pkey = sam_jose_jwk_ec(row, json, NULL);
		return out->pkey ? NULL : "`x`, `y` are no point of the curve";
	}
	uint8_t x[32];
	if (!octets_of(json, "x", x, sizeof x) || small_order(x))
		return "`x` is no Ed25519 public key";
	out->pkey = EVP_PKEY_new_raw_public_key_ex(sam_ossl_ctx(), "ED25519", NULL, x, sizeof x);
	return out->pkey ? NULL : "`x` is no Ed25519 public key";
}

/* ---- RSA ---- */

/* Primes made by the library of CVE-2017-15361 are k * M + 65537^a mod M, so their product lies in
 * the group that 65537 generates modulo every small prime of M. A sound modulus does so once in
 * some 10^8 cases. */
static bool roca(const BIGNUM *n)
{
	static const unsigned char primes[] = {
		3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
		47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
		107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	};
	for (size_t i = 0; i < sizeof primes; i++) {
		unsigned p = primes[i], power = 1;
		BN_ULONG residue = BN_mod_word(n, p);
		bool in_group = false;
		do {
			in_group = power == residue;
			power = power * (65537 % p) % p;
		} while (!in_group && power != 1);
		if (!in_group)
			return false;
	}
	return true;
}

const char *sam_jose_jwk_rsa(const json_t *json, EVP_PKEY **out)
{
	sam_auto(BN_clear_free) BIGNUM *n = number_of(json, "n", RSA_BYTES_MAX);
	sam_auto(BN_clear_free) BIGNUM *e = number_of(json, "e", E_BYTES_MAX);
	if (!n || !BN_is_odd(n) || BN_num_bits(n) < SAM_RSA_MIN_BITS)
		return "`n` is no modulus of 2048 to 8192 bits";
	if (!e || !BN_is_odd(e) || BN_is_one(e))
		return "`e` is no odd number of 3 to 2^64";
	if (roca(n))
		return "`n` was made by a generator that is broken (CVE-2017-15361)";
	return sam_pkey_rsa(n, e, out) == SAM_OK ? NULL : "OpenSSL does not take this RSA key";
}

static const char *read_rsa(const json_t *json, struct sam_jwk *out)
{
	const char *why = check_alg(json, SAM_JWS_NONE, &out->alg);
	return why ? why : sam_jose_jwk_rsa(json, &out->pkey);
}

/* ---- the whole ---- */

/* The members of RFC 7638 section 3.2, in its order. */
static const char *const *required_members(const char *kty)
{
	static const char *const ec[] = {"crv", "kty", "x", "y", NULL};
	static const char *const okp[] = {"crv", "kty", "x", NULL};
	static const char *const rsa[] = {"e", "kty", "n", NULL};
	return strcmp(kty, "EC") == 0 ? ec : strcmp(kty, "OKP") == 0 ? okp : rsa;
}

json_t *sam_jose_jwk_required(const json_t *json)
{
	json_t *out = json_object();
	for (const char *const *name = required_members(text_of(json, "kty")); out && *name;
	     name++) {
		if (json_object_set(out, *name, json_object_get(json, *name)) != 0) {
			json_decref(out);
			out = NULL;
		}
	}
	return out;
}

enum sam_reason sam_jose_jwk_thumbprint(const json_t *json, char out[SAM_THUMBPRINT_LEN + 1])
{
	sam_auto(json_decref) json_t *required = sam_jose_jwk_required(json);
	sam_auto(sam_free) char *text = required ? json_dumps(required, JSON_COMPACT) : NULL;
	uint8_t hash[32];
	if (!text)
		return SAM_MEMORY;
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), hash);
	if (reason == SAM_OK)
		sam_encode_b64url(hash, sizeof hash, out);
	return reason;
}

enum sam_reason sam_jose_jwk(const json_t *json, struct sam_jwk *out, struct sam_msg *msg)
{
	memset(out, 0, sizeof *out);
	const char *kty = text_of(json, "kty");
	if (!kty)
		return refuse(msg, "it has no `kty`");
	const char *why = check_use(json);
	if (!why && strcmp(kty, "RSA") == 0)
		why = read_rsa(json, out);
	else if (!why && (strcmp(kty, "EC") == 0 || strcmp(kty, "OKP") == 0))
		why = read_curve(json, kty, out);
	else if (!why)
		why = "`kty` is none of EC, OKP, RSA";
	enum sam_reason reason = why ? refuse(msg, why) : sam_jose_jwk_thumbprint(json, out->thumbprint);
	if (reason != SAM_OK)
		sam_jose_jwk_clear(out);
	return reason;
}

void sam_jose_jwk_clear(struct sam_jwk *jwk)
{
	EVP_PKEY_free(jwk->pkey);
	memset(jwk, 0, sizeof *jwk);
}

json_t *sam_jose_jwk_public(const json_t *json)
{
	struct sam_jwk jwk;
	if (sam_jose_jwk(json, &jwk, NULL) != SAM_OK)
		return NULL;
	sam_jose_jwk_clear(&jwk);
	json_t *out = sam_jose_jwk_required(json);
	json_t *alg = json_object_get(json, "alg");
	if (out && alg && json_object_set(out, "alg", alg) != 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}

/* ---- private keys ---- */

static EVP_PKEY *rsa_private(const json_t *json)
{
	static const char *const names[8][2] = {
		{"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
		{"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
		{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
		{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
	};
	BIGNUM *numbers[8] = {NULL};
	EVP_PKEY *pkey = NULL;
	sam_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	bool ok = bld != NULL;
	for (size_t i = 0; ok && i < 8; i++) {
		numbers[i] = number_of(json, names[i][0], RSA_BYTES_MAX);
		ok = numbers[i] && OSSL_PARAM_BLD_push_BN(bld, names[i][1], numbers[i]) == 1;
	}
	ok = ok && sam_pkey_build("RSA", EVP_PKEY_KEYPAIR, bld, &pkey) == SAM_OK;
	for (size_t i = 0; i < 8; i++)
		BN_clear_free(numbers[i]);
	return pkey;
}

EVP_PKEY *sam_jose_jwk_curve_private(const struct sam_jose_alg *row, const json_t *json)
{
	uint8_t d[SAM_EC_FIELD_MAX];
	EVP_PKEY *pkey = NULL;
	if (octets_of(json, "d", d, row->field)) {
		if (row->padding == SAM_PAD_EDDSA) {
			pkey = EVP_PKEY_new_raw_private_key_ex(sam_ossl_ctx(), "ED25519", NULL, d,
							       row->field);
		} else {
			sam_auto(BN_clear_free) BIGNUM *number = BN_secure_new();
			if (number && BN_bin2bn(d, (int)row->field, number))
				pkey = sam_jose_jwk_ec(row, json, number);
		}
	}
	sam_mem_wipe(d, sizeof d);
	return pkey;
}

bool sam_jose_jwk_pair(EVP_PKEY *private, const EVP_PKEY *public)
{
	if (EVP_PKEY_eq(private, public) != 1)
		return false;
	if (EVP_PKEY_is_a(private, "ED25519")) /* the public part was derived */
		return true;
	sam_auto(EVP_PKEY_CTX_free)
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), private, NULL);
	return ctx && EVP_PKEY_pairwise_check(ctx) == 1;
}

enum sam_reason sam_jose_private(const json_t *json, EVP_PKEY **out, struct sam_msg *msg)
{
	*out = NULL;
	struct sam_jwk public;
	enum sam_reason reason = sam_jose_jwk(json, &public, msg);
	if (reason != SAM_OK)
		return reason;
	const char *crv = text_of(json, "crv");
	const struct sam_jose_alg *row = sam_jose_alg(
		crv ? sam_jose_alg_of_curve(text_of(json, "kty"), crv) : SAM_JWS_NONE);
	bool rsa = strcmp(text_of(json, "kty"), "RSA") == 0;
	if (!json_object_get(json, "d"))
		reason = refuse(msg, "it holds no private key");
	else if (!(*out = rsa ? rsa_private(json) : sam_jose_jwk_curve_private(row, json)))
		reason = refuse(msg, "the private members are missing or malformed");
	else if (!sam_jose_jwk_pair(*out, public.pkey))
		reason = refuse(msg, "private and public part do not belong together");
	sam_jose_jwk_clear(&public);
	if (reason != SAM_OK) {
		EVP_PKEY_free(*out);
		*out = NULL;
	}
	return reason;
}

void sam_jose_private_free(json_t *jwk)
{
	static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
	for (size_t i = 0; jwk && i < sizeof names / sizeof names[0]; i++) {
		json_t *member = json_object_get(jwk, names[i]);
		/* jansson has no wiping allocator that would not be the whole process's */
		if (json_is_string(member))
			sam_mem_wipe((void *)(uintptr_t)json_string_value(member),
				     json_string_length(member));
	}
	json_decref(jwk);
}
