/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl key: acts about signing keys. The private part is never here; what may be done, src/admin/act_key.c says.
 */
#include "tools/samctl.h"

#include <string.h>
#include "base/clock.h"
#include "base/encode.h"

enum { CERTIFICATE_MAX = 65536, PACKAGE_MAX = 65536 };

/* ---- making ---- */

/* Absent: 0. */
static int read_date(struct samctl *ctl, const char *name, json_t *params)
{
	const char *text = samctl_given(ctl, name, 0);
	int64_t us;

	if (!text)
		return SAMCTL_DONE;
	if (!sam_clock_parse(text, &us) || us <= 0)
		return samctl_usage(ctl, "--%s: `%s' is no date as 2027-01-31 or 2027-01-31T15:00:00Z", name, text);
	json_object_set_new(params, name, json_integer((json_int_t)(us / 1000000)));
	return SAMCTL_DONE;
}

static void set(json_t *params, const char *name, const char *value)
{
	if (value)
		json_object_set_new(params, name, json_string(value));
}

static int make(struct samctl *ctl, enum sam_act act, json_t *params)
{
	const char *type = samctl_given(ctl, "type", 0), *label = samctl_given(ctl, "label", 0);
	struct sam_outcome outcome;
	enum sam_key_type known;
	unsigned bits;
	int status = SAMCTL_DONE;

	if (type && !sam_key_type_by_name(type, &known, &bits))
		status = samctl_usage(ctl, "`%s' is no --type", type);
	else if (label && strlen(label) >= SAM_TEXT_SIZE)
		status = samctl_usage(ctl, "--label is longer than 256 bytes");
	if (status == SAMCTL_DONE)
		status = read_date(ctl, "start", params);
	if (status == SAMCTL_DONE)
		status = read_date(ctl, "end", params);
	if (status != SAMCTL_DONE) {
		json_decref(params);
		return status;
	}
	set(params, "type", type);
	set(params, "label", label);
	set(params, "reference", samctl_given(ctl, "reference", 0));
	status = samctl_act_only(ctl, act, params, &outcome);
	if (status != SAMCTL_DONE || outcome.pending)
		return status;
	if (outcome.life == SAM_LIFE_INACTIVE)
		samctl_say(ctl, "it is inactive: the signer takes it with `samctl key activate %s --sad FILE'",
			   outcome.credential);
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s,s:o}", "credentialID", outcome.credential, "state",
					   sam_life_name(outcome.life), "thumbprint", samctl_hex(outcome.thumbprint, 32)),
				 "%s", outcome.credential);
}

int samctl_key_generate(struct samctl *ctl)
{
	const char *signer = samctl_given(ctl, "signer", 0);

	if (!sam_name_valid(signer, strlen(signer)))
		return samctl_usage(ctl, "`%s' is no valid id", signer);
	return make(ctl, SAM_ACT_KEY_GENERATE, json_pack("{s:s}", "id", signer));
}

int samctl_key_renew(struct samctl *ctl)
{
	return make(ctl, SAM_ACT_KEY_RENEW, json_pack("{s:s}", "key", ctl->args[0]));
}

int samctl_key_import(struct samctl *ctl)
{
	struct sam_secret text = { 0 };
	struct sam_outcome outcome;
	json_t *params;
	int status = samctl_read_file(ctl, ctl->args[0], PACKAGE_MAX, &text);

	if (status != SAMCTL_DONE)
		return status;
	params = json_pack("{s:s%}", "package", (const char *)text.data, text.len);
	sam_secret_clear(&text);
	if (!params)
		return samctl_fail(ctl, SAM_IMPORT, NULL);
	set(params, "label", samctl_given(ctl, "label", 0));
	set(params, "reference", samctl_given(ctl, "reference", 0));
	status = samctl_act_only(ctl, SAM_ACT_KEY_IMPORT, params, &outcome);
	if (status != SAMCTL_DONE || outcome.pending)
		return status;
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s,s:o}", "credentialID", outcome.credential, "state",
					   sam_life_name(outcome.life), "thumbprint", samctl_hex(outcome.thumbprint, 32)),
				 "%s", outcome.credential);
}

/* ---- its life ---- */

static int turn(struct samctl *ctl, enum sam_act act, const char *done)
{
	const char *id = ctl->args[0];
	json_t *params = json_pack("{s:s}", "key", id);

	set(params, "reason", samctl_given(ctl, "reason", 0));
	return samctl_act(ctl, act, params, json_pack("{s:s,s:s}", "credentialID", id, "state", done), "%s %s", id, done);
}

int samctl_key_activate(struct samctl *ctl)
{
	return turn(ctl, SAM_ACT_KEY_ACTIVATE, "active");
}

int samctl_key_suspend(struct samctl *ctl)
{
	return turn(ctl, SAM_ACT_KEY_SUSPEND, "suspended");
}

int samctl_key_resume(struct samctl *ctl)
{
	return turn(ctl, SAM_ACT_KEY_RESUME, "active");
}

int samctl_key_revoke(struct samctl *ctl)
{
	return turn(ctl, SAM_ACT_KEY_REVOKE, "revoked");
}

int samctl_key_destroy(struct samctl *ctl)
{
	return turn(ctl, SAM_ACT_KEY_DESTROY, "destroyed");
}

int samctl_key_certificate(struct samctl *ctl)
{
	const char *id = ctl->args[0];
	struct sam_secret text = { 0 };
	json_t *params;
	int status = samctl_read_file(ctl, ctl->args[1], CERTIFICATE_MAX, &text);

	if (status != SAMCTL_DONE)
		return status;
	params = json_pack("{s:s,s:s%}", "key", id, "certificate", (const char *)text.data, text.len);
	sam_secret_clear(&text);
	if (!params) /* DER, say: it travels as text */
		return samctl_fail(ctl, SAM_CERTIFICATE, &(struct sam_msg){ "the file is no PEM" });
	return samctl_act(ctl, SAM_ACT_KEY_CERTIFICATE, params,
			  json_pack("{s:s,s:s}", "credentialID", id, "certificate", "registered"),
			  "%s: certificate registered", id);
}
