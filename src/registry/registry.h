/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who and what there is: principals, signers, authenticators, keys; the policy that officers signed; acts
 * that wait for their second person; names that are never given again. Read once from the store as a
 * whole, verified against its sealed head, and used from memory until the head says that it changed.
 * How it is changed: edit.h.
 */
#ifndef SAM_REGISTRY_REGISTRY_H
#define SAM_REGISTRY_REGISTRY_H

#include "base/jws.h"
#include "base/mechanism.h"
#include "base/name.h"
#include "base/ossl.h"
#include "policy/policy.h"
#include "policy/roles.h"
#include "store/store.h"

struct sam_registry;

enum {
	SAM_TEXT_SIZE = 257,
	SAM_PASSWORD_SIZE = 160,
	SAM_CREDENTIAL_SIZE = 33,
	SAM_KID_SIZE = 44,        /* an RFC 7638 thumbprint and a NUL */
	SAM_PENDING_SIZE = 14,    /* the id of a pending act: 13 characters and a NUL */
	SAM_PENDINGS_MAX = 256,
	SAM_SAP_KEYS_MAX = 16,
	SAM_SAP_NAME_SIZE = 17,   /* of a SAP key in the CM */
};

/* A device key. */
struct sam_device {
	char kid[SAM_KID_SIZE];   /* "": none */
	enum sam_jws_alg alg;     /* SAM_JWS_NONE: any that fits the key */
	char *jwk;                /* public JWK, compact JSON */
	EVP_PKEY *pkey;
};

/* A privileged user, an SCA, an RA or a CA. */
struct sam_principal {
	char name[SAM_NAME_SIZE];
	unsigned roles;                   /* bits, see policy/roles.h */
	char password[SAM_PASSWORD_SIZE]; /* see password.h */
	char (*signers)[SAM_NAME_SIZE];   /* SCA: granted to it; owned by the registry's snapshot */
	size_t signer_count;
	struct sam_device device;         /* for assertions */
	int64_t uid;                      /* the UNIX user that it runs under; -1: none */
	bool locked;                      /* until an officer unlocks it */
	int64_t created, changed;         /* assertions made before the latter are refused */
};

struct sam_signer {
	char id[SAM_NAME_SIZE];
	char name[SAM_TEXT_SIZE], subject[SAM_TEXT_SIZE]; /* encrypted at rest */
	char password[SAM_PASSWORD_SIZE]; /* "" : none */
	bool password_own;                /* the signer's choice, as two say: only then may a login authorise */
	char password_by[SAM_NAME_SIZE];  /* who gave the first one; "": nobody */
	char pin[SAM_PASSWORD_SIZE];      /* the knowledge factor; "": none */
	bool pin_set;                     /* has ever had one */
	bool suspended;
	bool enrolled;                    /* has ever had an authenticator */
	uint64_t version;                 /* raised by every change: what an older one authorised is dead */
	int64_t changed;                  /* SADs made then or before are dead; 0: none */
	int64_t created;
};

struct sam_authenticator {
	char signer[SAM_NAME_SIZE];
	struct sam_device device;
	char certificate[65];             /* SHA-256 of the certificate that the key was bound by: SADs by it bring one
					   * (x5c); "": a bare device key */
	int64_t created;
};

/* What the SAM lets a key do (P1-6.4.1). Expired is no state, the dates say it; a destroyed key is a tombstone. */
enum sam_life {
	SAM_LIFE_INACTIVE,  /* waits for its signer's `activate` */
	SAM_LIFE_ACTIVE,
	SAM_LIFE_SUSPENDED,
	SAM_LIFE_REVOKED,   /* for ever; destroyed as soon as the CM can */
	SAM_LIVES,
};

/* Where a key came from: sealed at birth, and never another (P3-A1-8). */
enum sam_origin {
	SAM_ORIGIN_UNKNOWN,     /* made before origins were sealed */
	SAM_ORIGIN_CM,          /* born in the CM: LOCAL, ALWAYS_SENSITIVE, NEVER_EXTRACTABLE read true */
	SAM_ORIGIN_CM_UNPROVEN, /* born in the CM, which does not say all three */
	SAM_ORIGIN_SIGNER,      /* imported on the signer's word */
	SAM_ORIGIN_CA,          /* imported in a package that a trusted CA signed */
	SAM_ORIGINS,
};

/* A key's certificate, checked when it was registered. */
struct sam_certificate {
	uint8_t *der;             /* NULL: none */
	size_t len;
	char *issuer, *subject, *serial; /* texts, for records and lists */
	int64_t not_before, not_after;   /* seconds since 1970 */
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
	enum sam_origin origin;
	char *attributes;                 /* what the CM said of it at birth (cm/cm.h); "": an earlier version's key */
	char *evidence;                   /* the SAM's own statement of the birth, a compact JWS; "": none */
	int64_t start, end;               /* it signs from the one and before the other; 0: no such date */
	char renews[SAM_CREDENTIAL_SIZE]; /* the key that ends when this one is activated; "": none */
	/* what may change: */
	enum sam_life life;
	int64_t changed;                  /* SADs for it made then or before are dead; 0: none */
	struct sam_certificate certificate;
};

/* An act that waits for its second person. */
struct sam_pending {
	char id[SAM_PENDING_SIZE];
	enum sam_act act;
	char by[SAM_NAME_SIZE];           /* who proposed it */
	int64_t created, expires;
	char *params;                     /* what the act needs: JSON, see admin/act.h */
};

/* A name that was somebody's, or the credentialID of a key that was: never given again. */
struct sam_tombstone {
	char name[SAM_NAME_SIZE];
	int64_t removed;
	bool is_key;                      /* a key's, which was in the CM under */
	uint8_t cm_id[16];
	bool in_cm;                       /* and may be there still */
	bool lost;                        /* a key's, made after a backup that was restored: nobody destroyed it */
};

/* A key that SADs are encrypted to; the private half is in the CM. */
struct sam_sap_key {
	char kid[SAM_KID_SIZE];           /* its thumbprint, RFC 7638 */
	bool rsa;                         /* RSA-3072 for RSA-OAEP-256; else EC P-256 for ECDH-ES */
	char name[SAM_SAP_NAME_SIZE];     /* in the CM */
	EVP_PKEY *pkey;
	char *statement;                  /* the SAM's own, of it: a compact JWS */
	int64_t created;
	int64_t until;                    /* from then on it is refused (seconds); 0: it is the one in use */
};

/* The policy in force, and by whose word. */
struct sam_sealed {
	uint8_t sha256[32];               /* of the policy's file */
	uint8_t config_sha256[32];        /* of the configuration's */
	char *text;                       /* the policy itself; NULL: an older version sealed its hash alone */
	unsigned version, level;          /* that it has, also where this version does not read it */
	struct sam_policy policy;         /* parsed; of level 0 where this version does not read it */
	char *jws;                        /* the signature that lies beside the file */
	struct sam_device signer;         /* whose key it verifies with */
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
	const struct sam_authenticator *authenticators; size_t authenticator_count; /* by kid */
	const struct sam_key *keys;             size_t key_count;
	const struct sam_pending *pendings;     size_t pending_count;
	const struct sam_tombstone *tombstones; size_t tombstone_count;
	const struct sam_sap_key *sap_keys;     size_t sap_key_count; /* by kid */
	const struct sam_sealed *sealed;        /* NULL: none */
	EVP_PKEY *statement_key;                /* public half of the SAM's own; NULL: none */
	char statement_kid[SAM_KID_SIZE];
	bool second_officer;                    /* officer and auditor may still make the second officer */
	bool cm_disabled;
	bool governed;                          /* there are two officers and an auditor: what levels 2 and 3 ask for */
};

/** sam_registry_get(registry, out): The state now: asks the store whether it moved, loads and verifies if
 * so. Give back with sam_registry_put(). STORE_TAMPERED, STORE_*. */
enum sam_reason sam_registry_get(struct sam_registry *registry, const struct sam_snapshot **out) SAM_MUST;
void sam_registry_put(const struct sam_snapshot *snapshot);

const struct sam_principal *sam_registry_principal(const struct sam_snapshot *s, const char *name);
const struct sam_signer *sam_registry_signer(const struct sam_snapshot *s, const char *id);
const struct sam_authenticator *sam_registry_authenticator(const struct sam_snapshot *s, const char *kid);
const struct sam_key *sam_registry_key(const struct sam_snapshot *s, const char *credential);
const struct sam_pending *sam_registry_pending(const struct sam_snapshot *s, const char *id);
const struct sam_tombstone *sam_registry_tombstone(const struct sam_snapshot *s, const char *name);

/** sam_registry_sap_key(snapshot, kid): NULL if none has it, whether it is still taken or not.
 * sam_registry_sap_now(snapshot, rsa): The one in use; NULL: none was made yet. */
const struct sam_sap_key *sam_registry_sap_key(const struct sam_snapshot *s, const char *kid);
const struct sam_sap_key *sam_registry_sap_now(const struct sam_snapshot *s, bool rsa);

/** sam_registry_count(snapshot, role): How many principals have that role and are not locked. */
size_t sam_registry_count(const struct sam_snapshot *s, enum sam_role role);

/** sam_key_usable(key, now): May it sign at that time (seconds), by its state and dates? KEY_INACTIVE, KEY_SUSPENDED,
 * KEY_REVOKED, KEY_NOT_YET, KEY_EXPIRED (P1-6.4.1). */
enum sam_reason sam_key_usable(const struct sam_key *key, int64_t now) SAM_MUST;
/** sam_key_fits(key, level): Was it made, or brought in, as that level asks (P1-T3.5)? KEY_LEVEL. */
enum sam_reason sam_key_fits(const struct sam_key *key, unsigned level) SAM_MUST;
/** sam_life_name(life), sam_origin_name(origin): "active", "cm"; static. */
const char *sam_life_name(enum sam_life life);
const char *sam_origin_name(enum sam_origin origin);

/** sam_device_set(device, jwk, kid, alg, pkey): Fill it: the text and the key are copied and counted up.
 * MEMORY. */
enum sam_reason sam_device_set(struct sam_device *device, const char *jwk, const char *kid, enum sam_jws_alg alg,
			       EVP_PKEY *pkey) SAM_MUST;
void sam_device_clear(struct sam_device *device);

#endif
