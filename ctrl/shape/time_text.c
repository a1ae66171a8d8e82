/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "time_text.h"

const char *sl_format_time(const struct timespec *t, char text[SL_TIME_LEN])
{
	char stamp[24];
	struct tm tm;

	gmtime_r(&t->tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, SL_TIME_LEN, "%s.%03ldZ", stamp, t->tv_nsec / 1000000);
	return text;
}
