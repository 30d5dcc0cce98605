/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making a new store: whole under its name, or not at all.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static enum sam_reason fill(struct sam_conn *conn, const struct sam_seal *seal,
			    const struct sam_head *start)
{
	struct sam_head head = *start;
	if (!sam_conn_exec(conn, "PRAGMA synchronous=FULL") ||
	    !sam_conn_run(conn, SAM_SQL_BEGIN_WRITE) || !sam_schema_make(conn, 0))
		return conn->broken;
	enum sam_reason reason = sam_schema_digest(conn, head.schema);
	if (reason == SAM_OK)
		reason = sam_head_write(conn, seal, &head);
	if (reason == SAM_OK && !sam_conn_run(conn, SAM_SQL_COMMIT))
		reason = conn->broken;
	return reason;
}

/* Under another name first: what appears under its own name is whole. link(2) takes the name
 * only if it is free. */
static enum sam_reason make(const struct sam_store_options *options, const struct sam_head *head,
			    const char *name)
{
	struct sam_conn *conn = NULL;
	enum sam_reason reason = sam_conn_open_alone(name, &conn, NULL);
	if (reason == SAM_OK)
		reason = fill(conn, options->seal, head);
	sam_conn_close(conn);
	if (reason == SAM_OK && sam_place_exists(name, "-wal"))
		reason = sam_log_reason(SAM_STORE_FAILED, "store: %s could not be written", name);
	if (reason == SAM_OK)
		reason = sam_mark_create(options->path, options->seal, head->public.sequence);
	if (reason == SAM_OK && link(name, options->path) != 0)
		reason = sam_log_reason(errno == EEXIST ? SAM_STORE_EXISTS : SAM_STORE_FAILED,
					"store: %s: %s", options->path, strerror(errno));
	return reason;
}

/* A WAL that an earlier store left would be replayed over the new one. */
static bool is_free(const char *path, struct sam_msg *msg)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	for (unsigned i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		if (sam_place_exists(path, suffixes[i])) {
			sam_msg_set(msg, "%s%s is there already", path, suffixes[i]);
			return false;
		}
	}
	return true;
}

enum sam_reason sam_store_create(const struct sam_store_options *options, const char *node,
				 struct sam_msg *msg)
{
	char name[PATH_MAX];
	struct sam_head head = {.next_activation = 1};
	head.public.sequence = head.public.grants_version = 1;
	head.public.latest_time = sam_clock_now();
	head.public.epoch = 1;
	int len = snprintf(name, sizeof name, "%s.XXXXXX", options->path);
	if (len < 0 || (size_t)len >= sizeof name || !*node ||
	    !sam_mem_copy_text(head.public.node, sizeof head.public.node, node)) {
		sam_msg_set(msg, "the path, or the node's name, is too long or empty");
		return sam_log_reason(SAM_ARGUMENTS, "store: path or node");
	}
	if (!is_free(options->path, msg))
		return sam_log_reason(SAM_STORE_EXISTS, "store: %s or what belongs to it is there",
				      options->path);
	int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0) {
		sam_msg_set(msg, "%s: %s", name, strerror(errno));
		return sam_log_reason(SAM_STORE_FAILED, "store: %s: %s", name, strerror(errno));
	}
	close(fd);
	enum sam_reason reason = make(options, &head, name);
	sam_place_remove(name);
	sam_place_sync(options->path);
	if (reason != SAM_OK)
		sam_msg_set(msg, "%s: %s", options->path, sam_reason_text(reason));
	return reason;
}
