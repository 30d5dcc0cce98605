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
#include "base/reason.h"
#include "policy/acts.h"

enum { SAM_POLICY_MECHANISMS = 32, SAM_POLICY_KEY_RULES = 16 };

enum sam_authorisation { SAM_AUTHORISE_SAD, SAM_AUTHORISE_LOGIN /* level 1 only */ };

/* One line of `keys:`: this type from min_bits up to max_bits, until when (seconds since 1970; INT64_MAX: no end). */
struct sam_key_rule {
	enum sam_key_type type;
	unsigned min_bits, max_bits;
	int64_t generate_until, sign_until;
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
	/* mechanisms:, hashes:, keys: */
	const struct sam_mechanism *mechanisms[SAM_POLICY_MECHANISMS];
	size_t mechanism_count;
	bool hashes[SAM_HASH_COUNT];
	struct sam_key_rule keys[SAM_POLICY_KEY_RULES];
	size_t key_count;
	/* roles: */
	bool administrator_operator;       /* one person may be both */
	bool dual_control[SAM_ACT_COUNT];  /* those that the policy wants confirmed */
	int64_t pending_s, session_s;      /* how long an act waits, and a privileged user's login lasts */
	/* passwords: and lockout: */
	unsigned password_min, password_different; /* bytes, characters */
	unsigned lockout_attempts;         /* wrong ones in a row */
	int64_t lockout_s;
};

/** sam_policy_load(path, out, msg): Read, check against the level's baseline (a policy may only
 * tighten it), hash. Changes nothing; POLICY with ${msg}. Ownership is the caller's to check. */
enum sam_reason sam_policy_load(const char *path, struct sam_policy *out, struct sam_msg *msg) SAM_MUST;

/** sam_policy_parse(path, text, len, out, msg): The same for text in memory; ${path} is for messages. */
enum sam_reason sam_policy_parse(const char *path, const void *text, size_t len, struct sam_policy *out,
				 struct sam_msg *msg) SAM_MUST;

/** sam_policy_missing(policy, i): What this version lacks to sign at that level, the i-th sentence;
 * NULL past the last. Level 1 lacks nothing. */
const char *sam_policy_missing(const struct sam_policy *policy, size_t i);

/** sam_policy_statement(policy, i): What status, doctor and the start record must say in plain words
 * ("level 3 rules, SAM not evaluated"); NULL past the last. */
const char *sam_policy_statement(const struct sam_policy *policy, size_t i);

/** sam_policy_second(policy, act): Who must confirm this act, a set of roles; 0: one person is enough. As
 * acts.def says, or a security officer where the policy wants it besides (P1-7.2.1b). */
unsigned sam_policy_second(const struct sam_policy *policy, enum sam_act act);

/** sam_policy_may_sign(policy, scheme, type, bits, now): With this mechanism, key type and size, at
 * this time (seconds)? The hash is checked if known. LEVEL_MISSING, MECHANISM, KEY_TYPE, KEY_SIZE,
 * HASH_FORBIDDEN. */
enum sam_reason sam_policy_may_sign(const struct sam_policy *policy, const struct sam_scheme *scheme,
				    enum sam_key_type type, unsigned bits, int64_t now) SAM_MUST;

/** sam_policy_may_hash(policy, scheme, hash, bits): This hash with this scheme and key? */
enum sam_reason sam_policy_may_hash(const struct sam_policy *policy, const struct sam_scheme *scheme,
				    enum sam_hash hash, unsigned bits) SAM_MUST;

/** sam_policy_may_generate(policy, type, bits, now): KEY_SIZE if not (any more). */
enum sam_reason sam_policy_may_generate(const struct sam_policy *policy, enum sam_key_type type,
					unsigned bits, int64_t now) SAM_MUST;

#endif
