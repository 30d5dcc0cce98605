/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The write lock: POSIX record locks on PATH.lock, which the kernel drops with the process and fork
 * does not inherit. Never waited for in the kernel, so that no wait is without an end: a waiter
 * tries, and sleeps on a counter in the file that whoever unlocks moves on. The counter is only a
 * hint; a killed holder costs the waiter one nap. (SQLite's own busy handler starves writers for
 * seconds.) Closing any descriptor of the file drops its locks: so all handles of a process share
 * one descriptor.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"

/* The bytes that are locked: who has the second is next to get the first. Without it a process that
 * commits in a row would hardly ever be caught without the lock. */
enum { HAVE, NEXT, BYTES };

/* Gates: bytes behind those, which nothing is written to. */
enum { FIRST_GATE = 64 };

struct sam_writelock {
	struct sam_writelock *next;
	dev_t dev;
	ino_t ino;
	int fd;
	_Atomic uint32_t
		*released; /* of each byte, how often: in the file, shared by all processes */
	unsigned handles;
	pthread_mutex_t inside; /* one handle of this process at a time */
	pthread_mutex_t gates[SAM_GATES]; /* for its threads */
};

/* Of one process. A forked child leaves its parent's as it is (one of the parent's threads may have
 * held the mutex) and makes its own. */
struct registry {
	pid_t pid;
	pthread_mutex_t mutex;
	struct sam_writelock *locks;
};
static _Atomic(struct registry *) current;

static struct registry *own_registry(void)
{
	struct registry *old = atomic_load(&current);
	if (old && old->pid == getpid())
		return old;
	struct registry *fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return NULL;
	fresh->pid = getpid();
	pthread_mutex_init(&fresh->mutex, NULL);
	if (atomic_compare_exchange_strong(&current, &old, fresh))
		return fresh;
	pthread_mutex_destroy(&fresh->mutex);
	free(fresh);
	return atomic_load(&current);
}

static struct sam_writelock *find(struct registry *r, const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return NULL;
	for (struct sam_writelock *l = r->locks; l; l = l->next)
		if (l->dev == st.st_dev && l->ino == st.st_ino)
			return l;
	return NULL;
}

/* Made by root, the file must still serve the store's owner. */
static int open_file(const char *store, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && geteuid() == 0 && stat(store, &st) == 0 &&
	    fchown(fd, st.st_uid, st.st_gid) != 0)
		sam_log(SAM_LOG_WARNING, "store: %s: %s", path, strerror(errno));
	return fd;
}

static void drop(struct sam_writelock *l)
{
	if (l->released)
		munmap((void *)l->released, BYTES * sizeof *l->released);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static bool map_counters(struct sam_writelock *l)
{
	off_t size = BYTES * sizeof *l->released;
	struct stat st;
	if (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_size < size && ftruncate(l->fd, size) != 0))
		return false;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	void *at = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
	if (at != MAP_FAILED)
		l->released = at;
	return l->released != NULL;
}

static struct sam_writelock *make(const char *store, const char *path)
{
	struct sam_writelock *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->fd = open_file(store, path);
	if (l->fd < 0 || !map_counters(l)) {
		sam_log(SAM_LOG_ERR, "store: %s: %s", path, strerror(errno));
		drop(l);
		return NULL;
	}
	pthread_mutex_init(&l->inside, NULL);
	for (unsigned i = 0; i < SAM_GATES; i++)
		pthread_mutex_init(&l->gates[i], NULL);
	return l;
}

enum sam_reason sam_writelock_open(const char *path, struct sam_writelock **out)
{
	char name[PATH_MAX + 8];
	struct registry *r = own_registry();
	if (!r)
		return sam_log_reason(SAM_MEMORY, "store: the write lock");
	snprintf(name, sizeof name, "%s.lock", path);
	/* LOCKED */
	pthread_mutex_lock(&r->mutex);
	struct sam_writelock *l = find(r, name);
	if (!l && (l = make(path, name))) {
		l->next = r->locks;
		r->locks = l;
	}
	if (l)
		l->handles++;
	pthread_mutex_unlock(&r->mutex);
	/* LOCKED end */
	*out = l;
	return l ? SAM_OK : sam_log_reason(SAM_STORE_FAILED, "store: no write lock for %s", path);
}

void sam_writelock_close(struct sam_writelock *lock)
{
	struct registry *r = atomic_load(&current);
	if (!lock || !r || r->pid != getpid())
		return;
	/* LOCKED */
	pthread_mutex_lock(&r->mutex);
	if (--lock->handles == 0) {
		struct sam_writelock **at = &r->locks;
		while (*at != lock)
			at = &(*at)->next;
		*at = lock->next;
		pthread_mutex_destroy(&lock->inside);
		for (unsigned i = 0; i < SAM_GATES; i++)
			pthread_mutex_destroy(&lock->gates[i]);
		drop(lock);
	}
	pthread_mutex_unlock(&r->mutex);
	/* LOCKED end */
}

static bool set(const struct sam_writelock *lock, short type, unsigned byte)
{
	struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	return fcntl(lock->fd, F_SETLK, &f) == 0;
}

static void tell(const struct sam_writelock *lock, unsigned byte)
{
	atomic_fetch_add(&lock->released[byte], 1);
	syscall(SYS_futex, &lock->released[byte], FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Until it is released, or for 5 ms: its holder may have been killed. */
static void nap(const struct sam_writelock *lock, unsigned byte, uint32_t released)
{
	struct timespec t = {.tv_nsec = 5000000};
	syscall(SYS_futex, &lock->released[byte], FUTEX_WAIT, released, &t, NULL, 0);
}

/* Until ${deadline_ms}. */
static enum sam_reason poll_for(const struct sam_writelock *lock, unsigned byte,
				int64_t deadline_ms)
{
	uint32_t released = atomic_load(&lock->released[byte]);
	while (!set(lock, F_WRLCK, byte)) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			return sam_log_reason(SAM_STORE_FAILED, "store: the write lock: %s",
					      strerror(errno));
		if (sam_clock_monotonic_ms() >= deadline_ms)
			return SAM_STORE_BUSY;
		nap(lock, byte, released);
		released = atomic_load(&lock->released[byte]);
	}
	return SAM_OK;
}

/* Other handles of this process. */
static enum sam_reason poll_inside(struct sam_writelock *lock, int64_t deadline_ms)
{
	uint32_t released = atomic_load(&lock->released[HAVE]);
	while (pthread_mutex_trylock(&lock->inside) != 0) {
		if (sam_clock_monotonic_ms() >= deadline_ms)
			return SAM_STORE_BUSY;
		nap(lock, HAVE, released);
		released = atomic_load(&lock->released[HAVE]);
	}
	return SAM_OK;
}

enum sam_reason sam_writelock_take(struct sam_writelock *lock, int64_t deadline_ms)
{
	enum sam_reason reason = poll_inside(lock, deadline_ms);
	if (reason == SAM_OK) {
		reason = poll_for(lock, NEXT, deadline_ms);
		if (reason == SAM_OK) {
			reason = poll_for(lock, HAVE, deadline_ms);
			set(lock, F_UNLCK, NEXT);
			tell(lock, NEXT);
		}
		if (reason != SAM_OK)
			pthread_mutex_unlock(&lock->inside);
	}
	if (reason == SAM_STORE_BUSY)
		return sam_log_reason(reason, "store: the write lock was not free in time");
	return reason;
}

void sam_writelock_give(struct sam_writelock *lock)
{
	if (!set(lock, F_UNLCK, HAVE))
		sam_log(SAM_LOG_ERR, "store: the write lock stays taken: %s", strerror(errno));
	pthread_mutex_unlock(&lock->inside);
	tell(lock, HAVE);
}

/* ---- gates ---- */

static bool nap_until(int64_t deadline_ms)
{
	const struct timespec t = {.tv_nsec = 5000000};
	nanosleep(&t, NULL);
	return sam_clock_monotonic_ms() < deadline_ms;
}

enum sam_reason sam_writelock_enter(struct sam_writelock *lock, unsigned gate, int64_t deadline_ms)
{
	while (pthread_mutex_trylock(&lock->gates[gate]) != 0)
		if (!nap_until(deadline_ms))
			return SAM_STORE_BUSY;
	while (!set(lock, F_WRLCK, FIRST_GATE + gate)) {
		const bool taken = errno == EACCES || errno == EAGAIN || errno == EINTR;
		if (taken && nap_until(deadline_ms))
			continue;
		pthread_mutex_unlock(&lock->gates[gate]);
		return taken ? SAM_STORE_BUSY : sam_log_reason(SAM_STORE_FAILED, "store: a gate: %s", strerror(errno));
	}
	return SAM_OK;
}

void sam_writelock_leave(struct sam_writelock *lock, unsigned gate)
{
	if (!set(lock, F_UNLCK, FIRST_GATE + gate))
		sam_log(SAM_LOG_ERR, "store: a gate stays shut: %s", strerror(errno));
	pthread_mutex_unlock(&lock->gates[gate]);
}
