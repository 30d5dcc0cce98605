/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool connected(void)
{
	struct sockaddr_un name;
	socklen_t len = sizeof name;
	/* An address that the kernel cut short or left unnamed still has its family. */
	return getpeername(STDIN_FILENO, (struct sockaddr *)&name, &len) == 0 && len >= sizeof name.sun_family &&
	       name.sun_family == AF_UNIX;
}

bool sam_peer_read(struct sam_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	*out = (struct sam_peer){.uid = -1};
	if (!connected())
		return false;
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || len != sizeof cred)
		return true; /* somebody, and nobody knows who */
	out->uid = cred.uid == (uid_t)-1 ? -1 : (int64_t)cred.uid;
	out->pid = cred.pid > 0 ? cred.pid : 0;
	return true;
}

bool sam_peer_gone(void)
{
	struct pollfd end = {.fd = STDIN_FILENO}; /* POLLHUP and POLLERR are told unasked */
	return connected() && poll(&end, 1, 0) == 1 && (end.revents & (POLLHUP | POLLERR));
}
