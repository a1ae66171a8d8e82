/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of DPDK and its drivers goes to standard error. The first line after a mark is kept,
 * because a driver that fails says why only there, and returns -1.
 * Threads: any thread may log; mark and words: control.
 */
#ifndef SL_DP_DRIVER_LOG_H
#define SL_DP_DRIVER_LOG_H

/* Redirects DPDK's log, before EAL starts. Call once a process. Without memory, the log
 * is not redirected. */
void sl_driver_log_open(void);

void sl_driver_log_mark(void);
/* The kept line, without its end; empty when there is none. Valid until the next mark. */
const char *sl_driver_log_words(void);

#endif
