/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of a packet that does not leave as it came: a gateway, address translation or a load
 * balancer has changed it. The record of one direction of a connection; checksums follow by
 * differences that are known when the record is made (RFC 1624).
 * Threads: the worker that resolves the connection writes the record, as it writes the flow entry;
 * workers read it.
 */
#ifndef SLUICE_REWRITE_H
#define SLUICE_REWRITE_H

#include <rte_common.h>

#include "types.h"

/* sl_rewrite.what */
enum {
	SL_REWRITE_MACS = 1 << 0,
	SL_REWRITE_HOP =
		1 << 1, /* TTL or hop limit falls by one; the miss path has refused 1 and 0 */
	SL_REWRITE_SRC = 1 << 2, /* source address and port */
	SL_REWRITE_DST = 1 << 3, /* destination address and port */
};

struct sl_rewrite {
	uint8_t macs[12]; /* destination and source MAC as the packet leaves */
	uint16_t what;	  /* SL_REWRITE_* */
	/* Ones' complement differences of addresses, and of addresses with ports. */
	uint16_t sum_l3, sum_l4;
	/* As in a flow key (burst.h): of an ICMP echo the identifier is translated. */
	uint16_t sport_be, dport_be;
	uint16_t spare;
	uint32_t network; /* of the packet as it leaves */
	uint32_t spare_2;
	struct sl_ip src, dst; /* as the packet leaves */
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_rewrite) == 64, "one cache line a direction");

#endif
