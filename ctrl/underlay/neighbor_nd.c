/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery (RFC 4861): solicitations and advertisements over IPv6. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "dp/lib/checksum.h"
#include "neighbor_proto.h"
#include "pipelines/reply/advert.h"

#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE  0x20

/* Both messages have this header before the options: RFC 4861 sections 4.3 and 4.4. */
struct nd_fixed {
	uint8_t type, code;
	uint16_t cksum;
	uint32_t flags;
	uint8_t target[16];
} __rte_packed;

/* A link-layer address option: RFC 4861 section 4.6.1. */
struct nd_option {
	uint8_t type, len; /* in units of 8 bytes */
	uint8_t mac[6];
} __rte_packed;

struct solicitation {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct nd_fixed nd;
	struct nd_option source;
} __rte_packed __rte_aligned(2);
_Static_assert(sizeof(struct solicitation) == 86, "as on the wire");

#define ND_OFF	  (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv6_hdr))
#define IP6_OFF	  sizeof(struct rte_ether_hdr)
#define HOP_LIMIT 255

static const uint8_t unspecified[16];
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

static bool is_unspecified(const uint8_t *ip)
{
	return memcmp(ip, unspecified, 16) == 0;
}

/* ff02::1:ffXX:XXXX, with the address's last 24 bits: RFC 4291 section 2.7.1. */
static void solicited_node(const uint8_t *ip, uint8_t group[16])
{
	static const uint8_t prefix[16] = {0xff, 0x02, [11] = 0x01, [12] = 0xff};

	memcpy(group, prefix, 13);
	memcpy(group + 13, ip + 13, 3);
}

static bool is_nd(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(const void *)(eth + 1);
	const uint8_t *type = (const uint8_t *)(ip + 1);

	return m->data_len > ND_OFF && eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) &&
	       ip->proto == IPPROTO_ICMPV6 &&
	       (*type == ND_NEIGHBOR_SOLICIT || *type == ND_NEIGHBOR_ADVERT);
}

/* The ICMPv6 checksum, which includes a pseudo header: RFC 4443 section 2.3. */
static bool checksum_ok(const struct rte_ipv6_hdr *ip, const void *message, uint32_t len)
{
	return sl_sum_fold((uint32_t)rte_ipv6_phdr_cksum(ip, 0) + rte_raw_cksum(message, len)) ==
	       0xffff;
}

/*
 * The checks of RFC 4861 sections 7.1.1 and 7.1.2 that both messages share. *len: the length of the
 * message, from the IP header.
 */
static bool is_valid(const struct rte_mbuf *m, uint32_t *len)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, IP6_OFF);
	const struct nd_fixed *nd = (const struct nd_fixed *)(const void *)(ip + 1);

	*len = rte_be_to_cpu_16(ip->payload_len);
	return m->data_len >= ND_OFF + *len && *len >= sizeof(*nd) &&
	       (rte_be_to_cpu_32(ip->vtc_flow) >> 28) == 6 && ip->hop_limits == HOP_LIMIT &&
	       nd->code == 0 && nd->target[0] != 0xff && ip->src_addr[0] != 0xff &&
	       checksum_ok(ip, nd, *len);
}

/* The last option of that type, or NULL. False: an option without length, or cut off. */
static bool find_option(
	const struct nd_fixed *nd, uint32_t len, uint8_t type, const struct nd_option **found)
{
	const uint8_t *p = (const uint8_t *)(nd + 1), *end = (const uint8_t *)nd + len;

	*found = NULL;
	while (p < end) {
		const struct nd_option *o = (const struct nd_option *)p;

		if (end - p < (ptrdiff_t)sizeof(*o) || o->len == 0 || end - p < o->len * 8)
			return false;
		if (o->type == type)
			*found = o;
		p += o->len * 8;
	}
	return true;
}

/* A question from the unspecified address asks whether the target is free (RFC 4862 section 5.4.2). */
static bool read_solicitation(const struct rte_ipv6_hdr *ip, const struct nd_fixed *nd,
	const struct nd_option *source, struct sl_heard *h)
{
	uint8_t group[16];

	solicited_node(nd->target, group);
	if (is_unspecified(ip->src_addr) &&
		(source != NULL || memcmp(ip->dst_addr, group, sizeof(group)) != 0))
		return false;
	h->kind = SL_HEARD_QUESTION;
	memcpy(h->ip.b, ip->src_addr, 16);
	memcpy(h->about.b, nd->target, 16);
	return true;
}

/* Only a solicited advertisement answers a question of ours. */
static bool read_advertisement(
	const struct rte_ipv6_hdr *ip, const struct nd_fixed *nd, struct sl_heard *h)
{
	bool solicited = (nd->flags & rte_cpu_to_be_32((uint32_t)FLAG_SOLICITED << 24)) != 0;

	if (solicited && ip->dst_addr[0] == 0xff)
		return false;
	h->kind = SL_HEARD_ANSWER;
	memcpy(h->ip.b, nd->target, 16);
	memcpy(h->about.b, solicited ? ip->dst_addr : unspecified, 16);
	return true;
}

static bool read_nd(const struct rte_mbuf *m, struct sl_heard *h)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(const void *)(eth + 1);
	const struct nd_fixed *nd = (const struct nd_fixed *)(const void *)(ip + 1);
	bool asks = nd->type == ND_NEIGHBOR_SOLICIT;
	const struct nd_option *option;
	uint32_t len;

	if (!is_valid(m, &len) ||
		!find_option(
			nd, len, asks ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR, &option))
		return false;
	h->names_mac = option != NULL && option->len == 1;
	memcpy(h->mac.b, h->names_mac ? option->mac : eth->src_addr.addr_bytes, 6);
	return asks ? read_solicitation(ip, nd, option, h) : read_advertisement(ip, nd, h);
}

static void fill_ip(struct solicitation *s, const struct sl_neighbor_question *q)
{
	s->ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
	s->ip.payload_len = rte_cpu_to_be_16(sizeof(s->nd) + sizeof(s->source));
	s->ip.proto = IPPROTO_ICMPV6;
	s->ip.hop_limits = HOP_LIMIT;
	memcpy(s->ip.src_addr, q->from.b, 16);
	memcpy(s->ip.dst_addr, q->asked.b, 16);
}

static bool ask(struct rte_mbuf *m, const struct sl_neighbor_question *q)
{
	struct solicitation s = {.eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6),
		.nd.type = ND_NEIGHBOR_SOLICIT,
		.source = {.type = ND_OPT_SOURCE_LINKADDR, .len = 1}};
	char *frame = rte_pktmbuf_append(m, sizeof(s));

	if (frame == NULL)
		return false;
	memcpy(s.eth.src_addr.addr_bytes, q->mac.b, 6);
	fill_ip(&s, q);
	if (q->to != NULL) {
		memcpy(s.eth.dst_addr.addr_bytes, q->to->b, 6);
	} else { /* RFC 2464 section 7 */
		solicited_node(q->asked.b, s.ip.dst_addr);
		memset(s.eth.dst_addr.addr_bytes, 0x33, 2);
		memcpy(s.eth.dst_addr.addr_bytes + 2, s.ip.dst_addr + 12, 4);
	}
	memcpy(s.nd.target, q->asked.b, 16);
	memcpy(s.source.mac, q->mac.b, 6);
	s.nd.cksum = rte_ipv6_udptcp_cksum(&s.ip, &s.nd);
	memcpy(frame, &s, sizeof(s));
	return true;
}

static bool answer(struct rte_mbuf *m, const struct sl_heard *h, const struct sl_mac *mac)
{
	struct sl_advert a = {.mac = *mac, .to_mac = h->mac, .flags = FLAG_OVERRIDE};
	bool probe = is_unspecified(h->ip.b);
	char *frame;

	/*
	 * RFC 4861 section 7.2.4: the answer to a host without an address goes to all nodes,
	 * unsolicited.
	 */
	if (!probe)
		a.flags |= FLAG_SOLICITED;
	memcpy(a.target, h->about.b, 16);
	memcpy(a.to, probe ? all_nodes : h->ip.b, 16);
	rte_pktmbuf_trim(m, m->data_len);
	frame = rte_pktmbuf_append(m, SL_ADVERT_LEN);
	if (frame == NULL)
		return false;
	sl_advert_write(frame, &a);
	return true;
}

const struct sl_neighbor_proto sl_neighbor_nd = {
	.serves_ip4 = false,
	.malformed = SL_DROP_ND_MALFORMED,
	.is_own = is_nd,
	.read = read_nd,
	.ask = ask,
	.answer = answer,
};
