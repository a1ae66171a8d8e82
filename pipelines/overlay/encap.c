/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_prefetch.h>

#include "overlay_dp.h"

/* Packets of one burst by encapsulation. */
struct groups {
	uint8_t idx[SL_ENCAP_COUNT][SL_BURST_MAX];
	unsigned int n[SL_ENCAP_COUNT];
};

/* The header's last block, and the fields behind it. */
static inline const struct sl_tunnel *fetch(const struct sl_tunnel_table *tunnels, uint32_t id)
{
	const struct sl_tunnel *t = sl_tunnel_find(tunnels, id);

	if (likely(t != NULL)) {
		rte_prefetch0(t->hdr + SL_TUNNEL_HDR_MAX - RTE_CACHE_LINE_SIZE);
		rte_prefetch0(&t->hdr_len);
	}
	return t;
}

/* Give each packet its tunnel. True when all share one, as packets of a burst often do. */
static bool find_tunnels(const struct sl_tunnel_table *tunnels, struct sl_burst *b,
	const uint8_t *idx, unsigned int n)
{
	uint32_t last_id = b->meta[idx[0]].act.out;
	const struct sl_tunnel *last = fetch(tunnels, last_id);
	bool shared = true;

	for (unsigned int k = 0; k < n; k++) {
		struct sl_meta *md = &b->meta[idx[k]];

		if (unlikely(md->act.out != last_id)) {
			last_id = md->act.out;
			last = fetch(tunnels, last_id);
			shared = false;
		}
		md->tunnel = last;
	}
	return shared;
}

static void group(struct sl_burst *b, const uint8_t *idx, unsigned int n, struct groups *g)
{
	memset(g->n, 0, sizeof(g->n));
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_tunnel *t = b->meta[i].tunnel;

		if (unlikely(t == NULL))
			b->verdict[i] = SL_DROP_PORT_GONE;
		else if (unlikely(!t->reachable))
			b->verdict[i] = SL_DROP_ROUTE_NONE;
		else
			g->idx[t->encap][g->n[t->encap]++] = (uint8_t)i;
	}
}

/* The control thread keeps the packet until the next hop answers. */
static enum sl_drop hand_up(struct sl_worker *w, struct rte_mbuf *m, const struct sl_tunnel *t)
{
	struct sl_upcall u = {.m = m, .kind = SL_UPCALL_UNRESOLVED, .port = t->port, .arg = t->id};

	return sl_upcall_put(&w->rings, &u) ? (enum sl_drop)SL_SENT : SL_DROP_UPCALL_FULL;
}

static void send_one(struct sl_worker *w, struct sl_burst *b, unsigned int i)
{
	const struct sl_tunnel *t = b->meta[i].tunnel;

	if (unlikely(b->verdict[i] != SL_KEEP))
		return;
	if (unlikely(!t->resolved)) {
		b->verdict[i] = (uint8_t)hand_up(w, b->pkt[i], t);
		return;
	}
	sl_tx_put(w, t->port, b->pkt[i]);
	b->verdict[i] = SL_SENT;
}

/* All packets through one usable tunnel: no grouping, and one look at the transmit buffer. */
static void through_one(struct sl_worker *w, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	const struct sl_tunnel *t)
{
	struct rte_mbuf *kept[SL_BURST_MAX];
	unsigned int n_kept = 0;

	sl_encaps[t->encap]->push(b, idx, n);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		bool keep = b->verdict[i] == SL_KEEP;

		kept[n_kept] = b->pkt[i];
		n_kept += keep;
		b->verdict[i] = keep ? SL_SENT : b->verdict[i];
	}
	sl_tx_put_bulk(w, t->port, kept, n_kept);
}

void sl_encap(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n)
{
	const struct sl_tunnel *first;
	struct groups g;
	bool shared;

	shared = find_tunnels(world->tunnels, b, idx, n);
	first = b->meta[idx[0]].tunnel;
	if (likely(shared && first != NULL && first->reachable && first->resolved)) {
		through_one(w, b, idx, n, first);
		return;
	}
	group(b, idx, n, &g);
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		if (g.n[e] != 0)
			sl_encaps[e]->push(b, g.idx[e], g.n[e]);
	for (unsigned int k = 0; k < n; k++)
		send_one(w, b, idx[k]);
}
