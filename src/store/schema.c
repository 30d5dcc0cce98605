/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tables, and how an older file becomes a newer one: one row of the table below for each
 * version, run forward inside the caller's transaction.
 */
#include "store/internal.h"

#include <stdio.h>
#include "base/hash.h"
#include "base/log.h"
#include "base/ossl.h"

enum { APPLICATION_ID = 0x70313173 }; /* "p11s" */

/* Time-ordered keys (activations, and uses by them) make the trees grow at one end, which halves
 * the cost of a commit; only the look-ups by MAC write all over their (small, swept) indexes. */
static const char *const migrations[] = {
	"CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE grants(kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, mac BLOB NOT NULL,"
	" PRIMARY KEY(kind, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE activations(id INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE, payload BLOB NOT NULL,"
	" exp INTEGER NOT NULL, uselimit INTEGER NOT NULL, mac BLOB NOT NULL) STRICT;"
	"CREATE TABLE uses(activation INTEGER NOT NULL, digest BLOB NOT NULL, mac BLOB NOT NULL,"
	" PRIMARY KEY(activation, digest)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE tokens(lookup BLOB NOT NULL PRIMARY KEY, activation INTEGER NOT NULL UNIQUE,"
	" sealed BLOB NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, type TEXT NOT NULL,"
	" outcome TEXT NOT NULL, reason TEXT, signer TEXT, actor TEXT, credential TEXT, jti TEXT,"
	" line TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"
	/* one index: each costs a page in every commit; times are found by halving, the rest by
	 * reading */
	"CREATE INDEX audit_signer ON audit(signer) WHERE signer IS NOT NULL;",
	"CREATE TABLE counters(kind TEXT NOT NULL, name TEXT NOT NULL, failures INTEGER NOT NULL, last INTEGER NOT NULL,"
	" locked_until INTEGER NOT NULL, mac BLOB NOT NULL, PRIMARY KEY(kind, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE checkpoints(number INTEGER PRIMARY KEY, audit_seq INTEGER NOT NULL, jws TEXT NOT NULL,"
	" mac BLOB NOT NULL) STRICT;",
	/* 3: the tables are the same; the registry's rows say more (keys have a life) */
	"",
	/* 4: deferred authorisation */
	"CREATE TABLE requests(id TEXT NOT NULL PRIMARY KEY, state INTEGER NOT NULL, credential TEXT NOT NULL,"
	" thumbprint BLOB NOT NULL, signer TEXT NOT NULL, principal TEXT NOT NULL, mechanism TEXT NOT NULL,"
	" hash TEXT NOT NULL, dtbsr BLOB NOT NULL, application TEXT NOT NULL, uid INTEGER NOT NULL,"
	" label TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, mac BLOB NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE deposits(activation INTEGER PRIMARY KEY, credential TEXT NOT NULL, signer TEXT NOT NULL,"
	" tags BLOB NOT NULL, sealed BLOB NOT NULL, mac BLOB NOT NULL) STRICT;"
	"CREATE INDEX deposits_key ON deposits(credential);",
};

enum { NEWEST = sizeof migrations / sizeof *migrations };

int64_t sam_schema_version(void)
{
	return NEWEST;
}

bool sam_schema_make(struct sam_conn *conn, int64_t from)
{
	char text[96];
	bool ok = true;
	for (int64_t v = from; ok && v < NEWEST; v++)
		ok = sam_conn_exec(conn, migrations[v]);
	snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 APPLICATION_ID, NEWEST);
	return ok && sam_conn_exec(conn, text);
}

static int64_t pragma(struct sam_conn *conn, const char *text)
{
	sqlite3_stmt *s = sam_conn_prepare(conn, text);
	int64_t value = sam_conn_row(conn, s) ? sqlite3_column_int64(s, 0) : -1;
	sqlite3_finalize(s);
	return value;
}

enum sam_reason sam_schema_check(struct sam_conn *conn, int64_t *version, struct sam_msg *msg)
{
	int64_t id = pragma(conn, "PRAGMA application_id");
	*version = pragma(conn, "PRAGMA user_version");
	if (conn->broken != SAM_OK) {
		sam_msg_set(msg, "it cannot be read: %s", sam_reason_text(conn->broken));
		return conn->broken;
	}
	if (id != APPLICATION_ID || *version < 1) {
		sam_msg_set(msg, "it is no store of p11-sam");
		return sam_log_reason(SAM_STORE_FAILED, "store: the file is no store of p11-sam");
	}
	if (*version > NEWEST) {
		sam_msg_set(msg, "its schema is version %lld, this program knows %d",
			    (long long)*version, NEWEST);
		return sam_log_reason(SAM_STORE_NEWER, "store: schema version %lld, known %d",
				      (long long)*version, NEWEST);
	}
	return SAM_OK;
}

enum sam_reason sam_schema_digest(struct sam_conn *conn, uint8_t out[32])
{
	struct sam_rowmac bytes;
	sam_rowmac_start(&bytes, "schema");
	sqlite3_stmt *s = sam_conn_get(conn, SAM_SQL_SCHEMA_LIST);
	while (sam_conn_row(conn, s))
		for (int i = 0; i < 4; i++)
			sam_rowmac_text(&bytes, (const char *)sqlite3_column_text(s, i));
	enum sam_reason reason = conn->broken;
	if (reason == SAM_OK)
		reason = bytes.failed
				 ? SAM_MEMORY
				 : sam_ossl_digest(SAM_HASH_SHA256, bytes.data, bytes.len, out);
	sam_rowmac_end(&bytes);
	return reason;
}
