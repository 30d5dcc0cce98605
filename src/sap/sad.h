/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAD profile (p11-sam-sad(7)): the claims of a verified payload, read strictly into an
 * activation, and an activation written down for the store and read back.
 */
#ifndef SAM_SAP_SAD_H
#define SAM_SAP_SAD_H

#include "base/name.h"
#include "policy/policy.h"
#include "sap/jose.h"
#include "store/store.h"

enum {
	SAM_SAD_DIGESTS = P11_SAM_SAD_DIGESTS_MAX,
	SAM_SAD_JTI_MAX = 128,
	SAM_SAD_LABEL_MAX = 256,
	SAM_SAD_ISS_MAX = 255,
	SAM_SAD_KID_MAX = 128,
};

struct sam_digest {
	uint8_t value[SAM_HASH_MAX]; /* sam_hash_size(hash) bytes count */
	char *label;                 /* or NULL; owned */
};

/* What a SAD orders that is for no signature: `operation` and its `operation_params` (p11-sam-sad(7)). */
struct sam_sad_operation {
	char name[16];
	char act[8], jkt[SAM_THUMBPRINT_LEN + 1];      /* authenticator */
	char credential[33];                           /* suspend, resume, destroy: "" is the signer; activate, csr, revoke */
	char reason[SAM_SAD_LABEL_MAX + 1];            /* suspend, resume, revoke, destroy */
	char type[16], label[SAM_SAD_LABEL_MAX + 1];   /* generate */
	uint8_t sha256[32];                            /* activate: the key's thumbprint; csr, import: of what is ordered */
};

/* What a SAD allows: read from its claims, not yet trusted for anything else. */
struct sam_activation {
	char iss[SAM_SAD_ISS_MAX + 1]; /* the signer's id, or a trusted issuer's name */
	char sub[SAM_NAME_SIZE];
	char jti[SAM_SAD_JTI_MAX + 1];
	char kid[SAM_SAD_KID_MAX + 1]; /* the verifying key's thumbprint, or its name in the issuer's JWKS */
	char issuer_key[SAM_THUMBPRINT_LEN + 1]; /* of a trusted issuer's SAD: its key; "": the signer's own SAD */
	char cnf_key[SAM_THUMBPRINT_LEN + 1];    /* the registered key of `cnf`, whose proof came along; "": none */
	int64_t iat, nbf, exp; /* seconds; nbf = iat if absent */
	char credential[33];   /* credentialID */
	enum sam_hash hash;
	struct sam_digest *digests; /* owned, sorted by value, each once */
	size_t digest_count;
	uint32_t limit;         /* numSignatures; digest_count if absent */
	char sign_algo[64];     /* an OID, or "" */
	uint8_t payload[32];    /* HMAC of the payload under SAM_SEAL_PAYLOAD */
	uint8_t sad_sha256[32]; /* of the whole compact JWS */
	unsigned factors;       /* kinds that were seen, see policy/factors.h */
	bool encrypted;         /* it came as a JWE */
	bool token;             /* it came by a SAD token */
	struct sam_token_id by; /* by this one, if it was presented now */
	uint64_t version;       /* of the signer, when it was verified: a change since has ended it */
	struct sam_sad_operation *order; /* NULL: it is for signatures; else it orders `generate`, and names no key; owned */
};

/* What the claims are checked against. */
struct sam_sad_rules {
	const char *sam_id;
	int64_t now, max_lifetime, leeway; /* seconds */
	unsigned level;                    /* but at level 1, numSignatures is the number of digests */
	const struct sam_policy_issuer *issuer; /* whose SAD it is; NULL: the signer's own */
};

/** sam_sad_header(jws, typ, kid): What a SAD's header, or another statement's, needs beyond sam_jose_parse(): its
 * `typ` (a SAD's is `sad+jwt`) and a thumbprint as `kid`, copied to ${kid}. SAD_HEADER. */
enum sam_reason sam_sad_header(const struct sam_jws *jws, const char *typ,
			       char kid[SAM_THUMBPRINT_LEN + 1]) SAM_MUST;

/** sam_sad_identity(claims, out, msg): The `iss`, `sub` and, if it is one, the `jti`, from claims
 * that may not be verified yet: to find the authenticator by, and for the record. ${claims} NULL:
 * the payload was no JSON object. SAD_CLAIMS, SAD_ISSUER if iss and sub are missing, no valid ids,
 * or differ. */
enum sam_reason sam_sad_identity(const json_t *claims, struct sam_activation *out,
				 struct sam_msg *msg) SAM_MUST;

/** sam_sad_identity_by(claims, issuer, out, msg): The same of a SAD by that trusted issuer (NULL: by the signer). */
enum sam_reason sam_sad_identity_by(const json_t *claims, const struct sam_policy_issuer *issuer,
				    struct sam_activation *out, struct sam_msg *msg) SAM_MUST;

/** sam_sad_claims(claims, rules, out, msg): Read and check every claim of p11-sam-sad(7) for
 * the operation `sign`: iss = sub, or the issuer (SAD_ISSUER), aud (SAD_AUDIENCE), iat, nbf, exp (SAD_EXPIRED: exp
 * <= now, no leeway; SAD_NOT_YET; SAD_LIFETIME), jti, authorization_details or, of an issuer whose entry says so, the
 * flat form (SAD_DETAILS), operation (SAD_OPERATION), pin and unknown types (SAD_CLAIMS). Members that the
 * profile does not name are ignored, as RFC 7519 section 4 says; `cnf` is for sam_proof_check(). ${out}'s kid,
 * payload, sad_sha256, token are not touched.
 * ${msg} names the claim, never its value. Free with sam_sad_clear(), also after a failure. */
enum sam_reason sam_sad_claims(const json_t *claims, const struct sam_sad_rules *rules,
			       struct sam_activation *out, struct sam_msg *msg) SAM_MUST;

/** sam_sad_frame(claims, rules, out, msg): Of these only `aud`, `jti`, `iat`, `nbf`, `exp` and the types of `amr`,
 * `acr`, `auth_time`: what every statement to the SAM has. */
enum sam_reason sam_sad_frame(const json_t *claims, const struct sam_sad_rules *rules,
			      struct sam_activation *out, struct sam_msg *msg) SAM_MUST;

/** sam_sad_operation_claims(claims, rules, out, operation, msg): The same for a SAD that orders something else than
 * a signature; it has no `authorization_details`. SAD_OPERATION if it is `sign`, or none of this version. */
enum sam_reason sam_sad_operation_claims(const json_t *claims, const struct sam_sad_rules *rules,
					 struct sam_activation *out, struct sam_sad_operation *operation,
					 struct sam_msg *msg) SAM_MUST;

/** sam_operation_read(claims, out, msg): `operation` and `operation_params`, every member checked. */
enum sam_reason sam_operation_read(const json_t *claims, struct sam_sad_operation *out,
				   struct sam_msg *msg) SAM_MUST;

/** sam_sad_label_valid(text, len): May people be shown it: at most 256 bytes, nothing that moves or hides text? */
bool sam_sad_label_valid(const char *text, size_t len);

void sam_sad_clear(struct sam_activation *activation);

/** sam_sad_digest_find(activation, digest): The entry, or NULL. */
const struct sam_digest *sam_sad_digest_find(const struct sam_activation *activation,
					     const uint8_t *digest);

/** sam_sad_write(activation, text): As one line of JSON for the store; malloc()ed. */
enum sam_reason sam_sad_write(const struct sam_activation *activation, char **text) SAM_MUST;

/** sam_sad_read(text, len, out): What sam_sad_write() wrote, with token set; STORE_TAMPERED
 * otherwise. */
enum sam_reason sam_sad_read(const char *text, size_t len, struct sam_activation *out) SAM_MUST;

#endif
