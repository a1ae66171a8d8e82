/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a port has buffers to receive into, and what to do if not. Its buffers are in the
 * transmit queues of other ports. A port whose other end does not read may hold very many of them.
 * The same for buffers that are nobody's own: those of packets that are made here, and those that
 * many ports share.
 */
#include <rte_ether.h>

#include "engine_state.h"

enum {
	ETHER_TYPE_LOOP = 0x9000,
	NUDGE_LEN = RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN,
	DRY_TICKS = 2, /* empty at so many checks in a row: the pool is starved */
	/* not empty at so many checks in a row: it is no longer starved */
	WET_TICKS = SL_TICKS_PER_SECOND,
};

static bool is_in_service(const struct sl_port *p)
{
	return p->dev != NULL && p->state == SL_PORT_PUBLISHED;
}

/* Written by its lcore, in DPDK's own way; a slightly old value is good enough. */
__attribute__((no_sanitize("thread"))) static unsigned int in_cache(
	const struct rte_mempool *mp, unsigned int lcore)
{
	return *(const volatile uint32_t *)&mp->local_cache[lcore].len;
}

static unsigned int in_ring_of(const struct rte_mempool *mp)
{
	return rte_mempool_get_ops(mp->ops_index)->get_count(mp);
}

/* rte_mempool_avail_count looks into the caches of all lcores that there could be: 128 cache
 * lines for each port. */
unsigned int sl_pool_free(const struct sl_engine *g, const struct rte_mempool *pool)
{
	unsigned int n = in_ring_of(pool), self = rte_lcore_id();

	for (unsigned int w = 0; w < g->n_workers; w++)
		n += in_cache(pool, g->worker[w]->lcore);
	if (self < RTE_MAX_LCORE)
		n += in_cache(pool, self);
	return RTE_MIN(n, pool->size); /* those that move meanwhile may be counted twice */
}

/*
 * True when less than a burst is free for a worker that polls the port. Buffers in other threads'
 * caches are not available to it.
 */
static bool is_dry(const struct sl_port *p)
{
	unsigned int in_ring = in_ring_of(p->pool);

	for (unsigned int q = 0; q < p->n_rxq && in_ring < SL_BURST_MAX; q++) {
		int w = p->rxq_worker[q];

		if (w >= 0 &&
			in_ring + in_cache(p->pool, p->engine->worker[w]->lcore) < SL_BURST_MAX)
			return true;
	}
	return false;
}

/* The same for a pool that any worker may want buffers of. */
static bool is_dry_for_any(const struct sl_engine *g, const struct rte_mempool *pool)
{
	unsigned int in_ring = in_ring_of(pool),
		     least = RTE_MIN((unsigned)SL_BURST_MAX, pool->size / 4);

	for (unsigned int w = 0; w < g->n_workers && in_ring < least; w++)
		if (in_ring + in_cache(pool, g->worker[w]->lcore) < least)
			return true;
	return false;
}

static void note(struct sl_pool_watch *b, bool dry)
{
	if (dry) {
		b->dry++;
		b->n_wet = 0;
		b->starved |= ++b->n_dry >= DRY_TICKS;
		return;
	}
	b->n_dry = 0;
	if (b->starved && ++b->n_wet >= WET_TICKS)
		b->starved = false;
}

/*
 * A frame of Ethernet's loopback protocol, from the port to itself. All hosts and switches ignore
 * it, like those of other switches.
 */
static struct rte_mbuf *make_nudge(const struct sl_port *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->engine->pool);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, NUDGE_LEN);
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memset(eth, 0, NUDGE_LEN);
	memcpy(&eth->dst_addr, p->dp->mac.b, sizeof(eth->dst_addr));
	memcpy(&eth->src_addr, p->dp->mac.b, sizeof(eth->src_addr));
	eth->ether_type = rte_cpu_to_be_16(ETHER_TYPE_LOOP);
	return m;
}

/* Through all transmit queues. */
static void nudge(const struct sl_port *p)
{
	for (unsigned int w = 0; w < p->engine->n_workers; w++) {
		struct sl_inject in = {.m = make_nudge(p), .port = p->id, .epoch = p->epoch};
		struct sl_worker *worker = p->engine->worker[w];

		if (in.m == NULL)
			return;
		if (rte_ring_sp_enqueue_elem(worker->rings.inject, &in, sizeof(in)) != 0) {
			rte_pktmbuf_free(in.m);
			continue;
		}
		sl_count(&p->engine->control->generated, 1);
		sl_bell_ring(&worker->wake.bell);
	}
}

/*
 * A driver returns buffers of sent packets only when it gets more to send. If the only port that
 * sends to it is waiting for those buffers, that would never happen.
 */
static void nudge_keepers(struct sl_engine *g)
{
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];
		struct sl_port_counters c;

		if (!is_in_service(p) || !p->dev->keeps_buffers)
			continue;
		sl_port_counters(g, p->id, &c);
		if (c.tx_packets + c.tx_dropped == p->nudged_at)
			nudge(p);
		p->nudged_at = c.tx_packets + c.tx_dropped;
	}
}

void sl_ports_buffers_tick(struct sl_engine *g)
{
	bool any_starved;

	note(&g->buffers, is_dry_for_any(g, g->pool));
	any_starved = g->buffers.starved;
	for (unsigned int i = 0; sl_shared_pool(i) != NULL; i++) {
		note(&g->shared_buffers[i], is_dry_for_any(g, sl_shared_pool(i)->pool));
		any_starved |= g->shared_buffers[i].starved;
	}
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];

		if (!is_in_service(p))
			continue;
		if (p->pool != NULL)
			note(&p->buffers, is_dry(p));
		any_starved |= p->buffers.starved;
	}
	if (any_starved)
		nudge_keepers(g);
}
