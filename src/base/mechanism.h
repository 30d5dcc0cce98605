/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The mechanisms of the DTBS/R table (p11-sam(8)): the only ones with which the SAM signs.
 */
#ifndef SAM_BASE_MECHANISM_H
#define SAM_BASE_MECHANISM_H

#include <p11-kit/pkcs11.h>
#include "base/hash.h"
#include "base/reason.h"

enum sam_key_type { SAM_KEY_RSA = 1, SAM_KEY_EC, SAM_KEY_ED25519 };
enum sam_padding { SAM_PAD_PKCS1 = 1, SAM_PAD_PSS, SAM_PAD_ECDSA, SAM_PAD_EDDSA };

/* What C_Sign's data is. */
enum sam_input {
	SAM_INPUT_DIGESTINFO = 1, /* CKM_RSA_PKCS */
	SAM_INPUT_DIGEST,         /* CKM_RSA_PKCS_PSS, CKM_ECDSA */
	SAM_INPUT_MESSAGE         /* the SAM hashes; CKM_EDDSA also passes it on */
};

struct sam_mechanism {
	CK_MECHANISM_TYPE type;
	const char *name;         /* "CKM_SHA256_RSA_PKCS": the word in the policy file */
	enum sam_key_type key;
	enum sam_padding padding;
	enum sam_input input;
	enum sam_hash hash;       /* SAM_HASH_NONE: by DigestInfo, PSS parameters, length, or the SAD (EdDSA) */
};

/* What C_SignInit settled on. */
struct sam_scheme {
	const struct sam_mechanism *mechanism;
	enum sam_hash hash;       /* known now, or SAM_HASH_NONE until the data comes */
};

/** sam_mechanism_at(i): The i-th of the table; NULL past its end. */
const struct sam_mechanism *sam_mechanism_at(size_t i);
/** sam_mechanism_find(type), sam_mechanism_by_name(name): NULL if it is none of ours. */
const struct sam_mechanism *sam_mechanism_find(CK_MECHANISM_TYPE type);
const struct sam_mechanism *sam_mechanism_by_name(const char *name);

/** sam_mechanism_scheme(mechanism, out): Check the parameters: none, or for PSS the same hash, MGF1
 * with it, and a salt of its length (MECHANISM_PARAMETER); unknown type: MECHANISM. Reads
 * ${mechanism} once; for CKM_EDDSA also CK_EDDSA_PARAMS without prehash and context is taken. */
enum sam_reason sam_mechanism_scheme(const CK_MECHANISM *mechanism, struct sam_scheme *out) SAM_MUST;

/** sam_mechanism_matches_oid(mechanism, hash, oid): May a SAD with this signAlgo sign so? Knows the
 * OIDs of PKCS#1, ecdsa-with-SHA*, Ed25519; the plain rsaEncryption OID means PKCS#1 v1.5. */
bool sam_mechanism_matches_oid(const struct sam_mechanism *m, enum sam_hash hash, const char *oid);

/** sam_key_type_name(type, bits): "rsa:3072", "ec:P-256", "ed25519": as samctl, SADs and records name it; "rsa", "ec" for
 * a size that nobody is offered; static. sam_key_type_by_name(): false if it is none. */
const char *sam_key_type_name(enum sam_key_type type, unsigned bits);
bool sam_key_type_by_name(const char *name, enum sam_key_type *type, unsigned *bits);

/** sam_signature_size(type, bits): The bytes of a signature with such a key. */
size_t sam_signature_size(enum sam_key_type type, unsigned bits);

#endif
