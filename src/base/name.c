/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ids and names.
 */
#include "base/name.h"

#include <string.h>
#include "include/p11-sam.h"

static bool alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool begins(const char *text, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);
	return len >= n && memcmp(text, prefix, n) == 0;
}

bool sam_name_valid(const char *name, size_t len)
{
	if (len < 1 || len >= SAM_NAME_SIZE || !alphanumeric(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!alphanumeric(name[i]) && (name[i] == '\0' || !strchr("._@+-", name[i])))
			return false;
	/* so that a name is never taken for a SAD or a SAD token */
	return !begins(name, len, "eyJ") && !begins(name, len, P11_SAM_TOKEN_PREFIX);
}
