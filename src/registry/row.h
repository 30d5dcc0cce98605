/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry's rows: its structs as JSON and back. Private to this room.
 */
#ifndef SAM_REGISTRY_ROW_H
#define SAM_REGISTRY_ROW_H

#include <jansson.h>
#include "base/mem.h"
#include "registry/registry.h"

SAM_AUTO_FREE(json_t, json_decref);

#define SAM_ROW_PRINCIPAL "principal"
#define SAM_ROW_SIGNER "signer"
#define SAM_ROW_AUTHENTICATOR "authenticator"
#define SAM_ROW_KEY "key"
#define SAM_ROW_PENDING "pending"
#define SAM_ROW_TOMBSTONE "tombstone"
#define SAM_ROW_POLICY "policy"   /* one row, "sealed" */
#define SAM_ROW_OWN "own"         /* "statement": the SAM's own key; else the kid of a SAP key */
#define SAM_ROW_STATE "state"     /* "second-officer", "cm-disabled": what is there is so */

#define SAM_ROW_SEALED "sealed"
#define SAM_ROW_STATEMENT "statement"
#define SAM_ROW_SECOND_OFFICER "second-officer"
#define SAM_ROW_CM_DISABLED "cm-disabled"

/** sam_row_write_*(x, body): The body, malloc()ed text. INTERNAL if the struct is not whole. */
enum sam_reason sam_row_write_principal(const struct sam_principal *p, char **body) SAM_MUST;
enum sam_reason sam_row_write_signer(const struct sam_signer *s, const struct sam_seal *seal, char **body) SAM_MUST;
enum sam_reason sam_row_write_authenticator(const struct sam_authenticator *a, char **body) SAM_MUST;
enum sam_reason sam_row_write_key(const struct sam_key *k, char **body) SAM_MUST;
enum sam_reason sam_row_write_pending(const struct sam_pending *p, char **body) SAM_MUST;
enum sam_reason sam_row_write_tombstone(const struct sam_tombstone *t, char **body) SAM_MUST;
enum sam_reason sam_row_write_sealed(const struct sam_sealed *p, char **body) SAM_MUST;
enum sam_reason sam_row_write_statement(EVP_PKEY *pkey, const char *kid, char **body) SAM_MUST;
enum sam_reason sam_row_write_sap_key(const struct sam_sap_key *k, char **body) SAM_MUST;

/** sam_row_read_*(row, out): The reverse, into a zeroed struct; what it owns must be freed with
 * sam_row_free_*() also after a failure. STORE_TAMPERED if it is no such body. */
enum sam_reason sam_row_read_principal(const struct sam_row *row, struct sam_principal *out) SAM_MUST;
enum sam_reason sam_row_read_signer(const struct sam_row *row, const struct sam_seal *seal,
				    struct sam_signer *out) SAM_MUST;
enum sam_reason sam_row_read_authenticator(const struct sam_row *row, struct sam_authenticator *out) SAM_MUST;
enum sam_reason sam_row_read_key(const struct sam_row *row, struct sam_key *out) SAM_MUST;
enum sam_reason sam_row_read_pending(const struct sam_row *row, struct sam_pending *out) SAM_MUST;
enum sam_reason sam_row_read_tombstone(const struct sam_row *row, struct sam_tombstone *out) SAM_MUST;
enum sam_reason sam_row_read_sealed(const struct sam_row *row, struct sam_sealed *out) SAM_MUST;
enum sam_reason sam_row_read_statement(const struct sam_row *row, EVP_PKEY **pkey, char kid[SAM_KID_SIZE]) SAM_MUST;
enum sam_reason sam_row_read_sap_key(const struct sam_row *row, struct sam_sap_key *out) SAM_MUST;

void sam_row_free_principal(struct sam_principal *p);
void sam_row_free_signer(struct sam_signer *s);
void sam_row_free_authenticator(struct sam_authenticator *a);
void sam_row_free_key(struct sam_key *k);
void sam_row_free_pending(struct sam_pending *p);
void sam_row_free_sap_key(struct sam_sap_key *k);
void sam_row_free_sealed(struct sam_sealed *p);

/* ---- what the files of rows share (row.c) ---- */

enum { SAM_ROW_SPKI_MAX = 4096 }; /* characters */

/** sam_row_dump(json, out): Compact text; NULL JSON: INTERNAL. */
enum sam_reason sam_row_dump(const json_t *json, char **out) SAM_MUST;
/** sam_row_json(row): The body's object, or NULL; a new reference. */
json_t *sam_row_json(const struct sam_row *row);
bool sam_row_text(const json_t *body, const char *name, char *out, size_t size);
bool sam_row_number(const json_t *body, const char *name, int64_t *out);
bool sam_row_flag(const json_t *body, const char *name, bool *out);
bool sam_row_hex(const json_t *body, const char *name, uint8_t *out, size_t size);
/** sam_row_bytes(body, name, max, data, len): That base64url text of at most ${max} characters, decoded and malloc()ed;
 * sam_row_b64url(data, len): the reverse, a new JSON string. */
bool sam_row_bytes(const json_t *body, const char *name, size_t max, uint8_t **data, size_t *len);
json_t *sam_row_b64url(const uint8_t *data, size_t len);
/** sam_row_copy(body, name, max): The text of at most ${max} bytes, malloc()ed; NULL. */
char *sam_row_copy(const json_t *body, const char *name, size_t max);
/** sam_row_pkey(body, name, out): A public key that stands there as its SubjectPublicKeyInfo. */
bool sam_row_pkey(const json_t *body, const char *name, EVP_PKEY **out);
/** sam_row_spki(pkey): That text as a new JSON string; NULL if there is no memory. */
json_t *sam_row_spki(EVP_PKEY *pkey);
/** sam_row_device_json(device), sam_row_device(body, out): A device key; none is {}. */
json_t *sam_row_device_json(const struct sam_device *device);
bool sam_row_device(const json_t *body, struct sam_device *out);

#endif
