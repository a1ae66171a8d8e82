/* SPDX-License-Identifier: BSD-3-Clause */
#include "super_frame.h"

#include <stdlib.h>

enum {
	CWR = 0x80,
	PSH_FIN = 0x09,
	OUTER_ID = 7000,
	INNER_ID = 65530, /* wraps around */
};

static uint8_t payload_byte(const struct super_shape *s, uint32_t i)
{
	return (uint8_t)((i + s->seed) * 2654435761u >> 13);
}

unsigned int super_segments(const struct super_shape *s)
{
	return (s->payload + s->size - 1) / s->size;
}

static bool is_ip_in_ip(const struct super_shape *s)
{
	return s->outer == OUTER_IPIP4 || s->outer == OUTER_IPIP6;
}

static bool is_outer6(const struct super_shape *s)
{
	return s->outer == OUTER_IP6 || s->outer == OUTER_IP6_SUM || s->outer == OUTER_GENEVE ||
	       s->outer == OUTER_IPIP6;
}

static void add_outer(const struct super_shape *s, unsigned int i, struct sl_frame *f)
{
	static const uint8_t geneve[16] = {
		2, 0, 0x65, 0x58, 0, 0, 100, 0, 0xff, 1, 1, 1, 0, 0, 3, 0xe9};
	bool sum = s->outer == OUTER_IP4_SUM || s->outer == OUTER_IP6_SUM;
	uint8_t ip_in_ip = !is_ip_in_ip(s) ? 0 : s->ip6 ? 41 : 4;

	if (s->outer == OUTER_NONE)
		return;
	sl_frame_eth(f, .dst = "02:00:00:00:0b:01", .src = "02:00:00:00:0a:01");
	if (is_outer6(s))
		sl_frame_ip6(
			f, .src = "fd01::1", .dst = "fd01::2", .tclass = s->tos, .proto = ip_in_ip);
	else
		sl_frame_ip4(f, .src = "192.0.2.1", .dst = "192.0.2.2", .tos = s->tos,
			.id = (uint16_t)(OUTER_ID + i), .frag = 0x4000, .proto = ip_in_ip);
	if (is_ip_in_ip(s))
		return;
	sl_frame_udp(f, .sport = 50000, .dport = s->outer == OUTER_GENEVE ? 6081 : 4789,
		.no_checksum = !sum);
	if (s->outer == OUTER_GENEVE)
		sl_frame_bytes(f, geneve, sizeof(geneve));
	else
		sl_frame_vxlan(f);
}

static void add_ip(const struct super_shape *s, unsigned int i, struct sl_frame *f)
{
	static const uint8_t router_alert[4] = {0x94, 4, 0, 0};

	if (s->ip6) {
		sl_frame_ip6(f, .tclass = s->tos, .flow = 0x12345);
		if (s->extensions)
			sl_frame_ip6_ext(f, .proto = 0);
		return;
	}
	sl_frame_ip4(f, .tos = s->tos, .id = (uint16_t)(INNER_ID + i), .frag = 0x4000,
		.options = s->extensions ? router_alert : NULL,
		.options_len = s->extensions ? sizeof(router_alert) : 0);
}

static void add_transport(
	const struct super_shape *s, uint32_t off, uint8_t flags, struct sl_frame *f)
{
	static const uint8_t timestamps[12] = {1, 1, 8, 10, 0, 0, 3, 4, 0, 0, 5, 6};

	if (s->udp) {
		sl_frame_udp(f);
		return;
	}
	sl_frame_tcp(f, .seq = s->seq + off, .ack = 77, .flags = flags, .window = 501,
		.options = s->options ? timestamps : NULL,
		.options_len = s->options ? sizeof(timestamps) : 0);
}

static void build(const struct super_shape *s, unsigned int i, uint32_t off, uint32_t len,
	uint8_t flags, struct sl_frame *f)
{
	static uint8_t bytes[1 << 16];

	for (uint32_t k = 0; k < len; k++)
		bytes[k] = payload_byte(s, off + k);
	sl_frame_start(f);
	add_outer(s, i, f);
	if (!is_ip_in_ip(s))
		sl_frame_eth(f);
	add_ip(s, i, f);
	add_transport(s, off, flags, f);
	sl_frame_bytes(f, bytes, len);
	sl_frame_end(f);
}

void super_segment(const struct super_shape *s, unsigned int i, struct sl_frame *f)
{
	uint32_t off = i * s->size, len = RTE_MIN((uint32_t)s->size, s->payload - off);
	uint8_t flags = s->flags;

	if (i > 0)
		flags &= (uint8_t)~CWR;
	if (i + 1 < super_segments(s))
		flags &= (uint8_t)~PSH_FIN;
	build(s, i, off, len, flags, f);
}

static uint32_t innermost(const struct sl_frame *f, bool transport)
{
	for (unsigned int i = f->n_layers; i-- > 0;) {
		enum sl_layer_kind k = f->layer[i].kind;

		if (transport ? k == SL_LAYER_TCP || k == SL_LAYER_UDP
			      : k == SL_LAYER_IP4 || k == SL_LAYER_IP6)
			return f->layer[i].off;
	}
	abort();
}

void super_unfinish(struct sl_frame *f)
{
	uint32_t ip = innermost(f, false), l4 = innermost(f, true), len = f->len - l4, sum;
	bool tcp = f->layer[f->n_layers - 1].kind == SL_LAYER_TCP, ip6 = f->b[ip] >> 4 == 6;
	const uint8_t *addresses = f->b + ip + (ip6 ? 8 : 12);
	uint32_t at = l4 + (tcp ? 16u : 6u);

	sum = (tcp ? 6u : 17u) + len;
	for (unsigned int i = 0; i < (ip6 ? 32u : 8u); i += 2)
		sum += (uint32_t)addresses[i] << 8 | addresses[i + 1];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	f->b[at] = (uint8_t)(sum >> 8);
	f->b[at + 1] = (uint8_t)sum;
}

void super_whole(const struct super_shape *s, struct sl_frame *f)
{
	build(s, 0, 0, s->payload, s->flags, f);
	super_unfinish(f);
}

void super_mark(const struct super_shape *s, struct rte_mbuf *m, bool super)
{
	bool outer6 = is_outer6(s);

	m->l2_len = 14;
	m->l3_len = (s->ip6 ? (s->extensions ? 48 : 40) : (s->extensions ? 24 : 20)) & 0x1ff;
	m->l4_len = (s->udp ? 8 : (s->options ? 32 : 20)) & 0xff;
	m->ol_flags |= s->udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
	m->ol_flags |= s->ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
	if (super) {
		m->tso_segsz = s->size;
		m->ol_flags |= s->udp ? RTE_MBUF_F_TX_UDP_SEG : RTE_MBUF_F_TX_TCP_SEG;
	}
	if (s->outer == OUTER_NONE)
		return;
	m->outer_l2_len = 14;
	m->outer_l3_len = (outer6 ? 40 : 20) & 0x1ff;
	if (is_ip_in_ip(s))
		m->l2_len = 0;
	else
		m->l2_len = s->outer == OUTER_GENEVE ? 8 + 16 + 14 : 8 + 8 + 14;
	m->ol_flags |= (is_ip_in_ip(s)			  ? RTE_MBUF_F_TX_TUNNEL_IPIP
			       : s->outer == OUTER_GENEVE ? RTE_MBUF_F_TX_TUNNEL_GENEVE
							  : RTE_MBUF_F_TX_TUNNEL_VXLAN) |
		       (outer6 ? RTE_MBUF_F_TX_OUTER_IPV6 : RTE_MBUF_F_TX_OUTER_IPV4);
	if (s->outer == OUTER_IP4_SUM || s->outer == OUTER_IP6_SUM)
		m->ol_flags |= RTE_MBUF_F_TX_OUTER_UDP_CKSUM;
}
