/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool new: the options.
 */
#include "tools/sadtool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: sadtool new --key PRIVATE.jwk --signer ID --aud SAM_ID --credential ID\n"
	"                   [--file FILE | --digest HEX]... [OPTION]...\n"
	"       sadtool new --key PRIVATE.jwk --signer ID --aud SAM_ID --operation OP\n"
	"                   [--params JSON] [OPTION]...\n\n"
	"Make a SAD for one key and the documents named, or for another act of the signer's,\n"
	"and print it.\n\n"
	"  --key FILE           the device's private JWK\n"
	"  --signer ID          who signs: `sub`, and `iss` unless --issuer is given\n"
	"  --aud SAM_ID         the SAM: its sam_id\n"
	"  --credential ID      the key to sign with: 32 hexadecimal digits\n"
	"  --file FILE          a document, hashed here; may be repeated\n"
	"  --digest HEX         a document's hash; `-`: one a line from standard input\n"
	"  --hash NAME          sha256 (if not given), sha384, sha512\n"
	"  --label TEXT         what the document is called; once for all, or once each\n"
	"  --lifetime SECONDS   until it expires; 300 if not given\n"
	"  --amr LIST           how the signer was authenticated, as hwk,pin\n"
	"  --issuer ISS         another `iss` than the signer\n"
	"  --num N              allow N signatures\n"
	"  --encrypt-to FILE    encrypt it to the SAM: the JWK that `samctl sap key' prints\n"
	"  --encrypt-alg ALG    ECDH-ES or ECDH-ES+A256KW (if not given)\n"
	"  --pin-source URI     the signer's PIN, in file:PATH; needs --encrypt-to\n"
	"  --new-pin-source URI the new PIN, for --operation pin\n"
	"  --x5c FILE           the certificate of the key, and its chain, for the header\n"
	"  --each               one SAD for each document: lines of `SAD HEX`; with --num N\n"
	"                       and no document, for N random hashes\n"
	"  --operation OP       no signature, but: generate, activate, csr, suspend, resume,\n"
	"                       revoke, destroy, import, authenticator, pin\n"
	"  --params JSON        what the operation is about: one JSON object; {} if not given\n"
	"  --claim NAME=JSON    set a claim after all others; empty JSON removes it\n"
	"  --header NAME=JSON   the same for a member of the header\n"
	"  --json               print JSON instead (with --each: one object a line)\n";

enum { NUM_MAX = 10000000 };

static const struct option options[] = {
	{"key", required_argument, NULL, 'k'},      {"signer", required_argument, NULL, 's'},
	{"aud", required_argument, NULL, 'a'},      {"credential", required_argument, NULL, 'c'},
	{"file", required_argument, NULL, 'f'},     {"digest", required_argument, NULL, 'd'},
	{"hash", required_argument, NULL, 'H'},     {"label", required_argument, NULL, 'l'},
	{"lifetime", required_argument, NULL, 't'}, {"amr", required_argument, NULL, 'm'},
	{"issuer", required_argument, NULL, 'i'},   {"num", required_argument, NULL, 'n'},
	{"each", no_argument, NULL, 'e'},           {"claim", required_argument, NULL, 'C'},
	{"header", required_argument, NULL, 'R'},   {"operation", required_argument, NULL, 'o'},
	{"params", required_argument, NULL, 'p'},   {"json", no_argument, NULL, 'j'},
	{"encrypt-to", required_argument, NULL, 'E'}, {"encrypt-alg", required_argument, NULL, 'A'},
	{"pin-source", required_argument, NULL, 'P'}, {"new-pin-source", required_argument, NULL, 'N'},
	{"x5c", required_argument, NULL, 'X'},
	{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

/* NAME=JSON */
static int add_change(struct sadtool_changes *changes, const char *option, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text)
		return sadtool_misuse(option, "`%s` is not NAME=JSON", text);
	json_t *value = equals[1] ? json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
					       NULL)
				  : NULL;
	if (equals[1] && !value)
		return sadtool_misuse(option,
				      "what follows `%.*s=` is no JSON (a string needs its quotes)",
				      (int)(equals - text), text);
	struct sadtool_change *items = realloc(changes->items,
					       (changes->count + 1) * sizeof *items);
	char *name = strndup(text, (size_t)(equals - text));
	if (items)
		changes->items = items;
	if (!items || !name) {
		free(name);
		json_decref(value);
		return sadtool_fail(option, "out of memory");
	}
	items[changes->count++] = (struct sadtool_change){name, value};
	return SADTOOL_OK;
}

static int take_operation(struct sadtool_order *order, const char *text)
{
	static const char *const known[] = {"generate", "activate", "csr",     "suspend", "resume",
					    "revoke",   "destroy",  "import", "authenticator", "pin"};
	order->operation = text;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i], text) == 0)
			return SADTOOL_OK;
	return sadtool_misuse("--operation", "`%s` is no operation that a SAD has", text);
}

static int take_params(struct sadtool_order *order, const char *text)
{
	json_decref(order->params);
	order->params = sam_jose_json(text, strlen(text));
	return order->params ? SADTOOL_OK : sadtool_misuse("--params", "`%s` is no JSON object", text);
}

static int add_label(struct sadtool_order *order, const char *text)
{
	const char **labels = realloc(order->labels, (order->label_count + 1) * sizeof *labels);
	if (!labels)
		return sadtool_fail("--label", "out of memory");
	order->labels = labels;
	labels[order->label_count++] = text;
	return SADTOOL_OK;
}

/* What --file and --digest mean depends on --hash, which may follow them: they wait for a second
 * round. */
static int take_option(struct sadtool_order *order, int c)
{
	switch (c) {
	case 'k':
		order->key = optarg;
		break;
	case 's':
		order->signer = optarg;
		break;
	case 'a':
		order->audience = optarg;
		break;
	case 'c':
		order->credential = optarg;
		break;
	case 'H':
		order->hash = sam_hash_by_name(optarg);
		if (order->hash == SAM_HASH_NONE)
			return sadtool_misuse("--hash", "`%s` is none of sha256, sha384, sha512",
					      optarg);
		break;
	case 'l':
		return add_label(order, optarg);
	case 't':
		if (!sadtool_number(optarg, SADTOOL_LIFETIME_MAX, &order->lifetime))
			return sadtool_misuse("--lifetime",
					      "`%s` is no number of seconds from 1 to %d", optarg,
					      SADTOOL_LIFETIME_MAX);
		break;
	case 'm':
		order->amr = optarg;
		break;
	case 'i':
		order->issuer = optarg;
		break;
	case 'n':
		if (!sadtool_number(optarg, NUM_MAX, &order->num))
			return sadtool_misuse("--num", "`%s` is no number from 1 to %d", optarg,
					      NUM_MAX);
		break;
	case 'e':
		order->each = true;
		break;
	case 'P':
		order->pin_source = optarg;
		break;
	case 'N':
		order->new_pin_source = optarg;
		break;
	case 'X':
		order->x5c = optarg;
		break;
	case 'E':
		order->encrypt_to = optarg;
		break;
	case 'A':
		order->encrypt_alg = optarg;
		break;
	case 'C':
		return add_change(&order->claims, "--claim", optarg);
	case 'R':
		return add_change(&order->header, "--header", optarg);
	case 'o':
		return take_operation(order, optarg);
	case 'p':
		return take_params(order, optarg);
	case 'j':
		order->json = true;
		break;
	default:
		break;
	}
	return SADTOOL_OK;
}

static int take_documents(struct sadtool_order *order, int argc, char *argv[])
{
	int c, status = SADTOOL_OK;
	optind = 0; /* glibc: start again */
	while (status == SADTOOL_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'f')
			status = sadtool_add_file(order, optarg);
		else if (c == 'd')
			status = sadtool_add_digest(order, optarg);
	}
	return status;
}

static int check_documents(struct sadtool_order *order)
{
	if (!order->key || !order->signer || !order->audience || !order->credential)
		return sadtool_misuse("new", "--key, --signer, --aud and --credential are needed");
	if (strlen(order->credential) != 32 || strspn(order->credential, "0123456789abcdef") != 32)
		return sadtool_misuse("--credential",
				      "a credentialID is 32 hexadecimal digits in lower case");
	if (order->each && order->num && order->document_count)
		return sadtool_misuse("--num",
				      "with --each and documents each SAD is for one signature");
	if (order->each && order->num) {
		int status = sadtool_add_random(order, (size_t)order->num);
		if (status != SADTOOL_OK)
			return status;
	}
	if (order->document_count == 0)
		return sadtool_misuse("new",
				      "no document: use --file, --digest, or --each --num N");
	if (order->label_count > 1 && order->label_count != order->document_count)
		return sadtool_misuse("--label", "%zu labels for %zu documents", order->label_count,
				      order->document_count);
	return SADTOOL_OK;
}

static int check(struct sadtool_order *order)
{
	if (order->encrypt_alg && !order->encrypt_to)
		return sadtool_misuse("--encrypt-alg", "it is about --encrypt-to");
	if (order->operation && strcmp(order->operation, "pin") == 0 && !order->encrypt_to)
		return sadtool_fail("--operation", "a PIN is only sent in an encrypted SAD: use --encrypt-to too");
	if (!order->operation)
		return order->params ? sadtool_misuse("--params", "it is about an operation: use --operation too")
				     : check_documents(order);
	if (!order->key || !order->signer || !order->audience)
		return sadtool_misuse("new", "--key, --signer and --aud are needed");
	if (order->document_count || order->credential || order->label_count || order->num || order->each)
		return sadtool_misuse("--operation", "such a SAD signs nothing: what it is about stands in --params");
	if (order->params && order->new_pin_source)
		return sadtool_misuse("--new-pin-source", "the new PIN is all that the operation is about: leave --params");
	if (!order->params && !order->new_pin_source && !(order->params = json_object()))
		return sadtool_fail("new", "out of memory");
	return SADTOOL_OK;
}

static void free_changes(struct sadtool_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].name);
		json_decref(changes->items[i].value);
	}
	free(changes->items);
}

int sadtool_new(int argc, char *argv[])
{
	struct sadtool_order order = {.hash = SAM_HASH_SHA256, .lifetime = 300};
	int c, status = SADTOOL_OK;
	opterr = 0;
	while (status == SADTOOL_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			goto out;
		}
		status = c == '?' ? sadtool_bad_option("new", argv) : take_option(&order, c);
	}
	if (status == SADTOOL_OK && optind < argc)
		status = sadtool_misuse("new", "`%s` is one argument too many", argv[optind]);
	if (status == SADTOOL_OK)
		status = take_documents(&order, argc, argv);
	if (status == SADTOOL_OK)
		status = check(&order);
	if (status == SADTOOL_OK)
		status = sadtool_read_pins(&order);
	if (status == SADTOOL_OK)
		status = sadtool_read_x5c(&order);
	if (status == SADTOOL_OK)
		status = sadtool_make(&order);
out:
	free_changes(&order.claims);
	free_changes(&order.header);
	free(order.labels);
	free(order.documents);
	json_decref(order.params);
	json_decref(order.chain);
	sam_secret_clear(&order.pin);
	sam_secret_clear(&order.new_pin);
	return status;
}
