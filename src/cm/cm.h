/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The Cryptographic Module: the vendor's PKCS#11 library, loaded, logged in, with a bounded pool of
 * sessions. Nobody but this room calls the vendor, and one function of it signs with signers' keys.
 */
#ifndef SAM_CM_CM_H
#define SAM_CM_CM_H

#include <p11-kit/pkcs11.h>
#include "base/mechanism.h"
#include "base/reason.h"

struct sam_cm;

struct sam_cm_options {
	const char *module;       /* path of the vendor's library */
	const char *token;        /* its label, or NULL and */
	const char *serial;       /* its serial number */
	const char *pin_source;   /* RFC 7512 */
	const char *refused_memo; /* path of the file that remembers a refused PIN */
	bool again;               /* try a PIN that was refused once more (two privileged users said so) */
	unsigned sessions;        /* at most, in this process */
	unsigned wait_ms;         /* for a free session; 0: 10,000 */
	unsigned recheck_ms;      /* cm.recheck: for so long a key's attributes are trusted */
};

struct sam_cm_info {
	char manufacturer[33], model[17], firmware[16], serial[17], label[33];
};

enum { SAM_CM_ID = 16, SAM_CM_SIGNATURE_MAX = 1024 };

/** sam_cm_open(options, out, msg): Load (RTLD_NOW|RTLD_LOCAL, never unloaded; refused if it is this
 * module itself), C_Initialize, find the token, log in. A PIN that was refused is not tried again by
 * any process until its source changes. CM_LOAD, CM_TOKEN, CM_PIN, CM_PIN_REFUSED, CM_FAILED. */
enum sam_reason sam_cm_open(const struct sam_cm_options *options, struct sam_cm **out,
			    struct sam_msg *msg) SAM_MUST;

/** sam_cm_lock(cm, msg), sam_cm_unlock(cm): One process at a time for what is done in CM and files together; also
 * around each opening of the CM. Bounded in time. CM_BUSY, CM_FAILED. */
enum sam_reason sam_cm_lock(struct sam_cm *cm, struct sam_msg *msg) SAM_MUST;
void sam_cm_unlock(struct sam_cm *cm);

/** sam_cm_close(cm): Log out, close the sessions, C_Finalize unless another had initialised it. */
void sam_cm_close(struct sam_cm *cm);

/** sam_cm_abandon(cm): In a forked child: forget it and close nothing. */
void sam_cm_abandon(struct sam_cm *cm);

/** sam_cm_at_exit(): The process is ending; from now on the vendor is not called. */
void sam_cm_at_exit(void);

/** sam_cm_info(cm, out): Who made it. */
void sam_cm_info(const struct sam_cm *cm, struct sam_cm_info *out);

/** sam_cm_token_present(cm): Is the token there now? One call to the vendor. */
bool sam_cm_token_present(struct sam_cm *cm);

/** sam_cm_has(cm, mechanism): Does the CM offer what the SAM would send for this mechanism (CKM_RSA_PKCS,
 * _PSS, CKM_ECDSA, CKM_EDDSA)? Asked once at open. */
bool sam_cm_has(const struct sam_cm *cm, const struct sam_mechanism *mechanism);

/** sam_cm_generates(cm, type): Does the CM say that it makes pairs of this type? Asked once at open. */
bool sam_cm_generates(const struct sam_cm *cm, enum sam_key_type type);

/** sam_cm_random(cm, out, len): Random bytes of the CM, after a start-up test and with a repetition
 * test (P2-3.2.2.2). RANDOM, CM_*. */
enum sam_reason sam_cm_random(struct sam_cm *cm, void *out, size_t len) SAM_MUST;

/* ---- the SAM's own keys: no caller's bytes reach them ---- */

/** sam_cm_seal_create(cm): Make the sealing key (generic secret, non-extractable, sensitive, private,
 * sign only) under the CKA_LABEL "p11-sam seal". EXISTS if there is one. */
enum sam_reason sam_cm_seal_create(struct sam_cm *cm) SAM_MUST;

/** sam_cm_seal_root(cm, out): CKM_SHA256_HMAC under that key over a constant of this room. NOT_FOUND if
 * there is none or more than one. */
enum sam_reason sam_cm_seal_root(struct sam_cm *cm, uint8_t out[32]) SAM_MUST;

/** sam_cm_statement_key_create(cm, spki, len): Make the key that statements are signed with (EC P-256, by the
 * template of a signer's key, CKA_LABEL "p11-sam audit", no CKA_ID), read it back, destroy it again on any
 * difference. ${spki}: malloc()ed DER. EXISTS if there is one, CM_*. */
enum sam_reason sam_cm_statement_key_create(struct sam_cm *cm, uint8_t **spki, size_t *len) SAM_MUST;

/** sam_cm_statement_key_destroy(cm): After a failed set-up. NOT_FOUND if there is none; several are not
 * destroyed (CM_KEY_MISSING). */
enum sam_reason sam_cm_statement_key_destroy(struct sam_cm *cm) SAM_MUST;

/* ---- the SAP keys, to which SADs are encrypted ---- */

/* EC P-256, which can only agree on a secret; RSA-3072, which can only decrypt. */
enum sam_cm_sap_type { SAM_CM_SAP_EC, SAM_CM_SAP_RSA, SAM_CM_SAP_TYPES };
enum { SAM_CM_SAP_NAME = 17 /* 16 hexadecimal digits and a NUL */, SAM_CM_SECRET = 32 };

/** sam_cm_sap_create(cm, type, name, spki, len): Make a pair under the CKA_LABEL "p11-sam sap NAME", no CKA_ID, whose
 * private half is SENSITIVE, not EXTRACTABLE and good for nothing else; read it back, try what it is for, destroy it
 * again on any difference. ${spki}: malloc()ed DER. ARGUMENTS if it is no name, EXISTS, CM_MECHANISM if the CM cannot
 * do RSA-OAEP with SHA-256, CM_*. */
enum sam_reason sam_cm_sap_create(struct sam_cm *cm, enum sam_cm_sap_type type, const char *name, uint8_t **spki,
				  size_t *len) SAM_MUST;

/** sam_cm_sap_destroy(cm, name): All of that name, and look whether it is gone. NOT_FOUND if there is nothing, CM_*. */
enum sam_reason sam_cm_sap_destroy(struct sam_cm *cm, const char *name) SAM_MUST;

/** sam_cm_sap_present(cm, type, name): Is it there, once, as it was made? CM_KEY_MISSING, CM_FAILED. */
enum sam_reason sam_cm_sap_present(struct sam_cm *cm, enum sam_cm_sap_type type, const char *name) SAM_MUST;

/** sam_cm_sap_name(label, name): Is that the label of a SAP key? Then its name, for sam_cm_scan(). */
bool sam_cm_sap_name(const char *label, char name[SAM_CM_SAP_NAME]);

/** sam_cm_sap_agree(cm, name, point, z): ECDH by C_DeriveKey with that point, 04 x y, which the caller has found on
 * P-256: a CM need not look (invalid curve attack). ${z} is wiped on failure, and is the caller's to wipe.
 * CM_KEY_MISSING, CM_*. */
enum sam_reason sam_cm_sap_agree(struct sam_cm *cm, const char *name, const uint8_t point[65],
				 uint8_t z[SAM_CM_SECRET]) SAM_MUST;

/** sam_cm_sap_decrypt(cm, name, data, len, out): RSA-OAEP with SHA-256 by C_Decrypt, of 32 bytes; the same. JWE_KEY if
 * it does not come out, or is of another length. */
enum sam_reason sam_cm_sap_decrypt(struct sam_cm *cm, const char *name, const uint8_t *data, size_t len,
				   uint8_t out[SAM_CM_SECRET]) SAM_MUST;

/* What the SAM itself states and signs. This room makes the bytes out of these members, so the key signs
 * nothing of a caller's making (invariant 1). What a kind does not use is not looked at. */
enum sam_cm_statement_kind { SAM_CM_CHECKPOINT, SAM_CM_POLICY, SAM_CM_BACKUP, SAM_CM_EVIDENCE, SAM_CM_SAP_KEY };

/* What each is called in its header. */
#define SAM_TYP_CHECKPOINT "sam-checkpoint+jws"
#define SAM_TYP_POLICY "sam-policy+jws"
#define SAM_TYP_BACKUP "sam-backup+jws"
#define SAM_TYP_EVIDENCE "sam-key-evidence+jws"
#define SAM_TYP_SAP_KEY "sam-sap-key+jws"

struct sam_cm_statement {
	enum sam_cm_statement_kind kind;
	const char *kid;          /* RFC 7638 thumbprint of the key, 43 characters: for the header */
	const char *aud;          /* sam_id */
	const char *iss;          /* POLICY: the officer; else the node */
	const char *jti;          /* POLICY, BACKUP, EVIDENCE, SAP_KEY */
	int64_t iat, exp;         /* exp: POLICY, BACKUP (0: left out) */
	uint64_t number;          /* CHECKPOINT: its number; POLICY: the file's version */
	uint64_t epoch, sequence, audit_seq; /* CHECKPOINT, BACKUP */
	const uint8_t *sha256[2]; /* 32 bytes each: POLICY: policy, configuration; CHECKPOINT: audit_hash;
				     BACKUP: of the file, audit_hash; EVIDENCE: the thumbprint, of the key's
				     SubjectPublicKeyInfo */
	/* EVIDENCE, where and how a key was made: */
	const char *credential;       /* credentialID, 32 lower-case hexadecimal digits */
	const char *key_type, *origin; /* in words, 1 to 64 characters */
	const char *attributes;       /* as struct sam_cm_made has them */
	const char *evaluation;       /* of the CM, from the policy: 1 to 512 characters */
	/* SAP_KEY, a key that SADs are encrypted to: */
	enum sam_cm_sap_type sap_type;
	const char *sap_kid;          /* its thumbprint, 43 characters */
	const char *sap_numbers[2];   /* EC: x, y, 43 characters of base64url each; RSA: n, e */
};

/** sam_cm_state(cm, statement, jws): The statement as a compact JWS (RFC 7515), ES256, malloc()ed. Header:
 * alg, typ (sam-checkpoint+jws, sam-policy+jws, sam-backup+jws,
 * sam-key-evidence+jws, sam-sap-key+jws), kid. Payload, in this order, hashes in
 * lower-case hexadecimal:
 *   CHECKPOINT iss aud iat number epoch sequence audit_seq audit_hash
 *   POLICY     iss aud iat exp jti version policy_sha256 config_sha256
 *   BACKUP     iss aud iat exp jti epoch sequence audit_seq file_sha256 audit_hash
 *   EVIDENCE   iss aud iat jti credentialID thumbprint key_type origin attributes
 *              cm {manufacturer model firmware serial} evaluation; cm is what the CM says of itself at this
 *              opening, with '?' for what is not plain
 *   SAP_KEY    iss aud iat jti jkt jwk {kty crv x y use} or {kty n e use}
 * That the signature verifies is for the caller to see, who has the public key. NOT_FOUND if the CM has no
 * such key or two; ARGUMENTS if something is missing, negative or above INT64_MAX, or a text is not plain:
 * iss as sam_name_valid(), aud 1 to 255 printable ASCII characters without " and \, jti 1 to 128 of
 * base64url, EVIDENCE's texts as aud of their lengths; CM_*, MEMORY. */
enum sam_reason sam_cm_state(struct sam_cm *cm, const struct sam_cm_statement *statement,
			     char **jws) SAM_MUST;

/* ---- the number of the newest checkpoint ----
 * For each node one private data object, "p11-sam checkpoint NODE", that is replaced, never changed: SoftHSM
 * cannot change CKA_VALUE, and what is written in place is lost under kill -9. The caller holds the store's
 * write lock. */

/** sam_cm_number_read(cm, node, number): The highest that can be read; 0: there is none, also from a second,
 * new session (a CM may hide an object for a moment; it is one more than cm.sessions for that time). An object
 * whose value is no such number is passed over. ARGUMENTS if the node's name is not valid, CM_*. */
enum sam_reason sam_cm_number_read(struct sam_cm *cm, const char *node, uint64_t *number) SAM_MUST;

/** sam_cm_number_write(cm, node, number): Make the new object, read it back, then destroy all older ones of
 * that node. A crash in between leaves both. ARGUMENTS for 0, or if the CM has a higher one, CM_*. */
enum sam_reason sam_cm_number_write(struct sam_cm *cm, const char *node, uint64_t number) SAM_MUST;

/* ---- signers' keys ---- */

struct sam_cm_new_key {
	enum sam_key_type type;
	unsigned bits;            /* 2048…4096; 256, 384, 521; 255 */
	const char *label;
	const uint8_t *id;        /* SAM_CM_ID random bytes: CKA_ID at birth, never changed */
	char start[9], end[9];    /* YYYYMMDD for CKA_START_DATE and CKA_END_DATE, or ""; the SAM keeps to its dates
				     itself, so a CM that does not take them gets the key without */
};

enum { SAM_CM_ATTRIBUTES_SIZE = 1024, SAM_CM_ATTRIBUTE_NAME = 32 };

/* What came into being. */
struct sam_cm_made {
	uint8_t *spki; /* DER SubjectPublicKeyInfo, malloc()ed */
	size_t spki_len;
	/* What the private key reads back: "CKA_NAME=value ..." in a fixed order, printable ASCII without " and \.
	 * Truth values 01 or 00, numbers and bytes in hexadecimal, dates as YYYYMMDD, mechanisms sorted, "sha256:"
	 * and the hash for what is long (and always for modulus and exponent of RSA), "-" for what the CM cannot
	 * give. To be sealed, and handed back to sam_cm_sign(). */
	char attributes[SAM_CM_ATTRIBUTES_SIZE];
	bool local; /* CKA_LOCAL, CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE all read TRUE */
};

/** sam_cm_made_clear(made): Free what it owns and zero it; harmless on a zeroed one. */
void sam_cm_made_clear(struct sam_cm_made *made);

/** sam_cm_attributes_same(sealed, now, name): Are two such texts equal? If not, the ${name} of the first attribute
 * that differs. */
bool sam_cm_attributes_same(const char *sealed, const char *now, char name[SAM_CM_ATTRIBUTE_NAME]);

/** sam_cm_generate(cm, what, proven, out): Make the pair with the policy's template (PRIVATE, SENSITIVE,
 * not EXTRACTABLE, SIGN only, ALLOWED_MECHANISMS, not MODIFIABLE, not COPYABLE where the CM takes it),
 * read it back, destroy it again on any difference. ${proven} (levels 2 and 3): also unless all three of
 * out->local read TRUE (KEY_ORIGIN). ${out}: zeroed on failure. ARGUMENTS also for a label of the SAM's own
 * ("p11-sam ..."), EXISTS for a CKA_ID that is taken, CM_*. */
enum sam_reason sam_cm_generate(struct sam_cm *cm, const struct sam_cm_new_key *what, bool proven,
				struct sam_cm_made *out) SAM_MUST;

/** sam_cm_destroy(cm, id): Destroy the pair with that CKA_ID, and look whether it is gone. CM_KEY_MISSING if
 * there is none, CM_FAILED if several have it (none is destroyed) or something of it is left. */
enum sam_reason sam_cm_destroy(struct sam_cm *cm, const uint8_t id[SAM_CM_ID]) SAM_MUST;

/** sam_cm_key_present(cm, id, attributes): Is there exactly one private key with that CKA_ID (CM_KEY_MISSING), and
 * does it read as ${attributes} (KEY_CHANGED)? NULL or "": a key of an earlier version; it is only held against the
 * policy's template (CM_KEY_MISSING). */
enum sam_reason sam_cm_key_present(struct sam_cm *cm, const uint8_t id[SAM_CM_ID], const char *attributes) SAM_MUST;

/* ---- keys from outside (P1-6.2.4) ---- */

/* The hash of RSA-OAEP, and of its MGF1. */
enum sam_cm_oaep { SAM_CM_OAEP_SHA1 = 1, SAM_CM_OAEP_SHA256 };

/** sam_cm_oaep_name(hash): "RSA-OAEP" (SHA-1) or "RSA-OAEP-256", as RFC 7518 calls them; static. */
const char *sam_cm_oaep_name(enum sam_cm_oaep hash);

enum { SAM_CM_KEK_SIZE = 384 }; /* of a wrapped kek: the import key has 3072 bits */

/** sam_cm_import_key(cm, create, spki, len, hash): The public half of the SAM's import key (RSA-3072, CKA_LABEL
 * "p11-sam import", the private half can only unwrap), shown by a try to undo what is wrapped for it, with which
 * ${hash}: SHA-256 where the CM can. ${create}: make it if there is none. ${spki}: malloc()ed DER. NOT_FOUND;
 * CM_KEY_MISSING if there are two or a half; CM_*. */
enum sam_reason sam_cm_import_key(struct sam_cm *cm, bool create, uint8_t **spki, size_t *len,
				  enum sam_cm_oaep *hash) SAM_MUST;

struct sam_cm_package {
	const uint8_t *kek;  /* an AES-256 key under RSA-OAEP for the import key, SAM_CM_KEK_SIZE bytes */
	size_t kek_len;
	const uint8_t *key;  /* the PKCS#8 under AES key wrap with padding (RFC 5649), at most 8192 bytes */
	size_t key_len;
	const uint8_t *spki; /* the DER SubjectPublicKeyInfo that the manifest names */
	size_t spki_len;
};

/** sam_cm_unwrap(cm, what, package, out, msg): Bring a key in, by C_UnwrapKey alone and with the private template
 * of sam_cm_generate(); read it back, and have it sign a value of this room's own, which must verify under
 * package->spki. A failure leaves nothing in the CM and ${out} zeroed. out->spki is a copy of package->spki,
 * out->local false. There is no public key object. IMPORT: damaged or wrongly wrapped; IMPORT_MISMATCH: another
 * key than spki; EXISTS, ARGUMENTS, NOT_FOUND (no import key), CM_*. ${msg} may be NULL. */
enum sam_reason sam_cm_unwrap(struct sam_cm *cm, const struct sam_cm_new_key *what,
			      const struct sam_cm_package *package, struct sam_cm_made *out,
			      struct sam_msg *msg) SAM_MUST;

/* ---- what else there is ---- */

enum { SAM_CM_SCAN_MAX = 100000 }; /* keys of a class */

struct sam_cm_found {
	bool private;           /* else a public key */
	bool own;               /* one of the SAM's ("p11-sam ...", no CKA_ID): anybody could name a key so, so its
				   thumbprint is to be looked at all the same */
	bool known;             /* thumbprint is set; never for an EC private key whose CM does not tell */
	bool id_long;           /* CKA_ID has more than 64 bytes; none are given */
	uint8_t id[64];         /* CKA_ID */
	size_t id_len;
	char label[65];         /* cut, '?' for what is not printable ASCII */
	uint8_t thumbprint[32]; /* SHA-256 of the SubjectPublicKeyInfo */
};

/** sam_cm_scan(cm, each, arg): All private, then all public keys of the token, session objects too; ${each} is
 * called after the CM was asked, in this thread, and ends it by any reason but SAM_OK, which is given back.
 * CM_FAILED if there are more than SAM_CM_SCAN_MAX. */
enum sam_reason sam_cm_scan(struct sam_cm *cm, enum sam_reason (*each)(const struct sam_cm_found *found, void *arg),
			    void *arg) SAM_MUST;

/* ---- signing ---- */

/* What is signed. ${hash}/${digest}: for all but EdDSA; EdDSA takes the message. */
struct sam_cm_job {
	uint8_t id[SAM_CM_ID];
	enum sam_padding padding;
	enum sam_hash hash;
	const uint8_t *digest;    /* sam_hash_size(hash) bytes */
	unsigned bits;            /* of the key: CKM_ECDSA gets the leftmost bytes of the order's length */
	const uint8_t *message;
	size_t message_len;
	const char *attributes;   /* what the key read back when it was made; NULL or "": a key of an earlier version,
				     which is only held against the policy's template */
};

/** sam_cm_sign(cm, job, signature, len, maybe): THE ONE DOOR's last step (invariant 1): called by
 * sap/door.c and by nobody else (a test looks). C_SignInit and C_Sign back to back on one session.
 * ${len}: in the size of ${signature}, out its length. On failure ${maybe} tells whether the CM may
 * have signed all the same (the call did not come back with an error of its own). If the CM lost
 * its sessions before C_Sign, logs in again and tries once more. The key's attributes are read at its first use in
 * a process, and again when that is cm.recheck ago: KEY_CHANGED. */
enum sam_reason sam_cm_sign(struct sam_cm *cm, const struct sam_cm_job *job, uint8_t *signature,
			    size_t *len, bool *maybe) SAM_MUST;

#endif
