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

enum { SAM_DOORS = 2 };
/** sam_identify_doors(name, out): The counters of both doors for that name; point to ${name}. */
void sam_identify_doors(const char *name, struct sam_counter_id out[SAM_DOORS]);

/** sam_identify_locked(r, name, locked): Is the name locked at one of the doors now? */
enum sam_reason sam_identify_locked(struct sam_registry *r, const char *name, bool *locked) SAM_MUST;

/** sam_identify_password(r, audit, s, door, name, stored, secret, len): Is ${secret} the password of ${name}, kept as
 * ${stored} (NULL: nobody of that name may log in here; the same work is done, nothing is counted)? Failures
 * are counted for the name; at the policy's limit it is locked for a time, which is an alert. The same wrong
 * secret again from this process counts once. PASSWORD_WRONG, PRINCIPAL_UNKNOWN, LOCKED, STORE_*, MEMORY. */
enum sam_reason sam_identify_password(struct sam_registry *r, struct sam_audit *audit, const struct sam_snapshot *s,
				      const char *door, const char *name, const char *stored, const void *secret,
				      size_t len) SAM_MUST;

#endif
