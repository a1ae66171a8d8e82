/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "answer.h"
#include "dp/lib/pkt.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"

bool sl_setup_concerns(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	uint16_t port;

	if (m->proto != IPPROTO_UDP || (m->flags & (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)))
		return false;
	port = sl_be16(m->flags & SL_P_IP4 ? b->key4[i].dport_be : b->key6[i].dport_be);
	return port == (m->flags & SL_P_IP4 ? SL_DHCP4_SERVER : SL_DHCP6_SERVER);
}

bool sl_asker_find(const struct sl_trip *t, unsigned int i, struct sl_asker *a)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
	struct sl_action back;
	struct sl_pmap_key key;

	a->setup = t->world->networks[m->network].setup;
	if (a->setup == NULL || m->origin & SL_ORIGIN_NODE)
		return false;
	memcpy(a->mac.b, eth->src_addr.addr_bytes, sizeof(a->mac.b));
	key = sl_client_key(m->network, m->origin, &a->mac);
	a->client = sl_pmap_find(t->world->clients, &key);
	back = sl_way_back(t, i);
	a->mtu = sl_setup_mtu(
		a->setup, back.mtu); /* 0 when there is no way back: then no answer leaves either */
	return true;
}

bool sl_asker_has(const struct sl_asker *a, const struct sl_ip *ip)
{
	for (uint32_t k = 0; k < a->client->n_ip; k++)
		if (sl_ip_equal(&a->client->ip[k], ip))
			return true;
	return false;
}

const struct sl_setup_subnet *sl_setup_subnet_of(const struct sl_setup *s, const struct sl_ip *ip)
{
	for (uint32_t k = 0; k < s->n; k++)
		if (sl_prefix_contains(&s->subnet[k].prefix, ip))
			return &s->subnet[k];
	return NULL;
}

uint32_t sl_setup_message(const struct sl_trip *t, unsigned int i, uint8_t buf[SL_DHCP_MESSAGE_MAX])
{
	const struct sl_meta *m = &t->b->meta[i];
	struct rte_udp_hdr hdr;
	const struct rte_udp_hdr *udp = sl_pkt_read(t->b->pkt[i], m->l4_off, sizeof(hdr), &hdr);
	uint32_t len = udp != NULL ? sl_load_be16(&udp->dgram_len) : 0;
	const void *p;

	/* Parse has checked the length against the packet. */
	if (len <= sizeof(hdr) || len - sizeof(hdr) > SL_DHCP_MESSAGE_MAX)
		return 0;
	len -= (uint32_t)sizeof(hdr);
	p = sl_pkt_read(t->b->pkt[i], m->l4_off + (uint32_t)sizeof(hdr), len, buf);
	if (p == NULL)
		return 0;
	if (p != buf)
		memcpy(buf, p, len);
	return len;
}

/* A DHCP message from a workload. */
static enum sl_drop serve(const struct sl_trip *t, unsigned int i, const struct sl_asker *a)
{
	uint8_t message[SL_DHCP_MESSAGE_MAX];
	bool v4 = t->b->meta[i].flags & SL_P_IP4;
	uint32_t n;

	if (a->client == NULL)
		return SL_DROP_DHCP_FOREIGN;
	n = sl_setup_message(t, i, message);
	if (n == 0)
		return SL_DROP_DHCP_MALFORMED;
	return v4 ? sl_dhcp4_serve(t, i, a, message, n) : sl_dhcp6_serve(t, i, a, message, n);
}

static bool is_served(const struct sl_trip *t, unsigned int i, const struct sl_asker *a)
{
	return t->b->meta[i].flags & SL_P_IP4 ? a->setup->has_dhcp4 : a->setup->has_dhcp6;
}

bool sl_setup_serves(const struct sl_trip *t, unsigned int i)
{
	struct sl_asker a;

	return sl_asker_find(t, i, &a) && is_served(t, i, &a);
}

void sl_stage_setup(struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];
		enum sl_drop verdict = SL_DROP_MULTICAST;
		struct sl_asker a;

		if (!sl_ip4_header_intact(t->b, i))
			verdict = SL_DROP_IP4_CHECKSUM;
		else if (sl_asker_find(t, i, &a) && is_served(t, i, &a))
			verdict = serve(t, i, &a);
		sl_trip_judge(t, i, verdict);
	}
}

enum sl_drop sl_setup_unicast(const struct sl_trip *t, unsigned int i)
{
	const struct sl_setup_subnet *s;
	struct sl_asker a;
	struct sl_ip dst;

	if ((t->b->meta[i].flags & SL_P_IP4) == 0 || !sl_setup_concerns(t->b, i))
		return SL_KEEP;
	dst = sl_ip_from_v4(t->b->key4[i].dst_be);
	if (!sl_asker_find(t, i, &a) || !a.setup->has_dhcp4)
		return SL_KEEP;
	s = sl_setup_subnet_of(a.setup, &dst);
	if (s == NULL || !s->dhcp || !sl_ip_equal(&s->gateway, &dst))
		return SL_KEEP;
	return serve(t, i, &a);
}

/* The frame of an answer, with n bytes after IP; *body: there. NULL: no memory. */
static struct rte_mbuf *begin(const struct sl_trip *t, const struct sl_asker *a,
	const struct sl_setup_to *to, uint32_t n, uint8_t **body)
{
	bool v4 = sl_ip_is_v4(&to->ip);
	uint32_t ip_len = v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	struct rte_mbuf *m = sl_packet_new(t->w);
	struct rte_ether_hdr *eth = NULL;

	if (m != NULL)
		eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(
			m, (uint16_t)(sizeof(*eth) + ip_len + n));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(eth->dst_addr.addr_bytes, to->mac.b, 6);
	memcpy(eth->src_addr.addr_bytes, a->setup->mac.b, 6);
	eth->ether_type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	*body = (uint8_t *)(eth + 1);
	return m;
}

static void put_ip4(struct rte_ipv4_hdr *ip, const struct sl_setup_to *to, uint32_t n)
{
	*ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + n)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = sl_ip_v4_be(&to->from),
		.dst_addr = sl_ip_v4_be(&to->ip)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void put_ip6(
	struct rte_ipv6_hdr *ip, const struct sl_setup_to *to, uint32_t n, uint8_t proto)
{
	*ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)n),
		.proto = proto,
		.hop_limits = 255};
	memcpy(ip->src_addr, to->from.b, 16);
	memcpy(ip->dst_addr, to->ip.b, 16);
}

enum sl_drop sl_setup_answer_udp(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const struct sl_setup_to *to, const struct sl_setup_answer *w)
{
	uint32_t n = (uint32_t)sizeof(struct rte_udp_hdr) + w->len;
	uint8_t *body = NULL;
	struct rte_mbuf *m = begin(t, a, to, n, &body);
	bool v4 = sl_ip_is_v4(&to->ip);
	uint8_t *l4;
	uint16_t sum;
	struct rte_udp_hdr udp = {.src_port = sl_be16(to->sport),
		.dst_port = sl_be16(to->dport),
		.dgram_len = sl_be16((uint16_t)n)};

	if (m == NULL)
		return SL_CONSUMED;
	l4 = body + (v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	if (v4)
		put_ip4((struct rte_ipv4_hdr *)(void *)body, to, n);
	else
		put_ip6((struct rte_ipv6_hdr *)(void *)body, to, n, IPPROTO_UDP);
	memcpy(l4, &udp, sizeof(udp));
	memcpy(l4 + sizeof(udp), w->b, w->len);
	sum = v4 ? rte_ipv4_udptcp_cksum((const void *)body, l4)
		 : rte_ipv6_udptcp_cksum((const void *)body, l4);
	memcpy(l4 + offsetof(struct rte_udp_hdr, dgram_cksum), &sum, sizeof(sum));
	sl_answer_send(t, i, m);
	return SL_CONSUMED;
}
