/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Import packages (p11-sam-sad(7)): a wrapped signing key and a signed manifest that says whose it is. Everything in a
 * package may be an attacker's until its manifest's signature has been verified, and the key in it until the CM has
 * shown that it is the one that the manifest names.
 */
#ifndef SAM_ADMIN_IMPORT_H
#define SAM_ADMIN_IMPORT_H

#include "base/x509.h"
#include "sap/rooms.h"

#define SAM_TYP_IMPORT "sam-import+jws"

enum { SAM_IMPORT_MAX = 65536 }; /* bytes of a package */

/* A package, opened and verified. */
struct sam_import {
	bool by_ca;                     /* a trusted CA vouches for it; else the signer's own device */
	char sub[SAM_NAME_SIZE];        /* whose key */
	char id[SAM_SAD_JTI_MAX + 1];   /* the manifest's; used once for each of its issuers */
	char issuer[SAM_NAME_SIZE];     /* of the manifest: the device key's thumbprint, or the certificate's SHA-256 */
	int64_t iat, exp;
	uint8_t payload[32];            /* HMAC of the manifest, as of a SAD */
	uint8_t sha256[32];             /* of the whole package */
	enum sam_key_type type;
	unsigned bits;
	uint8_t *spki, *kek, *key;      /* owned */
	size_t spki_len, kek_len, key_len;
	char credential[SAM_CREDENTIAL_SIZE];
};

/** sam_import_open(sam, snapshot, policy, text, len, out, msg): Take a package apart and verify its manifest: by an
 * authenticator of its `sub`, at level 1, or by a certificate that chains to a CA of the policy that may sign imports.
 * Nothing is used up (sam_import_spend()), and the CM is not asked. Clear with sam_import_clear() also after a failure.
 * IMPORT_LEVEL, IMPORT with what is wrong in ${msg}, IMPORT_ISSUER, KEY_SIZE. */
enum sam_reason sam_import_open(struct sam *sam, const struct sam_snapshot *snapshot, const struct sam_policy *policy,
				const char *text, size_t len, struct sam_import *out, struct sam_msg *msg) SAM_MUST;
void sam_import_clear(struct sam_import *import);

/** sam_import_spend(import, spend): What uses the manifest up; points into ${import}. */
void sam_import_spend(const struct sam_import *import, struct sam_spend *spend);

/** sam_import_unwrap(import, cm, what, made, msg): Have the CM unwrap it; see sam_cm_unwrap(). */
enum sam_reason sam_import_unwrap(const struct sam_import *import, struct sam_cm *cm, const struct sam_cm_new_key *what,
				  struct sam_cm_made *made, struct sam_msg *msg) SAM_MUST;

#endif
