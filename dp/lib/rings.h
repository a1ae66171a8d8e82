/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets between a worker and the control thread. Bounded single-producer single-consumer rings;
 * a full one loses and counts, nobody waits. Samples of dropped packets have a ring of their own
 * (samples.h).
 *
 *   upcall: worker -> control, packets the control thread must see (underlay ARP, unresolved next
 *           hops)
 *   inject: control -> worker, packets to transmit (ARP, queued packets whose next hop got known)
 *
 * Accounting: a packet in an upcall is in flight. Whoever ends its way counts: the control thread
 * in its own struct sl_counters (consumed, or dropped with a reason), or the worker that transmits
 * it (sent). What the control thread makes itself it counts as generated.
 */
#ifndef SL_DP_RINGS_H
#define SL_DP_RINGS_H

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include "sluice/burst.h"

enum sl_upcall_kind {
	SL_UPCALL_ARP,	      /* underlay ARP frame; arg unused */
	SL_UPCALL_UNRESOLVED, /* encapsulated frame without next-hop MAC; arg: tunnel id */
};

struct sl_upcall {
	struct rte_mbuf *m;
	uint16_t kind; /* enum sl_upcall_kind */
	uint16_t port; /* where it came in (ARP) or goes out (unresolved) */
	uint32_t arg;
};
_Static_assert(sizeof(struct sl_upcall) == 16, "ring element");

struct sl_inject {
	struct rte_mbuf *m;
	uint16_t port;
	uint16_t pad;
	uint32_t epoch; /* of the port it is for: its number may be another port's by then */
};
_Static_assert(sizeof(struct sl_inject) == 16, "ring element");

struct sl_rings {
	struct rte_ring *upcall, *inject;
};

int sl_rings_init(struct sl_rings *r, unsigned int worker, int socket);
void sl_rings_fini(struct sl_rings *r); /* frees packets still inside, uncounted: stop only */

/* Worker side; false when full (the caller keeps the packet). */
static inline bool sl_upcall_put(struct sl_rings *r, const struct sl_upcall *u)
{
	return rte_ring_sp_enqueue_elem(r->upcall, (void *)(uintptr_t)u, sizeof(*u)) == 0;
}

#endif
