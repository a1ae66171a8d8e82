/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>

#include "drop_view.h"
#include "sluice/encap.h"

#define EXTENSIONS_MAX 8
#define ETH_LEN	       14
#define UDP_LEN	       8

uint32_t sl_drop_byte(const struct sl_drop_part *p, uint32_t off)
{
	return sl_drop_has(p, off, 1) ? p->p[off] : 0;
}

uint32_t sl_drop_word(const struct sl_drop_part *p, uint32_t off)
{
	return sl_drop_has(p, off, 2) ? (uint32_t)p->p[off] << 8 | p->p[off + 1] : 0;
}

static struct sl_drop_part behind(const struct sl_drop_part *p, uint32_t off)
{
	if (p->p == NULL || off > p->len)
		return (struct sl_drop_part){0};
	return (struct sl_drop_part){p->p + off, p->len - off};
}

static struct sl_ip ip4_at(const struct sl_drop_part *p, uint32_t off)
{
	uint32_t be;

	memcpy(&be, p->p + off, 4);
	return sl_ip_from_v4(be);
}

static void read_eth(struct sl_drop_view *v)
{
	uint32_t off = 12;

	static const uint8_t none[12];

	if (!sl_drop_has(&v->frame, 0, 12))
		return;
	/* Decap gives an inner IP packet an Ethernet header without addresses. */
	v->has_macs = memcmp(v->frame.p, none, sizeof(none)) != 0;
	memcpy(v->destination_mac.b, v->frame.p, 6);
	memcpy(v->source_mac.b, v->frame.p + 6, 6);
	while (sl_drop_word(&v->frame, off) == 0x8100 || sl_drop_word(&v->frame, off) == 0x88a8) {
		if (v->n_tags++ == 0)
			v->vlan = sl_drop_word(&v->frame, off + 2) & 0xfff;
		off += 4;
	}
	v->ethertype = (uint16_t)sl_drop_word(&v->frame, off);
	v->l3 = behind(&v->frame, off + 2);
}

/*
 * Walks extension headers (RFC 8200 section 4) as far as the bytes go. True when a transport header
 * follows.
 */
static bool walk_extensions(struct sl_drop_view *v, uint32_t *off)
{
	for (unsigned int i = 0; i < EXTENSIONS_MAX; i++) {
		uint32_t next = sl_drop_byte(&v->l3, *off), len = sl_drop_byte(&v->l3, *off + 1);

		switch (v->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			len = (len + 1) * 8;
			break;
		case IPPROTO_FRAGMENT:
			if ((sl_drop_word(&v->l3, *off + 2) & 0xfff8) != 0) {
				v->proto = (uint8_t)next;
				return false;
			}
			len = 8;
			break;
		default:
			return true;
		}
		if (!sl_drop_has(&v->l3, *off, 8))
			return false;
		v->proto = (uint8_t)next;
		*off += len;
	}
	return false;
}

static void read_ip4(struct sl_drop_view *v)
{
	uint32_t ihl = (sl_drop_byte(&v->l3, 0) & 15) * 4;

	if (!sl_drop_has(&v->l3, 0, 20))
		return;
	v->has_addresses = true;
	v->source = ip4_at(&v->l3, 12);
	v->destination = ip4_at(&v->l3, 16);
	v->proto = v->l3.p[9];
	if (ihl >= 20 && (sl_drop_word(&v->l3, 6) & 0x1fff) == 0)
		v->l4 = behind(&v->l3, ihl);
}

static void read_ip6(struct sl_drop_view *v)
{
	uint32_t off = 40;

	if (!sl_drop_has(&v->l3, 0, 40))
		return;
	v->has_addresses = true;
	memcpy(v->source.b, v->l3.p + 8, 16);
	memcpy(v->destination.b, v->l3.p + 24, 16);
	v->proto = v->l3.p[6];
	if (walk_extensions(v, &off))
		v->l4 = behind(&v->l3, off);
}

static void read_arp(struct sl_drop_view *v)
{
	if (!sl_drop_has(&v->l3, 0, 28))
		return;
	v->has_addresses = true;
	v->source = ip4_at(&v->l3, 14);
	v->destination = ip4_at(&v->l3, 24);
}

/* The ports of TCP, UDP and SCTP; for ICMP, the values that a flow key has in their place. */
static void read_ports(struct sl_drop_view *v)
{
	uint32_t type = sl_drop_byte(&v->l4, 0), id = sl_drop_word(&v->l4, 4), request;

	if (!sl_drop_has(&v->l4, 0, 4))
		return;
	v->has_ports = true;
	switch (v->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		v->source_port = (uint16_t)sl_drop_word(&v->l4, 0);
		v->destination_port = (uint16_t)sl_drop_word(&v->l4, 2);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		request = v->proto == IPPROTO_ICMP ? 8 : 128;
		if (type == request) {
			v->source_port = (uint16_t)id;
			v->destination_port = (uint16_t)(type << 8);
		} else if (type == (v->proto == IPPROTO_ICMP ? 0 : 129)) {
			v->source_port = (uint16_t)(request << 8);
			v->destination_port = (uint16_t)id;
		} else {
			v->source_port = (uint16_t)sl_drop_word(&v->l4, 0);
		}
		return;
	default:
		v->has_ports = false;
	}
}

static void read_ip(struct sl_drop_view *v)
{
	if (v->ethertype == SL_DROP_ETH_IP4)
		read_ip4(v);
	else if (v->ethertype == SL_DROP_ETH_IP6)
		read_ip6(v);
}

static void read_frame(struct sl_drop_view *v)
{
	read_eth(v);
	if (v->ethertype == SL_DROP_ETH_ARP)
		read_arp(v);
	else
		read_ip(v);
	read_ports(v);
}

/* An IP packet without an Ethernet header. */
static void read_packet(struct sl_drop_view *v)
{
	v->l3 = v->frame;
	v->frame.p = NULL;
	v->ethertype = sl_drop_byte(&v->l3, 0) >> 4 == 6 ? SL_DROP_ETH_IP6 : SL_DROP_ETH_IP4;
	read_ip(v);
	read_ports(v);
}

/*
 * True when the current frame is a tunnel packet: then its headers are the outer ones, and v->frame
 * is the frame that it carries, to be read next. *ip: it is an IP packet.
 */
static bool read_tunnel(struct sl_drop_view *v, bool *ip)
{
	struct sl_tunnel_header h;
	struct sl_drop_part inner;
	unsigned int e;

	if (v->n_tags > 0 || v->l4.p == NULL)
		return false;
	e = sl_encap_find(v->proto, __builtin_bswap16(v->destination_port));
	if (e == SL_ENCAP_COUNT)
		return false;
	v->has_outer = true;
	v->encap = (uint8_t)e;
	v->outer_ip = v->l3;
	v->outer_source = v->source;
	v->outer_destination = v->destination;
	v->tunnel = behind(&v->l4, v->proto == IPPROTO_UDP ? UDP_LEN : 0);
	if (v->tunnel.p == NULL || !sl_encaps[e]->parse(v->tunnel.p, v->tunnel.len, &h))
		return false;
	v->has_vni = sl_encaps[e]->carries_network;
	v->vni = h.vni;
	inner = behind(&v->tunnel, h.len);
	*ip = h.inner_ip;
	if (!sl_drop_has(&inner, 0, *ip ? 1 : ETH_LEN))
		return false;
	v->frame = inner;
	return true;
}

void sl_drop_view_read(struct sl_drop_view *v, const struct sl_sample *s)
{
	struct sl_drop_view outer;
	bool ip = false;

	memset(v, 0, sizeof(*v));
	v->frame.p = s->bytes;
	v->frame.len = s->n_bytes < SL_SAMPLE_BYTES ? s->n_bytes : SL_SAMPLE_BYTES;
	read_frame(v);
	if (!s->outer || !read_tunnel(v, &ip))
		return;
	outer = *v;
	memset(v, 0, sizeof(*v));
	v->has_outer = true;
	v->has_vni = outer.has_vni;
	v->encap = outer.encap;
	v->outer_ip = outer.outer_ip;
	v->tunnel = outer.tunnel;
	v->outer_source = outer.outer_source;
	v->outer_destination = outer.outer_destination;
	v->vni = outer.vni;
	v->frame = outer.frame;
	if (ip)
		read_packet(v);
	else
		read_frame(v);
}
