/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways out: the action that carries a packet to an endpoint.
 * Threads: worker, on its own burst.
 */
#ifndef SL_WAY_H
#define SL_WAY_H

#include "ends.h"

/*
 * The way to an endpoint of packet i's network, for packets of its family. sender_identity: the
 * sender's identity. SL_ACT_DROP with the reason when there is no way.
 */
struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint32_t sender_identity);
/* The way of packet i to its receiver, and of its replies to its sender. */
struct sl_action sl_way_out(const struct sl_trip *t, unsigned int i, const struct sl_ends *e);
struct sl_action sl_way_of_replies(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);
/* The way back to where packet i came from, for a packet that this node generates. */
struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i);

/* Whether packets lose their MACs on that way: it carries IP packets. */
bool sl_way_is_bare(const struct sl_trip *t, const struct sl_action *act);

/* The identity that packets from an end carry. */
static inline uint32_t sl_carried_of(const struct sl_endpoint *end)
{
	return end != NULL ? sl_endpoint_carried(end) : SL_IDENTITY_WORLD;
}

/* What policies know an end by. */
static inline uint32_t sl_identity_of(const struct sl_endpoint *end)
{
	return end != NULL ? end->identity : SL_IDENTITY_WORLD;
}

#endif
