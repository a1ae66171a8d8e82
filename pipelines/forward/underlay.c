/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_dp.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

static enum sl_drop hand_up_arp(const struct sl_trip *t, unsigned int i)
{
	struct sl_upcall up = {.m = t->b->pkt[i], .kind = SL_UPCALL_ARP, .port = t->b->in_port};

	return sl_upcall_put(&t->w->rings, &up) ? SL_SENT : SL_DROP_UPCALL_FULL;
}

/* RFC 1624: the checksum after one 16-bit word went from old to new. */
static uint16_t checksum_update(uint16_t sum, uint16_t old, uint16_t new)
{
	uint32_t s = (uint16_t)~sum + (uint16_t)~old + new;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static enum sl_drop answer_ping(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	struct rte_ether_addr mac = eth->dst_addr;
	struct rte_ipv4_hdr *ip;
	struct rte_icmp_hdr *icmp;
	rte_be32_t addr;
	uint16_t old;

	if (!(m->flags & SL_P_ICMP_ECHO) || (m->flags & (SL_P_IP6 | SL_P_FRAGMENT_FIRST)) ||
		pkt->data_len < m->l4_off + sizeof(*icmp))
		return SL_DROP_UNDERLAY_PROTOCOL;
	ip = rte_pktmbuf_mtod_offset(pkt, struct rte_ipv4_hdr *, m->l3_off);
	icmp = rte_pktmbuf_mtod_offset(pkt, struct rte_icmp_hdr *, m->l4_off);
	eth->dst_addr = eth->src_addr;
	eth->src_addr = mac;
	addr = ip->dst_addr;
	ip->dst_addr = ip->src_addr;
	ip->src_addr = addr;
	ip->time_to_live = 64;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, m->l4_off - m->l3_off);
	memcpy(&old, icmp, 2);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum =
		checksum_update(icmp->icmp_cksum, old, (uint16_t)(old & rte_cpu_to_be_16(0x00ff)));
	sl_count(&t->w->counters.consumed, 1);
	sl_count(&t->w->counters.generated, 1);
	sl_tx_put(t->w, t->b->in_port, pkt);
	return SL_SENT;
}

void sl_underlay_host(const struct sl_trip *t, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		t->b->verdict[i] = (uint8_t)(t->b->meta[i].flags & SL_P_ARP ? hand_up_arp(t, i)
									    : answer_ping(t, i));
	}
}
