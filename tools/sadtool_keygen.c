/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool keygen: a device key, or one to decrypt with, as two JWK files.
 */
#include "tools/sadtool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sap/jwe.h"

static const char usage[] =
	"usage: sadtool keygen --alg ALG --out PRIVATE.jwk [--public PUBLIC.jwk] [--json]\n\n"
	"Make a device key and print its thumbprint (the `kid` of its SADs); or, with ECDH-ES,\n"
	"a key that others encrypt to.\n\n"
	"  --alg ALG          ES256 ES384 ES512 EdDSA, or of RSA with 3072 bits:\n"
	"                     PS256 PS384 PS512 RS256 RS384 RS512; ECDH-ES: to decrypt\n"
	"  --out FILE         the private key; made with mode 0600, never overwritten\n"
	"  --public FILE      the public key: what `samctl authenticator add --jwk` takes\n"
	"  --json             print one JSON object instead\n";

struct keygen {
	const char *alg, *out, *public;
	bool json;
};

static int print_result(const struct keygen *k, const char *kid)
{
	if (!k->json) {
		puts(kid);
		return SADTOOL_OK;
	}
	sam_auto(json_decref)
		json_t *json = json_pack("{s:s,s:s,s:s,s:s*}", "kid", kid, "alg", k->alg,
					 "private", k->out, "public", k->public);
	return json && sadtool_print_json(json) ? SADTOOL_OK
						: sadtool_fail("keygen", "out of memory");
}

static enum sam_reason make_signing(enum sam_jws_alg alg, json_t **private, json_t **public,
				    char kid[SAM_THUMBPRINT_LEN + 1])
{
	struct sam_jwk jwk;
	enum sam_reason reason = sam_jose_generate(alg, private);
	if (reason != SAM_OK)
		return reason;
	*public = sam_jose_jwk_public(*private);
	reason = *public ? sam_jose_jwk(*public, &jwk, NULL) : SAM_MEMORY;
	if (reason != SAM_OK)
		return reason;
	memcpy(kid, jwk.thumbprint, SAM_THUMBPRINT_LEN + 1);
	sam_jose_jwk_clear(&jwk);
	return SAM_OK;
}

static enum sam_reason make_encrypting(json_t **private, json_t **public, char kid[SAM_THUMBPRINT_LEN + 1])
{
	enum sam_reason reason = sam_jwe_generate(private);
	if (reason != SAM_OK)
		return reason;
	*public = sam_jwe_public(*private);
	return *public ? sam_jwe_kid(*public, kid, NULL) : SAM_MEMORY;
}

/* ${alg} SAM_JWS_NONE: to decrypt. */
static int generate(const struct keygen *k, enum sam_jws_alg alg)
{
	sam_auto(sam_jose_private_free) json_t *private = NULL;
	sam_auto(json_decref) json_t *public = NULL;
	char kid[SAM_THUMBPRINT_LEN + 1];
	enum sam_reason reason = alg == SAM_JWS_NONE ? make_encrypting(&private, &public, kid)
						     : make_signing(alg, &private, &public, kid);
	if (reason != SAM_OK)
		return sadtool_fail("keygen", "no key could be made: %s", sam_reason_text(reason));
	if (json_object_set_new(private, "kid", json_string(kid)) != 0 ||
	    json_object_set_new(public, "kid", json_string(kid)) != 0)
		return sadtool_fail("keygen", "out of memory");
	if (!sadtool_create(k->out, 0600, private))
		return SADTOOL_FAILED;
	if (k->public && !sadtool_create(k->public, 0644, public)) {
		unlink(k->out); /* both or none */
		return SADTOOL_FAILED;
	}
	return print_result(k, kid);
}

int sadtool_keygen(int argc, char *argv[])
{
	static const struct option options[] = {
		{"alg", required_argument, NULL, 'a'},    {"out", required_argument, NULL, 'o'},
		{"public", required_argument, NULL, 'p'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	struct keygen k = {.out = NULL};
	int c;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			k.alg = optarg;
			break;
		case 'o':
			k.out = optarg;
			break;
		case 'p':
			k.public = optarg;
			break;
		case 'j':
			k.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return SADTOOL_OK;
		default:
			return sadtool_bad_option("keygen", argv);
		}
	}
	if (optind < argc)
		return sadtool_misuse("keygen", "`%s` is one argument too many", argv[optind]);
	if (!k.alg || !k.out)
		return sadtool_misuse("keygen", "--alg and --out are needed");
	if (strcmp(k.alg, SAM_JWE_DIRECT) == 0)
		return generate(&k, SAM_JWS_NONE);
	enum sam_jws_alg alg = sam_jws_by_name(k.alg);
	return alg == SAM_JWS_NONE
		       ? sadtool_misuse("keygen", "`%s` is no algorithm that keys are made for", k.alg)
		       : generate(&k, alg);
}
