/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JWKS files of trusted issuers, read again when they change.
 */
#include "sap/jwks.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "policy/policy.h"

/* A file that changes twice within the clock's grain looks the same both times, so what was read so soon after a change
 * is read again. */
enum { GRAIN_S = 2 };

struct entry {
	char kid[SAM_JWKS_KID_MAX + 1];
	struct sam_jwk jwk;
};

/* One file as it was read. */
struct set {
	char path[SAM_POLICY_FILE]; /* "": free */
	struct stat st;             /* of then */
	bool settled;               /* .st says for sure whether it is still that */
	struct entry keys[SAM_JWKS_KEYS];
	size_t count;
	struct sam_msg said;        /* logged of it already */
};

struct sam_jwks_cache {
	pthread_mutex_t lock;
	struct set sets[SAM_POLICY_ISSUERS];
	size_t next; /* that gives way when all are taken: after a new policy */
};

enum sam_reason sam_jwks_open(struct sam_jwks_cache **out)
{
	struct sam_jwks_cache *cache = calloc(1, sizeof *cache);
	*out = cache;
	if (!cache)
		return SAM_MEMORY;
	pthread_mutex_init(&cache->lock, NULL);
	return SAM_OK;
}

static void forget_keys(struct set *set)
{
	for (size_t i = 0; i < set->count; i++)
		sam_jose_jwk_clear(&set->keys[i].jwk);
	memset(set->keys, 0, sizeof set->keys);
	set->count = 0;
	set->settled = false;
}

void sam_jwks_close(struct sam_jwks_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SAM_POLICY_ISSUERS; i++)
		forget_keys(&cache->sets[i]);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* ---- reading ---- */

static enum sam_reason refuse(const struct set *set, struct sam_msg *msg, const char *why)
{
	sam_msg_set(msg, "%s: %s", set->path, why);
	return SAM_ISSUER_KEYS;
}

bool sam_jwks_kid_valid(const char *kid, size_t len)
{
	if (len < 1 || len > SAM_JWKS_KID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (kid[i] < ' ' || kid[i] > '~')
			return false;
	return true;
}

static const struct entry *find(const struct set *set, const char *kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->keys[i].kid, kid) == 0)
			return &set->keys[i];
	return NULL;
}

/* Keys for encryption stand in many issuers' files. */
static bool for_signatures(const json_t *json)
{
	const char *use = json_string_value(json_object_get(json, "use"));
	return !use || strcmp(use, "sig") == 0;
}

static enum sam_reason add_key(struct set *set, const json_t *json, struct sam_msg *msg)
{
	static const char *const private[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	const json_t *kid = json_object_get(json, "kid");
	struct entry *entry = &set->keys[set->count];
	struct sam_msg why = {""};
	if (!json_is_object(json))
		return refuse(set, msg, "`keys` has something that is no key");
	for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
		if (json_object_get(json, private[i]))
			return refuse(set, msg, "it has a key that is not public; replace that key, everywhere");
	if (!for_signatures(json))
		return SAM_OK;
	if (!json_is_string(kid) || !sam_jwks_kid_valid(json_string_value(kid), json_string_length(kid)))
		return refuse(set, msg, "a key has no `kid` of 1 to 128 characters");
	if (find(set, json_string_value(kid)))
		return refuse(set, msg, "two keys have the same `kid`");
	enum sam_reason reason = sam_jose_jwk(json, &entry->jwk, &why);
	if (reason == SAM_MEMORY)
		return reason;
	if (reason != SAM_OK)
		return refuse(set, msg, why.text);
	memcpy(entry->kid, json_string_value(kid), json_string_length(kid) + 1);
	set->count++;
	return SAM_OK;
}

static enum sam_reason parse(struct set *set, const struct sam_secret *text, struct sam_msg *msg)
{
	sam_auto(json_decref) json_t *json = sam_jose_json(text->data, text->len);
	const json_t *keys = json_object_get(json, "keys");
	enum sam_reason reason = SAM_OK;
	if (!json)
		return refuse(set, msg, "is no JSON object");
	if (json_array_size(keys) < 1 || json_array_size(keys) > SAM_JWKS_KEYS)
		return refuse(set, msg, "`keys` is no list of 1 to 32 keys");
	for (size_t i = 0; reason == SAM_OK && i < json_array_size(keys); i++)
		reason = add_key(set, json_array_get(keys, i), msg);
	if (reason == SAM_OK && set->count == 0)
		return refuse(set, msg, "has no key for signatures");
	return reason;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Anew, whatever was there. */
static enum sam_reason read_file(struct set *set, const char *path, const struct stat *now, struct sam_msg *msg)
{
	struct sam_secret text = {NULL, 0};
	struct stat after;
	forget_keys(set);
	enum sam_reason reason = sam_file_read(path, SAM_JWKS_MAX, &text, msg);
	if (reason == SAM_OK && (stat(path, &after) != 0 || !same_file(now, &after)))
		reason = refuse(set, msg, "changed while it was read");
	if (reason == SAM_OK)
		reason = parse(set, &text, msg);
	sam_secret_clear(&text);
	if (reason != SAM_OK) {
		forget_keys(set);
		return reason;
	}
	set->st = *now;
	set->settled = sam_clock_now() - now->st_ctim.tv_sec >= GRAIN_S;
	return SAM_OK;
}

/* As the file is now (invariant 5: what cannot be read now gives no key). */
static enum sam_reason refresh(struct set *set, struct sam_msg *msg)
{
	struct stat now;
	sam_auto(sam_free) char *path = NULL; /* without links: what was looked at is what is read */
	enum sam_reason reason = sam_file_trusted_at(set->path, geteuid(), &path, msg);
	if (reason == SAM_OK && stat(path, &now) != 0)
		reason = refuse(set, msg, strerror(errno));
	if (reason == SAM_OK && !(set->settled && same_file(&set->st, &now)))
		reason = read_file(set, path, &now, msg);
	if (reason == SAM_OK)
		set->said.text[0] = '\0';
	else
		forget_keys(set);
	return reason == SAM_CONFIG ? SAM_ISSUER_KEYS : reason;
}

/* ---- finding ---- */

static struct set *set_of(struct sam_jwks_cache *cache, const char *path)
{
	struct set *set;
	for (size_t i = 0; i < SAM_POLICY_ISSUERS; i++)
		if (strcmp(cache->sets[i].path, path) == 0)
			return &cache->sets[i];
	set = &cache->sets[cache->next];
	cache->next = (cache->next + 1) % SAM_POLICY_ISSUERS;
	forget_keys(set);
	set->said.text[0] = '\0';
	sam_mem_copy_text(set->path, sizeof set->path, path);
	return set;
}

/* Once for each state: who sends SADs does not fill the log. */
static void tell(struct set *set, const struct sam_msg *why)
{
	if (strcmp(set->said.text, why->text) == 0)
		return;
	set->said = *why;
	sam_log_reason(SAM_ISSUER_KEYS, "%s", why->text);
}

/* Another reference to it. */
static enum sam_reason hand_out(const struct entry *entry, struct sam_jwk *out)
{
	if (!EVP_PKEY_up_ref(entry->jwk.pkey))
		return SAM_MEMORY;
	*out = entry->jwk;
	return SAM_OK;
}

enum sam_reason sam_jwks_find(struct sam_jwks_cache *cache, const char *path, const char *kid, struct sam_jwk *out,
			      struct sam_msg *msg)
{
	struct sam_msg why = {""};
	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&cache->lock); /* LOCKED */
	struct set *set = set_of(cache, path);
	enum sam_reason reason = refresh(set, &why);
	const struct entry *entry = reason == SAM_OK ? find(set, kid) : NULL;
	if (reason == SAM_ISSUER_KEYS)
		tell(set, &why);
	else if (reason == SAM_OK)
		reason = entry ? hand_out(entry, out) : SAM_SAD_KEY_UNKNOWN;
	pthread_mutex_unlock(&cache->lock); /* LOCKED until here */
	if (reason == SAM_ISSUER_KEYS)
		sam_msg_set(msg, "%s", why.text);
	else if (reason == SAM_SAD_KEY_UNKNOWN)
		sam_msg_set(msg, "kid: the issuer's JWKS has no such key");
	return reason;
}
