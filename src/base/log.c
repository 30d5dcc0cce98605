/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Log lines to the journal, a file or a tool's standard error. Nothing process-wide: no openlog(), no
 * setlogmask(); one datagram or one write a line, so that threads and processes do not mix.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"

enum target { TO_JOURNAL, TO_STDERR, TO_FILE };

/* No lock: a child forked while another thread logs must be able to log. The descriptor is never
 * closed, only replaced in place. */
static struct {
	_Atomic enum target target;
	atomic_int fd; /* of TO_FILE */
} sink = {.fd = -1};

static int open_file(const char *path)
{
	struct stat st;
	/* not to hang on a FIFO that somebody put there */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)))) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

bool sam_log_open(const char *target, struct sam_msg *msg)
{
	enum target to = TO_JOURNAL;
	int fd = -1;
	if (strcmp(target, "stderr") == 0) {
		to = TO_STDERR;
	} else if (strncmp(target, "file:", 5) == 0) {
		to = TO_FILE;
		fd = open_file(target + 5);
		if (fd < 0) {
			sam_msg_set(msg, "log: %s: %s", target + 5, strerror(errno));
			return false;
		}
	} else if (strcmp(target, "journal") != 0) {
		sam_msg_set(msg, "log: neither journal nor file:PATH");
		return false;
	}
	int old = atomic_load(&sink.fd);
	if (fd >= 0 && old >= 0) {
		dup3(fd, old, O_CLOEXEC);
		close(fd);
	} else if (fd >= 0) {
		atomic_store(&sink.fd, fd);
	}
	atomic_store(&sink.target, to);
	return true;
}

static bool send_to(const char *path, const char *text, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!sam_mem_copy_text(address.sun_path, sizeof address.sun_path, path))
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ssize_t sent = sendto(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address);
	close(fd);
	return sent == (ssize_t)len;
}

static void to_journal(enum sam_log_level level, const char *line)
{
	char text[1200];
	int n = snprintf(text, sizeof text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=p11-sam\nMESSAGE=%s\n", (int)level, line);
	if (send_to("/run/systemd/journal/socket", text, (size_t)n))
		return;
	n = snprintf(text, sizeof text, "<%d>p11-sam[%d]: %s", 10 << 3 | (int)level, (int)getpid(), line);
	(void)send_to("/dev/log", text, (size_t)n); /* no log is no reason to fail: the audit is another thing */
}

static void to_fd(int fd, enum target target, enum sam_log_level level, const char *line)
{
	char text[1200], now[SAM_CLOCK_TEXT];
	int n;
	if (target == TO_STDERR) {
		n = snprintf(text, sizeof text, "%s\n", line);
	} else {
		sam_clock_text(sam_clock_us(), now);
		n = snprintf(text, sizeof text, "%s %d <%d> %s\n", now, (int)getpid(), (int)level, line);
	}
	ssize_t written = write(fd, text, (size_t)n);
	(void)written;
}

static void put(enum sam_log_level level, char *line)
{
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	int saved = errno;
	enum target target = atomic_load(&sink.target);
	if (target == TO_JOURNAL)
		to_journal(level, line);
	else
		to_fd(target == TO_STDERR ? STDERR_FILENO : atomic_load(&sink.fd), target, level, line);
	errno = saved;
}

void sam_log(enum sam_log_level level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	put(level, line);
}

enum sam_reason sam_log_reason(enum sam_reason reason, const char *fmt, ...)
{
	char what[800], line[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "%s: %s", sam_reason_name(reason), what);
	put(SAM_LOG_ERR, line);
	return reason;
}
