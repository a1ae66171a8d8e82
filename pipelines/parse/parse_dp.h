/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parse reads the headers of each packet once, and checks every length before it reads on. It fills
 * offsets, flags and the flow key, or a drop verdict.
 * Threads: worker, on its own burst.
 */
#ifndef SL_PARSE_DP_H
#define SL_PARSE_DP_H

#include "sluice/burst.h"

#define SL_PARSE_EXT_MAX 8 /* IPv6 extension headers */

/*
 * Packets idx[0..n) of workloads, whose verdicts are SL_KEEP. meta.origin and meta.network must be
 * set: the network goes into the key. Writes the fields of struct sl_meta that are parse's, hash, and
 * key4 or key6; of a fragment its range; or a drop verdict. Returns a bit for each packet without the
 * common headers: it may have a verdict now, or be no unicast IP packet. The other packets are
 * unicast TCP or UDP, have SL_P_IP4 or SL_P_IP6, and their headers are in the first segment.
 */
uint64_t sl_parse(struct sl_burst *b, const uint8_t *idx, unsigned int n);

/* The same for a whole burst of an access port. Writes meta.origin and meta.network as well. */
uint64_t sl_parse_access(struct sl_burst *b, uint32_t origin, uint32_t network);

/*
 * Is the IPv4 header checksum of a parsed packet right? True for other packets. It is checked when a
 * packet is judged. Packets of established connections are not judged, so their receiver finds a
 * broken header. What the device says is not used: of a packet that was decapsulated it may have
 * checked the outer header or the inner one.
 */
bool sl_ip4_header_intact(const struct sl_burst *b, unsigned int i);

/*
 * A frame of an underlay port without the common outer headers (outer_dp.h). Writes offsets, flags,
 * protocol, and the addresses in key4 or key6; no ports and no hash. meta.network is not read. The
 * IPv4 header checksum is checked.
 */
void sl_parse_outer(struct sl_burst *b, unsigned int i);

/* The packet quoted in an ICMP or ICMPv6 error, as that packet was sent. */
struct sl_quoted {
	struct sl_key4 k4; /* its flow key: one of the two */
	struct sl_key6 k6;
	struct sl_ip src, dst;
	uint32_t seq; /* TCP's sequence number */
	uint8_t proto;
};

/*
 * Packet i has SL_P_ICMP_ERROR. Returns 4 or 6, the family of the quoted packet. Returns 0 when the
 * quote does not name a connection: it is too short, or a later fragment.
 */
int sl_parse_quoted(const struct sl_burst *b, unsigned int i, struct sl_quoted *q);

#endif
