/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a PIN is (the table of p11-sam(8)).
 */
#ifndef SAM_SAP_PIN_H
#define SAM_SAP_PIN_H

#include "base/name.h"
#include "base/reason.h"
#include "include/p11-sam.h"

enum { SAM_PIN_MAX = P11_SAM_PIN_MAX };

enum sam_pin_kind { SAM_PIN_SAD = 1, SAM_PIN_ENCRYPTED, SAM_PIN_TOKEN, SAM_PIN_PASSWORD };

struct sam_pin {
	enum sam_pin_kind kind;
	const char *text; /* the SAD, with ~ and its proof if that came; the JWE; the token; the secret */
	size_t len;
	char name[SAM_NAME_SIZE]; /* of SAM_PIN_PASSWORD */
};

/** sam_pin_read(pin, len, name, out): Points into ${pin}. ${name}: the user name of C_LoginUser
 * (then a PIN that is neither SAD nor token is the secret itself), or NULL. PIN_NULL, PIN_EMPTY,
 * PIN_FORM, PIN_TOO_LONG, SAD_TRUNCATED (what begins like a SAD, a proof or a token and lacks its end). */
enum sam_reason sam_pin_read(const char *pin, size_t len, const char *name,
			     struct sam_pin *out) SAM_MUST;

/** sam_pin_may_be_password(secret, len): Would C_LoginUser, which is given the secret alone, take it for one, and not
 * for a SAD or SAD token by its form? Asked before it becomes somebody's. */
bool sam_pin_may_be_password(const char *secret, size_t len);

#endif
