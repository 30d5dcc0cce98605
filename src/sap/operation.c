/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a SAD may order besides signatures: `operation` and `operation_params` of p11-sam-sad(7), as far as
 * this version does them. Every member is known, of its type and in its bounds, or the SAD is refused.
 */
#include "sap/sad_details.h"

#include <string.h>
#include "base/encode.h"
#include "base/mechanism.h"

static enum sam_reason refuse(enum sam_reason reason, struct sam_msg *msg, const char *what)
{
	sam_msg_set(msg, "%s", what);
	return reason;
}

/* Of the members named in ${known} alone. */
static bool only(const json_t *params, const char *const known[])
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)params, key, value) {
		bool found = false;
		for (size_t i = 0; known[i]; i++)
			found |= strcmp(key, known[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

static bool text(const json_t *params, const char *name, char *out, size_t size)
{
	const json_t *value = json_object_get(params, name);
	return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value) &&
	       sam_mem_copy_text(out, size, json_string_value(value));
}

static enum sam_reason read_authenticator(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"act", "jkt", NULL};
	static const char *const acts[] = {"add", "replace", "remove", "unlock"};
	bool known = false;
	if (!only(params, members) || !text(params, "act", out->act, sizeof out->act))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		known |= strcmp(out->act, acts[i]) == 0;
	if (!known)
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.act");
	/* unlocking is of the signer, and so has no key */
	if (strcmp(out->act, "unlock") == 0 && !json_object_get(params, "jkt"))
		return SAM_OK;
	if (!text(params, "jkt", out->jkt, sizeof out->jkt) || !sam_sad_thumbprint_valid(out->jkt, strlen(out->jkt)))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.jkt");
	return SAM_OK;
}

static bool credential(const json_t *params, struct sam_sad_operation *out)
{
	return text(params, "credentialID", out->credential, sizeof out->credential) &&
	       sam_sad_credential_valid(out->credential);
}

/* A SHA-256 in lower-case hexadecimal. */
static bool sha256(const json_t *params, const char *name, struct sam_sad_operation *out)
{
	char hex[65];
	size_t len;
	return text(params, name, hex, sizeof hex) && strspn(hex, "0123456789abcdef") == sizeof hex - 1 &&
	       sam_decode_hex(hex, sizeof hex - 1, out->sha256, sizeof out->sha256, &len);
}

/* suspend, resume, destroy: of a key, or of the signer. */
static enum sam_reason read_life(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"credentialID", "reason", NULL};
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	if (json_object_get(params, "credentialID") && !credential(params, out))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.credentialID");
	if (json_object_get(params, "reason") &&
	    (!text(params, "reason", out->reason, sizeof out->reason) ||
	     !sam_sad_label_valid(out->reason, strlen(out->reason))))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.reason");
	return SAM_OK;
}

static enum sam_reason read_revoke(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_life(params, out, msg);
	if (reason == SAM_OK && !out->credential[0])
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.credentialID");
	return reason;
}

static enum sam_reason read_generate(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"type", "label", NULL};
	enum sam_key_type type;
	unsigned bits;
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	if (!text(params, "type", out->type, sizeof out->type) || !sam_key_type_by_name(out->type, &type, &bits))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.type");
	if (!text(params, "label", out->label, sizeof out->label) ||
	    !sam_sad_label_valid(out->label, strlen(out->label)))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.label");
	return SAM_OK;
}

static enum sam_reason read_activate(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"credentialID", "thumbprint", NULL};
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	if (!credential(params, out))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.credentialID");
	return sha256(params, "thumbprint", out) ? SAM_OK : refuse(SAM_SAD_CLAIMS, msg, "operation_params.thumbprint");
}

static enum sam_reason read_csr(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"credentialID", "sha256", NULL};
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	if (!credential(params, out))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.credentialID");
	return sha256(params, "sha256", out) ? SAM_OK : refuse(SAM_SAD_CLAIMS, msg, "operation_params.sha256");
}

static enum sam_reason read_import(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"sha256", NULL};
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	return sha256(params, "sha256", out) ? SAM_OK : refuse(SAM_SAD_CLAIMS, msg, "operation_params.sha256");
}

/* The new PIN itself was cut out (secret_claim.h); something stands in its place. */
static enum sam_reason read_pin(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"new", NULL};
	(void)out;
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	return json_is_string(json_object_get(params, "new")) ? SAM_OK
							      : refuse(SAM_SAD_CLAIMS, msg, "operation_params.new");
}

static const struct {
	const char *name;
	enum sam_reason (*read)(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg);
} operations[] = {
	{"suspend", read_life},
	{"resume", read_life},
	{"destroy", read_life},
	{"authenticator", read_authenticator},
	{"generate", read_generate},
	{"activate", read_activate},
	{"csr", read_csr},
	{"revoke", read_revoke},
	{"import", read_import},
	{"pin", read_pin},
};

enum sam_reason sam_operation_read(const json_t *claims, struct sam_sad_operation *out, struct sam_msg *msg)
{
	const json_t *operation = json_object_get(claims, "operation");
	const json_t *params = json_object_get(claims, "operation_params");
	memset(out, 0, sizeof *out);
	if (operation && !json_is_string(operation))
		return refuse(SAM_SAD_CLAIMS, msg, "operation");
	for (size_t i = 0; operation && i < sizeof operations / sizeof operations[0]; i++) {
		if (strcmp(json_string_value(operation), operations[i].name) != 0)
			continue;
		if (!json_is_object(params))
			return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
		strcpy(out->name, operations[i].name);
		return operations[i].read(params, out, msg);
	}
	return refuse(SAM_SAD_OPERATION, msg, "operation");
}
