/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/epoll.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_malloc.h>

#include "dp/eal/numa_node.h"
#include "dp/port/device_helper.h"
#include "dp/port/engine_state.h"
#include "engine.h"

enum {
	MEMORY_MIN_MB = 64,
	OWN_BUFFERS = 4096, /* for packets made here, in addition to those in workers' caches */
};

static int make_worker(struct sl_engine *g, unsigned int id, const struct sl_engine_params *p)
{
	int node = g->worker_numa[id];
	struct sl_worker *w = rte_zmalloc_socket(
		"worker", sizeof(*w), RTE_CACHE_LINE_SIZE, sl_numa_socket("worker", node));

	if (w == NULL)
		return -ENOMEM;
	w->wake.epoll = w->wake.bell.fd = -1;
	g->worker[id] = w;
	w->id = id;
	w->lcore = SL_EAL_LCORE(id);
	w->core = p->cores[id];
	w->run = p->run;
	w->spare = p->spare;
	w->waits = p->waits;
	w->qsbr = sl_rcu_qsbr(g->rcu);
	w->idle = p->idle;
	w->spin_cycles = rte_get_tsc_hz() / US_PER_S * p->spin_us;
	w->pool = g->pool;
	w->ports = g->ports;
	w->control = &g->bell;
	w->tick = &g->tick;
	w->port_of_tag = g->port_of_tag;
	if (sl_wake_init(&w->wake) != 0 ||
		sl_port_rows_init(&w->counters, sl_numa_socket("port row", node)) != 0 ||
		sl_samples_init(&w->samples, "sample", id, sl_numa_socket("samples", node), w->tick,
			&w->counters) != 0)
		return -ENOMEM;
	return sl_rings_init(&w->rings, id, sl_numa_socket("rings", node));
}

static void free_worker(struct sl_worker *w)
{
	if (w == NULL)
		return;
	sl_rings_fini(&w->rings);
	sl_samples_fini(&w->samples);
	sl_port_rows_fini(&w->counters);
	sl_wake_fini(&w->wake);
	free((void *)(uintptr_t)atomic_load(&w->rxqs));
	rte_free(w);
}

/* Frees everything except EAL; also cleans up after a failed make_parts. */
static void free_parts(struct sl_engine *g)
{
	if (g->rcu != NULL)
		sl_rcu_drain(g->rcu); /* this also closes ports */
	for (unsigned int i = 0; i < g->n_slots; i++)
		sl_port_wait(g->port[i]);
	sl_device_helper_destroy(g->helper);
	sl_rcu_destroy(g->rcu);
	for (unsigned int i = 0; i < g->n_workers; i++)
		free_worker(g->worker[i]);
	sl_pools_destroy(g);
	rte_mempool_free(g->pool);
	sl_samples_fini(&g->control_samples);
	for (unsigned int i = 0; i < g->n_slots; i++)
		free(g->port[i]);
	if (g->control != NULL)
		sl_port_rows_fini(g->control);
	rte_free(g->control);
	sl_interface_watch_close(g->watch);
	sl_bell_fini(&g->bell);
	if (g->fd >= 0)
		close(g->fd);
}

/* One descriptor for all events. Without it, events are found a little later. */
static void watch_events(struct sl_engine *g)
{
	const int fds[] = {
		sl_interface_watch_fd(g->watch), sl_device_helper_fd(g->helper), g->bell.fd};
	struct epoll_event ev = {.events = EPOLLIN};

	g->fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; i < RTE_DIM(fds) && g->fd >= 0; i++)
		if (fds[i] >= 0)
			(void)epoll_ctl(g->fd, EPOLL_CTL_ADD, fds[i], &ev);
}

static int make_parts(struct sl_engine *g, const struct sl_engine_params *p)
{
	unsigned int buffers = OWN_BUFFERS + (p->n_cores + 1) * SL_POOL_CACHE * 2;
	int node;

	for (unsigned int i = 0; i < p->n_cores; i++)
		g->worker_numa[i] = sl_numa_of_cpu(p->cores[i]);
	node = sl_engine_numa(g);
	g->rcu = sl_rcu_create(p->n_cores, sl_numa_socket("rcu", node));
	g->control = rte_zmalloc("control", sizeof(*g->control), RTE_CACHE_LINE_SIZE);
	g->pool = sl_pool_create(buffers, RTE_MBUF_DEFAULT_BUF_SIZE, sl_numa_socket("pool", node));
	g->helper = sl_device_helper_create();
	if (g->helper == NULL || sl_bell_init(&g->bell) != 0)
		return -ENOMEM;
	watch_events(g);
	if (g->rcu == NULL || g->control == NULL || g->pool == NULL ||
		sl_port_rows_init(g->control, SOCKET_ID_ANY) != 0 ||
		sl_samples_init(&g->control_samples, "told", 0, sl_numa_socket("samples", node),
			&g->tick, g->control) != 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < p->n_cores; i++) {
		int ret = make_worker(g, i, p);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int check_params(const struct sl_engine_params *p, struct sl_err *e)
{
	if (p->run == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "the engine has no pipeline to run");
	if (p->memory_mb < MEMORY_MIN_MB)
		return sl_err_set(e, SL_ERR_PARAMS, "workers.memory_mb",
			"%u MiB are too few to start with, at least %d are needed", p->memory_mb,
			MEMORY_MIN_MB);
	return 0;
}

int sl_engine_check(const struct sl_engine_params *p, uint64_t *room, struct sl_err *e)
{
	int ret = check_params(p, e);

	return ret != 0 ? ret : sl_eal_check(p, room, e);
}

uint64_t sl_engine_least(const struct sl_engine_params *p, unsigned int n_ports)
{
	uint64_t own = OWN_BUFFERS + (p->n_cores + 1) * SL_POOL_CACHE * 2;
	uint64_t of_port = p->mbufs != 0 ? p->mbufs : SL_PORT_BUFFERS_DEFAULT;

	return (own + n_ports * of_port) * (sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE);
}

struct sl_engine *sl_engine_create(const struct sl_engine_params *p, struct sl_err *e)
{
	struct sl_engine *g;

	if (check_params(p, e) != 0)
		return NULL;
	g = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*g));
	if (g == NULL) {
		sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
		return NULL;
	}
	memset(g, 0, sizeof(*g));
	if (sl_eal_start(&g->eal, p, e) != 0)
		goto free_engine;
	g->notice = p->notice;
	g->own_socket = p->own_socket;
	g->fd = g->bell.fd = -1;
	g->watch = sl_interface_watch_open();
	g->n_workers = p->n_cores;
	g->mbufs = p->mbufs;
	g->tsc_start = rte_rdtsc();
	for (unsigned int i = 0; i < SL_TAGS_MAX; i++)
		atomic_init(&g->port_of_tag[i], (uint16_t)SL_PORT_NONE);
	if (make_parts(g, p) != 0) {
		sl_err_set(e, SL_ERR_LIMIT, "workers.memory_mb",
			"%u MiB are not enough for the workers", p->memory_mb);
		goto stop_eal;
	}
	sl_engine_poll(g);
	return g;

stop_eal:
	free_parts(g);
	sl_eal_stop(&g->eal);
free_engine:
	free(g);
	return NULL;
}

void sl_engine_destroy(struct sl_engine *g)
{
	if (g == NULL)
		return;
	sl_engine_stop(g);
	for (uint16_t i = 0; i < g->n_slots; i++) {
		sl_port_open_drop(g, i + 1);
		sl_port_remove(g, i);
	}
	free_parts(g);
	sl_eal_stop(&g->eal);
	free(g);
}

/* A release and acquire of its own: what start wrote before is visible here
 * without relying on EAL. */
static int launch(void *worker)
{
	struct sl_worker *w = worker;

	if (!atomic_load_explicit(&w->stop, memory_order_acquire))
		sl_worker_main(w);
	return 0;
}

int sl_engine_start(struct sl_engine *g, struct sl_err *e)
{
	g->running = true;
	for (unsigned int i = 0; i < g->n_workers; i++) {
		struct sl_worker *w = g->worker[i];
		int ret;

		atomic_store(&w->stop, false);
		ret = rte_eal_remote_launch(launch, w, w->lcore);
		if (ret != 0) {
			sl_engine_stop(g);
			return sl_err_set(e, SL_ERR_INTERNAL, "workers.cores",
				"the worker of core %u does not start: %s", w->core,
				strerror(-ret));
		}
	}
	return 0;
}

void sl_engine_stop(struct sl_engine *g)
{
	if (!g->running)
		return;
	for (unsigned int i = 0; i < g->n_workers; i++) {
		atomic_store(&g->worker[i]->stop, true);
		sl_bell_ring(&g->worker[i]->wake.bell);
	}
	for (unsigned int i = 0; i < g->n_workers; i++)
		rte_eal_wait_lcore(g->worker[i]->lcore);
	g->running = false;
}

unsigned int sl_engine_n_workers(const struct sl_engine *g)
{
	return g->n_workers;
}

int sl_engine_worker_numa(const struct sl_engine *g, unsigned int i)
{
	return g->worker_numa[i];
}

int sl_engine_numa(const struct sl_engine *g)
{
	unsigned int most = 0;
	int node = -1;

	for (unsigned int i = 0; i < g->n_workers; i++) {
		unsigned int same = 0;

		for (unsigned int k = 0; k < g->n_workers; k++)
			same += g->worker_numa[k] == g->worker_numa[i];
		if (same > most) {
			most = same;
			node = g->worker_numa[i];
		}
	}
	return node;
}

struct sl_worker *sl_engine_worker(struct sl_engine *g, unsigned int i)
{
	return g->worker[i];
}

struct sl_rcu *sl_engine_rcu(struct sl_engine *g)
{
	return g->rcu;
}

struct sl_counters *sl_engine_control_counters(struct sl_engine *g)
{
	return g->control;
}

struct sl_samples *sl_engine_control_samples(struct sl_engine *g)
{
	return &g->control_samples;
}

struct rte_mempool *sl_engine_pool(struct sl_engine *g)
{
	return g->pool;
}

struct rte_mbuf *sl_engine_packet_new(struct sl_engine *g)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->pool);

	if (m == NULL)
		sl_count(&g->control->no_buffer, 1);
	return m;
}

static struct sl_buffers buffers_of(
	const struct sl_engine *g, const struct rte_mempool *pool, const struct sl_pool_watch *w)
{
	return (struct sl_buffers){.n = pool->size,
		.n_free = sl_pool_free(g, pool),
		.starved = w->starved,
		.n_dry = w->dry};
}

const char *sl_engine_buffers(const struct sl_engine *g, unsigned int i, struct sl_buffers *b)
{
	const struct sl_shared_pool *shared = i > 0 ? sl_shared_pool(i - 1) : NULL;

	if (shared != NULL) {
		*b = buffers_of(g, shared->pool, &g->shared_buffers[i - 1]);
		return shared->name;
	}
	if (i > 0)
		return NULL;
	*b = buffers_of(g, g->pool, &g->buffers);
	b->n_failed = sl_counter_read(&g->control->no_buffer);
	for (unsigned int w = 0; w < g->n_workers; w++)
		b->n_failed += sl_counter_read(&g->worker[w]->counters.no_buffer);
	return "own";
}

int sl_engine_fd(const struct sl_engine *g)
{
	return g->fd;
}

struct sl_bell *sl_engine_bell(struct sl_engine *g)
{
	return &g->bell;
}

void sl_engine_follow(struct sl_engine *g)
{
	uint64_t rung;

	sl_ports_hear(g);
	(void)!read(g->bell.fd, &rung, sizeof(rung));
	sl_ports_jobs(g);
	sl_ports_follow(g);
}

/* Starts at 1: a zero in a table means never. */
bool sl_engine_poll(struct sl_engine *g)
{
	bool waits;
	uint64_t cycles = rte_rdtsc() - g->tsc_start;
	uint32_t tick = (uint32_t)(cycles / (rte_get_tsc_hz() / SL_TICKS_PER_SECOND)) + 1;

	if (tick != sl_engine_tick(g)) { /* workers read that line, so do not write it in between */
		atomic_store_explicit(&g->tick, tick, memory_order_relaxed);
		sl_ports_look(g, tick);
		sl_ports_stats_tick(g, tick);
		sl_ports_follow_tick(g, tick);
		(void)sl_ports_hear(g);
	}
	sl_ports_follow(g);
	waits = sl_rcu_poll(g->rcu) > 0;
	sl_ports_jobs(g);
	sl_ports_poll(g);
	sl_ports_stats_poll(g);
	sl_ports_open(g);
	sl_pools_poll(g);
	return waits || sl_port_set_any(&g->draining);
}

uint32_t sl_engine_tick(const struct sl_engine *g)
{
	return sl_engine_state_tick(g);
}

/* The worker that polls the port's first queue has its transmit queue in cache; any
 * other works, too. */
static struct sl_worker *injector(struct sl_engine *g, uint16_t port)
{
	const struct sl_port *p = port < g->n_slots ? g->port[port] : NULL;

	if (p != NULL && p->state == SL_PORT_PUBLISHED && p->rxq_worker[0] >= 0)
		return g->worker[p->rxq_worker[0]];
	return g->worker[0];
}

bool sl_engine_inject(struct sl_engine *g, uint16_t port, struct rte_mbuf *m)
{
	struct sl_inject in = {.m = m, .port = port};
	struct sl_worker *w = injector(g, port);
	const struct sl_port_dp *dp;

	if (port >= SL_PORTS_MAX)
		return false;
	dp = sl_port_dp(g, port);
	in.epoch = dp != NULL ? dp->epoch : 0;
	if (rte_ring_sp_enqueue_elem(w->rings.inject, &in, sizeof(in)) != 0)
		return false;
	sl_bell_ring(&w->wake.bell);
	return true;
}

/* One worker's full ring must not starve another's: each call begins with the next worker. */
unsigned int sl_engine_upcalls(struct sl_engine *g, struct sl_upcall *u, unsigned int n)
{
	unsigned int got = 0, first = g->upcall_next++;

	for (unsigned int i = 0; i < g->n_workers && got < n; i++) {
		struct rte_ring *r = g->worker[(first + i) % g->n_workers]->rings.upcall;

		got += rte_ring_sc_dequeue_burst_elem(r, u + got, sizeof(*u), n - got, NULL);
	}
	return got;
}

bool sl_engine_has_upcalls(const struct sl_engine *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		if (!rte_ring_empty(g->worker[i]->rings.upcall))
			return true;
	return false;
}

/* Includes the control thread's own samples; it has the index after the workers. */
unsigned int sl_engine_samples(struct sl_engine *g, struct sl_sample *s, unsigned int n)
{
	unsigned int got = 0, first = g->sample_next++, all = g->n_workers + 1;

	for (unsigned int i = 0; i < all && got < n; i++) {
		unsigned int at = (first + i) % all;
		struct rte_ring *r =
			at < g->n_workers ? g->worker[at]->samples.ring : g->control_samples.ring;

		got += rte_ring_sc_dequeue_burst_elem(r, s + got, sizeof(*s), n - got, NULL);
	}
	return got;
}
