/* SPDX-License-Identifier: BSD-3-Clause */
#include "super.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ip.h>

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
