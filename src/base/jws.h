/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The names of the JWS algorithms that a SAD may be signed with (RFC 7518, RFC 8037).
 */
#ifndef SAM_BASE_JWS_H
#define SAM_BASE_JWS_H

enum sam_jws_alg {
	SAM_JWS_NONE = 0, /* no algorithm that we take */
	SAM_JWS_ES256, SAM_JWS_ES384, SAM_JWS_ES512,
	SAM_JWS_PS256, SAM_JWS_PS384, SAM_JWS_PS512,
	SAM_JWS_RS256, SAM_JWS_RS384, SAM_JWS_RS512,
	SAM_JWS_EDDSA,
	SAM_JWS_ALGS
};

/** sam_jws_by_name(name): SAM_JWS_NONE for any other, `none` and HS* among them. */
enum sam_jws_alg sam_jws_by_name(const char *name);

/** sam_jws_name(alg): static; NULL for SAM_JWS_NONE. */
const char *sam_jws_name(enum sam_jws_alg alg);

#endif
