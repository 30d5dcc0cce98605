/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of mechanisms, their parameters, and the signAlgo OIDs that mean them.
 */
#include "base/mechanism.h"

#include <string.h>

/* As PKCS#11 v3.0 has it; the headers of p11-kit 0.24 lack it, and later ones name it otherwise. */
struct eddsa_params {
	CK_BBOOL prehash;
	CK_ULONG context_len;
	CK_BYTE *context;
};

#define M(ckm, key, padding, input, hash) \
	{ ckm, #ckm, SAM_KEY_##key, SAM_PAD_##padding, SAM_INPUT_##input, SAM_HASH_##hash }

/* p11-sam(8); CKM_RSA_X_509 and all others are refused by not standing here. */
static const struct sam_mechanism table[] = {
	M(CKM_RSA_PKCS, RSA, PKCS1, DIGESTINFO, NONE),
	M(CKM_RSA_PKCS_PSS, RSA, PSS, DIGEST, NONE),
	M(CKM_SHA256_RSA_PKCS, RSA, PKCS1, MESSAGE, SHA256),
	M(CKM_SHA384_RSA_PKCS, RSA, PKCS1, MESSAGE, SHA384),
	M(CKM_SHA512_RSA_PKCS, RSA, PKCS1, MESSAGE, SHA512),
	M(CKM_SHA256_RSA_PKCS_PSS, RSA, PSS, MESSAGE, SHA256),
	M(CKM_SHA384_RSA_PKCS_PSS, RSA, PSS, MESSAGE, SHA384),
	M(CKM_SHA512_RSA_PKCS_PSS, RSA, PSS, MESSAGE, SHA512),
	M(CKM_ECDSA, EC, ECDSA, DIGEST, NONE),
	M(CKM_ECDSA_SHA256, EC, ECDSA, MESSAGE, SHA256),
	M(CKM_ECDSA_SHA384, EC, ECDSA, MESSAGE, SHA384),
	M(CKM_ECDSA_SHA512, EC, ECDSA, MESSAGE, SHA512),
	M(CKM_EDDSA, ED25519, EDDSA, MESSAGE, NONE),
};

enum { TABLE = sizeof table / sizeof table[0] };

const struct sam_mechanism *sam_mechanism_at(size_t i)
{
	return i < TABLE ? &table[i] : NULL;
}

const struct sam_mechanism *sam_mechanism_find(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < TABLE; i++) {
		if (table[i].type == type)
			return &table[i];
	}
	return NULL;
}

const struct sam_mechanism *sam_mechanism_by_name(const char *name)
{
	for (size_t i = 0; i < TABLE; i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

/* PSS is taken in one form only: everywhere the same hash, and a salt as long as it. */
static enum sam_reason check_pss(const CK_MECHANISM *m, enum sam_hash wanted, enum sam_hash *hash)
{
	CK_RSA_PKCS_PSS_PARAMS params;

	if (!m->pParameter || m->ulParameterLen != sizeof params)
		return SAM_MECHANISM_PARAMETER;
	/* A copy, since the caller's may be unaligned, and may change while we look. */
	memcpy(&params, m->pParameter, sizeof params);
	*hash = sam_hash_by_mechanism(params.hashAlg);
	if (*hash == SAM_HASH_NONE || (wanted != SAM_HASH_NONE && *hash != wanted))
		return SAM_MECHANISM_PARAMETER;
	if (params.mgf != sam_hash_mgf(*hash) || params.sLen != sam_hash_size(*hash))
		return SAM_MECHANISM_PARAMETER;
	return SAM_OK;
}

/* Pure Ed25519 (RFC 8032): no prehash, no context. */
static enum sam_reason check_eddsa(const CK_MECHANISM *m)
{
	struct eddsa_params params;

	if (!m->ulParameterLen)
		return SAM_OK;
	if (!m->pParameter || m->ulParameterLen != sizeof params)
		return SAM_MECHANISM_PARAMETER;
	memcpy(&params, m->pParameter, sizeof params);
	return params.prehash || params.context_len ? SAM_MECHANISM_PARAMETER : SAM_OK;
}

enum sam_reason sam_mechanism_scheme(const CK_MECHANISM *mechanism, struct sam_scheme *out)
{
	CK_MECHANISM copy;
	enum sam_reason reason;
	const struct sam_mechanism *m;
	enum sam_hash hash;

	*out = (struct sam_scheme){ NULL, SAM_HASH_NONE };
	if (!mechanism)
		return SAM_ARGUMENTS;
	memcpy(&copy, mechanism, sizeof copy);
	m = sam_mechanism_find(copy.mechanism);
	if (!m)
		return SAM_MECHANISM;
	hash = m->hash;
	switch (m->padding) {
	case SAM_PAD_PSS:
		reason = check_pss(&copy, m->hash, &hash);
		break;
	case SAM_PAD_EDDSA:
		reason = check_eddsa(&copy);
		break;
	default: /* a pointer to nothing is what some clients leave there */
		reason = copy.ulParameterLen ? SAM_MECHANISM_PARAMETER : SAM_OK;
	}
	if (reason == SAM_OK)
		*out = (struct sam_scheme){ m, hash };
	return reason;
}

/* RFC 8017 appendix A.2, RFC 5758 section 3.2, RFC 8410. */
static const struct {
	const char *oid;
	enum sam_padding padding;
	enum sam_hash hash;        /* SAM_HASH_NONE: any */
} signature_oids[] = {
	{ "1.2.840.113549.1.1.1", SAM_PAD_PKCS1, SAM_HASH_NONE },
	{ "1.2.840.113549.1.1.11", SAM_PAD_PKCS1, SAM_HASH_SHA256 },
	{ "1.2.840.113549.1.1.12", SAM_PAD_PKCS1, SAM_HASH_SHA384 },
	{ "1.2.840.113549.1.1.13", SAM_PAD_PKCS1, SAM_HASH_SHA512 },
	{ "1.2.840.113549.1.1.10", SAM_PAD_PSS, SAM_HASH_NONE },
	{ "1.2.840.10045.4.3.2", SAM_PAD_ECDSA, SAM_HASH_SHA256 },
	{ "1.2.840.10045.4.3.3", SAM_PAD_ECDSA, SAM_HASH_SHA384 },
	{ "1.2.840.10045.4.3.4", SAM_PAD_ECDSA, SAM_HASH_SHA512 },
	{ "1.3.101.112", SAM_PAD_EDDSA, SAM_HASH_NONE },
};

bool sam_mechanism_matches_oid(const struct sam_mechanism *m, enum sam_hash hash, const char *oid)
{
	if (!m || !oid || (m->hash != SAM_HASH_NONE && m->hash != hash))
		return false;
	for (size_t i = 0; i < sizeof signature_oids / sizeof signature_oids[0]; i++) {
		if (strcmp(signature_oids[i].oid, oid))
			continue;
		return signature_oids[i].padding == m->padding &&
		       (signature_oids[i].hash == SAM_HASH_NONE || signature_oids[i].hash == hash);
	}
	return false;
}

size_t sam_signature_size(enum sam_key_type type, unsigned bits)
{
	switch (type) {
	case SAM_KEY_RSA:
		return (bits + 7) / 8;
	case SAM_KEY_EC:
		return 2 * ((bits + 7) / 8);
	case SAM_KEY_ED25519:
		return 64;
	}
	return 0;
}

static const struct {
	const char *name;
	enum sam_key_type type;
	unsigned bits;
} key_types[] = {
	{"rsa:2048", SAM_KEY_RSA, 2048}, {"rsa:3072", SAM_KEY_RSA, 3072}, {"rsa:4096", SAM_KEY_RSA, 4096},
	{"ec:P-256", SAM_KEY_EC, 256},   {"ec:P-384", SAM_KEY_EC, 384},   {"ec:P-521", SAM_KEY_EC, 521},
	{"ed25519", SAM_KEY_ED25519, 255},
};

const char *sam_key_type_name(enum sam_key_type type, unsigned bits)
{
	for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++)
		if (key_types[i].type == type && key_types[i].bits == bits)
			return key_types[i].name;
	return type == SAM_KEY_RSA ? "rsa" : type == SAM_KEY_EC ? "ec" : "ed25519";
}

bool sam_key_type_by_name(const char *name, enum sam_key_type *type, unsigned *bits)
{
	for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
		if (strcmp(key_types[i].name, name) == 0) {
			*type = key_types[i].type;
			*bits = key_types[i].bits;
			return true;
		}
	}
	return false;
}
