/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Restoring, step by step. Up to the last the live store is as it was; then the ready one takes its place, and
 * whoever is interrupted there finishes with the same command.
 */
#include "admin/restore_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/encode.h"
#include "registry/identify.h"

enum { ID_BYTES = 6, ID_SIZE = 2 * ID_BYTES + 1, LEEWAY_S = 10 };

bool sam_restoring_exists(const char *path, const char *suffix)
{
	char name[PATH_MAX + 64];
	struct stat st;
	snprintf(name, sizeof name, "%s%s", path, suffix);
	return lstat(name, &st) == 0;
}

/* ---- records ---- */

/* What was restored: the record's `old`. */
void sam_restoring_file(const struct sam_backup_about *about, char out[SAM_RESTORING_TEXT])
{
	char hex[65];
	sam_encode_hex(about->sha256, sizeof about->sha256, hex);
	snprintf(out, SAM_RESTORING_TEXT, SAM_REPLAY_SEQ "%" PRIu64 ", epoch %" PRIu64 ", file_sha256 %s",
		 about->audit_seq, about->epoch, hex);
}

static void describe_outcome(const struct sam_restored *out, uint64_t epoch, char text[SAM_RESTORING_TEXT])
{
	if (out->complete)
		snprintf(text, SAM_RESTORING_TEXT, SAM_REPLAY_COMPLETE " up to record %" PRIu64 ", epoch %" PRIu64,
			 out->proven, epoch);
	else if (out->taken_over)
		snprintf(text, SAM_RESTORING_TEXT,
			 "gap after record %" PRIu64 " (from %" PRIu64 " on not proven): every signer suspended, epoch %" PRIu64,
			 out->proven, out->proven - out->taken_over + 1, epoch);
	else
		snprintf(text, SAM_RESTORING_TEXT,
			 "gap after record %" PRIu64 ": every signer suspended, epoch %" PRIu64, out->proven, epoch);
}

/* One record of each of the two people, with the same reference. */
struct sam_event sam_restoring_event(const struct sam_restoring *r, enum sam_event_type type, unsigned who,
				     const char *id)
{
	const struct sam_act_info *act = sam_act_info(SAM_ACT_BACKUP_RESTORE);
	struct sam_event event = {.type = type, .reference = id};
	sam_person_describe(&event, &r->people[who], who ? act->second : act->first);
	event.target = who ? act->name : sam_backup_name(r->order->file);
	event.new_value = who ? sam_backup_name(r->order->file) : NULL;
	return event;
}

/* Of a person that the live store knows; what nobody is called may be a mistyped password. */
static const char *known(const struct sam_restoring *r, const char *name)
{
	const struct sam_snapshot *s;
	if (sam_registry_get(r->live.registry, &s) != SAM_OK)
		return NULL;
	bool is = sam_registry_principal(s, name) || sam_registry_signer(s, name);
	sam_registry_put(s);
	return is ? name : NULL;
}

static enum sam_reason refuse(struct sam_restoring *r, enum sam_reason why)
{
	const char *target = sam_act_info(SAM_ACT_BACKUP_RESTORE)->name;
	struct sam_event event = {
		.type = SAM_EVENT_ADMIN_REFUSED,
		.reason = why,
		.actor_kind = "principal",
		.actor = known(r, r->order->who[0].name),
		.target = target,
		.new_value = sam_backup_name(r->order->file),
		.detail = r->msg->text[0] ? r->msg->text : NULL,
	};
	enum sam_reason reason = sam_audit_event(&r->live.audit, &event, true);
	return reason == SAM_OK ? why : reason;
}

/* ---- the store in the backup ---- */

static enum sam_reason statement_key(struct sam_restore_side *side, EVP_PKEY **out)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(side->registry, &s);
	if (reason != SAM_OK)
		return reason;
	*out = s->statement_key;
	if (*out && EVP_PKEY_up_ref(*out) != 1)
		reason = SAM_MEMORY;
	sam_registry_put(s);
	return reason;
}

/* By the live store's word where there is one; else by that of the store in it, which this CM sealed. */
enum sam_reason sam_restoring_signed(struct sam_restoring *r, struct sam_restore_side *side,
				       const struct sam_container_info *info)
{
	EVP_PKEY *key = NULL;
	enum sam_reason reason = statement_key(side, &key);
	if (reason == SAM_OK)
		reason = sam_backup_signed(r->config.sam_id, key, info, &r->out->about, r->msg);
	EVP_PKEY_free(key);
	return reason;
}

static enum sam_reason take_out(struct sam_restoring *r)
{
	struct sam_container_info info = {.jws = NULL};
	struct sam_store_head head;
	struct sam_store_options options = sam_restoring_options(r, r->path);
	options.restoring = true;
	sam_backup_remove(r->path);
	sam_backup_tell(r->order->progress, "decrypting", 0, 0);
	enum sam_reason reason = sam_backup_take_out(r->file, r->order->key, r->path, &info, r->msg);
	if (reason == SAM_OK && r->live.store)
		reason = sam_restoring_signed(r, &r->live, &info);
	sam_backup_tell(r->order->progress, "checking every row", 0, 0);
	if (reason == SAM_OK)
		reason = sam_store_adopt(&options, r->msg);
	if (reason == SAM_OK)
		reason = sam_restoring_open(r, &r->fresh, r->path, true);
	if (reason == SAM_OK && !r->live.store)
		reason = sam_restoring_signed(r, &r->fresh, &info);
	if (reason == SAM_OK)
		reason = sam_store_head(r->fresh.store, &head);
	if (reason == SAM_OK)
		reason = sam_backup_same(&r->out->about, &head, r->msg);
	if (reason == SAM_OK)
		reason = sam_registry_get(r->fresh.registry, &r->s);
	sam_container_clear(&info);
	if (reason != SAM_OK)
		return reason;
	r->out->about.opened = true;
	r->out->about.principals = r->s->principal_count;
	r->out->about.signers = r->s->signer_count;
	r->out->about.keys = r->s->key_count;
	return SAM_OK;
}

/* ---- what must not come back ---- */

/* Whom the trail since has removed, locked, or given another secret, cannot bring that undone. */
static enum sam_reason check_people(struct sam_restoring *r)
{
	const struct sam_act_info *act = sam_act_info(SAM_ACT_BACKUP_RESTORE);
	enum sam_reason reason = SAM_OK;
	for (unsigned i = 0; reason == SAM_OK && i < 2; i++) {
		reason = sam_replay_check(&r->replay, r->people[i].name, i ? act->second : act->first, sam_clock_now());
		if (reason != SAM_OK)
			sam_msg_set(r->msg,
				    "%s was removed or locked, or changed the password or device key, after the backup",
				    r->people[i].name);
	}
	return reason;
}

static enum sam_reason move_lock(void *arg, const char *name, int64_t until)
{
	const struct sam_restoring *r = arg;
	struct sam_counter_id doors[SAM_DOORS];
	enum sam_reason reason = SAM_OK;
	sam_identify_doors(name, doors); /* the record does not say which */
	for (size_t i = 0; reason == SAM_OK && i < SAM_DOORS; i++)
		reason = until ? sam_store_counter_lock(r->fresh.store, &doors[i], until, NULL)
			       : sam_store_counter_clear(r->fresh.store, &doors[i], NULL);
	return reason;
}

static enum sam_reason make_changes(struct sam_restoring *r, const char *id)
{
	const struct sam_event event = sam_restoring_event(r, SAM_EVENT_CONFIRM, 1, id);
	struct sam_edit edit;
	sam_edit_start(&edit, r->fresh.registry, r->s);
	enum sam_reason reason = sam_replay_locks(&r->replay, move_lock, r);
	if (reason == SAM_OK)
		reason = sam_replay_edit(&r->replay, &edit, sam_clock_now());
	if (reason == SAM_OK)
		reason = sam_edit_commit_event(&edit, &r->fresh.audit, &event);
	sam_edit_clear(&edit);
	return reason;
}

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Beyond every iat that can have been taken: whatever clock it was by. */
static int64_t no_sad_before(const struct sam_restoring *r, const struct sam_store_head *head)
{
	int64_t leeway = latest(r->policy.leeway, LEEWAY_S);
	if (r->s->sealed)
		leeway = latest(leeway, r->s->sealed->policy.leeway);
	return latest(sam_clock_now(), latest(head->latest_time, r->was.latest_time)) + leeway;
}

static enum sam_reason begin_epoch(struct sam_restoring *r, const char *id)
{
	char old[SAM_RESTORING_TEXT], new[SAM_RESTORING_TEXT];
	struct sam_event event = sam_restoring_event(r, SAM_EVENT_RESTORE, 0, id);
	struct sam_audit_record record = {.members = NULL};
	struct sam_store_head head;
	enum sam_reason reason = sam_store_head(r->fresh.store, &head);
	if (reason != SAM_OK)
		return reason;
	r->out->epoch = (head.epoch > r->was.epoch ? head.epoch : r->was.epoch) + 1;
	sam_restoring_file(&r->out->about, old);
	describe_outcome(r->out, r->out->epoch, new);
	event.old_value = old;
	event.new_value = new;
	reason = sam_audit_make(&r->fresh.audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_store_new_epoch(r->fresh.store, r->was.epoch, no_sad_before(r, &head), &record.record);
	sam_audit_clear(&record);
	return reason;
}

static enum sam_reason prepare(struct sam_restoring *r)
{
	uint8_t random[ID_BYTES];
	char id[ID_SIZE];
	enum sam_reason reason = take_out(r);
	if (reason == SAM_OK)
		reason = sam_restoring_trail(r);
	if (reason == SAM_OK)
		reason = sam_restoring_identify(r, &r->fresh);
	if (reason == SAM_OK)
		reason = check_people(r);
	if (reason == SAM_OK)
		reason = sam_ossl_random(random, sizeof random);
	if (reason != SAM_OK)
		return reason;
	sam_encode_hex(random, sizeof random, id);
	sam_backup_tell(r->order->progress, "making the changes since", 0, 0);
	reason = make_changes(r, id);
	if (reason == SAM_OK)
		reason = begin_epoch(r, id);
	r->out->policy_lost = r->replay.policy_lost || !r->out->complete;
	if (reason == SAM_OK && !(r->out->replayed = sam_replay_describe(&r->replay)))
		reason = SAM_MEMORY;
	return reason;
}

static enum sam_reason run(struct sam_restoring *r)
{
	bool ready = false;
	enum sam_reason reason = sam_restoring_open_live(r);
	if (reason == SAM_OK && r->live.store)
		reason = sam_restoring_identify(r, &r->live);
	if (reason == SAM_OK)
		reason = sam_restoring_take_up(r, &ready);
	if (reason == SAM_OK && !ready)
		reason = prepare(r);
	if (reason == SAM_OK)
		reason = sam_restoring_place(r);
	if (reason != SAM_OK && r->live.audited)
		reason = refuse(r, reason);
	if (reason != SAM_OK)
		return reason;
	sam_backup_tell(r->order->progress, "making a checkpoint", 0, 0);
	reason = sam_restoring_settle(r);
	if (reason != SAM_OK && !r->msg->text[0])
		sam_msg_set(r->msg, "the backup stands in the store's place, but it cannot be used: %s",
			    sam_reason_text(reason));
	return reason;
}

enum sam_reason sam_restore(const struct sam_restore_order *order, struct sam_restored *out, struct sam_msg *msg)
{
	struct sam_msg own = {""};
	struct sam_restoring *r = calloc(1, sizeof *r);
	memset(out, 0, sizeof *out);
	if (!r)
		return SAM_MEMORY;
	r->order = order;
	r->out = out;
	r->msg = msg ? msg : &own;
	r->live.name = "the live store";
	r->fresh.name = "the backup";
	enum sam_reason reason = sam_restoring_start(r);
	if (reason == SAM_OK)
		reason = run(r);
	sam_restoring_close(&r->fresh);
	if (reason != SAM_OK && r->folder >= 0 && (!r->placing || sam_restoring_exists(r->config.store, "")))
		sam_backup_remove(r->path);
	sam_restoring_end(r);
	free(r);
	return reason;
}

void sam_restore_clear(struct sam_restored *out)
{
	json_decref(out->replayed);
	memset(out, 0, sizeof *out);
}
