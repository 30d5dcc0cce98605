/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the PKCS#11 face share: the state of this process, its gate, sessions, login,
 * objects. Everything of the SAM's own is behind sap/sam.h.
 *
 * A rule of names: the function behind the call C_X is sam_C_X(), declared at the end from calls.def;
 * the entry that an application calls is sam_entry_C_X(). Everything else is sam_<file>_<verb>().
 */
#ifndef SAM_PROVIDER_PROVIDER_H
#define SAM_PROVIDER_PROVIDER_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/mechanism.h"
#include "base/ossl.h"
#include "include/p11-sam.h"
#include "provider/pkcs11_30.h"
#include "sap/sam.h"

struct sam_session;
struct sam_keyring;
struct sam_session_object;

/* ---- gate.c: the state of this process ---- */

enum sam_phase { SAM_PHASE_DOWN, SAM_PHASE_STARTING, SAM_PHASE_UP, SAM_PHASE_CLOSING };

enum { SAM_OFFERED_MAX = 64 };

/* Sessions: a handle is a generation and an index, so an old handle never means a new session. */
struct sam_sessions {
	pthread_mutex_t lock;
	struct sam_session *at[P11_SAM_SESSIONS_MAX];
	CK_ULONG generation[P11_SAM_SESSIONS_MAX];
	size_t count, rw, next;
};

/* Who is logged in: one state for the whole application. */
struct sam_login_state {
	pthread_mutex_t serial; /* one login or logout at a time; taken before lock */
	pthread_mutex_t lock;	/* short: the members below */
	struct sam_login login;
	uint64_t epoch; /* moves with every login and logout */
	struct sam_activation *activations[P11_SAM_ACTIVATIONS_MAX]; /* newest first */
	size_t activation_count;
};

struct sam_objects {
	pthread_mutex_t serial; /* one refresh at a time; taken before lock */
	pthread_mutex_t lock;	/* short: the members below */
	struct sam_keyring *ring;
	struct sam_session_object **at; /* by ascending handle */
	size_t count, size, bytes;
	CK_OBJECT_HANDLE last; /* handles are never given twice */
};

/* One for each process that initialises the module: a forked child makes its own and leaves its
 * parent's, whose locks may be held for ever, alone. */
struct sam_provider {
	unsigned long forks;
	struct sam_provider *previous; /* the parent's */
	bool abandoned; /* by a child, which leaves it as it was */
	_Atomic(enum sam_phase) phase;
	atomic_uint inside;   /* calls that came through the gate */
	pthread_mutex_t lock; /* changes of phase */
	pthread_cond_t moved; /* phase changed, or the last call left */
	struct sam *sam;
	const struct sam_mechanism *offered[SAM_OFFERED_MAX];
	size_t offered_count;
	bool generates[SAM_KEY_ED25519 + 1]; /* keys of that type */
	struct sam_sessions sessions;
	struct sam_login_state login;
	struct sam_objects objects;
};

/** sam_gate_here(): This process's provider, made if there is none yet; NULL: no memory. */
struct sam_provider *sam_gate_here(void);

/* One call of the application. */
struct sam_call {
	struct sam_provider *p;
	struct sam_session *s;
	bool guarded;
	int cancel_state; /* the thread's own */
};

/** sam_gate_guard(call): Begin a call that needs no state: refuses re-entry by the same thread, keeps the
 * thread's OpenSSL errors. Every sam_gate_*() begin is followed by sam_gate_leave(), also if it failed. */
CK_RV sam_gate_guard(struct sam_call *call) SAM_MUST;
/** sam_gate_enter(call): The same, for a call that needs C_Initialize. */
CK_RV sam_gate_enter(struct sam_call *call) SAM_MUST;
/** sam_gate_session(call, handle): The same, for a call that needs a session. */
CK_RV sam_gate_session(struct sam_call *call, CK_SESSION_HANDLE handle) SAM_MUST;
/** sam_gate_leave(call, rv): Give ${rv} back. */
CK_RV sam_gate_leave(struct sam_call *call, CK_RV rv);

/** sam_gate_watch_forks(): Count forks from now on. */
bool sam_gate_watch_forks(void);

/* ---- session.c ---- */

enum sam_op { SAM_OP_FIND, SAM_OP_DIGEST, SAM_OP_SIGN, SAM_OP_VERIFY, SAM_OP_COUNT };

/* The head of every operation's state. */
struct sam_operation {
	void (*free)(struct sam_operation *op);
	atomic_bool waiting; /* the thread that has it taken out waits, and may be told to give up: */
	atomic_bool over;    /* it was cancelled, and is the session's no more */
};

struct sam_session {
	struct sam_provider *p;
	CK_SESSION_HANDLE handle;
	CK_FLAGS flags;
	atomic_uint refs;
	pthread_mutex_t lock;
	struct {
		struct sam_operation *op;
		bool busy; /* a thread has taken it out, or begins one */
		struct sam_operation *taken;
	} ops[SAM_OP_COUNT];
};

struct sam_session *sam_session_hold(struct sam_provider *p, CK_SESSION_HANDLE handle);
void sam_session_release(struct sam_session *s);
void sam_session_close_all(struct sam_provider *p);
/** sam_session_count(p, rw): Open sessions, ${rw} of them read-write. */
size_t sam_session_count(struct sam_provider *p, size_t *rw);

/** sam_session_begin(s, kind): Reserve the place of a new operation: CKR_OPERATION_ACTIVE if there is
 * one. End with sam_session_put(). */
CK_RV sam_session_begin(struct sam_session *s, enum sam_op kind) SAM_MUST;
/** sam_session_take(s, kind, op): Take the operation out, so that no other thread can use it:
 * CKR_OPERATION_NOT_INITIALIZED, or CKR_OPERATION_ACTIVE if another thread has it. */
CK_RV sam_session_take(struct sam_session *s, enum sam_op kind, struct sam_operation **op) SAM_MUST;
/** sam_session_put(s, kind, op): Put it (back) in; NULL: none was begun. One that was cancelled meanwhile is freed. */
void sam_session_put(struct sam_session *s, enum sam_op kind, struct sam_operation *op);
/** sam_session_end(s, kind, op): It has ended: free it. */
void sam_session_end(struct sam_session *s, enum sam_op kind, struct sam_operation *op);
/** sam_session_cancel(s, kind): Its place is free at once. One that a thread waits with is told so by ${over}, and the
 * thread frees it; CKR_OPERATION_CANCEL_FAILED if a thread is doing something else with it. */
CK_RV sam_session_cancel(struct sam_session *s, enum sam_op kind) SAM_MUST;

/* ---- login.c ---- */

/** sam_login_get(p, login): Who is logged in now; returns the epoch. Ends, and records, an officer's login whose time
 * is up: not under login.lock. */
uint64_t sam_login_get(struct sam_provider *p, struct sam_login *login);
/** sam_login_epoch(p): The same epoch, and nothing else. */
uint64_t sam_login_epoch(struct sam_provider *p);
/** sam_login_hold(p, epoch, out): The session-wide activations of that epoch, newest first, held. */
size_t sam_login_hold(struct sam_provider *p, uint64_t epoch,
		      struct sam_activation *out[P11_SAM_ACTIVATIONS_MAX]);
/** sam_login_end(p): Log out, if anybody is in; CKR_USER_NOT_LOGGED_IN. */
CK_RV sam_login_end(struct sam_provider *p);

/* ---- spki.c ---- */

/* Where the parts of a SubjectPublicKeyInfo stand; all point into it. */
struct sam_spki {
	enum sam_key_type type;
	const uint8_t *modulus, *exponent; /* RSA, without leading zeros */
	size_t modulus_len, exponent_len;
	const uint8_t *params, *point;	   /* EC: DER of the parameters; the point */
	size_t params_len, point_len;
};

bool sam_spki_read(const uint8_t *der, size_t len, struct sam_spki *out);

/** sam_spki_rsa(n, n_len, e, e_len, der, len), sam_spki_ec(type, params, params_len, point, point_len, der,
 * len): Make the SubjectPublicKeyInfo of an application's public key; CKR_ATTRIBUTE_VALUE_INVALID,
 * CKR_CURVE_NOT_SUPPORTED if it is none that we can verify with. */
CK_RV sam_spki_rsa(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len, uint8_t **der,
		   size_t *len) SAM_MUST;
CK_RV sam_spki_ec(CK_KEY_TYPE type, const uint8_t *params, size_t params_len, const uint8_t *point,
		  size_t point_len, uint8_t **der, size_t *len) SAM_MUST;
/** sam_spki_bits(spki): The size of the key. */
unsigned sam_spki_bits(const struct sam_spki *spki);

/* ---- date.c ---- */

/** sam_date_read(date, midnight): When that day begins, in seconds since 1970, UTC; false: it is no day after
 * 1 January 1970. */
bool sam_date_read(const CK_DATE *date, int64_t *midnight) SAM_MUST;
/** sam_date_write(at, date): The day of that second, UTC; false: eight digits do not do. */
bool sam_date_write(int64_t at, CK_DATE *date) SAM_MUST;

/* ---- certificate.c ---- */

struct sam_der {
	const uint8_t *data;
	size_t len;
};

/* What the object of a certificate tells. */
struct sam_certificate_parts {
	struct x509_st *x509; /* into which these point; NULL: there is no such object */
	struct sam_der subject, issuer;
	uint8_t serial[64]; /* DER, as CKA_SERIAL_NUMBER has it */
	size_t serial_len;
	CK_DATE start, end;
};

/** sam_certificate_read(view, out): The certificate in ${view}; false, and nothing to clear: there is none, it
 * cannot be read, or it is another key's. End with sam_certificate_clear(), which takes any of these. */
bool sam_certificate_read(const struct sam_key_view *view, struct sam_certificate_parts *out) SAM_MUST;
void sam_certificate_clear(struct sam_certificate_parts *parts);

/* ---- keyring.c: the keys that the login sees ---- */

/* The objects of a key. Their handles follow each other in this order. */
enum sam_part { SAM_PART_PRIVATE, SAM_PART_PUBLIC, SAM_PART_CERTIFICATE, SAM_PART_COUNT };

struct sam_keyring_handle {
	CK_OBJECT_HANDLE handle;
	size_t index;
};

/* One answer of sam_keys(), with handles. Counted, never changed. */
struct sam_keyring {
	atomic_uint refs;
	uint64_t epoch, version;
	struct sam_key_view *views; /* sorted by credential */
	struct sam_spki *parts;
	struct sam_certificate_parts *certificates;
	CK_OBJECT_HANDLE *handles; /* of the private key; the others have the next numbers */
	struct sam_keyring_handle *by_handle; /* sorted */
	size_t count;
};

/** sam_keyring_get(p, refresh, ring): The keys of who is logged in, held; NULL if nobody. ${refresh}: ask
 * the SAM whether they changed; else what was asked last will do. */
CK_RV sam_keyring_get(struct sam_provider *p, bool refresh, struct sam_keyring **ring) SAM_MUST;
void sam_keyring_release(struct sam_keyring *ring);
/** sam_keyring_drop(p): After a logout no handle is valid. */
void sam_keyring_drop(struct sam_provider *p);
/** sam_keyring_find(ring, handle, part, index) */
bool sam_keyring_find(const struct sam_keyring *ring, CK_OBJECT_HANDLE handle, enum sam_part *part,
		      size_t *index);
/** sam_keyring_has(ring, index, part): Is there such an object? A key may be without a certificate. */
bool sam_keyring_has(const struct sam_keyring *ring, size_t index, enum sam_part part);
/** sam_keyring_key(ring, credential, index): The key of that name. */
bool sam_keyring_key(const struct sam_keyring *ring, const char *credential, size_t *index);

/* ---- object.c, object_session.c ---- */

/* What a handle leads to. */
struct sam_object {
	struct sam_provider *p;
	struct sam_keyring *ring; /* a signer's key: this one's */
	const struct sam_key_view *view;
	const struct sam_spki *parts;
	const struct sam_certificate_parts *certificate; /* x509 NULL: the key has none */
	enum sam_part part;
	struct sam_session_object *session; /* or an object in the SAM's memory */
};

/** sam_object_of(p, ring, index, part): One of the ring; not held. */
struct sam_object sam_object_of(struct sam_provider *p, struct sam_keyring *ring, size_t index,
				enum sam_part part);

/** sam_object_get(p, handle, object): CKR_OBJECT_HANDLE_INVALID; release with sam_object_put(). A key may be
 * gone since it was found: sam_may_sign() and sam_sign() ask again. */
CK_RV sam_object_get(struct sam_provider *p, CK_OBJECT_HANDLE handle,
		     struct sam_object *object) SAM_MUST;
void sam_object_put(struct sam_object *object);

/* An attribute that the SAM keeps for a session object. */
struct sam_kept {
	CK_ATTRIBUTE_TYPE type;
	uint8_t *data;
	size_t len;
};

struct sam_session_object {
	atomic_uint refs;
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE owner;
	CK_OBJECT_CLASS class;
	bool verify; /* a public key that may verify */
	struct sam_kept *kept;
	size_t count, bytes;
	struct sam_chain *chain; /* of a deposited SAD, whose CKA_VALUE is not kept but asked for; else NULL */
	uint8_t *spki;
	size_t spki_len;
};

/** sam_object_session_hold(p, handle): NULL if there is none. */
struct sam_session_object *sam_object_session_hold(struct sam_provider *p, CK_OBJECT_HANDLE handle);
void sam_object_session_release(struct sam_session_object *object);
/** sam_object_session_destroy(p, handle): False if there is none. */
bool sam_object_session_destroy(struct sam_provider *p, CK_OBJECT_HANDLE handle);
/** sam_object_session_close(p, owner): Those of a session that closes; CK_INVALID_HANDLE: all. */
void sam_object_session_close(struct sam_provider *p, CK_SESSION_HANDLE owner);
/** sam_object_session_all(p, out, count): All of them, held; free ${out}. */
CK_RV sam_object_session_all(struct sam_provider *p, struct sam_session_object ***out,
			     size_t *count) SAM_MUST;

/* ---- deposit.c ---- */

struct sam_value;
/** sam_deposit_is_long(template, count): A SAD too long is told as such; nobody reads it. */
bool sam_deposit_is_long(const CK_ATTRIBUTE *template, size_t count);
/** sam_deposit_finish(p, object): Of a data object that deposits, take the SAD or token; others stay as they are. */
CK_RV sam_deposit_finish(struct sam_provider *p, struct sam_session_object *object) SAM_MUST;
void sam_deposit_clear(struct sam_session_object *object);
/** sam_deposit_read(p, object, value): Its CKA_VALUE: the token that is current now, or empty if there is none any
 * more. The caller wipes ${value}. */
CK_RV sam_deposit_read(struct sam_provider *p, const struct sam_session_object *object,
		       struct sam_value *value) SAM_MUST;

/* ---- template.c ---- */

/** sam_template_copy(template, count, copy): The array, not the values: read once. CKR_ARGUMENTS_BAD. */
CK_RV sam_template_copy(const CK_ATTRIBUTE *template, CK_ULONG count,
			CK_ATTRIBUTE copy[P11_SAM_TEMPLATE_MAX]) SAM_MUST;

/** sam_template_build(template, count, object): Check the template of a session object by the table of
 * its class and keep what it says, with the defaults. */
CK_RV sam_template_build(const CK_ATTRIBUTE *template, size_t count,
			 struct sam_session_object *object) SAM_MUST;
/** sam_template_keep(object, type, data, len): Set one kept attribute. */
CK_RV sam_template_keep(struct sam_session_object *object, CK_ATTRIBUTE_TYPE type, const void *data,
			size_t len) SAM_MUST;
const struct sam_kept *sam_template_kept(const struct sam_session_object *object,
					 CK_ATTRIBUTE_TYPE type);

/* ---- template_key.c ---- */

/* The templates of a C_GenerateKeyPair. */
struct sam_key_templates {
	enum sam_key_type type;		   /* that the mechanism makes */
	const CK_ATTRIBUTE *pub, *priv;	   /* the arrays are the module's own; the values are read once */
	size_t pub_count, priv_count;
	const struct sam_mechanism *const *offered; /* what a key may be allowed to sign with */
	size_t offered_count;
};

/** sam_template_key(templates, what): What key they ask for. CKR_TEMPLATE_INCONSISTENT: they contradict the key
 * attribute policy, or themselves; CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_TYPE_INVALID, _VALUE_INVALID,
 * _READ_ONLY; CKR_KEY_SIZE_RANGE, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID. */
CK_RV sam_template_key(const struct sam_key_templates *templates, struct sam_new_key *what) SAM_MUST;

/* ---- generate.c ---- */

/* A mechanism that makes key pairs. */
struct sam_generator {
	CK_MECHANISM_TYPE mechanism;
	enum sam_key_type type;
	CK_KEY_TYPE ckk;
};

/** sam_generator_at(i): NULL past the last. sam_generator_of(type): That of a type of key. */
const struct sam_generator *sam_generator_at(size_t i);
const struct sam_generator *sam_generator_of(enum sam_key_type type);

/* ---- attribute.c ---- */

/* An attribute as read: a pointer into the object, or into ${own}. */
struct sam_value {
	const void *data;
	size_t len;
	union {
		CK_BBOOL flag;
		CK_ULONG number;
		CK_DATE date;
		CK_MECHANISM_TYPE list[SAM_OFFERED_MAX];
		uint8_t bytes[256];
	} own;
};

/** sam_attribute_read(object, type, value): CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID. */
CK_RV sam_attribute_read(const struct sam_object *object, CK_ATTRIBUTE_TYPE type,
			 struct sam_value *value) SAM_MUST;
/** sam_attribute_matches(object, template, count): Without allocating. */
bool sam_attribute_matches(const struct sam_object *object, const CK_ATTRIBUTE *template,
			   size_t count);

/* ---- scheme.c ---- */

/* A private copy of a CK_MECHANISM with its parameters (invariant 2). */
struct sam_mechanism_copy {
	CK_MECHANISM mechanism;
	_Alignas(max_align_t) uint8_t parameter[64];
};

/** sam_scheme_copy(mechanism, out): CKR_MECHANISM_PARAM_INVALID if the parameters are too long. */
CK_RV sam_scheme_copy(const CK_MECHANISM *mechanism, struct sam_mechanism_copy *out) SAM_MUST;

/* Data on its way in: hashed, or collected where the bytes themselves are wanted. */
struct sam_input_state {
	enum sam_hash hash;
	EVP_MD_CTX *md;
	uint8_t *data;
	size_t len, size, max; /* size: counted against what all operations may collect */
	bool begun;
};

/** sam_scheme_start(input, hash, max): ${hash}: hash it; SAM_HASH_NONE: collect up to ${max} bytes. Clear it
 * also after a failure. */
CK_RV sam_scheme_start(struct sam_input_state *input, enum sam_hash hash, size_t max) SAM_MUST;
/** sam_scheme_add(input, part, len): CKR_DATA_LEN_RANGE past the maximum; CKR_ARGUMENTS_BAD. */
CK_RV sam_scheme_add(struct sam_input_state *input, const uint8_t *part, size_t len) SAM_MUST;
/** sam_scheme_hash(input, out): Finish the hash. */
CK_RV sam_scheme_hash(struct sam_input_state *input, uint8_t out[SAM_HASH_MAX]) SAM_MUST;
/** sam_scheme_data(input): What was collected; never NULL. */
const uint8_t *sam_scheme_data(const struct sam_input_state *input);
void sam_scheme_clear(struct sam_input_state *input);

/** sam_scheme_fits(out, out_len, need, rv): The two-call convention: is there room to write? False: ${rv} is
 * the answer (the size, CKR_BUFFER_TOO_SMALL or CKR_ARGUMENTS_BAD). On a size query *${out_len} is
 * never read. */
bool sam_scheme_fits(const void *out, CK_ULONG *out_len, size_t need, CK_RV *rv);

/* ---- sign.c ---- */

/** sam_sign_activate(op, activation): Give the operation its activation; takes over the hold. */
void sam_sign_activate(struct sam_operation *op, struct sam_activation *activation);

/* ---- refuse.c ---- */

/** sam_refuse_call(p, call, reason, rv): Record and refuse. ${rv} CKR_OK: the reason's own code. */
CK_RV sam_refuse_call(struct sam_provider *p, const char *call, enum sam_reason reason, CK_RV rv);
/** sam_refuse_always(p, call, rv): The same with the reason that policy/keycalls.def has for this call. */
CK_RV sam_refuse_always(struct sam_provider *p, const char *call, CK_RV rv);
/** sam_refuse_object(p, call, handle, rv, none): The same for a call with an object: recorded if it is a signer's
 * key, ${none} if there is no such object. */
CK_RV sam_refuse_object(struct sam_provider *p, const char *call, CK_OBJECT_HANDLE handle, CK_RV rv, CK_RV none);

/* ---- slot.c ---- */

/** sam_slot_offer(p): Ask once which mechanisms to list. */
void sam_slot_offer(struct sam_provider *p);
/** sam_slot_pad(out, size, text): As PKCS#11 has its texts: cut or filled with blanks, without a NUL. */
void sam_slot_pad(CK_UTF8CHAR *out, size_t size, const char *text);

/* ---- the calls of calls.def: what an application calls, and what is behind ---- */

#define F(name, params) CK_RV sam_entry_##name params;
#include "provider/calls.def"
CK_RV sam_entry_C_GetInfo_3_0(CK_INFO *info);

/* init.c */
CK_RV sam_C_Initialize(void *args);
CK_RV sam_C_Finalize(void *reserved);
CK_RV sam_C_GetInfo(struct sam_provider *p, CK_INFO *info);
CK_RV sam_C_GetInfo_3_0(struct sam_provider *p, CK_INFO *info);
/* lists.c */
CK_RV sam_C_GetFunctionList(CK_FUNCTION_LIST **list);
CK_RV sam_C_GetInterfaceList(CK_INTERFACE *interfaces, CK_ULONG *count);
CK_RV sam_C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface,
			 CK_FLAGS flags);
/* slot.c */
CK_RV sam_C_GetSlotList(struct sam_provider *p, CK_BBOOL present, CK_SLOT_ID *list,
			CK_ULONG *count);
CK_RV sam_C_GetSlotInfo(struct sam_provider *p, CK_SLOT_ID id, CK_SLOT_INFO *info);
CK_RV sam_C_GetTokenInfo(struct sam_provider *p, CK_SLOT_ID id, CK_TOKEN_INFO *info);
CK_RV sam_C_GetMechanismList(struct sam_provider *p, CK_SLOT_ID id, CK_MECHANISM_TYPE *list,
			     CK_ULONG *count);
CK_RV sam_C_GetMechanismInfo(struct sam_provider *p, CK_SLOT_ID id, CK_MECHANISM_TYPE type,
			     CK_MECHANISM_INFO *info);
CK_RV sam_C_WaitForSlotEvent(struct sam_provider *p, CK_FLAGS flags, CK_SLOT_ID *slot,
			     void *reserved);
/* refuse.c */
CK_RV sam_C_InitToken(struct sam_provider *p, CK_SLOT_ID id);
/* session.c */
CK_RV sam_C_OpenSession(struct sam_provider *p, CK_SLOT_ID id, CK_FLAGS flags,
			CK_SESSION_HANDLE *handle);
CK_RV sam_C_CloseSession(struct sam_session *s);
CK_RV sam_C_CloseAllSessions(struct sam_provider *p, CK_SLOT_ID id);
CK_RV sam_C_GetSessionInfo(struct sam_session *s, CK_SESSION_INFO *info);
CK_RV sam_C_SessionCancel(struct sam_session *s, CK_FLAGS flags);
/* login.c */
CK_RV sam_C_Login(struct sam_session *s, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG len);
CK_RV sam_C_LoginUser(struct sam_session *s, CK_USER_TYPE type, const CK_BYTE *pin, CK_ULONG len,
		      const CK_BYTE *name, CK_ULONG name_len);
CK_RV sam_C_Logout(struct sam_session *s);
CK_RV sam_C_SetPIN(struct sam_session *s, const CK_BYTE *old, CK_ULONG old_len, const CK_BYTE *pin, CK_ULONG len);
/* object.c, object_session.c */
CK_RV sam_C_CreateObject(struct sam_session *s, const CK_ATTRIBUTE *template, CK_ULONG count,
			 CK_OBJECT_HANDLE *handle);
CK_RV sam_C_DestroyObject(struct sam_session *s, CK_OBJECT_HANDLE handle);
CK_RV sam_C_GetObjectSize(struct sam_session *s, CK_OBJECT_HANDLE handle, CK_ULONG *size);
CK_RV sam_C_GetAttributeValue(struct sam_session *s, CK_OBJECT_HANDLE handle,
			      CK_ATTRIBUTE *template, CK_ULONG count);
/* generate.c */
CK_RV sam_C_GenerateKeyPair(struct sam_session *s, const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *public_template,
			    CK_ULONG public_count, const CK_ATTRIBUTE *private_template, CK_ULONG private_count,
			    CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);
/* find.c */
CK_RV sam_C_FindObjectsInit(struct sam_session *s, const CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV sam_C_FindObjects(struct sam_session *s, CK_OBJECT_HANDLE *out, CK_ULONG max,
			CK_ULONG *count);
CK_RV sam_C_FindObjectsFinal(struct sam_session *s);
/* digest.c */
CK_RV sam_C_DigestInit(struct sam_session *s, const CK_MECHANISM *mechanism);
CK_RV sam_C_Digest(struct sam_session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		   CK_ULONG *out_len);
CK_RV sam_C_DigestUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len);
CK_RV sam_C_DigestKey(struct sam_session *s, CK_OBJECT_HANDLE key);
CK_RV sam_C_DigestFinal(struct sam_session *s, CK_BYTE *out, CK_ULONG *out_len);
/* sign.c */
CK_RV sam_C_SignInit(struct sam_session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV sam_C_Sign(struct sam_session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		 CK_ULONG *out_len);
CK_RV sam_C_SignUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len);
CK_RV sam_C_SignFinal(struct sam_session *s, CK_BYTE *out, CK_ULONG *out_len);
/* verify.c */
CK_RV sam_C_VerifyInit(struct sam_session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV sam_C_Verify(struct sam_session *s, const CK_BYTE *data, CK_ULONG len,
		   const CK_BYTE *signature, CK_ULONG signature_len);
CK_RV sam_C_VerifyUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len);
CK_RV sam_C_VerifyFinal(struct sam_session *s, const CK_BYTE *signature, CK_ULONG signature_len);
/* random.c */
CK_RV sam_C_GenerateRandom(struct sam_session *s, CK_BYTE *out, CK_ULONG len);

#endif
