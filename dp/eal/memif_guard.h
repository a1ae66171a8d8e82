/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_memif of DPDK 22.11 as a server greets whoever connects. If that one has gone already, the
 * greeting fails, and the driver closes the connection without taking it back from the thread that
 * waits for it: at its next turn EAL ends the process. Whoever may connect to the socket could end
 * the daemon so.
 *
 * Therefore this program has a sendmsg of its own, which drivers get instead of the C library's. On
 * a packet socket of the unix family, which memif alone uses here, a peer that has gone is no
 * error: the driver finds out when it reads next, and that way it cleans up.
 *
 * Threads: any.
 */
#ifndef SL_DP_MEMIF_GUARD_H
#define SL_DP_MEMIF_GUARD_H

#include <stdbool.h>

/* Whether drivers do get it. */
bool sl_memif_is_guarded(void);

/*
 * Nobody can connect to a server's path any more; wait until EAL's thread has taken those who have:
 * the driver frees what that thread may be using when its device is closed. A few milliseconds at
 * most.
 */
void sl_memif_settle(void);

/*
 * Nor does the driver take its listening socket back from that thread when it is closed, and the
 * thread looks at what EAL has unmapped if it wakes up while EAL is being cleaned up. A process
 * that has served a memif socket ends without that: it leaves nothing behind that its end does not
 * free.
 */
void sl_memif_note_server(void);
bool sl_memif_has_served(void);

#endif
