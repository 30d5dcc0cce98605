/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A request told to the outside: how it looks, and one datagram for each to whoever has bound the socket of
 * `notify` (p11-sam.yaml(5)). Never waits, and nothing depends on it: requests are in the store.
 */
#include "sap/request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "sap/internal.h"

const char *sam_request_state_name(enum sam_request_state state)
{
	static const char *const names[] = {"", "open", "approved", "rejected", "used", "expired"};
	return state <= SAM_REQUEST_STATE_EXPIRED ? names[state] : "";
}

static json_t *time_of(int64_t seconds)
{
	char text[SAM_CLOCK_TEXT];
	sam_clock_text(seconds * 1000000, text);
	strcpy(strchr(text, '.'), "Z");
	return json_string(text);
}

json_t *sam_request_json(const struct sam_request *r)
{
	char digest[2 * sizeof r->dtbsr + 1];
	const bool over = r->expires <= sam_clock_now() &&
			  (r->state == SAM_REQUEST_STATE_OPEN || r->state == SAM_REQUEST_STATE_APPROVED);
	sam_encode_hex(r->dtbsr, r->dtbsr_len, digest);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s*,s:s*,s:I,s:o,s:o}", "id", r->id, "state",
			 sam_request_state_name(over ? SAM_REQUEST_STATE_EXPIRED : r->state), "signer", r->signer,
			 "credentialID", r->credential, "dtbsr", digest, "hashAlgorithmOID", r->hash_oid, "mechanism",
			 r->mechanism, "principal", r->principal, "application", r->application[0] ? r->application : NULL,
			 "label", r->label[0] ? r->label : NULL, "uid", (json_int_t)r->uid, "created",
			 time_of(r->created), "expires", time_of(r->expires));
}

static bool send_to(const char *path, const char *text)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	if (!sam_mem_copy_text(name.sun_path, sizeof name.sun_path, path))
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool sent = sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&name,
			   sizeof name) >= 0;
	int error = errno;
	close(fd);
	errno = error;
	return sent;
}

void sam_notify_request(struct sam *sam, const struct sam_request *request)
{
	int error = errno;
	if (!sam->config.notify[0])
		return;
	json_auto_t *object = sam_request_json(request);
	sam_auto(sam_free) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	if (!text || !send_to(sam->config.notify, text))
		sam_log(SAM_LOG_WARNING, "notify: %s was not told of request %s: %s", sam->config.notify, request->id,
			strerror(errno));
	errno = error;
}
