/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The waist: all that the PKCS#11 face (and samctl) asks of the SAM, by value; through it, one day, a
 * socket could run (HACKING.md). Nothing here knows sessions or handles.
 */
#ifndef SAM_SAP_SAM_H
#define SAM_SAP_SAM_H

#include "base/mem.h"
#include "cm/cm.h"
#include "registry/registry.h"

struct sam;            /* one opened SAM */
struct sam_activation; /* a SAD that was verified, see sap/sad.h; counted, immutable */

enum sam_open_mode {
	SAM_OPEN_MODULE, /* the PKCS#11 module: start record, CM, everything */
	SAM_OPEN_TOOL,   /* samctl: the same without the start record */
	SAM_OPEN_SIGNING, /* `policy sign`: files that are not the signed ones are no hindrance */
	SAM_OPEN_ENABLING, /* `cm enable`: the CM's PIN is tried though it was refused before */
};

/** sam_open(config_path, mode, out, msg): ${config_path} NULL: as sam_config_find(). Loads configuration and
 * policy, opens CM and store, compares the files with those that officers signed. ${msg} says why not. */
enum sam_reason sam_open(const char *config_path, enum sam_open_mode mode, struct sam **out,
			 struct sam_msg *msg) SAM_MUST;
void sam_close(struct sam *sam);
void sam_abandon(struct sam *sam); /* in a forked child */

/* ---- who is there ---- */

/* A login, by value: whom the application's session speaks for. */
struct sam_login {
	char name[SAM_NAME_SIZE]; /* "": nobody */
	enum sam_role role;       /* SIGNER or SCA, or SECURITY_OFFICER for CKU_SO */
	bool by_sad;              /* the SAD was the service authentication (level 1) */
	uint64_t version;         /* of the signer then: a change since ends what this login authorises */
	int64_t until_ms;         /* of sam_clock_monotonic_ms(): an officer's login ends then (P1-7.1.2.4); 0: never */
};

enum sam_login_as { SAM_LOGIN_USER, SAM_LOGIN_SO };

/** sam_login(sam, as, name, pin, len, current, login, activation): C_Login(CKU_USER or CKU_SO) and C_LoginUser.
 * ${name} NULL: C_Login. ${current}: who is logged in now ("" nobody). On SAM_OK ${login} is the new
 * state. ALREADY_LOGGED_IN: nothing changes, but a SAD of the signer logged in (or of one granted to
 * the SCA) was taken up. In both cases ${activation}, if not NULL, is a SAD to keep; release it with
 * sam_activation_release(). Everything is recorded here. */
enum sam_reason sam_login(struct sam *sam, enum sam_login_as as, const char *name, const char *pin,
			  size_t len, const struct sam_login *current, struct sam_login *login,
			  struct sam_activation **activation) SAM_MUST;

/** sam_logout(sam, login): Record it. */
void sam_logout(struct sam *sam, const struct sam_login *login);

/** sam_set_password(sam, login, old, old_len, fresh, len): C_SetPIN: an officer changes the own password. ${old} and
 * ${fresh} may stand behind "NAME:". PASSWORD_WRONG, PASSWORD_WEAK, LOCKED, PROHIBITED (not an officer). */
enum sam_reason sam_set_password(struct sam *sam, const struct sam_login *login, const char *old, size_t old_len,
				 const char *fresh, size_t len) SAM_MUST;

/** sam_activate(sam, login, name, pin, len, activation): C_Login(CKU_CONTEXT_SPECIFIC): verify what was
 * presented. A password is PIN_FORM's business unless the policy's level 1 login counts. ${login}: who
 * is logged in; the SAD must be theirs or of a signer granted to them. */
enum sam_reason sam_activate(struct sam *sam, const struct sam_login *login, const char *name,
			     const char *pin, size_t len, struct sam_activation **activation) SAM_MUST;

void sam_activation_hold(struct sam_activation *activation);
void sam_activation_release(struct sam_activation *activation);
/** sam_activation_same(a, b): The same SAD (iss, jti)? */
bool sam_activation_same(const struct sam_activation *a, const struct sam_activation *b);

/** sam_exchange(sam, sad, len, token): Verify the SAD and give its SAD token: 30 characters and a NUL. For
 * the deposit object and `samctl sad exchange`. */
enum sam_reason sam_exchange(struct sam *sam, const char *sad, size_t len,
			     char token[SAM_TOKEN_LEN + 1]) SAM_MUST;

/* A SAD's chain of tokens, as the deposit object remembers it: neither SAD nor token. */
struct sam_chain {
	char iss[256], jti[129], signer[SAM_NAME_SIZE];
	uint8_t payload[SAM_SEAL_MAC];
	int64_t iat, exp;
};

/** sam_chain_open(sam, pin, len, chain): As sam_exchange(), for who will read the token later, and again after each
 * signature. ${pin} may also be the SAD's current token. */
enum sam_reason sam_chain_open(struct sam *sam, const char *pin, size_t len, struct sam_chain *chain) SAM_MUST;

/** sam_chain_token(sam, login, chain, token): The current token; the caller wipes it. TOKEN_UNKNOWN, SAD_EXPIRED,
 * SAD_EPOCH, SAD_REVOKED: there is none any more. RENEWALS_USED: for who is logged in, the chain has come to its
 * end. */
enum sam_reason sam_chain_token(struct sam *sam, const struct sam_login *login, const struct sam_chain *chain,
				char token[SAM_TOKEN_LEN + 1]) SAM_MUST;

/* What there is to say of a SAD or token that would be taken. */
struct sam_inspection {
	uint32_t number;          /* of the SAD's current token in its chain; 0: it has none */
	uint32_t chain;           /* tokens that the chain may have; 0: its tokens are not renewed, whoever logs in */
};

/** sam_inspect(sam, sad, len, out, msg): Would this SAD or SAD token be taken now? Uses nothing up, records nothing;
 * ${msg} names the claim. */
enum sam_reason sam_inspect(struct sam *sam, const char *sad, size_t len, struct sam_inspection *out,
			    struct sam_msg *msg) SAM_MUST;

/* ---- keys ---- */

/* A key as an application may see it: public facts, by value. */
struct sam_key_view {
	char credential[SAM_CREDENTIAL_SIZE];
	uint8_t id[16];           /* the CKA_ID that applications see: the bytes of credential */
	char signer[SAM_NAME_SIZE];
	char label[SAM_TEXT_SIZE];
	enum sam_key_type type;
	unsigned bits;
	uint8_t *spki;            /* DER, owned by the view */
	size_t spki_len;
	bool always_authenticate;
	int64_t start, end;       /* seconds since 1970; 0: none */
	bool local, always_sensitive, never_extractable; /* as sealed at birth */
	uint8_t *certificate;     /* DER, owned by the view; NULL: none */
	size_t certificate_len;
};

/** sam_keys(sam, login, views, count): The keys that this login may use, sorted by credential; nobody
 * logged in: none. Free with sam_keys_free(). */
enum sam_reason sam_keys(struct sam *sam, const struct sam_login *login, struct sam_key_view **views,
			 size_t *count) SAM_MUST;
void sam_keys_free(struct sam_key_view *views, size_t count);

/** sam_keys_version(sam, version): Changes whenever sam_keys() might answer otherwise. */
enum sam_reason sam_keys_version(struct sam *sam, uint64_t *version) SAM_MUST;

/** sam_may_sign(sam, login, credential, mechanism, scheme): C_SignInit: may this login use this key with
 * this mechanism, now? Does not touch the CM. Refusals are recorded. */
enum sam_reason sam_may_sign(struct sam *sam, const struct sam_login *login, const char *credential,
			     const CK_MECHANISM *mechanism, struct sam_scheme *scheme) SAM_MUST;

/** sam_may_verify(sam, scheme, type, bits): C_VerifyInit: does the policy still let such signatures be verified? */
enum sam_reason sam_may_verify(struct sam *sam, const struct sam_scheme *scheme, enum sam_key_type type,
			       unsigned bits) SAM_MUST;

/* A key that an application asks for. */
struct sam_new_key {
	enum sam_key_type type;
	unsigned bits;
	char label[SAM_TEXT_SIZE]; /* "": as the SAD says */
	int64_t start, end;        /* seconds since 1970; 0: none */
};

/** sam_generate(sam, login, activations, count, what, credential): C_GenerateKeyPair: an act of src/admin: make a key
 * in the CM for the `sub` of the first of these SADs that orders `generate` and is not used up. NO_ACTIVATION without
 * one; SAD_PARAMS where it orders another type or label; everything is recorded. ${credential}: the new key's. */
enum sam_reason sam_generate(struct sam *sam, const struct sam_login *login,
			     struct sam_activation *const *activations, size_t count,
			     const struct sam_new_key *what, char credential[SAM_CREDENTIAL_SIZE]) SAM_MUST;

/** sam_generates(sam, type, min, max): Would C_GetMechanismList list the mechanism that makes keys of this type, by
 * policy and CM, now? And the sizes in bits. */
bool sam_generates(struct sam *sam, enum sam_key_type type, unsigned *min, unsigned *max);

/** sam_mechanism_offered(sam, mechanism): Would C_GetMechanismList list it: policy and CM? */
bool sam_mechanism_offered(struct sam *sam, const struct sam_mechanism *mechanism);

/** sam_key_sizes(sam, type, min, max): The sizes in bits that the policy knows for this type of key; 0: none. */
void sam_key_sizes(struct sam *sam, enum sam_key_type type, unsigned *min, unsigned *max);

/* ---- the one door ---- */

/* What is signed: an application's data, or the request for the key's certificate, which the SAM itself made. */
enum sam_sign_purpose { SAM_SIGN_DATA, SAM_SIGN_CSR };

/* Deferred authorisation: how a C_Sign that waits hears that nobody wants its signature any more. */
struct sam_wait {
	enum sam_reason (*over)(void *arg); /* SAM_OK: wait on; else why not: CANCELLED (C_CloseSession, C_Logout,
					     * C_SessionCancel, C_Finalize), CLIENT_GONE. Asked often: cheap */
	void *arg;
};

/* One request to sign. All that it points to is the module's own copy (invariant 2). */
struct sam_sign_request {
	const struct sam_login *login;
	const char *credential;
	enum sam_sign_purpose purpose;
	struct sam_scheme scheme;
	struct sam_activation *const *activations; /* in the order to try: the context login's, then the session-wide ones */
	size_t activation_count;
	const uint8_t *data;      /* the DigestInfo, the hash, or for hashed schemes the finished hash */
	size_t data_len;
	bool data_is_hash;        /* the SAM hashed a message (C_Sign or updates) with scheme.hash */
	const uint8_t *message;   /* CKM_EDDSA: the whole message instead */
	size_t message_len;
	const struct sam_wait *wait; /* NULL: a signature without an activation is refused at once */
	const char *label;        /* what the application calls the document, for the request; NULL: nothing */
};

/** sam_sign(sam, request, signature, len): Decide, reserve, sign, verify, record, release (invariants 1 to 6). Where the
 * policy defers, a SAD that the store holds for this key and digest serves; without one and with ${request}->wait the
 * signature is asked for and waited for, up to the policy's sap.deferred_wait: REQUEST_WAITS (it stays open for a
 * retry), REQUEST_REJECTED, REQUEST_EXPIRED, REQUESTS_FULL, or what ${request}->wait->over() says.
 * ${signature} has SAM_CM_SIGNATURE_MAX bytes of the module's own memory; ${len} gets the length. */
enum sam_reason sam_sign(struct sam *sam, const struct sam_sign_request *request, uint8_t *signature,
			 size_t *len) SAM_MUST;

/** sam_refused_call(sam, login, call, credential, reason): Record a call that the SAM does not do and give
 * ${reason} back. */
enum sam_reason sam_refused_call(struct sam *sam, const struct sam_login *login, const char *call,
				 const char *credential, enum sam_reason reason);

/* ---- the rest ---- */

struct sam_token_info {
	char label[33], manufacturer[33], model[17], serial[17];
	bool present, protected_path;
};
void sam_token_info(struct sam *sam, struct sam_token_info *out);

/** sam_random(sam, out, len): For C_GenerateRandom; from the CM, tested. */
enum sam_reason sam_random(struct sam *sam, void *out, size_t len) SAM_MUST;

#endif
