/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffers.h"

#include <rte_memcpy.h>

static uint32_t room_of(struct rte_mempool *pool)
{
	return (uint32_t)rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
}

static struct rte_mbuf *chain(struct rte_mempool *pool, uint32_t len)
{
	struct rte_mbuf *m = NULL, *part;
	uint32_t room = room_of(pool);

	do {
		part = rte_pktmbuf_alloc(pool);
		if (part == NULL) {
			rte_pktmbuf_free(m);
			return NULL;
		}
		part->data_len = (uint16_t)RTE_MIN(len, room);
		part->pkt_len = part->data_len;
		len -= part->data_len;
		if (m == NULL)
			m = part;
		else
			(void)rte_pktmbuf_chain(m, part); /* fails after 65,535 buffers */
	} while (len > 0);
	return m;
}

struct rte_mbuf *sl_buffers_get(
	const struct sl_egress_to *to, uint32_t len, const struct rte_mbuf *like)
{
	struct rte_mbuf *m = NULL;

	if (likely(len <= room_of(to->pool)) || (to->takes & SL_TAKES_CHAIN) != 0)
		m = chain(to->pool, len);
	else if (to->large != NULL && len <= room_of(to->large))
		m = chain(to->large, len);
	if (m != NULL)
		m->port = like->port;
	return m;
}

void sl_buffers_fill(
	struct rte_mbuf *m, uint32_t at, const struct rte_mbuf *from, uint32_t off, uint32_t len)
{
	for (; len > 0 && at >= m->data_len; m = m->next)
		at -= m->data_len;
	while (len > 0) {
		uint32_t n;

		if (off >= from->data_len) {
			off -= from->data_len;
			from = from->next;
			continue;
		}
		if (at == m->data_len) {
			m = m->next;
			at = 0;
		}
		n = RTE_MIN(len, RTE_MIN(from->data_len - off, m->data_len - at));
		rte_memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, at),
			rte_pktmbuf_mtod_offset(from, const uint8_t *, off), n);
		at += n;
		off += n;
		len -= n;
	}
}

void sl_buffers_write(struct rte_mbuf *m, const uint8_t *bytes, uint32_t len)
{
	for (; len > 0; m = m->next) {
		uint32_t n = RTE_MIN(len, (uint32_t)m->data_len);

		rte_memcpy(rte_pktmbuf_mtod(m, uint8_t *), bytes, n);
		bytes += n;
		len -= n;
	}
}
