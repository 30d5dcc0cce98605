/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a SAD may order besides signatures: `operation` and `operation_params` of p11-sam-sad(7), as far as
 * this version does them. Every member is known, of its type and in its bounds, or the SAD is refused.
 */
#include "sap/sad_details.h"

#include <string.h>

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

/* suspend, resume, destroy: of a key, or of the signer. */
static enum sam_reason read_life(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg)
{
	static const char *const members[] = {"credentialID", "reason", NULL};
	if (!only(params, members))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params");
	if (json_object_get(params, "credentialID") &&
	    (!text(params, "credentialID", out->credential, sizeof out->credential) ||
	     !sam_sad_credential_valid(out->credential)))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.credentialID");
	if (json_object_get(params, "reason") &&
	    (!text(params, "reason", out->reason, sizeof out->reason) ||
	     !sam_sad_label_valid(out->reason, strlen(out->reason))))
		return refuse(SAM_SAD_CLAIMS, msg, "operation_params.reason");
	return SAM_OK;
}

static const struct {
	const char *name;
	enum sam_reason (*read)(const json_t *params, struct sam_sad_operation *out, struct sam_msg *msg);
} operations[] = {
	{"suspend", read_life},
	{"resume", read_life},
	{"destroy", read_life},
	{"authenticator", read_authenticator},
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
