/* SPDX-License-Identifier: BSD-3-Clause */
/* What a tunnel packet says about its sender, and which of two encapsulations that look alike it is. */
#include "decap_impl.h"
#include "encaps.h"
#include "udp_tunnel.h"

uint32_t sl_decap_wire(unsigned int e)
{
	uint32_t alike = 1u << e;

	for (unsigned int v = 0; v < SL_ENCAP_COUNT; v++)
		if (sl_encaps[v]->wire == sl_encaps[e])
			alike |= 1u << v;
	return alike;
}

/* The encapsulations that this packet may have. */
static uint32_t taken(const struct decap *d, const struct sl_meta *md)
{
	return d->world->networks[md->network].accepts |
	       sl_decap_node_accepts(d->world, md->origin);
}

/*
 * The packet came as e, and its network takes v, which looks the same. If the network takes both, a
 * packet with an identity is v's. The own header is still in front of the inner packet.
 */
static void read_variant(const struct rte_mbuf *m, struct sl_meta *md, unsigned int e,
	unsigned int v, uint32_t takes)
{
	const uint32_t len = sl_encaps[v]->header_len - SL_UDP_LEN;
	struct sl_tunnel_header h;

	if (!sl_encaps[v]->parse(rte_pktmbuf_mtod(m, const uint8_t *) - len, len, &h))
		return;
	if ((takes >> e & 1) != 0 && h.identity == SL_IDENTITY_UNKNOWN)
		return;
	md->encap = v & SL_CAME_ENCAP_MASK;
	md->carried = h.identity & SL_IDENTITY_MASK;
	md->applied = h.applied;
}

void sl_decap_identities(struct decap *d, const struct group *g, unsigned int e)
{
	struct sl_burst *b = d->b;

	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];
		uint32_t takes, alike;

		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		if (sl_encaps[e]->carries_identity) {
			md->carried = md->act.identity;
			continue;
		}
		takes = taken(d, md);
		alike = takes & d->variants;
		if (alike != 0)
			read_variant(b->pkt[i], md, e, rte_bsf32(alike), takes);
	}
}
