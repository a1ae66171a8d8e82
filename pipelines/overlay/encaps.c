/* SPDX-License-Identifier: BSD-3-Clause */
#include "encaps.h"
#include "tunnel_ctl.h"

const struct sl_encap *const sl_encaps[SL_ENCAP_COUNT] = {
#define X(id, name, sym) [SL_ENCAP_##id] = &sym,
	SL_ENCAP_LIST(X)
#undef X
};

int sl_encap_by_name(const char *name)
{
	for (int i = 0; i < SL_ENCAP_COUNT; i++)
		if (strcmp(sl_encaps[i]->name, name) == 0)
			return i;
	return -1;
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
