/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one slot, its token, and the SAM's own list of mechanisms.
 */
#include "provider/provider.h"

#include <string.h>

void sam_slot_pad(CK_UTF8CHAR *out, size_t size, const char *text)
{
	memset(out, ' ', size);
	memcpy(out, text, strnlen(text, size));
}

void sam_slot_offer(struct sam_provider *p)
{
	p->offered_count = 0;
	const struct sam_mechanism *m;
	for (size_t i = 0; (m = sam_mechanism_at(i)) && p->offered_count < SAM_OFFERED_MAX; i++)
		if (sam_mechanism_offered(p->sam, m))
			p->offered[p->offered_count++] = m;
	const struct sam_generator *g;
	for (size_t i = 0; (g = sam_generator_at(i)); i++) {
		unsigned min, max;
		p->generates[g->type] = sam_generates(p->sam, g->type, &min, &max);
	}
}

static size_t generator_count(const struct sam_provider *p)
{
	const struct sam_generator *g;
	size_t count = 0;
	for (size_t i = 0; (g = sam_generator_at(i)); i++)
		count += p->generates[g->type];
	return count;
}

CK_RV sam_C_GetSlotList(struct sam_provider *p, CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	if (!count)
		return CKR_ARGUMENTS_BAD;
	CK_ULONG need = 1;
	if (present) {
		struct sam_token_info token;
		sam_token_info(p->sam, &token);
		need = token.present ? 1 : 0;
	}
	const CK_ULONG room = list ? *count : 0;
	*count = need;
	if (!list)
		return CKR_OK;
	if (room < need)
		return CKR_BUFFER_TOO_SMALL;
	if (need)
		list[0] = P11_SAM_SLOT;
	return CKR_OK;
}

CK_RV sam_C_GetSlotInfo(struct sam_provider *p, CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!info)
		return CKR_ARGUMENTS_BAD;
	struct sam_token_info token;
	sam_token_info(p->sam, &token);
	*info = (CK_SLOT_INFO){.flags = token.present ? CKF_TOKEN_PRESENT : 0,
			       .firmwareVersion = {P11_SAM_VERSION_MAJOR, P11_SAM_VERSION_MINOR}};
	sam_slot_pad(info->slotDescription, sizeof info->slotDescription,
		     "p11-sam Signature Activation Module");
	sam_slot_pad(info->manufacturerID, sizeof info->manufacturerID, "p11-sam");
	return CKR_OK;
}

CK_RV sam_C_GetTokenInfo(struct sam_provider *p, CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!info)
		return CKR_ARGUMENTS_BAD;
	struct sam_token_info token;
	sam_token_info(p->sam, &token);
	if (!token.present)
		return CKR_TOKEN_NOT_PRESENT;
	size_t rw;
	const size_t sessions = sam_session_count(p, &rw);
	*info = (CK_TOKEN_INFO){
		/* Not write-protected: clients open read-write sessions even to sign; the writing call is refused. */
		.flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED |
			 CKF_TOKEN_INITIALIZED |
			 (token.protected_path ? CKF_PROTECTED_AUTHENTICATION_PATH : 0),
		.ulMaxSessionCount = P11_SAM_SESSIONS_MAX,
		.ulSessionCount = sessions,
		.ulMaxRwSessionCount = P11_SAM_SESSIONS_MAX,
		.ulRwSessionCount = rw,
		.ulMaxPinLen = P11_SAM_PIN_MAX,
		.ulMinPinLen =
			1, /* NSS refuses shorter ones itself; what is too short, the SAM says */
		.ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.firmwareVersion = {P11_SAM_VERSION_MAJOR, P11_SAM_VERSION_MINOR},
	};
	sam_slot_pad(info->label, sizeof info->label, token.label);
	sam_slot_pad(info->manufacturerID, sizeof info->manufacturerID, token.manufacturer);
	sam_slot_pad(info->model, sizeof info->model, token.model);
	sam_slot_pad(info->serialNumber, sizeof info->serialNumber, token.serial);
	sam_slot_pad(info->utcTime, sizeof info->utcTime, "");
	return CKR_OK;
}

CK_RV sam_C_GetMechanismList(struct sam_provider *p, CK_SLOT_ID id, CK_MECHANISM_TYPE *list,
			     CK_ULONG *count)
{
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!count)
		return CKR_ARGUMENTS_BAD;
	const CK_ULONG need =
		p->offered_count + generator_count(p) + (SAM_HASH_COUNT - SAM_HASH_SHA256);
	const CK_ULONG room = list ? *count : 0;
	*count = need;
	if (!list)
		return CKR_OK;
	if (room < need)
		return CKR_BUFFER_TOO_SMALL;
	for (size_t i = 0; i < p->offered_count; i++)
		*list++ = p->offered[i]->type;
	const struct sam_generator *g;
	for (size_t i = 0; (g = sam_generator_at(i)); i++)
		if (p->generates[g->type])
			*list++ = g->mechanism;
	for (int hash = SAM_HASH_SHA256; hash < SAM_HASH_COUNT; hash++)
		*list++ = sam_hash_mechanism((enum sam_hash)hash);
	return CKR_OK;
}

static void describe(CK_MECHANISM_INFO *info, CK_FLAGS flags, enum sam_key_type key, unsigned min, unsigned max)
{
	info->flags = flags;
	if (key != SAM_KEY_RSA)
		info->flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
	info->ulMinKeySize = min;
	info->ulMaxKeySize = max;
}

CK_RV sam_C_GetMechanismInfo(struct sam_provider *p, CK_SLOT_ID id, CK_MECHANISM_TYPE type,
			     CK_MECHANISM_INFO *info)
{
	unsigned min, max;
	if (id != P11_SAM_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!info)
		return CKR_ARGUMENTS_BAD;
	*info = (CK_MECHANISM_INFO){0};
	if (sam_hash_by_mechanism(type) != SAM_HASH_NONE) {
		info->flags = CKF_DIGEST;
		return CKR_OK;
	}
	for (size_t i = 0; i < p->offered_count; i++) {
		const struct sam_mechanism *m = p->offered[i];
		if (m->type != type)
			continue;
		sam_key_sizes(p->sam, m->key, &min, &max);
		describe(info, CKF_SIGN | CKF_VERIFY, m->key, min, max);
		return CKR_OK;
	}
	const struct sam_generator *g;
	for (size_t i = 0; (g = sam_generator_at(i)); i++) {
		if (g->mechanism != type || !p->generates[g->type])
			continue;
		/* what is listed stays listed; by now there may be no size left */
		if (!sam_generates(p->sam, g->type, &min, &max))
			min = max = 0;
		describe(info, CKF_GENERATE_KEY_PAIR, g->type, min, max);
		return CKR_OK;
	}
	return CKR_MECHANISM_INVALID;
}

/* The slot never changes: a thread that waits is woken by C_Finalize alone. */
CK_RV sam_C_WaitForSlotEvent(struct sam_provider *p, CK_FLAGS flags, CK_SLOT_ID *slot,
			     void *reserved)
{
	if (!slot || reserved)
		return CKR_ARGUMENTS_BAD;
	if (flags & CKF_DONT_BLOCK)
		return CKR_NO_EVENT;
	pthread_mutex_lock(&p->lock); /* LOCKED */
	while (atomic_load(&p->phase) == SAM_PHASE_UP)
		pthread_cond_wait(&p->moved, &p->lock);
	pthread_mutex_unlock(&p->lock); /* LOCKED until here */
	return CKR_CRYPTOKI_NOT_INITIALIZED;
}
