/* SPDX-License-Identifier: BSD-3-Clause */
/* Points in time as text. Threads: any. */
#ifndef SL_CTRL_SHAPE_TIME_TEXT_H
#define SL_CTRL_SHAPE_TIME_TEXT_H

#include <time.h>

/* "2026-01-31T12:00:00.123Z" */
#define SL_TIME_LEN 40
const char *sl_format_time(const struct timespec *t, char text[SL_TIME_LEN]);

#endif
