/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways out: the action that carries a packet to an endpoint.
 * Threads: worker, on its own burst.
 */
#ifndef SL_WAY_H
#define SL_WAY_H

#include "pipelines/context/trip.h"

/*
 * The way to an endpoint of packet i's network, for packets of its family. sender_identity: the
 * sender's identity. SL_ACT_DROP with the reason when there is no way.
 */
struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint32_t sender_identity);
/* The way back to where packet i came from, for a packet that this node generates. */
struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i);

#endif
