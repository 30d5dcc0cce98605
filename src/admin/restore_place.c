/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last steps of a restore: the ready store in the place of the live one, and what follows; and taking them up
 * where they were interrupted.
 */
#include "admin/restore_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

/* ---- an earlier one that was interrupted ---- */

struct last {
	char old[SAM_RESTORING_TEXT], new[SAM_RESTORING_TEXT];
	int64_t time_us;
};

static enum sam_reason note_last(void *arg, const struct sam_audit_row *row)
{
	struct last *last = arg;
	struct sam_audit_row own;
	json_t *object = NULL;
	if (sam_replay_line(row->line, &own, &object)) {
		const char *old = json_string_value(json_object_get(object, "old"));
		const char *new = json_string_value(json_object_get(object, "new"));
		sam_mem_copy_text(last->old, sizeof last->old, old ? old : "");
		sam_mem_copy_text(last->new, sizeof last->new, new ? new : "");
		last->time_us = own.time_us;
	}
	json_decref(object);
	return SAM_OK;
}

/* The record of the restore that the fresh store ends with. */
static enum sam_reason read_last(struct sam_restoring *r, struct last *last)
{
	const struct sam_audit_filter filter = {.type = sam_audit_event_info(SAM_EVENT_RESTORE)->name,
						.outcome = "success"};
	memset(last, 0, sizeof *last);
	return sam_store_audit_read(r->fresh.store, &filter, note_last, last);
}

/* The record says whether it is this backup's restore, the epoch whether it came to its end: it is the copy's
 * own until then. */
static enum sam_reason check_ready(struct sam_restoring *r, const struct sam_store_head *head, const struct last *last,
				   bool *ready)
{
	char old[SAM_RESTORING_TEXT];
	struct sam_container_info info = {.jws = NULL};
	enum sam_reason reason = sam_container_read(r->file, NULL, -1, &info, r->msg);
	if (reason == SAM_OK)
		reason = sam_restoring_signed(r, &r->fresh, &info);
	sam_container_clear(&info);
	sam_restoring_file(&r->out->about, old);
	*ready = reason == SAM_OK && strcmp(old, last->old) == 0 && head->epoch > r->out->about.epoch;
	return reason;
}

/* Which of them loses its name first says replace.c: where no store stands, the ready one lies beside it. */
enum sam_reason sam_restoring_take_up(struct sam_restoring *r, bool *ready)
{
	char here[PATH_MAX + 32], there[PATH_MAX + 32];
	struct sam_store_head head;
	struct last last;
	*ready = false;
	if (sam_restoring_exists(r->config.store, "") || !sam_restoring_exists(r->path, ""))
		return SAM_OK;
	snprintf(here, sizeof here, "%s.mark", r->path);
	snprintf(there, sizeof there, "%s.mark", r->config.store);
	if (!sam_restoring_exists(here, "") && rename(there, here) != 0 && errno != ENOENT)
		return SAM_STORE_FAILED;
	/* the CM's number must be its own: an older one put there would bring used SADs back */
	if (sam_restoring_open(r, &r->fresh, r->path, false) == SAM_OK &&
	    sam_store_check(r->fresh.store, r->msg) == SAM_OK && sam_store_head(r->fresh.store, &head) == SAM_OK &&
	    read_last(r, &last) == SAM_OK && last.old[0]) {
		r->placing = true; /* whatever comes now, it is kept: nothing else has what it has */
		enum sam_reason reason = check_ready(r, &head, &last, ready);
		if (reason == SAM_OK && !*ready)
			sam_msg_set(r->msg, "%s is the ready store of an interrupted restore of another backup: give that "
				    "one, or move it away", r->path);
		if (reason != SAM_OK || !*ready)
			return reason == SAM_OK ? SAM_STORE_EXISTS : reason;
		const char *record = strstr(last.new, "record ");
		r->out->finished = true;
		r->out->complete = strncmp(last.new, SAM_REPLAY_COMPLETE, strlen(SAM_REPLAY_COMPLETE)) == 0;
		r->out->proven = record ? strtoull(record + strlen("record "), NULL, 10) : 0;
		r->out->epoch = head.epoch;
		return sam_restoring_identify(r, &r->fresh);
	}
	sam_restoring_close(&r->fresh);
	sam_msg_set(r->msg, "%s", "");
	return SAM_OK;
}

/* ---- in its place ---- */

/* The same name whenever it is asked for. */
static enum sam_reason name_kept(struct sam_restoring *r, char suffix[64])
{
	struct last last;
	struct tm tm;
	enum sam_reason reason = read_last(r, &last);
	time_t when = (time_t)(last.time_us / 1000000);
	char text[32] = "";
	if (reason == SAM_OK && (!gmtime_r(&when, &tm) || strftime(text, sizeof text, "%Y%m%dT%H%M%S", &tm) == 0))
		reason = SAM_INTERNAL;
	snprintf(suffix, 64, ".before-restore-%s.%06dZ", text, (int)(last.time_us % 1000000));
	snprintf(r->out->kept, sizeof r->out->kept, "%s%s", r->config.store, suffix);
	return reason;
}

/* What is done now at the live store would be lost. */
static enum sam_reason check_quiet(struct sam_restoring *r)
{
	struct sam_store_head head;
	if (!r->live.store)
		return SAM_OK;
	enum sam_reason reason = sam_store_head(r->live.store, &head);
	if (reason == SAM_OK && head.sequence != r->was.sequence) {
		sam_msg_set(r->msg, "the live store is written to; stop the processes that use it, and try again");
		reason = SAM_STORE_CHANGED;
	}
	return reason;
}

enum sam_reason sam_restoring_place(struct sam_restoring *r)
{
	char suffix[64] = "";
	const struct sam_store_options options = sam_restoring_options(r, r->config.store);
	struct sam_store_head head;
	enum sam_reason reason = sam_store_head(r->fresh.store, &head);
	r->out->not_before = head.not_before;
	if (reason == SAM_OK)
		reason = name_kept(r, suffix);
	if (reason == SAM_OK)
		reason = check_quiet(r);
	if (reason != SAM_OK)
		return reason;
	sam_registry_put(r->s);
	r->s = NULL;
	sam_replay_clear(&r->replay);
	sam_restoring_close(&r->fresh);
	r->placing = true;
	reason = sam_store_replace(&options, r->path, suffix, r->msg);
	if (reason == SAM_OK) {
		sam_backup_remove(r->path); /* its lock file */
		sam_restoring_close(&r->live);
	}
	if (!sam_restoring_exists(r->out->kept, ""))
		r->out->kept[0] = '\0';
	return reason;
}

/* In the moment before the old store lost its place others may have written to it: that is not replayed. */
static enum sam_reason hold_late(struct sam_restoring *r, uint64_t late)
{
	char text[SAM_RESTORING_TEXT];
	struct sam_event event = sam_restoring_event(r, SAM_EVENT_RESTORE, 0, NULL);
	const struct sam_replay_rules rules = {.but = {r->people[0].name, r->people[1].name}};
	struct sam_edit edit;
	enum sam_reason reason = sam_registry_get(r->live.registry, &r->s);
	if (reason == SAM_OK)
		reason = sam_replay_start(&r->replay, r->s, &rules);
	if (reason != SAM_OK)
		return reason;
	sam_replay_hold(&r->replay);
	sam_edit_start(&edit, r->live.registry, r->s);
	snprintf(text, sizeof text,
		 "gap after record %" PRIu64 " (%" PRIu64 " came in the meantime): every signer suspended", r->out->proven,
		 late);
	event.new_value = text;
	reason = sam_replay_edit(&r->replay, &edit, sam_clock_now());
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, &r->live.audit, &event);
	sam_edit_clear(&edit);
	json_decref(r->out->replayed);
	r->out->replayed = sam_replay_describe(&r->replay);
	r->out->complete = false;
	return reason;
}

enum sam_reason sam_restoring_settle(struct sam_restoring *r)
{
	uint64_t late = 0;
	enum sam_reason reason = sam_restoring_open(r, &r->live, r->config.store, false);
	if (reason == SAM_OK && r->out->kept[0] && r->out->complete)
		reason = sam_restoring_late(r, &late);
	if (reason == SAM_OK && late)
		reason = hold_late(r, late);
	return reason == SAM_OK ? sam_store_checkpoint(r->live.store, true) : reason;
}
