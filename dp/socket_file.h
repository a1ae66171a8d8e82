/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling a unix socket's file that a process still has open from one that was left behind.
 * Threads: any; no state.
 */
#ifndef SL_DP_SOCKET_FILE_H
#define SL_DP_SOCKET_FILE_H

/*
 * Whether a process has the socket at path open: 1, 0 (nobody: it is stale, or there is none), or
 * -errno when that cannot be told. Disturbs nobody: no connection is made.
 */
int sl_socket_in_use(const char *path);
/* The same of an abstract name, written as net_memif does. */
int sl_socket_name_in_use(const char *name);

#endif
