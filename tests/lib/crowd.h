/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many endpoints on the bench (rig.h): as many networks, ports and members as a test wants, each
 * billed for what it opens, all allowed to talk within their network. Endpoints of node 1 send
 * through its tunnel. Threads: one.
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
 * A member i has the addresses 10.1.i/256.i%256, from which it opens, and 10.2.i/256.i%256.
 * A member of network 1.. at a port (that carries no other network) or node; its number. Ports 4
 * and up. Call publish when all are there.
 */
unsigned int sl_crowd_add(struct sl_crowd *c, uint32_t network, uint32_t port);
uint32_t sl_crowd_owner(const struct sl_crowd *c, unsigned int member);
void sl_crowd_publish(struct sl_crowd *c);

/* The SYN of a connection that has not been before; why it was dropped. */
enum sl_drop sl_crowd_open(struct sl_crowd *c, unsigned int from, unsigned int to);
/* Its first packet, with TCP flags. */
enum sl_drop sl_crowd_start(
	struct sl_crowd *c, unsigned int from, unsigned int to, uint8_t tcp_flags);
/* A packet amid one that has not been before. */
enum sl_drop sl_crowd_pick_up(struct sl_crowd *c, unsigned int from, unsigned int to);
/* The next packet of the last connection opened, with TCP flags, by its opener or in reply. */
enum sl_drop sl_crowd_continue(struct sl_crowd *c, bool reply, uint8_t tcp_flags);

#endif
