/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: the claims of an issuer's SAD, in both forms, at level 1 (first byte even) and above. Beyond not
 * crashing: what was taken keeps the bounds of the profile and the rule of its level, the flat form is one form alone,
 * and what is written for the store reads back.
 */
#include <stdlib.h>
#include <string.h>
#include "base/ossl.h"
#include "policy/factors.h"
#include "sap/sad_details.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

#define KEY "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static const struct sam_policy_issuer issuer = {.iss = "https://as.example.jp", .flat = true};

static void check_bounds(const struct sam_activation *a, unsigned level)
{
	require(strcmp(a->iss, issuer.iss) == 0 && sam_name_valid(a->sub, strlen(a->sub)));
	require(strlen(a->jti) >= 16 && strlen(a->credential) == 32 && !a->order);
	require(a->digest_count >= 1 && a->digest_count <= SAM_SAD_DIGESTS);
	require(a->limit >= 1 && a->limit <= a->digest_count && (level == 1 || a->limit == a->digest_count));
	for (size_t i = 0; i < a->digest_count; i++)
		require(sam_sad_digest_find(a, a->digests[i].value) == &a->digests[i]);
}

static void check_round_trip(const struct sam_activation *a)
{
	struct sam_activation b;
	char *first, *second;
	require(sam_sad_write(a, &first) == SAM_OK);
	require(sam_sad_read(first, strlen(first), &b) == SAM_OK);
	require(strcmp(b.issuer_key, KEY) == 0);
	require(sam_sad_write(&b, &second) == SAM_OK);
	require(strcmp(first, second) == 0);
	free(first);
	free(second);
	sam_sad_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sam_activation a = {.kid = "as-1", .issuer_key = KEY, .factors = SAM_FACTOR_ASSERTED};
	struct sam_sad_rules rules = {.sam_id = "https://sam.example.jp", .now = 1800000000, .max_lifetime = 300,
				      .leeway = 10, .issuer = &issuer};
	static bool started;
	if (!started)
		require(sam_ossl_start() == SAM_OK);
	started = true;
	if (size < 1)
		return 0;
	rules.level = data[0] % 2 ? 2 : 1;
	sam_auto(json_decref) json_t *claims = sam_jose_json(data + 1, size - 1);
	if (sam_sad_claims(claims, &rules, &a, NULL) == SAM_OK) {
		require(sam_sad_is_flat(claims) != (json_object_get(claims, "authorization_details") != NULL));
		require(!json_object_get(claims, "pin") && !json_object_get(claims, "operation_params"));
		check_bounds(&a, rules.level);
		check_round_trip(&a);
	}
	sam_sad_clear(&a);
	return 0;
}
