/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel table as workers see it: tunnel id -> immutable header template. A tunnel is one
 * encapsulation to one node over one address family. Packets that leave without a tunnel use the
 * slots of a next hop: a node id from SL_NODES_MAX on.
 * Threads: the control thread publishes slots one by one, so a next hop's new MAC touches one
 * tunnel and no flow. A replaced struct sl_tunnel is retired through RCU. Each worker counts a
 * tunnel's packets for itself: only that worker writes its row of `seen`; any thread reads it.
 */
#ifndef SL_TUNNEL_DP_H
#define SL_TUNNEL_DP_H

#include <stdatomic.h>

#include "dp/worker/counters.h"
#include "sluice/encap.h"

/*
 * What one worker has seen of one tunnel. Ids are reused, so readers keep a baseline. Packets and
 * bytes are those of the inner frames, without outer headers and padding. A tick of 0 means never.
 */
struct sl_tunnel_seen {
	uint64_t tx_packets, tx_bytes; /* handed to the underlay port */
	uint64_t rx_packets, rx_bytes; /* from the node, whatever happened to them */
	uint64_t errors;	       /* ICMP errors that quote a packet of the tunnel */
	uint64_t error;		       /* the last one: sl_tunnel_error_* */
	uint32_t heard;		       /* tick of the last packet from the node */
	uint32_t error_tick;
	uint64_t too_big; /* the last "fragmentation needed": tick << 32 | MTU; 0: none */
};
_Static_assert(sizeof(struct sl_tunnel_seen) == RTE_CACHE_LINE_SIZE, "one line a tunnel");

/*
 * An ICMP error in one word, so that readers never see half of it. from_be 0: it is an ICMPv6 error,
 * and its sender is in the table's `from6`, which is only shown to people.
 */
static inline uint64_t sl_tunnel_error(uint8_t type, uint8_t code, uint16_t mtu, uint32_t from_be)
{
	return (uint64_t)type << 56 | (uint64_t)code << 48 | (uint64_t)mtu << 32 | from_be;
}

#define SL_TUNNEL_SEEN_CONTROL SL_WORKERS_MAX /* the control thread's row */

struct sl_exits;

struct sl_tunnel_table {
	uint32_t n_slots;
	_Atomic(const struct sl_exits *)
		exits; /* exits_dp.h; NULL: nothing leaves without a tunnel */
	/* [worker][slot]; each row is allocated for its writer */
	struct sl_tunnel_seen *seen[SL_WORKERS_MAX + 1];
	struct sl_ip *from6[SL_WORKERS_MAX + 1]; /* the same: who sent the last ICMPv6 error */
	_Atomic(const struct sl_tunnel *) slot[];
};

/* NULL when the node is gone. */
static inline const struct sl_tunnel *sl_tunnel_find(const struct sl_tunnel_table *t, uint32_t id)
{
	return atomic_load_explicit(&t->slot[id], memory_order_acquire);
}

static inline void sl_tunnel_count_sent(const struct sl_tunnel_table *t, unsigned int row,
	uint32_t id, unsigned int n, uint64_t bytes)
{
	struct sl_tunnel_seen *s = &t->seen[row][id];

	sl_count(&s->tx_packets, n);
	sl_count(&s->tx_bytes, bytes);
}

static inline void sl_tunnel_count_heard(const struct sl_tunnel_table *t, unsigned int row,
	uint32_t id, unsigned int n, uint64_t bytes, uint32_t tick)
{
	struct sl_tunnel_seen *s = &t->seen[row][id];

	sl_count(&s->rx_packets, n);
	sl_count(&s->rx_bytes, bytes);
	__atomic_store_n(&s->heard, tick, __ATOMIC_RELAXED);
}

#endif
