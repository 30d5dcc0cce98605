/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One store in the place of another. SQLite joins a database with whatever WAL stands beside it: so the old
 * database loses its name first and what belongs to it after that, and the new one gets its name last. In
 * between there is no store.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"

enum { BUSY_MS = 5000 };

struct places {
	const char *path, *from;
	char kept[PATH_MAX];
	struct sam_msg *msg;
};

static enum sam_reason refuse(const struct places *p, enum sam_reason reason, const char *what, const char *why)
{
	sam_msg_set(p->msg, "%s %s", what, why);
	return sam_log_reason(reason, "store: %s %s", what, why);
}

static enum sam_reason move(const struct places *p, const char *from, const char *to, const char *suffix)
{
	char old[PATH_MAX + 8], new[PATH_MAX + 8];
	snprintf(old, sizeof old, "%s%s", from, suffix);
	snprintf(new, sizeof new, "%s%s", to, suffix);
	return rename(old, new) == 0 ? SAM_OK : refuse(p, SAM_STORE_FAILED, old, strerror(errno));
}

/* All of it in the file itself, and all on the disk. */
static enum sam_reason settle(const struct places *p)
{
	struct sam_conn *conn = NULL;
	enum sam_reason reason = sam_conn_open_alone(p->from, &conn, NULL);
	if (reason == SAM_OK && sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		reason = SAM_STORE_BUSY;
	sam_conn_close(conn);
	if (reason == SAM_OK && sam_place_exists(p->from, "-wal"))
		reason = SAM_STORE_BUSY;
	if (reason != SAM_OK)
		return refuse(p, reason, p->from, "cannot be settled: does somebody have it open?");
	reason = sam_place_sync_file(p->from, "");
	if (reason == SAM_OK && sam_place_exists(p->from, ".mark"))
		reason = sam_place_sync_file(p->from, ".mark");
	return reason;
}

/* Restored by root, it must still serve the old store's owner, or the folder's. */
static void give_to_owner(const struct places *p)
{
	static const char *const suffixes[] = {"", ".mark"};
	char folder[PATH_MAX], name[PATH_MAX + 8];
	struct stat st;
	snprintf(folder, sizeof folder, "%s", p->path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	if (geteuid() != 0 || (lstat(p->path, &st) != 0 && lstat(p->kept, &st) != 0 &&
			       lstat(slash ? folder : ".", &st) != 0))
		return;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s%s", p->from, suffixes[i]);
		if (lchown(name, st.st_uid, st.st_gid) != 0 && errno != ENOENT)
			sam_log(SAM_LOG_WARNING, "store: %s: %s", name, strerror(errno));
	}
}

static enum sam_reason put_away(const struct places *p)
{
	static const char *const suffixes[] = {"-wal", "-shm", ".mark"};
	enum sam_reason reason = SAM_OK;
	if (sam_place_exists(p->path, "")) {
		reason = move(p, p->path, p->kept, "");
		sam_place_sync(p->path);
	}
	/* Without a mark of the new one's, that mark is in its place already. */
	unsigned count = sam_place_exists(p->from, ".mark") ? 3 : 2;
	for (unsigned i = 0; reason == SAM_OK && i < count; i++)
		if (sam_place_exists(p->path, suffixes[i]))
			reason = move(p, p->path, p->kept, suffixes[i]);
	sam_place_sync(p->path);
	return reason;
}

static enum sam_reason put_in_place(const struct places *p)
{
	enum sam_reason reason = SAM_OK;
	if (sam_place_exists(p->from, ".mark"))
		reason = move(p, p->from, p->path, ".mark");
	sam_place_sync(p->path);
	if (reason == SAM_OK)
		reason = move(p, p->from, p->path, "");
	sam_place_sync(p->path);
	return reason;
}

static enum sam_reason replace(const struct places *p)
{
	bool old = sam_place_exists(p->path, ""), kept = sam_place_exists(p->kept, "");
	bool marked = sam_place_exists(p->from, ".mark");
	if (!sam_place_exists(p->from, ""))
		return old && kept && !marked ? SAM_OK /* done before */
					      : refuse(p, SAM_STORE_MISSING, p->from, "is not there");
	if (old && kept)
		return refuse(p, SAM_EXISTS, p->kept, "is there already");
	if (!marked && (old || !sam_place_exists(p->path, ".mark")))
		return refuse(p, SAM_STORE_TAMPERED, p->from, "was not adopted: it has no mark");
	enum sam_reason reason = settle(p);
	if (reason != SAM_OK)
		return reason;
	give_to_owner(p);
	reason = put_away(p);
	return reason == SAM_OK ? put_in_place(p) : reason;
}

enum sam_reason sam_store_replace(const struct sam_store_options *options, const char *from, const char *keep,
				  struct sam_msg *msg)
{
	struct sam_writelock *lock = NULL;
	struct places p = {.path = options->path, .from = from, .msg = msg};
	int64_t deadline = sam_clock_monotonic_ms() + (options->busy_ms ? options->busy_ms : BUSY_MS);
	int len = snprintf(p.kept, sizeof p.kept, "%s%s", options->path, keep);
	sam_msg_set(msg, "%s", "");
	if (len < 0 || (size_t)len >= sizeof p.kept || !*keep || strchr(keep, '/') || strlen(from) >= PATH_MAX)
		return refuse(&p, SAM_ARGUMENTS, options->path, "and the suffix or the other path are too long or empty");
	sam_store_enter();
	enum sam_reason reason = sam_writelock_open(options->path, &lock);
	if (reason == SAM_OK)
		reason = sam_writelock_take(lock, deadline);
	if (reason == SAM_OK) {
		/* LOCKED */
		reason = replace(&p);
		sam_writelock_give(lock);
		/* LOCKED end */
	}
	sam_writelock_close(lock);
	sam_store_leave();
	if (reason != SAM_OK && msg && !msg->text[0])
		sam_msg_set(msg, "%s: %s", options->path, sam_reason_text(reason));
	return reason;
}
