/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets and events between a worker and the control thread. Bounded single-producer
 * single-consumer rings; a full one loses and counts, nobody waits.
 *
 *   upcall: worker -> control, packets the control thread must see (underlay ARP, unresolved next
 * hops) event:  worker -> control, small records (denied and dropped packets worth telling of)
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

/*
 * A packet dropped by decision, or one that audit mode let pass, for people to look at. The key is
 * IPv6-sized; IPv4 in mapped form.
 */
struct sl_event {
	struct sl_key6 key;
	uint32_t origin;
	uint32_t policy; /* policy slot that decided; 0 the network's default */
	uint16_t len;
	uint8_t reason; /* enum sl_drop */
	uint8_t tcp_flags;
	bool audited; /* forwarded all the same */
	uint8_t pad[3];
};
_Static_assert(sizeof(struct sl_event) == 64, "ring element");

struct sl_inject {
	struct rte_mbuf *m;
	uint16_t port;
	uint16_t pad;
	uint32_t epoch; /* of the port it is for: its number may be another port's by then */
};
_Static_assert(sizeof(struct sl_inject) == 16, "ring element");

struct sl_rings {
	struct rte_ring *upcall, *event, *inject;
	uint64_t events_lost; /* written by the worker */
};

int sl_rings_init(struct sl_rings *r, unsigned int worker, int socket);
void sl_rings_fini(struct sl_rings *r); /* frees packets still inside, uncounted: stop only */

/* Worker side; false when full (the caller keeps the packet, or counts the event as lost). */
static inline bool sl_upcall_put(struct sl_rings *r, const struct sl_upcall *u)
{
	return rte_ring_sp_enqueue_elem(r->upcall, (void *)(uintptr_t)u, sizeof(*u)) == 0;
}

static inline void sl_event_put(struct sl_rings *r, const struct sl_event *e)
{
	if (rte_ring_sp_enqueue_elem(r->event, (void *)(uintptr_t)e, sizeof(*e)) != 0)
		r->events_lost++;
}

#endif
