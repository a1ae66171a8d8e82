/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets between a worker and the control thread, in bounded single-producer single-consumer
 * rings. A full ring loses packets and counts them; no thread waits. Samples of dropped packets
 * have their own ring (samples.h).
 *
 *   upcall: worker -> control, packets for the control thread (ARP and ND, unresolved next hop)
 *   inject: control -> worker, packets to transmit (ARP, ND, queued packets whose next hop is known)
 *
 * Accounting: a packet in an upcall is in flight. The thread that ends its trip counts it: the
 * control thread in its own struct sl_counters (consumed, or dropped with a reason), or the worker
 * that transmits it (sent). The control thread counts packets that it creates as generated.
 */
#ifndef SL_DP_RINGS_H
#define SL_DP_RINGS_H

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include "sluice/burst.h"

enum sl_upcall_kind {
	SL_UPCALL_ARP,	      /* underlay ARP or ND frame; arg unused */
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
	uint32_t epoch; /* of the port it is for: another port may have that id by then */
};
_Static_assert(sizeof(struct sl_inject) == 16, "ring element");

struct sl_rings {
	struct rte_ring *upcall, *inject;
};

int sl_rings_init(struct sl_rings *r, unsigned int worker, int socket);
/* frees packets still inside without counting them: for stop only */
void sl_rings_fini(struct sl_rings *r);

/* Worker side; false when full (the caller keeps the packet). */
static inline bool sl_upcall_put(struct sl_rings *r, const struct sl_upcall *u)
{
	return rte_ring_sp_enqueue_elem(r->upcall, (void *)(uintptr_t)u, sizeof(*u)) == 0;
}

#endif
