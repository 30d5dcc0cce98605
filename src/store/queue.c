/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Group commit: the first caller leads, takes along who waits behind it, runs all of them in one
 * transaction and wakes each by itself; then the first who came meanwhile leads. No threads. A
 * caller who is alone leads at once.
 */
#include "store/internal.h"

#include <errno.h>
#include "base/clock.h"

static void wait_for(sem_t *wake)
{
	while (sem_wait(wake) != 0 && errno == EINTR)
		continue;
}

/* Only leaders take from the queue, so the leader's own operation is its first. */
static size_t take_batch(struct sam_queue *q, size_t max, struct sam_op **batch)
{
	size_t n = 0;
	/* LOCKED */
	pthread_mutex_lock(&q->mutex);
	do {
		batch[n++] = q->first;
		q->first = q->first->next;
	} while (n < max && q->first && !batch[0]->chore && !q->first->chore);
	if (!q->first)
		q->last = &q->first;
	pthread_mutex_unlock(&q->mutex);
	/* LOCKED end */
	return n;
}

static void hand_over(struct sam_queue *q)
{
	/* LOCKED */
	pthread_mutex_lock(&q->mutex);
	struct sam_op *next = q->first;
	q->leading = next != NULL;
	pthread_mutex_unlock(&q->mutex);
	/* LOCKED end */
	if (next)
		sem_post(&next->wake);
}

/* All but the leader's own. Once woken, an operation is gone: it lies on its caller's stack. */
static void wake(struct sam_op **batch, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		batch[i]->done = true;
		sem_post(&batch[i]->wake);
	}
}

/* Where it cannot be written the next opening checks every row: no reason to fail. */
static void leave(struct sam_store *store)
{
	struct sam_files files;
	if (!store->writer || !store->writer->look.valid || atomic_load(&store->tampered))
		return;
	sam_mark_look(store->path, &files);
	(void)!sam_mark_leave(store->mark, store->path, store->seal, store->writer->look.sequence, &files);
}

/* Under the lock: what must be so before anything is written. */
static enum sam_reason prepare(struct sam_store *store, bool *ours)
{
	struct sam_files files;
	uint64_t sequence;
	enum sam_reason reason = sam_store_in_place(store);
	if (reason != SAM_OK)
		return reason;
	sam_mark_look(store->path, &files);
	*ours = sam_mark_as_left(store->mark, store->seal, &files, &sequence);
	return SAM_OK;
}

static void lead(struct sam_store *store, struct sam_op *own)
{
	struct sam_op *batch[SAM_BATCH_MAX];
	bool ours = false;
	enum sam_reason locked = sam_writelock_take(store->lock, own->since_ms + store->busy_ms);
	enum sam_reason reason = locked == SAM_OK ? prepare(store, &ours) : locked;
	/* The batch is what has come by now. Where it cannot begin each fails for itself, at its own time. */
	size_t count = take_batch(&store->queue, reason == SAM_OK ? SAM_BATCH_MAX : 1, batch);
	if (reason != SAM_OK)
		own->result = reason;
	else if (own->chore)
		own->result = own->chore(store, own->arg);
	else
		sam_txn_run(store, batch, count);
	if (reason == SAM_OK && !own->chore && sam_chores_due(store)) {
		wake(batch, count);
		count = 0;
		sam_chores_run(store);
	}
	if (ours)
		leave(store);
	if (locked == SAM_OK)
		sam_writelock_give(store->lock);
	hand_over(&store->queue);
	wake(batch, count);
}

enum sam_reason sam_queue_run(struct sam_store *store, struct sam_op *op)
{
	struct sam_queue *q = &store->queue;
	enum sam_reason usable = sam_store_usable(store);
	if (usable != SAM_OK)
		return usable;
	sem_init(&op->wake, 0, 0);
	op->since_ms = sam_clock_monotonic_ms();
	op->next = NULL;
	op->done = false;
	/* LOCKED */
	pthread_mutex_lock(&q->mutex);
	*q->last = op;
	q->last = &op->next;
	bool leads = !q->leading;
	q->leading = true;
	pthread_mutex_unlock(&q->mutex);
	/* LOCKED end */
	if (!leads)
		wait_for(&op->wake);
	if (!op->done) {
		sam_store_enter();
		lead(store, op);
		sam_store_leave();
	}
	sem_destroy(&op->wake);
	return op->result;
}
