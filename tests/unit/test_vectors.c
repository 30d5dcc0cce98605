/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signatures and keys that others made: the examples of the standards.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "vectors.h"
#include "vectors_rfc.h"

START_TEST(examples_of_the_standards_come_out_as_written)
{
	for (size_t i = 0; i < sizeof rfc_vectors / sizeof rfc_vectors[0]; i++) {
		const char *jwk = rfc_vectors[i].jwk;
		sam_auto(json_decref) json_t *key = jwk ? json_loads(jwk, 0, NULL) : NULL;
		ck_assert_msg((jwk != NULL) == (key != NULL), "%s", rfc_vectors[i].name);
		enum sam_reason reason = verify(rfc_vectors[i].jws, key);
		ck_assert_msg(reason == rfc_vectors[i].reason, "%s: %s", rfc_vectors[i].name,
			      sam_reason_name(reason));
	}
}
END_TEST

/* ... and with one character of the payload changed none verifies. */
START_TEST(changed_examples_are_refused)
{
	for (size_t i = 0; i < sizeof rfc_vectors / sizeof rfc_vectors[0]; i++) {
		if (rfc_vectors[i].reason != SAM_OK)
			continue;
		sam_auto(json_decref) json_t *key = json_loads(rfc_vectors[i].jwk, 0, NULL);
		sam_auto(sam_free) char *text = strdup(rfc_vectors[i].jws);
		char *c = strchr(text, '.') + 1;
		*c = *c == 'A' ? 'B' : 'A';
		ck_assert_msg(verify(text, key) == SAM_SAD_SIGNATURE, "%s", rfc_vectors[i].name);
	}
}
END_TEST

START_TEST(symmetric_keys_are_none)
{
	for (size_t i = 0; i < sizeof rfc_vectors / sizeof rfc_vectors[0]; i++) {
		const char *jwk = rfc_vectors[i].jwk;
		struct sam_jwk out;
		sam_auto(json_decref) json_t *key = jwk ? json_loads(jwk, 0, NULL) : NULL;
		bool symmetric = jwk && strstr(jwk, "\"oct\"");
		enum sam_reason reason = sam_jose_jwk(key, &out, NULL);
		ck_assert_int_eq(reason, symmetric || !jwk ? SAM_SAD_KEY_UNKNOWN : SAM_OK);
		sam_jose_jwk_clear(&out);
	}
}
END_TEST

static Suite *vectors_suite(void)
{
	Suite *suite = suite_create("vectors");
	TCase *standards = tcase_create("standards");
	tcase_add_test(standards, examples_of_the_standards_come_out_as_written);
	tcase_add_test(standards, changed_examples_are_refused);
	tcase_add_test(standards, symmetric_keys_are_none);
	suite_add_tcase(suite, standards);
	return suite;
}

SAM_UNIT_MAIN(vectors_suite)
