/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the engine share: an engine with virtual devices and a pipeline of a few lines,
 * and sums over its counters. All tests of a program use one engine, because EAL starts only once.
 * Threads: tests are the control thread; run() and what it calls are the workers, controlled by the
 * atomic variables.
 * Ownership: static.
 */
#ifndef SL_TESTS_ENGINE_TEST_H
#define SL_TESTS_ENGINE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "dp/engine/engine.h"
/* Workers, ports and queues of the engine, which no other room may look into. */
#include "dp/port/engine_state.h"

#define DEADLINE_S 20

enum mode {
	FORWARD, /* to out_port */
	CONSUME,
	STASH,	/* keep one packet, consume the rest */
	UPCALL, /* packets that do not fit are dropped as UPCALL_FULL */
};

/* Called with every burst before it is handled. */
typedef void (*look_fn)(const struct sl_worker *w, const struct sl_burst *b);

static struct sl_engine *g;
static unsigned int n_workers;
static _Atomic(int) mode;
static _Atomic(uint16_t) out_port;
static _Atomic(struct rte_mbuf *) stash;
static _Atomic(uint16_t) seen_mtu;
static _Atomic(look_fn) look;
static char notices[1024];

static inline void note(const char *text)
{
	size_t len = strlen(notices);

	snprintf(notices + len, sizeof(notices) - len, "%s\n", text);
}

static inline void consume(struct sl_worker *w, struct rte_mbuf *m)
{
	rte_pktmbuf_free(m);
	sl_count(&w->counters.consumed, 1);
}

static inline void pass_up(struct sl_worker *w, struct rte_mbuf *m)
{
	const struct sl_upcall u = {.m = m, .kind = SL_UPCALL_ARP, .port = w->burst.in_port};

	if (sl_upcall_put(&w->rings, &u))
		return;
	rte_pktmbuf_free(m);
	sl_drop_count(&w->counters, SL_DROP_UPCALL_FULL, w->burst.in_port, 1);
}

static inline void handle(struct sl_worker *w, struct rte_mbuf *m)
{
	struct rte_mbuf *none = NULL;

	switch (mode) {
	case FORWARD:
		sl_tx_put(w, out_port, m);
		break;
	case UPCALL:
		pass_up(w, m);
		break;
	case STASH:
		if (atomic_compare_exchange_strong(&stash, &none, m))
			break;
		/* fallthrough */
	default:
		consume(w, m);
	}
}

static inline void run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b)
{
	look_fn fn = look;

	seen_mtu = in->mtu;
	if (fn != NULL)
		fn(w, b);
	for (unsigned int i = 0; i < b->n; i++)
		handle(w, b->pkt[i]);
}

static inline int start_idle(const unsigned int *cores, unsigned int n, enum sl_idle idle)
{
	struct sl_err e;
	struct sl_engine_params p = {.cores = cores,
		.n_cores = n,
		.idle = idle,
		.hugepages = SL_HUGEPAGES_OFF,
		.memory_mb = 512,
		.mbufs = 1024,
		.run = run,
		.notice = note};

	n_workers = n;
	g = sl_engine_create(&p, &e);
	if (g == NULL) {
		print_error("%s (%s)\n", e.message, e.path);
		return -1;
	}
	return sl_engine_start(g, &e);
}

static inline int start_on(const unsigned int *cores, unsigned int n)
{
	return start_idle(cores, n, SL_IDLE_ADAPTIVE);
}

/* The last CPUs, up to `most` of them. */
static inline unsigned int last_cpus(unsigned int *cores, unsigned int most)
{
	unsigned int n = 0;
	cpu_set_t allowed;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && n < most; cpu--)
		if (CPU_ISSET(cpu, &allowed))
			cores[n++] = (unsigned int)cpu;
	return n;
}

static inline int start(void **state)
{
	unsigned int cores[2], n = last_cpus(cores, 2);

	(void)state;
	return start_on(cores, n);
}

static inline int stop(void **state)
{
	(void)state;
	sl_engine_destroy(g);
	sl_engine_destroy(NULL);
	return 0;
}

#define wait_until(condition)                                                 \
	do {                                                                  \
		uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S; \
		while (!(condition) && rte_rdtsc() < until) {                 \
			sl_engine_poll(g);                                    \
			sched_yield();                                        \
		}                                                             \
		assert_true(condition);                                       \
	} while (0)

static inline struct sl_port_params params(const char *name, const char *devargs)
{
	struct sl_port_params p = {.name = name, .devargs = devargs, .n_rxq = 1, .n_desc = 64};

	for (unsigned int q = 0; q < SL_QUEUES_MAX; q++)
		p.rxq_worker[q] = -1;
	return p;
}

static inline int add(const char *name, const char *devargs, struct sl_err *e)
{
	struct sl_port_params p = params(name, devargs);

	return sl_port_add(g, &p, e);
}

static inline uint16_t added(const char *name, const char *devargs)
{
	struct sl_err e = {0};
	int id = add(name, devargs, &e);

	if (id < 0)
		print_error("%s\n", e.message);
	assert_in_range(id, 0, SL_PORTS_MAX - 1);
	sl_port_publish(g, (uint16_t)id);
	return (uint16_t)id;
}

static inline void removed(uint16_t id)
{
	sl_port_remove(g, id);
	assert_null(sl_port_dp(g, id));
	wait_until(g->port[id]->state == SL_PORT_FREE);
}

static inline uint64_t sum(size_t offset)
{
	const char *row = (const char *)g->control;
	uint64_t v = sl_counter_read((const uint64_t *)(const void *)(row + offset));

	for (unsigned int i = 0; i < n_workers; i++) {
		row = (const char *)&g->worker[i]->counters;
		v += sl_counter_read((const uint64_t *)(const void *)(row + offset));
	}
	return v;
}

#define total(field) sum(offsetof(struct sl_counters, field))

static inline uint64_t dropped(void)
{
	uint64_t v = 0;

	for (unsigned int r = 0; r < SL_DROP_COUNT; r++)
		v += sum(offsetof(struct sl_counters, drops) + r * sizeof(uint64_t));
	return v;
}

static inline uint64_t read_row(const struct sl_counters *c, uint16_t id, size_t offset)
{
	const char *row = (const char *)&c->port[id]->n;

	return sl_counter_read((const uint64_t *)(const void *)(row + offset));
}

static inline uint64_t of_port(uint16_t id, size_t offset)
{
	uint64_t v = read_row(g->control, id, offset);

	for (unsigned int i = 0; i < n_workers; i++)
		v += read_row(&g->worker[i]->counters, id, offset);
	return v;
}

#define port_total(id, field) of_port(id, offsetof(struct sl_port_counters, field))

static inline void assert_sum_holds(void)
{
	assert_int_equal(
		total(received) + total(generated), total(sent) + dropped() + total(consumed));
}

#endif
