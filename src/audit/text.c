/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text in audit records: what comes from outside is made valid UTF-8 of a bounded length; JSON is
 * jansson's.
 */
#include <string.h>

#include "audit/internal.h"

/* The length of the well-formed UTF-8 sequence at ${s} (RFC 3629 section 4), or 0. ${s} is
 * NUL-terminated, and a NUL is no continuation byte: nothing is read beyond it. */
static size_t sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

/* How many bytes from ${s} on are well-formed UTF-8. */
static size_t well_formed(const unsigned char *s)
{
	size_t len, all = 0;

	while (s[all] && (len = sequence(s + all)) > 0)
		all += len;
	return all;
}

char *sam_text_clean(const char *in)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const unsigned char *s = (const unsigned char *)in;
	size_t used = 0, good = well_formed(s);
	char *out;

	if (s[good] == '\0' && good <= SAM_AUDIT_TEXT_MAX)
		return strdup(in); /* nearly always */
	out = malloc(SAM_AUDIT_TEXT_MAX + 1);
	if (!out)
		return NULL;
	while (*s) {
		size_t len = sequence(s);
		const void *from = len ? (const void *)s : replacement;
		size_t add = len ? len : sizeof(replacement) - 1;

		if (used + add > SAM_AUDIT_TEXT_MAX)
			break;
		memcpy(out + used, from, add);
		used += add;
		s += len ? len : 1;
	}
	out[used] = '\0';
	return out;
}

char *sam_text_members(const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (len < 2) {
		free(text);
		return NULL;
	}
	memmove(text, text + 1, len - 2);
	text[len - 2] = '\0';
	return text;
}
