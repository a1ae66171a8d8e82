/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What DPDK and its drivers write to their log goes to standard error, and the first line since a
 * mark is kept: a driver that fails says why there, and returns -1.
 * Threads: the log is any thread's; mark and words are control's.
 */
#ifndef SL_DP_DRIVER_LOG_H
#define SL_DP_DRIVER_LOG_H

/* Take over DPDK's log, before EAL starts. Once a process; without memory it stays as it is. */
void sl_driver_log_open(void);

void sl_driver_log_mark(void);
/* The line, without its end; empty when there is none. It stays until the next mark. */
const char *sl_driver_log_words(void);

#endif
