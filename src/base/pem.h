/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Certificates in PEM, as they stand in files (RFC 7468).
 */
#ifndef SAM_BASE_PEM_H
#define SAM_BASE_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/reason.h"

enum { SAM_PEM_MAX = 16384 }; /* bytes of text that are looked at */

/** sam_pem_certificate(text, der, size, len, why): The DER of the one certificate that ${text} (a string) is:
 * one block CERTIFICATE with nothing but blanks around it. It is parsed, with its key, in the private context.
 * ${der} has room for ${size} bytes, ${len} gets their number. CERTIFICATE with ${why}, a static phrase with the
 * remedy, if it is not such a text; MEMORY. */
enum sam_reason sam_pem_certificate(const char *text, uint8_t *der, size_t size, size_t *len,
				    const char **why) SAM_MUST;

/** sam_pem_is_ca(der, len): Does it say of itself that it is a CA's, which may sign certificates (RFC 5280,
 * basicConstraints and keyUsage)? */
bool sam_pem_is_ca(const uint8_t *der, size_t len);

#endif
