/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keys of trusted issuers: JWKS files (RFC 7517 section 5), which the issuer's operator exchanges as keys change.
 * The policy names the file, not its contents: those are protected by owner and mode, like the configuration's.
 */
#ifndef SAM_SAP_JWKS_H
#define SAM_SAP_JWKS_H

#include "sap/jose.h"

enum { SAM_JWKS_MAX = 262144, SAM_JWKS_KEYS = 32, SAM_JWKS_KID_MAX = 128 };

/* What was read of the files, for all threads. */
struct sam_jwks_cache;

/** sam_jwks_open(out): An empty one. MEMORY. */
enum sam_reason sam_jwks_open(struct sam_jwks_cache **out) SAM_MUST;
void sam_jwks_close(struct sam_jwks_cache *cache);

/** sam_jwks_find(cache, path, kid, out, msg): The key of that `kid` in the file as it is now; it is read again whenever
 * it is another file (inode, size, times). The file is an object with `keys`, 1 to SAM_JWKS_KEYS public keys by the
 * rules of sam_jose_jwk(), each with a `kid` of its own; those with `use` other than `sig` are passed over. It, and the
 * folders above, belong to root or the process's user, and nobody else may write there. ${out}: clear with
 * sam_jose_jwk_clear(). SAD_KEY_UNKNOWN: no such key; ISSUER_KEYS: no such file, logged once for each state of it; what
 * it had before does not count any more. */
enum sam_reason sam_jwks_find(struct sam_jwks_cache *cache, const char *path, const char *kid, struct sam_jwk *out,
			      struct sam_msg *msg) SAM_MUST;

/** sam_jwks_kid_valid(kid, len): 1 to 128 printable ASCII characters. */
bool sam_jwks_kid_valid(const char *kid, size_t len);

#endif
