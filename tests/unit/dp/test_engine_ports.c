/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports of the engine: adding, refusing, reporting and changing them. */
#include "engine_test.h"

#include "dp/device/device_outside.h"
#include "dp/device/dpdk.h"

#include <stdlib.h>
#include <unistd.h>

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

/* The workers' view of the former device is freed: the sanitizers find leaks. */
static void changed_port_goes_on_with_another_device(void **state)
{
	uint16_t id = added("one", "net_null0");
	struct sl_err e = {0};

	(void)state;
	mode = CONSUME;
	for (unsigned int i = 0; i < 4; i++) {
		const struct sl_port_params p = params("one", i % 2 ? "net_null0" : "net_null1");
		uint64_t before;

		assert_int_equal(sl_port_check_change(g, id, &p, &e), 0);
		sl_port_change(g, id, &p);
		wait_until(g->port[id]->state == SL_PORT_PUBLISHED);
		assert_string_equal(g->port[id]->device, i % 2 ? "net_null0" : "net_null1");
		assert_ptr_equal(atomic_load(&g->ports[id]), g->port[id]->dp);
		before = total(received);
		wait_until(total(received) > before);
		wait_until(!sl_port_dp(g, id)->refuse);
	}
	removed(id);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void dpdk_device_beyond_what_dpdk_takes_is_refused(void **state)
{
	char device[RTE_MAX_ETHPORTS + 1][32];
	uint16_t id[RTE_MAX_ETHPORTS];
	struct sl_err e = {0};

	(void)state;
	for (unsigned int i = 0; i <= RTE_MAX_ETHPORTS; i++)
		snprintf(device[i], sizeof(device[i]), "net_null%u,no-rx=1", i);
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++)
		id[i] = added(device[i], device[i]);
	assert_int_equal(add("one-more", device[RTE_MAX_ETHPORTS], &e), -ENOSPC);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "at most 32 devices"));
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++)
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

static void device_without_driver_takes_nobodys_away(void **state)
{
	uint16_t id;
	uint64_t before;
	struct sl_err e = {0};

	(void)state;
	mode = CONSUME;
	id = added("one", "net_null0"); /* has DPDK's device 0 */
	assert_true(add("bad", "net_nosuch0", &e) < 0);
	assert_true(rte_eth_dev_is_valid_port(0));
	before = total(received);
	wait_until(total(received) > before);
	removed(id);
	wait_until(g->zombies == NULL);
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
	for (unsigned int i = 0; i < g->n_slots; i++)
		assert_int_equal(g->port[i]->state, SL_PORT_FREE);
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
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
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

static void port_is_no_output_until_it_is_offered_and_not_polled_until_published(void **state)
{
	uint64_t before = total(received);
	uint32_t tick;
	int id;

	(void)state;
	mode = CONSUME;
	id = add("quiet", "net_null0", NULL);
	assert_true(id >= 0);
	assert_non_null(sl_port_dp(g, (uint16_t)id));
	for (unsigned int offered = 0; offered < 2; offered++) {
		if (offered)
			sl_port_offer(g, (uint16_t)id);
		assert_ptr_equal(atomic_load(&g->ports[id]), offered ? g->port[id]->dp : NULL);
		tick = sl_engine_tick(g);
		wait_until(sl_engine_tick(g) > tick);
		assert_int_equal(total(received), before);
	}
	sl_port_publish(g, (uint16_t)id);
	wait_until(total(received) > before);
	removed((uint16_t)id);
}

static void ports_offered_together_are_spread_over_the_workers(void **state)
{
	int a = add("one", "net_null0", NULL), b = add("two", "net_null1", NULL);

	(void)state;
	mode = CONSUME;
	assert_true(a >= 0 && b >= 0);
	sl_port_offer(g, (uint16_t)a);
	sl_port_offer(g, (uint16_t)b);
	sl_port_publish(g, (uint16_t)a);
	sl_port_publish(g, (uint16_t)b);
	if (n_workers > 1)
		assert_int_not_equal(g->port[a]->rxq_worker[0], g->port[b]->rxq_worker[0]);
	wait_until(port_total(a, rx_packets) > 0 && port_total(b, rx_packets) > 0);
	removed((uint16_t)a);
	removed((uint16_t)b);
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
	wait_until(sl_rcu_poll(sl_engine_rcu(g)) <= 2);
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
	assert_true(rte_pktmbuf_data_room_size(g->port[id]->pool) >=
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
	struct sl_dpdk x = {0};
	struct sl_port_device d = {.name = "up", .device = "net_af_packet0", .own = &x};
	struct sl_err e = {0};

	(void)state;
	sl_device_outside("net_af_packet0,iface=lo,qpairs=1", &d.outside);
	assert_string_equal(d.outside.iface, "lo");
	x.framesz = sl_af_packet_framesz("net_af_packet0,iface=lo,qpairs=1,framesz=131072");
	assert_int_equal(x.framesz, 131072);
	assert_int_equal(sl_af_packet_mtu_set(&d, 65536, &e), 0);
	x.framesz = sl_af_packet_framesz("net_af_packet0,iface=lo");
	assert_int_equal(x.framesz, 2048);
	assert_true(sl_af_packet_mtu_set(&d, 1945, &e) < 0);
	assert_string_equal(e.hint, "give the devargs framesz=4096 and blocksz=4096");
	assert_int_equal(sl_af_packet_framesz("net_af_packet0"), 2048);
	sl_device_outside("net_af_packet0,iface=no-such-iface0", &d.outside);
	assert_true(sl_af_packet_mtu_set(&d, 1600, &e) < 0);
	assert_non_null(strstr(e.message, "no-such-iface0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_can_be_added_again_at_once),
		cmocka_unit_test(changed_port_goes_on_with_another_device),
		cmocka_unit_test(dpdk_device_beyond_what_dpdk_takes_is_refused),
		cmocka_unit_test(device_in_use_is_refused_by_the_port_that_has_it),
		cmocka_unit_test(device_without_driver_is_refused_by_name),
		cmocka_unit_test(device_without_driver_takes_nobodys_away),
		cmocka_unit_test(device_that_does_not_open_leaves_nothing_behind),
		cmocka_unit_test(more_queues_than_the_device_has_are_refused),
		cmocka_unit_test(queue_counts_and_workers_out_of_range_are_refused),
		cmocka_unit_test(queues_are_spread_over_the_least_loaded_workers),
		cmocka_unit_test(
			port_is_no_output_until_it_is_offered_and_not_polled_until_published),
		cmocka_unit_test(ports_offered_together_are_spread_over_the_workers),
		cmocka_unit_test(port_tells_about_itself),
		cmocka_unit_test(mtu_of_a_running_port_reaches_the_workers),
		cmocka_unit_test(mtu_beyond_the_ports_buffers_is_refused_while_running),
		cmocka_unit_test(jumbo_port_gets_buffers_that_hold_a_frame),
		cmocka_unit_test(af_packet_takes_its_limits_from_devargs_and_kernel),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
