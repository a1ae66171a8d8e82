/* SPDX-License-Identifier: BSD-3-Clause */
/* A template frame: where its headers are, its lengths and the sums its checksums start from. */
#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include "generator_internal.h"
#include "dp/lib/pkt.h"

enum {
	IP4_LEN = 20,
	IP6_LEN = 40,
	UDP_LEN = 8,
	TCP_LEN = 20,
	VXLAN_PORT = 4789,
	GENEVE_PORT = 6081,
	TUNNEL_LEN = 8, /* VXLAN, and Geneve without options */
};

/* A walk through a frame. type: of the header at `at`; an EtherType first, then an IP protocol. */
struct walk {
	const uint8_t *b;
	uint32_t len, at;
	uint32_t type;
	bool ip4;
	const char *what;
	struct sl_err *e;
};

static int flaw(const struct walk *w, const char *text)
{
	return sl_err_set(
		w->e, SL_ERR_PARAMS, "devargs", "generator template %s: %s", w->what, text);
}

static uint16_t be16(const uint8_t *p)
{
	return rte_be_to_cpu_16(sl_load16(p));
}

static uint32_t be32(const uint8_t *p)
{
	return rte_be_to_cpu_32(sl_load32(p));
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static int walk_ethernet(struct walk *w)
{
	if (w->len - w->at < RTE_ETHER_HDR_LEN)
		return flaw(w, "it ends within an Ethernet header");
	w->type = be16(w->b + w->at + 12);
	w->at += RTE_ETHER_HDR_LEN;
	while (w->type == RTE_ETHER_TYPE_VLAN || w->type == RTE_ETHER_TYPE_QINQ) {
		if (w->len - w->at < RTE_VLAN_HLEN)
			return flaw(w, "it ends within a VLAN tag");
		w->type = be16(w->b + w->at + 2);
		w->at += RTE_VLAN_HLEN;
	}
	return 0;
}

/* From the IP header, whose EtherType is w->type, to what it carries. */
static int walk_ip(struct walk *w)
{
	const uint8_t *ip = w->b + w->at;
	uint32_t left = w->len - w->at, len;

	w->ip4 = w->type == RTE_ETHER_TYPE_IPV4;
	if (!w->ip4 && w->type != RTE_ETHER_TYPE_IPV6)
		return flaw(w, "it is neither IPv4 nor IPv6");
	if (left < (w->ip4 ? IP4_LEN : IP6_LEN) || ip[0] >> 4 != (w->ip4 ? 4 : 6))
		return flaw(w, "its IP header is cut or of another version");
	len = w->ip4 ? be16(ip + 2) : IP6_LEN + be16(ip + 4);
	if (len > left)
		return flaw(w, "it is shorter than its IP header says");
	if (w->ip4) {
		uint32_t header = (ip[0] & 15u) * 4;

		if (header < IP4_LEN || header > len)
			return flaw(w, "its IPv4 header's length is impossible");
		if ((be16(ip + 6) & 0x3fff) != 0)
			return flaw(w, "it is a fragment");
		w->type = ip[9];
		w->at += header;
	} else {
		w->type = ip[6];
		w->at += IP6_LEN;
	}
	return 0;
}

static bool is_tunnel(const struct walk *w)
{
	uint16_t port;

	if (w->type == IPPROTO_IPIP || w->type == IPPROTO_IPV6)
		return true;
	if (w->type != IPPROTO_UDP || w->len - w->at < UDP_LEN + TUNNEL_LEN)
		return false;
	port = be16(w->b + w->at + 2);
	return port == VXLAN_PORT || port == GENEVE_PORT;
}

/* From the outer header's end into the inner IP header. */
static int walk_tunnel(struct walk *w, struct sl_gen_frame *f)
{
	const uint8_t *p = w->b + w->at;

	f->flags |= SL_GEN_F_OUTER | (w->ip4 ? SL_GEN_F_OUTER_IP4 : 0);
	f->outer_l3_off = f->l3_off;
	f->outer_src_off = f->src_off;
	if (w->type != IPPROTO_UDP) {
		w->type = w->type == IPPROTO_IPIP ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
		f->flags &= (uint16_t)~SL_GEN_F_MACS;
		f->eth_off = (uint16_t)w->at;
		return 0;
	}
	f->flags |= SL_GEN_F_OUTER_UDP | SL_GEN_F_VNI;
	f->outer_udp_off = (uint16_t)w->at;
	f->vni_off = (uint16_t)(w->at + UDP_LEN + 4);
	w->at += UDP_LEN + TUNNEL_LEN;
	if (be16(p + 2) == GENEVE_PORT) {
		if (be16(p + UDP_LEN + 2) != 0x6558)
			return flaw(w, "its Geneve header is of something else than Ethernet");
		w->at += (p[UDP_LEN] & 0x3fu) * 4;
	}
	if (w->at > w->len)
		return flaw(w, "it ends within its tunnel header");
	f->eth_off = (uint16_t)w->at;
	return walk_ethernet(w);
}

static int walk_one_ip(struct walk *w, struct sl_gen_frame *f)
{
	f->l3_off = (uint16_t)w->at;
	if (walk_ip(w) != 0)
		return -EINVAL;
	f->src_off = (uint16_t)(f->l3_off + (w->ip4 ? 12 : 20));
	f->dst_off = (uint16_t)(f->l3_off + (w->ip4 ? 16 : 36));
	return 0;
}

int sl_gen_frame_find(struct sl_gen_frame *f, const uint8_t *b, const struct sl_gen_options *o,
	const char *what, struct sl_err *e)
{
	struct walk w = {.b = b, .len = f->len, .what = what, .e = e};
	uint32_t header;

	f->flags = SL_GEN_F_MACS;
	if (walk_ethernet(&w) != 0 || walk_one_ip(&w, f) != 0)
		return -EINVAL;
	if (o->vary == 0 && is_tunnel(&w) && (walk_tunnel(&w, f) != 0 || walk_one_ip(&w, f) != 0))
		return -EINVAL;
	f->flags |= w.ip4 ? SL_GEN_F_IP4 : 0;
	f->l4_off = (uint16_t)w.at;
	if (w.type != IPPROTO_UDP && w.type != IPPROTO_TCP)
		return flaw(
			&w, "it carries neither UDP nor TCP, whose ports would tell flows apart");
	f->flags |= w.type == IPPROTO_UDP ? SL_GEN_F_UDP : 0;
	header = w.type == IPPROTO_UDP ? UDP_LEN : TCP_LEN;
	if (w.len - w.at < header)
		return flaw(&w, "it ends within its UDP or TCP header");
	f->l4_csum_off = (uint16_t)(w.at + (w.type == IPPROTO_UDP ? 6 : 16));
	return 0;
}

/* Set the lengths in an IP header and in UDP, if there is one, so that the packet ends where the
 * frame ends. */
static void stretch(const struct sl_gen_frame *f, uint32_t l3_off, uint32_t udp_off)
{
	uint8_t *ip = f->data + l3_off;

	if (ip[0] >> 4 == 4)
		put16(ip + 2, f->len - l3_off);
	else
		put16(ip + 4, f->len - l3_off - IP6_LEN);
	if (udp_off != 0)
		put16(f->data + udp_off + 4, f->len - udp_off);
}

/* One's complement sum of words as they lie in memory, the last byte filled up with zero. */
static uint32_t sum(const uint8_t *p, uint32_t len)
{
	uint64_t s = 0;
	uint32_t i = 0;

	for (; i + 1 < len; i += 2)
		s += sl_load16(p + i);
	if (i < len)
		s += rte_cpu_to_be_16((uint16_t)(p[i] << 8));
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint32_t)s;
}

static void make_sums(struct sl_gen_frame *f)
{
	uint8_t *ip = f->data + f->l3_off;
	bool ip4 = (f->flags & SL_GEN_F_IP4) != 0;
	uint32_t len = ip4 ? be16(ip + 2) - (uint32_t)(f->l4_off - f->l3_off) : be16(ip + 4);

	memset(f->data + f->src_off, 0, 4);
	memset(f->data + f->dst_off, 0, 4);
	memset(f->data + f->l4_off, 0, 4);
	memset(f->data + f->l4_csum_off, 0, 2);
	if (ip4)
		memset(ip + 10, 0, 2);
	f->l3_sum = ip4 ? sum(ip, (uint32_t)(f->l4_off - f->l3_off)) : 0;
	f->l4_sum = sum(f->data + f->l4_off, len) + (ip4 ? 0 : sum(ip + 8, 32)) +
		    rte_cpu_to_be_16(f->flags & SL_GEN_F_UDP ? IPPROTO_UDP : IPPROTO_TCP) +
		    rte_cpu_to_be_16((uint16_t)len);
	if (f->flags & SL_GEN_F_OUTER) {
		uint8_t *outer = f->data + f->outer_l3_off;

		memset(f->data + f->outer_src_off, 0, 4);
		if (f->flags & SL_GEN_F_OUTER_UDP)
			memset(f->data + f->outer_udp_off + 6, 0, 2);
		if (f->flags & SL_GEN_F_OUTER_IP4) {
			memset(outer + 10, 0, 2);
			f->outer_sum = sum(outer, (outer[0] & 15u) * 4);
		}
	}
}

static void read_bases(struct sl_gen_frame *f)
{
	f->src = be32(f->data + f->src_off);
	f->dst = be32(f->data + f->dst_off);
	f->sport = be16(f->data + f->l4_off);
	f->dport = be16(f->data + f->l4_off + 2);
	if (f->flags & SL_GEN_F_MACS) {
		f->dmac = be32(f->data + f->eth_off + 2);
		f->smac = be32(f->data + f->eth_off + 8);
	}
	if (f->flags & SL_GEN_F_OUTER)
		f->outer_src = be32(f->data + f->outer_src_off);
	if (f->flags & SL_GEN_F_VNI)
		f->vni_word = be32(f->data + f->vni_off);
}

int sl_gen_frame_finish(struct sl_gen_frame *f, const char *what, struct sl_err *e)
{
	uint32_t header = f->flags & SL_GEN_F_UDP ? UDP_LEN : TCP_LEN;

	/* TCP options of the template must fit, because its data offset is kept */
	if (!(f->flags & SL_GEN_F_UDP))
		header = RTE_MAX(header, (uint32_t)(f->data[f->l4_off + 12] >> 4) * 4);
	if (f->len < f->l4_off + header)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"size\": the headers of template %s take %u bytes of "
			"the frame",
			what, f->l4_off + header - f->eth_off);
	stretch(f, f->l3_off, f->flags & SL_GEN_F_UDP ? f->l4_off : 0);
	if (f->flags & SL_GEN_F_OUTER)
		stretch(f, f->outer_l3_off, f->flags & SL_GEN_F_OUTER_UDP ? f->outer_udp_off : 0);
	read_bases(f);
	make_sums(f);
	return 0;
}
