/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A SAD in the making, and the templates over it in which the changes of sad_table.txt are written.
 */
#ifndef SAM_TESTS_SAD_TEMPLATE_H
#define SAM_TESTS_SAD_TEMPLATE_H

#include "sad_devices.h"
#include "jwe_maker.h"

#include <ctype.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

struct sad_maker {
	json_t *header, *claims;
	char *header_text;         /* instead of ${header}, or NULL */
	char *payload;             /* instead of ${claims}, or NULL */
	size_t payload_len;
	char *raw, *raw_header;    /* stands where the member has "@raw@" */
	const struct maker_key *by;
	enum sam_jws_alg alg;      /* of the signature; the header says what it likes */
	char hmac[16], secret[16]; /* instead of a signature */
	json_t *proof, *proof_header;
	const struct maker_key *prover; /* NULL: no proof beside it */
	struct jwe_maker jwe;
	bool encrypted, again;     /* once, or what came out once more */
	const char *inner, *final; /* templates over the parts, before it is encrypted and at last; or NULL */
	const char *order;         /* the operation for which it is presented; NULL: a signature */
	const char *login;         /* who is logged in, where it is not alice */
	bool signs;                /* once accepted it shall sign, once */
	char *sad;
	size_t len;
};

static char maker_credential[SAM_CREDENTIAL_SIZE]; /* alice's key */
static char maker_jti[64];
static json_t *maker_recipient; /* the SAM's key, for what is encrypted */
static const uint8_t maker_digests[2][32] = {{1, 2, 3}, {4, 5, 6}};

static const char *maker_hash(unsigned i)
{
	static char hash[2][64];
	sam_encode_b64url(maker_digests[i], 32, hash[i]);
	return hash[i];
}

static void maker_start(struct sad_maker *m)
{
	static unsigned count;
	snprintf(maker_jti, sizeof maker_jti, "line-of-the-table-%06u", ++count);
	memset(m, 0, sizeof *m);
	m->by = maker_key("es256");
	m->alg = m->by->alg;
	m->header = json("{'alg':'ES256','typ':'sad+jwt','kid':'%s'}", m->by->d.kid);
	m->claims = json("{'iss':'alice','sub':'alice','aud':'" SAM_ID "','iat':%lld,'exp':%lld,'jti':'%s',"
			 "'authorization_details':[{'type':'https://cloudsignatureconsortium.org/2025/credential',"
			 "'credentialID':'%s','documentDigests':[{'hash':'%s','label':'contract.pdf'},{'hash':'%s'}],"
			 "'hashAlgorithmOID':'2.16.840.1.101.3.4.2.1'}]}",
			 (long long)steady, (long long)steady + 200, maker_jti, maker_credential, maker_hash(0),
			 maker_hash(1));
}

static void maker_clear(struct sad_maker *m)
{
	json_decref(m->header);
	json_decref(m->claims);
	free(m->header_text);
	free(m->payload);
	free(m->raw);
	free(m->raw_header);
	free(m->sad);
	json_decref(m->proof);
	json_decref(m->proof_header);
	jwe_maker_clear(&m->jwe);
	memset(m, 0, sizeof *m);
}

/* ---- templates ---- */

/* The bytes of an ES256 signature in another form: `negated`, (r, n-s), which verifies as well, or `der`. */
static void put_ecdsa(FILE *out, const uint8_t raw[64], bool der)
{
	uint8_t bytes[128];
	char encoded[256];
	BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
	int len = 64;
	if (der) {
		unsigned char *end = bytes;
		ECDSA_SIG *sig = ECDSA_SIG_new();
		ECDSA_SIG_set0(sig, r, s);
		len = i2d_ECDSA_SIG(sig, &end);
		ECDSA_SIG_free(sig);
	} else {
		EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
		BN_sub(s, EC_GROUP_get0_order(group), s);
		memcpy(bytes, raw, 32);
		ck_assert_int_eq(BN_bn2binpad(s, bytes + 32, 32), 32);
		EC_GROUP_free(group);
		BN_free(r);
		BN_free(s);
	}
	ck_assert_int_gt(len, 0);
	sam_encode_b64url(bytes, (size_t)len, encoded);
	fputs(encoded, out);
}

/* `p1` to `p5` of the text, or made from one of them: `cut.p3` without its last character, `bump.p3` with another last
 * character that differs in unused bits alone, `flip.p3` with its first bit changed, `negated.p3`, `der.p3`. */
static bool put_part(FILE *out, const char *sad, size_t len, const char **name)
{
	static const char *const ways[] = {"p", "cut.p", "bump.p", "flip.p", "negated.p", "der.p"};
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t way = 0;
	while (way < 6 && !(strncmp(*name, ways[way], strlen(ways[way])) == 0 && isdigit((*name)[strlen(ways[way])])))
		way++;
	if (way == 6)
		return false;
	const char *part = sad, *end = sad + len;
	*name += strlen(ways[way]);
	for (int n = *(*name)++ - '1'; n > 0; n--) {
		part = memchr(part, '.', (size_t)(end - part));
		ck_assert_ptr_nonnull(part);
		part++;
	}
	const char *dot = memchr(part, '.', (size_t)(end - part));
	size_t size = (size_t)((dot ? dot : end) - part);
	char *copy = strndup(part, size);
	if (way == 1) {
		size--;
	} else if (way == 2) {
		ck_assert_msg(size % 4 >= 2, "a part of %zu characters has no unused bits", size);
		copy[size - 1] = alphabet[(strchr(alphabet, copy[size - 1]) - alphabet) ^ 1];
	} else if (way == 3) {
		copy[0] = alphabet[(strchr(alphabet, copy[0]) - alphabet) ^ 32];
	} else if (way >= 4) {
		uint8_t raw[64];
		size_t raw_len;
		ck_assert(sam_decode_b64url(copy, size, raw, sizeof raw, &raw_len) && raw_len == 64);
		put_ecdsa(out, raw, way == 5);
		size = 0;
	}
	fwrite(copy, 1, size, out);
	free(copy);
	return true;
}

static void put_members(FILE *out, const json_t *object)
{
	char *all = json_dumps(object, JSON_COMPACT);
	fwrite(all + 1, 1, strlen(all) - 2, out);
	free(all);
}

static void put_digests(FILE *out, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		uint8_t digest[32] = {7, (uint8_t)(i >> 8), (uint8_t)i};
		char hash[64];
		sam_encode_b64url(digest, sizeof digest, hash);
		fprintf(out, "%s{\"hash\":\"%s\"}", i ? "," : "", hash);
	}
}

static bool starts(const char **p, const char *word)
{
	if (strncmp(*p, word, strlen(word)) != 0)
		return false;
	*p += strlen(word);
	return true;
}

/* What stands behind a $. */
static void put_variable(FILE *out, const struct sad_maker *m, const char **p)
{
	char *end;
	if (isdigit(**p)) { /* $128*a */
		unsigned long count = strtoul(*p, &end, 10);
		ck_assert_msg(end[0] == '*' && end[1], "$%s", *p);
		while (count--)
			putc(end[1], out);
		*p = end + 2;
	} else if (starts(p, "now")) {
		long long offset = **p == '+' || **p == '-' ? strtoll(*p, &end, 10) : 0;
		if (**p == '+' || **p == '-')
			*p = end;
		fprintf(out, "%lld", (long long)steady + offset);
	} else if (starts(p, "kid.")) {
		char name[16];
		size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789");
		snprintf(name, sizeof name, "%.*s", (int)n, *p);
		*p += n;
		fputs(maker_key(name)->d.kid, out);
	} else if (starts(p, "pin")) {
		fputs(PIN, out);
	} else if (starts(p, "jwk")) {
		fputs(m->by->d.jwk, out);
	} else if (starts(p, "key")) {
		fputs(maker_credential, out);
	} else if (starts(p, "sam")) {
		fputs(SAM_ID, out);
	} else if (starts(p, "jti")) {
		fputs(maker_jti, out);
	} else if (starts(p, "d0")) {
		fputs(maker_hash(0), out);
	} else if (starts(p, "d1")) {
		fputs(maker_hash(1), out);
	} else if (starts(p, "claims")) {
		put_members(out, m->claims);
	} else if (starts(p, "header")) {
		put_members(out, m->header);
	} else if (starts(p, "outer")) {
		put_members(out, m->jwe.header);
	} else if (starts(p, "sad")) {
		fputs(m->sad, out);
	} else if (starts(p, "digests*")) {
		put_digests(out, strtoul(*p, &end, 10));
		*p = end;
	} else {
		ck_assert_msg(m->sad && put_part(out, m->sad, m->len, p), "$%s", *p);
	}
}

/* A template with its variables and its \xNN put in; NUL terminated. */
static char *expand(const struct sad_maker *m, const char *template, size_t *len)
{
	char *made = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&made, &size);
	ck_assert_ptr_nonnull(out);
	for (const char *p = template; *p;) {
		unsigned byte;
		if (*p == '$') {
			p++;
			put_variable(out, m, &p);
		} else if (sscanf(p, "\\x%2x", &byte) == 1) {
			putc((int)byte, out);
			p += 4;
		} else {
			putc(*p++, out);
		}
	}
	fclose(out);
	if (len)
		*len = size;
	return made;
}

#endif
