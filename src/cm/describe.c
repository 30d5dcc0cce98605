/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A private key's attributes as one plain text, which the registry seals when the key is made, and which tells
 * at each later reading what was changed behind the SAM's back (P1-6.3.1b.3, invariant 9).
 */
#include "cm/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/encode.h"
#include "base/log.h"
#include "base/ossl.h"

enum { VALUE_MAX = 1024, PLAIN_MAX = 64, HASH = 32, LIST_MAX = 8, LONG_LIST_MAX = VALUE_MAX / sizeof(CK_ULONG) };

enum form { BOOL, NUMBER, BYTES, LIST, DATE, HASHED };

/* The order is that of the text, and sealed: new ones go to the end. */
static const struct {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	enum form form;
} table[] = {
	{CKA_CLASS, "CKA_CLASS", NUMBER},
	{CKA_KEY_TYPE, "CKA_KEY_TYPE", NUMBER},
	{CKA_LABEL, "CKA_LABEL", BYTES},
	{CKA_ID, "CKA_ID", BYTES},
	{CKA_TOKEN, "CKA_TOKEN", BOOL},
	{CKA_PRIVATE, "CKA_PRIVATE", BOOL},
	{CKA_SENSITIVE, "CKA_SENSITIVE", BOOL},
	{CKA_EXTRACTABLE, "CKA_EXTRACTABLE", BOOL},
	{CKA_SIGN, "CKA_SIGN", BOOL},
	{CKA_DECRYPT, "CKA_DECRYPT", BOOL},
	{CKA_UNWRAP, "CKA_UNWRAP", BOOL},
	{CKA_DERIVE, "CKA_DERIVE", BOOL},
	{CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", BOOL},
	{CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", BOOL},
	{CKA_MODIFIABLE, "CKA_MODIFIABLE", BOOL},
	{CKA_COPYABLE, "CKA_COPYABLE", BOOL},
	{CKA_DESTROYABLE, "CKA_DESTROYABLE", BOOL},
	{CKA_ALLOWED_MECHANISMS, "CKA_ALLOWED_MECHANISMS", LIST},
	{CKA_LOCAL, "CKA_LOCAL", BOOL},
	{CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", BOOL},
	{CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", BOOL},
	{CKA_KEY_GEN_MECHANISM, "CKA_KEY_GEN_MECHANISM", NUMBER},
	{CKA_START_DATE, "CKA_START_DATE", DATE},
	{CKA_END_DATE, "CKA_END_DATE", DATE},
	/* asked of RSA keys alone: what a CM does not know makes it slow (see sam_cm_attr_read()) */
	{CKA_MODULUS, "CKA_MODULUS", HASHED},
	{CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT", HASHED},
};

enum { COUNT = sizeof table / sizeof table[0], RSA_ONLY = 2, DATES = 2, KEY_TYPE_AT = 1 };

struct text {
	char *data;
	size_t len;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->data + t->len, SAM_CM_ATTRIBUTES_SIZE - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= SAM_CM_ATTRIBUTES_SIZE - t->len)
		t->full = true;
	else
		t->len += (size_t)n;
}

static enum sam_reason add_hashed(struct text *t, const void *value, size_t len)
{
	uint8_t hash[HASH];
	char hex[2 * HASH + 1];
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, value, len, hash);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(hash, HASH, hex);
	add(t, "sha256:%s", hex);
	return SAM_OK;
}

static enum sam_reason add_bytes(struct text *t, const uint8_t *value, size_t len)
{
	char hex[2 * PLAIN_MAX + 1];
	if (len > PLAIN_MAX)
		return add_hashed(t, value, len);
	sam_encode_hex(value, len, hex);
	add(t, "%s", hex);
	return SAM_OK;
}

static int by_number(const void *a, const void *b)
{
	CK_ULONG x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static enum sam_reason add_list(struct text *t, const uint8_t *value, size_t len)
{
	CK_ULONG list[LONG_LIST_MAX];
	size_t count = len / sizeof list[0];
	if (len % sizeof list[0] || count > LONG_LIST_MAX)
		return add_hashed(t, value, len);
	memcpy(list, value, len);
	qsort(list, count, sizeof list[0], by_number);
	if (count > LIST_MAX)
		return add_hashed(t, list, len);
	for (size_t i = 0; i < count; i++)
		add(t, "%s%lx", i ? "," : "", list[i]);
	return SAM_OK;
}

static enum sam_reason add_date(struct text *t, const uint8_t *value, size_t len)
{
	bool digits = len == sizeof(CK_DATE);
	for (size_t i = 0; i < len && digits; i++)
		digits = value[i] >= '0' && value[i] <= '9';
	if (digits)
		add(t, "%.8s", (const char *)value);
	else if (len)
		return add_hashed(t, value, len);
	return SAM_OK;
}

static enum sam_reason add_value(struct text *t, enum form form, const uint8_t *value, size_t len)
{
	CK_ULONG number;
	switch (form) {
	case BOOL:
		if (len != sizeof(CK_BBOOL))
			return add_hashed(t, value, len);
		add(t, "%s", *value ? "01" : "00");
		return SAM_OK;
	case NUMBER:
		if (len != sizeof number)
			return add_hashed(t, value, len);
		memcpy(&number, value, len);
		add(t, "%lx", number);
		return SAM_OK;
	case LIST: return add_list(t, value, len);
	case DATE: return add_date(t, value, len);
	case HASHED: return add_hashed(t, value, len);
	case BYTES: break;
	}
	return add_bytes(t, value, len);
}

struct reading {
	CK_ATTRIBUTE attrs[COUNT];
	enum sam_cm_attr_state states[COUNT];
	uint8_t values[COUNT][VALUE_MAX];
};

static enum sam_reason read_some(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				 struct reading *r, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		r->attrs[i] = (CK_ATTRIBUTE){table[i].type, r->values[i], VALUE_MAX};
	return sam_cm_attr_read(cm, s, key, r->attrs + from, count, r->states + from);
}

static enum sam_reason read_all(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				struct reading *r, size_t *count)
{
	CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
	enum sam_reason reason = read_some(cm, s, key, r, 0, COUNT - RSA_ONLY - DATES);
	*count = COUNT - RSA_ONLY;
	for (size_t i = *count - DATES; i < *count && reason == SAM_OK; i++)
		reason = sam_cm_attr_date(cm, s, key, table[i].type, r->values[i], VALUE_MAX, &r->attrs[i].ulValueLen,
					  &r->states[i]);
	if (reason == SAM_OK && r->states[KEY_TYPE_AT] == SAM_CM_ATTR_READ &&
	    r->attrs[KEY_TYPE_AT].ulValueLen == sizeof type)
		memcpy(&type, r->values[KEY_TYPE_AT], sizeof type);
	if (reason == SAM_OK && type == CKK_RSA) {
		reason = read_some(cm, s, key, r, *count, RSA_ONLY);
		*count = COUNT;
	}
	return reason;
}

enum sam_reason sam_cm_describe(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				char out[SAM_CM_ATTRIBUTES_SIZE], bool *local)
{
	static const CK_ATTRIBUTE_TYPE birth[] = {CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
	struct text t = {out, 0, false};
	unsigned born = 0;
	size_t count;
	sam_auto(sam_free) struct reading *r = malloc(sizeof *r);
	if (!r)
		return SAM_MEMORY;
	enum sam_reason reason = read_all(cm, s, key, r, &count);
	for (size_t i = 0; i < count && reason == SAM_OK; i++) {
		const uint8_t *value = r->values[i];
		size_t len = r->attrs[i].ulValueLen;
		bool is = r->states[i] == SAM_CM_ATTR_READ;
		add(&t, "%s%s=", i ? " " : "", table[i].name);
		if (!is) /* too long is not the same as not to be had */
			add(&t, "%s", r->states[i] == SAM_CM_ATTR_LONG ? "long" : "-");
		else
			reason = add_value(&t, table[i].form, value, len);
		for (size_t k = 0; k < sizeof birth / sizeof birth[0]; k++)
			born += is && table[i].type == birth[k] && len == sizeof(CK_BBOOL) && *value;
	}
	*local = born == sizeof birth / sizeof birth[0];
	if (reason == SAM_OK && t.full)
		reason = sam_log_reason(SAM_INTERNAL, "a key's attributes do not fit their text");
	return reason;
}

bool sam_cm_attributes_same(const char *sealed, const char *now, char name[SAM_CM_ATTRIBUTE_NAME])
{
	name[0] = '\0';
	while (*sealed || *now) {
		size_t a = strcspn(sealed, " "), b = strcspn(now, " ");
		if (a != b || memcmp(sealed, now, a) != 0) {
			const char *from = a ? sealed : now;
			size_t len = strcspn(from, "= ");
			if (len >= SAM_CM_ATTRIBUTE_NAME)
				len = SAM_CM_ATTRIBUTE_NAME - 1;
			memcpy(name, from, len);
			name[len] = '\0';
			return false;
		}
		sealed += a + (sealed[a] == ' ');
		now += b + (now[b] == ' ');
	}
	return true;
}

void sam_cm_made_clear(struct sam_cm_made *made)
{
	free(made->spki);
	memset(made, 0, sizeof *made);
}
