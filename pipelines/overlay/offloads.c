/* SPDX-License-Identifier: BSD-3-Clause */
#include "offloads.h"

#include <netinet/in.h>

#include "dp/lib/pkt.h"
#include "outer.h"
#include "sluice/super.h"

/* A buffer in front of m, with the headers that later stages and devices want in the first one. */
static struct rte_mbuf *put_in_front(struct sl_worker *w, struct rte_mbuf *m)
{
	uint32_t n = (m->ol_flags & SL_OFFLOADS) != 0 ? sl_super_header(m) : 0;
	struct rte_mbuf *front = m->data_len >= n ? sl_packet_new(w) : NULL;

	if (front == NULL)
		return NULL;
	memcpy(rte_pktmbuf_mtod(front, void *), rte_pktmbuf_mtod(m, const void *), n);
	front->data_len = (uint16_t)n;
	front->pkt_len = m->pkt_len;
	front->port = m->port;
	front->packet_type = m->packet_type;
	front->hash = m->hash;
	front->tx_offload = m->tx_offload;
	front->ol_flags |= m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	front->nb_segs = (uint16_t)(m->nb_segs + 1);
	front->next = m;
	m->data_off += (uint16_t)n;
	m->data_len -= (uint16_t)n;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	return front;
}

unsigned int sl_offloads_make_room(
	struct sl_worker *w, struct sl_burst *b, const uint8_t *idx, unsigned int n, uint8_t *room)
{
	unsigned int n_room = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		struct rte_mbuf *m = b->pkt[i];

		if (unlikely(!sl_pkt_owns_room(m)))
			m = put_in_front(w, m);
		if (unlikely(m == NULL)) {
			b->verdict[i] = SL_DROP_HEADROOM;
			continue;
		}
		b->pkt[i] = m;
		room[n_room++] = (uint8_t)i;
	}
	return n_room;
}

static uint64_t tunnel_flag(const struct sl_encap *e)
{
	if (e->tx_tunnel != 0)
		return e->tx_tunnel;
	return e->ip_proto == IPPROTO_UDP ? RTE_MBUF_F_TX_TUNNEL_UDP : RTE_MBUF_F_TX_TUNNEL_IP;
}

/* DPDK's convention for tunnels. The inner headers were described before. */
static void describe(struct rte_mbuf *m, const struct sl_tunnel *t)
{
	const struct sl_encap *e = sl_encaps[t->encap];
	uint32_t l2_len = e->header_len + (e->inner_ethernet ? m->l2_len : 0u);

	if (e->ip_proto == 0) {
		m->l2_len = SL_ETH_LEN;
		return;
	}
	m->outer_l2_len = SL_ETH_LEN;
	m->outer_l3_len = sl_outer_ip_len(t->family) & 0x1ff;
	m->l2_len = l2_len & 0x7f;
	m->ol_flags |= tunnel_flag(e) | (t->family == SL_FAMILY_IP4 ? RTE_MBUF_F_TX_OUTER_IPV4
								    : RTE_MBUF_F_TX_OUTER_IPV6);
	if (t->udp6_checksum)
		m->ol_flags |= RTE_MBUF_F_TX_OUTER_UDP_CKSUM;
}

void sl_offloads_encapsulated(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_tunnel *t = b->meta[i].tunnel;
		struct rte_mbuf *m = b->pkt[i];
		uint32_t more;

		if (b->verdict[i] != SL_KEEP)
			continue;
		/* What the sender's side has checked is not what a receiver of the outer packet checks. */
		m->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		if ((m->ol_flags & SL_OFFLOADS) == 0)
			continue;
		describe(m, t);
		more = sl_super_segments(m) - 1;
		if (more > 0 && t->resolved)
			sl_tunnel_count_sent(world->tunnels, w->id, t->id, more,
				(uint64_t)more * (sl_super_header(m) - t->hdr_len));
	}
}
