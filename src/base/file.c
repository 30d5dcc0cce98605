/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Trusted files and PIN sources.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

enum { PIN_MAX = 255 };

static enum sam_reason check_one(const char *path, bool folder, uid_t uid, struct sam_msg *msg)
{
	struct stat st;
	if (lstat(path, &st) != 0) {
		sam_msg_set(msg, "%s: %s", path, strerror(errno));
		return SAM_CONFIG;
	}
	if (st.st_uid != 0 && st.st_uid != uid) {
		sam_msg_set(msg, "%s: belongs to uid %lu; chown it to root or to the SAM's user", path,
			    (unsigned long)st.st_uid);
		return SAM_CONFIG;
	}
	/* what others may put beside ours in a sticky folder they cannot put in ours' place */
	bool sticky = folder && (st.st_mode & S_ISVTX);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !sticky) {
		sam_msg_set(msg, "%s: group or others may write to it; chmod go-w", path);
		return SAM_CONFIG;
	}
	if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		sam_msg_set(msg, "%s: is no %s", path, folder ? "folder" : "regular file");
		return SAM_CONFIG;
	}
	return SAM_OK;
}

/* All folders above; cuts ${real}. */
static enum sam_reason check_above(char *real, uid_t uid, struct sam_msg *msg)
{
	enum sam_reason reason = SAM_OK;
	for (char *slash = strrchr(real, '/'); reason == SAM_OK && slash; slash = strrchr(real, '/')) {
		*slash = '\0';
		reason = check_one(real[0] ? real : "/", true, uid, msg);
	}
	return reason;
}

enum sam_reason sam_file_trusted_at(const char *path, uid_t uid, char **out, struct sam_msg *msg)
{
	/* Links on the way are resolved first: what counts is where the bytes lie. */
	char *real = realpath(path, NULL);
	*out = NULL;
	if (!real) {
		sam_msg_set(msg, "%s: %s", path, strerror(errno));
		return SAM_CONFIG;
	}
	sam_auto(sam_free) char *above = strdup(real);
	enum sam_reason reason = above ? check_one(real, false, uid, msg) : SAM_MEMORY;
	if (reason == SAM_OK)
		reason = check_above(above, uid, msg);
	if (reason == SAM_OK)
		*out = real;
	else
		free(real);
	return reason;
}

enum sam_reason sam_file_trusted(const char *path, uid_t uid, struct sam_msg *msg)
{
	sam_auto(sam_free) char *real = NULL;
	return sam_file_trusted_at(path, uid, &real, msg);
}

enum sam_reason sam_file_folders_trusted(const char *path, uid_t uid, struct sam_msg *msg)
{
	char folder[PATH_MAX];
	char *slash = sam_mem_copy_text(folder, sizeof folder, path) ? strrchr(folder, '/') : NULL;
	if (!slash) {
		sam_msg_set(msg, "%s: is no whole path", path);
		return SAM_CONFIG;
	}
	slash[slash == folder] = '\0';
	sam_auto(sam_free) char *real = realpath(folder, NULL);
	if (!real) {
		sam_msg_set(msg, "%s: %s", folder, strerror(errno));
		return SAM_CONFIG;
	}
	enum sam_reason reason = check_one(real, true, uid, msg);
	return reason == SAM_OK ? check_above(real, uid, msg) : reason;
}

static enum sam_reason read_all(int fd, const char *path, size_t max, struct sam_secret *out, struct sam_msg *msg)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		sam_msg_set(msg, "%s: is no regular file", path);
		return SAM_CONFIG;
	}
	if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
		sam_msg_set(msg, "%s: is longer than %zu bytes", path, max);
		return SAM_CONFIG;
	}
	size_t size = (size_t)st.st_size, have = 0;
	uint8_t *data = malloc(size + 1);
	if (!data)
		return SAM_MEMORY;
	while (have < size) {
		ssize_t n = read(fd, data + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	data[have] = 0;
	sam_secret_clear(out);
	out->data = data;
	out->len = have;
	if (have == size)
		return SAM_OK;
	sam_msg_set(msg, "%s: changed while it was read", path);
	sam_secret_clear(out);
	return SAM_CONFIG;
}

enum sam_reason sam_file_read(const char *path, size_t max, struct sam_secret *out, struct sam_msg *msg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		sam_msg_set(msg, "%s: %s", path, strerror(errno));
		return SAM_CONFIG;
	}
	enum sam_reason reason = read_all(fd, path, max, out, msg);
	close(fd);
	return reason;
}

bool sam_file_pin_path(const char *source, char *path, size_t size)
{
	if (strncmp(source, "file:", 5) == 0)
		source += strncmp(source, "file:///", 8) == 0 ? 7 : 5;
	if (strncmp(source, "credential:", 11) == 0) {
		const char *name = source + 11, *folder = secure_getenv("CREDENTIALS_DIRECTORY");
		if (!folder || !*name || strchr(name, '/') || name[0] == '.')
			return false;
		int n = snprintf(path, size, "%s/%s", folder, name);
		return n > 0 && (size_t)n < size;
	}
	return source[0] && sam_mem_copy_text(path, size, source);
}

void sam_file_own_like_folder(int fd, const char *path)
{
	char folder[PATH_MAX];
	struct stat st;
	if (geteuid() != 0 || !sam_mem_copy_text(folder, sizeof folder, path))
		return;
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	if (stat(slash ? folder : ".", &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
		sam_log(SAM_LOG_WARNING, "%s: chown: %s", path, strerror(errno));
}

static bool write_whole(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* Whoever could read that one can read this one. */
static bool look_like(int fd, const char *like)
{
	struct stat st;
	return stat(like, &st) == 0 && fchmod(fd, st.st_mode & 0755) == 0 &&
	       (geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0);
}

enum sam_reason sam_file_replace(const char *path, const char *like, const void *data, size_t len,
				 struct sam_msg *msg)
{
	char fresh[PATH_MAX + 16];
	snprintf(fresh, sizeof fresh, "%s.new", path);
	unlink(fresh); /* of a run that was killed */
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && look_like(fd, like) && write_whole(fd, data, len);
	good = fd >= 0 && close(fd) == 0 && good;
	if (good && rename(fresh, path) == 0)
		return SAM_OK;
	sam_msg_set(msg, "%s: %s; whoever runs this must be able to write there", path, strerror(errno));
	if (fd >= 0)
		unlink(fresh);
	return SAM_CONFIG;
}

enum sam_reason sam_file_read_pin(const char *source, struct sam_secret *out, struct sam_msg *msg)
{
	char path[PATH_MAX];
	if (!sam_file_pin_path(source, path, sizeof path)) {
		sam_msg_set(msg, "a PIN source is file:/PATH or credential:NAME (with CREDENTIALS_DIRECTORY set)");
		return SAM_CONFIG;
	}
	struct stat st;
	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))) {
		sam_msg_set(msg, "%s: others may read it or the group write to it; chmod 600", path);
		return SAM_CONFIG;
	}
	enum sam_reason reason = sam_file_read(path, PIN_MAX + 1, out, msg);
	if (reason != SAM_OK)
		return reason;
	if (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = 0;
	if (out->len >= 1 && out->len <= PIN_MAX)
		return SAM_OK;
	sam_secret_clear(out);
	sam_msg_set(msg, "%s: a PIN has 1 to %d bytes", path, PIN_MAX);
	return SAM_CONFIG;
}
