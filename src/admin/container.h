/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A backup's file: encrypted to the keys of people, signed by the SAM, streamed. What is in it and who may make
 * or take it is not known here.
 *
 *   line 1   {"p11-sam-backup":1,"chunk":1048576,"enc":"A256GCM","keys":[…],"created":…, and what the caller adds};
 *            keys: for each recipient a compact JWE of the content key
 *   data     chunks of 1 MiB (the last: 1 byte to 1 MiB, or nothing at all if the data is empty), each encrypted
 *            with AES-256-GCM and followed by its tag. Nonce: the chunk's number, 11 bytes big-endian, and a byte
 *            that is 1 for the last chunk, else 0 (the STREAM construction: what is cut, moved or put in shows).
 *            Associated data: SHA-256 of line 1, its newline included
 *   trailer  a JWS over the SHA-256 of all bytes before it (by the caller, and the caller's to verify), its length
 *            in 8 hexadecimal digits, a newline
 */
#ifndef SAM_ADMIN_CONTAINER_H
#define SAM_ADMIN_CONTAINER_H

#include <jansson.h>
#include "base/mem.h"
#include "base/reason.h"

enum {
	SAM_CONTAINER_CHUNK = 1048576,
	SAM_CONTAINER_RECIPIENTS = 32,
	SAM_CONTAINER_HEADER_MAX = 65536,
	SAM_CONTAINER_JWS_MAX = 4096
};

struct sam_container_hooks {
	void *arg;
	/* A JWS of 1 to SAM_CONTAINER_JWS_MAX printable characters, malloc()ed. */
	enum sam_reason (*sign)(void *arg, const uint8_t sha256[32], char **jws);
	/* After each chunk: how many bytes of the data are done. May be NULL. */
	void (*progress)(void *arg, uint64_t done);
};

/** sam_container_write(fd, header, recipients, count, in_fd, hooks, msg): All that ${in_fd} still has, encrypted to
 * ${count} public JWKs (jwe.h; at most SAM_CONTAINER_RECIPIENTS), into ${fd} from where it stands; making, syncing
 * and removing the file is the caller's. ${header}: more members of line 1, or NULL; the format's own are ours.
 * ARGUMENTS with ${msg} without recipients or with too much, JWE_KEY with ${msg} for a key that none can encrypt
 * to, STORE_FAILED with ${msg} if one of the files fails, what sign() says, RANDOM, MEMORY, INTERNAL. */
enum sam_reason sam_container_write(int fd, const json_t *header, json_t *const *recipients, size_t count, int in_fd,
				    const struct sam_container_hooks *hooks, struct sam_msg *msg) SAM_MUST;

struct sam_container_info {
	json_t *header;     /* line 1; owned */
	char *jws;          /* owned */
	uint8_t sha256[32]; /* of all before the trailer */
	uint64_t size;      /* of the data, decrypted */
};

/** sam_container_read(fd, key, out_fd, info, msg): From the beginning of a regular file. Without ${key} (NULL;
 * ${out_fd} is -1) only the form is looked at, ${info} filled, and nothing proven until the caller has verified
 * the JWS over info->sha256. With a private JWK each chunk's tag is checked and the data written to ${out_fd},
 * unless that is -1; anybody can encrypt to a public key, so what comes out is not to be used before the JWS is
 * verified either. Clear ${info} also after a failure. BACKUP, BACKUP_KEY, STORE_FAILED if a file fails,
 * ARGUMENTS, MEMORY, INTERNAL; with ${msg}. */
enum sam_reason sam_container_read(int fd, const json_t *key, int out_fd, struct sam_container_info *info,
				   struct sam_msg *msg) SAM_MUST;

/** sam_container_clear(info): Free what it owns; harmless on a zeroed one. */
void sam_container_clear(struct sam_container_info *info);

#endif
