/* SPDX-License-Identifier: BSD-3-Clause */
#include "gateway.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "answer.h"
#include "dp/lib/checksum.h"
#include "dp/lib/pkt.h"
#include "icmp_error.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"

enum { ICMP_LEN = 8 };

static uint32_t ip_len(const struct sl_meta *m)
{
	return m->flags & SL_P_IP4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

/* True for an echo request in one piece, with nothing between its headers. */
static bool is_plain_ping(struct rte_mbuf *pkt, const struct sl_meta *m)
{
	const uint16_t kind = SL_P_ICMP_ECHO | SL_P_FRAGMENT_FIRST;

	return (m->flags & kind) == SL_P_ICMP_ECHO &&
	       (uint32_t)(m->l4_off - m->l3_off) == ip_len(m) &&
	       (uint32_t)m->l3_len >= ip_len(m) + ICMP_LEN &&
	       sl_pkt_gather(pkt, (uint32_t)m->l4_off + ICMP_LEN);
}

static bool checksum_ok(struct rte_mbuf *pkt, const struct sl_meta *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(pkt, const uint8_t *, m->l3_off);
	uint32_t len = (uint32_t)m->l3_off + m->l3_len - m->l4_off, sum;
	uint16_t raw = 0;

	if (rte_raw_cksum_mbuf(pkt, m->l4_off, len, &raw) != 0)
		return false;
	sum = raw;
	if ((m->flags & SL_P_IP4) == 0)
		sum += rte_raw_cksum(ip + 8, 32) + rte_cpu_to_be_16((uint16_t)len) +
		       rte_cpu_to_be_16(IPPROTO_ICMPV6);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		uint8_t v = a[k];

		a[k] = b[k];
		b[k] = v;
	}
}

/* Swapped addresses leave a checksum as it is. */
static void turn_into_reply(struct rte_mbuf *pkt, const struct sl_meta *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(pkt, uint8_t *), *ip = frame + m->l3_off;
	uint8_t *icmp = frame + m->l4_off;
	bool ip4 = m->flags & SL_P_IP4;
	uint16_t old, sum;

	swap(frame, frame + 6, 6);
	if (ip4) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)(void *)ip;

		swap(ip + 12, ip + 16, 4);
		h->time_to_live = 64;
		h->hdr_checksum = 0;
		h->hdr_checksum = rte_ipv4_cksum(h);
	} else {
		swap(ip + 8, ip + 24, 16);
		ip[7] = 64;
	}
	memcpy(&old, icmp, 2);
	memcpy(&sum, icmp + 2, 2);
	sum = sl_checksum_update(sum, old,
		rte_cpu_to_be_16(
			(uint16_t)((ip4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) << 8 | icmp[1])));
	icmp[0] = ip4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	memcpy(icmp + 2, &sum, 2);
}

/* Packet i is for the gateway's own address. */
static enum sl_drop serve(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	bool ip4 = m->flags & SL_P_IP4;

	if (is_plain_ping(pkt, m)) {
		if (!checksum_ok(pkt, m))
			return SL_DROP_L4_MALFORMED;
		turn_into_reply(pkt, m);
		m->act = sl_way_back(t, i);
		sl_verdict_replied(t);
		return SL_KEEP;
	}
	/* The last line of a traceroute to the gateway. */
	if (m->proto == IPPROTO_UDP)
		sl_icmp_error(t, i, ip4 ? ICMP_UNREACH : ICMP6_DST_UNREACH,
			ip4 ? ICMP_UNREACH_PORT : ICMP6_DST_UNREACH_NOPORT, 0);
	return SL_DROP_GATEWAY_PROTOCOL;
}

/* In a subnet of the network the host is missing; elsewhere, a route. */
static void tell_unreachable(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	bool host = sl_route_find(t->world->routes, sl_subnets_of(e->to->id), &e->dst_ip) != NULL;

	if (t->b->meta[i].flags & SL_P_IP4)
		sl_icmp_error(t, i, ICMP_UNREACH, host ? ICMP_UNREACH_HOST : ICMP_UNREACH_NET, 0);
	else
		sl_icmp_error(t, i, ICMP6_DST_UNREACH,
			host ? ICMP6_DST_UNREACH_ADDR : ICMP6_DST_UNREACH_NOROUTE, 0);
}

enum sl_drop sl_gateway(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, enum sl_drop d)
{
	bool ip4 = t->b->meta[i].flags & SL_P_IP4;

	if (d == SL_DROP_GATEWAY_PROTOCOL)
		return serve(t, i);
	if (d == SL_DROP_TTL_EXCEEDED)
		sl_icmp_error(t, i, ip4 ? ICMP_TIMXCEED : ICMP6_TIME_EXCEEDED, 0, 0);
	else if (d == SL_DROP_DESTINATION_UNKNOWN || d == SL_DROP_NAT_HAIRPIN)
		tell_unreachable(t, i, e);
	return d;
}
