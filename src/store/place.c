/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of a store, as names in a folder.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

/* Not sam_file_trusted(): the folders' rights are the configuration's to check. */
enum sam_reason sam_place_check(const char *path, struct sam_msg *msg)
{
	struct stat st;
	if (lstat(path, &st) != 0) {
		enum sam_reason reason = errno == ENOENT ? SAM_STORE_MISSING : SAM_STORE_FAILED;
		sam_msg_set(msg, "%s: %s", path, strerror(errno));
		return sam_log_reason(reason, "store: %s: %s", path, strerror(errno));
	}
	const char *why = !S_ISREG(st.st_mode)
				  ? "is no regular file (a symbolic link is not followed)"
			  : (st.st_mode & 022) ? "may be written by group or others; make it 0600"
					       : NULL;
	if (!why)
		return SAM_OK;
	sam_msg_set(msg, "%s %s", path, why);
	return sam_log_reason(SAM_STORE_FAILED, "store: %s %s", path, why);
}

bool sam_place_exists(const char *path, const char *suffix)
{
	char name[PATH_MAX + 16];
	struct stat st;
	snprintf(name, sizeof name, "%s%s", path, suffix);
	return lstat(name, &st) == 0;
}

void sam_place_sync(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		sam_log(SAM_LOG_WARNING, "store: %s: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
}

enum sam_reason sam_place_sync_file(const char *path, const char *suffix)
{
	char name[PATH_MAX + 16];
	snprintf(name, sizeof name, "%s%s", path, suffix);
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	return ok ? SAM_OK : sam_log_reason(SAM_STORE_FAILED, "store: %s: %s", name, strerror(error));
}

void sam_place_remove(const char *name)
{
	char side[PATH_MAX + 16];
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	for (unsigned i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(side, sizeof side, "%s%s", name, suffixes[i]);
		unlink(side);
	}
}
