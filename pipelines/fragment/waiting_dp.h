/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Later fragments that came before their first one. Either they were reordered on their way, or
 * another worker has the first fragment and has not judged it yet. They wait SL_WAITING_TICKS
 * at most, and a few of them are checked at a time. At most SL_WAITING_MAX wait. When another
 * one comes, it replaces one of the network that has most waiting; within the network, one of the
 * port or node that has most; of those, the oldest. The new one counts for its owners.
 *
 * Threads: a struct sl_waiting is private to one worker; control creates and destroys it while that
 * worker does not run.
 * Ownership: it owns the packets that wait, until they are removed.
 */
#ifndef SL_WAITING_DP_H
#define SL_WAITING_DP_H

#include "sluice/burst.h"

#define SL_WAITING_MAX	 128 /* two datagrams of 64 KB, their first fragments last */
#define SL_WAITING_TICKS 2   /* 0.1 to 0.2 seconds */

/* Ids that differ by a multiple of these count as one. */
#define SL_WAITING_NETWORKS 64
#define SL_WAITING_SENDERS  1024

struct sl_waiting_owner {
	uint16_t network, sender; /* indexes of of_network and of_sender */
	uint32_t since;		  /* tick */
};

struct sl_waiting {
	uint32_t n;
	uint32_t next; /* index of the one to check next */
	struct sl_waiter {
		struct rte_mbuf *m;
		uint32_t since;	 /* tick */
		uint64_t commit; /* of the world in which it arrived */
		struct sl_meta meta;
		struct sl_key4 key4;
		struct sl_key6 key6;
		struct sl_fragment_range fragment;
		uint16_t in_port;
		bool tunnel; /* it arrived through a tunnel; */
		bool closer; /* then its bit of sl_burst.closer */
	} at[SL_WAITING_MAX];
	struct sl_waiting_owner owner[SL_WAITING_MAX]; /* of the packet in at[] */
	/* packets that each has in at[] */
	uint8_t of_network[SL_WAITING_NETWORKS], of_sender[SL_WAITING_SENDERS];
	struct sl_waiter gone; /* the one that was replaced last */
	struct sl_burst burst; /* has the one that is being checked */
};

_Static_assert(SL_WAITING_MAX < UINT8_MAX, "counted in bytes, the newcomer included");

struct sl_waiting *sl_waiting_create(int socket); /* NULL when out of memory */
void sl_waiting_destroy(struct sl_waiting *r);	  /* also frees the waiting packets; accepts NULL */

/*
 * Packet i of b waits from now on. tunnel: it came through a tunnel. Returns the packet that it
 * replaces, or NULL. The replaced packet is then the burst's one packet, and the caller owns it.
 */
const struct sl_waiter *sl_waiting_put(struct sl_waiting *r, const struct sl_burst *b,
	unsigned int i, bool tunnel, uint32_t tick, uint64_t commit);

/* Makes the next waiting packet the burst's one packet, with verdict SL_KEEP. It keeps waiting. */
const struct sl_waiter *sl_waiting_look(struct sl_waiting *r);
/* Removes the packet that was looked at last; the caller then owns it. Without this call it
 * keeps waiting. */
void sl_waiting_remove(struct sl_waiting *r);
void sl_waiting_keep(struct sl_waiting *r);

static inline bool sl_waiter_is_over(const struct sl_waiter *w, uint32_t tick)
{
	return tick - w->since >= SL_WAITING_TICKS;
}

#endif
