/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who and what there is: principals, signers, authenticators, keys. Read once from the store as a
 * whole, verified against its sealed head, and used from memory until the head says that it changed.
 */
#ifndef SAM_REGISTRY_REGISTRY_H
#define SAM_REGISTRY_REGISTRY_H

#include "base/jws.h"
#include "base/mechanism.h"
#include "base/name.h"
#include "base/ossl.h"
#include "store/store.h"

struct sam_registry;

enum sam_role { SAM_ROLE_NONE, SAM_ROLE_SECURITY_OFFICER, SAM_ROLE_AUDITOR, SAM_ROLE_SCA, SAM_ROLE_SIGNER };

enum { SAM_TEXT_SIZE = 257, SAM_PASSWORD_SIZE = 160, SAM_CREDENTIAL_SIZE = 33 };

/* A privileged user or an SCA. */
struct sam_principal {
	char name[SAM_NAME_SIZE];
	enum sam_role role;
	char password[SAM_PASSWORD_SIZE]; /* see password.h */
	char (*signers)[SAM_NAME_SIZE];   /* SCA: granted to it; owned by the registry's snapshot */
	size_t signer_count;
};

struct sam_signer {
	char id[SAM_NAME_SIZE];
	char name[SAM_TEXT_SIZE], subject[SAM_TEXT_SIZE];
	char password[SAM_PASSWORD_SIZE]; /* "" : none */
	bool password_own;                /* changed by the signer: only then may a login authorise */
	int64_t created;
};

struct sam_authenticator {
	char kid[44];                     /* RFC 7638 thumbprint */
	char signer[SAM_NAME_SIZE];
	enum sam_jws_alg alg;             /* SAM_JWS_NONE: any that fits the key */
	char *jwk;                        /* public JWK, compact JSON */
	EVP_PKEY *pkey;
	int64_t created;
};

struct sam_key {
	char credential[SAM_CREDENTIAL_SIZE]; /* credentialID */
	uint8_t thumbprint[32];           /* SHA-256 of the SubjectPublicKeyInfo: the key's identity */
	char signer[SAM_NAME_SIZE];
	char label[SAM_TEXT_SIZE];
	enum sam_key_type type;
	unsigned bits;                    /* modulus, order or 255 */
	uint8_t cm_id[16];                /* CKA_ID in the CM */
	uint8_t *spki;
	size_t spki_len;
	EVP_PKEY *pkey;                   /* of spki, in the private context */
	int64_t created;
};

/** sam_registry_open(store, seal, out): Loads nothing yet. */
enum sam_reason sam_registry_open(struct sam_store *store, const struct sam_seal *seal,
				  struct sam_registry **out) SAM_MUST;
void sam_registry_close(struct sam_registry *registry);

/* A verified state of the registry: immutable, counted. */
struct sam_snapshot {
	uint64_t version;
	const struct sam_principal *principals; size_t principal_count; /* each sorted by its id */
	const struct sam_signer *signers;       size_t signer_count;
	const struct sam_authenticator *authenticators; size_t authenticator_count;
	const struct sam_key *keys;             size_t key_count;
};

/** sam_registry_get(registry, out): The state now: asks the store whether it moved, loads and verifies if
 * so. Give back with sam_registry_put(). STORE_TAMPERED, STORE_*. */
enum sam_reason sam_registry_get(struct sam_registry *registry, const struct sam_snapshot **out) SAM_MUST;
void sam_registry_put(const struct sam_snapshot *snapshot);

const struct sam_principal *sam_registry_principal(const struct sam_snapshot *s, const char *name);
const struct sam_signer *sam_registry_signer(const struct sam_snapshot *s, const char *id);
const struct sam_authenticator *sam_registry_authenticator(const struct sam_snapshot *s, const char *kid);
const struct sam_key *sam_registry_key(const struct sam_snapshot *s, const char *credential);

/* Adding: each checks what it is given, is refused if the id exists (EXISTS), and is durable with its
 * audit record when it returns SAM_OK. Pointers in the structs are the caller's. */
enum sam_reason sam_registry_add_principal(struct sam_registry *r, const struct sam_principal *p,
					   const struct sam_record *record) SAM_MUST;
enum sam_reason sam_registry_add_signer(struct sam_registry *r, const struct sam_signer *s,
					const struct sam_record *record) SAM_MUST;
enum sam_reason sam_registry_set_signer(struct sam_registry *r, const struct sam_signer *s,
					const struct sam_record *record) SAM_MUST;
enum sam_reason sam_registry_add_authenticator(struct sam_registry *r, const struct sam_authenticator *a,
					       const struct sam_record *record) SAM_MUST;
enum sam_reason sam_registry_add_key(struct sam_registry *r, const struct sam_key *k,
				     const struct sam_record *record) SAM_MUST;

const char *sam_registry_role_name(enum sam_role role);
enum sam_role sam_registry_role_by_name(const char *name); /* SAM_ROLE_NONE if unknown */

#endif
