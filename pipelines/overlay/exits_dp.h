/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways of packets that leave without a tunnel: from a destination on the underlay to the slot of a
 * next hop in the tunnel table. A destination on a link is its own next hop. Its slot is made when a
 * first packet asks for it: until then packets use the link's slow slot, which hands them to the
 * control thread.
 * Threads: the control thread publishes a whole new struct sl_exits, and retires the old one through
 * RCU. Workers read it within a burst.
 */
#ifndef SL_EXITS_DP_H
#define SL_EXITS_DP_H

#include "dp/lib/addr_map.h"
#include "tunnel_dp.h"

struct sl_exit_prefix {
	struct sl_prefix prefix;
	uint16_t port; /* the underlay port; SL_PORT_NONE: next hops on several share the flows */
	bool on_link;  /* the slot is the link's slow one: see whether the destination is known */
	uint32_t slot; /* tunnel id */
};

struct sl_exits {
	struct sl_addr_map *known; /* destination on a link -> tunnel id of its own slot */
	uint32_t n;
	struct sl_exit_prefix prefix[]; /* the longest first */
};

struct sl_exit {
	uint32_t slot;
	uint16_t port; /* SL_PORT_NONE: any of several */
	bool slow;     /* the slot will be another one soon: store nothing that depends on it */
};

/* The way to an address, by that port (SL_PORT_NONE: by any). False: there is none. */
static inline bool sl_exit_find(
	const struct sl_tunnel_table *t, const struct sl_ip *to, uint16_t port, struct sl_exit *e)
{
	const struct sl_exits *x = atomic_load_explicit(&t->exits, memory_order_acquire);

	for (uint32_t i = 0; x != NULL && i < x->n; i++) {
		const struct sl_exit_prefix *p = &x->prefix[i];
		uint32_t known;

		if ((port != SL_PORT_NONE && p->port != port) ||
			!sl_prefix_contains(&p->prefix, to))
			continue;
		known = p->on_link ? sl_addr_map_find(x->known, to) : p->slot;
		*e = (struct sl_exit){known != 0 ? known : p->slot, p->port, known == 0};
		return true;
	}
	return false;
}

#endif
