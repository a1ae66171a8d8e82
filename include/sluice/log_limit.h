/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many lines the log gets about one thing that happens again and again: some in a period, then
 * none until the period is over. What was left out is counted for the next line to say.
 * Threads: control. Ownership: the caller's; zeroed is a limit of which nothing was used.
 */
#ifndef SLUICE_LOG_LIMIT_H
#define SLUICE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct sl_log_limit {
	uint32_t from;	       /* tick: begin of the period */
	unsigned int n_lines;  /* in it; 0: there was none yet */
	unsigned int n_hushed; /* lines left out since the last one that was written */
};

/* The last period is over: what was hushed in it may be said now. */
static inline bool sl_log_limit_is_over(
	const struct sl_log_limit *l, uint32_t period, uint32_t tick)
{
	return l->n_lines == 0 || tick - l->from >= period;
}

/* True: write the line, one of at most `lines` in `period` ticks. False: it is counted as hushed. */
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

/* How many lines were left out before this one; counts anew. */
static inline unsigned int sl_log_limit_hushed(struct sl_log_limit *l)
{
	unsigned int n = l->n_hushed;

	l->n_hushed = 0;
	return n;
}

#endif
