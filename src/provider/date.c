/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Days, as CKA_START_DATE and CKA_END_DATE have them: eight digits (PKCS#11 has no time of day, the SAM's is
 * UTC).
 */
#include "provider/provider.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool digits(const uint8_t *text, size_t len, int *out)
{
	*out = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = 10 * *out + (text[i] - '0');
	}
	return true;
}

bool sam_date_read(const CK_DATE *date, int64_t *midnight)
{
	struct tm tm = {0}, same;
	int year, month;
	if (!digits(date->year, sizeof date->year, &year) || !digits(date->month, sizeof date->month, &month) ||
	    !digits(date->day, sizeof date->day, &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	same = tm;
	const time_t at = timegm(&same);
	/* timegm() makes 2 March of 30 February: a day that is none comes back as another */
	if (at <= 0 || same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon || same.tm_year != tm.tm_year)
		return false;
	*midnight = at;
	return true;
}

bool sam_date_write(int64_t at, CK_DATE *date)
{
	struct tm tm;
	char text[32];
	const time_t seconds = at;
	if (!gmtime_r(&seconds, &tm) || tm.tm_year < -900 || tm.tm_year > 9999 - 1900)
		return false;
	const int n = snprintf(text, sizeof text, "%04d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	if (n != sizeof *date)
		return false;
	memcpy(date, text, sizeof *date);
	return true;
}
