/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A backup's file, taken apart: whose it is, and the store in it as a file of its own. What making, checking and
 * restoring share; for nobody outside this room.
 */
#ifndef SAM_ADMIN_BACKUP_FILE_H
#define SAM_ADMIN_BACKUP_FILE_H

#include "admin/backup.h"
#include "admin/container.h"

/** sam_backup_open(path, fd, msg): The file, for reading. BACKUP. */
enum sam_reason sam_backup_open(const char *path, int *fd, struct sam_msg *msg) SAM_MUST;

/** sam_backup_take_out(fd, key, to, info, msg): Decrypt it into the new file ${to} (0600), which is removed on
 * failure; nothing is proven yet. Clear ${info} in any case. As sam_container_read(); STORE_FAILED. */
enum sam_reason sam_backup_take_out(int fd, const json_t *key, const char *to, struct sam_container_info *info,
				    struct sam_msg *msg) SAM_MUST;

/** sam_backup_signed(sam_id, key, info, about, msg): Did that SAM sign this file with its own key? What it says of
 * it. BACKUP, MEMORY. */
enum sam_reason sam_backup_signed(const char *sam_id, EVP_PKEY *key, const struct sam_container_info *info,
				  struct sam_backup_about *about, struct sam_msg *msg) SAM_MUST;

/** sam_backup_same(about, head, msg): Is the store in it the one that was signed for? BACKUP. */
enum sam_reason sam_backup_same(const struct sam_backup_about *about, const struct sam_store_head *head,
				struct sam_msg *msg) SAM_MUST;

/** sam_backup_beside(store, word, out, size): The name of a new file beside the store: ${store}.WORD.RANDOM. RANDOM,
 * ARGUMENTS if it is too long. */
enum sam_reason sam_backup_beside(const char *store, const char *word, char *out, size_t size) SAM_MUST;

/** sam_backup_remove(path): A store's files, where they are. */
void sam_backup_remove(const char *path);

/** sam_backup_sync_folder(path): The folder of that file, to the disk. */
bool sam_backup_sync_folder(const char *path) SAM_MUST;

/** sam_backup_name(path): Without its folders. */
const char *sam_backup_name(const char *path);

/** sam_backup_tell(progress, what, done, total): Both but ${what} may be 0; ${progress} may be NULL. */
void sam_backup_tell(const struct sam_backup_progress *progress, const char *what, uint64_t done, uint64_t total);

#endif
