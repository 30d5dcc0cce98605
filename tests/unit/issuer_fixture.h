/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An authorisation server beside the SAM of sam_fixture.h: its keys, its JWKS file, its tokens; and the steps from a
 * token and a proof to a yes or no, in the order in which a SAD that is presented takes them.
 */
#ifndef SAM_TESTS_ISSUER_FIXTURE_H
#define SAM_TESTS_ISSUER_FIXTURE_H

#include "key_fixture.h"

#include "policy/factors.h"
#include "sap/issuer.h"
#include "sap/proof.h"

#define ISSUER "https://as.example.jp"
#define CREDENTIAL "00112233445566778899aabbccddeeff"
#define SHA256_OID "2.16.840.1.101.3.4.2.1"
/* Two hashes: base64url of 32 bytes 0xfb, 0xff..., which base64 writes otherwise; and of 32 zeros. */
#define HASH_URL "-_8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH_B64 "+/8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HASH_0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct device alice, bob, server;
static char jwks_path[PATH_MAX + 32];
static struct sam_msg said;

/** policy_with(format, …): The policy in force, with this at its end. */
static inline void __attribute__((format(printf, 1, 2))) policy_with(const char *format, ...)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	struct sam_sealed sealed = *snapshot()->sealed;
	struct sam_msg msg = {""};
	struct sam_edit edit;
	char *more, *all;
	va_list args;
	va_start(args, format);
	ck_assert_int_ge(vasprintf(&more, format, args), 0);
	va_end(args);
	const char *old = strstr(sealed.text, "\nissuers:");
	ck_assert_int_gt(asprintf(&all, "%.*s\n%s", (int)(old ? (size_t)(old - sealed.text) : strlen(sealed.text)),
				  sealed.text, more), 0);
	ck_assert_msg(sam_policy_parse("policy", all, strlen(all), &sealed.policy, &msg) == SAM_OK, "%s", msg.text);
	sealed.text = all;
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	free(more);
	free(all);
}

/** entry(more): The issuer is in the policy, with these members too. */
static inline void entry(const char *more)
{
	policy_with("issuers:\n  - {iss: '" ISSUER "', jwks: '%s'%s%s}\n", jwks_path, *more ? ", " : "", more);
}

/** publish(format, …): The JWKS file, with ' for ". */
static inline void __attribute__((format(printf, 1, 2))) publish(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	sam_auto(json_decref) json_t *made = json_of(format, args);
	va_end(args);
	char *all = json_dumps(made, JSON_COMPACT);
	cm_write(jwks_path, all);
	free(all);
}

/** key_of(d, kid): Its public JWK with that kid, as text. */
static inline char *key_of(const struct device *d, const char *kid)
{
	json_t *jwk = json_deep_copy(d->public);
	json_object_set_new(jwk, "kid", json_string(kid));
	char *made = json_dumps(jwk, JSON_COMPACT);
	json_decref(jwk);
	keep(KEPT_TEXT, made);
	return made;
}

/** issuer_ready(more): alice and bob have devices, the server its key `k1`. */
static inline void issuer_ready(const char *more)
{
	people();
	alice = enrol("alice");
	bob = enrol("bob");
	server = new_device();
	snprintf(jwks_path, sizeof jwks_path, "%s/as.jwks", cm_folder);
	publish("{'keys':[%s]}", key_of(&server, "k1"));
	entry(more);
}

/* A token's claims: two documents. */
static inline json_t *claims_by(const char *iss)
{
	const long long iat = sam_clock_now();
	return json("{'iss':'%s','sub':'alice','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,"
		    "'authorization_details':[{'type':'https://cloudsignatureconsortium.org/2025/credential',"
		    "'credentialID':'" CREDENTIAL "','hashAlgorithmOID':'" SHA256_OID "','numSignatures':2,"
		    "'documentDigests':[{'hash':'" HASH_URL "','label':'a','hashType':'DTBSR'},{'hash':'" HASH_0
		    "='}]}]}", iss, new_jti(), iat, iat + 200);
}

/** change(object, member, value): ${value} is JSON with ' for "; NULL takes it out. */
static inline void change(json_t *object, const char *member, const char *value)
{
	if (!value) {
		json_object_del(object, member);
		return;
	}
	char *copy = strdup(value);
	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	json_t *made = json_loads(copy, JSON_DECODE_ANY, NULL);
	ck_assert_msg(made != NULL, "%s", copy);
	json_object_set_new(object, member, made);
	free(copy);
}

static inline json_t *details_in(json_t *claims)
{
	return json_array_get(json_object_get(claims, "authorization_details"), 0);
}

static inline json_t *header_of(const char *typ, const char *kid)
{
	return json("{'typ':'%s','kid':'%s'}", typ, kid);
}

/** issue(claims): By the server's key k1. Takes them. */
static inline char *issue(json_t *claims)
{
	return signed_by(&server, header_of("sad+jwt", "k1"), claims);
}

/** prove_as(d, claims): A proof with those claims. */
static inline char *prove_as(const struct device *d, json_t *claims)
{
	return signed_by(d, header_of(SAM_TYP_PROOF, d->kid), claims);
}

static inline char *ath_of(const char *sad)
{
	uint8_t hash[32];
	char made[44];
	is(sam_ossl_digest(SAM_HASH_SHA256, sad, strlen(sad), hash), SAM_OK);
	sam_encode_b64url(hash, sizeof hash, made);
	return text("%s", made);
}

static inline json_t *proof_claims(const char *sad)
{
	const long long iat = sam_clock_now();
	return json("{'aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,'ath':'%s'}", new_jti(), iat, iat + 60,
		    ath_of(sad));
}

static inline char *prove(const struct device *d, const char *sad)
{
	return prove_as(d, proof_claims(sad));
}

/** take(sad, proof, a): By an issuer or the signer's own device; ${a} NULL: only the answer. ${said}: the message. */
static inline enum sam_reason take(const char *sad, const char *proof, struct sam_activation *a)
{
	const struct sam_snapshot *s = snapshot();
	const struct sam_policy *policy = &s->sealed->policy;
	const struct sam_sad_rules rules = {.sam_id = SAM_ID, .now = sam_clock_now(), .max_lifetime = 300, .leeway = 10,
					    .level = policy->level};
	struct sam_activation own = {.limit = 0};
	struct sam_jws jws = {0};
	a = a ? a : &own;
	memset(a, 0, sizeof *a);
	said.text[0] = '\0';
	enum sam_reason reason = sam_jose_parse(sad, strlen(sad), &jws);
	sam_auto(json_decref) json_t *claims = reason == SAM_OK ? sam_jose_json(jws.payload, jws.payload_len) : NULL;
	if (reason == SAM_OK && sam_issuer_is(policy, claims))
		reason = sam_issuer_verify(sam, policy, &jws, claims, &rules, a, &said);
	else if (reason == SAM_OK)
		reason = sam_sad_claims(claims, &rules, a, &said);
	if (reason == SAM_OK)
		reason = sam_proof_check(sam, s, policy, sad, strlen(sad), claims, proof, proof ? strlen(proof) : 0, &rules,
					 a, &said);
	if (reason == SAM_OK)
		reason = sam_issuer_accept(s, policy, a, &said);
	sam_jose_clear(&jws);
	if (a == &own)
		sam_sad_clear(&own);
	return reason;
}

#endif
