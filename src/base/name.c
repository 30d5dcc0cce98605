/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ids and names.
 */
#include "base/name.h"

#include <string.h>

static bool alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool sam_name_valid(const char *name, size_t len)
{
	if (len < 1 || len >= SAM_NAME_SIZE || !alphanumeric(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!alphanumeric(name[i]) && (name[i] == '\0' || !strchr("._@+-", name[i])))
			return false;
	/* so that a name is never taken for a SAD or a SAD token */
	return !(len >= 3 && memcmp(name, "eyJ", 3) == 0) && !(len >= 4 && memcmp(name, "sat_", 4) == 0);
}
