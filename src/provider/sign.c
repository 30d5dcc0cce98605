/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signing, as far as the application's face goes: the operation, its data as a hash or a private copy,
 * and the way to the one door, sam_sign(). The CM is not touched before that (HACKING.md), and
 * no lock is held while it works.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>
#include "base/peer.h"

enum { RAW_MAX = 128 }; /* more than any DigestInfo or hash that could be allowed */

struct sign {
	struct sam_operation op;
	char credential[SAM_CREDENTIAL_SIZE];
	struct sam_scheme scheme;
	size_t size;			   /* of the signature: ours, not the CM's */
	uint64_t epoch;			   /* of the login that began it */
	struct sam_activation *activation; /* the context login's, for this operation alone */
	struct sam_input_state input;
};

static void sign_free(struct sam_operation *op)
{
	struct sign *sign = (struct sign *)op;
	sam_activation_release(sign->activation);
	sam_scheme_clear(&sign->input);
	free(sign);
}

void sam_sign_activate(struct sam_operation *op, struct sam_activation *activation)
{
	struct sign *sign = (struct sign *)op;
	sam_activation_release(sign->activation);
	sign->activation = activation;
}

static bool is_eddsa(const struct sign *sign)
{
	return sign->scheme.mechanism->padding == SAM_PAD_EDDSA;
}

/* ---- C_SignInit ---- */

static CK_RV key_not_found(struct sam_provider *p, CK_RV rv)
{
	struct sam_login login;
	if (rv != CKR_OBJECT_HANDLE_INVALID)
		return rv;
	sam_login_get(p, &login);
	return login.name[0] ? CKR_KEY_HANDLE_INVALID : CKR_USER_NOT_LOGGED_IN;
}

/* Does the policy allow this mechanism, its parameters and this key, now? */
static CK_RV sign_prepare(struct sam_provider *p, const CK_MECHANISM *mechanism,
			  const struct sam_object *object, struct sign *sign)
{
	struct sam_login login;
	struct sam_mechanism_copy copy;
	const struct sam_key_view *view = object->view;
	sam_login_get(p, &login);
	enum sam_reason reason =
		sam_scheme_copy(mechanism, &copy) == CKR_OK ? SAM_OK : SAM_MECHANISM_PARAMETER;
	if (reason != SAM_OK)
		sam_refused_call(p->sam, &login, "C_SignInit", view->credential, reason);
	else
		reason = sam_may_sign(p->sam, &login, view->credential, &copy.mechanism,
				      &sign->scheme);
	if (reason != SAM_OK)
		return sam_reason_rv(reason, false);
	memcpy(sign->credential, view->credential, sizeof sign->credential);
	sign->size = sam_signature_size(view->type, view->bits);
	sign->epoch = object->ring->epoch;
	const bool hashed = sign->scheme.mechanism->input == SAM_INPUT_MESSAGE && !is_eddsa(sign);
	return sam_scheme_start(&sign->input, hashed ? sign->scheme.hash : SAM_HASH_NONE,
				is_eddsa(sign) ? P11_SAM_EDDSA_PARTS_MAX : RAW_MAX);
}

static CK_RV sign_begin(struct sam_provider *p, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
			struct sign *sign)
{
	struct sam_object object;
	CK_RV rv = sam_object_get(p, key, &object);
	if (rv != CKR_OK)
		return key_not_found(p, rv);
	if (object.view && object.part == SAM_PART_CERTIFICATE)
		rv = CKR_KEY_HANDLE_INVALID;
	else
		rv = object.view && object.part == SAM_PART_PRIVATE ? sign_prepare(p, mechanism, &object, sign)
								    : CKR_KEY_FUNCTION_NOT_PERMITTED;
	sam_object_put(&object);
	return rv;
}

CK_RV sam_C_SignInit(struct sam_session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	if (!mechanism) /* v3.0: ends the operation under way */
		return sam_session_cancel(s, SAM_OP_SIGN);
	CK_RV rv = sam_session_begin(s, SAM_OP_SIGN);
	if (rv != CKR_OK)
		return rv;
	struct sign *sign = calloc(1, sizeof *sign);
	if (!sign) {
		sam_session_put(s, SAM_OP_SIGN, NULL);
		return CKR_HOST_MEMORY;
	}
	sign->op.free = sign_free;
	rv = sign_begin(s->p, mechanism, key, sign);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_SIGN, &sign->op);
	else
		sam_session_end(s, SAM_OP_SIGN, &sign->op);
	return rv;
}

/* ---- the way to the door ---- */

/* A refusal that the door never sees. */
static CK_RV refuse(struct sam_session *s, const struct sign *sign, const char *call,
		    enum sam_reason reason)
{
	struct sam_login login;
	sam_login_get(s->p, &login);
	return sam_reason_rv(sam_refused_call(s->p->sam, &login, call, sign->credential, reason),
			     false);
}

/* Take in what is to be signed; too much of it is a refusal. */
static CK_RV take_data(struct sam_session *s, struct sign *sign, const char *call,
		       const CK_BYTE *data, size_t len)
{
	CK_RV rv = sam_scheme_add(&sign->input, data, len);
	if (rv != CKR_DATA_LEN_RANGE)
		return rv;
	const bool info = sign->scheme.mechanism->input == SAM_INPUT_DIGESTINFO;
	return refuse(s, sign, call, info ? SAM_NOT_DIGESTINFO : SAM_DATA_LENGTH);
}

/* The activations to try: the context login's, then the session-wide ones. */
static size_t hold_activations(struct sam_provider *p, const struct sign *sign,
			       struct sam_activation *out[1 + P11_SAM_ACTIVATIONS_MAX])
{
	size_t count = 0;
	if (sign->activation) {
		sam_activation_hold(sign->activation);
		out[count++] = sign->activation;
	}
	return count + sam_login_hold(p, sign->epoch, out + count);
}

/* Deferred authorisation: does anybody still want this signature? Asked by the door while it waits, and once more
 * before it signs; no lock is held in between. The first question tells that the thread waits, and may be cancelled. */
struct waiting {
	struct sam_provider *p;
	struct sign *sign;
};

static enum sam_reason over(void *arg)
{
	const struct waiting *w = arg;
	atomic_store(&w->sign->op.waiting, true);
	if (atomic_load(&w->sign->op.over) || atomic_load(&w->p->phase) != SAM_PHASE_UP ||
	    sam_login_epoch(w->p) != w->sign->epoch)
		return SAM_CANCELLED;
	return sam_peer_gone() ? SAM_CLIENT_GONE : SAM_OK;
}

/* Through the one door (invariant 1); then, and only then, the signature is copied out (invariant 4). */
static CK_RV pass(struct sam_session *s, struct sign *sign, const char *call, CK_BYTE *out,
		  CK_ULONG *out_len)
{
	struct sam_provider *p = s->p;
	struct sam_login login;
	if (sam_login_get(p, &login) !=
	    sign->epoch) /* logged out since: another login is not this one */
		return refuse(s, sign, call, SAM_NO_ACTIVATION);
	uint8_t hash[SAM_HASH_MAX], signature[SAM_CM_SIGNATURE_MAX];
	struct sam_activation *activations[1 + P11_SAM_ACTIVATIONS_MAX];
	struct waiting waiting = {p, sign};
	const struct sam_wait wait = {over, &waiting};
	struct sam_sign_request request = {.login = &login,
					   .credential = sign->credential,
					   .scheme = sign->scheme,
					   .activations = activations,
					   .wait = &wait};
	if (is_eddsa(sign)) {
		request.message = sam_scheme_data(&sign->input);
		request.message_len = sign->input.len;
	} else if (sign->input.hash != SAM_HASH_NONE) {
		CK_RV rv = sam_scheme_hash(&sign->input, hash);
		if (rv != CKR_OK)
			return rv;
		request.data = hash;
		request.data_len = sam_hash_size(sign->input.hash);
		request.data_is_hash = true;
	} else {
		request.data = sam_scheme_data(&sign->input);
		request.data_len = sign->input.len;
	}
	request.activation_count = hold_activations(p, sign, activations);
	size_t len = 0;
	enum sam_reason reason = sam_sign(p->sam, &request, signature, &len);
	for (size_t i = 0; i < request.activation_count; i++)
		sam_activation_release(activations[i]);
	if (reason == SAM_OK && len != sign->size)
		reason = SAM_INTERNAL;
	if (reason == SAM_OK) {
		memcpy(out, signature, len);
		*out_len = len;
	}
	sam_mem_wipe(signature, sizeof signature);
	return sam_reason_rv(reason, false);
}

/* ---- C_Sign, C_SignUpdate, C_SignFinal ---- */

CK_RV sam_C_Sign(struct sam_session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		 CK_ULONG *out_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_SIGN, &op);
	if (rv != CKR_OK)
		return rv;
	struct sign *sign = (struct sign *)op;
	if (sign->input.begun) {
		rv = CKR_OPERATION_ACTIVE; /* begun in parts, ends in parts */
	} else if (sam_scheme_fits(out, out_len, sign->size, &rv)) {
		if (is_eddsa(sign))
			sign->input.max = P11_SAM_EDDSA_ONE_MAX;
		rv = take_data(s, sign, "C_Sign", data, len);
		if (rv == CKR_OK)
			rv = pass(s, sign, "C_Sign", out, out_len);
	} else if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL) {
		sam_session_put(s, SAM_OP_SIGN, op); /* asking uses nothing up (invariant 6) */
		return rv;
	}
	sam_session_end(s, SAM_OP_SIGN, op);
	return rv;
}

CK_RV sam_C_SignUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_SIGN, &op);
	if (rv != CKR_OK)
		return rv;
	rv = take_data(s, (struct sign *)op, "C_SignUpdate", part, len);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_SIGN, op);
	else
		sam_session_end(s, SAM_OP_SIGN, op);
	return rv;
}

CK_RV sam_C_SignFinal(struct sam_session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_SIGN, &op);
	if (rv != CKR_OK)
		return rv;
	struct sign *sign = (struct sign *)op;
	if (out && out_len && !sign->input.begun) {
		/* Java cancels an operation so: before the room is looked at, since it must end in any case */
		rv = refuse(s, sign, "C_SignFinal", SAM_ABANDONED);
	} else if (sam_scheme_fits(out, out_len, sign->size, &rv)) {
		rv = pass(s, sign, "C_SignFinal", out, out_len);
	} else if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL) {
		sam_session_put(s, SAM_OP_SIGN, op);
		return rv;
	}
	sam_session_end(s, SAM_OP_SIGN, op);
	return rv;
}
