/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry's snapshots: the rows that grant, loaded as a whole, verified as a whole, used from
 * memory. A row changed in the file behind our back is never read one by one (invariant 9).
 */
#include "registry/internal.h"

#include <stdatomic.h>
#include <string.h>
#include "registry/row.h"

/* What the application holds, and what we know about it besides. */
struct snapshot {
	struct sam_snapshot public; /* first: the pointer handed out is ours */
	atomic_uint uses;
	struct sam_principal *principals;
	struct sam_signer *signers;
	struct sam_authenticator *authenticators;
	struct sam_key *keys;
	struct sam_pending *pendings;
	struct sam_tombstone *tombstones;
	struct sam_sap_key *sap_keys;
	struct sam_sealed sealed;
};

/* ---- device keys ---- */

enum sam_reason sam_device_set(struct sam_device *device, const char *jwk, const char *kid, enum sam_jws_alg alg,
			       EVP_PKEY *pkey)
{
	memset(device, 0, sizeof *device);
	device->jwk = strdup(jwk);
	device->alg = alg;
	if (!device->jwk || !sam_mem_copy_text(device->kid, sizeof device->kid, kid) || EVP_PKEY_up_ref(pkey) != 1) {
		sam_device_clear(device);
		return SAM_MEMORY;
	}
	device->pkey = pkey;
	return SAM_OK;
}

void sam_device_clear(struct sam_device *device)
{
	free(device->jwk);
	EVP_PKEY_free(device->pkey);
	memset(device, 0, sizeof *device);
}

/* ---- loading ---- */

static void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->public.principal_count; i++)
		sam_row_free_principal(&s->principals[i]);
	for (size_t i = 0; i < s->public.signer_count; i++)
		sam_row_free_signer(&s->signers[i]);
	for (size_t i = 0; i < s->public.authenticator_count; i++)
		sam_row_free_authenticator(&s->authenticators[i]);
	for (size_t i = 0; i < s->public.key_count; i++)
		sam_row_free_key(&s->keys[i]);
	for (size_t i = 0; i < s->public.pending_count; i++)
		sam_row_free_pending(&s->pendings[i]);
	for (size_t i = 0; i < s->public.sap_key_count; i++)
		sam_row_free_sap_key(&s->sap_keys[i]);
	sam_row_free_sealed(&s->sealed);
	EVP_PKEY_free(s->public.statement_key);
	free(s->principals);
	free(s->signers);
	free(s->authenticators);
	free(s->keys);
	free(s->pendings);
	free(s->tombstones);
	free(s->sap_keys);
	free(s);
}

/* One more zeroed element at the end of *array, which grows by doubling; NULL: no memory. */
static void *grow(void *array_pointer, size_t *count, size_t size)
{
	void **array = array_pointer;
	if ((*count & (*count - 1)) == 0) {
		void *larger = realloc(*array, (*count ? *count * 2 : 1) * size);
		if (!larger)
			return NULL;
		*array = larger;
	}
	void *element = (char *)*array + *count * size;
	memset(element, 0, size);
	++*count;
	return element;
}

static enum sam_reason take_state(struct snapshot *s, const struct sam_row *row)
{
	bool *flag = strcmp(row->id, SAM_ROW_SECOND_OFFICER) == 0 ? &s->public.second_officer
		     : strcmp(row->id, SAM_ROW_CM_DISABLED) == 0  ? &s->public.cm_disabled
								  : NULL;
	if (!flag)
		return SAM_STORE_TAMPERED;
	*flag = true;
	return SAM_OK;
}

static enum sam_reason take_sealed(struct snapshot *s, const struct sam_row *row)
{
	s->public.sealed = &s->sealed;
	return sam_row_read_sealed(row, &s->sealed);
}

/* The one line that each kind of row needs: where it goes, and how it is read. */
#define TAKE(list, read)                                                                                     \
	(e = grow(&s->list##s, &s->public.list##_count, sizeof *s->list##s)) ? (read) : SAM_MEMORY

struct loading {
	struct snapshot *snapshot;
	const struct sam_seal *seal;
};

static enum sam_reason take_row(void *arg, const struct sam_row *row)
{
	const struct loading *l = arg;
	struct snapshot *s = l->snapshot;
	void *e;
	if (strcmp(row->kind, SAM_ROW_KEY) == 0)
		return TAKE(key, sam_row_read_key(row, e));
	if (strcmp(row->kind, SAM_ROW_AUTHENTICATOR) == 0)
		return TAKE(authenticator, sam_row_read_authenticator(row, e));
	if (strcmp(row->kind, SAM_ROW_SIGNER) == 0)
		return TAKE(signer, sam_row_read_signer(row, l->seal, e));
	if (strcmp(row->kind, SAM_ROW_PRINCIPAL) == 0)
		return TAKE(principal, sam_row_read_principal(row, e));
	if (strcmp(row->kind, SAM_ROW_PENDING) == 0)
		return TAKE(pending, sam_row_read_pending(row, e));
	if (strcmp(row->kind, SAM_ROW_TOMBSTONE) == 0)
		return TAKE(tombstone, sam_row_read_tombstone(row, e));
	if (strcmp(row->kind, SAM_ROW_POLICY) == 0)
		return take_sealed(s, row);
	if (strcmp(row->kind, SAM_ROW_OWN) == 0 && strcmp(row->id, SAM_ROW_STATEMENT) != 0)
		return TAKE(sap_key, sam_row_read_sap_key(row, e));
	if (strcmp(row->kind, SAM_ROW_OWN) == 0)
		return sam_row_read_statement(row, &s->public.statement_key, s->public.statement_kid);
	if (strcmp(row->kind, SAM_ROW_STATE) == 0)
		return take_state(s, row);
	return SAM_STORE_TAMPERED; /* a kind we do not know may forbid what we would allow */
}

enum sam_reason sam_registry_try(const struct sam_seal *seal, const struct sam_row *row)
{
	struct snapshot *s = calloc(1, sizeof *s);
	struct loading loading = {s, seal};
	enum sam_reason reason = s ? take_row(&loading, row) : SAM_MEMORY;
	if (s)
		snapshot_free(s);
	return reason == SAM_STORE_TAMPERED ? SAM_ARGUMENTS : reason;
}

static enum sam_reason load(struct sam_registry *r, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof *s);
	if (!s)
		return SAM_MEMORY;
	atomic_init(&s->uses, 1);
	struct loading loading = {s, r->seal};
	enum sam_reason reason = sam_store_grants_load(r->store, take_row, &loading, &s->public.version);
	s->public.principals = s->principals;
	s->public.signers = s->signers;
	s->public.authenticators = s->authenticators;
	s->public.keys = s->keys;
	s->public.pendings = s->pendings;
	s->public.tombstones = s->tombstones;
	s->public.sap_keys = s->sap_keys;
	if (reason != SAM_OK) {
		snapshot_free(s);
		return reason;
	}
	s->public.governed = sam_registry_count(&s->public, SAM_ROLE_SECURITY_OFFICER) >= 2 &&
			     sam_registry_count(&s->public, SAM_ROLE_AUDITOR) >= 1;
	*out = s;
	return SAM_OK;
}

enum sam_reason sam_registry_open(struct sam_store *store, const struct sam_seal *seal, struct sam_registry **out)
{
	struct sam_registry *r = calloc(1, sizeof *r);
	if (!r)
		return SAM_MEMORY;
	r->store = store;
	r->seal = seal;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return SAM_OK;
}

void sam_registry_close(struct sam_registry *r)
{
	if (!r)
		return;
	sam_registry_put(r->current);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

enum sam_reason sam_registry_get(struct sam_registry *r, const struct sam_snapshot **out)
{
	uint64_t version;
	enum sam_reason reason = sam_store_grants_version(r->store, &version);
	if (reason != SAM_OK)
		return reason;
	pthread_mutex_lock(&r->lock);
	/* LOCKED: also while loading, so that threads that find it moved load it once */
	if (!r->current || r->current->version != version) {
		struct snapshot *fresh = NULL;
		reason = load(r, &fresh);
		if (reason == SAM_OK) {
			sam_registry_put(r->current);
			r->current = &fresh->public;
		}
	}
	if (reason == SAM_OK) {
		atomic_fetch_add(&((struct snapshot *)r->current)->uses, 1);
		*out = r->current;
	}
	pthread_mutex_unlock(&r->lock);
	return reason;
}

void sam_registry_put(const struct sam_snapshot *snapshot)
{
	if (!snapshot)
		return;
	struct snapshot *s = (struct snapshot *)snapshot;
	if (atomic_fetch_sub(&s->uses, 1) == 1)
		snapshot_free(s);
}

/* ---- finding ---- */

/* Each struct begins with its id, a string: one search for all but authenticators. */
static int by_id(const void *id, const void *element)
{
	return strcmp(id, element);
}

static int by_kid(const void *kid, const void *element)
{
	return strcmp(kid, ((const struct sam_authenticator *)element)->device.kid);
}

static const void *find(const char *id, const void *array, size_t count, size_t size)
{
	return count ? bsearch(id, array, count, size, by_id) : NULL;
}

const struct sam_principal *sam_registry_principal(const struct sam_snapshot *s, const char *name)
{
	return find(name, s->principals, s->principal_count, sizeof *s->principals);
}

const struct sam_signer *sam_registry_signer(const struct sam_snapshot *s, const char *id)
{
	return find(id, s->signers, s->signer_count, sizeof *s->signers);
}

const struct sam_authenticator *sam_registry_authenticator(const struct sam_snapshot *s, const char *kid)
{
	return s->authenticator_count ? bsearch(kid, s->authenticators, s->authenticator_count,
						sizeof *s->authenticators, by_kid)
				      : NULL;
}

const struct sam_key *sam_registry_key(const struct sam_snapshot *s, const char *credential)
{
	return find(credential, s->keys, s->key_count, sizeof *s->keys);
}

const struct sam_pending *sam_registry_pending(const struct sam_snapshot *s, const char *id)
{
	return find(id, s->pendings, s->pending_count, sizeof *s->pendings);
}

const struct sam_tombstone *sam_registry_tombstone(const struct sam_snapshot *s, const char *name)
{
	return find(name, s->tombstones, s->tombstone_count, sizeof *s->tombstones);
}

const struct sam_sap_key *sam_registry_sap_key(const struct sam_snapshot *s, const char *kid)
{
	return find(kid, s->sap_keys, s->sap_key_count, sizeof *s->sap_keys);
}

const struct sam_sap_key *sam_registry_sap_now(const struct sam_snapshot *s, bool rsa)
{
	for (size_t i = 0; i < s->sap_key_count; i++)
		if (!s->sap_keys[i].until && s->sap_keys[i].rsa == rsa)
			return &s->sap_keys[i];
	return NULL;
}

size_t sam_registry_count(const struct sam_snapshot *s, enum sam_role role)
{
	size_t count = 0;
	for (size_t i = 0; i < s->principal_count; i++)
		count += (s->principals[i].roles & 1u << role) && !s->principals[i].locked;
	return count;
}
