/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Later fragments that came before their first one: reordered on their way, or the first is with
 * another worker that has not judged it yet. They wait SL_WAITING_TICKS at most, and are looked at
 * a few at a time. Bounded: SL_WAITING_MAX; when that is full the oldest of the network that has
 * most gives way, which may be the newcomer's own.
 *
 * Threads: a struct sl_waiting is private to one worker; created and destroyed by control while
 * that worker does not run. Ownership: what waits is the room's, until it is taken out again.
 */
#ifndef SL_WAITING_DP_H
#define SL_WAITING_DP_H

#include "sluice/burst.h"

#define SL_WAITING_MAX	 64
#define SL_WAITING_TICKS 2 /* 0.1 to 0.2 seconds */

struct sl_waiting {
	uint32_t n;
	uint32_t next; /* whose turn it is */
	struct sl_waiter {
		struct rte_mbuf *m;
		uint32_t since;	 /* tick */
		uint64_t commit; /* of the world that it came in */
		struct sl_meta meta;
		struct sl_key4 key4;
		struct sl_key6 key6;
		struct sl_fragment_place fragment;
		uint16_t in_port;
		bool tunnel; /* it came by one... */
		bool closer; /* ...as sl_burst.closer says */
	} at[SL_WAITING_MAX];
	struct sl_waiter gone; /* who gave way last */
	struct sl_burst burst; /* the one that is looked at */
};

struct sl_waiting *sl_waiting_create(int socket); /* NULL when out of memory */
void sl_waiting_destroy(struct sl_waiting *r);	  /* with what waits; accepts NULL */

/*
 * Packet i of b waits from now on; tunnel: it came by one. Returns who gives way to it, as if it
 * had been looked at, or NULL.
 */
const struct sl_waiter *sl_waiting_put(struct sl_waiting *r, const struct sl_burst *b,
	unsigned int i, bool tunnel, uint32_t tick, uint64_t commit);

/* The next waiter is the burst's one packet, as it came, with verdict SL_KEEP, and stays. */
const struct sl_waiter *sl_waiting_look(struct sl_waiting *r);
/* The one looked at last leaves, or waits on. */
void sl_waiting_remove(struct sl_waiting *r);
void sl_waiting_keep(struct sl_waiting *r);

static inline bool sl_waiter_is_over(const struct sl_waiter *w, uint32_t tick)
{
	return tick - w->since >= SL_WAITING_TICKS;
}

#endif
