/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which verbs there are, who may use them, and what they take. Usage texts, the parser and the test
 * of the manual pages read this one table.
 */
#include <stdio.h>

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

static const struct samctl_option authenticator_add_options[] = {
	{ "jwk", "FILE", SAMCTL_REQUIRED, "the device key; only its public part is kept" },
	END,
};

static const struct samctl_option principal_add_options[] = {
	{ "role", "ROLE", SAMCTL_REQUIRED, "security-officer, auditor or sca" },
	{ "signer", "ID", SAMCTL_MANY, "for an SCA: a signer whose keys it may see and use" },
	{ "new-pin-source", "URI", SAMCTL_OPTIONAL, "the first password" },
	END,
};

static const struct samctl_option key_generate_options[] = {
	{ "signer", "ID", SAMCTL_REQUIRED, "whose key" },
	{ "type", "TYPE", SAMCTL_REQUIRED,
	  "rsa:2048, rsa:3072, rsa:4096, ec:P-256, ec:P-384, ec:P-521 or ed25519" },
	{ "label", "TEXT", SAMCTL_OPTIONAL, "its label, in the CM too" },
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

#define OFFICER_OR_AUDITOR (SAMCTL_OFFICER | SAMCTL_AUDITOR)

/* Who may what: no verb that enrols is the auditor's, none that reads the trail the officer's
 * (invariant 10). */
static const struct samctl_verb verbs[] = {
	{ "init", NULL, 0, samctl_init, 0, 0, "",
	  "set up the store, its seal and the first principals", init_options },
	{ "status", NULL, 0, samctl_status, 0, 0, "",
	  "show what is loaded and where the store stands", none },
	{ "doctor", NULL, 0, samctl_doctor, 0, 0, "", "check the set-up and say what to do", none },
	{ "maintain", NULL, 0, samctl_maintain, 0, 0, "",
	  "do what is due: check, sweep, checkpoint", none },
	{ "signer", "add", SAMCTL_OFFICER, samctl_signer_add, 0, 1, "[ID]", "enrol a signer",
	  signer_add_options },
	{ "signer", "show", OFFICER_OR_AUDITOR, samctl_signer_show, 1, 1, "ID",
	  "show a signer with authenticators and keys", none },
	{ "signer", "list", OFFICER_OR_AUDITOR, samctl_signer_list, 0, 0, "", "list the signers",
	  none },
	{ "signer", "passwd", SAMCTL_SIGNER, samctl_signer_passwd, 1, 1, "ID",
	  "change the service password, as the signer", passwd_options },
	{ "authenticator", "add", SAMCTL_OFFICER, samctl_authenticator_add, 1, 1, "ID",
	  "bind a device key to a signer", authenticator_add_options },
	{ "authenticator", "list", OFFICER_OR_AUDITOR, samctl_authenticator_list, 0, 0, "",
	  "list the device keys", none },
	{ "principal", "add", SAMCTL_OFFICER, samctl_principal_add, 1, 1, "NAME",
	  "make a principal", principal_add_options },
	{ "principal", "list", SAMCTL_OFFICER, samctl_principal_list, 0, 0, "",
	  "list the principals", none },
	{ "key", "generate", SAMCTL_OFFICER, samctl_key_generate, 0, 0, "",
	  "make a signing key in the CM", key_generate_options },
	{ "key", "list", OFFICER_OR_AUDITOR, samctl_key_list, 0, 0, "", "list the signing keys",
	  none },
	{ "key", "show", OFFICER_OR_AUDITOR, samctl_key_show, 1, 1, "ID", "show a signing key",
	  none },
	{ "sad", "exchange", 0, samctl_sad_exchange, 0, 1, "[FILE]",
	  "give the 30-character token of a SAD", sad_options },
	{ "sad", "inspect", 0, samctl_sad_inspect, 0, 1, "[FILE]",
	  "show a SAD and whether it would be taken now", sad_options },
	{ "policy", "check", 0, samctl_policy_check, 1, 1, "FILE", "check a policy file", none },
	{ "policy", "show", OFFICER_OR_AUDITOR, samctl_policy_show, 0, 0, "",
	  "show the policy in force", none },
	{ "audit", "list", SAMCTL_AUDITOR, samctl_audit_list, 0, 0, "",
	  "list the audit trail, newest last", audit_options },
	{ "audit", "search", SAMCTL_AUDITOR, samctl_audit_search, 0, 0, "",
	  "list the records that fit; at least one condition", audit_options },
	{ "audit", "show", SAMCTL_AUDITOR, samctl_audit_show, 1, 1, "SEQ", "explain one record",
	  none },
	{ "audit", "verify", SAMCTL_AUDITOR, samctl_audit_verify, 0, 0, "",
	  "verify the whole trail", none },
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
