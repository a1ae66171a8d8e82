/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling a unix socket's file that a process still has open from one that was left behind, and
 * leaving none behind: the files that this process made and serves are noted here, for whoever ends
 * it without its consent.
 * Threads: control, except where it says otherwise.
 */
#ifndef SL_DP_SOCKET_FILE_H
#define SL_DP_SOCKET_FILE_H

#include <sys/stat.h>

#include "sluice/types.h"

/*
 * Whether a process has the socket at path open: 1, 0 (nobody: it is stale, or there is none), or
 * -errno when that cannot be told. Disturbs nobody: no connection is made.
 */
int sl_socket_in_use(const char *path);
/* The same of an abstract name, written as net_memif does. */
int sl_socket_name_in_use(const char *name);

/* Whose file it is: a port's by its id, or the control socket's. */
#define SL_SOCKET_OF_CONTROL SL_PORTS_MAX

/* The socket file that path is now; longer paths than a socket has are not noted. */
void sl_socket_own(unsigned int whose, const char *path, const struct stat *st);
void sl_socket_disown(unsigned int whose);

/*
 * Remove every noted file that is still the one that was noted: not what others have put in its
 * place. Safe in a signal handler of any thread.
 */
void sl_sockets_remove(void);

#endif
