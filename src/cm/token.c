/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening and closing the CM; which token is meant, who made it, what it can.
 */
#include "cm/internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>
#include "base/log.h"

enum { SLOTS_MAX = 4096, WAIT_MS = 10000, PRESENT_TRIES = 5 };

/* A blank-padded field of the vendor's: its text, in valid UTF-8 without control characters, since
 * it goes into audit records. */
static void field_text(char *out, const unsigned char *field, size_t size)
{
	while (size && (field[size - 1] == ' ' || field[size - 1] == '\0'))
		size--;
	memcpy(out, field, size);
	out[size] = '\0';
	json_t *valid = json_stringn(out, size);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)out[i];
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !valid))
			out[i] = '?';
	}
	json_decref(valid);
}

static bool field_is(const unsigned char *field, size_t size, const char *text)
{
	while (size && (field[size - 1] == ' ' || field[size - 1] == '\0'))
		size--;
	return strlen(text) == size && memcmp(field, text, size) == 0;
}

static bool token_is(const struct sam_cm *cm, const CK_TOKEN_INFO *t)
{
	return (t->flags & CKF_TOKEN_INITIALIZED) &&
	       (!cm->token || field_is(t->label, sizeof t->label, cm->token)) &&
	       (!cm->serial || field_is(t->serialNumber, sizeof t->serialNumber, cm->serial));
}

static void token_describe(const struct sam_cm *cm, const CK_TOKEN_INFO *t,
			   struct sam_cm_info *info)
{
	CK_INFO library;
	field_text(info->manufacturer, t->manufacturerID, sizeof t->manufacturerID);
	if (!info->manufacturer[0] && cm->vendor->f->C_GetInfo(&library) == CKR_OK)
		field_text(info->manufacturer, library.manufacturerID,
			   sizeof library.manufacturerID);
	field_text(info->model, t->model, sizeof t->model);
	field_text(info->serial, t->serialNumber, sizeof t->serialNumber);
	field_text(info->label, t->label, sizeof t->label);
	snprintf(info->firmware, sizeof info->firmware, "%u.%u", t->firmwareVersion.major,
		 t->firmwareVersion.minor);
}

static CK_RV slot_list(const CK_FUNCTION_LIST *f, CK_SLOT_ID **slots, CK_ULONG *count)
{
	CK_RV rv = CKR_BUFFER_TOO_SMALL;
	*slots = NULL;
	/* tokens may come between the two calls; not for ever */
	for (unsigned tries = 0; rv == CKR_BUFFER_TOO_SMALL && tries < 4; tries++) {
		free(*slots);
		*slots = NULL;
		rv = f->C_GetSlotList(CK_TRUE, NULL, count);
		if (rv != CKR_OK)
			return rv;
		if (*count > SLOTS_MAX)
			return CKR_GENERAL_ERROR;
		CK_ULONG room = *count + 1;
		*slots = calloc(room, sizeof **slots);
		if (!*slots)
			return CKR_HOST_MEMORY;
		*count = room;
		rv = f->C_GetSlotList(CK_TRUE, *slots, count);
		if (rv == CKR_OK && *count > room)
			return CKR_GENERAL_ERROR;
	}
	return rv;
}

enum sam_reason sam_cm_token_find(const struct sam_cm *cm, CK_SLOT_ID *slot,
				  struct sam_cm_info *info, CK_RV *rv, struct sam_msg *msg)
{
	const char *name = cm->token ? cm->token : cm->serial;
	sam_auto(sam_free) CK_SLOT_ID *slots = NULL;
	CK_ULONG count = 0;
	*rv = slot_list(cm->vendor->f, &slots, &count);
	if (*rv != CKR_OK) {
		sam_msg_set(msg, "C_GetSlotList answered 0x%lx", *rv);
		return SAM_CM_FAILED; /* logged by who asked: it may be mended */
	}
	unsigned matches = 0;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO t;
		memset(&t, 0, sizeof t);
		if (cm->vendor->f->C_GetTokenInfo(slots[i], &t) != CKR_OK || !token_is(cm, &t))
			continue;
		if (matches++ == 0) {
			*slot = slots[i];
			token_describe(cm, &t, info);
		}
	}
	if (matches == 1)
		return SAM_OK;
	sam_msg_set(msg, "%s token %s in the CM", matches ? "more than one" : "no", name);
	return sam_log_reason(SAM_CM_TOKEN, "%s token %s", matches ? "more than one" : "no", name);
}

static const CK_MECHANISM_TYPE sent[SAM_PAD_EDDSA + 1] = {
	[SAM_PAD_PKCS1] = CKM_RSA_PKCS,
	[SAM_PAD_PSS] = CKM_RSA_PKCS_PSS,
	[SAM_PAD_ECDSA] = CKM_ECDSA,
	[SAM_PAD_EDDSA] = CKM_EDDSA,
};

CK_MECHANISM_TYPE sam_cm_generator(enum sam_key_type type)
{
	if (type == SAM_KEY_RSA)
		return CKM_RSA_PKCS_KEY_PAIR_GEN;
	return type == SAM_KEY_EC ? CKM_EC_KEY_PAIR_GEN : CKM_EC_EDWARDS_KEY_PAIR_GEN;
}

static void ask_mechanisms(struct sam_cm *cm)
{
	for (unsigned p = SAM_PAD_PKCS1; p <= SAM_PAD_EDDSA; p++) {
		CK_MECHANISM_INFO m;
		memset(&m, 0, sizeof m);
		cm->has[p] = cm->vendor->f->C_GetMechanismInfo(cm->slot, sent[p], &m) == CKR_OK &&
			     (m.flags & CKF_SIGN);
	}
	for (unsigned type = SAM_KEY_RSA; type <= SAM_KEY_ED25519; type++) {
		CK_MECHANISM_INFO m;
		memset(&m, 0, sizeof m);
		cm->generates[type] = cm->vendor->f->C_GetMechanismInfo(cm->slot, sam_cm_generator((enum sam_key_type)type),
									&m) == CKR_OK &&
				      (m.flags & CKF_GENERATE_KEY_PAIR);
	}
}

static void set_down(struct sam_cm *cm)
{
	free(cm->token);
	free(cm->serial);
	free(cm->pin_source);
	free(cm->refused_memo);
	for (unsigned i = 0; i < SAM_CM_CACHE; i++)
		free(cm->cache[i].attributes);
	sam_mem_wipe(cm, sizeof *cm);
	free(cm);
}

static bool copy_text(char **out, const char *text)
{
	*out = text && *text ? strdup(text) : NULL;
	return *out || !text || !*text;
}

static struct sam_cm *set_up(const struct sam_cm_options *o)
{
	struct sam_cm *cm = calloc(1, sizeof *cm);
	if (!cm)
		return NULL;
	cm->pid = getpid();
	cm->gate = -1;
	cm->generation = 1; /* 0: never, in the cache */
	cm->limit = o->sessions < 1 ? 1 : o->sessions;
	if (cm->limit > SAM_CM_SESSIONS_MAX)
		cm->limit = SAM_CM_SESSIONS_MAX;
	cm->wait_ms = o->wait_ms ? o->wait_ms : WAIT_MS;
	cm->recheck_ms = o->recheck_ms;
	cm->again = o->again;
	if (!copy_text(&cm->token, o->token) || !copy_text(&cm->serial, o->serial) ||
	    !copy_text(&cm->pin_source, o->pin_source) ||
	    !copy_text(&cm->refused_memo, o->refused_memo)) {
		set_down(cm);
		return NULL;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr,
				  CLOCK_MONOTONIC); /* a clock set back must not prolong a wait */
	pthread_cond_init(&cm->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&cm->lock, NULL);
	pthread_mutex_init(&cm->objects, NULL);
	return cm;
}

enum sam_reason sam_cm_open(const struct sam_cm_options *options, struct sam_cm **out,
			    struct sam_msg *msg)
{
	*out = NULL;
	if (!options->module || !options->pin_source || (!options->token && !options->serial)) {
		sam_msg_set(msg, "cm.module, cm.pin_source and cm.token or cm.serial are needed");
		return SAM_ARGUMENTS;
	}
	struct sam_cm *cm = set_up(options);
	if (!cm)
		return SAM_MEMORY;
	bool entered = false;
	enum sam_reason reason = sam_cm_usable(cm) ? sam_cm_gate_enter(cm, &entered, msg) : SAM_CM_FAILED;
	if (reason == SAM_OK)
		reason = sam_cm_vendor_take(options->module, &cm->vendor, msg);
	if (reason == SAM_OK) {
		cm->epoch = cm->vendor->epoch;
		reason = sam_cm_connect(cm, msg);
	}
	sam_cm_gate_leave(cm, entered);
	if (reason == SAM_OK) {
		ask_mechanisms(cm);
		*out = cm;
		return SAM_OK;
	}
	sam_cm_close(cm);
	return reason;
}

static void log_out(struct sam_cm *cm)
{
	/* The login is the process's: not for us to end while another uses it. */
	if (!cm->own_login || !cm->idle_count || sam_cm_vendor_shared(cm->vendor))
		return;
	CK_RV rv = cm->vendor->f->C_Logout(cm->idle[0]);
	if (rv != CKR_OK)
		sam_log(SAM_LOG_WARNING, "the CM's C_Logout: 0x%lx", rv);
}

void sam_cm_close(struct sam_cm *cm)
{
	if (!cm)
		return;
	if (!sam_cm_usable(cm)) {
		sam_cm_abandon(cm);
		return;
	}
	if (cm->vendor) {
		log_out(cm);
		sam_cm_drop_sessions(cm);
		sam_cm_vendor_give(cm->vendor);
	}
	pthread_cond_destroy(&cm->changed);
	pthread_mutex_destroy(&cm->objects);
	pthread_mutex_destroy(&cm->lock);
	set_down(cm);
}

void sam_cm_abandon(struct sam_cm *cm)
{
	/* The parent's threads do not exist here; its locks may be in any state and are not
	 * touched. At exit other threads may still be inside: then even the memory stays. */
	if (cm && cm->pid != getpid())
		set_down(cm);
}

void sam_cm_info(const struct sam_cm *cm, struct sam_cm_info *out)
{
	*out = cm->info;
}

bool sam_cm_token_present(struct sam_cm *cm)
{
	if (!sam_cm_usable(cm))
		return false;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	CK_SLOT_ID slot = cm->slot;
	pthread_mutex_unlock(&cm->lock);
	/* While another process logs in, SoftHSM's token may be away for a moment. */
	for (unsigned tries = 0; tries < PRESENT_TRIES; tries++) {
		CK_TOKEN_INFO t;
		memset(&t, 0, sizeof t);
		if (cm->vendor->f->C_GetTokenInfo(slot, &t) == CKR_OK && token_is(cm, &t))
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return false;
}

bool sam_cm_has(const struct sam_cm *cm, const struct sam_mechanism *mechanism)
{
	unsigned p = mechanism->padding;
	return p <= SAM_PAD_EDDSA && cm->has[p];
}

bool sam_cm_generates(const struct sam_cm *cm, enum sam_key_type type)
{
	return type >= SAM_KEY_RSA && type <= SAM_KEY_ED25519 && cm->generates[type];
}
