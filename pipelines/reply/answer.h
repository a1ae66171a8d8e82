/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that this node makes about a packet and sends back to where it came from.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_ANSWER_H
#define SL_REPLY_ANSWER_H

#include "pipelines/context/trip.h"

/*
 * A frame to the sender of packet i, from the MAC that the packet was for, with n bytes after
 * Ethernet at *body. NULL: no memory.
 */
struct rte_mbuf *sl_answer_begin(
	const struct sl_trip *t, unsigned int i, uint16_t n, uint8_t **body);
/* Sends it to packet i's origin. Takes m. */
void sl_answer_send(const struct sl_trip *t, unsigned int i, struct rte_mbuf *m);

/* The packet was for the MAC of a gateway, which answers as the source. */
bool sl_answer_is_of_gateway(const struct sl_trip *t, unsigned int i);
/*
 * The address that answers: that of the gateway of the sender's subnet, if the packet was for a
 * gateway; otherwise the destination of the packet. A switch has no address of its own in the
 * network, and the sender's stack and filters know that address.
 */
struct sl_ip sl_answer_source(const struct sl_trip *t, unsigned int i);
/* May packet i be answered with an error (RFC 1122 section 3.2.2), and is one within the rate? */
bool sl_answer_may_err(const struct sl_trip *t, unsigned int i);

#endif
