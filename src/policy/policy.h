/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The policy file (p11-sam-policy(5)): what a level allows, with dates, and what it asks of people.
 * Loaded once, then asked.
 */
#ifndef SAM_POLICY_POLICY_H
#define SAM_POLICY_POLICY_H

#include <limits.h>
#include "base/jws.h"
#include "base/mechanism.h"
#include "base/name.h"
#include "base/reason.h"
#include "policy/acts.h"

enum { SAM_POLICY_MECHANISMS = 32, SAM_POLICY_KEY_RULES = 16, SAM_POLICY_CMS = 16, SAM_POLICY_CAS = 8 };
/* No time passes it: until an officer unlocks. */
#define SAM_LOCKOUT_OFFICER INT64_MAX

enum { SAM_POLICY_RENEWALS = 64, SAM_POLICY_RENEWAL_MAX = 2000 };
enum { SAM_POLICY_TEXT = 129 /* of a name or reference, with its NUL */, SAM_POLICY_CA_DER = 4096 };
enum { SAM_POLICY_ISSUERS = 8, SAM_POLICY_WORDS = 8, SAM_POLICY_WORD = 129, SAM_POLICY_FILE = 512,
       SAM_ISSUER_NAME = 256 };
enum { SAM_CA_CERTIFICATES = 1, SAM_CA_IMPORT = 2, SAM_CA_AUTHENTICATION = 4 };

enum sam_authorisation { SAM_AUTHORISE_SAD, SAM_AUTHORISE_LOGIN /* level 1 only */ };

/* From when (inclusive) until when (exclusive), in seconds since 1970; INT64_MIN, INT64_MAX: without that limit. */
struct sam_policy_dates {
	int64_t sign_from, sign_until, verify_until;
};

/* One line of `keys:`: this type from min_bits up to max_bits, and the same dates. */
struct sam_key_rule {
	enum sam_key_type type;
	unsigned min_bits, max_bits;
	int64_t generate_from, generate_until, sign_from, sign_until, verify_until;
};

/* Schemes of evaluation; none is for tests. */
enum sam_evaluation { SAM_EVALUATION_NONE, SAM_EVALUATION_CMVP, SAM_EVALUATION_JCMVP, SAM_EVALUATION_CC,
		      SAM_EVALUATION_COUNT };

/* One approved CM. */
struct sam_policy_cm {
	char manufacturer[33], model[17], firmware[16]; /* as CK_TOKEN_INFO has them; firmware "": any */
	enum sam_evaluation scheme;
	char certificate[SAM_POLICY_TEXT];              /* its number, "" without an evaluation */
	char evaluation[SAM_POLICY_TEXT + 8];           /* both in words: "CMVP 4321", "none, for tests" */
	int64_t expires;                                /* INT64_MAX without */
};

/* One trusted CA. */
struct sam_policy_ca {
	char name[SAM_POLICY_TEXT];
	unsigned use;                 /* SAM_CA_CERTIFICATES: signers' certificates may chain to it; SAM_CA_IMPORT: it
				       * may sign import packages; SAM_CA_AUTHENTICATION: signers' SADs may be
				       * signed with certificates that chain to it */
	unsigned keygen_level;        /* that its own generation of keys meets; 0: nothing is stated */
	char reference[SAM_POLICY_TEXT]; /* where that is shown, and since when it was (seconds since 1970) */
	int64_t date;
	uint8_t der[SAM_POLICY_CA_DER];
	size_t len;
};

/* One trusted issuer of SADs: an authorisation server. */
struct sam_policy_issuer {
	char iss[SAM_ISSUER_NAME];       /* never the id that a signer could have */
	char jwks[SAM_POLICY_FILE];      /* its keys: the path of a JWKS file, read anew when it changes */
	bool typ_access, typ_jwt;        /* header typ at+jwt and JWT are taken beside sad+jwt */
	bool algorithms[SAM_JWS_ALGS];   /* of its signatures; some of sad_algorithms */
	char acr[SAM_POLICY_WORDS][SAM_POLICY_WORD]; /* one of these must be said; none: not asked */
	size_t acr_count;
	char amr[SAM_POLICY_WORDS][SAM_POLICY_WORD]; /* all of these must be said */
	size_t amr_count;
	int64_t max_auth_age;            /* of auth_time, seconds; 0: not asked */
	bool flat;                       /* the flat form of the EUDI reference implementation is taken */
	bool delegation;                 /* its word alone authorises, without the signer's proof: level 1 */
};

struct sam_policy {
	char path[PATH_MAX];
	uint8_t sha256[32];        /* of the file */
	unsigned version;          /* counted up by the policy's author */
	unsigned level;
	/* signing: */
	enum sam_authorisation authorisation;
	bool always_authenticate;  /* CKA_ALWAYS_AUTHENTICATE reads TRUE */
	bool verify;               /* the signature, before it is released */
	bool curve_below_hash;     /* CKM_ECDSA with a hash longer than the curve's order */
	/* sap: */
	int64_t max_lifetime, leeway; /* seconds */
	bool sad_algorithms[SAM_JWS_ALGS]; /* those a SAD may be signed with */
	unsigned factors;          /* kinds that each SAD must show: 1 or 2, see policy/factors.h */
	unsigned kinds;            /* which count, a set; levels 2 and 3 ask for possession among them */
	bool encrypted;            /* only encrypted SADs are taken */
	bool renewal_all;          /* each SAD token signs once and is replaced by the next: for everybody, or */
	char renewal[SAM_POLICY_RENEWALS][SAM_NAME_SIZE]; /* for these principals and signers */
	size_t renewal_count;
	unsigned renewal_max;      /* tokens in one chain */
	bool deferred;             /* C_Sign without an activation waits for the signer's SAD: */
	int64_t deferred_wait_s, deferred_expiry_s; /* so long; and so long the request stays open */
	unsigned deferred_max;     /* requests open for one principal, and for one key */
	/* issuers: */
	struct sam_policy_issuer issuers[SAM_POLICY_ISSUERS];
	size_t issuer_count;
	/* mechanisms:, hashes:, keys: */
	const struct sam_mechanism *mechanisms[SAM_POLICY_MECHANISMS];
	size_t mechanism_count;
	struct sam_policy_dates mechanism_dates[SAM_POLICY_MECHANISMS]; /* of the same index */
	bool hashes[SAM_HASH_COUNT];
	struct sam_policy_dates hash_dates[SAM_HASH_COUNT];
	struct sam_key_rule keys[SAM_POLICY_KEY_RULES];
	size_t key_count;
	/* roles: */
	bool administrator_operator;       /* one person may be both */
	bool dual_control[SAM_ACT_COUNT];  /* those that the policy wants confirmed */
	int64_t pending_s, session_s;      /* how long an act waits, and a privileged user's login lasts */
	/* passwords: and lockout: */
	unsigned password_min, password_different; /* bytes, characters */
	unsigned lockout_attempts;         /* wrong ones in a row */
	int64_t lockout_s;                 /* so long; SAM_LOCKOUT_OFFICER: until an officer unlocks */
	/* cms:, schemes: */
	struct sam_policy_cm cms[SAM_POLICY_CMS];
	size_t cm_count;
	bool schemes[SAM_EVALUATION_COUNT]; /* those that count, where the policy says so */
	/* cas:, import:, time:, certificates: */
	struct sam_policy_ca cas[SAM_POLICY_CAS];
	size_t ca_count;
	bool import;                       /* keys may be brought in, as the level allows */
	bool require_sync;                 /* keys sign under a synchronised clock only */
	bool certificate_required;         /* keys sign documents with a valid certificate only */
};

/** sam_policy_load(path, out, msg): Read, check against the level's baseline (a policy may only
 * tighten it), hash. Changes nothing; POLICY with ${msg}. Ownership is the caller's to check. */
enum sam_reason sam_policy_load(const char *path, struct sam_policy *out, struct sam_msg *msg) SAM_MUST;

/** sam_policy_parse(path, text, len, out, msg): The same for text in memory; ${path} is for messages. */
enum sam_reason sam_policy_parse(const char *path, const void *text, size_t len, struct sam_policy *out,
				 struct sam_msg *msg) SAM_MUST;

/** sam_policy_factors(policy, kinds): Do these kinds of factors do for a SAD (P1-T3.5)? FACTORS. */
enum sam_reason sam_policy_factors(const struct sam_policy *policy, unsigned kinds) SAM_MUST;

/** sam_policy_statement(policy, i): What status, doctor and the start record must say in plain words
 * ("level 3 rules, SAM not evaluated"); NULL past the last. */
const char *sam_policy_statement(const struct sam_policy *policy, size_t i);

/** sam_policy_second(policy, act): Who must confirm this act, a set of roles; 0: one person is enough. As
 * acts.def says, or a security officer where the policy wants it besides (P1-7.2.1b). */
unsigned sam_policy_second(const struct sam_policy *policy, enum sam_act act);

/** sam_policy_cm(policy, manufacturer, model, firmware, now, entry): May this CM be used, by what CK_TOKEN_INFO says
 * of it? OK with ${entry}, which lives as long as ${policy}; at level 1 always, with NULL where it is not listed or
 * not any more. CM_UNAPPROVED with NULL: not listed, or its evaluation has expired (P1-T3.5, P3-3.16). */
enum sam_reason sam_policy_cm(const struct sam_policy *policy, const char *manufacturer, const char *model,
			      const char *firmware, int64_t now, const struct sam_policy_cm **entry) SAM_MUST;

/** sam_policy_renews(policy, principal, signer): Does a token of this signer's SADs sign once, for who is logged in as
 * ${principal}, and is then replaced by the next? ${principal} NULL or "": for whoever. */
bool sam_policy_renews(const struct sam_policy *policy, const char *principal, const char *signer);

/** sam_evaluation_name(evaluation): "CMVP", …, "none, for tests"; static. */
const char *sam_evaluation_name(enum sam_evaluation evaluation);

/** sam_policy_issuer(policy, iss): That issuer's entry; NULL if it is none of the policy's. */
const struct sam_policy_issuer *sam_policy_issuer(const struct sam_policy *policy, const char *iss);

/** sam_policy_issuer_asserts(issuer): Is it asked for something that is a factor of another kind than possession: a
 * class (acr), or a method (amr) by what the signer knows or is, or by several? */
bool sam_policy_issuer_asserts(const struct sam_policy_issuer *issuer);

/** sam_policy_may_import(policy): IMPORT_LEVEL if no key may be brought in; from whom is for the caller to ask. */
enum sam_reason sam_policy_may_import(const struct sam_policy *policy) SAM_MUST;

/** sam_policy_may_sign(policy, scheme, type, bits, now): With this mechanism, key type and size, at
 * this time (seconds)? The hash is checked if known. LEVEL_MISSING (no policy), MECHANISM, KEY_TYPE, KEY_SIZE,
 * HASH_FORBIDDEN. */
enum sam_reason sam_policy_may_sign(const struct sam_policy *policy, const struct sam_scheme *scheme,
				    enum sam_key_type type, unsigned bits, int64_t now) SAM_MUST;

/** sam_policy_may_hash(policy, scheme, hash, bits, now): This hash with this scheme and key, at this time? */
enum sam_reason sam_policy_may_hash(const struct sam_policy *policy, const struct sam_scheme *scheme,
				    enum sam_hash hash, unsigned bits, int64_t now) SAM_MUST;

/** sam_policy_may_verify(policy, scheme, type, bits, now): May a signature be verified so? At every level, and with
 * all that this program knows, but for what the policy lists with a verify_until that is past. The hash is looked
 * at if known: ask again with it where the data brings it. LEVEL_MISSING (no policy), MECHANISM, KEY_TYPE, KEY_SIZE,
 * HASH_FORBIDDEN. */
enum sam_reason sam_policy_may_verify(const struct sam_policy *policy, const struct sam_scheme *scheme,
				      enum sam_key_type type, unsigned bits, int64_t now) SAM_MUST;

/** sam_policy_may_generate(policy, type, bits, now): KEY_SIZE if not (yet, or any more). */
enum sam_reason sam_policy_may_generate(const struct sam_policy *policy, enum sam_key_type type,
					unsigned bits, int64_t now) SAM_MUST;

#endif
