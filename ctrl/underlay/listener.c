/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells switches that filter groups which ones this node wants: the solicited-node groups of its
 * addresses, without which nobody's neighbour discovery finds it (RFC 3810, RFC 4861 section 7.2.1). A
 * report is sent unasked when a port or its link is new, and then more often than switches forget, so
 * that no query needs an answer.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "dp/worker/worker.h"
#include "sluice/link_local.h"
#include "underlay_impl.h"

#define REPORT_TICKS (60 * SL_TICKS_PER_SECOND) /* switches forget after 260 s: section 9.4 */
#define RECORDS_MAX  60				/* fit every link that IPv6 may use */

/* Section 5.2, with the hop-by-hop header that makes routers look (RFC 2711). */
struct report {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	uint8_t hop_by_hop[8];
	uint8_t type, reserved;
	uint16_t cksum, reserved_2, n_be;
} __rte_packed __rte_aligned(2);

struct record {
	uint8_t type, aux_len;
	uint16_t n_sources_be;
	uint8_t group[16];
} __rte_packed;

enum { VERSION_2_REPORT = 143, CHANGE_TO_EXCLUDE = 4 };

static void fill(struct report *r, const struct sl_mac *mac, uint16_t n)
{
	static const uint8_t hop_by_hop[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	static const uint8_t routers[16] = {0xff, 0x02, [15] = 0x16};
	static const uint8_t routers_mac[6] = {0x33, 0x33, 0, 0, 0, 0x16};
	struct sl_ip from = sl_ip_link_local(mac);

	memset(r, 0, sizeof(*r));
	memcpy(r->eth.dst_addr.addr_bytes, routers_mac, 6);
	memcpy(r->eth.src_addr.addr_bytes, mac->b, 6);
	r->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	r->ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
	r->ip.payload_len = rte_cpu_to_be_16((uint16_t)(16 + n * sizeof(struct record)));
	r->ip.proto = IPPROTO_HOPOPTS;
	r->ip.hop_limits = 1;
	memcpy(r->ip.src_addr, from.b, 16);
	memcpy(r->ip.dst_addr, routers, 16);
	memcpy(r->hop_by_hop, hop_by_hop, sizeof(hop_by_hop));
	r->type = VERSION_2_REPORT;
	r->n_be = rte_cpu_to_be_16(n);
}

/* The pseudo header has the length and protocol of the message, not those of the packet. */
static uint16_t checksum(const struct report *r, uint32_t len)
{
	struct rte_ipv6_hdr pseudo = r->ip;

	pseudo.proto = IPPROTO_ICMPV6;
	pseudo.payload_len = rte_cpu_to_be_16((uint16_t)len);
	return rte_ipv6_udptcp_cksum(&pseudo, &r->type);
}

/* ff02::1:ffXX:XXXX: RFC 4291 section 2.7.1. */
static void add_record(struct rte_mbuf *m, const struct sl_ip *address)
{
	struct record r = {
		.type = CHANGE_TO_EXCLUDE, .group = {0xff, 0x02, [11] = 0x01, [12] = 0xff}};
	char *at = rte_pktmbuf_append(m, sizeof(r));

	memcpy(r.group + 13, address->b + 13, 3);
	if (at != NULL)
		memcpy(at, &r, sizeof(r));
}

static void send_report(struct sl_underlay *u, uint16_t port, struct rte_mbuf *m)
{
	struct sl_sample s = {.reason = SL_DROP_TX_FULL,
		.origin = SL_SAMPLE_NOWHERE,
		.in_port = SL_PORT_NONE,
		.out_port = port,
		.outer = true};

	sl_count(&sl_engine_control_counters(u->engine)->generated, 1);
	if (sl_engine_inject(u->engine, port, m))
		return;
	sl_drop_late(
		sl_engine_control_counters(u->engine), sl_engine_control_samples(u->engine), &s, m);
	rte_pktmbuf_free(m);
}

static void report(struct sl_underlay *u, const struct sl_uport *p, const struct sl_link *l)
{
	const struct sl_ip link_local = sl_ip_link_local(&p->mac);
	struct rte_mbuf *m = sl_engine_packet_new(u->engine);
	struct report *r;
	uint16_t n = 1;

	if (m == NULL)
		return; /* the next one comes */
	r = (struct report *)(void *)rte_pktmbuf_append(m, sizeof(*r));
	if (r == NULL) {
		rte_pktmbuf_free(m);
		return;
	}
	add_record(m, &link_local);
	for (size_t i = 0; i < l->n_addrs && n < RECORDS_MAX; i++) {
		if (sl_ip_is_v4(&l->addr[i].ip))
			continue;
		add_record(m, &l->addr[i].ip);
		n++;
	}
	fill(r, &p->mac, n);
	r->cksum = checksum(r, (uint32_t)(8 + n * sizeof(struct record)));
	send_report(u, p->id, m);
}

static bool has_ip6(const struct sl_link *l)
{
	for (size_t i = 0; i < l->n_addrs; i++)
		if (!sl_ip_is_v4(&l->addr[i].ip))
			return true;
	return false;
}

/* The kernel reports for a port with a host TAP. */
void sl_listeners_turn(struct sl_underlay *u)
{
	uint32_t tick = sl_engine_tick(u->engine);

	for (struct sl_uport *p = u->ports; p != NULL; p = p->hh.next) {
		const struct sl_link *l = sl_reach_find_link(&u->reach, p->id);

		if (p->is_down || (p->has_reported && tick - p->reported < REPORT_TICKS) ||
			!has_ip6(l) || sl_port_has_host(u, p->id))
			continue;
		p->has_reported = true;
		p->reported = tick;
		report(u, p, l);
	}
}
