/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the SAM itself states under its own key in the CM, and the number there: the store's witness.
 */
#ifndef SAM_SAP_OWN_H
#define SAM_SAP_OWN_H

#include <jansson.h>
#include "base/witness.h"
#include "cm/cm.h"
#include "registry/registry.h"

struct sam_own {
	struct sam_cm *cm;
	const char *sam_id;
	char kid[SAM_KID_SIZE]; /* "": there is no key yet, nothing is stated */
	struct sam_witness witness;
};

/** sam_own_start(own, cm, sam_id): Make own->witness, for the store's options; ${own} outlives the store. */
void sam_own_start(struct sam_own *own, struct sam_cm *cm, const char *sam_id);

/** sam_own_create(own, pkey): Make the key in the CM, in the place of one that no registry names; ${pkey}: its public
 * half, the caller's to free and to put into the registry with own->kid. CM_FAILED. */
enum sam_reason sam_own_create(struct sam_own *own, EVP_PKEY **pkey) SAM_MUST;

/** sam_own_device(pkey, out): That public half as what verifies its statements; clear with sam_device_clear(). */
enum sam_reason sam_own_device(EVP_PKEY *pkey, struct sam_device *out) SAM_MUST;

/** sam_own_policy(own, officer, policy, config_sha256, jws): The policy's signature where the officer has no device
 * key: the SAM states that the officer ordered it. malloc()ed. */
enum sam_reason sam_own_policy(const struct sam_own *own, const char *officer, const struct sam_policy *policy,
			       const uint8_t config_sha256[32], char **jws) SAM_MUST;

/** sam_own_backup(own, head, file_sha256, jws): What a backup is. */
enum sam_reason sam_own_backup(const struct sam_own *own, const struct sam_store_head *head,
			       const uint8_t file_sha256[32], char **jws) SAM_MUST;

/** sam_own_evidence(own, node, key, cm, jws): Where and how that key came to be: origin and attributes as the registry seals
 * them, the CM's names, and what the policy says of its evaluation (${cm} NULL: nothing). malloc()ed. */
enum sam_reason sam_own_evidence(const struct sam_own *own, const char *node, const struct sam_key *key,
				 const struct sam_policy_cm *cm, char **jws) SAM_MUST;

/** sam_own_sap_key(own, node, key, jws): That SADs may be encrypted to this key (kid, pkey, rsa). malloc()ed. */
enum sam_reason sam_own_sap_key(const struct sam_own *own, const char *node, const struct sam_sap_key *key,
				char **jws) SAM_MUST;

/** sam_own_verify(device, sam_id, typ, jws, len, claims): Is that the SAM's own statement of that ${typ}, by this key, of
 * this SAM? ${claims}: its payload, a new reference. SAD_*, MEMORY. */
enum sam_reason sam_own_verify(const struct sam_device *device, const char *sam_id, const char *typ, const char *jws,
			       size_t len, json_t **claims) SAM_MUST;

/** sam_own_verify_checkpoints(store, own, pkey, count, msg): Every checkpoint of the store by that key: its signature, its
 * number, and that it names the hash of the record that it says; and the newest one is the one that the CM knows.
 * STORE_TAMPERED and which in ${msg}. */
enum sam_reason sam_own_verify_checkpoints(struct sam_store *store, const struct sam_own *own, EVP_PKEY *pkey,
					   uint64_t *count, struct sam_msg *msg) SAM_MUST;

#endif
