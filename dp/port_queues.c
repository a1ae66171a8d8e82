/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_internal.h"

static bool polls(const struct sl_port *p, unsigned int queue, unsigned int worker)
{
	return p->state == SL_PORT_PUBLISHED && p->rxq_worker[queue] == (int)worker;
}

static unsigned int load_of(const struct sl_engine *g, unsigned int worker)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		for (unsigned int q = 0; q < g->port[i].n_rxq; q++)
			n += polls(&g->port[i], q, worker);
	return n;
}

static void free_list(void *list)
{
	free(list);
}

/* A worker's poll list anew from what the ports say, in the order of their ids. */
static void rebuild(struct sl_engine *g, unsigned int worker)
{
	unsigned int n = load_of(g, worker), at = 0;
	struct sl_rxq_list *new = calloc(1, sizeof(*new) + n * sizeof(new->q[0]));
	const struct sl_rxq_list *old;

	if (new == NULL)
		abort();
	new->n = n;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		for (unsigned int q = 0; q < g->port[i].n_rxq; q++)
			if (polls(&g->port[i], q, worker))
				new->q[at++] = (struct sl_rxq){g->port[i].dp, (uint16_t)q};
	old = atomic_exchange_explicit(&g->worker[worker]->rxqs, new, memory_order_acq_rel);
	if (old != NULL)
		sl_rcu_retire(g->rcu, free_list, (void *)(uintptr_t)old);
}

static void rebuild_pollers(struct sl_engine *g, const struct sl_port *p)
{
	for (unsigned int w = 0; w < g->n_workers; w++) {
		bool affected = false;

		for (unsigned int q = 0; q < p->n_rxq; q++)
			affected |= p->rxq_worker[q] == (int)w;
		if (affected)
			rebuild(g, w);
	}
}

/* The least loaded worker; of several the one on the port's NUMA node, then the first. */
static unsigned int choose(const struct sl_engine *g, const struct sl_port *p)
{
	unsigned int best = 0, best_score = UINT32_MAX;

	for (unsigned int w = 0; w < g->n_workers; w++) {
		unsigned int far = p->numa >= 0 && g->worker_numa[w] != p->numa;
		unsigned int score = load_of(g, w) * 2 + far;

		if (score < best_score) {
			best = w;
			best_score = score;
		}
	}
	return best;
}

static void warn_if_far(struct sl_engine *g, const struct sl_port *p, unsigned int worker)
{
	int node = g->worker_numa[worker];

	if (p->numa >= 0 && node >= 0 && p->numa != node)
		sl_engine_notice(g,
			"port %s is on NUMA node %d, its worker on core %u is on node %d: every "
			"packet "
			"crosses between them",
			p->name, p->numa, g->worker[worker]->core, node);
}

void sl_queues_assign(struct sl_engine *g, struct sl_port *p)
{
	p->state = SL_PORT_PUBLISHED;
	for (unsigned int q = 0; q < p->n_rxq; q++) {
		int wanted = p->rxq_wanted[q];

		p->rxq_worker[q] = wanted >= 0 ? wanted : (int)choose(g, p);
		warn_if_far(g, p, (unsigned int)p->rxq_worker[q]);
	}
	/* As an output first: a packet received on it may leave by it. */
	atomic_store_explicit(&g->ports[p->id], p->dp, memory_order_release);
	rebuild_pollers(g, p);
}

void sl_queues_unassign(struct sl_engine *g, struct sl_port *p)
{
	p->state = SL_PORT_CLOSING;
	rebuild_pollers(g, p);
	atomic_store_explicit(&g->ports[p->id], NULL, memory_order_release);
	for (unsigned int q = 0; q < p->n_rxq; q++)
		p->rxq_worker[q] = -1;
}

void sl_queues_replace(struct sl_engine *g, struct sl_port *p, struct sl_port_dp *new)
{
	struct sl_port_dp *old = p->dp;

	p->dp = new;
	if (p->state == SL_PORT_PUBLISHED) {
		atomic_store_explicit(&g->ports[p->id], new, memory_order_release);
		rebuild_pollers(g, p);
	}
	sl_rcu_retire(g->rcu, free, old);
}
