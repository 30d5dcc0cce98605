/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One SQLite connection: its settings, its prepared statements, and what its answers mean. Whatever
 * SQLite says other than success makes the connection "broken" until its user has rolled back: the
 * steps after it then fail too, and the verb is refused (invariant 5).
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"

static const char *const texts[SAM_SQL_COUNT] = {
#define S(NAME, text) [SAM_SQL_##NAME] = text,
#include "store/statements.def"
#undef S
};

static enum sam_reason meaning(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SAM_STORE_BUSY;
	case SQLITE_NOMEM:
		return SAM_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT: /* what was looked up and not found is there after all */
		return SAM_STORE_TAMPERED;
	default:
		return SAM_STORE_FAILED;
	}
}

/* Never sqlite3_errmsg(): it may quote what is in the file. */
static void fail(struct sam_conn *conn, int rc)
{
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		conn->sync_failed = true;
	if (conn->broken == SAM_OK)
		conn->broken = sam_log_reason(meaning(rc), "store: SQLite says %d: %s", rc,
					      sqlite3_errstr(rc));
}

sqlite3_stmt *sam_conn_get(struct sam_conn *conn, enum sam_statement which)
{
	if (conn->broken != SAM_OK)
		return NULL;
	sqlite3_stmt **s = &conn->statements[which];
	if (*s) {
		sqlite3_reset(*s);
		return *s;
	}
	int rc = sqlite3_prepare_v3(conn->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
	if (rc != SQLITE_OK)
		fail(conn, rc);
	return *s;
}

sqlite3_stmt *sam_conn_prepare(struct sam_conn *conn, const char *text)
{
	sqlite3_stmt *s = NULL;
	if (conn->broken != SAM_OK)
		return NULL;
	int rc = sqlite3_prepare_v2(conn->db, text, -1, &s, NULL);
	if (rc != SQLITE_OK)
		fail(conn, rc);
	return s;
}

bool sam_conn_row(struct sam_conn *conn, sqlite3_stmt *s)
{
	if (!s || conn->broken != SAM_OK)
		return false;
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return true;
	sqlite3_reset(s);
	if (rc != SQLITE_DONE)
		fail(conn, rc);
	return false;
}

bool sam_conn_done(struct sam_conn *conn, sqlite3_stmt *s)
{
	if (!s || conn->broken != SAM_OK)
		return false;
	int rc = sqlite3_step(s);
	sqlite3_reset(s);
	if (rc != SQLITE_DONE)
		fail(conn, rc == SQLITE_ROW ? SQLITE_INTERNAL : rc);
	return rc == SQLITE_DONE;
}

bool sam_conn_run(struct sam_conn *conn, enum sam_statement which)
{
	return sam_conn_done(conn, sam_conn_get(conn, which));
}

bool sam_conn_exec(struct sam_conn *conn, const char *text)
{
	if (conn->broken != SAM_OK)
		return false;
	int rc = sqlite3_exec(conn->db, text, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		fail(conn, rc);
	return rc == SQLITE_OK;
}

int64_t sam_conn_number(struct sam_conn *conn, enum sam_statement which)
{
	sqlite3_stmt *s = sam_conn_get(conn, which);
	int64_t value = 0;
	if (sam_conn_row(conn, s)) {
		value = sqlite3_column_int64(s, 0);
		sqlite3_reset(s);
	} else if (conn->broken == SAM_OK) {
		fail(conn, SQLITE_INTERNAL);
	}
	return value;
}

/* A read statement that was left standing would keep its snapshot, and hold checkpoints up. */
static void reset_all(struct sam_conn *conn)
{
	for (unsigned i = 0; i < SAM_SQL_COUNT; i++)
		sqlite3_reset(conn->statements[i]);
}

void sam_conn_rollback(struct sam_conn *conn)
{
	enum sam_reason before = conn->broken;
	reset_all(conn);
	conn->broken = SAM_OK;
	if (!sqlite3_get_autocommit(conn->db))
		sam_conn_run(conn, SAM_SQL_ROLLBACK);
	if (before != SAM_OK)
		conn->broken = before;
}

void sam_conn_mend(struct sam_conn *conn)
{
	conn->broken = SAM_OK;
}

void sam_conn_bind_int(struct sam_conn *conn, sqlite3_stmt *s, int at, int64_t value)
{
	int rc = s ? sqlite3_bind_int64(s, at, value) : SQLITE_OK;
	if (rc != SQLITE_OK)
		fail(conn, rc);
}

void sam_conn_bind_blob(struct sam_conn *conn, sqlite3_stmt *s, int at, const void *data,
			size_t len)
{
	/* a NULL pointer would bind NULL, not an empty blob */
	int rc = s ? sqlite3_bind_blob64(s, at, data ? data : "", len, SQLITE_STATIC) : SQLITE_OK;
	if (rc != SQLITE_OK)
		fail(conn, rc);
}

void sam_conn_bind_text(struct sam_conn *conn, sqlite3_stmt *s, int at, const char *text)
{
	int rc = !s	? SQLITE_OK
		 : text ? sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC)
			: sqlite3_bind_null(s, at);
	if (rc != SQLITE_OK)
		fail(conn, rc);
}

bool sam_conn_column_int(sqlite3_stmt *s, int at, int64_t *out)
{
	*out = sqlite3_column_int64(s, at);
	return sqlite3_column_type(s, at) == SQLITE_INTEGER;
}

bool sam_conn_column_blob(sqlite3_stmt *s, int at, const uint8_t **data, size_t *len)
{
	if (sqlite3_column_type(s, at) != SQLITE_BLOB)
		return false;
	*data = sqlite3_column_blob(s, at);
	*len = (size_t)sqlite3_column_bytes(s, at);
	return *data || *len == 0;
}

bool sam_conn_column_fixed(sqlite3_stmt *s, int at, uint8_t *out, size_t len)
{
	const uint8_t *data;
	size_t is;
	if (!sam_conn_column_blob(s, at, &data, &is) || is != len)
		return false;
	memcpy(out, data, len);
	return true;
}

bool sam_conn_column_text(sqlite3_stmt *s, int at, const char **text, bool may_be_null)
{
	int type = sqlite3_column_type(s, at);
	*text = NULL;
	if (type == SQLITE_NULL)
		return may_be_null;
	if (type != SQLITE_TEXT)
		return false;
	*text = (const char *)sqlite3_column_text(s, at);
	return *text && strlen(*text) == (size_t)sqlite3_column_bytes(s, at);
}

static int note_wal_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sam_conn *conn = arg;
	(void)db, (void)name;
	conn->wal_pages = pages > 0 ? (unsigned)pages : 0;
	return SQLITE_OK;
}

enum how { LIVE, ALONE, LOOK };

/* Nobody's schema, triggers or views act here; no checkpoint happens that we did not ask for
 * (SQLite before 3.51.3 can lose commits when a checkpoint races a writer). All settings are
 * this connection's own. */
static void configure(struct sam_conn *conn, unsigned busy_ms, enum how how)
{
	static const struct {
		int option, value;
	} options[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},	     {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},	     {SQLITE_DBCONFIG_DQS_DML, 0},
	};
	int rc = SQLITE_OK;
	for (unsigned i = 0; rc == SQLITE_OK && i < sizeof options / sizeof *options; i++)
		rc = sqlite3_db_config(conn->db, options[i].option, options[i].value, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, how != ALONE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(conn->db, busy_ms > 1000 ? 1000 : (int)busy_ms);
	if (rc != SQLITE_OK)
		fail(conn, rc);
	sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(conn->db, SQLITE_LIMIT_LENGTH, 4 * SAM_BODY_MAX);
	sam_conn_exec(
		conn,
		"PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
		"PRAGMA cache_size=-4000; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL;"
		"PRAGMA secure_delete=ON"); /* what is removed is gone from the file, however SQLite was built */
	sqlite3_wal_hook(conn->db, note_wal_pages, conn);
}

static bool in_wal_mode(struct sam_conn *conn, const char *pragma)
{
	sqlite3_stmt *s = sam_conn_prepare(conn, pragma);
	const char *mode = NULL;
	bool wal = sam_conn_row(conn, s) && sam_conn_column_text(s, 0, &mode, false) &&
		   strcmp(mode, "wal") == 0;
	sqlite3_finalize(s);
	return wal;
}

static enum sam_reason open_conn(const char *path, unsigned busy_ms, enum how how, struct sam_conn **out,
				 struct sam_msg *msg)
{
	if (sqlite3_libversion_number() < 3040000 || !sqlite3_threadsafe()) {
		sam_msg_set(msg, "%s: SQLite %s cannot be used: 3.40 or newer, with threads", path,
			    sqlite3_libversion());
		return sam_log_reason(SAM_STORE_FAILED,
				      "store: SQLite %s is too old or without threads",
				      sqlite3_libversion());
	}
	struct sam_conn *conn = calloc(1, sizeof *conn);
	if (!conn)
		return sam_log_reason(SAM_MEMORY, "store: opening %s", path);
	int rc = sqlite3_open_v2(path, &conn->db,
				 (how == LOOK ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
				 NULL);
	if (rc != SQLITE_OK)
		fail(conn, rc);
	else
		configure(conn, busy_ms, how);
	bool wal = how == LOOK ||
		   in_wal_mode(conn, how == ALONE ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode");
	enum sam_reason reason = conn->broken;
	if (reason == SAM_OK && !wal)
		reason = sam_log_reason(SAM_STORE_FAILED, "store: %s is not in WAL mode", path);
	if (reason != SAM_OK) {
		sam_msg_set(msg, "%s: %s", path, sam_reason_text(reason));
		sam_conn_close(conn);
		return reason;
	}
	*out = conn;
	return SAM_OK;
}

enum sam_reason sam_conn_open(const char *path, unsigned busy_ms, struct sam_conn **out,
			      struct sam_msg *msg)
{
	return open_conn(path, busy_ms, LIVE, out, msg);
}

enum sam_reason sam_conn_open_alone(const char *path, struct sam_conn **out, struct sam_msg *msg)
{
	return open_conn(path, 0, ALONE, out, msg);
}

enum sam_reason sam_conn_open_look(const char *path, struct sam_conn **out, struct sam_msg *msg)
{
	return open_conn(path, 1000, LOOK, out, msg);
}

void sam_conn_close(struct sam_conn *conn)
{
	if (!conn)
		return;
	for (unsigned i = 0; i < SAM_SQL_COUNT; i++)
		sqlite3_finalize(conn->statements[i]);
	if (sqlite3_close(conn->db) != SQLITE_OK)
		sam_log(SAM_LOG_WARNING, "store: a connection could not be closed");
	free(conn);
}
