/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Password hashes: scrypt (N = 2^15, r = 8, p = 1: 32 MiB and some 80 ms) over HMAC under a sealed key.
 */
#include "registry/password.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
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

/* ---- strength ---- */

enum { DIFFERENT = 5 };

static bool contains(const uint8_t *text, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	for (size_t i = 0; word_len >= 3 && i + word_len <= len; i++)
		if (strncasecmp((const char *)text + i, word, word_len) == 0)
			return true;
	return false;
}

static size_t count_different(const uint8_t *text, size_t len)
{
	bool seen[256] = {false};
	size_t count = 0;
	for (size_t i = 0; i < len; i++) {
		count += !seen[text[i]];
		seen[text[i]] = true;
	}
	sam_mem_wipe(seen, sizeof seen);
	return count;
}

enum sam_reason sam_password_strong(const struct sam_policy *policy, const char *name, const void *secret, size_t len,
				    struct sam_msg *msg)
{
	size_t min = policy && policy->password_min ? policy->password_min : SAM_PASSWORD_MIN;
	size_t different = policy && policy->password_different ? policy->password_different : DIFFERENT;
	if (len < min || len > SAM_PASSWORD_MAX)
		sam_msg_set(msg, "a password has %zu to %d bytes", min, SAM_PASSWORD_MAX);
	else if (memchr(secret, '\0', len))
		sam_msg_set(msg, "a password has no zero byte");
	else if (count_different(secret, len) < different)
		sam_msg_set(msg, "a password has %zu different characters or more", different);
	else if (contains(secret, len, name))
		sam_msg_set(msg, "a password does not have the name in it");
	else
		return SAM_OK;
	return SAM_PASSWORD_WEAK;
}

enum sam_reason sam_knowledge_strong(const void *secret, size_t len, struct sam_msg *msg)
{
	const uint8_t *pin = secret;
	bool printable = true, same = true, up = true, down = true;
	for (size_t i = 0; i < len; i++)
		printable &= pin[i] >= 0x20 && pin[i] < 0x7f && pin[i] != '"' && pin[i] != '\\';
	for (size_t i = 1; i < len; i++) {
		same &= pin[i] == pin[i - 1];
		up &= pin[i] == pin[i - 1] + 1;
		down &= pin[i] + 1 == pin[i - 1];
	}
	if (len < SAM_KNOWLEDGE_MIN || len > SAM_KNOWLEDGE_MAX || !printable)
		sam_msg_set(msg, "a PIN has %d to %d printable ASCII characters, and no \" or \\", SAM_KNOWLEDGE_MIN,
			    SAM_KNOWLEDGE_MAX);
	else if (same || up || down)
		sam_msg_set(msg, "a PIN is not one character again and again, and no row of them");
	else
		return SAM_OK;
	return SAM_PASSWORD_WEAK;
}

enum sam_reason sam_password_make(const struct sam_seal *seal, const char *secret, size_t len, char *out, size_t size)
{
	uint8_t salt[SALT], hash[HASH];
	char salt_text[SALT * 2], hash_text[HASH * 2];
	if (len < SAM_KNOWLEDGE_MIN || len > SAM_PASSWORD_MAX)
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
