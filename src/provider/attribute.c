/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a signer's key looks to an application: made from the SAM's view of it, never from the CM. And
 * how a template is compared with an object.
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

/* The yes and no of both halves of a key. */
static const struct {
	CK_ATTRIBUTE_TYPE type;
	bool on_private, private_value, on_public, public_value;
} flags[] = {
	{CKA_TOKEN, true, true, true, true},
	{CKA_PRIVATE, true, true, true, false},
	{CKA_MODIFIABLE, true, false, true, false},
	{CKA_COPYABLE, true, false, true, false},
	{CKA_DESTROYABLE, true, false, true, false},
	{CKA_LOCAL, true, true, true, true},
	{CKA_DERIVE, true, false, true, false},
	{CKA_SENSITIVE, true, true, false, false},
	{CKA_ALWAYS_SENSITIVE, true, true, false, false},
	{CKA_EXTRACTABLE, true, false, false, false},
	{CKA_NEVER_EXTRACTABLE, true, true, false, false},
	{CKA_WRAP_WITH_TRUSTED, true, false, false, false},
	{CKA_SIGN, true, true, false, false},
	{CKA_SIGN_RECOVER, true, false, false, false},
	{CKA_DECRYPT, true, false, false, false},
	{CKA_UNWRAP, true, false, false, false},
	{CKA_VERIFY, false, false, true, true},
	{CKA_VERIFY_RECOVER, false, false, true, false},
	{CKA_ENCRYPT, false, false, true, false},
	{CKA_WRAP, false, false, true, false},
	{CKA_TRUSTED, false, false, true, false},
};

static CK_RV read_flag(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		       struct sam_value *value)
{
	if (type == CKA_ALWAYS_AUTHENTICATE && object->is_private)
		return set_flag(value, object->view->always_authenticate);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (flags[i].type != type)
			continue;
		if (object->is_private ? flags[i].on_private : flags[i].on_public)
			return set_flag(value, object->is_private ? flags[i].private_value
								  : flags[i].public_value);
		break;
	}
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_KEY_TYPE key_type(enum sam_key_type type)
{
	return type == SAM_KEY_RSA ? CKK_RSA : type == SAM_KEY_EC ? CKK_EC : CKK_EC_EDWARDS;
}

static CK_MECHANISM_TYPE generation(enum sam_key_type type)
{
	return type == SAM_KEY_RSA  ? CKM_RSA_PKCS_KEY_PAIR_GEN
	       : type == SAM_KEY_EC ? CKM_EC_KEY_PAIR_GEN
				    : CKM_EC_EDWARDS_KEY_PAIR_GEN;
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
		return object->is_private ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
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
		return object->is_private ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

/* "prv-" or "pub-" and the credentialID. */
static CK_RV read_unique_id(const struct sam_object *object, struct sam_value *value)
{
	const size_t len = strlen(object->view->credential);
	memcpy(value->own.bytes, object->is_private ? "prv-" : "pub-", 4);
	memcpy(value->own.bytes + 4, object->view->credential, len);
	return set(value, value->own.bytes, 4 + len);
}

static CK_RV read_key(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
		      struct sam_value *value)
{
	const struct sam_key_view *view = object->view;
	switch (type) {
	case CKA_CLASS:
		return set_number(value, object->is_private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY);
	case CKA_ID: return set(value, view->id, sizeof view->id);
	case CKA_LABEL: return set(value, view->label, strlen(view->label));
	case CKA_KEY_TYPE: return set_number(value, key_type(view->type));
	case CKA_KEY_GEN_MECHANISM: return set_number(value, generation(view->type));
	case CKA_SUBJECT:
	case CKA_START_DATE:
	case CKA_END_DATE: return set(value, "", 0);
	case CKA_PUBLIC_KEY_INFO: return set(value, view->spki, view->spki_len);
	case CKA_UNIQUE_ID: return read_unique_id(object, value);
	case CKA_ALLOWED_MECHANISMS: return read_mechanisms(object, value);
	default: break;
	}
	CK_RV rv = read_flag(object, type, value);
	if (rv != CKR_ATTRIBUTE_TYPE_INVALID)
		return rv;
	return view->type == SAM_KEY_RSA ? read_rsa(object, type, value)
					 : read_ec(object, type, value);
}

CK_RV sam_attribute_read(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
			 struct sam_value *value)
{
	if (!object->session)
		return read_key(object, type, value);
	const struct sam_kept *kept = sam_template_kept(object->session, type);
	return kept ? set(value, kept->data, kept->len) : CKR_ATTRIBUTE_TYPE_INVALID;
}

bool sam_attribute_matches(const struct sam_object *object, const CK_ATTRIBUTE *template,
			   size_t count)
{
	struct sam_value value;
	for (size_t i = 0; i < count; i++) {
		if (sam_attribute_read(object, template[i].type, &value) != CKR_OK ||
		    value.len != template[i].ulValueLen)
			return false;
		if (value.len > 0 &&
		    (!template[i].pValue || memcmp(value.data, template[i].pValue, value.len) != 0))
			return false;
	}
	return true;
}
