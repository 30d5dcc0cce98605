/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that we trust: opened without following a last link, checked on the descriptor.
 */
#ifndef SAM_BASE_FILE_H
#define SAM_BASE_FILE_H

#include <sys/types.h>
#include "base/mem.h"
#include "base/reason.h"

/** sam_file_trusted(path, uid, msg): May this file decide anything? It and the folders on its way
 * belong to root or ${uid} and no group or other may write to them (a sticky folder like /tmp may
 * stand on the way). CONFIG with the path and the remedy in ${msg} otherwise. */
enum sam_reason sam_file_trusted(const char *path, uid_t uid, struct sam_msg *msg) SAM_MUST;
/** sam_file_trusted_at(path, uid, real, msg): The same; ${real}, to be free()d: where it lies, without links, to be
 * opened there. A link on the way may be another's to turn. */
enum sam_reason sam_file_trusted_at(const char *path, uid_t uid, char **real, struct sam_msg *msg) SAM_MUST;

/** sam_file_folders_trusted(path, uid, msg): The same for the folders on the way to a file that need not be there. */
enum sam_reason sam_file_folders_trusted(const char *path, uid_t uid, struct sam_msg *msg) SAM_MUST;

/** sam_file_read(path, max, out, msg): The whole of a regular file of at most ${max} bytes. */
enum sam_reason sam_file_read(const char *path, size_t max, struct sam_secret *out,
			      struct sam_msg *msg) SAM_MUST;

/** sam_file_own_like_folder(fd, path): A file that root makes for the SAM (samctl may run as root) gets its folder's
 * owner. */
void sam_file_own_like_folder(int fd, const char *path);

/** sam_file_replace(path, like, data, len, msg): The whole of ${data} on the disk under that name, or what was there
 * before; with owner and mode of the file ${like}. CONFIG with ${msg}. */
enum sam_reason sam_file_replace(const char *path, const char *like, const void *data, size_t len,
				 struct sam_msg *msg) SAM_MUST;

/** sam_file_read_pin(source, out, msg): The secret behind an RFC 7512 pin-source: "file:PATH", PATH,
 * or "credential:NAME" in $CREDENTIALS_DIRECTORY. One trailing newline is dropped; 1 to 255 bytes;
 * the file must not be readable by others. */
enum sam_reason sam_file_read_pin(const char *source, struct sam_secret *out,
				  struct sam_msg *msg) SAM_MUST;

/** sam_file_pin_path(source, path, size): Where that source lies; false if it is no such source. */
bool sam_file_pin_path(const char *source, char *path, size_t size);

#endif
