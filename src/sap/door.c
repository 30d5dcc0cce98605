/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one door (HACKING.md): the only path on which data reaches the CM's signing function
 * under a signer's key. Decide, reserve, sign, verify, record, release; in this order, here, and
 * nowhere else.
 */
#include "sap/door.h"

#include <string.h>
#include "base/log.h"
#include "policy/factors.h"
#include "sap/verify.h"

/* ---- who and what ---- */

static enum sam_reason find_key(struct sam_passage *p)
{
	p->key = sam_registry_key(p->snapshot, p->request->credential);
	if (!p->key || !sam_login_may_use(p->snapshot, p->request->login, p->key->signer)) {
		p->key = NULL;
		return SAM_KEY_HANDLE;
	}
	/* again, though C_SignInit asked: a date may have passed since */
	return sam_key_may_sign(p->sam, p->snapshot, p->policy, p->key, &p->request->scheme, p->request->purpose);
}

/* The DTBS/R by the mechanism's row of the table in p11-sam(8); CKM_EDDSA's waits for the
 * hash that a SAD names. */
static enum sam_reason find_dtbsr(struct sam_passage *p)
{
	const struct sam_sign_request *r = p->request;
	const struct sam_scheme *scheme = &r->scheme;
	const uint8_t *digest = r->data;
	if (scheme->mechanism->padding == SAM_PAD_EDDSA)
		return SAM_OK;
	enum sam_hash hash = scheme->hash;
	if (r->data_is_hash) {
		if (scheme->mechanism->input != SAM_INPUT_MESSAGE || r->data_len != sam_hash_size(hash))
			return SAM_INTERNAL;
	} else if (scheme->mechanism->input == SAM_INPUT_DIGESTINFO) {
		digest = sam_hash_digestinfo_parse(r->data, r->data_len, &hash);
		if (!digest)
			return SAM_NOT_DIGESTINFO;
	} else if (scheme->mechanism->input == SAM_INPUT_DIGEST) {
		if (hash == SAM_HASH_NONE)
			hash = sam_hash_by_size(r->data_len);
		if (hash == SAM_HASH_NONE || r->data_len != sam_hash_size(hash))
			return SAM_DATA_LENGTH;
	} else {
		return SAM_INTERNAL;
	}
	p->hash = hash;
	memcpy(p->dtbsr, digest, sam_hash_size(hash));
	return sam_policy_may_hash(p->policy, scheme, hash, p->key->bits, sam_clock_now());
}

static enum sam_reason hash_message(struct sam_passage *p, enum sam_hash hash)
{
	if (p->hash == hash)
		return SAM_OK;
	enum sam_reason reason = sam_policy_may_hash(p->policy, &p->request->scheme, hash, p->key->bits,
						     sam_clock_now());
	if (reason == SAM_OK)
		reason = sam_ossl_digest(hash, p->request->message, p->request->message_len, p->dtbsr);
	p->hash = reason == SAM_OK ? hash : SAM_HASH_NONE;
	return reason;
}

/* ---- may it ---- */

/* Does this activation authorise exactly this (signer, key, mechanism, DTBS/R)? (invariant 2) */
static enum sam_reason covers(struct sam_passage *p, const struct sam_activation *a)
{
	if (strcmp(a->sub, p->key->signer) != 0 || strcmp(a->credential, p->key->credential) != 0)
		return SAM_KEY_NOT_AUTHORISED;
	if (a->iat <= p->key->changed) /* it was suspended since, and resumed */
		return SAM_ACTIVATION_ENDED;
	enum sam_reason reason = sam_present_still(p->sam, p->snapshot, a, sam_clock_now());
	if (reason == SAM_SAD_KEY_UNKNOWN || reason == SAM_SAD_OLD || reason == SAM_SAD_DELEGATION)
		return SAM_ACTIVATION_ENDED; /* its device or issuer was removed since, or something else changed */
	if (reason == SAM_SIGNER_SUSPENDED)
		return SAM_ACTIVATION_SUSPENDED;
	if (reason != SAM_OK)
		return reason;
	if (p->request->scheme.mechanism->padding == SAM_PAD_EDDSA)
		reason = hash_message(p, a->hash);
	if (reason != SAM_OK)
		return reason;
	if (a->hash != p->hash)
		return SAM_HASH_NOT_AUTHORISED;
	if (a->sign_algo[0] && !sam_mechanism_matches_oid(p->request->scheme.mechanism, p->hash, a->sign_algo))
		return SAM_ALGORITHM_NOT_AUTHORISED;
	return sam_sad_digest_find(a, p->dtbsr) ? SAM_OK : SAM_DIGEST_NOT_AUTHORISED;
}

/* By a SAD token, which must be the SAD's current one still; where the policy has it so, the next takes its place with
 * the digest. */
static enum sam_reason reserve_by_token(struct sam_passage *p, const struct sam_activation *a,
					const struct sam_claim *claim)
{
	struct sam_token_use use = {.id = a->by};
	enum sam_reason reason = SAM_OK;
	if (sam_policy_renews(p->policy, p->request->login->name, a->sub)) {
		use.chain = p->policy->renewal_max;
		reason = sam_token_make(use.next);
	}
	if (reason == SAM_OK)
		reason = sam_store_reserve_by_token(p->sam->store, claim, &use, p->dtbsr, sam_hash_size(p->hash),
						    sam_clock_now(), &p->reservation);
	sam_mem_wipe(&use, sizeof use);
	return reason;
}

/* Take it from the store for good (invariant 3): of all threads and processes one gets SAM_OK. */
static enum sam_reason reserve(struct sam_passage *p, const struct sam_activation *a)
{
	struct sam_claim claim;
	sam_present_claim(a, &claim);
	enum sam_reason reason =
		a->by.number ? reserve_by_token(p, a, &claim)
			     : sam_store_reserve(p->sam->store, &claim, p->dtbsr, sam_hash_size(p->hash), sam_clock_now(),
						 &p->reservation);
	if (reason == SAM_OK) {
		p->activation = a;
		p->reserved = true;
	}
	if (reason == SAM_SAD_EXPIRED)
		return SAM_ACTIVATION_EXPIRED;
	if (reason == SAM_SAD_EPOCH)
		return SAM_ACTIVATION_ENDED;
	if (reason == SAM_SAD_REVOKED)
		return SAM_ACTIVATION_REVOKED;
	return reason == SAM_SAD_REUSED_ID ? SAM_ACTIVATION_REUSED_ID : reason;
}

/* How near a refusal came to a yes: of several SADs, the record names the one that was meant. */
static unsigned nearness(enum sam_reason reason)
{
	static const enum sam_reason order[] = {
		SAM_NO_ACTIVATION,       SAM_KEY_NOT_AUTHORISED,  SAM_HASH_NOT_AUTHORISED, SAM_ALGORITHM_NOT_AUTHORISED,
		SAM_DIGEST_NOT_AUTHORISED, SAM_ACTIVATION_EXPIRED, SAM_ACTIVATION_ENDED, SAM_ACTIVATION_SUSPENDED,
		SAM_ACTIVATION_REUSED_ID, SAM_ACTIVATION_REVOKED, SAM_RENEWALS_USED, SAM_TOKEN_RENEWED, SAM_COUNT_USED,
		SAM_DIGEST_USED,
	};
	for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
		if (order[i] == reason)
			return i;
	return sizeof order / sizeof *order;
}

/* Level 1 where the policy says so: the service login by the signer's own password is the activation. */
static enum sam_reason by_login(const struct sam_passage *p)
{
	const struct sam_login *login = p->request->login;
	const struct sam_signer *signer = sam_registry_signer(p->snapshot, p->key->signer);
	if (p->policy->authorisation != SAM_AUTHORISE_LOGIN || login->role != SAM_ROLE_SIGNER || login->by_sad)
		return SAM_NO_ACTIVATION;
	if (signer && signer->suspended)
		return SAM_ACTIVATION_SUSPENDED;
	if (!signer || !signer->password_own)
		return SAM_LOGIN_NOT_CONFIRMED;
	/* who logged in by the first password is not who chose the one that counts now */
	return signer->version == login->version ? SAM_OK : SAM_ACTIVATION_ENDED;
}

static enum sam_reason by_presented(struct sam_passage *p)
{
	const struct sam_sign_request *r = p->request;
	enum sam_reason best = SAM_NO_ACTIVATION;
	for (size_t i = 0; i < r->activation_count; i++) {
		enum sam_reason reason = covers(p, r->activations[i]);
		if (reason == SAM_OK)
			reason = reserve(p, r->activations[i]);
		if (reason == SAM_OK)
			return SAM_OK;
		if (nearness(reason) >= nearness(best)) {
			best = reason;
			p->activation = r->activations[i]; /* for the record */
		}
	}
	return best;
}

/* ---- deferred authorisation: what the store holds for this key and DTBS/R ---- */

static bool is_eddsa(const struct sam_passage *p)
{
	return p->request->scheme.mechanism->padding == SAM_PAD_EDDSA;
}

struct search {
	struct sam_passage *p;
	enum sam_reason reason; /* OK once one is reserved; NO_ACTIVATION as long as none would do */
};

/* A deposit is looked at like a SAD that is presented now: nothing of it is believed for having been stored. */
static enum sam_reason try_deposit(void *arg, const void *body, size_t len)
{
	struct search *s = arg;
	struct sam_passage *p = s->p;
	if (s->reason != SAM_NO_ACTIVATION)
		return SAM_OK;
	sam_sad_clear(&p->stored);
	enum sam_reason reason = sam_sad_read(body, len, &p->stored);
	if (reason == SAM_OK)
		reason = covers(p, &p->stored);
	if (reason == SAM_OK)
		reason = reserve(p, &p->stored);
	/* one that does not fit, or that another took meanwhile, is as good as none; what else fails is a no */
	if (reason == SAM_OK || nearness(reason) > nearness(SAM_DIGEST_USED))
		s->reason = reason;
	return SAM_OK;
}

static enum sam_reason search_deposits(struct sam_passage *p)
{
	struct search s = {p, SAM_NO_ACTIVATION};
	enum sam_reason reason = sam_store_deposit_find(p->sam->store, p->key->credential, p->dtbsr,
							sam_hash_size(p->hash), try_deposit, &s);
	return reason == SAM_OK ? s.reason : reason;
}

/* By which a SAD may name the message of CKM_EDDSA; the first is the one that the curve uses. */
static const enum sam_hash eddsa_hashes[] = {SAM_HASH_SHA512, SAM_HASH_SHA384, SAM_HASH_SHA256};
enum { EDDSA_HASHES = sizeof eddsa_hashes / sizeof *eddsa_hashes };

static enum sam_reason by_deposit(struct sam_passage *p)
{
	struct sam_request like;
	enum sam_reason reason = SAM_NO_ACTIVATION;
	if (!p->policy->deferred || p->request->purpose != SAM_SIGN_DATA)
		return SAM_NO_ACTIVATION;
	if (!is_eddsa(p))
		reason = search_deposits(p);
	for (size_t i = 0; is_eddsa(p) && reason == SAM_NO_ACTIVATION && i < EDDSA_HASHES; i++)
		if (hash_message(p, eddsa_hashes[i]) == SAM_OK)
			reason = search_deposits(p);
	if (reason != SAM_OK)
		return reason;
	p->deferred = true;
	sam_door_name_request(p, &like);
	if (sam_store_request_of(p->sam->store, &like, sam_clock_now(), &p->asked) != SAM_OK)
		p->asked.id[0] = '\0'; /* deposited before anybody asked */
	return SAM_OK;
}

/* CKM_EDDSA: record and request name the hash of the nearest SAD, or the first that the policy allows. */
static enum sam_reason choose_hash(struct sam_passage *p)
{
	enum sam_reason reason = SAM_NO_ACTIVATION;
	if (!is_eddsa(p))
		return SAM_OK;
	if (p->activation && p->activation->hash != SAM_HASH_NONE)
		reason = hash_message(p, p->activation->hash);
	for (size_t i = 0; reason != SAM_OK && i < EDDSA_HASHES; i++)
		reason = hash_message(p, eddsa_hashes[i]);
	return reason;
}

/* Anything but a yes is a no (invariant 5). Where a SAD was presented it must fit, also where the login
 * would do; but what the store was given for this key and DTBS/R serves whoever asks. */
static enum sam_reason authorise(struct sam_passage *p)
{
	enum sam_reason best = by_presented(p);
	if (best == SAM_OK)
		return SAM_OK;
	if (best == SAM_NO_ACTIVATION)
		best = by_login(p);
	enum sam_reason stored = best == SAM_OK ? SAM_NO_ACTIVATION : by_deposit(p);
	if (stored != SAM_NO_ACTIVATION)
		return stored;
	/* nothing can be asked for of which no hash says what it is */
	enum sam_reason hashed = choose_hash(p);
	return hashed != SAM_OK && (best == SAM_OK || best == SAM_NO_ACTIVATION) ? hashed : best;
}

/* ---- sign, record, release ---- */

static enum sam_reason let_cm_sign(struct sam_passage *p, uint8_t *signature, size_t *len, bool *maybe)
{
	const struct sam_sign_request *r = p->request;
	struct sam_cm_job job = {
		.padding = r->scheme.mechanism->padding,
		.hash = p->hash,
		.digest = p->dtbsr,
		.bits = p->key->bits,
		.attributes = p->key->attributes,
	};
	memcpy(job.id, p->key->cm_id, sizeof job.id);
	if (job.padding == SAM_PAD_EDDSA) {
		job.message = r->message;
		job.message_len = r->message_len;
	}
	return sam_cm_sign(p->sam->cm, &job, signature, len, maybe);
}

/* The proof that the CM used this key (invariant 2). */
static enum sam_reason verify(const struct sam_passage *p, const uint8_t *signature, size_t len)
{
	const struct sam_sign_request *r = p->request;
	enum sam_padding padding = r->scheme.mechanism->padding;
	if (len != sam_signature_size(p->key->type, p->key->bits))
		return SAM_SIGNATURE_MISMATCH;
	if (!p->policy->verify)
		return SAM_OK;
	if (padding == SAM_PAD_EDDSA)
		return sam_verify_message(p->key->pkey, r->message, r->message_len, signature, len);
	size_t order = (p->key->bits + 7) / 8, digest = sam_hash_size(p->hash);
	if (padding == SAM_PAD_ECDSA && digest > order)
		digest = order;
	return sam_verify_digest(p->key->pkey, padding, p->hash, p->dtbsr, digest, signature, len);
}

/* Consumption and audit record in one durable transaction; only then may the signature leave
 * (invariants 3 and 4). */
static enum sam_reason commit(struct sam_passage *p, const uint8_t *signature, size_t len)
{
	char factors[SAM_FACTORS_TEXT];
	struct sam_event event;
	struct sam_audit_record record = {0};
	sam_door_describe(p, &event);
	event.signature = signature;
	event.signature_len = len;
	event.activation = !p->activation ? "login" : p->deferred ? "deferred" : p->activation->token ? "token" : "sad";
	event.factors = sam_factors_text(p->activation ? p->activation->factors : SAM_FACTOR_KNOWLEDGE, factors);
	if (p->deferred)
		memcpy(p->reservation.request, p->asked.id, sizeof p->reservation.request);
	enum sam_reason reason = sam_audit_make(&p->sam->audit, &event, &record);
	if (reason == SAM_OK)
		reason = p->reserved ? sam_store_commit(p->sam->store, &p->reservation, &record.record)
				     : sam_store_append(p->sam->store, &record.record, true);
	sam_audit_clear(&record);
	return reason;
}

/* The CM answered with an error instead of a signature: what was reserved is free again, durably
 * (invariant 6). Where that cannot be written the SAD stays spent: the safe side. */
static enum sam_reason give_back(struct sam_passage *p, enum sam_reason why)
{
	struct sam_event event;
	struct sam_audit_record record = {0};
	sam_door_describe(p, &event);
	event.reason = why;
	enum sam_reason reason = sam_audit_make(&p->sam->audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_store_give_back(p->sam->store, &p->reservation, &record.record);
	sam_audit_clear(&record);
	if (reason != SAM_OK)
		sam_log_reason(reason, "a reservation could not be given back");
	sam_door_alert(p, &event, why);
	return why;
}

static enum sam_reason decide(struct sam_passage *p)
{
	enum sam_reason reason = sam_registry_get(p->sam->registry, &p->snapshot);
	if (reason == SAM_OK)
		reason = sam_sealed_now(p->sam, p->snapshot, &p->policy);
	if (reason == SAM_OK && p->snapshot->cm_disabled)
		reason = SAM_CM_DISABLED;
	if (reason == SAM_OK)
		reason = find_key(p);
	if (reason == SAM_OK)
		reason = find_dtbsr(p);
	return reason == SAM_OK ? authorise(p) : reason;
}

/* What was decided upon is let go; the DTBS/R stays for the record. */
static void let_go(struct sam_passage *p)
{
	sam_registry_put(p->snapshot);
	p->snapshot = NULL;
	p->policy = NULL;
	p->key = NULL;
	p->activation = NULL;
	sam_sad_clear(&p->stored);
}

/* Nobody presented anything: the signer is asked, and all is decided anew when there may be an answer (the policy too
 * may have changed). */
static enum sam_reason wait_for_signer(struct sam_passage *p)
{
	const int64_t deadline = sam_clock_monotonic_ms() + p->policy->deferred_wait_s * 1000;
	enum sam_reason reason = sam_door_ask(p);
	if (reason != SAM_OK)
		p->asked.id[0] = '\0';
	const struct sam_request asked = p->asked;
	while (reason == SAM_OK) {
		let_go(p);
		reason = sam_door_await(p, deadline);
		if (reason != SAM_OK)
			return reason;
		reason = decide(p);
		if (reason == SAM_OK)
			return SAM_OK;
		p->asked = asked;
		if (reason == SAM_NO_ACTIVATION && p->policy->deferred)
			reason = SAM_OK;
	}
	return reason;
}

static enum sam_reason pass(struct sam_passage *p, uint8_t *signature, size_t *len)
{
	enum sam_reason reason = decide(p);
	bool waited = reason == SAM_NO_ACTIVATION && p->policy->deferred && p->request->wait &&
		      p->request->purpose == SAM_SIGN_DATA;
	if (waited)
		reason = wait_for_signer(p);
	if (reason != SAM_OK)
		return sam_door_refuse(p, reason);
	/* invariant 6: nobody is there any more to take it */
	if (waited && (reason = sam_door_over(p)) != SAM_OK)
		return p->reserved ? give_back(p, reason) : sam_door_refuse(p, reason);

	bool maybe = false;
	*len = SAM_CM_SIGNATURE_MAX;
	reason = let_cm_sign(p, signature, len, &maybe);
	if (reason != SAM_OK)
		return p->reserved && !maybe ? give_back(p, reason) : sam_door_refuse(p, reason);
	reason = verify(p, signature, *len);
	if (reason != SAM_OK)
		return sam_door_refuse(p, reason);
	reason = commit(p, signature, *len);
	if (reason == SAM_SAD_REVOKED) /* while the CM was at it */
		reason = SAM_ACTIVATION_REVOKED;
	return reason == SAM_OK ? SAM_OK : sam_door_refuse(p, reason);
}

enum sam_reason sam_sign(struct sam *sam, const struct sam_sign_request *request, uint8_t *signature, size_t *len)
{
	struct sam_passage p = {.sam = sam, .request = request};
	enum sam_reason reason = pass(&p, signature, len);
	if (reason != SAM_OK) {
		sam_mem_wipe(signature, SAM_CM_SIGNATURE_MAX);
		*len = 0;
	}
	let_go(&p);
	sam_mem_wipe(p.dtbsr, sizeof p.dtbsr);
	sam_mem_wipe(&p.reservation, sizeof p.reservation); /* it knows a token */
	/* seldom due; whether it succeeds is no matter of this signature, and the log says it */
	(void)!sam_store_checkpoint(sam->store, false);
	return reason;
}
