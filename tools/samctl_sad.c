/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl sad: a SAD for its token; one deposited, or revoked; and one looked at, without using anything up.
 */
#include "tools/samctl.h"

#include <ctype.h>
#include <string.h>
#include "base/encode.h"
#include "sap/jose.h"
#include "sap/pin.h"
#include "sap/request.h"

void samctl_sad_text(struct sam_secret *sad)
{
	size_t start = 0;

	while (sad->len > 0 && isspace(sad->data[sad->len - 1]))
		sad->data[--sad->len] = '\0';
	while (start < sad->len && isspace(sad->data[start]))
		start++;
	memmove(sad->data, sad->data + start, sad->len - start + 1);
	sad->len -= start;
}

/* The SAD from --sad or the operand, without white space around it. */
static int read_sad(struct samctl *ctl, struct sam_secret *out)
{
	const char *option = samctl_given(ctl, "sad", 0);
	const char *path = option ? option : ctl->arg_count ? ctl->args[0] : NULL;
	int status;

	if (!path || (option && ctl->arg_count))
		return samctl_usage(ctl, "needs --sad FILE, or - for standard input");
	status = samctl_read_file(ctl, path, SAM_PIN_MAX + 16, out);
	if (status != SAMCTL_DONE)
		return status;
	samctl_sad_text(out);
	return SAMCTL_DONE;
}

int samctl_sad_exchange(struct samctl *ctl)
{
	char token[SAM_TOKEN_LEN + 1];
	struct sam_secret sad = { 0 };
	enum sam_reason reason;
	int status = read_sad(ctl, &sad);

	if (status == SAMCTL_DONE)
		status = samctl_open(ctl);
	if (status != SAMCTL_DONE) {
		sam_secret_clear(&sad);
		return status;
	}
	reason = sam_exchange(ctl->sam, (const char *)sad.data, sad.len, token);
	sam_secret_clear(&sad);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	status = samctl_print_done(ctl, json_pack("{s:s}", "token", token), "%s", token);
	sam_mem_wipe(token, sizeof(token));
	return status;
}

/* ---- deposited, revoked ---- */

static json_t *describe(const struct sam_deposited *d)
{
	return json_pack("{s:s,s:s*,s:I,s:o}", "signer", d->signer, "credentialID", *d->credential ? d->credential : NULL,
			 "digests", (json_int_t)d->digests, "expires", samctl_time(d->expires));
}

int samctl_sad_deposit(struct samctl *ctl)
{
	struct sam_deposited d;
	struct sam_secret sad = { 0 };
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	int status = read_sad(ctl, &sad);

	if (status == SAMCTL_DONE)
		status = samctl_open(ctl);
	reason = status == SAMCTL_DONE ? sam_deposit(ctl->sam, (const char *)sad.data, sad.len, &d, &msg) : SAM_OK;
	sam_secret_clear(&sad);
	if (status != SAMCTL_DONE)
		return status;
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_done(ctl, describe(&d), "deposited for %zu signatures with %s", d.digests, d.credential);
}

int samctl_sad_revoke(struct samctl *ctl)
{
	struct sam_deposited d;
	struct sam_secret sad = { 0 };
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	int status = read_sad(ctl, &sad);

	if (status == SAMCTL_DONE)
		status = samctl_open(ctl);
	reason = status == SAMCTL_DONE ? sam_revoke(ctl->sam, (const char *)sad.data, sad.len, &d, &msg) : SAM_OK;
	sam_secret_clear(&sad);
	if (status != SAMCTL_DONE)
		return status;
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_done(ctl, describe(&d), "revoked: this SAD of %s signs nothing any more", d.signer);
}

/* ---- looking at one ---- */

/* One base64url part as JSON; null if it is none. */
static json_t *part(const char *text, size_t len)
{
	uint8_t *data = malloc(len + 1);
	json_t *json = NULL;
	size_t size = 0;

	if (data && sam_decode_b64url(text, len, data, len, &size))
		json = sam_jose_json(data, size);
	if (data)
		sam_mem_wipe(data, len);
	free(data);
	return json ? json : json_null();
}

/* Header and claims as they stand there, believed or not. */
static void decode(const struct sam_secret *sad, json_t *object)
{
	const char *text = (const char *)sad->data;
	const char *dot = memchr(text, '.', sad->len);
	const char *second = dot ? memchr(dot + 1, '.', sad->len - (size_t)(dot + 1 - text)) : NULL;
	json_t *claims;

	if (!second)
		return;
	json_object_set_new(object, "header", part(text, (size_t)(dot - text)));
	if (memchr(second + 1, '.', sad->len - (size_t)(second + 1 - text)) && !memchr(text, '~', sad->len))
		return; /* encrypted: what is inside is not for whoever carries it */
	claims = part(dot + 1, (size_t)(second - dot - 1));
	json_object_del(claims, "pin"); /* never shown (invariant 8) */
	json_object_set_new(object, "claims", claims);
}

static int print_claims(const struct samctl *ctl, json_t *object)
{
	/* The claims nest: for people they are printed as the JSON that they are. */
	static const char *const parts[] = { "header", "claims" };

	for (size_t i = 0; !ctl->json && i < sizeof(parts) / sizeof(parts[0]); i++) {
		const json_t *value = json_object_get(object, parts[i]);
		sam_auto(sam_free) char *text =
			json_is_object(value) ? json_dumps(value, JSON_INDENT(2)) : NULL;

		if (text)
			json_object_set_new(object, parts[i], json_string(text));
	}
	return samctl_print_object(ctl, object);
}

/* The token, and how far its chain is. */
static void add_chain(const struct sam_inspection *found, json_t *object)
{
	const json_int_t used = found->number ? found->number - 1 : 0;

	json_object_set_new(object, "token", json_boolean(found->number != 0));
	json_object_set_new(object, "renewal", json_boolean(found->chain != 0));
	if (!found->chain)
		return;
	json_object_set_new(object, "renewals_used", json_integer(used));
	json_object_set_new(object, "renewals_left",
			    json_integer(found->chain > used ? found->chain - used : 0));
}

int samctl_sad_inspect(struct samctl *ctl)
{
	struct sam_secret sad = { 0 };
	struct sam_inspection found;
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	json_t *object;
	int status = read_sad(ctl, &sad);

	if (status == SAMCTL_DONE)
		status = samctl_open(ctl);
	if (status != SAMCTL_DONE) {
		sam_secret_clear(&sad);
		return status;
	}
	reason = sam_inspect(ctl->sam, (const char *)sad.data, sad.len, &found, &msg);
	object = json_pack("{s:b,s:s,s:s}", "accepted", (int)(reason == SAM_OK), "reason",
			   sam_reason_name(reason), "text",
			   reason == SAM_OK ? "would be taken now" : sam_reason_text(reason));
	if (*msg.text)
		json_object_set_new(object, "detail", json_string(msg.text));
	if (reason == SAM_OK)
		add_chain(&found, object);
	decode(&sad, object);
	sam_secret_clear(&sad);
	status = print_claims(ctl, object);
	return reason == SAM_OK ? status : SAMCTL_FAILED;
}
