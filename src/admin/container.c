/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing a container.
 */
#include "admin/container.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "admin/container_chunk.h"
#include "base/clock.h"
#include "sap/jwe.h"

/* ---- line 1 ---- */

static enum sam_reason key_for(const json_t *recipient, const uint8_t key[SAM_GCM_KEY], json_t *keys)
{
	const char *alg = json_string_value(json_object_get(recipient, "alg"));
	sam_auto(sam_free) char *jwe = NULL;
	enum sam_reason reason = sam_jwe_encrypt(recipient, alg ? alg : SAM_JWE_WRAPPED, NULL, key, SAM_GCM_KEY, &jwe);
	if (reason == SAM_OK && json_array_append_new(keys, json_string(jwe)) != 0)
		reason = SAM_MEMORY;
	return reason;
}

static enum sam_reason keys_for(json_t *const *recipients, size_t count, const uint8_t key[SAM_GCM_KEY], json_t *keys,
				struct sam_msg *msg)
{
	struct sam_msg why = {""};
	char kid[SAM_THUMBPRINT_LEN + 1];
	for (size_t i = 0; i < count; i++) {
		enum sam_reason reason = sam_jwe_kid(recipients[i], kid, &why);
		if (reason == SAM_OK)
			reason = key_for(recipients[i], key, keys);
		if (reason != SAM_OK) {
			sam_msg_set(msg, "recipient %zu: %s", i + 1, why.text[0] ? why.text : sam_reason_text(reason));
			return reason;
		}
	}
	return SAM_OK;
}

/* With its newline; malloc()ed. */
static enum sam_reason make_line(const json_t *more, json_t *keys, char **out, struct sam_msg *msg)
{
	char created[SAM_CLOCK_TEXT];
	sam_clock_text(sam_clock_us(), created);
	sam_auto(json_decref) json_t *header =
		json_pack("{s:i,s:i,s:s,s:O,s:s}", SAM_CONTAINER_VERSION_KEY, SAM_CONTAINER_VERSION, "chunk",
			  SAM_CONTAINER_CHUNK, "enc", SAM_CONTAINER_ENC, "keys", keys, "created", created);
	if (!header || (more && json_object_update_missing(header, (json_t *)(uintptr_t)more) != 0))
		return SAM_MEMORY;
	sam_auto(sam_free) char *text = json_dumps(header, JSON_COMPACT);
	if (!text)
		return SAM_MEMORY;
	size_t len = strlen(text);
	if (len + 1 > SAM_CONTAINER_HEADER_MAX) {
		sam_msg_set(msg, "its first line would be longer than %d bytes", SAM_CONTAINER_HEADER_MAX);
		return SAM_ARGUMENTS;
	}
	text[len] = '\n'; /* the NUL's place: the line travels with its length */
	*out = text;
	text = NULL;
	return SAM_OK;
}

static size_t line_length(const char *line)
{
	return (size_t)((const char *)memchr(line, '\n', SAM_CONTAINER_HEADER_MAX) - line) + 1;
}

/* ---- data ---- */

static enum sam_reason fill(int fd, uint8_t *buffer, size_t *len, struct sam_msg *msg)
{
	*len = 0;
	while (*len < SAM_CONTAINER_CHUNK) {
		ssize_t n = read(fd, buffer + *len, SAM_CONTAINER_CHUNK - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sam_msg_set(msg, "what is to be saved cannot be read: %s", strerror(errno));
			return SAM_STORE_FAILED;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return SAM_OK;
}

static enum sam_reason put(struct sam_chunks *c, int fd, const void *data, size_t len, struct sam_msg *msg)
{
	enum sam_reason reason = sam_chunks_hash(c, data, len);
	return reason == SAM_OK ? sam_container_put(fd, data, len, msg) : reason;
}

/* Two buffers: only the next read says whether a full chunk was the last. */
static enum sam_reason put_chunks(struct sam_chunks *c, int fd, int in_fd, uint8_t *buffers[2],
				  const struct sam_container_hooks *hooks, struct sam_msg *msg)
{
	size_t len[2] = {0, 0};
	unsigned now = 0;
	uint64_t done = 0;
	bool last = false;
	enum sam_reason reason = fill(in_fd, buffers[0], &len[0], msg);
	for (; reason == SAM_OK && !last; now = !now) {
		len[!now] = 0;
		if (len[now] == SAM_CONTAINER_CHUNK)
			reason = fill(in_fd, buffers[!now], &len[!now], msg);
		last = len[!now] == 0;
		if (reason == SAM_OK)
			reason = sam_chunks_seal(c, buffers[now], len[now], last);
		if (reason == SAM_OK)
			reason = put(c, fd, buffers[now], len[now] + SAM_GCM_TAG, msg);
		done += len[now];
		if (reason == SAM_OK && hooks->progress)
			hooks->progress(hooks->arg, done);
	}
	return reason;
}

static enum sam_reason put_data(struct sam_chunks *c, int fd, int in_fd, const struct sam_container_hooks *hooks,
				struct sam_msg *msg)
{
	const size_t size = SAM_CONTAINER_CHUNK + SAM_GCM_TAG;
	uint8_t *buffers[2] = {malloc(size), malloc(size)};
	enum sam_reason reason = SAM_MEMORY;
	if (buffers[0] && buffers[1])
		reason = put_chunks(c, fd, in_fd, buffers, hooks, msg);
	for (unsigned i = 0; i < 2; i++) {
		sam_mem_wipe(buffers[i], size);
		free(buffers[i]);
	}
	return reason;
}

/* ---- trailer ---- */

static enum sam_reason put_trailer(struct sam_chunks *c, int fd, const struct sam_container_hooks *hooks,
				   struct sam_msg *msg)
{
	uint8_t sha256[32];
	char length[SAM_CONTAINER_LENGTH + 1];
	sam_auto(sam_free) char *jws = NULL;
	enum sam_reason reason = sam_chunks_finish(c, sha256);
	if (reason == SAM_OK)
		reason = hooks->sign(hooks->arg, sha256, &jws);
	if (reason != SAM_OK)
		return reason;
	size_t len = jws ? strnlen(jws, SAM_CONTAINER_JWS_MAX + 1) : 0;
	if (len < 1 || len > SAM_CONTAINER_JWS_MAX)
		return SAM_INTERNAL;
	snprintf(length, sizeof length, "%08zx\n", len);
	reason = sam_container_put(fd, jws, len, msg);
	return reason == SAM_OK ? sam_container_put(fd, length, SAM_CONTAINER_LENGTH, msg) : reason;
}

static enum sam_reason write_all(struct sam_chunks *c, int fd, const char *line, int in_fd,
				 const struct sam_container_hooks *hooks, struct sam_msg *msg)
{
	size_t len = line_length(line);
	enum sam_reason reason = sam_chunks_start(c, line, len);
	if (reason == SAM_OK)
		reason = sam_container_put(fd, line, len, msg);
	if (reason == SAM_OK)
		reason = put_data(c, fd, in_fd, hooks, msg);
	return reason == SAM_OK ? put_trailer(c, fd, hooks, msg) : reason;
}

enum sam_reason sam_container_write(int fd, const json_t *header, json_t *const *recipients, size_t count, int in_fd,
				    const struct sam_container_hooks *hooks, struct sam_msg *msg)
{
	struct sam_chunks c = {.hash = NULL};
	if (count < 1 || count > SAM_CONTAINER_RECIPIENTS) {
		sam_msg_set(msg, "a backup is encrypted to 1 to %d recipients, not %zu", SAM_CONTAINER_RECIPIENTS,
			    count);
		return SAM_ARGUMENTS;
	}
	sam_auto(json_decref) json_t *keys = json_array();
	sam_auto(sam_free) char *line = NULL;
	enum sam_reason reason = keys ? sam_ossl_random(c.key, sizeof c.key) : SAM_MEMORY;
	if (reason == SAM_OK)
		reason = keys_for(recipients, count, c.key, keys, msg);
	if (reason == SAM_OK)
		reason = make_line(header, keys, &line, msg);
	if (reason == SAM_OK)
		reason = write_all(&c, fd, line, in_fd, hooks, msg);
	sam_chunks_clear(&c);
	return reason;
}
