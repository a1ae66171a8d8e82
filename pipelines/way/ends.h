/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the sender and the receiver of a packet in the endpoint table.
 * Threads: worker, on its own burst; the results are valid until the end of the trip.
 */
#ifndef SL_ENDS_H
#define SL_ENDS_H

#include "pipelines/context/trip.h"

struct sl_ends {
	const struct sl_network *net;
	const struct sl_endpoint *src, *dst; /* NULL when no endpoint has the address */
	/* what src points to when its identity is as the packet claims: *ends must not be copied */
	struct sl_endpoint claimed;
	struct sl_ip src_ip, dst_ip;
};

/* Both ends of packet i. SL_KEEP, or the drop reason. */
enum sl_drop sl_ends_find(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* The sender: port or node, MAC and address must belong together. Always fills
 * addresses and network. */
enum sl_drop sl_ends_find_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* Call next: the receiver. The packet must have its MAC. */
enum sl_drop sl_ends_find_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);

#endif
