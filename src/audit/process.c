/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is asking: this process, and where p11-kit's server stands between (fd 0 is then the client's
 * socket), the process at its other end. Read once for each process.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/internal.h"
#include "base/peer.h"

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
	struct sam_peer other;
	char link[32];
	json_t *object;

	if (!sam_peer_read(&other) || other.uid < 0)
		return NULL;
	object = json_pack("{s:I}", "uid", (json_int_t)other.uid);
	if (object && other.pid > 0) {
		snprintf(link, sizeof(link), "/proc/%lld/exe", (long long)other.pid);
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

void sam_audit_application(char *out, size_t size, int64_t *uid)
{
	json_t *other = peer();
	json_auto_t *process = other ? other : self();
	const char *exe = json_string_value(json_object_get(process, "exe"));

	size_t len = exe ? strlen(exe) : 0;

	*uid = json_integer_value(json_object_get(process, "uid"));
	if (len >= size) /* never in the middle of a character: what is kept must be UTF-8 */
		for (len = size - 1; len && ((unsigned char)exe[len] & 0xc0) == 0x80; len--)
			;
	memcpy(out, exe ? exe : "", len);
	out[len] = '\0';
}
