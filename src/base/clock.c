/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Clocks.
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

int64_t sam_clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sam_clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec;
}

int64_t sam_clock_monotonic_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void sam_clock_sync_state(struct sam_clock_state *out)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);
	out->synchronised = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
	out->error_us = state < 0 ? -1 : (int64_t)t.maxerror;
}

void sam_clock_text(int64_t us, char out[SAM_CLOCK_TEXT])
{
	int64_t seconds = us / 1000000, rest = us % 1000000;
	if (rest < 0) {
		rest += 1000000;
		seconds--;
	}
	time_t t = (time_t)seconds;
	struct tm tm;
	char date[40];
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099 ||
	    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		strcpy(date, "0000-00-00T00:00:00");
	snprintf(out, SAM_CLOCK_TEXT, "%.19s.%06dZ", date, (int)rest);
}

static bool digits(const char **p, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*value = *value * 10 + (**p - '0');
	}
	return true;
}

static bool literal(const char **p, const char *any)
{
	if (**p == '\0' || !strchr(any, **p))
		return false;
	(*p)++;
	return true;
}

/* ".123" behind the seconds, and "Z" or "+09:00": both must be there or nothing. */
static bool parse_tail(const char *p, int64_t *fraction_us, int64_t *offset)
{
	*fraction_us = *offset = 0;
	if (*p == '.') {
		int64_t unit = 100000;
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			*fraction_us += (*p - '0') * unit;
	}
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	int hours, minutes, sign = *p == '-' ? -1 : 1;
	if (!literal(&p, "+-") || !digits(&p, 2, &hours) || !literal(&p, ":") || !digits(&p, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return *p == '\0';
}

bool sam_clock_parse(const char *text, int64_t *us)
{
	if (text[0] == '@') {
		char *end;
		long long v = strtoll(text + 1, &end, 10);
		if (end == text + 1 || *end || v < 0 || v > 253402300799LL)
			return false;
		*us = (int64_t)v * 1000000;
		return true;
	}
	const char *p = text;
	int64_t fraction = 0, offset = 0;
	struct tm tm = {0};
	if (!digits(&p, 4, &tm.tm_year) || !literal(&p, "-") || !digits(&p, 2, &tm.tm_mon) || !literal(&p, "-") ||
	    !digits(&p, 2, &tm.tm_mday))
		return false;
	if (*p != '\0' &&
	    (!literal(&p, "Tt ") || !digits(&p, 2, &tm.tm_hour) || !literal(&p, ":") || !digits(&p, 2, &tm.tm_min) ||
	     !literal(&p, ":") || !digits(&p, 2, &tm.tm_sec) || !parse_tail(p, &fraction, &offset)))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	struct tm given = tm;
	time_t t = timegm(&tm);
	/* timegm() makes 31 April into 1 May: that is no date */
	if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon || tm.tm_hour != given.tm_hour ||
	    tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
		return false;
	*us = ((int64_t)t - offset) * 1000000 + fraction;
	return true;
}
