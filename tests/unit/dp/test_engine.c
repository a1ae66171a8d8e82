/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine: packets through it, both ways between workers and control thread, clock, idling. */
#include "engine_test.h"

#include <dirent.h>
#include <unistd.h>

static void caller_becomes_lcore_0_and_hugepages_are_off(void **state)
{
	(void)state;
	assert_int_equal(rte_lcore_id(), 0);
	assert_false(g->eal.hugepages);
	assert_int_equal(sl_engine_n_workers(g), n_workers);
	for (unsigned int i = 0; i < n_workers; i++)
		assert_ptr_equal(sl_engine_worker(g, i), g->worker[i]);
}

static void second_engine_in_a_process_is_refused(void **state)
{
	unsigned int core = g->worker[0]->core;
	struct sl_engine_params p = {.cores = &core,
		.n_cores = 1,
		.hugepages = SL_HUGEPAGES_OFF,
		.memory_mb = 64,
		.run = run};
	struct sl_err e = {0};
	cpu_set_t mine, all;

	(void)state;
	sched_getaffinity(0, sizeof(mine), &mine);
	CPU_ZERO(&all);
	CPU_SET(core, &all);
	sched_setaffinity(0, sizeof(all), &all);
	assert_null(sl_engine_create(&p, &e));
	sched_setaffinity(0, sizeof(mine), &mine);
	assert_non_null(strstr(e.message, "EAL did not start"));
}

static void packets_flow_from_port_to_port_and_are_counted(void **state)
{
	uint16_t out = added("out", "net_null1,no-rx=1");
	uint16_t in = (uint16_t)add("in", "net_null0,size=100", NULL);
	uint64_t rx_before = port_total(in, rx_packets), tx_before = port_total(out, tx_packets);
	uint64_t rx_bytes = port_total(in, rx_bytes), tx_bytes = port_total(out, tx_bytes);
	uint64_t rx, tx;

	(void)state;
	out_port = out;
	mode = FORWARD;
	sl_port_publish(g, in);
	wait_until(port_total(out, tx_packets) > tx_before + 10000);
	removed(in);
	removed(out);
	rx = port_total(in, rx_packets) - rx_before;
	tx = port_total(out, tx_packets) - tx_before;
	assert_true(tx > 10000 && tx <= rx);
	assert_int_equal(port_total(in, rx_bytes) - rx_bytes, rx * 100);
	assert_int_equal(port_total(out, tx_bytes) - tx_bytes, tx * 100);
	assert_sum_holds();
}

static void output_removed_under_traffic_drops_as_port_gone(void **state)
{
	size_t gone = offsetof(struct sl_counters, drops) + SL_DROP_PORT_GONE * sizeof(uint64_t);
	uint16_t in = added("in", "net_null0"), out = added("out", "net_null1,no-rx=1");
	uint64_t sent = total(sent), before = sum(gone);

	(void)state;
	out_port = out;
	mode = FORWARD;
	wait_until(total(sent) > sent + 1000);
	removed(out);
	wait_until(sum(gone) > before + 1000);
	sent = total(sent);
	out_port = added("out", "net_null1,no-rx=1");
	wait_until(total(sent) > sent + 1000);
	removed(in);
	removed(out_port);
	assert_sum_holds();
}

static void pool_outlives_its_port_until_the_last_buffer_is_back(void **state)
{
	uint16_t id = added("in", "net_null0");
	struct sl_zombie *z;

	(void)state;
	stash = NULL;
	mode = STASH;
	wait_until(stash != NULL);
	removed(id);
	wait_until(rte_mempool_in_use_count(g->zombies->pool) == 1);
	for (unsigned int i = 0; i < 100; i++) {
		sl_engine_poll(g);
		sl_rcu_drain(sl_engine_rcu(g));
	}
	z = g->zombies;
	assert_non_null(z);
	assert_ptr_equal(z->pool, stash->pool);
	rte_pktmbuf_free(stash);
	sl_count(&sl_engine_control_counters(g)->consumed, 1);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void all_buffers_come_home_through_another_port(void **state)
{
	uint16_t in = added("in", "net_null0"), out = added("loop", "net_ring0");
	uint64_t before = total(sent);

	(void)state;
	out_port = out;
	mode = FORWARD;
	wait_until(total(sent) > before + 5000);
	mode = CONSUME;
	removed(in);
	for (unsigned int q = 1; q < n_workers; q++) { /* none of the engine's queues reads these */
		struct rte_mbuf *m;
		struct rte_ring *r;
		char name[40];

		snprintf(name, sizeof(name), "ETH_RXTX%u_net_ring0", q);
		r = rte_ring_lookup(name);
		while (r != NULL && rte_ring_dequeue(r, (void **)&m) == 0)
			rte_pktmbuf_free(m);
	}
	wait_until(g->zombies == NULL);
	removed(out);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void full_transmit_queue_drops_as_tx_full(void **state)
{
	size_t full = offsetof(struct sl_counters, drops) + SL_DROP_TX_FULL * sizeof(uint64_t);
	struct sl_port_params p = params("in", "net_null0");
	uint64_t before = sum(full), port_before;
	struct rte_mbuf *m;
	uint16_t out;
	int in;

	(void)state;
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	/* Worker 1's transmit queue of net_ring is a ring of its own, which no
	 * receive queue reads. */
	out = added("loop", "net_ring1");
	port_before = port_total(out, tx_dropped);
	out_port = out;
	mode = FORWARD;
	p.rxq_worker[0] = 1;
	in = sl_port_add(g, &p, NULL);
	assert_true(in >= 0);
	sl_port_publish(g, (uint16_t)in);
	wait_until(sum(full) > before + 1000);
	removed((uint16_t)in);
	assert_int_equal(port_total(out, tx_dropped) - port_before, sum(full) - before);
	while (rte_ring_dequeue(rte_ring_lookup("ETH_RXTX1_net_ring1"), (void **)&m) == 0)
		rte_pktmbuf_free(m);
	mode = CONSUME;
	removed(out);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void injected_packet_is_transmitted(void **state)
{
	uint16_t id = added("out", "net_null0,no-rx=1");
	uint64_t before = port_total(id, tx_packets), bytes = port_total(id, tx_bytes);
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	(void)state;
	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	sl_count(&sl_engine_control_counters(g)->generated, 1);
	assert_true(sl_engine_inject(g, id, m));
	wait_until(port_total(id, tx_packets) == before + 1);
	assert_int_equal(port_total(id, tx_bytes), bytes + 60);
	removed(id);
	assert_sum_holds();
}

static void packet_injected_for_a_gone_port_is_dropped_as_such(void **state)
{
	size_t gone = offsetof(struct sl_counters, drops) + SL_DROP_PORT_GONE * sizeof(uint64_t);
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));
	uint64_t before = sum(gone);

	(void)state;
	assert_false(sl_engine_inject(g, SL_PORTS_MAX, m));
	sl_count(&sl_engine_control_counters(g)->generated, 1);
	assert_true(sl_engine_inject(g, 9, m));
	wait_until(sum(gone) == before + 1);
	wait_until(rte_mempool_full(sl_engine_pool(g)));
	assert_sum_holds();
}

static void full_inject_ring_leaves_the_packet_with_the_caller(void **state)
{
	unsigned int n = 0;
	struct rte_mbuf *m;
	struct sl_err e;

	(void)state;
	sl_engine_stop(g);
	for (;;) {
		m = rte_pktmbuf_alloc(sl_engine_pool(g));
		assert_non_null(m);
		if (!sl_engine_inject(g, 9, m))
			break;
		n++;
	}
	rte_pktmbuf_free(m);
	sl_count(&sl_engine_control_counters(g)->generated, n);
	assert_int_equal(n, 1023);
	assert_int_equal(sl_engine_start(g, &e), 0);
	wait_until(rte_mempool_full(sl_engine_pool(g)));
	assert_sum_holds();
}

static void want_of_buffers_for_packets_made_here_is_seen_and_counted(void **state)
{
	struct rte_mbuf **all = calloc(sl_engine_pool(g)->size + 1, sizeof(*all));
	unsigned int n = 0;
	struct sl_buffers b;

	(void)state;
	assert_non_null(all);
	wait_until(rte_mempool_full(sl_engine_pool(g)));
	assert_string_equal(sl_engine_buffers(g, 0, &b), "own");
	assert_null(sl_engine_buffers(g, 1, &b));
	assert_int_equal(b.n, sl_engine_pool(g)->size);
	assert_true(b.n_free > b.n / 2 && b.n_free <= b.n);
	assert_false(b.starved);
	assert_int_equal(b.n_dry, 0);
	while ((all[n] = sl_engine_packet_new(g)) != NULL)
		n++;
	assert_null(sl_engine_packet_new(g));
	wait_until((sl_engine_buffers(g, 0, &b), b.starved));
	assert_true(b.n_free <= n_workers * SL_POOL_CACHE * 3 / 2); /* in workers' caches */
	assert_true(b.n_dry >= 2);
	assert_int_equal(b.n_failed, 2);
	rte_pktmbuf_free_bulk(all, n);
	free(all);
	wait_until((sl_engine_buffers(g, 0, &b), !b.starved));
	assert_int_equal(b.n_failed, 2);
	assert_true(b.n_free > b.n / 2);
}

static void a_pool_that_ports_share_is_watched(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("shared", 255, 0, 0, 256, SOCKET_ID_ANY);
	struct rte_mbuf *all[255];
	struct sl_buffers b;

	(void)state;
	assert_non_null(pool);
	sl_shared_pool_note("shared", pool);
	assert_string_equal(sl_engine_buffers(g, 1, &b), "shared");
	assert_int_equal(b.n_free, 255);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, all, 255), 0);
	wait_until((sl_engine_buffers(g, 1, &b), b.starved));
	assert_int_equal(b.n_free, 0);
	rte_pktmbuf_free_bulk(all, 255);
	wait_until((sl_engine_buffers(g, 1, &b), !b.starved));
	assert_true(b.n_dry >= 2);
}

static void packets_passed_up_reach_the_control_thread(void **state)
{
	uint16_t id = added("in", "net_null0");
	struct sl_upcall u[32];
	unsigned int got = 0, n;

	(void)state;
	mode = UPCALL;
	while (got < 5000) {
		n = sl_engine_upcalls(g, u, RTE_DIM(u));
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(u[i].port, id);
			rte_pktmbuf_free(u[i].m);
		}
		sl_count(&sl_engine_control_counters(g)->consumed, n);
		got += n;
		if (n == 0)
			sched_yield();
	}
	mode = CONSUME;
	removed(id);
	while ((n = sl_engine_upcalls(g, u, RTE_DIM(u))) > 0) {
		for (unsigned int i = 0; i < n; i++)
			rte_pktmbuf_free(u[i].m);
		sl_count(&sl_engine_control_counters(g)->consumed, n);
	}
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void stopped_workers_hold_up_no_change(void **state)
{
	struct sl_err e;
	uint16_t id;

	(void)state;
	mode = CONSUME;
	id = added("in", "net_null0");
	sl_engine_stop(g);
	sl_engine_stop(g);
	sl_port_remove(g, id);
	assert_int_equal(sl_rcu_poll(sl_engine_rcu(g)), 0);
	wait_until(g->port[id]->state == SL_PORT_FREE);
	assert_sum_holds();
	assert_int_equal(sl_engine_start(g, &e), 0);
}

static void clock_ticks_ten_times_a_second(void **state)
{
	uint32_t before = sl_engine_tick(g);
	uint64_t start_tsc, end_tsc, ms;

	(void)state;
	assert_true(before > 0);
	wait_until(sl_engine_tick(g) > before);
	before = sl_engine_tick(g);
	start_tsc = rte_rdtsc();
	wait_until(sl_engine_tick(g) >= before + 3);
	end_tsc = rte_rdtsc();
	ms = (end_tsc - start_tsc) * 1000 / rte_get_tsc_hz();
	assert_true(ms >= 200);
	assert_int_equal(atomic_load(g->worker[0]->tick), sl_engine_tick(g));
}

/* Voluntary context switches of the threads that EAL made for lcores. */
static unsigned long worker_sleeps(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned long total = 0, v;
	char path[300], line[256];
	struct dirent *ent;

	assert_non_null(d);
	while ((ent = readdir(d)) != NULL) {
		bool is_worker = false;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", ent->d_name);
		f = fopen(path, "r");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			if (strncmp(line, "Name:", 5) == 0)
				is_worker = strstr(line, "worker") != NULL;
			if (is_worker && sscanf(line, "voluntary_ctxt_switches: %lu", &v) == 1)
				total += v;
		}
		if (f != NULL)
			fclose(f);
	}
	closedir(d);
	return total;
}

static void adaptive_workers_sleep_while_nothing_comes(void **state)
{
	uint64_t busy = total(busy_cycles), idle = total(idle_cycles);
	unsigned long before = worker_sleeps();

	(void)state;
	wait_until(worker_sleeps() > before + 100);
	wait_until(total(idle_cycles) > idle);
	assert_int_equal(total(busy_cycles), busy);
}

static void shared_core_was_told_of(void **state)
{
	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) > 2) {
		print_message("skip: needs a machine with no core to spare\n");
		skip();
	}
	assert_non_null(strstr(notices, "the control thread shares core"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_becomes_lcore_0_and_hugepages_are_off),
		cmocka_unit_test(second_engine_in_a_process_is_refused),
		cmocka_unit_test(packets_flow_from_port_to_port_and_are_counted),
		cmocka_unit_test(output_removed_under_traffic_drops_as_port_gone),
		cmocka_unit_test(pool_outlives_its_port_until_the_last_buffer_is_back),
		cmocka_unit_test(all_buffers_come_home_through_another_port),
		cmocka_unit_test(full_transmit_queue_drops_as_tx_full),
		cmocka_unit_test(injected_packet_is_transmitted),
		cmocka_unit_test(packet_injected_for_a_gone_port_is_dropped_as_such),
		cmocka_unit_test(full_inject_ring_leaves_the_packet_with_the_caller),
		cmocka_unit_test(want_of_buffers_for_packets_made_here_is_seen_and_counted),
		cmocka_unit_test(a_pool_that_ports_share_is_watched),
		cmocka_unit_test(packets_passed_up_reach_the_control_thread),
		cmocka_unit_test(stopped_workers_hold_up_no_change),
		cmocka_unit_test(clock_ticks_ten_times_a_second),
		cmocka_unit_test(adaptive_workers_sleep_while_nothing_comes),
		cmocka_unit_test(shared_core_was_told_of),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
