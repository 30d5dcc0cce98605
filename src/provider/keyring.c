/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keys that the login sees, as one answer of the SAM with handles: replaced as a whole when the
 * SAM says that it would answer otherwise, forgotten at logout (invariant 7). A key keeps its handles
 * as long as the login lasts.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"

void sam_keyring_release(struct sam_keyring *ring)
{
	if (!ring || atomic_fetch_sub(&ring->refs, 1) != 1)
		return;
	for (size_t i = 0; ring->certificates && i < ring->count; i++)
		sam_certificate_clear(&ring->certificates[i]);
	free(ring->certificates);
	sam_keys_free(ring->views, ring->count);
	free(ring->parts);
	free(ring->handles);
	free(ring->by_handle);
	free(ring);
}

/* Replace the ring; NULL: there is none. Takes over the hold. */
static void ring_set(struct sam_provider *p, struct sam_keyring *ring)
{
	pthread_mutex_lock(&p->objects.lock);
	struct sam_keyring *gone = p->objects.ring;
	p->objects.ring = ring;
	pthread_mutex_unlock(&p->objects.lock);
	sam_keyring_release(gone);
}

static struct sam_keyring *ring_hold(struct sam_provider *p)
{
	pthread_mutex_lock(&p->objects.lock);
	struct sam_keyring *ring = p->objects.ring;
	if (ring)
		atomic_fetch_add(&ring->refs, 1);
	pthread_mutex_unlock(&p->objects.lock);
	return ring;
}

void sam_keyring_drop(struct sam_provider *p)
{
	ring_set(p, NULL);
}

static int handle_compare(const void *a, const void *b)
{
	const CK_OBJECT_HANDLE x = ((const struct sam_keyring_handle *)a)->handle;
	const CK_OBJECT_HANDLE y = ((const struct sam_keyring_handle *)b)->handle;
	return (x > y) - (x < y);
}

/* Old keys keep their handles, new ones get fresh ones; both lists are sorted by credential. */
static void number(struct sam_provider *p, struct sam_keyring *ring, const struct sam_keyring *old)
{
	size_t o = 0;
	pthread_mutex_lock(&p->objects.lock); /* LOCKED */
	for (size_t i = 0; i < ring->count; i++) {
		const char *credential = ring->views[i].credential;
		while (old && o < old->count && strcmp(old->views[o].credential, credential) < 0)
			o++;
		if (old && o < old->count && strcmp(old->views[o].credential, credential) == 0) {
			ring->handles[i] = old->handles[o];
			continue;
		}
		ring->handles[i] = p->objects.last + 1;
		p->objects.last += SAM_PART_COUNT; /* also where there is no certificate yet */
	}
	pthread_mutex_unlock(&p->objects.lock); /* LOCKED until here */
	for (size_t i = 0; i < ring->count; i++)
		ring->by_handle[i] = (struct sam_keyring_handle){ring->handles[i], i};
	if (ring->count)
		qsort(ring->by_handle, ring->count, sizeof *ring->by_handle, handle_compare);
}

static int view_compare(const void *a, const void *b)
{
	return strcmp(((const struct sam_key_view *)a)->credential,
		      ((const struct sam_key_view *)b)->credential);
}

/* Ask the SAM; ${old} is the same login's ring before, or NULL. */
static enum sam_reason ring_load(struct sam_provider *p, const struct sam_login *login,
				 uint64_t epoch, uint64_t version, const struct sam_keyring *old,
				 struct sam_keyring **out)
{
	struct sam_keyring *ring = calloc(1, sizeof *ring);
	if (!ring)
		return SAM_MEMORY;
	atomic_init(&ring->refs, 1);
	ring->epoch = epoch;
	ring->version = version;
	enum sam_reason reason = sam_keys(p->sam, login, &ring->views, &ring->count);
	const size_t room = ring->count + 1;
	ring->parts = calloc(room, sizeof *ring->parts);
	ring->certificates = calloc(room, sizeof *ring->certificates);
	ring->handles = calloc(room, sizeof *ring->handles);
	ring->by_handle = calloc(room, sizeof *ring->by_handle);
	if (reason == SAM_OK && (!ring->parts || !ring->certificates || !ring->handles || !ring->by_handle))
		reason = SAM_MEMORY;
	if (reason == SAM_OK && ring->count)
		qsort(ring->views, ring->count, sizeof *ring->views, view_compare);
	for (size_t i = 0; reason == SAM_OK && i < ring->count; i++) {
		if (!sam_spki_read(ring->views[i].spki, ring->views[i].spki_len, &ring->parts[i]))
			reason = SAM_INTERNAL; /* a registered key that we cannot read */
		else if (!sam_certificate_read(&ring->views[i], &ring->certificates[i]) &&
			 ring->views[i].certificate)
			sam_log(SAM_LOG_WARNING, "the certificate of key %s cannot be read: not shown",
				ring->views[i].credential);
	}
	if (reason != SAM_OK) {
		sam_keyring_release(ring);
		return reason;
	}
	number(p, ring, old);
	*out = ring;
	return SAM_OK;
}

/* One thread asks, the others find its answer. */
static enum sam_reason ring_refresh(struct sam_provider *p)
{
	struct sam_login login;
	uint64_t version;
	enum sam_reason reason = sam_keys_version(p->sam, &version);
	const uint64_t epoch = sam_login_get(p, &login);
	struct sam_keyring *old = ring_hold(p), *fresh = NULL;
	if (old && old->epoch != epoch) {
		sam_keyring_release(old);
		old = NULL;
	}
	if (reason == SAM_OK && login.name[0] && !(old && old->version == version))
		reason = ring_load(p, &login, epoch, version, old, &fresh);
	if (fresh) {
		struct sam_login now;
		ring_set(p, fresh);
		if (sam_login_get(p, &now) != epoch)
			sam_keyring_drop(p); /* logged out meanwhile */
	}
	sam_keyring_release(old);
	return reason;
}

CK_RV sam_keyring_get(struct sam_provider *p, bool refresh, struct sam_keyring **ring)
{
	struct sam_login login;
	const uint64_t epoch = sam_login_get(p, &login);
	*ring = NULL;
	if (login.name[0] == '\0')
		return CKR_OK;
	struct sam_keyring *found = ring_hold(p);
	if (refresh || !found || found->epoch != epoch) {
		sam_keyring_release(found);
		pthread_mutex_lock(&p->objects.serial); /* LOCKED */
		const enum sam_reason reason = ring_refresh(p);
		pthread_mutex_unlock(&p->objects.serial); /* LOCKED until here */
		if (reason != SAM_OK)
			return sam_reason_rv(reason, false);
		found = ring_hold(p);
	}
	if (found && found->epoch != epoch) { /* another login by now: not this call's keys */
		sam_keyring_release(found);
		found = NULL;
	}
	*ring = found;
	return CKR_OK;
}

bool sam_keyring_has(const struct sam_keyring *ring, size_t index, enum sam_part part)
{
	return part != SAM_PART_CERTIFICATE || ring->certificates[index].x509;
}

bool sam_keyring_find(const struct sam_keyring *ring, CK_OBJECT_HANDLE handle, enum sam_part *part,
		      size_t *index)
{
	size_t low = 0, high = ring->count;
	while (low < high) { /* the last whose private key's handle is not above */
		const size_t middle = low + (high - low) / 2;
		if (ring->by_handle[middle].handle <= handle)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || handle - ring->by_handle[low - 1].handle >= SAM_PART_COUNT)
		return false;
	*index = ring->by_handle[low - 1].index;
	*part = (enum sam_part)(handle - ring->by_handle[low - 1].handle);
	return sam_keyring_has(ring, *index, *part);
}

bool sam_keyring_key(const struct sam_keyring *ring, const char *credential, size_t *index)
{
	size_t low = 0, high = ring->count;
	while (low < high) {
		*index = low + (high - low) / 2;
		const int order = strcmp(ring->views[*index].credential, credential);
		if (order == 0)
			return true;
		if (order < 0)
			low = *index + 1;
		else
			high = *index;
	}
	return false;
}
