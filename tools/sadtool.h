/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool: what the signer's device does, as a command. What its files share.
 */
#ifndef SAM_TOOLS_SADTOOL_H
#define SAM_TOOLS_SADTOOL_H

#include "sap/jose.h"

enum { SADTOOL_OK = 0, SADTOOL_FAILED = 1, SADTOOL_USAGE = 2 };

/** sadtool_fail(what, fmt, ...): "sadtool: what: why" on standard error; returns SADTOOL_FAILED. */
int sadtool_fail(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** sadtool_misuse(what, fmt, ...): The same with a pointer to --help; returns SADTOOL_USAGE. */
int sadtool_misuse(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** sadtool_bad_option(verb, argv): After getopt_long() said '?' or ':'. */
int sadtool_bad_option(const char *verb, char *const argv[]);
/** sadtool_number(text, max, out): A decimal number from 1 to ${max}. */
bool sadtool_number(const char *text, int64_t max, int64_t *out);

/* The verbs: argv[0] is the verb's own name. */
int sadtool_keygen(int argc, char *argv[]);
int sadtool_new(int argc, char *argv[]);
int sadtool_enrol(int argc, char *argv[]);
int sadtool_assert(int argc, char *argv[]);
int sadtool_policy(int argc, char *argv[]);
int sadtool_prove(int argc, char *argv[]);
int sadtool_inspect(int argc, char *argv[]);

/* ---- files ---- */

/** sadtool_read(path, max, out): All of a file, or of standard input for "-". False after a
 * message. */
bool sadtool_read(const char *path, size_t max, struct sam_secret *out);
/** sadtool_read_jwk(path): A JWK, or NULL after a message; drop it with sam_jose_private_free(). */
json_t *sadtool_read_jwk(const char *path);
/** sadtool_create(path, mode, json): Write a new file; one that exists is never touched. False
 * after a message; then no file is left. */
bool sadtool_create(const char *path, unsigned mode, const json_t *json);
/** sadtool_print_json(json): One line on standard output. False without memory. */
bool sadtool_print_json(const json_t *json);

/** sadtool_hash_file(path, hash, out): The hash of a file of any length. An exit status. */
int sadtool_hash_file(const char *path, enum sam_hash hash, uint8_t *out);

/* ---- keys ---- */

struct sadtool_signer {
	EVP_PKEY *pkey;
	enum sam_jws_alg alg;
	char kid[SAM_THUMBPRINT_LEN + 1];
	json_t *public; /* its JWK */
};

/** sadtool_signer_load(path, out): From a private JWK. An exit status; clear it also after a failure. */
int sadtool_signer_load(const char *path, struct sadtool_signer *out);
void sadtool_signer_clear(struct sadtool_signer *signer);

enum { SADTOOL_JTI = 24, SADTOOL_LIFETIME_MAX = 31536000 };

/** sadtool_jti(out): A new random `jti`. */
bool sadtool_jti(char out[SADTOOL_JTI + 1]);

/* ---- new ---- */

struct sadtool_document {
	uint8_t digest[SAM_HASH_MAX];
};

/* A change to a member of claims or header; ${value} NULL removes it. */
struct sadtool_change {
	char *name;
	json_t *value;
};

struct sadtool_changes {
	struct sadtool_change *items;
	size_t count;
};

struct sadtool_order {
	const char *key, *signer, *audience, *credential, *issuer, *amr;
	const char *encrypt_to, *encrypt_alg; /* the SAM's JWK; NULL: not encrypted; the algorithm, or NULL */
	enum sam_hash hash;
	int64_t lifetime, num; /* seconds; 0: --num was not given */
	bool each, json;
	struct sadtool_document *documents;
	size_t document_count;
	const char **labels; /* none, one for all, or one for each document */
	size_t label_count;
	struct sadtool_changes claims, header;
	const char *operation; /* NULL: to sign documents */
	json_t *params;        /* of the operation; owned */
	const char *pin_source, *new_pin_source, *x5c; /* NULL: none */
	struct sam_secret pin, new_pin;
	json_t *chain;         /* the list of x5c; owned */
};

/* To whom SADs are encrypted. */
struct sadtool_recipient {
	json_t *jwk; /* NULL: nobody */
	const char *alg;
};

/** sadtool_recipient_load(path, alg, out): From a public JWK; ${alg} NULL: what fits the key. An exit status; clear it
 * also after a failure. */
int sadtool_recipient_load(const char *path, const char *alg, struct sadtool_recipient *out);
void sadtool_recipient_clear(struct sadtool_recipient *recipient);

/** sadtool_encrypt(recipient, text, out): A SAD, or SAD~PROOF, as the compact JWE that the SAM takes; malloc()ed. An exit
 * status. */
int sadtool_encrypt(const struct sadtool_recipient *recipient, const char *text, char **out);

/** sadtool_inspect_jwe(path, text, len, as_json): Show what a compact JWE says of itself. An exit status. */
int sadtool_inspect_jwe(const char *path, const char *text, size_t len, bool as_json);

/** sadtool_read_pins(order), sadtool_read_x5c(order): What --pin-source and --new-pin-source, and --x5c name, if they are
 * given. An exit status, after a message if not 0. */
int sadtool_read_pins(struct sadtool_order *order);
int sadtool_read_x5c(struct sadtool_order *order);

/** sadtool_payload(order, claims): The claims as text, with the PINs, which no JSON library sees; malloc()ed, to be
 * wiped. NULL without memory. */
char *sadtool_payload(const struct sadtool_order *order, const json_t *claims);

/** sadtool_make(order): Make the SADs and print them. An exit status. */
int sadtool_make(const struct sadtool_order *order);

/** sadtool_add_file(order, path), sadtool_add_digest(order, text): One more document (or, for "-",
 * those that standard input lists). An exit status, after a message if not 0. */
int sadtool_add_file(struct sadtool_order *order, const char *path);
int sadtool_add_digest(struct sadtool_order *order, const char *text);
/** sadtool_add_random(order, count): Random ones. */
int sadtool_add_random(struct sadtool_order *order, size_t count);

#endif
