/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all encapsulations share: their rows, and the inner packet's length and ECN.
 * Threads: the rows are constants; the helpers: worker, on a packet of its own.
 */
#ifndef SL_OVERLAY_ENCAPS_H
#define SL_OVERLAY_ENCAPS_H

#include "sluice/encap.h"

#define X(id, name, sym) extern const struct sl_encap sym;
SL_ENCAP_LIST(X)
#undef X

/* Cut the packet behind its first len bytes (at most pkt_len); segments left empty are freed. */
void sl_pkt_cut_chain(struct rte_mbuf *m, uint32_t len);

static inline void sl_pkt_cut(struct rte_mbuf *m, uint32_t len)
{
	if (likely(m->nb_segs == 1)) {
		m->data_len = (uint16_t)len;
		m->pkt_len = len;
	} else {
		sl_pkt_cut_chain(m, len);
	}
}

/* The inner frame's length without Ethernet padding, which must not be sent through a tunnel. */
static inline uint32_t sl_inner_len(const struct rte_mbuf *m, const struct sl_meta *md)
{
	if ((md->flags & (SL_P_IP4 | SL_P_IP6)) != 0)
		return (uint32_t)md->l3_off + md->l3_len;
	return m->pkt_len;
}

/*
 * Congestion marks of removed outer headers go into the inner Ethernet frame (RFC 6040 section
 * 4.2). The inner header is not parsed yet: bytes are read only where the packet has them, and a
 * malformed header is left for parse to find. There is nothing to do unless bit 0 of outer_tos is
 * set (ECT(1) or CE). A pop asks sl_ecn_matters first, so that the common packet's inner header is
 * not read at all.
 */
enum sl_drop sl_ecn_decap(struct rte_mbuf *m, uint8_t outer_tos);

static inline bool sl_ecn_matters(uint8_t outer_tos)
{
	return (outer_tos & 1) != 0;
}

#endif
