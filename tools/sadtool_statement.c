/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool enrol, assert, policy, prove: the statements beside SADs. A JWS each, for one SAM, short-lived, taken once.
 */
#include "tools/sadtool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/encode.h"
#include "policy/policy.h"
#include "sap/proof.h"
#include "sap/statement.h"

static const char enrol_usage[] =
	"usage: sadtool enrol --key PRIVATE.jwk --signer ID --aud SAM_ID [OPTION]...\n\n"
	"Prove the possession of a device key that shall be enrolled for a signer, and print\n"
	"what `samctl authenticator add --proof` takes.\n\n"
	"  --key FILE           the device's private JWK; its public part goes along\n"
	"  --signer ID          for whom it shall be enrolled\n"
	"  --aud SAM_ID         the SAM: its sam_id\n"
	"  --lifetime SECONDS   until it expires; 86400 if not given, which is the most\n"
	"  --json               print one JSON object instead\n";

static const char assert_usage[] =
	"usage: sadtool assert --key PRIVATE.jwk --name PRINCIPAL --aud SAM_ID [OPTION]...\n"
	"                      -- VERB [ARGUMENT]...\n\n"
	"Assert one act of samctl, and print what its --assertion takes: once, for exactly these\n"
	"words and for the files that they name as they are now.\n\n"
	"  --key FILE           the principal's private JWK\n"
	"  --name PRINCIPAL     who acts\n"
	"  --aud SAM_ID         the SAM: its sam_id\n"
	"  --lifetime SECONDS   until it expires; 120 if not given\n"
	"  --json               print one JSON object instead\n\n"
	"VERB and what follows it are samctl's command line without --as, --second, their sources,\n"
	"--config and --json.\n";

static const char policy_usage[] =
	"usage: sadtool policy --key PRIVATE.jwk --name OFFICER --aud SAM_ID --policy FILE\n"
	"                      --config FILE [OPTION]...\n\n"
	"Sign a policy and the configuration that it goes with, and print what\n"
	"`samctl policy sign --assertion` takes.\n\n"
	"  --key FILE           the security officer's private JWK\n"
	"  --name OFFICER       who signs\n"
	"  --aud SAM_ID         the SAM: its sam_id\n"
	"  --policy FILE        the policy; it is checked first, and its version goes along\n"
	"  --config FILE        the configuration\n"
	"  --lifetime SECONDS   until it expires; 300 if not given\n"
	"  --json               print one JSON object instead\n";

static const char prove_usage[] =
	"usage: sadtool prove --key PRIVATE.jwk --sad FILE --aud SAM_ID [OPTION]...\n\n"
	"Prove the possession of the key that a SAD names in `cnf`, over this SAD, and print\n"
	"what is presented behind it and a `~`.\n\n"
	"  --key FILE           the private JWK of the key in `cnf`\n"
	"  --sad FILE           the SAD; `-`: from standard input\n"
	"  --aud SAM_ID         the SAM: its sam_id\n"
	"  --lifetime SECONDS   until it expires; 300 if not given, which is the most\n"
	"  --join               print SAD~PROOF, the whole PIN\n"
	"  --json               print one JSON object instead\n";

struct statement {
	const char *verb, *typ;
	const char *role; /* the claim that names who: `iss` or `sub`; NULL: none */
	const char *key, *name, *audience, *policy, *config, *sad;
	int64_t lifetime;
	bool json, help, join;
	struct sam_secret sad_text; /* what it is about */
	struct sadtool_signer signer;
};

static int read_options(struct statement *s, int argc, char *argv[], const struct option *options, const char *usage)
{
	int c;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			s->key = optarg;
			break;
		case 'n':
			s->name = optarg;
			break;
		case 'a':
			s->audience = optarg;
			break;
		case 'p':
			s->policy = optarg;
			break;
		case 'c':
			s->config = optarg;
			break;
		case 't':
			if (!sadtool_number(optarg, SADTOOL_LIFETIME_MAX, &s->lifetime))
				return sadtool_misuse("--lifetime", "`%s` is no number of seconds from 1 to %d", optarg,
						      SADTOOL_LIFETIME_MAX);
			break;
		case 's':
			s->sad = optarg;
			break;
		case 'J':
			s->join = true;
			break;
		case 'j':
			s->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			s->help = true;
			return SADTOOL_OK;
		default:
			return sadtool_bad_option(s->verb, argv);
		}
	}
	return SADTOOL_OK;
}

static int too_many(const struct statement *s, int argc, char *argv[])
{
	return optind < argc ? sadtool_misuse(s->verb, "`%s` is one argument too many", argv[optind]) : SADTOOL_OK;
}

/* ---- signing ---- */

static json_t *claims_of(const struct statement *s)
{
	char jti[SADTOOL_JTI + 1];
	int64_t now = sam_clock_now();
	if (!sadtool_jti(jti))
		return NULL;
	json_t *claims = json_pack("{s:s,s:I,s:I,s:s}", "aud", s->audience, "iat", (json_int_t)now, "exp",
				   (json_int_t)(now + s->lifetime), "jti", jti);
	if (claims && s->role && json_object_set_new(claims, s->role, json_string(s->name)) != 0) {
		json_decref(claims);
		return NULL;
	}
	return claims;
}

static int print(const struct statement *s, const json_t *claims, const char *jws)
{
	sam_auto(sam_free) char *pin = NULL;
	if (s->join && asprintf(&pin, "%s~%s", (const char *)s->sad_text.data, jws) < 0)
		return sadtool_fail(s->verb, "out of memory");
	if (!s->json) {
		puts(pin ? pin : jws);
		return SADTOOL_OK;
	}
	sam_auto(json_decref) json_t *json =
		json_pack("{s:s,s:O,s:O,s:s*}", "jws", jws, "jti", json_object_get(claims, "jti"), "exp",
			  json_object_get(claims, "exp"), "pin", pin);
	if (!json || (s->role && json_object_set_new(json, s->role, json_string(s->name)) != 0))
		return sadtool_fail(s->verb, "out of memory");
	return sadtool_print_json(json) ? SADTOOL_OK : sadtool_fail(s->verb, "out of memory");
}

/* ${more}: claims of this kind alone; NULL: they could not be made. */
static int sign(struct statement *s, json_t *more)
{
	bool keyed = strcmp(s->verb, "enrol") == 0; /* who verifies does not know the key yet */
	sam_auto(json_decref) json_t *header =
		json_pack("{s:s,s:s*,s:O*}", "typ", s->typ, "kid", keyed ? NULL : s->signer.kid, "jwk",
			  keyed ? s->signer.public : NULL);
	sam_auto(json_decref) json_t *claims = claims_of(s);
	if (!header || !claims || !more || json_object_update(claims, more) != 0)
		return sadtool_fail(s->verb, "the claims cannot be made: out of memory, or text that is no UTF-8");
	sam_auto(sam_free) char *payload = json_dumps(claims, JSON_COMPACT);
	sam_auto(sam_free) char *jws = NULL;
	enum sam_reason reason = SAM_MEMORY;
	if (payload)
		reason = sam_jose_sign(header, payload, strlen(payload), s->signer.pkey, s->signer.alg, &jws);
	return reason == SAM_OK ? print(s, claims, jws)
				: sadtool_fail(s->verb, "it cannot be signed: %s", sam_reason_text(reason));
}

/* ---- enrol ---- */

static const struct option enrol_options[] = {
	{"key", required_argument, NULL, 'k'},      {"signer", required_argument, NULL, 'n'},
	{"aud", required_argument, NULL, 'a'},      {"lifetime", required_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},           {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

int sadtool_enrol(int argc, char *argv[])
{
	struct statement s = {.verb = "enrol", .typ = SAM_TYP_ENROL, .role = "sub", .lifetime = 86400};
	int status = read_options(&s, argc, argv, enrol_options, enrol_usage);
	if (status != SADTOOL_OK || s.help)
		return status;
	if ((status = too_many(&s, argc, argv)) != SADTOOL_OK)
		return status;
	if (!s.key || !s.name || !s.audience)
		return sadtool_misuse("enrol", "--key, --signer and --aud are needed");
	sam_auto(json_decref) json_t *none = json_object();
	status = sadtool_signer_load(s.key, &s.signer);
	if (status == SADTOOL_OK)
		status = sign(&s, none);
	sadtool_signer_clear(&s.signer);
	return status;
}

/* ---- assert ---- */

static const struct option assert_options[] = {
	{"key", required_argument, NULL, 'k'},      {"name", required_argument, NULL, 'n'},
	{"aud", required_argument, NULL, 'a'},      {"lifetime", required_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},           {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Which says how samctl is told who acts, not what is done: with it the words would never be samctl's. */
static const char *stray(char *const words[], int count)
{
	static const char *const names[] = {"--as", "--pin-source", "--assertion", "--config", "--json", "--second",
					    "--second-pin-source", "--second-assertion"};
	for (int i = 0; i < count; i++)
		for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
			size_t len = strlen(names[n]);
			if (strncmp(words[i], names[n], len) == 0 && (words[i][len] == '\0' || words[i][len] == '='))
				return words[i];
		}
	return NULL;
}

static json_t *words_json(char *const words[], int count)
{
	json_t *list = json_array();
	for (int i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_string(words[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Every word, and what follows the = of an option, that names a file, with its hash: which of them samctl reads is
 * for samctl to know. */
static int hash_files(char *const words[], int count, json_t *files)
{
	for (int i = 0; i < count; i++) {
		const char *equals = strncmp(words[i], "--", 2) == 0 ? strchr(words[i], '=') : NULL;
		const char *path = equals ? equals + 1 : words[i];
		struct stat st;
		uint8_t hash[32];
		char hex[65];
		if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		int status = sadtool_hash_file(path, SAM_HASH_SHA256, hash);
		if (status != SADTOOL_OK)
			return status;
		sam_encode_hex(hash, sizeof hash, hex);
		if (json_object_set_new(files, path, json_string(hex)) != 0)
			return sadtool_fail(path, "out of memory, or a name that is no UTF-8");
	}
	return SADTOOL_OK;
}

int sadtool_assert(int argc, char *argv[])
{
	struct statement s = {.verb = "assert", .typ = SAM_TYP_ACT, .role = "iss", .lifetime = 120};
	int status = read_options(&s, argc, argv, assert_options, assert_usage);
	if (status != SADTOOL_OK || s.help)
		return status;
	char *const *words = argv + optind;
	int count = argc - optind;
	if (!s.key || !s.name || !s.audience)
		return sadtool_misuse("assert", "--key, --name and --aud are needed");
	if (count == 0)
		return sadtool_misuse("assert", "what is asserted? The verb of samctl and its arguments follow --");
	if (stray(words, count))
		return sadtool_misuse("assert", "`%s` is not part of the act: leave it out", stray(words, count));
	sam_auto(json_decref) json_t *files = json_object();
	status = hash_files(words, count, files);
	if (status == SADTOOL_OK)
		status = sadtool_signer_load(s.key, &s.signer);
	sam_auto(json_decref)
		json_t *more = json_pack("{s:o,s:O}", "act", words_json(words, count), "files", files);
	if (status == SADTOOL_OK)
		status = sign(&s, more);
	sadtool_signer_clear(&s.signer);
	return status;
}

/* ---- policy ---- */

static const struct option policy_options[] = {
	{"key", required_argument, NULL, 'k'},      {"name", required_argument, NULL, 'n'},
	{"aud", required_argument, NULL, 'a'},      {"policy", required_argument, NULL, 'p'},
	{"config", required_argument, NULL, 'c'},   {"lifetime", required_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},           {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int sign_policy(struct statement *s)
{
	struct sam_policy policy;
	struct sam_msg msg = {""};
	uint8_t hash[32];
	char policy_hex[65], config_hex[65];
	if (sam_policy_load(s->policy, &policy, &msg) != SAM_OK)
		return sadtool_fail("--policy", "%s", msg.text);
	int status = sadtool_hash_file(s->config, SAM_HASH_SHA256, hash);
	if (status != SADTOOL_OK)
		return status;
	sam_encode_hex(policy.sha256, sizeof policy.sha256, policy_hex);
	sam_encode_hex(hash, sizeof hash, config_hex);
	sam_auto(json_decref) json_t *more =
		json_pack("{s:I,s:s,s:s}", "version", (json_int_t)policy.version, "policy_sha256", policy_hex,
			  "config_sha256", config_hex);
	status = sadtool_signer_load(s->key, &s->signer);
	return status == SADTOOL_OK ? sign(s, more) : status;
}

int sadtool_policy(int argc, char *argv[])
{
	struct statement s = {.verb = "policy", .typ = SAM_TYP_POLICY, .role = "iss", .lifetime = 300};
	int status = read_options(&s, argc, argv, policy_options, policy_usage);
	if (status != SADTOOL_OK || s.help)
		return status;
	if ((status = too_many(&s, argc, argv)) != SADTOOL_OK)
		return status;
	if (!s.key || !s.name || !s.audience || !s.policy || !s.config)
		return sadtool_misuse("policy", "--key, --name, --aud, --policy and --config are needed");
	status = sign_policy(&s);
	sadtool_signer_clear(&s.signer);
	return status;
}

/* ---- prove ---- */

static const struct option prove_options[] = {
	{"key", required_argument, NULL, 'k'},      {"sad", required_argument, NULL, 's'},
	{"aud", required_argument, NULL, 'a'},      {"lifetime", required_argument, NULL, 't'},
	{"join", no_argument, NULL, 'J'},           {"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

/* What the proof is over is the SAD's own text, without the line's end. */
static int read_sad(struct statement *s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	struct sam_secret *sad = &s->sad_text;
	if (!sadtool_read(s->sad, SAM_JWS_MAX + 2, sad))
		return SADTOOL_FAILED;
	while (sad->len && (sad->data[sad->len - 1] == '\n' || sad->data[sad->len - 1] == '\r'))
		sad->data[--sad->len] = '\0';
	if (!sad->len || strspn((const char *)sad->data, alphabet) != sad->len)
		return sadtool_fail(s->sad, "is no SAD, a compact JWS");
	return SADTOOL_OK;
}

static int prove(struct statement *s)
{
	uint8_t hash[32];
	char ath[44];
	int status = read_sad(s);
	if (status == SADTOOL_OK)
		status = sadtool_signer_load(s->key, &s->signer);
	if (status != SADTOOL_OK)
		return status;
	if (sam_ossl_digest(SAM_HASH_SHA256, s->sad_text.data, s->sad_text.len, hash) != SAM_OK)
		return sadtool_fail("prove", "it cannot be hashed");
	sam_encode_b64url(hash, sizeof hash, ath);
	sam_auto(json_decref) json_t *more = json_pack("{s:s}", "ath", ath);
	return sign(s, more);
}

int sadtool_prove(int argc, char *argv[])
{
	struct statement s = {.verb = "prove", .typ = SAM_TYP_PROOF, .lifetime = SAM_PROOF_S};
	int status = read_options(&s, argc, argv, prove_options, prove_usage);
	if (status != SADTOOL_OK || s.help)
		return status;
	if ((status = too_many(&s, argc, argv)) != SADTOOL_OK)
		return status;
	if (!s.key || !s.sad || !s.audience)
		return sadtool_misuse("prove", "--key, --sad and --aud are needed");
	status = prove(&s);
	sam_secret_clear(&s.sad_text);
	sadtool_signer_clear(&s.signer);
	return status;
}
