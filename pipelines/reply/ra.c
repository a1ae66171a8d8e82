/* SPDX-License-Identifier: BSD-3-Clause */
/* Router advertisements: RFC 4861 sections 4.2 and 6.2.6, RFC 8106. */
#include <netinet/icmp6.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "answer.h"
#include "dp/lib/pkt.h"
#include "ra.h"
#include "setup.h"

enum {
	HOPS = 64,
	OTHER_CONFIG = 0x40, /* DHCPv6 has more */
	ON_LINK = 0x80,
	AUTONOMOUS = 0x40,
	IP6_MTU_MIN = 1280,
	/* RFC 4861 section 6.2.1, for an advertisement every ten minutes. */
	ROUTER_SECONDS = 1800,
	NAMES_SECONDS = 1800, /* RFC 8106 section 5.1: three times the interval */
	VALID_SECONDS = 2592000,
	PREFERRED_SECONDS = 604800,
	OPT_RDNSS = 25,
	OPT_DNSSL = 31,
};

struct prefix_option {
	uint8_t type, len, prefix_len, flags;
	uint32_t valid_be, preferred_be, reserved;
	uint8_t prefix[16];
};
_Static_assert(sizeof(struct prefix_option) == 32, "as on the wire");

/* The address that a workload makes for itself from a prefix and its MAC: RFC 4862 section 5.5.3. */
static struct sl_ip made_from(const struct sl_prefix *p, const struct sl_mac *mac)
{
	struct sl_ip ip = sl_link_local(mac);

	memcpy(ip.b, p->ip.b, 8);
	return ip;
}

static bool has(const struct sl_endpoint *ep, const struct sl_ip *ip)
{
	for (uint32_t k = 0; k < ep->n_ip; k++)
		if (sl_ip_equal(&ep->ip[k], ip))
			return true;
	return false;
}

/*
 * The prefix is on the link. A workload may make an address from it only if that is an address of
 * its endpoint: from any other address its packets would be dropped as spoofed.
 */
static void put_prefix(
	struct sl_setup_answer *w, const struct sl_setup_subnet *s, const struct sl_endpoint *ep)
{
	struct sl_ip made = made_from(&s->prefix, &ep->mac);
	bool makes = s->prefix.len == 64 && has(ep, &made);
	struct prefix_option o = {.type = ND_OPT_PREFIX_INFORMATION,
		.len = sizeof(o) / 8,
		.prefix_len = s->prefix.len,
		.flags = (uint8_t)(ON_LINK | (makes ? AUTONOMOUS : 0)),
		.valid_be = sl_be32(VALID_SECONDS),
		.preferred_be = sl_be32(PREFERRED_SECONDS)};

	memcpy(o.prefix, s->prefix.ip.b, 16);
	sl_setup_put(w, &o, sizeof(o));
}

/* An option of n bytes behind a lifetime, filled up to a multiple of 8. */
static void put_names(struct sl_setup_answer *w, uint8_t type, const void *value, uint32_t n)
{
	uint8_t o[8 + SL_SETUP_SEARCH_MAX + 7] = {type, (uint8_t)((8 + n + 7) / 8)};
	uint32_t seconds = sl_be32(NAMES_SECONDS);

	if (n == 0)
		return;
	memcpy(o + 4, &seconds, sizeof(seconds));
	memcpy(o + 8, value, n);
	sl_setup_put(w, o, o[1] * 8u);
}

/* Other subnets of the network are behind the gateway. */
static bool is_advertised(const struct sl_setup_subnet *s, const struct sl_endpoint *ep)
{
	return s->ra && s->has_gateway && !sl_prefix_is_v4(&s->prefix) && sl_setup_is_in(s, ep);
}

bool sl_ra_concerns(const struct sl_setup *s, const struct sl_endpoint *ep)
{
	for (uint32_t k = 0; s->has_ra && k < s->n; k++)
		if (is_advertised(&s->subnet[k], ep))
			return true;
	return false;
}

static void put_link(struct sl_setup_answer *w, const struct sl_setup *s, uint16_t mtu)
{
	uint8_t source[8] = {ND_OPT_SOURCE_LINKADDR, 1}, size[8] = {ND_OPT_MTU, 1};
	uint32_t mtu_be = sl_be32(mtu);

	memcpy(source + 2, s->mac.b, 6);
	memcpy(size + 4, &mtu_be, sizeof(mtu_be));
	sl_setup_put(w, source, sizeof(source));
	if (mtu >= IP6_MTU_MIN)
		sl_setup_put(w, size, sizeof(size));
}

/* The ICMPv6 message, with checksum 0. */
static void write_message(struct sl_setup_answer *w, const struct sl_setup *s,
	const struct sl_endpoint *ep, uint16_t mtu)
{
	uint8_t head[16] = {ND_ROUTER_ADVERT, [4] = HOPS, [5] = s->has_dhcp6 ? OTHER_CONFIG : 0,
		[6] = ROUTER_SECONDS >> 8, [7] = ROUTER_SECONDS & 0xff};

	w->len = 0;
	sl_setup_put(w, head, sizeof(head));
	put_link(w, s, mtu);
	for (uint32_t k = 0; k < s->n; k++)
		if (is_advertised(&s->subnet[k], ep))
			put_prefix(w, &s->subnet[k], ep);
	for (uint32_t k = 0; k < s->n; k++) {
		if (!is_advertised(&s->subnet[k], ep))
			continue;
		put_names(w, OPT_RDNSS, s->subnet[k].dns, s->subnet[k].n_dns * 16u);
		put_names(w, OPT_DNSSL, s->subnet[k].search, s->subnet[k].search_len);
	}
}

uint32_t sl_ra_write(uint8_t frame[SL_RA_FRAME_MAX], const struct sl_setup *s,
	const struct sl_endpoint *ep, const struct sl_ip *to, uint16_t mtu)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)(void *)frame;
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(void *)(eth + 1);
	uint8_t *message = (uint8_t *)(ip + 1);
	struct sl_setup_answer w;
	uint16_t sum;

	write_message(&w, s, ep, mtu);
	memcpy(eth->dst_addr.addr_bytes, ep->mac.b, 6);
	memcpy(eth->src_addr.addr_bytes, s->mac.b, 6);
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	*ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)w.len),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = 255};
	memcpy(ip->src_addr, s->router.b, 16);
	memcpy(ip->dst_addr, to->b, 16);
	memcpy(message, w.b, w.len);
	sum = rte_ipv6_udptcp_cksum(ip, message);
	memcpy(message + offsetof(struct icmp6_hdr, icmp6_cksum), &sum, sizeof(sum));
	return (uint32_t)(sizeof(*eth) + sizeof(*ip)) + w.len;
}

enum sl_drop sl_router_solicited(const struct sl_trip *t, unsigned int i)
{
	static const struct sl_ip nobody;
	struct sl_ip to;
	struct sl_asker a;
	struct rte_mbuf *m;
	uint8_t *frame;

	if (!sl_asker_find(t, i, &a) || !a.setup->has_ra)
		return SL_DROP_MULTICAST; /* there is no router */
	if (a.client == NULL)
		return SL_DROP_SPOOFED;
	if (!sl_ra_concerns(a.setup, a.client))
		return SL_DROP_MULTICAST;
	memcpy(to.b, t->b->key6[i].src, 16);
	if (sl_ip_equal(&to, &nobody))
		to = (struct sl_ip){.b = {0xff, 0x02, [15] = 1}};
	m = sl_packet_new(t->w);
	frame = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, SL_RA_FRAME_MAX) : NULL;
	if (frame == NULL) {
		rte_pktmbuf_free(m);
		return SL_CONSUMED;
	}
	rte_pktmbuf_trim(
		m, (uint16_t)(SL_RA_FRAME_MAX - sl_ra_write(frame, a.setup, a.client, &to, a.mtu)));
	sl_answer_send(t, i, m);
	return SL_CONSUMED;
}
