/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"

/* Moves bytes from the second buffer, which is freed when it is empty. Returns their number. */
static uint32_t move(struct rte_mbuf *m, uint32_t most)
{
	struct rte_mbuf *s = m->next;
	uint16_t n = (uint16_t)RTE_MIN(most, (uint32_t)s->data_len);

	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len),
		rte_pktmbuf_mtod(s, const uint8_t *), n);
	m->data_len += n;
	s->data_off += n;
	s->data_len -= n;
	if (s->data_len == 0) {
		m->next = s->next;
		m->nb_segs--;
		rte_pktmbuf_free_seg(s);
	}
	return n;
}

bool sl_pkt_gather_more(struct rte_mbuf *m, uint32_t len)
{
	uint32_t more = len - m->data_len;

	if (len > m->pkt_len || !sl_pkt_owns_room(m) || more > rte_pktmbuf_tailroom(m))
		return false;
	while (more > 0)
		more -= move(m, more);
	return true;
}
