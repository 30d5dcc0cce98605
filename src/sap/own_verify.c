/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The SAM's own statements, verified: by nothing but its public key.
 */
#include "sap/own.h"

#include <inttypes.h>
#include <string.h>
#include "base/encode.h"
#include "sap/sad.h"

enum sam_reason sam_own_verify(const struct sam_device *device, const char *sam_id, const char *typ, const char *text,
			       size_t len, json_t **claims)
{
	char kid[SAM_THUMBPRINT_LEN + 1];
	struct sam_jws jws = {.header = NULL};
	*claims = NULL;
	enum sam_reason reason = sam_jose_parse(text, len, &jws);
	if (reason == SAM_OK)
		reason = sam_sad_header(&jws, typ, kid);
	if (reason == SAM_OK && strcmp(kid, device->kid) != 0)
		reason = SAM_SAD_KEY_UNKNOWN;
	if (reason == SAM_OK)
		reason = sam_jose_verify(&jws, device->pkey, device->alg);
	if (reason == SAM_OK && !(*claims = sam_jose_json(jws.payload, jws.payload_len)))
		reason = SAM_SAD_CLAIMS;
	sam_jose_clear(&jws);
	if (reason != SAM_OK)
		return reason;
	const char *aud = json_string_value(json_object_get(*claims, "aud"));
	if (aud && strcmp(aud, sam_id) == 0)
		return SAM_OK;
	json_decref(*claims);
	*claims = NULL;
	return SAM_SAD_AUDIENCE;
}

/* ---- checkpoints ---- */

struct run {
	struct sam_store *store;
	const struct sam_own *own;
	struct sam_device device;
	const char *node;
	uint64_t count, newest;
	struct sam_msg *msg;
};

static enum sam_reason bad(struct run *r, uint64_t number, const char *what)
{
	sam_msg_set(r->msg, "checkpoint %" PRIu64 ": %s", number, what);
	return SAM_STORE_TAMPERED;
}

static enum sam_reason note_hash(void *arg, const struct sam_audit_row *row)
{
	sam_encode_hex(row->hash, 32, arg);
	return SAM_OK;
}

static bool is_number(const json_t *claims, const char *name, uint64_t value)
{
	const json_t *number = json_object_get(claims, name);
	return json_is_integer(number) && (uint64_t)json_integer_value(number) == value;
}

static bool is_text(const json_t *claims, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(claims, name));
	return text && strcmp(text, value) == 0;
}

static enum sam_reason check(void *arg, uint64_t number, uint64_t audit_seq, const char *jws)
{
	struct run *r = arg;
	json_t *found = NULL;
	enum sam_reason reason =
		sam_own_verify(&r->device, r->own->sam_id, SAM_TYP_CHECKPOINT, jws, strlen(jws), &found);
	sam_auto(json_decref) json_t *claims = found;
	if (reason != SAM_OK)
		return reason == SAM_MEMORY ? reason : bad(r, number, "is not signed by the SAM's key");
	if (number <= r->newest || !is_number(claims, "number", number) || !is_number(claims, "audit_seq", audit_seq) ||
	    !is_text(claims, "iss", r->node))
		return bad(r, number, "says other than its place");
	char hash[65] = "";
	const struct sam_audit_filter filter = {.from_seq = audit_seq, .to_seq = audit_seq};
	if (audit_seq > 0) {
		reason = sam_store_audit_read(r->store, &filter, note_hash, hash);
		if (reason != SAM_OK)
			return reason;
		if (!is_text(claims, "audit_hash", hash))
			return bad(r, number, "names another record than the trail has");
	}
	r->newest = number;
	r->count++;
	return SAM_OK;
}

enum sam_reason sam_own_verify_checkpoints(struct sam_store *store, const struct sam_own *own, EVP_PKEY *pkey,
					   uint64_t *count, struct sam_msg *msg)
{
	struct sam_store_head head;
	struct run r = {.store = store, .own = own, .msg = msg};
	uint64_t in_cm = 0;
	*count = 0;
	enum sam_reason reason = sam_store_head(store, &head);
	if (reason != SAM_OK || (!pkey && head.checkpoint == 0))
		return reason;
	if (!pkey) {
		sam_msg_set(msg, "there are checkpoints and no key that they could be signed by");
		return SAM_STORE_TAMPERED;
	}
	r.node = head.node;
	reason = sam_own_device(pkey, &r.device);
	if (reason == SAM_OK)
		reason = sam_store_checkpoints(store, 1, check, &r);
	if (reason == SAM_OK)
		reason = sam_cm_number_read(own->cm, head.node, &in_cm);
	/* another process may have made one since, but none can be gone */
	if (reason == SAM_OK && (r.newest < head.checkpoint || in_cm < head.checkpoint))
		reason = bad(&r, head.checkpoint, "is missing, or is not the one that the CM knows");
	sam_device_clear(&r.device);
	*count = r.count;
	return reason;
}
