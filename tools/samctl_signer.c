/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl signer: enrolling signers, one or many, looking at them, and the signer's own change of
 * password.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "registry/identify.h"
#include "registry/password.h"
#include "sap/jose.h"

enum { BATCH_MAX = 16 << 20 };

/* What is asked for, before it is looked at. */
struct wish {
	const char *id, *name, *subject, *source;
};

/* NULL: good, else what is wrong. */
static const char *check_wish(const struct wish *wish)
{
	if (!sam_name_valid(wish->id, strlen(wish->id)))
		return "no valid id";
	if (wish->name && strlen(wish->name) >= SAM_TEXT_SIZE)
		return "the name is longer than 256 bytes";
	if (wish->subject && strlen(wish->subject) >= SAM_TEXT_SIZE)
		return "the subject is longer than 256 bytes";
	return NULL;
}

static bool set_text(json_t *params, const char *name, const char *value)
{
	return !value || json_object_set_new(params, name, json_string(value)) == 0;
}

/* The act's parameters, the password's hash among them. */
static int make_params(struct samctl *ctl, const struct wish *wish, json_t **params)
{
	char password[SAM_PASSWORD_SIZE] = "";
	int status = SAMCTL_DONE;

	if (wish->source)
		status = samctl_password(ctl, wish->source, wish->id, NULL, NULL, password);
	*params = json_pack("{s:s}", "id", wish->id);
	if (status == SAMCTL_DONE &&
	    (!*params || !set_text(*params, "name", wish->name) ||
	     !set_text(*params, "subject", wish->subject) ||
	     !set_text(*params, "password", *password ? password : NULL)))
		status = samctl_fail(ctl, SAM_ARGUMENTS, NULL);
	sam_mem_wipe(password, sizeof(password));
	return status;
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

static int add_quietly(struct samctl *ctl, const struct wish *wish, json_t *added)
{
	struct sam_outcome outcome;
	json_t *params = NULL;
	enum sam_reason reason;
	int status = make_params(ctl, wish, &params);

	if (status == SAMCTL_DONE) {
		reason = sam_act_do(ctl->sam, &ctl->actors, SAM_ACT_SIGNER_ADD, params, &outcome);
		if (reason != SAM_OK)
			status = samctl_fail(ctl, reason, &outcome.msg);
		else if (outcome.pending)
			samctl_say(ctl, "%s waits for the second person: pending confirm %s", wish->id, outcome.id);
		else
			json_array_append_new(added, json_string(wish->id));
		ctl->acted |= reason == SAM_OK;
	}
	samctl_wipe_params(params);
	return status;
}

static int batch_line(struct samctl *ctl, const char *line, size_t len, size_t number,
		      bool only_check, json_t *added)
{
	json_auto_t *object = sam_jose_json(line, len);
	struct wish wish;
	const char *wrong = object ? read_line(object, &wish) : "no JSON object";

	if (!wrong)
		wrong = check_wish(&wish);
	if (wrong) {
		samctl_say(ctl, "line %zu: %s", number, wrong);
		return SAMCTL_FAILED;
	}
	return only_check ? SAMCTL_DONE : add_quietly(ctl, &wish, added);
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
	struct wish wish = { .name = samctl_given(ctl, "name", 0),
			     .subject = samctl_given(ctl, "subject", 0),
			     .source = samctl_given(ctl, "new-pin-source", 0) };
	json_t *params = NULL;
	int status;

	if (file && (ctl->arg_count || wish.name || wish.subject || wish.source))
		return samctl_usage(ctl, "--batch FILE stands alone");
	if (file)
		return batch(ctl, file);
	if (ctl->arg_count == 0)
		return samctl_usage(ctl, "needs ID, or --batch FILE");
	wish.id = ctl->args[0];
	wrong = check_wish(&wish);
	if (wrong)
		return samctl_usage(ctl, "%s: %s", wish.id, wrong);
	status = make_params(ctl, &wish, &params);
	if (status != SAMCTL_DONE) {
		json_decref(params);
		return status;
	}
	return samctl_act(ctl, SAM_ACT_SIGNER_ADD, params, json_pack("{s:s}", "signer", wish.id),
			  "signer %s added", wish.id);
}

/* ---- stopping, going on, removing ---- */

static int life(struct samctl *ctl, enum sam_act act, const char *done)
{
	const char *id = ctl->args[0], *reason = samctl_given(ctl, "reason", 0);
	json_t *params;

	if (!sam_name_valid(id, strlen(id)))
		return samctl_usage(ctl, "`%s' is no valid id", id);
	params = json_pack("{s:s}", "id", id);
	if (!set_text(params, "reason", reason)) {
		json_decref(params);
		return samctl_usage(ctl, "--reason is no text");
	}
	return samctl_act(ctl, act, params, json_pack("{s:s,s:s}", "signer", id, "state", done),
			  "signer %s %s", id, done);
}

int samctl_signer_suspend(struct samctl *ctl)
{
	return life(ctl, SAM_ACT_SIGNER_SUSPEND, "suspended");
}

int samctl_signer_resume(struct samctl *ctl)
{
	return life(ctl, SAM_ACT_SIGNER_RESUME, "resumed");
}

int samctl_signer_remove(struct samctl *ctl)
{
	return life(ctl, SAM_ACT_SIGNER_REMOVE, "removed");
}

int samctl_signer_unlock(struct samctl *ctl)
{
	return life(ctl, SAM_ACT_SIGNER_UNLOCK, "unlocked");
}

/* ---- looking ---- */

/* "pin until 2026-11-28T10:00:00Z": what is locked now; wrong PINs since the last right one. */
static json_t *locks_of(struct samctl *ctl, const char *id, json_int_t *failures)
{
	struct sam_counter_id doors[SAM_DOORS];
	json_t *list = json_array();

	sam_identify_doors(id, doors);
	*failures = 0;
	for (size_t i = 0; i < SAM_DOORS; i++) {
		struct sam_counter counter;
		const bool read = sam_store_counter(sam_store(ctl->sam), &doors[i], &counter) == SAM_OK;
		json_t *until;

		if (read && !strcmp(doors[i].kind, SAM_COUNTER_PIN))
			*failures = counter.failures;
		if (read && counter.locked_until <= sam_clock_now())
			continue;
		if (read && counter.locked_until < SAM_LOCKOUT_OFFICER) {
			until = samctl_time(counter.locked_until);
			json_array_append_new(list, json_sprintf("%s until %s", doors[i].kind, json_string_value(until)));
			json_decref(until);
		} else {
			json_array_append_new(list, json_sprintf("%s until an officer unlocks", doors[i].kind));
		}
	}
	return list;
}

static json_t *describe(struct samctl *ctl, const struct sam_snapshot *s, const struct sam_signer *signer)
{
	json_int_t failures;
	json_t *locks = locks_of(ctl, signer->id, &failures);
	json_t *authenticators = json_array(), *keys = json_array();

	for (size_t i = 0; i < s->authenticator_count; i++)
		if (strcmp(s->authenticators[i].signer, signer->id) == 0)
			json_array_append_new(authenticators,
					      json_string(s->authenticators[i].device.kid));
	for (size_t i = 0; i < s->key_count; i++)
		if (strcmp(s->keys[i].signer, signer->id) == 0)
			json_array_append_new(keys, json_string(s->keys[i].credential));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:I,s:o,s:I,s:o,s:o,s:o}", "id", signer->id, "name", signer->name,
			 "subject", signer->subject, "state", signer->suspended ? "suspended" : "active",
			 "password",
			 !*signer->password	? "none"
			 : signer->password_own ? "own"
						: "first",
			 "pin", (int)(*signer->pin != '\0'), "wrong_pins", failures, "locks", locks, "version", (json_int_t)signer->version,
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
		object = describe(ctl, s, signer);
	sam_registry_put(s);
	if (signer)
		return samctl_print_object(ctl, object);
	samctl_say(ctl, "%s: there is no such signer; see `samctl signer list'", ctl->args[0]);
	return SAMCTL_FAILED;
}

int samctl_signer_list(struct samctl *ctl)
{
	static const struct samctl_column columns[] = {
		{ "ID", "id" },		  { "NAME", "name" }, { "STATE", "state" }, { "PASSWORD", "password" },
		{ "CREATED", "created" }, { "KEYS", "keys" }, { NULL, NULL },
	};
	const struct sam_snapshot *s;
	json_t *list = json_array();

	if (!samctl_snapshot(ctl, &s)) {
		json_decref(list);
		return SAMCTL_FAILED;
	}
	for (size_t i = 0; i < s->signer_count; i++)
		json_array_append_new(list, describe(ctl, s, &s->signers[i]));
	sam_registry_put(s);
	return samctl_print_list(ctl, list, columns);
}

/* ---- the signer's own password ---- */

int samctl_signer_passwd(struct samctl *ctl)
{
	const char *id = ctl->args[0];
	char password[SAM_PASSWORD_SIZE], old[SAM_PASSWORD_SIZE] = "", pin[SAM_PASSWORD_SIZE] = "";
	const struct sam_snapshot *s;
	const struct sam_signer *signer;
	json_t *params;
	int status;

	if (!sam_name_valid(id, strlen(id)))
		return samctl_usage(ctl, "`%s' is no valid id", id);
	if (strcmp(ctl->actors.first.name, id) != 0)
		return samctl_refuse(ctl, SAM_ROLE, id, NULL);
	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	signer = sam_registry_signer(s, id);
	if (signer) {
		memcpy(old, signer->password, sizeof(old));
		memcpy(pin, signer->pin, sizeof(pin));
	}
	sam_registry_put(s);
	status = samctl_password(ctl, samctl_given(ctl, "new-pin-source", 0), id, old, pin, password);
	sam_mem_wipe(old, sizeof(old));
	sam_mem_wipe(pin, sizeof(pin));
	if (status != SAMCTL_DONE)
		return status;
	params = json_pack("{s:s,s:s}", "id", id, "password", password);
	sam_mem_wipe(password, sizeof(password));
	return samctl_act(ctl, SAM_ACT_SIGNER_PASSWD, params, json_pack("{s:s}", "signer", id),
			  "password of %s changed", id);
}
