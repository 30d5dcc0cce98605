/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who acts: opening the SAM, passwords, roles, and the records of what a verb did or was refused.
 */
#include "tools/samctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "base/file.h"
#include "registry/password.h"
#include "sap/pin.h"

int samctl_open(struct samctl *ctl)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	if (ctl->sam)
		return SAMCTL_DONE;
	reason = sam_open(ctl->config, SAM_OPEN_TOOL, &ctl->sam, &msg);
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

/* An application says NAME:SECRET by C_Login, but by C_LoginUser the secret alone: it must not look
 * like a SAD or SAD token, which are told apart by their form. */
static bool is_taken_for_another(const struct sam_secret *secret)
{
	struct sam_pin pin;

	return sam_pin_read((const char *)secret->data, secret->len, "somebody", &pin) != SAM_OK ||
	       pin.kind != SAM_PIN_PASSWORD;
}

int samctl_check_password(const struct samctl *ctl, const struct sam_secret *secret,
			  const char *whose)
{
	if (secret->len < SAM_PASSWORD_MIN || secret->len > SAM_PASSWORD_MAX)
		samctl_say(ctl, "%s: %s", whose, sam_reason_text(SAM_PASSWORD_WEAK));
	else if (memchr(secret->data, '\0', secret->len))
		samctl_say(ctl, "%s: a password has no zero byte", whose);
	else if (is_taken_for_another(secret))
		samctl_say(ctl,
			   "%s: applications would take this password for a SAD or SAD token: it "
			   "begins with eyJ or sat_ and has only their characters; choose another",
			   whose);
	else
		return SAMCTL_DONE;
	return SAMCTL_FAILED;
}

int samctl_password(const struct samctl *ctl, const struct sam_seal *seal, const char *source,
		    const char *whose, char out[SAM_PASSWORD_SIZE])
{
	struct sam_secret secret = { 0 };
	char prompt[128];
	enum sam_reason reason;
	int status;

	snprintf(prompt, sizeof(prompt), "New password of %s", whose);
	status = samctl_secret(ctl, source, prompt, true, &secret);
	if (status == SAMCTL_DONE)
		status = samctl_check_password(ctl, &secret, whose);
	if (status == SAMCTL_DONE) {
		reason = sam_password_make(seal, (const char *)secret.data, secret.len, out,
					   SAM_PASSWORD_SIZE);
		if (reason != SAM_OK)
			status = samctl_fail(ctl, reason, NULL);
	}
	sam_secret_clear(&secret);
	return status;
}

/* ---- roles ---- */

/* What is stored for --as, and as what: a signer only where the verb is the signer's own. */
static const char *find_actor(const struct samctl *ctl, const struct sam_snapshot *s,
			      enum sam_role *role)
{
	const struct sam_principal *principal = sam_registry_principal(s, ctl->as);
	const struct sam_signer *signer = sam_registry_signer(s, ctl->as);

	*role = SAM_ROLE_NONE;
	if (principal) {
		*role = principal->role;
		return principal->password;
	}
	if (signer && *signer->password) {
		*role = SAM_ROLE_SIGNER;
		return signer->password;
	}
	return NULL;
}

/* Constant work for names that do not exist; the role is looked at after the password. */
static enum sam_reason check_actor(struct samctl *ctl, const struct sam_secret *secret, bool *known)
{
	const struct sam_snapshot *s;
	const char *stored;
	enum sam_role role;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	*known = false;
	if (reason != SAM_OK)
		return reason;
	stored = find_actor(ctl, s, &role);
	*known = stored != NULL;
	reason = sam_password_check(sam_seal(ctl->sam), (const char *)secret->data, secret->len,
				    stored);
	sam_registry_put(s);
	if (reason == SAM_PASSWORD_WRONG && !stored)
		return SAM_PRINCIPAL_UNKNOWN;
	if (reason == SAM_OK && !(ctl->verb->roles & 1u << role))
		return SAM_ROLE;
	if (reason == SAM_OK) {
		sam_mem_copy_text(ctl->actor, sizeof(ctl->actor), ctl->as);
		ctl->role = role;
	}
	return reason;
}

static int refuse_actor(struct samctl *ctl, enum sam_reason reason, bool known)
{
	struct sam_event event = {
		.type = SAM_EVENT_ADMIN_REFUSED,
		.reason = reason,
		.actor_kind = "principal",
		.actor = known ? ctl->as
			       : NULL, /* what nobody is called may be a mistyped password */
		.target = ctl->what,
	};

	/* Durable: nothing else of this process would carry it to the disk. */
	if (sam_audit_event(sam_audit(ctl->sam), &event, true) != SAM_OK)
		samctl_say(ctl, "the refusal could not be recorded");
	samctl_say(ctl, "refused");
	return SAMCTL_FAILED;
}

int samctl_authenticate(struct samctl *ctl)
{
	struct sam_secret secret = { 0 };
	char prompt[128];
	bool known = false;
	enum sam_reason reason;
	int status = samctl_open(ctl);

	if (status != SAMCTL_DONE)
		return status;
	snprintf(prompt, sizeof(prompt), "Password of %.64s", ctl->as);
	status = samctl_secret(ctl, ctl->pin_source, prompt, false, &secret);
	if (status != SAMCTL_DONE)
		return status;
	reason = check_actor(ctl, &secret, &known);
	sam_secret_clear(&secret);
	if (reason == SAM_OK)
		return SAMCTL_DONE;
	if (reason == SAM_PASSWORD_WRONG || reason == SAM_PRINCIPAL_UNKNOWN || reason == SAM_ROLE)
		return refuse_actor(ctl, reason, known);
	return samctl_fail(ctl, reason, NULL);
}

/* ---- records ---- */

static void name_actor(const struct samctl *ctl, struct sam_event *event)
{
	bool there = *ctl->actor;

	event->actor_kind = !there			   ? "process"
			    : ctl->role == SAM_ROLE_SIGNER ? "signer"
							   : "principal";
	event->actor = there ? ctl->actor : NULL;
	event->role = there ? sam_registry_role_name(ctl->role) : NULL;
}

enum sam_reason samctl_make(struct samctl *ctl, struct sam_event *event,
			    struct sam_audit_record *out)
{
	name_actor(ctl, event);
	return sam_audit_make(sam_audit(ctl->sam), event, out);
}

bool samctl_record(struct samctl *ctl, struct sam_event *event)
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
