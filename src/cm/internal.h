/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this room share; for nobody outside it.
 */
#ifndef SAM_CM_INTERNAL_H
#define SAM_CM_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>
#include "base/mem.h"
#include "base/pkey.h"
#include "cm/cm.h"

#define SAM_CM_OWN_LABEL "p11-sam " /* begins the CKA_LABEL of all that the SAM keeps in the CM for itself */

enum { SAM_CM_SESSIONS_MAX = 64, SAM_CM_CACHE = 1024, SAM_CM_SOURCE_TEXT = 128 };

/* load.c: a vendor's library in this process, shared by all struct sam_cm; never freed. */
struct sam_cm_vendor {
	struct sam_cm_vendor *next;
	void *library;       /* of dlopen(); never closed */
	CK_FUNCTION_LIST *f; /* only the members of 2.40 are ever used */
	unsigned users;      /* struct sam_cm that are open */
	unsigned epoch;      /* how often we initialised it */
	bool ours;           /* we initialised it, so we may finalise it */
};

/* find.c: where a key was found last. The entry counts for the generation that it was found in. */
struct sam_cm_cached {
	uint8_t id[SAM_CM_ID];
	CK_OBJECT_HANDLE handle;
	unsigned long generation;
	int64_t checked_ms; /* when its attributes were read */
	char *attributes;   /* and found to be these */
};

struct sam_cm {
	pid_t pid; /* who opened it; a forked child may not use it */
	struct sam_cm_vendor *vendor;
	struct sam_cm_info info; /* as at open; a token that differs later is refused */
	bool known;              /* info is set */
	bool has[SAM_PAD_EDDSA + 1];
	bool generates[SAM_KEY_ED25519 + 1];
	char *token, *serial, *pin_source, *refused_memo;
	unsigned limit, wait_ms, recheck_ms;

	pthread_mutex_t lock;   /* never held across a call to the vendor */
	pthread_mutex_t objects; /* held while keys are made or destroyed, see sam_cm_run_alone() */
	pthread_cond_t changed; /* a session came back, or a repair ended */
	/* under lock: */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE idle[SAM_CM_SESSIONS_MAX];
	unsigned idle_count, open; /* open: idle, in use, or being opened */
	unsigned long generation;  /* a new one whenever sessions and object handles became void */
	unsigned long gone;        /* sessions of an earlier generation are no more: not closed */
	bool ready;                /* token found, logged in */
	bool repairing;            /* one thread is on its way to ready */
	bool initialise;           /* the library has to be initialised again first */
	bool own_login;            /* it was our C_Login that logged in */
	bool again;                /* a PIN that was refused may be tried, once */
	unsigned epoch;            /* of vendor, at our last look */
	struct sam_cm_cached cache[SAM_CM_CACHE];
	bool random_tested, random_have_last;
	uint8_t random_last[32]; /* SHA-256 of the last block: no random value stays here */

	/* only by the thread that opens or repairs: */
	int gate; /* the lock file while its lock is held; else -1 */
	char refused[SAM_CM_SOURCE_TEXT]; /* the PIN source's state, should the memo be lost */
};

/* One use of one session. A step fails with sam_cm_fail(), or with a reason that it logged. */
struct sam_cm_session {
	CK_SESSION_HANDLE handle;
	unsigned long generation;
	CK_RV rv;         /* what the vendor answered */
	const char *call; /* to which call */
	bool final;       /* whatever it was: do not try again */
};

/* ---- load.c ---- */

/** sam_cm_vendor_take(path, out, msg): Load and initialise, once for each process. */
enum sam_reason sam_cm_vendor_take(const char *path, struct sam_cm_vendor **out,
				   struct sam_msg *msg) SAM_MUST;

/** sam_cm_vendor_give(vendor): The counterpart; the last one finalises what we initialised. */
void sam_cm_vendor_give(struct sam_cm_vendor *vendor);

/** sam_cm_vendor_again(vendor, epoch): Somebody finalised it under us: C_Initialize, unless another
 * struct sam_cm did so since ${epoch}. */
CK_RV sam_cm_vendor_again(struct sam_cm_vendor *vendor, unsigned *epoch) SAM_MUST;

/** sam_cm_vendor_shared(vendor): Has it another user beside the caller? */
bool sam_cm_vendor_shared(struct sam_cm_vendor *vendor);

/** sam_cm_own_code(symbol): Does it lie in the file that this very code lies in? */
bool sam_cm_own_code(const void *symbol);

/** sam_cm_usable(cm): May the vendor be called: not at exit, not in a forked child? */
bool sam_cm_usable(const struct sam_cm *cm);

/* ---- token.c ---- */

/** sam_cm_token_find(cm, slot, info, rv, msg): The one token that is meant. CM_TOKEN, CM_FAILED. */
enum sam_reason sam_cm_token_find(const struct sam_cm *cm, CK_SLOT_ID *slot,
				  struct sam_cm_info *info, CK_RV *rv,
				  struct sam_msg *msg) SAM_MUST;

/* ---- login.c ---- */

/** sam_cm_gate_enter(cm, entered, msg), sam_cm_gate_leave(cm, entered): A lock between processes, bounded in time.
 * Around "was the PIN refused? try; remember": processes that start together would each spend a try. And around
 * initialising the vendor: SoftHSM writes its token in place at C_Login, and who reads it meanwhile finds none.
 * Entering twice is harmless; the one who ${entered} leaves. */
enum sam_reason sam_cm_gate_enter(struct sam_cm *cm, bool *entered, struct sam_msg *msg) SAM_MUST;
void sam_cm_gate_leave(struct sam_cm *cm, bool entered);

/** sam_cm_login(cm, s, msg): Log in on that session, unless it is so already. */
enum sam_reason sam_cm_login(struct sam_cm *cm, struct sam_cm_session *s,
			     struct sam_msg *msg) SAM_MUST;

/** sam_cm_logged_in(cm, s): Does the vendor say so? */
bool sam_cm_logged_in(struct sam_cm *cm, struct sam_cm_session *s);

/* ---- session.c ---- */

/** sam_cm_fail(s, call, rv): Note the vendor's answer; gives CM_FAILED, logged by sam_cm_run(). */
enum sam_reason sam_cm_fail(struct sam_cm_session *s, const char *call, CK_RV rv) SAM_MUST;

/** sam_cm_connect(cm, msg): Find the token, open the first session, log in. */
enum sam_reason sam_cm_connect(struct sam_cm *cm, struct sam_msg *msg) SAM_MUST;

/** sam_cm_run(cm, step, arg): Run ${step} on a session of the pool, logged in; if the vendor lost
 * something that can be had again, get it and run ${step} once more. The session of a step that
 * failed is closed. No lock is held meanwhile. */
enum sam_reason sam_cm_run(struct sam_cm *cm,
			   enum sam_reason (*step)(struct sam_cm *, struct sam_cm_session *,
						   void *),
			   void *arg) SAM_MUST;

/** sam_cm_run_alone(cm, step, arg): sam_cm_run() for what makes or destroys keys, one thread at a time:
 * SoftHSM 2.6.1 answers CKR_GENERAL_ERROR to C_GenerateKeyPair beside another one or a C_DestroyObject. */
enum sam_reason sam_cm_run_alone(struct sam_cm *cm,
				 enum sam_reason (*step)(struct sam_cm *, struct sam_cm_session *,
							 void *),
				 void *arg) SAM_MUST;

/** sam_cm_drop_sessions(cm): Close all that are idle (at the end, or when they are void). */
void sam_cm_drop_sessions(struct sam_cm *cm);

/* ---- attr.c ---- */

struct sam_cm_bool_rule {
	CK_ATTRIBUTE_TYPE type;
	bool want;
	bool optional; /* a CM may not know this one */
	const char *name;
};

/** sam_cm_attr_check(cm, s, object, rules, count, wrong): Read them all. SAM_OK with ${wrong} the
 * name of the first that is not as the rules want it, or NULL; or CM_FAILED. */
enum sam_reason sam_cm_attr_check(struct sam_cm *cm, struct sam_cm_session *s,
				  CK_OBJECT_HANDLE object, const struct sam_cm_bool_rule *rules,
				  size_t count, const char **wrong) SAM_MUST;

/** sam_cm_attr_get(cm, s, object, type, value, size, len): One attribute of at most ${size} bytes.
 */
enum sam_reason sam_cm_attr_get(struct sam_cm *cm, struct sam_cm_session *s,
				CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
				size_t size, size_t *len) SAM_MUST;

/* What came of asking for one attribute: LONG: it is longer than there was room. */
enum sam_cm_attr_state { SAM_CM_ATTR_NONE, SAM_CM_ATTR_READ, SAM_CM_ATTR_LONG };

/** sam_cm_attr_try(cm, s, object, type, value, size, len, state): One attribute that the CM may not have; its
 * length is 0 unless it was READ. CM_FAILED. */
enum sam_reason sam_cm_attr_try(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				CK_ATTRIBUTE_TYPE type, void *value, size_t size, size_t *len,
				enum sam_cm_attr_state *state) SAM_MUST;

/** sam_cm_attr_date(...): The same for a date. SoftHSM answers CKR_GENERAL_ERROR for those of private objects
 * (it keeps them in clear, and decrypts them): then there is NONE. */
enum sam_reason sam_cm_attr_date(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 CK_ATTRIBUTE_TYPE type, void *value, size_t size, size_t *len,
				 enum sam_cm_attr_state *state) SAM_MUST;

/** sam_cm_attr_read(cm, s, object, attrs, count, states): Many such, by one call where the CM knows them all;
 * else each by one of its own. At most 48. */
enum sam_reason sam_cm_attr_read(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				 CK_ATTRIBUTE *attrs, size_t count, enum sam_cm_attr_state *states) SAM_MUST;

/** sam_cm_attr_find(cm, s, match, count, found, max, n): At most ${max} objects. If nothing is
 * found because the login is gone, that is the failure. */
enum sam_reason sam_cm_attr_find(struct sam_cm *cm, struct sam_cm_session *s, CK_ATTRIBUTE *match,
				 size_t count, CK_OBJECT_HANDLE *found, size_t max,
				 size_t *n) SAM_MUST;

/* ---- find.c ---- */

/** sam_cm_key_find(cm, s, id, attributes, handle): The one private key with that CKA_ID, its attributes as the
 * policy's template made them, and as ${attributes} has them unless that is NULL or "" (invariant 9).
 * CM_KEY_MISSING, KEY_CHANGED. */
enum sam_reason sam_cm_key_find(struct sam_cm *cm, struct sam_cm_session *s, const uint8_t id[SAM_CM_ID],
				const char *attributes, CK_OBJECT_HANDLE *handle) SAM_MUST;

/** sam_cm_key_by_id(cm, s, class, id, found, n): Up to two objects of that class. */
enum sam_reason sam_cm_key_by_id(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_CLASS class,
				 const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE found[2],
				 size_t *n) SAM_MUST;

/** sam_cm_key_check(cm, s, key, born, wrong): As sam_cm_attr_check(), by the policy's template;
 * ${born}: and made just now, in the CM. */
enum sam_reason sam_cm_key_check(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				 bool born, const char **wrong) SAM_MUST;

/** sam_cm_key_forget(cm): All handles are void. */
void sam_cm_key_forget(struct sam_cm *cm);

/* ---- describe.c ---- */

/** sam_cm_describe(cm, s, key, out, local): The text of a private key's attributes (cm.h). ${local}: LOCAL,
 * ALWAYS_SENSITIVE and NEVER_EXTRACTABLE all read TRUE. */
enum sam_reason sam_cm_describe(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				char out[SAM_CM_ATTRIBUTES_SIZE], bool *local) SAM_MUST;

/* ---- template.c ---- */

enum { SAM_CM_TEMPLATE_MAX = 24, SAM_CM_TEMPLATE_ENDS = 4 };

struct sam_cm_template {
	CK_ATTRIBUTE attrs[SAM_CM_TEMPLATE_MAX];
	CK_ULONG count;                     /* as sent */
	CK_ULONG all;                       /* as begun */
	CK_ULONG end[SAM_CM_TEMPLATE_ENDS]; /* where it may be cut off, the last first */
	unsigned ends;
};

/** sam_cm_template_add(t, type, value, len), sam_cm_template_bool(t, type, value): One more; ${value} is not
 * copied. sam_cm_template_end(t): What comes now, a CM may not know. */
void sam_cm_template_add(struct sam_cm_template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
void sam_cm_template_bool(struct sam_cm_template *t, CK_ATTRIBUTE_TYPE type, bool value);
void sam_cm_template_end(struct sam_cm_template *t);

/** sam_cm_template_private(t, what), sam_cm_template_public(t, what, bits, curve): By the policy. ${bits} is the
 * caller's, for the template to point to. */
void sam_cm_template_private(struct sam_cm_template *t, const struct sam_cm_new_key *what);
void sam_cm_template_public(struct sam_cm_template *t, const struct sam_cm_new_key *what, CK_ULONG *bits,
			    const struct sam_curve *curve);

/** sam_cm_template_allowed(what): Type, size, dates and label are such that a key may be born with them. */
bool sam_cm_template_allowed(const struct sam_cm_new_key *what);

/** sam_cm_template_refused(rv): Was it for the template? Then sam_cm_template_shorten(t) and once more; false if
 * there is nothing more to leave off. sam_cm_template_tell(t, label): Log what was left off. */
bool sam_cm_template_refused(CK_RV rv);
bool sam_cm_template_shorten(struct sam_cm_template *t);
void sam_cm_template_tell(const struct sam_cm_template *t, const char *label);

/** sam_cm_template_check(cm, s, object, t, wrong): Read back what was sent. ${wrong}: the name of the first that
 * reads otherwise, or NULL. */
enum sam_reason sam_cm_template_check(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
				      const struct sam_cm_template *t, const char **wrong) SAM_MUST;

/** sam_cm_generator(type): The mechanism that makes such a pair. */
CK_MECHANISM_TYPE sam_cm_generator(enum sam_key_type type);

/* ---- key.c ---- */

/** sam_cm_key_pair(cm, s, type, pub, priv, public_key, private_key): C_GenerateKeyPair with the whole templates;
 * then without what a CM may not know, the least needed first. */
CK_RV sam_cm_key_pair(struct sam_cm *cm, struct sam_cm_session *s, CK_MECHANISM_TYPE type,
		      struct sam_cm_template *pub, struct sam_cm_template *priv, CK_OBJECT_HANDLE *public_key,
		      CK_OBJECT_HANDLE *private_key) SAM_MUST;

/** sam_cm_key_make(cm, s, what, public_key, private_key, sent): Have a pair made by the policy's template; ${id}
 * NULL: without a CKA_ID, so that it is none that sam_cm_sign() can be asked for. ${sent}: what the private key
 * was asked to be. Nothing is read back. */
enum sam_reason sam_cm_key_make(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key,
				struct sam_cm_template *sent) SAM_MUST;

/** sam_cm_key_read_back(cm, s, what, key, sent, born, out): Is a new private key as it was asked to be (${born}:
 * by the CM itself), and the only one of its CKA_ID? Then out->attributes and out->local. CM_FAILED. */
enum sam_reason sam_cm_key_read_back(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				     CK_OBJECT_HANDLE key, const struct sam_cm_template *sent, bool born,
				     struct sam_cm_made *out) SAM_MUST;

/** sam_cm_key_undo(cm, what): Destroy what a failed birth left behind. */
void sam_cm_key_undo(struct sam_cm *cm, const struct sam_cm_new_key *what);

/** sam_cm_nothing_made(rv): With other answers the vendor may have made the key all the same: not tried again. */
bool sam_cm_nothing_made(CK_RV rv);

/* ---- importkey.c ---- */

struct sam_cm_import {
	CK_OBJECT_HANDLE key; /* the private key */
	uint8_t *spki;        /* of the public one */
	size_t spki_len;
	enum sam_cm_oaep hash;
};

/** sam_cm_import_find(cm, s, out): The one import key, as the SAM made it, and shown to undo what is wrapped for
 * its public key, with which hash. The caller frees out->spki. NOT_FOUND, CM_KEY_MISSING, CM_FAILED. */
enum sam_reason sam_cm_import_find(struct sam_cm *cm, struct sam_cm_session *s, struct sam_cm_import *out) SAM_MUST;

/** sam_cm_import_kek(cm, s, key, hash, data, len, kek): C_UnwrapKey into an AES key of this session that can only
 * unwrap. */
CK_RV sam_cm_import_kek(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key, enum sam_cm_oaep hash,
			const uint8_t *data, size_t len, CK_OBJECT_HANDLE *kek) SAM_MUST;

/** sam_cm_import_refused(rv): Was it for what was to be unwrapped, and not for the CM's own trouble? */
bool sam_cm_import_refused(CK_RV rv);

/** sam_cm_import_drop(cm, s, kek): Destroy it; if that fails, it goes with its session, which is closed then.
 * CM_FAILED. */
enum sam_reason sam_cm_import_drop(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE kek) SAM_MUST;

/* ---- pairwise.c ---- */

/** sam_cm_pairwise(cm, s, key, what, pkey): Does this private key sign for that public key? Over a value of this
 * function's own making: no caller's bytes reach the key (invariant 1). IMPORT_MISMATCH, CM_FAILED. */
enum sam_reason sam_cm_pairwise(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE key,
				const struct sam_cm_new_key *what, EVP_PKEY *pkey) SAM_MUST;

/* ---- statekey.c ---- */

/** sam_cm_statement_key(cm, s, key): The one key for statements, its attributes as the SAM made them (invariant
 * 9). NOT_FOUND if there is none or more than one, CM_FAILED. */
enum sam_reason sam_cm_statement_key(struct sam_cm *cm, struct sam_cm_session *s,
				     CK_OBJECT_HANDLE *key) SAM_MUST;

/* ---- sapkey.c, sapuse.c ---- */

#define SAM_CM_SAP_LABEL SAM_CM_OWN_LABEL "sap "

enum { SAM_CM_SAP_LABEL_SIZE = sizeof SAM_CM_SAP_LABEL - 1 + SAM_CM_SAP_NAME };

/** sam_cm_sap_find(cm, s, type, name, key): The one private key of that name, its attributes as the SAM made them
 * (invariant 9). ARGUMENTS, CM_KEY_MISSING, CM_FAILED. */
enum sam_reason sam_cm_sap_find(struct sam_cm *cm, struct sam_cm_session *s, enum sam_cm_sap_type type,
				const char *name, CK_OBJECT_HANDLE *key) SAM_MUST;

/** sam_cm_sap_try(cm, s, type, key, spki, len): Does this private key do what it is for, and with that public key?
 * CM_MECHANISM: not RSA-OAEP with SHA-256. CM_FAILED. */
enum sam_reason sam_cm_sap_try(struct sam_cm *cm, struct sam_cm_session *s, enum sam_cm_sap_type type,
			       CK_OBJECT_HANDLE key, const uint8_t *spki, size_t len) SAM_MUST;

/* ---- spki.c ---- */

/** sam_cm_pubkey(cm, s, object, type, pkey): The public key in an object of that type, be it public or an RSA
 * private one. ARGUMENTS, not logged, if it cannot be read or is none; CM_FAILED. */
enum sam_reason sam_cm_pubkey(struct sam_cm *cm, struct sam_cm_session *s, CK_OBJECT_HANDLE object,
			      enum sam_key_type type, EVP_PKEY **pkey) SAM_MUST;

/** sam_cm_pkey_is(pkey, type, bits): Is it of that type and size? */
bool sam_cm_pkey_is(const EVP_PKEY *pkey, enum sam_key_type type, unsigned bits);

/** sam_cm_spki(cm, s, what, public_key, spki, len): The SubjectPublicKeyInfo of a key that the CM
 * has made, refused (CM_FAILED) if it is not what was asked for. */
enum sam_reason sam_cm_spki(struct sam_cm *cm, struct sam_cm_session *s,
			    const struct sam_cm_new_key *what, CK_OBJECT_HANDLE public_key,
			    uint8_t **spki, size_t *len) SAM_MUST;

#endif
