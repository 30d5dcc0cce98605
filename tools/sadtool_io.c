/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool: files in and out.
 */
#include "tools/sadtool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { JWK_MAX = 65536 };

bool sadtool_read(const char *path, size_t max, struct sam_secret *out)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		sadtool_fail(path, "%s", strerror(errno));
		return false;
	}
	char *buffer = malloc(max + 1);
	size_t len = 0;
	ssize_t n = -1;
	while (buffer && len <= max) {
		n = read(fd, buffer + len, max + 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	bool ok = false;
	if (!buffer)
		sadtool_fail(path, "out of memory");
	else if (len > max)
		sadtool_fail(path, "it is longer than %zu bytes", max);
	else if (n < 0)
		sadtool_fail(path, "%s", strerror(errno));
	else if (!(ok = sam_secret_set(out, buffer, len)))
		sadtool_fail(path, "out of memory");
	sam_mem_wipe(buffer, len);
	free(buffer);
	if (!standard)
		close(fd);
	return ok;
}

json_t *sadtool_read_jwk(const char *path)
{
	struct sam_secret text = {NULL, 0};
	if (!sadtool_read(path, JWK_MAX, &text))
		return NULL;
	json_t *json = sam_jose_json(text.data, text.len);
	sam_secret_clear(&text);
	if (!json)
		sadtool_fail(path, "it is no JWK (one JSON object)");
	return json;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return true;
}

bool sadtool_create(const char *path, unsigned mode, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1));
	if (!text) {
		sadtool_fail(path, "out of memory");
		return false;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	bool ok = fd >= 0 && write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1) &&
		  fsync(fd) == 0;
	int error = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (!ok)
		sadtool_fail(path, "%s",
			     fd < 0 && error == EEXIST ? "it exists; nothing is overwritten"
						       : strerror(error));
	if (!ok && fd >= 0)
		unlink(path);
	sam_mem_wipe(text, strlen(text));
	free(text);
	return ok;
}

bool sadtool_print_json(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	if (!text)
		return false;
	puts(text);
	sam_mem_wipe(text, strlen(text));
	free(text);
	return true;
}
