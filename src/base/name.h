/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ids and names (p11-sam(8)).
 */
#ifndef SAM_BASE_NAME_H
#define SAM_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { SAM_NAME_SIZE = 65 }; /* 64 characters and a NUL */

/** sam_name_valid(name, len): [A-Za-z0-9][A-Za-z0-9._@+-]{0,63}, not beginning with eyJ or sat_. */
bool sam_name_valid(const char *name, size_t len);

#endif
