/* SPDX-License-Identifier: BSD-3-Clause
 *
 * PATH.mark, beside the store: two small sealed notes.
 *
 * How far: the sequence after the newest durable commit. SQLite takes a WAL whose end is garbled, cut
 * or gone for a crash and goes on with what was before: transactions that released a signature would be
 * undone without a word. A store behind this note was set back and is refused. (Who sets back the store
 * and its mark together is found by the number in the CM: checkpoint.c.) The note is written after the
 * commit and not synced: never ahead of what the disk has of the store.
 *
 * As left: what the files looked like when the SAM last let go of the write lock. Where they still do, no
 * other program has touched them, and opening need not check every row that forbids again. It is
 * written only where the files were as left before, or every row was checked: so a change from outside
 * is never taken for ours.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

enum {
	FILES = sizeof(struct sam_files) / sizeof(uint64_t),
	NOTE_MAX = 8 * (1 + FILES) + SAM_SEAL_MAC,
	HOW_FAR_AT = 0,
	AS_LEFT_AT = 64,
};

struct note {
	const char *what;
	off_t at;
	unsigned count; /* numbers */
};
static const struct note how_far = {"mark: how far", HOW_FAR_AT, 1};
static const struct note as_left = {"mark: as left", AS_LEFT_AT, 1 + FILES};

static enum sam_reason seal_note(const struct sam_seal *seal, const struct note *note, const uint64_t *numbers,
				 uint8_t out[NOTE_MAX], size_t *len)
{
	struct sam_rowmac r;
	*len = 0;
	sam_rowmac_start(&r, note->what);
	for (unsigned n = 0; n < note->count; n++) {
		sam_rowmac_int(&r, (int64_t)numbers[n]);
		for (int shift = 56; shift >= 0; shift -= 8)
			out[(*len)++] = (uint8_t)(numbers[n] >> shift);
	}
	enum sam_reason reason = sam_rowmac_make(&r, seal, SAM_SEAL_ROW, out + *len);
	sam_rowmac_end(&r);
	*len += SAM_SEAL_MAC;
	return reason;
}

static enum sam_reason write_note(int fd, const char *path, const struct sam_seal *seal, const struct note *note,
				  const uint64_t *numbers)
{
	uint8_t bytes[NOTE_MAX];
	size_t len;
	enum sam_reason reason = seal_note(seal, note, numbers, bytes, &len);
	if (reason == SAM_OK && pwrite(fd, bytes, len, note->at) != (ssize_t)len)
		reason = sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
	return reason;
}

static enum sam_reason read_note(int fd, const struct sam_seal *seal, const struct note *note, uint64_t *numbers)
{
	uint8_t bytes[NOTE_MAX], right[NOTE_MAX];
	size_t len = note->count * 8 + SAM_SEAL_MAC;
	if (pread(fd, bytes, len, note->at) != (ssize_t)len)
		return SAM_STORE_TAMPERED;
	for (unsigned n = 0; n < note->count; n++) {
		numbers[n] = 0;
		for (unsigned i = 0; i < 8; i++)
			numbers[n] = numbers[n] << 8 | bytes[8 * n + i];
	}
	enum sam_reason reason = seal_note(seal, note, numbers, right, &len);
	if (reason == SAM_OK && !sam_mem_equal(bytes, right, len))
		reason = SAM_STORE_TAMPERED;
	return reason;
}

static uint64_t nanoseconds(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static void look_at(const char *path, const char *suffix, struct sam_file *file)
{
	char name[PATH_MAX + 8];
	struct stat st;
	memset(file, 0, sizeof *file);
	snprintf(name, sizeof name, "%s%s", path, suffix);
	if (lstat(name, &st) != 0)
		return;
	*file = (struct sam_file){(uint64_t)st.st_ino, (uint64_t)st.st_size, nanoseconds(&st.st_mtim),
				  nanoseconds(&st.st_ctim)};
}

static int open_mark(const char *path, int flags)
{
	char name[PATH_MAX + 8];
	snprintf(name, sizeof name, "%s.mark", path);
	return open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum sam_reason sam_mark_create(const char *path, const struct sam_seal *seal, uint64_t sequence)
{
	int fd = open_mark(path, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
	enum sam_reason reason = write_note(fd, path, seal, &how_far, &sequence);
	if (reason == SAM_OK && fsync(fd) != 0)
		reason = sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
	close(fd);
	return reason;
}

enum sam_reason sam_mark_open(const char *path, int *fd)
{
	struct stat st;
	*fd = open_mark(path, O_RDWR);
	if (*fd >= 0 && fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 022))
		return SAM_OK;
	if (*fd < 0 && errno != ENOENT)
		return sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
	return sam_log_reason(SAM_STORE_TAMPERED, "store: %s.mark is gone, or not as the SAM made it", path);
}

void sam_mark_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* invariant 3: a store that was set back would give again what it gave. */
enum sam_reason sam_mark_check(struct sam_txn *txn, void *arg)
{
	uint64_t sequence;
	(void)arg;
	enum sam_reason reason = sam_mark_read(txn->store->mark, txn->store->seal, &sequence);
	if (reason == SAM_STORE_TAMPERED)
		return sam_log_reason(reason, "store: %s.mark is cut or does not have its MAC", txn->store->path);
	if (reason == SAM_OK && txn->head.public.sequence < sequence)
		reason = sam_log_reason(SAM_STORE_TAMPERED,
					"store: %s was set back, or its WAL lost: transaction %ju of %ju",
					txn->store->path, (uintmax_t)txn->head.public.sequence, (uintmax_t)sequence);
	return reason;
}

enum sam_reason sam_mark_read(int fd, const struct sam_seal *seal, uint64_t *sequence)
{
	return read_note(fd, seal, &how_far, sequence);
}

void sam_mark_look(const char *path, struct sam_files *files)
{
	look_at(path, "", &files->db);
	look_at(path, "-wal", &files->wal);
}

static bool same_data(const struct sam_file *a, const struct sam_file *b)
{
	return a->inode == b->inode && a->size == b->size && a->modified == b->modified;
}

bool sam_mark_same_data(const struct sam_files *a, const struct sam_files *b)
{
	return same_data(&a->db, &b->db) && same_data(&a->wal, &b->wal);
}

bool sam_mark_as_left(int fd, const struct sam_seal *seal, const struct sam_files *now, uint64_t *sequence)
{
	uint64_t then[1 + FILES];
	if (read_note(fd, seal, &as_left, then) != SAM_OK)
		return false;
	*sequence = then[0];
	return memcmp(then + 1, now, sizeof *now) == 0;
}

enum sam_reason sam_mark_commit(int fd, const char *path, const struct sam_seal *seal, uint64_t sequence)
{
	return write_note(fd, path, seal, &how_far, &sequence);
}

enum sam_reason sam_mark_leave(int fd, const char *path, const struct sam_seal *seal, uint64_t sequence,
			       const struct sam_files *files)
{
	uint64_t numbers[1 + FILES] = {sequence};
	memcpy(numbers + 1, files, sizeof *files);
	return write_note(fd, path, seal, &as_left, numbers);
}
