/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Password hashes: scrypt (N = 2^15, r = 8, p = 1: 32 MiB and some 80 ms) over HMAC under a sealed key.
 */
#include "registry/password.h"

#include <stdio.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ossl.h"

enum { LOG2_N = 15, SALT = 16, HASH = 32 };
static const char prefix[] = "scrypt$15$8$1$";

static enum sam_reason scrypt(const struct sam_seal *seal, const char *secret, size_t len, const uint8_t salt[SALT],
			      uint8_t out[HASH])
{
	uint8_t keyed[SAM_SEAL_MAC];
	enum sam_reason reason = sam_seal_mac(seal, SAM_SEAL_PASSWORD, secret, len, keyed);
	if (reason != SAM_OK)
		return reason;
	EVP_KDF *kdf = EVP_KDF_fetch(sam_ossl_ctx(), "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	uint64_t n = UINT64_C(1) << LOG2_N, memory = UINT64_C(64) << 20;
	uint32_t r = 8, p = 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, keyed, sizeof keyed),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, SALT),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, HASH, params) == 1;
	EVP_KDF_CTX_free(ctx);
	sam_mem_wipe(keyed, sizeof keyed);
	return ok ? SAM_OK : sam_log_reason(SAM_MEMORY, "scrypt failed");
}

enum sam_reason sam_password_make(const struct sam_seal *seal, const char *secret, size_t len, char *out, size_t size)
{
	uint8_t salt[SALT], hash[HASH];
	char salt_text[SALT * 2], hash_text[HASH * 2];
	if (len < SAM_PASSWORD_MIN || len > SAM_PASSWORD_MAX)
		return SAM_PASSWORD_WEAK;
	enum sam_reason reason = sam_ossl_random(salt, sizeof salt);
	if (reason == SAM_OK)
		reason = scrypt(seal, secret, len, salt, hash);
	if (reason != SAM_OK)
		return reason;
	sam_encode_b64url(salt, sizeof salt, salt_text);
	sam_encode_b64url(hash, sizeof hash, hash_text);
	int n = snprintf(out, size, "%s%s$%s", prefix, salt_text, hash_text);
	return n > 0 && (size_t)n < size ? SAM_OK : SAM_INTERNAL;
}

static bool take_apart(const char *stored, uint8_t salt[SALT], uint8_t hash[HASH])
{
	size_t len;
	if (strncmp(stored, prefix, sizeof prefix - 1) != 0)
		return false;
	stored += sizeof prefix - 1;
	const char *dollar = strchr(stored, '$');
	return dollar && sam_decode_b64url(stored, (size_t)(dollar - stored), salt, SALT, &len) && len == SALT &&
	       sam_decode_b64url(dollar + 1, strlen(dollar + 1), hash, HASH, &len) && len == HASH;
}

enum sam_reason sam_password_check(const struct sam_seal *seal, const char *secret, size_t len, const char *stored)
{
	uint8_t salt[SALT] = {0}, hash[HASH] = {0}, made[HASH];
	bool known = stored && take_apart(stored, salt, hash);
	if (len > SAM_PASSWORD_MAX) { /* no password is that long; the work stays the same */
		len = SAM_PASSWORD_MAX;
		known = false;
	}
	enum sam_reason reason = scrypt(seal, secret, len, salt, made);
	if (reason != SAM_OK)
		return reason;
	bool equal = sam_mem_equal(made, hash, HASH);
	sam_mem_wipe(made, sizeof made);
	return known && equal ? SAM_OK : SAM_PASSWORD_WRONG;
}
