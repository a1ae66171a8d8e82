/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP and neighbour discovery in flooded networks, where hosts that are no endpoints ask and answer:
 * what whohas.h does not serve goes on as the frame that it is.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_FLOODED_H
#define SL_REPLY_FLOODED_H

#include "pipelines/context/trip.h"

static inline bool sl_flooded(const struct sl_trip *t, unsigned int i)
{
	return t->world->networks[t->b->meta[i].network].flood;
}

/*
 * Is packet i from a host that is no endpoint, and that may have the address? It is learned then.
 * False where the network is not flooded.
 */
bool sl_flooded_is_host(const struct sl_trip *t, unsigned int i, const struct sl_ip *ip);
/* Packet i announces the address, and no endpoint may. Its verdict; SL_KEEP: it goes on. */
enum sl_drop sl_flooded_announcement(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *address);
/* Packet i asks for an address that nobody here has. Likewise. */
enum sl_drop sl_flooded_question(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *address);
/* Packet i answers somebody's question: that MAC has the address. Likewise. */
enum sl_drop sl_flooded_answer(const struct sl_trip *t, unsigned int i, const struct sl_mac *mac,
	const struct sl_ip *address);

#endif
