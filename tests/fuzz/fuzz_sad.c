/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: the claims of a SAD, also of one that orders, and what the store gives back. Beyond not crashing: what was
 * taken keeps the bounds of the profile, and survives being written and read.
 */
#include <stdlib.h>
#include <string.h>
#include "base/mechanism.h"
#include "base/ossl.h"
#include "sap/sad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static const struct sam_sad_rules rules = {
	.level = 1,
	.sam_id = "https://sam.example.jp", .now = 1800000000, .max_lifetime = 300, .leeway = 10};

/* An order is for no signature; of what comes from the store it is a key's. */
static void check_order(const struct sam_sad_operation *o)
{
	require(memchr(o->name, '\0', sizeof o->name) && o->name[0]);
	require(strlen(o->reason) <= SAM_SAD_LABEL_MAX && strlen(o->label) <= SAM_SAD_LABEL_MAX);
	require(!o->credential[0] || strlen(o->credential) == 32);
	require(!o->jkt[0] || strlen(o->jkt) == SAM_THUMBPRINT_LEN);
}

static void check_bounds(const struct sam_activation *a)
{
	enum sam_key_type type;
	unsigned bits;
	if (a->order) {
		check_order(a->order);
		require(a->digest_count == 0 && !a->credential[0]);
		require(sam_key_type_by_name(a->order->type, &type, &bits));
		return;
	}
	require(a->digest_count >= 1 && a->digest_count <= SAM_SAD_DIGESTS);
	require(a->limit >= 1 && a->limit <= a->digest_count);
	require(sam_hash_size(a->hash) >= 32 && strlen(a->credential) == 32);
	require(strlen(a->jti) >= 16 && sam_name_valid(a->sub, strlen(a->sub)));
	for (size_t i = 0; i < a->digest_count; i++) {
		require(sam_sad_digest_find(a, a->digests[i].value) == &a->digests[i]);
		require(!a->digests[i].label || strlen(a->digests[i].label) <= SAM_SAD_LABEL_MAX);
	}
}

/* Written, read and written again it is the same text. */
static void check_round_trip(const struct sam_activation *a)
{
	struct sam_activation b;
	char *first, *second;
	require(sam_sad_write(a, &first) == SAM_OK);
	require(sam_sad_read(first, strlen(first), &b) == SAM_OK);
	check_bounds(&b);
	require(sam_sad_write(&b, &second) == SAM_OK);
	require(strcmp(first, second) == 0);
	free(first);
	free(second);
	sam_sad_clear(&b);
}

static void try_claims(const uint8_t *data, size_t size)
{
	struct sam_activation a = {.kid = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", .factors = 1};
	struct sam_msg msg;
	sam_auto(json_decref) json_t *claims = sam_jose_json(data, size);
	if (sam_sad_claims(claims, &rules, &a, &msg) == SAM_OK) {
		struct sam_activation who;
		require(sam_sad_identity(claims, &who, NULL) == SAM_OK &&
			strcmp(who.sub, a.sub) == 0 && strcmp(who.jti, a.jti) == 0 &&
			strcmp(who.sub, a.iss) == 0);
		require(a.exp > rules.now && a.exp > a.iat && a.exp - a.iat <= rules.max_lifetime);
		require(a.iat <= rules.now + rules.leeway && a.nbf <= rules.now + rules.leeway);
		check_bounds(&a);
		check_round_trip(&a);
	}
	sam_sad_clear(&a);
}

static void try_operation(const uint8_t *data, size_t size)
{
	struct sam_activation a = {.limit = 0};
	struct sam_sad_operation o;
	struct sam_msg msg;
	sam_auto(json_decref) json_t *claims = sam_jose_json(data, size);
	if (sam_sad_operation_claims(claims, &rules, &a, &o, &msg) == SAM_OK) {
		check_order(&o);
		require(a.digest_count == 0 && a.exp > rules.now && strlen(a.jti) >= 16);
	}
	sam_sad_clear(&a);
}

static void try_text(const char *data, size_t size)
{
	struct sam_activation a;
	if (sam_sad_read(data, size, &a) == SAM_OK) {
		check_bounds(&a);
		check_round_trip(&a);
	}
	sam_sad_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	if (!started)
		require(sam_ossl_start() == SAM_OK);
	started = true;
	uint8_t *copy = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	try_claims(copy, size);
	try_operation(copy, size);
	try_text((const char *)copy, size);
	free(copy);
	return 0;
}
