/* SPDX-License-Identifier: BSD-3-Clause */
#include "too_big.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "pipelines/context/send.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"
#include "quote.h"
#include "reply_state.h"
#include "sluice/super.h"

/* Bytes of the packet to quote: its headers, and enough for any stack to find its socket. */
#define QUOTE_MAX	 512u
#define ICMP_UNREACHABLE 3 /* RFC 792 */
#define FRAG_NEEDED_CODE 4

/* A frame back to the sender of packet i, with room for n bytes after Ethernet. NULL: no memory. */
static struct rte_mbuf *begin(const struct sl_trip *t, unsigned int i, uint16_t n, uint8_t **body)
{
	const struct rte_ether_hdr *from =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
	struct rte_mbuf *m = sl_packet_new(t->w);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + n));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	eth->dst_addr = from->src_addr;
	eth->src_addr = from->dst_addr;
	eth->ether_type = rte_cpu_to_be_16(
		t->b->meta[i].flags & SL_P_IP4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	*body = (uint8_t *)(eth + 1);
	return m;
}

/* Bytes to quote. Of a super-segment its first segment is quoted. */
static uint16_t quote_len(const struct sl_trip *t, unsigned int i)
{
	const struct rte_mbuf *pkt = t->b->pkt[i];
	uint32_t len = sl_is_super(pkt) ? sl_super_ip_len(pkt) : t->b->meta[i].l3_len;

	return (uint16_t)RTE_MIN(len, QUOTE_MAX);
}

static bool has_headers(const struct sl_trip *t, unsigned int i, uint32_t n)
{
	const struct sl_meta *m = &t->b->meta[i];

	return (uint32_t)m->l4_off - m->l3_off + t->b->pkt[i]->l4_len <= n;
}

/* Copy the first n bytes of the IP packet; the caller knows that they are there. The packet's sender
 * sees it as it would have been on the wire. */
static void quote(const struct sl_trip *t, unsigned int i, uint16_t n, uint8_t *to)
{
	const void *from = rte_pktmbuf_read(t->b->pkt[i], t->b->meta[i].l3_off, n, to);

	if (from != to)
		memcpy(to, from, n);
	if ((t->b->pkt[i]->ol_flags & SL_OFFLOADS) != 0 && has_headers(t, i, n))
		sl_quote_finish(t->b, i, to);
}

/*
 * The source is the destination address of the packet. A switch has no address of its own in the
 * network, and the sender's stack and filters know that address.
 */
static struct rte_mbuf *frag_needed(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *meta = &t->b->meta[i];
	uint16_t quoted = quote_len(t, i);
	uint16_t len =
		(uint16_t)(sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr) + quoted);
	struct rte_ipv4_hdr *ip;
	struct rte_icmp_hdr *icmp;
	uint8_t *body;
	struct rte_mbuf *m = begin(t, i, len, &body);

	if (m == NULL)
		return NULL;
	ip = (struct rte_ipv4_hdr *)(void *)body;
	icmp = (struct rte_icmp_hdr *)(void *)(ip + 1);
	quote(t, i, quoted, (uint8_t *)(icmp + 1));
	*ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = t->b->key4[i].dst_be,
		.dst_addr = t->b->key4[i].src_be};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	/* RFC 1191 section 4: the MTU is in the low half of the unused word. */
	*icmp = (struct rte_icmp_hdr){.icmp_type = ICMP_UNREACHABLE,
		.icmp_code = FRAG_NEEDED_CODE,
		.icmp_seq_nb = rte_cpu_to_be_16(meta->act.mtu)};
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, sizeof(*icmp) + quoted);
	return m;
}

static struct rte_mbuf *packet_too_big(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *meta = &t->b->meta[i];
	uint16_t quoted = quote_len(t, i);
	uint16_t payload = (uint16_t)(sizeof(struct icmp6_hdr) + quoted);
	/* A local copy: the struct needs an alignment that packets do not have. */
	struct icmp6_hdr icmp = {.icmp6_type = ICMP6_PACKET_TOO_BIG};
	struct rte_ipv6_hdr *ip;
	uint8_t *body, *at;
	struct rte_mbuf *m = begin(t, i, (uint16_t)(sizeof(*ip) + payload), &body);

	if (m == NULL)
		return NULL;
	ip = (struct rte_ipv6_hdr *)(void *)body;
	at = body + sizeof(*ip);
	quote(t, i, quoted, at + sizeof(icmp));
	*ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16(payload),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = 64};
	memcpy(ip->src_addr, t->b->key6[i].dst, 16);
	memcpy(ip->dst_addr, t->b->key6[i].src, 16);
	icmp.icmp6_mtu = rte_cpu_to_be_32(meta->act.mtu);
	memcpy(at, &icmp, sizeof(icmp));
	icmp.icmp6_cksum = rte_ipv6_udptcp_cksum(ip, at);
	memcpy(at, &icmp, sizeof(icmp));
	return m;
}

/* Send m, an error about packet i, into the tunnel as a burst of its own. */
static enum sl_drop send_into_tunnel(
	const struct sl_trip *t, unsigned int i, struct rte_mbuf *m, const struct sl_action *act)
{
	struct sl_burst *one = &t->p->replies[t->w->id]->burst;
	static const uint8_t first = 0;

	one->n = 1;
	one->pkt[0] = m;
	one->verdict[0] = SL_KEEP;
	one->meta[0] = t->b->meta[i];
	one->meta[0].act = *act;
	one->meta[0].l3_off = sizeof(struct rte_ether_hdr);
	one->meta[0].l3_len = (uint16_t)(rte_pktmbuf_pkt_len(m) - sizeof(struct rte_ether_hdr));
	one->meta[0].tos = 0;
	sl_encap(t->w, t->world, one, &first, 1);
	return one->verdict[0];
}

/* Sends m, an error about packet i, back to the packet's origin. */
static void send_back(const struct sl_trip *t, unsigned int i, struct rte_mbuf *m)
{
	struct sl_action act = sl_way_back(t, i);
	enum sl_drop verdict = SL_SENT;

	sl_count(&t->w->counters.generated, 1);
	if (act.kind == SL_ACT_PORT || act.kind == SL_ACT_TAGGED)
		verdict = sl_tx_put_action(t->w, &act, m);
	else if (act.kind == SL_ACT_TUNNEL)
		verdict = send_into_tunnel(t, i, m, &act);
	else
		verdict = act.reason;
	if (verdict != SL_SENT)
		sl_verdict_drop_generated(t, m, t->b->meta[i].network, verdict);
}

void sl_too_big(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *meta = &t->b->meta[i];
	struct rte_mbuf *m;

	/* RFC 1122 section 3.2.2: never about an error, a later fragment or a multicast. */
	if (meta->flags & (SL_P_ICMP_ERROR | SL_P_FRAGMENT_LATER | SL_P_MULTICAST | SL_P_ARP))
		return;
	if (!sl_icmp_rate_allows(&t->p->replies[t->w->id]->icmp_rate, t->tick, meta->network))
		return;
	m = meta->flags & SL_P_IP4 ? frag_needed(t, i) : packet_too_big(t, i);
	if (m != NULL)
		send_back(t, i, m);
}
