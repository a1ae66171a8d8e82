/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Super-segments for tests, and the packets that they stand for. Both are built by the frame builder,
 * layer by layer with right lengths and checksums, so the packets are an independent reference for
 * what a cutter makes.
 * Threads: one.
 */
#ifndef SL_TESTS_SUPER_FRAME_H
#define SL_TESTS_SUPER_FRAME_H

#include "sluice/super.h"
#include "tests/lib/packet.h"

enum outer {
	OUTER_NONE,
	OUTER_IP4,
	OUTER_IP6, /* without a UDP checksum, RFC 6935 */
	OUTER_IP4_SUM,
	OUTER_IP6_SUM,
	OUTER_UDP_KINDS,		/* these are VXLAN, or nothing */
	OUTER_GENEVE = OUTER_UDP_KINDS, /* over IPv6, with an option of 4 bytes */
	OUTER_IPIP4,
	OUTER_IPIP6,
	OUTER_KINDS,
};

struct super_shape {
	enum outer outer;
	bool ip6, udp;
	bool options;	 /* TCP timestamps */
	bool extensions; /* an IPv6 hop-by-hop header, or IPv4 options */
	uint8_t flags;	 /* TCP: of the whole */
	uint8_t tos;
	uint16_t size;	  /* payload of a segment */
	uint32_t payload; /* of the whole */
	uint32_t seq, seed;
};

unsigned int super_segments(const struct super_shape *s);
/* The ith packet of the wire. */
void super_segment(const struct super_shape *s, unsigned int i, struct sl_frame *f);
/* The whole, whose transport checksum is the pseudo header's sum. */
void super_whole(const struct super_shape *s, struct sl_frame *f);
/* Marks a packet as what the shape says: as one super-segment, or as one with an unfinished checksum. */
void super_mark(const struct super_shape *s, struct rte_mbuf *m, bool super);
/* The pseudo header's sum instead of the checksum. */
void super_unfinish(struct sl_frame *f);

#endif
