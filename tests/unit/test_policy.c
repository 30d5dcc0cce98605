/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The policy file: what is refused, the baselines of the levels; and the answers it gives.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "policy/factors.h"
#include "policy/policy.h"
#include "unit.h"

static const char good[] =
	"version: 1\n"                             /* 1 */
	"level: 1\n"                               /* 2 */
	"signing:\n"                               /* 3 */
	"  authorisation: sad\n"                   /* 4 */
	"  always_authenticate: true\n"            /* 5 */
	"  verify: true\n"                         /* 6 */
	"  curve_below_hash: false\n"              /* 7 */
	"sap:\n"                                   /* 8 */
	"  max_lifetime: 300s\n"                   /* 9 */
	"  leeway: 10s\n"                          /* 10 */
	"  algorithms: [ES256, EdDSA, PS512]\n"    /* 11 */
	"hashes: [sha256, sha512]\n"               /* 12 */
	"mechanisms: [CKM_ECDSA, CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_EDDSA]\n" /* 13 */
	"keys:\n"                                  /* 14 */
	"- {type: rsa, bits: 2048-3071, generate_until: 2029-12-31T15:00:00Z, sign_until: 2030-12-31T15:00:00Z}\n"
	"- {type: rsa, bits: 3072-4096}\n"         /* 16 */
	"- {type: ec, bits: 256}\n"                /* 17 */
	"- {type: ec, bits: 521, sign_until: 2040-01-01T00:00:00+09:00}\n" /* 18 */
	"- {type: ed25519}\n"                      /* 19 */
	"roles:\n"                                 /* 20 */
	"  administrator_operator: false\n"        /* 21 */
	"  dual_control: []\n"                     /* 22 */
	"  pending: 24h\n"                         /* 23 */
	"  session: 15m\n"                         /* 24 */
	"passwords:\n"                             /* 25 */
	"  min_length: 12\n"                       /* 26 */
	"  min_different: 5\n"                     /* 27 */
	"lockout:\n"                               /* 28 */
	"  attempts: 5\n"                          /* 29 */
	"  time: 15m\n";                           /* 30 */

/* ${good} with one text in place of another, and perhaps a second. */
static char text[8192];

static void change(const char *from, const char *to)
{
	char rest[sizeof text];
	char *at = strstr(text, from);

	ck_assert_msg(at != NULL, "the test's policy has no %s", from);
	strcpy(rest, at + strlen(from));
	strcpy(at, to);
	strcat(text, rest);
}

static void assert_refused(const char *place, const char *why)
{
	struct sam_msg msg = { "" };
	struct sam_policy policy;
	char begin[64];

	memset(&policy, 0xa5, sizeof policy);
	snprintf(begin, sizeof begin, "p.yaml:%s: ", place);
	ck_assert_int_eq(sam_policy_parse("p.yaml", text, strlen(text), &policy, &msg), SAM_POLICY);
	ck_assert_msg(!strncmp(msg.text, begin, strlen(begin)), "%s: wanted %s", msg.text, begin);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: wanted %s", msg.text, why);
	ck_assert_msg(!strstr(msg.text, "hidden"), "%s: quotes the contents", msg.text);
	/* refused half-way: nothing is allowed */
	ck_assert_uint_eq(policy.level, 0);
	ck_assert_uint_eq(policy.mechanism_count, 0);
	ck_assert_uint_eq(policy.key_count, 0);
}

static struct sam_policy parsed(void)
{
	struct sam_msg msg = { "" };
	struct sam_policy policy;

	ck_assert_msg(sam_policy_parse("p.yaml", text, strlen(text), &policy, &msg) == SAM_OK, "%s", msg.text);
	return policy;
}

static void start(void)
{
	strcpy(text, good);
}

static int64_t at(const char *time)
{
	int64_t us;

	ck_assert(sam_clock_parse(time, &us));
	return us / 1000000;
}

/* ---- reading ---- */

START_TEST(policy_is_read)
{
	struct sam_policy p = parsed();

	ck_assert_str_eq(p.path, "p.yaml");
	ck_assert_uint_eq(p.version, 1);
	ck_assert_uint_eq(p.level, 1);
	ck_assert_int_eq(p.authorisation, SAM_AUTHORISE_SAD);
	ck_assert(p.always_authenticate && p.verify && !p.curve_below_hash);
	ck_assert_int_eq(p.max_lifetime, 300);
	ck_assert_int_eq(p.leeway, 10);
	ck_assert(p.sad_algorithms[SAM_JWS_ES256] && p.sad_algorithms[SAM_JWS_EDDSA] &&
		  p.sad_algorithms[SAM_JWS_PS512]);
	ck_assert(!p.sad_algorithms[SAM_JWS_RS256] && !p.sad_algorithms[SAM_JWS_NONE]);
	ck_assert(p.hashes[SAM_HASH_SHA256] && !p.hashes[SAM_HASH_SHA384] && p.hashes[SAM_HASH_SHA512]);
	ck_assert(!p.hashes[SAM_HASH_NONE]);
	ck_assert_uint_eq(p.mechanism_count, 4);
	ck_assert_uint_eq(p.key_count, 5);
	ck_assert_int_eq(p.keys[0].type, SAM_KEY_RSA);
	ck_assert_uint_eq(p.keys[0].min_bits, 2048);
	ck_assert_uint_eq(p.keys[0].max_bits, 3071);
	ck_assert_int_eq(p.keys[0].generate_until, at("2029-12-31T15:00:00Z"));
	ck_assert_int_eq(p.keys[0].sign_until, at("2031-01-01T00:00:00+09:00"));
	ck_assert(p.keys[1].generate_until == INT64_MAX && p.keys[1].sign_until == INT64_MAX);
	ck_assert_int_eq(p.keys[3].generate_until, at("2039-12-31T15:00:00Z"));
	ck_assert_uint_eq(p.keys[4].min_bits, 255);
	ck_assert(!p.administrator_operator);
	for (int act = 0; act < SAM_ACT_COUNT; act++)
		ck_assert(!p.dual_control[act]);
	ck_assert_int_eq(p.pending_s, 86400);
	ck_assert_int_eq(p.session_s, 900);
	ck_assert_uint_eq(p.password_min, 12);
	ck_assert_uint_eq(p.password_different, 5);
	ck_assert_uint_eq(p.lockout_attempts, 5);
	ck_assert_int_eq(p.lockout_s, 900);
}
END_TEST

START_TEST(policy_is_known_by_its_sha256)
{
	struct sam_policy a = parsed(), b;
	uint8_t digest[32];

	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), digest), SAM_OK);
	ck_assert_mem_eq(a.sha256, digest, 32);
	strcat(text, "# a comment counts\n");
	b = parsed();
	ck_assert_mem_ne(a.sha256, b.sha256, 32);
}
END_TEST

START_TEST(level_one_may_be_loose)
{
	struct sam_policy p;

	change("authorisation: sad", "authorisation: login");
	change("verify: true", "verify: false");
	change("always_authenticate: true", "always_authenticate: false");
	change("curve_below_hash: false", "curve_below_hash: true");
	change("300s", "1d");
	change("10s", "0");
	change("administrator_operator: false", "administrator_operator: true");
	change("pending: 24h", "pending: 7d");
	change("session: 15m", "session: 1h");
	change("min_length: 12", "min_length: 8");
	change("attempts: 5", "attempts: 10");
	p = parsed();
	ck_assert_int_eq(p.authorisation, SAM_AUTHORISE_LOGIN);
	ck_assert(!p.verify && !p.always_authenticate && p.curve_below_hash);
	ck_assert_int_eq(p.max_lifetime, 86400);
	ck_assert_int_eq(p.leeway, 0);
	ck_assert(p.administrator_operator);
	ck_assert_int_eq(p.pending_s, 604800);
	ck_assert_int_eq(p.session_s, 3600);
	ck_assert_uint_eq(p.password_min, 8);
	ck_assert_uint_eq(p.lockout_attempts, 10);
}
END_TEST

/* One change that is refused at level 1, and so at every level. */
static const struct {
	const char *from, *to, *place, *why;
} refused[] = {
	/* every key must be there, */
	{ "version: 1\n", "", "1:1", "`version`" },
	{ "level: 1\n", "", "1:1", "`level`" },
	{ "  authorisation: sad\n", "", "4:3", "`authorisation`" },
	{ "  always_authenticate: true\n", "", "4:3", "`always_authenticate`" },
	{ "  verify: true\n", "", "4:3", "`verify`" },
	{ "  curve_below_hash: false\n", "", "4:3", "`curve_below_hash`" },
	{ "  max_lifetime: 300s\n", "", "9:3", "`max_lifetime`" },
	{ "  leeway: 10s\n", "", "9:3", "`leeway`" },
	{ "  algorithms: [ES256, EdDSA, PS512]\n", "", "9:3", "`algorithms`" },
	{ "hashes: [sha256, sha512]\n", "", "1:1", "`hashes`" },
	{ "type: ec, bits: 256", "type: ec", "17:3", "`bits`" },
	{ "type: ec, bits: 256", "bits: 256", "17:3", "`type`" },
	/* no other may be, */
	{ "level: 1\n", "level: 1\nhidden: 1\n", "3:1", "unknown key" },
	{ "  verify: true\n", "  verify: true\n  hidden: 1\n", "7:3", "unknown key" },
	{ "  leeway: 10s\n", "  leeway: 10s\n  hidden: 1\n", "11:3", "unknown key" },
	{ "bits: 256", "bits: 256, hidden: 1", "17:25", "unknown key" },
	{ "level: 1\n", "level: 1\nlevel: 1\n", "3:1", "keep one" },
	/* each of its type, */
	{ "version: 1", "version: 0", "1:10", "from 1 to" },
	{ "version: 1", "version: \"1\"", "1:10", "from 1 to" },
	{ "version: 1", "version: 1000000001", "1:10", "from 1 to" },
	{ "version: 1", "version: [1]", "1:10", "version: must be one value" },
	{ "level: 1", "level: 0", "2:8", "from 1 to 3" },
	{ "level: 1", "level: 4", "2:8", "from 1 to 3" },
	{ "level: 1", "level: one", "2:8", "from 1 to 3" },
	{ "authorisation: sad", "authorisation: hidden", "4:18", "must be sad" },
	{ "authorisation: sad", "authorisation: SAD", "4:18", "must be sad" },
	{ "authorisation: sad", "authorisation: true", "4:18", "a text" },
	{ "authorisation: sad", "authorisation: [sad]", "4:18", "one value" },
	{ "always_authenticate: true", "always_authenticate: yes", "5:24", "true or false" },
	{ "verify: true", "verify: \"true\"", "6:11", "true or false" },
	{ "curve_below_hash: false", "curve_below_hash: 0", "7:21", "true or false" },
	{ "curve_below_hash: false", "curve_below_hash:", "7:20", "true or false" },
	{ "max_lifetime: 300s", "max_lifetime: 300", "9:17", "duration" },
	{ "max_lifetime: 300s", "max_lifetime: 0s", "9:17", "from 1s to 86400s" },
	{ "max_lifetime: 300s", "max_lifetime: 1500ms", "9:17", "whole seconds" },
	{ "max_lifetime: 300s", "max_lifetime: 86401s", "9:17", "from 1s to 86400s" },
	{ "max_lifetime: 300s", "max_lifetime: 2d", "9:17", "from 1s to 86400s" },
	{ "max_lifetime: 300s", "max_lifetime: 9999999999d", "9:17", "from 1s to 86400s" },
	{ "leeway: 10s", "leeway: 11s", "10:11", "from 0s to 10s" },
	{ "leeway: 10s", "leeway: -1s", "10:11", "duration" },
	/* lists named and not empty, */
	{ "[ES256, EdDSA, PS512]", "[]", "11:15", "empty" },
	{ "[ES256, EdDSA, PS512]", "ES256", "11:15", "a list" },
	{ "[ES256, EdDSA, PS512]", "[ES256, HS256]", "11:23", "no algorithm" },
	{ "[ES256, EdDSA, PS512]", "[none]", "11:16", "no algorithm" },
	{ "[ES256, EdDSA, PS512]", "[es256]", "11:16", "no algorithm" },
	{ "[ES256, EdDSA, PS512]", "[ES256, ES256]", "11:23", "twice" },
	{ "[ES256, EdDSA, PS512]", "[[ES256]]", "11:16", "a text" },
	{ "[sha256, sha512]", "[]", "12:9", "empty" },
	{ "[sha256, sha512]", "[sha256, sha1]", "12:18", "no hash" },
	{ "[sha256, sha512]", "[sha224]", "12:10", "no hash" },
	{ "[sha256, sha512]", "[md5]", "12:10", "no hash" },
	{ "[sha256, sha512]", "[sha256, sha256]", "12:18", "twice" },
	{ "[sha256, sha512]", "[sha512]", "13:39", "CKM_SHA256_RSA_PKCS_PSS needs sha256" },
	{ "CKM_RSA_PKCS,", "CKM_RSA_X_509,", "13:25", "no mechanism" },
	{ "CKM_RSA_PKCS,", "CKM_SHA1_RSA_PKCS,", "13:25", "no mechanism" },
	{ "CKM_RSA_PKCS,", "CKM_ECDSA_SHA1,", "13:25", "no mechanism" },
	{ "CKM_RSA_PKCS,", "CKM_ECDSA,", "13:25", "twice" },
	{ "CKM_RSA_PKCS,", "0x1,", "13:25", "a text" },
	/* keys within what is safe. */
	{ "type: ed25519", "type: dsa", "19:10", "must be rsa, ec or ed25519" },
	{ "type: ed25519", "type: ed25519, bits: 255", "19:25", "one size" },
	{ "{type: ed25519}", "ed25519", "19:3", "a list of" },
	{ "bits: 2048-3071", "bits: 2047-3071", "15:21", "below 2048" },
	{ "bits: 2048-3071", "bits: 1024", "15:21", "below 2048" },
	{ "bits: 2048-3071", "bits: 2048-3072", "15:21", "crosses 3072" },
	{ "bits: 3072-4096", "bits: 3072-4097", "16:21", "up to 4096" },
	{ "bits: 3072-4096", "bits: 4096-3072", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: 3072-", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: -4096", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: 3072 - 4096", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: 03072", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: 18446744073709554688", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: \"3072\"", "16:21", "a size or a range" },
	{ "bits: 3072-4096", "bits: [3072]", "16:21", "one value" },
	{ "bits: 3072-4096", "bits: 3000", "16:3", "sign_until: RSA below 3072" },
	{ "bits: 256", "bits: 224", "17:20", "256, 384 or 521" },
	{ "bits: 256", "bits: 512", "17:20", "256, 384 or 521" },
	{ "bits: 256", "bits: 256-384", "17:20", "256, 384 or 521" },
	{ "bits: 256", "bits: 521", "18:3", "overlaps" },
	{ "bits: 3072-4096", "bits: 2500, sign_until: 2030-01-01T00:00:00Z", "16:3", "overlaps" },
	{ "- {type: ed25519}\n", "- {type: ed25519}\n- {type: ed25519}\n", "20:3", "overlaps" },
	{ "sign_until: 2030-12-31T15:00:00Z", "sign_until: 2030-12-31T15:00:01Z", "15:82", "2030-12-31T15:00:00Z" },
	{ ", sign_until: 2030-12-31T15:00:00Z", "", "15:3", "2030-12-31T15:00:00Z" },
	{ "generate_until: 2029-12-31T15:00:00Z", "generate_until: 2030-12-31T15:00:01Z", "15:48", "after sign_until" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: 2040-01-01", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: 2040-01-01T00:00:00", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: 2040-13-01T00:00:00Z", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: \"@2208988800T\"", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: 2040-01-01T00:00:00.5Z", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: never", "18:37", "date-time" },
	{ "sign_until: 2040-01-01T00:00:00+09:00", "sign_until: 2040", "18:37", "a text" },
	{ "keys:\n", "keys: []\nhidden:\n", "14:7", "empty" },
	{ "keys:\n", "keys: rsa\nhidden:\n", "14:7", "a list" },
	/* What is asked of people, */
	{ "  administrator_operator: false\n", "", "21:3", "`administrator_operator`" },
	{ "  dual_control: []\n", "", "21:3", "`dual_control`" },
	{ "  pending: 24h\n", "", "21:3", "`pending`" },
	{ "  session: 15m\n", "", "21:3", "`session`" },
	{ "  min_length: 12\n", "", "26:3", "`min_length`" },
	{ "  min_different: 5\n", "", "26:3", "`min_different`" },
	{ "  attempts: 5\n", "", "29:3", "`attempts`" },
	{ "  time: 15m\n", "", "29:3", "`time`" },
	{ "  session: 15m\n", "  session: 15m\n  hidden: 1\n", "25:3", "unknown key" },
	{ "  min_different: 5\n", "  min_different: 5\n  hidden: 1\n", "28:3", "unknown key" },
	{ "  time: 15m\n", "  time: 15m\n  hidden: 1\n", "31:3", "unknown key" },
	{ "administrator_operator: false", "administrator_operator: no", "21:27", "true or false" },
	{ "dual_control: []", "dual_control: key generate", "22:17", "a list" },
	{ "dual_control: []", "dual_control: [hidden]", "22:18", "no such act" },
	{ "dual_control: []", "dual_control: [key]", "22:18", "no such act" },
	{ "dual_control: []", "dual_control: [key generate, Key generate]", "22:32", "no such act" },
	{ "dual_control: []", "dual_control: [true]", "22:18", "a text" },
	{ "dual_control: []", "dual_control: [[key generate]]", "22:18", "a text" },
	{ "dual_control: []", "dual_control: [key generate, key generate]", "22:32", "twice" },
	{ "dual_control: []", "dual_control: [init]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [maintain]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [policy check]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [sad exchange]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [signer passwd]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [signer passwd first]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [signer add, audit list]", "22:30", "cannot wait" },
	{ "dual_control: []", "dual_control: [audit search]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [audit show]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [audit verify]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [signer show]", "22:18", "cannot wait" },
	{ "dual_control: []", "dual_control: [pending confirm]", "22:18", "cannot wait" },
	{ "pending: 24h", "pending: 59s", "23:12", "from 60s to 604800s" },
	{ "pending: 24h", "pending: 8d", "23:12", "from 60s to 604800s" },
	{ "pending: 24h", "pending: 24", "23:12", "duration" },
	{ "pending: 24h", "pending: 9999999999d", "23:12", "from 60s to 604800s" },
	{ "session: 15m", "session: 59s", "24:12", "from 60s to 3600s" },
	{ "session: 15m", "session: 61m", "24:12", "from 60s to 3600s" },
	{ "session: 15m", "session: 60001ms", "24:12", "whole seconds" },
	{ "session: 15m", "session: 0", "24:12", "from 60s" },
	{ "min_length: 12", "min_length: 7", "26:15", "from 8 to 64" },
	{ "min_length: 12", "min_length: 65", "26:15", "from 8 to 64" },
	{ "min_length: 12", "min_length: \"12\"", "26:15", "from 8 to 64" },
	{ "min_length: 12", "min_length: -12", "26:15", "from 8 to 64" },
	{ "min_different: 5", "min_different: 2", "27:18", "from 3 to 16" },
	{ "min_different: 5", "min_different: 17", "27:18", "from 3 to 16" },
	{ "attempts: 5", "attempts: 0", "29:13", "from 1 to 10" },
	{ "attempts: 5", "attempts: 11", "29:13", "from 1 to 10" },
	{ "attempts: 5", "attempts: 4294967301", "29:13", "from 1 to 10" },
	{ "  time: 15m", "  time: 59s", "30:9", "from 60s to 86400s" },
	{ "  time: 15m", "  time: 25h", "30:9", "from 60s to 86400s" },
	/* and what YAML can and we do not take. */
	{ "verify: true", "verify: &hidden true", "6:11", "anchors" },
	{ "verify: true", "verify: !!bool true", "6:11", "tags" },
	{ "level: 1", "level: \"hidden\\0\"", "2:8", "control" },
};

START_TEST(other_policies_are_refused)
{
	change(refused[_i].from, refused[_i].to);
	assert_refused(refused[_i].place, refused[_i].why);
}
END_TEST

START_TEST(sections_must_be_there_and_of_their_kind)
{
	static const struct {
		const char *key, *why, *scalar, *place, *kind;
	} sections[] = {
		{ "signing:", "`signing`", "signing: 1\nhidden:", "3:10", "signing: must be a map" },
		{ "sap:", "`sap`", "sap: [1]\nhidden:", "8:6", "sap: must be a map" },
		{ "mechanisms:", "`mechanisms`", "mechanisms: {a: 1}\nhidden:", "13:13", "must be a list" },
		{ "keys:", "`keys`", "keys: {a: 1}\nhidden:", "14:7", "must be a list" },
		{ "roles:", "`roles`", "roles: 1\nhidden:", "20:8", "roles: must be a map" },
		{ "passwords:", "`passwords`", "passwords: []\nhidden:", "25:12", "passwords: must be a map" },
		{ "lockout:", "`lockout`", "lockout: true\nhidden:", "28:10", "lockout: must be a map" },
	};

	change(sections[_i].key, "hidden:");
	assert_refused("1:1", sections[_i].why);
	start();
	change(sections[_i].key, sections[_i].scalar);
	assert_refused(sections[_i].place, sections[_i].kind);
}
END_TEST

START_TEST(more_than_sixteen_key_rules_are_refused)
{
	char rule[64];

	change("- {type: rsa, bits: 3072-4096}\n", "");
	for (int i = 0; i < SAM_POLICY_KEY_RULES - 4; i++) {
		snprintf(rule, sizeof rule, "- {type: rsa, bits: %d}\nroles:\n", 3072 + i);
		change("roles:\n", rule);
	}
	ck_assert_uint_eq(parsed().key_count, SAM_POLICY_KEY_RULES);
	change("roles:\n", "- {type: rsa, bits: 4096}\nroles:\n");
	assert_refused("31:3", "more than 16");
}
END_TEST

/* What level 1 allows and levels 2 and 3 do not. */
static const struct {
	const char *from, *to, *place, *why;
} baseline[] = {
	{ "authorisation: sad", "authorisation: login", "4:18", "level 1 only" },
	{ "verify: true", "verify: false", "6:11", "cannot be switched off" },
	{ "max_lifetime: 300s", "max_lifetime: 301s", "9:17", "from 1s to 300s" },
	{ "max_lifetime: 300s", "max_lifetime: 3600s", "9:17", "from 1s to 300s" },
	{ "session: 15m", "session: 901s", "24:12", "from 60s to 900s" },
	{ "min_length: 12", "min_length: 11", "26:15", "from 12 to 64" },
};

/* With what levels 2 and 3 ask for besides; once for each text. */
static void set_level(int level)
{
	char line[16];

	snprintf(line, sizeof line, "level: %d\n", level);
	change("level: 1\n", line);
	if (level == 1)
		return;
	strcat(text, "cms:\n- {manufacturer: Example, model: HSM, scheme: CC, certificate: \"1\", "
		     "expires: 2035-01-01T00:00:00Z}\n");
	if (level == 3)
		strcat(text, "schemes: [CC]\n");
}

START_TEST(policy_may_only_tighten_its_level)
{
	change(baseline[_i].from, baseline[_i].to);
	ck_assert_uint_eq(parsed().level, 1);
	for (int level = 2; level <= 3; level++) {
		start();
		set_level(level);
		ck_assert_uint_eq(parsed().level, (unsigned)level);
		change(baseline[_i].from, baseline[_i].to);
		assert_refused(baseline[_i].place, baseline[_i].why);
	}
}
END_TEST

START_TEST(baseline_of_every_level_holds_for_keys_and_mechanisms)
{
	set_level(_i);
	change("bits: 2048-3071", "bits: 1024");
	assert_refused("15:21", "below 2048");
	start();
	set_level(_i);
	change(", sign_until: 2030-12-31T15:00:00Z", ", sign_until: 2031-01-01T00:00:00Z");
	assert_refused("15:82", "2030-12-31T15:00:00Z");
	start();
	set_level(_i);
	change("CKM_RSA_PKCS,", "CKM_RSA_X_509,");
	assert_refused("13:25", "no mechanism");
	start();
	set_level(_i);
	change("leeway: 10s", "leeway: 11s");
	assert_refused("10:11", "from 0s to 10s");
}
END_TEST

/* ---- files ---- */

static void shipped_path(char *path, size_t size, int level)
{
	const char *top = getenv("SAM_SRCDIR");

	snprintf(path, size, "%s/policy/level%d.yaml", top ? top : ".", level);
}

START_TEST(shipped_policies_load)
{
	const struct sam_policy_cm *cm;
	struct sam_msg msg = { "" };
	struct sam_policy p;
	char path[PATH_MAX];
	size_t n = 0;

	shipped_path(path, sizeof path, _i);
	ck_assert_msg(sam_policy_load(path, &p, &msg) == SAM_OK, "%s", msg.text);
	ck_assert_uint_eq(p.level, (unsigned)_i);
	ck_assert_str_eq(p.path, path);
	ck_assert_int_eq(p.authorisation, SAM_AUTHORISE_SAD);
	ck_assert(p.always_authenticate && p.verify && !p.curve_below_hash);
	ck_assert_int_eq(p.max_lifetime, _i == 1 ? 3600 : 300);
	ck_assert_int_eq(p.leeway, 10);
	while (sam_mechanism_at(n))
		n++;
	ck_assert_uint_eq(p.mechanism_count, n);
	for (int i = 1; i < SAM_HASH_COUNT; i++)
		ck_assert(p.hashes[i]);
	for (int i = 1; i < SAM_JWS_ALGS; i++)
		ck_assert(p.sad_algorithms[i]);
	ck_assert_int_eq(p.keys[0].sign_until, at("2031-01-01T00:00:00+09:00"));
	ck_assert_int_eq(p.keys[0].generate_until, at("2031-01-01T00:00:00+09:00"));
	ck_assert_uint_eq(p.key_count, 6);
	ck_assert(!p.administrator_operator);
	ck_assert_uint_eq(p.password_min, _i == 1 ? 8 : 12);
	ck_assert_uint_eq(p.lockout_attempts, 5);
	/* not silently with the CM that is for tests */
	ck_assert_int_eq(sam_policy_cm(&p, "SoftHSM project", "SoftHSM v2", "2.6", at("2026-11-23T00:00:00Z"), &cm),
			 _i == 1 ? SAM_OK : SAM_CM_UNAPPROVED);
	ck_assert_ptr_null(cm);
	ck_assert(p.require_sync == (_i != 1) && p.certificate_required == (_i != 1));
	ck_assert(p.import == (_i != 3));
}
END_TEST

START_TEST(file_that_cannot_be_read_is_refused)
{
	char path[] = "/tmp/sam-policy-XXXXXX";
	struct sam_msg msg = { "" };
	struct sam_policy p;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (1 << 20) + 1), 0);
	close(fd);
	ck_assert_int_eq(sam_policy_load(path, &p, &msg), SAM_POLICY);
	ck_assert_ptr_nonnull(strstr(msg.text, path));
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(sam_policy_load(path, &p, &msg), SAM_POLICY);
	ck_assert_ptr_nonnull(strstr(msg.text, ":1:1: the file is empty"));
	unlink(path);
	ck_assert_int_eq(sam_policy_load(path, &p, &msg), SAM_POLICY);
	ck_assert_ptr_nonnull(strstr(msg.text, path));
	ck_assert_int_eq(sam_policy_load("/tmp", &p, &msg), SAM_POLICY);
	ck_assert_uint_eq(p.level, 0);
}
END_TEST

START_TEST(path_that_is_too_long_is_refused)
{
	char path[PATH_MAX + 1];
	struct sam_policy p;

	memset(path, 'p', sizeof path);
	path[PATH_MAX] = '\0';
	ck_assert_int_eq(sam_policy_parse(path, text, strlen(text), &p, NULL), SAM_POLICY);
	ck_assert_uint_eq(p.level, 0);
}
END_TEST

/* ---- answers ---- */

static struct sam_scheme scheme(CK_MECHANISM_TYPE type, enum sam_hash hash)
{
	return (struct sam_scheme){ sam_mechanism_find(type), hash };
}

static enum sam_reason may_sign(const struct sam_policy *p, CK_MECHANISM_TYPE type, enum sam_hash hash,
				enum sam_key_type key, unsigned bits, const char *time)
{
	struct sam_scheme s = scheme(type, hash);

	return sam_policy_may_sign(p, &s, key, bits, at(time));
}

#define NOW "2026-11-23T00:00:00Z"

START_TEST(allowed_signatures_are_allowed)
{
	struct sam_policy p = parsed();

	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 2048, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_SHA256, SAM_KEY_RSA, 3072, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 4096, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_SHA256_RSA_PKCS_PSS, SAM_HASH_SHA256, SAM_KEY_RSA, 3072, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 521, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_EDDSA, SAM_HASH_NONE, SAM_KEY_ED25519, 255, NOW), SAM_OK);
}
END_TEST

START_TEST(other_mechanisms_and_keys_are_not_allowed)
{
	struct sam_policy p = parsed();
	struct sam_scheme none = { NULL, SAM_HASH_NONE };

	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS_PSS, SAM_HASH_SHA256, SAM_KEY_RSA, 3072, NOW), SAM_MECHANISM);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA_SHA256, SAM_HASH_SHA256, SAM_KEY_EC, 256, NOW), SAM_MECHANISM);
	ck_assert_int_eq(sam_policy_may_sign(&p, &none, SAM_KEY_RSA, 3072, at(NOW)), SAM_MECHANISM);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_RSA, 3072, NOW), SAM_KEY_TYPE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_KEY_TYPE);
	ck_assert_int_eq(may_sign(&p, CKM_EDDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_KEY_TYPE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 2047, NOW), SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 4097, NOW), SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 0, NOW), SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 384, NOW), SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_EDDSA, SAM_HASH_NONE, SAM_KEY_ED25519, 456, NOW), SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_SHA384, SAM_KEY_RSA, 3072, NOW), SAM_HASH_FORBIDDEN);
}
END_TEST

START_TEST(signing_ends_at_its_date)
{
	struct sam_policy p = parsed();

	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 2048, "2031-01-01T00:00:00+09:00"),
			 SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3071, "2030-12-31T15:00:00Z"),
			 SAM_KEY_SIZE);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3071, "2030-12-31T14:59:59Z"),
			 SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3072, "2090-01-01T00:00:00Z"),
			 SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 521, "2039-12-31T14:59:59Z"), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 521, "2039-12-31T15:00:00Z"),
			 SAM_KEY_SIZE);
}
END_TEST

START_TEST(generating_ends_at_its_date)
{
	struct sam_policy p = parsed();
	int64_t end = at("2029-12-31T15:00:00Z");

	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 2048, end - 1), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 2048, end), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 3072, end), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 1024, 0), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 4097, 0), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 256, end), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 384, end), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 521, at("2040-01-01T00:00:00Z")), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_ED25519, 255, end), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, (enum sam_key_type)9, 255, end), SAM_KEY_SIZE);
}
END_TEST

START_TEST(hashes_are_those_of_the_policy_and_the_mechanism)
{
	struct sam_policy p = parsed();
	struct sam_scheme s = scheme(CKM_RSA_PKCS, SAM_HASH_NONE);

	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA256, 3072, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 3072, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA384, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_NONE, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_COUNT, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, (enum sam_hash)-1, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
	s = scheme(CKM_SHA256_RSA_PKCS_PSS, SAM_HASH_SHA256);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA256, 3072, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
	s.mechanism = NULL;
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA256, 3072, at(NOW)), SAM_HASH_FORBIDDEN);
}
END_TEST

START_TEST(hash_longer_than_the_curve_needs_the_policy)
{
	struct sam_policy p;
	struct sam_scheme s = scheme(CKM_ECDSA, SAM_HASH_NONE);
	struct sam_scheme hashed = scheme(CKM_ECDSA_SHA512, SAM_HASH_SHA512);

	change("[sha256, sha512]", "[sha256, sha384, sha512]");
	change("CKM_ECDSA,", "CKM_ECDSA, CKM_ECDSA_SHA512,");
	p = parsed();
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA256, 256, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA384, 256, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA384, 384, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 384, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 521, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA256, 521, at(NOW)), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &hashed, SAM_HASH_SHA512, 256, at(NOW)), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA_SHA512, SAM_HASH_SHA512, SAM_KEY_EC, 256, NOW), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA_SHA512, SAM_HASH_SHA512, SAM_KEY_EC, 521, NOW), SAM_OK);
	change("curve_below_hash: false", "curve_below_hash: true");
	p = parsed();
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 256, at(NOW)), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA_SHA512, SAM_HASH_SHA512, SAM_KEY_EC, 256, NOW), SAM_OK);
	/* Ed25519 hashes the message itself: the SAD's hash is cut nowhere */
	s = scheme(CKM_EDDSA, SAM_HASH_NONE);
	change("curve_below_hash: true", "curve_below_hash: false");
	p = parsed();
	ck_assert_int_eq(sam_policy_may_hash(&p, &s, SAM_HASH_SHA512, 255, at(NOW)), SAM_OK);
}
END_TEST

START_TEST(every_level_signs)
{
	struct sam_policy p;

	set_level(_i);
	p = parsed();
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3072, NOW), SAM_OK);
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_OK);
	p.level = 4;
	ck_assert_int_eq(may_sign(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_LEVEL_MISSING);
}
END_TEST

/* P1-T3.5, P1-3.5.2: each set of kinds against each level as shipped, and level 1 made stricter. */
START_TEST(factors_by_levels)
{
	enum { P = SAM_FACTOR_POSSESSION, K = SAM_FACTOR_KNOWLEDGE, A = SAM_FACTOR_ASSERTED };
	static const struct {
		unsigned kinds;
		bool at[4];  /* level 1; level 1 with factors: 2; level 2; level 3 */
		bool without_asserted; /* level 1, kinds: [possession, knowledge] */
	} rows[] = {
		{ 0, { false, false, false, false }, false },
		{ P, { true, false, false, false }, true },
		{ K, { true, false, false, false }, true },
		{ A, { true, false, false, false }, false },
		{ P | K, { true, true, true, true }, true },
		{ P | A, { true, true, true, true }, true },
		{ K | A, { true, true, false, false }, true },
		{ P | K | A, { true, true, true, true }, true },
	};

	for (int column = 0; column < 4; column++) {
		struct sam_policy p;

		start();
		set_level(column < 1 ? 1 : column);
		p = parsed();
		p.factors = column == 1 ? 2 : p.factors;
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			ck_assert_msg(sam_policy_factors(&p, rows[i].kinds) == (rows[i].at[column] ? SAM_OK : SAM_FACTORS),
				      "kinds %u, column %d", rows[i].kinds, column);
	}
	start();
	struct sam_policy p = parsed();
	p.kinds = P | K;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_int_eq(sam_policy_factors(&p, rows[i].kinds), rows[i].without_asserted ? SAM_OK : SAM_FACTORS);
	memset(&p, 0, sizeof p); /* no policy: no */
	ck_assert_int_eq(sam_policy_factors(&p, P | K | A), SAM_FACTORS);
}
END_TEST

START_TEST(policy_that_was_never_loaded_allows_nothing)
{
	struct sam_policy p;

	memset(&p, 0, sizeof p);
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3072, NOW), SAM_LEVEL_MISSING);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_RSA, 3072, at(NOW)), SAM_KEY_SIZE);
	p.level = 1;
	ck_assert_int_eq(may_sign(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 3072, NOW), SAM_MECHANISM);
}
END_TEST

START_TEST(statements_name_what_is_weaker)
{
	struct sam_policy p = parsed();

	ck_assert_ptr_null(sam_policy_statement(&p, 0));
	change("authorisation: sad", "authorisation: login");
	change("verify: true", "verify: false");
	change("curve_below_hash: false", "curve_below_hash: true");
	p = parsed();
	ck_assert_ptr_nonnull(strstr(sam_policy_statement(&p, 0), "login"));
	ck_assert_ptr_nonnull(strstr(sam_policy_statement(&p, 1), "without being verified"));
	ck_assert_ptr_nonnull(strstr(sam_policy_statement(&p, 2), "ECDSA"));
	ck_assert_ptr_null(sam_policy_statement(&p, 3));
	change("administrator_operator: false", "administrator_operator: true");
	p = parsed();
	ck_assert_ptr_nonnull(strstr(sam_policy_statement(&p, 3), "administrator and operator"));
	start();
	set_level(2);
	p = parsed();
	ck_assert_ptr_null(sam_policy_statement(&p, 0));
	start();
	set_level(3);
	change("curve_below_hash: false", "curve_below_hash: true");
	p = parsed();
	ck_assert_str_eq(sam_policy_statement(&p, 0), "level 3 rules, SAM not evaluated");
	ck_assert_ptr_nonnull(strstr(sam_policy_statement(&p, 1), "ECDSA"));
	ck_assert_ptr_null(sam_policy_statement(&p, 2));
}
END_TEST

START_TEST(second_persons_are_those_of_the_table_and_the_policy)
{
	struct sam_policy p = parsed();

	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_KEY_GENERATE), 0);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_SIGNER_SUSPEND), 0);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_SIGNER_RESUME), SAM_OFFICER);
	change("dual_control: []", "dual_control: [\"key generate\", signer suspend, authenticator first, cm enable]");
	p = parsed();
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_KEY_GENERATE), SAM_OFFICER);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_SIGNER_SUSPEND), SAM_OFFICER);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_SIGNER_ADD), 0);
	/* the table's own stay what they are */
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_AUTHENTICATOR_FIRST), SAM_OFFICER | SAM_RA);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_CM_ENABLE), SAM_PRIVILEGED);
	ck_assert_uint_eq(sam_policy_second(&p, SAM_ACT_COUNT), SAM_OFFICER);
	for (unsigned act = 0; act < SAM_ACT_COUNT; act++)
		ck_assert(!p.dual_control[act] || sam_act_may_wait((enum sam_act)act));
}
END_TEST

static Suite *policy_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *reading = tcase_create("reading"), *answers = tcase_create("answers");

	tcase_add_checked_fixture(reading, start, NULL);
	tcase_add_checked_fixture(answers, start, NULL);
	tcase_add_test(reading, policy_is_read);
	tcase_add_test(reading, policy_is_known_by_its_sha256);
	tcase_add_test(reading, level_one_may_be_loose);
	tcase_add_loop_test(reading, other_policies_are_refused, 0, sizeof refused / sizeof refused[0]);
	tcase_add_loop_test(reading, sections_must_be_there_and_of_their_kind, 0, 7);
	tcase_add_test(reading, more_than_sixteen_key_rules_are_refused);
	tcase_add_loop_test(reading, policy_may_only_tighten_its_level, 0,
			     sizeof baseline / sizeof baseline[0]);
	tcase_add_loop_test(reading, baseline_of_every_level_holds_for_keys_and_mechanisms, 1, 4);
	tcase_add_loop_test(reading, shipped_policies_load, 1, 4);
	tcase_add_test(reading, file_that_cannot_be_read_is_refused);
	tcase_add_test(reading, path_that_is_too_long_is_refused);
	tcase_add_test(answers, allowed_signatures_are_allowed);
	tcase_add_test(answers, other_mechanisms_and_keys_are_not_allowed);
	tcase_add_test(answers, signing_ends_at_its_date);
	tcase_add_test(answers, generating_ends_at_its_date);
	tcase_add_test(answers, hashes_are_those_of_the_policy_and_the_mechanism);
	tcase_add_test(answers, hash_longer_than_the_curve_needs_the_policy);
	tcase_add_loop_test(answers, every_level_signs, 1, 4);
	tcase_add_test(answers, factors_by_levels);
	tcase_add_test(answers, policy_that_was_never_loaded_allows_nothing);
	tcase_add_test(answers, statements_name_what_is_weaker);
	tcase_add_test(answers, second_persons_are_those_of_the_table_and_the_policy);
	suite_add_tcase(suite, reading);
	suite_add_tcase(suite, answers);
	return suite;
}

SAM_UNIT_MAIN(policy_suite)
