/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Until when packets that wait for a next hop may still leave. Those of a network end with any
 * endpoint of it, or with itself; all end with any node, since two nodes may share a next hop. They
 * are few, and their senders send again. Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_PARKED_H
#define SL_CTRL_UNDERLAY_PARKED_H

#include "pipelines/overlay/parked.h"
#include "ctrl/model/store.h"
#include "ctrl/objects/objects.h"

/* Commits by which packets had to be judged to be good; a commit counts from 1. */
struct sl_parked {
	uint32_t of_network[SL_NETWORKS_MAX], of_any;
};

/*
 * Take note of what has gone, or is another now, by these changes; `commit` is that of the world in
 * which it has, and published. False when none of them ends anything.
 */
bool sl_parked_end(struct sl_parked *p, const struct sl_store *s, const struct sl_change *c,
	size_t n, uint32_t commit);
/* What the packet was for has gone; parked: a struct sl_parked. */
bool sl_parked_is_stale(const struct rte_mbuf *m, const void *parked);

#endif
