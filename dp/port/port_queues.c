/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>

#include "engine_state.h"

#define HANDOVER_WAIT_MS 20 /* two hundred turns of sleeping workers */

enum list_kind {
	/* the queues that the worker must poll; it hands over all others that it owns */
	LIST_FINAL,
	LIST_GROWN, /* the same, but it continues to poll all others that it owns */
};

static unsigned int owner(const struct sl_port *p, unsigned int queue)
{
	return atomic_load_explicit(&p->rxq[queue].owner, memory_order_acquire);
}

/* Polled, or about to be. */
static bool is_dealt(const struct sl_port *p, unsigned int queue, unsigned int worker)
{
	return (p->state == SL_PORT_PUBLISHED || p->state == SL_PORT_OPEN) &&
	       p->rxq_worker[queue] == (int)worker;
}

static bool polls(const struct sl_port *p, unsigned int queue, unsigned int worker)
{
	return p->state == SL_PORT_PUBLISHED && p->rxq_worker[queue] == (int)worker;
}

/* True for a queue that will be another worker's, and is this one's until it
 * hands the queue over. */
static bool leaves(const struct sl_port *p, unsigned int queue, unsigned int worker)
{
	return p->state == SL_PORT_PUBLISHED && p->rxq_worker[queue] != (int)worker &&
	       owner(p, queue) == worker;
}

static unsigned int load_of(const struct sl_engine *g, unsigned int worker)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < g->n_slots; i++)
		for (unsigned int q = 0; q < g->port[i]->n_rxq; q++)
			n += is_dealt(g->port[i], q, worker);
	return n;
}

static void free_list(void *list)
{
	free(list);
}

/* A list that is being filled: its arrays, and how much each has room for. */
struct filling {
	struct sl_rxq_list *l;
	struct sl_rxq *asked;
	uint32_t *key;
	struct sl_handover *give;
	struct sl_arm *arm;
	unsigned int polled, n_asked, n_give;
};

/* Counts what the list may have. */
static void count(struct filling *f, const struct sl_port *p, unsigned int worker)
{
	for (unsigned int q = 0; q < p->n_rxq; q++) {
		bool leaving = leaves(p, q, worker);

		f->n_give += leaving;
		if (!leaving && !polls(p, q, worker))
			continue;
		if (sl_port_is_asked(p, q))
			f->n_asked++;
		else
			f->polled++;
	}
}

/* The arrays in the order of their alignment. */
static void allocate(struct sl_engine *g, struct filling *f)
{
	unsigned int n = f->polled + f->n_asked;
	struct sl_rxq_list *l =
		calloc(1, sizeof(*l) + n * (sizeof(l->q[0]) + sizeof(*f->arm)) +
				  f->n_give * sizeof(*f->give) + f->n_asked * sizeof(*f->key));

	if (l == NULL)
		abort();
	l->seq = ++g->list_seq;
	f->l = l;
	f->asked = &l->q[f->polled];
	f->arm = (struct sl_arm *)&l->q[n];
	f->give = (struct sl_handover *)&f->arm[n];
	f->key = (uint32_t *)&f->give[f->n_give];
	l->asked = f->asked;
	l->arm = f->arm;
	l->give = f->give;
	l->key = f->key;
}

static void put_queue(struct filling *f, const struct sl_port *p, unsigned int queue)
{
	const struct sl_rxq rxq = {p->dp, &p->rxq[queue], p->driver->receive, p->dev->rxq[queue]};
	struct sl_rxq_list *l = f->l;

	if (sl_port_is_asked(p, queue)) {
		f->key[l->n_asked] = sl_wake_key(p->id, queue);
		f->asked[l->n_asked++] = rxq;
	} else {
		l->q[l->n++] = rxq;
	}
	if (p->watch[queue].n_worker == 0)
		l->blind = true;
	else if (p->driver->arm != NULL)
		f->arm[l->n_arm++] = (struct sl_arm){p->driver->arm, rxq.queue};
}

static void put(
	struct filling *f, const struct sl_port *p, unsigned int worker, enum list_kind kind)
{
	for (unsigned int q = 0; q < p->n_rxq; q++) {
		bool leaving = leaves(p, q, worker);

		if (polls(p, q, worker) || (leaving && kind == LIST_GROWN))
			put_queue(f, p, q);
		else if (leaving && f->l->n_give < f->n_give)
			f->give[f->l->n_give++] =
				(struct sl_handover){&p->rxq[q], (uint32_t)p->rxq_worker[q]};
	}
}

/*
 * Rebuilds a worker's poll list from the ports, in the order of their ids. A worker may hand queues
 * over meanwhile, so the list may have fewer entries than were counted.
 */
static void rebuild(struct sl_engine *g, unsigned int worker, enum list_kind kind)
{
	const struct sl_rxq_list *old;
	struct filling f = {0};

	for (unsigned int i = 0; i < g->n_slots; i++)
		count(&f, g->port[i], worker);
	allocate(g, &f);
	for (unsigned int i = 0; i < g->n_slots; i++)
		put(&f, g->port[i], worker, kind);
	old = atomic_exchange_explicit(&g->worker[worker]->rxqs, f.l, memory_order_acq_rel);
	sl_bell_ring(&g->worker[worker]->wake.bell);
	if (old != NULL)
		sl_rcu_retire(g->rcu, free_list, (void *)(uintptr_t)old);
}

static void rebuild_pollers(struct sl_engine *g, struct sl_port *p)
{
	sl_port_watch(p);
	for (unsigned int w = 0; w < g->n_workers; w++) {
		bool affected = false;

		for (unsigned int q = 0; q < p->n_rxq; q++)
			affected |= p->rxq_worker[q] == (int)w || owner(p, q) == w;
		if (affected)
			rebuild(g, w, LIST_FINAL);
	}
}

/* The least loaded worker; of several, the one on the port's NUMA node, then the first. */
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

/* Once for each worker, however many of the port's queues it polls. */
static void warn_of_far_workers(struct sl_engine *g, const struct sl_port *p)
{
	for (unsigned int w = 0; w < g->n_workers; w++)
		for (unsigned int q = 0; q < p->n_rxq; q++)
			if (polls(p, q, w)) {
				warn_if_far(g, p, w);
				break;
			}
}

void sl_queues_deal(struct sl_engine *g, struct sl_port *p)
{
	enum sl_port_state state = p->state;

	p->state = SL_PORT_PUBLISHED; /* each queue counts in the choice for the next one */
	for (unsigned int q = 0; q < p->n_rxq; q++) {
		int wanted = p->rxq_wanted[q];

		p->rxq_worker[q] = wanted >= 0 ? wanted : (int)choose(g, p);
		atomic_store(&p->rxq[q].owner, (uint32_t)p->rxq_worker[q]);
	}
	warn_of_far_workers(g, p);
	p->state = state;
}

/* Sets the port of a device's packets. Another port may have that device by now. */
static void set_tag(struct sl_engine *g, const struct sl_port_dp *dp, unsigned int port)
{
	uint16_t before = atomic_load_explicit(&g->port_of_tag[dp->tag], memory_order_relaxed);

	if (port != SL_PORT_NONE || before == dp->id)
		atomic_store_explicit(
			&g->port_of_tag[dp->tag], (uint16_t)port, memory_order_relaxed);
}

void sl_queues_unassign(struct sl_engine *g, struct sl_port *p)
{
	p->state = SL_PORT_CLOSING;
	rebuild_pollers(g, p);
	atomic_store_explicit(&g->ports[p->id], NULL, memory_order_release);
	set_tag(g, p->dp, SL_PORT_NONE);
	for (unsigned int q = 0; q < p->n_rxq; q++)
		p->rxq_worker[q] = -1;
}

void sl_queues_pause(struct sl_engine *g, struct sl_port *p, enum sl_port_state state)
{
	p->state = state;
	rebuild_pollers(g, p);
}

void sl_queues_resume(struct sl_engine *g, struct sl_port *p)
{
	struct sl_port_dp *old;

	p->state = SL_PORT_PUBLISHED;
	if (p->driver->weed != NULL)
		sl_port_set_add(&g->weeded, p->id);
	/* As an output first, because a packet received on it may leave by it. */
	old = atomic_exchange_explicit(&g->ports[p->id], p->dp, memory_order_acq_rel);
	rebuild_pollers(g, p);
	if (old != NULL && old->tag != p->dp->tag)
		set_tag(g, old, SL_PORT_NONE);
	set_tag(g, p->dp, p->id);
	if (old != p->dp)
		sl_rcu_retire(g->rcu, free, old);
}

void sl_queues_replace(struct sl_engine *g, struct sl_port *p, struct sl_port_dp *new)
{
	struct sl_port_dp *old = p->dp;

	p->dp = new;
	if (atomic_load_explicit(&g->ports[p->id], memory_order_relaxed) != NULL)
		atomic_store_explicit(&g->ports[p->id], new, memory_order_release);
	if (p->state == SL_PORT_PUBLISHED)
		rebuild_pollers(g, p);
	sl_rcu_retire(g->rcu, free, old);
}

static int check_moves(
	const struct sl_engine *g, const struct sl_queue_move *m, unsigned int n, struct sl_err *e)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct sl_port *p = m[i].port < g->n_slots ? g->port[m[i].port] : NULL;

		if (p == NULL || p->state != SL_PORT_PUBLISHED || m[i].queue >= p->n_rxq ||
			m[i].worker >= g->n_workers)
			return sl_err_set(e, SL_ERR_NOT_FOUND, "",
				"there is no queue %u of port %u, or no worker %u", m[i].queue,
				m[i].port, m[i].worker);
	}
	return 0;
}

/* Whether a worker has taken up its present list: its handovers are done. */
static bool has_handed_over(const struct sl_worker *w)
{
	const struct sl_rxq_list *l = atomic_load_explicit(&w->rxqs, memory_order_relaxed);

	return l == NULL || atomic_load_explicit(&w->rxqs_seen, memory_order_acquire) == l->seq;
}

/* Stopped workers hand nothing over: then a move sets the owners itself. */
static bool have_all_handed_over(const struct sl_engine *g)
{
	for (unsigned int w = 0; g->running && w < g->n_workers; w++)
		if (!has_handed_over(g->worker[w]))
			return false;
	return true;
}

static int wait_for_handovers(const struct sl_engine *g, struct sl_err *e)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000 * HANDOVER_WAIT_MS;

	while (!have_all_handed_over(g) && rte_rdtsc() < until)
		rte_delay_us_sleep(50);
	if (have_all_handed_over(g))
		return 0;
	return sl_err_set(
		e, SL_ERR_INTERNAL, "", "a worker has not taken note of its queues yet, try again");
}

/* Workers that get a queue see it first, so that it is idle for as short as possible. */
static void publish_moves(struct sl_engine *g, const bool *gets, const bool *gives)
{
	for (unsigned int w = 0; w < g->n_workers; w++)
		if (gets[w])
			rebuild(g, w, LIST_GROWN);
	for (unsigned int w = 0; w < g->n_workers; w++)
		if (gives[w])
			rebuild(g, w, LIST_FINAL);
}

int sl_queues_move(
	struct sl_engine *g, const struct sl_queue_move *m, unsigned int n, struct sl_err *e)
{
	bool gets[SL_WORKERS_MAX] = {0}, gives[SL_WORKERS_MAX] = {0};
	int ret = check_moves(g, m, n, e);

	if (ret == 0)
		ret = wait_for_handovers(g, e);
	if (ret != 0)
		return ret;
	for (unsigned int i = 0; i < n; i++) {
		struct sl_port *p = g->port[m[i].port];
		unsigned int from = (unsigned int)p->rxq_worker[m[i].queue];

		if (from == m[i].worker)
			continue;
		p->rxq_worker[m[i].queue] = (int)m[i].worker;
		gets[m[i].worker] = true;
		gives[from] = true;
		if (!g->running) /* no worker runs that could hand it over or be disturbed */
			atomic_store(&p->rxq[m[i].queue].owner, m[i].worker);
		warn_if_far(g, p, m[i].worker);
	}
	for (unsigned int i = 0; i < n; i++)
		sl_port_watch(g->port[m[i].port]);
	publish_moves(g, gets, gives);
	return 0;
}
