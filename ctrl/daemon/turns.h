/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control thread does in a turn of its loop (loop.h), in this order. No turn does more
 * than 10 ms of work, in CPU time of the thread. docs/decisions/0017-no-turn-over-10-ms.md has the
 * reasons, and figures for what can take longer. The rows with their bounds are in turns.c.
 *
 *   1. Every turn: upcalls (ARP among them), samples of drops, the engine, ports that change hands,
 *      tables that are carried over in parts, ageing.
 *   2. Ten times a second: the underlay's clock, a portion of the notices, loads, a round over
 *      states, rebalancing.
 *   3. Sources: signals, the devices' changes, then the socket's clients, one after the other, 1 ms
 *      each and 4 ms together (ctrl/rpc/server_internal.h). A long answer is made while the client
 *      reads it.
 *   4. Last: 2 ms of folding the journal, while that is under way. When clients have made the turn
 *      long, the turn does not fold; the next turn leaves out the clients and folds.
 *
 * So the work of step 1 never waits for clients for longer than 4 ms and the one request that was
 * under way at that time. stats.get has the longest turn since the start, and the number of long
 * turns.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_DAEMON_TURNS_H
#define SL_CTRL_DAEMON_TURNS_H

#include "ctrl/methods/ctrl.h"

/* Runs until a signal asks the daemon to stop. 0, or -errno with *e. */
int sl_turns_run(struct sl_ctrl *c, struct sl_err *e);

#endif
