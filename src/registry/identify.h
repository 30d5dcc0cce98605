/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is it them? A password against what is stored, with failures counted for all processes (P1-7.1.2.5.1).
 */
#ifndef SAM_REGISTRY_IDENTIFY_H
#define SAM_REGISTRY_IDENTIFY_H

#include "audit/audit.h"
#include "registry/registry.h"

/* Counted apart for each door: an application that only knows names locks nobody out of samctl. */
#define SAM_COUNTER_PASSWORD "password"
#define SAM_COUNTER_PASSWORD_P11 "password-pkcs11"

/* A signer's PIN: a lock of it ends what the signer knows as a factor, and nothing else. */
#define SAM_COUNTER_PIN "pin"
/* What is only counted and alarmed: wrong PINs by authenticator (its kid) and source, SADs with a wrong signature by
 * source. Locks here would shut out others than whoever guesses. */
#define SAM_COUNTER_PIN_KID "pin-kid"
#define SAM_COUNTER_PIN_SOURCE "pin-source"
#define SAM_COUNTER_FORGED_SOURCE "forged-source"

enum { SAM_DOORS = 3, SAM_SOURCE_SIZE = 32 };
/** sam_identify_source(out): Whom a failure here comes from: "peer:UID" of p11-kit's client, else "uid:UID" of this
 * process. */
void sam_identify_source(char out[SAM_SOURCE_SIZE]);

/** sam_identify_doors(name, out): The counters of all doors for that name that lock, the PIN's last; point to
 * ${name}. */
void sam_identify_doors(const char *name, struct sam_counter_id out[SAM_DOORS]);

/** sam_identify_locked(r, name, locked): Is the name locked at one of the doors now, or the PIN? */
enum sam_reason sam_identify_locked(struct sam_registry *r, const char *name, bool *locked) SAM_MUST;

/** sam_identify_any_locked(r, doors, count, locked): The same for some of the doors. */
enum sam_reason sam_identify_any_locked(struct sam_registry *r, const struct sam_counter_id *doors, size_t count,
					bool *locked) SAM_MUST;

/** sam_identify_password(r, audit, s, door, name, stored, secret, len): Is ${secret} the password of ${name}, kept as
 * ${stored} (NULL: nobody of that name may log in here; the same work is done, nothing is counted)? Failures
 * are counted for the name; at the policy's limit it is locked for a time, which is an alert. The same wrong
 * secret again from this process counts once. PASSWORD_WRONG, PRINCIPAL_UNKNOWN, LOCKED, STORE_*, MEMORY. */
enum sam_reason sam_identify_password(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				      const char *door, const char *name, const char *stored, const void *secret,
				      size_t len) SAM_MUST;

/** sam_identify_pin(r, audit, s, signer, kid, made, secret, len): Is that the signer's PIN? Asked only of a SAD that the
 * signer's own key ${kid} has signed, at ${made} (its iat, s); one at a time for a signer, among all processes. A wrong
 * one is counted for the signer, the key and the source; from the second on the next is looked at only after some
 * seconds (PIN_WAIT), which double; at the policy's limit the PIN is locked, which is an alert. The same wrong one again
 * from this process counts once; the right one ends the count, if its SAD was made after the last wrong one.
 * PIN_WRONG (also where the signer has none), PIN_WAIT, LOCKED, STORE_*, MEMORY. */
enum sam_reason sam_identify_pin(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				 const struct sam_signer *signer, const char *kid, int64_t made, const void *secret,
				 size_t len) SAM_MUST;

/** sam_identify_forged(r, audit, s, kid): A SAD under this registered kid had a wrong signature: count it for the
 * source, at most once a second from this process. Many are an alert; nothing is locked. STORE_*, MEMORY. */
enum sam_reason sam_identify_forged(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				    const char *kid) SAM_MUST;

#endif
