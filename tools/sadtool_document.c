/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool new: the documents that a SAD is for, as hashes.
 */
#include "tools/sadtool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/encode.h"

static struct sadtool_document *one_more(struct sadtool_order *order)
{
	size_t n = order->document_count;
	if ((n & (n - 1)) == 0) { /* at 0 and each power of two */
		struct sadtool_document *grown = realloc(order->documents,
							 (n ? 2 * n : 1) * sizeof *grown);
		if (!grown)
			return NULL;
		order->documents = grown;
	}
	memset(&order->documents[n], 0, sizeof order->documents[n]);
	order->document_count++;
	return &order->documents[n];
}

static bool hash_stream(FILE *file, enum sam_hash hash, uint8_t *out)
{
	uint8_t buffer[65536];
	size_t n;
	sam_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, sam_ossl_md(hash), NULL) == 1;
	while (ok && (n = fread(buffer, 1, sizeof buffer, file)) > 0)
		ok = EVP_DigestUpdate(ctx, buffer, n) == 1;
	return ok && !ferror(file) && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

int sadtool_hash_file(const char *path, enum sam_hash hash, uint8_t *out)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return sadtool_fail(path, "%s", strerror(errno));
	errno = 0;
	bool ok = hash_stream(file, hash, out);
	int error = errno;
	fclose(file);
	return ok ? SADTOOL_OK
		  : sadtool_fail(path, "it cannot be hashed: %s",
				 error ? strerror(error) : "OpenSSL refused");
}

int sadtool_add_file(struct sadtool_order *order, const char *path)
{
	struct sadtool_document *document = one_more(order);
	return document ? sadtool_hash_file(path, order->hash, document->digest)
			: sadtool_fail(path, "out of memory");
}

static int add_hex(struct sadtool_order *order, const char *text, size_t len)
{
	struct sadtool_document *document = one_more(order);
	size_t size = sam_hash_size(order->hash), got;
	if (!document)
		return sadtool_fail("--digest", "out of memory");
	if (!sam_decode_hex(text, len, document->digest, size, &got) || got != size)
		return sadtool_misuse("--digest", "`%.*s` is no %s in %zu hexadecimal digits",
				      (int)(len > 140 ? 140 : len), text,
				      sam_hash_name(order->hash), 2 * size);
	return SADTOOL_OK;
}

int sadtool_add_digest(struct sadtool_order *order, const char *text)
{
	if (strcmp(text, "-") != 0)
		return add_hex(order, text, strlen(text));
	char *line = NULL;
	size_t size = 0;
	int status = SADTOOL_OK;
	while (status == SADTOOL_OK && getline(&line, &size, stdin) > 0) {
		size_t len = strcspn(line, " \t\r\n"); /* what sha256sum(1) writes will do */
		if (len)
			status = add_hex(order, line, len);
	}
	free(line);
	if (status == SADTOOL_OK && ferror(stdin))
		status = sadtool_fail("standard input", "%s", strerror(errno));
	return status;
}

int sadtool_add_random(struct sadtool_order *order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sadtool_document *document = one_more(order);
		if (!document)
			return sadtool_fail("--num", "out of memory");
		if (sam_ossl_random(document->digest, sam_hash_size(order->hash)) != SAM_OK)
			return sadtool_fail("--num", "the random generator failed");
	}
	return SADTOOL_OK;
}
