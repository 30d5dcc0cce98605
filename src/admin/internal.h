/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this room share; for nobody outside it.
 */
#ifndef SAM_ADMIN_INTERNAL_H
#define SAM_ADMIN_INTERNAL_H

#include "admin/act.h"
#include "registry/edit.h"

enum { SAM_ACT_SPENDS = 3 };

/* A key that came to be in the CM for an act: kept while the act begins anew on a registry that moved, and destroyed
 * again if the act fails. */
struct sam_birth {
	bool made;
	struct sam_key key;            /* owned */
	struct sam_sap_key sap[2];     /* SAP keys likewise; owned */
	size_t sap_count;
};

/* An act being done, against one snapshot. */
struct sam_doing {
	struct sam *sam;
	const struct sam_snapshot *s;
	const struct sam_policy *policy;
	enum sam_act act;
	const json_t *params;
	const char *by, *second;       /* who began it, who confirms it; NULL: nobody, or not yet */
	bool confirming;               /* begun earlier: what was shown then is not asked for again */
	bool waiting;                  /* only looked at now: it will wait */
	const struct sam_order *order; /* the signer's SAD instead of people; or NULL */
	int64_t now;
	struct sam_signer signer;       /* a copy of whom it is about, to be changed */
	struct sam_principal principal; /* what that points to is the snapshot's */
	struct sam_key key;             /* likewise; for acts that make one: what it is to be */
	struct sam_birth *birth;
	struct sam_import *import;      /* the package, opened; or NULL */
	struct sam_x509 *certificate;   /* or NULL */
	/* what performing it gives: */
	struct sam_edit edit;
	struct sam_event event;        /* of its record; texts live in the snapshot, the parameters or here: */
	char text[2][256];
	struct sam_spend spends[SAM_ACT_SPENDS];
	size_t spend_count;
	struct sam_counter_id clears[SAM_DOORS];
	size_t clear_count;
	bool forget;                   /* erase the tokens of the signer that the act is about */
	struct sam_statement proof;    /* what a spend points into */
	struct sam_sealed sealed;      /* policy sign: what will be in force */
	struct sam_msg *msg;
};

/** sam_doing_start(d, sam, params, msg): Ready to look at an act on the state of now; sam_doing_clear() in any case
 * after SAM_OK. */
enum sam_reason sam_doing_start(struct sam_doing *d, struct sam *sam, const json_t *params,
				struct sam_msg *msg) SAM_MUST;
void sam_doing_clear(struct sam_doing *d);
/** sam_doing_refine(d, act): The row of acts.def that is meant: of several for one verb it depends on what is there. */
enum sam_act sam_doing_refine(const struct sam_doing *d, enum sam_act act);
/** sam_doing_read_policy(d): d->sealed.policy of the parameter `text`, for the acts that sign one; before refining. */
enum sam_reason sam_doing_read_policy(struct sam_doing *d) SAM_MUST;
/** sam_doing_check_person(d, person, roles): Is it still who was identified, with one of these roles? ROLE,
 * ROLES_CONFLICT, SESSION_OVER. */
enum sam_reason sam_doing_check_person(const struct sam_doing *d, const struct sam_person *person,
				       unsigned roles) SAM_MUST;
/** sam_doing_check_second(d, first, first_roles, second): May that one be the second person? SECOND_PERSON too. */
enum sam_reason sam_doing_check_second(const struct sam_doing *d, const char *first, unsigned first_roles,
				       const struct sam_person *second) SAM_MUST;
/** sam_doing_check_own(d, person): What is one's own is nobody else's, whatever the role. ROLE. */
enum sam_reason sam_doing_check_own(const struct sam_doing *d, const struct sam_person *person) SAM_MUST;
/** sam_doing_whose(d): The signer that the act is about, also through a key; NULL if there is none. */
const char *sam_doing_whose(const struct sam_doing *d);
/** sam_doing_carry_out(d, waits, out): Looked at, then done, or left to wait. */
enum sam_reason sam_doing_carry_out(struct sam_doing *d, bool waits, struct sam_outcome *out) SAM_MUST;
/** sam_doing_refuse(d, why): Record the refusal; gives ${why}, or that it could not be recorded. */
enum sam_reason sam_doing_refuse(struct sam_doing *d, enum sam_reason why) SAM_MUST;

/* Looks, and puts the changes into d->edit and the record into d->event. */
typedef enum sam_reason sam_perform(struct sam_doing *d);

sam_perform sam_perform_signer_add, sam_perform_signer_suspend, sam_perform_signer_resume, sam_perform_signer_remove,
	sam_perform_signer_unlock, sam_perform_signer_passwd;
sam_perform sam_perform_authenticator_add, sam_perform_authenticator_replace, sam_perform_authenticator_remove,
	sam_perform_authenticator_pin;
sam_perform sam_perform_principal_add, sam_perform_principal_remove, sam_perform_principal_unlock,
	sam_perform_principal_passwd, sam_perform_principal_device, sam_perform_role_grant, sam_perform_role_revoke;
sam_perform sam_perform_policy_sign, sam_perform_cm_enable, sam_perform_cm_disable;
sam_perform sam_perform_sap_rotate;

sam_perform sam_perform_key_generate, sam_perform_key_renew, sam_perform_key_import, sam_perform_key_activate,
	sam_perform_key_suspend, sam_perform_key_resume, sam_perform_key_revoke, sam_perform_key_destroy,
	sam_perform_key_certificate;

/** sam_doing_check_cm(d): May the CM be used for a key, by hand and by the policy's list? CM_DISABLED, CM_UNAPPROVED. */
enum sam_reason sam_doing_check_cm(struct sam_doing *d) SAM_MUST;
/** sam_doing_check_reference(d): Without the signer's SAD somebody must be able to say later where the signer asked for
 * it (P1-4.2.2-reg-A-1); the record has it. REFERENCE. */
enum sam_reason sam_doing_check_reference(struct sam_doing *d) SAM_MUST;
/** sam_doing_wish(d, signer, type, label): What a key is to be, into d->key; the CM has it made or takes it in later.
 * ARGUMENTS, KEY_SIZE, CM_*. */
enum sam_reason sam_doing_wish(struct sam_doing *d, const char *signer, const char *type, const char *label) SAM_MUST;
/** sam_doing_open_import(d): The parameter `package`, opened into d->import. As sam_import_open(). */
enum sam_reason sam_doing_open_import(struct sam_doing *d) SAM_MUST;
/** sam_doing_end_key(d, credential): It signs nothing any more, and is destroyed after the act; if it has not ended
 * already. */
enum sam_reason sam_doing_end_key(struct sam_doing *d, const char *credential) SAM_MUST;
/** sam_perform_before_birth(d): Have the CM make the key, or take it in, and put it on the edit. */
enum sam_reason sam_perform_before_birth(struct sam_doing *d) SAM_MUST;
/** sam_birth_settle(sam, birth, reason, out): The act is over: tell of the key in ${out}, or destroy it again. */
void sam_birth_settle(struct sam *sam, struct sam_birth *birth, enum sam_reason reason, struct sam_outcome *out);

/** sam_perform_after_end(d): Destroy in the CM what the act has ended, each key with its record. */
void sam_perform_after_end(struct sam_doing *d);
/** sam_perform_before_rotate(d): Have the CM make the new SAP keys, and put them on the edit.
 * sam_perform_after_rotate(d): Destroy in the CM what is not taken any more. */
enum sam_reason sam_perform_before_rotate(struct sam_doing *d) SAM_MUST;
void sam_perform_after_rotate(struct sam_doing *d);
/** sam_doing_is_alone(act): Is it done by one process at a time, since it is done in CM or files too? Then under
 * sam_cm_lock(). */
bool sam_doing_is_alone(enum sam_act act);
/** sam_perform_before_policy(d): Put the signature beside the policy, before the store says it is in force. */
enum sam_reason sam_perform_before_policy(struct sam_doing *d) SAM_MUST;

/** sam_doing_clear_locks(d, name): The counters of wrong passwords go with the act. */
void sam_doing_clear_locks(struct sam_doing *d, const char *name);

/** sam_param(d, name): A parameter's text; NULL if there is none. */
const char *sam_param(const struct sam_doing *d, const char *name);

/** sam_param_device(d, out): The parameter jwk as a device key; clear it with sam_device_clear(). ARGUMENTS. */
enum sam_reason sam_param_device(const struct sam_doing *d, struct sam_device *out) SAM_MUST;

#endif
