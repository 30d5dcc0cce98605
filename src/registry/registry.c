/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The registry's snapshots: the rows that grant, loaded as a whole, verified as a whole, used from
 * memory. A row changed in the file behind our back is never read one by one (invariant 9).
 */
#include "registry/registry.h"

#include <pthread.h>
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
};

struct sam_registry {
	struct sam_store *store;
	const struct sam_seal *seal;
	pthread_mutex_t lock; /* guards current */
	struct snapshot *current;
};

static const char *const role_names[] = {
	[SAM_ROLE_SECURITY_OFFICER] = "security-officer", [SAM_ROLE_AUDITOR] = "auditor",
	[SAM_ROLE_SCA] = "sca", [SAM_ROLE_SIGNER] = "signer",
};

const char *sam_registry_role_name(enum sam_role role)
{
	return (unsigned)role <= SAM_ROLE_SIGNER && role_names[role] ? role_names[role] : "";
}

enum sam_role sam_registry_role_by_name(const char *name)
{
	for (unsigned i = SAM_ROLE_SECURITY_OFFICER; i <= SAM_ROLE_SIGNER; i++)
		if (strcmp(role_names[i], name) == 0)
			return (enum sam_role)i;
	return SAM_ROLE_NONE;
}

static void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->public.principal_count; i++)
		sam_row_free_principal(&s->principals[i]);
	for (size_t i = 0; i < s->public.signer_count; i++)
		sam_mem_wipe(s->signers[i].password, sizeof s->signers[i].password);
	for (size_t i = 0; i < s->public.authenticator_count; i++)
		sam_row_free_authenticator(&s->authenticators[i]);
	for (size_t i = 0; i < s->public.key_count; i++)
		sam_row_free_key(&s->keys[i]);
	free(s->principals);
	free(s->signers);
	free(s->authenticators);
	free(s->keys);
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

static enum sam_reason take_row(void *arg, const struct sam_row *row)
{
	struct snapshot *s = arg;
	void *e;
	if (strcmp(row->kind, SAM_ROW_KEY) == 0)
		return (e = grow(&s->keys, &s->public.key_count, sizeof *s->keys)) ? sam_row_read_key(row, e)
										  : SAM_MEMORY;
	if (strcmp(row->kind, SAM_ROW_AUTHENTICATOR) == 0)
		return (e = grow(&s->authenticators, &s->public.authenticator_count, sizeof *s->authenticators))
			       ? sam_row_read_authenticator(row, e)
			       : SAM_MEMORY;
	if (strcmp(row->kind, SAM_ROW_SIGNER) == 0)
		return (e = grow(&s->signers, &s->public.signer_count, sizeof *s->signers))
			       ? sam_row_read_signer(row, e)
			       : SAM_MEMORY;
	if (strcmp(row->kind, SAM_ROW_PRINCIPAL) == 0)
		return (e = grow(&s->principals, &s->public.principal_count, sizeof *s->principals))
			       ? sam_row_read_principal(row, e)
			       : SAM_MEMORY;
	return SAM_STORE_TAMPERED; /* a kind we do not know may forbid what we would allow */
}

static enum sam_reason load(struct sam_registry *r, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof *s);
	if (!s)
		return SAM_MEMORY;
	atomic_init(&s->uses, 1);
	enum sam_reason reason = sam_store_grants_load(r->store, take_row, s, &s->public.version);
	s->public.principals = s->principals;
	s->public.signers = s->signers;
	s->public.authenticators = s->authenticators;
	s->public.keys = s->keys;
	if (reason != SAM_OK) {
		snapshot_free(s);
		return reason;
	}
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
	if (r->current)
		sam_registry_put(&r->current->public);
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
	if (!r->current || r->current->public.version != version) {
		struct snapshot *fresh = NULL;
		reason = load(r, &fresh);
		if (reason == SAM_OK) {
			if (r->current)
				sam_registry_put(&r->current->public);
			r->current = fresh;
		}
	}
	if (reason == SAM_OK) {
		atomic_fetch_add(&r->current->uses, 1);
		*out = &r->current->public;
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

/* Each struct begins with its id, a string: one search for all four. */
static int by_id(const void *id, const void *element)
{
	return strcmp(id, element);
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
	return find(kid, s->authenticators, s->authenticator_count, sizeof *s->authenticators);
}

const struct sam_key *sam_registry_key(const struct sam_snapshot *s, const char *credential)
{
	return find(credential, s->keys, s->key_count, sizeof *s->keys);
}

/* ---- changes ---- */

static enum sam_reason change(struct sam_registry *r, uint64_t version, enum sam_change_kind what, const char *kind,
			      const char *id, const char *body, const struct sam_record *record)
{
	struct sam_change c = {what, {kind, id, body, strlen(body)}};
	return sam_store_grants_change(r->store, version, &c, 1, record);
}

/* A name means one person or program: principals and signers share the name space. */
static bool name_taken(const struct sam_snapshot *s, const char *name)
{
	return sam_registry_principal(s, name) || sam_registry_signer(s, name);
}

enum sam_reason sam_registry_add_principal(struct sam_registry *r, const struct sam_principal *p,
					   const struct sam_record *record)
{
	const struct sam_snapshot *s;
	sam_auto(sam_free) char *body = NULL;
	if (!sam_name_valid(p->name, strlen(p->name)))
		return SAM_ARGUMENTS;
	enum sam_reason reason = sam_registry_get(r, &s);
	if (reason != SAM_OK)
		return reason;
	if (name_taken(s, p->name))
		reason = SAM_EXISTS;
	for (size_t i = 0; reason == SAM_OK && i < p->signer_count; i++)
		if (!sam_registry_signer(s, p->signers[i]))
			reason = SAM_NOT_FOUND;
	if (reason == SAM_OK)
		reason = sam_row_write_principal(p, &body);
	if (reason == SAM_OK)
		reason = change(r, s->version, SAM_CHANGE_ADD, SAM_ROW_PRINCIPAL, p->name, body, record);
	sam_registry_put(s);
	return reason;
}

static enum sam_reason put_signer(struct sam_registry *r, const struct sam_signer *signer, enum sam_change_kind what,
				  const struct sam_record *record)
{
	const struct sam_snapshot *s;
	sam_auto(sam_free) char *body = NULL;
	if (!sam_name_valid(signer->id, strlen(signer->id)))
		return SAM_ARGUMENTS;
	enum sam_reason reason = sam_registry_get(r, &s);
	if (reason != SAM_OK)
		return reason;
	if (what == SAM_CHANGE_ADD && name_taken(s, signer->id))
		reason = SAM_EXISTS;
	if (reason == SAM_OK)
		reason = sam_row_write_signer(signer, &body);
	if (reason == SAM_OK)
		reason = change(r, s->version, what, SAM_ROW_SIGNER, signer->id, body, record);
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_registry_add_signer(struct sam_registry *r, const struct sam_signer *signer,
					const struct sam_record *record)
{
	return put_signer(r, signer, SAM_CHANGE_ADD, record);
}

enum sam_reason sam_registry_set_signer(struct sam_registry *r, const struct sam_signer *signer,
					const struct sam_record *record)
{
	return put_signer(r, signer, SAM_CHANGE_REPLACE, record);
}

enum sam_reason sam_registry_add_authenticator(struct sam_registry *r, const struct sam_authenticator *a,
					       const struct sam_record *record)
{
	const struct sam_snapshot *s;
	sam_auto(sam_free) char *body = NULL;
	enum sam_reason reason = sam_registry_get(r, &s);
	if (reason != SAM_OK)
		return reason;
	/* One device key speaks for one signer: the same kid under another would make them one person. */
	if (!sam_registry_signer(s, a->signer))
		reason = SAM_NOT_FOUND;
	else if (sam_registry_authenticator(s, a->kid))
		reason = SAM_EXISTS;
	if (reason == SAM_OK)
		reason = sam_row_write_authenticator(a, &body);
	if (reason == SAM_OK)
		reason = change(r, s->version, SAM_CHANGE_ADD, SAM_ROW_AUTHENTICATOR, a->kid, body, record);
	sam_registry_put(s);
	return reason;
}

enum sam_reason sam_registry_add_key(struct sam_registry *r, const struct sam_key *k, const struct sam_record *record)
{
	const struct sam_snapshot *s;
	sam_auto(sam_free) char *body = NULL;
	enum sam_reason reason = sam_registry_get(r, &s);
	if (reason != SAM_OK)
		return reason;
	/* credentialID is the first half of the thumbprint: a second key with the same half is refused */
	if (sam_registry_key(s, k->credential))
		reason = SAM_EXISTS;
	else if (!sam_registry_signer(s, k->signer))
		reason = SAM_NOT_FOUND;
	if (reason == SAM_OK)
		reason = sam_row_write_key(k, &body);
	if (reason == SAM_OK)
		reason = change(r, s->version, SAM_CHANGE_ADD, SAM_ROW_KEY, k->credential, body, record);
	sam_registry_put(s);
	return reason;
}
