/* SPDX-License-Identifier: BSD-3-Clause */
#include "settle.h"

#include <netinet/in.h>

#include "dp/lib/pkt.h"
#include "pipelines/overlay/encaps.h"
#include "pipelines/overlay/tunnel_dp.h"
#include "pipelines/verdict/verdict.h"
#include "sort.h"
#include "sluice/super.h"

enum {
	ETH_LEN = 14,
	UDP_LEN = 8,
	TCP_LEN = 20,
	L2_MAX = (1 << RTE_MBUF_L2_LEN_BITS) - 1,
	L3_MAX = (1 << RTE_MBUF_L3_LEN_BITS) - 1,
};

/* What a sender can say that has to be compared with the packet. */
#define CLAIMS (SL_OFFLOADS | SL_SUPER_BROKEN)
/* Flags that only settle and encap set. */
#define SET_HERE                                                            \
	(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_IP_CKSUM | \
		RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_OUTER_IPV6 | RTE_MBUF_F_TX_TUNNEL_MASK)

/*
 * Where the sender says that the transport header begins, in the frame as it is now. 0: nowhere. A
 * driver may describe a tunnel's headers in one piece or, as DPDK does, outer ones apart.
 */
static uint32_t described_l4(const struct rte_mbuf *m, uint32_t removed)
{
	uint32_t l4 = sl_super_header(m) - m->l4_len;

	return l4 >= removed + ETH_LEN ? l4 - removed : 0;
}

/* Length of packet i's transport header; 0 when it is not the one that the checksum flag names. */
static uint32_t l4_len(const struct rte_mbuf *pkt, const struct sl_meta *m)
{
	uint64_t checksum = pkt->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint8_t buf[TCP_LEN];
	const uint8_t *p;

	if (checksum == RTE_MBUF_F_TX_UDP_CKSUM)
		return m->proto == IPPROTO_UDP ? UDP_LEN : 0;
	if (checksum != RTE_MBUF_F_TX_TCP_CKSUM || (m->flags & SL_P_TCP) == 0)
		return 0;
	p = sl_pkt_read(pkt, m->l4_off, TCP_LEN, buf);
	return p != NULL ? (p[12] >> 4) * 4u : 0;
}

static bool udp_len_is(const struct rte_mbuf *pkt, const struct sl_meta *m, uint32_t len)
{
	uint8_t buf[UDP_LEN];
	const uint8_t *p = sl_pkt_read(pkt, m->l4_off, UDP_LEN, buf);

	return p != NULL && sl_load_be16(p + 4) == len;
}

/* May these be segments of `payload` bytes in all? The checksum's flag fits the packet. */
static bool super_fits(const struct rte_mbuf *pkt, const struct sl_meta *m, uint32_t payload)
{
	uint32_t size = pkt->tso_segsz;

	if (size == 0 || payload > (uint64_t)size * SL_SUPER_SEGMENTS_MAX)
		return false;
	if ((pkt->ol_flags & SL_SUPER) == RTE_MBUF_F_TX_TCP_SEG)
		/* A SYN or a reset is one packet: which segment would it be in? */
		return (m->flags & SL_P_TCP) != 0 &&
		       (m->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) == 0;
	return (pkt->ol_flags & SL_SUPER) == RTE_MBUF_F_TX_UDP_SEG && m->proto == IPPROTO_UDP &&
	       udp_len_is(pkt, m, payload + UDP_LEN);
}

static void forget(struct rte_mbuf *pkt)
{
	pkt->ol_flags &= ~(CLAIMS | SET_HERE);
}

static bool settle(struct rte_mbuf *pkt, const struct sl_meta *m, uint32_t l4)
{
	const uint16_t whole = SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER;
	uint32_t end = (uint32_t)m->l3_off + m->l3_len, header, payload, size = 0;

	if ((m->flags & (SL_P_IP4 | SL_P_IP6)) == 0 || (m->flags & whole) != 0 || l4 != m->l4_off)
		return false;
	header = l4 + l4_len(pkt, m);
	if (header == l4 || header > end || m->l3_off > L2_MAX || l4 - m->l3_off > L3_MAX)
		return false;
	payload = end - header;
	if (sl_is_super(pkt)) {
		if (!super_fits(pkt, m, payload) || !sl_pkt_gather(pkt, header))
			return false;
		if (payload <= pkt->tso_segsz)
			pkt->ol_flags &= ~SL_SUPER;
		else
			size = pkt->tso_segsz;
	}
	if (pkt->pkt_len != end)
		sl_pkt_cut(pkt, end);
	pkt->tx_offload =
		rte_mbuf_tx_offload(m->l3_off, l4 - m->l3_off, header - l4, size, 0, 0, 0);
	pkt->ol_flags = (pkt->ol_flags & ~SET_HERE) |
			(m->flags & SL_P_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	return true;
}

/* A packet that is dropped without having been parsed to the end: may it count as described? */
static bool is_plausible(struct rte_mbuf *pkt, uint32_t l4)
{
	if (!sl_is_super(pkt) || (pkt->ol_flags & SL_SUPER_BROKEN) != 0 || l4 == 0 ||
		l4 - ETH_LEN > L3_MAX)
		return false;
	pkt->ol_flags &= ~SET_HERE;
	pkt->tx_offload =
		rte_mbuf_tx_offload(ETH_LEN, l4 - ETH_LEN, pkt->l4_len, pkt->tso_segsz, 0, 0, 0);
	return sl_super_segments(pkt) <= SL_SUPER_SEGMENTS_MAX;
}

/* Packet i counts as one so far. */
static void count_more(const struct sl_trip *t, unsigned int i, uint32_t removed)
{
	const struct rte_mbuf *pkt = t->b->pkt[i];
	const struct sl_meta *m = &t->b->meta[i];
	uint32_t more = sl_super_segments(pkt) - 1, header = sl_super_header(pkt);

	if (more == 0)
		return;
	sl_count_received_more(t->w, t->b->in_port, more, (uint64_t)more * (header + removed));
	if (removed != 0)
		sl_tunnel_count_heard(t->world->tunnels, t->w->id,
			sl_tunnel_id(m->origin & ~SL_ORIGIN_NODE, m->encap, m->outer_family), more,
			(uint64_t)more * header, t->tick);
}

static void settle_one(struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	uint32_t removed = sl_verdict_removed(t, i), l4 = described_l4(pkt, removed);
	bool broken = (pkt->ol_flags & SL_SUPER_BROKEN) != 0;

	if (removed != 0 && l4 == 0 && !broken && !sl_is_super(pkt)) {
		forget(pkt); /* the checksum of the outer UDP header */
		return;
	}
	if (t->b->verdict[i] != SL_KEEP) {
		if (!is_plausible(pkt, l4))
			forget(pkt);
	} else if (broken || !settle(pkt, &t->b->meta[i], l4)) {
		t->b->meta[i].detail = sl_offload_detail(pkt, l4);
		forget(pkt);
		sl_trip_judge(t, i, SL_DROP_OFFLOAD_MALFORMED);
		t->walked |= UINT64_C(1) << i;
	}
	count_more(t, i, removed);
}

void sl_stage_settle(struct sl_trip *t, uint64_t packets)
{
	for (unsigned int i = 0; i < t->b->n; i++) {
		struct rte_mbuf *pkt = t->b->pkt[i];

		if ((packets >> i & 1) == 0)
			continue;
		if (unlikely((pkt->ol_flags & CLAIMS) != 0))
			settle_one(t, i);
		/* It was about the outer checksum. */
		if (t->underlay && (t->b->decapped >> i & 1) != 0)
			pkt->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
}

uint64_t sl_stage_bits(const struct sl_packets *in)
{
	uint64_t bits = 0;

	for (unsigned int k = 0; k < in->n; k++)
		bits |= UINT64_C(1) << in->idx[k];
	return bits;
}

void sl_stage_settle_outer(
	struct sl_trip *t, const struct sl_packets *inner, struct sl_packets *node)
{
	const struct sl_packets all = *node;

	sl_stage_settle(t, ~sl_stage_bits(inner));
	sl_stage_keep(t, &all, node);
}
