/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Import packages, read strictly: every member known, of its type and in its bounds, or the package is refused
 * (P1-6.2.4.1 to 6.2.4.4).
 */
#include "admin/import.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/pkey.h"
#include "sap/jose.h"
#include "sap/sad_details.h"
#include "sap/x5c.h"

enum { LIFETIME_MAX = 30 * 86400, LEEWAY = 10, KEY_MAX = 8192, SPKI_MAX = 2048, ISSUER_HEX = 32 };

/* A package being opened. */
struct opening {
	struct sam *sam;
	const struct sam_snapshot *s;
	const struct sam_policy *policy;
	struct sam_jws jws;
	json_t *claims; /* owned */
	struct sam_import *out;
	struct sam_msg *msg;
};

static enum sam_reason refuse(struct opening *o, enum sam_reason reason, const char *what)
{
	sam_msg_set(o->msg, "%s", what);
	return reason;
}

/* Of the members named in ${known} alone, and all of them. */
static bool exactly(const json_t *object, const char *const known[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!json_object_get(object, known[i]))
			return false;
	return json_object_size(object) == count;
}

static const char *text_of(const json_t *object, const char *name, size_t *len)
{
	const json_t *value = json_object_get(object, name);
	*len = json_string_length(value);
	return json_is_string(value) && strlen(json_string_value(value)) == *len ? json_string_value(value) : NULL;
}

/* base64url, at most ${max} bytes. */
static bool bytes_of(const json_t *object, const char *name, size_t max, uint8_t **data, size_t *len)
{
	size_t size;
	const char *text = text_of(object, name, &size);
	if (!text || !size || size > 2 * max || !(*data = malloc(size)))
		return false;
	return sam_decode_b64url(text, size, *data, size, len) && *len > 0 && *len <= max;
}

/* ---- who signed the manifest ---- */

static enum sam_reason by_device(struct opening *o, const char *sub)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	if (o->policy->level > 1)
		return refuse(o, SAM_IMPORT_ISSUER, "manifest: at this level a CA of the policy signs it, with x5c");
	if (sam_sad_header(&o->jws, SAM_TYP_IMPORT, kid) != SAM_OK)
		return refuse(o, SAM_IMPORT, "manifest: the header's typ or kid");
	const struct sam_authenticator *a = sam_registry_authenticator(o->s, kid);
	if (!a || strcmp(a->signer, sub) != 0)
		return refuse(o, SAM_IMPORT_ISSUER, "manifest: kid is no device key of its sub");
	if (a->certificate[0])
		return refuse(o, SAM_IMPORT_ISSUER, "manifest: kid is a certificate's key, and no device key");
	if (sam_jose_verify(&o->jws, a->device.pkey, a->device.alg) != SAM_OK)
		return refuse(o, SAM_IMPORT_ISSUER, "manifest: its signature does not verify");
	return sam_mem_copy_text(o->out->issuer, sizeof o->out->issuer, kid) ? SAM_OK : SAM_INTERNAL;
}

/* The certificate must chain to a CA that the policy lets sign imports, and at level 2 to one that makes its own keys
 * as level 2 asks (P1-T3.5-fn4). */
static enum sam_reason check_ca(struct opening *o, const struct sam_x509 *x)
{
	struct sam_x509_ca cas[SAM_POLICY_CAS];
	size_t count = 0;
	for (size_t i = 0; i < o->policy->ca_count; i++) {
		const struct sam_policy_ca *ca = &o->policy->cas[i];
		if ((ca->use & SAM_CA_IMPORT) && (o->policy->level < 2 || ca->keygen_level >= 2))
			cas[count++] = (struct sam_x509_ca){ca->der, ca->len};
	}
	if (!count)
		return refuse(o, SAM_IMPORT_ISSUER, "manifest: the policy has no CA with use: [import]");
	return sam_x509_verify(x, cas, count, sam_clock_now(), o->msg) == SAM_OK ? SAM_OK : SAM_IMPORT_ISSUER;
}

static enum sam_reason by_ca(struct opening *o, const json_t *x5c)
{
	const char *typ = json_string_value(json_object_get(o->jws.header, "typ"));
	struct sam_x509 x = {.der = NULL};
	uint8_t sha256[32];
	if (!typ || strcmp(typ, SAM_TYP_IMPORT) != 0 || json_object_get(o->jws.header, "kid"))
		return refuse(o, SAM_IMPORT, "manifest: the header's typ, or a kid beside x5c");
	enum sam_reason reason = sam_x5c_read(x5c, &x, NULL);
	if (reason == SAM_CERTIFICATE)
		reason = refuse(o, SAM_IMPORT, "manifest: x5c");
	if (reason == SAM_OK)
		reason = check_ca(o, &x);
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = reason == SAM_OK ? sam_ossl_pubkey(x.spki, x.spki_len) : NULL;
	if (reason == SAM_OK && (!pkey || sam_jose_verify(&o->jws, pkey, SAM_JWS_NONE) != SAM_OK))
		reason = refuse(o, SAM_IMPORT_ISSUER, "manifest: its signature does not verify with its certificate");
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, x.der, x.len, sha256);
	if (reason == SAM_OK)
		sam_encode_hex(sha256, ISSUER_HEX / 2, o->out->issuer);
	o->out->by_ca = true;
	sam_x509_clear(&x);
	return reason;
}

static enum sam_reason verify(struct opening *o)
{
	size_t len;
	o->claims = sam_jose_json(o->jws.payload, o->jws.payload_len);
	const char *sub = text_of(o->claims, "sub", &len);
	const json_t *x5c = json_object_get(o->jws.header, "x5c");
	if (!sub || !sam_name_valid(sub, len))
		return refuse(o, SAM_IMPORT, "manifest: sub");
	return x5c ? by_ca(o, x5c) : by_device(o, sub);
}

/* ---- what the manifest says ---- */

static enum sam_reason check_times(struct opening *o)
{
	const json_t *iat = json_object_get(o->claims, "iat"), *exp = json_object_get(o->claims, "exp");
	const int64_t now = sam_clock_now();
	struct sam_import *out = o->out;
	out->iat = json_integer_value(iat);
	out->exp = json_integer_value(exp);
	if (!json_is_integer(iat) || !json_is_integer(exp) || out->iat < 0 || out->iat > now + LEEWAY)
		return refuse(o, SAM_IMPORT, "manifest: iat or exp");
	if (out->exp <= now || out->exp - out->iat > LIFETIME_MAX)
		return refuse(o, SAM_IMPORT, "manifest: exp: it has expired, or lives longer than 30 days");
	return SAM_OK;
}

static bool names_hash(const json_t *claims, const char *claim, const uint8_t *data, size_t size)
{
	uint8_t sha256[32];
	char hex[65];
	size_t len;
	const char *text = text_of(claims, claim, &len);
	if (!text || sam_ossl_digest(SAM_HASH_SHA256, data, size, sha256) != SAM_OK)
		return false;
	sam_encode_hex(sha256, sizeof sha256, hex);
	return strcmp(text, hex) == 0;
}

/* What kind of key it is to be; the CM compares it with what comes out of the package. */
static bool read_kind(struct sam_import *out)
{
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(out->spki, out->spki_len);
	if (!pkey)
		return false;
	if (EVP_PKEY_is_a(pkey, "RSA"))
		out->type = SAM_KEY_RSA;
	else if (EVP_PKEY_is_a(pkey, "EC"))
		out->type = SAM_KEY_EC;
	else if (EVP_PKEY_is_a(pkey, "ED25519"))
		out->type = SAM_KEY_ED25519;
	else
		return false;
	out->bits = out->type == SAM_KEY_ED25519 ? 255 : (unsigned)EVP_PKEY_get_bits(pkey);
	return true;
}

/* A size and curve that keys are made with, too: of 256 bits there are several curves. */
static bool is_known(const struct sam_import *out)
{
	enum sam_key_type type;
	unsigned bits;
	char group[64];
	if (!sam_key_type_by_name(sam_key_type_name(out->type, out->bits), &type, &bits))
		return false;
	if (out->type != SAM_KEY_EC)
		return true;
	const struct sam_curve *curve = sam_curve_at(out->type, out->bits, 0);
	sam_auto(EVP_PKEY_free) EVP_PKEY *pkey = sam_ossl_pubkey(out->spki, out->spki_len);
	if (!curve || !pkey || EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
		return false;
	return OBJ_sn2nid(group) != NID_undef && OBJ_sn2nid(group) == EC_curve_nist2nid(curve->group);
}

static enum sam_reason read_key(struct opening *o)
{
	struct sam_import *out = o->out;
	uint8_t thumbprint[32];
	if (!bytes_of(o->claims, "spki", SPKI_MAX, &out->spki, &out->spki_len) || !read_kind(out))
		return refuse(o, SAM_IMPORT, "manifest: spki is no public key of ours");
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, out->spki, out->spki_len, thumbprint);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(thumbprint, 16, out->credential);
	reason = sam_policy_may_generate(o->policy, out->type, out->bits, sam_clock_now());
	if (reason != SAM_OK)
		return refuse(o, reason, "manifest: spki: no key of this kind may come in now");
	return is_known(out) ? SAM_OK : refuse(o, SAM_IMPORT, "manifest: spki has a curve or size of its own");
}

static enum sam_reason read_claims(struct opening *o)
{
	static const char *const names[] = {"id", "sub", "aud", "iat", "exp", "spki", "usage", "kek_sha256", "key_sha256"};
	struct sam_import *out = o->out;
	size_t len;
	if (!exactly(o->claims, names, sizeof names / sizeof names[0]))
		return refuse(o, SAM_IMPORT, "manifest: its members are id, sub, aud, iat, exp, spki, usage, kek_sha256, "
			      "key_sha256, and no other");
	const char *id = text_of(o->claims, "id", &len);
	if (!id || !sam_sad_jti_valid(id, len) || !sam_mem_copy_text(out->id, sizeof out->id, id))
		return refuse(o, SAM_IMPORT, "manifest: id");
	const char *aud = text_of(o->claims, "aud", &len);
	if (!aud || strcmp(aud, sam_config(o->sam)->sam_id) != 0)
		return refuse(o, SAM_IMPORT, "manifest: aud is another SAM");
	const char *usage = text_of(o->claims, "usage", &len);
	if (!usage || strcmp(usage, "sign") != 0)
		return refuse(o, SAM_IMPORT, "manifest: usage: signing keys sign, and do nothing else");
	sam_mem_copy_text(out->sub, sizeof out->sub, text_of(o->claims, "sub", &len));
	enum sam_reason reason = check_times(o);
	if (reason != SAM_OK)
		return reason;
	if (!names_hash(o->claims, "kek_sha256", out->kek, out->kek_len) ||
	    !names_hash(o->claims, "key_sha256", out->key, out->key_len))
		return refuse(o, SAM_IMPORT, "manifest: kek_sha256 or key_sha256 is not what came with it");
	return read_key(o);
}

/* ---- the whole ---- */

static enum sam_reason open_package(struct opening *o, const json_t *package)
{
	static const char *const names[] = {"manifest", "kek", "key"};
	struct sam_import *out = o->out;
	size_t len;
	if (!exactly(package, names, sizeof names / sizeof names[0]))
		return refuse(o, SAM_IMPORT, "it is no JSON object of manifest, kek and key");
	const char *manifest = text_of(package, "manifest", &len);
	if (!manifest || !bytes_of(package, "kek", SAM_CM_KEK_SIZE, &out->kek, &out->kek_len) ||
	    !bytes_of(package, "key", KEY_MAX, &out->key, &out->key_len))
		return refuse(o, SAM_IMPORT, "manifest, kek or key is no text, no base64url, or too long");
	if (sam_jose_parse(manifest, len, &o->jws) != SAM_OK)
		return refuse(o, SAM_IMPORT, "manifest: is no compact JWS of ours");
	enum sam_reason reason = verify(o);
	if (reason == SAM_OK)
		reason = read_claims(o);
	return reason == SAM_OK ? sam_seal_mac(sam_seal(o->sam), SAM_SEAL_PAYLOAD, o->jws.payload, o->jws.payload_len,
					       out->payload)
				: reason;
}

enum sam_reason sam_import_open(struct sam *sam, const struct sam_snapshot *s, const struct sam_policy *policy,
				const char *text, size_t len, struct sam_import *out, struct sam_msg *msg)
{
	struct opening o = {.sam = sam, .s = s, .policy = policy, .out = out, .msg = msg};
	memset(out, 0, sizeof *out);
	enum sam_reason reason = sam_policy_may_import(policy);
	if (reason != SAM_OK)
		return reason;
	if (len > SAM_IMPORT_MAX)
		return refuse(&o, SAM_IMPORT, "it is longer than 64 KiB");
	reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, out->sha256);
	sam_auto(json_decref) json_t *package = sam_jose_json(text, len);
	if (reason == SAM_OK)
		reason = open_package(&o, package);
	sam_jose_clear(&o.jws);
	json_decref(o.claims);
	return reason;
}

void sam_import_clear(struct sam_import *import)
{
	free(import->spki);
	free(import->kek);
	free(import->key);
	memset(import, 0, sizeof *import);
}

void sam_import_spend(const struct sam_import *import, struct sam_spend *spend)
{
	*spend = (struct sam_spend){.claim = {.iss = import->issuer, .jti = import->id, .iat = import->iat,
					      .exp = import->exp, .limit = 1}};
	memcpy(spend->claim.payload, import->payload, sizeof spend->claim.payload);
	memcpy(spend->digest, SAM_TYP_IMPORT, sizeof SAM_TYP_IMPORT - 1);
}

enum sam_reason sam_import_unwrap(const struct sam_import *import, struct sam_cm *cm, const struct sam_cm_new_key *what,
				  struct sam_cm_made *made, struct sam_msg *msg)
{
	const struct sam_cm_package package = {import->kek, import->kek_len, import->key, import->key_len, import->spki,
					       import->spki_len};
	return sam_cm_unwrap(cm, what, &package, made, msg);
}
