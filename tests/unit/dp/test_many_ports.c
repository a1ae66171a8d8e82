/* SPDX-License-Identifier: BSD-3-Clause */
/* A thousand ports of a driver without DPDK devices, and the cost of polling them. */
#include "engine_test.h"

#include <malloc.h>

#include <rte_malloc.h>

#include "stub_driver.h"

enum {
	PORTS = 1000,
	PACKETS = 5,	    /* through each port */
	IDLE_NS_MOST = 500, /* of one poll that finds nothing, on a machine that is busy */
	TURN_NS_MOST = 100, /* of a port in a turn of the control thread */
};

static uint16_t ids[PORTS];

static void open_all(void)
{
	struct sl_err e = {0};
	char name[16];

	for (unsigned int i = 0; i < PORTS; i++) {
		int id;

		snprintf(name, sizeof(name), "stub%u", i);
		id = add(name, name, &e);
		if (id < 0)
			fail_msg("%s", e.message);
		ids[i] = (uint16_t)id;
		sl_port_publish(g, ids[i]);
		sl_engine_poll(g);
	}
	assert_int_equal(stubs_open, PORTS);
}

static void close_all(void)
{
	for (unsigned int i = 0; i < PORTS; i++)
		sl_port_remove(g, ids[i]);
	wait_until(stubs_open == 0);
	for (unsigned int i = 0; i < PORTS; i++)
		wait_until(g->port[ids[i]]->state == SL_PORT_FREE);
}

static struct rte_mbuf *packet(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	m->port = RTE_MBUF_PORT_INVALID;
	sl_count(&g->control->generated, 1);
	return m;
}

/* The ring to a worker may be full for a moment, so this tries again. */
static void inject(uint16_t id)
{
	struct rte_mbuf *m = packet();

	while (!sl_engine_inject(g, id, m))
		sched_yield();
}

static struct sl_port_counters counters_of(uint16_t id)
{
	struct sl_port_counters c;

	sl_port_counters(g, id, &c);
	return c;
}

static void each_of_a_thousand_ports_counts_its_own_packets(void **state)
{
	(void)state;
	mode = CONSUME;
	open_all();
	for (unsigned int n = 0; n < PACKETS; n++)
		for (unsigned int i = 0; i < PORTS; i++)
			inject(ids[i]);
	for (unsigned int i = 0; i < PORTS; i++) {
		wait_until(counters_of(ids[i]).rx_packets == PACKETS);
		assert_int_equal(counters_of(ids[i]).tx_packets, PACKETS);
		assert_int_equal(counters_of(ids[i]).tx_bytes, PACKETS * 60);
		assert_int_equal(counters_of(ids[i]).rx_bytes, PACKETS * 60);
	}
	close_all();
	assert_sum_holds();
	assert_int_equal(rte_mempool_in_use_count(sl_engine_pool(g)), 0);
}

/* Ids, rows and the engine's state of a port are used again: another round takes no memory. */
static void memory_does_not_grow_with_ports_that_come_and_go(void **state)
{
	struct rte_malloc_socket_stats before, after;
	unsigned int slots = g->n_slots;
	struct mallinfo2 heap;

	(void)state;
	open_all();
	close_all();
	wait_until(sl_rcu_poll(g->rcu) == 0);
	heap = mallinfo2();
	rte_malloc_get_socket_stats(0, &before);
	open_all();
	close_all();
	wait_until(sl_rcu_poll(g->rcu) == 0);
	rte_malloc_get_socket_stats(0, &after);
	assert_int_equal(after.heap_allocsz_bytes, before.heap_allocsz_bytes);
	/* Less than 64 bytes a port: the allocator keeps some freed memory. */
	assert_in_range(mallinfo2().uordblks, 0, heap.uordblks + 64 * PORTS);
	assert_in_range(g->n_slots, PORTS, slots > PORTS ? slots : PORTS);
}

static void port_4097_is_refused(void **state)
{
	struct sl_err e = {0};
	char name[16];
	int id;

	(void)state;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "stub%u", i);
		assert_true(add(name, name, &e) >= 0);
	}
	assert_int_equal(add("one-more", "stub9999", &e), -ENOSPC);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "all 4096 ports are in use"));
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		sl_port_remove(g, i);
	wait_until(stubs_open == 0);
	id = add("again", "stub1", &e);
	assert_true(id >= 0);
	removed((uint16_t)id);
}

/* Turns of a worker that polls all ports and finds nothing, by its own counts. */
static void polling_an_idle_port_costs_little(void **state)
{
	struct sl_worker *w = g->worker[0];
	uint64_t polls = 0, cycles, best = UINT64_MAX;

	(void)state;
	open_all();
	for (unsigned int round = 0; round < 5; round++) {
		uint64_t dry = 0, then, idle;

		for (unsigned int i = 0; i < PORTS; i++)
			if (g->port[ids[i]]->rxq_worker[0] == 0)
				dry -= sl_counter_read(&g->port[ids[i]]->rxq[0].dry);
		idle = sl_counter_read(&w->counters.idle_cycles);
		then = rte_rdtsc();
		while (rte_rdtsc() - then < rte_get_tsc_hz() / 10)
			rte_delay_us_sleep(1000);
		cycles = sl_counter_read(&w->counters.idle_cycles) - idle;
		for (unsigned int i = 0; i < PORTS; i++)
			if (g->port[ids[i]]->rxq_worker[0] == 0)
				dry += sl_counter_read(&g->port[ids[i]]->rxq[0].dry);
		polls += dry;
		if (dry > 0 && cycles / dry < best)
			best = cycles / dry;
	}
	assert_true(polls > PORTS);
	print_message("one poll of an idle port: %.1f ns (%llu cycles), the best of 5 rounds\n",
		(double)best * 1e9 / (double)rte_get_tsc_hz(), (unsigned long long)best);
	assert_true((double)best * 1e9 / (double)rte_get_tsc_hz() < IDLE_NS_MOST);
	close_all();
}

/* Turns of the control thread between two ticks, when nothing happens to any port. */
static void a_turn_of_control_costs_little(void **state)
{
	uint64_t best = UINT64_MAX;
	uint32_t tick;

	(void)state;
	open_all();
	for (unsigned int round = 0; round < 200; round++) {
		uint64_t then;

		tick = sl_engine_tick(g);
		then = rte_rdtsc();
		sl_engine_poll(g);
		if (sl_engine_tick(g) == tick)
			best = RTE_MIN(best, rte_rdtsc() - then);
	}
	print_message("one turn of control: %.1f ns a port, the best of 200\n",
		(double)best * 1e9 / (double)rte_get_tsc_hz() / PORTS);
	assert_true((double)best * 1e9 / (double)rte_get_tsc_hz() / PORTS < TURN_NS_MOST);
	close_all();
}

/* Never sleeps: what is measured is polling. */
static int start_spinning(void **state)
{
	unsigned int cores[2], n = last_cpus(cores, 2);

	(void)state;
	sl_port_drivers_register(stub_drivers);
	return start_idle(cores, n, SL_IDLE_SPIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_a_thousand_ports_counts_its_own_packets),
		cmocka_unit_test(memory_does_not_grow_with_ports_that_come_and_go),
		cmocka_unit_test(polling_an_idle_port_costs_little),
		cmocka_unit_test(a_turn_of_control_costs_little),
		cmocka_unit_test(port_4097_is_refused),
	};

	return cmocka_run_group_tests_name("many ports", tests, start_spinning, stop);
}
