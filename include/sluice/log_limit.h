/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits the log lines about one event that repeats: a number of lines in a period, then none until
 * the period is over. Lines that are left out are counted, so that the next line can say how many.
 * Threads: control.
 * Ownership: the caller's; zeroed, it is an unused limit.
 */
#ifndef SLUICE_LOG_LIMIT_H
#define SLUICE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct sl_log_limit {
	uint32_t from;	       /* tick at which the period began */
	unsigned int n_lines;  /* lines written in the period; 0: none yet */
	unsigned int n_hushed; /* lines left out since the last one that was written */
};

/* True when the last period is over: the lines hushed in it may be reported now. */
static inline bool sl_log_limit_is_over(
	const struct sl_log_limit *l, uint32_t period, uint32_t tick)
{
	return l->n_lines == 0 || tick - l->from >= period;
}

/* True: write the line, one of at most `lines` in `period` ticks. False: the line is
 * counted as hushed. */
static inline bool sl_log_limit_pass(
	struct sl_log_limit *l, unsigned int lines, uint32_t period, uint32_t tick)
{
	if (sl_log_limit_is_over(l, period, tick)) {
		l->from = tick;
		l->n_lines = 0;
	}
	if (l->n_lines >= lines) {
		l->n_hushed++;
		return false;
	}
	l->n_lines++;
	return true;
}

/* Lines left out before this one; resets the count. */
static inline unsigned int sl_log_limit_hushed(struct sl_log_limit *l)
{
	unsigned int n = l->n_hushed;

	l->n_hushed = 0;
	return n;
}

#endif
