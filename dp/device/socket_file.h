/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Distinguishes a unix socket's file that a process still has open from a stale one, and avoids
 * leaving stale ones. The files that this process created and serves are noted here, so that they
 * can be removed when the process is killed.
 * Threads: control, except where noted.
 */
#ifndef SL_DP_SOCKET_FILE_H
#define SL_DP_SOCKET_FILE_H

#include <sys/stat.h>

#include "sluice/types.h"

/*
 * Whether a process has the socket at path open: 1; 0 (the file is stale, or absent); or -errno
 * when that is unknown. Makes no connection, so no process is disturbed.
 */
int sl_socket_in_use(const char *path);
/* The same for an abstract name, written as net_memif does. */
int sl_socket_name_in_use(const char *name);

/* The file's owner: a port by its id, or the control socket. */
#define SL_SOCKET_OF_CONTROL SL_PORTS_MAX

/* Notes the socket file at path. A path that is too long for a socket is not noted. */
void sl_socket_own(unsigned int whose, const char *path, const struct stat *st);
void sl_socket_disown(unsigned int whose);

/*
 * Remove each noted file that is still the same file. Files that others have put in its place stay.
 * Safe in a signal handler of any thread.
 */
void sl_sockets_remove(void);

#endif
