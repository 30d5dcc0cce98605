/* SPDX-License-Identifier: BSD-3-Clause
 *
 * OpenSSL in a library context of our own (HACKING.md): the application's default
 * context may hold a PKCS#11 provider that is us.
 */
#ifndef SAM_BASE_OSSL_H
#define SAM_BASE_OSSL_H

#include <openssl/evp.h>
#include "base/hash.h"
#include "base/mem.h"
#include "base/reason.h"

SAM_AUTO_FREE(EVP_PKEY, EVP_PKEY_free);
SAM_AUTO_FREE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
SAM_AUTO_FREE(EVP_MD_CTX, EVP_MD_CTX_free);

/** sam_ossl_start(): Make the private context with the default provider, once for each process and
 * again after a fork; call without locks held. RANDOM if the DRBG does not answer or repeats. */
enum sam_reason sam_ossl_start(void) SAM_MUST;

/** sam_ossl_ctx(): The private context; NULL before sam_ossl_start(). */
OSSL_LIB_CTX *sam_ossl_ctx(void);

/** sam_ossl_md(hash): The fetched digest; static, NULL for SAM_HASH_NONE. */
const EVP_MD *sam_ossl_md(enum sam_hash hash);

/** sam_ossl_mark(), sam_ossl_unmark(): Bracket a call of the application so that the error queue of
 * its thread is left as it was found. */
void sam_ossl_mark(void);
void sam_ossl_unmark(void);

/** sam_ossl_random(out, len): ${len} bytes of the private context's DRBG, asked and checked
 * (P2-3.2.2.2): refused if the generator fails or repeats its last block. */
enum sam_reason sam_ossl_random(void *out, size_t len) SAM_MUST;

/** sam_ossl_digest(hash, data, len, out): ${out} has sam_hash_size(hash) bytes. */
enum sam_reason sam_ossl_digest(enum sam_hash hash, const void *data, size_t len, uint8_t *out) SAM_MUST;

/** sam_ossl_pubkey(spki, len): The public key of a DER SubjectPublicKeyInfo, exact to its last byte;
 * the caller frees it. NULL if it is none. */
EVP_PKEY *sam_ossl_pubkey(const uint8_t *spki, size_t len);

/** sam_ossl_spki(pkey, der, len): DER SubjectPublicKeyInfo; the caller frees ${der} with free(). */
enum sam_reason sam_ossl_spki(const EVP_PKEY *pkey, uint8_t **der, size_t *len) SAM_MUST;

#endif
