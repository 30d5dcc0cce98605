/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a signer's key and its certificate look to an application: made from the SAM's view of them, never from
 * the CM. And how a template is compared with an object.
 */
#include "provider/provider.h"

#include <string.h>

static CK_RV set(struct sam_value *value, const void *data, size_t len)
{
	value->data = data;
	value->len = len;
	return CKR_OK;
}

static CK_RV set_flag(struct sam_value *value, bool flag)
{
	value->own.flag = flag ? CK_TRUE : CK_FALSE;
	return set(value, &value->own.flag, sizeof value->own.flag);
}

static CK_RV set_number(struct sam_value *value, CK_ULONG number)
{
	value->own.number = number;
	return set(value, &value->own.number, sizeof value->own.number);
}

/* What a yes or no is: none at all, always the same, or as the SAM's view has it. */
enum truth { NONE, NO, YES, AS_LOCAL, AS_SENSITIVE, AS_EXTRACTABLE, AS_AUTHENTICATE };

static const struct {
	CK_ATTRIBUTE_TYPE type;
	enum truth of[SAM_PART_COUNT]; /* private key, public key, certificate */
} flags[] = {
	{CKA_TOKEN, {YES, YES, YES}},
	{CKA_PRIVATE, {YES, NO, NO}},
	{CKA_MODIFIABLE, {NO, NO, NO}},
	{CKA_COPYABLE, {NO, NO, NO}},
	{CKA_DESTROYABLE, {NO, NO, NO}},
	{CKA_LOCAL, {AS_LOCAL, AS_LOCAL, NONE}},
	{CKA_DERIVE, {NO, NO, NONE}},
	{CKA_SENSITIVE, {YES, NONE, NONE}},
	{CKA_ALWAYS_SENSITIVE, {AS_SENSITIVE, NONE, NONE}},
	{CKA_EXTRACTABLE, {NO, NONE, NONE}},
	{CKA_NEVER_EXTRACTABLE, {AS_EXTRACTABLE, NONE, NONE}},
	{CKA_ALWAYS_AUTHENTICATE, {AS_AUTHENTICATE, NONE, NONE}},
	{CKA_WRAP_WITH_TRUSTED, {NO, NONE, NONE}},
	{CKA_SIGN, {YES, NONE, NONE}},
	{CKA_SIGN_RECOVER, {NO, NONE, NONE}},
	{CKA_DECRYPT, {NO, NONE, NONE}},
	{CKA_UNWRAP, {NO, NONE, NONE}},
	{CKA_VERIFY, {NONE, YES, NONE}},
	{CKA_VERIFY_RECOVER, {NONE, NO, NONE}},
	{CKA_ENCRYPT, {NONE, NO, NONE}},
	{CKA_WRAP, {NONE, NO, NONE}},
	{CKA_TRUSTED, {NONE, NO, NO}},
};

static CK_RV read_flag(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		       struct sam_value *value)
{
	size_t i = 0;
	while (i < sizeof flags / sizeof *flags && flags[i].type != type)
		i++;
	switch (i < sizeof flags / sizeof *flags ? flags[i].of[object->part] : NONE) {
	case NO: return set_flag(value, false);
	case YES: return set_flag(value, true);
	case AS_LOCAL: return set_flag(value, object->view->local);
	case AS_SENSITIVE: return set_flag(value, object->view->always_sensitive);
	case AS_EXTRACTABLE: return set_flag(value, object->view->never_extractable);
	case AS_AUTHENTICATE: return set_flag(value, object->view->always_authenticate);
	case NONE: break;
	}
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

/* A day, or empty: there is none. */
static CK_RV read_date(int64_t at, struct sam_value *value)
{
	if (at == 0 || !sam_date_write(at, &value->own.date))
		return set(value, "", 0);
	return set(value, &value->own.date, sizeof value->own.date);
}

/* PKCS#11 v3.0, 4.8: of a key that was not made here nobody knows the mechanism. */
static CK_RV read_generation(const struct sam_key_view *view, struct sam_value *value)
{
	return set_number(value, view->local ? sam_generator_of(view->type)->mechanism
					     : CK_UNAVAILABLE_INFORMATION);
}

/* The mechanisms that C_GetMechanismList lists for this type of key. */
static CK_RV read_mechanisms(const struct sam_object *object, struct sam_value *value)
{
	size_t n = 0;
	for (size_t i = 0; i < object->p->offered_count; i++)
		if (object->p->offered[i]->key == object->view->type)
			value->own.list[n++] = object->p->offered[i]->type;
	return set(value, value->own.list, n * sizeof *value->own.list);
}

/* CKA_EC_POINT is the DER of an OCTET STRING. */
static CK_RV read_point(const struct sam_spki *parts, struct sam_value *value)
{
	uint8_t *out = value->own.bytes;
	size_t n = 0;
	if (parts->point_len > 0xff || parts->point_len + 3 > sizeof value->own.bytes)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	out[n++] = 0x04;
	if (parts->point_len > 0x7f)
		out[n++] = 0x81;
	out[n++] = (uint8_t)parts->point_len;
	memcpy(out + n, parts->point, parts->point_len);
	return set(value, out, n + parts->point_len);
}

/* What only this kind of key has. The public facts stand on both halves: clients look for them there. */
static CK_RV read_rsa(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		      struct sam_value *value)
{
	switch (type) {
	case CKA_MODULUS: return set(value, object->parts->modulus, object->parts->modulus_len);
	case CKA_PUBLIC_EXPONENT:
		return set(value, object->parts->exponent, object->parts->exponent_len);
	case CKA_MODULUS_BITS: return set_number(value, object->view->bits);
	case CKA_PRIVATE_EXPONENT:
	case CKA_PRIME_1:
	case CKA_PRIME_2:
	case CKA_EXPONENT_1:
	case CKA_EXPONENT_2:
	case CKA_COEFFICIENT:
		return object->part == SAM_PART_PRIVATE ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

static CK_RV read_ec(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		     struct sam_value *value)
{
	switch (type) {
	case CKA_EC_PARAMS: return set(value, object->parts->params, object->parts->params_len);
	case CKA_EC_POINT: return read_point(object->parts, value);
	case CKA_VALUE:
		return object->part == SAM_PART_PRIVATE ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

/* "prv-", "pub-" or "crt-", and the credentialID. */
static CK_RV read_unique_id(const struct sam_object *object, struct sam_value *value)
{
	static const char prefixes[SAM_PART_COUNT][5] = {"prv-", "pub-", "crt-"};
	const size_t len = strlen(object->view->credential);
	memcpy(value->own.bytes, prefixes[object->part], 4);
	memcpy(value->own.bytes + 4, object->view->credential, len);
	return set(value, value->own.bytes, 4 + len);
}

/* What all the objects of a key have. */
static CK_RV read_common(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
			 struct sam_value *value)
{
	static const CK_OBJECT_CLASS classes[SAM_PART_COUNT] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
								CKO_CERTIFICATE};
	const struct sam_key_view *view = object->view;
	switch (type) {
	case CKA_CLASS: return set_number(value, classes[object->part]);
	case CKA_ID: return set(value, view->id, sizeof view->id);
	case CKA_LABEL: return set(value, view->label, strlen(view->label));
	/* clients look for a certificate's key by the name, too */
	case CKA_SUBJECT:
		return set(value, object->certificate->subject.data, object->certificate->subject.len);
	case CKA_PUBLIC_KEY_INFO: return set(value, view->spki, view->spki_len);
	case CKA_UNIQUE_ID: return read_unique_id(object, value);
	default: return read_flag(object, type, value);
	}
}

static CK_RV read_key(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		      struct sam_value *value)
{
	const struct sam_key_view *view = object->view;
	switch (type) {
	case CKA_KEY_TYPE: return set_number(value, sam_generator_of(view->type)->ckk);
	case CKA_KEY_GEN_MECHANISM: return read_generation(view, value);
	case CKA_START_DATE: return read_date(view->start, value);
	/* the last day: it signs before ${end} */
	case CKA_END_DATE: return read_date(view->end ? view->end - 1 : 0, value);
	case CKA_ALLOWED_MECHANISMS: return read_mechanisms(object, value);
	default:
		return view->type == SAM_KEY_RSA ? read_rsa(object, type, value)
						 : read_ec(object, type, value);
	}
}

static CK_RV read_certificate(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
			      struct sam_value *value)
{
	enum { TOKEN_USER = 1 };
	const struct sam_certificate_parts *parts = object->certificate;
	switch (type) {
	case CKA_CERTIFICATE_TYPE: return set_number(value, CKC_X_509);
	case CKA_CERTIFICATE_CATEGORY: return set_number(value, TOKEN_USER);
	case CKA_VALUE:
		return set(value, object->view->certificate, object->view->certificate_len);
	case CKA_ISSUER: return set(value, parts->issuer.data, parts->issuer.len);
	case CKA_SERIAL_NUMBER: return set(value, parts->serial, parts->serial_len);
	case CKA_START_DATE: return set(value, &parts->start, sizeof parts->start);
	case CKA_END_DATE: return set(value, &parts->end, sizeof parts->end);
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

CK_RV sam_attribute_read(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
			 struct sam_value *value)
{
	if (!object->session) {
		const CK_RV rv = read_common(object, type, value);
		if (rv != CKR_ATTRIBUTE_TYPE_INVALID)
			return rv;
		return object->part == SAM_PART_CERTIFICATE ? read_certificate(object, type, value)
							    : read_key(object, type, value);
	}
	if (object->session->chain && type == CKA_VALUE)
		return sam_deposit_read(object->p, object->session, value);
	const struct sam_kept *kept = sam_template_kept(object->session, type);
	return kept ? set(value, kept->data, kept->len) : CKR_ATTRIBUTE_TYPE_INVALID;
}

bool sam_attribute_matches(const struct sam_object *object, const CK_ATTRIBUTE *template,
			   size_t count)
{
	struct sam_value value;
	bool matches = true;
	for (size_t i = 0; matches && i < count; i++)
		matches = sam_attribute_read(object, template[i].type, &value) == CKR_OK &&
			  value.len == template[i].ulValueLen &&
			  (value.len == 0 ||
			   (template[i].pValue && sam_mem_equal(value.data, template[i].pValue, value.len)));
	if (object->session && object->session->chain)
		sam_mem_wipe(&value.own, sizeof value.own); /* it may be a token */
	return matches;
}
