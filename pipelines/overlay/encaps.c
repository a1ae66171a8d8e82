/* SPDX-License-Identifier: BSD-3-Clause */
#include "encaps.h"
#include "tunnel_ctl.h"

#include "outer.h"

const struct sl_encap *const sl_encaps[SL_ENCAP_COUNT] = {
#define X(id, name, sym) [SL_ENCAP_##id] = &sym,
	SL_ENCAP_LIST(X)
#undef X
};

uint32_t sl_encap_overhead(enum sl_encap_id e, enum sl_family family)
{
	const struct sl_encap *row = sl_encaps[e];

	if (row->ip_proto == 0)
		return 0;
	return sl_outer_ip_len(family) + row->header_len + (row->inner_ethernet ? SL_ETH_LEN : 0);
}

uint32_t sl_encap_overhead_least(void)
{
	uint32_t least = UINT32_MAX;

	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		if (sl_encaps[e]->ip_proto != 0)
			least = RTE_MIN(least, sl_encap_overhead(e, SL_FAMILY_IP4));
	return least;
}

uint32_t sl_encap_inner_mtu(enum sl_encap_id e, enum sl_family family, uint32_t underlay_mtu)
{
	uint32_t overhead = sl_encap_overhead(e, family);

	return underlay_mtu > overhead ? underlay_mtu - overhead : 0;
}

void sl_pkt_cut_chain(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *s = m;
	uint32_t left = len;
	uint16_t segs = 1;

	while (left > s->data_len) {
		left -= s->data_len;
		s = s->next;
		segs++;
	}
	s->data_len = (uint16_t)left;
	rte_pktmbuf_free(s->next);
	s->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
}
