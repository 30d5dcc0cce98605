/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An event becomes the members of a record, in the order of p11-sam-audit(5). There is no
 * member for a secret, and none is made of free bytes: hashes and names only (invariant 8).
 */
#include <stdio.h>
#include <string.h>

#include "audit/internal.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/ossl.h"

/* Each set_ leaves out what is absent and answers false when there is no memory. */
static bool set_text(json_t *object, const char *name, const char *value)
{
	sam_auto(sam_free) char *clean = NULL;

	if (!value)
		return true;
	clean = sam_text_clean(value);
	return clean && json_object_set_new_nocheck(object, name, json_string_nocheck(clean)) == 0;
}

static bool set_hex(json_t *object, const char *name, const uint8_t *data, size_t len)
{
	char hex[2 * SAM_HASH_MAX + 1];

	if (!data)
		return true;
	if (len > SAM_HASH_MAX)
		len = SAM_HASH_MAX;
	sam_encode_hex(data, len, hex);
	return json_object_set_new_nocheck(object, name, json_string_nocheck(hex)) == 0;
}

/* An object that got no members is left out too. */
static bool set_object(json_t *object, const char *name, json_t *value)
{
	if (!value)
		return false;
	if (json_object_size(value) == 0) {
		json_decref(value);
		return true;
	}
	return json_object_set_new(object, name, value) == 0;
}

static bool set_actor(json_t *object, const struct sam_event *event)
{
	json_t *actor = json_object();
	bool good = actor && set_text(actor, "kind", event->actor_kind) &&
		    set_text(actor, "id", event->actor) && set_text(actor, "role", event->role);

	return set_object(object, "actor", actor) && good;
}

static bool set_sad(json_t *object, const struct sam_event *event)
{
	json_t *sad = json_object();
	bool good = sad && set_text(sad, "iss", event->iss) && set_text(sad, "jti", event->jti) &&
		    set_text(sad, "kid", event->kid) &&
		    set_hex(sad, "sha256", event->sad_sha256, 32);

	return set_object(object, "sad", sad) && good;
}

static bool set_cm(json_t *object, const struct sam_event *event)
{
	json_t *cm = json_object();
	bool good = cm && set_text(cm, "manufacturer", event->cm_manufacturer) &&
		    set_text(cm, "model", event->cm_model) &&
		    set_text(cm, "firmware", event->cm_firmware) &&
		    set_text(cm, "serial", event->cm_serial);

	return set_object(object, "cm", cm) && good;
}

static bool append_text(json_t *list, const char *value)
{
	sam_auto(sam_free) char *clean = sam_text_clean(value);

	return clean && json_array_append_new(list, json_string_nocheck(clean)) == 0;
}

/* "possession, knowledge" becomes a list of two. */
static bool set_factors(json_t *object, const char *factors)
{
	json_t *list;
	bool good = true;

	if (!factors)
		return true;
	list = json_array();
	for (const char *p = factors; good && *(p += strspn(p, ", "));) {
		size_t len = strcspn(p, ", ");
		sam_auto(sam_free) char *one = strndup(p, len);

		good = one && append_text(list, one);
		p += len;
	}
	return json_object_set_new(object, "factors", list) == 0 && good;
}

static bool set_statements(json_t *object, const char *const *statements)
{
	json_t *list;
	bool good = true;

	if (!statements || !*statements)
		return true;
	list = json_array();
	for (; good && *statements; statements++)
		good = append_text(list, *statements);
	return json_object_set_new(object, "statements", list) == 0 && good;
}

static bool set_signature(json_t *object, const struct sam_event *event)
{
	uint8_t digest[32];

	if (!event->signature)
		return true;
	return sam_ossl_digest(SAM_HASH_SHA256, event->signature, event->signature_len, digest) ==
		       SAM_OK &&
	       set_hex(object, "signature", digest, sizeof(digest));
}

/* The public key certificate tied to the signing key (P1-7.1.4.1g). */
static bool set_certificate(json_t *object, const struct sam_event *event)
{
	json_t *c;

	if (!event->certificate_serial)
		return true;
	c = json_object();
	if (set_text(c, "issuer", event->certificate_issuer) && set_text(c, "serial", event->certificate_serial) &&
	    set_text(c, "subject", event->certificate_subject))
		return json_object_set_new(object, "certificate", c) == 0;
	json_decref(c);
	return false;
}

static char *members_before(const struct sam_event_info *info, const struct sam_event *event)
{
	bool failure = event->reason != SAM_OK;
	json_auto_t *object = json_object();

	if (!set_text(object, "class", info->class) || !set_text(object, "type", info->name) ||
	    !set_text(object, "outcome", failure ? "failure" : "success") ||
	    !set_text(object, "reason", failure ? sam_reason_name(event->reason) : NULL) ||
	    !set_text(object, "detail", event->detail))
		return NULL;
	return sam_text_members(object);
}

static char *members_after(const char *constant, const struct sam_event *event)
{
	json_auto_t *actor = json_object(), *rest = json_object();
	sam_auto(sam_free) char *first = NULL, *last = NULL;
	char *out = NULL;

	if (!set_actor(actor, event) || !set_text(rest, "signer", event->signer) ||
	    !set_text(rest, "credentialID", event->credential) || !set_certificate(rest, event) ||
	    !set_hex(rest, "dtbsr", event->dtbsr, event->dtbsr_len) ||
	    !set_text(rest, "hashAlgorithmOID", event->hash_oid) ||
	    !set_text(rest, "label", event->label) ||
	    !set_text(rest, "mechanism", event->mechanism) || !set_sad(rest, event) ||
	    !set_factors(rest, event->factors) || !set_text(rest, "request", event->request) ||
	    !set_text(rest, "target", event->target) ||
	    !set_text(rest, "old", event->old_value) || !set_text(rest, "new", event->new_value) ||
	    !set_signature(rest, event) || !set_cm(rest, event) ||
	    !set_text(rest, "activation", event->activation) ||
	    !set_text(rest, "reference", event->reference) ||
	    !set_statements(rest, event->statements))
		return NULL;
	first = sam_text_members(actor);
	last = sam_text_members(rest);
	if (!first || !last ||
	    asprintf(&out, "%s%s%s%s%s", first, *first ? "," : "", constant, *last ? "," : "",
		     last) < 0)
		return NULL;
	return out;
}

static bool keep(char **out, const char *in)
{
	*out = in ? sam_text_clean(in) : NULL;
	return !in || *out;
}

enum sam_reason sam_record_text(const char *constant, const struct sam_event *event,
				struct sam_audit_text *out)
{
	const struct sam_event_info *info = sam_audit_event_info(event->type);
	bool failure = event->reason != SAM_OK;

	memset(out, 0, sizeof(*out));
	if (!info)
		return sam_log_reason(SAM_INTERNAL, "audit: no such event");
	out->before = members_before(info, event);
	out->after = members_after(constant, event);
	/* The columns say what the line says, to the byte: the verifier compares them */
	if (!out->before || !out->after || !keep(&out->type, info->name) ||
	    !keep(&out->outcome, failure ? "failure" : "success") ||
	    !keep(&out->reason, failure ? sam_reason_name(event->reason) : NULL) ||
	    !keep(&out->signer, event->signer) || !keep(&out->actor, event->actor) ||
	    !keep(&out->credential, event->credential) || !keep(&out->jti, event->jti)) {
		sam_record_clear(out);
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	}
	return SAM_OK;
}

void sam_record_clear(struct sam_audit_text *text)
{
	free(text->before);
	free(text->after);
	free(text->type);
	free(text->outcome);
	free(text->reason);
	free(text->signer);
	free(text->actor);
	free(text->credential);
	free(text->jti);
	memset(text, 0, sizeof(*text));
}

/* Copies ${in} to *${end}, moves that, and gives the copy; NULL stays NULL. */
static const char *pack(char **end, const char *in)
{
	char *copy = *end;
	size_t size;

	if (!in)
		return NULL;
	size = strlen(in) + 1;
	memcpy(copy, in, size);
	*end += size;
	return copy;
}

static size_t packed(const char *in)
{
	return in ? strlen(in) + 1 : 0;
}

static char *members_clock(void)
{
	struct sam_clock_state clock;
	json_auto_t *object = NULL;

	sam_clock_sync_state(&clock);
	object = json_pack("{s:{s:b}}", "clock", "synchronised", (int)clock.synchronised);
	if (object && clock.error_us >= 0 &&
	    json_object_set_new(json_object_get(object, "clock"), "error_us",
				json_integer(clock.error_us)) != 0)
		return NULL;
	return object ? sam_text_members(object) : NULL;
}

/* "" for a record that stands for one event. */
static char *members_count(uint64_t count)
{
	json_auto_t *object = NULL;

	if (count <= 1)
		return strdup("");
	object = json_pack("{s:I}", "count", (json_int_t)count);
	return object ? sam_text_members(object) : NULL;
}

enum sam_reason sam_record_join(const struct sam_audit_text *text, uint64_t count,
				struct sam_audit_record *out)
{
	sam_auto(sam_free) char *clocked = members_clock(), *counted = members_count(count);
	size_t members, size;
	char *end;

	memset(out, 0, sizeof(*out));
	if (!clocked || !counted)
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	members =
		strlen(clocked) + strlen(text->before) + strlen(counted) + strlen(text->after) + 4;
	size = members + packed(text->type) + packed(text->outcome) + packed(text->reason) +
	       packed(text->signer) + packed(text->actor) + packed(text->credential) +
	       packed(text->jti);
	out->members = malloc(size);
	if (!out->members)
		return sam_log_reason(SAM_MEMORY, "audit: no memory for a record");
	snprintf(out->members, members, "%s,%s%s%s,%s", clocked, text->before, *counted ? "," : "",
		 counted, text->after);
	end = out->members + members;
	out->record = (struct sam_record){
		.members = out->members,
		.type = pack(&end, text->type),
		.outcome = pack(&end, text->outcome),
		.reason = pack(&end, text->reason),
		.signer = pack(&end, text->signer),
		.actor = pack(&end, text->actor),
		.credential = pack(&end, text->credential),
		.jti = pack(&end, text->jti),
	};
	return SAM_OK;
}

void sam_audit_clear(struct sam_audit_record *record)
{
	free(record->members);
	memset(record, 0, sizeof(*record));
}
