/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The certificate that a JWS brings in its header (RFC 7515 section 4.1.6).
 */
#ifndef SAM_SAP_X5C_H
#define SAM_SAP_X5C_H

#include <jansson.h>
#include "base/x509.h"
#include "registry/registry.h"

/** sam_x5c_read(list, out, msg): The array of the header's `x5c`: the end entity's certificate and up to SAM_X509_CHAIN
 * others. Nothing is verified. Clear with sam_x509_clear() also after a failure. CERTIFICATE with ${msg}, MEMORY. */
enum sam_reason sam_x5c_read(const json_t *list, struct sam_x509 *out, struct sam_msg *msg) SAM_MUST;

/** sam_x5c_verify(policy, x509, use, now, msg): Does it chain to a CA of the policy for that use, now? CERTIFICATE. */
enum sam_reason sam_x5c_verify(const struct sam_policy *policy, const struct sam_x509 *x509, unsigned use, int64_t now,
			       struct sam_msg *msg) SAM_MUST;

/** sam_x5c_device(x509, out, msg): Its key as a device key: thumbprint, JWK; clear with sam_device_clear().
 * CERTIFICATE if it is none that a JWS may be signed with. */
enum sam_reason sam_x5c_device(const struct sam_x509 *x509, struct sam_device *out, struct sam_msg *msg) SAM_MUST;

#endif
