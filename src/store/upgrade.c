/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From an older schema to the newest, in one transaction: the tables, the granting rows as the caller
 * translates them, the head. What is upgraded was checked before: an edit of an older store must not
 * become ours by it.
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"

/* What the caller made of the rows, until all are read: a table is not changed while it is read. */
struct work {
	const struct sam_upgrade *how;
	int64_t from;
	struct sam_change *changes;
	size_t count, size;
};

static void clear(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free((void *)w->changes[i].row.kind);
		free((void *)w->changes[i].row.id);
		free((void *)w->changes[i].row.body);
	}
	free(w->changes);
}

static bool grow(struct work *w)
{
	if (w->count < w->size)
		return true;
	size_t size = 2 * w->size + 16;
	struct sam_change *bigger = realloc(w->changes, size * sizeof *bigger);
	if (!bigger)
		return false;
	w->changes = bigger;
	w->size = size;
	return true;
}

static enum sam_reason translate(struct work *w, enum sam_change_kind what, const struct sam_row *row)
{
	char *body = NULL;
	size_t len = 0;
	enum sam_reason reason = w->how->migrate(w->how->arg, w->from, row, &body, &len);
	if (reason != SAM_OK || !body) {
		free(body);
		return reason;
	}
	if (!grow(w)) {
		free(body);
		return sam_log_reason(SAM_MEMORY, "store: an upgrade");
	}
	struct sam_change *c = &w->changes[w->count++];
	*c = (struct sam_change){what, {strdup(row->kind), strdup(row->id), body, len}};
	return c->row.kind && c->row.id ? SAM_OK : sam_log_reason(SAM_MEMORY, "store: an upgrade");
}

static enum sam_reason replace(void *arg, const struct sam_row *row)
{
	struct work *w = arg;
	return w->how->migrate ? translate(w, SAM_CHANGE_REPLACE, row) : SAM_OK;
}

/* The policy that version 1 had in its head becomes a row. */
static enum sam_reason add_policy(struct work *w, const struct sam_head *head)
{
	const struct sam_row policy = {"policy", "sealed", head->old_policy, sizeof head->old_policy};
	return w->how->migrate && w->from == 1 ? translate(w, SAM_CHANGE_ADD, &policy) : SAM_OK;
}

static enum sam_reason grants(struct sam_txn *txn, struct work *w)
{
	struct sam_sum sum;
	enum sam_reason reason = sam_grants_scan(txn->conn, txn->store->seal, replace, w, &sum);
	if (reason == SAM_OK && !sam_rowmac_same(&sum, &txn->head.grants))
		reason = sam_log_reason(SAM_STORE_TAMPERED, "store: the granting rows are not those of the head");
	if (reason == SAM_OK)
		reason = add_policy(w, &txn->head);
	for (size_t i = 0; reason == SAM_OK && i < w->count; i++)
		reason = sam_grants_apply(txn, &w->changes[i]);
	txn->head.public.grants_version++;
	return reason;
}

/* The rows that forbid are checked by sam_store_open() right after it, against what stays in the head. */
enum sam_reason sam_upgrade_run(struct sam_txn *txn, void *arg)
{
	struct work w = {.how = arg};
	enum sam_reason reason = sam_schema_check(txn->conn, &w.from, NULL);
	if (reason != SAM_OK || w.from == sam_schema_version()) /* another process was first */
		return reason;
	reason = sam_mark_check(txn, NULL);
	if (reason == SAM_OK)
		reason = sam_check_schema(txn->conn, &txn->head, NULL);
	if (reason == SAM_OK && !sam_schema_make(txn->conn, w.from))
		reason = txn->conn->broken;
	if (reason == SAM_OK)
		reason = grants(txn, &w);
	clear(&w);
	return reason == SAM_OK ? sam_schema_digest(txn->conn, txn->head.schema) : reason;
}
