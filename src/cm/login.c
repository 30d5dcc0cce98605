/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's own login at the CM (invariant 7), and the memory of a refused PIN: a real HSM locks,
 * so no process tries it again before its source has changed.
 */
#include "cm/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { LOCK_POLL_MS = 10, SOURCE_TRIES = 3 };

bool sam_cm_logged_in(struct sam_cm *cm, struct sam_cm_session *s)
{
	CK_SESSION_INFO info;
	memset(&info, 0, sizeof info);
	return cm->vendor->f->C_GetSessionInfo(s->handle, &info) == CKR_OK &&
	       (info.state == CKS_RW_USER_FUNCTIONS || info.state == CKS_RO_USER_FUNCTIONS);
}

/* What tells one state of the PIN's source from the next. */
static bool source_state(const char *path, char out[SAM_CM_SOURCE_TEXT])
{
	struct stat st;
	if (stat(path, &st) != 0)
		return false;
	snprintf(out, SAM_CM_SOURCE_TEXT, "%ju %jd.%09ld %jd %jd.%09ld\n", (uintmax_t)st.st_ino,
		 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_size,
		 (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

static enum sam_reason gate_lock(const struct sam_cm *cm, int *fd)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s.lock", cm->refused_memo);
	if (n < 0 || (size_t)n >= sizeof path)
		return sam_log_reason(SAM_CM_FAILED, "%s: the path is too long", cm->refused_memo);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return sam_log_reason(SAM_CM_FAILED,
				      "%s: %s; a refused PIN could not be remembered", path,
				      strerror(errno));
	sam_file_own_like_folder(*fd, path);
	int64_t deadline = sam_clock_monotonic_ms() + cm->wait_ms;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	while (fcntl(*fd, F_SETLK, &lock) != 0) {
		bool busy = errno == EACCES || errno == EAGAIN;
		if (!busy || sam_clock_monotonic_ms() >= deadline) {
			close(*fd);
			*fd = -1;
			return sam_log_reason(busy ? SAM_CM_BUSY : SAM_CM_FAILED, "%s: %s", path,
					      busy ? "another process is logging in"
						   : strerror(errno));
		}
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
	}
	return SAM_OK;
}

/* POSIX locks: a forked child does not inherit them. A process that closes any descriptor of the file
 * loses them, hence the one descriptor in cm->gate. */
enum sam_reason sam_cm_gate_enter(struct sam_cm *cm, bool *entered, struct sam_msg *msg)
{
	int *fd = &cm->gate;
	*entered = false;
	if (!cm->refused_memo || cm->gate >= 0)
		return SAM_OK;
	enum sam_reason reason = gate_lock(cm, fd);
	*entered = reason == SAM_OK;
	if (reason != SAM_OK)
		sam_msg_set(msg, "%s.lock cannot be had; see the log", cm->refused_memo);
	return reason;
}

void sam_cm_gate_leave(struct sam_cm *cm, bool entered)
{
	if (!entered)
		return;
	close(cm->gate);
	cm->gate = -1;
}

enum sam_reason sam_cm_lock(struct sam_cm *cm, struct sam_msg *msg)
{
	bool entered;
	return sam_cm_gate_enter(cm, &entered, msg);
}

void sam_cm_unlock(struct sam_cm *cm)
{
	sam_cm_gate_leave(cm, cm->gate >= 0);
}

static enum sam_reason memo_check(const struct sam_cm *cm, const char *state)
{
	char text[SAM_CM_SOURCE_TEXT] = "";
	bool refused = strcmp(state, cm->refused) == 0;
	if (!refused && cm->again)
		return SAM_OK;
	if (!refused && cm->refused_memo) {
		int fd = open(cm->refused_memo, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 && errno != ENOENT)
			return sam_log_reason(SAM_CM_FAILED, "%s: %s", cm->refused_memo,
					      strerror(errno));
		if (fd >= 0) {
			ssize_t n = read(fd, text, sizeof text - 1);
			close(fd);
			if (n < 0)
				return sam_log_reason(SAM_CM_FAILED, "%s: cannot be read",
						      cm->refused_memo);
			text[n] = '\0';
			refused = strcmp(text, state) == 0;
		}
	}
	if (refused)
		return sam_log_reason(SAM_CM_PIN_REFUSED, "not tried again until %s changes",
				      cm->pin_source);
	return SAM_OK;
}

static bool write_whole(int fd, const char *text)
{
	size_t len = strlen(text);
	return write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
}

static void memo_write(struct sam_cm *cm, const char *state)
{
	char path[PATH_MAX];
	sam_mem_copy_text(cm->refused, sizeof cm->refused, state); /* this process at least knows */
	if (!cm->refused_memo)
		return;
	int n = snprintf(path, sizeof path, "%s.new", cm->refused_memo);
	if (n < 0 || (size_t)n >= sizeof path)
		return; /* not reached: gate_lock() has used a longer one */
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_whole(fd, state);
	if (fd >= 0)
		sam_file_own_like_folder(fd, path);
	ok = fd >= 0 && close(fd) == 0 && ok;
	if (!ok || rename(path, cm->refused_memo) != 0)
		sam_log(SAM_LOG_ERR,
			"%s: %s; other processes do not know that the CM's PIN was refused",
			cm->refused_memo, strerror(errno));
}

static void memo_remove(struct sam_cm *cm)
{
	cm->refused[0] = '\0';
	if (cm->refused_memo && unlink(cm->refused_memo) != 0 && errno != ENOENT)
		sam_log(SAM_LOG_WARNING, "%s: %s", cm->refused_memo, strerror(errno));
}

/* The PIN, and the state of the source that it was read from. */
static enum sam_reason read_pin(const struct sam_cm *cm, struct sam_secret *pin,
				char state[SAM_CM_SOURCE_TEXT], struct sam_msg *msg)
{
	char path[PATH_MAX], after[SAM_CM_SOURCE_TEXT];
	struct sam_msg why = {""};
	if (!sam_file_pin_path(cm->pin_source, path, sizeof path))
		sam_msg_set(&why, "is no pin-source, or CREDENTIALS_DIRECTORY is not set");
	for (unsigned i = 0; !why.text[0] && i < SOURCE_TRIES; i++) {
		if (!source_state(path, state)) {
			sam_msg_set(&why, "%s", strerror(errno));
			break;
		}
		enum sam_reason reason = memo_check(cm, state);
		if (reason != SAM_OK) {
			sam_msg_set(msg, "%s", sam_reason_text(reason));
			return reason;
		}
		reason = sam_file_read_pin(cm->pin_source, pin, &why);
		if (reason == SAM_MEMORY)
			return reason;
		if (reason != SAM_OK)
			break;
		if (source_state(path, after) && strcmp(state, after) == 0)
			return SAM_OK;
		sam_secret_clear(pin);
	}
	const char *text = why.text[0] ? why.text : "changes while it is read";
	sam_msg_set(msg, "%.200s: %.300s", cm->pin_source, text);
	return sam_log_reason(SAM_CM_PIN, "%s: %s", cm->pin_source, text);
}

static enum sam_reason answer(struct sam_cm *cm, struct sam_cm_session *s, CK_RV rv,
			      const char *state, struct sam_msg *msg)
{
	switch (rv) {
	case CKR_OK:
		cm->own_login = true;
		memo_remove(cm);
		return SAM_OK;
	case CKR_USER_ALREADY_LOGGED_IN:
		return SAM_OK; /* another part of this process was first */
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
		memo_write(cm, state);
		sam_msg_set(msg, "the CM refused the PIN in %s (0x%lx)", cm->pin_source, rv);
		return sam_log_reason(SAM_CM_PIN_REFUSED, "the PIN in %s: C_Login: 0x%lx",
				      cm->pin_source, rv);
	default:
		sam_msg_set(msg, "C_Login answered 0x%lx", rv);
		return sam_cm_fail(s, "C_Login", rv);
	}
}

enum sam_reason sam_cm_login(struct sam_cm *cm, struct sam_cm_session *s, struct sam_msg *msg)
{
	struct sam_secret pin = {0};
	char state[SAM_CM_SOURCE_TEXT];
	bool entered;
	if (sam_cm_logged_in(cm, s))
		return SAM_OK;
	enum sam_reason reason = sam_cm_gate_enter(cm, &entered, msg);
	if (reason != SAM_OK)
		return reason;
	reason = read_pin(cm, &pin, state, msg);
	if (reason == SAM_OK) {
		CK_RV rv = cm->vendor->f->C_Login(s->handle, CKU_USER, pin.data, pin.len);
		sam_secret_clear(&pin);
		reason = answer(cm, s, rv, state, msg);
	}
	sam_cm_gate_leave(cm, entered);
	return reason;
}
