/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Time: UTC, and whether the kernel calls its clock synchronised (P1-7.1.1.12).
 */
#ifndef SAM_BASE_CLOCK_H
#define SAM_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sam_clock_state {
	bool synchronised;
	int64_t error_us; /* the kernel's bound; -1: unknown */
};

int64_t sam_clock_us(void);  /* microseconds since 1970, UTC */
int64_t sam_clock_now(void); /* seconds since 1970, UTC */
int64_t sam_clock_monotonic_ms(void);
void sam_clock_sync_state(struct sam_clock_state *out); /* adjtimex(2) */

enum { SAM_CLOCK_TEXT = 28 };
/** sam_clock_text(us, out): "2026-11-23T15:45:26.123456Z". */
void sam_clock_text(int64_t us, char out[SAM_CLOCK_TEXT]);
/** sam_clock_parse(text, us): An RFC 3339 date-time, a date alone (midnight UTC), or seconds
 * since 1970 after '@'. */
bool sam_clock_parse(const char *text, int64_t *us);

#endif
