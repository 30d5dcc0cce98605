/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who acts: opening the SAM, passwords, roles, and the records of what a verb did or was refused.
 */
#include "tools/samctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "base/file.h"
#include "registry/password.h"
#include "sap/pin.h"

/* `policy sign` and `cm enable` are there for what keeps everything else from being opened; so is unlocking, where
 * after a restore the second officer who must sign is locked. */
static enum sam_open_mode open_mode(const struct samctl *ctl)
{
	return ctl->verb->run == samctl_policy_sign || ctl->verb->run == samctl_principal_unlock || strcmp(ctl->verb->group, "pending") == 0
		       ? SAM_OPEN_SIGNING /* what waits may be a policy whose file is in its place already */
	       : ctl->verb->run == samctl_cm_enable ? SAM_OPEN_ENABLING
						    : SAM_OPEN_TOOL;
}

int samctl_open(struct samctl *ctl)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	if (ctl->sam)
		return SAMCTL_DONE;
	reason = sam_open(ctl->config, open_mode(ctl), &ctl->sam, &msg);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
}

/* ---- passwords ---- */

enum { LINE_SIZE = 256 };

/* One line without echo, byte by byte: ^C gives up, ^U begins anew. False: given up, or too long.
 */
static bool read_line(int fd, char line[LINE_SIZE], size_t *len)
{
	char c;

	*len = 0;
	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1 || c == 3 || (c == 4 && *len == 0) || *len == LINE_SIZE - 1)
			return false;
		if (c == '\n' || c == '\r')
			return true;
		if (c == 21)
			*len = 0;
		else if (c == 127 || c == 8)
			*len -= *len > 0;
		else
			line[(*len)++] = c;
	}
}

static bool ask(int fd, const char *prompt, char line[LINE_SIZE], size_t *len)
{
	struct termios before, quiet;
	bool good;

	if (tcgetattr(fd, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return false;
	dprintf(fd, "%s: ", prompt);
	good = read_line(fd, line, len);
	dprintf(fd, "\n");
	tcsetattr(fd, TCSAFLUSH, &before);
	return good;
}

static int ask_terminal(const struct samctl *ctl, int fd, const char *prompt, bool twice,
			struct sam_secret *out)
{
	char first[LINE_SIZE], second[LINE_SIZE], again[128];
	size_t len, len2 = 0;
	int status = SAMCTL_FAILED;

	snprintf(again, sizeof(again), "%s, again", prompt);
	if (!ask(fd, prompt, first, &len) || (twice && !ask(fd, again, second, &len2)))
		samctl_say(ctl, "given up at the terminal");
	else if (twice && (len != len2 || !sam_mem_equal(first, second, len)))
		samctl_say(ctl, "the two were not the same; nothing was changed");
	else if (!sam_secret_set(out, first, len))
		samctl_fail(ctl, SAM_MEMORY, NULL);
	else
		status = SAMCTL_DONE;
	sam_mem_wipe(first, sizeof(first));
	sam_mem_wipe(second, sizeof(second));
	return status;
}

int samctl_secret(const struct samctl *ctl, const char *source, const char *prompt, bool twice,
		  struct sam_secret *out)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	int fd, status;

	if (source && strcmp(source, "tty:") != 0) {
		reason = sam_file_read_pin(source, out, &msg);
		return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
	}
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return samctl_usage(
			ctl, "%s: no pin source is given, and there is no terminal to ask at",
			prompt);
	status = ask_terminal(ctl, fd, prompt, twice, out);
	close(fd);
	return status;
}

int samctl_check_password(const struct samctl *ctl, const struct sam_policy *policy,
			  const struct sam_secret *secret, const char *whose)
{
	struct sam_msg msg = { "" };

	if (sam_password_strong(policy, whose, secret->data, secret->len, &msg) != SAM_OK)
		samctl_say(ctl, "%s: %s", whose, msg.text);
	else if (!sam_pin_may_be_password((const char *)secret->data, secret->len))
		samctl_say(ctl,
			   "%s: applications would take this password for a SAD or SAD token: it "
			   "begins with eyJ or sat_ and has only their characters; choose another",
			   whose);
	else
		return SAMCTL_DONE;
	return SAMCTL_FAILED;
}

int samctl_password(const struct samctl *ctl, const char *source, const char *whose, const char *old, const char *pin,
		    char out[SAM_PASSWORD_SIZE])
{
	const struct sam_seal *seal = sam_seal(ctl->sam);
	struct sam_secret secret = { 0 };
	char prompt[128];
	enum sam_reason reason;
	int status;

	snprintf(prompt, sizeof(prompt), "New password of %.64s", whose);
	status = samctl_secret(ctl, source, prompt, true, &secret);
	if (status == SAMCTL_DONE)
		status = samctl_check_password(ctl, sam_policy(ctl->sam), &secret, whose);
	/* The old one given again would count as a choice of one's own. */
	if (status == SAMCTL_DONE && old && *old &&
	    sam_password_check(seal, (const char *)secret.data, secret.len, old) == SAM_OK)
		status = samctl_fail(ctl, SAM_PASSWORD_SAME, NULL);
	/* and the PIN would be known to every application that logs in (P1-3.5.2) */
	if (status == SAMCTL_DONE && pin && *pin &&
	    sam_password_check(seal, (const char *)secret.data, secret.len, pin) == SAM_OK)
		status = samctl_fail(ctl, SAM_SECRET_SHARED, NULL);
	if (status == SAMCTL_DONE) {
		reason = sam_password_make(seal, (const char *)secret.data, secret.len, out,
					   SAM_PASSWORD_SIZE);
		if (reason != SAM_OK)
			status = samctl_fail(ctl, reason, NULL);
	}
	sam_secret_clear(&secret);
	return status;
}

/* ---- who acts ---- */

static int refuse_actor(struct samctl *ctl, enum sam_reason reason, const char *name,
			const struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	bool known = false;
	struct sam_event event = {
		.type = SAM_EVENT_ADMIN_REFUSED,
		.reason = reason,
		.actor_kind = "principal",
		.target = ctl->what,
		.detail = *msg->text ? msg->text : NULL,
	};

	if (sam_registry_get(sam_registry(ctl->sam), &s) == SAM_OK) {
		known = sam_registry_principal(s, name) || sam_registry_signer(s, name);
		sam_registry_put(s);
	}
	event.actor = known ? name : NULL; /* what nobody is called may be a mistyped password */
	/* Durable: nothing else of this process would carry it to the disk. */
	if (sam_audit_event(sam_audit(ctl->sam), &event, true) != SAM_OK)
		samctl_say(ctl, "the refusal could not be recorded");
	/* a lock and a conflict are for the person to know, who cannot tell them apart from a mistake */
	if (reason == SAM_LOCKED || reason == SAM_ROLES_CONFLICT)
		samctl_say(ctl, "refused: %s", *msg->text ? msg->text : sam_reason_text(reason));
	else
		samctl_say(ctl, "refused");
	return SAMCTL_FAILED;
}

enum { ASSERTION_MAX = 16384 };

int samctl_credentials(struct samctl *ctl, const struct samctl_who *who, struct sam_secret *out,
		       struct sam_credentials *credentials)
{
	char prompt[128];
	int status;

	*credentials = (struct sam_credentials){ .name = who->name, .words = ctl->words };
	if (ctl->verb->run == samctl_policy_sign && who == &ctl->who[0])
		credentials->words = NULL;
	if (who->assertion) {
		if (!ctl->words)
			return samctl_usage(ctl, "an assertion is about words in UTF-8");
		status = samctl_read_statement(ctl, who->assertion, ASSERTION_MAX, out);
		credentials->assertion = (const char *)out->data;
		credentials->assertion_len = out->len;
		return status;
	}
	snprintf(prompt, sizeof(prompt), "Password of %.64s", who->name);
	status = samctl_secret(ctl, who->pin_source, prompt, false, out);
	credentials->secret = out->data;
	credentials->len = out->len;
	return status;
}

static int identify(struct samctl *ctl, struct samctl_who *who, struct sam_person *person)
{
	const struct sam_identifier id = sam_identifier(ctl->sam);
	struct sam_credentials credentials;
	struct sam_secret secret = { 0 };
	struct sam_msg msg = { "" };
	enum sam_reason reason;
	int status = samctl_credentials(ctl, who, &secret, &credentials);

	if (status != SAMCTL_DONE) {
		sam_secret_clear(&secret);
		return status;
	}
	reason = sam_person_identify(&id, &credentials, person, &who->files, &msg);
	sam_secret_clear(&secret);
	switch (reason) {
	case SAM_OK:
		return SAMCTL_DONE;
	case SAM_PASSWORD_WRONG:
	case SAM_PRINCIPAL_UNKNOWN:
	case SAM_LOCKED:
	case SAM_ROLES_CONFLICT:
	case SAM_SIGNER_SUSPENDED:
	case SAM_ASSERTION:
		return refuse_actor(ctl, reason, who->name, &msg);
	default:
		return samctl_fail(ctl, reason, &msg);
	}
}

static int read_sad(struct samctl *ctl, const char *path)
{
	return samctl_read_statement(ctl, path, SAM_PIN_MAX + 16, &ctl->sad);
}

int samctl_authenticate(struct samctl *ctl)
{
	const unsigned roles = samctl_verb_roles(ctl->verb);
	const char *sad = *samctl_verb_sad(ctl->verb) ? samctl_given(ctl, "sad", 0) : NULL;
	const struct sam_msg none = { "" };
	int status;

	/* restore looks for people in two registries, itself */
	if (roles & SAM_ANYBODY || ctl->verb->run == samctl_backup_restore)
		return SAMCTL_DONE;
	status = samctl_open(ctl);
	if (status != SAMCTL_DONE)
		return status;
	if (sad)
		return read_sad(ctl, sad);
	status = identify(ctl, &ctl->who[0], &ctl->actors.first);
	if (status == SAMCTL_DONE && !(ctl->actors.first.roles & roles))
		status = refuse_actor(ctl, SAM_ROLE, ctl->actors.first.name, &none);
	if (status == SAMCTL_DONE && ctl->who[1].name)
		status = identify(ctl, &ctl->who[1], &ctl->actors.second);
	return status;
}

/* ---- acts ---- */

/* Hashes of passwords are among them. */
void samctl_wipe_params(json_t *params)
{
	const char *key;
	json_t *value;

	json_object_foreach (params, key, value)
		if (json_is_string(value))
			sam_mem_wipe((char *)json_string_value(value), json_string_length(value));
	json_decref(params);
}

static int tell_pending(struct samctl *ctl, const struct sam_outcome *outcome)
{
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s}", "pending", outcome->id, "act",
					   sam_act_info(outcome->act)->name),
				 "%s waits for its second person: samctl --as NAME pending confirm %s",
				 sam_act_info(outcome->act)->name, outcome->id);
}

/* What came by --sad, without the line's end. */
static void take_sad(struct samctl *ctl)
{
	if (!ctl->sad.data)
		return;
	while (ctl->sad.len && strchr(" \t\r\n", ctl->sad.data[ctl->sad.len - 1]))
		ctl->sad.data[--ctl->sad.len] = '\0';
	ctl->actors.sad = (const char *)ctl->sad.data;
	ctl->actors.sad_len = ctl->sad.len;
}

int samctl_act_only(struct samctl *ctl, enum sam_act act, json_t *params, struct sam_outcome *outcome)
{
	enum sam_reason reason;

	memset(outcome, 0, sizeof(*outcome));
	take_sad(ctl);
	reason = params ? sam_act_do(ctl->sam, &ctl->actors, act, params, outcome) : SAM_MEMORY;
	ctl->acted |= reason == SAM_OK;
	samctl_wipe_params(params);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &outcome->msg);
	if (*outcome->msg.text)
		samctl_say(ctl, "%s", outcome->msg.text);
	return outcome->pending ? tell_pending(ctl, outcome) : SAMCTL_DONE;
}

int samctl_act(struct samctl *ctl, enum sam_act act, json_t *params, json_t *done, const char *fmt, ...)
{
	struct sam_outcome outcome;
	char text[512];
	int status;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	status = samctl_act_only(ctl, act, params, &outcome);
	if (status == SAMCTL_DONE && !outcome.pending)
		return samctl_print_done(ctl, done, "%s", text);
	json_decref(done);
	return status;
}

/* After an act at once: a store that is set back together with its mark must not undo it. */
void samctl_checkpoint(struct samctl *ctl)
{
	if (ctl->sam && (ctl->acted || sam_store_checkpoint_due(sam_store(ctl->sam))) &&
	    sam_store_checkpoint(sam_store(ctl->sam), ctl->acted) != SAM_OK)
		samctl_say(ctl, "note: no signed checkpoint could be made; see the log");
}

/* ---- records ---- */

static void name_actor(const struct samctl *ctl, struct sam_event *event)
{
	sam_person_describe(event, &ctl->actors.first, samctl_verb_roles(ctl->verb));
}

enum sam_reason samctl_make(struct samctl *ctl, struct sam_event *event,
			    struct sam_audit_record *out)
{
	name_actor(ctl, event);
	return sam_audit_make(sam_audit(ctl->sam), event, out);
}

bool samctl_record(const struct samctl *ctl, struct sam_event *event)
{
	enum sam_reason reason;

	name_actor(ctl, event);
	reason = sam_audit_event(sam_audit(ctl->sam), event, true);
	if (reason != SAM_OK)
		samctl_fail(ctl, reason, NULL);
	return reason == SAM_OK;
}

int samctl_refuse(struct samctl *ctl, enum sam_reason reason, const char *target,
		  const char *signer)
{
	char text[200];
	struct sam_event event = {
		.type = SAM_EVENT_ADMIN_REFUSED,
		.reason = reason,
		.target = text,
		.signer = signer,
	};

	snprintf(text, sizeof(text), "%s%s%s", ctl->what, target ? " " : "", target ? target : "");
	if (samctl_record(ctl, &event))
		samctl_say(ctl, "%s%s%s", target ? target : "", target ? ": " : "",
			   sam_reason_text(reason));
	return SAMCTL_FAILED;
}

bool samctl_snapshot(struct samctl *ctl, const struct sam_snapshot **out)
{
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), out);

	if (reason != SAM_OK)
		samctl_fail(ctl, reason, NULL);
	return reason == SAM_OK;
}
