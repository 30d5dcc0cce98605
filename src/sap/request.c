/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests and deposits: who may answer what, and how it is recorded. All that a SAD must show is sam_present()'s
 * business and, once more before it signs, the door's; nothing here signs (P2-A1).
 */
#include "sap/request.h"

#include <string.h>
#include "base/log.h"
#include "policy/factors.h"
#include "sap/internal.h"

/* Lower-case base32: 65 bits. */
static enum sam_reason new_id(char id[SAM_REQUEST_ID_SIZE])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[SAM_REQUEST_ID_SIZE - 1];
	enum sam_reason reason = sam_ossl_random(random, sizeof random);
	for (size_t i = 0; reason == SAM_OK && i < sizeof random; i++)
		id[i] = alphabet[random[i] & 31];
	id[sizeof random] = '\0';
	return reason;
}

static void describe(struct sam_event *event, const struct sam_request *r)
{
	event->signer = r->signer;
	event->credential = r->credential;
	event->dtbsr = r->dtbsr;
	event->dtbsr_len = r->dtbsr_len;
	event->hash_oid = r->hash_oid;
	event->label = r->label[0] ? r->label : NULL;
	event->mechanism = r->mechanism;
	event->request = r->id;
}

/* ---- a SAD given ---- */

/* One SAD on its way into the store. */
struct giving {
	struct sam *sam;
	const struct sam_snapshot *s;
	struct sam_activation *a;
	struct sam_event event;
	char factors[SAM_FACTORS_TEXT], digests[32];
	struct sam_msg *msg;
};

/* A SAD in whatever form it came, and nothing else: a password authorises nothing here, a token only revokes. */
static enum sam_reason check_form(const struct sam_pin *pin, bool or_token)
{
	const bool is_sad = pin->kind == SAM_PIN_SAD || pin->kind == SAM_PIN_ENCRYPTED;
	return is_sad || (or_token && pin->kind == SAM_PIN_TOKEN) ? SAM_OK : SAM_PIN_FORM;
}

/* Verified like one that is presented, and for signatures. */
static enum sam_reason take(struct giving *g, const char *sad, size_t len, bool or_token)
{
	struct sam_pin pin = {0};
	enum sam_reason reason = sam_pin_read(sad, len, NULL, &pin);
	if (reason == SAM_OK)
		reason = check_form(&pin, or_token);
	if (reason == SAM_OK)
		reason = sam_registry_get(g->sam->registry, &g->s);
	if (reason == SAM_OK)
		reason = sam_present(g->sam, g->s, &pin, &g->a, g->msg);
	return reason == SAM_OK && g->a->order && !or_token ? SAM_SAD_OPERATION : reason;
}

static void tell(const struct giving *g, struct sam_deposited *out)
{
	memset(out, 0, sizeof *out);
	sam_mem_copy_text(out->signer, sizeof out->signer, g->a->sub);
	sam_mem_copy_text(out->credential, sizeof out->credential, g->a->credential);
	out->digests = g->a->digest_count;
	out->expires = g->a->exp;
}

/* Keep it; ${request}: what it approves, or NULL. */
static enum sam_reason keep(struct giving *g, const char *request, const struct sam_record *record)
{
	const struct sam_activation *a = g->a;
	const size_t size = sam_hash_size(a->hash);
	sam_auto(sam_free) char *body = NULL;
	sam_auto(sam_free) uint8_t *digests = malloc(a->digest_count * size + 1);
	struct sam_claim claim;
	enum sam_reason reason = digests ? sam_sad_write(a, &body) : SAM_MEMORY;
	if (reason != SAM_OK)
		return reason;
	for (size_t i = 0; i < a->digest_count; i++)
		memcpy(digests + i * size, a->digests[i].value, size);
	sam_present_claim(a, &claim);
	const struct sam_deposit deposit = {
		.claim = &claim,
		.credential = a->credential,
		.signer = a->sub,
		.body = body,
		.len = strlen(body),
		.digests = digests,
		.count = a->digest_count,
		.digest_len = size,
	};
	reason = sam_store_deposit_put(g->sam->store, &deposit, request, sam_clock_now(), record);
	sam_mem_wipe(body, strlen(body));
	return reason;
}

static enum sam_reason record_and_keep(struct giving *g, const char *request)
{
	struct sam_audit_record record = {0};
	g->event.factors = sam_factors_text(g->a->factors, g->factors);
	enum sam_reason reason = sam_audit_make(&g->sam->audit, &g->event, &record);
	if (reason == SAM_OK)
		reason = keep(g, request, &record.record);
	sam_audit_clear(&record);
	return reason;
}

/* The end of all of them: a refusal is recorded. */
static enum sam_reason finish(struct giving *g, enum sam_reason reason)
{
	if (reason != SAM_OK) {
		if (g->event.signer && (!g->s || !sam_registry_signer(g->s, g->event.signer)))
			g->event.signer = NULL; /* a name that nobody has is an attacker's text */
		g->event.factors = NULL;
		g->event.detail = g->msg->text[0] ? g->msg->text : NULL;
		reason = sam_audit_refuse(&g->sam->audit, &g->event, reason);
	}
	sam_activation_release(g->a);
	sam_registry_put(g->s);
	return reason;
}

enum sam_reason sam_deposit(struct sam *sam, const char *sad, size_t len, struct sam_deposited *out,
			    struct sam_msg *msg)
{
	struct giving g = {.sam = sam, .event = {.type = SAM_EVENT_SAD_DEPOSIT, .actor_kind = "process"}, .msg = msg};
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason = take(&g, sad, len, false);
	sam_present_describe(&g.event, g.a);
	g.event.activation = NULL;
	if (reason == SAM_OK) {
		snprintf(g.digests, sizeof g.digests, "digests %zu", g.a->digest_count);
		g.event.new_value = g.digests;
		reason = record_and_keep(&g, NULL);
	}
	if (reason == SAM_OK)
		tell(&g, out);
	return finish(&g, reason);
}

enum sam_reason sam_revoke(struct sam *sam, const char *sad, size_t len, struct sam_deposited *out,
			   struct sam_msg *msg)
{
	struct giving g = {.sam = sam, .event = {.type = SAM_EVENT_SAD_REVOKE, .actor_kind = "process"}, .msg = msg};
	struct sam_audit_record record = {0};
	struct sam_claim claim;
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason = take(&g, sad, len, true);
	sam_present_describe(&g.event, g.a);
	g.event.activation = NULL;
	if (reason == SAM_OK)
		reason = sam_audit_make(&sam->audit, &g.event, &record);
	if (reason == SAM_OK) {
		sam_present_claim(g.a, &claim);
		reason = sam_store_revoke(sam->store, &claim, sam_clock_now(), &record.record);
	}
	sam_audit_clear(&record);
	if (reason == SAM_OK)
		tell(&g, out);
	return finish(&g, reason);
}

/* ---- a request answered ---- */

/* Is this SAD the signer's word for exactly what was asked (invariant 2)? */
static enum sam_reason fits(const struct giving *g, const struct sam_request *r)
{
	const struct sam_activation *a = g->a;
	const struct sam_key *key = sam_registry_key(g->s, r->credential);
	const struct sam_mechanism *mechanism = sam_mechanism_by_name(r->mechanism);
	if (!key || !mechanism || !sam_mem_equal(key->thumbprint, r->thumbprint, sizeof r->thumbprint))
		return SAM_KEY_HANDLE;
	if (strcmp(a->sub, r->signer) != 0 || strcmp(a->sub, key->signer) != 0)
		return SAM_SAD_FOREIGN;
	if (strcmp(a->credential, r->credential) != 0)
		return SAM_KEY_NOT_AUTHORISED;
	if (a->iat <= key->changed)
		return SAM_ACTIVATION_ENDED;
	enum sam_reason reason = sam_key_usable(key, sam_clock_now());
	if (reason != SAM_OK)
		return reason;
	if (strcmp(sam_hash_oid(a->hash), r->hash_oid) != 0)
		return SAM_HASH_NOT_AUTHORISED;
	if (!sam_sad_digest_find(a, r->dtbsr))
		return SAM_DIGEST_NOT_AUTHORISED;
	if (a->sign_algo[0] && !sam_mechanism_matches_oid(mechanism, a->hash, a->sign_algo))
		return SAM_ALGORITHM_NOT_AUTHORISED;
	return SAM_OK;
}

static enum sam_reason is_waiting(const struct sam_request *r)
{
	if (r->state != SAM_REQUEST_STATE_OPEN && r->state != SAM_REQUEST_STATE_APPROVED)
		return SAM_REQUEST_SETTLED;
	return r->expires <= sam_clock_now() ? SAM_REQUEST_EXPIRED : SAM_OK;
}

/* The request, the SAD, and whether they belong together; ${r} is described in the record in any case. */
static enum sam_reason answer(struct giving *g, const char *id, const char *sad, size_t len, struct sam_request *r)
{
	enum sam_reason reason = sam_store_request_find(g->sam->store, id, r);
	const bool found = reason == SAM_OK;
	if (found)
		reason = is_waiting(r);
	if (reason == SAM_OK)
		reason = take(g, sad, len, false);
	sam_present_describe(&g->event, g->a);
	g->event.activation = NULL;
	if (reason == SAM_OK)
		reason = fits(g, r);
	if (found)
		describe(&g->event, r);
	return reason;
}

enum sam_reason sam_request_approve(struct sam *sam, const char *id, const char *sad, size_t len,
				    struct sam_deposited *out, struct sam_msg *msg)
{
	struct giving g = {.sam = sam, .event = {.type = SAM_EVENT_REQUEST_APPROVE, .actor_kind = "process"}, .msg = msg};
	struct sam_request r;
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason = answer(&g, id, sad, len, &r);
	if (reason == SAM_OK)
		reason = record_and_keep(&g, id);
	if (reason == SAM_OK)
		tell(&g, out);
	return finish(&g, reason);
}

static enum sam_reason settle(struct sam *sam, const struct sam_event *event, enum sam_request_state state)
{
	struct sam_audit_record record = {0};
	enum sam_reason reason = sam_audit_make(&sam->audit, event, &record);
	if (reason == SAM_OK)
		reason = sam_store_request_settle(sam->store, event->request, state, sam_clock_now(), &record.record);
	sam_audit_clear(&record);
	return reason;
}

/* The SAD was given to refuse that digest: it signs it no more. The commit that settles the request makes it durable. */
static enum sam_reason use_up(struct giving *g, const struct sam_request *r)
{
	struct sam_reservation reservation;
	struct sam_claim claim;
	sam_present_claim(g->a, &claim);
	enum sam_reason reason = sam_store_reserve(g->sam->store, &claim, r->dtbsr, r->dtbsr_len, sam_clock_now(),
						   &reservation);
	return reason == SAM_DIGEST_USED ? SAM_OK : reason;
}

enum sam_reason sam_request_reject(struct sam *sam, const char *id, const char *sad, size_t len, const char *actor,
				   enum sam_role role, struct sam_msg *msg)
{
	struct giving g = {.sam = sam, .event = {.type = SAM_EVENT_REQUEST_REJECT, .actor_kind = "process"}, .msg = msg};
	struct sam_request r;
	sam_msg_set(msg, "%s", "");
	enum sam_reason reason;
	if (sad) {
		reason = answer(&g, id, sad, len, &r);
		if (reason == SAM_OK)
			reason = use_up(&g, &r);
	} else {
		g.event.actor_kind = role == SAM_ROLE_SIGNER ? "signer" : "principal";
		g.event.actor = actor;
		g.event.role = sam_role_name(role);
		reason = sam_registry_get(sam->registry, &g.s);
		if (reason == SAM_OK)
			reason = sam_store_request_find(sam->store, id, &r);
		if (reason == SAM_OK)
			describe(&g.event, &r);
		if (reason == SAM_OK && role == SAM_ROLE_SIGNER && strcmp(r.signer, actor) != 0)
			reason = SAM_ROLE;
		if (reason == SAM_OK)
			reason = is_waiting(&r);
	}
	if (reason == SAM_OK)
		reason = settle(sam, &g.event, SAM_REQUEST_STATE_REJECTED);
	return finish(&g, reason);
}

/* ---- asked ---- */

enum sam_reason sam_request_ask(struct sam *sam, const struct sam_policy *policy, const struct sam_login *login,
				struct sam_request *r)
{
	struct sam_event event = {.type = SAM_EVENT_REQUEST_ADD};
	struct sam_audit_record record = {0};
	char mine[SAM_REQUEST_ID_SIZE];
	const int64_t now = sam_clock_now();
	enum sam_reason reason = sam_requests_expire(sam, NULL);
	if (reason == SAM_OK && sam_store_request_of(sam->store, r, now, r) == SAM_OK)
		return SAM_OK; /* asked for already: nothing to write */
	if (reason == SAM_OK)
		reason = new_id(r->id);
	memcpy(mine, r->id, sizeof mine);
	r->created = now;
	r->expires = now + policy->deferred_expiry_s;
	sam_audit_application(r->application, sizeof r->application, &r->uid);
	sam_login_describe(&event, login);
	describe(&event, r);
	if (reason == SAM_OK)
		reason = sam_audit_make(&sam->audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_store_request_put(sam->store, r, policy->deferred_max, now, &record.record);
	sam_audit_clear(&record);
	if (reason == SAM_OK && strcmp(mine, r->id) == 0)
		sam_notify_request(sam, r);
	return reason;
}

/* ---- time over ---- */

enum { SOME = 32 };
struct over {
	struct sam_request *some;
	size_t count;
	int64_t now;
};

static enum sam_reason note_over(void *arg, const struct sam_request *r)
{
	struct over *over = arg;
	if (over->count < SOME && r->expires <= over->now &&
	    (r->state == SAM_REQUEST_STATE_OPEN || r->state == SAM_REQUEST_STATE_APPROVED))
		over->some[over->count++] = *r;
	return SAM_OK;
}

static enum sam_reason expire(struct sam *sam, const struct sam_request *r)
{
	struct sam_event event = {.type = SAM_EVENT_REQUEST_EXPIRE, .actor_kind = "process"};
	describe(&event, r);
	enum sam_reason reason = settle(sam, &event, SAM_REQUEST_STATE_EXPIRED);
	/* another process was first */
	return reason == SAM_REQUEST_SETTLED || reason == SAM_NOT_FOUND ? SAM_OK : reason;
}

enum sam_reason sam_requests_expire(struct sam *sam, uint64_t *done)
{
	struct sam_store_head head;
	struct over over = {.count = SOME};
	uint64_t expired = 0;
	enum sam_reason reason = sam_store_head(sam->store, &head);
	if (reason == SAM_OK && head.requests && !(over.some = calloc(SOME, sizeof *over.some)))
		reason = SAM_MEMORY;
	while (reason == SAM_OK && over.some && over.count == SOME) {
		over.count = 0;
		over.now = sam_clock_now();
		reason = sam_store_requests(sam->store, note_over, &over);
		for (size_t i = 0; reason == SAM_OK && i < over.count; i++)
			reason = expire(sam, &over.some[i]);
		expired += over.count;
	}
	free(over.some);
	if (done)
		*done = expired;
	return reason;
}
