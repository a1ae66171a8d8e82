/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewriting a packet by a record (sluice/rewrite.h), and making records.
 *
 * Checksums are changed by the difference of what they cover (RFC 1624), so a wrong one stays wrong:
 *
 *   finished	TCP, UDP, UDP-Lite, DCCP, ICMPv6: addresses and ports. ICMP: the identifier. UDP over
 *		IPv4 without one (0) stays without; a result of 0 is written as 0xffff (RFC 768).
 *   unfinished	(sluice/super.h): the field is the sum of the pseudo header, so only the addresses
 *		count. Super-segments are like that: each segment gets what the whole has.
 *   SCTP	CRC32c (RFC 9260 section 6.8) covers the ports and no address. It is linear, so it
 *		changes by the CRC of the difference. A first fragment does not tell the length that
 *		this takes: if its ports change, it is dropped.
 *   fragments	The transport checksum belongs to the first one, which has it whole: parse drops
 *		others. Of later ones the addresses change.
 *
 * Threads: worker, on its own packets. Making a record: pure functions.
 */
#ifndef SL_REWRITE_DP_H
#define SL_REWRITE_DP_H

#include <rte_mbuf.h>

#include "dp/lib/pkt.h"
#include "sluice/burst.h"

/*
 * Change a parsed packet, whose key is the one that the record was made for. SL_KEEP; or a drop
 * reason, and the packet is then as it was, or broken. meta is not changed.
 */
enum sl_drop sl_rewrite_apply(
	struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r);

/*
 * The same for an ICMP or ICMPv6 error (SL_P_ICMP_ERROR) that quotes a packet of the other
 * direction, as that one left here. So the record is that of the direction in which the error goes:
 * of the entry whose key is the reverse of the quoted packet's. The error itself gets the record's
 * addresses, where these change. The quoted packet becomes what it was when it came.
 */
enum sl_drop sl_rewrite_apply_quoted(
	struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r);

/* True when the packet's TTL or hop limit would fall to 0: it does not pass. */
static inline bool sl_rewrite_expires(
	const struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	uint32_t at = m->l3_off + (m->flags & SL_P_IP4 ? 8u : 7u);
	uint8_t buf;
	const uint8_t *hops = sl_pkt_read(pkt, at, sizeof(buf), &buf);

	return r->what & SL_REWRITE_HOP && (hops == NULL || *hops <= 1);
}

/*
 * Finish a record for packets with this key: what, macs and network are set, and src, dst and the
 * ports as far as SL_REWRITE_SRC and _DST say that they change. Sets the others from the key, and
 * the sums.
 */
void sl_rewrite_finish4(struct sl_rewrite *r, const struct sl_key4 *key);
void sl_rewrite_finish6(struct sl_rewrite *r, const struct sl_key6 *key);

/* The key of the replies to packets that leave as a finished record says. */
struct sl_key4 sl_rewrite_reply4(const struct sl_rewrite *r, uint8_t proto);
struct sl_key6 sl_rewrite_reply6(const struct sl_rewrite *r, uint8_t proto);

/*
 * Make the record of the replies, from the finished one of packets with this key. back: macs are
 * set, and in `what` SL_REWRITE_MACS and _HOP as wanted. Sets the rest.
 */
void sl_rewrite_back4(
	const struct sl_rewrite *r, const struct sl_key4 *key, struct sl_rewrite *back);
void sl_rewrite_back6(
	const struct sl_rewrite *r, const struct sl_key6 *key, struct sl_rewrite *back);

#endif
