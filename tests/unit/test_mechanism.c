/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of mechanisms, every form of their parameters, the signAlgo OIDs.
 */
#include <string.h>
#include "base/mechanism.h"
#include "unit.h"

struct eddsa_params {
	CK_BBOOL prehash;
	CK_ULONG context_len;
	CK_BYTE *context;
};

static const struct {
	CK_MECHANISM_TYPE pss;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
	CK_ULONG size;
	enum sam_hash id;
} pss[] = {
	{ CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, SAM_HASH_SHA256 },
	{ CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48, SAM_HASH_SHA384 },
	{ CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, 64, SAM_HASH_SHA512 },
};

/* Those without parameters, and the hash that is known from the mechanism alone. */
static const struct {
	CK_MECHANISM_TYPE type;
	enum sam_hash hash;
} bare[] = {
	{ CKM_RSA_PKCS, SAM_HASH_NONE },
	{ CKM_SHA256_RSA_PKCS, SAM_HASH_SHA256 },
	{ CKM_SHA384_RSA_PKCS, SAM_HASH_SHA384 },
	{ CKM_SHA512_RSA_PKCS, SAM_HASH_SHA512 },
	{ CKM_ECDSA, SAM_HASH_NONE },
	{ CKM_ECDSA_SHA256, SAM_HASH_SHA256 },
	{ CKM_ECDSA_SHA384, SAM_HASH_SHA384 },
	{ CKM_ECDSA_SHA512, SAM_HASH_SHA512 },
};

enum { BARE = sizeof bare / sizeof bare[0] };

static enum sam_reason scheme_of(CK_MECHANISM_TYPE type, void *parameter, size_t len,
				 struct sam_scheme *out)
{
	CK_MECHANISM m = { type, parameter, len };

	return sam_mechanism_scheme(&m, out);
}

START_TEST(table_holds_the_dtbsr_mechanisms_and_no_others)
{
	size_t n = 0;

	while (sam_mechanism_at(n)) {
		const struct sam_mechanism *m = sam_mechanism_at(n);

		ck_assert_ptr_eq(sam_mechanism_find(m->type), m);
		ck_assert_ptr_eq(sam_mechanism_by_name(m->name), m);
		n++;
	}
	ck_assert_uint_eq(n, BARE + 3 + 2);
	ck_assert_ptr_null(sam_mechanism_at(n));
	ck_assert_ptr_null(sam_mechanism_at((size_t)-1));
	ck_assert_ptr_null(sam_mechanism_by_name("CKM_SHA1_RSA_PKCS"));
	ck_assert_ptr_null(sam_mechanism_by_name("ckm_ecdsa"));
	ck_assert_ptr_null(sam_mechanism_by_name(""));
}
END_TEST

START_TEST(table_describes_each_mechanism)
{
	const struct sam_mechanism *m = sam_mechanism_find(CKM_RSA_PKCS);

	ck_assert_int_eq(m->key, SAM_KEY_RSA);
	ck_assert_int_eq(m->padding, SAM_PAD_PKCS1);
	ck_assert_int_eq(m->input, SAM_INPUT_DIGESTINFO);
	m = sam_mechanism_find(CKM_RSA_PKCS_PSS);
	ck_assert_int_eq(m->padding, SAM_PAD_PSS);
	ck_assert_int_eq(m->input, SAM_INPUT_DIGEST);
	m = sam_mechanism_find(CKM_SHA512_RSA_PKCS_PSS);
	ck_assert_int_eq(m->padding, SAM_PAD_PSS);
	ck_assert_int_eq(m->input, SAM_INPUT_MESSAGE);
	ck_assert_int_eq(m->hash, SAM_HASH_SHA512);
	m = sam_mechanism_find(CKM_ECDSA);
	ck_assert_int_eq(m->key, SAM_KEY_EC);
	ck_assert_int_eq(m->input, SAM_INPUT_DIGEST);
	m = sam_mechanism_find(CKM_EDDSA);
	ck_assert_int_eq(m->key, SAM_KEY_ED25519);
	ck_assert_int_eq(m->input, SAM_INPUT_MESSAGE);
	ck_assert_int_eq(m->hash, SAM_HASH_NONE);
}
END_TEST

START_TEST(other_mechanisms_are_refused)
{
	static const CK_MECHANISM_TYPE refused[] = {
		CKM_RSA_X_509, CKM_RSA_9796, CKM_MD5_RSA_PKCS, CKM_SHA1_RSA_PKCS, CKM_SHA224_RSA_PKCS,
		CKM_SHA1_RSA_PKCS_PSS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA1, CKM_ECDSA_SHA224, CKM_DSA,
		CKM_SHA256_HMAC, CKM_RSA_PKCS_OAEP, CKM_VENDOR_DEFINED, (CK_MECHANISM_TYPE)-1,
	};
	struct sam_scheme scheme;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		ck_assert_int_eq(scheme_of(refused[i], NULL, 0, &scheme), SAM_MECHANISM);
		ck_assert_ptr_null(scheme.mechanism);
	}
	ck_assert_int_eq(sam_mechanism_scheme(NULL, &scheme), SAM_ARGUMENTS);
}
END_TEST

START_TEST(parameters_are_refused_where_there_are_none)
{
	struct sam_scheme scheme;
	char byte = 0;

	ck_assert_int_eq(scheme_of(bare[_i].type, NULL, 0, &scheme), SAM_OK);
	ck_assert_uint_eq(scheme.mechanism->type, bare[_i].type);
	ck_assert_int_eq(scheme.hash, bare[_i].hash);
	ck_assert_int_eq(scheme_of(bare[_i].type, &byte, 0, &scheme), SAM_OK);
	ck_assert_int_eq(scheme_of(bare[_i].type, &byte, 1, &scheme), SAM_MECHANISM_PARAMETER);
	ck_assert_ptr_null(scheme.mechanism);
	ck_assert_int_eq(scheme_of(bare[_i].type, NULL, 1, &scheme), SAM_MECHANISM_PARAMETER);
}
END_TEST

START_TEST(pss_parameters_are_taken)
{
	CK_RSA_PKCS_PSS_PARAMS params = { pss[_i].hash, pss[_i].mgf, pss[_i].size };
	struct sam_scheme scheme;

	ck_assert_int_eq(scheme_of(CKM_RSA_PKCS_PSS, &params, sizeof params, &scheme), SAM_OK);
	ck_assert_uint_eq(scheme.mechanism->type, CKM_RSA_PKCS_PSS);
	ck_assert_int_eq(scheme.hash, pss[_i].id);
	ck_assert_int_eq(scheme_of(pss[_i].pss, &params, sizeof params, &scheme), SAM_OK);
	ck_assert_uint_eq(scheme.mechanism->type, pss[_i].pss);
	ck_assert_int_eq(scheme.hash, pss[_i].id);
}
END_TEST

START_TEST(pss_parameters_may_be_unaligned)
{
	CK_RSA_PKCS_PSS_PARAMS params = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
	char place[sizeof params + 1];
	struct sam_scheme scheme;

	memcpy(place + 1, &params, sizeof params);
	ck_assert_int_eq(scheme_of(CKM_RSA_PKCS_PSS, place + 1, sizeof params, &scheme), SAM_OK);
	ck_assert_int_eq(scheme.hash, SAM_HASH_SHA256);
}
END_TEST

/* Both mechanisms of a hash must refuse ${params}. */
static void assert_pss_refused(size_t i, CK_RSA_PKCS_PSS_PARAMS params)
{
	struct sam_scheme scheme;

	ck_assert_int_eq(scheme_of(CKM_RSA_PKCS_PSS, &params, sizeof params, &scheme),
			 SAM_MECHANISM_PARAMETER);
	ck_assert_int_eq(scheme_of(pss[i].pss, &params, sizeof params, &scheme), SAM_MECHANISM_PARAMETER);
	ck_assert_ptr_null(scheme.mechanism);
}

START_TEST(pss_with_other_parameters_is_refused)
{
	const CK_RSA_PKCS_PSS_PARAMS good = { pss[_i].hash, pss[_i].mgf, pss[_i].size };
	CK_RSA_PKCS_PSS_PARAMS bad = good;

	bad.hashAlg = CKM_SHA_1;
	assert_pss_refused(_i, bad);
	bad.hashAlg = CKM_SHA224;
	assert_pss_refused(_i, bad);
	bad = good;
	bad.hashAlg = pss[(_i + 1) % 3].hash;
	assert_pss_refused(_i, bad);
	bad = good;
	bad.mgf = CKG_MGF1_SHA1;
	assert_pss_refused(_i, bad);
	bad.mgf = pss[(_i + 1) % 3].mgf;
	assert_pss_refused(_i, bad);
	bad.mgf = 0;
	assert_pss_refused(_i, bad);
	bad = good;
	bad.sLen = 0;
	assert_pss_refused(_i, bad);
	bad.sLen = pss[_i].size - 1;
	assert_pss_refused(_i, bad);
	bad.sLen = pss[_i].size + 1;
	assert_pss_refused(_i, bad);
	bad.sLen = (CK_ULONG)-1;
	assert_pss_refused(_i, bad);
}
END_TEST

START_TEST(pss_of_another_hash_is_refused)
{
	size_t other = (_i + 1) % 3;
	CK_RSA_PKCS_PSS_PARAMS params = { pss[other].hash, pss[other].mgf, pss[other].size };
	struct sam_scheme scheme;

	ck_assert_int_eq(scheme_of(pss[_i].pss, &params, sizeof params, &scheme),
			 SAM_MECHANISM_PARAMETER);
}
END_TEST

START_TEST(pss_without_parameters_is_refused)
{
	CK_RSA_PKCS_PSS_PARAMS params = { pss[_i].hash, pss[_i].mgf, pss[_i].size };
	const CK_MECHANISM_TYPE types[] = { CKM_RSA_PKCS_PSS, pss[_i].pss };
	struct sam_scheme scheme;

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(scheme_of(types[i], NULL, 0, &scheme), SAM_MECHANISM_PARAMETER);
		ck_assert_int_eq(scheme_of(types[i], NULL, sizeof params, &scheme), SAM_MECHANISM_PARAMETER);
		ck_assert_int_eq(scheme_of(types[i], &params, 0, &scheme), SAM_MECHANISM_PARAMETER);
		ck_assert_int_eq(scheme_of(types[i], &params, sizeof params - 1, &scheme),
				 SAM_MECHANISM_PARAMETER);
		ck_assert_int_eq(scheme_of(types[i], &params, sizeof params + 1, &scheme),
				 SAM_MECHANISM_PARAMETER);
	}
}
END_TEST

START_TEST(eddsa_is_pure_only)
{
	CK_BYTE context[1] = { 1 };
	struct eddsa_params params;
	struct sam_scheme scheme;

	ck_assert_int_eq(scheme_of(CKM_EDDSA, NULL, 0, &scheme), SAM_OK);
	ck_assert_int_eq(scheme.hash, SAM_HASH_NONE);
	ck_assert_int_eq(scheme_of(CKM_EDDSA, context, 0, &scheme), SAM_OK);
	memset(&params, 0, sizeof params);
	ck_assert_int_eq(scheme_of(CKM_EDDSA, &params, sizeof params, &scheme), SAM_OK);
	params.context = context;
	ck_assert_int_eq(scheme_of(CKM_EDDSA, &params, sizeof params, &scheme), SAM_OK);
	params.context_len = 1;
	ck_assert_int_eq(scheme_of(CKM_EDDSA, &params, sizeof params, &scheme), SAM_MECHANISM_PARAMETER);
	params.context_len = 0;
	params.prehash = CK_TRUE;
	ck_assert_int_eq(scheme_of(CKM_EDDSA, &params, sizeof params, &scheme), SAM_MECHANISM_PARAMETER);
	params.prehash = CK_FALSE;
	ck_assert_int_eq(scheme_of(CKM_EDDSA, &params, sizeof params - 1, &scheme),
			 SAM_MECHANISM_PARAMETER);
	ck_assert_int_eq(scheme_of(CKM_EDDSA, NULL, sizeof params, &scheme), SAM_MECHANISM_PARAMETER);
}
END_TEST

static bool matches(CK_MECHANISM_TYPE type, enum sam_hash hash, const char *oid)
{
	return sam_mechanism_matches_oid(sam_mechanism_find(type), hash, oid);
}

START_TEST(sign_algo_binds_padding_and_hash)
{
	static const struct {
		const char *pkcs1, *ecdsa;
	} oids[] = {
		{ "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2" },
		{ "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3" },
		{ "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4" },
	};

	for (int i = 0; i < 3; i++) {
		enum sam_hash hash = pss[_i].id;
		bool same = i == _i;

		ck_assert(matches(CKM_RSA_PKCS, hash, oids[i].pkcs1) == same);
		ck_assert(matches(CKM_ECDSA, hash, oids[i].ecdsa) == same);
		ck_assert(!matches(CKM_RSA_PKCS, hash, oids[i].ecdsa));
		ck_assert(!matches(CKM_ECDSA, hash, oids[i].pkcs1));
		ck_assert(!matches(CKM_RSA_PKCS_PSS, hash, oids[i].pkcs1));
		ck_assert(!matches(CKM_EDDSA, hash, oids[i].ecdsa));
	}
	ck_assert(matches(CKM_RSA_PKCS_PSS, pss[_i].id, "1.2.840.113549.1.1.10"));
	ck_assert(!matches(CKM_RSA_PKCS, pss[_i].id, "1.2.840.113549.1.1.10"));
	ck_assert(matches(CKM_RSA_PKCS, pss[_i].id, "1.2.840.113549.1.1.1"));
	ck_assert(!matches(CKM_RSA_PKCS_PSS, pss[_i].id, "1.2.840.113549.1.1.1"));
	ck_assert(!matches(CKM_ECDSA, pss[_i].id, "1.2.840.113549.1.1.1"));
	ck_assert(matches(CKM_EDDSA, pss[_i].id, "1.3.101.112"));
	ck_assert(!matches(CKM_ECDSA, pss[_i].id, "1.3.101.112"));
}
END_TEST

START_TEST(sign_algo_of_a_hashing_mechanism_needs_its_hash)
{
	ck_assert(matches(CKM_SHA256_RSA_PKCS, SAM_HASH_SHA256, "1.2.840.113549.1.1.11"));
	ck_assert(matches(CKM_SHA256_RSA_PKCS, SAM_HASH_SHA256, "1.2.840.113549.1.1.1"));
	ck_assert(!matches(CKM_SHA256_RSA_PKCS, SAM_HASH_SHA384, "1.2.840.113549.1.1.12"));
	ck_assert(!matches(CKM_SHA256_RSA_PKCS, SAM_HASH_SHA384, "1.2.840.113549.1.1.1"));
	ck_assert(matches(CKM_ECDSA_SHA384, SAM_HASH_SHA384, "1.2.840.10045.4.3.3"));
	ck_assert(!matches(CKM_ECDSA_SHA384, SAM_HASH_SHA384, "1.2.840.10045.4.3.2"));
	ck_assert(matches(CKM_SHA384_RSA_PKCS_PSS, SAM_HASH_SHA384, "1.2.840.113549.1.1.10"));
	ck_assert(!matches(CKM_SHA384_RSA_PKCS_PSS, SAM_HASH_SHA256, "1.2.840.113549.1.1.10"));
}
END_TEST

START_TEST(unknown_sign_algo_matches_nothing)
{
	static const char *const oids[] = {
		"", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.1 ", "1.2.840.113549.1.1", "1.2.840.10045.4.1",
		"1.2.840.10045.2.1", "2.16.840.1.101.3.4.2.1", "RS256", "1.3.101.113",
	};

	for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
		for (size_t n = 0; sam_mechanism_at(n); n++)
			ck_assert(!sam_mechanism_matches_oid(sam_mechanism_at(n), SAM_HASH_SHA256, oids[i]));
	}
	ck_assert(!matches(CKM_RSA_PKCS, SAM_HASH_SHA256, NULL));
	ck_assert(!sam_mechanism_matches_oid(NULL, SAM_HASH_SHA256, "1.2.840.113549.1.1.1"));
}
END_TEST

static Suite *mechanism_suite(void)
{
	Suite *suite = suite_create("mechanism");
	TCase *table = tcase_create("table"), *parameters = tcase_create("parameters");
	TCase *oids = tcase_create("signAlgo");

	tcase_add_test(table, table_holds_the_dtbsr_mechanisms_and_no_others);
	tcase_add_test(table, table_describes_each_mechanism);
	tcase_add_test(table, other_mechanisms_are_refused);
	tcase_add_loop_test(parameters, parameters_are_refused_where_there_are_none, 0, BARE);
	tcase_add_loop_test(parameters, pss_parameters_are_taken, 0, 3);
	tcase_add_test(parameters, pss_parameters_may_be_unaligned);
	tcase_add_loop_test(parameters, pss_with_other_parameters_is_refused, 0, 3);
	tcase_add_loop_test(parameters, pss_of_another_hash_is_refused, 0, 3);
	tcase_add_loop_test(parameters, pss_without_parameters_is_refused, 0, 3);
	tcase_add_test(parameters, eddsa_is_pure_only);
	tcase_add_loop_test(oids, sign_algo_binds_padding_and_hash, 0, 3);
	tcase_add_test(oids, sign_algo_of_a_hashing_mechanism_needs_its_hash);
	tcase_add_test(oids, unknown_sign_algo_matches_nothing);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, parameters);
	suite_add_tcase(suite, oids);
	return suite;
}

SAM_UNIT_MAIN(mechanism_suite)
