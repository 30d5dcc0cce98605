/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this room share; for nobody outside it.
 */
#ifndef SAM_CM_INTERNAL_H
#define SAM_CM_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>
#include "base/mem.h"
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
};

struct sam_cm {
	pid_t pid; /* who opened it; a forked child may not use it */
	struct sam_cm_vendor *vendor;
	struct sam_cm_info info; /* as at open; a token that differs later is refused */
	bool known;              /* info is set */
	bool has[SAM_PAD_EDDSA + 1];
	char *token, *serial, *pin_source, *refused_memo;
	unsigned limit, wait_ms, recheck_ms;

	pthread_mutex_t lock;   /* never held across a call to the vendor */
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

/** sam_cm_attr_find(cm, s, match, count, found, max, n): At most ${max} objects. If nothing is
 * found because the login is gone, that is the failure. */
enum sam_reason sam_cm_attr_find(struct sam_cm *cm, struct sam_cm_session *s, CK_ATTRIBUTE *match,
				 size_t count, CK_OBJECT_HANDLE *found, size_t max,
				 size_t *n) SAM_MUST;

/* ---- find.c ---- */

/** sam_cm_key_find(cm, s, id, handle): The one private key with that CKA_ID, its attributes as the
 * policy's template made them (invariant 9). CM_KEY_MISSING. */
enum sam_reason sam_cm_key_find(struct sam_cm *cm, struct sam_cm_session *s,
				const uint8_t id[SAM_CM_ID], CK_OBJECT_HANDLE *handle) SAM_MUST;

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

/* ---- key.c ---- */

/** sam_cm_key_make(cm, s, what, public_key, private_key): Have a pair made by the policy's template; ${id} NULL:
 * without a CKA_ID, so that it is none that sam_cm_sign() can be asked for. Nothing is read back. */
enum sam_reason sam_cm_key_make(struct sam_cm *cm, struct sam_cm_session *s, const struct sam_cm_new_key *what,
				CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) SAM_MUST;

/* ---- statekey.c ---- */

/** sam_cm_statement_key(cm, s, key): The one key for statements, its attributes as the SAM made them (invariant
 * 9). NOT_FOUND if there is none or more than one, CM_FAILED. */
enum sam_reason sam_cm_statement_key(struct sam_cm *cm, struct sam_cm_session *s,
				     CK_OBJECT_HANDLE *key) SAM_MUST;

/* ---- spki.c ---- */

/** sam_cm_spki(cm, s, what, public_key, spki, len): The SubjectPublicKeyInfo of a key that the CM
 * has made, refused (CM_FAILED) if it is not what was asked for. */
enum sam_reason sam_cm_spki(struct sam_cm *cm, struct sam_cm_session *s,
			    const struct sam_cm_new_key *what, CK_OBJECT_HANDLE public_key,
			    uint8_t **spki, size_t *len) SAM_MUST;

#endif
