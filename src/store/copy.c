/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A copy of the live store for a backup; and a copy made a store again.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"

/* Reads on a snapshot, like any reader: nobody waits for it. */
static enum sam_reason vacuum_into(struct sam_store *store, const char *path)
{
	struct sam_conn *conn = NULL;
	enum sam_reason reason = sam_store_usable(store);
	if (reason == SAM_OK)
		reason = sam_store_in_place(store);
	if (reason == SAM_OK)
		reason = sam_conn_open(store->path, store->busy_ms, &conn, NULL);
	if (reason != SAM_OK)
		return reason;
	sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 1); /* the copy */
	sqlite3_stmt *s = sam_conn_prepare(conn, "VACUUM INTO ?1");
	sam_conn_bind_text(conn, s, 1, path);
	if (!sam_conn_done(conn, s))
		reason = conn->broken;
	sqlite3_finalize(s);
	sam_conn_close(conn);
	return reason;
}

/* In WAL mode, as sam_store_open() wants it, and with nothing beside it. */
static enum sam_reason finish(const struct sam_seal *seal, const char *path, struct sam_head *head)
{
	struct sam_conn *conn = NULL;
	enum sam_reason reason = sam_conn_open_alone(path, &conn, NULL);
	if (reason == SAM_OK)
		reason = sam_head_read(conn, seal, head);
	sam_conn_close(conn);
	if (reason == SAM_OK && sam_place_exists(path, "-wal"))
		reason = sam_log_reason(SAM_STORE_FAILED, "store: %s could not be written", path);
	return reason == SAM_OK ? sam_place_sync_file(path, "") : reason;
}

enum sam_reason sam_store_copy(struct sam_store *store, const char *path, struct sam_store_head *head)
{
	struct sam_head full;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sam_log_reason(errno == EEXIST ? SAM_EXISTS : SAM_STORE_FAILED, "store: %s: %s", path,
				      strerror(errno));
	close(fd);
	sam_store_enter();
	enum sam_reason reason = vacuum_into(store, path);
	if (reason == SAM_OK)
		reason = finish(store->seal, path, &full);
	sam_store_leave();
	if (reason == SAM_OK)
		*head = full.public;
	else
		sam_place_remove(path);
	sam_place_sync(path);
	return reason;
}

/* ---- the other way ---- */

static enum sam_reason check_copy(struct sam_conn *conn, const struct sam_store_options *options,
				  struct sam_head *head, struct sam_msg *msg)
{
	int64_t version;
	enum sam_reason reason = sam_schema_check(conn, &version, msg);
	if (reason == SAM_OK && !sam_conn_run(conn, SAM_SQL_BEGIN))
		reason = conn->broken;
	if (reason != SAM_OK)
		return reason;
	conn->upgrading = true;
	reason = sam_head_read(conn, options->seal, head);
	if (reason == SAM_STORE_TAMPERED)
		sam_msg_set(msg, "its head cannot be unsealed: another CM sealed it, or it was changed");
	/* one of an older version is checked when it is opened, and upgraded */
	return reason == SAM_OK && version == sam_schema_version() ? sam_check_all(conn, options->seal, head, msg)
								   : reason;
}

enum sam_reason sam_store_adopt(const struct sam_store_options *options, struct sam_msg *msg)
{
	struct sam_conn *conn = NULL;
	struct sam_head head;
	struct sam_msg why = {""};
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason = sam_place_check(options->path, msg);
	if (reason != SAM_OK)
		return reason;
	sam_store_enter();
	reason = sam_conn_open_alone(options->path, &conn, NULL);
	if (reason == SAM_OK) {
		reason = check_copy(conn, options, &head, &why);
		sam_conn_rollback(conn);
	}
	sam_conn_close(conn);
	sam_store_leave();
	if (reason == SAM_OK)
		reason = sam_mark_create(options->path, options->seal, head.public.sequence);
	if (reason != SAM_OK)
		sam_msg_set(msg, "%s: %s", options->path, why.text[0] ? why.text : sam_reason_text(reason));
	else
		sam_place_sync(options->path);
	return reason;
}
