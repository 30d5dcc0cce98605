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

/* What the SAM itself states and signs. This room makes the bytes out of these members, so the key signs
 * nothing of a caller's making (invariant 1). What a kind does not use is not looked at. */
enum sam_cm_statement_kind { SAM_CM_CHECKPOINT, SAM_CM_POLICY, SAM_CM_BACKUP };

/* What each is called in its header. */
#define SAM_TYP_CHECKPOINT "sam-checkpoint+jws"
#define SAM_TYP_POLICY "sam-policy+jws"
#define SAM_TYP_BACKUP "sam-backup+jws"

struct sam_cm_statement {
	enum sam_cm_statement_kind kind;
	const char *kid;          /* RFC 7638 thumbprint of the key, 43 characters: for the header */
	const char *aud;          /* sam_id */
	const char *iss;          /* POLICY: the officer; CHECKPOINT, BACKUP: the node */
	const char *jti;          /* POLICY, BACKUP */
	int64_t iat, exp;         /* exp: POLICY, BACKUP (0: left out) */
	uint64_t number;          /* CHECKPOINT: its number; POLICY: the file's version */
	uint64_t epoch, sequence, audit_seq; /* CHECKPOINT, BACKUP */
	const uint8_t *sha256[2]; /* 32 bytes each: POLICY: policy, configuration; CHECKPOINT: audit_hash;
				     BACKUP: of the file, audit_hash */
};

/** sam_cm_state(cm, statement, jws): The statement as a compact JWS (RFC 7515), ES256, malloc()ed. Header:
 * alg, typ (sam-checkpoint+jws, sam-policy+jws, sam-backup+jws), kid. Payload, in this order, hashes in
 * lower-case hexadecimal:
 *   CHECKPOINT iss aud iat number epoch sequence audit_seq audit_hash
 *   POLICY     iss aud iat exp jti version policy_sha256 config_sha256
 *   BACKUP     iss aud iat exp jti epoch sequence audit_seq file_sha256 audit_hash
 * That the signature verifies is for the caller to see, who has the public key. NOT_FOUND if the CM has no
 * such key or two; ARGUMENTS if something is missing, negative or above INT64_MAX, or a text is not plain:
 * iss as sam_name_valid(), aud 1 to 255 printable ASCII characters without " and \, jti 1 to 128 of
 * base64url; CM_*, MEMORY. */
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
};

/** sam_cm_generate(cm, what, spki, len): Make the pair with the policy's template (PRIVATE, SENSITIVE,
 * not EXTRACTABLE, SIGN only, ALLOWED_MECHANISMS, not MODIFIABLE, not COPYABLE where the CM takes it),
 * read it back, destroy it again on any difference. ${spki} is malloc()ed DER. ARGUMENTS also for a label
 * of the SAM's own ("p11-sam ..."). */
enum sam_reason sam_cm_generate(struct sam_cm *cm, const struct sam_cm_new_key *what, uint8_t **spki,
				size_t *len) SAM_MUST;

/** sam_cm_destroy(cm, id): Destroy the pair with that CKA_ID (after a failed enrolment). */
enum sam_reason sam_cm_destroy(struct sam_cm *cm, const uint8_t id[SAM_CM_ID]) SAM_MUST;

/** sam_cm_key_present(cm, id): Is there exactly one private key with that CKA_ID? CM_KEY_MISSING. */
enum sam_reason sam_cm_key_present(struct sam_cm *cm, const uint8_t id[SAM_CM_ID]) SAM_MUST;

/* What is signed. ${hash}/${digest}: for all but EdDSA; EdDSA takes the message. */
struct sam_cm_job {
	uint8_t id[SAM_CM_ID];
	enum sam_padding padding;
	enum sam_hash hash;
	const uint8_t *digest;    /* sam_hash_size(hash) bytes */
	unsigned bits;            /* of the key: CKM_ECDSA gets the leftmost bytes of the order's length */
	const uint8_t *message;
	size_t message_len;
};

/** sam_cm_sign(cm, job, signature, len, maybe): THE ONE DOOR's last step (invariant 1): called by
 * sap/door.c and by nobody else (a test looks). C_SignInit and C_Sign back to back on one session.
 * ${len}: in the size of ${signature}, out its length. On failure ${maybe} tells whether the CM may
 * have signed all the same (the call did not come back with an error of its own). If the CM lost
 * its sessions before C_Sign, logs in again and tries once more. */
enum sam_reason sam_cm_sign(struct sam_cm *cm, const struct sam_cm_job *job, uint8_t *signature,
			    size_t *len, bool *maybe) SAM_MUST;

#endif
