/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parse reads the headers of each packet once, and checks every length before it reads on. It sets
 * offsets, flags and the flow key, or a drop verdict.
 * Threads: worker, on its own burst.
 */
#ifndef SL_PARSE_DP_H
#define SL_PARSE_DP_H

#include "sluice/burst.h"

#define SL_PARSE_EXT_MAX 8 /* IPv6 extension headers */

/*
 * Packets idx[0..n) of workloads, whose verdicts are SL_KEEP. meta.origin and meta.network must be
 * set: the network goes into the key. Writes parse's fields of struct sl_meta, hash, and key4 or
 * key6; for a fragment its range; or a drop verdict. Returns a bit for each packet without the
 * common headers: such a packet may have a verdict now, or may not be a unicast IP packet. All
 * other packets are unicast TCP or UDP, have SL_P_IP4 or SL_P_IP6, and have their headers in the
 * first segment.
 */
uint64_t sl_parse(struct sl_burst *b, const uint8_t *idx, unsigned int n);

/* The same for a whole burst of an access port. Writes meta.origin and meta.network as well. */
uint64_t sl_parse_access(struct sl_burst *b, uint32_t origin, uint32_t network);

/*
 * Is the IPv4 header checksum of a parsed packet right? True for other packets. It is checked when
 * a packet is judged. Packets of established connections are not judged, so their receiver detects
 * a broken header. The device's result is not used: for a decapsulated packet it may be about the
 * outer header or the inner one.
 */
bool sl_ip4_header_intact(const struct sl_burst *b, unsigned int i);

/*
 * Parses a frame of an underlay port without the common outer headers (outer_dp.h). Writes offsets,
 * flags, protocol, and the addresses in key4 or key6, but no ports and no hash. Does not read
 * meta.network. Checks the IPv4 header checksum.
 */
void sl_parse_outer(struct sl_burst *b, unsigned int i);

/* The packet quoted in an ICMP or ICMPv6 error, as that packet was sent. */
struct sl_quoted {
	struct sl_key4 k4; /* its flow key: k4 or k6 */
	struct sl_key6 k6;
	struct sl_ip src, dst;
	uint32_t seq; /* TCP's sequence number */
	uint8_t proto;
};

/*
 * Packet i has SL_P_ICMP_ERROR. Returns 4 or 6, the family of the quoted packet. Returns 0 when the
 * quote does not identify a connection: it is too short, or a later fragment.
 */
int sl_parse_quoted(const struct sl_burst *b, unsigned int i, struct sl_quoted *q);

#endif
