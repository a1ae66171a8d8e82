/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of a packet that does not leave as it came: a gateway, address translation or a load
 * balancer has changed it. The record of one direction of a connection. Checksums follow by
 * differences that are known when the record is made (RFC 1624): pipelines/rewrite/rewrite_dp.h
 * makes a record, and applies it.
 * Threads: the worker that resolves the connection writes the record, as it writes the flow entry;
 * workers read copies of it (pipelines/flow/flow_dp.h).
 */
#ifndef SLUICE_REWRITE_H
#define SLUICE_REWRITE_H

#include <rte_common.h>

#include "types.h"

/* sl_rewrite.what */
enum {
	SL_REWRITE_MACS = 1 << 0,
	/* TTL or hop limit falls by one. No packet with 1 or 0 is served by such a record: the miss
	 * path answers it. */
	SL_REWRITE_HOP = 1 << 1,
	SL_REWRITE_SRC = 1 << 2, /* source address and port */
	SL_REWRITE_DST = 1 << 3, /* destination address and port */
};

struct sl_rewrite {
	uint8_t macs[12]; /* destination and source MAC as the packet leaves */
	uint16_t what;	  /* SL_REWRITE_* */
	/*
	 * Ones' complement differences, in the packet's byte order: of the IPv4 header with its
	 * TTL; of the addresses; of the addresses and ports.
	 */
	uint16_t sum_ip, sum_l3, sum_l4;
	/* As in a flow key (burst.h): of an ICMP echo the identifier is translated. */
	uint16_t sport_be, dport_be;
	uint32_t network; /* of the packet as it leaves */
	uint32_t spare;
	struct sl_ip src, dst; /* as the packet leaves */
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_rewrite) == 64, "one cache line a direction");

#endif
