/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The proof beside a SAD with `cnf`: right, and wrong in one thing each.
 */
#include "issuer_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* An issuer's SAD with that cnf (JSON with ' for "; NULL: none). */
static char *sad_with(const char *cnf)
{
	json_t *claims = claims_by(ISSUER);
	change(claims, "cnf", cnf);
	return issue(claims);
}

static char *named(void)
{
	return sad_with(text("{'jkt':'%s'}", alice.kid));
}

static void takes(enum sam_reason want, const char *sad, const char *proof, unsigned line)
{
	enum sam_reason got = take(sad, proof, NULL);
	ck_assert_msg(got == want, "line %u: %s (%s), not %s", line, sam_reason_name(got), said.text,
		      sam_reason_name(want));
}
#define TAKES(want, sad, proof) takes(want, sad, proof, __LINE__)

/* ---- the key ---- */

START_TEST(the_key_is_given_or_named)
{
	static const char *const kinds[] = {"{'jwk':%s}", "{'kid':'%s'}", "{'jkt':'%s'}"};
	struct sam_activation a;
	issuer_ready("");
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char *cnf = i == 0 ? text("{'jwk':%s}", alice.jwk) : text(i == 1 ? "{'kid':'%s'}" : "{'jkt':'%s'}", alice.kid);
		char *sad = sad_with(cnf);
		is(take(sad, prove(&alice, sad), &a), SAM_OK);
		ck_assert_str_eq(a.cnf_key, alice.kid);
		ck_assert_uint_eq(a.factors, SAM_FACTOR_POSSESSION);
		sam_sad_clear(&a);
		/* presented again it is no error */
		char *proof = prove(&alice, sad);
		TAKES(SAM_OK, sad, proof);
		TAKES(SAM_OK, sad, proof);
	}
}
END_TEST

START_TEST(other_members_of_cnf_are_refused)
{
	issuer_ready("delegation: true");
	const char *jwk = alice.jwk, *kid = alice.kid;
	char *private = json_dumps(alice.private, JSON_COMPACT);
	keep(KEPT_TEXT, private);
	const char *const wrong[] = {
		"null", "{}", "[]", "'x'", "1", "true",
		text("{'jkt':'%s','jwk':%s}", kid, jwk), text("{'jkt':'%s','kid':'%s'}", kid, kid),
		text("{'jkt':'%s','x5t#S256':'%s'}", kid, kid), text("{'x5t#S256':'%s'}", kid),
		"{'jku':'https://evil.example/jwks'}", text("{'jku':'https://evil.example/jwks','kid':'%s'}", kid),
		"{'jwe':'eyJ.a.b.c.d'}", "{'jkt':1}", "{'jkt':''}", "{'kid':'short'}", "{'kid':null}",
		text("{'jkt':'%s='}", kid), text("{'kid':['%s']}", kid), "{'jwk':'x'}", "{'jwk':{}}",
		text("{'jwk':[%s]}", jwk), "{'jwk':{'kty':'oct','k':'AAAA'}}", text("{'jwk':%s}", private),
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char *sad = sad_with(wrong[i]);
		enum sam_reason got = take(sad, prove(&alice, sad), NULL);
		ck_assert_msg(got == SAM_SAD_CNF, "%s: %s (%s)", wrong[i], sam_reason_name(got), said.text);
	}
	json_t *off = json_deep_copy(alice.public), *claims = claims_by(ISSUER);
	json_object_set(off, "y", json_object_get(off, "x")); /* no point of the curve */
	json_object_set_new(claims, "cnf", json_pack("{s:o}", "jwk", off));
	char *sad = issue(claims);
	TAKES(SAM_SAD_CNF, sad, prove(&alice, sad));
}
END_TEST

START_TEST(who_is_named_is_the_signers)
{
	struct device stranger = new_device();
	struct sam_activation a;
	issuer_ready("delegation: true");
	char *sad = sad_with(text("{'jkt':'%s'}", bob.kid));
	TAKES(SAM_SAD_KEY_UNKNOWN, sad, prove(&bob, sad));
	sad = sad_with(text("{'kid':'%s'}", stranger.kid));
	TAKES(SAM_SAD_KEY_UNKNOWN, sad, prove(&stranger, sad));
	/* a key that is given: proven, but nobody's that the SAM knows, or another's: no factor of alice's */
	const struct device *const others[] = {&stranger, &bob};
	for (size_t i = 0; i < 2; i++) {
		sad = sad_with(text("{'jwk':%s}", others[i]->jwk));
		is(take(sad, prove(others[i], sad), &a), SAM_OK);
		ck_assert_str_eq(a.cnf_key, "");
		ck_assert_uint_eq(a.factors & SAM_FACTOR_POSSESSION, 0);
		sam_sad_clear(&a);
		TAKES(SAM_SAD_PROOF, sad, prove(&alice, sad));
	}
}
END_TEST

/* What the registry says of a key counts, not what the SAD says of it. */
START_TEST(the_registered_algorithm_counts)
{
	struct sam_activation a;
	issuer_ready("");
	json_t *claims = claims_by(ISSUER), *jwk = json_deep_copy(alice.public);
	json_object_del(jwk, "alg");
	json_object_set_new(claims, "cnf", json_pack("{s:o}", "jwk", jwk));
	char *sad = issue(claims);
	is(take(sad, prove(&alice, sad), &a), SAM_OK);
	ck_assert_str_eq(a.cnf_key, alice.kid);
	sam_sad_clear(&a);
}
END_TEST

/* ---- one without the other ---- */

START_TEST(cnf_and_proof_come_together)
{
	issuer_ready("delegation: true");
	char *without = sad_with(NULL), *with = named();
	TAKES(SAM_OK, without, NULL);
	TAKES(SAM_SAD_CNF, with, NULL);
	TAKES(SAM_SAD_CNF, without, prove(&alice, without));
	/* a signer's own SAD may have it too, and then needs it */
	json_t *claims = claims_by("alice");
	change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
	char *own = signed_by(&alice, header_of("sad+jwt", alice.kid), claims);
	TAKES(SAM_SAD_CNF, own, NULL);
	TAKES(SAM_OK, own, prove(&alice, own));
	TAKES(SAM_SAD_PROOF, own, prove(&bob, own));
}
END_TEST

/* ---- the proof ---- */

START_TEST(every_claim_of_the_proof_is_checked)
{
	const long long now = sam_clock_now();
	issuer_ready("");
	char *sad = named(), *other = named();
	const struct {
		const char *member, *value;
		enum sam_reason reason;
	} rows[] = {
		{"ath", NULL, SAM_SAD_PROOF},
		{"ath", text("'%s'", ath_of(other)), SAM_SAD_PROOF},
		{"ath", text("'%s='", ath_of(sad)), SAM_SAD_PROOF},
		{"ath", "''", SAM_SAD_PROOF},
		{"ath", "1", SAM_SAD_PROOF},
		{"ath", text("['%s']", ath_of(sad)), SAM_SAD_PROOF},
		{"aud", NULL, SAM_SAD_PROOF},
		{"aud", "'https://other.example'", SAM_SAD_PROOF},
		{"aud", "['" SAM_ID "']", SAM_OK},
		{"aud", "['" SAM_ID "','x']", SAM_SAD_PROOF},
		{"jti", NULL, SAM_SAD_PROOF},
		{"jti", "'short'", SAM_SAD_PROOF},
		{"iat", NULL, SAM_SAD_PROOF},
		{"iat", "1.5", SAM_SAD_PROOF},
		{"iat", text("%lld", now + 60), SAM_SAD_NOT_YET},
		{"iat", text("%lld", now + 8), SAM_OK},
		{"iat", text("%lld", now - 300), SAM_SAD_PROOF}, /* it would live for six minutes */
		{"exp", NULL, SAM_SAD_PROOF},
		{"exp", text("%lld", now), SAM_SAD_EXPIRED},
		{"exp", text("%lld", now - 1), SAM_SAD_EXPIRED},
		{"exp", text("%lld", now + 298), SAM_OK},
		{"exp", text("%lld", now + 400), SAM_SAD_PROOF},
		{"nbf", text("%lld", now + 60), SAM_SAD_NOT_YET},
		{"iss", "'alice'", SAM_OK},
		{"nonce", "'x'", SAM_OK},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *claims = proof_claims(sad);
		change(claims, rows[i].member, rows[i].value);
		enum sam_reason got = take(sad, prove_as(&alice, claims), NULL);
		ck_assert_msg(got == rows[i].reason, "%s = %s: %s (%s)", rows[i].member, rows[i].value, sam_reason_name(got),
			      said.text);
	}
}
END_TEST

START_TEST(the_header_of_the_proof_is_exact)
{
	issuer_ready("");
	char *sad = named();
	const struct {
		const char *header;
		enum sam_reason reason;
	} rows[] = {
		{text("{'typ':'sad-proof+jwt','kid':'%s'}", alice.kid), SAM_OK},
		{text("{'typ':'sad+jwt','kid':'%s'}", alice.kid), SAM_SAD_PROOF},
		{text("{'typ':'dpop+jwt','kid':'%s'}", alice.kid), SAM_SAD_PROOF},
		{text("{'typ':'SAD-PROOF+JWT','kid':'%s'}", alice.kid), SAM_SAD_PROOF},
		{text("{'typ':'sam-enrol+jwt','kid':'%s'}", alice.kid), SAM_SAD_PROOF},
		{text("{'kid':'%s'}", alice.kid), SAM_SAD_PROOF},
		{"{'typ':'sad-proof+jwt'}", SAM_SAD_PROOF},
		{"{'typ':'sad-proof+jwt','kid':'k1'}", SAM_SAD_PROOF},
		{text("{'typ':'sad-proof+jwt','kid':'%s'}", bob.kid), SAM_SAD_PROOF},
		{text("{'typ':'sad-proof+jwt','kid':'%s','jwk':%s}", alice.kid, alice.jwk), SAM_SAD_PROOF},
		{text("{'typ':'sad-proof+jwt','kid':'%s','crit':['exp']}", alice.kid), SAM_SAD_PROOF},
		{text("{'typ':'sad-proof+jwt','kid':'%s','jku':'https://evil.example'}", alice.kid), SAM_SAD_PROOF},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum sam_reason got = take(sad, signed_by(&alice, json("%s", rows[i].header), proof_claims(sad)), NULL);
		ck_assert_msg(got == rows[i].reason, "%s: %s (%s)", rows[i].header, sam_reason_name(got), said.text);
	}
}
END_TEST

START_TEST(another_keys_proof_is_refused)
{
	struct device stranger = new_device();
	issuer_ready("");
	char *sad = named();
	TAKES(SAM_SAD_PROOF, sad, prove(&stranger, sad));
	TAKES(SAM_SAD_PROOF, sad, prove(&bob, sad));
	/* who names alice's key and signs with the own */
	TAKES(SAM_SAD_PROOF, sad, signed_by(&stranger, header_of(SAM_TYP_PROOF, alice.kid), proof_claims(sad)));
	/* the issuer cannot prove for the signer */
	TAKES(SAM_SAD_PROOF, sad, signed_by(&server, header_of(SAM_TYP_PROOF, alice.kid), proof_claims(sad)));
	/* a SAD of alice's is no proof */
	TAKES(SAM_SAD_PROOF, sad, signed_by(&alice, header_of("sad+jwt", alice.kid), claims_by("alice")));
}
END_TEST

/* Over exactly these bytes: the same claims, issued again, are another SAD. */
START_TEST(a_proof_is_for_one_sad)
{
	issuer_ready("");
	json_t *claims = claims_by(ISSUER);
	change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
	char *first = issue(json_deep_copy(claims)), *second = issue(claims);
	ck_assert_str_ne(first, second); /* ECDSA signs otherwise each time */
	char *proof = prove(&alice, first);
	TAKES(SAM_OK, first, proof);
	TAKES(SAM_SAD_PROOF, second, proof);
}
END_TEST

START_TEST(what_is_no_proof_is_refused)
{
	issuer_ready("");
	char *sad = named(), *proof = prove(&alice, sad), *cut;
	TAKES(SAM_SAD_PROOF, sad, "");
	TAKES(SAM_SAD_PROOF, sad, "eyJ");
	TAKES(SAM_SAD_PROOF, sad, "eyJ.eyJ.x");
	TAKES(SAM_SAD_PROOF, sad, text("%s~%s", proof, proof));
	TAKES(SAM_SAD_PROOF, sad, text("%s.x", proof));
	TAKES(SAM_SAD_PROOF, sad, text("%s\n", proof));
	cut = text("%s", proof);
	cut[strlen(cut) - 2] = '\0';
	TAKES(SAM_SAD_TRUNCATED, sad, cut);
	/* every tenth character changed */
	for (size_t i = 0; i < strlen(proof); i += 10) {
		char *other = text("%s", proof);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(take(sad, other, NULL) != SAM_OK, "at %zu", i);
	}
	json_t *claims = proof_claims(sad);
	char *filler = malloc(9000);
	memset(filler, 'x', 8999);
	filler[8999] = '\0';
	json_object_set_new(claims, "filler", json_string(filler));
	free(filler);
	TAKES(SAM_SAD_PROOF, sad, prove_as(&alice, claims));
	/* no object, and members twice */
	char *out;
	sam_auto(json_decref) json_t *header = header_of(SAM_TYP_PROOF, alice.kid);
	is(sam_jose_sign(header, "[]", 2, alice.pkey, SAM_JWS_ES256, &out), SAM_OK);
	keep(KEPT_TEXT, out);
	TAKES(SAM_SAD_PROOF, sad, out);
	sam_auto(json_decref) json_t *good = proof_claims(sad);
	char *body = json_dumps(good, JSON_COMPACT), *twice = text("{\"aud\":\"x\",%s", body + 1);
	keep(KEPT_TEXT, body);
	is(sam_jose_sign(header, twice, strlen(twice), alice.pkey, SAM_JWS_ES256, &out), SAM_OK);
	keep(KEPT_TEXT, out);
	TAKES(SAM_SAD_PROOF, sad, out);
}
END_TEST

START_TEST(the_proofs_algorithm_is_the_policys_too)
{
	issuer_ready("delegation: true");
	json_t *private;
	EVP_PKEY *pkey;
	struct sam_jwk jwk;
	is(sam_jose_generate(SAM_JWS_EDDSA, &private), SAM_OK);
	keep(KEPT_JSON, private);
	is(sam_jose_private(private, &pkey, NULL), SAM_OK);
	keep(KEPT_KEY, pkey);
	is(sam_jose_jwk(private, &jwk, NULL), SAM_OK);
	json_t *claims = claims_by(ISSUER), *public = sam_jose_jwk_public(private);
	json_object_set_new(claims, "cnf", json_pack("{s:o}", "jwk", public));
	char *sad = issue(claims), *proof;
	json_t *header = header_of(SAM_TYP_PROOF, jwk.thumbprint), *body = proof_claims(sad);
	char *payload = json_dumps(body, JSON_COMPACT);
	keep(KEPT_JSON, header);
	keep(KEPT_JSON, body);
	keep(KEPT_TEXT, payload);
	is(sam_jose_sign(header, payload, strlen(payload), pkey, SAM_JWS_EDDSA, &proof), SAM_OK);
	keep(KEPT_TEXT, proof);
	TAKES(SAM_OK, sad, proof);
	struct sam_policy *policy = (struct sam_policy *)&snapshot()->sealed->policy; /* as if it said so */
	policy->sad_algorithms[SAM_JWS_EDDSA] = false;
	TAKES(SAM_SAD_ALGORITHM, sad, proof);
	sam_jose_jwk_clear(&jwk);
}
END_TEST

START_TEST(above_level_one_the_key_is_registered)
{
	struct device stranger = new_device();
	issuer_ready("");
	at_level(2, NULL);
	entry("");
	char *sad = sad_with(text("{'jwk':%s}", stranger.jwk));
	TAKES(SAM_SAD_KEY_UNKNOWN, sad, prove(&stranger, sad));
	sad = sad_with(text("{'jwk':%s}", bob.jwk));
	TAKES(SAM_SAD_KEY_UNKNOWN, sad, prove(&bob, sad));
	sad = sad_with(text("{'jwk':%s}", alice.jwk));
	TAKES(SAM_OK, sad, prove(&alice, sad));
	/* also in a signer's own SAD */
	json_t *claims = claims_by("alice");
	change(claims, "cnf", text("{'jwk':%s}", stranger.jwk));
	char *own = signed_by(&alice, header_of("sad+jwt", alice.kid), claims);
	TAKES(SAM_SAD_KEY_UNKNOWN, own, prove(&stranger, own));
}
END_TEST

static Suite *suite_of(void)
{
	Suite *suite = suite_create("proof");
	TCase *c = tcase_create("proof");
	tcase_add_unchecked_fixture(c, sam_make, sam_unmake);
	tcase_add_checked_fixture(c, sam_fresh, sam_done);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_key_is_given_or_named);
	tcase_add_test(c, other_members_of_cnf_are_refused);
	tcase_add_test(c, who_is_named_is_the_signers);
	tcase_add_test(c, the_registered_algorithm_counts);
	tcase_add_test(c, cnf_and_proof_come_together);
	tcase_add_test(c, every_claim_of_the_proof_is_checked);
	tcase_add_test(c, the_header_of_the_proof_is_exact);
	tcase_add_test(c, another_keys_proof_is_refused);
	tcase_add_test(c, a_proof_is_for_one_sad);
	tcase_add_test(c, what_is_no_proof_is_refused);
	tcase_add_test(c, the_proofs_algorithm_is_the_policys_too);
	tcase_add_test(c, above_level_one_the_key_is_registered);
	suite_add_tcase(suite, c);
	return suite;
}

CM_UNIT_MAIN(suite_of, sam_missing)
