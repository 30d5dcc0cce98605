/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signing what was made, by a device or by whoever knows its public key, and encrypting it.
 */
#ifndef SAM_TESTS_SAD_MAKER_H
#define SAM_TESTS_SAD_MAKER_H

#include "sad_template.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>

static char *with_raw(char *json_text, const char *raw)
{
	char *at = raw ? strstr(json_text, "\"@raw@\"") : NULL, *made;
	if (!at)
		return json_text;
	ck_assert_int_gt(asprintf(&made, "%.*s%s%s", (int)(at - json_text), json_text, raw, at + strlen("\"@raw@\"")), 0);
	free(json_text);
	return made;
}

/* What everybody knows of the key, as somebody might use it for a secret. */
static size_t public_bytes(const struct device *d, const char *kind, uint8_t *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;
	if (strcmp(kind, "pem") == 0)
		PEM_write_bio_PUBKEY(bio, d->pkey);
	else if (strcmp(kind, "der") == 0)
		i2d_PUBKEY_bio(bio, d->pkey);
	else if (strcmp(kind, "jwk") == 0)
		BIO_puts(bio, d->jwk);
	else if (strcmp(kind, "kid") == 0)
		BIO_puts(bio, d->kid);
	else if (strcmp(kind, "empty") != 0) /* a member of the JWK: its bytes */
		BIO_puts(bio, json_string_value(json_object_get(d->public, kind)));
	len = BIO_get_mem_data(bio, &data);
	ck_assert(len >= 0 && (size_t)len <= size);
	size_t got = (size_t)len;
	if (len && strlen(kind) == 1)
		ck_assert(sam_decode_b64url(data, (size_t)len, out, size, &got));
	else if (len)
		memcpy(out, data, got);
	BIO_free(bio);
	return got;
}

static void put_hmac(struct sad_maker *m)
{
	uint8_t secret[4096], mac[EVP_MAX_MD_SIZE];
	unsigned mac_len;
	char encoded[128];
	size_t secret_len = public_bytes(&m->by->d, m->secret, secret, sizeof secret);
	char *dot = strrchr(m->sad, '.');
	const EVP_MD *md = strcmp(m->hmac, "sha512") == 0 ? EVP_sha512() : strcmp(m->hmac, "sha384") == 0 ? EVP_sha384()
													    : EVP_sha256();
	ck_assert_ptr_nonnull(HMAC(md, secret, (int)secret_len, (uint8_t *)m->sad, (size_t)(dot - m->sad), mac, &mac_len));
	sam_encode_b64url(mac, mac_len, encoded);
	char *made;
	ck_assert_int_gt(asprintf(&made, "%.*s.%s", (int)(dot - m->sad), m->sad, encoded), 0);
	free(m->sad);
	m->sad = made;
}

static void maker_sign(struct sad_maker *m)
{
	char *header = m->header_text ? strdup(m->header_text)
				      : with_raw(json_dumps(m->header, JSON_COMPACT), m->raw_header);
	char *payload = m->payload ? m->payload : with_raw(json_dumps(m->claims, JSON_COMPACT), m->raw);
	size_t len = m->payload ? m->payload_len : strlen(payload);
	free(m->sad);
	is(sam_jose_sign_text(header, payload, len, m->by->d.pkey, m->alg, &m->sad), SAM_OK);
	free(header);
	if (!m->payload)
		free(payload);
	if (m->hmac[0])
		put_hmac(m);
	m->len = strlen(m->sad);
}

/* SAD~PROOF: `ath` is made now, if nobody has put another there. */
static void append_proof(struct sad_maker *m)
{
	uint8_t hash[32];
	char encoded[64], *proof, *made;
	const char *ath = json_string_value(json_object_get(m->proof, "ath"));
	is(sam_ossl_digest(SAM_HASH_SHA256, m->sad, m->len, hash), SAM_OK);
	sam_encode_b64url(hash, sizeof hash, encoded);
	if (ath && strcmp(ath, "@ath@") == 0)
		json_object_set_new(m->proof, "ath", json_string(encoded));
	char *claims = json_dumps(m->proof, JSON_COMPACT);
	is(sam_jose_sign(m->proof_header, claims, strlen(claims), m->prover->d.pkey, m->prover->alg, &proof), SAM_OK);
	ck_assert_int_gt(asprintf(&made, "%s~%s", m->sad, proof), 0);
	free(claims);
	free(proof);
	free(m->sad);
	m->sad = made;
	m->len = strlen(made);
}

/* What stands there is replaced by this template over it. */
static void retext(struct sad_maker *m, const char *template)
{
	size_t len;
	char *made = expand(m, template, &len);
	free(m->sad);
	m->sad = made;
	m->len = len;
}

static void encrypt(struct sad_maker *m)
{
	char *made = jwe_maker_encrypt(&m->jwe, m->sad, m->len);
	free(m->sad);
	m->sad = made;
	m->len = strlen(made);
}

static void maker_finish(struct sad_maker *m)
{
	maker_sign(m);
	if (m->prover)
		append_proof(m);
	if (m->inner)
		retext(m, m->inner);
	if (m->encrypted)
		encrypt(m);
	if (m->again)
		encrypt(m);
	if (m->final)
		retext(m, m->final);
}

#endif
