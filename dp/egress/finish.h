/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completes the transport checksum of a packet that is no super-segment (sluice/super.h), plain or
 * inside of a tunnel, and then the outer UDP checksum if the packet asks for it. Bytes behind the IP
 * packet, such as Ethernet padding, are not part of a checksum.
 * Threads: the worker that owns the packet.
 */
#ifndef SL_DP_FINISH_H
#define SL_DP_FINISH_H

#include <stdbool.h>

#include <rte_mbuf.h>

/* Afterwards the packet asks for nothing. False: its description does not fit its bytes; it is not
 * changed. */
bool sl_finish_checksum(struct rte_mbuf *m);

/* Take away all requests. */
void sl_finish_flags(struct rte_mbuf *m);

#endif
