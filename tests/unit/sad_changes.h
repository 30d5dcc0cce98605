/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The changes of sad_table.txt, which explains their words.
 */
#ifndef SAM_TESTS_SAD_CHANGES_H
#define SAM_TESTS_SAD_CHANGES_H

#include "sad_maker.h"

/* ${path}: members and places in arrays, with dots. ${value}: JSON, or "-": away with it. */
static void change(const struct sad_maker *m, json_t *at, const char *path, const char *value)
{
	char name[64];
	const char *dot;
	for (; (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
		at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
	}
	ck_assert_msg(json_is_object(at) || json_is_array(at), "no such member: %s", path);
	if (strcmp(value, "-") == 0) {
		ck_assert_int_eq(json_object_del(at, path), 0);
		return;
	}
	size_t len;
	char *json_text = expand(m, value, &len);
	json_t *made = json_loadb(json_text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	ck_assert_msg(made != NULL, "not JSON: %s", value);
	if (json_is_array(at) && strtoul(path, NULL, 10) == json_array_size(at))
		ck_assert_int_eq(json_array_append_new(at, made), 0);
	else
		ck_assert_int_eq(json_is_array(at) ? json_array_set_new(at, strtoul(path, NULL, 10), made)
						   : json_object_set_new(at, path, made), 0);
	free(json_text);
}

/* The word before the first blank of ${rest}, which then stands behind it. */
static const char *word(char **rest)
{
	char *start = *rest, *blank = strchr(start, ' ');
	*rest = blank ? blank + 1 : start + strlen(start);
	if (blank)
		*blank = '\0';
	return start;
}

static void apply_key(struct sad_maker *m, char *rest)
{
	const char *name = word(&rest), *alg = word(&rest);
	m->by = maker_key(name);
	m->alg = *alg ? sam_jws_by_name(alg) : m->by->alg;
	ck_assert_int_ne(m->alg, SAM_JWS_NONE);
	json_object_set_new(m->header, "alg", json_string(sam_jws_name(m->alg)));
	json_object_set_new(m->header, "kid", json_string(m->by->d.kid));
}

static void apply_order(struct sad_maker *m, char *rest)
{
	m->order = word(&rest);
	json_object_del(m->claims, "authorization_details");
	json_object_set_new(m->claims, "operation", json_string(m->order));
	change(m, m->claims, "operation_params", *rest ? rest : "{}");
}

static void apply_encrypt(struct sad_maker *m, const char *alg)
{
	jwe_maker_start(&m->jwe, maker_recipient, *alg ? alg : SAM_JWE_DIRECT);
	m->encrypted = true;
}

/* Another's key, whatever the header says. */
static void apply_to(struct sad_maker *m, const char *name)
{
	EVP_PKEY_free(m->jwe.recipient);
	m->jwe.recipient = maker_key(name)->d.pkey;
	EVP_PKEY_up_ref(m->jwe.recipient);
}

/* Fill an ignored claim until the whole is ${size} characters long. */
static void apply_fill(struct sad_maker *m, size_t size)
{
	static const char x[] = "xxxx";
	for (size_t more = 0; more < 4; more++) { /* a base64url length is never 1 modulo 4: the header helps out */
		json_object_set_new(m->header, "x", json_string(x + 4 - more));
		json_object_set_new(m->claims, "filler", json_string(""));
		maker_sign(m);
		for (size_t chars = (size - m->len) / 4 * 3; m->len < size; chars++) {
			char *filler = malloc(chars + 1);
			memset(filler, 'x', chars);
			filler[chars] = '\0';
			json_object_set_new(m->claims, "filler", json_string(filler));
			free(filler);
			maker_sign(m);
		}
		if (m->len == size)
			return;
	}
	ck_abort_msg("no SAD of %zu characters", size);
}

/* The changes of the proof beside it. */
static bool apply_proof(struct sad_maker *m, const char *verb, char *rest)
{
	const char *first = strncmp(verb, "pro", 3) == 0 ? word(&rest) : "";
	if (strcmp(verb, "prove") == 0) {
		m->prover = maker_key(first);
		m->proof_header = json("{'typ':'sad-proof+jwt','kid':'%s'}", m->prover->d.kid);
		m->proof = json("{'aud':'" SAM_ID "','iat':%lld,'exp':%lld,'jti':'%s','ath':'@ath@'}", (long long)steady,
				(long long)steady + 60, new_jti());
	} else if (strcmp(verb, "proof") == 0) {
		change(m, m->proof, first, rest);
	} else if (strcmp(verb, "proofheader") == 0) {
		change(m, m->proof_header, first, rest);
	} else {
		return false;
	}
	return true;
}

/* The changes of how it is encrypted. */
static bool apply_outer(struct sad_maker *m, const char *verb, char *rest)
{
	if (strcmp(verb, "encrypt") == 0) {
		apply_encrypt(m, rest);
	} else if (strcmp(verb, "outer") == 0) {
		const char *path = word(&rest);
		change(m, m->jwe.header, path, rest);
	} else if (strcmp(verb, "outertext") == 0) {
		m->jwe.header_text = expand(m, rest, NULL);
	} else if (strcmp(verb, "to") == 0) {
		apply_to(m, rest);
	} else if (strcmp(verb, "bytes") == 0) {
		m->jwe.bytes = strtoul(rest, NULL, 10);
	} else if (strcmp(verb, "deflate") == 0) {
		m->jwe.deflate = true;
	} else if (strcmp(verb, "again") == 0) {
		m->again = true;
	} else if (strcmp(verb, "inner") == 0) {
		m->inner = rest;
	} else {
		return false;
	}
	return true;
}

/* One change; ${edit} is the caller's to free, after the SAD. */
static void apply(struct sad_maker *m, char *edit)
{
	char *rest = edit;
	const char *verb = word(&rest);
	if (apply_proof(m, verb, rest) || apply_outer(m, verb, rest))
		return;
	if (strcmp(verb, "claim") == 0) {
		const char *path = word(&rest);
		change(m, m->claims, path, rest);
	} else if (strcmp(verb, "header") == 0) {
		const char *path = word(&rest);
		change(m, m->header, path, rest);
	} else if (strcmp(verb, "raw") == 0) {
		const char *path = word(&rest);
		change(m, m->claims, path, "\"@raw@\"");
		m->raw = expand(m, rest, NULL);
	} else if (strcmp(verb, "rawheader") == 0) {
		const char *path = word(&rest);
		change(m, m->header, path, "\"@raw@\"");
		m->raw_header = expand(m, rest, NULL);
	} else if (strcmp(verb, "payload") == 0) {
		m->payload = expand(m, rest, &m->payload_len);
	} else if (strcmp(verb, "headertext") == 0) {
		m->header_text = expand(m, rest, NULL);
	} else if (strcmp(verb, "key") == 0) {
		apply_key(m, rest);
	} else if (strcmp(verb, "signed-by") == 0) {
		m->by = maker_key(word(&rest));
		m->alg = *rest ? sam_jws_by_name(rest) : m->by->alg;
	} else if (strcmp(verb, "hmac") == 0) {
		snprintf(m->hmac, sizeof m->hmac, "%s", word(&rest));
		snprintf(m->secret, sizeof m->secret, "%s", rest);
	} else if (strcmp(verb, "text") == 0) {
		m->final = rest;
	} else if (strcmp(verb, "order") == 0) {
		apply_order(m, rest);
	} else if (strcmp(verb, "for") == 0) {
		m->order = strcmp(rest, "-") == 0 ? NULL : rest;
	} else if (strcmp(verb, "fill") == 0) {
		apply_fill(m, strtoul(rest, NULL, 10));
	} else if (strcmp(verb, "login") == 0) {
		m->login = rest;
	} else if (strcmp(verb, "signs") == 0) {
		m->signs = true;
	} else {
		ck_assert_msg(strcmp(verb, "good") == 0, "no such word: %s", verb);
	}
}

#endif
