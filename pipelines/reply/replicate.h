/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends copies of a frame to everybody in a flooded network: to each local place but the one that it
 * came from, and, if it came by no tunnel, to each node that has endpoints of the network. So no
 * frame goes from tunnel to tunnel, and nothing loops.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLICATE_H
#define SL_REPLICATE_H

#include "pipelines/context/trip.h"

struct sl_ends;

/* May a local endpoint get the frame? */
typedef bool (*sl_replicate_fn)(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_endpoint *to);

/*
 * Packet i, with its length and hash in the metadata. identity: its sender's. may NULL: everybody may
 * get it; otherwise a place whose endpoints all may. SL_CONSUMED, or FLOOD_RATE.
 */
enum sl_drop sl_replicate(const struct sl_trip *t, unsigned int i, uint32_t identity,
	sl_replicate_fn may, const struct sl_ends *e);

#endif
