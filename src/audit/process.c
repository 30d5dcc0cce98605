/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is asking: this process, and where p11-kit's server stands between (fd 0 is then the client's
 * socket), the process at its other end. Read once for each process.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit/internal.h"

static void set_exe(json_t *object, const char *link)
{
	char path[PATH_MAX];
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	sam_auto(sam_free) char *clean = NULL;

	if (len <= 0)
		return; /* another user's process: its uid must do */
	path[len] = '\0';
	clean = sam_text_clean(path);
	if (clean)
		json_object_set_new(object, "exe", json_string(clean));
}

static json_t *peer(void)
{
	struct sockaddr_un name;
	socklen_t name_len = sizeof(name);
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	char link[32];
	json_t *object;

	/* An address that the kernel cut short or left unnamed still has its family. */
	if (getpeername(0, (struct sockaddr *)&name, &name_len) != 0 ||
	    name_len < sizeof(name.sun_family) || name.sun_family != AF_UNIX)
		return NULL;
	if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) != 0)
		return NULL;
	object = json_pack("{s:I}", "uid", (json_int_t)cred.uid);
	if (object && cred.pid > 0) {
		snprintf(link, sizeof(link), "/proc/%ld/exe", (long)cred.pid);
		set_exe(object, link);
	}
	return object;
}

static json_t *self(void)
{
	json_t *object =
		json_pack("{s:I,s:I}", "pid", (json_int_t)getpid(), "uid", (json_int_t)geteuid());

	if (object)
		set_exe(object, "/proc/self/exe");
	return object;
}

char *sam_process_members(unsigned level, const char *policy)
{
	json_auto_t *object = json_object();
	json_t *other = peer();
	int bad = 0;

	if (other)
		bad |= json_object_set_new(object, "peer", other);
	bad |= json_object_set_new(object, "process", self());
	bad |= json_object_set_new(object, "level", json_integer(level));
	bad |= json_object_set_new(object, "policy", json_string(policy));
	return bad ? NULL : sam_text_members(object);
}
