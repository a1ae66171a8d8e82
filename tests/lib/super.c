/* SPDX-License-Identifier: BSD-3-Clause */
#include "super.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ip.h>

#include "dp/lib/checksum.h"

static const struct sl_layer *last_of(
	const struct sl_frame *f, enum sl_layer_kind a, enum sl_layer_kind b)
{
	for (unsigned int i = f->n_layers; i-- > 0;)
		if (f->layer[i].kind == a || f->layer[i].kind == b)
			return &f->layer[i];
	return NULL;
}

uint32_t sl_super_l4(const struct sl_frame *f)
{
	const struct sl_layer *l = last_of(f, SL_LAYER_TCP, SL_LAYER_UDP);

	if (l == NULL)
		abort();
	return l->off;
}

uint32_t sl_super_l3(const struct sl_frame *f)
{
	const struct sl_layer *l = last_of(f, SL_LAYER_IP4, SL_LAYER_IP6);

	if (l == NULL)
		abort();
	return l->off;
}

static bool is_tcp(const struct sl_frame *f)
{
	return last_of(f, SL_LAYER_TCP, SL_LAYER_UDP)->kind == SL_LAYER_TCP;
}

void sl_super_unfinish(struct sl_frame *f)
{
	uint32_t l3 = sl_super_l3(f), l4 = sl_super_l4(f);
	bool ip4 = f->b[l3] >> 4 == 4, tcp = is_tcp(f);
	uint32_t len = ip4 ? (uint32_t)(f->b[l3 + 2] << 8 | f->b[l3 + 3]) - (l4 - l3)
			   : (uint32_t)(f->b[l3 + 4] << 8 | f->b[l3 + 5]) - (l4 - l3 - 40);
	uint8_t tail[4] = {0, tcp ? IPPROTO_TCP : IPPROTO_UDP, (uint8_t)(len >> 8), (uint8_t)len};
	uint32_t sum = rte_raw_cksum(&f->b[l3 + (ip4 ? 12 : 8)], ip4 ? 8 : 32);
	uint16_t folded;

	sum += rte_raw_cksum(tail, sizeof(tail));
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	memcpy(&f->b[l4 + (tcp ? 16 : 6)], &folded, 2);
}

void sl_super_describe(struct rte_mbuf *m, const struct sl_frame *f, uint16_t size)
{
	uint32_t l4 = sl_super_l4(f);
	bool tcp = is_tcp(f);

	m->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (size != 0)
		m->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
	m->l2_len = 14;
	m->l3_len = (l4 - 14) & 0x1ff;
	m->l4_len = tcp ? (uint8_t)((f->b[l4 + 12] >> 4) * 4) : 8;
	m->tso_segsz = size;
}

struct rte_mbuf *sl_super_mbuf(struct sl_frame *f, uint16_t size)
{
	struct rte_mbuf *m;

	sl_super_unfinish(f);
	m = sl_frame_mbuf(f);
	sl_super_describe(m, f, size);
	return m;
}

/* A packet that grows by `more` bytes. */
struct growth {
	uint8_t b[SL_FRAME_MAX];
	uint32_t len, more;
	uint32_t l3, l4, l4_len; /* of the innermost headers */
	bool tcp;
};

static uint32_t read16(const struct growth *g, uint32_t off)
{
	return (uint32_t)g->b[off] << 8 | g->b[off + 1];
}

static void add16(struct growth *g, uint32_t off, uint32_t more)
{
	uint32_t v = read16(g, off) + more;

	g->b[off] = (uint8_t)(v >> 8);
	g->b[off + 1] = (uint8_t)v;
}

/* IPv4 total length and checksum, so that a wrong checksum stays wrong. */
static void grow_ip4(struct growth *g, uint32_t l3)
{
	uint16_t old, now, sum;

	memcpy(&old, &g->b[l3 + 2], 2);
	memcpy(&sum, &g->b[l3 + 10], 2);
	add16(g, l3 + 2, g->more);
	memcpy(&now, &g->b[l3 + 2], 2);
	sum = sl_checksum_update(sum, old, now);
	memcpy(&g->b[l3 + 10], &sum, 2);
}

/* The transport protocol behind the IP header at l3, whose lengths grow; 0: none. */
static uint8_t grow_ip(struct growth *g, uint32_t l3, uint32_t type)
{
	uint8_t proto = g->b[l3 + 6];

	g->l3 = l3;
	if (type == 0x0800) {
		g->l4 = l3 + 20;
		if ((g->b[l3] & 15) > 5)
			g->l4 = l3 + (g->b[l3] & 15) * 4u;
		grow_ip4(g, l3);
		return (read16(g, l3 + 6) & 0x3fff) != 0 ? 0 : g->b[l3 + 9];
	}
	if (type != 0x86dd)
		return 0;
	add16(g, l3 + 4, g->more);
	for (g->l4 = l3 + 40; proto == 0 || proto == 43 || proto == 60;) {
		proto = g->b[g->l4];
		g->l4 += (g->b[g->l4 + 1] + 1u) * 8;
	}
	return proto;
}

/* False: not to be grown. */
static bool grow_frame(struct growth *g, uint32_t off)
{
	uint32_t l3 = off + 14, type = read16(g, off + 12);
	struct growth udp;
	uint8_t proto;

	for (; type == 0x8100; l3 += 4)
		type = read16(g, l3 + 2);
	if (l3 + 28 > g->len)
		return false;
	proto = grow_ip(g, l3, type);
	g->tcp = proto == IPPROTO_TCP;
	g->l4_len = g->tcp ? (uint32_t)(g->b[g->l4 + 12] >> 4) * 4 : 8;
	if (g->tcp)
		return g->l4 + 20 <= g->len;
	if (proto != IPPROTO_UDP || g->l4 + 8 > g->len)
		return false;
	if (read16(g, g->l4 + 4) == g->len - g->l4)
		add16(g, g->l4 + 4, g->more);
	udp = *g;
	if (read16(g, g->l4 + 2) == 4789 && g->len >= g->l4 + 16 + 34 && !grow_frame(g, g->l4 + 16))
		*g = udp;
	return true;
}

struct rte_mbuf *sl_super_grown(struct rte_mbuf *m, uint32_t bytes, uint16_t least)
{
	struct growth *g = calloc(1, sizeof(*g));
	struct rte_mbuf *grown = NULL;
	uint16_t headroom = m->data_off;

	if (g == NULL)
		abort();
	g->len = sl_test_mbuf_bytes(m, g->b, sizeof(g->b));
	g->more = g->len + bytes < 65535 ? bytes : 65535 - g->len;
	if (grow_frame(g, 0)) {
		uint32_t payload = g->len - RTE_MIN(g->len, g->l4 + g->l4_len);

		grown = sl_test_mbuf_headroom(g->b, g->len + g->more, headroom);
		grown->ol_flags |= g->tcp ? RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG
					  : RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_UDP_SEG;
		grown->l2_len = 14;
		grown->l3_len = (g->l4 - 14) & 0x1ff;
		grown->l4_len = (uint8_t)g->l4_len;
		grown->tso_segsz = (uint16_t)RTE_MAX(payload, least);
	}
	free(g);
	if (grown == NULL)
		return m;
	rte_pktmbuf_free(m);
	return grown;
}
