/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Encap of packets that are unlike those of a device without offloads (sluice/super.h): they carry
 * offloads, or their buffers are shared.
 * Threads: worker, on its own burst.
 */
#ifndef SL_OVERLAY_OFFLOADS_H
#define SL_OVERLAY_OFFLOADS_H

#include "overlay_dp.h"

/*
 * Before the push. The bytes in front of a shared buffer's data are somebody else's packet: such a
 * packet gets a buffer of its own in front. If there is none, the packet is dropped: HEADROOM. room[]
 * gets the other packets; the result is their number. b->pkt may change.
 */
unsigned int sl_offloads_make_room(
	struct sl_worker *w, struct sl_burst *b, const uint8_t *idx, unsigned int n, uint8_t *room);

/*
 * After the push: a packet with offloads says where its inner headers are now. Counts, for its tunnel,
 * the segments that the caller does not count: all but one.
 */
void sl_offloads_encapsulated(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n);

#endif
