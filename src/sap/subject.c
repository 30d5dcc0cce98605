/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Distinguished names out of text. OpenSSL's library prints them and does not read them.
 */
#include "sap/subject.h"

#include <string.h>
#include <strings.h>
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include "base/encode.h"

enum { TEXT_MAX = 1024, VALUE_MAX = 256, PARTS_MAX = 32, TYPE_MAX = 32 };

/* The attributes that a subject may have, the string type of each and its most characters (RFC 5280 appendix A.1,
 * RFC 4519, ETSI EN 319 412-1). The types are told to OpenSSL: its own choice follows a setting of the process. */
static const struct kind {
	int nid, string;
	size_t most;
} kinds[] = {
	{NID_commonName, V_ASN1_UTF8STRING, 64},
	{NID_surname, V_ASN1_UTF8STRING, 64},
	{NID_givenName, V_ASN1_UTF8STRING, 64},
	{NID_initials, V_ASN1_UTF8STRING, 64},
	{NID_generationQualifier, V_ASN1_UTF8STRING, 64},
	{NID_pseudonym, V_ASN1_UTF8STRING, 128},
	{NID_title, V_ASN1_UTF8STRING, 64},
	{NID_serialNumber, V_ASN1_PRINTABLESTRING, 64},
	{NID_dnQualifier, V_ASN1_PRINTABLESTRING, 64},
	{NID_countryName, V_ASN1_PRINTABLESTRING, 2},
	{NID_stateOrProvinceName, V_ASN1_UTF8STRING, 128},
	{NID_localityName, V_ASN1_UTF8STRING, 128},
	{NID_streetAddress, V_ASN1_UTF8STRING, 128},
	{NID_postalCode, V_ASN1_UTF8STRING, 40},
	{NID_organizationName, V_ASN1_UTF8STRING, 64},
	{NID_organizationalUnitName, V_ASN1_UTF8STRING, 64},
	{NID_organizationIdentifier, V_ASN1_UTF8STRING, 128},
	{NID_businessCategory, V_ASN1_UTF8STRING, 128},
	{NID_userId, V_ASN1_UTF8STRING, 255},
	{NID_domainComponent, V_ASN1_IA5STRING, 63},
	{NID_pkcs9_emailAddress, V_ASN1_IA5STRING, 255},
};

/* One type=value. */
struct part {
	const struct kind *kind;
	uint8_t value[VALUE_MAX];
	size_t len;
	bool joined; /* by `+` with the one before */
};

struct reading {
	const char *p;
	char separator;
	struct part parts[PARTS_MAX];
	size_t count, rdns;
	struct sam_msg *msg;
};

static bool no(struct reading *r, const char *what)
{
	sam_msg_set(r->msg, "subject, part %zu: %s; CN=Bob,O=Example,C=JP would do", r->count + 1, what);
	return false;
}

static void skip_spaces(struct reading *r)
{
	while (*r->p == ' ')
		r->p++;
}

/* ---- types ---- */

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcasecmp(name, OBJ_nid2sn(kinds[i].nid)) == 0 || strcasecmp(name, OBJ_nid2ln(kinds[i].nid)) == 0)
			return &kinds[i];
	return NULL;
}

static bool read_type(struct reading *r, struct part *part)
{
	char name[TYPE_MAX];
	size_t len = strspn(r->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	if (!len || len >= sizeof name)
		return no(r, "no type of attribute");
	memcpy(name, r->p, len);
	name[len] = '\0';
	r->p += len;
	skip_spaces(r);
	if (*r->p != '=')
		return no(r, "no = behind the type of the attribute");
	r->p++;
	if (!(part->kind = find_kind(name)))
		return no(r, "a type of attribute that subjects here do not have");
	return true;
}

/* ---- values ---- */

/* What stands behind a backslash, as one byte. */
static bool read_escape(struct reading *r, uint8_t *byte)
{
	size_t len;
	if (r->p[0] && r->p[1] && sam_decode_hex(r->p, 2, byte, 1, &len)) {
		r->p += 2;
		return true;
	}
	if (!*r->p || !strchr(" \"#+,;<=>\\/", *r->p))
		return no(r, "a \\ with nothing behind it that is quoted so");
	*byte = (uint8_t)*r->p++;
	return true;
}

static bool ends(const struct reading *r)
{
	return !*r->p || *r->p == r->separator || *r->p == '+';
}

static bool read_value(struct reading *r, struct part *part)
{
	size_t kept = 0; /* up to here, spaces at the end are left off */
	skip_spaces(r);
	if (*r->p == '#')
		return no(r, "a value in hexadecimal BER");
	while (!ends(r)) {
		uint8_t byte = (uint8_t)*r->p++;
		const bool quoted = byte == '\\';
		if (quoted && !read_escape(r, &byte))
			return false;
		/* RFC 4514 section 2.4; with slashes only the quotation mark, for whoever thinks that it quotes */
		if (!quoted && (byte == '"' || (r->separator == ',' && strchr(";<>", byte))))
			return no(r, "one of \" ; < > without a \\ before it");
		if (part->len == sizeof part->value)
			return no(r, "a value that is too long");
		part->value[part->len++] = byte;
		if (quoted || byte != ' ')
			kept = part->len;
	}
	part->len = kept;
	return true;
}

/* The characters of UTF-8 without controls; -1 if it is none. */
static long count_characters(const uint8_t *text, size_t len)
{
	long count = 0;
	for (size_t i = 0; i < len; count++) {
		unsigned long c;
		int n = UTF8_getc(text + i, (int)(len - i), &c);
		if (n <= 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
			return -1;
		i += (size_t)n;
	}
	return count;
}

static bool check_value(struct reading *r, const struct part *part)
{
	const struct kind *kind = part->kind;
	long count = count_characters(part->value, part->len);
	if (count < 0)
		return no(r, "a value that is no UTF-8, or has control characters");
	if (count == 0)
		return no(r, "an empty value");
	if ((size_t)count > kind->most)
		return no(r, "a value longer than RFC 5280 lets it be");
	if (kind->nid == NID_countryName &&
	    (count != 2 || strspn((const char *)part->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") < 2))
		return no(r, "C is a country's two capital letters");
	if (kind->string == V_ASN1_PRINTABLESTRING &&
	    ASN1_PRINTABLE_type(part->value, (int)part->len) != V_ASN1_PRINTABLESTRING)
		return no(r, "a value with characters that a PrintableString does not have");
	if (kind->string == V_ASN1_IA5STRING && (size_t)count != part->len)
		return no(r, "a value with characters beyond ASCII");
	return true;
}

/* ---- the whole ---- */

static bool same_rdn_has(const struct reading *r, const struct part *part)
{
	if (!part->joined)
		return false;
	for (size_t i = r->count; i-- > 0;) {
		if (r->parts[i].kind == part->kind)
			return true;
		if (!r->parts[i].joined)
			break;
	}
	return false;
}

static bool read_part(struct reading *r, bool joined)
{
	if (r->count == PARTS_MAX || (!joined && r->rdns == SAM_SUBJECT_RDNS))
		return no(r, "more parts than 16");
	struct part *part = &r->parts[r->count];
	part->joined = joined;
	skip_spaces(r);
	if (!read_type(r, part) || !read_value(r, part) || !check_value(r, part))
		return false;
	if (same_rdn_has(r, part))
		return no(r, "the same type twice joined by +");
	r->rdns += !joined;
	r->count++;
	return true;
}

static bool read_parts(struct reading *r, const char *text)
{
	r->separator = *text == '/' ? '/' : ',';
	r->p = text + (*text == '/');
	bool joined = false;
	for (;;) {
		if (!read_part(r, joined))
			return false;
		if (!*r->p)
			return true;
		joined = *r->p++ == '+';
	}
}

static bool add_rdn(X509_NAME *name, const struct part *part, const struct part *end)
{
	for (int set = 0; part < end && (set == 0 || part->joined); part++, set = -1)
		if (X509_NAME_add_entry_by_NID(name, part->kind->nid, part->kind->string, part->value, (int)part->len, -1,
					       set) != 1)
			return false;
	return true;
}

/* RFC 4514 section 2.1: the text begins with the last RDN. */
static bool add_all(X509_NAME *name, const struct reading *r)
{
	const struct part *end = r->parts + r->count;
	const bool backwards = r->separator == ',';
	for (size_t i = 0; i < r->count; i++) {
		const struct part *part = backwards ? end - 1 - i : r->parts + i;
		if (!part->joined && !add_rdn(name, part, end))
			return false;
	}
	return true;
}

enum sam_reason sam_subject_parse(const char *text, X509_NAME **out, struct sam_msg *msg)
{
	*out = NULL;
	if (!text || !*text) {
		sam_msg_set(msg, "the signer has no subject in the registry");
		return SAM_SUBJECT;
	}
	if (strlen(text) > TEXT_MAX) {
		sam_msg_set(msg, "the subject is longer than 1,024 bytes");
		return SAM_SUBJECT;
	}
	struct reading *r = calloc(1, sizeof *r);
	if (!r)
		return SAM_MEMORY;
	r->msg = msg;
	enum sam_reason reason = SAM_SUBJECT;
	sam_auto(X509_NAME_free) X509_NAME *name = X509_NAME_new();
	if (!name || (read_parts(r, text) && !add_all(name, r)))
		reason = SAM_MEMORY;
	else if (X509_NAME_entry_count(name) > 0)
		reason = SAM_OK;
	free(r);
	if (reason != SAM_OK)
		return reason;
	*out = name;
	name = NULL;
	return SAM_OK;
}
