/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The live trail beyond the backup: taken over record by record as far as it chains, then replayed. Its lines are
 * plain hashes, which anybody can compute; only the sealed head, as far as the CM's number vouches for it, says
 * that they are true and all.
 */
#include "admin/restore_state.h"

#include <inttypes.h>
#include <string.h>
#include "base/log.h"

enum { TELL_EACH = 256 };

struct grafting {
	struct sam_restoring *r;
	struct sam_audit_verifier v;
	uint64_t since;
	enum sam_reason failed;   /* not the trail's fault */
};

/* A reason other than SAM_OK ends the salvage: there the trail ends for us. */
static enum sam_reason graft(void *arg, const struct sam_audit_row *row)
{
	struct grafting *g = arg;
	struct sam_audit_verifier next = g->v;
	struct sam_audit_row own;
	struct sam_msg why = {""};
	json_t *object = NULL;
	enum sam_reason reason = sam_audit_verify_line(&next, row->line, own.hash, &why);
	if (reason == SAM_OK && !sam_replay_line(row->line, &own, &object))
		reason = SAM_STORE_TAMPERED;
	if (reason == SAM_OK)
		reason = sam_store_graft(g->r->fresh.store, &own);
	if (reason == SAM_OK)
		g->v = next;
	else if (reason != SAM_STORE_TAMPERED && reason != SAM_ARGUMENTS)
		g->failed = reason;
	if (reason == SAM_OK && (own.seq - g->since) % TELL_EACH == 0)
		sam_backup_tell(g->r->order->progress, "taking over the trail", own.seq - g->since, 0);
	json_decref(object);
	return reason;
}

/* Does the old store's head, sealed and not set back behind the CM's number, end where we do? */
static enum sam_reason check_end(struct sam_restoring *r, const struct grafting *g)
{
	uint64_t number = 0;
	const struct sam_store_head *was = &r->was;
	enum sam_reason reason = r->own.witness.read(r->own.witness.arg, g->v.node, &number);
	r->out->proven = g->v.next_seq - 1;
	r->out->taken_over = r->out->proven - g->since;
	/* a CM without the number knows nothing of what a store was set back behind */
	r->out->complete = reason == SAM_OK && strcmp(was->node, g->v.node) == 0 && was->checkpoint >= number &&
			   (number != 0 || was->checkpoint <= 1) && was->audit_seq == r->out->proven &&
			   sam_mem_equal(was->audit_hash, g->v.prev, sizeof g->v.prev);
	return reason;
}

static enum sam_reason replay(void *arg, const struct sam_audit_row *row)
{
	struct sam_restoring *r = arg;
	struct sam_audit_row own;
	json_t *object = NULL;
	enum sam_reason reason = sam_replay_line(row->line, &own, &object) ? sam_replay_record(&r->replay, object)
									   : SAM_STORE_TAMPERED;
	json_decref(object);
	return reason;
}

static enum sam_reason replay_all(struct sam_restoring *r, uint64_t since)
{
	const bool sealed = r->s->sealed && r->s->sealed->policy.level;
	const struct sam_replay_rules rules = {
		.since = since,
		.lock_s = sealed ? r->s->sealed->policy.lockout_s : r->policy.lockout_s,
		.complete = r->out->complete,
		.but = {r->order->who[0].name, r->order->who[1].name},
	};
	const struct sam_audit_filter filter = {.from_seq = since + 1};
	enum sam_reason reason = sam_replay_start(&r->replay, r->s, &rules);
	if (reason == SAM_OK && r->out->taken_over)
		reason = sam_store_audit_read(r->fresh.store, &filter, replay, r);
	if (reason == SAM_OK && !r->out->complete)
		sam_replay_hold(&r->replay);
	return reason;
}

enum sam_reason sam_restoring_trail(struct sam_restoring *r)
{
	struct sam_store_head head;
	struct grafting g = {.r = r};
	const struct sam_store_options live = sam_restoring_options(r, r->config.store);
	enum sam_reason reason = sam_store_head(r->fresh.store, &head);
	if (reason != SAM_OK)
		return reason;
	g.since = head.audit_seq;
	g.v.next_seq = head.audit_seq + 1;
	memcpy(g.v.prev, head.audit_hash, sizeof g.v.prev);
	sam_mem_copy_text(g.v.node, sizeof g.v.node, head.node);
	sam_backup_tell(r->order->progress, "taking over the trail", 0, 0);
	reason = sam_store_salvage(&live, g.v.next_seq, graft, &g, &r->was);
	if (g.failed != SAM_OK)
		return g.failed;
	if (reason != SAM_OK) /* none, or it ends in what is no record of ours */
		sam_log(SAM_LOG_WARNING, "restore: of the live trail, records up to %" PRIu64 " can be taken over",
			g.v.next_seq - 1);
	reason = check_end(r, &g);
	return reason == SAM_OK ? replay_all(r, g.since) : reason;
}

static enum sam_reason count_one(void *arg, const struct sam_audit_row *row)
{
	(void)row;
	++*(uint64_t *)arg;
	return SAM_OK;
}

enum sam_reason sam_restoring_late(struct sam_restoring *r, uint64_t *count)
{
	struct sam_store_head head;
	const struct sam_store_options options = sam_restoring_options(r, r->out->kept);
	*count = 0;
	enum sam_reason reason = sam_store_salvage(&options, r->out->proven + 1, count_one, count, &head);
	return reason == SAM_STORE_MISSING ? SAM_OK : reason;
}
