/* SPDX-License-Identifier: BSD-3-Clause */
#include "replicate.h"

#include <rte_ether.h>

#include "pipelines/context/send.h"
#include "pipelines/flood/flood_dp.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"
#include "reply_state.h"

/* Nodes speak for many ports, each of which was limited there. */
#define NODE_SHARE 16u

/* The culprit that copies for packet i's place are counted for. */
static unsigned int culprit(const struct sl_meta *m)
{
	return m->origin & SL_ORIGIN_NODE ? sl_culprit_hash(m->origin, m->network)
					  : sl_origin_port(m->origin);
}

static bool rate_allows(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	uint32_t rate = t->world->networks[m->network].flood_rate;

	return sl_flood_rate_allows(&t->p->replies[t->w->id]->flood_rate, t->tick, culprit(m),
		m->origin & SL_ORIGIN_NODE ? rate * NODE_SHARE : rate);
}

/* The copy is a burst of its own: a tunnel's headers are pushed for a burst. */
static enum sl_drop into_tunnel(
	const struct sl_trip *t, unsigned int i, struct rte_mbuf *m, const struct sl_action *act)
{
	struct sl_burst *one = &t->p->replies[t->w->id]->burst;
	static const uint8_t first = 0;

	one->n = 1;
	one->pkt[0] = m;
	one->verdict[0] = SL_KEEP;
	one->meta[0] = t->b->meta[i];
	one->meta[0].act = *act;
	sl_encap(t->w, t->world, one, &first, 1);
	return one->verdict[0];
}

static bool fits(const struct rte_mbuf *m, uint16_t len, uint16_t mtu)
{
	return len <= mtu || (sl_is_super(m) && sl_super_ip_len(m) <= mtu);
}

static void send_copy(const struct sl_trip *t, unsigned int i, const struct sl_action *act)
{
	const struct sl_meta *meta = &t->b->meta[i];
	enum sl_drop verdict = (enum sl_drop)SL_SENT;
	struct rte_mbuf *m = rte_pktmbuf_copy(t->b->pkt[i], t->w->pool, 0, UINT32_MAX);

	if (m == NULL) {
		sl_count(&t->w->counters.no_buffer, 1);
		return;
	}
	sl_count(&t->w->counters.generated, sl_super_segments(m));
	t->w->offloads |= m->nb_segs > 1;
	if (act->kind == SL_ACT_DROP)
		verdict = act->reason;
	else if (!fits(m, meta->l3_len, act->mtu))
		verdict = SL_DROP_MTU_EXCEEDED;
	else if (act->kind == SL_ACT_TUNNEL)
		verdict = into_tunnel(t, i, m, act);
	else
		verdict = sl_tx_put_action(t->w, act, m);
	if (verdict == (enum sl_drop)SL_SENT)
		return;
	sl_verdict_drop_generated(t, m, meta->network, verdict);
}

/* All endpoints at the place of number k. *next: the number of the first of the next place. */
static bool all_may(const struct sl_trip *t, unsigned int i, const struct sl_flood *f, uint32_t k,
	sl_replicate_fn may, const struct sl_ends *e, uint32_t *next)
{
	uint32_t origin = f->local[k].origin, network = t->b->meta[i].network;
	bool allowed = true;

	for (; k < f->n_local && f->local[k].origin == origin; k++) {
		const struct sl_pmap_key key = sl_pmap_addr_key(network, &f->local[k].ip);
		const struct sl_endpoint *ep;

		if (may == NULL || !allowed)
			continue;
		ep = sl_pmap_find(t->world->endpoints, &key);
		allowed = ep != NULL && may(t, i, e, ep);
	}
	*next = k;
	return allowed;
}

static void to_place(const struct sl_trip *t, unsigned int i, uint32_t origin, uint32_t identity)
{
	const struct sl_endpoint to = {.origin = origin};
	const struct sl_action act = sl_way_to(t, i, &to, identity);

	send_copy(t, i, &act);
}

enum sl_drop sl_replicate(const struct sl_trip *t, unsigned int i, uint32_t identity,
	sl_replicate_fn may, const struct sl_ends *e)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_flood *f = sl_flood_of(t->world, m->network);
	uint32_t next;

	if (f == NULL)
		return SL_DROP_MULTICAST;
	if (!rate_allows(t, i))
		return SL_DROP_FLOOD_RATE;
	for (uint32_t k = 0; k < f->n_local; k = next)
		if (all_may(t, i, f, k, may, e, &next) && f->local[k].origin != m->origin)
			to_place(t, i, f->local[k].origin, identity);
	for (uint32_t k = 0; (m->origin & SL_ORIGIN_NODE) == 0 && k < f->n_nodes; k++)
		to_place(t, i, SL_ORIGIN_NODE | f->node[k].node, identity);
	return SL_CONSUMED;
}
