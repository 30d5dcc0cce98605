/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The number of a node's newest checkpoint: what stands outside the store and cannot be set back with it
 * (HACKING.md, section 5). A private data object, replaced and never changed; the highest counts.
 */
#include "cm/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/name.h"

/* A crash leaves one object more, and the next write clears it away. */
enum { DIGITS = 20, OBJECTS_MAX = 64, LABEL_MAX = sizeof SAM_CM_OWN_LABEL "checkpoint " + SAM_NAME_SIZE };

static const char application[] = "p11-sam";
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS class = CKO_DATA;

struct search {
	char label[LABEL_MAX];
	uint64_t number; /* read: the highest; write: the new one */
	CK_OBJECT_HANDLE found[OBJECTS_MAX + 1];
	uint64_t values[OBJECTS_MAX + 1]; /* of those; 0: none */
	size_t n;
};

static bool prepare(struct search *x, const char *node)
{
	if (!sam_name_valid(node, strlen(node)))
		return false;
	snprintf(x->label, sizeof x->label, SAM_CM_OWN_LABEL "checkpoint %s", node);
	return true;
}

static uint64_t parse(const char *text, size_t len)
{
	uint64_t number = 0;
	if (len != DIGITS)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return 0;
		number = number * 10 + digit;
	}
	return number;
}

static enum sam_reason read_value(struct sam_cm *cm, struct sam_cm_session *s, const struct search *x,
				  CK_OBJECT_HANDLE object, uint64_t *number)
{
	char text[DIGITS];
	CK_ATTRIBUTE a = {CKA_VALUE, text, sizeof text};
	CK_RV rv = cm->vendor->f->C_GetAttributeValue(s->handle, object, &a, 1);
	if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
		return sam_cm_fail(s, "C_GetAttributeValue", rv);
	*number = rv == CKR_OK ? parse(text, a.ulValueLen) : 0;
	if (!*number)
		sam_log(SAM_LOG_WARNING, "an object \"%s\" in the CM holds no number", x->label);
	return SAM_OK;
}

/* All of that node, with their values. Private ones only: others can be made without the CM's PIN. */
static enum sam_reason list(struct sam_cm *cm, struct sam_cm_session *s, struct search *x, uint64_t *highest)
{
	CK_ATTRIBUTE match[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_TOKEN, &yes, sizeof yes},
		{CKA_PRIVATE, &yes, sizeof yes},
		{CKA_APPLICATION, (void *)application, sizeof application - 1},
		{CKA_LABEL, x->label, strlen(x->label)},
	};
	*highest = 0;
	enum sam_reason reason = sam_cm_attr_find(cm, s, match, 5, x->found, OBJECTS_MAX + 1, &x->n);
	if (reason == SAM_OK && x->n > OBJECTS_MAX)
		return sam_log_reason(SAM_CM_FAILED, "more than %d objects \"%s\" in the CM", OBJECTS_MAX, x->label);
	for (size_t i = 0; reason == SAM_OK && i < x->n; i++) {
		reason = read_value(cm, s, x, x->found[i], &x->values[i]);
		if (reason == SAM_OK && x->values[i] > *highest)
			*highest = x->values[i];
	}
	return reason;
}

/* Once more on a session of its own, outside the pool: that none is there must not be this session's belief. */
static enum sam_reason look_again(struct sam_cm *cm, struct sam_cm_session *s, struct search *x)
{
	struct sam_cm_session fresh = *s;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	CK_SLOT_ID slot = cm->slot;
	pthread_mutex_unlock(&cm->lock);
	CK_RV rv = cm->vendor->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &fresh.handle);
	if (rv == CKR_SESSION_COUNT)
		return list(cm, s, x, &x->number); /* a full token: later at least */
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_OpenSession", rv);
	enum sam_reason reason = list(cm, &fresh, x, &x->number);
	s->rv = fresh.rv;
	s->call = fresh.call;
	/* a library that was started afresh may have given the handle to others */
	if (fresh.rv != CKR_CRYPTOKI_NOT_INITIALIZED && sam_cm_usable(cm))
		cm->vendor->f->C_CloseSession(fresh.handle);
	return reason;
}

static enum sam_reason read_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct search *x = arg;
	enum sam_reason reason = list(cm, s, x, &x->number);
	return reason == SAM_OK && !x->number ? look_again(cm, s, x) : reason;
}

enum sam_reason sam_cm_number_read(struct sam_cm *cm, const char *node, uint64_t *number)
{
	struct search x = {.n = 0};
	*number = 0;
	if (!prepare(&x, node))
		return sam_log_reason(SAM_ARGUMENTS, "sam_cm_number_read: no node of that name");
	enum sam_reason reason = sam_cm_run(cm, read_step, &x);
	if (reason == SAM_OK)
		*number = x.number;
	return reason;
}

static enum sam_reason create(struct sam_cm *cm, struct sam_cm_session *s, struct search *x,
			      CK_OBJECT_HANDLE *object)
{
	char text[DIGITS + 1];
	snprintf(text, sizeof text, "%020" PRIu64, x->number);
	CK_ATTRIBUTE t[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_TOKEN, &yes, sizeof yes},
		{CKA_PRIVATE, &yes, sizeof yes},
		{CKA_APPLICATION, (void *)application, sizeof application - 1},
		{CKA_LABEL, x->label, strlen(x->label)},
		{CKA_VALUE, text, DIGITS},
		{CKA_MODIFIABLE, &no, sizeof no}, /* where the CM takes it */
	};
	CK_ULONG count = sizeof t / sizeof t[0];
	CK_RV rv = cm->vendor->f->C_CreateObject(s->handle, t, count, object);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	    rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT)
		rv = cm->vendor->f->C_CreateObject(s->handle, t, count - 1, object);
	return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_CreateObject", rv);
}

/* The place of the new one among those found: a CM may know it by another handle by now. */
static size_t place(const struct search *x, CK_OBJECT_HANDLE object)
{
	size_t other = x->n;
	for (size_t i = 0; i < x->n; i++) {
		if (x->values[i] != x->number)
			continue;
		if (x->found[i] == object)
			return i;
		other = i;
	}
	return other;
}

static enum sam_reason write_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct search *x = arg;
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	uint64_t highest;
	enum sam_reason reason = list(cm, s, x, &highest);
	if (reason == SAM_OK && highest > x->number)
		return sam_log_reason(SAM_ARGUMENTS, "\"%s\" in the CM is at %" PRIu64 " and not set back to %" PRIu64,
				      x->label, highest, x->number);
	if (reason == SAM_OK)
		reason = create(cm, s, x, &object);
	if (reason == SAM_OK)
		reason = list(cm, s, x, &highest);
	if (reason != SAM_OK)
		return reason;
	size_t keep = place(x, object);
	if (keep == x->n || highest != x->number)
		return sam_log_reason(SAM_CM_FAILED, "the CM does not keep \"%s\" as it was given", x->label);
	for (size_t i = 0; i < x->n; i++) {
		CK_RV rv = i == keep ? CKR_OK : cm->vendor->f->C_DestroyObject(s->handle, x->found[i]);
		if (rv != CKR_OK)
			return sam_cm_fail(s, "C_DestroyObject", rv);
	}
	return SAM_OK;
}

enum sam_reason sam_cm_number_write(struct sam_cm *cm, const char *node, uint64_t number)
{
	struct search x = {.number = number};
	if (!number || !prepare(&x, node))
		return sam_log_reason(SAM_ARGUMENTS, "sam_cm_number_write: no number, or no node of that name");
	return sam_cm_run(cm, write_step, &x);
}
