/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parse: every length checked against the packet before it is read, once. Fills offsets, flags and
 * the flow key of each packet, or a drop verdict. Threads: worker, on its own burst.
 */
#ifndef SL_PARSE_DP_H
#define SL_PARSE_DP_H

#include "sluice/burst.h"

#define SL_PARSE_EXT_MAX 8 /* IPv6 extension headers */

/*
 * Parse packets idx[0..n), whose verdicts are SL_KEEP, as workload traffic. meta.origin and
 * meta.network must be set: the network goes into the key. Writes meta's parse fields, hash and
 * key4 or key6, or a drop verdict. Returns a bit for each packet that took more than a look at
 * plain headers: it may have a verdict now, or be of a kind that is no unicast IP. The others are
 * unicast TCP or UDP with SL_P_IP4 or SL_P_IP6 and their headers in the first segment.
 */
uint64_t sl_parse(struct sl_burst *b, const uint8_t *idx, unsigned int n);

/* The same for a whole burst of an access port; writes meta.origin and meta.network as well. */
uint64_t sl_parse_access(struct sl_burst *b, uint32_t origin, uint32_t network);

/*
 * The IPv4 header checksum of a parsed packet; true for others. To be asked where a packet is
 * judged: established connections are not, so there a broken header is the receiver's business. The
 * device is not asked: after decap its word is about the headers that are gone, or these.
 */
bool sl_ip4_header_intact(const struct sl_burst *b, unsigned int i);

/*
 * One outer frame of an underlay port that sl_outer_read did not take: offsets, flags, protocol,
 * and of the key the addresses alone (in key4 or key6); no hash, meta.network is not read. The IPv4
 * header checksum is verified.
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
 * Of packet i, whose flags have SL_P_ICMP_ERROR. Returns 4 or 6, the family, or 0 when too little
 * is quoted to tell a connection by, which a later fragment is as well.
 */
int sl_parse_quoted(const struct sl_burst *b, unsigned int i, struct sl_quoted *q);

#endif
