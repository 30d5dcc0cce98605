/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry's rows: its structs as JSON and back. Private to this room.
 */
#ifndef SAM_REGISTRY_ROW_H
#define SAM_REGISTRY_ROW_H

#include "registry/registry.h"

#define SAM_ROW_PRINCIPAL "principal"
#define SAM_ROW_SIGNER "signer"
#define SAM_ROW_AUTHENTICATOR "authenticator"
#define SAM_ROW_KEY "key"

/** sam_row_write_*(x, body): The body, malloc()ed text. INTERNAL if the struct is not whole. */
enum sam_reason sam_row_write_principal(const struct sam_principal *p, char **body) SAM_MUST;
enum sam_reason sam_row_write_signer(const struct sam_signer *s, char **body) SAM_MUST;
enum sam_reason sam_row_write_authenticator(const struct sam_authenticator *a, char **body) SAM_MUST;
enum sam_reason sam_row_write_key(const struct sam_key *k, char **body) SAM_MUST;

/** sam_row_read_*(row, out): The reverse, into a zeroed struct; what it owns must be freed with
 * sam_row_free_*() also after a failure. STORE_TAMPERED if it is no such body. */
enum sam_reason sam_row_read_principal(const struct sam_row *row, struct sam_principal *out) SAM_MUST;
enum sam_reason sam_row_read_signer(const struct sam_row *row, struct sam_signer *out) SAM_MUST;
enum sam_reason sam_row_read_authenticator(const struct sam_row *row, struct sam_authenticator *out) SAM_MUST;
enum sam_reason sam_row_read_key(const struct sam_row *row, struct sam_key *out) SAM_MUST;

void sam_row_free_principal(struct sam_principal *p);
void sam_row_free_authenticator(struct sam_authenticator *a);
void sam_row_free_key(struct sam_key *k);

#endif
