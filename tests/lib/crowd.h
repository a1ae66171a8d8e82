/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many endpoints in the rig (rig.h): as many networks, ports and members as a test needs. Each
 * member is billed for the connections it opens, and all may talk within their network. Endpoints
 * of node 1 send through its tunnel.
 * Threads: one.
 */
#ifndef SL_TESTS_CROWD_H
#define SL_TESTS_CROWD_H

#include "rig.h"

#define SL_CROWD_NODE UINT32_MAX /* in place of a port: node 1 */

struct sl_crowd;

/* share_percent as in the workers' section of a configuration. */
struct sl_crowd *sl_crowd_create(uint32_t max_flows, uint32_t share_percent);
void sl_crowd_destroy(struct sl_crowd *c);
struct sl_rig *sl_crowd_rig(struct sl_crowd *c);

/*
 * Add a member of a network (from 1 on) at a port (from 4 on, one network a port) or at node 1;
 * returns its number. Member i opens connections from 10.1.x.y and is reached at 10.2.x.y, with
 * x = i / 256 and y = i % 256. Call publish when all are there.
 */
unsigned int sl_crowd_add(struct sl_crowd *c, uint32_t network, uint32_t port);
uint32_t sl_crowd_owner(const struct sl_crowd *c, unsigned int member);
void sl_crowd_publish(struct sl_crowd *c);

/* Send the SYN of a new connection. Returns its drop reason, or SL_KEEP. */
enum sl_drop sl_crowd_open(struct sl_crowd *c, unsigned int from, unsigned int to);
/* The same with these TCP flags. */
enum sl_drop sl_crowd_start(
	struct sl_crowd *c, unsigned int from, unsigned int to, uint8_t tcp_flags);
/* Send a packet from the middle of a connection that the table does not know. */
enum sl_drop sl_crowd_pick_up(struct sl_crowd *c, unsigned int from, unsigned int to);
/* Send one more packet of the connection opened last, from its opener or in reply. */
enum sl_drop sl_crowd_continue(struct sl_crowd *c, bool reply, uint8_t tcp_flags);

#endif
