/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs of trusted issuers: each token right, and wrong in one thing; the JWKS file as it changes; what an issuer's word
 * is worth at each level.
 */
#include "issuer_fixture.h"

struct wrong {
	const char *member, *value; /* NULL: the member is absent */
	enum sam_reason reason;
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A token with one change to its claims, under an entry that takes its word alone. */
static void check_claims(const struct wrong *table, size_t count, bool details)
{
	for (size_t i = 0; i < count; i++) {
		json_t *claims = claims_by(ISSUER);
		change(details ? details_in(claims) : claims, table[i].member, table[i].value);
		enum sam_reason got = take(issue(claims), NULL, NULL);
		ck_assert_msg(got == table[i].reason, "%s = %s: %s (%s), not %s", table[i].member, table[i].value,
			      sam_reason_name(got), said.text, sam_reason_name(table[i].reason));
	}
}

/* ---- what is taken ---- */

START_TEST(a_token_becomes_an_activation)
{
	struct sam_activation a;
	issuer_ready("delegation: true");
	is(take(issue(claims_by(ISSUER)), NULL, &a), SAM_OK);
	ck_assert_str_eq(a.iss, ISSUER);
	ck_assert_str_eq(a.sub, "alice");
	ck_assert_str_eq(a.kid, "k1");
	ck_assert_str_eq(a.issuer_key, server.kid);
	ck_assert_str_eq(a.cnf_key, "");
	ck_assert_str_eq(a.credential, CREDENTIAL);
	ck_assert_uint_eq(a.digest_count, 2);
	ck_assert_uint_eq(a.limit, 2);
	ck_assert_uint_eq(a.factors, SAM_FACTOR_ASSERTED);
	sam_sad_clear(&a);
}
END_TEST

START_TEST(shapes_of_the_csc_api)
{
	static const struct wrong claims[] = {
		{"aud", "['" SAM_ID "']", SAM_OK},
		{"aud", "'https://other.example'", SAM_SAD_AUDIENCE},
		{"aud", "['" SAM_ID "','" SAM_ID "']", SAM_SAD_AUDIENCE},
		{"aud", "['" SAM_ID "','https://other.example']", SAM_SAD_AUDIENCE},
		{"aud", "[]", SAM_SAD_AUDIENCE},
		{"aud", NULL, SAM_SAD_CLAIMS},
		{"sub", "'no such'", SAM_SAD_CLAIMS},
		{"sub", NULL, SAM_SAD_CLAIMS},
		{"jti", NULL, SAM_SAD_CLAIMS},
		{"jti", "'short'", SAM_SAD_CLAIMS},
		{"jti", "'0b6a5a3c-7f6c-4b0e-9d3a-2f0f5d5f7c11'", SAM_OK},
		{"iat", NULL, SAM_SAD_CLAIMS},
		{"iat", "'1'", SAM_SAD_CLAIMS},
		{"exp", NULL, SAM_SAD_CLAIMS},
		{"exp", "1", SAM_SAD_EXPIRED},
		{"exp", "4000000000", SAM_SAD_LIFETIME},
		{"nbf", "4000000000", SAM_SAD_NOT_YET},
		{"amr", "'pwd'", SAM_SAD_CLAIMS},
		{"acr", "1", SAM_SAD_CLAIMS},
		{"auth_time", "'now'", SAM_SAD_CLAIMS},
		{"pin", "'1234'", SAM_SAD_CLAIMS},
		{"operation", "'sign'", SAM_OK},
		{"operation", "'generate'", SAM_SAD_OPERATION},
		{"operation", "'suspend'", SAM_SAD_OPERATION},
		{"operation", "1", SAM_SAD_CLAIMS},
		{"operation_params", "{}", SAM_SAD_CLAIMS},
		{"authorization_details", NULL, SAM_SAD_DETAILS},
		{"authorization_details", "[]", SAM_SAD_DETAILS},
		{"authorization_details", "{}", SAM_SAD_DETAILS},
		{"scope", "'credential'", SAM_OK},
		{"client_id", "'app'", SAM_OK},
	};
	static const struct wrong details[] = {
		{"type", "'credential'", SAM_OK},
		{"type", "'https://cloudsignatureconsortium.org/2025/credential-creation'", SAM_SAD_DETAILS},
		{"type", "'Credential'", SAM_SAD_DETAILS},
		{"type", NULL, SAM_SAD_DETAILS},
		{"signatureQualifier", "'eu_eidas_qes'", SAM_OK},
		{"credentialID", "'" CREDENTIAL "0'", SAM_SAD_DETAILS},
		{"credentialID", NULL, SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "'1.3.14.3.2.26'", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", NULL, SAM_SAD_DETAILS},
		{"documentDigests", NULL, SAM_SAD_DETAILS},
		{"documentDigests", "[]", SAM_SAD_DETAILS},
		{"documentInfos", "[]", SAM_OK}, /* another's name, which nobody reads */
		/* base64, base64url, with padding or without, mixed; the two spellings are one hash */
		{"documentDigests", "[{'hash':'" HASH_B64 "'},{'hash':'" HASH_0 "'}]", SAM_OK},
		{"documentDigests", "[{'hash':'" HASH_B64 "'},{'hash':'" HASH_URL "'}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{'hash':'" HASH_URL "','hashType':'dtbsr'},{'hash':'" HASH_0 "','hashType':'DtBsR'}]",
		 SAM_OK},
		{"documentDigests", "[{'hash':'" HASH_URL "','hashType':'sodr'},{'hash':'" HASH_0 "'}]", SAM_SAD_DETAILS},
		{"documentDigests", "[{'hash':'" HASH_URL "','hashType':'dtbsr '},{'hash':'" HASH_0 "'}]", SAM_SAD_DETAILS},
		{"documentDigests", "['" HASH_URL "','" HASH_0 "']", SAM_SAD_DETAILS},
		{"documentDigests", "[{'hash':'AAAA'},{'hash':'" HASH_0 "'}]", SAM_SAD_DETAILS},
	};
	issuer_ready("delegation: true");
	check_claims(claims, COUNT(claims), false);
	check_claims(details, COUNT(details), true);
}
END_TEST

START_TEST(count_is_a_number_or_a_decimal_text)
{
	static const struct wrong counts[] = {
		{"numSignatures", "2", SAM_OK},       {"numSignatures", "'2'", SAM_OK},
		{"numSignatures", "1", SAM_OK},       {"numSignatures", "'1'", SAM_OK},
		{"numSignatures", NULL, SAM_OK},      {"numSignatures", "0", SAM_SAD_DETAILS},
		{"numSignatures", "'0'", SAM_SAD_DETAILS},  {"numSignatures", "'01'", SAM_SAD_DETAILS},
		{"numSignatures", "'1e0'", SAM_SAD_DETAILS}, {"numSignatures", "'1e1'", SAM_SAD_DETAILS},
		{"numSignatures", "1e0", SAM_SAD_DETAILS},  {"numSignatures", "' 1'", SAM_SAD_DETAILS},
		{"numSignatures", "'1 '", SAM_SAD_DETAILS}, {"numSignatures", "'+1'", SAM_SAD_DETAILS},
		{"numSignatures", "'-1'", SAM_SAD_DETAILS}, {"numSignatures", "''", SAM_SAD_DETAILS},
		{"numSignatures", "3", SAM_SAD_DETAILS},    {"numSignatures", "'3'", SAM_SAD_DETAILS},
		{"numSignatures", "'1x'", SAM_SAD_DETAILS},  {"numSignatures", "true", SAM_SAD_DETAILS},
		{"numSignatures", "[1]", SAM_SAD_DETAILS},  {"numSignatures", "1.0", SAM_SAD_DETAILS},
		{"numSignatures", "'99999'", SAM_SAD_DETAILS}, {"numSignatures", "'18446744073709551617'", SAM_SAD_DETAILS},
	};
	struct sam_activation a;
	issuer_ready("delegation: true");
	for (size_t i = 0; i < COUNT(counts); i++) {
		json_t *claims = claims_by(ISSUER);
		const char *value = counts[i].value;
		change(details_in(claims), "numSignatures", value);
		enum sam_reason got = take(issue(claims), NULL, &a);
		ck_assert_msg(got == counts[i].reason, "%s: %s", value, sam_reason_name(got));
		if (got == SAM_OK)
			ck_assert_uint_eq(a.limit, value && strchr(value, '1') ? 1 : 2);
		sam_sad_clear(&a);
	}
}
END_TEST

/* CONTRACT section 4: above level 1 a SAD is for as many signatures as it names documents, whoever made it. */
START_TEST(count_is_that_of_the_documents_above_level_one)
{
	static const struct wrong counts[] = {
		{"numSignatures", "2", SAM_OK},
		{"numSignatures", "'2'", SAM_OK},
		{"numSignatures", NULL, SAM_OK},
		{"numSignatures", "1", SAM_SAD_DETAILS},
		{"numSignatures", "'1'", SAM_SAD_DETAILS},
		{"numSignatures", "3", SAM_SAD_DETAILS},
	};
	struct sam_activation a;
	issuer_ready("");
	at_level(2, NULL);
	entry("");
	for (size_t i = 0; i < COUNT(counts); i++) {
		json_t *claims = claims_by(ISSUER), *own = claims_by("alice");
		change(details_in(claims), "numSignatures", counts[i].value);
		change(details_in(own), "numSignatures", counts[i].value);
		change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
		char *sad = issue(claims);
		is(take(sad, prove(&alice, sad), NULL), counts[i].reason);
		const bool text = counts[i].value && counts[i].value[0] == '\'';
		is(take(signed_by(&alice, header_of("sad+jwt", alice.kid), own), NULL, &a),
		   text ? SAM_SAD_DETAILS : counts[i].reason);
		sam_sad_clear(&a);
	}
}
END_TEST

/* ---- the flat form ---- */

static json_t *flat_claims(void)
{
	json_t *claims = claims_by(ISSUER);
	change(claims, "authorization_details", NULL);
	change(claims, "credentialID", "'" CREDENTIAL "'");
	change(claims, "hashAlgorithmOID", "'" SHA256_OID "'");
	change(claims, "hashes", "'" HASH_B64 "," HASH_0 "'");
	change(claims, "numSignatures", "'2'");
	return claims;
}

START_TEST(the_flat_form_says_the_same)
{
	struct sam_activation a, b;
	issuer_ready("delegation: true, flat: true");
	is(take(issue(flat_claims()), NULL, &a), SAM_OK);
	is(take(issue(claims_by(ISSUER)), NULL, &b), SAM_OK);
	ck_assert_str_eq(a.credential, b.credential);
	ck_assert_int_eq(a.hash, b.hash);
	ck_assert_uint_eq(a.limit, b.limit);
	ck_assert_uint_eq(a.digest_count, b.digest_count);
	for (size_t i = 0; i < a.digest_count; i++)
		ck_assert_mem_eq(a.digests[i].value, b.digests[i].value, 32);
	sam_sad_clear(&a);
	sam_sad_clear(&b);
}
END_TEST

static void check_flat(const struct wrong *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *claims = flat_claims();
		change(claims, table[i].member, table[i].value);
		enum sam_reason got = take(issue(claims), NULL, NULL);
		ck_assert_msg(got == table[i].reason, "%s = %s: %s (%s)", table[i].member, table[i].value,
			      sam_reason_name(got), said.text);
	}
}

START_TEST(every_claim_of_the_flat_form_is_checked)
{
	static const struct wrong changes[] = {
		{"hashes", "['" HASH_URL "','" HASH_0 "']", SAM_OK},
		{"hashes", "['" HASH_B64 "','" HASH_0 "=']", SAM_OK},
		{"hashes", "'" HASH_URL "," HASH_0 "='", SAM_OK},
		{"hashes", NULL, SAM_SAD_DETAILS},
		{"hashes", "''", SAM_SAD_DETAILS},
		{"hashes", "[]", SAM_SAD_DETAILS},
		{"hashes", "[1,2]", SAM_SAD_DETAILS},
		{"hashes", "{}", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "'", SAM_SAD_DETAILS}, /* one, and numSignatures 2 */
		{"hashes", "'" HASH_URL "," HASH_URL "'", SAM_SAD_DETAILS}, /* twice the same is one */
		{"hashes", "'" HASH_B64 "," HASH_URL "'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "," HASH_0 "," HASH_URL "'", SAM_OK},
		{"hashes", "'" HASH_URL ", " HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "' " HASH_URL "," HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "," HASH_0 " '", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL ",," HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "'," HASH_URL "," HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "," HASH_0 ",'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "%2C" HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL "," HASH_0 "%3D'", SAM_SAD_DETAILS},
		{"hashes", "'" HASH_URL ";" HASH_0 "'", SAM_SAD_DETAILS},
		{"hashes", "['" HASH_URL "," HASH_0 "']", SAM_SAD_DETAILS},
		{"hashes", "'AAAA," HASH_0 "'", SAM_SAD_DETAILS},
		{"numSignatures", "2", SAM_OK},
		{"numSignatures", NULL, SAM_OK},
		{"numSignatures", "'1'", SAM_OK},
		{"numSignatures", "'3'", SAM_SAD_DETAILS},
		{"numSignatures", "'02'", SAM_SAD_DETAILS},
		{"numSignatures", "null", SAM_SAD_DETAILS},
		{"credentialID", NULL, SAM_SAD_DETAILS},
		{"credentialID", "1", SAM_SAD_DETAILS},
		{"credentialID", "'00112233445566778899AABBCCDDEEFF'", SAM_SAD_DETAILS},
		{"hashAlgorithmOID", NULL, SAM_SAD_DETAILS},
		{"hashAlgorithmOID", "'2.16.840.1.101.3.4.2.3'", SAM_SAD_DETAILS},
		{"signAlgo", "'1.2.840.10045.4.3.2'", SAM_OK},
		{"signAlgo", "'ECDSA'", SAM_SAD_DETAILS},
		{"signAlgo", "1", SAM_SAD_DETAILS},
		{"documentDigests", "[{'hash':'" HASH_0 "'}]", SAM_SAD_DETAILS},
		{"hash", "'" HASH_0 "'", SAM_OK}, /* nobody reads it */
		{"authorization_details", "[]", SAM_SAD_DETAILS},
		{"authorization_details", "null", SAM_SAD_DETAILS},
	};
	issuer_ready("delegation: true, flat: true");
	check_flat(changes, COUNT(changes));
	/* a NUL in the list: JSON readers differ there, ours takes no such text at all */
	json_t *claims = flat_claims();
	json_object_set_new(claims, "hashes", json_stringn(HASH_URL "\0," HASH_0, sizeof HASH_URL "," HASH_0));
	is(take(issue(claims), NULL, NULL), SAM_SAD_CLAIMS);
}
END_TEST

START_TEST(two_thousand_hashes_and_no_more)
{
	char *joined = malloc(2001 * 44 + 1);
	struct sam_activation a;
	issuer_ready("delegation: true, flat: true");
	for (size_t count = 2000; count <= 2001; count++) {
		for (size_t i = 0; i < count; i++) {
			uint8_t hash[32] = {(uint8_t)(i >> 8), (uint8_t)i};
			sam_encode_b64url(hash, sizeof hash, joined + i * 44);
			joined[i * 44 + 43] = ',';
		}
		joined[count * 44 - 1] = '\0';
		json_t *claims = flat_claims();
		json_object_set_new(claims, "hashes", json_string(joined));
		change(claims, "numSignatures", "'2000'");
		is(take(issue(claims), NULL, &a), count == 2000 ? SAM_OK : SAM_SAD_DETAILS);
		ck_assert_uint_eq(a.digest_count, count == 2000 ? 2000 : 0);
		sam_sad_clear(&a);
	}
	free(joined);
}
END_TEST

/* Whoever reads one of the two would read another list of documents. */
START_TEST(both_forms_in_one_token_are_refused)
{
	static const char *const flat[][2] = {
		{"credentialID", "'" CREDENTIAL "'"}, {"hashes", "'" HASH_0 "'"}, {"hashAlgorithmOID", "'" SHA256_OID "'"},
		{"numSignatures", "2"}, {"signAlgo", "'1.2'"}, {"documentDigests", "[]"},
	};
	static const char *const entries[] = {"delegation: true", "delegation: true, flat: true"};
	issuer_ready("");
	for (size_t n = 0; n < 2; n++) {
		entry(entries[n]);
		for (size_t i = 0; i < COUNT(flat); i++) {
			json_t *claims = claims_by(ISSUER);
			change(claims, flat[i][0], flat[i][1]);
			is(take(issue(claims), NULL, NULL), SAM_SAD_DETAILS);
		}
	}
}
END_TEST

START_TEST(the_flat_form_is_taken_where_the_entry_says_so)
{
	issuer_ready("delegation: true");
	is(take(issue(flat_claims()), NULL, NULL), SAM_SAD_DETAILS);
	entry("delegation: true, flat: true");
	is(take(issue(flat_claims()), NULL, NULL), SAM_OK);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	/* and of signers it never is */
	json_t *own = flat_claims();
	change(own, "iss", "'alice'");
	is(take(signed_by(&alice, header_of("sad+jwt", alice.kid), own), NULL, NULL), SAM_SAD_DETAILS);
}
END_TEST

/* ---- header and keys ---- */

START_TEST(header_is_as_the_entry_allows)
{
	static const struct {
		const char *header;
		enum sam_reason plain, wide; /* under an entry without typ, and with both */
	} headers[] = {
		{"{'typ':'sad+jwt','kid':'k1'}", SAM_OK, SAM_OK},
		{"{'typ':'at+jwt','kid':'k1'}", SAM_SAD_HEADER, SAM_OK},
		{"{'typ':'JWT','kid':'k1'}", SAM_SAD_HEADER, SAM_OK},
		{"{'typ':'jwt','kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad-proof+jwt','kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'dpop+jwt','kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'','kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':1,'kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'kid':'k1'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':1}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':''}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':['k1']}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k1\\n'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k\xc3\xbc'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k2'}", SAM_SAD_KEY_UNKNOWN, SAM_SAD_KEY_UNKNOWN},
		{"{'typ':'sad+jwt','kid':'K1'}", SAM_SAD_KEY_UNKNOWN, SAM_SAD_KEY_UNKNOWN},
		{"{'typ':'sad+jwt','kid':'../as.jwks'}", SAM_SAD_KEY_UNKNOWN, SAM_SAD_KEY_UNKNOWN},
		{"{'typ':'sad+jwt','kid':'k1 OR 1=1'}", SAM_SAD_KEY_UNKNOWN, SAM_SAD_KEY_UNKNOWN},
		{"{'typ':'sad+jwt','kid':'k1','jku':'https://evil.example'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k1','jwk':{}}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k1','x5u':'https://evil.example'}", SAM_SAD_HEADER, SAM_SAD_HEADER},
		{"{'typ':'sad+jwt','kid':'k1','crit':['exp']}", SAM_SAD_HEADER, SAM_SAD_HEADER},
	};
	issuer_ready("delegation: true");
	for (unsigned wide = 0; wide < 2; wide++) {
		if (wide)
			entry("delegation: true, typ: [at+jwt, JWT]");
		for (size_t i = 0; i < COUNT(headers); i++) {
			enum sam_reason want = wide ? headers[i].wide : headers[i].plain;
			enum sam_reason got = take(signed_by(&server, json("%s", headers[i].header), claims_by(ISSUER)), NULL,
						   NULL);
			ck_assert_msg(got == want, "%s: %s", headers[i].header, sam_reason_name(got));
		}
	}
	json_t *header = header_of("sad+jwt", "k1");
	char kid[130];
	memset(kid, 'k', 129);
	kid[129] = '\0';
	json_object_set_new(header, "kid", json_string(kid));
	is(take(signed_by(&server, header, claims_by(ISSUER)), NULL, NULL), SAM_SAD_HEADER);
}
END_TEST

/* A JWS whose header says what it likes, with any signature. */
static char *forged(const char *header, json_t *claims, const uint8_t *signature, size_t len)
{
	char head[512], sig[200], *payload = json_dumps(claims, JSON_COMPACT);
	char *body = malloc(strlen(payload) * 2 + 4), *out;
	sam_encode_b64url(header, strlen(header), head);
	sam_encode_b64url(payload, strlen(payload), body);
	sam_encode_b64url(signature, len, sig);
	out = text("%s.%s.%s", head, body, sig);
	free(payload);
	free(body);
	json_decref(claims);
	return out;
}

START_TEST(only_the_issuers_signature_counts)
{
	uint8_t nothing[64] = {0}, mac[32];
	struct device other = new_device();
	issuer_ready("delegation: true");
	is(take(forged("{\"alg\":\"none\",\"typ\":\"sad+jwt\",\"kid\":\"k1\"}", claims_by(ISSUER), nothing, 1), NULL, NULL),
	   SAM_SAD_ALGORITHM);
	/* an HMAC with the public key as its secret */
	is(sam_ossl_digest(SAM_HASH_SHA256, server.jwk, strlen(server.jwk), mac), SAM_OK);
	is(take(forged("{\"alg\":\"HS256\",\"typ\":\"sad+jwt\",\"kid\":\"k1\"}", claims_by(ISSUER), mac, 32), NULL, NULL),
	   SAM_SAD_ALGORITHM);
	is(take(forged("{\"alg\":\"ES256\",\"typ\":\"sad+jwt\",\"kid\":\"k1\"}", claims_by(ISSUER), nothing, 64), NULL,
		NULL), SAM_SAD_SIGNATURE);
	is(take(forged("{\"alg\":\"RS256\",\"typ\":\"sad+jwt\",\"kid\":\"k1\"}", claims_by(ISSUER), nothing, 64), NULL,
		NULL), SAM_SAD_ALGORITHM);
	is(take(signed_by(&other, header_of("sad+jwt", "k1"), claims_by(ISSUER)), NULL, NULL), SAM_SAD_SIGNATURE);
	/* a signer's device is no issuer, and an issuer no signer */
	is(take(signed_by(&alice, header_of("sad+jwt", alice.kid), claims_by(ISSUER)), NULL, NULL), SAM_SAD_KEY_UNKNOWN);
	is(take(issue(claims_by("https://other.example")), NULL, NULL), SAM_SAD_ISSUER);
	is(take(issue(claims_by(ISSUER "/")), NULL, NULL), SAM_SAD_ISSUER);
}
END_TEST

START_TEST(algorithms_are_those_of_the_entry)
{
	issuer_ready("delegation: true, algorithms: [ES384, PS256]");
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_SAD_ALGORITHM);
	entry("delegation: true, algorithms: [ES256]");
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
}
END_TEST

/* ---- the JWKS file ---- */

START_TEST(keys_change_with_the_file)
{
	struct device next = new_device();
	issuer_ready("delegation: true");
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	publish("{'keys':[%s,%s]}", key_of(&server, "k1"), key_of(&next, "k2"));
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	is(take(signed_by(&next, header_of("sad+jwt", "k2"), claims_by(ISSUER)), NULL, NULL), SAM_OK);
	/* the old one is out, though its name is used again */
	publish("{'keys':[%s]}", key_of(&next, "k1"));
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_SAD_SIGNATURE);
	is(take(signed_by(&next, header_of("sad+jwt", "k2"), claims_by(ISSUER)), NULL, NULL), SAM_SAD_KEY_UNKNOWN);
	is(take(signed_by(&next, header_of("sad+jwt", "k1"), claims_by(ISSUER)), NULL, NULL), SAM_OK);
}
END_TEST

/* Then it is not read at each use any more, and a change counts at once all the same. */
START_TEST(keys_change_when_the_file_had_settled)
{
	struct device next = new_device();
	issuer_ready("delegation: true");
	sleep(3);
	for (int i = 0; i < 3; i++)
		is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	shell("cp -p %s %s.kept", jwks_path, jwks_path);
	publish("{'keys':[%s]}", key_of(&next, "k1"));
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_SAD_SIGNATURE);
	/* put back with its old times: another inode */
	shell("mv %s.kept %s", jwks_path, jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	shell("chmod g+w %s", jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
}
END_TEST

/* A link is followed to a file that nobody else can write; whose the link is does not matter then. */
START_TEST(a_link_counts_as_what_it_leads_to)
{
	issuer_ready("delegation: true");
	shell("mv %s %s.real && ln -s %s.real %s", jwks_path, jwks_path, jwks_path, jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
	shell("cp %s.real %s.other && chmod g+w %s.other && ln -sf %s.other %s", jwks_path, jwks_path, jwks_path, jwks_path,
	      jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
}
END_TEST

static unsigned logged(const char *what)
{
	char command[PATH_MAX + 64], line[32] = "";
	snprintf(command, sizeof command, "grep -c -- '%s' %s/sam.log", what, cm_folder);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, pipe));
	pclose(pipe);
	return (unsigned)strtoul(line, NULL, 10);
}

/* What was good before does not count any more, and the log names the file, once. */
START_TEST(a_broken_file_refuses)
{
	issuer_ready("delegation: true");
	ck_assert(sam_log_open(text("file:%s/sam.log", cm_folder), NULL));
	char *good = key_of(&server, "k1");
	json_t *private = json_deep_copy(server.private);
	json_object_set_new(private, "kid", json_string("k2"));
	char *leaked = json_dumps(private, JSON_COMPACT), *coordinate = text("%s", strstr(good, "\"x\":\"") + 5);
	json_decref(private);
	keep(KEPT_TEXT, leaked);
	*strchr(coordinate, '"') = '\0';
	const char *const broken[] = {
		"", "[]", "{", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1]}", "{\"keys\":\"k1\"}",
		text("{\"keys\":[%s,%s]}", good, good), /* one kid, twice */
		text("{\"keys\":[%s,%s]}", good, server.jwk), /* a key without kid */
		text("{\"keys\":[%s,%s]}", good, key_of(&alice, "")),
		text("{\"keys\":[%s,%s]}", good, leaked),
		text("{\"keys\":[%s,{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAAA\"}]}", good),
		text("{\"keys\":[%s,{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"z\",\"x\":\"%s\",\"y\":\"%s\"}]}", good,
		     coordinate, coordinate),
		text("{\"keys\":[%s,{\"kty\":\"new\",\"kid\":\"z\"}]}", good),
		text("{\"keys\":[%s],\"keys\":[%s]}", good, good),
		text("{\"keys\":[%s]} ]", good),
		text("{\"keys\":[{\"use\":\"enc\",%s]}", good + 1), /* nothing to verify with */
	};
	for (size_t i = 0; i < COUNT(broken); i++) {
		cm_write(jwks_path, broken[i]);
		enum sam_reason got = take(issue(claims_by(ISSUER)), NULL, NULL);
		ck_assert_msg(got == SAM_ISSUER_KEYS, "%s: %s", broken[i], sam_reason_name(got));
		ck_assert_msg(strncmp(said.text, jwks_path, strlen(jwks_path)) == 0, "%s", said.text);
	}
	ck_assert_uint_ge(logged("as.jwks"), 8);
	unsigned lines = logged("as.jwks");
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
	ck_assert_uint_eq(logged("as.jwks"), lines);
	cm_write(jwks_path, text("{\"keys\":[%s,{\"use\":\"enc\",\"kty\":\"RSA\",\"kid\":\"e\"}],\"more\":1}", good));
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
}
END_TEST

START_TEST(the_file_is_nobody_elses_and_bounded)
{
	static const char *const others[] = {
		"true", "mkdir $f", "mkfifo $f", "ln -s /nonexistent $f", "ln -s /dev/zero $f", "ln -s $f $f",
	};
	char *all = malloc(300000), *keys = NULL;
	issuer_ready("delegation: true");
	for (size_t i = 0; i < COUNT(others); i++) {
		shell("f=%s; rm -rf $f; %s", jwks_path, others[i]);
		is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
	}
	shell("rm %s", jwks_path);
	for (unsigned n = 1; n <= 33; n++) {
		char kid[8];
		snprintf(kid, sizeof kid, "k%u", n);
		keys = keys ? text("%s,%s", keys, key_of(&server, kid)) : key_of(&server, kid);
		if (n < 32)
			continue;
		cm_write(jwks_path, text("{\"keys\":[%s]}", keys));
		is(take(issue(claims_by(ISSUER)), NULL, NULL), n == 32 ? SAM_OK : SAM_ISSUER_KEYS);
	}
	/* white space up to the limit, and one more */
	const char *one = text("{\"keys\":[%s]}", key_of(&server, "k1"));
	for (unsigned more = 0; more < 2; more++) {
		size_t pad = SAM_JWKS_MAX - strlen(one) + more;
		memset(all, ' ', pad);
		strcpy(all + pad, one);
		cm_write(jwks_path, all);
		is(take(issue(claims_by(ISSUER)), NULL, NULL), more ? SAM_ISSUER_KEYS : SAM_OK);
	}
	free(all);
	cm_write(jwks_path, one);
	shell("chmod o+w %s", jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
	shell("chmod o-w %s && chmod g+w %s", jwks_path, jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_ISSUER_KEYS);
	shell("chmod g-w %s", jwks_path);
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_OK);
}
END_TEST

/* ---- what the issuer must say ---- */

START_TEST(assertions_are_as_the_policy_asks)
{
	static const struct {
		const char *entry, *acr, *amr;
		int age; /* seconds; INT_MIN: no auth_time */
		enum sam_reason reason;
		bool asserted; /* a kind of its own */
	} rows[] = {
		{"", NULL, NULL, INT_MIN, SAM_OK, false},
		{"", "'urn:loa:3'", "['pin']", 1, SAM_OK, false}, /* nobody asked */
		{"acr: ['urn:loa:3']", NULL, NULL, INT_MIN, SAM_SAD_ASSERTED, false},
		{"acr: ['urn:loa:3']", "'urn:loa:2'", NULL, INT_MIN, SAM_SAD_ASSERTED, false},
		{"acr: ['urn:loa:3']", "'urn:loa:3'", NULL, INT_MIN, SAM_OK, true},
		{"acr: ['urn:loa:3', 'urn:loa:4']", "'urn:loa:4'", NULL, INT_MIN, SAM_OK, true},
		{"amr: [pin]", NULL, NULL, INT_MIN, SAM_SAD_ASSERTED, false},
		{"amr: [pin]", NULL, "[]", INT_MIN, SAM_SAD_ASSERTED, false},
		{"amr: [pin]", NULL, "['PIN']", INT_MIN, SAM_SAD_ASSERTED, false},
		{"amr: [pin]", NULL, "['hwk','pin']", INT_MIN, SAM_OK, true},
		{"amr: [pin, hwk]", NULL, "['pin']", INT_MIN, SAM_SAD_ASSERTED, false},
		{"amr: [pin, hwk]", NULL, "['hwk','pin']", INT_MIN, SAM_OK, true},
		{"amr: [hwk]", NULL, "['hwk']", INT_MIN, SAM_OK, false}, /* what one has is no second kind */
		{"amr: [mfa]", NULL, "['mfa']", INT_MIN, SAM_OK, true},
		{"max_auth_age: 5m", NULL, NULL, INT_MIN, SAM_SAD_ASSERTED, false},
		{"max_auth_age: 5m", NULL, NULL, 290, SAM_OK, false},
		{"max_auth_age: 5m", NULL, NULL, 302, SAM_SAD_ASSERTED, false},
		{"max_auth_age: 5m", NULL, NULL, -5, SAM_OK, false},
		{"max_auth_age: 5m", NULL, NULL, -30, SAM_SAD_ASSERTED, false},
		{"acr: ['urn:loa:3'], amr: [pin], max_auth_age: 5m", "'urn:loa:3'", "['pin']", 10, SAM_OK, true},
		{"acr: ['urn:loa:3'], amr: [pin], max_auth_age: 5m", "'urn:loa:3'", "['pin']", INT_MIN, SAM_SAD_ASSERTED,
		 false},
	};
	struct sam_activation a;
	issuer_ready("");
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *claims = claims_by(ISSUER);
		entry(rows[i].entry);
		change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
		change(claims, "acr", rows[i].acr);
		change(claims, "amr", rows[i].amr);
		if (rows[i].age != INT_MIN)
			json_object_set_new(claims, "auth_time", json_integer(sam_clock_now() - rows[i].age));
		char *sad = issue(claims);
		enum sam_reason got = take(sad, prove(&alice, sad), &a);
		ck_assert_msg(got == rows[i].reason, "row %zu: %s", i, sam_reason_name(got));
		if (got == SAM_OK)
			ck_assert_uint_eq(a.factors, SAM_FACTOR_POSSESSION | (rows[i].asserted ? SAM_FACTOR_ASSERTED : 0));
		sam_sad_clear(&a);
	}
}
END_TEST

/* ---- whose word it is (P1-3.5.2) ---- */

START_TEST(an_issuer_speaks_alone_at_level_one_by_name_only)
{
	struct sam_activation a;
	struct device stranger = new_device();
	json_t *claims;
	issuer_ready("");
	is(take(issue(claims_by(ISSUER)), NULL, NULL), SAM_SAD_DELEGATION);
	/* a key that the issuer alone vouches for is its own word too */
	claims = claims_by(ISSUER);
	json_object_set_new(claims, "cnf", json_pack("{s:O}", "jwk", stranger.public));
	char *vouched = issue(claims);
	is(take(vouched, prove(&stranger, vouched), NULL), SAM_SAD_DELEGATION);
	/* the signer's own proof */
	claims = claims_by(ISSUER);
	change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
	char *proven = issue(claims);
	is(take(proven, prove(&alice, proven), &a), SAM_OK);
	ck_assert_str_eq(a.cnf_key, alice.kid);
	ck_assert_uint_eq(a.factors, SAM_FACTOR_POSSESSION);
	sam_sad_clear(&a);
	is(take(proven, NULL, NULL), SAM_SAD_CNF);

	entry("delegation: true");
	is(take(issue(claims_by(ISSUER)), NULL, &a), SAM_OK);
	ck_assert_uint_eq(a.factors, SAM_FACTOR_ASSERTED);
	sam_sad_clear(&a);
	is(take(vouched, prove(&stranger, vouched), &a), SAM_OK);
	ck_assert_str_eq(a.cnf_key, "");
	ck_assert_uint_eq(a.factors, SAM_FACTOR_ASSERTED);
	sam_sad_clear(&a);
	/* with cnf it is never taken without the proof, delegation or not */
	is(take(proven, NULL, NULL), SAM_SAD_CNF);
}
END_TEST

START_TEST(above_level_one_the_signer_proves_it)
{
	struct sam_activation a;
	struct device stranger = new_device();
	issuer_ready("");
	for (unsigned level = 2; level <= 3; level++) {
		at_level(2, NULL);
		entry("amr: [pin]");
		((struct sam_policy *)&snapshot()->sealed->policy)->level = level; /* 3: the same until it moves */
		json_t *claims = claims_by(ISSUER);
		change(claims, "amr", "['pin']");
		is(take(issue(json_deep_copy(claims)), NULL, NULL), SAM_SAD_DELEGATION);
		json_object_set_new(claims, "cnf", json_pack("{s:O}", "jwk", stranger.public));
		char *sad = issue(json_deep_copy(claims));
		is(take(sad, prove(&stranger, sad), NULL), SAM_SAD_KEY_UNKNOWN);
		json_object_set_new(claims, "cnf", json_pack("{s:O}", "jwk", bob.public));
		sad = issue(json_deep_copy(claims));
		is(take(sad, prove(&bob, sad), NULL), SAM_SAD_KEY_UNKNOWN);
		json_object_set_new(claims, "cnf", json_pack("{s:O}", "jwk", alice.public));
		sad = issue(claims);
		is(take(sad, NULL, NULL), SAM_SAD_CNF);
		is(take(sad, prove(&bob, sad), NULL), SAM_SAD_PROOF);
		is(take(sad, prove(&alice, sad), &a), SAM_OK);
		/* two kinds: what the SAM verified, and one that the issuer's word may be */
		ck_assert_uint_eq(a.factors, SAM_FACTOR_POSSESSION | SAM_FACTOR_ASSERTED);
		ck_assert_uint_eq(sam_factors_count(a.factors), 2);
		sam_sad_clear(&a);
	}
}
END_TEST

/* No SCA, no SSA, nor who is signed for, has a say as an issuer there. */
START_TEST(above_level_one_no_user_is_an_issuer)
{
	static const char *const names[] = {"sca", "administrator", "officer"};
	issuer_ready("");
	for (unsigned level = 1; level <= 2; level++) {
		if (level > 1)
			at_level(level, NULL);
		entry("");
		for (size_t i = 0; i < COUNT(names); i++) {
			struct sam_principal p = *principal(names[i]);
			json_t *claims = claims_by(ISSUER);
			is(sam_device_set(&p.device, server.jwk, server.kid, SAM_JWS_ES256, server.pkey), SAM_OK);
			by_hand(&p);
			change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
			char *sad = issue(claims);
			is(take(sad, prove(&alice, sad), NULL), level == 1 ? SAM_OK : SAM_ISSUER_IS_USER);
			sam_device_clear(&p.device);
			memset(&p.device, 0, sizeof p.device);
			by_hand(&p);
			is(take(sad, prove(&alice, sad), NULL), SAM_OK);
		}
		json_t *claims = claims_by(ISSUER);
		publish("{'keys':[%s]}", key_of(&bob, "k1"));
		change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
		char *sad = signed_by(&bob, header_of("sad+jwt", "k1"), claims);
		is(take(sad, prove(&alice, sad), NULL), level == 1 ? SAM_OK : SAM_ISSUER_IS_USER);
		publish("{'keys':[%s]}", key_of(&server, "k1"));
	}
}
END_TEST

/* ---- later ---- */

static enum sam_reason still(const struct sam_activation *a)
{
	const struct sam_snapshot *s = snapshot();
	return sam_issuer_still(sam, s, &s->sealed->policy, a);
}

START_TEST(what_an_activation_stood_on_is_looked_at_again)
{
	struct sam_activation a, b, own = {.sub = "alice", .iss = "alice"};
	struct device next = new_device();
	issuer_ready("delegation: true");
	json_t *claims = claims_by(ISSUER);
	change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
	char *sad = issue(claims);
	is(take(sad, prove(&alice, sad), &a), SAM_OK);
	is(take(issue(claims_by(ISSUER)), NULL, &b), SAM_OK);
	is(still(&own), SAM_OK);
	is(still(&a), SAM_OK);
	is(still(&b), SAM_OK);
	/* the entry is another's, or asks for more */
	entry("");
	is(still(&a), SAM_OK);
	is(still(&b), SAM_SAD_DELEGATION);
	policy_with("issuers:\n  - {iss: 'https://other.example', jwks: '%s', delegation: true}\n", jwks_path);
	is(still(&a), SAM_SAD_KEY_UNKNOWN);
	is(still(&b), SAM_SAD_KEY_UNKNOWN);
	entry("delegation: true");
	/* the issuer's key is gone, or another has its name */
	publish("{'keys':[%s]}", key_of(&server, "k2"));
	is(still(&a), SAM_SAD_KEY_UNKNOWN);
	publish("{'keys':[%s]}", key_of(&next, "k1"));
	is(still(&b), SAM_SAD_KEY_UNKNOWN);
	cm_write(jwks_path, "{");
	is(still(&b), SAM_ISSUER_KEYS);
	publish("{'keys':[%s]}", key_of(&server, "k1"));
	is(still(&a), SAM_OK);
	is(still(&b), SAM_OK);
	/* and the signer's */
	strcpy(a.cnf_key, bob.kid);
	is(still(&a), SAM_SAD_KEY_UNKNOWN);
	strcpy(a.cnf_key, next.kid);
	is(still(&a), SAM_SAD_KEY_UNKNOWN);
	sam_sad_clear(&a);
	sam_sad_clear(&b);
}
END_TEST

/* What samctl or an application presents: SAD or SAD~PROOF, made later than any change until now. */
static enum sam_reason presented(const char *amr, const struct device *prover)
{
	json_t *claims = claims_by(ISSUER);
	const long long iat = sam_clock_now() + 2; /* within the leeway */
	json_object_set_new(claims, "iat", json_integer(iat));
	change(claims, "amr", amr);
	if (prover)
		change(claims, "cnf", text("{'jkt':'%s'}", prover->kid));
	char *pin = issue(claims);
	if (prover)
		pin = text("%s~%s", pin, prove(prover, pin));
	struct sam_inspection found;
	return sam_inspect(sam, pin, strlen(pin), &found, &said);
}

START_TEST(the_way_in_asks_for_all_of_it)
{
	issuer_ready("");
	is(presented(NULL, NULL), SAM_SAD_DELEGATION);
	is(presented(NULL, &alice), SAM_OK);
	is(presented(NULL, &bob), SAM_SAD_KEY_UNKNOWN);
	entry("delegation: true");
	is(presented(NULL, NULL), SAM_OK);
	at_level(2, NULL);
	entry("");
	is(presented("['pin']", NULL), SAM_SAD_DELEGATION);
	is(presented("['pin']", &alice), SAM_FACTORS); /* nobody asked for it: the proof is one factor alone */
	entry("amr: [hwk]");
	is(presented("['hwk','pin']", &alice), SAM_FACTORS); /* of the same kind as the proof */
	entry("amr: [pin]");
	is(presented("['hwk']", &alice), SAM_SAD_ASSERTED);
	is(presented("['hwk','pin']", &alice), SAM_OK);
	is(presented("['hwk','pin']", &bob), SAM_SAD_KEY_UNKNOWN);
	is(presented("['hwk','pin']", NULL), SAM_SAD_DELEGATION);
	publish("{'keys':[%s]}", key_of(&server, "k9"));
	is(presented("['hwk','pin']", &alice), SAM_SAD_KEY_UNKNOWN);
	cm_write(jwks_path, "{");
	is(presented("['hwk','pin']", &alice), SAM_ISSUER_KEYS);
}
END_TEST

START_TEST(an_issuers_sad_reads_back_as_it_was_written)
{
	struct sam_activation a, b;
	char *line;
	issuer_ready("");
	publish("{'keys':[%s]}", key_of(&server, "key no. 1 (server)"));
	json_t *claims = claims_by(ISSUER);
	change(claims, "cnf", text("{'jkt':'%s'}", alice.kid));
	char *sad = signed_by(&server, header_of("sad+jwt", "k1"), json_deep_copy(claims));
	is(take(sad, prove(&alice, sad), NULL), SAM_SAD_KEY_UNKNOWN);
	json_t *header = header_of("sad+jwt", "k1");
	json_object_set_new(header, "kid", json_string("key no. 1 (server)"));
	sad = signed_by(&server, header, claims);
	is(take(sad, prove(&alice, sad), &a), SAM_OK);
	is(sam_sad_write(&a, &line), SAM_OK);
	keep(KEPT_TEXT, line);
	is(sam_sad_read(line, strlen(line), &b), SAM_OK);
	ck_assert_str_eq(b.iss, ISSUER);
	ck_assert_str_eq(b.kid, "key no. 1 (server)");
	ck_assert_str_eq(b.issuer_key, server.kid);
	ck_assert_str_eq(b.cnf_key, alice.kid);
	sam_sad_clear(&b);
	/* without the issuer's key such a kid is none */
	char *at = strstr(line, server.kid);
	ck_assert_ptr_nonnull(at);
	memmove(at, at + strlen(server.kid), strlen(at + strlen(server.kid)) + 1);
	is(sam_sad_read(line, strlen(line), &b), SAM_STORE_TAMPERED);
	sam_sad_clear(&a);
}
END_TEST

static Suite *suite_of(void)
{
	Suite *suite = suite_create("issuer");
	TCase *forms = tcase_create("forms"), *keys = tcase_create("keys"), *word = tcase_create("word");
	tcase_add_test(forms, a_token_becomes_an_activation);
	tcase_add_test(forms, shapes_of_the_csc_api);
	tcase_add_test(forms, count_is_a_number_or_a_decimal_text);
	tcase_add_test(forms, count_is_that_of_the_documents_above_level_one);
	tcase_add_test(forms, the_flat_form_says_the_same);
	tcase_add_test(forms, every_claim_of_the_flat_form_is_checked);
	tcase_add_test(forms, two_thousand_hashes_and_no_more);
	tcase_add_test(forms, both_forms_in_one_token_are_refused);
	tcase_add_test(forms, the_flat_form_is_taken_where_the_entry_says_so);
	tcase_add_test(keys, header_is_as_the_entry_allows);
	tcase_add_test(keys, only_the_issuers_signature_counts);
	tcase_add_test(keys, algorithms_are_those_of_the_entry);
	tcase_add_test(keys, keys_change_with_the_file);
	tcase_add_test(keys, keys_change_when_the_file_had_settled);
	tcase_add_test(keys, a_link_counts_as_what_it_leads_to);
	tcase_add_test(keys, a_broken_file_refuses);
	tcase_add_test(keys, the_file_is_nobody_elses_and_bounded);
	tcase_add_test(word, assertions_are_as_the_policy_asks);
	tcase_add_test(word, an_issuer_speaks_alone_at_level_one_by_name_only);
	tcase_add_test(word, above_level_one_the_signer_proves_it);
	tcase_add_test(word, above_level_one_no_user_is_an_issuer);
	tcase_add_test(word, what_an_activation_stood_on_is_looked_at_again);
	tcase_add_test(word, the_way_in_asks_for_all_of_it);
	tcase_add_test(word, an_issuers_sad_reads_back_as_it_was_written);
	TCase *all[] = {forms, keys, word};
	for (size_t i = 0; i < 3; i++) {
		tcase_add_unchecked_fixture(all[i], sam_make, sam_unmake);
		tcase_add_checked_fixture(all[i], sam_fresh, sam_done);
		tcase_set_timeout(all[i], 60);
		suite_add_tcase(suite, all[i]);
	}
	return suite;
}

CM_UNIT_MAIN(suite_of, sam_missing)
