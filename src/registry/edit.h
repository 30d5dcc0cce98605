/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Changing the registry: an edit is made against one snapshot, by rules, and committed as a whole with
 * what it uses up and its audit records, or not at all.
 */
#ifndef SAM_REGISTRY_EDIT_H
#define SAM_REGISTRY_EDIT_H

#include "audit/audit.h"
#include "registry/registry.h"

struct sam_edit {
	struct sam_registry *registry;
	const struct sam_snapshot *snapshot; /* the caller's; outlives the edit */
	struct sam_change *changes;          /* the rest is this file's */
	size_t count;
	struct sam_end *ends;                /* whose requests and deposits end with it */
	size_t end_count;
};

/** sam_edit_start(edit, registry, snapshot): An empty one; sam_edit_clear() in any case. */
void sam_edit_start(struct sam_edit *edit, struct sam_registry *registry, const struct sam_snapshot *snapshot);
void sam_edit_clear(struct sam_edit *edit);

/* Each checks what it is given against the snapshot, and puts the change on the list. A name means one
 * person or program, for ever: EXISTS, NAME_USED where it was somebody's. */

/** sam_edit_add_principal(edit, p): ARGUMENTS, EXISTS, NAME_USED, NOT_FOUND (a signer granted to it), KEY_SHARED
 * (its device key or uid is another's). */
enum sam_reason sam_edit_add_principal(struct sam_edit *edit, const struct sam_principal *p) SAM_MUST;
enum sam_reason sam_edit_set_principal(struct sam_edit *edit, const struct sam_principal *p) SAM_MUST;
/** sam_edit_remove_principal(edit, p, now): And its name is never given again. */
enum sam_reason sam_edit_remove_principal(struct sam_edit *edit, const struct sam_principal *p, int64_t now) SAM_MUST;

enum sam_reason sam_edit_add_signer(struct sam_edit *edit, const struct sam_signer *s) SAM_MUST;
/** sam_edit_set_signer(edit, s): Where the version is raised, what waits for the signer ends, as what was authorised. */
enum sam_reason sam_edit_set_signer(struct sam_edit *edit, const struct sam_signer *s) SAM_MUST;
/** sam_edit_remove_signer(edit, s, destroy, now): With authenticators and keys, to be destroyed in the CM if
 * ${destroy}; id and credentialIDs are never given
 * again; those that had the signer granted have not any more. */
enum sam_reason sam_edit_remove_signer(struct sam_edit *edit, const struct sam_signer *s, bool destroy,
				       int64_t now) SAM_MUST;

/** sam_edit_add_authenticator(edit, a): NOT_FOUND (signer); EXISTS, KEY_SHARED: one device key speaks for one
 * person: the same under another name would make them one. */
enum sam_reason sam_edit_add_authenticator(struct sam_edit *edit, const struct sam_authenticator *a) SAM_MUST;
enum sam_reason sam_edit_remove_authenticator(struct sam_edit *edit, const char *kid) SAM_MUST;

/** sam_edit_add_key(edit, k): EXISTS also for a second key with the same first half of the thumbprint. */
enum sam_reason sam_edit_add_key(struct sam_edit *edit, const struct sam_key *k) SAM_MUST;
/** sam_edit_set_key(edit, k): State and certificate; INTERNAL if anything else of it is another than before: what a key
 * was born as is sealed once (P3-A1-8.6). Where it is suspended, resumed or ends, what waits for it ends. */
enum sam_reason sam_edit_set_key(struct sam_edit *edit, const struct sam_key *k) SAM_MUST;
/** sam_edit_remove_key(edit, k, destroy, now): Its credentialID is never given again; to be destroyed in the CM if
 * ${destroy}. */
enum sam_reason sam_edit_remove_key(struct sam_edit *edit, const struct sam_key *k, bool destroy, int64_t now) SAM_MUST;

enum sam_reason sam_edit_add_pending(struct sam_edit *edit, const struct sam_pending *p) SAM_MUST;
enum sam_reason sam_edit_remove_pending(struct sam_edit *edit, const char *id) SAM_MUST;

/** sam_edit_set_sealed(edit, sealed): The policy that is in force from then on. */
enum sam_reason sam_edit_set_sealed(struct sam_edit *edit, const struct sam_sealed *sealed) SAM_MUST;
/** sam_edit_set_statement_key(edit, pkey, kid): The public half of the SAM's own key; once, EXISTS. */
enum sam_reason sam_edit_set_statement_key(struct sam_edit *edit, EVP_PKEY *pkey, const char *kid) SAM_MUST;
/** sam_edit_add_sap_key(edit, k): A new one, which takes the place of the one in use: that is taken
 * until ${until} (seconds). ARGUMENTS if there would be more than SAM_SAP_KEYS_MAX. */
enum sam_reason sam_edit_add_sap_key(struct sam_edit *edit, const struct sam_sap_key *k, int64_t until) SAM_MUST;
enum sam_reason sam_edit_remove_sap_key(struct sam_edit *edit, const char *kid) SAM_MUST;
/** sam_edit_second_officer(edit, may): May the one officer and the auditor make the second officer? */
enum sam_reason sam_edit_second_officer(struct sam_edit *edit, bool may) SAM_MUST;
/** sam_edit_cm_disabled(edit, disabled): By hand (P1-7.1.1.2b). */
enum sam_reason sam_edit_cm_disabled(struct sam_edit *edit, bool disabled) SAM_MUST;
/** sam_edit_tombstone(edit, name, now): The name is never given again. */
enum sam_reason sam_edit_tombstone(struct sam_edit *edit, const char *name, int64_t now) SAM_MUST;
/** sam_edit_lost_key(edit, credential, now): The same for a key that a restored backup does not know: it may be in the
 * CM, and nobody is to be alarmed by that. */
enum sam_reason sam_edit_lost_key(struct sam_edit *edit, const char *credential, int64_t now) SAM_MUST;
/** sam_edit_key_in_cm(edit, tombstone, in_cm): The removed key is, or is not any more, in the CM. */
enum sam_reason sam_edit_key_in_cm(struct sam_edit *edit, const struct sam_tombstone *tombstone, bool in_cm) SAM_MUST;

/* What goes with an edit, all or nothing. */
struct sam_edit_with {
	const struct sam_spend *spends;          size_t spend_count;
	const struct sam_counter_id *clears;     size_t clear_count;
	const struct sam_forget *forget;         /* tokens to be erased; NULL: none */
	const struct sam_record *records;        size_t record_count;
	int64_t now;
};

/** sam_edit_commit(edit, with): Durable when it returns SAM_OK. STORE_CHANGED: the registry is not the snapshot any
 * more; begin again. */
enum sam_reason sam_edit_commit(struct sam_edit *edit, const struct sam_edit_with *with) SAM_MUST;

/** sam_edit_commit_event(edit, audit, event): With the one record of that event, now; as sam_edit_commit(). */
enum sam_reason sam_edit_commit_event(struct sam_edit *edit, struct sam_audit *audit,
				      const struct sam_event *event) SAM_MUST;

/** sam_registry_migrate: the sam_store_migrate of this room: rows that earlier versions wrote. ${arg}: the struct
 * sam_seal. */
sam_store_migrate sam_registry_migrate;

#endif
