/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine with virtual devices and a pipeline of a few lines. One engine for all tests: EAL
 * starts once. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "dp/engine_internal.h"

#define DEADLINE_S 20

enum mode {
	FORWARD, /* to out_port */
	CONSUME,
	STASH,	/* keep one packet, consume the rest */
	UPCALL, /* what does not fit is dropped as UPCALL_FULL */
};

static struct sl_engine *g;
static unsigned int n_workers;
static _Atomic(int) mode;
static _Atomic(uint16_t) out_port;
static _Atomic(struct rte_mbuf *) stash;
static _Atomic(uint16_t) seen_mtu;
static char notices[1024];

static void note(const char *text)
{
	size_t len = strlen(notices);

	snprintf(notices + len, sizeof(notices) - len, "%s\n", text);
}

static void consume(struct sl_worker *w, struct rte_mbuf *m)
{
	rte_pktmbuf_free(m);
	sl_count(&w->counters.consumed, 1);
}

static void pass_up(struct sl_worker *w, struct rte_mbuf *m)
{
	const struct sl_upcall u = {.m = m, .kind = SL_UPCALL_ARP, .port = w->burst.in_port};

	if (sl_upcall_put(&w->rings, &u))
		return;
	rte_pktmbuf_free(m);
	sl_drop_count(w, SL_DROP_UPCALL_FULL, 1);
}

static void handle(struct sl_worker *w, struct rte_mbuf *m)
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

static void run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b)
{
	seen_mtu = in->mtu;
	for (unsigned int i = 0; i < b->n; i++)
		handle(w, b->pkt[i]);
}

static int start(void **state)
{
	unsigned int cores[2];
	cpu_set_t allowed;
	struct sl_err e;
	struct sl_engine_params p = {.cores = cores,
		.idle = SL_IDLE_ADAPTIVE,
		.hugepages = SL_HUGEPAGES_OFF,
		.memory_mb = 512,
		.mbufs = 1024,
		.run = run,
		.notice = note};

	(void)state;
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && n_workers < 2; cpu--)
		if (CPU_ISSET(cpu, &allowed))
			cores[n_workers++] = (unsigned int)cpu;
	p.n_cores = n_workers;
	g = sl_engine_create(&p, &e);
	if (g == NULL) {
		print_error("%s (%s)\n", e.message, e.path);
		return -1;
	}
	return sl_engine_start(g, &e);
}

static int stop(void **state)
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

static struct sl_port_params params(const char *name, const char *devargs)
{
	struct sl_port_params p = {.name = name, .devargs = devargs, .n_rxq = 1, .n_desc = 64};

	for (unsigned int q = 0; q < SL_QUEUES_MAX; q++)
		p.rxq_worker[q] = -1;
	return p;
}

static int add(const char *name, const char *devargs, struct sl_err *e)
{
	struct sl_port_params p = params(name, devargs);

	return sl_port_add(g, &p, e);
}

static uint16_t added(const char *name, const char *devargs)
{
	struct sl_err e = {0};
	int id = add(name, devargs, &e);

	if (id < 0)
		print_error("%s\n", e.message);
	assert_in_range(id, 0, SL_PORTS_MAX - 1);
	sl_port_publish(g, (uint16_t)id);
	return (uint16_t)id;
}

static void removed(uint16_t id)
{
	sl_port_remove(g, id);
	assert_null(sl_port_dp(g, id));
	wait_until(g->port[id].state == SL_PORT_FREE);
}

static uint64_t sum(size_t offset)
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

static uint64_t dropped(void)
{
	uint64_t v = 0;

	for (unsigned int r = 0; r < SL_DROP_COUNT; r++)
		v += sum(offsetof(struct sl_counters, drops) + r * sizeof(uint64_t));
	return v;
}

static uint64_t of_port(uint16_t id, size_t offset)
{
	return sum(
		offsetof(struct sl_counters, port) + id * sizeof(struct sl_port_counters) + offset);
}

#define port_total(id, field) of_port(id, offsetof(struct sl_port_counters, field))

static void assert_sum_holds(void)
{
	assert_int_equal(
		total(received) + total(generated), total(sent) + dropped() + total(consumed));
}

static void caller_becomes_lcore_0_and_hugepages_are_off(void **state)
{
	(void)state;
	assert_int_equal(rte_lcore_id(), 0);
	assert_false(sl_engine_hugepages(g));
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

static void device_can_be_added_again_at_once(void **state)
{
	uint16_t id;

	(void)state;
	mode = CONSUME;
	id = added("one", "net_null0");
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t before = total(received);

		wait_until(total(received) > before);
		sl_port_remove(g, id);
		id = added("one", "net_null0");
	}
	removed(id);
	wait_until(g->zombies == NULL);
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
	for (unsigned int q = 1; q < n_workers; q++) { /* that no queue of ours reads */
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
	if (n_workers < 2)
		skip();
	/* Worker 1's transmit queue of net_ring is a ring of its own, which no receive queue
	 * empties. */
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

static void port_number_33_is_refused(void **state)
{
	char device[SL_PORTS_MAX + 1][32];
	uint16_t id[SL_PORTS_MAX];
	struct sl_err e = {0};

	(void)state;
	for (unsigned int i = 0; i <= SL_PORTS_MAX; i++)
		snprintf(device[i], sizeof(device[i]), "net_null%u,no-rx=1", i);
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		id[i] = added(device[i], device[i]);
	assert_int_equal(add("one-more", device[SL_PORTS_MAX], &e), -ENOSPC);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "32"));
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		removed(id[i]);
	wait_until(g->zombies == NULL);
}

static void device_in_use_is_refused_by_the_port_that_has_it(void **state)
{
	uint16_t id = added("first", "net_null7,no-rx=1");
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(add("second", "net_null7,size=99", &e), -EEXIST);
	assert_string_equal(e.message, "port second: device net_null7 is in use by port first");
	assert_string_equal(e.path, "devargs");
	removed(id);
}

static void device_without_driver_is_refused_by_name(void **state)
{
	struct sl_err e = {0};

	(void)state;
	assert_true(add("bad", "net_nosuch0,a=b", &e) < 0);
	assert_int_equal(e.code, SL_ERR_DEVICE);
	assert_non_null(strstr(e.message, "net_nosuch0"));
	assert_true(add("bad", "", &e) < 0);
	assert_true(add("bad", ",,,", &e) < 0);
	assert_true(add("bad", "0000:ff:1f.6", &e) < 0);
}

static void device_that_does_not_open_leaves_nothing_behind(void **state)
{
	struct sl_err e = {0};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(add("bad", "net_pcap0,rx_pcap=/nonexistent/file", &e) < 0);
		assert_int_equal(e.code, SL_ERR_DEVICE);
		assert_non_null(strstr(e.message, "net_pcap0"));
	}
	assert_int_equal(rte_eth_dev_count_total(), 0);
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		assert_int_equal(g->port[i].state, SL_PORT_FREE);
}

static void more_queues_than_the_device_has_are_refused(void **state)
{
	struct sl_port_params p = params("wide", "net_pcap0,rx_iface=lo");
	char path[] = "/tmp/sluice-engine-XXXXXX", devargs[80];
	struct sl_err e = {0};
	int fd = mkstemp(path);
	const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
	close(fd);
	snprintf(devargs, sizeof(devargs), "net_pcap0,rx_pcap=%s", path);
	p.devargs = devargs;
	p.n_rxq = 4;
	assert_int_equal(sl_port_add(g, &p, &e), -ENODEV);
	unlink(path);
	assert_string_equal(e.path, "queues");
	assert_non_null(strstr(e.message, "at most 1 receive queues, 4"));
	assert_int_equal(rte_eth_dev_count_total(), 0);
}

static void queue_counts_and_workers_out_of_range_are_refused(void **state)
{
	struct sl_port_params p = params("bad", "net_null0");
	struct sl_err e = {0};

	(void)state;
	p.n_rxq = 0;
	assert_int_equal(sl_port_add(g, &p, &e), -EINVAL);
	p.n_rxq = SL_QUEUES_MAX + 1;
	assert_int_equal(sl_port_add(g, &p, &e), -EINVAL);
	p.n_rxq = 2;
	p.rxq_worker[1] = (int)n_workers;
	assert_int_equal(sl_port_add(g, &p, &e), -EINVAL);
	p.rxq_worker[1] = -1;
	p.n_desc = 65536;
	assert_int_equal(sl_port_add(g, &p, &e), -EINVAL);
}

static void queues_are_spread_over_the_least_loaded_workers(void **state)
{
	struct sl_port_params p = params("wide", "net_null0,no-rx=1");
	struct sl_port_info info;
	unsigned int count[2] = {0};
	int id;

	(void)state;
	if (n_workers < 2)
		skip();
	p.n_rxq = 5;
	p.rxq_worker[0] = 1;
	p.rxq_worker[3] = 1;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_info(g, (uint16_t)id, &info);
	assert_int_equal(info.rxq_worker[0], -1);
	sl_port_publish(g, (uint16_t)id);
	sl_port_info(g, (uint16_t)id, &info);
	for (unsigned int q = 0; q < 5; q++)
		count[info.rxq_worker[q]]++;
	assert_int_equal(info.rxq_worker[0], 1);
	assert_int_equal(info.rxq_worker[3], 1);
	assert_in_range(count[0], 2, 3);
	assert_int_equal(info.rxq_worker[5], -1);
	removed((uint16_t)id);
}

static void port_not_yet_published_is_neither_polled_nor_an_output(void **state)
{
	uint64_t before = total(received);
	uint32_t tick;
	int id;

	(void)state;
	mode = CONSUME;
	id = add("quiet", "net_null0", NULL);
	assert_true(id >= 0);
	assert_non_null(sl_port_dp(g, (uint16_t)id));
	assert_null(atomic_load(&g->ports[id]));
	tick = sl_engine_tick(g);
	wait_until(sl_engine_tick(g) > tick);
	assert_int_equal(total(received), before);
	sl_port_publish(g, (uint16_t)id);
	wait_until(total(received) > before);
	removed((uint16_t)id);
}

static void port_tells_about_itself(void **state)
{
	struct sl_port_params p = params("one", "net_null3,no-rx=1");
	struct sl_port_info info;
	int id;

	(void)state;
	p.has_mac = true;
	p.mac = (struct sl_mac){{2, 0, 0, 0, 0, 5}};
	p.mtu = 1400;
	p.underlay = true;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_info(g, (uint16_t)id, &info);
	assert_string_equal(info.driver, "net_null");
	assert_string_equal(info.device, "net_null3");
	assert_memory_equal(info.mac.b, p.mac.b, 6);
	assert_int_equal(info.mtu, 1400);
	assert_int_equal(info.n_rxq, 1);
	assert_int_equal(info.n_txq, n_workers);
	assert_true(sl_port_dp(g, (uint16_t)id)->underlay);
	removed((uint16_t)id);
	sl_port_info(g, (uint16_t)id, &info);
	assert_string_equal(info.device, "");
}

static void mtu_of_a_running_port_reaches_the_workers(void **state)
{
	uint16_t id = added("in", "net_null0");

	(void)state;
	mode = CONSUME;
	assert_int_equal(sl_port_set_mtu(g, id, 1333, NULL), 0);
	assert_int_equal(sl_port_dp(g, id)->mtu, 1333);
	wait_until(seen_mtu == 1333);
	assert_int_equal(sl_rcu_poll(sl_engine_rcu(g)) <= 2, 1);
	removed(id);
}

static void mtu_beyond_the_ports_buffers_is_refused_while_running(void **state)
{
	uint16_t id = added("in", "net_null0,no-rx=1");
	struct sl_err e = {0};
	uint16_t mtu = sl_port_dp(g, id)->mtu;

	(void)state;
	assert_true(sl_port_set_mtu(g, id, 9000, &e) < 0);
	assert_string_equal(e.path, "mtu");
	assert_true(sl_port_set_mtu(g, id, 12, &e) < 0);
	assert_int_equal(sl_port_dp(g, id)->mtu, mtu);
	assert_int_equal(sl_port_set_mtu(g, 31, 1400, &e), -ENOENT);
	removed(id);
}

static void jumbo_port_gets_buffers_that_hold_a_frame(void **state)
{
	struct sl_port_params p = params("jumbo", "net_null0,no-rx=1");
	int id;

	(void)state;
	p.mtu = 9000;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	assert_true(rte_pktmbuf_data_room_size(g->port[id].pool) >=
		    RTE_PKTMBUF_HEADROOM + 9000 + 14 + 8);
	removed((uint16_t)id);
	p.mtu = 70000;
	assert_true(sl_port_add(g, &p, NULL) < 0);
	p.mtu = 20;
	assert_true(sl_port_add(g, &p, NULL) < 0);
	assert_int_equal(rte_eth_dev_count_total(), 0);
}

static void af_packet_takes_its_limits_from_devargs_and_kernel(void **state)
{
	struct sl_port p = {.name = "up", .device = "net_af_packet0"};
	struct sl_err e = {0};

	(void)state;
	sl_af_packet_parse(&p, "iface=lo,qpairs=1,framesz=131072");
	assert_string_equal(p.iface, "lo");
	assert_int_equal(p.framesz, 131072);
	assert_int_equal(sl_af_packet_mtu(&p), 65536);
	assert_int_equal(sl_af_packet_mtu_set(&p, 65536, &e), 0);
	sl_af_packet_parse(&p, "iface=lo");
	assert_int_equal(p.framesz, 2048);
	assert_true(sl_af_packet_mtu_set(&p, 1945, &e) < 0);
	assert_string_equal(e.hint, "give the devargs framesz=4096 and blocksz=4096");
	sl_af_packet_parse(&p, NULL);
	sl_af_packet_parse(&p, "iface=no-such-iface0");
	assert_int_equal(sl_af_packet_mtu(&p), 0);
	assert_true(sl_af_packet_mtu_set(&p, 1600, &e) < 0);
	assert_non_null(strstr(e.message, "no-such-iface0"));
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
	assert_int_equal(g->port[id].state, SL_PORT_FREE);
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
	if (sysconf(_SC_NPROCESSORS_ONLN) > 2)
		skip();
	assert_non_null(strstr(notices, "the control thread shares core"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_becomes_lcore_0_and_hugepages_are_off),
		cmocka_unit_test(second_engine_in_a_process_is_refused),
		cmocka_unit_test(packets_flow_from_port_to_port_and_are_counted),
		cmocka_unit_test(output_removed_under_traffic_drops_as_port_gone),
		cmocka_unit_test(device_can_be_added_again_at_once),
		cmocka_unit_test(pool_outlives_its_port_until_the_last_buffer_is_back),
		cmocka_unit_test(all_buffers_come_home_through_another_port),
		cmocka_unit_test(full_transmit_queue_drops_as_tx_full),
		cmocka_unit_test(port_number_33_is_refused),
		cmocka_unit_test(device_in_use_is_refused_by_the_port_that_has_it),
		cmocka_unit_test(device_without_driver_is_refused_by_name),
		cmocka_unit_test(device_that_does_not_open_leaves_nothing_behind),
		cmocka_unit_test(more_queues_than_the_device_has_are_refused),
		cmocka_unit_test(queue_counts_and_workers_out_of_range_are_refused),
		cmocka_unit_test(queues_are_spread_over_the_least_loaded_workers),
		cmocka_unit_test(port_not_yet_published_is_neither_polled_nor_an_output),
		cmocka_unit_test(port_tells_about_itself),
		cmocka_unit_test(mtu_of_a_running_port_reaches_the_workers),
		cmocka_unit_test(mtu_beyond_the_ports_buffers_is_refused_while_running),
		cmocka_unit_test(jumbo_port_gets_buffers_that_hold_a_frame),
		cmocka_unit_test(af_packet_takes_its_limits_from_devargs_and_kernel),
		cmocka_unit_test(injected_packet_is_transmitted),
		cmocka_unit_test(packet_injected_for_a_gone_port_is_dropped_as_such),
		cmocka_unit_test(full_inject_ring_leaves_the_packet_with_the_caller),
		cmocka_unit_test(packets_passed_up_reach_the_control_thread),
		cmocka_unit_test(stopped_workers_hold_up_no_change),
		cmocka_unit_test(clock_ticks_ten_times_a_second),
		cmocka_unit_test(adaptive_workers_sleep_while_nothing_comes),
		cmocka_unit_test(shared_core_was_told_of),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
