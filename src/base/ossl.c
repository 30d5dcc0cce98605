/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The private OpenSSL library context and the few operations that every room needs.
 */
#include "base/ossl.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include "base/log.h"

static struct {
	pthread_mutex_t lock;
	OSSL_LIB_CTX *ctx; /* never freed: objects fetched from it may outlive us */
	pid_t pid;
	EVP_MD *md[SAM_HASH_COUNT];
} ossl = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool fetch_all(OSSL_LIB_CTX *ctx)
{
	static const char *const names[SAM_HASH_COUNT] = {NULL, "SHA2-256", "SHA2-384", "SHA2-512"};
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++)
		if (!(ossl.md[h] = EVP_MD_fetch(ctx, names[h], NULL)))
			return false;
	return true;
}

static enum sam_reason start_locked(void)
{
	/* After a fork the inherited context may hold another thread's half-done work: leave it. */
	if (ossl.ctx && ossl.pid == getpid())
		return SAM_OK;
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	if (!ctx)
		return SAM_MEMORY;
	if (!OSSL_PROVIDER_load(ctx, "default") || !fetch_all(ctx)) {
		OSSL_LIB_CTX_free(ctx);
		return sam_log_reason(SAM_INTERNAL, "OpenSSL: the default provider cannot be loaded");
	}
	ossl.ctx = ctx;
	ossl.pid = getpid();
	return SAM_OK;
}

enum sam_reason sam_ossl_start(void)
{
	/* The process's own configuration first and without our lock: it may load a provider that
	 * calls back into this module; and it must not be inherited by our context. */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	pthread_mutex_lock(&ossl.lock);
	enum sam_reason reason = start_locked();
	pthread_mutex_unlock(&ossl.lock);
	uint8_t probe[2][32];
	if (reason == SAM_OK)
		reason = sam_ossl_random(probe[0], sizeof probe[0]);
	if (reason == SAM_OK)
		reason = sam_ossl_random(probe[1], sizeof probe[1]);
	return reason;
}

OSSL_LIB_CTX *sam_ossl_ctx(void)
{
	return ossl.ctx;
}

const EVP_MD *sam_ossl_md(enum sam_hash hash)
{
	return (unsigned)hash < SAM_HASH_COUNT ? ossl.md[hash] : NULL;
}

void sam_ossl_mark(void)
{
	ERR_set_mark();
}

void sam_ossl_unmark(void)
{
	ERR_pop_to_mark();
}

enum sam_reason sam_ossl_random(void *out, size_t len)
{
	if (!ossl.ctx || len > INT_MAX)
		return SAM_RANDOM;
	if (len == 0)
		return SAM_OK;
	/* private DRBG: what comes out may become a token or a salt */
	if (RAND_priv_bytes_ex(ossl.ctx, out, len, 0) != 1)
		return sam_log_reason(SAM_RANDOM, "the DRBG failed");
	/* The first bytes of a thread's last block: they must not come again. Short values may by chance. */
	static _Thread_local uint8_t last[16];
	static _Thread_local bool have_last;
	if (len < sizeof last)
		return SAM_OK;
	bool repeated = have_last && sam_mem_equal(last, out, sizeof last);
	memcpy(last, out, sizeof last);
	have_last = true;
	return repeated ? sam_log_reason(SAM_RANDOM, "the DRBG repeated a block") : SAM_OK;
}

enum sam_reason sam_ossl_digest(enum sam_hash hash, const void *data, size_t len, uint8_t *out)
{
	unsigned size;
	return EVP_Digest(data, len, out, &size, sam_ossl_md(hash), NULL) == 1 ? SAM_OK : SAM_MEMORY;
}

EVP_PKEY *sam_ossl_pubkey(const uint8_t *spki, size_t len)
{
	const uint8_t *p = spki;
	if (len > LONG_MAX)
		return NULL;
	EVP_PKEY *pkey = d2i_PUBKEY_ex(NULL, &p, (long)len, sam_ossl_ctx(), NULL);
	if (pkey && p != spki + len) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

enum sam_reason sam_ossl_spki(const EVP_PKEY *pkey, uint8_t **der, size_t *len)
{
	unsigned char *encoded = NULL;
	int size = i2d_PUBKEY(pkey, &encoded);
	if (size <= 0)
		return SAM_INTERNAL;
	*der = malloc((size_t)size); /* free() and OPENSSL_free() need not be the same */
	if (*der) {
		memcpy(*der, encoded, (size_t)size);
		*len = (size_t)size;
	}
	OPENSSL_free(encoded);
	return *der ? SAM_OK : SAM_MEMORY;
}
