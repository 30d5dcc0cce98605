/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The key attribute policy as the templates of C_GenerateKeyPair meet it (P1-T3.5): what an application may ask
 * for, in one table. What it leaves out is as the policy has it; what contradicts the policy is refused, so
 * that nobody believes to have a key of another kind than the one in the CM (src/cm makes that one).
 */
#include "provider/provider.h"

#include <limits.h>
#include <string.h>
#include <jansson.h>
#include <openssl/asn1.h>
#include "base/pkey.h"
#include "sap/sad.h"

SAM_AUTO_FREE(ASN1_TYPE, ASN1_TYPE_free);

enum { PUBLIC = 1, PRIVATE = 2, BOTH = PUBLIC | PRIVATE };
enum { FOR_RSA = 1, FOR_CURVE = 2, ANY = FOR_RSA | FOR_CURVE };

enum kind {
	CLASS,
	KEY_TYPE,
	ALWAYS, /* a flag that may be left out, or be TRUE */
	NEVER,	/* or FALSE */
	FLAG,	/* either: the key does neither */
	IGNORED,
	EMPTY,
	LABEL,
	START,
	END,
	BITS,
	EXPONENT,
	PARAMS,
	MECHANISMS,
	READ_ONLY, /* told by the key, not to the key */
};

static const struct rule {
	CK_ATTRIBUTE_TYPE type;
	unsigned halves, keys;
	enum kind kind;
} rules[] = {
	{CKA_CLASS, BOTH, ANY, CLASS},
	{CKA_KEY_TYPE, BOTH, ANY, KEY_TYPE},
	{CKA_TOKEN, BOTH, ANY, ALWAYS},
	{CKA_PRIVATE, PRIVATE, ANY, ALWAYS},
	{CKA_PRIVATE, PUBLIC, ANY, NEVER},
	{CKA_MODIFIABLE, BOTH, ANY, NEVER},
	{CKA_COPYABLE, BOTH, ANY, NEVER},
	{CKA_DESTROYABLE, BOTH, ANY, NEVER},
	{CKA_LABEL, BOTH, ANY, LABEL},
	{CKA_ID, BOTH, ANY, IGNORED},	/* the SAM's own is the credentialID */
	{CKA_SUBJECT, BOTH, ANY, EMPTY}, /* the registry's */
	{CKA_START_DATE, BOTH, ANY, START},
	{CKA_END_DATE, BOTH, ANY, END},
	{CKA_DERIVE, BOTH, ANY, NEVER},
	{CKA_LOCAL, BOTH, ANY, READ_ONLY},
	{CKA_KEY_GEN_MECHANISM, BOTH, ANY, READ_ONLY},
	{CKA_PUBLIC_KEY_INFO, BOTH, ANY, READ_ONLY},
	{CKA_UNIQUE_ID, BOTH, ANY, READ_ONLY},
	/* the private key */
	{CKA_SENSITIVE, PRIVATE, ANY, ALWAYS},
	{CKA_EXTRACTABLE, PRIVATE, ANY, NEVER},
	{CKA_SIGN, PRIVATE, ANY, ALWAYS},
	{CKA_SIGN_RECOVER, PRIVATE, ANY, NEVER},
	{CKA_DECRYPT, PRIVATE, ANY, NEVER},
	{CKA_UNWRAP, PRIVATE, ANY, NEVER},
	{CKA_WRAP_WITH_TRUSTED, PRIVATE, ANY, FLAG},   /* it is wrapped with none */
	{CKA_ALWAYS_AUTHENTICATE, PRIVATE, ANY, FLAG}, /* C_Sign asks for a SAD whatever it reads */
	{CKA_ALLOWED_MECHANISMS, PRIVATE, ANY, MECHANISMS},
	{CKA_ALWAYS_SENSITIVE, PRIVATE, ANY, READ_ONLY},
	{CKA_NEVER_EXTRACTABLE, PRIVATE, ANY, READ_ONLY},
	{CKA_MODULUS, BOTH, FOR_RSA, READ_ONLY},
	{CKA_PUBLIC_EXPONENT, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_PRIVATE_EXPONENT, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_PRIME_1, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_PRIME_2, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_EXPONENT_1, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_EXPONENT_2, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_COEFFICIENT, PRIVATE, FOR_RSA, READ_ONLY},
	{CKA_EC_PARAMS, PRIVATE, FOR_CURVE, READ_ONLY},
	{CKA_EC_POINT, BOTH, FOR_CURVE, READ_ONLY},
	{CKA_VALUE, PRIVATE, FOR_CURVE, READ_ONLY},
	/* the public key */
	{CKA_VERIFY, PUBLIC, ANY, ALWAYS},
	{CKA_VERIFY_RECOVER, PUBLIC, ANY, NEVER},
	{CKA_WRAP, PUBLIC, ANY, NEVER},
	{CKA_TRUSTED, PUBLIC, ANY, NEVER},
	/* p11tool asks for it with every RSA key, and has no option not to; it reads FALSE, and C_EncryptInit is
	 * refused. Nobody can be kept from encrypting to a public key elsewhere: what counts is that nothing
	 * decrypts. */
	{CKA_ENCRYPT, PUBLIC, FOR_RSA, FLAG},
	{CKA_ENCRYPT, PUBLIC, FOR_CURVE, NEVER},
	{CKA_MODULUS_BITS, PUBLIC, FOR_RSA, BITS},
	{CKA_PUBLIC_EXPONENT, PUBLIC, FOR_RSA, EXPONENT},
	{CKA_EC_PARAMS, PUBLIC, FOR_CURVE, PARAMS},
};
enum { RULES = sizeof rules / sizeof *rules };

enum { VALUE_MAX = 1024 };
_Static_assert(P11_SAM_LABEL_MAX + 1 == SAM_TEXT_SIZE, "a label that is taken can be registered");

/* What reading the templates has come to. */
struct reading {
	const struct sam_key_templates *t;
	unsigned half;
	bool said[RULES]; /* in this half */
	bool label_said, bits_said, start_said, end_said;
	struct sam_new_key *what;
};

/* A value, read once. */
struct value {
	size_t len;
	_Alignas(max_align_t) uint8_t data[VALUE_MAX];
};

static CK_RV value_copy(const CK_ATTRIBUTE *given, struct value *out)
{
	if (given->ulValueLen > sizeof out->data || (!given->pValue && given->ulValueLen > 0))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	out->len = given->ulValueLen;
	if (out->len > 0)
		memcpy(out->data, given->pValue, out->len);
	return CKR_OK;
}

static CK_RV take_flag(const struct value *value, enum kind kind)
{
	if (value->len != sizeof(CK_BBOOL) || (value->data[0] != CK_TRUE && value->data[0] != CK_FALSE))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return kind == FLAG || (value->data[0] == CK_TRUE) == (kind == ALWAYS) ? CKR_OK
									       : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV take_number(const struct value *value, CK_ULONG *out)
{
	if (value->len != sizeof *out)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(out, value->data, sizeof *out);
	return CKR_OK;
}

static CK_RV take_same(const struct value *value, CK_ULONG wanted)
{
	CK_ULONG number;
	const CK_RV rv = take_number(value, &number);
	return rv == CKR_OK && number != wanted ? CKR_TEMPLATE_INCONSISTENT : rv;
}

/* UTF-8, and nothing that people would not see as it is; the private half's counts, which is read first. */
static CK_RV take_label(struct reading *r, const struct value *value)
{
	char text[P11_SAM_LABEL_MAX + 1];
	if (value->len > P11_SAM_LABEL_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(text, value->data, value->len);
	text[value->len] = '\0';
	sam_auto(json_decref) json_t *utf8 = json_stringn(text, value->len);
	if (!utf8 || !sam_sad_label_valid(text, value->len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!r->label_said)
		memcpy(r->what->label, text, value->len + 1);
	r->label_said = true;
	return CKR_OK;
}

/* Empty: no such date. ${whole_day}: it ends with that day. Both halves say the same, if they say it. */
static CK_RV take_date(const struct value *value, bool whole_day, bool *said, int64_t *at)
{
	enum { DAY = 86400 };
	CK_DATE date;
	int64_t midnight = 0;
	if (value->len != 0) {
		if (value->len != sizeof date)
			return CKR_ATTRIBUTE_VALUE_INVALID;
		memcpy(&date, value->data, sizeof date);
		if (!sam_date_read(&date, &midnight))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		midnight += whole_day ? DAY : 0;
	}
	if (*said && *at != midnight)
		return CKR_TEMPLATE_INCONSISTENT;
	*said = true;
	*at = midnight;
	return CKR_OK;
}

static CK_RV take_bits(struct reading *r, const struct value *value)
{
	enum { MIN = 2048, MAX = 4096 };
	CK_ULONG bits;
	const CK_RV rv = take_number(value, &bits);
	if (rv != CKR_OK)
		return rv;
	if (bits < MIN || bits > MAX || bits % 8 != 0)
		return CKR_KEY_SIZE_RANGE;
	r->what->bits = (unsigned)bits;
	r->bits_said = true;
	return CKR_OK;
}

/* 65537, or left out. */
static CK_RV take_exponent(const struct value *value)
{
	static const uint8_t f4[] = {0x01, 0x00, 0x01};
	size_t zeros = 0;
	while (zeros < value->len && value->data[zeros] == 0)
		zeros++;
	if (zeros == value->len)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return value->len - zeros == sizeof f4 && memcmp(value->data + zeros, f4, sizeof f4) == 0
		       ? CKR_OK
		       : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV take_params(struct reading *r, const struct value *value)
{
	const struct sam_curve *curve = sam_curve_find(value->data, value->len);
	if (curve && curve->type == r->t->type) {
		r->what->bits = curve->bits;
		r->bits_said = true;
		return CKR_OK;
	}
	/* another curve, by OID, by name or with all its numbers (PKCS#11 v3.0, 2.3.3); or no curve at all */
	const uint8_t *at = value->data;
	sam_auto(ASN1_TYPE_free) ASN1_TYPE *any = d2i_ASN1_TYPE(NULL, &at, (long)value->len);
	const int tag = any && at == value->data + value->len ? any->type : V_ASN1_UNDEF;
	return tag == V_ASN1_OBJECT || tag == V_ASN1_PRINTABLESTRING || tag == V_ASN1_SEQUENCE
		       ? CKR_CURVE_NOT_SUPPORTED
		       : CKR_DOMAIN_PARAMS_INVALID;
}

/* None that the SAM would not list for such a key; an empty list means other things to other people. */
static CK_RV take_mechanisms(const struct reading *r, const struct value *value)
{
	if (value->len == 0 || value->len % sizeof(CK_MECHANISM_TYPE) != 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (size_t at = 0; at < value->len; at += sizeof(CK_MECHANISM_TYPE)) {
		CK_MECHANISM_TYPE one;
		bool known = false;
		memcpy(&one, value->data + at, sizeof one);
		for (size_t i = 0; i < r->t->offered_count; i++)
			known |= r->t->offered[i]->key == r->t->type && r->t->offered[i]->type == one;
		if (!known)
			return CKR_TEMPLATE_INCONSISTENT;
	}
	return CKR_OK;
}

static CK_RV take_one(struct reading *r, enum kind kind, const struct value *value)
{
	switch (kind) {
	case CLASS: return take_same(value, r->half == PUBLIC ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY);
	case KEY_TYPE: return take_same(value, sam_generator_of(r->t->type)->ckk);
	case ALWAYS:
	case NEVER:
	case FLAG: return take_flag(value, kind);
	case EMPTY: return value->len == 0 ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
	case LABEL: return take_label(r, value);
	case START: return take_date(value, false, &r->start_said, &r->what->start);
	case END: return take_date(value, true, &r->end_said, &r->what->end);
	case BITS: return take_bits(r, value);
	case EXPONENT: return take_exponent(value);
	case PARAMS: return take_params(r, value);
	case MECHANISMS: return take_mechanisms(r, value);
	case READ_ONLY: return CKR_ATTRIBUTE_READ_ONLY;
	case IGNORED: break;
	}
	return CKR_OK;
}

static size_t rule_for(const struct reading *r, CK_ATTRIBUTE_TYPE type)
{
	const unsigned key = r->t->type == SAM_KEY_RSA ? FOR_RSA : FOR_CURVE;
	size_t i = 0;
	while (i < RULES && !(rules[i].type == type && (rules[i].halves & r->half) && (rules[i].keys & key)))
		i++;
	return i;
}

static CK_RV read_half(struct reading *r, unsigned half, const CK_ATTRIBUTE *template, size_t count)
{
	struct value value;
	r->half = half;
	memset(r->said, 0, sizeof r->said);
	for (size_t i = 0; i < count; i++) {
		const size_t at = rule_for(r, template[i].type);
		if (at == RULES)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if (r->said[at])
			return CKR_TEMPLATE_INCONSISTENT; /* said twice */
		r->said[at] = true;
		/* what is not looked at may be of any length */
		const bool unread = rules[at].kind == READ_ONLY || rules[at].kind == IGNORED;
		CK_RV rv = unread ? CKR_OK : value_copy(&template[i], &value);
		if (rv == CKR_OK)
			rv = take_one(r, rules[at].kind, &value);
		if (rv != CKR_OK)
			return rv;
	}
	return CKR_OK;
}

CK_RV sam_template_key(const struct sam_key_templates *templates, struct sam_new_key *what)
{
	struct reading r = {.t = templates, .what = what};
	memset(what, 0, sizeof *what);
	what->type = templates->type;
	CK_RV rv = read_half(&r, PRIVATE, templates->priv, templates->priv_count);
	if (rv == CKR_OK)
		rv = read_half(&r, PUBLIC, templates->pub, templates->pub_count);
	if (rv != CKR_OK)
		return rv;
	if (!r.bits_said)
		return CKR_TEMPLATE_INCOMPLETE;
	return what->start && what->end && what->start >= what->end ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
}
