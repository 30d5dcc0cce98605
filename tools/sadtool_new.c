/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool new: the options.
 */
#include "tools/sadtool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: sadtool new --key PRIVATE.jwk --signer ID --aud SAM_ID --credential ID\n"
	"                   [--file FILE | --digest HEX]... [OPTION]...\n\n"
	"Make a SAD for one key and the documents named, and print it.\n\n"
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
	"  --each               one SAD for each document: lines of `SAD HEX`; with --num N\n"
	"                       and no document, for N random hashes\n"
	"  --claim NAME=JSON    set a claim after all others; empty JSON removes it\n"
	"  --header NAME=JSON   the same for a member of the header\n"
	"  --json               print JSON instead (with --each: one object a line)\n";

enum { NUM_MAX = 10000000, LIFETIME_MAX = 31536000 };

static const struct option options[] = {
	{"key", required_argument, NULL, 'k'},      {"signer", required_argument, NULL, 's'},
	{"aud", required_argument, NULL, 'a'},      {"credential", required_argument, NULL, 'c'},
	{"file", required_argument, NULL, 'f'},     {"digest", required_argument, NULL, 'd'},
	{"hash", required_argument, NULL, 'H'},     {"label", required_argument, NULL, 'l'},
	{"lifetime", required_argument, NULL, 't'}, {"amr", required_argument, NULL, 'm'},
	{"issuer", required_argument, NULL, 'i'},   {"num", required_argument, NULL, 'n'},
	{"each", no_argument, NULL, 'e'},           {"claim", required_argument, NULL, 'C'},
	{"header", required_argument, NULL, 'R'},   {"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

static bool read_number(const char *text, int64_t max, int64_t *out)
{
	char *end;
	errno = 0;
	intmax_t value = strtoimax(text, &end, 10);
	if (errno || end == text || *end || value < 1 || value > max)
		return false;
	*out = value;
	return true;
}

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
		if (!read_number(optarg, LIFETIME_MAX, &order->lifetime))
			return sadtool_misuse("--lifetime",
					      "`%s` is no number of seconds from 1 to %d", optarg,
					      LIFETIME_MAX);
		break;
	case 'm':
		order->amr = optarg;
		break;
	case 'i':
		order->issuer = optarg;
		break;
	case 'n':
		if (!read_number(optarg, NUM_MAX, &order->num))
			return sadtool_misuse("--num", "`%s` is no number from 1 to %d", optarg,
					      NUM_MAX);
		break;
	case 'e':
		order->each = true;
		break;
	case 'C':
		return add_change(&order->claims, "--claim", optarg);
	case 'R':
		return add_change(&order->header, "--header", optarg);
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

static int check(struct sadtool_order *order)
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
		status = sadtool_make(&order);
out:
	free_changes(&order.claims);
	free_changes(&order.header);
	free(order.labels);
	free(order.documents);
	return status;
}
