/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "dp/lib/addr_map.h"
#include "dp/lib/checksum.h"
#include "dp/lib/pkt.h"
#include "pipelines/overlay/for_node.h"
#include "pipelines/overlay/tunnel_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/verdict/verdict.h"

/* A frame of a neighbour protocol: the control thread has the table. */
static enum sl_drop hand_up(const struct sl_trip *t, unsigned int i)
{
	struct sl_upcall up = {.m = t->b->pkt[i], .kind = SL_UPCALL_ARP, .port = t->b->in_port};

	return sl_upcall_put(&t->w->rings, &up) ? SL_SENT : SL_DROP_UPCALL_FULL;
}

/* True for an echo request in one piece and one buffer, with nothing between its headers. */
static bool is_plain_ping(const struct rte_mbuf *pkt, const struct sl_meta *m)
{
	const uint16_t kind = SL_P_ICMP_ECHO | SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER;
	uint32_t ip_len =
		m->flags & SL_P_IP4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);

	return (m->flags & kind) == SL_P_ICMP_ECHO && m->l4_off - m->l3_off == (int)ip_len &&
	       pkt->data_len >= m->l3_off + m->l3_len;
}

/*
 * The reply must go to one host: not to a group, and not to this node (then another host has used
 * this node's address). Parse has refused other addresses that no host has.
 */
static bool sender_is_a_host(const struct sl_trip *t, unsigned int i, const struct sl_mac *own)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);

	if (!rte_is_valid_assigned_ether_addr(&eth->src_addr) ||
		memcmp(eth->src_addr.addr_bytes, own->b, sizeof(own->b)) == 0)
		return false;
	if (t->b->meta[i].flags & SL_P_IP4)
		return sl_addr_map_find4(t->world->local_addr, t->b->key4[i].src_be) == 0;
	return sl_local6(t->world, own, t->b->key6[i].src) == 0;
}

/* The sum of ICMPv6 covers a pseudo header: RFC 4443 section 2.3. The packet has no extensions. */
static bool icmp_checksum_ok(const struct rte_mbuf *pkt, const struct sl_meta *m)
{
	const void *ip = rte_pktmbuf_mtod_offset(pkt, const void *, m->l3_off);
	const void *icmp = rte_pktmbuf_mtod_offset(pkt, const void *, m->l4_off);
	uint32_t sum = rte_raw_cksum(icmp, (size_t)m->l3_off + m->l3_len - m->l4_off);

	if (m->flags & SL_P_IP6)
		sum += rte_ipv6_phdr_cksum(ip, 0);
	return sl_sum_fold(sum) == 0xffff;
}

/* The id of the node's tunnel whose packets have this protocol and port; false: there is none. */
static bool find_tunnel(const struct sl_trip *t, uint32_t node, enum sl_family family,
	uint8_t proto, uint16_t dport_be, uint32_t *id)
{
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		const struct sl_tunnel *tunnel;

		if (!sl_encap_has_proto(sl_encaps[e], proto))
			continue;
		*id = sl_tunnel_id(node, e, family);
		tunnel = sl_tunnel_find(t->world->tunnels, *id);
		if (tunnel != NULL && (tunnel->udp_port_be == 0 || tunnel->udp_port_be == dport_be))
			return true;
	}
	return false;
}

/*
 * Packet i is an ICMP error: *id is the tunnel of the quoted packet. False unless the quoted packet
 * is a tunnel packet from this node to a known node.
 */
static bool quoted_tunnel(const struct sl_trip *t, unsigned int i, uint32_t *id)
{
	struct sl_quoted q;
	uint32_t node;
	int family;

	t->b->meta[i].network = 0; /* the underlay is not a network */
	family = sl_parse_quoted(t->b, i, &q);
	if (family == 0)
		return false;
	node = sl_addr_map_find(t->world->node_by_addr, &q.dst);
	if (node == 0 || (sl_addr_map_find(t->world->local_addr, &q.src) & SL_LOCAL_TUNNEL) == 0)
		return false;
	if (family == 4)
		return find_tunnel(t, node, SL_FAMILY_IP4, q.proto, q.k4.dport_be, id);
	return find_tunnel(t, node, SL_FAMILY_IP6, q.proto, q.k6.dport_be, id);
}

/* The MTU that an error says fits; 0: it says none. RFC 1191 section 4, RFC 4443 section 3.2. */
static uint16_t error_mtu(const struct sl_meta *m, const uint8_t *icmp)
{
	uint32_t mtu;

	if (m->flags & SL_P_IP4)
		return icmp[0] == ICMP_UNREACH && icmp[1] == ICMP_UNREACH_NEEDFRAG
			       ? sl_load_be16(icmp + 6)
			       : 0;
	mtu = icmp[0] == ICMP6_PACKET_TOO_BIG ? rte_be_to_cpu_32(sl_load32(icmp + 4)) : 0;
	return (uint16_t)RTE_MIN(mtu, UINT16_MAX);
}

/*
 * An ICMP error about a tunnel packet of this node. Anyone can send one, so it is only recorded for
 * people to see, and changes nothing.
 */
static enum sl_drop note_error(const struct sl_trip *t, unsigned int i)
{
	const struct sl_tunnel_table *tunnels = t->world->tunnels;
	struct rte_mbuf *pkt = t->b->pkt[i];
	const struct sl_meta *m = &t->b->meta[i];
	bool v4 = m->flags & SL_P_IP4;
	struct sl_tunnel_seen *s;
	const uint8_t *icmp;
	uint16_t mtu;
	uint32_t id;

	if ((m->flags & (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)) != 0 ||
		pkt->data_len < m->l3_off + m->l3_len || !quoted_tunnel(t, i, &id))
		return SL_DROP_UNDERLAY_PROTOCOL;
	if (!icmp_checksum_ok(pkt, m))
		return SL_DROP_L4_MALFORMED;
	icmp = rte_pktmbuf_mtod_offset(pkt, const uint8_t *, m->l4_off);
	s = &tunnels->seen[t->w->id][id];
	mtu = error_mtu(m, icmp);
	if (!v4)
		memcpy(tunnels->from6[t->w->id][id].b, t->b->key6[i].src, 16);
	if (mtu != 0)
		__atomic_store_n(&s->too_big, (uint64_t)t->tick << 32 | mtu, __ATOMIC_RELAXED);
	__atomic_store_n(&s->error,
		sl_tunnel_error(icmp[0], icmp[1], mtu, v4 ? t->b->key4[i].src_be : 0),
		__ATOMIC_RELAXED);
	__atomic_store_n(&s->error_tick, t->tick, __ATOMIC_RELEASE);
	sl_count(&s->errors, 1);
	return SL_DROP_TUNNEL_ERROR;
}

static void answer_ip4(struct rte_mbuf *pkt, const struct sl_meta *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(pkt, struct rte_ipv4_hdr *, m->l3_off);
	rte_be32_t addr = ip->dst_addr;

	ip->dst_addr = ip->src_addr;
	ip->src_addr = addr;
	ip->time_to_live = 64;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* The pseudo header's sum does not change when the addresses change places. */
static void answer_ip6(struct rte_mbuf *pkt, const struct sl_meta *m)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(pkt, struct rte_ipv6_hdr *, m->l3_off);
	uint8_t addr[16];

	memcpy(addr, ip->dst_addr, sizeof(addr));
	memcpy(ip->dst_addr, ip->src_addr, sizeof(addr));
	memcpy(ip->src_addr, addr, sizeof(addr));
	ip->hop_limits = 64;
}

static void turn_into_reply(struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_mac *own)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(pkt, struct rte_icmp_hdr *, m->l4_off);
	uint16_t old, new;

	eth->dst_addr = eth->src_addr;
	memcpy(eth->src_addr.addr_bytes, own->b, sizeof(own->b));
	memcpy(&old, icmp, 2);
	if (m->flags & SL_P_IP4) {
		answer_ip4(pkt, m);
		icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	} else {
		answer_ip6(pkt, m);
		icmp->icmp_type = ICMP6_ECHO_REPLY;
	}
	memcpy(&new, icmp, 2);
	icmp->icmp_cksum = sl_checksum_update(icmp->icmp_cksum, old, new);
}

static enum sl_drop reply_icmp(const struct sl_trip *t, unsigned int i, const struct sl_mac *own)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	const struct sl_meta *m = &t->b->meta[i];

	if (m->flags & SL_P_ICMP_ERROR)
		return note_error(t, i);
	if (!is_plain_ping(pkt, m))
		return SL_DROP_UNDERLAY_PROTOCOL;
	if (!sender_is_a_host(t, i, own))
		return SL_DROP_UNDERLAY_SENDER;
	if (!icmp_checksum_ok(pkt, m))
		return SL_DROP_L4_MALFORMED;
	turn_into_reply(pkt, m, own);
	sl_verdict_replied(t);
	sl_tx_put(t->w, t->b->in_port, pkt);
	return SL_SENT;
}

/* tap: the host's. An ICMP error is sluice's only if it is about a tunnel packet. */
static enum sl_drop hand_to_host(const struct sl_trip *t, unsigned int i, uint16_t tap)
{
	if (t->b->meta[i].flags & SL_P_ICMP_ERROR) {
		enum sl_drop noted = note_error(t, i);

		if (noted != SL_DROP_UNDERLAY_PROTOCOL)
			return noted;
	}
	sl_tx_put(t->w, tap, t->b->pkt[i]);
	return SL_SENT;
}

/* Router advertisements and redirects are not: routes are configured. */
static bool is_neighbor_frame(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	uint8_t buf;
	const uint8_t *type;

	if (m->flags & SL_P_ARP)
		return true;
	type = m->flags & SL_P_ND ? sl_pkt_read(t->b->pkt[i], m->l4_off, 1, &buf) : NULL;
	return type != NULL && (*type == ND_NEIGHBOR_SOLICIT || *type == ND_NEIGHBOR_ADVERT);
}

void sl_stage_node(struct sl_trip *t, const struct sl_packets *in, const struct sl_mac *own)
{
	uint16_t tap = sl_world_host_other(t->world, t->b->in_port);

	for (unsigned int k = 0; tap != SL_PORT_NONE && k < in->n; k++)
		sl_trip_judge(t, in->idx[k], hand_to_host(t, in->idx[k], tap));
	if (tap != SL_PORT_NONE)
		return;
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];

		sl_trip_judge(
			t, i, is_neighbor_frame(t, i) ? hand_up(t, i) : reply_icmp(t, i, own));
	}
}
