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

/* What the packets of a run are taken as. Most packets of a group are of one run. */
struct taken {
	uint32_t origin, network;
	uint32_t takes;		   /* 1 << enum sl_encap_id each */
	uint32_t len;		   /* of the own header of: */
	const struct sl_encap *as; /* the one that looks like the group's; NULL: none */
};

static __rte_noinline void next_taken(
	struct taken *t, const struct decap *d, const struct sl_meta *md)
{
	uint32_t alike;

	t->origin = md->origin;
	t->network = md->network;
	t->takes = d->world->networks[md->network].accepts |
		   sl_decap_node_accepts(d->world, md->origin);
	alike = t->takes & d->variants;
	t->as = alike != 0 ? sl_encaps[rte_bsf32(alike)] : NULL;
	t->len = t->as != NULL ? t->as->header_len - SL_UDP_LEN : 0;
}

/*
 * The packet's network takes t->as, which looks the same. If the network takes the group's own too, a
 * packet with an identity is the other's. The own header is still in front of the inner packet.
 */
static inline void read_variant(
	const struct rte_mbuf *m, struct sl_meta *md, unsigned int e, const struct taken *t)
{
	uint32_t said = t->as->said(rte_pktmbuf_mtod(m, const uint8_t *) - t->len);

	if (unlikely((t->takes >> e & 1) != 0 &&
		     said >> SL_CAME_CARRIED_SHIFT == SL_IDENTITY_UNKNOWN))
		return;
	md->came = said | sl_came(t->as->id, md->outer_family);
}

static void read_variants(struct decap *d, const struct group *g, unsigned int e)
{
	struct taken t = {.origin = 0};
	struct sl_burst *b = d->b;

	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];

		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		if (unlikely(md->origin != t.origin || md->network != t.network))
			next_taken(&t, d, md);
		if (t.as != NULL)
			read_variant(b->pkt[i], md, e, &t);
	}
}

void sl_decap_identities(struct decap *d, const struct group *g, unsigned int e)
{
	struct sl_burst *b = d->b;

	if (!sl_encaps[e]->carries_identity) {
		read_variants(d, g, e);
		return;
	}
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];

		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		md->carried = md->act.identity;
		if (unlikely(sl_pkt_has_no_macs(b->pkt[i])))
			md->no_ethernet = 1;
	}
}
