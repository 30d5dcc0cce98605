/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The mark: how far the store had come, beside it in PATH.mark. SQLite takes a WAL whose end is garbled,
 * cut or gone for a crash and goes on with what was before: transactions that released a signature
 * would be undone without a word. A store behind its mark was set back and is refused. (Who sets
 * back the store and its mark together is found by the number in the CM, which comes with the signed
 * checkpoints.)
 *
 * Written after a durable commit and not synced itself: never ahead of what the disk has of the store.
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

enum { NUMBER = 8, SIZE = NUMBER + SAM_SEAL_MAC };

static enum sam_reason seal_mark(const struct sam_seal *seal, uint64_t sequence, uint8_t out[SIZE])
{
	struct sam_rowmac r;
	for (int i = 0; i < NUMBER; i++)
		out[i] = (uint8_t)(sequence >> (8 * (NUMBER - 1 - i)));
	sam_rowmac_start(&r, "mark");
	sam_rowmac_int(&r, (int64_t)sequence);
	enum sam_reason reason = sam_rowmac_make(&r, seal, SAM_SEAL_ROW, out + NUMBER);
	sam_rowmac_end(&r);
	return reason;
}

static int open_mark(const char *path, int flags)
{
	char name[PATH_MAX + 8];
	snprintf(name, sizeof name, "%s.mark", path);
	return open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static enum sam_reason put(int fd, const char *path, const uint8_t bytes[SIZE])
{
	if (pwrite(fd, bytes, SIZE, 0) == SIZE)
		return SAM_OK;
	return sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
}

enum sam_reason sam_mark_create(const char *path, const struct sam_seal *seal, uint64_t sequence)
{
	uint8_t bytes[SIZE];
	enum sam_reason reason = seal_mark(seal, sequence, bytes);
	if (reason != SAM_OK)
		return reason;
	int fd = open_mark(path, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return sam_log_reason(SAM_STORE_FAILED, "store: %s.mark: %s", path, strerror(errno));
	reason = put(fd, path, bytes);
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

enum sam_reason sam_mark_read(int fd, const struct sam_seal *seal, uint64_t *sequence)
{
	uint8_t bytes[SIZE], right[SIZE];
	if (pread(fd, bytes, SIZE, 0) != SIZE)
		return SAM_STORE_TAMPERED;
	*sequence = 0;
	for (int i = 0; i < NUMBER; i++)
		*sequence = *sequence << 8 | bytes[i];
	enum sam_reason reason = seal_mark(seal, *sequence, right);
	if (reason == SAM_OK && !sam_mem_equal(bytes, right, SIZE))
		reason = SAM_STORE_TAMPERED;
	return reason;
}

enum sam_reason sam_mark_write(int fd, const char *path, const struct sam_seal *seal, uint64_t sequence)
{
	uint8_t bytes[SIZE];
	enum sam_reason reason = seal_mark(seal, sequence, bytes);
	return reason == SAM_OK ? put(fd, path, bytes) : reason;
}
