/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl signer: enrolling signers, one or many, looking at them, and the signer's own change of
 * password.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "registry/password.h"
#include "sap/jose.h"

enum { BATCH_MAX = 16 << 20 };

/* What is asked for, before it is looked at. */
struct wish {
	const char *id, *name, *subject, *source;
};

/* Fills ${signer} but for its password; NULL: good, else what is wrong. */
static const char *read_wish(const struct wish *wish, struct sam_signer *signer)
{
	memset(signer, 0, sizeof(*signer));
	if (!sam_name_valid(wish->id, strlen(wish->id)))
		return "no valid id";
	sam_mem_copy_text(signer->id, sizeof(signer->id), wish->id);
	if (wish->name && !sam_mem_copy_text(signer->name, sizeof(signer->name), wish->name))
		return "the name is longer than 256 bytes";
	if (wish->subject &&
	    !sam_mem_copy_text(signer->subject, sizeof(signer->subject), wish->subject))
		return "the subject is longer than 256 bytes";
	signer->created = sam_clock_now();
	return NULL;
}

static int add(struct samctl *ctl, const struct sam_signer *signer)
{
	struct sam_event event = { .type = SAM_EVENT_SIGNER_ADD, .signer = signer->id };
	struct sam_audit_record record;
	enum sam_reason reason = samctl_make(ctl, &event, &record);

	if (reason == SAM_OK)
		reason = sam_registry_add_signer(sam_registry(ctl->sam), signer, &record.record);
	sam_audit_clear(&record);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_refuse(ctl, reason, signer->id, NULL);
}

/* ---- many at once ---- */

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* A line of the batch: {"id", "name", "subject", "pin_source"}, all strings, the first required. */
static const char *read_line(const json_t *object, struct wish *wish)
{
	static const char *const known[] = { "id", "name", "subject", "pin_source" };
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		bool good = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			good |= strcmp(key, known[i]) == 0;
		if (!good || !json_is_string(value))
			return "a member is unknown or no string (id, name, subject, pin_source)";
	}
	*wish = (struct wish){ member(object, "id"), member(object, "name"),
			       member(object, "subject"), member(object, "pin_source") };
	return wish->id ? NULL : "the member id is missing";
}

static int make_password(const struct samctl *ctl, const char *source, struct sam_signer *signer)
{
	if (!source)
		return SAMCTL_DONE;
	return samctl_password(ctl, sam_seal(ctl->sam), source, signer->id, signer->password);
}

static int batch_line(struct samctl *ctl, const char *line, size_t len, size_t number,
		      bool only_check, json_t *added)
{
	json_auto_t *object = sam_jose_json(line, len);
	struct sam_signer signer;
	struct wish wish;
	const char *wrong = object ? read_line(object, &wish) : "no JSON object";
	int status;

	if (!wrong)
		wrong = read_wish(&wish, &signer);
	if (wrong) {
		samctl_say(ctl, "line %zu: %s", number, wrong);
		return SAMCTL_FAILED;
	}
	if (only_check)
		return SAMCTL_DONE;
	status = make_password(ctl, wish.source, &signer);
	if (status == SAMCTL_DONE)
		status = add(ctl, &signer);
	if (status == SAMCTL_DONE)
		json_array_append_new(added, json_string(signer.id));
	return status;
}

static int batch_pass(struct samctl *ctl, const struct sam_secret *file, bool only_check,
		      json_t *added)
{
	const char *p = (const char *)file->data, *end = p + file->len;
	int status = SAMCTL_DONE;

	for (size_t number = 1; status == SAMCTL_DONE && p < end; number++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - p);

		if (len > 0)
			status = batch_line(ctl, p, len, number, only_check, added);
		p += len + 1;
	}
	return status;
}

/* Every line is looked at before the first signer is added; then each is added by itself. */
static int batch(struct samctl *ctl, const char *path)
{
	struct sam_secret file = { 0 };
	json_t *added = json_array();
	size_t count;
	int status = samctl_read_file(ctl, path, BATCH_MAX, &file);

	if (status == SAMCTL_DONE)
		status = batch_pass(ctl, &file, true, added);
	if (status == SAMCTL_DONE)
		status = batch_pass(ctl, &file, false, added);
	sam_secret_clear(&file);
	count = json_array_size(added);
	if (status != SAMCTL_DONE && count > 0)
		samctl_say(ctl, "%zu signers before that line were added", count);
	if (status != SAMCTL_DONE) {
		json_decref(added);
		return status;
	}
	return samctl_print_done(ctl, json_pack("{s:o}", "signers", added), "%zu signers added",
				 count);
}

int samctl_signer_add(struct samctl *ctl)
{
	const char *file = samctl_given(ctl, "batch", 0), *wrong;
	struct sam_signer signer;
	struct wish wish = { .name = samctl_given(ctl, "name", 0),
			     .subject = samctl_given(ctl, "subject", 0),
			     .source = samctl_given(ctl, "new-pin-source", 0) };
	int status;

	if (file && (ctl->arg_count || wish.name || wish.subject || wish.source))
		return samctl_usage(ctl, "--batch FILE stands alone");
	if (file)
		return batch(ctl, file);
	if (ctl->arg_count == 0)
		return samctl_usage(ctl, "needs ID, or --batch FILE");
	wish.id = ctl->args[0];
	wrong = read_wish(&wish, &signer);
	if (wrong)
		return samctl_usage(ctl, "%s: %s", wish.id, wrong);
	status = make_password(ctl, wish.source, &signer);
	if (status == SAMCTL_DONE)
		status = add(ctl, &signer);
	if (status == SAMCTL_DONE)
		status = samctl_print_done(ctl, json_pack("{s:s}", "signer", signer.id),
					   "signer %s added", signer.id);
	sam_mem_wipe(signer.password, sizeof(signer.password));
	return status;
}

/* ---- looking ---- */

static json_t *describe(const struct sam_snapshot *s, const struct sam_signer *signer)
{
	json_t *authenticators = json_array(), *keys = json_array();

	for (size_t i = 0; i < s->authenticator_count; i++)
		if (strcmp(s->authenticators[i].signer, signer->id) == 0)
			json_array_append_new(authenticators,
					      json_string(s->authenticators[i].kid));
	for (size_t i = 0; i < s->key_count; i++)
		if (strcmp(s->keys[i].signer, signer->id) == 0)
			json_array_append_new(keys, json_string(s->keys[i].credential));
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "id", signer->id, "name", signer->name,
			 "subject", signer->subject, "password",
			 !*signer->password	? "none"
			 : signer->password_own ? "own"
						: "first",
			 "created", samctl_time(signer->created), "authenticators", authenticators,
			 "keys", keys);
}

int samctl_signer_show(struct samctl *ctl)
{
	const struct sam_snapshot *s;
	const struct sam_signer *signer;
	json_t *object = NULL;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	signer = sam_registry_signer(s, ctl->args[0]);
	if (signer)
		object = describe(s, signer);
	sam_registry_put(s);
	if (signer)
		return samctl_print_object(ctl, object);
	samctl_say(ctl, "%s: there is no such signer; see `samctl signer list'", ctl->args[0]);
	return SAMCTL_FAILED;
}

int samctl_signer_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "ID", "id" },		  { "NAME", "name" }, { "PASSWORD", "password" },
		{ "CREATED", "created" }, { "KEYS", "keys" }, { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list = json_array();

	if (!samctl_snapshot(ctl, &s)) {
		json_decref(list);
		return SAMCTL_FAILED;
	}
	for (size_t i = 0; i < s->signer_count; i++)
		json_array_append_new(list, describe(s, &s->signers[i]));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

/* ---- the signer's own password ---- */

static enum sam_reason replace(struct samctl *ctl, const char *id, const char *password)
{
	struct sam_event event = { .type = SAM_EVENT_SIGNER_PASSWD, .signer = id };
	struct sam_audit_record record;
	const struct sam_snapshot *s;
	const struct sam_signer *signer;
	struct sam_signer changed;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	if (reason != SAM_OK)
		return reason;
	signer = sam_registry_signer(s, id);
	if (signer)
		changed = *signer;
	sam_registry_put(s);
	if (!signer)
		return SAM_NOT_FOUND;
	sam_mem_copy_text(changed.password, sizeof(changed.password), password);
	/* from now on a login may authorise, where the policy has it so */
	changed.password_own = true;
	reason = samctl_make(ctl, &event, &record);
	if (reason == SAM_OK)
		reason = sam_registry_set_signer(sam_registry(ctl->sam), &changed, &record.record);
	sam_audit_clear(&record);
	return reason;
}

/* The old one given again would count as the signer's own choice, and be the officer's. */
static bool is_the_old_one(struct samctl *ctl, const char *id, const struct sam_secret *secret)
{
	const struct sam_snapshot *s;
	const struct sam_signer *signer;
	bool same;

	if (sam_registry_get(sam_registry(ctl->sam), &s) != SAM_OK)
		return false;
	signer = sam_registry_signer(s, id);
	same = signer && sam_password_check(sam_seal(ctl->sam), (const char *)secret->data,
					    secret->len, signer->password) == SAM_OK;
	sam_registry_put(s);
	return same;
}

static int change(struct samctl *ctl, const char *id, const struct sam_secret *secret)
{
	char password[SAM_PASSWORD_SIZE];
	enum sam_reason reason;

	if (is_the_old_one(ctl, id, secret)) {
		samctl_say(ctl, "the new password is the old one");
		return SAMCTL_FAILED;
	}
	reason = sam_password_make(sam_seal(ctl->sam), (const char *)secret->data, secret->len,
				   password, sizeof(password));
	if (reason == SAM_OK)
		reason = replace(ctl, id, password);
	if (reason != SAM_OK)
		return samctl_refuse(ctl, reason, id, id);
	return samctl_print_done(ctl, json_pack("{s:s}", "signer", id), "password of %s changed",
				 id);
}

int samctl_signer_passwd(struct samctl *ctl)
{
	const char *id = ctl->args[0];
	struct sam_secret secret = { 0 };
	char prompt[128];
	int status;

	if (strcmp(ctl->actor, id) != 0)
		return samctl_refuse(ctl, SAM_ROLE, id, NULL);
	snprintf(prompt, sizeof(prompt), "New password of %.64s", id);
	status = samctl_secret(ctl, samctl_given(ctl, "new-pin-source", 0), prompt, true, &secret);
	if (status == SAMCTL_DONE)
		status = samctl_check_password(ctl, &secret, id);
	if (status == SAMCTL_DONE)
		status = change(ctl, id, &secret);
	sam_secret_clear(&secret);
	return status;
}
