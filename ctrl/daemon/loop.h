/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's event loop: what workers hand up, clocks and ageing, then the socket.
 *
 * No turn does more than 10 ms of work (CPU time of the thread). Who goes first:
 *
 *   1. upcalls (ARP among them), events, the engine, ports that change hands, ageing: each a
 * bounded number a turn;
 *   2. once a tick the underlay's clock, a portion of the notices, loads, rebalancing;
 *   3. the socket's clients, 4 ms together and 1 ms each (server_internal.h), one after the other.
 *      Time is looked at after each request and inside answers that are made in pieces. Long
 *      answers are made as the client takes them.
 *
 *   4. 2 ms of the journal's folding, while there is one; in a turn without clients when they
 *      have made this one long.
 *
 * So 1 never waits for clients for longer than 4 ms and the one piece under way then. What one
 * request does in one piece is bounded by its own limits; those that can take longer than 10 ms
 * stand in docs/decisions/0017-no-turn-over-10-ms.md with their figures. stats.get has the longest
 * turn since the start, and how many were long.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_DAEMON_LOOP_H
#define SL_CTRL_DAEMON_LOOP_H

#include "ctrl/methods/ctrl.h"

/* Runs until SIGTERM or SIGINT, which the caller has blocked. 0, or -errno with *e. */
int sl_loop_run(struct sl_ctrl *c, struct sl_err *e);

#endif
