/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two clocks of control code and tools, in nanoseconds. Workers use the TSC and the engine's
 * tick instead: each call here may be a system call.
 * Threads: any but workers.
 */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SL_NS_PER_MS UINT64_C(1000000)
#define SL_NS_PER_S  UINT64_C(1000000000)

static inline uint64_t sl_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Monotonic time: never goes back. */
static inline uint64_t sl_now_ns(void)
{
	return sl_clock_ns(CLOCK_MONOTONIC);
}

/* CPU time that the calling thread has used. */
static inline uint64_t sl_cpu_ns(void)
{
	return sl_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
