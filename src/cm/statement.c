/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the SAM itself states, signed with its own key in the CM: checkpoints, the policy, backups, where a key
 * comes from, which key SADs are encrypted to. The bytes are made here out of typed members, each checked to be plain,
 * so that no caller's bytes reach the key (invariant 1).
 */
#include "cm/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "base/log.h"
#include "base/name.h"
#include "base/ossl.h"

enum { TEXT_MAX = 4096, HASH = 32, SIGNATURE = 64, KID = 43, AUD_MAX = 255, JTI_MAX = 128, CREDENTIAL = 32 };
enum { WORDS_MAX = 64, EVALUATION_MAX = 512, NUMBER_MAX = 1024 };

static const char *const types[] = {
	[SAM_CM_CHECKPOINT] = SAM_TYP_CHECKPOINT,
	[SAM_CM_POLICY] = SAM_TYP_POLICY,
	[SAM_CM_BACKUP] = SAM_TYP_BACKUP,
	[SAM_CM_EVIDENCE] = SAM_TYP_EVIDENCE,
	[SAM_CM_SAP_KEY] = SAM_TYP_SAP_KEY,
};

/* A JSON object on its way. */
struct text {
	char data[TEXT_MAX];
	size_t len;
	bool bad;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->data + t->len, sizeof t->data - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof t->data - t->len)
		t->bad = true;
	else
		t->len += (size_t)n;
}

static void add_name(struct text *t, const char *name)
{
	add(t, "%c\"%s\":", t->len ? ',' : '{', name);
}

static bool base64url(const char *text)
{
	for (; *text; text++)
		if (!((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z') ||
		      (*text >= '0' && *text <= '9') || *text == '-' || *text == '_'))
			return false;
	return true;
}

static bool is_iss(const char *text)
{
	return sam_name_valid(text, strlen(text));
}

static bool plain(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
			return false;
	return len >= 1 && len <= max;
}

static bool is_aud(const char *text)
{
	return plain(text, AUD_MAX);
}

static bool is_words(const char *text)
{
	return plain(text, WORDS_MAX);
}

static bool is_attributes(const char *text)
{
	return plain(text, SAM_CM_ATTRIBUTES_SIZE - 1);
}

static bool is_evaluation(const char *text)
{
	return plain(text, EVALUATION_MAX);
}

static bool is_credential(const char *text)
{
	return strlen(text) == CREDENTIAL && strspn(text, "0123456789abcdef") == CREDENTIAL;
}

static bool is_jti(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= JTI_MAX && base64url(text);
}

static bool is_kid(const char *text)
{
	return strlen(text) == KID && base64url(text);
}

static bool is_number(const char *text)
{
	return strnlen(text, NUMBER_MAX + 1) <= NUMBER_MAX && *text && base64url(text);
}

static void add_text(struct text *t, const char *name, const char *value, bool (*is)(const char *))
{
	if (!value || !is(value)) {
		t->bad = true;
		return;
	}
	add_name(t, name);
	add(t, "\"%s\"", value);
}

static void add_number(struct text *t, const char *name, uint64_t value)
{
	if (value > INT64_MAX) /* a negative time, too */
		t->bad = true;
	add_name(t, name);
	add(t, "%" PRIu64, value);
}

static void add_hash(struct text *t, const char *name, const uint8_t *hash)
{
	char hex[2 * HASH + 1];
	if (!hash) {
		t->bad = true;
		return;
	}
	sam_encode_hex(hash, HASH, hex);
	add_name(t, name);
	add(t, "\"%s\"", hex);
}

static void make_header(struct text *t, const struct sam_cm_statement *x)
{
	add(t, "{\"alg\":\"ES256\",\"typ\":\"%s\"", types[x->kind]);
	add_text(t, "kid", x->kid, is_kid);
	add(t, "}");
}

/* The CM's word about itself; what is not plain in it is replaced. */
static void add_cm_text(struct text *t, char separator, const char *name, const char *value)
{
	add(t, "%c\"%s\":\"", separator, name);
	for (; *value; value++)
		add(t, "%c", *value < ' ' || *value > '~' || *value == '"' || *value == '\\' ? '?' : *value);
	add(t, "\"");
}

static void make_evidence(struct text *t, const struct sam_cm_statement *x, const struct sam_cm_info *cm)
{
	add_text(t, "credentialID", x->credential, is_credential);
	add_hash(t, "thumbprint", x->sha256[0]);
	add_text(t, "key_type", x->key_type, is_words);
	add_text(t, "origin", x->origin, is_words);
	add_text(t, "attributes", x->attributes, is_attributes);
	add_name(t, "cm");
	add_cm_text(t, '{', "manufacturer", cm->manufacturer);
	add_cm_text(t, ',', "model", cm->model);
	add_cm_text(t, ',', "firmware", cm->firmware);
	add_cm_text(t, ',', "serial", cm->serial);
	add(t, "}");
	add_text(t, "evaluation", x->evaluation, is_evaluation);
}

static void make_sap_key(struct text *t, const struct sam_cm_statement *x)
{
	static const char *const names[][2] = {[SAM_CM_SAP_EC] = {"x", "y"}, [SAM_CM_SAP_RSA] = {"n", "e"}};
	const bool ec = x->sap_type == SAM_CM_SAP_EC;
	add_text(t, "jkt", x->sap_kid, is_kid);
	add_name(t, "jwk");
	add(t, ec ? "{\"kty\":\"EC\",\"crv\":\"P-256\"" : "{\"kty\":\"RSA\"");
	for (unsigned i = 0; i < 2; i++) /* a coordinate is as long as a thumbprint */
		add_text(t, names[x->sap_type][i], x->sap_numbers[i], ec ? is_kid : is_number);
	add(t, ",\"use\":\"enc\"}");
}

static void make_state(struct text *t, const struct sam_cm_statement *x)
{
	if (x->kind == SAM_CM_CHECKPOINT)
		add_number(t, "number", x->number);
	add_number(t, "epoch", x->epoch);
	add_number(t, "sequence", x->sequence);
	add_number(t, "audit_seq", x->audit_seq);
	if (x->kind == SAM_CM_BACKUP)
		add_hash(t, "file_sha256", x->sha256[0]);
	add_hash(t, "audit_hash", x->sha256[x->kind == SAM_CM_BACKUP]);
}

static void make_payload(struct text *t, const struct sam_cm_statement *x, const struct sam_cm_info *cm)
{
	add_text(t, "iss", x->iss, is_iss);
	add_text(t, "aud", x->aud, is_aud);
	add_number(t, "iat", (uint64_t)x->iat);
	if (x->exp && (x->kind == SAM_CM_POLICY || x->kind == SAM_CM_BACKUP))
		add_number(t, "exp", (uint64_t)x->exp);
	if (x->kind != SAM_CM_CHECKPOINT)
		add_text(t, "jti", x->jti, is_jti);
	if (x->kind == SAM_CM_EVIDENCE) {
		make_evidence(t, x, cm);
	} else if (x->kind == SAM_CM_SAP_KEY) {
		make_sap_key(t, x);
	} else if (x->kind == SAM_CM_POLICY) {
		add_number(t, "version", x->number);
		add_hash(t, "policy_sha256", x->sha256[0]);
		add_hash(t, "config_sha256", x->sha256[1]);
	} else {
		make_state(t, x);
	}
	add(t, "}");
}

static size_t b64_size(size_t len)
{
	return (len * 4 + 2) / 3;
}

/* The signing input, with room behind it for the signature. */
static enum sam_reason make_input(const struct sam_cm *cm, const struct sam_cm_statement *x, char **out, size_t *len)
{
	struct text header = {.len = 0}, payload = {.len = 0};
	if ((unsigned)x->kind >= sizeof types / sizeof types[0] || (unsigned)x->sap_type >= SAM_CM_SAP_TYPES)
		return sam_log_reason(SAM_ARGUMENTS, "sam_cm_state: no such kind of statement");
	make_header(&header, x);
	struct sam_cm_info info;
	sam_cm_info(cm, &info);
	make_payload(&payload, x, &info);
	if (header.bad || payload.bad)
		return sam_log_reason(SAM_ARGUMENTS, "a %s statement lacks something, or a text of it is not plain",
				      types[x->kind]);
	char *text = malloc(b64_size(header.len) + b64_size(payload.len) + b64_size(SIGNATURE) + 3);
	if (!text)
		return SAM_MEMORY;
	*len = sam_encode_b64url(header.data, header.len, text);
	text[(*len)++] = '.';
	*len += sam_encode_b64url(payload.data, payload.len, text + *len);
	*out = text;
	return SAM_OK;
}

struct signing {
	uint8_t hash[HASH], signature[SIGNATURE];
};

static enum sam_reason sign_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct signing *g = arg;
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_OBJECT_HANDLE key;
	CK_ULONG len = sizeof g->signature;
	enum sam_reason reason = sam_cm_statement_key(cm, s, &key);
	if (reason != SAM_OK)
		return reason;
	CK_RV rv = cm->vendor->f->C_SignInit(s->handle, &mechanism, key);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_SignInit", rv);
	rv = cm->vendor->f->C_Sign(s->handle, g->hash, sizeof g->hash, g->signature, &len);
	if (rv != CKR_OK || len != sizeof g->signature)
		return sam_cm_fail(s, "C_Sign", rv);
	return SAM_OK;
}

enum sam_reason sam_cm_state(struct sam_cm *cm, const struct sam_cm_statement *statement, char **jws)
{
	sam_auto(sam_free) char *text = NULL;
	struct signing g;
	size_t len;
	*jws = NULL;
	enum sam_reason reason = make_input(cm, statement, &text, &len);
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, g.hash);
	if (reason == SAM_OK)
		reason = sam_cm_run(cm, sign_step, &g);
	if (reason != SAM_OK)
		return reason;
	text[len++] = '.';
	sam_encode_b64url(g.signature, sizeof g.signature, text + len);
	*jws = text;
	text = NULL;
	return SAM_OK;
}
