/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is behind fd 0: p11-kit's server starts one process for each client and gives it the client's socket there.
 */
#ifndef SAM_BASE_PEER_H
#define SAM_BASE_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* What the kernel says for a uid that it cannot translate (/proc/sys/kernel/overflowuid, as every Linux has it). */
enum { SAM_PEER_OVERFLOW_UID = 65534 };

struct sam_peer {
	int64_t uid; /* -1: unknown */
	int64_t pid; /* 0: of another pid namespace */
};

/** sam_peer_read(out): Is fd 0 a connected AF_UNIX socket? ${out}: who connected it, as the kernel noted then
 * (SO_PEERCRED). Looked at anew each time; reads nothing from it. */
bool sam_peer_read(struct sam_peer *out);

/** sam_peer_gone(): Is fd 0 such a socket, and its other end closed? A client that only has nothing more to say is
 * still there. Reads nothing. */
bool sam_peer_gone(void);

#endif
