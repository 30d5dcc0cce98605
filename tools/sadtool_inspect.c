/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool inspect: what a SAD, or another of the JWS that sadtool makes, says, for people; with --key also whether
 * it says so rightly.
 */
#include "tools/sadtool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/encode.h"

static const char usage[] =
	"usage: sadtool inspect FILE|- [--key PUBLIC.jwk] [--json]\n\n"
	"Show header and claims of a SAD and its times, or of what enrol, assert, policy and\n"
	"prove made.\n"
	"Verifies the signature with --key, and nothing else. Of an encrypted one the header.\n\n"
	"  --key FILE         the device's JWK: exit status 1 if the signature is not its own\n"
	"  --json             print one JSON object instead\n";

static const char *state_of(const json_t *claims)
{
	int64_t now = sam_clock_now();
	const json_t *exp = json_object_get(claims, "exp"), *iat = json_object_get(claims, "iat");
	const json_t *nbf = json_object_get(claims, "nbf");
	if (!json_is_integer(exp) || !json_is_integer(iat))
		return "without its times";
	if (json_integer_value(exp) <= now)
		return "expired";
	return json_integer_value(iat) > now || json_integer_value(nbf) > now ? "not yet valid"
									      : "valid now";
}

static void print_time(const char *name, const json_t *value)
{
	const json_int_t year_10000 = 253402300800;
	char text[SAM_CLOCK_TEXT];
	json_int_t seconds = json_integer_value(value);
	if (!json_is_integer(value) || seconds < 0 || seconds >= year_10000)
		return;
	sam_clock_text(seconds * 1000000, text);
	printf("%-10s %.19sZ\n", name, text);
}

/* jansson escapes what is below U+0020; DEL and U+0080 to U+009F could steer a terminal as well. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text == 0x7f)
			*text = '?';
		else if ((uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0)
			text[0] = text[1] = '?';
	}
}

static bool print_indented(const char *name, const json_t *json)
{
	sam_auto(sam_free) char *text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		return false;
	make_printable(text);
	printf("%s %s\n", name, text);
	return true;
}

static bool print_text(const struct sam_jws *jws, const json_t *claims, const char *sha256,
		       const char *verified)
{
	if (!print_indented("header", jws->header) || !print_indented("claims", claims))
		return false;
	print_time("issued", json_object_get(claims, "iat"));
	print_time("expires", json_object_get(claims, "exp"));
	printf("%-10s %s\n%-10s %s, %zu bytes, %s\n%-10s %s\n", "state", state_of(claims),
	       "signature", sam_jws_name(jws->alg), jws->signature_len, verified, "sha256", sha256);
	return true;
}

static bool print_json(const struct sam_jws *jws, const json_t *claims, const char *sha256,
		       const char *verified)
{
	sam_auto(json_decref) json_t *json = json_pack(
		"{s:O,s:O,s:s,s:s,s:s}", "header", jws->header, "claims", claims, "state",
		state_of(claims), "signature", verified, "sha256", sha256);
	return json && sadtool_print_json(json);
}

static int verify(const char *key, const struct sam_jws *jws, const char **verified)
{
	*verified = "not verified";
	if (!key)
		return SADTOOL_OK;
	sam_auto(sam_jose_private_free) json_t *json = sadtool_read_jwk(key);
	struct sam_jwk jwk;
	struct sam_msg msg = {""};
	if (!json)
		return SADTOOL_FAILED;
	if (sam_jose_jwk(json, &jwk, &msg) != SAM_OK)
		return sadtool_fail(key, "%s", msg.text);
	enum sam_reason reason = sam_jose_verify(jws, jwk.pkey, jwk.alg);
	sam_jose_jwk_clear(&jwk);
	*verified = reason == SAM_OK ? "verified" : "wrong";
	return reason == SAM_OK ? SADTOOL_OK : sadtool_fail(key, "%s", sam_reason_text(reason));
}

static int show(const char *path, const char *key, bool as_json, const char *text, size_t len)
{
	struct sam_jws jws;
	uint8_t hash[32];
	char sha256[65];
	const char *verified = NULL;
	int status = SADTOOL_OK;
	enum sam_reason reason = sam_jose_parse(text, len, &jws);
	if (reason == SAM_SAD_HEADER) { /* an enrolment brings its key */
		sam_jose_clear(&jws);
		reason = sam_jose_parse_keyed(text, len, &jws);
	}
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, text, len, hash);
	sam_auto(json_decref) json_t *claims = reason == SAM_OK
						       ? sam_jose_json(jws.payload, jws.payload_len)
						       : NULL;
	if (reason == SAM_OK && !claims)
		reason = SAM_SAD_CLAIMS;
	if (reason != SAM_OK) {
		status = sadtool_fail(path, "%s", sam_reason_text(reason));
	} else {
		sam_encode_hex(hash, sizeof hash, sha256);
		status = verify(key, &jws, &verified);
		if (!(as_json ? print_json : print_text)(&jws, claims, sha256, verified))
			status = sadtool_fail(path, "out of memory");
	}
	sam_jose_clear(&jws);
	return status;
}

int sadtool_inspect(int argc, char *argv[])
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *key = NULL;
	bool as_json = false;
	int c;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			key = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return SADTOOL_OK;
		default:
			return sadtool_bad_option("inspect", argv);
		}
	}
	if (optind + 1 != argc)
		return sadtool_misuse("inspect", "it needs one FILE, or - for standard input");
	struct sam_secret sad = {NULL, 0};
	if (!sadtool_read(argv[optind], SAM_JWS_MAX + 2, &sad))
		return SADTOOL_FAILED;
	size_t len = sad.len;
	while (len && (sad.data[len - 1] == '\n' || sad.data[len - 1] == '\r'))
		len--;
	size_t dots = 0;
	for (size_t i = 0; i < len; i++)
		dots += sad.data[i] == '.';
	int status = SADTOOL_OK;
	const bool encrypted = dots == 4 && !memchr(sad.data, '~', len);
	if (encrypted && key)
		status = sadtool_misuse("--key", "%s is encrypted: its signature is inside", argv[optind]);
	else if (encrypted)
		status = sadtool_inspect_jwe(argv[optind], (const char *)sad.data, len, as_json);
	else
		status = show(argv[optind], key, as_json, (const char *)sad.data, len);
	sam_secret_clear(&sad);
	return status;
}
