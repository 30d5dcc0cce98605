/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl request watch: the helper that tells the outside that a signature waits: a line of JSON, or a command with
 * it as standard input (nothing of it in arguments or environment). What was told is noted in a file, so that
 * started anew it tells nothing twice.
 */
#include "tools/samctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sap/request.h"

enum { EVERY_MS = 500 };

struct ids {
	char (*id)[SAM_REQUEST_ID_SIZE];
	size_t count;
};

static bool has(const struct ids *ids, const char *id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (strcmp(ids->id[i], id) == 0)
			return true;
	return false;
}

static bool add(struct ids *ids, const char *id)
{
	if (ids->count >= SAM_REQUESTS_MAX || strlen(id) != SAM_REQUEST_ID_SIZE - 1)
		return false;
	memcpy(ids->id[ids->count++], id, SAM_REQUEST_ID_SIZE);
	return true;
}

/* ---- what was told ---- */

static void read_state(const char *path, struct ids *told)
{
	char line[64];
	FILE *in = fopen(path, "re");

	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		add(told, line);
	}
	if (in)
		fclose(in);
}

/* Whole or not at all: a crash leaves the one before. */
static bool write_state(const char *path, const struct ids *told)
{
	char fresh[PATH_MAX];
	bool good = snprintf(fresh, sizeof(fresh), "%s.new", path) < (int)sizeof(fresh);
	int fd = good ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	for (size_t i = 0; out && i < told->count; i++)
		fprintf(out, "%s\n", told->id[i]);
	if (!out)
		return false;
	good = fflush(out) == 0 && fsync(fd) == 0;
	return fclose(out) == 0 && good && rename(fresh, path) == 0;
}

/* ---- telling ---- */

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* The command gets the JSON and nothing else of ours. */
static bool run(const char *command, const char *text)
{
	int pipe_fd[2], status = -1;
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return false;
	child = fork();
	if (child == 0) {
		dup2(pipe_fd[0], 0);
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipe_fd[0]);
	if (child > 0)
		(void)!write_all(pipe_fd[1], text, strlen(text)); /* it may not care for it */
	close(pipe_fd[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void tell(const struct samctl *ctl, const struct sam_request *r)
{
	const char *command = samctl_given(ctl, "exec", 0);
	json_auto_t *object = sam_request_json(r);
	sam_auto(sam_free) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!text)
		samctl_fail(ctl, SAM_MEMORY, NULL);
	else if (!command)
		puts(text);
	else if (!run(command, text))
		samctl_say(ctl, "request %s: the command failed", r->id);
	fflush(stdout);
}

/* ---- watching ---- */

struct watch {
	struct samctl *ctl;
	struct ids *told, now; /* now: those of the told ones that are still there, and the new ones */
	const char *state;
	struct sam_request *fresh; /* one at a time: the store is not kept open while a command runs */
	bool found;
};

static enum sam_reason look(void *arg, const struct sam_request *r)
{
	struct watch *w = arg;

	if (has(w->told, r->id)) {
		add(&w->now, r->id);
	} else if (!w->found && r->state == SAM_REQUEST_STATE_OPEN && r->expires > time(NULL)) {
		w->found = true;
		*w->fresh = *r;
	}
	return SAM_OK;
}

/* Noted before it is told: rather not twice. Ids that are gone from the store are forgotten. */
static int turn(struct watch *w)
{
	struct ids before;
	enum sam_reason reason;

	do {
		w->found = false;
		w->now.count = 0;
		reason = sam_store_requests(sam_store(w->ctl->sam), look, w);
		if (reason != SAM_OK)
			return samctl_fail(w->ctl, reason, NULL);
		if (w->found && !add(&w->now, w->fresh->id))
			return samctl_fail(w->ctl, SAM_REQUESTS_FULL, NULL);
		before = *w->told;
		*w->told = w->now;
		w->now = before;
		if (w->found && !write_state(w->state, w->told)) {
			samctl_say(w->ctl, "%s: cannot be written: %s", w->state, strerror(errno));
			return SAMCTL_FAILED;
		}
		if (w->found)
			tell(w->ctl, w->fresh);
	} while (w->found);
	return SAMCTL_DONE;
}

/* Whoever is no operator or officer any more, watches no more. */
static bool still_may(struct samctl *ctl)
{
	const struct sam_person *me = &ctl->actors.first;
	const struct sam_principal *p;
	const struct sam_snapshot *s;
	bool may;

	if (!samctl_snapshot(ctl, &s))
		return false;
	p = sam_registry_principal(s, me->name);
	may = p && !p->locked && (p->roles & (SAM_OFFICER | SAM_OPERATOR));
	sam_registry_put(s);
	if (!may)
		samctl_say(ctl, "%s may not do this any more", me->name);
	return may;
}

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static int watch(struct watch *w)
{
	const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
	struct sam_store_head head;
	uint64_t seen = 0;
	int status = SAMCTL_DONE;
	bool once = samctl_given_count(w->ctl, "once") > 0;

	while (status == SAMCTL_DONE && !ended) {
		if (sam_store_head(sam_store(w->ctl->sam), &head) != SAM_OK)
			return samctl_fail(w->ctl, SAM_STORE_FAILED, NULL);
		if (head.sequence != seen) {
			seen = head.sequence;
			status = still_may(w->ctl) ? turn(w) : SAMCTL_FAILED;
		}
		if (once)
			break;
		if (status == SAMCTL_DONE && !ended)
			nanosleep(&pause, NULL);
	}
	return status;
}

int samctl_request_watch(struct samctl *ctl)
{
	const struct sigaction act = { .sa_handler = end };
	const char *given = samctl_given(ctl, "state", 0);
	char state[PATH_MAX];
	struct sam_request fresh;
	struct ids told = { .id = calloc(SAM_REQUESTS_MAX, SAM_REQUEST_ID_SIZE) };
	struct watch w = { .ctl = ctl, .told = &told, .state = state, .fresh = &fresh,
			   .now = { .id = calloc(SAM_REQUESTS_MAX, SAM_REQUEST_ID_SIZE) } };
	int status;

	if (snprintf(state, sizeof(state), "%s%s", given ? given : sam_config(ctl->sam)->store, given ? "" : ".watch") >=
	    (int)sizeof(state))
		status = samctl_usage(ctl, "--state: too long");
	else if (!told.id || !w.now.id)
		status = samctl_fail(ctl, SAM_MEMORY, NULL);
	else {
		sigaction(SIGTERM, &act, NULL);
		sigaction(SIGINT, &act, NULL);
		signal(SIGPIPE, SIG_IGN);
		read_state(state, &told);
		status = watch(&w);
	}
	free(told.id);
	free(w.now.id);
	return status;
}
