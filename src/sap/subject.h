/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A signer's subject, from the text of the registry to the name in a certificate request.
 */
#ifndef SAM_SAP_SUBJECT_H
#define SAM_SAP_SUBJECT_H

#include <openssl/x509.h>
#include "base/ossl.h"

SAM_AUTO_FREE(X509_NAME, X509_NAME_free);

enum { SAM_SUBJECT_RDNS = 16 };

/** sam_subject_parse(text, out, msg): A distinguished name, strictly: RFC 4514 ("CN=Bob,O=Example,C=JP", the most
 * specific part first) or, where it begins with a slash, as `openssl req -subj` has it ("/C=JP/O=Example/CN=Bob", the
 * other way round). UTF-8; `+` joins the parts of one RDN; `\` quotes one of " # + , ; < = > \ / or space, or is
 * followed by two hexadecimal digits of a byte; spaces around a separator do not count. The types are those of the
 * table in subject.c by OpenSSL's names in any case, each with its string type and the length of RFC 5280. At most
 * SAM_SUBJECT_RDNS RDNs, none empty. The same name always has the same DER. The caller frees ${out}. SUBJECT with
 * ${msg}, MEMORY. */
enum sam_reason sam_subject_parse(const char *text, X509_NAME **out, struct sam_msg *msg) SAM_MUST;

#endif
