/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All keys of the token: so that a destroyed key that was put back, under whatever CKA_ID and label, and keys that
 * nobody registered are found (P3-3.3, invariant 9).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/ossl.h"

enum { CHUNK = 256, INFO_MAX = 1024 };

struct scan {
	struct sam_cm_found *keys;
	size_t count, room;
};

static enum sam_reason more_room(struct scan *x)
{
	if (x->count < x->room)
		return SAM_OK;
	struct sam_cm_found *keys = realloc(x->keys, (x->room + CHUNK) * sizeof *keys);
	if (!keys)
		return SAM_MEMORY;
	x->keys = keys;
	x->room += CHUNK;
	return SAM_OK;
}

static enum sam_reason read_label(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				  struct sam_cm_found *out)
{
	uint8_t text[1024];
	enum sam_cm_attr_state state;
	size_t len;
	enum sam_reason reason = sam_cm_attr_try(cm, s, object, CKA_LABEL, text, sizeof text, &len, &state);
	if (reason != SAM_OK)
		return reason;
	if (len >= sizeof out->label)
		len = sizeof out->label - 1;
	for (size_t i = 0; i < len; i++)
		out->label[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	return SAM_OK;
}

static bool type_of(CK_KEY_TYPE type, enum sam_key_type *out)
{
	*out = type == CKK_RSA ? SAM_KEY_RSA : type == CKK_EC ? SAM_KEY_EC : SAM_KEY_ED25519;
	return type == CKK_RSA || type == CKK_EC || type == CKK_EC_EDWARDS;
}

/* Some CMs tell the whole of it, of private keys too. */
static enum sam_reason read_info(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 EVP_PKEY **pkey)
{
	uint8_t info[INFO_MAX];
	enum sam_cm_attr_state state;
	size_t len;
	enum sam_reason reason =
		sam_cm_attr_try(cm, s, object, CKA_PUBLIC_KEY_INFO, info, sizeof info, &len, &state);
	if (reason == SAM_OK && len)
		*pkey = sam_ossl_pubkey(info, len);
	return reason;
}

static enum sam_reason read_thumbprint(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				       struct sam_cm_found *out)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	sam_auto(sam_free) uint8_t *spki = NULL;
	CK_KEY_TYPE number = CK_UNAVAILABLE_INFORMATION;
	enum sam_cm_attr_state state;
	enum sam_key_type type;
	size_t len;
	enum sam_reason reason = sam_cm_attr_try(cm, s, object, CKA_KEY_TYPE, &number, sizeof number, &len, &state);
	if (reason == SAM_OK && len == sizeof number && type_of(number, &type))
		reason = sam_cm_pubkey(cm, s, object, type, &pkey);
	if (!pkey && (reason == SAM_OK || reason == SAM_ARGUMENTS))
		reason = read_info(cm, s, object, &pkey);
	if (reason != SAM_OK || !pkey)
		return reason;
	reason = sam_ossl_spki(pkey, &spki, &len);
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, spki, len, out->thumbprint);
	out->known = reason == SAM_OK;
	return reason;
}

static enum sam_reason read_key(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class,
				CK_OBJECT_HANDLE object, struct sam_cm_found *out)
{
	uint8_t id[sizeof out->id];
	enum sam_cm_attr_state state;
	memset(out, 0, sizeof *out);
	out->private = class == CKO_PRIVATE_KEY;
	enum sam_reason reason = sam_cm_attr_try(cm, s, object, CKA_ID, id, sizeof id, &out->id_len, &state);
	if (reason != SAM_OK)
		return reason;
	memcpy(out->id, id, out->id_len);
	out->id_long = state == SAM_CM_ATTR_LONG;
	reason = read_label(cm, s, object, out);
	if (reason == SAM_OK)
		reason = read_thumbprint(cm, s, object, out);
	/* ours have no CKA_ID, by which a signer's key is asked for */
	out->own = !out->id_len && !out->id_long &&
		   strncmp(out->label, SAM_CM_OWN_LABEL, sizeof SAM_CM_OWN_LABEL - 1) == 0;
	return reason;
}

/* Another process destroyed it meanwhile; not: the login is gone, and with it all handles. */
static bool vanished(struct sam_cm *cm, struct sam_cm_session *s)
{
	if (s->rv != CKR_OBJECT_HANDLE_INVALID || !sam_cm_logged_in(cm, s))
		return false;
	s->rv = CKR_OK;
	s->call = NULL;
	return true;
}

static enum sam_reason scan_class(struct sam_cm *cm, struct sam_cm_session *s, struct scan *x, CK_OBJECT_CLASS class,
				  CK_OBJECT_HANDLE *found)
{
	CK_ATTRIBUTE match = {CKA_CLASS, &class, sizeof class};
	size_t n;
	enum sam_reason reason = sam_cm_attr_find(cm, s, &match, 1, found, SAM_CM_SCAN_MAX + 1, &n);
	if (reason == SAM_OK && n > SAM_CM_SCAN_MAX)
		return sam_log_reason(SAM_CM_FAILED, "more than %d keys in the CM: they are not looked through",
				      SAM_CM_SCAN_MAX);
	for (size_t i = 0; i < n && reason == SAM_OK; i++) {
		reason = more_room(x);
		if (reason != SAM_OK)
			return reason;
		reason = read_key(cm, s, class, found[i], &x->keys[x->count]);
		if (reason == SAM_OK)
			x->count++;
		else if (reason == SAM_CM_FAILED && vanished(cm, s))
			reason = SAM_OK;
	}
	return reason;
}

static enum sam_reason scan_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct scan *x = arg;
	x->count = 0;
	sam_auto(sam_free) CK_OBJECT_HANDLE *found = malloc((SAM_CM_SCAN_MAX + 1) * sizeof *found);
	if (!found)
		return SAM_MEMORY;
	enum sam_reason reason = scan_class(cm, s, x, CKO_PRIVATE_KEY, found);
	return reason == SAM_OK ? scan_class(cm, s, x, CKO_PUBLIC_KEY, found) : reason;
}

enum sam_reason sam_cm_scan(struct sam_cm *cm, enum sam_reason (*each)(const struct sam_cm_found *, void *), void *arg)
{
	struct scan x = {.keys = NULL};
	enum sam_reason reason = sam_cm_run(cm, scan_step, &x);
	/* only now, when no step is made twice any more and no session is taken */
	for (size_t i = 0; i < x.count && reason == SAM_OK; i++)
		reason = each(&x.keys[i], arg);
	free(x.keys);
	return reason;
}
