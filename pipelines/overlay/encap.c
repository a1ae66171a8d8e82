/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_prefetch.h>

#include "group_dp.h"
#include "offloads.h"
#include "overlay_dp.h"
#include "parked.h"

/* Packets of one burst by encapsulation and family. */
struct groups {
	uint8_t idx[SL_TUNNELS_A_NODE][SL_BURST_MAX];
	unsigned int n[SL_TUNNELS_A_NODE];
};

/* Prefetch the header's last block, and the fields after it. */
static inline const struct sl_tunnel *fetch(const struct sl_tunnel_table *tunnels, uint32_t id)
{
	const struct sl_tunnel *t = sl_tunnel_find(tunnels, id);

	if (likely(t != NULL)) {
		rte_prefetch0(t->hdr + SL_TUNNEL_HDR_MAX - RTE_CACHE_LINE_SIZE);
		rte_prefetch0(&t->hdr_len);
	}
	return t;
}

static void find_tunnels(const struct sl_tunnel_table *tunnels, struct sl_burst *b,
	const uint8_t *idx, unsigned int n)
{
	uint32_t last_id = b->meta[idx[0]].act.out;
	const struct sl_tunnel *last = fetch(tunnels, last_id);

	for (unsigned int k = 0; k < n; k++) {
		struct sl_meta *md = &b->meta[idx[k]];

		if (unlikely(md->act.out != last_id)) {
			last_id = md->act.out;
			last = fetch(tunnels, last_id);
		}
		md->tunnel = last;
	}
}

/* The tunnel is no way by itself: it has several next hops, or none. */
static __rte_noinline const struct sl_tunnel *choose(struct sl_burst *b, unsigned int i)
{
	struct sl_meta *md = &b->meta[i];
	const struct sl_tunnel *t = sl_group_member(md->tunnel, md->hash);

	if (t == NULL)
		b->verdict[i] = SL_DROP_ROUTE_NONE;
	else
		md->tunnel = t;
	return t;
}

static void group(struct sl_burst *b, const uint8_t *idx, unsigned int n, struct groups *g)
{
	memset(g->n, 0, sizeof(g->n));
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k], kind;
		const struct sl_tunnel *t = b->meta[i].tunnel;

		if (unlikely(t == NULL)) {
			b->verdict[i] = SL_DROP_PORT_GONE;
			continue;
		}
		if (unlikely(!t->reachable)) {
			t = choose(b, i);
			if (t == NULL)
				continue;
		}
		kind = t->encap * SL_FAMILIES + t->family;
		g->idx[kind][g->n[kind]++] = (uint8_t)i;
	}
}

/* The control thread keeps the packet until the next hop answers. */
static enum sl_drop hand_up(
	struct sl_worker *w, const struct sl_world *world, struct sl_burst *b, unsigned int i)
{
	const struct sl_tunnel *t = b->meta[i].tunnel;
	struct rte_mbuf *m = b->pkt[i];
	struct sl_upcall u = {.m = m, .kind = SL_UPCALL_UNRESOLVED, .port = t->port, .arg = t->id};

	sl_parked_note(m, b->meta[i].network, (uint32_t)world->commit, t->id);
	return sl_upcall_put(&w->rings, &u) ? (enum sl_drop)SL_SENT : SL_DROP_UPCALL_FULL;
}

static void send_one(
	struct sl_worker *w, const struct sl_world *world, struct sl_burst *b, unsigned int i)
{
	const struct sl_tunnel *t = b->meta[i].tunnel;

	if (unlikely(b->verdict[i] != SL_KEEP))
		return;
	if (unlikely(!t->resolved)) {
		b->verdict[i] = (uint8_t)hand_up(w, world, b, i);
		return;
	}
	sl_tunnel_count_sent(world->tunnels, w->id, t->id, 1, b->pkt[i]->pkt_len - t->hdr_len);
	sl_tx_put(w, t->port, b->pkt[i]);
	b->verdict[i] = SL_SENT;
}

void sl_encap(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n)
{
	struct groups g;
	uint8_t room[SL_BURST_MAX];

	find_tunnels(world->tunnels, b, idx, n);
	if (unlikely(w->offloads))
		group(b, room, sl_offloads_make_room(w, b, idx, n, room), &g);
	else
		group(b, idx, n, &g);
	for (unsigned int kind = 0; kind < SL_TUNNELS_A_NODE; kind++)
		if (g.n[kind] != 0)
			sl_encaps[kind / SL_FAMILIES]->push(b, g.idx[kind], g.n[kind], NULL);
	if (unlikely(w->offloads))
		sl_offloads_encapsulated(w, world, b, idx, n);
	for (unsigned int k = 0; k < n; k++)
		send_one(w, world, b, idx[k]);
}

/* Packets that all leave by one next hop of the tunnel with this id. */
static void send_by(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	uint64_t bytes;

	if (likely(sl_encaps[t->encap]->push(b, idx, n, t) == 0 && t->resolved)) {
		bytes = sl_tx_put_burst(w, t->port, b, idx, n) - (uint64_t)n * t->hdr_len;
		sl_tunnel_count_sent(world->tunnels, w->id, t->id, n, bytes);
		return;
	}
	for (unsigned int k = 0; k < n; k++) {
		b->meta[idx[k]].tunnel = t;
		send_one(w, world, b, idx[k]);
	}
}

/* The packets of each next hop are a burst of their own. */
static __rte_noinline void encap_group(struct sl_worker *w, const struct sl_world *world,
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel_group *g)
{
	uint8_t by[SL_GROUP_MEMBERS_MAX][SL_BURST_MAX], n_by[SL_GROUP_MEMBERS_MAX] = {0};

	for (unsigned int k = 0; k < n; k++) {
		unsigned int m = g->bucket[sl_group_bucket(b->meta[idx[k]].hash)];

		by[m][n_by[m]++] = idx[k];
	}
	for (unsigned int m = 0; m < g->n; m++)
		if (n_by[m] != 0)
			send_by(w, world, b, by[m], n_by[m], &g->member[m]);
}

/* No grouping, and one check of the transmit buffer. */
void sl_encap_one_way(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n, uint32_t id)
{
	const struct sl_tunnel *t = sl_tunnel_find(world->tunnels, id);
	uint64_t bytes;

	if (unlikely(t == NULL || !t->reachable || !t->resolved || w->offloads)) {
		if (t != NULL && t->group != NULL && !w->offloads)
			encap_group(w, world, b, idx, n, t->group);
		else
			sl_encap(w, world, b, idx, n);
		return;
	}
	if (likely(sl_encaps[t->encap]->push(b, idx, n, t) == 0)) {
		bytes = sl_tx_put_burst(w, t->port, b, idx, n) - (uint64_t)n * t->hdr_len;
		sl_tunnel_count_sent(world->tunnels, w->id, id, n, bytes);
		return;
	}
	for (unsigned int k = 0; k < n; k++) {
		b->meta[idx[k]].tunnel = t;
		send_one(w, world, b, idx[k]);
	}
}
