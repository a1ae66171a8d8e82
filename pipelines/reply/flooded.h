/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP and neighbour discovery in flooded networks, where hosts that are no endpoints ask and answer:
 * what whohas.h does not serve goes on as the frame that it is.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_FLOODED_H
#define SL_REPLY_FLOODED_H

#include "whohas.h"

static inline bool sl_flooded(const struct sl_trip *t, unsigned int i)
{
	return t->world->networks[t->b->meta[i].network].flood;
}

/*
 * Is packet i from a host that is no endpoint, and that may have the address? It is learned then.
 * False where the network is not flooded.
 */
bool sl_flooded_is_host(const struct sl_trip *t, unsigned int i, const struct sl_ip *ip);
/* Packet i was read as q, and the rules for endpoints say `drop`. Its verdict; SL_KEEP: it goes on. */
enum sl_drop sl_flooded_question(
	const struct sl_trip *t, unsigned int i, const struct sl_whohas *q, enum sl_drop drop);
/* Packet i answers somebody's question. Its verdict; SL_KEEP: it goes on. */
enum sl_drop sl_flooded_answer(
	const struct sl_trip *t, unsigned int i, const struct sl_whohas_protocol *row);

#endif
