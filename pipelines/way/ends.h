/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who sent a packet and for whom it is, by the endpoint table.
 * Threads: worker, on its own burst; what is found is valid until the end of the trip.
 */
#ifndef SL_ENDS_H
#define SL_ENDS_H

#include "pipelines/context/trip.h"

struct sl_ends {
	const struct sl_network *net;
	const struct sl_endpoint *src, *dst; /* NULL when no endpoint has the address */
	struct sl_ip src_ip, dst_ip;
};

/* Both ends of packet i; SL_KEEP, or the reason it goes no further. */
enum sl_drop sl_ends_find(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* The sender: port or node, MAC and address belong together. Fills addresses and network always. */
enum sl_drop sl_ends_find_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* Then the receiver, whose MAC the packet has. */
enum sl_drop sl_ends_find_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);

#endif
