/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel table as workers see it: tunnel id -> immutable header template. A tunnel is one
 * encapsulation to one node: id = node id * SL_ENCAP_COUNT + encapsulation.
 * Threads: slots are published by the control thread one by one (a next hop's new MAC touches one
 * tunnel and no flow); a replaced struct sl_tunnel is retired through RCU.
 */
#ifndef SL_TUNNEL_DP_H
#define SL_TUNNEL_DP_H

#include <stdatomic.h>

#include "sluice/encap.h"

struct sl_tunnel_table {
	uint32_t n_slots;
	_Atomic(const struct sl_tunnel *) slot[];
};

static inline uint32_t sl_tunnel_id(uint32_t node, enum sl_encap_id encap)
{
	return node * SL_ENCAP_COUNT + encap;
}

/* NULL when the node is gone. */
static inline const struct sl_tunnel *sl_tunnel_find(const struct sl_tunnel_table *t, uint32_t id)
{
	return atomic_load_explicit(&t->slot[id], memory_order_acquire);
}

#endif
