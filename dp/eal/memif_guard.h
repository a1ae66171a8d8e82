/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * As a server, net_memif of DPDK 22.11 greets each client that connects. If the client has gone
 * already, the greeting fails. The driver then closes the connection without removing it from the
 * thread that polls it, and EAL ends the process at its next turn. So any client that may connect
 * to the socket could end the daemon.
 *
 * So this program has its own sendmsg, which drivers call instead of the C library's. On a unix
 * socket of type SOCK_SEQPACKET, which only memif uses here, it ignores a missing peer. The driver
 * finds out at its next read, and cleans up correctly there.
 *
 * Threads: any.
 */
#ifndef SL_DP_MEMIF_GUARD_H
#define SL_DP_MEMIF_GUARD_H

#include <stdbool.h>

/* True when drivers call this program's sendmsg. */
bool sl_memif_is_guarded(void);

/*
 * Call when no client can connect to a server's path any more. Waits until EAL's thread has
 * accepted the clients that have connected, because closing the device frees what that thread may
 * be using. A few milliseconds at most.
 */
void sl_memif_wait_accepted(void);

/*
 * On closing, the driver also leaves its listening socket with that thread. If the thread wakes up
 * while EAL is being cleaned up, it reads memory that EAL has unmapped. So a process that has
 * served a memif socket skips that cleanup: the end of the process frees everything.
 */
void sl_memif_note_server(void);
bool sl_memif_has_served(void);

#endif
