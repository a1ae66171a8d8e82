/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decides whether packets that waited for a next hop may still leave. A packet notes the commit
 * under which it was judged (pipelines/overlay/parked.h). If an object that it was judged by has
 * changed since then, the packet is stale: it is dropped, and its sender sends it again.
 *
 *   changed: a network, or an endpoint of it   the packets of that network are stale
 *   changed: a node                           all packets are stale: two nodes may share a next hop
 *
 * Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_PARKED_H
#define SL_CTRL_UNDERLAY_PARKED_H

#include "pipelines/overlay/parked.h"
#include "sluice/types.h"

/* The last commits that made packets stale; 0: none. Commits count from 1. */
struct sl_parked {
	uint32_t of_network[SL_NETWORKS_MAX], of_all;
};

void sl_parked_end_network(struct sl_parked *p, uint32_t network, uint32_t commit);
void sl_parked_end_all(struct sl_parked *p, uint32_t commit);
/* parked points to a struct sl_parked. */
bool sl_parked_is_stale(const struct rte_mbuf *m, const void *parked);

#endif
