/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which verbs there are, and what they take. Usage texts, the parser and the test of the manual pages read this
 * one table; who may use them is in policy/acts.def.
 */
#include <stdio.h>
#include <string.h>

#include "tools/samctl.h"

#define END                                                                                        \
	{                                                                                          \
		NULL, NULL, SAMCTL_OPTIONAL, NULL                                                  \
	}

const struct samctl_option samctl_globals[] = {
	{ "config", "PATH", SAMCTL_OPTIONAL, "the configuration file" },
	{ "as", "NAME", SAMCTL_OPTIONAL,
	  "who acts: a principal, or the signer for `signer passwd`" },
	{ "pin-source", "URI", SAMCTL_OPTIONAL,
	  "NAME's password: file:PATH, credential:NAME or tty:" },
	{ "assertion", "FILE", SAMCTL_OPTIONAL,
	  "instead: what NAME's device key says of this very command" },
	{ "second", "NAME", SAMCTL_OPTIONAL,
	  "the second person of an act that takes two, if here too" },
	{ "second-pin-source", "URI", SAMCTL_OPTIONAL, "that one's password" },
	{ "second-assertion", "FILE", SAMCTL_OPTIONAL, "instead: that one's device key's word" },
	{ "json", NULL, SAMCTL_OPTIONAL, "print JSON" },
	{ "help", NULL, SAMCTL_OPTIONAL, "print this help" },
	{ "version", NULL, SAMCTL_OPTIONAL, "print the version" },
	END,
};

static const struct samctl_option none[] = { END };

static const struct samctl_option init_options[] = {
	{ "officer", "NAME", SAMCTL_MANY, "a security officer; one or two" },
	{ "officer-pin-source", "URI", SAMCTL_MANY,
	  "the officer's first password, in the same order" },
	{ "auditor", "NAME", SAMCTL_REQUIRED, "the auditor" },
	{ "auditor-pin-source", "URI", SAMCTL_REQUIRED, "the auditor's first password" },
	END,
};

static const struct samctl_option signer_add_options[] = {
	{ "name", "TEXT", SAMCTL_OPTIONAL, "the signer's name, for people" },
	{ "subject", "DN", SAMCTL_OPTIONAL, "the subject of the signer's certificates" },
	{ "new-pin-source", "URI", SAMCTL_OPTIONAL, "the first service password" },
	{ "batch", "FILE", SAMCTL_OPTIONAL, "add those of a file of JSON lines instead" },
	END,
};

static const struct samctl_option passwd_options[] = {
	{ "new-pin-source", "URI", SAMCTL_OPTIONAL, "the new password" },
	END,
};

#define SAD_OPTION                                                                                 \
	{                                                                                          \
		"sad", "FILE", SAMCTL_OPTIONAL,                                                    \
			"the signer's SAD for this, instead of --as; - reads standard input"       \
	}

static const struct samctl_option signer_life_options[] = {
	SAD_OPTION,
	{ "reason", "TEXT", SAMCTL_OPTIONAL, "why, for the record" },
	END,
};

static const struct samctl_option signer_unlock_options[] = { SAD_OPTION, END };

static const struct samctl_option authenticator_add_options[] = {
	{ "jwk", "FILE", SAMCTL_OPTIONAL, "the device key; only its public part is kept" },
	{ "proof", "FILE", SAMCTL_OPTIONAL, "that the device has it: what `sadtool enrol` printed" },
	{ "cert", "FILE", SAMCTL_OPTIONAL, "instead: the certificate of the key, and its chain" },
	{ "new-pin-source", "URI", SAMCTL_OPTIONAL, "instead: the signer's first PIN; tty: asks here" },
	SAD_OPTION,
	END,
};

static const struct samctl_option authenticator_replace_options[] = {
	{ "jwk", "FILE", SAMCTL_OPTIONAL, "the new device key" },
	{ "proof", "FILE", SAMCTL_OPTIONAL, "that the device has it: what `sadtool enrol` printed" },
	{ "cert", "FILE", SAMCTL_OPTIONAL, "instead: the certificate of the key, and its chain" },
	{ "kid", "KID", SAMCTL_OPTIONAL, "the one that goes, if there are several" },
	SAD_OPTION,
	END,
};

static const struct samctl_option authenticator_remove_options[] = {
	{ "jwk", "FILE", SAMCTL_OPTIONAL, "the device key" },
	{ "kid", "KID", SAMCTL_OPTIONAL, "or its thumbprint" },
	{ "pin", NULL, SAMCTL_OPTIONAL, "or the PIN" },
	SAD_OPTION,
	END,
};

static const struct samctl_option device_options[] = {
	{ "jwk", "FILE", SAMCTL_REQUIRED, "the device key; only its public part is kept" },
	END,
};

static const struct samctl_option role_options[] = {
	{ "role", "ROLE", SAMCTL_REQUIRED,
	  "security-officer, administrator, operator, auditor, sca, ra or ca" },
	END,
};

static const struct samctl_option cm_options[] = {
	{ "reason", "TEXT", SAMCTL_OPTIONAL, "why, for the record" },
	END,
};

static const struct samctl_option backup_create_options[] = {
	{ "out", "FILE", SAMCTL_REQUIRED, "the new file" },
	{ "to", "FILE", SAMCTL_MANY, "a public JWK of an officer, who alone can open it (sadtool keygen --alg ECDH-ES)" },
	END,
};

static const struct samctl_option backup_key_options[] = {
	{ "key", "FILE", SAMCTL_OPTIONAL, "the private JWK of one of those it was made for" },
	END,
};

static const struct samctl_option backup_restore_options[] = {
	{ "key", "FILE", SAMCTL_REQUIRED, "the private JWK of one of those it was made for" },
	END,
};

static const struct samctl_option principal_add_options[] = {
	{ "role", "ROLE", SAMCTL_REQUIRED,
	  "security-officer, administrator, operator, auditor, sca, ra or ca" },
	{ "jwk", "FILE", SAMCTL_OPTIONAL, "a device key for assertions" },
	{ "signer", "ID", SAMCTL_MANY, "for an SCA: a signer whose keys it may see and use" },
	{ "uid", "UID", SAMCTL_OPTIONAL, "the UNIX user that an SCA runs under" },
	{ "new-pin-source", "URI", SAMCTL_OPTIONAL, "the first password" },
	END,
};

#define KEY_TYPES "rsa:2048, rsa:3072, rsa:4096, ec:P-256, ec:P-384, ec:P-521 or ed25519"
#define KEY_OPTIONS                                                                                \
	{ "label", "TEXT", SAMCTL_OPTIONAL, "its label, in the CM too" },                          \
	{ "start", "DATE", SAMCTL_OPTIONAL, "it signs from then on" },                             \
	{ "end", "DATE", SAMCTL_OPTIONAL, "it signs until then" },                                 \
	{ "reference", "TEXT", SAMCTL_OPTIONAL,                                                    \
	  "without a SAD: where the signer's request is kept; the record has it" },                \
	SAD_OPTION

static const struct samctl_option key_generate_options[] = {
	{ "signer", "ID", SAMCTL_REQUIRED, "whose key" },
	{ "type", "TYPE", SAMCTL_REQUIRED, KEY_TYPES },
	KEY_OPTIONS,
	END,
};

static const struct samctl_option key_renew_options[] = {
	{ "type", "TYPE", SAMCTL_OPTIONAL, "another than the old key's: " KEY_TYPES },
	KEY_OPTIONS,
	END,
};

static const struct samctl_option key_import_options[] = {
	{ "label", "TEXT", SAMCTL_OPTIONAL, "its label, in the CM too" },
	{ "reference", "TEXT", SAMCTL_OPTIONAL,
	  "without a SAD: where the signer's request is kept; the record has it" },
	SAD_OPTION,
	END,
};

static const struct samctl_option key_activate_options[] = { SAD_OPTION, END };

static const struct samctl_option key_list_options[] = {
	{ "expiring", "TIME", SAMCTL_OPTIONAL, "those that end within this time, or have: 30d, 12h" },
	END,
};

static const struct samctl_option key_show_options[] = {
	{ "evidence", NULL, SAMCTL_OPTIONAL, "verify and print the SAM's statement of the key's birth" },
	END,
};

static const struct samctl_option key_csr_options[] = {
	{ "evidence", NULL, SAMCTL_OPTIONAL, "the request carries the evidence of the key's birth" },
	SAD_OPTION,
	END,
};

static const struct samctl_option sap_key_options[] = {
	{ "rsa", NULL, SAMCTL_OPTIONAL, "the key for RSA-OAEP-256, where the CM can do that" },
	{ "import", NULL, SAMCTL_OPTIONAL, "the key that import packages are wrapped for" },
	END,
};

static const struct samctl_option sap_rotate_options[] = {
	{ "overlap", "TIME", SAMCTL_OPTIONAL, "the old one is taken so long: 24h if not given; 30d, 0h" },
	END,
};

static const struct samctl_option request_list_options[] = {
	{ "signer", "ID", SAMCTL_OPTIONAL, "only those that this signer is asked for" },
	{ "all", NULL, SAMCTL_OPTIONAL, "also those that are rejected, used or expired" },
	END,
};

static const struct samctl_option request_approve_options[] = {
	{ "sad", "FILE", SAMCTL_REQUIRED, "the signer's SAD for its digest; - reads standard input" },
	END,
};

static const struct samctl_option request_reject_options[] = {
	{ "sad", "FILE", SAMCTL_OPTIONAL,
	  "the signer's SAD for its digest, instead of --as; - reads standard input" },
	END,
};

static const struct samctl_option request_watch_options[] = {
	{ "exec", "CMD", SAMCTL_OPTIONAL, "run by sh for each, with its JSON as standard input" },
	{ "state", "FILE", SAMCTL_OPTIONAL, "where it notes what was told (beside the store)" },
	{ "once", NULL, SAMCTL_OPTIONAL, "tell of what is there, and end" },
	END,
};

static const struct samctl_option sad_options[] = {
	{ "sad", "FILE", SAMCTL_OPTIONAL, "the SAD; - reads standard input" },
	END,
};

static const struct samctl_option audit_options[] = {
	{ "since", "TIME", SAMCTL_OPTIONAL, "from then on: RFC 3339, a date (UTC), or @SECONDS" },
	{ "until", "TIME", SAMCTL_OPTIONAL, "up to then" },
	{ "type", "TYPE", SAMCTL_OPTIONAL, "events of this type" },
	{ "signer", "ID", SAMCTL_OPTIONAL, "of this signer" },
	{ "actor", "NAME", SAMCTL_OPTIONAL, "by this principal, signer or process" },
	{ "credential", "ID", SAMCTL_OPTIONAL, "about this key" },
	{ "outcome", "OUTCOME", SAMCTL_OPTIONAL, "success or failure" },
	{ "reason", "REASON", SAMCTL_OPTIONAL, "refused for this reason" },
	{ "jti", "JTI", SAMCTL_OPTIONAL, "about the SAD of this jti" },
	{ "format", "FORMAT", SAMCTL_OPTIONAL, "table, json or csv" },
	END,
};

/* Who may, says acts.def (invariant 10); what is not there is nobody's. */
static const struct samctl_verb verbs[] = {
	{ "init", NULL, samctl_init, 0, 0, "",
	  "set up the store, its seal and the first principals", init_options },
	{ "status", NULL, samctl_status, 0, 0, "",
	  "show what is loaded and where the store stands", none },
	{ "doctor", NULL, samctl_doctor, 0, 0, "", "check the set-up and say what to do", none },
	{ "maintain", NULL, samctl_maintain, 0, 0, "",
	  "do what is due: check, sweep, checkpoint", none },
	{ "signer", "add", samctl_signer_add, 0, 1, "[ID]", "enrol a signer",
	  signer_add_options },
	{ "signer", "show", samctl_signer_show, 1, 1, "ID",
	  "show a signer with authenticators and keys", none },
	{ "signer", "list", samctl_signer_list, 0, 0, "", "list the signers", none },
	{ "signer", "suspend", samctl_signer_suspend, 1, 1, "ID", "stop a signer at once",
	  signer_life_options },
	{ "signer", "resume", samctl_signer_resume, 1, 1, "ID", "let a suspended signer go on",
	  signer_life_options },
	{ "signer", "remove", samctl_signer_remove, 1, 1, "ID",
	  "remove a signer for ever, with all keys", signer_life_options },
	{ "signer", "unlock", samctl_signer_unlock, 1, 1, "ID",
	  "end the lock that wrong passwords or PINs brought", signer_unlock_options },
	{ "signer", "passwd", samctl_signer_passwd, 1, 1, "ID",
	  "change the service password, as the signer", passwd_options },
	{ "authenticator", "add", samctl_authenticator_add, 1, 1, "ID",
	  "bind a device key or a certificate to a signer, or set the first PIN", authenticator_add_options },
	{ "authenticator", "replace", samctl_authenticator_replace, 1, 1, "ID",
	  "bind a device key in the place of another; or change the own PIN", authenticator_replace_options },
	{ "authenticator", "remove", samctl_authenticator_remove, 1, 1, "ID",
	  "take a device key or the PIN from a signer", authenticator_remove_options },
	{ "authenticator", "list", samctl_authenticator_list, 0, 0, "", "list the device keys", none },
	{ "principal", "add", samctl_principal_add, 1, 1, "NAME", "make a principal",
	  principal_add_options },
	{ "principal", "list", samctl_principal_list, 0, 0, "", "list the principals", none },
	{ "principal", "remove", samctl_principal_remove, 1, 1, "NAME", "remove a principal", none },
	{ "principal", "unlock", samctl_principal_unlock, 1, 1, "NAME",
	  "end the lock that wrong passwords or a restore brought", none },
	{ "principal", "passwd", samctl_principal_passwd, 1, 1, "NAME", "change one's own password",
	  passwd_options },
	{ "principal", "device", samctl_principal_device, 1, 1, "NAME",
	  "bind a device key to oneself", device_options },
	{ "role", "grant", samctl_role_grant, 1, 1, "NAME", "give a principal a role", role_options },
	{ "role", "revoke", samctl_role_revoke, 1, 1, "NAME", "take a role from a principal",
	  role_options },
	{ "role", "list", samctl_role_list, 0, 0, "", "list who has which role", none },
	{ "pending", "list", samctl_pending_list, 0, 0, "",
	  "list the acts that wait for a second person", none },
	{ "pending", "confirm", samctl_pending_confirm, 1, 1, "ID", "confirm one, as the second person",
	  none },
	{ "pending", "cancel", samctl_pending_cancel, 1, 1, "ID", "drop one", none },
	{ "key", "generate", samctl_key_generate, 0, 0, "", "make a signing key in the CM",
	  key_generate_options },
	{ "key", "renew", samctl_key_renew, 1, 1, "ID", "make a signing key in the place of one",
	  key_renew_options },
	{ "key", "import", samctl_key_import, 1, 1, "FILE", "bring in a signing key from a wrapped package",
	  key_import_options },
	{ "key", "activate", samctl_key_activate, 1, 1, "ID", "take a key that was made",
	  key_activate_options },
	{ "key", "suspend", samctl_key_suspend, 1, 1, "ID", "stop a key until it is resumed",
	  signer_life_options },
	{ "key", "resume", samctl_key_resume, 1, 1, "ID", "let a suspended key sign again",
	  signer_life_options },
	{ "key", "revoke", samctl_key_revoke, 1, 1, "ID", "end a key for ever, and destroy it",
	  signer_life_options },
	{ "key", "destroy", samctl_key_destroy, 1, 1, "ID", "destroy a key in the CM", signer_life_options },
	{ "key", "csr", samctl_key_csr, 1, 1, "ID", "make the request for a key's certificate",
	  key_csr_options },
	{ "key", "certificate", samctl_key_certificate, 2, 2, "ID FILE", "register a key's certificate",
	  none },
	{ "key", "list", samctl_key_list, 0, 0, "", "list the signing keys", key_list_options },
	{ "key", "show", samctl_key_show, 1, 1, "ID", "show a signing key", key_show_options },
	{ "sap", "key", samctl_sap_key, 0, 0, "", "print the public key that SADs are encrypted to", sap_key_options },
	{ "sap", "rotate", samctl_sap_rotate, 0, 0, "", "put a new key in the place of that one", sap_rotate_options },
	{ "sad", "exchange", samctl_sad_exchange, 0, 1, "[FILE]",
	  "give the 30-character token of a SAD", sad_options },
	{ "sad", "inspect", samctl_sad_inspect, 0, 1, "[FILE]",
	  "show a SAD and whether it would be taken now", sad_options },
	{ "sad", "deposit", samctl_sad_deposit, 0, 1, "[FILE]",
	  "deposit a SAD for the signatures that it is for", sad_options },
	{ "sad", "revoke", samctl_sad_revoke, 0, 1, "[FILE]",
	  "end a SAD: it signs nothing any more", sad_options },
	{ "request", "list", samctl_request_list, 0, 0, "",
	  "list the signatures that wait for their signer", request_list_options },
	{ "request", "show", samctl_request_show, 1, 1, "ID", "show one of them", none },
	{ "request", "approve", samctl_request_approve, 1, 1, "ID", "deposit the signer's SAD for it",
	  request_approve_options },
	{ "request", "reject", samctl_request_reject, 1, 1, "ID", "reject it", request_reject_options },
	{ "request", "watch", samctl_request_watch, 0, 0, "", "tell of each new one as it comes",
	  request_watch_options },
	{ "policy", "check", samctl_policy_check, 1, 1, "FILE", "check a policy file", none },
	{ "policy", "sign", samctl_policy_sign, 1, 1, "FILE",
	  "put a policy and the configuration in force", none },
	{ "policy", "show", samctl_policy_show, 0, 0, "", "show the policy in force", none },
	{ "cm", "show", samctl_cm_show, 0, 0, "", "show the CM and whether it may be used", none },
	{ "cm", "enable", samctl_cm_enable, 0, 0, "", "let the SAM use the CM, and try its PIN again",
	  cm_options },
	{ "cm", "disable", samctl_cm_disable, 0, 0, "", "let nothing be signed", cm_options },
	{ "backup", "create", samctl_backup_create, 0, 0, "", "write an encrypted backup of the store",
	  backup_create_options },
	{ "backup", "verify", samctl_backup_verify, 1, 1, "FILE", "check a backup, and what is in it",
	  backup_key_options },
	{ "backup", "restore", samctl_backup_restore, 1, 1, "FILE",
	  "put a backup in the place of the store", backup_restore_options },
	{ "audit", "list", samctl_audit_list, 0, 0, "", "list the audit trail, newest last",
	  audit_options },
	{ "audit", "search", samctl_audit_search, 0, 0, "",
	  "list the records that fit; at least one condition", audit_options },
	{ "audit", "show", samctl_audit_show, 1, 1, "SEQ", "explain one record", none },
	{ "audit", "verify", samctl_audit_verify, 0, 0, "", "verify the whole trail", none },
};

const struct samctl_verb *samctl_verb_at(size_t i)
{
	return i < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[i] : NULL;
}

const char *samctl_verb_text(const struct samctl_verb *verb, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", verb->group, verb->name ? " " : "",
		 verb->name ? verb->name : "");
	return out;
}

unsigned samctl_verb_roles(const struct samctl_verb *verb)
{
	char text[64];

	return sam_acts_first_of(samctl_verb_text(verb, text, sizeof(text)));
}

const char *samctl_verb_sad(const struct samctl_verb *verb)
{
	char text[64];

	samctl_verb_text(verb, text, sizeof(text));
	for (int act = 0; act < SAM_ACT_COUNT; act++)
		if (strcmp(sam_act_info((enum sam_act)act)->verb, text) == 0 &&
		    *sam_act_info((enum sam_act)act)->sad)
			return sam_act_info((enum sam_act)act)->sad;
	return "";
}
