/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl from inside: the table of verbs, what a running command knows, and what the verbs share. One table
 * (samctl_verbs.c) says which verbs and options there are; who may use them, policy/acts.def.
 */
#ifndef SAM_TOOLS_SAMCTL_H
#define SAM_TOOLS_SAMCTL_H

#include <jansson.h>
#include "admin/act.h"
#include "sap/rooms.h"

enum { SAMCTL_DONE = 0, SAMCTL_FAILED = 1, SAMCTL_USAGE = 2 };
enum { SAMCTL_GIVEN_MAX = 128 };

/* An option of a verb. */
struct samctl_option {
	const char *name;
	const char *value; /* what stands for it in the usage; NULL: a switch */
	enum { SAMCTL_OPTIONAL, SAMCTL_REQUIRED, SAMCTL_MANY } need;
	const char *help;
};

struct samctl;

struct samctl_verb {
	const char *group, *name; /* name NULL: a verb of one word */
	int (*run)(struct samctl *ctl);
	int min_args, max_args;
	const char *args; /* its operands in the usage */
	const char *what;
	const struct samctl_option *options; /* ends with a NULL name */
};

/** samctl_verb_at(i): The i-th of the table; NULL past its end. */
const struct samctl_verb *samctl_verb_at(size_t i);
/** samctl_verb_text(verb, out, size): "key generate". */
const char *samctl_verb_text(const struct samctl_verb *verb, char *out, size_t size);
/** samctl_verb_roles(verb): Who may begin it (bits of roles), by acts.def. */
unsigned samctl_verb_roles(const struct samctl_verb *verb);
/** samctl_verb_sad(verb): The operation whose SAD does it alone; "": none does. */
const char *samctl_verb_sad(const struct samctl_verb *verb);
extern const struct samctl_option samctl_globals[];

/* One command. */
struct samctl {
	const struct samctl_verb *verb;
	char what[64]; /* the verb in words, for messages */
	const char *config;
	struct samctl_who {
		const char *name, *pin_source, *assertion;
		json_t *files; /* the SHA-256 of each file that the assertion names */
	} who[2]; /* --as, --second */
	json_t *words; /* the command without what says who and how: what an assertion is about */
	bool json, help;
	struct {
		const char *name, *value;
	} given[SAMCTL_GIVEN_MAX]; /* the verb's options, as they came */
	size_t given_count;
	char **args;
	int arg_count;
	bool acted;      /* the registry was changed */
	struct sam *sam; /* once opened */
	struct sam_actors actors;
	struct sam_secret sad; /* of --sad, where it does an act */
};

/* ---- options ---- */

/** samctl_given(ctl, name, i): The value of the i-th --name; NULL if there is none. */
const char *samctl_given(const struct samctl *ctl, const char *name, size_t i);
size_t samctl_given_count(const struct samctl *ctl, const char *name);

/** samctl_span(text, seconds): "30d", "12h": in seconds. */
bool samctl_span(const char *text, int64_t *seconds);

/* ---- who acts (samctl_auth.c) ---- */

/** samctl_open(ctl): Open the SAM; SAMCTL_DONE, or the exit status after a message. */
int samctl_open(struct samctl *ctl) SAM_MUST;

/** samctl_authenticate(ctl): Open, identify --as and --second, and compare --as with the roles of the verb. A
 * refusal is recorded and only says "refused". Nothing is asked where nobody is asked for, or a SAD does it. */
int samctl_authenticate(struct samctl *ctl) SAM_MUST;

/** samctl_credentials(ctl, who, secret, credentials): Password or assertion of one of the two; ${credentials} points
 * into ${secret}, the caller's to clear. Exit status. */
int samctl_credentials(struct samctl *ctl, const struct samctl_who *who, struct sam_secret *secret,
		       struct sam_credentials *credentials) SAM_MUST;

/** samctl_act(ctl, act, params, done, fmt, …): Do it (admin/act.h) and tell what became of it: ${done} with --json,
 * else the sentence; or that it waits, and how it is confirmed. Steals ${params} and ${done}; the parameters are
 * wiped. */
int samctl_act(struct samctl *ctl, enum sam_act act, json_t *params, json_t *done, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** samctl_act_only(ctl, act, params, outcome): The same, but what was done is the caller's to tell, unless it waits. */
int samctl_act_only(struct samctl *ctl, enum sam_act act, json_t *params, struct sam_outcome *outcome) SAM_MUST;

/** samctl_wipe_params(params): Wipe the texts, and drop the reference. */
void samctl_wipe_params(json_t *params);

/** samctl_checkpoint(ctl): A signed checkpoint, where one is due. */
void samctl_checkpoint(struct samctl *ctl);

/** samctl_secret(ctl, source, prompt, twice, out): The secret behind a pin source; NULL or "tty:"
 * asks at the terminal, for a new one twice. Exit status; the caller clears ${out}. */
int samctl_secret(const struct samctl *ctl, const char *source, const char *prompt, bool twice,
		  struct sam_secret *out) SAM_MUST;

/** samctl_check_password(ctl, policy, secret, whose): May this be the new password? Exit status. */
int samctl_check_password(const struct samctl *ctl, const struct sam_policy *policy,
			  const struct sam_secret *secret, const char *whose) SAM_MUST;

/** samctl_password(ctl, source, whose, old, pin, out): A new password, checked and hashed, other than ${old} and than the
 * signer's PIN (both as stored; NULL or "": none). */
int samctl_password(const struct samctl *ctl, const char *source, const char *whose, const char *old, const char *pin,
		    char out[SAM_PASSWORD_SIZE]) SAM_MUST;

/* ---- records (samctl_auth.c) ---- */

/** samctl_make(ctl, event, out): A record for the registry, with who acts in it: the
 * principal, or the process if nobody was asked for. sam_audit_clear() it in any case. */
enum sam_reason samctl_make(struct samctl *ctl, struct sam_event *event,
			    struct sam_audit_record *out) SAM_MUST;

/** samctl_record(ctl, event): Record it now, durably; message and false if that fails. */
bool samctl_record(const struct samctl *ctl, struct sam_event *event) SAM_MUST;

/** samctl_refuse(ctl, reason, target, signer): Record ADMIN_REFUSED for an act of administration,
 * say why, and give the exit status. */
int samctl_refuse(struct samctl *ctl, enum sam_reason reason, const char *target,
		  const char *signer);

/** samctl_snapshot(ctl, out): The registry now; message and false if it cannot be read. */
bool samctl_snapshot(struct samctl *ctl, const struct sam_snapshot **out) SAM_MUST;

/** samctl_maintained(store, since_us, ran): Does the trail say that `maintain` ran since then? */
enum sam_reason samctl_maintained(struct sam_store *store, int64_t since_us, bool *ran) SAM_MUST;

/* ---- telling (samctl_out.c) ---- */

/** samctl_say(ctl, fmt, ...): "samctl: VERB: …" on standard error. */
void samctl_say(const struct samctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** samctl_usage(ctl, fmt, ...): The same and where the help is; gives SAMCTL_USAGE. */
int samctl_usage(const struct samctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** samctl_fail(ctl, reason, msg): ${msg} if it says something, else the reason's text; gives
 * SAMCTL_FAILED. */
int samctl_fail(const struct samctl *ctl, enum sam_reason reason, const struct sam_msg *msg);

struct samctl_column {
	const char *head, *member;
};
/** samctl_print_list(ctl, list, columns): A JSON array of objects: as such with --json, else as an
 * aligned table. Steals ${list}. */
int samctl_print_list(const struct samctl *ctl, json_t *list, const struct samctl_column *columns);
/** samctl_print_object(ctl, object): As such with --json, else one line for each member. Steals
 * ${object}. */
int samctl_print_object(const struct samctl *ctl, json_t *object);
/** samctl_print_done(ctl, object, fmt, ...): The object with --json, else the sentence. Steals
 * ${object}. */
int samctl_print_done(const struct samctl *ctl, json_t *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** samctl_print_text(text, width): To standard output what a terminal may get: no control
 * characters, padded to ${width} columns (0: not). */
void samctl_print_text(const char *text, int width);
/** samctl_colour(good): Begin (1 good, 0 bad, -1 so-so) colour if standard output is a terminal and
 * NO_COLOR is not set; samctl_plain() ends it. */
void samctl_colour(int good);
void samctl_plain(void);

/** samctl_statements(policy): What must be said of the policy in plain words, as a new JSON list. */
json_t *samctl_statements(const struct sam_policy *policy);
/** samctl_authorisation(policy): What a signature is authorised by, as a new JSON object: login or SAD, how many
 * factors of which kinds, whether encrypted, deferred, by tokens that are renewed. */
json_t *samctl_authorisation(const struct sam_policy *policy);

/** samctl_time(seconds): As text in a new JSON string. */
json_t *samctl_time(int64_t seconds);
json_t *samctl_hex(const void *data, size_t len); /* at most 64 bytes */

/** samctl_read_file(ctl, path, max, out): A file, or standard input for "-"; with an assertion: the very one that it
 * names, else that is recorded. Exit status. */
int samctl_read_file(const struct samctl *ctl, const char *path, size_t max,
		     struct sam_secret *out) SAM_MUST;
/** samctl_read_statement(ctl, path, max, out): The same for what is signed itself, an assertion, say. */
int samctl_read_statement(const struct samctl *ctl, const char *path, size_t max, struct sam_secret *out) SAM_MUST;
/** samctl_read_device(ctl, path, kid): The public part of a device key's JWK and its thumbprint; NULL after a
 * message. */
json_t *samctl_read_device(const struct samctl *ctl, const char *path, char kid[SAM_KID_SIZE]);
/** samctl_read_json(ctl, path, max): One JSON object from a file; NULL after a message. */
json_t *samctl_read_json(const struct samctl *ctl, const char *path, size_t max);

/** samctl_sad_text(sad): Without the white space around it. */
void samctl_sad_text(struct sam_secret *sad);

/* ---- the verbs ---- */
int samctl_init(struct samctl *ctl);
int samctl_status(struct samctl *ctl);
int samctl_doctor(struct samctl *ctl);
int samctl_maintain(struct samctl *ctl);
int samctl_signer_add(struct samctl *ctl);
int samctl_signer_show(struct samctl *ctl);
int samctl_signer_list(struct samctl *ctl);
int samctl_signer_suspend(struct samctl *ctl);
int samctl_signer_resume(struct samctl *ctl);
int samctl_signer_remove(struct samctl *ctl);
int samctl_signer_unlock(struct samctl *ctl);
int samctl_signer_passwd(struct samctl *ctl);
int samctl_authenticator_add(struct samctl *ctl);
int samctl_authenticator_replace(struct samctl *ctl);
int samctl_authenticator_remove(struct samctl *ctl);
int samctl_authenticator_list(struct samctl *ctl);
int samctl_principal_add(struct samctl *ctl);
int samctl_principal_list(struct samctl *ctl);
int samctl_principal_remove(struct samctl *ctl);
int samctl_principal_unlock(struct samctl *ctl);
int samctl_principal_passwd(struct samctl *ctl);
int samctl_principal_device(struct samctl *ctl);
int samctl_role_grant(struct samctl *ctl);
int samctl_role_revoke(struct samctl *ctl);
int samctl_role_list(struct samctl *ctl);
int samctl_pending_list(struct samctl *ctl);
int samctl_pending_confirm(struct samctl *ctl);
int samctl_pending_cancel(struct samctl *ctl);
int samctl_cm_show(struct samctl *ctl);
int samctl_cm_enable(struct samctl *ctl);
int samctl_cm_disable(struct samctl *ctl);
int samctl_policy_sign(struct samctl *ctl);
int samctl_backup_create(struct samctl *ctl);
int samctl_backup_verify(struct samctl *ctl);
int samctl_backup_restore(struct samctl *ctl);
int samctl_key_generate(struct samctl *ctl);
int samctl_key_renew(struct samctl *ctl);
int samctl_key_activate(struct samctl *ctl);
int samctl_key_suspend(struct samctl *ctl);
int samctl_key_resume(struct samctl *ctl);
int samctl_key_revoke(struct samctl *ctl);
int samctl_key_destroy(struct samctl *ctl);
int samctl_key_csr(struct samctl *ctl);
int samctl_key_certificate(struct samctl *ctl);
int samctl_key_import(struct samctl *ctl);
int samctl_sap_key(struct samctl *ctl);
int samctl_sap_rotate(struct samctl *ctl);
int samctl_key_list(struct samctl *ctl);
int samctl_key_show(struct samctl *ctl);
int samctl_sad_exchange(struct samctl *ctl);
int samctl_sad_inspect(struct samctl *ctl);
int samctl_sad_deposit(struct samctl *ctl);
int samctl_sad_revoke(struct samctl *ctl);
int samctl_request_list(struct samctl *ctl);
int samctl_request_show(struct samctl *ctl);
int samctl_request_approve(struct samctl *ctl);
int samctl_request_reject(struct samctl *ctl);
int samctl_request_watch(struct samctl *ctl);
int samctl_policy_check(struct samctl *ctl);
int samctl_policy_show(struct samctl *ctl);
int samctl_audit_list(struct samctl *ctl);
int samctl_audit_search(struct samctl *ctl);
int samctl_audit_show(struct samctl *ctl);
int samctl_audit_verify(struct samctl *ctl);

#endif
